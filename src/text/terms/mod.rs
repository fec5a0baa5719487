//! Words as a search by words compares them: cut out of a text, folded, stemmed.
//!
//! | module | reason to exist |
//! | --- | --- |
//! | this | where words begin and end: elisions, acronyms, numbers |
//! | `fold` | the exact form of a word: case, accents and ligatures do not count |
//! | `stem` | the stem of an exact form, by language; `french` is ours |
//! | `stop` | words that say nothing about what a text is about, by language |

mod fold;
mod french;
mod stem;
mod stop;

use unicode_segmentation::UnicodeSegmentation;

use crate::types::Span;

pub use fold::fold;
pub use stem::stem;
pub use stop::is_stop_word;

/// A word of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Its bytes in the text as published, without what was elided before it.
    pub span: Span,
    /// Its exact form: see [`fold`].
    pub form: String,
}

/// What French and Italian elide before a vowel: no words of their own.
const ELIDED: [&str; 28] = [
    "l", "d", "j", "m", "t", "s", "n", "c", "qu", "jusqu", "lorsqu", "puisqu", "quoiqu", "quelqu", "presqu", "dell",
    "nell", "all", "sull", "dall", "coll", "un", "quell", "quest", "sant", "bell", "dov", "gl",
];

/// Longest exact form that is kept, in bytes: what is longer is data, not a word.
const LONGEST: usize = 128;

/// The words of a text, in the order of reading.
///
/// - Words are those of Unicode's annex 29, cut further at full stops, colons and underscores inside.
/// - What is elided before a vowel is left out: `l'école`, `qu’il` and `dell'arte` are `ecole`, `il` and `arte`; so is the
///   `'s` of English. An apostrophe that elides nothing belongs to its word: `aujourd'hui`, `N'Djamena`.
/// - Letters with full stops between them are one word: `O.N.U.` is `onu`.
/// - The parts of a compound are words: `rendez-vous` is two.
/// - A number is one word, however its thousands are set apart: `1 000 000` and `1.000.000` are `1000000`, `3,5` is `3.5`.
pub fn words(text: &str) -> Vec<Word> {
    let mut found = Vec::new();
    let mut push = |start: usize, end: usize, form: String| {
        if !form.is_empty() && form.len() <= LONGEST {
            found.push(Word { span: Span::new(start, end), form });
        }
    };
    // The annex joins what a narrow no-break space stands between: "10 millions" must be two words.
    let mut segments = text
        .unicode_word_indices()
        .flat_map(|(start, segment)| pieces(start, segment, &['\u{202F}']))
        .filter(|(_, piece)| !piece.is_empty())
        .peekable();
    while let Some((start, segment)) = segments.next() {
        if is_number(segment) {
            let mut end = start + segment.len();
            while is_group(&text[start..end], 1..=3) || text[start..end].contains(is_gap) {
                let Some((at, group)) = segments.next_if(|(at, group)| {
                    is_gap_only(&text[end..*at]) && is_group(group.split(',').next().unwrap_or(group), 3..=3)
                }) else {
                    break;
                };
                end = at + group.len();
            }
            push(start, end, number(&text[start..end]));
            continue;
        }
        let bare = without_elisions(segment);
        let (start, segment) = (start + bare.start, &segment[bare.range()]);
        if is_acronym(segment) {
            push(start, start + segment.len(), fold(segment));
            continue;
        }
        for (at, part) in pieces(start, segment, &['.', ':', '_', ',']) {
            push(at, at + part.len(), fold(part));
        }
    }
    found
}

/// What lies between some characters of a segment, each with its place in the text.
fn pieces<'a>(start: usize, segment: &'a str, between: &'a [char]) -> impl Iterator<Item = (usize, &'a str)> {
    segment.split(between).scan(start, move |at, piece| {
        let here = *at;
        let next = here - start + piece.len();
        *at = here + piece.len() + segment[next..].chars().next().map_or(0, char::len_utf8);
        Some((here, piece))
    })
}

/// Digits, with full stops and commas between them.
fn is_number(segment: &str) -> bool {
    segment.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b','))
}

/// Digits only, so many.
fn is_group(digits: &str, many: std::ops::RangeInclusive<usize>) -> bool {
    many.contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
}

/// What sets thousands apart beside full stops and commas.
fn is_gap(c: char) -> bool {
    matches!(c, ' ' | '\u{A0}' | '\u{202F}' | '\u{2009}')
}

fn is_gap_only(between: &str) -> bool {
    let mut characters = between.chars();
    characters.next().is_some_and(is_gap) && characters.next().is_none()
}

/// A number without marks between its thousands, a full stop before its decimals.
fn number(written: &str) -> String {
    let joined: String = written.chars().filter(|&c| !is_gap(c)).collect();
    let mut groups = joined.split(['.', ',']);
    let first = groups.next().unwrap_or_default();
    if first.len() < joined.len() && is_group(first, 1..=3) && groups.all(|group| is_group(group, 3..=3)) {
        joined.replace(['.', ','], "")
    } else {
        joined.replace(',', ".")
    }
}

/// Single letters with full stops between them.
fn is_acronym(segment: &str) -> bool {
    segment.contains('.')
        && segment.split('.').all(|letter| {
            let mut characters = letter.chars();
            characters.next().is_some_and(char::is_alphabetic) && characters.next().is_none()
        })
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '’' | '‘' | 'ʼ' | '＇')
}

/// The bytes of a word without what is elided before it, and without the possessive `'s` after it.
fn without_elisions(word: &str) -> Span {
    let mut bare = Span::new(0, word.len());
    while let Some((before, after)) = word[bare.range()].split_once(is_apostrophe) {
        let next = fold(after).chars().next();
        if ELIDED.contains(&fold(before).as_str()) && next.is_some_and(|c| "aeiouyh".contains(c)) {
            bare.start = bare.end - after.len();
        } else {
            if matches!(after, "s" | "S") {
                bare.end = bare.start + before.len();
            }
            break;
        }
    }
    bare
}

#[cfg(test)]
mod tests;
