//! Every sampler against the Boltzmann distribution of lattices that can be enumerated.

use super::ensemble::{Counts, MarkovChain};
use super::graph::Graph;
use super::*;
use kadanoff_runtime::Control;
use std::collections::BTreeMap;

fn model(shape: &[usize], lattice: LatticeKind, couplings: &[f64], field: f64) -> Model {
    Model {
        shape: shape.to_vec(),
        lattice,
        couplings: couplings.to_vec(),
        field,
        periodic: vec![true; shape.len()],
    }
}

/// Exact probabilities of what can be measured: spins up, unlike bonds along each direction.
fn distribution(m: &Model, temperature: f64) -> BTreeMap<(u64, [u64; 3]), f64> {
    let graph = Graph::new(m);
    let sites = m.sites();
    let mut weights = BTreeMap::new();
    let mut spins = vec![0; sites + 1];
    let lowest = -m
        .bonds()
        .iter()
        .zip(&m.couplings)
        .map(|(&b, j)| b as f64 * j.abs())
        .sum::<f64>()
        - m.field.abs() * sites as f64;
    for state in 0..1u32 << sites {
        for (i, s) in spins[..sites].iter_mut().enumerate() {
            *s = (state >> i & 1) as u8;
        }
        let counts = graph.counts(&spins);
        *weights.entry((counts.up, counts.differ)).or_insert(0.0) +=
            (-(counts.energy(m) - lowest) / temperature).exp();
    }
    let z: f64 = weights.values().sum();
    weights.values_mut().for_each(|w| *w /= z);
    weights
}

/// Standard deviations by which chi^2 exceeds its mean, and how many classes it has.
fn excess(
    chain: &mut dyn MarkovChain,
    m: &Model,
    t: f64,
    times: usize,
    spacing: u64,
) -> (f64, usize) {
    let exact = distribution(m, t);
    let control = Control::new();
    let mut observed: BTreeMap<(u64, [u64; 3]), f64> = BTreeMap::new();
    chain.randomise();
    chain.advance(50 * spacing, &control).unwrap();
    for _ in 0..times {
        chain.advance(spacing, &control).unwrap();
        for counts in chain.measure() {
            *observed.entry((counts.up, counts.differ)).or_insert(0.0) += 1.0;
        }
    }
    let n = (times * chain.replicas()) as f64;
    assert!(observed.keys().all(|k| exact.contains_key(k)));
    let (mut chi, mut classes) = (0.0, 0);
    let (mut rare_expected, mut rare_seen) = (0.0, 0.0);
    for (key, p) in &exact {
        let found = observed.get(key).copied().unwrap_or(0.0);
        if n * p < 10.0 {
            rare_expected += n * p;
            rare_seen += found;
        } else {
            chi += (found - n * p).powi(2) / (n * p);
            classes += 1;
        }
    }
    if rare_expected > 1.0 {
        chi += (rare_seen - rare_expected).powi(2) / rare_expected;
        classes += 1;
    }
    let dof = (classes.max(2) - 1) as f64;
    ((chi - dof) / (2.0 * dof).sqrt(), classes)
}

fn open(mut model: Model, periodic: &[bool]) -> Model {
    model.periodic = periodic.to_vec();
    model
}

/// Model, temperature; 2^16 states at most.
fn cases() -> Vec<(Model, f64)> {
    use LatticeKind::{Hypercubic, Triangular};
    vec![
        (model(&[10], Hypercubic, &[1.0], 0.0), 1.5),
        (model(&[2], Hypercubic, &[1.0], 0.2), 3.0),
        (model(&[4, 4], Hypercubic, &[1.0; 2], 0.0), 2.4),
        (model(&[3, 4], Hypercubic, &[-1.0; 2], 0.0), 2.0),
        (model(&[4, 4], Hypercubic, &[1.0, -0.5], 0.25), 2.0),
        (
            open(model(&[4, 4], Hypercubic, &[1.0; 2], 0.0), &[false; 2]),
            2.0,
        ),
        (
            open(model(&[3, 5], Hypercubic, &[0.8; 2], -0.1), &[true, false]),
            2.0,
        ),
        // Blocks of unequal widths.
        (model(&[5, 3], Hypercubic, &[1.0; 2], 0.0), 2.4),
        (model(&[3, 5], Hypercubic, &[1.0, -0.5], 0.25), 2.0),
        (model(&[15], Hypercubic, &[1.0], 0.1), 1.5),
        (model(&[3, 5], Triangular, &[0.7; 3], 0.0), 3.0),
        (model(&[2, 5], Triangular, &[1.0, 0.5, -0.7], 0.3), 2.0),
        (model(&[3, 5, 1], Hypercubic, &[0.5, 0.4, 0.3], 0.0), 2.5),
        (model(&[4, 4], Triangular, &[1.0; 3], 0.0), 3.6),
        (model(&[3, 4], Triangular, &[-1.0; 3], 0.0), 1.5),
        (
            open(
                model(&[4, 4], Triangular, &[1.0, 0.5, -0.7], 0.3),
                &[false, true],
            ),
            2.0,
        ),
        (model(&[2, 2, 2], Hypercubic, &[0.5; 3], 0.0), 4.0),
        (model(&[2, 2, 3], Hypercubic, &[0.5, 0.4, -0.3], 0.2), 3.0),
        (
            open(model(&[2, 4, 2], Hypercubic, &[1.0; 3], 0.0), &[false; 3]),
            3.0,
        ),
    ]
}

#[test]
fn bit_sliced_updates_draw_from_the_boltzmann_distribution() {
    for (i, (m, t)) in cases().iter().enumerate() {
        // 128 replicas leave four lanes to each: blocks where the sizes are even.
        for replicas in [128, 512] {
            let seed = i as u64;
            let mut chain = multispin::Multispin::new(m, *t, Update::HeatBath, replicas, seed, 0);
            let (sigma, _) = excess(&mut chain, m, *t, 60_000 / replicas, 12);
            assert!(sigma < 4.5, "{m:?} {replicas} heat bath: {sigma}");
        }
    }
}

#[test]
fn stripes_draw_from_the_boltzmann_distribution() {
    use LatticeKind::{Hypercubic, Triangular};
    for (i, (m, blocks, stripes, t)) in [
        (
            model(&[16], Hypercubic, &[1.0], 0.1),
            [1].as_slice(),
            8,
            1.5,
        ),
        (model(&[8, 2], Triangular, &[0.7; 3], 0.0), &[1, 1], 4, 3.0),
        // Blocks of five and four: the wide one ends in the last stripe.
        (model(&[9], Hypercubic, &[1.0], 0.0), &[2], 2, 1.5),
    ]
    .into_iter()
    .enumerate()
    {
        let layout = multispin::layout(&m, blocks, stripes);
        let seed = (500 + i as u64, 0);
        let mut chain = multispin::Multispin::with(&m, layout, t, Update::HeatBath, 128, seed);
        let (sigma, _) = excess(&mut chain, &m, t, 500, 12);
        assert!(sigma < 4.5, "{m:?}: {sigma}");
    }
}

#[test]
fn metropolis_draws_from_the_boltzmann_distribution() {
    for (i, (m, t)) in cases().iter().enumerate() {
        let seed = 100 + i as u64;
        // Where only the relief mixes, on the chain and the frustrated lattice, it takes long.
        let mut chain = multispin::Multispin::new(m, *t, Update::Metropolis, 128, seed, 0);
        let (sigma, _) = excess(&mut chain, m, *t, 500, 60);
        assert!(sigma < 4.5, "{m:?} sliced: {sigma}");
        let mut chain = sequential::Sequential::new(m, *t, Update::Metropolis, seed, 0);
        let (sigma, _) = excess(&mut chain, m, *t, 10_000, 60);
        assert!(sigma < 4.5, "{m:?} sequential: {sigma}");
    }
}

#[test]
fn sequential_heat_bath_draws_from_the_boltzmann_distribution() {
    for (i, (m, t)) in cases().iter().enumerate() {
        let mut chain = sequential::Sequential::new(m, *t, Update::HeatBath, 200 + i as u64, 0);
        let (sigma, _) = excess(&mut chain, m, *t, 20_000, 12);
        assert!(sigma < 4.5, "{m:?}: {sigma}");
    }
}

#[test]
fn clusters_draw_from_the_boltzmann_distribution() {
    for (i, (m, t)) in cases().iter().enumerate() {
        for update in [Update::SwendsenWang, Update::Wolff] {
            if update == Update::Wolff && m.field != 0.0 {
                continue;
            }
            // Clusters do not follow the correlations of a frustrated lattice: tau is long there.
            let spacing = if m.couplings == [-1.0; 3] { 200 } else { 12 };
            let mut chain = cluster::Clusters::new(m, *t, update, 300 + i as u64, 0);
            let (sigma, _) = excess(&mut chain, m, *t, 20_000, spacing);
            assert!(sigma < 4.5, "{m:?} {update:?}: {sigma}");
        }
    }
}

#[test]
fn a_wrong_temperature_is_noticed() {
    // The test above must be able to fail: 2 % in T are far outside.
    let m = model(&[4, 4], LatticeKind::Hypercubic, &[1.0; 2], 0.0);
    let mut chain = multispin::Multispin::new(&m, 2.4 * 1.02, Update::HeatBath, 128, 1, 0);
    assert!(excess(&mut chain, &m, 2.4, 500, 12).0 > 6.0);
}

#[test]
fn tempering_keeps_every_temperature() {
    let m = model(&[3, 4], LatticeKind::Triangular, &[-1.0; 3], 0.2);
    let temperatures = vec![0.7, 1.1, 2.0];
    let mut t = Tempering::new(m.clone(), temperatures.clone(), Update::HeatBath, 64, 9).unwrap();
    let control = Control::new();
    t.advance(100, 2, &control).unwrap();
    let found = t.measure(400, 4, 2, false, &control);
    assert!(
        found
            .accepted
            .iter()
            .zip(&found.tried)
            .all(|(a, t)| a > &0 && a < t)
    );
    for (measured, &temperature) in found.measured.iter().zip(&temperatures) {
        let exact: f64 = distribution(&m, temperature)
            .iter()
            .map(|(&(up, differ), p)| p * Counts { up, differ }.energy(&m))
            .sum();
        // Means of independent ladders.
        let means: Vec<f64> = measured
            .energy
            .chunks(400)
            .map(|e| e.iter().sum::<f64>() / 400.0)
            .collect();
        let n = means.len() as f64;
        let mean = means.iter().sum::<f64>() / n;
        let error = (means.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n / (n - 1.0)).sqrt();
        assert!(
            (mean - exact).abs() < 3.5 * error,
            "{temperature}: {mean} {exact} {error}"
        );
    }
}

#[test]
fn a_run_does_not_depend_on_threads_and_keeps_what_it_measured() {
    for update in [Update::HeatBath, Update::Wolff, Update::SwendsenWang] {
        let run = |threads| {
            kadanoff_runtime::with_threads(Some(threads), || {
                let m = model(&[8, 8], LatticeKind::Hypercubic, &[1.0; 2], 0.0);
                let mut e = Ensemble::new(m, 2.3, update, 24, 4).unwrap();
                e.advance(10, &Control::new()).unwrap();
                let found = e.measure(20, 2, true, &Control::new());
                (found.energy, found.magnetisation, found.packed)
            })
            .unwrap()
        };
        assert!(run(1) == run(2) && run(1) == run(3));
    }
    let m = model(&[8, 8], LatticeKind::Hypercubic, &[1.0; 2], 0.0);
    let mut e = Ensemble::new(m, 2.3, Update::Wolff, 4, 4).unwrap();
    let control = Control::new();
    control.cancel();
    let found = e.measure(20, 2, true, &control);
    assert_eq!(
        (found.times, found.energy.len(), found.packed.len()),
        (0, 0, 0)
    );
}

#[test]
fn what_cannot_be_is_refused() {
    let square = |l: usize| model(&[l, l], LatticeKind::Hypercubic, &[1.0; 2], 0.0);
    let refused = |m: Model, t: f64, update| Ensemble::new(m, t, update, 1, 1).is_err();
    assert!(refused(square(0), 1.0, Update::Wolff));
    assert!(refused(square(1 << 40), 1.0, Update::Wolff));
    assert!(refused(square(1 << 20), 1.0, Update::Wolff));
    for t in [0.0, -1.0, f64::NAN, 1e-200] {
        assert!(refused(square(4), t, Update::HeatBath), "{t}");
    }
    let mut m = square(4);
    m.field = 0.1;
    assert!(refused(m.clone(), 1.0, Update::Wolff));
    assert!(!refused(m.clone(), 1.0, Update::SwendsenWang));
    m.couplings[1] = f64::NAN;
    assert!(refused(m, 1.0, Update::HeatBath));
    let mut m = square(4);
    m.couplings.pop();
    assert!(refused(m, 1.0, Update::HeatBath));
    assert!(refused(
        model(&[4; 4], LatticeKind::Hypercubic, &[1.0; 4], 0.0),
        1.0,
        Update::HeatBath
    ));
    assert!(refused(
        model(&[4], LatticeKind::Triangular, &[1.0; 2], 0.0),
        1.0,
        Update::HeatBath
    ));
}

#[test]
fn extreme_numbers_stay_finite() {
    for t in [1e-100, 1e100] {
        for update in [
            Update::HeatBath,
            Update::Metropolis,
            Update::Wolff,
            Update::SwendsenWang,
        ] {
            let m = model(&[8, 8], LatticeKind::Hypercubic, &[1e100, -1e-100], 0.0);
            let mut e = Ensemble::new(m, t, update, 4, 1).unwrap();
            e.advance(5, &Control::new()).unwrap();
            assert!(e.now().0.iter().all(|x| x.is_finite()));
        }
    }
}
