//! Levels of a bath merged to fewer, as a starting point of a fit.

/// Neighbours merged until `sites` levels are left, always the pair that changes Delta least.
///
/// Merging two levels at a distance d with the reduced weight mu changes chi2 by about
/// `mu^2 d^4 / (e^2 + w0^2)^3`. `first` is the rank of the pair merged first.
///
/// ```
/// use kadanoff_ed::merging::merged;
///
/// // Of four levels the two that are close become one, at their centre of gravity.
/// let levels = [(-1.0, 0.2), (0.3, 0.1), (0.4, 0.1), (1.0, 0.2)];
/// let found = merged(&levels, 3, 0.1, 0);
/// assert!((found[1].0 - 0.35).abs() < 1e-15 && (found[1].1 - 0.2).abs() < 1e-15);
/// assert_eq!(merged(&levels, 1, 0.1, 0).len(), 1);
/// ```
pub fn merged(levels: &[(f64, f64)], sites: usize, w0: f64, first: usize) -> Vec<(f64, f64)> {
    let mut levels = levels.to_vec();
    levels.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let mut rank = first;
    while levels.len() > sites.max(1) {
        let pairs: Vec<_> = levels.windows(2).map(|p| pair(p[0], p[1], w0)).collect();
        let mut order: Vec<usize> = (0..pairs.len()).collect();
        order.sort_by(|&i, &j| pairs[i].0.total_cmp(&pairs[j].0));
        let k = order[rank.min(order.len() - 1)];
        rank = 0;
        levels[k] = pairs[k].1;
        levels.remove(k + 1);
    }
    levels
}

/// What a merger of two levels changes, and the level that it makes.
fn pair((a, p): (f64, f64), (b, q): (f64, f64), w0: f64) -> (f64, (f64, f64)) {
    let total = p + q;
    let (centre, mu) = if total > 0.0 {
        ((p * a + q * b) / total, p * q / total)
    } else {
        (0.5 * (a + b), 0.0)
    };
    let distance = b - a;
    let change = mu * (distance * distance) / (centre * centre + w0 * w0).powf(1.5);
    (change, (centre, total))
}
