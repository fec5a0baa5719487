//! Self-attention whose positions turn queries and keys (Su et al. 2021), one text after the other.
//!
//! ```text
//! for each text, for each block of queries:
//!     keys   = what the block can see: all, what comes before its end, or what is within reach
//!     shares = softmax(turn(q) turn(k)ᵀ * scale + mask)
//!     out    = shares v
//! ```
//!
//! 1. Blocks keep the scores of a long text from growing with the square of its length, and skip what no query of theirs
//!    sees. They are counted from the beginning of the text, so that its vectors do not depend on its neighbours.
//! 2. Heads that share keys and values (Ainslie et al. 2023) are rows of one product with them: nothing is repeated.

use std::ops::Range;

use candle_core::{D, Device, Result, Tensor};
use candle_nn::ops::softmax_last_dim;
use candle_nn::rotary_emb::rope_thd;

use super::norms::RmsNorm;
use crate::embed::spec::{Rotary, View};

/// Queries that are compared with their keys at a time.
const BLOCK: usize = 128;

/// The angles of every position, at one base of wavelengths.
#[derive(Clone)]
struct Angles {
    theta: f32,
    /// (positions, head_width / 2)
    cosines: Tensor,
    /// (positions, head_width / 2)
    sines: Tensor,
}

impl Angles {
    fn new(theta: f32, positions: usize, head_width: usize) -> Result<Self> {
        let half = head_width / 2;
        // In f32 throughout, as the models were trained: at far positions, more digits would be other angles.
        let frequencies: Vec<f32> =
            (0..half).map(|pair| theta.powf(2.0 * pair as f32 / head_width as f32).recip()).collect();
        let angles = (0..positions).flat_map(|at| frequencies.iter().map(move |frequency| at as f32 * frequency));
        let angles = Tensor::from_iter(angles, &Device::Cpu)?.reshape((positions, half))?;
        Ok(Self { theta, cosines: angles.cos()?, sines: angles.sin()? })
    }
}

/// The attention of one layer: [tokens, (heads + 2 * key_value_heads) * head_width] to [tokens, heads * head_width].
pub(super) struct RotaryAttention {
    heads: usize,
    shared: usize,
    width: usize,
    scale: f64,
    causal: bool,
    reach: Option<usize>,
    angles: Angles,
    /// Over each head of queries, and of keys.
    norms: Option<[RmsNorm; 2]>,
}

impl RotaryAttention {
    /// The attention of every layer, for texts of up to `positions` tokens; layers of one base share their angles.
    pub(super) fn layers(heads: usize, rotary: &Rotary, positions: usize) -> Result<Vec<Self>> {
        let mut known: Vec<Angles> = Vec::new();
        let mut layer = |view: &View| {
            let angles = match known.iter().find(|angles| angles.theta == view.theta) {
                Some(angles) => angles.clone(),
                None => {
                    known.push(Angles::new(view.theta, positions, rotary.head_width)?);
                    known[known.len() - 1].clone()
                }
            };
            Ok(Self {
                heads,
                shared: rotary.key_value_heads,
                width: rotary.head_width,
                scale: rotary.scale.into(),
                causal: rotary.causal,
                reach: view.reach,
                angles,
                norms: None,
            })
        };
        rotary.views.iter().map(&mut layer).collect()
    }

    /// Components of all queries of a token, of its keys (and of its values), and of one head.
    pub(super) fn widths(&self) -> [usize; 3] {
        [self.heads * self.width, self.shared * self.width, self.width]
    }

    /// The same with normalised queries and keys.
    pub(super) fn with_norms(self, query: RmsNorm, key: RmsNorm) -> Self {
        Self { norms: Some([query, key]), ..self }
    }

    /// `qkv`: queries, keys and values of every token, side by side; `sequences`: where each text lies.
    pub(super) fn forward(&self, qkv: &Tensor, sequences: &[Range<usize>]) -> Result<Tensor> {
        let tokens = qkv.dim(0)?;
        let part = |first: usize, heads: usize| {
            let part = qkv.narrow(1, first * self.width, heads * self.width)?;
            part.contiguous()?.reshape((tokens, heads, self.width))
        };
        let (mut query, mut key) = (part(0, self.heads)?, part(self.heads, self.shared)?);
        let value = part(self.heads + self.shared, self.shared)?;
        if let Some([of_query, of_key]) = &self.norms {
            (query, key) = (of_query.forward(&query)?, of_key.forward(&key)?);
        }
        let of_text = |sequence: &Range<usize>| {
            let of = |x: &Tensor| x.narrow(0, sequence.start, sequence.len());
            self.attend(&of(&query)?, &of(&key)?, &of(&value)?)
        };
        let texts = sequences.iter().filter(|sequence| !sequence.is_empty());
        Tensor::cat(&texts.map(of_text).collect::<Result<Vec<_>>>()?, 0)
    }

    /// One text; each of the three is (tokens, heads, width).
    fn attend(&self, query: &Tensor, key: &Tensor, value: &Tensor) -> Result<Tensor> {
        let tokens = query.dim(0)?;
        let by_head = |x: &Tensor| x.transpose(0, 1)?.contiguous();
        let query = (by_head(&self.turn(query)?)? * self.scale)?;
        let (key, value) = (by_head(&self.turn(key)?)?, by_head(value)?);
        let mut rows = Vec::with_capacity(tokens.div_ceil(BLOCK));
        for start in (0..tokens).step_by(BLOCK) {
            let block = start..tokens.min(start + BLOCK);
            let seen = self.seen(&block, tokens);
            let group = (self.shared, self.heads / self.shared * block.len());
            let query = query.narrow(1, start, block.len())?.contiguous()?.reshape((group.0, group.1, self.width))?;
            let of_seen = |x: &Tensor| x.narrow(1, seen.start, seen.len())?.contiguous();
            let mut scores = query.matmul(&of_seen(&key)?.transpose(D::Minus2, D::Minus1)?)?;
            if let Some(mask) = self.mask(&block, &seen)? {
                scores = scores.reshape((self.heads, block.len(), seen.len()))?.broadcast_add(&mask)?;
            }
            let shares = softmax_last_dim(&scores.reshape((group.0, group.1, seen.len()))?)?;
            let mixed = shares.matmul(&of_seen(&value)?)?.reshape((self.heads, block.len(), self.width))?;
            rows.push(mixed.transpose(0, 1)?.contiguous()?.reshape((block.len(), self.heads * self.width))?);
        }
        Tensor::cat(&rows, 0)
    }

    /// Turns each pair of components by the angle of its token's position: (tokens, heads, width).
    fn turn(&self, x: &Tensor) -> Result<Tensor> {
        let of = |table: &Tensor| table.narrow(0, 0, x.dim(0)?);
        rope_thd(&x.unsqueeze(0)?.contiguous()?, &of(&self.angles.cosines)?, &of(&self.angles.sines)?)?.squeeze(0)
    }

    /// The tokens that some query of `block` sees, in a text of `tokens`.
    fn seen(&self, block: &Range<usize>, tokens: usize) -> Range<usize> {
        let before = self.reach.map_or(0, |reach| block.start.saturating_sub(reach));
        let after = if self.causal { 0 } else { self.reach.unwrap_or(tokens) };
        before..tokens.min(block.end.saturating_add(after))
    }

    /// 0 where a query sees a key, and minus infinity where it does not: (block, seen). `None` where all see all.
    fn mask(&self, block: &Range<usize>, seen: &Range<usize>) -> Result<Option<Tensor>> {
        let sees = |query: usize, key: usize| {
            !(self.causal && key > query) && self.reach.is_none_or(|reach| query.abs_diff(key) <= reach)
        };
        let pairs = || block.clone().flat_map(|query| seen.clone().map(move |key| sees(query, key)));
        if pairs().all(|sees| sees) {
            return Ok(None);
        }
        let mask = pairs().map(|sees| if sees { 0f32 } else { f32::NEG_INFINITY });
        Ok(Some(Tensor::from_iter(mask, &Device::Cpu)?.reshape((block.len(), seen.len()))?))
    }
}
