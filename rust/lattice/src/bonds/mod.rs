//! Potts and Ising models on any graph, with a coupling for every bond, and their samplers.
//!
//! `H = -sum_b J_b delta(s_i, s_j) - f sum_i [s_i = q - 1]`, s = 0 ... q - 1.
//!
//! Two colours are the Ising model with `J_b / 2` and `f / 2`, of which any sign may be; with
//! more colours clusters need couplings that are not negative. [`Ensemble`] runs independent
//! replicas; replica number `i` draws from a stream that depends on the seed and `i` alone.

mod chain;
mod ensemble;
mod model;
#[cfg(test)]
mod tests;

pub use ensemble::{Ensemble, Measured};
pub use model::{Model, Update};
