//! Answers that are good, not only well-formed: the fixtures' own truth (`tests/fixtures/expected.json`), and the sample
//! articles of the user where they are there.

use std::path::PathBuf;

use crate::support::{Desk, copy, expected, say};

/// Of the queries of `expected.json`, how many must be answered: the built-in model is small.
const ANSWERED: usize = 15;

#[test]
fn questions_find_one_of_the_expected_articles_among_the_first_two() {
    let desk = Desk::with_corpus();
    let expected = expected();
    let queries = expected["queries"].as_array().unwrap();
    let mut missed = Vec::new();
    for query in queries {
        let text = query["query"].as_str().unwrap();
        let wanted: Vec<&str> = query["expect"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
        let rank = |k: &str| {
            let found = desk.run(&["search", "--json", "-k", k, text]).expect(0).ids();
            (found.iter().position(|id| wanted.contains(&id.as_str())), found)
        };
        if rank("2").0.is_none() {
            let (best, found) = rank("33");
            let best = best.expect("every article of the store is ranked");
            missed.push(format!("\"{text}\": {} comes at rank {}, after {:?}", found[best], best + 1, &found[..2]));
        }
    }
    for miss in &missed {
        say(miss);
    }
    let answered = queries.len() - missed.len();
    assert!(answered >= ANSWERED, "{answered} of {} queries:\n{}", queries.len(), missed.join("\n"));
}

/// Rows that were measured with the built-in model, committed beside it.
const BASELINE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/models/voisin-mini/eval.jsonl");

#[test]
fn the_built_in_model_is_as_good_as_its_rows_say() {
    let rows = voisin::eval::row::read(BASELINE.as_ref()).unwrap();
    assert!(rows.len() > 20 && rows.iter().all(|row| row.model == "voisin-mini"), "{} rows", rows.len());
    let Some(file) = data().map(|data| data.join("eval/stsb/fr-dev.tsv")).filter(|file| file.is_file()) else {
        say("skipped: no ../shared/data/eval");
        return;
    };
    let file = file.display().to_string();
    let row = Desk::new().run(&["eval", "sts", &file, "--against", BASELINE, "--json"]).expect(0).one();
    // Levels of instructions differ by rounding.
    assert!(row["change"]["spearman"].as_f64().unwrap().abs() < 0.001, "{row}");
}

/// The user's data: `$VOISIN_DATA`, or `../shared/data` beside the checkout.
fn data() -> Option<PathBuf> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let folder = std::env::var_os("VOISIN_DATA").map_or_else(beside, PathBuf::from);
    folder.join("seeds").is_dir().then_some(folder)
}

#[test]
fn the_seeds_are_found_and_paired() {
    let Some(data) = data() else {
        return say("skipped: no ../shared/data");
    };
    let desk = Desk::new();
    copy(&data.join("seeds"), &desk.path("seeds"));
    desk.run(&["index", "seeds"]).expect(0);
    let seed = |id: &str| id.trim_start_matches("seeds/")[..3].to_owned();

    let found =
        desk.run(&["search", "--json", "délégation militaire russe reçue à Benghazi en août 2023"]).expect(0).ids();
    let mut first: Vec<String> = found[..2].iter().map(|id| seed(id)).collect();
    first.sort();
    assert_eq!(first, ["000", "001"], "{found:?}");

    let zero = found.iter().find(|id| seed(id) == "000").unwrap();
    let similar = desk.run(&["similar", "--json", zero]).expect(0).ids();
    assert_eq!(seed(&similar[0]), "001", "{similar:?}");

    let pairs = desk.run(&["duplicates", "--json"]).expect(0).objects();
    let pair = pairs
        .iter()
        .filter(|object| object["kind"] == "pair")
        .find(|pair| {
            let mut ids = [&pair["a"], &pair["b"]].map(|article| seed(article["id"].as_str().unwrap()));
            ids.sort();
            ids == ["000", "001"]
        })
        .unwrap_or_else(|| panic!("000 and 001 are no pair: {pairs:?}"));
    // Both are written around the same dispatch of an agency.
    assert_eq!(pair["relation"], "shared-source", "{pair}");
}
