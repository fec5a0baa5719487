//! The integration tests, in one binary.

/// The house rules, read off the sources.
mod architecture;
/// Vectors that are not made twice.
mod cache;
/// The command line as people and programs meet it.
mod cli;
/// Answers that are good: the fixtures' own truth, and the user's sample articles.
mod corpus;
/// Vectors against those of sentence-transformers.
mod golden;
/// Models of the hub, over HTTP against a hub on this machine.
mod hub;
/// What is measured: eval and bench.
mod measure;
/// Scores of pairs against those of sentence-transformers.
mod rerank;
/// Runs that are killed or interrupted, and gone on with.
mod resume;
/// The server: who is let in, what is refused, and that the others are answered.
#[cfg(feature = "server")]
mod serve;
/// Servers that are killed, or told to end.
#[cfg(feature = "server")]
mod serve_crash;
/// What these tests share.
mod support;
