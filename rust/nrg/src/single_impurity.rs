//! The initial clusters of the Anderson and of the Kondo model, for programs without Python.
//!
//! `kadanoff.impurities.symmetry` finds the multiplets of any model numerically. These two models
//! need less: the impurity has the multiplets of a chain site or of a spin, and f_0 is added to it
//! as every later site is added to the chain.

use crate::shell::{self, Kept, Step};
use crate::symmetry::{Factor, Label, MAX_FACTORS, Site, Symmetry};
use crate::{ClusterBlock, Error, InitialCluster};
use faer::{Mat, Side};
use std::collections::HashMap;

/// `H = eps n_d + U n_up n_dn + V sum_s (d_s^+ f_0s + h.c.)`.
///
/// In SU(2) x SU(2) where `eps = -U/2`, else in U(1) x SU(2).
///
/// # Errors
/// A parameter that is not finite.
///
/// ```
/// use kadanoff_nrg::anderson;
///
/// let cluster = anderson(0.5, -0.25, 0.1)?;
/// assert_eq!((cluster.blocks.len(), cluster.dimension()), (4, 16));
/// assert_eq!(anderson(0.5, -0.2, 0.1)?.blocks.len(), 6);
/// # Ok::<(), kadanoff_nrg::Error>(())
/// ```
pub fn anderson(u: f64, eps: f64, v: f64) -> Result<InitialCluster, Error> {
    finite(&[u, eps, v])?;
    let symmetric = 2.0 * eps + u == 0.0;
    let charge = if symmetric { Factor::SU2 } else { Factor::U1 };
    let symmetry = Symmetry::single(charge, Factor::SU2);
    // The sign of the isospin alternates: the orbital in front of f_0 is like site 1.
    let orbital = Site::new(symmetry, 1);
    let energy = |electrons: f64, odd: bool| match (symmetric, odd) {
        (_, true) => eps,
        (true, false) => 0.0, // the empty and the doubly occupied orbital
        (false, false) => 0.5 * electrons * (2.0 * eps + u),
    };
    let one = |x: f64| Mat::from_fn(1, 1, |_, _| x);
    let impurity = Kept {
        labels: orbital.states.iter().map(|s| s.label).collect(),
        odd: orbital.states.iter().map(|s| s.odd).collect(),
        energies: orbital
            .states
            .iter()
            .map(|s| vec![energy(s.electrons, s.odd)])
            .collect(),
        hopping: orbital
            .hopping
            .iter()
            .map(|channel| channel.iter().map(|&(i, j, x)| ((i, j), one(x))).collect())
            .collect(),
        ..Kept::default()
    };
    with_first_site(symmetry, &impurity, v, |_, _| 0.0)
}

/// `H = J S_d.S_0`, a spin 1/2 and the first site, in SU(2) x SU(2); with `S_d.S_0` as operator.
///
/// # Errors
/// A coupling that is not finite.
///
/// ```
/// use kadanoff_nrg::kondo;
///
/// let cluster = kondo(0.4)?;
/// let energies: Vec<f64> = cluster.blocks.iter().map(|b| b.energies[0]).collect();
/// assert!((energies[0] + 0.3).abs() < 1e-15); // the singlet, -3/4 J
/// assert_eq!(cluster.dimension(), 8);
/// # Ok::<(), kadanoff_nrg::Error>(())
/// ```
pub fn kondo(j: f64) -> Result<InitialCluster, Error> {
    finite(&[j])?;
    let symmetry = Symmetry::single(Factor::SU2, Factor::SU2);
    let mut spin: Label = [0; MAX_FACTORS];
    spin[1] = 1;
    let impurity = Kept {
        labels: vec![spin],
        odd: vec![false],
        energies: vec![vec![0.0]],
        hopping: vec![HashMap::new(); symmetry.channels()],
        ..Kept::default()
    };
    // S_d.S_0 = (S(S+1) - 3/4 - S_0(S_0+1)) / 2
    let square = |label: &Label| 0.25 * f64::from(label[1]) * f64::from(label[1] + 2);
    let product = |total: &Label, site: &Label| 0.5 * (square(total) - 0.75 - square(site));
    let mut cluster = with_first_site(symmetry, &impurity, 0.0, |total, site| {
        j * product(total, site)
    })?;
    let one = |x: f64| Mat::from_fn(1, 1, |_, _| x);
    // Every block is one multiplet: the charge and the spin of f_0 follow from its label.
    let operator = |block: &ClusterBlock| {
        let mut site: Label = [0; MAX_FACTORS];
        site[1] = 1 - block.label[0];
        one(product(&block.label, &site))
    };
    cluster.operators = vec![cluster.blocks.iter().map(operator).collect()];
    Ok(cluster)
}

fn finite(parameters: &[f64]) -> Result<(), Error> {
    match parameters.iter().find(|x| !x.is_finite()) {
        Some(x) => Err(Error::Argument(format!(
            "the parameters of a model must be finite, got {x}"
        ))),
        None => Ok(()),
    }
}

/// Impurity and f_0 in the eigenbasis of their Hamiltonian, of which `extra(label of the block,
/// label of f_0)` is the part that is no hopping.
fn with_first_site(
    symmetry: Symmetry,
    impurity: &Kept,
    hopping: f64,
    extra: impl Fn(&Label, &Label) -> f64,
) -> Result<InitialCluster, Error> {
    let site = Site::new(symmetry, 0);
    let step = Step {
        ratio: 1.0,
        hopping: vec![hopping; symmetry.channels()],
        onsite: 0.0,
        terms: Vec::new(),
    };
    let products = shell::product_blocks(symmetry, impurity, &site);
    let (mut blocks, mut vectors) = (Vec::new(), Vec::new());
    for block in &products {
        let mut h = shell::hamiltonian(symmetry, impurity, &site, &step, block);
        for s in &block.segments {
            for i in s.offset..s.offset + s.size {
                h[(i, i)] += extra(&block.label, &site.states[s.site].label);
            }
        }
        let solved = h
            .self_adjoint_eigen(Side::Lower)
            .map_err(|_| Error::Eigen {
                shell: 0,
                label: block.label,
                source: kadanoff_linalg::Error::NoConvergence {
                    dimension: block.dimension,
                },
            })?;
        blocks.push(ClusterBlock {
            label: block.label,
            odd: block.odd,
            energies: solved.S().column_vector().iter().copied().collect(),
        });
        vectors.push(solved.U().to_owned());
    }
    let elements = |channel: usize| {
        let mut found = Vec::new();
        for (i, bra) in products.iter().enumerate() {
            for (j, ket) in products.iter().enumerate() {
                let matrix = symmetry
                    .connects(&bra.label, channel, &ket.label)
                    .then(|| {
                        shell::new_hopping(
                            symmetry,
                            impurity,
                            &site,
                            channel,
                            (bra, &vectors[i], bra.dimension),
                            (ket, &vectors[j], ket.dimension),
                        )
                    })
                    .flatten();
                found.extend(matrix.map(|m| (i, j, m)));
            }
        }
        found
    };
    let hopping = (0..symmetry.channels()).map(elements).collect();
    let cluster = InitialCluster {
        symmetry,
        blocks,
        hopping,
        operators: Vec::new(),
        reflections: [None, None],
        sites: None,
    };
    cluster.validate()?;
    Ok(cluster)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{
        Levels, Options, Quantity, SmoothCurve, Truncation, WilsonChain, clean_chain,
        learn_exchange, solve, thermodynamics,
    };
    use kadanoff_runtime::Control;

    /// Numbers of the package: `tests/impurities/nrg/test_single_impurity.py` writes and checks them.
    const PYTHON: &str = include_str!("single_impurity.txt");
    const SITES: usize = 14;
    const SHELL: usize = 10;
    const T: f64 = 0.012;

    fn options(states: Option<usize>, multiplets: Option<usize>) -> Options {
        Options {
            truncation: Truncation {
                states,
                multiplets,
                energy: None,
                gap: 1e-5,
            },
            memory_limit: None,
            reuse: true,
            basis: None,
        }
    }

    fn of_model(cluster: &InitialCluster) -> (Levels, Vec<f64>) {
        let chain = WilsonChain::flat_band(2.5, SITES).unwrap();
        let (run, outcome) = solve(cluster, &chain, &options(None, Some(60)), &Control::new());
        outcome.unwrap();
        let levels = Levels::new(cluster.symmetry, run);
        let here = levels.averages(&[SHELL], &[T], true).unwrap().remove(0);
        let mut out: Vec<f64> = cluster
            .blocks
            .iter()
            .flat_map(|b| b.energies.clone())
            .collect();
        out.extend([
            here.log_z,
            here.energy,
            here.spin_variance,
            here.charge_variance,
        ]);
        out.push(levels.shells[SHELL].ground);
        out.extend(&here.operators);
        for quantity in [Quantity::Entropy, Quantity::TChi] {
            out.push(SmoothCurve::new(&levels, &chain, quantity).unwrap().at(T));
        }
        (levels, out)
    }

    #[test]
    fn python_gives_the_same_numbers() {
        let chain = WilsonChain::flat_band(2.5, SITES).unwrap();
        for line in PYTHON.lines().skip(1) {
            let (name, rest) = line.split_once(' ').unwrap();
            let numbers: Vec<f64> = rest.split(' ').map(|x| x.parse().unwrap()).collect();
            let (given, found) = match name {
                "chain" => (1, [&chain.hopping[..], &chain.scale[..]].concat()),
                "anderson" => {
                    let cluster = anderson(numbers[0], numbers[1], numbers[2]).unwrap();
                    (3, of_model(&cluster).1)
                }
                "kondo" => (1, of_model(&kondo(numbers[0]).unwrap()).1),
                "learned" => {
                    let dot = anderson(numbers[0], numbers[1], numbers[2]).unwrap();
                    let (t, start) = (numbers[3], numbers[4]);
                    let (options, control) = (options(None, Some(60)), Control::new());
                    let found = learn_exchange(&dot, 2.5, t, start, &options, (1e-6, 50), &control)
                        .unwrap();
                    let tried = found.history.iter().map(|step| step.0);
                    (
                        5,
                        [found.j, found.log_z.0].into_iter().chain(tried).collect(),
                    )
                }
                _ => {
                    let levels = of_model(&kondo(0.4).unwrap()).0;
                    let curve = SmoothCurve::new(&levels, &chain, Quantity::TChi).unwrap();
                    (1, vec![curve.crossing(numbers[0]).unwrap()])
                }
            };
            assert_eq!(found.len(), numbers.len() - given, "{name}");
            for (i, (a, b)) in found.iter().zip(&numbers[given..]).enumerate() {
                // Rounding errors of a hundred operations on numbers of order 1.
                assert!(
                    (a - b).abs() < 1e-12 * b.abs().max(1.0),
                    "{name} {i}: {a} {b}"
                );
            }
        }
    }

    #[test]
    fn without_repulsion_the_orbital_is_one_more_site() {
        let (v, sites) = (0.3, 4);
        let chain = WilsonChain::flat_band(2.5, sites).unwrap();
        let longer = WilsonChain {
            hopping: [&[v], &chain.hopping[..]].concat(),
            onsite: vec![0.0; sites + 1],
            scale: [&[1.0], &chain.scale[..]].concat(),
        };
        // In both symmetries: the second one is asked for by an eps that is zero to rounding only.
        for eps in [0.0, 1e-300] {
            let cluster = anderson(0.0, eps, v).unwrap();
            let options = options(Some(2000), None);
            let (run, outcome) = solve(&cluster, &chain, &options, &Control::new());
            outcome.unwrap();
            for t in [0.05, 0.4] {
                let got = thermodynamics(cluster.symmetry, &run.shells, 3, &[t], true);
                let (ground, exact) = clean_chain(&longer, sites, &[t]);
                assert!((got[0].log_z - exact[0].log_z).abs() < 1e-12);
                assert!((got[0].spin_variance - exact[0].spin_variance).abs() < 1e-12);
                assert!((run.shells[3].ground - ground).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn parameters_are_finite() {
        assert!(anderson(f64::NAN, 0.0, 0.1).is_err());
        assert!(kondo(f64::INFINITY).is_err());
    }
}
