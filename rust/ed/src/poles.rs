//! Sums over many poles, `sum_j r_j / (z - E_j)`, at many points, in much less than their product.
//!
//! At a distance `d` from the real axis the kernel is analytic in `E` in a strip of half-width `d`. On
//! panels of width `d / 2` its interpolation at [`POINTS`] Chebyshev points has the error
//! `(4 + sqrt 17)^(-POINTS) ~ 3e-15`, so that the residues can be moved from the poles to these
//! points: far fewer than poles, and the fewer the larger `d`. Points are taken in groups of growing `d`.

use faer::c64;
use kadanoff_runtime::simd::{Kernel, Level, dispatch};

/// Interpolation points on a panel.
pub const POINTS: usize = 16;
/// Width of a panel in units of the distance from the real axis.
const WIDTH: f64 = 0.5;
/// A group holds points up to this multiple of the smallest distance in it.
const GROUP: f64 = 4.0;
const LANES: usize = 8;

/// Poles with several residues each; arrays padded to full lanes with residues zero.
#[derive(Debug, Clone)]
struct Sources {
    energies: Vec<f64>,
    residues: Vec<Vec<f64>>,
}

impl Sources {
    fn new(energies: &[f64], residues: &[&[f64]]) -> Self {
        let padded = energies.len().div_ceil(LANES) * LANES;
        let pad = |x: &[f64], with: f64| {
            let mut x = x.to_vec();
            x.resize(padded, with);
            x
        };
        Self {
            // Padding takes the place of a pole, so that it stays in range.
            energies: pad(energies, energies.first().copied().unwrap_or(0.0)),
            residues: residues.iter().map(|r| pad(r, 0.0)).collect(),
        }
    }

    /// Residues moved to Chebyshev points on panels of width `d`, if these are fewer.
    fn compressed(&self, d: f64) -> Option<Self> {
        let low = self.energies.iter().copied().fold(f64::INFINITY, f64::min);
        let high = self
            .energies
            .iter()
            .copied()
            .fold(f64::NEG_INFINITY, f64::max);
        let d = WIDTH * d;
        let panels = ((high - low) / d).floor() + 1.0;
        if panels.is_nan() || panels * POINTS as f64 >= 0.7 * self.energies.len() as f64 {
            return None;
        }
        let panels = panels as usize;
        // Chebyshev moments of every panel, then residues at the points.
        let mut moments = vec![vec![[0.0; POINTS]; panels]; self.residues.len()];
        dispatch(
            Level::best(),
            Moments {
                sources: self,
                low,
                d,
                moments: &mut moments,
            },
        );
        let n = POINTS as f64;
        let nodes: [f64; POINTS] =
            std::array::from_fn(|j| (std::f64::consts::PI * (j as f64 + 0.5) / n).cos());
        let values: [[f64; POINTS]; POINTS] = nodes.map(chebyshev);
        let energies = (0..panels)
            .flat_map(|p| nodes.map(|x| low + d * (p as f64 + 0.5 + 0.5 * x)))
            .collect();
        let residues = moments
            .iter()
            .map(|of_residue| {
                let mut out = Vec::with_capacity(panels * POINTS);
                for m in of_residue {
                    for t in &values {
                        let sum: f64 = m.iter().zip(t).skip(1).map(|(m, t)| m * t).sum();
                        out.push((m[0] + 2.0 * sum) / n);
                    }
                }
                out
            })
            .collect();
        Some(Self { energies, residues })
    }
}

/// `T_k(x)` for k < POINTS.
#[inline(always)]
fn chebyshev(x: f64) -> [f64; POINTS] {
    let mut t = [1.0; POINTS];
    t[1] = x;
    // T_2k = 2 T_k^2 - 1, T_(2k+1) = 2 T_k T_(k+1) - x: short chains of dependences
    for k in 2..=LANES {
        let half = k / 2;
        t[k] = 2.0 * t[half] * t[k - half] - t[k % 2];
    }
    // T_(8+k) = 2 T_8 T_k - T_(8-k), all at once
    let twice = 2.0 * t[LANES];
    let mirror: [f64; LANES] = std::array::from_fn(|k| t[LANES - k]);
    for k in 1..LANES {
        t[LANES + k] = twice * t[k] - mirror[k];
    }
    t
}

struct Moments<'a> {
    sources: &'a Sources,
    low: f64,
    d: f64,
    moments: &'a mut [Vec<[f64; POINTS]>],
}

impl Kernel for Moments<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let per_width = 1.0 / self.d;
        let last = self
            .moments
            .first()
            .map_or(0, |m| m.len().saturating_sub(1));
        for (i, e) in self.sources.energies.iter().enumerate() {
            let at = (e - self.low) * per_width;
            let panel = (at as usize).min(last);
            let t = chebyshev(2.0 * (at - panel as f64) - 1.0);
            for (residues, moments) in self.sources.residues.iter().zip(self.moments.iter_mut()) {
                let r = residues[i];
                for (m, t) in moments[panel].iter_mut().zip(&t) {
                    *m += r * t;
                }
            }
        }
    }
}

struct Direct<'a> {
    sources: &'a Sources,
    z: c64,
    out: &'a mut [c64],
}

impl Kernel for Direct<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let (x, y2) = (self.z.re, self.z.im * self.z.im);
        for (out, residues) in self.out.iter_mut().zip(&self.sources.residues) {
            let (mut re, mut im) = ([0.0; LANES], [0.0; LANES]);
            for (e, r) in self
                .sources
                .energies
                .chunks_exact(LANES)
                .zip(residues.chunks_exact(LANES))
            {
                for l in 0..LANES {
                    let a = x - e[l];
                    let q = r[l] / (a * a + y2);
                    re[l] += a * q;
                    im[l] += q;
                }
            }
            let sum = |s: &[f64; LANES]| {
                ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]))
            };
            *out = c64::new(sum(&re), -self.z.im * sum(&im));
        }
    }
}

/// `sum_j r_j / (z - E_j)` for every set of residues (rows) and every `z` (columns).
///
/// Cost: about `|E| POINTS + |z| POINTS (E_max - E_min) / |Im z|` instead of `|E| |z|`.
pub fn at_points(energies: &[f64], residues: &[&[f64]], z: &[c64]) -> Vec<Vec<c64>> {
    let mut out = vec![vec![c64::new(0.0, 0.0); z.len()]; residues.len()];
    if energies.is_empty() {
        return out;
    }
    let mut order: Vec<usize> = (0..z.len()).collect();
    order.sort_by(|&i, &j| z[i].im.abs().total_cmp(&z[j].im.abs()));
    let mut sources = Sources::new(energies, residues);
    let mut limit = f64::NEG_INFINITY;
    let mut values = vec![c64::new(0.0, 0.0); residues.len()];
    for i in order {
        let distance = z[i].im.abs();
        if distance > limit {
            if distance > 0.0
                && let Some(fewer) = sources.compressed(distance)
            {
                sources = fewer;
            }
            limit = GROUP * distance;
        }
        dispatch(
            Level::best(),
            Direct {
                sources: &sources,
                z: z[i],
                out: &mut values,
            },
        );
        for (row, value) in out.iter_mut().zip(&values) {
            row[i] = *value;
        }
    }
    out
}

/// `G(tau) = -sum_j r_j e^(-tau E_j) / (1 + e^(-beta E_j))` for every set of residues and every tau in [0, beta].
pub fn at_times(energies: &[f64], residues: &[&[f64]], beta: f64, tau: &[f64]) -> Vec<Vec<f64>> {
    let mut out = vec![vec![0.0; tau.len()]; residues.len()];
    if energies.is_empty() {
        return out;
    }
    let mut sources = Sources::new(energies, residues);
    // The kernel has poles at the Matsubara frequencies, the nearest at a distance pi / beta.
    if let Some(fewer) = sources.compressed(std::f64::consts::PI / beta) {
        sources = fewer;
    }
    let fermi: Vec<f64> = sources
        .energies
        .iter()
        .map(|e| 1.0 / (1.0 + (-beta * e.abs()).exp()))
        .collect();
    for (k, &t) in tau.iter().enumerate() {
        for (j, (e, f)) in sources.energies.iter().zip(&fermi).enumerate() {
            let exponent = if *e >= 0.0 { -t * e } else { (beta - t) * e };
            let kernel = exponent.exp() * f;
            for (row, r) in out.iter_mut().zip(&sources.residues) {
                row[k] -= r[j] * kernel;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn many() -> (Vec<f64>, Vec<f64>) {
        let energies: Vec<f64> = (0..20_000)
            .map(|i| 11.0 * (f64::from(i) * 0.618_033_988_749_895).fract() - 4.0)
            .collect();
        let residues = energies.iter().map(|e| (1.0 + e.sin()) / 2e4).collect();
        (energies, residues)
    }

    #[test]
    fn moved_residues_give_the_same_sums() {
        let (energies, residues) = many();
        for beta in [1.0, 10.0, 50.0] {
            let z: Vec<c64> = (0..300)
                .map(|n| c64::new(0.0, std::f64::consts::PI * f64::from(2 * n + 1) / beta))
                .collect();
            let fast = &at_points(&energies, &[&residues], &z)[0];
            for (z, fast) in z.iter().zip(fast) {
                let slow: c64 = energies
                    .iter()
                    .zip(&residues)
                    .map(|(e, r)| *r / (*z - *e))
                    .sum();
                assert!(
                    (slow - fast).norm() < 2e-14 * slow.norm().max(1e-3),
                    "{z} {slow} {fast}"
                );
            }
        }
    }

    #[test]
    fn times_too() {
        let (energies, residues) = many();
        let beta = 10.0;
        let tau: Vec<f64> = (0..=20).map(|i| 0.5 * f64::from(i)).collect();
        let fast = &at_times(&energies, &[&residues], beta, &tau)[0];
        for (t, fast) in tau.iter().zip(fast) {
            let slow: f64 = energies
                .iter()
                .zip(&residues)
                .map(|(e, r)| -r * (-t * e).exp() / (1.0 + (-beta * e).exp()))
                .sum();
            assert!((slow - fast).abs() < 1e-13, "{t} {slow} {fast}");
        }
    }

    #[test]
    fn chebyshev_polynomials_are_cosines() {
        for i in 0..=50 {
            let theta = std::f64::consts::PI * f64::from(i) / 50.0;
            for (k, t) in chebyshev(theta.cos()).iter().enumerate() {
                assert!((t - (k as f64 * theta).cos()).abs() < 1e-13);
            }
        }
    }
}
