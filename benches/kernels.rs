//! The kernels on every instruction-set level of this CPU, in the shapes of a six-layer, 384-wide encoder.
//!
//! `cargo bench --bench kernels`; criterion prints elements a second, where an element is one
//! multiply-add, or one component of a normalised row.

#![allow(clippy::print_stdout, reason = "a bench prints its result")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use voisin::kernels::attention::{AttentionScratch, attention};
use voisin::kernels::codes::{dot_codes, dot_listed};
use voisin::kernels::dot::dot_rows;
use voisin::kernels::gemm::{PackedMatrix, linear, linear_rows};
use voisin::kernels::norm::{LayerNorm, add_layer_norm};
use voisin::kernels::rows::Rows;
use voisin::kernels::{Activation, Isa, Precision};

fn values(len: usize) -> Vec<f32> {
    (0..len).map(|i| ((i * 7919) % 1000) as f32 / 500.0 - 1.0).collect()
}

/// Every level with every precision.
fn all() -> impl Iterator<Item = (Isa, Precision, BenchmarkId)> {
    Isa::available().flat_map(|isa| {
        Precision::ALL.map(|precision| (isa, precision, BenchmarkId::from_parameter(format!("{isa} {precision}"))))
    })
}

fn gemm(c: &mut Criterion) {
    for (name, m, n, k) in [
        ("qkv", 512, 1152, 384),
        ("out", 512, 384, 384),
        ("up+gelu", 512, 1536, 384),
        ("down", 512, 384, 1536),
        ("query-up+gelu", 12, 1536, 384),
    ] {
        let mut group = c.benchmark_group(format!("gemm/{name}/{m}x{n}x{k}"));
        group.throughput(Throughput::Elements((m * n * k) as u64));
        let (x, w, mut out) = (values(m * k), values(n * k), vec![0.0; m * n]);
        for (isa, precision, id) in all() {
            let matrix = PackedMatrix::new(isa, precision, &w, None, n, k);
            let (rows, mut wide) = (Rows::of(isa, precision, &x, k), Rows::new(isa, precision));
            group.bench_function(id, |b| {
                // As the encoder does it: the output of the wide half is rounded for the next product.
                if name.ends_with("gelu") {
                    b.iter(|| linear_rows(&rows, &matrix, Activation::Gelu, &mut wide));
                } else {
                    b.iter(|| linear(&rows, &matrix, Activation::Identity, &mut out));
                }
            });
        }
    }
}

fn attend(c: &mut Criterion) {
    for length in [16, 160, 256] {
        let mut group = c.benchmark_group(format!("attention/12 heads of 32/{length} tokens"));
        group.throughput(Throughput::Elements((2 * length * length * 384) as u64));
        let (qkv, mut out, mut scratch) = (values(length * 1152), vec![0.0; length * 384], AttentionScratch::default());
        for (isa, precision, id) in all().filter(|(_, precision, _)| *precision != Precision::Int8) {
            group.bench_function(id, |b| {
                let sequence = 0..length;
                let sequences = std::slice::from_ref(&sequence);
                b.iter(|| attention(isa, precision, &qkv, sequences, (12, 384), &mut out, &mut scratch));
            });
        }
    }
}

fn norm(c: &mut Criterion) {
    let mut group = c.benchmark_group("add_layer_norm/512x384");
    group.throughput(Throughput::Elements(512 * 384));
    let norm = LayerNorm { weight: values(384), bias: values(384), epsilon: 1e-12 };
    let (mut rows, change) = (values(512 * 384), values(512 * 384));
    for (isa, precision, id) in all() {
        let mut narrow = Rows::new(isa, precision);
        group.bench_function(id, |b| {
            b.iter(|| add_layer_norm(isa, &norm, Some(&change), &mut rows, Some(&mut narrow)));
        });
    }
}

fn dot(c: &mut Criterion) {
    // More rows than any cache holds, as a search meets them.
    let (rows, query) = (values(100_000 * 384), values(384));
    let mut out = vec![0.0; 100_000];
    let mut group = c.benchmark_group("dot_rows/100000x384");
    group.throughput(Throughput::Elements(100_000 * 384));
    for isa in Isa::available() {
        group.bench_function(BenchmarkId::from_parameter(isa), |b| b.iter(|| dot_rows(isa, &query, &rows, &mut out)));
    }
}

fn codes(c: &mut Criterion) {
    let code = |len: usize| (0..len).map(|i| ((i * 7919) % 255) as i8).collect::<Vec<i8>>();
    let (rows, query) = (code(100_000 * 384), code(384));
    let mut out = vec![0; 100_000];
    let mut group = c.benchmark_group("dot_codes/100000x384");
    group.throughput(Throughput::Elements(100_000 * 384));
    for isa in Isa::available() {
        group.bench_function(BenchmarkId::from_parameter(isa), |b| b.iter(|| dot_codes(isa, &query, &rows, &mut out)));
    }
    group.finish();
    // The neighbours of a node, anywhere among the rows.
    let mut group = c.benchmark_group("dot_listed/32 of 100000x384");
    group.throughput(Throughput::Elements(32 * 384));
    for isa in Isa::available() {
        let mut round = 0u32;
        group.bench_function(BenchmarkId::from_parameter(isa), |b| {
            b.iter(|| {
                round = round.wrapping_add(1);
                let listed: [u32; 32] =
                    std::array::from_fn(|i| (round * 32 + i as u32).wrapping_mul(2_654_435_761) % 100_000);
                dot_listed(isa, &query, &rows, &listed, &mut out[..32]);
            });
        });
    }
}

criterion_group!(benches, gemm, attend, norm, dot, codes);
criterion_main!(benches);
