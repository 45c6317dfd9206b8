//! Restricted Boltzmann machines, `E(v, h) = -a.v - b.h - v.W.h`.

mod ais;
mod bits;
pub mod exact;
mod gibbs;
mod lanes;
mod layer;
mod machine;
mod simd;
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
    /// Arrays do not fit together.
    #[error("sizes do not fit together: {0}")]
    Shape(String),
    /// An option is out of range.
    #[error("invalid option: {0}")]
    Option(String),
    /// Training left the finite numbers.
    #[error("parameters are no longer finite after epoch {epoch}: lower learning_rate")]
    Diverged {
        /// The epoch, counted from 1.
        epoch: u64,
    },
    /// Somebody asked for a stop.
    #[error(transparent)]
    Cancelled(#[from] kadanoff_runtime::Cancelled),
}
