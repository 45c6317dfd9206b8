//! Any Hamiltonian of a few orbitals with spin, given by its products of ladder operators.
//!
//! `H = sum_t v_t prod_f f`, each factor `c_p^+` or `c_p`; mode `p = i` is orbital i with spin up,
//! `p = L + i` the same with spin down, and states are `prod_(p ascending) c_p^+ |0>`. So one matrix
//! of hoppings and any interaction `U_abcd` are one list. Its conserved quantities need not be named:
//! the blocks are the sets of states that its terms connect, which finds the number of electrons of
//! every orbital and spin, or the parities of orbitals, where these are conserved.
//!
//! Where H is invariant under rotations of the spin, sets of configurations (doubly and singly
//! occupied orbitals) are connected instead, and every set is divided by the total spin: only states
//! of maximal `S_z` are kept, coupled genealogically as in `multiplets`. That H leaves them among
//! themselves is checked block by block. Operators are then tensors of spin 0, 1/2 or 1.
//!
//! | module | what it does |
//! |---|---|
//! | `space` | blocks, and operators as sparse matrices between them |
//! | `levels` | all levels and states, thermal averages |
//! | `lowest` | the occupied levels alone, and Green functions from them |
//! | `response` | Green functions and static susceptibilities of any tensors |

mod levels;
mod lowest;
mod response;
mod space;
#[cfg(test)]
mod tests;

pub use levels::Levels;
pub use lowest::{Lowest, Options};
pub use response::{Channel, Found};
pub use space::Space;

/// Most orbitals of a space: 4^10 states are divided into blocks in seconds.
pub const MAX_ORBITALS: usize = 10;

/// A number times a product of ladder operators, of which the last acts first.
#[derive(Debug, Clone, PartialEq)]
pub struct Product {
    /// The number.
    pub value: f64,
    /// `2 p + 1` for the creation operator of mode p, `2 p` for that of annihilation.
    pub factors: Vec<u16>,
}

/// A sum of products of ladder operators.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Operator(pub Vec<Product>);

impl Product {
    /// The image of a determinant, and its sign.
    #[inline]
    fn apply(&self, mut state: u64) -> Option<(u64, f64)> {
        let mut odd = false;
        for &factor in self.factors.iter().rev() {
            let bit = 1_u64 << (factor >> 1);
            if (state & bit != 0) == (factor & 1 == 1) {
                return None;
            }
            odd ^= (state & (bit - 1)).count_ones() % 2 == 1;
            state ^= bit;
        }
        Some((state, if odd { -self.value } else { self.value }))
    }
}

impl Operator {
    /// Every image of a determinant with its amplitude; images may repeat.
    #[inline]
    fn images(&self, state: u64) -> impl Iterator<Item = (u64, f64)> {
        self.0
            .iter()
            .filter_map(move |product| product.apply(state))
    }

    /// Refuses numbers that are not finite and modes beyond the last.
    fn check(&self, orbitals: usize) -> Result<(), crate::Error> {
        for product in &self.0 {
            if !product.value.is_finite() {
                return Err(crate::Error::Argument("terms must be finite".into()));
            }
            if product
                .factors
                .iter()
                .any(|&f| usize::from(f) >= 4 * orbitals)
            {
                return Err(crate::Error::Argument(format!(
                    "modes of {orbitals} orbitals are 0 to {}",
                    2 * orbitals - 1
                )));
            }
        }
        Ok(())
    }
}

/// A tensor of the spin: its components that change `S_z` by the rank, by nothing, and by minus the
/// rank, normalised as `T_k`, `T_0` and `T_-k`. Without rotational invariance the first one stands for
/// the whole operator.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tensor {
    /// Twice the rank: 0, 1 or 2.
    pub twice_rank: usize,
    /// Component of the highest `S_z`.
    pub raising: Operator,
    /// Component that keeps `S_z`; not used for rank 1/2.
    pub neutral: Operator,
    /// Component of the lowest `S_z`.
    pub lowering: Operator,
}

impl Tensor {
    /// The component that leads from maximal `S_z` of one spin to that of another one (both doubled),
    /// and `sum_(M M') |<S' M'| T_q |S M>|^2` of any component over the square of that element.
    fn component(&self, from: usize, to: usize) -> Option<(&Operator, f64)> {
        let k = self.twice_rank;
        if k == 0 {
            return (from == to).then_some((&self.raising, (from + 1) as f64));
        }
        let share = (to + 1) as f64 / (k + 1) as f64;
        if to == from + k {
            Some((&self.raising, share))
        } else if to + k == from {
            // Clebsch-Gordan coefficient of the lowest component: (2 S' + 1) / (2 S + 1)
            Some((&self.lowering, share * (from + 1) as f64 / (to + 1) as f64))
        } else if to == from && k == 2 && from > 0 {
            let s = 0.5 * from as f64;
            Some((&self.neutral, share * (s + 1.0) / s))
        } else {
            None
        }
    }
}
