//! All chains of a run.

use crate::bins::{Bin, Level};
use crate::flavour::MAX_SEGMENTS;
use crate::markov_chain::MarkovChain;
use crate::moves::Moves;
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
    /// Updates between measurements; 0: twice the number of operators, at least 16.
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
    pub(crate) model: Model,
    /// How it is sampled.
    pub(crate) options: Options,
    /// All chains.
    pub(crate) chains: Vec<MarkovChain>,
    /// Updates between measurements; 0 until the warm-up is done.
    pub updates: usize,
}

/// What the chains of a run have measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Results {
    /// Every bin, with the index of its chain.
    pub bins: Vec<(usize, Bin)>,
    /// Measurements by the order of a flavour, up to the highest that was seen.
    pub histogram: Vec<u64>,
    /// Averages over 1, 2, 4, ... measurements, for every chain.
    pub levels: Vec<Vec<Level>>,
    /// Largest relative deviation of an updated inverse from a fresh one.
    pub drift: f64,
    /// Updates done.
    pub updates: u64,
    /// Moves of all chains.
    pub moves: Moves,
}

impl Simulation {
    /// A run at its start; fails when model or options have no meaning.
    ///
    /// ```
    /// use kadanoff_ctqmc::{Model, Options, Simulation, Table};
    /// use kadanoff_runtime::Control;
    ///
    /// // A bath level at the chemical potential: F does not depend on time.
    /// let model = Model::anderson(2.0, -1.0, Table::of(5.0, 1e-10, |_| 0.1)?);
    /// let options = Options {
    ///     seed: 1,
    ///     chains: 2,
    ///     equilibration: 1,
    ///     updates: 0,
    ///     cells: 128,
    ///     orders: 10,
    /// };
    /// let mut run = Simulation::new(model, options)?;
    /// run.advance(20, &Control::new())?;
    /// // Half filling: one electron, within the statistical error.
    /// let bins = run.results().bins;
    /// let count: f64 = bins.iter().map(|(_, bin)| bin.scalars.count).sum();
    /// let density: f64 = bins.iter().map(|(_, bin)| bin.scalars.density).sum();
    /// assert!((density / count - 1.0).abs() < 0.1);
    /// # Ok::<(), kadanoff_ctqmc::Error>(())
    /// ```
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

    /// Legendre coefficients of every bin.
    ///
    /// ```
    /// # use kadanoff_ctqmc::{Model, Options, Simulation, Table};
    /// # use kadanoff_runtime::Control;
    /// # let model = Model::anderson(2.0, -1.0, Table::of(5.0, 1e-10, |_| 0.1)?);
    /// # let options = Options {
    /// #     seed: 1,
    /// #     chains: 2,
    /// #     equilibration: 1,
    /// #     updates: 0,
    /// #     cells: 128,
    /// #     orders: 10,
    /// # };
    /// # let mut run = Simulation::new(model, options)?;
    /// assert_eq!(run.orders(), 10);
    /// # Ok::<(), kadanoff_ctqmc::Error>(())
    /// ```
    pub fn orders(&self) -> usize {
        self.options.orders
    }

    /// Groups of flavours that are measured apart, see [`Model::groups`].
    ///
    /// ```
    /// # use kadanoff_ctqmc::{Model, Options, Simulation, Table};
    /// # let model = Model::anderson(2.0, -1.0, Table::of(5.0, 1e-10, |_| 0.1)?);
    /// # let options = Options {
    /// #     seed: 1,
    /// #     chains: 2,
    /// #     equilibration: 1,
    /// #     updates: 0,
    /// #     cells: 128,
    /// #     orders: 10,
    /// # };
    /// assert_eq!(Simulation::new(model, options)?.groups(), 1);
    /// # Ok::<(), kadanoff_ctqmc::Error>(())
    /// ```
    pub fn groups(&self) -> usize {
        self.model.groups()
    }

    /// Whether flavours exchange their operators, once per sweep.
    ///
    /// ```
    /// # use kadanoff_ctqmc::{Model, Options, Simulation, Table};
    /// # let model = Model::anderson(2.0, -1.0, Table::of(5.0, 1e-10, |_| 0.1)?);
    /// # let options = Options {
    /// #     seed: 1,
    /// #     chains: 2,
    /// #     equilibration: 1,
    /// #     updates: 0,
    /// #     cells: 128,
    /// #     orders: 10,
    /// # };
    /// assert!(!Simulation::new(model, options)?.exchanges());
    /// # Ok::<(), kadanoff_ctqmc::Error>(())
    /// ```
    pub fn exchanges(&self) -> bool {
        self.model.flavours() > 2 || self.model.groups() == 2
    }

    /// A number that two runs share if one can be the continuation of the other.
    ///
    /// ```
    /// # use kadanoff_ctqmc::{Model, Options, Simulation, Table};
    /// # use kadanoff_runtime::Control;
    /// # let model = Model::anderson(2.0, -1.0, Table::of(5.0, 1e-10, |_| 0.1)?);
    /// # let options = Options {
    /// #     seed: 1,
    /// #     chains: 2,
    /// #     equilibration: 1,
    /// #     updates: 0,
    /// #     cells: 128,
    /// #     orders: 10,
    /// # };
    /// # let mut run = Simulation::new(model, options)?;
    /// let before = run.fingerprint();
    /// run.advance(1, &Control::new())?;
    /// assert_eq!(run.fingerprint(), before);
    /// # Ok::<(), kadanoff_ctqmc::Error>(())
    /// ```
    pub fn fingerprint(&self) -> u64 {
        crate::storage::digest(&crate::storage::encoded(&(&self.model, &self.options)))
    }

    /// Blocks of measurements that every chain has, at least.
    ///
    /// ```
    /// # use kadanoff_ctqmc::{Model, Options, Simulation, Table};
    /// # use kadanoff_runtime::Control;
    /// # let model = Model::anderson(2.0, -1.0, Table::of(5.0, 1e-10, |_| 0.1)?);
    /// # let options = Options {
    /// #     seed: 1,
    /// #     chains: 2,
    /// #     equilibration: 1,
    /// #     updates: 0,
    /// #     cells: 128,
    /// #     orders: 10,
    /// # };
    /// # let mut run = Simulation::new(model, options)?;
    /// assert_eq!(run.measured(), 0);
    /// run.advance(3, &Control::new())?;
    /// assert_eq!(run.measured(), 3);
    /// # Ok::<(), kadanoff_ctqmc::Error>(())
    /// ```
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
    ///
    /// ```
    /// # use kadanoff_ctqmc::{Model, Options, Simulation, Table};
    /// # use kadanoff_runtime::Control;
    /// # let model = Model::anderson(2.0, -1.0, Table::of(5.0, 1e-10, |_| 0.1)?);
    /// # let options = Options {
    /// #     seed: 1,
    /// #     chains: 2,
    /// #     equilibration: 1,
    /// #     updates: 0,
    /// #     cells: 128,
    /// #     orders: 10,
    /// # };
    /// # let mut run = Simulation::new(model, options)?;
    /// let stopped = Control::new();
    /// stopped.cancel();
    /// assert!(!run.advance(2, &stopped)?);
    /// assert!(run.advance(2, &Control::new())?);
    /// # Ok::<(), kadanoff_ctqmc::Error>(())
    /// ```
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
                0 => updates_of(order),
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

    /// What has been measured so far, open bins included.
    ///
    /// ```
    /// # use kadanoff_ctqmc::{Model, Options, Simulation, Table};
    /// # use kadanoff_runtime::Control;
    /// # let model = Model::anderson(2.0, -1.0, Table::of(5.0, 1e-10, |_| 0.1)?);
    /// # let options = Options {
    /// #     seed: 1,
    /// #     chains: 2,
    /// #     equilibration: 1,
    /// #     updates: 0,
    /// #     cells: 128,
    /// #     orders: 10,
    /// # };
    /// # let mut run = Simulation::new(model, options)?;
    /// run.advance(3, &Control::new())?;
    /// let results = run.results();
    /// // One bin per block so far.
    /// assert_eq!(results.bins.len(), 6);
    /// assert!(results.moves.proposed[0] >= results.moves.accepted[0]);
    /// # Ok::<(), kadanoff_ctqmc::Error>(())
    /// ```
    pub fn results(&self) -> Results {
        let chains = &self.chains;
        let mut histogram = vec![0; MAX_SEGMENTS + 1];
        let mut moves = Moves::default();
        for chain in chains {
            add(&mut histogram, &chain.histogram);
            add(&mut moves.proposed, &chain.now.moves.proposed);
            add(&mut moves.accepted, &chain.now.moves.accepted);
        }
        let orders = histogram.iter().rposition(|&h| h > 0).unwrap_or(0) + 1;
        histogram.truncate(orders);
        Results {
            bins: chains
                .iter()
                .flat_map(|c| {
                    let bins = c.all_bins(self.model.beta, self.options.orders);
                    bins.into_iter().map(|bin| (c.index, bin))
                })
                .collect(),
            histogram,
            levels: chains.iter().map(|c| c.levels.levels.clone()).collect(),
            drift: chains.iter().fold(0.0, |m, c| m.max(c.drift)),
            updates: chains.iter().map(|c| c.updates).sum(),
            moves,
        }
    }
}

/// Updates of a sweep at this mean order: twice the number of operators, and no fewer than 16. The
/// estimators remember some hundred updates, and a measurement costs as much as ten.
pub(crate) fn updates_of(order: f64) -> usize {
    (4.0 * order).ceil().max(16.0) as usize
}

fn add(sums: &mut [u64], counts: &[u64]) {
    for (sum, count) in sums.iter_mut().zip(counts) {
        *sum += count;
    }
}
