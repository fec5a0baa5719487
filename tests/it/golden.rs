//! Embeddings agree with sentence-transformers on tiny models of every family (see `scripts/make-golden.py`), on every
//! instruction-set level of this CPU.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use voisin::embed::source::{ModelFiles, ModelRef};
use voisin::embed::stock::Stock;
use voisin::embed::tokenize::Tokens;
use voisin::embed::{Embedder, Passage, Query};
use voisin::kernels::Isa;

#[derive(Deserialize)]
struct Golden {
    dimension: usize,
    max_seq_length: usize,
    texts: Vec<Text>,
}

#[derive(Deserialize)]
struct Text {
    name: String,
    kind: String,
    text: String,
    token_ids: Vec<u32>,
    embedding: Vec<f32>,
}

fn models() -> Vec<PathBuf> {
    let mut models: Vec<_> = fs_err::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/golden"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    models.sort();
    assert_eq!(models.len(), 8);
    models
}

fn load(folder: &Path, isa: Isa) -> Embedder {
    Embedder::load(&ModelFiles::open(&ModelRef::Local(folder.into()), true).unwrap(), isa).unwrap()
}

fn tokens(embedder: &Embedder, text: &Text) -> Tokens {
    match text.kind.as_str() {
        "query" => embedder.tokenize_query(Query(&text.text)),
        _ => embedder.tokenize_passage(Passage(&text.text)),
    }
    .unwrap()
}

fn unit(vector: &[f32]) -> Vec<f64> {
    let length = vector.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt();
    vector.iter().map(|&v| f64::from(v) / length).collect()
}

#[test]
fn vectors_agree_with_the_reference_alone_and_batched() {
    for folder in models() {
        let golden: Golden = serde_json::from_slice(&fs_err::read(folder.join("golden.json")).unwrap()).unwrap();
        for isa in Isa::available() {
            let embedder = load(&folder, isa);
            assert_eq!(embedder.spec().dims, golden.dimension);
            assert_eq!(embedder.spec().max_tokens, golden.max_seq_length);
            let all: Vec<Tokens> = golden.texts.iter().map(|text| tokens(&embedder, text)).collect();
            let batched = embedder.embed_all(&all, 2).unwrap();
            for ((text, tokens), batched) in golden.texts.iter().zip(&all).zip(batched.rows()) {
                let name = format!("{} on {isa}, {} \"{}\"", folder.display(), text.kind, text.name);
                assert_eq!(tokens.ids, text.token_ids, "{name}: token ids");
                let single = embedder.embed_tokens(&[tokens]).unwrap();
                assert_eq!(single.row(0), batched, "{name}: alone and batched differ");
                let (got, expected) = (unit(&batched.to_vec()), unit(&text.embedding));
                let cosine: f64 = got.iter().zip(&expected).map(|(a, b)| a * b).sum();
                assert!(cosine >= 0.99999, "{name}: cosine {cosine}");
                for (g, e) in got.iter().zip(&expected) {
                    assert!((g - e).abs() <= 1e-5, "{name}: component {g} should be {e}");
                }
            }
        }
    }
}

#[test]
fn what_a_limit_cuts_off_is_counted() {
    let embedder = load(&models()[0], Isa::best());
    let long = "eau ".repeat(200);
    let tokens = embedder.tokenize_passage(Passage(&long)).unwrap();
    assert_eq!(tokens.ids.len(), embedder.spec().max_tokens);
    assert_eq!(tokens.dropped, embedder.count_tokens(&long) - embedder.passage_limit());
    assert_eq!(embedder.tokenize_passage(Passage("eau")).unwrap().dropped, 0);
}

/// candle-transformers is a second reference: it runs the built-in model, whose vectors no golden file has.
#[cfg(feature = "bundled-model")]
#[test]
fn the_built_in_model_agrees_with_candle_transformers() {
    let files = ModelFiles::open(&ModelRef::Bundled, true).unwrap();
    let stock = Stock::load(&files).unwrap();
    let golden: Golden = serde_json::from_slice(&fs_err::read(models()[0].join("golden.json")).unwrap()).unwrap();
    for isa in Isa::available() {
        let embedder = Embedder::load(&files, isa).unwrap();
        let all: Vec<Tokens> = golden.texts.iter().map(|text| tokens(&embedder, text)).collect();
        let refs: Vec<&Tokens> = all.iter().collect();
        let (ours, theirs) = (embedder.embed_tokens(&refs).unwrap(), stock.embed_tokens(&refs).unwrap());
        for ((ours, theirs), text) in ours.rows().into_iter().zip(theirs.rows()).zip(&golden.texts) {
            let cosine = ours.dot(&theirs);
            assert!(cosine >= 0.99999, "{isa}, \"{}\": cosine {cosine}", text.name);
        }
    }
}

/// Every family, as candle-transformers runs it: only what it supports.
#[test]
fn tiny_models_agree_with_candle_transformers() {
    let mut checked = 0;
    for folder in models() {
        let files = ModelFiles::open(&ModelRef::Local(folder.clone()), true).unwrap();
        let Ok(stock) = Stock::load(&files) else { continue };
        let embedder = Embedder::load(&files, Isa::best()).unwrap();
        for text in ["Le train repart.", "Une crue soudaine a fait deux morts dans le sud de l'Ardèche."] {
            let tokens = embedder.tokenize_passage(Passage(text)).unwrap();
            let (ours, theirs) = (embedder.embed_tokens(&[&tokens]).unwrap(), stock.embed_tokens(&[&tokens]).unwrap());
            let (ours, theirs) = (unit(&ours.row(0).to_vec()), unit(&theirs.row(0).to_vec()));
            let cosine: f64 = ours.iter().zip(&theirs).map(|(a, b)| a * b).sum();
            assert!(cosine >= 0.99999, "{}: cosine {cosine}", folder.display());
        }
        checked += 1;
    }
    assert!(checked >= 5, "only {checked} of the models could be loaded by candle-transformers");
}
