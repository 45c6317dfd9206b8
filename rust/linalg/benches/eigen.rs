//! One NRG-shaped block: all values and a quarter of the vectors, against faer's full solver.
#![allow(missing_docs)]

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use faer::{Mat, Side};
use kadanoff_linalg::{Reduced, tridiagonal_eigenvalues};
use std::hint::black_box;

fn block(n: usize) -> Mat<f64> {
    let mut state = 88_172_645_463_325_252_u64;
    let half = n / 2;
    let mut a = Mat::zeros(n, n);
    for i in 0..n {
        a[(i, i)] = 20.0 * (i % half) as f64 / half as f64;
        for j in 0..half.min(i) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            if i >= half {
                let x = (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5;
                a[(i, j)] = 2.0 * x / (half as f64).sqrt();
            }
        }
    }
    a
}

fn eigen(c: &mut Criterion) {
    let mut group = c.benchmark_group("symmetric block");
    group.sample_size(20);
    for n in [60, 100, 200, 400, 800] {
        let a = block(n);
        group.bench_with_input(BenchmarkId::new("faer, all vectors", n), &a, |b, a| {
            b.iter(|| black_box(a.self_adjoint_eigen(Side::Lower)).is_ok());
        });
        group.bench_with_input(BenchmarkId::new("values", n), &a, |b, a| {
            b.iter(|| black_box(Reduced::new(a.clone())).is_ok());
        });
        for (name, k) in [("a quarter", n / 4), ("all", n)] {
            group.bench_with_input(BenchmarkId::new(name, n), &a, |b, a| {
                b.iter(|| {
                    Reduced::new(a.clone())
                        .and_then(|r| black_box(r).vectors(k))
                        .is_ok()
                });
            });
        }
        let (d, e) = (vec![0.3; n], vec![1.0; n - 1]);
        group.bench_with_input(BenchmarkId::new("root-free QL", n), &d, |b, d| {
            b.iter(|| tridiagonal_eigenvalues(d, &e).is_ok());
        });
    }
    group.finish();
}

criterion_group!(benches, eigen);
criterion_main!(benches);
