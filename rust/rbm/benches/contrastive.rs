//! One epoch of CD-1 on 64 x 32 units, samples per second, one thread.
#![allow(missing_docs)]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use kadanoff_rbm::{Negative, Optimizer, Options, State, Units, train};
use kadanoff_runtime::{Control, random, with_threads};

const VISIBLE: usize = 64;
const HIDDEN: usize = 32;
const SAMPLES: usize = 50_000;

fn start(units: Units) -> State {
    let size = VISIBLE * HIDDEN + VISIBLE + HIDDEN;
    State {
        visible: VISIBLE,
        hidden: HIDDEN,
        units: (units, units),
        parameters: (0..size).map(|i| 1e-3 * (i % 11) as f32 - 5e-3).collect(),
        first: vec![0.0; size],
        second: vec![0.0; size],
        offsets: vec![0.0; VISIBLE + HIDDEN],
        chains: Vec::new(),
        base: Vec::new(),
        updates: 0,
        epochs: 0,
    }
}

fn contrastive(c: &mut Criterion) {
    let data: Vec<u64> = (0..SAMPLES as u64).map(random::mix).collect();
    let mut group = c.benchmark_group("CD-1, 64 x 32");
    group.sample_size(20);
    group.throughput(Throughput::Elements(SAMPLES as u64));
    for units in [Units::Binary, Units::Spin] {
        for batch in [10, 64, 128, 512] {
            let options = Options {
                negative: Negative::Contrastive,
                steps: 1,
                batch,
                rates: vec![0.01],
                optimizer: Optimizer::Momentum(0.0),
                decay: 0.0,
                centered: true,
                seed: 1,
            };
            let mut state = start(units);
            let name = BenchmarkId::new(format!("{units:?}"), batch);
            group.bench_function(name, |b| {
                b.iter(|| {
                    with_threads(Some(1), || {
                        train(
                            &mut state,
                            &data,
                            &options,
                            &Control::new(),
                            &mut Vec::new(),
                        )
                    })
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, contrastive);
criterion_main!(benches);
