//! ModernBERT (Warner et al. 2024) on ragged batches: pre-normalised layers of rotary attention and a gated feed-forward
//! part, none of them with biases. Most layers look through a window; the first has its normalisation in the embeddings.

use candle_core::{DType, Device, Tensor};

use super::feed_forward::FeedForward;
use super::layers::Linear;
use super::norms::PreNorm;
use super::rotary::RotaryAttention;
use super::weights::Weights;
use crate::embed::EmbedError;
use crate::embed::batch::Ragged;
use crate::embed::source::ModelFiles;
use crate::embed::spec::Spec;
use crate::kernels::{Activation, Isa, Precision};

struct Layer {
    /// The first layer has none.
    attention_norm: Option<PreNorm>,
    query_key_value: Linear,
    attention: RotaryAttention,
    attention_out: Linear,
    norm: PreNorm,
    feed_forward: FeedForward,
}

/// A loaded encoder.
pub struct ModernBert {
    /// (vocabulary, hidden), in the type that the file has
    words: Tensor,
    norm: PreNorm,
    layers: Vec<Layer>,
    final_norm: PreNorm,
}

impl ModernBert {
    pub(super) fn load(files: &ModelFiles, spec: &Spec, isa: Isa, precision: Precision) -> Result<Self, EmbedError> {
        const WORDS: &str = "embeddings.tok_embeddings.weight";
        let weights = Weights::load(files, WORDS)?;
        let (hidden, inner) = (spec.hidden, spec.intermediate);
        let norm = |name: &str| PreNorm::load(&weights, isa, name, hidden, spec.epsilon);
        let layer = |(index, attention): (usize, RotaryAttention)| {
            let within = |name: &str| format!("layers.{index}.{name}");
            let linear = |name: &str, rows: usize| -> Result<Linear, EmbedError> {
                let matrix = weights.values(&format!("{}.weight", within(name)), &[rows, hidden])?;
                Ok(Linear::new((isa, precision), &matrix, None, hidden, Activation::Identity))
            };
            // Input and gate, one after the other.
            let both = weights.values(&within("mlp.Wi.weight"), &[2 * inner, hidden])?;
            let (input, gate) = both.split_at(inner * hidden);
            let down = weights.values(&within("mlp.Wo.weight"), &[hidden, inner])?;
            Ok(Layer {
                attention_norm: (index > 0).then(|| norm(&within("attn_norm"))).transpose()?,
                query_key_value: linear("attn.Wqkv", 3 * hidden)?,
                attention,
                attention_out: linear("attn.Wo", hidden)?,
                norm: norm(&within("mlp_norm"))?,
                feed_forward: FeedForward::new(spec, (isa, precision), input, gate, &down),
            })
        };
        let attention = super::rotary_layers(spec)?;
        Ok(Self {
            words: weights.tensor(WORDS, &[spec.vocabulary, hidden])?,
            norm: norm("embeddings.norm")?,
            layers: attention.into_iter().enumerate().map(layer).collect::<Result<_, EmbedError>>()?,
            final_norm: norm("final_norm")?,
        })
    }

    pub(super) fn forward(&self, batch: &Ragged) -> Result<Tensor, EmbedError> {
        let ids = Tensor::from_slice(batch.ids(), batch.ids().len(), &Device::Cpu)?;
        let words = self.words.index_select(&ids, 0)?.to_dtype(DType::F32)?;
        let mut hidden = self.norm.forward(&words)?;
        for layer in &self.layers {
            let normed = layer.attention_norm.as_ref().map_or(Ok(hidden.clone()), |norm| norm.forward(&hidden))?;
            let mixed = layer.attention.forward(&layer.query_key_value.forward(&normed)?, batch.sequences())?;
            hidden = (hidden + layer.attention_out.forward(&mixed)?)?;
            let wide = layer.feed_forward.forward(&layer.norm.forward(&hidden)?)?;
            hidden = (hidden + wide)?;
        }
        Ok(self.final_norm.forward(&hidden)?)
    }
}
