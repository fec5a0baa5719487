//! What a model's files say about it: family, sizes, pooling, prompts, limits.
//!
//! Reads both generations of the sentence-transformers layout. Anything that would change vectors and is not supported
//! is an error here, so that nothing later has to guess.
//!
//! | module | file |
//! | --- | --- |
//! | `config` | `config.json`: the architecture |
//! | `head` | `config.json` again: what a cross-encoder has over its encoder |
//! | `modules` | `modules.json` and what it names: pooling, Dense layers, normalisation |
//! | `prompts` | the prompts of `config_sentence_transformers.json`, by role |
//! | `table` | the weights of a table of word vectors, whose sizes no other file states |

mod config;
mod head;
mod modules;
mod prompts;
mod table;

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Map, Value};

pub use config::{Rotary, View};
pub use head::{Head, Scoring};
pub use modules::Dense;
pub use prompts::{Prompts, Role};
pub use table::TableLayout;

pub(super) use modules::files_of_modules;

use super::EmbedError;
use super::pooling::Pooling;
use super::source::{CONFIG, ModelFiles};
use crate::kernels::Activation;
use config::Architecture;
use modules::Modules;

const SENTENCE_TRANSFORMERS: &str = "config_sentence_transformers.json";
const SENTENCE_BERT: &str = "sentence_bert_config.json";
const TOKENIZER_CONFIG: &str = "tokenizer_config.json";

/// The architecture of the encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// BERT.
    Bert,
    /// RoBERTa, CamemBERT and XLM-RoBERTa: BERT whose positions start after the padding id.
    Roberta,
    /// DistilBERT: BERT without token types, under other names.
    DistilBert,
    /// ModernBERT: rotary positions, and windows in most layers.
    ModernBert,
    /// Qwen3, a decoder: a token sees what comes before it.
    Qwen3,
    /// Gemma 3, as a decoder or looking both ways.
    Gemma3,
    /// A table of word vectors: Model2Vec, or StaticEmbedding of sentence-transformers.
    Static,
}

impl Family {
    /// Whether its encoder is BERT's.
    pub fn is_bert(self) -> bool {
        matches!(self, Self::Bert | Self::Roberta | Self::DistilBert)
    }

    /// Whether its layers run in f32 alone.
    pub fn is_f32_only(self) -> bool {
        matches!(self, Self::Qwen3 | Self::Gemma3 | Self::Static)
    }

    /// The family's name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bert => "BERT",
            Self::Roberta => "RoBERTa",
            Self::DistilBert => "DistilBERT",
            Self::ModernBert => "ModernBERT",
            Self::Qwen3 => "Qwen3",
            Self::Gemma3 => "Gemma 3",
            Self::Static => "static word vectors",
        }
    }
}

/// A model as understood.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The built-in model's name, the folder's, or the hub id.
    pub id: String,
    /// The hub's commit, where the model comes from there.
    pub commit: Option<String>,
    /// A fingerprint of all that decides on vectors: two models with the same one give the same vectors.
    pub revision: String,
    /// The architecture.
    pub family: Family,
    /// Transformer layers; 0 in [`Family::Static`].
    pub layers: usize,
    /// Attention heads of a layer; 0 in [`Family::Static`].
    pub heads: usize,
    /// Width of the token vectors.
    pub hidden: usize,
    /// Width of the feed-forward layer; 0 in [`Family::Static`].
    pub intermediate: usize,
    /// Rows of the word table that token ids may name.
    pub vocabulary: usize,
    /// The id of the padding token, where positions depend on it: in [`Family::Roberta`], they count from the one after.
    pub padding: Option<u32>,
    /// Between the two linear layers of the feed-forward part.
    pub activation: Activation,
    /// Added to the variance in layer normalisations.
    pub epsilon: f32,
    /// Types of tokens that are told apart: 2 where the passage of a pair has one of its own, 1 otherwise.
    pub token_types: usize,
    /// Attention of the families with rotary positions.
    pub rotary: Option<Rotary>,
    /// Where the word vectors of [`Family::Static`] are.
    pub table: Option<TableLayout>,
    /// Token vectors to one.
    pub pooling: Pooling,
    /// Linear layers over the pooled vector, in their order.
    pub dense: Vec<Dense>,
    /// Components of the vector that all of these make.
    pub full_dims: usize,
    /// Components of a vector: the first of [`Self::full_dims`], which models trained for it order by weight (Matryoshka
    /// representation learning, Kusupati et al. 2022).
    pub dims: usize,
    /// Whether vectors are scaled to unit length; always so where the model compares by cosine.
    pub normalise: bool,
    /// Prompts before queries and passages.
    pub prompts: Prompts,
    /// Whether texts are put in lower case before the tokenizer sees them.
    pub lower_case: bool,
    /// The longest input in tokens, special tokens and prompt included; `usize::MAX` where there is no limit.
    pub max_tokens: usize,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SentenceTransformers {
    prompts: HashMap<String, String>,
    default_prompt_name: Option<String>,
    similarity_fn_name: Option<String>,
    truncate_dim: Option<usize>,
    model_type: Option<String>,
    activation_fn: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct TokenizerConfig {
    model_max_length: Option<f64>,
    model_input_names: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SentenceBert {
    max_seq_length: Option<usize>,
    do_lower_case: bool,
    module_output_name: Option<String>,
}

impl Spec {
    /// Reads the description of an embedding model.
    ///
    /// # Errors
    /// When a file is missing or damaged, or asks for something that is not supported; when it is of a cross-encoder.
    pub fn read(files: &ModelFiles) -> Result<Self, EmbedError> {
        let config: Map<String, Value> = parse(files, CONFIG)?.unwrap_or_default();
        let model2vec = config::family(&config).map_err(|what| wrong(files, CONFIG, what))? == Some(Family::Static);
        if head::is_cross_encoder(files, &config)? {
            return Err(EmbedError::CrossEncoder { model: files.id.clone() });
        }
        let modules = Modules::read(files, model2vec)?;
        Self::assemble(files, &config, modules, "token_embeddings")
    }

    /// Reads the description of a cross-encoder: that of an encoder whose pooled vectors its head takes, and the head.
    ///
    /// # Errors
    /// When a file is missing or damaged, or asks for something that is not supported; when it is of another kind of model.
    pub fn read_cross_encoder(files: &ModelFiles) -> Result<(Self, Head), EmbedError> {
        let config: Map<String, Value> = parse(files, CONFIG)?.unwrap_or_default();
        let settings: SentenceTransformers = parse(files, SENTENCE_TRANSFORMERS)?.unwrap_or_default();
        let (head, pooling) = Head::read(files, &config, settings.activation_fn.as_deref())?;
        let prompt = settings.default_prompt_name.as_ref().and_then(|name| settings.prompts.get(name));
        if prompt.is_some_and(|prompt| !prompt.is_empty()) {
            let what = "a cross-encoder with a prompt (default_prompt_name) is not supported".into();
            return Err(wrong(files, SENTENCE_TRANSFORMERS, what));
        }
        let spec = Self::assemble(files, &config, Modules::only_pooling(pooling), "scores")?;
        // transformers asks the tokenizer which inputs there are; one that does not say has those of its model.
        let inputs = parse::<TokenizerConfig>(files, TOKENIZER_CONFIG)?.and_then(|config| config.model_input_names);
        let typed = inputs.is_none_or(|names| names.iter().any(|name| name == "token_type_ids"));
        let token_types = if typed && spec.family == Family::Bert { 2 } else { 1 };
        Ok((Self { token_types, normalise: false, prompts: Prompts::default(), ..spec }, head))
    }

    /// Puts together what the files say; `output` is what the transformer is to give.
    fn assemble(
        files: &ModelFiles,
        config: &Map<String, Value>,
        modules: Modules,
        output: &str,
    ) -> Result<Self, EmbedError> {
        let of_config = |what: String| wrong(files, CONFIG, what);
        let of_settings = |what: String| wrong(files, SENTENCE_TRANSFORMERS, what);

        let model2vec = config::family(config).map_err(of_config)? == Some(Family::Static);
        let table = modules.table.as_deref().map(|folder| TableLayout::read(files, folder, model2vec)).transpose()?;
        let Architecture {
            family,
            layers,
            heads,
            hidden,
            intermediate,
            vocabulary,
            padding,
            activation,
            epsilon,
            rotary,
            positions,
        } = match &table {
            Some(table) => table.architecture(),
            None if files.get(CONFIG).is_none() => return Err(of_config("is missing".into())),
            None => config::architecture(config).map_err(of_config)?,
        };
        if table.is_none() && [layers, hidden, intermediate].contains(&0) {
            return Err(of_config("a number of layers, or a width, is 0".into()));
        }

        let settings: SentenceTransformers = parse(files, SENTENCE_TRANSFORMERS)?.unwrap_or_default();
        let prompts =
            Prompts::choose(&settings.prompts, settings.default_prompt_name.as_deref()).map_err(of_settings)?;
        let prompts = if prompts == Prompts::default() { Prompts::of_card(&files.id) } else { prompts };
        if let Some(name) = settings.similarity_fn_name.as_deref().filter(|name| !["cosine", "dot"].contains(name)) {
            return Err(of_settings(format!("similarity \"{name}\" is not supported: only cosine and dot are")));
        }
        if !modules.include_prompt && prompts != Prompts::default() {
            let what = "pooling without the prompt's tokens (include_prompt) is not supported".into();
            return Err(wrong(files, "1_Pooling/config.json", what));
        }
        let by_cosine = settings.similarity_fn_name.as_deref().is_none_or(|name| name == "cosine");
        let own_normalise = model2vec && config.get("normalize").is_some_and(|value| value == true);

        // A tokenizer without a limit says 10^30.
        let tokenizer: TokenizerConfig = parse(files, TOKENIZER_CONFIG)?.unwrap_or_default();
        let stated = tokenizer.model_max_length.filter(|&length| (1.0..1e9).contains(&length)).map(|l| l as usize);
        let transformer: SentenceBert = parse(files, SENTENCE_BERT)?.unwrap_or_default();
        if let Some(name) = transformer.module_output_name.as_deref().filter(|name| *name != output) {
            let what = format!("module_output_name \"{name}\" is not supported: only {output} is");
            return Err(wrong(files, SENTENCE_BERT, what));
        }
        let stated = transformer.max_seq_length.or(stated).filter(|_| table.is_none()).unwrap_or(usize::MAX);
        let max_tokens = stated.min(positions);
        if max_tokens < 8 {
            return Err(of_config(format!("the longest input would be {max_tokens} tokens")));
        }

        let full_dims = modules.width(files, hidden)?;
        let spec = Self {
            id: files.id.clone(),
            commit: files.commit.clone(),
            revision: fingerprint(files, &prompts),
            family,
            layers,
            heads,
            hidden,
            intermediate,
            vocabulary,
            padding,
            activation,
            epsilon,
            token_types: 1,
            rotary,
            table,
            pooling: modules.pooling,
            dense: modules.dense,
            full_dims,
            dims: full_dims,
            normalise: modules.normalise || own_normalise || by_cosine,
            prompts,
            lower_case: transformer.do_lower_case,
            max_tokens,
        };
        match settings.truncate_dim {
            // It is in the files, and so in the fingerprint.
            Some(dims) => Ok(Self { revision: spec.revision.clone(), ..spec.truncated(dims)? }),
            None => Ok(spec),
        }
    }

    /// The same model with the first `dims` components of its vectors, under another revision unless it has as many now.
    ///
    /// # Errors
    /// When its vectors have fewer, or none are to be kept.
    pub fn truncated(self, dims: usize) -> Result<Self, EmbedError> {
        if dims == self.dims {
            return Ok(self);
        }
        if !(1..=self.full_dims).contains(&dims) {
            return Err(EmbedError::Dims { model: self.id, wanted: dims, there: self.full_dims });
        }
        let revision = blake3::hash(format!("{} {dims}", self.revision).as_bytes()).to_hex()[..16].to_owned();
        Ok(Self { dims, revision, ..self })
    }
}

/// The contents of a JSON file, `None` where the model has no such file.
fn parse<T: for<'a> Deserialize<'a>>(files: &ModelFiles, name: &str) -> Result<Option<T>, EmbedError> {
    let Some(bytes) = files.get(name) else { return Ok(None) };
    serde_json::from_slice(bytes).map(Some).map_err(|error| wrong(files, name, error.to_string()))
}

fn wrong(files: &ModelFiles, file: &str, what: String) -> EmbedError {
    EmbedError::Model { model: files.id.clone(), file: file.to_owned(), what }
}

/// BLAKE3 over names, contents and prompts (which may come from a card), 16 hexadecimal digits.
fn fingerprint(files: &ModelFiles, prompts: &Prompts) -> String {
    let mut hasher = blake3::Hasher::new();
    for prompt in [&prompts.query, &prompts.passage] {
        let prompt = prompt.as_deref().unwrap_or_default();
        hasher.update(&(prompt.len() as u64).to_le_bytes()).update(prompt.as_bytes());
    }
    for (name, bytes) in files.iter() {
        hasher.update(name.as_bytes()).update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
    }
    hasher.finalize().to_hex()[..16].to_owned()
}
