//! Keys under which the spellings of one name meet: Haftar and Hafter, Poutine and Putin, Khrouchtchev and Chruschtschow.
//!
//! Newspapers write Arabic, Russian and Ukrainian names as they sound to their readers, so each language has a spelling of
//! its own. A key says roughly how a name sounds. It is found in four steps, all of them rules of writing and of sound; there
//! is no list of names:
//!
//! 1. [`letters`]: the word in a to z. Cyrillic is romanised (BGN/PCGN), and so are the signs of ISO 9, DIN 1460 and DIN 31635
//!    (š, ž, ḫ, ǧ).
//! 2. [`readings`]: the word is read aloud as French, English, German and Spanish. "Ch" is sh in French, tch in English, kh
//!    in German; "j" is zh, dj, y and kh. What sounds the same in each of them gives one key.
//! 3. [`shifts`]: letters that stand for one sound in one country and for another in the next: q and g, Egyptian g and j,
//!    Ukrainian h and Russian g.
//! 4. [`sounds`]: vowels fall into few classes, since Arabic leaves the short ones unwritten and e is both a and i; what is
//!    silent, doubled, or put between two consonants goes.
//!
//! Two consonants at least are needed, or one between vowels. The fewer there are, the more the vowels count: with two,
//! a is one class and e, i and y another; from three on, all four are one. So Paris and Pérez share a key, and Poutine and
//! putain do not. A key is no proof: it is for finding what the exact word misses, in words that look like names.

mod letters;
mod readings;
mod shifts;
mod sounds;

#[cfg(test)]
mod tests;

/// Letters that a name has at least.
const SHORTEST: usize = 4;

/// Letters that a name has at most; longer words are no names, or several that have been glued together.
const LONGEST: usize = 32;

/// Keys that a word has at most. No word of ten years of French news has more; what is made of many ambiguous letters keeps
/// those by which it is read as it stands.
const MOST: usize = 12;

/// Keys under which spellings of one name meet; none for what cannot be a name. `word` as published or typed: one word, in
/// Latin or Cyrillic letters, any case, with or without accents, apostrophes and hyphens.
///
/// One to three keys as a rule, twelve at most, each of ASCII letters and `*`. The keys of a word without its accents are among those of the word.
///
/// ```
/// use voisin::text::name_keys;
///
/// let meet = |a, b| name_keys(a).iter().any(|key| name_keys(b).contains(key));
/// assert!(meet("Choïgou", "Shoigu") && meet("Jelzin", "ELTSINE") && meet("Лавров", "Lawrow"));
/// assert!(!meet("Poutine", "putain"));
/// ```
pub fn name_keys(word: &str) -> Vec<String> {
    let mut keys = Vec::new();
    for letters in letters::romanised(word) {
        let compound = letters::compound(&letters);
        add(compound.as_ref().map_or(&letters, |compound| &compound.whole), &mut keys);
        if let Some(compound) = compound {
            add(compound.part, &mut keys);
        }
    }
    keys.truncate(MOST);
    keys
}

/// Adds the keys of `letters` (a to z) that `keys` does not have yet.
fn add(letters: &str, keys: &mut Vec<String>) {
    if !(SHORTEST..=LONGEST).contains(&letters.len()) {
        return;
    }
    let mut heard: Vec<String> = Vec::new();
    let shifted = shifts::shifted(letters);
    for form in std::iter::once(letters).chain(shifted.iter().map(String::as_str)) {
        for sounds in readings::read(form) {
            if !heard.contains(&sounds) {
                keys.extend(sounds::key(&sounds).filter(|key| !keys.contains(key)));
                heard.push(sounds);
            }
        }
    }
}
