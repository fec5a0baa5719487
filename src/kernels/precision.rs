//! The numbers that the layers of a model multiply.

use std::fmt;

/// The numbers that a matrix product multiplies. Sums, normalisations, softmax and pooling are in f32 whatever these are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Precision {
    /// 8-bit integers: weights with a scale an output channel, activations with a scale and a zero point a token, summed
    /// exactly in 32 bits.
    Int8,
    /// The upper half of an f32: its range, with 8 significant bits; summed in f32.
    Bf16,
    /// 32-bit floating point.
    F32,
}

impl Precision {
    /// Every precision, from the narrowest to the widest.
    pub const ALL: [Precision; 3] = [Precision::Int8, Precision::Bf16, Precision::F32];

    /// As it is written in reports and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Int8 => "int8",
            Self::Bf16 => "bf16",
            Self::F32 => "f32",
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
