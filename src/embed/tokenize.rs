//! Text to token ids, with what a model's limit cuts off counted.

use std::borrow::Cow;

use tokenizers::TruncationDirection;

use super::EmbedError;
use super::source::ModelFiles;
use super::spec::{Role, Spec};

/// One text as the model sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// Ids, special tokens and prompt included.
    pub ids: Vec<u32>,
    /// Tokens of the text that lie beyond the model's limit and are not in `ids`: 0 unless the text was too long.
    pub dropped: usize,
}

/// A model's tokenizer.
pub struct Tokenizer {
    model: String,
    inner: tokenizers::Tokenizer,
    prompts: super::spec::Prompts,
    special_tokens: usize,
    max_tokens: usize,
    lower_case: bool,
}

impl Tokenizer {
    /// Reads `tokenizer.json` and checks it against the model.
    ///
    /// # Errors
    /// When the file is missing or damaged, or knows more tokens than the model has vectors for.
    pub fn load(files: &ModelFiles, spec: &Spec) -> Result<Self, EmbedError> {
        const FILE: &str = "tokenizer.json";
        let wrong = |what: String| EmbedError::Model { model: files.id.clone(), file: FILE.to_owned(), what };
        let bytes = files.get(FILE).ok_or_else(|| {
            wrong("is missing: save the model with a fast tokenizer (`tokenizer.save_pretrained`)".to_owned())
        })?;
        let mut inner = tokenizers::Tokenizer::from_bytes(bytes).map_err(|error| wrong(error.to_string()))?;
        let greatest = inner.get_vocab(true).into_values().max().unwrap_or(0) as usize;
        if greatest >= spec.vocabulary {
            return Err(wrong(format!(
                "does not fit the model: its greatest token id is {greatest}, but config.json has a vocab_size of {}",
                spec.vocabulary
            )));
        }
        // A tokenizer that truncates stops early and does not say how much it left: cutting is done here.
        inner.with_padding(None).with_truncation(None).map_err(|error| wrong(error.to_string()))?;
        let special_tokens = inner.encode_fast("", true).map_err(|error| wrong(error.to_string()))?.len();
        Ok(Self {
            model: files.id.clone(),
            inner,
            prompts: spec.prompts.clone(),
            special_tokens,
            max_tokens: spec.max_tokens,
            lower_case: spec.lower_case,
        })
    }

    fn cased<'a>(&self, text: Cow<'a, str>) -> Cow<'a, str> {
        if self.lower_case { Cow::Owned(text.to_lowercase()) } else { text }
    }

    /// Special tokens around every text.
    pub fn special_tokens(&self) -> usize {
        self.special_tokens
    }

    /// Tokens of `text` alone, without limit, prompt or special tokens.
    pub fn count(&self, text: &str) -> usize {
        // A text that the tokenizer refuses counts as nothing here; embedding it reports the error.
        self.inner.encode_fast(self.cased(Cow::Borrowed(text)).as_ref(), false).map_or(0, |encoding| encoding.len())
    }

    /// The ids of `text` with the prompt of its role, cut at the model's limit.
    ///
    /// # Errors
    /// When the tokenizer refuses the text.
    pub fn encode(&self, text: &str, role: Role) -> Result<Tokens, EmbedError> {
        let prompted = match self.prompts.of(role) {
            Some(prompt) => Cow::Owned(format!("{prompt}{text}")),
            None => Cow::Borrowed(text),
        };
        let prompted = self.cased(prompted);
        let wrong =
            |error: tokenizers::Error| EmbedError::Tokenizer { model: self.model.clone(), what: error.to_string() };
        let whole = self.inner.encode_fast(prompted.as_ref(), true).map_err(wrong)?;
        let dropped = whole.len().saturating_sub(self.max_tokens);
        if dropped == 0 {
            return Ok(Tokens { ids: whole.get_ids().to_vec(), dropped });
        }
        let mut content = self.inner.encode_fast(prompted.as_ref(), false).map_err(wrong)?;
        content.truncate(self.max_tokens.saturating_sub(self.special_tokens), 0, TruncationDirection::Right);
        let cut = self.inner.post_process(content, None, true).map_err(wrong)?;
        Ok(Tokens { ids: cut.get_ids().to_vec(), dropped })
    }
}
