//! The exact form of a word: one spelling for what readers take as the same word, however it is typed.

use unicode_normalization::UnicodeNormalization;

/// The exact form of a word: lower case, without accents, ligatures, apostrophes and invisible characters.
///
/// - Compatibility characters are resolved (Unicode NFKD); `œ` is `oe`, `æ` is `ae`, `ß` is `ss`, `ø` is `o`, `ł` is `l`.
/// - Marks over and under Latin, Greek and Cyrillic letters are gone (`ё` is `е`), but `й` is a letter of its own.
/// - Arabic: vowel signs and the tatweel are gone, every alef is bare, `ى` is `ي`, `ة` is `ه`. Hebrew: points are gone.
/// - The marks of other scripts are part of their words and stay.
///
/// Idempotent. Empty where nothing is left.
pub fn fold(word: &str) -> String {
    if word.is_ascii() {
        return word.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    }
    let lower = word.nfkd().flat_map(char::to_lowercase).nfkd();
    let mut form = String::with_capacity(word.len());
    for c in lower {
        match c {
            '\u{306}' if form.ends_with('и') => {
                form.pop();
                form.push('й');
            }
            c if is_dropped_mark(c) => {}
            'œ' => form.push_str("oe"),
            'æ' => form.push_str("ae"),
            'ß' => form.push_str("ss"),
            'þ' => form.push_str("th"),
            'ø' => form.push('o'),
            'ł' => form.push('l'),
            'đ' | 'ð' => form.push('d'),
            'ħ' => form.push('h'),
            'ı' => form.push('i'),
            'ς' => form.push('σ'),
            'ٱ' => form.push('ا'),
            'ى' | 'ی' => form.push('ي'),
            'ة' => form.push('ه'),
            'ک' => form.push('ك'),
            c if c.is_alphanumeric() || unicode_normalization::char::is_combining_mark(c) => form.push(c),
            _ => {}
        }
    }
    // What stood between two marks may be gone, and marks have an order.
    form.nfc().collect()
}

/// Marks that a word is read the same without.
fn is_dropped_mark(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36F}' | '\u{483}'..='\u{487}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}'
        | '\u{20D0}'..='\u{20FF}' | '\u{FE20}'..='\u{FE2F}'
        | '\u{591}'..='\u{5C7}'
        | '\u{610}'..='\u{61A}' | '\u{640}' | '\u{64B}'..='\u{65F}' | '\u{670}' | '\u{6D6}'..='\u{6ED}')
}
