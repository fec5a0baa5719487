//! What pairs of texts share, and how long it takes to find: voisin's side of `scripts/peers/align`.
//!
//! `cargo bench --bench align -- --pairs FILE --rounds 5` reads JSON Lines of `{"a": text, "b": text}` and answers each with a
//! line of JSON:
//!
//! - `letters`: characters of the words of `a` that are equal to words of `b`,
//! - `covered`: characters of `a` from the first to the last word of each run of equal words,
//! - `words_s` and `align_s`: seconds to cut both texts into words, and to align these; the least of the rounds.
//!
//! Without `--pairs` it takes a small pair of its own, so that the tests run it too.

#![allow(clippy::print_stdout, reason = "a bench prints its result")]

use std::hint::black_box;
use std::path::PathBuf;
use std::time::Instant;

use serde_json::{Value, json};
use voisin::dedup::align::{Stretch, align};
use voisin::text::{Words, words};

type Failure = Box<dyn std::error::Error>;

const OLD: &str = "Le bilan de l’inondation s’élève à 12 morts, a annoncé mardi soir la préfecture de la Drôme.";
const NEW: &str = "Le bilan de l'inondation s'élève à 17 morts, a annoncé mercredi matin la préfecture de la Drôme.";

/// The least of `rounds` times in seconds, and what the last gave.
fn timed<T>(rounds: usize, mut work: impl FnMut() -> T) -> (f64, T) {
    let mut once = || {
        let start = Instant::now();
        let made = black_box(work());
        (start.elapsed().as_secs_f64(), made)
    };
    (1..rounds).fold(once(), |(least, _), _| {
        let (seconds, made) = once();
        (least.min(seconds), made)
    })
}

fn characters<'a>(parts: impl Iterator<Item = &'a str>) -> usize {
    parts.map(|part| part.chars().count()).sum()
}

/// The line for a pair.
fn answer(a: &str, b: &str, rounds: usize) -> Value {
    let (words_s, (of_a, of_b)) = timed(rounds, || (words(a), words(b)));
    let (align_s, stretches) = timed(rounds, || align(of_a.hashes(), of_b.hashes()));
    let equal = |stretch: &Stretch| stretch.located(&of_a, &of_b).equal;
    let covered = characters(stretches.iter().flat_map(equal).map(|(span, _)| &a[span.range()]));
    json!({ "letters": letters(a, &of_a, &stretches), "covered": covered, "words_s": words_s, "align_s": align_s })
}

/// Characters of the equal words of `a`.
fn letters(a: &str, words: &Words, stretches: &[Stretch]) -> usize {
    let equal = stretches.iter().flat_map(|stretch| &stretch.runs).flat_map(|run| run.a..run.a + run.len);
    characters(equal.map(|at| &a[words.span(at).range()]))
}

fn main() -> Result<(), Failure> {
    let (mut pairs, mut rounds) = (None, 1);
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        match name.as_str() {
            "--pairs" => pairs = Some(PathBuf::from(arguments.next().ok_or("--pairs needs a file")?)),
            "--rounds" => rounds = arguments.next().ok_or("--rounds needs a number")?.parse::<usize>()?.max(1),
            // Cargo adds arguments of its own.
            _ => {}
        }
    }
    let Some(pairs) = pairs else {
        let answer = answer(OLD, NEW, rounds);
        let equal = ["Le bilan de l’inondation s’élève à", "morts, a annoncé", "la préfecture de la Drôme"];
        assert_eq!(answer["covered"], characters(equal.into_iter()));
        println!("{answer}");
        return Ok(());
    };
    for line in fs_err::read_to_string(pairs)?.lines() {
        let pair: Value = serde_json::from_str(line)?;
        let text = |side: &str| pair[side].as_str().ok_or_else(|| format!("a pair has no text {side}: {line}"));
        println!("{}", answer(text("a")?, text("b")?, rounds));
    }
    Ok(())
}
