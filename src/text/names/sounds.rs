//! From sounds to a key: what of them does not depend on who wrote the name.

use std::mem;

/// Consonants up to which a key tells a from e and i.
const FEW: usize = 2;

/// Sounds of one kind that follow each other.
#[derive(Debug, Default)]
struct Run {
    vowels: bool,
    sounds: String,
}

/// The key of a word that sounds like `sounds`; none for one with too few consonants.
pub fn key(sounds: &str) -> Option<String> {
    let mut runs = runs(sounds);
    if runs.len() > 1 && runs.last().is_some_and(|run| run.sounds == "h") {
        runs.pop();
    }
    let consonants: usize = runs.iter().filter(|run| !run.vowels).map(|run| run.sounds.len()).sum();
    if consonants == 0 || consonants == 1 && runs.len() < 3 {
        return None;
    }
    loosen_ending(&mut runs);
    part_first_cluster(&mut runs);
    drop_short_vowels(&mut runs);
    let fine = consonants <= FEW;
    let classes = |run: &Run| if run.vowels { classes(&run.sounds, fine) } else { run.sounds.clone() };
    Some(runs.iter().map(classes).collect())
}

/// Vowels and consonants by turns. Doubled consonants are one, and an i before another vowel is a glide that not every
/// spelling has (Ievkourov, Evkourov), but "io" is the ё that others write as e (Fiodor, Fedor).
fn runs(sounds: &str) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for sound in sounds.chars() {
        let vowels = "aeiouE".contains(sound);
        match runs.last_mut() {
            Some(run) if run.vowels == vowels => match (run.sounds.pop(), sound) {
                (Some('i'), 'o') => run.sounds.push('e'),
                (Some('i'), _) => run.sounds.push(sound),
                (Some(last), _) if vowels || last != sound => run.sounds.extend([last, sound]),
                _ => run.sounds.push(sound),
            },
            _ => runs.push(Run { vowels, sounds: sound.to_string() }),
        }
    }
    runs
}

/// Russian and Ukrainian endings differ in their vowel only, -ov, -ev, -iov, -iv and their feminine forms: Khrouchtchev,
/// Chruschtschow; Kharkiv, Kharkov.
fn loosen_ending(runs: &mut [Run]) {
    let ending = match runs {
        [_, .., vowel, v] if v.sounds == "v" => vowel,
        [_, .., vowel, v, a] if v.sounds == "v" && a.sounds == "a" => vowel,
        _ => return,
    };
    if ending.vowels && ending.sounds.chars().all(|sound| "eio".contains(sound)) {
        ending.sounds = "*".to_owned();
    }
}

/// Arabic begins no word with two consonants, and some spellings put a vowel between them, as they do in a Russian name:
/// Dbeibah, Debeibah; Dmitri, Dimitri. What French begins a word with stays.
fn part_first_cluster(runs: &mut Vec<Run>) {
    let Some(first) = runs.first_mut().filter(|run| !run.vowels && run.sounds.len() > 1) else { return };
    if first.sounds.starts_with(['s', 'c', 'x']) || first.sounds[1..].starts_with(['r', 'l']) {
        return;
    }
    let rest = first.sounds.split_off(1);
    let vowel = Run { vowels: true, sounds: "e".to_owned() };
    runs.splice(1..1, [vowel, Run { vowels: false, sounds: rest }]);
}

/// A short e or i in the middle of a word, after the first vowel and before the last, comes and goes: Téhéran, Tehran.
fn drop_short_vowels(runs: &mut Vec<Run>) {
    let mut kept: Vec<Run> = Vec::with_capacity(runs.len());
    let mut rest = mem::take(runs).into_iter().peekable();
    let mut had_vowel = false;
    let mut left = rest.len();
    while let Some(run) = rest.next() {
        left -= 1;
        let single = |run: Option<&Run>| run.is_some_and(|run| run.sounds.len() == 1);
        let short = run.vowels && matches!(run.sounds.as_str(), "e" | "i");
        if short && had_vowel && left >= 2 && single(kept.last()) && single(rest.peek()) {
            if let (Some(before), Some(after)) = (kept.last_mut(), rest.next()) {
                before.sounds.push_str(&after.sounds);
                left -= 1;
            }
        } else {
            had_vowel |= run.vowels;
            kept.push(run);
        }
    }
    *runs = kept;
}

/// The classes of vowels: `Y` for ai, ei and what is written so, `O` for o and u, `A` for the others, of which `I` takes e
/// and i where there are `few` consonants; `E` and `*` stay.
fn classes(vowels: &str, few: bool) -> String {
    let mut classes = String::with_capacity(vowels.len());
    let mut rest = vowels.chars().peekable();
    while let Some(vowel) = rest.next() {
        let class = match vowel {
            'a' | 'e' if rest.peek().is_some_and(|next| matches!(next, 'e' | 'i')) => {
                rest.by_ref().for_each(drop);
                'Y'
            }
            'o' | 'u' => 'O',
            'e' | 'i' if few => 'I',
            'a' | 'e' | 'i' => 'A',
            kept => kept,
        };
        if !classes.ends_with(class) {
            classes.push(class);
        }
    }
    classes
}
