//! Static word vectors: StaticEmbedding of sentence-transformers, and Model2Vec (Tulkens and van Dongen 2024).
//!
//! ```text
//! vector of token t = embeddings[mapping[t]] * weights[t]
//! ```
//!
//! where Model2Vec may leave out the mapping, the weights, or both, and sentence-transformers knows neither.

use candle_core::{DType, Device, Tensor};

use super::weights::Weights;
use crate::embed::EmbedError;
use crate::embed::batch::Ragged;
use crate::embed::source::ModelFiles;
use crate::embed::spec::Spec;

/// A loaded table.
pub struct WordTable {
    /// (rows, width), in the type that the file has
    vectors: Tensor,
    /// The row of each token id; the id itself without it.
    rows: Option<Vec<u32>>,
    /// The factor of each token id: (vocabulary)
    factors: Option<Tensor>,
}

impl WordTable {
    pub(super) fn load(files: &ModelFiles, spec: &Spec) -> Result<Self, EmbedError> {
        let Some(table) = &spec.table else { unreachable!("static word vectors are described by a table") };
        let weights = Weights::of_module(files, &table.folder)?;
        let rows = table.mapped.map(|_| weights.numbers("mapping")).transpose()?;
        let factors = if table.weighted { Some(weights.values("weights", &[spec.vocabulary])?) } else { None };
        Ok(Self {
            vectors: weights.tensor(table.tensor, &table.shape)?,
            rows,
            factors: factors
                .map(|factors| Tensor::from_vec(factors, (spec.vocabulary, 1), &Device::Cpu))
                .transpose()?,
        })
    }

    pub(super) fn forward(&self, batch: &Ragged) -> Result<Tensor, EmbedError> {
        let ids = Tensor::from_slice(batch.ids(), batch.ids().len(), &Device::Cpu)?;
        let vectors = match &self.rows {
            None => self.vectors.index_select(&ids, 0)?,
            Some(rows) => {
                let rows: Vec<u32> = batch.ids().iter().map(|&id| rows[id as usize]).collect();
                self.vectors.index_select(&Tensor::new(rows, &Device::Cpu)?, 0)?
            }
        };
        let vectors = vectors.to_dtype(DType::F32)?;
        Ok(match &self.factors {
            Some(factors) => vectors.broadcast_mul(&factors.index_select(&ids, 0)?)?,
            None => vectors,
        })
    }
}
