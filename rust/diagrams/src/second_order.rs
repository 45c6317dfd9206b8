//! Second-order perturbation theory for a bath of few levels, by sums over poles.
//!
//! `Sigma2(tau) = -U^2 G0(tau)^2 G0(-tau)` with `G0 = sum_a w_a / (z - E_a)` is
//! `U^2 sum_abc w_a w_b w_c [(1 - f_a)(1 - f_b) f_c + f_a f_b (1 - f_c)] / (z - E_a - E_b + E_c)`,
//! f the Fermi function.

use crate::Error;
use faer::{Mat, c64};
use kadanoff_linalg::Reduced;

/// `Sigma2 / U^2`, and the occupation of `G0`.
#[derive(Debug, Clone, PartialEq)]
pub struct SecondOrder {
    /// Energies, ascending.
    pub energies: Vec<f64>,
    /// Residues, not negative.
    pub weights: Vec<f64>,
    /// `sum_a w_a f_a`.
    pub occupation: f64,
}

/// The poles of `Sigma2 / U^2` for given poles of `G0`; those closer than `distance` are made one.
///
/// ```
/// use kadanoff_diagrams::second_order;
///
/// // Two levels at +-1 and half filling: poles of the self-energy at +-1 and +-3.
/// let found = second_order(&[-1.0, 1.0], &[0.5, 0.5], 50.0, 1e-9);
/// assert!((found.occupation - 0.5).abs() < 1e-12);
/// let total: f64 = found.weights.iter().sum();
/// assert!((total - 0.25).abs() < 1e-12);
/// ```
pub fn second_order(levels: &[f64], weights: &[f64], beta: f64, distance: f64) -> SecondOrder {
    let n = levels.len();
    let fermi = |e: f64| {
        let x = (-beta * e.abs()).exp();
        let (full, empty) = if e > 0.0 { (x, 1.0) } else { (1.0, x) };
        (full / (1.0 + x), empty / (1.0 + x))
    };
    let (holes, particles): (Vec<f64>, Vec<f64>) = levels
        .iter()
        .zip(weights)
        .map(|(&e, w)| {
            let (f, h) = fermi(e);
            (w * f, w * h)
        })
        .unzip();
    let mut poles = Vec::with_capacity(n * n * (n + 1) / 2);
    for a in 0..n {
        for b in 0..=a {
            let both = if a == b { 1.0 } else { 2.0 };
            for c in 0..n {
                let particle = particles[a] * particles[b] * holes[c];
                let hole = holes[a] * holes[b] * particles[c];
                let energy = levels[a] + levels[b] - levels[c];
                poles.push((energy, both * (particle + hole)));
            }
        }
    }
    poles.sort_unstable_by(|x, y| x.0.total_cmp(&y.0).then(x.1.total_cmp(&y.1)));
    let mut found = SecondOrder {
        energies: Vec::new(),
        weights: Vec::new(),
        occupation: holes.iter().sum(),
    };
    let mut rest = poles.as_slice();
    while let Some(&(first, _)) = rest.first() {
        let count = rest.partition_point(|p| p.0 - first <= distance).max(1);
        let (group, others) = rest.split_at(count);
        rest = others;
        let weight: f64 = group.iter().map(|p| p.1).sum();
        if weight > 0.0 {
            // From the first on: nothing is lost where energies are large and differences small.
            let moment: f64 = group.iter().map(|p| p.1 * (p.0 - first)).sum();
            found.energies.push(first + moment / weight);
            found.weights.push(weight);
        }
    }
    found
}

/// The interpolation of Kajueter and Kotliar for a bath of few levels, n = n0 of G0:
///
/// `Sigma = U n0 + Sigma2 / (1 - B Sigma2)`, `B = ((1 - n0) U + level - level0) / (n0 (1 - n0) U^2)`,
/// with G0 = 1 / (z - level0 - Delta).
///
/// H. Kajueter, G. Kotliar, Phys. Rev. Lett. 77, 131 (1996), doi:10.1103/PhysRevLett.77.131,
/// Eqs. (6)-(9).
#[derive(Debug, Clone)]
pub struct Interpolation {
    /// Repulsion, positive.
    pub u: f64,
    /// Level of the impurity.
    pub level: f64,
    /// Inverse temperature.
    pub beta: f64,
    /// Levels of the bath.
    pub e: Vec<f64>,
    /// Their `V^2`.
    pub weights: Vec<f64>,
    /// Points `z = iy` and residues of a sum for the Fermi function,
    /// `n = 1/2 + 2 T sum_p R_p Re G(i y_p)`.
    pub y: Vec<f64>,
    /// `R_p`.
    pub residues: Vec<f64>,
}

impl Interpolation {
    /// `n - n0`, by how much the occupation of G exceeds that of G0 with the impurity at `level0`.
    ///
    /// ```
    /// use kadanoff_diagrams::Interpolation;
    ///
    /// // Half filling: nothing is in excess with the impurity of G0 at the chemical potential.
    /// let problem = Interpolation {
    ///     u: 2.0,
    ///     level: -1.0,
    ///     beta: 10.0,
    ///     e: vec![-0.5, 0.5],
    ///     weights: vec![0.1, 0.1],
    ///     y: vec![0.3, 1.0],
    ///     residues: vec![1.0, 1.2],
    /// };
    /// assert!(problem.excess(0.0)?.abs() < 1e-12);
    /// # Ok::<(), kadanoff_diagrams::Error>(())
    /// ```
    pub fn excess(&self, level0: f64) -> Result<f64, Error> {
        let n = self.e.len() + 1;
        let h = Mat::from_fn(n, n, |i, j| match (i, j) {
            (0, 0) => level0,
            (i, 0) => self.weights[i - 1].sqrt(),
            (i, j) if i == j => self.e[i - 1],
            _ => 0.0,
        });
        let reduced = Reduced::new(h)?;
        let levels = reduced.values().to_vec();
        let weights = reduced.weights()?;
        let scale = levels.iter().fold(0.0, |m: f64, e| m.max(e.abs()));
        let second = second_order(&levels, &weights, self.beta, 1e-13 * scale);
        let n0 = second.occupation.clamp(1e-12, 1.0 - 1e-12);
        let u2 = self.u * self.u;
        let b = ((1.0 - n0) * self.u + self.level - level0) / (n0 * (1.0 - n0) * u2);
        let mut sum = 0.0;
        for (&y, r) in self.y.iter().zip(&self.residues) {
            let at = |energies: &[f64], weights: &[f64]| {
                let (mut re, mut im) = (0.0, 0.0);
                for (e, w) in energies.iter().zip(weights) {
                    let q = w / (e * e + y * y);
                    re -= e * q;
                    im -= y * q;
                }
                c64::new(re, im)
            };
            let sigma = at(&second.energies, &second.weights) * u2;
            let own = c64::new(-self.level - self.u * n0, y);
            let g = (own - at(&self.e, &self.weights) - sigma / (1.0 - sigma * b)).inv();
            sum += r * g.re;
        }
        Ok(0.5 + 2.0 / self.beta * sum - n0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_product_in_time_is_that_of_green_functions() {
        let (e, w, beta) = ([-0.7, 0.1, 1.3], [0.2, 0.5, 0.3], 3.0);
        let green = |e: &[f64], w: &[f64], tau: f64| -> f64 {
            let terms = e.iter().zip(w);
            terms
                .map(|(e, w)| w * (-tau * e).exp() / (1.0 + (-beta * e).exp()))
                .sum()
        };
        let found = second_order(&e, &w, beta, 1e-13);
        for tau in [0.0, 0.4, 1.5, 3.0] {
            let product = green(&e, &w, tau).powi(2) * green(&e, &w, beta - tau);
            let sum = green(&found.energies, &found.weights, tau);
            assert!((product - sum).abs() < 1e-14, "{tau}: {product} {sum}");
        }
        assert!(found.energies.is_sorted() && found.energies.len() < 18);
    }

    #[test]
    fn there_is_no_excess_at_half_filling() -> Result<(), Error> {
        let problem = Interpolation {
            u: 2.0,
            level: -1.0,
            beta: 3.0,
            e: vec![-0.6, 0.6],
            weights: vec![0.2, 0.2],
            y: vec![std::f64::consts::FRAC_PI_3, std::f64::consts::PI],
            residues: vec![1.0, 1.0],
        };
        assert!(problem.excess(0.0)?.abs() < 1e-14);
        assert!(problem.excess(0.1)?.abs() > 1e-3);
        Ok(())
    }
}
