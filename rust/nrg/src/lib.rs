//! Wilson's numerical renormalization group for quantum impurities.
//!
//! An [`InitialCluster`] (impurity and first site in multiplets) is grown along a [`WilsonChain`]
//! site by site,
//! `H_{N+1} = H_N + t_N sum_s (f_Ns^+ f_{N+1,s} + h.c.) + e_{N+1} n_{N+1}`, keeping the lowest
//! multiplets of every shell. [`solve`] does one run, [`solve_many`] several side by side; the
//! outcome is every eigenvalue of every shell with its labels, from which [`thermodynamics`]
//! takes averages at any temperature.
//!
//! Reviews: Wilson, Rev. Mod. Phys. 47, 773 (1975), doi:10.1103/RevModPhys.47.773; Bulla, Costi,
//! Pruschke, Rev. Mod. Phys. 80, 395 (2008), doi:10.1103/RevModPhys.80.395.
//!
//! | symmetry | multiplets for 3500 kept states | memory of a shell |
//! |---|---|---|
//! | U(1) x U(1) | 3500 | ~ 60 MB |
//! | U(1) x SU(2) | ~ 1400 | ~ 15 MB |
//! | SU(2) x SU(2) | ~ 600 | ~ 4 MB |

mod basis;
mod binning;
mod density;
mod dynamics;
mod elements;
mod growth;
mod initial_cluster;
mod iterate;
mod learning;
mod levels;
mod reflect;
mod shell;
mod single_impurity;
mod smooth_curves;
mod spectral;
mod symmetry;
mod tensor;
mod thermodynamics;
mod truncate;
mod wigner;
mod wilson_chain;

pub use basis::BasisMemory;
pub use binning::{BinnedSpectrum, Bins};
pub use dynamics::{SpectralRequest, SpectralResult, dynamics};
pub use initial_cluster::{ClusterBlock, InitialCluster, Reflected, ReflectionMatrix};
pub use iterate::{Options, Run, Timing, solve, solve_many};
pub use learning::{Learned, learn_exchange};
pub use levels::Levels;
pub use shell::{Shell, ShellBlock};
pub use single_impurity::{anderson, kondo};
pub use smooth_curves::{Quantity, SmoothCurve, even_odd_mean};
pub use symmetry::{ChainSites, Factor, Label, MAX_FACTORS, NONE, Site, SiteState, Symmetry};
pub use tensor::{Pair, Tensor};
pub use thermodynamics::{Average, clean_chain, clean_chains, thermodynamics};
pub use truncate::Truncation;
pub use wilson_chain::WilsonChain;

/// What can go wrong in a run.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// An argument is out of range, or contradicts another one.
    #[error("{0}")]
    Argument(String),
    /// The next shell needs more memory than allowed.
    #[error("shell {shell} needs {needed} bytes, {limit} are allowed")]
    Memory {
        /// The shell that does not fit.
        shell: usize,
        /// Bytes it needs.
        needed: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// An eigenvalue decomposition failed.
    #[error("shell {shell}, block {label:?}: {source}")]
    Eigen {
        /// The shell.
        shell: usize,
        /// The block.
        label: Label,
        /// What happened there.
        source: kadanoff_linalg::Error,
    },
    /// Eigenvectors could not be written to or read from disk.
    #[error("storing vectors: {0}")]
    Storage(String),
    /// A stop was requested.
    #[error(transparent)]
    Cancelled(#[from] kadanoff_runtime::Cancelled),
}

impl Error {
    pub(crate) fn storage(error: std::io::Error) -> Self {
        Self::Storage(error.to_string())
    }
}
