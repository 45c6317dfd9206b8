//! One covering that is moved loop by loop.

use super::lattice::{DIRECTION, SquareLattice};
use super::worm::{Lane, Weights};
use super::{Error, flippable, sampler, winding};
use kadanoff_runtime::random;

/// A covering in motion; for live pictures and for what needs every loop.
///
/// ```
/// use kadanoff_lattice::dimers::{Boundary, Simulation, SquareLattice, flippable, winding};
///
/// let lattice = SquareLattice::new(8, 8, Boundary::Periodic)?;
/// let mut moving = Simulation::new(lattice, 0.0, None, 1)?;
/// moving.request(20);
/// moving.request_last(); // after all, only one
/// while !moving.advance(1000) {}
/// assert!(moving.steps() >= moving.moved());
/// let directions = moving.directions();
/// assert_eq!(winding(moving.lattice(), &directions), moving.winding());
/// assert_eq!(flippable(moving.lattice(), &directions), moving.flippable());
/// # Ok::<(), kadanoff_lattice::Error>(())
/// ```
pub struct Simulation {
    lattice: SquareLattice,
    weights: Weights,
    cells: Vec<u8>,
    lane: Lane,
}

impl Simulation {
    /// Starts from parallel columns, or from the flattest covering of a fixed winding.
    pub fn new(
        lattice: SquareLattice,
        coupling: f64,
        kept: Option<(i32, i32)>,
        seed: u64,
    ) -> Result<Self, Error> {
        let start = sampler::check(&lattice, coupling, kept)?;
        let cells = lattice.bytes(&start);
        Ok(Self {
            weights: Weights::new(&lattice, coupling),
            lane: Lane::new(
                0,
                &cells,
                random::stream(seed, 0),
                kept.filter(|_| !lattice.is_open()),
            ),
            lattice,
            cells,
        })
    }

    /// The lattice that is covered.
    pub fn lattice(&self) -> &SquareLattice {
        &self.lattice
    }

    /// Asks for `loops` more loops.
    pub fn request(&mut self, loops: u64) {
        self.lane.loops = self.lane.loops.saturating_add(loops);
    }

    /// Asks for the end of the loop at work, and no more.
    pub fn request_last(&mut self) {
        self.lane.loops = self.lane.loops.min(1);
    }

    /// Moves on by at most `steps` steps; whether all requested loops are closed.
    pub fn advance(&mut self, steps: u32) -> bool {
        if self.lane.loops > 0 {
            let lanes = std::slice::from_mut(&mut self.lane);
            self.weights
                .advance(&self.lattice, &mut self.cells, lanes, steps);
        }
        self.lane.loops == 0
    }

    /// Steps so far.
    pub fn steps(&self) -> u64 {
        self.lane.steps
    }

    /// Steps of the loops that were kept: all but those that would have changed a fixed winding.
    pub fn moved(&self) -> u64 {
        self.lane.moved
    }

    /// For every site the direction of its partner.
    pub fn directions(&self) -> Vec<u8> {
        self.cells.iter().map(|c| c & DIRECTION).collect()
    }

    /// Winding numbers along both axes.
    pub fn winding(&self) -> (i32, i32) {
        winding(&self.lattice, &self.cells)
    }

    /// Number of plaquettes with two parallel dimers.
    pub fn flippable(&self) -> u32 {
        flippable(&self.lattice, &self.cells)
    }
}
