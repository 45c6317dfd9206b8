//! ln Z of a rectangle of Ising spins with a field on every site, for every pattern of a block in it.
//!
//! Sites are summed one after the other; the vector in hand has an entry for each state of the last
//! `width` sites. Where a site of the block comes, the sum splits in two; behind the last of them all
//! patterns share the sum over the rest, taken backwards once.
//!
//! Entries are numbers over a common scale; where these could underflow, at low temperatures or in
//! strong fields, they are logarithms.

use super::Error;
use kadanoff_runtime::Control;
use rayon::prelude::*;
use std::marker::PhantomData;

/// Largest width of a window.
pub(crate) const MAX_WIDTH: usize = 20;
/// Largest number of sites of a block.
pub(crate) const MAX_BLOCK: usize = 20;
/// Below this no two entries of a vector are further apart than numbers reach.
const MAX_LOG: f64 = 600.0;

/// A rectangle of `height` rows with couplings over temperature along rows and columns.
#[derive(Debug, Clone)]
pub struct Window {
    /// Number of rows.
    pub height: usize,
    /// Number of columns.
    pub width: usize,
    /// Coupling over temperature along a row.
    pub kx: f64,
    /// Coupling over temperature along a column.
    pub ky: f64,
    /// Sites `y * width + x` of the block, ascending.
    pub block: Vec<usize>,
}

/// Values that a spin may take while it is summed.
#[derive(Clone, Copy, PartialEq)]
enum Spin {
    Free,
    Down,
    Up,
}

/// Sums and products of positive numbers.
trait Arithmetic {
    const ZERO: f64;
    const ONE: f64;
    fn from_log(log: f64) -> f64;
    fn add(a: f64, b: f64) -> f64;
    fn times(a: f64, b: f64) -> f64;
    fn log(a: f64) -> f64;
    /// Divides by the largest entry, if that is far from 1, and returns its logarithm.
    fn rescale(values: &mut [f64]) -> f64;
}

struct Linear;

impl Arithmetic for Linear {
    const ZERO: f64 = 0.0;
    const ONE: f64 = 1.0;

    fn from_log(log: f64) -> f64 {
        log.exp()
    }

    fn add(a: f64, b: f64) -> f64 {
        a + b
    }

    fn times(a: f64, b: f64) -> f64 {
        a * b
    }

    fn log(a: f64) -> f64 {
        a.ln()
    }

    fn rescale(values: &mut [f64]) -> f64 {
        let largest = values.iter().fold(0.0f64, |a, &b| a.max(b));
        // As near to 1 as one more site may take it.
        if largest == 0.0 || (1e-2..1e2).contains(&largest) {
            return 0.0;
        }
        values.iter_mut().for_each(|v| *v /= largest);
        largest.ln()
    }
}

struct Logarithmic;

impl Arithmetic for Logarithmic {
    const ZERO: f64 = f64::NEG_INFINITY;
    const ONE: f64 = 0.0;

    fn from_log(log: f64) -> f64 {
        log
    }

    fn add(a: f64, b: f64) -> f64 {
        let (high, low) = if a > b { (a, b) } else { (b, a) };
        if high == Self::ZERO {
            high
        } else {
            high + (low - high).exp().ln_1p()
        }
    }

    fn times(a: f64, b: f64) -> f64 {
        a + b
    }

    fn log(a: f64) -> f64 {
        a
    }

    fn rescale(_: &mut [f64]) -> f64 {
        0.0
    }
}

/// A vector whose true entries are `exp(log)` times those that are stored.
#[derive(Clone)]
struct Scaled {
    values: Vec<f64>,
    log: f64,
}

impl Window {
    fn check(&self) -> Result<(), Error> {
        let sites = self.height.checked_mul(self.width);
        let fits = (1..=MAX_WIDTH).contains(&self.width) && self.height >= 1;
        let Some(sites) = sites.filter(|_| fits) else {
            return Err(Error::Argument(format!(
                "a window is 1 to {MAX_WIDTH} sites wide and at least one high, got {} x {}",
                self.width, self.height
            )));
        };
        if self.block.len() > MAX_BLOCK {
            return Err(Error::Argument(format!(
                "a block has at most {MAX_BLOCK} sites, got {}",
                self.block.len()
            )));
        }
        let ascending = self.block.windows(2).all(|p| p[0] < p[1]);
        if !ascending || self.block.last().is_some_and(|&s| s >= sites) {
            return Err(Error::Argument(
                "sites of the block must ascend and lie in the window".into(),
            ));
        }
        if !(self.kx.is_finite() && self.ky.is_finite()) {
            return Err(Error::Argument("couplings must be finite".into()));
        }
        Ok(())
    }

    fn one(&self, fields: &[f64], control: &Control, out: &mut [f64]) -> Result<(), Error> {
        let strongest = fields.iter().fold(0.0f64, |a, h| a.max(h.abs()));
        let bonds = 2.0 * (self.kx.abs() + self.ky.abs());
        if 2.0 * self.width as f64 * (bonds + strongest) < MAX_LOG {
            Sum::<Linear>::new(self, fields, control).all(out)
        } else {
            Sum::<Logarithmic>::new(self, fields, control).all(out)
        }
    }
}

struct Sum<'a, A: Arithmetic> {
    window: &'a Window,
    fields: &'a [f64],
    control: &'a Control,
    /// The sum over all sites behind the block, for each state of the last row before them.
    back: Scaled,
    arithmetic: PhantomData<A>,
}

impl<'a, A: Arithmetic> Sum<'a, A> {
    fn new(window: &'a Window, fields: &'a [f64], control: &'a Control) -> Self {
        let mut sum = Self {
            window,
            fields,
            control,
            back: Scaled {
                values: vec![A::ONE; 1 << window.width],
                log: 0.0,
            },
            arithmetic: PhantomData,
        };
        for site in (sum.after()..window.height * window.width).rev() {
            sum.backward(site);
        }
        sum
    }

    /// The site behind the last one of the block.
    fn after(&self) -> usize {
        self.window.block.last().map_or(0, |s| s + 1)
    }

    /// Boltzmann factors of one site relative to the largest: `[above][left][spin]`, and its log.
    fn factors(&self, site: usize, spin: Spin) -> ([[[f64; 2]; 2]; 2], f64) {
        let window = self.window;
        let h = self.fields[site];
        let ky = if site >= window.width { window.ky } else { 0.0 };
        let kx = if site.is_multiple_of(window.width) {
            0.0
        } else {
            window.kx
        };
        let sign = |bit: usize| 2.0 * bit as f64 - 1.0;
        let alone = match spin {
            Spin::Free => h.abs(),
            Spin::Down => -h,
            Spin::Up => h,
        };
        let log = kx.abs() + ky.abs() + alone;
        let w = std::array::from_fn(|above| {
            std::array::from_fn(|left| {
                std::array::from_fn(|s| {
                    let allowed = spin == Spin::Free || (spin == Spin::Up) == (s == 1);
                    if allowed {
                        A::from_log(sign(s) * (ky * sign(above) + kx * sign(left) + h) - log)
                    } else {
                        A::ZERO
                    }
                })
            })
        });
        (w, log)
    }

    fn forward(&self, f: &mut Scaled, site: usize, spin: Spin) {
        let (w, log) = self.factors(site, spin);
        let x = site % self.window.width;
        let first = site < self.window.width;
        let bit = 1usize << x;
        for c in 0..f.values.len() {
            if c & bit != 0 {
                continue;
            }
            let left = if x == 0 { 0 } else { c >> (x - 1) & 1 };
            let (down, up) = (f.values[c], f.values[c | bit]);
            // In the first row nothing lies above: one entry stands for the missing spin.
            let sum = |s: usize| {
                let below = A::times(down, w[0][left][s]);
                if first {
                    below
                } else {
                    A::add(below, A::times(up, w[1][left][s]))
                }
            };
            (f.values[c], f.values[c | bit]) = (sum(0), sum(1));
        }
        f.log += log + A::rescale(&mut f.values);
    }

    fn backward(&mut self, site: usize) {
        let (w, log) = self.factors(site, Spin::Free);
        let x = site % self.window.width;
        let bit = 1usize << x;
        let values = &mut self.back.values;
        for c in 0..values.len() {
            if c & bit != 0 {
                continue;
            }
            let left = if x == 0 { 0 } else { c >> (x - 1) & 1 };
            let (down, up) = (values[c], values[c | bit]);
            let sum = |above: usize| {
                A::add(
                    A::times(down, w[above][left][0]),
                    A::times(up, w[above][left][1]),
                )
            };
            (values[c], values[c | bit]) = (sum(0), sum(1));
        }
        self.back.log += log + A::rescale(&mut self.back.values);
    }

    fn all(&self, out: &mut [f64]) -> Result<(), Error> {
        // Nothing lies above the first row: entry 0 stands for the missing spins.
        let mut values = vec![A::ZERO; 1 << self.window.width];
        values[0] = A::ONE;
        self.from(Scaled { values, log: 0.0 }, 0, 0, 0, out)
    }

    /// Sums from `site` on, `depth` sites of the block being fixed to `pattern`.
    fn from(
        &self,
        mut f: Scaled,
        mut site: usize,
        depth: usize,
        pattern: usize,
        out: &mut [f64],
    ) -> Result<(), Error> {
        self.control.check()?;
        let Some(&next) = self.window.block.get(depth) else {
            let sum = f
                .values
                .iter()
                .zip(&self.back.values)
                .map(|(&a, &b)| A::times(a, b))
                .fold(A::ZERO, A::add);
            out[pattern] = A::log(sum) + f.log + self.back.log;
            return Ok(());
        };
        while site < next {
            self.forward(&mut f, site, Spin::Free);
            site += 1;
        }
        for (bit, spin) in [(0, Spin::Down), (1, Spin::Up)] {
            let mut branch = f.clone();
            self.forward(&mut branch, site, spin);
            self.from(branch, site + 1, depth + 1, pattern | bit << depth, out)?;
        }
        Ok(())
    }
}

/// `ln Z` for each of the n sets of fields (over temperature) and each of the 2^|block| patterns; bit
/// k of a pattern's number is the k-th spin of the block, 1 for up.
///
/// # Errors
/// A window that is too wide, a block outside of it, numbers that are not finite, a cancelled control.
///
/// ```
/// use kadanoff_lattice::exact::{Window, windows};
/// use kadanoff_runtime::Control;
///
/// // A pair of spins, one of them the block: Z(up) = e^K + e^-K, in no field.
/// let window = Window {
///     height: 1,
///     width: 2,
///     kx: 0.5,
///     ky: 0.0,
///     block: vec![0],
/// };
/// let found = windows(&window, &[0.0, 0.0], &Control::new())?;
/// assert!((found[1] - (2.0 * 0.5_f64.cosh()).ln()).abs() < 1e-14);
/// # Ok::<(), kadanoff_lattice::exact::Error>(())
/// ```
pub fn windows(window: &Window, fields: &[f64], control: &Control) -> Result<Vec<f64>, Error> {
    window.check()?;
    let sites = window.height * window.width;
    if !fields.len().is_multiple_of(sites) || fields.iter().any(|h| !h.is_finite()) {
        return Err(Error::Argument(
            "fields must be finite, one for every site of every window".into(),
        ));
    }
    let patterns = 1usize << window.block.len();
    let mut out = vec![0.0; fields.len() / sites * patterns];
    control.add_total((fields.len() / sites) as u64);
    out.par_chunks_mut(patterns)
        .zip(fields.par_chunks(sites))
        .try_for_each(|(out, fields)| {
            window.one(fields, control, out)?;
            control.tick(1);
            Ok::<_, Error>(())
        })?;
    Ok(out)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn example() -> (Window, Vec<f64>) {
        let window = Window {
            height: 3,
            width: 4,
            kx: 0.4,
            ky: -0.3,
            block: vec![1, 6, 7],
        };
        (window, (0..12).map(|i| (1.3 * i as f64).sin()).collect())
    }

    #[test]
    fn patterns_add_up_to_brute_force() {
        let (window, fields) = example();
        let mut z = [0.0; 8];
        for state in 0..1usize << 12 {
            let s = |i: usize| 2.0 * (state >> i & 1) as f64 - 1.0;
            let mut log = 0.0;
            for i in 0..12 {
                log += fields[i] * s(i);
                if i % 4 > 0 {
                    log += window.kx * s(i) * s(i - 1);
                }
                if i >= 4 {
                    log += window.ky * s(i) * s(i - 4);
                }
            }
            let block = &window.block;
            let pattern: usize = (0..3).map(|k| (state >> block[k] & 1) << k).sum();
            z[pattern] += f64::exp(log);
        }
        let got = windows(&window, &fields, &Control::new()).unwrap();
        for (got, z) in got.iter().zip(z) {
            assert!((got - z.ln()).abs() < 1e-13);
        }
        let open = Window {
            block: vec![],
            ..window
        };
        let got = windows(&open, &fields, &Control::new()).unwrap();
        assert!((got[0] - z.iter().sum::<f64>().ln()).abs() < 1e-13);
    }

    #[test]
    fn logarithms_agree_with_numbers() {
        let (window, fields) = example();
        let control = Control::new();
        let (mut a, mut b) = ([0.0; 8], [0.0; 8]);
        Sum::<Linear>::new(&window, &fields, &control)
            .all(&mut a)
            .unwrap();
        Sum::<Logarithmic>::new(&window, &fields, &control)
            .all(&mut b)
            .unwrap();
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-13));
    }
}
