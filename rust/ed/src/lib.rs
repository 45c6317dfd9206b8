//! Exact diagonalisation of the single-impurity Anderson model on a few bath sites,
//!
//! `H = eps n_d + U n_up n_dn + sum_k e_k n_k + sum_{k,s} V_k (d_s^+ c_ks + h.c.)`.
//!
//! | module | what it does | which to use |
//! |---|---|---|
//! | [`diagonalise`] | all levels, sector by sector of (N, S); any temperature | up to 7 bath sites |
//! | [`lehmann()`] | poles of `G` and of the estimator `F` at a temperature | after `diagonalise` |
//! | [`lanczos`] | lowest levels and `G` as continued fractions | 7 to 11 bath sites, low temperature |
//! | [`lanczos::finite`] | traces by random vectors | 7 to 10 bath sites, intermediate temperature |
//! | [`bathfit`] | a hybridisation function fitted by a few sites | before `diagonalise` where the bath is continuous |
//! | [`merging`] | levels of a bath merged to fewer | a starting point of `bathfit` |
//! | [`fock`] | all levels and responses of any Hamiltonian of a few orbitals | several impurity orbitals |
//! | [`poles`] | sums over many poles at many frequencies or times | all |
//!
//! The full spectrum uses SU(2): only states of maximal `S_z` of every multiplet are kept, built once
//! for every number of orbitals (`multiplets`), so that the largest block of seven orbitals has 784
//! states instead of 1225. Memory: one matrix for each (N, S), together `sum n^2` numbers
//! (6 orbitals 1.3 MB, 7 orbitals 17 MB, 8 orbitals 240 MB).

pub mod bathfit;
mod coupling;
pub mod fock;
mod full;
pub mod lanczos;
mod lehmann;
pub mod merging;
mod multiplets;
pub mod poles;

pub use full::{Spectrum, Thermal, diagonalise, diagonalise_at};
pub use lehmann::{Green, Lehmann, green, lehmann};

/// Most bath sites of a full diagonalisation.
pub(crate) const MAX_FULL: usize = 7;
/// Number of orbitals up to which one thread is enough: a problem of five takes 0.3 ms.
pub const SMALL: usize = 5;
/// Most bath sites of a Lanczos run.
pub(crate) const MAX_LANCZOS: usize = 11;

/// Applies `f` to every item: one after the other if `small`, where handing work over costs more
/// than it saves, else on the current thread pool.
fn map_blocks<I: Sync, T: Send + Sync>(
    items: &[I],
    small: bool,
    size: impl Fn(&I) -> usize,
    f: impl Fn(&I) -> T + Sync,
) -> Vec<T> {
    if small {
        items.iter().map(f).collect()
    } else {
        kadanoff_runtime::map_largest_first(items, size, f)
    }
}

/// What can go wrong.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// An argument is out of range, or contradicts another one.
    #[error("{0}")]
    Argument(String),
    /// An eigenvalue decomposition failed in a sector.
    #[error("sector N = {electrons}, 2S = {twice_spin}: {source}")]
    Eigen {
        /// Number of electrons.
        electrons: usize,
        /// Twice the spin (Lanczos: twice S_z).
        twice_spin: usize,
        /// What the linear algebra says.
        source: kadanoff_linalg::Error,
    },
    /// The Lanczos iteration did not reach its tolerance.
    #[error("Lanczos did not converge in {steps} steps (residual {residual:.1e})")]
    Lanczos {
        /// Steps taken.
        steps: usize,
        /// Residual of the worst wanted state.
        residual: f64,
    },
    /// A stop was requested.
    #[error(transparent)]
    Cancelled(#[from] kadanoff_runtime::Cancelled),
}

/// The Anderson impurity with a discrete bath; chemical potential absorbed in `eps` and `e`.
///
/// ```
/// use kadanoff_ed::Anderson;
///
/// let model = Anderson {
///     u: 2.0,
///     eps: -1.0,
///     e: vec![-0.5, 0.5],
///     v: vec![0.3, 0.3],
/// };
/// assert_eq!(model.orbitals(), 3);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Anderson {
    /// Repulsion on the impurity.
    pub u: f64,
    /// Level of the impurity.
    pub eps: f64,
    /// Levels of the bath.
    pub e: Vec<f64>,
    /// Hybridisations.
    pub v: Vec<f64>,
}

impl Anderson {
    /// Refuses numbers that are not finite and more than `most` bath sites.
    pub(crate) fn check(&self, most: usize) -> Result<(), Error> {
        let all = [self.u, self.eps];
        let mut numbers = all.iter().chain(&self.e).chain(&self.v);
        if self.e.len() != self.v.len() {
            return Err(Error::Argument(format!(
                "e and V must have one entry for every bath site, got {} and {}",
                self.e.len(),
                self.v.len()
            )));
        }
        if numbers.any(|x| !x.is_finite()) {
            return Err(Error::Argument("U, eps, e and V must be finite".into()));
        }
        if self.e.len() > most {
            return Err(Error::Argument(format!(
                "at most {most} bath sites are possible here, got {}",
                self.e.len()
            )));
        }
        Ok(())
    }

    /// Number of orbitals, impurity included.
    pub fn orbitals(&self) -> usize {
        self.e.len() + 1
    }
}
