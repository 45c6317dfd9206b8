//! f_0 on the clean chain: `A(w) = sum_k |phi_k(0)|^2 delta(w - e_k)` at every temperature.

use super::*;
use crate::density::densities;
use crate::iterate::tests::{SYMMETRIES, clean_cluster, options, run, wilson};
use crate::{BasisMemory, Factor, InitialCluster};

fn creation(symmetry: Symmetry, cluster: &InitialCluster) -> Vec<Tensor> {
    cluster
        .hopping
        .iter()
        .enumerate()
        .map(|(channel, elements)| {
            let mut rank = [0; crate::MAX_FACTORS];
            rank[0] = 1;
            rank[1] = match (symmetry.spin, channel) {
                (Factor::U1, 1) => -1,
                _ => 1,
            };
            Tensor {
                rank,
                elements: elements
                    .iter()
                    .map(|(i, j, m)| ((*i, *j), m.clone()))
                    .collect(),
            }
        })
        .collect()
}

const BINS: Bins = Bins {
    lowest: 1e-8,
    per_decade: 2000.0,
    count: 20_000,
};

/// (frequency, weight) of every occupied bin.
fn peaks(s: &BinnedSpectrum) -> Vec<(f64, f64)> {
    let mut out: Vec<(f64, f64)> = s
        .weight
        .iter()
        .zip(&s.moment)
        .filter(|(w, _)| w.abs() > 1e-12)
        .map(|(w, m)| (m / w, *w))
        .collect();
    out.sort_by(|a, b| a.0.total_cmp(&b.0));
    out
}

#[test]
fn the_clean_orbital_has_its_one_particle_spectrum() {
    for (charge, spin) in SYMMETRIES {
        for states in [100_000, 30] {
            let symmetry = Symmetry::single(charge, spin);
            let chain = wilson(4, 0.0);
            let cluster = clean_cluster(symmetry, 0.0);
            let keep_basis = crate::Options {
                basis: Some(BasisMemory {
                    limit: if states > 1000 { usize::MAX } else { 500 },
                    fallback: 0,
                }),
                ..options(states)
            };
            let run = run(&cluster, &chain, &keep_basis);
            let control = Control::new();
            let rho = densities(symmetry, &run, &[0.3, 0.01], true, &control).expect("densities");
            let one: Vec<Mat<f64>> = cluster
                .blocks
                .iter()
                .map(|b| Mat::identity(b.energies.len(), b.energies.len()))
                .collect();
            for r in &rho {
                assert!((r.expectation(symmetry, &run, &one) - 1.0).abs() < 1e-12);
            }
            let tensors = creation(symmetry, &cluster);
            let pairs: Vec<Pair> = (0..tensors.len())
                .map(|i| Pair {
                    b: i,
                    c: i,
                    fermionic: true,
                })
                .collect();
            let got =
                spectra(symmetry, &run, &tensors, &pairs, &rho, &BINS, &control).expect("spectra");
            for s in got.iter().flatten() {
                let total: f64 = s.weight.iter().sum();
                assert!(
                    (total - 1.0).abs() < 1e-12,
                    "{symmetry:?} {states}: {total}"
                );
                let mean: f64 = s.moment.iter().sum();
                assert!(mean.abs() < 1e-12, "{symmetry:?}: {mean}");
                if states > 1000 {
                    let levels = chain.levels(3);
                    let peaks = peaks(s);
                    assert_eq!(peaks.len(), levels.len(), "{symmetry:?} {peaks:?}");
                    for ((w, weight), level) in peaks.iter().zip(&levels) {
                        assert!((w - level).abs() < 1e-11 && *weight > 0.0);
                    }
                }
            }
        }
    }
}

#[test]
fn an_operator_of_the_wrong_charge_is_refused() {
    let symmetry = Symmetry::single(Factor::U1, Factor::SU2);
    let cluster = clean_cluster(symmetry, 0.0);
    let keep_basis = crate::Options {
        basis: Some(BasisMemory::UNBOUNDED),
        ..options(100)
    };
    let run = run(&cluster, &wilson(3, 0.0), &keep_basis);
    let control = Control::new();
    let rho = densities(symmetry, &run, &[0.1], true, &control).expect("densities");
    let mut tensors = creation(symmetry, &cluster);
    tensors[0].rank[0] = 2;
    let pair = Pair {
        b: 0,
        c: 0,
        fermionic: true,
    };
    assert!(spectra(symmetry, &run, &tensors, &[pair], &rho, &BINS, &control).is_err());
    assert!(spectra(symmetry, &run, &[], &[pair], &rho, &BINS, &control).is_err());
}

#[test]
fn the_response_is_a_second_derivative_of_the_free_energy() {
    let symmetry = Symmetry::single(Factor::U1, Factor::U1);
    let chain = wilson(4, 0.0);
    let cluster = clean_cluster(symmetry, 0.0);
    let keep_basis = crate::Options {
        basis: Some(BasisMemory::UNBOUNDED),
        ..options(100_000)
    };
    let run = run(&cluster, &chain, &keep_basis);
    let control = Control::new();
    let t = 0.2;
    let rho = densities(symmetry, &run, &[t], true, &control).expect("densities");
    // The operator is n_0, and the derivative is with respect to its energy e_0.
    let n_0 = Tensor {
        rank: [0; crate::MAX_FACTORS],
        elements: (0..cluster.blocks.len())
            .map(|i| {
                let label = cluster.blocks[i].label;
                ((i, i), Mat::from_fn(1, 1, |_, _| f64::from(label[0] + 1)))
            })
            .collect(),
    };
    let pair = Pair {
        b: 0,
        c: 0,
        fermionic: false,
    };
    let got = spectra(symmetry, &run, &[n_0], &[pair], &rho, &BINS, &control).expect("spectra");
    // ln Z of the free chain with e_0 = +-h, exactly.
    let log_z = |e: f64| {
        let mut shifted = chain.clone();
        shifted.onsite[0] = e;
        let (ground, a) = crate::clean_chain(&shifted, 3, &[t]);
        a[0].log_z - ground / t
    };
    let h = 1e-3;
    let second = (log_z(h) - 2.0 * log_z(0.0) + log_z(-h)) / (h * h);
    let mean = -t * (log_z(h) - log_z(-h)) / (2.0 * h);
    let expected = t * second + mean * mean / t;
    let response = got[0][0].response;
    assert!((response - expected).abs() < 1e-5, "{response} {expected}");
}

#[test]
fn temperatures_side_by_side_give_what_each_gives_alone() {
    let symmetry = Symmetry::single(Factor::U1, Factor::SU2);
    let cluster = clean_cluster(symmetry, 0.0);
    let keep_basis = crate::Options {
        basis: Some(BasisMemory::UNBOUNDED),
        ..options(30)
    };
    let run = run(&cluster, &wilson(5, 0.1), &keep_basis);
    let control = Control::new();
    // No multiple of the lanes: some of them stay empty.
    let all: Vec<f64> = (0..11).map(|k| 1e-3 * 2_f64.powi(k)).collect();
    let tensors = creation(symmetry, &cluster);
    let pairs = [true, false].map(|fermionic| Pair {
        b: 0,
        c: 0,
        fermionic,
    });
    let at = |temperatures: &[f64]| {
        let rho = densities(symmetry, &run, temperatures, true, &control).expect("densities");
        spectra(symmetry, &run, &tensors, &pairs, &rho, &BINS, &control).expect("spectra")
    };
    let together = at(&all);
    for (k, &t) in all.iter().enumerate() {
        for (together, alone) in together.iter().zip(at(&[t])) {
            // The products are summed in another order: rounding.
            let ours = together[k].weight.iter().chain(&together[k].moment);
            let theirs = alone[0].weight.iter().chain(&alone[0].moment);
            assert!(
                ours.zip(theirs).all(|(x, y)| (x - y).abs() < 1e-14),
                "T = {t}"
            );
            let (x, y) = (together[k].response, alone[0].response);
            assert!((x - y).abs() <= 1e-12 * y.abs(), "T = {t}: {x} {y}");
        }
    }
}
