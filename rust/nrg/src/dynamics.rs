//! Iteration, density matrix, averages and spectra of several chains, each from end to end.

use crate::{Bins, Pair, Spectrum, Tensor, densities, solve, spectra};
use crate::{Chain, Error, Options, Run, Seed, density, iterate, spectral};
use faer::Mat;
use kadanoff_runtime::Control;
use kadanoff_runtime::map_largest_first;

/// One run, and what is asked of its complete basis.
#[derive(Debug)]
pub struct Question<'a> {
    /// Impurity and first site.
    pub seed: &'a Seed,
    /// The chain.
    pub chain: &'a Chain,
    /// Operators of the spectra, on the seed.
    pub tensors: &'a [Tensor],
    /// Scalar operators on the seed, one matrix a block.
    pub statics: &'a [Vec<Mat<f64>>],
}

/// What comes back.
#[derive(Debug)]
pub struct Answer {
    /// The run, its vectors given back.
    pub run: Run,
    /// ln Z at every temperature.
    pub log_z: Vec<f64>,
    /// `[operator][temperature]`.
    pub expectations: Vec<Vec<f64>>,
    /// `[pair][temperature]`.
    pub spectra: Vec<Vec<Spectrum>>,
}

/// Progress units of one shell from end to end.
const TICKS: u64 = iterate::SHELL_UNITS + density::TICKS + spectral::TICKS;

/// Answers every question at every temperature.
///
/// As many chains run side by side as there are threads, and share the bound on the memory of
/// eigenvectors; on a single one the threads divide the blocks.
pub fn dynamics(
    questions: &[Question<'_>],
    pairs: &[Pair],
    temperatures: &[f64],
    bins: &Bins,
    options: &Options,
    control: &Control,
) -> Result<Vec<Answer>, Error> {
    let shells: usize = questions.iter().map(|q| q.chain.sites() - 1).sum();
    control.add_total(shells as u64 * TICKS);
    let at_once = rayon::current_num_threads().clamp(1, questions.len().max(1));
    let options = Options {
        basis: Some(options.basis.unwrap_or(usize::MAX) / at_once),
        ..*options
    };
    let mut out = Vec::with_capacity(questions.len());
    for group in questions.chunks(at_once) {
        let answers = map_largest_first(
            group,
            |q| q.chain.sites(),
            |q| -> Result<Answer, Error> {
                let symmetry = q.seed.symmetry;
                let (mut run, outcome) = solve(q.seed, q.chain, &options, control);
                outcome?;
                let rho = densities(symmetry, &run, temperatures, control)?;
                let expectations = q
                    .statics
                    .iter()
                    .map(|o| {
                        rho.iter()
                            .map(|r| r.expectation(symmetry, &run, o))
                            .collect()
                    })
                    .collect();
                let spectra = spectra(symmetry, &run, q.tensors, pairs, &rho, bins, control)?;
                run.basis.clear();
                Ok(Answer {
                    run,
                    log_z: rho.iter().map(|r| r.log_z).collect(),
                    expectations,
                    spectra,
                })
            },
        );
        for answer in answers {
            out.push(answer?);
        }
    }
    Ok(out)
}
