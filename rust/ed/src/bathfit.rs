//! A hybridisation function fitted by a few sites:
//! `chi2 = sum_n c_n |sum_k W_k / (i w_n - e_k) - Delta_n|^2`, by Levenberg and Marquardt.
//!
//! Free are `e_k` and `ln W_k`; in the symmetric case, where sites come in pairs `(-e, W), (e, W)`
//! and one stays at zero if their number is odd, `ln e` of a pair, and `ln W`. The damping follows
//! H. B. Nielsen (Tech. Univ. Denmark, IMM-REP-1999-05).

use crate::Error;
use faer::c64;
use kadanoff_runtime::Control;

const STEPS: usize = 300;
/// Relative decrease of chi2 that counts as none; so many in a row end the search.
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

    /// The cost, and, if asked for, `J^T J` (row by row) and `J^T r`.
    fn cost(&self, x: &[f64], mut normal: Option<(&mut [f64], &mut [f64])>) -> f64 {
        let (e, weight) = self.sites_of(x);
        let (m, n) = (self.sites, self.free());
        let pairs = m / 2;
        let mut columns = vec![(0.0, 0.0); n];
        let mut inverse = vec![(0.0, 0.0); m];
        if let Some((a, g)) = normal.as_mut() {
            a.fill(0.0);
            g.fill(0.0);
        }
        let mut chi2 = 0.0;
        for ((&delta, &w), &c) in self.delta.iter().zip(&self.w).zip(&self.weights) {
            let (mut re, mut im) = (-delta.re, -delta.im);
            for k in 0..m {
                // 1 / (iw - e) = (-e - iw) / (e^2 + w^2)
                let d = 1.0 / (e[k] * e[k] + w * w);
                inverse[k] = (-e[k] * d, -w * d);
                re += weight[k] * inverse[k].0;
                im += weight[k] * inverse[k].1;
            }
            chi2 += c * (re * re + im * im);
            let Some((a, g)) = normal.as_mut() else {
                continue;
            };
            let by_level = |k: usize| {
                let (p, q) = inverse[k];
                (weight[k] * (p * p - q * q), 2.0 * weight[k] * p * q)
            };
            let by_log = |k: usize| (weight[k] * inverse[k].0, weight[k] * inverse[k].1);
            if self.symmetric {
                for k in 0..pairs {
                    let ((a0, a1), (b0, b1)) = (by_level(m - 1 - k), by_level(k));
                    let level = e[m - 1 - k];
                    columns[k] = ((a0 - b0) * level, (a1 - b1) * level);
                    let ((a0, a1), (b0, b1)) = (by_log(m - 1 - k), by_log(k));
                    columns[pairs + k] = (a0 + b0, a1 + b1);
                }
                if m % 2 == 1 {
                    columns[2 * pairs] = by_log(pairs);
                }
            } else {
                for k in 0..m {
                    columns[k] = by_level(k);
                    columns[m + k] = by_log(k);
                }
            }
            for i in 0..n {
                let (p, q) = (c * columns[i].0, c * columns[i].1);
                g[i] += p * re + q * im;
                for j in 0..=i {
                    a[i * n + j] += p * columns[j].0 + q * columns[j].1;
                }
            }
        }
        chi2
    }

    /// The minimum that is reached from `start`.
    pub fn minimise(&self, start: &[f64]) -> Fit {
        let n = self.free();
        let clip = |x: &mut [f64]| {
            for (x, &(low, high)) in x.iter_mut().zip(&self.bounds) {
                *x = x.clamp(low, high);
            }
        };
        let mut x = start.to_vec();
        clip(&mut x);
        let (mut a, mut g) = (vec![0.0; n * n], vec![0.0; n]);
        let mut chi2 = self.cost(&x, Some((&mut a, &mut g)));
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
            let trial = self.cost(&y, None);
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
                chi2 = self.cost(&x, Some((&mut a, &mut g)));
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
    pub fn best<'a>(
        &self,
        starts: impl IntoIterator<Item = &'a [f64]>,
        control: &Control,
    ) -> Result<Option<Fit>, Error> {
        let mut found: Option<Fit> = None;
        for start in starts {
            control.check()?;
            let fit = self.minimise(start);
            if found.as_ref().is_none_or(|best| fit.chi2 < best.chi2) {
                found = Some(fit);
            }
        }
        Ok(found)
    }
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
            t.cost(&x, Some((&mut a, &mut g)));
            for i in 0..n {
                let shifted = |h: f64| {
                    let mut y = x.clone();
                    y[i] += h;
                    t.cost(&y, None)
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
