//! A table of vectors, in the numbers that the model's file has: rows become f32 when they are looked up.

use std::ops::Deref;

use candle_core::{CpuStorage, DType, Result, Storage, Tensor, bail};
use half::slice::HalfFloatSliceExt;

use super::scaled::ScaledRows;

/// A table of shape [rows, width].
pub(super) enum Lookup {
    /// Floating-point numbers.
    Floats(Tensor),
    /// Integers with a scale a row.
    Scaled(ScaledRows),
}

impl Lookup {
    /// A table of `rows`: [rows, width].
    pub(super) fn new(rows: &Tensor) -> Result<Self> {
        Ok(Self::Floats(match rows.dtype() {
            DType::F32 | DType::F16 | DType::BF16 => rows.contiguous()?,
            _ => rows.to_dtype(DType::F32)?.contiguous()?,
        }))
    }

    /// The rows, for one pass.
    pub(super) fn open(&self) -> Result<OpenLookup<'_, impl Deref<Target = Storage>>> {
        Ok(match self {
            Self::Floats(rows) => {
                let (count, width) = rows.dims2()?;
                let (storage, layout) = rows.storage_and_layout();
                OpenLookup::Floats { storage, first: layout.start_offset(), rows: count, width }
            }
            Self::Scaled(rows) => OpenLookup::Scaled(rows),
        })
    }
}

/// A table that is being read.
pub(super) enum OpenLookup<'a, S> {
    Floats { storage: S, first: usize, rows: usize, width: usize },
    Scaled(&'a ScaledRows),
}

impl<S: Deref<Target = Storage>> OpenLookup<'_, S> {
    fn rows(&self) -> usize {
        match self {
            Self::Floats { rows, .. } => *rows,
            Self::Scaled(scaled) => scaled.rows(),
        }
    }

    /// Writes row `index` to `row`: (width).
    pub(super) fn copy(&self, index: u32, row: &mut [f32]) -> Result<()> {
        let index = index as usize;
        if index >= self.rows() {
            bail!("row {index} of a table of {}", self.rows());
        }
        let (storage, range) = match self {
            Self::Scaled(scaled) => {
                scaled.copy(index, row);
                return Ok(());
            }
            Self::Floats { storage, first, width, .. } => (storage, first + index * width..first + (index + 1) * width),
        };
        let Storage::Cpu(storage) = &**storage else { bail!("a table that is not in memory") };
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
