//! Qwen3 (Qwen team 2025) and Gemma 3 (Gemma team 2025) on ragged batches.
//!
//! Both are pre-normalised layers of rotary attention, with normalised queries and keys and shared heads, and a gated
//! feed-forward part, none of them with biases. Gemma 3 also normalises what each part gives, scales its word vectors by
//! the root of their width, and keeps the weights of normalisations as what they are more than 1.

use candle_core::{DType, Device, Tensor};

use super::feed_forward::FeedForward;
use super::layers::Linear;
use super::norms::RmsNorm;
use super::rotary::RotaryAttention;
use super::weights::Weights;
use crate::embed::EmbedError;
use crate::embed::batch::Ragged;
use crate::embed::source::ModelFiles;
use crate::embed::spec::{Family, Spec};
use crate::kernels::{Activation, Isa, Precision};

/// The norms of a layer, by their names.
struct Names {
    attention_in: &'static str,
    attention_out: Option<&'static str>,
    feed_forward_in: &'static str,
    feed_forward_out: Option<&'static str>,
}

const QWEN3: Names = Names {
    attention_in: "input_layernorm",
    attention_out: None,
    feed_forward_in: "post_attention_layernorm",
    feed_forward_out: None,
};

const GEMMA3: Names = Names {
    attention_in: "input_layernorm",
    attention_out: Some("post_attention_layernorm"),
    feed_forward_in: "pre_feedforward_layernorm",
    feed_forward_out: Some("post_feedforward_layernorm"),
};

struct Layer {
    attention_in: RmsNorm,
    query_key_value: Linear,
    attention: RotaryAttention,
    project: Linear,
    attention_out: Option<RmsNorm>,
    feed_forward_in: RmsNorm,
    feed_forward: FeedForward,
    feed_forward_out: Option<RmsNorm>,
}

/// A loaded decoder.
pub struct Decoder {
    /// (vocabulary, hidden), in the type that the file has
    words: Tensor,
    /// Word vectors are multiplied by it.
    scale: f64,
    layers: Vec<Layer>,
    norm: RmsNorm,
}

impl Decoder {
    pub(super) fn load(files: &ModelFiles, spec: &Spec, isa: Isa) -> Result<Self, EmbedError> {
        const WORDS: &str = "embed_tokens.weight";
        let (names, offset, scale) = match spec.family {
            Family::Gemma3 => (GEMMA3, 1.0, (spec.hidden as f64).sqrt()),
            _ => (QWEN3, 0.0, 1.0),
        };
        let weights = Weights::load(files, WORDS)?;
        let (hidden, numbers) = (spec.hidden, (isa, Precision::F32));
        let norm = |name: &str, width| RmsNorm::load(&weights, name, width, spec.epsilon, offset);
        let layer = |(index, attention): (usize, RotaryAttention)| {
            let within = |name: &str| format!("layers.{index}.{name}");
            let after = |name: Option<&str>| name.map(|name| norm(&within(name), hidden)).transpose();
            let values = |name: &str, rows: usize, columns: usize| {
                weights.values(&within(&format!("self_attn.{name}.weight")), &[rows, columns])
            };
            let [query, key_value, width] = attention.widths();
            let mut matrix = values("q_proj", query, hidden)?;
            matrix.extend(values("k_proj", key_value, hidden)?);
            matrix.extend(values("v_proj", key_value, hidden)?);
            let project = values("o_proj", hidden, query)?;
            Ok(Layer {
                attention_in: norm(&within(names.attention_in), hidden)?,
                query_key_value: Linear::new(numbers, &matrix, None, hidden, Activation::Identity),
                attention: attention
                    .with_norms(norm(&within("self_attn.q_norm"), width)?, norm(&within("self_attn.k_norm"), width)?),
                project: Linear::new(numbers, &project, None, query, Activation::Identity),
                attention_out: after(names.attention_out)?,
                feed_forward_in: norm(&within(names.feed_forward_in), hidden)?,
                feed_forward: FeedForward::load(&weights, spec, numbers, &within("mlp"))?,
                feed_forward_out: after(names.feed_forward_out)?,
            })
        };
        let attention = super::rotary_layers(spec)?;
        Ok(Self {
            words: weights.tensor(WORDS, &[spec.vocabulary, hidden])?,
            scale,
            layers: attention.into_iter().enumerate().map(layer).collect::<Result<_, EmbedError>>()?,
            norm: norm("norm", hidden)?,
        })
    }

    pub(super) fn forward(&self, batch: &Ragged) -> Result<Tensor, EmbedError> {
        let after = |norm: &Option<RmsNorm>, x: Tensor| norm.as_ref().map_or(Ok(x.clone()), |norm| norm.forward(&x));
        let ids = Tensor::from_slice(batch.ids(), batch.ids().len(), &Device::Cpu)?;
        let mut hidden = (self.words.index_select(&ids, 0)?.to_dtype(DType::F32)? * self.scale)?;
        for layer in &self.layers {
            let qkv = layer.query_key_value.forward(&layer.attention_in.forward(&hidden)?)?;
            let mixed = layer.project.forward(&layer.attention.forward(&qkv, batch.sequences())?)?;
            hidden = (hidden + after(&layer.attention_out, mixed)?)?;
            let wide = layer.feed_forward.forward(&layer.feed_forward_in.forward(&hidden)?)?;
            hidden = (hidden + after(&layer.feed_forward_out, wide)?)?;
        }
        Ok(self.norm.forward(&hidden)?)
    }
}
