//! Neighbours of every site in a table, for the samplers that go from site to site.

use super::ensemble::Counts;
use super::model::{MAX_DIRECTIONS, Model};

/// `near[slots i + 2 k]` is forward of site i along direction k, the next one backward.
///
/// A neighbour that does not exist, or that is the site itself, is the sentinel: one more than the
/// last site.
#[derive(Debug, Clone)]
pub(crate) struct Graph {
    pub sites: usize,
    pub slots: usize,
    pub near: Vec<u32>,
}

impl Graph {
    pub fn new(model: &Model) -> Self {
        let sites = model.sites();
        let steps = model.directions();
        let mut near = Vec::with_capacity(sites * 2 * steps.len());
        let mut x = vec![0; model.shape.len()];
        for i in 0..sites {
            for step in &steps {
                for forward in [true, false] {
                    let n = model.neighbour(&x, step, forward).filter(|&n| n != i);
                    near.push(n.unwrap_or(sites) as u32);
                }
            }
            for (c, &l) in x.iter_mut().zip(&model.shape).rev() {
                *c += 1;
                if *c < l {
                    break;
                }
                *c = 0;
            }
        }
        Self {
            sites,
            slots: 2 * steps.len(),
            near,
        }
    }

    /// Bytes of the table and of one byte a site.
    pub fn bytes(model: &Model) -> usize {
        model.sites() * (8 * model.couplings.len() + 1)
    }

    pub fn of(&self, site: usize) -> &[u32] {
        &self.near[site * self.slots..][..self.slots]
    }

    /// Bit 0 of each byte is the spin.
    pub fn counts(&self, spins: &[u8]) -> Counts {
        let mut counts = Counts {
            up: spins[..self.sites].iter().map(|&s| u64::from(s & 1)).sum(),
            differ: [0; MAX_DIRECTIONS],
        };
        for (near, s) in self.near.chunks_exact(self.slots).zip(spins) {
            for k in 0..self.slots / 2 {
                let n = near[2 * k] as usize;
                counts.differ[k] += u64::from((s ^ spins[n]) & 1 & u8::from(n < self.sites));
            }
        }
        counts
    }
}

/// Bit 0 of each byte, packed, least significant first.
pub(crate) fn pack(spins: &[u8], bits: &mut [u8]) {
    for (out, eight) in bits.iter_mut().zip(spins.chunks(8)) {
        *out = eight
            .iter()
            .enumerate()
            .fold(0, |byte, (i, s)| byte | (s & 1) << i);
    }
}
