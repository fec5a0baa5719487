//! The layers that a model has over its pooled vector: those of its modules, or the head of a cross-encoder.

use candle_core::{Device, Tensor};
use ndarray::Array2;

use super::layers::Linear;
use super::norms::PreNorm;
use super::weights::Weights;
use crate::embed::EmbedError;
use crate::embed::source::ModelFiles;
use crate::embed::spec::{Dense, Family, Head, Spec};
use crate::kernels::{Activation, Isa, Precision};

/// Loaded layers, in their order; most models have none.
pub struct DenseLayers {
    layers: Vec<Layer>,
}

enum Layer {
    Linear(Linear),
    Norm(PreNorm),
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
            let layer = Linear::new((isa, Precision::F32), &matrix, bias.as_deref(), dense.columns, dense.activation);
            Ok(Layer::Linear(layer))
        };
        Ok(Self { layers: spec.dense.iter().map(layer).collect::<Result<_, EmbedError>>()? })
    }

    /// Reads and packs the head of a cross-encoder, which is among the model's weights under the names of its family.
    ///
    /// # Errors
    /// When weights are missing, damaged, or not those that the description asks for.
    pub fn head(files: &ModelFiles, spec: &Spec, head: &Head, isa: Isa) -> Result<Self, EmbedError> {
        let weights = Weights::of_model(files)?;
        let linear = |name: &str, rows: usize, bias: bool, activation: Activation| {
            let matrix = weights.values(&format!("{name}.weight"), &[rows, spec.hidden])?;
            let bias = bias.then(|| weights.values(&format!("{name}.bias"), &[rows])).transpose()?;
            let layer = Linear::new((isa, Precision::F32), &matrix, bias.as_deref(), spec.hidden, activation);
            Ok::<_, EmbedError>(Layer::Linear(layer))
        };
        let (first, norm, last) = match spec.family {
            Family::Roberta => ("classifier.dense", None, "classifier.out_proj"),
            Family::DistilBert => ("pre_classifier", None, "classifier"),
            Family::ModernBert => ("head.dense", Some("head.norm"), "classifier"),
            _ => ("bert.pooler.dense", None, "classifier"),
        };
        let mut layers = vec![linear(first, spec.hidden, head.bias, head.activation)?];
        if let Some(norm) = norm {
            layers.push(Layer::Norm(PreNorm::load(&weights, isa, norm, spec.hidden, spec.epsilon)?));
        }
        layers.push(linear(last, head.scoring.labels(), true, Activation::Identity)?);
        Ok(Self { layers })
    }

    /// Pooled vectors, one a row, to [texts, full_dims]; by a head, to [texts, labels].
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
            x = match layer {
                Layer::Linear(linear) => linear.forward(&x)?,
                Layer::Norm(norm) => norm.forward(&x)?,
            };
        }
        let shape = x.dims2()?;
        let values = x.flatten_all()?.to_vec1()?;
        Ok(Array2::from_shape_vec(shape, values).expect("a tensor has as many values as its shape says"))
    }
}
