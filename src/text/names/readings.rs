//! How a word sounds when readers of four languages take it for one of their own.
//!
//! Sounds are written in ASCII: vowels `a e i o u`, `E` for an e at the end, and consonants by their usual letters, but for `c` (sh and tch: French
//! "ch" is one, English "ch" the other), `j` (zh and dj), `x` (ts) and `h` (h and kh). `s` is also z, since Germans write
//! one for the other: Selenskyj, Sarkawi.

/// French, English, German, German with "sch" for zh (Schukow), Spanish.
const READINGS: usize = 5;

/// What follows a grapheme.
enum Ahead {
    Anything,
    /// One of these letters.
    Letter(&'static str),
    /// The end of the word.
    End,
}
use Ahead::{Anything, End, Letter};

/// The graphemes whose sound is not that of their single letters, with their sound in each reading; of two that fit, the
/// first counts.
const GRAPHEMES: [(&str, Ahead, [&str; READINGS]); 40] = [
    ("tsch", Anything, ["c"; READINGS]),
    ("dsch", Anything, ["j"; READINGS]),
    ("sch", Anything, ["c", "c", "c", "j", "c"]),
    ("tch", Anything, ["c"; READINGS]),
    ("tsh", Anything, ["c"; READINGS]),
    ("ch", Anything, ["c", "c", "h", "h", "c"]),
    ("sh", Anything, ["c"; READINGS]),
    ("dzh", Anything, ["j"; READINGS]),
    ("zh", Anything, ["j"; READINGS]),
    ("dj", Anything, ["j", "j", "di", "di", "j"]),
    // The French often write kh for k, and say it so: Khadafi.
    ("kh", Anything, ["k", "h", "h", "h", "h"]),
    ("gh", Anything, ["g"; READINGS]),
    ("ph", Anything, ["f"; READINGS]),
    ("th", Anything, ["t"; READINGS]),
    ("dh", Anything, ["d"; READINGS]),
    ("rh", Anything, ["r"; READINGS]),
    ("ts", Anything, ["x"; READINGS]),
    ("tz", Anything, ["x"; READINGS]),
    ("ck", Anything, ["k"; READINGS]),
    ("qu", Letter("ei"), ["k"; READINGS]),
    ("q", Anything, ["k"; READINGS]),
    ("gu", Letter("ei"), ["g"; READINGS]),
    ("gg", Anything, ["g"; READINGS]),
    ("g", Letter("eiy"), ["j", "g", "g", "g", "h"]),
    ("c", Letter("eiy"), ["s", "s", "x", "x", "s"]),
    ("c", Anything, ["k"; READINGS]),
    ("j", Anything, ["j", "j", "i", "i", "h"]),
    ("z", Anything, ["s", "s", "x", "x", "s"]),
    ("x", Anything, ["ks"; READINGS]),
    ("w", Anything, ["u", "u", "v", "v", "u"]),
    ("off", End, ["ov"; READINGS]),
    ("eff", End, ["ev"; READINGS]),
    ("ou", Anything, ["u"; READINGS]),
    ("oo", Anything, ["u"; READINGS]),
    ("ee", Anything, ["i"; READINGS]),
    ("y", Letter("aeiou"), ["i", "i", "i", "i", "j"]),
    ("y", Anything, ["i"; READINGS]),
    // An e at the end is silent. After n and t the French write it so that both are heard: Poutine, Sadate. After others it
    // is no spelling of a name from these languages, and sounds like nothing else.
    ("ne", End, ["n"; READINGS]),
    ("te", End, ["t"; READINGS]),
    ("e", End, ["E"; READINGS]),
];

/// The sounds of `letters` (a to z) in each reading.
pub fn read(letters: &str) -> [String; READINGS] {
    let mut read: [String; READINGS] = Default::default();
    let mut rest = letters;
    while !rest.is_empty() {
        let grapheme = GRAPHEMES.iter().find(|(grapheme, ahead, _)| {
            rest.strip_prefix(grapheme).is_some_and(|after| match ahead {
                Anything => true,
                Letter(letters) => after.starts_with(|c| letters.contains(c)),
                End => after.is_empty(),
            })
        });
        let (length, sounds) =
            grapheme.map_or((1, [&rest[..1]; READINGS]), |(letters, _, sounds)| (letters.len(), *sounds));
        read.iter_mut().zip(sounds).for_each(|(read, sound)| read.push_str(sound));
        rest = &rest[length..];
    }
    read
}
