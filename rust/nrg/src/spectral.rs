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

use crate::basis::{self, Basis, Reflections};
use crate::binning::{Histogram, Sorter, Touched};
use crate::density::{Density, NEGLIGIBLE, at_once};
use crate::elements::{self, Discarded, Elements, LANES, WithKept, stack};
use crate::symmetry::Symmetry;
use crate::tensor::{Pair, Tensor, check};
use crate::{BinnedSpectrum, Bins, Error, Run, ShellBlock};
use faer::{Accum, Mat, MatRef, Par, linalg::matmul::matmul};
use kadanoff_runtime::simd::{Level, dispatch};
use kadanoff_runtime::{Control, map_largest_first};
use std::sync::Arc;

/// Progress units of a shell here; a shell of the iteration counts 1000.
pub(crate) const TICKS: u64 = 1200;

/// Spectral functions of `pairs` of `tensors` (given on the cluster) at every density's temperature,
/// averaged over the components of the tensors: `out[pair][temperature]`.
///
/// Cost: about 1.1 n^3 flops for every connected pair of blocks and operator (2.4 n^3 in the few
/// shells whose discarded states are occupied), 0.2 n^3 for every temperature, and one pass over
/// the matrix elements for every eight temperatures. Memory: the canonical vectors of one shell, and
/// per thread two blocks of vectors and one matrix per operator, with eight more for several
/// temperatures.
pub(crate) fn spectra(
    symmetry: Symmetry,
    run: &Run,
    tensors: &[Tensor],
    pairs: &[Pair],
    densities: &[Density],
    bins: &Bins,
    control: &Control,
) -> Result<Vec<Vec<BinnedSpectrum>>, Error> {
    let few = densities.len() < LANES / 2;
    let spectra = if few {
        in_lanes::<1>
    } else {
        in_lanes::<LANES>
    };
    spectra(symmetry, run, tensors, pairs, densities, bins, control)
}

/// `L` temperatures at a time.
fn in_lanes<const L: usize>(
    symmetry: Symmetry,
    run: &Run,
    tensors: &[Tensor],
    pairs: &[Pair],
    densities: &[Density],
    bins: &Bins,
    control: &Control,
) -> Result<Vec<Vec<BinnedSpectrum>>, Error> {
    check(symmetry, run, tensors, pairs, bins)?;
    if pairs.is_empty() {
        control.tick(TICKS * (run.shells.len() - 1) as u64);
        return Ok(Vec::new());
    }
    let sorter = Sorter::new(bins);
    let mut out = vec![vec![BinnedSpectrum::new(bins); densities.len()]; pairs.len()];
    let mut current: Vec<Tensor> = tensors.to_vec();
    for n in 1..run.shells.len() {
        let shell = ShellDensity::new::<L>(run, n, densities)?;
        let blocks = shell.connected(symmetry, &current);
        let between = |&(i, j): &(usize, usize)| -> Result<_, Error> {
            control.check()?;
            let (left, right) = (shell.vectors(i), shell.vectors(j));
            let images: Vec<Option<TensorBlock>> = current
                .iter()
                .map(|t| shell.transform(symmetry, t, (i, left.as_ref()), (j, right.as_ref())))
                .collect();
            drop((left, right));
            let histograms = shell.histograms::<L>((i, j), &images, pairs, &sorter, bins);
            let kj = shell.kept(j);
            let kept: Vec<Option<Mat<f64>>> = images
                .into_iter()
                .map(|m| Some(m?.upper.subcols(0, kj).to_owned()))
                .collect();
            Ok((histograms, kept))
        };
        // The elements that the next shell starts from.
        let mut next: Vec<Tensor> = current.iter().map(|t| Tensor::empty(t.rank)).collect();
        // Histograms of one temperature are small: they wait for each other.
        let wait = if L == 1 {
            blocks.len().max(1)
        } else {
            at_once()
        };
        for some in blocks.chunks(wait) {
            let size = |&(i, j): &(usize, usize)| shell.size(i) * shell.size(j);
            let found = map_largest_first(some, size, between);
            for (&pair_of_blocks, of_blocks) in some.iter().zip(found) {
                let ((touched, histograms), kept) = of_blocks?;
                for (spectra, histograms) in out.iter_mut().zip(&histograms) {
                    for (spectra, histogram) in spectra.chunks_mut(L).zip(histograms) {
                        for (lane, spectrum) in spectra.iter_mut().enumerate() {
                            spectrum.merge(&touched, histogram, lane);
                        }
                    }
                }
                for (tensor, matrix) in next.iter_mut().zip(kept) {
                    if let Some(matrix) = matrix.filter(|m| m.nrows() > 0 && m.ncols() > 0) {
                        tensor.elements.insert(pair_of_blocks, matrix);
                    }
                }
            }
        }
        current = next;
        basis::trim(n, run.basis[n - 1].bytes());
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

/// A shell with what its spectra need: the vectors and the densities.
struct ShellDensity<'a> {
    run: &'a Run,
    n: usize,
    basis: &'a Basis,
    blocks: &'a [ShellBlock],
    reflections: Reflections,
    /// Vectors of canonical blocks.
    canonical: Vec<Option<Arc<Mat<f64>>>>,
    densities: &'a [Density],
    /// For every block and density the weights of the discarded states.
    weights: Vec<Vec<Vec<f64>>>,
    /// For every density whether any discarded state is occupied.
    occupied: Vec<bool>,
    /// For a single lane: for every density the matrices of all blocks on the kept states.
    matrices: Vec<Vec<Arc<Mat<f64>>>>,
    /// For several lanes: for every block these matrices, as many at a time as there are lanes.
    stacks: Vec<Arc<Vec<Mat<f64>>>>,
}

impl<'a> ShellDensity<'a> {
    fn new<const L: usize>(
        run: &'a Run,
        n: usize,
        densities: &'a [Density],
    ) -> Result<Self, Error> {
        let (basis, blocks) = (&run.basis[n - 1], run.shells[n].blocks.as_slice());
        let indices: Vec<usize> = basis.canonical().collect();
        let size = |&i: &usize| basis.blocks[i].dimension;
        let loaded = map_largest_first(&indices, size, |&i| basis.vectors(i));
        let mut canonical = vec![None; blocks.len()];
        for (i, vectors) in indices.into_iter().zip(loaded) {
            canonical[i] = Some(vectors.map_err(Error::storage)?);
        }
        let mut shell = Self {
            run,
            n,
            basis,
            blocks,
            reflections: basis.reflections().map_err(Error::storage)?,
            canonical,
            densities,
            weights: Vec::new(),
            occupied: Vec::new(),
            matrices: Vec::new(),
            stacks: Vec::new(),
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
        let matrices: Vec<Vec<Arc<Mat<f64>>>> = densities
            .iter()
            .map(|density| density.kept(run, n))
            .collect::<Result<_, _>>()?;
        if L > 1 {
            for block in 0..blocks.len() {
                let same = |&c: &usize| {
                    let shared = |of: &Vec<Arc<Mat<f64>>>| Arc::ptr_eq(&of[block], &of[c]);
                    c < block && matrices.iter().all(shared)
                };
                let stacked = match Some(basis.canonical_of(block)).filter(same) {
                    Some(c) => shell.stacks[c].clone(),
                    None => {
                        let of = |chunk: &[Vec<Arc<Mat<f64>>>]| {
                            let kept = chunk.iter().map(|of| of[block].as_ref().as_ref());
                            stack::<L>(&kept.collect::<Vec<_>>())
                        };
                        Arc::new(matrices.chunks(L).map(of).collect())
                    }
                };
                shell.stacks.push(stacked);
            }
        } else {
            shell.matrices = matrices;
        }
        Ok(shell)
    }

    /// All eigenvectors of block `i`.
    fn vectors(&self, i: usize) -> Arc<Mat<f64>> {
        match &self.canonical[self.basis.canonical_of(i)] {
            Some(canonical) => self.basis.image(i, &self.reflections, canonical),
            None => Arc::new(Mat::zeros(self.size(i), 0)),
        }
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

    /// Elements of the tensor between the states of two blocks with their vectors, from those
    /// between the kept ones of the shell before.
    fn transform(
        &self,
        symmetry: Symmetry,
        tensor: &Tensor,
        (i, left): (usize, &Mat<f64>),
        (j, right): (usize, &Mat<f64>),
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
            product(discarded, image.as_ref())
        };
        Some(TensorBlock {
            upper: product(from_left.as_ref(), right.as_ref()),
            lower: below(0, kj),
            rest: self
                .occupied
                .contains(&true)
                .then(|| below(kj, columns - kj)),
        })
    }

    /// The elements between two blocks in bins: for every pair a histogram per `L` densities, or
    /// none where the operators have no elements here.
    fn histograms<const L: usize>(
        &self,
        (i, j): (usize, usize),
        images: &[Option<TensorBlock>],
        pairs: &[Pair],
        sorter: &Sorter,
        bins: &Bins,
    ) -> (Touched, Vec<Vec<Histogram<L>>>) {
        let (bra, ket) = (&self.blocks[i].energies, &self.blocks[j].energies);
        let (ki, kj) = (self.kept(i), self.kept(j));
        let rest = if self.occupied.contains(&true) {
            sorter.indices(&bra[ki..], &ket[kj..])
        } else {
            Vec::new()
        };
        let mut found = [
            sorter.indices(&bra[ki..], &ket[..kj]),
            sorter.indices(&bra[..ki], &ket[kj..]),
            rest,
        ];
        let touched = Touched::renumber(bins, &mut found);
        let chunks = self.densities.len().div_ceil(L);
        let mut histograms: Vec<Vec<Histogram<L>>> = pairs
            .iter()
            .map(|pair| {
                let present = images[pair.b].is_some() && images[pair.c].is_some();
                let count = if present { chunks } else { 0 };
                (0..count).map(|_| Histogram::new(&touched)).collect()
            })
            .collect();
        // The products of C with the density matrices serve every B.
        for (index, c) in images.iter().enumerate() {
            let Some(c) = c else { continue };
            let mut of_c: Vec<OfPair<'_, L>> = pairs
                .iter()
                .zip(&mut histograms)
                .filter(|(pair, _)| pair.c == index)
                .filter_map(|(pair, histograms)| {
                    let sign = if pair.fermionic { 1.0 } else { -1.0 };
                    Some((images[pair.b].as_ref()?, sign, histograms.as_mut_slice()))
                })
                .collect();
            if !of_c.is_empty() {
                for chunk in 0..chunks {
                    self.collect((i, j), c, &found, chunk, &mut of_c);
                }
            }
        }
        (touched, histograms)
    }

    /// Adds the elements of C with every B at `L` temperatures; `found` holds the bins of kept
    /// kets, of kept bras and of discarded states only.
    fn collect<const L: usize>(
        &self,
        (i, j): (usize, usize),
        c: &TensorBlock,
        found: &[Vec<u32>; 3],
        chunk: usize,
        of_c: &mut [OfPair<'_, L>],
    ) {
        let (bra, ket) = (&self.blocks[i].energies, &self.blocks[j].energies);
        let (ki, kj) = (self.kept(i), self.kept(j));
        let first = chunk * L;
        let densities = &self.densities[first..self.densities.len().min(first + L)];
        let (of_bra, of_ket) = (self.weights::<L>(i, first), self.weights::<L>(j, first));
        let c_upper = c.upper.as_ref().subcols(kj, ket.len() - kj);
        let level = Level::current();
        // R C with the kept states of the bra, and C R, or its transpose, with those of the ket.
        let (rho_c, c_rho, strides) = if L == 1 {
            let rho = |block: usize| self.matrices[first][block].as_ref().as_ref();
            let lower = elements::product::<L>(c.lower.as_ref(), rho(j));
            (
                elements::product(rho(i), c_upper),
                lower,
                (1, bra.len() - ki),
            )
        } else {
            let rho = |block: usize| self.stacks[block][chunk].as_ref();
            let lower = elements::product::<L>(rho(j), c.lower.transpose());
            (elements::product(rho(i), c_upper), lower, (kj, 1))
        };
        let mut temperatures = [1.0; L];
        for (temperature, density) in temperatures.iter_mut().zip(densities) {
            *temperature = density.temperature;
        }
        let occupied = self.occupied[first..][..densities.len()].contains(&true);
        for (b, sign, histograms) in of_c {
            let response = *sign < 0.0;
            let histogram = &mut histograms[chunk];
            let lower = Elements {
                bra: &bra[ki..],
                ket: &ket[..kj],
                b: b.lower.as_ref(),
                c: c.lower.as_ref(),
                found: &found[0],
                response,
            };
            let with_ket = WithKept {
                elements: lower,
                products: &c_rho,
                strides,
                weights: &of_bra,
                discarded_rows: true,
                signs: (1.0, *sign),
                histogram,
            };
            dispatch(level, with_ket);
            let upper = Elements {
                bra: &bra[..ki],
                ket: &ket[kj..],
                b: b.upper.as_ref().subcols(kj, ket.len() - kj),
                c: c_upper,
                found: &found[1],
                response,
            };
            let with_bra = WithKept {
                elements: upper,
                products: &rho_c,
                strides: (1, ki),
                weights: &of_ket,
                discarded_rows: false,
                signs: (*sign, 1.0),
                histogram,
            };
            dispatch(level, with_bra);
            if let (true, Some(b), Some(c)) = (occupied, &b.rest, &c.rest) {
                let elements = Elements {
                    bra: &bra[ki..],
                    ket: &ket[kj..],
                    b: b.as_ref(),
                    c: c.as_ref(),
                    found: &found[2],
                    response,
                };
                let rest = Discarded {
                    elements,
                    of_bra: &of_bra,
                    of_ket: &of_ket,
                    sign: *sign,
                    temperatures,
                    histogram,
                };
                dispatch(level, rest);
            }
        }
    }

    /// Weights of the discarded states of a block at `L` temperatures, none beyond the last one.
    fn weights<const L: usize>(&self, block: usize, first: usize) -> Vec<[f64; L]> {
        let of_block = &self.weights[block];
        let count = of_block.first().map_or(0, Vec::len);
        let mut out = vec![[0.0; L]; count];
        for (lane, weights) in of_block.iter().skip(first).take(L).enumerate() {
            for (lanes, &weight) in out.iter_mut().zip(weights) {
                lanes[lane] = weight;
            }
        }
        out
    }
}

/// A pair with the C at hand: B, the sign, and the histograms.
type OfPair<'a, const L: usize> = (&'a TensorBlock, f64, &'a mut [Histogram<L>]);

/// A tensor between the states of two blocks; kept ones come first.
struct TensorBlock {
    /// Kept bras with all kets.
    upper: Mat<f64>,
    /// Discarded bras with kept kets.
    lower: Mat<f64>,
    /// Discarded with discarded, where any is occupied.
    rest: Option<Mat<f64>>,
}

fn product(a: MatRef<'_, f64>, b: MatRef<'_, f64>) -> Mat<f64> {
    let mut out = Mat::zeros(a.nrows(), b.ncols());
    if a.nrows() > 0 && a.ncols() > 0 && b.ncols() > 0 {
        matmul(out.as_mut(), Accum::Replace, a, b, 1.0, Par::Seq);
    }
    out
}

#[cfg(test)]
mod tests;
