//! The analysis form of a text: one spelling for what readers take as the same characters.
//!
//! Sources differ in how they type an apostrophe, a quotation mark or a space, and pages are strewn with characters that
//! nobody sees. The analysis form removes those differences and nothing else: case, accents, dashes, digits and words
//! stay. It is what gets tokenised, embedded and compared; the stored text stays as published, so spans never refer to it.

use unicode_normalization::UnicodeNormalization;

/// The form of `text` that is analysed and embedded.
///
/// - Composed characters (Unicode NFC), so that composed and decomposed input give the same result.
/// - Apostrophes are `'`, double quotation marks and guillemets `"`, without the spaces that French sets inside « ».
/// - Every run of white space, line breaks and no-break spaces included, is one space; none at either end.
/// - Control characters and invisible ones (soft hyphen, zero-width space, byte order mark, direction marks) are gone.
///   The joiners that Arabic, Indic and emoji spelling need stay there, and go elsewhere.
///
/// Idempotent.
pub fn analysis_form(text: &str) -> String {
    let mut characters = visible(text.nfc()).nfc().peekable();
    let mut form = Form { text: String::with_capacity(text.len()), last: None };
    while let Some(c) = characters.next() {
        match c {
            c if c.is_whitespace() => form.push_space(),
            '«' | '‹' => {
                let opens = form.last.is_none_or(|last| !closes_word(last));
                form.push('"');
                if opens {
                    while characters.next_if(|next| next.is_whitespace()).is_some() {}
                }
            }
            '»' | '›' => {
                if !characters.peek().is_some_and(|next| next.is_alphanumeric()) {
                    form.pop_space();
                }
                form.push('"');
            }
            '“' | '”' | '„' | '‟' | '〝' | '〞' | '〟' | '＂' => form.push('"'),
            '’' | '‘' | '‚' | '‛' | 'ʼ' | '＇' => form.push('\''),
            '`' | '´' | '′' | 'ˈ' | 'ʹ'
                if form.ends_in_letter() && characters.peek().is_some_and(|n| n.is_alphabetic()) =>
            {
                form.push('\'');
            }
            c => form.push(c),
        }
    }
    form.pop_space();
    form.text
}

/// Whether nothing is left of `text` in analysis form: it is empty, or white space and invisible characters only.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || is_invisible(c) || is_joiner(c))
}

/// Whether a guillemet that follows `c` without a space ends a German quotation rather than opens a French one.
fn closes_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | ',' | '!' | '?' | '…' | ')' | ']' | '"')
}

/// The text under construction, with its last character at hand.
struct Form {
    text: String,
    last: Option<char>,
}

impl Form {
    fn push(&mut self, c: char) {
        self.text.push(c);
        self.last = Some(c);
    }

    /// Adds a space, unless there is one already or nothing before it.
    fn push_space(&mut self) {
        if self.last.is_some_and(|last| last != ' ') {
            self.push(' ');
        }
    }

    fn pop_space(&mut self) {
        if self.last == Some(' ') {
            self.text.pop();
            self.last = self.text.chars().next_back();
        }
    }

    fn ends_in_letter(&self) -> bool {
        self.last.is_some_and(char::is_alphabetic)
    }
}

/// The characters that a reader can tell are there, white space included.
fn visible(characters: impl Iterator<Item = char>) -> impl Iterator<Item = char> {
    let mut previous = None;
    characters.filter(move |&c| {
        let shown = !is_invisible(c) && (!is_joiner(c) || previous.is_some_and(may_be_joined));
        if shown {
            previous = Some(c);
        }
        shown
    })
}

/// Characters without a shape or a meaning of their own in running text.
pub(super) fn is_invisible(c: char) -> bool {
    match c {
        c if c.is_control() => !c.is_whitespace(),
        '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{FEFF}' | '\u{FFFC}' => true,
        '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FFF9}'..='\u{FFFB}' => true,
        _ => false,
    }
}

/// The zero-width non-joiner and joiner.
pub(super) fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200C}' | '\u{200D}')
}

/// Whether a joiner after `c` can mean something: scripts from Hebrew onwards and emoji, but neither Latin, Greek and
/// Cyrillic, nor white space, nor punctuation, nor another joiner.
fn may_be_joined(c: char) -> bool {
    c >= '\u{590}'
        && !matches!(c, '\u{1E00}'..='\u{206F}' | '\u{2C60}'..='\u{2C7F}' | '\u{A720}'..='\u{A7FF}' | '\u{3000}')
}

#[cfg(test)]
pub(super) use tests::strewn;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use unicode_normalization::is_nfc;

    #[test]
    fn one_spelling_for_the_same_text() {
        for (published, expected) in [
            ("", ""),
            ("  \u{A0}\n\t ", ""),
            ("L’été à l\u{2BC}hôtel d‘Arles", "L'été à l'hôtel d'Arles"),
            ("aujourd`hui, aujourd´hui", "aujourd'hui, aujourd'hui"),
            ("`code` et 5′ de plus", "`code` et 5′ de plus"),
            ("« Oui », dit-il", "\"Oui\", dit-il"),
            ("«\u{A0}Oui\u{202F}», dit-il", "\"Oui\", dit-il"),
            ("l’« affaire »", "l'\"affaire\""),
            ("Er sagte »ja« und ging", "Er sagte \"ja\" und ging"),
            ("“Yes” „Ja‟ ‹ non ›", "\"Yes\" \"Ja\" \"non\""),
            ("12\u{202F}000\u{A0}€\u{2009}!", "12 000 € !"),
            ("un\r\n\r\ndeux\u{2028}trois", "un deux trois"),
            ("gou\u{AD}ver\u{200B}ne\u{200C}ment", "gouvernement"),
            ("\u{FEFF}Bonjour\u{200E}\u{202C}\u{0}\u{7}", "Bonjour"),
            ("e\u{301}te\u{301}", "été"),
            ("e\u{200B}\u{301}", "é"),
            ("می\u{200C}خواهم", "می\u{200C}خواهم"),
            ("👩\u{200D}🚒", "👩\u{200D}🚒"),
            ("\u{200D}abc\u{200D}", "abc"),
        ] {
            assert_eq!(analysis_form(published), expected, "{published:?}");
        }
    }

    #[test]
    fn blank_texts_have_an_empty_form() {
        for text in ["", " \n\u{A0}", "\u{200B}\u{AD}", "\u{200D}"] {
            assert!(is_blank(text) && analysis_form(text).is_empty(), "{text:?}");
        }
        assert!(!is_blank(" . "));
    }

    /// Text rich in the characters that this module treats, among others.
    pub(crate) fn strewn() -> impl Strategy<Value = String> {
        let treated: Vec<char> =
            "aé1 .'\"`´′’‘«»‹›“\n\u{A0}\u{AD}\u{200B}\u{200C}\u{200D}\u{301}\u{308}\u{323}\u{FEFF}\u{1FEF}م👩(e"
                .chars()
                .collect();
        proptest::collection::vec(prop_oneof![4 => proptest::sample::select(treated), 1 => any::<char>()], 0..40)
            .prop_map(|characters| characters.into_iter().collect())
    }

    proptest! {
        #[test]
        fn idempotent(text in strewn()) {
            let form = analysis_form(&text);
            prop_assert_eq!(&analysis_form(&form), &form);
            prop_assert!(is_nfc(&form));
        }

        #[test]
        fn composed_and_decomposed_text_give_the_same_form(text in strewn()) {
            let decomposed: String = text.nfd().collect();
            let composed: String = text.nfc().collect();
            prop_assert_eq!(analysis_form(&decomposed), analysis_form(&composed));
        }

        #[test]
        fn white_space_is_single_and_inside(text in strewn()) {
            let form = analysis_form(&text);
            prop_assert!(!form.contains("  ") && form.trim() == form);
            prop_assert!(form.chars().all(|c| c == ' ' || !c.is_whitespace() && !c.is_control()));
        }

        #[test]
        fn blank_means_an_empty_form(text in strewn()) {
            prop_assert!(!is_blank(&text) || analysis_form(&text).is_empty());
        }
    }
}
