//! The language of a text, when it is plain. No model of ours: whatlang's trigrams, asked about the beginning only.

use whatlang::Lang;

use super::normalise::analysis_form;

/// Characters of the text that are looked at: enough for trigrams, little enough to be free.
const SAMPLE: usize = 2_000;

/// Letters below which no answer is given, in scripts that spell; ideographs say more each.
const FEWEST_LETTERS: usize = 24;

/// ISO 639-1 code of the language of `text`, judged by its first 2,000 characters.
///
/// `None` if the text is too short, or two languages too close to call.
pub fn detect_language(text: &str) -> Option<&'static str> {
    let sample = analysis_form(&text.chars().take(SAMPLE).collect::<String>());
    let weight: usize = sample.chars().filter(|c| c.is_alphabetic()).map(|c| if is_dense(c) { 4 } else { 1 }).sum();
    if weight < FEWEST_LETTERS {
        return None;
    }
    let found = whatlang::detect(&sample)?;
    found.is_reliable().then(|| code(found.lang()))
}

/// Whether one character holds a syllable or a word, as in Japanese, Chinese and Korean.
fn is_dense(c: char) -> bool {
    matches!(c, '\u{2E80}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7A3}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
}

/// The two-letter code of a language.
fn code(language: Lang) -> &'static str {
    match language {
        Lang::Afr => "af",
        Lang::Aka => "ak",
        Lang::Amh => "am",
        Lang::Ara => "ar",
        Lang::Aze => "az",
        Lang::Bel => "be",
        Lang::Bul => "bg",
        Lang::Ben => "bn",
        Lang::Cat => "ca",
        Lang::Ces => "cs",
        Lang::Cym => "cy",
        Lang::Dan => "da",
        Lang::Deu => "de",
        Lang::Ell => "el",
        Lang::Eng => "en",
        Lang::Epo => "eo",
        Lang::Spa => "es",
        Lang::Est => "et",
        Lang::Pes => "fa",
        Lang::Fin => "fi",
        Lang::Fra => "fr",
        Lang::Guj => "gu",
        Lang::Heb => "he",
        Lang::Hin => "hi",
        Lang::Hrv => "hr",
        Lang::Hun => "hu",
        Lang::Hye => "hy",
        Lang::Ind => "id",
        Lang::Ita => "it",
        Lang::Jpn => "ja",
        Lang::Jav => "jv",
        Lang::Kat => "ka",
        Lang::Khm => "km",
        Lang::Kan => "kn",
        Lang::Kor => "ko",
        Lang::Lat => "la",
        Lang::Lit => "lt",
        Lang::Lav => "lv",
        Lang::Mkd => "mk",
        Lang::Mal => "ml",
        Lang::Mar => "mr",
        Lang::Mya => "my",
        Lang::Nob => "nb",
        Lang::Nep => "ne",
        Lang::Nld => "nl",
        Lang::Ori => "or",
        Lang::Pan => "pa",
        Lang::Pol => "pl",
        Lang::Por => "pt",
        Lang::Ron => "ro",
        Lang::Rus => "ru",
        Lang::Sin => "si",
        Lang::Slk => "sk",
        Lang::Slv => "sl",
        Lang::Sna => "sn",
        Lang::Srp => "sr",
        Lang::Swe => "sv",
        Lang::Tam => "ta",
        Lang::Tel => "te",
        Lang::Tha => "th",
        Lang::Tuk => "tk",
        Lang::Tgl => "tl",
        Lang::Tur => "tr",
        Lang::Ukr => "uk",
        Lang::Urd => "ur",
        Lang::Uzb => "uz",
        Lang::Vie => "vi",
        Lang::Yid => "yi",
        Lang::Cmn => "zh",
        Lang::Zul => "zu",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_cases() {
        for (text, expected) in [
            ("Le ministre de la Défense est arrivé mardi à Tripoli pour une visite de deux jours.", "fr"),
            ("The minister of defence arrived in Tripoli on Tuesday for a two-day visit with the generals.", "en"),
            ("Der Verteidigungsminister ist am Dienstag zu einem zweitägigen Besuch in Tripolis eingetroffen.", "de"),
            (
                "El ministro de Defensa llegó el martes a la ciudad y se reunió con los jefes del ejército; según el gobierno, habló también de la situación de los soldados heridos.",
                "es",
            ),
            ("وصل وزير الدفاع إلى طرابلس يوم الثلاثاء في زيارة تستغرق يومين", "ar"),
            ("国防部长周二抵达的黎波里进行为期两天的访问。", "zh"),
            ("国防大臣は火曜日にトリポリに到着し、二日間の訪問を始めた。", "ja"),
        ] {
            assert_eq!(detect_language(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn too_little_to_tell() {
        for text in ["", "   \n", "Oui", "12 345 678 901 234 567 890", "OK !", "🙂🙂🙂"] {
            assert_eq!(detect_language(text), None, "{text:?}");
        }
    }

    #[test]
    fn only_the_beginning_counts() {
        let french = "Le ministre de la Défense est arrivé mardi à Tripoli pour une visite de deux jours. ".repeat(30);
        let english = "The minister of defence arrived in Tripoli on Tuesday for a visit. ".repeat(300);
        assert_eq!(detect_language(&(french + &english)), Some("fr"));
    }
}
