//! Updates and measurements of one Markov chain of the Anderson impurity, by temperature.
#![allow(missing_docs)]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use kadanoff_ctqmc::{BLOCK, Model, Options, Simulation, Table};
use kadanoff_runtime::{Control, with_threads};

/// Half filling at U = 2 with three bath levels.
fn simulation(beta: f64, floor: f64) -> Option<Simulation> {
    let bath = [(-1.0, 0.1), (0.0, 0.05), (1.0, 0.1)];
    let f = |l: f64| {
        bath.iter()
            .map(|&(e, w): &(f64, f64)| w * (-(beta - l) * e).exp() / (1.0 + (-beta * e).exp()))
            .sum()
    };
    let table = Table::of(beta, 1e-10, f).ok()?;
    let options = Options {
        seed: 1,
        chains: 1,
        equilibration: 20,
        updates: 0,
        cells: 1024,
        orders: 100,
    };
    Simulation::new(Model::anderson(2.0, -1.0, table).with_floor(floor), options).ok()
}

fn blocks(c: &mut Criterion) {
    let mut group = c.benchmark_group("measurements");
    group.sample_size(20);
    group.throughput(Throughput::Elements(BLOCK as u64));
    for (name, floor) in [("plain", 0.0), ("with floor", 1e-4)] {
        for beta in [10.0, 50.0, 200.0] {
            let Some(mut run) = simulation(beta, floor) else {
                continue;
            };
            let mut done = 1;
            // The warm-up, once.
            let _ = run.advance(done, &Control::new());
            group.bench_function(BenchmarkId::new(name, beta), |b| {
                b.iter(|| {
                    done += 1;
                    with_threads(Some(1), || run.advance(done, &Control::new()).is_ok())
                });
            });
        }
    }
    group.finish();
}

fn checkpoint(c: &mut Criterion) {
    let Some(mut run) = simulation(50.0, 0.0) else {
        return;
    };
    let _ = run.advance(60, &Control::new());
    let bytes = run.to_bytes();
    let mut group = c.benchmark_group("checkpoint");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("write", |b| b.iter(|| run.to_bytes()));
    group.bench_function("read", |b| {
        b.iter(|| Simulation::from_bytes(&bytes).is_ok())
    });
    group.finish();
}

criterion_group!(benches, blocks, checkpoint);
criterion_main!(benches);
