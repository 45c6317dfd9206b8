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
    rows: Rows,
}

/// Rows along the last axis, for counting unlike neighbours many at a time.
#[derive(Debug, Clone)]
struct Rows {
    length: usize,
    /// Whether a row closes on itself.
    closed: bool,
    /// The row forward of each row along each direction.
    near: Vec<[Option<usize>; MAX_DIRECTIONS]>,
    /// Whether the direction leads one site along the row.
    along: [bool; MAX_DIRECTIONS],
}

impl Rows {
    fn new(model: &Model) -> Self {
        let last = model.shape.len() - 1;
        let length = model.shape[last];
        let mut along = [false; MAX_DIRECTIONS];
        let across: Vec<Vec<i8>> = model
            .directions()
            .into_iter()
            .enumerate()
            .map(|(k, mut step)| {
                along[k] = step[last] != 0;
                step[last] = 0;
                step
            })
            .collect();
        let near = (0..model.sites() / length)
            .map(|row| {
                let x = model.coordinates(row * length);
                let mut near = [None; MAX_DIRECTIONS];
                for (k, step) in across.iter().enumerate() {
                    near[k] = model.neighbour(&x, step, true).map(|n| n / length);
                }
                near
            })
            .collect();
        Self {
            length,
            closed: model.periodic[last],
            near,
            along,
        }
    }

    /// Pairs of unlike neighbours along direction k.
    fn differ(&self, spins: &[u8], k: usize) -> u64 {
        let row = |r: usize| &spins[r * self.length..][..self.length];
        let mut sum = 0;
        for (r, near) in self.near.iter().enumerate() {
            let Some(n) = near[k] else { continue };
            let (here, there) = (row(r), row(n));
            if self.along[k] {
                sum += unlike(&here[..self.length - 1], &there[1..]);
                if self.closed {
                    sum += u64::from((here[self.length - 1] ^ there[0]) & 1);
                }
            } else {
                sum += unlike(here, there);
            }
        }
        sum
    }
}

/// Sums of bytes that cannot overflow: the compiler makes vectors of them.
fn unlike(a: &[u8], b: &[u8]) -> u64 {
    a.chunks(128)
        .zip(b.chunks(128))
        .map(|(a, b)| u64::from(a.iter().zip(b).fold(0u8, |n, (x, y)| n + ((x ^ y) & 1))))
        .sum()
}

impl Graph {
    pub(super) fn new(model: &Model) -> Self {
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
            rows: Rows::new(model),
        }
    }

    /// Bytes of the table and of one byte per site.
    pub(super) fn bytes(model: &Model) -> usize {
        model.sites() * (8 * model.couplings.len() + 1)
    }

    pub(super) fn of(&self, site: usize) -> &[u32] {
        &self.near[site * self.slots..][..self.slots]
    }

    /// Bit 0 of each byte is the spin.
    pub(super) fn counts(&self, spins: &[u8]) -> Counts {
        let mut counts = Counts {
            up: spins[..self.sites]
                .chunks(128)
                .map(|c| u64::from(c.iter().fold(0u8, |n, s| n + (s & 1))))
                .sum(),
            differ: [0; MAX_DIRECTIONS],
        };
        for k in 0..self.slots / 2 {
            counts.differ[k] = self.rows.differ(spins, k);
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
