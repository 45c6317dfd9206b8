//! Dimer coverings of the square lattice: every site has exactly one partner among its neighbours.
//!
//! `Z = sum over coverings of exp(-v N_p / T)`, N_p the number of plaquettes with two parallel
//! dimers. [`sample`] draws coverings by directed loops, [`Simulation`] does so step by step,
//! [`enumerate`] lists all of them.
//!
//! Which one should I use? Up to some ten million coverings (8 x 8, open) [`enumerate`] is exact and
//! takes `sites` bytes for each. Everything else is sampled: one byte per site and replica.

mod enumerate;
mod lattice;
mod measure;
mod sampler;
mod sector;
mod simulation;
mod weights;
mod worm;

pub use crate::Error;
pub use enumerate::enumerate;
pub use lattice::{Boundary, SquareLattice};
#[cfg(test)]
use measure::is_covering;
pub use measure::{flippable, heights, winding};
pub use sampler::{Plan, Replica, sample};
pub use simulation::Simulation;
pub use weights::transitions;
