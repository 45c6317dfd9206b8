//! The joint density of states `g(B_1, ..., B_c, M)`: B_a the sum of `s_i s_j` over the bonds of
//! class a, M the sum of all spins.
//!
//! States are visited in Gray's order: each differs from the last by one spin, whose bonds are
//! counted by masks. The last spin points up; the other half of the states is its mirror image.

use super::Error;
use kadanoff_runtime::Control;
use kadanoff_runtime::simd::{Instructions, Kernel, Level, dispatch};
use rayon::prelude::*;

/// 2^31 visited states: some ten seconds on a core.
pub(crate) const MAX_SPINS: usize = 32;
const MAX_BINS: usize = 1 << 24;
const MAX_CLASSES: usize = 8;
/// States in a row between two looks at the cancel flag.
const CHUNK_BITS: u32 = 18;

/// Distinct values of (B_1, ..., B_c, M), and how many states have them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct States {
    /// c sums of bonds for each entry.
    pub bonds: Vec<i64>,
    /// Sum of the spins of every entry.
    pub magnetisation: Vec<i64>,
    /// Number of states of every entry.
    pub counts: Vec<u64>,
}

struct Graph {
    spins: u32,
    /// For each spin and class, masks of its neighbours; a neighbour that is met twice is in two.
    masks: Vec<Vec<Mask>>,
    /// Total number of bonds of each class, bonds from a spin to itself included.
    bonds: Vec<usize>,
    strides: Vec<i64>,
    bins: usize,
}

#[derive(Clone, Copy)]
struct Mask {
    stride: i64,
    mask: u32,
}

impl Graph {
    fn new(spins: usize, classes: &[Vec<(usize, usize)>]) -> Result<Self, Error> {
        if !(1..=MAX_SPINS).contains(&spins) {
            return Err(Error::Argument(format!(
                "states can be enumerated for 1 to {MAX_SPINS} spins, got {spins}"
            )));
        }
        if classes.len() > MAX_CLASSES {
            return Err(Error::Argument(format!(
                "at most {MAX_CLASSES} classes of bonds, got {}",
                classes.len()
            )));
        }
        let mut strides = Vec::new();
        let mut bins = 1usize;
        for class in classes {
            strides.push(bins as i64);
            bins = bins.saturating_mul(class.len() + 1);
        }
        strides.push(bins as i64);
        bins = bins.saturating_mul(spins + 1);
        if bins > MAX_BINS {
            return Err(Error::Argument(format!(
                "{bins} combinations of bond sums and magnetisation are too many (at most \
                 {MAX_BINS}): put bonds of equal coupling into one class"
            )));
        }
        let mut masks = vec![Vec::<Mask>::new(); spins];
        for (class, &stride) in classes.iter().zip(&strides) {
            for &(i, j) in class {
                if i.max(j) >= spins {
                    return Err(Error::Argument(format!(
                        "bond ({i}, {j}) leads beyond the {spins} spins"
                    )));
                }
                if i == j {
                    continue;
                }
                for (a, b) in [(i, j), (j, i)] {
                    let bit = 1u32 << b;
                    let free = masks[a]
                        .iter_mut()
                        .find(|m| m.stride == stride && m.mask & bit == 0);
                    match free {
                        Some(m) => m.mask |= bit,
                        None => masks[a].push(Mask { stride, mask: bit }),
                    }
                }
            }
        }
        Ok(Self {
            spins: spins as u32,
            masks,
            bonds: classes.iter().map(Vec::len).collect(),
            strides,
            bins,
        })
    }

    /// Bin of a state: numbers of unsatisfied bonds and of spins down, in mixed radix.
    fn bin(&self, state: u32) -> i64 {
        let mut twice = 0i64;
        for (i, masks) in self.masks.iter().enumerate() {
            let up = 0u32.wrapping_sub(state >> i & 1);
            for m in masks {
                twice += m.stride * i64::from(((state ^ up) & m.mask).count_ones());
            }
        }
        let down = self.spins - state.count_ones();
        twice / 2 + i64::from(down) * self.strides[self.bonds.len()]
    }

    #[inline(always)]
    fn visit(&self, first: u32, bits: u32, histogram: &mut [u64]) {
        let mut state = first;
        let mut bin = self.bin(state);
        let down = self.strides[self.bonds.len()];
        histogram[bin as usize] += 1;
        for t in 1u64..1 << bits {
            let i = t.trailing_zeros();
            let up = 0u32.wrapping_sub(state >> i & 1);
            for m in &self.masks[i as usize] {
                let degree = m.mask.count_ones() as i64;
                let unsatisfied = i64::from(((state ^ up) & m.mask).count_ones());
                bin += m.stride * (degree - 2 * unsatisfied);
            }
            bin += if up == 0 { -down } else { down };
            state ^= 1 << i;
            histogram[bin as usize] += 1;
        }
    }

    fn unpack(&self, histogram: &[u64]) -> States {
        let spins = i64::from(self.spins);
        let mut states = States::default();
        for (bin, &count) in histogram.iter().enumerate() {
            if count == 0 {
                continue;
            }
            let mut rest = bin;
            for &n in &self.bonds {
                states.bonds.push(n as i64 - 2 * (rest % (n + 1)) as i64);
                rest /= n + 1;
            }
            states.magnetisation.push(spins - 2 * rest as i64);
            states.counts.push(count);
        }
        states
    }
}

/// Adds the 2^`bits` states that agree with `first` in all higher bits. Counting bits in software
/// takes four times as long as by the instructions of [`Level::Avx2`].
struct Visit<'a> {
    graph: &'a Graph,
    first: u32,
    bits: u32,
    histogram: &'a mut [u64],
}

impl Kernel for Visit<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self) {
        self.graph.visit(self.first, self.bits, self.histogram);
    }
}

/// Visits every state of `spins` spins; `classes` hold the bonds (i, j), each counted once.
///
/// # Errors
/// Too many spins or bins, a bond that leads nowhere, a cancelled control.
///
/// ```
/// use kadanoff_lattice::exact::density_of_states;
/// use kadanoff_runtime::Control;
///
/// // Two spins and one bond: 2 parallel and 2 antiparallel states.
/// let found = density_of_states(2, &[vec![(0, 1)]], &Control::new())?;
/// assert_eq!(found.counts.iter().sum::<u64>(), 4);
/// # Ok::<(), kadanoff_lattice::exact::Error>(())
/// ```
pub fn density_of_states(
    spins: usize,
    classes: &[Vec<(usize, usize)>],
    control: &Control,
) -> Result<States, Error> {
    let graph = Graph::new(spins, classes)?;
    let free = graph.spins - 1;
    let low = free.min(CHUNK_BITS);
    let chunks = 1u32 << (free - low);
    let top = 1u32 << free;
    control.add_total(u64::from(chunks));
    let level = Level::current();
    let empty = || vec![0u64; graph.bins];
    let half = (0..chunks)
        .into_par_iter()
        .try_fold(empty, |mut histogram, chunk| {
            control.check()?;
            let visit = Visit {
                graph: &graph,
                first: top | chunk << low,
                bits: low,
                histogram: &mut histogram,
            };
            dispatch(level, visit);
            control.tick(1);
            Ok::<_, Error>(histogram)
        })
        .try_reduce(empty, |mut a, b| {
            a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
            Ok(a)
        })?;
    // The mirror image has the same bonds and the opposite magnetisation.
    let row = graph.bins / (spins + 1);
    let mut whole = half.clone();
    for down in 0..=spins {
        let image = &half[(spins - down) * row..][..row];
        whole[down * row..][..row]
            .iter_mut()
            .zip(image)
            .for_each(|(a, b)| *a += b);
    }
    Ok(graph.unpack(&whole))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn two_spins_and_a_double_bond() {
        let s = density_of_states(2, &[vec![(0, 1), (1, 0)], vec![(1, 1)]], &Control::new());
        let s = s.unwrap();
        let mut rows: Vec<_> = (0..s.counts.len())
            .map(|k| {
                (
                    s.bonds[2 * k],
                    s.bonds[2 * k + 1],
                    s.magnetisation[k],
                    s.counts[k],
                )
            })
            .collect();
        rows.sort();
        assert_eq!(rows, [(-2, 1, 0, 2), (2, 1, -2, 1), (2, 1, 2, 1)]);
    }

    #[test]
    fn every_level_counts_alike() {
        let ring: Vec<_> = (0..12).map(|i| (i, (i + 1) % 12)).collect();
        let graph = Graph::new(12, &[ring]).unwrap();
        let at = |level| {
            let mut histogram = vec![0; graph.bins];
            let visit = Visit {
                graph: &graph,
                first: 1 << 11,
                bits: 11,
                histogram: &mut histogram,
            };
            dispatch(level, visit);
            histogram
        };
        let portable = at(Level::Portable);
        assert_eq!(portable.iter().sum::<u64>(), 1 << 11);
        for level in Level::available() {
            assert_eq!(at(level), portable);
        }
    }

    #[test]
    fn bad_graphs_are_refused() {
        assert!(density_of_states(0, &[], &Control::new()).is_err());
        assert!(density_of_states(33, &[], &Control::new()).is_err());
        assert!(density_of_states(3, &[vec![(0, 3)]], &Control::new()).is_err());
    }
}
