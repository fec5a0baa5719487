//! A word in the letters a to z, and the parts of names that are written together.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// `word` in a to z: without its accents, and, where a sign stands for a sound of its own, with that sound spelled out, too.
/// Nothing for a word with other characters, such as digits.
pub fn romanised(word: &str) -> Vec<String> {
    let (mut plain, mut spelled) = (String::with_capacity(word.len()), String::with_capacity(word.len()));
    let mut characters = word.nfc().flat_map(char::to_lowercase).peekable();
    while let Some(c) = characters.next() {
        let ends = characters.peek().is_none();
        if let Some(latin) = cyrillic(c) {
            plain.push_str(latin);
            spelled.push_str(latin);
            continue;
        }
        let from = plain.len();
        match c {
            '\'' | '’' | '‘' | 'ʼ' | 'ʹ' | 'ʿ' | 'ʾ' | '-' | '\u{2010}' | '\u{2011}' => {}
            'ß' => plain.push_str("ss"),
            'œ' => plain.push_str("oe"),
            'æ' => plain.push_str("ae"),
            'ł' => plain.push('l'),
            'đ' => plain.push('d'),
            'ø' => plain.push('o'),
            'ı' => plain.push('i'),
            c => plain.extend(c.nfd().filter(|c| !is_combining_mark(*c))),
        }
        spelled.push_str(match c {
            'š' | 'ş' | 'ș' => "sh",
            'č' => "tch",
            'ž' => "zh",
            'ŝ' => "shch",
            'ǧ' => "dj",
            'ġ' => "gh",
            'ḫ' => "kh",
            'ç' => "ss",
            // At the end of a word it is heard, and e is not.
            'é' if ends => "eh",
            _ => &plain[from..],
        });
    }
    let mut forms = vec![plain];
    if spelled != forms[0] {
        forms.push(spelled);
    }
    forms.retain(|form| form.bytes().all(|letter| letter.is_ascii_lowercase()));
    forms
}

/// A small Cyrillic letter of Russian or Ukrainian in Latin ones (BGN/PCGN, which is what English newspapers write; г as in
/// Russian).
fn cyrillic(c: char) -> Option<&'static str> {
    Some(match c {
        'а' => "a",
        'б' => "b",
        'в' => "v",
        'г' | 'ґ' => "g",
        'д' => "d",
        'е' | 'э' => "e",
        'ё' => "yo",
        'є' => "ye",
        'ж' => "zh",
        'з' => "z",
        'и' | 'і' => "i",
        'ї' => "yi",
        'й' | 'ы' => "y",
        'к' => "k",
        'л' => "l",
        'м' => "m",
        'н' => "n",
        'о' => "o",
        'п' => "p",
        'р' => "r",
        'с' => "s",
        'т' => "t",
        'у' => "u",
        'ф' => "f",
        'х' => "kh",
        'ц' => "ts",
        'ч' => "tch",
        'ш' => "sh",
        'щ' => "shch",
        'ъ' | 'ь' => "",
        'ю' => "yu",
        'я' => "ya",
        _ => return None,
    })
}

/// A name of two words that is also written as one.
pub struct Compound<'w> {
    /// One spelling of the whole.
    pub whole: String,
    /// The part that is a name by itself.
    pub part: &'w str,
}

/// Arabic names around an article, whose vowel and whose l follow their neighbours: Abd al-Rahman, Abderrahmane, Abdurrahman;
/// Nasr ad-Din, Nasreddine, Nasruddin.
pub fn compound(letters: &str) -> Option<Compound<'_>> {
    let vowels = |c: char| "aeiouy".contains(c);
    if let Some(rest) = letters.strip_prefix("abd") {
        let stem = rest.trim_start_matches(vowels);
        let bytes = stem.as_bytes();
        let assimilated = bytes.len() > 1 && bytes[0] == bytes[1];
        return (stem.len() < rest.len() && (assimilated || stem.starts_with('l')))
            .then(|| Compound { whole: format!("abdal{}", &stem[1..]), part: &stem[1..] });
    }
    let stem = letters.strip_suffix("ddine").or_else(|| letters.strip_suffix("ddin"))?.trim_end_matches(vowels);
    (!stem.is_empty()).then(|| Compound { whole: format!("{stem}addin"), part: stem })
}
