//! S_imp and T chi_imp as smooth functions of T, and where they fall through a value.
//!
//! As `kadanoff.impurities.effective.smooth_curve`: one temperature per shell, and the mean of the
//! cubic splines in ln T through the even and through the odd shells.

use crate::{Average, Error, Levels, WilsonChain, clean_chains};

/// `omega_N / T` at the temperature of a shell.
const BETABAR: f64 = 1.5;
/// Least number of shells: two of each parity.
const MIN_SHELLS: usize = 4;

/// A contribution of the impurity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// S, in nats.
    Entropy,
    /// `T chi = <S_z^2> - <S_z>^2`.
    TChi,
}

impl Quantity {
    fn of(self, average: &Average, t: f64) -> f64 {
        match self {
            Self::Entropy => average.log_z + average.energy / t,
            Self::TChi => average.spin_variance,
        }
    }
}

/// An impurity contribution of one run as a function of T.
///
/// ```
/// use kadanoff_nrg::{
///     Levels, Options, Quantity, SmoothCurve, Truncation, WilsonChain, kondo, solve,
/// };
/// use kadanoff_runtime::Control;
///
/// let chain = WilsonChain::flat_band(4.0, 16)?;
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
/// let cluster = kondo(0.6)?;
/// let (run, outcome) = solve(&cluster, &chain, &options, &Control::new());
/// outcome?;
/// let levels = Levels::new(cluster.symmetry, run);
/// let curve = SmoothCurve::new(&levels, &chain, Quantity::TChi)?;
/// let t_k = curve.crossing(0.0701).unwrap_or(0.0);
/// assert!((curve.at(t_k) - 0.0701).abs() < 1e-6);
/// let (lowest, highest) = curve.range();
/// assert!(lowest < t_k && t_k < highest);
/// # Ok::<(), kadanoff_nrg::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct SmoothCurve {
    /// Temperature of every shell, descending.
    pub temperatures: Vec<f64>,
    /// Impurity contribution of every shell.
    pub values: Vec<f64>,
}

impl SmoothCurve {
    /// The curve of a run along `chain`.
    ///
    /// # Errors
    /// Fewer than four shells, or a chain of another length.
    pub fn new(levels: &Levels, chain: &WilsonChain, quantity: Quantity) -> Result<Self, Error> {
        let count = levels.shells.len();
        if count < MIN_SHELLS || chain.sites() != count {
            return Err(Error::Argument(format!(
                "a curve needs at least {MIN_SHELLS} shells and their chain, got {count} shells and \
                 {} sites",
                chain.sites()
            )));
        }
        let shells: Vec<usize> = (0..count).collect();
        let temperatures: Vec<f64> = chain.scale.iter().map(|w| w / BETABAR).collect();
        let full = levels.averages(&shells, &temperatures, true)?;
        let (_, clean) = clean_chains(chain, &shells, &temperatures)?;
        let values = (0..count)
            .map(|n| {
                let t = temperatures[n];
                quantity.of(&full[n], t) - quantity.of(&clean[n], t)
            })
            .collect();
        Ok(Self {
            temperatures,
            values,
        })
    }

    /// The lowest and the highest temperature between which both parities have shells.
    pub fn range(&self) -> (f64, f64) {
        (
            self.temperatures[self.temperatures.len() - 2],
            self.temperatures[1],
        )
    }

    /// The curve at one temperature.
    pub fn at(&self, t: f64) -> f64 {
        even_odd_mean(&self.temperatures, &self.values, &[t])[0]
    }

    /// The lowest T at which the curve falls through `value`; `None` if it stays on one side.
    pub fn crossing(&self, value: f64) -> Option<f64> {
        let (lowest, highest) = self.range();
        let points = 20 * self.temperatures.len();
        let ratio = (highest / lowest).ln() / (points - 1) as f64;
        let t: Vec<f64> = (0..points)
            .map(|i| lowest * (ratio * i as f64).exp())
            .collect();
        let y = even_odd_mean(&self.temperatures, &self.values, &t);
        let above = y.iter().position(|&y| y >= value).filter(|&i| i > 0)?;
        let (mut low, mut high) = (t[above - 1], t[above]);
        while high - low > 1e-9 * low {
            let middle = (low * high).sqrt();
            if self.at(middle) >= value {
                high = middle;
            } else {
                low = middle;
            }
        }
        Some((low * high).sqrt())
    }
}

/// Mean of the splines in ln T through the even and through the odd entries of `y`, whose
/// temperatures `t` descend; at least four entries.
///
/// ```
/// use kadanoff_nrg::even_odd_mean;
///
/// let t: Vec<f64> = (0..12).map(|n| 2.5_f64.powf(-0.5 * f64::from(n))).collect();
/// let y: Vec<f64> = (0..12)
///     .map(|n| t[n].ln().powi(2) + if n % 2 == 0 { 0.1 } else { -0.1 })
///     .collect();
/// assert!((even_odd_mean(&t, &y, &[0.05])[0] - 0.05_f64.ln().powi(2)).abs() < 1e-12);
/// ```
pub fn even_odd_mean(t: &[f64], y: &[f64], at: &[f64]) -> Vec<f64> {
    let branch = |s: usize| -> (Vec<f64>, Vec<f64>) {
        let points = t.iter().zip(y).rev().skip(s).step_by(2);
        points.map(|(t, y)| (t.ln(), *y)).unzip()
    };
    let log: Vec<f64> = at.iter().map(|t| t.ln()).collect();
    let [even, odd] = [0, 1].map(|s| {
        let (x, y) = branch(s);
        cubic(&x, &y, &log)
    });
    even.iter().zip(&odd).map(|(a, b)| 0.5 * (a + b)).collect()
}

/// The cubic spline through at least two points, "not a knot" at its ends (de Boor, A Practical
/// Guide to Splines, chapter IV); as `kadanoff._base.splines.cubic`.
fn cubic(x: &[f64], y: &[f64], at: &[f64]) -> Vec<f64> {
    let n = x.len();
    let h: Vec<f64> = x.windows(2).map(|w| w[1] - w[0]).collect();
    let secant: Vec<f64> = (0..n - 1).map(|i| (y[i + 1] - y[i]) / h[i]).collect();
    let slope = if n > 2 {
        slopes(x, &h, &secant)
    } else {
        vec![secant[0]; 2]
    };
    let value = |t: f64| {
        let i = x.partition_point(|&x| x <= t).clamp(1, n - 1) - 1;
        let u = t - x[i];
        let bend = (slope[i] + slope[i + 1] - 2.0 * secant[i]) / h[i];
        let second = (secant[i] - slope[i]) / h[i] - bend;
        y[i] + u * (slope[i] + u * (second + u * bend / h[i]))
    };
    at.iter().map(|&t| value(t)).collect()
}

/// Derivatives at three and more points: a tridiagonal system but for the condition at its ends, of
/// which one step of elimination leaves a tridiagonal one.
fn slopes(x: &[f64], h: &[f64], secant: &[f64]) -> Vec<f64> {
    let n = x.len();
    let (mut low, mut middle, mut high) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
    let mut right = vec![0.0; n];
    for k in 1..n - 1 {
        (low[k], high[k]) = (h[k], h[k - 1]);
        middle[k] = 2.0 * (h[k] + h[k - 1]);
        right[k] = 3.0 * (h[k] * secant[k - 1] + h[k - 1] * secant[k]);
    }
    if n == 3 {
        (middle[0], high[0], low[2], middle[2]) = (1.0, 1.0, 1.0, 1.0);
        (right[0], right[2]) = (2.0 * secant[0], 2.0 * secant[1]);
    } else {
        let wide = x[2] - x[0];
        (middle[0], high[0]) = (h[1], wide);
        right[0] = ((h[0] + 2.0 * wide) * h[1] * secant[0] + h[0].powi(2) * secant[1]) / wide;
        let wide = x[n - 1] - x[n - 3];
        (low[n - 1], middle[n - 1]) = (wide, h[n - 3]);
        right[n - 1] = (h[n - 2].powi(2) * secant[n - 3]
            + (2.0 * wide + h[n - 2]) * h[n - 3] * secant[n - 2])
            / wide;
    }
    for k in 1..n {
        let factor = low[k] / middle[k - 1];
        middle[k] -= factor * high[k - 1];
        right[k] -= factor * right[k - 1];
    }
    right[n - 1] /= middle[n - 1];
    for k in (0..n - 1).rev() {
        right[k] = (right[k] - high[k] * right[k + 1]) / middle[k];
    }
    right
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cubic_is_its_own_spline() {
        let x = [0.0, 1.0, 3.0, 4.0, 6.0];
        let y = x.map(|x: f64| x.powi(3) - x);
        let got = cubic(&x, &y, &[2.0, 5.0, 7.0]);
        for (got, wanted) in got.iter().zip([6.0, 120.0, 336.0]) {
            assert!((got - wanted).abs() < 1e-12 * wanted);
        }
        // Three points are a parabola, two a line.
        assert!((cubic(&x[..3], &[0.0, 1.0, 9.0], &[2.0])[0] - 4.0).abs() < 1e-14);
        assert!((cubic(&x[..2], &[0.0, 1.0], &[0.5])[0] - 0.5).abs() < 1e-15);
    }
}
