//! The occupied levels of every block by the Lanczos method, and Green functions from them.
//!
//! At low temperature few levels are occupied, and no block needs to be diagonalised. What is left
//! out is bounded block by block: every level that was not kept lies above the lowest one in the
//! space orthogonal to those that were, which the search itself finds.

use super::levels::{Levels, Part, dense};
use super::response::{Channel, Found};
use super::space::Sparse;
use super::{Operator, Space, Tensor};
use crate::lanczos::krylov::{Level, Matrix, Response, levels_below, lowest, responses};
use crate::poles::at_points;
use crate::{Error, map_blocks};
use faer::{Mat, c64};
use kadanoff_linalg::Reduced;
use kadanoff_runtime::Control;

/// Levels of a block up to which it is diagonalised.
const DENSE: usize = 100;
/// Ground states closer than this (relative to the largest |E|) count as degenerate.
const DEGENERATE: f64 = 1e-9;
/// Residual at which a Krylov space is large enough, relative to its first vector.
const ENOUGH: f64 = 1e-13;

/// What a run is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// Inverse temperature; infinity for the ground states alone.
    pub beta: f64,
    /// Boltzmann weights below this, relative to the ground state's, are left out.
    pub cut: f64,
    /// Most levels that may be needed in a block.
    pub states: usize,
    /// Lanczos steps, at most, for each part of G.
    pub steps: usize,
}

/// The occupied levels of a Hamiltonian.
#[derive(Debug)]
pub struct Lowest {
    levels: Levels,
    /// Inverse temperature; 0 where the ground states alone are kept, all with the same weight.
    beta: f64,
    steps: usize,
    /// Bound of the Boltzmann weight of all other levels, relative to that of those kept.
    pub neglected: f64,
    /// Number of states kept, all components of the spin counted.
    pub states: usize,
}

impl Matrix for Sparse {
    fn dimension(&self) -> usize {
        self.columns()
    }

    fn apply(&self, x: &[f64], y: &mut [f64]) {
        // Columns are rows: H is symmetric.
        for (j, y) in y.iter_mut().enumerate() {
            let row = self.column(j).iter();
            *y = row.map(|&(i, value)| value * x[i as usize]).sum();
        }
    }
}

impl Sparse {
    /// `M x`, of so many rows.
    fn times(&self, x: &[f64], rows: usize) -> Vec<f64> {
        let mut out = vec![0.0; rows];
        for (j, x) in x.iter().enumerate() {
            for &(i, value) in self.column(j) {
                out[i as usize] += value * x;
            }
        }
        out
    }

    /// `M^T x`
    fn transposed_times(&self, x: &[f64]) -> Vec<f64> {
        let of = |j| self.column(j).iter();
        let sum = |j| of(j).map(|&(i, value)| value * x[i as usize]).sum();
        (0..self.columns()).map(sum).collect()
    }
}

/// Levels of a block up to the limit, and the energy that all others have at least.
fn levels_of(
    space: &Space,
    block: usize,
    limit: f64,
    most: usize,
    control: &Control,
) -> Result<(Part, f64), Error> {
    let h = space.of_block(block)?;
    let n = space.blocks[block].dimension;
    if n > DENSE {
        let (found, next) = levels_below(&h, block as u64, limit, most, control)?;
        let vectors = Mat::from_fn(n, found.len(), |i, j| found[j].state[i]);
        let values = found.iter().map(|level: &Level| level.energy).collect();
        return Ok((Part { values, vectors }, next));
    }
    let failed = |source| Error::Eigen {
        electrons: space.blocks[block].electrons,
        twice_spin: space.blocks[block].twice_spin,
        source,
    };
    let reduced = Reduced::new(dense(&h, n)).map_err(failed)?;
    let all = reduced.values().to_vec();
    let kept = all.partition_point(|e| *e <= limit);
    let vectors = reduced.vectors(n).map_err(failed)?;
    let vectors = Mat::from_fn(n, kept, |i, j| vectors[(i, j)]);
    let next = all.get(kept).copied().unwrap_or(f64::INFINITY);
    let values = all[..kept].to_vec();
    Ok((Part { values, vectors }, next))
}

impl Lowest {
    /// Finds all levels with a Boltzmann weight above the cut.
    ///
    /// Fails with [`Error::Argument`] if more than `states` levels of a block matter at this
    /// temperature.
    ///
    /// ```
    /// use kadanoff_ed::fock::{Lowest, Operator, Options, Product, Space};
    /// use kadanoff_runtime::Control;
    ///
    /// // A level at -1: two electrons.
    /// let occupied = |p: u16| Product { value: -1.0, factors: vec![2 * p + 1, 2 * p] };
    /// let space = Space::new(1, Operator(vec![occupied(0), occupied(1)]), true)?;
    /// let options = Options { beta: 50.0, cut: 1e-12, states: 10, steps: 50 };
    /// let found = Lowest::new(space, &options, &Control::new())?;
    /// assert_eq!((found.ground(), found.states), (-2.0, 1));
    /// // The two states of one electron.
    /// assert!((found.neglected / (2.0 * (-50.0_f64).exp()) - 1.0).abs() < 1e-6);
    /// # Ok::<(), kadanoff_ed::Error>(())
    /// ```
    pub fn new(space: Space, options: &Options, control: &Control) -> Result<Self, Error> {
        let numbers: Vec<usize> = (0..space.blocks.len()).collect();
        let size = |&b: &usize| space.blocks[b].dimension;
        let small = numbers.iter().map(size).sum::<usize>() <= super::levels::SMALL;
        control.add_total(2 * numbers.len() as u64);
        // An upper bound of the lowest level of every block, and a lower one.
        let rough = map_blocks(&numbers, small, size, |&b| {
            let found = lowest(&space.of_block(b)?, b as u64, control);
            control.tick(1);
            found
        })
        .into_iter()
        .collect::<Result<Vec<(f64, f64)>, Error>>()?;
        let bound = rough.iter().map(|r| r.0).fold(f64::INFINITY, f64::min);
        let scale = bound.abs().max(1.0);
        let window = (-options.cut.ln() / options.beta).max(DEGENERATE * scale);
        let limit = bound + window;
        let found = map_blocks(&numbers, small, size, |&b| {
            let n = space.blocks[b].dimension;
            let lower = rough[b].0 - rough[b].1;
            let kept = if lower > limit {
                let values = Vec::new();
                let vectors = Mat::zeros(n, 0);
                Ok((Part { values, vectors }, lower))
            } else {
                levels_of(&space, b, limit, options.states, control)
            };
            control.tick(1);
            kept
        })
        .into_iter()
        .collect::<Result<Vec<(Part, f64)>, Error>>()?;
        if found.iter().any(|(p, _)| p.values.len() > options.states) {
            return Err(Error::Argument(format!(
                "more than {} levels of a block are occupied at beta = {}: the temperature is too \
                 high for Lanczos; use full diagonalisation with fewer sites, or raise states",
                options.states, options.beta
            )));
        }
        let (mut parts, next): (Vec<Part>, Vec<f64>) = found.into_iter().unzip();
        let energies = parts.iter().filter_map(|p| p.values.first().copied());
        let ground = energies.fold(f64::INFINITY, f64::min);
        if options.beta.is_infinite() {
            for part in &mut parts {
                let kept = (part.values).partition_point(|e| *e <= ground + DEGENERATE * scale);
                part.values.truncate(kept);
                part.vectors = part.vectors.subcols(0, kept).to_owned();
            }
        }
        let levels = Levels {
            space,
            parts,
            ground,
        };
        let mut new = Self {
            levels,
            beta: if options.beta.is_infinite() {
                0.0
            } else {
                options.beta
            },
            steps: options.steps,
            neglected: 0.0,
            states: 0,
        };
        for (b, next) in next.into_iter().enumerate() {
            let part = &new.levels.parts[b];
            let components = new.levels.space.blocks[b].twice_spin + 1;
            new.states += components * part.values.len();
            let others = part.vectors.nrows() - part.values.len();
            if options.beta.is_finite() && others > 0 {
                let weight = (-options.beta * (next.max(ground) - ground)).exp();
                new.neglected += (components * others) as f64 * weight;
            }
        }
        new.neglected /= new.levels.partition(new.beta);
        Ok(new)
    }

    /// Energy of the ground state.
    ///
    /// ```
    /// # use kadanoff_ed::fock::{Lowest, Operator, Options, Space};
    /// # use kadanoff_runtime::Control;
    /// # let options = Options { beta: 1.0, cut: 1e-12, states: 10, steps: 50 };
    /// let space = Space::new(1, Operator::default(), true)?;
    /// assert_eq!(Lowest::new(space, &options, &Control::new())?.ground(), 0.0);
    /// # Ok::<(), kadanoff_ed::Error>(())
    /// ```
    pub fn ground(&self) -> f64 {
        self.levels.ground
    }

    /// `ln Tr exp(-beta H)` (the logarithm of the number of ground states where they alone are kept)
    /// and the averages of some operators, scalars of the spin.
    ///
    /// ```
    /// # use kadanoff_ed::fock::{Lowest, Operator, Options, Space};
    /// # use kadanoff_runtime::Control;
    /// # let options = Options { beta: 1.0, cut: 1e-12, states: 10, steps: 50 };
    /// let space = Space::new(1, Operator::default(), true)?;
    /// let found = Lowest::new(space, &options, &Control::new())?;
    /// assert!((found.thermal(&[])?.0 - 4.0_f64.ln()).abs() < 1e-14);
    /// # Ok::<(), kadanoff_ed::Error>(())
    /// ```
    pub fn thermal(&self, operators: &[Operator]) -> Result<(f64, Vec<f64>), Error> {
        self.levels.thermal(self.beta, operators)
    }

    /// Green functions of channels of tensors that add an electron, at the points z, and the bound of
    /// what more Lanczos steps would change. All pairs of a channel end with the same tensor.
    ///
    /// ```
    /// use faer::c64;
    /// use kadanoff_ed::fock::{Lowest, Operator, Options, Product, Space, Tensor};
    /// use kadanoff_runtime::Control;
    ///
    /// // A level at 0.5.
    /// let occupied = |p: u16| Product { value: 0.5, factors: vec![2 * p + 1, 2 * p] };
    /// let space = Space::new(1, Operator(vec![occupied(0), occupied(1)]), true)?;
    /// let options = Options { beta: 50.0, cut: 1e-12, states: 10, steps: 50 };
    /// let found = Lowest::new(space, &options, &Control::new())?;
    /// let create = |p: u16| Operator(vec![Product { value: 1.0, factors: vec![2 * p + 1] }]);
    /// let tensor = Tensor {
    ///     twice_rank: 1,
    ///     raising: create(0),
    ///     lowering: create(1),
    ///     ..Tensor::default()
    /// };
    /// let z = [c64::new(0.0, 1.0)];
    /// let (green, _) = found.green(&[tensor], &[vec![(0, 0)]], &z, &Control::new())?;
    /// assert!((green[0].values[0][0] - 1.0 / (z[0] - c64::new(0.5, 0.0))).norm() < 1e-9);
    /// # Ok::<(), kadanoff_ed::Error>(())
    /// ```
    pub fn green(
        &self,
        tensors: &[Tensor],
        channels: &[Channel],
        z: &[c64],
        control: &Control,
    ) -> Result<(Vec<Found>, f64), Error> {
        let levels = &self.levels;
        levels.check(tensors, channels)?;
        if !channels
            .iter()
            .all(|c| c.iter().all(|pair| pair.1 == c[0].1))
        {
            return Err(Error::Argument(
                "pairs of a channel must end with the same tensor".into(),
            ));
        }
        let p = levels.probabilities(self.beta);
        let nearest = z.iter().map(|z| z.im.abs()).fold(f64::INFINITY, f64::min);
        let numbers: Vec<usize> = (0..levels.parts.len()).collect();
        let small = levels.space.dimensions().iter().sum::<usize>() <= super::levels::SMALL;
        let size = |&b: &usize| levels.space.blocks[b].dimension;
        control.add_total(numbers.len() as u64);
        let of_blocks = map_blocks(&numbers, small, size, |&from| {
            let mut poles = Poles::new(channels);
            for (to, matrices, factor) in self.links(from, tensors)? {
                control.check()?;
                let link = Link {
                    matrices: &matrices,
                    channels,
                    nearest,
                    control,
                };
                self.add(&mut poles, &link, (from, to), factor, &p)?;
            }
            control.tick(1);
            Ok(poles)
        })
        .into_iter()
        .collect::<Result<Vec<Poles>, Error>>()?;
        let mut all = Poles::new(channels);
        for poles in of_blocks {
            all.join(poles);
        }
        let mut found = Vec::new();
        for (energies, residues) in all.energies.into_iter().zip(all.residues) {
            let lists: Vec<&[f64]> = residues.iter().map(Vec::as_slice).collect();
            let values = at_points(&energies, &lists, z, control)?;
            found.push(Found {
                weights: residues.first().cloned().unwrap_or_default(),
                energies,
                values,
                ..Found::default()
            });
        }
        Ok((found, all.missing))
    }

    /// The blocks that tensors lead to from a block, with their matrices, where one of both is
    /// occupied.
    fn links(&self, from: usize, tensors: &[Tensor]) -> Result<Vec<Way>, Error> {
        let Levels { space, parts, .. } = &self.levels;
        let spin = space.blocks[from].twice_spin;
        let most = tensors.iter().map(|t| t.twice_rank).max().unwrap_or(0);
        let mut found = Vec::new();
        for to_spin in spin.saturating_sub(most)..=spin + most {
            let components: Vec<Option<(&Operator, f64)>> =
                tensors.iter().map(|t| t.component(spin, to_spin)).collect();
            let mut targets: Vec<usize> = (components.iter().flatten())
                .flat_map(|c| space.targets(c.0, from, to_spin))
                .collect();
            targets.sort_unstable();
            targets.dedup();
            let factor = components.iter().flatten().map(|c| c.1).next();
            for to in targets {
                if parts[from].values.is_empty() && parts[to].values.is_empty() {
                    continue;
                }
                let project = |c: &Option<(&Operator, f64)>| {
                    c.map(|(operator, _)| space.project(operator, from, to))
                        .filter(|m| !m.is_empty())
                };
                let matrices = components.iter().map(project).collect();
                found.push((to, matrices, factor.unwrap_or(1.0)));
            }
        }
        Ok(found)
    }

    /// Poles between two blocks: electrons added to states of the first one, and taken from states of
    /// the second.
    fn add(
        &self,
        poles: &mut Poles,
        link: &Link<'_>,
        (from, to): (usize, usize),
        factor: f64,
        p: &[Vec<f64>],
    ) -> Result<(), Error> {
        let Levels { space, parts, .. } = &self.levels;
        for (here, there, sign) in [(from, to, 1.0), (to, from, -1.0)] {
            if parts[here].values.is_empty() {
                continue;
            }
            let h = space.of_block(there)?;
            for (n, (energy, p)) in parts[here].values.iter().zip(&p[here]).enumerate() {
                let state: Vec<f64> = parts[here].vectors.col(n).iter().copied().collect();
                let image = |i: usize| match &link.matrices[i] {
                    None => vec![0.0; h.columns()],
                    Some(m) if sign > 0.0 => m.times(&state, h.columns()),
                    Some(m) => m.transposed_times(&state),
                };
                for (c, channel) in link.channels.iter().enumerate() {
                    let right = channel[0].1;
                    if link.matrices[right].is_none() {
                        continue;
                    }
                    let left: Vec<Vec<f64>> = channel.iter().map(|&(i, _)| image(i)).collect();
                    let norm = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>().sqrt();
                    let x = image(right);
                    let size = norm(&x) * left.iter().map(|y| norm(y)).fold(0.0, f64::max);
                    let point = c64::new(*energy, sign * link.nearest);
                    let limits = (self.steps, ENOUGH);
                    let found = responses(&h, x, &left, point, limits, link.control)?;
                    let weight = p * factor;
                    poles.missing += weight * size * found.residual / link.nearest;
                    poles.take(c, found, *energy, sign, weight);
                }
            }
        }
        Ok(())
    }
}

/// A block that tensors lead to, their matrices, and the share of one component of the spin.
type Way = (usize, Vec<Option<Sparse>>, f64);

/// What the poles between two blocks are computed from.
struct Link<'a> {
    matrices: &'a [Option<Sparse>],
    channels: &'a [Channel],
    /// Smallest imaginary part of the points.
    nearest: f64,
    control: &'a Control,
}

/// Poles of all channels.
struct Poles {
    energies: Vec<Vec<f64>>,
    residues: Vec<Vec<Vec<f64>>>,
    /// Bound of what the Krylov spaces lack.
    missing: f64,
}

impl Poles {
    fn new(channels: &[Channel]) -> Self {
        Self {
            energies: vec![Vec::new(); channels.len()],
            residues: channels.iter().map(|c| vec![Vec::new(); c.len()]).collect(),
            missing: 0.0,
        }
    }

    fn take(&mut self, channel: usize, found: Response, energy: f64, sign: f64, weight: f64) {
        let shifted = found.energies.iter().map(|e| sign * (e - energy));
        self.energies[channel].extend(shifted);
        for (list, more) in self.residues[channel].iter_mut().zip(found.residues) {
            list.extend(more.into_iter().map(|x| weight * x));
        }
    }

    fn join(&mut self, other: Self) {
        for (list, more) in self.energies.iter_mut().zip(other.energies) {
            list.extend(more);
        }
        for (lists, more) in self.residues.iter_mut().zip(other.residues) {
            for (list, more) in lists.iter_mut().zip(more) {
                list.extend(more);
            }
        }
        self.missing += other.missing;
    }
}
