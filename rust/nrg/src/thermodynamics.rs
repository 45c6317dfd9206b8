//! Thermal averages from the eigenvalues of a run, and the exact ones of the clean chain.

use crate::{Error, Factor, Shell, Symmetry, WilsonChain};

/// Thermal averages at one temperature. Energies are counted from the ground state.
#[derive(Debug, Clone, Default)]
pub struct Average {
    /// `ln sum exp(-E/T)`, from the ground state.
    pub log_z: f64,
    /// `<E>`, from the ground state.
    pub energy: f64,
    /// `<E^2> - <E>^2`.
    pub energy_variance: f64,
    /// `<S_z>`.
    pub spin: f64,
    /// `<S_z^2> - <S_z>^2`.
    pub spin_variance: f64,
    /// `<Q>`, relative to half filling.
    pub charge: f64,
    /// `<Q^2> - <Q>^2`.
    pub charge_variance: f64,
    /// Every static operator.
    pub operators: Vec<f64>,
    /// Share of the statistical weight that lies in states of the last shell's upper half, above
    /// its cut: a measure of what the truncation may have done.
    pub weight_above_cut: f64,
}

impl Average {
    /// All but the operators: `[log_z, energy, energy_variance, spin, spin_variance, charge,
    /// charge_variance, weight_above_cut]`.
    ///
    /// ```
    /// use kadanoff_nrg::Average;
    ///
    /// let average = Average {
    ///     log_z: 1.5,
    ///     weight_above_cut: 0.1,
    ///     ..Average::default()
    /// };
    /// assert_eq!(average.row(), [1.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.1]);
    /// ```
    pub fn row(&self) -> [f64; 8] {
        [
            self.log_z,
            self.energy,
            self.energy_variance,
            self.spin,
            self.spin_variance,
            self.charge,
            self.charge_variance,
            self.weight_above_cut,
        ]
    }
}

/// Pairs of a shell below `count` and a positive temperature.
pub(crate) fn pairs(
    shells: &[usize],
    temperatures: &[f64],
    count: usize,
) -> Result<impl Iterator<Item = (usize, f64)>, Error> {
    if shells.len() != temperatures.len() {
        return Err(Error::Argument(format!(
            "{} shells and {} temperatures do not make pairs",
            shells.len(),
            temperatures.len()
        )));
    }
    if let Some(n) = shells.iter().find(|&&n| n >= count) {
        return Err(Error::Argument(format!(
            "shell must be below {count}, got {n}"
        )));
    }
    if let Some(t) = temperatures.iter().find(|t| !t.is_finite() || **t <= 0.0) {
        return Err(Error::Argument(format!(
            "temperatures must be positive, got {t}"
        )));
    }
    Ok(shells.iter().copied().zip(temperatures.iter().copied()))
}

#[derive(Default)]
struct Sums {
    z: f64,
    e: f64,
    e2: f64,
    s: f64,
    s2: f64,
    q: f64,
    q2: f64,
    above: f64,
    operators: Vec<f64>,
}

/// Averages over the shell that ends at chain site `n`, at each temperature.
///
/// With `complete`, the discarded states of the earlier shells are added, each times the 4^k
/// states of the k sites that were still to come (Anders and Schiller, doi:
/// 10.1103/PhysRevLett.95.196801): every one of the chain's states is then counted once, as in
/// the full density matrix. Operators are averaged over the last shell only.
///
/// ```
/// use kadanoff_nrg::{
///     Factor, InitialCluster, Options, Symmetry, Truncation, WilsonChain, clean_chain, solve,
///     thermodynamics,
/// };
/// use kadanoff_runtime::Control;
///
/// # let chain = WilsonChain {
/// #     hopping: vec![0.5, 0.3, 0.2],
/// #     onsite: vec![0.0; 4],
/// #     scale: vec![1.0, 0.6, 0.4, 0.25],
/// # };
/// # let options = Options {
/// #     truncation: Truncation {
/// #         states: Some(500),
/// #         multiplets: None,
/// #         energy: None,
/// #         gap: 1e-5,
/// #     },
/// #     memory_limit: None,
/// #     reuse: true,
/// #     basis: None,
/// # };
/// let cluster = InitialCluster::site(Symmetry::single(Factor::U1, Factor::SU2));
/// let (run, outcome) = solve(&cluster, &chain, &options, &Control::new());
/// outcome?;
/// let found = &thermodynamics(cluster.symmetry, &run.shells, 3, &[0.3], true)[0];
/// let exact = &clean_chain(&chain, 3, &[0.3]).1[0];
/// assert!((found.log_z - exact.log_z).abs() < 1e-12);
/// # Ok::<(), kadanoff_nrg::Error>(())
/// ```
pub fn thermodynamics(
    symmetry: Symmetry,
    shells: &[Shell],
    n: usize,
    temperatures: &[f64],
    complete: bool,
) -> Vec<Average> {
    temperatures
        .iter()
        .map(|&t| average(symmetry, shells, n, t, complete))
        .collect()
}

fn average(symmetry: Symmetry, shells: &[Shell], n: usize, t: f64, complete: bool) -> Average {
    let Some(last) = shells.get(n) else {
        return Average::default();
    };
    let count = last
        .blocks
        .first()
        .map_or(0, |block| block.expectations.len());
    let mut sums = Sums {
        operators: vec![0.0; count],
        ..Sums::default()
    };
    let mut in_last = 0.0;
    let first = if complete { 0 } else { n };
    for shell in &shells[first..=n] {
        let more = (n - shell.site) as f64;
        let shift = shell.ground - last.ground;
        let multiplicity = (more * symmetry.site_entropy()).exp();
        let orbitals = more * symmetry.site_orbitals() as f64;
        for block in &shell.blocks {
            let d = symmetry.dimension(&block.label) as f64 * multiplicity;
            let (q, q2) = moments(symmetry.charge, block.label[0], 1.0);
            let (s, s2) = moments(symmetry.spin, block.label[1], 0.5);
            // A free orbital has <S_z^2> = 1/8 and <Q^2> = 1/2.
            let (s2, q2) = (s2 + orbitals / 8.0, q2 + orbitals / 2.0);
            let start = if shell.site == n { 0 } else { block.kept };
            // Weights below 1e-19 of the ground state's; with 4^more of them still below rounding.
            let negligible = t * (44.0 + more * symmetry.site_entropy());
            for (i, &energy) in block.energies.iter().enumerate().skip(start) {
                let e = energy + shift;
                if e > negligible {
                    break;
                }
                let w = d * (-e / t).exp();
                sums.z += w;
                sums.e += w * e;
                sums.e2 += w * e * e;
                sums.s += w * s;
                sums.s2 += w * s2;
                sums.q += w * q;
                sums.q2 += w * q2;
                if shell.site == n {
                    in_last += w;
                    for (sum, o) in sums.operators.iter_mut().zip(&block.expectations) {
                        *sum += w * o[i];
                    }
                }
                if shell.site < n || i >= block.kept {
                    sums.above += w;
                }
            }
        }
    }
    let z = sums.z;
    let mean = |x: f64| x / z;
    Average {
        log_z: z.ln(),
        energy: mean(sums.e),
        energy_variance: mean(sums.e2) - mean(sums.e).powi(2),
        spin: mean(sums.s),
        spin_variance: mean(sums.s2) - mean(sums.s).powi(2),
        charge: mean(sums.q),
        charge_variance: mean(sums.q2) - mean(sums.q).powi(2),
        operators: sums.operators.iter().map(|o| o / in_last).collect(),
        weight_above_cut: mean(sums.above),
    }
}

/// First and second moment of a charge over a multiplet; `unit` converts the label.
fn moments(factor: Factor, label: i16, unit: f64) -> (f64, f64) {
    let x = f64::from(label);
    match factor {
        Factor::U1 => (unit * x, (unit * x).powi(2)),
        // <J_z^2> = j(j+1)/3 with 2j = label; the charge is 2 I_z.
        Factor::SU2 => (
            0.0,
            (2.0 * unit).powi(2) * (0.5 * x) * (0.5 * x + 1.0) / 3.0,
        ),
        // What is not conserved is not known from the label.
        Factor::Cyclic(_) => (f64::NAN, f64::NAN),
    }
}

/// Exact averages of the clean chain of sites `0..=n`, from its single-particle levels.
///
/// ```
/// use kadanoff_nrg::{WilsonChain, clean_chain};
///
/// let chain = WilsonChain {
///     hopping: vec![0.5, 0.3, 0.2],
///     onsite: vec![0.0; 4],
///     scale: vec![1.0, 0.6, 0.4, 0.25],
/// };
/// // Four sites of four states each.
/// let (_, averages) = clean_chain(&chain, 3, &[1e6]);
/// assert!((averages[0].log_z - 4.0 * 4.0_f64.ln()).abs() < 1e-5);
/// ```
pub fn clean_chain(chain: &WilsonChain, n: usize, temperatures: &[f64]) -> (f64, Vec<Average>) {
    let levels = chain.levels(n);
    let ground = 2.0 * levels.iter().filter(|&&e| e < 0.0).sum::<f64>();
    let averages = temperatures
        .iter()
        .map(|&t| {
            let mut a = Average {
                charge: -(levels.len() as f64),
                ..Average::default()
            };
            for &level in &levels {
                let x = level.abs() / t;
                let boltzmann = (-x).exp();
                // Occupation of the excitation above the ground state of this level.
                let f = boltzmann / (1.0 + boltzmann);
                let variance = f / (1.0 + boltzmann);
                a.log_z += 2.0 * boltzmann.ln_1p();
                a.energy += 2.0 * level.abs() * f;
                a.energy_variance += 2.0 * level * level * variance;
                a.spin_variance += 0.5 * variance;
                a.charge_variance += 2.0 * variance;
                a.charge += 2.0 * if level > 0.0 { f } else { 1.0 - f };
            }
            a
        })
        .collect();
    (ground, averages)
}

/// [`clean_chain`] at pairs of a last site and a temperature: ground-state energies and averages.
///
/// # Errors
/// Lists that do not make pairs, a site that does not exist, a temperature that is not positive.
///
/// ```
/// use kadanoff_nrg::{WilsonChain, clean_chains};
///
/// let chain = WilsonChain {
///     hopping: vec![0.5],
///     onsite: vec![0.0; 2],
///     scale: vec![1.0, 0.6],
/// };
/// let (ground, averages) = clean_chains(&chain, &[0, 1], &[0.3, 0.3])?;
/// assert!(ground[0] == 0.0 && (ground[1] + 1.0).abs() < 1e-15); // two electrons at -t
/// assert_eq!(averages.len(), 2);
/// # Ok::<(), kadanoff_nrg::Error>(())
/// ```
pub fn clean_chains(
    chain: &WilsonChain,
    last: &[usize],
    temperatures: &[f64],
) -> Result<(Vec<f64>, Vec<Average>), Error> {
    let one = |(n, t)| {
        let (ground, mut averages) = clean_chain(chain, n, &[t]);
        (ground, averages.pop().unwrap_or_default())
    };
    Ok(pairs(last, temperatures, chain.sites())?.map(one).unzip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_clean_site_has_four_states() {
        let chain = WilsonChain {
            hopping: vec![],
            onsite: vec![0.0],
            scale: vec![1.0],
        };
        let (ground, averages) = clean_chain(&chain, 0, &[1.0, 0.01]);
        assert_eq!(ground, 0.0);
        for a in averages {
            assert!((a.log_z - 4.0_f64.ln()).abs() < 1e-15);
            assert!((a.spin_variance - 0.125).abs() < 1e-15);
            assert!((a.charge_variance - 0.5).abs() < 1e-15);
        }
    }

    #[test]
    fn moments_of_a_triplet_and_of_a_doublet() {
        assert!((moments(Factor::SU2, 2, 0.5).1 - 2.0 / 3.0).abs() < 1e-15);
        assert!((moments(Factor::SU2, 1, 1.0).1 - 1.0).abs() < 1e-15);
        assert_eq!(moments(Factor::U1, -3, 0.5), (-1.5, 2.25));
    }
}
