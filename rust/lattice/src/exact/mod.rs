//! Ising models that are summed exactly: all states of a small lattice, windows with fixed fields.
//!
//! Which one should I use? [`density_of_states`] visits 2^(N-1) states of any graph, N up to 32, and
//! returns integers: every temperature, field and coupling at once. [`windows`] is a transfer matrix
//! of 2^width states for a rectangle, one coupling at a time, with a field on every site.

mod states;
mod windows;

pub use states::{MOST_SPINS, States, density_of_states};
pub use windows::{MOST_BLOCK, MOST_WIDTH, Window, windows};

use kadanoff_runtime::Cancelled;

/// Why there is no sum.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Too many states, or an argument out of range.
    #[error("{0}")]
    Option(String),
    /// The caller asked for a stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}
