//! Poisson variates by a table.

/// The distribution of a Poisson variate with a given mean, where it is above 2^-64.
#[derive(Debug, Clone)]
pub(crate) struct Poisson {
    /// The smallest number in the table.
    first: usize,
    /// Probabilities of at most `first + i`, times 2^64; the last one is left out.
    below: Vec<u64>,
    #[cfg(test)]
    mean: f64,
}

impl Poisson {
    pub(super) fn new(mean: f64) -> Self {
        const NEGLIGIBLE: f64 = 1e-24;
        let mode = mean.floor();
        // Relative to the mode, where no factor under- or overflows.
        let mut weights = vec![1.0];
        let (mut first, mut weight) = (mode, 1.0);
        while first > 0.0 && weight > NEGLIGIBLE {
            weight *= first / mean;
            first -= 1.0;
            weights.push(weight);
        }
        weights.reverse();
        let (mut last, mut weight) = (mode, 1.0);
        while weight > NEGLIGIBLE {
            last += 1.0;
            weight *= mean / last;
            weights.push(weight);
        }
        let all: f64 = weights.iter().sum();
        let mut sum = 0.0;
        let mut below: Vec<u64> = weights
            .iter()
            .map(|weight| {
                sum += weight;
                (sum / all * 18_446_744_073_709_551_616.0) as u64
            })
            .collect();
        below.pop();
        Self {
            first: first as usize,
            below,
            #[cfg(test)]
            mean,
        }
    }

    /// The variate that belongs to 64 random bits.
    pub(super) fn draw(&self, bits: u64) -> usize {
        self.first + self.below.partition_point(|&below| below <= bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Poisson {
        pub(crate) fn mean(&self) -> f64 {
            self.mean
        }
    }

    #[test]
    fn probabilities_are_those_of_the_distribution() {
        for mean in [0.0, 1e-300, 1e-9, 0.3, 1.0, 7.5, 480.0, 934.6, 3840.0] {
            let table = Poisson::new(mean);
            let mut before = 0;
            let mut moments = [0.0; 3];
            for (i, below) in table.below.iter().copied().chain([u64::MAX]).enumerate() {
                let (p, n) = (
                    (below - before) as f64 / 2f64.powi(64),
                    (table.first + i) as f64,
                );
                before = below;
                let centred = n - mean;
                moments = [
                    moments[0] + p,
                    moments[1] + p * centred,
                    moments[2] + p * centred * centred,
                ];
                if n < 100.0 && mean > 0.0 {
                    let factorial: f64 = (1..=n as u64).map(|k| k as f64).product();
                    let exact = mean.powf(n) * (-mean).exp() / factorial;
                    assert!((p - exact).abs() < 1e-14, "{mean} {n}: {p} {exact}");
                }
                // The largest bits that give this number.
                if p > 0.0 {
                    assert_eq!(table.draw(below - 1), table.first + i);
                }
            }
            assert!((moments[0] - 1.0).abs() < 1e-14);
            assert!(
                moments[1].abs() < 1e-11 * mean.max(1e-3),
                "{mean}: {moments:?}"
            );
            assert!(
                (moments[2] - mean).abs() < 1e-11 * mean.max(1e-3),
                "{mean}: {moments:?}"
            );
        }
    }
}
