//! `modules.json` and the folders that it names: what happens before and after the transformer.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{parse, wrong};
use crate::embed::EmbedError;
use crate::embed::pooling::Pooling;
use crate::embed::source::{ModelFiles, TOKENIZER, WEIGHTS, within};
use crate::kernels::Activation;

pub(super) const MODULES: &str = "modules.json";

/// A linear layer over the pooled vector, in a folder of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dense {
    /// Its folder within the model's.
    pub folder: String,
    /// Components that it takes.
    pub columns: usize,
    /// Components that it gives.
    pub rows: usize,
    /// Whether something is added to the product.
    pub bias: bool,
    /// What is done to the result.
    pub activation: Activation,
}

/// The steps from text to vector, as sentence-transformers names them.
pub(super) struct Modules {
    /// The folder of a table of word vectors; `None` where there is a transformer.
    pub(super) table: Option<String>,
    pub(super) pooling: Pooling,
    pub(super) include_prompt: bool,
    pub(super) dense: Vec<Dense>,
    pub(super) normalise: bool,
}

/// One entry of `modules.json`.
#[derive(Deserialize)]
struct Module {
    path: String,
    /// "sentence_transformers.models.Pooling", or "sentence_transformers.….modules.pooling.Pooling"
    #[serde(rename = "type")]
    kind: String,
}

impl Module {
    fn kind(&self) -> &str {
        self.kind.rsplit('.').next().unwrap_or_default()
    }

    /// The module's folder; empty where it is the model's.
    fn folder(&self) -> &str {
        if self.path == "." { "" } else { &self.path }
    }
}

/// The files that modules have in folders of their own; none if `modules` is damaged, which [`Modules::read`] reports.
pub(in crate::embed) fn files_of_modules(modules: &[u8]) -> Vec<String> {
    let modules: Vec<Module> = serde_json::from_slice(modules).unwrap_or_default();
    let of = |module: Module| {
        let names: &[&str] = match module.kind() {
            _ if module.folder().is_empty() => &[],
            "Dense" => &["config.json", WEIGHTS],
            "StaticEmbedding" => &[TOKENIZER, WEIGHTS],
            _ => &["config.json"],
        };
        names.iter().map(|name| within(module.folder(), name)).collect::<Vec<_>>()
    };
    modules.into_iter().flat_map(of).collect()
}

impl Modules {
    /// Reads the steps. Without `modules.json`, those of a bare transformer as sentence-transformers reads it, the mean of
    /// all tokens, or of a bare table of word vectors if `config.json` says that it is one.
    pub(super) fn read(files: &ModelFiles, is_table: bool) -> Result<Self, EmbedError> {
        let wrong = |what: String| wrong(files, MODULES, what);
        let mut found = Self::only_pooling(Pooling::Mean);
        let Some(modules) = parse::<Vec<Module>>(files, MODULES)? else {
            return Ok(Self { table: is_table.then(String::new), ..found });
        };
        // What may come after what, in the only order in which the steps are done.
        let mut done: Vec<&str> = Vec::new();
        for module in &modules {
            let kind = module.kind();
            let fits = match kind {
                "Transformer" => done.is_empty() && module.folder().is_empty(),
                "StaticEmbedding" => done.is_empty(),
                "Pooling" => done == ["Transformer"],
                "Dense" => matches!(done[..], [.., "Pooling" | "StaticEmbedding" | "Dense"]),
                "Normalize" => matches!(done[..], [.., "Pooling" | "StaticEmbedding" | "Dense"]),
                other => return Err(wrong(format!("the module {other} in \"{}\" is not supported", module.path))),
            };
            if !fits {
                let after = done.last().copied().unwrap_or("nothing");
                return Err(wrong(format!("the module {kind} in \"{}\" after {after} is not supported", module.path)));
            }
            match kind {
                "StaticEmbedding" => found.table = Some(module.folder().to_owned()),
                "Pooling" => {
                    let file = within(module.folder(), "config.json");
                    let config = config(files, &file)?;
                    found.pooling = Pooling::from_config(&config).map_err(|what| super::wrong(files, &file, what))?;
                    found.include_prompt = config.get("include_prompt").is_none_or(|value| value == true);
                }
                "Dense" => found.dense.push(Dense::read(files, module.folder())?),
                "Normalize" => found.normalise = true,
                _ => {}
            }
            done.push(kind);
        }
        match done[..] {
            [] | ["Transformer"] => Err(wrong("names no Pooling: nothing says how token vectors become one".into())),
            _ => Ok(found),
        }
    }

    /// A transformer whose token vectors become one, and nothing after that.
    pub(super) fn only_pooling(pooling: Pooling) -> Self {
        Self { table: None, pooling, include_prompt: true, dense: Vec::new(), normalise: false }
    }

    /// Whether a model is a transformer alone, without modules after it: true without `modules.json`.
    pub(super) fn is_transformer_alone(files: &ModelFiles) -> Result<bool, EmbedError> {
        let modules = parse::<Vec<Module>>(files, MODULES)?;
        Ok(modules.is_none_or(|modules| matches!(&modules[..], [only] if only.kind() == "Transformer")))
    }

    /// Components of the vector after all steps, given those of the token vectors.
    pub(super) fn width(&self, files: &ModelFiles, hidden: usize) -> Result<usize, EmbedError> {
        self.dense.iter().try_fold(hidden, |width, dense| {
            let what = || format!("takes {} components, but is given {width}", dense.columns);
            if dense.columns == width { Ok(dense.rows) } else { Err(wrong(files, &dense.config_file(), what())) }
        })
    }
}

impl Dense {
    fn config_file(&self) -> String {
        within(&self.folder, "config.json")
    }

    fn read(files: &ModelFiles, folder: &str) -> Result<Self, EmbedError> {
        #[derive(Deserialize)]
        struct Config {
            in_features: usize,
            out_features: usize,
            #[serde(default = "yes")]
            bias: bool,
            #[serde(default = "tanh")]
            activation_function: String,
            #[serde(default)]
            module_input_name: Option<String>,
            #[serde(default)]
            module_output_name: Option<String>,
            #[serde(default)]
            use_residual: bool,
        }
        fn yes() -> bool {
            true
        }
        fn tanh() -> String {
            "torch.nn.modules.activation.Tanh".to_owned()
        }

        let file = within(folder, "config.json");
        let refuse = |what: String| Err(wrong(files, &file, what));
        let config: Config = serde_json::from_value(config(files, &file)?.into())
            .map_err(|error| wrong(files, &file, error.to_string()))?;
        for name in [&config.module_input_name, &config.module_output_name].into_iter().flatten() {
            if name != "sentence_embedding" {
                return refuse(format!("a Dense layer over \"{name}\" is not supported: only over sentence_embedding"));
            }
        }
        if config.use_residual {
            return refuse("use_residual is true: a Dense layer with a residual sum is not supported".to_owned());
        }
        let activation = match config.activation_function.rsplit('.').next().unwrap_or_default() {
            "Identity" => Activation::Identity,
            "Tanh" => Activation::Tanh,
            "ReLU" => Activation::Relu,
            "GELU" => Activation::Gelu,
            "SiLU" => Activation::Silu,
            _ => return refuse(format!("activation_function \"{}\" is not supported", config.activation_function)),
        };
        Ok(Self {
            folder: folder.to_owned(),
            columns: config.in_features,
            rows: config.out_features,
            bias: config.bias,
            activation,
        })
    }
}

fn config(files: &ModelFiles, file: &str) -> Result<Map<String, Value>, EmbedError> {
    parse(files, file)?.ok_or_else(|| wrong(files, file, "is missing".to_owned()))
}
