//! The plaquette Ising model and clusters grown in an effective pair model.
//!
//! `-H/T = J sum_nn s s' + K sum_plaquettes s s s s` on an L x L torus. No cluster algorithm knows
//! the four-spin term. Self-learning Monte Carlo (Liu, Qi, Meng, Fu, PRB 95, 041101 (2017)) grows
//! a Wolff cluster in a pair model `-H_eff/T = sum_r K_r sum s_x s_{x+r}` that was learned from
//! samples, and accepts its flip with `min(1, exp(Delta(-H/T) - Delta(-H_eff/T)))`: exact
//! whatever was learned, fast where it was learned well. The difference is one of the cluster's
//! boundary, found while the cluster is at hand.
//!
//! [`Update::Metropolis`] flips single spins, in order, and is what it is compared with.

pub use crate::Error;
use kadanoff_runtime::random::{Stream, stream};
use kadanoff_runtime::{Cancelled, Clock, Control};
use rand::Rng;
use rayon::prelude::*;
use std::time::Duration;

/// Sums that are measured: first, diagonal and third neighbours, plaquettes, spins.
pub const SUMS: usize = 5;

/// Couplings of the pair model by shell: (0,1), (1,1), (0,2).
pub const SHELLS: usize = 3;

/// Half of the displacements of each shell; the others are their negatives.
const DISPLACEMENTS: [[(usize, isize); 2]; SHELLS] =
    [[(0, 1), (1, 0)], [(1, 1), (1, -1)], [(0, 2), (2, 0)]];

const TICK: Duration = Duration::from_millis(30);

/// Couplings over temperature, and the side of the torus.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Model {
    /// Sites of a row.
    pub side: usize,
    /// Coupling of nearest neighbours over temperature.
    pub pair: f64,
    /// Coupling of the four spins of a plaquette over temperature.
    pub plaquette: f64,
}

/// How a configuration is changed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Update {
    /// A sweep of single-spin Metropolis steps.
    Metropolis,
    /// A cluster of the pair model, accepted or not.
    Cluster([f64; SHELLS]),
}

/// What to do: `warm_up` updates, then `measurements` times `interval` updates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// Updates before the first measurement.
    pub equilibration: usize,
    /// Number of measurements.
    pub n: usize,
    /// Updates between measurements.
    pub spacing: usize,
}

/// What one chain measured.
#[derive(Debug, Clone, Default)]
pub struct Measured {
    /// Sums of each measurement, one after the other.
    pub sums: Vec<[i64; SUMS]>,
    /// Spins at the end, row by row.
    pub spins: Vec<i8>,
    /// Updates proposed after the warm-up.
    pub proposed: u64,
    /// Updates accepted.
    pub accepted: u64,
    /// Spins visited by clusters.
    pub visited: u64,
    /// Spins flipped by clusters.
    pub flipped: u64,
}

impl Model {
    fn validate(&self) -> Result<(), Error> {
        if !(3..=4096).contains(&self.side) {
            return Err(Error::Argument(format!(
                "L must lie in 3 to 4096, got {}",
                self.side
            )));
        }
        for (name, value) in [("J/T", self.pair), ("K/T", self.plaquette)] {
            if value.is_nan() || value.abs() >= 1e4 {
                return Err(Error::Argument(format!(
                    "{name} must lie within +-1e4, got {value}"
                )));
            }
        }
        Ok(())
    }
}

struct PlaquetteChain {
    side: usize,
    model: Model,
    spins: Vec<i8>,
    rng: Stream,
    /// Neighbours of each site: for every shell its four.
    neighbours: Vec<[u32; 4 * SHELLS]>,
    /// Plaquettes are named by their upper left corner: the four of a site, the four sites of one.
    plaquettes: Vec<[u32; 4]>,
    corners: Vec<[u32; 4]>,
    /// Stamps instead of cleared flags.
    in_cluster: Vec<u32>,
    stamp: u32,
    cluster: Vec<u32>,
}

impl PlaquetteChain {
    fn new(model: Model, start: &[i8], seed: u64, index: u64) -> Self {
        let side = model.side;
        let sites = side * side;
        let at = |row: usize, column: usize, r: isize, c: isize| -> u32 {
            let wrap = |x: usize, d: isize| (x as isize + d).rem_euclid(side as isize) as usize;
            (wrap(row, r) * side + wrap(column, c)) as u32
        };
        let mut neighbours = Vec::with_capacity(sites);
        let mut plaquettes = Vec::with_capacity(sites);
        let mut corners = Vec::with_capacity(sites);
        for row in 0..side {
            for column in 0..side {
                let mut list = [0; 4 * SHELLS];
                for (shell, pair) in DISPLACEMENTS.iter().enumerate() {
                    for (k, &(r, c)) in pair.iter().enumerate() {
                        let r = r as isize;
                        list[4 * shell + 2 * k] = at(row, column, r, c);
                        list[4 * shell + 2 * k + 1] = at(row, column, -r, -c);
                    }
                }
                neighbours.push(list);
                plaquettes.push([
                    at(row, column, 0, 0),
                    at(row, column, -1, 0),
                    at(row, column, 0, -1),
                    at(row, column, -1, -1),
                ]);
                corners.push([
                    at(row, column, 0, 0),
                    at(row, column, 1, 0),
                    at(row, column, 0, 1),
                    at(row, column, 1, 1),
                ]);
            }
        }
        Self {
            side,
            model,
            spins: start.to_vec(),
            rng: stream(seed, index),
            neighbours,
            plaquettes,
            corners,
            in_cluster: vec![0; sites],
            stamp: 0,
            cluster: Vec::with_capacity(sites),
        }
    }

    /// A number in [0, 1) of 53 bits.
    fn uniform(&mut self) -> f64 {
        (self.rng.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Product of the spins of a plaquette.
    fn product(&self, plaquette: u32) -> i32 {
        self.corners[plaquette as usize]
            .iter()
            .map(|&i| i32::from(self.spins[i as usize]))
            .product()
    }

    /// A sweep; returns the spins visited and those flipped.
    fn sweep(&mut self) -> (u64, u64) {
        let mut flipped = 0;
        for site in 0..self.spins.len() {
            let near: i32 = self.neighbours[site][..4]
                .iter()
                .map(|&j| i32::from(self.spins[j as usize]))
                .sum();
            let around: i32 = self.plaquettes[site].iter().map(|&p| self.product(p)).sum();
            let bonds = f64::from(i32::from(self.spins[site]) * near);
            let change =
                -2.0 * (self.model.pair * bonds + self.model.plaquette * f64::from(around));
            if change >= 0.0 || self.uniform() < change.exp() {
                self.spins[site] = -self.spins[site];
                flipped += 1;
            }
        }
        (self.spins.len() as u64, flipped)
    }

    /// Grows a cluster and decides; returns the spins in it and those flipped (0 if refused).
    fn cluster(&mut self, couplings: &[f64; SHELLS], add: &[f64; SHELLS]) -> (u64, u64) {
        self.stamp = self.stamp.wrapping_add(1);
        if self.stamp == 0 {
            self.in_cluster.fill(0);
            self.stamp = 1;
        }
        let stamp = self.stamp;
        let sites = self.spins.len() as u64;
        let first = ((u128::from(self.rng.next_u64()) * u128::from(sites)) >> 64) as u32;
        self.cluster.clear();
        self.cluster.push(first);
        self.in_cluster[first as usize] = stamp;
        let mut next = 0;
        while next < self.cluster.len() {
            let site = self.cluster[next] as usize;
            next += 1;
            for shell in 0..SHELLS {
                if add[shell] == 0.0 {
                    continue;
                }
                for k in 4 * shell..4 * shell + 4 {
                    let other = self.neighbours[site][k] as usize;
                    // A bond can join what it favours: s s' of the sign of its coupling.
                    let aligned = self.spins[site] == self.spins[other];
                    if self.in_cluster[other] != stamp
                        && aligned == (couplings[shell] > 0.0)
                        && self.uniform() < add[shell]
                    {
                        self.in_cluster[other] = stamp;
                        self.cluster.push(other as u32);
                    }
                }
            }
        }

        // Flip one spin after the other and add up: what is inside the cluster cancels.
        let mut nearest = 0i64;
        let mut plaquettes = 0i64;
        let mut further = [0i64; SHELLS];
        let distant = couplings[1] != 0.0 || couplings[2] != 0.0;
        for &site in &self.cluster {
            let site = site as usize;
            let s = i32::from(self.spins[site]);
            let at = |k: usize| i32::from(self.spins[self.neighbours[site][k] as usize]);
            // The order of DISPLACEMENTS, each followed by its negative.
            let (right, left, down, up) = (at(0), at(1), at(2), at(3));
            let (down_right, up_left, down_left, up_right) = (at(4), at(5), at(6), at(7));
            nearest -= i64::from(2 * s * (right + left + down + up));
            plaquettes -= i64::from(
                2 * s
                    * (right * down * down_right
                        + right * up * up_right
                        + left * down * down_left
                        + left * up * up_left),
            );
            if distant {
                further[1] -= i64::from(2 * s * (down_right + up_left + down_left + up_right));
                further[2] -= i64::from(2 * s * (8..12).map(at).sum::<i32>());
            }
            self.spins[site] = -self.spins[site];
        }
        further[0] = nearest;
        let bare = self.model.pair * nearest as f64 + self.model.plaquette * plaquettes as f64;
        let learned: f64 = couplings
            .iter()
            .zip(&further)
            .map(|(k, &b)| k * b as f64)
            .sum();
        let change = bare - learned;
        let size = self.cluster.len() as u64;
        if change >= 0.0 || self.uniform() < change.exp() {
            (size, size)
        } else {
            for &site in &self.cluster {
                self.spins[site as usize] = -self.spins[site as usize];
            }
            (size, 0)
        }
    }

    fn measure(&self) -> [i64; SUMS] {
        let n = self.side;
        let mut sums = [0i64; SUMS];
        let row = |r: usize| &self.spins[(r % n) * n..(r % n) * n + n];
        for r in 0..n {
            let (here, below, second) = (row(r), row(r + 1), row(r + 2));
            let mut line = [0i32; SUMS];
            for c in 0..n {
                let right = if c + 1 == n { 0 } else { c + 1 };
                let left = if c == 0 { n - 1 } else { c - 1 };
                let s = i32::from(here[c]);
                let (e, d) = (i32::from(here[right]), i32::from(below[c]));
                let de = i32::from(below[right]);
                line[0] += s * (e + d);
                line[1] += s * (de + i32::from(below[left]));
                line[2] += s * (i32::from(here[(c + 2) % n]) + i32::from(second[c]));
                line[3] += s * e * d * de;
                line[4] += s;
            }
            for (total, part) in sums.iter_mut().zip(line) {
                *total += i64::from(part);
            }
        }
        sums
    }
}

/// Runs `chains` independent chains; each starts from its part of `start` (all up if empty).
///
/// Returns what every chain measured, and whether the run was stopped before its end.
///
/// ```
/// use kadanoff_lattice::plaquette::{Model, Schedule, Update, run};
/// use kadanoff_runtime::Control;
///
/// let model = Model {
///     side: 8,
///     pair: 0.4,
///     plaquette: 0.1,
/// };
/// let schedule = Schedule {
///     equilibration: 10,
///     n: 5,
///     spacing: 2,
/// };
/// let (found, stopped) = run(model, Update::Metropolis, schedule, 2, &[], 1, &Control::new())?;
/// assert!(stopped.is_ok());
/// assert_eq!((found.len(), found[0].sums.len()), (2, 5));
/// # Ok::<(), kadanoff_lattice::ising::Error>(())
/// ```
pub fn run(
    model: Model,
    update: Update,
    schedule: Schedule,
    chains: usize,
    start: &[i8],
    seed: u64,
    control: &Control,
) -> Result<(Vec<Measured>, Result<(), Cancelled>), Error> {
    model.validate()?;
    let sites = model.side * model.side;
    if let Update::Cluster(couplings) = update
        && let Some(bad) = couplings.iter().find(|k| k.is_nan() || k.abs() >= 1e4)
    {
        return Err(Error::Argument(format!(
            "learned couplings must lie within +-1e4, got {bad}"
        )));
    }
    if chains == 0 || schedule.spacing == 0 {
        return Err(Error::Argument(
            "chains and spacing must be at least 1".into(),
        ));
    }
    if !start.is_empty() && (start.len() != chains * sites || start.iter().any(|&s| s.abs() != 1)) {
        return Err(Error::Argument(format!(
            "start must hold {chains} configurations of {sites} spins +-1"
        )));
    }
    control.add_total((chains * (schedule.equilibration + schedule.n * schedule.spacing)) as u64);
    let up = vec![1i8; sites];
    let found: Vec<Measured> = (0..chains)
        .into_par_iter()
        .map(|index| {
            let from = if start.is_empty() {
                &up[..]
            } else {
                &start[index * sites..(index + 1) * sites]
            };
            let mut chain = PlaquetteChain::new(model, from, seed, index as u64);
            one_chain(&mut chain, update, schedule, control)
        })
        .collect();
    let stopped = control.check();
    Ok((found, stopped))
}

fn one_chain(
    chain: &mut PlaquetteChain,
    update: Update,
    schedule: Schedule,
    control: &Control,
) -> Measured {
    let mut out = Measured::default();
    let add = match update {
        Update::Metropolis => [0.0; SHELLS],
        Update::Cluster(couplings) => couplings.map(|k| -(-2.0 * k.abs()).exp_m1()),
    };
    let mut last = Clock::start();
    let mut pending = 0u64;
    let mut go_on = |pending: &mut u64| {
        *pending += 1;
        if last.elapsed() < TICK {
            return true;
        }
        last = Clock::start();
        control.tick(*pending);
        *pending = 0;
        !control.is_cancelled()
    };
    let step = |chain: &mut PlaquetteChain| match update {
        Update::Metropolis => chain.sweep(),
        Update::Cluster(couplings) => chain.cluster(&couplings, &add),
    };
    'run: {
        for _ in 0..schedule.equilibration {
            step(chain);
            if !go_on(&mut pending) {
                break 'run;
            }
        }
        for _ in 0..schedule.n {
            for _ in 0..schedule.spacing {
                let (visited, flipped) = step(chain);
                out.proposed += 1;
                out.visited += visited;
                out.accepted += u64::from(flipped > 0);
                out.flipped += flipped;
                if !go_on(&mut pending) {
                    break 'run;
                }
            }
            out.sums.push(chain.measure());
        }
    }
    control.tick(pending);
    out.spins = chain.spins.clone();
    out
}

#[cfg(test)]
mod tests;
