use super::*;
use crate::{diagonalise, lehmann};
use faer::c64;

fn compare(model: &Anderson, beta: f64) -> Result<(), Error> {
    let control = Control::new();
    let spectrum = diagonalise(model, &control)?;
    let exact = spectrum.thermal(beta)?;
    let options = Options {
        beta,
        cut: 1e-13,
        states: 200,
        steps: 200,
    };
    let found = low_temperature(model, &options, &control)?;
    assert!((found.ground - spectrum.ground).abs() < 1e-10);
    assert!((found.log_z - exact.log_z).abs() < 1e-9);
    assert!((found.n - exact.n).abs() < 1e-9);
    assert!((found.docc - exact.docc).abs() < 1e-9);
    let occupied = |e: &&f64| (-beta * (*e - spectrum.ground)).exp() >= options.cut;
    let states: usize = spectrum
        .sectors()
        .map(|(_, twice_spin, levels)| (twice_spin + 1) * levels.iter().filter(occupied).count())
        .sum();
    assert_eq!(found.states, states);
    let poles = lehmann(&spectrum, beta, 1e-13, &Control::new()).unwrap();
    let z: Vec<c64> = (0..20)
        .map(|n| c64::new(0.0, f64::from(2 * n + 1) * std::f64::consts::PI / beta))
        .collect();
    let a =
        crate::poles::at_points(&poles.energies, &[&poles.weights], &z, &Control::new()).unwrap();
    let b =
        crate::poles::at_points(&found.energies, &[&found.weights], &z, &Control::new()).unwrap();
    for (a, b) in a[0].iter().zip(&b[0]) {
        assert!((a - b).norm() < 1e-8, "{a} {b}");
    }
    Ok(())
}

#[test]
fn agrees_with_the_full_spectrum() -> Result<(), Error> {
    let model = |u, eps, e: &[f64], v: &[f64]| Anderson {
        u,
        eps,
        e: e.to_vec(),
        v: v.to_vec(),
    };
    compare(&model(3.0, -1.2, &[-0.5, 0.1, 0.7], &[0.4, 0.3, 0.5]), 50.0)?;
    // Degenerate levels: particle-hole symmetry, equal bath levels, decoupled sites.
    compare(&model(2.0, -1.0, &[-0.5, 0.0, 0.5], &[0.3, 0.2, 0.3]), 60.0)?;
    compare(
        &model(4.0, -2.0, &[0.0, 0.0, 0.0], &[0.25, 0.25, 0.25]),
        50.0,
    )?;
    compare(&model(4.0, -1.1, &[-1.0, 0.4], &[0.0, 0.0]), 50.0)
}
