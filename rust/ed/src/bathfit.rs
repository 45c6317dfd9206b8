//! A hybridisation function fitted by a few sites:
//! `chi2 = sum_n c_n |sum_k W_k / (i w_n - e_k) - Delta_n|^2`, by Levenberg and Marquardt.
//!
//! Free are `e_k` and `ln W_k`; in the symmetric case, where sites come in pairs `(-e, W), (e, W)`
//! and one stays at zero if their number is odd, `ln e` of a pair, and `ln W`. The damping follows
//! H. B. Nielsen (Tech. Univ. Denmark, IMM-REP-1999-05).

use crate::Error;
use faer::c64;
use kadanoff_runtime::Control;
use kadanoff_runtime::simd::{Instructions, Kernel, Level, dispatch};

/// Most steps of a search.
const STEPS: usize = 300;
/// Relative decrease of chi2 that counts as none; `PATIENCE` of them in a row end the search.
const SMALL: f64 = 1e-12;
const PATIENCE: usize = 2;

/// What is fitted.
#[derive(Debug, Clone)]
pub struct Target {
    /// Values on the positive imaginary axis.
    pub delta: Vec<c64>,
    /// Where: `z = i w`.
    pub w: Vec<f64>,
    /// `c_n`.
    pub weights: Vec<f64>,
    /// Number of sites.
    pub sites: usize,
    /// Sites in pairs.
    pub symmetric: bool,
    /// Lowest and highest value of every free parameter.
    pub bounds: Vec<(f64, f64)>,
}

/// The best minimum.
#[derive(Debug, Clone)]
pub struct Fit {
    /// Free parameters.
    pub parameters: Vec<f64>,
    /// The cost there.
    pub chi2: f64,
}

impl Target {
    /// Number of free parameters.
    pub fn free(&self) -> usize {
        if self.symmetric {
            self.sites
        } else {
            2 * self.sites
        }
    }

    /// Levels and weights.
    pub fn sites_of(&self, x: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let m = self.sites;
        if !self.symmetric {
            return (x[..m].to_vec(), x[m..].iter().map(|l| l.exp()).collect());
        }
        let pairs = m / 2;
        let (mut e, mut weight) = (vec![0.0; m], vec![0.0; m]);
        for k in 0..pairs {
            let (level, w) = (x[k].exp(), x[pairs + k].exp());
            (e[k], e[m - 1 - k]) = (-level, level);
            (weight[k], weight[m - 1 - k]) = (w, w);
        }
        if m % 2 == 1 {
            weight[pairs] = x[2 * pairs].exp();
        }
        (e, weight)
    }

    /// The cost; into `a` and `g` go `J^T J` (row by row, its lower triangle) and `J^T r`.
    fn cost(&self, x: &[f64], a: &mut [f64], g: &mut [f64]) -> f64 {
        let (e, weight) = self.sites_of(x);
        dispatch(
            Level::current(),
            Cost {
                target: self,
                e: &e,
                weight: &weight,
                a,
                g,
            },
        )
    }

    /// The minimum that is reached from `start`.
    pub(crate) fn minimise(&self, start: &[f64]) -> Fit {
        let n = self.free();
        let clip = |x: &mut [f64]| {
            for (x, &(low, high)) in x.iter_mut().zip(&self.bounds) {
                *x = x.clamp(low, high);
            }
        };
        let mut x = start.to_vec();
        clip(&mut x);
        let (mut a, mut g) = (vec![0.0; n * n], vec![0.0; n]);
        let mut chi2 = self.cost(&x, &mut a, &mut g);
        let (mut a_there, mut g_there) = (a.clone(), g.clone());
        let scale: f64 = (self.delta.iter().zip(&self.weights))
            .map(|(d, c)| c * (d.re * d.re + d.im * d.im))
            .sum();
        let (mut damping, mut growth) = (1e-3, 2.0);
        let mut idle = 0;
        for _ in 0..STEPS {
            if chi2 <= 1e-30 * scale || idle >= PATIENCE || damping > 1e20 {
                break;
            }
            // A parameter at its bound with the slope pushing outwards stays.
            let held: Vec<bool> = (0..n)
                .map(|i| {
                    (x[i] <= self.bounds[i].0 && g[i] > 0.0)
                        || (x[i] >= self.bounds[i].1 && g[i] < 0.0)
                })
                .collect();
            let Some(step) = damped(&a, &g, &held, damping) else {
                damping *= growth;
                growth *= 2.0;
                continue;
            };
            let mut y: Vec<f64> = x.iter().zip(&step).map(|(x, s)| x + s).collect();
            clip(&mut y);
            let trial = self.cost(&y, &mut a_there, &mut g_there);
            let taken: Vec<f64> = y.iter().zip(&x).map(|(y, x)| y - x).collect();
            let promised = promised(&a, &g, &taken);
            let gain = if promised > 0.0 {
                (chi2 - trial) / promised
            } else {
                0.0
            };
            if trial < chi2 && gain > 0.0 {
                idle = if chi2 - trial <= SMALL * chi2 {
                    idle + 1
                } else {
                    0
                };
                x = y;
                chi2 = trial;
                std::mem::swap(&mut a, &mut a_there);
                std::mem::swap(&mut g, &mut g_there);
                damping *= (1.0 - (2.0 * gain - 1.0).powi(3)).max(1.0 / 3.0);
                damping = damping.max(1e-15);
                growth = 2.0;
            } else {
                if promised <= SMALL * chi2 {
                    idle += 1;
                }
                damping *= growth;
                growth *= 2.0;
            }
        }
        Fit {
            parameters: x,
            chi2,
        }
    }

    /// The best of the minima from several starting points; the first of equals.
    ///
    /// # Errors
    /// Arrays that differ in length; a cancelled control.
    ///
    /// ```
    /// use faer::c64;
    /// use kadanoff_ed::bathfit::Target;
    /// use kadanoff_runtime::Control;
    ///
    /// // Delta(iw) = 0.25 / (iw - 0.4), at eight frequencies.
    /// let w: Vec<f64> = (0..8).map(|n| 0.3 * (2 * n + 1) as f64).collect();
    /// let delta = w.iter().map(|&w| c64::new(0.25, 0.0) / c64::new(-0.4, w)).collect();
    /// let target = Target {
    ///     delta,
    ///     weights: vec![1.0; w.len()],
    ///     w,
    ///     sites: 1,
    ///     symmetric: false,
    ///     bounds: vec![(-2.0, 2.0), (-10.0, 2.0)],
    /// };
    /// assert_eq!(target.free(), 2); // a level and a weight
    /// let fit = target.best([&[0.1, -1.0][..]], &Control::new())?.unwrap();
    /// let (e, weight) = target.sites_of(&fit.parameters);
    /// assert!((e[0] - 0.4).abs() < 1e-6 && (weight[0] - 0.25).abs() < 1e-6);
    /// # Ok::<(), kadanoff_ed::Error>(())
    /// ```
    pub fn best<'a>(
        &self,
        starts: impl IntoIterator<Item = &'a [f64]>,
        control: &Control,
    ) -> Result<Option<Fit>, Error> {
        let (count, free) = (self.delta.len(), self.free());
        let differ = || Error::Argument("arrays of a bath fit differ in length".into());
        if [self.w.len(), self.weights.len()] != [count; 2] || self.bounds.len() != free {
            return Err(differ());
        }
        let mut found: Option<Fit> = None;
        for start in starts {
            control.check()?;
            if start.len() != free {
                return Err(differ());
            }
            let fit = self.minimise(start);
            if found.as_ref().is_none_or(|best| fit.chi2 < best.chi2) {
                found = Some(fit);
            }
        }
        Ok(found)
    }
}

const LANES: usize = 8;
type Lane = [f64; LANES];

struct Cost<'a> {
    target: &'a Target,
    e: &'a [f64],
    weight: &'a [f64],
    a: &'a mut [f64],
    g: &'a mut [f64],
}

/// A complex number for every lane.
type Complex = [Lane; 2];

impl Kernel for Cost<'_> {
    type Output = f64;

    /// Frequencies side by side. Nothing is fused: where the search ends depends on rounding, and a
    /// bath should not depend on the processor.
    #[inline(always)]
    fn run<I: Instructions>(self) -> f64 {
        // Few sites are fitted most often: with their number known, the loops over them are unrolled.
        const ZERO: Complex = [[0.0; LANES]; 2];
        const NONE: Lane = [0.0; LANES];
        let (m, n) = (self.target.sites, self.target.free());
        match (m, self.target.symmetric) {
            (1, false) => self.sum::<1, false>(&mut [ZERO; 3], &mut [NONE; 6]),
            (2, false) => self.sum::<2, false>(&mut [ZERO; 6], &mut [NONE; 20]),
            (3, false) => self.sum::<3, false>(&mut [ZERO; 9], &mut [NONE; 42]),
            (_, false) => {
                self.sum::<0, false>(&mut vec![ZERO; m + n], &mut vec![NONE; n * (n + 1)])
            }
            (_, true) => self.sum::<0, true>(&mut vec![ZERO; m + n], &mut vec![NONE; n * (n + 1)]),
        }
    }
}

impl Cost<'_> {
    /// The cost for `M` sites (0: any number). In `terms` there is room for `1 / (iw - e)` and the
    /// columns of J, in `sums` for `J^T r` and `J^T J`.
    #[inline(always)]
    fn sum<const M: usize, const SYMMETRIC: bool>(
        self,
        terms: &mut [Complex],
        sums: &mut [Lane],
    ) -> f64 {
        let Self {
            target,
            e,
            weight,
            a,
            g,
        } = self;
        let m = if M > 0 { M } else { target.sites };
        let n = if SYMMETRIC { m } else { 2 * m };
        let (e, weight) = (&e[..m], &weight[..m]);
        let pairs = m / 2;
        let zero: Complex = [[0.0; LANES]; 2];
        let (inverse, columns) = terms[..m + n].split_at_mut(m);
        let (slopes, products) = sums[..n + n * n].split_at_mut(n);
        let mut chi2 = [0.0; LANES];
        for start in (0..target.w.len()).step_by(LANES) {
            let count = LANES.min(target.w.len() - start);
            // Beyond the last frequency weights are zero.
            let (mut w, mut c, mut re, mut im) =
                ([1.0; LANES], [0.0; LANES], [0.0; LANES], [0.0; LANES]);
            for l in 0..count {
                w[l] = target.w[start + l];
                c[l] = target.weights[start + l];
                re[l] = -target.delta[start + l].re;
                im[l] = -target.delta[start + l].im;
            }
            for k in 0..m {
                let mut z = zero;
                for l in 0..LANES {
                    // 1 / (iw - e) = (-e - iw) / (e^2 + w^2)
                    let d = 1.0 / (e[k] * e[k] + w[l] * w[l]);
                    z[0][l] = -e[k] * d;
                    z[1][l] = -w[l] * d;
                    re[l] += weight[k] * z[0][l];
                    im[l] += weight[k] * z[1][l];
                }
                inverse[k] = z;
            }
            for l in 0..LANES {
                chi2[l] += c[l] * (re[l] * re[l] + im[l] * im[l]);
            }
            if SYMMETRIC {
                for k in 0..pairs {
                    let (up, down) = (&inverse[m - 1 - k], &inverse[k]);
                    let (up, down) = (by_level(weight[k], up), by_level(weight[k], down));
                    columns[k] = combined(e[m - 1 - k], &up, -e[m - 1 - k], &down);
                    columns[pairs + k] =
                        combined(weight[k], &inverse[m - 1 - k], weight[k], &inverse[k]);
                }
                if m % 2 == 1 {
                    columns[2 * pairs] = combined(weight[pairs], &inverse[pairs], 0.0, &zero);
                }
            } else {
                for k in 0..m {
                    columns[k] = by_level(weight[k], &inverse[k]);
                    columns[m + k] = combined(weight[k], &inverse[k], 0.0, &zero);
                }
            }
            for i in 0..n {
                let mut column = columns[i];
                for l in 0..LANES {
                    column[0][l] *= c[l];
                    column[1][l] *= c[l];
                }
                add_product(&mut slopes[i], &column, &[re, im]);
                for j in 0..=i {
                    add_product(&mut products[i * n + j], &column, &columns[j]);
                }
            }
        }
        let sum = |s: &Lane| ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
        for (out, s) in g
            .iter_mut()
            .zip(&*slopes)
            .chain(a.iter_mut().zip(&*products))
        {
            *out = sum(s);
        }
        sum(&chi2)
    }
}

/// `d/de` of `weight / (iw - e)`.
#[inline(always)]
fn by_level(weight: f64, inverse: &Complex) -> Complex {
    let mut out = [[0.0; LANES]; 2];
    for l in 0..LANES {
        let (p, q) = (inverse[0][l], inverse[1][l]);
        out[0][l] = weight * (p * p - q * q);
        out[1][l] = 2.0 * weight * p * q;
    }
    out
}

#[inline(always)]
fn combined(a: f64, x: &Complex, b: f64, y: &Complex) -> Complex {
    let mut out = [[0.0; LANES]; 2];
    for part in 0..2 {
        for l in 0..LANES {
            out[part][l] = a * x[part][l] + b * y[part][l];
        }
    }
    out
}

/// `sum += Re(x^* y)`, lane by lane.
#[inline(always)]
fn add_product(sum: &mut Lane, x: &Complex, y: &Complex) {
    let mut total = *sum;
    for l in 0..LANES {
        total[l] += x[0][l] * y[0][l] + x[1][l] * y[1][l];
    }
    *sum = total;
}

/// `-(A + damping diag A)^-1 g` without the parameters held; None if that is not positive.
fn damped(a: &[f64], g: &[f64], held: &[bool], damping: f64) -> Option<Vec<f64>> {
    let n = g.len();
    let free: Vec<usize> = (0..n).filter(|&i| !held[i]).collect();
    let m = free.len();
    let largest = (0..n).map(|i| a[i * n + i]).fold(0.0, f64::max);
    let mut l = vec![0.0; m * m];
    for (i, &p) in free.iter().enumerate() {
        for (j, &q) in free[..=i].iter().enumerate() {
            l[i * m + j] = a[p.max(q) * n + p.min(q)];
        }
        // A site without weight has no slope; it must not move arbitrarily far.
        l[i * m + i] += damping * (l[i * m + i] + 1e-14 * largest);
    }
    for i in 0..m {
        for j in 0..=i {
            let dot: f64 = (0..j).map(|k| l[i * m + k] * l[j * m + k]).sum();
            let rest = l[i * m + j] - dot;
            if i == j {
                if rest.is_nan() || rest <= 0.0 {
                    return None;
                }
                l[i * m + i] = rest.sqrt();
            } else {
                l[i * m + j] = rest / l[j * m + j];
            }
        }
    }
    let mut y = vec![0.0; m];
    for i in 0..m {
        let dot: f64 = (0..i).map(|k| l[i * m + k] * y[k]).sum();
        y[i] = (-g[free[i]] - dot) / l[i * m + i];
    }
    for i in (0..m).rev() {
        let dot: f64 = (i + 1..m).map(|k| l[k * m + i] * y[k]).sum();
        y[i] = (y[i] - dot) / l[i * m + i];
    }
    let mut step = vec![0.0; n];
    for (i, &p) in free.iter().enumerate() {
        step[p] = y[i];
    }
    step.iter().all(|s| s.is_finite()).then_some(step)
}

/// By how much the quadratic model falls: `-(2 g s + s A s)`.
fn promised(a: &[f64], g: &[f64], s: &[f64]) -> f64 {
    let n = g.len();
    let mut total = 0.0;
    for i in 0..n {
        total -= 2.0 * g[i] * s[i] + a[i * n + i] * s[i] * s[i];
        for j in 0..i {
            total -= 2.0 * a[i * n + j] * s[i] * s[j];
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(e: &[f64], weight: &[f64], sites: usize, symmetric: bool) -> Target {
        let w: Vec<f64> = (0..60).map(|n| 0.3 * (2.0 * f64::from(n) + 1.0)).collect();
        let delta = w
            .iter()
            .map(|&w| {
                let terms = e.iter().zip(weight);
                terms
                    .map(|(&e, &v)| c64::new(v, 0.0) / c64::new(-e, w))
                    .sum()
            })
            .collect();
        let weights = w.iter().map(|w| 1.0 / w).collect();
        let free = if symmetric { sites } else { 2 * sites };
        Target {
            delta,
            w,
            weights,
            sites,
            symmetric,
            bounds: vec![(-30.0, 30.0); free],
        }
    }

    #[test]
    fn the_slope_is_that_of_the_cost() {
        for symmetric in [false, true] {
            let t = target(&[-1.0, 0.4, 2.0], &[0.3, 0.2, 0.6], 3, symmetric);
            let n = t.free();
            let x: Vec<f64> = (0..n).map(|i| 0.3 * i as f64 - 0.7).collect();
            let (mut a, mut g) = (vec![0.0; n * n], vec![0.0; n]);
            t.cost(&x, &mut a, &mut g);
            for i in 0..n {
                let shifted = |h: f64| {
                    let mut y = x.clone();
                    y[i] += h;
                    t.cost(&y, &mut vec![0.0; n * n], &mut vec![0.0; n])
                };
                // Central differences: h^2 = 1e-10 times a third derivative up to 1e4.
                let slope = (shifted(1e-5) - shifted(-1e-5)) / 2e-5;
                assert!((slope - 2.0 * g[i]).abs() < 1e-6 * (1.0 + slope.abs()));
            }
        }
    }

    #[test]
    fn a_bath_of_as_many_sites_is_found() {
        let t = target(&[-1.0, 0.4, 2.0], &[0.3, 0.2, 0.6], 3, false);
        let starts: Vec<Vec<f64>> = vec![
            vec![-2.0, 0.0, 2.0, -1.0, -1.0, -1.0],
            vec![-0.5, 0.1, 0.5, -1.0, -1.0, -1.0],
        ];
        let fit = t
            .best(starts.iter().map(Vec::as_slice), &Control::new())
            .unwrap()
            .unwrap();
        let (mut e, _) = t.sites_of(&fit.parameters);
        e.sort_by(f64::total_cmp);
        for (found, exact) in e.iter().zip([-1.0, 0.4, 2.0]) {
            assert!((found - exact).abs() < 1e-6, "{e:?}");
        }
    }

    #[test]
    fn pairs_stay_pairs() {
        let t = target(&[-1.5, -0.3, 0.3, 1.5], &[0.4, 0.1, 0.1, 0.4], 4, true);
        let fit = t
            .best([&[-1.0, 0.7, -2.0, -1.0][..]], &Control::new())
            .unwrap()
            .unwrap();
        let (e, weight) = t.sites_of(&fit.parameters);
        assert!(fit.chi2 < 1e-20, "{}", fit.chi2);
        for k in 0..2 {
            assert_eq!(e[k], -e[3 - k]);
            assert_eq!(weight[k], weight[3 - k]);
        }
    }

    #[test]
    fn a_parameter_does_not_leave_its_bounds() {
        let mut t = target(&[-1.0, 3.0], &[0.3, 0.6], 1, false);
        t.bounds = vec![(-0.1, 0.1), (-30.0, 30.0)];
        let fit = t.minimise(&[0.0, 0.0]);
        assert!(fit.parameters[0].abs() <= 0.1);
    }
}
