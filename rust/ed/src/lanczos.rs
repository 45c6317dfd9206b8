//! Lowest levels and Green functions at low temperature by the Lanczos method.
//!
//! States of a sector (N_up, N_dn) are products of an up and a down configuration; H is diagonal plus hops
//! of one spin at a time. Every multiplet shows in a sector with the smallest `|S_z|`, which is searched first.
//! `G` of a state is the resolvent of the tridiagonal matrix that Lanczos builds on `d^+|n>` and `d|n>`
//! (E. R. Gagliano, C. A. Balseiro, Phys. Rev. Lett. 59, 2999 (1987)): a sum over as many poles as steps.

pub mod finite;
mod krylov;
mod sector;

use crate::{Anderson, Error, MAX_LANCZOS, map_blocks};
use kadanoff_runtime::Control;
use krylov::{Level, levels_below, lowest, resolvent};
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

/// Levels up to the Boltzmann cut, averages and G.
///
/// Fails with [`Error::Argument`] if more than `states` levels of a sector matter at this temperature.
pub fn low_temperature(
    model: &Anderson,
    options: &Options,
    control: &Control,
) -> Result<LowTemperature, Error> {
    model.check(MAX_LANCZOS)?;
    let l = model.orbitals();
    let by_electrons: Vec<SpinConfigurations> =
        (0..=l).map(|n| SpinConfigurations::new(model, n)).collect();
    let sector = |(up, down): (usize, usize)| Sector {
        up: &by_electrons[up],
        down: &by_electrons[down],
        u: model.u,
        impurity: 1 << model.e.len(),
    };
    let size = |pair: &(usize, usize)| sector(*pair).dimension();
    let number = |(up, down): (usize, usize)| (up * (l + 1) + down) as u64;
    // Lowest level of every number of electrons.
    let smallest: Vec<(usize, usize)> = (0..=2 * l).map(|n| (n.div_ceil(2), n / 2)).collect();
    control.add_total(2 * smallest.len() as u64);
    let rough = map_blocks(&smallest, l <= 4, size, |&pair| {
        let found = lowest(&sector(pair), number(pair), control);
        control.tick(1);
        found
    })
    .into_iter()
    .collect::<Result<Vec<(f64, f64)>, Error>>()?;
    let bound = rough.iter().map(|r| r.0).fold(f64::INFINITY, f64::min);
    let scale = bound.abs().max(1.0);
    let window = (-options.cut.ln() / options.beta).max(DEGENERATE * scale);
    // Above the true limit, as `bound` lies above the ground state.
    let limit = bound + window;
    // All sectors that may hold a level below the limit, by rising S_z for every N.
    let starts: Vec<usize> = (0..smallest.len())
        .filter(|&n| rough[n].0 - rough[n].1 <= limit)
        .collect();
    let parts = map_blocks(
        &starts,
        l <= 4,
        |&n| size(&smallest[n]),
        |&n| {
            let mut found = Vec::new();
            let (mut up, mut down) = smallest[n];
            loop {
                let here = levels_below(
                    &sector((up, down)),
                    number((up, down)),
                    limit,
                    options.states,
                    control,
                )?;
                if here.len() > options.states {
                    return Err(Error::Argument(format!(
                        "more than {} states of a sector are occupied at beta = {}: the temperature is too \
                         high for Lanczos; use full diagonalisation with fewer sites, or raise states",
                        options.states, options.beta
                    )));
                }
                if here.is_empty() {
                    break;
                }
                found.push(((up, down), here));
                if up == l || down == 0 {
                    break;
                }
                up += 1;
                down -= 1;
            }
            control.tick(1);
            Ok(found)
        },
    )
    .into_iter()
    .collect::<Result<Vec<_>, Error>>()?;
    let mut states: Vec<((usize, usize), Level)> = parts
        .into_iter()
        .flatten()
        .flat_map(|(pair, levels)| levels.into_iter().map(move |level| (pair, level)))
        .collect();
    let ground = states
        .iter()
        .map(|(_, level)| level.energy)
        .fold(f64::INFINITY, f64::min);
    states.retain(|(_, level)| level.energy <= ground + window);
    let mut out = LowTemperature {
        ground,
        ..Default::default()
    };
    let mut z = 0.0;
    let weigh = |energy: f64, (up, down): (usize, usize)| {
        let multiplicity = if up == down { 1.0 } else { 2.0 };
        let boltzmann = if options.beta.is_infinite() {
            1.0
        } else {
            (-options.beta * (energy - ground)).exp()
        };
        multiplicity * boltzmann
    };
    for (pair, level) in &states {
        let weight = weigh(level.energy, *pair);
        let (n, docc) = sector(*pair).occupation(&level.state);
        z += weight;
        out.states += if pair.0 == pair.1 { 1 } else { 2 };
        out.n += weight * n;
        out.docc += weight * docc;
    }
    out.n /= z;
    out.docc /= z;
    out.log_z = z.ln();
    if options.beta.is_finite() {
        out.log_z -= options.beta * ground;
    }
    control.add_total(states.len() as u64);
    type Poles = (Vec<f64>, Vec<f64>);
    let poles: Vec<Result<Poles, Error>> = map_blocks(
        &states,
        false,
        |(pair, _)| size(pair),
        |(pair, level)| {
            let mut poles = (Vec::new(), Vec::new());
            let weight = weigh(level.energy, *pair) / z;
            for (spin_up, create) in [(true, true), (true, false), (false, true), (false, false)] {
                let Some((target, x)) = act(&sector, *pair, l, &level.state, spin_up, create)
                else {
                    continue;
                };
                let (e, w) = resolvent(&sector(target), x, options.steps, control)?;
                let sign = if create { 1.0 } else { -1.0 };
                poles.0.extend(e.iter().map(|e| sign * (e - level.energy)));
                // Half of each spin: the average of a state and its mirror image.
                poles.1.extend(w.iter().map(|w| 0.5 * weight * w));
            }
            control.tick(1);
            Ok(poles)
        },
    );
    for part in poles {
        let (e, w) = part?;
        out.energies.extend(e);
        out.weights.extend(w);
    }
    Ok(out)
}

/// `d_s^+` or `d_s` on a state: the target sector and the vector, or nothing beyond the last sector.
fn act<'a>(
    sector: &impl Fn((usize, usize)) -> Sector<'a>,
    (up, down): (usize, usize),
    orbitals: usize,
    state: &[f64],
    spin_up: bool,
    create: bool,
) -> Option<((usize, usize), Vec<f64>)> {
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
