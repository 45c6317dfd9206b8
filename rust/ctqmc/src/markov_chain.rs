//! One Markov chain: blocks of sweeps, each from a stream of random numbers of its own.
//!
//! A block ends with freshly inverted matrices, and the next one draws from the stream (seed, chain,
//! block): what follows is determined by the times of the operators alone, and that is all of a
//! configuration that a checkpoint stores.

use crate::bins::{Bin, BinningLevels};
use crate::measure::Accumulator;
use crate::moves::Configuration;
use crate::simulation::{Options, updates_of};
use crate::{Error, Model};
use kadanoff_runtime::random::{self, Stream};
use kadanoff_runtime::simd::{Instructions, Kernel, Level, dispatch};
use serde::{Deserialize, Serialize};

/// Bins of a chain never exceed this number: then neighbours are joined.
pub(crate) const MAX_BINS: usize = 64;
/// Sweeps in a block: short enough for the stop button.
pub const BLOCK: usize = 256;
/// Updates between two inversions of the matrices from scratch, about.
const TRUST: usize = 4096;

/// A chain and everything that it has measured.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct MarkovChain {
    /// Index of the chain: its streams of random numbers.
    pub index: usize,
    /// The configuration.
    pub now: Configuration,
    /// Blocks done, warm-up included.
    pub blocks: u64,
    /// Mean order in the last block of the warm-up.
    pub warm_order: f64,
    /// Sums of the open bin.
    pub sums: Accumulator,
    /// Bins that are full.
    pub bins: Vec<Bin>,
    /// Blocks that make a bin.
    pub bin_blocks: u64,
    /// Blocks that the open bin already has.
    pub open_blocks: u64,
    /// Averages for the autocorrelation.
    pub levels: BinningLevels,
    /// Measurements by the order of a flavour.
    pub histogram: Vec<u64>,
    /// Largest relative deviation of an updated inverse from a fresh one.
    pub drift: f64,
    /// Updates done.
    pub updates: u64,
}

/// The leaf loop: updates, and measurements if wanted.
struct Block<'a> {
    chain: &'a mut MarkovChain,
    model: &'a Model,
    random: Stream,
    updates: usize,
    measure: bool,
}

impl Kernel for Block<'_> {
    type Output = Option<f64>;

    #[inline(always)]
    fn run<I: Instructions>(mut self) -> Option<f64> {
        let MarkovChain {
            now,
            sums,
            levels,
            histogram,
            drift,
            updates,
            ..
        } = self.chain;
        let mut order = 0;
        let renewals = (TRUST / self.updates).max(1);
        let differ = now.flavours.len() == 2 && self.model.groups() == 2;
        for sweep in 0..BLOCK {
            for _ in 0..self.updates {
                now.update(self.model, &mut self.random);
            }
            if differ {
                now.exchange(self.model, &mut self.random)?;
            } else if now.flavours.len() > 2 {
                now.permute(self.model, &mut self.random)?;
            }
            *updates += self.updates as u64;
            order += now.order();
            if self.measure {
                levels.add(sums.add(self.model, now)?);
                for flavour in &now.flavours {
                    histogram[flavour.k] += 1;
                }
            }
            if (sweep + 1) % renewals == 0 || sweep + 1 == BLOCK {
                for (a, flavour) in now.flavours.iter_mut().enumerate() {
                    *drift = drift.max(flavour.renew(self.model.table(a))?);
                }
                now.refresh_common();
            }
        }
        Some(order as f64 / BLOCK as f64)
    }
}

impl MarkovChain {
    /// A chain at its start.
    pub(crate) fn new(model: &Model, options: &Options, index: usize) -> Self {
        // Chains begin at different lines, full or empty.
        let filled = random::mix(options.seed ^ random::mix(index as u64));
        Self {
            index,
            now: Configuration::new(model, filled),
            blocks: 0,
            warm_order: 0.0,
            sums: Accumulator::new(options.cells, model.groups()),
            bins: Vec::new(),
            bin_blocks: 1,
            open_blocks: 0,
            levels: BinningLevels::default(),
            histogram: vec![0; crate::flavour::MAX_SEGMENTS + 1],
            drift: 0.0,
            updates: 0,
        }
    }

    fn numerical(&self, message: &str) -> Error {
        Error::Numerical {
            chain: self.index,
            message: message.into(),
        }
    }

    /// `BLOCK` sweeps of `updates` updates, each followed by a measurement.
    fn block(
        &mut self,
        model: &Model,
        seed: u64,
        updates: usize,
        measure: bool,
    ) -> Result<f64, Error> {
        let singular = "a hybridisation matrix is singular; is Delta(tau) smooth and causal?";
        self.now.sign = 1.0;
        for a in 0..self.now.flavours.len() {
            let sign = self.now.flavours[a].sign(model.table(a));
            self.now.sign *= sign.ok_or_else(|| self.numerical(singular))?;
        }
        self.now.refresh_common();
        let random = random::stream(
            random::mix(seed).wrapping_add(self.index as u64),
            self.blocks,
        );
        let work = Block {
            chain: self,
            model,
            random,
            updates,
            measure,
        };
        let order = dispatch(Level::current(), work);
        self.blocks += 1;
        if self.now.overflow {
            return Err(self.numerical(&format!(
                "more than {} segments of a flavour; the temperature is too low for this \
                 hybridisation",
                crate::flavour::MAX_SEGMENTS
            )));
        }
        order.ok_or_else(|| self.numerical(singular))
    }

    /// A block of warm-up: of as many updates as a block of measurements by default.
    pub(crate) fn warm_up(&mut self, model: &Model, options: &Options) -> Result<(), Error> {
        let updates = updates_of(self.now.order() as f64);
        self.warm_order = self.block(model, options.seed, updates, false)?;
        Ok(())
    }

    /// A block of measurements.
    pub(crate) fn measure(
        &mut self,
        model: &Model,
        options: &Options,
        updates: usize,
    ) -> Result<(), Error> {
        self.block(model, options.seed, updates, true)?;
        self.open_blocks += 1;
        if self.open_blocks == self.bin_blocks {
            self.bins
                .push(Bin::of(&self.sums, model.beta, options.orders));
            self.sums.clear();
            self.open_blocks = 0;
            if self.bins.len() == MAX_BINS {
                self.bin_blocks *= 2;
                let old = std::mem::take(&mut self.bins);
                self.bins.reserve(MAX_BINS);
                for pair in old.chunks_exact(2) {
                    let mut joined = pair[0].clone();
                    joined.join(&pair[1]);
                    self.bins.push(joined);
                }
            }
        }
        Ok(())
    }

    /// All bins, the open one included.
    pub(crate) fn all_bins(&self, beta: f64, orders: usize) -> Vec<Bin> {
        let mut out = self.bins.clone();
        if self.open_blocks > 0 {
            out.push(Bin::of(&self.sums, beta, orders));
        }
        out
    }
}
