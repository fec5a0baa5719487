//! A light stemmer for French: one stem for the numbers and genders of a word, and for its commonest derivations.
//!
//! After Jacques Savoy's light stemmer ("A stemming procedure and stopword list for general French corpora", JASIS 50,
//! 1999, and "Light stemming approaches for the French, Portuguese, German and Hungarian languages", SAC 2006), on words
//! whose accents are folded already: rules that look at an accent look at the bare letter here.

/// An ending, the least letters of a word that may lose it, and what stands in its place.
type Rule = (&'static str, usize, &'static str);

/// Derivations, of which the first that fits is applied.
const DERIVATIONS: [Rule; 24] = [
    ("issement", 10, "ir"),
    ("issant", 9, "ir"),
    ("ivement", 8, "if"),
    ("ement", 7, "e"),
    ("ficatrice", 12, "fier"),
    ("ficateur", 11, "fier"),
    ("catrice", 10, "quer"),
    ("cateur", 9, "quer"),
    ("atrice", 9, "er"),
    ("ateur", 8, "er"),
    ("trice", 7, "teur"),
    ("ieme", 6, ""),
    ("teuse", 8, "ter"),
    ("euse", 6, "eu"),
    ("ive", 8, "if"),
    ("folle", 5, "fou"),
    ("molle", 5, "mou"),
    ("nnelle", 10, "n"),
    ("nnel", 10, "n"),
    ("esse", 9, "e"),
    ("inage", 8, "in"),
    ("isation", 10, ""),
    ("isateur", 10, ""),
    ("ation", 9, ""),
];

/// The stem of a French word in its exact form.
pub(super) fn stem(form: &str) -> String {
    let mut stem = singular(form);
    let length = stem.chars().count();
    let rule = DERIVATIONS.iter().find(|(ending, least, _)| length >= *least && stem.ends_with(ending));
    if let Some((ending, _, instead)) = rule {
        stem.truncate(stem.len() - ending.len());
        stem.push_str(instead);
    }
    bare(stem)
}

/// Without the mark of the plural.
fn singular(form: &str) -> String {
    let length = form.chars().count();
    if length > 5 && form.ends_with("aux") && !form.ends_with("eaux") {
        return format!("{}l", &form[..form.len() - 2]);
    }
    match form.strip_suffix(['s', 'x']) {
        Some(rest) if length > 3 => rest.to_owned(),
        _ => form.to_owned(),
    }
}

/// Without doubled letters, and without the last letters that gender and the infinitive change.
fn bare(mut stem: String) -> String {
    if stem.chars().count() <= 4 {
        return stem;
    }
    let mut last = None;
    stem.retain(|c| last.replace(c) != Some(c) || !c.is_alphabetic());
    if stem.chars().count() > 4 && stem.ends_with("ie") {
        stem.truncate(stem.len() - 2);
    }
    if stem.chars().count() > 4 {
        for letter in ['r', 'e', 'e'] {
            if stem.ends_with(letter) {
                stem.pop();
            }
        }
    }
    stem
}
