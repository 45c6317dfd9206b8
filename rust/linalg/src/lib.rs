//! Dense real symmetric eigenproblems in two steps.
//!
//! An NRG shell needs *all* eigenvalues of every block before it knows how many eigenvectors of
//! each block survive the truncation, usually a quarter. [`Reduced::new`] brings a block to
//! tridiagonal form and finds all eigenvalues; [`Reduced::vectors`] then finds the lowest `k`
//! eigenvectors only. Both results are checked before they are handed out.
//!
//! | step | method | flops |
//! |---|---|---|
//! | tridiagonal form, n <= 800 | Householder, the matrix updated after four reflections | 4/3 n^3 |
//! | the same, beyond | to a band of eight subdiagonals by blocked reflectors, then by chasing bulges | 4/3 n^3, and 50 n^2 |
//! | values | root-free QL (Pal, Walker, Kahan) | ~ 9 n^2 |
//! | `k` vectors | inverse iteration for `T` or for the band, clusters orthogonalised | ~ 40 n k or 600 n k, and clusters |
//! | back transformation | reflectors in fours, beyond n = 800 in blocks (faer) | 2 n^2 k |
//!
//! The reflections that take the band to `T` are not kept: inverse iteration for the band costs
//! less than applying them to `k` vectors, 2 n^2 k operations.
//!
//! When the inverse iteration leaves a residual or an overlap above tolerance, the divide and
//! conquer solver of faer takes over for that block.

mod band;
mod band_factors;
mod chase;
mod inverse_iteration;
mod lanes;
mod ql;
mod reduced;
mod reflectors;
mod registers;
mod triangle;
mod tridiagonal;

pub use ql::eigenvalues as tridiagonal_eigenvalues;
pub use reduced::{LONG, Reduced};

/// What can go wrong in an eigenvalue decomposition.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// The matrix holds a NaN or an infinity.
    #[error("matrix of dimension {dimension} has a non-finite element")]
    NonFinite {
        /// Dimension of the matrix.
        dimension: usize,
    },
    /// QL or divide and conquer did not converge.
    #[error("eigenvalue iteration did not converge (dimension {dimension})")]
    NoConvergence {
        /// Dimension of the matrix.
        dimension: usize,
    },
    /// Trace, norm, residual or orthogonality is off by more than rounding explains.
    #[error(
        "eigenvalue decomposition of dimension {dimension} failed its check: {what} off by {error:.2e} (limit {limit:.2e})"
    )]
    Check {
        /// Dimension of the matrix.
        dimension: usize,
        /// The invariant that is violated.
        what: &'static str,
        /// Its violation.
        error: f64,
        /// What rounding explains.
        limit: f64,
    },
}
