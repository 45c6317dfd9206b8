//! Sums over all states of one layer, the other one summed by hand.
//!
//! `Z = sum_s e^{a.s} prod_j (1 + e^{x_j(s)})` over the smaller layer, in 0/1 units. The states are
//! cut into blocks that share all but the last eight bits: `e^{x_j}` is a factor of the block
//! times a tabulated factor of the low bits. That takes two products and a sum per unit and
//! state, lane-wise, and no exponential; unlike a Gray code it accumulates no rounding errors.

use crate::Error;
use crate::bits::words;
use crate::machine::{Machine, log_sums};
use crate::units::Units;
use kadanoff_runtime::simd::{Instructions, Kernel, Level, dispatch};
use kadanoff_runtime::{Control, random};
use rand::Rng;
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

/// States of a task of `moments`: 2^CHUNK.
const CHUNK: usize = 8;

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
    let side = Oriented::smaller(machine);
    at_most(side.machine.visible(), MAX_FOR_STATES)?;
    let log_z = log_z(machine, control)?;
    let own = &side.machine;
    let (n, m) = (own.visible(), own.hidden());
    let low = CHUNK.min(n);
    let tasks = 1usize << (n - low);
    control.add_total(tasks as u64);
    // Per task: the total of p and p sigma_j in row 0, then the same for every low bit.
    let one = |task: usize| -> Result<Vec<f64>, Error> {
        control.check()?;
        let mut sums = vec![0.0; (low + 1) * (m + 1)];
        let mut fields = vec![0.0; m];
        let mut row = vec![0.0; m + 1];
        for s in 0..1usize << low {
            let state = [(task << low | s) as u64];
            own.fields(&state, &mut fields);
            let inner: f64 = fields.iter().map(|&x| Units::Binary.log_sum(x)).sum();
            let p = (own.bias_energy(&state) + inner + side.constant - log_z).exp();
            row[0] = p;
            for (to, &x) in row[1..].iter_mut().zip(&fields) {
                *to = p * Units::Binary.up(x);
            }
            for (i, sum) in sums.chunks_exact_mut(m + 1).enumerate() {
                if i == 0 || s >> (i - 1) & 1 == 1 {
                    for (x, y) in sum.iter_mut().zip(&row) {
                        *x += y;
                    }
                }
            }
        }
        control.tick(1);
        Ok(sums)
    };
    let mut sums = vec![0.0; (n + 1) * (m + 1)];
    let indices: Vec<usize> = (0..tasks).collect();
    // A few hundred tasks at a time bound the memory; their sums are added in order.
    for group in indices.chunks(256) {
        let parts: Vec<Vec<f64>> = group
            .par_iter()
            .map(|&task| one(task))
            .collect::<Result<_, Error>>()?;
        for (&task, part) in group.iter().zip(&parts) {
            for (i, sum) in sums.chunks_exact_mut(m + 1).enumerate() {
                let from = if i <= low {
                    i
                } else if task >> (i - 1 - low) & 1 == 1 {
                    0
                } else {
                    continue;
                };
                for (x, y) in sum.iter_mut().zip(&part[from * (m + 1)..]) {
                    *x += y;
                }
            }
        }
    }
    // From 0/1 averages, normalised by their own total, to the values of the units.
    let total = sums[0];
    let p = |i: usize, j: usize| sums[i * (m + 1) + j] / total;
    let (us, uo) = if side.turned {
        (machine.units.1, machine.units.0)
    } else {
        machine.units
    };
    let own_means: Vec<f64> = (1..=n).map(|i| us.low() + us.span() * p(i, 0)).collect();
    let other: Vec<f64> = (1..=m).map(|j| uo.low() + uo.span() * p(0, j)).collect();
    let pair = |i: usize, j: usize| {
        us.low() * uo.low()
            + us.low() * uo.span() * p(0, j + 1)
            + us.span() * uo.low() * p(i + 1, 0)
            + us.span() * uo.span() * p(i + 1, j + 1)
    };
    let mut correlations = vec![0.0; n * m];
    for i in 0..n {
        for j in 0..m {
            let at = if side.turned { j * n + i } else { i * m + j };
            correlations[at] = pair(i, j);
        }
    }
    let (visible, hidden) = if side.turned {
        (other, own_means)
    } else {
        (own_means, other)
    };
    Ok(Moments {
        log_z,
        visible,
        hidden,
        correlations,
    })
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

/// Independent samples of the free units given the others, from enumeration of the smaller free
/// layer (at most 24 units); `draws` for every row, a stream for 1024 of them.
///
/// Returns whole rows, `[row][draw]`, with the clamped units as they were given.
///
/// # Errors
/// Too many free units, rows of the wrong length, a cancelled control; [`Error::Memory`] before
/// anything is drawn, where the samples do not fit.
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
/// // A hundred samples of all units: nothing is clamped.
/// let free = (&[0, 1][..], &[0][..]);
/// let (v, h) = exact::sample(&machine, &[0], &[0], free, 100, 1, &Control::new())?;
/// assert_eq!((v.len(), h.len()), (100, 100));
/// # Ok::<(), kadanoff_rbm::Error>(())
/// ```
pub fn sample(
    machine: &Machine,
    visible: &[u64],
    hidden: &[u64],
    free: (&[usize], &[usize]),
    draws: usize,
    seed: u64,
    control: &Control,
) -> Result<(Vec<u64>, Vec<u64>), Error> {
    at_most(free.0.len().min(free.1.len()), MAX_FOR_STATES)?;
    let (wide, high) = (words(machine.visible()), words(machine.hidden()));
    let rows = visible.len() / wide;
    if !visible.len().is_multiple_of(wide) || hidden.len() != rows * high {
        return Err(Error::shape("the clamped rows"));
    }
    let m = machine.hidden();
    let mut w = Vec::with_capacity(free.0.len() * free.1.len());
    for &i in free.0 {
        w.extend(free.1.iter().map(|&j| machine.w[i * m + j]));
    }
    let mut drawn_visible = room(rows, draws, wide)?;
    let mut drawn_hidden = room(rows, draws, high)?;
    if rows == 0 || draws == 0 {
        return Ok((drawn_visible, drawn_hidden));
    }
    let chunks = draws.div_ceil(DRAWS);
    control.add_total((rows as u64).saturating_mul(chunks as u64));
    let turned = free.1.len() < free.0.len();
    drawn_visible
        .par_chunks_mut(draws * wide)
        .zip(drawn_hidden.par_chunks_mut(draws * high))
        .enumerate()
        .try_for_each(|(row, (vs, hs))| {
            control.check()?;
            let v = &visible[row * wide..(row + 1) * wide];
            let h = &hidden[row * high..(row + 1) * high];
            let (a, b) = machine.clamped(v, h, free);
            let part = Machine {
                a,
                b,
                w: w.clone(),
                units: machine.units,
            };
            let conditional = Conditional {
                machine: if turned { part.turned() } else { part },
                turned,
                free,
            };
            let cumulative = cumulative(&conditional.machine, control)?;
            vs.par_chunks_mut(DRAWS * wide)
                .zip(hs.par_chunks_mut(DRAWS * high))
                .enumerate()
                .try_for_each(|(chunk, (vs, hs))| {
                    let mut source = random::stream(seed, (row * chunks + chunk) as u64);
                    for (to_v, to_h) in vs.chunks_exact_mut(wide).zip(hs.chunks_exact_mut(high)) {
                        control.check()?;
                        to_v.copy_from_slice(v);
                        to_h.copy_from_slice(h);
                        conditional.draw(&cumulative, &mut source, to_v, to_h);
                    }
                    control.tick(1);
                    Ok::<(), Error>(())
                })
        })?;
    Ok((drawn_visible, drawn_hidden))
}

/// Samples that share a stream.
const DRAWS: usize = 1024;

/// Zeroed room for `draws` samples of `width` words for each of `rows` rows.
fn room(rows: usize, draws: usize, width: usize) -> Result<Vec<u64>, Error> {
    let words = rows.checked_mul(draws).and_then(|n| n.checked_mul(width));
    let too_large = || Error::Memory {
        needed: rows as f64 * draws as f64 * width as f64 * 8.0,
    };
    let words = words.ok_or_else(too_large)?;
    // Asked for first, because `vec!` aborts; made by `vec!`, whose zeroed pages cost nothing until
    // they are written: a loop over gigabytes could not be stopped.
    let mut asked: Vec<u64> = Vec::new();
    asked.try_reserve_exact(words).map_err(|_| too_large())?;
    drop(asked);
    Ok(vec![0; words])
}

/// The free units of one row, as a machine whose visible layer is the one that is enumerated.
struct Conditional<'a> {
    machine: Machine,
    turned: bool,
    free: (&'a [usize], &'a [usize]),
}

impl Conditional<'_> {
    /// Draws the free units of one sample into whole rows of both layers.
    fn draw(
        &self,
        cumulative: &[f64],
        source: &mut random::Stream,
        visible: &mut [u64],
        hidden: &mut [u64],
    ) {
        let (own, other, mine, theirs) = if self.turned {
            (self.free.1, self.free.0, hidden, visible)
        } else {
            (self.free.0, self.free.1, visible, hidden)
        };
        // The last state takes what rounding leaves.
        let (total, inner) = match cumulative {
            [inner @ .., total] => (*total, inner),
            [] => return,
        };
        let u = uniform(source) * total;
        let state = [inner.partition_point(|&c| c <= u) as u64];
        for (k, &unit) in own.iter().enumerate() {
            put(mine, unit, state[0] >> k & 1 == 1);
        }
        let mut fields = vec![0.0; other.len()];
        self.machine.fields(&state, &mut fields);
        for (&unit, &x) in other.iter().zip(&fields) {
            put(theirs, unit, uniform(source) < self.machine.units.1.up(x));
        }
    }
}

/// Cumulative sums of the weights of the visible states, state bit i = unit i.
fn cumulative(part: &Machine, control: &Control) -> Result<Vec<f64>, Error> {
    let states = 1usize << part.visible();
    let mut logs = vec![0.0; states];
    logs.par_chunks_mut(1024)
        .enumerate()
        .try_for_each(|(chunk, logs)| {
            control.check()?;
            let mut fields = vec![0.0; part.hidden()];
            for (s, log) in logs.iter_mut().enumerate() {
                let state = [(chunk * 1024 + s) as u64];
                part.fields(&state, &mut fields);
                *log = part.bias_energy(&state) + log_sums(part.units.1, &fields);
            }
            Ok::<(), Error>(())
        })?;
    let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut total = 0.0;
    for log in &mut logs {
        total += (*log - most).exp();
        *log = total;
    }
    Ok(logs)
}

fn put(row: &mut [u64], unit: usize, up: bool) {
    let (word, bit) = (unit / 64, 1 << (unit % 64));
    if up {
        row[word] |= bit;
    } else {
        row[word] &= !bit;
    }
}

/// Uniform in [0, 1) with 53 bits.
fn uniform(source: &mut random::Stream) -> f64 {
    (source.next_u64() >> 11) as f64 * 2f64.powi(-53)
}

#[cfg(test)]
mod tests;
