//! All chains of a run.

use crate::markov_chain::MarkovChain;
use crate::{Error, Model};
use kadanoff_runtime::Control;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Blocks that a chain runs before the others have their turn.
const ROUND: u64 = 16;

/// How to sample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// Seed of all random numbers.
    pub seed: u64,
    /// Number of independent chains.
    pub chains: usize,
    /// Blocks before anything is measured.
    pub equilibration: u64,
    /// Updates between measurements; 0: as many as there are operators.
    pub updates: usize,
    /// Cells of time in which delta functions are collected.
    pub cells: usize,
    /// Legendre coefficients that are kept for every bin.
    pub orders: usize,
}

impl Options {
    pub(crate) fn check(&self) -> Result<(), Error> {
        let fail = |message: String| Err(Error::Argument(message));
        if self.chains == 0 || self.chains > 4096 {
            return fail(format!("chains must lie in 1 to 4096, got {}", self.chains));
        }
        if self.updates > 1 << 20 {
            return fail(format!(
                "at most 2^20 updates between measurements, got {}",
                self.updates
            ));
        }
        if self.cells < crate::measure::COARSE
            || self.cells > 1 << 20
            || !self.cells.is_multiple_of(crate::measure::COARSE)
        {
            return fail(format!(
                "cells must be a multiple of {} up to 2^20, got {}",
                crate::measure::COARSE,
                self.cells
            ));
        }
        if self.orders < 2 || self.orders > 2048 {
            return fail(format!(
                "2 to 2048 Legendre coefficients, got {}",
                self.orders
            ));
        }
        Ok(())
    }
}

/// A run: the chains, and how they are to go on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Simulation {
    /// What is simulated.
    pub model: Model,
    /// How it is sampled.
    pub options: Options,
    /// All chains.
    pub chains: Vec<MarkovChain>,
    /// Updates between measurements; 0 until the warm-up is done.
    pub updates: usize,
}

impl Simulation {
    /// A run at its start; fails when model or options have no meaning.
    pub fn new(model: Model, options: Options) -> Result<Self, Error> {
        model.check()?;
        options.check()?;
        let chains = (0..options.chains)
            .map(|c| MarkovChain::new(&model, &options, c))
            .collect();
        Ok(Self {
            model,
            options,
            chains,
            updates: 0,
        })
    }

    /// A number that two runs share if one can be the continuation of the other.
    pub fn fingerprint(&self) -> u64 {
        crate::storage::digest(&crate::storage::encoded(&(&self.model, &self.options)))
    }

    /// Blocks of measurements that every chain has, at least.
    pub fn measured(&self) -> u64 {
        let warm = self.options.equilibration;
        self.chains
            .iter()
            .map(|c| c.blocks.saturating_sub(warm))
            .min()
            .unwrap_or(0)
    }

    /// Runs every chain, on the threads of the current pool, until it has `blocks` blocks of
    /// measurements in all; the warm-up first. Returns whether it got there: a cancelled run stops
    /// between two blocks and can be taken up again, to the same bits.
    pub fn advance(&mut self, blocks: u64, control: &Control) -> Result<bool, Error> {
        let (model, options) = (&self.model, &self.options);
        let (warm, until) = (options.equilibration, options.equilibration + blocks);
        let missing: u64 = self
            .chains
            .iter()
            .map(|c| until.saturating_sub(c.blocks))
            .sum();
        control.add_total(missing);
        let run = |chain: &mut MarkovChain, until: u64, updates: usize| -> Result<bool, Error> {
            while chain.blocks < until {
                if control.is_cancelled() {
                    return Ok(false);
                }
                if updates == 0 {
                    chain.warm_up(model, options)?;
                } else {
                    chain.measure(model, options, updates)?;
                }
                control.tick(1);
            }
            Ok(true)
        };
        if self.updates == 0 {
            let done: Result<Vec<bool>, Error> = self
                .chains
                .par_iter_mut()
                .map(|chain| run(chain, warm, 0))
                .collect();
            if !done?.into_iter().all(|d| d) {
                return Ok(false);
            }
            let order =
                self.chains.iter().map(|c| c.warm_order).sum::<f64>() / self.chains.len() as f64;
            self.updates = match options.updates {
                0 => (2.0 * order).ceil().max(8.0) as usize,
                given => given,
            };
        }
        let updates = self.updates;
        // In rounds, so that a run that is stopped has something of every chain.
        let mut round = self.chains.iter().map(|c| c.blocks).min().unwrap_or(until);
        while round < until {
            round = until.min(round + ROUND);
            let done: Result<Vec<bool>, Error> = self
                .chains
                .par_iter_mut()
                .map(|chain| run(chain, round, updates))
                .collect();
            if !done?.into_iter().all(|d| d) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
