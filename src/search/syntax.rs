//! What people type into a search box: words, "phrases", -exclusions, field:value, dates.
//!
//! | typed | meant |
//! | --- | --- |
//! | `grève hôpital` | articles about it, the more words the better |
//! | `"état d'urgence"`, `«…»`, `“…”` | articles that have these words next to each other; in a whole sentence, rather these |
//! | `-football`, `-"coupe du monde"` | articles without them |
//! | `title:`, `text:` (`titre:`, `texte:`) | a word or phrase that the title, or the body, has |
//! | `date:2020`, `date:2019-03..2020`, `since:`, `until:` (`depuis:`, `avant:`) | articles of this time |
//! | `lang:fr`, `source:AFP`, `section:"Fil info"`, any field of the store | articles whose field has this value |
//! | `-source:AFP` | articles whose field has another |
//!
//! Nothing typed is an error. What cannot be understood (a quotation mark that is not closed, a date that is none, a field that
//! no article has) is searched as plain words, with a note that says so.

use super::note::Note;
use crate::lexical::Phrase;
use crate::store::{Field, LabelFilter};
use crate::types::PartialDate;

/// A question, taken apart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Syntax {
    /// What is searched by words and by meaning: all but operators and exclusions, in the order typed.
    pub words: String,
    /// What an article must have.
    pub required: Vec<Phrase>,
    /// What an article should have: what a sentence quotes.
    pub preferred: Vec<Phrase>,
    /// What an article must not have.
    pub excluded: Vec<Phrase>,
    /// The earliest date.
    pub since: Option<PartialDate>,
    /// The latest date.
    pub until: Option<PartialDate>,
    /// Values that fields have.
    pub labels: Vec<LabelFilter>,
    /// Values that fields do not have.
    pub other_labels: Vec<LabelFilter>,
    /// What was not understood.
    pub notes: Vec<Note>,
}

/// Phrases that are asked for, or excluded, at most.
const MOST: usize = 32;

/// Words beside a phrase up to which its quotation marks ask for it. With more of them they are those of a headline, whose
/// article may well tell it in other words.
const BESIDE: usize = 3;

/// A part of what was typed.
struct Token {
    /// Whether a minus stands before it.
    minus: bool,
    /// What stands before its colon.
    field: Option<String>,
    text: String,
    quoted: bool,
    /// As it was typed.
    raw: String,
}

/// Takes apart what was typed; `is_field` says whether articles of the store have a field of that name.
pub fn parse(typed: &str, is_field: impl Fn(&str) -> bool) -> Syntax {
    let mut syntax = Syntax::default();
    let mut plain = 0;
    for token in tokens(typed, &mut syntax.notes) {
        plain += usize::from(!token.minus && !token.quoted && token.field.is_none());
        syntax.take(token, &is_field);
    }
    for phrases in [&mut syntax.required, &mut syntax.excluded] {
        if phrases.len() > MOST {
            phrases.truncate(MOST);
            syntax.notes.push(Note::TooMany(MOST));
        }
    }
    if plain > BESIDE && syntax.required.iter().any(|phrase| phrase.field.is_none()) {
        let required = std::mem::take(&mut syntax.required);
        (syntax.required, syntax.preferred) = required.into_iter().partition(|phrase| phrase.field.is_some());
        syntax.notes.push(Note::Sentence);
    }
    syntax.words = syntax.words.trim().to_owned();
    syntax
}

impl Syntax {
    fn take(&mut self, token: Token, is_field: &impl Fn(&str) -> bool) {
        let Some(name) = token.field.as_deref() else {
            match (token.minus, token.quoted) {
                (true, _) => self.excluded.push(Phrase { text: token.text, field: None }),
                (false, true) => {
                    self.word(&token.text);
                    self.required.push(Phrase { text: token.text, field: None });
                }
                (false, false) => self.word(&token.text),
            }
            return;
        };
        let value = token.text.as_str();
        match (name.to_lowercase().as_str(), token.minus) {
            ("title" | "titre", minus) => self.part(minus, value, Field::Title),
            ("text" | "texte", minus) => self.part(minus, value, Field::Body),
            ("date", false) => match range(value) {
                Some((since, until)) => {
                    self.narrow(since, until);
                }
                None => self.misunderstood(&token, Note::NoRange),
            },
            ("since" | "depuis" | "after", false) => match value.parse() {
                Ok(date) => self.narrow(Some(date), None),
                Err(_) => self.misunderstood(&token, Note::NoDate),
            },
            ("until" | "avant" | "before", false) => match value.parse() {
                Ok(date) => self.narrow(None, Some(date)),
                Err(_) => self.misunderstood(&token, Note::NoDate),
            },
            ("date" | "since" | "depuis" | "after" | "until" | "avant" | "before", true) => {
                self.notes.push(Note::OtherDates(token.raw));
            }
            (name, negated) => {
                let name = match name {
                    "lang" | "langue" => "language",
                    name => name,
                };
                if is_field(name) {
                    let labels = if negated { &mut self.other_labels } else { &mut self.labels };
                    match labels.iter_mut().find(|label| label.name == name && !negated) {
                        Some(label) => label.values.push(value.to_owned()),
                        None => labels.push(LabelFilter { name: name.to_owned(), values: vec![value.to_owned()] }),
                    }
                } else if negated {
                    self.notes.push(Note::NothingToExclude { name: name.to_owned(), typed: token.raw });
                } else {
                    self.misunderstood(&token, |typed| Note::NoField { typed, name: name.to_owned() });
                }
            }
        }
    }

    fn word(&mut self, word: &str) {
        self.words.push_str(word);
        self.words.push(' ');
    }

    fn part(&mut self, minus: bool, value: &str, field: Field) {
        let phrase = Phrase { text: value.to_owned(), field: Some(field) };
        if minus {
            self.excluded.push(phrase);
        } else {
            self.word(value);
            self.required.push(phrase);
        }
    }

    /// Both of what was asked before and what is asked now.
    pub(super) fn narrow(&mut self, since: Option<PartialDate>, until: Option<PartialDate>) {
        let later = |a: PartialDate, b: PartialDate| if a.first_day() >= b.first_day() { a } else { b };
        let earlier = |a: PartialDate, b: PartialDate| if a.last_day() <= b.last_day() { a } else { b };
        self.since = both(self.since, since, later);
        self.until = both(self.until, until, earlier);
    }

    fn misunderstood(&mut self, token: &Token, note: impl FnOnce(String) -> Note) {
        self.word(&token.raw);
        self.notes.push(note(token.raw.clone()));
    }
}

/// `pick` of two, or the one that there is.
pub(super) fn both<T>(a: Option<T>, b: Option<T>, pick: impl Fn(T, T) -> T) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(pick(a, b)),
        (a, b) => a.or(b),
    }
}

/// `2019..2020`, `2019..`, `..2020`, or one date.
fn range(text: &str) -> Option<(Option<PartialDate>, Option<PartialDate>)> {
    let side = |text: &str| if text.is_empty() { Some(None) } else { text.parse().ok().map(Some) };
    match text.split_once("..") {
        Some(("", "")) => None,
        Some((since, until)) => Some((side(since)?, side(until)?)),
        None => {
            let date = text.parse().ok()?;
            Some((Some(date), Some(date)))
        }
    }
}

/// The mark that closes what this one opens.
fn closing(mark: char) -> Option<char> {
    match mark {
        '"' => Some('"'),
        '“' | '„' => Some('”'),
        '«' => Some('»'),
        _ => None,
    }
}

fn tokens(typed: &str, notes: &mut Vec<Note>) -> Vec<Token> {
    let mut found = Vec::new();
    // Marks that are known not to be closed any more: a text may have thousands of them.
    let mut unclosed = Vec::new();
    let mut rest = typed.trim_start();
    while let Some(first) = rest.chars().next() {
        let start = rest;
        let minus = first == '-' && is_exclusion(&rest[1..]);
        if minus {
            rest = &rest[1..];
        }
        let field = field(rest);
        if let Some(name) = &field {
            rest = &rest[name.len() + 1..];
        }
        let mark = rest.chars().next().and_then(|mark| Some((mark, closing(mark)?)));
        let (text, quoted) = match mark {
            Some((open, close)) => {
                let inner = &rest[open.len_utf8()..];
                let end = if unclosed.contains(&open) { None } else { inner.find(close) };
                match end {
                    Some(end) => {
                        rest = &inner[end + close.len_utf8()..];
                        (inner[..end].trim(), true)
                    }
                    None => {
                        if !unclosed.contains(&open) {
                            unclosed.push(open);
                            notes.push(Note::NotClosed(open));
                        }
                        rest = inner;
                        ("", false)
                    }
                }
            }
            None => {
                // A quotation mark opens a phrase inside a word too, where a blank was forgotten: `Philippe :"une relation"`.
                let end = rest
                    .char_indices()
                    .find(|&(at, c)| c.is_whitespace() || at > 0 && closing(c).is_some())
                    .map_or(rest.len(), |(at, _)| at);
                let text = &rest[..end];
                rest = &rest[end..];
                (text, false)
            }
        };
        let raw = start[..start.len() - rest.len()].trim().to_owned();
        rest = rest.trim_start();
        if text.chars().any(char::is_alphanumeric) {
            found.push(Token { minus, field, text: text.to_owned(), quoted, raw });
        } else if minus || field.is_some() {
            // An operator without what it works on.
            if field.is_some() {
                notes.push(Note::NoValue(raw.clone()));
            }
            found.push(Token { minus: false, field: None, text: raw.clone(), quoted: false, raw });
        }
    }
    found
}

/// Whether a minus before this excludes: `-football`, not `-5` nor `- dit-il`.
fn is_exclusion(rest: &str) -> bool {
    rest.chars().next().is_some_and(|next| next.is_alphabetic() || closing(next).is_some())
}

/// The name of a field that this begins with: letters, then a colon, then something that is neither blank nor the path of an
/// address (`https://…`).
fn field(text: &str) -> Option<String> {
    let end = text.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.')))?;
    let (name, value) = (&text[..end], text[end..].strip_prefix(':')?);
    let is_name = name.chars().next().is_some_and(char::is_alphabetic);
    let has_value = value.chars().next().is_some_and(|next| !next.is_whitespace()) && !value.starts_with("//");
    (is_name && has_value).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn understood(typed: &str) -> Syntax {
        parse(typed, |name| ["language", "source", "section"].contains(&name))
    }

    fn phrase(text: &str) -> Phrase {
        Phrase { text: text.to_owned(), field: None }
    }

    #[test]
    fn words_phrases_and_exclusions() {
        let syntax = understood("grève \"état d'urgence\" -football -« coupe du monde » rendez-vous");
        assert_eq!(syntax.words, "grève état d'urgence rendez-vous");
        let headline = understood("Le ministre exclut l'\"état d'urgence\" et la grève");
        assert_eq!((headline.required, headline.preferred), (vec![], vec![phrase("état d'urgence")]));
        assert_eq!(headline.notes.len(), 1);
        assert_eq!(syntax.required, [phrase("état d'urgence")]);
        assert_eq!(syntax.excluded, [phrase("football"), phrase("coupe du monde")]);
        assert!(syntax.notes.is_empty());
    }

    #[test]
    fn fields_and_dates() {
        let syntax =
            understood("Kadhafi lang:fr -source:AFP section:\"Fil info\" titre:Libye date:2011-03..2011 since:2011-05");
        assert_eq!(syntax.words, "Kadhafi Libye");
        assert_eq!(syntax.required, [Phrase { text: "Libye".to_owned(), field: Some(Field::Title) }]);
        let label = |name: &str, value: &str| LabelFilter { name: name.into(), values: vec![value.into()] };
        assert_eq!(syntax.labels, [label("language", "fr"), label("section", "Fil info")]);
        assert_eq!(syntax.other_labels, [label("source", "AFP")]);
        assert_eq!((syntax.since, syntax.until), ("2011-05".parse().ok(), "2011".parse().ok()));
        let one = understood("date:2020-02");
        assert_eq!((one.since, one.until), ("2020-02".parse().ok(), "2020-02".parse().ok()));
        let open = understood("date:..2020 date:2019..");
        assert_eq!((open.since, open.until), ("2019".parse().ok(), "2020".parse().ok()));
    }

    #[test]
    fn what_is_not_understood_is_searched_as_words_with_a_note() {
        for (typed, words, noted) in [
            ("date:hier grève", "date:hier grève", true),
            ("date:.. grève", "date:.. grève", true),
            ("-date:2020 grève", "grève", true),
            ("-couleur:rouge grève", "grève", true),
            ("since:2020-13", "since:2020-13", true),
            ("auteur:\"Jean Dupont\" grève", "auteur:\"Jean Dupont\" grève", true),
            ("grève \"état d'urgence", "grève état d'urgence", true),
            ("Foot: Lyon gagne", "Foot: Lyon gagne", false),
            ("Foot:Lyon gagne", "Foot:Lyon gagne", true),
            ("https://exemple.fr/a", "https://exemple.fr/a", false),
            ("il fait -5 degrés - dit-il", "il fait -5 degrés dit-il", false),
            ("- \"\" « » :", "", false),
            ("-\"\" grève", "-\"\" grève", false),
        ] {
            let syntax = understood(typed);
            assert_eq!((syntax.words.as_str(), !syntax.notes.is_empty()), (words, noted), "{typed}");
            assert!(syntax.required.is_empty() && syntax.excluded.is_empty(), "{typed}");
        }
    }

    #[test]
    fn a_quotation_mark_opens_a_phrase_where_a_blank_was_forgotten() {
        let syntax = understood("Macron :\"une relation de confiance\" unique");
        assert_eq!(syntax.words, "Macron une relation de confiance unique");
        assert_eq!(syntax.required, [phrase("une relation de confiance")]);
    }

    proptest! {
        #[test]
        fn no_word_is_lost(typed in "[a-zé0-9 :\"«»“”.]{0,40}") {
            let syntax = understood(&typed);
            let kept: String = [syntax.words.clone()].into_iter()
                .chain(syntax.excluded.iter().map(|phrase| phrase.text.clone()))
                .chain(syntax.labels.iter().chain(&syntax.other_labels).flat_map(|label| label.values.clone().into_iter().chain([label.name.clone()])))
                .collect();
            let dates = syntax.since.is_some() || syntax.until.is_some();
            let count = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).count();
            prop_assert!(dates || syntax.required.iter().any(|phrase| phrase.field.is_some()) || count(&kept) >= count(&typed)
                || typed.contains("lang"));
        }

        #[test]
        fn anything_can_be_typed(typed in "\\PC{0,60}") {
            let syntax = understood(&typed);
            prop_assert_eq!(&syntax, &understood(&typed));
        }
    }
}
