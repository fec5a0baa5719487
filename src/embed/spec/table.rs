//! A table of word vectors: its layout, and its sizes, which only the weights state.

use std::collections::HashMap;

use serde::Deserialize;

use super::config::Architecture;
use super::{Family, wrong};
use crate::embed::EmbedError;
use crate::embed::source::{ModelFiles, WEIGHTS, within};
use crate::kernels::Activation;

/// Where word vectors are, and how they are looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableLayout {
    /// The folder of weights and tokenizer within the model's; empty where it is the model's.
    pub folder: String,
    /// The tensor of word vectors: [rows, width].
    pub tensor: &'static str,
    /// Its shape.
    pub shape: [usize; 2],
    /// Token ids, each with the row of its vector in the tensor `mapping`: as many as this. Row by row without it.
    pub mapped: Option<usize>,
    /// Whether the tensor `weights` has a factor a token id.
    pub weighted: bool,
    /// Whether the tokenizer's unknown token is left out, as Model2Vec does.
    pub skips_unknown: bool,
}

/// The tokens of a text that Model2Vec's `encode` takes, unless it is told otherwise.
const MODEL2VEC_TOKENS: usize = 512;

/// What the header of a safetensors file says of a tensor.
#[derive(Deserialize)]
struct Tensor {
    shape: Vec<usize>,
}

impl TableLayout {
    /// Reads the header of the weights in `folder`.
    pub(super) fn read(files: &ModelFiles, folder: &str, model2vec: bool) -> Result<Self, EmbedError> {
        let file = within(folder, WEIGHTS);
        let wrong = |what: String| wrong(files, &file, what);
        let bytes =
            files.get(&file).ok_or_else(|| wrong("is missing: only weights as safetensors are supported".into()))?;
        let damaged = || wrong("is damaged or cut short: fetch or copy it again".into());
        let tensors = header(bytes).ok_or_else(damaged)?;
        // sentence-transformers names its table as torch does, Model2Vec has a name of its own.
        for tensor in ["embedding.weight", "embeddings"] {
            let Some(found) = tensors.get(tensor) else { continue };
            let [rows, width] = found.shape[..] else {
                return Err(wrong(format!(
                    "the shape of \"{tensor}\" is {:?}: expected rows and columns",
                    found.shape
                )));
            };
            let own = |name: &str| tensors.get(name).filter(|_| tensor == "embeddings");
            return Ok(Self {
                folder: folder.to_owned(),
                tensor,
                shape: [rows, width],
                mapped: own("mapping").map(|mapping| mapping.shape.iter().product()),
                weighted: own("weights").is_some(),
                skips_unknown: model2vec,
            });
        }
        Err(wrong("holds no tensor \"embedding.weight\" or \"embeddings\": it is no table of word vectors".into()))
    }

    /// A transformer of no layers.
    pub(super) fn architecture(&self) -> Architecture {
        let [rows, hidden] = self.shape;
        Architecture {
            family: Family::Static,
            layers: 0,
            heads: 0,
            hidden,
            intermediate: 0,
            vocabulary: self.mapped.unwrap_or(rows),
            padding: None,
            activation: Activation::Identity,
            epsilon: 0.0,
            rotary: None,
            positions: if self.skips_unknown { MODEL2VEC_TOKENS } else { usize::MAX },
        }
    }
}

/// The tensors of a safetensors file by name: 8 bytes of length, then as many of JSON.
fn header(bytes: &[u8]) -> Option<HashMap<String, Tensor>> {
    let (length, rest) = bytes.split_first_chunk()?;
    let json = rest.get(..usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    let mut entries: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(json).ok()?;
    entries.remove("__metadata__");
    serde_json::from_value(entries.into()).ok()
}
