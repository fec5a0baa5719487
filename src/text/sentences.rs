//! Sentence borders, by rule: French typography first, workable for other languages.
//!
//! No statistics and no model. A border is where a reader would stop: after final punctuation and whatever closes with
//! it, where what follows can begin a sentence, and at the end of a paragraph. In doubt two sentences stay together,
//! because a passage that holds both loses nothing.
//!
//! One walk over the text:
//!
//! 1. At a full stop, question mark and so on, read the whole [`Stop`]: marks, then closing quotes and brackets.
//! 2. Look at what comes [`Next`]. A small letter goes on; a capital begins, unless an abbreviation stands before.
//! 3. At a line break without a stop, tell a paragraph's end from a line that was only wrapped, by asking whether the
//!    next word would have fitted on the line.

use super::abbreviations::{Abbreviation, abbreviation, is_german_month, opens_sentences};
use super::lines::{is_line_break, line_breaks, lines};
use crate::types::Span;

/// The sentences of `text`, in order.
///
/// They tile the text: the first starts at 0, each starts where the one before ends, the last ends at the end. White
/// space belongs to the sentence before it, closing quotes and brackets to the sentence that they close. An empty text
/// has no sentence, a text of white space has one. Takes time linear in the text.
pub fn sentences(text: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut start = 0;
    let mut walk = Walk::new(text);
    while let Some(end) = walk.next_border() {
        spans.push(Span::new(start, end));
        start = end;
    }
    if start < text.len() {
        spans.push(Span::new(start, text.len()));
    }
    spans
}

/// Width of wrapped text, in characters: a block whose longest line is outside this is not wrapped.
const WRAPPED: std::ops::RangeInclusive<usize> = 40..=120;

/// The walk over a text, and what it remembers of the sentence that it is in.
struct Walk<'t> {
    text: &'t str,
    /// Where the walk is.
    at: usize,
    /// First byte of the sentence.
    sentence: usize,
    /// Whether the sentence has a letter or digit yet: dots and dashes alone end nothing.
    has_word: bool,
    /// Where the latest parenthesis of the sentence opened.
    parenthesis: Option<usize>,
    block: Block,
}

/// A run of lines without a blank one between.
#[derive(Default)]
struct Block {
    end: usize,
    /// Characters of the longest line, if that looks like the margin of wrapped text.
    width: Option<usize>,
}

impl<'t> Walk<'t> {
    fn new(text: &'t str) -> Self {
        Self { text, at: 0, sentence: 0, has_word: false, parenthesis: None, block: Block::default() }
    }

    /// The next place, after white space, where one sentence ends and another begins.
    fn next_border(&mut self) -> Option<usize> {
        while let Some(c) = self.text[self.at..].chars().next() {
            let here = self.at;
            let ends = if c.is_whitespace() {
                self.skip_gap();
                here > self.sentence && self.ends_at_line_break(here)
            } else if is_stop(c) {
                let stop = Stop::read(self.text, here);
                self.at = stop.end;
                self.skip_gap();
                self.ends_at(&stop)
            } else {
                self.at += c.len_utf8();
                self.has_word |= c.is_alphanumeric();
                if matches!(c, '(' | '[') {
                    self.parenthesis = Some(here);
                }
                false
            };
            if ends && self.at < self.text.len() {
                self.sentence = self.at;
                self.has_word = false;
                self.parenthesis = None;
                return Some(self.at);
            }
        }
        None
    }

    /// Moves past white space.
    fn skip_gap(&mut self) {
        self.at = self.text.len() - self.text[self.at..].trim_start().len();
    }

    /// Whether the sentence ends with `stop`; the walk is past the white space after it.
    fn ends_at(&self, stop: &Stop) -> bool {
        let breaks = line_breaks(&self.text[stop.end..self.at]);
        if breaks >= 2 {
            return true;
        }
        if !self.has_word {
            return false;
        }
        let next = Next::read(&self.text[self.at..]);
        if self.at == stop.end {
            return stop.wide && !(stop.closed && next.is_hiragana());
        }
        if breaks == 0 && self.is_aside(stop) {
            return false;
        }
        match stop.kind {
            Kind::Strong => !next.goes_on(),
            Kind::Ellipsis => next.quoted || next.begins_word() && !next.is_lowercase(),
            Kind::FullStop => self.full_stop_ends(stop, &next, breaks),
        }
    }

    /// Whether `stop` only closes a parenthesis inside the sentence: `le mot (lequel ?) Dupont`. An omission `(...)` does not
    /// count, since whole sentences are omitted.
    fn is_aside(&self, stop: &Stop) -> bool {
        let Some(open) = self.parenthesis else { return false };
        stop.bracketed && open > self.sentence && self.text[open..stop.start].len() > 1
    }

    fn full_stop_ends(&self, stop: &Stop, next: &Next, breaks: usize) -> bool {
        let before = &self.text[self.sentence..stop.start];
        let word = last_word(before);
        let before_word = &before[..before.len() - word.len()];
        match abbreviation(word, before_word) {
            Some(_) if stop.bracketed => false,
            Some(Abbreviation::Joined) => false,
            Some(Abbreviation::BeforeNumber) => {
                next.quoted || next.begins_word() && !next.is_lowercase() && !next.is_number()
            }
            Some(Abbreviation::BeforeName) => opens_sentences(next.word),
            None if is_number(word, 3) && !before_word.contains(char::is_alphanumeric) => false,
            None if is_number(word, 2) && is_german_month(next.word) => false,
            None => breaks > 0 || !next.goes_on(),
        }
    }

    /// Whether the white space from `gap` to here, which no stop precedes, ends a sentence.
    fn ends_at_line_break(&mut self, gap: usize) -> bool {
        let breaks = line_breaks(&self.text[gap..self.at]);
        if breaks != 1 {
            return breaks > 1;
        }
        let (above, below) = (&self.text[self.sentence..gap], &self.text[self.at..]);
        if begins_with_bullet(below) || above.ends_with(':') {
            return true;
        }
        !(above.ends_with([',', '(', '«', '-', '–', '—']) || Next::read(below).goes_on() || self.was_wrapped(gap))
    }

    /// Whether the line that ends at `gap` was broken because the next word did not fit.
    fn was_wrapped(&mut self, gap: usize) -> bool {
        let line = self.text[..gap].rsplit(is_line_break).next().unwrap_or("");
        if gap >= self.block.end {
            self.block = Block::read(self.text, gap - line.len());
        }
        let Some(width) = self.block.width else { return false };
        let line = line.trim().chars().count();
        let word = self.text[self.at..].split_whitespace().next().map_or(0, |word| word.chars().count());
        line + 1 + word > width
    }
}

impl Block {
    fn read(text: &str, start: usize) -> Self {
        let mut block = Self { end: start, width: None };
        let mut longest = 0;
        for line in lines(&text[start..]) {
            let content = text[start..][line.range()].trim();
            if content.is_empty() {
                break;
            }
            longest = longest.max(content.chars().count());
            block.end = start + line.end;
        }
        block.width = WRAPPED.contains(&longest).then_some(longest);
        block
    }
}

/// How final a stop is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// One full stop, which abbreviations have too.
    FullStop,
    /// Dots that trail off.
    Ellipsis,
    /// A question, an exclamation, or the full stop of a script without abbreviations.
    Strong,
}

/// Final punctuation with the quotes and brackets that close after it.
struct Stop {
    start: usize,
    end: usize,
    kind: Kind,
    /// Whether the mark is of a script that sets no space after it.
    wide: bool,
    /// Whether a quote or bracket comes last.
    closed: bool,
    /// Whether a bracket comes after the last mark.
    bracketed: bool,
}

impl Stop {
    fn read(text: &str, start: usize) -> Self {
        let mut stop = Self { start, end: start, kind: Kind::FullStop, wide: false, closed: false, bracketed: false };
        let mut dots = 0;
        loop {
            let rest = &text[stop.end..];
            // French sets a space before ! and ? and before », so such marks may stand a little further on.
            let near = rest.trim_start_matches(|c: char| c.is_whitespace() && !is_line_break(c));
            let spaced = near.len() < rest.len();
            let mut characters = near.chars();
            let Some(c) = characters.next() else { break };
            let followed_by_word = characters.next().is_some_and(char::is_alphanumeric);
            let taken = if is_stop(c) {
                !spaced || matches!(c, '!' | '?') && !followed_by_word
            } else {
                closes(c, spaced) && !(is_quote(c) && followed_by_word)
            };
            if !taken {
                break;
            }
            match c {
                '.' => dots += 1,
                '…' => dots += 3,
                c if is_stop(c) => stop.kind = Kind::Strong,
                _ => {}
            }
            stop.wide |= is_wide_stop(c);
            stop.closed = !is_stop(c);
            stop.bracketed = stop.closed && (stop.bracketed || matches!(c, ')' | ']' | '}'));
            stop.end = text.len() - near.len() + c.len_utf8();
        }
        if stop.kind != Kind::Strong && dots > 1 {
            stop.kind = Kind::Ellipsis;
        }
        stop
    }
}

/// What stands after a possible border.
struct Next<'t> {
    /// Whether a quotation opens.
    quoted: bool,
    /// The first character past opening quotes, brackets and dashes.
    first: Option<char>,
    /// The word that begins there; it may be empty.
    word: &'t str,
}

impl<'t> Next<'t> {
    fn read(text: &'t str) -> Self {
        let is_opening = |c: char| is_quote(c) || is_dash(c) || "([{¿¡「『*•#".contains(c);
        let inner = text.trim_start_matches(|c| is_opening(c) || (c.is_whitespace() && !is_line_break(c)));
        let skipped = &text[..text.len() - inner.len()];
        let end = inner.find(|c: char| !c.is_alphanumeric() && !matches!(c, '\'' | '’')).unwrap_or(inner.len());
        Self { quoted: skipped.contains(is_quote), first: inner.chars().next(), word: &inner[..end] }
    }

    /// Whether a sentence in progress continues here: with a small letter, or a mark that cannot come first.
    fn goes_on(&self) -> bool {
        self.is_lowercase() || self.first.is_some_and(|c| ",;:)]}»›&=+/%".contains(c) || is_stop(c) && !self.quoted)
    }

    /// Whether a letter that is not a capital comes first; names such as iPhone count as capitals.
    fn is_lowercase(&self) -> bool {
        let mut letters = self.word.chars();
        letters.next().is_some_and(char::is_lowercase) && !letters.next().is_some_and(char::is_uppercase)
    }

    fn begins_word(&self) -> bool {
        self.word.chars().next().is_some_and(char::is_alphabetic)
    }

    fn is_hiragana(&self) -> bool {
        self.first.is_some_and(|c| matches!(c, '\u{3041}'..='\u{309F}'))
    }

    /// Whether a number comes, in digits, Roman, or as in `art. L. 123`. The letters C, D and M alone are initials.
    fn is_number(&self) -> bool {
        self.first.is_some_and(|c| c.is_ascii_digit())
            || matches!(self.word, "I" | "V" | "X" | "L" | "R")
            || self.word.len() > 1 && self.word.bytes().all(|b| b"IVXLCDM".contains(&b))
    }
}

/// The end of `text` back to white space, an apostrophe, or opening or separating punctuation.
fn last_word(text: &str) -> &str {
    let is_border = |c: char| c.is_whitespace() || is_quote(c) || matches!(c, '(' | '[' | '/' | ',' | ';' | ':' | '…');
    text.rsplit(is_border).next().unwrap_or("")
}

/// Whether `word` is a number of at most `digits` digits.
fn is_number(word: &str, digits: usize) -> bool {
    (1..=digits).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_digit())
}

/// Whether a line begins as an item of a list or a turn of a dialogue does.
fn begins_with_bullet(line: &str) -> bool {
    let mut characters = line.chars();
    let first = characters.next().unwrap_or(' ');
    matches!(first, '•' | '·' | '●' | '■' | '▪' | '►' | '▶' | '‣' | '◦')
        || (is_dash(first) || first == '*') && characters.next().is_some_and(char::is_whitespace)
}

fn is_stop(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | '…' | '‽' | '‼' | '⁇' | '⁈' | '⁉' | '؟' | '۔' | '।' | '॥' | '։' | '።')
        || is_wide_stop(c)
}

/// Final punctuation of Chinese and Japanese, which no space follows.
fn is_wide_stop(c: char) -> bool {
    matches!(c, '。' | '！' | '？' | '｡')
}

fn is_dash(c: char) -> bool {
    matches!(c, '-' | '–' | '—')
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\'' | '’' | '‘' | '“' | '”' | '„' | '‟' | '«' | '»' | '‹' | '›')
}

/// Whether `c` can close what a sentence opened; `spaced` if a space stands before it.
fn closes(c: char, spaced: bool) -> bool {
    match c {
        '"' | '”' | '»' | '›' => true,
        ')' | ']' | '}' | '\'' | '’' | '“' | '‟' | '«' | '‹' | '」' | '』' | '）' | '】' => !spaced,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Each text has a `|` where a sentence begins.
    fn check(cases: &[&str]) {
        for case in cases {
            let text = case.replace('|', "");
            let found: Vec<_> = sentences(&text).into_iter().map(|span| &text[span.range()]).collect();
            let expected: Vec<_> = case.split('|').filter(|part| !part.is_empty()).collect();
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn plain_french() {
        check(&[
            "",
            " \n ",
            "Bonjour",
            "Il pleut. |Elle sort. |Ils rentrent.",
            "Il pleut.  \t|Elle sort.",
            "Il pleut ! |Elle sort ? |Oui.",
            "Il pleut\u{202F}! |Elle sort\u{A0}?",
            "Quoi ?! |Encore ? ! |Oui.",
            "En 2020. |Le reste suit.",
            "Ils étaient 12. |Trois sont partis.",
            "Ils sont là. |12 personnes attendent.",
            "C'est fini. |À demain.",
            "C'est fini. |Œuvre majeure.",
            "C'est sorti. |iPhone et tablettes suivent.",
        ]);
    }

    #[test]
    fn abbreviations_hold() {
        check(&[
            "M. Dupont est là. |MM. Petit et Durand aussi.",
            "Mme. Martin et Mlle. Petit sont là.",
            "Le Dr. Petit et le Pr. Martin opèrent.",
            "L'avocat, Me. Durand, plaide.",
            "À St. Malo, la mer monte.",
            "Selon l'art. 49 al. 3, le texte passe.",
            "Voir l'art. L. 123 du code.",
            "Le n. 3 et le no. 4 sont vides.",
            "Lire p. 12 et pp. 30 à 35.",
            "Le vol. 2 et le t. II du chap. XII.",
            "Cf. Le Capital, cf. Marx.",
            "Des fruits, par ex. des pommes.",
            "Il y a env. 300 km.",
            "En 52 av. J.-C. la ville tombe.",
            "Né en 52 av. J.-C. |Rome règne.",
            "Martin Luther King Jr. est mort.",
            "La Cie. Durand et la Sté. Petit.",
            "Le 1er janv. 2020 et le 3 févr. 2021.",
            "Il part en janv. |Elle reste.",
            "Des pommes, des poires, etc. |Marie en mange.",
            "Des pommes, etc. et des poires.",
            "Les fruits (pommes, etc.) Marie les aime.",
            "C'est-à-dire, c.-à-d. Paris.",
        ]);
    }

    #[test]
    fn initials_and_acronyms_hold() {
        check(&[
            "J. Dupont est là.",
            "J.-P. Sartre et S. de Beauvoir écrivent.",
            "Le général Ch. de Gaulle.",
            "Les U.S.A. ont dit non.",
            "L'O.N.U. Antonio Guterres la dirige.",
            "Il vit aux U.S.A. |Elle vit ici.",
            "C'est le plan B. |Il est prêt.",
            "C'est l'avis de l'O.N.U. |L'accord tient.",
            "Le groupe L.V.M.H. grandit.",
        ]);
    }

    #[test]
    fn numbers_and_addresses_hold() {
        check(&[
            "Il coûte 3,5 euros ou 3.5 dollars.",
            "Il y a 1.000 morts. |On compte 1.250.000 euros.",
            "Voir www.example.fr/?a=b pour la suite.",
            "Voir https://example.org/page. |Elle est longue.",
            "Écrire à jean.dupont@example.fr ou non.",
            "Le site lemonde.fr. |Il est connu.",
            "Yahoo! a dit non.",
            "1. Le premier point.\n|2. Le second point.",
            "L'article 3. |Il est court.",
        ]);
    }

    #[test]
    fn ellipses() {
        check(&[
            "Il hésite... puis part.",
            "Il hésite… puis part.",
            "Il hésite... |Elle part.",
            "Il hésite… |« Non. »",
            "… Lire la suite.",
            "... et ils partent.",
            "Il dit (...) que tout va bien.",
            "Il le dit (…) |La réponse viendra.",
            "Il l'a dit [...] et répété.",
        ]);
    }

    #[test]
    fn quotes_and_brackets() {
        check(&[
            "\"Quoi ?\", a-t-il dit. |Rien.",
            "« Quoi ? », a-t-il dit.",
            "« Quoi ? » demande-t-il.",
            "« Quoi ! » – s'étonne-t-il.",
            "« C'est fini. » |Il sort.",
            "«C'est fini.» |Il sort.",
            "“C'est fini.” |Il sort.",
            "\"C'est fini.\" |Il sort.",
            "Il sort. |« C'est fini. »",
            "Il sort. |\"C'est fini\".",
            "Il dit \"non\". |Elle dit \"oui\". |Ils partent.",
            "« Je pars. |Tu restes ! » |Elle pleure.",
            "« Arrêtez ! |Partez ! », crie-t-il.",
            "(Il est parti.) |Elle reste.",
            "Le mot (lequel ?) Dupont l'ignore.",
            "Il part (demain). |Elle reste.",
            "Il sort (« C'est fini. »). |Elle reste.",
            "Elle crie « Au feu ! ». |Il court.",
        ]);
    }

    #[test]
    fn paragraphs_and_lines() {
        check(&[
            "Un titre\n\n|Un texte.",
            "Un titre\r\n\r\n|un texte.",
            "Il a vu M.\n\n|Dupont arrive.",
            "Un port en sommeil\n|Le port a fermé ses portes hier.",
            "Il pleut.\n|Elle sort.",
            "Il pleut.\n|elle sort.",
            "Il a vu M.\nDupont hier.",
            "Il a répondu ceci :\n|Rien ne va.",
            "Il y a des pommes,\nDes poires et des noix.",
            "Le ministre a\nparlé hier.",
            "La liste\n• un\n|• deux".replace("liste\n", "liste\n|").as_str(),
            "Le maire de la commune a rencontré hier à Brest la présidente\nJeanne Dupont. |Il est reparti.",
            "- Non.\n|- Si.",
            "\n\nBonjour. |Merci.",
        ]);
    }

    #[test]
    fn other_languages() {
        check(&[
            "Mr. Smith left. |He was tired.",
            "The U.S. Army left. |The war ended.",
            "Is it e.g. Paris? |No.",
            "Am 3. Oktober war es warm. |Dr. Müller kam.",
            "Er rief: »Ja!« |Sie ging.",
            "Er rief: „Ja!“ |Sie ging.",
            "¿Qué pasa? |¡Nada! |El Sr. García salió.",
            "هل وصل؟ |نعم وصل.",
            "وہ آیا۔ |وہ گیا۔",
            "他来了。|她走了！|真的？|是。",
            "「行く。」|彼は言った。",
            "「行く。」と彼は言った。",
            "वह आया। |वह गया।",
        ]);
    }

    #[test]
    fn long_repetitive_texts_take_linear_time() {
        for unit in ["! ", ". ", "a.", "(", "\n", "« ", "...", "?) ", "a\n", ". \"", "M. ", "1. ", "–\n"] {
            let text = unit.repeat(200_000);
            let spans = sentences(&text);
            assert_eq!(spans.last().map(|span| span.end), Some(text.len()), "{unit:?}");
        }
    }

    proptest! {
        #[test]
        fn sentences_tile_the_text(text in "([A-Zé][a-zà]{0,5}|M\\.|[.!?…]| |\n|«|»|\"|\\(|\\)|[0-9]|。|\\PC){0,40}") {
            let mut end = 0;
            for span in sentences(&text) {
                prop_assert_eq!(span.start, end);
                prop_assert!(!span.is_empty() && text.is_char_boundary(span.end));
                end = span.end;
            }
            prop_assert_eq!(end, text.len());
        }

        #[test]
        fn later_sentences_begin_with_a_character(text in "([A-Z][a-z]{0,3}[.!?]|[ \n\u{A0}]{1,3}){0,20}") {
            for span in sentences(&text).into_iter().skip(1) {
                prop_assert!(text[span.range()].starts_with(|c: char| !c.is_whitespace()));
            }
        }
    }
}
