//! What is shown of an article: the passage that speaks for it, the sentence nearest in meaning, and the words asked for.

use std::collections::BTreeSet;

use super::versions::Folded;
use super::{Hit, Question, Reasons, Request, SearchError, Searcher, dot};
use crate::store::{Field, Store, StoreError, StoredPassage};
use crate::text::{analysis_form, sentences};
use crate::types::{ArticleId, CharSpan, PassageId, Score, Span, to_char_spans};

/// Hits whose closest sentence is looked for: it costs a pass through the model for each, and people do not read more.
pub const MARKED: usize = 50;

/// What a passage gains over the others of its article by having all the words that any of them has, as a cosine.
const WORDS_OF_PASSAGE: f32 = 0.2;

/// A passage to show.
#[derive(Clone, Debug)]
pub struct PassageHit {
    /// Its row.
    pub id: PassageId,
    /// The part of the article that it is of.
    pub field: Field,
    /// Its closeness to the question in meaning; 0 where meaning was not searched.
    pub score: Score,
    /// Its text as published, without white space around it.
    pub text: String,
    /// The characters of `text` in the field.
    pub span: CharSpan,
    /// The sentence that is closest to the question, as characters of `text`; all of it beyond the first [`MARKED`] hits.
    pub sentence: CharSpan,
    /// The words that were asked for, as characters of `text`.
    pub words: Vec<CharSpan>,
}

impl Searcher<'_> {
    /// Fetches what is shown of articles. One without a passage, which has no words, cannot be shown and is passed over.
    ///
    /// # Errors
    /// When the store or the view of the words fails.
    pub fn present(
        &self,
        folded: Vec<Folded>,
        question: &Question,
        request: &Request<'_>,
    ) -> Result<Vec<Hit>, SearchError> {
        let mut hits = Vec::with_capacity(folded.len());
        for Folded { best, versions } in folded {
            let Some(passage) = self.passage_to_show(best.article, question)? else { continue };
            let article = self.store.header(best.article)?;
            let title = article.title.as_deref().unwrap_or_default();
            let title_words = self.words.marks(&question.words, title, article.language.as_deref());
            let reasons = if request.explain {
                let terms = match best.words {
                    Some(_) => self.words.explain(&question.words, best.article)?,
                    None => Vec::new(),
                };
                Some(Reasons { candidate: best, terms })
            } else {
                None
            };
            hits.push(Hit {
                rank: hits.len() + 1,
                score: best.reranked.unwrap_or(best.score),
                title_words: to_char_spans(title, &title_words),
                passage,
                versions: versions.into_iter().map(|id| self.store.header(id)).collect::<Result<_, _>>()?,
                article,
                reasons,
            });
        }
        Ok(hits)
    }

    /// The passage of an article that answers best, of the body if there is one: by meaning and by words. `None` for an
    /// article without words.
    pub(super) fn passage_to_show(
        &self,
        article: ArticleId,
        question: &Question,
    ) -> Result<Option<PassageHit>, SearchError> {
        let mut passages = self.store.passages_of(article)?;
        if passages.iter().any(|passage| passage.field == Field::Body) {
            passages.retain(|passage| passage.field == Field::Body);
        }
        let language = self.store.header(article)?.language;
        let mut meaning = vec![0.0; passages.len()];
        if let Some(query) = &question.vector {
            let vectors = self.store.vectors(&passages.iter().map(|passage| passage.vector).collect::<Vec<_>>())?;
            meaning = vectors.iter().map(|vector| dot(vector, query)).collect();
        }
        let field = passages.first().map_or(Field::Body, |passage| passage.field);
        let text = self.store.field_text(article, field)?;
        let shown: Vec<PassageHit> =
            passages.into_iter().zip(meaning).map(|(passage, score)| cut(passage, score, &text)).collect();
        let marks: Vec<Vec<Span>> =
            shown.iter().map(|passage| self.words.marks(&question.words, &passage.text, language.as_deref())).collect();
        let words: Vec<usize> =
            shown.iter().zip(&marks).map(|(passage, marks)| distinct(&passage.text, marks)).collect();
        let most = words.iter().copied().max().unwrap_or_default().max(1) as f32;
        let best = shown
            .into_iter()
            .zip(marks)
            .zip(words)
            .map(|((passage, marks), words)| (passage.score + WORDS_OF_PASSAGE * words as f32 / most, passage, marks))
            .reduce(|best, next| if next.0 > best.0 { next } else { best });
        Ok(best.map(|(_, passage, marks)| PassageHit { words: to_char_spans(&passage.text, &marks), ..passage }))
    }

    /// Sets the sentence of the first [`MARKED`] hits: the one that is closest in meaning, or has most of the words where
    /// meaning was not searched.
    ///
    /// # Errors
    /// When the model fails.
    pub fn mark(&self, hits: &mut [Hit], question: &Question) -> Result<(), SearchError> {
        let split = |passage: &PassageHit| -> Vec<Span> {
            sentences(&passage.text).into_iter().map(|span| span.trimmed(&passage.text)).collect()
        };
        let mut several: Vec<(&mut PassageHit, Vec<Span>)> = hits
            .iter_mut()
            .take(MARKED)
            .map(|hit| (split(&hit.passage), &mut hit.passage))
            .map(|(spans, passage)| (passage, spans))
            .filter(|(_, spans)| spans.len() > 1)
            .collect();
        let mut scores: Vec<Score> = Vec::new();
        match &question.vector {
            Some(query) => {
                let forms: Vec<String> = several
                    .iter()
                    .flat_map(|(passage, spans)| spans.iter().map(|span| analysis_form(&passage.text[span.range()])))
                    .collect();
                let vectors = self.embedder.embed_sentences(&forms)?;
                scores.extend(vectors.rows().into_iter().map(|row| dot(&row.to_vec(), query)));
            }
            None => {
                for (passage, spans) in &several {
                    let words: Vec<Span> = passage.words.iter().map(|word| word.to_bytes(&passage.text)).collect();
                    scores.extend(spans.iter().map(|sentence| {
                        let inside = |word: &&Span| sentence.start <= word.start && word.end <= sentence.end;
                        let inside: Vec<Span> = words.iter().filter(inside).copied().collect();
                        distinct(&passage.text, &inside) as Score
                    }));
                }
            }
        }
        let mut scores = scores.into_iter();
        for (passage, spans) in &mut several {
            let best = spans.iter().zip(scores.by_ref()).reduce(|best, next| if next.1 > best.1 { next } else { best });
            if let Some((span, _)) = best {
                passage.sentence = to_char_spans(&passage.text, &[*span])[0];
            }
        }
        Ok(())
    }
}

/// How many different words are marked in a text.
fn distinct(text: &str, marks: &[Span]) -> usize {
    marks.iter().map(|mark| text[mark.range()].to_lowercase()).collect::<BTreeSet<_>>().len()
}

/// The text of a passage of an article, with all of it as its sentence and no words marked.
pub(crate) fn show(
    article: ArticleId,
    passage: StoredPassage,
    score: Score,
    store: &Store,
) -> Result<PassageHit, StoreError> {
    Ok(cut(passage, score, &store.field_text(article, passage.field)?))
}

/// The same out of the whole text of its field.
fn cut(passage: StoredPassage, score: Score, field: &str) -> PassageHit {
    let whole = passage.span.to_bytes(field);
    let inner = whole.trimmed(field);
    let text = field[inner.range()].to_owned();
    let start = passage.span.start + field[whole.start..inner.start].chars().count();
    let length = text.chars().count();
    PassageHit {
        id: passage.id,
        field: passage.field,
        score,
        text,
        span: CharSpan { start, end: start + length },
        sentence: CharSpan { start: 0, end: length },
        words: Vec::new(),
    }
}
