//! Block Gibbs sampling, with any units clamped.

use crate::Error;
use crate::bits::{BLOCK, words};
use crate::lanes::RandomLanes;
use crate::layer::Tempered;
use crate::machine::Machine;
use kadanoff_runtime::Control;
use kadanoff_runtime::simd::Level;
use rayon::prelude::*;

/// How chains run.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// Sweeps before the first record.
    pub equilibration: usize,
    /// Sweeps from record to record.
    pub spacing: usize,
    /// Number of records.
    pub n: usize,
    /// Seed of the streams, one for each 64 chains.
    pub seed: u64,
}

/// Units that keep their value: a 1 in a mask means free.
#[derive(Debug, Clone)]
pub struct Free {
    /// Words of a visible row.
    pub visible: Vec<u64>,
    /// Words of a hidden row.
    pub hidden: Vec<u64>,
}

/// Configurations of both layers, `[record][chain]`, as bits.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Records {
    /// Visible units.
    pub visible: Vec<u64>,
    /// Hidden units.
    pub hidden: Vec<u64>,
    /// Complete records.
    pub count: usize,
}

/// Sweeps of one block between two looks at the control.
const SWEEPS: usize = 64;

/// Runs chains from `visible` and `hidden`; each sweep draws h given v, then v given h.
///
/// With `free`, units outside of it keep the values they have in the start.
///
/// ```
/// use kadanoff_rbm::{Machine, Records, Schedule, Units, gibbs};
/// use kadanoff_runtime::Control;
///
/// # let machine = Machine::new(
/// #     vec![0.1, -0.2],
/// #     vec![0.3],
/// #     vec![0.5, -0.4],
/// #     (Units::Binary, Units::Binary),
/// # )?;
/// let schedule = Schedule {
///     equilibration: 10,
///     spacing: 2,
///     n: 3,
///     seed: 1,
/// };
/// let (mut v, mut h) = ([0; 4], [0; 4]); // four chains
/// let mut records = Records::default();
/// gibbs(&machine, &mut v, &mut h, None, &schedule, &Control::new(), &mut records)?;
/// assert_eq!((records.count, records.visible.len()), (3, 12));
/// # Ok::<(), kadanoff_rbm::Error>(())
/// ```
pub fn gibbs(
    machine: &Machine,
    visible: &mut [u64],
    hidden: &mut [u64],
    free: Option<&Free>,
    schedule: &Schedule,
    control: &Control,
    records: &mut Records,
) -> Result<(), Error> {
    let (wide, high) = (words(machine.visible()), words(machine.hidden()));
    let chains = visible.len() / wide;
    if !visible.len().is_multiple_of(wide) || hidden.len() != chains * high {
        return Err(Error::shape("the chains"));
    }
    if free.is_some_and(|f| f.visible.len() != wide || f.hidden.len() != high) {
        return Err(Error::shape("the clamped units"));
    }
    let level = Level::current();
    let (forward, backward) = machine.layers(level);
    let sweeps = schedule.equilibration + schedule.spacing * schedule.n.saturating_sub(1);
    control.add_total((sweeps * chains) as u64);
    let mut random: Vec<RandomLanes> = (0..chains.div_ceil(BLOCK))
        .map(|block| RandomLanes::new(schedule.seed, block as u64))
        .collect();
    for record in 0..schedule.n {
        let steps = if record == 0 {
            schedule.equilibration
        } else {
            schedule.spacing
        };
        let blocks = visible
            .par_chunks_mut(BLOCK * wide)
            .zip(hidden.par_chunks_mut(BLOCK * high))
            .zip(random.par_iter_mut());
        blocks.try_for_each(|((v, h), random)| {
            let clamps = free.map(|free| (free, v.to_vec(), h.to_vec()));
            let rows = (v.len() / wide) as u64;
            for sweep in 0..steps {
                if sweep % SWEEPS == 0 {
                    control.check()?;
                }
                forward.sample(level, v, Tempered::ONE, random, h, None);
                if let Some((free, _, start)) = &clamps {
                    clamp(h, start, &free.hidden);
                }
                backward.sample(level, h, Tempered::ONE, random, v, None);
                if let Some((free, start, _)) = &clamps {
                    clamp(v, start, &free.visible);
                }
                control.tick(rows);
            }
            Ok::<(), Error>(())
        })?;
        records.visible.extend_from_slice(visible);
        records.hidden.extend_from_slice(hidden);
        records.count += 1;
    }
    Ok(())
}

fn clamp(rows: &mut [u64], start: &[u64], free: &[u64]) {
    let width = free.len();
    for (row, start) in rows.chunks_exact_mut(width).zip(start.chunks_exact(width)) {
        for w in 0..width {
            row[w] = (row[w] & free[w]) | (start[w] & !free[w]);
        }
    }
}
