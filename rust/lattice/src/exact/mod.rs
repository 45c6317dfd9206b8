//! Ising models that are summed exactly: all states of a small lattice, windows with fixed fields.
//!
//! Which one should I use? [`density_of_states`] visits 2^(N-1) states of any graph, N up to 32, and
//! returns integers: every temperature, field and coupling at once. [`windows`] is a transfer matrix
//! of 2^width states for a rectangle, one coupling at a time, with a field on every site. [`TorusBlock`]
//! is the block of 2 x 2 spins on the 6 x 6 torus with its environment; [`bulk_energy`] and
//! [`bulk_magnetisation`] are those of the infinite square lattice.

mod bulk;
mod states;
mod torus_block;
mod windows;

pub use crate::Error;
pub use bulk::{bulk_energy, bulk_magnetisation};
pub use states::{States, density_of_states};
pub use torus_block::TorusBlock;
pub use windows::{Window, windows};
