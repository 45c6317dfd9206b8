//! The full density matrix in the complete basis.
//!
//! `rho = sum_n sum_{s in D_n} |s e> exp(-E_s/T)/Z <s e|` over the discarded states of every shell
//! n, each with the 4^(N-n) states e of the sites behind it (Weichselbaum and von Delft, Phys. Rev.
//! Lett. 99, 076402 (2007), doi:10.1103/PhysRevLett.99.076402). Traced over these sites it is
//! diagonal on the discarded states of shell n; on the kept ones it is a matrix, found from the
//! last shell backwards.

use crate::basis::{self, Basis, Stored, VectorStore};
use crate::{Error, Run, Symmetry, thermodynamics};
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, Par};
use kadanoff_runtime::Control;
use kadanoff_runtime::map_largest_first;
use std::sync::Arc;

/// Progress units of a shell here; a shell of the iteration counts 1000.
pub(crate) const TICKS: u64 = 300;

/// Statistical weights below this, out of a total of one, count as none: all of them together stay
/// below rounding.
pub(crate) const NEGLIGIBLE: f64 = 1e-28;

/// Jobs whose results are held together: one on a single thread, where they come in order.
pub(crate) fn at_once() -> usize {
    match kadanoff_runtime::threads() {
        1 => 1,
        threads => 8 * threads,
    }
}

/// Reduced density matrices of every shell at one temperature.
#[derive(Debug)]
pub(crate) struct Density {
    /// Temperature.
    pub temperature: f64,
    /// ln Z of the whole chain, energies from the last shell's ground state.
    pub log_z: f64,
    /// ln of the number of states of a chain site.
    pub site_entropy: f64,
    /// For block i of the cluster the matrix on its states, per member of the multiplets.
    pub cluster: Vec<Mat<f64>>,
    /// The same on the kept states of shell n, if spectra were asked for; blocks of one orbit
    /// share theirs.
    kept: Vec<Vec<Stored>>,
}

impl Density {
    /// The matrices on the kept states of shell `n`, one per block.
    pub(crate) fn kept(&self, run: &Run, n: usize) -> Result<Vec<Arc<Mat<f64>>>, Error> {
        let (basis, stored) = (&run.basis[n - 1], &self.kept[n]);
        let mut out: Vec<Arc<Mat<f64>>> = Vec::with_capacity(stored.len());
        for (i, own) in stored.iter().enumerate() {
            let shared = stored[..i].iter().position(|other| other.is(own));
            out.push(match shared {
                Some(other) => out[other].clone(),
                None => basis.store().load(own).map_err(Error::storage)?,
            });
        }
        Ok(out)
    }

    /// Statistical weight of one member of a discarded multiplet of shell `n`.
    pub(crate) fn discarded(&self, run: &Run, n: usize, energy: f64) -> f64 {
        let last = run.shells.len() - 1;
        let shift = run.shells[n].ground - run.shells[last].ground;
        let environment = (last - n) as f64 * self.site_entropy;
        (environment - (energy + shift) / self.temperature - self.log_z).exp()
    }

    /// Thermal average of a scalar operator given on the cluster, one matrix per block.
    pub(crate) fn expectation(&self, symmetry: Symmetry, run: &Run, operator: &[Mat<f64>]) -> f64 {
        run.shells[0]
            .blocks
            .iter()
            .enumerate()
            .map(|(i, block)| {
                let d = symmetry.dimension(&block.label) as f64;
                let rho = &self.cluster[i];
                let trace: f64 = (0..rho.nrows())
                    .map(|a| rho.row(a) * operator[i].col(a))
                    .sum();
                d * trace
            })
            .sum()
    }
}

/// The density matrices at several temperatures, in one pass over the eigenvectors.
///
/// The run must have kept its basis. With `every_shell` the matrices of every shell go where the
/// vectors are. Cost: about 0.25 n^3 per orbit of blocks and temperature.
pub(crate) fn densities(
    symmetry: Symmetry,
    run: &Run,
    temperatures: &[f64],
    every_shell: bool,
    control: &Control,
) -> Result<Vec<Density>, Error> {
    let last = run.shells.len() - 1;
    if run.basis.len() != last {
        return Err(Error::Argument("the run did not keep its basis".into()));
    }
    let mut out: Vec<Density> = temperatures
        .iter()
        .map(|&t| Density {
            temperature: t,
            log_z: thermodynamics(symmetry, &run.shells, last, &[t], true)[0].log_z,
            site_entropy: symmetry.site_entropy(),
            cluster: Vec::new(),
            kept: (0..=last).map(|_| Vec::new()).collect(),
        })
        .collect();
    // Nothing is kept of the last shell.
    let nothing = || -> Vec<Mat<f64>> {
        let blocks = &run.shells[last].blocks;
        blocks.iter().map(|_| Mat::zeros(0, 0)).collect()
    };
    let mut behind: Vec<Vec<Mat<f64>>> = out.iter().map(|_| nothing()).collect();
    for n in (0..last).rev() {
        control.check()?;
        let traced = trace_last_site(symmetry, run, n, &out, &behind)?;
        let done = std::mem::replace(&mut behind, traced);
        if every_shell {
            let basis = &run.basis[n];
            for (density, matrices) in out.iter_mut().zip(done) {
                density.kept[n + 1] = shared(basis.store(), matrices, |i| basis.canonical_of(i))
                    .map_err(Error::storage)?;
            }
        }
        basis::trim(n, run.basis[n].bytes());
        control.tick(TICKS);
    }
    for (density, cluster) in out.iter_mut().zip(behind) {
        density.cluster = cluster;
    }
    Ok(out)
}

/// Stores matrices, those that equal the one of their canonical block only once.
fn shared(
    store: &VectorStore,
    matrices: Vec<Mat<f64>>,
    canonical: impl Fn(usize) -> usize,
) -> std::io::Result<Vec<Stored>> {
    let same: Vec<bool> = (0..matrices.len())
        .map(|i| canonical(i) != i && matrices[i] == matrices[canonical(i)])
        .collect();
    let mut stored: Vec<Option<Stored>> = matrices
        .into_iter()
        .zip(&same)
        .map(|(matrix, same)| (!same).then(|| store.insert(matrix)).transpose())
        .collect::<std::io::Result<_>>()?;
    for i in 0..stored.len() {
        if same[i] {
            stored[i] = stored[canonical(i)].clone();
        }
    }
    Ok(stored.into_iter().flatten().collect())
}

/// The matrices of shell `n` from those of shell `n + 1`.
fn trace_last_site(
    symmetry: Symmetry,
    run: &Run,
    n: usize,
    densities: &[Density],
    behind: &[Vec<Mat<f64>>],
) -> Result<Vec<Vec<Mat<f64>>>, Error> {
    let basis = &run.basis[n];
    let (old, new) = (&run.shells[n], &run.shells[n + 1]);
    let last = n + 2 == run.shells.len();
    // Images of a block have its energies and its density matrix: one of each orbit stands for all.
    let indices: Vec<usize> = basis.canonical().collect();
    // For every block and temperature the contribution of each segment.
    let contributions = |&i: &usize| -> Result<Vec<Vec<Mat<f64>>>, Error> {
        let u = basis.vectors(i).map_err(Error::storage)?;
        let energies = &new.blocks[i].energies;
        let keep = if last { 0 } else { basis.keep[i] };
        Ok(densities
            .iter()
            .zip(behind)
            .map(|(density, behind)| {
                // Columns of negligible weight are left out of the product.
                let weights: Vec<f64> = energies[keep..]
                    .iter()
                    .map(|&e| density.discarded(run, n + 1, e))
                    .take_while(|&w| w > NEGLIGIBLE)
                    .collect();
                let used = keep + weights.len();
                let mut weighted = Mat::zeros(u.nrows(), used);
                if keep > 0 {
                    matmul(
                        weighted.as_mut().subcols_mut(0, keep),
                        Accum::Replace,
                        u.as_ref().as_ref().subcols(0, keep),
                        behind[i].as_ref(),
                        1.0,
                        Par::Seq,
                    );
                }
                for (s, w) in weights.into_iter().enumerate() {
                    let (mut target, source) =
                        (weighted.as_mut().col_mut(keep + s), u.col(keep + s));
                    faer::zip!(&mut target, &source).for_each(|faer::unzip!(t, x)| *t = w * *x);
                }
                basis.blocks[i]
                    .segments
                    .iter()
                    .map(|p| {
                        let ratio = basis.orbit(i) as f64
                            * symmetry.dimension(&new.blocks[i].label) as f64
                            / symmetry.dimension(&old.blocks[p.old].label) as f64;
                        let mut out = Mat::zeros(p.size, p.size);
                        matmul(
                            out.as_mut(),
                            Accum::Replace,
                            weighted.as_ref().subrows(p.offset, p.size),
                            u.as_ref()
                                .as_ref()
                                .submatrix(p.offset, 0, p.size, used)
                                .transpose(),
                            ratio,
                            Par::Seq,
                        );
                        out
                    })
                    .collect()
            })
            .collect())
    };
    let mut sums: Vec<Vec<Mat<f64>>> = densities
        .iter()
        .map(|_| {
            old.blocks
                .iter()
                .map(|b| Mat::zeros(b.kept, b.kept))
                .collect()
        })
        .collect();
    for some in indices.chunks(at_once()) {
        let found = map_largest_first(some, |&i| basis.blocks[i].dimension, contributions);
        for (&i, of_block) in some.iter().zip(found) {
            for (t, of_temperature) in of_block?.into_iter().enumerate() {
                for (segment, matrix) in basis.blocks[i].segments.iter().zip(of_temperature) {
                    sums[t][segment.old] += &matrix;
                }
            }
        }
    }
    let reflections = basis.reflections().map_err(Error::storage)?;
    for sum in &mut sums {
        Basis::average_over_orbits(&reflections, sum);
    }
    Ok(sums)
}
