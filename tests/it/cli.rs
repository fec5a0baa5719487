//! The command line as people and programs meet it: what goes in, what comes out, and how it ends.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::{CACHES, Desk, Running, copy, expected, fixtures, say, tiny, tiny_model, wait_until};

/// Articles of the fixtures, as `tests/fixtures/README.md` counts them.
const ARTICLES: u64 = 33;

/// Names of the members of an object, in their order.
fn names(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

/// Human output without the digits that may differ from one CPU to the next: scores keep two.
fn steady(text: &str) -> String {
    regex::Regex::new(r"\b(\d\.\d\d)\d\b").unwrap().replace_all(text, "$1").into_owned()
}

// ---- index, status, verify -------------------------------------------------------------------------------------------

#[test]
fn index_counts_what_there_is() {
    let desk = Desk::with_corpus();
    let indexed: Value = serde_json::from_str(&desk.read("indexed.json")).unwrap();
    let (run, store) = (&indexed["run"], &indexed["store"]);
    assert_eq!((&run["added"], &store["articles"]), (&ARTICLES.into(), &ARTICLES.into()));
    for none in ["changed", "unchanged", "skipped", "ignored", "dropped_tokens"] {
        assert_eq!(run[none], 0, "{none}: {run}");
    }
    assert_eq!(run["notes"], 1, "one article is in Windows-1252");
    assert_eq!(run["stopped"], false);
    assert_eq!(run["passages"], store["passages"]);
    assert_eq!(run["embedded"], store["vectors"]);
    assert!(store["vectors"].as_u64() < store["passages"].as_u64(), "the copy shares the vectors of its original");
    assert_eq!(store["languages"], json!([["fr", 31], ["en", 1], ["es", 1]]));
    assert_eq!(store["identical"], 1);

    let status = desk.run(&["status", "--json"]).expect(0).one();
    assert_eq!(names(&status), ["folder", "format", "model", "store", "copies"]);
    assert_eq!(status["model"]["id"], "voisin-mini");
    let mut held = status["store"].clone();
    // The log of the database is folded into it when the last process leaves.
    held["bytes"] = store["bytes"].clone();
    assert_eq!(&held, store);
    desk.run(&["status"]).expect(0);
    desk.run(&["verify"]).expect(0);
}

#[test]
fn indexing_again_embeds_only_what_changed() {
    let desk = Desk::with_tiny_corpus();
    let before = desk.stats();
    let again = desk.run(&["index", "articles", "--json"]).expect(0).one();
    assert_eq!((&again["run"]["unchanged"], &again["run"]["added"]), (&ARTICLES.into(), &0.into()));
    assert_eq!((&again["run"]["embedded"], &again["run"]["tokens"]), (&0.into(), &0.into()));
    assert_eq!(again["store"]["sequence"], before["sequence"], "nothing was written");

    let more = "\n\nUn second navire câblier est attendu à Brest jeudi soir.\n";
    desk.write("articles/cable-apo.txt", desk.read("articles/cable-apo.txt") + more);
    let run = desk.run(&["index", "articles", "--json"]).expect(0).one()["run"].take();
    assert_eq!((&run["changed"], &run["unchanged"], &run["added"]), (&1.into(), &(ARTICLES - 1).into(), &0.into()));
    let embedded = run["embedded"].as_u64().unwrap();
    assert!((1..=4).contains(&embedded), "one article was embedded again: {run}");
    let after = desk.stats();
    assert_eq!(after["articles"], ARTICLES);
    let added = after["characters"].as_u64().unwrap() - before["characters"].as_u64().unwrap();
    assert_eq!(added as usize, more.chars().count());
    desk.verify();
}

#[test]
fn a_store_that_is_not_there_is_said_with_the_command_that_makes_it() {
    let desk = Desk::new();
    for command in
        [&["search", "crue"][..], &["similar", "a"], &["duplicates"], &["status"], &["verify"], &["remove", "a"]]
    {
        desk.run(command).refused(&["there is no store at .voisin", "voisin index PATH --store .voisin"]);
    }
    assert!(!desk.path(".voisin").exists(), "asking makes no store");
}

// ---- search ----------------------------------------------------------------------------------------------------------

/// An article's text as the program counts it: the file, without a leading ` date 2023-08 ` and white space after it.
fn article_text(desk: &Desk, id: &str) -> String {
    let text = desk.read(id);
    let date = regex::Regex::new(r"^\s*date \d{4}(?:-\d\d){0,2}\s+").unwrap();
    match date.find(&text) {
        Some(found) => text[found.end()..].to_owned(),
        None => text,
    }
}

/// What Python's `text[start:end]` gives.
fn slice(text: &str, start: u64, end: u64) -> String {
    text.chars().skip(start as usize).take((end - start) as usize).collect()
}

#[test]
fn search_prints_hits_as_documented() {
    let desk = Desk::with_tiny_corpus();
    let hits = desk.run(&["search", "--json", "crue meurtrière en Ardèche"]).expect(0).objects();
    assert_eq!(hits.len(), 10, "the default of -k");
    for (at, hit) in hits.iter().enumerate() {
        assert_eq!(names(hit), ["rank", "score", "article", "title_words", "passage", "versions", "reasons", "next"]);
        assert_eq!(hit["rank"], at + 1);
        let (article, passage) = (&hit["article"], &hit["passage"]);
        assert_eq!(names(article), ["id", "title", "date", "source", "url", "language"]);
        assert_eq!(names(passage), ["id", "field", "score", "text", "start", "end", "sentence", "words"]);
        assert_eq!(names(&passage["sentence"]), ["start", "end"]);
        let count = |value: &Value| value.as_u64().unwrap();
        let text = passage["text"].as_str().unwrap();
        let length = text.chars().count() as u64;
        assert_eq!(count(&passage["end"]) - count(&passage["start"]), length, "{passage}");
        let sentence = slice(text, count(&passage["sentence"]["start"]), count(&passage["sentence"]["end"]));
        assert!(!sentence.trim().is_empty() && count(&passage["sentence"]["end"]) <= length, "{passage}");
        assert!(passage["score"].as_f64().unwrap() <= 1.0, "a cosine");
        for word in passage["words"].as_array().unwrap() {
            let word = slice(text, count(&word["start"]), count(&word["end"])).to_lowercase();
            assert!(["crue", "meurtri", "ard"].iter().any(|stem| word.starts_with(stem)), "{word}");
        }
        assert_eq!(hit["next"].is_string(), at + 1 == hits.len(), "the last hit says where the next page begins");
    }
    let scores: Vec<f64> = hits.iter().map(|hit| hit["score"].as_f64().unwrap()).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    let distinct: BTreeSet<&str> = hits.iter().map(|hit| hit["article"]["id"].as_str().unwrap()).collect();
    assert_eq!(distinct.len(), hits.len(), "an article comes once");
}

#[test]
fn the_help_of_search_names_every_member_of_a_hit() {
    let desk = Desk::with_tiny_corpus();
    let help = desk.run(&["search", "--help"]).expect(0).out;
    let hit = desk.run(&["search", "--json", "-k", "1", "crue"]).expect(0).one();
    let passage = help.split("\"passage\": {").nth(1).unwrap().split("}}").next().unwrap();
    for name in names(&hit["passage"]) {
        assert!(passage.contains(&format!("\"{name}\"")), "{name} is not in: {passage}");
    }
}

#[test]
fn passages_are_slices_of_their_articles() {
    let desk = Desk::with_tiny_corpus();
    let mut seen = 0;
    for query in ["délégation militaire à Benghazi", "rupture d'un câble", "vignes gelées"] {
        for hit in desk.run(&["search", "--json", "--all-versions", "-k", "33", query]).expect(0).objects() {
            let (id, passage) = (hit["article"]["id"].as_str().unwrap(), &hit["passage"]);
            let utf8 = id.ends_with(".txt") && !id.contains("greve-limoges");
            if !utf8 || passage["field"] != "body" {
                continue;
            }
            let text = article_text(&desk, id);
            let (start, end) = (passage["start"].as_u64().unwrap(), passage["end"].as_u64().unwrap());
            assert_eq!(passage["text"], slice(&text, start, end), "{id} {start}..{end}");
            seen += 1;
        }
    }
    assert!(seen > 30, "only {seen} passages were compared");
}

#[test]
fn k_bounds_the_hits_and_the_best_stay_the_best() {
    let desk = Desk::with_tiny_corpus();
    let ids =
        |k: &str| desk.run(&["search", "--json", "--all-versions", "-k", k, "grève des soignants"]).expect(0).ids();
    let all = ids("100");
    assert_eq!(all.len() as u64, ARTICLES);
    assert_eq!(ids("1"), all[..1]);
    assert_eq!(ids("7"), all[..7]);
    for wrong in ["0", "-1", "10001", "beaucoup"] {
        desk.run(&["search", "x", "-k", wrong]).expect(2);
    }
    let query = ["search", "grève des soignants", "-k", "5", "--json", "--view"];
    let by = |view: &'static str| desk.run(&[&query[..], &[view]].concat()).expect(0).out;
    assert_eq!(by("exact"), by("hnsw"));
}

#[test]
fn filters_take_dates_as_far_as_they_are_known() {
    let desk = Desk::with_tiny_corpus();
    let search = |filters: &[&str]| -> BTreeMap<String, String> {
        let query = ["search", "--json", "--all-versions", "-k", "100", "visite"];
        let hits = desk.run(&[&query, filters].concat()).expect(0).objects();
        let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
        hits.iter().map(|hit| (text(&hit["article"]["id"]), text(&hit["article"]["date"]))).collect()
    };
    let all = search(&[]);
    assert_eq!(all["articles/libye-visite-apo.txt"], "2023-08");
    assert_eq!(all["articles/libye-analyse.html"], "2023-08-24");

    // What is known to be of August may be of the 23rd or later.
    let august = search(&["--since", "2023-08-23", "--until", "2023-08"]);
    let expected = [
        "articles/libye-analyse.html",
        "articles/libye-evkourov.txt",
        "articles/libye-visite-apo.txt",
        "articles/libye-visite-copie.txt",
    ];
    assert_eq!(august.keys().collect::<Vec<_>>(), expected);
    assert!(!search(&["--since", "2023-08-25", "--until", "2023-08"]).contains_key("articles/libye-analyse.html"));

    let in_2024 = search(&["--since", "2024", "--until", "2024"]);
    let dated = all.iter().filter(|(_, date)| date.starts_with("2024")).count();
    assert!(dated > 2);
    assert_eq!(in_2024.len(), dated);
    assert!(in_2024.values().all(|date| date.starts_with("2024")), "{in_2024:?}");
    assert_eq!(search(&["--since", "24 mars 2025"]), search(&["--since", "2025-03-24"]));

    assert_eq!(search(&["--lang", "es"]).into_keys().collect::<Vec<_>>(), ["articles/cable-es.txt"]);
    assert_eq!(search(&["--lang", "en"]).into_keys().collect::<Vec<_>>(), ["articles/libye-delegation-en.txt"]);

    desk.run(&["search", "visite", "--since", "2023-02-30"]).expect(2).says(&["--since", "is no date", "2023-08-22"]);
}

/// Three articles with fields of their own, indexed.
fn desk_with_fields() -> Desk {
    let desk = Desk::new();
    let lines = [
        json!({"id": "a1", "date": "2023-08-22", "source": "Le Populaire", "lang": "fr", "rubrique": "Société",
               "mots": ["Grève", "Hôpital"], "text": "Les soignants sont en grève depuis lundi."}),
        json!({"id": "a2", "date": "2023-08", "source": "The Post", "lang": "en", "rubrique": "SOCIETE",
               "mots": ["grève"], "text": "The strike at the hospital is over."}),
        json!({"id": "a3", "source": "Le Populaire", "lang": "fr", "rubrique": "Économie", "payant": true,
               "text": "Le gel a touché les vignes de Touraine."}),
    ];
    desk.write("articles.jsonl", lines.map(|line| format!("{line}\n")).concat());
    desk.index_tiny(&["articles.jsonl"]).expect(0);
    desk
}

#[test]
fn facets_count_what_articles_came_with() {
    let desk = desk_with_fields();
    let facets = |args: &[&str]| -> Vec<String> {
        let lines = desk.run(&[&["facets"], args].concat()).expect(0).out;
        lines.lines().map(|line| line.trim().to_owned()).collect()
    };
    assert_eq!(facets(&["RUBRIQUE"]), ["2  SOCIETE", "1  Économie"]);
    assert_eq!(facets(&["mots", "--where", "rubrique=societe", "--lang", "fr"]), ["1  Grève", "1  Hôpital"]);
    assert_eq!(facets(&["month", "year"]), ["month", "2  2023-08", "year", "2  2023"]);
    assert_eq!(facets(&["source", "-k", "1"]), ["2  Le Populaire"]);
    assert_eq!(facets(&[]), ["3  language", "3  rubrique", "3  source", "2  month", "2  mots", "2  year", "1  payant"]);
    assert_eq!(
        facets(&["--since", "2023"]),
        ["2  language", "2  month", "2  mots", "2  rubrique", "2  source", "2  year"]
    );

    let objects = desk.run(&["facets", "lang", "--json"]).expect(0).objects();
    assert_eq!(objects[0], json!({"name": "lang", "value": "fr", "articles": 2}));
    assert_eq!(desk.run(&["facets", "--json"]).expect(0).objects()[0], json!({"name": "language", "articles": 3}));

    desk.run(&["facets", "rubrik"]).refused(&["no article has a field \"rubrik\"", "rubrique", "payant"]);
    desk.run(&["facets", "--where", "rubrique"]).expect(2).says(&["NAME=VALUE", "voisin facets"]);
    assert!(desk.run(&["facets", "mots", "--since", "2031"]).expect(1).out.is_empty());
}

#[test]
fn any_field_is_a_filter() {
    let desk = desk_with_fields();
    let search = |filters: &[&str]| {
        let answer = desk.run(&[&["search", "--json", "grève"], filters].concat());
        let mut ids = answer.ids();
        ids.sort();
        ids
    };
    assert_eq!(search(&["--where", "Rubrique=societe"]), ["a1", "a2"]);
    assert_eq!(search(&["--where", "mots=HOPITAL", "--where", "mots=grève"]), ["a1", "a2"], "one name: either value");
    assert_eq!(search(&["--where", "mots=grève", "--where", "lang=fr"]), ["a1"], "two names: both");
    assert_eq!(search(&["--source", "le populaire", "--source", "the post", "--where", "payant=TRUE"]), ["a3"]);
    assert_eq!(search(&["--where", "year=2023", "--lang", "fr"]), ["a1"]);
    assert_eq!(search(&["--where", "rubrique=sport"]), Vec::<String>::new());
    desk.run(&["search", "grève", "--where", "section=sport"])
        .refused(&["no article has a field \"section\"", "rubrique"]);
}

#[test]
fn a_store_of_an_older_format_is_brought_forward_and_answers() {
    let desk = Desk::new();
    copy(&fixtures().join("golden/static"), &desk.path("static"));
    copy(&fixtures().join("../compat/store-1"), &desk.path(".voisin"));
    assert_eq!(desk.run(&["status", "--json"]).expect(0).one()["format"], 2);
    assert_eq!(desk.run(&["search", "--json", "vignes", "--where", "rubrique=economie"]).expect(0).ids(), ["a3"]);
    desk.verify();
}

#[test]
fn nothing_found_is_no_error_and_nothing_asked_is_one() {
    let desk = Desk::with_tiny_corpus();
    for json in [&[][..], &["--json"]] {
        let none = desk.run(&[&["search", "crue", "--lang", "de"], json].concat()).expect(1).says(&["nothing found"]);
        assert!(none.out.is_empty());
    }
    let quiet = desk.run(&["search", "crue", "--since", "2031", "--quiet"]).expect(1);
    assert!(quiet.out.is_empty() && quiet.err.is_empty());
    for empty in ["", "  \n", "\u{200b}"] {
        desk.run(&["search", empty]).refused(&["the question is empty"]);
    }
}

#[test]
fn search_reads_well() {
    let desk = Desk::with_corpus();
    let answer = desk.run(&["search", "-k", "3", "une visite militaire russe en Libye"]).expect(0);
    assert!(answer.err.starts_with("more: the same with --after "), "{answer:?}");
    insta::assert_snapshot!("search", steady(&answer.out));
    let explained = desk.run(&["search", "-k", "1", "--explain", "--quiet", "Hafter reçoit une délégation"]).expect(0);
    assert!(explained.err.is_empty());
    insta::assert_snapshot!("search_explained", steady(&explained.out));
}

#[test]
fn a_question_can_hold_phrases_exclusions_and_fields() {
    let desk = Desk::with_tiny_corpus();
    let ids = |query: &str| desk.run(&["search", "--json", "--all-versions", "-k", "100", query]).expect(0).ids();
    let all = ids("crue Ardèche");
    let without = ids("crue Ardèche -AUBENAS");
    assert!(without.len() < all.len() && without.iter().all(|id| all.contains(id)));
    assert!(!without.contains(&"articles/inondation-apo.txt".to_owned()));
    assert_eq!(ids("libye lang:en"), ["articles/libye-delegation-en.txt"]);
    let exact = ids("\"deux personnes sont mortes\"");
    assert!(exact.contains(&"articles/inondation-apo.txt".to_owned()) && exact.len() < all.len(), "{exact:?}");
    desk.run(&["search", "crue \"jamais écrit ainsi\""]).expect(0).says(&[
        "note: no article",
        "«jamais écrit ainsi»",
        "searched as words",
    ]);
    desk.run(&["search", "crue date:hier"]).expect(0).says(&["note: date:hier is searched as words: it is no date"]);
}

#[test]
fn reasons_add_up() {
    let desk = Desk::with_tiny_corpus();
    for hit in desk.run(&["search", "--json", "--explain", "grève des soignants"]).expect(0).objects() {
        let (number, reasons) = (|value: &Value| value.as_f64().unwrap(), &hit["reasons"]);
        let (words, meaning) = (&reasons["words"], &reasons["meaning"]);
        assert!((number(&words["share"]) + number(&meaning["share"]) - number(&hit["score"])).abs() < 1e-3, "{hit}");
        let terms: f64 = reasons["terms"].as_array().unwrap().iter().map(|term| number(&term["score"])).sum();
        assert!((terms - number(&words["score"])).abs() < 1e-3, "{hit}");
    }
}

#[test]
fn pages_follow_each_other() {
    let desk = Desk::with_tiny_corpus();
    let query = ["search", "--json", "--all-versions", "-k", "10", "visite officielle"];
    let mut seen: Vec<String> = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let next: Vec<&str> = after.iter().flat_map(|word| ["--after", word.as_str()]).collect();
        let hits = desk.run(&[&query[..], &next].concat());
        let objects = hits.objects();
        seen.extend(hits.ids());
        match objects.last().and_then(|hit| hit["next"].as_str().map(str::to_owned)) {
            Some(word) => after = Some(word),
            None => break,
        }
        // What comes between two pages waits for the next question.
        desk.write("entre.txt", format!("Une visite officielle, encore une : {}.", seen.len()));
        desk.index_tiny(&["entre.txt"]).expect(0);
    }
    assert_eq!(seen.len() as u64, ARTICLES);
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), seen.len());
    let word = after.unwrap();
    desk.run(&["search", "autre chose", "--after", &word]).refused(&["another question"]);
    desk.run(&["search", "visite", "--after", &word[..9]]).refused(&["--after", "no mark of a page"]);
}

// ---- similar, duplicates, remove -------------------------------------------------------------------------------------

#[test]
fn similar_takes_an_id_or_a_file() {
    let desk = Desk::with_corpus();
    let hits = desk.run(&["similar", "--json", "-k", "5", "articles/libye-visite-apo.txt"]).expect(0).objects();
    assert_eq!(hits.len(), 5);
    assert_eq!(names(&hits[0]), ["rank", "score", "article", "passage"]);
    assert_eq!(hits[0]["article"]["id"], "articles/libye-visite-copie.txt");
    assert!(hits[0]["score"].as_f64().unwrap() > 0.999);
    assert!(hits.iter().all(|hit| hit["article"]["id"] != "articles/libye-visite-apo.txt"), "itself is left out");
    let scores: Vec<f64> = hits.iter().map(|hit| hit["score"].as_f64().unwrap()).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    let record = desk.run(&["similar", "--json", "-k", "1", "diabete-temoignage"]).expect(0).ids();
    assert_eq!(record, ["articles/medecine-diabete.txt"]);

    let text = "Deux personnes ont péri et plus de cent autres ont dû quitter leur logement en pleine nuit : en Ardèche, \
                une petite rivière est montée de quatre mètres après six heures d'orage, selon la préfecture.";
    desk.write("inedit.txt", text);
    let found = desk.run(&["similar", "--json", "-k", "3", "inedit.txt"]).expect(0).ids();
    assert!(found[0].starts_with("articles/inondation-"), "{found:?}");
    assert_eq!(desk.stats()["articles"], ARTICLES, "asking stores nothing");
    desk.run(&["similar", "-k", "3", "inedit.txt"]).expect(0);
}

#[test]
fn similar_can_be_asked_for_what_is_near_in_time() {
    let desk = Desk::with_tiny_corpus();
    let similar = |article: &str, filters: &[&str]| {
        let mut ids = desk.run(&[&["similar", "--json", "-k", "100", article], filters].concat()).ids();
        ids.sort();
        ids
    };
    // Of 2023-08: all that may be of the same month, or seven days around it.
    let near = similar("articles/libye-visite-apo.txt", &["--within", "7d"]);
    let searched = |since: &str, until: &str| {
        let query = ["search", "--json", "--all-versions", "-k", "100", "visite", "--since", since, "--until", until];
        let mut ids = desk.run(&query).ids();
        ids.retain(|id| id != "articles/libye-visite-apo.txt");
        ids.sort();
        ids
    };
    assert!(near.contains(&"articles/libye-visite-copie.txt".to_owned()));
    assert_eq!(near, searched("2023-07-25", "2023-09-07"), "none that exists is missing");
    // Of 2023-08-24.
    assert_eq!(
        similar("articles/libye-analyse.html", &["--within", "0d"]).len(),
        searched("2023-08-24", "2023-08-24").len()
    );
    assert!(
        similar("articles/libye-analyse.html", &["--within", "1y", "--source", "le reveil comtois"])
            .contains(&"vol-horlogerie".into())
    );
    assert_eq!(similar("articles/libye-analyse.html", &["--within", "10y", "--since", "2023", "--until", "2023"]), {
        let mut ids = searched("2023", "2023");
        ids.push("articles/libye-visite-apo.txt".into());
        ids.retain(|id| id != "articles/libye-analyse.html");
        ids.sort();
        ids
    });

    desk.write("daté.md", "---\ndate: 2024-04-20\n---\nLe gel a touché les vignes de Touraine.");
    assert!(similar("daté.md", &["--within", "1w"]).contains(&"gel-braseros".into()));
    desk.write("sans-date.txt", "Le gel a touché les vignes de Touraine.");
    desk.run(&["similar", "sans-date.txt", "--within", "7d"]).refused(&["sans-date.txt", "has no date", "--since"]);
    desk.run(&["similar", "sans-date.txt", "--since", "2031"]).expect(1).says(&["nothing found"]);
    desk.run(&["similar", "daté.md", "--within", "7h"]).expect(2).says(&["7d, 2w, 3m or 1y"]);
}

#[test]
fn similar_helps_with_a_name_that_it_does_not_know() {
    let desk = Desk::with_tiny_corpus();
    desk.run(&["similar", "cable-apo"]).refused(&["\"cable-apo\" is neither", "is it one of: articles/cable-apo.txt?"]);
    let answer = desk.run(&["similar", "zzz"]).refused(&["\"zzz\" is neither an article of the store nor a file"]);
    assert!(!answer.err.contains("is it one of"));
    desk.write("page.pdf", b"%PDF-1.7 \x00\x01");
    desk.run(&["similar", "page.pdf"]).refused(&["page.pdf: looks like a PDF"]);
    desk.write("vide.txt", "");
    desk.run(&["similar", "vide.txt"]).refused(&["vide.txt: empty"]);
}

#[test]
fn duplicates_are_those_of_the_fixtures() {
    let desk = Desk::with_corpus();
    let mut found: BTreeMap<[String; 2], String> = BTreeMap::new();
    let pair = |a: &Value, b: &Value| {
        let mut ids = [a, b].map(|id| id.as_str().unwrap().to_owned());
        ids.sort();
        ids
    };
    let (mut strength, mut groups) = (Vec::new(), Vec::new());
    for object in desk.run(&["duplicates", "--json"]).expect(0).objects() {
        if object["kind"] == "group" {
            groups.push(object);
            continue;
        }
        let relation = object["relation"].as_str().unwrap().to_owned();
        strength.push(RELATIONS.iter().position(|known| *known == relation));
        for share in ["jaccard", "a_in_b", "b_in_a", "share_a", "share_b", "confidence"] {
            assert!((0.0..=1.0).contains(&object[share].as_f64().unwrap()), "{object}");
        }
        reproduced(&desk, &object);
        let earlier = found.insert(pair(&object["a"]["id"], &object["b"]["id"]), relation);
        assert!(earlier.is_none(), "a pair comes once: {object}");
    }
    assert!(strength.is_sorted() && strength[0].is_some(), "the strongest come first: {strength:?}");

    let truth = expected();
    let mut wrong = Vec::new();
    for expected in truth["pairs"].as_array().unwrap() {
        let relation = expected["relation"].as_str().unwrap();
        // The same events in other words may be close enough or not.
        let allowed: &[&str] = match relation {
            "same_story" => &["", "same-story"],
            // Which of the two is called the first is not known where a date is that of a month.
            "contains" => &["contains", "excerpt"],
            _ => &[relation],
        };
        let got = found.get(&pair(&expected["a"], &expected["b"])).map_or("", String::as_str);
        if !allowed.contains(&got) {
            wrong.push(format!("{expected}: reported as \"{got}\""));
        }
    }
    for distinct in truth["distinct"].as_array().unwrap() {
        if let Some(relation) = found.get(&pair(&distinct["a"], &distinct["b"])) {
            wrong.push(format!("{distinct}: different events, reported as \"{relation}\""));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    for group in &groups {
        for member in group["members"].as_array().unwrap() {
            let (first, id) = (group["representative"]["id"].as_str().unwrap(), member["id"].as_str().unwrap());
            let compared = desk.run(&["compare", "--json", first, id]).expect(0).one();
            let turned = compared["a"]["id"] == id;
            let (of_first, of_it) = if turned { ("share_b", "share_a") } else { ("share_a", "share_b") };
            assert_eq!(
                (&member["share_of_first"], &member["share"]),
                (&compared[of_first], &compared[of_it]),
                "{group}"
            );
            assert!(turned || member["relation"] == compared["relation"], "{group}");
        }
    }
    let members: usize = groups.iter().map(|group| group["members"].as_array().unwrap().len()).sum();
    let status = desk.run(&["status", "--json"]).expect(0).one();
    assert_eq!(status["copies"]["groups"], groups.len());
    assert_eq!(status["copies"]["copies"], members);
    assert_eq!(status["copies"]["behind"], 0);
    desk.run(&["duplicates"]).expect(0);
}

/// Relations, from the strongest to the weakest.
const RELATIONS: [&str; 7] =
    ["identical", "republished", "updated", "contains", "excerpt", "shared-source", "same-story"];

/// Holds the stretches of a pair against the texts of its articles.
fn reproduced(desk: &Desk, pair: &Value) {
    let text = |article: &Value| -> Option<Vec<char>> {
        let id = article["id"].as_str().unwrap();
        let is_plain = id.ends_with(".txt") && String::from_utf8(fs_err::read(desk.path(id)).unwrap()).is_ok();
        is_plain.then(|| article_text(desk, id).chars().collect())
    };
    let (Some(a), Some(b)) = (text(&pair["a"]), text(&pair["b"])) else { return };
    let words = |text: &[char], span: &Value| -> Vec<String> {
        let at = |end: &str| span[end].as_u64().unwrap() as usize;
        let part: String = text[at("start")..at("end")].iter().collect();
        part.to_lowercase().split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_owned).collect()
    };
    for equal in pair["stretches"].as_array().unwrap().iter().flat_map(|stretch| stretch["equal"].as_array().unwrap()) {
        let (in_a, in_b) = (words(&a, &equal["a"]), words(&b, &equal["b"]));
        assert!(!in_a.is_empty() && in_a == in_b, "{in_a:?} {in_b:?} in {pair}");
    }
}

#[test]
fn duplicates_are_narrowed_down() {
    let desk = Desk::with_corpus();
    let pairs = |args: &[&str]| -> Vec<Value> {
        let answer = desk.run(&[&["duplicates", "--json"], args].concat());
        answer.objects().into_iter().filter(|object| object["kind"] == "pair").collect()
    };
    let all = pairs(&[]);
    assert!(all.len() > 8);
    let updated = pairs(&["--relation", "updated", "--relation", "identical"]);
    assert!(updated.iter().all(|pair| pair["relation"] == "updated" || pair["relation"] == "identical"));
    assert_eq!(
        updated.len(),
        all.iter().filter(|p| p["relation"] == "updated" || p["relation"] == "identical").count()
    );
    let most = |pair: &Value| pair["share_a"].as_f64().unwrap().max(pair["share_b"].as_f64().unwrap());
    assert_eq!(pairs(&["--min", "0.93"]).len(), all.iter().filter(|pair| most(pair) >= 0.93).count());
    let of = pairs(&["--of", "articles/inondation-apo.txt"]);
    assert!(of.len() >= 3 && of.iter().all(|pair| pair.to_string().contains("inondation-apo")), "{of:?}");
    assert!(pairs(&["--since", "2030"]).is_empty());
    desk.run(&["duplicates", "--since", "2030"]).expect(1).says(&["nothing found"]);
    desk.run(&["duplicates", "--of", "inondation-apo"]).refused(&["no article", "articles/inondation-apo.txt?"]);
    desk.run(&["duplicates", "--min", "2"]).expect(2).says(&["from 0 to 1"]);
    desk.run(&["duplicates", "--relation", "twin"]).expect(2).says(&["same-story"]);
}

#[test]
fn a_page_of_duplicates_needs_nothing_else() {
    let desk = Desk::with_corpus();
    desk.run(&["duplicates", "--html", "copies.html"]).expect(0).says(&["groups"]);
    let page = desk.read("copies.html");
    assert!(page.starts_with("<!doctype html>") || page.starts_with("<!DOCTYPE html>"));
    for outside in [" src=", "<link", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.contains("Content-Security-Policy") && page.contains("default-src 'none'"));
    for article in ["Plouvenec", "Ligne"] {
        assert!(page.contains(article), "{article}");
    }
    desk.run(&["duplicates", "--html", "nowhere/copies.html"]).refused(&["nowhere/copies.html"]);
}

#[test]
fn two_articles_are_compared() {
    let desk = Desk::with_corpus();
    let (a, b) = ("articles/inondation-apo.txt", "articles/inondation-bilan.txt");
    let stored = desk.run(&["compare", "--json", b, a]).expect(0).one();
    assert_eq!((&stored["a"]["id"], &stored["b"]["id"]), (&a.into(), &b.into()), "the earlier comes first");
    assert_eq!((&stored["relation"], &stored["precedence"]), (&"updated".into(), &"known".into()));
    reproduced(&desk, &stored);
    let listed = desk.run(&["duplicates", "--json", "--of", a]).expect(0).objects();
    let listed = listed.iter().find(|pair| pair["b"]["id"] == b).unwrap();
    assert_eq!(stored, *listed, "a pair is the same from both commands");

    let files = desk.run(&["compare", "--json", "--store", "none", a, b]).expect(0).one();
    assert_eq!(files["stretches"], stored["stretches"]);
    assert_eq!(files["relation"], "updated");
    let text = desk.run(&["compare", a, b]).expect(0).out;
    assert!(text.contains("Quatre") && text.contains("2023-09-13"), "{text}");

    desk.run(&["compare", a, "articles/medecine-diabete.txt"]).expect(1);
    desk.run(&["compare", a, "nowhere.txt"]).refused(&["nowhere.txt", "neither an article of the store nor a file"]);
    desk.run(&["compare", "--store", "none", a, "nowhere.txt"]).refused(&["nowhere.txt", "no store"]);
    let itself = desk.run(&["compare", "--json", a, a]).expect(0).one();
    assert_eq!(itself["relation"], "identical");
}

#[test]
fn copies_are_kept_up_to_date() {
    let desk = Desk::with_corpus();
    let copy = desk.read("articles/cable-apo.txt").replace("mercredi", "jeudi") + "\nUn paragraphe de plus pour finir.";
    desk.write("more/copie.txt", copy);
    let before = desk.run(&["duplicates", "--json"]).expect(0).objects();
    desk.run(&["index", "more", "-q"]).expect(0);
    let after = desk.run(&["duplicates", "--json"]).expect(0).objects();
    let with: Vec<&Value> = after.iter().filter(|object| object.to_string().contains("more/copie.txt")).collect();
    assert!(with.iter().any(|object| object["kind"] == "pair" && object.to_string().contains("cable-apo")), "{with:?}");
    desk.run(&["remove", "more/copie.txt"]).expect(0);
    assert_eq!(desk.run(&["duplicates", "--json"]).expect(0).objects(), before);

    let file = desk.path(".voisin/views/copies.sqlite");
    desk.write(".voisin/views/copies.sqlite", "not a database");
    assert!(desk.run(&["status"]).expect(0).out.contains("not looked for yet"));
    desk.run(&["doctor"]).expect(2).says(&["found something wrong"]);
    desk.run(&["doctor", "--repair"]).expect(0);
    assert_eq!(desk.run(&["duplicates", "--json"]).expect(0).objects(), before);
    fs_err::remove_file(file).unwrap();
    assert_eq!(desk.run(&["duplicates", "--json"]).expect(0).objects(), before);
    desk.verify();
}

#[test]
fn what_is_removed_is_gone() {
    let desk = Desk::with_tiny_corpus();
    let copy = "articles/libye-visite-copie.txt";
    let answer =
        desk.run(&["remove", "--json", copy, "no-such-article"]).expect(0).says(&["no article \"no-such-article\""]);
    assert_eq!(answer.one(), json!({ "removed": 1 }));
    assert_eq!(desk.stats()["articles"], ARTICLES - 1);
    let query = ["search", "--json", "--all-versions", "-k", "100", "délégation militaire russe à Benghazi"];
    let found = desk.run(&query).expect(0).ids();
    assert_eq!(found.len() as u64, ARTICLES - 1);
    assert!(!found.iter().any(|id| id == copy));
    assert!(found.iter().any(|id| id == "articles/libye-visite-apo.txt"), "its twin keeps the vectors they shared");
    let pairs = desk.run(&["duplicates", "--json"]).expect(0).objects();
    assert!(pairs.iter().all(|pair| pair["relation"] != "identical"));
    desk.verify();
    desk.run(&["remove", copy]).expect(1).says(&["no article \"articles/libye-visite-copie.txt\""]);

    desk.run(&["remove", "articles/cable-es.txt"]).expect(0);
    let found = desk.run(&["search", "--json", "-k", "100", "rotura de un cable", "--lang", "es"]).expect(1);
    assert!(found.out.is_empty());
    desk.verify();
    let back = desk.run(&["index", "articles", "--json"]).expect(0).one();
    assert_eq!((&back["run"]["added"], &back["store"]["articles"]), (&2.into(), &ARTICLES.into()));
    desk.verify();
}

#[test]
fn a_store_of_which_all_is_removed_finds_nothing() {
    let desk = Desk::new();
    desk.write("a.txt", "Le conseil municipal a voté le budget hier soir.");
    desk.index_tiny(&["a.txt"]).expect(0);
    desk.run(&["remove", "a.txt"]).expect(0);
    desk.run(&["status"]).expect(1);
    desk.run(&["search", "budget"]).expect(1);
    desk.run(&["duplicates"]).expect(1);
    desk.verify();
}

// ---- embed -----------------------------------------------------------------------------------------------------------

const LINES: [&str; 5] = [
    "Le conseil municipal a voté le budget.",
    "La mer",
    "",
    "Une délégation est arrivée mardi à Benghazi pour une visite de deux jours, a indiqué un communiqué.",
    "La mer",
];

/// The vectors of lines, as `embed` prints them.
fn embed(desk: &Desk, options: &[&str], lines: &[&str]) -> Vec<Vec<f32>> {
    let stdin = lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    let objects = desk.run_with(&[&["embed"], options].concat(), stdin.as_bytes()).expect(0).objects();
    assert_eq!(objects.len(), lines.len());
    objects
        .iter()
        .zip(lines)
        .enumerate()
        .map(|(at, (object, line))| {
            assert_eq!(names(object), ["line", "text", "tokens", "dropped_tokens", "embedding"]);
            assert_eq!((&object["line"], &object["text"]), (&(at + 1).into(), &(*line).into()), "lines stay in order");
            object["embedding"].as_array().unwrap().iter().map(|value| value.as_f64().unwrap() as f32).collect()
        })
        .collect()
}

/// Rows of an array of f32 in NumPy's format.
fn npy(bytes: &[u8]) -> Vec<Vec<f32>> {
    assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
    let length = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    assert_eq!(length % 64, 0, "the data is aligned");
    let header = std::str::from_utf8(&bytes[10..length]).unwrap();
    assert!(header.contains("'descr': '<f4'") && header.contains("'fortran_order': False") && header.ends_with('\n'));
    let shape = header.split("'shape': (").nth(1).unwrap().split(')').next().unwrap();
    let shape: Vec<usize> = shape.split(", ").map(|size| size.parse().unwrap()).collect();
    let values: Vec<f32> =
        bytes[length..].chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    assert_eq!(values.len(), shape[0] * shape[1]);
    values.chunks(shape[1]).map(<[f32]>::to_vec).collect()
}

#[test]
fn embed_gives_the_same_vectors_in_both_formats_alone_and_together() {
    let desk = Desk::new();
    let vectors = embed(&desk, &[], &LINES);
    assert!(vectors.iter().all(|vector| vector.len() == 384));
    for vector in &vectors {
        let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
        assert!((length - 1.0).abs() < 1e-5, "{length}");
    }
    assert_eq!(vectors[1], vectors[4]);
    assert_ne!(vectors[0], vectors[1]);
    assert_eq!(embed(&desk, &["--threads", "1"], &LINES[3..4])[0], vectors[3], "alone and in a batch");

    let stdin = LINES.join("\n");
    let answer = desk.run_with(&["embed", "--format", "npy", "--output", "v.npy"], stdin.as_bytes()).expect(0);
    assert!(answer.out.is_empty());
    assert_eq!(npy(&fs_err::read(desk.path("v.npy")).unwrap()), vectors);

    let none = desk.run_with(&["embed", "--format", "npy", "-o", "none.npy"], b"").expect(1);
    assert!(none.out.is_empty());
    assert!(npy(&fs_err::read(desk.path("none.npy")).unwrap()).is_empty());
}

#[test]
fn embed_keeps_the_order_over_many_batches() {
    let desk = Desk::new();
    let model = tiny_model("bert");
    let lines: Vec<String> = (0..1300_usize).map(|n| format!("Ligne {n} {}", "de la mer ".repeat(n * 7 % 5))).collect();
    let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
    let together = embed(&desk, &["--model", &model], &lines);
    for at in [0, 511, 512, 513, 1024, 1299] {
        assert_eq!(embed(&desk, &["--model", &model], &lines[at..=at])[0], together[at], "line {at}");
    }
}

#[test]
fn embed_tells_questions_from_passages_where_the_model_does() {
    let desk = Desk::new();
    let by = |model: &str, more: &[&str]| embed(&desk, &[&["--model", &tiny_model(model)], more].concat(), &LINES[..2]);
    assert_ne!(by("bert-cls-prompts", &["--query"]), by("bert-cls-prompts", &[]), "this model has prompts");
    assert_eq!(by("bert", &["--query"]), by("bert", &[]), "this one has none");
}

#[test]
fn embed_counts_all_that_it_drops() {
    let desk = Desk::new();
    let model = tiny_model("bert");
    let stdin = format!("eau\n{}\n{}\n", "eau ".repeat(10), "eau ".repeat(200));
    let answer = desk.run_with(&["embed", "--model", &model], stdin.as_bytes()).expect(0);
    let count = |name: &str| answer.objects().iter().map(|object| object[name].as_u64().unwrap()).collect::<Vec<_>>();
    // Two tokens a word, and two around the text.
    assert_eq!(count("tokens"), [4, 22, 48]);
    assert_eq!(count("dropped_tokens"), [0, 0, 402 - 48]);
    let objects = answer.objects();
    answer.says(&["note: 354 tokens were beyond the model's limit of 48 and are in no vector"]);
    let quiet = desk.run_with(&["embed", "--quiet", "--model", &model], stdin.as_bytes()).expect(0);
    assert!(quiet.err.is_empty() && quiet.objects() == objects);
}

#[test]
fn embed_wants_utf8() {
    let desk = Desk::new();
    let model = tiny_model("bert");
    desk.run_with(&["embed", "--model", &model], b"oui\n\xE9t\xE9\n").refused(&["standard input", "UTF-8"]);
}

// ---- help ------------------------------------------------------------------------------------------------------------

#[test]
fn help_comes_in_two_lengths() {
    let desk = Desk::new();
    for (name, args) in [
        ("help_short", &["-h"][..]),
        ("help_long", &["--help"]),
        ("help_index_short", &["index", "-h"]),
        ("help_index_long", &["index", "--help"]),
        ("help_facets_long", &["facets", "--help"]),
    ] {
        let help = desk.run(args).expect(0).out;
        assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
        insta::assert_snapshot!(name, help);
    }
    let bare: [&str; 0] = [];
    desk.run(&bare).expect(2).says(&["Usage: voisin"]);
    desk.run(&["serch", "x"]).expect(2).says(&["'search'"]);
    assert!(desk.run(&["--version"]).expect(0).out.starts_with("voisin "));
}

#[test]
fn completions_and_manual_pages_come_for_every_shell_and_command() {
    let desk = Desk::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = desk.run(&["completions", shell]).expect(0).out;
        assert!(script.contains("voisin") && script.contains("duplicates"), "{shell}");
    }
    let page = desk.run(&["man"]).expect(0).out;
    assert!(page.contains(".TH voisin 1"), "{page}");
    let commands = [
        "index",
        "search",
        "similar",
        "duplicates",
        "compare",
        "embed",
        "models",
        "status",
        "verify",
        "remove",
        "completions",
        "man",
    ];
    for command in commands {
        assert!(page.contains(command), "{command} is not in the overview");
        let page = desk.run(&["man", command]).expect(0).out;
        assert!(page.contains(&format!(".TH voisin-{command} 1")), "{page}");
    }
    desk.run(&["man", "serch"]).refused(&["there is no command \"serch\""]);
}

#[test]
fn models_are_listed_and_described() {
    let desk = Desk::new();
    let listed = desk.run(&["models", "list", "--json"]).expect(0).objects();
    assert_eq!(listed, [json!({ "id": "voisin-mini", "place": "built in" })]);
    let shown = desk.run(&["models", "show", "--json", &tiny_model("camembert")]).expect(0).one();
    assert_eq!((&shown["family"], &shown["dims"]), (&"RoBERTa".into(), &32.into()), "{shown}");
    let shown = desk.run(&["models", "show", "--json", &tiny_model("qwen3"), "--dims", "8"]).expect(0).one();
    assert_eq!(
        json!([shown["causal"], shown["key_value_heads"], shown["reach"], shown["dims"], shown["full_dims"]]),
        json!([true, 2, [null, null], 8, 24]),
        "{shown}"
    );
    assert!(desk.run(&["models", "show"]).expect(0).out.contains("voisin-mini"));
    let shown = ["bert-dense", "modernbert", "qwen3", "gemma3", "static", "model2vec"]
        .map(|name| desk.run(&["models", "show", &tiny_model(name)]).expect(0).out);
    insta::assert_snapshot!("models_show", shown.join("\n"));
    let shown = desk.run(&["models", "show", &tiny_model("cross-bert-2")]).expect(0).out;
    assert!(shown.contains("cross-encoder, 2 labels, softmax") && !shown.contains("prompts"), "{shown}");
    let shown = desk.run(&["models", "show", "--json", &tiny_model("cross-xlm-roberta")]).expect(0).one();
    assert_eq!(json!([shown["labels"], shown["scoring"], shown["dims"]]), json!([1, "identity", null]), "{shown}");
    desk.run(&["models", "show", &tiny_model("cross-bert"), "--dims", "8"]).refused(&["cross-encoder", "--rerank"]);
    desk.run(&["models", "show", "mini"]).refused(&["\"mini\" names no model", "voisin-mini"]);
    desk.run(&["models", "show", "./none"]).refused(&["./none"]);
    desk.run(&["--offline", "models", "show", "owner/none"]).refused(&["owner/none", "voisin models pull"]);
}

// ---- bad inputs ------------------------------------------------------------------------------------------------------

#[test]
fn what_cannot_be_read_is_said_and_the_rest_is_indexed() {
    let desk = Desk::new();
    desk.write("bon.txt", "Le conseil municipal a voté le budget hier soir.");
    let files: [(&str, &[u8], &str); 5] = [
        ("vide.txt", b"", "vide.txt: empty"),
        ("blanc.txt", b" \n\t\n", "blanc.txt: empty"),
        ("binaire.txt", b"\x7FELF\x02\x01\x00\x00", "binaire.txt: looks like"),
        ("page.pdf", b"%PDF-1.7\n1 0 obj", "page.pdf: looks like a PDF"),
        ("coupe.txt.gz", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x4b", "coupe.txt.gz: the gzip data is cut short"),
    ];
    desk.run(&["index", "absent.txt", "nulle-part"]).refused(&["there is no file or folder absent.txt, nulle-part"]);
    assert!(!desk.path(".voisin").exists(), "nothing is made for a mistyped name");
    let mut args = vec!["absent.txt", "bon.txt"];
    for (name, bytes, _) in &files {
        desk.write(name, bytes);
        args.push(name);
    }
    let answer = desk.index_tiny(&args).expect(0).says(&["absent.txt: no such file or folder"]);
    let run = answer.one()["run"].take();
    assert_eq!((&run["added"], &run["skipped"]), (&1.into(), &6.into()), "{answer:?}");
    for (_, _, message) in files {
        assert!(
            answer.err.lines().any(|line| line.starts_with(&format!("skipped: {message}"))),
            "{message}: {answer:#?}"
        );
    }
    desk.verify();
    let quiet = desk.index_tiny(&["vide.txt", "--quiet"]).expect(1);
    assert!(quiet.err.is_empty());
}

#[test]
fn a_broken_line_is_named_and_the_others_are_indexed() {
    let desk = Desk::new();
    let lines: String = (1..=20)
        .map(|line| match line {
            17 => "{\"text\": \"La ligne est coupée\n".to_owned(),
            _ => format!("{{\"id\": \"{line}\", \"text\": \"La ligne {line} du fichier.\"}}\n"),
        })
        .collect();
    desk.write("depeches.jsonl", lines);
    let answer = desk.index_tiny(&["depeches.jsonl"]).expect(0).says(&["skipped: depeches.jsonl:17: not valid JSON"]);
    let run = answer.one()["run"].take();
    assert_eq!((&run["added"], &run["skipped"]), (&19.into(), &1.into()));
}

#[test]
fn a_date_that_no_calendar_has_is_said_and_left_out() {
    let desk = Desk::new();
    let line =
        |id: &str, date: &str| format!("{{\"id\": \"{id}\", \"date\": \"{date}\", \"text\": \"Le texte {id}.\"}}\n");
    desk.write("a.jsonl", line("a", "2023-02-30") + &line("b", "2023-02-28"));
    let answer =
        desk.index_tiny(&["a.jsonl"]).expect(0).says(&["note: a.jsonl:1: \"2023-02-30\" is no date that exists"]);
    let indexed = answer.one();
    assert_eq!((&indexed["run"]["added"], &indexed["run"]["notes"]), (&2.into(), &1.into()));
    assert_eq!(indexed["store"]["undated"], 1);
    assert_eq!(indexed["store"]["first_day"], "2023-02-28");
    let hits = desk.run(&["search", "--json", "texte"]).expect(0).objects();
    let dates: BTreeMap<_, _> =
        hits.iter().map(|hit| (hit["article"]["id"].as_str(), &hit["article"]["date"])).collect();
    assert_eq!(dates[&Some("a")], &Value::Null);
    assert_eq!(dates[&Some("b")], "2023-02-28");
}

#[test]
fn compressed_files_and_standard_input_are_read_like_plain_ones() {
    let desk = Desk::new();
    let text = "Le conseil municipal a voté le budget hier soir.";
    let lines = "{\"id\": \"a\", \"text\": \"La mer monte.\"}\n{\"id\": \"b\", \"text\": \"La mer descend.\"}\n";
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    desk.write("un.txt.gz", gzip.finish().unwrap());
    desk.write("deux.jsonl.zst", zstd::encode_all(lines.as_bytes(), 1).unwrap());
    let answer = desk.index_tiny(&["un.txt.gz", "deux.jsonl.zst"]).expect(0);
    assert_eq!(answer.one()["run"]["added"], 3);

    let tiny = tiny();
    let args: Vec<&str> = ["index", "-", "--json"].into_iter().chain(tiny.iter().map(String::as_str)).collect();
    let run = desk.run_with(&args, lines.as_bytes()).expect(0).one()["run"].take();
    assert_eq!((&run["unchanged"], &run["changed"]), (&0.into(), &2.into()), "the same articles from another source");
    let run = desk.run_with(&args, text.as_bytes()).expect(0).one()["run"].take();
    assert_eq!((&run["added"], &run["embedded"]), (&1.into(), &0.into()), "its text is known");
    let found = desk.run(&["search", "--json", "--all-versions", "mer"]).expect(0).ids();
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), ["a", "b", "stdin", "un.txt.gz"].map(str::to_owned).into());
    desk.run_with(&args, b"").expect(1).says(&["standard input: empty"]);
}

#[test]
fn fields_can_be_named() {
    let desk = Desk::new();
    desk.write("a.csv", "ref,paru,contenu\nx1,2024-05-03,La mer monte.\nx2,2024-06,La mer descend.\n");
    desk.index_tiny(&["a.csv", "--field", "text=contenu", "--field", "date=paru", "--field", "id=ref"]).expect(0);
    assert_eq!(desk.run(&["search", "--json", "mer", "--since", "2024-06"]).expect(0).ids(), ["x2"]);
    desk.index_tiny(&["a.csv", "--field", "author=ref"]).refused(&["an article has no part \"author\"", "language"]);
    desk.index_tiny(&["a.csv", "--field", "text"]).expect(2).says(&["PART=NAME"]);
}

#[test]
fn a_line_beyond_all_measure_is_skipped_with_its_size() {
    let desk = Desk::new();
    desk.write("enorme.txt", vec![b'x'; 70_000_000]);
    desk.write("bon.txt", "Le conseil municipal a voté le budget hier soir.");
    let answer = desk.index_tiny(&["enorme.txt", "bon.txt"]).expect(0);
    let answer = answer.says(&["skipped: enorme.txt: 70000000 bytes in one piece, more than the limit of 67108864"]);
    let run = answer.one()["run"].take();
    assert_eq!((&run["added"], &run["skipped"]), (&1.into(), &1.into()));
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let desk = Desk::new();
    desk.write("a.txt", "La mer monte.");
    desk.run(&["index", "a.txt", "--isa", "vax"]).refused(&["\"vax\" is no instruction-set level", "portable"]);
    desk.run(&["index", "a.txt", "--passage-tokens", "1"]).refused(&["a passage of 1 tokens is too short"]);
    desk.run(&["index", "a.txt", "--threads", "0"]).expect(2).says(&["--threads"]);
    desk.run(&["index"]).expect(2).says(&["<PATH>"]);
    assert!(!desk.path(".voisin").exists());
    desk.index_tiny(&["a.txt", "--isa", "portable"]).expect(0);
}

#[test]
fn a_store_keeps_the_length_of_its_passages() {
    let desk = Desk::new();
    let text = "Le conseil municipal a voté le budget hier soir. ".repeat(20);
    desk.write("a.txt", &text);
    desk.index_tiny(&["a.txt", "--passage-tokens", "20"]).expect(0);
    let passages = desk.stats()["passages"].as_u64().unwrap();
    assert!(passages >= 10, "{passages}");
    desk.write("b.txt", &text);
    desk.index_tiny(&["b.txt"]).expect(0);
    assert_eq!(desk.stats()["passages"], 2 * passages, "the same text is cut alike");
    desk.index_tiny(&["b.txt", "--passage-tokens", "30"]).refused(&["about 20 tokens, but 30", "--store"]);

    let many = ["--passage-tokens", "100", "--store", "autre"];
    desk.index_tiny(&[&["a.txt"], &many[..]].concat()).refused(&["100", "46"]);
    desk.index_tiny(&["a.txt", "--store", "autre"]).expect(0);
}

// ---- models that are damaged or not those of the store ---------------------------------------------------------------

#[test]
fn damaged_models_are_refused_with_the_file_that_is_at_fault() {
    let desk = Desk::new();
    let source = fixtures().join("golden/bert");
    copy(&source, &desk.path("coupe"));
    let weights = fs_err::read(source.join("model.safetensors")).unwrap();
    for length in [0, 7, 1000, weights.len() / 2, weights.len() - 1] {
        desk.write("coupe/model.safetensors", &weights[..length]);
        desk.run(&["embed", "--model", "./coupe"]).refused(&["model \"coupe\", model.safetensors", "cut short"]);
    }
    fs_err::remove_file(desk.path("coupe/model.safetensors")).unwrap();
    desk.run(&["embed", "--model", "./coupe"]).refused(&["model \"coupe\", model.safetensors: is missing"]);

    copy(&source, &desk.path("autre"));
    fs_err::copy(fixtures().join("golden/xlm-roberta/tokenizer.json"), desk.path("autre/tokenizer.json")).unwrap();
    desk.write("a.txt", "La mer monte.");
    let parts = ["model \"autre\", tokenizer.json: does not fit the model", "vocab_size"];
    desk.run(&["index", "a.txt", "--model", "./autre"]).refused(&parts);
    assert!(!desk.path(".voisin").exists(), "no store is made for a model that cannot be used");

    desk.write("vide/README", "Rien.");
    desk.run(&["embed", "--model", "./vide"]).refused(&["./vide holds no config.json"]);
}

#[test]
fn a_store_keeps_its_model() {
    let desk = Desk::new();
    desk.write("a.txt", "La mer monte.");
    desk.index_tiny(&["a.txt"]).expect(0);
    let other = tiny_model("distilbert");
    let parts = ["vectors of the model bert", "the model given is distilbert", "--store"];
    desk.run(&["index", "a.txt", "--model", &other]).refused(&parts);
    desk.run(&["index", "a.txt", "--model", "voisin-mini"]).refused(&["the model bert", "voisin-mini"]);
    desk.write("b.txt", "La mer descend.");
    desk.run(&["index", "b.txt"]).expect(0);
    assert_eq!(desk.stats()["articles"], 2, "the model of the store is the default");
}

#[test]
fn a_store_keeps_the_width_of_its_vectors() {
    let desk = Desk::new();
    desk.write("a.txt", "La mer monte.");
    let model = tiny_model("bert");
    desk.run(&["index", "a.txt", "--model", &model, "--dims", "12"]).expect(0);
    assert!(desk.run(&["status"]).expect(0).out.contains("12 components"));
    desk.run(&["search", "mer"]).expect(0);
    desk.run(&["verify"]).expect(0);
    desk.write("b.txt", "La mer descend.");
    desk.run(&["index", "b.txt"]).expect(0);
    assert_eq!(desk.stats()["articles"], 2, "the width of the store is the default");
    for other in [&["--model", &model][..], &["--dims", "13"], &["--model", &model, "--dims", "32"]] {
        desk.run(&[&["index", "b.txt"], other].concat()).refused(&["vectors of the model bert", "--dims"]);
    }
    desk.run(&["index", "b.txt", "--dims", "33"]).refused(&["\"bert\" gives vectors of 32 components", "33"]);
    desk.run(&["models", "show", &model, "--dims", "0"]).refused(&["expected 1 to 32"]);
}

#[test]
fn a_model_that_has_changed_or_gone_is_refused() {
    let desk = Desk::new();
    desk.write("a.txt", "La mer monte.");
    copy(&fixtures().join("golden/bert"), &desk.path("modele"));
    desk.run(&["index", "a.txt", "--model", "./modele"]).expect(0);
    desk.run(&["search", "mer"]).expect(0);
    fs_err::copy(fixtures().join("golden/bert-max/model.safetensors"), desk.path("modele/model.safetensors")).unwrap();
    let answer = desk.run(&["search", "mer"]).expect(2);
    assert!(answer.err.contains("modele"), "{answer:#?}");
    fs_err::remove_dir_all(desk.path("modele")).unwrap();
    desk.run(&["search", "mer"]).refused(&["modele"]);
    desk.run(&["status"]).expect(0);
}

#[test]
fn a_store_of_the_former_built_in_model_says_so() {
    let desk = Desk::new();
    desk.write("a.txt", "La mer monte.");
    desk.index_tiny(&["a.txt"]).expect(0);
    let database = rusqlite::Connection::open(desk.path(".voisin/voisin.db")).unwrap();
    database.execute("UPDATE meta SET value = 'voisin-fr-en-mini' WHERE key = 'model_reference'", []).unwrap();
    drop(database);
    for command in [&["search", "mer"][..], &["index", "a.txt"]] {
        desk.run(command).refused(&["built-in model of earlier versions", "--store"]);
    }
    desk.run(&["status"]).expect(0);
}

// ---- stores that are damaged, foreign, or in use ---------------------------------------------------------------------

#[test]
fn a_store_of_a_newer_version_is_refused_with_both_versions() {
    let desk = Desk::new();
    desk.write("a.txt", "La mer monte.");
    desk.index_tiny(&["a.txt"]).expect(0);
    let before = desk.stats();
    let format = |version: u32| {
        let database = rusqlite::Connection::open(desk.path(".voisin/voisin.db")).unwrap();
        database.pragma_update(None, "user_version", version).unwrap();
    };
    format(99);
    let parts = ["voisin.db has format 99", &format!("reads formats up to {}", voisin::store::VERSION), "newer voisin"];
    for command in [&["status"][..], &["search", "mer"], &["verify"], &["index", "a.txt"], &["remove", "a.txt"]] {
        desk.run(command).refused(&parts);
    }
    format(voisin::store::VERSION);
    assert_eq!(desk.stats()["sequence"], before["sequence"], "a store that is refused is not touched");
}

#[test]
fn a_file_that_is_no_store_is_refused_and_left_alone() {
    let desk = Desk::new();
    desk.write("a.txt", "La mer monte.");
    desk.write(".voisin/voisin.db", "Ceci n'est pas une base de données.".repeat(200));
    let before = desk.read(".voisin/voisin.db");
    for command in [&["status"][..], &["search", "mer"], &["index", "a.txt"]] {
        desk.run(command).refused(&["voisin.db is no store of voisin"]);
    }
    assert_eq!(desk.read(".voisin/voisin.db"), before);
    fs_err::remove_file(desk.path(".voisin/voisin.db")).unwrap();
    let database = rusqlite::Connection::open(desk.path(".voisin/voisin.db")).unwrap();
    database.execute_batch("CREATE TABLE articles (id INTEGER)").unwrap();
    drop(database);
    desk.run(&["index", "a.txt"]).refused(&["voisin.db is no store of voisin"]);
}

#[test]
fn views_that_are_damaged_or_gone_are_made_again() {
    let desk = Desk::with_tiny_corpus();
    let query = ["search", "--json", "-k", "5", "grève à l'hôpital"];
    let before = desk.run(&query).expect(0).out;
    let views = desk.path(".voisin/views");
    let mut damaged = 0;
    for file in ignore::WalkBuilder::new(&views).standard_filters(false).build() {
        let path = file.unwrap().into_path();
        if path.is_file() {
            let bytes = fs_err::read(&path).unwrap();
            fs_err::write(&path, &bytes[..bytes.len() / 2]).unwrap();
            damaged += 1;
        }
    }
    assert!(damaged > 3, "the views of vectors and of words");
    assert_eq!(desk.run(&query).expect(0).out, before);
    fs_err::remove_dir_all(&views).unwrap();
    assert_eq!(desk.run(&query).expect(0).out, before);
    desk.verify();
}

#[test]
fn the_doctor_sees_what_is_damaged_and_makes_it_again() {
    let desk = desk_with_fields();
    let examine = |args: &[&str], code| -> BTreeMap<String, Value> {
        let findings = desk.run(&[&["doctor", "--json"], args].concat()).expect(code).objects();
        findings.into_iter().map(|finding| (finding["check"].as_str().unwrap().to_owned(), finding)).collect()
    };
    const VECTORS: &str = "the view of vectors is whole and caught up";
    const WORDS: &str = "the view of words is whole and caught up";

    let well = examine(&["--repair", "--view", "hnsw"], 0);
    assert!(well.len() >= 5 && well.values().all(|finding| finding["status"] == "ok"), "{well:?}");
    assert_eq!(names(&well[VECTORS]), ["check", "status", "seen", "advice"]);
    let graph = &well["the graph reaches every vector and finds the closest"]["seen"];
    assert!(graph[0].as_str().unwrap().starts_with("recall@10 is 1.0000"), "{graph}");

    // A bit of the last row.
    let rows = desk.path(".voisin/views/rows");
    let mut bytes = fs_err::read(&rows).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs_err::write(&rows, bytes).unwrap();
    let damaged = examine(&[], 2);
    assert_eq!((&damaged[VECTORS]["status"], &damaged[WORDS]["status"]), (&json!("wrong"), &json!("ok")));
    assert!(damaged[VECTORS]["advice"].as_str().unwrap().contains("voisin doctor --store .voisin --repair"));
    desk.run(&["doctor"]).expect(2).says(&["1 of", "checks found something wrong"]);
    assert_eq!(examine(&["--repair"], 0)[VECTORS]["status"], "ok");

    // Without views, answers are right but slow to begin.
    fs_err::remove_dir_all(desk.path(".voisin/views")).unwrap();
    let without = examine(&[], 0);
    assert_eq!((&without[VECTORS]["status"], &without[WORDS]["status"]), (&json!("advice"), &json!("advice")));
}

#[test]
fn verify_finds_what_was_changed_behind_its_back() {
    let desk = Desk::with_tiny_corpus();
    let database = rusqlite::Connection::open(desk.path(".voisin/voisin.db")).unwrap();
    database.execute("UPDATE vectors SET embedding = zeroblob(length(embedding)) WHERE id = 5", []).unwrap();
    drop(database);
    let answer = desk.run(&["verify", "--json"]).expect(2).says(&["checks failed"]);
    let wrong: Vec<String> =
        answer.objects().iter().filter(|finding| finding["ok"] == false).map(Value::to_string).collect();
    assert!(wrong.iter().any(|finding| finding.contains("vector 5")), "{wrong:?}");
}

#[test]
fn two_writers_are_one_too_many_and_readers_are_welcome() {
    let desk = Desk::new();
    desk.write("a.txt", "La mer monte.");
    let tiny = tiny();
    let args: Vec<&str> = ["index", "-", "--json"].into_iter().chain(tiny.iter().map(String::as_str)).collect();
    let mut first = Running::start(desk.command(&args), Stdio::piped());
    wait_until("the store", || desk.path(".voisin/voisin.db").exists() && desk.run(&["status"]).code == Some(1));
    desk.index_tiny(&["a.txt"]).refused(&["another voisin is writing to .voisin", "wait until it has ended"]);
    desk.run(&["remove", "a.txt"]).refused(&["another voisin is writing"]);
    desk.run(&["search", "mer"]).expect(1);
    first.0.stdin.as_mut().unwrap().write_all("La mer descend.".as_bytes()).unwrap();
    let run = first.end().expect(0).one()["run"].take();
    assert_eq!(run["added"], 1);
    desk.index_tiny(&["a.txt"]).expect(0);
    assert_eq!(desk.stats()["articles"], 2);
}

// ---- outputs that end early, folders without rights, full disks ------------------------------------------------------

#[test]
fn an_output_that_is_closed_early_is_no_error() {
    let desk = Desk::with_tiny_corpus();
    desk.write("lignes", "La mer monte.\n".repeat(2000));
    for args in [
        &["search", "--json", "-k", "3", "crue"][..],
        &["search", "-k", "3", "crue"],
        &["duplicates", "--json"],
        &["similar", "articles/cable-apo.txt"],
        &["status"],
        &["verify"],
        &["models", "list"],
        &["man"],
        &["--help"],
        &["embed", "--model", &tiny_model("bert")],
    ] {
        closed_early(&desk, args);
    }
}

#[test]
fn completions_that_are_closed_early_are_no_error() {
    for shell in ["bash", "zsh", "fish"] {
        closed_early(&Desk::new(), &["completions", shell]);
    }
}

/// Asserts that the program ends quietly where nobody reads what it prints; what it reads is the file `lignes`, if any.
#[track_caller]
fn closed_early(desk: &Desk, args: &[&str]) {
    let mut command = desk.command(args);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let stdin = fs_err::File::open(desk.path("lignes")).map_or(Stdio::null(), |file| file.into_parts().0.into());
    let output = command.stdin(stdin).stdout(writer).stderr(Stdio::piped()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && said.is_empty(), "{args:?}: {:?} {said}", output.status);
}

#[cfg(target_os = "linux")]
#[test]
fn an_output_that_is_full_is_an_error() {
    let desk = Desk::with_tiny_corpus();
    for format in ["jsonl", "npy"] {
        let args = ["embed", "--model", &tiny_model("bert"), "--format", format, "--output", "/dev/full"];
        desk.run_with(&args, b"La mer monte.\n").refused(&["cannot write", "/dev/full", "No space left on device"]);
    }
    for args in [&["search", "--json", "crue"][..], &["status"], &["man"], &["duplicates"]] {
        let full = fs_err::OpenOptions::new().write(true).open("/dev/full").unwrap().into_parts().0;
        let output = desk.command(args).stdout(full).stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            output.status.code() == Some(2) && said.contains("cannot write"),
            "{args:?}: {:?} {said}",
            output.status
        );
    }
    desk.run(&["embed", "--output", "no/such/folder"]).refused(&["no/such/folder"]);
}

/// Puts a tiny model that everyone may read at `modele`.
#[cfg(unix)]
fn readable_model(desk: &Desk) {
    copy(&fixtures().join("golden/bert"), &desk.path("modele"));
    set_mode(desk, "modele/model.safetensors", 0o644);
}

/// Runs a command without the rights of root: as it is, or as the user `nobody`. `None`, with the reason said, where that
/// cannot be done.
#[cfg(unix)]
fn run_without_rights(desk: &Desk, args: &[&str]) -> Option<crate::support::Answer> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;
    const NOBODY: u32 = 65534;

    let mut command = desk.command(args);
    if fs_err::metadata(desk.write("whose", "")).unwrap().uid() == 0 {
        fs_err::set_permissions(desk.path(""), std::fs::Permissions::from_mode(0o755)).unwrap();
        command.uid(NOBODY).gid(NOBODY);
    }
    match command.stdin(Stdio::null()).output() {
        Ok(output) => Some(crate::support::Answer::new(format!("{command:?}"), output)),
        Err(error) => {
            say(&format!("skipped: root may read everything, and the program cannot be run as nobody: {error}"));
            None
        }
    }
}

#[cfg(unix)]
fn set_mode(desk: &Desk, name: &str, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs_err::set_permissions(desk.path(name), std::fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(unix)]
#[test]
fn folders_and_files_that_may_not_be_read_are_said_and_the_rest_is_indexed() {
    let desk = Desk::new();
    for name in ["textes/bon.txt", "textes/ferme/a.txt", "textes/secret.txt"] {
        desk.write(name, format!("Le conseil municipal a voté le budget : {name}."));
    }
    readable_model(&desk);
    set_mode(&desk, "textes/ferme", 0o000);
    set_mode(&desk, "textes/secret.txt", 0o000);
    fs_err::create_dir(desk.path("ouvert")).unwrap();
    set_mode(&desk, "ouvert", 0o777);
    let answer =
        run_without_rights(&desk, &["index", "textes", "--json", "--store", "ouvert/s", "--model", "./modele"]);
    set_mode(&desk, "textes/ferme", 0o755);
    let Some(answer) = answer else { return };
    let answer = answer.expect(0).says(&["textes/ferme: cannot be listed", "textes/secret.txt: cannot be read"]);
    let run = answer.one()["run"].take();
    assert_eq!((&run["added"], &run["skipped"]), (&1.into(), &2.into()), "{answer:#?}");
}

#[cfg(unix)]
#[test]
fn a_folder_that_may_not_be_written_to_is_said() {
    let desk = Desk::new();
    desk.write("a.txt", "La mer monte.");
    readable_model(&desk);
    fs_err::create_dir(desk.path("ferme")).unwrap();
    set_mode(&desk, "ferme", 0o555);
    if let Some(answer) = run_without_rights(&desk, &["index", "a.txt", "--store", "ferme/s", "--model", "./modele"]) {
        answer.refused(&["ferme/s", "ermission denied"]);
    }
}

#[cfg(unix)]
#[test]
fn a_store_that_may_only_be_read_answers() {
    let desk = Desk::new();
    desk.write("a.txt", "La mer monte.");
    readable_model(&desk);
    desk.run(&["index", "a.txt", "--model", "./modele"]).expect(0);
    for (name, mode) in [(".voisin/voisin.db", 0o444), (".voisin/views", 0o555), (".voisin", 0o555)] {
        set_mode(&desk, name, mode);
    }
    let answers = [&["status"][..], &["search", "mer"], &["verify"]].map(|args| run_without_rights(&desk, args));
    for name in [".voisin", ".voisin/views"] {
        set_mode(&desk, name, 0o755);
    }
    for answer in answers.into_iter().flatten() {
        answer.expect(0);
    }
}

#[cfg(unix)]
#[test]
fn a_cache_that_may_only_be_read_is_no_reason_to_stop() {
    let desk = Desk::new();
    desk.write("a.txt", "La mer monte.");
    readable_model(&desk);
    desk.run(&["index", "a.txt", "--model", "./modele", "--cache", "c/vectors.sqlite"]).expect(0);
    set_mode(&desk, "c/vectors.sqlite", 0o444);
    set_mode(&desk, "c", 0o555);
    fs_err::create_dir(desk.path("ouvert")).unwrap();
    set_mode(&desk, "ouvert", 0o777);
    let args =
        ["index", "a.txt", "--store", "ouvert/s", "--model", "./modele", "--cache", "c/vectors.sqlite", "--json"];
    let answer = run_without_rights(&desk, &args);
    set_mode(&desk, "c", 0o755);
    let Some(answer) = answer else { return };
    let answer = answer.expect(0).says(&["note: going on without the cache of vectors", "c/vectors.sqlite"]);
    assert_eq!(answer.one()["run"]["embedded"], 1, "{answer:#?}");
}

/// A script that is run where `disk` is a file system of its own, which nobody else sees and which goes with it.
#[cfg(target_os = "linux")]
fn on_a_small_disk(desk: &Desk, script: &str) -> bool {
    fs_err::create_dir(desk.path("disk")).unwrap();
    let mount = "mount -t tmpfs -o size=1500k tmpfs disk";
    for unshare in [&["-m"][..], &["-r", "-m"]] {
        let run = |script: &str| {
            let mut command = std::process::Command::new("unshare");
            command.args(unshare).args(["sh", "-e", "-c", script]).current_dir(desk.path(""));
            command.env("VOISIN", crate::support::BINARY).env("MODEL", tiny_model("bert"));
            command.env("XDG_CACHE_HOME", desk.path(CACHES)).env_remove("VOISIN_CACHE").output()
        };
        if run(mount).is_ok_and(|output| output.status.success()) {
            let output = run(&format!("{mount}\n{script}")).unwrap();
            assert!(output.status.success(), "{output:?}");
            return true;
        }
    }
    say("skipped: no small disk can be mounted here");
    false
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said_and_the_run_goes_on_when_there_is_room() {
    let desk = Desk::new();
    let lines: String = (0..1200)
        .map(|n| {
            let text = format!("Article {n}. {}", "Le conseil municipal a voté le budget. ".repeat(8));
            format!("{}\n", json!({ "id": n.to_string(), "text": text }))
        })
        .collect();
    desk.write("depeches.jsonl", lines);
    let script = r#"
        step() { name=$1; shift; set +e; "$VOISIN" "$@" --json --store disk/s >$name.out 2>$name.err; echo $? >$name.code; set -e; }
        step first index depeches.jsonl --model "$MODEL"
        step status status
        step verify verify
        mount -o remount,size=50m disk
        step again index depeches.jsonl --model "$MODEL"
        step whole verify
    "#;
    if !on_a_small_disk(&desk, script) {
        return;
    }
    let read = |name: &str| desk.read(name).trim().to_owned();
    assert_eq!(read("first.code"), "2");
    let said = read("first.err");
    assert!(said.contains("no space is left on the disk of disk/s/voisin.db") && !said.contains("panicked"), "{said}");
    assert_eq!((read("status.code"), read("verify.code")), ("0".into(), "0".into()), "{}", read("verify.out"));
    let status: Value = serde_json::from_str(&read("status.out")).unwrap();
    let stored = status["store"]["articles"].as_u64().unwrap();
    assert!((1..1200).contains(&stored), "{stored}");
    assert_eq!((read("again.code"), read("whole.code")), ("0".into(), "0".into()), "{}", read("again.err"));
    let again: Value = serde_json::from_str(&read("again.out")).unwrap();
    assert_eq!((&again["run"]["unchanged"], &again["store"]["articles"]), (&stored.into(), &1200.into()));
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_too_full_for_the_cache_is_no_reason_to_stop() {
    let desk = Desk::new();
    let lines: String =
        (0..3000).map(|n| format!("{}\n", json!({ "id": n.to_string(), "text": format!("Dépêche {n}.") }))).collect();
    desk.write("depeches.jsonl", lines);
    let script = r#"
        mount -o remount,size=200k disk
        "$VOISIN" index depeches.jsonl --model "$MODEL" --cache disk/vectors.sqlite --json >out 2>err
    "#;
    if !on_a_small_disk(&desk, script) {
        return;
    }
    let answer: Value = serde_json::from_str(&desk.read("out")).unwrap();
    assert_eq!(answer["store"]["articles"], 3000);
    let said = desk.read("err");
    assert_eq!(said.matches("going on without the cache of vectors").count(), 1, "{said}");
    desk.verify();
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_too_full_for_an_empty_store_does_not_spoil_it() {
    let desk = Desk::new();
    desk.write("a.txt", "La mer monte.");
    let script = r#"
        mount -o remount,size=40k disk
        ! "$VOISIN" index a.txt --model "$MODEL" --store disk/s
        mount -o remount,size=50m disk
        "$VOISIN" index a.txt --model "$MODEL" --store disk/s
    "#;
    on_a_small_disk(&desk, script);
}
