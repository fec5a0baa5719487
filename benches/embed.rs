//! The built-in model against the same model as stock candle-transformers runs it: same texts, one thread each.
//!
//! `RAYON_NUM_THREADS=1 cargo bench --bench embed` (candle takes all cores otherwise); criterion prints elements a second,
//! where an element is one token. The texts are those of `voisin bench embed`: passages of about 150 tokens, long passages
//! and short queries out of the sample articles.

use criterion::{Criterion, Throughput};
use voisin::bench::workload::{self, Mix};
use voisin::embed::precision::Wanted;
use voisin::embed::source::{ModelFiles, ModelRef};
use voisin::embed::stock::Stock;
use voisin::embed::tokenize::Tokens;
use voisin::embed::{Embedder, Query, QueryEmbedder, batch};
use voisin::kernels::{Isa, Precision};

fn main() {
    let mut c = Criterion::default().configure_from_args().sample_size(10);
    let files = ModelFiles::open(&ModelRef::Bundled, true).unwrap();
    let stock = Stock::load(&files).unwrap();
    let best = Embedder::load(&files, Isa::best(), Wanted::Auto).unwrap();
    let articles = workload::samples().unwrap();
    let mixes = workload::mixes(&articles, "samples", &best).unwrap();
    let tokens =
        |mix: &Mix| -> Vec<Tokens> { mix.texts.iter().take(24).map(|text| mix.tokens(&best, text).unwrap()).collect() };
    let [queries, passages, long] = [&mixes[0], &mixes[1], &mixes[2]].map(tokens);

    for (name, texts) in [("passages", &passages), ("long passages", &long), ("queries", &queries)] {
        let tokens: usize = texts.iter().map(|text| text.ids.len()).sum();
        let mut group = c.benchmark_group(format!("embed/{name}/mean {} tokens", tokens / texts.len()));
        group.throughput(Throughput::Elements(tokens as u64));
        let groups = batch::plan(&texts.iter().map(|text| text.ids.len()).collect::<Vec<_>>());
        let batches: Vec<Vec<&Tokens>> =
            groups.iter().map(|group| group.iter().map(|&at| &texts[at]).collect()).collect();
        // Each level as it is used unasked, and the best in every precision.
        let others = Isa::available().filter(|isa| *isa != Isa::best()).map(|isa| (isa, Wanted::Auto));
        let best_in_all = Precision::ALL.map(|precision| (Isa::best(), Wanted::Exactly(precision)));
        for (isa, wanted) in others.chain(best_in_all) {
            let model = Embedder::load(&files, isa, wanted).unwrap();
            group.bench_function(format!("voisin {isa} {}", model.precision()), |b| {
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
    c.bench_function("load the built-in model", |b| {
        b.iter(|| Embedder::load(&files, Isa::best(), Wanted::Auto).unwrap())
    });
    c.final_summary();
}
