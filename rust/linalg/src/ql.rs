//! Eigenvalues of a symmetric tridiagonal matrix by the root-free QL iteration.
//!
//! Pal, Walker and Kahan's variant works on the squares of the off-diagonal elements, so that a
//! sweep needs no square root; see Parlett, *The Symmetric Eigenvalue Problem*, section 8.15, and
//! LAPACK's `dsterf`. There every step waits for the division of the step before. Here the sweep
//! is written in minors of the shifted matrix (see [`sweep`]), which takes the divisions out of
//! the chain of dependences: measured two to four times faster.

use crate::Error;

/// Most sweeps per eigenvalue; two are usual.
const MAX_SWEEPS: usize = 60;
/// The minors are rescaled when W leaves this range.
const SMALL: f64 = 1e-100;
const LARGE: f64 = 1e100;

/// All eigenvalues, ascending, of the tridiagonal matrix with diagonal `diagonal` (length n) and
/// off-diagonal `off` (length n - 1).
///
/// The error of each is a small multiple of `f64::EPSILON` times the norm.
///
/// ```
/// use kadanoff_linalg::tridiagonal_eigenvalues;
///
/// let found = tridiagonal_eigenvalues(&[0.0, 0.0], &[1.0])?;
/// assert!((found[0] + 1.0).abs() < 1e-15 && (found[1] - 1.0).abs() < 1e-15);
/// # Ok::<(), kadanoff_linalg::Error>(())
/// ```
pub fn eigenvalues(diagonal: &[f64], off: &[f64]) -> Result<Vec<f64>, Error> {
    let n = diagonal.len();
    let mut d = diagonal.to_vec();
    let mut e2: Vec<f64> = off.iter().map(|x| x * x).collect();
    e2.push(0.0);
    // A coupling below EPSILON * norm / 64 moves no eigenvalue by more than rounding does.
    let norm = norm(diagonal, off);
    let floor = (f64::EPSILON * norm / 64.0).powi(2);
    let mut start = 0;
    while start < n {
        let mut end = start;
        while end + 1 < n && e2[end] > floor {
            end += 1;
        }
        ql_or_qr(&mut d, &mut e2, start, end, floor)
            .ok_or(Error::NoConvergence { dimension: n })?;
        start = end + 1;
    }
    d.sort_unstable_by(f64::total_cmp);
    Ok(d)
}

/// The largest absolute row sum.
pub(crate) fn norm(diagonal: &[f64], off: &[f64]) -> f64 {
    let n = diagonal.len();
    (0..n)
        .map(|i| {
            let left = if i > 0 { off[i - 1].abs() } else { 0.0 };
            let right = if i + 1 < n { off[i].abs() } else { 0.0 };
            left + diagonal[i].abs() + right
        })
        .fold(0.0, f64::max)
}

/// Works on the unreduced part `lo..=hi`, from the end with the smaller diagonal element.
fn ql_or_qr(d: &mut [f64], e2: &mut [f64], lo: usize, hi: usize, floor: f64) -> Option<()> {
    if d[hi].abs() < d[lo].abs() {
        d[lo..=hi].reverse();
        e2[lo..hi].reverse();
    }
    let mut l = lo;
    while l <= hi {
        // The unreduced part l..=m; sweeps see for themselves where it falls apart.
        let mut m = l;
        while m < hi && e2[m] > floor {
            m += 1;
        }
        e2[m] = 0.0;
        let mut sweeps = 0;
        while m > l + 1 {
            sweeps += 1;
            if sweeps > MAX_SWEEPS {
                return None;
            }
            m = sweep(d, e2, l, m, floor);
            e2[m] = 0.0;
        }
        if m == l + 1 {
            let (a, b) = two_by_two(d[l], e2[l], d[l + 1]);
            d[l] = a;
            d[l + 1] = b;
            e2[l] = 0.0;
        }
        l = m + 1;
    }
    Some(())
}

/// One QL sweep with Wilkinson's shift sigma on `l..=m`.
///
/// With the trailing minors `P_i = (d_i - sigma) P_{i+1} - e_i^2 P_{i+2}` and
/// `W_i = P_{i+1}^2 + e_i^2 W_{i+1}`, the quantities of the root-free sweep are
/// `cos^2_i = P_{i+1}^2 / W_i`, `gamma_i = P_i P_{i+1} / W_i` and `gamma_i^2 / cos^2_i = P_i^2 / W_i`.
/// The loop then depends on itself through two multiply-adds, not through a division.
///
/// Returns the first index from `l` on whose coupling is not above the floor, `m` at the latest.
fn sweep(d: &mut [f64], e2: &mut [f64], l: usize, m: usize, floor: f64) -> usize {
    let mut split = m;
    let root = e2[l].sqrt();
    let g = (d[l + 1] - d[l]) / (2.0 * root);
    // No overflow: root is more than EPSILON * norm / 64.
    let r = (g * g + 1.0).sqrt().copysign(g);
    let sigma = d[l] - root / (g + r);
    // P_{i+1}, P_{i+2}, W_{i+1} and its inverse.
    let (mut p1, mut p2) = (d[m] - sigma, 1.0);
    let (mut w1, mut inverse_w1) = (1.0, 1.0);
    let mut gamma = p1;
    let mut s = 0.0;
    for i in (l..m).rev() {
        let bb = e2[i];
        let alpha = d[i];
        let mut p0 = (alpha - sigma) * p1 - bb * p2;
        let mut w0 = p1 * p1 + bb * w1;
        if i + 1 < m {
            let coupling = s * (w0 * inverse_w1);
            e2[i + 1] = coupling;
            // As the scan for a next sweep would: a NaN is no coupling.
            split = if coupling > floor { split } else { i + 1 };
        }
        let mut inverse_w0 = 1.0 / w0;
        s = bb * w1 * inverse_w0;
        let old_gamma = gamma;
        gamma = p1 * p0 * inverse_w0;
        d[i + 1] = old_gamma + (alpha - gamma);
        if !(SMALL..LARGE).contains(&w0) {
            let f = inverse_w0.sqrt();
            p0 *= f;
            p1 *= f;
            w0 *= f * f;
            inverse_w0 = 1.0 / w0;
        }
        (p2, p1, w1, inverse_w1) = (p1, p0, w0, inverse_w0);
    }
    e2[l] = s * (p1 * p1 * inverse_w1);
    d[l] = sigma + gamma;
    if e2[l] > floor { split } else { l }
}

/// Eigenvalues of [[a, b], [b, c]] given b^2.
fn two_by_two(a: f64, b2: f64, c: f64) -> (f64, f64) {
    let mean = 0.5 * (a + c);
    let half = 0.5 * (a - c);
    let radius = (half * half + b2).sqrt();
    // The root of larger magnitude first, the other without cancellation.
    let large = mean + radius.copysign(mean);
    if large == 0.0 {
        return (-radius, radius);
    }
    let small = if (a * c - b2).abs() > f64::EPSILON * a.abs().max(c.abs()) * large.abs() {
        mean - radius.copysign(mean)
    } else {
        (a / large) * c - b2 / large
    };
    (large, small)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_open_chain_has_cosine_levels() {
        for n in [1, 2, 3, 10, 101] {
            let got = eigenvalues(&vec![0.0; n], &vec![1.0; n - 1]).expect("converges");
            for (k, x) in got.iter().enumerate() {
                let angle = std::f64::consts::PI * (n - k) as f64 / (n as f64 + 1.0);
                assert!((x - 2.0 * angle.cos()).abs() < 1e-14 * n as f64);
            }
        }
    }

    #[test]
    fn wilkinsons_matrix_keeps_its_close_pairs() {
        let d: Vec<f64> = (-10..=10).map(|i: i32| f64::from(i.abs())).collect();
        let got = eigenvalues(&d, &[1.0; 20]).expect("converges");
        // Wilkinson W21+: the two largest agree to 15 digits (Wilkinson 1965, p. 309).
        assert!((got[20] - 10.746_194_182_903_393).abs() < 1e-13);
        assert!((got[19] - 10.746_194_182_903_322).abs() < 1e-13);
        assert!((got[0] + 1.125_441_522_119_985).abs() < 1e-13);
    }

    #[test]
    fn zero_diagonals_and_couplings_decouple() {
        let got = eigenvalues(&[3.0, 1.0, 2.0], &[0.0, 0.0]).expect("converges");
        assert_eq!(got, vec![1.0, 2.0, 3.0]);
        let got = eigenvalues(&[0.0, 0.0], &[2.0]).expect("converges");
        assert_eq!(got, vec![-2.0, 2.0]);
    }
}
