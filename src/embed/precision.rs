//! The arithmetic of the forward pass.

use std::str::FromStr;

/// In what numbers the layers calculate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// 32-bit floating point.
    F32,
}

impl Precision {
    /// As it is written in reports and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
        }
    }
}

/// A name that is no precision.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no precision of this version: expected f32")]
pub struct PrecisionError(String);

impl FromStr for Precision {
    type Err = PrecisionError;

    fn from_str(name: &str) -> Result<Self, PrecisionError> {
        if name == Self::F32.name() { Ok(Self::F32) } else { Err(PrecisionError(name.to_owned())) }
    }
}
