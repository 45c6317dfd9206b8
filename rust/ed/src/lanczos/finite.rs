//! Finite-temperature Lanczos: traces by random vectors, for temperatures at which many levels are occupied.
//!
//! `Tr A = <r|A|r>` on the average over vectors r of random signs. With `|c> = exp(-beta H / 2)|r>` from the
//! Krylov space of r, `Z = <c|c>`, `<n> = <c|n|c> / Z`, and
//!
//! `G(z) = 1/Z sum_ij <c|i> <i|d|j> <j|d^+|c> / (z - E_j + E_i) + ...`,
//!
//! with i in the Krylov space of r and j in that of `d^+|c>`. The symmetric splitting makes one vector enough
//! as T goes to zero (M. Aichhorn et al., Phys. Rev. B 67, 161103 (2003); P. Prelovsek, J. Bonca,
//! arXiv:1111.5931). Sectors that are small are summed over all their states. Every sample has one random
//! vector in every other sector; sum rules of G hold sample by sample.
//!
//! There are millions of poles. Each is shared out among the next four energies of a grid, as in cubic
//! interpolation of `1 / (z - E)`: moments up to the third are conserved, and G at Matsubara frequencies to
//! `STEP^4 / 2`.

use super::act;
use super::krylov::{Clean, Matrix, combined, dot, eigen, length, lowest, normalise, step};
use super::sector::{Sector, SpinConfigurations};
use crate::poles::at_points;
use crate::{Anderson, Error, MAX_LANCZOS, map_blocks};
use faer::{Mat, c64};
use kadanoff_runtime::simd::{self, dispatch};
use kadanoff_runtime::{Control, random};

/// What a run is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FiniteOptions {
    /// Inverse temperature.
    pub beta: f64,
    /// Random vectors in every sector.
    pub vectors: usize,
    /// Lanczos steps.
    pub steps: usize,
    /// Sectors up to this dimension are summed exactly.
    pub exact: usize,
    /// Of the random vectors.
    pub seed: u64,
}

/// Sums over states of one sample, to be divided by `z`.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// `sum exp(-beta (E - ground))`.
    pub z: f64,
    /// `z <n>`.
    pub n: f64,
    /// `z <n_up n_dn>`.
    pub docc: f64,
    /// `z G`, averaged over spins, at the points asked for.
    pub green: Vec<c64>,
}

impl Sample {
    fn empty(points: usize) -> Self {
        Self {
            z: 0.0,
            n: 0.0,
            docc: 0.0,
            green: vec![c64::new(0.0, 0.0); points],
        }
    }

    fn add(&mut self, other: &Self) {
        self.z += other.z;
        self.n += other.n;
        self.docc += other.docc;
        for (a, b) in self.green.iter_mut().zip(&other.green) {
            *a += *b;
        }
    }
}

/// Samples, and poles of their average.
#[derive(Debug, Clone, PartialEq)]
pub struct Finite {
    /// Energy that `Sample::z` refers to.
    pub ground: f64,
    /// One for each random vector.
    pub samples: Vec<Sample>,
    /// Energies of the poles of `sum_samples z G`.
    pub energies: Vec<f64>,
    /// Their residues; small ones may be negative.
    pub weights: Vec<f64>,
}

/// Spacing of the grid of poles over the distance from the first Matsubara frequency.
const STEP: f64 = 1.0 / 512.0;
/// Sectors and vectors whose results are in memory at once.
const TOGETHER: usize = 256;

/// Energies `pi / beta sinh(STEP k)`, to which poles are moved.
struct Grid {
    unit: f64,
    energies: Vec<f64>,
}

impl Grid {
    fn new(model: &Anderson, beta: f64) -> Self {
        let norm = model.u.abs()
            + 2.0 * model.eps.abs()
            + 2.0 * model.e.iter().chain(&model.v).map(|x| x.abs()).sum::<f64>();
        let unit = std::f64::consts::PI / beta;
        // Poles are differences of two levels.
        let side = ((2.0 * norm / unit).asinh() / STEP).ceil() as i32 + 2;
        let energies = (-side..=side).map(|k| unit * (f64::from(k) * STEP).sinh());
        Self {
            unit,
            energies: energies.collect(),
        }
    }

    /// Adds a pole to the weights of the grid.
    fn add(&self, weights: &mut [f64], energy: f64, weight: f64) {
        let half = (self.energies.len() / 2) as f64;
        let at = (energy / self.unit).asinh() / STEP + half;
        let first = (at as usize).clamp(1, self.energies.len() - 3) - 1;
        let nodes = &self.energies[first..first + 4];
        for (j, x) in nodes.iter().enumerate() {
            let others = nodes.iter().enumerate().filter(|(k, _)| *k != j);
            let share: f64 = others.map(|(_, y)| (energy - y) / (x - y)).product();
            weights[first + j] += weight * share;
        }
    }
}

/// Weights smaller than this, relative to a sample's largest, are left out.
const NEGLIGIBLE: f64 = 1e-14;

/// Samples of averages and of G at some points, and the poles of G.
///
/// ```
/// use kadanoff_ed::lanczos::finite::{FiniteOptions, finite_temperature};
/// use kadanoff_ed::{Anderson, diagonalise};
/// use kadanoff_runtime::Control;
///
/// let model = Anderson {
///     u: 2.0,
///     eps: -1.0,
///     e: vec![-0.5, 0.5],
///     v: vec![0.3, 0.3],
/// };
/// let options = FiniteOptions {
///     beta: 5.0,
///     vectors: 2,
///     steps: 30,
///     exact: 100, // sectors of this model are smaller: no random vector is drawn
///     seed: 1,
/// };
/// let found = finite_temperature(&model, &options, &[], &Control::new())?;
/// let z: f64 = found.samples.iter().map(|s| s.z).sum();
/// let n = found.samples.iter().map(|s| s.n).sum::<f64>() / z;
/// assert!((n - diagonalise(&model, &Control::new())?.thermal(5.0)?.n).abs() < 1e-10);
/// assert!((found.weights.iter().sum::<f64>() / z - 1.0).abs() < 1e-10);
/// # Ok::<(), kadanoff_ed::Error>(())
/// ```
pub fn finite_temperature(
    model: &Anderson,
    options: &FiniteOptions,
    points: &[c64],
    control: &Control,
) -> Result<Finite, Error> {
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
    let number = |(up, down): (usize, usize)| (up * (l + 1) + down) as u64;
    let pairs: Vec<(usize, usize)> = (0..=l)
        .flat_map(|up| (0..=up).map(move |down| (up, down)))
        .collect();
    let size = |pair: &(usize, usize)| sector(*pair).dimension();
    let rough = map_blocks(&pairs, l <= 4, size, |&pair| {
        lowest(&sector(pair), number(pair), control)
    })
    .into_iter()
    .collect::<Result<Vec<_>, Error>>()?;
    let ground = rough.iter().map(|r| r.0).fold(f64::INFINITY, f64::min);
    // (sector, sample); every sample shares the exact ones.
    let mut items: Vec<((usize, usize), Option<usize>)> = Vec::new();
    for (&pair, &(energy, error)) in pairs.iter().zip(&rough) {
        let dimension = size(&pair);
        let weight = dimension as f64 * (-options.beta * (energy - error - ground)).exp();
        if weight < NEGLIGIBLE {
            continue;
        }
        if dimension <= options.exact {
            items.push((pair, None));
        } else {
            items.extend((0..options.vectors).map(|r| (pair, Some(r))));
        }
    }
    control.add_total(items.len() as u64);
    let grid = Grid::new(model, options.beta);
    let mut weights = vec![0.0; grid.energies.len()];
    let mut samples = vec![Sample::empty(points.len()); options.vectors];
    for items in items.chunks(TOGETHER) {
        let parts = map_blocks(
            items,
            false,
            |(pair, _)| size(pair),
            |&(pair, sample)| {
                let dimension = size(&pair);
                let multiplicity = if pair.0 == pair.1 { 1.0 } else { 2.0 };
                let mut sum = Sample::empty(points.len());
                let mut weights = vec![0.0; grid.energies.len()];
                let run = Run {
                    sector: &sector,
                    pair,
                    orbitals: l,
                    options,
                    ground,
                    points,
                    grid: &grid,
                    control,
                };
                if let Some(r) = sample {
                    let index = (number(pair) << 32) | r as u64;
                    let x = signs(dimension, options.seed, index);
                    sum.add(&run.vector(x, multiplicity, &mut weights)?);
                } else {
                    for k in 0..dimension {
                        let mut x = vec![0.0; dimension];
                        x[k] = 1.0;
                        sum.add(&run.vector(x, multiplicity, &mut weights)?);
                    }
                }
                control.tick(1);
                Ok((sum, weights))
            },
        )
        .into_iter()
        .collect::<Result<Vec<_>, Error>>()?;
        for ((_, sample), (part, poles)) in items.iter().zip(&parts) {
            let shared = match sample {
                Some(r) => {
                    samples[*r].add(part);
                    1.0
                }
                None => {
                    samples.iter_mut().for_each(|s| s.add(part));
                    options.vectors as f64
                }
            };
            for (sum, weight) in weights.iter_mut().zip(poles) {
                *sum += shared * weight;
            }
        }
    }
    let poles = grid.energies.iter().zip(&weights);
    let (energies, weights) = poles.filter(|(_, weight)| **weight != 0.0).unzip();
    Ok(Finite {
        ground,
        samples,
        energies,
        weights,
    })
}

fn signs(dimension: usize, seed: u64, index: u64) -> Vec<f64> {
    let start = random::mix(random::mix(seed) ^ random::mix(index));
    (0..dimension as u64)
        .map(|i| {
            if random::mix(start.wrapping_add(i)) & 1 == 0 {
                1.0
            } else {
                -1.0
            }
        })
        .collect()
}

/// A Krylov space: orthonormal basis, and the levels of H in it.
struct Krylov {
    norm: f64,
    basis: Vec<Vec<f64>>,
    values: Vec<f64>,
    vectors: Mat<f64>,
}

impl Krylov {
    fn new(
        sector: &Sector<'_>,
        mut x: Vec<f64>,
        steps: usize,
        control: &Control,
    ) -> Result<Option<Self>, Error> {
        let norm = dot(&x, &x).sqrt();
        if norm < 1e-140 {
            return Ok(None);
        }
        x.iter_mut().for_each(|x| *x /= norm);
        let n = x.len();
        let mut basis = vec![x];
        let (mut diagonal, mut off): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
        let mut scale = 1e-300_f64;
        loop {
            control.check()?;
            let k = basis.len() - 1;
            let mut y = vec![0.0; n];
            let past = off.last().map(|&past| (past, &basis[k - 1][..]));
            diagonal.push(step(sector, &basis[k], past, &mut y));
            scale = scale.max(diagonal[k].abs());
            for _ in 0..2 {
                let basis = &basis;
                dispatch(simd::Level::current(), Clean { y: &mut y, basis });
            }
            let beta = length(&y);
            scale = scale.max(beta);
            if k + 1 >= steps.min(n) || beta < 1e-11 * scale {
                break;
            }
            off.push(beta);
            normalise(&mut y, beta);
            basis.push(y);
        }
        let (values, vectors) = eigen(&diagonal, &off)?;
        Ok(Some(Self {
            norm,
            basis,
            values,
            vectors,
        }))
    }

    /// `sum_k factors_k basis_k`
    fn combine(&self, factor: impl Fn(usize) -> f64) -> Vec<f64> {
        combined(&self.basis, factor)
    }
}

struct Run<'r, S> {
    sector: &'r S,
    pair: (usize, usize),
    orbitals: usize,
    options: &'r FiniteOptions,
    ground: f64,
    points: &'r [c64],
    grid: &'r Grid,
    control: &'r Control,
}

impl<'s, S: Fn((usize, usize)) -> Sector<'s>> Run<'_, S> {
    /// What one vector gives; its poles are added to the grid.
    fn vector(&self, x: Vec<f64>, multiplicity: f64, poles: &mut [f64]) -> Result<Sample, Error> {
        let mut out = Sample::empty(self.points.len());
        let here = (self.sector)(self.pair);
        let (steps, control) = (self.options.steps, self.control);
        let Some(k) = Krylov::new(&here, x, steps, control)? else {
            return Ok(out);
        };
        let m = k.values.len();
        // <c|i> = |r| exp(-beta (E_i - E_0) / 2) <r|i>
        let half = |e: f64| (-0.5 * self.options.beta * (e - self.ground)).exp();
        let overlap: Vec<f64> = (0..m)
            .map(|i| k.norm * half(k.values[i]) * k.vectors[(0, i)])
            .collect();
        let c = k.combine(|b| (0..m).map(|i| k.vectors[(b, i)] * overlap[i]).sum());
        let z: f64 = overlap.iter().map(|x| x * x).sum();
        let (n, docc) = here.occupation(&c);
        out.z = multiplicity * z;
        out.n = multiplicity * n;
        out.docc = multiplicity * docc;
        if z < NEGLIGIBLE {
            return Ok(out);
        }
        let bound = overlap.iter().fold(0.0_f64, |a, x| a.max(x.abs())) * 1e-12;
        let contributing: Vec<usize> = (0..m).filter(|&i| overlap[i].abs() > bound).collect();
        let states: Vec<Vec<f64>> = contributing
            .iter()
            .map(|&i| k.combine(|b| k.vectors[(b, i)]))
            .collect();
        for (spin_up, create) in [(true, true), (true, false), (false, true), (false, false)] {
            let action = |state: &[f64]| {
                act(
                    self.sector,
                    self.pair,
                    self.orbitals,
                    state,
                    spin_up,
                    create,
                )
            };
            let Some((target, y)) = action(&c) else {
                continue;
            };
            let Some(w) = Krylov::new(&(self.sector)(target), y, steps, control)? else {
                continue;
            };
            let sign = if create { 1.0 } else { -1.0 };
            let (mut energies, mut weights) = (Vec::new(), Vec::new());
            for (&i, state) in contributing.iter().zip(&states) {
                control.check()?;
                let Some((_, acted)) = action(state) else {
                    continue;
                };
                let elements: Vec<f64> = w.basis.iter().map(|b| dot(b, &acted)).collect();
                for j in 0..w.values.len() {
                    let element: f64 = elements
                        .iter()
                        .enumerate()
                        .map(|(b, x)| x * w.vectors[(b, j)])
                        .sum();
                    energies.push(sign * (w.values[j] - k.values[i]));
                    // Half of each spin: the average of a state and its mirror image.
                    let weight = overlap[i] * element * w.norm * w.vectors[(0, j)];
                    weights.push(0.5 * multiplicity * weight);
                }
            }
            let values = at_points(&energies, &[&weights], self.points, control)?;
            for (energy, weight) in energies.iter().zip(&weights) {
                self.grid.add(poles, *energy, *weight);
            }
            for (g, v) in out.green.iter_mut().zip(&values[0]) {
                *g += *v;
            }
        }
        Ok(out)
    }
}
