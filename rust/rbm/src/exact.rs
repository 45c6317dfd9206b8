//! Sums over all states of one layer, the other one summed by hand.
//!
//! `Z = sum_s e^{a.s} prod_j (1 + e^{x_j(s)})` over the smaller layer, in 0/1 units. The states are
//! cut into blocks that share all but the last eight bits: `e^{x_j}` is a factor of the block
//! times a tabulated factor of the low bits. That takes two products and a sum per unit and
//! state, lane-wise, and no exponential; unlike a Gray code it accumulates no rounding errors.

mod moments;
mod sampling;

pub use moments::{Moments, moments};
pub use sampling::sample;

use crate::Error;
use crate::machine::Machine;
use crate::units::Units;
use kadanoff_runtime::Control;
use kadanoff_runtime::simd::{Instructions, Kernel, Level, dispatch};
use rayon::prelude::*;

/// The largest layer that is enumerated for Z.
pub(crate) const MAX_FOR_Z: usize = 32;
/// The largest layer whose states are listed, or summed one by one.
pub(crate) const MAX_FOR_STATES: usize = 24;

/// Bits that share a table, and its entries.
const LOW: usize = 8;
const STATES: usize = 1 << LOW;
/// Range of the exponents in a table, well inside of what double precision can hold.
const RANGE: f64 = 400.0;
/// Units whose factors, at most 2 each, may be multiplied.
const FACTORS: usize = 256;
/// Blocks that one task takes.
const TASK: usize = 256;

/// A machine of 0/1 units, turned so that the layer to enumerate is the visible one.
struct Oriented {
    machine: Machine,
    constant: f64,
    turned: bool,
}

impl Oriented {
    fn smaller(machine: &Machine) -> Self {
        let (binary, constant) = machine.to_binary();
        let turned = machine.hidden() < machine.visible();
        Self {
            machine: if turned { binary.turned() } else { binary },
            constant,
            turned,
        }
    }
}

/// These sums are over all states of two-valued units.
fn two_valued(machine: &Machine) -> Result<(), Error> {
    match machine.units.0 {
        Units::OneHot(_) => Err(Error::option("one-hot units are not enumerated here")),
        _ => Ok(()),
    }
}

fn at_most(size: usize, limit: usize) -> Result<(), Error> {
    if size > limit {
        return Err(Error::option(format!(
            "a layer of {size} units is too large to enumerate, at most {limit} are allowed"
        )));
    }
    Ok(())
}

/// `ln sum exp`, in the order of the terms.
fn log_sum_exp(terms: &[f64]) -> f64 {
    let most = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    most + terms.iter().map(|x| (x - most).exp()).sum::<f64>().ln()
}

/// What the blocks of an enumeration share.
struct Plan<'a> {
    machine: &'a Machine,
    low: usize,           // units in the tables: the first ones
    factors: Vec<f64>,    // e^{x_j} of the low bits, [j][state]
    weights: Vec<f64>,    // e^{a.s} of the low bits
    highest: Vec<f64>,    // largest exponent of a row of `factors`
    at_highest: Vec<f64>, // e^{-highest}
}

impl<'a> Plan<'a> {
    fn new(machine: &'a Machine) -> Self {
        let (n, m) = (machine.visible(), machine.hidden());
        let mut low = 0;
        let mut range = 0.0;
        while low < LOW.min(n) {
            let row = &machine.w[low * m..(low + 1) * m];
            range += machine.a[low].abs() + row.iter().map(|w| w.abs()).sum::<f64>();
            if range > RANGE {
                break;
            }
            low += 1;
        }
        let states = 1 << low;
        let exponent = |state: usize, of: &dyn Fn(usize) -> f64| -> f64 {
            (0..low).filter(|i| state >> i & 1 == 1).map(of).sum()
        };
        // Entries beyond 2^low repeat nothing: their weight is zero.
        let mut weights = vec![0.0; STATES];
        for (s, weight) in weights[..states].iter_mut().enumerate() {
            *weight = exponent(s, &|i| machine.a[i]).exp();
        }
        let mut factors = vec![0.0; m * STATES];
        let mut highest = vec![0.0; m];
        for j in 0..m {
            for s in 0..states {
                factors[j * STATES + s] = exponent(s, &|i| machine.w[i * m + j]).exp();
            }
            highest[j] = (0..low).map(|i| machine.w[i * m + j].max(0.0)).sum();
        }
        Self {
            machine,
            low,
            factors,
            weights,
            at_highest: highest.iter().map(|x: &f64| (-x).exp()).collect(),
            highest,
        }
    }

    fn blocks(&self) -> usize {
        1 << (self.machine.visible() - self.low)
    }
}

/// `ln` of the sum over the states of one block.
struct Block<'a>(&'a Plan<'a>, usize);

impl Kernel for Block<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<I: Instructions>(self) -> f64 {
        let Self(plan, block) = self;
        let machine = plan.machine;
        let m = machine.hidden();
        let high = (plan.low..machine.visible()).filter(|i| block >> (i - plan.low) & 1 == 1);
        let mut fields = machine.b.clone();
        let mut bias = 0.0;
        for i in high {
            bias += machine.a[i];
            for (x, w) in fields.iter_mut().zip(&machine.w[i * m..(i + 1) * m]) {
                *x += w;
            }
        }
        let mut scale = 0.0;
        let mut product = [1.0f64; STATES];
        let mut logs = [0.0f64; STATES];
        for (j, &x) in fields.iter().enumerate() {
            // 1 + e^{x + low} = e^top (e^-top + e^{x - top} e^low), the bracket below 2.
            let top = x + plan.highest[j];
            let (one, factor) = if top > 0.0 {
                scale += top;
                ((-top).exp(), plan.at_highest[j])
            } else {
                (1.0, x.exp())
            };
            let table = &plan.factors[j * STATES..(j + 1) * STATES];
            for (p, t) in product.iter_mut().zip(table) {
                *p *= one + factor * t;
            }
            if (j + 1) % FACTORS == 0 {
                for (log, p) in logs.iter_mut().zip(&mut product) {
                    *log += p.ln();
                    *p = 1.0;
                }
            }
        }
        let sum = if m < FACTORS {
            let terms = plan.weights.iter().zip(&product);
            terms.map(|(w, p)| w * p).sum::<f64>().ln()
        } else {
            let states = 1 << plan.low;
            let terms: Vec<f64> = (0..states)
                .map(|s| plan.weights[s].ln() + logs[s] + product[s].ln())
                .collect();
            log_sum_exp(&terms)
        };
        bias + scale + sum
    }
}

/// `ln Z` by enumeration of the smaller layer, of at most 32 units.
///
/// ```
/// use kadanoff_rbm::{Machine, Units, exact};
/// use kadanoff_runtime::Control;
///
/// let machine = Machine::new(
///     vec![0.0; 3],
///     vec![0.0; 2],
///     vec![0.0; 6],
///     (Units::Binary, Units::Binary),
/// )?;
/// assert!((exact::log_z(&machine, &Control::new())? - 5.0 * 2.0_f64.ln()).abs() < 1e-14);
/// # Ok::<(), kadanoff_rbm::Error>(())
/// ```
pub fn log_z(machine: &Machine, control: &Control) -> Result<f64, Error> {
    two_valued(machine)?;
    let side = Oriented::smaller(machine);
    at_most(side.machine.visible(), MAX_FOR_Z)?;
    let plan = Plan::new(&side.machine);
    let level = Level::current();
    let blocks = plan.blocks();
    control.add_total(blocks as u64);
    let tasks: Vec<f64> = (0..blocks.div_ceil(TASK))
        .into_par_iter()
        .map(|task| {
            control.check()?;
            let own = task * TASK..blocks.min((task + 1) * TASK);
            let terms: Vec<f64> = own.map(|b| dispatch(level, Block(&plan, b))).collect();
            control.tick(terms.len() as u64);
            Ok(log_sum_exp(&terms))
        })
        .collect::<Result<_, Error>>()?;
    Ok(side.constant + log_sum_exp(&tasks))
}

/// `ln (P(v) Z)` of every state of the visible layer, the first unit changing slowest.
///
/// ```
/// use kadanoff_rbm::{Machine, Units, exact};
/// use kadanoff_runtime::Control;
///
/// # let machine = Machine::new(
/// #     vec![0.1, -0.2],
/// #     vec![0.3],
/// #     vec![0.5, -0.4],
/// #     (Units::Binary, Units::Binary),
/// # )?;
/// let weights = exact::log_weights(&machine, &Control::new())?;
/// let z: f64 = weights.iter().map(|w| w.exp()).sum();
/// assert!((z.ln() - exact::log_z(&machine, &Control::new())?).abs() < 1e-14);
/// # Ok::<(), kadanoff_rbm::Error>(())
/// ```
pub fn log_weights(machine: &Machine, control: &Control) -> Result<Vec<f64>, Error> {
    two_valued(machine)?;
    let n = machine.visible();
    at_most(n, MAX_FOR_STATES)?;
    let states = 1usize << n;
    control.add_total(states as u64);
    let mut out = vec![0.0; states];
    out.par_chunks_mut(1024)
        .enumerate()
        .try_for_each(|(chunk, out)| {
            control.check()?;
            let rows: Vec<u64> = (0..out.len())
                .map(|s| ((chunk * 1024 + s) as u64).reverse_bits() >> (64 - n))
                .collect();
            for (to, f) in out.iter_mut().zip(machine.free_energies(&rows, control)?) {
                *to = -f;
            }
            control.tick(out.len() as u64);
            Ok::<(), Error>(())
        })?;
    Ok(out)
}

#[cfg(test)]
mod tests;
