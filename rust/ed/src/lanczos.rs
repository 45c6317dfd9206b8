//! Lowest levels and Green functions at low temperature by the Lanczos method.
//!
//! States of a sector (N_up, N_dn) are products of an up and a down configuration; H is diagonal plus hops
//! of one spin at a time. Every multiplet has a member in the sector with the smallest `|S_z|`, which
//! stands for all of them.
//! `G` of a state is the resolvent of the tridiagonal matrix that Lanczos builds on `d^+|n>` and `d|n>`
//! (E. R. Gagliano, C. A. Balseiro, Phys. Rev. Lett. 59, 2999 (1987)): a sum over as many poles as steps.

pub mod finite;
pub(crate) mod krylov;
mod sector;
mod spin;

use crate::{Anderson, Error, MAX_LANCZOS, map_blocks};
use kadanoff_runtime::Control;
use krylov::{Level, Matrix, levels_below, lowest, resolvent};
use sector::{Sector, SpinConfigurations};

/// What a run is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// Inverse temperature; infinity for the ground state alone.
    pub beta: f64,
    /// Boltzmann weights below this, relative to the ground state's, are left out.
    pub cut: f64,
    /// Most states that may be needed in a sector.
    pub states: usize,
    /// Lanczos steps, that is poles, for each part of G.
    pub steps: usize,
}

/// Low-temperature properties.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LowTemperature {
    /// Energy of the ground state.
    pub ground: f64,
    /// Number of states with a Boltzmann weight above the cut.
    pub states: usize,
    /// `ln sum exp(-beta E)` over these states (over the ground states: their number, at T = 0).
    pub log_z: f64,
    /// `<n_up + n_dn>`.
    pub n: f64,
    /// `<n_up n_dn>`.
    pub docc: f64,
    /// Poles of G, averaged over spins.
    pub energies: Vec<f64>,
    /// Their weights.
    pub weights: Vec<f64>,
}

/// Ground states closer than this (relative to the largest |E|) count as degenerate.
const DEGENERATE: f64 = 1e-9;

/// Energies and weights.
type Poles = (Vec<f64>, Vec<f64>);

/// Numbers of up and of down electrons.
type Numbers = (usize, usize);

/// A member of an occupied multiplet, in the sector with the smallest `S_z >= 0`.
struct Occupied {
    pair: Numbers,
    level: Level,
    /// 2 S + 1.
    multiplicity: usize,
    /// Whether exchange of the spins leaves the state as it is: then G is the same for both.
    even: bool,
}

/// Levels up to the Boltzmann cut, averages and G.
///
/// Fails with [`Error::Argument`] if more than `states` levels of a sector matter at this temperature.
///
/// ```
/// use kadanoff_ed::lanczos::{Options, low_temperature};
/// use kadanoff_ed::{Anderson, diagonalise};
/// use kadanoff_runtime::Control;
///
/// let model = Anderson {
///     u: 2.0,
///     eps: -1.0,
///     e: vec![-0.5, 0.5],
///     v: vec![0.3, 0.3],
/// };
/// let options = Options {
///     beta: 200.0,
///     cut: 1e-9,
///     states: 20,
///     steps: 50,
/// };
/// let found = low_temperature(&model, &options, &Control::new())?;
/// let exact = diagonalise(&model, &Control::new())?;
/// assert!((found.ground - exact.ground).abs() < 1e-10);
/// # Ok::<(), kadanoff_ed::Error>(())
/// ```
pub fn low_temperature(
    model: &Anderson,
    options: &Options,
    control: &Control,
) -> Result<LowTemperature, Error> {
    model.check(MAX_LANCZOS)?;
    let problem = Problem::new(model, options, control);
    let (ground, levels) = problem.find_levels()?;
    let weights = problem.weights(ground, &levels);
    let mut out = problem.averages(ground, &levels, &weights);
    (out.energies, out.weights) = problem.green(&levels, &weights)?;
    Ok(out)
}

/// The impurity, what is asked of it, and its configurations by number of electrons of a spin.
struct Problem<'a> {
    options: &'a Options,
    control: &'a Control,
    orbitals: usize,
    configurations: Vec<SpinConfigurations>,
    u: f64,
    impurity: u32,
}

impl<'a> Problem<'a> {
    fn new(model: &Anderson, options: &'a Options, control: &'a Control) -> Self {
        let orbitals = model.orbitals();
        Self {
            options,
            control,
            orbitals,
            configurations: (0..=orbitals)
                .map(|n| SpinConfigurations::new(model, n))
                .collect(),
            u: model.u,
            impurity: 1 << model.e.len(),
        }
    }

    fn sector(&self, (up, down): Numbers) -> Sector<'_> {
        Sector {
            up: &self.configurations[up],
            down: &self.configurations[down],
            u: self.u,
            impurity: self.impurity,
        }
    }

    fn size(&self, pair: Numbers) -> usize {
        self.sector(pair).dimension()
    }

    /// The index of a sector: the stream of its random start vectors.
    fn number(&self, (up, down): Numbers) -> u64 {
        (up * (self.orbitals + 1) + down) as u64
    }

    /// Sectors of a small model take less time than a thread.
    fn is_small(&self) -> bool {
        self.orbitals <= 4
    }

    /// Energy of the ground state, and all levels with a Boltzmann weight above the cut.
    fn find_levels(&self) -> Result<(f64, Vec<Occupied>), Error> {
        // Lowest level of every number of electrons.
        let smallest: Vec<Numbers> = (0..=2 * self.orbitals)
            .map(|n| (n.div_ceil(2), n / 2))
            .collect();
        self.control.add_total(2 * smallest.len() as u64);
        let rough = map_blocks(
            &smallest,
            self.is_small(),
            |&pair| self.size(pair),
            |&pair| {
                let found = lowest(&self.sector(pair), self.number(pair), self.control);
                self.control.tick(1);
                found
            },
        )
        .into_iter()
        .collect::<Result<Vec<(f64, f64)>, Error>>()?;
        let bound = rough.iter().map(|r| r.0).fold(f64::INFINITY, f64::min);
        let scale = bound.abs().max(1.0);
        let window = (-self.options.cut.ln() / self.options.beta).max(DEGENERATE * scale);
        // Above the true limit, as `bound` lies above the ground state.
        let limit = bound + window;
        let starts: Vec<Numbers> = (0..smallest.len())
            .filter(|&n| rough[n].0 - rough[n].1 <= limit)
            .map(|n| smallest[n])
            .collect();
        let by_electrons = map_blocks(
            &starts,
            self.is_small(),
            |&pair| self.size(pair),
            |&pair| self.levels_from(pair, limit),
        )
        .into_iter()
        .collect::<Result<Vec<_>, Error>>()?;
        let mut levels: Vec<Occupied> = by_electrons.into_iter().flatten().collect();
        let ground = levels
            .iter()
            .map(|member| member.level.energy)
            .fold(f64::INFINITY, f64::min);
        levels.retain(|member| member.level.energy <= ground + window);
        Ok((ground, levels))
    }

    /// Multiplets below the limit with a member in this sector.
    fn levels_from(&self, pair: Numbers, limit: f64) -> Result<Vec<Occupied>, Error> {
        let most = self.options.states;
        let (sector, number) = (self.sector(pair), self.number(pair));
        let (levels, _) = levels_below(&sector, number, limit, most, self.control)?;
        if levels.len() > most {
            return Err(Error::Argument(format!(
                "more than {most} states of a sector are occupied at beta = {}: the temperature is too \
                 high for Lanczos; use full diagonalisation with fewer sites, or raise states",
                self.options.beta
            )));
        }
        self.control.tick(1);
        if pair.1 == 0 || pair.0 == self.orbitals {
            // No spin can be turned up: S = S_z.
            let multiplicity = pair.0 - pair.1 + 1;
            let members = levels.into_iter().map(|level| Occupied {
                pair,
                level,
                multiplicity,
                even: false,
            });
            return Ok(members.collect());
        }
        let raised = self.sector((pair.0 + 1, pair.1 - 1));
        spin::multiplets(&sector, &raised, pair, levels)
    }

    /// Boltzmann weight of every multiplet relative to a ground state.
    fn weights(&self, ground: f64, levels: &[Occupied]) -> Vec<f64> {
        levels
            .iter()
            .map(|member| {
                let boltzmann = if self.options.beta.is_infinite() {
                    1.0
                } else {
                    (-self.options.beta * (member.level.energy - ground)).exp()
                };
                member.multiplicity as f64 * boltzmann
            })
            .collect()
    }

    /// Everything but G.
    fn averages(&self, ground: f64, levels: &[Occupied], weights: &[f64]) -> LowTemperature {
        let mut out = LowTemperature {
            ground,
            ..Default::default()
        };
        let mut z = 0.0;
        for (member, weight) in levels.iter().zip(weights) {
            let (n, docc) = self.sector(member.pair).occupation(&member.level.state);
            z += weight;
            out.states += member.multiplicity;
            out.n += weight * n;
            out.docc += weight * docc;
        }
        out.n /= z;
        out.docc /= z;
        out.log_z = z.ln();
        if self.options.beta.is_finite() {
            out.log_z -= self.options.beta * ground;
        }
        out
    }

    /// Poles of G and their weights.
    fn green(&self, levels: &[Occupied], weights: &[f64]) -> Result<Poles, Error> {
        self.control.add_total(levels.len() as u64);
        let z = weights.iter().fold(0.0, |z, weight| z + weight);
        let weighted: Vec<(&Occupied, f64)> =
            levels.iter().zip(weights.iter().map(|w| w / z)).collect();
        let by_level = map_blocks(
            &weighted,
            false,
            |(member, _)| self.size(member.pair),
            |(member, weight)| self.poles(member, *weight),
        );
        let mut out = (Vec::new(), Vec::new());
        for poles in by_level {
            let (energies, weights) = poles?;
            out.0.extend(energies);
            out.1.extend(weights);
        }
        Ok(out)
    }

    /// The poles that a multiplet of this weight contributes.
    fn poles(&self, member: &Occupied, weight: f64) -> Result<Poles, Error> {
        let sector = |pair| self.sector(pair);
        let (pair, level) = (member.pair, &member.level);
        let all = [(true, true), (true, false), (false, true), (false, false)];
        let (kinds, share) = if member.even {
            (&all[..2], 1.0)
        } else {
            (&all[..], 0.5)
        };
        let mut poles = (Vec::new(), Vec::new());
        for &(spin_up, create) in kinds {
            let acted = act(&sector, pair, self.orbitals, &level.state, spin_up, create);
            let Some((target, x)) = acted else {
                continue;
            };
            let (e, w) = resolvent(&self.sector(target), x, self.options.steps, self.control)?;
            let sign = if create { 1.0 } else { -1.0 };
            poles.0.extend(e.iter().map(|e| sign * (e - level.energy)));
            // The average over spins is the same for all members.
            poles.1.extend(w.iter().map(|w| share * weight * w));
        }
        self.control.tick(1);
        Ok(poles)
    }
}

/// `d_s^+` or `d_s` on a state: the target sector and the vector, or nothing beyond the last sector.
fn act<'a>(
    sector: &impl Fn(Numbers) -> Sector<'a>,
    (up, down): Numbers,
    orbitals: usize,
    state: &[f64],
    spin_up: bool,
    create: bool,
) -> Option<(Numbers, Vec<f64>)> {
    let shift = |n: usize| {
        if create {
            (n < orbitals).then_some(n + 1)
        } else {
            n.checked_sub(1)
        }
    };
    let target = if spin_up {
        (shift(up)?, down)
    } else {
        (up, shift(down)?)
    };
    let (from, to) = (sector((up, down)), sector(target));
    let (own, other) = if spin_up {
        (from.up, to.up)
    } else {
        (from.down, to.down)
    };
    let (width, new_width) = (from.down.masks.len(), to.down.masks.len());
    let mut out = vec![0.0; to.dimension()];
    for (i, &mask) in own.masks.iter().enumerate() {
        if (mask & from.impurity == 0) != create {
            continue;
        }
        let Ok(j) = other.masks.binary_search(&(mask ^ from.impurity)) else {
            continue;
        };
        // The impurity is the last orbital; what does not depend on the mask is a global sign.
        let sign = if (mask & (from.impurity - 1)).count_ones().is_multiple_of(2) {
            1.0
        } else {
            -1.0
        };
        if spin_up {
            for d in 0..width {
                out[j * new_width + d] = sign * state[i * width + d];
            }
        } else {
            for u in 0..from.up.masks.len() {
                out[u * new_width + j] = sign * state[u * width + i];
            }
        }
    }
    Some((target, out))
}

#[cfg(test)]
mod tests;
