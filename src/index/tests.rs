use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::store::{ContentHash, Field, Making, ModelIdentity, NewArticle, NewPassage, TextKey};
use crate::types::{Article, ArticleId, CharSpan};

const DIMS: usize = 8;

fn making() -> Making {
    let model = ModelIdentity {
        id: "tiny".into(),
        reference: "./tiny".into(),
        revision: "0123456789abcdef".into(),
        dims: DIMS,
    };
    Making { model, passage_tokens: 180 }
}

/// Clustered unit vectors, as passages of news are; every tenth is a copy of the one before.
fn vector(seed: usize) -> Vec<f32> {
    let seed = if seed % 10 == 9 { seed - 1 } else { seed };
    let noise = |salt: usize| {
        let hash = blake3::hash(&[seed.to_le_bytes(), salt.to_le_bytes()].concat());
        f32::from(hash.as_bytes()[0]) / 127.5 - 1.0
    };
    let centre = seed % 7;
    let mut vector: Vec<f32> = (0..DIMS).map(|i| noise(i) * 0.5 + if i == centre { 1.0 } else { 0.0 }).collect();
    let length = vector.iter().map(|v| v * v).sum::<f32>().sqrt();
    vector.iter_mut().for_each(|v| *v /= length);
    vector
}

/// Puts one article a seed, with one passage.
fn put(store: &mut Store, seeds: std::ops::Range<usize>) {
    let vectors: HashMap<TextKey, Vec<f32>> =
        seeds.clone().map(|seed| (TextKey::of(&seed.to_string()), vector(seed))).collect();
    let articles: Vec<NewArticle> = seeds
        .map(|seed| NewArticle {
            article: Article { key: seed.to_string(), text: seed.to_string(), ..Article::default() },
            content: ContentHash::of(&Article::default()),
            text_key: TextKey::of(&seed.to_string()),
            passages: vec![NewPassage {
                field: Field::Body,
                span: CharSpan { start: 0, end: 1 },
                tokens: 1,
                key: TextKey::of(&seed.to_string()),
            }],
            boilerplate: Vec::new(),
        })
        .collect();
    store.put(&articles, &vectors).unwrap();
}

/// What a scan in f64 over the store itself says.
fn truth(store: &Store, query: &[f32], k: usize, allowed: Option<&Allowed>) -> Vec<VectorId> {
    let mut all = Vec::new();
    store
        .vectors_after(VectorId(0), |id, vector| {
            let score: f64 = vector.iter().zip(query).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            all.push((id, score));
        })
        .unwrap();
    all.retain(|(id, _)| allowed.is_none_or(|allowed| allowed.contains(*id)));
    // f32 scores of copies are equal, so their order is that of ids.
    all.sort_by(|a, b| ((b.1 * 1e6).round()).total_cmp(&(a.1 * 1e6).round()).then(a.0.cmp(&b.0)));
    all.into_iter().take(k).map(|(id, _)| id).collect()
}

fn ids(found: Vec<(VectorId, Score)>) -> Vec<VectorId> {
    assert!(found.windows(2).all(|pair| pair[0].1 >= pair[1].1), "scores fall");
    found.into_iter().map(|(id, _)| id).collect()
}

#[test]
fn exact_search_equals_the_truth_on_every_level() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open_to_write(folder.path(), &making()).unwrap();
    put(&mut store, 0..300);
    persist(&store, Isa::best(), Choice::Exact).unwrap();
    put(&mut store, 300..400);
    store.remove(&[ArticleId(5), ArticleId(350)]).unwrap();
    store.sweep().unwrap();
    for isa in Isa::available() {
        let view = open(&store, isa, Choice::Exact).unwrap();
        assert_eq!(view.len(), 398);
        for seed in 1000..1020 {
            let query = vector(seed);
            for k in [1, 10, 398, 500] {
                assert_eq!(ids(view.search(&query, k, None)).len(), k.min(398));
            }
            assert_eq!(ids(view.search(&query, 10, None)), truth(&store, &query, 10, None), "{isa} {seed}");
            let allowed = Allowed::new((1..400).filter(|id| id % 3 == 0).map(VectorId));
            assert_eq!(ids(view.search(&query, 9, Some(&allowed))), truth(&store, &query, 9, Some(&allowed)));
        }
    }
}

#[test]
fn the_graph_finds_what_the_scan_finds() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open_to_write(folder.path(), &making()).unwrap();
    put(&mut store, 0..2000);
    let graph = open(&store, Isa::best(), Choice::Hnsw).unwrap();
    let exact = open(&store, Isa::best(), Choice::Exact).unwrap();
    let mut shared = 0;
    for seed in 5000..5100 {
        let query = vector(seed);
        let expected = ids(exact.search(&query, 10, None));
        let found = ids(graph.search(&query, 10, None));
        assert_eq!(found.len(), 10);
        shared += found.iter().filter(|id| expected.contains(id)).count();
        for share in [2, 7, 50] {
            let allowed = Allowed::new((1..=2000).filter(|id| id % share == 0).map(VectorId));
            assert_eq!(
                graph.search(&query, 10, Some(&allowed)).len(),
                10,
                "a filter never leaves fewer than there are"
            );
        }
    }
    assert!(shared >= 980, "recall@10 {}", f64::from(shared as u32) / 1000.0);
    // Every vector is found by itself, copies included.
    for seed in 0..2000 {
        let found = graph.search(&vector(seed), 4, None);
        assert!(found.iter().any(|(id, _)| id.0 as usize == seed + 1), "vector {seed} cannot be reached");
    }
}

#[test]
fn a_graph_is_loaded_caught_up_and_built_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open_to_write(folder.path(), &making()).unwrap();
    put(&mut store, 0..500);
    open(&store, Isa::best(), Choice::Hnsw).unwrap();
    let manifest = folder.path().join("views/graph.json");
    let first = fs_err::read(&manifest).unwrap();

    put(&mut store, 500..520);
    store.remove(&[ArticleId(3)]).unwrap();
    store.sweep().unwrap();
    let graph = open(&store, Isa::best(), Choice::Hnsw).unwrap();
    assert_eq!(fs_err::read(&manifest).unwrap(), first, "twenty more of five hundred need no new graph");
    assert_eq!(graph.search(&vector(510), 1, None)[0].0, VectorId(511));
    assert!(graph.search(&vector(2), 10, None).iter().all(|(id, _)| *id != VectorId(3)));

    let data = fs_err::read_dir(folder.path().join("views"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.to_string_lossy().ends_with(".hnsw.data"))
        .unwrap();
    let mut bytes = fs_err::read(&data).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs_err::write(&data, bytes).unwrap();
    let graph = open(&store, Isa::best(), Choice::Hnsw).unwrap();
    assert_eq!(graph.len(), 519);
    assert_ne!(fs_err::read(&manifest).unwrap(), first, "a damaged dump is not loaded");
    assert_eq!(graph.search(&vector(510), 1, None)[0].0, VectorId(511));
}

#[test]
fn a_damaged_file_of_rows_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open_to_write(folder.path(), &making()).unwrap();
    put(&mut store, 0..50);
    persist(&store, Isa::best(), Choice::Exact).unwrap();
    let verify = || Rows::open(&store).unwrap().verify(&store).unwrap();
    assert_eq!(verify(), Vec::<String>::new());
    let path = folder.path().join("views/rows");
    let whole = fs_err::read(&path).unwrap();
    let mut bytes = whole.clone();
    bytes[20] ^= 1;
    fs_err::write(&path, &bytes).unwrap();
    assert_eq!(open(&store, Isa::best(), Choice::Exact).unwrap().len(), 50);
    bytes = whole.clone();
    bytes[HEADER_AND_SOME] ^= 1;
    fs_err::write(&path, &bytes).unwrap();
    assert!(!verify().is_empty());
    fs_err::write(&path, &whole[..whole.len() - 1]).unwrap();
    assert_eq!(open(&store, Isa::best(), Choice::Exact).unwrap().len(), 50);
}

#[test]
fn the_choice_weighs_loading_against_queries() {
    let auto = |queries, rows| Choice::Auto { queries }.is_graph(rows);
    assert!(!auto(1, 100) && !auto(1, 100_000_000), "one question is answered sooner by the scan");
    assert!(!auto(1_000_000, 5_000), "a small scan is quicker than the graph");
    assert!(auto(1_000_000, 100_000));
    assert!(Choice::Hnsw.is_graph(1) && !Choice::Exact.is_graph(usize::MAX));
}

#[test]
fn views_of_another_store_are_not_taken() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut first = Store::open_to_write(one.path(), &making()).unwrap();
    put(&mut first, 0..100);
    persist(&first, Isa::best(), Choice::Hnsw).unwrap();
    let mut second = Store::open_to_write(two.path(), &making()).unwrap();
    put(&mut second, 500..600);
    fs_err::create_dir_all(two.path().join("views")).unwrap();
    for entry in fs_err::read_dir(one.path().join("views")).unwrap() {
        let from = entry.unwrap().path();
        fs_err::copy(&from, two.path().join("views").join(from.file_name().unwrap())).unwrap();
    }
    for choice in [Choice::Exact, Choice::Hnsw] {
        let (id, score) = open(&second, Isa::best(), choice).unwrap().search(&vector(510), 1, None)[0];
        assert!((id, score > 0.999) == (VectorId(11), true), "{choice:?}: {id} {score}");
    }
}

#[test]
fn views_of_an_older_copy_of_the_database_are_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open_to_write(folder.path(), &making()).unwrap();
    put(&mut store, 0..50);
    drop(store);
    let (database, copy) = (folder.path().join("voisin.db"), folder.path().join("copy"));
    fs_err::copy(&database, &copy).unwrap();
    let mut store = Store::open_to_write(folder.path(), &making()).unwrap();
    put(&mut store, 100..150);
    persist(&store, Isa::best(), Choice::Exact).unwrap();
    drop(store);
    fs_err::copy(&copy, &database).unwrap();
    let mut store = Store::open_to_write(folder.path(), &making()).unwrap();
    put(&mut store, 200..260);
    let view = open(&store, Isa::best(), Choice::Exact).unwrap();
    assert_eq!(view.search(&vector(210), 1, None)[0].0, VectorId(61));
    assert_eq!(Rows::open(&store).unwrap().verify(&store).unwrap(), Vec::<String>::new());
}

#[test]
fn removed_rows_do_not_crowd_out_others() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open_to_write(folder.path(), &making()).unwrap();
    put(&mut store, 0..1400);
    persist(&store, Isa::best(), Choice::Hnsw).unwrap();
    // The hundred closest to a query leave, and the rows are written without them: the graph does not know.
    let query = vector(3);
    let closest = open(&store, Isa::best(), Choice::Exact).unwrap().search(&query, 100, None);
    let gone: Vec<ArticleId> = closest.iter().map(|(id, _)| ArticleId(id.0)).collect();
    store.remove(&gone).unwrap();
    store.sweep().unwrap();
    persist(&store, Isa::best(), Choice::Exact).unwrap();
    let [exact, graph] = [Choice::Exact, Choice::Hnsw]
        .map(|choice| ids(open(&store, Isa::best(), choice).unwrap().search(&query, 10, None)));
    assert_eq!(graph.len(), 10);
    assert!(graph.iter().filter(|id| exact.contains(id)).count() >= 9, "{graph:?} {exact:?}");
}

const HEADER_AND_SOME: usize = 500;

proptest! {
    #[test]
    fn the_best_are_the_best(scores in prop::collection::vec(-3i8..3, 0..200), k in 0usize..40) {
        let mut best = exact::Best::new(k);
        let mut all: Vec<(VectorId, Score)> = Vec::new();
        for (id, score) in scores.into_iter().enumerate() {
            best.offer(VectorId(id as i64), f32::from(score));
            all.push((VectorId(id as i64), f32::from(score)));
        }
        all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        all.truncate(k);
        prop_assert_eq!(best.sorted(), all);
    }
}
