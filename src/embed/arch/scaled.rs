//! Matrices as 8-bit integers: the form in which small models are stored.
//!
//! ```text
//! value[row][column] = codes[row][column] * scales[row]
//! ```
//!
//! A tensor `NAME` of I8 has its scales in `NAME_scale`, one a row, as compressed-tensors writes them. The kernels' int8 weights
//! have the same scales, `greatest / 127`, so that nothing is lost between the file and the product.

use candle_core::{Device, Result, Tensor};

/// A matrix with a scale a row.
pub(super) struct ScaledRows {
    /// (rows, width), two's complement
    codes: Vec<u8>,
    /// (rows)
    scales: Vec<f32>,
    width: usize,
}

impl ScaledRows {
    /// `codes`, row-major, and the `scales` of its rows, of `width` each, which is not 0.
    pub(super) fn new(codes: &[u8], scales: Vec<f32>, width: usize) -> Self {
        debug_assert_eq!(codes.len(), scales.len() * width);
        Self { codes: codes.to_vec(), width, scales }
    }

    pub(super) fn rows(&self) -> usize {
        self.scales.len()
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Writes row `index`, which must exist, to `row`: (width).
    pub(super) fn copy(&self, index: usize, row: &mut [f32]) {
        let codes = &self.codes[index * self.width..(index + 1) * self.width];
        let scale = self.scales[index];
        row.iter_mut().zip(codes).for_each(|(value, &code)| *value = f32::from(code.cast_signed()) * scale);
    }

    /// The values: [rows, width].
    pub(super) fn to_tensor(&self) -> Result<Tensor> {
        let mut values = vec![0.0; self.codes.len()];
        values.chunks_exact_mut(self.width).enumerate().for_each(|(index, row)| self.copy(index, row));
        Tensor::from_vec(values, (self.rows(), self.width), &Device::Cpu)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_signed_and_rows_have_scales_of_their_own() {
        let rows = ScaledRows::new(&[1, 0xFF, 127, 0x81], vec![0.5, 2.0], 2);
        assert_eq!((rows.rows(), rows.width()), (2, 2));
        let values: Vec<Vec<f32>> = rows.to_tensor().unwrap().to_vec2().unwrap();
        assert_eq!(values, [[0.5, -0.5], [254.0, -254.0]]);
    }
}
