//! Single-spin updates one after the other: every model, any size.
//!
//! The probability of pointing up is looked up by the neighbours' spins, and the own one for
//! Metropolis. A hundred times slower than [`super::multispin`]; it serves lattices that cannot
//! be dealt out to many lanes, and tests the other.

use super::ensemble::{Counts, MarkovChain, RELIEF, Update};
use super::graph::{Graph, pack};
use super::model::{Model, checkerboard, logistic, metropolis, threshold};
use crate::Error;
use kadanoff_runtime::Control;
use kadanoff_runtime::random::{Stream, stream};
use rand::Rng;

/// Sites updated between two looks at the control.
const BETWEEN_CHECKS: u64 = 1 << 18;

/// One lattice, a byte per site.
#[derive(Debug, Clone)]
pub(super) struct Sequential {
    model: Model,
    update: Update,
    graph: Graph,
    order: Vec<u32>,
    /// Which row of the table a site looks into.
    kind: Vec<u8>,
    /// `P(up)` in units of 2^-64, by the bits of the neighbours and the own spin.
    table: Vec<[u64; 128]>,
    /// The same for a heat bath.
    relief: Vec<[u64; 128]>,
    sweeps: u64,
    kinds: Vec<u8>,
    spins: Vec<u8>,
    random: Stream,
}

impl Sequential {
    /// All spins up.
    pub(super) fn new(
        model: &Model,
        temperature: f64,
        update: Update,
        seed: u64,
        index: u64,
    ) -> Self {
        let graph = Graph::new(model);
        let mut kinds: Vec<u8> = Vec::new();
        let kind = (0..graph.sites)
            .map(|i| {
                let present = graph
                    .of(i)
                    .iter()
                    .enumerate()
                    .filter(|&(_, &n)| (n as usize) < graph.sites)
                    .fold(0u8, |set, (slot, _)| set | 1 << slot);
                let known = kinds.iter().position(|&k| k == present);
                known.unwrap_or_else(|| {
                    kinds.push(present);
                    kinds.len() - 1
                }) as u8
            })
            .collect();
        let mut spins = vec![1; graph.sites + 1];
        spins[graph.sites] = 0;
        let mut made = Self {
            model: model.clone(),
            update,
            order: checkerboard(&model.shape),
            kind,
            table: Vec::new(),
            relief: Vec::new(),
            sweeps: 0,
            kinds,
            spins,
            random: stream(seed, index),
            graph,
        };
        made.set_temperature(temperature, model.field);
        made
    }

    fn row(&self, beta: f64, update: Update, present: u8) -> [u64; 128] {
        let slots = self.graph.slots;
        std::array::from_fn(|index| {
            let directions = slots / 2;
            let mut up = vec![0; directions];
            let mut there = vec![0; directions];
            for slot in (0..slots).filter(|s| present >> s & 1 == 1) {
                up[slot / 2] += (index >> slot & 1) as u32;
                there[slot / 2] += 1;
            }
            let x = self.model.local_energy(beta, &up, &there);
            let p = match (update, index >> slots & 1) {
                (Update::Metropolis, 1) => 1.0 - metropolis(x),
                (Update::Metropolis, _) => metropolis(-x),
                _ => logistic(x),
            };
            // u < 2^64 always; the largest threshold misses certainty by 2^-64.
            threshold(p).unwrap_or(u64::MAX)
        })
    }

    fn sweep(&mut self) {
        let slots = self.graph.slots;
        self.sweeps += 1;
        let table = if self.sweeps.is_multiple_of(RELIEF) {
            &self.relief
        } else {
            &self.table
        };
        for &site in &self.order {
            let site = site as usize;
            let near = &self.graph.near[site * slots..][..slots];
            let mut index = usize::from(self.spins[site]) << slots;
            for (slot, &n) in near.iter().enumerate() {
                index |= usize::from(self.spins[n as usize]) << slot;
            }
            let p = table[self.kind[site] as usize][index % 128];
            self.spins[site] = u8::from(self.random.next_u64() < p);
        }
    }
}

impl MarkovChain for Sequential {
    fn replicas(&self) -> usize {
        1
    }

    fn advance(&mut self, sweeps: u64, control: &Control) -> Result<(), Error> {
        let between = (BETWEEN_CHECKS / self.graph.sites as u64).max(1);
        for sweep in 0..sweeps {
            if sweep % between == 0 {
                control.check()?;
            }
            self.sweep();
            control.tick(1);
        }
        Ok(())
    }

    fn measure(&self) -> Vec<Counts> {
        vec![self.graph.counts(&self.spins)]
    }

    fn pack(&self, _: usize, bits: &mut [u8]) {
        pack(&self.spins[..self.graph.sites], bits);
    }

    fn set(&mut self, _: usize, up: &[bool]) {
        for (s, &u) in self.spins.iter_mut().zip(up) {
            *s = u8::from(u);
        }
    }

    fn set_temperature(&mut self, temperature: f64, field: f64) {
        self.model.field = field;
        let table = |update| {
            self.kinds
                .iter()
                .map(|&present| self.row(1.0 / temperature, update, present))
                .collect()
        };
        (self.table, self.relief) = (table(self.update), table(Update::HeatBath));
    }

    fn randomise(&mut self) {
        let sites = self.graph.sites;
        for s in &mut self.spins[..sites] {
            *s = (self.random.next_u64() >> 63) as u8;
        }
    }

    fn flip_globally(&mut self) {
        let flip = (self.random.next_u64() >> 63) as u8;
        let sites = self.graph.sites;
        for s in &mut self.spins[..sites] {
            *s ^= flip;
        }
    }
}
