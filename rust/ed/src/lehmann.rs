//! Poles of the impurity's Green function at a temperature (Lehmann representation).
//!
//! `G(z) = 1/Z sum_{nm} (e^{-beta E_n} + e^{-beta E_m}) |<m|d_up^+|n>|^2 / (z - E_m + E_n)` and likewise
//! `F(z) = <<d_up n_dn; d_up^+>>`, from which `Sigma = U F / G` (R. Bulla, A. C. Hewson, T. Pruschke,
//! J. Phys.: Condens. Matter 10, 8365 (1998), Eq. 6).

use crate::Error;
use crate::SMALL;
use crate::full::Spectrum;
use crate::map_blocks;
use crate::poles::at_points;
use faer::linalg::matmul::matmul;
use faer::prelude::ReborrowMut;
use faer::{Accum, MatMut, Par, c64};
use kadanoff_runtime::Control;
use kadanoff_runtime::simd::{Instructions, Kernel, Level, dispatch};
use std::cell::RefCell;

/// Poles of `G` and `F`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lehmann {
    /// Energies.
    pub energies: Vec<f64>,
    /// Residues of `G`, positive.
    pub weights: Vec<f64>,
    /// Residues of `F = <<d_up n_dn; d_up^+>>`.
    pub estimator: Vec<f64>,
    /// Sum of the residues of `G` that were left out.
    pub dropped: f64,
}

/// Levels whose Boltzmann weight, relative to Z, is below this contribute rounding errors only.
const EMPTY: f64 = 1e-17;
const LANES: usize = 8;
/// Sizes at which it is known how much smaller poles weigh together: powers of `STEP` times what is
/// dropped on sight. They need not be sharp.
const STEPS: usize = 5;
const STEP: f64 = 4.0;

/// `G` and `F` at some points besides the poles of `G`.
#[derive(Debug, Clone)]
pub struct Green {
    /// Energies.
    pub energies: Vec<f64>,
    /// Residues of `G`.
    pub weights: Vec<f64>,
    /// Sum of the residues of `G` that were left out.
    pub dropped: f64,
    /// `G(z)` and `F(z)`.
    pub values: Vec<Vec<c64>>,
}

/// All poles but the smallest, which together weigh at most `prune`.
///
/// ```
/// use kadanoff_ed::{Anderson, diagonalise, lehmann};
/// use kadanoff_runtime::Control;
///
/// # let model = Anderson {
/// #     u: 2.0,
/// #     eps: -1.0,
/// #     e: vec![-0.5, 0.5],
/// #     v: vec![0.3, 0.3],
/// # };
/// let control = Control::new();
/// let poles = lehmann(&diagonalise(&model, &control)?, 10.0, 1e-12, &control)?;
/// let total: f64 = poles.weights.iter().sum();
/// assert!((total + poles.dropped - 1.0).abs() < 1e-10);
/// # Ok::<(), kadanoff_ed::Error>(())
/// ```
pub fn lehmann(
    spectrum: &Spectrum,
    beta: f64,
    prune: f64,
    control: &Control,
) -> Result<Lehmann, Error> {
    with_poles(spectrum, (beta, prune), control, |p| Ok(p.clone()))
}

/// `G` and `F` from these poles at the points `z`.
///
/// ```
/// use faer::c64;
/// use kadanoff_ed::{Anderson, diagonalise, green};
/// use kadanoff_runtime::Control;
///
/// # let model = Anderson {
/// #     u: 2.0,
/// #     eps: -1.0,
/// #     e: vec![-0.5, 0.5],
/// #     v: vec![0.3, 0.3],
/// # };
/// let control = Control::new();
/// let z = [c64::new(0.0, 1e6)];
/// let found = green(&diagonalise(&model, &control)?, 10.0, 1e-12, &z, &control)?;
/// // G(z) -> 1 / z.
/// assert!((found.values[0][0].im + 1e-6).abs() < 1e-15);
/// # Ok::<(), kadanoff_ed::Error>(())
/// ```
pub fn green(
    spectrum: &Spectrum,
    beta: f64,
    prune: f64,
    z: &[c64],
    control: &Control,
) -> Result<Green, Error> {
    with_poles(spectrum, (beta, prune), control, |p| {
        Ok(Green {
            energies: p.energies.clone(),
            weights: p.weights.clone(),
            dropped: p.dropped,
            values: at_points(&p.energies, &[&p.weights, &p.estimator], z, control)?,
        })
    })
}

fn with_poles<T>(
    spectrum: &Spectrum,
    (beta, prune): (f64, f64),
    control: &Control,
    f: impl FnOnce(&Lehmann) -> Result<T, Error>,
) -> Result<T, Error> {
    spectrum.check(beta)?;
    let z = spectrum.partition(beta);
    let boltzmann: Vec<Vec<f64>> = (0..spectrum.blocks.len())
        .map(|b| {
            let weights = spectrum.boltzmann(b, beta);
            weights.into_iter().map(|w| w / z).collect()
        })
        .collect();
    // Half of what may go is spread evenly over the pairs of states and dropped on sight.
    let transitions = &spectrum.table.transitions;
    let dimension = |s: usize| spectrum.blocks[s].values.len();
    let pairs: usize = transitions
        .iter()
        .map(|t| dimension(t.from) * dimension(t.to))
        .sum();
    let negligible = 0.5 * prune / pairs.max(1) as f64;
    if spectrum.model.orbitals() <= SMALL {
        return WORK.with_borrow_mut(|work| {
            work.clear();
            for t in 0..transitions.len() {
                control.check()?;
                transition_poles(spectrum, t, &boltzmann, negligible, work);
            }
            work.prune(prune, negligible);
            f(&work.poles)
        });
    }
    let indices: Vec<usize> = (0..transitions.len()).collect();
    let parts = map_blocks(
        &indices,
        false,
        |&t| dimension(transitions[t].from) * dimension(transitions[t].to),
        |&t| -> Result<_, Error> {
            control.check()?;
            let mut part = Work::default();
            transition_poles(spectrum, t, &boltzmann, negligible, &mut part);
            Ok((part.poles, part.smaller))
        },
    )
    .into_iter()
    .collect::<Result<Vec<_>, Error>>()?;
    let mut all = Work::default();
    all.poles
        .reserve(parts.iter().map(|(p, _)| p.energies.len()).sum());
    for (poles, smaller) in parts {
        all.poles.energies.extend(poles.energies);
        all.poles.weights.extend(poles.weights);
        all.poles.estimator.extend(poles.estimator);
        all.poles.dropped += poles.dropped;
        for (total, x) in all.smaller.iter_mut().zip(smaller) {
            *total += x;
        }
    }
    all.prune(prune, negligible);
    f(&all.poles)
}

/// What a problem is worked on in.
#[derive(Default)]
struct Work {
    /// Elements that fill an empty impurity, and a single one; in columns.
    elements: [Vec<f64>; 2],
    poles: Lehmann,
    /// Sum of the sizes up to `negligible`, `STEP negligible`, ...
    smaller: [f64; STEPS],
}

thread_local! {
    /// Kept from one small problem to the next, 1 MB at most: fresh memory from the system would take
    /// as long as the poles.
    static WORK: RefCell<Work> = RefCell::default();
}

impl Work {
    fn clear(&mut self) {
        self.poles.truncate(0);
        self.poles.dropped = 0.0;
        self.smaller = [0.0; STEPS];
    }

    /// Drops the smallest poles as long as they weigh no more than `prune`, those dropped on sight
    /// included.
    fn prune(&mut self, prune: f64, negligible: f64) {
        let step = self.smaller.iter().rposition(|&x| x <= prune).unwrap_or(0);
        if step == 0 {
            return;
        }
        let limit = negligible * STEP.powi(step as i32);
        let poles = &mut self.poles;
        // No branches: which are kept cannot be foretold.
        let mut kept = 0;
        for i in 0..poles.energies.len() {
            let (weight, estimator) = (poles.weights[i], poles.estimator[i]);
            let keep = weight > limit || estimator.abs() > limit;
            poles.dropped += if keep { 0.0 } else { weight };
            poles.energies[kept] = poles.energies[i];
            poles.weights[kept] = weight;
            poles.estimator[kept] = estimator;
            kept += usize::from(keep);
        }
        poles.truncate(kept);
    }
}

fn transition_poles(
    spectrum: &Spectrum,
    index: usize,
    boltzmann: &[Vec<f64>],
    negligible: f64,
    work: &mut Work,
) {
    let t = &spectrum.table.transitions[index];
    let (a, b) = (&spectrum.blocks[t.from], &spectrum.blocks[t.to]);
    let (pa, pb) = (&boltzmann[t.from], &boltzmann[t.to]);
    let (na, nb) = (pa.len(), pb.len());
    // Levels ascend, so that the occupied ones come first.
    let ka = pa.partition_point(|&p| p > EMPTY);
    let kb = pb.partition_point(|&p| p > EMPTY);
    let place = spectrum.projected[index];
    // Occupied states below with all above; then empty states below with occupied ones above.
    for (below, above, rises) in [(0..ka, 0..nb, true), (ka..na, 0..kb, false)] {
        if below.is_empty() || above.is_empty() {
            continue;
        }
        for (part, (out, list)) in (work.elements.iter_mut().zip([&t.empty, &t.single])).enumerate()
        {
            out.clear();
            out.resize(below.len() * above.len(), 0.0);
            let mut out = MatMut::from_column_major_slice_mut(out, below.len(), above.len());
            // Where only the occupied states of a sector are there, they were projected.
            if rises && !b.is_whole() {
                let at = place.above + part * spectrum.occupied[t.from];
                out.copy_from(b.components.subcols(at, ka).transpose());
                continue;
            }
            if !rises && !a.is_whole() {
                let at = place.below + part * spectrum.occupied[t.to];
                out.copy_from(a.components.submatrix(ka, at, na - ka, kb));
                continue;
            }
            for c in list {
                let left = a
                    .vectors
                    .submatrix(c.from, below.start, c.count, below.len());
                let right = b.vectors.submatrix(c.to, above.start, c.count, above.len());
                let left = left.transpose();
                matmul(out.rb_mut(), Accum::Add, left, right, c.value, Par::Seq);
            }
        }
        let collect = Collect {
            elements: &work.elements,
            below: (&a.values[below.clone()], &pa[below]),
            above: (&b.values[above.clone()], &pb[above]),
            negligible,
            poles: &mut work.poles,
            smaller: &mut work.smaller,
        };
        dispatch(Level::current(), collect);
    }
}

/// Poles from matrix elements, in columns: all pairs of some levels with N and N + 1 electrons.
struct Collect<'a> {
    elements: &'a [Vec<f64>; 2],
    /// Energies and Boltzmann weights.
    below: (&'a [f64], &'a [f64]),
    above: (&'a [f64], &'a [f64]),
    negligible: f64,
    poles: &'a mut Lehmann,
    smaller: &'a mut [f64; STEPS],
}

impl Kernel for Collect<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self) {
        let (rows, poles) = (self.below.0.len(), self.poles);
        let mut end = poles.energies.len();
        let limits: [f64; STEPS] = std::array::from_fn(|k| self.negligible * STEP.powi(k as i32));
        let mut smaller = [[0.0; LANES]; STEPS];
        let mut dropped = [0.0; LANES];
        for (j, (e, p)) in self.above.0.iter().zip(self.above.1).enumerate() {
            // Room for all, each written to where the last one kept ended.
            for list in [
                &mut poles.energies,
                &mut poles.weights,
                &mut poles.estimator,
            ] {
                list.resize(end + rows + LANES, 0.0);
            }
            let column = j * rows..(j + 1) * rows;
            let [empty, single] = self.elements.each_ref().map(|x| &x[column.clone()]);
            for start in (0..rows).step_by(LANES) {
                let count = LANES.min(rows - start);
                let load = |x: &[f64]| -> [f64; LANES] {
                    match x[start..].first_chunk() {
                        Some(whole) => *whole,
                        None => std::array::from_fn(|l| x.get(start + l).copied().unwrap_or(0.0)),
                    }
                };
                let (x, y) = (load(empty), load(single));
                let (energies, thermal) = (load(self.below.0), load(self.below.1));
                let (mut at, mut weight, mut estimator) =
                    ([0.0; LANES], [0.0; LANES], [0.0; LANES]);
                let mut largest = [0.0; LANES];
                for l in 0..LANES {
                    let element = x[l] + y[l];
                    let scaled = (thermal[l] + p) * element;
                    at[l] = e - energies[l];
                    weight[l] = scaled * element;
                    estimator[l] = scaled * y[l];
                    let size = estimator[l].abs();
                    largest[l] = if size > weight[l] { size } else { weight[l] };
                    dropped[l] += if largest[l] > self.negligible {
                        0.0
                    } else {
                        weight[l]
                    };
                }
                for (sums, limit) in smaller.iter_mut().zip(&limits) {
                    for l in 0..LANES {
                        sums[l] += if largest[l] > *limit { 0.0 } else { largest[l] };
                    }
                }
                let kept = largest.map(|x| usize::from(x > self.negligible));
                let total = kept[..count].iter().sum::<usize>();
                let lists = [
                    (&mut poles.energies, at),
                    (&mut poles.weights, weight),
                    (&mut poles.estimator, estimator),
                ];
                for (list, values) in lists {
                    // There is room for all, of which the first are kept.
                    let Some(room) = list[end..].first_chunk_mut::<LANES>() else {
                        continue;
                    };
                    if total == LANES {
                        *room = values;
                        continue;
                    }
                    let mut next = 0;
                    for l in 0..count {
                        room[next % LANES] = values[l];
                        next += kept[l];
                    }
                }
                end += total;
            }
        }
        poles.truncate(end);
        for (total, sums) in self.smaller.iter_mut().zip(&smaller) {
            *total += sums.iter().sum::<f64>();
        }
        poles.dropped += dropped.iter().sum::<f64>();
    }
}

impl Lehmann {
    fn reserve(&mut self, poles: usize) {
        self.energies.reserve(poles);
        self.weights.reserve(poles);
        self.estimator.reserve(poles);
    }

    fn truncate(&mut self, poles: usize) {
        self.energies.truncate(poles);
        self.weights.truncate(poles);
        self.estimator.truncate(poles);
    }
}

#[cfg(test)]
mod tests;
