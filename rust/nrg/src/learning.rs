//! The exchange coupling J of a Kondo model from the partition function of an impurity.
//!
//! As `kadanoff.effective.learn(KondoModel(...), target, T=...)`: `ln Z(T)`, counted from the ground
//! state, of the shell whose scale is nearest to 2 T is matched by the Gauss-Newton steps of one
//! parameter, with `d ln Z / dJ = -(<S_d.S_0>_T - <S_d.S_0>_ground) / T`
//! (Rigo and Mitchell, doi:10.1103/PhysRevB.101.241105).

use crate::{Error, InitialCluster, Levels, Options, WilsonChain, kondo, solve};
use kadanoff_runtime::Control;

/// `omega_N / T` of the shell chosen for a temperature.
const BETABAR: f64 = 2.0;
/// Shortest chain.
const MIN_SITES: usize = 6;
/// Longest step, in units of J, and the longest towards zero.
const GROW: f64 = 3.0;
const SHRINK: f64 = 0.75;
/// Steps are relative to J, or to this share of the first J.
const MIN_UNIT: f64 = 0.1;
/// `d ln Z / d ln J` below which ln Z does not depend on J.
const INSENSITIVE: f64 = 1e-13;

/// A learned coupling.
#[derive(Debug, Clone, PartialEq)]
pub struct Learned {
    /// J, in units of the half bandwidth.
    pub j: f64,
    /// ln Z of the impurity at T, and that of the Kondo model with J.
    pub log_z: (f64, f64),
    /// Every J that was tried, with `ln Z_K - ln Z` there.
    pub history: Vec<(f64, f64)>,
}

/// J of the Kondo model in a flat band with the ln Z of `target` at the temperature `t`, sought from
/// `start` to a relative `tolerance`.
///
/// # Errors
/// A start or a temperature that is not positive, a search of more than `max_iterations` steps, and
/// what goes wrong in a run.
///
/// ```
/// use kadanoff_nrg::{Options, Truncation, anderson, learn_exchange};
/// use kadanoff_runtime::Control;
///
/// let options = Options {
///     truncation: Truncation {
///         states: None,
///         multiplets: Some(60),
///         energy: None,
///         gap: 1e-5,
///     },
///     memory_limit: None,
///     reuse: true,
///     basis: None,
/// };
/// let dot = anderson(0.5, -0.25, 0.125)?; // J_SW = 8 V^2 / U = 0.25
/// let found = learn_exchange(&dot, 4.0, 1e-4, 0.25, &options, (1e-6, 50), &Control::new())?;
/// assert!((found.j - 0.2).abs() < 0.01);
/// # Ok::<(), kadanoff_nrg::Error>(())
/// ```
pub fn learn_exchange(
    target: &InitialCluster,
    lambda: f64,
    t: f64,
    start: f64,
    options: &Options,
    (tolerance, max_iterations): (f64, usize),
    control: &Control,
) -> Result<Learned, Error> {
    if !(t > 0.0 && t.is_finite() && start > 0.0 && start.is_finite()) {
        return Err(Error::Argument(format!(
            "temperature and first coupling must be positive, got T = {t} and J = {start}"
        )));
    }
    let first = WilsonChain::flat_band(lambda, 1)?.scale[0];
    let shell = 2
        * ((first / (BETABAR * t)).ln() / lambda.ln())
            .round()
            .max(0.0) as usize;
    let chain = WilsonChain::flat_band(lambda, MIN_SITES.max(shell + 1))?;
    let search = Search {
        chain,
        shell,
        t,
        options,
        control,
    };
    let wanted = search.log_z(target)?.0;
    search.newton(start, wanted, tolerance, max_iterations)
}

struct Search<'a> {
    chain: WilsonChain,
    shell: usize,
    t: f64,
    options: &'a Options,
    control: &'a Control,
}

impl Search<'_> {
    /// ln Z from the ground state, and its derivative by the factor of the first operator, if any.
    fn log_z(&self, cluster: &InitialCluster) -> Result<(f64, f64), Error> {
        let (run, outcome) = solve(cluster, &self.chain, self.options, self.control);
        outcome?;
        let levels = Levels::new(cluster.symmetry, run);
        let thermal = levels.averages(&[self.shell], &[self.t], true)?;
        let slope = thermal[0].operators.first().map_or(0.0, |&mean| {
            -(mean - ground_expectation(&levels, self.shell)) / self.t
        });
        Ok((thermal[0].log_z, slope))
    }

    /// Steps of Gauss and Newton; the sign of the gradient brackets the minimum.
    fn newton(
        &self,
        start: f64,
        wanted: f64,
        tolerance: f64,
        max_iterations: usize,
    ) -> Result<Learned, Error> {
        let fail = |what: String| Err(Error::Argument(what));
        let least = MIN_UNIT * start;
        let (mut x, mut before) = (start, f64::INFINITY);
        let (mut left, mut right) = (f64::NAN, f64::NAN);
        let mut limited = 0;
        let mut history: Vec<(f64, f64)> = Vec::new();
        let mut best = (start, f64::INFINITY);
        while history.len() < max_iterations {
            let (log_z, slope) = self.log_z(&kondo(x)?)?;
            let residual = log_z - wanted;
            history.push((x, residual));
            if residual.abs() < best.1.abs() {
                best = (x, residual);
            }
            let unit = x.max(least);
            if (slope * unit).abs() < INSENSITIVE.max(3e-15 * unit / self.t) {
                return fail(format!(
                    "ln Z does not depend on J at J = {x}, T = {}",
                    self.t
                ));
            }
            if residual * slope > 0.0 {
                right = x;
            } else {
                left = x;
            }
            let step = -residual / slope;
            if step.abs() <= tolerance * unit || right - left <= tolerance * unit {
                return Ok(Learned {
                    j: best.0,
                    log_z: (wanted, wanted + best.1),
                    history,
                });
            }
            let mut new = x + step;
            if left < right {
                if !(left < new && new < right && step.abs() < before.abs() / 2.0) {
                    new = if left > 0.0 {
                        (left * right).sqrt()
                    } else {
                        0.5 * (left + right)
                    };
                }
            } else {
                let (inner, outer) = (x - SHRINK * unit, x + GROW * unit);
                if !(inner <= new && new <= outer) {
                    limited += 1;
                    if limited <= 2 {
                        new = new.clamp(inner, outer);
                    }
                }
                new = new.max(0.0);
            }
            if !new.is_finite() || new == 0.0 {
                return fail(format!(
                    "no Kondo model has this ln Z at T = {}: the search went from J = {x} to {new}",
                    self.t
                ));
            }
            (before, x) = (new - x, new);
        }
        fail(format!(
            "learning did not converge within {max_iterations} steps"
        ))
    }
}

/// The first operator in the ground state of a shell, averaged over its members; states within 1e-9 of
/// the scale count as degenerate.
fn ground_expectation(levels: &Levels, n: usize) -> f64 {
    let shell = &levels.shells[n];
    let (mut sum, mut weight) = (0.0, 0.0);
    for block in &shell.blocks {
        let d = levels.symmetry.dimension(&block.label) as f64;
        for (e, o) in block.energies.iter().zip(&block.expectations[0]) {
            if *e <= 1e-9 * shell.scale {
                sum += d * o;
                weight += d;
            }
        }
    }
    sum / weight
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::Truncation;

    const OPTIONS: Options = Options {
        truncation: Truncation {
            states: None,
            multiplets: Some(60),
            energy: None,
            gap: 1e-5,
        },
        memory_limit: None,
        reuse: true,
        basis: None,
    };

    #[test]
    fn a_kondo_model_learns_itself() {
        let target = kondo(0.21).unwrap();
        let search = (1e-8, 30);
        let found =
            learn_exchange(&target, 4.0, 1e-3, 0.3, &OPTIONS, search, &Control::new()).unwrap();
        assert!((found.j - 0.21).abs() < 1e-7, "{found:?}");
        assert!((found.log_z.0 - found.log_z.1).abs() < 1e-7);
    }

    #[test]
    fn a_search_that_cannot_begin_is_refused() {
        let target = kondo(0.2).unwrap();
        for (t, start) in [(0.0, 0.2), (f64::NAN, 0.2), (1e-3, 0.0)] {
            let control = Control::new();
            let found = learn_exchange(&target, 4.0, t, start, &OPTIONS, (1e-6, 30), &control);
            assert!(found.is_err());
        }
    }
}
