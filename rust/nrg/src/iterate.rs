//! The iteration: from the cluster along the chain, one site after the other.

use crate::basis::{self, Basis, BasisMemory, VectorStore};
use crate::growth::Growth;
use crate::initial_cluster::InitialCluster;
use crate::shell::{Kept, Shell, ShellBlock};
use crate::truncate::Truncation;
use crate::{Error, WilsonChain};
use kadanoff_runtime::{Control, map_largest_first};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Progress units of one shell.
pub(crate) const SHELL_UNITS: u64 = 1000;

/// How a run is done.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// What is kept of each shell.
    pub truncation: Truncation,
    /// Most bytes that the matrices of one shell may take.
    pub memory_limit: Option<usize>,
    /// Diagonalise blocks that a reflection makes equal only once.
    pub reuse: bool,
    /// Keep all eigenvectors: in memory up to a number of bytes, on disk beyond.
    pub basis: Option<BasisMemory>,
}

/// A finished run, or as much of it as there is.
#[derive(Debug, Default)]
pub struct Run {
    /// One entry per chain site, from site 0 on.
    pub shells: Vec<Shell>,
    /// Eigenvectors of shells 1, 2, ... when they were asked for.
    pub(crate) basis: Vec<Basis>,
    /// Where the time went.
    pub timing: Timing,
}

/// Wall-clock seconds and arithmetic of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// Eigenvalues: assembling, tridiagonal form, QL.
    pub values: f64,
    /// Eigenvectors and reflected blocks.
    pub vectors: f64,
    /// Operators in the new basis.
    pub operators: f64,
    /// Floating-point operations of the Householder reductions, 4/3 n^3 each.
    pub reduction_flops: f64,
    /// Floating-point operations of all matrix products.
    pub product_flops: f64,
    /// Largest block that was diagonalised.
    pub largest_block: usize,
    /// Most bytes that the matrices of a shell took (estimate).
    pub peak_bytes: usize,
}

/// One run along one chain.
///
/// ```
/// use kadanoff_nrg::{
///     Factor, InitialCluster, Options, Symmetry, Truncation, WilsonChain, clean_chain, solve,
/// };
/// use kadanoff_runtime::Control;
///
/// let chain = WilsonChain {
///     hopping: vec![0.5, 0.3, 0.2],
///     onsite: vec![0.0; 4],
///     scale: vec![1.0, 0.6, 0.4, 0.25],
/// };
/// let options = Options {
///     truncation: Truncation {
///         states: Some(500),
///         multiplets: None,
///         energy: None,
///         gap: 1e-5,
///     },
///     memory_limit: None,
///     reuse: true,
///     basis: None,
/// };
/// // Nothing but the chain: its many-body levels are known.
/// let cluster = InitialCluster::site(Symmetry::single(Factor::U1, Factor::SU2));
/// let (run, outcome) = solve(&cluster, &chain, &options, &Control::new());
/// outcome?;
/// let (ground, _) = clean_chain(&chain, 3, &[1.0]);
/// assert!((run.shells[3].ground - ground).abs() < 1e-13);
/// # Ok::<(), kadanoff_nrg::Error>(())
/// ```
pub fn solve(
    cluster: &InitialCluster,
    chain: &WilsonChain,
    options: &Options,
    control: &Control,
) -> (Run, Result<(), Error>) {
    let mut run = Run::default();
    let outcome = grow(cluster, chain, options, control, &mut run);
    (run, outcome)
}

/// Several runs side by side on the current thread pool, results in order. Each is handed back
/// with what it has, even when it failed.
///
/// ```
/// use kadanoff_nrg::{
///     Factor, InitialCluster, Options, Symmetry, Truncation, WilsonChain, solve_many,
/// };
/// use kadanoff_runtime::Control;
///
/// # let chain = WilsonChain {
/// #     hopping: vec![0.5, 0.3, 0.2],
/// #     onsite: vec![0.0; 4],
/// #     scale: vec![1.0, 0.6, 0.4, 0.25],
/// # };
/// # let options = Options {
/// #     truncation: Truncation {
/// #         states: Some(500),
/// #         multiplets: None,
/// #         energy: None,
/// #         gap: 1e-5,
/// #     },
/// #     memory_limit: None,
/// #     reuse: true,
/// #     basis: None,
/// # };
/// let cluster = InitialCluster::site(Symmetry::single(Factor::U1, Factor::SU2));
/// let runs = solve_many(&[(&cluster, &chain), (&cluster, &chain)], &options, &Control::new());
/// assert_eq!(runs[0].0.shells, runs[1].0.shells);
/// ```
pub fn solve_many(
    jobs: &[(&InitialCluster, &WilsonChain)],
    options: &Options,
    control: &Control,
) -> Vec<(Run, Result<(), Error>)> {
    let total: usize = jobs.iter().map(|(_, c)| c.sites() - 1).sum();
    control.add_total(total as u64 * SHELL_UNITS);
    map_largest_first(
        jobs,
        |(_, chain)| chain.sites(),
        |(cluster, chain)| solve(cluster, chain, options, control),
    )
}

fn grow(
    cluster: &InitialCluster,
    chain: &WilsonChain,
    options: &Options,
    control: &Control,
    run: &mut Run,
) -> Result<(), Error> {
    cluster.validate()?;
    chain.validate()?;
    cluster.check_length(chain)?;
    options.truncation.validate()?;
    let ground = cluster
        .blocks
        .iter()
        .flat_map(|b| b.energies.iter().copied())
        .fold(f64::INFINITY, f64::min);
    run.shells
        .push(cluster_shell(cluster, chain.scale[0], ground));
    let mut kept = Kept::from_cluster(cluster, chain.scale[0], ground);
    if !options.reuse {
        kept.reflections = [None, None];
    }
    if !chain.is_particle_hole_symmetric() {
        kept.reflections[0] = None;
    }
    let mut ground = ground;
    let store = options
        .basis
        .map(|memory| Arc::new(VectorStore::new(memory)));
    for n in 1..chain.sites() {
        control.check()?;
        let growth = Growth::new(cluster, chain, n, kept, options, control, &mut run.timing);
        let grown = growth.add_site(ground, store.as_ref())?;
        ground = grown.shell.ground;
        run.shells.push(grown.shell);
        if let Some(basis) = grown.basis {
            basis::trim(n, basis.bytes());
            run.basis.push(basis);
        }
        kept = grown.kept;
    }
    Ok(())
}

fn cluster_shell(cluster: &InitialCluster, scale: f64, ground: f64) -> Shell {
    Shell {
        site: 0,
        scale,
        ground,
        cut: None,
        blocks: cluster
            .blocks
            .iter()
            .enumerate()
            .map(|(i, b)| ShellBlock {
                label: b.label,
                energies: b.energies.iter().map(|e| e - ground).collect(),
                kept: b.energies.len(),
                expectations: cluster
                    .operators
                    .iter()
                    .map(|o| (0..b.energies.len()).map(|j| o[i][(j, j)]).collect())
                    .collect(),
            })
            .collect(),
    }
}

#[cfg(test)]
pub(crate) mod tests;
