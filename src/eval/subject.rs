//! The model under evaluation.

use std::time::Instant;

use ndarray::Array2;

use super::{EvalError, Metric, Row};
use crate::embed::batch::share;
use crate::embed::spec::Role;
use crate::embed::{Embedder, pooling};
use crate::store::ModelIdentity;
use crate::text::analysis_form;

/// A model, and how many threads may run it.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The model.
    pub embedder: &'a Embedder,
    /// Its identity.
    pub identity: &'a ModelIdentity,
    /// Threads that embed.
    pub workers: usize,
}

/// Vectors of unit length, one a text: [texts, dims].
pub struct Embedded {
    /// The vectors.
    pub vectors: Array2<f32>,
    /// Texts that were longer than the model's limit and were cut there.
    pub cut: usize,
}

impl Subject<'_> {
    /// Embeds texts just as `voisin index` and `voisin search` do, by their role.
    ///
    /// # Errors
    /// When the model fails.
    pub fn embed<'t>(&self, texts: impl IntoIterator<Item = &'t str>, role: Role) -> Result<Embedded, EvalError> {
        let texts: Vec<&str> = texts.into_iter().collect();
        let tokens = share(&texts, self.workers, |text| self.embedder.tokenize(&analysis_form(text), role))?;
        let cut = tokens.iter().filter(|tokens| tokens.dropped > 0).count();
        let mut vectors = self.embedder.embed_all(&tokens, self.workers)?;
        pooling::normalise(&mut vectors);
        Ok(Embedded { vectors, cut })
    }

    /// Cosines of pairs of texts, and how many texts were cut.
    ///
    /// Both sides take the model's prompt for queries, as models that have prompts ask for where the sides are alike.
    ///
    /// # Errors
    /// When the model fails.
    pub fn cosines<'t>(
        &self,
        pairs: impl IntoIterator<Item = (&'t str, &'t str)>,
    ) -> Result<(Vec<f64>, usize), EvalError> {
        let texts = pairs.into_iter().flat_map(|(a, b)| [a, b]);
        let embedded = self.embed(texts, Role::Query)?;
        let cosine = |pair: usize| {
            let (a, b) = (embedded.vectors.row(2 * pair), embedded.vectors.row(2 * pair + 1));
            a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
        };
        Ok(((0..embedded.vectors.nrows() / 2).map(cosine).collect(), embedded.cut))
    }

    /// A row of this model; `start` is when reading the data began.
    pub fn row(&self, task: &str, data: &str, n: usize, metrics: Vec<Metric>, start: Instant) -> Row {
        let (id, spec) = (&self.identity.id, self.embedder.spec());
        let cut = if spec.dims < spec.full_dims { format!(" --dims {}", spec.dims) } else { String::new() };
        Row {
            task: task.to_owned(),
            data: data.to_owned(),
            mode: None,
            model: format!("{id}{cut}"),
            precision: self.embedder.precision().name().to_owned(),
            n,
            metrics,
            cut_texts: 0,
            notes: Vec::new(),
            seconds: start.elapsed().as_secs_f64(),
        }
    }
}
