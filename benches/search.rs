//! A search over the built-in sample articles, and its stages, where the store is so small that nothing but their own work
//! counts. For a store of your own: `voisin bench search --store DIR`.
//!
//! `cargo bench --bench search`

fn main() {
    use std::sync::atomic::AtomicBool;

    use criterion::Criterion;
    use voisin::bench::workload;
    use voisin::embed::source::ModelRef;
    use voisin::engine::{Engine, Options, PASSAGE_TOKENS, budget, load_model};
    use voisin::ingest::{Job, read, run};
    use voisin::search::Request;
    use voisin::store::{Making, Store};

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
    let searcher = engine.searcher();
    let request = Request::new(QUESTION, 10);
    let mut question = searcher.understand(&request).unwrap();
    searcher.embed(&mut question, request.mode).unwrap();
    let ranked = searcher.rank(&question, &request, 30).unwrap();
    assert!(ranked.len() >= 10);
    let folded = searcher.fold(&ranked, &request).unwrap();
    let hits = searcher.present(folded.clone(), &question, &request).unwrap();

    let mut group = c.benchmark_group("search");
    group.bench_function("understand", |b| b.iter(|| searcher.understand(&request).unwrap()));
    group.bench_function("embed the question", |b| {
        b.iter(|| searcher.embed(&mut question.clone(), request.mode).unwrap());
    });
    group.bench_function("rank", |b| b.iter(|| searcher.rank(&question, &request, 30).unwrap()));
    group.bench_function("fold versions", |b| b.iter(|| searcher.fold(&ranked, &request).unwrap()));
    group.bench_function("fetch", |b| b.iter(|| searcher.present(folded.clone(), &question, &request).unwrap()));
    group.bench_function("mark sentences", |b| b.iter(|| searcher.mark(&mut hits.clone(), &question).unwrap()));
    group.bench_function("whole", |b| b.iter(|| engine.search(&request).unwrap()));
    group.finish();
    c.final_summary();
}
