//! The gated feed-forward part (Shazeer 2020): `down(activation(gate(x)) * up(x))`, without biases.

use candle_core::{Result, Tensor};

use super::layers::Linear;
use super::weights::Weights;
use crate::embed::EmbedError;
use crate::embed::spec::Spec;
use crate::kernels::{Activation, Isa, Precision};

/// Three linear layers: [tokens, hidden] to the same.
pub(super) struct FeedForward {
    gate: Linear,
    up: Linear,
    down: Linear,
}

impl FeedForward {
    /// Packs `gate` and `up`: [intermediate, hidden], and `down`: [hidden, intermediate].
    pub(super) fn new(spec: &Spec, numbers: (Isa, Precision), gate: &[f32], up: &[f32], down: &[f32]) -> Self {
        Self {
            gate: Linear::new(numbers, gate, None, spec.hidden, spec.activation),
            up: Linear::new(numbers, up, None, spec.hidden, Activation::Identity),
            down: Linear::new(numbers, down, None, spec.intermediate, Activation::Identity),
        }
    }

    /// Reads layers of the names `gate_proj`, `up_proj` and `down_proj`, after `prefix`.
    pub(super) fn load(
        weights: &Weights<'_>,
        spec: &Spec,
        numbers: (Isa, Precision),
        prefix: &str,
    ) -> std::result::Result<Self, EmbedError> {
        let values = |name: &str, shape: [usize; 2]| weights.values(&format!("{prefix}.{name}.weight"), &shape);
        let wide = [spec.intermediate, spec.hidden];
        let (gate, up) = (values("gate_proj", wide)?, values("up_proj", wide)?);
        Ok(Self::new(spec, numbers, &gate, &up, &values("down_proj", [spec.hidden, spec.intermediate])?))
    }

    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.down.forward(&(self.gate.forward(x)? * self.up.forward(x)?)?)
    }
}
