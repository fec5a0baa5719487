//! Our kernels as candle operations on tensors of shape [tokens, width].

use std::cell::RefCell;

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};

use crate::kernels::gemm::{PackedMatrix, linear};
use crate::kernels::rows::Rows;
use crate::kernels::{Activation, Isa, Precision};

/// The contiguous f32 values of a tensor.
pub(super) fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&storage.as_slice::<f32>()?[start..end]),
        None => bail!("the kernels ask for contiguous tensors"),
    }
}

/// `activation(x · Wᵀ + b)`, weights packed once.
pub(super) struct Linear {
    isa: Isa,
    precision: Precision,
    matrix: PackedMatrix,
    activation: Activation,
}

thread_local! {
    /// Room for the rounded input of the layer that a thread calculates.
    static INPUT: RefCell<Option<Rows>> = const { RefCell::new(None) };
}

impl Linear {
    /// A layer of `matrix`, [rows, columns] row-major, and `bias`, [rows].
    pub(super) fn new(
        (isa, precision): (Isa, Precision),
        matrix: &[f32],
        bias: Option<&[f32]>,
        columns: usize,
        activation: Activation,
    ) -> Self {
        let matrix = PackedMatrix::new(isa, precision, matrix, bias, matrix.len() / columns, columns);
        Self { isa, precision, matrix, activation }
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
        let x = values(storage, layout)?;
        let mut out = vec![0.0; rows * self.matrix.n()];
        INPUT.with_borrow_mut(|kept| {
            kept.take_if(|kept| (kept.isa(), kept.precision()) != (self.isa, self.precision));
            let input = kept.get_or_insert_with(|| Rows::new(self.isa, self.precision));
            input.fill(x, columns);
            linear(input, &self.matrix, self.activation, &mut out);
        });
        Ok((CpuStorage::F32(out), (rows, self.matrix.n()).into()))
    }
}
