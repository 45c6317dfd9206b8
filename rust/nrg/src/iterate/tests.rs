//! The clean chain, whose many-body levels are sums of one-particle levels, is the exact result.

use super::*;
use crate::symmetry::{Factor, Site, Symmetry};
use crate::{ChainSites, ClusterBlock, Reflected, ReflectionMatrix, clean_chain, thermodynamics};
use faer::Mat;

pub(crate) const SYMMETRIES: [(Factor, Factor); 4] = [
    (Factor::U1, Factor::U1),
    (Factor::U1, Factor::SU2),
    (Factor::SU2, Factor::SU2),
    (Factor::SU2, Factor::U1),
];

/// Site 0 alone.
pub(crate) fn clean_cluster(symmetry: Symmetry, onsite: f64) -> InitialCluster {
    let site = Site::new(symmetry, 0);
    if symmetry.bands == 2 {
        return two_band_cluster(symmetry, &site);
    }
    let one = |x: f64| Mat::from_fn(1, 1, |_, _| x);
    let reflection = |g: usize| {
        let actions = &site.reflections[g];
        (!actions.is_empty() && (g == 1 || onsite == 0.0)).then(|| {
            actions
                .iter()
                .map(|&(target, sign)| Reflected {
                    target,
                    matrix: ReflectionMatrix::Dense(one(sign)),
                })
                .collect()
        })
    };
    InitialCluster {
        symmetry,
        blocks: site
            .states
            .iter()
            .map(|s| ClusterBlock {
                label: s.label,
                odd: s.odd,
                energies: vec![onsite * s.electrons],
            })
            .collect(),
        hopping: site
            .hopping
            .iter()
            .map(|c| c.iter().map(|&(i, j, x)| (i, j, one(x))).collect())
            .collect(),
        operators: Vec::new(),
        reflections: [reflection(0), reflection(1)],
        sites: None,
    }
}

/// The 16 states of a site of two bands, gathered by label.
fn two_band_cluster(symmetry: Symmetry, site: &Site) -> InitialCluster {
    let mut labels: Vec<_> = site.states.iter().map(|s| s.label).collect();
    labels.sort_unstable();
    labels.dedup();
    let members = |i: usize| -> Vec<usize> {
        (0..site.states.len())
            .filter(|&s| site.states[s].label == labels[i])
            .collect()
    };
    let element = |list: &[(usize, usize, f64)], i: usize, j: usize| {
        let (rows, columns) = (members(i), members(j));
        Mat::from_fn(rows.len(), columns.len(), |a, b| {
            list.iter()
                .find(|x| x.0 == rows[a] && x.1 == columns[b])
                .map_or(0.0, |x| x.2)
        })
    };
    let hopping = site
        .hopping
        .iter()
        .enumerate()
        .map(|(c, list)| {
            (0..labels.len())
                .flat_map(|i| (0..labels.len()).map(move |j| (i, j)))
                .filter(|&(i, j)| symmetry.connects(&labels[i], c, &labels[j]))
                .map(|(i, j)| (i, j, element(list, i, j)))
                .collect()
        })
        .collect();
    let reflections = [0, 1].map(|g| {
        let list: Vec<_> = site.reflections[g]
            .iter()
            .enumerate()
            .map(|(from, &(to, sign))| (to, from, sign))
            .collect();
        let actions = (0..labels.len())
            .map(|i| {
                let mut goal = labels[i];
                goal[g] = -goal[g];
                let target = labels.iter().position(|l| *l == goal).unwrap_or(i);
                Reflected {
                    target,
                    matrix: ReflectionMatrix::Dense(element(&list, target, i)),
                }
            })
            .collect();
        Some(actions)
    });
    InitialCluster {
        symmetry,
        blocks: (0..labels.len())
            .map(|i| ClusterBlock {
                label: labels[i],
                odd: site.states[members(i)[0]].odd,
                energies: vec![0.0; members(i).len()],
            })
            .collect(),
        hopping,
        operators: Vec::new(),
        reflections,
        sites: None,
    }
}

pub(crate) fn wilson(sites: usize, onsite: f64) -> WilsonChain {
    let scale = |n: usize| 0.7 * 2.5_f64.powf(0.5 - 0.5 * n as f64);
    WilsonChain {
        hopping: (1..sites).map(|n| 0.9 * scale(n)).collect(),
        onsite: (0..sites).map(|n| onsite * scale(n)).collect(),
        scale: (0..sites).map(scale).collect(),
    }
}

pub(crate) fn options(states: usize) -> Options {
    Options {
        truncation: Truncation {
            states: Some(states),
            multiplets: None,
            energy: None,
            gap: 1e-5,
        },
        memory_limit: None,
        reuse: true,
        basis: None,
    }
}

pub(crate) fn run(cluster: &InitialCluster, chain: &WilsonChain, options: &Options) -> Run {
    let (run, outcome) = solve(cluster, chain, options, &Control::new());
    outcome.expect("the run succeeds");
    run
}

/// All levels of the last shell, degeneracies expanded.
fn spectrum(symmetry: Symmetry, run: &Run) -> Vec<f64> {
    let mut all: Vec<f64> = run.shells.last().map_or_else(Vec::new, |shell| {
        shell
            .blocks
            .iter()
            .flat_map(|b| {
                let d = symmetry.dimension(&b.label);
                b.energies
                    .iter()
                    .flat_map(move |&e| std::iter::repeat_n(e, d))
            })
            .collect()
    });
    all.sort_by(f64::total_cmp);
    all
}

#[test]
fn the_clean_chain_is_exact_in_every_symmetry() {
    for (charge, spin) in SYMMETRIES {
        for onsite in [0.0, 0.3] {
            if charge == Factor::SU2 && onsite != 0.0 {
                continue;
            }
            let symmetry = Symmetry::single(charge, spin);
            let chain = wilson(6, onsite);
            let cluster = clean_cluster(symmetry, chain.onsite[0]);
            let run = run(&cluster, &chain, &options(100_000));
            assert_eq!(spectrum(symmetry, &run).len(), 4_usize.pow(6));
            for n in 0..6 {
                let temperatures = [chain.scale[n], 3.0 * chain.scale[n]];
                let (ground, exact) = clean_chain(&chain, n, &temperatures);
                let got = thermodynamics(symmetry, &run.shells, n, &temperatures, false);
                assert!((run.shells[n].ground - ground).abs() < 1e-12);
                for (a, b) in got.iter().zip(&exact) {
                    for (x, y) in [
                        (a.log_z, b.log_z),
                        (a.energy, b.energy),
                        (a.energy_variance, b.energy_variance),
                        (a.spin_variance, b.spin_variance),
                        (a.charge, b.charge),
                        (a.charge_variance, b.charge_variance),
                    ] {
                        assert!((x - y).abs() < 1e-11, "{symmetry:?} {onsite} {n}: {x} {y}");
                    }
                }
            }
        }
    }
}

#[test]
fn two_clean_bands_are_twice_one() {
    let symmetry = Symmetry {
        bands: 2,
        ..Symmetry::single(Factor::U1, Factor::U1)
    };
    let chain = wilson(3, 0.0);
    let cluster = clean_cluster(symmetry, 0.0);
    for reuse in [false, true] {
        let run = run(
            &cluster,
            &chain,
            &Options {
                reuse,
                ..options(100_000)
            },
        );
        assert_eq!(spectrum(symmetry, &run).len(), 16_usize.pow(3));
        let t = [chain.scale[2]];
        let exact = &clean_chain(&chain, 2, &t).1[0];
        let got = &thermodynamics(symmetry, &run.shells, 2, &t, false)[0];
        assert!((got.log_z - 2.0 * exact.log_z).abs() < 1e-11);
        assert!((got.spin_variance - 2.0 * exact.spin_variance).abs() < 1e-11);
        assert!((got.charge_variance - 2.0 * exact.charge_variance).abs() < 1e-11);
    }
}

#[test]
fn two_bands_that_take_turns_are_two_chains() {
    let one = Symmetry::single(Factor::U1, Factor::U1);
    let both = Symmetry { bands: 2, ..one };
    let mut cluster = clean_cluster(both, 0.0);
    cluster.symmetry.interleaved = true;
    cluster.reflections = [None, None];
    let kind = |band: usize| {
        let mut site = Site::new(one, 1);
        let none = vec![Vec::new(); site.hopping.len()];
        let own = std::mem::take(&mut site.hopping);
        site.hopping = if band == 0 { [own, none] } else { [none, own] }.concat();
        site.reflections = [Vec::new(), Vec::new()];
        site
    };
    let order = vec![0, 0, 1, 1, 0];
    cluster.sites = Some(ChainSites {
        sites: vec![kind(0), kind(1)],
        order: order.clone(),
        hopping: Vec::new(),
        terms: Vec::new(),
    });
    let chain = wilson(5, 0.0);
    let run = run(&cluster, &chain, &options(100_000));
    let t = [chain.scale[4]];
    let got = &thermodynamics(cluster.symmetry, &run.shells, 4, &t, true)[0];
    // Two further sites of either band, each with the hopping at which it was added.
    let expected: f64 = [0, 1]
        .into_iter()
        .map(|band| {
            let own = (1..5).filter(|&n| order[n] == band);
            let part = WilsonChain {
                hopping: own.map(|n| chain.hopping[n - 1]).collect(),
                onsite: vec![0.0; 3],
                scale: vec![1.0; 3],
            };
            clean_chain(&part, 2, &t).1[0].log_z
        })
        .sum();
    assert!(
        (got.log_z - expected).abs() < 1e-11,
        "{} {expected}",
        got.log_z
    );
    // A kind that does not exist, or an order that ends too early, is refused.
    for order in [vec![0, 2, 1, 1, 0], vec![0, 1]] {
        if let Some(own) = &mut cluster.sites {
            own.order = order;
        }
        let (_, outcome) = solve(&cluster, &chain, &options(100), &Control::new());
        assert!(matches!(outcome, Err(Error::Argument(_))));
    }
}

#[test]
fn truncated_spectra_do_not_depend_on_symmetry_reuse_or_threads() {
    let chain = wilson(16, 0.0);
    let abelian = Symmetry::single(Factor::U1, Factor::U1);
    let plain = Options {
        reuse: false,
        ..options(120)
    };
    let expected = spectrum(abelian, &run(&clean_cluster(abelian, 0.0), &chain, &plain));
    for (charge, spin) in SYMMETRIES {
        let symmetry = Symmetry::single(charge, spin);
        let cluster = clean_cluster(symmetry, 0.0);
        let one = kadanoff_runtime::with_threads(Some(1), || run(&cluster, &chain, &options(120)));
        let three =
            kadanoff_runtime::with_threads(Some(3), || run(&cluster, &chain, &options(120)));
        let (one, three) = (one.expect("pool"), three.expect("pool"));
        let got = spectrum(symmetry, &one);
        assert_eq!(got, spectrum(symmetry, &three));
        assert_eq!(got.len(), expected.len());
        let scale = chain.scale[15];
        for (x, y) in got.iter().zip(&expected) {
            assert!((x - y).abs() < 1e-10 * scale, "{symmetry:?}: {x} {y}");
        }
    }
}

#[test]
fn complete_sums_recover_what_truncation_took() {
    let symmetry = Symmetry::single(Factor::SU2, Factor::SU2);
    let chain = wilson(12, 0.0);
    let run = run(&clean_cluster(symmetry, 0.0), &chain, &options(20));
    let t = [2.0 * chain.scale[11]];
    let exact = clean_chain(&chain, 11, &t).1[0].log_z;
    let short = thermodynamics(symmetry, &run.shells, 11, &t, false)[0].log_z;
    let complete = thermodynamics(symmetry, &run.shells, 11, &t, true)[0].log_z;
    assert!(exact - short > 0.3, "{exact} {short}");
    assert!(
        (exact - complete).abs() < 0.3 * (exact - short),
        "{exact} {short} {complete}"
    );
    // At infinite temperature every state of the chain is counted, once.
    let hot = thermodynamics(symmetry, &run.shells, 11, &[1e12], true)[0].log_z;
    assert!((hot - 12.0 * 4.0_f64.ln()).abs() < 1e-9);
}

#[test]
fn a_cancelled_run_hands_back_what_it_has() {
    let symmetry = Symmetry::single(Factor::U1, Factor::SU2);
    let control = Control::new();
    control.cancel();
    let (run, outcome) = solve(
        &clean_cluster(symmetry, 0.0),
        &wilson(8, 0.0),
        &options(50),
        &control,
    );
    assert!(matches!(outcome, Err(Error::Cancelled(_))));
    assert_eq!(run.shells.len(), 1);
}

#[test]
fn a_shell_that_does_not_fit_is_refused_before_it_is_built() {
    let symmetry = Symmetry::single(Factor::U1, Factor::U1);
    let tight = Options {
        memory_limit: Some(100_000),
        ..options(5000)
    };
    let (run, outcome) = solve(
        &clean_cluster(symmetry, 0.0),
        &wilson(8, 0.0),
        &tight,
        &Control::new(),
    );
    assert!(
        matches!(outcome, Err(Error::Memory { needed, limit: 100_000, .. }) if needed > 100_000)
    );
    assert!(!run.shells.is_empty());
}
