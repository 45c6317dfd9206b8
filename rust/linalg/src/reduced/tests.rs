use super::*;

/// The shape of an NRG block: two diagonal halves coupled by a full off-diagonal block.
fn block(n: usize, degenerate: bool) -> Mat<f64> {
    let mut state = 88_172_645_463_325_252_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
    };
    let half = n / 2;
    let mut a = Mat::zeros(n, n);
    for i in 0..n {
        let level = (i % half.max(1)) / if degenerate { 4 } else { 1 };
        a[(i, i)] = 20.0 * level as f64 / half.max(1) as f64;
        for j in 0..half.min(i) {
            if i >= half && !degenerate {
                let x = 2.0 * random() / (half as f64).sqrt();
                a[(i, j)] = x;
                a[(j, i)] = x;
            }
        }
        if degenerate && i >= half {
            a[(i, i - half)] = 0.5;
            a[(i - half, i)] = 0.5;
        }
    }
    a
}

fn residual(a: &Mat<f64>, values: &[f64], v: &Mat<f64>) -> f64 {
    let av = a * v;
    let mut worst = 0.0_f64;
    for j in 0..v.ncols() {
        for i in 0..v.nrows() {
            worst = worst.max((av[(i, j)] - values[j] * v[(i, j)]).abs());
        }
    }
    worst
}

#[test]
fn values_and_lowest_vectors_solve_the_problem() {
    for degenerate in [false, true] {
        for n in [1, 2, 3, 5, 8, 17, 40, 100, 260, 401] {
            let a = block(n, degenerate);
            let expected = a
                .self_adjoint_eigenvalues(faer::Side::Lower)
                .expect("converges");
            for k in [1, n.div_ceil(4), n] {
                let reduced = Reduced::new(a.clone()).expect("reduces");
                let values = reduced.values().to_vec();
                for (x, y) in values.iter().zip(&expected) {
                    assert!((x - y).abs() < 1e-12, "n = {n}: {x} {y}");
                }
                let v = reduced.vectors(k).expect("vectors");
                assert_eq!((v.nrows(), v.ncols()), (n, k));
                assert!(
                    largest(gram(v.as_ref()).as_ref()) < 1e-12,
                    "n = {n}, k = {k}, {degenerate}: {:e}",
                    largest(gram(v.as_ref()).as_ref())
                );
                assert!(
                    residual(&a, &values, &v) < 3e-13 * (n as f64).sqrt().max(4.0),
                    "n = {n}, k = {k}: {}",
                    residual(&a, &values, &v)
                );
            }
        }
    }
}

#[test]
fn weights_are_first_components() {
    for n in [1, 2, 7, 100, 260] {
        let a = block(n, false);
        let vectors = Reduced::new(a.clone()).expect("reduces");
        let vectors = vectors.vectors(n).expect("vectors");
        let weights = Reduced::new(a)
            .expect("reduces")
            .weights()
            .expect("weights");
        for (j, w) in weights.iter().enumerate() {
            assert!(
                (w - vectors[(0, j)].powi(2)).abs() < 1e-13,
                "n = {n}: {j} {w}"
            );
        }
    }
}

#[test]
fn a_nan_is_refused() {
    let mut a = block(6, false);
    a[(4, 2)] = f64::NAN;
    assert!(matches!(
        Reduced::new(a),
        Err(Error::NonFinite { dimension: 6 })
    ));
}

#[test]
fn a_wrong_spectrum_does_not_pass_the_check() {
    let mut reduced = Reduced::new(block(30, false)).expect("reduces");
    let (trace, norm2) = invariants(block(30, false).as_ref());
    reduced.values[7] += 1e-9;
    assert!(matches!(
        reduced.check_values(trace, norm2),
        Err(Error::Check { what: "trace", .. })
    ));
}
