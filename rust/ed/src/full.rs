//! All levels of the impurity problem, and thermal averages at any temperature.

use crate::map_blocks;
use crate::multiplets::{Sector, Table, table};
use crate::{Anderson, Error, MAX_FULL, SMALL};
use faer::Mat;
use kadanoff_linalg::{LONG, Reduced};
use kadanoff_runtime::{Control, or_abandon};
use std::sync::Arc;

/// Levels and states of one (N, S).
#[derive(Debug)]
pub(crate) struct Block {
    /// Energies, ascending.
    pub(crate) values: Vec<f64>,
    /// States as columns, in the basis of `multiplets`.
    pub(crate) vectors: Mat<f64>,
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
/// Cost: about `9 sum n^3` flops over the sectors (N, S): 0.3 ms for four bath sites, 0.2 s for six.
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
/// assert!((spectrum.thermal(10.0).n - 1.0).abs() < 1e-12);
/// # Ok::<(), kadanoff_ed::Error>(())
/// ```
pub fn diagonalise(model: &Anderson, control: &Control) -> Result<Spectrum, Error> {
    model.check(MAX_FULL)?;
    let table = table(model.orbitals());
    let work = |s: &Sector| (s.occupations.len() as u64).pow(3).div_ceil(1000);
    control.add_total(table.sectors.iter().map(work).sum());
    let blocks = map_blocks(
        &table.sectors,
        model.orbitals() <= SMALL,
        |s| s.occupations.len(),
        |sector| {
            control.check()?;
            let failed = |source| Error::Eigen {
                electrons: sector.electrons,
                twice_spin: sector.twice_spin,
                source,
            };
            let h = hamiltonian(model, sector);
            let long = h.nrows() > LONG;
            let reduced = or_abandon(control, long, || Reduced::new(h))?.map_err(failed)?;
            let values = reduced.values().to_vec();
            let n = values.len();
            let vectors = or_abandon(control, long, move || reduced.vectors(n))?.map_err(failed)?;
            control.tick(work(sector));
            Ok(Block { values, vectors })
        },
    )
    .into_iter()
    .collect::<Result<Vec<_>, Error>>()?;
    let ground = blocks
        .iter()
        .map(|b| b.values[0])
        .fold(f64::INFINITY, f64::min);
    Ok(Spectrum {
        model: model.clone(),
        table,
        blocks,
        ground,
    })
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
    /// let averages = diagonalise(&model, &Control::new())?.thermal(3.0);
    /// assert!((averages.n - 1.0).abs() < 1e-14);
    /// assert!((averages.log_z - (2.0 + 2.0 * 3.0_f64.exp()).ln()).abs() < 1e-14);
    /// # Ok::<(), kadanoff_ed::Error>(())
    /// ```
    pub fn thermal(&self, beta: f64) -> Thermal {
        let impurity = 1_u32 << self.model.e.len();
        let (mut z, mut n, mut docc) = (0.0, 0.0, 0.0);
        for (b, sector) in self.table.sectors.iter().enumerate() {
            let multiplicity = (sector.twice_spin + 1) as f64;
            for (j, weight) in self.boltzmann(b, beta).into_iter().enumerate() {
                if weight < 1e-18 {
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
        Thermal {
            log_z: z.ln() - beta * self.ground,
            n: n / z,
            docc: docc / z,
        }
    }
}
