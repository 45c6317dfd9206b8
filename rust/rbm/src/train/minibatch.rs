//! A minibatch: all blocks of rows go through each layer together.

use super::pairs::{Pairs, Phase, Singles, Sums};
use super::product::{Direction, Draw, Fields, Means, Row, with_scratch};
use super::{CHAIN, DATA, Negative, Options};
use crate::bits::{BLOCK, transpose, words};
use crate::lanes::RandomLanes;
use crate::layer::Tempered;
use crate::units::Units;
use kadanoff_runtime::simd::{Level, dispatch};
use kadanoff_runtime::{Cancelled, Control};
use rayon::prelude::*;
use std::ops::Range;

/// Blocks that go through the layers together; one where all tables are kept and nothing is shared
/// among threads, so that everything stays in the first-level cache.
const WAVE: usize = 8;

/// The blocks of a minibatch: first those of the data, then those of the persistent chains, replica
/// by replica.
pub(super) struct Minibatch<'a> {
    pub level: Level,
    pub forward: &'a Direction,
    pub backward: &'a Direction,
    pub units: (Units, Units),
    /// `W` row by row, a and b.
    pub weights: &'a [f32],
    pub a: &'a [f32],
    pub b: &'a [f32],
    pub options: &'a Options,
    pub control: &'a Control,
    /// All samples, and the indices of those at hand.
    pub data: &'a [u64],
    pub picked: &'a [u32],
    /// Inverse temperature of every replica; the last one is the model.
    pub betas: &'a [f32],
    /// Chains of a replica.
    pub chains: usize,
    pub base: &'a [f32],
    /// Random streams of this update begin here.
    pub stream: u64,
    /// Threads to share the work with; 1 for none.
    pub threads: usize,
}

/// Memory for the blocks that go through the layers together.
#[derive(Default)]
pub(super) struct Memory {
    data: Vec<u64>,
    visible: Vec<u64>,
    hidden: Vec<u64>,
    /// Fields, then means, of the hidden units in the data phase, of the visible ones, and of the
    /// hidden ones in the model phase; `[block][panel][row]`.
    above: Vec<Row>,
    below: Vec<Row>,
    again: Vec<Row>,
}

/// A block of 64 rows at most.
struct Block {
    rows: usize,
    random: Option<RandomLanes>,
    beta: f32,
    /// What a row counts in the data phase and in the model phase, 0 for nothing.
    weights: [f32; 2],
    /// Where a persistent chain lies among the words of all chains.
    place: Option<Range<usize>>,
}

/// Does the work for every item, side by side where there are threads.
fn each<T: Send>(threads: usize, items: impl Iterator<Item = T>, work: impl Fn(T) + Sync + Send) {
    if threads > 1 {
        items.collect::<Vec<T>>().into_par_iter().for_each(work);
    } else {
        items.for_each(work);
    }
}

/// Units of the rows of a block, one bit per row.
fn columns(rows: usize, wide: usize, bits: &[u64]) -> Vec<u64> {
    let mut out = Vec::with_capacity(64 * wide);
    for w in 0..wide {
        let mut square = [0; 64];
        for (word, row) in square.iter_mut().zip(bits.chunks_exact(wide)).take(rows) {
            *word = row[w];
        }
        transpose(&mut square);
        out.extend_from_slice(&square);
    }
    out
}

impl Minibatch<'_> {
    fn data_blocks(&self) -> usize {
        self.picked.len().div_ceil(BLOCK)
    }

    fn blocks(&self) -> usize {
        self.data_blocks() + self.betas.len() * self.chains.div_ceil(BLOCK)
    }

    /// Computes all sums; moves the chains on.
    pub(super) fn run(
        &self,
        chains: &mut [u64],
        memory: &mut Memory,
        sums: &mut Sums,
    ) -> Result<(), Cancelled> {
        sums.clear();
        let blocks = self.blocks();
        let kept = self.forward.kept() && self.backward.kept();
        let together = if kept && self.threads == 1 { 1 } else { WAVE };
        for first in (0..blocks).step_by(together) {
            let end = blocks.min(first + together);
            let mut wave: Vec<Block> = (first..end).map(|k| self.block(k)).collect();
            self.load(first, &wave, chains, memory);
            self.advance(&mut wave, memory)?;
            self.add(&wave, memory, sums);
            let wide = words(self.a.len());
            for (block, visible) in wave.iter().zip(memory.visible.chunks(BLOCK * wide)) {
                if let Some(place) = &block.place {
                    chains[place.clone()].copy_from_slice(&visible[..place.len()]);
                }
            }
            self.control.check()?;
        }
        Ok(())
    }

    fn block(&self, index: usize) -> Block {
        let lanes =
            |of: u64, number| RandomLanes::new(self.options.seed ^ of, self.stream | number as u64);
        let Some(chain) = index.checked_sub(self.data_blocks()) else {
            let contrastive = self.options.negative == Negative::Contrastive;
            let weight = 1.0 / self.picked.len() as f32;
            return Block {
                rows: BLOCK.min(self.picked.len() - index * BLOCK),
                random: contrastive.then(|| lanes(DATA, index)),
                beta: 1.0,
                weights: [weight, if contrastive { weight } else { 0.0 }],
                place: None,
            };
        };
        let replica_blocks = self.chains.div_ceil(BLOCK);
        let (replica, block) = (chain / replica_blocks, chain % replica_blocks);
        let first = replica * self.chains + block * BLOCK;
        let rows = BLOCK.min(self.chains - block * BLOCK);
        let wide = words(self.a.len());
        let model = replica + 1 == self.betas.len();
        Block {
            rows,
            random: Some(lanes(CHAIN, chain)),
            beta: self.betas[replica],
            weights: [0.0, if model { 1.0 / self.chains as f32 } else { 0.0 }],
            place: Some(first * wide..(first + rows) * wide),
        }
    }

    /// Visible units of the blocks, and room for everything else.
    fn load(&self, first: usize, wave: &[Block], chains: &[u64], memory: &mut Memory) {
        let (wide, high) = (words(self.a.len()), words(self.b.len()));
        let rows = wave.len() * BLOCK;
        memory.visible.resize(rows * wide, 0);
        memory.hidden.resize(rows * high, 0);
        memory.above.resize(rows * self.forward.panels(), Row::ZERO);
        memory.again.resize(rows * self.forward.panels(), Row::ZERO);
        memory
            .below
            .resize(rows * self.backward.panels(), Row::ZERO);
        for (k, (block, to)) in wave
            .iter()
            .zip(memory.visible.chunks_mut(BLOCK * wide))
            .enumerate()
        {
            if let Some(place) = &block.place {
                to[..place.len()].copy_from_slice(&chains[place.clone()]);
                continue;
            }
            let own = &self.picked[(first + k) * BLOCK..][..block.rows];
            for (row, &sample) in to.chunks_exact_mut(wide).zip(own) {
                let from = sample as usize * wide;
                row.copy_from_slice(&self.data[from..from + wide]);
            }
        }
        memory.data.clone_from(&memory.visible);
    }

    /// The data phase, and the sweeps of the chains.
    fn advance(&self, wave: &mut [Block], memory: &mut Memory) -> Result<(), Cancelled> {
        let of = |wave: &[Block], wanted: fn(&Block) -> bool| -> Vec<usize> {
            let rows = |b: &Block| if wanted(b) { b.rows } else { 0 };
            wave.iter().map(rows).collect()
        };
        let (up, down) = ((self.forward, self.b), (self.backward, self.a));
        let moving = of(wave, |b| b.random.is_some());
        self.fields(up, &memory.visible, &of(wave, |_| true), &mut memory.above);
        self.control.check()?;
        // Blocks that move on take their means on the way.
        let still = of(wave, |b| b.random.is_none());
        let Memory { above, hidden, .. } = memory;
        self.draw(up.0, wave, above, (true, &[]), hidden);
        self.means(&still, above);
        if moving.iter().all(|&rows| rows == 0) {
            return Ok(());
        }
        for sweep in 0..self.options.steps {
            if sweep > 0 {
                self.fields(up, &memory.visible, &moving, &mut memory.again);
                let Memory { again, hidden, .. } = memory;
                self.draw(up.0, wave, again, (false, &[]), hidden);
            }
            self.control.check()?;
            self.fields(down, &memory.hidden, &moving, &mut memory.below);
            let Memory { below, visible, .. } = memory;
            self.draw(down.0, wave, below, (false, self.base), visible);
        }
        let model = of(wave, |b| b.weights[1] > 0.0);
        self.fields(up, &memory.visible, &model, &mut memory.again);
        self.means(&model, &mut memory.again);
        Ok(())
    }

    /// Parts into which work on so many panels and other things is cut.
    fn parts(&self, panels: usize, most: usize) -> usize {
        if self.threads == 1 {
            1
        } else {
            (2 * self.threads).div_ceil(panels).min(most)
        }
    }

    /// Fields of the wanted rows of every block.
    fn fields(&self, to: (&Direction, &[f32]), bits: &[u64], rows: &[usize], out: &mut [Row]) {
        let (direction, bias) = to;
        let wide = bits.len() / rows.len() / BLOCK;
        let panels = direction.panels();
        let together = rows.len().div_ceil(self.parts(panels, rows.len()));
        let mut blocks: Vec<Vec<&mut [Row]>> = (0..panels).map(|_| Vec::new()).collect();
        for (k, block) in out.chunks_exact_mut(BLOCK).enumerate() {
            blocks[k % panels].push(block);
        }
        let tasks = blocks.iter_mut().enumerate().flat_map(|(panel, out)| {
            let bits = bits.chunks(together * BLOCK * wide);
            let parts = out
                .chunks_mut(together)
                .zip(rows.chunks(together))
                .zip(bits);
            parts.map(move |((out, rows), bits)| (panel, out, rows, bits))
        });
        each(self.threads, tasks, |(panel, out, rows, bits)| {
            with_scratch(|scratch| {
                let work = Fields {
                    direction,
                    bias,
                    weights: self.weights,
                    panel,
                    bits,
                    rows,
                    out,
                    tile: &mut scratch.tile,
                };
                dispatch(self.level, work);
            });
        });
    }

    /// Samples of the blocks that move on; of a data phase their means in place of the fields, and
    /// at other temperatures with biases at infinite temperature.
    fn draw(
        &self,
        direction: &Direction,
        wave: &mut [Block],
        fields: &mut [Row],
        (means, base): (bool, &[f32]),
        bits: &mut [u64],
    ) {
        let (each_block, panels) = (bits.len() / wave.len(), direction.panels());
        let own = bits
            .chunks_exact_mut(each_block)
            .zip(fields.chunks_exact_mut(panels * BLOCK));
        let blocks = wave.iter_mut().zip(own);
        each(self.threads, blocks, |(block, (out, fields))| {
            let Some(random) = &mut block.random else {
                return;
            };
            let work = Draw {
                direction,
                fields,
                means,
                rows: block.rows,
                at: Tempered {
                    beta: block.beta,
                    base,
                },
                random,
                out,
            };
            dispatch(self.level, work);
        });
    }

    /// Means of the hidden units of the wanted rows, from their fields.
    fn means(&self, rows: &[usize], fields: &mut [Row]) {
        let panels = self.forward.panels();
        let all = fields.chunks_exact_mut(BLOCK).enumerate();
        let wanted = all.filter(|(k, _)| rows[k / panels] > 0);
        each(self.threads, wanted, |(k, block)| {
            let work = Means {
                units: self.units.1,
                rows: &mut block[..rows[k / panels]],
            };
            dispatch(self.level, work);
        });
    }

    /// Adds what the blocks contribute, in their order.
    fn add(&self, wave: &[Block], memory: &Memory, sums: &mut Sums) {
        let visible = self.a.len();
        let wide = words(visible);
        let panels = self.forward.panels();
        let phase = |k: usize, block: &Block, which: usize| {
            let bits = [&memory.data, &memory.visible][which];
            (block.weights[which] > 0.0)
                .then(|| columns(block.rows, wide, &bits[k * BLOCK * wide..]))
        };
        let columns: Vec<[Option<Vec<u64>>; 2]> = wave
            .iter()
            .enumerate()
            .map(|(k, block)| [phase(k, block, 0), phase(k, block, 1)])
            .collect();
        let blocks: Vec<Vec<Phase<'_>>> = wave
            .iter()
            .zip(&columns)
            .enumerate()
            .map(|(k, (block, both))| {
                let phase = |which: usize| {
                    Some(Phase {
                        means: &[&memory.above, &memory.again][which][k * panels * BLOCK..],
                        rows: block.rows,
                        columns: both[which].as_ref()?,
                        weight: [1.0, -1.0][which] * block.weights[which],
                    })
                };
                [0, 1].into_iter().filter_map(phase).collect()
            })
            .collect();
        let together = visible.div_ceil(self.parts(panels, visible.div_ceil(BLOCK)));
        let all = sums.correlations.chunks_exact_mut(visible).enumerate();
        let tasks = all.flat_map(|(panel, out)| {
            let parts = out.chunks_mut(together).enumerate();
            parts.map(move |(part, out)| (panel, part * together, out))
        });
        each(self.threads, tasks, |(panel, first, out)| {
            with_scratch(|scratch| {
                let work = Pairs {
                    blocks: &blocks,
                    units: self.units.0,
                    panel,
                    first,
                    out,
                    scratch,
                };
                dispatch(self.level, work);
            });
        });
        for (k, (block, phases)) in wave.iter().zip(&blocks).enumerate() {
            let work = Singles {
                phases,
                units: self.units.0,
                panels,
                out: sums,
            };
            dispatch(self.level, work);
            if block.place.is_some() {
                continue;
            }
            if block.random.is_some() {
                let own = k * BLOCK * wide..(k * BLOCK + block.rows) * wide;
                let pairs = memory.data[own.clone()].iter().zip(&memory.visible[own]);
                sums.flips += pairs
                    .map(|(x, y)| u64::from((x ^ y).count_ones()))
                    .sum::<u64>();
            }
            self.control.tick(block.rows as u64);
        }
    }
}

#[cfg(test)]
mod tests;
