//! What a run knows of earlier ones: the cache of vectors, until it first fails.

use std::sync::{Mutex, PoisonError};

use crate::embed::Embedder;
use crate::embed::tokenize::Tokens;
use crate::store::{CacheError, CacheKeys, VectorCache};

/// The cache as all threads of a run share it. An error closes it, and is returned once: then nothing is known and nothing
/// kept, and the run goes on.
pub(super) struct Recall {
    cache: Mutex<Option<VectorCache>>,
    keys: CacheKeys,
    dims: usize,
}

impl Recall {
    pub(super) fn new(cache: Option<VectorCache>, embedder: &Embedder) -> Self {
        let spec = embedder.spec();
        let keys = CacheKeys::new(&spec.revision, &embedder.arithmetic());
        Self { cache: Mutex::new(cache), keys, dims: spec.dims }
    }

    /// The vectors of texts that were embedded before, and `None` for the others.
    pub(super) fn vectors<'a>(
        &self,
        texts: impl ExactSizeIterator<Item = &'a Tokens>,
    ) -> Result<Vec<Option<Vec<f32>>>, CacheError> {
        let nothing = vec![None; texts.len()];
        let known = self.ask(|cache| {
            let keys: Vec<_> = texts.map(|text| self.keys.of(&text.ids)).collect();
            cache.get(&keys, self.dims)
        })?;
        Ok(known.unwrap_or(nothing))
    }

    /// Keeps the vectors of texts that were embedded now.
    pub(super) fn keep<'a>(
        &self,
        embedded: impl Iterator<Item = (&'a Tokens, &'a Vec<f32>)>,
    ) -> Result<(), CacheError> {
        let rows = embedded.map(|(text, vector)| (self.keys.of(&text.ids), vector.as_slice()));
        self.ask(|cache| cache.put(rows)).map(|_| ())
    }

    fn ask<T>(&self, ask: impl FnOnce(&mut VectorCache) -> Result<T, CacheError>) -> Result<Option<T>, CacheError> {
        // A panic elsewhere ends the run; what it leaves of a transaction is rolled back.
        let mut held = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = held.as_mut().map(ask).transpose();
        if answer.is_err() {
            *held = None;
        }
        answer
    }
}
