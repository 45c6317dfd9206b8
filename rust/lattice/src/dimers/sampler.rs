//! Replicas of a dimer model, several per core, measured after a fixed number of loops.

use super::lattice::{DIRECTION, SquareLattice};
use super::worm::{Lane, Weights};
use super::{Error, flippable, sector, winding};
use kadanoff_runtime::{Control, random};
use rayon::prelude::*;

/// Rounds between two looks at the cancel flag: a millisecond or so.
const PATIENCE: u32 = 1 << 17;

/// What to sample.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Where the dimers lie.
    pub lattice: SquareLattice,
    /// v/T: a pair of parallel dimers on a plaquette has weight `exp(-coupling)`.
    pub coupling: f64,
    /// A winding that is kept, or all of them.
    pub winding: Option<(i32, i32)>,
    /// Independent Markov chains.
    pub chains: usize,
    /// Samples of each chain.
    pub n: usize,
    /// Loops between two measurements. A number of steps instead would prefer states from which
    /// loops are long.
    pub spacing: u64,
    /// Loops before the first measurement, from parallel columns.
    pub equilibration: u64,
    /// Whether to keep the coverings, or observables only.
    pub coverings: bool,
}

/// The measurements of one replica; fewer than requested after a cancellation.
#[derive(Debug, Clone, Default)]
pub struct Replica {
    /// Directions of all sites, measurement after measurement.
    pub dimers: Vec<u8>,
    /// Winding numbers of every sample.
    pub winding: Vec<(i32, i32)>,
    /// Flippable plaquettes of every sample.
    pub flippable: Vec<u32>,
    /// Steps of the worm, in all.
    pub steps: u64,
}

pub(super) fn check(
    lattice: &SquareLattice,
    coupling: f64,
    winding: Option<(i32, i32)>,
) -> Result<Vec<u8>, Error> {
    if !coupling.is_finite() {
        return Err(Error::Argument(format!(
            "v/T must be finite, got {coupling}: raise T"
        )));
    }
    match winding {
        Some(w) if lattice.is_open() && w != (0, 0) => Err(Error::Argument(format!(
            "an open lattice has no winding, got ({}, {})",
            w.0, w.1
        ))),
        Some(w) if !lattice.is_open() => sector::covering(lattice, w),
        _ => Ok(lattice.columnar()),
    }
}

/// Runs all replicas; replica r draws from stream r of `seed`.
///
/// # Errors
/// The plan contradicts itself. A cancelled run is no error: replicas are shorter then.
///
/// ```
/// use kadanoff_lattice::dimers::{Boundary, Plan, SquareLattice, sample};
/// use kadanoff_runtime::Control;
///
/// let plan = Plan {
///     lattice: SquareLattice::new(8, 8, Boundary::Periodic)?,
///     coupling: 0.0,
///     winding: None,
///     chains: 2,
///     n: 10,
///     spacing: 4,
///     equilibration: 100,
///     coverings: false,
/// };
/// let found = sample(&plan, 1, &Control::new())?;
/// assert_eq!((found.len(), found[0].flippable.len()), (2, 10));
/// # Ok::<(), kadanoff_lattice::dimers::Error>(())
/// ```
pub fn sample(plan: &Plan, seed: u64, control: &Control) -> Result<Vec<Replica>, Error> {
    let start = check(&plan.lattice, plan.coupling, plan.winding)?;
    if plan.spacing == 0 {
        return Err(Error::Argument("spacing must be at least 1, got 0".into()));
    }
    let weights = Weights::new(&plan.lattice, plan.coupling);
    let cells = plan.lattice.bytes(&start);
    let each = (plan.n as u64)
        .saturating_mul(plan.spacing)
        .saturating_add(plan.equilibration);
    control.add_total(each.saturating_mul(plan.chains as u64));
    let indices: Vec<usize> = (0..plan.chains).collect();
    // Every thread has a share; what a replica does depends on itself alone.
    let together = plan.chains.div_ceil(kadanoff_runtime::threads()).max(1);
    let groups: Vec<Vec<Replica>> = indices
        .par_chunks(weights.lanes().min(together))
        .map(|group| run(plan, &weights, &cells, group, seed, control))
        .collect();
    Ok(groups.into_iter().flatten().collect())
}

/// The replicas of one core, interleaved.
fn run(
    plan: &Plan,
    weights: &Weights,
    cells: &[u8],
    group: &[usize],
    seed: u64,
    control: &Control,
) -> Vec<Replica> {
    let kept = plan.winding.filter(|_| !plan.lattice.is_open());
    let first = plan.equilibration.saturating_add(plan.spacing);
    let mut found = vec![Replica::default(); group.len()];
    // One buffer for all: a lane is known by its sites alone.
    let mut buffer = cells.repeat(group.len());
    let mut lanes: Vec<Lane> = group
        .iter()
        .enumerate()
        .map(|(r, &index)| {
            let stream = random::stream(seed, index as u64);
            let mut lane = Lane::new((r * cells.len()) as u32, cells, stream, kept);
            lane.loops = first;
            lane
        })
        .collect();
    // Which replica a lane is, and how many of its loops were not reported yet.
    let mut rank: Vec<(usize, u64)> = (0..group.len()).map(|r| (r, first)).collect();
    while !lanes.is_empty() && !control.is_cancelled() {
        weights.advance(&plan.lattice, &mut buffer, &mut lanes, PATIENCE);
        for i in (0..lanes.len()).rev() {
            let (lane, (r, left)) = (&mut lanes[i], &mut rank[i]);
            control.tick(*left - lane.loops);
            *left = lane.loops;
            if lane.loops > 0 {
                continue;
            }
            measure(plan, &buffer[lane.part(&plan.lattice)], &mut found[*r]);
            if found[*r].flippable.len() < plan.n {
                lane.loops = plan.spacing;
                *left = plan.spacing;
            } else {
                found[*r].steps = lane.steps;
                lanes.swap_remove(i);
                rank.swap_remove(i);
            }
        }
    }
    for (lane, (r, _)) in lanes.iter().zip(&rank) {
        found[*r].steps = lane.steps;
    }
    found
}

fn measure(plan: &Plan, cells: &[u8], into: &mut Replica) {
    if plan.coverings {
        into.dimers.extend(cells.iter().map(|c| c & DIRECTION));
    }
    into.winding.push(winding(&plan.lattice, cells));
    into.flippable.push(flippable(&plan.lattice, cells));
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::{Boundary, is_covering};
    use super::*;

    fn plan(lx: usize, ly: usize, boundary: Boundary) -> Plan {
        Plan {
            lattice: SquareLattice::new(lx, ly, boundary).unwrap(),
            coupling: 0.0,
            winding: None,
            chains: 5,
            n: 20,
            spacing: 3,
            equilibration: 10,
            coverings: true,
        }
    }

    #[test]
    fn every_sample_is_a_covering_on_every_path() {
        for boundary in [Boundary::Periodic, Boundary::Open] {
            for (lx, ly) in [(2, 2), (2, 8), (6, 4), (12, 10)] {
                for coupling in [0.0, -1.0, 0.7] {
                    let mut plan = plan(lx, ly, boundary);
                    plan.coupling = coupling;
                    let found = sample(&plan, 1, &Control::new()).unwrap();
                    assert_eq!(found.len(), 5);
                    for replica in found {
                        assert_eq!(replica.flippable.len(), 20);
                        for covering in replica.dimers.chunks(lx * ly) {
                            assert!(is_covering(&plan.lattice, covering));
                        }
                    }
                }
            }
        }
        let odd = plan(3, 4, Boundary::Open);
        assert!(sample(&odd, 1, &Control::new()).is_ok());
        let line = plan(1, 6, Boundary::Open);
        let found = sample(&line, 1, &Control::new()).unwrap();
        assert!(found[0].dimers.chunks(6).all(|c| c == [1, 3, 1, 3, 1, 3]));
    }

    #[test]
    fn a_replica_does_not_depend_on_its_neighbours() {
        let mut plan = plan(8, 6, Boundary::Periodic);
        let many = sample(&plan, 7, &Control::new()).unwrap();
        plan.chains = 2;
        let few = sample(&plan, 7, &Control::new()).unwrap();
        assert_eq!(many[0].dimers, few[0].dimers);
        assert_eq!(many[1].dimers, few[1].dimers);
        assert_ne!(many[0].dimers, many[1].dimers);
    }

    #[test]
    fn a_fixed_winding_stays() {
        let mut plan = plan(8, 6, Boundary::Periodic);
        plan.winding = Some((1, -2));
        for replica in sample(&plan, 3, &Control::new()).unwrap() {
            assert!(replica.winding.iter().all(|w| *w == (1, -2)));
            let first = &replica.dimers[..48];
            assert!(replica.dimers.chunks(48).any(|c| c != first));
        }
    }

    #[test]
    fn a_cancelled_run_keeps_what_it_has() {
        let control = Control::new();
        control.cancel();
        let found = sample(&plan(8, 8, Boundary::Periodic), 1, &control).unwrap();
        assert!(found.iter().all(|r| r.flippable.is_empty()));
    }
}
