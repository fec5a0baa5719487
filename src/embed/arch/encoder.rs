//! The encoder of the BERT family on ragged batches.
//!
//! BERT, RoBERTa (with CamemBERT and XLM-RoBERTa) and DistilBERT are one architecture under different tensor names:
//! post-normalised layers of self-attention and a feed-forward part (Devlin et al. 2019; Liu et al. 2019; Sanh et al.
//! 2019). [`Names`] holds what differs.

use candle_core::{DType, Device, Tensor};

use super::layers::{Attention, Linear, Norm};
use super::weights::Weights;
use crate::embed::EmbedError;
use crate::embed::batch::Ragged;
use crate::embed::source::ModelFiles;
use crate::embed::spec::{Family, Spec};
use crate::kernels::{Activation, Isa};

/// The tensor names of a family, within a layer unless they say otherwise.
struct Names {
    layer: &'static str,
    query_key_value: [&'static str; 3],
    attention_out: &'static str,
    attention_norm: &'static str,
    up: &'static str,
    down: &'static str,
    out_norm: &'static str,
    token_types: bool,
}

const BERT: Names = Names {
    layer: "encoder.layer",
    query_key_value: ["attention.self.query", "attention.self.key", "attention.self.value"],
    attention_out: "attention.output.dense",
    attention_norm: "attention.output.LayerNorm",
    up: "intermediate.dense",
    down: "output.dense",
    out_norm: "output.LayerNorm",
    token_types: true,
};

const DISTILBERT: Names = Names {
    layer: "transformer.layer",
    query_key_value: ["attention.q_lin", "attention.k_lin", "attention.v_lin"],
    attention_out: "attention.out_lin",
    attention_norm: "sa_layer_norm",
    up: "ffn.lin1",
    down: "ffn.lin2",
    out_norm: "output_layer_norm",
    token_types: false,
};

struct Layer {
    query_key_value: Linear,
    attention_out: Linear,
    attention_norm: Norm,
    up: Linear,
    down: Linear,
    out_norm: Norm,
}

/// A loaded encoder.
pub struct Encoder {
    isa: Isa,
    heads: usize,
    padding: Option<u32>,
    /// (vocabulary, dims), in the type that the file has: rows become f32 when they are looked up
    words: Tensor,
    /// (positions, dims), f32; the token type of a single text is added in
    positions: Tensor,
    norm: Norm,
    layers: Vec<Layer>,
}

impl Encoder {
    /// Reads and packs the weights for an instruction-set level.
    ///
    /// # Errors
    /// When the weights are missing, damaged, or not those that the configuration describes.
    pub fn load(files: &ModelFiles, spec: &Spec, isa: Isa) -> Result<Self, EmbedError> {
        let names = match spec.family {
            Family::DistilBert => DISTILBERT,
            _ => BERT,
        };
        let dims = spec.hidden;
        let weights = Weights::load(files, "embeddings.word_embeddings.weight")?;
        let words = weights.tensor("embeddings.word_embeddings.weight", &[spec.vocabulary, dims])?;
        let rows = spec.max_tokens + spec.padding.map_or(0, |padding| padding as usize + 1);
        let positions = weights.leading_rows("embeddings.position_embeddings.weight", rows, dims)?;
        let positions = if names.token_types {
            let first = weights.leading_rows("embeddings.token_type_embeddings.weight", 1, dims)?;
            positions.broadcast_add(&first)?
        } else {
            positions
        };
        let norm = |name: &str| Norm::load(&weights, isa, name, dims, spec.epsilon);
        let layer = |index: usize| {
            let within = |name: &str| format!("{}.{index}.{name}", names.layer);
            let linear =
                |name: &str, shape, activation| Linear::load(&weights, isa, &[within(name)], shape, activation);
            Ok(Layer {
                query_key_value: Linear::load(
                    &weights,
                    isa,
                    &names.query_key_value.map(within),
                    (dims, dims),
                    Activation::Identity,
                )?,
                attention_out: linear(names.attention_out, (dims, dims), Activation::Identity)?,
                attention_norm: norm(&within(names.attention_norm))?,
                up: linear(names.up, (spec.intermediate, dims), spec.activation)?,
                down: linear(names.down, (dims, spec.intermediate), Activation::Identity)?,
                out_norm: norm(&within(names.out_norm))?,
            })
        };
        Ok(Self {
            isa,
            heads: spec.heads,
            padding: spec.padding,
            words,
            positions,
            norm: norm("embeddings.LayerNorm")?,
            layers: (0..spec.layers).map(layer).collect::<Result<_, EmbedError>>()?,
        })
    }

    /// The last hidden state of every token: [tokens, dims], row-major.
    ///
    /// # Errors
    /// When candle refuses an operation: a text longer than the model's positions, or an id beyond its words.
    pub fn forward(&self, batch: &Ragged) -> Result<Vec<f32>, EmbedError> {
        let tokens = batch.ids().len();
        if tokens == 0 {
            return Ok(Vec::new());
        }
        let ids = Tensor::from_slice(batch.ids(), tokens, &Device::Cpu)?;
        let positions = Tensor::from_vec(self.position_ids(batch), tokens, &Device::Cpu)?;
        let words = self.words.index_select(&ids, 0)?.to_dtype(DType::F32)?;
        let attention = Attention::new(self.isa, self.heads, batch.sequences());

        let mut hidden = self.norm.forward(words, &self.positions.index_select(&positions, 0)?)?;
        for layer in &self.layers {
            let mixed = attention.forward(&layer.query_key_value.forward(&hidden)?)?;
            let mixed = layer.attention_norm.forward(layer.attention_out.forward(&mixed)?, &hidden)?;
            let wide = layer.up.forward(&mixed)?;
            hidden = layer.out_norm.forward(layer.down.forward(&wide)?, &mixed)?;
        }
        Ok(hidden.flatten_all()?.to_vec1()?)
    }

    /// The row of the position table of every token: counted from 0, or from after the padding id, where a literal
    /// padding token keeps that id as its position and is not counted.
    fn position_ids(&self, batch: &Ragged) -> Vec<u32> {
        let mut positions = Vec::with_capacity(batch.ids().len());
        for sequence in batch.sequences() {
            let mut next = self.padding.map_or(0, |padding| padding + 1);
            for &id in &batch.ids()[sequence.clone()] {
                if self.padding == Some(id) {
                    positions.push(id);
                } else {
                    positions.push(next);
                    next += 1;
                }
            }
        }
        positions
    }
}
