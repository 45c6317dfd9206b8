//! Sums over many poles, `sum_j r_j / (z - E_j)`, at many points, in much less than their product.
//!
//! At a distance `d` from the real axis the kernel is analytic in `E` in a strip of half-width `d`. On
//! panels of width `d / 2` its interpolation at 16 Chebyshev points has the error
//! `(4 + sqrt 17)^(-POINTS) ~ 3e-15`, so that the residues can be moved from the poles to these
//! points: far fewer than poles, and the fewer the larger `d`. Points are taken in groups of growing `d`.

use crate::Error;
use faer::c64;
use kadanoff_runtime::Control;
use kadanoff_runtime::exponential::{INVERSE_FACTORIALS, LN_2, ROUND};
use kadanoff_runtime::simd::{Instructions, Kernel, Level, dispatch};
use std::borrow::Cow;
use std::sync::LazyLock;

/// Interpolation points on a panel.
pub(crate) const POINTS: usize = 16;
/// Width of a panel in units of the distance from the real axis.
const WIDTH: f64 = 0.5;
/// A group holds points up to this multiple of the smallest distance in it.
const GROUP: f64 = 4.0;
/// Products of poles and points between two looks at the control: some ten milliseconds.
const PATIENCE: usize = 1 << 24;
const LANES: usize = 8;

type Lane = [f64; LANES];

/// Poles with several residues each.
struct Sources<'a> {
    energies: Cow<'a, [f64]>,
    residues: Vec<Cow<'a, [f64]>>,
}

impl<'a> Sources<'a> {
    fn new(energies: &'a [f64], residues: &[&'a [f64]]) -> Self {
        Self {
            energies: Cow::Borrowed(energies),
            residues: residues.iter().map(|r| Cow::Borrowed(*r)).collect(),
        }
    }

    /// Energies and residues in full lanes.
    fn in_lanes(&self) -> (Vec<Lane>, Vec<Vec<Lane>>) {
        let lanes = |x: &[f64], with: f64| -> Vec<Lane> {
            let (whole, rest) = x.as_chunks::<LANES>();
            let mut out = whole.to_vec();
            if !rest.is_empty() {
                out.push(std::array::from_fn(|l| {
                    rest.get(l).copied().unwrap_or(with)
                }));
            }
            out
        };
        // Padding takes the place of a pole, so that it stays in range; its residues are zero.
        let first = self.energies.first().copied().unwrap_or(0.0);
        let residues = self.residues.iter().map(|r| lanes(r, 0.0));
        (lanes(&self.energies, first), residues.collect())
    }

    /// Residues moved to Chebyshev points on panels of width `d / 2`, if these are fewer.
    fn compressed(&self, d: f64) -> Option<Self> {
        let (low, high) = dispatch(Level::current(), Range(&self.energies));
        let d = WIDTH * d;
        let panels = ((high - low) / d).floor() + 1.0;
        if panels.is_nan() || panels * POINTS as f64 >= 0.7 * self.energies.len() as f64 {
            return None;
        }
        let panels = panels as usize;
        let nodes = LazyLock::force(&NODES);
        let energies = (0..panels)
            .flat_map(|p| nodes.map(|x| low + d * (p as f64 + 0.5 + 0.5 * x)))
            .collect();
        let mut moments = vec![vec![[0.0; POINTS]; panels]; self.residues.len()];
        dispatch(
            Level::current(),
            Move {
                sources: self,
                low,
                d,
                factors: &FACTORS,
                lagrange: &LAGRANGE,
                moments: &mut moments,
            },
        );
        Some(Self {
            energies,
            residues: moments
                .iter()
                .map(|m| m.as_flattened().to_vec().into())
                .collect(),
        })
    }
}

/// The Chebyshev points of [-1, 1].
static NODES: LazyLock<[f64; POINTS]> = LazyLock::new(|| {
    std::array::from_fn(|j| (std::f64::consts::PI * (j as f64 + 0.5) / POINTS as f64).cos())
});

/// Which of the first eight products hold T_1, T_2 and T_4, and which hold one instead. Not constants:
/// the compiler would treat every product differently, without vectors.
static FACTORS: LazyLock<[[Lane; 2]; 3]> = LazyLock::new(|| {
    [1, 2, 4].map(|bit| {
        let with = std::array::from_fn(|k| if k & bit == 0 { 0.0 } else { 1.0 });
        [with, with.map(|x| 1.0 - x)]
    })
});

/// Column by column, the Lagrange polynomials of [`NODES`] in products of T_1, T_2, T_4 and T_8.
///
/// `P_l` is the product of those `T_(2^i)` whose bit i is set in l. It takes three products to have
/// all sixteen, and `T_(h + r) = 2 T_h T_r - T_(h - r)` gives the Chebyshev polynomials: their
/// coefficients add up to 15 at most, so that nothing is lost to cancellation.
static LAGRANGE: LazyLock<[[f64; POINTS]; POINTS]> = LazyLock::new(|| {
    let mut chebyshev = [[0.0; POINTS]; POINTS]; // of T_k
    for (k, row) in [0, 1].into_iter().zip(&mut chebyshev) {
        row[k] = 1.0;
    }
    for k in 2..POINTS {
        let h = 1 << k.ilog2();
        if k == h {
            chebyshev[k][k] = 1.0;
            continue;
        }
        for l in 0..h {
            chebyshev[k][h + l] = 2.0 * chebyshev[k - h][l];
            chebyshev[k][l] = -chebyshev[2 * h - k][l];
        }
    }
    let mut columns = [[0.0; POINTS]; POINTS];
    for j in 0..POINTS {
        let theta = std::f64::consts::PI * (j as f64 + 0.5) / POINTS as f64;
        for (k, row) in chebyshev.iter().enumerate() {
            let weight = if k == 0 { 1.0 } else { 2.0 } / POINTS as f64;
            for l in 0..POINTS {
                columns[l][j] += weight * (k as f64 * theta).cos() * row[l];
            }
        }
    }
    columns
});

/// The smallest and the largest of some numbers.
struct Range<'a>(&'a [f64]);

impl Kernel for Range<'_> {
    type Output = (f64, f64);

    #[inline(always)]
    fn run<I: Instructions>(self) -> (f64, f64) {
        let (whole, rest) = self.0.as_chunks::<LANES>();
        let (mut low, mut high) = ([f64::INFINITY; LANES], [f64::NEG_INFINITY; LANES]);
        for x in whole {
            for l in 0..LANES {
                low[l] = if x[l] < low[l] { x[l] } else { low[l] };
                high[l] = if x[l] > high[l] { x[l] } else { high[l] };
            }
        }
        let ends = |bound: f64, all: &Lane, f: fn(f64, f64) -> f64| {
            all.iter().chain(rest).copied().fold(bound, f)
        };
        (
            ends(f64::INFINITY, &low, f64::min),
            ends(f64::NEG_INFINITY, &high, f64::max),
        )
    }
}

struct Move<'a> {
    sources: &'a Sources<'a>,
    low: f64,
    d: f64,
    factors: &'a [[Lane; 2]; 3],
    lagrange: &'a [[f64; POINTS]; POINTS],
    moments: &'a mut [Vec<[f64; POINTS]>],
}

impl Kernel for Move<'_> {
    type Output = ();

    /// Moments of every panel with the products of Chebyshev polynomials, then residues at its points.
    #[inline(always)]
    fn run<I: Instructions>(self) {
        let per_width = 1.0 / self.d;
        let last = self
            .moments
            .first()
            .map_or(0, |m| m.len().saturating_sub(1));
        let energies = &self.sources.energies;
        let factors = *self.factors;
        for start in (0..energies.len()).step_by(LANES) {
            let count = LANES.min(energies.len() - start);
            let mut e = [self.low; LANES];
            e[..count].copy_from_slice(&energies[start..start + count]);
            let mut panel = [0_u32; LANES];
            let (mut t1, mut t2, mut t4, mut t8) =
                ([0.0; LANES], [0.0; LANES], [0.0; LANES], [0.0; LANES]);
            for l in 0..LANES {
                let at = (e[l] - self.low) * per_width;
                panel[l] = (at as u32).min(last as u32);
                t1[l] = 2.0 * (at - f64::from(panel[l])) - 1.0;
                t2[l] = 2.0 * t1[l] * t1[l] - 1.0;
                t4[l] = 2.0 * t2[l] * t2[l] - 1.0;
                t8[l] = 2.0 * t4[l] * t4[l] - 1.0;
            }
            for l in 0..count {
                let mut p: Lane = [1.0; LANES];
                for (t, [with, without]) in [t1[l], t2[l], t4[l]].into_iter().zip(&factors) {
                    for k in 0..LANES {
                        p[k] *= fused::<I>(with[k], t, without[k]);
                    }
                }
                let residues = self.sources.residues.iter().zip(self.moments.iter_mut());
                for (residues, moments) in residues {
                    // Copies, since registers cannot overlap.
                    let mut sums = moments[panel[l] as usize];
                    let low = residues[start + l];
                    let high = low * t8[l];
                    for k in 0..LANES {
                        sums[k] = fused::<I>(low, p[k], sums[k]);
                    }
                    for k in 0..LANES {
                        sums[LANES + k] = fused::<I>(high, p[k], sums[LANES + k]);
                    }
                    moments[panel[l] as usize] = sums;
                }
            }
        }
        for moments in self.moments.iter_mut().flatten() {
            let mut at_points = [0.0; POINTS];
            for (m, column) in moments.iter().zip(self.lagrange) {
                for j in 0..POINTS {
                    at_points[j] = fused::<I>(*m, column[j], at_points[j]);
                }
            }
            *moments = at_points;
        }
    }
}

#[inline(always)]
fn fused<I: Instructions>(a: f64, b: f64, c: f64) -> f64 {
    if I::FMA { a.mul_add(b, c) } else { c + a * b }
}

#[inline(always)]
fn total(s: &Lane) -> f64 {
    ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]))
}

struct Direct<'a> {
    sources: &'a Sources<'a>,
    z: &'a [c64],
    chosen: &'a [usize],
    out: &'a mut [Vec<c64>],
}

impl Kernel for Direct<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self) {
        let (energies, residues) = self.sources.in_lanes();
        let mut sums = vec![[[0.0; LANES]; 2]; residues.len()];
        for &i in self.chosen {
            let z = self.z[i];
            let y2 = z.im * z.im;
            sums.fill([[0.0; LANES]; 2]);
            for (c, e) in energies.iter().enumerate() {
                let (mut re, mut im) = ([0.0; LANES], [0.0; LANES]);
                for l in 0..LANES {
                    let a = z.re - e[l];
                    im[l] = 1.0 / fused::<I>(a, a, y2);
                    re[l] = a * im[l];
                }
                for (r, sums) in residues.iter().zip(&mut sums) {
                    // Copies, since registers cannot overlap.
                    let (r, [mut real, mut imag]) = (r[c], *sums);
                    for l in 0..LANES {
                        real[l] = fused::<I>(r[l], re[l], real[l]);
                    }
                    for l in 0..LANES {
                        imag[l] = fused::<I>(r[l], im[l], imag[l]);
                    }
                    *sums = [real, imag];
                }
            }
            for (row, [re, im]) in self.out.iter_mut().zip(&sums) {
                row[i] = c64::new(total(re), -z.im * total(im));
            }
        }
    }
}

/// `sum_j r_j / (z - E_j)` for every set of residues (rows) and every `z` (columns).
///
/// Cost: about `16 |E| + 16 |z| (E_max - E_min) / |Im z|` instead of `|E| |z|`.
///
/// ```
/// use faer::c64;
/// use kadanoff_ed::poles::at_points;
/// use kadanoff_runtime::Control;
///
/// let z = [c64::new(0.0, 1.0)];
/// let found = at_points(&[-1.0, 1.0], &[&[0.5, 0.5]], &z, &Control::new())?;
/// assert!((found[0][0] - c64::new(0.0, -0.5)).norm() < 1e-15);
/// # Ok::<(), kadanoff_ed::Error>(())
/// ```
pub fn at_points(
    energies: &[f64],
    residues: &[&[f64]],
    z: &[c64],
    control: &Control,
) -> Result<Vec<Vec<c64>>, Error> {
    let mut out = vec![vec![c64::new(0.0, 0.0); z.len()]; residues.len()];
    if energies.is_empty() {
        return Ok(out);
    }
    let distance = |i: &usize| z[*i].im.abs();
    let mut order: Vec<usize> = (0..z.len()).collect();
    order.sort_by(|i, j| distance(i).total_cmp(&distance(j)));
    let mut sources = Sources::new(energies, residues);
    let mut rest = order.as_slice();
    while let Some(nearest) = rest.first().map(distance) {
        if nearest > 0.0
            && let Some(fewer) = sources.compressed(nearest)
        {
            sources = fewer;
        }
        // A distance that is not a number comes last, and alone.
        let count = rest
            .partition_point(|i| distance(i) <= GROUP * nearest)
            .max(1);
        let (chosen, further) = rest.split_at(count);
        rest = further;
        for chosen in chosen.chunks(between_looks(&sources)) {
            control.check()?;
            dispatch(
                Level::current(),
                Direct {
                    sources: &sources,
                    z,
                    chosen,
                    out: &mut out,
                },
            );
        }
    }
    Ok(out)
}

/// Points that may be summed between two looks at the control.
fn between_looks(sources: &Sources<'_>) -> usize {
    (PATIENCE / sources.energies.len()).max(1)
}

/// `G(tau) = -sum_j r_j e^(-tau E_j) / (1 + e^(-beta E_j))` for every set of residues and every tau in [0, beta].
///
/// ```
/// use kadanoff_ed::poles::at_times;
/// use kadanoff_runtime::Control;
///
/// // A level at the chemical potential is half filled.
/// let found = at_times(&[0.0], &[&[1.0]], 10.0, &[0.0, 5.0], &Control::new())?;
/// assert_eq!(found[0], [-0.5, -0.5]);
/// # Ok::<(), kadanoff_ed::Error>(())
/// ```
pub fn at_times(
    energies: &[f64],
    residues: &[&[f64]],
    beta: f64,
    tau: &[f64],
    control: &Control,
) -> Result<Vec<Vec<f64>>, Error> {
    let mut out = vec![vec![0.0; tau.len()]; residues.len()];
    if energies.is_empty() {
        return Ok(out);
    }
    let mut sources = Sources::new(energies, residues);
    // The kernel has poles at the Matsubara frequencies, the nearest at a distance pi / beta.
    if let Some(fewer) = sources.compressed(std::f64::consts::PI / beta) {
        sources = fewer;
    }
    let part = between_looks(&sources);
    for (k, tau) in tau.chunks(part).enumerate() {
        control.check()?;
        let times = Times {
            sources: &sources,
            beta,
            tau,
            first: k * part,
            out: &mut out,
        };
        dispatch(Level::current(), times);
    }
    Ok(out)
}

struct Times<'a> {
    sources: &'a Sources<'a>,
    beta: f64,
    tau: &'a [f64],
    /// Column of the first of them.
    first: usize,
    out: &'a mut [Vec<f64>],
}

impl Kernel for Times<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self) {
        let (energies, residues) = self.sources.in_lanes();
        let mut fermi = vec![[0.0; LANES]; energies.len()];
        for (f, e) in fermi.iter_mut().zip(&energies) {
            for l in 0..LANES {
                f[l] = 1.0 / (1.0 + exp::<I>(-self.beta * e[l].abs()));
            }
        }
        let mut sums = vec![[0.0; LANES]; residues.len()];
        for (k, t) in self.tau.iter().enumerate() {
            sums.fill([0.0; LANES]);
            for (c, (e, f)) in energies.iter().zip(&fermi).enumerate() {
                let mut kernel = [0.0; LANES];
                for l in 0..LANES {
                    let factor = if e[l] >= 0.0 { -t } else { self.beta - t };
                    kernel[l] = exp::<I>(factor * e[l]) * f[l];
                }
                for (r, sum) in residues.iter().zip(&mut sums) {
                    let (r, mut total) = (r[c], *sum);
                    for l in 0..LANES {
                        total[l] = fused::<I>(r[l], kernel[l], total[l]);
                    }
                    *sum = total;
                }
            }
            for (row, sum) in self.out.iter_mut().zip(&sums) {
                row[self.first + k] = -total(sum);
            }
        }
    }
}

/// `e^x` for x <= 0 to a few units in the last place; below -708 as at -708, which is next to nothing.
#[inline(always)]
fn exp<I: Instructions>(x: f64) -> f64 {
    let x = if x > -708.0 { x } else { -708.0 };
    let shifted = x * std::f64::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = fused::<I>(-n, LN_2.1, fused::<I>(-n, LN_2.0, x));
    let mut sum = INVERSE_FACTORIALS[0];
    for &inverse in &INVERSE_FACTORIALS[1..] {
        sum = fused::<I>(sum, r, inverse);
    }
    // The last bits of `shifted` are n, to be added to the exponent.
    f64::from_bits(sum.to_bits().wrapping_add(shifted.to_bits() << 52))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use kadanoff_runtime::simd;

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
            let fast = &at_points(&energies, &[&residues], &z, &Control::new()).unwrap()[0];
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
    fn long_sums_are_cut_without_a_change_and_can_be_stopped() {
        let (energies, residues) = many();
        // Next to the real axis nothing is compressed: more than PATIENCE products.
        let z: Vec<c64> = (0..1000)
            .map(|n| c64::new(0.01 * f64::from(n), 1e-6))
            .collect();
        let (rows, control) = ([&residues[..]], Control::new());
        let whole = at_points(&energies, &rows, &z, &control).unwrap();
        for k in [0, 838, 839, 999] {
            let alone = at_points(&energies, &rows, &z[k..=k], &control).unwrap();
            assert_eq!(alone[0][0], whole[0][k]);
        }
        control.cancel();
        assert!(at_points(&energies, &rows, &z, &control).is_err());
        assert!(at_times(&energies, &rows, 1.0, &[0.5], &control).is_err());
    }

    #[test]
    fn times_too() {
        let (energies, residues) = many();
        let beta = 10.0;
        let tau: Vec<f64> = (0..=20).map(|i| 0.5 * f64::from(i)).collect();
        let fast = &at_times(&energies, &[&residues], beta, &tau, &Control::new()).unwrap()[0];
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
    fn exponentials_are_right_to_rounding() {
        for k in 0..5000 {
            let x = -0.1417 * f64::from(k);
            let wanted = x.exp();
            let (fused, plain) = (exp::<simd::Avx2>(x), exp::<simd::Portable>(x));
            for y in [fused, plain] {
                assert!(
                    (y - wanted).abs() <= 4.0 * f64::EPSILON * wanted + 1e-300,
                    "{x} {y}"
                );
            }
        }
        assert!(exp::<simd::Avx2>(-1e9) < 1e-300);
    }

    #[test]
    fn lagrange_polynomials_are_one_at_their_own_point() {
        for (i, &x) in NODES.iter().enumerate() {
            let t: [f64; 4] = [1, 2, 4, 8].map(|k| (f64::from(k) * x.acos()).cos());
            for j in 0..POINTS {
                let sum: f64 = (0..POINTS)
                    .map(|l| {
                        let factors = (0..4).filter(|bit| l >> bit & 1 == 1).map(|bit| t[bit]);
                        LAGRANGE[l][j] * factors.product::<f64>()
                    })
                    .sum();
                let wanted = if i == j { 1.0 } else { 0.0 };
                assert!((sum - wanted).abs() < 1e-13, "{i} {j} {sum}");
            }
        }
    }
}
