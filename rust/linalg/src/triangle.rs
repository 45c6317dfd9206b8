//! The lower triangle of a symmetric matrix in blocks that fit the registers.

use crate::lanes::RealLanes;
use faer::Mat;

/// Rows and columns of a block.
pub(crate) const WIDTH: usize = RealLanes::COUNT;

/// The lower triangle in blocks of 8 x 8, panel after panel; diagonal blocks are complete.
///
/// Register `8 r + k` of a panel: column `k` of the panel in the rows of block `r`, counted from the
/// diagonal one. What lies beyond the matrix is zero.
pub(crate) struct Triangle {
    /// Blocks in a row or column.
    pub count: usize,
    blocks: Vec<RealLanes>,
}

impl Triangle {
    pub(crate) fn new(a: &Mat<f64>) -> Self {
        let n = a.nrows();
        let count = n.div_ceil(WIDTH);
        let mut out = Self {
            count,
            blocks: vec![RealLanes::ZERO; WIDTH * count * (count + 1) / 2],
        };
        for j in 0..n {
            let (p, k) = (j / WIDTH, j % WIDTH);
            let panel = out.panel_mut(p);
            let column = a.col_as_slice(j);
            for i in j..n.min(WIDTH * (p + 1)) {
                panel[k].0[i % WIDTH] = column[i];
                panel[i % WIDTH].0[k] = column[i];
            }
            let below = column.get(WIDTH * (p + 1)..).unwrap_or_default();
            for (b, numbers) in below.chunks(WIDTH).enumerate() {
                let target = &mut panel[WIDTH * (b + 1) + k].0;
                target[..numbers.len()].copy_from_slice(numbers);
            }
        }
        out
    }

    fn start(&self, p: usize) -> usize {
        WIDTH * (p * (2 * self.count + 1 - p) / 2)
    }

    /// Eight columns from their diagonal block on.
    pub(crate) fn panel(&self, p: usize) -> &[RealLanes] {
        &self.blocks[self.start(p)..self.start(p + 1)]
    }

    /// The same, to be written.
    pub(crate) fn panel_mut(&mut self, p: usize) -> &mut [RealLanes] {
        let (start, end) = (self.start(p), self.start(p + 1));
        &mut self.blocks[start..end]
    }
}
