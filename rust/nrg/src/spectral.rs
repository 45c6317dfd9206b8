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

use crate::basis::Basis;
use crate::binning::{Histogram, Sorter};
use crate::density::{Density, NEGLIGIBLE};
use crate::symmetry::{Label, Symmetry};
use crate::{BinnedSpectrum, Bins, Error, Run, ShellBlock};
use faer::{Accum, Mat, MatRef, Par, linalg::matmul::matmul};
use kadanoff_runtime::Control;
use kadanoff_runtime::map_largest_first;
use std::collections::HashMap;
use std::sync::Arc;

/// Progress units of a shell here; a shell of the iteration counts 1000.
pub(crate) const TICKS: u64 = 1200;

/// An irreducible tensor operator in the multiplet basis of a shell.
#[derive(Debug, Clone)]
pub struct Tensor {
    /// For a U(1) factor the charge it adds, for SU(2) twice its rank.
    pub rank: Label,
    /// (bra, ket) -> reduced matrix elements.
    pub elements: HashMap<(usize, usize), Mat<f64>>,
}

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

/// Spectral functions of `pairs` of `tensors` (given on the cluster) at every density's temperature,
/// averaged over the components of the tensors: `out[pair][temperature]`.
///
/// Cost: about 1.1 n^3 flops for every connected pair of blocks and operator (2.4 n^3 in the few
/// shells whose discarded states are occupied), 0.2 n^3 for every temperature, and one pass over
/// the matrix elements. Memory: the vectors of one shell, and one matrix per thread and operator.
pub(crate) fn spectra(
    symmetry: Symmetry,
    run: &Run,
    tensors: &[Tensor],
    pairs: &[Pair],
    densities: &[Density],
    bins: &Bins,
    control: &Control,
) -> Result<Vec<Vec<BinnedSpectrum>>, Error> {
    check(symmetry, run, tensors, pairs, bins)?;
    let sorter = Sorter::new(bins);
    let mut out = vec![vec![BinnedSpectrum::new(bins); densities.len()]; pairs.len()];
    let mut current: Vec<Tensor> = tensors.to_vec();
    for n in 1..run.shells.len() {
        let shell = ShellDensity::new(run, n, densities)?;
        let blocks = shell.connected(symmetry, &current);
        let found = map_largest_first(
            &blocks,
            |&(i, j)| shell.size(i) * shell.size(j),
            |&(i, j)| -> Result<_, Error> {
                control.check()?;
                let images: Vec<Option<TensorBlock>> = current
                    .iter()
                    .map(|t| shell.transform(symmetry, t, i, j))
                    .collect();
                let histograms: Vec<Option<Vec<Histogram>>> = pairs
                    .iter()
                    .map(|pair| {
                        let (b, c) = (images[pair.b].as_ref()?, images[pair.c].as_ref()?);
                        let mut histograms: Vec<Histogram> =
                            densities.iter().map(|_| Histogram::new(bins)).collect();
                        shell.collect(
                            (i, j),
                            (b, c),
                            if pair.fermionic { 1.0 } else { -1.0 },
                            &sorter,
                            &mut histograms,
                        );
                        Some(histograms)
                    })
                    .collect();
                let kj = shell.kept(j);
                let kept: Vec<Option<Mat<f64>>> = images
                    .into_iter()
                    .map(|m| Some(m?.upper.subcols(0, kj).to_owned()))
                    .collect();
                Ok((histograms, kept))
            },
        );
        for tensor in &mut current {
            tensor.elements.clear();
        }
        for (&pair_of_blocks, of_blocks) in blocks.iter().zip(found) {
            let (histograms, kept) = of_blocks?;
            for (spectra, histograms) in out.iter_mut().zip(&histograms) {
                for (spectrum, histogram) in spectra.iter_mut().zip(histograms.iter().flatten()) {
                    spectrum.merge(histogram);
                }
            }
            for (tensor, matrix) in current.iter_mut().zip(kept) {
                if let Some(matrix) = matrix.filter(|m| m.nrows() > 0 && m.ncols() > 0) {
                    tensor.elements.insert(pair_of_blocks, matrix);
                }
            }
        }
        control.tick(TICKS);
    }
    for (pair, spectra) in pairs.iter().zip(&mut out) {
        let components = symmetry.dimension(&symmetry.positive(&tensors[pair.b].rank));
        for spectrum in spectra {
            spectrum.scale(1.0 / components as f64);
        }
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
    let fail = |what: &str| Err(Error::Argument(format!("invalid option: {what}")));
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
    let cluster = &run.shells[0].blocks;
    for t in tensors {
        for ((i, j), m) in &t.elements {
            let fits = *i < cluster.len()
                && *j < cluster.len()
                && m.nrows() == cluster[*i].energies.len()
                && m.ncols() == cluster[*j].energies.len()
                && symmetry.raises(&cluster[*i].label, &t.rank, &cluster[*j].label);
            if !fits {
                return fail("an operator has a block of the wrong shape or charge");
            }
        }
    }
    Ok(())
}

/// A shell with what its spectra need: the vectors and the densities.
struct ShellDensity<'a> {
    run: &'a Run,
    n: usize,
    basis: &'a Basis,
    blocks: &'a [ShellBlock],
    vectors: Vec<Arc<Mat<f64>>>,
    densities: &'a [Density],
    /// For every block and density the weights of the discarded states.
    weights: Vec<Vec<Vec<f64>>>,
    /// For every density whether any discarded state is occupied.
    occupied: Vec<bool>,
}

impl<'a> ShellDensity<'a> {
    fn new(run: &'a Run, n: usize, densities: &'a [Density]) -> Result<Self, Error> {
        let (basis, blocks) = (&run.basis[n - 1], run.shells[n].blocks.as_slice());
        let indices: Vec<usize> = (0..blocks.len()).collect();
        let vectors = map_largest_first(
            &indices,
            |&i| basis.blocks[i].dimension,
            |&i| basis.vectors(i),
        )
        .into_iter()
        .collect::<Result<_, _>>()
        .map_err(Error::storage)?;
        let mut shell = Self {
            run,
            n,
            basis,
            blocks,
            vectors,
            densities,
            weights: Vec::new(),
            occupied: Vec::new(),
        };
        shell.weights = (0..blocks.len())
            .map(|i| {
                let discarded = &blocks[i].energies[shell.kept(i)..];
                densities
                    .iter()
                    .map(|density| {
                        discarded
                            .iter()
                            .map(|&e| density.discarded(run, n, e))
                            .collect()
                    })
                    .collect()
            })
            .collect();
        shell.occupied = (0..densities.len())
            .map(|t| {
                let mut weights = shell.weights.iter().flat_map(|block| &block[t]);
                weights.any(|&w| w > NEGLIGIBLE)
            })
            .collect();
        Ok(shell)
    }

    fn size(&self, i: usize) -> usize {
        self.basis.blocks[i].dimension
    }

    /// Nothing is kept of the last shell.
    fn kept(&self, i: usize) -> usize {
        if self.n + 1 == self.run.shells.len() {
            0
        } else {
            self.blocks[i].kept
        }
    }

    /// Pairs of blocks that one of the tensors connects.
    fn connected(&self, symmetry: Symmetry, tensors: &[Tensor]) -> Vec<(usize, usize)> {
        let mut out = Vec::new();
        for (i, bra) in self.blocks.iter().enumerate() {
            for (j, ket) in self.blocks.iter().enumerate() {
                if tensors
                    .iter()
                    .any(|t| symmetry.raises(&bra.label, &t.rank, &ket.label))
                {
                    out.push((i, j));
                }
            }
        }
        out
    }

    /// Elements of the tensor between the states of two blocks, from those between the kept ones
    /// of the shell before.
    fn transform(
        &self,
        symmetry: Symmetry,
        tensor: &Tensor,
        i: usize,
        j: usize,
    ) -> Option<TensorBlock> {
        let (bra, ket) = (&self.basis.blocks[i], &self.basis.blocks[j]);
        if !symmetry.raises(&bra.label, &tensor.rank, &ket.label) {
            return None;
        }
        let old = &self.run.shells[self.n - 1].blocks;
        let sites = &self.basis.site().states;
        let mut elements = Vec::new();
        for p in &bra.segments {
            for q in ket.segments.iter().filter(|q| q.site == p.site) {
                if let Some(element) = tensor.elements.get(&(p.old, q.old)) {
                    let c = symmetry.first(
                        &tensor.rank,
                        &sites[p.site].label,
                        (&old[p.old].label, &bra.label),
                        (&old[q.old].label, &ket.label),
                    );
                    elements.push((p, q, element, c));
                }
            }
        }
        if elements.is_empty() {
            return None;
        }
        let (left, right) = (self.vectors[i].as_ref(), self.vectors[j].as_ref());
        let (ki, kj) = (self.kept(i), self.kept(j));
        let (rows, columns) = (bra.dimension, ket.dimension);
        // <kept| T, then on all kets.
        let mut from_left = Mat::zeros(ki, columns);
        for (p, q, element, c) in &elements {
            matmul(
                from_left.as_mut().subcols_mut(q.offset, q.size),
                Accum::Add,
                left.as_ref().submatrix(p.offset, 0, p.size, ki).transpose(),
                element.as_ref(),
                *c,
                Par::Seq,
            );
        }
        // T on some kets, then the bras that are discarded.
        let discarded = left.as_ref().subcols(ki, rows - ki).transpose();
        let below = |first: usize, count: usize| {
            let mut image = Mat::zeros(rows, count);
            for (p, q, element, c) in &elements {
                matmul(
                    image.as_mut().subrows_mut(p.offset, p.size),
                    Accum::Add,
                    element.as_ref(),
                    right.as_ref().submatrix(q.offset, first, q.size, count),
                    *c,
                    Par::Seq,
                );
            }
            product(discarded, image.as_ref(), 1.0)
        };
        Some(TensorBlock {
            upper: product(from_left.as_ref(), right.as_ref().as_ref(), 1.0),
            lower: below(0, kj),
            rest: self
                .occupied
                .contains(&true)
                .then(|| below(kj, columns - kj)),
        })
    }

    /// Adds the elements of one pair of blocks to the histogram of every density.
    fn collect(
        &self,
        (i, j): (usize, usize),
        (b, c): (&TensorBlock, &TensorBlock),
        sign: f64,
        sorter: &Sorter,
        histograms: &mut [Histogram],
    ) {
        let (bra, ket) = (&self.blocks[i].energies, &self.blocks[j].energies);
        let (ki, kj) = (self.kept(i), self.kept(j));
        let (of_bra, of_ket) = (&self.weights[i], &self.weights[j]);
        let response = sign < 0.0;
        // C R with the kept states of the ket.
        let found = sorter.indices(&bra[ki..], &ket[..kj]);
        for (t, (density, histogram)) in self.densities.iter().zip(&mut *histograms).enumerate() {
            let c_rho = product(c.lower.as_ref(), density.kept[self.n][j].as_ref(), 1.0);
            let mut found = found.iter();
            for (s, &energy) in ket[..kj].iter().enumerate() {
                let (b, c) = (b.lower.col_as_slice(s), c.lower.col_as_slice(s));
                let c_rho = c_rho.col_as_slice(s);
                for ((r, &above), &index) in bra[ki..].iter().enumerate().zip(&mut found) {
                    let weight = b[r] * (c_rho[r] + sign * of_bra[t][r] * c[r]);
                    histogram.add_pair(index, above - energy, weight, response);
                }
            }
        }
        // R C with those of the bra.
        let found = sorter.indices(&bra[..ki], &ket[kj..]);
        let c_upper = c.upper.as_ref().subcols(kj, ket.len() - kj);
        for (t, (density, histogram)) in self.densities.iter().zip(&mut *histograms).enumerate() {
            let rho_c = product(density.kept[self.n][i].as_ref(), c_upper, sign);
            let mut found = found.iter();
            for (s, &energy) in ket[kj..].iter().enumerate() {
                let (b, c) = (b.upper.col_as_slice(kj + s), c.upper.col_as_slice(kj + s));
                let rho_c = rho_c.col_as_slice(s);
                for ((r, &below), &index) in bra[..ki].iter().enumerate().zip(&mut found) {
                    let weight = b[r] * (rho_c[r] + of_ket[t][s] * c[r]);
                    histogram.add_pair(index, below - energy, weight, response);
                }
            }
        }
        let (Some(b), Some(c)) = (&b.rest, &c.rest) else {
            return;
        };
        let found = sorter.indices(&bra[ki..], &ket[kj..]);
        for (t, histogram) in histograms.iter_mut().enumerate() {
            if !self.occupied[t] {
                continue;
            }
            let temperature = self.densities[t].temperature;
            // Energies ascend, so that the occupied states come first.
            let some = of_bra[t].partition_point(|&w| w > NEGLIGIBLE);
            let columns = ket[kj..].iter().zip(&of_ket[t]).enumerate();
            for ((s, (&energy, &of_ket)), found) in
                columns.zip(found.chunks((bra.len() - ki).max(1)))
            {
                let (b, c) = (b.col_as_slice(s), c.col_as_slice(s));
                let end = if of_ket > NEGLIGIBLE { b.len() } else { some };
                for r in 0..end {
                    let (w, of_bra) = (bra[ki + r] - energy, of_bra[t][r]);
                    let bc = b[r] * c[r];
                    histogram.add(found[r], w, bc * (of_ket + sign * of_bra));
                    if response {
                        let lower = if w >= 0.0 { of_ket } else { of_bra };
                        let x = w.abs() / temperature;
                        let mean = if x > 0.0 { -(-x).exp_m1() / x } else { 1.0 };
                        histogram.response += bc * lower * mean / temperature;
                    }
                }
            }
        }
    }
}

/// A tensor between the states of two blocks; kept ones come first.
struct TensorBlock {
    /// Kept bras with all kets.
    upper: Mat<f64>,
    /// Discarded bras with kept kets.
    lower: Mat<f64>,
    /// Discarded with discarded, where any is occupied.
    rest: Option<Mat<f64>>,
}

fn product(a: MatRef<'_, f64>, b: MatRef<'_, f64>, factor: f64) -> Mat<f64> {
    let mut out = Mat::zeros(a.nrows(), b.ncols());
    if a.nrows() > 0 && a.ncols() > 0 && b.ncols() > 0 {
        matmul(out.as_mut(), Accum::Replace, a, b, factor, Par::Seq);
    }
    out
}

#[cfg(test)]
mod tests;
