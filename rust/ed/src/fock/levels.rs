//! All levels of a Hamiltonian, and thermal averages.

use super::space::Sparse;
use super::{Operator, Space};
use crate::{Error, map_blocks};
use faer::Mat;
use kadanoff_linalg::{LONG, Reduced};
use kadanoff_runtime::{Control, or_abandon};

/// Boltzmann weight below which a state adds nothing, relative to the ground state.
const RARE: f64 = 1e-18;
/// States of a space up to which one thread is enough.
pub(super) const SMALL: usize = 1 << 10;

/// Levels and states of a block.
#[derive(Debug)]
pub(super) struct Part {
    /// Energies, ascending.
    pub values: Vec<f64>,
    /// States as columns.
    pub vectors: Mat<f64>,
}

/// The whole spectrum of a Hamiltonian.
#[derive(Debug)]
pub struct Levels {
    pub(super) space: Space,
    pub(super) parts: Vec<Part>,
    /// Energy of the ground state.
    pub ground: f64,
}

impl Levels {
    /// Diagonalises every block.
    ///
    /// Cost: about `9 sum n^3` operations over the blocks; memory: `8 sum n^2` bytes.
    ///
    /// ```
    /// use kadanoff_ed::fock::{Levels, Operator, Product, Space};
    /// use kadanoff_runtime::Control;
    ///
    /// // A hopping between two levels: electrons at -1 and 1.
    /// let hop = |p: u16, q: u16| Product { value: 1.0, factors: vec![2 * p + 1, 2 * q] };
    /// let h = Operator(vec![hop(0, 1), hop(1, 0), hop(2, 3), hop(3, 2)]);
    /// let levels = Levels::new(Space::new(2, h, true)?, &Control::new())?;
    /// assert!((levels.ground + 2.0).abs() < 1e-14);
    /// # Ok::<(), kadanoff_ed::Error>(())
    /// ```
    pub fn new(space: Space, control: &Control) -> Result<Self, Error> {
        let size = |b: usize| space.blocks[b].dimension;
        let numbers: Vec<usize> = (0..space.blocks.len()).collect();
        let work = |b: usize| (size(b) as u64).pow(3).div_ceil(1000);
        control.add_total(numbers.iter().map(|&b| work(b)).sum());
        let small = numbers.iter().map(|&b| size(b)).sum::<usize>() <= SMALL;
        let parts = map_blocks(
            &numbers,
            small,
            |&b| size(b),
            |&b| {
                control.check()?;
                let block = &space.blocks[b];
                let failed = |source| Error::Eigen {
                    electrons: block.electrons,
                    twice_spin: block.twice_spin,
                    source,
                };
                let h = dense(&space.of_block(b)?, block.dimension);
                let long = h.nrows() > LONG;
                let reduced = or_abandon(control, long, || Reduced::new(h))?.map_err(failed)?;
                let values = reduced.values().to_vec();
                let n = values.len();
                let vectors =
                    or_abandon(control, long, move || reduced.vectors(n))?.map_err(failed)?;
                control.tick(work(b));
                Ok(Part { values, vectors })
            },
        )
        .into_iter()
        .collect::<Result<Vec<_>, Error>>()?;
        let lowest = parts.iter().map(|p: &Part| p.values[0]);
        let ground = lowest.fold(f64::INFINITY, f64::min);
        Ok(Self {
            space,
            parts,
            ground,
        })
    }

    /// `exp(-beta (E - E_0))` of every level of a block.
    pub(super) fn boltzmann(&self, block: usize, beta: f64) -> Vec<f64> {
        let values = self.parts[block].values.iter();
        values.map(|e| (-beta * (e - self.ground)).exp()).collect()
    }

    pub(super) fn multiplicity(&self, block: usize) -> f64 {
        (self.space.blocks[block].twice_spin + 1) as f64
    }

    /// `sum (2S + 1) exp(-beta (E - E_0))`.
    pub(super) fn partition(&self, beta: f64) -> f64 {
        (0..self.parts.len())
            .map(|b| self.multiplicity(b) * self.boltzmann(b, beta).iter().sum::<f64>())
            .sum()
    }

    /// Number of orbitals.
    pub(super) fn orbitals(&self) -> usize {
        self.space.orbitals()
    }

    /// Number of states kept, all blocks together.
    ///
    /// ```
    /// # use kadanoff_ed::fock::{Levels, Operator, Space};
    /// # use kadanoff_runtime::Control;
    /// let space = Space::new(1, Operator::default(), true)?;
    /// assert_eq!(Levels::new(space, &Control::new())?.states(), 3);
    /// # Ok::<(), kadanoff_ed::Error>(())
    /// ```
    pub fn states(&self) -> usize {
        self.parts.iter().map(|p| p.values.len()).sum()
    }

    /// Energies with their multiplicities, block by block.
    ///
    /// ```
    /// # use kadanoff_ed::fock::{Levels, Operator, Space};
    /// # use kadanoff_runtime::Control;
    /// let space = Space::new(1, Operator::default(), true)?;
    /// let levels = Levels::new(space, &Control::new())?;
    /// let all: Vec<_> = levels.energies().collect();
    /// assert_eq!(all, [(1, &[0.0][..]), (2, &[0.0][..]), (1, &[0.0][..])]);
    /// # Ok::<(), kadanoff_ed::Error>(())
    /// ```
    pub fn energies(&self) -> impl Iterator<Item = (usize, &[f64])> {
        let blocks = self.space.blocks.iter().zip(&self.parts);
        blocks.map(|(block, part)| (block.twice_spin + 1, &part.values[..]))
    }

    /// `ln Tr exp(-beta H)` and the averages of some operators, scalars of the spin.
    ///
    /// ```
    /// # use kadanoff_ed::fock::{Levels, Operator, Product, Space};
    /// # use kadanoff_runtime::Control;
    /// let occupied = |p: u16| Product { value: 1.0, factors: vec![2 * p + 1, 2 * p] };
    /// let n = Operator(vec![occupied(0), occupied(1)]);
    /// let levels = Levels::new(Space::new(1, n.clone(), true)?, &Control::new())?;
    /// let (log_z, averages) = levels.thermal(2.0, &[n])?;
    /// assert!((log_z - 2.0 * (1.0 + (-2.0_f64).exp()).ln()).abs() < 1e-14);
    /// assert!((averages[0] - 2.0 / (1.0 + 2.0_f64.exp())).abs() < 1e-14);
    /// # Ok::<(), kadanoff_ed::Error>(())
    /// ```
    pub fn thermal(&self, beta: f64, operators: &[Operator]) -> Result<(f64, Vec<f64>), Error> {
        for operator in operators {
            operator.check(self.orbitals())?;
        }
        let z = self.partition(beta);
        let mut sums = vec![0.0; operators.len()];
        for (b, part) in self.parts.iter().enumerate() {
            let weights = self.boltzmann(b, beta);
            let occupied = weights.partition_point(|&w| w > RARE);
            if occupied == 0 {
                continue;
            }
            for (sum, operator) in sums.iter_mut().zip(operators) {
                let matrix = self.space.project(operator, b, b);
                for (c, weight) in weights[..occupied].iter().enumerate() {
                    let state = part.vectors.col(c);
                    let mut value = 0.0;
                    for j in 0..state.nrows() {
                        let row = matrix.column(j).iter();
                        let image: f64 = row.map(|&(i, x)| x * state[i as usize]).sum();
                        value += state[j] * image;
                    }
                    *sum += self.multiplicity(b) * weight * value;
                }
            }
        }
        let averages = sums.into_iter().map(|x| x / z).collect();
        Ok((z.ln() - beta * self.ground, averages))
    }
}

/// The whole of a symmetric matrix.
pub(super) fn dense(sparse: &Sparse, n: usize) -> Mat<f64> {
    let mut out = Mat::zeros(n, n);
    for j in 0..n {
        for &(i, value) in sparse.column(j) {
            out[(i as usize, j)] += value;
        }
    }
    out
}
