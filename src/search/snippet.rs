//! The sentence of a passage that is closest in meaning to a question.

use super::{PassageHit, dot};
use crate::embed::{EmbedError, QueryEmbedder};
use crate::text::{analysis_form, sentences};
use crate::types::{Span, to_char_spans};

/// Sets the sentence of each passage to the one whose vector is closest to `query`; passages of one sentence stay.
///
/// # Errors
/// When the model fails.
pub fn mark_sentences<'a>(
    passages: impl Iterator<Item = &'a mut PassageHit>,
    query: &[f32],
    embedder: &dyn QueryEmbedder,
) -> Result<(), EmbedError> {
    let passages: Vec<&mut PassageHit> = passages.collect();
    let split: Vec<Vec<Span>> = passages
        .iter()
        .map(|passage| sentences(&passage.text).into_iter().map(|span| span.trimmed(&passage.text)).collect())
        .collect();
    let mut forms = Vec::new();
    for (passage, spans) in passages.iter().zip(&split).filter(|(_, spans)| spans.len() > 1) {
        forms.extend(spans.iter().map(|span| analysis_form(&passage.text[span.range()])));
    }
    let vectors = embedder.embed_sentences(&forms)?;
    let mut scores = vectors.rows().into_iter().map(|row| dot(&row.to_vec(), query));
    for (passage, spans) in passages.into_iter().zip(&split).filter(|(_, spans)| spans.len() > 1) {
        let best = spans.iter().zip(scores.by_ref()).reduce(|best, next| if next.1 > best.1 { next } else { best });
        if let Some((span, _)) = best {
            passage.sentence = to_char_spans(&passage.text, &[*span])[0];
        }
    }
    Ok(())
}
