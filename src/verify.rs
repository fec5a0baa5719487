//! Looks for damage: in the database, between its tables, in the views, and between vectors and model.

use crate::dedup::Register;
use crate::embed::source::{ModelFiles, ModelRef};
use crate::embed::stock::Stock;
use crate::embed::{EmbedError, Passage};
use crate::engine::{Engine, EngineError};
use crate::index::rows::Rows;
use crate::search::dot;
use crate::store::{Field, Filter, TextKey};
use crate::text::analysis_form;
use crate::types::CharSpan;

/// What one check found.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What was checked.
    pub check: &'static str,
    /// What is wrong, a line each, at most [`SHOWN`]; nothing if all is well.
    pub wrong: Vec<String>,
}

/// Lines shown of one check.
pub const SHOWN: usize = 10;

/// The least cosine of a stored vector to the same text embedded again, perhaps in other numbers: int8 is this close to f32.
const LEAST: f32 = 0.98;

/// Articles whose passages are embedded again, with both implementations.
const SAMPLE: usize = 8;

/// Checks a store.
///
/// # Errors
/// When the store cannot be read at all.
pub fn verify(engine: &Engine) -> Result<Vec<Finding>, EngineError> {
    let store = engine.store();
    let _moment = store.snapshot()?;
    let finding = |check, mut wrong: Vec<String>| {
        wrong.truncate(SHOWN);
        Finding { check, wrong }
    };
    let mut findings = vec![finding("the database is whole, and its references hold", store.integrity()?)];

    let mut vectors = Vec::new();
    let spec = engine.embedder().spec();
    // A table of word vectors has none for a text of unknown words.
    let zero = |length: f32| length == 0.0 && spec.table.is_some();
    store.vectors_after(crate::types::VectorId(0), |id, vector| {
        let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
        if !length.is_finite() || (spec.normalise && (length - 1.0).abs() > 1e-3 && !zero(length)) {
            vectors.push(format!("vector {id} has a length of {length}"));
        }
    })?;
    findings.push(finding("every vector is a number, and of unit length", vectors));

    let mut text = Vec::new();
    let articles = store.articles_matching(&Filter::default())?;
    for article in articles.iter() {
        let body = store.text(article)?;
        let mut spans: Vec<CharSpan> = store.boilerplate_of(article)?;
        spans.extend(store.passages_of(article)?.iter().filter(|p| p.field == Field::Body).map(|p| p.span));
        spans.sort_unstable_by_key(|span| span.start);
        let mut covered = 0;
        for span in spans {
            if span.start > covered {
                break;
            }
            covered = covered.max(span.end);
        }
        let length = body.chars().count();
        if covered != length {
            text.push(format!("article {article}: {covered} of {length} characters are in passages or marked"));
        }
    }
    findings.push(finding("every character is in a passage or marked as page furniture", text));

    // A model that candle-transformers does not know is checked against itself alone.
    let reference: ModelRef = store.model().reference.parse().map_err(EmbedError::from)?;
    let stock = Stock::load(&ModelFiles::open(&reference, true).map_err(EmbedError::from)?);
    let stock = stock.and_then(|stock| stock.truncated(store.model().dims)).ok();
    let mut model = Vec::new();
    let step = articles.len().div_ceil(SAMPLE).max(1);
    for article in articles.iter().step_by(step) {
        for passage in store.passages_of(article)? {
            let field = store.field_text(article, passage.field)?;
            let form = analysis_form(&field[passage.span.to_bytes(&field).range()]);
            let tokens = engine.embedder().tokenize_passage(Passage(&form))?;
            let stored = &store.vectors(&[passage.vector])?[0];
            let mut again = vec![("voisin", engine.embedder().embed_tokens(&[&tokens])?)];
            if let Some(stock) = &stock {
                again.push(("candle-transformers", stock.embed_tokens(&[&tokens])?));
            }
            for (who, again) in again {
                let again = again.row(0).to_vec();
                let cosine = dot(stored, &again) / (dot(stored, stored) * dot(&again, &again)).sqrt();
                // Not a number is not agreement either, unless both are the vector of no words.
                if *stored != again && (cosine.is_nan() || cosine < LEAST) {
                    model.push(format!("passage {} of article {article}: {who} gives cosine {cosine}", passage.id));
                }
            }
            if !store.has_vector(TextKey::of(&form))? {
                model.push(format!("passage {} of article {article}: its text is not the one embedded", passage.id));
            }
        }
    }
    let again = match stock {
        Some(_) => "the model gives the stored vectors again, and so does candle-transformers (a sample)",
        None => "the model gives the stored vectors again (a sample)",
    };
    findings.push(finding(again, model));

    let mut views = Rows::open(store)?.verify(store)?;
    views.extend(engine.words().verify(store)?);
    if engine.view().len() as u64 != store.stats()?.vectors {
        views.push(format!("the view finds {} vectors, the store has {}", engine.view().len(), store.stats()?.vectors));
    }
    if let Some(register) =
        Register::as_it_lies(store).filter(|register| register.sequence().ok() == store.sequence().ok())
    {
        views.extend(register.verify(store)?);
    }
    findings.push(finding("the views agree with the database", views));
    Ok(findings)
}
