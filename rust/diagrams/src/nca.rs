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

/// Steps that share one look at all that is older.
const BLOCK: usize = 32;
/// Numbers of a chunk, and terms that share the chunks that they load.
const LANES: usize = 4;
const SHARED: usize = 4;
const GROUP: usize = LANES * SHARED;
/// Steps between looks at the control.
const WATCH: usize = 8 * BLOCK;

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
    let at_zero = [2.0 * x[n], x[0] + x[n], 2.0 * x[0]];
    let quarter = 0.25 * h * h;
    if at_zero.iter().any(|q| quarter * q > 0.6) {
        return Err(Error::Argument(format!(
            "{n} steps are too few for this hybridisation: the step times V must be below 1"
        )));
    }
    // Beyond the last step there is room for a block: what it adds there is not read.
    let mut p: [Vec<f64>; 3] = std::array::from_fn(|_| vec![0.0; n + 1 + BLOCK]);
    let mut q = p.clone();
    for m in 0..3 {
        p[m][0] = 1.0;
        q[m][0] = at_zero[m];
    }
    let mut memory = [0.0; 3];
    for first in (1..=n).step_by(BLOCK) {
        if first % WATCH == 1 {
            control.check()?;
        }
        let block = Block {
            x,
            h,
            decay: energies.map(|e| (-h * e).exp()),
            p: &mut p,
            q: &mut q,
            memory: &mut memory,
            first,
        };
        dispatch(level, block);
    }
    for p in &mut p {
        p.truncate(n + 1);
    }
    Ok(Propagators { p })
}

/// The steps `first`, `first + 1`, ... of a block, all before them known.
struct Block<'a> {
    x: &'a [f64],
    h: f64,
    decay: [f64; 3],
    p: &'a mut [Vec<f64>; 3],
    /// `Q_m`, zero where it is not known yet.
    q: &'a mut [Vec<f64>; 3],
    /// The integrals at the last step.
    memory: &'a mut [f64; 3],
    first: usize,
}

impl Kernel for Block<'_> {
    type Output = ();

    /// No closures around long loops here: they would be compiled without the vector instructions.
    #[inline(always)]
    fn run<I: Instructions>(self) {
        let Self {
            x,
            h,
            decay,
            p,
            q,
            memory,
            first,
        } = self;
        let n = x.len() - 1;
        let (quarter, at_zero) = (0.25 * h * h, [q[0][0], q[1][0], q[2][0]]);
        let d = at_zero.map(|q| 1.0 / (1.0 - quarter * q));
        // sum_{0 < i < k} Q(k - i) P(i): for all steps of the block the terms before it at once.
        let mut known = [[0.0; BLOCK]; 3];
        for m in 0..3 {
            known[m] = older::<I>(&p[m][1..first], &q[m][1..]);
        }
        for (t, k) in (first..(first + BLOCK).min(n + 1)).enumerate() {
            let mut right = [0.0; 3];
            for m in 0..3 {
                right[m] =
                    decay[m] * (p[m][k - 1] + 0.5 * h * memory[m]) + 0.5 * h * h * known[m][t];
            }
            // (1 - h^2/4 Q_m(0)) p_m - h^2/4 Q_m(tau) = right, with Q_m(tau) linear in the p.
            let (xk, yk) = (x[k], x[n - k]);
            let (a, b) = (2.0 * quarter * yk, 2.0 * quarter * xk);
            let (c, e) = (quarter * xk, quarter * yk);
            let p1 = (right[1] + c * right[0] * d[0] + e * right[2] * d[2])
                / (1.0 - quarter * at_zero[1] - c * a * d[0] - e * b * d[2]);
            let now = [(right[0] + a * p1) * d[0], p1, (right[2] + b * p1) * d[2]];
            let other = [2.0 * p1 * yk, now[0] * xk + now[2] * yk, 2.0 * p1 * xk];
            for m in 0..3 {
                p[m][k] = now[m];
                q[m][k] = other[m];
                memory[m] = h * (known[m][t] + 0.5 * other[m] + 0.5 * at_zero[m] * now[m]);
                // What this step adds to later ones of the block: products with all that is older.
                let later = &mut known[m][t + 1..];
                let count = later.len().min(k - 1);
                for ((sum, p), q) in later.iter_mut().zip(&p[m][1..=count]).zip(&q[m][1..]) {
                    *sum = fused::<I>(now[m], *q, fused::<I>(other[m], *p, *sum));
                }
                if let Some(sum) = later.get_mut(k - 1) {
                    *sum += now[m] * other[m];
                }
            }
        }
    }
}

/// `sum_i P(i) Q(p.len() + 1 + t - i)` for all t of a block, P and Q counted from 1.
///
/// Terms `LANES` apart meet the same chunks of Q, a place further each: of a group every chunk is
/// loaded once for `SHARED` terms.
#[inline(always)]
fn older<I: Instructions>(p: &[f64], q: &[f64]) -> [f64; BLOCK] {
    const CHUNKS: usize = BLOCK / LANES;
    let mut sums = [[0.0; LANES]; CHUNKS];
    let (rest, groups) = p.as_rchunks::<GROUP>();
    for (p, start) in groups.iter().rev().zip((0..).step_by(GROUP)) {
        let Some((q, _)) = q[start..].split_first_chunk::<{ BLOCK + GROUP }>() else {
            break; // there is room for a block beyond the last step
        };
        for first in 0..LANES {
            for place in 0..CHUNKS + SHARED - 1 {
                let mut chunk = [0.0; LANES];
                chunk.copy_from_slice(&q[first + LANES * place..][..LANES]);
                for term in 0..SHARED {
                    if place < term || place - term >= CHUNKS {
                        continue;
                    }
                    let (factor, sum) = (p[GROUP - 1 - first - LANES * term], place - term);
                    for l in 0..LANES {
                        sums[sum][l] = fused::<I>(factor, chunk[l], sums[sum][l]);
                    }
                }
            }
        }
    }
    let mut out = [0.0; BLOCK];
    out.copy_from_slice(sums.as_flattened());
    for (p, start) in rest.iter().rev().zip(GROUP * groups.len()..) {
        for (out, q) in out.iter_mut().zip(&q[start..]) {
            *out = fused::<I>(*p, *q, *out);
        }
    }
    out
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
        for n in [1, 2, 3, 7, 31, 32, 33, 34, 63, 65, 150] {
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
