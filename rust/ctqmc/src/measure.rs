//! What is accumulated between updates.
//!
//! `G(tau)` and `F(tau) = -<T d(tau) v(tau) d^+(0)>`, `v_a = sum_b U_ab n_b` (the improved estimator
//! of the self-energy, `Sigma = F / G`), are sums of delta functions. They are kept as the moments
//! `sum weight y^m`, m < 8, of every one of some hundred to some thousand cells of time: enough to
//! integrate any smooth function against them afterwards. So Legendre coefficients of every order
//! cost nothing while the chain runs, and their number is chosen when the noise is known.
//!
//! H. Hafermann, K. R. Patton, P. Werner, Phys. Rev. B 85, 205106 (2012),
//! doi:10.1103/PhysRevB.85.205106, Eq. (17); L. Boehnke et al., Phys. Rev. B 84, 075145 (2011),
//! doi:10.1103/PhysRevB.84.075145, Eq. (C20).

use crate::Model;
use crate::moves::Configuration;
use kadanoff_runtime::exponential::ROUND;
use kadanoff_runtime::simd::{Instructions, Kernel, Level, dispatch};
use serde::{Deserialize, Serialize};

/// Moments of a cell.
pub(crate) const MOMENTS: usize = 8;
/// Bins of G(tau) as it is kept for pictures.
pub const COARSE: usize = 128;

/// Sums over measurements; equivalent flavours are added up.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Accumulator {
    /// Cells of time.
    pub cells: usize,
    /// Moments of G, then those of F, of every cell, one group of flavours after the other.
    pub moments: Vec<[f64; 2 * MOMENTS]>,
    /// Sums of numbers.
    pub scalars: Scalars,
    /// Sums over all pairs of flavours.
    pub pairs: Pairs,
    /// `bare[a][i * k + j] = M_ji` of F where the chain runs with a floor.
    #[serde(skip)]
    bare: Vec<Vec<f64>>,
    #[serde(skip)]
    scratch: Vec<f64>,
}

/// The coefficients of one group, with the widest vectors of the machine.
struct Coefficients<'a> {
    group: &'a [[f64; 2 * MOMENTS]],
    cells: usize,
    beta: f64,
    orders: usize,
}

impl Kernel for Coefficients<'_> {
    type Output = [Vec<f64>; 2];

    #[inline(always)]
    fn run<I: Instructions>(self) -> Self::Output {
        of_group(self.group, self.cells, self.beta, self.orders)
    }
}

/// Sums of numbers, each times the weight and the sign.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Scalars {
    /// Measurements.
    pub count: f64,
    /// Sum of the weights w alone.
    pub weight: f64,
    /// Sum of the weights, with sign.
    pub sign: f64,
    /// Sum of the occupations.
    pub density: f64,
    /// Sum over pairs of the double occupancies.
    pub pairs: f64,
    /// Segments.
    pub order: f64,
    /// Sum of the occupations of spin up less those of spin down, in alternate flavours.
    pub polarisation: f64,
}

/// Sums over pairs of flavours b <= a, at `a (a + 1) / 2 + b`, each times the weight and the sign.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Pairs {
    /// `<n_a n_b>` at one time, and the occupation of a for a = b.
    pub equal: Vec<f64>,
    /// `beta <n_a n_b>` averaged over the distance of two times, of which the static susceptibilities
    /// are made.
    pub apart: Vec<f64>,
}

/// Observables whose autocorrelation is followed.
pub(crate) const FOLLOWED: usize = 4;

impl Accumulator {
    /// Empty sums.
    pub(crate) fn new(cells: usize, groups: usize) -> Self {
        Self {
            cells,
            moments: vec![[0.0; 2 * MOMENTS]; cells * groups],
            scalars: Scalars::default(),
            pairs: Pairs::default(),
            bare: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// Back to zero.
    pub(crate) fn clear(&mut self) {
        self.moments.fill([0.0; 2 * MOMENTS]);
        self.scalars = Scalars::default();
        self.pairs.equal.fill(0.0);
        self.pairs.apart.fill(0.0);
    }

    /// Weight of a configuration free of the floor, over the one that it was sampled with; the
    /// inverse matrices go to `bare`. None if a matrix is singular.
    #[inline(never)]
    fn reweight(&mut self, model: &Model, now: &Configuration) -> Option<f64> {
        self.bare.resize(now.flavours.len(), Vec::new());
        let (mut sign, mut log) = (1.0, 0.0);
        for (a, flavour) in now.flavours.iter().enumerate() {
            let (k, table) = (flavour.k, model.table(a));
            let bare = flavour.invert(&mut self.scratch, |l| model.bare(a, l))?;
            self.bare[a].clear();
            for i in 0..k {
                self.bare[a].extend((0..k).map(|j| self.scratch[(2 * j + 1) * k + i]));
            }
            let raised = flavour.determinant(&mut self.scratch, |l| table.signed(l))?;
            sign *= bare.sign * raised.sign;
            log += bare.log - raised.log;
        }
        Some(sign * f64::exp(log))
    }

    /// Adds the configuration; returns order, density, pairs and polarisation, as weighted, for the
    /// autocorrelation, or None if a matrix is singular.
    #[inline(always)]
    pub(crate) fn add(&mut self, model: &Model, now: &Configuration) -> Option<[f64; FOLLOWED]> {
        let floor = model.floor > 0.0;
        let weight = if floor {
            self.reweight(model, now)?
        } else {
            1.0
        };
        let (beta, sign) = (model.beta, now.sign * weight);
        let per_time = self.cells as f64 / beta;
        let top = (self.cells as f64 - 0.5).next_down();
        let apart = self.moments.len() > self.cells;
        let (mut density, mut pairs, mut polarisation) = (0.0, 0.0, 0.0);
        let count = now.flavours.len();
        self.pairs.equal.resize(count * (count + 1) / 2, 0.0);
        self.pairs.apart.resize(count * (count + 1) / 2, 0.0);
        for (a, flavour) in now.flavours.iter().enumerate() {
            density += flavour.length;
            polarisation += if a % 2 == 0 {
                flavour.length
            } else {
                -flavour.length
            };
            let first = a * (a + 1) / 2;
            for (b, other) in now.flavours[..a].iter().enumerate() {
                let common = now.common(a, b);
                pairs += common;
                self.pairs.equal[first + b] += sign * common / beta;
                self.pairs.apart[first + b] += sign * flavour.length * other.length / beta;
            }
            self.pairs.equal[first + a] += sign * flavour.length / beta;
            self.pairs.apart[first + a] += sign * flavour.length * flavour.length / beta;
            let k = flavour.k;
            if k == 0 {
                continue;
            }
            // U n of the others where d and d^+ act: half of each estimator.
            let [starts, ends] = flavour.padded_times();
            let room = starts.len();
            self.scratch.clear();
            self.scratch.resize(2 * room, 0.0);
            let (at_ends, at_starts) = self.scratch.split_at_mut(room);
            for (b, other) in now.flavours.iter().enumerate() {
                let half = 0.5 * model.u(a, b);
                if b == a || half == 0.0 {
                    continue;
                }
                other.add_occupation(ends, half, at_ends);
                other.add_occupation(starts, half, at_starts);
            }
            let group = if apart {
                model.group(a) * self.cells
            } else {
                0
            };
            for i in 0..k {
                let (e, v) = (flavour.ends()[i], at_ends[i]);
                let row = if floor {
                    &self.bare[a][i * k..(i + 1) * k]
                } else {
                    &flavour.padded_inverse_row(i)[..k]
                };
                for ((&m, &s), &u) in row.iter().zip(flavour.starts()).zip(&*at_starts) {
                    let d = e - s;
                    let negative = f64::from(u8::from(d < 0.0));
                    let w = sign * m * (2.0 * negative - 1.0);
                    let x = (d + negative * beta) * per_time;
                    // The integer is left in the lowest bits, as in `Table::at`.
                    let rounded = (x - 0.5).min(top) + ROUND;
                    let cell = rounded.to_bits() as u32 as usize;
                    let y = x - (rounded - ROUND);
                    let f = w * (v + u);
                    let (y2, y4) = (y * y, (y * y) * (y * y));
                    let powers = [1.0, y, y2, y2 * y, y4, y4 * y, y4 * y2, y4 * (y2 * y)];
                    let into = &mut self.moments[group + cell];
                    for l in 0..MOMENTS {
                        into[l] += w * powers[l];
                    }
                    for l in 0..MOMENTS {
                        into[MOMENTS + l] += f * powers[l];
                    }
                }
            }
        }
        let order = now.order() as f64;
        let sums = &mut self.scalars;
        sums.count += 1.0;
        sums.weight += weight;
        sums.sign += sign;
        sums.density += sign * density / beta;
        sums.pairs += sign * pairs / beta;
        sums.order += sign * order;
        sums.polarisation += sign * polarisation / beta;
        let followed = [order, density / beta, pairs / beta, polarisation / beta];
        Some(followed.map(|x| sign * x))
    }

    /// Sums over everything accumulated of `sqrt(2 l + 1) P_l(x) / beta`, l < `orders`, for G and F,
    /// one group of flavours after the other.
    pub(crate) fn legendre(&self, beta: f64, orders: usize) -> [Vec<f64>; 2] {
        let mut found = [Vec::new(), Vec::new()];
        for group in self.moments.chunks_exact(self.cells) {
            let (cells, level) = (self.cells, Level::current());
            let work = Coefficients {
                group,
                cells,
                beta,
                orders,
            };
            for (all, more) in found.iter_mut().zip(dispatch(level, work)) {
                all.extend(more);
            }
        }
        found
    }

    /// Integral over each of `COARSE` bins of what was accumulated for G, group after group.
    pub(crate) fn coarse(&self, beta: f64) -> Vec<f64> {
        let per_bin = self.cells / COARSE;
        self.moments
            .chunks_exact(per_bin)
            .map(|cells| cells.iter().map(|m| m[0]).sum::<f64>() / beta)
            .collect()
    }
}

/// `legendre` of one group.
#[inline(always)]
fn of_group(group: &[[f64; 2 * MOMENTS]], cells: usize, beta: f64, orders: usize) -> [Vec<f64>; 2] {
    // P_l at the nodes of a cell, integrated against the moments through the interpolation.
    let weights = nodes_to_moments();
    let recursion: Vec<(f64, f64)> = (0..orders)
        .map(|l| {
            let l = l as f64;
            ((2.0 * l + 1.0) / (l + 1.0), l / (l + 1.0))
        })
        .collect();
    let mut sums = vec![[0.0; 2 * MOMENTS]; orders];
    for (cell, moments) in group.iter().enumerate() {
        if moments[0] == 0.0 {
            continue;
        }
        // What stands at the nodes has the same integrals.
        let mut at = [0.0; 2 * MOMENTS];
        for n in 0..MOMENTS {
            for m in 0..MOMENTS {
                at[n] += weights[n].1[m] * moments[m];
                at[MOMENTS + n] += weights[n].1[m] * moments[MOMENTS + m];
            }
        }
        let x: [f64; MOMENTS] =
            std::array::from_fn(|n| 2.0 * (cell as f64 + weights[n].0) / cells as f64 - 1.0);
        let (mut p, mut before) = ([1.0; MOMENTS], [0.0; MOMENTS]);
        for (sum, &(a, b)) in sums.iter_mut().zip(&recursion) {
            for n in 0..MOMENTS {
                sum[n] += at[n] * p[n];
                sum[MOMENTS + n] += at[MOMENTS + n] * p[n];
                let next = a * x[n] * p[n] - b * before[n];
                before[n] = p[n];
                p[n] = next;
            }
        }
    }
    let total = |from: usize| -> Vec<f64> {
        sums.iter()
            .enumerate()
            .map(|(l, s)| {
                (2.0 * l as f64 + 1.0).sqrt() / beta * s[from..from + MOMENTS].iter().sum::<f64>()
            })
            .collect()
    };
    [total(0), total(MOMENTS)]
}

/// Chebyshev nodes of [0, 1] and, for each, the coefficients of its Lagrange polynomial.
fn nodes_to_moments() -> [(f64, [f64; MOMENTS]); MOMENTS] {
    let x: [f64; MOMENTS] = std::array::from_fn(|j| {
        (std::f64::consts::PI * (2 * j + 1) as f64 / (4 * MOMENTS) as f64)
            .sin()
            .powi(2)
    });
    std::array::from_fn(|j| {
        let mut p = [0.0; MOMENTS];
        p[0] = 1.0;
        let mut scale = 1.0;
        for (degree, i) in (0..MOMENTS).filter(|&i| i != j).enumerate() {
            for d in (0..=degree).rev() {
                p[d + 1] += p[d];
                p[d] *= -x[i];
            }
            scale *= x[j] - x[i];
        }
        (x[j], p.map(|c| c / scale))
    })
}
