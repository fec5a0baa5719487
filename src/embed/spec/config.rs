//! `config.json`: the architecture of the transformer, under the names of each family.
//!
//! Rotary families are read in both of their generations: `rope_parameters` and `layer_types` since transformers 5, a
//! name for each base and a pattern of layers before. What is missing has the value that transformers gives it.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::Family;
use crate::kernels::Activation;

/// The transformer that a configuration describes; see [`super::Spec`] for the fields.
pub(super) struct Architecture {
    pub(super) family: Family,
    pub(super) layers: usize,
    pub(super) heads: usize,
    pub(super) hidden: usize,
    pub(super) intermediate: usize,
    pub(super) vocabulary: usize,
    pub(super) padding: Option<u32>,
    pub(super) activation: Activation,
    pub(super) epsilon: f32,
    pub(super) rotary: Option<Rotary>,
    /// The longest input that there are positions for.
    pub(super) positions: usize,
}

/// Attention of the families whose positions turn queries and keys (Su et al. 2021).
#[derive(Clone, Debug, PartialEq)]
pub struct Rotary {
    /// Heads of keys and values, each shared by as many heads of queries (Ainslie et al. 2023).
    pub key_value_heads: usize,
    /// Components of a head.
    pub head_width: usize,
    /// Products of queries and keys are multiplied by it.
    pub scale: f32,
    /// Whether a token sees only what comes before it.
    pub causal: bool,
    /// One a layer.
    pub views: Vec<View>,
}

/// What the tokens of one layer see.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// The greatest distance between a token and one that it sees; everything without it.
    pub reach: Option<usize>,
    /// The base of the wavelengths of positions.
    pub theta: f32,
}

impl View {
    /// Pairs of a token and one that it sees, in a text of `tokens`.
    pub fn pairs(self, tokens: usize, causal: bool) -> usize {
        let reach = self.reach.unwrap_or(tokens).min(tokens.saturating_sub(1));
        // Each step of distance is taken by as many pairs as are left of the text, on one side.
        let before: usize = (1..=reach).map(|distance| tokens - distance).sum();
        tokens + if causal { before } else { 2 * before }
    }
}

type Config = Map<String, Value>;

const SUPPORTED: &str =
    "bert, roberta, xlm-roberta, camembert, distilbert, modernbert, qwen3, gemma3_text and model2vec";

/// The family that a configuration names, `None` where it names none.
pub(super) fn family(config: &Config) -> Result<Option<Family>, String> {
    if let Some(kind) = config.get("quantization_config").and_then(|quantised| quantised.get("quant_method")) {
        return Err(format!("weights quantised by {kind} are not supported: only f32, f16 and bf16 are"));
    }
    if config.get("auto_map").is_some_and(|map| map.get("AutoModel").is_some()) {
        return Err(
            "auto_map names code of the model's own, which is not run: its architecture is not supported".into()
        );
    }
    match config.get("model_type").and_then(Value::as_str) {
        None => Ok(None),
        Some("bert") => Ok(Some(Family::Bert)),
        Some("roberta" | "xlm-roberta" | "camembert") => Ok(Some(Family::Roberta)),
        Some("distilbert") => Ok(Some(Family::DistilBert)),
        Some("modernbert") => Ok(Some(Family::ModernBert)),
        Some("qwen3") => Ok(Some(Family::Qwen3)),
        Some("gemma3_text") => Ok(Some(Family::Gemma3)),
        Some("model2vec") => Ok(Some(Family::Static)),
        Some(other) => Err(format!("model_type \"{other}\" is not supported: only {SUPPORTED} are")),
    }
}

/// The transformer that a configuration describes.
///
/// # Errors
/// When something is missing, or asks for what is not supported.
pub(super) fn architecture(config: &Config) -> Result<Architecture, String> {
    match family(config)? {
        None => Err(format!("has no model_type: expected one of {SUPPORTED}")),
        Some(family @ (Family::Bert | Family::Roberta | Family::DistilBert)) => bert(family, read(config)?),
        Some(Family::ModernBert) => modern_bert(config, read(config)?),
        Some(Family::Qwen3) => qwen3(config, read(config)?),
        Some(Family::Gemma3) => gemma3(config, read(config)?),
        Some(Family::Static) => Err("says model2vec, but modules.json names a transformer".into()),
    }
}

fn read<T: DeserializeOwned>(config: &Config) -> Result<T, String> {
    serde_json::from_value(config.clone().into()).map_err(|error| error.to_string())
}

pub(super) fn activation(name: &str) -> Result<Activation, String> {
    match name {
        "gelu" => Ok(Activation::Gelu),
        "gelu_new" | "gelu_pytorch_tanh" | "gelu_fast" => Ok(Activation::GeluTanh),
        "relu" => Ok(Activation::Relu),
        "silu" | "swish" => Ok(Activation::Silu),
        "tanh" => Ok(Activation::Tanh),
        other => Err(format!("activation \"{other}\" is not supported")),
    }
}

fn divides(heads: usize, of: usize, what: &str) -> Result<(), String> {
    if heads == 0 || !of.is_multiple_of(heads) {
        return Err(format!("{heads} attention heads do not divide {what} of {of}"));
    }
    Ok(())
}

/// BERT's configuration, under the names of BERT and of DistilBERT.
#[derive(Deserialize)]
struct Bert {
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

fn bert(family: Family, config: Bert) -> Result<Architecture, String> {
    if config.is_decoder {
        return Err("is_decoder is true: only encoders are supported".into());
    }
    if let Some(kind) = config.position_embedding_type.as_deref().filter(|kind| *kind != "absolute") {
        return Err(format!("position_embedding_type \"{kind}\" is not supported: only absolute is"));
    }
    divides(config.num_attention_heads, config.hidden_size, "a hidden size")?;
    let padding = (family == Family::Roberta).then(|| config.pad_token_id.unwrap_or(1));
    let first_position = padding.map_or(0, |padding| padding as usize + 1);
    Ok(Architecture {
        family,
        layers: config.num_hidden_layers,
        heads: config.num_attention_heads,
        hidden: config.hidden_size,
        intermediate: config.intermediate_size,
        vocabulary: config.vocab_size,
        padding,
        activation: activation(&config.hidden_act)?,
        epsilon: config.layer_norm_eps.unwrap_or(1e-12),
        rotary: None,
        positions: config.max_position_embeddings.saturating_sub(first_position),
    })
}

/// The sizes that all rotary families name alike.
#[derive(Deserialize)]
struct Sizes {
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    max_position_embeddings: usize,
    vocab_size: usize,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    layer_types: Option<Vec<String>>,
    #[serde(default)]
    is_causal: Option<bool>,
}

impl Sizes {
    /// Which layers look through a window: as `layer_types` says, or as `pattern` has it.
    fn windowed(&self, pattern: impl Fn(usize) -> bool) -> Result<Vec<bool>, String> {
        let Some(types) = &self.layer_types else { return Ok((0..self.num_hidden_layers).map(pattern).collect()) };
        if types.len() != self.num_hidden_layers {
            return Err(format!("layer_types names {} layers of {}", types.len(), self.num_hidden_layers));
        }
        types
            .iter()
            .map(|kind| match kind.as_str() {
                "full_attention" => Ok(false),
                "sliding_attention" => Ok(true),
                other => Err(format!("layer type \"{other}\" is not supported")),
            })
            .collect()
    }

    fn into_architecture(
        self,
        family: Family,
        activation: Activation,
        epsilon: f32,
        rotary: Rotary,
    ) -> Result<Architecture, String> {
        if self.attention_bias {
            return Err("attention_bias is true: only linear layers without bias are supported".into());
        }
        if rotary.causal && self.is_causal == Some(false) {
            return Err(format!(
                "is_causal is false: {} that looks both ways this way is not supported",
                family.name()
            ));
        }
        divides(rotary.key_value_heads, self.num_attention_heads, "a number of heads")?;
        if !rotary.head_width.is_multiple_of(2) {
            return Err(format!("rotary positions want heads of an even width, not {}", rotary.head_width));
        }
        Ok(Architecture {
            family,
            layers: self.num_hidden_layers,
            heads: self.num_attention_heads,
            hidden: self.hidden_size,
            intermediate: self.intermediate_size,
            vocabulary: self.vocab_size,
            padding: None,
            activation,
            epsilon,
            rotary: Some(rotary),
            positions: self.max_position_embeddings,
        })
    }
}

/// The base of the rotary positions of layers of a kind, which older files call `name`.
fn theta(config: &Config, kind: &str, name: &str, default: f32) -> Result<f32, String> {
    let given = |name: &str| config.get(name).filter(|value| !value.is_null());
    let parameters = given("rope_parameters").map(|all| all.get(kind).filter(|one| one.is_object()).unwrap_or(all));
    for rope in [parameters, given("rope_scaling")].into_iter().flatten() {
        let scaling = rope.get("rope_type").or_else(|| rope.get("type")).and_then(Value::as_str).unwrap_or("default");
        if scaling != "default" {
            return Err(format!("rotary positions scaled by \"{scaling}\" are not supported: only unscaled ones are"));
        }
    }
    let partial = |of: Option<&Value>| of.and_then(Value::as_f64).is_some_and(|share| share != 1.0);
    if partial(given("partial_rotary_factor")) || partial(parameters.and_then(|p| p.get("partial_rotary_factor"))) {
        return Err("partial_rotary_factor is not supported: positions must turn whole heads".into());
    }
    let theta = parameters.and_then(|parameters| parameters.get("rope_theta")).or_else(|| given(name));
    Ok(theta.and_then(Value::as_f64).map_or(default, |theta| theta as f32))
}

/// What is ModernBERT's own (Warner et al. 2024).
#[derive(Deserialize)]
struct ModernBert {
    #[serde(flatten)]
    sizes: Sizes,
    #[serde(default)]
    hidden_activation: Option<String>,
    #[serde(default)]
    norm_eps: Option<f32>,
    #[serde(default)]
    norm_bias: bool,
    #[serde(default)]
    mlp_bias: bool,
    #[serde(default)]
    local_attention: Option<usize>,
    #[serde(default)]
    global_attn_every_n_layers: Option<usize>,
}

fn modern_bert(config: &Config, own: ModernBert) -> Result<Architecture, String> {
    for (name, given) in [("norm_bias", own.norm_bias), ("mlp_bias", own.mlp_bias)] {
        if given {
            return Err(format!("{name} is true: ModernBERT is supported without biases only"));
        }
    }
    let sizes = own.sizes;
    divides(sizes.num_attention_heads, sizes.hidden_size, "a hidden size")?;
    let every = own.global_attn_every_n_layers.unwrap_or(3).max(1);
    let near = View {
        reach: Some(own.local_attention.unwrap_or(128) / 2),
        theta: theta(config, "sliding_attention", "local_rope_theta", 10_000.0)?,
    };
    let far = View { reach: None, theta: theta(config, "full_attention", "global_rope_theta", 160_000.0)? };
    let head_width = sizes.hidden_size / sizes.num_attention_heads;
    let rotary = Rotary {
        key_value_heads: sizes.num_attention_heads,
        head_width,
        scale: (head_width as f32).sqrt().recip(),
        causal: false,
        views: views(sizes.windowed(|layer| !layer.is_multiple_of(every))?, near, far),
    };
    let activation = activation(own.hidden_activation.as_deref().unwrap_or("gelu"))?;
    sizes.into_architecture(Family::ModernBert, activation, own.norm_eps.unwrap_or(1e-5), rotary)
}

fn views(windowed: Vec<bool>, near: View, far: View) -> Vec<View> {
    windowed.into_iter().map(|windowed| if windowed { near } else { far }).collect()
}

/// What is Qwen3's own (Qwen team 2025).
#[derive(Deserialize)]
struct Qwen3 {
    #[serde(flatten)]
    sizes: Sizes,
    #[serde(default)]
    num_key_value_heads: Option<usize>,
    #[serde(default)]
    head_dim: Option<usize>,
    #[serde(default)]
    hidden_act: Option<String>,
    #[serde(default)]
    rms_norm_eps: Option<f32>,
    #[serde(default)]
    use_sliding_window: bool,
    #[serde(default)]
    sliding_window: Option<usize>,
    #[serde(default)]
    max_window_layers: Option<usize>,
}

fn qwen3(config: &Config, own: Qwen3) -> Result<Architecture, String> {
    let sizes = own.sizes;
    let head_width = own.head_dim.unwrap_or(128);
    let first = own.max_window_layers.unwrap_or(28);
    let far = View { reach: None, theta: theta(config, "full_attention", "rope_theta", 10_000.0)? };
    let window = own.sliding_window.filter(|_| own.use_sliding_window);
    let near = View { reach: window.map(|window| window.saturating_sub(1)), ..far };
    let rotary = Rotary {
        key_value_heads: own.num_key_value_heads.unwrap_or(sizes.num_attention_heads),
        head_width,
        scale: (head_width as f32).sqrt().recip(),
        causal: true,
        views: views(sizes.windowed(|layer| window.is_some() && layer >= first)?, near, far),
    };
    let activation = activation(own.hidden_act.as_deref().unwrap_or("silu"))?;
    sizes.into_architecture(Family::Qwen3, activation, own.rms_norm_eps.unwrap_or(1e-6), rotary)
}

/// What is Gemma 3's own (Gemma team 2025).
#[derive(Deserialize)]
struct Gemma3 {
    #[serde(flatten)]
    sizes: Sizes,
    num_key_value_heads: usize,
    #[serde(default)]
    head_dim: Option<usize>,
    #[serde(default)]
    hidden_activation: Option<String>,
    #[serde(default)]
    rms_norm_eps: Option<f32>,
    #[serde(default)]
    query_pre_attn_scalar: Option<f32>,
    #[serde(default)]
    sliding_window: Option<usize>,
    #[serde(default)]
    sliding_window_pattern: Option<usize>,
    #[serde(default)]
    attn_logit_softcapping: Option<f32>,
    #[serde(default)]
    use_bidirectional_attention: Option<bool>,
}

fn gemma3(config: &Config, own: Gemma3) -> Result<Architecture, String> {
    if own.attn_logit_softcapping.is_some() {
        return Err("attn_logit_softcapping is not supported".into());
    }
    let sizes = own.sizes;
    let causal = !own.use_bidirectional_attention.unwrap_or(false);
    let window = own.sliding_window.unwrap_or(4096);
    let every = own.sliding_window_pattern.unwrap_or(6).max(1);
    let near = View {
        // A window that looks both ways has half of its width on each side.
        reach: Some(if causal { window.saturating_sub(1) } else { window / 2 }),
        theta: theta(config, "sliding_attention", "rope_local_base_freq", 10_000.0)?,
    };
    let far = View { reach: None, theta: theta(config, "full_attention", "rope_theta", 1_000_000.0)? };
    let rotary = Rotary {
        key_value_heads: own.num_key_value_heads,
        head_width: own.head_dim.unwrap_or(256),
        scale: own.query_pre_attn_scalar.unwrap_or(256.0).sqrt().recip(),
        causal,
        views: views(sizes.windowed(|layer| !(layer + 1).is_multiple_of(every))?, near, far),
    };
    let activation = activation(own.hidden_activation.as_deref().unwrap_or("gelu_pytorch_tanh"))?;
    sizes.into_architecture(Family::Gemma3, activation, own.rms_norm_eps.unwrap_or(1e-6), rotary)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(mut config: Value, more: Value) -> Result<Architecture, String> {
        let sizes = json!({
            "hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2,
            "intermediate_size": 48, "max_position_embeddings": 100, "vocab_size": 10,
        });
        for part in [sizes, more] {
            config.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
        }
        architecture(config.as_object().unwrap())
    }

    fn views(config: Value, more: Value) -> Vec<(Option<usize>, f32)> {
        let rotary = of(config, more).unwrap_or_else(|what| panic!("{what}")).rotary.unwrap();
        rotary.views.iter().map(|view| (view.reach, view.theta)).collect()
    }

    #[test]
    fn both_generations_of_rotary_positions_are_read() {
        let modern = || json!({"model_type": "modernbert", "local_attention": 8});
        let far = (None, 5.0);
        let near = (Some(4), 7.0);
        let old = json!({"global_attn_every_n_layers": 3, "global_rope_theta": 5.0, "local_rope_theta": 7.0});
        assert_eq!(views(modern(), old), [far, near, near, far]);
        let new = json!({
            "rope_parameters": {
                "full_attention": {"rope_theta": 5.0, "rope_type": "default"},
                "sliding_attention": {"rope_theta": 7.0, "rope_type": "default"},
            },
            "layer_types": ["sliding_attention", "full_attention", "full_attention", "sliding_attention"],
        });
        assert_eq!(views(modern(), new), [near, far, far, near]);

        let gemma = || json!({"model_type": "gemma3_text", "sliding_window": 8, "sliding_window_pattern": 2});
        let old = json!({"use_bidirectional_attention": true, "rope_theta": 5.0, "rope_local_base_freq": 7.0});
        assert_eq!(views(gemma(), old), [near, far, near, far]);
        assert_eq!(views(gemma(), json!({}))[0], (Some(7), 10_000.0), "before a token, a window is whole");

        let qwen = || json!({"model_type": "qwen3"});
        assert_eq!(views(qwen(), json!({"rope_theta": 5.0, "sliding_window": 8})), [far; 4]);
        assert_eq!(views(qwen(), json!({"rope_parameters": {"rope_theta": 5.0}})), [far; 4]);
    }

    #[test]
    fn pairs_are_those_that_see_each_other() {
        for (reach, causal) in [(None, false), (None, true), (Some(3), false), (Some(3), true), (Some(0), false)] {
            let view = View { reach, theta: 1.0 };
            let sees = |query: usize, key: usize| {
                !(causal && key > query) && reach.is_none_or(|reach| query.abs_diff(key) <= reach)
            };
            for tokens in [0, 1, 3, 9] {
                let expected = (0..tokens).flat_map(|query| (0..tokens).map(move |key| (query, key)));
                let expected = expected.filter(|&(query, key)| sees(query, key)).count();
                assert_eq!(view.pairs(tokens, causal), expected, "{view:?} {causal} {tokens}");
            }
        }
    }

    #[test]
    fn what_is_not_supported_is_named() {
        for (config, more, named) in [
            ("new", json!({}), "model_type \"new\""),
            ("bert", json!({"auto_map": {"AutoModel": "x--modeling.X"}}), "auto_map"),
            ("qwen3", json!({"quantization_config": {"quant_method": "awq"}}), "awq"),
            ("qwen3", json!({"rope_scaling": {"rope_type": "yarn", "factor": 4.0}}), "yarn"),
            ("qwen3", json!({"rope_parameters": {"rope_type": "linear"}}), "linear"),
            ("qwen3", json!({"attention_bias": true}), "attention_bias"),
            ("qwen3", json!({"is_causal": false}), "is_causal"),
            ("qwen3", json!({"num_key_value_heads": 3}), "3 attention heads"),
            ("qwen3", json!({"partial_rotary_factor": 0.5}), "partial_rotary_factor"),
            ("modernbert", json!({"mlp_bias": true}), "mlp_bias"),
            ("modernbert", json!({"layer_types": ["full_attention"]}), "layer_types"),
            ("gemma3_text", json!({"attn_logit_softcapping": 50.0}), "attn_logit_softcapping"),
            ("gemma3_text", json!({"layer_types": vec!["linear_attention"; 4]}), "linear_attention"),
        ] {
            let what = of(json!({ "model_type": config }), more).err().unwrap_or_default();
            assert!(what.contains(named), "{config}: no {named} in \"{what}\"");
        }
    }
}
