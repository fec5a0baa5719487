//! The integration tests, in one binary.

/// Vectors against those of sentence-transformers.
mod golden;
/// Models of the hub, over HTTP against a hub on this machine.
mod hub;
