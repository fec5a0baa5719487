//! Brings the register up to date with its store: a new text is compared with what is there, and nothing is done twice.
//!
//! 1. Each different text gets its [fingerprints](super::fingerprint).
//! 2. Texts with enough of them in common are candidates ([`super::candidates`]), and so are texts that are close in meaning
//!    and of the same days ([`stories`](super::stories)).
//! 3. Every candidate is read and compared: what remains is kept, with its [evidence](super::evidence).
//! 4. Where pairs changed, [groups](super::groups) are formed anew.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::candidates::{self, COMPARED, Candidate, candidates, tells};
use super::evidence::{Evidence, Readable, STORY_DAYS};
use super::facts;
use super::fingerprint::fingerprints;
use super::groups::{Versions, groups};
use super::moment::Moment;
use super::register::{Kin, Register, RegisterError, Text, TextId, path};
use super::source;
use super::stories::{Close, Meanings, closest};
use crate::embed::batch::share;
use crate::embed::cores;
use crate::kernels::Isa;
use crate::store::{Body, Filter, Store, TextKey};
use crate::types::{ArticleId, Span};

/// Changed articles beyond a quarter of all from which on it is quicker to begin anew.
const FEW_CHANGES: usize = 2_000;

/// Changed articles up to which a search catches up.
const QUICK: usize = 200;

/// Texts that are read at a time.
const TOGETHER: usize = 1_024;

/// Texts that are kept in memory to be compared.
const KEPT: usize = 16_384;

/// What is being done to a register, for those who wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is done.
    pub stage: Stage,
    /// How much of it is done.
    pub done: usize,
    /// How much there is.
    pub all: usize,
}

/// A stage of the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Texts get their fingerprints.
    Reading,
    /// Texts that are close in meaning are looked for.
    Meaning,
    /// Pairs are compared.
    Comparing,
    /// So many texts without a day cannot be compared by their meaning: there is no graph to look their neighbours up in.
    Undated,
    /// What was found is written.
    Writing,
}

/// The register of a store, caught up with it; in memory alone where the folder of the store may not be written.
///
/// # Errors
/// When the store or the register fails.
pub fn caught_up(store: &Store, isa: Isa, progress: &mut dyn FnMut(Progress)) -> Result<Register, RegisterError> {
    let Ok(lock) = lock_file(store) else {
        // Nobody may write there: what is up to date is good enough, and else it is for this time only.
        let _moment = store.snapshot()?;
        let mut work = Work::new(store, isa, progress);
        return match Register::as_it_lies(store) {
            Some(register) if register.sequence()? == store.sequence()? => Ok(register),
            _ => work.fill(Register::create(None)?),
        };
    };
    lock.file().lock()?;
    alone(store, isa, progress)
}

/// The register of a store for a search, which does not wait: as it lies, or caught up where that is quick and no other
/// process is at it; else none.
///
/// # Errors
/// When the store or the register fails.
pub fn at_hand(store: &Store, isa: Isa) -> Result<Option<Register>, RegisterError> {
    let known = Register::as_it_lies(store);
    let behind = match &known {
        Some(register) => store.articles_changed_after(register.sequence()?)?.len(),
        None => store.articles_matching(&Filter::default())?.len(),
    };
    if behind == 0 && known.is_some() {
        return Ok(known);
    }
    match lock_file(store) {
        Ok(lock) if behind <= QUICK && lock.file().try_lock().is_ok() => Ok(Some(alone(store, isa, &mut |_| {})?)),
        _ => Ok(None),
    }
}

/// Makes the register of a store anew, whatever there is.
///
/// # Errors
/// When the store fails, or its folder cannot be written.
pub fn again(store: &Store, isa: Isa) -> Result<(), RegisterError> {
    let lock = lock_file(store)?;
    lock.file().lock()?;
    let _moment = store.snapshot()?;
    Work::new(store, isa, &mut |_| {}).anew().map(drop)
}

/// The register, caught up by the one process that may write it; made anew where it is damaged.
fn alone(store: &Store, isa: Isa, progress: &mut dyn FnMut(Progress)) -> Result<Register, RegisterError> {
    let _moment = store.snapshot()?;
    let mut work = Work::new(store, isa, progress);
    match work.brought_forward() {
        Ok(Some(register)) => Ok(register),
        Err(error) if !error.is_damage() => Err(error),
        _ => work.anew(),
    }
}

/// The file by whose lock processes agree on who writes the register; the operating system gives it back when a process ends
/// in whatever way.
fn lock_file(store: &Store) -> std::io::Result<fs_err::File> {
    fs_err::create_dir_all(store.views())?;
    let mut options = fs_err::OpenOptions::new();
    options.create(true).truncate(false).write(true).open(store.views().join("copies.lock"))
}

/// Articles with the numbers of their texts.
type TextOfArticles = Vec<(ArticleId, TextId)>;

struct Work<'s> {
    store: &'s Store,
    isa: Isa,
    progress: &'s mut dyn FnMut(Progress),
    /// Texts that were read, by the article that has them.
    kept: HashMap<ArticleId, Readable>,
}

impl<'s> Work<'s> {
    fn new(store: &'s Store, isa: Isa, progress: &'s mut dyn FnMut(Progress)) -> Self {
        Self { store, isa, progress, kept: HashMap::new() }
    }

    fn tell(&mut self, stage: Stage, done: usize, all: usize) {
        (self.progress)(Progress { stage, done, all });
    }

    /// The register as it lies, caught up; none where there is none, or it is quicker to begin anew.
    fn brought_forward(&mut self) -> Result<Option<Register>, RegisterError> {
        let Some(register) = Register::to_write(self.store) else { return Ok(None) };
        let changed = self.store.articles_changed_after(register.sequence()?)?;
        if changed.len() > FEW_CHANGES.max(register.len()? / 4) {
            return Ok(None);
        }
        self.follow(&register, &changed)?;
        Ok(Some(register))
    }

    /// A register of all that is in the store, in its place once it is whole.
    fn anew(&mut self) -> Result<Register, RegisterError> {
        let new = path(self.store).with_extension("sqlite.new");
        match fs_err::remove_file(&new) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        drop(self.fill(Register::create(Some(&new))?)?);
        // What is left of an older file would be taken for a part of the new one.
        for rest in ["sqlite-journal", "sqlite-wal", "sqlite-shm"] {
            let _ = fs_err::remove_file(path(self.store).with_extension(rest));
        }
        // What others have open stays whole under its old name.
        fs_err::rename(&new, path(self.store))?;
        Register::to_write(self.store).ok_or_else(|| std::io::Error::other("it cannot be read again").into())
    }

    fn fill(&mut self, register: Register) -> Result<Register, RegisterError> {
        let (texts, articles) = self.texts()?;
        let days: Vec<_> = texts.iter().map(|text| text.days).collect();
        let (mut postings, mut sizes) = (Vec::new(), Vec::with_capacity(texts.len()));
        for chunk in texts.chunks(TOGETHER) {
            for (text, own) in chunk.iter().zip(self.fingerprints(chunk)?) {
                sizes.push(own.len() as u32);
                postings.extend(own.iter().map(|fingerprint| candidates::posting(*fingerprint, text.id - 1)));
            }
            self.tell(Stage::Reading, sizes.len(), texts.len());
        }
        postings.sort_unstable();
        let found = candidates(&postings, &sizes, &days);
        let mut kin = self.compare(&found, |place| texts[place as usize])?;
        let known: HashSet<(TextId, TextId)> = kin.iter().map(|kin| (kin.a, kin.b)).collect();
        let ids: HashMap<ArticleId, TextId> = articles.iter().copied().collect();
        let text_of = |article| Ok(ids.get(&article).map(|id| texts[*id as usize - 1]));
        let left_out = Meanings::new(self.store, self.isa).among_all(&texts, &text_of, &mut |done, close| {
            kin.extend(self.stories(close, &known, |id| texts[id as usize - 1])?);
            self.tell(Stage::Meaning, done, texts.len());
            Ok(())
        })?;
        if left_out > 0 {
            self.tell(Stage::Undated, 0, left_out);
        }
        let mut kin = closest_stories(kin);
        kin.sort_unstable_by_key(|kin| (kin.a, kin.b));

        let all = postings.len();
        register.write(self.store, self.store.sequence()?, || {
            self.tell(Stage::Writing, 0, all);
            texts.iter().zip(&sizes).try_for_each(|(text, size)| register.add_text(text, *size as usize))?;
            articles.iter().try_for_each(|(article, text)| register.add_article(*article, *text))?;
            for (at, posting) in postings.iter().enumerate() {
                let text = candidates::text_of(*posting) + 1;
                register.add_fingerprint(candidates::fingerprint_of(*posting), text)?;
                if at % (1 << 20) == 0 {
                    self.tell(Stage::Writing, at, all);
                }
            }
            kin.iter().try_for_each(|kin| register.add_kin(kin))?;
            for (member, representative) in grouped(&texts, &kin) {
                register.represent(member, representative)?;
            }
            Ok(())
        })?;
        Ok(register)
    }

    /// Every different text in order, numbered from 1, and the text of every article.
    fn texts(&self) -> Result<(Vec<Text>, TextOfArticles), RegisterError> {
        let bodies = self.store.bodies()?;
        let mut first: HashMap<TextKey, (Text, &str)> = HashMap::new();
        for body in &bodies {
            let own = (self.text(body, 0)?, body.key.as_str());
            first.entry(body.text).and_modify(|first| *first = earlier(*first, own)).or_insert(own);
        }
        let mut texts: Vec<Text> = first.into_values().map(|(text, _)| text).collect();
        texts.sort_unstable_by_key(Text::order);
        texts.iter_mut().zip(1..).for_each(|(text, id)| text.id = id);
        let ids: HashMap<TextKey, TextId> = texts.iter().map(|text| (text.key, text.id)).collect();
        let articles = bodies.iter().map(|body| (body.article, ids[&body.text])).collect();
        Ok((texts, articles))
    }

    /// The text of an article.
    fn text(&self, body: &Body, id: TextId) -> Result<Text, RegisterError> {
        let moment = match body.date {
            Some(date) => Some(Moment::new(date, &self.store.metadata(body.article)?)),
            None => None,
        };
        let day = |date: jiff::civil::Date| (date - jiff::civil::date(1970, 1, 1)).get_days();
        Ok(Text {
            id,
            key: body.text,
            article: body.article,
            days: moment.map(|moment| moment.days()).map(|(first, last)| (day(first), day(last))),
            minute: moment.and_then(|moment| moment.minute()).map(|minute| minute as i32),
        })
    }

    /// The text of some articles that have the same, as the earliest of them has it.
    fn earliest(&self, bodies: &[Body], id: TextId) -> Result<Option<Text>, RegisterError> {
        let texts = bodies.iter().map(|body| Ok((self.text(body, id)?, body.key.as_str())));
        let texts: Vec<(Text, &str)> = texts.collect::<Result<_, RegisterError>>()?;
        Ok(texts.into_iter().reduce(earlier).map(|(text, _)| text))
    }

    /// Takes in what changed.
    fn follow(&mut self, register: &Register, changed: &[ArticleId]) -> Result<(), RegisterError> {
        if changed.is_empty() {
            return Ok(());
        }
        register.write(self.store, self.store.sequence()?, || {
            // Texts whose pairs, and so whose groups, may be others now.
            let mut touched: BTreeSet<TextId> = BTreeSet::new();
            let (new, dated) = self.take_in(register, changed, &mut touched)?;
            for (done, text) in new.iter().enumerate() {
                let own = self.fingerprints(std::slice::from_ref(text))?.remove(0);
                register.add_text(text, own.len())?;
                own.iter().try_for_each(|fingerprint| register.add_fingerprint(*fingerprint, text.id))?;
                let holders = own.iter().map(|fingerprint| register.holders(*fingerprint));
                let holders: Vec<Vec<Text>> = holders.collect::<Result<_, _>>()?;
                self.revise(register, text, &holders)?;
                let others = candidates_of(register, text, holders)?;
                let by_id: HashMap<TextId, Text> = others.iter().map(|(other, _)| (other.id, *other)).collect();
                let found: Vec<Candidate> = others.iter().map(|(_, candidate)| *candidate).collect();
                for kin in self.compare(&found, |id| if id == text.id { *text } else { by_id[&id] })? {
                    register.add_kin(&kin)?;
                }
                touched.insert(text.id);
                self.tell(Stage::Reading, done + 1, new.len());
            }
            self.stories_of(register, &[new, dated].concat())?;
            self.regroup(register, touched)
        })
    }

    /// Notes which articles have which texts now; gives the texts that are new, without fingerprints yet, and those whose
    /// neighbours of the same days may be others now.
    fn take_in(
        &mut self,
        register: &Register,
        changed: &[ArticleId],
        touched: &mut BTreeSet<TextId>,
    ) -> Result<(Vec<Text>, Vec<Text>), RegisterError> {
        let mut dated = Vec::new();
        // Texts that lose one of their closest, and may have another instead.
        let mut bereft: BTreeSet<TextId> = BTreeSet::new();
        let mut new: BTreeMap<TextId, Vec<Body>> = BTreeMap::new();
        let mut ids: HashMap<TextKey, TextId> = HashMap::new();
        let mut next = register.greatest()? + 1;
        let mut left: BTreeSet<TextId> = BTreeSet::new();
        for article in changed {
            left.extend(register.text_of_article(*article)?);
            register.remove_article(*article)?;
            let Some(body) = self.store.body(*article)? else { continue };
            let id = match register.text_of(body.text)? {
                Some(text) => {
                    left.insert(text.id);
                    text.id
                }
                None => *ids.entry(body.text).or_insert_with(|| {
                    next += 1;
                    next - 1
                }),
            };
            register.add_article(*article, id)?;
            if ids.contains_key(&body.text) {
                new.entry(id).or_default().push(body);
            }
        }
        for id in left {
            let kin = register.kin_of(id)?;
            touched.extend(kin.iter().flat_map(|kin| [kin.a, kin.b]));
            let partners = kin.iter().filter(|kin| kin.is_story()).map(|kin| kin.other(id));
            let partners: BTreeSet<TextId> = partners.collect();
            let mut bodies = Vec::new();
            for article in register.articles_of(id)? {
                bodies.extend(self.store.body(article)?);
            }
            match self.earliest(&bodies, id)? {
                Some(text) => {
                    if register.text_of(text.key)?.is_some_and(|known| known.days != text.days) {
                        dated.push(text);
                        bereft.extend(partners);
                        for kin in kin.iter().filter(|kin| kin.is_story()) {
                            register.remove_kin(kin.a, kin.b)?;
                        }
                    }
                    register.date_text(&text)?;
                    touched.insert(id);
                }
                None => {
                    bereft.extend(partners);
                    register.remove_text(id)?;
                    touched.remove(&id);
                }
            }
        }
        for id in bereft {
            let known = dated.iter().any(|text: &Text| text.id == id);
            dated.extend(register.text(id)?.filter(|_| !known));
        }
        let mut texts = Vec::with_capacity(new.len());
        for (id, bodies) in new {
            texts.extend(self.earliest(&bodies, id)?);
        }
        Ok((texts, dated))
    }

    /// Looks again at pairs whose common fingerprints no longer tell of one story, now that a new text has them, too: `holders`
    /// are the texts that have each of its fingerprints.
    fn revise(&self, register: &Register, text: &Text, holders: &[Vec<Text>]) -> Result<(), RegisterError> {
        let mut revised: BTreeSet<(TextId, TextId)> = BTreeSet::new();
        for holders in holders {
            let before = || holders.iter().filter(|holder| holder.id != text.id);
            let told = tells(holders.len() - 1, before().map(|holder| holder.days));
            if !told || all_tell(holders) {
                continue;
            }
            let ids: HashSet<TextId> = holders.iter().map(|holder| holder.id).collect();
            for holder in before() {
                let kin = register.kin_of(holder.id)?;
                revised.extend(kin.iter().filter(|kin| ids.contains(&kin.other(holder.id))).map(|kin| (kin.a, kin.b)));
            }
        }
        for (a, b) in revised {
            let Some(kin) = register.kin_of(a)?.into_iter().find(|kin| (kin.a, kin.b) == (a, b)) else { continue };
            let (Some(first), Some(second)) = (register.text(a)?, register.text(b)?) else { continue };
            let (mut shared, mut telling) = (0, 0);
            let prints = self.fingerprints(&[first, second])?;
            for fingerprint in prints[0].iter().filter(|fingerprint| prints[1].binary_search(fingerprint).is_ok()) {
                let holders = register.holders(*fingerprint)?;
                shared += 1;
                telling += u32::from(all_tell(&holders));
            }
            let share = Candidate { a, b, shared, telling }.telling_share();
            let evidence = Evidence { telling: share, ..kin.evidence };
            register.remove_kin(a, b)?;
            if evidence.relation(None).is_some() {
                register.add_kin(&Kin { evidence, ..kin })?;
            }
        }
        Ok(())
    }

    /// Pairs new texts with those that tell of the same event, and lets go of pairs that are no longer among the closest.
    fn stories_of(&mut self, register: &Register, new: &[Text]) -> Result<(), RegisterError> {
        self.tell(Stage::Meaning, 0, new.len());
        let around = match new.iter().map(|text| text.days).collect::<Option<Vec<_>>>() {
            Some(days) => {
                let first = days.iter().map(|days| days.0).min().unwrap_or_default();
                let last = days.iter().map(|days| days.1).max().unwrap_or_default();
                register.texts_within(first - STORY_DAYS as i32, last + STORY_DAYS as i32)?
            }
            // What has no date may be of any day.
            None => register.texts()?.into_values().collect(),
        };
        let texts: HashMap<TextId, Text> = around.iter().chain(new).map(|text| (text.id, *text)).collect();
        let ids: HashSet<TextId> = new.iter().map(|text| text.id).collect();
        let others: Vec<Text> = around.into_iter().filter(|text| !ids.contains(&text.id)).collect();
        let close = Meanings::new(self.store, self.isa).of_new(new, &others)?;
        let mut known = HashSet::new();
        for text in new {
            known.extend(register.kin_of(text.id)?.iter().map(|kin| (kin.a, kin.b)));
        }
        let mut later: BTreeSet<TextId> = BTreeSet::new();
        for kin in self.stories(close, &known, |id| texts[&id])? {
            register.add_kin(&kin)?;
            later.insert(std::cmp::max_by_key(kin.a, kin.b, |id| texts[id].order()));
        }
        for later in later {
            let before = register.kin_of(later)?.into_iter().filter(Kin::is_story);
            let before: Vec<Close> = before
                .map(|kin| Close { earlier: kin.other(later), later, closeness: kin.evidence.closeness })
                .filter(|close| texts.get(&close.earlier).is_some_and(|text| text.order() < texts[&later].order()))
                .collect();
            let kept = closest(before.clone(), |close| *close);
            for close in before.iter().filter(|close| !kept.contains(close)) {
                register.remove_kin(close.earlier, close.later)?;
            }
        }
        Ok(())
    }

    /// Forms the groups of texts anew that hang together with those that were touched.
    fn regroup(&self, register: &Register, touched: BTreeSet<TextId>) -> Result<(), RegisterError> {
        let mut reached: BTreeMap<TextId, Text> = BTreeMap::new();
        for id in touched {
            reached.extend(register.text(id)?.map(|text| (id, text)));
        }
        let mut waiting: Vec<Text> = reached.values().copied().collect();
        let mut pairs: BTreeMap<(TextId, TextId), Kin> = BTreeMap::new();
        while let Some(text) = waiting.pop() {
            for kin in register.kin_of(text.id)? {
                let Some(other) = register.text(kin.other(text.id))? else { continue };
                if kin.version(&text, &other).is_some() {
                    pairs.insert((kin.a, kin.b), kin);
                    if reached.insert(other.id, other).is_none() {
                        waiting.push(other);
                    }
                }
            }
        }
        let pairs: Vec<Kin> = pairs.into_values().collect();
        let mut texts: Vec<Text> = reached.into_values().collect();
        texts.sort_unstable_by_key(Text::order);
        let members: HashMap<TextId, TextId> = grouped(&texts, &pairs).into_iter().collect();
        for text in &texts {
            register.represent(text.id, members.get(&text.id).copied().unwrap_or(text.id))?;
        }
        Ok(())
    }

    fn fingerprints(&self, texts: &[Text]) -> Result<Vec<Vec<u64>>, RegisterError> {
        let read = self.sources(texts)?;
        share(&read, cores(), |(text, furniture)| Ok(fingerprints(&Readable::new(text, furniture).telling_shingles())))
    }

    /// The texts as published, with their page furniture.
    fn sources(&self, texts: &[Text]) -> Result<Vec<(String, Vec<Span>)>, RegisterError> {
        texts.iter().map(|text| Ok(source(self.store, text.article)?)).collect()
    }

    /// Reads what is not at hand of the texts of some pairs.
    fn read(&mut self, pairs: &[(Text, Text)]) -> Result<(), RegisterError> {
        if self.kept.len() > KEPT {
            self.kept.clear();
        }
        let missing: BTreeMap<ArticleId, Text> = pairs
            .iter()
            .flat_map(|(a, b)| [(a.article, *a), (b.article, *b)])
            .filter(|(article, _)| !self.kept.contains_key(article))
            .collect();
        let missing: Vec<Text> = missing.into_values().collect();
        let read = share(&self.sources(&missing)?, cores(), |(text, furniture)| {
            Ok::<_, RegisterError>(Readable::new(text, furniture))
        })?;
        self.kept.extend(missing.iter().map(|text| text.article).zip(read));
        Ok(())
    }

    /// Compares pairs of texts.
    fn evidence(&mut self, pairs: &[(Text, Text)]) -> Result<Vec<Kin>, RegisterError> {
        self.read(pairs)?;
        share(pairs, cores(), |(a, b)| {
            let (a, b) = if a.id < b.id { (a, b) } else { (b, a) };
            let evidence = Evidence::between(&self.kept[&a.article], &self.kept[&b.article]);
            Ok(Kin { a: a.id, b: b.id, evidence })
        })
    }

    /// Compares candidates, whose numbers stand for texts as `text` says; those that share too little are left out.
    fn compare(&mut self, found: &[Candidate], text: impl Fn(u32) -> Text) -> Result<Vec<Kin>, RegisterError> {
        let mut kin = Vec::new();
        for (at, chunk) in found.chunks(TOGETHER).enumerate() {
            let pairs: Vec<(Text, Text)> = chunk.iter().map(|found| (text(found.a), text(found.b))).collect();
            for (candidate, mut compared) in chunk.iter().zip(self.evidence(&pairs)?) {
                compared.evidence.telling = candidate.telling_share();
                if compared.evidence.relation(None).is_some() {
                    kin.push(compared);
                }
            }
            self.tell(Stage::Comparing, at * TOGETHER + chunk.len(), found.len());
        }
        Ok(kin)
    }

    /// Of texts that are close in meaning, and no copies, those that share enough facts to be told of one event: for each
    /// text the closest before it.
    fn stories(
        &mut self,
        close: Vec<Close>,
        known: &HashSet<(TextId, TextId)>,
        text: impl Fn(TextId) -> Text,
    ) -> Result<Vec<Kin>, RegisterError> {
        let close: Vec<Close> = close.into_iter().filter(|close| !known.contains(&close.ids())).collect();
        let mut telling: Vec<(Close, f32)> = Vec::new();
        for chunk in close.chunks(TOGETHER) {
            let articles: BTreeSet<ArticleId> =
                chunk.iter().flat_map(|close| [text(close.earlier).article, text(close.later).article]).collect();
            let articles: Vec<ArticleId> = articles.into_iter().collect();
            let texts: Vec<String> =
                articles.iter().map(|article| self.store.text(*article)).collect::<Result<_, _>>()?;
            let facts = share(&texts, cores(), |text| Ok::<_, RegisterError>(facts::facts(text)))?;
            let of = |id: TextId| &facts[articles.partition_point(|article| *article < text(id).article)];
            for close in chunk {
                let facts = facts::evidence(&facts::shared(of(close.earlier), of(close.later)));
                let evidence = Evidence { closeness: close.closeness, facts, ..Evidence::default() };
                if evidence.story(text(close.earlier).apart(&text(close.later))).is_some() {
                    telling.push((*close, facts));
                }
            }
        }
        let mut kin = Vec::new();
        for chunk in closest(telling, |(close, _)| *close).chunks(TOGETHER) {
            let pairs: Vec<(Text, Text)> =
                chunk.iter().map(|(close, _)| (text(close.earlier), text(close.later))).collect();
            for ((close, facts), found) in chunk.iter().zip(self.evidence(&pairs)?) {
                let evidence = Evidence { closeness: close.closeness, facts: *facts, ..found.evidence };
                kin.push(Kin { evidence, ..found });
            }
        }
        Ok(kin)
    }
}

/// Whether a fingerprint that these texts have tells of one story.
fn all_tell(holders: &[Text]) -> bool {
    tells(holders.len(), holders.iter().map(|holder| holder.days))
}

/// The texts that have enough fingerprints in common with a new one; `holders` are those that have each of its fingerprints.
fn candidates_of(
    register: &Register,
    text: &Text,
    holders: Vec<Vec<Text>>,
) -> Result<Vec<(Text, Candidate)>, RegisterError> {
    let own = holders.len() as u32;
    let mut met: HashMap<TextId, (Text, Candidate)> = HashMap::new();
    for mut holders in holders {
        let tells = all_tell(&holders);
        if holders.len() > COMPARED {
            holders.sort_unstable_by_key(Text::order);
            // One of the first is compared with all others, the others with the first.
            if !holders[..COMPARED].iter().any(|holder| holder.id == text.id) {
                holders.truncate(COMPARED);
            }
        }
        for holder in holders.into_iter().filter(|holder| holder.id != text.id) {
            let (a, b) = (holder.id.min(text.id), holder.id.max(text.id));
            let (_, candidate) = met.entry(holder.id).or_insert((holder, Candidate { a, b, shared: 0, telling: 0 }));
            candidate.shared += 1;
            candidate.telling += u32::from(tells);
        }
    }
    let mut found = Vec::new();
    for (other, candidate) in met.into_values() {
        if Candidate::is_worth_it(candidate.shared, own, register.fingerprint_count(other.id)?) {
            found.push((other, candidate));
        }
    }
    found.sort_unstable_by_key(|(other, _)| other.id);
    Ok(found)
}

/// Of two articles with the same text, the one that stands for it.
fn earlier<'b>(a: (Text, &'b str), b: (Text, &'b str)) -> (Text, &'b str) {
    if (a.0.order(), a.1) <= (b.0.order(), b.1) { a } else { b }
}

/// All copies, and of the stories of each text the closest before it: texts are numbered in their order.
fn closest_stories(kin: Vec<Kin>) -> Vec<Kin> {
    let (stories, mut kept): (Vec<Kin>, Vec<Kin>) = kin.into_iter().partition(Kin::is_story);
    let close = |kin: &Kin| Close { earlier: kin.a, later: kin.b, closeness: kin.evidence.closeness };
    kept.extend(closest(stories, close));
    kept
}

/// The members of groups, with their representatives. `texts` in order hold all that `kin` names and that is a version.
fn grouped(texts: &[Text], kin: &[Kin]) -> Vec<(TextId, TextId)> {
    let places: HashMap<TextId, usize> = texts.iter().enumerate().map(|(place, text)| (text.id, place)).collect();
    let mut versions = Vec::new();
    for kin in kin {
        let (Some(&a), Some(&b)) = (places.get(&kin.a), places.get(&kin.b)) else { continue };
        if let Some(alike) = kin.version(&texts[a], &texts[b]) {
            versions.push(Versions { earlier: a.min(b), later: a.max(b), alike });
        }
    }
    groups(&versions).into_iter().map(|(member, representative)| (texts[member].id, texts[representative].id)).collect()
}
