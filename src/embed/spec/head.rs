//! What a cross-encoder has over its encoder, as `config.json` and the settings of sentence-transformers say it.
//!
//! Scores are those of sentence-transformers: of one label, the logit under the activation that the files name, the logistic
//! function without one. Of two labels it gives both logits and ranks nothing by them; here, the score is what its
//! `predict(…, apply_softmax=True)` gives the second, "relevant" by custom.

use serde_json::{Map, Value};

use super::modules::{MODULES, Modules};
use super::{Family, SENTENCE_TRANSFORMERS, SentenceTransformers, config, parse, wrong};
use crate::embed::EmbedError;
use crate::embed::pooling::Pooling;
use crate::embed::source::{CONFIG, ModelFiles};
use crate::kernels::Activation;

/// A cross-encoder's own layers, from the pooled vector to the logits: a square linear layer, a normalisation in ModernBERT,
/// and a linear layer to the labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// What is done to the result of the first layer.
    pub activation: Activation,
    /// Whether something is added to the product of the first layer.
    pub bias: bool,
    /// What becomes of the logits.
    pub scoring: Scoring,
}

/// How the logits of a pair become its score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scoring {
    /// The only logit as it is: any number.
    Logit,
    /// The logistic function of the only logit: 0 to 1.
    Sigmoid,
    /// The share of the second of two logits: 0 to 1.
    Softmax,
}

impl Scoring {
    /// Logits that a pair has.
    pub fn labels(self) -> usize {
        match self {
            Self::Logit | Self::Sigmoid => 1,
            Self::Softmax => 2,
        }
    }

    /// The name of what is done to the logits.
    pub fn name(self) -> &'static str {
        match self {
            Self::Logit => "identity",
            Self::Sigmoid => "sigmoid",
            Self::Softmax => "softmax",
        }
    }

    /// The score of a pair with `logits`: (labels). The greater, the better the passage answers.
    pub fn of(self, logits: &[f32]) -> f32 {
        match self {
            Self::Logit => logits[0],
            Self::Sigmoid => logistic(f64::from(logits[0])),
            Self::Softmax => logistic(f64::from(logits[1]) - f64::from(logits[0])),
        }
    }

    /// The logit of a pair with `logits`: of two, what the second has more than the first. The logistic function of it is the
    /// score of [`Self::Sigmoid`] and [`Self::Softmax`].
    pub fn logit(self, logits: &[f32]) -> f32 {
        match self {
            Self::Logit | Self::Sigmoid => logits[0],
            Self::Softmax => logits[1] - logits[0],
        }
    }

    /// The score of a model of so many labels, with what its files name as activation.
    fn choose(labels: usize, activation: Option<&str>) -> Result<Self, String> {
        let name = activation.map(|path| path.rsplit('.').next().unwrap_or_default());
        match (labels, name) {
            (1, None | Some("Sigmoid")) => Ok(Self::Sigmoid),
            (1, Some("Identity")) => Ok(Self::Logit),
            (2, None | Some("Identity" | "Softmax")) => Ok(Self::Softmax),
            (1 | 2, Some(_)) => Err(format!(
                "the activation \"{}\" over {labels} {} is not supported",
                activation.unwrap_or_default(),
                if labels == 1 { "label" } else { "labels" }
            )),
            _ => Err(format!(
                "has {labels} labels: a classifier of more than 2 has no order to rank passages by, expected 1 label \
                 (a score) or 2"
            )),
        }
    }
}

fn logistic(x: f64) -> f32 {
    (1.0 / (1.0 + (-x).exp())) as f32
}

/// The architecture of a model with labels, if that is what a configuration names.
fn classifier(config: &Map<String, Value>) -> Option<&str> {
    architectures(config).find(|name| name.ends_with("ForSequenceClassification"))
}

fn architectures(config: &Map<String, Value>) -> impl Iterator<Item = &str> {
    config.get("architectures").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// Whether the files are a cross-encoder's: they say so, or are a classifier's with nothing that pools its tokens.
pub(super) fn is_cross_encoder(files: &ModelFiles, config: &Map<String, Value>) -> Result<bool, EmbedError> {
    let settings: SentenceTransformers = parse(files, SENTENCE_TRANSFORMERS)?.unwrap_or_default();
    Ok(settings.model_type.as_deref() == Some("CrossEncoder")
        || (classifier(config).is_some() && files.get(MODULES).is_none()))
}

impl Head {
    /// Reads the description of a head, and of the pooling below it; `activation` is the one that the settings of
    /// sentence-transformers name.
    pub(super) fn read(
        files: &ModelFiles,
        config: &Map<String, Value>,
        activation: Option<&str>,
    ) -> Result<(Self, Pooling), EmbedError> {
        let refuse = |what: String| wrong(files, CONFIG, what);
        if classifier(config).is_none() {
            let named = architectures(config).next().map_or("it names none".to_owned(), |name| format!("it is {name}"));
            return Err(refuse(format!(
                "is no cross-encoder's: a cross-encoder has an architecture such as BertForSequenceClassification, but \
                 {named}; give a cross-encoder to --rerank, and an embedding model to --model"
            )));
        }
        if !Modules::is_transformer_alone(files)? {
            let what = "names more than a Transformer: a cross-encoder with modules over it is not supported";
            return Err(wrong(files, MODULES, what.to_owned()));
        }
        if config.get("auto_map").is_some_and(|map| map.get("AutoModelForSequenceClassification").is_some()) {
            return Err(refuse("auto_map names code of the model's own, which is not run: it is not supported".into()));
        }
        let (activation_of_layer, bias, pooling) = match config::family(config).map_err(refuse)? {
            Some(Family::Bert | Family::Roberta) => (Activation::Tanh, true, Pooling::Cls),
            Some(Family::DistilBert) => (Activation::Relu, true, Pooling::Cls),
            Some(Family::ModernBert) => modern_bert(config).map_err(refuse)?,
            Some(family) => {
                return Err(refuse(format!(
                    "a cross-encoder of the family {} is not supported: only of BERT, RoBERTa, DistilBERT and ModernBERT",
                    family.name()
                )));
            }
            None => return Err(refuse("has no model_type".into())),
        };
        let labels = labels(config);
        let of_old = config.get("sbert_ce_default_activation_function");
        let of_config = config.get("sentence_transformers").and_then(|own| own.get("activation_fn")).or(of_old);
        let activation = activation.or(of_config.and_then(Value::as_str));
        let scoring = Scoring::choose(labels, activation).map_err(refuse)?;
        Ok((Self { activation: activation_of_layer, bias, scoring }, pooling))
    }
}

/// Labels as transformers counts them: by their names, which it leaves out where there are 2.
fn labels(config: &Map<String, Value>) -> usize {
    let named = config.get("id2label").and_then(Value::as_object).map(Map::len);
    let counted = config.get("num_labels").and_then(Value::as_u64).map(|count| count as usize);
    named.or(counted).unwrap_or(2)
}

fn modern_bert(config: &Map<String, Value>) -> Result<(Activation, bool, Pooling), String> {
    let text = |key: &str, default| config.get(key).and_then(Value::as_str).unwrap_or(default);
    let pooling = match text("classifier_pooling", "cls") {
        "cls" => Pooling::Cls,
        "mean" => Pooling::Mean,
        other => return Err(format!("classifier_pooling \"{other}\" is not supported")),
    };
    let activation = config::activation(text("classifier_activation", "gelu"))?;
    Ok((activation, config.get("classifier_bias").is_some_and(|value| value == true), pooling))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn scores_are_those_of_the_activation_that_is_named() {
        for (labels, activation, expected) in [
            (1, None, Some(Scoring::Sigmoid)),
            (1, Some("torch.nn.modules.activation.Sigmoid"), Some(Scoring::Sigmoid)),
            (1, Some("torch.nn.modules.linear.Identity"), Some(Scoring::Logit)),
            (1, Some("torch.nn.modules.activation.Tanh"), None),
            (2, None, Some(Scoring::Softmax)),
            (2, Some("torch.nn.modules.linear.Identity"), Some(Scoring::Softmax)),
            (2, Some("torch.nn.modules.activation.Sigmoid"), None),
            (0, None, None),
            (3, None, None),
        ] {
            assert_eq!(Scoring::choose(labels, activation).ok(), expected, "{labels} labels, {activation:?}");
        }
    }

    #[test]
    fn a_score_grows_with_its_logit() {
        assert_eq!(Scoring::Logit.of(&[-7.5]), -7.5);
        assert_eq!(Scoring::Sigmoid.of(&[0.0]), 0.5);
        assert_eq!(Scoring::Softmax.of(&[3.0, 3.0]), 0.5);
        assert!((Scoring::Sigmoid.of(&[2.0]) - 0.880_797).abs() < 1e-6);
        assert_eq!(Scoring::Softmax.of(&[-1.0, 1.0]), Scoring::Sigmoid.of(&[2.0]));
        assert_eq!([-1e9, 1e9].map(|logit| Scoring::Sigmoid.of(&[logit])), [0.0, 1.0]);
    }

    #[test]
    fn labels_are_counted_as_transformers_counts_them() {
        let count = |config: Value| labels(config.as_object().unwrap());
        assert_eq!(count(json!({})), 2);
        assert_eq!(count(json!({"id2label": {"0": "LABEL_0"}})), 1);
        assert_eq!(count(json!({"num_labels": 3})), 3);
    }
}
