//! A minibatch, block by block.

use super::block::{ChainPhase, DataPhase, Setting, Task};
use super::{CHAIN, DATA, Negative, Options};
use crate::bits::{BLOCK, words};
use crate::lanes::RandomLanes;
use kadanoff_runtime::Control;
use kadanoff_runtime::simd::dispatch;
use std::ops::Range;

/// The blocks of a minibatch: first those of the data, then those of the persistent chains, replica
/// by replica.
pub(crate) struct Minibatch<'a> {
    pub with: Setting<'a>,
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
}

impl Minibatch<'_> {
    pub(crate) fn data_blocks(&self) -> usize {
        self.picked.len().div_ceil(BLOCK)
    }

    pub(crate) fn blocks(&self) -> usize {
        self.data_blocks() + self.betas.len() * self.chains.div_ceil(BLOCK)
    }

    /// The replica of a block of chains, and where it lies among the words of all chains.
    pub(crate) fn place(&self, block: usize) -> (usize, Range<usize>) {
        let chain_blocks = self.chains.div_ceil(BLOCK);
        let (replica, block) = (block / chain_blocks, block % chain_blocks);
        let first = replica * self.chains + block * BLOCK;
        let rows = BLOCK.min(self.chains - block * BLOCK);
        let wide = words(self.with.visible);
        (replica, first * wide..(first + rows) * wide)
    }

    /// Computes a block into `task`, unless a stop was requested.
    pub(crate) fn compute(&self, index: usize, chains: &[u64], task: &mut Task) {
        if self.control.is_cancelled() {
            return;
        }
        task.sums.clear();
        match index.checked_sub(self.data_blocks()) {
            Some(chain) => self.chain_phase(chain, chains, task),
            None => self.data_phase(index, task),
        }
    }

    fn data_phase(&self, index: usize, task: &mut Task) {
        let wide = words(self.with.visible);
        let own = &self.picked[index * BLOCK..self.picked.len().min((index + 1) * BLOCK)];
        task.rows = own.len();
        for (row, &sample) in task.visible.chunks_exact_mut(wide).zip(own) {
            let from = sample as usize * wide;
            row.copy_from_slice(&self.data[from..from + wide]);
        }
        let contrastive = self.options.negative == Negative::Contrastive;
        let phase = DataPhase {
            task,
            with: &self.with,
            weight: 1.0 / self.picked.len() as f32,
            sweeps: self.options.steps,
            random: contrastive
                .then(|| RandomLanes::new(self.options.seed ^ DATA, self.stream | index as u64)),
        };
        dispatch(self.with.level, phase);
        self.control.tick(own.len() as u64);
    }

    fn chain_phase(&self, block: usize, chains: &[u64], task: &mut Task) {
        let (replica, at) = self.place(block);
        task.rows = at.len() / words(self.with.visible);
        task.visible[..at.len()].copy_from_slice(&chains[at]);
        let model = replica + 1 == self.betas.len();
        let phase = ChainPhase {
            task,
            with: &self.with,
            weight: if model { 1.0 / self.chains as f32 } else { 0.0 },
            sweeps: self.options.steps,
            beta: self.betas[replica],
            base: self.base,
            random: RandomLanes::new(self.options.seed ^ CHAIN, self.stream | block as u64),
        };
        dispatch(self.with.level, phase);
    }
}
