//! Our kernels as candle operations on tensors of shape [tokens, width].

use std::cell::RefCell;
use std::ops::Range;

use candle_core::{CpuStorage, CustomOp1, InplaceOp2, Layout, Result, Shape, Tensor, bail};

use super::weights::Weights;
use crate::embed::EmbedError;
use crate::kernels::attention::{AttentionScratch, attention};
use crate::kernels::gemm_f32::{PackedMatrix, linear};
use crate::kernels::norm::{LayerNorm, add_layer_norm};
use crate::kernels::{Activation, Isa};

/// The contiguous f32 values of a tensor.
pub(super) fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&storage.as_slice::<f32>()?[start..end]),
        None => bail!("the kernels ask for contiguous tensors"),
    }
}

/// `activation(x · Wᵀ + b)`, weights packed once.
pub(super) struct Linear {
    matrix: PackedMatrix,
    activation: Activation,
}

impl Linear {
    /// A layer whose rows are those of the layers `names` one after the other: [names.len() * rows, columns].
    pub(super) fn load(
        weights: &Weights,
        isa: Isa,
        names: &[String],
        (rows, columns): (usize, usize),
        activation: Activation,
    ) -> std::result::Result<Self, EmbedError> {
        let (mut matrix, mut bias) = (Vec::new(), Vec::new());
        for name in names {
            matrix.extend(weights.values(&format!("{name}.weight"), &[rows, columns])?);
            bias.extend(weights.values(&format!("{name}.bias"), &[rows])?);
        }
        Ok(Self::new(isa, &matrix, Some(&bias), columns, activation))
    }

    /// A layer of `matrix`, [rows, columns] row-major, and `bias`, [rows].
    pub(super) fn new(isa: Isa, matrix: &[f32], bias: Option<&[f32]>, columns: usize, activation: Activation) -> Self {
        let matrix = PackedMatrix::new(isa, matrix, bias, matrix.len() / columns, columns);
        Self { matrix, activation }
    }

    /// `x`: [tokens, columns] to [tokens, rows].
    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        x.apply_op1_no_bwd(self)
    }
}

impl CustomOp1 for Linear {
    fn name(&self) -> &'static str {
        "voisin-linear"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (rows, columns) = layout.shape().dims2()?;
        if columns != self.matrix.k() {
            bail!("a linear layer of {} columns was given {columns}", self.matrix.k());
        }
        let mut out = vec![0.0; rows * self.matrix.n()];
        linear(values(storage, layout)?, &self.matrix, self.activation, &mut out);
        Ok((CpuStorage::F32(out), (rows, self.matrix.n()).into()))
    }
}

/// Layer normalisation, alone or after a residual sum.
pub(super) struct Norm {
    isa: Isa,
    norm: LayerNorm,
}

impl Norm {
    pub(super) fn load(
        weights: &Weights,
        isa: Isa,
        name: &str,
        width: usize,
        epsilon: f32,
    ) -> std::result::Result<Self, EmbedError> {
        let weight = weights.values(&format!("{name}.weight"), &[width])?;
        let bias = weights.values(&format!("{name}.bias"), &[width])?;
        Ok(Self { isa, norm: LayerNorm { weight, bias, epsilon } })
    }

    /// `x = normalise(x + residual)`, in place; `x` must own its storage alone.
    pub(super) fn forward(&self, x: Tensor, residual: &Tensor) -> Result<Tensor> {
        x.inplace_op2(residual, self)?;
        Ok(x)
    }
}

impl InplaceOp2 for Norm {
    fn name(&self) -> &'static str {
        "voisin-add-layer-norm"
    }

    fn cpu_fwd(&self, x: &mut CpuStorage, layout: &Layout, residual: &CpuStorage, other: &Layout) -> Result<()> {
        let Some((start, end)) = layout.contiguous_offsets() else { bail!("the kernels ask for contiguous tensors") };
        let CpuStorage::F32(rows) = x else { bail!("the kernels ask for f32 tensors") };
        add_layer_norm(self.isa, &self.norm, Some(values(residual, other)?), &mut rows[start..end]);
        Ok(())
    }
}

/// Self-attention within each of `sequences`: [tokens, 3 * width] to [tokens, width].
pub(super) struct Attention<'a> {
    isa: Isa,
    heads: usize,
    sequences: &'a [Range<usize>],
    scratch: RefCell<AttentionScratch>,
}

impl<'a> Attention<'a> {
    /// Attention for one batch, with scratch that its layers share.
    pub(super) fn new(isa: Isa, heads: usize, sequences: &'a [Range<usize>]) -> Self {
        Self { isa, heads, sequences, scratch: RefCell::default() }
    }

    pub(super) fn forward(&self, qkv: &Tensor) -> Result<Tensor> {
        qkv.apply_op1_no_bwd(self)
    }
}

impl CustomOp1 for Attention<'_> {
    fn name(&self) -> &'static str {
        "voisin-attention"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (rows, columns) = layout.shape().dims2()?;
        if columns % 3 != 0 {
            bail!("attention was given {columns} columns, which are not three times a width");
        }
        let hidden = columns / 3;
        let mut out = vec![0.0; rows * hidden];
        let scratch = &mut self.scratch.borrow_mut();
        attention(self.isa, values(storage, layout)?, self.sequences, (self.heads, hidden), &mut out, scratch);
        Ok((CpuStorage::F32(out), (rows, hidden).into()))
    }
}
