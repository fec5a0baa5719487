//! What finding near-duplicates costs and finds among as many articles as asked for, made of a smaller store.
//!
//! `cargo bench --bench copies -- --from STORE --into FOLDER --articles 31000,100000,300000,1000000`
//!
//! The store grows from number to number. At each, a process of its own looks for duplicates, and another one does so after a
//! thousand more articles came. A run that was stopped goes on where it was. A million articles take some 5 GB.
//!
//! An article is made of runs of sentences of two or three real ones, with one word in three exchanged for a word of yet
//! another, so that no two have much in common, yet many share phrases. Three in ten are made of an earlier one, a few
//! days later: see [`Kind`]. Those are the pairs that are to be found. Dates spread over ten years. Each article is one passage, with
//! the vector of a real one turned by a random angle. It depends on its number alone, so who is made of whom need not be kept.
//!
//! Without arguments it makes a small one, and fails if planted pairs are missed, so that the tests run it too.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints its result")]

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use voisin::bench::machine::peak_memory;
use voisin::dedup::{Copies, Progress, Relation, Selection, Stage, caught_up};
use voisin::kernels::Isa;
use voisin::store::{Field, Store};
use voisin::text::sentences;
use voisin::types::{Article, PartialDate};

use synthetic::{Failure, Random, Source, TOGETHER, TURN, exchange, like, read, size, small, turn, written};

#[path = "common/synthetic.rs"]
mod synthetic;

/// Of a hundred articles, those that are made of an earlier one.
const PLANTED: usize = 30;
/// Words of which one is exchanged, in an article of its own and in an edited copy.
const EXCHANGED: u64 = 3;
const EDITED: u64 = 33;
/// Sentences of a real article that is worth cutting up, and how much an article has of them: it is about as long as an article
/// of any length.
const SENTENCES: usize = 8;
const KEPT: f64 = 0.7;
/// Days over which articles spread.
const DAYS: usize = 3650;
/// Length of what is added to the vector of an article for one that is made of it: a cosine of 0.98.
const NEAR: f32 = 0.2;
/// Articles that come after each number, to see what they alone cost.
const MORE: usize = 1000;

/// What an article is to the earlier one that it is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// The same text.
    Identical,
    /// The same text, but for one word in 33.
    Edited,
    /// Two fifths of its sentences, in a row.
    Excerpt,
    /// All of its sentences, in the middle of another article.
    Extended,
    /// Half of its sentences, in a row, after half of another article.
    Mixed,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Identical, Self::Edited, Self::Excerpt, Self::Extended, Self::Mixed];

    /// The relations that say it well.
    fn relations(self) -> &'static [Relation] {
        match self {
            Self::Identical => &[Relation::Identical],
            Self::Edited => &[Relation::Republished, Relation::Updated],
            Self::Excerpt => &[Relation::Excerpt],
            Self::Extended => &[Relation::Contains],
            Self::Mixed => &[Relation::SharedSource],
        }
    }
}

/// A real article, with the vector of its first passage.
struct Real {
    article: Article,
    title: String,
    text: String,
    sentences: Vec<String>,
    vector: Vec<f32>,
}

impl Real {
    fn new(source: Source) -> Option<Self> {
        let part = |wanted| source.passages.iter().filter(move |(field, ..)| *field == wanted);
        let title = part(Field::Title).map(|(_, text, _)| text.as_str()).collect::<Vec<_>>().join(" ");
        let text = part(Field::Body).map(|(_, text, _)| text.as_str()).collect::<Vec<_>>().join("\n");
        let vector = part(Field::Body).map(|(.., vector)| vector.clone()).next()?;
        let sentences: Vec<String> = sentences(&text).iter().map(|span| text[span.range()].trim().to_owned()).collect();
        (sentences.len() >= SENTENCES).then_some(Self { article: source.article, title, text, sentences, vector })
    }
}

/// An article that was made.
#[derive(Clone)]
struct Made {
    title: String,
    sentences: Vec<String>,
    vector: Vec<f32>,
    /// Of the ten years.
    day: usize,
}

/// `share` of a list, at least one, in a row.
fn run<'a>(of: &'a [String], share: f64, random: &mut Random) -> &'a [String] {
    let length = ((of.len() as f64 * share).round() as usize).clamp(1, of.len());
    let start = random.below(of.len() - length + 1);
    &of[start..start + length]
}

/// Whether the article of this number is made of an earlier one.
fn is_planted(number: usize) -> bool {
    number > 0 && Random(number as u64).below(100) < PLANTED
}

/// What the article of this number is to which earlier one, if it is made of one.
fn planted(number: usize) -> Option<(Kind, usize)> {
    let mut random = Random(number as u64);
    if random.below(100) >= PLANTED || number == 0 {
        return None;
    }
    let kind = Kind::ALL[random.below(Kind::ALL.len())];
    // The first article of all is made of none.
    let earlier = std::iter::repeat_with(|| random.below(number)).find(|earlier| !is_planted(*earlier))?;
    Some((kind, earlier))
}

/// An article of its own.
fn fresh(real: &[Real], number: usize) -> Made {
    let mut random = Random(!(number as u64));
    let parts = 2 + random.below(2);
    let mut sentences = Vec::new();
    let (mut title, mut vector) = (String::new(), Vec::new());
    for part in 0..parts {
        let (source, other) = (&real[random.below(real.len())], &real[random.below(real.len())]);
        let words: Vec<&str> = other.text.split_whitespace().collect();
        if part == 0 {
            title = exchange(&source.title, &words, EXCHANGED, &mut random);
            vector = turn(&source.vector, TURN, &mut random);
        }
        for sentence in run(&source.sentences, KEPT / parts as f64, &mut random) {
            sentences.push(exchange(sentence, &words, EXCHANGED, &mut random));
        }
    }
    Made { title, sentences, vector, day: random.below(DAYS) }
}

/// The article of this number.
fn made(real: &[Real], number: usize) -> Made {
    let new = fresh(real, number);
    let Some((kind, earlier)) = planted(number) else { return new };
    let earlier = fresh(real, earlier);
    let mut random = Random(!(number as u64) ^ 1 << 63);
    let (title, sentences) = match kind {
        Kind::Identical => (earlier.title, earlier.sentences),
        Kind::Edited => {
            let words: Vec<&str> = new.sentences.iter().flat_map(|sentence| sentence.split(' ')).collect();
            let edit = |sentence: &String| exchange(sentence, &words, EDITED, &mut random);
            (earlier.title, earlier.sentences.iter().map(edit).collect())
        }
        Kind::Excerpt => (new.title, run(&earlier.sentences, 0.4, &mut random).to_vec()),
        Kind::Extended => {
            let (before, after) = new.sentences.split_at(new.sentences.len() / 2);
            (new.title, [before, &earlier.sentences, after].concat())
        }
        Kind::Mixed => {
            let (own, shared) = (run(&new.sentences, 0.5, &mut random), run(&earlier.sentences, 0.5, &mut random));
            (new.title, [own, shared].concat())
        }
    };
    let day = earlier.day + 1 + random.below(3);
    // Equal texts have one vector.
    let vector = if kind == Kind::Identical { earlier.vector } else { turn(&earlier.vector, NEAR, &mut random) };
    Made { title, sentences, vector, day }
}

/// A day of the ten years.
fn date(day: usize) -> Option<PartialDate> {
    let date = jiff::civil::date(2010, 1, 1).saturating_add(jiff::Span::new().days(day as i64));
    PartialDate::new(date.year(), Some(date.month()), Some(date.day()))
}

/// Adds articles to a store until it has as many as wanted.
fn grow(real: &[Real], store: &mut Store, wanted: usize) -> Result<(), Failure> {
    let start = Instant::now();
    // Nothing is ever removed, so the newest has the number of all.
    let mut number = store.newest()?.0 as usize;
    while number < wanted {
        let (mut articles, mut vectors) = (Vec::new(), HashMap::new());
        while articles.len() < TOGETHER && number < wanted {
            let made = made(real, number);
            let source = &real[number % real.len()].article;
            let article = Article {
                key: number.to_string(),
                title: Some(made.title),
                date: date(made.day),
                source: source.source.clone(),
                language: source.language.clone(),
                ..Article::default()
            };
            let (article, own) = written(article, vec![(Field::Body, made.sentences.join("\n"), made.vector)]);
            articles.push(article);
            vectors.extend(own);
            number += 1;
        }
        store.put(&articles, &vectors)?;
        eprint!("\r{number} of {wanted} articles, {:.0} s ", start.elapsed().as_secs_f64());
    }
    eprintln!();
    Ok(())
}

/// What was found in a store.
struct Found {
    /// How long each stage took, in seconds.
    stages: Vec<(String, f64)>,
    /// The relation of each pair, by the numbers of its articles, the earlier first.
    pairs: HashMap<(usize, usize), Relation>,
    /// How many groups there are.
    groups: usize,
}

impl Found {
    /// Looks for the duplicates of a store.
    fn new(folder: &Path) -> Result<Self, Failure> {
        let store = Store::open(folder)?;
        let (mut stages, mut last) = (Vec::<(String, f64)>::new(), Instant::now());
        let mut took = |stage: String| {
            let seconds = last.elapsed().as_secs_f64();
            last = Instant::now();
            match stages.iter_mut().find(|(name, _)| *name == stage) {
                Some((_, sum)) => *sum += seconds,
                None => stages.push((stage, seconds)),
            }
        };
        // Progress is told when a part is done.
        let mut tell = |Progress { stage, done, all }| {
            took(format!("{stage:?}"));
            eprint!("\r{stage:?} {done} of {all} ");
        };
        let register = caught_up(&store, Isa::best(), &mut tell)?;
        eprintln!();
        took(format!("{:?}", Stage::Writing));
        let copies = Copies::new(&store, &register, Selection::default())?;
        let mut pairs = HashMap::new();
        for pair in copies.pairs()? {
            pairs.insert((pair.a.key.parse()?, pair.b.key.parse()?), pair.relation);
        }
        let groups = copies.groups()?.len();
        took("Listing".to_owned());
        Ok(Self { stages, pairs, groups })
    }

    /// Of the planted pairs of a kind among the first `articles`: how many there are, how many were found to be copies, and
    /// how many copies of that kind.
    fn recall(&self, kind: Kind, articles: usize) -> [usize; 3] {
        // Identical copies are paired with the first of them, which stands for all.
        let first: HashMap<usize, usize> = self
            .pairs
            .iter()
            .filter(|(_, relation)| **relation == Relation::Identical)
            .map(|((a, b), _)| (*b, *a))
            .collect();
        let mut counts = [0; 3];
        for number in 0..articles {
            let Some((_, earlier)) = planted(number).filter(|(of, _)| *of == kind) else { continue };
            let earlier = first.get(&earlier).copied().unwrap_or(earlier);
            let relation = self.pairs.get(&(earlier, number)).or_else(|| self.pairs.get(&(number, earlier)));
            counts[0] += 1;
            counts[1] += usize::from(relation.is_some_and(|relation| relation.is_copy()));
            counts[2] += usize::from(relation.is_some_and(|relation| kind.relations().contains(relation)));
        }
        counts
    }

    /// How many pairs have nothing planted in common: what they share comes from the real articles that both were cut from.
    fn unplanted(&self) -> usize {
        let root = |number: usize| planted(number).map_or(number, |(_, earlier)| earlier);
        self.pairs.keys().filter(|(a, b)| root(*a) != root(*b)).count()
    }
}

/// Looks for duplicates, and prints what that took and found.
fn measure(folder: &Path) -> Result<Found, Failure> {
    let articles = Store::open(folder)?.newest()?.0 as usize;
    let found = Found::new(folder)?;
    println!("{articles} articles");
    for (stage, seconds) in &found.stages {
        println!("  {stage}: {seconds:.2} s");
    }
    let mut relations: BTreeMap<Relation, usize> = BTreeMap::new();
    found.pairs.values().for_each(|relation| *relations.entry(*relation).or_default() += 1);
    println!("  {} pairs: {relations:?}; {} groups", found.pairs.len(), found.groups);
    println!("  of them, neither planted nor made of the same article: {}", found.unplanted());
    for kind in Kind::ALL {
        let [all, seen, named] = found.recall(kind, articles);
        let share = |of: usize| of as f64 / all.max(1) as f64;
        println!(
            "  planted {kind:?}: {all}, found {:.4}, named {:?} {:.4}",
            share(seen),
            kind.relations(),
            share(named)
        );
    }
    if let Some(peak) = peak_memory() {
        println!("  peak memory: {:.0} MB", peak as f64 / 1e6);
    }
    println!("  on disk: {:.0} MB", size(folder)? as f64 / 1e6);
    Ok(found)
}

/// Lets the store grow from number to number, and measures at each.
fn curve(from: &Path, into: &Path, numbers: &[usize]) -> Result<(), Failure> {
    let (real, mut store) = {
        let from = Store::open(from)?;
        let real: Vec<Real> = read(&from)?.into_iter().filter_map(Real::new).collect();
        (real, like(&from, into)?)
    };
    for number in numbers {
        for number in [*number, number + MORE] {
            grow(&real, &mut store, number)?;
            // A process of its own: its peak is that of the search.
            let done = Command::new(std::env::current_exe()?).arg("--measure").arg(into).status()?;
            if !done.success() {
                return Err(format!("looking for duplicates among {number} articles: {done}").into());
            }
        }
    }
    Ok(())
}

/// Sentences of words that mean nothing, to make articles of.
fn babble() -> Vec<(String, String)> {
    let mut random = Random(7);
    let mut sentence = || {
        let words: Vec<String> = (0..12).map(|_| format!("mot{}", random.below(3000))).collect();
        format!("La {}.", words.join(" "))
    };
    (0..20).map(|at| (format!("titre {at}"), (0..16).map(|_| sentence()).collect::<Vec<_>>().join("\n"))).collect()
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().collect();
    let after = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name);
        at.and_then(|at| arguments.get(at + 1)).cloned()
    };
    if let Some(folder) = after("--measure") {
        measure(folder.as_ref())?;
        return Ok(());
    }
    if let (Some(from), Some(into)) = (after("--from"), after("--into")) {
        let numbers = after("--articles").unwrap_or_else(|| "31000".to_owned());
        let numbers = numbers.split(',').map(str::parse).collect::<Result<Vec<usize>, _>>()?;
        return curve(from.as_ref(), into.as_ref(), &numbers);
    }
    let (from, into) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let from = small(from.path(), &babble())?;
    let real: Vec<Real> = read(&from)?.into_iter().filter_map(Real::new).collect();
    grow(&real, &mut like(&from, into.path())?, 200)?;
    let found = measure(into.path())?;
    for kind in Kind::ALL {
        let [all, seen, _] = found.recall(kind, 200);
        if all == 0 || seen < all {
            return Err(format!("{seen} of {all} planted pairs were found: {kind:?}").into());
        }
    }
    Ok(())
}
