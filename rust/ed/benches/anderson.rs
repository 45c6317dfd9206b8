//! An Anderson impurity: all levels, G, the Lanczos methods and a fit of the bath.
#![allow(missing_docs)]

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use faer::c64;
use kadanoff_ed::lanczos::finite::{FiniteOptions, finite_temperature};
use kadanoff_ed::lanczos::{Options, low_temperature};
use kadanoff_ed::{Anderson, diagonalise, green, lehmann};
use kadanoff_runtime::{Control, with_threads};
use std::hint::black_box;

const BETA: f64 = 50.0;

/// Half filling at U = 2, the bath a chain of levels over [-1, 1].
fn model(sites: usize) -> Anderson {
    Anderson {
        u: 2.0,
        eps: -1.0,
        e: (0..sites)
            .map(|k| 2.0 * (k as f64 + 0.5) / sites as f64 - 1.0)
            .collect(),
        v: vec![0.5 / (sites as f64).sqrt(); sites],
    }
}

fn matsubara(count: usize) -> Vec<c64> {
    (0..count)
        .map(|n| c64::new(0.0, (2 * n + 1) as f64 * std::f64::consts::PI / BETA))
        .collect()
}

fn full(c: &mut Criterion) {
    let mut group = c.benchmark_group("full spectrum");
    group.sample_size(20);
    let z = matsubara(200);
    for sites in [3, 4, 5] {
        let model = model(sites);
        group.bench_function(BenchmarkId::new("levels", sites), |b| {
            b.iter(|| with_threads(Some(1), || diagonalise(black_box(&model), &Control::new())));
        });
        let Ok(spectrum) = diagonalise(&model, &Control::new()) else {
            continue;
        };
        group.bench_function(BenchmarkId::new("poles of G and F", sites), |b| {
            b.iter(|| lehmann(black_box(&spectrum), BETA, 1e-10, &Control::new()));
        });
        group.bench_function(BenchmarkId::new("G at 200 points", sites), |b| {
            b.iter(|| green(black_box(&spectrum), BETA, 1e-10, &z, &Control::new()));
        });
    }
    group.finish();
}

fn lanczos(c: &mut Criterion) {
    let mut group = c.benchmark_group("Lanczos");
    group.sample_size(10);
    let options = Options {
        beta: BETA,
        cut: 1e-10,
        states: 200,
        steps: 100,
    };
    for sites in [5, 7] {
        let model = model(sites);
        group.bench_function(BenchmarkId::new("low temperature", sites), |b| {
            b.iter(|| {
                with_threads(Some(1), || {
                    low_temperature(black_box(&model), &options, &Control::new()).is_ok()
                })
            });
        });
    }
    let z = matsubara(50);
    let options = FiniteOptions {
        beta: 5.0,
        vectors: 4,
        steps: 60,
        exact: 50,
        seed: 1,
    };
    let model = model(5);
    group.bench_function("finite temperature, 5 sites, 4 vectors", |b| {
        b.iter(|| {
            with_threads(Some(1), || {
                finite_temperature(black_box(&model), &options, &z, &Control::new()).is_ok()
            })
        });
    });
    group.finish();
}

criterion_group!(benches, full, lanczos);
criterion_main!(benches);
