//! A clean Wilson chain: the iteration in every symmetry, and a spectrum from the complete basis.
#![allow(missing_docs)]

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use faer::Mat;
use kadanoff_nrg::{
    Bins, Factor, InitialCluster, MAX_FACTORS, Options, Pair, Site, SpectralRequest, Symmetry,
    Tensor, Truncation, WilsonChain, dynamics, solve, thermodynamics,
};
use kadanoff_runtime::{Control, with_threads};
use std::hint::black_box;

const SITES: usize = 20;

/// Site 0 alone: every block holds one multiplet.
fn cluster(symmetry: Symmetry) -> InitialCluster {
    let electrons = |x: f64| Mat::from_fn(1, 1, |_, _| x);
    let states = Site::new(symmetry, 0).states;
    InitialCluster {
        operators: vec![states.iter().map(|s| electrons(s.electrons)).collect()],
        ..InitialCluster::site(symmetry)
    }
}

fn chain() -> WilsonChain {
    let scale = |n: usize| 0.7 * 2.5_f64.powf(0.5 - 0.5 * n as f64);
    WilsonChain {
        hopping: (1..SITES).map(|n| 0.9 * scale(n)).collect(),
        onsite: vec![0.0; SITES],
        scale: (0..SITES).map(scale).collect(),
    }
}

fn options(states: usize) -> Options {
    Options {
        truncation: Truncation {
            states: Some(states),
            multiplets: None,
            energy: None,
            gap: 1e-5,
        },
        memory_limit: None,
        reuse: true,
        basis: None,
    }
}

fn iteration(c: &mut Criterion) {
    let mut group = c.benchmark_group("iteration, 20 sites");
    group.sample_size(10);
    for (charge, spin) in [
        (Factor::U1, Factor::U1),
        (Factor::U1, Factor::SU2),
        (Factor::SU2, Factor::SU2),
    ] {
        let (start, chain) = (cluster(Symmetry::single(charge, spin)), chain());
        for states in [300, 1000] {
            let options = options(states);
            let name = BenchmarkId::new(format!("{charge:?} x {spin:?}"), states);
            group.bench_function(name, |b| {
                b.iter(|| {
                    with_threads(Some(1), || {
                        black_box(solve(&start, &chain, &options, &Control::new()))
                    })
                });
            });
        }
    }
    group.finish();
}

fn averages(c: &mut Criterion) {
    let symmetry = Symmetry::single(Factor::U1, Factor::SU2);
    let (run, _) = solve(
        &cluster(symmetry),
        &chain(),
        &options(1000),
        &Control::new(),
    );
    let temperatures: Vec<f64> = run.shells.iter().map(|s| s.scale).collect();
    c.bench_function("complete thermodynamics, 20 temperatures", |b| {
        b.iter(|| {
            thermodynamics(
                symmetry,
                &run.shells,
                SITES - 1,
                black_box(&temperatures),
                true,
            )
        });
    });
}

fn spectrum(c: &mut Criterion) {
    let symmetry = Symmetry::single(Factor::U1, Factor::SU2);
    let (start, chain) = (cluster(symmetry), chain());
    let mut rank = [0; MAX_FACTORS];
    (rank[0], rank[1]) = (1, 1);
    let tensors = [Tensor {
        rank,
        elements: start.hopping[0]
            .iter()
            .map(|(i, j, m)| ((*i, *j), m.clone()))
            .collect(),
    }];
    let statics = [start.operators[0].clone()];
    let pairs = [Pair {
        b: 0,
        c: 0,
        fermionic: true,
    }];
    let bins = Bins {
        lowest: 1e-8,
        per_decade: 200.0,
        count: 2000,
    };
    let mut group = c.benchmark_group("spectral function, U1 x SU2, 20 sites");
    group.sample_size(10);
    for states in [300, 1000] {
        let options = options(states);
        group.bench_function(BenchmarkId::from_parameter(states), |b| {
            b.iter(|| {
                let request = SpectralRequest {
                    cluster: &start,
                    chain: &chain,
                    tensors: &tensors,
                    statics: &statics,
                };
                with_threads(Some(1), || {
                    dynamics(
                        &[request],
                        &pairs,
                        &[1e-3],
                        &bins,
                        &options,
                        &Control::new(),
                    )
                    .is_ok()
                })
            });
        });
    }
    group.finish();
}

criterion_group!(benches, iteration, averages, spectrum);
criterion_main!(benches);
