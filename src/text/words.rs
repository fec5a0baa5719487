//! The words of a text as texts are compared by them: a hash of each, and where it stands in the text as published.
//!
//! A word is a run of letters and digits of the lower-case [analysis form](super::analysis_form). The form itself is made
//! only where it takes more than a look at one character at a time: where accents stand beside their letters, invisible
//! characters inside words, or a capital sigma, which is written in two ways. Nothing of that reaches over white space, so
//! the text is read in chunks between white space, and only a chunk that has such a character is spelled out.

use std::iter;
use std::ops::Range;
use std::sync::LazyLock;

use unicode_normalization::char::canonical_combining_class;
use unicode_normalization::{IsNormalized, is_nfc_quick};

use super::normalise::{analysis_form, is_invisible, is_joiner};
use crate::types::Span;

/// The words of a text, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    hashes: Vec<u64>,
    spans: Vec<Span>,
}

impl Words {
    /// A hash of each word: equal for words that read the same, on every machine and in every version of the program, since
    /// what is made of it is stored.
    pub fn hashes(&self) -> &[u64] {
        &self.hashes
    }

    /// Where the word `at` stands, in bytes of the text as published.
    pub fn span(&self, at: usize) -> Span {
        self.spans[at]
    }

    /// From the first to the last of some words, at least one, in bytes of the text as published.
    pub fn covering(&self, words: Range<usize>) -> Span {
        Span::new(self.spans[words.start].start, self.spans[words.end - 1].end)
    }

    /// Those that stand in none of some spans, which ascend.
    pub fn outside(&self, spans: &[Span]) -> Self {
        let mut spans = spans.iter().peekable();
        let mut left = Self::default();
        for (hash, span) in self.hashes.iter().zip(&self.spans) {
            while spans.next_if(|other| other.end <= span.start).is_some() {}
            if spans.peek().is_none_or(|other| span.end <= other.start) {
                left.hashes.push(*hash);
                left.spans.push(*span);
            }
        }
        left
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// Adds the word that was being read, if there was one.
    fn end(&mut self, word: &mut Option<Word>) {
        if let Some(word) = word.take() {
            self.hashes.push(finished(word.hash));
            self.spans.push(word.span);
        }
    }

    fn truncate(&mut self, len: usize) {
        self.hashes.truncate(len);
        self.spans.truncate(len);
    }
}

/// A word that is being read.
#[derive(Clone, Copy)]
struct Word {
    hash: u64,
    span: Span,
}

impl Word {
    /// Adds a character of the compared form to the word, or begins one with it.
    fn add(word: Option<Self>, form: u32, span: Span) -> Option<Self> {
        let word = word.unwrap_or(Self { hash: SEED, span });
        Some(Self { hash: added(word.hash, u64::from(form)), span: Span::new(word.span.start, span.end) })
    }
}

const SEED: u64 = 0x243f_6a88_85a3_08d3;

/// A hash with one more value: a multiplication a value (Fowler, Noll and Vo), by an odd number whose bits are mixed better
/// than those of their prime.
fn added(hash: u64, value: u64) -> u64 {
    (hash ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
}

/// A hash each of whose bits depends on all that was added: the finaliser of MurmurHash3.
fn finished(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

/// A hash of a run of words, by theirs.
pub(crate) fn run(words: &[u64]) -> u64 {
    finished(words.iter().fold(SEED, |hash, word| added(hash, *word)))
}

/// What a character is to words.
#[derive(Clone, Copy)]
enum Kind {
    /// Part of a word, and how it is compared there.
    Letter(u32),
    /// Between words.
    Between,
    /// Between chunks.
    Space,
    /// What it is depends on its neighbours.
    Strange,
}

impl Kind {
    fn of(c: char) -> Self {
        let mut lower = c.to_lowercase();
        match c {
            // Most of the punctuation that is not ASCII.
            '\u{2010}'..='\u{2027}' => Self::Between,
            c if c.is_whitespace() => Self::Space,
            'ʼ' => Self::Between,
            'Σ' | 'ˈ' | 'ʹ' => Self::Strange,
            c if !stands_alone(c) || lower.len() > 1 => Self::Strange,
            _ => match lower.next() {
                Some(lower) if lower.is_alphanumeric() => Self::Letter(lower.into()),
                _ => Self::Between,
            },
        }
    }
}

/// The kinds of the characters of one byte or two.
static KINDS: LazyLock<Vec<Kind>> =
    LazyLock::new(|| (0..0x800).map(|code| char::from_u32(code).map_or(Kind::Strange, Kind::of)).collect());

/// Whether normalising changes neither `c` nor what is before it, whatever that is.
fn stands_alone(c: char) -> bool {
    canonical_combining_class(c) == 0
        && is_nfc_quick(iter::once(c)) == IsNormalized::Yes
        && !is_invisible(c)
        && !is_joiner(c)
}

/// The words of `text`.
///
/// Words are those of [`analysis_form`] in lower case, cut at whatever is neither a letter nor a digit.
pub fn words(text: &str) -> Words {
    let kinds = KINDS.as_slice();
    let bytes = text.as_bytes();
    let mut words = Words::default();
    words.hashes.reserve(text.len() / 6);
    words.spans.reserve(text.len() / 6);
    let mut word: Option<Word> = None;
    // Where the chunk begins, in bytes and in words.
    let mut chunk = (0, 0);
    let mut at = 0;
    while at < bytes.len() {
        let (kind, end) = match bytes[at] {
            byte @ ..0x80 => (kinds[usize::from(byte)], at + 1),
            byte @ ..0xE0 => (kinds[usize::from(byte & 0x1F) << 6 | usize::from(bytes[at + 1] & 0x3F)], at + 2),
            _ => {
                let character = text[at..].chars().next().unwrap_or_default();
                (Kind::of(character), at + character.len_utf8())
            }
        };
        match kind {
            Kind::Letter(form) => word = Word::add(word, form, Span::new(at, end)),
            Kind::Between => words.end(&mut word),
            Kind::Space => {
                words.end(&mut word);
                chunk = (end, words.len());
            }
            Kind::Strange => {
                word = None;
                words.truncate(chunk.1);
                let rest = &text[chunk.0..];
                let length = rest.find(char::is_whitespace).unwrap_or(rest.len());
                spell_out(&rest[..length], chunk.0, &mut words);
                at = chunk.0 + length;
                chunk.1 = words.len();
                continue;
            }
        }
        at = end;
    }
    words.end(&mut word);
    words
}

/// Adds the words of a chunk without white space, which begins `at` bytes into the text, by its analysis form.
fn spell_out(chunk: &str, at: usize, words: &mut Words) {
    let form = analysis_form(chunk);
    // In one piece, since a capital sigma looks at its neighbours.
    let lower = form.to_lowercase();
    let mut lower = lower.chars();
    let mut word = None;
    for (character, span) in form.chars().zip(places(chunk, at)) {
        for lower in lower.by_ref().take(character.to_lowercase().len()) {
            if lower.is_alphanumeric() {
                word = Word::add(word, lower.into(), span);
            } else {
                words.end(&mut word);
            }
        }
    }
    words.end(&mut word);
}

/// Where each character of the analysis form of a chunk comes from, in bytes, the chunk beginning at `at`.
///
/// A character and what normalising may join to it have as many characters in the analysis form as they have alone. Of
/// several characters that became others, each is given the place of the character that stood there before in its turn.
fn places(chunk: &str, at: usize) -> impl Iterator<Item = Span> {
    let mut rest = chunk;
    let mut begin = at;
    iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let length = rest.char_indices().skip(1).find(|(_, c)| stands_alone(*c)).map_or(rest.len(), |(end, _)| end);
        let (cluster, after) = rest.split_at(length);
        let places = places_of(cluster, begin);
        rest = after;
        begin += length;
        Some(places)
    })
    .flatten()
}

/// [`places`] of a character and what normalising may join to it.
fn places_of(cluster: &str, at: usize) -> Vec<Span> {
    let count = analysis_form(cluster).chars().count();
    let place = |(start, c): (usize, char)| Span::new(at + start, at + start + c.len_utf8());
    let shown: Vec<Span> = cluster.char_indices().filter(|(_, c)| !is_invisible(*c)).map(place).collect();
    let solid = cluster.char_indices().rfind(|(_, c)| !is_invisible(*c) && !is_joiner(*c));
    let end = solid.map_or(at, |last| place(last).end);
    let mut places: Vec<Span> = (0..count).map(|nth| shown.get(nth).copied().unwrap_or(Span::new(end, end))).collect();
    if let Some(last) = places.last_mut() {
        last.end = end.max(last.start);
    }
    places
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_normalization::UnicodeNormalization;

    use super::super::normalise::strewn;
    use super::*;

    /// The words of the whole analysis form.
    fn slowly(text: &str) -> Vec<u64> {
        let form = analysis_form(text).to_lowercase();
        let words = form.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.map(|word| finished(word.chars().fold(SEED, |hash, c| added(hash, u64::from(c))))).collect()
    }

    fn found(text: &str) -> Vec<&str> {
        let words = words(text);
        (0..words.len()).map(|at| &text[words.span(at).range()]).collect()
    }

    #[test]
    fn words_stand_where_they_were_published() {
        for (text, expected) in [
            ("", &[][..]),
            ("« L’été », dit-il.", &["L", "été", "dit", "il"]),
            ("12\u{202F}000 € en 2023", &["12", "000", "en", "2023"]),
            ("l'e\u{301}te\u{301}…", &["l", "e\u{301}te\u{301}"]),
            (
                "\u{FEFF}gou\u{AD}ver\u{200B}ne\u{200C}ment\u{200B} uni\u{200D}",
                &["gou\u{AD}ver\u{200B}ne\u{200C}ment", "uni"],
            ),
            ("ΟΔΥΣΣΕΥΣ, ΑΣ.Β", &["ΟΔΥΣΣΕΥΣ", "ΑΣ", "Β"]),
            ("می\u{200C}خواهم", &["می", "خواهم"]),
            ("İstanbul", &["İ", "stanbul"]),
            ("aujourdʼhui aˈb", &["aujourd", "hui", "a", "b"]),
        ] {
            assert_eq!(found(text), expected, "{text:?}");
            assert_eq!(words(text).hashes(), slowly(text), "{text:?}");
        }
        assert_eq!(words("L’ÉTÉ").hashes(), words("l'e\u{301}te\u{301}").hashes());
        assert_eq!(words("un deux trois").covering(1..3), Span::new(3, 13));
    }

    #[test]
    fn every_character_is_read_as_the_analysis_form_has_it() {
        for c in '\0'..='\u{323AF}' {
            let text = format!("a{c}b {c}");
            assert_eq!(words(&text).hashes(), slowly(&text), "{:x}", u32::from(c));
        }
    }

    #[test]
    fn hashes_stay_what_they_are_on_disk() {
        assert_eq!(words("Été 2023").hashes(), [0x60aa_e2f5_7603_2f4c, 0xbebc_9e6d_bbb9_2b44]);
        assert_eq!(run(words("Été 2023").hashes()), 0x7dd9_96f5_1330_1ed4);
    }

    /// Letters that change or join others: sigma, jamo, marks of several scripts.
    fn joining() -> impl Strategy<Value = String> {
        let joining: Vec<char> = "aΣσ'.:\u{AD}\u{200C}\u{301}\u{323}\u{345}\u{5B0}\u{5D1} \u{958}\u{9C7}\u{9BE}\u{1100}\u{1161}\u{11A8}İqʹ´\u{344}\u{FB1D}"
            .chars()
            .collect();
        proptest::collection::vec(proptest::sample::select(joining), 0..30).prop_map(|text| text.into_iter().collect())
    }

    proptest! {
        #[test]
        fn words_are_those_of_the_analysis_form(text in prop_oneof![strewn(), joining(), any::<String>()]) {
            let words = words(&text);
            prop_assert_eq!(words.hashes(), slowly(&text));
            let mut before = 0;
            for at in 0..words.len() {
                let span = words.span(at);
                prop_assert!(before <= span.start && span.start <= span.end && text.get(span.range()).is_some());
                before = span.end;
            }
        }

        #[test]
        fn the_place_of_a_word_reads_as_the_word(text in "[a-zA-ZÀ-ÿ0-9'’«» \u{A0}\u{AD}\u{200B},.-]{0,60}", decomposed: bool) {
            let text: String = if decomposed { text.nfd().collect() } else { text };
            let all = words(&text);
            for at in 0..all.len() {
                let place = &text[all.span(at).range()];
                let alone = words(place);
                prop_assert_eq!(alone.hashes(), &all.hashes()[at..=at]);
                prop_assert!(!place.ends_with(is_invisible) && !place.starts_with(is_invisible));
            }
        }
    }
}
