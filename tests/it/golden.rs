//! Embeddings agree with sentence-transformers on tiny models of every family (see `scripts/make-golden.py`), on every
//! instruction-set level of this CPU.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use ::safetensors::Dtype;
use ::safetensors::tensor::TensorView;
use candle_core::{DType, Device, Tensor, safetensors};
use ndarray::Array2;
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};
use voisin::embed::precision::Wanted;
use voisin::embed::source::{ModelFiles, ModelRef};
use voisin::embed::stock::Stock;
use voisin::embed::tokenize::Tokens;
use voisin::embed::{EmbedError, Embedder, Passage, Query};
use voisin::kernels::{Isa, Precision};

use crate::support::copy;

#[derive(Deserialize)]
struct Golden {
    dimension: usize,
    /// Nothing where there is no limit.
    max_seq_length: Option<usize>,
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

pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/golden").join(name)
}

fn models() -> Vec<PathBuf> {
    let mut models: Vec<_> = fs_err::read_dir(fixture("")).unwrap().map(|entry| entry.unwrap().path()).collect();
    // Cross-encoders make no vectors: `rerank` has them.
    models.retain(|model| !model.file_name().unwrap().to_string_lossy().starts_with("cross-"));
    models.sort();
    assert_eq!(models.len(), 14);
    models
}

fn load(folder: &Path, isa: Isa, precision: Precision) -> Embedder {
    let files = ModelFiles::open(&ModelRef::Local(folder.into()), true).unwrap();
    Embedder::load(&files, isa, Wanted::Exactly(precision)).unwrap()
}

/// The model in narrow numbers, if its family runs in them.
fn in_precision(folder: &Path, isa: Isa, precision: Precision) -> Option<Embedder> {
    let files = ModelFiles::open(&ModelRef::Local(folder.into()), true).unwrap();
    match Embedder::load(&files, isa, Wanted::Exactly(precision)) {
        Ok(embedder) => Some(embedder),
        Err(EmbedError::Precision { .. }) => None,
        Err(error) => panic!("{}: {error}", folder.display()),
    }
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
            assert_eq!(embedder.spec().max_tokens, golden.max_seq_length.unwrap_or(usize::MAX));
            let all: Vec<Tokens> = golden.texts.iter().map(|text| tokens(&embedder, text)).collect();
            let batched = embedder.embed_all(&all, 2).unwrap();
            for ((text, tokens), batched) in golden.texts.iter().zip(&all).zip(batched.rows()) {
                let name = format!("{} on {isa}, {} \"{}\"", folder.display(), text.kind, text.name);
                assert_eq!(tokens.ids, text.token_ids, "{name}: token ids");
                let single = embedder.embed_tokens(&[tokens]).unwrap();
                assert_eq!(single.row(0), batched, "{name}: alone and batched differ");
                let (got, expected) = (unit(&batched.to_vec()), unit(&text.embedding));
                if text.token_ids.is_empty() {
                    assert_eq!(batched.to_vec(), text.embedding, "{name}: no token gives no direction");
                    continue;
                }
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
                let Some(embedder) = in_precision(&folder, isa, precision) else { continue };
                let all: Vec<Tokens> = golden.texts.iter().map(|text| tokens(&embedder, text)).collect();
                let batched = embedder.embed_all(&all, 2).unwrap();
                let reversed: Vec<Tokens> = all.iter().rev().cloned().collect();
                let reversed = embedder.embed_all(&reversed, 1).unwrap();
                for (at, (text, tokens)) in golden.texts.iter().zip(&all).enumerate() {
                    let name = format!("{} on {isa} in {precision}, \"{}\"", folder.display(), text.name);
                    let single = embedder.embed_tokens(&[tokens]).unwrap();
                    assert_eq!(single.row(0), batched.row(at), "{name}: alone and batched differ");
                    assert_eq!(reversed.row(all.len() - 1 - at), batched.row(at), "{name}: order matters");
                    let least = if precision == Precision::Bf16 { 0.998 } else { 0.97 };
                    let cosine = cosine(&unit(&batched.row(at).to_vec()), &unit(&text.embedding));
                    assert!(cosine >= least, "{name}: cosine to f32 {cosine}");
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_same_text_gives_the_same_bits_in_any_company(
        picks in prop::collection::vec((0usize..27, 1usize..12), 1..60),
        workers in 1usize..5,
        precision in prop::sample::select(Precision::ALL.to_vec()),
        model in prop::sample::select(vec!["bert", "distilbert", "modernbert", "xlm-roberta"]),
    ) {
        let folder = fixture(model);
        let golden: Golden = serde_json::from_slice(&fs_err::read(folder.join("golden.json")).unwrap()).unwrap();
        let embedder = load(&folder, Isa::best(), precision);
        let texts: Vec<Tokens> = picks
            .iter()
            .map(|&(text, times)| {
                let text = golden.texts[text % golden.texts.len()].text.repeat(times);
                embedder.tokenize_passage(Passage(&text)).unwrap()
            })
            .collect();
        let together = embedder.embed_all(&texts, workers).unwrap();
        for (text, row) in texts.iter().zip(together.rows()) {
            let alone = embedder.embed_tokens(&[text]).unwrap();
            prop_assert_eq!(alone.row(0), row);
        }
    }
}

/// Matryoshka: the first components of the same vectors, again of unit length.
#[test]
fn vectors_are_cut_to_the_components_that_are_asked_for() {
    let folder = models().remove(0);
    let (whole, cut) =
        (load(&folder, Isa::best(), Precision::F32), load(&folder, Isa::best(), Precision::F32).truncated(10).unwrap());
    let tokens = whole.tokenize_passage(Passage("Le train repart.")).unwrap();
    let (whole_vector, cut_vector) = (whole.embed_tokens(&[&tokens]).unwrap(), cut.embed_tokens(&[&tokens]).unwrap());
    let expected = unit(&whole_vector.row(0).to_vec()[..10]);
    for (got, expected) in cut_vector.row(0).iter().zip(expected) {
        assert!((f64::from(*got) - expected).abs() < 1e-6);
    }
    assert_ne!(whole.spec().revision, cut.spec().revision);
    assert!(whole.truncated(0).is_err());
    assert!(cut.truncated(1000).is_err());
}

/// A copy of a tiny model in which a file of JSON is changed.
pub(crate) fn changed(name: &str, file: &str, change: impl FnOnce(&mut Value)) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(&fixture(name), folder.path());
    let path = folder.path().join(file);
    let mut json: Value = serde_json::from_slice(&fs_err::read(&path).unwrap()).unwrap();
    change(&mut json);
    fs_err::write(&path, json.to_string()).unwrap();
    folder
}

fn vector(embedder: &Embedder, text: &str) -> Vec<f32> {
    embedder.embed_passages(&[Passage(text)], 1).unwrap().row(0).to_vec()
}

#[test]
fn weights_may_lie_in_several_files() {
    let whole = load(&fixture("qwen3"), Isa::best(), Precision::F32);
    let folder = tempfile::tempdir().unwrap();
    copy(&fixture("qwen3"), folder.path());
    let weights = folder.path().join("model.safetensors");
    let tensors = safetensors::load(&weights, &Device::Cpu).unwrap();
    fs_err::remove_file(&weights).unwrap();
    let (first, second): (HashMap<String, Tensor>, HashMap<_, _>) =
        tensors.into_iter().partition(|(name, _)| name.contains("layers.0"));
    let mut map = serde_json::Map::new();
    for (file, part) in [("model-1.safetensors", first), ("model-2.safetensors", second)] {
        map.extend(part.keys().map(|name| (name.clone(), file.into())));
        safetensors::save(&part, folder.path().join(file)).unwrap();
    }
    let index = folder.path().join("model.safetensors.index.json");
    fs_err::write(&index, json!({ "weight_map": map }).to_string()).unwrap();
    assert_eq!(vector(&load(folder.path(), Isa::best(), Precision::F32), "eau"), vector(&whole, "eau"));

    fs_err::remove_file(folder.path().join("model-2.safetensors")).unwrap();
    let error = refusal(folder.path());
    assert!(error.contains("model-2.safetensors: is missing"), "{error}");
}

/// A copy of a tiny model whose matrices are 8-bit integers with a scale a row, and one with what those stand for.
fn in_bytes(name: &str, change: impl Fn(&mut Vec<(String, Dtype, Vec<usize>, Vec<u8>)>)) -> [tempfile::TempDir; 2] {
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    folders.iter().for_each(|folder| copy(&fixture(name), folder.path()));
    let weights = |folder: &tempfile::TempDir| folder.path().join("model.safetensors");
    let (mut codes, mut values) = (Vec::new(), HashMap::new());
    for (name, tensor) in safetensors::load(weights(&folders[0]), &Device::Cpu).unwrap() {
        let tensor = tensor.to_dtype(DType::F32).unwrap();
        let bytes = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect();
        if tensor.rank() != 2 || name.contains("position") || name.contains("token_type") {
            let flat: Vec<f32> = tensor.flatten_all().unwrap().to_vec1().unwrap();
            codes.push((name.clone(), Dtype::F32, tensor.dims().to_vec(), bytes(&flat)));
            values.insert(name, tensor);
            continue;
        }
        let rows: Vec<Vec<f32>> = tensor.to_vec2().unwrap();
        let scale = |row: &Vec<f32>| row.iter().fold(0f32, |most, value| most.max(value.abs())) / 127.0;
        let scales: Vec<f32> = rows.iter().map(scale).collect();
        let rounded =
            || rows.iter().zip(&scales).flat_map(|(row, scale)| row.iter().map(move |v| ((v / scale).round(), scale)));
        let flat: Vec<f32> = rounded().map(|(code, scale)| code * scale).collect();
        values.insert(name.clone(), Tensor::from_vec(flat, tensor.dims(), &Device::Cpu).unwrap());
        codes.push((format!("{name}_scale"), Dtype::F32, vec![scales.len()], bytes(&scales)));
        let flat = rounded().map(|(code, _)| (code as i8).cast_unsigned()).collect();
        codes.push((name, Dtype::I8, tensor.dims().to_vec(), flat));
    }
    change(&mut codes);
    let views =
        codes.iter().map(|(name, kind, shape, data)| (name, TensorView::new(*kind, shape.clone(), data).unwrap()));
    ::safetensors::serialize_to_file(views, None, &weights(&folders[0])).unwrap();
    safetensors::save(&values, weights(&folders[1])).unwrap();
    folders
}

#[test]
fn weights_of_eight_bits_are_what_they_stand_for() {
    for name in ["bert", "modernbert", "xlm-roberta", "qwen3"] {
        let [codes, values] = in_bytes(name, |_| ());
        assert!(size(codes.path()) < size(values.path()), "{name}");
        // Decoders run in f32 alone.
        let precisions = if name == "qwen3" { &[Precision::F32][..] } else { &Precision::ALL };
        for &precision in precisions {
            let text = "La mer monte, et les pêcheurs attendent.";
            let (codes, values) =
                (load(codes.path(), Isa::best(), precision), load(values.path(), Isa::best(), precision));
            assert_eq!(vector(&codes, text), vector(&values, text), "{name} in {precision}");
        }
    }
}

fn size(model: &Path) -> u64 {
    fs_err::metadata(model.join("model.safetensors")).unwrap().len()
}

#[test]
fn integers_without_their_scales_are_refused() {
    const WORDS: &str = "embeddings.word_embeddings.weight";
    let [without, _] = in_bytes("bert", |tensors| tensors.retain(|(name, ..)| *name != format!("{WORDS}_scale")));
    let error = refusal(without.path());
    assert!(error.contains("no \"embeddings.word_embeddings.weight_scale\" beside it"), "{error}");
    let [fewer, _] = in_bytes("bert", |tensors| {
        let scales = tensors.iter_mut().find(|(name, ..)| *name == format!("{WORDS}_scale")).unwrap();
        scales.2[0] -= 1;
        scales.3.truncate(scales.2[0] * 4);
    });
    let error = refusal(fewer.path());
    assert!(error.contains("with one each"), "{error}");
    for shape in [vec![6, 0], vec![2, 3, 4]] {
        let [odd, _] = in_bytes("bert", |tensors| {
            let words = tensors.iter_mut().find(|(name, ..)| name == WORDS).unwrap();
            (words.2, words.3) = (shape.clone(), vec![1; shape.iter().product()]);
            let scales = tensors.iter_mut().find(|(name, ..)| *name == format!("{WORDS}_scale")).unwrap();
            (scales.2, scales.3) = (vec![shape[0]], vec![0; 4 * shape[0]]);
        });
        let error = refusal(odd.path());
        assert!(error.contains("with one each"), "{error}");
    }
    let [endless, _] = in_bytes("bert", |tensors| {
        let scales = tensors.iter_mut().find(|(name, ..)| *name == format!("{WORDS}_scale")).unwrap();
        scales.3[..4].copy_from_slice(&f32::NAN.to_le_bytes());
    });
    let error = refusal(endless.path());
    assert!(error.contains("no finite number"), "{error}");
    let [uneven, _] = in_bytes("bert", |tensors| {
        tensors.push((format!("{WORDS}_zero_point"), Dtype::I8, vec![1], vec![3]));
    });
    let error = refusal(uneven.path());
    assert!(error.contains("zero points"), "{error}");
}

/// EmbeddingGemma's tokenizer knows the placeholder of an image, for which it has no vector.
#[test]
fn a_token_without_a_vector_is_read_as_text() {
    let folder = changed("gemma3", "tokenizer.json", |tokenizer| {
        let mut token = tokenizer["added_tokens"][0].clone();
        (token["id"], token["content"]) = (263.into(), "<image>".into());
        tokenizer["added_tokens"].as_array_mut().unwrap().push(token);
    });
    let text = "Une <image> de la mer.";
    assert_eq!(
        vector(&load(folder.path(), Isa::best(), Precision::F32), text),
        vector(&load(&fixture("gemma3"), Isa::best(), Precision::F32), text)
    );
}

/// What the fixtures are there for changes their vectors by more than the tolerance: a step more of a window, another base
/// of positions, a mask, an order of norms.
#[test]
fn fixtures_would_notice_small_mistakes() {
    let text = "La mer monte, et les pêcheurs attendent le retour du beau temps avant de repartir. ".repeat(4);
    for (name, file, pointer, value) in [
        ("modernbert", "config.json", "/local_attention", json!(12)),
        ("modernbert", "config.json", "/rope_parameters/full_attention/rope_theta", json!(150_000.0)),
        ("modernbert", "config.json", "/rope_parameters/sliding_attention/rope_theta", json!(11_000.0)),
        ("modernbert", "config.json", "/layer_types/3", json!("sliding_attention")),
        ("modernbert", "config.json", "/hidden_activation", json!("relu")),
        ("qwen3", "config.json", "/rope_parameters/rope_theta", json!(1.1e6)),
        ("qwen3", "config.json", "/hidden_act", json!("gelu")),
        ("gemma3", "config.json", "/sliding_window", json!(14)),
        ("gemma3", "config.json", "/use_bidirectional_attention", json!(false)),
        ("gemma3", "config.json", "/query_pre_attn_scalar", json!(15)),
        ("gemma3", "config.json", "/rope_parameters/sliding_attention/rope_theta", json!(11_000.0)),
        ("gemma3", "1_Pooling/config.json", "/pooling_mode", json!("weightedmean")),
        ("bert-dense", "1_Pooling/config.json", "/pooling_mode", json!("mean")),
        ("bert-dense", "2_Dense/config.json", "/activation_function", json!("torch.nn.ReLU")),
    ] {
        let other = changed(name, file, |json| *json.pointer_mut(pointer).expect("the key is there") = value);
        let (ours, other) = (
            vector(&load(&fixture(name), Isa::best(), Precision::F32), &text),
            vector(&load(other.path(), Isa::best(), Precision::F32), &text),
        );
        let most = ours.iter().zip(&other).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(most > 1e-4, "{name}: {pointer} moves no component by more than {most}");
    }
}

fn refusal(folder: &Path) -> String {
    let files = ModelFiles::open(&ModelRef::Local(folder.into()), true).unwrap();
    Embedder::load(&files, Isa::best(), Wanted::Auto).err().expect("the model is refused").to_string()
}

#[test]
fn what_is_not_supported_is_named_with_its_file() {
    let modules = |name: &str, change: fn(&mut Vec<Value>)| {
        changed(name, "modules.json", |modules| change(modules.as_array_mut().unwrap()))
    };
    let set = |name: &str, file: &str, key: &str, value: Value| changed(name, file, |json| json[key] = value);
    for (folder, parts) in [
        (set("bert", "config.json", "model_type", "t5".into()), ["config.json", "model_type \"t5\""]),
        (set("qwen3", "config.json", "auto_map", json!({ "AutoModel": "a.B" })), ["config.json", "auto_map"]),
        (set("bert-dense", "2_Dense/config.json", "in_features", 7.into()), ["2_Dense/config.json", "7 components"]),
        (set("bert-dense", "3_Dense/config.json", "use_residual", true.into()), ["3_Dense/config.json", "residual"]),
        (
            set("bert-dense", "3_Dense/config.json", "activation_function", "torch.nn.Mish".into()),
            ["3_Dense/config.json", "Mish"],
        ),
        (set("qwen3", "1_Pooling/config.json", "include_prompt", false.into()), ["1_Pooling", "include_prompt"]),
        (
            set("bert", "sentence_bert_config.json", "module_output_name", "sentence_embedding".into()),
            ["sentence_bert_config.json", "module_output_name"],
        ),
        (modules("bert-dense", |modules| modules.swap(2, 4)), ["modules.json", "Dense in \"3_Dense\" after Normalize"]),
        (modules("bert", |modules| modules.truncate(1)), ["modules.json", "Pooling"]),
        (
            modules("bert", |modules| modules[2]["type"] = "sentence_transformers.models.LSTM".into()),
            ["modules.json", "LSTM"],
        ),
    ] {
        let error = refusal(folder.path());
        for part in parts {
            assert!(error.contains(part), "no {part} in {error}");
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

/// What `scripts/train` computed with the weights that it exported: see `golden.py` there.
#[cfg(feature = "bundled-model")]
#[test]
fn the_built_in_model_gives_the_vectors_of_its_training() {
    #[derive(Deserialize)]
    struct Text {
        text: String,
        token_ids: Vec<u32>,
        embedding: Vec<f32>,
    }
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/voisin-mini/golden.json");
    let golden: Vec<Text> = serde_json::from_slice(&fs_err::read(golden).unwrap()).unwrap();
    assert!(golden.len() > 10);
    let files = ModelFiles::open(&ModelRef::Bundled, true).unwrap();
    for isa in Isa::available() {
        for (precision, least) in [(Precision::F32, 0.99999), (Precision::Bf16, 0.9999), (Precision::Int8, 0.995)] {
            let embedder = Embedder::load(&files, isa, Wanted::Exactly(precision)).unwrap();
            for text in &golden {
                let tokens = embedder.tokenize_passage(Passage(&text.text)).unwrap();
                assert_eq!(tokens.ids, text.token_ids, "\"{}\"", text.text);
                let ours = embedder.embed_tokens(&[&tokens]).unwrap();
                let cosine = cosine(&unit(&ours.row(0).to_vec()), &unit(&text.embedding));
                assert!(cosine >= least, "{isa}, {precision}, \"{}\": cosine {cosine}", text.text);
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
    assert!(checked >= 6, "only {checked} of the models could be loaded by candle-transformers");
}
