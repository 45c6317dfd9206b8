//! Pseudo-particles of the non-crossing approximation: m = 0 (empty), 1 (one electron of a given
//! spin), 2 (double), `P_m(0) = 1`,
//!
//! `dP_m/dtau = -E_m P_m + int_0^tau Q_m(tau - s) P_m(s) ds`,
//! `Q_0 = 2 P_1 y`, `Q_1 = P_0 x + P_2 y`, `Q_2 = 2 P_1 x`,
//!
//! with `x(tau) = -Delta(tau)` and `y(tau) = x(beta - tau)`. Trapezoidal rule with the free evolution
//! exact: the error has even powers of the step only. O(N^2) products for N steps.

use crate::Error;
use kadanoff_runtime::Control;
use kadanoff_runtime::simd::{Kernel, Level, dispatch};

const LANES: usize = 32;
/// Steps between looks at the control.
const WATCH: usize = 256;

/// `P_m` on the grid, with energies as they were given.
#[derive(Debug, Clone)]
pub struct Propagators {
    /// Empty, single, double.
    pub p: [Vec<f64>; 3],
}

/// Solves for the propagators on the grid of `x`, from tau = 0 to beta.
pub fn propagate(
    energies: [f64; 3],
    x: &[f64],
    beta: f64,
    control: &Control,
) -> Result<Propagators, Error> {
    if x.len() < 2 || x.iter().chain(&energies).any(|v| !v.is_finite()) {
        return Err(Error::Argument(
            "x needs two finite values at least, and energies must be finite".into(),
        ));
    }
    let n = x.len() - 1;
    let h = beta / n as f64;
    let level = Level::best();
    let y = |k: usize| x[n - k];
    let mut p: [Vec<f64>; 3] = std::array::from_fn(|_| vec![0.0; n + 1]);
    // Q backwards in memory, so that a convolution is a product of contiguous pieces.
    let mut backwards = p.clone();
    let at_zero = [2.0 * y(0), x[0] + y(0), 2.0 * x[0]];
    for m in 0..3 {
        p[m][0] = 1.0;
        backwards[m][n] = at_zero[m];
    }
    let decay = energies.map(|e| (-h * e).exp());
    let mut memory = [0.0; 3];
    let quarter = 0.25 * h * h;
    for j in 0..n {
        if j % WATCH == 0 {
            control.check()?;
        }
        let k = j + 1;
        let known = dispatch(
            level,
            Convolve {
                q: std::array::from_fn(|m| &backwards[m][n - j..n]),
                p: std::array::from_fn(|m| &p[m][1..k]),
            },
        );
        let right: [f64; 3] = std::array::from_fn(|m| {
            decay[m] * (p[m][j] + 0.5 * h * memory[m]) + 0.5 * h * h * known[m]
        });
        // (1 - h^2/4 Q_m(0)) p_m - h^2/4 Q_m(tau) = right, with Q_m(tau) linear in the p.
        let (xk, yk) = (x[k], y(k));
        let d = at_zero.map(|q| 1.0 - quarter * q);
        let (a, b) = (2.0 * quarter * yk, 2.0 * quarter * xk);
        let (c, e) = (quarter * xk, quarter * yk);
        let p1 = (right[1] + c * right[0] / d[0] + e * right[2] / d[2])
            / (d[1] - c * a / d[0] - e * b / d[2]);
        let now = [(right[0] + a * p1) / d[0], p1, (right[2] + b * p1) / d[2]];
        let q = [2.0 * p1 * yk, now[0] * xk + now[2] * yk, 2.0 * p1 * xk];
        for m in 0..3 {
            p[m][k] = now[m];
            backwards[m][n - k] = q[m];
            memory[m] = h * (known[m] + 0.5 * q[m] + 0.5 * at_zero[m] * now[m]);
        }
    }
    Ok(Propagators { p })
}

struct Convolve<'a> {
    q: [&'a [f64]; 3],
    p: [&'a [f64]; 3],
}

impl Kernel for Convolve<'_> {
    type Output = [f64; 3];

    #[inline(always)]
    fn run<const FMA: bool>(self) -> [f64; 3] {
        // No closure here: it would be compiled without the vector instructions.
        [
            dot::<FMA>(self.q[0], self.p[0]),
            dot::<FMA>(self.q[1], self.p[1]),
            dot::<FMA>(self.q[2], self.p[2]),
        ]
    }
}

#[inline(always)]
fn dot<const FMA: bool>(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    let (a_whole, a_rest) = a.as_chunks::<LANES>();
    let (b_whole, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a_whole.iter().zip(b_whole) {
        for l in 0..LANES {
            sums[l] = if FMA {
                a[l].mul_add(b[l], sums[l])
            } else {
                sums[l] + a[l] * b[l]
            };
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_bath_levels_decay_freely() {
        let found = propagate([0.0, 0.7, 2.0], &[0.0; 65], 3.0, &Control::new()).unwrap();
        for (p, e) in found.p.iter().zip([0.0f64, 0.7, 2.0]) {
            for (k, p) in p.iter().enumerate() {
                let tau = 3.0 * k as f64 / 64.0;
                assert!((p - (-e * tau).exp()).abs() < 1e-13);
            }
        }
    }

    #[test]
    fn the_error_falls_with_the_square_of_the_step() {
        // One level at zero, half filled: x = v/2.
        let at_end = |n: usize| {
            let found = propagate([0.5, 0.0, 0.5], &vec![0.1; n + 1], 4.0, &Control::new());
            found.unwrap().p[1][n]
        };
        let (a, b, c) = (at_end(64), at_end(128), at_end(256));
        assert!(((a - b) / (b - c) - 4.0).abs() < 0.05);
    }

    #[test]
    fn particle_and_hole_change_places() {
        let x: Vec<f64> = (0..129)
            .map(|k| 0.3 * (-0.02 * f64::from(k)).exp())
            .collect();
        let mirrored: Vec<f64> = x.iter().rev().copied().collect();
        let control = Control::new();
        let a = propagate([0.3, 0.0, 1.0], &x, 5.0, &control).unwrap();
        let b = propagate([1.0, 0.0, 0.3], &mirrored, 5.0, &control).unwrap();
        for k in 0..129 {
            assert!((a.p[0][k] - b.p[2][k]).abs() < 1e-14);
            assert!((a.p[1][k] - b.p[1][k]).abs() < 1e-14);
        }
    }

    #[test]
    fn it_stops_when_asked() {
        let control = Control::new();
        control.cancel();
        let stopped = propagate([0.0; 3], &[0.1; 9], 1.0, &control);
        assert_eq!(stopped.unwrap_err(), Error::Cancelled);
        let empty = propagate([0.0; 3], &[0.1], 1.0, &Control::new());
        assert!(matches!(empty, Err(Error::Argument(_))));
    }
}
