//! Text, or a pair of texts, to token ids, with what a model's limit cuts off counted.

use std::borrow::Cow;

use tokenizers::models::ModelWrapper;
use tokenizers::{Encoding, PostProcessor, TruncationDirection, TruncationParams, truncate_encodings};

use super::EmbedError;
use super::source::{ModelFiles, TOKENIZER, within};
use super::spec::{Prompts, Role, Spec};

/// One text, or a pair, as the model sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// Ids, special tokens and prompt included.
    pub ids: Vec<u32>,
    /// How many of `ids`, from the first on, are of token type 0: all of a single text. Those after them are of type 1.
    pub first: usize,
    /// Tokens of the text that lie beyond the model's limit and are not in `ids`: 0 unless the text was too long.
    pub dropped: usize,
}

/// One text of a pair, tokenised once however many pairs it is in.
#[derive(Clone)]
pub struct Part(Encoding);

/// A model's tokenizer.
pub struct Tokenizer {
    model: String,
    inner: tokenizers::Tokenizer,
    prompts: Prompts,
    /// Whether special tokens are put around a text: not for a table of word vectors.
    surrounds: bool,
    special_tokens: usize,
    token_types: usize,
    /// The id that is left out of every text.
    skipped: Option<u32>,
    max_tokens: usize,
    lower_case: bool,
}

impl Tokenizer {
    /// Reads `tokenizer.json` and checks it against the model.
    ///
    /// # Errors
    /// When the file is missing or damaged, or knows more tokens than the model has vectors for.
    pub fn load(files: &ModelFiles, spec: &Spec) -> Result<Self, EmbedError> {
        let file = within(spec.table.as_ref().map_or("", |table| &table.folder), TOKENIZER);
        let wrong = |what: String| EmbedError::Model { model: files.id.clone(), file: file.clone(), what };
        let bytes = files.get(&file).ok_or_else(|| {
            wrong("is missing: save the model with a fast tokenizer (`tokenizer.save_pretrained`)".to_owned())
        })?;
        let mut inner = read(bytes, spec.vocabulary).map_err(wrong)?;
        // A tokenizer that truncates stops early and does not say how much it left: cutting is done here.
        inner.with_padding(None).with_truncation(None).map_err(|error| wrong(error.to_string()))?;
        let surrounds = spec.table.is_none();
        let special_tokens = inner.encode_fast("", surrounds).map_err(|error| wrong(error.to_string()))?.len();
        let skipped = spec.table.as_ref().filter(|table| table.skips_unknown).and_then(|_| unknown(&inner));
        Ok(Self {
            model: files.id.clone(),
            inner,
            prompts: spec.prompts.clone(),
            surrounds,
            special_tokens,
            token_types: spec.token_types,
            skipped,
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
        let encoding = self.inner.encode_fast(self.cased(Cow::Borrowed(text)).as_ref(), false);
        encoding.map_or(0, |encoding| self.kept(&encoding).count())
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
        let wrong = |error: tokenizers::Error| self.wrong(error.to_string());
        let whole = self.inner.encode_fast(prompted.as_ref(), self.surrounds).map_err(wrong)?;
        let mut ids: Vec<u32> = self.kept(&whole).collect();
        let dropped = ids.len().saturating_sub(self.max_tokens);
        if dropped == 0 || !self.surrounds {
            ids.truncate(self.max_tokens);
            return Ok(Tokens { first: ids.len(), ids, dropped });
        }
        let mut content = self.inner.encode_fast(prompted.as_ref(), false).map_err(wrong)?;
        content.truncate(self.max_tokens.saturating_sub(self.special_tokens), 0, TruncationDirection::Right);
        let cut = self.inner.post_process(content, None, true).map_err(wrong)?;
        Ok(Tokens { ids: cut.get_ids().to_vec(), first: cut.len(), dropped })
    }

    /// One text of a pair, without special tokens and limit.
    ///
    /// # Errors
    /// When the tokenizer refuses the text.
    pub fn part(&self, text: &str) -> Result<Part, EmbedError> {
        let content = self.inner.encode_fast(self.cased(Cow::Borrowed(text)).as_ref(), false);
        content.map(Part).map_err(|error| self.wrong(error.to_string()))
    }

    /// The ids of a query and a passage, special tokens included. Where they are longer than the model's limit, the longer is
    /// cut, and both if each takes more than half of the room (as in sentence-transformers): a query that somebody typed is
    /// kept.
    ///
    /// # Errors
    /// When the tokenizer does not put together pairs in a way that the model knows.
    pub fn encode_pair(&self, query: Part, passage: Part) -> Result<Tokens, EmbedError> {
        let wrong = |error: tokenizers::Error| self.wrong(error.to_string());
        let (Part(query), Part(mut passage)) = (query, passage);
        // Some post-processors leave types as they find them.
        passage.set_type_ids(vec![1; passage.len()]);
        let special_tokens = self.inner.get_post_processor().map_or(0, |processor| processor.added_tokens(true));
        let room = TruncationParams {
            max_length: self.max_tokens.saturating_sub(special_tokens),
            ..TruncationParams::default()
        };
        let whole = query.len() + passage.len();
        let (query, passage) = truncate_encodings(query, Some(passage), &room).map_err(wrong)?;
        let kept = query.len() + passage.as_ref().map_or(0, Encoding::len);
        let pair = self.inner.post_process(query, passage, true).map_err(wrong)?;
        let ids = pair.get_ids().to_vec();
        let first = match self.token_types {
            1 => ids.len(),
            _ => pair.get_type_ids().iter().position(|&kind| kind != 0).unwrap_or(ids.len()),
        };
        if self.token_types > 1 && pair.get_type_ids()[first..].iter().any(|&kind| kind != 1) {
            return Err(self.wrong("token types of a pair other than 0s and then 1s are not supported".to_owned()));
        }
        Ok(Tokens { ids, first, dropped: whole - kept })
    }

    fn wrong(&self, what: String) -> EmbedError {
        EmbedError::Tokenizer { model: self.model.clone(), what }
    }

    fn kept<'a>(&self, encoding: &'a Encoding) -> impl Iterator<Item = u32> + use<'a> {
        let skipped = self.skipped;
        encoding.get_ids().iter().copied().filter(move |&id| Some(id) != skipped)
    }
}

/// A tokenizer whose ids are all below `vocabulary`.
///
/// Gemma 3 shares the tokenizer of models that see images, whose placeholder has an id but no vector: such tokens, which
/// were added beyond the vocabulary, are taken out, so that their names read as any other text.
fn read(bytes: &[u8], vocabulary: usize) -> Result<tokenizers::Tokenizer, String> {
    let greatest =
        |inner: &tokenizers::Tokenizer, added| inner.get_vocab(added).into_values().max().unwrap_or(0) as usize;
    let parse = |bytes: &[u8]| tokenizers::Tokenizer::from_bytes(bytes).map_err(|error| error.to_string());
    let inner = parse(bytes)?;
    if greatest(&inner, true) < vocabulary {
        return Ok(inner);
    }
    if greatest(&inner, false) >= vocabulary {
        return Err(format!(
            "does not fit the model: its greatest token id is {}, but config.json has a vocab_size of {vocabulary}",
            greatest(&inner, false)
        ));
    }
    let mut json: serde_json::Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if let Some(added) = json["added_tokens"].as_array_mut() {
        added.retain(|token| token["id"].as_u64().is_some_and(|id| id < vocabulary as u64));
    }
    parse(json.to_string().as_bytes())
}

/// The id of the token for what the vocabulary lacks, where the tokenizer has a name for it.
fn unknown(inner: &tokenizers::Tokenizer) -> Option<u32> {
    let name = match inner.get_model() {
        ModelWrapper::WordPiece(model) => Some(&model.unk_token),
        ModelWrapper::WordLevel(model) => Some(&model.unk_token),
        ModelWrapper::BPE(model) => model.unk_token.as_ref(),
        ModelWrapper::Unigram(_) => None,
    };
    inner.token_to_id(name?)
}
