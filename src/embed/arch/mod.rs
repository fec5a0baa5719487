//! The model: candle tensors, our kernels as candle operations.
//!
//! | module | families |
//! | --- | --- |
//! | `encoder` | BERT, RoBERTa, DistilBERT |
//! | `modernbert` | ModernBERT |
//! | `decoder` | Qwen3, Gemma 3 |
//! | `word_table` | static word vectors |
//!
//! `rotary` and `feed_forward` are the parts that ModernBERT and the decoders share; `dense` comes after the pooling. `weights` reads the file,
//! `scaled` what it holds as 8-bit integers.

mod decoder;
mod dense;
mod encoder;
mod feed_forward;
mod layers;
mod lookup;
mod modernbert;
mod norms;
mod rotary;
mod scaled;
mod weights;
mod word_table;

use std::collections::HashMap;

use candle_core::{CpuStorage, Device, Storage, Tensor, bail};

use crate::embed::EmbedError;
use crate::embed::batch::Ragged;
use crate::embed::source::ModelFiles;
use crate::embed::spec::{Family, Spec};
use crate::kernels::{Isa, Precision};

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
    /// Reads and packs the weights for an instruction-set level and a precision.
    ///
    /// # Errors
    /// When the weights are missing, damaged, or not those that the description asks for.
    pub fn load(files: &ModelFiles, spec: &Spec, isa: Isa, precision: Precision) -> Result<Self, EmbedError> {
        match spec.family {
            Family::Bert | Family::Roberta | Family::DistilBert => {
                encoder::Encoder::load(files, spec, isa, precision).map(Self::Bert)
            }
            Family::ModernBert => modernbert::ModernBert::load(files, spec, isa, precision).map(Self::ModernBert),
            Family::Qwen3 | Family::Gemma3 => decoder::Decoder::load(files, spec, isa).map(Self::Decoder),
            Family::Static => word_table::WordTable::load(files, spec).map(Self::Static),
        }
    }

    /// The vector of every token: [tokens, hidden], row-major. It depends on its own text alone.
    ///
    /// # Errors
    /// When candle refuses an operation: a text longer than the model's positions, or an id beyond its words.
    pub fn forward(&self, batch: &Ragged) -> Result<Tensor, EmbedError> {
        if batch.ids().is_empty() {
            return Ok(Tensor::from_slice(&[0f32; 0], (0, 1), &Device::Cpu)?);
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

/// Every tensor of a model's file, in floating-point numbers.
///
/// # Errors
/// When the weights are missing or damaged.
pub fn tensors(files: &ModelFiles) -> Result<HashMap<String, Tensor>, EmbedError> {
    weights::Weights::of_model(files)?.all()
}

/// Shows `read` the f32 of a contiguous tensor in memory, without copying them.
///
/// # Errors
/// When the tensor is another.
pub fn with_values<T>(tensor: &Tensor, read: impl FnOnce(&[f32]) -> T) -> candle_core::Result<T> {
    let (storage, layout) = tensor.storage_and_layout();
    match (&*storage, layout.contiguous_offsets()) {
        (Storage::Cpu(CpuStorage::F32(values)), Some((start, end))) => Ok(read(&values[start..end])),
        _ => bail!("expected contiguous f32 in memory"),
    }
}
