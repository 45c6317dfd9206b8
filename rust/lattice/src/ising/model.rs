//! What is simulated: lattice, couplings, field, boundaries.

use crate::Error;

/// Most forward directions of a lattice: three axes, or two axes and a diagonal.
pub(crate) const MAX_DIRECTIONS: usize = 3;

/// Sites are counted in 32 bits, with room for the sentinel beyond the last.
const MAX_SITES: usize = u32::MAX as usize / 8;

/// Largest coupling or field, so that sums and products with 1 / T stay finite.
pub(crate) const MAX_COUPLING: f64 = 1e100;

/// Which bonds there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LatticeKind {
    /// One bond forward along every axis: chain, square, simple cubic.
    Hypercubic,
    /// Square with the diagonal (i, j) - (i + 1, j + 1) added.
    Triangular,
}

/// `H = -sum_i sum_a J_a s_i s_{i + a} - h sum_i s_i` over sites i and forward directions a.
///
/// Along a periodic axis of two sites each pair has two bonds; along one of a single site the
/// bond joins a site to itself and adds the constant `-J_a`.
///
/// ```
/// use kadanoff_lattice::ising::{LatticeKind, Model};
///
/// let mut model = Model {
///     shape: vec![8, 4],
///     lattice: LatticeKind::Triangular,
///     couplings: vec![-1.0; 3],
///     field: 0.0,
///     periodic: vec![true, false],
/// };
/// model.check()?;
/// assert_eq!(model.sites(), 32);
/// model.couplings.pop(); // the diagonal needs one too
/// assert!(model.check().is_err());
/// # Ok::<(), kadanoff_lattice::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// Sites along each axis.
    pub shape: Vec<usize>,
    /// Which bonds there are.
    pub lattice: LatticeKind,
    /// One coupling for every forward direction: the axes, then the diagonal.
    pub couplings: Vec<f64>,
    /// Uniform field.
    pub field: f64,
    /// Whether each axis closes on itself.
    pub periodic: Vec<bool>,
}

impl Model {
    /// Checks sizes and numbers.
    pub fn check(&self) -> Result<(), Error> {
        let wrong = |text: String| Err(Error::Argument(text));
        let axes = self.shape.len();
        let wanted = match self.lattice {
            LatticeKind::Hypercubic => 1..=3,
            LatticeKind::Triangular => 2..=2,
        };
        if !wanted.contains(&axes) {
            return wrong(format!(
                "shape must have {}..{} axes on this lattice, got {axes}",
                wanted.start(),
                wanted.end()
            ));
        }
        let sites = self
            .shape
            .iter()
            .try_fold(1usize, |n, &l| n.checked_mul(l))
            .unwrap_or(usize::MAX);
        if sites == 0 || sites > MAX_SITES {
            return wrong(format!(
                "the number of sites must be between 1 and {MAX_SITES}, got shape {:?}",
                self.shape
            ));
        }
        if self.periodic.len() != axes {
            return wrong("periodic needs one entry for every axis".into());
        }
        if self.couplings.len() != self.directions().len() {
            return wrong("one coupling is needed for every direction of bonds".into());
        }
        if !self
            .couplings
            .iter()
            .chain([&self.field])
            .all(|x| x.abs() <= MAX_COUPLING)
        {
            return wrong(format!(
                "couplings and field must not exceed {MAX_COUPLING:e} in magnitude"
            ));
        }
        Ok(())
    }

    /// Number of sites.
    pub fn sites(&self) -> usize {
        self.shape.iter().product()
    }

    /// Forward directions, one vector of steps for each.
    pub(crate) fn directions(&self) -> Vec<Vec<i8>> {
        let axes = self.shape.len();
        let mut all: Vec<Vec<i8>> = (0..axes)
            .map(|a| (0..axes).map(|b| i8::from(a == b)).collect())
            .collect();
        if self.lattice == LatticeKind::Triangular {
            all.push(vec![1; axes]);
        }
        all
    }

    /// Coordinates of a site; the last axis runs fastest.
    pub(crate) fn coordinates(&self, mut site: usize) -> Vec<usize> {
        let mut x = vec![0; self.shape.len()];
        for (c, &l) in x.iter_mut().zip(&self.shape).rev() {
            *c = site % l;
            site /= l;
        }
        x
    }

    /// The site one `step` away, `None` beyond an open edge.
    pub(crate) fn neighbour(&self, x: &[usize], step: &[i8], forward: bool) -> Option<usize> {
        let mut site = 0;
        for (a, &l) in self.shape.iter().enumerate() {
            let step = if forward { step[a] } else { -step[a] };
            let moved = x[a] as isize + isize::from(step);
            if !self.periodic[a] && !(0..l as isize).contains(&moved) {
                return None;
            }
            site = site * l + moved.rem_euclid(l as isize) as usize;
        }
        Some(site)
    }

    /// Number of bonds along every direction, bonds of a site to itself included.
    pub(crate) fn bonds(&self) -> Vec<u64> {
        self.directions()
            .iter()
            .map(|step| {
                (0..self.shape.len())
                    .map(|a| {
                        (self.shape[a] - usize::from(!self.periodic[a] && step[a] != 0)) as u64
                    })
                    .product()
            })
            .collect()
    }

    /// `beta (E(s_i = -1) - E(s_i = +1))` over the `up[k]` and `present[k]` neighbours along
    /// direction k, without the field.
    pub(crate) fn local_energy(&self, beta: f64, up: &[u32], present: &[u32]) -> f64 {
        let sum: f64 = self
            .couplings
            .iter()
            .enumerate()
            .map(|(k, j)| j * (2.0 * f64::from(up[k]) - f64::from(present[k])))
            .sum();
        2.0 * beta * (sum + self.field)
    }
}

/// `min(1, exp(-x))`.
pub(crate) fn metropolis(x: f64) -> f64 {
    (-x).exp().min(1.0)
}

/// `1 / (1 + exp(-x))`, accurate for large negative x too.
pub(crate) fn logistic(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + (-x).exp())
    } else {
        let e = x.exp();
        e / (1.0 + e)
    }
}

/// `floor(p 2^64)`, or `None` for p = 1.
pub(crate) fn threshold(p: f64) -> Option<u64> {
    (p < 1.0).then_some((p * 18_446_744_073_709_551_616.0) as u64)
}

/// An order of updates in which neighbours are far apart: first the sites whose coordinates have
/// an even sum, then the others.
pub(crate) fn checkerboard(shape: &[usize]) -> Vec<u32> {
    let sites: usize = shape.iter().product();
    let parity = |mut site: usize| {
        let mut sum = 0;
        for &l in shape.iter().rev() {
            sum += site % l;
            site /= l;
        }
        sum % 2
    };
    (0..2)
        .flat_map(|p| (0..sites).filter(move |&i| parity(i) == p))
        .map(|i| i as u32)
        .collect()
}
