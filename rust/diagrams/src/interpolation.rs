//! Interpolation on a uniform grid.

/// Values on a uniform grid of [0, 1] at `x`, by the polynomial through the nearest `points`.
///
/// The barycentric formula: J.-P. Berrut, L. N. Trefethen, SIAM Rev. 46, 501 (2004),
/// doi:10.1137/S0036144502417715, Eq. (4.2).
///
/// ```
/// use kadanoff_diagrams::interpolated;
///
/// let cubes: Vec<f64> = (0..9).map(|k| (f64::from(k) / 8.0).powi(3)).collect();
/// let found = interpolated(&cubes, &[0.0, 0.3, 0.875, 1.0], 4);
/// for (found, x) in found.iter().zip([0.0f64, 0.3, 0.875, 1.0]) {
///     assert!((found - x.powi(3)).abs() < 1e-15);
/// }
/// ```
///
/// # Panics
/// For fewer values than points.
pub fn interpolated(values: &[f64], x: &[f64], points: usize) -> Vec<f64> {
    assert!(points > 0 && points <= values.len());
    let last = values.len() - 1;
    // (-1)^k times the binomial coefficients
    let mut signs = vec![1.0; points];
    for k in 1..points {
        signs[k] = -signs[k - 1] * (points - k) as f64 / k as f64;
    }
    let at = |&x: &f64| {
        let position = x * last as f64;
        let first = ((position as usize + 1).saturating_sub(points / 2)).min(last + 1 - points);
        let (mut above, mut below) = (0.0, 0.0);
        for (k, (value, sign)) in values[first..].iter().zip(&signs).enumerate() {
            let distance = position - (first + k) as f64;
            if distance.abs() < 1e-12 {
                return *value;
            }
            above += sign / distance * value;
            below += sign / distance;
        }
        above / below
    };
    x.iter().map(at).collect()
}
