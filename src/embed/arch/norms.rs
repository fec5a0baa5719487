//! Normalisations that leave their input alone, for layers that normalise before they calculate.

use candle_core::{CpuStorage, CustomOp1, Device, Layout, Result, Shape, Tensor};

use super::layers::values;
use super::weights::Weights;
use crate::embed::EmbedError;
use crate::kernels::Isa;
use crate::kernels::norm::{LayerNorm, add_layer_norm};

/// Layer normalisation without bias: [rows, width] to the same.
pub(super) struct PreNorm {
    isa: Isa,
    norm: LayerNorm,
}

impl PreNorm {
    pub(super) fn load(
        weights: &Weights<'_>,
        isa: Isa,
        name: &str,
        width: usize,
        epsilon: f32,
    ) -> std::result::Result<Self, EmbedError> {
        let weight = weights.values(&format!("{name}.weight"), &[width])?;
        Ok(Self { isa, norm: LayerNorm { weight, bias: vec![0.0; width], epsilon } })
    }

    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        x.apply_op1_no_bwd(self)
    }
}

impl CustomOp1 for PreNorm {
    fn name(&self) -> &'static str {
        "voisin-layer-norm"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let mut out = values(x, layout)?.to_vec();
        add_layer_norm(self.isa, &self.norm, None, &mut out, None);
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }
}

/// Division by the root mean square (Zhang and Sennrich 2019): [rows, width] to the same.
pub(super) struct RmsNorm {
    weight: Tensor,
    epsilon: f32,
}

impl RmsNorm {
    /// A normalisation whose weights are those of the file and `offset`: Gemma keeps what they are more than 1.
    pub(super) fn load(
        weights: &Weights<'_>,
        name: &str,
        width: usize,
        epsilon: f32,
        offset: f32,
    ) -> std::result::Result<Self, EmbedError> {
        let mut weight = weights.values(&format!("{name}.weight"), &[width])?;
        weight.iter_mut().for_each(|weight| *weight += offset);
        Ok(Self { weight: Tensor::from_vec(weight, width, &Device::Cpu)?, epsilon })
    }

    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        candle_nn::ops::rms_norm(x, &self.weight, self.epsilon)
    }
}
