//! ln Z of a rectangle of Ising spins with a field on every site, for every pattern of a block in it.
//!
//! Sites are summed one after the other; the vector in hand has an entry for each state of the last
//! `width` sites. Where a site of the block comes, the sum splits in two; behind the last of them all
//! patterns share the sum over the rest, taken backwards once.

use super::Error;
use kadanoff_runtime::Control;
use rayon::prelude::*;

pub const MOST_WIDTH: usize = 20;
pub const MOST_BLOCK: usize = 20;

/// A rectangle of `height` rows with couplings over temperature along rows and columns.
#[derive(Debug, Clone)]
pub struct Window {
    pub height: usize,
    pub width: usize,
    pub kx: f64,
    pub ky: f64,
    /// Sites `y * width + x` of the block, ascending.
    pub block: Vec<usize>,
}

/// Which values a spin may take while it is summed.
#[derive(Clone, Copy, PartialEq)]
enum Spin {
    Free,
    Down,
    Up,
}

/// A vector whose true entries are `exp(log)` times those that are stored.
#[derive(Clone)]
struct Scaled {
    values: Vec<f64>,
    log: f64,
}

impl Scaled {
    /// Keeps the largest entry near 1.
    fn rescale(&mut self) {
        let largest = self.values.iter().fold(0.0f64, |a, &b| a.max(b));
        if largest > 0.0 && !(1e-60..1e60).contains(&largest) {
            self.values.iter_mut().for_each(|v| *v /= largest);
            self.log += largest.ln();
        }
    }
}

impl Window {
    fn check(&self) -> Result<(), Error> {
        let sites = self.height.checked_mul(self.width);
        let fits = (1..=MOST_WIDTH).contains(&self.width) && self.height >= 1;
        let Some(sites) = sites.filter(|_| fits) else {
            return Err(Error::Option(format!(
                "a window is 1 to {MOST_WIDTH} sites wide and at least one high, got {} x {}",
                self.width, self.height
            )));
        };
        if self.block.len() > MOST_BLOCK {
            return Err(Error::Option(format!(
                "a block has at most {MOST_BLOCK} sites, got {}",
                self.block.len()
            )));
        }
        let ascending = self.block.windows(2).all(|p| p[0] < p[1]);
        if !ascending || self.block.last().is_some_and(|&s| s >= sites) {
            return Err(Error::Option(
                "sites of the block must ascend and lie in the window".into(),
            ));
        }
        if !(self.kx.is_finite() && self.ky.is_finite()) {
            return Err(Error::Option("couplings must be finite".into()));
        }
        Ok(())
    }

    /// Boltzmann factors of one site relative to the largest: `[above][left][spin]`, and its log.
    fn factors(&self, site: usize, h: f64) -> ([[[f64; 2]; 2]; 2], f64) {
        let ky = if site >= self.width { self.ky } else { 0.0 };
        let kx = if site.is_multiple_of(self.width) {
            0.0
        } else {
            self.kx
        };
        let sign = |bit: usize| 2.0 * bit as f64 - 1.0;
        let log = kx.abs() + ky.abs() + h.abs();
        let w = std::array::from_fn(|above| {
            std::array::from_fn(|left| {
                std::array::from_fn(|s| {
                    (sign(s) * (ky * sign(above) + kx * sign(left) + h) - log).exp()
                })
            })
        });
        (w, log)
    }

    fn forward(&self, f: &mut Scaled, site: usize, h: f64, spin: Spin) {
        let (w, log) = self.factors(site, h);
        let x = site % self.width;
        let first = site < self.width;
        let bit = 1usize << x;
        for c in 0..f.values.len() {
            if c & bit != 0 {
                continue;
            }
            let left = if x == 0 { 0 } else { c >> (x - 1) & 1 };
            let (down, up) = (f.values[c], f.values[c | bit]);
            // In the first row nothing lies above: one entry stands for the missing spin.
            let sum = |s: usize| {
                if first {
                    down * w[0][left][s]
                } else {
                    down * w[0][left][s] + up * w[1][left][s]
                }
            };
            let (to_down, to_up) = (sum(0), sum(1));
            f.values[c] = if spin == Spin::Up { 0.0 } else { to_down };
            f.values[c | bit] = if spin == Spin::Down { 0.0 } else { to_up };
        }
        f.log += log;
        f.rescale();
    }

    fn backward(&self, b: &mut Scaled, site: usize, h: f64) {
        let (w, log) = self.factors(site, h);
        let x = site % self.width;
        let bit = 1usize << x;
        for c in 0..b.values.len() {
            if c & bit != 0 {
                continue;
            }
            let left = if x == 0 { 0 } else { c >> (x - 1) & 1 };
            let (down, up) = (b.values[c], b.values[c | bit]);
            let sum = |above: usize| down * w[above][left][0] + up * w[above][left][1];
            (b.values[c], b.values[c | bit]) = (sum(0), sum(1));
        }
        b.log += log;
        b.rescale();
    }

    fn one(&self, fields: &[f64], control: &Control, out: &mut [f64]) -> Result<(), Error> {
        let states = 1usize << self.width;
        let after = self.block.last().map_or(0, |s| s + 1);
        let mut back = Scaled {
            values: vec![1.0; states],
            log: 0.0,
        };
        for site in (after..self.height * self.width).rev() {
            self.backward(&mut back, site, fields[site]);
        }
        let mut start = Scaled {
            values: vec![0.0; states],
            log: 0.0,
        };
        start.values[0] = 1.0;
        let walk = Walk {
            window: self,
            fields,
            control,
            back: &back,
            after,
        };
        walk.from(start, 0, 0, 0, out)
    }
}

struct Walk<'a> {
    window: &'a Window,
    fields: &'a [f64],
    control: &'a Control,
    back: &'a Scaled,
    after: usize,
}

impl Walk<'_> {
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
            let sum: f64 = if self.after == 0 {
                // In the first row the missing spins above stand in entry 0.
                self.back.values[0]
            } else {
                f.values
                    .iter()
                    .zip(&self.back.values)
                    .map(|(a, b)| a * b)
                    .sum()
            };
            out[pattern] = sum.ln() + f.log + self.back.log;
            return Ok(());
        };
        while site < next {
            self.window
                .forward(&mut f, site, self.fields[site], Spin::Free);
            site += 1;
        }
        for (bit, spin) in [(0, Spin::Down), (1, Spin::Up)] {
            let mut branch = f.clone();
            self.window
                .forward(&mut branch, site, self.fields[site], spin);
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
pub fn windows(window: &Window, fields: &[f64], control: &Control) -> Result<Vec<f64>, Error> {
    window.check()?;
    let sites = window.height * window.width;
    if !fields.len().is_multiple_of(sites) || fields.iter().any(|h| !h.is_finite()) {
        return Err(Error::Option(
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

    #[test]
    fn patterns_add_up_to_brute_force() {
        let (height, width, kx, ky) = (3, 4, 0.4, -0.3);
        let fields: Vec<f64> = (0..12).map(|i| (1.3 * i as f64).sin()).collect();
        let mut z = std::collections::BTreeMap::new();
        let block = vec![1, 6, 7];
        for state in 0..1usize << 12 {
            let s = |i: usize| 2.0 * (state >> i & 1) as f64 - 1.0;
            let mut log = 0.0;
            for i in 0..12 {
                log += fields[i] * s(i);
                if i % width > 0 {
                    log += kx * s(i) * s(i - 1);
                }
                if i >= width {
                    log += ky * s(i) * s(i - width);
                }
            }
            let pattern: usize = (0..3).map(|k| (state >> block[k] & 1) << k).sum();
            *z.entry(pattern).or_insert(0.0) += f64::exp(log);
        }
        let w = Window {
            height,
            width,
            kx,
            ky,
            block,
        };
        let got = windows(&w, &fields, &Control::new()).unwrap();
        for (pattern, z) in &z {
            assert!((got[*pattern] - z.ln()).abs() < 1e-13);
        }
        let open = Window { block: vec![], ..w };
        let got = windows(&open, &fields, &Control::new()).unwrap();
        assert!((got[0] - z.values().sum::<f64>().ln()).abs() < 1e-13);
    }
}
