//! Ising and dimer models on regular lattices: samplers, enumeration, transfer matrices.

pub mod dimers;
pub mod exact;
pub mod ising;
pub mod plaquette;
