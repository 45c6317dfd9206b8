//! A symmetric matrix in tridiagonal form, its eigenvalues, and eigenvectors on demand.

use crate::{Error, inverse_iteration, ql, tridiagonal};
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{self, ComputeEigenvectors, tridiag};
use faer::linalg::householder;
use faer::prelude::{Reborrow, ReborrowMut};
use faer::{Accum, Conj, Mat, MatRef, Par, Spec};

/// Rounding errors allowed, in units of `EPSILON * n * norm`.
const SLACK: f64 = 16.0;
/// Dimension above which a decomposition takes so long that a caller who was cancelled should not
/// wait for it: 4/3 n^3 operations of the reduction, half a second at n = 1500 and the 9 Gflop/s
/// that one thread reaches in a run with 3500 kept states (page of timings).
pub const LONG: usize = 1500;
/// Up to this dimension our own reduction is the quicker one: the matrix stays in the cache.
/// Operations of the reduction over the time of the whole decomposition, on a Xeon with AVX-512:
/// ours 4.6 Gflop/s at n = 128 and 7.4 at 256, faer 7.3 at 272 and 8.1 at 400.
const SMALL: usize = 256;
/// Overlap of computed vectors above which they are made orthogonal to one another.
const REPAIR: f64 = 1e-13;
/// Overlap above which divide and conquer takes over: its square is what a repair leaves.
const HOPELESS: f64 = 1e-8;
/// Overlap allowed in what is returned.
const OVERLAP: f64 = 1e-12;

/// A real symmetric matrix `A = Q T Q^T` with `T` tridiagonal, and all its eigenvalues.
///
/// Memory: one n x n matrix (the reflectors that make up `Q`) until [`Reduced::vectors`] is done.
pub struct Reduced {
    reflectors: Mat<f64>,
    factors: Mat<f64>,
    diagonal: Vec<f64>,
    off: Vec<f64>,
    values: Vec<f64>,
}

impl Reduced {
    /// Reduces `a` (only its lower triangle is read) and finds all eigenvalues, ascending.
    ///
    /// Trace and Frobenius norm of the result are compared with those of `a`.
    ///
    /// ```
    /// use faer::Mat;
    /// use kadanoff_linalg::Reduced;
    ///
    /// let a = Mat::from_fn(3, 3, |i, j| if i == j { 2.0 } else { 1.0 });
    /// let reduced = Reduced::new(a.clone())?;
    /// assert!((reduced.values()[2] - 4.0).abs() < 1e-14);
    /// let lowest = reduced.vectors(1)?;
    /// assert!((&a * &lowest - &lowest).norm_l2() < 1e-14);
    /// # Ok::<(), kadanoff_linalg::Error>(())
    /// ```
    pub fn new(mut a: Mat<f64>) -> Result<Self, Error> {
        let n = a.nrows();
        let (trace, norm2) = invariants(a.as_ref());
        if !norm2.is_finite() {
            return Err(Error::NonFinite { dimension: n });
        }
        let block = if n > 1 {
            faer::linalg::qr::no_pivoting::factor::recommended_block_size::<f64>(n - 1, n - 1)
        } else {
            1
        };
        let mut factors = Mat::zeros(block, n.saturating_sub(1));
        if n > SMALL {
            let scratch = tridiag::tridiag_in_place_scratch::<f64>(n, Par::Seq, Spec::default());
            tridiag::tridiag_in_place(
                a.as_mut(),
                factors.as_mut(),
                Par::Seq,
                MemStack::new(&mut MemBuffer::new(scratch)),
                Spec::default(),
            );
        } else if n > 1 {
            tridiagonal::reduce(&mut a, factors.as_mut());
        }
        let diagonal: Vec<f64> = (0..n).map(|i| a[(i, i)]).collect();
        let off: Vec<f64> = (1..n).map(|i| a[(i, i - 1)]).collect();
        let values = ql::eigenvalues(&diagonal, &off)?;
        let reduced = Self {
            reflectors: a,
            factors,
            diagonal,
            off,
            values,
        };
        reduced.check_values(trace, norm2)?;
        Ok(reduced)
    }

    /// All eigenvalues, ascending.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    fn check_values(&self, trace: f64, norm2: f64) -> Result<(), Error> {
        let n = self.values.len();
        let limit = SLACK * f64::EPSILON * (n as f64) * norm2.sqrt().max(f64::MIN_POSITIVE);
        let trace_error = (self.values.iter().sum::<f64>() - trace).abs();
        // |sum l^2 - |A|^2| / |A| is the error of the norm up to a factor of two.
        let sum2: f64 = self.values.iter().map(|x| x * x).sum();
        let norm_error = (sum2.sqrt() - norm2.sqrt()).abs();
        for (what, error) in [("trace", trace_error), ("Frobenius norm", norm_error)] {
            if error.is_nan() || error > limit {
                return Err(Error::Check {
                    dimension: n,
                    what,
                    error,
                    limit,
                });
            }
        }
        Ok(())
    }

    /// The eigenvectors of the `k` lowest eigenvalues as columns of an n x k matrix.
    pub fn vectors(mut self, k: usize) -> Result<Mat<f64>, Error> {
        let n = self.values.len();
        if k == 0 || n == 0 {
            return Ok(Mat::zeros(n, k));
        }
        let mut vectors = self.tridiagonal_vectors(k)?;
        if n > 1 {
            self.back_transform(&mut vectors);
        }
        Ok(vectors)
    }

    /// The squared first components of all eigenvectors: `sum_j w_j / (z - l_j)` is the element (0, 0)
    /// of `(z - A)^-1`.
    ///
    /// The reflectors leave the first basis vector alone, so that those of `T` are those of `A`.
    ///
    /// ```
    /// use faer::Mat;
    /// use kadanoff_linalg::Reduced;
    ///
    /// let a = Mat::from_fn(2, 2, |i, j| if i == j { 0.0 } else { 1.0 });
    /// let weights = Reduced::new(a)?.weights()?;
    /// assert!(weights.iter().all(|w| (w - 0.5).abs() < 1e-14));
    /// # Ok::<(), kadanoff_linalg::Error>(())
    /// ```
    pub fn weights(self) -> Result<Vec<f64>, Error> {
        let n = self.values.len();
        let vectors = self.tridiagonal_vectors(n)?;
        Ok((0..n).map(|j| vectors[(0, j)].powi(2)).collect())
    }

    /// The eigenvectors of `T`.
    fn tridiagonal_vectors(&self, k: usize) -> Result<Mat<f64>, Error> {
        let n = self.values.len();
        if n == 1 {
            return Ok(Mat::from_fn(1, 1, |_, _| 1.0));
        }
        let mut vectors = Mat::zeros(n, k);
        let good = inverse_iteration::lowest_vectors(
            &self.diagonal,
            &self.off,
            &self.values,
            vectors.as_mut(),
        ) && orthogonalise(&mut vectors);
        if !good {
            vectors = self.divide_and_conquer(k)?;
            let error = largest(gram(vectors.as_ref()).as_ref());
            if error.is_nan() || error >= OVERLAP {
                return Err(Error::Check {
                    dimension: n,
                    what: "orthogonality",
                    error,
                    limit: OVERLAP,
                });
            }
        }
        Ok(vectors)
    }

    /// The triangular factors of blocks of reflectors, from the single coefficients.
    fn gather_reflectors(&mut self) {
        let n = self.values.len() - 1;
        let essentials = self.reflectors.as_ref().submatrix(1, 0, n, n);
        let block = self.factors.nrows();
        for j in (0..n).step_by(block) {
            let size = block.min(n - j);
            let mut factor = self.factors.as_mut().submatrix_mut(0, j, size, size);
            for k in 0..size {
                factor[(k, k)] = factor[(0, k)];
            }
            let columns = essentials.submatrix(j, j, n - j, size);
            householder::upgrade_householder_factor(factor, columns, size, 1, Par::Seq);
        }
    }

    fn divide_and_conquer(&self, k: usize) -> Result<Mat<f64>, Error> {
        let n = self.values.len();
        let mut off = self.off.clone();
        off.push(0.0);
        let mut values = vec![0.0; n];
        let mut vectors = Mat::zeros(n, n);
        let scratch = evd::self_adjoint_evd_scratch::<f64>(
            n,
            ComputeEigenvectors::Yes,
            Par::Seq,
            Spec::default(),
        );
        evd::tridiagonal_self_adjoint_evd::<f64>(
            faer::diag::DiagRef::from_slice(&self.diagonal),
            faer::diag::DiagRef::from_slice(&off),
            faer::diag::DiagMut::from_slice_mut(&mut values),
            Some(vectors.as_mut()),
            Par::Seq,
            MemStack::new(&mut MemBuffer::new(scratch)),
            Spec::default(),
        )
        .map_err(|_| Error::NoConvergence { dimension: n })?;
        Ok(vectors.subcols(0, k).to_owned())
    }

    /// `V <- Q V` with the reflectors in blocks.
    fn back_transform(&mut self, vectors: &mut Mat<f64>) {
        let n = self.values.len();
        let k = vectors.ncols();
        let block = self.factors.nrows();
        if n <= SMALL {
            self.gather_reflectors();
        }
        let scratch = householder::apply_block_householder_sequence_on_the_left_in_place_scratch::<
            f64,
        >(n - 1, block, k);
        householder::apply_block_householder_sequence_on_the_left_in_place_with_conj(
            self.reflectors.as_ref().submatrix(1, 0, n - 1, n - 1),
            self.factors.as_ref(),
            Conj::No,
            vectors.as_mut().subrows_mut(1, n - 1),
            Par::Seq,
            MemStack::new(&mut MemBuffer::new(scratch)),
        );
    }
}

/// Trace and squared Frobenius norm of the symmetric matrix whose lower triangle is given.
fn invariants(a: MatRef<'_, f64>) -> (f64, f64) {
    let mut trace = 0.0;
    let mut norm2 = 0.0;
    for j in 0..a.ncols() {
        trace += a[(j, j)];
        norm2 += a[(j, j)].powi(2);
        norm2 += 2.0 * a.col(j).subrows(j + 1, a.nrows() - j - 1).squared_norm_l2();
    }
    (trace, norm2)
}

/// Lower triangle of `V^T V - 1`.
fn gram(v: MatRef<'_, f64>) -> Mat<f64> {
    let k = v.ncols();
    let mut gram = Mat::zeros(k, k);
    faer::linalg::matmul::triangular::matmul(
        gram.as_mut(),
        faer::linalg::matmul::triangular::BlockStructure::TriangularLower,
        Accum::Replace,
        v.transpose(),
        faer::linalg::matmul::triangular::BlockStructure::Rectangular,
        v,
        faer::linalg::matmul::triangular::BlockStructure::Rectangular,
        1.0,
        Par::Seq,
    );
    for j in 0..k {
        gram[(j, j)] -= 1.0;
    }
    gram
}

/// Largest element of the lower triangle; a NaN is larger than any.
fn largest(gram: MatRef<'_, f64>) -> f64 {
    let mut worst = 0.0_f64;
    for j in 0..gram.ncols() {
        for i in j..gram.nrows() {
            let x = gram[(i, j)].abs();
            worst = if x <= worst { worst } else { x };
        }
    }
    worst
}

/// Takes from every vector what it shares with those before it, to first order; false if that
/// would not be enough.
///
/// Neighbours at a distance d overlap by rounding over d, so that few pairs need it; the residual
/// of a vector grows by no more than rounding.
fn orthogonalise(vectors: &mut Mat<f64>) -> bool {
    let gram = gram(vectors.as_ref());
    let worst = largest(gram.as_ref());
    if worst.is_nan() || worst > HOPELESS {
        return false;
    }
    if worst > REPAIR {
        for j in 1..vectors.ncols() {
            let (earlier, mut rest) = vectors.as_mut().split_at_col_mut(j);
            for i in 0..j {
                let overlap = gram[(j, i)];
                if overlap.abs() > REPAIR {
                    let (mut v, u) = (rest.rb_mut().col_mut(0), earlier.rb().col(i));
                    faer::zip!(&mut v, &u).for_each(|faer::unzip!(v, u)| *v -= overlap * *u);
                }
            }
        }
    }
    true
}

#[cfg(test)]
mod tests;
