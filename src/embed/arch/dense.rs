//! The linear layers that a model has over its pooled vector.

use candle_core::{Device, Tensor};
use ndarray::Array2;

use super::layers::Linear;
use super::weights::Weights;
use crate::embed::EmbedError;
use crate::embed::source::ModelFiles;
use crate::embed::spec::{Dense, Spec};
use crate::kernels::{Isa, Precision};

/// Loaded layers, in their order; most models have none.
pub struct DenseLayers {
    layers: Vec<Linear>,
}

impl DenseLayers {
    /// Reads and packs the weights, each from the folder of its layer.
    ///
    /// # Errors
    /// When weights are missing, damaged, or not those that the description asks for.
    pub fn load(files: &ModelFiles, spec: &Spec, isa: Isa) -> Result<Self, EmbedError> {
        let layer = |dense: &Dense| {
            let weights = Weights::of_module(files, &dense.folder)?;
            let matrix = weights.values("linear.weight", &[dense.rows, dense.columns])?;
            let bias = dense.bias.then(|| weights.values("linear.bias", &[dense.rows])).transpose()?;
            Ok(Linear::new((isa, Precision::F32), &matrix, bias.as_deref(), dense.columns, dense.activation))
        };
        Ok(Self { layers: spec.dense.iter().map(layer).collect::<Result<_, EmbedError>>()? })
    }

    /// Pooled vectors, one a row, to [texts, full_dims].
    ///
    /// # Errors
    /// When candle refuses an operation.
    pub fn forward(&self, pooled: Array2<f32>) -> Result<Array2<f32>, EmbedError> {
        if self.layers.is_empty() {
            return Ok(pooled);
        }
        let shape = pooled.dim();
        let mut x = Tensor::from_vec(pooled.into_iter().collect(), shape, &Device::Cpu)?;
        for layer in &self.layers {
            x = layer.forward(&x)?;
        }
        let shape = x.dims2()?;
        let values = x.flatten_all()?.to_vec1()?;
        Ok(Array2::from_shape_vec(shape, values).expect("a tensor has as many values as its shape says"))
    }
}
