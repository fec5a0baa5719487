//! Numbers, with what they count.

use super::tokens::{Gap, Kind, Token, hash_of};
use crate::text::terms::{fold, is_stop_word, stem};
use crate::types::Span;

/// A number of a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Number {
    /// Where it stands, with its unit.
    pub(super) span: Span,
    /// Hash of its value and the stem of what it counts.
    pub(super) form: u64,
    /// What it says that two articles have it.
    pub(super) weight: f32,
}

/// The numbers of a text that say something, in order.
pub(super) fn numbers(text: &str, tokens: &[Token<'_>]) -> Vec<Number> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        match read(tokens, at) {
            Some((value, next)) => {
                found.extend(number(text, tokens, at, next, value));
                at = next;
            }
            None => at += 1,
        }
    }
    found
}

/// The number that begins at token `at`, in digits or in words, and the token after it.
fn read(tokens: &[Token<'_>], at: usize) -> Option<(f64, usize)> {
    let first = &tokens[at];
    let (mut value, mut next) =
        if first.kind == Kind::Number { (digits(first.text)?, at + 1) } else { written(tokens, at)? };
    while let Some(times) = tokens.get(next).filter(|token| token.gap == Gap::Space).and_then(|token| times(token.text))
    {
        value *= times;
        next += 1;
    }
    Some((value, next))
}

fn times(word: &str) -> Option<f64> {
    match word {
        "mille" => Some(1e3),
        "million" | "millions" => Some(1e6),
        "milliard" | "milliards" => Some(1e9),
        _ => None,
    }
}

/// The value of digits; hours are read as decimals: `19h09` is 19.09.
fn digits(written: &str) -> Option<f64> {
    let written = written.trim_end_matches("er");
    let mut plain = String::with_capacity(written.len());
    let mut rest = written.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            c if c.is_ascii_digit() => plain.push(c),
            ',' | 'h' | 'H' if rest.peek().is_some() => plain.push('.'),
            // A full stop sets thousands apart, or decimals.
            '.' if rest.clone().take_while(char::is_ascii_digit).count() != 3 => plain.push('.'),
            '.' | ' ' | '\u{A0}' | '\u{202F}' | '\u{2009}' | 'h' | 'H' => {}
            _ => return None,
        }
    }
    plain.parse().ok()
}

/// The value of a number in words, of two at least, and the token after it.
fn written(tokens: &[Token<'_>], at: usize) -> Option<(f64, usize)> {
    let (mut whole, mut part, mut next) = (0.0, 0.0, at);
    while let Some(token) = tokens.get(next).filter(|token| next == at || token.gap == Gap::Space) {
        let before = (whole, part);
        for word in token.text.split('-').filter(|word| *word != "et") {
            match word {
                "cent" | "cents" => part = f64::max(part, 1.0) * 100.0,
                "mille" => (whole, part) = (whole + f64::max(part, 1.0) * 1000.0, 0.0),
                "vingt" | "vingts" if part % 100.0 == 4.0 => part += 76.0,
                _ => match units(word) {
                    Some(value) => part += value,
                    None => {
                        (whole, part) = before;
                        let value = whole + part;
                        return (next > at && value > 1.0).then_some((value, next));
                    }
                },
            }
        }
        next += 1;
    }
    (whole + part > 1.0).then_some((whole + part, next))
}

fn units(word: &str) -> Option<f64> {
    const WORDS: [&str; 17] = [
        "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix", "onze", "douze", "treize",
        "quatorze", "quinze", "seize", "vingt",
    ];
    const TENS: [&str; 4] = ["trente", "quarante", "cinquante", "soixante"];
    let place = |known: &[&str]| known.iter().position(|known| known.eq_ignore_ascii_case(word));
    if let Some(at) = place(&WORDS) {
        return Some(if at == 16 { 20.0 } else { at as f64 + 1.0 });
    }
    place(&TENS).map(|at| (at as f64 + 3.0) * 10.0)
}

/// The number of the tokens `at..next`, with its unit; nothing, where it says nothing.
fn number(text: &str, tokens: &[Token<'_>], at: usize, next: usize, value: f64) -> Option<Number> {
    let mut span = Span::new(tokens[at].span.start, tokens[next - 1].span.end);
    let sign = text[span.end..].trim_start_matches([' ', '\u{A0}', '\u{202F}']).chars().next();
    let unit = match sign {
        Some(sign @ ('%' | '€' | '$' | '£')) => {
            span.end += text[span.end..].find(sign).unwrap_or(0) + sign.len_utf8();
            Some(match sign {
                '%' => "%".to_owned(),
                '€' => "euro".to_owned(),
                '$' => "dollar".to_owned(),
                _ => "livr".to_owned(),
            })
        }
        _ if tokens[at].text.contains(['h', 'H']) => Some("h".to_owned()),
        _ => {
            let unit = unit(tokens, next);
            if let Some((_, end)) = &unit {
                span.end = *end;
            }
            unit.map(|(unit, _)| unit)
        }
    };
    let weight = weight(value, unit.as_deref())?;
    let form = hash_of(value.to_bits().to_le_bytes().into_iter().chain(unit.iter().flat_map(|unit| unit.bytes())));
    Some(Number { span, form, weight })
}

/// The stem of the word that the number before `next` counts, and where it ends.
fn unit(tokens: &[Token<'_>], next: usize) -> Option<(String, usize)> {
    for token in tokens[next..].iter().take(3) {
        if !matches!(token.gap, Gap::Space | Gap::Elision) || token.kind == Kind::Number {
            return None;
        }
        let form = fold(token.text);
        if matches!(
            form.as_str(),
            "de" | "autres" | "nouveaux" | "nouvelles" | "autre" | "jeunes" | "premiers" | "premieres"
        ) {
            continue;
        }
        return (!is_stop_word("fr", &form)).then(|| (stem("fr", &form), token.span.end));
    }
    None
}

/// What it says that two articles have this number of these.
fn weight(value: f64, unit: Option<&str>) -> Option<f32> {
    let shown = format!("{value}");
    let digits = shown.trim_end_matches('0').bytes().filter(u8::is_ascii_digit).count();
    let is_year = value.fract() == 0.0 && (1900.0..2100.0).contains(&value);
    let Some(unit) = unit else {
        return (digits >= 3 && !is_year).then_some(0.3);
    };
    if is_year {
        return None;
    }
    let base = match digits {
        0 | 1 if value <= 10.0 => 0.2,
        0..=1 => 0.35,
        2 => 0.5,
        _ => 0.9,
    };
    Some(if USUAL.binary_search(&unit).is_ok() { base / 2.0 } else { base })
}

/// Stems of what is counted in articles about anything, ascending.
const USUAL: [&str; 27] = [
    "an",
    "ane",
    "ans",
    "centimetr",
    "cm",
    "derni",
    "dernier",
    "euro",
    "feme",
    "foi",
    "franc",
    "h",
    "heur",
    "home",
    "jour",
    "kilometr",
    "km",
    "kmh",
    "metr",
    "minut",
    "moi",
    "person",
    "point",
    "prochain",
    "second",
    "semain",
    "siecl",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_units_are_stems_and_ascending() {
        assert!(USUAL.is_sorted_by(|a, b| a < b));
        for unit in
            ["ans", "années", "jours", "heures", "hommes", "personnes", "kilomètres", "semaines", "mètres", "minutes"]
        {
            assert!(USUAL.contains(&stem("fr", &fold(unit)).as_str()), "{unit} {}", stem("fr", &fold(unit)));
        }
    }
}
