//! An article as the store wants it: cut into passages, each with the key and the tokens of its text.

use std::collections::HashMap;

use crate::chunk::{self, Budget, TokenCounter};
use crate::embed::tokenize::Tokens;
use crate::embed::{EmbedError, Embedder, Passage};
use crate::store::{ContentHash, Field, NewArticle, NewPassage, TextKey};
use crate::text::{analysis_form, detect_language};
use crate::types::{Article, Span, to_char_spans};

/// Counts as the model's tokenizer does.
pub struct Counter<'a>(pub &'a Embedder);

impl TokenCounter for Counter<'_> {
    fn count(&self, text: &str) -> usize {
        self.0.count_tokens(text)
    }
}

/// An article ready to be embedded and stored.
pub struct Prepared {
    /// The article with its passages.
    pub article: NewArticle,
    /// The tokens of each different text among its passages.
    pub tokens: HashMap<TextKey, Tokens>,
}

/// Cuts an article into passages and tokenises them. The language is detected where the source gives none.
///
/// # Errors
/// When the tokenizer refuses a text.
pub fn prepare(mut article: Article, embedder: &Embedder, budget: Budget) -> Result<Prepared, EmbedError> {
    let content = ContentHash::of(&article);
    if article.language.is_none() {
        article.language = detect_language(&article.text).map(str::to_owned);
    }
    let mut passages = Vec::new();
    let mut tokens = HashMap::new();
    let mut add = |field: Field, text: &str, spans: &[Span]| {
        for (span, chars) in spans.iter().zip(to_char_spans(text, spans)) {
            let form = analysis_form(&text[span.range()]);
            let key = TextKey::of(&form);
            let encoded = embedder.tokenize_passage(Passage(&form))?;
            passages.push(NewPassage { field, span: chars, tokens: encoded.ids.len(), key });
            tokens.insert(key, encoded);
        }
        Ok::<(), EmbedError>(())
    };
    if let Some(title) = &article.title {
        add(Field::Title, title, &chunk::passages(title, budget, &Counter(embedder)).passages)?;
    }
    let body = chunk::passages(&article.text, budget, &Counter(embedder));
    add(Field::Body, &article.text, &body.passages)?;
    let boilerplate = to_char_spans(&article.text, &body.boilerplate);
    let text_key = TextKey::of(&analysis_form(&article.text));
    Ok(Prepared { article: NewArticle { article, content, text_key, passages, boilerplate }, tokens })
}
