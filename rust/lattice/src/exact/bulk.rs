//! The infinite square lattice in closed form, couplings J = 1 along both axes.

use std::f64::consts::{PI, SQRT_2};

/// Energy per site, `-coth(2K) (1 + (2/pi) (2 tanh(2K)^2 - 1) K_1(k))`,
/// `k = 2 sinh(2K) / cosh(2K)^2`, K = 1/T (Onsager, doi:10.1103/PhysRev.65.117).
///
/// ```
/// use kadanoff_lattice::exact::bulk_energy;
///
/// let critical = 2.0 / (1.0 + 2.0_f64.sqrt()).ln();
/// assert!((bulk_energy(critical) + 2.0_f64.sqrt()).abs() < 1e-7);
/// assert!((bulk_energy(0.2) + 2.0).abs() < 1e-12);
/// ```
pub fn bulk_energy(t: f64) -> f64 {
    let x = 2.0 / t;
    let tanh = x.tanh();
    let weight = 2.0 * tanh * tanh - 1.0;
    // 1 - k^2 = (2 tanh^2 - 1)^2: no cancellation where k is nearly 1. At T_c the product vanishes.
    let elliptic = PI / (2.0 * mean(1.0, weight.abs()));
    let product = if weight == 0.0 {
        0.0
    } else {
        weight * elliptic
    };
    -(1.0 + 2.0 / PI * product) / tanh
}

/// Spontaneous magnetisation per site, `(1 - sinh(2K)^-4)^(1/8)` below T_c
/// (Yang, doi:10.1103/PhysRev.85.808).
///
/// ```
/// use kadanoff_lattice::exact::bulk_magnetisation;
///
/// assert_eq!(bulk_magnetisation(3.0), 0.0);
/// assert!((bulk_magnetisation(2.0) - 0.9113193).abs() < 1e-7);
/// ```
pub fn bulk_magnetisation(t: f64) -> f64 {
    if t * (1.0 + SQRT_2).ln() >= 2.0 {
        return 0.0;
    }
    (1.0 - (2.0 / t).sinh().powi(-4)).max(0.0).powf(0.125)
}

/// The arithmetic-geometric mean.
fn mean(mut a: f64, mut b: f64) -> f64 {
    while (a - b).abs() > 1e-15 * a {
        (a, b) = (0.5 * (a + b), (a * b).sqrt());
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_energy_has_its_high_temperature_series() {
        // tanh K series: e = -2 tanh K (1 + 2 tanh^2 K + ...) to fifth order
        let k: f64 = 0.01;
        let w = k.tanh();
        let series = -2.0 * w * (1.0 + 2.0 * w * w);
        assert!((bulk_energy(1.0 / k) - series).abs() < 20.0 * k.powi(5));
    }
}
