//! One body of tests for every level of this CPU, against f64 references that are too simple to be wrong.

use super::activation::Activation;
use super::attention::{AttentionScratch, attention};
use super::cpu::{Isa, IsaError, Level};
use super::dot::dot_rows;
use super::gemm_f32::{PackedMatrix, linear};
use super::norm::{LayerNorm, add_layer_norm};
use super::peak;

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

#[test]
fn linear_agrees_with_the_reference() {
    for isa in Isa::available() {
        for (m, n, k) in SHAPES {
            let (x, w, b) = (values(m * k, 1), values(n * k, 2), values(n, 3));
            let matrix = PackedMatrix::new(isa, &w, Some(&b), n, k);
            for activation in [
                Activation::Identity,
                Activation::Gelu,
                Activation::GeluTanh,
                Activation::Relu,
                Activation::Silu,
                Activation::Tanh,
            ] {
                let mut out = vec![f32::NAN; m * n];
                linear(&x, &matrix, activation, &mut out);
                let expected: Vec<f64> = (0..m * n)
                    .map(|i| {
                        let (row, col) = (i / n, i % n);
                        let sum: f64 =
                            (0..k).map(|j| f64::from(x[row * k + j]) * f64::from(w[col * k + j])).sum::<f64>();
                        activate(activation, sum + f64::from(b[col]))
                    })
                    .collect();
                // Rounding errors of a sum of k terms grow like √k.
                let tolerance = 2e-6 * (k as f64).sqrt().max(4.0);
                assert_close(&out, &expected, tolerance, &format!("{isa} {m}x{n}x{k} {activation:?}"));
            }
        }
    }
}

#[test]
fn a_row_does_not_depend_on_its_neighbours() {
    for isa in Isa::available() {
        let (n, k) = (70, 130);
        let (x, w) = (values(40 * k, 4), values(n * k, 5));
        let matrix = PackedMatrix::new(isa, &w, None, n, k);
        let mut all = vec![0.0; 40 * n];
        linear(&x, &matrix, Activation::Gelu, &mut all);
        for row in 0..40 {
            let mut one = vec![0.0; n];
            linear(&x[row * k..(row + 1) * k], &matrix, Activation::Gelu, &mut one);
            assert_eq!(one, all[row * n..(row + 1) * n], "{isa} row {row}");
        }
    }
}

#[test]
fn activations_hold_over_their_whole_range() {
    for isa in Isa::available() {
        let x: Vec<f32> = (-400..=400).map(|i| i as f32 / 20.0).collect();
        for activation in [Activation::Gelu, Activation::GeluTanh, Activation::Silu, Activation::Tanh] {
            let matrix = PackedMatrix::new(isa, &[1.0], None, 1, 1);
            let mut out = vec![0.0; x.len()];
            linear(&x, &matrix, activation, &mut out);
            let expected: Vec<f64> = x.iter().map(|&x| activate(activation, f64::from(x))).collect();
            assert_close(&out, &expected, 1e-6, &format!("{isa} {activation:?}"));
        }
    }
}

#[test]
fn attention_agrees_with_the_reference() {
    for isa in Isa::available() {
        for (heads, d) in [(1, 1), (2, 8), (3, 32), (2, 33), (1, 64)] {
            let hidden = heads * d;
            // Lengths around the panel widths, an empty sequence, and one beyond a block of rows.
            let sequences = [0..1, 1..1, 1..8, 8..24, 24..57, 57..88, 88..300];
            let qkv: Vec<f32> = values(300 * 3 * hidden, 6).iter().map(|v| v * 3.0).collect();
            let mut out = vec![f32::NAN; 300 * hidden];
            attention(isa, &qkv, &sequences, (heads, hidden), &mut out, &mut AttentionScratch::default());
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
            assert_close(&out, &expected, 2e-5, &format!("{isa} {heads} heads of {d}"));
        }
    }
}

#[test]
fn layer_norm_agrees_with_the_reference() {
    for isa in Isa::available() {
        for width in [1, 7, 8, 16, 31, 384] {
            let norm = LayerNorm { weight: values(width, 7), bias: values(width, 8), epsilon: 1e-5 };
            let (rows, residual) = (values(5 * width, 9), values(5 * width, 10));
            for residual in [None, Some(&residual[..])] {
                let mut got = rows.clone();
                add_layer_norm(isa, &norm, residual, &mut got);
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
fn the_peak_counts_every_lane_and_comes_to_its_fixed_point() {
    for isa in Isa::available() {
        let (none, start) = peak::multiply_adds(isa, 0);
        let (some, end) = peak::multiply_adds(isa, 100);
        // Every lane of every chain begins at 3 and comes to 1.
        assert_eq!((none, 3.0 * end), (0, start), "{isa}");
        assert_eq!(some, 2 * 100 * end as u64, "{isa}");
        assert!([48.0, 96.0, 384.0].contains(&end), "{isa}: {end} lanes in all");
    }
}
