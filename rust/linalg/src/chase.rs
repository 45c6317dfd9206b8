//! From a band to a tridiagonal matrix: the second of two stages.
//!
//! Column after column is reduced by one reflection of length eight; the bulge that it makes is
//! chased down the band, again one column of it at a time, by further reflections of length eight
//! (Murata and Horikoshi 1975; Lang, SIAM J. Sci. Comput. 14, 1320 (1993),
//! doi:10.1137/0914078). `n^2 / 16` reflections, each of which works on two 8 x 8 blocks. They
//! are forgotten at once: eigenvectors are computed for the band. Where a few vectors are wanted in the
//! basis of the tridiagonal matrix, the reflections are found again.

use crate::band::{Band, WIDTH};
use crate::lanes::RealLanes;
use faer::prelude::ReborrowMut;
use faer::{Mat, MatMut, MatRef};
use kadanoff_runtime::simd::{Instructions, Kernel, Level, dispatch};

/// A tail with a smaller square is zero: the matrix has a norm of order one.
const NOTHING: f64 = 1e-280;
/// Numbers kept of a column: eight zeros above the diagonal, which stay zero, then the diagonal
/// and fifteen below it, the band with its bulge.
const STRIDE: usize = 3 * WIDTH;

type Square = [RealLanes; WIDTH];

/// Diagonal and off-diagonal elements of a tridiagonal matrix with the eigenvalues of the band,
/// which has a norm of order one.
pub(crate) fn tridiagonal(band: &Band) -> (Vec<f64>, Vec<f64>) {
    dispatch(Level::current(), Chase { band, rows: None })
}

/// Turns the vectors that are the columns of `x` from the basis of the band to that of the
/// tridiagonal matrix: `Q^T X` in `2 n^2` operations per column, and the chase itself.
pub(crate) fn turn(band: &Band, x: &mut Mat<f64>) {
    let n = band.dimension();
    let mut rows = Rows::new(x.as_ref(), n + 3 * WIDTH);
    let rows = &mut rows;
    dispatch(
        Level::current(),
        Chase {
            band,
            rows: Some(rows),
        },
    );
    rows.write(x.as_mut());
}

/// A matrix by rows, in which a reflection of length eight is a few passes over neighbours.
struct Rows {
    numbers: Vec<RealLanes>,
    /// Lanes of a row.
    length: usize,
}

impl Rows {
    /// Rows of zeros behind the end spare all questions there.
    fn new(x: MatRef<'_, f64>, count: usize) -> Self {
        let length = x.ncols().div_ceil(RealLanes::COUNT);
        let mut numbers = vec![RealLanes::ZERO; count * length];
        for (j, column) in x.col_iter().enumerate() {
            let (lane, l) = (j / RealLanes::COUNT, j % RealLanes::COUNT);
            for (i, value) in column.iter().enumerate() {
                numbers[i * length + lane].0[l] = *value;
            }
        }
        Self { numbers, length }
    }

    fn write(&self, mut x: MatMut<'_, f64>) {
        for (j, column) in x.rb_mut().col_iter_mut().enumerate() {
            let (lane, l) = (j / RealLanes::COUNT, j % RealLanes::COUNT);
            for (i, value) in column.iter_mut().enumerate() {
                *value = self.numbers[i * self.length + lane].0[l];
            }
        }
    }

    /// `(1 - c v v^T)` on eight rows from `first` on.
    #[inline(always)]
    fn reflect<I: Instructions>(&mut self, first: usize, v: &RealLanes, c: f64) {
        let length = self.length;
        let rows = &mut self.numbers[first * length..(first + WIDTH) * length];
        for lane in 0..length {
            let mut share = RealLanes::ZERO;
            for t in 0..WIDTH {
                share.add_scaled::<I>(&rows[t * length + lane], c * v.0[t]);
            }
            for t in 0..WIDTH {
                rows[t * length + lane].subtract_scaled::<I>(&share, v.0[t]);
            }
        }
    }
}

struct Chase<'a> {
    band: &'a Band,
    /// What is reflected along with it.
    rows: Option<&'a mut Rows>,
}

impl Kernel for Chase<'_> {
    type Output = (Vec<f64>, Vec<f64>);

    #[inline(always)]
    fn run<I: Instructions>(mut self) -> Self::Output {
        let n = self.band.dimension();
        // Columns of zeros behind the end spare all questions there.
        let mut work = vec![[0.0; STRIDE]; n + 3 * WIDTH];
        for (column, band) in work.iter_mut().zip(&self.band.columns) {
            column[WIDTH..WIDTH + band.len()].copy_from_slice(band);
        }
        let (mut lower, mut halved) = ([RealLanes::ZERO; WIDTH], [RealLanes::splat(1.0); WIDTH]);
        for t in 0..WIDTH {
            lower[t].0[t..].fill(1.0);
            halved[t].0[t] = 0.5;
        }
        for s in 0..n.saturating_sub(2) {
            let x = load(&work[s], WIDTH + 1);
            let (mut v, mut c, head) = reflector(&x);
            let mut only_head = RealLanes::ZERO;
            only_head.0[0] = head;
            save(&mut work[s], WIDTH + 1, &only_head);
            let mut first = s + 1;
            loop {
                if let Some(rows) = &mut self.rows {
                    rows.reflect::<I>(first, &v, c);
                }
                let columns = &mut work[first..first + WIDTH];
                two_sided::<I>(columns, &v, c, (&lower, &halved));
                if first + WIDTH >= n {
                    break;
                }
                (v, c) = chase::<I>(columns, &v, c);
                first += WIDTH;
            }
        }
        let diagonal = (0..n).map(|j| work[j][WIDTH]).collect();
        let off = (0..n - 1).map(|j| work[j][WIDTH + 1]).collect();
        (diagonal, off)
    }
}

#[inline(always)]
fn load(column: &[f64; STRIDE], at: usize) -> RealLanes {
    let mut x = [0.0; WIDTH];
    x.copy_from_slice(&column[at..at + WIDTH]);
    RealLanes::load(&x)
}

#[inline(always)]
fn save(column: &mut [f64; STRIDE], at: usize, x: &RealLanes) {
    column[at..at + WIDTH].copy_from_slice(&x.0);
}

/// `v` with `v_0 = 1` and `c` such that `(1 - c v v^T) x` has only its first element left, and
/// that element.
#[inline(always)]
fn reflector(x: &RealLanes) -> (RealLanes, f64, f64) {
    let head = x.0[0];
    let mut below = *x;
    below.0[0] = 0.0;
    let tail = below.times(&below).sum();
    if tail <= NOTHING {
        let mut v = RealLanes::ZERO;
        v.0[0] = 1.0;
        return (v, 0.0, head);
    }
    let signed = (head * head + tail).sqrt().copysign(head);
    let pivot = head + signed;
    let factor = 1.0 / pivot;
    let mut v = below.scaled(factor);
    v.0[0] = 1.0;
    // 2 / (1 + tail / pivot^2) with pivot^2 + tail = 2 signed pivot.
    (v, pivot / signed, -signed)
}

/// `D <- H D H` for the diagonal block of eight columns, whose lower triangle is kept.
#[inline(always)]
fn two_sided<I: Instructions>(
    columns: &mut [[f64; STRIDE]],
    v: &RealLanes,
    c: f64,
    (lower, halved): (&Square, &Square),
) {
    let mut d = [RealLanes::ZERO; WIDTH];
    for t in 0..WIDTH {
        d[t] = load(&columns[t], WIDTH - t);
    }
    let mut sums = [RealLanes::ZERO; 2];
    let mut products = [RealLanes::ZERO; WIDTH];
    for t in 0..WIDTH {
        let half = d[t].times(&halved[t]);
        sums[t % 2].add_scaled::<I>(&half, v.0[t]);
        products[t] = half.times(v);
    }
    let across = RealLanes::sums::<I>(&products);
    let mut p = RealLanes::ZERO;
    for l in 0..WIDTH {
        p.0[l] = c * (sums[0].0[l] + sums[1].0[l] + across.0[l]);
    }
    let share = -0.5 * c * p.times(v).sum();
    let mut w = p;
    w.add_scaled::<I>(v, share);
    for t in 0..WIDTH {
        d[t].subtract_scaled::<I>(&v.times(&lower[t]), w.0[t]);
        d[t].subtract_scaled::<I>(&w.times(&lower[t]), v.0[t]);
        save(&mut columns[t], WIDTH - t, &d[t]);
    }
}

/// `B <- H' B H` for the block below, with `H'` such that its first column keeps only its first
/// element; the reflector of `H'` and its coefficient.
#[inline(always)]
fn chase<I: Instructions>(
    columns: &mut [[f64; STRIDE]],
    v: &RealLanes,
    c: f64,
) -> (RealLanes, f64) {
    let mut b = [RealLanes::ZERO; WIDTH];
    for t in 0..WIDTH {
        b[t] = load(&columns[t], 2 * WIDTH - t);
    }
    let mut sums = [RealLanes::ZERO; 2];
    for t in 0..WIDTH {
        sums[t % 2].add_scaled::<I>(&b[t], c * v.0[t]);
    }
    let mut p = RealLanes::ZERO;
    for l in 0..WIDTH {
        p.0[l] = sums[0].0[l] + sums[1].0[l];
    }
    for t in 0..WIDTH {
        b[t].subtract_scaled::<I>(&p, v.0[t]);
    }
    let (u, c, head) = reflector(&b[0]);
    let mut products = [RealLanes::ZERO; WIDTH];
    for t in 0..WIDTH {
        products[t] = b[t].times(&u);
    }
    let shares = RealLanes::sums::<I>(&products);
    b[0] = RealLanes::ZERO;
    b[0].0[0] = head;
    for t in 1..WIDTH {
        b[t].subtract_scaled::<I>(&u, c * shares.0[t]);
    }
    for t in 0..WIDTH {
        save(&mut columns[t], 2 * WIDTH - t, &b[t]);
    }
    (u, c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ql;
    use kadanoff_runtime::simd::Portable;

    #[test]
    fn all_levels_keep_the_eigenvalues() {
        for n in [2, 9, 17, 24, 50] {
            let mut band = Band {
                columns: vec![[0.0; WIDTH + 1]; n],
            };
            for j in 0..n {
                for d in 0..(WIDTH + 1).min(n - j) {
                    band.columns[j][d] = (1.3 * j as f64 + 0.7 * (d * d) as f64).sin();
                }
            }
            let exact = band
                .dense()
                .self_adjoint_eigenvalues(faer::Side::Lower)
                .expect("converges");
            let chase = || Chase {
                band: &band,
                rows: None,
            };
            let all = Level::available()
                .into_iter()
                .map(|level| dispatch(level, chase()))
                .chain([chase().run::<Portable>()]);
            for (diagonal, off) in all {
                let values = ql::eigenvalues(&diagonal, &off).expect("converges");
                for (x, y) in values.iter().zip(&exact) {
                    assert!((x - y).abs() < 1e-13 * n as f64, "{n}: {x} {y}");
                }
            }
        }
    }
}
