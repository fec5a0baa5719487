//! A text cut into words and numbers, with what stands before each: enough to tell names and numbers, in one walk.
//!
//! Coarser than [`words`](crate::text::terms::words): compounds stay whole (`Rostov-sur-le-Don`), case is kept, and nothing is
//! folded until it has to be.

use unicode_normalization::char::is_combining_mark;

use crate::text::terms::fold;
use crate::types::Span;

/// A word or a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'t> {
    /// Its bytes in the text, without what was elided before it.
    pub(super) span: Span,
    /// It as written.
    pub(super) text: &'t str,
    /// How it is written.
    pub(super) kind: Kind,
    /// What stands between it and the token before.
    pub(super) gap: Gap,
}

/// How a token is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It begins with a digit.
    Number,
    /// Capitals only, two at least: `ANL`.
    Capitals,
    /// It begins with a capital, behind an article of Arabic too: `Haftar`, `al-Mesmari`.
    Capital,
    /// All else.
    Small,
}

/// What stands between two tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gap {
    /// White space of one line, or nothing.
    Space,
    /// White space, then `d'` or `l'`.
    Elision,
    /// An opening parenthesis, last of all.
    Parenthesis,
    /// What sentences are divided by: commas, dashes.
    Mark,
    /// What a sentence may begin after: a stop, a colon, a quotation mark, a new line, the begin of the text.
    Start,
}

/// The tokens of a text, in order.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut found: Vec<Token<'_>> = Vec::with_capacity(text.len() / 5);
    let mut rest = 0;
    while let Some(start) = text[rest..].find(char::is_alphanumeric).map(|at| rest + at) {
        let before = found.last().map_or(0, |token| token.span.end);
        let is_number = text.as_bytes()[start].is_ascii_digit();
        let (start, end) = if is_number { (start, number_end(text, start)) } else { word(text, start) };
        rest = end;
        let word = &text[start..end];
        let gap = match found.last() {
            None => Gap::Start,
            Some(last) => gap(&text[before..start], last),
        };
        let kind = if is_number { Kind::Number } else { kind(word) };
        found.push(Token { span: Span::new(start, end), text: word, kind, gap });
    }
    found
}

/// The hash of a word's exact form: see [`fold`], which French is spared.
pub(super) fn hash(word: &str) -> u64 {
    let mut hash = BASIS;
    for c in word.chars() {
        let bare = match c {
            'a'..='z' | '0'..='9' => c as u8,
            'A'..='Z' => c as u8 | 0x20,
            'é' | 'è' | 'ê' | 'ë' | 'É' | 'È' | 'Ê' => b'e',
            'à' | 'â' | 'À' | 'Â' => b'a',
            'î' | 'ï' | 'Î' => b'i',
            'ô' | 'Ô' => b'o',
            'ù' | 'û' | 'ü' => b'u',
            'ç' | 'Ç' => b'c',
            '-' | '\'' | '’' => continue,
            _ => return hash_of(fold(word).bytes()),
        };
        hash = step(hash, bare);
    }
    hash
}

/// The hash of bytes (FNV-1a).
pub(super) fn hash_of(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(BASIS, step)
}

const BASIS: u64 = 0xcbf2_9ce4_8422_2325;

fn step(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
}

/// Words that stand before a name, with or without a full stop, and are no part of it.
pub(super) fn is_title(word: &str) -> bool {
    matches!(word, "M" | "MM" | "Mme" | "Mmes" | "Mlle" | "Me" | "Mes" | "Dr" | "Pr" | "Mgr" | "Mr" | "Mrs" | "Ms")
}

/// The bytes of the word that begins at `start`, without what is elided.
fn word(text: &str, first: usize) -> (usize, usize) {
    let (mut start, mut end) = (first, first);
    let mut characters = text[first..].char_indices().map(|(at, c)| (first + at, c)).peekable();
    while let Some((at, c)) = characters.next() {
        let is_joint = matches!(c, '-' | '\u{2010}' | '\u{2011}' | '\'' | '’');
        if c.is_alphanumeric() || !c.is_ascii() && is_combining_mark(c) {
            end = at + c.len_utf8();
        } else if is_joint && end == at && characters.peek().is_some_and(|(_, next)| next.is_alphanumeric()) {
            if matches!(c, '\'' | '’') && is_elided(&text[start..at]) {
                start = at + c.len_utf8();
            }
        } else {
            break;
        }
    }
    (start, end)
}

/// Whether French leaves out the last letter of this word before a vowel.
fn is_elided(word: &str) -> bool {
    matches!(word.len(), 1 | 2 | 5..=7)
        && matches!(
            word.to_ascii_lowercase().as_str(),
            "l" | "d" | "j" | "m" | "t" | "s" | "n" | "c" | "qu" | "jusqu" | "lorsqu" | "puisqu" | "quoiqu"
        )
}

/// Where the number that begins at `start` ends: thousands set apart, decimals and letters (`19h09`, `1er`) belong to it.
fn number_end(text: &str, start: usize) -> usize {
    let bytes = text.as_bytes();
    let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut end = start + digits(start);
    if end - start <= 3 {
        while let Some(c) =
            text[end..].chars().next().filter(|c| matches!(c, ' ' | '\u{A0}' | '\u{202F}' | '\u{2009}' | '.'))
        {
            let next = end + c.len_utf8();
            if digits(next) != 3 {
                break;
            }
            end = next + 3;
        }
    }
    if matches!(bytes.get(end), Some(b',' | b'.')) && digits(end + 1) > 0 {
        end += 1 + digits(end + 1);
    }
    end + text[end..].find(|c: char| !c.is_alphanumeric()).unwrap_or(text.len() - end)
}

fn gap(between: &str, last: &Token<'_>) -> Gap {
    let is_abbreviated = is_title(last.text) || last.kind != Kind::Number && last.text.chars().nth(1).is_none();
    match between {
        "" | " " | "\u{A0}" | "\u{202F}" => return Gap::Space,
        ". " | ".\u{A0}" | "." if is_abbreviated => return Gap::Space,
        _ => {}
    }
    let mut gap = Gap::Space;
    for c in between.chars() {
        gap = match c {
            '.' | '!' | '?' | '…' | ':' | ';' | '«' | '“' | '"' | '\n' | '\r' | '•' => return Gap::Start,
            '(' => Gap::Parenthesis,
            '\'' | '’' | 'd' | 'D' | 'l' | 'L' if matches!(gap, Gap::Space | Gap::Elision) => Gap::Elision,
            c if c.is_whitespace() => gap,
            _ => Gap::Mark,
        };
    }
    gap
}

fn kind(word: &str) -> Kind {
    let is_capital = |word: &str| word.chars().next().is_some_and(char::is_uppercase);
    if is_capital(word) {
        let several = word.chars().filter(|c| c.is_alphabetic()).nth(1).is_some();
        return if several && !word.chars().any(char::is_lowercase) { Kind::Capitals } else { Kind::Capital };
    }
    match word.split_once(['-', '’', '\'']) {
        Some(("al" | "el" | "ad" | "an" | "ar" | "as" | "at" | "ash" | "ach", name)) if is_capital(name) => {
            Kind::Capital
        }
        _ => Kind::Small,
    }
}
