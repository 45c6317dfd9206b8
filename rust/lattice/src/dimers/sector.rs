//! A covering with a given winding, to start from.
//!
//! Heights on plaquettes: around an even site, clockwise, they rise by 1 across an empty edge
//! and fall by 3 across a dimer. A height function is whatever obeys the inequalities
//! `h(g) <= h(f) + c(f -> g)` with c = 1 or 3 (W. P. Thurston, Am. Math. Mon. 97, 757 (1990)) and has
//! the right residues modulo 4. The highest one that lies nowhere above a given surface is found
//! by shortest paths; below the plane with the slope of the winding it is as flat as can be.

use super::Error;
use super::lattice::SquareLattice;
use std::collections::VecDeque;

/// Directions of a covering of the torus with flux (W_x, W_y).
pub(super) fn covering(lattice: &SquareLattice, winding: (i32, i32)) -> Result<Vec<u8>, Error> {
    if winding == (0, 0) {
        return Ok(lattice.columnar());
    }
    let missing = || {
        Error::Argument(format!(
            "no covering of the {} x {} torus has winding ({}, {}): \
             2 |W_x| / Ly + 2 |W_y| / Lx must not exceed 1",
            lattice.lx, lattice.ly, winding.0, winding.1
        ))
    };
    let (lx, ly) = (lattice.lx as i64, lattice.ly as i64);
    let (wx, wy) = (i64::from(winding.0), i64::from(winding.1));
    if 2 * wx.abs() * lx + 2 * wy.abs() * ly > lx * ly {
        return Err(missing());
    }
    let torus = Torus { lx, ly, wx, wy };
    let heights = torus.below_plane().ok_or_else(missing)?;
    Ok(torus.dimers(&heights))
}

struct Torus {
    lx: i64,
    ly: i64,
    wx: i64,
    wy: i64,
}

impl Torus {
    /// Plaquette beyond direction d, what it costs to go there, and the twist on the way.
    fn step(&self, x: i64, y: i64, d: usize) -> (i64, i64, i64, i64) {
        let even = |x: i64, y: i64| (x + y).rem_euclid(2) == 0;
        // The edge that is crossed starts at (x + 1, y), (x, y + 1), (x, y), (x, y).
        let (dx, dy, rises) = match d {
            0 => (1, 0, even(x + 1, y)),
            1 => (0, 1, !even(x, y + 1)),
            2 => (-1, 0, !even(x, y)),
            _ => (0, -1, even(x, y)),
        };
        let (to_x, to_y) = (x + dx, y + dy);
        let twist = if to_x < 0 || to_x >= self.lx {
            4 * self.wy * dx
        } else if to_y < 0 || to_y >= self.ly {
            -4 * self.wx * dy
        } else {
            0
        };
        (
            to_x.rem_euclid(self.lx),
            to_y.rem_euclid(self.ly),
            if rises { 1 } else { 3 },
            twist,
        )
    }

    /// The smallest height that a plaquette may have at or above the plane.
    fn plane(&self, x: i64, y: i64) -> i64 {
        let residue = [[0, 3], [1, 2]][(y % 2) as usize][(x % 2) as usize];
        let sites = self.lx * self.ly;
        let plane = 4 * (self.wx * y * self.lx - self.wy * x * self.ly);
        residue - 4 * (residue * sites - plane).div_euclid(4 * sites)
    }

    /// The highest height function that lies nowhere above the plane, rounded up.
    fn below_plane(&self) -> Option<Vec<i64>> {
        let sites = self.lx * self.ly;
        let mut h: Vec<i64> = (0..sites)
            .map(|i| self.plane(i % self.lx, i / self.lx))
            .collect();
        let mut waiting = vec![true; sites as usize];
        let mut queue: VecDeque<i64> = (0..sites).collect();
        // A loop of negative length would lower heights for ever.
        let lowest = h.iter().min()? - 4 * sites;
        while let Some(site) = queue.pop_front() {
            let (x, y) = (site % self.lx, site / self.lx);
            waiting[site as usize] = false;
            let here = h[site as usize];
            if here < lowest {
                return None;
            }
            for d in 0..4 {
                let (to_x, to_y, cost, twist) = self.step(x, y, d);
                let to = (to_x + self.lx * to_y) as usize;
                if here + cost + twist < h[to] {
                    h[to] = here + cost + twist;
                    if !waiting[to] {
                        waiting[to] = true;
                        queue.push_back(to as i64);
                    }
                }
            }
        }
        Some(h)
    }

    fn dimers(&self, h: &[i64]) -> Vec<u8> {
        let at = |x: i64, y: i64| h[(x + self.lx * y) as usize];
        let mut directions = vec![0; h.len()];
        for y in 0..self.ly {
            for x in 0..self.lx {
                for d in [0usize, 1] {
                    let (to_x, to_y, cost, twist) = self.step(x, y, d);
                    let rise = at(to_x, to_y) - twist - at(x, y);
                    // +1 or -1 across an empty edge, -3 or +3 across a dimer.
                    if rise.abs() == 3 {
                        debug_assert_eq!(rise == 3, cost == 3);
                        // Crossed towards +x: the vertical edge at (x + 1, y); and alike.
                        let (sx, sy) = if d == 0 { (to_x, y) } else { (x, to_y) };
                        let (px, py) = if d == 0 {
                            (sx, (sy + 1) % self.ly)
                        } else {
                            ((sx + 1) % self.lx, sy)
                        };
                        let along = if d == 0 { 1 } else { 0 };
                        directions[(sx + self.lx * sy) as usize] = along;
                        directions[(px + self.lx * py) as usize] = along ^ 2;
                    }
                }
            }
        }
        directions
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::{Boundary, is_covering, winding};
    use super::*;

    #[test]
    fn every_sector_that_may_exist_does() {
        for (lx, ly) in [(2, 2), (4, 4), (6, 4), (4, 10), (12, 8)] {
            let lattice = SquareLattice::new(lx, ly, Boundary::Periodic).unwrap();
            for wx in -7i32..=7 {
                for wy in -7i32..=7 {
                    let may =
                        2 * wx.abs() * lx as i32 + 2 * wy.abs() * ly as i32 <= (lx * ly) as i32;
                    let found = covering(&lattice, (wx, wy));
                    assert_eq!(found.is_ok(), may, "{lx} x {ly}: {wx}, {wy}");
                    if let Ok(directions) = found {
                        assert!(is_covering(&lattice, &directions));
                        assert_eq!(winding(&lattice, &directions), (wx, wy));
                    }
                }
            }
        }
    }
}
