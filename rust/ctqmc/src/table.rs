//! The hybridisation function in imaginary time, as a table that is fast to read.
//!
//! `F(l) = Delta(-l) = -Delta(beta - l) > 0` for `0 < l < beta`, and `F(l) = -F(l + beta)` for
//! negative l. Each of equal cells holds the polynomial of degree 7 through eight
//! Chebyshev-Lobatto points: one cache line. Both ends of a cell are among its points, so that F is
//! continuous.

use crate::Error;
use kadanoff_runtime::exponential::ROUND;
use serde::{Deserialize, Serialize};

/// Points, and coefficients, of a cell.
pub(crate) const POINTS: usize = 8;
/// No more cells than this.
const MAX_CELLS: usize = 1 << 16;

/// F on `[0, beta]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Table {
    beta: f64,
    per_time: f64,
    /// Just below the upper edge of the last cell, in cells from the centre of the first.
    top: f64,
    coefficients: Vec<[f64; POINTS]>,
    /// Largest deviation seen between a table and the function, over its largest value.
    pub error: f64,
}

/// What a table is made from.
#[derive(Serialize, Deserialize)]
struct Stored {
    beta: f64,
    coefficients: Vec<[f64; POINTS]>,
    error: f64,
}

impl From<Table> for Stored {
    fn from(table: Table) -> Self {
        Self {
            beta: table.beta,
            coefficients: table.coefficients,
            error: table.error,
        }
    }
}

impl TryFrom<Stored> for Table {
    type Error = &'static str;

    fn try_from(stored: Stored) -> Result<Self, Self::Error> {
        let cells = stored.coefficients.len();
        let fits = (1..=MAX_CELLS).contains(&cells) && stored.beta > 0.0 && stored.beta.is_finite();
        if !fits {
            return Err("a table without cells or beta");
        }
        Ok(Self {
            beta: stored.beta,
            per_time: cells as f64 / stored.beta,
            top: (cells as f64 - 0.5).next_down(),
            coefficients: stored.coefficients,
            error: stored.error,
        })
    }
}

/// `(1 - cos(pi j / 7)) / 2`, within a cell.
fn node(j: usize) -> f64 {
    let half = std::f64::consts::PI * j as f64 / (2 * (POINTS - 1)) as f64;
    half.sin().powi(2)
}

/// Rows turn values at the nodes into coefficients of powers of the distance from the centre.
fn to_powers() -> [[f64; POINTS]; POINTS] {
    let x: [f64; POINTS] = std::array::from_fn(|j| node(j) - 0.5);
    let mut out = [[0.0; POINTS]; POINTS];
    for j in 0..POINTS {
        // The Lagrange polynomial of node j, multiplied out.
        let mut p = [0.0; POINTS];
        p[0] = 1.0;
        let mut scale = 1.0;
        for (degree, i) in (0..POINTS).filter(|&i| i != j).enumerate() {
            for d in (0..=degree).rev() {
                p[d + 1] += p[d];
                p[d] *= -x[i];
            }
            scale *= x[j] - x[i];
        }
        for d in 0..POINTS {
            out[d][j] = p[d] / scale;
        }
    }
    out
}

impl Table {
    /// Whether both are one function.
    pub(crate) fn same_as(&self, other: &Self) -> bool {
        self.beta == other.beta && self.coefficients == other.coefficients
    }

    /// Times at which `new` wants F for that many cells.
    ///
    /// ```
    /// use kadanoff_ctqmc::Table;
    ///
    /// let nodes = Table::nodes(10.0, 4);
    /// assert_eq!(nodes.len(), 32); // eight per cell
    /// assert!(nodes.iter().all(|t| (0.0..=10.0).contains(t)));
    /// ```
    pub fn nodes(beta: f64, cells: usize) -> Vec<f64> {
        let width = beta / cells as f64;
        (0..cells)
            .flat_map(|c| (0..POINTS).map(move |j| (c as f64 + node(j)) * width))
            .map(|t| t.min(beta))
            .collect()
    }

    /// The table of values at `nodes`.
    ///
    /// # Errors
    /// A number of values that fits no table, or values that no causal bath has.
    ///
    /// ```
    /// use kadanoff_ctqmc::Table;
    ///
    /// // A bath level at the chemical potential: F is constant.
    /// let values = vec![0.125; Table::nodes(10.0, 4).len()];
    /// let table = Table::new(10.0, &values)?;
    /// assert!((table.at(3.7) - 0.125).abs() < 1e-15);
    /// assert!(Table::new(10.0, &[-1.0; 8]).is_err());
    /// # Ok::<(), kadanoff_ctqmc::Error>(())
    /// ```
    pub fn new(beta: f64, values: &[f64]) -> Result<Self, Error> {
        let cells = values.len() / POINTS;
        if !(beta > 0.0 && beta.is_finite()) {
            return Err(Error::Argument(format!(
                "beta must be positive, got {beta}"
            )));
        }
        if cells == 0 || cells > MAX_CELLS || !values.len().is_multiple_of(POINTS) {
            return Err(Error::Argument(format!(
                "a table needs {POINTS} values per cell and 1 to {MAX_CELLS} cells, got {} values",
                values.len()
            )));
        }
        let largest = values.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
        for (i, &v) in values.iter().enumerate() {
            // Rounding and a noisy tail may touch zero; a bath that is not causal goes beyond.
            if !v.is_finite() || v < -1e-3 * largest {
                return Err(Error::Argument(format!(
                    "Delta(tau) must be finite and negative on (0, beta); at tau = {} it is {}: \
                     it would be acausal",
                    beta - Self::nodes(beta, cells)[i],
                    -v
                )));
            }
        }
        let powers = to_powers();
        let coefficients = values
            .chunks_exact(POINTS)
            .map(|v| std::array::from_fn(|d| (0..POINTS).map(|j| powers[d][j] * v[j]).sum()))
            .collect();
        Ok(Self {
            beta,
            per_time: cells as f64 / beta,
            top: (cells as f64 - 0.5).next_down(),
            coefficients,
            error: 0.0,
        })
    }

    /// The table of a function, with as many cells as bring its error below `tolerance`.
    ///
    /// The error is measured between the nodes, relative to the largest value.
    ///
    /// ```
    /// use kadanoff_ctqmc::Table;
    ///
    /// // A bath level at energy 1 with V^2 = 1/4, at beta = 10.
    /// let f = |l: f64| 0.25 * (l - 10.0_f64).exp() / (1.0 + (-10.0_f64).exp());
    /// let table = Table::of(10.0, 1e-10, f)?;
    /// assert!((table.at(9.3) - f(9.3)).abs() < 1e-10);
    /// # Ok::<(), kadanoff_ctqmc::Error>(())
    /// ```
    pub fn of(beta: f64, tolerance: f64, f: impl Fn(f64) -> f64) -> Result<Self, Error> {
        let mut cells = 16;
        loop {
            let values: Vec<f64> = Self::nodes(beta, cells).into_iter().map(&f).collect();
            let mut table = Self::new(beta, &values)?;
            let largest = values.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
            let between: Vec<f64> = Self::between(beta, cells);
            let error = between
                .iter()
                .fold(0.0_f64, |m, &t| m.max((table.at(t) - f(t)).abs()));
            table.error = if largest > 0.0 { error / largest } else { 0.0 };
            if table.error <= tolerance {
                return Ok(table);
            }
            if 2 * cells > MAX_CELLS {
                return Err(Error::Argument(format!(
                    "{cells} cells represent Delta(tau) only to {:.1e}; the temperature is too low \
                     for the energies of the bath",
                    table.error
                )));
            }
            cells *= 2;
        }
    }

    /// Times between the nodes, where the error of an interpolation is largest.
    pub(crate) fn between(beta: f64, cells: usize) -> Vec<f64> {
        let width = beta / cells as f64;
        (0..cells)
            .flat_map(|c| {
                (1..POINTS).map(move |j| (c as f64 + 0.5 * (node(j) + node(j - 1))) * width)
            })
            .collect()
    }

    /// The same function, larger by a constant.
    pub(crate) fn raised(&self, by: f64) -> Self {
        let mut new = self.clone();
        for c in &mut new.coefficients {
            c[0] += by;
        }
        new
    }

    /// Inverse temperature.
    pub(crate) fn beta(&self) -> f64 {
        self.beta
    }

    /// `F(l)` for `0 <= l <= beta`.
    ///
    /// ```
    /// use kadanoff_ctqmc::Table;
    ///
    /// // Polynomials up to degree seven are exact.
    /// let values: Vec<f64> = Table::nodes(2.0, 1).iter().map(|l| l.powi(7)).collect();
    /// assert!((Table::new(2.0, &values)?.at(1.5) - 1.5_f64.powi(7)).abs() < 1e-11);
    /// # Ok::<(), kadanoff_ctqmc::Error>(())
    /// ```
    #[inline(always)]
    pub fn at(&self, l: f64) -> f64 {
        // The integer is left in the lowest bits.
        let x = (l * self.per_time - 0.5).min(self.top);
        let rounded = x + ROUND;
        let y = x - (rounded - ROUND);
        let c = &self.coefficients[rounded.to_bits() as u32 as usize];
        let y2 = y * y;
        let y4 = y2 * y2;
        // Halves, quarters, ...: operations on four and two numbers at a time.
        let four: [f64; 4] = std::array::from_fn(|i| c[i] + c[i + 4] * y4);
        let two: [f64; 2] = std::array::from_fn(|i| four[i] + four[i + 2] * y2);
        two[0] + two[1] * y
    }

    /// `F(l)` for `-beta <= l <= beta`.
    #[inline(always)]
    pub(crate) fn signed(&self, l: f64) -> f64 {
        // No branch: the sign of l is as good as random.
        let negative = f64::from(u8::from(l < 0.0));
        self.at(l + negative * self.beta) * (1.0 - 2.0 * negative)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poles(beta: f64) -> impl Fn(f64) -> f64 {
        move |l| {
            [(-1.0, 0.3), (0.2, 0.5), (2.0, 0.1)]
                .iter()
                .map(|&(e, w): &(f64, f64)| w * (-(beta - l) * e).exp() / (1.0 + (-beta * e).exp()))
                .sum()
        }
    }

    #[test]
    fn a_table_is_as_good_as_it_says() {
        for beta in [0.5, 10.0, 100.0] {
            let f = poles(beta);
            let table = Table::of(beta, 1e-11, &f).unwrap();
            for i in 0..=10_000 {
                let l = beta * f64::from(i) / 10_000.0;
                assert!((table.at(l) - f(l)).abs() < 3e-11, "{beta} {l}");
            }
            assert!(table.coefficients.len() <= 2048);
        }
    }

    #[test]
    fn it_changes_sign_over_the_period() {
        let table = Table::of(3.0, 1e-11, poles(3.0)).unwrap();
        assert_eq!(table.signed(-1.0), -table.signed(2.0));
    }

    #[test]
    fn acausal_functions_are_refused() {
        let error = Table::of(1.0, 1e-10, |l| 1.0 - 2.0 * l).unwrap_err();
        assert!(error.to_string().contains("acausal"));
        assert!(Table::of(1.0, 1e-10, |_| f64::NAN).is_err());
        assert!(Table::new(-1.0, &[1.0; 8]).is_err());
        assert!(Table::new(1.0, &[1.0; 9]).is_err());
    }
}
