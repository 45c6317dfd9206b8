//! Restricted Boltzmann machines, `E(v, h) = -a.v - b.h - v.W.h`, of 0/1 or -1/+1 units;
//! visible 0/1 units may come in one-hot groups (softmax units).
//!
//! | what | function | cost for n + m units |
//! |---|---|---|
//! | chains, any units clamped | [`gibbs`] | n m / 2 additions per sweep, single precision |
//! | learning | [`train`] | about five times that a sample |
//! | ln Z, exactly | [`exact::log_z`] | 2^min(n, m) states, up to 32 units |
//! | averages, the gradient | [`exact::moments`] | the same, up to 24 units |
//! | independent samples, any units clamped | [`exact::sample`] | 2^(smaller free layer) |
//! | ln Z beyond | [`anneal`] | chains times temperatures times sweeps |
//!
//! The exact functions are for two-valued units, not for one-hot groups.
//!
//! Configurations are rows of bits in words of 64; bit 1 is the upper value of a unit. Every random
//! stream belongs to a block of 64 rows, so that no result depends on the number of threads, and
//! all sums run in one order, so that none depends on the instruction set.

mod ais;
mod bits;
pub mod exact;
mod gibbs;
mod lanes;
mod layer;
mod machine;
mod temper;
mod train;
mod units;

pub use ais::{Annealing, anneal};
pub use bits::{BLOCK, words};
pub use gibbs::{Free, Records, Schedule, gibbs};
pub use machine::Machine;
pub use train::{Epoch, Negative, Optimizer, Options, State, train};
pub use units::Units;

/// What can go wrong.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// An argument is out of range, or contradicts another one.
    #[error("{0}")]
    Argument(String),
    /// Samples do not fit into memory.
    #[error("the samples need {:.3e} GB: lower n", needed / 1e9)]
    Memory {
        /// Bytes that they need.
        needed: f64,
    },
    /// Training left the finite numbers.
    #[error("parameters are no longer finite after epoch {epoch}: lower learning_rate")]
    Diverged {
        /// The epoch, counted from 1.
        epoch: u64,
    },
    /// A stop was requested.
    #[error(transparent)]
    Cancelled(#[from] kadanoff_runtime::Cancelled),
}

impl Error {
    /// Arrays that do not fit together.
    pub(crate) fn shape(what: impl std::fmt::Display) -> Self {
        Self::Argument(format!("sizes do not fit together: {what}"))
    }

    /// An option that is out of range.
    pub(crate) fn option(what: impl std::fmt::Display) -> Self {
        Self::Argument(format!("invalid option: {what}"))
    }
}
