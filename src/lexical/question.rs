//! A query as it is looked for: its words with their stems and names, and its phrases.

use std::collections::BTreeSet;

use super::Phrase;
use super::document::name_keys;
use crate::text::terms::{is_stop_word, stem, words};

/// A word of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    /// Its exact form.
    pub(super) form: String,
    /// Its stems, one for each way that a language has of stemming it.
    pub(super) stems: Vec<String>,
    /// Keys of the names that it may be.
    pub(super) names: Vec<String>,
    /// How often it comes.
    pub(super) times: usize,
}

/// The words of a text that say what it asks for, in the order in which they first come.
///
/// Words of grammar are left out: those of the language that has most of them in the text. Where nothing else is left, they
/// are what is asked for.
pub(super) fn asked(text: &str, languages: &[String]) -> Vec<Asked> {
    let forms: Vec<String> = words(text).into_iter().map(|word| word.form).collect();
    let stop_words = |language: &str| forms.iter().filter(|form| is_stop_word(language, form)).count();
    let grammar = languages.iter().max_by_key(|language| stop_words(language));
    let is_content = |form: &&String| !grammar.is_some_and(|language| is_stop_word(language, form));
    let mut content: Vec<&String> = forms.iter().filter(is_content).collect();
    if content.is_empty() {
        content = forms.iter().collect();
    }
    let mut asked: Vec<Asked> = Vec::new();
    for form in content {
        if let Some(known) = asked.iter_mut().find(|asked| asked.form == *form) {
            known.times += 1;
            continue;
        }
        let stems: BTreeSet<String> = languages.iter().map(|language| stem(language, form)).collect();
        asked.push(Asked { form: form.clone(), stems: stems.into_iter().collect(), names: name_keys(form), times: 1 });
    }
    asked
}

/// The words of a phrase.
pub(super) fn phrase(phrase: &Phrase) -> Vec<String> {
    words(&phrase.text).into_iter().map(|word| word.form).collect()
}
