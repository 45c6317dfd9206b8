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

    pub(crate) fn merge(&mut self, histogram: &Histogram) {
        self.response += histogram.response;
        for ((weight, moment), bin) in self
            .weight
            .iter_mut()
            .zip(&mut self.moment)
            .zip(&histogram.bins)
        {
            *weight += bin[0];
            *moment += bin[1];
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

/// What a block of a shell contributes to a [`BinnedSpectrum`]: weight and moment side by side.
#[derive(Debug)]
pub(crate) struct Histogram {
    bins: Vec<[f64; 2]>,
    pub(crate) response: f64,
}

impl Histogram {
    pub(crate) fn new(bins: &Bins) -> Self {
        Self {
            bins: vec![[0.0; 2]; 2 * bins.count],
            response: 0.0,
        }
    }

    /// Adds `weight` at frequency `w`, whose bin is `index`.
    #[inline]
    pub(crate) fn add(&mut self, index: u32, w: f64, weight: f64) {
        if weight.abs() > NEGLIGIBLE {
            let bin = &mut self.bins[index as usize];
            bin[0] += weight;
            bin[1] += weight * w;
        }
    }

    /// The same for a kept and a discarded state, which the gap of the cut keeps apart.
    #[inline]
    pub(crate) fn add_pair(&mut self, index: u32, w: f64, weight: f64, response: bool) {
        self.add(index, w, weight);
        if response && weight != 0.0 {
            self.response += weight / w;
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
