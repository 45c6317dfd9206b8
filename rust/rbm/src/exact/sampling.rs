//! Independent samples, from the cumulative weights of all states of a layer.

use super::{MAX_FOR_STATES, at_most, two_valued};
use crate::Error;
use crate::bits::words;
use crate::machine::{Machine, log_sums};
use kadanoff_runtime::{Control, random};
use rand::Rng;
use rayon::prelude::*;

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
    two_valued(machine)?;
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
