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
use kadanoff_runtime::simd::{Instructions, Kernel, Level, dispatch};

const LANES: usize = 16;
/// Steps whose convolutions share what they load.
const BLOCK: usize = 4;
/// Steps between looks at the control.
const WATCH: usize = 256;

/// `P_m` on the grid, with energies as they were given.
#[derive(Debug, Clone)]
pub struct Propagators {
    /// Empty, single, double.
    pub p: [Vec<f64>; 3],
}

/// Solves for the propagators on the grid of `x`, from tau = 0 to beta.
///
/// ```
/// use kadanoff_diagrams::propagate;
/// use kadanoff_runtime::Control;
///
/// // Without a bath the atom keeps its states: P_m(tau) = exp(-E_m tau).
/// let found = propagate([0.0, -0.5, 0.0], &[0.0; 101], 10.0, &Control::new())?;
/// assert!((found.p[1][100] - 5.0_f64.exp()).abs() < 1e-9);
/// # Ok::<(), kadanoff_diagrams::Error>(())
/// ```
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
    let level = Level::current();
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
    if at_zero.iter().any(|q| quarter * q > 0.6) {
        return Err(Error::Argument(format!(
            "{n} steps are too few for this hybridisation: the step times V must be below 1"
        )));
    }
    let mut far = [[0.0; BLOCK]; 3];
    for j in 0..n {
        if j % WATCH == 0 {
            control.check()?;
        }
        let k = j + 1;
        // sum_{0 < i < k} Q(k - i) P(i): for a block of steps the terms before it all at once.
        let t = j % BLOCK;
        let first = k - t;
        if t == 0 {
            // The last block may reach beyond the end: what it adds there is not read.
            let shift = |t: usize| (n + 1).saturating_sub(first + t);
            for m in 0..3 {
                far[m] = dispatch(
                    level,
                    Convolve {
                        p: &p[m][1..first],
                        q: std::array::from_fn(|t| &backwards[m][shift(t)..][..first - 1]),
                    },
                );
            }
        }
        let known: [f64; 3] = std::array::from_fn(|m| {
            // What is younger than the block: P(i), or Q(k - i), which was still zero above.
            let near = (1..first.min(t + 1))
                .chain(first..k)
                .map(|i| backwards[m][n - (k - i)] * p[m][i]);
            far[m][t] + near.sum::<f64>()
        });
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
    p: &'a [f64],
    q: [&'a [f64]; BLOCK],
}

impl Kernel for Convolve<'_> {
    type Output = [f64; BLOCK];

    /// p times every q. No closure here: it would be compiled without the vector instructions. Sums
    /// are variables of their own: an array of them would stay in memory.
    #[inline(always)]
    fn run<I: Instructions>(self) -> [f64; BLOCK] {
        let zero = [0.0; LANES];
        let (mut s0, mut s1, mut s2, mut s3) = (zero, zero, zero, zero);
        let (whole, rest) = self.p.as_chunks::<LANES>();
        let [q0, q1, q2, q3] = self.q;
        let (q0, r0) = q0.as_chunks::<LANES>();
        let (q1, r1) = q1.as_chunks::<LANES>();
        let (q2, r2) = q2.as_chunks::<LANES>();
        let (q3, r3) = q3.as_chunks::<LANES>();
        for ((((p, q0), q1), q2), q3) in whole.iter().zip(q0).zip(q1).zip(q2).zip(q3) {
            for l in 0..LANES {
                s0[l] = fused::<I>(p[l], q0[l], s0[l]);
                s1[l] = fused::<I>(p[l], q1[l], s1[l]);
                s2[l] = fused::<I>(p[l], q2[l], s2[l]);
                s3[l] = fused::<I>(p[l], q3[l], s3[l]);
            }
        }
        let total = |sum: [f64; LANES], r: &[f64]| {
            let rest = rest.iter().zip(r).map(|(p, q)| p * q);
            sum.into_iter().chain(rest).sum()
        };
        [total(s0, r0), total(s1, r1), total(s2, r2), total(s3, r3)]
    }
}

#[inline(always)]
fn fused<I: Instructions>(a: f64, b: f64, c: f64) -> f64 {
    if I::FMA { a.mul_add(b, c) } else { c + a * b }
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
    fn blocks_add_up_to_the_plain_rule() {
        // The trapezoidal rule with every sum written out, for lengths that blocks do not divide.
        for n in [1, 2, 3, 5, 6, 7, 50] {
            let (beta, e) = (2.0, [0.4, 0.0, 0.9]);
            let h = beta / n as f64;
            let x: Vec<f64> = (0..=n).map(|k| 0.1 * (-0.4 * h * k as f64).exp()).collect();
            let found = propagate(e, &x, beta, &Control::new()).unwrap().p;
            let q = |m: usize, k: usize| match m {
                0 => 2.0 * found[1][k] * x[n - k],
                1 => found[0][k] * x[k] + found[2][k] * x[n - k],
                _ => 2.0 * found[1][k] * x[k],
            };
            let memory = |m: usize, k: usize| -> f64 {
                let term = |i: usize| if i == 0 || i == k { 0.5 } else { 1.0 };
                if k == 0 {
                    return 0.0;
                }
                (0..=k)
                    .map(|i| h * term(i) * q(m, k - i) * found[m][i])
                    .sum()
            };
            for m in 0..3 {
                for k in 1..=n {
                    let decay = (-h * e[m]).exp();
                    let before = found[m][k - 1] + 0.5 * h * memory(m, k - 1);
                    let rule = decay * before + 0.5 * h * memory(m, k);
                    assert!((found[m][k] - rule).abs() < 1e-12, "{n} {m} {k}");
                }
            }
        }
    }

    #[test]
    fn it_stops_when_asked() {
        let control = Control::new();
        control.cancel();
        let stopped = propagate([0.0; 3], &[0.1; 9], 1.0, &control);
        assert_eq!(
            stopped.unwrap_err(),
            Error::Cancelled(kadanoff_runtime::Cancelled)
        );
        let coarse = propagate([0.0; 3], &[9.0; 9], 5.0, &Control::new());
        assert!(matches!(coarse, Err(Error::Argument(_))));
        let empty = propagate([0.0; 3], &[0.1], 1.0, &Control::new());
        assert!(matches!(empty, Err(Error::Argument(_))));
    }
}
