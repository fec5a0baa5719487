//! What is said to whoever asked: what of the question was not understood, or is answered in another way.

use std::fmt;

/// Something to know about an answer. Printed as a sentence in English; programs that speak to people in other languages have
/// their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// What was typed as a date is none: it is searched as words.
    NoDate(String),
    /// What was typed as a date or a range of dates is none: it is searched as words.
    NoRange(String),
    /// Dates are not excluded: what was typed is left out.
    OtherDates(String),
    /// No article has such a field: what was typed is searched as words.
    NoField {
        /// What was typed.
        typed: String,
        /// The name of the field.
        name: String,
    },
    /// No article has such a field: the exclusion that was typed is left out.
    NothingToExclude {
        /// What was typed.
        typed: String,
        /// The name of the field.
        name: String,
    },
    /// A field without a value: what was typed is searched as words.
    NoValue(String),
    /// A quotation mark that is not closed: what follows is searched as words.
    NotClosed(char),
    /// Of more phrases or exclusions than this the others are left out.
    TooMany(usize),
    /// The question reads like a sentence: what it quotes is preferred, not required.
    Sentence,
    /// No article that passes the filters has these phrases: they are searched as words.
    NoPhrase(Vec<String>),
    /// No article has every word: these are so many of the best, in the order of dates.
    NotEveryWord(usize),
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDate(typed) => {
                write!(f, "{typed} is searched as words: it is no date, such as 2020, 2020-03 or 2020-03-15")
            }
            Self::NoRange(typed) => {
                write!(
                    f,
                    "{typed} is searched as words: it is no date, such as 2020, 2020-03, 2020-03-15 or 2019..2020-03"
                )
            }
            Self::OtherDates(typed) => {
                write!(f, "{typed} is left out: say which dates are wanted, as in date:2019..2020")
            }
            Self::NoField { typed, name } => {
                write!(f, "{typed} is searched as words: no article has a field \"{name}\"")
            }
            Self::NothingToExclude { typed, name } => {
                write!(f, "{typed} is left out: no article has a field \"{name}\"")
            }
            Self::NoValue(typed) => write!(f, "\"{typed}\" names no value: it is searched as words"),
            Self::NotClosed(mark) => {
                write!(f, "the quotation mark {mark} is not closed: what follows is searched as words")
            }
            Self::TooMany(most) => write!(f, "of more than {most} phrases or exclusions the others are left out"),
            Self::Sentence => {
                f.write_str("the question reads like a sentence: what it quotes is preferred, not required")
            }
            Self::NoPhrase(phrases) => {
                let wanted: Vec<String> = phrases.iter().map(|phrase| format!("«{phrase}»")).collect();
                let wanted = wanted.join(" and ");
                write!(f, "no article that passes the filters has {wanted} as asked for: searched as words")
            }
            Self::NotEveryWord(best) => {
                write!(f, "no article has every word: these are of the {best} best, in the order of dates")
            }
        }
    }
}
