//! Passages: runs of whole sentences that fit the window of an embedding model.
//!
//! Pure arithmetic on spans of one text: no I/O, no model, no embedding. How long a text is, only the model's tokenizer
//! knows, so callers bring a [`TokenCounter`]. Which lines are furniture and where sentences end is `crate::text`'s word.
//!
//! ```text
//! text ─ boilerplate ─▶ bodies ─ sentences, long ones cut ─▶ pieces ─ pack ─▶ passages
//! ```

mod budget;
mod cut;
mod pack;

pub use budget::{Budget, BudgetError, TokenCounter};

use crate::text::{boilerplate, is_blank, sentences};
use crate::types::Span;
use budget::Gauge;
use cut::cut;
use pack::{Pieces, pack};

/// A text divided: what is embedded, and what is left out of search.
///
/// Every byte of the text is in a passage or in boilerplate, and never in both. Passages are in order and never empty;
/// each ends further on than the one before, and may begin with the last sentence of that one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chunking {
    /// Passages, as bytes of the text.
    pub passages: Vec<Span>,
    /// Web furniture, and blank text that belongs to no passage, as bytes of the text. In order, apart and not adjacent.
    pub boilerplate: Vec<Span>,
}

/// Divides `text` into passages of whole sentences.
///
/// - A passage has about `budget.target()` tokens and never more than `budget.limit()`, as `counter` counts the analysis
///   form of its text. A single character above the limit is the one exception, since something has to hold it.
/// - It begins with the last sentence of the passage before, unless that sentence is longer than a third of the target.
/// - Sentences are whole, save those above the limit: these are cut between clauses, else words, else characters.
/// - It ends at the end of a paragraph where one comes near the target, and always at boilerplate.
/// - A short rest joins the passage before, or shares with it.
///
/// The time is near linear in the text: `counter` sees each sentence once, and a passage again where its size is close.
pub fn passages(text: &str, budget: Budget, counter: &(impl TokenCounter + ?Sized)) -> Chunking {
    let mut gauge = Gauge::new(budget, counter);
    let mut chunking = Chunking::default();
    let mut body = 0;
    let end = Span::new(text.len(), text.len());
    for furniture in boilerplate(text).into_iter().chain([end]) {
        chunking.add_body(text, Span::new(body, furniture.start), &mut gauge);
        chunking.add_boilerplate(furniture);
        body = furniture.end;
    }
    chunking
}

impl Chunking {
    fn add_body<C: TokenCounter + ?Sized>(&mut self, text: &str, body: Span, gauge: &mut Gauge<'_, C>) {
        if is_blank(&text[body.range()]) {
            return self.add_boilerplate(body);
        }
        let pieces = pieces(text, body, gauge);
        pack(text, &pieces, gauge, &mut self.passages);
    }

    fn add_boilerplate(&mut self, span: Span) {
        match self.boilerplate.last_mut() {
            _ if span.is_empty() => {}
            Some(last) if last.end == span.start => last.end = span.end,
            _ => self.boilerplate.push(span),
        }
    }
}

/// The sentences of `body`, those above the limit cut to pieces.
fn pieces<C: TokenCounter + ?Sized>(text: &str, body: Span, gauge: &mut Gauge<'_, C>) -> Pieces {
    let mut pieces = Pieces::default();
    for sentence in sentences(&text[body.range()]) {
        let span = Span::new(body.start + sentence.start, body.start + sentence.end);
        match gauge.tokens_within_limit(&text[span.range()]) {
            Some(tokens) => pieces.push(text, span, tokens),
            None => cut(text, span, gauge, |span, tokens| pieces.push(text, span, tokens)),
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::analysis_form;
    use proptest::prelude::*;
    use std::cell::Cell;

    /// One token for each word, and one more for each four letters of it.
    struct Words;

    impl TokenCounter for Words {
        fn count(&self, text: &str) -> usize {
            text.split(' ').filter(|word| !word.is_empty()).map(|word| 1 + word.chars().count() / 4).sum()
        }
    }

    /// One token for each character, spaces too.
    struct Characters;

    impl TokenCounter for Characters {
        fn count(&self, text: &str) -> usize {
            text.chars().count()
        }
    }

    /// Words, as a vocabulary without long ones sees them: one token each, however long.
    struct Unknowns;

    impl TokenCounter for Unknowns {
        fn count(&self, text: &str) -> usize {
            text.split(' ').filter(|word| !word.is_empty()).count()
        }
    }

    fn budget(target: usize, limit: usize) -> Budget {
        Budget::new(target, limit).expect("a sound budget")
    }

    fn divided(text: &str, target: usize, limit: usize) -> Vec<&str> {
        let chunking = passages(text, budget(target, limit), &Unknowns);
        chunking.passages.into_iter().map(|span| &text[span.range()]).collect()
    }

    /// Everything that [`passages`] promises of any text.
    fn check(text: &str, budget: Budget, counter: &impl TokenCounter) -> Chunking {
        let chunking = passages(text, budget, counter);
        let (mut start, mut end) = (None, 0);
        for span in &chunking.passages {
            let passage = &text[span.range()];
            let tokens = counter.count(&analysis_form(passage));
            assert!(tokens <= budget.limit(), "{tokens} tokens: {passage:?}");
            assert!(!is_blank(passage), "blank passage {span:?}");
            assert!(start < Some(span.start) && end < span.end, "no advance at {span:?}");
            (start, end) = (Some(span.start), span.end);
        }
        let mut spans: Vec<_> = chunking.passages.iter().chain(&chunking.boilerplate).copied().collect();
        spans.sort_unstable();
        let mut covered = 0;
        for span in spans {
            assert!(span.start <= covered, "nothing holds {covered}..{}", span.start);
            covered = covered.max(span.end);
        }
        assert_eq!(covered, text.len());
        for furniture in &chunking.boilerplate {
            let apart = |passage: &Span| passage.end <= furniture.start || furniture.end <= passage.start;
            assert!(!furniture.is_empty() && chunking.passages.iter().all(apart));
        }
        for pair in chunking.boilerplate.windows(2) {
            assert!(pair[0].end < pair[1].start, "boilerplate left in pieces");
        }
        chunking
    }

    #[test]
    fn a_short_text_is_one_passage() {
        let text = " Le port est fermé.\n\nIl rouvrira lundi. ";
        assert_eq!(divided(text, 100, 200), [text]);
    }

    #[test]
    fn blank_texts_and_furniture_have_no_passage() {
        assert_eq!(check("", budget(8, 8), &Words), Chunking::default());
        for text in [" \n\t", "\u{200B}\u{AD}\n", "Partager\n\nPublicité\n \nLire aussi : Le port\n"] {
            let whole = Chunking { passages: vec![], boilerplate: vec![Span::new(0, text.len())] };
            assert_eq!(check(text, budget(8, 8), &Words), whole);
        }
    }

    #[test]
    fn passages_repeat_one_sentence() {
        let text = "Un deux trois. Quatre cinq six. Sept huit neuf. Dix onze douze. Treize quatorze quinze.";
        assert_eq!(
            divided(text, 9, 9),
            [
                "Un deux trois. Quatre cinq six. Sept huit neuf. ",
                "Sept huit neuf. Dix onze douze. Treize quatorze quinze.",
            ]
        );
    }

    #[test]
    fn a_long_sentence_is_not_repeated() {
        let text = "Un. Deux trois quatre cinq six sept. Huit neuf dix onze douze treize quatorze.";
        assert_eq!(
            divided(text, 8, 8),
            ["Un. Deux trois quatre cinq six sept. ", "Huit neuf dix onze douze treize quatorze."]
        );
    }

    #[test]
    fn furniture_parts_passages() {
        let text = "Le port est fermé.\nLire aussi : Le port\nIl rouvrira lundi.\n";
        assert_eq!(divided(text, 100, 100), ["Le port est fermé.\n", "Il rouvrira lundi.\n"]);
    }

    #[test]
    fn a_paragraph_end_near_the_target_ends_the_passage() {
        let text =
            "Un deux trois quatre. Cinq six sept huit.\n\nNeuf dix. Onze douze treize quatorze quinze seize dix-sept.";
        assert_eq!(
            divided(text, 11, 11),
            [
                "Un deux trois quatre. Cinq six sept huit.\n\n",
                "Neuf dix. Onze douze treize quatorze quinze seize dix-sept.",
            ]
        );
    }

    #[test]
    fn a_short_tail_joins_or_shares() {
        let text = "Un deux trois quatre. Cinq six sept huit. Neuf dix onze douze. Treize.";
        assert_eq!(divided(text, 12, 16), [text]);
        assert_eq!(
            divided(text, 12, 12),
            ["Un deux trois quatre. Cinq six sept huit. ", "Cinq six sept huit. Neuf dix onze douze. Treize."]
        );
    }

    #[test]
    fn sentences_stay_whole_where_they_can() {
        let text = "Un deux trois quatre cinq six sept huit neuf dix onze. Douze.";
        assert_eq!(divided(text, 8, 11), ["Un deux trois quatre cinq six sept huit neuf dix onze. ", "Douze."]);
        assert!(divided(text, 8, 8).len() > 1);
    }

    #[test]
    fn endless_words_and_sentences_are_cut() {
        let word = "a".repeat(100_000);
        for text in [word.clone(), format!("Le mot {word} est long."), "mot ".repeat(25_000), "Un. ".repeat(25_000)] {
            check(&text, budget(100, 120), &Words);
            check(&text, budget(100, 120), &Unknowns);
            check(&text, budget(256, 510), &Characters);
        }
    }

    #[test]
    fn counting_is_near_linear() {
        struct Costly(Cell<usize>);
        impl TokenCounter for Costly {
            fn count(&self, text: &str) -> usize {
                self.0.set(self.0.get() + text.len());
                Words.count(text)
            }
        }
        let sentence = "Le ministre est arrivé mardi à Tripoli, où il a été reçu par le maréchal. ";
        for text in [sentence.repeat(5_000), sentence.replace('.', ",").repeat(5_000), "Oui. ".repeat(50_000)] {
            for (target, limit) in [(256, 510), (510, 510)] {
                let counter = Costly(Cell::new(0));
                passages(&text, budget(target, limit), &counter);
                assert!(counter.0.get() <= 8 * text.len(), "{} bytes counted of {}", counter.0.get(), text.len());
            }
        }
    }

    fn newslike() -> impl Strategy<Value = String> {
        "(([A-Z][a-zé]{1,8} )?([a-zé]{1,9}[,;]? ){0,9}[a-z]{1,9}[.!?…]( |\n|\n\n)|« [A-Z][a-z]{2,8} ! » |\
         \n(Partager|Publicité|Lire aussi : [A-Z][a-z]{1,9})\n|M\\. [A-Z][a-z]{2,6} |[a-z]{30,90} |[ \n]{1,4}){0,30}"
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]

        #[test]
        fn any_text_keeps_the_contract(text in "(\\PC|[\n .,]|\u{200B}|\u{AD}|e\u{301}){0,200}", target in 8usize..40, room in 0usize..20) {
            check(&text, budget(target, target + room), &Words);
            check(&text, budget(target, target + room), &Characters);
        }

        #[test]
        fn newslike_text_keeps_the_contract(text in newslike(), target in 8usize..60, room in 0usize..60) {
            check(&text, budget(target, target + room), &Words);
            check(&text, budget(target, target + room), &Characters);
            check(&text, budget(target, target + room), &Unknowns);
        }
    }
}
