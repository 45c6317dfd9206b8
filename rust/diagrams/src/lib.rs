//! Diagrammatic approximations for quantum impurities, on the imaginary axis.
//!
//! [`nca`]: propagators of the non-crossing approximation on a uniform grid.

pub mod nca;

pub use nca::{Propagators, propagate};

/// What can go wrong.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// An argument that makes no sense.
    #[error("{0}")]
    Argument(String),
    /// The computation was stopped.
    #[error("cancelled")]
    Cancelled,
}

impl From<kadanoff_runtime::Cancelled> for Error {
    fn from(_: kadanoff_runtime::Cancelled) -> Self {
        Self::Cancelled
    }
}
