//! Stems: what is left of a word when what its grammar adds is taken away. Light, so that few words meet that should not.

use frostem::{Algorithm, Stemmer};

use super::french;

/// The stem of a word in its exact form, in a language (ISO 639-1): French by a light stemmer of its own; English, Spanish,
/// German, Italian, Portuguese, Arabic and Russian by Snowball; the form itself in every other.
pub fn stem(language: &str, form: &str) -> String {
    let algorithm = match language {
        "fr" => return french::stem(form),
        "en" => Algorithm::English,
        "es" => Algorithm::Spanish,
        "de" => Algorithm::German,
        "it" => Algorithm::Italian,
        "pt" => Algorithm::Portuguese,
        "ar" => Algorithm::Arabic,
        "ru" => Algorithm::Russian,
        _ => return form.to_owned(),
    };
    Stemmer::new(algorithm).stem(form).into_owned()
}
