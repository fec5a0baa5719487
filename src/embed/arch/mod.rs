//! The model: candle tensors, our kernels as candle operations.
//!
//! | module | families |
//! | --- | --- |
//! | `encoder` | BERT, RoBERTa, DistilBERT |
//! | `modernbert` | ModernBERT |
//! | `decoder` | Qwen3, Gemma 3 |
//! | `word_table` | static word vectors |
//!
//! `rotary` and `feed_forward` are the parts that ModernBERT and the decoders share; `dense` comes after the pooling.

mod decoder;
mod dense;
mod encoder;
mod feed_forward;
mod layers;
mod modernbert;
mod norms;
mod rotary;
mod weights;
mod word_table;

use crate::embed::EmbedError;
use crate::embed::batch::Ragged;
use crate::embed::source::ModelFiles;
use crate::embed::spec::{Family, Spec};
use crate::kernels::Isa;

pub use dense::DenseLayers;

/// A loaded network of any family: token ids to token vectors.
pub enum Network {
    /// BERT, RoBERTa, DistilBERT.
    Bert(encoder::Encoder),
    /// ModernBERT.
    ModernBert(modernbert::ModernBert),
    /// Qwen3, Gemma 3.
    Decoder(decoder::Decoder),
    /// A table of word vectors.
    Static(word_table::WordTable),
}

impl Network {
    /// Reads and packs the weights for an instruction-set level.
    ///
    /// # Errors
    /// When the weights are missing, damaged, or not those that the description asks for.
    pub fn load(files: &ModelFiles, spec: &Spec, isa: Isa) -> Result<Self, EmbedError> {
        match spec.family {
            Family::Bert | Family::Roberta | Family::DistilBert => {
                encoder::Encoder::load(files, spec, isa).map(Self::Bert)
            }
            Family::ModernBert => modernbert::ModernBert::load(files, spec, isa).map(Self::ModernBert),
            Family::Qwen3 | Family::Gemma3 => decoder::Decoder::load(files, spec, isa).map(Self::Decoder),
            Family::Static => word_table::WordTable::load(files, spec).map(Self::Static),
        }
    }

    /// The vector of every token: [tokens, hidden], row-major. It depends on its own text alone.
    ///
    /// # Errors
    /// When candle refuses an operation: a text longer than the model's positions, or an id beyond its words.
    pub fn forward(&self, batch: &Ragged) -> Result<Vec<f32>, EmbedError> {
        if batch.ids().is_empty() {
            return Ok(Vec::new());
        }
        match self {
            Self::Bert(encoder) => encoder.forward(batch),
            Self::ModernBert(encoder) => encoder.forward(batch),
            Self::Decoder(decoder) => decoder.forward(batch),
            Self::Static(table) => table.forward(batch),
        }
    }
}

/// The attention of every layer of a rotary family.
fn rotary_layers(spec: &Spec) -> Result<Vec<rotary::RotaryAttention>, EmbedError> {
    let Some(rotary) = &spec.rotary else { unreachable!("the description of a rotary family has rotary attention") };
    Ok(rotary::RotaryAttention::layers(spec.heads, rotary, spec.max_tokens)?)
}
