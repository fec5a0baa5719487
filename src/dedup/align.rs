//! Where two texts say the same, word by word: the longest shared stretches, in whatever order, small edits tolerated.
//!
//! 1. **Seeds**: runs of four words that both texts have, of those that recur only as many pairs as keep it linear.
//! 2. **Matches**: seeds grow to the left and to the right as far as the words are equal.
//! 3. **Tiles**: the longest match first, no word of either text is covered twice (greedy string tiling, Wise 1993). A paragraph
//!    that stands in both several times is paired in its order.
//! 4. **Chains**: tiles that follow each other in both texts with a few words between are one stretch; too short ones go.
//! 5. **Edges**: what is equal in the gaps of a stretch, and a little beyond its ends, is found by dynamic programming over
//!    sixteen words (Needleman and Wunsch 1970).
//!
//! The work is linear in the words, but for sorting and for texts made to be hard, where it is their power of 1.5.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

use super::comparison::SharedStretch;
use crate::text::Words;
use crate::text::words::run;

/// Words of a seed.
const SEED: usize = 4;

/// Pairs that the places of a recurring seed make at most; with more, the first place is paired with the first, and so on.
const PAIRS: usize = 32;

/// Words between two tiles of a stretch at most, in each text; and words beyond its ends that are looked at for more of it.
const GAP: usize = 16;

/// What a stretch is worth at least, in words. Half of the stretches of six and seven words, and nearly all of those between
/// articles that have nothing to do with each other, are set phrases and titles of ministers.
const LEAST: usize = 8;

/// What several stretches are worth at least that follow each other in both texts, [`NEAR`] words apart at most.
const LEAST_TOGETHER: usize = 13;

/// See [`LEAST_TOGETHER`].
const NEAR: usize = 64;

/// A run of words that are equal one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its first word in the first text.
    pub a: usize,
    /// Its first word in the second.
    pub b: usize,
    /// Its words.
    pub len: usize,
}

impl AsRef<[Run]> for Run {
    fn as_ref(&self) -> &[Run] {
        std::slice::from_ref(self)
    }
}

impl Run {
    fn end(self) -> (usize, usize) {
        (self.a + self.len, self.b + self.len)
    }

    /// The part that begins `skip` words in.
    fn part(self, skip: usize, len: usize) -> Self {
        Self { a: self.a + skip, b: self.b + skip, len }
    }
}

/// A passage that two texts have, but for small edits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Its words in the first text, from the first equal one to the last.
    pub a: Range<usize>,
    /// Its words in the second.
    pub b: Range<usize>,
    /// What is equal, ascending in both; no run goes on where another ends.
    pub runs: Vec<Run>,
}

impl Stretch {
    /// Of runs, at least one, that ascend in both texts.
    fn of(runs: Vec<Run>) -> Self {
        let mut joined: Vec<Run> = Vec::with_capacity(runs.len());
        for run in runs {
            match joined.last_mut() {
                Some(last) if last.end() == (run.a, run.b) => last.len += run.len,
                _ => joined.push(run),
            }
        }
        let (first, end) = (joined[0], joined[joined.len() - 1].end());
        Self { a: first.a..end.0, b: first.b..end.1, runs: joined }
    }

    /// How many of its words are equal.
    pub fn matched(&self) -> usize {
        self.runs.iter().map(|run| run.len).sum()
    }

    /// The stretch in bytes of the two texts whose words are `a` and `b`.
    pub fn located(&self, a: &Words, b: &Words) -> SharedStretch {
        let equal = |run: &Run| (a.covering(run.a..run.a + run.len), b.covering(run.b..run.b + run.len));
        SharedStretch {
            a: a.covering(self.a.clone()),
            b: b.covering(self.b.clone()),
            equal: self.runs.iter().map(equal).collect(),
        }
    }
}

/// The stretches that two texts share, by the [hashes](Words::hashes) of their words, in the order of the first; they overlap in
/// neither.
///
/// A stretch is eight words at least, or five beside another; texts that are equal are one stretch, however short.
pub fn align(a: &[u64], b: &[u64]) -> Vec<Stretch> {
    if a == b && !a.is_empty() {
        return vec![Stretch::of(vec![Run { a: 0, b: 0, len: a.len() }])];
    }
    let mut chains = evident(tiles(matches(a, b, &seeds(a, b)), a.len(), b.len()));
    widen(&mut chains, a, b);
    let stretches = following(chains, |before, after| gap(before, after).is_some_and(|gap| gap <= GAP));
    stretches.into_iter().map(|chains| Stretch::of(filled(&chains.concat(), a, b))).collect()
}

/// Where runs of [`SEED`] words stand in both: pairs of places, ascending by how far apart these are and then by the first.
fn seeds(a: &[u64], b: &[u64]) -> Vec<(usize, usize)> {
    let recurring = Recurring::of(a, b);
    // How far the second place is beyond the first, moved so that it is not negative, above the first place.
    let mut seeds: Vec<u64> = Vec::new();
    let mut push = |(i, j): (usize, usize)| seeds.push(((j + a.len() - i) as u64) << 32 | i as u64);
    for first in 0..b.len() {
        let here = || recurring.here(first);
        let there = || recurring.there(first);
        let many = here().count();
        if many > 0 && many * there().count() <= PAIRS {
            here().for_each(|i| there().for_each(|j| push((i, j))));
        } else {
            here().zip(there()).for_each(&mut push);
        }
    }
    seeds.sort_unstable();
    let unpacked = |seed: u64| {
        let i = (seed & u64::from(u32::MAX)) as usize;
        (i, (seed >> 32) as usize + i - a.len())
    };
    seeds.into_iter().map(unpacked).collect()
}

/// The places of the runs of [`SEED`] words that two texts have: lists that begin at the first place in the second text.
struct Recurring {
    /// The first place in the first text, by the first in the second.
    first: Vec<u32>,
    /// The next place in the first text, by the one before.
    after_here: Vec<u32>,
    /// The next place in the second text, by the one before.
    after_there: Vec<u32>,
}

/// No place.
const NONE: u32 = u32::MAX;

impl Recurring {
    fn of(a: &[u64], b: &[u64]) -> Self {
        let of_b: Vec<u64> = b.windows(SEED).map(run).collect();
        // The first place of each run in the second text, or of those looked at so far: a hash table with linear probing.
        let mut table = vec![NONE; (2 * of_b.len()).next_power_of_two()];
        let slot = |table: &[u32], gram: u64| {
            let mut slot = gram as usize & (table.len() - 1);
            while table[slot] != NONE && of_b[table[slot] as usize] != gram {
                slot = (slot + 1) & (table.len() - 1);
            }
            slot
        };
        // From the last to the first, so that lists ascend.
        let mut after_there = vec![NONE; b.len()];
        for (at, gram) in of_b.iter().enumerate().rev() {
            let slot = slot(&table, *gram);
            after_there[at] = std::mem::replace(&mut table[slot], at as u32);
        }
        let (mut first, mut after_here) = (vec![NONE; b.len()], vec![NONE; a.len()]);
        for (at, words) in a.windows(SEED).enumerate().rev() {
            let there = table[slot(&table, run(words))];
            if there != NONE {
                after_here[at] = std::mem::replace(&mut first[there as usize], at as u32);
            }
        }
        Self { first, after_here, after_there }
    }

    /// The places in the first text of the run that is first at `first` in the second.
    fn here(&self, first: usize) -> impl Iterator<Item = usize> {
        listed(self.first[first], &self.after_here)
    }

    /// Its places in the second.
    fn there(&self, first: usize) -> impl Iterator<Item = usize> {
        listed(first as u32, &self.after_there)
    }
}

/// The places of a list from `first` on.
fn listed(first: u32, after: &[u32]) -> impl Iterator<Item = usize> {
    let place = |at: u32| (at != NONE).then_some(at as usize);
    std::iter::successors(place(first), move |at| place(after[*at]))
}

/// The longest runs of equal words around the seeds, each once.
fn matches(a: &[u64], b: &[u64], seeds: &[(usize, usize)]) -> Vec<Run> {
    let mut matches: Vec<Run> = Vec::new();
    for &(i, j) in seeds {
        let known = matches.last().is_some_and(|last| i + last.b == j + last.a && i < last.a + last.len);
        if !known {
            let before = a[..i].iter().rev().zip(b[..j].iter().rev()).take_while(|(a, b)| a == b).count();
            let after = a[i..].iter().zip(&b[j..]).take_while(|(a, b)| a == b).count();
            // Fewer, where two runs of other words have the same hash.
            if before + after >= SEED {
                matches.push(Run { a: i - before, b: j - before, len: before + after });
            }
        }
    }
    matches
}

/// Matches that overlap in neither text, the longest first, in the order of the first text. Of equally long ones, those that
/// come first in both texts come first.
fn tiles(matches: Vec<Run>, a: usize, b: usize) -> Vec<Run> {
    let order = |run: Run| (run.len, Reverse((run.a + run.b, run.a.abs_diff(run.b), run.a, run.b)));
    let mut waiting: BinaryHeap<_> = matches.into_iter().map(order).collect();
    let (mut covered_a, mut covered_b) = (vec![false; a], vec![false; b]);
    let mut tiles = Vec::new();
    while let Some((len, Reverse((_, _, a, b)))) = waiting.pop() {
        let whole = Run { a, b, len };
        let mut at = 0;
        while at < len {
            let free = |at: &usize| !covered_a[a + at] && !covered_b[b + at];
            let many = (at..len).take_while(free).count();
            let part = whole.part(at, many);
            at += many + 1;
            // Most of a match is as good as the whole; what is less waits for its turn.
            if 2 * many >= len {
                covered_a[part.a..part.a + many].fill(true);
                covered_b[part.b..part.b + many].fill(true);
                tiles.push(part);
            } else if many >= SEED {
                waiting.push(order(part));
            }
        }
    }
    tiles.sort_unstable_by_key(|tile| tile.a);
    tiles
}

/// The chains of tiles, given in the order of the first text, that are evidence, by themselves or by their neighbours. The
/// weakest go first, since a stray tile may stand between two that belong together.
fn evident(mut tiles: Vec<Run>) -> Vec<Vec<Run>> {
    loop {
        let near = |before: &Vec<Run>, after: &Vec<Run>| gap(before, after).is_some_and(|gap| gap <= NEAR);
        let groups = following(linked(tiles), near);
        // What each chain is worth, or nothing where it is evidence.
        let doubtful = |group: &[Vec<Run>]| -> Vec<Option<usize>> {
            let worths: Vec<usize> = group.iter().map(|chain| worth(chain)).collect();
            let together = worths.iter().sum::<usize>() >= LEAST_TOGETHER;
            let least = if together { SEED + 1 } else { LEAST };
            worths.into_iter().map(|worth| (worth < least).then_some(worth)).collect()
        };
        let doubts: Vec<Option<usize>> = groups.iter().flat_map(|group| doubtful(group)).collect();
        let weakest = doubts.iter().flatten().min();
        let chains = groups.into_iter().flatten();
        if weakest.is_none() {
            return chains.collect();
        }
        let kept = chains.zip(&doubts).filter(|(_, doubt)| doubt.is_none() || doubt.as_ref() > weakest);
        tiles = kept.flat_map(|(chain, _)| chain).collect();
    }
}

/// The words of a chain, less half of those passed over between its tiles: never less than the longest tile has.
fn worth(chain: &[Run]) -> usize {
    let equal: usize = chain.iter().map(|tile| tile.len).sum();
    let between: usize = chain.windows(2).filter_map(|tiles| gap(&tiles[..1], &tiles[1..])).sum();
    equal - between.div_ceil(2)
}

/// The words between two chains, in the text that has more of them there; `None` where the second is not beyond the first in
/// both.
fn gap(before: &[Run], after: &[Run]) -> Option<usize> {
    let (a, b) = before.last()?.end();
    let after = after.first()?;
    Some(after.a.checked_sub(a)?.max(after.b.checked_sub(b)?))
}

/// Tiles, in the order of the first text, with those together that follow each other in both texts, with at most [`GAP`] words
/// between, and at most twice the words of the shorter.
fn linked(tiles: Vec<Run>) -> Vec<Vec<Run>> {
    following(tiles, |before: &Run, after| {
        gap(before.as_ref(), after.as_ref()).is_some_and(|gap| gap <= GAP.min(2 * before.len.min(after.len)))
    })
}

/// What stands in the order of the first text, with those together of which one follows the other in both texts, and that are
/// `near` each other.
fn following<T: AsRef<[Run]>>(pieces: Vec<T>, near: impl Fn(&T, &T) -> bool) -> Vec<Vec<T>> {
    let ranks = ranks(&pieces);
    let mut groups: Vec<Vec<T>> = Vec::new();
    let mut rank_before = 0;
    for (piece, rank) in pieces.into_iter().zip(ranks) {
        match groups.last_mut() {
            Some(group) if rank == rank_before + 1 && near(&group[group.len() - 1], &piece) => group.push(piece),
            _ => groups.push(vec![piece]),
        }
        rank_before = rank;
    }
    groups
}

/// The place of each piece in the order of the second text.
fn ranks<T: AsRef<[Run]>>(pieces: &[T]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..pieces.len()).collect();
    order.sort_unstable_by_key(|at| pieces[*at].as_ref()[0].b);
    let mut ranks = vec![0; pieces.len()];
    order.into_iter().enumerate().for_each(|(rank, at)| ranks[at] = rank);
    ranks
}

/// Adds to both ends of each chain what is equal near by, up to its neighbours in both texts.
fn widen(chains: &mut [Vec<Run>], a: &[u64], b: &[u64]) {
    let ranks = ranks(chains);
    let mut order = vec![0; chains.len()];
    ranks.iter().enumerate().for_each(|(at, rank)| order[*rank] = at);
    let first = |chain: &Vec<Run>| (chain[0].a, chain[0].b);
    let end = |chain: &Vec<Run>| chain[chain.len() - 1].end();
    for at in 0..chains.len() {
        let rank = ranks[at];
        let from = (
            at.checked_sub(1).map_or(0, |before| end(&chains[before]).0),
            rank.checked_sub(1).map_or(0, |before| end(&chains[order[before]]).1),
        );
        let to = (
            chains.get(at + 1).map_or(a.len(), |after| first(after).0),
            order.get(rank + 1).map_or(b.len(), |after| first(&chains[*after]).1),
        );
        let (i, j) = first(&chains[at]);
        let back = |words: &[u64]| words.iter().rev().take(GAP).copied().collect::<Vec<u64>>();
        let mut widened: Vec<Run> = path(&back(&a[from.0..i]), &back(&b[from.1..j]), SKIP)
            .into_iter()
            .map(|run| Run { a: i - run.a - run.len, b: j - run.b - run.len, len: run.len })
            .collect();
        widened.reverse();
        widened.append(&mut chains[at]);
        let (i, j) = widened[widened.len() - 1].end();
        let (a, b) = (&a[i..to.0.min(i + GAP)], &b[j..to.1.min(j + GAP)]);
        widened.extend(path(a, b, SKIP).into_iter().map(|run| Run { a: i + run.a, b: j + run.b, len: run.len }));
        chains[at] = widened;
    }
}

/// The tiles of a chain, with what is equal between them.
fn filled(chain: &[Run], a: &[u64], b: &[u64]) -> Vec<Run> {
    let mut runs = chain[..1].to_vec();
    for tiles in chain.windows(2) {
        let (i, j) = tiles[0].end();
        let between = path(&a[i..tiles[1].a], &b[j..tiles[1].b], 0);
        runs.extend(between.into_iter().map(|run| Run { a: i + run.a, b: j + run.b, len: run.len }));
        runs.push(tiles[1]);
    }
    runs
}

/// What an equal word is worth.
const EQUAL: i32 = 64;

/// What it is worth more where the words before are equal too: of paths with as many equal words, the one in fewer pieces is
/// the better.
const TOUCHING: i32 = 1;

/// What a word of either text costs that is passed over beyond the end of a stretch: two equal words are worth a replaced one.
const SKIP: i32 = 40;

/// The runs on the path through the beginning of two texts that is worth most, where a word passed over costs `skip`.
fn path(a: &[u64], b: &[u64], skip: i32) -> Vec<Run> {
    let width = b.len() + 1;
    // For each pair of places, the worth of the best path to it, and of the best whose last words are equal.
    let mut best = vec![0; (a.len() + 1) * width];
    let mut equal = vec![i32::MIN / 2; best.len()];
    (1..width).for_each(|j| best[j] = best[j - 1] - skip);
    let mut highest = (0, 0);
    for (i, word) in a.iter().enumerate() {
        let mut at = (i + 1) * width;
        best[at] = best[at - width] - skip;
        for other in b {
            at += 1;
            best[at] = best[at - 1].max(best[at - width]) - skip;
            if word == other {
                let before = at - width - 1;
                equal[at] = EQUAL + best[before].max(equal[before] + TOUCHING);
                best[at] = best[at].max(equal[at]);
                if equal[at] > highest.0 {
                    highest = (equal[at], at);
                }
            }
        }
    }
    let mut runs: Vec<Run> = Vec::new();
    let mut at = highest.1;
    while at > 0 {
        if best[at] == equal[at] {
            let mut len = 1;
            while equal[at - (len - 1) * (width + 1)] == EQUAL + TOUCHING + equal[at - len * (width + 1)] {
                len += 1;
            }
            runs.push(Run { a: at / width - len, b: at % width - len, len });
            at -= len * (width + 1);
        } else if at >= width && best[at] == best[at - width] - skip {
            at -= width;
        } else {
            at -= 1;
        }
    }
    runs.reverse();
    runs
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_normalization::UnicodeNormalization;

    use super::*;
    use crate::text::{analysis_form, words};

    const CHANCELLERY: &str = "Le Premier ministre libyen est arrivé mardi à Moscou pour une visite de trois jours.";
    const HARVEST: &str =
        "Les vignerons du Jura ont perdu la moitié de leur récolte après les gelées tardives d’avril.";
    const MUSEUM: &str = "Un tableau volé voici vingt ans vient d’être retrouvé dans le grenier d’une maison de Dole.";
    const STRIKE: &str =
        "Aucun train ne circulera samedi entre Limoges et Guéret, annoncent les syndicats de cheminots.";
    const LIGHTHOUSE: &str =
        "Allumé en 1863, ce phare breton guide encore chaque nuit des centaines de bateaux vers Brest.";

    /// The stretches of two texts, as the slices of both.
    fn shared<'a>(a: &'a str, b: &'a str) -> Vec<(&'a str, &'a str)> {
        let (of_a, of_b) = (words(a), words(b));
        let stretches = align(of_a.hashes(), of_b.hashes());
        let located = stretches.iter().map(|stretch| stretch.located(&of_a, &of_b));
        located.map(|stretch| (&a[stretch.a.range()], &b[stretch.b.range()])).collect()
    }

    #[test]
    fn an_edit_stays_inside_a_stretch() {
        let a = format!("{CHANCELLERY} Le bilan est de 12 morts et de nombreux blessés, selon la police. {HARVEST}");
        for (old, new) in [
            ("12 morts", "17 morts"),
            ("12 morts et de nombreux blessés", "17 morts"),
            ("Le bilan est", "Selon un nouveau décompte publié mercredi matin par la préfecture, le bilan est"),
            (" de nombreux", ""),
            ("selon la police", "d’après un responsable de la protection civile joint au téléphone"),
        ] {
            let b = a.replace(old, new);
            assert_eq!(shared(&a, &b), [(a.trim_end_matches('.'), b.trim_end_matches('.'))], "{new}");
        }
    }

    #[test]
    fn the_equal_parts_of_a_stretch_are_told_from_the_edited() {
        let a = format!("{CHANCELLERY} Le bilan est de 12 morts. {HARVEST}");
        let b = a.replace("12 morts", "« 17 » morts").to_uppercase();
        let (of_a, of_b) = (words(&a), words(&b));
        let stretches = align(of_a.hashes(), of_b.hashes());
        assert_eq!(stretches.len(), 1);
        assert_eq!((stretches[0].a.len(), stretches[0].matched()), (of_a.len(), of_a.len() - 1));
        let located = stretches[0].located(&of_a, &of_b);
        assert_eq!(located.equal.len(), 2);
        assert!(a[located.equal[0].0.range()].ends_with("Le bilan est de"));
        assert!(b[located.equal[1].1.range()].starts_with("MORTS. LES VIGNERONS"));
    }

    #[test]
    fn what_is_far_apart_is_two_stretches() {
        let a = format!("{CHANCELLERY} {HARVEST}");
        let b = format!("{CHANCELLERY} {MUSEUM} {HARVEST}");
        let kept = |text: &'static str| text.trim_end_matches('.');
        assert_eq!(shared(&a, &b), [(kept(CHANCELLERY), kept(CHANCELLERY)), (kept(HARVEST), kept(HARVEST))]);
    }

    #[test]
    fn moved_paragraphs_are_found() {
        let a = format!("{CHANCELLERY}\n{HARVEST}\n{MUSEUM}");
        let b = format!("{MUSEUM}\n{CHANCELLERY}\n{HARVEST}");
        let (first, moved) = a.split_at(a.len() - MUSEUM.len());
        assert_eq!(shared(&a, &b)[0].0, first.trim_end_matches(['.', '\n']));
        assert_eq!(shared(&a, &b)[1], (moved.trim_end_matches('.'), MUSEUM.trim_end_matches('.')));
    }

    #[test]
    fn a_repeated_paragraph_is_paired_in_its_order() {
        let a = words(&[CHANCELLERY, HARVEST, CHANCELLERY, MUSEUM, CHANCELLERY].join("\n"));
        let b = words(&[CHANCELLERY, STRIKE, CHANCELLERY, LIGHTHOUSE, CHANCELLERY].join("\n"));
        let places: Vec<_> = align(a.hashes(), b.hashes()).into_iter().map(|stretch| (stretch.a, stretch.b)).collect();
        let [one, harvest, museum, strike, lighthouse] =
            [CHANCELLERY, HARVEST, MUSEUM, STRIKE, LIGHTHOUSE].map(|text| words(text).len());
        let at = |before: usize| before..before + one;
        let second = (at(one + harvest), at(one + strike));
        assert_eq!(places, [(at(0), at(0)), second, (at(a.len() - one), at(b.len() - one))]);
        assert_eq!((a.len(), b.len()), (3 * one + harvest + museum, 3 * one + strike + lighthouse));
    }

    #[test]
    fn set_phrases_are_no_evidence() {
        let a =
            "La grève continue, a déclaré le ministre de l’Intérieur Gérald Dupont lors d’une conférence de presse.";
        let b = "Lors d’une conférence de presse à Lyon, le ministre de l’Intérieur Gérald Dupont promet des renforts.";
        assert_eq!(shared(a, b), []);
        assert_eq!(shared("", a), []);
        assert_eq!(shared("Grève levée !", "Grève levée"), [("Grève levée", "Grève levée")]);
    }

    /// Words that no other input of a test has.
    fn numbered(words: impl IntoIterator<Item = usize>) -> Vec<u64> {
        words.into_iter().map(|word| run(&[word as u64])).collect()
    }

    #[test]
    fn hostile_texts_take_linear_work() {
        const MANY: usize = 20_000;
        let draw =
            |of: usize, salt: usize| numbered((0..MANY).map(move |at| run(&[at as u64, salt as u64]) as usize % of));
        let period = |of: usize, from: usize| numbered((from..MANY + from).map(move |at| at % of));
        // Markers that stand five times in each text, at other distances, in a filler that is the same everywhere.
        let marked = |step: usize| {
            numbered((0..MANY / 100).flat_map(move |marker| {
                std::iter::once(1000 + marker * step % (MANY / 500)).chain((0..99).map(|at| at % 10))
            }))
        };
        for (name, a, b) in [
            ("one word", period(1, 0), period(1, 0)),
            ("one sentence", period(10, 0), period(10, 3)),
            ("two sentences", period(10, 0), period(11, 0)),
            ("a long and a short", period(10, 0), period(10, 0)[..25].to_vec()),
            ("two words", draw(2, 0), draw(2, 1)),
            ("ten words", draw(10, 0), draw(10, 1)),
            ("markers", marked(1), marked(7)),
        ] {
            let seeds = seeds(&a, &b);
            assert!(seeds.len() <= PAIRS * MANY, "{name}: {} seeds", seeds.len());
            let walked: usize = matches(&a, &b, &seeds).iter().map(|run| run.len).sum();
            assert!(walked <= 2 * PAIRS * MANY, "{name}: {walked} words are walked");
            check(&align(&a, &b), &a, &b);
        }
        let sentence = period(10, 0);
        assert_eq!(align(&sentence, &sentence)[0].matched(), MANY);
    }

    /// What holds for all stretches.
    fn check(stretches: &[Stretch], a: &[u64], b: &[u64]) {
        let mut of_b = Vec::new();
        let mut end = 0;
        for stretch in stretches {
            assert!(end <= stretch.a.start, "stretches ascend in the first text and do not overlap");
            end = stretch.a.end;
            of_b.push((stretch.b.start, stretch.b.end));
            assert!(stretch.matched() > SEED || (stretch.matched() == a.len() && a == b));
            for run in &stretch.runs {
                assert_eq!(a[run.a..run.a + run.len], b[run.b..run.b + run.len]);
            }
            for runs in stretch.runs.windows(2) {
                let (i, j) = runs[0].end();
                assert!(i <= runs[1].a && j <= runs[1].b && (i, j) != (runs[1].a, runs[1].b));
                assert!(runs[1].a - i <= GAP && runs[1].b - j <= GAP);
            }
            let (first, last) = (stretch.runs[0], stretch.runs[stretch.runs.len() - 1].end());
            assert_eq!((&stretch.a, &stretch.b), (&(first.a..last.0), &(first.b..last.1)));
        }
        of_b.sort_unstable();
        assert!(of_b.windows(2).all(|spans| spans[0].1 <= spans[1].0), "stretches do not overlap in the second text");
    }

    const SYLLABLES: [&str; 24] = [
        "é", "ca", "lon", "mi", "tré", "sœu", "pa", "ri", "ço", "ne", "vô", "tu", "gra", "lè", "ban", "do", "ju",
        "sse", "feu", "nî", "qua", "po", "ble", "ë",
    ];

    /// A word of a made up language.
    fn spelled(word: usize) -> String {
        [word / 576, word / 24, word].map(|syllable| SYLLABLES[syllable % 24]).concat()
    }

    #[derive(Clone, Debug)]
    enum Edit {
        Replace(usize),
        Insert(usize, Vec<usize>),
        Delete(usize, usize),
        /// Some words go to another place.
        Move(usize, usize, usize),
    }

    fn edits() -> impl Strategy<Value = Vec<Edit>> {
        let place = 0usize..10_000;
        let edit = prop_oneof![
            4 => place.clone().prop_map(Edit::Replace),
            2 => (place.clone(), proptest::collection::vec(0usize..13_824, 1..40)).prop_map(|(at, new)| Edit::Insert(at, new)),
            2 => (place.clone(), 1usize..30).prop_map(|(at, many)| Edit::Delete(at, many)),
            1 => (place.clone(), 20usize..80, place).prop_map(|(from, many, to)| Edit::Move(from, many, to)),
        ];
        proptest::collection::vec(edit, 0..12)
    }

    /// The words after the edits, each with its place before where it is an old one.
    fn edited(words: &[usize], edits: &[Edit]) -> Vec<(usize, Option<usize>)> {
        let mut now: Vec<(usize, Option<usize>)> = words.iter().copied().zip((0..).map(Some)).collect();
        for edit in edits {
            let len = now.len().max(1);
            match edit {
                Edit::Replace(at) => now.get_mut(at % len).into_iter().for_each(|word| *word = (13_824 + at, None)),
                Edit::Insert(at, new) => {
                    let at = (at % len).min(now.len());
                    now.splice(at..at, new.iter().map(|word| (*word, None)));
                }
                Edit::Delete(at, many) => drop(now.drain((at % len).min(now.len())..(at % len + many).min(now.len()))),
                Edit::Move(from, many, to) => {
                    let moved: Vec<_> =
                        now.drain((from % len).min(now.len())..(from % len + many).min(now.len())).collect();
                    let to = to % (now.len() + 1);
                    now.splice(to..to, moved);
                }
            }
        }
        now
    }

    /// A text of words; `hand` says how each is written and what stands between.
    fn typed(words: impl IntoIterator<Item = usize>, hand: usize) -> String {
        let mut text = String::new();
        for (at, word) in words.into_iter().enumerate() {
            let drawn = run(&[at as u64, hand as u64]) as usize;
            let word = spelled(word);
            match if hand == 0 { 9 } else { drawn % 10 } {
                0 => text += &word.to_uppercase(),
                1 => text.extend(word.nfd()),
                2 => word.chars().for_each(|c| text.extend([c, '\u{AD}'])),
                _ => text += &word,
            }
            text += [" ", "\u{A0}", "’", "'", ", ", " « ", "\u{202F}», ", ".\n\n"][drawn / 10 % 8];
        }
        text
    }

    proptest! {
        #[test]
        fn edits_leave_the_rest_to_be_found(
            old in proptest::collection::vec(0usize..13_824, 0..400), edits in edits(), hand in 1usize..1000,
        ) {
            let new = edited(&old, &edits);
            let (a, b) = (typed(old.iter().copied(), 0), typed(new.iter().map(|word| word.0), hand));
            let (of_a, of_b) = (words(&a), words(&b));
            prop_assert_eq!((of_a.len(), of_b.len()), (old.len(), new.len()));
            let stretches = align(of_a.hashes(), of_b.hashes());
            check(&stretches, of_a.hashes(), of_b.hashes());
            let read = |text: &str| {
                let form = analysis_form(text).to_lowercase();
                form.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
            };
            for stretch in &stretches {
                for (left, right) in stretch.located(&of_a, &of_b).equal {
                    prop_assert_eq!(read(&a[left.range()]), read(&b[right.range()]));
                }
            }
            // What stayed together as it was, and is long enough to be evidence by itself.
            let intact = new.chunk_by(|before, after| before.1.is_some() && after.1 == before.1.map(|at| at + 1));
            let evident: usize = intact.filter(|words| words[0].1.is_some() && words.len() >= LEAST).map(<[_]>::len).sum();
            let matched = |stretches: &[Stretch]| stretches.iter().map(Stretch::matched).sum::<usize>();
            prop_assert!(matched(&stretches) >= evident, "{} of {evident} words are found", matched(&stretches));
            // Where a word could pair with one of several, the other way round may choose another.
            let turned = matched(&align(of_b.hashes(), of_a.hashes()));
            prop_assert!(turned.abs_diff(matched(&stretches)) < LEAST, "{turned} the other way round");
        }
    }
}
