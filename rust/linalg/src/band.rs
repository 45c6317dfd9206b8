//! A symmetric matrix in band form: the first of two stages on the way to a tridiagonal one.
//!
//! Eight columns at a time are reduced to a triangle by Householder reflections
//! `Q = 1 - V T V^T`, which turn the rest of the matrix into `A - V W^T - W V^T` with
//! `W = Z - V T^T (V^T Z) / 2` and `Z = A V T` (Bischof, Lang and Sun, ACM Trans. Math. Softw. 26,
//! 581 (2000), doi:10.1145/365723.365735). All of it is products of matrices: the update of one
//! step and the product `A V` of the next share a pass over the lower triangle, 32 operations for
//! every number that is read and written, where a direct reduction has four.

use crate::lanes::RealLanes;
use crate::triangle::Triangle;
pub(crate) use crate::triangle::WIDTH;
use faer::Mat;
use kadanoff_runtime::simd::{Instructions, Kernel, Level, dispatch};

/// A tail with a smaller square is zero: the matrix has a norm of order one.
const NOTHING: f64 = 1e-280;

/// A symmetric band matrix.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Band {
    /// Column by column the diagonal and the `WIDTH` numbers below it, zero beyond the matrix.
    pub columns: Vec<[f64; WIDTH + 1]>,
}

impl Band {
    pub(crate) fn dimension(&self) -> usize {
        self.columns.len()
    }

    /// The element with `row >= column`.
    fn at(&self, row: usize, column: usize) -> f64 {
        match row - column {
            d if d <= WIDTH => self.columns[column][d],
            _ => 0.0,
        }
    }

    /// The largest absolute row sum.
    pub(crate) fn norm(&self) -> f64 {
        let n = self.dimension();
        let mut sums = vec![0.0; n];
        for (j, column) in self.columns.iter().enumerate() {
            sums[j] += column[0].abs();
            for (d, x) in column.iter().enumerate().skip(1).take(n - 1 - j) {
                sums[j] += x.abs();
                sums[j + d] += x.abs();
            }
        }
        sums.into_iter().fold(0.0, f64::max)
    }

    /// The lower triangle as a full matrix.
    pub(crate) fn dense(&self) -> Mat<f64> {
        let n = self.dimension();
        Mat::from_fn(n, n, |i, j| if i >= j { self.at(i, j) } else { 0.0 })
    }
}

/// Reduces the matrix whose lower triangle is given, of dimension 2 `WIDTH` at least and a norm of
/// order one.
///
/// Afterwards column `j` of `a` holds below row `j + WIDTH` the reflector `v` of
/// `H = 1 - v v^T / tau`, with `v = 1` in that row; the coefficients `tau` are returned.
pub(crate) fn reduce(a: &mut Mat<f64>) -> (Band, Vec<f64>) {
    dispatch(Level::current(), Reduction { a })
}

struct Reduction<'a> {
    a: &'a mut Mat<f64>,
}

/// A tall matrix with `WIDTH` columns, by blocks of 8 x 8.
struct Tall {
    /// Register `8 r + k`: column `k` in the rows of block `r`.
    columns: Vec<RealLanes>,
    /// Register `i`: row `i`.
    rows: Vec<RealLanes>,
}

impl Tall {
    fn new(blocks: usize) -> Self {
        Self {
            columns: vec![RealLanes::ZERO; WIDTH * blocks],
            rows: vec![RealLanes::ZERO; WIDTH * blocks],
        }
    }
}

type Square = [RealLanes; WIDTH];

impl Kernel for Reduction<'_> {
    type Output = (Band, Vec<f64>);

    #[inline(always)]
    fn run<I: Instructions>(self) -> Self::Output {
        let n = self.a.nrows();
        let mut triangle = Triangle::new(self.a);
        let count = triangle.count;
        let mut band = Band {
            columns: vec![[0.0; WIDTH + 1]; n],
        };
        let mut tau = vec![f64::INFINITY; n];
        // Reflectors and partner of the step before, still to be applied, and the new reflectors.
        let (mut v, mut w, mut next) = (Tall::new(count), Tall::new(count), Tall::new(count));
        let mut product = Tall::new(count);
        for p in 0..count {
            let panel = triangle.panel_mut(p);
            if p > 0 {
                for r in p..count {
                    let block = &mut panel[WIDTH * (r - p)..][..WIDTH];
                    update::<I>(block, (&v, &w), r, p);
                }
            }
            let (diagonal, below) = panel.split_at_mut(WIDTH);
            let coefficients = triangular::<I>(below, &mut next, p + 1);
            store(&mut band, diagonal, below, p);
            for (k, c) in coefficients.iter().enumerate() {
                let j = WIDTH * p + k;
                if j + WIDTH < n {
                    tau[j] = 1.0 / c;
                    let column = self.a.col_as_slice_mut(j);
                    for (b, numbers) in column[WIDTH * (p + 1)..].chunks_mut(WIDTH).enumerate() {
                        let own = &next.columns[WIDTH * (p + 1 + b) + k].0;
                        numbers.copy_from_slice(&own[..numbers.len()]);
                    }
                }
            }
            if p + 1 == count {
                break;
            }
            let factor = triangular_factor::<I>(&next.rows[WIDTH * (p + 1)..], &coefficients);
            product.columns.fill(RealLanes::ZERO);
            product.rows.fill(RealLanes::ZERO);
            for c in p + 1..count {
                let panel = triangle.panel_mut(c);
                pass::<I>(panel, c, p > 0, (&v, &w), &next, &mut product);
            }
            partner::<I>(&next, &factor, &product, &mut w, p + 1);
            std::mem::swap(&mut v, &mut next);
        }
        (band, tau)
    }
}

/// Writes a diagonal block and the triangle below it.
fn store(band: &mut Band, diagonal: &[RealLanes], below: &[RealLanes], p: usize) {
    let n = band.dimension();
    for k in 0..WIDTH.min(n - WIDTH * p) {
        let column = &mut band.columns[WIDTH * p + k];
        column[..WIDTH - k].copy_from_slice(&diagonal[k].0[k..]);
        if !below.is_empty() {
            column[WIDTH - k..].copy_from_slice(&below[k].0[..k + 1]);
        }
    }
}

/// `A_rc -= V_r W_c^T + W_r V_c^T`.
#[inline(always)]
fn update<I: Instructions>(block: &mut [RealLanes], (v, w): (&Tall, &Tall), r: usize, c: usize) {
    match I::LEVEL {
        Level::Avx512 => update_rows::<I, 1, 8>(block, (v, w), r, c),
        _ => update_rows::<I, 1, 4>(block, (v, w), r, c),
    }
}

/// The same for `R` blocks below one another, `C` columns in registers at a time.
#[allow(clippy::manual_memcpy)] // registers are loaded one by one
#[inline(always)]
fn update_rows<I: Instructions, const R: usize, const C: usize>(
    blocks: &mut [RealLanes],
    (v, w): (&Tall, &Tall),
    r: usize,
    c: usize,
) {
    let blocks = &mut blocks[..WIDTH * R];
    let of_v = &v.columns[WIDTH * r..WIDTH * (r + R)];
    let of_w = &w.columns[WIDTH * r..WIDTH * (r + R)];
    let v = &v.columns[WIDTH * c..WIDTH * (c + 1)];
    let w = &w.columns[WIDTH * c..WIDTH * (c + 1)];
    for half in 0..WIDTH / C {
        let first = C * half;
        let mut x = [[RealLanes::ZERO; C]; R];
        for b in 0..R {
            for j in 0..C {
                x[b][j] = blocks[WIDTH * b + first + j];
            }
        }
        for k in 0..WIDTH {
            for j in 0..C {
                for b in 0..R {
                    x[b][j].subtract_scaled::<I>(&of_v[WIDTH * b + k], w[k].0[first + j]);
                }
            }
            for j in 0..C {
                for b in 0..R {
                    x[b][j].subtract_scaled::<I>(&of_w[WIDTH * b + k], v[k].0[first + j]);
                }
            }
        }
        for b in 0..R {
            for j in 0..C {
                blocks[WIDTH * b + first + j] = x[b][j];
            }
        }
    }
}

/// `Y_r += A_rc V_c` for `R` blocks below one another.
#[allow(clippy::manual_memcpy)] // registers are loaded one by one
#[inline(always)]
fn multiply_rows<I: Instructions, const R: usize, const C: usize>(
    blocks: &[RealLanes],
    v: &Tall,
    y: &mut Tall,
    r: usize,
    c: usize,
) {
    let blocks = &blocks[..WIDTH * R];
    let v = &v.rows[WIDTH * c..WIDTH * (c + 1)];
    let y = &mut y.columns[WIDTH * r..WIDTH * (r + R)];
    for half in 0..WIDTH / C {
        let first = C * half;
        let mut x = [[RealLanes::ZERO; C]; R];
        for b in 0..R {
            for k in 0..C {
                x[b][k] = y[WIDTH * b + first + k];
            }
        }
        for j in 0..WIDTH {
            for k in 0..C {
                for b in 0..R {
                    x[b][k].add_scaled::<I>(&blocks[WIDTH * b + j], v[j].0[first + k]);
                }
            }
        }
        for b in 0..R {
            for k in 0..C {
                y[WIDTH * b + first + k] = x[b][k];
            }
        }
    }
}

/// `Y_c += A_rc^T V_r` for `R` blocks below one another.
#[inline(always)]
fn multiply_columns<I: Instructions, const R: usize>(
    blocks: &[RealLanes],
    v: &Tall,
    y: &mut Square,
    r: usize,
) {
    let blocks = &blocks[..WIDTH * R];
    let v = &v.rows[WIDTH * r..WIDTH * (r + R)];
    let mut x = *y;
    for b in 0..R {
        for i in 0..WIDTH {
            for j in 0..WIDTH {
                x[j].add_scaled::<I>(&v[WIDTH * b + i], blocks[WIDTH * b + j].0[i]);
            }
        }
    }
    *y = x;
}

/// One panel of the rest: applies the old reflectors, multiplies with the new ones.
#[inline(always)]
fn pass<I: Instructions>(
    panel: &mut [RealLanes],
    c: usize,
    pending: bool,
    old: (&Tall, &Tall),
    v: &Tall,
    y: &mut Tall,
) {
    let count = panel.len() / WIDTH;
    let (diagonal, below) = panel.split_at_mut(WIDTH);
    if pending {
        update::<I>(diagonal, old, c, c);
    }
    match I::LEVEL {
        Level::Avx512 => multiply_rows::<I, 1, 8>(diagonal, v, y, c, c),
        _ => multiply_rows::<I, 1, 4>(diagonal, v, y, c, c),
    }
    let mut sums: Square = [RealLanes::ZERO; WIDTH];
    let mut r = 1;
    if matches!(I::LEVEL, Level::Avx512) {
        while r + 3 <= count {
            let blocks = &mut below[WIDTH * (r - 1)..];
            if pending {
                update_rows::<I, 3, 8>(blocks, old, c + r, c);
            }
            multiply_rows::<I, 3, 8>(blocks, v, y, c + r, c);
            multiply_columns::<I, 3>(blocks, v, &mut sums, c + r);
            r += 3;
        }
    }
    while r < count {
        let blocks = &mut below[WIDTH * (r - 1)..];
        if pending {
            update::<I>(blocks, old, c + r, c);
        }
        match I::LEVEL {
            Level::Avx512 => multiply_rows::<I, 1, 8>(blocks, v, y, c + r, c),
            _ => multiply_rows::<I, 1, 4>(blocks, v, y, c + r, c),
        }
        multiply_columns::<I, 1>(blocks, v, &mut sums, c + r);
        r += 1;
    }
    y.rows[WIDTH * c..WIDTH * (c + 1)].copy_from_slice(&sums);
}

/// Brings the blocks of a panel to a triangle, which is left in the first; the reflectors in `v`
/// from block `first` on, and their `1 / tau`.
#[inline(always)]
fn triangular<I: Instructions>(
    panel: &mut [RealLanes],
    v: &mut Tall,
    first: usize,
) -> [f64; WIDTH] {
    let mut coefficients = [0.0; WIDTH];
    v.columns[..WIDTH * first].fill(RealLanes::ZERO);
    v.rows[..WIDTH * first].fill(RealLanes::ZERO);
    let columns = &mut v.columns[WIDTH * first..];
    for k in 0..WIDTH {
        if panel.is_empty() {
            break;
        }
        // Products of what lies below the head of column k with that of all columns.
        let mut sums = [RealLanes::ZERO; WIDTH];
        let mut below = panel[k];
        for l in 0..k + 1 {
            below.0[l] = 0.0;
        }
        for c in 0..WIDTH {
            sums[c].add_product::<I>(&below, &panel[c]);
        }
        for block in panel[WIDTH..].chunks_exact(WIDTH) {
            let x = block[k];
            for c in 0..WIDTH {
                sums[c].add_product::<I>(&x, &block[c]);
            }
        }
        let products = RealLanes::sums::<I>(&sums).0;
        let (head, tail) = (panel[k].0[k], products[k]);
        let mut factor = 0.0;
        if tail > NOTHING {
            let signed = (head * head + tail).sqrt().copysign(head);
            let pivot = head + signed;
            factor = 1.0 / pivot;
            let coefficient = 2.0 / (1.0 + tail * factor * factor);
            coefficients[k] = coefficient;
            // (1 - c v v^T) x = x - c (x_head + tail . x / pivot) v
            let mut shares = [0.0; WIDTH];
            for c in k + 1..WIDTH {
                shares[c] = coefficient * (panel[c].0[k] + products[c] * factor);
            }
            let mut top = below.scaled(factor);
            columns[k] = top;
            columns[k].0[k] = 1.0;
            top.0[k] = 1.0;
            for c in k + 1..WIDTH {
                panel[c].subtract_scaled::<I>(&top, shares[c]);
            }
            for (block, of_v) in panel[WIDTH..]
                .chunks_exact_mut(WIDTH)
                .zip(columns[WIDTH..].chunks_exact_mut(WIDTH))
            {
                let x = block[k].scaled(factor);
                of_v[k] = x;
                for c in k + 1..WIDTH {
                    block[c].subtract_scaled::<I>(&x, shares[c]);
                }
            }
            panel[k].0[k] = -signed;
        }
        if factor == 0.0 {
            for of_v in columns.chunks_exact_mut(WIDTH) {
                of_v[k] = RealLanes::ZERO;
            }
            columns[k].0[k] = 1.0;
        }
    }
    let rows = &mut v.rows[WIDTH * first..];
    for (of_rows, of_columns) in rows
        .chunks_exact_mut(WIDTH)
        .zip(columns.chunks_exact(WIDTH))
    {
        of_rows.copy_from_slice(&RealLanes::transpose(of_columns));
    }
    coefficients
}

/// The rows of `T` in `H_0 H_1 ... H_7 = 1 - V T V^T`.
#[inline(always)]
fn triangular_factor<I: Instructions>(rows: &[RealLanes], coefficients: &[f64; WIDTH]) -> Square {
    let mut gram = [RealLanes::ZERO; WIDTH];
    for row in rows {
        for k in 0..WIDTH {
            gram[k].add_scaled::<I>(row, row.0[k]);
        }
    }
    let mut factor = [RealLanes::ZERO; WIDTH];
    for j in 0..WIDTH {
        factor[j].0[j] = coefficients[j];
        for i in 0..j {
            let sum: f64 = (i..j).map(|k| factor[i].0[k] * gram[k].0[j]).sum();
            factor[i].0[j] = -coefficients[j] * sum;
        }
    }
    factor
}

/// `W = Z - V T^T (V^T Z) / 2` with `Z = Y T`.
#[inline(always)]
fn partner<I: Instructions>(v: &Tall, factor: &Square, y: &Tall, w: &mut Tall, first: usize) {
    let mut overlap = [RealLanes::ZERO; WIDTH];
    for r in first..y.columns.len() / WIDTH {
        let part = RealLanes::transpose(&y.columns[WIDTH * r..WIDTH * (r + 1)]);
        for i in 0..WIDTH {
            let mut sum = y.rows[WIDTH * r + i];
            let mut z = RealLanes::ZERO;
            for k in 0..WIDTH {
                sum.0[k] += part[i].0[k];
            }
            for k in 0..WIDTH {
                z.add_scaled::<I>(&factor[k], sum.0[k]);
            }
            w.rows[WIDTH * r + i] = z;
            let of_v = v.rows[WIDTH * r + i];
            for k in 0..WIDTH {
                overlap[k].add_scaled::<I>(&z, of_v.0[k]);
            }
        }
    }
    let mut half = [RealLanes::ZERO; WIDTH];
    for k in 0..WIDTH {
        for l in 0..WIDTH {
            half[k].add_scaled::<I>(&overlap[l], 0.5 * factor[l].0[k]);
        }
    }
    for r in first..y.columns.len() / WIDTH {
        for i in WIDTH * r..WIDTH * (r + 1) {
            let mut x = w.rows[i];
            for k in 0..WIDTH {
                x.subtract_scaled::<I>(&half[k], v.rows[i].0[k]);
            }
            w.rows[i] = x;
        }
        let columns = RealLanes::transpose(&w.rows[WIDTH * r..WIDTH * (r + 1)]);
        w.columns[WIDTH * r..WIDTH * (r + 1)].copy_from_slice(&columns);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kadanoff_runtime::simd::Portable;

    #[test]
    fn all_levels_give_the_same_band() {
        for n in [16, 17, 31, 64, 65] {
            let a = Mat::from_fn(n, n, |i, j| {
                // Of full rank in all of its blocks: rounding must not decide on reflectors.
                let (i, j) = (i.max(j) as f64 + 1.0, i.min(j) as f64 + 1.0);
                (1.3 * i * i * j + 0.7 * j * j).sin() / 4.0
            });
            let mut slow = a.clone();
            let (band, tau) = Reduction { a: &mut slow }.run::<Portable>();
            for level in Level::available() {
                let mut fast = a.clone();
                let (other, coefficients) = dispatch(level, Reduction { a: &mut fast });
                let numbers = band.columns.iter().zip(&other.columns);
                // Small pivots amplify rounding in single reflectors.
                for (x, y) in numbers.flat_map(|(x, y)| x.iter().zip(y)) {
                    assert!((x - y).abs() < 1e-9, "{n}: {x} {y}");
                }
                for (x, y) in tau.iter().zip(&coefficients) {
                    assert!(x == y || (x - y).abs() < 1e-9, "{n}: {x} {y}");
                }
            }
        }
    }
}
