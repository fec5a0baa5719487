//! A table of vectors, in the type that the model's file has: rows become f32 when they are looked up.

use std::ops::Deref;

use candle_core::{CpuStorage, DType, Result, Storage, Tensor, bail};
use half::slice::HalfFloatSliceExt;

/// A table of shape [rows, width].
pub(super) struct Lookup {
    rows: Tensor,
    width: usize,
}

impl Lookup {
    /// A table of `rows`: [rows, width].
    pub(super) fn new(rows: &Tensor) -> Result<Self> {
        let rows = match rows.dtype() {
            DType::F32 | DType::F16 | DType::BF16 => rows.contiguous()?,
            _ => rows.to_dtype(DType::F32)?.contiguous()?,
        };
        let width = rows.dim(1)?;
        Ok(Self { rows, width })
    }

    /// The rows, for one pass.
    pub(super) fn open(&self) -> OpenLookup<impl Deref<Target = Storage>> {
        let (storage, layout) = self.rows.storage_and_layout();
        OpenLookup { storage, first: layout.start_offset(), rows: layout.dims()[0], width: self.width }
    }
}

/// A table that is being read.
pub(super) struct OpenLookup<S> {
    storage: S,
    first: usize,
    rows: usize,
    width: usize,
}

impl<S: Deref<Target = Storage>> OpenLookup<S> {
    /// Writes row `index` to `row`: (width).
    pub(super) fn copy(&self, index: u32, row: &mut [f32]) -> Result<()> {
        let index = index as usize;
        if index >= self.rows {
            bail!("row {index} of a table of {}", self.rows);
        }
        let Storage::Cpu(storage) = &*self.storage else { bail!("a table that is not in memory") };
        let range = self.first + index * self.width..self.first + (index + 1) * self.width;
        match storage {
            CpuStorage::F32(values) => row.copy_from_slice(&values[range]),
            CpuStorage::F16(values) => values[range].convert_to_f32_slice(row),
            CpuStorage::BF16(values) => values[range].convert_to_f32_slice(row),
            other => {
                bail!("a table of {:?}, which is not supported", candle_core::backend::BackendStorage::dtype(other))
            }
        }
        Ok(())
    }
}
