//! Names: runs of words with capitals.
//!
//! - Particles belong to a run (`Rostov sur le Don`, `Charles de Gaulle`), titles do not (`M.`, `Mme`).
//! - The first word of a sentence has its capital from there: it counts for less, or not at all, where it is a word of grammar or
//!   stands without a capital elsewhere.
//! - What a bracket abbreviates is a name with two forms: `Armée nationale libyenne (ANL)`.
//! - A name of one word that ends a longer one of the same text is the same: `Haftar` and `Khalifa Haftar`.

use super::tokens::{Gap, Kind, Token, hash, is_title};
use crate::text::terms::{fold, is_stop_word};
use crate::types::Span;

/// A name, as one text has it.
#[derive(Clone, Debug)]
pub(super) struct Name {
    /// Where it stands first.
    pub(super) span: Span,
    /// Its words without particles: hash of the exact form, and what it says.
    pub(super) words: Vec<(u64, f32)>,
    /// The first word, as published.
    pub(super) first: Box<str>,
    /// The last word, as published.
    pub(super) last: Box<str>,
    /// Whether the capital may be that of a sentence.
    pub(super) is_doubtful: bool,
    /// The name of the text that this is another form of, or this itself.
    pub(super) entity: u32,
}

/// Words that a name has at most: longer runs are headings.
const LONGEST: usize = 8;

/// The most that a name says, however many words it has.
pub(super) const MOST: f32 = 1.5;

impl Name {
    /// What it says that two articles have it.
    pub(super) fn says(&self) -> f32 {
        self.words.iter().fold(0.0, |sum, word| sum + word.1).min(MOST)
    }
}

/// The names of a text, each form once, in the order of the text.
pub(super) fn names(tokens: &[Token<'_>], is_small: impl Fn(u64) -> bool) -> Vec<Name> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if !is_named(&tokens[at]) {
            at += 1;
            continue;
        }
        let end = run_end(tokens, at);
        if let Some(long) = abbreviated(tokens, at) {
            // What of the long form was taken for a name of its own.
            let start = tokens[long].span.start;
            found.truncate(found.iter().rposition(|name: &Name| name.span.start < start).map_or(0, |last| last + 1));
            let entity = found.len() as u32;
            push(&mut found, &tokens[long..at], None, &is_small);
            let is_known = found.len() as u32 > entity;
            push(&mut found, &tokens[at..=at], is_known.then_some(entity), &is_small);
            at += 1;
            continue;
        }
        push(&mut found, &tokens[at..end], None, &is_small);
        at = end;
    }
    distinct(found)
}

fn is_named(token: &Token<'_>) -> bool {
    matches!(token.kind, Kind::Capital | Kind::Capitals)
}

/// Where the run that begins at `start` ends.
fn run_end(tokens: &[Token<'_>], start: usize) -> usize {
    let mut end = start + 1;
    let mut at = end;
    while let Some(token) = tokens.get(at) {
        if !matches!(token.gap, Gap::Space | Gap::Elision) {
            break;
        }
        at += 1;
        if is_named(token) {
            end = at;
        } else if !is_particle(token.text) || at - end > 3 {
            break;
        }
    }
    end
}

/// Whether a minister is often named right behind the word: `le ministre de la Défense Sergueï Choïgou`.
fn is_office(form: &str) -> bool {
    matches!(
        form,
        "interieur"
            | "defense"
            | "sante"
            | "justice"
            | "economie"
            | "finances"
            | "culture"
            | "travail"
            | "education"
            | "etat"
            | "transports"
            | "agriculture"
            | "environnement"
            | "president"
            | "republique"
    )
}

fn is_particle(word: &str) -> bool {
    matches!(
        word,
        "de" | "du"
            | "des"
            | "la"
            | "le"
            | "les"
            | "sur"
            | "sous"
            | "en"
            | "di"
            | "da"
            | "do"
            | "dos"
            | "del"
            | "della"
            | "van"
            | "von"
            | "der"
            | "den"
            | "ben"
            | "bin"
            | "ibn"
            | "al"
            | "el"
            | "of"
            | "the"
            | "y"
            | "and"
    )
}

/// Where the words begin of which the token at `at`, in brackets, has the initials.
fn abbreviated(tokens: &[Token<'_>], at: usize) -> Option<usize> {
    let short = &tokens[at];
    if short.kind != Kind::Capitals
        || short.gap != Gap::Parenthesis
        || tokens.get(at + 1).is_some_and(|next| next.gap == Gap::Space)
    {
        return None;
    }
    let mut letters = short.text.chars().rev().filter(|c| c.is_alphabetic()).peekable();
    let mut start = at;
    let initial = |c: char| fold(c.encode_utf8(&mut [0; 4])).chars().next();
    while letters.peek().is_some() {
        if start == 0
            || at - start > LONGEST + 4
            || start < at && !matches!(tokens[start].gap, Gap::Space | Gap::Elision)
        {
            return None;
        }
        start -= 1;
        let word = tokens[start].text;
        let mut initials = word.rsplit(['-', '’', '\'']).filter_map(|part| part.chars().next()).peekable();
        let mut is_met = false;
        while let (Some(&letter), Some(&first)) = (letters.peek(), initials.peek()) {
            if initial(letter) != initial(first) {
                break;
            }
            is_met = true;
            letters.next();
            initials.next();
        }
        if !is_met && !is_particle(word) && !is_stop_word("fr", &fold(word)) {
            return None;
        }
    }
    Some(start)
}

/// Adds the name that a run of tokens is, if it is one; `entity` is the name that it abbreviates.
fn push(found: &mut Vec<Name>, run: &[Token<'_>], entity: Option<u32>, is_small: &impl Fn(u64) -> bool) {
    let mut run = run;
    let is_heading = run.len() > LONGEST || run.len() > 2 && run.iter().all(|token| token.kind == Kind::Capitals);
    let mut is_doubtful = false;
    while let Some(first) = run.first() {
        let is_opening = first.gap == Gap::Start && first.kind == Kind::Capital;
        let form = fold(first.text);
        let is_grammar = is_stop_word("fr", &form) || is_stop_word("en", &form) || is_particle(&form);
        let is_office = run.len() > 2 && is_office(&form);
        if !(is_title(first.text)
            || is_office
            || is_grammar && first.kind == Kind::Capital
            || is_opening && is_small(hash(first.text)))
        {
            is_doubtful = is_opening && run.len() == 1;
            break;
        }
        run = &run[1..];
    }
    let (Some(first), Some(last)) = (run.first(), run.last()) else { return };
    if is_heading {
        return;
    }
    let words: Vec<(u64, f32)> = run
        .iter()
        .filter(|token| !is_particle(token.text) && token.text.chars().nth(1).is_some())
        .map(|token| (hash(token.text), says(token)))
        .collect();
    if words.is_empty() {
        return;
    }
    let span = Span::new(first.span.start, last.span.end);
    let entity = entity.unwrap_or(found.len() as u32);
    found.push(Name { span, words, first: first.text.into(), last: last.text.into(), is_doubtful, entity });
}

/// Each form once, where it stands first; names of one word belong to the longer that they end.
fn distinct(found: Vec<Name>) -> Vec<Name> {
    let mut kept: Vec<Name> = Vec::with_capacity(found.len());
    let mut entities: Vec<u32> = Vec::with_capacity(found.len());
    for mut name in found {
        let known = kept.iter_mut().position(|other| {
            other.words.len() == name.words.len() && other.words.iter().zip(&name.words).all(|(a, b)| a.0 == b.0)
        });
        let place = known.unwrap_or(kept.len()) as u32;
        let entity = entities.get(name.entity as usize).copied();
        entities.push(entity.unwrap_or(place));
        match known {
            Some(known) => {
                kept[known].is_doubtful &= name.is_doubtful;
                if let Some(entity) = entity {
                    kept[known].entity = entity;
                }
            }
            None => {
                name.entity = entity.unwrap_or(place);
                kept.push(name);
            }
        }
    }
    for at in 0..kept.len() {
        if let [word] = kept[at].words[..] {
            let longer =
                kept.iter().find(|name| name.words.len() > 1 && name.words.last().is_some_and(|last| last.0 == word.0));
            if let Some(longer) = longer.filter(|longer| longer.entity != at as u32) {
                kept[at].entity = longer.entity;
            }
        }
    }
    kept
}

/// What it says that two articles have this word in a name.
fn says(token: &Token<'_>) -> f32 {
    let form = fold(token.text);
    if COMMON.binary_search(&form.as_str()).is_ok() {
        0.05
    } else if token.kind == Kind::Capitals && form.len() <= 5 {
        0.4
    } else if form.chars().count() <= 3 {
        0.3
    } else {
        0.6
    }
}

/// Words that are in names of many articles, whatever they are about: countries, large towns, first names, offices, media. Folded, ascending.
const COMMON: &[&str] = &[
    "adrien",
    "affaires",
    "afghanistan",
    "afp",
    "afrique",
    "agence",
    "agnes",
    "ahmed",
    "alain",
    "alexandre",
    "alexis",
    "alger",
    "algerie",
    "ali",
    "allemagne",
    "allemand",
    "allemands",
    "alsace",
    "americain",
    "americains",
    "amerique",
    "angela",
    "angeles",
    "angers",
    "angleterre",
    "anne",
    "antoine",
    "aout",
    "ap",
    "arabie",
    "argentine",
    "arnaud",
    "asie",
    "assemblee",
    "association",
    "atlantique",
    "australie",
    "autriche",
    "avril",
    "barack",
    "bbc",
    "belge",
    "belges",
    "belgique",
    "benjamin",
    "benoit",
    "bercy",
    "berlin",
    "bernard",
    "bertrand",
    "bfm",
    "bfmtv",
    "biden",
    "blanche",
    "bleu",
    "bordeaux",
    "boris",
    "bouchesdurhone",
    "bresil",
    "brest",
    "bretagne",
    "brigitte",
    "britannique",
    "britanniques",
    "bruno",
    "bruxelles",
    "c8",
    "californie",
    "canada",
    "canard",
    "castex",
    "catherine",
    "cdd",
    "cdi",
    "centre",
    "cgt",
    "charles",
    "chine",
    "chinois",
    "chirac",
    "christian",
    "christine",
    "christophe",
    "chu",
    "claire",
    "claude",
    "clinton",
    "cnews",
    "cnn",
    "comite",
    "commission",
    "conseil",
    "constitution",
    "coree",
    "corse",
    "cour",
    "covid",
    "covid19",
    "culture",
    "cyril",
    "danemark",
    "daniel",
    "david",
    "decembre",
    "defense",
    "didier",
    "dieu",
    "dijon",
    "dimanche",
    "direction",
    "dominique",
    "donald",
    "dr",
    "economie",
    "edouard",
    "education",
    "egypte",
    "ehpad",
    "elysee",
    "emmanuel",
    "eric",
    "espagne",
    "espagnol",
    "espagnols",
    "est",
    "etat",
    "etats",
    "etatsunis",
    "europe",
    "europeen",
    "europeenne",
    "europeens",
    "express",
    "exterieur",
    "fabrice",
    "facebook",
    "federation",
    "fevrier",
    "figaro",
    "finances",
    "finlande",
    "florence",
    "fn",
    "francais",
    "francaise",
    "francaises",
    "france",
    "franceinfo",
    "franck",
    "francois",
    "frederic",
    "front",
    "geneve",
    "george",
    "gerald",
    "gerard",
    "gilles",
    "google",
    "gouvernement",
    "grand",
    "grande",
    "grandebretagne",
    "grece",
    "grenoble",
    "guillaume",
    "guy",
    "haut",
    "haute",
    "hautsdefrance",
    "herve",
    "hexagone",
    "hollande",
    "hongrie",
    "hugo",
    "iledefrance",
    "inde",
    "info",
    "insee",
    "instagram",
    "institut",
    "inter",
    "interieur",
    "internet",
    "irak",
    "iran",
    "irlande",
    "isabelle",
    "israel",
    "italie",
    "italien",
    "italiens",
    "jacques",
    "james",
    "janvier",
    "japon",
    "jdd",
    "jean",
    "jeanclaude",
    "jeanfrancois",
    "jeanluc",
    "jeanmarie",
    "jeanmichel",
    "jeanpierre",
    "jerome",
    "jerusalem",
    "jeudi",
    "joe",
    "john",
    "journal",
    "juillet",
    "juin",
    "julien",
    "justice",
    "kiev",
    "laurent",
    "lci",
    "lepen",
    "lfi",
    "liban",
    "liberation",
    "libye",
    "lille",
    "loire",
    "londres",
    "los",
    "louis",
    "lr",
    "lrem",
    "lucas",
    "lundi",
    "lyon",
    "m6",
    "macron",
    "madame",
    "mademoiselle",
    "madrid",
    "maghreb",
    "mai",
    "maire",
    "maison",
    "mali",
    "manuel",
    "marc",
    "marche",
    "mardi",
    "marie",
    "marine",
    "maroc",
    "mars",
    "marseille",
    "martin",
    "match",
    "mathieu",
    "matignon",
    "matthieu",
    "maxime",
    "mediapart",
    "mediterranee",
    "melenchon",
    "mercredi",
    "merkel",
    "mesdames",
    "messieurs",
    "metz",
    "mexique",
    "michel",
    "ministere",
    "ministre",
    "mohamed",
    "monde",
    "monsieur",
    "montpellier",
    "moscou",
    "mouvement",
    "nancy",
    "nantes",
    "nathalie",
    "national",
    "nationale",
    "nations",
    "ndlr",
    "net",
    "new",
    "nice",
    "nicolas",
    "nicole",
    "nimes",
    "noel",
    "nord",
    "normandie",
    "norvege",
    "novembre",
    "obama",
    "obs",
    "occitanie",
    "octobre",
    "olivier",
    "oms",
    "onu",
    "organisation",
    "otan",
    "ouest",
    "palestine",
    "paques",
    "paris",
    "parisien",
    "parlement",
    "parti",
    "pascal",
    "patrick",
    "paul",
    "paysbas",
    "pdg",
    "pekin",
    "pen",
    "philippe",
    "pierre",
    "point",
    "police",
    "pologne",
    "portugal",
    "post",
    "poutine",
    "premier",
    "premiere",
    "president",
    "presidente",
    "provence",
    "ps",
    "quebec",
    "rabat",
    "radio",
    "rassemblement",
    "ratp",
    "reims",
    "rennes",
    "republicains",
    "republique",
    "reuters",
    "rhone",
    "richard",
    "rmc",
    "rn",
    "robert",
    "rome",
    "rouen",
    "roumanie",
    "royaumeuni",
    "rtl",
    "russe",
    "russes",
    "russie",
    "sahel",
    "saint",
    "sainte",
    "samedi",
    "sante",
    "sarkozy",
    "sebastien",
    "securite",
    "segolene",
    "seine",
    "seinesaintdenis",
    "senat",
    "septembre",
    "simon",
    "smic",
    "snapchat",
    "sncf",
    "sophie",
    "stephane",
    "strasbourg",
    "sud",
    "suede",
    "suisse",
    "suv",
    "sylvie",
    "syrie",
    "tele",
    "telegram",
    "terre",
    "tf1",
    "thierry",
    "thomas",
    "tiktok",
    "times",
    "tokyo",
    "toulon",
    "toulouse",
    "tours",
    "transition",
    "travail",
    "tripoli",
    "trump",
    "tunis",
    "tunisie",
    "turquie",
    "tweet",
    "twitter",
    "ue",
    "ukraine",
    "union",
    "unis",
    "us",
    "usa",
    "valerie",
    "vendredi",
    "vincent",
    "vladimir",
    "washington",
    "web",
    "whatsapp",
    "xavier",
    "yannick",
    "york",
    "youtube",
    "yvelines",
    "yves",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_words_are_folded_and_ascending() {
        assert!(COMMON.is_sorted_by(|a, b| a < b));
        assert!(COMMON.iter().all(|word| fold(word) == *word));
    }
}
