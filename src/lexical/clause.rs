//! What a query looks for, one thing in one field at a time, and what finding it is worth.
//!
//! The score of an article is the sum of its shares of all clauses, in their order: so it does not depend on where an
//! article lies, and its explanation adds up. Each share is BM25 as tantivy computes it (k1 1.2, b 0.75), times the weight
//! of the clause.

use tantivy::query::{EnableScoring, PhraseQuery, Query, TermQuery, Weight};
use tantivy::schema::{Field, IndexRecordOption};

use super::document::{Fields, place};
use super::question::{Asked, phrase};
use super::{Phrase, TermKind};
use crate::store;

/// What finding a word is worth, by field: measured on French questions, titles and abstracts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weights {
    /// Of stems: title, body.
    pub(super) stems: [f32; 2],
    /// Of exact forms.
    pub(super) exact: [f32; 2],
    /// Of names.
    pub(super) names: f32,
    /// Of two words of the query next to each other, by their stems.
    pub(super) pairs: [f32; 2],
    /// Of what is between quotation marks.
    pub(super) phrases: f32,
}

impl Default for Weights {
    fn default() -> Self {
        Self { stems: [1.0, 1.0], exact: [0.3, 0.3], names: 0.3, pairs: [0.2, 0.2], phrases: 1.0 }
    }
}

/// One thing to look for in one field.
pub(super) struct Clause {
    pub(super) term: String,
    pub(super) kind: TermKind,
    pub(super) field: store::Field,
    pub(super) weight: f32,
    pub(super) query: Box<dyn Query>,
}

impl Clause {
    /// What scores documents by this clause.
    pub(super) fn scoring(&self, with: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        self.query.weight(with)
    }
}

const FIELDS: [store::Field; 2] = [store::Field::Title, store::Field::Body];

/// What to look for, for the words of a query and for the phrases that must occur.
pub(super) fn clauses(fields: &Fields, weights: &Weights, asked: &[Asked], required: &[Phrase]) -> Vec<Clause> {
    let mut clauses = Vec::new();
    for word in asked {
        let times = word.times as f32;
        let mut push = |kind, field, weight: f32, query| {
            if weight > 0.0 {
                clauses.push(Clause { term: word.form.clone(), kind, field, weight: weight * times, query });
            }
        };
        for field in FIELDS {
            let at = place(field);
            for stem in &word.stems {
                push(TermKind::Stem, field, weights.stems[at], term(fields.stems[at], stem));
            }
            push(TermKind::Exact, field, weights.exact[at], term(fields.exact[at], &word.form));
        }
        for name in &word.names {
            push(TermKind::Name, store::Field::Body, weights.names, term(fields.names, name));
        }
    }
    for pair in asked.windows(2) {
        for field in FIELDS {
            let at = place(field);
            let weight = weights.pairs[at];
            if weight > 0.0 {
                let forms = [pair[0].stems[0].clone(), pair[1].stems[0].clone()];
                clauses.push(Clause {
                    term: format!("{} {}", pair[0].form, pair[1].form),
                    kind: TermKind::Phrase,
                    field,
                    weight,
                    query: in_a_row(fields.stems[at], &forms),
                });
            }
        }
    }
    for required in required {
        let forms = phrase(required);
        if forms.is_empty() {
            continue;
        }
        for field in FIELDS.into_iter().filter(|field| required.field.is_none_or(|only| only == *field)) {
            let query = in_a_row(fields.exact[place(field)], &forms);
            let kind = if forms.len() == 1 { TermKind::Exact } else { TermKind::Phrase };
            clauses.push(Clause { term: forms.join(" "), kind, field, weight: weights.phrases, query });
        }
    }
    clauses
}

/// A word in a field.
fn term(field: Field, word: &str) -> Box<dyn Query> {
    Box::new(TermQuery::new(tantivy::Term::from_field_text(field, word), IndexRecordOption::WithFreqs))
}

/// Words next to each other in a field; there is at least one.
pub(super) fn in_a_row(field: Field, words: &[String]) -> Box<dyn Query> {
    match words {
        [word] => term(field, word),
        _ => Box::new(PhraseQuery::new(words.iter().map(|word| tantivy::Term::from_field_text(field, word)).collect())),
    }
}
