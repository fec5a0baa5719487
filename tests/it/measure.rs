//! `voisin eval` and `voisin bench` as people and programs meet them.

use serde_json::{Value, json};

use crate::support::{Desk, tiny_model};
#[cfg(unix)]
use crate::support::{Running, wait_until};

/// The only row, of this task.
#[track_caller]
fn row(desk: &Desk, args: &[&str]) -> Value {
    let answer = desk.run(&[&["eval", "--json"], args].concat()).expect(0);
    let row = answer.one();
    assert_eq!((&row["task"], &row["model"]), (&json!(args[0]), &json!("voisin-mini")));
    assert_eq!(row["precision"], "f32");
    assert!(row["seconds"].as_f64().unwrap() > 0.0);
    row
}

fn metric(row: &Value, name: &str) -> f64 {
    row["metrics"][name].as_f64().unwrap_or_else(|| panic!("no {name} in {row}"))
}

const GRADED: &str = "\
Un homme joue de la guitare.\tUn homme joue de la guitare.\t5.0
Un homme joue de la guitare.\tQuelqu'un joue d'un instrument.\t3.5
Le chat dort sur le canapé.\tUn félin sommeille sur le divan.\t4.2
Le chat dort sur le canapé.\tLe Parlement a voté le budget.\t0.0
La rivière a débordé cette nuit.\tLes crues ont inondé le village pendant la nuit.\t3.9
La rivière a débordé cette nuit.\tElle prépare une tarte aux pommes.\t0.2
";

#[test]
fn similarity_is_measured_on_graded_pairs() {
    let desk = Desk::new();
    desk.write("sts.tsv", GRADED);
    let row = row(&desk, &["sts", "sts.tsv"]);
    assert_eq!((&row["n"], &row["data"]), (&json!(6), &json!("sts")));
    // Six pairs that no sensible model orders otherwise, up to a swap of neighbours.
    assert!(metric(&row, "spearman") > 0.7 && metric(&row, "pearson") > 0.7, "{row}");
    let interval = &row["ci95"]["spearman"];
    assert!(interval[0].as_f64() <= row["metrics"]["spearman"].as_f64(), "{row}");

    // The grades turned round: the correlation is the opposite.
    let turned: String = GRADED
        .lines()
        .map(|line| {
            let (texts, grade) = line.rsplit_once('\t').unwrap();
            format!("{texts}\t{}\n", 5.0 - grade.parse::<f64>().unwrap())
        })
        .collect();
    desk.write("turned.tsv", turned);
    let other = self::row(&desk, &["sts", "turned.tsv"]);
    assert!((metric(&row, "spearman") + metric(&other, "spearman")).abs() < 1e-6, "{row} {other}");
}

#[test]
fn thresholds_come_from_the_pairs_that_are_named() {
    let desk = Desk::new();
    let labelled: String = GRADED
        .lines()
        .map(|line| {
            let (texts, grade) = line.rsplit_once('\t').unwrap();
            format!("{texts}\t{}\n", i32::from(grade.parse::<f64>().unwrap() > 3.0))
        })
        .collect();
    desk.write("pairs.tsv", labelled);
    let own = row(&desk, &["pairs", "pairs.tsv"]);
    assert_eq!((metric(&own, "ap"), metric(&own, "f1"), metric(&own, "accuracy")), (1.0, 1.0, 1.0), "{own}");

    // Where only the same words count, the threshold is too high for other words.
    desk.write("strict.tsv", "Il pleut.\tIl pleut.\t1\nIl pleut.\tIl pleut fort ce soir.\t0\n");
    let strict = row(&desk, &["pairs", "pairs.tsv", "--dev", "strict.tsv"]);
    assert_eq!(metric(&strict, "ap"), 1.0);
    assert!(metric(&strict, "threshold") > metric(&own, "threshold"), "{strict} {own}");
    assert!(metric(&strict, "recall") < 1.0, "{strict}");

    desk.write("one-kind.tsv", "Il pleut.\tIl pleut.\t1\nElle lit.\tElle lit.\t1\n");
    desk.run(&["eval", "pairs", "one-kind.tsv"]).refused(&["one-kind.tsv", "the same label"]);
    desk.write("sts.tsv", GRADED);
    desk.run(&["eval", "pairs", "sts.tsv"]).refused(&["pair 1 has the score 5", "voisin eval sts"]);
}

#[test]
fn translations_find_each_other() {
    let desk = Desk::new();
    desk.write(
        "en-fr.tsv",
        "The river burst its banks.\tLa rivière a débordé.\nThe cat sleeps.\tLe chat dort.\n\
         Parliament passed the budget.\tLe Parlement a voté le budget.\n",
    );
    let row = row(&desk, &["bitext", "en-fr.tsv"]);
    for name in ["accuracy", "accuracy_back", "f1", "nearest_f1"] {
        assert_eq!(metric(&row, name), 1.0, "{row}");
    }
    desk.write("en.txt", "The cat sleeps.\n");
    desk.write("fr.txt", "Le chat dort.\nIl pleut.\n");
    desk.run(&["eval", "bitext", "en.txt", "fr.txt"]).refused(&["fr.txt, line 2: has no counterpart in en.txt"]);
}

#[test]
fn passages_are_searched_as_articles_are() {
    let desk = Desk::new();
    desk.write(
        "passages.jsonl",
        "{\"pid\": 1, \"title\": \"Ligne\", \"text\": \"La rivière est sortie de son lit et a inondé le village.\"}\n\
         {\"pid\": 2, \"title\": \"Hôpital\", \"text\": \"Le personnel des urgences est en grève depuis lundi.\"}\n\
         {\"pid\": 3, \"text\": \"Les eurodéputés ont voté un règlement sur l'intelligence artificielle.\"}\n",
    );
    desk.write(
        "queries.jsonl",
        "{\"kind\": \"mots\", \"query\": \"crue\", \"pid\": 1}\n\
         {\"kind\": \"question\", \"query\": \"Qui a cessé le travail à l'hôpital ?\", \"relevant\": [2]}\n\
         {\"kind\": \"question\", \"query\": \"Que décide l'Europe sur l'IA ?\", \"relevant\": [3, 404]}\n",
    );
    let args = ["eval", "retrieval", "--passages", "passages.jsonl", "--queries", "queries.jsonl", "--json"];
    let rows = desk.run(&args).expect(0).objects();
    let data: Vec<_> = rows.iter().map(|row| (row["data"].as_str().unwrap(), row["n"].as_u64().unwrap())).collect();
    assert_eq!(data, [("queries mots", 1), ("queries question", 2)].repeat(3));
    let modes: Vec<&str> = rows.iter().map(|row| row["mode"].as_str().unwrap()).collect();
    assert_eq!(modes, ["hybrid", "hybrid", "semantic", "semantic", "lexical", "lexical"]);
    for kinds in rows[..4].chunks(2) {
        assert_eq!(metric(&kinds[0], "ndcg@10"), 1.0);
        assert_eq!(metric(&kinds[1], "mrr@10"), 1.0);
        // Passage 404 is relevant and cannot be found: half of two, and whole of one.
        assert_eq!(metric(&kinds[1], "recall@100"), 0.75);
    }
    assert_eq!(metric(&rows[4], "ndcg@10"), 0.0, "no article has the word");
    let one = desk.run(&[&args[..], &["--mode", "lexical", "--fusion", "rrf"]].concat()).expect(0).objects();
    assert_eq!(one.len(), 2);

    desk.write("lost.jsonl", "{\"query\": \"crue\", \"pid\": 9}\n");
    desk.run(&["eval", "retrieval", "--passages", "passages.jsonl", "--queries", "lost.jsonl"])
        .refused(&["lost.jsonl, line 1", "no relevant passage in passages.jsonl"]);
    desk.run(&["eval", "retrieval", "--passages", "nowhere.jsonl", "--queries", "lost.jsonl"])
        .refused(&["nowhere.jsonl"]);
}

#[test]
fn names_are_found_in_other_spellings() {
    let desk = Desk::new();
    let list = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/names.tsv");
    let rows =
        desk.run(&["eval", "names", list, "--mode", "lexical", "--mode", "hybrid", "--json"]).expect(0).objects();
    for (row, mode) in rows.iter().zip(["lexical", "hybrid"]) {
        assert_eq!((row["task"].as_str(), row["mode"].as_str()), (Some("names"), Some(mode)));
        assert!(metric(row, "recall@10") >= 0.95, "{row}");
    }
    assert_eq!(rows.len(), 2);
    desk.run(&["eval", "names", "nowhere.tsv"]).refused(&["nowhere.tsv"]);
}

/// Pairs of the sample articles as `voisin duplicates` reports them, as a file of truth.
fn truth(desk: &Desk) -> String {
    let pairs = desk.run(&["duplicates", "--json"]).expect(0).objects();
    let mut truth = "id1\tid2\tjaccard5\tcontainment5\n".to_owned();
    for pair in pairs.iter().filter(|pair| pair["kind"] == "pair" && pair["relation"] != "same-story") {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let containment = pair["a_in_b"].as_f64().unwrap().max(pair["b_in_a"].as_f64().unwrap());
        truth +=
            &format!("{}\t{}\t{}\t{containment}\n", text(&pair["a"]["id"]), text(&pair["b"]["id"]), pair["jaccard"]);
    }
    truth
}

#[test]
fn copies_in_a_store_are_judged() {
    let desk = Desk::with_corpus();
    let truth = truth(&desk);
    assert!(truth.lines().count() > 3, "{truth}");
    desk.write("truth.tsv", &truth);
    let args = ["duplicates", "--truth", "truth.tsv", "--min-jaccard", "0.3"];
    let all = row(&desk, &args);
    for name in ["recall", "precision", "f1", "ari"] {
        assert_eq!(metric(&all, name), 1.0, "{all}");
    }
    assert_eq!(metric(&row(&desk, &["duplicates", "--truth", "truth.tsv", "--min-containment", "0.5"]), "recall"), 1.0);

    // A pair that is not true lowers precision; one that is not found lowers recall.
    let (left_out, rest): (Vec<&str>, Vec<&str>) = truth.lines().partition(|line| line.contains("vol-musee"));
    assert_eq!(left_out.len(), 1, "{truth}");
    desk.write("truth.tsv", rest.join("\n"));
    let fewer = row(&desk, &args);
    assert!(metric(&fewer, "precision") < 1.0 && metric(&fewer, "recall") == 1.0, "{fewer}");
    assert!(metric(&fewer, "ari") < 1.0, "{fewer}");
    desk.write("truth.tsv", truth.clone() + "gel-vignes\tnowhere\t0.9\t0.9\n");
    let more = row(&desk, &args);
    assert!(metric(&more, "recall") < 1.0 && metric(&more, "precision") == 1.0, "{more}");

    let note = more["notes"][0].as_str().unwrap();
    assert!(note.starts_with("1 of its pairs"), "{note}");

    let band = row(&desk, &["duplicates", "--truth", "truth.tsv", "--min-jaccard", "0", "--below", "1"]);
    assert!(band["metrics"].get("precision").is_none(), "{band}");
    desk.write("truth.tsv", "id1\tid2\tjaccard5\nx\ty\t1\n");
    desk.run(&[&["eval"], &args[..]].concat()).refused(&["of other articles than the store's", "--store"]);
    let empty = Desk::new();
    empty.write("truth.tsv", truth);
    empty.run(&[&["eval"], &args[..]].concat()).refused(&["there is no store"]);
}

#[test]
fn the_graph_is_judged_against_the_scan() {
    let desk = Desk::with_corpus();
    let row = row(&desk, &["ann", "-k", "5", "--queries", "50"]);
    assert!(metric(&row, "recall@5") > 0.95, "{row}");
    assert_eq!(row["n"], 50, "{row}");
    let empty = Desk::new();
    empty.write("none.txt", "  ");
    empty.index_tiny(&["none.txt"]).expect(1);
    empty.run(&["eval", "ann"]).refused(&["fewer than two vectors"]);
    desk.run(&["eval", "ann", "--model", "other"]).refused(&["--model", "a store has a model of its own"]);
}

#[test]
fn a_folder_of_data_is_measured_and_compared() {
    let desk = Desk::new();
    desk.write("data/eval/stsb/fr-dev.tsv", GRADED);
    desk.write("data/eval/bitext/en-fr.tsv", "The cat sleeps.\tLe chat dort.\nIt rains.\tIl pleut.\n");
    let all = ["eval", "all", "--data", "data"];
    let answer = desk.run(&[&all[..], &["--json"]].concat()).expect(0);
    let rows = answer.objects();
    assert_eq!(
        rows.iter().map(|row| row["data"].as_str().unwrap()).collect::<Vec<_>>(),
        ["stsb/fr-dev", "bitext/en-fr"]
    );
    desk.write("rows.jsonl", &answer.out);
    let table = desk.run(&[&all[..], &["--against", "rows.jsonl"]].concat()).expect(0);
    assert!(table.out.contains("spearman") && table.out.contains("+0.0000"), "{}", table.out);
    assert!(!table.out.contains("-0.0000"), "{}", table.out);
    // By the end of its path, and in JSON.
    let one =
        desk.run(&["eval", "sts", "data/eval/stsb/fr-dev.tsv", "--against", "rows.jsonl", "--json"]).expect(0).one();
    assert_eq!(one["change"]["spearman"], 0.0, "{one}");
    desk.write("other.tsv", GRADED);
    desk.run(&["eval", "sts", "other.tsv", "--against", "rows.jsonl"]).expect(0).says(&["no earlier row"]);
    assert!(table.err.contains("sts stsb/fr-dev: spearman"), "progress is talk: {}", table.err);

    // One bad file stops no other, and is counted.
    desk.write("data/eval/stsb/broken-dev.tsv", "a\tb\n");
    let broken = desk.run(&[&all[..], &["--json"]].concat()).expect(2);
    assert_eq!(broken.objects().len(), 2);
    broken.says(&["broken-dev.tsv, line 1", "1 data set could not be measured"]);
    desk.run(&["eval", "all", "--data", "nowhere"]).refused(&["nowhere", "there is no such folder"]);
    desk.run(&[&all[..], &["--against", "nowhere.jsonl"]].concat()).refused(&["nowhere.jsonl"]);
}

/// The value of a measure of a report.
#[track_caller]
fn measure(report: &Value, name: &str, group: &str) -> f64 {
    let measures = report["measures"].as_array().unwrap();
    let found = measures.iter().find(|measure| measure["name"] == name && measure["group"] == group);
    found.and_then(|measure| measure["value"].as_f64()).unwrap_or_else(|| panic!("no {name} of {group} in {report:#}"))
}

/// Runs a bench for a second, and its comparison with itself.
#[track_caller]
fn bench(desk: &Desk, args: &[&str]) -> Value {
    let all = [&["bench"], args, &["--seconds", "1", "--save", "report.json"]].concat();
    let table = desk.run(&all).expect(0);
    let report: Value = serde_json::from_str(&desk.read("report.json")).unwrap();
    assert_eq!(report["bench"], args[0]);
    assert!(table.out.contains(report["machine"]["cpu"].as_str().unwrap()), "{}", table.out);
    for measure in report["measures"].as_array().unwrap() {
        assert!(measure["value"].as_f64().is_some_and(|value| value >= 0.0), "{measure}");
        // A count is named by what it counts; everything else has a unit.
        let counts = ["articles", "passages", "different texts"];
        assert!(measure["unit"] != "" || counts.contains(&measure["name"].as_str().unwrap()), "{measure}");
    }
    let again = [&["bench"], args, &["--seconds", "1", "--compare", "report.json"]].concat();
    let compared = desk.run(&again).expect(0);
    assert!(compared.out.contains("%)"), "{}", compared.out);
    assert!(!compared.out.contains("Differs"), "{}", compared.out);
    report
}

#[test]
fn embedding_is_timed() {
    let desk = Desk::new();
    let report = bench(&desk, &["embed", "--model", &tiny_model("bert"), "--threads", "2"]);
    for mix in ["short query", "news passage", "long passage"] {
        let value = |name: &str| measure(&report, name, mix);
        // The mean length is that of the load on all threads, of which the load on one is the first part.
        for on in ["1 thread", "2 threads"] {
            let (tokens, texts) = (value(&format!("tokens, {on}")), value(&format!("texts, {on}")));
            let length = tokens / texts / value("length, mean");
            assert!((0.8..1.25).contains(&length), "{on}: {report:#}");
        }
        assert!(value("tokens, 2 threads") > value("tokens, a thread of 2"), "{report:#}");
        assert!(value("share of the peak, 1 thread") > 0.0);
        // A text alone takes no less than its share of a batch, by far.
        assert!(value("one text alone, p50") > 500.0 / value("texts, 2 threads"), "{report:#}");
    }
    assert!(measure(&report, "peak, 1 thread", "process") > 0.1);
    assert!(measure(&report, "loading the model", "process") > 0.0);
    assert_eq!(report["settings"]["texts"], "built-in samples");

    desk.run(&["bench", "embed", "nowhere", "--seconds", "1"]).refused(&["there is no file or folder nowhere"]);
    desk.write("empty.txt", " ");
    desk.run(&["bench", "embed", "empty.txt", "--seconds", "1"]).refused(&["empty.txt holds no article"]);
    desk.run(&["bench", "embed", "--precision", "f8"]).expect(2).says(&["f8"]);
    desk.run(&["bench", "index", "--compare", "report.json"]).refused(&["is a report of `bench embed`"]);
    desk.run(&["bench", "embed", "--save", "no/such/folder.json"])
        .refused(&["--save: cannot write no/such/folder.json"]);
}

#[cfg(unix)]
#[test]
fn an_interrupted_measurement_leaves_nothing() {
    let desk = Desk::new();
    fs_err::create_dir(desk.path("tmp")).unwrap();
    let mut command = desk.command(&["bench", "index", "--model", &tiny_model("bert"), "--seconds", "600"]);
    command.env("TMPDIR", desk.path("tmp"));
    let running = Running::start(command, std::process::Stdio::null());
    let files = || ignore::WalkBuilder::new(desk.path("tmp")).hidden(false).build().count();
    wait_until("a store", || files() > 5);
    let id = running.0.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    running.end().expect(130);
    assert_eq!(files(), 1, "the folder alone");
}

#[test]
fn searching_is_timed_stage_by_stage() {
    let desk = Desk::with_corpus();
    let report = bench(&desk, &["search", "-k", "3"]);
    let mean = |stage: &str| measure(&report, stage, "mean");
    let stages = [
        "understand",
        "embed the question",
        "closest vectors",
        "words, grouping, fusion",
        "fold versions",
        "fetch",
        "mark sentences",
    ];
    let sum: f64 = stages.into_iter().map(mean).sum();
    let whole = mean("whole search");
    assert!(sum <= whole * 1.001 && sum > 0.9 * whole, "stages make the whole: {report:#}");
    let shares: f64 = stages.into_iter().map(|stage| measure(&report, stage, "share")).sum();
    assert!((90.0..100.1).contains(&shares), "{report:#}");
    assert_eq!(measure(&report, "recall@3 against the exact scan", "process"), 100.0);
    assert!(measure(&report, "opening the store", "process") > 0.0);

    desk.write("questions.txt", "crue en Ardèche\n\ngrève à l'hôpital\n");
    let report = bench(&desk, &["search", "--queries", "questions.txt", "--view", "hnsw"]);
    assert_eq!(
        (&report["settings"]["view"], &report["settings"]["questions"]),
        (&json!("hnsw"), &json!("2 (a file), 2 of them for recall"))
    );
    desk.run(&["bench", "search", "--store", "nowhere"]).refused(&["there is no store at nowhere"]);
}

#[test]
fn indexing_is_timed_and_leaves_nothing() {
    let desk = Desk::with_tiny_corpus();
    let before = desk.stats();
    let tiny = tiny_model("bert");
    let report = bench(&desk, &["index", "articles", "--model", &tiny]);
    // All of it, unless the machine is so slow that a second is not enough.
    let cut_short = report["notes"].to_string().contains("the time was over");
    for what in ["articles", "passages"] {
        let (indexed, all) = (measure(&report, what, "whole run"), before[what].as_f64().unwrap());
        assert!(indexed == all || cut_short && indexed < all, "{what}: {indexed} of {all}");
    }
    assert!(measure(&report, "articles", "a second") > 0.0 && measure(&report, "time", "whole run") > 0.0);
    for stage in ["read", "cut and tokenise", "store", "write the view"] {
        assert!(measure(&report, stage, "busy") > 0.0, "{stage}");
    }
    assert!(measure(&report, "database", "a passage") > 100.0 && measure(&report, "views", "a passage") > 0.0);
    assert_eq!(desk.stats(), before, "the store of the desk is left alone");
    desk.run(&["bench", "index", "nowhere", "--seconds", "1"]).refused(&["there is no file or folder nowhere"]);
}
