//! What a model's files say about it: family, sizes, pooling, prompts, limits.
//!
//! Reads both generations of the sentence-transformers layout. Anything that would change vectors and is not supported
//! is an error here, so that nothing later has to guess.

use serde::Deserialize;

use super::EmbedError;
use super::pooling::Pooling;
use super::source::ModelFiles;
use crate::kernels::Activation;

/// Which side of a search a text is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// What is asked.
    Query,
    /// What is searched.
    Passage,
}

/// The texts that a model wants before queries and passages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prompts {
    /// Before a query.
    pub query: Option<String>,
    /// Before a passage.
    pub passage: Option<String>,
}

impl Prompts {
    /// The prompt of a role.
    pub fn of(&self, role: Role) -> Option<&str> {
        match role {
            Role::Query => self.query.as_deref(),
            Role::Passage => self.passage.as_deref(),
        }
    }
}

/// The architecture of the encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// BERT.
    Bert,
    /// RoBERTa, CamemBERT and XLM-RoBERTa: BERT whose positions start after the padding id.
    Roberta,
    /// DistilBERT: BERT without token types, under other names.
    DistilBert,
}

impl Family {
    /// Whether its encoder is BERT's.
    pub fn is_bert(self) -> bool {
        matches!(self, Self::Bert | Self::Roberta | Self::DistilBert)
    }

    /// The family's name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bert => "BERT",
            Self::Roberta => "RoBERTa",
            Self::DistilBert => "DistilBERT",
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
    /// A fingerprint of every file that decides on vectors: two models with the same one give the same vectors.
    pub revision: String,
    /// The architecture.
    pub family: Family,
    /// Transformer layers.
    pub layers: usize,
    /// Attention heads of a layer.
    pub heads: usize,
    /// Width of the embedding: of the hidden state, since no supported model projects it.
    pub dims: usize,
    /// Width of the feed-forward layer.
    pub intermediate: usize,
    /// Rows of the word table.
    pub vocabulary: usize,
    /// The id of the padding token, where positions depend on it: in [`Family::Roberta`], they count from the one after.
    pub padding: Option<u32>,
    /// Between the two linear layers of the feed-forward part.
    pub activation: Activation,
    /// Added to the variance in layer normalisations.
    pub epsilon: f32,
    /// Token vectors to one.
    pub pooling: Pooling,
    /// Whether vectors are scaled to unit length; always so where the model compares by cosine.
    pub normalise: bool,
    /// Prompts before queries and passages.
    pub prompts: Prompts,
    /// Whether texts are put in lower case before the tokenizer sees them.
    pub lower_case: bool,
    /// The longest input in tokens, special tokens and prompt included.
    pub max_tokens: usize,
}

/// `config.json`, under the names of BERT and of DistilBERT.
#[derive(Deserialize)]
struct Config {
    model_type: String,
    #[serde(alias = "dim")]
    hidden_size: usize,
    #[serde(alias = "n_layers")]
    num_hidden_layers: usize,
    #[serde(alias = "n_heads")]
    num_attention_heads: usize,
    #[serde(alias = "hidden_dim")]
    intermediate_size: usize,
    #[serde(alias = "activation")]
    hidden_act: String,
    max_position_embeddings: usize,
    vocab_size: usize,
    #[serde(default)]
    pad_token_id: Option<u32>,
    #[serde(default)]
    layer_norm_eps: Option<f32>,
    #[serde(default)]
    position_embedding_type: Option<String>,
    #[serde(default)]
    is_decoder: bool,
}

#[derive(Deserialize)]
struct Module {
    path: String,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SentenceTransformers {
    prompts: std::collections::HashMap<String, String>,
    default_prompt_name: Option<String>,
    similarity_fn_name: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct TokenizerConfig {
    model_max_length: Option<f64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SentenceBert {
    max_seq_length: Option<usize>,
    do_lower_case: bool,
}

/// The folders of `modules.json` that are not the model's own folder; none if the file is damaged, which
/// [`Spec::read`] reports.
pub(super) fn module_folders(modules: &[u8]) -> Vec<String> {
    let modules: Vec<Module> = serde_json::from_slice(modules).unwrap_or_default();
    modules.into_iter().map(|module| module.path).filter(|path| !path.is_empty()).collect()
}

impl Spec {
    /// Reads the description of a model.
    ///
    /// # Errors
    /// When a file is missing or damaged, or asks for something that is not supported.
    pub fn read(files: &ModelFiles) -> Result<Self, EmbedError> {
        let wrong = |file: &str, what: String| EmbedError::Model { model: files.id.clone(), file: file.into(), what };
        let config: Config = parse(files, "config.json")?.ok_or_else(|| wrong("config.json", "is missing".into()))?;
        let refuse = |what: String| Err(wrong("config.json", what));

        let family = match config.model_type.as_str() {
            "bert" => Family::Bert,
            "roberta" | "xlm-roberta" | "camembert" => Family::Roberta,
            "distilbert" => Family::DistilBert,
            other => {
                return refuse(format!(
                    "model_type \"{other}\" is not supported: only bert, roberta, xlm-roberta, camembert and \
                     distilbert are"
                ));
            }
        };
        if config.is_decoder {
            return refuse("is_decoder is true: only encoders are supported".into());
        }
        if let Some(kind) = config.position_embedding_type.as_deref().filter(|kind| *kind != "absolute") {
            return refuse(format!("position_embedding_type \"{kind}\" is not supported: only absolute is"));
        }
        if config.num_attention_heads == 0 || !config.hidden_size.is_multiple_of(config.num_attention_heads) {
            return refuse(format!(
                "{} attention heads do not divide a hidden size of {}",
                config.num_attention_heads, config.hidden_size
            ));
        }
        let activation = match config.hidden_act.as_str() {
            "gelu" => Activation::Gelu,
            "gelu_new" | "gelu_pytorch_tanh" | "gelu_fast" => Activation::GeluTanh,
            "relu" => Activation::Relu,
            "silu" | "swish" => Activation::Silu,
            "tanh" => Activation::Tanh,
            other => return refuse(format!("activation \"{other}\" is not supported")),
        };
        let padding = (family == Family::Roberta).then(|| config.pad_token_id.unwrap_or(1));
        let first_position = padding.map_or(0, |padding| padding as usize + 1);

        let modules = Modules::read(files)?;
        let settings: SentenceTransformers = parse(files, "config_sentence_transformers.json")?.unwrap_or_default();
        let prompts = prompts(&settings).map_err(|what| wrong("config_sentence_transformers.json", what))?;
        let prompts = if prompts == Prompts::default() { prompts_of_card(&files.id) } else { prompts };
        if let Some(name) = settings.similarity_fn_name.as_deref().filter(|name| !["cosine", "dot"].contains(name)) {
            let what = format!("similarity \"{name}\" is not supported: only cosine and dot are");
            return Err(wrong("config_sentence_transformers.json", what));
        }
        if !modules.include_prompt && prompts != Prompts::default() {
            return Err(wrong("1_Pooling/config.json", "pooling without the prompt's tokens is not supported".into()));
        }

        // A tokenizer without a limit says 10^30.
        let tokenizer: TokenizerConfig = parse(files, "tokenizer_config.json")?.unwrap_or_default();
        let stated = tokenizer.model_max_length.filter(|&length| (1.0..1e9).contains(&length)).map(|l| l as usize);
        let transformer: SentenceBert = parse(files, "sentence_bert_config.json")?.unwrap_or_default();
        let stated = transformer.max_seq_length.or(stated).unwrap_or(usize::MAX);
        let max_tokens = stated.min(config.max_position_embeddings.saturating_sub(first_position));
        if max_tokens < 8 {
            return refuse(format!("the longest input would be {max_tokens} tokens"));
        }

        Ok(Self {
            id: files.id.clone(),
            commit: files.commit.clone(),
            revision: fingerprint(files, &prompts),
            family,
            layers: config.num_hidden_layers,
            heads: config.num_attention_heads,
            dims: config.hidden_size,
            intermediate: config.intermediate_size,
            vocabulary: config.vocab_size,
            padding,
            activation,
            epsilon: config.layer_norm_eps.unwrap_or(1e-12),
            pooling: modules.pooling,
            normalise: modules.normalise || settings.similarity_fn_name.as_deref().is_none_or(|name| name == "cosine"),
            prompts,
            lower_case: transformer.do_lower_case,
            max_tokens,
        })
    }
}

/// What `modules.json` and the folders that it names ask for.
struct Modules {
    pooling: Pooling,
    normalise: bool,
    include_prompt: bool,
}

impl Modules {
    fn read(files: &ModelFiles) -> Result<Self, EmbedError> {
        let wrong = |file: &str, what: String| EmbedError::Model { model: files.id.clone(), file: file.into(), what };
        let mut found = Self { pooling: Pooling::Mean, normalise: false, include_prompt: true };
        // A bare transformer, as sentence-transformers reads it: mean pooling.
        let modules: Vec<Module> = parse(files, "modules.json")?.unwrap_or_default();
        for module in modules {
            // "sentence_transformers.models.Pooling", or "sentence_transformers.….modules.pooling.Pooling"
            match module.kind.rsplit('.').next().unwrap_or_default() {
                "Transformer" if module.path.is_empty() => {}
                "Pooling" => {
                    let file = format!("{}/config.json", module.path);
                    let config: serde_json::Map<String, serde_json::Value> =
                        parse(files, &file)?.ok_or_else(|| wrong(&file, "is missing".into()))?;
                    found.pooling = Pooling::from_config(&config).map_err(|what| wrong(&file, what))?;
                    found.include_prompt = config.get("include_prompt").is_none_or(|value| value == true);
                }
                "Normalize" => found.normalise = true,
                other => {
                    return Err(wrong(
                        "modules.json",
                        format!("the module {other} in \"{}\" is not supported", module.path),
                    ));
                }
            }
        }
        Ok(found)
    }
}

/// The prompts of queries and passages: by their names, or the default prompt for both.
fn prompts(settings: &SentenceTransformers) -> Result<Prompts, String> {
    let named = |names: &[&str]| {
        names.iter().find_map(|name| settings.prompts.get(*name).filter(|prompt| !prompt.is_empty()).cloned())
    };
    let default = match &settings.default_prompt_name {
        None => None,
        Some(name) => Some(
            settings
                .prompts
                .get(name)
                .ok_or_else(|| format!("default_prompt_name \"{name}\" is not among the prompts"))?
                .clone(),
        ),
    };
    Ok(Prompts {
        query: named(&["query"]).or_else(|| default.clone()),
        passage: named(&["document", "passage", "corpus"]).or(default),
    })
}

/// The prompts of models that ask for them in their cards, but not in their files.
fn prompts_of_card(id: &str) -> Prompts {
    let e5 =
        ["e5-small", "e5-base", "e5-large", "multilingual-e5-small", "multilingual-e5-base", "multilingual-e5-large"];
    let name = id.rsplit('/').next().unwrap_or_default();
    if e5.contains(&name.trim_end_matches("-v2")) {
        return Prompts { query: Some("query: ".to_owned()), passage: Some("passage: ".to_owned()) };
    }
    Prompts::default()
}

fn parse<T: for<'a> Deserialize<'a>>(files: &ModelFiles, name: &str) -> Result<Option<T>, EmbedError> {
    let Some(bytes) = files.get(name) else { return Ok(None) };
    serde_json::from_slice(bytes).map(Some).map_err(|error| EmbedError::Model {
        model: files.id.clone(),
        file: name.to_owned(),
        what: error.to_string(),
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(json: &str) -> SentenceTransformers {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn prompts_are_found_by_name_and_by_default() {
        let both = prompts(&settings(r#"{"prompts": {"query": "q: ", "document": "", "passage": "p: "}}"#)).unwrap();
        assert_eq!((both.of(Role::Query), both.of(Role::Passage)), (Some("q: "), Some("p: ")));
        let default = prompts(&settings(r#"{"prompts": {"sts": "s: "}, "default_prompt_name": "sts"}"#)).unwrap();
        assert_eq!((default.of(Role::Query), default.of(Role::Passage)), (Some("s: "), Some("s: ")));
        assert_eq!(prompts(&settings(r#"{"prompts": {"query": "", "document": ""}}"#)), Ok(Prompts::default()));
        assert!(prompts(&settings(r#"{"default_prompt_name": "sts"}"#)).is_err());
    }

    #[test]
    fn prompts_that_only_a_card_states_are_known() {
        assert_eq!(prompts_of_card("intfloat/multilingual-e5-small").of(Role::Query), Some("query: "));
        assert_eq!(prompts_of_card("intfloat/e5-large-v2").of(Role::Passage), Some("passage: "));
        assert_eq!(prompts_of_card("intfloat/multilingual-e5-large-instruct"), Prompts::default());
    }
}
