//! The blocks of a Hamiltonian, and operators between them.

use super::{MAX_ORBITALS, Operator};
use crate::Error;
use crate::coupling::{SpinFunctions, determinant, pattern_of};
use std::collections::BTreeSet;

/// Residual, relative to the norm of H, above which H is not invariant under rotations.
const ROUNDING: f64 = 1e-10;
const NONE: u32 = u32::MAX;

/// The basis functions of one configuration (or of one determinant).
#[derive(Debug, Clone)]
struct Group {
    /// Doubly occupied orbitals, or all modes of a determinant.
    double: u64,
    /// Singly occupied orbitals.
    single: u64,
    /// First basis function.
    first: usize,
}

/// A set of states that H leaves among themselves.
#[derive(Debug, Clone)]
pub(super) struct Block {
    /// Twice the spin, zero where it is not used.
    pub twice_spin: usize,
    /// Number of states.
    pub dimension: usize,
    /// Number of electrons of the first state, for messages.
    pub electrons: usize,
    groups: Vec<Group>,
    /// Group of each member of the component.
    group_of: Vec<u32>,
}

/// The states of some orbitals, in the blocks of a Hamiltonian.
#[derive(Debug)]
pub struct Space {
    orbitals: usize,
    rotations: bool,
    pub(super) hamiltonian: Operator,
    pub(super) blocks: Vec<Block>,
    /// Component of every configuration or determinant, and its place in it.
    component: Vec<(u32, u32)>,
    /// Block of (component, twice the spin).
    block_of: Vec<Vec<u32>>,
    /// `3^i` summed over the bits of a set.
    ternary: Vec<u32>,
    /// Spin functions of k single electrons, by k and twice the spin.
    functions: Vec<Vec<Option<SpinFunctions>>>,
}

/// A sparse matrix, by columns.
#[derive(Debug, Clone, Default)]
pub(super) struct Sparse {
    /// Where every column begins, and the end.
    starts: Vec<usize>,
    entries: Vec<(u32, f64)>,
    /// Norm squared of what the target block does not hold.
    pub lost: f64,
}

impl Sparse {
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Number of columns.
    pub(super) fn columns(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    pub(super) fn column(&self, j: usize) -> &[(u32, f64)] {
        &self.entries[self.starts[j]..self.starts[j + 1]]
    }

    /// Rows with an entry, ascending.
    pub(super) fn rows(&self) -> Vec<u32> {
        let mut rows: Vec<u32> = self.entries.iter().map(|e| e.0).collect();
        rows.sort_unstable();
        rows.dedup();
        rows
    }

    fn norm2(&self) -> f64 {
        self.entries.iter().map(|e| e.1 * e.1).sum()
    }
}

/// Smallest member of the set of i, with shorter paths afterwards.
fn root(parent: &mut [u32], mut i: u32) -> u32 {
    while parent[i as usize] != i {
        parent[i as usize] = parent[parent[i as usize] as usize];
        i = parent[i as usize];
    }
    i
}

impl Space {
    /// Divides the states of some orbitals into the blocks of a Hamiltonian; `rotations` says that it
    /// is invariant under rotations of the spin, which is checked when it is diagonalised.
    ///
    /// ```
    /// use kadanoff_ed::fock::{Operator, Product, Space};
    ///
    /// // A level with a repulsion: n_up n_dn.
    /// let product = Product { value: 2.0, factors: vec![1, 0, 3, 2] };
    /// let space = Space::new(1, Operator(vec![product]), true)?;
    /// // Empty, single and double occupation.
    /// assert_eq!(space.dimensions(), [1, 1, 1]);
    /// # Ok::<(), kadanoff_ed::Error>(())
    /// ```
    pub fn new(orbitals: usize, hamiltonian: Operator, rotations: bool) -> Result<Self, Error> {
        if orbitals == 0 || orbitals > MAX_ORBITALS {
            return Err(Error::Argument(format!(
                "1 to {MAX_ORBITALS} orbitals, bath included, are possible here, got {orbitals}"
            )));
        }
        hamiltonian.check(orbitals)?;
        let mut ternary = vec![0; 1 << orbitals];
        for bits in 1..1_usize << orbitals {
            let low = bits.trailing_zeros();
            ternary[bits] = ternary[bits & (bits - 1)] + 3_u32.pow(low);
        }
        let functions = if rotations {
            (0..=orbitals)
                .map(|k| {
                    let of = |s: usize| (s + k).is_multiple_of(2).then(|| SpinFunctions::new(k, s));
                    (0..=k).map(of).collect()
                })
                .collect()
        } else {
            Vec::new()
        };
        let mut space = Self {
            orbitals,
            rotations,
            hamiltonian,
            blocks: Vec::new(),
            component: Vec::new(),
            block_of: Vec::new(),
            ternary,
            functions,
        };
        space.connect();
        Ok(space)
    }

    /// Number of states of every block.
    ///
    /// ```
    /// use kadanoff_ed::fock::{Operator, Space};
    ///
    /// // Without a Hamiltonian every state is a block of its own.
    /// assert_eq!(Space::new(1, Operator::default(), false)?.dimensions(), [1; 4]);
    /// # Ok::<(), kadanoff_ed::Error>(())
    /// ```
    pub fn dimensions(&self) -> Vec<usize> {
        self.blocks.iter().map(|b| b.dimension).collect()
    }

    /// Number of orbitals.
    pub(super) fn orbitals(&self) -> usize {
        self.orbitals
    }

    fn spins(&self, state: u64) -> (u64, u64) {
        (state & ((1 << self.orbitals) - 1), state >> self.orbitals)
    }

    /// The number of a configuration, or of a determinant.
    fn key(&self, state: u64) -> usize {
        if !self.rotations {
            return state as usize;
        }
        let (up, down) = self.spins(state);
        let (double, single) = ((up & down) as usize, (up ^ down) as usize);
        (self.ternary[single] + 2 * self.ternary[double]) as usize
    }

    /// Components and blocks.
    fn connect(&mut self) {
        let states = 1_u64 << (2 * self.orbitals);
        let keys = if self.rotations {
            3_usize.pow(self.orbitals as u32)
        } else {
            states as usize
        };
        let mut parent: Vec<u32> = (0..keys as u32).collect();
        for state in 0..states {
            let from = self.key(state) as u32;
            for (image, _) in self.hamiltonian.images(state) {
                let to = self.key(image) as u32;
                let (a, b) = (root(&mut parent, from), root(&mut parent, to));
                parent[a.max(b) as usize] = a.min(b);
            }
        }
        let mut number = vec![NONE; keys];
        let mut members: Vec<Vec<(u64, u64)>> = Vec::new();
        self.component = vec![(NONE, 0); keys];
        for state in 0..states {
            let key = self.key(state);
            if self.component[key].0 != NONE {
                continue;
            }
            let root = root(&mut parent, key as u32) as usize;
            if number[root] == NONE {
                number[root] = members.len() as u32;
                members.push(Vec::new());
            }
            let list = &mut members[number[root] as usize];
            self.component[key] = (number[root], list.len() as u32);
            let (up, down) = self.spins(state);
            list.push(if self.rotations {
                (up & down, up ^ down)
            } else {
                (state, 0)
            });
        }
        for list in &members {
            let of = self.blocks_of(list);
            let mut numbers = Vec::new();
            for block in of {
                numbers.push(if block.dimension > 0 {
                    self.blocks.push(block);
                    self.blocks.len() as u32 - 1
                } else {
                    NONE
                });
            }
            self.block_of.push(numbers);
        }
    }

    /// The blocks of a component by twice the spin.
    fn blocks_of(&self, members: &[(u64, u64)]) -> Vec<Block> {
        let electrons = |(double, single): (u64, u64)| {
            if self.rotations {
                2 * double.count_ones() + single.count_ones()
            } else {
                double.count_ones()
            }
        };
        let most = if self.rotations { self.orbitals } else { 0 };
        (0..=most)
            .map(|twice_spin| {
                let mut block = Block {
                    twice_spin,
                    dimension: 0,
                    electrons: electrons(members[0]) as usize,
                    groups: Vec::new(),
                    group_of: vec![NONE; members.len()],
                };
                for (place, &(double, single)) in members.iter().enumerate() {
                    let count = self.paths(single, twice_spin);
                    if count == 0 {
                        continue;
                    }
                    block.group_of[place] = block.groups.len() as u32;
                    block.groups.push(Group {
                        double,
                        single,
                        first: block.dimension,
                    });
                    block.dimension += count;
                }
                block
            })
            .collect()
    }

    fn spin_functions(&self, single: u64, twice_spin: usize) -> Option<&SpinFunctions> {
        let of_k = self.functions.get(single.count_ones() as usize)?;
        of_k.get(twice_spin)?.as_ref()
    }

    /// Number of basis functions of a configuration.
    fn paths(&self, single: u64, twice_spin: usize) -> usize {
        if !self.rotations {
            return 1;
        }
        self.spin_functions(single, twice_spin)
            .map_or(0, |f| f.paths.len())
    }

    /// Every determinant of a group with its sign and its place.
    fn determinants(&self, block: &Block, group: &Group) -> Vec<(u64, f64)> {
        match self.spin_functions(group.single, block.twice_spin) {
            None => vec![(group.double, 1.0)],
            Some(functions) => functions
                .patterns
                .iter()
                .map(|&pattern| {
                    let (up, down, sign) =
                        determinant(group.double as u32, group.single as u32, pattern);
                    (u64::from(up) | u64::from(down) << self.orbitals, sign)
                })
                .collect(),
        }
    }

    /// Group, place in the group and sign of a determinant in a block.
    fn locate(&self, number: usize, state: u64) -> Option<(u32, u32, f64)> {
        let (component, place) = self.component[self.key(state)];
        let block = &self.blocks[number];
        let of_spin = &self.block_of[component as usize];
        if of_spin.get(block.twice_spin) != Some(&(number as u32)) {
            return None;
        }
        let group = block.group_of[place as usize];
        if group == NONE {
            return None;
        }
        if !self.rotations {
            return Some((group, 0, 1.0));
        }
        let (up, down) = self.spins(state);
        let single = up ^ down;
        let functions = self.spin_functions(single, block.twice_spin)?;
        let pattern = pattern_of(single as u32, up as u32);
        let position = functions.position[pattern as usize];
        if position == NONE {
            return None;
        }
        let (_, _, sign) = determinant((up & down) as u32, single as u32, pattern);
        Some((group, position, sign))
    }

    /// Blocks of a spin that an operator leads to from a block.
    pub(super) fn targets(
        &self,
        operator: &Operator,
        from: usize,
        twice_spin: usize,
    ) -> Vec<usize> {
        let block = &self.blocks[from];
        let mut components = BTreeSet::new();
        for group in &block.groups {
            for (state, _) in self.determinants(block, group) {
                for (image, _) in operator.images(state) {
                    components.insert(self.component[self.key(image)].0);
                }
            }
        }
        components
            .into_iter()
            .filter_map(|c| self.block_of[c as usize].get(twice_spin).copied())
            .filter(|&b| b != NONE)
            .map(|b| b as usize)
            .collect()
    }

    /// The matrix of an operator from one block to another one.
    pub(super) fn project(&self, operator: &Operator, from: usize, to: usize) -> Sparse {
        let (source, target) = (&self.blocks[from], &self.blocks[to]);
        let mut found = Sparse {
            starts: vec![0],
            ..Sparse::default()
        };
        // (group, place there, place here, amplitude)
        let mut images: Vec<(u32, u32, u32, f64)> = Vec::new();
        for group in &source.groups {
            images.clear();
            let states = self.determinants(source, group);
            for (place, &(state, sign)) in states.iter().enumerate() {
                for (image, value) in operator.images(state) {
                    match self.locate(to, image) {
                        Some((g, p, s)) => images.push((g, p, place as u32, sign * s * value)),
                        None => found.lost += value * value,
                    }
                }
            }
            images.sort_unstable_by_key(|&(g, p, here, _)| (g, p, here));
            let count = self.paths(group.single, source.twice_spin);
            let mut columns: Vec<Vec<(u32, f64)>> = vec![Vec::new(); count];
            for run in images.chunk_by(|a, b| a.0 == b.0) {
                let there = &target.groups[run[0].0 as usize];
                let own = self.spin_functions(group.single, source.twice_spin);
                let others = self.spin_functions(there.single, target.twice_spin);
                for (j, column) in columns.iter_mut().enumerate() {
                    let coefficient = |i: u32| own.map_or(1.0, |f| f.paths[j][i as usize]);
                    // The image in determinants, then in spin functions.
                    let image: Vec<(u32, f64)> = run
                        .chunk_by(|a, b| a.1 == b.1)
                        .map(|same| {
                            let sum = same.iter().map(|x| x.3 * coefficient(x.2)).sum();
                            (same[0].1, sum)
                        })
                        .collect();
                    let Some(others) = others else {
                        column.push((there.first as u32, image[0].1));
                        continue;
                    };
                    let mut rest = vec![0.0; others.patterns.len()];
                    image.iter().for_each(|&(p, x)| rest[p as usize] = x);
                    for (i, path) in others.paths.iter().enumerate() {
                        let value: f64 = image.iter().map(|&(p, x)| x * path[p as usize]).sum();
                        if value != 0.0 {
                            column.push(((there.first + i) as u32, value));
                        }
                        let parts = rest.iter_mut().zip(path);
                        parts.for_each(|(rest, f)| *rest -= value * f);
                    }
                    found.lost += rest.iter().map(|x| x * x).sum::<f64>();
                }
            }
            for column in columns {
                found.entries.extend(column);
                found.starts.push(found.entries.len());
            }
        }
        found
    }

    /// H in a block; refused if it leads out of it.
    pub(super) fn of_block(&self, block: usize) -> Result<Sparse, Error> {
        let h = self.project(&self.hamiltonian, block, block);
        if h.lost.sqrt() > ROUNDING * h.norm2().sqrt().max(1.0) {
            return Err(Error::Argument(
                "the Hamiltonian is not invariant under rotations of the spin".into(),
            ));
        }
        Ok(h)
    }
}
