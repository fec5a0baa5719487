//! An article as the index keeps it: one document, whose fields hold words as `text::terms` cuts them. Nothing of the text
//! itself is kept: that is in the store.

use tantivy::TantivyDocument;
use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, NumericOptions, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::tokenizer::{PreTokenizedString, Token};

use crate::store::{self, Wording};
use crate::text::name_keys;
use crate::text::terms::{Word, is_stop_word, stem, words};
use crate::types::{ArticleId, CharSpan};

/// The language in which an article is read that does not say its own.
pub(super) const DEFAULT_LANGUAGE: &str = "fr";

/// The fields of a document.
#[derive(Clone, Copy)]
pub(super) struct Fields {
    /// The row of the article, to read and to delete by.
    pub(super) article: Field,
    /// Stems, without words of grammar: title, body.
    pub(super) stems: [Field; 2],
    /// Exact forms with their positions: title, body.
    pub(super) exact: [Field; 2],
    /// Keys of the names in title and body.
    pub(super) names: Field,
}

impl Fields {
    /// The schema, and its fields.
    pub(super) fn schema() -> (Schema, Self) {
        let mut schema = Schema::builder();
        let article = schema.add_u64_field("article", NumericOptions::default() | INDEXED | FAST);
        let mut words = |name: &str, option: IndexRecordOption| {
            let indexing = TextFieldIndexing::default().set_tokenizer("raw").set_index_option(option);
            schema.add_text_field(name, TextOptions::default().set_indexing_options(indexing))
        };
        let stems = ["title_stems", "body_stems"].map(|name| words(name, IndexRecordOption::WithFreqsAndPositions));
        let exact = ["title", "body"].map(|name| words(name, IndexRecordOption::WithFreqsAndPositions));
        let names = words("names", IndexRecordOption::WithFreqs);
        (schema.build(), Self { article, stems, exact, names })
    }

    /// The document of an article.
    pub(super) fn document(&self, article: ArticleId, wording: &Wording) -> TantivyDocument {
        let language = language(wording);
        let mut document = TantivyDocument::new();
        document.add_u64(self.article, article.0 as u64);
        let mut names = Vec::new();
        for (place, text) in [wording.title.clone().unwrap_or_default(), body(wording)].iter().enumerate() {
            let found = words(text);
            let content = found.iter().filter(|word| !is_stop_word(language, &word.form));
            let stems = content.clone().map(|word| stem(language, &word.form));
            let capitalised = content.filter(|word| is_capitalised(text, word));
            names.extend(capitalised.flat_map(|word| name_keys(&text[word.span.range()])));
            document.add_pre_tokenized_text(self.stems[place], tokens(stems));
            document.add_pre_tokenized_text(self.exact[place], tokens(found.iter().map(|word| word.form.clone())));
        }
        document.add_pre_tokenized_text(self.names, tokens(names.into_iter()));
        document
    }
}

/// The language that an article is read in.
pub(super) fn language(wording: &Wording) -> &str {
    wording.language.as_deref().unwrap_or(DEFAULT_LANGUAGE)
}

/// Where a field of an article stands in the pairs of [`Fields`].
pub(super) fn place(field: store::Field) -> usize {
    match field {
        store::Field::Title => 0,
        store::Field::Body => 1,
    }
}

/// Whether a word of `text` begins with a capital, as names do.
pub(super) fn is_capitalised(text: &str, word: &Word) -> bool {
    text[word.span.range()].chars().next().is_some_and(char::is_uppercase)
}

/// The body without page furniture.
fn body(wording: &Wording) -> String {
    let mut body = String::with_capacity(wording.text.len());
    let mut start = 0;
    for furniture in &wording.boilerplate {
        let before = CharSpan { start, end: furniture.start.max(start) }.to_bytes(&wording.text);
        body.push_str(&wording.text[before.range()]);
        body.push('\n');
        start = furniture.end.max(start);
    }
    let rest = CharSpan { start, end: start }.to_bytes(&wording.text).start;
    body.push_str(&wording.text[rest..]);
    body
}

/// Words as tantivy takes them, one position after the other.
fn tokens(words: impl Iterator<Item = String>) -> PreTokenizedString {
    let token = |(position, text)| Token { position, text, ..Token::default() };
    PreTokenizedString { text: String::new(), tokens: words.enumerate().map(token).collect() }
}
