//! A symmetric matrix in tridiagonal form, its eigenvalues, and eigenvectors on demand.

use crate::band::{self, Band};
use crate::reflectors::{Direction, Reflectors};
use crate::tridiagonal::Tridiagonal;
use crate::{Error, chase, inverse_iteration, ql, tridiagonal};
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{self, ComputeEigenvectors};
use faer::linalg::householder::{
    self, apply_block_householder_sequence_on_the_left_in_place_scratch as outward_scratch,
    apply_block_householder_sequence_on_the_left_in_place_with_conj as outward,
    apply_block_householder_sequence_transpose_on_the_left_in_place_scratch as inward_scratch,
    apply_block_householder_sequence_transpose_on_the_left_in_place_with_conj as inward,
};
use faer::linalg::matmul::matmul;
use faer::linalg::qr::no_pivoting::factor::recommended_block_size;
use faer::prelude::{Reborrow, ReborrowMut};
use faer::{Accum, Conj, Mat, MatRef, Par, Spec};
use std::ops::Range;

/// Rounding errors allowed, in units of `EPSILON * n * norm`.
const SLACK: f64 = 16.0;
/// Dimension above which a decomposition takes so long that a caller who was cancelled should not
/// wait for it: 4/3 n^3 operations of the reduction, 0.15 s at n = 1500 and the 30 Gflop/s that one
/// thread reaches (page of timings), and several times as much on a busy machine.
pub const LONG: usize = 1500;
/// Up to this dimension one stage is quicker than two. Measured on an EPYC with AVX2, 512 kB of
/// second-level cache and much of the third, two stages and one: values and a quarter of the vectors
/// 21 and 15 ms at n = 550, 51 and 38 ms at 784, 93 and 73 ms at 1000, 193 and 170 ms at 1300, 370 and
/// 409 ms at 1700; values and all vectors 46 and 25, 110 and 69, 209 and 132 ms up to n = 1000. Beyond,
/// the triangle of 2.5 MB leaves the second-level caches of other processors.
const SMALL: usize = 800;
/// Overlap of computed vectors above which they are made orthogonal to one another.
const REPAIR: f64 = 1e-13;
/// Overlap above which divide and conquer takes over: its square is what a repair leaves.
const HOPELESS: f64 = 1e-8;
/// Vectors whose overlaps with those of another panel are found together.
const PANEL: usize = 32;
/// Overlap allowed in what is returned.
const OVERLAP: f64 = 1e-12;

/// A real symmetric matrix `A = Q T Q^T` with `T` tridiagonal, and all its eigenvalues.
///
/// Memory: up to n = 800 half of an n x n matrix (the reflectors that make up `Q`), beyond all of one,
/// and half of one more during the reduction.
pub struct Reduced {
    reflections: Reflections,
    diagonal: Vec<f64>,
    off: Vec<f64>,
    values: Vec<f64>,
}

/// What makes up `Q`.
enum Reflections {
    Single(Reflectors),
    /// Those that lead to a band; eigenvectors are found for that.
    ToBand {
        band: Band,
        reflectors: Mat<f64>,
        /// Coefficients of the reflectors, `H = 1 - v v^T / tau`.
        tau: Vec<f64>,
        /// Power of two by which the band is to be divided for a norm of order one.
        unit: f64,
    },
}

/// How the tridiagonal form is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stages {
    /// Directly.
    One,
    /// By way of a band, for which eigenvectors are found.
    Two,
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
    pub fn new(a: Mat<f64>) -> Result<Self, Error> {
        let stages = if a.nrows() > SMALL {
            Stages::Two
        } else {
            Stages::One
        };
        Self::in_stages(a, stages)
    }

    fn in_stages(mut a: Mat<f64>, stages: Stages) -> Result<Self, Error> {
        let n = a.nrows();
        let (trace, norm2) = invariants(a.as_ref());
        if !norm2.is_finite() {
            return Err(Error::NonFinite { dimension: n });
        }
        let (reflections, diagonal, off, values) = match stages {
            Stages::One => {
                let Tridiagonal {
                    diagonal,
                    off,
                    reflectors,
                } = tridiagonal::reduce(&a);
                let values = ql::eigenvalues(&diagonal, &off)?;
                (Reflections::Single(reflectors), diagonal, off, values)
            }
            Stages::Two => {
                let norm = scale(&mut a, norm2.sqrt());
                let (mut band, tau) = band::reduce(&mut a);
                let (mut diagonal, mut off) = chase::tridiagonal(&band);
                let mut values = ql::eigenvalues(&diagonal, &off)?;
                let numbers = band.columns.iter_mut().flatten().chain(&mut values);
                for x in numbers.chain(&mut diagonal).chain(&mut off) {
                    *x *= norm;
                }
                let reflections = Reflections::ToBand {
                    band,
                    reflectors: a,
                    tau,
                    unit: norm,
                };
                (reflections, diagonal, off, values)
            }
        };
        let reduced = Self {
            reflections,
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
    pub fn vectors(&self, k: usize) -> Result<Mat<f64>, Error> {
        let n = self.values.len();
        if k == 0 || n == 0 {
            return Ok(Mat::zeros(n, k));
        }
        let mut vectors = self.inner_vectors(k)?;
        self.reflect(&mut vectors, Direction::Outward);
        Ok(vectors)
    }

    /// The components of the columns of `x` along all eigenvectors, `V^T X`; the signs of these
    /// eigenvectors need not be those of [`Reduced::vectors`].
    ///
    /// For few columns this is much cheaper than the eigenvectors, as those of `T` are enough: 4 to
    /// 6 n^2 operations per column and some 50 n^2, in place of 2 n^3.
    ///
    /// ```
    /// use faer::Mat;
    /// use kadanoff_linalg::Reduced;
    ///
    /// let a = Mat::from_fn(2, 2, |i, j| if i == j { 0.0 } else { 1.0 });
    /// let along = Reduced::new(a)?.components(Mat::from_fn(2, 1, |_, _| 1.0))?;
    /// assert!(along[(0, 0)].abs() < 1e-14);
    /// assert!((along[(1, 0)].abs() - 2.0_f64.sqrt()).abs() < 1e-14);
    /// # Ok::<(), kadanoff_linalg::Error>(())
    /// ```
    pub fn components(&self, mut x: Mat<f64>) -> Result<Mat<f64>, Error> {
        let n = self.values.len();
        let mut along = Mat::zeros(n, x.ncols());
        if n == 0 || x.ncols() == 0 {
            return Ok(along);
        }
        self.reflect(&mut x, Direction::Inward);
        if let Reflections::ToBand { band, unit, .. } = &self.reflections {
            let mut band = band.clone();
            for x in band.columns.iter_mut().flatten() {
                *x /= unit;
            }
            chase::turn(&band, &mut x);
        }
        let vectors = self.tridiagonal_vectors(n)?;
        matmul(
            along.as_mut(),
            Accum::Replace,
            vectors.transpose(),
            x.as_ref(),
            1.0,
            Par::Seq,
        );
        Ok(along)
    }

    /// The squared first components of all eigenvectors: `sum_j w_j / (z - l_j)` is the element (0, 0)
    /// of `(z - A)^-1`.
    ///
    /// The reflectors leave the first basis vector alone, so that those of `T`, or of the band, are
    /// those of `A`.
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
    pub fn weights(&self) -> Result<Vec<f64>, Error> {
        let n = self.values.len();
        let vectors = self.inner_vectors(n)?;
        Ok((0..n).map(|j| vectors[(0, j)].powi(2)).collect())
    }

    /// The eigenvectors of `T`, or of the band.
    fn inner_vectors(&self, k: usize) -> Result<Mat<f64>, Error> {
        let Reflections::ToBand { band, .. } = &self.reflections else {
            return self.tridiagonal_vectors(k);
        };
        let mut vectors = Mat::zeros(self.values.len(), k);
        let found = inverse_iteration::lowest_band_vectors(band, &self.values, vectors.as_mut());
        self.orthogonal(found, vectors, || {
            let all = band.dense().self_adjoint_eigen(faer::Side::Lower).ok()?;
            Some(all.U().subcols(0, k).to_owned())
        })
    }

    /// The eigenvectors of `T`.
    fn tridiagonal_vectors(&self, k: usize) -> Result<Mat<f64>, Error> {
        let n = self.values.len();
        if n == 1 {
            return Ok(Mat::from_fn(1, 1, |_, _| 1.0));
        }
        let mut vectors = Mat::zeros(n, k);
        let found = inverse_iteration::lowest_vectors(
            &self.diagonal,
            &self.off,
            &self.values,
            vectors.as_mut(),
        );
        self.orthogonal(found, vectors, || self.divide_and_conquer(k))
    }

    /// Vectors made orthogonal, or those of another method where they are too far from it.
    fn orthogonal(
        &self,
        found: Option<Vec<f64>>,
        mut vectors: Mat<f64>,
        otherwise: impl FnOnce() -> Option<Mat<f64>>,
    ) -> Result<Mat<f64>, Error> {
        if let Some(residuals) = found
            && orthogonalise(&mut vectors, &self.values, &residuals)
        {
            return Ok(vectors);
        }
        let dimension = self.values.len();
        let vectors = otherwise().ok_or(Error::NoConvergence { dimension })?;
        let error = largest(gram(vectors.as_ref()).as_ref());
        if error.is_nan() || error >= OVERLAP {
            return Err(Error::Check {
                dimension,
                what: "orthogonality",
                error,
                limit: OVERLAP,
            });
        }
        Ok(vectors)
    }

    fn divide_and_conquer(&self, k: usize) -> Option<Mat<f64>> {
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
        .ok()?;
        Some(vectors.subcols(0, k).to_owned())
    }

    /// `X <- Q X`, or `Q^T X` inward, with `Q` up to the band.
    fn reflect(&self, x: &mut Mat<f64>, direction: Direction) {
        match &self.reflections {
            Reflections::Single(reflectors) => reflectors.apply(x, direction),
            Reflections::ToBand {
                reflectors, tau, ..
            } => transform(reflectors.as_ref(), tau, x, direction),
        }
    }
}

/// The triangular factors of blocks of reflectors, from the single coefficients.
fn gather_reflectors(essentials: MatRef<'_, f64>, tau: &[f64]) -> Mat<f64> {
    let n = essentials.ncols();
    let block = recommended_block_size::<f64>(n, n);
    let mut factors = Mat::zeros(block, n);
    for j in (0..n).step_by(block) {
        let size = block.min(n - j);
        let mut factor = factors.as_mut().submatrix_mut(0, j, size, size);
        for k in 0..size {
            factor[(k, k)] = tau[j + k];
        }
        let columns = essentials.submatrix(j, j, n - j, size);
        householder::upgrade_householder_factor(factor, columns, size, 1, Par::Seq);
    }
    factors
}

/// `X <- Q X`, or `Q^T X` inward, with the reflectors that lead to a band, in blocks.
fn transform(reflectors: MatRef<'_, f64>, tau: &[f64], x: &mut Mat<f64>, direction: Direction) {
    let n = reflectors.nrows() - band::WIDTH;
    let essentials = reflectors.submatrix(band::WIDTH, 0, n, n);
    let factors = gather_reflectors(essentials, tau);
    let (block, columns) = (factors.nrows(), x.ncols());
    let (factors, x) = (factors.as_ref(), x.as_mut().subrows_mut(band::WIDTH, n));
    let size = match direction {
        Direction::Outward => outward_scratch::<f64>(n, block, columns),
        Direction::Inward => inward_scratch::<f64>(n, block, columns),
    };
    let mut memory = MemBuffer::new(size);
    let stack = MemStack::new(&mut memory);
    match direction {
        Direction::Outward => outward(essentials, factors, Conj::No, x, Par::Seq, stack),
        Direction::Inward => inward(essentials, factors, Conj::No, x, Par::Seq, stack),
    }
}

/// Divides the lower triangle by a power of two, which is returned, where its squares come near
/// the limits of the numbers.
fn scale(a: &mut Mat<f64>, norm: f64) -> f64 {
    if norm == 0.0 || (1e-50..1e50).contains(&norm) {
        return 1.0;
    }
    let power = norm.log2().round().clamp(-1000.0, 1000.0).exp2();
    for j in 0..a.ncols() {
        for x in &mut a.col_as_slice_mut(j)[j..] {
            *x /= power;
        }
    }
    power
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
/// Two vectors with residuals `r` and `s` overlap by at most `(r + s) / d` at a distance `d` of
/// their eigenvalues (`d u.v = u.(A v - l v) - (A u - m u).v`), so that only neighbours are looked at,
/// a panel of vectors at a time. The residual of a vector grows by no more than rounding.
fn orthogonalise(vectors: &mut Mat<f64>, values: &[f64], residuals: &[f64]) -> bool {
    let k = vectors.ncols();
    let panels: Vec<_> = (0..k)
        .step_by(PANEL)
        .map(|start| start..(start + PANEL).min(k))
        .collect();
    let largest: Vec<f64> = panels
        .iter()
        .map(|p| residuals[p.clone()].iter().fold(0.0, |a: f64, b| a.max(*b)))
        .collect();
    let mut buffer = Mat::zeros(PANEL, PANEL);
    let mut found = Vec::new();
    for (p, later) in panels.iter().enumerate() {
        for (q, earlier) in panels[..=p].iter().enumerate() {
            let distance = values[later.start] - values[earlier.end - 1];
            if distance * REPAIR > largest[p] + largest[q] {
                continue;
            }
            let of = |r: &Range<usize>| vectors.as_ref().subcols(r.start, r.len());
            let mut gram = buffer
                .as_mut()
                .submatrix_mut(0, 0, later.len(), earlier.len());
            let (left, right) = (of(later).transpose(), of(earlier));
            matmul(gram.rb_mut(), Accum::Replace, left, right, 1.0, Par::Seq);
            for (a, j) in later.clone().enumerate() {
                for (b, i) in earlier.clone().enumerate().take_while(|(_, i)| *i <= j) {
                    let overlap = gram[(a, b)] - f64::from(u8::from(i == j));
                    // A NaN is hopeless.
                    if overlap.is_nan() || overlap.abs() > HOPELESS {
                        return false;
                    }
                    if overlap.abs() > REPAIR && i != j {
                        found.push((j, i, overlap));
                    }
                }
            }
        }
    }
    // One vector after the other; the panels came earlier ones first.
    found.sort_by_key(|&(j, i, _)| (j, i));
    for (j, i, overlap) in found {
        let (earlier, mut rest) = vectors.as_mut().split_at_col_mut(j);
        let (mut v, u) = (rest.rb_mut().col_mut(0), earlier.rb().col(i));
        faer::zip!(&mut v, &u).for_each(|faer::unzip!(v, u)| *v -= overlap * *u);
    }
    true
}

#[cfg(test)]
mod tests;
