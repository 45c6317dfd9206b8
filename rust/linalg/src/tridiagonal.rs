//! Householder reduction of small symmetric matrices to tridiagonal form.
//!
//! One reflection after the other, `A <- A - v w^T - w v^T` with `w = A v / tau - (v.A v / 2 tau^2) v`
//! (Golub and Van Loan, Matrix Computations, 4th ed., section 8.3.1). The matrix is brought up to date
//! after four of them only, and column by column where a reflector starts: the products in between
//! read a triangle, in which each number counts twice, and correct for what is missing (Dongarra,
//! Sorensen and Hammarling, J. Comput. Appl. Math. 27, 215 (1989),
//! doi:10.1016/0377-0427(89)90367-1). With eight reflections in a step the corrections cost more than
//! the passes that they save, up to 250 rows.

use crate::lanes::RealLanes;
use crate::reflectors::Reflectors;
use crate::registers::{FOUR, Plain, Register};
use crate::triangle::{Triangle, WIDTH};
use faer::Mat;
use kadanoff_runtime::simd::{Instructions, Kernel, Level, Portable, dispatch};

/// `A = Q T Q^T`.
pub(crate) struct Tridiagonal {
    pub diagonal: Vec<f64>,
    pub off: Vec<f64>,
    pub reflectors: Reflectors,
}

/// Reduces the matrix whose lower triangle is given.
///
/// Cost: 4 n^3 / 3 flops; the triangle is read for every reflection, and written after four.
pub(crate) fn reduce(a: &Mat<f64>) -> Tridiagonal {
    dispatch(Level::current(), Reduction { a })
}

struct Reduction<'a> {
    a: &'a Mat<f64>,
}

impl Kernel for Reduction<'_> {
    type Output = Tridiagonal;

    #[inline(always)]
    fn run<I: Instructions>(self) -> Tridiagonal {
        #[cfg(target_arch = "x86_64")]
        match I::LEVEL {
            Level::Avx512 => return reflect::<I, crate::registers::Zmm>(self.a),
            Level::Avx2 => return reflect::<I, crate::registers::Ymm>(self.a),
            Level::Portable => {}
        }
        reflect::<I, Plain<FOUR>>(self.a)
    }
}

/// Reflections between two updates of the matrix.
const STEP: usize = FOUR;
/// Registers that an update fills: as many as hide the latency of sums.
const TILE: usize = 8;

/// A reflector and its partner, zero above where the reflector starts.
struct Pair {
    v: Vec<RealLanes>,
    w: Vec<RealLanes>,
}

#[inline(always)]
fn reflect<I: Instructions, R: Register>(a: &Mat<f64>) -> Tridiagonal {
    let n = a.nrows();
    let mut diagonal = Vec::with_capacity(n);
    let mut off = Vec::with_capacity(n);
    let mut reflectors = Reflectors::new(n);
    let mut triangle = Triangle::new(a);
    let count = triangle.count;
    let mut column = vec![RealLanes::ZERO; count];
    let mut pairs: [Pair; STEP] = std::array::from_fn(|_| Pair {
        v: vec![RealLanes::ZERO; count],
        w: vec![RealLanes::ZERO; count],
    });
    for k in 0..n {
        let (pending, rest) = pairs.split_at_mut(k % STEP);
        // Column k, brought up to date on its own.
        let own = k / WIDTH;
        let panel = triangle.panel(own);
        for (x, block) in column[own..].iter_mut().zip(panel.chunks_exact(WIDTH)) {
            *x = block[k % WIDTH];
        }
        for pair in pending.iter() {
            let (vk, wk) = (-at(&pair.v, k), -at(&pair.w, k));
            add_multiples::<I>(&mut column[own..], &pair.v[own..], wk, &pair.w[own..], vk);
        }
        diagonal.push(at(&column, k));
        if k + 1 == n {
            break;
        }
        let first = (k + 1) / WIDTH;
        let Pair { v, w } = &mut rest[0];
        let (head, inverse_tau) = reflector(&column, k + 1, first, v);
        off.push(head);
        // A v, of the matrix that is up to date.
        w[first..].fill(RealLanes::ZERO);
        for c in first..count {
            multiply::<R>(triangle.panel(c), c, k + 1, v, w);
        }
        let mut with_earlier = [0.0; STEP];
        for (pair, overlap) in pending.iter().zip(&mut with_earlier) {
            let mut overlaps = [RealLanes::ZERO; 2];
            for l in first..count {
                overlaps[0].add_product::<I>(&pair.v[l], &v[l]);
                overlaps[1].add_product::<I>(&pair.w[l], &v[l]);
            }
            let [of_v, of_w] = overlaps.map(|x| x.sum());
            *overlap = of_v;
            add_multiples::<I>(
                &mut w[first..],
                &pair.w[first..],
                -of_v,
                &pair.v[first..],
                -of_w,
            );
        }
        reflectors.push(k, v, inverse_tau, &with_earlier);
        let mut overlap = RealLanes::ZERO;
        for l in first..count {
            overlap.add_product::<I>(&w[l], &v[l]);
        }
        let factor = RealLanes::splat(inverse_tau);
        let half = RealLanes::splat(-0.5 * inverse_tau * inverse_tau * overlap.sum());
        for l in first..count {
            let mut x = RealLanes::ZERO;
            x.add_product::<I>(&w[l], &factor);
            x.add_product::<I>(&v[l], &half);
            w[l] = x;
        }
        // The rows above took part in whole registers.
        w[..first].fill(RealLanes::ZERO);
        w[first].0[..(k + 1) % WIDTH].fill(0.0);
        if k % STEP + 1 == STEP {
            for c in first..count {
                update::<R>(triangle.panel_mut(c), c, k + 1, &pairs);
            }
        }
    }
    Tridiagonal {
        diagonal,
        off,
        reflectors,
    }
}

/// `x + a alpha + b beta`.
#[inline(always)]
fn add_multiples<I: Instructions>(
    x: &mut [RealLanes],
    a: &[RealLanes],
    alpha: f64,
    b: &[RealLanes],
    beta: f64,
) {
    let (alpha, beta) = (RealLanes::splat(alpha), RealLanes::splat(beta));
    for ((x, a), b) in x.iter_mut().zip(a).zip(b) {
        let mut sum = *x;
        sum.add_product::<I>(a, &alpha);
        sum.add_product::<I>(b, &beta);
        *x = sum;
    }
}

/// Adds to `y` what panel `c` and its mirror image contribute to `A v`; `v` vanishes above `start`.
#[inline(always)]
fn multiply<R: Register>(
    panel: &[RealLanes],
    c: usize,
    start: usize,
    v: &[RealLanes],
    y: &mut [RealLanes],
) {
    let parts = WIDTH / R::COUNT;
    let first = start.saturating_sub(WIDTH * c) / FOUR * FOUR;
    let (diagonal, below) = panel.split_at(WIDTH);
    for j in (first..WIDTH).step_by(FOUR) {
        let of_v: [R; FOUR] = std::array::from_fn(|t| R::splat(v[c].0[j + t]));
        for part in 0..parts {
            let mut sum = R::load(&y[c], part);
            for t in 0..FOUR {
                sum = sum.plus(R::load(&diagonal[j + t], part), of_v[t]);
            }
            sum.store(&mut y[c], part);
        }
        let mut sums = [R::splat(0.0); FOUR];
        let rows = v[c + 1..].iter().zip(&mut y[c + 1..]);
        for (block, (v, y)) in below.chunks_exact(WIDTH).zip(rows) {
            for part in 0..parts {
                let x = R::load(v, part);
                let mut sum = R::load(y, part);
                for t in 0..FOUR {
                    let a = R::load(&block[j + t], part);
                    sum = sum.plus(a, of_v[t]);
                    sums[t] = sums[t].plus(a, x);
                }
                sum.store(y, part);
            }
        }
        for (t, sum) in R::sums(sums).into_iter().enumerate() {
            y[c].0[j + t] += sum;
        }
    }
}

/// Brings panel `c` up to date; nothing changes in columns before `start`.
#[inline(always)]
fn update<R: Register>(panel: &mut [RealLanes], c: usize, start: usize, pairs: &[Pair; STEP]) {
    let parts = WIDTH / R::COUNT;
    let columns = TILE / parts;
    let first = start.saturating_sub(WIDTH * c) / columns * columns;
    let count = c + panel.len() / WIDTH;
    let of: [(&[RealLanes], &[RealLanes]); STEP] =
        std::array::from_fn(|s| (&pairs[s].v[c..count], &pairs[s].w[c..count]));
    for j in (first..WIDTH).step_by(columns) {
        for (r, block) in panel.chunks_exact_mut(WIDTH).enumerate() {
            let block = &mut block[j..j + columns];
            let mut x = [R::splat(0.0); TILE];
            for t in 0..columns {
                for part in 0..parts {
                    x[parts * t + part] = R::load(&block[t], part);
                }
            }
            for (v, w) in of {
                for (a, b) in [(v, w), (w, v)] {
                    let mut rows = [R::splat(0.0); TILE];
                    for part in 0..parts {
                        rows[part] = R::load(&a[r], part);
                    }
                    for t in 0..columns {
                        let factor = R::splat(b[0].0[j + t]);
                        for part in 0..parts {
                            x[parts * t + part] = x[parts * t + part].minus(rows[part], factor);
                        }
                    }
                }
            }
            for t in 0..columns {
                for part in 0..parts {
                    x[parts * t + part].store(&mut block[t], part);
                }
            }
        }
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
    use crate::reflectors::{self, Direction};

    fn matrix(n: usize) -> Mat<f64> {
        Mat::from_fn(n, n, |i, j| {
            let (i, j) = (i.max(j) as f64, i.min(j) as f64);
            (1.7 * i + 0.3 * j * j).sin() + if i == j { i } else { 0.0 }
        })
    }

    fn check(a: &Mat<f64>, t: &Tridiagonal, q: &Mat<f64>, name: &str) {
        let n = a.nrows();
        let inner = Mat::from_fn(n, n, |i, j| match i.abs_diff(j) {
            0 => t.diagonal[i],
            1 => t.off[i.min(j)],
            _ => 0.0,
        });
        let again = q * inner * q.transpose() - a;
        let unit = q.transpose() * q - Mat::<f64>::identity(n, n);
        assert!(again.norm_max() < 1e-13 * n as f64, "{name} {n}");
        assert!(unit.norm_max() < 1e-14 * (n as f64).sqrt(), "{name} {n}");
    }

    const SIZES: [usize; 13] = [1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 31, 64, 65];

    #[test]
    fn every_level_returns_to_the_matrix() {
        for a in SIZES.map(matrix) {
            for level in Level::available() {
                let found = dispatch(level, Reduction { a: &a });
                let mut q = Mat::identity(a.nrows(), a.nrows());
                found.reflectors.apply(&mut q, Direction::Outward);
                check(&a, &found, &q, level.name());
                found.reflectors.apply(&mut q, Direction::Inward);
                let rest = &q - Mat::<f64>::identity(a.nrows(), a.nrows());
                assert!(rest.norm_max() < 1e-13, "{}", level.name());
            }
        }
    }

    #[test]
    fn registers_of_eight_numbers_return_to_the_matrix_on_every_processor() {
        for a in SIZES.map(matrix) {
            let found = reflect::<Portable, Plain<8>>(&a);
            let mut q = Mat::identity(a.nrows(), a.nrows());
            reflectors::all::<Plain<8>>(&found.reflectors, &mut q, Direction::Outward);
            check(&a, &found, &q, "eight numbers");
        }
    }
}
