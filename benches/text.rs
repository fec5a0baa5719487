//! From the text of an article to token ids: normalising, cutting into passages, tokenising.
//!
//! `cargo bench --bench text`; criterion prints bytes of text a second.

fn main() {
    use criterion::{Criterion, Throughput};
    use voisin::bench::workload;
    use voisin::embed::precision::Wanted;
    use voisin::embed::source::{ModelFiles, ModelRef};
    use voisin::embed::{Embedder, Passage};
    use voisin::ingest::prepare::Counter;
    use voisin::kernels::Isa;
    use voisin::{chunk, engine, text};

    let mut c = Criterion::default().configure_from_args().sample_size(20);
    let files = ModelFiles::open(&ModelRef::Bundled, true).unwrap();
    let embedder = Embedder::load(&files, Isa::best(), Wanted::Auto).unwrap();
    let budget = engine::budget(engine::PASSAGE_TOKENS, &embedder);
    let articles = workload::samples().unwrap();
    let bodies: Vec<&str> = articles.iter().map(|article| article.text.as_str()).collect();
    let passages: Vec<String> = bodies
        .iter()
        .flat_map(|body| {
            chunk::passages(body, budget, &Counter(&embedder)).passages.into_iter().map(|at| &body[at.range()])
        })
        .map(text::analysis_form)
        .collect();

    let mut group = c.benchmark_group("text");
    group.throughput(Throughput::Bytes(bodies.iter().map(|body| body.len() as u64).sum()));
    group.bench_function("normalise", |b| b.iter(|| bodies.iter().for_each(|body| drop(text::analysis_form(body)))));
    group.bench_function("words", |b| b.iter(|| bodies.iter().for_each(|body| drop(text::words(body)))));
    group.bench_function("sentences", |b| b.iter(|| bodies.iter().for_each(|body| drop(text::sentences(body)))));
    group.bench_function("chunk", |b| {
        b.iter(|| bodies.iter().for_each(|body| drop(chunk::passages(body, budget, &Counter(&embedder)))));
    });
    group.throughput(Throughput::Bytes(passages.iter().map(|passage| passage.len() as u64).sum()));
    group.bench_function("tokenise", |b| {
        b.iter(|| passages.iter().for_each(|passage| drop(embedder.tokenize_passage(Passage(passage)).unwrap())));
    });
    group.finish();
    c.final_summary();
}
