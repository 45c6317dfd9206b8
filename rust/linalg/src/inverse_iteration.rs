//! Eigenvectors of a symmetric tridiagonal or band matrix by inverse iteration.
//!
//! `LANES` eigenvalues are treated side by side: the elimination with partial pivoting is a chain
//! of dependent divisions, and independent chains hide each other's latency. Vectors whose
//! eigenvalues lie closer than `CLUSTER` times the norm are orthogonalised against each other
//! while they are found, as in LAPACK's `dstein` (Peters and Wilkinson, SIAM Rev. 21, 339 (1979),
//! doi:10.1137/1021052); the small overlaps of all others are left to the caller.

use crate::band::Band;
use crate::band_factors::BandFactors;
use crate::ql;
use faer::MatMut;
use faer::prelude::{Reborrow, ReborrowMut};
use kadanoff_runtime::simd::{Instructions, Kernel, Level, dispatch};

/// Shifts that are treated side by side: a register of AVX-512.
pub(crate) const LANES: usize = 8;
/// Eigenvalues closer than this fraction of the norm share a cluster: beyond it vectors overlap by
/// less than 1e-9.
const CLUSTER: f64 = 1e-6;
/// Most solutions of the linear system per vector, as in LAPACK's `dstein`.
const MAX_SOLVES: usize = 5;

/// Most corrections of vectors whose residual is too large.
const MAX_CORRECTIONS: usize = 3;
/// Rounding of a residual, and what the elimination adds to it, in units of `EPSILON * norm`.
const ROUNDING: f64 = 8.0;

pub(crate) type Lane = [f64; LANES];

/// `L U` factors of a shifted matrix for `LANES` shifts.
pub(crate) trait Factors {
    /// Replaces them by those for other shifts; pivots smaller than `tiny` become that.
    fn factor<I: Instructions>(&mut self, shift: &Lane, tiny: f64);
    /// `x <- L^-1 x`, interchanges included.
    fn solve_lower<I: Instructions>(&self, x: &mut [Lane]);
    /// `x <- U^-1 x`.
    fn solve_upper<I: Instructions>(&self, x: &mut [Lane]);
    /// `(A - lambda) x`, where its norm does not follow from the growth of the solutions.
    fn residuals<I: Instructions>(&self, shift: &Lane, x: &[Lane], out: &mut [Lane]);
}

/// Those of a tridiagonal matrix `T - lambda`, rows interchanged where that is needed.
struct TridiagonalFactors<'a> {
    d: &'a [f64],
    e: &'a [f64],
    multiplier: Vec<Lane>,
    swapped: Vec<[bool; LANES]>,
    inverse_pivot: Vec<Lane>,
    upper1: Vec<Lane>,
    upper2: Vec<Lane>,
}

impl<'a> TridiagonalFactors<'a> {
    fn new(d: &'a [f64], e: &'a [f64]) -> Self {
        let n = d.len();
        Self {
            d,
            e,
            multiplier: vec![[0.0; LANES]; n],
            swapped: vec![[false; LANES]; n],
            inverse_pivot: vec![[0.0; LANES]; n],
            upper1: vec![[0.0; LANES]; n],
            upper2: vec![[0.0; LANES]; n],
        }
    }
}

impl Factors for TridiagonalFactors<'_> {
    #[inline(always)]
    fn factor<I: Instructions>(&mut self, shift: &Lane, tiny: f64) {
        let (d, e) = (self.d, self.e);
        let n = d.len();
        let mut a: Lane = std::array::from_fn(|l| d[0] - shift[l]);
        let mut b: Lane = [if n > 1 { e[0] } else { 0.0 }; LANES];
        for i in 0..n - 1 {
            let below = e[i];
            let next = if i + 2 < n { e[i + 1] } else { 0.0 };
            // Step by step for all lanes: one loop over lanes with all of it becomes branches.
            let mut swap = [false; LANES];
            let (mut diagonal, mut inverse, mut m) = ([0.0; LANES], [0.0; LANES], [0.0; LANES]);
            for l in 0..LANES {
                swap[l] = a[l].abs() < below.abs();
                diagonal[l] = d[i + 1] - shift[l];
            }
            let pivot = pick(&swap, &[below; LANES], &a);
            for l in 0..LANES {
                inverse[l] = 1.0
                    / if pivot[l].abs() < tiny {
                        tiny
                    } else {
                        pivot[l]
                    };
            }
            let numerator = pick(&swap, &a, &[below; LANES]);
            let (kept, other) = (pick(&swap, &diagonal, &b), pick(&swap, &b, &diagonal));
            let mut fill = [0.0; LANES];
            for l in 0..LANES {
                m[l] = numerator[l] * inverse[l];
                a[l] = other[l] - m[l] * kept[l];
                fill[l] = -m[l] * next;
            }
            b = pick(&swap, &fill, &[next; LANES]);
            self.inverse_pivot[i] = inverse;
            self.upper1[i] = kept;
            self.upper2[i] = pick(&swap, &[next; LANES], &[0.0; LANES]);
            self.multiplier[i] = m;
            self.swapped[i] = swap;
        }
        for l in 0..LANES {
            let pivot = if a[l].abs() < tiny { tiny } else { a[l] };
            self.inverse_pivot[n - 1][l] = 1.0 / pivot;
            self.upper1[n - 1][l] = 0.0;
            self.upper2[n - 1][l] = 0.0;
        }
    }

    #[inline(always)]
    fn solve_lower<I: Instructions>(&self, x: &mut [Lane]) {
        let n = x.len();
        let mut current = x[0];
        for i in 0..n - 1 {
            let next = x[i + 1];
            for l in 0..LANES {
                let swap = self.swapped[i][l];
                let top = if swap { next[l] } else { current[l] };
                let bottom = if swap { current[l] } else { next[l] };
                x[i][l] = top;
                current[l] = bottom - self.multiplier[i][l] * top;
            }
        }
        x[n - 1] = current;
    }

    #[inline(always)]
    fn solve_upper<I: Instructions>(&self, x: &mut [Lane]) {
        let (mut one, mut two) = ([0.0; LANES], [0.0; LANES]);
        for i in (0..x.len()).rev() {
            for l in 0..LANES {
                let value = (x[i][l] - self.upper1[i][l] * one[l] - self.upper2[i][l] * two[l])
                    * self.inverse_pivot[i][l];
                x[i][l] = value;
                two[l] = one[l];
                one[l] = value;
            }
        }
    }
    /// Interchanges at most double the elements of a tridiagonal matrix: growth is enough.
    #[inline(always)]
    fn residuals<I: Instructions>(&self, _: &Lane, _: &[Lane], _: &mut [Lane]) {}
}

/// `yes` where the lane is chosen, `no` elsewhere.
#[inline(always)]
fn pick(chosen: &[bool; LANES], yes: &Lane, no: &Lane) -> Lane {
    let mut out = *no;
    for l in 0..LANES {
        out[l] = if chosen[l] { yes[l] } else { no[l] };
    }
    out
}

/// Fills the columns of `vectors` (n x k) with the eigenvectors that belong to the first k of
/// `values`, the ascending eigenvalues of the tridiagonal matrix (`d`, `e`).
///
/// Returns the residual `|T v - lambda v|` of every vector, or `None` if one of them exceeds what
/// rounding allows; the caller checks orthogonality. Vectors that were made orthogonal to others of
/// a cluster have an unknown residual, infinity. Cost: about 40 n flops per vector, and 4 n per pair of vectors in a cluster.
pub(crate) fn lowest_vectors(
    d: &[f64],
    e: &[f64],
    values: &[f64],
    vectors: MatMut<'_, f64>,
) -> Option<Vec<f64>> {
    let factors = TridiagonalFactors::new(d, e);
    let norm = ql::norm(d, e);
    dispatch(
        Level::current(),
        Iteration {
            factors,
            norm,
            values,
            vectors,
        },
    )
}

/// The same for a band matrix. Cost: about 600 n flops per vector.
pub(crate) fn lowest_band_vectors(
    band: &Band,
    values: &[f64],
    vectors: MatMut<'_, f64>,
) -> Option<Vec<f64>> {
    let factors = BandFactors::new(band);
    let norm = band.norm();
    dispatch(
        Level::current(),
        Iteration {
            factors,
            norm,
            values,
            vectors,
        },
    )
}

struct Iteration<'a, F> {
    factors: F,
    norm: f64,
    values: &'a [f64],
    vectors: MatMut<'a, f64>,
}

impl<F: Factors> Kernel for Iteration<'_, F> {
    type Output = Option<Vec<f64>>;

    #[inline(always)]
    fn run<I: Instructions>(self) -> Option<Vec<f64>> {
        iterate::<I, F>(self.factors, self.norm, self.values, self.vectors)
    }
}

#[inline(always)]
fn iterate<I: Instructions, F: Factors>(
    mut factors: F,
    norm: f64,
    values: &[f64],
    mut vectors: MatMut<'_, f64>,
) -> Option<Vec<f64>> {
    let (n, k) = (vectors.nrows(), vectors.ncols());
    let norm = norm.max(f64::MIN_POSITIVE);
    let tiny = f64::EPSILON * norm;
    let target = 8.0 * f64::EPSILON * norm * (n as f64).sqrt();
    let shifts = separated(&values[..k], tiny);
    let mut x = vec![[0.0; LANES]; n];
    let mut rest = x.clone();
    let mut cluster_start = 0;
    let mut residuals = Vec::with_capacity(k);
    for first in (0..k).step_by(LANES) {
        let lanes = LANES.min(k - first);
        let shift: Lane = std::array::from_fn(|l| shifts[(first + l).min(k - 1)]);
        factors.factor::<I>(&shift, tiny);
        start(&mut x, first);
        for solve in 0..MAX_SOLVES {
            if solve > 0 {
                factors.solve_lower::<I>(&mut x);
            }
            factors.solve_upper::<I>(&mut x);
            // The first solve starts from a vector of norm sqrt(n), the others from norm one.
            let growth = normalise(&mut x);
            let done = solve > 0 && growth[..lanes].iter().all(|g| g * target > 1.0);
            let mut starts = [0; LANES];
            let mut cluster = cluster_start;
            for l in 0..lanes {
                let j = first + l;
                if j > 0 && shifts[j] - shifts[j - 1] > CLUSTER * norm {
                    cluster = j;
                }
                starts[l] = cluster;
            }
            let clustered = (0..lanes).any(|l| starts[l] < first + l);
            // One more solve after convergence keeps the members of a cluster accurate.
            let last = (done && (!clustered || solve > 1)) || solve + 1 == MAX_SOLVES;
            if clustered || last {
                store(vectors.rb_mut(), &x, first, &starts[..lanes]);
            }
            if last {
                factors.residuals::<I>(&shift, &x, &mut rest);
                let mut direct = norms(&rest);
                let small = |direct: &Lane| direct[..lanes].iter().all(|r| *r <= 2.0 * target);
                for _ in 0..MAX_CORRECTIONS {
                    if small(&direct) {
                        break;
                    }
                    correct::<I, F>(&factors, &mut x, &mut rest);
                    factors.residuals::<I>(&shift, &x, &mut rest);
                    direct = norms(&rest);
                    store(vectors.rb_mut(), &x, first, &starts[..lanes]);
                }
                if !done || !small(&direct) {
                    return None;
                }
                residuals.extend((0..lanes).map(|l| {
                    if starts[l] < first + l {
                        f64::INFINITY
                    } else {
                        direct[l].max(1.0 / growth[l]) + ROUNDING * f64::EPSILON * norm
                    }
                }));
                cluster_start = cluster;
                break;
            }
            if clustered {
                for l in 0..lanes {
                    for (row, v) in x.iter_mut().zip(vectors.rb().col(first + l).iter()) {
                        row[l] = *v;
                    }
                }
            }
        }
    }
    Some(residuals)
}

/// Writes vectors from column `first` on, orthogonal to those before them in their cluster.
#[inline(always)]
fn store(mut vectors: MatMut<'_, f64>, x: &[Lane], first: usize, starts: &[usize]) {
    for (l, start) in starts.iter().enumerate() {
        let column = vectors.rb_mut().col_mut(first + l);
        for (v, row) in column.iter_mut().zip(x) {
            *v = row[l];
        }
        orthogonalise(vectors.rb_mut(), *start, first + l);
    }
}

/// A correction `x <- x - t`, where `t` is perpendicular to `x` and solves `P (A - lambda) t = r` with the
/// residual `r` and the projection `P` off `x`: `t = K r - K x (x.K r) / (x.K x)` with `K` the inverse
/// (Jacobi and Davidson: Sleijpen, van der Vorst, SIAM J. Matrix Anal. Appl. 17, 401 (1996),
/// doi:10.1137/S0895479894270427, eq. 15).
///
/// Where interchanges let the elements grow, the factors are those of a matrix further from `A` than
/// rounding, and more solves lead to an eigenvector of that. Off `x` the error of the factors counts
/// relative to the distance of the next eigenvalue only.
#[inline(always)]
fn correct<I: Instructions, F: Factors>(factors: &F, x: &mut [Lane], rest: &mut [Lane]) {
    let mut along = x.to_vec();
    for part in [&mut along[..], &mut rest[..]] {
        factors.solve_lower::<I>(part);
        factors.solve_upper::<I>(part);
    }
    let (whole, share) = (products(x, &along), products(x, rest));
    let ratio: Lane = std::array::from_fn(|l| share[l] / whole[l]);
    for ((x, along), rest) in x.iter_mut().zip(&along).zip(rest) {
        for l in 0..LANES {
            x[l] -= rest[l] - ratio[l] * along[l];
        }
    }
    normalise(x);
}

#[inline(always)]
fn products(x: &[Lane], y: &[Lane]) -> Lane {
    let mut sums = [0.0; LANES];
    for (x, y) in x.iter().zip(y) {
        for l in 0..LANES {
            sums[l] += x[l] * y[l];
        }
    }
    sums
}

#[inline(always)]
fn norms(x: &[Lane]) -> Lane {
    products(x, x).map(f64::sqrt)
}

/// Nudges coinciding eigenvalues apart, so that their solves do not return the same vector.
fn separated(values: &[f64], tiny: f64) -> Vec<f64> {
    let mut shifts = values.to_vec();
    for j in 1..shifts.len() {
        if shifts[j] - shifts[j - 1] < 2.0 * tiny {
            shifts[j] = shifts[j - 1] + 2.0 * tiny;
        }
    }
    shifts
}

/// Reproducible start vectors with every component populated.
#[inline(always)]
fn start(x: &mut [Lane], first: usize) {
    // A stream for every lane: streams do not wait for one another.
    let mut state: [u64; LANES] = std::array::from_fn(|l| (first + l + 1) as u64)
        .map(|j| j.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    for row in x.iter_mut() {
        for l in 0..LANES {
            state[l] ^= state[l] << 13;
            state[l] ^= state[l] >> 7;
            state[l] ^= state[l] << 17;
            row[l] = (state[l] >> 11) as f64 / (1_u64 << 52) as f64 - 1.0;
        }
    }
}

/// Makes every lane a vector of norm one; the norms before, zero for what has none.
#[inline(always)]
fn normalise(x: &mut [Lane]) -> Lane {
    let mut largest = [0.0; LANES];
    for row in x.iter() {
        for l in 0..LANES {
            let y = row[l].abs();
            // A NaN sticks.
            largest[l] = if y <= largest[l] { largest[l] } else { y };
        }
    }
    let scale = largest.map(|m| 1.0 / m);
    let mut squares = [0.0; LANES];
    for row in x.iter() {
        for l in 0..LANES {
            squares[l] += (row[l] * scale[l]) * (row[l] * scale[l]);
        }
    }
    let mut growth = [0.0; LANES];
    let mut factor = [0.0; LANES];
    for l in 0..LANES {
        if largest[l] > 0.0 && largest[l].is_finite() {
            let norm = squares[l].sqrt();
            factor[l] = scale[l] / norm;
            growth[l] = largest[l] * norm;
        }
    }
    for row in x.iter_mut() {
        for l in 0..LANES {
            row[l] *= factor[l];
        }
    }
    growth
}

#[inline(always)]
fn orthogonalise(vectors: MatMut<'_, f64>, first: usize, column: usize) {
    if first == column {
        return;
    }
    let (earlier, mut rest) = vectors.split_at_col_mut(column);
    let mut v = rest.rb_mut().col_mut(0);
    for j in first..column {
        let u = earlier.rb().col(j);
        let overlap: f64 = u.transpose() * v.rb();
        faer::zip!(&mut v, &u).for_each(|faer::unzip!(v, u)| *v -= overlap * *u);
    }
    let norm = v.norm_l2();
    if norm > 0.0 {
        faer::zip!(&mut v).for_each(|faer::unzip!(v)| *v /= norm);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::band::WIDTH;
    use faer::{Mat, Side};
    use kadanoff_runtime::simd::Portable;

    #[test]
    fn a_correction_leads_back_to_the_eigenvector() {
        let n = 60;
        let columns = (0..n)
            .map(|j| {
                std::array::from_fn(|d| match d {
                    0 => j as f64,
                    d if d <= WIDTH.min(n - 1 - j) => (1.3 * j as f64 + 0.7 * (d * d) as f64).sin(),
                    _ => 0.0,
                })
            })
            .collect();
        let band = Band { columns };
        let all = band
            .dense()
            .self_adjoint_eigen(Side::Lower)
            .expect("converges");
        let (values, exact): (_, Mat<f64>) = (all.S().column_vector(), all.U().to_owned());
        let shift: Lane = std::array::from_fn(|l| values[7 * l]);
        let mut x: Vec<Lane> = (0..n)
            .map(|i| std::array::from_fn(|l| exact[(i, 7 * l)] + 1e-8 * ((i * i + l) as f64).sin()))
            .collect();
        let mut factors = BandFactors::new(&band);
        let mut rest = vec![[0.0; LANES]; n];
        factors.factor::<Portable>(&shift, f64::EPSILON * band.norm());
        factors.residuals::<Portable>(&shift, &x, &mut rest);
        assert!(norms(&rest).iter().all(|r| *r > 1e-8));
        correct::<Portable, _>(&factors, &mut x, &mut rest);
        factors.residuals::<Portable>(&shift, &x, &mut rest);
        assert!(
            norms(&rest).iter().all(|r| *r < 1e-12),
            "{:?}",
            norms(&rest)
        );
    }
}
