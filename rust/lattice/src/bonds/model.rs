//! What is simulated: sites, bonds with their couplings, colours, and a field on the last colour.

use crate::Error;

/// Sites and bonds are counted in 32 bits.
const MAX: usize = u32::MAX as usize / 8;

/// Largest coupling or field, so that sums and products with 1 / T stay finite.
const MAX_COUPLING: f64 = 1e100;

/// How a configuration is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Update {
    /// Every site is drawn from the distribution given its neighbours.
    HeatBath,
    /// One cluster takes another colour.
    Wolff,
    /// Every cluster draws a colour.
    SwendsenWang,
}

impl std::str::FromStr for Update {
    type Err = String;

    /// ```
    /// use kadanoff_lattice::bonds::Update;
    ///
    /// assert_eq!("heat-bath".parse(), Ok(Update::HeatBath));
    /// assert!("metropolis".parse::<Update>().is_err());
    /// ```
    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "heat-bath" => Ok(Self::HeatBath),
            "wolff" => Ok(Self::Wolff),
            "swendsen-wang" => Ok(Self::SwendsenWang),
            other => Err(format!("unknown update {other:?}")),
        }
    }
}

/// `H = -sum_b J_b delta(s_i, s_j) - f sum_i [s_i = q - 1]`.
///
/// ```
/// use kadanoff_lattice::bonds::{Model, Update};
///
/// let ring = Model {
///     sites: 3,
///     colours: 3,
///     bonds: vec![[0, 1], [1, 2], [2, 0]],
///     couplings: vec![1.0],
///     field: 0.0,
/// };
/// ring.check(Update::Wolff)?;
/// assert_eq!(ring.energy(&[1, 1, 2]), -1.0);
/// assert!(Model { couplings: vec![-1.0], ..ring }.check(Update::Wolff).is_err());
/// # Ok::<(), kadanoff_lattice::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// Number of sites.
    pub sites: usize,
    /// Number of colours, q.
    pub colours: usize,
    /// Pairs of different sites; a pair may be named more than once.
    pub bonds: Vec<[u32; 2]>,
    /// One coupling for every bond, or one for all.
    pub couplings: Vec<f64>,
    /// Energy that a site gains in the last colour, f.
    pub field: f64,
}

impl Model {
    /// Checks sizes and numbers, and whether the update can take the model.
    pub fn check(&self, update: Update) -> Result<(), Error> {
        let wrong = |text: String| Err(Error::Argument(text));
        if self.sites == 0 || self.sites > MAX || self.bonds.len() > MAX {
            return wrong(format!(
                "a model has 1 to {MAX} sites and at most {MAX} bonds, got {} and {}",
                self.sites,
                self.bonds.len()
            ));
        }
        if !(2..=256).contains(&self.colours) {
            return wrong(format!("q must be 2 to 256, got {}", self.colours));
        }
        let there = |&i: &u32| (i as usize) < self.sites;
        if let Some([i, j]) = self
            .bonds
            .iter()
            .find(|[i, j]| i == j || !there(i) || !there(j))
        {
            return wrong(format!(
                "a bond joins two of the {} sites, got {i} and {j}",
                self.sites
            ));
        }
        if self.couplings.len() != 1 && self.couplings.len() != self.bonds.len() {
            return wrong("one coupling is needed for every bond, or one for all".into());
        }
        let finite = |x: &f64| x.abs() <= MAX_COUPLING;
        if !self.couplings.iter().all(finite) || !finite(&self.field) {
            return wrong(format!(
                "couplings and field must not exceed {MAX_COUPLING:e} in magnitude"
            ));
        }
        if update != Update::HeatBath {
            if self.field != 0.0 {
                return wrong("clusters cannot take a field: use the heat bath".into());
            }
            if self.colours > 2 && self.couplings.iter().any(|&j| j < 0.0) {
                return wrong(
                    "clusters of more than two colours need couplings that are not negative".into(),
                );
            }
        }
        Ok(())
    }

    /// Number of the coupling of a bond.
    pub(super) fn class(&self, bond: usize) -> usize {
        if self.couplings.len() == 1 { 0 } else { bond }
    }

    /// Energy of a configuration.
    pub fn energy(&self, colours: &[u8]) -> f64 {
        let same = |&[i, j]: &[u32; 2]| colours[i as usize] == colours[j as usize];
        let bonds = if let [j] = self.couplings[..] {
            j * self.bonds.iter().filter(|b| same(b)).count() as f64
        } else {
            self.bonds
                .iter()
                .zip(&self.couplings)
                .map(|(b, &j)| if same(b) { j } else { 0.0 })
                .sum()
        };
        if self.field == 0.0 {
            return -bonds;
        }
        let last = (self.colours - 1) as u8;
        -bonds - self.field * colours.iter().filter(|&&s| s == last).count() as f64
    }
}

/// Bonds by their sites.
#[derive(Debug)]
pub(super) struct Table {
    /// Neighbours of site i are `near[start[i]..start[i + 1]]`,
    pub start: Vec<u32>,
    pub near: Vec<u32>,
    /// and these the numbers of the couplings; empty if there is only one.
    pub class: Vec<u32>,
    /// The number of neighbours of every site, if it is the same.
    pub degree: Option<usize>,
}

impl Table {
    pub(super) fn new(model: &Model) -> Self {
        let mut start = vec![0u32; model.sites + 1];
        for [i, j] in &model.bonds {
            start[*i as usize + 1] += 1;
            start[*j as usize + 1] += 1;
        }
        let first = start[1];
        let degree = start[1..]
            .iter()
            .all(|&z| z == first)
            .then_some(first as usize);
        for i in 0..model.sites {
            start[i + 1] += start[i];
        }
        let mut next = start.clone();
        let ends = 2 * model.bonds.len();
        let mut near = vec![0; ends];
        let uniform = model.couplings.len() == 1;
        let mut class = vec![0; if uniform { 0 } else { ends }];
        for (b, &[i, j]) in model.bonds.iter().enumerate() {
            for (here, there) in [(i, j), (j, i)] {
                let place = &mut next[here as usize];
                near[*place as usize] = there;
                if !uniform {
                    class[*place as usize] = b as u32;
                }
                *place += 1;
            }
        }
        Self {
            start,
            near,
            class,
            degree,
        }
    }

    /// Places of the neighbours of a site.
    #[inline(always)]
    pub(super) fn of(&self, site: usize) -> std::ops::Range<usize> {
        self.start[site] as usize..self.start[site + 1] as usize
    }
}
