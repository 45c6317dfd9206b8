//! Bit-sliced single-spin updates: 512 spins in a word, each with its own random number.

mod blocks;
mod chances;
mod kernel;
mod layout;
mod planes;
mod poisson;
mod rates;
#[cfg(test)]
mod tests;

use super::ensemble::{Counts, MarkovChain, RELIEF, Update};
use super::model::Model;
use super::word::{LANES, LaneWords, Level, dispatch};
use crate::Error;
use chances::Events;
use kadanoff_runtime::Control;
use kadanoff_runtime::random::{Stream, stream};
use kernel::{Measure, Sweep, Words};
use layout::Layout;
use planes::Planes;
use rand::Rng;
use rates::Rates;
use rayon::prelude::*;

/// Words updated between two looks at the control: a millisecond or so.
const WORDS_BETWEEN_CHECKS: u64 = 1 << 14;

/// A layout with given blocks and a given number of stripes.
#[cfg(test)]
pub(super) fn layout(model: &Model, blocks: &[usize], stripes: usize) -> Layout {
    Layout::with(model, blocks, stripes)
}

/// Lanes of a replica at most, where `replicas` share the words.
fn most(replicas: usize) -> usize {
    LANES / replicas.clamp(1, LANES).next_power_of_two()
}

fn all_rates(
    model: &Model,
    layout: &Layout,
    temperature: f64,
    update: Update,
) -> (Rates, Option<Rates>) {
    let rates = |update| Rates::new(model, &layout.patterns, 1.0 / temperature, update);
    let relief = (update == Update::Metropolis).then(|| rates(Update::HeatBath));
    (rates(update), relief)
}

/// Where the random numbers of a stripe come from.
#[derive(Debug, Clone)]
struct Draws {
    planes: Planes,
    /// For the updates, and for the heat bath between them.
    events: [Events; 2],
}

impl Draws {
    fn new(stream: &mut Stream) -> Self {
        Self {
            planes: Planes::new(stream),
            events: [Events::new(), Events::new()],
        }
    }
}

/// One or several replicas of a lattice in one set of words.
#[derive(Debug, Clone)]
pub(super) struct Multispin {
    model: Model,
    update: Update,
    layout: Layout,
    rates: Rates,
    /// Of a heat bath now and then, for Metropolis.
    relief: Option<Rates>,
    sweeps: u64,
    words: Vec<LaneWords>,
    /// One for each stripe.
    draws: Vec<Draws>,
    random: Stream,
    level: Level,
    replicas: usize,
}

impl Multispin {
    /// `replicas` lattices, with all spins up; at most 512 of them.
    pub(super) fn new(
        model: &Model,
        temperature: f64,
        update: Update,
        replicas: usize,
        seed: u64,
        index: u64,
    ) -> Self {
        let layout = Layout::new(model, most(replicas));
        Self::with(model, layout, temperature, update, replicas, (seed, index))
    }

    /// The same with a given layout.
    pub(super) fn with(
        model: &Model,
        layout: Layout,
        temperature: f64,
        update: Update,
        replicas: usize,
        (seed, index): (u64, u64),
    ) -> Self {
        let mut random = stream(seed, index);
        let (rates, relief) = all_rates(model, &layout, temperature, update);
        Self {
            rates,
            relief,
            sweeps: 0,
            words: vec![LaneWords::ONES; layout.words()],
            draws: layout.stripes[1..]
                .iter()
                .map(|_| Draws::new(&mut random))
                .collect(),
            random,
            level: Level::current(),
            model: model.clone(),
            replicas: replicas.min(layout.replicas()),
            update,
            layout,
        }
    }

    /// Chooses the registers; the results do not depend on it.
    #[cfg(test)]
    pub(crate) fn set_level(&mut self, level: Level) {
        self.level = level;
    }

    /// Words that hold `replicas` lattices.
    pub(super) fn words(model: &Model, replicas: usize) -> usize {
        blocks::words(&model.shape, &blocks::blocks(&model.shape, most(replicas)))
    }

    /// Bytes of `replicas` lattices.
    pub(super) fn bytes(model: &Model, replicas: usize) -> usize {
        Self::words(model, replicas) * (size_of::<LaneWords>() + size_of::<layout::Record>())
    }

    /// Updates all stripes: first those of even number side by side, then the others.
    fn sweep(&mut self, relief: bool, sweeps: u64) {
        let rates = match &self.relief {
            Some(rates) if relief => rates,
            _ => &self.rates,
        };
        let (layout, level) = (&self.layout, self.level);
        let words = Words::new(&mut self.words);
        let update = |stripe: usize, draws: &mut Draws, sweeps: u64| {
            let records = &layout.records[layout.stripes[stripe]..layout.stripes[stripe + 1]];
            let work = Sweep {
                layout,
                records,
                rates,
                words,
                planes: &mut draws.planes,
                events: &mut draws.events[usize::from(relief)],
                sweeps,
            };
            dispatch(level, work);
        };
        if let [draws] = &mut self.draws[..] {
            update(0, draws, sweeps);
            return;
        }
        for half in 0..2 * sweeps as usize {
            let first = half % 2;
            let each = |(i, draws): (usize, &mut Draws)| update(first + 2 * i, draws, 1);
            if kadanoff_runtime::threads() > 1 {
                let stripes = self.draws.par_iter_mut().skip(first).step_by(2);
                stripes.enumerate().for_each(each);
            } else {
                let stripes = self.draws.iter_mut().skip(first).step_by(2);
                stripes.enumerate().for_each(each);
            }
        }
    }

    /// One random bit for each replica, spread over its lanes.
    fn by_replica(&mut self, mut bit: impl FnMut(&mut Stream, usize) -> bool) -> LaneWords {
        let lanes = self.layout.lanes;
        let bits: Vec<bool> = (0..self.layout.replicas())
            .map(|r| bit(&mut self.random, r))
            .collect();
        LaneWords::from_fn(|lane| bits[lane / lanes])
    }

    /// Lattices that the words hold, those beyond the requested number included.
    pub(crate) fn all_replicas(&self) -> usize {
        self.layout.replicas()
    }

    /// Exchanges the configurations of the replicas that are marked.
    pub(crate) fn exchange(&mut self, other: &mut Self, marked: &[bool]) {
        let lanes = self.layout.lanes;
        let mask = LaneWords::from_fn(|lane| marked[lane / lanes]);
        for (a, b) in self.words.iter_mut().zip(&mut other.words) {
            for i in 0..8 {
                let differ = (a.0[i] ^ b.0[i]) & mask.0[i];
                a.0[i] ^= differ;
                b.0[i] ^= differ;
            }
        }
    }
}

impl MarkovChain for Multispin {
    fn replicas(&self) -> usize {
        self.replicas
    }

    fn advance(&mut self, sweeps: u64, control: &Control) -> Result<(), Error> {
        let between = (WORDS_BETWEEN_CHECKS / self.words.len() as u64).max(1);
        let mut left = sweeps;
        while left > 0 {
            control.check()?;
            let until = RELIEF - 1 - self.sweeps % RELIEF;
            let (relief, now) = match until {
                _ if self.relief.is_none() => (false, between),
                0 => (true, 1),
                _ => (false, until.min(between)),
            };
            let now = now.min(left);
            self.sweep(relief, now);
            left -= now;
            self.sweeps += now;
            control.tick(now);
        }
        Ok(())
    }

    fn measure(&self) -> Vec<Counts> {
        let found = dispatch(
            self.level,
            Measure {
                layout: &self.layout,
                words: &self.words,
            },
        );
        (0..self.replicas)
            .map(|r| {
                let mut differ = [0; super::model::MAX_DIRECTIONS];
                for (k, counts) in found[1..].iter().enumerate() {
                    differ[k] = counts[r];
                }
                Counts {
                    up: found[0][r],
                    differ,
                }
            })
            .collect()
    }

    fn pack(&self, replica: usize, bits: &mut [u8]) {
        bits.fill(0);
        self.layout.for_each_site(replica, |word, lane, site| {
            bits[site / 8] |= u8::from(self.words[word].get(lane)) << (site % 8);
        });
    }

    fn set(&mut self, replica: usize, up: &[bool]) {
        let words = &mut self.words;
        self.layout.for_each_site(replica, |word, lane, site| {
            words[word].set(lane, up[site]);
        });
    }

    fn set_temperature(&mut self, temperature: f64, field: f64) {
        self.model.field = field;
        (self.rates, self.relief) = all_rates(&self.model, &self.layout, temperature, self.update);
        for events in self.draws.iter_mut().flat_map(|draws| &mut draws.events) {
            events.clear();
        }
    }

    fn randomise(&mut self) {
        for word in &mut self.words {
            for x in &mut word.0 {
                *x = self.random.next_u64();
            }
        }
    }

    fn flip_globally(&mut self) {
        let flip = self.by_replica(|random, _| random.next_u64() >> 63 == 1);
        for word in &mut self.words {
            for (x, f) in word.0.iter_mut().zip(flip.0) {
                *x ^= f;
            }
        }
    }
}
