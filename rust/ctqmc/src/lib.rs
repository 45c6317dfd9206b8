//! Continuous-time Monte Carlo for quantum impurities: the expansion in the hybridisation, in the
//! segment picture.
//!
//! With density-density interactions the occupation of every flavour (orbital and spin) is a
//! function of imaginary time with values 0 and 1. A configuration is that function: 2 k operators
//! at times s_j (creation) and e_i (annihilation), alternating on a circle of length beta, or an
//! empty or full line. Its weight is
//!
//! `W = prod_a [(-1)^(wraps) det F_a(e_i - s_j)] exp(-sum_a eps_a l_a - sum_(a<b) U_ab O_ab)`,
//!
//! `l_a` the time that flavour a is occupied, `O_ab` the time that both are, `F(l) = Delta(-l)`
//! the hybridisation function; `wraps` is 1 if an occupied interval with two ends contains tau = 0.
//! `G(tau) = -(1/beta) <sum_ij M_ji delta(tau - (e_i - s_j))>` with `M = F^-1` of a flavour.
//!
//! Where F is next to zero for some lengths (a gap, or a bath on one side of the chemical potential
//! only) two things go wrong: M is huge in configurations that are never seen, and the numbers of
//! electrons of bath and impurity together hardly change. Then the chain runs with `F + floor`
//! instead, which is an additional bath level at the chemical potential, and every measurement has
//! the weight `w = prod_a det F_a / det (F + floor)_a`. As all determinants are positive and
//! `det (F + floor)` is a sum that `det F` is a term of, `0 <= w <= 1`; and `w M` is bounded by
//! 1 / floor.
//!
//! Modules: `table` F for reading; `flavour` times and the inverse matrix of one flavour;
//! `moves` the Markov chain; `measure` what is accumulated; `bins` averages with errors;
//! `markov_chain` one chain; `simulation` all of them; `storage` bytes to go on from.
//!
//! P. Werner, A. Comanac, L. de' Medici, M. Troyer, A. J. Millis, Phys. Rev. Lett. 97, 076405
//! (2006), doi:10.1103/PhysRevLett.97.076405; E. Gull et al., Rev. Mod. Phys. 83, 349 (2011),
//! doi:10.1103/RevModPhys.83.349, section V.

mod bins;
mod flavour;
mod markov_chain;
mod measure;
mod moves;
mod simulation;
mod storage;
mod table;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests;

pub use bins::{Bin, Level};
pub use markov_chain::BLOCK;
pub use measure::{COARSE, Pairs, Scalars};
pub use moves::{MOVES, Moves};
pub use simulation::{Options, Results, Simulation};
pub use table::Table;

use serde::{Deserialize, Serialize};

/// What can go wrong in a simulation.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// An argument is out of range, or contradicts another one.
    #[error("{0}")]
    Argument(String),
    /// The bytes of a run are damaged, or of another version.
    #[error("{0}")]
    Checkpoint(String),
    /// A chain left the finite numbers.
    #[error("chain {chain}: {message}")]
    Numerical {
        /// Index of the chain.
        chain: usize,
        /// What happened to it.
        message: String,
    },
}

/// The impurity: levels, interactions and hybridisation functions of its flavours.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Model {
    /// Inverse temperature.
    pub beta: f64,
    /// Levels from the chemical potential.
    pub levels: Vec<f64>,
    /// Repulsion between flavours a and b, symmetric, row by row; the diagonal is not used.
    pub interaction: Vec<f64>,
    /// One table for each flavour, or one for all.
    pub tables: Vec<Table>,
    /// What is added to F while the chain runs, and weighted away when it measures.
    pub floor: f64,
    /// The group of every flavour; empty: one if all are alike, or else each is its own.
    grouping: Vec<usize>,
    /// `tables` raised by `floor`.
    #[serde(skip)]
    raised: Vec<Table>,
    /// For every table the first one that is the same.
    #[serde(skip)]
    classes: Vec<usize>,
}

/// A part of the floor that stays, so that no matrix is singular to rounding.
const REMAINS: f64 = 1e-30;

impl Model {
    /// A model without a floor.
    ///
    /// ```
    /// use kadanoff_ctqmc::{Model, Table};
    ///
    /// // Two orbitals with two spins: all pairs of the four flavours repel alike.
    /// let table = Table::of(5.0, 1e-10, |_| 0.1)?;
    /// let model = Model::new(5.0, vec![-3.0; 4], vec![2.0; 16], vec![table]);
    /// assert_eq!(model.levels.len(), 4);
    /// # Ok::<(), kadanoff_ctqmc::Error>(())
    /// ```
    pub fn new(beta: f64, levels: Vec<f64>, interaction: Vec<f64>, tables: Vec<Table>) -> Self {
        Self {
            beta,
            levels,
            interaction,
            grouping: Vec::new(),
            raised: tables.clone(),
            classes: classes(&tables),
            tables,
            floor: 0.0,
        }
    }

    /// Adds up the measurements of flavours that are known to be equivalent: `grouping` holds the
    /// group of each, numbered from zero.
    ///
    /// ```
    /// use kadanoff_ctqmc::{Model, Table};
    ///
    /// let table = Table::of(5.0, 1e-10, |_| 0.1)?;
    /// let model = Model::new(5.0, vec![-1.0, -1.0, -2.0, -2.0], vec![1.0; 16], vec![table]);
    /// assert_eq!(model.groups(), 4);
    /// assert_eq!(model.with_groups(vec![0, 0, 1, 1]).groups(), 2);
    /// # Ok::<(), kadanoff_ctqmc::Error>(())
    /// ```
    pub fn with_groups(mut self, grouping: Vec<usize>) -> Self {
        self.grouping = grouping;
        self
    }

    /// Samples with F + `floor`.
    ///
    /// ```
    /// use kadanoff_ctqmc::{Model, Table};
    ///
    /// let table = Table::of(5.0, 1e-10, |_| 0.1)?;
    /// assert_eq!(Model::anderson(2.0, -1.0, table).with_floor(1e-4).floor, 1e-4);
    /// # Ok::<(), kadanoff_ctqmc::Error>(())
    /// ```
    pub fn with_floor(mut self, floor: f64) -> Self {
        self.floor = floor;
        self.raised = self.tables.iter().map(|t| t.raised(floor)).collect();
        self.classes = classes(&self.tables);
        self
    }

    /// A spin up and a spin down that repel each other.
    ///
    /// ```
    /// use kadanoff_ctqmc::{Model, Table};
    ///
    /// let model = Model::anderson(2.0, -1.0, Table::of(5.0, 1e-10, |_| 0.1)?);
    /// assert_eq!((model.beta, model.levels), (5.0, vec![-1.0; 2]));
    /// # Ok::<(), kadanoff_ctqmc::Error>(())
    /// ```
    pub fn anderson(u: f64, level: f64, table: Table) -> Self {
        let interaction = vec![0.0, u, u, 0.0];
        Self::new(table.beta(), vec![level; 2], interaction, vec![table])
    }

    /// Number of flavours.
    pub(crate) fn flavours(&self) -> usize {
        self.levels.len()
    }

    /// Groups of flavours that are measured apart: those given, or one if all flavours are
    /// equivalent, else each.
    ///
    /// ```
    /// use kadanoff_ctqmc::{Model, Table};
    ///
    /// let table = Table::of(5.0, 1e-10, |_| 0.1)?;
    /// assert_eq!(Model::anderson(2.0, -1.0, table.clone()).groups(), 1);
    /// // A magnetic field.
    /// let model = Model::new(5.0, vec![-1.2, -0.8], vec![0.0, 2.0, 2.0, 0.0], vec![table]);
    /// assert_eq!(model.groups(), 2);
    /// # Ok::<(), kadanoff_ctqmc::Error>(())
    /// ```
    pub fn groups(&self) -> usize {
        if let Some(last) = self.grouping.iter().max() {
            return last + 1;
        }
        let alike = self.tables.len() == 1 && self.levels.iter().all(|&e| e == self.levels[0]);
        if alike { 1 } else { self.flavours() }
    }

    /// The group in which flavour a is measured, where there are several.
    #[inline(always)]
    pub(crate) fn group(&self, a: usize) -> usize {
        self.grouping.get(a).copied().unwrap_or(a)
    }

    /// Repulsion between flavours a and b.
    #[inline(always)]
    pub(crate) fn u(&self, a: usize, b: usize) -> f64 {
        self.interaction[a * self.levels.len() + b]
    }

    /// What the chain samples flavour a with.
    #[inline(always)]
    pub(crate) fn table(&self, a: usize) -> &Table {
        &self.raised[a.min(self.raised.len() - 1)]
    }

    /// Whether two flavours have the same bath.
    pub(crate) fn alike(&self, a: usize, b: usize) -> bool {
        self.tables.len() == 1 || self.classes[a] == self.classes[b]
    }

    /// F of flavour a at a signed length, free of the floor.
    #[inline(always)]
    pub(crate) fn bare(&self, a: usize, l: f64) -> f64 {
        let remains = REMAINS * self.floor;
        self.tables[a.min(self.tables.len() - 1)].signed(l)
            + if l < 0.0 { -remains } else { remains }
    }

    /// Refuses what has no meaning.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let n = self.flavours();
        let fail = |message: String| Err(Error::Argument(message));
        if n == 0 || n > 32 {
            return fail(format!("1 to 32 flavours, got {n}"));
        }
        if self.interaction.len() != n * n {
            return fail(format!(
                "interaction needs {} entries, got {}",
                n * n,
                self.interaction.len()
            ));
        }
        if self.tables.len() != 1 && self.tables.len() != n {
            return fail(format!("1 or {n} tables, got {}", self.tables.len()));
        }
        let given = &self.grouping;
        if !given.is_empty()
            && (given.len() != n || (0..self.groups()).any(|g| !given.contains(&g)))
        {
            return fail(format!(
                "groups must be one for each of {n} flavours, numbered from 0 without a gap"
            ));
        }
        if self.tables.iter().any(|t| t.beta() != self.beta) {
            return fail("every table must be made for the same beta".into());
        }
        if !self
            .levels
            .iter()
            .chain(&self.interaction)
            .all(|x| x.is_finite())
        {
            return fail("levels and interactions must be finite".into());
        }
        if !(self.floor >= 0.0 && self.floor.is_finite()) {
            return fail(format!("floor must not be negative, got {}", self.floor));
        }
        for a in 0..n {
            for b in 0..a {
                if self.u(a, b) != self.u(b, a) {
                    return fail("interaction must be symmetric".into());
                }
            }
        }
        Ok(())
    }
}

/// For every table the first one that is the same.
fn classes(tables: &[Table]) -> Vec<usize> {
    let first = |table: &Table| tables.iter().position(|t| t.same_as(table));
    tables.iter().map(|t| first(t).unwrap_or(0)).collect()
}
