//! Lowest levels and Green functions at low temperature by the Lanczos method.
//!
//! States of a sector (N_up, N_dn) are products of an up and a down configuration; H is diagonal plus hops
//! of one spin at a time. Every multiplet shows in a sector with the smallest `|S_z|`, which is searched first.
//! `G` of a state is the resolvent of the tridiagonal matrix that Lanczos builds on `d^+|n>` and `d|n>`
//! (E. R. Gagliano, C. A. Balseiro, Phys. Rev. Lett. 59, 2999 (1987)): a sum over as many poles as steps.

use crate::map_blocks;
use crate::{Anderson, Error, MAX_LANCZOS};
use faer::Mat;
use kadanoff_linalg::Reduced;
use kadanoff_runtime::Control;
use kadanoff_runtime::simd::{self, Kernel, dispatch};

/// Steps after which a search for levels is given up.
const MAX_STEPS: usize = 600;
/// Residual of a level that counts as found, relative to the width of the spectrum.
const CONVERGED: f64 = 1e-11;

/// All configurations of one spin with a given number of electrons.
struct Side {
    /// Occupied orbitals.
    masks: Vec<u32>,
    /// One-body energy, without the repulsion.
    energy: Vec<f64>,
    /// For every target the (source, matrix element).
    hops: Vec<Vec<(u32, f64)>>,
}

impl Side {
    fn new(model: &Anderson, electrons: usize) -> Self {
        let sites = model.e.len();
        let impurity = 1_u32 << sites;
        let masks: Vec<u32> = (0..1u32 << (sites + 1))
            .filter(|m| m.count_ones() as usize == electrons)
            .collect();
        let energy = masks
            .iter()
            .map(|m| {
                let levels = model.e.iter().chain([&model.eps]).enumerate();
                levels
                    .filter(|(k, _)| m >> k & 1 == 1)
                    .map(|(_, e)| e)
                    .sum()
            })
            .collect();
        let hops = masks
            .iter()
            .map(|&m| {
                let mut list = Vec::new();
                for k in 0..sites {
                    let bath = 1_u32 << k;
                    // One of the two orbitals is occupied: the other one was, before the hop.
                    if (m & bath == 0) == (m & impurity == 0) {
                        continue;
                    }
                    let source = m ^ bath ^ impurity;
                    let between = (m & (impurity - 1) & !((bath << 1) - 1)).count_ones();
                    let sign = if between.is_multiple_of(2) { 1.0 } else { -1.0 };
                    if let Ok(from) = masks.binary_search(&source) {
                        list.push((from as u32, sign * model.v[k]));
                    }
                }
                list
            })
            .collect();
        Self {
            masks,
            energy,
            hops,
        }
    }
}

/// H in one sector.
struct Sector<'a> {
    up: &'a Side,
    down: &'a Side,
    u: f64,
    impurity: u32,
}

impl Sector<'_> {
    fn dimension(&self) -> usize {
        self.up.masks.len() * self.down.masks.len()
    }

    /// `y = H x`
    fn apply(&self, x: &[f64], y: &mut [f64]) {
        dispatch(simd::Level::best(), Apply { sector: self, x, y });
    }

    #[inline(always)]
    fn apply_here(&self, x: &[f64], y: &mut [f64]) {
        let width = self.down.masks.len();
        for (u, row) in y.chunks_exact_mut(width).enumerate() {
            let own = &x[u * width..(u + 1) * width];
            let repulsion = if self.up.masks[u] & self.impurity == 0 {
                0.0
            } else {
                self.u
            };
            let energy = self.up.energy[u];
            for d in 0..width {
                let mut sum = 0.0;
                for &(from, value) in &self.down.hops[d] {
                    sum += value * own[from as usize];
                }
                let double = if self.down.masks[d] & self.impurity == 0 {
                    0.0
                } else {
                    repulsion
                };
                row[d] = (energy + self.down.energy[d] + double) * own[d] + sum;
            }
            for &(from, value) in &self.up.hops[u] {
                let other = &x[from as usize * width..(from as usize + 1) * width];
                for (y, x) in row.iter_mut().zip(other) {
                    *y += value * x;
                }
            }
        }
    }

    /// `(n, docc)` of the impurity in a state.
    fn occupation(&self, x: &[f64]) -> (f64, f64) {
        let width = self.down.masks.len();
        let (mut n, mut docc) = (0.0, 0.0);
        for (i, a) in x.iter().enumerate() {
            let up = self.up.masks[i / width] & self.impurity != 0;
            let down = self.down.masks[i % width] & self.impurity != 0;
            let p = a * a;
            n += p * f64::from(u8::from(up) + u8::from(down));
            if up && down {
                docc += p;
            }
        }
        (n, docc)
    }
}

struct Apply<'a, 'b> {
    sector: &'a Sector<'b>,
    x: &'a [f64],
    y: &'a mut [f64],
}

impl Kernel for Apply<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        self.sector.apply_here(self.x, self.y);
    }
}

/// Takes from `y` what it shares with each of the vectors.
struct Clean<'a> {
    y: &'a mut [f64],
    basis: &'a [Vec<f64>],
}

impl Kernel for Clean<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        for x in self.basis {
            let overlap = dot(x, self.y);
            subtract(self.y, overlap, x);
        }
    }
}

#[inline(always)]
fn dot(a: &[f64], b: &[f64]) -> f64 {
    // Eight partial sums: the compiler may not reorder a plain one.
    let mut s = [0.0; 8];
    let (ca, cb) = (a.chunks_exact(8), b.chunks_exact(8));
    let tail: f64 = ca
        .remainder()
        .iter()
        .zip(cb.remainder())
        .map(|(x, y)| x * y)
        .sum();
    for (x, y) in ca.zip(cb) {
        for l in 0..8 {
            s[l] += x[l] * y[l];
        }
    }
    s.iter().sum::<f64>() + tail
}

#[inline(always)]
fn subtract(y: &mut [f64], factor: f64, x: &[f64]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y -= factor * x;
    }
}

/// A vector without structure that depends on its number only.
fn random_vector(dimension: usize, number: u64) -> Vec<f64> {
    let mut x = kadanoff_runtime::random::mix(number);
    (0..dimension)
        .map(|_| {
            x = kadanoff_runtime::random::mix(x);
            (x >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
        })
        .collect()
}

fn tridiagonal(diagonal: &[f64], off: &[f64]) -> Mat<f64> {
    Mat::from_fn(diagonal.len(), diagonal.len(), |i, j| {
        if i == j {
            diagonal[i]
        } else if i.abs_diff(j) == 1 {
            off[i.min(j)]
        } else {
            0.0
        }
    })
}

fn eigen(diagonal: &[f64], off: &[f64]) -> Result<(Vec<f64>, Mat<f64>), Error> {
    let failed = |source| Error::Eigen {
        electrons: 0,
        twice_spin: 0,
        source,
    };
    let reduced = Reduced::new(tridiagonal(diagonal, off)).map_err(failed)?;
    let values = reduced.values().to_vec();
    let n = values.len();
    Ok((values, reduced.vectors(n).map_err(failed)?))
}

/// Residual of the lowest level in the first search.
const ROUGH: f64 = 1e-4;

/// Residual of the first level that is not wanted.
const SETTLED: f64 = 1e-6;

/// A level with its state.
struct Level {
    energy: f64,
    state: Vec<f64>,
}

/// The lowest level of a sector, roughly: an upper bound and its distance from a level at most.
///
/// Plain Lanczos: copies of levels that rounding brings in do not move the lowest one.
fn lowest(sector: &Sector<'_>, number: u64, control: &Control) -> Result<(f64, f64), Error> {
    let n = sector.dimension();
    let mut x = random_vector(n, number * 1000 + 999);
    let norm = dot(&x, &x).sqrt();
    x.iter_mut().for_each(|x| *x /= norm);
    let (mut before, mut y) = (vec![0.0; n], vec![0.0; n]);
    let (mut diagonal, mut off): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
    loop {
        control.check()?;
        sector.apply(&x, &mut y);
        let alpha = dot(&x, &y);
        diagonal.push(alpha);
        subtract(&mut y, alpha, &x);
        if let Some(&beta) = off.last() {
            subtract(&mut y, beta, &before);
        }
        let beta = dot(&y, &y).sqrt();
        let steps = diagonal.len();
        let exhausted = steps >= n || beta < 1e-12 * alpha.abs().max(1.0);
        if exhausted || steps.is_multiple_of(8) {
            let (values, vectors) = eigen(&diagonal, &off)?;
            let residual = (beta * vectors[(steps - 1, 0)]).abs();
            let scale = values[0].abs().max(1.0);
            if exhausted || residual < ROUGH * scale || steps >= MAX_STEPS {
                return Ok((values[0], residual + 1e-9 * scale));
            }
        }
        off.push(beta);
        y.iter_mut().for_each(|x| *x /= beta);
        std::mem::swap(&mut before, &mut x);
        std::mem::swap(&mut x, &mut y);
    }
}

/// Levels of a sector up to `limit` with their states.
///
/// Lanczos with full orthogonalisation, again and again in the space orthogonal to what was found, until
/// nothing new appears: a single run sees one state of a degenerate level.
fn levels_below(
    sector: &Sector<'_>,
    number: u64,
    limit: f64,
    most: usize,
    control: &Control,
) -> Result<Vec<Level>, Error> {
    let n = sector.dimension();
    let mut found: Vec<Level> = Vec::new();
    for attempt in 0.. {
        if found.len() >= n || found.len() > most {
            break;
        }
        let mut v = random_vector(n, number * 1000 + attempt);
        let mut basis: Vec<Vec<f64>> = Vec::new();
        let (mut diagonal, mut off): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
        let known: Vec<Vec<f64>> = found.iter().map(|l| l.state.clone()).collect();
        for _ in 0..2 {
            dispatch(
                simd::Level::best(),
                Clean {
                    y: &mut v,
                    basis: &known,
                },
            );
        }
        let norm = dot(&v, &v).sqrt();
        if norm < 1e-10 {
            break;
        }
        v.iter_mut().for_each(|x| *x /= norm);
        basis.push(v);
        let fresh = loop {
            control.check()?;
            let k = basis.len() - 1;
            let mut y = vec![0.0; n];
            sector.apply(&basis[k], &mut y);
            diagonal.push(dot(&basis[k], &y));
            subtract(&mut y, diagonal[k], &basis[k]);
            if k > 0 {
                subtract(&mut y, off[k - 1], &basis[k - 1]);
            }
            // What is left to remove is rounding: once is enough.
            for basis in [&known, &basis] {
                dispatch(simd::Level::best(), Clean { y: &mut y, basis });
            }
            let beta = dot(&y, &y).sqrt();
            let steps = basis.len();
            let exhausted = beta < 1e-12 * diagonal[0].abs().max(1.0) || steps + found.len() >= n;
            if exhausted || steps.is_multiple_of(8) {
                let (values, vectors) = eigen(&diagonal, &off)?;
                let scale = values[values.len() - 1].abs().max(values[0].abs()).max(1.0);
                let residual = |j: usize| (beta * vectors[(steps - 1, j)]).abs();
                let good = |j: usize| exhausted || residual(j) < CONVERGED * scale;
                let wanted = values.partition_point(|e| *e <= limit);
                // The lowest level beyond the limit must have settled: before that, one below may
                // still come.
                let beyond = exhausted
                    || (wanted < steps
                        && residual(wanted) < SETTLED * scale
                        && values[wanted] - residual(wanted) > limit);
                if beyond && (0..wanted).all(good) {
                    let mut fresh = Vec::new();
                    for j in 0..wanted {
                        let mut state = vec![0.0; n];
                        for (i, b) in basis.iter().enumerate() {
                            subtract(&mut state, -vectors[(i, j)], b);
                        }
                        let norm = dot(&state, &state).sqrt();
                        state.iter_mut().for_each(|x| *x /= norm);
                        fresh.push(Level {
                            energy: values[j],
                            state,
                        });
                    }
                    break fresh;
                }
                if steps >= MAX_STEPS {
                    return Err(Error::Lanczos {
                        steps,
                        residual: (0..wanted.max(1)).map(residual).fold(0.0, f64::max),
                    });
                }
            }
            off.push(beta);
            y.iter_mut().for_each(|x| *x /= beta);
            basis.push(y);
        };
        let done = fresh.is_empty();
        found.extend(fresh);
        if done {
            break;
        }
    }
    found.sort_by(|a, b| a.energy.total_cmp(&b.energy));
    Ok(found)
}

/// Poles of `<x| 1 / (z -+ (H - E)) |x>`: (energies relative to E, weights).
fn resolvent(
    sector: &Sector<'_>,
    mut x: Vec<f64>,
    steps: usize,
    control: &Control,
) -> Result<(Vec<f64>, Vec<f64>), Error> {
    let weight = dot(&x, &x);
    if weight < 1e-28 {
        return Ok((Vec::new(), Vec::new()));
    }
    let norm = weight.sqrt();
    x.iter_mut().for_each(|x| *x /= norm);
    let mut before = vec![0.0; x.len()];
    let mut y = vec![0.0; x.len()];
    let (mut diagonal, mut off): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
    let mut scale = 0.0_f64;
    for step in 0..steps.min(x.len()) {
        control.check()?;
        sector.apply(&x, &mut y);
        let alpha = dot(&x, &y);
        diagonal.push(alpha);
        scale = scale.max(alpha.abs());
        subtract(&mut y, alpha, &x);
        if let Some(&beta) = off.last() {
            subtract(&mut y, beta, &before);
        }
        let beta = dot(&y, &y).sqrt();
        scale = scale.max(beta);
        if beta < 1e-11 * scale || step + 1 == steps.min(x.len()) {
            break;
        }
        off.push(beta);
        y.iter_mut().for_each(|x| *x /= beta);
        std::mem::swap(&mut before, &mut x);
        std::mem::swap(&mut x, &mut y);
    }
    off.truncate(diagonal.len() - 1);
    let (values, vectors) = eigen(&diagonal, &off)?;
    let weights = (0..values.len())
        .map(|j| weight * vectors[(0, j)] * vectors[(0, j)])
        .collect();
    Ok((values, weights))
}

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
/// Fails with [`Error::Model`] if more than `states` levels of a sector matter at this temperature.
pub fn low_temperature(
    model: &Anderson,
    options: &Options,
    control: &Control,
) -> Result<LowTemperature, Error> {
    model.check(MAX_LANCZOS)?;
    let l = model.orbitals();
    let sides: Vec<Side> = (0..=l).map(|n| Side::new(model, n)).collect();
    let sector = |(up, down): (usize, usize)| Sector {
        up: &sides[up],
        down: &sides[down],
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
                    return Err(Error::Model(format!(
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
mod tests {
    use super::*;
    use crate::{diagonalise, lehmann};
    use faer::c64;

    fn compare(model: &Anderson, beta: f64) -> Result<(), Error> {
        let control = Control::new();
        let spectrum = diagonalise(model, &control)?;
        let exact = spectrum.thermal(beta);
        let options = Options {
            beta,
            cut: 1e-13,
            states: 200,
            steps: 200,
        };
        let found = low_temperature(model, &options, &control)?;
        assert!((found.ground - spectrum.ground).abs() < 1e-10);
        assert!((found.log_z - exact.log_z).abs() < 1e-9);
        assert!((found.n - exact.n).abs() < 1e-9);
        assert!((found.docc - exact.docc).abs() < 1e-9);
        let poles = lehmann(&spectrum, beta, 1e-13);
        let z: Vec<c64> = (0..20)
            .map(|n| c64::new(0.0, f64::from(2 * n + 1) * std::f64::consts::PI / beta))
            .collect();
        let a = crate::poles::at_points(&poles.energies, &[&poles.weights], &z);
        let b = crate::poles::at_points(&found.energies, &[&found.weights], &z);
        for (a, b) in a[0].iter().zip(&b[0]) {
            assert!((a - b).norm() < 1e-8, "{a} {b}");
        }
        Ok(())
    }

    #[test]
    fn agrees_with_the_full_spectrum() -> Result<(), Error> {
        let model = |u, eps, e: &[f64], v: &[f64]| Anderson {
            u,
            eps,
            e: e.to_vec(),
            v: v.to_vec(),
        };
        compare(&model(3.0, -1.2, &[-0.5, 0.1, 0.7], &[0.4, 0.3, 0.5]), 50.0)?;
        // Degenerate levels: particle-hole symmetry, equal bath levels, decoupled sites.
        compare(&model(2.0, -1.0, &[-0.5, 0.0, 0.5], &[0.3, 0.2, 0.3]), 60.0)?;
        compare(
            &model(4.0, -2.0, &[0.0, 0.0, 0.0], &[0.25, 0.25, 0.25]),
            50.0,
        )?;
        compare(&model(4.0, -1.1, &[-1.0, 0.4], &[0.0, 0.0]), 50.0)
    }
}
