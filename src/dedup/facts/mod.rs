//! Names, numbers and quotations that two articles share: what they say of the same event, in whatever words.
//!
//! | module | reason to exist |
//! | --- | --- |
//! | this | which facts of two texts are the same, and what that says |
//! | `tokens` | words and numbers, with what stands between |
//! | `names` | runs of words with capitals |
//! | `numbers` | values, with what they count |
//! | `quotations` | what stands between quotation marks |
//!
//! There are no statistics of a corpus at hand, so what a fact says is told by rules: names of several words more than names of
//! one, odd numbers more than round ones, and names that are in articles about anything next to nothing.

mod names;
mod numbers;
mod quotations;
mod tokens;

use std::collections::HashMap;
use std::sync::OnceLock;

use names::Name;
use numbers::Number;
use quotations::Quotations;

use crate::text::name_keys;
use crate::types::Span;

/// What kind of fact is shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FactKind {
    /// A person, a place, an organisation: words with capitals, in whatever spelling.
    Name,
    /// A number, with what it counts.
    Number,
    /// Words between quotation marks.
    Quotation,
}

/// A fact that both articles have.
#[derive(Clone, Debug, PartialEq)]
pub struct SharedFact {
    /// Its kind.
    pub kind: FactKind,
    /// Where the first has it first, in bytes.
    pub a: Span,
    /// Where the second has it first, in bytes.
    pub b: Span,
    /// How much it says for one event: 0.05 for `France`, 0.2 for `deux jours`, 0.6 for `Ingouchie`, 0.9 for `1.347 habitants`, 1.2 for
    /// `Khalifa Haftar`, up to 3 for a long quotation.
    pub weight: f32,
}

/// The facts of one text, to be compared with those of others.
#[derive(Debug)]
pub struct Facts {
    names: Vec<Name>,
    /// Each word of each name: its hash and the name, ascending.
    words: Vec<(u64, u32)>,
    /// Keys under which spellings of the last word of each name meet, with the name, ascending; made when they are first needed.
    sounds: OnceLock<Vec<(u64, u32)>>,
    /// Words without a capital, by hash, ascending.
    small: Vec<u64>,
    /// By form, ascending.
    numbers: Vec<Number>,
    quotations: Quotations,
    weight: f32,
}

/// Letters that a name has at least to be met by its sound.
const SHORTEST_HEARD: usize = 5;

/// The share of the runs of the shorter quotation that are in the longer, where they are the same.
const SAME_QUOTATION: f32 = 0.6;

/// The most that a quotation says, however long it is.
const MOST_OF_QUOTATION: f32 = 3.0;

/// The facts of a text. Takes time linear in the text, but for its names, of which each is compared with those before.
pub fn facts(text: &str) -> Facts {
    let tokens = tokens::tokens(text);
    let mut small: Vec<u64> =
        tokens.iter().filter(|token| token.kind == tokens::Kind::Small).map(|token| tokens::hash(token.text)).collect();
    small.sort_unstable();
    small.dedup();
    let names = names::names(&tokens, |word| small.binary_search(&word).is_ok());
    let mut words: Vec<(u64, u32)> =
        (0..).zip(&names).flat_map(|(at, name)| name.words.iter().map(move |word| (word.0, at))).collect();
    words.sort_unstable();
    let mut numbers = numbers::numbers(text, &tokens);
    numbers.sort_by_key(|number| (number.form, number.span));
    numbers.dedup_by_key(|number| number.form);
    let quotations = quotations::quotations(text, &tokens);
    let weight = weight(&names, &numbers, &quotations);
    Facts { names, words, sounds: OnceLock::new(), small, numbers, quotations, weight }
}

/// What all facts of a text say together: each name by the form that says most.
fn weight(names: &[Name], numbers: &[Number], quotations: &Quotations) -> f32 {
    let mut entities = vec![0.0_f32; names.len()];
    for name in names.iter().filter(|name| !name.is_doubtful || name.words.len() > 1) {
        let entity = &mut entities[name.entity as usize];
        *entity = entity.max(name.says());
    }
    let numbers = numbers.iter().map(|number| number.weight);
    let quotations = quotations.places.iter().map(|(_, runs)| quotation_says(*runs));
    entities.into_iter().chain(numbers).chain(quotations).fold(0.0, |sum, weight| sum + weight)
}

/// What it says that a quotation with so many runs of words is in both.
fn quotation_says(runs: usize) -> f32 {
    (0.25 + 0.25 * runs as f32).min(MOST_OF_QUOTATION)
}

impl Facts {
    /// What all of them say together: [`evidence`] of the shared facts over that of the shorter text says how much of what it
    /// tells is in the other too.
    pub fn weight(&self) -> f32 {
        self.weight
    }

    /// Keys of the last words of names, with the names.
    fn sounds(&self) -> &[(u64, u32)] {
        self.sounds.get_or_init(|| {
            let mut sounds: Vec<(u64, u32)> = (0..)
                .zip(&self.names)
                .filter(|(_, name)| name.last.chars().count() >= SHORTEST_HEARD && !name.is_doubtful)
                .filter(|(_, name)| name.words.last().is_some_and(|last| last.1 > 0.1))
                .flat_map(|(at, name)| name_keys(&name.last).into_iter().map(move |key| (key, at)))
                .filter(|(key, _)| key.len() >= 3)
                .map(|(key, at)| (tokens::hash_of(key.bytes()), at))
                .collect();
            sounds.sort_unstable();
            sounds.dedup();
            sounds
        })
    }

    fn has_word(&self, word: u64) -> bool {
        self.words.binary_search_by_key(&word, |(word, _)| *word).is_ok()
    }

    fn has_small(&self, word: u64) -> bool {
        self.small.binary_search(&word).is_ok()
    }
}

/// The facts that two texts share, in the order of the first: see [`shared`].
pub fn shared_facts(a: &str, b: &str) -> Vec<SharedFact> {
    shared(&facts(a), &facts(b))
}

/// What facts say together for one event, rather than one subject: the sum of their weights.
///
/// In French news, 19 of 20 pairs of one day and section have less than 1.2, and nine of ten pairs that tell one event in other
/// words more than 1.5. Long lists (of departments, of candidates) and long articles have more by chance: put it in proportion to
/// [`Facts::weight`] too.
pub fn evidence(facts: &[SharedFact]) -> f32 {
    facts.iter().fold(0.0, |sum, fact| sum + fact.weight)
}

/// The facts that two texts share, in the order of the first, each once.
pub fn shared(a: &Facts, b: &Facts) -> Vec<SharedFact> {
    let mut found = shared_names(a, b);
    for_each_match(
        &a.numbers,
        &b.numbers,
        |number| number.form,
        |a, b| {
            found.push(SharedFact { kind: FactKind::Number, a: a.span, b: b.span, weight: a.weight });
        },
    );
    found.extend(shared_quotations(&a.quotations, &b.quotations));
    found.sort_by_key(|fact| (fact.a, fact.kind, fact.b));
    found
}

/// Calls `met` for each pair of items of two ascending lists whose keys are equal.
fn for_each_match<T, K: Ord>(a: &[T], b: &[T], key: impl Fn(&T) -> K, mut met: impl FnMut(&T, &T)) {
    let (mut i, mut j) = (0, 0);
    while i < a.len() && j < b.len() {
        match key(&a[i]).cmp(&key(&b[j])) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => {
                let run = b[j..].iter().take_while(|item| key(item) == key(&a[i]));
                run.for_each(|item| met(&a[i], item));
                i += 1;
            }
        }
    }
}

fn shared_names(a: &Facts, b: &Facts) -> Vec<SharedFact> {
    // How much the words say that a name of each have in common, and how many they are.
    let mut common: HashMap<(u32, u32), (usize, f32)> = HashMap::new();
    for_each_match(
        &a.words,
        &b.words,
        |word| word.0,
        |x, y| {
            let name = &a.names[x.1 as usize];
            let says = name.words.iter().find(|word| word.0 == x.0).map_or(0.0, |word| word.1);
            let entry = common.entry((x.1, y.1)).or_default();
            *entry = (entry.0 + 1, entry.1 + says);
        },
    );
    let mut met: Vec<(u32, u32, f32)> = common
        .into_iter()
        .filter(|((x, y), (count, _))| are_one(&a.names[*x as usize], &b.names[*y as usize], *count))
        .filter(|((x, y), _)| is_name(a, b, *x, *y))
        .map(|((x, y), (_, says))| (x, y, says.min(names::MOST)))
        .collect();
    for_each_match(
        a.sounds(),
        b.sounds(),
        |sound| sound.0,
        |x, y| {
            let (one, other) = (&a.names[x.1 as usize], &b.names[y.1 as usize]);
            if sound_alike(a, b, one, other) {
                let last = one.words.last().map_or(0.0, |last| last.1);
                let is_full = one.words.len() > 1 && other.words.len() > 1;
                met.push((x.1, y.1, if is_full { last * 1.5 } else { last * 0.8 }));
            }
        },
    );
    // One fact an entity: what says most, where each has it first.
    met.sort_by(|x, y| y.2.total_cmp(&x.2).then((x.0, x.1).cmp(&(y.0, y.1))));
    let (mut of_a, mut of_b): (Vec<u32>, Vec<u32>) = (Vec::new(), Vec::new());
    let mut facts = Vec::new();
    for (x, y, weight) in met {
        let (one, other) = (&a.names[x as usize], &b.names[y as usize]);
        if of_a.contains(&one.entity) || of_b.contains(&other.entity) {
            continue;
        }
        of_a.push(one.entity);
        of_b.push(other.entity);
        facts.push(SharedFact { kind: FactKind::Name, a: one.span, b: other.span, weight });
    }
    facts
}

/// Whether two names that have `count` words in common are one: all of the shorter are in the longer, and a single one ends it.
fn are_one(a: &Name, b: &Name, count: usize) -> bool {
    let (short, long) = if a.words.len() <= b.words.len() { (a, b) } else { (b, a) };
    let is_end = short.words.last().map(|word| word.0) == long.words.last().map(|word| word.0);
    let is_begin = short.words[0].0 == long.words[0].0;
    match short.words.len() {
        1 => is_end,
        all => count >= all || is_begin && is_end,
    }
}

/// Whether the capital of a name is one of names in either text.
fn is_name(a: &Facts, b: &Facts, x: u32, y: u32) -> bool {
    let (one, other) = (&a.names[x as usize], &b.names[y as usize]);
    let word = one.words[one.words.len() - 1].0;
    if one.words.len() > 1 && other.words.len() > 1 {
        return true;
    }
    !(one.is_doubtful && (other.is_doubtful || b.has_small(word)) || other.is_doubtful && a.has_small(word))
}

/// Whether two names whose last words share a key may be one: neither text has the other's spelling, and first names agree.
fn sound_alike(a: &Facts, b: &Facts, one: &Name, other: &Name) -> bool {
    let (last, other_last) = (one.words[one.words.len() - 1].0, other.words[other.words.len() - 1].0);
    if last == other_last || b.has_word(last) || a.has_word(other_last) || b.has_small(last) || a.has_small(other_last)
    {
        return false;
    }
    if one.words.len() == 1 || other.words.len() == 1 {
        return true;
    }
    one.words[0].0 == other.words[0].0 || {
        let keys = name_keys(&one.first);
        name_keys(&other.first).iter().any(|key| keys.contains(key))
    }
}

fn shared_quotations(a: &Quotations, b: &Quotations) -> Vec<SharedFact> {
    let mut common: HashMap<(u32, u32), usize> = HashMap::new();
    for_each_match(&a.runs, &b.runs, |run| run.0, |x, y| *common.entry((x.1, y.1)).or_default() += 1);
    let mut met: Vec<((u32, u32), usize)> = common
        .into_iter()
        .filter(|((x, y), count)| {
            let shorter = a.places[*x as usize].1.min(b.places[*y as usize].1);
            *count as f32 >= SAME_QUOTATION * shorter as f32
        })
        .collect();
    met.sort_by_key(|(places, count)| (std::cmp::Reverse(*count), *places));
    let (mut of_a, mut of_b): (Vec<u32>, Vec<u32>) = (Vec::new(), Vec::new());
    let mut facts = Vec::new();
    for ((x, y), count) in met {
        if !of_a.contains(&x) && !of_b.contains(&y) {
            of_a.push(x);
            of_b.push(y);
            let (a, b) = (a.places[x as usize].0, b.places[y as usize].0);
            facts.push(SharedFact { kind: FactKind::Quotation, a, b, weight: quotation_says(count) });
        }
    }
    facts
}

#[cfg(test)]
mod tests;
