//! Spectral weight in logarithmic bins.

use crate::density::NEGLIGIBLE;

/// Logarithmic bins for positive and negative frequencies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bins {
    /// Smallest frequency that is resolved; weight below goes into the lowest bin.
    pub lowest: f64,
    /// Bins in a decade.
    pub per_decade: f64,
    /// Number of bins on each side.
    pub count: usize,
}

/// Weight, and weight times frequency, of every bin: negative side first, each from the lowest
/// frequency up.
#[derive(Debug, Clone, PartialEq)]
pub struct BinnedSpectrum {
    /// Weight of every bin.
    pub weight: Vec<f64>,
    /// Weight times frequency of every bin.
    pub moment: Vec<f64>,
    /// For bosonic pairs `int_0^beta dt <B^+(t) C>`, degenerate states included.
    pub response: f64,
}

impl BinnedSpectrum {
    pub(crate) fn new(bins: &Bins) -> Self {
        Self {
            weight: vec![0.0; 2 * bins.count],
            moment: vec![0.0; 2 * bins.count],
            response: 0.0,
        }
    }

    pub(crate) fn scale(&mut self, factor: f64) {
        self.response *= factor;
        for x in self.weight.iter_mut().chain(&mut self.moment) {
            *x *= factor;
        }
    }

    /// Adds what a block contributes at the temperature of one lane.
    pub(crate) fn merge<const L: usize>(
        &mut self,
        touched: &Touched,
        histogram: &Histogram<L>,
        lane: usize,
    ) {
        self.response += histogram.response[lane];
        for (&k, [weight, moment]) in touched.bins.iter().zip(&histogram.bins) {
            self.weight[k as usize] += weight[lane];
            self.moment[k as usize] += moment[lane];
        }
    }
}

/// Leading bits of a double that are looked up: sign, exponent, and eight of the mantissa.
const SHIFT: u32 = 44;

/// From a frequency to its bin without a logarithm: the leading bits give the bin in which their
/// cell begins, and the edges decide.
#[derive(Debug)]
pub(crate) struct Sorter {
    count: usize,
    first: u64,
    cells: Vec<u32>,
    /// Upper edge of every bin.
    edges: Vec<f64>,
}

impl Sorter {
    pub(crate) fn new(bins: &Bins) -> Self {
        let edges: Vec<f64> = (1..=bins.count)
            .map(|k| bins.lowest * 10_f64.powf(k as f64 / bins.per_decade))
            .collect();
        let top = edges.last().copied().unwrap_or(bins.lowest);
        let first = bins.lowest.to_bits() >> SHIFT;
        let cells = (first..=top.to_bits() >> SHIFT)
            .map(|cell| {
                let start = f64::from_bits(cell << SHIFT);
                edges.partition_point(|&edge| edge <= start) as u32
            })
            .collect();
        Self {
            count: bins.count,
            first,
            cells,
            edges,
        }
    }

    /// The bins of `bra[r] - ket[s]`, r running faster.
    pub(crate) fn indices(&self, bra: &[f64], ket: &[f64]) -> Vec<u32> {
        ket.iter()
            .flat_map(|&below| bra.iter().map(move |&above| self.index(above - below)))
            .collect()
    }

    /// The bin of frequency `w` in a [`Histogram`]; ends saturate.
    #[inline]
    fn index(&self, w: f64) -> u32 {
        let x = w.abs();
        let cell = (x.to_bits() >> SHIFT).wrapping_sub(self.first) as i64;
        let mut i = if cell < 0 {
            0
        } else {
            self.cells
                .get(cell as usize)
                .map_or(self.count, |&i| i as usize)
        };
        while i < self.count && x >= self.edges[i] {
            i += 1;
        }
        let i = i.min(self.count - 1);
        let i = if w < 0.0 { i } else { self.count + i };
        i as u32
    }
}

/// The bins, few of all, into which elements between two blocks fall.
#[derive(Debug)]
pub(crate) struct Touched {
    /// Bins of a [`BinnedSpectrum`], ascending.
    bins: Vec<u32>,
}

impl Touched {
    /// Replaces bins of a [`BinnedSpectrum`] by those of a [`Histogram`].
    pub(crate) fn renumber(bins: &Bins, found: &mut [Vec<u32>]) -> Self {
        let mut places = vec![u32::MAX; 2 * bins.count];
        for &k in found.iter().flatten() {
            places[k as usize] = 0;
        }
        let mut touched = Vec::new();
        for (k, place) in places.iter_mut().enumerate().filter(|(_, p)| **p == 0) {
            *place = touched.len() as u32;
            touched.push(k as u32);
        }
        for k in found.iter_mut().flatten() {
            *k = places[*k as usize];
        }
        Self { bins: touched }
    }
}

/// What a block of a shell contributes to a [`BinnedSpectrum`] at `L` temperatures: weight and moment
/// side by side, of [`Touched`] bins alone.
#[derive(Debug)]
pub(crate) struct Histogram<const L: usize> {
    bins: Vec<[[f64; L]; 2]>,
    pub(crate) response: [f64; L],
}

impl<const L: usize> Histogram<L> {
    pub(crate) fn new(touched: &Touched) -> Self {
        Self {
            bins: vec![[[0.0; L]; 2]; touched.bins.len()],
            response: [0.0; L],
        }
    }

    /// Adds `weights` at frequency `w`, whose bin is `index`.
    #[inline(always)]
    pub(crate) fn add(&mut self, index: u32, w: f64, weights: &[f64; L]) {
        let [of_bin, moments] = &mut self.bins[index as usize];
        for t in 0..L {
            let weight = if weights[t].abs() > NEGLIGIBLE {
                weights[t]
            } else {
                0.0
            };
            of_bin[t] += weight;
            moments[t] += weight * w;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bin_is_the_one_that_the_logarithm_gives() {
        for per_decade in [0.7, 10.0, 333.3, 5000.0] {
            let bins = Bins {
                lowest: 3e-9,
                per_decade,
                count: (9.0 * per_decade) as usize,
            };
            let sorter = Sorter::new(&bins);
            for k in 0..20_000 {
                let w = 1e-11 * 1.0017_f64.powi(k);
                let exact = (w / bins.lowest).log10() * per_decade;
                if (exact - exact.round()).abs() < 1e-9 {
                    continue;
                }
                let expected = (exact as usize).min(bins.count - 1);
                assert_eq!(
                    sorter.index(w) as usize,
                    bins.count + expected,
                    "{w} {per_decade}"
                );
                assert_eq!(sorter.index(-w) as usize, expected);
            }
            assert_eq!(sorter.index(0.0) as usize, bins.count);
            assert_eq!(sorter.index(f64::MAX) as usize, 2 * bins.count - 1);
        }
    }
}
