//! One body of tests for every level of this CPU, against f64 references that are too simple to be wrong.

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod tiles;

use super::activation::Activation;
use super::arith::{bf16_of_f32, f32_of_bf16};
use super::attention::{AttentionScratch, attention};
use super::codes::{MOST, dot_codes, dot_listed};
use super::cpu::{Isa, IsaError, Level};
use super::dot::dot_rows;
use super::gemm::{PackedMatrix, linear, linear_rows};
use super::norm::{LayerNorm, add_layer_norm};
use super::peak;
use super::precision::Precision;
use super::rows::Rows;

/// Reproducible values in about [-1, 1].
fn values(len: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..len).map(|_| next()).collect()
}

fn activate(activation: Activation, x: f64) -> f64 {
    let gelu = |cdf: f64| x * cdf;
    match activation {
        Activation::Identity => x,
        Activation::Gelu => gelu(0.5 * (1.0 + erf(x / std::f64::consts::SQRT_2))),
        Activation::GeluTanh => {
            gelu(0.5 * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x * x * x)).tanh()))
        }
        Activation::Relu => x.max(0.0),
        Activation::Silu => x / (1.0 + (-x).exp()),
        Activation::Tanh => x.tanh(),
    }
}

/// The error function by its Maclaurin series, exact enough in f64 for |x| < 4.
fn erf(x: f64) -> f64 {
    if x.abs() > 4.0 {
        return x.signum();
    }
    let (mut term, mut sum) = (x, x);
    for n in 1..120 {
        term *= -x * x / n as f64;
        sum += term / (2 * n + 1) as f64;
    }
    sum * 2.0 / std::f64::consts::PI.sqrt()
}

#[track_caller]
fn assert_close(got: &[f32], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (i, (&g, &e)) in got.iter().zip(expected).enumerate() {
        assert!((f64::from(g) - e).abs() <= tolerance * (1.0 + e.abs()), "{what}: element {i}: got {g}, expected {e}");
    }
}

/// Every level; that of AMX is emulated where there are only its vectors.
fn levels() -> impl Iterator<Item = Isa> {
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    let emulated = tiles::amx().filter(|_| Isa::new(Level::Amx).is_none());
    #[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
    let emulated = None;
    Isa::available().chain(emulated)
}

/// Every level with every precision.
fn all() -> impl Iterator<Item = (Isa, Precision)> {
    levels().flat_map(|isa| Precision::ALL.map(|precision| (isa, precision)))
}

/// (m, n, k): below, on and above tile rows (12, 6, 4, 2), panel widths (32, 16, 8) and blocks (k = 1536: 64 rows).
const SHAPES: [(usize, usize, usize); 10] = [
    (1, 1, 1),
    (11, 31, 33),
    (12, 32, 32),
    (13, 33, 31),
    (5, 16, 7),
    (7, 17, 384),
    (25, 96, 15),
    (64, 8, 1536),
    (67, 40, 1536),
    (3, 65, 2),
];

const ACTIVATIONS: [Activation; 6] = [
    Activation::Identity,
    Activation::Gelu,
    Activation::GeluTanh,
    Activation::Relu,
    Activation::Silu,
    Activation::Tanh,
];

/// The numbers that products see where these are given: rounded to the precision, as f64; [m, k].
fn rounded(precision: Precision, values: &[f32], width: usize, weights: bool) -> Vec<f64> {
    match precision {
        Precision::F32 => values.iter().map(|&v| f64::from(v)).collect(),
        Precision::Bf16 => values.iter().map(|&v| f64::from(f32_of_bf16(bf16_of_f32(v)))).collect(),
        Precision::Int8 => {
            let one = |row: &[f32]| {
                let (scale, zero, integers) = quantised(row, weights);
                integers.into_iter().map(|i| f64::from(scale) * f64::from(i - zero)).collect::<Vec<_>>()
            };
            values.chunks_exact(width).flat_map(one).collect()
        }
    }
}

/// Scale, zero point and integers of a row, as the module docs of `rows` and `gemm` define them.
fn quantised(row: &[f32], weights: bool) -> (f32, i32, Vec<i32>) {
    let high = row.iter().fold(0.0f32, |a, &b| a.max(b));
    let low = row.iter().fold(0.0f32, |a, &b| a.min(b));
    let scale = if weights { high.max(-low) / 127.0 } else { (high - low) / 255.0 };
    if scale < f32::MIN_POSITIVE {
        return (0.0, 0, vec![0; row.len()]);
    }
    let inverse = 1.0 / scale;
    let zero = if weights { 0 } else { (-low * inverse).round_ties_even() as i32 };
    let (least, most) = if weights { (-127, 127) } else { (0, 255) };
    let integer = |v: &f32| ((v * inverse).round_ties_even() as i32 + zero).clamp(least, most);
    (scale, zero, row.iter().map(integer).collect())
}

#[test]
fn linear_agrees_with_the_reference() {
    for (isa, precision) in all() {
        for (m, n, k) in SHAPES {
            let (x, w, b) = (values(m * k, 1), values(n * k, 2), values(n, 3));
            let matrix = PackedMatrix::new(isa, precision, &w, Some(&b), n, k);
            let (seen, weights) = (rounded(precision, &x, k, false), rounded(precision, &w, k, true));
            let rows = Rows::of(isa, precision, &x, k);
            for activation in ACTIVATIONS {
                let mut out = vec![f32::NAN; m * n];
                linear(&rows, &matrix, activation, &mut out);
                let expected: Vec<f64> = (0..m * n)
                    .map(|i| {
                        let (row, col) = (i / n, i % n);
                        let sum: f64 = (0..k).map(|j| seen[row * k + j] * weights[col * k + j]).sum();
                        activate(activation, sum + f64::from(b[col]))
                    })
                    .collect();
                // Rounding errors of a sum of k terms grow like √k.
                let rough = precision != Precision::F32 && activation == Activation::Gelu;
                let tolerance = if rough { 3e-4 } else { 2e-6 * (k as f64).sqrt().max(4.0) };
                assert_close(&out, &expected, tolerance, &format!("{isa} {precision} {m}x{n}x{k} {activation:?}"));
            }
        }
    }
}

/// Every sum of products, and so every output: integers are added without rounding and scaled by one.
#[test]
fn integer_products_are_exact_at_their_greatest() {
    for isa in levels() {
        for (m, n, k) in [(1, 1, 1), (13, 33, 63), (12, 32, 64), (7, 17, 65), (25, 40, 1536), (2, 5, 4096)] {
            // Rows and weights of nothing but the ends of their ranges, with both ends in each, so that the scale is 1.
            let ends = |seed, low, high| {
                move |(at, value): (usize, f32)| match at {
                    0 => high,
                    1 => low,
                    _ if seed == 0 => high,
                    _ => {
                        if value > 0.0 {
                            high
                        } else {
                            low
                        }
                    }
                }
            };
            for seed in [0, 1, 2] {
                let row = |width, low: f32, high: f32, s| -> Vec<f32> {
                    values(width, seed * 100 + s).into_iter().enumerate().map(ends(seed, low, high)).collect()
                };
                let x: Vec<f32> = (0..m).flat_map(|r| row(k, -128.0, 127.0, r as u64)).collect();
                let w: Vec<f32> = (0..n).flat_map(|c| row(k, -127.0, 127.0, 50 + c as u64)).collect();
                let matrix = PackedMatrix::new(isa, Precision::Int8, &w, None, n, k);
                let mut out = vec![f32::NAN; m * n];
                linear(&Rows::of(isa, Precision::Int8, &x, k), &matrix, Activation::Identity, &mut out);
                for (i, &got) in out.iter().enumerate() {
                    let (row, col) = (&x[i / n * k..][..k], &w[i % n * k..][..k]);
                    let (scale, zero, left) = quantised(row, false);
                    let (weight, _, right) = quantised(col, true);
                    let sum: i64 = left.iter().zip(&right).map(|(a, b)| i64::from(a - zero) * i64::from(*b)).sum();
                    assert_eq!(got, (sum as f32) * (weight * scale), "{isa} {m}x{n}x{k}, element {i}");
                }
            }
        }
    }
}

#[test]
fn all_levels_round_to_the_same_integers() {
    let (m, n, k) = (9, 70, 130);
    let (x, w, b) = (values(m * k, 1), values(n * k, 2), values(n, 3));
    let on = |isa| {
        let matrix = PackedMatrix::new(isa, Precision::Int8, &w, Some(&b), n, k);
        let mut out = vec![f32::NAN; m * n];
        linear(&Rows::of(isa, Precision::Int8, &x, k), &matrix, Activation::Identity, &mut out);
        out
    };
    let portable = on("portable".parse().unwrap());
    for isa in levels() {
        // One multiplication and addition, which some levels round once and others twice.
        for (got, expected) in on(isa).iter().zip(&portable) {
            assert!((got - expected).abs() <= 2e-7 * (1.0 + expected.abs()), "{isa}: {got}, {expected}");
        }
    }
}

#[test]
fn rows_for_the_next_product_are_the_outputs_rounded() {
    for (isa, precision) in all() {
        for (m, n, k) in [(1, 5, 8), (49, 33, 40), (100, 64, 31)] {
            let (x, w) = (values(m * k, 1), values(n * k, 2));
            let matrix = PackedMatrix::new(isa, precision, &w, None, n, k);
            let rows = Rows::of(isa, precision, &x, k);
            let (mut wide, mut narrow) = (vec![f32::NAN; m * n], Rows::new(isa, precision));
            linear(&rows, &matrix, Activation::Gelu, &mut wide);
            linear_rows(&rows, &matrix, Activation::Gelu, &mut narrow);
            let next = PackedMatrix::new(isa, precision, &values(7 * n, 3), None, 7, n);
            let (mut from_wide, mut from_narrow) = (vec![0.0; m * 7], vec![f32::NAN; m * 7]);
            linear(&Rows::of(isa, precision, &wide, n), &next, Activation::Identity, &mut from_wide);
            linear(&narrow, &next, Activation::Identity, &mut from_narrow);
            assert_eq!(from_wide, from_narrow, "{isa} {precision} {m}x{n}x{k}");
        }
    }
}

#[test]
fn what_is_no_number_stays_none() {
    for (isa, precision) in all() {
        for (bad, at) in [(f32::NAN, 3), (f32::INFINITY, 20), (f32::from_bits(u32::MAX), 39)] {
            let (mut x, w) = (values(3 * 40, 1), values(5 * 40, 2));
            x[40 + at] = bad;
            let mut out = vec![0.0; 3 * 5];
            let matrix = PackedMatrix::new(isa, precision, &w, None, 5, 40);
            linear(&Rows::of(isa, precision, &x, 40), &matrix, Activation::Identity, &mut out);
            assert!(out[5..10].iter().all(|v| !v.is_finite()), "{isa} {precision} {bad} at {at}: {out:?}");
            assert!(out[..5].iter().chain(&out[10..]).all(|v| v.is_finite()), "{isa} {precision}: {out:?}");
            let mut w = w;
            w[40 + at] = bad;
            let matrix = PackedMatrix::new(isa, precision, &w, None, 5, 40);
            linear(&Rows::of(isa, precision, &values(3 * 40, 1), 40), &matrix, Activation::Identity, &mut out);
            assert!([1, 6, 11].iter().all(|&i| !out[i].is_finite()), "{isa} {precision} weight {bad}: {out:?}");
        }
    }
}

#[test]
fn a_row_of_zeros_gives_the_bias() {
    for (isa, precision) in all() {
        let (w, b) = (values(6 * 20, 2), values(6, 3));
        let matrix = PackedMatrix::new(isa, precision, &w, Some(&b), 6, 20);
        let mut out = vec![f32::NAN; 6];
        linear(&Rows::of(isa, precision, &[0.0; 20], 20), &matrix, Activation::Identity, &mut out);
        assert_eq!(out, b, "{isa} {precision}");
    }
}

#[test]
fn a_row_does_not_depend_on_its_neighbours() {
    for (isa, precision) in all() {
        let (n, k) = (70, 130);
        let (x, w) = (values(60 * k, 4), values(n * k, 5));
        let matrix = PackedMatrix::new(isa, precision, &w, None, n, k);
        let mut all = vec![0.0; 60 * n];
        linear(&Rows::of(isa, precision, &x, k), &matrix, Activation::Gelu, &mut all);
        for row in 0..60 {
            let mut one = vec![0.0; n];
            let rows = Rows::of(isa, precision, &x[row * k..(row + 1) * k], k);
            linear(&rows, &matrix, Activation::Gelu, &mut one);
            assert_eq!(one, all[row * n..(row + 1) * n], "{isa} {precision} row {row}");
        }
    }
}

#[test]
fn activations_hold_over_their_whole_range() {
    for (isa, precision) in all() {
        // Rows of one, which every precision holds exactly: (2 x - 255) / 51 for an integer, and 8 bits of it.
        let x: Vec<f32> = (-400..=400).map(|i| i as f32 / 20.0).map(|v| f32_of_bf16(bf16_of_f32(v))).collect();
        for activation in [Activation::Gelu, Activation::GeluTanh, Activation::Silu, Activation::Tanh] {
            let matrix = PackedMatrix::new(isa, precision, &[1.0], None, 1, 1);
            let mut out = vec![0.0; x.len()];
            linear(&Rows::of(isa, precision, &x, 1), &matrix, activation, &mut out);
            let expected: Vec<f64> = x.iter().map(|&x| activate(activation, f64::from(x))).collect();
            let rough = precision != Precision::F32 && activation == Activation::Gelu;
            // At -20, an error function that is off by one unit in the last place leaves 1.2e-6.
            let tolerance = if rough { 2e-4 } else { 1.5e-6 };
            assert_close(&out, &expected, tolerance, &format!("{isa} {precision} {activation:?}"));
        }
    }
}

#[test]
fn attention_agrees_with_the_reference() {
    for (isa, precision) in all().filter(|(_, precision)| *precision != Precision::Int8) {
        for (heads, d) in [(1, 1), (2, 8), (3, 32), (2, 33), (1, 64)] {
            let hidden = heads * d;
            // Lengths around the panel widths, an empty sequence, and one beyond a block of rows.
            let sequences = [0..1, 1..1, 1..8, 8..24, 24..57, 57..88, 88..300];
            let qkv: Vec<f32> = values(300 * 3 * hidden, 6).iter().map(|v| v * 3.0).collect();
            let mut out = vec![f32::NAN; 300 * hidden];
            attention(isa, precision, &qkv, &sequences, (heads, hidden), &mut out, &mut AttentionScratch::default());
            let at = |row: usize, part: usize, col: usize| f64::from(qkv[row * 3 * hidden + part * hidden + col]);
            let mut expected = vec![0.0; 300 * hidden];
            for sequence in &sequences {
                for head in 0..heads {
                    for query in sequence.clone() {
                        let scores: Vec<f64> = sequence
                            .clone()
                            .map(|key| {
                                (0..d).map(|i| at(query, 0, head * d + i) * at(key, 1, head * d + i)).sum::<f64>()
                                    / (d as f64).sqrt()
                            })
                            .collect();
                        let greatest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                        let total: f64 = scores.iter().map(|s| (s - greatest).exp()).sum();
                        for i in 0..d {
                            expected[query * hidden + head * d + i] = sequence
                                .clone()
                                .zip(&scores)
                                .map(|(key, s)| (s - greatest).exp() / total * at(key, 2, head * d + i))
                                .sum();
                        }
                    }
                }
            }
            // In bf16, scores of up to 9 d are off by some thousandths of themselves, which moves their exponentials as much.
            let tolerance = if precision == Precision::F32 { 2e-5 } else { 6e-2 };
            assert_close(&out, &expected, tolerance, &format!("{isa} {precision} {heads} heads of {d}"));
        }
    }
}

#[test]
fn layer_norm_agrees_with_the_reference() {
    for (isa, precision) in all() {
        for width in [1, 7, 8, 16, 31, 384] {
            let norm = LayerNorm { weight: values(width, 7), bias: values(width, 8), epsilon: 1e-5 };
            let (rows, residual) = (values(5 * width, 9), values(5 * width, 10));
            for residual in [None, Some(&residual[..])] {
                let mut got = rows.clone();
                let mut narrow = Rows::new(isa, precision);
                add_layer_norm(isa, &norm, residual, &mut got, Some(&mut narrow));
                let matrix = PackedMatrix::new(isa, precision, &values(3 * width, 11), None, 3, width);
                let (mut from_narrow, mut from_wide) = ([0.0; 15], [0.0; 15]);
                linear(&narrow, &matrix, Activation::Identity, &mut from_narrow);
                linear(&Rows::of(isa, precision, &got, width), &matrix, Activation::Identity, &mut from_wide);
                assert_eq!(from_narrow, from_wide, "{isa} {precision} width {width}");
                let mut expected = Vec::new();
                for r in 0..5 {
                    let row: Vec<f64> = (r * width..(r + 1) * width)
                        .map(|i| f64::from(rows[i]) + residual.map_or(0.0, |x| f64::from(x[i])))
                        .collect();
                    let mean = row.iter().sum::<f64>() / width as f64;
                    let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / width as f64;
                    expected.extend(row.iter().enumerate().map(|(i, x)| {
                        (x - mean) / (variance + 1e-5).sqrt() * f64::from(norm.weight[i]) + f64::from(norm.bias[i])
                    }));
                }
                assert_close(&got, &expected, 2e-5, &format!("{isa} width {width}"));
            }
        }
    }
}

#[test]
fn dot_agrees_with_the_reference() {
    for isa in Isa::available() {
        for width in [1, 4, 15, 16, 17, 63, 64, 65, 384, 1000] {
            let (query, rows) = (values(width, 11), values(9 * width, 12));
            let mut got = [0.0; 9];
            dot_rows(isa, &query, &rows, &mut got);
            let expected: Vec<f64> = rows
                .chunks_exact(width)
                .map(|row| row.iter().zip(&query).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum())
                .collect();
            assert_close(&got, &expected, 1e-5, &format!("{isa} width {width}"));
        }
    }
}

/// Reproducible codes, the extremes among them.
fn codes(len: usize, seed: u64) -> Vec<i8> {
    values(len, seed).into_iter().map(|value| (value * 160.0) as i8).collect()
}

#[test]
fn products_of_codes_are_exact_on_every_level() {
    let exact = |a: &[i8], b: &[i8]| a.iter().zip(b).map(|(&a, &b)| i64::from(a) * i64::from(b)).sum::<i64>();
    for isa in levels() {
        // Below, on and above one and two steps of 8, 16, 32 and 64.
        for width in [1, 7, 8, 15, 16, 17, 31, 33, 63, 64, 65, 96, 127, 128, 129, 200, 384, 1000] {
            let (query, rows) = (codes(width, 21), codes(40 * width, 22));
            let expected: Vec<i64> = rows.chunks_exact(width).map(|row| exact(&query, row)).collect();
            let mut got = [0; 40];
            dot_codes(isa, &query, &rows, &mut got);
            assert_eq!(got.map(i64::from).to_vec(), expected, "{isa} width {width}");
            let listed: Vec<u32> = (0..25).map(|i| i * 7 % 40).collect();
            let mut some = [0; 25];
            dot_listed(isa, &query, &rows, &listed, &mut some);
            assert!(
                some.iter().zip(&listed).all(|(got, at)| i64::from(*got) == expected[*at as usize]),
                "{isa} {width}"
            );
        }
        for (a, b) in [(-128, -128), (-128, 127), (127, 127)] {
            let mut got = [0];
            dot_codes(isa, &vec![a; MOST], &vec![b; MOST], &mut got);
            assert_eq!(i64::from(got[0]), i64::from(a) * i64::from(b) * MOST as i64, "{isa}: the widest row");
        }
    }
}

#[test]
#[should_panic(expected = "dot_listed: row 3")]
fn a_row_that_is_not_there_is_refused() {
    dot_listed(Isa::best(), &[1; 8], &[1; 24], &[0, 3], &mut [0; 2]);
}

#[test]
fn levels_have_names_that_parse_back() {
    for isa in Isa::available() {
        assert_eq!(isa.level().name().parse::<Isa>(), Ok(isa));
    }
    assert_eq!("auto".parse::<Isa>(), Ok(Isa::best()));
    assert_eq!("mmx".parse::<Isa>(), Err(IsaError::Unknown("mmx".into())));
    let missing = if cfg!(target_arch = "x86_64") { Level::Neon } else { Level::Avx2 };
    assert_eq!(missing.name().parse::<Isa>(), Err(IsaError::Missing { wanted: missing, best: Isa::best().level() }));
}

#[test]
fn the_peak_counts_what_it_multiplies() {
    for (isa, precision) in all() {
        let (operations, value) = peak::multiply_adds(isa, precision, 100);
        // Every number of every chain has added one a round.
        assert_eq!(operations as f32, 2.0 * value, "{isa} {precision}");
        assert_eq!(peak::multiply_adds(isa, precision, 0), (0, 0.0), "{isa} {precision}");
    }
}
