//! The same model as candle-transformers runs it: an independent implementation to check and to time ours against.
//!
//! It is slower, pads its batches, and knows fewer activations and layouts; nothing is embedded for a store with it.

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::{bert, distilbert, xlm_roberta};
use ndarray::Array2;
use serde::de::DeserializeOwned;

use super::source::{ModelFiles, WEIGHTS};
use super::spec::{Family, Spec};
use super::tokenize::Tokens;
use super::{EmbedError, pooling};

enum Model {
    Bert(bert::BertModel),
    Roberta(xlm_roberta::XLMRobertaModel),
    DistilBert(distilbert::DistilBertModel),
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
        let weights = candle_core::safetensors::load_buffer(files.get(WEIGHTS).unwrap_or_default(), &Device::Cpu)?;
        let weights = VarBuilder::from_tensors(weights, DType::F32, &Device::Cpu);
        let model = match spec.family {
            Family::Bert => Model::Bert(bert::BertModel::load(weights, &config(files)?)?),
            Family::Roberta => Model::Roberta(xlm_roberta::XLMRobertaModel::new(&config(files)?, weights)?),
            Family::DistilBert => Model::DistilBert(distilbert::DistilBertModel::load(weights, &config(files)?)?),
        };
        Ok(Self { model, spec })
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
        };
        let hidden: Vec<f32> = hidden.flatten_all()?.to_vec1()?;
        let sequences: Vec<_> =
            texts.iter().enumerate().map(|(at, text)| at * longest..at * longest + text.ids.len()).collect();
        let mut vectors = pooling::pool(self.spec.pooling, &hidden, &sequences, self.spec.dims);
        if self.spec.normalise {
            pooling::normalise(&mut vectors);
        }
        Ok(vectors)
    }
}

/// `config.json` as candle-transformers wants it.
fn config<T: DeserializeOwned>(files: &ModelFiles) -> Result<T, EmbedError> {
    const FILE: &str = "config.json";
    let wrong = |error: serde_json::Error| EmbedError::Model {
        model: files.id.clone(),
        file: FILE.to_owned(),
        what: format!("candle-transformers does not read it: {error}"),
    };
    let mut config: serde_json::Value = serde_json::from_slice(files.get(FILE).unwrap_or_default()).map_err(wrong)?;
    if let Some(config) = config.as_object_mut() {
        // Left out by newer versions of transformers, since nothing else is left.
        config.entry("position_embedding_type").or_insert_with(|| "absolute".into());
    }
    serde_json::from_value(config).map_err(wrong)
}
