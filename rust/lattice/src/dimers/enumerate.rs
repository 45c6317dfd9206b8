//! All coverings of a small lattice.

use super::Error;
use super::lattice::{DIRECTION, SquareLattice};
use kadanoff_runtime::Control;

/// Directions of every covering, one after the other, in lexicographic order.
///
/// Parallel edges (a torus of length 2) are distinguished. Fails when there are more than `most`.
///
/// ```
/// use kadanoff_lattice::dimers::{Boundary, SquareLattice, enumerate};
/// use kadanoff_runtime::Control;
///
/// let lattice = SquareLattice::new(4, 4, Boundary::Open)?;
/// let found = enumerate(&lattice, 1000, &Control::new())?;
/// assert_eq!(found.len() / lattice.sites(), 36);
/// # Ok::<(), kadanoff_lattice::dimers::Error>(())
/// ```
pub fn enumerate(
    lattice: &SquareLattice,
    most: usize,
    control: &Control,
) -> Result<Vec<u8>, Error> {
    if lattice.sites() > MAX_SITES {
        return Err(Error::Argument(format!(
            "at most {MAX_SITES} sites can be enumerated, got {} x {}",
            lattice.lx, lattice.ly
        )));
    }
    let empty = lattice.bytes(&vec![0; lattice.sites()]);
    let mut search = CoveringSearch {
        lattice,
        edges: empty,
        direction: vec![FREE; lattice.sites()],
        found: Vec::new(),
        count: 0,
        most,
        control,
    };
    search.from(0)?;
    Ok(search.found)
}

const FREE: u8 = 255;
/// The search goes one level deeper for every dimer.
const MAX_SITES: usize = 1024;

struct CoveringSearch<'a> {
    lattice: &'a SquareLattice,
    edges: Vec<u8>,
    direction: Vec<u8>,
    found: Vec<u8>,
    count: usize,
    most: usize,
    control: &'a Control,
}

impl CoveringSearch<'_> {
    fn from(&mut self, start: usize) -> Result<(), Error> {
        let Some(ahead) = self.direction[start..].iter().position(|d| *d == FREE) else {
            if self.count == self.most {
                return Err(Error::Argument(format!(
                    "there are more than {} coverings",
                    self.most
                )));
            }
            self.count += 1;
            if self.count.is_multiple_of(1 << 12) {
                self.control.check()?;
            }
            self.found.extend_from_slice(&self.direction);
            return Ok(());
        };
        let site = start + ahead;
        for d in 0..4u8 {
            let byte = self.edges[site] & !DIRECTION | d;
            if self.lattice.is_open() && byte >> (2 + d) & 1 == 1 {
                continue;
            }
            let partner = self.lattice.neighbour(site as u32, byte) as usize;
            if self.direction[partner] != FREE || partner == site {
                continue;
            }
            self.direction[site] = d;
            self.direction[partner] = d ^ 2;
            self.from(site + 1)?;
            self.direction[site] = FREE;
            self.direction[partner] = FREE;
        }
        Ok(())
    }
}
