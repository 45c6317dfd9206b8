//! Averages over all states of the smaller layer.

use super::{MAX_FOR_STATES, Oriented, at_most, log_z, two_valued};
use crate::Error;
use crate::machine::Machine;
use crate::units::Units;
use kadanoff_runtime::Control;
use rayon::prelude::*;

/// Averages over all states of a machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Moments {
    /// ln Z.
    pub log_z: f64,
    /// `<v_i>`.
    pub visible: Vec<f64>,
    /// `<h_j>`.
    pub hidden: Vec<f64>,
    /// `<v_i h_j>`, row by row.
    pub correlations: Vec<f64>,
}

/// Units whose states make a task: 2^8 states take some microseconds per hidden unit.
const LOW: usize = 8;
/// Tasks whose sums are held at the same time; their sums are added in order.
const GROUP: usize = 256;

/// First and mixed moments by enumeration of the smaller layer, of at most 24 units.
///
/// ```
/// use kadanoff_rbm::{Machine, Units, exact};
/// use kadanoff_runtime::Control;
///
/// let machine = Machine::new(
///     vec![0.1, -0.2],
///     vec![0.3],
///     vec![0.5, -0.4],
///     (Units::Binary, Units::Binary),
/// )?;
/// let averages = exact::moments(&machine, &Control::new())?;
/// // d ln Z / d a_0, by a difference.
/// let mut other = machine.clone();
/// other.a[0] += 1e-6;
/// let slope = (exact::log_z(&other, &Control::new())? - averages.log_z) / 1e-6;
/// assert!((averages.visible[0] - slope).abs() < 1e-6);
/// # Ok::<(), kadanoff_rbm::Error>(())
/// ```
pub fn moments(machine: &Machine, control: &Control) -> Result<Moments, Error> {
    two_valued(machine)?;
    let side = Oriented::smaller(machine);
    at_most(side.machine.visible(), MAX_FOR_STATES)?;
    let log_z = log_z(machine, control)?;
    let own = &side.machine;
    let low = LOW.min(own.visible());
    let tasks = 1usize << (own.visible() - low);
    control.add_total(tasks as u64);
    let mut total = Sums::new(own.visible(), own.hidden());
    for first in (0..tasks).step_by(GROUP) {
        let parts: Vec<Sums> = (first..tasks.min(first + GROUP))
            .into_par_iter()
            .map(|task| {
                control.check()?;
                let part = Sums::of_task(own, task, low, (side.constant, log_z));
                control.tick(1);
                Ok(part)
            })
            .collect::<Result<_, Error>>()?;
        for (task, part) in (first..).zip(&parts) {
            total.add_task(task, low, part);
        }
    }
    Ok(total.moments(log_z, machine, side.turned))
}

/// Sums over states s of `p(s) x_j(s)`, where `x_0 = 1` and x_j is the mean of hidden unit j
/// given s, in 0/1 units: over all states in row 0, over those with unit i up in row i + 1.
struct Sums {
    width: usize,
    rows: Vec<f64>,
}

impl Sums {
    fn new(units: usize, hidden: usize) -> Self {
        Self {
            width: hidden + 1,
            rows: vec![0.0; (units + 1) * (hidden + 1)],
        }
    }

    /// The states whose upper bits are `task`; rows for the `low` lower bits alone.
    fn of_task(machine: &Machine, task: usize, low: usize, (constant, log_z): (f64, f64)) -> Self {
        let mut sums = Self::new(low, machine.hidden());
        let mut fields = vec![0.0; machine.hidden()];
        let mut row = vec![0.0; sums.width];
        for s in 0..1usize << low {
            let state = [(task << low | s) as u64];
            machine.fields(&state, &mut fields);
            let inner: f64 = fields.iter().map(|&x| Units::Binary.log_sum(x)).sum();
            let p = (machine.bias_energy(&state) + inner + constant - log_z).exp();
            row[0] = p;
            for (to, &x) in row[1..].iter_mut().zip(&fields) {
                *to = p * Units::Binary.up(x);
            }
            for (i, sum) in sums.rows.chunks_exact_mut(row.len()).enumerate() {
                if i == 0 || s >> (i - 1) & 1 == 1 {
                    add(sum, &row);
                }
            }
        }
        sums
    }

    /// Adds the sums of a task, whose upper bits are the same in all of its states.
    fn add_task(&mut self, task: usize, low: usize, part: &Self) {
        for (i, sum) in self.rows.chunks_exact_mut(self.width).enumerate() {
            let from = if i <= low {
                i
            } else if task >> (i - 1 - low) & 1 == 1 {
                0
            } else {
                continue;
            };
            add(sum, &part.rows[from * part.width..]);
        }
    }

    /// Averages in the values of the units, normalised by their own total.
    fn moments(&self, log_z: f64, machine: &Machine, turned: bool) -> Moments {
        let total = self.rows[0];
        let p = |i: usize, j: usize| self.rows[i * self.width + j] / total;
        let (own, other) = if turned {
            (machine.units.1, machine.units.0)
        } else {
            machine.units
        };
        let (m, n) = (self.width - 1, self.rows.len() / self.width - 1);
        let own_means: Vec<f64> = (1..=n).map(|i| own.low() + own.span() * p(i, 0)).collect();
        let means: Vec<f64> = (1..=m)
            .map(|j| other.low() + other.span() * p(0, j))
            .collect();
        let mut correlations = vec![0.0; n * m];
        for i in 0..n {
            for j in 0..m {
                let at = if turned { j * n + i } else { i * m + j };
                correlations[at] = own.low() * other.low()
                    + own.low() * other.span() * p(0, j + 1)
                    + own.span() * other.low() * p(i + 1, 0)
                    + own.span() * other.span() * p(i + 1, j + 1);
            }
        }
        let (visible, hidden) = if turned {
            (means, own_means)
        } else {
            (own_means, means)
        };
        Moments {
            log_z,
            visible,
            hidden,
            correlations,
        }
    }
}

fn add(sums: &mut [f64], row: &[f64]) {
    for (x, y) in sums.iter_mut().zip(row) {
        *x += y;
    }
}
