//! What a query looks for, one thing in one field at a time, and what finding it is worth.
//!
//! The score of an article is the sum of its shares of all clauses, in their order: so it does not depend on where an
//! article lies, and its explanation adds up. Each share is BM25 as tantivy computes it (k1 1.2, b 0.75), times the weight
//! of the clause.

use tantivy::Term;
use tantivy::query::{BoostQuery, DisjunctionMaxQuery, EnableScoring, PhraseQuery, Query, TermQuery, Weight};
use tantivy::schema::{Field, IndexRecordOption};

use super::document::{Fields, place};
use super::question::{Asked, phrase};
use super::{Phrase, TermKind};
use crate::store;

/// What finding something is worth, times its BM25: measured on French questions about encyclopedias and administration, and on
/// titles and abstracts of news (whose articles had no titles). Title and body count alike: twice the title loses 4 points of
/// nDCG@10 on PIAF and wins 2 on CNIL, half of it wins 1 and loses 3.
mod worth {
    /// A word with the same stem.
    pub(super) const STEM: f32 = 1.0;
    /// The same word, beside its stem.
    pub(super) const EXACT: f32 = 0.3;
    /// A spelling of the same name, where all articles of the name spell it so; see [`of_name`].
    const NAME: f32 = 0.2;

    /// A spelling of the same name, when `spelled_so` articles have the word that is asked for and `all` have a name with its
    /// key: as much as the word itself in title and body where no article spells it so, little where all do.
    pub(super) fn of_name(spelled_so: u64, all: u64) -> f32 {
        let missed = 1.0 - spelled_so.min(all) as f32 / all.max(1) as f32;
        NAME + (2.0 * (STEM + EXACT) - NAME) * missed
    }
    /// Two words of the query next to each other, by their stems.
    pub(super) const PAIR: f32 = 0.2;
    /// All words of the query next to each other in the title, as someone asks for an article that they know.
    pub(super) const WHOLE: f32 = 1.0;
    /// What is between quotation marks.
    pub(super) const PHRASE: f32 = 1.0;
}

/// Words of a query, those of grammar among them, that are looked for as a whole title.
const WHOLE: std::ops::RangeInclusive<usize> = 3..=32;

/// Words of a query up to which those next to each other are looked for as pairs.
const PAIRED: usize = 16;

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

/// What to look for, for the words of a query, all of its words as they stand, and its phrases; `frequency` counts the articles
/// of a term.
///
/// # Errors
/// When `frequency` fails.
pub(super) fn clauses(
    fields: &Fields,
    asked: &[Asked],
    whole: &[String],
    phrases: &[&Phrase],
    frequency: impl Fn(&Term) -> tantivy::Result<u64>,
) -> tantivy::Result<Vec<Clause>> {
    let mut clauses = Vec::new();
    let mut push = |term: String, kind, field, weight, query| clauses.push(Clause { term, kind, field, weight, query });
    for word in asked {
        let (form, times) = (&word.form, word.times as f32);
        for field in FIELDS {
            let (stems, exact) = (fields.stems[place(field)], fields.exact[place(field)]);
            for stem in &word.stems {
                push(form.clone(), TermKind::Stem, field, worth::STEM * times, term(stems, stem));
            }
            push(form.clone(), TermKind::Exact, field, worth::EXACT * times, term(exact, form));
        }
        if !word.names.is_empty() {
            let mut spelled_so = 0;
            for exact in fields.exact {
                spelled_so = frequency(&Term::from_field_text(exact, form))?.max(spelled_so);
            }
            let mut names: Vec<Box<dyn Query>> = Vec::with_capacity(word.names.len());
            for name in &word.names {
                let all = frequency(&Term::from_field_text(fields.names, name))?;
                let worth = worth::of_name(spelled_so, all);
                names.push(Box::new(BoostQuery::new(term(fields.names, name), worth)));
            }
            let best = Box::new(DisjunctionMaxQuery::new(names));
            push(form.clone(), TermKind::Name, store::Field::Body, times, best);
        }
    }
    for pair in asked.windows(2).take_while(|_| asked.len() <= PAIRED) {
        for field in FIELDS {
            // Where languages stem a word in several ways, the first will do for so small a share.
            let stems: Vec<String> = pair.iter().filter_map(|word| word.stems.first().cloned()).collect();
            let both = format!("{} {}", pair[0].form, pair[1].form);
            push(both, TermKind::Phrase, field, worth::PAIR, in_a_row(fields.stems[place(field)], &stems));
        }
    }
    if WHOLE.contains(&whole.len()) {
        let title = fields.exact[place(store::Field::Title)];
        push(whole.join(" "), TermKind::Phrase, store::Field::Title, worth::WHOLE, in_a_row(title, whole));
    }
    for wanted in phrases {
        let forms = phrase(wanted);
        let kind = if forms.len() == 1 { TermKind::Exact } else { TermKind::Phrase };
        for field in FIELDS.into_iter().filter(|field| wanted.field.is_none_or(|only| only == *field)) {
            if !forms.is_empty() {
                let query = in_a_row(fields.exact[place(field)], &forms);
                push(forms.join(" "), kind, field, worth::PHRASE, query);
            }
        }
    }
    Ok(clauses)
}

/// A word in a field.
fn term(field: Field, word: &str) -> Box<dyn Query> {
    Box::new(TermQuery::new(Term::from_field_text(field, word), IndexRecordOption::WithFreqs))
}

/// Words next to each other in a field; there is at least one.
pub(super) fn in_a_row(field: Field, words: &[String]) -> Box<dyn Query> {
    match words {
        [word] => term(field, word),
        _ => Box::new(PhraseQuery::new(words.iter().map(|word| Term::from_field_text(field, word)).collect())),
    }
}
