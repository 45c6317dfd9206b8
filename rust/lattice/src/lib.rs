//! Ising, Potts and dimer models: samplers, enumeration, transfer matrices.

pub mod bonds;
pub mod dimers;
pub mod exact;
pub mod ising;
pub mod plaquette;
pub mod variables;

/// What can go wrong in a sum or a run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// An argument is out of range, or contradicts another one.
    #[error("{0}")]
    Argument(String),
    /// A stop was requested.
    #[error(transparent)]
    Cancelled(#[from] kadanoff_runtime::Cancelled),
}
