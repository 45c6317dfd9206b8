//! Independent replicas of one model, side by side on threads.

use super::chain::{Chain, Shared};
use super::model::{Model, Update};
use crate::Error;
use kadanoff_runtime::{Clock, Control};
use rayon::prelude::*;
use std::sync::Arc;
use std::time::Duration;

/// Time between two moments at which all chains have measured equally often, half of it.
const SLICE: Duration = Duration::from_millis(25);

/// Energies and configurations at equal distances in time, replica by replica.
#[derive(Debug, Clone, Default)]
pub struct Measured {
    /// Measurements of each replica; fewer than asked for after a cancellation.
    pub times: usize,
    /// Total energies.
    pub energy: Vec<f64>,
    /// Sites of each colour.
    pub counts: Vec<u32>,
    /// Colours of all sites, if they were wanted.
    pub colours: Vec<u8>,
}

/// Replicas of one model at one temperature.
///
/// ```
/// use kadanoff_lattice::bonds::{Ensemble, Model, Update};
/// use kadanoff_runtime::Control;
///
/// let model = Model {
///     sites: 4,
///     colours: 3,
///     bonds: vec![[0, 1], [1, 2], [2, 3], [3, 0]],
///     couplings: vec![1.0],
///     field: 0.0,
/// };
/// let mut ensemble = Ensemble::new(model, 0.5, Update::SwendsenWang, 2, 1)?;
/// let control = Control::new();
/// ensemble.randomise();
/// ensemble.advance(10, &control)?;
/// let found = ensemble.measure(5, 2, true, &control);
/// assert_eq!((found.times, found.energy.len(), found.counts.len()), (5, 10, 30));
/// ensemble.set_all(&[2; 4])?;
/// assert_eq!((ensemble.replicas(), ensemble.visited()), (2, 2 * 4 * (10 + 10)));
/// # Ok::<(), kadanoff_lattice::Error>(())
/// ```
pub struct Ensemble {
    shared: Arc<Shared>,
    chains: Vec<Chain>,
}

impl Ensemble {
    /// `replicas` configurations with all sites in the last colour.
    pub fn new(
        model: Model,
        temperature: f64,
        update: Update,
        replicas: usize,
        seed: u64,
    ) -> Result<Self, Error> {
        model.check(update)?;
        if !(1e-100..=1e100).contains(&temperature) {
            return Err(Error::Argument(format!(
                "temperature T must be positive (1e-100 to 1e100), got {temperature}"
            )));
        }
        if replicas == 0 {
            return Err(Error::Argument("replicas must be at least 1".into()));
        }
        let shared = Arc::new(Shared::new(model, temperature, update));
        let chains = (0..replicas as u64)
            .map(|index| Chain::new(&shared, seed, index))
            .collect();
        Ok(Self { shared, chains })
    }

    /// Number of configurations.
    pub fn replicas(&self) -> usize {
        self.chains.len()
    }

    /// Sites that clusters or sweeps have visited so far, in all replicas.
    pub fn visited(&self) -> u64 {
        self.chains.iter().map(|c| c.visited).sum()
    }

    /// Independent colours everywhere; on the calling thread alone.
    pub fn randomise(&mut self) {
        self.chains.iter_mut().for_each(Chain::randomise);
    }

    /// The same configuration in all replicas; on the calling thread alone.
    pub fn set_all(&mut self, colours: &[u8]) -> Result<(), Error> {
        let model = &self.shared.model;
        if colours.len() != model.sites || colours.iter().any(|&s| usize::from(s) >= model.colours)
        {
            return Err(Error::Argument(format!(
                "a configuration has {} sites of colours below {}",
                model.sites, model.colours
            )));
        }
        for chain in &mut self.chains {
            chain.colours.copy_from_slice(colours);
        }
        Ok(())
    }

    /// Sweeps or clusters in every replica, without measuring.
    pub fn advance(&mut self, steps: u64, control: &Control) -> Result<(), Error> {
        control.add_total(steps.saturating_mul(self.chains.len() as u64));
        if let [chain] = &mut self.chains[..] {
            return chain.advance(steps, control);
        }
        self.chains
            .par_iter_mut()
            .try_for_each(|c| c.advance(steps, control))
    }

    /// `times` measurements of every replica, `spacing` sweeps or clusters apart.
    ///
    /// The number of steps between two measurements is fixed: it must not depend on what happens
    /// in them. Without field the colours are permuted at random before each of them, an exact
    /// symmetry. A cancellation leaves what all replicas have measured until then.
    pub fn measure(
        &mut self,
        times: usize,
        spacing: u64,
        configurations: bool,
        control: &Control,
    ) -> Measured {
        let steps = (times as u64).saturating_mul(spacing);
        control.add_total(steps.saturating_mul(self.chains.len() as u64));
        let model = &self.shared.model;
        let q = model.colours;
        let bytes = if configurations { model.sites } else { 0 };
        let mut tasks: Vec<(&mut Chain, Measured)> = self
            .chains
            .iter_mut()
            .map(|chain| {
                let room = Measured {
                    times,
                    energy: Vec::with_capacity(times),
                    counts: Vec::with_capacity(times * q),
                    colours: Vec::with_capacity(times * bytes),
                };
                (chain, room)
            })
            .collect();
        // All chains advance together, a slice of time after the other: a cancellation finds them
        // at nearly the same place. Slices grow until one takes about a twentieth of a second.
        let (mut finished, mut slice) = (0, 1);
        while finished < times {
            let end = times.min(finished + slice);
            let started = Clock::start();
            let reached = tasks
                .par_iter_mut()
                .map(|(chain, found)| {
                    for t in finished..end {
                        if chain.advance(spacing, control).is_err() {
                            return t;
                        }
                        if model.field == 0.0 {
                            chain.permute();
                        }
                        found.energy.push(model.energy(&chain.colours));
                        let mut counts = [0u32; 256];
                        for &s in &chain.colours {
                            counts[usize::from(s)] += 1;
                        }
                        found.counts.extend_from_slice(&counts[..q]);
                        if bytes > 0 {
                            found.colours.extend_from_slice(&chain.colours);
                        }
                    }
                    end
                })
                .min()
                .unwrap_or(end);
            finished = reached;
            if reached < end {
                break;
            }
            if started.elapsed() < SLICE {
                slice *= 2;
            }
        }
        let mut all = Measured {
            times: finished,
            ..Measured::default()
        };
        for (_, found) in &tasks {
            all.energy.extend_from_slice(&found.energy[..finished]);
            all.counts.extend_from_slice(&found.counts[..finished * q]);
            all.colours
                .extend_from_slice(&found.colours[..finished * bytes]);
        }
        all
    }
}
