//! Observables of a covering, given by bytes or plain directions.

use super::lattice::{Boundary, DIRECTION, SquareLattice};

/// Flux through the two cuts of the torus, `W_x = sum_y (-1)^(x+y) n_x(x, y)` at any x, and `W_y`
/// alike; (0, 0) on an open lattice, where no loop winds.
///
/// ```
/// use kadanoff_lattice::dimers::{Boundary, SquareLattice, winding};
///
/// let lattice = SquareLattice::new(4, 4, Boundary::Periodic)?;
/// let rows = [0, 2, 0, 2].repeat(4); // every dimer along x
/// assert_eq!(winding(&lattice, &rows), (0, 0));
/// # Ok::<(), kadanoff_lattice::dimers::Error>(())
/// ```
pub fn winding(lattice: &SquareLattice, cells: &[u8]) -> (i32, i32) {
    if lattice.boundary == Boundary::Open {
        return (0, 0);
    }
    let (lx, ly) = (lattice.lx, lattice.ly);
    let sum = |length: usize, stride: usize, direction: u8| -> i32 {
        (0..length)
            .filter(|&i| cells[i * stride] & DIRECTION == direction)
            .map(|i| 1 - 2 * (i % 2) as i32)
            .sum()
    };
    (sum(ly, lx, 0), sum(lx, 1, 1))
}

/// Plaquettes with two parallel dimers.
///
/// ```
/// use kadanoff_lattice::dimers::{Boundary, SquareLattice, flippable};
///
/// let lattice = SquareLattice::new(4, 4, Boundary::Periodic)?;
/// let rows = [0, 2, 0, 2].repeat(4); // every dimer along x: every second plaquette
/// assert_eq!(flippable(&lattice, &rows), 8);
/// # Ok::<(), kadanoff_lattice::dimers::Error>(())
/// ```
pub fn flippable(lattice: &SquareLattice, cells: &[u8]) -> u32 {
    let (lx, ly) = (lattice.lx, lattice.ly);
    let torus = lattice.boundary == Boundary::Periodic;
    let mut total = 0u32;
    for y in 0..ly {
        let row = &cells[y * lx..(y + 1) * lx];
        if y + 1 < ly || torus {
            let above = (y + 1) % ly;
            let above = &cells[above * lx..(above + 1) * lx];
            total += pairs(row, above, 0);
        }
        total += pairs(&row[..lx - 1], &row[1..], 1);
        if torus {
            total += u32::from(row[lx - 1] & DIRECTION == 1 && row[0] & DIRECTION == 1);
        }
    }
    total
}

fn pairs(a: &[u8], b: &[u8], direction: u8) -> u32 {
    a.iter()
        .zip(b)
        .map(|(a, b)| u32::from(((a ^ direction) | (b ^ direction)) & DIRECTION == 0))
        .sum()
}

/// Heights of the plaquettes, 0 on the first one: with `eps = (-1)^(x+y)`,
/// `h(x, y) - h(x - 1, y) = eps (1 - 4 n_y(x, y))` and `h(x, y) - h(x, y - 1) = -eps (1 - 4 n_x(x, y))`.
///
/// ```
/// use kadanoff_lattice::dimers::{Boundary, SquareLattice, heights};
///
/// let lattice = SquareLattice::new(2, 2, Boundary::Open)?;
/// assert_eq!(heights(&lattice, &[0, 2, 0, 2]), [0, -1, -3, -2]);
/// # Ok::<(), kadanoff_lattice::dimers::Error>(())
/// ```
pub fn heights(lattice: &SquareLattice, cells: &[u8]) -> Vec<i32> {
    let (lx, ly) = (lattice.lx, lattice.ly);
    let step = |x: usize, y: usize, direction: u8| {
        let rise = if cells[y * lx + x] & DIRECTION == direction {
            -3
        } else {
            1
        };
        if (x + y).is_multiple_of(2) {
            rise
        } else {
            -rise
        }
    };
    let mut out = vec![0; lx * ly];
    for y in 0..ly {
        if y > 0 {
            out[y * lx] = out[(y - 1) * lx] - step(0, y, 0);
        }
        for x in 1..lx {
            out[y * lx + x] = out[y * lx + x - 1] + step(x, y, 1);
        }
    }
    out
}

/// Whether every dimer has two ends.
#[cfg(test)]
pub(crate) fn is_covering(lattice: &SquareLattice, directions: &[u8]) -> bool {
    if directions.len() != lattice.sites() || directions.iter().any(|d| *d > 3) {
        return false;
    }
    let cells = lattice.bytes(directions);
    cells.iter().enumerate().all(|(i, &byte)| {
        let d = byte & DIRECTION;
        let leaves = lattice.is_open() && byte >> (2 + d) & 1 == 1;
        !leaves && cells[lattice.neighbour(i as u32, byte) as usize] & DIRECTION == d ^ 2
    })
}
