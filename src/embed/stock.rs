//! The same model as candle-transformers runs it: an independent implementation to check and to time ours against.
//!
//! It is slower, pads its batches, and knows fewer activations and layouts; nothing is embedded for a store with it.

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::{bert, distilbert, modernbert, xlm_roberta};
use ndarray::Array2;
use serde::de::DeserializeOwned;

use super::arch;
use super::source::{CONFIG, ModelFiles};
use super::spec::{Family, Spec, View};
use super::tokenize::Tokens;
use super::{EmbedError, pooling};
use crate::kernels::Activation;

enum Model {
    Bert(bert::BertModel),
    Roberta(xlm_roberta::XLMRobertaModel),
    DistilBert(distilbert::DistilBertModel),
    ModernBert(modernbert::ModernBert),
}

/// A model of candle-transformers in f32, with the pooling of its description.
pub struct Stock {
    model: Model,
    spec: Spec,
}

impl Stock {
    /// Loads a model, weights without a prefix or under the model type's.
    ///
    /// # Errors
    /// When candle-transformers does not know the model's layout or activation.
    pub fn load(files: &ModelFiles) -> Result<Self, EmbedError> {
        let spec = Spec::read(files)?;
        if !spec.dense.is_empty() {
            return Err(unknown(files, "Dense layers are not compared with candle-transformers".to_owned()));
        }
        let weights = VarBuilder::from_tensors(arch::tensors(files)?, DType::F32, &Device::Cpu);
        let model = match spec.family {
            Family::Bert => Model::Bert(bert::BertModel::load(weights, &config(files)?)?),
            Family::Roberta => Model::Roberta(xlm_roberta::XLMRobertaModel::new(&config(files)?, weights)?),
            Family::DistilBert => Model::DistilBert(distilbert::DistilBertModel::load(weights, &config(files)?)?),
            Family::ModernBert => {
                // It asks for names as a language model has them; an encoder alone has them without the prefix.
                let bare = !weights.contains_tensor("model.final_norm.weight");
                let prefix = if bare { "model." } else { "" };
                let weights = weights.rename_f(move |name: &str| name.strip_prefix(prefix).unwrap_or(name).to_owned());
                Model::ModernBert(modernbert::ModernBert::load(weights, &modern_config(files, &spec)?)?)
            }
            other => return Err(unknown(files, format!("{} is not compared with candle-transformers", other.name()))),
        };
        Ok(Self { model, spec })
    }

    /// The same model with the first `dims` components of its vectors: see [`Spec::truncated`].
    ///
    /// # Errors
    /// When its vectors have fewer, or none are to be kept.
    pub fn truncated(self, dims: usize) -> Result<Self, EmbedError> {
        Ok(Self { spec: self.spec.truncated(dims)?, ..self })
    }

    /// One vector a row, in one padded forward pass: [texts, dims].
    ///
    /// # Errors
    /// When candle refuses an operation.
    pub fn embed_tokens(&self, texts: &[&Tokens]) -> Result<Array2<f32>, EmbedError> {
        let longest = texts.iter().map(|text| text.ids.len()).max().unwrap_or(0);
        let padding = self.spec.padding.unwrap_or(0);
        let (mut ids, mut mask) = (Vec::new(), Vec::new());
        for text in texts {
            ids.extend_from_slice(&text.ids);
            ids.resize(ids.len().next_multiple_of(longest.max(1)), padding);
            mask.resize(mask.len() + text.ids.len(), 1u32);
            mask.resize(ids.len(), 0);
        }
        let shape = (texts.len(), longest);
        let ids = Tensor::from_vec(ids, shape, &Device::Cpu)?;
        let types = ids.zeros_like()?;
        let hidden = match &self.model {
            Model::Bert(model) => model.forward(&ids, &types, Some(&Tensor::from_vec(mask, shape, &Device::Cpu)?))?,
            Model::Roberta(model) => {
                let mask = Tensor::from_vec(mask, shape, &Device::Cpu)?;
                model.forward(&ids, &mask, &types, None, None, None)?
            }
            Model::DistilBert(model) => {
                // Here a mask is true where nothing may be looked at.
                let hidden: Vec<u8> = mask.iter().map(|&seen| u8::from(seen == 0)).collect();
                let mask = Tensor::from_vec(hidden, (texts.len(), 1, 1, longest), &Device::Cpu)?;
                model.forward(&ids, &mask)?
            }
            Model::ModernBert(model) => model.forward(&ids, &Tensor::from_vec(mask, shape, &Device::Cpu)?)?,
        };
        let hidden: Vec<f32> = hidden.flatten_all()?.to_vec1()?;
        let sequences: Vec<_> =
            texts.iter().enumerate().map(|(at, text)| at * longest..at * longest + text.ids.len()).collect();
        let pooled = pooling::pool(self.spec.pooling, &hidden, &sequences, self.spec.hidden);
        Ok(pooling::finish(pooled, self.spec.dims, self.spec.normalise))
    }
}

fn unknown(files: &ModelFiles, what: String) -> EmbedError {
    EmbedError::Model { model: files.id.clone(), file: CONFIG.to_owned(), what }
}

/// The description as candle-transformers wants it, which knows the names of transformers 4 alone.
fn modern_config(files: &ModelFiles, spec: &Spec) -> Result<modernbert::Config, EmbedError> {
    let views = spec.rotary.as_ref().map_or(&[][..], |rotary| &rotary.views);
    let all = || views.iter().enumerate().filter(|(_, view)| view.reach.is_none());
    let every = all().nth(1).map_or(views.len(), |(layer, _)| layer).max(1);
    if spec.activation != Activation::Gelu {
        return Err(unknown(files, "candle-transformers knows ModernBERT with GELU alone".to_owned()));
    }
    if !views.iter().enumerate().all(|(layer, view)| view.reach.is_none() == layer.is_multiple_of(every)) {
        return Err(unknown(files, "candle-transformers does not know this order of layers".to_owned()));
    }
    let near = views.iter().find(|view| view.reach.is_some());
    let theta = |view: Option<&View>| view.map_or(1.0, |view| view.theta.into());
    Ok(modernbert::Config {
        vocab_size: spec.vocabulary,
        hidden_size: spec.hidden,
        num_hidden_layers: spec.layers,
        num_attention_heads: spec.heads,
        intermediate_size: spec.intermediate,
        max_position_embeddings: spec.max_tokens,
        layer_norm_eps: spec.epsilon.into(),
        pad_token_id: 0,
        global_attn_every_n_layers: every,
        global_rope_theta: theta(all().next().map(|(_, view)| view)),
        local_attention: 2 * near.and_then(|view| view.reach).unwrap_or_default(),
        local_rope_theta: theta(near),
        classifier_config: None,
    })
}

/// `config.json` as candle-transformers wants it.
fn config<T: DeserializeOwned>(files: &ModelFiles) -> Result<T, EmbedError> {
    let wrong = |error: serde_json::Error| unknown(files, format!("candle-transformers does not read it: {error}"));
    let mut config: serde_json::Value = serde_json::from_slice(files.get(CONFIG).unwrap_or_default()).map_err(wrong)?;
    if let Some(config) = config.as_object_mut() {
        // Left out by newer versions of transformers, since nothing else is left.
        config.entry("position_embedding_type").or_insert_with(|| "absolute".into());
    }
    serde_json::from_value(config).map_err(wrong)
}
