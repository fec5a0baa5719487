//! Which numbers the layers multiply: what a user asks for, and what that is on this machine.

use std::fmt;
use std::str::FromStr;

use super::EmbedError;
use super::spec::Spec;
use crate::kernels::{Isa, Level, Precision};

/// What was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    /// The fastest that is as good as f32 for search, on this machine and with this model: see [`Self::on`].
    #[default]
    Auto,
    /// This one.
    Exactly(Precision),
}

impl Wanted {
    /// The precision for a model on a level.
    ///
    /// With tiles, bf16 is bound by everything but its products, and loses nothing. Elsewhere int8 is 1.5 to 3 times as fast
    /// as f32 wherever there is an instruction for it; the encoders of the BERT family were measured to keep their quality in
    /// it (README), others were not.
    ///
    /// # Errors
    /// When the model's family does not run in the precision that is asked for.
    pub fn on(self, isa: Isa, spec: &Spec) -> Result<Precision, EmbedError> {
        let (family, level) = (spec.family, isa.level());
        match self {
            Self::Exactly(precision) if family.is_f32_only() && precision != Precision::F32 => {
                Err(EmbedError::Precision { model: spec.id.clone(), family: family.name(), precision })
            }
            Self::Exactly(precision) => Ok(precision),
            Self::Auto => Ok(match level {
                _ if family.is_f32_only() => Precision::F32,
                Level::Amx => Precision::Bf16,
                Level::Avx512Bf16 if !family.is_bert() => Precision::Bf16,
                Level::Portable | Level::Neon => Precision::F32,
                _ if family.is_bert() => Precision::Int8,
                _ => Precision::F32,
            }),
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Exactly(precision) => precision.fmt(f),
        }
    }
}

/// A name that is no precision.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no precision: expected auto, f32, bf16 or int8")]
pub struct PrecisionError(String);

impl FromStr for Wanted {
    type Err = PrecisionError;

    fn from_str(name: &str) -> Result<Self, PrecisionError> {
        if name == "auto" {
            return Ok(Self::Auto);
        }
        let precision = Precision::ALL.into_iter().find(|precision| precision.name() == name);
        precision.map(Self::Exactly).ok_or_else(|| PrecisionError(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_back() {
        for wanted in [Wanted::Auto].into_iter().chain(Precision::ALL.map(Wanted::Exactly)) {
            assert_eq!(wanted.to_string().parse(), Ok(wanted));
        }
        assert_eq!("fp8".parse::<Wanted>(), Err(PrecisionError("fp8".into())));
    }
}
