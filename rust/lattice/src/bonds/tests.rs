//! Every sampler against the Boltzmann distribution of graphs that can be enumerated.

use super::*;
use kadanoff_runtime::Control;

/// A periodic square lattice.
fn torus(ly: u32, lx: u32, colours: usize, couplings: Vec<f64>, field: f64) -> Model {
    let mut bonds = Vec::new();
    for y in 0..ly {
        for x in 0..lx {
            bonds.push([y * lx + x, y * lx + (x + 1) % lx]);
            bonds.push([y * lx + x, (y + 1) % ly * lx + x]);
        }
    }
    Model {
        sites: (ly * lx) as usize,
        colours,
        bonds,
        couplings,
        field,
    }
}

/// Mean and variance of the energy and of the square of the sites in the last colour.
fn exact(model: &Model, temperature: f64) -> [(f64, f64); 2] {
    let (n, q) = (model.sites, model.colours);
    let mut sums = [0.0; 5];
    let mut state = vec![0u8; n];
    loop {
        let e = model.energy(&state);
        let last = state.iter().filter(|&&s| usize::from(s) + 1 == q).count() as f64;
        let w = (-e / temperature).exp();
        for (sum, x) in sums
            .iter_mut()
            .zip([1.0, e, e * e, last * last, last.powi(4)])
        {
            *sum += w * x;
        }
        let Some(i) = state.iter().position(|&s| usize::from(s) + 1 < q) else {
            break;
        };
        state[i] += 1;
        state[..i].fill(0);
    }
    let [z, e, e2, l, l2] = sums;
    [
        (e / z, e2 / z - (e / z).powi(2)),
        (l / z, l2 / z - (l / z).powi(2)),
    ]
}

fn cases() -> Vec<(Model, f64)> {
    let signs = |n: usize| (0..n).map(|i| [1.0, -0.7, 0.4][i % 3]).collect();
    let mut ladder = torus(2, 4, 3, vec![1.0], 0.0);
    // Degrees that differ from site to site.
    ladder.bonds.truncate(11);
    vec![
        (torus(3, 3, 2, vec![2.0], 0.0), 2.4),
        (torus(3, 3, 3, vec![1.0], 0.0), 1.0),
        (torus(2, 4, 4, vec![1.0], 0.0), 0.9),
        (torus(3, 3, 2, vec![-2.0], 0.0), 1.5),
        (torus(3, 4, 2, signs(24), 0.0), 1.2),
        (ladder, 0.7),
        (torus(3, 3, 3, vec![-1.0], 0.0), 0.8),
        (torus(3, 3, 2, signs(18), 0.5), 1.2),
        (torus(3, 3, 3, vec![0.5], -0.4), 1.0),
    ]
}

#[test]
fn every_sampler_has_the_boltzmann_distribution() {
    let control = Control::new();
    for (k, (model, t)) in cases().into_iter().enumerate() {
        let wanted = exact(&model, t);
        for update in [Update::HeatBath, Update::Wolff, Update::SwendsenWang] {
            if model.check(update).is_err() {
                continue;
            }
            let mut run = Ensemble::new(model.clone(), t, update, 50, 7 + k as u64).unwrap();
            run.randomise();
            run.advance(100, &control).unwrap();
            let found = run.measure(400, 8, true, &control);
            let q = model.colours;
            let last = |c: &[u32]| f64::from(c[q - 1]).powi(2);
            let series = [
                found.energy.clone(),
                found.counts.chunks(q).map(last).collect::<Vec<_>>(),
            ];
            for (x, (mean, variance)) in series.iter().zip(wanted) {
                // Each chain is one independent draw of its average.
                let means: Vec<f64> = x
                    .chunks(400)
                    .map(|c| c.iter().sum::<f64>() / 400.0)
                    .collect();
                let average = means.iter().sum::<f64>() / 50.0;
                let spread = means.iter().map(|m| (m - average).powi(2)).sum::<f64>() / 49.0;
                let error = (spread / 50.0).sqrt();
                assert!(
                    (average - mean).abs() < 4.5 * error,
                    "case {k}, {update:?}: {average} +- {error}, exact {mean}"
                );
                let second: f64 =
                    x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / x.len() as f64;
                // 20,000 samples that are nearly independent.
                assert!(
                    (second / variance - 1.0).abs() < 0.15,
                    "case {k}, {update:?}"
                );
            }
            for (colours, energy) in found.colours.chunks(model.sites).zip(&found.energy) {
                assert!((model.energy(colours) - energy).abs() < 1e-12);
            }
        }
    }
}

#[test]
fn a_cold_heat_bath_keeps_its_order() {
    let mut run =
        Ensemble::new(torus(4, 4, 3, vec![1.0], 0.0), 1e-3, Update::HeatBath, 1, 1).unwrap();
    run.set_all(&[1; 16]).unwrap();
    let found = run.measure(5, 1, false, &Control::new());
    assert_eq!(found.energy, vec![-32.0; 5]);
    assert!(found.colours.is_empty());
}

#[test]
fn wrong_models_are_refused() {
    let good = torus(3, 3, 3, vec![1.0], 0.0);
    let wrong = [
        Model {
            sites: 0,
            ..good.clone()
        },
        Model {
            colours: 1,
            ..good.clone()
        },
        Model {
            couplings: vec![1.0; 2],
            ..good.clone()
        },
        Model {
            couplings: vec![f64::NAN],
            ..good.clone()
        },
        Model {
            bonds: vec![[0, 9]],
            ..good.clone()
        },
        Model {
            bonds: vec![[1, 1]],
            ..good.clone()
        },
    ];
    for model in wrong {
        assert!(model.check(Update::HeatBath).is_err(), "{model:?}");
    }
    let in_field = torus(3, 3, 3, vec![1.0], 0.1);
    assert!(in_field.check(Update::Wolff).is_err());
    let negative = torus(3, 3, 3, vec![-1.0], 0.0);
    assert!(negative.check(Update::SwendsenWang).is_err());
    assert!(Ensemble::new(good.clone(), 0.0, Update::Wolff, 1, 1).is_err());
    assert!(Ensemble::new(good.clone(), 1.0, Update::Wolff, 0, 1).is_err());
    let mut run = Ensemble::new(good, 1.0, Update::Wolff, 1, 1).unwrap();
    assert!(run.set_all(&[0; 8]).is_err());
    assert!(run.set_all(&[3; 9]).is_err());
}

#[test]
fn a_cancelled_run_keeps_what_it_measured() {
    let control = Control::new();
    control.cancel();
    let model = torus(8, 8, 3, vec![1.0], 0.0);
    let mut run = Ensemble::new(model, 1.0, Update::HeatBath, 3, 1).unwrap();
    let found = run.measure(10, 1, true, &control);
    assert_eq!(found.times, 0);
    assert!(found.energy.is_empty() && found.colours.is_empty());
}
