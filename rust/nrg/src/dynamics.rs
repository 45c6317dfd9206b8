//! Iteration, density matrix, averages and spectra of several chains, each from end to end.

use crate::density::densities;
use crate::spectral::spectra;
use crate::{BasisMemory, BinnedSpectrum, Bins, Pair, Tensor, solve};
use crate::{Error, InitialCluster, Options, Run, WilsonChain, density, iterate, spectral};
use faer::Mat;
use kadanoff_runtime::Control;
use kadanoff_runtime::map_largest_first;

/// One run, and what is asked of its complete basis.
#[derive(Debug)]
pub struct SpectralRequest<'a> {
    /// Impurity and first site.
    pub cluster: &'a InitialCluster,
    /// The chain.
    pub chain: &'a WilsonChain,
    /// Operators of the spectra, on the cluster.
    pub tensors: &'a [Tensor],
    /// Scalar operators on the cluster, one matrix per block.
    pub statics: &'a [Vec<Mat<f64>>],
}

impl SpectralRequest<'_> {
    fn check(&self) -> Result<(), Error> {
        let blocks = &self.cluster.blocks;
        let square = |(m, n): (&Mat<f64>, usize)| m.nrows() == n && m.ncols() == n;
        let fits = |o: &Vec<Mat<f64>>| {
            o.len() == blocks.len()
                && o.iter()
                    .zip(blocks.iter().map(|b| b.energies.len()))
                    .all(square)
        };
        if self.statics.iter().all(fits) {
            Ok(())
        } else {
            Err(Error::Argument(
                "a static operator has the wrong number or shape of blocks".into(),
            ))
        }
    }
}

/// What comes back.
#[derive(Debug)]
pub struct SpectralResult {
    /// The run, its vectors given back.
    pub run: Run,
    /// ln Z at every temperature.
    pub log_z: Vec<f64>,
    /// `[operator][temperature]`.
    pub expectations: Vec<Vec<f64>>,
    /// `[pair][temperature]`.
    pub spectra: Vec<Vec<BinnedSpectrum>>,
}

/// Progress units of one shell from end to end.
const TICKS: u64 = iterate::SHELL_UNITS + density::TICKS + spectral::TICKS;

/// Computes every request at every temperature.
///
/// As many chains run side by side as there are threads, and share the bound on the memory of
/// eigenvectors; on a single one the threads divide the blocks.
///
/// ```
/// use kadanoff_nrg::{
///     Bins, Factor, InitialCluster, Options, Pair, SpectralRequest, Symmetry, Tensor, Truncation,
///     WilsonChain, dynamics,
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
/// // The hopping tensor of the site is its creation operator.
/// let creation = Tensor {
///     rank: [1, 1, 0, 0],
///     elements: cluster.hopping[0].iter().map(|(i, j, m)| ((*i, *j), m.clone())).collect(),
/// };
/// let request = SpectralRequest {
///     cluster: &cluster,
///     chain: &chain,
///     tensors: &[creation],
///     statics: &[],
/// };
/// let pair = Pair {
///     b: 0,
///     c: 0,
///     fermionic: true,
/// };
/// let bins = Bins {
///     lowest: 1e-3,
///     per_decade: 20.0,
///     count: 100,
/// };
/// let found = dynamics(&[request], &[pair], &[0.3], &bins, &options, &Control::new())?;
/// let total: f64 = found[0].spectra[0][0].weight.iter().sum();
/// assert!(total > 0.0);
/// # Ok::<(), kadanoff_nrg::Error>(())
/// ```
pub fn dynamics(
    requests: &[SpectralRequest<'_>],
    pairs: &[Pair],
    temperatures: &[f64],
    bins: &Bins,
    options: &Options,
    control: &Control,
) -> Result<Vec<SpectralResult>, Error> {
    requests.iter().try_for_each(SpectralRequest::check)?;
    if temperatures.iter().any(|t| t.is_nan() || *t <= 0.0) {
        return Err(Error::Argument("temperatures must be positive".into()));
    }
    let shells: usize = requests.iter().map(|r| r.chain.sites() - 1).sum();
    control.add_total(shells as u64 * TICKS);
    let at_once = kadanoff_runtime::threads().clamp(1, requests.len().max(1));
    let whole = options.basis.unwrap_or(BasisMemory::UNBOUNDED);
    let options = Options {
        basis: Some(BasisMemory {
            limit: whole.limit / at_once,
            fallback: whole.fallback / at_once,
        }),
        ..*options
    };
    let mut out = Vec::with_capacity(requests.len());
    for group in requests.chunks(at_once) {
        let results = map_largest_first(
            group,
            |r| r.chain.sites(),
            |r| -> Result<SpectralResult, Error> {
                let symmetry = r.cluster.symmetry;
                let (mut run, outcome) = solve(r.cluster, r.chain, &options, control);
                outcome?;
                let rho = densities(symmetry, &run, temperatures, !pairs.is_empty(), control)?;
                let expectations = r
                    .statics
                    .iter()
                    .map(|o| {
                        rho.iter()
                            .map(|rho| rho.expectation(symmetry, &run, o))
                            .collect()
                    })
                    .collect();
                let spectra = spectra(symmetry, &run, r.tensors, pairs, &rho, bins, control)?;
                run.basis.clear();
                Ok(SpectralResult {
                    run,
                    log_z: rho.iter().map(|rho| rho.log_z).collect(),
                    expectations,
                    spectra,
                })
            },
        );
        for result in results {
            out.push(result?);
        }
    }
    Ok(out)
}
