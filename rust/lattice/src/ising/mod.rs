//! The Ising model, `H = -sum J_ij s_i s_j - h sum s_i`, s = +-1, and its Monte Carlo samplers.
//!
//! Which one? [`Update::HeatBath`] and [`Update::Metropolis`] flip single spins and work for every
//! [`Model`]: bit-sliced (`multispin`, 512 spins in a word, tens of spins per nanosecond) where
//! the lattice or the number of replicas fills the words, which a lattice of 64 x 64 sites does,
//! one by one (`sequential`) where not.
//! [`Update::Wolff`] and [`Update::SwendsenWang`] flip clusters (`cluster`): near a critical
//! point they need a hundred times fewer updates. `tempering` exchanges temperatures.
//!
//! An [`Ensemble`] runs independent replicas of one model by one of these; replica number `i`
//! draws from a stream that depends on the seed and `i` alone.

mod block_spins;
mod cluster;
mod counter;
mod ensemble;
mod graph;
mod model;
mod multispin;
mod sequential;
mod tempering;
#[cfg(test)]
mod tests;
mod word;

pub use crate::Error;
pub use block_spins::{block_spins, neighbour_correlation};
pub use ensemble::{Ensemble, Measured, Update};
pub use model::{LatticeKind, Model};
pub use tempering::{Tempered, Tempering};
