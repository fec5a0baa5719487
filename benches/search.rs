//! A search over the built-in sample articles, and its stages, where the store is so small that nothing but their own work
//! counts. For a store of your own: `voisin bench search --store DIR`.
//!
//! `cargo bench --bench search`

fn main() {
    use std::sync::atomic::AtomicBool;

    use criterion::Criterion;
    use voisin::bench::workload;
    use voisin::embed::source::ModelRef;
    use voisin::embed::{Query, QueryEmbedder};
    use voisin::engine::{Engine, Options, PASSAGE_TOKENS, budget, load_model};
    use voisin::ingest::{Job, read, run};
    use voisin::search::{Request, mark, present, question, rank};
    use voisin::store::{Filter, Making, Store};

    const QUESTION: &str = "délégation militaire russe reçue à Benghazi";

    let articles = tempfile::tempdir().unwrap();
    workload::unpack_samples(articles.path()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (embedder, model) = load_model(&ModelRef::Bundled, &Options::default()).unwrap();
    let mut store = Store::open_to_write(folder.path(), &Making { model, passage_tokens: PASSAGE_TOKENS }).unwrap();
    let job = Job {
        inputs: &[read::Input::Path(articles.path().to_owned())],
        options: &read::Options::default(),
        budget: budget(PASSAGE_TOKENS, &embedder),
        workers: 1,
        cache: None,
        stop: &AtomicBool::new(false),
        until: None,
    };
    run(&mut store, &embedder, &job, &mut |_| ()).unwrap();
    drop(store);

    let mut c = Criterion::default().configure_from_args().sample_size(20);
    let engine = Engine::open(folder.path(), Options::default()).unwrap();
    let all = Filter::default();
    let vector = engine.embedder().embed_query(Query(&question(QUESTION).unwrap())).unwrap().to_vec();
    let ranked = rank(&vector, 10, &all, engine.view(), engine.store()).unwrap();
    assert_eq!(ranked.len(), 10);
    let hits = present(&ranked, &vector, engine.store()).unwrap();

    let mut group = c.benchmark_group("search");
    group.bench_function("embed the question", |b| {
        b.iter(|| engine.embedder().embed_query(Query(QUESTION)).unwrap());
    });
    group.bench_function("rank", |b| b.iter(|| rank(&vector, 10, &all, engine.view(), engine.store()).unwrap()));
    group.bench_function("fetch", |b| b.iter(|| present(&ranked, &vector, engine.store()).unwrap()));
    group.bench_function("mark sentences", |b| b.iter(|| mark(&mut hits.clone(), &vector, engine.embedder()).unwrap()));
    group.bench_function("whole", |b| {
        b.iter(|| engine.search(&Request { query: QUESTION, k: 10, filter: all.clone() }).unwrap());
    });
    group.finish();
    c.final_summary();
}
