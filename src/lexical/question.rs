//! A query as it is looked for: its words with their stems and names, and its phrases.

use std::collections::{BTreeSet, HashMap};

use super::Phrase;
use super::document::is_capitalised;
use crate::text::name_keys;
use crate::text::terms::{Word, is_stop_word, stem, words};

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
///
/// A word may be a name if it has a capital, or if no word of the text has one, as when it was typed in haste.
pub(super) fn asked(text: &str, languages: &[String]) -> Vec<Asked> {
    let words = words(text);
    let stop_words = |language: &str| words.iter().filter(|word| is_stop_word(language, &word.form)).count();
    let grammar = languages.iter().max_by_key(|language| stop_words(language));
    let is_content = |word: &&Word| !grammar.is_some_and(|language| is_stop_word(language, &word.form));
    let mut content: Vec<&Word> = words.iter().filter(is_content).collect();
    if content.is_empty() {
        content = words.iter().collect();
    }
    let no_capitals = !words.iter().any(|word| is_capitalised(text, word));
    let mut asked: Vec<Asked> = Vec::new();
    let mut places: HashMap<&String, usize> = HashMap::new();
    for word in content {
        let form = &word.form;
        if let Some(&at) = places.get(form) {
            asked[at].times += 1;
            continue;
        }
        places.insert(form, asked.len());
        let may_be_name = no_capitals || is_capitalised(text, word);
        let names = if may_be_name { name_keys(&text[word.span.range()]) } else { Vec::new() };
        let stems: BTreeSet<String> = languages.iter().map(|language| stem(language, form)).collect();
        asked.push(Asked { form: form.clone(), stems: stems.into_iter().collect(), names, times: 1 });
    }
    asked
}

/// The words of a phrase.
pub(super) fn phrase(phrase: &Phrase) -> Vec<String> {
    words(&phrase.text).into_iter().map(|word| word.form).collect()
}
