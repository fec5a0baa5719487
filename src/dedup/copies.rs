//! Pairs and groups of articles, out of the register.

use std::cmp::Reverse;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};

use super::catch_up::{Progress, again, caught_up};
use super::comparison::{
    Comparison, Group, InOrder, Member, Precedence, Relation, Subject, compare, moment, side_by_side,
};
use super::evidence::Evidence;
use super::register::{Kin, Register, RegisterError, Text, TextId};
use crate::kernels::Isa;
use crate::store::{Header, Snapshot, Store};
use crate::text::shingles::Overlap;
use crate::types::{ArticleId, PartialDate};

/// Which pairs and groups are wanted.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// The least share of one of two articles that is found in the other.
    pub least: f32,
    /// Of these relations; of all, where there are none.
    pub relations: Vec<Relation>,
    /// With an article of this date or later.
    pub since: Option<PartialDate>,
    /// With this article.
    pub of: Option<ArticleId>,
}

impl Selection {
    fn takes(&self, relation: Relation, evidence: &Evidence, dates: [Option<PartialDate>; 2]) -> bool {
        let recent = |since: PartialDate| dates.iter().flatten().any(|date| date.last_day() >= since.first_day());
        evidence.share_a.max(evidence.share_b) >= self.least
            && (self.relations.is_empty() || self.relations.contains(&relation))
            && self.since.is_none_or(recent)
    }
}

/// Two articles that have to do with each other; the first is the earlier, where that is known.
#[derive(Clone, Debug)]
pub struct Pair {
    /// What the second is to the first.
    pub relation: Relation,
    /// How sure that is, as in [`Comparison`].
    pub confidence: f32,
    /// The earlier, or the one that stands first.
    pub a: Header,
    /// The other.
    pub b: Header,
    /// Whether the first is the earlier.
    pub precedence: Precedence,
    /// By how many minutes, where the sources of both give a time.
    pub minutes: Option<i64>,
    /// What they have in common.
    pub evidence: Evidence,
    /// The representatives of their groups, each itself where it is in none: equal for two of one group.
    pub groups: (ArticleId, ArticleId),
}

/// The copies in a store.
pub struct Copies<'s> {
    store: &'s Store,
    texts: HashMap<TextId, Text>,
    kin: Vec<Kin>,
    /// The pairs of members with their representatives.
    stars: HashMap<(TextId, TextId), Kin>,
    /// The articles of texts that have several.
    identical: BTreeMap<TextId, Vec<ArticleId>>,
    /// Representatives of texts that are not their own.
    representatives: HashMap<TextId, TextId>,
    /// The text of the article that alone is asked for.
    of: Option<(ArticleId, TextId)>,
    selection: Selection,
    /// Articles that the register knows as they are no more: left out.
    changed: HashSet<ArticleId>,
    #[allow(dead_code, reason = "held for its drop")]
    moment: Option<Snapshot<'s>>,
}

/// How often a register is read again that another process was writing.
const ATTEMPTS: usize = 5;

impl<'s> Copies<'s> {
    /// The copies in a store, caught up with it; as long as this lives, everything read from the store is of one moment.
    ///
    /// # Errors
    /// When the store or the register fails.
    pub fn of(
        store: &'s Store,
        isa: Isa,
        selection: &Selection,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Self, RegisterError> {
        let mut tries = 0..ATTEMPTS;
        loop {
            let last = tries.next().is_none();
            let register = caught_up(store, isa, progress)?;
            let moment = store.snapshot()?;
            match register.at_once(|| Ok((register.sequence()?, Self::new(store, &register, selection.clone())?))) {
                Ok((sequence, copies)) if sequence == store.sequence()? || last => {
                    return Ok(Self { moment: Some(moment), ..copies });
                }
                Err(error) if error.is_damage() && !last => {
                    drop(moment);
                    again(store, isa)?;
                }
                // Another process wrote in between.
                Ok(_) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The copies as far as the register of a store knows them now, for those who cannot wait, with the number of articles that
    /// have changed since it was written: these are left out. None where there is no register yet.
    ///
    /// # Errors
    /// When the store or the register fails.
    pub fn known(store: &'s Store, selection: Selection) -> Result<Option<(Self, usize)>, RegisterError> {
        let Some(register) = Register::as_it_lies(store) else { return Ok(None) };
        register.at_once(|| {
            let copies = Self::new(store, &register, selection)?;
            let moment = store.snapshot()?;
            let changed: HashSet<_> = store.articles_changed_after(register.sequence()?)?.into_iter().collect();
            let behind = changed.len();
            Ok(Some((Self { changed, moment: Some(moment), ..copies }, behind)))
        })
    }

    /// What a register knows of the articles of its store, which must not change meanwhile.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn new(store: &'s Store, register: &Register, selection: Selection) -> Result<Self, RegisterError> {
        let of = match selection.of {
            Some(article) => register.text_of_article(article)?.map(|text| (article, text)),
            None => None,
        };
        let kin = match (of, selection.of) {
            (Some((_, text)), _) => register.kin_of(text)?,
            (None, Some(_)) => Vec::new(),
            (None, None) => register.kin()?,
        };
        let representatives = register.members()?;
        let around = match of {
            Some((_, text)) => register.kin_of(representatives.get(&text).copied().unwrap_or(text))?,
            None => kin.clone(),
        };
        let is_star =
            |kin: &&Kin| representatives.get(&kin.a) == Some(&kin.b) || representatives.get(&kin.b) == Some(&kin.a);
        let stars = around.iter().filter(is_star).map(|kin| ((kin.a, kin.b), *kin)).collect();
        Ok(Self {
            store,
            texts: register.texts()?,
            kin,
            stars,
            identical: register.identical()?,
            representatives,
            of,
            selection,
            changed: HashSet::new(),
            moment: None,
        })
    }

    /// The pairs, the strongest relation first, then the most alike. Of articles that read the same, each is paired with the
    /// earliest; two groups that tell one story are paired by the two articles that are closest.
    ///
    /// # Errors
    /// When the store fails.
    pub fn pairs(&self) -> Result<Vec<Pair>, RegisterError> {
        let mut pairs = Vec::new();
        let asked = |text: TextId| self.selection.of.is_none() || self.of.is_some_and(|(_, own)| own == text);
        for (text, articles) in self.identical.iter().filter(|(text, _)| asked(**text)) {
            let Some(centre) = self.speaks_for(*text) else { continue };
            for other in articles.iter().filter(|article| **article != centre) {
                pairs.extend(self.pair(
                    centre,
                    *other,
                    &WHOLE,
                    |_| Some((Relation::Identical, 1.0)),
                    (*text, *text),
                )?);
            }
        }
        // The closest two of two groups say it for all of them.
        let mut stories: BTreeMap<(TextId, TextId), Pair> = BTreeMap::new();
        for kin in &self.kin {
            let (Some(a), Some(b)) = (self.texts.get(&kin.a), self.texts.get(&kin.b)) else { continue };
            let (a, b) = if a.order() <= b.order() { (a, b) } else { (b, a) };
            let group = |text: &Text| self.representatives.get(&text.id).copied().unwrap_or(text.id);
            let groups = (group(a), group(b));
            let told = |evidence: &Evidence| evidence.relation(a.apart(b));
            let (Some(x), Some(y)) = (self.speaks_for(a.id), self.speaks_for(b.id)) else { continue };
            let Some(pair) = self.pair(x, y, &kin.evidence_from(a.id), told, groups)? else { continue };
            if pair.relation.is_copy() || self.of.is_some() {
                pairs.push(pair);
                continue;
            }
            let rank = |pair: &Pair| (pair.evidence.closeness, pair.a.key.clone(), pair.b.key.clone());
            match stories.entry((groups.0.min(groups.1), groups.0.max(groups.1))) {
                Entry::Vacant(place) => drop(place.insert(pair)),
                Entry::Occupied(mut place) if rank(&pair) > rank(place.get()) => drop(place.insert(pair)),
                Entry::Occupied(_) => {}
            }
        }
        pairs.extend(stories.into_values().filter(|pair| pair.groups.0 != pair.groups.1));
        pairs.sort_by(|p, q| {
            p.relation
                .cmp(&q.relation)
                .then(q.evidence.overlap.jaccard.total_cmp(&p.evidence.overlap.jaccard))
                .then(q.evidence.closeness.total_cmp(&p.evidence.closeness))
                .then_with(|| (&p.a.key, &p.b.key).cmp(&(&q.a.key, &q.b.key)))
        });
        Ok(pairs)
    }

    /// The article that a text is shown by: the one that is asked for, or else the earliest.
    fn speaks_for(&self, text: TextId) -> Option<ArticleId> {
        match self.of {
            Some((article, own)) if own == text => Some(article),
            _ => self.texts.get(&text).map(|text| text.article),
        }
    }

    /// The pair of two articles, whose evidence is seen from `x`, if it is wanted.
    fn pair(
        &self,
        x: ArticleId,
        y: ArticleId,
        evidence: &Evidence,
        relation: impl Fn(&Evidence) -> Option<(Relation, f32)>,
        groups: (TextId, TextId),
    ) -> Result<Option<Pair>, RegisterError> {
        if [x, y].iter().any(|article| self.changed.contains(article)) {
            return Ok(None);
        }
        let (x, y) = (self.store.header(x)?, self.store.header(y)?);
        let InOrder { turned, precedence, minutes } = InOrder::of(moment(self.store, &x)?, moment(self.store, &y)?);
        let (a, b, evidence) = if turned { (y, x, evidence.turned()) } else { (x, y, *evidence) };
        let Some((relation, confidence)) = relation(&evidence) else { return Ok(None) };
        if !self.selection.takes(relation, &evidence, [a.date, b.date]) {
            return Ok(None);
        }
        let representative = |text: TextId| self.texts[&text].article;
        let groups = (representative(groups.0), representative(groups.1));
        let groups = if turned { (groups.1, groups.0) } else { groups };
        Ok(Some(Pair { relation, confidence, a, b, precedence, minutes, evidence, groups }))
    }

    /// The groups, the largest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn groups(&self) -> Result<Vec<Group>, RegisterError> {
        let mut texts: BTreeMap<TextId, Vec<TextId>> = BTreeMap::new();
        self.identical.keys().for_each(|text| {
            texts.entry(self.representatives.get(text).copied().unwrap_or(*text)).or_default();
        });
        self.representatives.iter().for_each(|(member, own)| texts.entry(*own).or_default().push(*member));
        let mut groups = Vec::new();
        for (own, members) in texts {
            if self.of.is_some_and(|(_, text)| text != own && !members.contains(&text)) {
                continue;
            }
            if self.changed.contains(&self.texts[&own].article) {
                continue;
            }
            let representative = self.store.header(self.texts[&own].article)?;
            let first = moment(self.store, &representative)?;
            let mut group = Group { representative, members: Vec::new() };
            let (mut any, centre) = (false, self.texts[&own]);
            for text in std::iter::once(own).chain(members) {
                let evidence = match self.stars.get(&(own.min(text), own.max(text))) {
                    Some(kin) => kin.evidence_from(own),
                    None if text == own => WHOLE,
                    None => continue,
                };
                let Some((relation, confidence)) = evidence.relation(centre.apart(&self.texts[&text])) else {
                    continue;
                };
                for article in self.articles(text).filter(|article| *article != group.representative.id) {
                    let article = self.store.header(article)?;
                    let InOrder { precedence, minutes, .. } = InOrder::of(first, moment(self.store, &article)?);
                    let wanted = self.selection.takes(relation, &evidence, [group.representative.date, article.date]);
                    if !wanted && self.of.is_none() {
                        continue;
                    }
                    any |= wanted;
                    group.members.push(Member {
                        article,
                        relation,
                        confidence,
                        overlap: evidence.overlap,
                        share_of_first: evidence.share_a,
                        share: evidence.share_b,
                        precedence,
                        minutes,
                    });
                }
            }
            if any {
                group.members.sort_by_cached_key(|member| {
                    let minutes = member.minutes.unwrap_or(i64::MAX);
                    (member.article.date.is_none(), member.article.date, minutes, member.article.key.clone())
                });
                groups.push(group);
            }
        }
        groups.sort_by_cached_key(|group| (Reverse(group.members.len()), group.representative.key.clone()));
        Ok(groups)
    }

    fn articles(&self, text: TextId) -> impl Iterator<Item = ArticleId> + '_ {
        let several = self.identical.get(&text).into_iter().flatten().copied();
        let alone = (!self.identical.contains_key(&text)).then(|| self.texts[&text].article);
        several.chain(alone).filter(|article| !self.changed.contains(article))
    }

    /// A member of a group beside its representative.
    ///
    /// # Errors
    /// When the store fails.
    pub fn with_representative(&self, group: &Group, member: &Member) -> Result<Comparison, RegisterError> {
        let representative = Subject::stored(self.store, group.representative.clone())?;
        let comparison = side_by_side(representative, Subject::stored(self.store, member.article.clone())?);
        Ok(Comparison { relation: Some(member.relation), confidence: member.confidence, ..comparison })
    }

    /// The two articles of a pair beside each other.
    ///
    /// # Errors
    /// When the store fails.
    pub fn comparison(&self, pair: &Pair) -> Result<Comparison, RegisterError> {
        let subjects = [&pair.a, &pair.b].map(|header| Subject::stored(self.store, header.clone()));
        let [a, b] = subjects;
        let comparison = compare(a?, b?);
        // The register knows how common it is what they have in common.
        Ok(Comparison { relation: Some(pair.relation), confidence: pair.confidence, ..comparison })
    }
}

/// What articles have in common that read the same.
const WHOLE: Evidence = Evidence {
    overlap: Overlap { jaccard: 1.0, a_in_b: 1.0, b_in_a: 1.0 },
    share_a: 1.0,
    share_b: 1.0,
    words: 0,
    figures: 0,
    same_start: true,
    telling: 1.0,
    closeness: 1.0,
    facts: 0.0,
};
