//! The transformer: candle tensors, our kernels as candle operations.

mod encoder;
mod table;
mod weights;

use candle_core::{CpuStorage, Storage, Tensor, bail};

pub use encoder::Encoder;

/// Shows `read` the f32 of a contiguous tensor in memory, without copying them.
///
/// # Errors
/// When the tensor is another.
pub fn with_values<T>(tensor: &Tensor, read: impl FnOnce(&[f32]) -> T) -> candle_core::Result<T> {
    let (storage, layout) = tensor.storage_and_layout();
    match (&*storage, layout.contiguous_offsets()) {
        (Storage::Cpu(CpuStorage::F32(values)), Some((start, end))) => Ok(read(&values[start..end])),
        _ => bail!("expected contiguous f32 in memory"),
    }
}
