//! Diagrammatic approximations for quantum impurities.
//!
//! `interaction`: its energy, from the poles of a Green function.
//! `interpolation`: functions on a uniform grid, between its points.
//! `nca`: propagators of the non-crossing approximation on a uniform grid of imaginary times.
//! `second_order`: perturbation theory to second order for a bath of few levels, pole by pole.

mod interaction;
mod interpolation;
mod nca;
mod second_order;

pub use interaction::interaction;
pub use interpolation::interpolated;
pub use nca::{Propagators, propagate};
pub use second_order::{Interpolation, SecondOrder, second_order};

/// What can go wrong.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// An argument is out of range, or contradicts another one.
    #[error("{0}")]
    Argument(String),
    /// An eigenvalue decomposition failed.
    #[error(transparent)]
    Eigen(#[from] kadanoff_linalg::Error),
    /// A stop was requested.
    #[error(transparent)]
    Cancelled(#[from] kadanoff_runtime::Cancelled),
}
