//! The square lattice, one byte per site.
//!
//! Bits 0-1 of a byte hold the direction of the site's dimer, bits 2-5 say across which of the
//! four directions the lattice ends (or begins anew). The byte alone is thus the index of the
//! step to the partner, periodic wrapping included: no coordinates, no divisions, no branches.

use super::Error;

/// The bits of the direction: +x, +y, -x, -y; the opposite one is `d ^ 2`.
pub(super) const DIRECTION: u8 = 0b11;
pub(super) const MAX_SITES: usize = 1 << 28;

/// What lies beyond the last row and column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Boundary {
    /// Periodic along both axes.
    Periodic,
    /// No bonds across the edges.
    Open,
}

/// Size, boundary and the tables of steps.
#[derive(Debug, Clone)]
pub struct SquareLattice {
    /// Number of sites along x.
    pub lx: usize,
    /// Number of sites along y.
    pub ly: usize,
    /// What the edges do.
    pub boundary: Boundary,
    /// Step to the neighbour, by edge flags and direction as they stand in a byte.
    pub(super) step: [i32; 64],
    /// Steps to the four diagonal neighbours (+,+), (-,+), (-,-), (+,-), by edge flags.
    pub(super) diagonal: [[i32; 4]; 16],
}

impl SquareLattice {
    /// A lattice that has coverings: an even number of sites, on a torus both lengths even.
    ///
    /// ```
    /// use kadanoff_lattice::dimers::{Boundary, SquareLattice};
    ///
    /// assert_eq!(SquareLattice::new(4, 6, Boundary::Periodic)?.sites(), 24);
    /// // A torus of odd length has no bipartition.
    /// assert!(SquareLattice::new(5, 6, Boundary::Periodic).is_err());
    /// # Ok::<(), kadanoff_lattice::Error>(())
    /// ```
    pub fn new(lx: usize, ly: usize, boundary: Boundary) -> Result<Self, Error> {
        if lx == 0 || ly == 0 {
            return Err(Error::Argument(format!(
                "Lx and Ly must be at least 1, got {lx} x {ly}"
            )));
        }
        if lx.checked_mul(ly).is_none_or(|n| n > MAX_SITES) {
            return Err(Error::Argument(format!(
                "a lattice has at most 2^28 sites, got {lx} x {ly}"
            )));
        }
        match boundary {
            Boundary::Periodic if lx % 2 == 1 || ly % 2 == 1 => Err(Error::Argument(format!(
                "on a torus Lx and Ly must be even (sublattices), got {lx} x {ly}"
            ))),
            Boundary::Open if lx * ly % 2 == 1 => Err(Error::Argument(format!(
                "an odd number of sites has no covering, got {lx} x {ly}"
            ))),
            _ => Ok(Self {
                lx,
                ly,
                boundary,
                step: steps(lx, ly),
                diagonal: diagonals(lx, ly),
            }),
        }
    }

    /// Number of sites.
    pub fn sites(&self) -> usize {
        self.lx * self.ly
    }

    /// Whether the edges are open.
    pub(crate) fn is_open(&self) -> bool {
        self.boundary == Boundary::Open
    }

    /// Edge flags of a site, in bits 0-3.
    pub(super) fn edges(&self, x: usize, y: usize) -> u8 {
        u8::from(x + 1 == self.lx)
            | u8::from(y + 1 == self.ly) << 1
            | u8::from(x == 0) << 2
            | u8::from(y == 0) << 3
    }

    /// Neighbour of a site given by its byte with direction `d`.
    #[inline(always)]
    pub(super) fn neighbour(&self, site: u32, byte: u8) -> u32 {
        site.wrapping_add_signed(self.step[usize::from(byte & 63)])
    }

    /// Bytes from directions, row by row.
    pub(super) fn bytes(&self, directions: &[u8]) -> Vec<u8> {
        directions
            .iter()
            .enumerate()
            .map(|(i, d)| d & DIRECTION | self.edges(i % self.lx, i / self.lx) << 2)
            .collect()
    }

    /// All dimers parallel, in columns: winding zero.
    pub(super) fn columnar(&self) -> Vec<u8> {
        let horizontal = self.lx.is_multiple_of(2);
        (0..self.sites())
            .map(|i| match (horizontal, i % self.lx % 2, i / self.lx % 2) {
                (true, 0, _) => 0,
                (true, _, _) => 2,
                (false, _, 0) => 1,
                (false, _, _) => 3,
            })
            .collect()
    }
}

/// +1 or -1 along an axis of length `l`, wrapped when the flag says so.
fn along(l: usize, forward: bool, wraps: bool) -> i32 {
    let one = if forward { 1 } else { -1 };
    // At most 2^28 sites: lengths fit.
    if wraps { one - one * l as i32 } else { one }
}

fn one_step(lx: usize, ly: usize, flags: usize, d: usize) -> i32 {
    let wraps = flags >> d & 1 == 1;
    if d.is_multiple_of(2) {
        along(lx, d == 0, wraps)
    } else {
        along(ly, d == 1, wraps).wrapping_mul(lx as i32)
    }
}

fn steps(lx: usize, ly: usize) -> [i32; 64] {
    std::array::from_fn(|byte| one_step(lx, ly, byte >> 2, byte & 3))
}

fn diagonals(lx: usize, ly: usize) -> [[i32; 4]; 16] {
    std::array::from_fn(|flags| {
        [(0, 1), (2, 1), (2, 3), (0, 3)]
            .map(|(a, b)| one_step(lx, ly, flags, a).wrapping_add(one_step(lx, ly, flags, b)))
    })
}
