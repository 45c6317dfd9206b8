//! Operators of spectral functions, and which pairs of them are wanted.

use crate::symmetry::{Label, Symmetry};
use crate::{Bins, Error, Run};
use faer::Mat;
use std::collections::HashMap;

/// An irreducible tensor operator in the multiplet basis of a shell.
#[derive(Debug, Clone)]
pub struct Tensor {
    /// For a U(1) factor the charge it adds, for SU(2) twice its rank.
    pub rank: Label,
    /// (bra, ket) -> reduced matrix elements.
    pub elements: HashMap<(usize, usize), Mat<f64>>,
}

impl Tensor {
    /// One without elements.
    pub(crate) fn empty(rank: Label) -> Self {
        Self {
            rank,
            elements: HashMap::new(),
        }
    }
}

/// A pair of operators (indices) whose spectral function is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// Index of B.
    pub b: usize,
    /// Index of C; it must have the rank of B.
    pub c: usize,
    /// Whether they are fermionic (anticommutator) or bosonic (commutator).
    pub fermionic: bool,
}

/// Refuses what does not belong to the run.
pub(crate) fn check(
    symmetry: Symmetry,
    run: &Run,
    tensors: &[Tensor],
    pairs: &[Pair],
    bins: &Bins,
) -> Result<(), Error> {
    let fail = |what: &str| Err(Error::Argument(format!("invalid option: {what}")));
    if run.basis.len() + 1 != run.shells.len() {
        return fail("the run did not keep its basis");
    }
    if !(bins.lowest > 0.0 && bins.per_decade > 0.0 && bins.count > 0) {
        return fail("bins must be positive in number and width");
    }
    for p in pairs {
        if p.b >= tensors.len() || p.c >= tensors.len() || tensors[p.b].rank != tensors[p.c].rank {
            return fail("a pair names an operator that is missing or of another rank");
        }
    }
    let cluster = &run.shells[0].blocks;
    for t in tensors {
        for ((i, j), m) in &t.elements {
            let fits = *i < cluster.len()
                && *j < cluster.len()
                && m.nrows() == cluster[*i].energies.len()
                && m.ncols() == cluster[*j].energies.len()
                && symmetry.raises(&cluster[*i].label, &t.rank, &cluster[*j].label);
            if !fits {
                return fail("an operator has a block of the wrong shape or charge");
            }
        }
    }
    Ok(())
}
