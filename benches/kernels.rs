//! The kernels on every instruction-set level of this CPU, in the shapes of a six-layer, 384-wide encoder.
//!
//! `cargo bench --bench kernels`; criterion prints elements a second, where an element is one multiply-add.

#![allow(clippy::print_stdout, reason = "a bench prints its result")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use voisin::kernels::attention::{AttentionScratch, attention};
use voisin::kernels::dot::dot_rows;
use voisin::kernels::gemm_f32::{PackedMatrix, linear};
use voisin::kernels::{Activation, Isa};

fn values(len: usize) -> Vec<f32> {
    (0..len).map(|i| ((i * 7919) % 1000) as f32 / 500.0 - 1.0).collect()
}

fn gemm(c: &mut Criterion) {
    for (name, m, n, k, activation) in [
        ("qkv", 1024, 1152, 384, Activation::Identity),
        ("out", 1024, 384, 384, Activation::Identity),
        ("up+gelu", 1024, 1536, 384, Activation::Gelu),
        ("down", 1024, 384, 1536, Activation::Identity),
        ("query-up+gelu", 12, 1536, 384, Activation::Gelu),
    ] {
        let mut group = c.benchmark_group(format!("gemm_f32/{name}/{m}x{n}x{k}"));
        group.throughput(Throughput::Elements((m * n * k) as u64));
        let (x, w, mut out) = (values(m * k), values(n * k), vec![0.0; m * n]);
        for isa in Isa::available() {
            let matrix = PackedMatrix::new(isa, &w, None, n, k);
            group.bench_function(BenchmarkId::from_parameter(isa), |b| {
                b.iter(|| linear(&x, &matrix, activation, &mut out));
            });
        }
    }
}

fn attend(c: &mut Criterion) {
    for length in [16, 160, 256] {
        let mut group = c.benchmark_group(format!("attention/12 heads of 32/{length} tokens"));
        group.throughput(Throughput::Elements((2 * length * length * 384) as u64));
        let (qkv, mut out, mut scratch) = (values(length * 1152), vec![0.0; length * 384], AttentionScratch::default());
        for isa in Isa::available() {
            group.bench_function(BenchmarkId::from_parameter(isa), |b| {
                b.iter(|| attention(isa, &qkv, std::slice::from_ref(&(0..length)), (12, 384), &mut out, &mut scratch));
            });
        }
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

criterion_group!(benches, gemm, attend, dot);
criterion_main!(benches);
