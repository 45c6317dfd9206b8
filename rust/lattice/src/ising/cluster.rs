//! Cluster updates: bonds join satisfied neighbours with probability `1 - exp(-2 beta |J|)`.
//!
//! U. Wolff, Phys. Rev. Lett. 62, 361 (1989), doi:10.1103/PhysRevLett.62.361;
//! R. H. Swendsen, J.-S. Wang, Phys. Rev. Lett. 58, 86 (1987), doi:10.1103/PhysRevLett.58.86.
//! Couplings may have any sign and differ between directions. In a field Swendsen-Wang clusters
//! are turned by a heat bath; a Wolff cluster, always flipped, cannot take one.

use super::ensemble::{Counts, MarkovChain, Update};
use super::graph::{Graph, pack};
use super::model::{Model, logistic, threshold};
use crate::Error;
use kadanoff_runtime::Control;
use kadanoff_runtime::random::{Stream, stream};
use rand::Rng;
use std::sync::Arc;

/// Sites visited between two looks at the control.
const BETWEEN_CHECKS: u64 = 1 << 17;

/// Bits of the byte of a site: the spin,
const UP: u8 = 1;
/// whether it belongs to the cluster that is being built,
const TAKEN: u8 = 2;
/// whether it is the sentinel, which never joins,
const NONE: u8 = 4;
/// and whether its neighbours must be looked up.
const EDGE: u8 = 8;

/// One lattice, a byte per site, and room for a cluster.
#[derive(Debug, Clone)]
pub(super) struct Clusters {
    model: Model,
    update: Update,
    beta: f64,
    graph: Arc<Graph>,
    bonds: Vec<Bond>,
    /// From a site to its neighbours, away from the edges.
    steps: Vec<isize>,
    spins: Vec<u8>,
    /// Sites of a cluster in the order in which they were found, or the parents of sites.
    list: Vec<u32>,
    random: Stream,
    spare: Stream,
    visited: u64,
}

/// A probability in two parts, so that 16 random bits decide nearly always.
#[derive(Debug, Clone, Copy, Default)]
struct Bond {
    high: u32,
    low: u64,
    antiparallel: u8,
}

impl Bond {
    fn new(coupling: f64, beta: f64) -> Self {
        let p = -(-2.0 * beta * coupling.abs()).exp_m1();
        let t = threshold(p);
        Self {
            // A bond that is certain is taken whatever the bits are.
            high: t.map_or(1 << 16, |t| (t >> 48) as u32),
            low: t.map_or(0, |t| t << 16),
            antiparallel: u8::from(coupling < 0.0),
        }
    }

    /// Whether a random number with the leading digits `bits` is below the probability.
    #[inline(always)]
    fn is_taken(&self, bits: u64, spare: &mut Stream) -> bool {
        let bits = (bits & 0xFFFF) as u32;
        if bits == self.high {
            return self.is_taken_after_all(spare);
        }
        bits < self.high
    }

    /// The further digits, from a stream of their own: the first one stays in registers.
    #[cold]
    #[inline(never)]
    fn is_taken_after_all(&self, spare: &mut Stream) -> bool {
        spare.next_u64() < self.low
    }
}

impl Clusters {
    /// All spins up.
    pub(super) fn new(
        model: &Model,
        temperature: f64,
        update: Update,
        seed: u64,
        index: u64,
    ) -> Self {
        let graph = Arc::new(Graph::new(model));
        let steps: Vec<isize> = model
            .directions()
            .iter()
            .map(|step| {
                step.iter()
                    .zip(&model.shape)
                    .fold(0, |sum, (&s, &l)| sum * l as isize + isize::from(s))
            })
            .flat_map(|step| [step, -step])
            .collect();
        let mut spins: Vec<u8> = (0..graph.sites)
            .map(|i| {
                let inside = graph
                    .of(i)
                    .iter()
                    .zip(&steps)
                    .all(|(&n, &step)| i as isize + step == n as isize);
                if inside { UP } else { UP | EDGE }
            })
            .collect();
        spins.push(NONE);
        let mut made = Self {
            model: model.clone(),
            update,
            beta: 0.0,
            bonds: Vec::new(),
            steps,
            spins,
            // A site may be written beyond the end before it is known not to belong.
            list: vec![0; graph.sites + 1],
            random: stream(seed, index),
            spare: stream(!seed, index),
            visited: 0,
            graph,
        };
        made.set_temperature(temperature, model.field);
        made
    }

    /// Another lattice in the same state, with random numbers of its own; they share the graph, which
    /// takes longer to build than a few sweeps.
    pub(super) fn sibling(&self, seed: u64, index: u64) -> Self {
        Self {
            random: stream(seed, index),
            spare: stream(!seed, index),
            ..self.clone()
        }
    }

    /// Bytes of one lattice.
    pub(super) fn bytes(model: &Model) -> usize {
        Graph::bytes(model) + 4 * model.sites()
    }

    /// Builds the cluster of a random site and flips it; returns its size.
    fn wolff(&mut self) -> u64 {
        match self.graph.slots {
            2 => self.wolff_of::<2>(),
            4 => self.wolff_of::<4>(),
            _ => self.wolff_of::<6>(),
        }
    }

    fn wolff_of<const Z: usize>(&mut self) -> u64 {
        let sites = self.graph.sites as u64;
        // Lemire's unbiased multiplication.
        let first = loop {
            let wide = u128::from(self.random.next_u64()) * u128::from(sites);
            if wide as u64 >= sites.wrapping_neg() % sites {
                break (wide >> 64) as usize;
            }
        };
        let bonds: [Bond; Z] = std::array::from_fn(|slot| self.bonds[slot / 2]);
        let steps: [isize; Z] = std::array::from_fn(|slot| self.steps[slot]);
        let (near, _) = self.graph.near.as_chunks::<Z>();
        let (spins, list) = (&mut self.spins[..], &mut self.list[..]);
        let (mut random, spare) = (self.random.clone(), &mut self.spare);
        spins[first] ^= UP | TAKEN;
        list[0] = first as u32;
        let (mut done, mut found) = (0, 1);
        while done < found {
            let site = list[done] as usize;
            done += 1;
            let own = spins[site];
            let bits = random.next_u64();
            // Inside the lattice neighbours are a fixed step away: the table, far larger than the
            // spins, is left for the edges.
            let around: [u32; Z] = if own & EDGE == 0 {
                steps.map(|step| site.wrapping_add_signed(step) as u32)
            } else {
                near[site]
            };
            let old = own & UP ^ UP;
            let mut visit = |slot: usize, bits: u64| {
                let n = around[slot] as usize;
                let s = spins[n];
                let join = u8::from(s & (UP | TAKEN | NONE) == old ^ bonds[slot].antiparallel)
                    & u8::from(bonds[slot].is_taken(bits, spare));
                spins[n] = s ^ (join * (UP | TAKEN));
                list[found] = n as u32;
                found += usize::from(join);
            };
            for slot in 0..Z.min(4) {
                visit(slot, bits >> (16 * slot));
            }
            if Z > 4 {
                let bits = random.next_u64();
                for slot in 4..Z {
                    visit(slot, bits >> (16 * slot - 64));
                }
            }
        }
        self.random = random;
        for &site in &list[..found] {
            spins[site as usize] &= !TAKEN;
        }
        found as u64
    }

    /// Divides the lattice into clusters and turns each of them.
    fn swendsen_wang(&mut self) {
        let (sites, slots) = (self.graph.sites, self.graph.slots);
        let (spins, parent) = (&mut self.spins[..], &mut self.list[..]);
        for (i, p) in parent.iter_mut().enumerate() {
            *p = i as u32;
        }
        let near = &self.graph.near[..];
        let (mut random, spare) = (self.random.clone(), &mut self.spare);
        for i in 0..sites {
            let bits = random.next_u64();
            let own = spins[i];
            for (k, bond) in self.bonds.iter().enumerate() {
                let n = if own & EDGE == 0 {
                    i.wrapping_add_signed(self.steps[2 * k])
                } else {
                    near[i * slots + 2 * k] as usize
                };
                let join = (spins[n] ^ own) & (UP | NONE) == bond.antiparallel;
                // One branch that cannot be foreseen, not two.
                if join & bond.is_taken(bits >> (16 * k), spare) {
                    let (a, b) = (root(parent, i as u32), root(parent, n as u32));
                    // The smaller number is the root: parents come before their children.
                    parent[a.max(b) as usize] = a.min(b);
                }
            }
        }
        self.random = random;
        if self.model.field != 0.0 {
            return self.turn_in_field();
        }
        let mut bits = 0;
        for i in 0..sites {
            if i % 64 == 0 {
                bits = self.random.next_u64();
            }
            // The bit TAKEN keeps whether the cluster flips.
            let p = parent[i] as usize;
            let flip = if p == i {
                (bits >> (i % 64) & 1) as u8 * (UP | TAKEN)
            } else {
                (spins[p] & TAKEN) / TAKEN * (UP | TAKEN)
            };
            spins[i] ^= flip;
        }
        for s in &mut spins[..sites] {
            *s &= !TAKEN;
        }
    }

    /// In a field h a cluster of magnetisation m points along it with `1 / (1 + exp(-2 beta h m))`.
    fn turn_in_field(&mut self) {
        let sites = self.graph.sites;
        // Magnetisation with the root up.
        let mut moment = vec![0i64; sites];
        for i in 0..sites {
            let r = self.list[self.list[i] as usize] as usize;
            let r = root(&mut self.list, r as u32);
            self.list[i] = r;
            let same = (self.spins[i] ^ self.spins[r as usize]) & UP == 0;
            moment[r as usize] += if same { 1 } else { -1 };
        }
        let mut up = vec![0u8; sites];
        for i in 0..sites {
            let r = self.list[i] as usize;
            let was = self.spins[r] & UP;
            if r == i {
                let p = logistic(2.0 * self.beta * self.model.field * moment[i] as f64);
                up[i] = u8::from(threshold(p).is_none_or(|t| self.random.next_u64() < t));
            }
            // The root itself changes last: its bit is kept in `up`.
            if r != i {
                self.spins[i] ^= was ^ up[r];
            }
        }
        for i in 0..sites {
            if self.list[i] as usize == i {
                self.spins[i] = self.spins[i] & !UP | up[i];
            }
        }
    }
}

fn root(parent: &mut [u32], mut i: u32) -> u32 {
    while parent[i as usize] != i {
        let above = parent[parent[i as usize] as usize];
        parent[i as usize] = above;
        i = above;
    }
    i
}

impl MarkovChain for Clusters {
    fn replicas(&self) -> usize {
        1
    }

    fn advance(&mut self, steps: u64, control: &Control) -> Result<(), Error> {
        let mut since = 0;
        control.check()?;
        for _ in 0..steps {
            if self.update == Update::Wolff {
                let size = self.wolff();
                self.visited += size;
                since += size;
            } else {
                self.swendsen_wang();
                self.visited += self.graph.sites as u64;
                since += self.graph.sites as u64;
            }
            control.tick(1);
            if since > BETWEEN_CHECKS {
                since = 0;
                control.check()?;
            }
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
            *s = *s & !UP | u8::from(u);
        }
    }

    fn set_temperature(&mut self, temperature: f64, field: f64) {
        self.beta = 1.0 / temperature;
        self.model.field = field;
        self.bonds = self
            .model
            .couplings
            .iter()
            .map(|&j| Bond::new(j, self.beta))
            .collect();
    }

    fn randomise(&mut self) {
        let sites = self.graph.sites;
        for s in &mut self.spins[..sites] {
            *s = *s & !UP | (self.random.next_u64() >> 63) as u8;
        }
    }

    fn flip_globally(&mut self) {
        let flip = (self.random.next_u64() >> 63) as u8;
        let sites = self.graph.sites;
        for s in &mut self.spins[..sites] {
            *s ^= flip;
        }
    }

    fn visited(&self) -> u64 {
        self.visited
    }
}
