//! Where a dimer goes that is free to turn about one of its ends.

use super::lattice::DIRECTION;

/// Each direction's number of parallel neighbours, 0 to 2, or [`CLOSED`], two bits each.
pub(super) const KEYS: usize = 256;
pub(super) const CLOSED: usize = 3;

/// Cumulative probabilities in units of 2^-63: three thresholds for every key and every direction
/// that the dimer comes from.
pub(super) type Thresholds = Vec<[[u64; 3]; 4]>;

pub(super) const ONE: u64 = 1 << 63;

/// Thresholds where no direction is closed: three numbers for every direction that the dimer comes
/// from, by the parallel neighbours as digits in base 3. A third of the larger table, so that the
/// coverings stay beside it in the first-level cache.
pub(super) type Periodic = Box<[[[u64; 4]; 4]; PERIODIC_KEYS]>;

/// The 3^4 keys, rounded up to a power of two.
pub(super) const PERIODIC_KEYS: usize = 128;

/// `p[i][j]` of going from direction i to j with detailed balance, `w_i p_ij = w_j p_ji`, and with
/// few returns: the smallest weight gives equal shares to the others, then the next smallest.
///
/// Four equal weights never return; only a weight beyond the sum of what the others have left does.
/// A direction of weight zero is never entered; should a dimer stand there, it leaves.
///
/// ```
/// use kadanoff_lattice::dimers::transitions;
///
/// // Four equal weights: never back, each other direction alike.
/// let p = transitions([1.0; 4]);
/// assert_eq!(p[0][0], 0.0);
/// assert!((p[0][1] - 1.0 / 3.0).abs() < 1e-15);
/// ```
pub fn transitions(w: [f64; 4]) -> [[f64; 4]; 4] {
    let mut order = [0, 1, 2, 3];
    order.sort_by(|&a, &b| w[a].total_cmp(&w[b]));
    let mut left = w;
    let mut flow = [[0.0; 4]; 4];
    for (k, &i) in order.iter().enumerate() {
        let others = &order[k + 1..];
        if others.is_empty() {
            flow[i][i] = left[i];
            break;
        }
        let share = left[i] / others.len() as f64;
        for &j in others {
            flow[i][j] = share;
            flow[j][i] = share;
            left[j] -= share;
        }
    }
    let total: f64 = w.iter().sum();
    std::array::from_fn(|i| {
        std::array::from_fn(|j| {
            if w[i] > 0.0 {
                flow[i][j] / w[i]
            } else {
                w[j] / total
            }
        })
    })
}

/// Thresholds for weights `exp(-coupling n)`, n the number of parallel neighbours.
pub(super) fn thresholds(coupling: f64) -> Thresholds {
    (0..KEYS)
        .map(|key| {
            let parallel: [usize; 4] = std::array::from_fn(|d| key >> (2 * d) & 3);
            let open = parallel.iter().filter(|&&n| n != CLOSED);
            // From the heaviest direction, so that nothing overflows.
            let best = open
                .map(|&n| -coupling * n as f64)
                .fold(f64::NEG_INFINITY, f64::max);
            let w = parallel.map(|n| match n {
                CLOSED => 0.0,
                n => (-coupling * n as f64 - best).exp(),
            });
            let p = if best.is_finite() {
                transitions(w)
            } else {
                [[0.0; 4]; 4]
            };
            std::array::from_fn(|from| cumulative(p[from]))
        })
        .collect()
}

/// The thresholds of keys without closed directions.
pub(super) fn periodic(all: &Thresholds) -> Periodic {
    let mut table = Box::new([[[0; 4]; 4]; PERIODIC_KEYS]);
    for key in 0..81 {
        let wide = (0..4).fold(0, |sum, d| sum | (key / 3usize.pow(d) % 3) << (2 * d));
        for (row, thresholds) in table[key].iter_mut().zip(&all[wide]) {
            row[..3].copy_from_slice(thresholds);
        }
    }
    table
}

fn cumulative(p: [f64; 4]) -> [u64; 3] {
    let Some(last) = (0..4).rev().find(|&d| p[d] > 0.0) else {
        return [0; 3];
    };
    let mut sum = 0.0;
    std::array::from_fn(|d| {
        sum += p[d];
        // Beyond the last possible direction nothing may be chosen, whatever the rounding.
        if d >= last {
            ONE
        } else {
            ((sum * ONE as f64) as u64).min(ONE)
        }
    })
}

/// Uniform choice among the directions that are neither closed nor the one that the dimer comes
/// from, by edge flags, that direction, and a die; back if there is no other.
pub(super) fn dice() -> Vec<[[u8; DIE]; 4]> {
    (0..16usize)
        .map(|closed| {
            std::array::from_fn(|from| {
                let open: Vec<u8> = (0..4u8)
                    .filter(|&d| closed >> d & 1 == 0 && usize::from(d) != from)
                    .collect();
                std::array::from_fn(|die| match open.len() {
                    0 => from as u8,
                    n => open[die % n],
                })
            })
        })
        .collect()
}

/// Sides of a die that decides evenly between one, two or three.
pub(super) const DIE: usize = 6;

/// What a dimer in direction `d` at diagonal neighbour k of a site adds to the site's key.
pub(super) const PARALLEL: [[u8; 4]; 4] = parallels(4);

/// The same in base 3.
const PERIODIC_PARALLEL: [[u8; 4]; 4] = parallels(3);

const fn parallels(base: u8) -> [[u8; 4]; 4] {
    // (diagonal, its direction, the direction at the site that is parallel)
    let pairs = [
        (0, 2, 0),
        (0, 3, 1),
        (1, 0, 2),
        (1, 3, 1),
        (2, 0, 2),
        (2, 1, 3),
        (3, 2, 0),
        (3, 1, 3),
    ];
    let mut table = [[0u8; 4]; 4];
    let mut i = 0;
    while i < pairs.len() {
        let (k, d, site) = pairs[i];
        table[k][d] = base.pow(site);
        i += 1;
    }
    table
}

/// Where a byte's direction leads from diagonal k.
#[inline(always)]
pub(super) fn parallel(k: usize, byte: u8) -> u8 {
    PARALLEL[k][usize::from(byte & DIRECTION)]
}

/// The same in base 3.
#[inline(always)]
pub(super) fn parallel_periodic(k: usize, byte: u8) -> u8 {
    PERIODIC_PARALLEL[k][usize::from(byte & DIRECTION)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn detailed_balance_holds_and_rows_are_probabilities() {
        for key in 0..81 {
            for coupling in [-3.0, -0.7, 0.0, 0.4, 2.0f64] {
                let w: [f64; 4] = std::array::from_fn(|d| {
                    let n = key / 3usize.pow(d as u32) % 3;
                    (-coupling * n as f64).exp()
                });
                let p = transitions(w);
                for i in 0..4 {
                    let row: f64 = p[i].iter().sum();
                    assert!((row - 1.0).abs() < 1e-14, "{row}");
                    for j in 0..4 {
                        assert!(p[i][j] >= -1e-15);
                        // Relative to the larger flow: rounding of one division.
                        let (a, b) = (w[i] * p[i][j], w[j] * p[j][i]);
                        assert!((a - b).abs() <= 1e-15 * a.max(b).max(1e-300) * 4.0);
                    }
                }
            }
        }
    }

    #[test]
    fn equal_weights_never_return() {
        let p = transitions([1.0; 4]);
        for i in 0..4 {
            assert!(p[i][i] < 1e-15);
        }
    }

    #[test]
    fn thresholds_agree_with_the_probabilities_they_stand_for() {
        let coupling = -0.8;
        let table = thresholds(coupling);
        let key = 2 | 1 << 2 | CLOSED << 4; // directions with 2, 1, closed, 0 parallel neighbours
        let p = transitions([1.0, (-0.8f64).exp(), 0.0, (-1.6f64).exp()]);
        for from in [0, 1, 3] {
            let t = table[key][from];
            let (a, b) = (t[0] as f64 / ONE as f64, t[1] as f64 / ONE as f64);
            assert!((a - p[from][0]).abs() < 1e-15);
            assert!((b - a - p[from][1]).abs() < 1e-15);
            assert_eq!(t[2], t[1], "the closed direction has no share");
        }
    }
}
