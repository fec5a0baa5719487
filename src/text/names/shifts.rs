//! Letters that stand for one sound in one country and for another in the next.

/// `letters` (a to z) as another country would write the name, one for each shift that applies to it.
pub fn shifted(letters: &str) -> Vec<String> {
    [libyan, gulf, egyptian, ukrainian, levelled].iter().filter_map(|shift| shift(letters)).collect()
}

/// Libya says q as g, and French and classical Arabic know only k: Gaddafi, Kadhafi.
fn libyan(letters: &str) -> Option<String> {
    letters.strip_prefix("ga").map(|rest| format!("ka{rest}"))
}

/// So do the Gulf and parts of Iran, inside words, too: Aguila, Aqila. "Qu" before e and i is a k of French and Spanish.
fn gulf(letters: &str) -> Option<String> {
    (letters.contains('q') && !letters.contains("que") && !letters.contains("qui")).then(|| letters.replace('q', "gh"))
}

/// Egypt says g where others say dj: Gamal, Jamal.
fn egyptian(letters: &str) -> Option<String> {
    letters.strip_prefix("ga").map(|rest| format!("dzha{rest}"))
}

/// Ukrainian has h where Russian has g: Louhansk, Lougansk. The h of kh, sh and the like is none.
fn ukrainian(letters: &str) -> Option<String> {
    let at = letters
        .match_indices('h')
        .map(|(at, _)| at)
        .find(|&at| at > 0 && at + 1 < letters.len() && !b"cdgkprstz".contains(&letters.as_bytes()[at - 1]))?;
    Some(format!("{}gh{}", &letters[..at], &letters[at + 1..]))
}

/// A short u after another becomes e in the west and in Egypt: Yusuf, Youssef.
fn levelled(letters: &str) -> Option<String> {
    let stem = letters.trim_end_matches(|c| !"aeiouy".contains(c));
    let stem = stem.strip_suffix('e').filter(|before| stem.len() < letters.len() && !before.is_empty())?;
    let earlier = stem.trim_end_matches(|c| !"aeiouy".contains(c));
    (earlier.len() < stem.len() && earlier.ends_with(['o', 'u']))
        .then(|| format!("{stem}u{}", &letters[stem.len() + 1..]))
}
