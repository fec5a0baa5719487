//! Hand-written vector arithmetic: the only room of the house with `unsafe`.
//!
//! | operation | module | used for |
//! | --- | --- | --- |
//! | `x · Wᵀ + bias`, then an activation | [`gemm`], with tiles `amx` | every linear layer, both products of attention |
//! | f32 rounded to the input of a product | [`rows`] | what goes from one layer to the next |
//! | attention over ragged sequences | [`attention`] | the encoder's self-attention |
//! | layer normalisation, with residual | [`norm`] | the encoder |
//! | activation functions | [`activation`] | fused into the epilogue of `gemm` |
//! | inner product | [`dot`] | the order of what a search found |
//! | inner product of int8 | [`codes`] | finding it |
//! | a file as numbers | [`mapped`] | the vectors of a store |
//! | multiply-adds on registers | [`peak`] | the ceiling that `voisin bench` compares with |
//!
//! Each operation is written once, over the small vector trait of `simd` and over `arith`, which says how a level multiplies
//! numbers of a [`Precision`], and instantiated for every level that [`cpu::Isa`] knows: an `Isa` can only be had for a level that this CPU has, so holding one is the proof that the
//! instantiation may run, and the functions that take one are safe.
//!
//! **Order of summation.** Every output element is summed in an order that depends on the shape of its own row and on
//! the level alone, never on the number of rows beside it. The same text therefore gives the same bits whatever its
//! neighbours in a batch. Levels differ from each other by rounding.
//!
//! `README.md` beside this file has what each kernel reaches, and what limits it.

/// Counts changes of the kernels that change bits of their results: vectors made before are then others.
pub const ARITHMETIC: u32 = 1;

pub mod activation;
pub mod aligned;
#[cfg(target_arch = "x86_64")]
mod amx;
mod arith;
pub mod attention;
pub mod codes;
pub mod cpu;
pub mod dot;
pub mod gemm;
pub mod mapped;
pub mod norm;
pub mod peak;
mod precision;
pub mod rows;
mod simd;
#[cfg(test)]
mod tests;

pub use activation::Activation;
pub use cpu::{Isa, Level};
pub use precision::Precision;
