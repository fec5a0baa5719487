//! voisin: semantic search and near-duplicates for French news, offline, on the CPU.
//!
//! The way of an article, room by room:
//!
//! ```text
//! files ─ ingest::read ─▶ Article ─ text, chunk ─▶ passages ─ embed ─▶ vectors ─▶ store (the truth) ─▶ index (views)
//! question ─ embed ─▶ vector ─ index ─▶ passages ─ search ─▶ hits          store ─ dedup ─▶ pairs, groups
//! ```
//!
//! [`engine::Engine`] is the way in for programs; the binary is [`cli`]. Embeddings are `ndarray::Array2<f32>`:
//!
//! ```
//! # #[cfg(feature = "bundled-model")] {
//! use voisin::embed::precision::Wanted;
//! use voisin::embed::source::{ModelFiles, ModelRef};
//! use voisin::embed::{Embedder, Passage, Query, QueryEmbedder};
//! use voisin::kernels::Isa;
//!
//! let model = Embedder::load(&ModelFiles::open(&ModelRef::Bundled, true)?, Isa::best(), Wanted::Auto)?;
//! let passages = model.embed_passages(&[Passage("Le train repart."), Passage("La crue monte.")], 1)?;
//! let query = model.embed_query(Query("inondation"))?;
//! let scores = passages.dot(&query);
//! assert!(scores[1] > scores[0]);
//! # }
//! # Ok::<(), voisin::embed::EmbedError>(())
//! ```

pub mod bench;
pub mod chunk;
pub mod cli;
pub mod dedup;
pub mod doctor;
pub mod embed;
pub mod engine;
pub mod eval;
pub mod index;
pub mod ingest;
pub mod kernels;
pub mod lexical;
pub mod search;
#[cfg(feature = "server")]
pub mod server;
pub mod store;
pub mod text;
pub mod types;
pub mod verify;
pub mod wire;
