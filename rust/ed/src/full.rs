//! All levels of the impurity problem, and thermal averages at any temperature.

use crate::map_blocks;
use crate::multiplets::{Creation, Sector, Table, Transition, table};
use crate::{Anderson, Error, MAX_FULL, SMALL};
use faer::prelude::ReborrowMut;
use faer::{Mat, MatMut, MatRef};
use kadanoff_linalg::{LONG, Reduced};
use kadanoff_runtime::{Control, or_abandon};
use std::sync::{Arc, Mutex, PoisonError};

/// Boltzmann weight, relative to that of the ground state, below which a level counts as empty.
const LIGHTEST: f64 = 1e-18;

/// Levels and states of one (N, S).
#[derive(Debug)]
pub(crate) struct Block {
    /// Energies, ascending.
    pub(crate) values: Vec<f64>,
    /// The lowest states as columns, in the basis of `multiplets`: all, or those that may be occupied.
    pub(crate) vectors: Mat<f64>,
    /// Where states are missing, the components along all of them of what the impurity's operators
    /// make of occupied states of other sectors; see [`Projected`].
    pub(crate) components: Mat<f64>,
}

impl Block {
    /// Whether all states are there.
    pub(crate) fn is_whole(&self) -> bool {
        self.vectors.ncols() == self.values.len()
    }
}

/// Where the columns of a transition begin in the components of its sectors: for every occupied
/// state the part of the operator that fills an empty impurity, then likewise the other part.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Projected {
    /// `d^+` on the occupied states of `from`, along the states of `to`.
    pub(crate) above: usize,
    /// `d` on the occupied states of `to`, along the states of `from`.
    pub(crate) below: usize,
}

/// The whole spectrum.
#[derive(Debug)]
pub struct Spectrum {
    /// What was diagonalised.
    pub(crate) model: Anderson,
    /// The basis.
    pub(crate) table: Arc<Table>,
    /// One block for every sector of the table.
    pub(crate) blocks: Vec<Block>,
    /// States of each block that may be occupied.
    pub(crate) occupied: Vec<usize>,
    /// Columns of every transition.
    pub(crate) projected: Vec<Projected>,
    /// Smallest inverse temperature of averages.
    hottest: f64,
    /// Energy of the ground state.
    pub ground: f64,
}

/// Averages at one temperature.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thermal {
    /// `ln Tr exp(-beta H)`.
    pub log_z: f64,
    /// `<n_up + n_dn>` of the impurity.
    pub n: f64,
    /// `<n_up n_dn>`.
    pub docc: f64,
}

/// Finds all levels and states.
///
/// Cost: about `6 sum n^3` flops over the sectors (N, S), of which 4/3 for the reductions.
///
/// ```
/// use kadanoff_ed::{Anderson, diagonalise};
/// use kadanoff_runtime::Control;
///
/// let model = Anderson {
///     u: 2.0,
///     eps: -1.0,
///     e: vec![-0.5, 0.5],
///     v: vec![0.3, 0.3],
/// };
/// let spectrum = diagonalise(&model, &Control::new())?;
/// // Half filling, by particle-hole symmetry.
/// assert!((spectrum.thermal(10.0)?.n - 1.0).abs() < 1e-12);
/// # Ok::<(), kadanoff_ed::Error>(())
/// ```
pub fn diagonalise(model: &Anderson, control: &Control) -> Result<Spectrum, Error> {
    diagonalise_at(model, 0.0, control)
}

/// Finds all levels, and what averages and `G` at inverse temperatures from `hottest` on need of
/// the states.
///
/// Every pole of `G` has an occupied state on one side. Where few are, the components of
/// `d^+ |occupied>` along the states of a sector take their place, which leaves little more than the
/// reduction (page of timings).
///
/// ```
/// use kadanoff_ed::{Anderson, diagonalise_at};
/// use kadanoff_runtime::Control;
///
/// # let model = Anderson {
/// #     u: 2.0,
/// #     eps: -1.0,
/// #     e: vec![-0.5, 0.5],
/// #     v: vec![0.3, 0.3],
/// # };
/// let spectrum = diagonalise_at(&model, 50.0, &Control::new())?;
/// assert!(spectrum.thermal(100.0).is_ok() && spectrum.thermal(10.0).is_err());
/// # Ok::<(), kadanoff_ed::Error>(())
/// ```
pub fn diagonalise_at(
    model: &Anderson,
    hottest: f64,
    control: &Control,
) -> Result<Spectrum, Error> {
    model.check(MAX_FULL)?;
    let table = table(model.orbitals());
    let small = model.orbitals() <= SMALL;
    let size = |s: &Sector| s.occupations.len();
    let work = |s: &Sector| (size(s) as u64).pow(3).div_ceil(1000);
    // The reduction, and then the states.
    control.add_total(2 * table.sectors.iter().map(work).sum::<u64>());
    let reduced = map_blocks(&table.sectors, small, size, |sector| {
        control.check()?;
        let h = hamiltonian(model, sector);
        let long = h.nrows() > LONG;
        let reduced = or_abandon(control, long, || Reduced::new(h))?.map_err(failed(sector))?;
        control.tick(work(sector));
        Ok(reduced)
    });
    let reduced = reduced.into_iter().collect::<Result<Vec<_>, Error>>()?;
    let values: Vec<Vec<f64>> = reduced.iter().map(|r| r.values().to_vec()).collect();
    let ground = (values.iter().map(|e| e[0])).fold(f64::INFINITY, f64::min);
    let heavy = |e: &f64| (-hottest * (e - ground)).exp() >= LIGHTEST;
    let occupied: Vec<usize> = values.iter().map(|e| e.partition_point(heavy)).collect();
    let (projected, columns) = places(&table, &occupied);
    // 4 n^2 operations per column against 2 n^3 for all states.
    let whole = |b: usize| 2 * columns[b].max(occupied[b]) >= values[b].len();
    // Whoever needs a reduction last takes it: with its states it would fill the memory twice.
    let kept: Vec<_> = (reduced.into_iter())
        .map(|r| Mutex::new(Some(Arc::new(r))))
        .collect();
    let get = |b: usize, last: bool| {
        let mut slot = kept[b].lock().unwrap_or_else(PoisonError::into_inner);
        if last { slot.take() } else { slot.clone() }
    };
    let indices: Vec<usize> = (0..values.len()).collect();
    let dimension = |b: &usize| values[*b].len();
    let states = map_blocks(&indices, small, dimension, |&b| {
        let sector = &table.sectors[b];
        let n = values[b].len();
        let count = if whole(b) { n } else { occupied[b] };
        let Some(r) = get(b, whole(b)).filter(|_| count > 0) else {
            return Ok(Mat::zeros(n, 0));
        };
        let found = or_abandon(control, n > LONG, move || r.vectors(count))?;
        if whole(b) {
            control.tick(work(sector));
        }
        found.map_err(failed(sector))
    });
    let states = states.into_iter().collect::<Result<Vec<_>, Error>>()?;
    let components = map_blocks(&indices, small, dimension, |&b| {
        let sector = &table.sectors[b];
        let Some(r) = get(b, true) else {
            return Ok(Mat::new());
        };
        let images = images(&table, &projected, (&states, &occupied), b, columns[b]);
        let long = images.nrows() > LONG && images.ncols() > 0;
        let found = or_abandon(control, long, move || r.components(images))?;
        control.tick(work(sector));
        found.map_err(failed(sector))
    });
    let components = components.into_iter().collect::<Result<Vec<_>, Error>>()?;
    let blocks = (values.into_iter().zip(states).zip(components))
        .map(|((values, vectors), components)| Block {
            values,
            vectors,
            components,
        })
        .collect();
    Ok(Spectrum {
        model: model.clone(),
        table,
        blocks,
        occupied,
        projected,
        hottest,
        ground,
    })
}

/// Columns of every transition, and the number of columns of every sector.
fn places(table: &Table, occupied: &[usize]) -> (Vec<Projected>, Vec<usize>) {
    let mut columns = vec![0; occupied.len()];
    let place = |t: &Transition| {
        let place = Projected {
            above: columns[t.to],
            below: columns[t.from],
        };
        columns[t.to] += 2 * occupied[t.from];
        columns[t.from] += 2 * occupied[t.to];
        place
    };
    let projected = table.transitions.iter().map(place).collect();
    (projected, columns)
}

/// What the impurity's operators make, in sector `b`, of the occupied states of its neighbours.
fn images(
    table: &Table,
    projected: &[Projected],
    (states, occupied): (&[Mat<f64>], &[usize]),
    b: usize,
    columns: usize,
) -> Mat<f64> {
    let mut images = Mat::zeros(table.sectors[b].occupations.len(), columns);
    for (t, place) in table.transitions.iter().zip(projected) {
        let (at, other, raises) = match (t.to == b, t.from == b) {
            (true, _) => (place.above, t.from, true),
            (_, true) => (place.below, t.to, false),
            _ => continue,
        };
        let states = states[other].as_ref().subcols(0, occupied[other]);
        for (part, list) in [&t.empty, &t.single].into_iter().enumerate() {
            let at = at + part * states.ncols();
            let out = images.as_mut().subcols_mut(at, states.ncols());
            act(list, raises, states, out);
        }
    }
    images
}

fn failed(sector: &Sector) -> impl FnOnce(kadanoff_linalg::Error) -> Error + use<> {
    let (electrons, twice_spin) = (sector.electrons, sector.twice_spin);
    move |source| Error::Eigen {
        electrons,
        twice_spin,
        source,
    }
}

/// Adds elements of the impurity's creation operator on states with N electrons, or of its adjoint
/// on those with N + 1.
fn act(list: &[Creation], raises: bool, states: MatRef<'_, f64>, mut out: MatMut<'_, f64>) {
    for c in list {
        let (from, to) = if raises {
            (c.from, c.to)
        } else {
            (c.to, c.from)
        };
        let source = states.subrows(from, c.count);
        let target = out.rb_mut().subrows_mut(to, c.count);
        faer::zip!(target, source).for_each(|faer::unzip!(x, y)| *x += c.value * *y);
    }
}

/// Lower triangle of H in a sector.
fn hamiltonian(model: &Anderson, sector: &Sector) -> Mat<f64> {
    let n = sector.occupations.len();
    let impurity = 1_u32 << model.e.len();
    let mut h = Mat::zeros(n, n);
    for (i, &(double, single)) in sector.occupations.iter().enumerate() {
        let mut energy = 0.0;
        for (k, e) in model.e.iter().chain([&model.eps]).enumerate() {
            let count = 2 * (double >> k & 1) + (single >> k & 1);
            energy += f64::from(count) * e;
        }
        if double & impurity != 0 {
            energy += model.u;
        }
        h[(i, i)] = energy;
    }
    for hop in &sector.hops {
        let (i, j) = (hop.row as usize, hop.column as usize);
        h[(i.max(j), i.min(j))] += model.v[hop.site as usize] * hop.value;
    }
    h
}

impl Spectrum {
    /// Refuses temperatures for which states are missing.
    pub(crate) fn check(&self, beta: f64) -> Result<(), Error> {
        if beta >= self.hottest {
            return Ok(());
        }
        Err(Error::Argument(format!(
            "beta must be at least {}, for which the states were found, got {beta}",
            self.hottest
        )))
    }

    /// `exp(-beta (E - E_0))` of every level of a block.
    pub(crate) fn boltzmann(&self, block: usize, beta: f64) -> Vec<f64> {
        let values = &self.blocks[block].values;
        values
            .iter()
            .map(|e| (-beta * (e - self.ground)).exp())
            .collect()
    }

    /// `sum (2S + 1) exp(-beta (E - E_0))`.
    pub(crate) fn partition(&self, beta: f64) -> f64 {
        (0..self.blocks.len())
            .map(|b| {
                let spin = self.table.sectors[b].twice_spin;
                (spin + 1) as f64 * self.boltzmann(b, beta).iter().sum::<f64>()
            })
            .sum()
    }

    /// Electrons, twice the spin and the energies (ascending) of every sector.
    ///
    /// ```
    /// use kadanoff_ed::{Anderson, diagonalise};
    /// use kadanoff_runtime::Control;
    ///
    /// // A lone impurity: empty, singly occupied, doubly occupied.
    /// let model = Anderson {
    ///     u: 2.0,
    ///     eps: -0.5,
    ///     e: vec![],
    ///     v: vec![],
    /// };
    /// let spectrum = diagonalise(&model, &Control::new())?;
    /// let levels: Vec<_> = spectrum.sectors().collect();
    /// assert_eq!(spectrum.orbitals(), 1);
    /// assert_eq!(levels, [(0, 0, &[0.0][..]), (1, 1, &[-0.5][..]), (2, 0, &[1.0][..])]);
    /// # Ok::<(), kadanoff_ed::Error>(())
    /// ```
    pub fn sectors(&self) -> impl Iterator<Item = (usize, usize, &[f64])> {
        (self.table.sectors.iter().zip(&self.blocks))
            .map(|(sector, block)| (sector.electrons, sector.twice_spin, &block.values[..]))
    }

    /// Number of orbitals, impurity included.
    pub fn orbitals(&self) -> usize {
        self.model.orbitals()
    }

    /// Averages at inverse temperature `beta`.
    ///
    /// ```
    /// use kadanoff_ed::{Anderson, diagonalise};
    /// use kadanoff_runtime::Control;
    ///
    /// // A lone impurity at half filling: two of its four states have the energy -U/2.
    /// let model = Anderson {
    ///     u: 2.0,
    ///     eps: -1.0,
    ///     e: vec![],
    ///     v: vec![],
    /// };
    /// let averages = diagonalise(&model, &Control::new())?.thermal(3.0)?;
    /// assert!((averages.n - 1.0).abs() < 1e-14);
    /// assert!((averages.log_z - (2.0 + 2.0 * 3.0_f64.exp()).ln()).abs() < 1e-14);
    /// # Ok::<(), kadanoff_ed::Error>(())
    /// ```
    pub fn thermal(&self, beta: f64) -> Result<Thermal, Error> {
        self.check(beta)?;
        let impurity = 1_u32 << self.model.e.len();
        let (mut z, mut n, mut docc) = (0.0, 0.0, 0.0);
        for (b, sector) in self.table.sectors.iter().enumerate() {
            let multiplicity = (sector.twice_spin + 1) as f64;
            for (j, weight) in self.boltzmann(b, beta).into_iter().enumerate() {
                if weight < LIGHTEST {
                    break;
                }
                let vector = self.blocks[b].vectors.col(j);
                let (mut one, mut two) = (0.0, 0.0);
                for (i, &(double, single)) in sector.occupations.iter().enumerate() {
                    let p = vector[i] * vector[i];
                    if double & impurity != 0 {
                        two += p;
                    } else if single & impurity != 0 {
                        one += p;
                    }
                }
                let weight = multiplicity * weight;
                z += weight;
                n += weight * (one + 2.0 * two);
                docc += weight * two;
            }
        }
        Ok(Thermal {
            log_z: z.ln() - beta * self.ground,
            n: n / z,
            docc: docc / z,
        })
    }
}
