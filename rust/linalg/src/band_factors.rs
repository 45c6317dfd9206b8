//! `L U` factors of a band matrix for eight shifts at a time.

use crate::band::{Band, WIDTH};
use crate::inverse_iteration::{Factors, LANES, Lane};
use crate::lanes::RealLanes;
use kadanoff_runtime::simd::Instructions;

/// Numbers in a row of `U`: interchanges fill another `WIDTH`.
const ROW: usize = 2 * WIDTH + 1;

/// Every row below the pivot is compared with it, exchanged where it is the larger one, and
/// reduced (pairwise pivoting: Sorensen, IEEE Trans. Comput. C-34, 274 (1985),
/// doi:10.1109/TC.1985.1676571): eight shifts then need no search in common.
pub(crate) struct BandFactors {
    /// The matrix by rows, from `WIDTH` left of the diagonal on, zero beyond it.
    rows: Vec<[f64; ROW]>,
    /// Rows of `U`, the inverse pivot in front; signs are those that a solution adds.
    upper: Vec<[RealLanes; ROW]>,
    multipliers: Vec<[RealLanes; WIDTH]>,
    swapped: Vec<[u8; WIDTH]>,
}

impl BandFactors {
    pub(crate) fn new(band: &Band) -> Self {
        let n = band.dimension();
        let mut rows = vec![[0.0; ROW]; n];
        for (j, column) in band.columns.iter().enumerate() {
            for (d, x) in column.iter().enumerate().take(n - j) {
                rows[j][WIDTH + d] = *x;
                rows[j + d][WIDTH - d] = *x;
            }
        }
        Self {
            rows,
            upper: vec![[RealLanes::ZERO; ROW]; n],
            multipliers: vec![[RealLanes::ZERO; WIDTH]; n],
            swapped: vec![[0; WIDTH]; n],
        }
    }
}

/// A row of the shifted matrix without its first `skip` elements.
#[inline(always)]
fn enter(window: &mut [RealLanes; ROW], row: &[f64; ROW], skip: usize, shift: &Lane) {
    for c in 0..ROW {
        window[c] = RealLanes::splat(if c + skip < ROW { row[c + skip] } else { 0.0 });
    }
    for l in 0..LANES {
        window[WIDTH - skip].0[l] -= shift[l];
    }
}

impl Factors for BandFactors {
    #[inline(always)]
    fn factor<I: Instructions>(&mut self, shift: &Lane, tiny: f64) {
        let n = self.rows.len();
        // Row `i`, the pivot of column `i`, and the rows below it that share the column.
        let mut window = [[RealLanes::ZERO; ROW]; WIDTH + 1];
        for i in 0..WIDTH.min(n) {
            enter(&mut window[i], &self.rows[i], WIDTH - i, shift);
        }
        for i in 0..n {
            if i + WIDTH < n {
                enter(&mut window[WIDTH], &self.rows[i + WIDTH], 0, shift);
            } else {
                window[WIDTH] = [RealLanes::ZERO; ROW];
            }
            // The interchanges and multipliers follow from column `i` alone.
            let mut bits = [0; WIDTH];
            let mut multipliers = [RealLanes::ZERO; WIDTH];
            let mut pivot = window[0][0];
            for r in 0..WIDTH {
                let mut own = window[r + 1][0];
                bits[r] = own.exceeds::<I>(&pivot);
                RealLanes::swap_where::<I>(bits[r], &mut pivot, &mut own);
                for l in 0..LANES {
                    let x = pivot.0[l];
                    pivot.0[l] = if x.abs() < tiny { tiny } else { x };
                    own.0[l] = -own.0[l] / pivot.0[l];
                }
                multipliers[r] = own;
            }
            let row = &mut self.upper[i];
            for l in 0..LANES {
                let x = pivot.0[l];
                row[0].0[l] = 1.0 / if x.abs() < tiny { tiny } else { x };
            }
            for c in 1..ROW {
                let mut top = window[0][c];
                for r in 0..WIDTH {
                    let mut own = window[r + 1][c];
                    RealLanes::swap_where::<I>(bits[r], &mut top, &mut own);
                    own.add_product::<I>(&multipliers[r], &top);
                    window[r][c - 1] = own;
                }
                for l in 0..LANES {
                    row[c].0[l] = -top.0[l];
                }
            }
            for r in 0..WIDTH {
                window[r][ROW - 1] = RealLanes::ZERO;
            }
            self.swapped[i] = bits;
            self.multipliers[i] = multipliers;
        }
    }

    #[inline(always)]
    fn solve_lower<I: Instructions>(&self, x: &mut [Lane]) {
        let n = x.len();
        let mut window: [RealLanes; WIDTH + 1] = [RealLanes::ZERO; WIDTH + 1];
        for (i, w) in window.iter_mut().enumerate().take(WIDTH.min(n)) {
            *w = RealLanes(x[i]);
        }
        for i in 0..n {
            window[WIDTH] = if i + WIDTH < n {
                RealLanes(x[i + WIDTH])
            } else {
                RealLanes::ZERO
            };
            let mut top = window[0];
            for r in 1..WIDTH + 1 {
                let mut own = window[r];
                RealLanes::swap_where::<I>(self.swapped[i][r - 1], &mut top, &mut own);
                own.add_product::<I>(&self.multipliers[i][r - 1], &top);
                window[r - 1] = own;
            }
            x[i] = top.0;
        }
    }

    #[inline(always)]
    fn solve_upper<I: Instructions>(&self, x: &mut [Lane]) {
        // The solution below the present row, nearest first.
        let mut known = [RealLanes::ZERO; ROW - 1];
        for i in (0..x.len()).rev() {
            let row = &self.upper[i];
            let mut parts = [RealLanes(x[i]), RealLanes::ZERO];
            for c in (1..ROW).rev() {
                parts[c % 2].add_product::<I>(&row[c], &known[c - 1]);
            }
            let mut value = parts[0];
            for l in 0..LANES {
                value.0[l] = (parts[0].0[l] + parts[1].0[l]) * row[0].0[l];
            }
            x[i] = value.0;
            known.copy_within(0..ROW - 2, 1);
            known[0] = value;
        }
    }

    #[inline(always)]
    fn residuals<I: Instructions>(&self, shift: &Lane, x: &[Lane], out: &mut [Lane]) {
        let n = x.len();
        for i in 0..n {
            let mut sum = RealLanes::ZERO;
            for l in 0..LANES {
                sum.0[l] = -shift[l] * x[i][l];
            }
            for j in i.saturating_sub(WIDTH)..(i + WIDTH + 1).min(n) {
                sum.add_scaled::<I>(&RealLanes(x[j]), self.rows[i][j + WIDTH - i]);
            }
            out[i] = sum.0;
        }
    }
}
