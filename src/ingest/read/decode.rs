//! Bytes to Unicode: UTF-8 first, then the encoding that old French files are in, and damage undone or counted.
//!
//! One unit at a time, a whole file or one line: a file that mixes encodings line by line is read right. UTF-16 is only
//! recognised here; [`stream`](super::stream) turns it into UTF-8 before lines are cut.

use std::borrow::Cow;

use chardetng::EncodingDetector;
use encoding_rs::{Encoding, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// Bytes that a guess looks at: enough for certainty, little enough for speed.
const SAMPLE_BYTES: usize = 1 << 20;

/// Text with what was done to get it.
#[derive(Debug, PartialEq, Eq)]
pub struct Decoded<'a> {
    /// The text, without byte-order mark.
    pub text: Cow<'a, str>,
    /// The encoding, where it is not UTF-8 and had to be guessed.
    pub guessed: Option<&'static Encoding>,
    /// Number of U+FFFD in the text, whether they stand for bytes here or were there before.
    pub replaced: u64,
}

/// Decodes one unit of text that is not UTF-16.
///
/// Valid UTF-8 is taken as it is. Otherwise the unit is damaged UTF-8 if it has at least as many good multi-byte
/// characters as bad bytes, and else in an older encoding: `legacy`, or what its own bytes look like.
pub fn decode<'a>(bytes: &'a [u8], legacy: Option<&'static Encoding>) -> Decoded<'a> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Decoded { replaced: count_replaced(text), text: Cow::Borrowed(text), guessed: None };
    }
    let (mut good, mut bad) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        good += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        bad += chunk.invalid().len();
    }
    let (text, guessed) = if good >= bad {
        (String::from_utf8_lossy(bytes), None)
    } else {
        let encoding = legacy.unwrap_or_else(|| guess_legacy(bytes));
        (encoding.decode_without_bom_handling(bytes).0, Some(encoding))
    };
    Decoded { replaced: count_replaced(&text), text, guessed }
}

fn count_replaced(text: &str) -> u64 {
    text.matches('\u{FFFD}').count() as u64
}

/// The older encoding that bytes which are not UTF-8 look like: Windows-1252 wherever they read as French.
pub fn guess_legacy(bytes: &[u8]) -> &'static Encoding {
    // Letters with accents, quotes, dashes, euro and no-break space of French, as Windows-1252 writes them. In
    // Cyrillic, Greek or Arabic encodings the other bytes are letters just as common: nine in ten tell French apart.
    const FRENCH: &[u8] = b"\x80\x85\x8C\x91\x92\x93\x94\x96\x97\x9C\xA0\xA9\xAB\xB0\xB2\xBB\
        \xC0\xC2\xC7\xC8\xC9\xCA\xCB\xCE\xCF\xD4\xD9\xDB\xE0\xE2\xE4\xE7\xE8\xE9\xEA\xEB\xEE\xEF\xF4\xF6\xF9\xFB\xFC";
    let first = bytes.iter().position(|b| !b.is_ascii()).unwrap_or(0);
    let sample = &bytes[first.saturating_sub(64)..];
    let sample = &sample[..sample.len().min(SAMPLE_BYTES)];
    let high = sample.iter().filter(|b| !b.is_ascii()).count();
    let french = sample.iter().filter(|b| FRENCH.contains(b)).count();
    let letters = sample.iter().filter(|b| b.is_ascii_alphabetic()).count();
    if french * 10 >= high * 9 && letters >= high {
        return WINDOWS_1252;
    }
    let mut detector = EncodingDetector::new();
    detector.feed(sample, true);
    detector.guess(Some(b"fr"), false)
}

/// Whether a stream is UTF-16, from its first bytes: its encoding, and the length of its byte-order mark.
///
/// Without a mark the zero bytes decide: two in five units of Latin text at least, all on the same side.
pub fn utf16(head: &[u8]) -> Option<(&'static Encoding, usize)> {
    if head.starts_with(b"\xFF\xFE") {
        return Some((UTF_16LE, 2));
    }
    if head.starts_with(b"\xFE\xFF") {
        return Some((UTF_16BE, 2));
    }
    let pairs = head.len() / 2;
    let zeros = |side: usize| head.chunks_exact(2).filter(|pair| pair[side] == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let most = |zeros: usize| pairs > 1 && zeros * 5 >= pairs * 2;
    match (most(even), most(odd)) {
        (false, true) if even == 0 => Some((UTF_16LE, 0)),
        (true, false) if odd == 0 => Some((UTF_16BE, 0)),
        _ => None,
    }
}

/// Text after the repair of UTF-8 that had been read as Windows-1252.
#[derive(Debug, PartialEq, Eq)]
pub struct Repair {
    /// The text put right, `None` where nothing had to be.
    pub text: Option<String>,
    /// Characters put right.
    pub repaired: u64,
    /// Places that look garbled and whose bytes are incomplete.
    pub left: u64,
}

/// Undoes `Ã©` for `é`, `â€™` for `’` and their like, once or several times over, wherever the bytes are exact.
///
/// Only sequences that no language writes are touched: `É»`, which ends a French quotation in capitals, is not.
pub fn repair(text: &str) -> Repair {
    let mut done = Repair { text: None, repaired: 0, left: 0 };
    // Text that was garbled twice needs two rounds; more than four never happen by accident.
    for _ in 0..4 {
        match repair_once(done.text.as_deref().unwrap_or(text)) {
            Some((better, count)) => {
                done.text = Some(better);
                done.repaired += count;
            }
            None => break,
        }
    }
    done.left = count_left(done.text.as_deref().unwrap_or(text));
    done
}

fn repair_once(text: &str) -> Option<(String, u64)> {
    let mut better = String::new();
    let (mut copied, mut count) = (0, 0);
    for at in suspects(text) {
        if at < copied {
            continue;
        }
        if let Some((character, length)) = undo(&text[at..]) {
            better.push_str(&text[copied..at]);
            better.push(character);
            copied = at + length;
            count += 1;
        }
    }
    better.push_str(&text[copied..]);
    (count > 0).then_some((better, count))
}

/// Bytes where one of `Â Ã Å â ð` stands: the only ones that a repaired sequence begins with.
fn suspects(text: &str) -> impl Iterator<Item = usize> + '_ {
    let pairs = text.as_bytes().windows(2).enumerate();
    pairs.filter(|(_, pair)| pair[0] == 0xC3 && matches!(pair[1], 0x82 | 0x83 | 0x85 | 0xA2 | 0xB0)).map(|(at, _)| at)
}

/// The character that the garbled sequence at the start of `text` stands for, and the bytes that it takes.
fn undo(text: &str) -> Option<(char, usize)> {
    let mut characters = text.char_indices();
    let lead = windows_1252(characters.next()?.1)?;
    let length = match lead {
        0xC2 | 0xC3 | 0xC5 => 2,
        0xE2 => 3,
        0xF0 => 4,
        _ => return None,
    };
    let mut bytes = [lead, 0, 0, 0];
    for byte in &mut bytes[1..length] {
        *byte = windows_1252(characters.next()?.1).filter(|b| (0x80..=0xBF).contains(b))?;
    }
    let plausible = match (lead, bytes[1]) {
        // No-break space, quotes, degree…: what stands alone in Latin-1.
        (0xC2, second) => second >= 0xA0,
        (0xC3, _) => true,
        // Œ œ Š š Ÿ Ž ž
        (0xC5, second) => matches!(second, 0x92 | 0x93 | 0xA0 | 0xA1 | 0xB8 | 0xBD | 0xBE),
        // General punctuation, euro, trade mark.
        (0xE2, second) => matches!(second, 0x80 | 0x82 | 0x84),
        (0xF0, second) => second == 0x9F,
        _ => false,
    };
    let character = std::str::from_utf8(&bytes[..length]).ok()?.chars().next().filter(|_| plausible)?;
    Some((character, characters.next().map_or(text.len(), |(at, _)| at)))
}

/// Damage of the same kind that cannot be undone: `â€` without its third byte, ` Ã ` where the no-break space is lost.
fn count_left(text: &str) -> u64 {
    let suspect = |at: &usize| {
        let rest = &text[*at..];
        let word = || !text[..*at].chars().next_back().is_some_and(char::is_alphanumeric);
        rest.starts_with("â€") || (rest.starts_with("Ã ") && word())
    };
    suspects(text).filter(suspect).count() as u64
}

/// The byte that Windows-1252 writes for a character; its five free places are the control codes of the same number.
fn windows_1252(character: char) -> Option<u8> {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8D}', 'Ž', '\u{8F}', '\u{90}', '‘',
        '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9D}', 'ž', 'Ÿ',
    ];
    match u32::from(character) {
        code @ 0..=0xFF => Some(code as u8),
        _ => HIGH.iter().position(|high| *high == character).map(|at| at as u8 + 0x80),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FRENCH: &str = "L’œuvre coûte 20 € à « l'été », près de Besançon : où êtes-vous, Noël ?";

    #[test]
    fn utf8_with_and_without_mark() {
        assert_eq!(decode("é".as_bytes(), None), Decoded { text: "é".into(), guessed: None, replaced: 0 });
        assert_eq!(decode(b"\xEF\xBB\xBF\xC3\xA9", None).text, "é");
    }

    #[test]
    fn french_in_windows_1252_is_read_as_french() {
        let (bytes, _, lost) = WINDOWS_1252.encode(FRENCH);
        assert!(!lost);
        let read = decode(&bytes, None);
        assert_eq!((read.text.as_ref(), read.guessed, read.replaced), (FRENCH, Some(WINDOWS_1252), 0));
        assert_eq!(
            decode(b"Une seule lettre accentu\xE9e dans la ligne", None).text.chars().filter(|c| *c == 'é').count(),
            1
        );
    }

    #[test]
    fn russian_is_not_taken_for_french() {
        let text = "Сегодня утром в городе открылась новая библиотека для детей и взрослых";
        let (bytes, _, _) = encoding_rs::WINDOWS_1251.encode(text);
        assert_eq!(decode(&bytes, None).text, text);
    }

    #[test]
    fn lone_bad_bytes_in_utf8_are_counted() {
        let mut bytes = FRENCH.as_bytes().to_vec();
        bytes.extend(b" \xFF fin \xE9.");
        let read = decode(&bytes, None);
        assert_eq!((read.replaced, read.guessed), (2, None));
        assert!(read.text.starts_with(FRENCH));
    }

    #[test]
    fn utf16_is_known_with_and_without_mark() {
        let little: Vec<u8> = FRENCH.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = FRENCH.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(utf16(&little), Some((UTF_16LE, 0)));
        assert_eq!(utf16(&big), Some((UTF_16BE, 0)));
        assert_eq!(utf16(b"\xFF\xFEa\0"), Some((UTF_16LE, 2)));
        assert_eq!(utf16(b"\xFE\xFF\0a"), Some((UTF_16BE, 2)));
        assert_eq!(utf16(FRENCH.as_bytes()), None);
        assert_eq!(utf16(b"\0\0\0\0\0\0\0\0"), None);
    }

    fn garble(text: &str) -> String {
        text.bytes()
            .map(|byte| {
                (0..=0x2122).filter_map(char::from_u32).find(|c| {
                    windows_1252(*c) == Some(byte)
                        && (!c.is_control() || c.is_ascii() || [0x81, 0x8D, 0x8F, 0x90, 0x9D].contains(&byte))
                })
            })
            .map(|c| c.expect("every byte has a character"))
            .collect()
    }

    #[test]
    fn garbled_french_is_put_right_once_and_twice_over() {
        let once = garble(FRENCH);
        assert!(once.contains("Ã©") && once.contains("â€™"), "{once}");
        let expected = FRENCH.chars().filter(|c| !c.is_ascii()).count() as u64;
        assert_eq!(repair(&once), Repair { text: Some(FRENCH.into()), repaired: expected, left: 0 });
        assert_eq!(repair(&garble(&once)).text.as_deref(), Some(FRENCH));
    }

    #[test]
    fn a_garbled_part_is_put_right_and_the_rest_is_kept() {
        assert_eq!(repair("déjÃ\u{A0} vu, cafÃ©").text.as_deref(), Some("déjà vu, café"));
    }

    #[test]
    fn true_text_is_left_alone() {
        for text in
            [FRENCH, "«CAFÉ»", "ÂGE, Âme, â, grâce…", "São Paulo, MAÇÃ", "Ångström", "«Ça»", "ΑΒΓ", "", "Ã", "â"]
        {
            assert_eq!(repair(text), Repair { text: None, repaired: 0, left: 0 }, "{text}");
        }
    }

    #[test]
    fn incomplete_damage_is_counted() {
        assert_eq!(repair("il a ditâ€ hier Ã la mer").left, 2);
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let text = decode(&bytes, None).text.into_owned();
            let _ = (repair(&text), utf16(&bytes), guess_legacy(&bytes));
        }

        #[test]
        fn latin_text_survives_garbling(text in "[a-zàçéèêëîïôùûœ’«»€ ]{0,60}") {
            let garbled = garble(&text);
            let back = repair(&garbled).text.unwrap_or(garbled);
            prop_assert_eq!(back, text);
        }
    }
}
