//! A query and a passage, read together, to a score: cross-encoders (Nogueira and Cho 2019).
//!
//! An [`Embedder`](super::Embedder) reads each text alone, so that passages can be read before anybody asks. A cross-encoder
//! sees how the words of both answer each other, which ranks better, and reads every pair anew: it is for the few passages
//! that a search has found. Loader, tokenizer, encoder, kernels, precisions and batches are those of embedding; what is added
//! is the second text, and a head over the pooled vector.

use ndarray::{Array1, Array2, Axis};

use super::arch::{DenseLayers, Network};
use super::precision::Wanted;
use super::source::ModelFiles;
use super::spec::{Head, Spec};
use super::tokenize::{Tokenizer, Tokens};
use super::{EmbedError, PassageScorer, batch, cores, load_side_by_side, pooled};
use crate::kernels::{Isa, Precision};

/// A loaded cross-encoder of the BERT family or ModernBERT, shared between threads by reference.
///
/// ```no_run
/// use voisin::embed::Reranker;
/// use voisin::embed::precision::Wanted;
/// use voisin::embed::source::ModelFiles;
/// use voisin::kernels::Isa;
///
/// let files = ModelFiles::open(&"./my-cross-encoder".parse()?, true)?;
/// let reranker = Reranker::load(&files, Isa::best(), Wanted::Auto)?;
/// let scores = reranker.score("inondation", &["Le train repart.", "La crue monte."], 1)?;
/// # Ok::<(), voisin::embed::EmbedError>(())
/// ```
pub struct Reranker {
    spec: Spec,
    head: Head,
    tokenizer: Tokenizer,
    network: Network,
    layers: DenseLayers,
    precision: Precision,
}

impl Reranker {
    /// Loads a cross-encoder for the given instruction-set level and precision; its head runs in f32.
    ///
    /// # Errors
    /// When a file is missing or damaged, or the model is not a cross-encoder, or of a kind that is not supported: never a
    /// model that would give wrong scores.
    pub fn load(files: &ModelFiles, isa: Isa, precision: Wanted) -> Result<Self, EmbedError> {
        let (spec, head) = Spec::read_cross_encoder(files)?;
        let precision = precision.on(isa, &spec)?;
        let (tokenizer, network) = load_side_by_side(files, &spec, isa, precision)?;
        let layers = DenseLayers::head(files, &spec, &head, isa)?;
        Ok(Self { spec, head, tokenizer, network, layers, precision })
    }

    /// What was understood of the encoder.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// What was understood of the head.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The precision of the encoder.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// The tokens of a pair, special tokens included, cut at the model's limit: see [`Tokenizer::encode_pair`].
    ///
    /// # Errors
    /// When the tokenizer refuses a text.
    pub fn tokenize_pair(&self, query: &str, passage: &str) -> Result<Tokens, EmbedError> {
        self.tokenizer.encode_pair(self.tokenizer.part(query)?, self.tokenizer.part(passage)?)
    }

    /// The tokens of `query` with each of `passages`, in their order, on `workers` threads: see [`Self::tokenize_pair`].
    ///
    /// # Errors
    /// When the tokenizer refuses a text.
    pub fn tokenize_pairs(&self, query: &str, passages: &[&str], workers: usize) -> Result<Vec<Tokens>, EmbedError> {
        let query = self.tokenizer.part(query)?;
        let pair = |passage: &&str| self.tokenizer.encode_pair(query.clone(), self.tokenizer.part(passage)?);
        batch::share(passages, workers, pair)
    }

    /// The score of each pair, in one forward pass on this thread: (pairs).
    ///
    /// A score depends on its own pair alone: the same pair gives the same bits in any batch.
    ///
    /// # Errors
    /// When the forward pass fails.
    pub fn score_tokens(&self, pairs: &[&Tokens]) -> Result<Array1<f32>, EmbedError> {
        Ok(self.labels(pairs)?.rows().into_iter().map(|logits| self.head.scoring.of(&logits.to_vec())).collect())
    }

    /// The logit of each of `pairs`, in their order, before it is brought onto the scale of
    /// [`Scoring`](super::spec::Scoring). Pairs of like length share a pass, and `workers` threads take one pass after the
    /// other.
    ///
    /// # Errors
    /// When a forward pass fails.
    pub fn logits(&self, pairs: &[Tokens], workers: usize) -> Result<Vec<f32>, EmbedError> {
        let pass = |pairs: &[&Tokens]| {
            let labels = self.labels(pairs)?;
            let logits = labels.rows().into_iter().map(|logits| self.head.scoring.logit(&logits.to_vec()));
            Ok(logits.collect::<Array1<f32>>().insert_axis(Axis(1)))
        };
        Ok(batch::run(pairs, 1, workers, pass)?.into_iter().collect())
    }

    /// What the head gives: [pairs, labels].
    fn labels(&self, pairs: &[&Tokens]) -> Result<Array2<f32>, EmbedError> {
        let logits = self.layers.forward(pooled(&self.network, &self.spec, pairs)?)?;
        if !logits.iter().all(|logit| logit.is_finite()) {
            return Err(EmbedError::NotFinite { model: self.spec.id.clone() });
        }
        Ok(logits)
    }

    /// How well each of `passages` answers `query`, in their order, on the scale of [`Scoring`](super::spec::Scoring): the
    /// greater, the better. Pairs of like length share a pass, and `workers` threads take one pass after the other.
    ///
    /// # Errors
    /// When a text cannot be tokenised or a forward pass fails.
    pub fn score(&self, query: &str, passages: &[&str], workers: usize) -> Result<Vec<f32>, EmbedError> {
        let pairs = self.tokenize_pairs(query, passages, workers)?;
        let scores = batch::run(&pairs, 1, workers, |pairs| Ok(self.score_tokens(pairs)?.insert_axis(Axis(1))))?;
        Ok(scores.into_iter().collect())
    }
}

impl PassageScorer for Reranker {
    fn score(&self, query: &str, passages: &[&str]) -> Result<Vec<f32>, EmbedError> {
        self.score(query, passages, cores())
    }
}
