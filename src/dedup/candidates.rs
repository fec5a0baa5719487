//! Which texts have fingerprints in common, and enough of them to look closer.

/// Texts of which each further one that has a fingerprint is compared with these only: those that come first in the order of
/// texts. A text that comes a thousand times with small changes is compared with its first hundreds, not with all.
pub const COMPARED: usize = 256;

/// Texts up to which a fingerprint tells of one story, whenever they are from.
const FEW: usize = 20;

/// Days within which any number of texts may have a fingerprint that tells of one story: a dispatch is copied within days,
/// what a paper sets below every article is copied for years.
const DAYS: i32 = 30;

/// Texts without a date up to which a fingerprint tells of one story.
const FEW_UNDATED: usize = 100;

/// Fingerprints in common from which on two texts are compared, and the share of the lesser text's fingerprints that is
/// enough where it has few.
const SHARED: u32 = 3;
const PART: f32 = 0.15;

/// Bits of a posting that number a text.
const TEXT_BITS: u32 = u64::BITS - super::fingerprint::BITS;

/// Pairs that are counted at a time: 256 MB of them.
const AT_ONCE: usize = 32 << 20;

/// Two texts, by their places in the order of texts, `a < b`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The first.
    pub a: u32,
    /// The other.
    pub b: u32,
    /// Fingerprints in common.
    pub shared: u32,
    /// Those of them that tell of one story.
    pub telling: u32,
}

impl Candidate {
    /// Whether two texts with so many fingerprints in common, of so many that they have, are worth a closer look.
    pub fn is_worth_it(shared: u32, of_a: u32, of_b: u32) -> bool {
        shared >= SHARED || shared as f32 >= PART * of_a.min(of_b) as f32
    }

    /// The share of the fingerprints in common that tell of one story.
    pub fn telling_share(&self) -> f32 {
        self.telling as f32 / self.shared.max(1) as f32
    }
}

/// A fingerprint of a text: both in one number, so that many are sorted fast.
pub fn posting(fingerprint: u64, text: u32) -> u64 {
    debug_assert!(u64::from(text) < 1 << TEXT_BITS);
    fingerprint << TEXT_BITS | u64::from(text)
}

/// The fingerprint of a posting.
pub fn fingerprint_of(posting: u64) -> u64 {
    posting >> TEXT_BITS
}

/// The text of a posting.
pub fn text_of(posting: u64) -> u32 {
    (posting & ((1 << TEXT_BITS) - 1)) as u32
}

/// Whether a fingerprint that these texts have tells of one story; `days` are those that their dates may mean.
pub fn tells(count: usize, days: impl Iterator<Item = Option<(i32, i32)>>) -> bool {
    if count <= FEW {
        return true;
    }
    let (mut first, mut last, mut dated) = (i32::MAX, i32::MIN, 0);
    for (from, to) in days.flatten() {
        (first, last, dated) = (first.min(to), last.max(from), dated + 1);
    }
    count - dated <= FEW_UNDATED && last.saturating_sub(first) <= DAYS
}

/// The pairs of texts that are worth a closer look, by `b` and `a`. `postings` ascend; `sizes` and `days` are the numbers of
/// fingerprints and the days of each text.
pub fn candidates(postings: &[u64], sizes: &[u32], days: &[Option<(i32, i32)>]) -> Vec<Candidate> {
    let runs = || postings.chunk_by(|a, b| fingerprint_of(*a) == fingerprint_of(*b)).filter(|run| run.len() > 1);
    let all: usize = runs().map(|run| run.len().min(COMPARED) * run.len()).sum();
    // In parts of all pairs, by the later text, so that memory does not grow with their number.
    let parts = all.div_ceil(2 * AT_ONCE).max(1) as u32;
    let mut found = Vec::new();
    let mut met: Vec<u64> = Vec::new();
    for part in 0..parts {
        met.clear();
        for run in runs() {
            let tells = tells(run.len(), run.iter().map(|posting| days[text_of(*posting) as usize]));
            for (at, later) in run.iter().enumerate().skip(1) {
                let b = text_of(*later);
                if b % parts == part {
                    let earlier = &run[..at.min(COMPARED)];
                    met.extend(earlier.iter().map(|a| packed(text_of(*a), b, tells)));
                }
            }
        }
        met.sort_unstable();
        for pair in met.chunk_by(|x, y| x >> 1 == y >> 1) {
            let (a, b) = unpacked(pair[0]);
            let shared = pair.len() as u32;
            if Candidate::is_worth_it(shared, sizes[a as usize], sizes[b as usize]) {
                let telling = pair.iter().map(|met| (met & 1) as u32).sum();
                found.push(Candidate { a, b, shared, telling });
            }
        }
    }
    found.sort_unstable_by_key(|candidate| (candidate.b, candidate.a));
    found
}

/// Two texts that met at a fingerprint, and whether that tells.
fn packed(a: u32, b: u32, tells: bool) -> u64 {
    u64::from(b) << (TEXT_BITS + 1) | u64::from(a) << 1 | u64::from(tells)
}

fn unpacked(pair: u64) -> (u32, u32) {
    (text_of(pair >> 1), text_of(pair >> (TEXT_BITS + 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Postings of texts with these fingerprints.
    fn postings(texts: &[&[u64]]) -> (Vec<u64>, Vec<u32>) {
        let mut all: Vec<u64> = texts
            .iter()
            .enumerate()
            .flat_map(|(text, own)| own.iter().map(move |fingerprint| posting(*fingerprint, text as u32)))
            .collect();
        all.sort_unstable();
        (all, texts.iter().map(|own| own.len() as u32).collect())
    }

    #[test]
    fn postings_keep_both_numbers() {
        let greatest = posting((1 << super::super::fingerprint::BITS) - 1, (1 << TEXT_BITS) - 1);
        assert_eq!(greatest, u64::MAX);
        let one = posting(7, 12);
        assert_eq!((fingerprint_of(one), text_of(one)), (7, 12));
        assert_eq!(unpacked(packed(3, 1 << 25, true)), (3, 1 << 25));
    }

    #[test]
    fn enough_in_common_is_worth_it() {
        let long: Vec<u64> = (100..140).collect();
        let three: Vec<u64> = (100..103).chain(200..240).collect();
        let two: Vec<u64> = (100..102).chain(300..340).collect();
        let (all, sizes) = postings(&[&long, &three, &two, &[100, 400, 401]]);
        let found = candidates(&all, &sizes, &[None; 4]);
        let pairs: Vec<_> = found.iter().map(|found| (found.a, found.b, found.shared, found.telling)).collect();
        assert_eq!(pairs, [(0, 1, 3, 3), (0, 3, 1, 1), (1, 3, 1, 1), (2, 3, 1, 1)]);
    }

    #[test]
    fn what_stands_below_every_article_tells_nothing() {
        let day = |day| Some((day, day));
        assert!(tells(FEW, (0..FEW as i32).map(|at| day(100 * at))));
        assert!(!tells(40, (0..40).map(|at| day(2 * at))));
        assert!(tells(400, (0..400).map(|at| day(at % 5))), "copied within days");
        assert!(tells(FEW_UNDATED, std::iter::repeat_n(None, FEW_UNDATED)));
        assert!(!tells(FEW_UNDATED + 1, std::iter::repeat_n(None, FEW_UNDATED + 1)));
        assert!(tells(40, (0..40).map(|_| Some((0, 364)))), "the same year: perhaps the same day");
    }

    #[test]
    fn many_are_compared_with_the_first() {
        let texts = vec![&[1u64, 2, 3][..]; COMPARED + 50];
        let (all, sizes) = postings(&texts);
        let found = candidates(&all, &sizes, &vec![None; texts.len()]);
        assert_eq!(found.len(), COMPARED * (COMPARED - 1) / 2 + 50 * COMPARED);
        assert!(found.iter().all(|found| (found.a as usize) < COMPARED && found.shared == 3));
    }
}
