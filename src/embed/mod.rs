//! Text to vector: a model directory, a hub name or the built-in model becomes an [`Embedder`]. A cross-encoder becomes a
//! [`Reranker`], by the same way.
//!
//! | module | reason to exist |
//! | --- | --- |
//! | [`source`] | where the files of a model come from: the binary, a folder, the hub (the only network access there is) |
//! | [`spec`] | what the files say: family, sizes, pooling, prompts, limits |
//! | [`tokenize`] | text to token ids, truncation counted |
//! | [`arch`] | the model of each family, as candle operations over [`crate::kernels`], on ragged batches |
//! | [`pooling`] | token vectors to one vector |
//! | [`precision`] | in what numbers the layers calculate |
//! | [`stock`] | the same model as candle-transformers runs it, to check and time ours against |
//! | [`batch`] | which texts share a forward pass, and two or more workers that run them |
//! | [`rerank`] | a query and a passage in one text, to a score: the [`Reranker`] |
//!
//! candle's types stay in this room: what leaves it is `ndarray`.
//!
//! Queries and passages are different types, so that a model which wants a prompt before each (`query: `, `passage: `)
//! cannot be given the wrong one.

pub mod arch;
pub mod batch;
pub mod pooling;
pub mod precision;
pub mod rerank;
pub mod source;
pub mod spec;
pub mod stock;
pub mod tokenize;

pub use rerank::Reranker;

use ndarray::{Array1, Array2};

use crate::kernels::{Isa, Precision};
use arch::{DenseLayers, Network};
use precision::Wanted;
use source::ModelFiles;
use spec::{Role, Spec};
use tokenize::{Tokenizer, Tokens};

/// What a user asks: embedded with the model's prompt for queries.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a>(pub &'a str);

/// What is searched: embedded with the model's prompt for passages.
#[derive(Clone, Copy, Debug)]
pub struct Passage<'a>(pub &'a str);

/// Why a model could not be found, understood or run.
#[derive(Debug, thiserror::Error)]
pub enum EmbedError {
    /// The files could not be had.
    #[error(transparent)]
    Source(#[from] source::SourceError),
    /// A file of the model is missing, damaged, or says something that is not supported.
    #[error("model \"{model}\", {file}: {what}")]
    Model {
        /// The model's id.
        model: String,
        /// The file that is at fault.
        file: String,
        /// What is wrong, and what to do.
        what: String,
    },
    /// A model that scores pairs stands where one that makes vectors is wanted.
    #[error(
        "\"{model}\" is a cross-encoder: it scores a query together with a passage and makes no vectors; give it to --rerank, \
         and an embedding model to --model"
    )]
    CrossEncoder {
        /// The model's id.
        model: String,
    },
    /// More components of a vector are asked for than there are, or none.
    #[error("\"{model}\" gives vectors of {there} components: {wanted} of them cannot be kept, expected 1 to {there}")]
    Dims {
        /// The model's id.
        model: String,
        /// The components that were to be kept.
        wanted: usize,
        /// Those that its vectors have.
        there: usize,
    },
    /// The family of the model does not run in these numbers.
    #[error(
        "\"{model}\" does not run in {precision}: models of this kind ({family}) run in f32 alone; leave out --precision and \
         VOISIN_PRECISION, or set them to auto"
    )]
    Precision {
        /// The model's id.
        model: String,
        /// Its family.
        family: &'static str,
        /// What was asked for.
        precision: Precision,
    },
    /// The tokenizer refused a text.
    #[error("the tokenizer of \"{model}\" failed: {what}")]
    Tokenizer {
        /// The model's id.
        model: String,
        /// The tokenizer's own words.
        what: String,
    },
    /// A component of a vector, or a score, is no number: the weights are damaged, or overflow.
    #[error("\"{model}\" gives values that are no numbers: its weights are damaged, fetch or copy them again")]
    NotFinite {
        /// The model's id.
        model: String,
    },
    /// The forward pass failed.
    #[error("the forward pass failed: {0}")]
    Forward(#[from] candle_core::Error),
}

/// All that search asks of a model.
pub trait QueryEmbedder: Sync {
    /// The vector of `query`, of unit length where the model compares by cosine.
    ///
    /// # Errors
    /// When the model fails on the text.
    fn embed_query(&self, query: Query<'_>) -> Result<Array1<f32>, EmbedError>;

    /// The vectors of sentences out of passages, one a row: [sentences, dims].
    ///
    /// # Errors
    /// When the model fails on a text.
    fn embed_sentences(&self, sentences: &[String]) -> Result<Array2<f32>, EmbedError>;
}

/// All that search asks of a cross-encoder.
pub trait PassageScorer: Sync {
    /// How well each of `passages` answers `query`, in their order: the greater, the better.
    ///
    /// # Errors
    /// When the model fails on a text.
    fn score(&self, query: &str, passages: &[&str]) -> Result<Vec<f32>, EmbedError>;
}

/// A loaded model.
///
/// It is shared between threads by reference; each call runs on the thread that makes it (but attention with rotary positions,
/// which is candle's, takes what threads candle finds).
pub struct Embedder {
    spec: Spec,
    tokenizer: Tokenizer,
    network: Network,
    dense: DenseLayers,
    isa: Isa,
    precision: Precision,
}

impl Embedder {
    /// Loads a model for the given instruction-set level and precision.
    ///
    /// # Errors
    /// When a file is missing or damaged, or the model is of a kind that is not supported: never a model that would give
    /// wrong vectors.
    pub fn load(files: &ModelFiles, isa: Isa, precision: Wanted) -> Result<Self, EmbedError> {
        let spec = Spec::read(files)?;
        let precision = precision.on(isa, &spec)?;
        let (tokenizer, network) = load_side_by_side(files, &spec, isa, precision)?;
        let dense = DenseLayers::load(files, &spec, isa)?;
        Ok(Self { spec, tokenizer, network, dense, isa, precision })
    }

    /// The same model with the first `dims` components of its vectors: see [`Spec::truncated`].
    ///
    /// # Errors
    /// When its vectors have fewer, or none are to be kept.
    pub fn truncated(self, dims: usize) -> Result<Self, EmbedError> {
        Ok(Self { spec: self.spec.truncated(dims)?, ..self })
    }

    /// What was understood of the model.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// The instruction-set level that the model was packed for.
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// The precision of the forward pass.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// What the bits of a vector depend on beside the model's files and the tokens: precision, level, and the version of the
    /// kernels.
    pub fn arithmetic(&self) -> String {
        format!("{} on {}, version {}", self.precision, self.isa, crate::kernels::ARITHMETIC)
    }

    /// Tokens of `text` alone, without prompt and special tokens: the measure of passages.
    pub fn count_tokens(&self, text: &str) -> usize {
        self.tokenizer.count(text)
    }

    /// Tokens that a passage may have beside the model's special tokens and its prompt for passages.
    pub fn passage_limit(&self) -> usize {
        let prompt = self.spec.prompts.of(Role::Passage).map_or(0, |prompt| self.tokenizer.count(prompt));
        self.spec.max_tokens.saturating_sub(self.tokenizer.special_tokens() + prompt)
    }

    /// The tokens of a query, prompt and special tokens included, cut at the model's limit.
    ///
    /// # Errors
    /// When the tokenizer refuses the text.
    pub fn tokenize_query(&self, query: Query<'_>) -> Result<Tokens, EmbedError> {
        self.tokenize(query.0, Role::Query)
    }

    /// The tokens of a passage, prompt and special tokens included, cut at the model's limit.
    ///
    /// # Errors
    /// When the tokenizer refuses the text.
    pub fn tokenize_passage(&self, passage: Passage<'_>) -> Result<Tokens, EmbedError> {
        self.tokenize(passage.0, Role::Passage)
    }

    /// The tokens of a text by its role, for whoever has texts of both.
    ///
    /// # Errors
    /// When the tokenizer refuses the text.
    pub fn tokenize(&self, text: &str, role: Role) -> Result<Tokens, EmbedError> {
        self.tokenizer.encode(text, role)
    }

    /// One vector a row, in the order of `texts`, in one forward pass on this thread: [texts, dims].
    ///
    /// A row depends on its own tokens alone: the same text gives the same bits in any batch.
    ///
    /// # Errors
    /// When the forward pass fails.
    pub fn embed_tokens(&self, texts: &[&Tokens]) -> Result<Array2<f32>, EmbedError> {
        let pooled = pooled(&self.network, &self.spec, texts)?;
        let vectors = pooling::finish(self.dense.forward(pooled)?, self.spec.dims, self.spec.normalise);
        if vectors.iter().all(|value| value.is_finite()) {
            Ok(vectors)
        } else {
            Err(EmbedError::NotFinite { model: self.spec.id.clone() })
        }
    }

    /// The vectors of `passages`, one a row, in their order: [passages, dims]. Runs on `workers` threads.
    ///
    /// # Errors
    /// When a text cannot be tokenised or a forward pass fails.
    pub fn embed_passages(&self, passages: &[Passage<'_>], workers: usize) -> Result<Array2<f32>, EmbedError> {
        let tokens = batch::share(passages, workers, |passage| self.tokenize_passage(*passage))?;
        self.embed_all(&tokens, workers)
    }

    /// The vectors of already tokenised texts, one a row, in their order: [texts, dims]. Texts of like length share a
    /// pass, and `workers` threads take one pass after the other.
    ///
    /// # Errors
    /// When a forward pass fails.
    pub fn embed_all(&self, texts: &[Tokens], workers: usize) -> Result<Array2<f32>, EmbedError> {
        batch::run(texts, self.spec.dims, workers, |batch| self.embed_tokens(batch))
    }
}

impl QueryEmbedder for Embedder {
    fn embed_query(&self, query: Query<'_>) -> Result<Array1<f32>, EmbedError> {
        let tokens = self.tokenize_query(query)?;
        Ok(self.embed_tokens(&[&tokens])?.row(0).to_owned())
    }

    fn embed_sentences(&self, sentences: &[String]) -> Result<Array2<f32>, EmbedError> {
        let passages: Vec<Passage<'_>> = sentences.iter().map(|sentence| Passage(sentence)).collect();
        self.embed_passages(&passages, cores())
    }
}

fn load_side_by_side(
    files: &ModelFiles,
    spec: &Spec,
    isa: Isa,
    precision: Precision,
) -> Result<(Tokenizer, Network), EmbedError> {
    let (tokenizer, network) = std::thread::scope(|scope| {
        let tokenizer = scope.spawn(|| Tokenizer::load(files, spec));
        let network = Network::load(files, spec, isa, precision);
        (tokenizer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), network)
    });
    Ok((tokenizer?, network?))
}

/// The pooled vector of each text, one a row, in one forward pass: [texts, hidden].
fn pooled(network: &Network, spec: &Spec, texts: &[&Tokens]) -> Result<Array2<f32>, EmbedError> {
    let batch = batch::Ragged::new(texts);
    let hidden = network.forward(&batch)?;
    let pool = |hidden: &[f32]| pooling::pool(spec.pooling, hidden, batch.sequences(), spec.hidden);
    Ok(arch::with_values(&hidden, pool)?)
}

/// The cores of this machine: one worker each, since a pass gains nothing from a second thread.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get())
}
