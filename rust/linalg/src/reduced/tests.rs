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
fn components_are_those_along_the_vectors() {
    for (n, stages) in [1, 2, 7, 100, 260]
        .map(|n| (n, Stages::One))
        .into_iter()
        .chain([20, 100, 401].map(|n| (n, Stages::Two)))
    {
        let reduced = Reduced::in_stages(block(n, false), stages).expect("reduces");
        let vectors = reduced.vectors(n).expect("vectors");
        let x = Mat::from_fn(n, 3, |i, j| ((3 * i + 7 * j) % 11) as f64 - 4.0);
        let along = reduced.components(x.clone()).expect("components");
        let expected = vectors.transpose() * &x;
        for j in 0..n {
            // The vectors of the band and those of the tridiagonal matrix differ in sign.
            let sign = (along[(j, 0)] * expected[(j, 0)]).signum();
            for column in 0..3 {
                let error = (along[(j, column)] - sign * expected[(j, column)]).abs();
                // |x| = 70, and vectors at a distance 1e-3 mix by rounding over it.
                assert!(error < 1e-9, "n = {n}, {stages:?}, {j}: {error:e}");
            }
        }
    }
}

#[test]
fn weights_are_first_components() {
    for n in [1, 2, 7, 100, 260, 401] {
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

/// Matrices that a reduction in two stages could stumble over, with a norm of order one.
fn hard_cases(n: usize) -> Vec<(&'static str, Mat<f64>)> {
    let mut state = 2_463_534_242_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    };
    let mut symmetric = |f: &mut dyn FnMut(usize, usize, f64) -> f64| {
        let mut a = Mat::zeros(n, n);
        for j in 0..n {
            for i in j..n {
                let x = f(i, j, random());
                a[(i, j)] = x;
                a[(j, i)] = x;
            }
        }
        a
    };
    let scale = 1.0 / (n as f64).sqrt();
    let graded = |i: usize| 10.0_f64.powf(-12.0 * i as f64 / n as f64);
    vec![
        ("random", symmetric(&mut |_, _, x| scale * x)),
        ("zero", symmetric(&mut |_, _, _| 0.0)),
        ("one", symmetric(&mut |i, j, _| f64::from(u8::from(i == j)))),
        ("rank one", symmetric(&mut |_, _, _| scale * scale)),
        (
            "clustered",
            symmetric(&mut |i, j, x| 1e-9 * scale * x + if i == j { (i % 3) as f64 } else { 0.0 }),
        ),
        (
            "graded",
            symmetric(&mut |i, j, x| graded(i) * graded(j) * x),
        ),
        (
            "graded upwards",
            symmetric(&mut |i, j, x| graded(n - 1 - i) * graded(n - 1 - j) * x),
        ),
        (
            "decoupled blocks",
            symmetric(&mut |i, j, x| if i / 5 == j / 5 { x } else { 0.0 }),
        ),
        (
            "an arrow",
            symmetric(&mut |i, j, x| if j == 0 || i == j { scale * x } else { 0.0 }),
        ),
        (
            "tridiagonal",
            symmetric(&mut |i, j, x| if i - j < 2 { x } else { 0.0 }),
        ),
        (
            "distant couplings",
            symmetric(&mut |i, j, x| if i == j || i - j == n - 9 { x } else { 0.0 }),
        ),
    ]
}

#[test]
fn two_stages_give_the_values_of_one() {
    for n in [16, 17, 23, 24, 25, 33, 70] {
        for (name, a) in hard_cases(n) {
            let one = Reduced::in_stages(a.clone(), Stages::One).expect("reduces");
            for factor in [1.0, 1e-120, 1e120] {
                let scaled = Mat::from_fn(n, n, |i, j| factor * a[(i, j)]);
                let two = Reduced::in_stages(scaled, Stages::Two).expect("reduces");
                let norm = one.values.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
                for (x, y) in one.values.iter().zip(&two.values) {
                    // Backward stable: a small multiple of rounding times the norm.
                    assert!(
                        (x - y / factor).abs() <= 1e-13 * norm,
                        "{name}, n = {n}, times {factor:e}: {x} {y}"
                    );
                }
            }
        }
    }
}

#[test]
fn vectors_of_the_band_solve_the_problem() {
    for n in [16, 25, 70] {
        for (name, a) in hard_cases(n) {
            for k in [1, n / 4, n] {
                let reduced = Reduced::in_stages(a.clone(), Stages::Two).expect("reduces");
                let values = reduced.values().to_vec();
                let v = reduced.vectors(k).expect("vectors");
                let overlap = largest(gram(v.as_ref()).as_ref());
                assert!(overlap < 1e-12, "{name}, n = {n}, k = {k}: {overlap:e}");
                let error = residual(&a, &values, &v);
                assert!(error < 1e-13, "{name}, n = {n}, k = {k}: {error:e}");
            }
        }
    }
}
