//! Spectral functions from the full density matrix.
//!
//! `A_BC(w) = sum_n sum_{s's not both kept} B_{s's} [(C R_n)_{s's} +- (R_n C)_{s's}] delta(w - E_s' + E_s)`
//! with the reduced density matrix R_n of shell n (Weichselbaum and von Delft, Phys. Rev. Lett. 99,
//! 076402 (2007), Eq. 5; Peters, Pruschke, Anders, Phys. Rev. B 74, 245114 (2006)). B and C are
//! components of irreducible tensors that raise (create); the sign is plus for fermions. The
//! weights add up to `<{B^+, C}>` to machine precision whatever is truncated.
//!
//! For bosonic pairs the isothermal response `int_0^beta dt <B^+(t) C> = sum_ab (w_a - w_b) / (E_b -
//! E_a) B_ba C_ba` is summed beside it, with the limit `beta w_a` for degenerate states (Kubo): the
//! derivative of an expectation value, or the second derivative of ln Z.

use crate::density::Density;
use crate::parallel::map_largest_first;
use crate::symmetry::{Label, Symmetry};
use crate::{Error, Run};
use faer::{Accum, Mat, Par, linalg::matmul::matmul};
use kadanoff_runtime::Control;
use std::collections::HashMap;

/// Progress units of a shell here; a shell of the iteration counts 1000.
pub const TICKS: u64 = 1200;

/// An irreducible tensor operator in the multiplet basis of a shell.
#[derive(Debug, Clone)]
pub struct Tensor {
    /// For a U(1) factor the charge it adds, for SU(2) twice its rank.
    pub rank: Label,
    /// (bra, ket) -> reduced matrix elements.
    pub elements: HashMap<(usize, usize), Mat<f64>>,
}

/// Logarithmic bins for positive and negative frequencies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bins {
    /// Smallest frequency that is resolved; weight below goes into the lowest bin.
    pub lowest: f64,
    /// Bins in a decade.
    pub per_decade: f64,
    /// Number of bins on each side.
    pub count: usize,
}

impl Bins {
    fn index(&self, w: f64) -> usize {
        let x = (w.abs() / self.lowest).log10() * self.per_decade;
        // NaN (w = 0) and everything below the lowest bin saturate to zero.
        (x as usize).min(self.count - 1)
    }
}

/// Weight, and weight times frequency, of every bin: negative side first, each from the lowest
/// frequency up.
#[derive(Debug, Clone, PartialEq)]
pub struct Spectrum {
    /// Weight of every bin.
    pub weight: Vec<f64>,
    /// Weight times frequency of every bin.
    pub moment: Vec<f64>,
    /// For bosonic pairs `int_0^beta dt <B^+(t) C>`, degenerate states included.
    pub response: f64,
}

impl Spectrum {
    fn new(bins: &Bins) -> Self {
        Self {
            weight: vec![0.0; 2 * bins.count],
            moment: vec![0.0; 2 * bins.count],
            response: 0.0,
        }
    }

    fn add(&mut self, bins: &Bins, w: f64, weight: f64) {
        let side = if w < 0.0 { 0 } else { bins.count };
        let i = side + bins.index(w);
        self.weight[i] += weight;
        self.moment[i] += weight * w;
    }

    fn merge(&mut self, other: &Self) {
        self.response += other.response;
        for (a, b) in self.weight.iter_mut().zip(&other.weight) {
            *a += b;
        }
        for (a, b) in self.moment.iter_mut().zip(&other.moment) {
            *a += b;
        }
    }
}

/// Weights below this, out of a total of one, are not sorted into bins: at shells far above T they
/// are nearly all there is, and all of them together stay below rounding.
const NEGLIGIBLE: f64 = 1e-28;

/// A pair of operators (indices) whose spectral function is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// Index of B.
    pub b: usize,
    /// Index of C; it must have the rank of B.
    pub c: usize,
    /// Whether they are fermionic (anticommutator) or bosonic (commutator).
    pub fermionic: bool,
}

/// Spectral functions of `pairs` of `tensors` (given on the seed) at every density's temperature,
/// averaged over the components of the tensors: `out[pair][temperature]`.
///
/// Cost: about 2.5 n^3 flops for every connected pair of blocks and operator, and one pass over
/// the matrix elements for every pair and temperature.
pub fn spectra(
    symmetry: Symmetry,
    run: &Run,
    tensors: &[Tensor],
    pairs: &[Pair],
    densities: &[Density],
    bins: &Bins,
    control: &Control,
) -> Result<Vec<Vec<Spectrum>>, Error> {
    check(symmetry, run, tensors, pairs, bins)?;
    let mut out = vec![vec![Spectrum::new(bins); densities.len()]; pairs.len()];
    let mut current: Vec<Tensor> = tensors.to_vec();
    for n in 1..run.shells.len() {
        control.check()?;
        let full: Vec<Tensor> = current
            .iter()
            .map(|t| transform(symmetry, run, n, t))
            .collect::<Result<_, _>>()?;
        for (p, pair) in pairs.iter().enumerate() {
            let (b, c) = (&full[pair.b], &full[pair.c]);
            let components = symmetry.dimension(&symmetry.positive(&b.rank)) as f64;
            let mut blocks: Vec<(usize, usize)> = b
                .elements
                .keys()
                .copied()
                .filter(|k| c.elements.contains_key(k))
                .collect();
            blocks.sort_unstable();
            let found = map_largest_first(
                &blocks,
                |k| b.elements[k].nrows() * b.elements[k].ncols(),
                |&k| {
                    densities
                        .iter()
                        .map(|density| {
                            let mut spectrum = Spectrum::new(bins);
                            let sign = if pair.fermionic { 1.0 } else { -1.0 };
                            let ops = (&b.elements[&k], &c.elements[&k]);
                            collect(
                                run,
                                n,
                                density,
                                k,
                                ops,
                                sign,
                                1.0 / components,
                                bins,
                                &mut spectrum,
                            );
                            spectrum
                        })
                        .collect::<Vec<_>>()
                },
            );
            for of_block in &found {
                for (t, spectrum) in of_block.iter().enumerate() {
                    out[p][t].merge(spectrum);
                }
            }
        }
        let keep = &run.basis[n - 1].keep;
        current = full
            .into_iter()
            .map(|t| Tensor {
                rank: t.rank,
                elements: t
                    .elements
                    .into_iter()
                    .filter(|((i, j), _)| keep[*i] > 0 && keep[*j] > 0)
                    .map(|((i, j), m)| ((i, j), m.submatrix(0, 0, keep[i], keep[j]).to_owned()))
                    .collect(),
            })
            .collect();
        control.tick(TICKS);
    }
    Ok(out)
}

fn check(
    symmetry: Symmetry,
    run: &Run,
    tensors: &[Tensor],
    pairs: &[Pair],
    bins: &Bins,
) -> Result<(), Error> {
    let fail = |what: &str| Err(Error::Option(what.into()));
    if run.basis.len() + 1 != run.shells.len() {
        return fail("the run did not keep its basis");
    }
    if !(bins.lowest > 0.0 && bins.per_decade > 0.0 && bins.count > 0) {
        return fail("bins must be positive in number and width");
    }
    for p in pairs {
        if p.b >= tensors.len() || p.c >= tensors.len() || tensors[p.b].rank != tensors[p.c].rank {
            return fail("a pair names an operator that is missing or of another rank");
        }
    }
    let seed = &run.shells[0].blocks;
    for t in tensors {
        for ((i, j), m) in &t.elements {
            let fits = *i < seed.len()
                && *j < seed.len()
                && m.nrows() == seed[*i].energies.len()
                && m.ncols() == seed[*j].energies.len()
                && symmetry.raises(&seed[*i].label, &t.rank, &seed[*j].label);
            if !fits {
                return fail("an operator has a block of the wrong shape or charge");
            }
        }
    }
    Ok(())
}

/// The tensor between all states of shell `n`, from its elements between the kept ones before.
fn transform(symmetry: Symmetry, run: &Run, n: usize, tensor: &Tensor) -> Result<Tensor, Error> {
    let basis = &run.basis[n - 1];
    let old = &run.shells[n - 1].blocks;
    let mut pairs = Vec::new();
    for (i, bra) in basis.blocks.iter().enumerate() {
        for (j, ket) in basis.blocks.iter().enumerate() {
            if symmetry.raises(&bra.label, &tensor.rank, &ket.label) {
                pairs.push((i, j));
            }
        }
    }
    let site_label = |s: usize| &basis.site().states[s].label;
    let matrices: Vec<Result<Option<Mat<f64>>, Error>> = map_largest_first(
        &pairs,
        |&(i, j)| basis.blocks[i].dimension * basis.blocks[j].dimension,
        |&(i, j)| {
            let (bra, ket) = (&basis.blocks[i], &basis.blocks[j]);
            let mut vectors = None;
            let mut out: Option<Mat<f64>> = None;
            for p in &bra.parts {
                for q in ket.parts.iter().filter(|q| q.site == p.site) {
                    let Some(element) = tensor.elements.get(&(p.old, q.old)) else {
                        continue;
                    };
                    let c = symmetry.first(
                        &tensor.rank,
                        site_label(p.site),
                        (&old[p.old].label, &bra.label),
                        (&old[q.old].label, &ket.label),
                    );
                    if vectors.is_none() {
                        vectors = Some((
                            basis.vectors(i).map_err(Error::storage)?,
                            basis.vectors(j).map_err(Error::storage)?,
                        ));
                    }
                    let Some((left, right)) = &vectors else {
                        continue;
                    };
                    let mut half = Mat::zeros(p.size, ket.dimension);
                    matmul(
                        half.as_mut(),
                        Accum::Replace,
                        element.as_ref(),
                        right.as_ref().as_ref().subrows(q.offset, q.size),
                        c,
                        Par::Seq,
                    );
                    let target =
                        out.get_or_insert_with(|| Mat::zeros(bra.dimension, ket.dimension));
                    matmul(
                        target.as_mut(),
                        Accum::Add,
                        left.as_ref().as_ref().subrows(p.offset, p.size).transpose(),
                        half.as_ref(),
                        1.0,
                        Par::Seq,
                    );
                }
            }
            Ok(out)
        },
    );
    let mut elements = HashMap::new();
    for (pair, m) in pairs.into_iter().zip(matrices) {
        if let Some(m) = m? {
            elements.insert(pair, m);
        }
    }
    Ok(Tensor {
        rank: tensor.rank,
        elements,
    })
}

/// Adds one block of one shell to a spectrum.
fn collect(
    run: &Run,
    n: usize,
    density: &Density,
    (i, j): (usize, usize),
    (b, c): (&Mat<f64>, &Mat<f64>),
    sign: f64,
    factor: f64,
    bins: &Bins,
    spectrum: &mut Spectrum,
) {
    let last = n + 1 == run.shells.len();
    let (bra, ket) = (&run.shells[n].blocks[i], &run.shells[n].blocks[j]);
    let kept = |block: &crate::ShellBlock| if last { 0 } else { block.kept };
    let (ki, kj) = (kept(bra), kept(ket));
    let (rows, columns) = (b.nrows(), b.ncols());
    let mut weighted = Mat::<f64>::zeros(rows, columns);
    // C R: the density matrix on the ket side; kept with kept belongs to a later shell.
    if kj > 0 {
        matmul(
            weighted.as_mut().submatrix_mut(ki, 0, rows - ki, kj),
            Accum::Replace,
            c.as_ref().submatrix(ki, 0, rows - ki, kj),
            density.kept[n][j].as_ref(),
            1.0,
            Par::Seq,
        );
    }
    for s in kj..columns {
        let w = density.discarded(run, n, ket.energies[s]);
        for r in 0..rows {
            weighted[(r, s)] = w * c[(r, s)];
        }
    }
    // R C: the density matrix on the bra side.
    if ki > 0 {
        matmul(
            weighted.as_mut().submatrix_mut(0, kj, ki, columns - kj),
            Accum::Add,
            density.kept[n][i].as_ref(),
            c.as_ref().submatrix(0, kj, ki, columns - kj),
            sign,
            Par::Seq,
        );
    }
    let weights: Vec<f64> = bra.energies[ki..]
        .iter()
        .map(|&e| sign * density.discarded(run, n, e))
        .collect();
    for s in 0..columns {
        for (r, w) in weights.iter().enumerate() {
            weighted[(ki + r, s)] += w * c[(ki + r, s)];
        }
    }
    for s in 0..columns {
        // Kept with kept belongs to a later shell.
        let first = if s < kj { ki } else { 0 };
        for r in first..rows {
            let w = bra.energies[r] - ket.energies[s];
            let weight = factor * b[(r, s)] * weighted[(r, s)];
            if weight.abs() > NEGLIGIBLE {
                spectrum.add(bins, w, weight);
            }
            if sign < 0.0 {
                spectrum.response += if r >= ki && s >= kj {
                    let lower = if w >= 0.0 {
                        density.discarded(run, n, ket.energies[s])
                    } else {
                        density.discarded(run, n, bra.energies[r])
                    };
                    let x = w.abs() / density.temperature;
                    let mean = if x > 0.0 { -(-x).exp_m1() / x } else { 1.0 };
                    factor * b[(r, s)] * c[(r, s)] * lower * mean / density.temperature
                } else if weight != 0.0 {
                    // A kept and a discarded state are apart by the gap of the cut.
                    weight / w
                } else {
                    0.0
                };
            }
        }
    }
}

#[cfg(test)]
mod tests;
