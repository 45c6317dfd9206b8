//! The Wilson chain and the exact levels of its clean parts.

use crate::Error;

/// `H = sum_n e_n n_n + sum_n t_n (f_n^+ f_{n+1} + h.c.)` with the energy scale of every shell.
///
/// ```
/// use kadanoff_nrg::WilsonChain;
///
/// let chain = WilsonChain {
///     hopping: vec![0.5, 0.3, 0.2],
///     onsite: vec![0.0; 4],
///     scale: vec![1.0, 0.6, 0.4, 0.25],
/// };
/// chain.validate()?;
/// assert_eq!(chain.sites(), 4);
/// // The first two sites: +-t_0.
/// assert!((chain.levels(1)[1] - 0.5).abs() < 1e-15);
/// # Ok::<(), kadanoff_nrg::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct WilsonChain {
    /// `t_n`, n = 0..N-1.
    pub hopping: Vec<f64>,
    /// `e_n`, n = 0..N.
    pub onsite: Vec<f64>,
    /// `omega_n`, n = 0..N, falling like `Lambda^(-n/2)`.
    pub scale: Vec<f64>,
}

impl WilsonChain {
    /// The chain of a flat band, `rho(w) = 1/2` on -1 ... 1, in closed form: the twist z = 1 of the
    /// schemes of Zitko and Pruschke and of Campo and Oliveira, which agree there.
    ///
    /// `t_n = (1 + 1/L) (1 - L^(-n-1)) L^(-n/2) / (2 A sqrt((1 - L^(-2n-1)) (1 - L^(-2n-3))))` with
    /// `A = ln(L) (L + 1) / (2 (L - 1))`; without A it is the chain of Wilson (Rev. Mod. Phys. 47, 773
    /// (1975), Eq. VIII.30; Campo and Oliveira, doi:10.1103/PhysRevB.72.104432).
    ///
    /// # Errors
    /// `lambda` is not above 1, or there is no site.
    ///
    /// ```
    /// use kadanoff_nrg::WilsonChain;
    ///
    /// let chain = WilsonChain::flat_band(2.0, 60)?;
    /// // The hoppings approach the scale, omega_n = t_(n - 1).
    /// assert!((chain.hopping[58] / chain.scale[59] - 1.0).abs() < 1e-12);
    /// assert!(WilsonChain::flat_band(1.0, 60).is_err());
    /// # Ok::<(), kadanoff_nrg::Error>(())
    /// ```
    pub fn flat_band(lambda: f64, sites: usize) -> Result<Self, Error> {
        if !(lambda.is_finite() && lambda > 1.0) || sites == 0 {
            return Err(Error::Argument(format!(
                "Lambda must be above 1 and a chain has sites, got Lambda = {lambda}, {sites} sites"
            )));
        }
        let ratio = 0.5 * (lambda + 1.0) / (lambda - 1.0) * lambda.ln();
        let limit = 0.5 * (1.0 + 1.0 / lambda) / ratio;
        // 1 - Lambda^-k
        let rest = |k: usize| -(-lambda.ln() * k as f64).exp_m1();
        let power = |n: usize| lambda.powf(-0.5 * n as f64);
        let hopping =
            |n: usize| limit * power(n) * rest(n + 1) / (rest(2 * n + 1) * rest(2 * n + 3)).sqrt();
        let chain = Self {
            hopping: (0..sites - 1).map(hopping).collect(),
            onsite: vec![0.0; sites],
            scale: (0..sites)
                .map(|n| limit * lambda.sqrt() * power(n))
                .collect(),
        };
        chain.validate()?;
        Ok(chain)
    }

    /// Number of sites, N + 1.
    pub fn sites(&self) -> usize {
        self.onsite.len()
    }

    /// Whether all on-site energies vanish, so that charge may be reflected.
    pub(crate) fn is_particle_hole_symmetric(&self) -> bool {
        self.onsite.iter().all(|&e| e == 0.0)
    }

    /// Checks lengths, signs and finiteness.
    pub fn validate(&self) -> Result<(), Error> {
        let fail = |what: &str| Err(Error::Argument(format!("invalid chain: {what}")));
        let n = self.onsite.len();
        if n == 0 || self.hopping.len() + 1 != n || self.scale.len() != n {
            return fail("N + 1 on-site energies and scales need N hoppings");
        }
        let finite = |x: &[f64]| x.iter().all(|x| x.is_finite());
        if !finite(&self.hopping) || !finite(&self.onsite) || !finite(&self.scale) {
            return fail("a parameter is not finite");
        }
        if self.hopping.iter().any(|&t| t <= 0.0) || self.scale.iter().any(|&w| w <= 0.0) {
            return fail("hoppings and scales must be positive");
        }
        Ok(())
    }

    /// Single-particle levels of the chain of sites `0..=n`, ascending.
    ///
    /// Bisection on Sturm counts: for the graded matrices of a Wilson chain it finds the smallest
    /// level, `Lambda^(n/2)` below the bandwidth, as accurately *relative to itself* as the
    /// largest (Demmel and Kahan, doi:10.1137/0911052). Cost: about 60 n^2 divisions.
    pub fn levels(&self, n: usize) -> Vec<f64> {
        let d = &self.onsite[..=n];
        let e2: Vec<f64> = self.hopping[..n].iter().map(|t| t * t).collect();
        let bound = (0..=n)
            .map(|i| {
                let left = if i > 0 { self.hopping[i - 1] } else { 0.0 };
                let right = if i < n { self.hopping[i] } else { 0.0 };
                d[i].abs() + left + right
            })
            .fold(0.0, f64::max);
        if self.is_particle_hole_symmetric() {
            // Levels come in pairs +-e, with a zero when the number of sites is odd.
            let positive: Vec<f64> = ((n + 2) / 2..=n)
                .map(|k| bisect(d, &e2, k, 0.0, bound, self.scale[n]))
                .collect();
            let zero = if (n + 1) % 2 == 1 { vec![0.0] } else { vec![] };
            let negative = positive.iter().rev().map(|x| -x);
            return negative
                .chain(zero)
                .chain(positive.iter().copied())
                .collect();
        }
        (0..=n)
            .map(|k| bisect(d, &e2, k, -bound, bound, self.scale[n]))
            .collect()
    }
}

/// Number of eigenvalues below `x`.
fn count(d: &[f64], e2: &[f64], x: f64) -> usize {
    let mut q = d[0] - x;
    let mut below = usize::from(q < 0.0);
    for i in 1..d.len() {
        if q == 0.0 {
            q = f64::MIN_POSITIVE;
        }
        q = d[i] - x - e2[i - 1] / q;
        below += usize::from(q < 0.0);
    }
    below
}

/// Eigenvalue number `k` (from zero), in `[lo, hi]`; `scale` is the size of the smallest levels.
fn bisect(d: &[f64], e2: &[f64], k: usize, lo: f64, hi: f64, scale: f64) -> f64 {
    let (mut lo, mut hi) = (lo, hi * (1.0 + f64::EPSILON) + f64::MIN_POSITIVE);
    loop {
        // Halve logarithmically while the interval spans decades on one side of zero.
        let mid = if lo == 0.0 && hi > scale {
            (hi * scale.min(hi) * 1e-3).sqrt().min(0.5 * hi)
        } else if lo > 0.0 && hi > 4.0 * lo {
            (lo * hi).sqrt()
        } else {
            0.5 * (lo + hi)
        };
        if mid <= lo || mid >= hi || hi - lo <= 2.0 * f64::EPSILON * lo.abs().max(hi.abs()) {
            return mid;
        }
        if hi - lo < 1e-17 * scale {
            return mid;
        }
        if count(d, e2, mid) > k {
            hi = mid;
        } else {
            lo = mid;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uniform(n: usize) -> WilsonChain {
        WilsonChain {
            hopping: vec![1.0; n - 1],
            onsite: vec![0.0; n],
            scale: vec![1.0; n],
        }
    }

    #[test]
    fn a_uniform_chain_has_cosine_levels() {
        for n in [1, 2, 5, 8] {
            let got = uniform(n).levels(n - 1);
            assert_eq!(got.len(), n);
            for (k, x) in got.iter().enumerate() {
                let angle = std::f64::consts::PI * (n - k) as f64 / (n as f64 + 1.0);
                assert!(
                    (x - 2.0 * angle.cos()).abs() < 1e-15 * n as f64,
                    "{n} {k} {x}"
                );
            }
        }
    }

    #[test]
    fn the_smallest_levels_are_accurate_relative_to_themselves() {
        // det of the even zero-diagonal chain: the product of the positive levels is t0 t2 t4 ...
        let n = 60;
        let hopping: Vec<f64> = (0..n - 1)
            .map(|i| 0.7 * 2.5_f64.powf(-0.5 * i as f64))
            .collect();
        let expected: f64 = hopping.iter().step_by(2).map(|t| t.ln()).sum();
        let chain = WilsonChain {
            scale: (0..n).map(|i| 2.5_f64.powf(-0.5 * i as f64)).collect(),
            onsite: vec![0.0; n],
            hopping,
        };
        let levels = chain.levels(n - 1);
        let got: f64 = levels.iter().filter(|&&x| x > 0.0).map(|x| x.ln()).sum();
        assert!(
            (got - expected).abs() < 1e-13 * n as f64,
            "{got} {expected}"
        );
    }

    #[test]
    fn on_site_energies_shift_the_levels() {
        let mut chain = uniform(6);
        let before = chain.levels(5);
        chain.onsite = vec![0.25; 6];
        for (a, b) in before.iter().zip(chain.levels(5)) {
            assert!((a + 0.25 - b).abs() < 1e-15 * 8.0);
        }
    }
}
