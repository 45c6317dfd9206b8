//! One pass over the matrix elements between two blocks, at several temperatures side by side.
//!
//! The bin of an element and the element itself are the same at every temperature; only its weight
//! differs. Temperatures are therefore the lanes of vector instructions: `L` of them at a time.

use crate::binning::Histogram;
use crate::density::NEGLIGIBLE;
use faer::{Accum, Mat, MatMut, MatRef, Par, linalg::matmul::matmul};
use kadanoff_runtime::simd::{Instructions, Kernel};

/// Temperatures at a time, where there are several.
pub(crate) const LANES: usize = 8;

/// Several symmetric matrices over each other, element by element: row `a L + lane` is row a of one.
pub(crate) fn stack<const L: usize>(matrices: &[MatRef<'_, f64>]) -> Mat<f64> {
    let n = matrices.first().map_or(0, |m| m.nrows());
    let mut out = Mat::zeros(n * L, n);
    for (lane, matrix) in matrices.iter().enumerate() {
        for k in 0..n {
            for a in 0..n {
                out[(a * L + lane, k)] = matrix[(a, k)];
            }
        }
    }
    out
}

/// `a b`, where the rows of a are the lanes of each of its rows: column by column.
pub(crate) fn product<const L: usize>(a: MatRef<'_, f64>, b: MatRef<'_, f64>) -> Vec<[f64; L]> {
    let (rows, columns) = (a.nrows(), b.ncols());
    let mut out = vec![[0.0; L]; rows / L * columns];
    if !out.is_empty() && a.ncols() > 0 {
        let all = MatMut::from_column_major_slice_mut(out.as_flattened_mut(), rows, columns);
        matmul(all, Accum::Replace, a, b, 1.0, Par::Seq);
    }
    out
}

/// What both passes need: the states, the elements of B and C, and the bins of their products.
#[derive(Clone, Copy)]
pub(crate) struct Elements<'a> {
    /// Energies of the rows.
    pub bra: &'a [f64],
    /// Energies of the columns.
    pub ket: &'a [f64],
    /// Elements of B.
    pub b: MatRef<'a, f64>,
    /// Elements of C.
    pub c: MatRef<'a, f64>,
    /// Bins of all elements, rows running faster.
    pub found: &'a [u32],
    /// Whether the isothermal response is summed too.
    pub response: bool,
}

impl<'a> Elements<'a> {
    /// Elements of B and C in one column, and their bins.
    #[inline(always)]
    fn column(&self, s: usize) -> (&'a [f64], &'a [f64], &'a [u32]) {
        let n = self.bra.len();
        (
            column(self.b, s, n),
            column(self.c, s, n),
            &self.found[s * n..][..n],
        )
    }
}

#[inline(always)]
fn column<'a>(m: MatRef<'a, f64>, s: usize, n: usize) -> &'a [f64] {
    match m.col(s).try_as_col_major() {
        Some(found) => &found.as_slice()[..n],
        None => &[],
    }
}

/// `b (u p + v w c)` between a kept and a discarded state: p is the element of C times the reduced
/// density matrix, w the weight of the discarded state, and (u, v) the signs.
pub(crate) struct WithKept<'a, const L: usize> {
    /// States and elements.
    pub elements: Elements<'a>,
    /// The products p.
    pub products: &'a [[f64; L]],
    /// From one row, and from one column, to the next in them.
    pub strides: (usize, usize),
    /// The weights w.
    pub weights: &'a [[f64; L]],
    /// Whether the rows are the discarded states, or the columns.
    pub discarded_rows: bool,
    /// (u, v).
    pub signs: (f64, f64),
    /// Where the elements are added.
    pub histogram: &'a mut Histogram<L>,
}

impl<const L: usize> Kernel for WithKept<'_, L> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self) {
        let n = self.elements.bra.len();
        if n == 0 {
            return;
        }
        let (u, v) = self.signs;
        for (s, &energy) in self.elements.ket.iter().enumerate() {
            let (b, c, found) = self.elements.column(s);
            let products = &self.products[s * self.strides.1..];
            for r in 0..n {
                let p = &products[r * self.strides.0];
                let w = self.elements.bra[r] - energy;
                let of_state = &self.weights[if self.discarded_rows { r } else { s }];
                let mut weights = [0.0; L];
                for t in 0..L {
                    weights[t] = b[r] * (u * p[t] + v * of_state[t] * c[r]);
                }
                self.histogram.add(found[r], w, &weights);
                if self.elements.response {
                    // The gap of the cut keeps w from zero.
                    for t in 0..L {
                        if weights[t] != 0.0 {
                            self.histogram.response[t] += weights[t] / w;
                        }
                    }
                }
            }
        }
    }
}

/// `b c (w_s + sign w_r)` between two discarded states.
pub(crate) struct Discarded<'a, const L: usize> {
    /// States and elements.
    pub elements: Elements<'a>,
    /// Weights of the rows; energies ascend, so that the occupied ones come first.
    pub of_bra: &'a [[f64; L]],
    /// Weights of the columns.
    pub of_ket: &'a [[f64; L]],
    /// Plus for fermions.
    pub sign: f64,
    /// Temperatures; any where there are fewer than L.
    pub temperatures: [f64; L],
    /// Where the elements are added.
    pub histogram: &'a mut Histogram<L>,
}

impl<const L: usize> Kernel for Discarded<'_, L> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self) {
        let some = self.of_bra.partition_point(occupied);
        for (s, &energy) in self.elements.ket.iter().enumerate() {
            let (b, c, found) = self.elements.column(s);
            let of_ket = &self.of_ket[s];
            let end = if occupied(of_ket) { b.len() } else { some };
            for r in 0..end {
                let (w, of_bra) = (self.elements.bra[r] - energy, &self.of_bra[r]);
                let bc = b[r] * c[r];
                let mut weights = [0.0; L];
                for t in 0..L {
                    let counts = of_ket[t] > NEGLIGIBLE || of_bra[t] > NEGLIGIBLE;
                    let weight = bc * (of_ket[t] + self.sign * of_bra[t]);
                    weights[t] = if counts { weight } else { 0.0 };
                }
                self.histogram.add(found[r], w, &weights);
                if self.elements.response {
                    for t in 0..L {
                        if of_ket[t] > NEGLIGIBLE || of_bra[t] > NEGLIGIBLE {
                            let lower = if w >= 0.0 { of_ket[t] } else { of_bra[t] };
                            let x = w.abs() / self.temperatures[t];
                            let mean = if x > 0.0 { -(-x).exp_m1() / x } else { 1.0 };
                            self.histogram.response[t] += bc * lower * mean / self.temperatures[t];
                        }
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn occupied<const L: usize>(weights: &[f64; L]) -> bool {
    weights.iter().any(|&w| w > NEGLIGIBLE)
}
