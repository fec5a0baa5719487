//! The news agencies that an article names as its source.
//!
//! An agency is named in many ways, and most say nothing of where the text comes from. Two do, and each is known by the words
//! right around the name, in one line:
//!
//! - it **signs**: a dateline (`PARIS (Reuters) -`), a line that holds nothing else (`Le Monde avec AFP`), a name in brackets
//!   at the end of a paragraph (`(AFP)`);
//! - it is **cited**: it was told (`a déclaré à l'AFP`), it saw (`a constaté une journaliste de l'AFP`), others report what it
//!   wrote (`selon l'agence Interfax`).
//!
//! An agency that the news is about (`l'AFP a annoncé un plan social`) and the credit of a picture are neither. A name that
//! means other things as well (AP, MAP, Sputnik) is cited only with the word "agence" before it. In doubt there is no credit.

use std::sync::LazyLock;

use regex::Regex;

use crate::types::Span;

/// How an article credits an agency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CreditKind {
    /// The text, or most of it, is by the agency: it stands in a dateline, in a line of its own, or closes a paragraph.
    Signed,
    /// A statement of the text is by the agency.
    Cited,
}

/// A place where an article credits an agency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credit {
    /// The agency: AFP, Reuters, AP.
    pub agency: &'static str,
    /// How it is credited.
    pub kind: CreditKind,
    /// Where it is named, in bytes of the text.
    pub span: Span,
}

/// The agencies that `text` names as its source, in the order of the text: each as often as it is credited.
pub fn credits(text: &str) -> Vec<Credit> {
    let mut found = Vec::new();
    for name in NAME.find_iter(text) {
        let Some(agency) = agency(name.as_str()) else { continue };
        let span = Span::new(name.start(), name.end());
        if let Some(kind) = credited(text, span, agency) {
            found.push(Credit { agency: agency.name, kind, span });
        }
    }
    found
}

/// How the agency that `span` names is credited there, if it is.
fn credited(text: &str, span: Span, agency: &Agency) -> Option<CreditKind> {
    let start = text[..span.start].rfind('\n').map_or(0, |at| at + 1);
    let end = text[span.end..].find('\n').map_or(text.len(), |at| span.end + at);
    let (before, after) = (&text[start..span.start], &text[span.end..end]);
    if before.ends_with(['-', '_', '@', '#', '.']) || after.starts_with(['_', '@']) || AFTER_COMPOUND.is_match(after) {
        return None;
    }
    let is_last = || text[end..].trim().is_empty();
    if is_signed(before, after, is_last) {
        return Some(CreditKind::Signed);
    }
    is_cited(before, after, agency).then_some(CreditKind::Cited)
}

/// Whether the words of its line make the name a signature. `is_last` tells whether the line is the last of the text.
fn is_signed(before: &str, after: &str, is_last: impl Fn() -> bool) -> bool {
    if before.len() <= LONGEST_SIGNATURE && after.len() <= LONGEST_SIGNATURE {
        if LINE_BEFORE.is_match(before) && LINE_AFTER.is_match(after) {
            return true;
        }
        if OWNER_BEFORE.is_match(before) && LINE_AFTER.is_match(after) && is_last() {
            return true;
        }
    }
    if before.len() <= LONGEST_SIGNATURE && DATELINE_BEFORE.is_match(before) && DATELINE_AFTER.is_match(after) {
        return true;
    }
    let near = tail(before, LONGEST_SIGNATURE);
    CLOSING_AFTER.is_match(after) && CLOSING_BEFORE.is_match(near)
        || INSIDE_AFTER.is_match(after) && INSIDE_BEFORE.is_match(near)
}

/// Whether the sentence around the name says that the agency reported something.
fn is_cited(before: &str, after: &str, agency: &Agency) -> bool {
    let before = tail(before, SENTENCE);
    let Some(introduction) = INTRODUCTION.find(before) else { return false };
    if agency.is_ambiguous && !introduction.as_str().to_lowercase().contains("agence") {
        return false;
    }
    let before = &before[..introduction.start()];
    // What an earlier sentence says belongs to it.
    let sentence = SENTENCE_END
        .captures_iter(before)
        .last()
        .map_or(0, |end| end[1].len() + end.get(0).map_or(0, |whole| whole.start()));
    let before = &before[sentence..];
    CITED_BEFORE.is_match(before)
        || CITED_AFTER.is_match(after)
        || WITNESS_BEFORE.is_match(before) && (SAW_BEFORE.is_match(before) || SAW_AFTER.is_match(after))
}

/// The last characters of a text, at most so many bytes.
fn tail(text: &str, bytes: usize) -> &str {
    let mut start = text.len().saturating_sub(bytes);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    &text[start..]
}

/// Bytes of a line, on each side of a name, that can belong to a signature.
const LONGEST_SIGNATURE: usize = 90;

/// Bytes before a name that are looked at for who told, saw or reported.
const SENTENCE: usize = 160;

/// A news agency.
struct Agency {
    /// As it is shown.
    name: &'static str,
    /// As it is written, in patterns; case counts.
    spellings: &'static [&'static str],
    /// Whether its name means other things too.
    is_ambiguous: bool,
}

const fn agency_of(name: &'static str, spellings: &'static [&'static str]) -> Agency {
    Agency { name, spellings, is_ambiguous: false }
}

const fn ambiguous(name: &'static str, spellings: &'static [&'static str]) -> Agency {
    Agency { name, spellings, is_ambiguous: true }
}

/// The agencies that are known. No spelling is a spelling of two.
const AGENCIES: [Agency; 33] = [
    agency_of("AFP", &["AFP", "afp", "Afp", "Agence France[- ]Presse", "Agence française de presse", "France-Presse"]),
    agency_of("Reuters", &["Reuters", "REUTERS"]),
    agency_of("AP", &["Associated Press"]),
    ambiguous("AP", &["AP", "ap"]),
    ambiguous("EFE", &["EFE", "Efe"]),
    agency_of("ANSA", &["ANSA", "Ansa"]),
    agency_of("DPA", &["DPA", "dpa"]),
    agency_of("Belga", &["Belga", "BELGA"]),
    ambiguous("ATS", &["Keystone-ATS", "ATS", "ats"]),
    agency_of("Xinhua", &["Xinhua", "XINHUA", "Chine [Nn]ouvelle"]),
    agency_of("TASS", &["Itar-Tass", "ITAR-TASS", "TASS", "Tass"]),
    agency_of("Interfax", &["Interfax", "INTERFAX"]),
    agency_of("RIA Novosti", &["RIA[- ]Novosti", "Ria[- ]Novosti"]),
    agency_of("Anadolu", &["Anadolu"]),
    ambiguous("Bloomberg", &["Bloomberg", "BLOOMBERG"]),
    agency_of("PA", &["Press Association"]),
    ambiguous("PA", &["PA Media", "PA"]),
    agency_of("La Presse canadienne", &["La Presse [Cc]anadienne", "Presse [Cc]anadienne", "Canadian Press"]),
    ambiguous("MAP", &["MAP"]),
    ambiguous("APS", &["APS"]),
    ambiguous("TAP", &["TAP"]),
    ambiguous("Sputnik", &["Sputnik"]),
    agency_of("Kyodo", &["Kyodo(?: News)?"]),
    agency_of("Yonhap", &["Yonhap"]),
    agency_of("KCNA", &["KCNA"]),
    agency_of("IRNA", &["IRNA", "Irna"]),
    agency_of("ISNA", &["ISNA", "Isna"]),
    ambiguous("SANA", &["SANA", "Sana"]),
    ambiguous("SPA", &["SPA"]),
    agency_of("Europa Press", &["Europa Press"]),
    ambiguous("Lusa", &["Lusa"]),
    ambiguous("ANP", &["ANP"]),
    ambiguous("PAP", &["PAP"]),
];

/// Every agency as it is written, the longer spellings first.
static NAME: LazyLock<Regex> = LazyLock::new(|| pattern(&format!(r"\b(?:{})\b", spellings())));

fn spellings() -> String {
    let mut all: Vec<&str> = AGENCIES.iter().flat_map(|agency| agency.spellings).copied().collect();
    all.sort_by_key(|spelling| std::cmp::Reverse(spelling.len()));
    all.join("|")
}

/// The agency that is written so.
fn agency(name: &str) -> Option<&'static Agency> {
    static WHOLE: LazyLock<Vec<Regex>> = LazyLock::new(|| {
        AGENCIES.iter().map(|agency| pattern(&format!("^(?:{})$", agency.spellings.join("|")))).collect()
    });
    AGENCIES.iter().zip(WHOLE.iter()).find(|(_, whole)| whole.is_match(name)).map(|(agency, _)| agency)
}

fn pattern(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the patterns of this module are valid")
}

/// Puts the parts of a pattern together: `<A>` is an agency, `<L>` what stands between those of a list.
fn compose(written: &str) -> Regex {
    let agency = format!("(?:l['’] ?|les? )?(?:{})", spellings());
    pattern(&written.replace("<L>", LINK).replace("<A>", &agency))
}

/// What stands between the agencies of a list.
const LINK: &str = r"(?: ?[,/&+–-] ?| et | and )(?:les )?(?:agences?(?: ?[,/] ?| et ))?";

macro_rules! patterns {
    ($($(#[$doc:meta])* $name:ident = $pattern:expr;)*) => {
        $($(#[$doc])* static $name: LazyLock<Regex> = LazyLock::new(|| compose($pattern));)*
    };
}

patterns! {
    /// A longer name: `AP-HP`, `AFP Factuel`, `Bloomberg TV`, `Thomson Reuters Foundation`.
    AFTER_COMPOUND = r"^(?:[-–](?:HP|HM|\p{L}*\d|TV)|['’.]\p{L}|\.?\d| (?:Factuel|TV|News|Billionaires|Intelligence|Markets|Businessweek|Foundation|Photo|PHOTO|Archives)\b)";

    /// A line up to its agency: nothing, who else wrote it, `source :`.
    LINE_BEFORE = concat!(
        r"^[\s(\[*_•|–—-]*(?:(?i:texte )?(?i:par|by)\s*:?\s+)?",
        r"(?:(?:[\p{Lu}\d][\p{L}\p{M}\d.'’&+-]*(?:[ .,|]+[\p{L}\p{M}\d.'’&+-]+){0,5}[ ,|]*[\[(]?\s*)?(?:(?i:avec|with)\s+)(?:(?i:les )?(?i:agences?)\s*[,:(]?\s*)?|",
        r"(?i:sources?)\s*:?\s+|(?:©|\(c\)|(?i:copyright))\s*\d{4}\s*|\(\s*©\s*|(?i:copyright)\s*:?\s*)?",
        r"(?:<A><L>)*(?:l['’] ?|les? )?$"
    );

    /// A sign of ownership, which closes a text or stands under a picture.
    OWNER_BEFORE = r"^\s*©\s*$";

    /// The rest of such a line: other agencies, a service, the date.
    LINE_AFTER = concat!(
        r"^(?:<L><A>)*(?:\s?/\s?(?i:relaxnews|afprelaxnews)|[- ](?i:services?|agence|infos)\b|<L>(?i:les )?(?i:agences?))?",
        r"[\s)\].*_]*(?:[,|•·–—-]?\s*(?:(?i:publié|mis à jour|modifié|le )|\d{1,2}(?:er)?[ /.:h]).{0,60})?$"
    );

    /// The town, and sometimes the day, with which a dispatch begins.
    DATELINE_BEFORE = concat!(
        r"^[\s*_]*(?:\p{Lu}[\p{L}\p{M}.'’-]*(?:[ /,]+(?:\p{Lu}[\p{L}\p{M}.'’-]*|de|du|des|la|le|les|sur|en|el|al)){0,5}",
        r"(?:,? (?:(?i:lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche) )?(?:le )?\d{1,2}(?:er)? \p{L}{3,9}\.?(?: \d{4})?)?\s*[,–—-]?\s*)?",
        r"\((?:(?i:avec) )?(?:<A><L>)*$|^[\s*_]*$"
    );

    /// The end of a dateline: `) -`, or a dash where nothing came before.
    DATELINE_AFTER = r"^(?:<L><A>)*(?:\)\s*(?:[-–—:|]+\s|$)|\)\s+(?:\p{Lu}|[«“])|\s+[-–—|]+\s+\S)";

    /// A bracket after the end of a sentence.
    CLOSING_BEFORE = r#"[.!?…»”"]\s*\((?:(?i:avec|sources?) ?:? ?|© ?)?(?:<A><L>)*$"#;

    /// The end of a bracket that ends a line.
    CLOSING_AFTER = r"^(?:<L><A>)*(?:[-/]\w{2,9}\b)?\s?\)[\s.]*$";

    /// A bracket that says that it holds a source.
    INSIDE_BEFORE = r"\((?:(?i:avec) |(?i:sources?) ?:? ?)(?:<A><L>)*$";

    /// The end of such a bracket.
    INSIDE_AFTER = r"^(?:<L><A>)*(?:-\w{2,9}\b)?\s?\)";

    /// What leads to the name of an agency in a sentence: `l'`, `l'agence de presse officielle`.
    INTRODUCTION = concat!(
        r#"(?:^|[\s(«"'’])(?:(?:[lLd]['’]\s?)?(?:(?i:agences?)(?: (?:[\p{Ll}-]{3,16}|d['’][\p{L}]{3,12}|de presse)){0,5}\s*[«"“(]?\s?)|"#,
        r#"[lL]['’]\s?|[lL]a |[lL]e )?$"#
    );

    /// Where a sentence ends.
    SENTENCE_END = r#"([.!?…]["»”]?\s+)[\p{Lu}"«“]"#;

    /// Who told, or reported: the end of what stands before.
    CITED_BEFORE = concat!(
        r"(?i)(?:",
        // Told to an agency.
        r"(?:^|[\s'’(-])(?:(?:a|ont|avait|avaient|ayant|est|s['’]est|t-il|t-elle|t-on|tient|fait|fais)\s)?(?:[\p{L}]+\s){0,2}?",
        r"(?:déclar|indiqu|expliqu|confi|affirm|assur|précis|racont|confirm|annonc|soulign|ajout|estim|témoign|rapport|répond|répét|détaill|résum|regrett|déplor|dénonc|insist|révél|jug|décri|rappel|rétorqu|réagi|comment|analys|expos|signal|évoqu|martel|lanc|lâch|gliss|observ|promet|promis|plaid|pronosti|relat|nuanc|prévien|avert|résume|argu|démen|admet|admis|reconn|craign|constat)\p{L}{0,6}",
        r"(?:[ -]+[\p{L}\p{M}\d'’.-]+){0,6}[ ,]+(?:à|auprès de|pour)\s*|",
        r"(?:(?:a|ont|avait|avaient|est|était|t-on|ont|aurait) (?:\p{L}+ )?(?:dit|appris|fait savoir|fait part|transmis|communiqué)|dit(?:-il|-elle|-on)?|disent|disait|a-t-on (?:appris|indiqué|précisé|su))(?: [\p{L}\d'’-]+){0,5}[ ,]+(?:à|auprès de)\s*|",
        r"(?:s['’]|se |s'est )?(?:confi|entret|livr)\p{L}{1,4}(?: [\p{L}\d]+){0,2} (?:avec|à|auprès de)\s*|",
        // Reported by an agency.
        r"(?:selon|d['’]après|(?:interrog|contact|consult|joint|cit|rapport|vu|obten|recueilli|relay|diffus|rencontr|publi|révél|rassembl|réalis|effectu|compil|recens|calcul|établi|vérifi|authentifi|interview|sollicit|analys|réuni|collect)\p{L}{0,5}(?: (?:[\p{L}\d]+|d['’]\p{L}+)){0,2} par(?: [\p{L}]+ et)?)\s*|",
        r"(?:médias|journaux|agences|presse|journalistes),? dont\s*|",
        r"(?:décompte|comptage|bilan|calcul|dépêche|recensement|informations?)(?: [\p{L}]+){0,3} d[eu]\s*|",
        r"(?:constat(?:e|é)|appris|rapporte(?:nt)?|rapporté|relève|souligne|précise|précisé|indique|écrit|révèle|révélé|relate|signale|a eu connaissance|ont indiqué)(?: (?:lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|ainsi|notamment|aussi|sur place|encore))?\s*",
        r")$"
    );

    /// What an agency did, as the subject of what follows.
    CITED_AFTER = concat!(
        r"^,? (?:n['’]a pas pu|(?:a|avait|ont) (?:\p{L}+ )?(?:pu (?:consulter|constater|voir|vérifier|lire|se procurer|avoir|prendre|visionner|obtenir)|",
        r"(?:obtenu|eu|reçu|pris) (?:une )?(?:copie|connaissance|accès|confirmation)|consulté|constaté|recensé|interrogé|contacté|recueilli|rapporté|appris)|",
        r"(?:rapporte|précise|indique|recense|cite)\b(?: que| qu['’]|,|\.|$))"
    );

    /// People of an agency.
    WITNESS_BEFORE = r"(?i)(?:journalistes?|correspondant\p{L}{0,3}|photographes?|vidéastes?|équipes?|reporters?|caméramans?|cadreurs?|envoyée?s? spécia\p{L}{1,4})(?: \p{L}+){0,2}(?: de| d['’])?\s*$";

    /// That they saw something, before they are named.
    SAW_BEFORE = r"(?i)(?:constat\p{L}{1,3}|selon|d['’]après|rapport(?:é|e|ent)|observé|pu voir|vu|noté|relevé|appris|compté|entendu)\b(?:[ ,]+[\p{L}\d'’-]+){0,6}[ ,]*$";

    /// That they saw something, after they are named.
    SAW_AFTER = r"^(?: \p{L}+){0,3}?,? (?:sur place|présente?s?|(?:a|ont) (?:\p{L}+ )?(?:constat|pu (?:voir|constater|observer)|vu\b|observ|assisté|compté|entendu|not))";
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::CreditKind::{Cited, Signed};
    use super::*;

    fn found(text: &str) -> Vec<(&'static str, CreditKind)> {
        credits(text).into_iter().map(|credit| (credit.agency, credit.kind)).collect()
    }

    #[test]
    fn agencies_sign() {
        for (text, agencies) in [
            ("PARIS (Reuters) - Le port a rouvert lundi.", &["Reuters"][..]),
            ("PARIS, 22 août (AFP) - Le port a rouvert.", &["AFP"]),
            ("Brest, le 3 mai 2023 (AFP) — Le port a rouvert.", &["AFP"]),
            ("La Haye (AP) – Le port a rouvert.", &["AP"]),
            ("MOSCOU, 22 août (Xinhua) -- Le port a rouvert.", &["Xinhua"]),
            ("NEW YORK/WASHINGTON (Reuters) - Le port a rouvert.", &["Reuters"]),
            ("Rabat (MAP) - Le port a rouvert.", &["MAP"]),
            ("(AFP) - Le port a rouvert.", &["AFP"]),
            ("Reuters - Le port a rouvert.", &["Reuters"]),
            ("AFP", &["AFP"]),
            ("Par AFP", &["AFP"]),
            ("Par AFP agence", &["AFP"]),
            ("avec AFP et Reuters", &["AFP", "Reuters"]),
            ("Le Journal avec AFP", &["AFP"]),
            ("L'Écho avec l'AFP et Reuters", &["AFP", "Reuters"]),
            ("Le Journal.fr (avec AFP)", &["AFP"]),
            ("Par Le Journal avec AFP", &["AFP"]),
            ("Le Journal avec AFP, publié le 3 mai 2023 à 19h09", &["AFP"]),
            ("(ats/afp)", &["ATS", "AFP"]),
            ("AFP/Relaxnews", &["AFP"]),
            ("Source : AFP", &["AFP"]),
            ("Source AFP", &["AFP"]),
            ("Sources : AFP, Reuters, AP", &["AFP", "Reuters", "AP"]),
            ("(©AFP)", &["AFP"]),
            ("© 2023 AFP", &["AFP"]),
            ("Le port a rouvert.\n© AFP\n", &["AFP"]),
            ("Le port a rouvert. (AFP)", &["AFP"]),
            ("« Le port a rouvert » (Reuters, AFP)", &["Reuters", "AFP"]),
            ("Le port a rouvert (avec AFP) dans la nuit.", &["AFP"]),
        ] {
            let signed: Vec<_> = agencies.iter().map(|agency| (*agency, Signed)).collect();
            assert_eq!(found(text), signed, "{text}");
        }
    }

    #[test]
    fn agencies_are_cited() {
        for (text, agency) in [
            ("Le port a rouvert, a déclaré à l'AFP un porte-parole.", "AFP"),
            ("Le port a rouvert, a indiqué jeudi à l’AFP un porte-parole.", "AFP"),
            ("« Le port a rouvert », a-t-elle expliqué mardi 3 mai à l'Agence France-Presse.", "AFP"),
            ("Le port a rouvert, a-t-on appris auprès de l'AFP.", "AFP"),
            ("Le port a rouvert, dit-il à l'AFP.", "AFP"),
            ("Elle s'est confiée à l'AFP.", "AFP"),
            ("Selon l'AFP, le port a rouvert.", "AFP"),
            ("D'après Reuters, le port a rouvert.", "Reuters"),
            ("Le port a rouvert. Contactée par l'AFP, la ville se tait.", "AFP"),
            ("Le port a rouvert, a constaté un journaliste de l'AFP.", "AFP"),
            ("Un photographe de l'AFP présent sur place a vu le port rouvrir.", "AFP"),
            ("Le port a rouvert, rapporte l'AFP.", "AFP"),
            ("Dans un courrier que l'AFP a pu consulter, le port se plaint.", "AFP"),
            ("Le port se plaint dans une lettre dont l'AFP a obtenu copie.", "AFP"),
            ("Des propos rapportés par l'agence de presse officielle russe TASS.", "TASS"),
            ("Le port a rouvert, selon l'agence officielle APS.", "APS"),
            ("Le port a rouvert, a dit le maire à l'agence Bloomberg.", "Bloomberg"),
            ("Selon l'agence Chine nouvelle, le port a rouvert.", "Xinhua"),
            ("Selon un bilan établi par l'AFP, dix ports ont rouvert.", "AFP"),
        ] {
            assert_eq!(found(text), [(agency, Cited)], "{text}");
        }
    }

    #[test]
    fn what_is_no_credit() {
        for text in [
            "",
            "L'AFP a annoncé un plan social.",
            "L'AFP emploie 2.400 personnes.",
            "Le président de l'AFP a été reçu au ministère.",
            "L'Agence France-Presse (AFP) a annoncé un plan social.",
            "L'État apporte notamment six millions d'euros de plus à l'Agence France-Presse.",
            "Il est entré à l'AFP en 1998.",
            "Un journaliste de l'AFP a été tué mardi.",
            "Le prix a été remis à un photographe de Reuters.",
            "Photo : Jeanne Dupont / AFP",
            "Jeanne DUPONT / AFP",
            "(Crédit photo : J. DUPONT / ANP / AFP)",
            "© REUTERS/Jean Dupont",
            "© AFP\nLe port a rouvert.",
            "AFP PHOTO",
            "AFP/Archives",
            "L'AP-HP a rappelé, a-t-il déclaré à l'AP-HP.",
            "Selon la SPA, les chiens vont bien.",
            "Selon le MAP, les plages sont propres.",
            "Selon Bloomberg, qui est candidat, le port rouvrira.",
            "Le vaccin Sputnik, a-t-il indiqué.",
            "La PA du bureau a rouvert la porte.",
            "M. Mena Reutersward a parlé.",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }

    #[test]
    fn the_place_of_the_name_is_told() {
        let text = "Été à Brest\nLe Journal avec AFP\n";
        let [credit] = credits(text).try_into().unwrap();
        assert_eq!(&text[credit.span.range()], "AFP");
    }

    proptest! {
        #[test]
        fn places_are_in_order_and_name_the_agency(
            text in "(AFP|Reuters|avec |selon l'|\\(|\\)|à l'|a dit |\\. | - |\n|é|[A-Z]{2,5}|\\PC{0,4}){0,16}"
        ) {
            let mut end = 0;
            for credit in credits(&text) {
                prop_assert!(end <= credit.span.start);
                prop_assert_eq!(agency(&text[credit.span.range()]).map(|agency| agency.name), Some(credit.agency));
                end = credit.span.end;
            }
        }
    }
}
