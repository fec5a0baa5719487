//! Files are read or refused with the place, rows survive JSON, and folders are understood.

use std::collections::HashMap;
use std::path::PathBuf;

use serde_json::json;
use tempfile::TempDir;

use super::data::{
    Collection, Document, ScoredPair, TruePair, collection, documents, parallel, scored_pairs, spellings, translations,
    true_pairs,
};
use super::metrics::Interval;
use super::suite::{Item, Task, discover};
use super::{Metric, Row};

struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(&path, text).unwrap();
        path
    }
}

fn pair(a: &str, b: &str, score: f64) -> ScoredPair {
    ScoredPair { a: a.into(), b: b.into(), score }
}

#[test]
fn graded_pairs_are_read_from_tables_and_json_lines() {
    let desk = Desk::new();
    let expected = vec![pair("Un chat dort.", "Un \"chat\" sommeille.", 4.5), pair("Il pleut.", "Elle court.", 0.0)];
    for (name, text) in [
        ("plain.tsv", "Un chat dort.\tUn \"chat\" sommeille.\t4.5\nIl pleut.\tElle court.\t0\n"),
        (
            "named.tsv",
            "\u{feff}sentence1\tsentence2\tscore\r\nUn chat dort.\tUn \"chat\" sommeille.\t4.5\r\n\r\nIl pleut.\tElle court.\t0",
        ),
        (
            "pairs.jsonl",
            "{\"sentence1\": \"Un chat dort.\", \"sentence2\": \"Un \\\"chat\\\" sommeille.\", \"score\": 4.5}\n\
             {\"sentence1\": \"Il pleut.\", \"sentence2\": \"Elle court.\", \"label\": 0}\n",
        ),
    ] {
        assert_eq!(scored_pairs(&desk.write(name, text)).unwrap(), expected, "{name}");
    }
}

#[test]
fn lines_that_are_no_pairs_are_named() {
    let desk = Desk::new();
    for (name, text, says) in [
        ("short.tsv", "a\tb\t1\nc\td\n", "short.tsv, line 2: expected two texts and a number"),
        ("words.tsv", "a\tb\t1\nc\td\tbeaucoup\n", "words.tsv, line 2: "),
        ("first.tsv", "a\tb\tn/a\nc\td\t1\n", "first.tsv, line 1: "),
        ("comma.tsv", "a\tb\t1,5\nc\td\t2\n", "comma.tsv, line 1: "),
        ("blank.tsv", "a\t \t1\n", "blank.tsv, line 1: "),
        ("nan.tsv", "a\tb\t1\nc\td\tNaN\n", "nan.tsv, line 2: "),
        ("empty.tsv", "\n", "empty.tsv: holds no pair"),
        ("names.tsv", "sentence1\tsentence2\tscore\n", "names.tsv: holds no pair"),
        ("broken.jsonl", "{\"sentence1\": \"a\"\n", "broken.jsonl, line 1: is no JSON object"),
        (
            "text.jsonl",
            "{\"sentence1\": \"a\", \"sentence2\": \"b\", \"score\": \"1\"}\n",
            "text.jsonl, line 1: expected sentence1",
        ),
    ] {
        let error = scored_pairs(&desk.write(name, text)).unwrap_err().to_string();
        assert!(error.contains(says), "{error:?} should say {says:?}");
    }
}

#[test]
fn parallel_texts_come_from_one_file_or_two() {
    let desk = Desk::new();
    let one = translations(&desk.write("pud.tsv", "Hello.\tBonjour.\tn01\nBye.\tAdieu.\tn02\n")).unwrap();
    let (a, b) = (desk.write("en.txt", "Hello.\n\nBye.\n"), desk.write("fr.txt", "Bonjour.\n\nAdieu.\n"));
    assert_eq!(one, parallel(&a, &b).unwrap());
    assert_eq!((one[1].a.as_str(), one[1].b.as_str()), ("Bye.", "Adieu."));

    let shifted = desk.write("shifted.txt", "Bonjour.\nAdieu.\n");
    let error = parallel(&a, &shifted).unwrap_err().to_string();
    assert!(error.contains("shifted.txt, line 2: has no counterpart in"), "{error}");
    let shorter = desk.write("shorter.txt", "Bonjour.\n");
    assert!(parallel(&shorter, &a).unwrap_err().to_string().contains("en.txt, line 3: has no counterpart in"));
    assert!(translations(&desk.write("half.tsv", "Hello.\t\n")).unwrap_err().to_string().contains("line 1"));
}

#[test]
fn each_spelling_has_an_article_and_asks_for_the_others() {
    let desk = Desk::new();
    let list = desk.write("names.tsv", "Haftar\tHafter\tHifter\nPoutine\tPutin\n");
    let background =
        desk.write("others.jsonl", "{\"id\": \"a\", \"title\": \"Crue\", \"text\": \"La Ligne monte.\"}\n");
    let Collection { documents, questions, unjudged } = super::names::collection(&list, Some(&background)).unwrap();
    assert_eq!((documents.len(), questions.len(), unjudged), (6, 5, 0));
    assert_eq!((documents[0].id.as_str(), documents[0].text.as_str()), ("a", "La Ligne monte."));
    for (question, document) in questions.iter().zip(&documents[1..]) {
        assert!(document.text.contains(&question.text) && !document.text.contains("{}"), "{}", document.text);
        assert_eq!(question.own.as_ref(), Some(&document.id));
        assert!(!question.relevant.contains_key(&document.id));
    }
    assert_eq!(questions.iter().map(|question| question.relevant.len()).collect::<Vec<_>>(), [2, 2, 2, 1, 1]);
    assert!(questions[3].relevant.contains_key(&documents[5].id));

    for (text, says) in [
        ("Haftar\n", "line 1: expected two or more spellings"),
        ("Haftar\tHifter\tHaftar\n", "line 1: has the spelling Haftar twice"),
        ("\n", "holds no name"),
    ] {
        let error = spellings(&desk.write("bad.tsv", text)).unwrap_err().to_string();
        assert!(error.contains(says), "{error:?} should say {says:?}");
    }
    let empty = desk.write("empty.jsonl", "");
    assert!(super::names::collection(&list, Some(&empty)).unwrap_err().to_string().contains("holds no article"));
}

const PASSAGES: &str = "{\"pid\": 7, \"title\": \"Crue\", \"text\": \"La Ligne est sortie de son lit.\"}\n\
                        {\"_id\": \"d2\", \"title\": \" \", \"text\": \"Le train repart.\"}\n";

#[test]
fn queries_name_their_passages_or_are_judged_by_a_file() {
    let desk = Desk::new();
    let passages = desk.write("passages.jsonl", PASSAGES);
    let read = documents(&passages).unwrap();
    assert_eq!(
        read[0],
        Document { id: "7".into(), title: Some("Crue".into()), text: "La Ligne est sortie de son lit.".into() }
    );
    assert_eq!((read[1].id.as_str(), &read[1].title), ("d2", &None));

    let queries = desk.write(
        "queries.jsonl",
        "{\"qid\": \"None\", \"query\": \"inondation\", \"pid\": 7}\n\
         {\"qid\": \"None\", \"query\": \"gare\", \"relevant\": [\"d2\", 99], \"kind\": \"title\"}\n",
    );
    let questions = collection(&passages, &queries, None).unwrap().questions;
    assert_eq!(questions[0].relevant, HashMap::from([("7".to_owned(), 1)]));
    // What is relevant and not there can never be found, which counts.
    assert_eq!(questions[1].relevant, HashMap::from([("d2".to_owned(), 1), ("99".to_owned(), 1)]));
    assert_eq!(questions[1].kind.as_deref(), Some("title"));

    let beir = desk
        .write("beir.jsonl", "{\"_id\": \"q1\", \"text\": \"inondation\"}\n{\"_id\": \"q2\", \"text\": \"gare\"}\n");
    let judgements = desk.write("test.tsv", "query-id\tcorpus-id\tscore\nq1\t7\t2\nq1\td2\t0\n");
    let questions = collection(&passages, &beir, Some(&judgements)).unwrap().questions;
    assert_eq!(questions.len(), 1, "only what is judged is asked");
    assert_eq!(questions[0].relevant, HashMap::from([("7".to_owned(), 2)]));
}

#[test]
fn a_query_without_a_relevant_passage_is_an_error() {
    let desk = Desk::new();
    let passages = desk.write("passages.jsonl", PASSAGES);
    for (text, judged, says) in [
        (
            "{\"query\": \"inondation\", \"pid\": 7}\n{\"query\": \"vignes\", \"pid\": 8}\n",
            None,
            "line 2: the query \"vignes\" has no relevant passage",
        ),
        (
            "{\"query\": \"inondation\", \"relevant\": []}\n",
            None,
            "line 1: the query \"inondation\" has no relevant passage",
        ),
        ("{\"query\": \"inondation\"}\n", None, "line 1: names no passage"),
        ("{\"_id\": \"q1\", \"text\": \"inondation\"}\n", Some("q1\t7\t0\n"), "has no relevant passage"),
        ("{\"_id\": \"q1\", \"text\": \"inondation\"}\n", Some("q1\t7\t1\nq9\t7\t1\n"), "judges the query q9"),
        (
            "{\"_id\": \"q1\", \"text\": \"inondation\"}\n",
            Some("q1\t7\t1\nq1\td2\tmany\n"),
            "line 2: \"many\" is no whole number",
        ),
        ("\n", None, "holds no query"),
    ] {
        let queries = desk.write("queries.jsonl", text);
        let judged = judged.map(|text| desk.write("qrels.tsv", text));
        let error = collection(&passages, &queries, judged.as_deref()).unwrap_err().to_string();
        assert!(error.contains(says), "{error:?} should say {says:?}");
    }
    let twice = desk.write("twice.jsonl", "{\"pid\": 1, \"text\": \"a\"}\n{\"pid\": \"1\", \"text\": \"b\"}\n");
    assert!(documents(&twice).unwrap_err().to_string().contains("line 2: the passage 1 is already in line 1"));
}

#[test]
fn similarities_are_found_by_the_name_of_their_column() {
    let desk = Desk::new();
    let truth = desk.write("truth.tsv", "id1\tid2\tjaccard5\tcontainment5\n6\t49\t0.4\t0.9\n");
    let pair = |similarity| vec![TruePair { a: "6".into(), b: "49".into(), similarity }];
    assert_eq!(true_pairs(&truth, "jaccard").unwrap(), pair(0.4));
    assert_eq!(true_pairs(&truth, "containment").unwrap(), pair(0.9));
    assert!(true_pairs(&truth, "cosine").unwrap_err().to_string().contains("line 1: names no column \"cosine"));
    let broken = desk.write("broken.tsv", "id1\tid2\tjaccard\n6\t49\n");
    assert!(true_pairs(&broken, "jaccard").unwrap_err().to_string().contains("line 2"));
}

#[test]
fn rows_survive_json() {
    let row = Row {
        task: "retrieval".into(),
        data: "piaf".into(),
        mode: Some("semantic".into()),
        model: "m".into(),
        precision: "f32".into(),
        n: 7569,
        metrics: vec![
            Metric { name: "ndcg@10".into(), value: 0.565, interval: Some(Interval { low: 0.55, high: 0.58 }) },
            Metric::new("recall@100", 0.953),
        ],
        cut_texts: 3,
        notes: Vec::new(),
        seconds: 12.5,
    };
    let printed = row.to_json();
    assert_eq!(
        printed,
        json!({
            "task": "retrieval", "data": "piaf", "mode": "semantic", "model": "m", "precision": "f32", "n": 7569,
            "metrics": { "ndcg@10": 0.565, "recall@100": 0.953 }, "ci95": { "ndcg@10": [0.55, 0.58] },
            "cut_texts": 3, "notes": [], "seconds": 12.5,
        })
    );
    assert_eq!(Row::from_json(&printed), Ok(row.clone()));

    let desk = Desk::new();
    let path = desk.write("rows.jsonl", &format!("{printed}\n\n{{\"task\": \"sts\"}}\n"));
    let error = super::row::read(&path).unwrap_err().to_string();
    assert!(error.contains("rows.jsonl, line 3: has no \"metrics\""), "{error}");
}

#[test]
fn the_mean_of_a_metric_lies_in_its_interval() {
    let metric = Metric::mean("accuracy", &[1.0, 0.0, 1.0, 1.0]);
    let interval = metric.interval.unwrap();
    assert_eq!(metric.value, 0.75);
    assert!(interval.low < 0.75 && interval.high > 0.75, "{interval:?}");
    assert_eq!(Metric::mean("accuracy", &[1.0, 0.0, 1.0, 1.0]), metric, "the same data give the same interval");
}

#[test]
fn a_folder_is_understood_by_its_names() {
    let desk = Desk::new();
    for name in [
        "stsb/fr-dev.tsv",
        "stsb/fr-train.tsv",
        "pawsx/dev-fr.tsv",
        "pawsx/test-fr.tsv",
        "bitext/pud.en-fr.tsv",
        "flores200/eng_Latn.txt",
        "flores200/fra_Latn.txt",
        "flores200/rus_Cyrl.txt",
        "retrieval/piaf/piaf-v1.1.passages.jsonl",
        "retrieval/piaf/piaf-v1.1.queries.jsonl",
        "retrieval/afriqa/passages.jsonl",
        "retrieval/afriqa/queries.jsonl",
        "stsb/trains.tsv",
        "retrieval/beir/corpus.jsonl",
        "retrieval/beir/queries.jsonl",
        "retrieval/beir/qrels/test.tsv",
        "names.tsv",
        "news-neardup-open.tsv",
        "notes.txt",
    ] {
        desk.write(&format!("eval/{name}"), "");
    }
    let root = desk.0.path().join("eval");
    let at = |name: &str| root.join(name);
    let item = |name: &str, task| Item { name: name.to_owned(), task };
    let expected = vec![
        item("stsb/fr-dev", Task::Sts(at("stsb/fr-dev.tsv"))),
        item("stsb/trains", Task::Sts(at("stsb/trains.tsv"))),
        item("pawsx/dev-fr", Task::Pairs(at("pawsx/dev-fr.tsv"), None)),
        item("pawsx/test-fr", Task::Pairs(at("pawsx/test-fr.tsv"), Some(at("pawsx/dev-fr.tsv")))),
        item("bitext/pud.en-fr", Task::Bitext(at("bitext/pud.en-fr.tsv"))),
        item("flores200/fra_Latn-eng_Latn", Task::Parallel(at("flores200/fra_Latn.txt"), at("flores200/eng_Latn.txt"))),
        item("flores200/fra_Latn-rus_Cyrl", Task::Parallel(at("flores200/fra_Latn.txt"), at("flores200/rus_Cyrl.txt"))),
        item(
            "retrieval/afriqa",
            Task::Retrieval(at("retrieval/afriqa/passages.jsonl"), at("retrieval/afriqa/queries.jsonl"), None),
        ),
        item(
            "retrieval/beir/test",
            Task::Retrieval(
                at("retrieval/beir/corpus.jsonl"),
                at("retrieval/beir/queries.jsonl"),
                Some(at("retrieval/beir/qrels/test.tsv")),
            ),
        ),
        item(
            "retrieval/piaf/piaf-v1.1",
            Task::Retrieval(
                at("retrieval/piaf/piaf-v1.1.passages.jsonl"),
                at("retrieval/piaf/piaf-v1.1.queries.jsonl"),
                None,
            ),
        ),
        item("names", Task::Names(at("names.tsv"))),
        item("news-neardup-open", Task::Duplicates(at("news-neardup-open.tsv"))),
    ];
    assert_eq!(discover(desk.0.path()).unwrap(), expected);
    assert_eq!(discover(&root).unwrap(), expected, "the folder itself");
    let empty = Desk::new();
    assert!(discover(empty.0.path()).unwrap_err().to_string().contains("holds no data set"));
}
