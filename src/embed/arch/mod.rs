//! The transformer: candle tensors, our kernels as candle operations.

mod encoder;
mod layers;
mod weights;

pub use encoder::Encoder;
