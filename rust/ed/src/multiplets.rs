//! Spin multiplets of `L` orbitals: configuration state functions of maximal `S_z`.
//!
//! A state is a set of doubly and of singly occupied orbitals, and a path of intermediate spins along
//! the single ones (genealogical coupling). The impurity is the last orbital. What depends on
//! `L` alone is worked out once from the Slater determinants behind each state and kept: the matrix
//! elements of every `sum_s d_s^+ c_ks` and of the impurity's creation operator.
//!
//! States are ordered by the impurity: empty, single with the last spin coupled down, then up,
//! double. Its creation operator is then a multiple of one on a range of states.
//!
//! Determinants are ordered products of creation operators, all up spins before all down spins.

use crate::coupling::{SpinFunctions, annihilate, create, determinant, pattern_of};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

/// A matrix element `<row| sum_s (d_s^+ c_ks + h.c.) |column>`, row != column, one of each pair.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Hop {
    /// Row.
    pub row: u32,
    /// Column.
    pub column: u32,
    /// Bath site.
    pub site: u32,
    /// Value.
    pub value: f64,
}

/// The states of one (N, S).
#[derive(Debug, Clone)]
pub(crate) struct Sector {
    /// Number of electrons.
    pub electrons: usize,
    /// Twice the spin.
    pub twice_spin: usize,
    /// (doubly, singly) occupied orbitals of every state, as bit sets.
    pub occupations: Vec<(u32, u32)>,
    /// Hybridisation.
    pub hops: Vec<Hop>,
}

/// The impurity's creation operator on neighbouring states of maximal `S_z`: the state `from + i` with
/// N electrons becomes `value` times the state `to + i` with N + 1, for i < count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Creation {
    /// First state with N electrons.
    pub from: usize,
    /// First state with N + 1 electrons.
    pub to: usize,
    /// How many states.
    pub count: usize,
    /// Element, its square being `sum_{M M'} |<N+1 S' M'| d_up^+ |N S M>|^2`.
    pub value: f64,
}

impl Creation {
    /// Elements `(from, to, value)` in ascending order, neighbours of the same value together.
    fn collect(elements: &[(u32, u32, f64)]) -> Vec<Self> {
        let mut found: Vec<Self> = Vec::new();
        for &(from, to, value) in elements {
            let (from, to) = (from as usize, to as usize);
            match found.last_mut() {
                Some(c)
                    if (c.from + c.count, c.to + c.count) == (from, to)
                        && (c.value - value).abs() < 1e-14 =>
                {
                    c.count += 1;
                }
                _ => found.push(Self {
                    from,
                    to,
                    count: 1,
                    value,
                }),
            }
        }
        found
    }
}

/// The creation operator from one sector to another.
#[derive(Debug, Clone)]
pub(crate) struct Transition {
    /// Sector with N electrons.
    pub from: usize,
    /// Sector with N + 1 electrons.
    pub to: usize,
    /// Elements that fill an empty impurity.
    pub empty: Vec<Creation>,
    /// Elements that fill a singly occupied impurity: the operator `d_s^+ n_{-s}`.
    pub single: Vec<Creation>,
}

/// All sectors of `L` orbitals.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    /// Sectors by (N, S).
    pub sectors: Vec<Sector>,
    /// Transitions between sectors.
    pub transitions: Vec<Transition>,
}

/// The table for `orbitals` orbitals, worked out at the first call and kept.
pub(crate) fn table(orbitals: usize) -> Arc<Table> {
    static KEPT: OnceLock<Mutex<HashMap<usize, Arc<Table>>>> = OnceLock::new();
    let kept = KEPT.get_or_init(|| Mutex::new(HashMap::new()));
    // A poisoned lock only means that another thread died: what is in the map is complete.
    let mut kept = kept
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    kept.entry(orbitals)
        .or_insert_with(|| Arc::new(Table::new(orbitals)))
        .clone()
}

/// Where the states of an occupation are: paths before `split` from `low` on, others from `high` on.
#[derive(Clone, Copy)]
struct Place {
    low: u32,
    high: u32,
    split: u32,
}

impl Place {
    fn of(self, path: u32) -> u32 {
        if path < self.split {
            self.low + path
        } else {
            self.high + (path - self.split)
        }
    }
}

type Places = HashMap<(u32, u32), Place>;

impl Table {
    fn new(orbitals: usize) -> Self {
        let functions: Vec<Vec<SpinFunctions>> = (0..=orbitals)
            .map(|k| {
                (0..=k)
                    .map(|s| SpinFunctions::new(k, if (k + s) % 2 == 0 { s } else { k + 2 }))
                    .collect()
            })
            .collect();
        let mut sectors = Vec::new();
        let mut places: Vec<Places> = Vec::new();
        let mut index = HashMap::new();
        for electrons in 0..=2 * orbitals {
            let most = electrons.min(2 * orbitals - electrons);
            for twice_spin in (electrons % 2..=most).step_by(2) {
                let (occupations, at) = states(orbitals, electrons, twice_spin, &functions);
                index.insert((electrons, twice_spin), sectors.len());
                places.push(at);
                sectors.push(Sector {
                    electrons,
                    twice_spin,
                    occupations,
                    hops: Vec::new(),
                });
            }
        }
        for (sector, at) in sectors.iter_mut().zip(&places) {
            sector.hops = hops(orbitals, &functions, sector.twice_spin, at);
        }
        let mut transitions = Vec::new();
        for (from, sector) in sectors.iter().enumerate() {
            let spin = sector.twice_spin;
            for target in [Some(spin + 1), spin.checked_sub(1)].into_iter().flatten() {
                let Some(&to) = index.get(&(sector.electrons + 1, target)) else {
                    continue;
                };
                let [empty, single] = creation(
                    orbitals,
                    &functions,
                    (spin, &places[from]),
                    (target, &places[to]),
                );
                transitions.push(Transition {
                    from,
                    to,
                    empty,
                    single,
                });
            }
        }
        Self {
            sectors,
            transitions,
        }
    }
}

/// Hops from every site of the bath to the impurity within a sector.
fn hops(
    orbitals: usize,
    functions: &[Vec<SpinFunctions>],
    spin: usize,
    places: &Places,
) -> Vec<Hop> {
    let impurity = 1_u32 << (orbitals - 1);
    let mut hops = Vec::new();
    for (&occupation, &source) in places {
        for site in 0..orbitals as u32 - 1 {
            let hop = Step::Hop {
                from: 1 << site,
                to: impurity,
            };
            connect(functions, occupation, spin, spin, hop, |t, i, j, x| {
                if let Some(target) = places.get(&t) {
                    hops.push(Hop {
                        row: target.of(i),
                        column: source.of(j),
                        site,
                        value: x,
                    });
                }
            });
        }
    }
    // The order of a hash map differs from run to run.
    hops.sort_by_key(|h| (h.column, h.row, h.site));
    hops
}

/// Elements of the creation operator between sectors of these spins: on an empty impurity, and on a
/// singly occupied one.
fn creation(
    orbitals: usize,
    functions: &[Vec<SpinFunctions>],
    (spin, sources): (usize, &Places),
    (target, targets): (usize, &Places),
) -> [Vec<Creation>; 2] {
    let impurity = 1_u32 << (orbitals - 1);
    let rise = target > spin;
    let s = 0.5 * spin as f64;
    let amplitude = if rise { s + 1.0 } else { s + 0.5 }.sqrt();
    let (mut empty, mut single) = (Vec::new(), Vec::new());
    for (&occupation, &source) in sources {
        let step = Step::Create {
            to: impurity,
            up: rise,
        };
        connect(functions, occupation, spin, target, step, |t, i, j, x| {
            if let Some(place) = targets.get(&t) {
                let list = if occupation.1 & impurity == 0 {
                    &mut empty
                } else {
                    &mut single
                };
                list.push((source.of(j), place.of(i), amplitude * x));
            }
        });
    }
    [&mut empty, &mut single].map(|list| {
        list.sort_by_key(|&(from, to, _)| (from, to));
        Creation::collect(list)
    })
}

/// Occupations of all states of a sector in their order, and where those of each are.
fn states(
    orbitals: usize,
    electrons: usize,
    twice_spin: usize,
    functions: &[Vec<SpinFunctions>],
) -> (Vec<(u32, u32)>, Places) {
    let impurity = 1_u32 << (orbitals - 1);
    let mut all = Vec::new();
    for double in 0..1u32 << orbitals {
        let pairs = double.count_ones() as usize;
        if 2 * pairs > electrons {
            continue;
        }
        let k = electrons - 2 * pairs;
        if k < twice_spin || k + pairs > orbitals {
            continue;
        }
        let singles = (0..1u32 << orbitals)
            .filter(|s| s & double == 0 && s.count_ones() as usize == k)
            .map(|single| (double, single));
        all.extend(singles);
    }
    let mut occupations = Vec::new();
    let mut at: Places = all
        .iter()
        .map(|&(double, single)| {
            let paths = &functions[single.count_ones() as usize][twice_spin].paths;
            // The impurity is the last to be coupled, and the last step the highest bit of a path.
            let split = if single & impurity == 0 {
                paths.len()
            } else {
                functions[single.count_ones() as usize - 1]
                    .get(twice_spin + 1)
                    .map_or(0, |before| before.paths.len())
            };
            let place = Place {
                low: 0,
                high: 0,
                split: split as u32,
            };
            ((double, single), place)
        })
        .collect();
    for (doubly, singly, up) in [
        (false, false, false),
        (false, true, false),
        (false, true, true),
        (true, false, false),
    ] {
        for occupation in &all {
            let (double, single) = *occupation;
            if (double & impurity != 0, single & impurity != 0) != (doubly, singly) {
                continue;
            }
            let Some(place) = at.get_mut(occupation) else {
                continue;
            };
            let paths = functions[single.count_ones() as usize][twice_spin]
                .paths
                .len();
            let (count, first) = if up {
                (paths - place.split as usize, &mut place.high)
            } else {
                (place.split as usize, &mut place.low)
            };
            *first = occupations.len() as u32;
            occupations.extend(std::iter::repeat_n(*occupation, count));
        }
    }
    (occupations, at)
}

/// An operator that changes the occupation in one way only.
#[derive(Clone, Copy)]
enum Step {
    /// `sum_s to_s^+ from_s`
    Hop { from: u32, to: u32 },
    /// `to_s^+` with the given spin.
    Create { to: u32, up: bool },
}

/// Calls `found(target, row, column, element)` for all elements of a step from one occupation.
fn connect(
    functions: &[Vec<SpinFunctions>],
    (double, single): (u32, u32),
    spin: usize,
    target_spin: usize,
    step: Step,
    mut found: impl FnMut((u32, u32), u32, u32, f64),
) {
    let source = &functions[single.count_ones() as usize][spin];
    // Elements between spin patterns: (to, from, value).
    let mut elements: Vec<(u32, usize, f64)> = Vec::new();
    let mut target = None;
    for (column, &pattern) in source.patterns.iter().enumerate() {
        let (up, down, sign) = determinant(double, single, pattern);
        for spin_up in [true, false] {
            let image = match step {
                Step::Hop { from, to } => annihilate((up, down), from, spin_up)
                    .and_then(|(det, a)| create(det, to, spin_up).map(|(det, b)| (det, a * b))),
                Step::Create { to, up: wanted } if wanted == spin_up => {
                    create((up, down), to, spin_up)
                }
                Step::Create { .. } => None,
            };
            if let Some(((u, d), value)) = image {
                let occupation = (u & d, u ^ d);
                let pattern = pattern_of(occupation.1, u);
                let (_, _, back) = determinant(occupation.0, occupation.1, pattern);
                target = Some(occupation);
                elements.push((pattern, column, value * sign * back));
            }
        }
    }
    let Some(occupation) = target else { return };
    let Some(goal) = functions
        .get(occupation.1.count_ones() as usize)
        .and_then(|f| f.get(target_spin))
    else {
        return;
    };
    let mut image = vec![0.0; goal.patterns.len()];
    for (j, path) in source.paths.iter().enumerate() {
        image.fill(0.0);
        for &(pattern, column, value) in &elements {
            image[goal.position[pattern as usize] as usize] += value * path[column];
        }
        for (i, other) in goal.paths.iter().enumerate() {
            let x: f64 = image.iter().zip(other).map(|(a, b)| a * b).sum();
            if x.abs() > 1e-14 {
                found(occupation, i as u32, j as u32, x);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multiplets_count_all_states() {
        for orbitals in 1..=5 {
            let table = table(orbitals);
            let states: usize = table
                .sectors
                .iter()
                .map(|s| (s.twice_spin + 1) * s.occupations.len())
                .sum();
            assert_eq!(states, 1 << (2 * orbitals));
        }
    }

    #[test]
    fn creation_is_a_multiple_of_one_on_a_range() {
        for orbitals in 1..=6 {
            for t in &table(orbitals).transitions {
                assert!(t.empty.len() <= 1 && t.single.len() <= 1, "{t:?}");
            }
        }
    }

    #[test]
    fn creation_and_annihilation_sum_to_one() {
        // sum over final states of |d_up^+|^2 plus sum over initial ones: every state counts once,
        // that is 2S + 1 for every multiplet.
        for orbitals in 1..=5 {
            let table = table(orbitals);
            let mut sums: Vec<Vec<f64>> = table
                .sectors
                .iter()
                .map(|s| vec![0.0; s.occupations.len()])
                .collect();
            for t in &table.transitions {
                for c in t.empty.iter().chain(&t.single) {
                    for i in 0..c.count {
                        sums[t.from][c.from + i] += c.value * c.value;
                        sums[t.to][c.to + i] += c.value * c.value;
                    }
                }
            }
            for (sector, sum) in table.sectors.iter().zip(&sums) {
                for x in sum {
                    assert!((x - (sector.twice_spin + 1) as f64).abs() < 1e-13);
                }
            }
        }
    }
}
