//! Blocks and levels against what is known in closed form.

use super::{Levels, Operator, Product, Space, Tensor};
use faer::c64;
use kadanoff_runtime::Control;

type Outcome = Result<(), crate::Error>;

fn product(value: f64, factors: &[u16]) -> Product {
    Product {
        value,
        factors: factors.to_vec(),
    }
}

/// `U n_up n_dn + eps n` of orbital 0, and a hopping to each of the others.
fn anderson(u: f64, eps: f64, e: &[f64], v: &[f64]) -> Operator {
    let orbitals = 1 + e.len() as u16;
    let mut terms = vec![product(u, &[1, 0, 2 * orbitals + 1, 2 * orbitals])];
    for spin in 0..2 {
        let first = spin * orbitals;
        terms.push(product(eps, &[2 * first + 1, 2 * first]));
        for (k, (e, v)) in e.iter().zip(v).enumerate() {
            let k = first + 1 + k as u16;
            terms.push(product(*e, &[2 * k + 1, 2 * k]));
            terms.push(product(*v, &[2 * first + 1, 2 * k]));
            terms.push(product(*v, &[2 * k + 1, 2 * first]));
        }
    }
    Operator(terms)
}

fn creation(orbitals: u16) -> Tensor {
    Tensor {
        twice_rank: 1,
        raising: Operator(vec![product(1.0, &[1])]),
        lowering: Operator(vec![product(1.0, &[2 * orbitals + 1])]),
        ..Tensor::default()
    }
}

/// One orbital by both routes gives the levels and the poles of the code for one orbital.
#[test]
fn one_orbital_is_that_of_the_other_code() -> Outcome {
    let (e, v) = (vec![-0.6, 0.1, 0.8], vec![0.3, 0.25, 0.4]);
    let model = crate::Anderson {
        u: 2.0,
        eps: -0.7,
        e: e.clone(),
        v: v.clone(),
    };
    let control = Control::new();
    let known = crate::diagonalise(&model, &control)?;
    let z: Vec<c64> = (0..5)
        .map(|n| c64::new(0.0, 0.3 * f64::from(2 * n + 1)))
        .collect();
    for beta in [0.5, 20.0] {
        let exact = crate::green(&known, beta, 0.0, &z, &control)?;
        for rotations in [true, false] {
            let space = Space::new(4, anderson(2.0, -0.7, &e, &v), rotations)?;
            let levels = Levels::new(space, &control)?;
            let (log_z, _) = levels.thermal(beta, &[])?;
            assert!((log_z - known.thermal(beta)?.log_z).abs() < 1e-11);
            let mut tensor = creation(4);
            if !rotations {
                tensor.twice_rank = 0;
            }
            let found = levels.green(beta, 0.0, &[tensor], &[vec![(0, 0)]], &z, &control)?;
            for (a, b) in found[0].values[0].iter().zip(&exact.values[0]) {
                assert!((a - b).norm() < 1e-12, "{rotations} {a} {b}");
            }
        }
    }
    Ok(())
}

/// A field is not invariant under rotations.
#[test]
fn a_field_is_refused_with_rotations() -> Outcome {
    let field = Operator(vec![product(0.3, &[1, 0]), product(-0.3, &[3, 2])]);
    let levels = Levels::new(Space::new(1, field.clone(), false)?, &Control::new())?;
    assert_eq!(levels.ground, -0.3);
    // S_z is zero on states of one orbital without single occupation and a half otherwise, so that
    // it needs a second orbital to lead out of a multiplet.
    let mut two = field;
    for product in &mut two.0 {
        for factor in &mut product.factors {
            if *factor >= 2 {
                *factor += 2;
            }
        }
    }
    assert!(Levels::new(Space::new(2, two, true)?, &Control::new()).is_err());
    Ok(())
}

/// Narrow intervals keep moments.
#[test]
fn merged_poles_keep_moments() {
    let poles: Vec<(f64, f64)> = (0..500)
        .map(|i| ((f64::from(i) * 0.37).sin(), 1e-3 * f64::from(1 + i % 7)))
        .collect();
    let fewer = super::response::narrowed(&poles, 0.05);
    assert!(fewer.len() <= 82 && fewer.iter().all(|p| p.1 > 0.0));
    for k in 0..4 {
        let moment = |x: &[(f64, f64)]| -> f64 { x.iter().map(|p| p.1 * p.0.powi(k)).sum() };
        assert!((moment(&poles) - moment(&fewer)).abs() < 1e-13);
    }
}
