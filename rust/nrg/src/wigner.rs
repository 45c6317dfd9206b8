//! Wigner 6j symbols. Every argument is twice the angular momentum.

/// ln(n!) for the arguments that occur (doubled momenta below about 150).
fn ln_factorial(n: i32) -> f64 {
    const SIZE: usize = 512;
    static TABLE: std::sync::OnceLock<[f64; SIZE]> = std::sync::OnceLock::new();
    let table = TABLE.get_or_init(|| {
        let mut t = [0.0; SIZE];
        for i in 1..SIZE {
            t[i] = t[i - 1] + (i as f64).ln();
        }
        t
    });
    table[n as usize]
}

/// Whether three doubled momenta can couple to zero.
pub(crate) fn triangle(a: i32, b: i32, c: i32) -> bool {
    (a + b + c) % 2 == 0 && c >= (a - b).abs() && c <= a + b
}

fn ln_delta(a: i32, b: i32, c: i32) -> f64 {
    0.5 * (ln_factorial((a + b - c) / 2)
        + ln_factorial((a - b + c) / 2)
        + ln_factorial((b + c - a) / 2)
        - ln_factorial((a + b + c) / 2 + 1))
}

/// The 6j symbol {a b c; d e f}, by Racah's single sum (Edmonds, Eq. 6.3.7).
pub(crate) fn six_j(a: i32, b: i32, c: i32, d: i32, e: i32, f: i32) -> f64 {
    if !(triangle(a, b, c) && triangle(a, e, f) && triangle(d, b, f) && triangle(d, e, c)) {
        return 0.0;
    }
    let prefactor = ln_delta(a, b, c) + ln_delta(a, e, f) + ln_delta(d, b, f) + ln_delta(d, e, c);
    let lower = [a + b + c, a + e + f, d + b + f, d + e + c].map(|x| x / 2);
    let upper = [a + b + d + e, b + c + e + f, a + c + d + f].map(|x| x / 2);
    let first = lower.iter().copied().fold(0, i32::max);
    let last = upper.iter().copied().fold(i32::MAX, i32::min);
    (first..=last)
        .map(|t| {
            let ln = ln_factorial(t + 1)
                - lower.iter().map(|&x| ln_factorial(t - x)).sum::<f64>()
                - upper.iter().map(|&x| ln_factorial(x - t)).sum::<f64>();
            let sign = if t % 2 == 0 { 1.0 } else { -1.0 };
            sign * (prefactor + ln).exp()
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        // {1/2 1/2 1; 1/2 1/2 0} = 1/2, {1 1 1; 1 1 1} = 1/6, {1 1 0; 1/2 1/2 1/2} = 1/sqrt(6)
        assert!((six_j(1, 1, 2, 1, 1, 0) - 0.5).abs() < 1e-15);
        assert!((six_j(2, 2, 2, 2, 2, 2) - 1.0 / 6.0).abs() < 1e-15);
        assert!((six_j(2, 2, 0, 1, 1, 1) - 1.0 / 6.0_f64.sqrt()).abs() < 1e-15);
        assert_eq!(six_j(2, 2, 2, 1, 1, 5), 0.0);
    }

    #[test]
    fn orthogonality() {
        // sum_x (2x+1)(2y+1) {a b x; c d y} {a b x; c d z} = delta_yz
        let (a, b, c, d) = (3, 4, 5, 2);
        for y in 0..12 {
            for z in 0..12 {
                let allowed = |y: i32| triangle(a, d, y) && triangle(b, c, y);
                let sum: f64 = (0..12)
                    .map(|x| {
                        f64::from((x + 1) * (y + 1))
                            * six_j(a, b, x, c, d, y)
                            * six_j(a, b, x, c, d, z)
                    })
                    .sum();
                let expected = if y == z && allowed(y) { 1.0 } else { 0.0 };
                assert!((sum - expected).abs() < 1e-13, "{y} {z} {sum}");
            }
        }
    }
}
