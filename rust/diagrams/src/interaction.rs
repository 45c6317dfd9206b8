//! The energy of interaction from the poles of a Green function, by sums over frequencies that are
//! exact: `T sum_n Sigma G exp(i w_n 0+) = T sum_n [(i w_n - level - Delta) G - 1] exp(i w_n 0+)`.

/// Distances from here on, in units of the temperature, are those of two different levels.
const DIFFERENT: f64 = 1e-4;

/// `T sum_n Sigma G exp(i w_n 0+)` for poles of G and of Delta, each with its residues.
///
/// ```
/// use kadanoff_diagrams::interaction;
///
/// // An atom, G = (1 - n) / (z - e) + n / (z - e - U), has U <n_up n_dn> = U n f(e + U).
/// let (e, u, n, beta) = (-0.3, 1.0, 0.4, 2.0);
/// let found = interaction(e, beta, (&[e, e + u], &[1.0 - n, n]), (&[], &[]));
/// let expected = u * n / (1.0 + f64::exp(beta * (e + u)));
/// assert!((found - expected).abs() < 1e-15);
/// ```
pub fn interaction(
    level: f64,
    beta: f64,
    (energies, residues): (&[f64], &[f64]),
    (bath, weights): (&[f64], &[f64]),
) -> f64 {
    let fermi = |x: f64| {
        let decay = (-beta * x.abs()).exp();
        (if x > 0.0 { decay } else { 1.0 }) / (1.0 + decay)
    };
    let occupied: Vec<f64> = bath.iter().map(|&b| fermi(b)).collect();
    let poles = energies.iter().zip(residues).map(|(&a, residue)| {
        let full = fermi(a);
        // T sum 1 / ((z - a) (z - b)) = (f(a) - f(b)) / (a - b)
        let hopping = (bath.iter().zip(&occupied)).map(|(&b, &f)| {
            if (a - b).abs() * beta < DIFFERENT {
                let middle = fermi(0.5 * (a + b));
                -beta * middle * (1.0 - middle)
            } else {
                (full - f) / (a - b)
            }
        });
        let bath: f64 = hopping.zip(weights).map(|(slope, w)| slope * w).sum();
        residue * (full * (a - level) - bath)
    });
    poles.sum()
}
