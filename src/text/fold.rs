//! The folded form of a short text: what names and values are compared by, whatever their case and accents.

use unicode_normalization::UnicodeNormalization;

use super::normalise::analysis_form;

/// `text` in its [analysis form](analysis_form), in lower case, without Latin, Greek and Cyrillic accents, and with the
/// letters of ligatures apart: `Économie` and `ECONOMIE` fold to the same, and so do `Œuvre` and `oeuvre`.
///
/// Marks that are letters of their script, as in Hebrew, Arabic or Hindi, stay. Idempotent.
pub fn folded(text: &str) -> String {
    let mut form = String::with_capacity(text.len());
    let lower = analysis_form(text).to_lowercase();
    for character in lower.nfd().filter(|c| !('\u{300}'..='\u{36F}').contains(c)).nfc() {
        match character {
            'œ' => form.push_str("oe"),
            'æ' => form.push_str("ae"),
            'ß' => form.push_str("ss"),
            other => form.push(other),
        }
    }
    // What stood under a mark may be of another form without it.
    analysis_form(&form)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn case_accents_and_ligatures_do_not_count() {
        for (a, b) in [
            ("Économie", "ECONOMIE"),
            ("E\u{301}conomie", "économie"),
            ("Œuvre d’Art", "oeuvre  d'art"),
            ("Straße", "STRASSE"),
            ("Ελλάδα", "ΕΛΛΑΔΑ"),
        ] {
            assert_eq!(folded(a), folded(b));
        }
        assert_ne!(folded("politique"), folded("police"));
        assert_ne!(folded("का"), folded("कि"), "vowels of Hindi are letters");
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(text in "\\PC{0,40}") {
            let once = folded(&text);
            prop_assert_eq!(folded(&once), once);
        }
    }
}
