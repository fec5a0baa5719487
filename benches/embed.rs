//! The built-in model against the same model as stock candle-transformers runs it: same texts, one thread each.
//!
//! `RAYON_NUM_THREADS=1 cargo bench --bench embed` (candle takes all cores otherwise); criterion prints elements a second,
//! where an element is one token. The texts are the passages of the sample articles, of about 150 tokens each, and their
//! sentences.

#[cfg(not(feature = "bundled-model"))]
#[allow(clippy::print_stdout, reason = "a bench prints its result")]
fn main() {
    println!("skipped: built without the built-in model");
}

#[cfg(feature = "bundled-model")]
fn main() {
    bundled::run();
}

#[cfg(feature = "bundled-model")]
mod bundled {
    use criterion::{Criterion, Throughput};
    use voisin::chunk;
    use voisin::embed::source::{ModelFiles, ModelRef};
    use voisin::embed::stock::Stock;
    use voisin::embed::tokenize::Tokens;
    use voisin::embed::{Embedder, Passage, Query, QueryEmbedder, batch};
    use voisin::engine;
    use voisin::kernels::Isa;
    use voisin::text::{analysis_form, sentences};

    struct Counter<'a>(&'a Embedder);

    impl chunk::TokenCounter for Counter<'_> {
        fn count(&self, text: &str) -> usize {
            self.0.count_tokens(text)
        }
    }

    /// The bodies of the sample articles that are plain UTF-8.
    fn articles() -> Vec<String> {
        let mut paths: Vec<_> = fs_err::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/articles"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
            .collect();
        paths.sort();
        paths.iter().filter_map(|path| fs_err::read_to_string(path).ok()).collect()
    }

    pub fn run() {
        let mut c = Criterion::default().configure_from_args().sample_size(10);
        let files = ModelFiles::open(&ModelRef::Bundled, true).unwrap();
        let stock = Stock::load(&files).unwrap();
        let best = Embedder::load(&files, Isa::best()).unwrap();
        let budget = engine::budget(engine::PASSAGE_TOKENS, &best);
        let tokenize = |text: &str| best.tokenize_passage(Passage(&analysis_form(text))).unwrap();
        let articles = articles();
        let passages: Vec<Tokens> = articles
            .iter()
            .flat_map(|text| {
                let spans = chunk::passages(text, budget, &Counter(&best)).passages;
                spans.into_iter().map(|span| tokenize(&text[span.range()])).collect::<Vec<_>>()
            })
            .take(24)
            .collect();
        let short: Vec<Tokens> = articles
            .iter()
            .flat_map(|text| sentences(text).into_iter().map(|span| tokenize(&text[span.range()])).collect::<Vec<_>>())
            .take(96)
            .collect();

        for (name, texts) in [("passages", &passages), ("sentences", &short)] {
            let tokens: usize = texts.iter().map(|text| text.ids.len()).sum();
            let mut group = c.benchmark_group(format!("embed/{name}/mean {} tokens", tokens / texts.len()));
            group.throughput(Throughput::Elements(tokens as u64));
            let groups = batch::plan(&texts.iter().map(|text| text.ids.len()).collect::<Vec<_>>());
            let batches: Vec<Vec<&Tokens>> =
                groups.iter().map(|group| group.iter().map(|&at| &texts[at]).collect()).collect();
            for isa in Isa::available() {
                let model = Embedder::load(&files, isa).unwrap();
                group.bench_function(format!("voisin {isa}"), |b| {
                    b.iter(|| batches.iter().for_each(|batch| drop(model.embed_tokens(batch).unwrap())));
                });
            }
            group.bench_function("stock candle", |b| {
                b.iter(|| batches.iter().for_each(|batch| drop(stock.embed_tokens(batch).unwrap())));
            });
        }

        c.bench_function("one query/voisin", |b| {
            b.iter(|| best.embed_query(Query("délégation militaire russe reçue à Benghazi")).unwrap());
        });
        c.bench_function("load the built-in model", |b| b.iter(|| Embedder::load(&files, Isa::best()).unwrap()));
        c.final_summary();
    }
}
