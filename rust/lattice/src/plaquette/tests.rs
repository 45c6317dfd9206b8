#![allow(clippy::unwrap_used)]
use super::*;

fn weight(model: Model, sums: &[i64; SUMS]) -> f64 {
    (model.pair * sums[0] as f64 + model.plaquette * sums[3] as f64).exp()
}

fn spins(state: usize, sites: usize) -> Vec<i8> {
    (0..sites).map(|i| 1 - 2 * (state >> i & 1) as i8).collect()
}

/// Frequencies of all 512 states of a 3 x 3 torus against their Boltzmann weights.
fn chi_squared(update: Update, spacing: usize) -> f64 {
    let model = Model {
        side: 3,
        pair: 0.2,
        plaquette: 0.1,
    };
    let mut chain = PlaquetteChain::new(model, &[1; 9], 7, 0);
    let add = match update {
        Update::Metropolis => [0.0; SHELLS],
        Update::Cluster(k) => k.map(|k| -(-2.0 * k.abs()).exp_m1()),
    };
    let step = |chain: &mut PlaquetteChain| match update {
        Update::Metropolis => chain.sweep(),
        Update::Cluster(k) => chain.cluster(&k, &add),
    };
    let mut weights = vec![0.0; 512];
    for (state, w) in weights.iter_mut().enumerate() {
        chain.spins = spins(state, 9);
        *w = weight(model, &chain.measure());
    }
    let total: f64 = weights.iter().sum();
    let samples = 200_000;
    let mut count = vec![0u64; 512];
    for _ in 0..samples {
        for _ in 0..spacing {
            step(&mut chain);
        }
        let state: usize = (0..9).filter(|&i| chain.spins[i] < 0).map(|i| 1 << i).sum();
        count[state] += 1;
    }
    (0..512)
        .map(|k| {
            let expected = samples as f64 * weights[k] / total;
            (count[k] as f64 - expected).powi(2) / expected
        })
        .sum()
}

// 511 degrees of freedom: 511 +- 32 for independent samples, a little more for what
// correlation the intervals leave; a wrong acceptance gives tens of thousands.
#[test]
fn metropolis_has_the_right_distribution() {
    let chi = chi_squared(Update::Metropolis, 12);
    assert!(chi < 640.0, "{chi}");
}

#[test]
fn clusters_of_any_pair_model_have_the_right_distribution() {
    for couplings in [[0.25, 0.0, 0.0], [0.1, 0.1, -0.05], [0.05, -0.1, 0.15]] {
        let chi = chi_squared(Update::Cluster(couplings), 30);
        assert!(chi < 640.0, "{couplings:?}: {chi}");
    }
}

#[test]
fn measured_sums_are_those_of_a_known_configuration() {
    let model = Model {
        side: 4,
        pair: 0.0,
        plaquette: 0.0,
    };
    let rows: Vec<i8> = (0..16)
        .map(|i| if i / 4 % 2 == 0 { 1 } else { -1 })
        .collect();
    let chain = PlaquetteChain::new(model, &rows, 0, 0);
    assert_eq!(chain.measure(), [0, -32, 32, 16, 0]);
}

#[test]
fn a_stopped_run_keeps_what_it_measured() {
    let control = Control::new();
    control.cancel();
    let model = Model {
        side: 64,
        pair: 0.4,
        plaquette: 0.0,
    };
    let schedule = Schedule {
        equilibration: 10,
        n: 1_000_000,
        spacing: 1,
    };
    let (found, stopped) = run(model, Update::Metropolis, schedule, 1, &[], 1, &control).unwrap();
    assert_eq!(stopped, Err(Cancelled));
    assert!(found[0].sums.len() < 100_000);
}

#[test]
fn threads_do_not_change_a_bit() {
    let model = Model {
        side: 8,
        pair: 0.4,
        plaquette: 0.1,
    };
    let schedule = Schedule {
        equilibration: 5,
        n: 20,
        spacing: 2,
    };
    let by = |threads| {
        kadanoff_runtime::with_threads(Some(threads), || {
            let update = Update::Cluster([0.45, 0.0, 0.0]);
            run(model, update, schedule, 5, &[], 3, &Control::new())
                .unwrap()
                .0
                .into_iter()
                .map(|m| m.sums)
                .collect::<Vec<_>>()
        })
        .unwrap()
    };
    assert_eq!(by(1), by(3));
}

#[test]
fn bad_requests_are_named() {
    let model = |side, pair| Model {
        side,
        pair,
        plaquette: 0.0,
    };
    let schedule = Schedule {
        equilibration: 0,
        n: 1,
        spacing: 1,
    };
    let text = |model, start: &[i8]| {
        run(
            model,
            Update::Metropolis,
            schedule,
            1,
            start,
            0,
            &Control::new(),
        )
        .unwrap_err()
        .to_string()
    };
    assert!(text(model(2, 0.1), &[]).contains("L must lie"));
    assert!(text(model(4, f64::NAN), &[]).contains("J/T"));
    assert!(text(model(4, 0.1), &[1; 15]).contains("start"));
    assert!(text(model(4, 0.1), &[0; 16]).contains("start"));
}
