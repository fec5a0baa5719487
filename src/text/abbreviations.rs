//! Words whose full stop may not end a sentence, and words that open one. Tables only; [`super::sentences`] decides.

/// What the full stop after an abbreviation can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Abbreviation {
    /// It always leads to what follows: `M. Dupont`, `cf. Le Monde`.
    Joined,
    /// It leads to a number or a small letter, and ends the sentence before a capital: `art. 3`, `janv. 2020`, `etc.`
    BeforeNumber,
    /// A capital after it proves nothing, since names follow it: only a word that opens sentences ends the sentence.
    BeforeName,
}

/// The abbreviation that `word`, given without its last full stop, is. `before` is the text in front of the word.
pub(super) fn abbreviation(word: &str, before: &str) -> Option<Abbreviation> {
    use Abbreviation::{BeforeName, BeforeNumber, Joined};
    if matches!(word, "J.-C" | "J-C" | "J.C") {
        let dated = ["av.", "apr.", "avant", "après"].iter().any(|word| before.trim_end().ends_with(word));
        return Some(if dated { BeforeNumber } else { BeforeName });
    }
    match word {
        // French: people, saints, firms, streets.
        "M" | "MM" | "Mme" | "Mmes" | "Mlle" | "Mlles" | "Dr" | "Drs" | "Pr" | "Prs" | "Me" | "Mgr" | "St" | "Ste" | "Sts"
        | "Gal" | "Gén" | "Cdt" | "Cne" | "Col" | "Lt" | "Sgt" | "Adj" | "Sté" | "Ets" | "Bd" | "Bld" | "Av" | "Fg" | "Mt"
        // French: references.
        | "cf" | "Cf" | "vs" | "c.-à-d" | "p.ex" | "env" | "av" | "apr" | "ca" | "resp" | "hab"
        // English, German, Spanish.
        | "Mr" | "Mrs" | "Ms" | "Prof" | "Gen" | "Sen" | "Rep" | "Gov" | "Capt" | "Maj" | "Hon" | "Rev" | "e.g" | "i.e"
        | "approx" | "z.B" | "u.a" | "d.h" | "bzw" | "Sra" | "Srta" | "Dra" | "Ud" | "Uds" => return Some(Joined),
        "Jr" | "Sr" | "Cie" | "Inc" | "Ltd" | "Co" | "Corp" | "Bros" | "Univ" | "ex" | "Ch" | "Th" | "Ph" | "al" => {
            return Some(BeforeName);
        }
        _ => {}
    }
    if is_initials(word) {
        return Some(BeforeName);
    }
    if word.len() == 1 && word.bytes().all(|b| b.is_ascii_lowercase()) {
        return Some(BeforeNumber);
    }
    match word.to_lowercase().as_str() {
        "art" | "no" | "nos" | "n°" | "pp" | "vol" | "chap" | "fig" | "éd" | "tél" | "etc" | "nr" | "abs" | "str"
        | "pág" | "núm" | "janv" | "févr" | "fév" | "avr" | "juil" | "sept" | "oct" | "nov" | "déc" | "jan" | "feb"
        | "aug" | "dec" => Some(BeforeNumber),
        _ => None,
    }
}

/// Whether `word` is an initial or a dotted acronym: `J`, `J.-P`, `U.S.A`, `EE.UU`.
fn is_initials(word: &str) -> bool {
    let mut letters = word.chars();
    let single = letters.next().is_some_and(char::is_uppercase) && letters.next().is_none();
    single
        || word.contains('.')
            && word.split(['.', '-']).filter(|part| !part.is_empty()).all(|part| {
                let mut letters = part.chars();
                letters.next().is_some_and(char::is_uppercase)
                    && letters.next().is_none_or(char::is_alphabetic)
                    && letters.next().is_none()
            })
}

/// Whether `word`, which may be elided (`L'`), is one that opens sentences much more often than it belongs to a name.
pub(super) fn opens_sentences(word: &str) -> bool {
    if let Some((article, _)) = word.split_once(['\'', '’']) {
        return matches!(article, "C" | "J" | "L" | "N" | "S" | "Qu" | "Lorsqu" | "Puisqu" | "Jusqu" | "Aujourd");
    }
    matches!(
        word,
        "Il" | "Ils"
            | "Elle"
            | "Elles"
            | "On"
            | "Nous"
            | "Vous"
            | "Je"
            | "Tu"
            | "Ce"
            | "Cet"
            | "Cette"
            | "Ces"
            | "Cela"
            | "Ceci"
            | "Un"
            | "Une"
            | "Des"
            | "Les"
            | "Le"
            | "La"
            | "Leur"
            | "Leurs"
            | "Son"
            | "Sa"
            | "Ses"
            | "Notre"
            | "Nos"
            | "Tout"
            | "Tous"
            | "Mais"
            | "Et"
            | "Or"
            | "Donc"
            | "Car"
            | "Dans"
            | "En"
            | "Pour"
            | "Par"
            | "Sur"
            | "Selon"
            | "Avec"
            | "Sans"
            | "Après"
            | "Avant"
            | "Depuis"
            | "Alors"
            | "Ainsi"
            | "Puis"
            | "Si"
            | "Quand"
            | "Lors"
            | "Comme"
            | "Pourtant"
            | "Au"
            | "Aux"
            | "À"
            | "Plus"
            | "Enfin"
            | "Ensuite"
            | "Parmi"
            | "Malgré"
            | "Que"
            | "Qui"
            | "Pourquoi"
            | "The"
            | "He"
            | "She"
            | "It"
            | "They"
            | "We"
            | "This"
            | "That"
            | "These"
            | "But"
            | "And"
            | "In"
            | "However"
            | "There"
            | "Der"
            | "Das"
            | "Er"
            | "Sie"
            | "Es"
            | "Ein"
            | "Eine"
            | "Wir"
            | "El"
            | "Los"
            | "Las"
            | "Pero"
            | "Una"
    )
}

/// Whether `word` is a German month, before which a full stop makes a number an ordinal: `am 3. Oktober`.
pub(super) fn is_german_month(word: &str) -> bool {
    matches!(
        word,
        "Januar"
            | "Jänner"
            | "Februar"
            | "März"
            | "April"
            | "Mai"
            | "Juni"
            | "Juli"
            | "August"
            | "September"
            | "Oktober"
            | "November"
            | "Dezember"
    )
}

#[cfg(test)]
mod tests {
    use super::Abbreviation::{BeforeName, BeforeNumber, Joined};
    use super::*;

    #[test]
    fn words_and_their_class() {
        for (word, expected) in [
            ("M", Some(Joined)),
            ("Mme", Some(Joined)),
            ("cf", Some(Joined)),
            ("etc", Some(BeforeNumber)),
            ("Art", Some(BeforeNumber)),
            ("p", Some(BeforeNumber)),
            ("J", Some(BeforeName)),
            ("É", Some(BeforeName)),
            ("J.-P", Some(BeforeName)),
            ("U.S.A", Some(BeforeName)),
            ("EE.UU", Some(BeforeName)),
            ("Jr", Some(BeforeName)),
            ("lemonde.fr", None),
            ("fin", None),
            ("ONU", None),
            ("1.000", None),
            ("", None),
        ] {
            assert_eq!(abbreviation(word, ""), expected, "{word}");
        }
    }

    #[test]
    fn an_era_can_end_a_sentence_and_a_first_name_cannot() {
        assert_eq!(abbreviation("J.-C", "en 52 av. "), Some(BeforeNumber));
        assert_eq!(abbreviation("J.-C", "le député "), Some(BeforeName));
    }

    #[test]
    fn openers() {
        for word in ["Il", "L'accord", "C’est", "Qu'importe"] {
            assert!(opens_sentences(word), "{word}");
        }
        for word in ["Dupont", "D'Ormesson", "il", ""] {
            assert!(!opens_sentences(word), "{word}");
        }
    }
}
