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
    unit((0..DIMS).map(|i| noise(i) * 0.5 + if i == centre { 1.0 } else { 0.0 }).collect())
}

fn unit(mut vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|v| v * v).sum::<f32>().sqrt();
    vector.iter_mut().for_each(|v| *v /= length);
    vector
}

/// An article with one passage; both are `text`.
fn article(key: &str, text: &str) -> NewArticle {
    NewArticle {
        article: Article { key: key.into(), text: text.into(), ..Article::default() },
        content: ContentHash::of(&Article::default()),
        text_key: TextKey::of(text),
        passages: vec![NewPassage {
            field: Field::Body,
            span: CharSpan { start: 0, end: 1 },
            tokens: 1,
            key: TextKey::of(text),
        }],
        boilerplate: Vec::new(),
    }
}

/// Puts one article a seed, with one passage.
fn put(store: &mut Store, seeds: std::ops::Range<usize>) {
    put_vectors(store, seeds, vector);
}

fn put_vectors(store: &mut Store, seeds: std::ops::Range<usize>, vector: impl Fn(usize) -> Vec<f32>) {
    let vectors: HashMap<TextKey, Vec<f32>> =
        seeds.clone().map(|seed| (TextKey::of(&seed.to_string()), vector(seed))).collect();
    let articles: Vec<NewArticle> = seeds.map(|seed| article(&seed.to_string(), &seed.to_string())).collect();
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

/// What walks of a graph find; a graph as small as those of tests would leave its work to the scan.
fn walked(graph: &Hnsw, query: &[f32], k: usize) -> Vec<(VectorId, Score)> {
    graph.walked(query, k, None, usize::MAX).expect("a walk finds as many as are asked for")
}

#[test]
fn the_graph_finds_what_the_scan_finds() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open_to_write(folder.path(), &making()).unwrap();
    put(&mut store, 0..2000);
    let graph = graph(&store, Isa::best()).unwrap().unwrap();
    let exact = open(&store, Isa::best(), Choice::Exact).unwrap();
    let mut shared = 0;
    for seed in 5000..5100 {
        let query = vector(seed);
        let expected = ids(exact.search(&query, 10, None));
        let found = ids(walked(&graph, &query, 10));
        assert_eq!(found.len(), 10);
        shared += found.iter().filter(|id| expected.contains(id)).count();
        for share in [1, 2, 7, 50, 1000] {
            let allowed = Allowed::new((1..=2000).filter(|id| id % share == 0).map(VectorId));
            let by_walk = graph.walked(&query, 10, Some(&allowed), usize::MAX);
            assert!(by_walk.is_some() || share > 7);
            for found in by_walk.into_iter().chain([graph.search(&query, 10, Some(&allowed))]) {
                let found = ids(found);
                assert_eq!(found.len(), allowed.len().min(10), "a filter never leaves fewer than there are");
                assert!(found.iter().all(|id| allowed.contains(*id)));
            }
        }
    }
    assert!(shared >= 980, "recall@10 {}", f64::from(shared as u32) / 1000.0);
    // Every vector is found by itself, copies included.
    for seed in 0..2000 {
        let found = walked(&graph, &vector(seed), 4);
        assert!(found.iter().any(|(id, _)| id.0 as usize == seed + 1), "vector {seed} cannot be reached");
    }
}

#[test]
fn a_graph_is_loaded_caught_up_and_built_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open_to_write(folder.path(), &making()).unwrap();
    put(&mut store, 0..500);
    open(&store, Isa::best(), Choice::Hnsw).unwrap();
    let file = folder.path().join("views/graph");
    let written = || fs_err::metadata(&file).unwrap().modified().unwrap();
    let first = written();

    put(&mut store, 500..520);
    store.remove(&[ArticleId(3)]).unwrap();
    store.sweep().unwrap();
    let graph = graph(&store, Isa::best()).unwrap().unwrap();
    assert_eq!(written(), first, "twenty more of five hundred need no new graph");
    assert_eq!(graph.len(), 519);
    assert_eq!(walked(&graph, &vector(510), 1)[0].0, VectorId(511));
    assert!(walked(&graph, &vector(2), 10).iter().all(|(id, _)| *id != VectorId(3)));
    let health = health(&store, Isa::best()).unwrap();
    assert_eq!(health.graph.map(|graph| (graph.unreachable, graph.behind)), Some((0, 20)));

    put(&mut store, 520..700);
    open(&store, Isa::best(), Choice::Auto { queries: u32::MAX }).unwrap();
    assert_eq!(written(), first, "nothing is built that was not asked for");
    open(&store, Isa::best(), Choice::Hnsw).unwrap();
    assert_ne!(written(), first, "two hundred more of five hundred do");
}

#[test]
fn a_damaged_graph_is_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open_to_write(folder.path(), &making()).unwrap();
    put(&mut store, 0..100);
    persist(&store, Isa::best(), Choice::Hnsw).unwrap();
    let path = folder.path().join("views/graph");
    let whole = fs_err::read(&path).unwrap();
    let view = |choice| open(&store, Isa::best(), choice).unwrap();
    let auto = Choice::Auto { queries: u32::MAX };
    let loaded = || Hnsw::load(&store, Box::new(Exact::new(Rows::open(&store).unwrap(), Isa::best()))).is_ok();
    assert!(loaded());
    let problems = || health(&store, Isa::best()).unwrap().problems;
    assert_eq!(problems(), Vec::<String>::new());
    // Every byte counts, but those that stand for nothing before and behind the checksum.
    for at in (0..152).chain((192..whole.len()).step_by(97)) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        fs_err::write(&path, &bytes).unwrap();
        assert!(!loaded(), "byte {at}");
    }
    assert_eq!(problems().len(), 1);
    for length in [0, 1, 100, 191, 192, 1000, whole.len() - 1] {
        fs_err::write(&path, &whole[..length]).unwrap();
        assert!(!loaded(), "{length} bytes");
        assert_eq!(view(auto).name(), "exact");
    }
    assert_eq!(view(Choice::Hnsw).name(), "hnsw");
    assert_eq!(fs_err::read(&path).unwrap(), whole, "a small graph is built again bit by bit");
}

#[test]
fn one_node_stands_for_rows_that_are_nearly_alike() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open_to_write(folder.path(), &making()).unwrap();
    // A thousand dispatches that differ by less than a code, among others.
    let nearly = |seed: usize| {
        let mut vector = vector(3);
        vector[seed % DIMS] += 1e-6 * (seed % 7) as f32;
        vector
    };
    put_vectors(&mut store, 0..1000, nearly);
    put(&mut store, 1000..3000);
    let graph = graph(&store, Isa::best()).unwrap().unwrap();
    assert!(graph.nodes() < 2100, "{} nodes", graph.nodes());
    assert_eq!(graph.unreachable(), 0);
    let exact = open(&store, Isa::best(), Choice::Exact).unwrap();
    assert_eq!(walked(&graph, &vector(3), 20), exact.search(&vector(3), 20, None));
    for seed in 5000..5050 {
        let (found, expected) = (ids(walked(&graph, &vector(seed), 10)), ids(exact.search(&vector(seed), 10, None)));
        assert!(found.iter().filter(|id| expected.contains(id)).count() >= 9, "{seed}: {found:?} {expected:?}");
    }
}

#[test]
fn many_close_rows_leave_every_node_reachable() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open_to_write(folder.path(), &making()).unwrap();
    // Bulletins that differ by some codes fill each other's links.
    let close = |seed: usize| {
        let noise = vector(seed + 10_000);
        vector(3).iter().zip(noise).map(|(a, b)| a + 0.02 * b).collect()
    };
    put_vectors(&mut store, 0..1500, |seed| unit(close(seed)));
    put(&mut store, 1500..3000);
    let graph = graph(&store, Isa::best()).unwrap().unwrap();
    assert_eq!(graph.unreachable(), 0);
    for seed in 1500..3000 {
        let found = walked(&graph, &vector(seed), 4);
        assert!(found.iter().any(|(id, _)| id.0 as usize == seed + 1), "vector {seed} cannot be found");
    }
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
fn the_choice_weighs_opening_against_queries() {
    assert!(!graph_pays(1, 100) && !graph_pays(1, 100_000_000), "one question is answered sooner by the scan");
    assert!(!graph_pays(1_000_000, 5_000), "a small scan is quicker than the graph");
    assert!(graph_pays(1_000_000, 100_000));
}

#[test]
fn vectors_of_other_lengths_are_scanned() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open_to_write(folder.path(), &making()).unwrap();
    put_vectors(&mut store, 0..50, |seed| vector(seed).iter().map(|value| value * (1 + seed % 3) as f32).collect());
    assert_eq!(open(&store, Isa::best(), Choice::Hnsw).unwrap().name(), "exact");
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
    let exact = ids(open(&store, Isa::best(), Choice::Exact).unwrap().search(&query, 10, None));
    let graph = ids(walked(&graph(&store, Isa::best()).unwrap().unwrap(), &query, 10));
    assert_eq!(graph.len(), 10);
    assert!(graph.iter().filter(|id| exact.contains(id)).count() >= 9, "{graph:?} {exact:?}");
}

#[test]
fn a_graph_that_is_caught_up_walks_as_one_that_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open_to_write(folder.path(), &making()).unwrap();
    put(&mut store, 0..900);
    persist(&store, Isa::best(), Choice::Exact).unwrap();
    // Some of its rows are not in the file of rows.
    put(&mut store, 900..1000);
    let mut view = graph(&store, Isa::best()).unwrap().unwrap();
    for step in 0..12 {
        put(&mut store, 1000 + 10 * step..1010 + 10 * step);
        // A row of the file, a twin of another, one that came before the graph was built, and one that came after.
        let gone = [7 * step + 1, 10 * step + 10, 950 + step, 1003 + 9 * step];
        store.remove(&gone.map(|row| ArticleId(row as i64))).unwrap();
        store.sweep().unwrap();
        view = view.caught_up(&store).unwrap().ok().expect("the graph is not far behind");
        let opened = Hnsw::load(&store, Box::new(Exact::new(Rows::open(&store).unwrap(), Isa::best()))).ok().unwrap();
        assert_eq!((view.len(), view.nodes()), (opened.len(), opened.nodes()));
        for seed in 5000..5020 {
            assert_eq!(walked(&view, &vector(seed), 10), walked(&opened, &vector(seed), 10), "{step} {seed}");
        }
    }
    put(&mut store, 2000..2200);
    let scan = VectorView::caught_up(&view, &store).unwrap();
    assert_eq!((scan.name(), scan.len()), ("exact", Rows::open(&store).unwrap().len()));
}

#[test]
fn what_is_open_answers_whatever_becomes_of_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open_to_write(folder.path(), &making()).unwrap();
    put(&mut store, 0..1000);
    persist(&store, Isa::best(), Choice::Hnsw).unwrap();
    let mut view = graph(&store, Isa::best()).unwrap().unwrap();
    let query = vector(5000);
    let before = walked(&view, &query, 10);
    let reader = store.reader().unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for step in 0..6 {
                put(&mut store, 1000 + 10 * step..1010 + 10 * step);
                persist(&store, Isa::best(), Choice::Exact).unwrap();
            }
            fs_err::remove_dir_all(store.views()).unwrap();
        });
        let first = view.caught_up(&reader).unwrap().ok().unwrap();
        while !writer.is_finished() {
            view = view.caught_up(&reader).unwrap().ok().unwrap();
            assert!(first.len() <= view.len() && view.search(&query, 10, None).len() == 10);
        }
        writer.join().unwrap();
    });
    view = view.caught_up(&reader).unwrap().ok().unwrap();
    assert_eq!(view.len(), 1060);
    assert_eq!(walked(&view, &vector(1051), 1)[0].0, VectorId(1052));
    let allowed = Allowed::new((1..=1000).map(VectorId));
    assert_eq!(view.walked(&query, 10, Some(&allowed), usize::MAX), Some(before));
}

/// Something that happens to a store.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// An article is put, with the text of a seed: new, or instead of another.
    Put {
        article: usize,
        seed: usize,
    },
    /// Some articles are put.
    PutMany {
        from: usize,
        count: usize,
    },
    Remove {
        row: i64,
    },
    Sweep,
    Persist {
        graph: bool,
    },
    CatchUp,
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (0usize..40, 0usize..120).prop_map(|(article, seed)| Event::Put { article, seed }),
        2 => (0usize..100, 1usize..60).prop_map(|(from, count)| Event::PutMany { from, count }),
        3 => (1i64..60).prop_map(|row| Event::Remove { row }),
        3 => Just(Event::Sweep),
        1 => any::<bool>().prop_map(|graph| Event::Persist { graph }),
        6 => Just(Event::CatchUp),
    ]
}

const HEADER_AND_SOME: usize = 500;

/// Vectors of any length, with zeros, large and small numbers, and what is no number.
fn any_vector() -> impl Strategy<Value = Vec<f32>> {
    let usual = -1.0f32..1.0;
    prop_oneof![
        20 => prop::collection::vec(usual.clone(), DIMS),
        4 => (prop::collection::vec(usual.clone(), DIMS), prop::sample::select(vec![0.0f32, 1e-30, 1e-3, 50.0, 1e25]))
            .prop_map(|(vector, by)| vector.into_iter().map(|value| value * by).collect()),
        1 => (prop::collection::vec(usual, DIMS), 0..DIMS, prop::sample::select(vec![f32::NAN, f32::INFINITY]))
            .prop_map(|(mut vector, at, strange)| {
                vector[at] = strange;
                vector
            }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Whatever happened to a store, views that were caught up answer as views that are opened: the same rows with the same scores.
    #[test]
    fn views_that_are_caught_up_answer_as_new_ones(
        events in prop::collection::vec(any_event(), 1..60),
        first in 0usize..80,
        persisted in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open_to_write(folder.path(), &making()).unwrap();
        put(&mut store, 0..first);
        if persisted {
            persist(&store, Isa::best(), Choice::Hnsw).unwrap();
        }
        let mut views = [Choice::Exact, Choice::Hnsw].map(|choice| open(&store, Isa::best(), choice).unwrap());
        for event in events.into_iter().chain([Event::CatchUp]) {
            match event {
                Event::Put { article: key, seed } => {
                    let (text, vector) = (seed.to_string(), vector(seed));
                    store.put(&[article(&key.to_string(), &text)], &[(TextKey::of(&text), vector)].into()).unwrap();
                }
                Event::PutMany { from, count } => put(&mut store, from..from + count),
                Event::Remove { row } => {
                    store.remove(&[ArticleId(row)]).unwrap();
                }
                Event::Sweep => {
                    store.sweep().unwrap();
                }
                Event::Persist { graph } => {
                    let choice = if graph { Choice::Hnsw } else { Choice::Exact };
                    persist(&store, Isa::best(), choice).unwrap();
                }
                Event::CatchUp => {
                    let opened = open(&store, Isa::best(), Choice::Exact).unwrap();
                    for view in &mut views {
                        *view = view.caught_up(&store).unwrap();
                        prop_assert_eq!(view.len(), opened.len());
                        for (seed, share) in [(1000, 1), (1001, 2), (1002, 9)] {
                            let allowed = Allowed::new((0..300).filter(|id| id % share == 0).map(VectorId));
                            for (k, allowed) in [(7, None), (7, Some(&allowed)), (400, None), (400, Some(&allowed))] {
                                let bits = |view: &dyn VectorView| {
                                    let found = view.search(&vector(seed), k, allowed).into_iter();
                                    found.map(|(id, score)| (id, score.to_bits())).collect::<Vec<_>>()
                                };
                                prop_assert_eq!(bits(&**view), bits(&*opened), "{}", view.name());
                            }
                        }
                    }
                }
            }
        }
    }

    /// Rows that are caught up have the bits of the database, few parts, and the order of places.
    #[test]
    fn rows_that_come_one_by_one_lie_in_few_parts(counts in prop::collection::vec(0usize..9, 1..60)) {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open_to_write(folder.path(), &making()).unwrap();
        put(&mut store, 0..20);
        persist(&store, Isa::best(), Choice::Exact).unwrap();
        let (mut rows, mut next) = (Rows::open(&store).unwrap(), 20);
        for count in counts {
            put(&mut store, next..next + count);
            next += count;
            rows = rows.caught_up(&store).unwrap();
            let lengths: Vec<usize> = rows.runs().map(|run| run.ids.len()).collect();
            prop_assert!((1..lengths.len()).all(|at| at == 1 || lengths[at - 1] > lengths[at..].iter().sum()), "{:?}", lengths);
        }
        prop_assert_eq!(rows.verify(&store).unwrap(), Vec::<String>::new());
        let placed = rows.runs().flat_map(|run| run.places.zip(run.ids));
        for (at, (place, &id)) in placed.enumerate() {
            prop_assert_eq!((at, rows.id(at), rows.place(id)), (place, id, Some(place)));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// The scan of codes gives what comparing all vectors gives: the same rows, in the same order, with the same scores.
    #[test]
    fn the_scan_is_exact(
        vectors in prop::collection::vec(any_vector(), 1..120),
        query in any_vector(),
        k in 0usize..30,
        share in 1usize..9,
        kept in 0usize..120,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open_to_write(folder.path(), &making()).unwrap();
        let kept = kept.min(vectors.len());
        put_vectors(&mut store, 0..kept, |seed| vectors[seed].clone());
        persist(&store, Isa::best(), Choice::Exact).unwrap();
        put_vectors(&mut store, kept..vectors.len(), |seed| vectors[seed].clone());
        store.remove(&[ArticleId(2)]).unwrap();
        store.sweep().unwrap();
        let allowed = Allowed::new((0..=vectors.len() as i64).filter(|id| id % share as i64 == 0).map(VectorId));
        for isa in Isa::available() {
            let view = open(&store, isa, Choice::Exact).unwrap();
            for allowed in [None, Some(&allowed)] {
                let mut all: Vec<(VectorId, u32)> = Vec::new();
                let mut best = exact::Best::new(k);
                store.vectors_after(VectorId(0), |id, vector| {
                    if allowed.is_none_or(|allowed| allowed.contains(id)) {
                        best.offer(id, crate::kernels::dot::dot(isa, &query, vector));
                    }
                }).unwrap();
                all.extend(best.sorted().into_iter().map(|(id, score)| (id, score.to_bits())));
                let found = view.search(&query, k, allowed);
                let found: Vec<_> = found.into_iter().map(|(id, score)| (id, score.to_bits())).collect();
                prop_assert_eq!(found, all, "{}", isa);
            }
        }
    }

    /// The bound of what codes lose holds, and is no looser than a few codes.
    #[test]
    fn codes_lose_no_more_than_they_say(row in any_vector(), query in any_vector()) {
        let mut codes = codes::OwnedCodes::default();
        codes.push(&row);
        let compared = codes::Query::new(&query);
        let mut product = [0];
        codes.borrow().products(Isa::best(), &compared, 0, &mut product);
        let facts = codes.borrow().facts(0);
        let exact: f64 = row.iter().zip(&query).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
        let (score, error) = (f64::from(compared.score(product[0], facts)), f64::from(compared.error(facts)));
        let off = (score - exact).abs();
        prop_assert!(off.is_nan() || off <= error, "{score} instead of {exact} within {error}");
        let length = |vector: &[f32]| vector.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt();
        // Beyond these lengths f32 has no numbers for the bound, which is then infinite: safe, and of no use.
        if exact.is_finite() && (1e-20..1e20).contains(&(length(&row) * length(&query))) {
            prop_assert!(error <= 0.05 * length(&row) * length(&query), "{error}");
        }
    }

    #[test]
    fn a_set_of_vectors_has_what_was_put_in(ids in prop::collection::vec(0i64..3000, 0..200)) {
        let allowed: Allowed = ids.iter().map(|&id| VectorId(id)).collect();
        let expected: std::collections::BTreeSet<VectorId> = ids.into_iter().map(VectorId).collect();
        prop_assert_eq!(allowed.len(), expected.len());
        prop_assert!((0..3100).all(|id| allowed.contains(VectorId(id)) == expected.contains(&VectorId(id))));
        prop_assert_eq!(allowed.iter().collect::<Vec<_>>(), expected.into_iter().collect::<Vec<_>>());
    }
}

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
