//! What is done with the 64 rows of a block: the data phase and the negative phase.

use super::State;
use crate::bits::{BLOCK, transpose, words};
use crate::lanes::RandomLanes;
use crate::layer::{Correlate, Layer, PANEL, Table, Tempered, tables};
use crate::units::Units;
use kadanoff_runtime::simd::{Instructions, Kernel, Level, Portable};

/// What the rows of a minibatch add up to, each already divided by their number.
pub(super) struct Sums {
    pub correlations: Vec<f32>, // visible x padded hidden
    pub hidden_gap: Vec<f32>,   // data minus model
    pub hidden_data: Vec<f32>,
    pub visible_gap: Vec<f32>,
    pub visible_data: Vec<f32>,
    pub flips: u64,
}

impl Sums {
    pub(super) fn new(visible: usize, padded: usize) -> Self {
        Self {
            correlations: vec![0.0; visible * padded],
            hidden_gap: vec![0.0; padded],
            hidden_data: vec![0.0; padded],
            visible_gap: vec![0.0; visible],
            visible_data: vec![0.0; visible],
            flips: 0,
        }
    }

    fn arrays(&mut self) -> [&mut Vec<f32>; 5] {
        [
            &mut self.correlations,
            &mut self.hidden_gap,
            &mut self.hidden_data,
            &mut self.visible_gap,
            &mut self.visible_data,
        ]
    }

    pub(super) fn clear(&mut self) {
        self.arrays().into_iter().for_each(|x| x.fill(0.0));
        self.flips = 0;
    }
}

/// Adds the sums of a block to those of the minibatch.
pub(super) struct Add<'a>(pub &'a mut Sums, pub &'a mut Sums);

impl Kernel for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self) {
        let Self(total, own) = self;
        total.flips += own.flips;
        for (to, from) in total.arrays().into_iter().zip(own.arrays()) {
            for (x, y) in to.iter_mut().zip(from.iter()) {
                *x += y;
            }
        }
    }
}

/// One block of 64 rows with all that is computed from it.
pub(super) struct Task {
    pub rows: usize,
    pub visible: Vec<u64>,
    pub hidden: Vec<u64>,
    pub means: Vec<f32>,
    pub columns: Vec<u64>,
    pub before: Vec<u64>,
    pub tables: Vec<Table>,
    pub sums: Sums,
}

pub(super) struct Setting<'a> {
    pub level: Level,
    pub forward: &'a Layer,
    pub backward: &'a Layer,
    pub visible: usize,
    pub units: (Units, Units),
}

impl Task {
    pub(super) fn new(state: &State, padded: usize) -> Self {
        let (wide, high) = (words(state.visible), words(state.hidden));
        Self {
            rows: 0,
            visible: vec![0; BLOCK * wide],
            hidden: vec![0; BLOCK * high],
            means: vec![0.0; BLOCK * padded],
            columns: vec![0; wide * 64],
            before: vec![0; BLOCK * wide],
            tables: tables(),
            sums: Sums::new(state.visible, padded),
        }
    }

    /// Adds `weight` times the sums over the rows at hand.
    #[inline(always)]
    pub(super) fn count(&mut self, with: &Setting<'_>, weight: f32, data: bool) {
        let wide = words(with.visible);
        let padded = with.forward.padded();
        self.means[self.rows * padded..].fill(0.0);
        for w in 0..wide {
            let mut square = [0; 64];
            for (r, word) in square[..self.rows].iter_mut().enumerate() {
                *word = self.visible[r * wide + w];
            }
            transpose(&mut square);
            self.columns[w * 64..(w + 1) * 64].copy_from_slice(&square);
        }
        let columns = &self.columns[..with.visible];
        Correlate {
            columns,
            units: with.units.0,
            means: &self.means,
            padded,
            sign: weight,
            tables: &mut self.tables,
            out: &mut self.sums.correlations,
        }
        .run::<Portable>();
        let (low, span) = (with.units.0.low() as f32, with.units.0.span() as f32);
        for (i, column) in columns.iter().enumerate() {
            let total = low * self.rows as f32 + span * column.count_ones() as f32;
            self.sums.visible_gap[i] += weight * total;
            if data {
                self.sums.visible_data[i] = weight * total;
            }
        }
        let mut sums = [0.0f32; PANEL];
        for first in (0..padded).step_by(PANEL) {
            sums.fill(0.0);
            for row in self.means.chunks_exact(padded) {
                for (sum, x) in sums.iter_mut().zip(&row[first..first + PANEL]) {
                    *sum += x;
                }
            }
            for (c, sum) in sums.iter().enumerate() {
                self.sums.hidden_gap[first + c] += weight * sum;
                if data {
                    self.sums.hidden_data[first + c] = weight * sum;
                }
            }
        }
    }
}

/// Data phase of a block, followed by its negative phase if the chains start at the data.
pub(super) struct DataPhase<'a> {
    pub task: &'a mut Task,
    pub with: &'a Setting<'a>,
    pub weight: f32,
    pub sweeps: usize,
    pub random: Option<RandomLanes>,
}

impl Kernel for DataPhase<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self) {
        let Self {
            task,
            with,
            weight,
            sweeps,
            random,
        } = self;
        let (wide, high) = (words(with.visible), with.backward.words_in());
        let (v, h) = (wide * task.rows, high * task.rows);
        let at = Tempered::ONE;
        let Some(mut random) = random else {
            with.forward
                .means(with.level, &task.visible[..v], at, &mut task.means);
            task.count(with, weight, true);
            return;
        };
        with.forward.sample(
            with.level,
            &task.visible[..v],
            at,
            &mut random,
            &mut task.hidden,
            Some(&mut task.means),
        );
        task.count(with, weight, true);
        task.before.copy_from_slice(&task.visible);
        for sweep in 0..sweeps {
            if sweep > 0 {
                with.forward.sample(
                    with.level,
                    &task.visible[..v],
                    at,
                    &mut random,
                    &mut task.hidden,
                    None,
                );
            }
            with.backward.sample(
                with.level,
                &task.hidden[..h],
                at,
                &mut random,
                &mut task.visible,
                None,
            );
        }
        task.sums.flips = task.before[..v]
            .iter()
            .zip(&task.visible[..v])
            .map(|(x, y)| u64::from((x ^ y).count_ones()))
            .sum();
        with.forward
            .means(with.level, &task.visible[..v], at, &mut task.means);
        task.count(with, -weight, false);
    }
}

/// Sweeps of a block of chains at one temperature; at `weight > 0` they are the negative phase.
pub(super) struct ChainPhase<'a> {
    pub task: &'a mut Task,
    pub with: &'a Setting<'a>,
    pub weight: f32,
    pub sweeps: usize,
    pub beta: f32,
    pub base: &'a [f32],
    pub random: RandomLanes,
}

impl Kernel for ChainPhase<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self) {
        let Self {
            task,
            with,
            weight,
            sweeps,
            beta,
            base,
            mut random,
        } = self;
        let (wide, high) = (words(with.visible), with.backward.words_in());
        let (v, h) = (wide * task.rows, high * task.rows);
        for _ in 0..sweeps {
            let (above, below) = (Tempered { beta, base: &[] }, Tempered { beta, base });
            let input = &task.visible[..v];
            with.forward.sample(
                with.level,
                input,
                above,
                &mut random,
                &mut task.hidden,
                None,
            );
            let input = &task.hidden[..h];
            with.backward.sample(
                with.level,
                input,
                below,
                &mut random,
                &mut task.visible,
                None,
            );
        }
        if weight > 0.0 {
            with.forward.means(
                with.level,
                &task.visible[..v],
                Tempered::ONE,
                &mut task.means,
            );
            task.count(with, -weight, false);
        }
    }
}
