//! The fields of all rows of a minibatch, with tables that live for one tile.
//!
//! The tables of a whole layer are eight times as large as its couplings: beyond the caches,
//! reading them takes longer than the sums. Here the tables of 64 inputs and 32 outputs are made in
//! 32 KiB, all rows go through them, and the next tile takes their place.

use crate::bits::{BLOCK, words};
use crate::lanes::RandomLanes;
use crate::layer::{
    GROUP, GROUPS, Groups, PANEL, Table, Tempered, Vector, ZERO_TABLE, accumulate, boltzmann, draw,
    gather, gather_transposed, mean, tabulate,
};
use crate::units::Units;
use kadanoff_runtime::simd::{Instructions, Kernel, Level, dispatch};
use std::cell::RefCell;

/// Tiles of a direction that are kept for all passes of an update, 256 KiB: they stay in the cache.
const KEPT: usize = 8;

/// Fields, means or sums of a panel, on the lines of the cache.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Row(pub Vector);

impl Row {
    pub(super) const ZERO: Self = Self([0.0; PANEL]);
}

/// Tables of a word of inputs and a panel of outputs.
#[derive(Clone)]
#[repr(C, align(64))]
pub(super) struct Tile(pub [Table; GROUPS]);

impl Tile {
    pub(super) const ZERO: Self = Self([ZERO_TABLE; GROUPS]);
}

/// Room for one tile, and for the sums over a block.
pub(super) struct Scratch {
    pub tile: Tile,
    pub own: Vec<Row>,
}

thread_local! {
    static SCRATCH: RefCell<Box<Scratch>> = RefCell::new(Box::new(Scratch {
        tile: Tile::ZERO,
        own: Vec::new(),
    }));
}

/// Hands the room of this thread to `work`.
pub(super) fn with_scratch(work: impl FnOnce(&mut Scratch)) {
    SCRATCH.with_borrow_mut(|scratch| work(scratch));
}

/// One direction of a machine in training.
pub(super) struct Direction {
    inputs: usize,
    outputs: usize,
    from: Units,
    to: Units,
    /// Whether the couplings are `[output][input]`.
    transposed: bool,
    /// `[panel][word]`, or none.
    kept: Vec<Tile>,
}

impl Direction {
    pub(super) fn new(size: (usize, usize), units: (Units, Units), transposed: bool) -> Self {
        let tiles = size.1.div_ceil(PANEL) * words(size.0);
        Self {
            inputs: size.0,
            outputs: size.1,
            from: units.0,
            to: units.1,
            transposed,
            kept: vec![Tile::ZERO; if tiles <= KEPT { tiles } else { 0 }],
        }
    }

    /// Panels of outputs.
    pub(super) fn panels(&self) -> usize {
        self.outputs.div_ceil(PANEL)
    }

    /// Whether all tables are kept for the passes of an update.
    pub(super) fn kept(&self) -> bool {
        !self.kept.is_empty()
    }

    /// Words of a row of inputs.
    fn words_in(&self) -> usize {
        words(self.inputs)
    }

    /// Makes the tables that are kept.
    pub(super) fn prepare(&mut self, level: Level, weights: &[f32]) {
        let mut kept = std::mem::take(&mut self.kept);
        let wide = self.words_in();
        for (k, tile) in kept.iter_mut().enumerate() {
            let (panel, word) = (k / wide, k % wide);
            let direction = &*self;
            dispatch(
                level,
                Make {
                    direction,
                    weights,
                    panel,
                    word,
                    tile,
                },
            );
        }
        self.kept = kept;
    }

    /// Groups of inputs of a word.
    #[inline(always)]
    fn groups(&self, word: usize) -> usize {
        (self.inputs - 64 * word).div_ceil(GROUP).min(GROUPS)
    }

    #[inline(always)]
    fn fill(&self, weights: &[f32], panel: usize, word: usize, tile: &mut Tile) {
        let (size, first) = ((self.inputs, self.outputs), panel * PANEL);
        let mut rows = [[0.0; PANEL]; GROUP];
        for g in 0..self.groups(word) {
            let input = 64 * word + GROUP * g;
            if self.transposed {
                gather_transposed(weights, size, (input, first), &mut rows);
            } else {
                gather(weights, size, (input, first), &mut rows);
            }
            tabulate(&rows, self.from, &mut tile.0[g]);
        }
    }
}

struct Make<'a> {
    direction: &'a Direction,
    weights: &'a [f32],
    panel: usize,
    word: usize,
    tile: &'a mut Tile,
}

impl Kernel for Make<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self) {
        self.direction
            .fill(self.weights, self.panel, self.word, self.tile);
    }
}

/// Fields of some blocks of rows in one panel.
pub(super) struct Fields<'a, 'b> {
    pub direction: &'a Direction,
    pub bias: &'a [f32],
    pub weights: &'a [f32],
    pub panel: usize,
    /// Inputs, 64 rows for a block.
    pub bits: &'a [u64],
    /// Rows of each block that are wanted.
    pub rows: &'a [usize],
    /// The panel of each block.
    pub out: &'a mut [&'b mut [Row]],
    pub tile: &'a mut Tile,
}

impl Kernel for Fields<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self) {
        let Self {
            direction,
            rows,
            out,
            ..
        } = self;
        let wide = direction.words_in();
        let first = self.panel * PANEL;
        let count = PANEL.min(direction.outputs - first);
        let mut bias = Row::ZERO;
        bias.0[..count].copy_from_slice(&self.bias[first..first + count]);
        for (block, &rows) in out.iter_mut().zip(rows) {
            block[..rows].fill(bias);
        }
        let made = self.tile;
        for word in 0..wide {
            let tile = match direction.kept.get(self.panel * wide + word) {
                Some(kept) => kept,
                None => {
                    direction.fill(self.weights, self.panel, word, made);
                    &*made
                }
            };
            let tables = &tile.0[..direction.groups(word)];
            let bits = self.bits.chunks_exact(BLOCK * wide);
            for ((block, bits), &rows) in out.iter_mut().zip(bits).zip(rows) {
                for (r, sum) in block[..rows].iter_mut().enumerate() {
                    accumulate(&mut sum.0, tables, bits[r * wide + word]);
                }
            }
        }
    }
}

/// Samples of the outputs of a block as bits.
pub(super) struct Draw<'a> {
    pub direction: &'a Direction,
    /// Fields of the block, `[panel][row]`; means where `means` is set.
    pub fields: &'a mut [Row],
    pub means: bool,
    pub rows: usize,
    pub at: Tempered<'a>,
    pub random: &'a mut RandomLanes,
    pub out: &'a mut [u64],
}

impl Kernel for Draw<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self) {
        let Self { direction, at, .. } = self;
        if let Units::OneHot(states) = direction.to {
            self.groups::<I>(states);
            return;
        }
        // Each unit is drawn on its own. A copy, which stays in registers.
        let mut random = self.random.clone();
        let (outputs, high) = (direction.outputs, words(direction.outputs));
        for (panel, fields) in self.fields.chunks_exact_mut(BLOCK).enumerate() {
            let first = panel * PANEL;
            let count = PANEL.min(outputs - first);
            let keep = u32::MAX >> (PANEL - count);
            let mut base = [0.0; PANEL];
            if !at.base.is_empty() {
                base[..count].copy_from_slice(&at.base[first..first + count]);
            }
            for (r, row) in fields[..self.rows].iter_mut().enumerate() {
                let mut sum = row.0;
                if at.beta != 1.0 {
                    for c in 0..PANEL {
                        sum[c] = at.beta * sum[c] + (1.0 - at.beta) * base[c];
                    }
                }
                let inverse = boltzmann(&sum, direction.to);
                if self.means {
                    mean(&inverse, direction.to, &mut row.0);
                }
                let bits = u64::from(draw(&inverse, &mut random) & keep);
                let word = &mut self.out[r * high + panel / 2];
                if panel % 2 == 0 {
                    *word = bits;
                } else {
                    *word |= bits << PANEL;
                }
            }
        }
        *self.random = random;
    }
}

impl Draw<'_> {
    /// One unit of every group; means of groups are not asked for.
    #[inline(always)]
    fn groups<I: Instructions>(self, states: usize) {
        let (at, padded) = (self.at, self.direction.panels() * PANEL);
        let mut flat = vec![0.0; self.rows * padded];
        for (panel, fields) in self.fields.chunks_exact(BLOCK).enumerate() {
            let first = panel * PANEL;
            for (row, out) in fields.iter().zip(flat.chunks_exact_mut(padded)) {
                let out = &mut out[first..first + PANEL];
                out.copy_from_slice(&row.0);
                if at.beta != 1.0 {
                    let base = at.base.iter().skip(first).copied();
                    for (x, base) in out.iter_mut().zip(base.chain(std::iter::repeat(0.0))) {
                        *x = at.beta * *x + (1.0 - at.beta) * base;
                    }
                }
            }
        }
        let high = words(self.direction.outputs);
        let groups = Groups {
            fields: &mut flat,
            padded,
            outputs: self.direction.outputs,
            states,
            random: self.random,
            out: &mut self.out[..self.rows * high],
        };
        groups.run::<I>();
    }
}

/// Fields into means, in place.
pub(super) struct Means<'a> {
    pub units: Units,
    pub rows: &'a mut [Row],
}

impl Kernel for Means<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self) {
        for row in self.rows {
            let inverse = boltzmann(&row.0, self.units);
            mean(&inverse, self.units, &mut row.0);
        }
    }
}
