//! Averages in bins, and how long a chain remembers.

use crate::measure::{Accumulator, FOLLOWED, Pairs, Scalars};
use serde::{Deserialize, Serialize};

/// Sums over some consecutive measurements.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// Sums of numbers.
    pub scalars: Scalars,
    /// Sums over pairs of flavours.
    pub pairs: Pairs,
    /// Sums whose averages are the coefficients G_l, group of flavours after group.
    pub g: Vec<f64>,
    /// The same for F.
    pub f: Vec<f64>,
    /// Integral of G over bins of time.
    pub coarse: Vec<f64>,
}

impl Bin {
    /// What the accumulator holds, in `orders` coefficients.
    pub(crate) fn of(sums: &Accumulator, beta: f64, orders: usize) -> Self {
        let [g, f] = sums.legendre(beta, orders);
        Self {
            scalars: sums.scalars,
            pairs: sums.pairs.clone(),
            g,
            f,
            coarse: sums.coarse(beta),
        }
    }

    /// Adds another one.
    pub(crate) fn join(&mut self, other: &Self) {
        let (a, b) = (&mut self.scalars, &other.scalars);
        a.count += b.count;
        a.weight += b.weight;
        a.sign += b.sign;
        a.density += b.density;
        a.pairs += b.pairs;
        a.order += b.order;
        a.polarisation += b.polarisation;
        for (x, y) in [
            (&mut self.g, &other.g),
            (&mut self.f, &other.f),
            (&mut self.coarse, &other.coarse),
            (&mut self.pairs.equal, &other.pairs.equal),
            (&mut self.pairs.apart, &other.pairs.apart),
        ] {
            for (x, y) in x.iter_mut().zip(y) {
                *x += y;
            }
        }
    }
}

/// Sums and sums of squares of averages over 1, 2, 4, ... measurements.
///
/// H. Flyvbjerg, H. G. Petersen, J. Chem. Phys. 91, 461 (1989), doi:10.1063/1.457480.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct BinningLevels {
    /// One entry for every power of two.
    pub levels: Vec<Level>,
}

/// Averages over 2^level measurements.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Level {
    /// Averages so far.
    pub count: u64,
    /// Their sums.
    pub sum: [f64; FOLLOWED],
    /// Sums of their squares.
    pub squares: [f64; FOLLOWED],
    /// An average whose partner is still missing.
    pub(crate) waiting: Option<[f64; FOLLOWED]>,
}

impl BinningLevels {
    /// One measurement.
    #[inline(always)]
    pub(crate) fn add(&mut self, mut x: [f64; FOLLOWED]) {
        for level in 0.. {
            if level == self.levels.len() {
                self.levels.push(Level::default());
            }
            let here = &mut self.levels[level];
            here.count += 1;
            for o in 0..FOLLOWED {
                here.sum[o] += x[o];
                here.squares[o] += x[o] * x[o];
            }
            match here.waiting.take() {
                None => {
                    here.waiting = Some(x);
                    return;
                }
                Some(y) => {
                    for o in 0..FOLLOWED {
                        x[o] = 0.5 * (x[o] + y[o]);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_average_pairs() {
        let mut levels = BinningLevels::default();
        for i in 0..9 {
            levels.add([f64::from(i); FOLLOWED]);
        }
        let counts: Vec<u64> = levels.levels.iter().map(|l| l.count).collect();
        assert_eq!(counts, [9, 4, 2, 1]);
        assert_eq!(levels.levels[1].sum[0], 0.5 + 2.5 + 4.5 + 6.5);
        assert_eq!(levels.levels[3].sum[2], 3.5);
    }
}
