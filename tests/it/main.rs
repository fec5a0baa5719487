//! The integration tests, in one binary.

/// Vectors against those of sentence-transformers.
mod golden;
