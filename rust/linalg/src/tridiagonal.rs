//! Householder reduction of small symmetric matrices to tridiagonal form.
//!
//! One reflection after the other, `A <- A - v w^T - w v^T` with `w = A v / tau - (v.A v / 2 tau^2) v`.
//! The update with one reflector and the product with the next share a pass over the matrix
//! (Golub and Van Loan, Matrix Computations, 4th ed., section 8.3.1). Both triangles are kept: twice
//! the arithmetic of a triangle alone, in exchange for whole registers and no second pass, which
//! pays as long as the matrix stays in the second-level cache.

use crate::lanes::RealLanes;
use faer::Mat;
use kadanoff_runtime::simd::{Instructions, Kernel, Level, Portable, dispatch};

/// Reduces the matrix whose lower triangle is given. Afterwards `a` holds diagonal, subdiagonal
/// and below it the reflectors; their coefficients `tau` in `H = 1 - v v^T / tau` are returned.
///
/// Cost: 4 n^3 / 3 useful flops, 16 bytes n^2 / 2 of memory traffic per step.
pub(crate) fn reduce(a: &mut Mat<f64>) -> Vec<f64> {
    dispatch(Level::current(), Reduction { a })
}

struct Reduction<'a> {
    a: &'a mut Mat<f64>,
}

/// Columns that share the loads of the vectors.
const COLUMNS: usize = 4;

impl Kernel for Reduction<'_> {
    type Output = Vec<f64>;

    #[inline(always)]
    fn run<I: Instructions>(self) -> Vec<f64> {
        let n = self.a.nrows();
        let mut tau = vec![f64::INFINITY; n.saturating_sub(1)];
        let lanes = n.div_ceil(RealLanes::COUNT);
        // The whole matrix, columns padded to full lanes and their number likewise.
        let mut work = vec![RealLanes::ZERO; lanes * RealLanes::COUNT * lanes];
        for j in 0..n {
            for i in j..n {
                let x = self.a[(i, j)];
                work[j * lanes + i / RealLanes::COUNT].0[i % RealLanes::COUNT] = x;
                work[i * lanes + j / RealLanes::COUNT].0[j % RealLanes::COUNT] = x;
            }
        }
        let mut column = vec![RealLanes::ZERO; lanes];
        // The reflector before and its partner, still to be applied; the new one; A v.
        let mut v = vec![RealLanes::ZERO; lanes];
        let mut w = vec![RealLanes::ZERO; lanes];
        let mut next = vec![RealLanes::ZERO; lanes];
        let mut product = vec![RealLanes::ZERO; lanes];
        for k in 0..n {
            // Column k, brought up to date on its own.
            let (vk, wk) = (RealLanes::splat(-at(&v, k)), RealLanes::splat(-at(&w, k)));
            for l in k / RealLanes::COUNT..lanes {
                let mut x = work[k * lanes + l];
                x.add_product::<I>(&v[l], &wk);
                x.add_product::<I>(&w[l], &vk);
                column[l] = x;
            }
            self.a[(k, k)] = at(&column, k);
            if k + 1 == n {
                break;
            }
            let first = (k + 1) / RealLanes::COUNT;
            let (head, inverse_tau) = reflector(&column, k + 1, first, &mut next);
            tau[k] = 1.0 / inverse_tau;
            self.a[(k + 1, k)] = head;
            for i in k + 2..n {
                self.a[(i, k)] = at(&next, i);
            }
            // The rest: apply the old reflector, multiply with the new one.
            for group in (k + 1) / COLUMNS..(n.div_ceil(COLUMNS)) {
                let start = COLUMNS * group;
                let mut of_v = [RealLanes::ZERO; COLUMNS];
                let mut of_w = [RealLanes::ZERO; COLUMNS];
                for c in 0..COLUMNS {
                    of_v[c] = RealLanes::splat(-at(&v, start + c));
                    of_w[c] = RealLanes::splat(-at(&w, start + c));
                }
                let mut sums = [RealLanes::ZERO; COLUMNS];
                let columns = &mut work[start * lanes..(start + COLUMNS) * lanes];
                let (c0, rest) = columns.split_at_mut(lanes);
                let (c1, rest) = rest.split_at_mut(lanes);
                let (c2, c3) = rest.split_at_mut(lanes);
                let (v, w, next) = (&v[first..lanes], &w[first..lanes], &next[first..lanes]);
                let columns = [
                    &mut c0[first..lanes],
                    &mut c1[first..lanes],
                    &mut c2[first..lanes],
                    &mut c3[first..lanes],
                ];
                let rows = lanes - first;
                for l in 0..rows {
                    for c in 0..COLUMNS {
                        let mut x = columns[c][l];
                        x.add_product::<I>(&v[l], &of_w[c]);
                        x.add_product::<I>(&w[l], &of_v[c]);
                        columns[c][l] = x;
                        sums[c].add_product::<I>(&x, &next[l]);
                    }
                }
                for c in 0..COLUMNS {
                    let j = start + c;
                    product[j / RealLanes::COUNT].0[j % RealLanes::COUNT] =
                        if j > k { sums[c].sum() } else { 0.0 };
                }
            }
            // Lanes before the group hold old products.
            for j in first * RealLanes::COUNT..k + 1 {
                product[j / RealLanes::COUNT].0[j % RealLanes::COUNT] = 0.0;
            }
            let mut overlap = RealLanes::ZERO;
            for l in first..lanes {
                overlap.add_product::<I>(&product[l], &next[l]);
            }
            let factor = RealLanes::splat(inverse_tau);
            let half = RealLanes::splat(-0.5 * inverse_tau * inverse_tau * overlap.sum());
            for l in first..lanes {
                let mut x = RealLanes::ZERO;
                x.add_product::<I>(&product[l], &factor);
                x.add_product::<I>(&next[l], &half);
                w[l] = x;
            }
            std::mem::swap(&mut v, &mut next);
        }
        tau
    }
}

#[inline(always)]
fn at(x: &[RealLanes], i: usize) -> f64 {
    x[i / RealLanes::COUNT].0[i % RealLanes::COUNT]
}

/// `v` with `v_start = 1` and zero above, such that `(1 - v v^T / tau) x` has only the entry
/// `start` left; that entry, and `1 / tau`.
#[inline(always)]
fn reflector(x: &[RealLanes], start: usize, first: usize, v: &mut [RealLanes]) -> (f64, f64) {
    let head = at(x, start);
    v[..first].fill(RealLanes::ZERO);
    v[first..].copy_from_slice(&x[first..]);
    for i in first * RealLanes::COUNT..start + 1 {
        v[i / RealLanes::COUNT].0[i % RealLanes::COUNT] = 0.0;
    }
    let mut largest = RealLanes::ZERO;
    for y in &v[first..] {
        largest.raise_to(y);
    }
    let largest = largest.0.into_iter().fold(0.0_f64, f64::max);
    let scale = largest.max(head.abs());
    let mut result = (head, 0.0);
    if largest > 0.0 && scale > f64::MIN_POSITIVE / f64::EPSILON {
        let inverse = RealLanes::splat(1.0 / scale);
        let mut tail = RealLanes::ZERO;
        for l in &v[first..] {
            let mut y = RealLanes::ZERO;
            y.add_product::<Portable>(l, &inverse);
            tail.add_product::<Portable>(&y, &y);
        }
        let tail = tail.sum();
        let h = head / scale;
        let norm = (h * h + tail).sqrt();
        let signed = norm.copysign(h);
        let pivot = h + signed;
        let factor = RealLanes::splat(1.0 / (pivot * scale));
        for l in &mut v[first..] {
            let mut y = RealLanes::ZERO;
            y.add_product::<Portable>(l, &factor);
            *l = y;
        }
        result = (-signed * scale, 2.0 / (1.0 + tail / (pivot * pivot)));
    } else {
        v[first..].fill(RealLanes::ZERO);
    }
    v[start / RealLanes::COUNT].0[start % RealLanes::COUNT] = 1.0;
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_portable_path_gives_what_the_vector_path_gives() {
        for n in [2, 3, 7, 8, 9, 31, 64, 65] {
            let a = Mat::from_fn(n, n, |i, j| {
                let (i, j) = (i.max(j) as f64, i.min(j) as f64);
                (1.7 * i + 0.3 * j * j).sin() + if i == j { i } else { 0.0 }
            });
            let (mut fast, mut slow) = (a.clone(), a.clone());
            reduce(&mut fast);
            Reduction { a: &mut slow }.run::<Portable>();
            for j in 0..n {
                for i in j..n {
                    let (x, y) = (fast[(i, j)], slow[(i, j)]);
                    // Small pivots amplify rounding in single reflectors.
                    assert!((x - y).abs() < 1e-9, "{n}: {i} {j} {x} {y}");
                }
            }
        }
    }
}
