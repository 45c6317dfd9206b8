//! Ising models that are summed exactly: all states of a small lattice, windows with fixed fields.
//!
//! Which one should I use? [`density_of_states`] visits 2^(N-1) states of any graph, N up to 32, and
//! returns integers: every temperature, field and coupling at once. [`windows`] is a transfer matrix
//! of 2^width states for a rectangle, one coupling at a time, with a field on every site.

mod states;
mod windows;

pub use crate::Error;
pub use states::{States, density_of_states};
pub use windows::{Window, windows};
