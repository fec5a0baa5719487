//! The encoder of the BERT family on ragged batches.
//!
//! BERT, RoBERTa (with CamemBERT and XLM-RoBERTa) and DistilBERT are one architecture under different tensor names:
//! post-normalised layers of self-attention and a feed-forward part (Devlin et al. 2019; Liu et al. 2019; Sanh et al.
//! 2019). [`Names`] holds what differs.
//!
//! To candle the whole encoder is one operation, from token ids to hidden states. Inside, what goes from one kernel to the
//! next lies in a [`Workspace`], which keeps its memory from pass to pass: a pass allocates its result and nothing else. The
//! residual stream is f32 in every precision; the input of each product is rounded by the kernel that makes it.

use std::ops::Range;
use std::sync::Mutex;

use candle_core::{CpuStorage, CustomOp1, Device, Layout, Shape, Tensor, bail};

use super::lookup::Lookup;
use super::weights::Weights;
use crate::embed::batch::{Ragged, share};
use crate::embed::source::ModelFiles;
use crate::embed::spec::{Family, Spec};
use crate::embed::{EmbedError, cores};
use crate::kernels::aligned::AlignedBuffer;
use crate::kernels::attention::{AttentionScratch, attention};
use crate::kernels::gemm::{PackedMatrix, linear, linear_rows};
use crate::kernels::norm::{LayerNorm, add_layer_norm};
use crate::kernels::rows::Rows;
use crate::kernels::{Activation, Isa, Level, Precision};

/// The tensor names of a family, within a layer unless they say otherwise.
struct Names {
    layer: &'static str,
    query_key_value: [&'static str; 3],
    attention_out: &'static str,
    attention_norm: &'static str,
    up: &'static str,
    down: &'static str,
    out_norm: &'static str,
    token_types: bool,
}

const BERT: Names = Names {
    layer: "encoder.layer",
    query_key_value: ["attention.self.query", "attention.self.key", "attention.self.value"],
    attention_out: "attention.output.dense",
    attention_norm: "attention.output.LayerNorm",
    up: "intermediate.dense",
    down: "output.dense",
    out_norm: "output.LayerNorm",
    token_types: true,
};

const DISTILBERT: Names = Names {
    layer: "transformer.layer",
    query_key_value: ["attention.q_lin", "attention.k_lin", "attention.v_lin"],
    attention_out: "attention.out_lin",
    attention_norm: "sa_layer_norm",
    up: "ffn.lin1",
    down: "ffn.lin2",
    out_norm: "output_layer_norm",
    token_types: false,
};

struct Layer {
    query_key_value: PackedMatrix,
    attention_out: PackedMatrix,
    attention_norm: LayerNorm,
    up: PackedMatrix,
    down: PackedMatrix,
    out_norm: LayerNorm,
}

/// A loaded encoder.
pub struct Encoder {
    isa: Isa,
    precision: Precision,
    heads: usize,
    dims: usize,
    padding: Option<u32>,
    activation: Activation,
    words: Lookup,
    /// Positions for each token type, which is added in.
    positions: Vec<Lookup>,
    norm: LayerNorm,
    layers: Vec<Layer>,
    /// One for each pass that has run at the same time as others.
    workspaces: Mutex<Vec<Workspace>>,
}

/// What lies between the kernels of a pass, for all of its tokens.
struct Workspace {
    /// Input of the next product: [tokens, dims].
    input: Rows,
    /// Output of the wide half of the feed-forward part: [tokens, intermediate].
    wide: Rows,
    /// [tokens, 3 * dims]
    query_key_value: AlignedBuffer,
    /// What attention mixes, then what a layer adds to the residual stream: [tokens, dims].
    change: AlignedBuffer,
    attention: AttentionScratch,
}

impl Encoder {
    /// Reads and packs the weights for an instruction-set level and a precision.
    ///
    /// # Errors
    /// When the weights are missing, damaged, or not those that the configuration describes.
    pub fn load(files: &ModelFiles, spec: &Spec, isa: Isa, precision: Precision) -> Result<Self, EmbedError> {
        let names = match spec.family {
            Family::DistilBert => DISTILBERT,
            _ => BERT,
        };
        let dims = spec.hidden;
        let weights = Weights::load(files, "embeddings.word_embeddings.weight")?;
        let words = weights.lookup("embeddings.word_embeddings.weight", [spec.vocabulary, dims])?;
        let rows = spec.max_tokens + spec.padding.map_or(0, |padding| padding as usize + 1);
        let positions = weights.leading_rows("embeddings.position_embeddings.weight", rows, dims)?;
        let positions = if names.token_types {
            let types = weights.leading_rows("embeddings.token_type_embeddings.weight", spec.token_types, dims)?;
            (0..spec.token_types).map(|kind| positions.broadcast_add(&types.narrow(0, kind, 1)?)).collect()
        } else {
            Ok(vec![positions])
        };
        let norm = |name: &str| weights.norm(name, dims, spec.epsilon);
        let pack = |names: &[String], shape| weights.packed(names, shape, isa, precision);
        let layer = |index: usize| -> Result<Layer, EmbedError> {
            let within = |name: &str| format!("{}.{index}.{name}", names.layer);
            Ok(Layer {
                query_key_value: pack(&names.query_key_value.map(within), (dims, dims))?,
                attention_out: pack(&[within(names.attention_out)], (dims, dims))?,
                attention_norm: norm(&within(names.attention_norm))?,
                up: pack(&[within(names.up)], (spec.intermediate, dims))?,
                down: pack(&[within(names.down)], (dims, spec.intermediate))?,
                out_norm: norm(&within(names.out_norm))?,
            })
        };
        Ok(Self {
            isa,
            precision,
            heads: spec.heads,
            dims,
            padding: spec.padding,
            activation: spec.activation,
            words,
            positions: positions?.iter().map(Lookup::new).collect::<candle_core::Result<_>>()?,
            norm: norm("embeddings.LayerNorm")?,
            layers: share(&Vec::from_iter(0..spec.layers), cores(), |&index| layer(index))?,
            workspaces: Mutex::default(),
        })
    }

    /// The last hidden state of every token: [tokens, dims], row-major.
    ///
    /// # Errors
    /// When candle refuses an operation: a text longer than the model's positions, or an id beyond its words.
    pub fn forward(&self, batch: &Ragged) -> Result<Tensor, EmbedError> {
        let ids = Tensor::from_slice(batch.ids(), batch.ids().len(), &Device::Cpu)?;
        Ok(ids.apply_op1_no_bwd(&Pass { encoder: self, batch })?)
    }

    /// Looks up words and positions and normalises their sum: `hidden` becomes the first hidden state.
    fn embed(&self, ids: &[u32], batch: &Ragged, hidden: &mut [f32], work: &mut Workspace) -> candle_core::Result<()> {
        let words = self.words.open()?;
        let positions = self.positions.iter().map(Lookup::open).collect::<candle_core::Result<Vec<_>>>()?;
        let mut position_row = vec![0.0; self.dims];
        for (sequence, &second) in batch.sequences().iter().zip(batch.seconds()) {
            let mut next = self.padding.map_or(0, |padding| padding + 1);
            for at in sequence.clone() {
                let row = &mut hidden[at * self.dims..(at + 1) * self.dims];
                words.copy(ids[at], row)?;
                // Counted from 0, or from after the padding id, where a literal padding token keeps that id as its position
                // and is not counted.
                let position = if self.padding == Some(ids[at]) {
                    ids[at]
                } else {
                    next += 1;
                    next - 1
                };
                let Some(of_type) = positions.get(usize::from(at >= second)) else {
                    bail!("a token of type 1, where the model has one type");
                };
                of_type.copy(position, &mut position_row)?;
                row.iter_mut().zip(&position_row).for_each(|(value, position)| *value += position);
            }
        }
        add_layer_norm(self.isa, &self.norm, None, hidden, Some(&mut work.input));
        Ok(())
    }

    /// One layer: `hidden` and its rounded form, `work.input`, become those of the next.
    fn layer(&self, layer: &Layer, sequences: &[Range<usize>], hidden: &mut [f32], work: &mut Workspace) {
        let change = &mut work.change.as_mut_slice()[..hidden.len()];
        let query_key_value = &mut work.query_key_value.as_mut_slice()[..3 * hidden.len()];
        linear(&work.input, &layer.query_key_value, Activation::Identity, query_key_value);
        let shape = (self.heads, self.dims);
        let precision = self.attention_precision();
        attention(self.isa, precision, query_key_value, sequences, shape, change, &mut work.attention);
        work.input.fill(change, self.dims);
        linear(&work.input, &layer.attention_out, Activation::Identity, change);
        add_layer_norm(self.isa, &layer.attention_norm, Some(change), hidden, Some(&mut work.input));

        linear_rows(&work.input, &layer.up, self.activation, &mut work.wide);
        linear(&work.wide, &layer.down, Activation::Identity, change);
        add_layer_norm(self.isa, &layer.out_norm, Some(change), hidden, Some(&mut work.input));
    }

    /// The precision of the products of attention: integers would lose what softmax leaves of small weights, so int8 takes
    /// the fastest floating-point numbers of the level.
    fn attention_precision(&self) -> Precision {
        match self.precision {
            Precision::F32 => Precision::F32,
            Precision::Bf16 => Precision::Bf16,
            Precision::Int8 if self.isa.level() >= Level::Avx512Bf16 => Precision::Bf16,
            Precision::Int8 => Precision::F32,
        }
    }
}

/// The encoder as one operation of candle: the token ids of the batch, (tokens), to hidden states, [tokens, dims].
struct Pass<'a> {
    encoder: &'a Encoder,
    batch: &'a Ragged,
}

impl CustomOp1 for Pass<'_> {
    fn name(&self) -> &'static str {
        "voisin-encoder"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let Some((start, end)) = layout.contiguous_offsets() else { bail!("the encoder asks for contiguous ids") };
        let (ids, encoder) = (&storage.as_slice::<u32>()?[start..end], self.encoder);
        let mut hidden = vec![0.0; ids.len() * encoder.dims];
        let mut work = Workspace::take(encoder, ids.len());
        encoder.embed(ids, self.batch, &mut hidden, &mut work)?;
        for layer in &encoder.layers {
            encoder.layer(layer, self.batch.sequences(), &mut hidden, &mut work);
        }
        work.give_back(encoder);
        Ok((CpuStorage::F32(hidden), (ids.len(), encoder.dims).into()))
    }
}

impl Workspace {
    /// One that no other pass uses, for so many tokens.
    fn take(encoder: &Encoder, tokens: usize) -> Self {
        let free = encoder.workspaces.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).pop();
        let mut work = free.unwrap_or_else(|| Self {
            input: Rows::new(encoder.isa, encoder.precision),
            wide: Rows::new(encoder.isa, encoder.precision),
            query_key_value: AlignedBuffer::default(),
            change: AlignedBuffer::default(),
            attention: AttentionScratch::default(),
        });
        work.query_key_value.grow(tokens * 3 * encoder.dims);
        work.change.grow(tokens * encoder.dims);
        work
    }

    /// Leaves the memory to the next pass.
    fn give_back(self, encoder: &Encoder) {
        encoder.workspaces.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(self);
    }
}
