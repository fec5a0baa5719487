use anstream::adapter::strip_str;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::html::Report;
use super::*;
use crate::dedup::blocks::{Block, blocks};
use crate::dedup::comparison::{Member, Precedence, Relation, SharedStretch, Side};
use crate::dedup::credits::{Credit, CreditKind};
use crate::dedup::facts::{FactKind, SharedFact};
use crate::store::Header;
use crate::text::shingles::Overlap;
use crate::types::{ArticleId, CharSpan, Span};

const FIRST: &str = "🚒 Le feu qui ravage depuis lundi la forêt de Sauveterre a déjà détruit 1 200 hectares de pins, a annoncé mardi la \
préfecture. Près de 340 pompiers et six avions sont engagés contre les flammes, qui progressent vers le sud.\n\
« Le vent ne nous aide pas », a déclaré le colonel Ievkourov, qui dirige les secours.\n\
Lire aussi : Nos conseils pour l’été\n\
Deux campings ont été évacués dans la nuit, sans faire de blessés. Les habitants du hameau des Ormes ont passé la nuit dans \
le gymnase du bourg.\n\
La route départementale reste coupée dans les deux sens. (AFP)";

const SECOND: &str = "🚒 Le feu qui ravage depuis lundi la forêt de Sauveterre a détruit 1 850 hectares de pins, a annoncé mercredi la \
préfecture. Près de 340 pompiers et huit avions sont engagés contre les flammes, qui progressent vers le sud.\n\
La route départementale reste coupée dans les deux sens.\n\
« Le vent ne nous aide pas », a déclaré le colonel Evkourov, qui dirige les secours.\n\
Un homme de 47 ans a été placé en garde à vue, a indiqué le parquet. Il est soupçonné d’avoir jeté un mégot au bord de la \
route, ce qu’il nie.\n\
Deux campings ont été évacués dans la nuit, sans faire de blessés.\n\
© Le Quotidien des Sables – avec AFP";

/// The place of a phrase, which stands in the text once.
fn place(text: &str, phrase: &str) -> Span {
    assert_eq!(text.matches(phrase).count(), 1, "{phrase}");
    let start = text.find(phrase).unwrap();
    Span::new(start, start + phrase.len())
}

fn header(id: i64, key: &str, title: &str, date: &str, source: &str) -> Header {
    Header {
        id: ArticleId(id),
        key: key.into(),
        title: Some(title.into()).filter(|title: &String| !title.is_empty()),
        date: date.parse().ok(),
        url: Some(format!("https://example.org/{key}")),
        source: Some(source.into()),
        language: Some("fr".into()),
    }
}

fn side(header: Header, text: &str, share: f32) -> Side {
    Side { header, text: text.into(), share, credits: Vec::new(), furniture: Vec::new() }
}

/// A stretch from its equal parts, given as the phrases of both.
fn stretch(a: &str, b: &str, equal: &[(&str, &str)]) -> SharedStretch {
    let equal: Vec<(Span, Span)> = equal.iter().map(|(in_a, in_b)| (place(a, in_a), place(b, in_b))).collect();
    let whole = |first: Span, last: Span| Span::new(first.start, last.end);
    let (first, last) = (equal[0], equal[equal.len() - 1]);
    SharedStretch { a: whole(first.0, last.0), b: whole(first.1, last.1), equal }
}

/// A fire, and what a paper made of it the day after: edits, something new, a passage moved, furniture, credits and facts.
fn update() -> Comparison {
    let same = |phrase: &'static str| (phrase, phrase);
    let stretches = vec![
        stretch(
            FIRST,
            SECOND,
            &[
                same("🚒 Le feu qui ravage depuis lundi la forêt de Sauveterre a"),
                same("détruit 1"),
                same("hectares de pins, a annoncé"),
                same("la préfecture. Près de 340 pompiers et"),
                same("avions sont engagés contre les flammes, qui progressent vers le sud."),
            ],
        ),
        stretch(
            FIRST,
            SECOND,
            &[same("« Le vent ne nous aide pas », a déclaré le colonel"), same("qui dirige les secours.")],
        ),
        stretch(FIRST, SECOND, &[same("Deux campings ont été évacués dans la nuit, sans faire de blessés.")]),
        stretch(FIRST, SECOND, &[same("La route départementale reste coupée dans les deux sens.")]),
    ];
    let mut a = side(
        header(1, "feu-1", "Le feu de Sauveterre gagne du terrain", "2020-07-02", "Le Courrier du Fleuve"),
        FIRST,
        0.784,
    );
    a.credits = vec![Credit { agency: "AFP", kind: CreditKind::Signed, span: place(FIRST, "AFP") }];
    a.furniture = vec![place(FIRST, "Lire aussi : Nos conseils pour l’été\n")];
    let mut b = side(
        header(2, "feu-2", "Sauveterre : un homme en garde à vue", "2020-07-04", "Le Quotidien des Sables"),
        SECOND,
        0.642,
    );
    b.credits = vec![Credit { agency: "AFP", kind: CreditKind::Signed, span: place(SECOND, "AFP") }];
    b.furniture = vec![place(SECOND, "© Le Quotidien des Sables – avec AFP")];
    let fact = |kind, in_a: &str, in_b| SharedFact {
        kind,
        a: place(FIRST, in_a),
        b: place(SECOND, in_b),
        weight: in_a.len() as f32 / 20.0,
    };
    let facts = vec![
        fact(FactKind::Name, "Sauveterre", "Sauveterre"),
        fact(FactKind::Name, "Ievkourov", "Evkourov"),
        fact(FactKind::Number, "340 pompiers", "340 pompiers"),
        fact(FactKind::Quotation, "« Le vent ne nous aide pas »", "« Le vent ne nous aide pas »"),
    ];
    Comparison {
        relation: Some(Relation::Updated),
        confidence: 0.93,
        a,
        b,
        precedence: Precedence::Known,
        minutes: None,
        overlap: Overlap { jaccard: 0.4321, a_in_b: 0.61, b_in_a: 0.55 },
        closeness: Some(0.912),
        stretches,
        facts,
    }
}

/// The same event in other words: no stretch, and texts of others that try to be more than text.
fn hostile() -> Comparison {
    let (first, second) = (
        "Le maire d’Yzernac a démissionné. </script><script>alert(1)</script> <!-- <b>fin</b>",
        "À Yzernac, l’édile s’en va. \u{202e}sreinned\u{2066} <img src=x onerror=alert(2)> \x1b[31m",
    );
    let name =
        SharedFact { kind: FactKind::Name, a: place(first, "Yzernac"), b: place(second, "Yzernac"), weight: 0.5 };
    let mut a = side(header(3, "m<1>", "</script><img src=x onerror=alert(3)>", "2021", "\"><script>"), first, 0.0);
    a.header.url = Some("javascript:alert(4)".into());
    let mut b = side(header(4, "m-2", "استقالة رئيس البلدية", "", "Info & Cie"), second, 0.0);
    b.header.language = Some("ar".into());
    Comparison {
        relation: Some(Relation::SameStory),
        confidence: 0.61,
        a,
        b,
        precedence: Precedence::Undated,
        minutes: None,
        overlap: Overlap { jaccard: 0.0, a_in_b: 0.0, b_in_a: 0.0 },
        closeness: Some(0.874),
        stretches: Vec::new(),
        facts: vec![name],
    }
}

/// A text and its copy, which is the same but for white space.
fn identical() -> Comparison {
    let text = "Le conseil a voté le budget. ".repeat(60);
    let a = side(header(5, "budget-1", "Le budget est voté", "2020-07-02", "Gazette"), &text, 1.0);
    let b = side(header(6, "budget-2", "", "2020-07-02", "Gazette"), &text, 1.0);
    Comparison {
        minutes: None,
        relation: Some(Relation::Identical),
        confidence: 1.0,
        a,
        b,
        precedence: Precedence::SameTime,
        overlap: Overlap::whole(),
        closeness: None,
        stretches: Vec::new(),
        facts: Vec::new(),
    }
}

/// The fire with a number of versions, the second of which is that of [`update`].
fn versions(members: usize) -> Group {
    let member = |at: usize| Member {
        article: match at {
            0 => update().b.header,
            _ => {
                let date = ["2020-07-04", "2020-07", "2020-07-05", ""][at % 4];
                header(
                    10 + at as i64,
                    &format!("feu-{}", at + 2),
                    "Incendie à Sauveterre : les secours sur place",
                    date,
                    "Info",
                )
            }
        },
        relation: Relation::ALL[(at + 2) % 6],
        confidence: 0.93 - 0.004 * at as f32,
        overlap: Overlap { jaccard: 0.43, a_in_b: 0.61, b_in_a: if at == 1 { 1.0 } else { 0.55 } },
        share_of_first: 0.61,
        share: if at == 1 { 1.0 } else { 0.55 },
        minutes: None,
        precedence: Precedence::Known,
    };
    Group { representative: update().a.header, members: (0..members).map(member).collect() }
}

/// As a terminal shows it: with its colours, whose escapes are made readable, or without.
fn shown(text: &str, colours: bool) -> String {
    if colours { text.replace('\x1b', "␛") } else { strip_str(text).to_string() }
}

#[test]
fn a_pair_in_full() {
    for width in [40, 60, 100, 160] {
        let look = Look { width, colours: false };
        let text = terminal::comparison(&update(), look, Detail::Full);
        insta::assert_snapshot!(format!("update_{width}"), shown(&text, false));
    }
    let text = terminal::comparison(&update(), Look { width: 100, colours: true }, Detail::Full);
    insta::assert_snapshot!("update_colours", shown(&text, true));
    for (name, comparison) in [("same_story", hostile()), ("identical", identical())] {
        let text = terminal::comparison(&comparison, Look { width: 100, colours: false }, Detail::Full);
        insta::assert_snapshot!(name, shown(&text, false));
    }
}

#[test]
fn lists_of_pairs_and_groups() {
    let look = Look { width: 100, colours: false };
    let pairs: Vec<String> =
        [update(), hostile(), identical()].iter().map(|pair| terminal::comparison(pair, look, Detail::Brief)).collect();
    insta::assert_snapshot!("list_of_pairs", shown(&pairs.join("\n"), false));
    insta::assert_snapshot!("group_of_4", shown(&terminal::group(&versions(3), look, Detail::Brief), false));
    insta::assert_snapshot!("group_of_61", shown(&terminal::group(&versions(60), look, Detail::Brief), false));
    assert_eq!(terminal::group(&versions(60), look, Detail::Full).lines().count(), 61);
}

#[test]
fn nothing_speaks_to_the_terminal() {
    let text = terminal::comparison(&hostile(), Look { width: 100, colours: true }, Detail::Full);
    assert!(!text.contains("\x1b[31m") && !text.contains('\u{202e}') && text.contains("<img"), "{text}");
}

#[test]
fn edits_are_seen_with_and_without_colours() {
    let of = |colours| terminal::comparison(&update(), Look { width: 160, colours }, Detail::Full);
    let plain = shown(&of(false), false);
    assert!(plain.contains("[-déjà-]") && plain.contains("{+huit+}"), "{plain}");
    let coloured = of(true);
    assert!(!coloured.contains("[-") && !coloured.contains("{+"));
    assert!(coloured.contains("\x1b[1m\x1b[31mdéjà") && coloured.contains("\x1b[32mhuit"), "{coloured}");
}

#[test]
fn agencies_are_a_hint() {
    let credit = |agency, kind| Credit { agency, kind, span: Span::new(0, 1) };
    let said = |a: &[Credit], b: &[Credit]| {
        let mut comparison = identical();
        (comparison.a.credits, comparison.b.credits) = (a.to_vec(), b.to_vec());
        words::credits(&comparison).unwrap_or_default()
    };
    use CreditKind::{Cited, Signed};
    let (afp, cited, reuters) = (credit("AFP", Signed), credit("AFP", Cited), credit("Reuters", Cited));
    assert_eq!(said(&[], &[]), "");
    assert_eq!(
        said(&[afp.clone(), reuters.clone()], &[afp.clone(), afp.clone()]),
        "both are signed AFP: perhaps one dispatch"
    );
    assert_eq!(said(std::slice::from_ref(&afp), std::slice::from_ref(&cited)), "both name AFP: perhaps one source");
    assert_eq!(said(&[afp, reuters.clone()], &[]), "A is signed AFP, A cites Reuters");
    assert_eq!(said(&[cited], &[reuters]), "A cites AFP, B cites Reuters");
}

#[test]
fn objects_count_characters() {
    let comparison = update();
    let object = json!(wire::Comparison::from(&comparison));
    let slice = |text: &str, place: &Value| {
        let place = |end: &str| place[end].as_u64().unwrap() as usize;
        text.chars().skip(place("start")).take(place("end") - place("start")).collect::<String>()
    };
    let both = |place: &Value| (slice(FIRST, &place["a"]), slice(SECOND, &place["b"]));
    for (stretch, value) in comparison.stretches.iter().zip(object["stretches"].as_array().unwrap()) {
        assert_eq!(both(value), (FIRST[stretch.a.range()].into(), SECOND[stretch.b.range()].into()));
        assert_eq!(value["equal"].as_array().unwrap().len(), stretch.equal.len());
        for equal in value["equal"].as_array().unwrap() {
            let (a, b) = both(equal);
            assert_eq!(a, b);
        }
    }
    let fact = &object["facts"][1];
    assert_eq!(both(fact), ("Ievkourov".into(), "Evkourov".into()));
    assert_eq!((&fact["kind"], &fact["a"]["text"]), (&"name".into(), &"Ievkourov".into()));
    assert_eq!(slice(SECOND, &object["credits"]["b"][0]), "AFP");
    insta::assert_json_snapshot!("pair", object);
    insta::assert_json_snapshot!("group", wire::Group::from(&versions(2)));
    let nothing = Comparison { relation: None, ..hostile() };
    assert_eq!(json!(wire::Comparison::from(&nothing))["relation"], Value::Null);
}

fn page() -> String {
    let (groups, comparisons) = ([versions(3)], [update(), hostile()]);
    let report = Report {
        title: "</title><script>alert(0)</script>",
        made: "2026-11-21",
        articles: 31,
        groups: &groups,
        comparisons: &comparisons,
    };
    let mut page = Vec::new();
    html::write(&mut page, &report).unwrap();
    String::from_utf8(page).unwrap()
}

/// The block of JSON with a name.
fn data(page: &str, id: &str) -> Value {
    let (_, rest) = page.split_once(&format!("<script type=\"application/json\" id=\"{id}\">")).unwrap();
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

#[test]
fn a_page_runs_no_script_but_ours() {
    let page = page();
    for hostile in ["<script>", "<img", "<!--", "<b>", "</title><"] {
        assert!(!page.contains(hostile), "{hostile}");
    }
    let blocks = page.matches("<script type=\"application/json\"").count();
    assert_eq!(blocks, 1 + 2 + 4, "the index, two pairs, four texts");
    assert_eq!(page.matches("<script").count(), blocks + 1);
    assert_eq!(page.matches("</script>").count(), blocks + 1);
    let (_, nonce) = page.split_once("script-src 'nonce-").unwrap();
    assert!(page.contains(&format!("<script nonce=\"{}\">", &nonce[..32])));
    for way in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
        assert!(!page.contains(way), "{way}");
    }
    // What was said is there all the same.
    assert_eq!(data(&page, "index")["title"], "</title><script>alert(0)</script>");
    assert_eq!(data(&page, "text-4")["text"], hostile().a.text);
}

#[test]
fn a_page_asks_nobody_for_anything() {
    let page = page();
    assert!(page.contains("default-src 'none'"));
    let code = page
        .split("<script type=\"application/json\"")
        .map(|part| part.split_once("</script>").map_or(part, |(_, code)| code));
    let code: String = page.split("<script type").next().into_iter().chain(code.skip(1)).collect();
    for way in [" src=", "url(", "@import", "<link", "fetch(", "XMLHttpRequest", "import("] {
        assert!(!code.contains(way), "{way}");
    }
    // The one address in it is the name of the language of drawings.
    let addresses: Vec<&str> = code.split("://").skip(1).map(|rest| rest.split(['\'', '"']).next().unwrap()).collect();
    assert_eq!(addresses, ["www.w3.org/2000/svg"]);
}

#[test]
fn a_page_has_each_text_once_and_finds_the_pair_of_a_member() {
    let (groups, again) = ([versions(3)], [update(), update()]);
    let report = Report { title: "t", made: "", articles: 4, groups: &groups, comparisons: &again };
    let mut page = Vec::new();
    html::write(&mut page, &report).unwrap();
    let page = String::from_utf8(page).unwrap();
    assert_eq!(page.matches("id=\"text-").count(), 2);
    let index = data(&page, "index");
    let members = index["groups"][0]["members"].as_array().unwrap();
    let pairs: Vec<&Value> = members.iter().map(|member| &member["pair"]).collect();
    assert_eq!(pairs, [&Value::from(1), &Value::Null, &Value::Null]);
    let text = data(&page, "text-0");
    let furniture = &text["furniture"][0];
    let place = |end: &str| furniture[end].as_u64().unwrap() as usize;
    let span = CharSpan { start: place("start"), end: place("end") }.to_bytes(FIRST);
    assert!(FIRST[span.range()].starts_with("Lire aussi"));
}

#[test]
fn what_stands_in_another_order_was_moved() {
    let moved: Vec<bool> = blocks(&update())
        .iter()
        .filter_map(|block| if let Block::Shared { moved, .. } = block { Some(*moved) } else { None })
        .collect();
    assert_eq!(moved, [false, false, false, true]);
}

proptest! {
    /// Stretches of texts of one word a character, at random places, in random order in the second.
    #[test]
    fn blocks_lose_nothing(cuts in prop::collection::vec((0usize..6, 0usize..6, 0usize..6), 0..6), order in Just((0..6).collect::<Vec<usize>>()).prop_shuffle()) {
        let mut comparison = identical();
        // Where each stretch lies in the first; the second has the same lengths in another order.
        let mut stretches: Vec<SharedStretch> = Vec::new();
        let mut at = 0;
        for (gap, length, _) in &cuts {
            let a = Span::new(at + gap, at + gap + length + 1);
            stretches.push(SharedStretch { a, b: a, equal: vec![] });
            at = a.end;
        }
        comparison.a.text = "a".repeat(at + 3);
        let mut at = 0;
        for &place in order.iter().filter(|&&place| place < cuts.len()) {
            let (_, _, gap) = cuts[place];
            let b = Span::new(at + gap, at + gap + stretches[place].a.len());
            stretches[place].b = b;
            stretches[place].equal = vec![(stretches[place].a, b)];
            at = b.end;
        }
        comparison.b.text = "a".repeat(at + 2);
        comparison.stretches = stretches;
        let (mut in_a, mut in_b) = (Vec::new(), Vec::new());
        for block in blocks(&comparison) {
            let spans = match block {
                Block::Own { a, b } => vec![(a, b)],
                Block::Shared { pieces, .. } => pieces.iter().map(|piece| (piece.a, piece.b)).collect(),
            };
            spans.iter().for_each(|(a, b)| {
                in_a.extend(a.range());
                in_b.extend(b.range());
            });
        }
        prop_assert!(in_a.iter().copied().eq(0..comparison.a.text.len()), "{in_a:?}");
        in_b.sort_unstable();
        prop_assert!(in_b.iter().copied().eq(0..comparison.b.text.len()), "{in_b:?}");
    }
}
