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
//! the hybridisation function; `wraps` is 1 if an occupied stretch with two ends contains tau = 0.
//! `G(tau) = -(1/beta) <sum_ij M_ji delta(tau - (e_i - s_j))>` with `M = F^-1` of a flavour.
//!
//! Modules: [`table`] F for reading; [`flavour`] times and the inverse matrix of one flavour;
//! [`moves`] the Markov chain; [`measure`] what is accumulated; [`bins`] averages with errors;
//! [`chain`] one chain; [`simulation`] all of them; [`storage`] bytes to go on from.
//!
//! P. Werner, A. Comanac, L. de' Medici, M. Troyer, A. J. Millis, Phys. Rev. Lett. 97, 076405
//! (2006), doi:10.1103/PhysRevLett.97.076405; E. Gull et al., Rev. Mod. Phys. 83, 349 (2011),
//! doi:10.1103/RevModPhys.83.349, section V.

pub mod bins;
pub mod chain;
pub mod flavour;
pub mod measure;
pub mod moves;
pub mod simulation;
pub mod storage;
pub mod table;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests;

pub use bins::{Bin, Levels};
pub use simulation::{Options, Simulation};
pub use table::Table;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Argument(String),
    #[error("{0}")]
    Checkpoint(String),
    #[error("chain {chain}: {message}")]
    Numerical { chain: usize, message: String },
}

/// The impurity: levels, interactions and hybridisation functions of its flavours.
#[derive(Debug, Clone)]
pub struct Model {
    pub beta: f64,
    /// Levels from the chemical potential.
    pub levels: Vec<f64>,
    /// Repulsion between flavours a and b, symmetric, row by row; the diagonal is not used.
    pub interaction: Vec<f64>,
    /// One table for each flavour, or one for all.
    pub tables: Vec<Table>,
}

impl Model {
    /// A spin up and a spin down that repel each other.
    pub fn anderson(u: f64, level: f64, table: Table) -> Self {
        Self {
            beta: table.beta(),
            levels: vec![level; 2],
            interaction: vec![0.0, u, u, 0.0],
            tables: vec![table],
        }
    }

    pub fn flavours(&self) -> usize {
        self.levels.len()
    }

    #[inline(always)]
    pub fn u(&self, a: usize, b: usize) -> f64 {
        self.interaction[a * self.levels.len() + b]
    }

    #[inline(always)]
    pub fn table(&self, a: usize) -> &Table {
        &self.tables[a.min(self.tables.len() - 1)]
    }

    /// Refuses what has no meaning.
    pub fn check(&self) -> Result<(), Error> {
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
