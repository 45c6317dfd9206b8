//! Spins and dimers moved per second, one thread; the exact sums.
#![allow(missing_docs)]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use kadanoff_lattice::dimers::{Boundary, Simulation, SquareLattice};
use kadanoff_lattice::exact::{Window, density_of_states, windows};
use kadanoff_lattice::ising::{Ensemble, LatticeKind, Model, Update};
use kadanoff_lattice::plaquette;
use kadanoff_runtime::{Control, with_threads};
use std::hint::black_box;

/// T_c of the square lattice.
const CRITICAL: f64 = 2.269_185_314_213_022;

fn model(shape: &[usize], lattice: LatticeKind, couplings: &[f64], field: f64) -> Model {
    Model {
        shape: shape.to_vec(),
        lattice,
        couplings: couplings.to_vec(),
        field,
        periodic: vec![true; shape.len()],
    }
}

fn single_spins(c: &mut Criterion) {
    use LatticeKind::{Hypercubic, Triangular};
    let mut group = c.benchmark_group("single spins");
    group.sample_size(20);
    for (name, model) in [
        ("square", model(&[256, 256], Hypercubic, &[1.0; 2], 0.0)),
        ("in a field", model(&[256, 256], Hypercubic, &[1.0; 2], 0.1)),
        (
            "anisotropic",
            model(&[256, 256], Hypercubic, &[1.0, 0.7], 0.0),
        ),
        ("cubic", model(&[32, 32, 64], Hypercubic, &[0.5; 3], 0.0)),
        ("triangular", model(&[256, 256], Triangular, &[0.6; 3], 0.0)),
    ] {
        group.throughput(Throughput::Elements(model.sites() as u64));
        for update in [Update::HeatBath, Update::Metropolis] {
            let Ok(mut ensemble) = Ensemble::new(model.clone(), CRITICAL, update, 1, 1) else {
                continue;
            };
            group.bench_function(BenchmarkId::new(format!("{update:?}"), name), |b| {
                b.iter(|| ensemble.advance(1, &Control::new()).is_ok());
            });
        }
    }
    group.finish();
}

fn clusters(c: &mut Criterion) {
    let mut group = c.benchmark_group("clusters");
    group.sample_size(20);
    for l in [64, 256] {
        let model = model(&[l, l], LatticeKind::Hypercubic, &[1.0; 2], 0.0);
        for update in [Update::Wolff, Update::SwendsenWang] {
            let Ok(mut ensemble) = Ensemble::new(model.clone(), CRITICAL, update, 1, 1) else {
                continue;
            };
            let _ = ensemble.advance(100, &Control::new());
            group.bench_function(BenchmarkId::new(format!("{update:?}"), l), |b| {
                b.iter(|| ensemble.advance(5, &Control::new()).is_ok());
            });
        }
    }
    group.finish();
}

fn dimers(c: &mut Criterion) {
    let mut group = c.benchmark_group("dimers");
    group.sample_size(20);
    for (name, coupling) in [("free", 0.0), ("interacting", -1.0)] {
        let simulation = SquareLattice::new(64, 64, Boundary::Periodic)
            .and_then(|lattice| Simulation::new(lattice, coupling, None, 1));
        let Ok(mut simulation) = simulation else {
            continue;
        };
        group.bench_function(BenchmarkId::new("10 loops, 64 x 64", name), |b| {
            b.iter(|| {
                simulation.request(10);
                while !simulation.advance(1 << 20) {}
            });
        });
    }
    group.finish();
}

fn self_learning(c: &mut Criterion) {
    use plaquette::{Schedule, Update};
    let model = plaquette::Model {
        side: 32,
        pair: 0.4,
        plaquette: 0.08,
    };
    let schedule = Schedule {
        equilibration: 0,
        n: 20,
        spacing: 1,
    };
    let start = vec![1; 32 * 32];
    let mut group = c.benchmark_group("plaquette model, 32 x 32, 20 updates");
    group.sample_size(20);
    for (name, update) in [
        ("sweeps", Update::Metropolis),
        ("clusters", Update::Cluster([0.45, 0.0, 0.0])),
    ] {
        group.bench_function(name, |b| {
            b.iter(|| {
                with_threads(Some(1), || {
                    plaquette::run(model, update, schedule, 1, &start, 1, &Control::new()).is_ok()
                })
            });
        });
    }
    group.finish();
}

fn sums(c: &mut Criterion) {
    let mut group = c.benchmark_group("exact");
    group.sample_size(10);
    let ring: Vec<(usize, usize)> = (0..20).map(|i| (i, (i + 1) % 20)).collect();
    group.bench_function("states of 20 spins", |b| {
        b.iter(|| {
            with_threads(Some(1), || {
                density_of_states(20, black_box(std::slice::from_ref(&ring)), &Control::new())
                    .is_ok()
            })
        });
    });
    let window = Window {
        height: 8,
        width: 8,
        kx: 0.44,
        ky: 0.44,
        block: vec![27, 28, 35, 36],
    };
    let fields = vec![0.1; 64];
    group.bench_function("window of 8 x 8, block of 4", |b| {
        b.iter(|| {
            with_threads(Some(1), || {
                windows(&window, black_box(&fields), &Control::new()).is_ok()
            })
        });
    });
    group.finish();
}

criterion_group!(benches, single_spins, clusters, dimers, self_learning, sums);
criterion_main!(benches);
