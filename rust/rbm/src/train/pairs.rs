//! Correlations of both layers, summed over the rows of a minibatch.

use super::product::{Row, Scratch};
use crate::bits::BLOCK;
use crate::layer::{GROUP, PANEL, accumulate, tabulate};
use crate::units::Units;
use kadanoff_runtime::simd::{Instructions, Kernel};

/// What the rows of a minibatch add up to, each already divided by their number.
pub(super) struct Sums {
    /// `[panel of hidden units][visible unit]`.
    pub correlations: Vec<Row>,
    pub hidden_gap: Vec<f32>, // data minus model
    pub hidden_data: Vec<f32>,
    pub visible_gap: Vec<f32>,
    pub visible_data: Vec<f32>,
    pub flips: u64,
}

impl Sums {
    pub(super) fn new(visible: usize, panels: usize) -> Self {
        Self {
            correlations: vec![Row::ZERO; visible * panels],
            hidden_gap: vec![0.0; panels * PANEL],
            hidden_data: vec![0.0; panels * PANEL],
            visible_gap: vec![0.0; visible],
            visible_data: vec![0.0; visible],
            flips: 0,
        }
    }

    pub(super) fn clear(&mut self) {
        self.correlations.fill(Row::ZERO);
        for x in [
            &mut self.hidden_gap,
            &mut self.hidden_data,
            &mut self.visible_gap,
            &mut self.visible_data,
        ] {
            x.fill(0.0);
        }
        self.flips = 0;
    }
}

/// One phase of a block.
#[derive(Clone, Copy)]
pub(super) struct Phase<'a> {
    /// Means of all hidden units, `[panel][row]`.
    pub means: &'a [Row],
    pub rows: usize,
    /// Visible unit i of the rows, one bit per row.
    pub columns: &'a [u64],
    /// What a row counts: positive for the data, negative for the model.
    pub weight: f32,
}

impl Phase<'_> {
    /// The means of a panel.
    #[inline(always)]
    pub(super) fn panel(&self, panel: usize) -> &[Row] {
        &self.means[panel * BLOCK..][..self.rows]
    }
}

/// Adds `weight sum_rows s_i(row) mean_j(row)` of all blocks, for a panel of j and some i.
///
/// The phases of a block are added up first.
pub(super) struct Pairs<'a> {
    pub blocks: &'a [Vec<Phase<'a>>],
    pub units: Units,
    pub panel: usize,
    /// The first visible unit.
    pub first: usize,
    pub out: &'a mut [Row],
    pub scratch: &'a mut Scratch,
}

impl Kernel for Pairs<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self) {
        let Scratch { tile, own } = self.scratch;
        for phases in self.blocks {
            own.clear();
            own.resize(self.out.len(), Row::ZERO);
            for phase in phases {
                let means = phase.panel(self.panel);
                let groups = phase.rows.div_ceil(GROUP);
                for (g, table) in tile.0[..groups].iter_mut().enumerate() {
                    let mut rows = [[0.0; PANEL]; GROUP];
                    for (row, from) in rows.iter_mut().zip(&means[g * GROUP..]) {
                        for c in 0..PANEL {
                            row[c] = phase.weight * from.0[c];
                        }
                    }
                    tabulate(&rows, self.units, table);
                }
                let columns = &phase.columns[self.first..];
                for (sum, &column) in own.iter_mut().zip(columns) {
                    accumulate(&mut sum.0, &tile.0[..groups], column);
                }
            }
            for (total, own) in self.out.iter_mut().zip(&*own) {
                for c in 0..PANEL {
                    total.0[c] += own.0[c];
                }
            }
        }
    }
}

/// Adds the sums over single units of a block.
pub(super) struct Singles<'a> {
    pub phases: &'a [Phase<'a>],
    pub units: Units,
    pub panels: usize,
    pub out: &'a mut Sums,
}

impl Kernel for Singles<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self) {
        let (low, span) = (self.units.low() as f32, self.units.span() as f32);
        for i in 0..self.out.visible_gap.len() {
            let mut gap = 0.0;
            for phase in self.phases {
                let up = phase.columns[i].count_ones() as f32;
                let total = low * phase.rows as f32 + span * up;
                gap += phase.weight * total;
                if phase.weight > 0.0 {
                    self.out.visible_data[i] += phase.weight * total;
                }
            }
            self.out.visible_gap[i] += gap;
        }
        for panel in 0..self.panels {
            let mut gap = Row::ZERO;
            for phase in self.phases {
                let mut sum = Row::ZERO;
                for row in phase.panel(panel) {
                    for c in 0..PANEL {
                        sum.0[c] += row.0[c];
                    }
                }
                for c in 0..PANEL {
                    gap.0[c] += phase.weight * sum.0[c];
                    if phase.weight > 0.0 {
                        self.out.hidden_data[panel * PANEL + c] += phase.weight * sum.0[c];
                    }
                }
            }
            for c in 0..PANEL {
                self.out.hidden_gap[panel * PANEL + c] += gap.0[c];
            }
        }
    }
}
