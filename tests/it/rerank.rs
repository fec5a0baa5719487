//! Scores of cross-encoders agree with sentence-transformers on tiny models of every family (see `scripts/make-golden.py`), on
//! every instruction-set level of this CPU.

use std::path::Path;

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};
use voisin::embed::precision::Wanted;
use voisin::embed::source::{ModelFiles, ModelRef};
use voisin::embed::tokenize::Tokens;
use voisin::embed::{EmbedError, Embedder, PassageScorer, Reranker};
use voisin::kernels::{Isa, Precision};

use crate::golden::{changed, fixture};

const MODELS: [&str; 5] = ["cross-bert", "cross-bert-2", "cross-distilbert", "cross-modernbert", "cross-xlm-roberta"];

#[derive(Deserialize)]
struct Golden {
    labels: usize,
    score: String,
    max_seq_length: usize,
    pairs: Vec<Pair>,
}

#[derive(Deserialize)]
struct Pair {
    name: String,
    query: String,
    text: String,
    token_ids: Vec<u32>,
    first: usize,
    score: f32,
}

fn golden(model: &str) -> Golden {
    serde_json::from_slice(&fs_err::read(fixture(model).join("golden.json")).unwrap()).unwrap()
}

fn open(folder: &Path) -> ModelFiles {
    ModelFiles::open(&ModelRef::Local(folder.into()), true).unwrap()
}

fn load(folder: &Path, isa: Isa, precision: Precision) -> Reranker {
    Reranker::load(&open(folder), isa, Wanted::Exactly(precision)).unwrap()
}

fn tokens(reranker: &Reranker, pairs: &[Pair]) -> Vec<Tokens> {
    pairs.iter().map(|pair| reranker.tokenize_pair(&pair.query, &pair.text).unwrap()).collect()
}

#[test]
fn scores_agree_with_the_reference() {
    for model in MODELS {
        let golden = golden(model);
        for isa in Isa::available() {
            let reranker = load(&fixture(model), isa, Precision::F32);
            let scoring = reranker.head().scoring;
            assert_eq!((scoring.labels(), scoring.name()), (golden.labels, golden.score.as_str()));
            assert_eq!(reranker.spec().max_tokens, golden.max_seq_length);
            let all = tokens(&reranker, &golden.pairs);
            let scores = reranker.score_tokens(&all.iter().collect::<Vec<_>>()).unwrap();
            for ((pair, tokens), score) in golden.pairs.iter().zip(&all).zip(scores) {
                let name = format!("{model} on {isa}, \"{}\"", pair.name);
                assert_eq!(tokens.ids, pair.token_ids, "{name}: token ids");
                assert_eq!(tokens.first, pair.first, "{name}: token types");
                assert!((score - pair.score).abs() <= 1e-5, "{name}: {score} should be {}", pair.score);
            }
        }
    }
}

/// With 24 random components, a model feels rounding more than a real one does: scores that spread over 0.6 to 3.7 move by
/// less than a tenth of that.
#[test]
fn scores_in_narrow_numbers_are_close() {
    for model in MODELS {
        let golden = golden(model);
        let spread = golden.pairs.iter().map(|pair| pair.score).fold(f32::MIN, f32::max)
            - golden.pairs.iter().map(|pair| pair.score).fold(f32::MAX, f32::min);
        for (precision, share) in [(Precision::Bf16, 0.03), (Precision::Int8, 0.1)] {
            for isa in Isa::available() {
                let reranker = load(&fixture(model), isa, precision);
                assert_eq!(reranker.precision(), precision);
                let all = tokens(&reranker, &golden.pairs);
                let scores = reranker.score_tokens(&all.iter().collect::<Vec<_>>()).unwrap();
                for (pair, score) in golden.pairs.iter().zip(scores) {
                    let off = (score - pair.score).abs() / spread;
                    assert!(
                        off <= share,
                        "{model} on {isa} in {precision}, \"{}\": off by {off} of the spread",
                        pair.name
                    );
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_same_pair_gives_the_same_bits_in_any_company(
        picks in prop::collection::vec((0usize..31, 1usize..6), 0..50),
        asked in 0usize..31,
        workers in 1usize..5,
        precision in prop::sample::select(Precision::ALL.to_vec()),
        model in prop::sample::select(MODELS.to_vec()),
    ) {
        let golden = golden(model);
        let reranker = load(&fixture(model), Isa::best(), precision);
        let query = &golden.pairs[asked].query;
        let passages: Vec<String> = picks.iter().map(|&(at, times)| golden.pairs[at].text.repeat(times)).collect();
        let passages: Vec<&str> = passages.iter().map(String::as_str).collect();
        let together = reranker.score(query, &passages, workers).unwrap();
        prop_assert_eq!(together.len(), passages.len());
        for (passage, score) in passages.iter().zip(&together) {
            let pair = reranker.tokenize_pair(query, passage).unwrap();
            prop_assert_eq!(reranker.score_tokens(&[&pair]).unwrap()[0], *score);
        }
        let scorer: &dyn PassageScorer = &reranker;
        prop_assert_eq!(scorer.score(query, &passages).unwrap(), together);
    }
}

#[test]
fn the_passage_is_cut_and_the_query_kept() {
    let reranker = load(&fixture("cross-bert"), Isa::best(), Precision::F32);
    let (query, most) = ("budget de la ville", reranker.spec().max_tokens);
    let bare = reranker.tokenize_pair(query, "").unwrap();
    let word = reranker.tokenize_pair(query, "eau").unwrap().ids.len() - bare.ids.len();
    let cut = reranker.tokenize_pair(query, &"eau ".repeat(200)).unwrap();
    assert_eq!((bare.dropped, cut.ids.len()), (0, most));
    assert_eq!(cut.ids[..cut.first], bare.ids[..bare.first], "the query is as it was");
    assert_eq!(cut.ids.last(), bare.ids.last(), "the pair still ends as pairs do");
    assert_eq!(cut.dropped, 200 * word + bare.ids.len() - most);

    // Three special tokens; a query that would leave less than half of the rest is cut to that.
    let both = reranker.tokenize_pair(&"eau ".repeat(200), &"eau ".repeat(200)).unwrap();
    assert_eq!(both.first, 2 + (most - 3) / 2);
    assert_eq!(both.dropped, 400 * word + 3 - most);
}

/// What the fixtures are there for changes scores by more than the tolerance.
#[test]
fn fixtures_would_notice_small_mistakes() {
    for (model, file, key, value) in [
        ("cross-bert", "tokenizer_config.json", "model_input_names", json!(["input_ids", "attention_mask"])),
        ("cross-bert", "config_sentence_transformers.json", "activation_fn", json!("torch.nn.Identity")),
        ("cross-xlm-roberta", "config.json", "sbert_ce_default_activation_function", Value::Null),
        ("cross-modernbert", "config.json", "sentence_transformers", json!({})),
        ("cross-modernbert", "config.json", "classifier_pooling", json!("cls")),
        ("cross-modernbert", "config.json", "classifier_activation", json!("relu")),
    ] {
        let other = changed(model, file, |json| json[key] = value);
        let [ours, other] = [fixture(model).as_path(), other.path()].map(|folder| {
            let reranker = load(folder, Isa::best(), Precision::F32);
            reranker
                .score("budget", &["Le conseil a voté le budget de la ville, après six heures de débats."], 1)
                .unwrap()[0]
        });
        assert!((ours - other).abs() > 1e-4, "{model}: {key} moves the score by {}", (ours - other).abs());
    }
}

fn refusal(folder: &Path) -> String {
    Reranker::load(&open(folder), Isa::best(), Wanted::Auto).err().expect("the model is refused").to_string()
}

#[test]
fn what_is_no_cross_encoder_is_named_with_its_file() {
    let set = |name: &str, file: &str, key: &str, value: Value| changed(name, file, |json| json[key] = value);
    let labels = json!({ "0": "entailment", "1": "neutral", "2": "contradiction" });
    for (folder, parts) in [
        (changed("bert", "config.json", |_| {}), ["it is BertModel", "an embedding model to --model"]),
        (changed("static", "modules.json", |_| {}), ["config.json", "it names none"]),
        (changed("model2vec", "config.json", |_| {}), ["config.json", "it is StaticModel"]),
        (
            set("qwen3", "config.json", "architectures", json!(["Qwen3ForSequenceClassification"])),
            ["modules.json", "more than a Transformer"],
        ),
        (set("cross-bert", "config.json", "model_type", json!("qwen3")), ["config.json", "the family Qwen3"]),
        (set("cross-bert", "config.json", "model_type", json!("deberta-v2")), ["config.json", "deberta-v2"]),
        (set("cross-bert", "config.json", "id2label", labels), ["config.json", "3 labels"]),
        (set("cross-distilbert", "config.json", "id2label", Value::Null), ["classifier.weight", "[2, 24]"]),
        (
            set("cross-bert", "config.json", "auto_map", json!({ "AutoModelForSequenceClassification": "a.B" })),
            ["config.json", "auto_map"],
        ),
        (
            set("cross-bert", "config_sentence_transformers.json", "activation_fn", json!("torch.nn.Tanh")),
            ["torch.nn.Tanh", "over 1 label"],
        ),
        (
            changed("cross-bert", "config_sentence_transformers.json", |settings| {
                settings["default_prompt_name"] = "ask".into();
                settings["prompts"] = json!({ "ask": "Réponds : " });
            }),
            ["config_sentence_transformers.json", "default_prompt_name"],
        ),
    ] {
        let error = refusal(folder.path());
        for part in parts {
            assert!(error.contains(part), "no {part} in {error}");
        }
    }
    // An encoder without a head, which says that it has one.
    let folder = set("roberta", "config.json", "architectures", json!(["RobertaForSequenceClassification"]));
    fs_err::remove_file(folder.path().join("modules.json")).unwrap();
    fs_err::remove_file(folder.path().join("sentence_bert_config.json")).unwrap();
    let error = refusal(folder.path());
    assert!(error.contains("holds no tensor \"classifier.dense.weight\""), "{error}");
}

/// sentence-transformers would take the mean of its tokens for a vector.
#[test]
fn a_cross_encoder_is_no_embedding_model() {
    for model in MODELS {
        let error = Embedder::load(&open(&fixture(model)), Isa::best(), Wanted::Auto).err().expect("it is refused");
        assert!(matches!(error, EmbedError::CrossEncoder { .. }), "{model}: {error}");
        assert!(error.to_string().contains("--rerank"), "{error}");
    }
}
