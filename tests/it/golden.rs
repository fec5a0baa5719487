//! Embeddings agree with sentence-transformers on tiny models of every family (see `scripts/make-golden.py`), on every
//! instruction-set level of this CPU.

use std::path::{Path, PathBuf};

use ndarray::Array2;
use serde::Deserialize;
use voisin::embed::precision::Wanted;
use voisin::embed::source::{ModelFiles, ModelRef};
use voisin::embed::stock::Stock;
use voisin::embed::tokenize::Tokens;
use voisin::embed::{Embedder, Passage, Query};
use voisin::kernels::{Isa, Precision};

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

fn load(folder: &Path, isa: Isa, precision: Precision) -> Embedder {
    let files = ModelFiles::open(&ModelRef::Local(folder.into()), true).unwrap();
    Embedder::load(&files, isa, Wanted::Exactly(precision)).unwrap()
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

fn cosine(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[test]
fn vectors_agree_with_the_reference_alone_and_batched() {
    for folder in models() {
        let golden: Golden = serde_json::from_slice(&fs_err::read(folder.join("golden.json")).unwrap()).unwrap();
        for isa in Isa::available() {
            let embedder = load(&folder, isa, Precision::F32);
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
                let cosine = cosine(&got, &expected);
                assert!(cosine >= 0.99999, "{name}: cosine {cosine}");
                for (g, e) in got.iter().zip(&expected) {
                    assert!((g - e).abs() <= 1e-5, "{name}: component {g} should be {e}");
                }
            }
        }
    }
}

/// The same text gives the same bits in any batch, on any number of threads, in every precision, and stays close to f32. (With
/// 24 to 32 random components, a model feels rounding more than a real one does: see
/// `the_built_in_model_agrees_with_candle_transformers`.)
#[test]
fn narrow_numbers_are_deterministic_and_close() {
    for folder in models() {
        let golden: Golden = serde_json::from_slice(&fs_err::read(folder.join("golden.json")).unwrap()).unwrap();
        for precision in [Precision::Bf16, Precision::Int8] {
            for isa in Isa::available() {
                let embedder = load(&folder, isa, precision);
                let all: Vec<Tokens> = golden.texts.iter().map(|text| tokens(&embedder, text)).collect();
                let batched = embedder.embed_all(&all, 2).unwrap();
                let reversed: Vec<Tokens> = all.iter().rev().cloned().collect();
                let reversed = embedder.embed_all(&reversed, 1).unwrap();
                for (at, (text, tokens)) in golden.texts.iter().zip(&all).enumerate() {
                    let name = format!("{} on {isa} in {precision}, \"{}\"", folder.display(), text.name);
                    let single = embedder.embed_tokens(&[tokens]).unwrap();
                    assert_eq!(single.row(0), batched.row(at), "{name}: alone and batched differ");
                    assert_eq!(reversed.row(all.len() - 1 - at), batched.row(at), "{name}: order matters");
                    let least = if precision == Precision::Bf16 { 0.9995 } else { 0.98 };
                    let cosine = cosine(&unit(&batched.row(at).to_vec()), &unit(&text.embedding));
                    assert!(cosine >= least, "{name}: cosine to f32 {cosine}");
                }
            }
        }
    }
}

#[test]
fn what_a_limit_cuts_off_is_counted() {
    let embedder = load(&models()[0], Isa::best(), Precision::F32);
    let long = "eau ".repeat(200);
    let tokens = embedder.tokenize_passage(Passage(&long)).unwrap();
    assert_eq!(tokens.ids.len(), embedder.spec().max_tokens);
    assert_eq!(tokens.dropped, embedder.count_tokens(&long) - embedder.passage_limit());
    assert_eq!(embedder.tokenize_passage(Passage("eau")).unwrap().dropped, 0);
}

/// candle-transformers is a second reference: it runs the built-in model, whose vectors no golden file has. All levels agree
/// with it in f32, come close in bf16 and int8, and agree with each other in int8.
#[cfg(feature = "bundled-model")]
#[test]
fn the_built_in_model_agrees_with_candle_transformers() {
    let files = ModelFiles::open(&ModelRef::Bundled, true).unwrap();
    let stock = Stock::load(&files).unwrap();
    let golden: Golden = serde_json::from_slice(&fs_err::read(models()[0].join("golden.json")).unwrap()).unwrap();
    let texts = ["french", "elision, typographic", "numbers", "english", "mixed", "long"];
    let texts: Vec<&Text> = golden.texts.iter().filter(|text| texts.contains(&text.name.as_str())).collect();
    let mut first: Option<Array2<f32>> = None;
    for isa in Isa::available() {
        for (precision, least) in [(Precision::F32, 0.99999), (Precision::Bf16, 0.9999), (Precision::Int8, 0.997)] {
            let embedder = Embedder::load(&files, isa, Wanted::Exactly(precision)).unwrap();
            let all: Vec<Tokens> = texts.iter().map(|text| tokens(&embedder, text)).collect();
            let refs: Vec<&Tokens> = all.iter().collect();
            let (ours, theirs) = (embedder.embed_tokens(&refs).unwrap(), stock.embed_tokens(&refs).unwrap());
            let close = |other: &Array2<f32>, least: f32, to: &str| {
                for ((ours, other), text) in ours.rows().into_iter().zip(other.rows()).zip(&texts) {
                    let cosine = ours.dot(&other);
                    assert!(cosine >= least, "{isa}, {precision}, \"{}\": cosine {cosine} to {to}", text.name);
                }
            };
            close(&theirs, least, "candle-transformers");
            if precision == Precision::Int8 {
                close(first.get_or_insert(ours.clone()), 0.999, "the first level");
            }
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
        let embedder = Embedder::load(&files, Isa::best(), Wanted::Exactly(Precision::F32)).unwrap();
        for text in ["Le train repart.", "Une crue soudaine a fait deux morts dans le sud de l'Ardèche."] {
            let tokens = embedder.tokenize_passage(Passage(text)).unwrap();
            let (ours, theirs) = (embedder.embed_tokens(&[&tokens]).unwrap(), stock.embed_tokens(&[&tokens]).unwrap());
            let (ours, theirs) = (unit(&ours.row(0).to_vec()), unit(&theirs.row(0).to_vec()));
            let cosine = cosine(&ours, &theirs);
            assert!(cosine >= 0.99999, "{}: cosine {cosine}", folder.display());
        }
        checked += 1;
    }
    assert!(checked >= 5, "only {checked} of the models could be loaded by candle-transformers");
}
