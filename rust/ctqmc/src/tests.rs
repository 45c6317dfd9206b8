//! Against what is known: determinants, orders of a solvable model, and that nothing is lost.

use super::*;
use crate::moves::Configuration;
use kadanoff_runtime::{Control, random, with_threads};

/// One bath level.
fn table(beta: f64, e: f64, v: f64) -> Table {
    Table::of(beta, 1e-11, |l| {
        v * v * (-(beta - l) * e).exp() / (1.0 + (-beta * e).exp())
    })
    .unwrap()
}

fn run(configuration: &mut Configuration, model: &Model, stream: u64, updates: usize) {
    let mut random = random::stream(7, stream);
    for _ in 0..updates {
        configuration.update(model, &mut random);
    }
}

#[test]
fn inverse_and_sign_are_those_of_the_matrix() {
    let model = Model::anderson(2.0, -0.7, table(20.0, 0.3, 0.6));
    let mut now = Configuration::new(&model, 1);
    let mut most = 0;
    for round in 0..200 {
        run(&mut now, &model, round, 50);
        most = most.max(now.order());
        assert_eq!(now.sign, 1.0);
        for flavour in &mut now.flavours {
            assert_eq!(flavour.sign(&model.tables[0]), Some(1.0));
            // A singular bath has matrices of rank one in exact arithmetic for equal times only;
            // what fifty updates leave is rounding times a condition number.
            assert!(flavour.renew(&model.tables[0]).unwrap() < 1e-7);
        }
    }
    assert!(most > 8);
}

#[test]
fn times_alternate_and_lengths_add_up() {
    let model = Model::anderson(1.0, -0.5, table(10.0, -0.2, 0.7));
    let mut now = Configuration::new(&model, 0);
    for round in 0..500 {
        run(&mut now, &model, round, 7);
        for flavour in &now.flavours {
            let mut all: Vec<(f64, i32)> = flavour.starts().iter().map(|&t| (t, 1)).collect();
            all.extend(flavour.ends().iter().map(|&t| (t, -1)));
            all.sort_by(|a, b| a.0.total_cmp(&b.0));
            let (mut n, mut since, mut length) = (i32::from(flavour.occupied), 0.0, 0.0);
            for (t, step) in all {
                assert_eq!(flavour.at(0.5 * (since + t)), n == 1);
                length += f64::from(n) * (t - since);
                n += step;
                since = t;
                assert!(n == 0 || n == 1);
            }
            length += f64::from(n) * (10.0 - since);
            assert_eq!(n == 1, flavour.occupied);
            assert!((length - flavour.length).abs() < 1e-12);
        }
        let [a, b] = &now.flavours[..] else { panic!() };
        let steps = 20_000;
        let common = (0..steps)
            .map(|i| 10.0 * (f64::from(i) + 0.5) / f64::from(steps))
            .filter(|&t| a.at(t) && b.at(t))
            .count() as f64
            * 10.0
            / f64::from(steps);
        // As many cells as there are ends may be counted wrongly.
        assert!((common - a.common(b)).abs() < 5e-4 * (1 + a.k + b.k) as f64);
        if round > 20 {
            break;
        }
    }
}

/// Probability of every order for one flavour on one bath level:
/// `Z(x) = 1 + exp(-b (eps + e)) + 2 exp(-b (eps + e) / 2) cosh(b sqrt(d^2 + x V^2))`,
/// `d = (eps - e) / 2`, expanded in x.
fn orders(beta: f64, eps: f64, e: f64, v: f64) -> Vec<f64> {
    let (d, y) = ((0.5 * beta * (eps - e)).powi(2), (beta * v).powi(2));
    let half = (-0.5 * beta * (eps + e)).exp();
    let mut z: Vec<f64> = (0..40)
        .map(|k| {
            // sum_n binomial(n, k) d^(n - k) y^k / (2 n)!
            let mut term = 1.0;
            for n in 1..=k {
                term *= y / ((2 * n) * (2 * n - 1)) as f64;
            }
            let mut sum = 0.0;
            for n in k..k + 80 {
                sum += term;
                let next = (n + 1) as f64;
                term *= d * next / (next - k as f64) / ((2.0 * next) * (2.0 * next - 1.0));
            }
            2.0 * half * sum
        })
        .collect();
    z[0] += 1.0 + half * half;
    let total: f64 = z.iter().sum();
    z.iter().map(|z| z / total).collect()
}

/// chi^2 and number of bins of the observed orders, rare ones together.
fn chi2(observed: &[u64], expected: &[f64]) -> (f64, usize) {
    let total: u64 = observed.iter().sum();
    let (mut chi, mut bins, mut left, mut rest) = (0.0, 0, total as f64, 1.0);
    for (k, p) in expected.iter().enumerate() {
        let mean = p * total as f64;
        if mean < 20.0 {
            break;
        }
        let n = observed.get(k).copied().unwrap_or(0) as f64;
        chi += (n - mean).powi(2) / mean;
        bins += 1;
        left -= n;
        rest -= p;
    }
    let mean = rest.max(0.0) * total as f64;
    if mean >= 5.0 {
        chi += (left - mean).powi(2) / mean;
        bins += 1;
    }
    (chi, bins)
}

#[test]
fn orders_are_those_of_the_solvable_model() {
    let (beta, eps, e, v) = (4.0, -0.3, 0.4, 0.9);
    let mut model = Model::anderson(0.0, eps, table(beta, e, v));
    model.levels = vec![eps];
    model.interaction = vec![0.0];
    let mut now = Configuration::new(&model, 0);
    let mut observed = vec![0_u64; 64];
    let samples = 30_000;
    for s in 0..samples {
        // Far longer than the memory of some updates.
        run(&mut now, &model, s, 60);
        observed[now.order()] += 1;
    }
    let (chi, bins) = chi2(&observed, &orders(beta, eps, e, v));
    // Mean bins - 1, deviation its root of two.
    let dof = (bins - 1) as f64;
    assert!(bins >= 5);
    assert!(chi < dof + 4.0 * (2.0 * dof).sqrt(), "{chi} for {bins}");
    // It would notice: acceptance wrong by a tenth is the same as V wrong by a twentieth.
    let (wrong, _) = chi2(&observed, &orders(beta, eps, e, 1.05 * v));
    assert!(wrong > dof + 40.0 * (2.0 * dof).sqrt(), "{wrong}");
}

#[test]
fn a_floor_is_weighted_away() {
    // A level far above: F(0) is 1e-6 of F(beta).
    let (beta, eps, e, v) = (4.0, -0.3, 3.4, 0.9);
    let mut model = Model::anderson(0.0, eps, table(beta, e, v)).with_floor(0.05);
    model.levels = vec![eps];
    model.interaction = vec![0.0];
    let mut now = Configuration::new(&model, 0);
    let mut samples: Vec<(f64, usize)> = Vec::new();
    for s in 0..30_000 {
        run(&mut now, &model, s, 60);
        let mut sums = measure::Accumulator::new(128, 1);
        sums.add(&model, &now).unwrap();
        let weight = sums.scalars.weight;
        assert!(weight <= 1.0 + 1e-12 && weight == sums.scalars.sign);
        samples.push((weight, now.order()));
    }
    let total: f64 = samples.iter().map(|s| s.0).sum();
    assert!(total < 0.9 * samples.len() as f64);
    for (k, p) in orders(beta, eps, e, v).into_iter().enumerate().take(3) {
        let off = |&(w, order): &(f64, usize)| w * (f64::from(u8::from(order == k)) - p);
        let mean: f64 = samples.iter().map(off).sum();
        let error = samples.iter().map(|s| off(s).powi(2)).sum::<f64>().sqrt();
        assert!(mean.abs() < 4.0 * error, "{k} {mean} {error}");
        assert!(error < 0.02 * total);
    }
}

#[test]
fn without_hybridisation_there_is_the_atom() {
    let model = Model::anderson(1.0, -0.2, Table::of(2.0, 1e-10, |_| 0.0).unwrap());
    let mut now = Configuration::new(&model, 0);
    let mut observed = [0_u64; 4];
    for s in 0..20_000 {
        run(&mut now, &model, s, 24);
        assert_eq!(now.order(), 0);
        let [a, b] = &now.flavours[..] else { panic!() };
        observed[usize::from(a.occupied) + 2 * usize::from(b.occupied)] += 1;
    }
    let boltzmann = [0.0_f64, -0.2, -0.2, 0.6].map(|e| (-2.0 * e).exp());
    let total: f64 = boltzmann.iter().sum();
    let (chi, bins) = chi2(&observed, &boltzmann.map(|b| b / total));
    assert_eq!(bins, 4);
    assert!(chi < 20.0, "{chi}"); // p = 2e-4 for three degrees of freedom
}

#[test]
fn cells_integrate_legendre_polynomials() {
    let model = Model::anderson(2.0, -1.0, table(5.0, 0.1, 0.8));
    let mut now = Configuration::new(&model, 0);
    run(&mut now, &model, 1, 500);
    let mut sums = measure::Accumulator::new(1024, 1);
    sums.add(&model, &now).unwrap();
    let orders = 90;
    let [g, _] = sums.legendre(5.0, orders);
    let mut direct = vec![0.0; orders];
    for flavour in &now.flavours {
        for (i, e) in flavour.ends().iter().enumerate() {
            for (j, s) in flavour.starts().iter().enumerate() {
                let (t, w) = if e < s {
                    (e - s + 5.0, flavour.inverse(i, j))
                } else {
                    (e - s, -flavour.inverse(i, j))
                };
                let x = 2.0 * t / 5.0 - 1.0;
                let (mut p, mut before) = (1.0, 0.0);
                for (l, d) in direct.iter_mut().enumerate() {
                    let l = l as f64;
                    *d += (2.0 * l + 1.0).sqrt() / 5.0 * w * p;
                    (p, before) = (((2.0 * l + 1.0) * x * p - l * before) / (l + 1.0), p);
                }
            }
        }
    }
    assert!(direct[0] < 0.0);
    for (l, (a, b)) in g.iter().zip(&direct).enumerate() {
        // Degree 7 in cells of 1/1024: errors appear near the ends from l = 60 on.
        let limit = if l < 60 { 1e-8 } else { 2e-5 };
        assert!((a - b).abs() < limit, "{l} {a} {b}");
    }
}

#[test]
fn flavours_apart_add_up() {
    let mut model = Model::anderson(2.0, -1.0, table(5.0, 0.1, 0.8));
    assert_eq!(model.groups(), 1);
    model.levels = vec![-1.4, -0.6];
    assert_eq!(model.groups(), 2);
    let mut now = Configuration::new(&model, 1);
    run(&mut now, &model, 1, 500);
    let [mut together, mut apart] = [1, 2].map(|groups| measure::Accumulator::new(128, groups));
    together.add(&model, &now).unwrap();
    apart.add(&model, &now).unwrap();
    let orders = 12;
    for (sum, parts) in (together.legendre(5.0, orders).iter()).zip(apart.legendre(5.0, orders)) {
        assert_eq!(parts.len(), 2 * orders);
        assert!(parts[..orders] != parts[orders..]);
        for (l, total) in sum.iter().enumerate() {
            assert!((parts[l] + parts[orders + l] - total).abs() < 1e-10);
        }
    }
    assert_eq!(apart.coarse(5.0).len(), 2 * COARSE);
    let [a, b] = &now.flavours[..] else { panic!() };
    let difference = (a.length - b.length) / 5.0;
    assert!((apart.scalars.polarisation - difference).abs() < 1e-12);
}

#[test]
fn exchanges_keep_the_atom_in_a_field() {
    // Without hybridisation: 1, exp(-b e_up), exp(-b e_dn), exp(-b (e_up + e_dn + U)).
    let mut model = Model::anderson(1.0, -0.2, Table::of(2.0, 1e-10, |_| 0.0).unwrap());
    model.levels = vec![-0.5, 0.1];
    let mut now = Configuration::new(&model, 0);
    let mut random = random::stream(11, 0);
    let mut observed = [0_u64; 4];
    for s in 0..20_000 {
        run(&mut now, &model, s, 24);
        now.exchange(&model, &mut random).unwrap();
        let [a, b] = &now.flavours[..] else { panic!() };
        observed[usize::from(a.occupied) + 2 * usize::from(b.occupied)] += 1;
    }
    let boltzmann = [0.0_f64, -0.5, 0.1, 0.6].map(|e| (-2.0 * e).exp());
    let total: f64 = boltzmann.iter().sum();
    let (chi, bins) = chi2(&observed, &boltzmann.map(|b| b / total));
    assert_eq!(bins, 4);
    assert!(chi < 20.0, "{chi}"); // p = 2e-4 for three degrees of freedom
}

/// Exchanges of many flavours alone, among configurations without operators, keep the weights of the
/// states of the atom that they connect.
#[test]
fn permutations_keep_the_atom_of_two_orbitals() {
    let (u, prime, parallel) = (1.0, 0.6, 0.4);
    let mut interaction = vec![0.0; 16];
    for a in 0..4 {
        for b in 0..4 {
            interaction[4 * a + b] = match (a == b, a / 2 == b / 2, a % 2 == b % 2) {
                (true, ..) => 0.0,
                (_, true, _) => u,
                (_, _, true) => parallel,
                _ => prime,
            };
        }
    }
    let levels = vec![-0.4, -0.6, -0.2, -0.3];
    let tables = vec![table(2.0, 0.3, 0.1); 4];
    let model = Model::new(2.0, levels.clone(), interaction.clone(), tables);
    let mut now = Configuration::new(&model, 0b0011);
    let mut random = random::stream(21, 0);
    let mut observed = [0; 16];
    for _ in 0..60_000 {
        now.permute(&model, &mut random).unwrap();
        let bits = now.flavours.iter().enumerate();
        observed[bits
            .map(|(a, f)| usize::from(f.occupied) << a)
            .sum::<usize>()] += 1;
    }
    let mut expected = [0.0; 16];
    for (state, weight) in expected.iter_mut().enumerate() {
        let filled = |a: usize| f64::from(u8::from(state >> a & 1 == 1));
        if state.count_ones() != 2 {
            continue;
        }
        let mut energy: f64 = (0..4).map(|a| levels[a] * filled(a)).sum();
        for a in 0..4 {
            for b in 0..a {
                energy += interaction[4 * a + b] * filled(a) * filled(b);
            }
        }
        *weight = (-2.0 * energy).exp();
    }
    let total: f64 = expected.iter().sum();
    let (seen, weights): (Vec<u64>, Vec<f64>) = (observed.iter().zip(&expected))
        .filter(|(_, weight)| **weight > 0.0)
        .map(|(n, weight)| (*n, weight / total))
        .unzip();
    assert_eq!(seen.iter().sum::<u64>(), 60_000);
    let (chi, bins) = chi2(&seen, &weights);
    assert_eq!(bins, 6);
    // Neighbours in the chain are correlated over some steps: chi^2 grows by as much.
    assert!(chi < 100.0, "{chi}");
}

/// Common times that are followed are those of the operators, and measurements of flavours that are
/// put together are the sums of those apart.
#[test]
fn common_times_are_followed_and_groups_add_up() {
    let interaction = (0..16)
        .map(|i| if i % 5 == 0 { 0.0 } else { 1.0 })
        .collect();
    let levels = vec![-1.5, -1.5, -1.2, -1.2];
    let model = Model::new(8.0, levels, interaction, vec![table(8.0, 0.3, 0.7); 4]);
    let mut now = Configuration::new(&model, 0b0110);
    let mut random = random::stream(31, 0);
    for s in 0..200 {
        run(&mut now, &model, s, 50);
        now.permute(&model, &mut random).unwrap();
        for a in 0..4 {
            for b in 0..a {
                let exact = now.flavours[a].common(&now.flavours[b]);
                assert!((now.common(a, b) - exact).abs() < 1e-11);
                assert_eq!(now.common(a, b), now.common(b, a));
            }
        }
    }
    assert!(now.moves.accepted.iter().all(|&n| n > 0));
    let together = model.clone().with_groups(vec![0, 0, 1, 1]);
    let [mut apart, mut joined] = [4, 2].map(|groups| measure::Accumulator::new(128, groups));
    apart.add(&model, &now).unwrap();
    joined.add(&together, &now).unwrap();
    let [g, _] = apart.legendre(8.0, 10);
    let [sums, _] = joined.legendre(8.0, 10);
    for (i, sum) in sums.iter().enumerate() {
        let first = 20 * (i / 10) + i % 10;
        assert!((g[first] + g[first + 10] - sum).abs() < 1e-10);
    }
    assert!(model.with_groups(vec![0, 0, 2, 2]).check().is_err());
}

#[test]
fn an_exchange_renews_the_matrices_of_two_baths() {
    let mut model = Model::anderson(2.0, -0.7, table(20.0, 0.3, 0.6));
    model.levels = vec![-0.8, -0.6];
    let tables = vec![table(20.0, 0.3, 0.6), table(20.0, 0.1, 0.5)];
    let model = Model::new(20.0, model.levels, model.interaction, tables);
    let mut now = Configuration::new(&model, 1);
    let mut random = random::stream(12, 0);
    let mut accepted = 0;
    for round in 0..200 {
        run(&mut now, &model, round, 50);
        now.exchange(&model, &mut random).unwrap();
        accepted = now.moves.accepted[crate::moves::EXCHANGE];
        assert_eq!(now.sign, 1.0);
        for (a, flavour) in now.flavours.iter_mut().enumerate() {
            assert_eq!(flavour.sign(model.table(a)), Some(1.0));
            assert!(flavour.renew(model.table(a)).unwrap() < 1e-7);
        }
    }
    assert!(accepted > 20, "{accepted}");
}

fn small() -> Simulation {
    let options = Options {
        seed: 5,
        chains: 3,
        equilibration: 2,
        updates: 0,
        cells: 256,
        orders: 20,
    };
    let model = Model::anderson(2.0, -1.0, table(5.0, 0.3, 0.5)).with_floor(0.01);
    Simulation::new(model, options).unwrap()
}

#[test]
fn threads_and_interruptions_change_nothing() {
    let control = Control::new();
    let mut whole = small();
    assert!(
        with_threads(Some(1), || whole.advance(70, &control))
            .unwrap()
            .unwrap()
    );
    assert!(whole.chains[0].bins.len() < markov_chain::MAX_BINS);
    let mut parts = small();
    for until in [1, 23, 70] {
        assert!(
            with_threads(Some(3), || parts.advance(until, &control))
                .unwrap()
                .unwrap()
        );
        parts = Simulation::from_bytes(&parts.to_bytes()).unwrap();
    }
    assert!(whole.to_bytes() == parts.to_bytes());
    assert_eq!(whole.measured(), 70);
    let count: f64 = whole.chains[0]
        .all_bins(5.0, 20)
        .iter()
        .map(|b| b.scalars.count)
        .sum();
    assert_eq!(count, (70 * markov_chain::BLOCK) as f64);
}

#[test]
fn a_cancelled_run_goes_on() {
    let control = Control::new();
    control.cancel();
    let mut cancelled = small();
    assert!(!cancelled.advance(10, &control).unwrap());
    assert!(cancelled.advance(10, &Control::new()).unwrap());
    let mut whole = small();
    assert!(whole.advance(10, &Control::new()).unwrap());
    assert!(cancelled.to_bytes() == whole.to_bytes());
}

#[test]
fn foreign_and_damaged_bytes_are_refused() {
    let mut run = small();
    run.advance(1, &Control::new()).unwrap();
    let bytes = run.to_bytes();
    let refused = |bytes: &[u8]| Simulation::from_bytes(bytes).unwrap_err().to_string();
    assert!(refused(b"nothing").contains("no checkpoint"));
    let mut other = bytes.clone();
    other[8] = 77;
    assert!(refused(&other).contains("version 77"));
    for at in [25, bytes.len() / 2, bytes.len() - 1] {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        assert!(refused(&damaged).contains("damaged"));
        assert!(refused(&bytes[..at]).contains("damaged"));
    }
}

#[test]
fn models_without_meaning_are_refused() {
    let mut model = Model::anderson(1.0, 0.0, table(1.0, 0.0, 0.5));
    assert!(model.check().is_ok());
    model.interaction = vec![0.0, 1.0, 2.0, 0.0];
    assert!(model.check().unwrap_err().to_string().contains("symmetric"));
    assert!(model.clone().with_floor(-0.1).check().is_err());
    model.levels = vec![f64::NAN];
    assert!(model.check().is_err());
}
