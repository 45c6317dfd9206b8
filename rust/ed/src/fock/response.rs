//! Green functions and susceptibilities from all levels (Lehmann representation).
//!
//! `G_AB(z) = 1/Z sum_nm (e^-bE_n + e^-bE_m) <m|A|n> <m|B|n> / (z - E_m + E_n)` for operators that add
//! an electron (all elements are real), and for others
//! `chi_AB = 1/Z sum_nm <m|A|n> <m|B|n> (e^-bE_n - e^-bE_m) / (E_m - E_n)`, the integral of
//! `<A(tau) B>` over imaginary time.

use super::levels::Levels;
use super::space::Sparse;
use super::{Operator, Tensor};
use crate::poles::at_points;
use crate::{Error, map_blocks};
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, Par, c64};
use kadanoff_runtime::Control;
use std::ops::Range;

/// Levels whose Boltzmann weight, relative to Z, is below this contribute rounding errors only.
const EMPTY: f64 = 1e-17;
/// Elements in memory at once, per operator.
const CHUNK: usize = 1 << 19;
/// Poles of a block above which its own sums are taken.
const MANY: usize = 1 << 16;
/// Intervals of energy in each of which two poles carry all moments up to the third.
const INTERVALS: usize = 1 << 16;

/// Pairs of tensors that share the energies of their poles; the first pair is a tensor with itself.
pub type Channel = Vec<(usize, usize)>;

/// What was found for a channel.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// Poles of the first pair. Where they are very many, two for all of a narrow interval.
    pub energies: Vec<f64>,
    /// Their residues.
    pub weights: Vec<f64>,
    /// Residues of the first pair that were left out.
    pub dropped: f64,
    /// Width of the intervals; zero if all poles are there.
    pub width: f64,
    /// The sums over all poles at the points, pair by pair.
    pub values: Vec<Vec<c64>>,
}

/// Poles of a channel with a residue for every pair.
#[derive(Debug, Clone, Default)]
struct Poles {
    energies: Vec<f64>,
    residues: Vec<Vec<f64>>,
    dropped: f64,
}

/// All elements of some tensors between some states of two blocks.
struct Elements<'a> {
    /// `<m|T|n>` by tensor, m in rows; None where the tensor does not connect the blocks.
    of: Vec<Option<Mat<f64>>>,
    below: (&'a [f64], &'a [f64]),
    above: (&'a [f64], &'a [f64]),
    factor: f64,
}

impl Levels {
    /// Green functions of channels of tensors that add an electron, at the points z.
    ///
    /// Poles of the first pair with a total weight up to `prune` are left out.
    ///
    /// ```
    /// use faer::c64;
    /// use kadanoff_ed::fock::{Levels, Operator, Product, Space, Tensor};
    /// use kadanoff_runtime::Control;
    ///
    /// // A level at 0.5.
    /// let occupied = |p: u16| Product { value: 0.5, factors: vec![2 * p + 1, 2 * p] };
    /// let space = Space::new(1, Operator(vec![occupied(0), occupied(1)]), true)?;
    /// let levels = Levels::new(space, &Control::new())?;
    /// let create = |p: u16| Operator(vec![Product { value: 1.0, factors: vec![2 * p + 1] }]);
    /// let tensor = Tensor {
    ///     twice_rank: 1,
    ///     raising: create(0),
    ///     lowering: create(1),
    ///     ..Tensor::default()
    /// };
    /// let z = [c64::new(0.0, 1.0)];
    /// let found = levels.green(2.0, 0.0, &[tensor], &[vec![(0, 0)]], &z, &Control::new())?;
    /// assert!((found[0].values[0][0] - 1.0 / (z[0] - c64::new(0.5, 0.0))).norm() < 1e-14);
    /// # Ok::<(), kadanoff_ed::Error>(())
    /// ```
    pub fn green(
        &self,
        beta: f64,
        prune: f64,
        tensors: &[Tensor],
        channels: &[Channel],
        z: &[c64],
        control: &Control,
    ) -> Result<Vec<Found>, Error> {
        self.check(tensors, channels)?;
        let p = self.probabilities(beta);
        let pairs: f64 = self
            .parts
            .iter()
            .map(|x| (x.values.len() as f64).powi(2))
            .sum();
        let negligible = prune / (8.0 * pairs.max(1.0) * channels.len() as f64);
        let top = |part: &super::levels::Part| part.values.last().copied().unwrap_or(0.0);
        let high = self.parts.iter().map(top).fold(self.ground, f64::max);
        let width = 2.0 * (high - self.ground).max(f64::MIN_POSITIVE) / INTERVALS as f64;
        let numbers: Vec<usize> = (0..self.parts.len()).collect();
        let small = self.states() <= super::levels::SMALL;
        let size = |&b: &usize| self.parts[b].values.len();
        let of_blocks = map_blocks(&numbers, small, size, |&b| {
            let mut poles: Vec<Poles> = channels
                .iter()
                .map(|c| Poles {
                    residues: vec![Vec::new(); c.len()],
                    ..Poles::default()
                })
                .collect();
            let mut sums: Vec<Option<Vec<Vec<c64>>>> = vec![None; channels.len()];
            let mut merged: Vec<Vec<(f64, f64)>> = vec![Vec::new(); channels.len()];
            self.elements(b, tensors, &p, control, |elements| {
                for (c, channel) in channels.iter().enumerate() {
                    poles[c].collect(elements, channel, negligible);
                    if poles[c].energies.len() > MANY {
                        let values = poles[c].values(z, control)?;
                        add(&mut sums[c], values);
                        merged[c].extend(poles[c].merged(width));
                        if merged[c].len() > 4 * INTERVALS {
                            merged[c] = narrowed(&merged[c], width);
                        }
                        poles[c].clear();
                    }
                }
                Ok(())
            })?;
            Ok((poles, sums, merged))
        })
        .into_iter()
        .collect::<Result<Vec<_>, Error>>()?;
        let mut found = Vec::new();
        for (c, channel) in channels.iter().enumerate() {
            let mut all = Poles {
                residues: vec![Vec::new(); channel.len()],
                ..Poles::default()
            };
            let (mut sums, mut merged) = (None, Vec::new());
            for (poles, values, narrow) in &of_blocks {
                all.extend(&poles[c]);
                if let Some(values) = &values[c] {
                    add(&mut sums, values.clone());
                }
                merged.extend(narrow[c].iter().copied());
            }
            let values = all.values(z, control)?;
            add(&mut sums, values);
            let few = merged.is_empty() && all.energies.len() <= 2 * INTERVALS;
            let (energies, weights) = if few {
                (all.energies.clone(), all.residues[0].clone())
            } else {
                let own = all.energies.iter().zip(&all.residues[0]);
                merged.extend(own.map(|(e, w)| (*e, *w)));
                narrowed(&merged, width).into_iter().unzip()
            };
            found.push(Found {
                energies,
                weights,
                dropped: all.dropped,
                width: if few { 0.0 } else { width },
                values: sums.unwrap_or_default(),
            });
        }
        Ok(found)
    }

    /// Static susceptibilities `int_0^beta <A(tau) B> dtau` of all pairs of Hermitian tensors, row by
    /// row; nothing is subtracted.
    ///
    /// ```
    /// use kadanoff_ed::fock::{Levels, Operator, Product, Space, Tensor};
    /// use kadanoff_runtime::Control;
    ///
    /// // A free spin: <S_z^2> = 1/4 of half of the states.
    /// let levels = Levels::new(Space::new(1, Operator::default(), true)?, &Control::new())?;
    /// let product = |v: f64, a: u16, b: u16| Operator(vec![Product { value: v, factors: vec![a, b] }]);
    /// let mut neutral = product(0.5, 1, 0);
    /// neutral.0.extend(product(-0.5, 3, 2).0);
    /// let spin = Tensor {
    ///     twice_rank: 2,
    ///     raising: product(-(0.5_f64).sqrt(), 1, 2),
    ///     neutral,
    ///     lowering: product((0.5_f64).sqrt(), 3, 0),
    /// };
    /// let chi = levels.susceptibility(3.0, &[spin], &Control::new())?;
    /// assert!((chi[0] - 3.0 / 8.0).abs() < 1e-14);
    /// # Ok::<(), kadanoff_ed::Error>(())
    /// ```
    pub fn susceptibility(
        &self,
        beta: f64,
        tensors: &[Tensor],
        control: &Control,
    ) -> Result<Vec<f64>, Error> {
        self.check(tensors, &[])?;
        let p = self.probabilities(beta);
        let count = tensors.len();
        let numbers: Vec<usize> = (0..self.parts.len()).collect();
        let small = self.states() <= super::levels::SMALL;
        let size = |&b: &usize| self.parts[b].values.len();
        let parts = map_blocks(&numbers, small, size, |&b| {
            let mut chi = vec![0.0; count * count];
            self.elements(b, tensors, &p, control, |elements| {
                elements.add_susceptibility(beta, &mut chi);
                Ok(())
            })?;
            Ok(chi)
        })
        .into_iter()
        .collect::<Result<Vec<_>, Error>>()?;
        let mut total = vec![0.0; count * count];
        for part in parts {
            for (sum, x) in total.iter_mut().zip(part) {
                *sum += x;
            }
        }
        Ok(total)
    }

    pub(super) fn check(&self, tensors: &[Tensor], channels: &[Channel]) -> Result<(), Error> {
        for tensor in tensors {
            for operator in [&tensor.raising, &tensor.neutral, &tensor.lowering] {
                operator.check(self.orbitals())?;
            }
        }
        let known = |&(i, j): &(usize, usize)| i < tensors.len() && j < tensors.len();
        if channels
            .iter()
            .all(|c| !c.is_empty() && c.iter().all(known))
        {
            Ok(())
        } else {
            Err(Error::Argument(
                "channels name tensors that are given".into(),
            ))
        }
    }

    /// Boltzmann weights over Z of all levels.
    pub(super) fn probabilities(&self, beta: f64) -> Vec<Vec<f64>> {
        let z = self.partition(beta);
        (0..self.parts.len())
            .map(|b| self.boltzmann(b, beta).into_iter().map(|w| w / z).collect())
            .collect()
    }

    /// Hands all elements that lead out of a block to `f`, in pieces.
    fn elements(
        &self,
        from: usize,
        tensors: &[Tensor],
        p: &[Vec<f64>],
        control: &Control,
        mut f: impl FnMut(&Elements<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let spin = self.space.blocks[from].twice_spin;
        let most = tensors.iter().map(|t| t.twice_rank).max().unwrap_or(0);
        for to_spin in spin.saturating_sub(most)..=spin + most {
            let components: Vec<Option<(&Operator, f64)>> =
                tensors.iter().map(|t| t.component(spin, to_spin)).collect();
            let mut targets: Vec<usize> = components
                .iter()
                .flatten()
                .flat_map(|c| self.space.targets(c.0, from, to_spin))
                .collect();
            targets.sort_unstable();
            targets.dedup();
            for to in targets {
                control.check()?;
                let project = |c: &Option<(&Operator, f64)>| {
                    c.map(|(operator, _)| self.space.project(operator, from, to))
                        .filter(|m| !m.is_empty())
                };
                let matrices: Vec<Option<Sparse>> = components.iter().map(project).collect();
                let factor = components.iter().flatten().map(|c| c.1).next();
                if matrices.iter().all(Option::is_none) {
                    continue;
                }
                self.between(from, to, &matrices, factor.unwrap_or(1.0), p, &mut f)?;
            }
        }
        Ok(())
    }

    /// The elements of matrices between the states of two blocks, of which one is occupied.
    fn between(
        &self,
        from: usize,
        to: usize,
        matrices: &[Option<Sparse>],
        factor: f64,
        p: &[Vec<f64>],
        f: &mut impl FnMut(&Elements<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (a, b) = (&self.parts[from], &self.parts[to]);
        let (pa, pb) = (&p[from], &p[to]);
        // Levels ascend, so that the occupied ones come first.
        let ka = pa.partition_point(|&p| p > EMPTY);
        let kb = pb.partition_point(|&p| p > EMPTY);
        for (below, above) in [(0..ka, 0..pb.len()), (ka..pa.len(), 0..kb)] {
            if below.is_empty() || above.is_empty() {
                continue;
            }
            let step = (CHUNK / above.len()).max(1);
            for start in below.clone().step_by(step) {
                let below = start..below.end.min(start + step);
                let product = |m: &Sparse| sandwich(&b.vectors, m, &a.vectors, &above, &below);
                f(&Elements {
                    of: matrices.iter().map(|m| m.as_ref().map(product)).collect(),
                    below: (&a.values[below.clone()], &pa[below]),
                    above: (&b.values[above.clone()], &pb[above.clone()]),
                    factor,
                })?;
            }
        }
        Ok(())
    }
}

/// `<m|M|n>` for states m (rows) and n (columns).
fn sandwich(
    left: &Mat<f64>,
    matrix: &Sparse,
    right: &Mat<f64>,
    above: &Range<usize>,
    below: &Range<usize>,
) -> Mat<f64> {
    let rows = matrix.rows();
    let mut place = vec![0_u32; left.nrows()];
    for (at, &row) in rows.iter().enumerate() {
        place[row as usize] = at as u32;
    }
    let mut image = Mat::<f64>::zeros(rows.len(), below.len());
    for (c, n) in below.clone().enumerate() {
        let state = right.col(n);
        let mut column = image.col_mut(c);
        for j in 0..right.nrows() {
            for &(row, value) in matrix.column(j) {
                column[place[row as usize] as usize] += value * state[j];
            }
        }
    }
    let kept = Mat::from_fn(rows.len(), above.len(), |i, m| {
        left[(rows[i] as usize, above.start + m)]
    });
    let mut out = Mat::zeros(above.len(), below.len());
    matmul(
        out.as_mut(),
        Accum::Replace,
        kept.transpose(),
        image.as_ref(),
        1.0,
        Par::Seq,
    );
    out
}

impl Elements<'_> {
    fn add_susceptibility(&self, beta: f64, chi: &mut [f64]) {
        let count = self.of.len();
        for (n, (e, p)) in self.below.0.iter().zip(self.below.1).enumerate() {
            for (m, (above, q)) in self.above.0.iter().zip(self.above.1).enumerate() {
                // (p - q) / (above - e) without cancellation
                let x = beta * (above - e);
                let ratio = if x.abs() < 1e-9 {
                    1.0 - 0.5 * x
                } else if x > 0.0 {
                    -(-x).exp_m1() / x
                } else {
                    x.exp_m1() / x
                };
                let weight = self.factor * beta * ratio * if x >= 0.0 { p } else { q };
                for i in 0..count {
                    let Some(a) = &self.of[i] else { continue };
                    for j in 0..count {
                        if let Some(b) = &self.of[j] {
                            chi[i * count + j] += weight * a[(m, n)] * b[(m, n)];
                        }
                    }
                }
            }
        }
    }
}

impl Poles {
    fn collect(&mut self, elements: &Elements<'_>, channel: &Channel, negligible: f64) {
        let of: Vec<Option<(&Mat<f64>, &Mat<f64>)>> = channel
            .iter()
            .map(|&(i, j)| elements.of[i].as_ref().zip(elements.of[j].as_ref()))
            .collect();
        if of.iter().all(Option::is_none) {
            return;
        }
        let mut residues = vec![0.0; channel.len()];
        for (n, (e, p)) in elements.below.0.iter().zip(elements.below.1).enumerate() {
            for (m, (above, q)) in elements.above.0.iter().zip(elements.above.1).enumerate() {
                let weight = elements.factor * (p + q);
                let mut largest = 0.0_f64;
                for (residue, pair) in residues.iter_mut().zip(&of) {
                    *residue = pair.map_or(0.0, |(a, b)| weight * a[(m, n)] * b[(m, n)]);
                    largest = largest.max(residue.abs());
                }
                if largest > negligible {
                    self.energies.push(above - e);
                    for (list, residue) in self.residues.iter_mut().zip(&residues) {
                        list.push(*residue);
                    }
                } else {
                    self.dropped += residues[0];
                }
            }
        }
    }

    fn clear(&mut self) {
        self.energies.clear();
        self.residues.iter_mut().for_each(Vec::clear);
    }

    fn extend(&mut self, other: &Self) {
        self.energies.extend(&other.energies);
        for (list, more) in self.residues.iter_mut().zip(&other.residues) {
            list.extend(more);
        }
        self.dropped += other.dropped;
    }

    fn values(&self, z: &[c64], control: &Control) -> Result<Vec<Vec<c64>>, Error> {
        let residues: Vec<&[f64]> = self.residues.iter().map(Vec::as_slice).collect();
        at_points(&self.energies, &residues, z, control)
    }

    fn merged(&self, width: f64) -> Vec<(f64, f64)> {
        let poles: Vec<(f64, f64)> = self
            .energies
            .iter()
            .zip(&self.residues[0])
            .map(|(e, w)| (*e, *w))
            .collect();
        narrowed(&poles, width)
    }
}

fn add(sums: &mut Option<Vec<Vec<c64>>>, values: Vec<Vec<c64>>) {
    match sums {
        None => *sums = Some(values),
        Some(sums) => {
            for (sum, value) in sums.iter_mut().flatten().zip(values.iter().flatten()) {
                *sum += value;
            }
        }
    }
}

/// At most two poles per interval, with the moments of all poles there up to the third: the nodes of
/// the Gauss rule of these positive weights.
pub(super) fn narrowed(poles: &[(f64, f64)], width: f64) -> Vec<(f64, f64)> {
    let low = poles.iter().map(|p| p.0).fold(f64::INFINITY, f64::min);
    let high = poles.iter().map(|p| p.0).fold(f64::NEG_INFINITY, f64::max);
    if low > high {
        return Vec::new();
    }
    let count = ((high - low) / width) as usize + 1;
    let mut moments = vec![[0.0; 4]; count];
    let centre = |i: usize| low + width * (i as f64 + 0.5);
    for &(e, w) in poles {
        let i = (((e - low) / width) as usize).min(count - 1);
        let x = (e - centre(i)) / width;
        for (k, moment) in moments[i].iter_mut().enumerate() {
            *moment += w * x.powi(k as i32);
        }
    }
    let mut out = Vec::new();
    for (i, [m0, m1, m2, m3]) in moments.into_iter().enumerate() {
        if m0 <= 0.0 {
            continue;
        }
        let mean = m1 / m0;
        let variance = m2 / m0 - mean * mean;
        if variance < 1e-9 {
            out.push((centre(i) + width * mean, m0));
            continue;
        }
        // Nodes of two points: x^2 - s x + d = 0 orthogonal to 1 and x.
        let third = m3 / m0 - 3.0 * mean * m2 / m0 + 2.0 * mean.powi(3);
        let half = 0.5 * third / variance;
        let root = (half * half + variance).sqrt();
        let (lower, upper) = (half - root, half + root);
        let share = upper / (upper - lower);
        out.push((centre(i) + width * (mean + lower), m0 * share));
        out.push((centre(i) + width * (mean + upper), m0 * (1.0 - share)));
    }
    out
}
