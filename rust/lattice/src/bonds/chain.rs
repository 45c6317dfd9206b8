//! One configuration and its updates.
//!
//! Bonds join equal neighbours with probability `1 - exp(-beta J)`, and for two colours unequal
//! ones with `1 - exp(beta J)` where J < 0.
//!
//! U. Wolff, Phys. Rev. Lett. 62, 361 (1989), doi:10.1103/PhysRevLett.62.361;
//! R. H. Swendsen, J.-S. Wang, Phys. Rev. Lett. 58, 86 (1987), doi:10.1103/PhysRevLett.58.86.

use super::model::{Model, Table, Update};
use crate::Error;
use kadanoff_runtime::Control;
use kadanoff_runtime::random::{Stream, stream};
use rand::Rng;
use std::sync::Arc;

/// Sites visited between two looks at the control.
const BETWEEN_CHECKS: u64 = 1 << 17;

/// 2^-53: of the spacing of random numbers.
const UNIT: f64 = 1.0 / 9_007_199_254_740_992.0;

/// A probability in two parts, so that 16 random bits decide nearly always.
#[derive(Debug, Clone, Copy, Default)]
struct Chance {
    high: u32,
    low: u64,
    /// Whether the bond is between unequal colours.
    unequal: bool,
}

impl Chance {
    fn new(coupling: f64, beta: f64) -> Self {
        let p = -(-beta * coupling.abs()).exp_m1();
        let whole = p >= 1.0;
        let t = (p * 18_446_744_073_709_551_616.0) as u64;
        Self {
            high: if whole { 1 << 16 } else { (t >> 48) as u32 },
            low: t << 16,
            unequal: coupling < 0.0,
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

    #[cold]
    #[inline(never)]
    fn is_taken_after_all(&self, spare: &mut Stream) -> bool {
        spare.next_u64() < self.low
    }
}

/// What all replicas share.
#[derive(Debug)]
pub(super) struct Shared {
    pub model: Model,
    table: Table,
    update: Update,
    beta: f64,
    chances: Vec<Chance>,
    /// `exp(beta J n)` for n equal neighbours, if all couplings are equal, relative to the largest.
    weights: Vec<f64>,
}

impl Shared {
    pub(super) fn new(model: Model, temperature: f64, update: Update) -> Self {
        let table = Table::new(&model);
        let beta = 1.0 / temperature;
        let chances = model
            .couplings
            .iter()
            .map(|&j| Chance::new(j, beta))
            .collect();
        let most = (0..model.sites)
            .map(|i| table.of(i).len())
            .max()
            .unwrap_or(0);
        let x = beta * model.couplings[0];
        let top = (x * most as f64).max(0.0);
        let weights = if model.couplings.len() == 1 {
            (0..=most).map(|n| (x * n as f64 - top).exp()).collect()
        } else {
            Vec::new()
        };
        Self {
            model,
            table,
            update,
            beta,
            chances,
            weights,
        }
    }

    /// Number of the coupling to the neighbour in this place of the table.
    #[inline(always)]
    fn class(&self, place: usize) -> usize {
        self.table.class.get(place).map_or(0, |&c| c as usize)
    }

    #[inline(always)]
    fn chance(&self, place: usize) -> Chance {
        self.chances[self.class(place)]
    }

    #[inline(always)]
    fn coupling(&self, place: usize) -> f64 {
        self.model.couplings[self.class(place)]
    }
}

/// One configuration.
#[derive(Debug, Clone)]
pub(super) struct Chain {
    shared: Arc<Shared>,
    pub colours: Vec<u8>,
    /// Sites of a cluster in the order in which they were found, or the parents of sites.
    list: Vec<u32>,
    /// Whether a site belongs to the cluster that is being built, where its colour does not tell.
    taken: Vec<bool>,
    /// Weights of the colours of a site.
    room: Vec<f64>,
    random: Stream,
    spare: Stream,
    pub visited: u64,
}

impl Chain {
    /// All sites in the last colour.
    pub(super) fn new(shared: &Arc<Shared>, seed: u64, index: u64) -> Self {
        let (sites, q) = (shared.model.sites, shared.model.colours);
        Self {
            colours: vec![(q - 1) as u8; sites],
            // A site may be written beyond the end before it is known not to belong.
            list: vec![0; sites + 1],
            taken: vec![false; sites],
            room: vec![0.0; q],
            random: stream(seed, index),
            spare: stream(!seed, index),
            visited: 0,
            shared: Arc::clone(shared),
        }
    }

    /// A number below `n`.
    fn below(&mut self, n: usize) -> usize {
        below(&mut self.random, n)
    }

    pub(super) fn advance(&mut self, steps: u64, control: &Control) -> Result<(), Error> {
        control.check()?;
        let sites = self.shared.model.sites as u64;
        let mut since = 0;
        for _ in 0..steps {
            let size = match self.shared.update {
                Update::HeatBath => {
                    self.heat_bath();
                    sites
                }
                Update::Wolff => self.wolff(),
                Update::SwendsenWang => {
                    self.swendsen_wang();
                    sites
                }
            };
            self.visited += size;
            since += size;
            control.tick(1);
            if since > BETWEEN_CHECKS {
                since = 0;
                control.check()?;
            }
        }
        Ok(())
    }

    /// Draws every site, one after the other, given its neighbours.
    fn heat_bath(&mut self) {
        let shared = Arc::clone(&self.shared);
        let (model, table) = (&shared.model, &shared.table);
        let q = model.colours;
        let last = q - 1;
        // Equal neighbours are counted, unless a field or further couplings enter the exponent.
        let counted = model.couplings.len() == 1 && model.field == 0.0;
        for site in 0..model.sites {
            let w = &mut self.room[..q];
            w.fill(0.0);
            for place in table.of(site) {
                let s = self.colours[table.near[place] as usize] as usize;
                w[s] += if counted { 1.0 } else { shared.coupling(place) };
            }
            let low = if counted {
                for x in &mut *w {
                    *x = shared.weights[*x as usize];
                }
                w.iter().sum::<f64>() < 1e-200
            } else {
                w[last] += model.field;
                exponentials(w, shared.beta);
                false
            };
            if low {
                // All are tiny where no neighbours agree, at low temperature: compare them anew.
                w.fill(0.0);
                for place in table.of(site) {
                    w[self.colours[table.near[place] as usize] as usize] += model.couplings[0];
                }
                exponentials(w, shared.beta);
            }
            let total: f64 = w.iter().sum();
            let mut u = (self.random.next_u64() >> 11) as f64 * UNIT * total;
            let mut chosen = last;
            for (c, &x) in w[..last].iter().enumerate() {
                if u < x {
                    chosen = c;
                    break;
                }
                u -= x;
            }
            self.colours[site] = chosen as u8;
        }
    }

    /// Builds the cluster of a random site and gives it another colour; returns its size.
    fn wolff(&mut self) -> u64 {
        let shared = Arc::clone(&self.shared);
        let site = self.below(shared.model.sites);
        if shared.chances.len() > 1 || shared.chances[0].unequal {
            return self.wolff_of_any(&shared, site);
        }
        match shared.table.degree {
            Some(3) => self.wolff_of::<3>(&shared, site),
            Some(4) => self.wolff_of::<4>(&shared, site),
            Some(6) => self.wolff_of::<6>(&shared, site),
            _ => self.wolff_of_any(&shared, site),
        }
    }

    /// Equal couplings, Z neighbours everywhere.
    fn wolff_of<const Z: usize>(&mut self, shared: &Shared, first: usize) -> u64 {
        let chance = shared.chances[0];
        let old = self.colours[first];
        let shift = 1 + below(&mut self.random, shared.model.colours - 1);
        let new = ((usize::from(old) + shift) % shared.model.colours) as u8;
        let (near, _) = shared.table.near.as_chunks::<Z>();
        let (colours, list) = (&mut self.colours[..], &mut self.list[..]);
        let (mut random, spare) = (self.random.clone(), &mut self.spare);
        colours[first] = new;
        list[0] = first as u32;
        let (mut done, mut found) = (0, 1);
        while done < found {
            let site = list[done] as usize;
            done += 1;
            let mut bits = random.next_u64();
            let around = near[site];
            for (slot, n) in around.into_iter().enumerate() {
                if slot == 4 {
                    bits = random.next_u64();
                }
                let s = colours[n as usize];
                let join = u8::from(s == old) & u8::from(chance.is_taken(bits, spare));
                bits >>= 16;
                colours[n as usize] = s ^ (join * (old ^ new));
                list[found] = n;
                found += usize::from(join);
            }
        }
        self.random = random;
        found as u64
    }

    /// Any couplings; negative ones for two colours.
    fn wolff_of_any(&mut self, shared: &Shared, first: usize) -> u64 {
        let q = shared.model.colours;
        let shift = 1 + self.below(q - 1);
        self.taken[first] = true;
        self.list[0] = first as u32;
        let (mut done, mut found) = (0, 1);
        while done < found {
            let site = self.list[done] as usize;
            done += 1;
            let own = self.colours[site];
            for place in shared.table.of(site) {
                let n = shared.table.near[place] as usize;
                let chance = shared.chance(place);
                if self.taken[n]
                    || (self.colours[n] == own) == chance.unequal
                    || !chance.is_taken(self.random.next_u64(), &mut self.spare)
                {
                    continue;
                }
                self.taken[n] = true;
                self.list[found] = n as u32;
                found += 1;
            }
        }
        for &site in &self.list[..found] {
            let s = &mut self.colours[site as usize];
            *s = ((usize::from(*s) + shift) % q) as u8;
            self.taken[site as usize] = false;
        }
        found as u64
    }

    /// Divides the graph into clusters, each of which draws a colour.
    fn swendsen_wang(&mut self) {
        let shared = Arc::clone(&self.shared);
        let model = &shared.model;
        let q = model.colours;
        let (colours, parent) = (&mut self.colours[..], &mut self.list[..]);
        for (i, p) in parent.iter_mut().enumerate() {
            *p = i as u32;
        }
        let (mut random, spare) = (self.random.clone(), &mut self.spare);
        let mut bits = 0;
        for (b, &[i, j]) in model.bonds.iter().enumerate() {
            bits = if b % 4 == 0 {
                random.next_u64()
            } else {
                bits >> 16
            };
            let chance = &shared.chances[model.class(b)];
            let satisfied = (colours[i as usize] == colours[j as usize]) != chance.unequal;
            // One branch that cannot be foreseen, not two.
            if satisfied & chance.is_taken(bits, spare) {
                let (a, b) = (root(parent, i), root(parent, j));
                // The smaller number is the root: parents come before their children.
                parent[a.max(b) as usize] = a.min(b);
            }
        }
        // A cluster of two colours, which may be of both, turns by one or not; all clusters turn by
        // a number of steps that is equally likely to be any.
        for i in 0..model.sites {
            let p = parent[i] as usize;
            if p == i {
                // The number takes the place of the root, marked by the highest bit.
                let shift = below(&mut random, q) as u32;
                parent[i] = shift | 1 << 31;
            } else {
                parent[i] = parent[p];
            }
            let shift = (parent[i] & !(1 << 31)) as usize;
            colours[i] = ((usize::from(colours[i]) + shift) % q) as u8;
        }
        self.random = random;
    }

    /// Any colours.
    pub(super) fn randomise(&mut self) {
        let q = self.shared.model.colours;
        for i in 0..self.colours.len() {
            self.colours[i] = self.below(q) as u8;
        }
    }

    /// Permutes the colours of the whole configuration, a symmetry without field.
    pub(super) fn permute(&mut self) {
        let q = self.shared.model.colours;
        let mut to: Vec<u8> = (0..q).map(|c| c as u8).collect();
        for c in (1..q).rev() {
            to.swap(c, self.below(c + 1));
        }
        for s in &mut self.colours {
            *s = to[usize::from(*s)];
        }
    }
}

/// A number below `n`, which is far below 2^32: the bias is below n / 2^64.
fn below(random: &mut Stream, n: usize) -> usize {
    ((u128::from(random.next_u64()) * n as u128) >> 64) as usize
}

/// `exp(beta x)` relative to the largest.
fn exponentials(x: &mut [f64], beta: f64) {
    let top = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    for x in x {
        *x = (beta * (*x - top)).exp();
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
