//! What this CPU can do, found out once, and how to ask for less.

use std::fmt;
use std::str::FromStr;

/// An instruction-set level, from the slowest to the fastest.
///
/// f32 is calculated alike on all levels of one vector width; what the others add is arithmetic on narrow numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// No instruction beyond the target's baseline.
    Portable,
    /// aarch64 Advanced SIMD: 4 lanes of f32.
    Neon,
    /// Advanced SIMD with dot products of int8 (`sdot`).
    NeonDot,
    /// x86-64 AVX2 with FMA: 8 lanes of f32.
    Avx2,
    /// AVX2 with dot products of int8 (AVX-VNNI).
    AvxVnni,
    /// x86-64 AVX-512 F and BW: 16 lanes of f32.
    Avx512,
    /// AVX-512 with dot products of int8 (VNNI).
    Avx512Vnni,
    /// AVX-512 VNNI with dot products of bf16.
    Avx512Bf16,
    /// AVX-512 with both, and with tiles of int8 and bf16 (AMX).
    Amx,
}

impl Level {
    /// Every level, from the slowest to the fastest.
    pub const ALL: [Level; 9] = [
        Level::Portable,
        Level::Neon,
        Level::NeonDot,
        Level::Avx2,
        Level::AvxVnni,
        Level::Avx512,
        Level::Avx512Vnni,
        Level::Avx512Bf16,
        Level::Amx,
    ];

    /// The name used on the command line and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Level::Portable => "portable",
            Level::Neon => "neon",
            Level::NeonDot => "neondot",
            Level::Avx2 => "avx2",
            Level::AvxVnni => "avxvnni",
            Level::Avx512 => "avx512",
            Level::Avx512Vnni => "avx512vnni",
            Level::Avx512Bf16 => "avx512bf16",
            Level::Amx => "amx",
        }
    }

    fn present(self) -> bool {
        match self {
            Level::Portable => true,
            #[cfg(target_arch = "aarch64")]
            Level::Neon => std::arch::is_aarch64_feature_detected!("neon"),
            #[cfg(target_arch = "aarch64")]
            Level::NeonDot => Level::Neon.present() && std::arch::is_aarch64_feature_detected!("dotprod"),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            Level::AvxVnni => Level::Avx2.present() && is_x86_feature_detected!("avxvnni"),
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => {
                Level::Avx2.present() && is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw")
            }
            #[cfg(target_arch = "x86_64")]
            Level::Avx512Vnni => Level::Avx512.present() && is_x86_feature_detected!("avx512vnni"),
            #[cfg(target_arch = "x86_64")]
            Level::Avx512Bf16 => Level::Avx512Vnni.present() && is_x86_feature_detected!("avx512bf16"),
            #[cfg(target_arch = "x86_64")]
            Level::Amx => Level::Avx512Bf16.present() && super::amx::present(),
            #[allow(unreachable_patterns, reason = "which levels fall here depends on the architecture")]
            _ => false,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no instruction-set level, or a level that this CPU lacks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IsaError {
    /// The name is unknown.
    #[error(
        "\"{0}\" is no instruction-set level: expected auto, portable, neon, neondot, avx2, avxvnni, avx512, avx512vnni, avx512bf16 or amx"
    )]
    Unknown(String),
    /// The CPU lacks the level.
    #[error("this CPU has no {wanted}: its best level is {best}")]
    Missing {
        /// The level asked for.
        wanted: Level,
        /// The best level there is.
        best: Level,
    },
}

/// A level that this CPU has been seen to have. Holding one is what makes calling the kernels safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Isa(Level);

impl Isa {
    /// The fastest level of this CPU.
    pub fn best() -> Self {
        Self(Level::ALL.into_iter().rev().find(|level| level.present()).unwrap_or(Level::Portable))
    }

    /// The given level, if this CPU has it.
    pub fn new(level: Level) -> Option<Self> {
        level.present().then_some(Self(level))
    }

    /// Every level of this CPU, from the slowest to the fastest.
    pub fn available() -> impl Iterator<Item = Self> {
        Level::ALL.into_iter().filter_map(Self::new)
    }

    /// A level that this CPU lacks, for tests that emulate what it adds.
    #[cfg(all(test, target_arch = "x86_64", target_os = "linux"))]
    pub(super) fn pretend(self, level: Level) -> Self {
        Self(level)
    }

    /// The level that this value stands for.
    pub fn level(self) -> Level {
        self.0
    }
}

impl FromStr for Isa {
    type Err = IsaError;

    fn from_str(name: &str) -> Result<Self, IsaError> {
        if name == "auto" {
            return Ok(Self::best());
        }
        let wanted = Level::ALL
            .into_iter()
            .find(|level| level.name() == name)
            .ok_or_else(|| IsaError::Unknown(name.to_owned()))?;
        Self::new(wanted).ok_or(IsaError::Missing { wanted, best: Self::best().level() })
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
