//! The levels of a run: what is left of it for averages, and as bytes where it travels.

use crate::Error;
use crate::iterate::{Run, Timing};
use crate::shell::{Shell, ShellBlock};
use crate::symmetry::Symmetry;
use crate::thermodynamics::{Average, pairs, thermodynamics};
use serde::{Deserialize, Serialize};

/// Every eigenvalue of every shell of a run, with its labels.
///
/// ```
/// use kadanoff_nrg::{
///     Factor, InitialCluster, Levels, Options, Symmetry, Truncation, WilsonChain, solve,
/// };
/// use kadanoff_runtime::Control;
///
/// # let chain = WilsonChain {
/// #     hopping: vec![0.5, 0.3, 0.2],
/// #     onsite: vec![0.0; 4],
/// #     scale: vec![1.0, 0.6, 0.4, 0.25],
/// # };
/// # let options = Options {
/// #     truncation: Truncation {
/// #         states: Some(500),
/// #         multiplets: None,
/// #         energy: None,
/// #         gap: 1e-5,
/// #     },
/// #     memory_limit: None,
/// #     reuse: true,
/// #     basis: None,
/// # };
/// let cluster = InitialCluster::site(Symmetry::single(Factor::U1, Factor::SU2));
/// let (run, outcome) = solve(&cluster, &chain, &options, &Control::new());
/// outcome?;
/// let levels = Levels::new(cluster.symmetry, run);
/// // Four sites of four states each, all of them kept: at high temperature the entropy is 4 ln 4.
/// let hot = levels.averages(&[3], &[1e6], true)?;
/// assert!((hot[0].log_z - 4.0 * 4.0_f64.ln()).abs() < 1e-5);
/// assert!(levels.blocks().all(|block| block.energies[0] >= 0.0));
/// assert_eq!(Levels::from_bytes(&levels.to_bytes())?, levels);
/// # Ok::<(), kadanoff_nrg::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Levels {
    /// The symmetry that the labels belong to.
    pub symmetry: Symmetry,
    /// One entry per chain site, from site 0 on.
    pub shells: Vec<Shell>,
    /// Where the time of the run went.
    pub timing: Timing,
}

impl Levels {
    /// The levels of a run; its eigenvectors are dropped.
    pub fn new(symmetry: Symmetry, run: Run) -> Self {
        Self {
            symmetry,
            shells: run.shells,
            timing: run.timing,
        }
    }

    /// The multiplets of all shells, block by block.
    pub fn blocks(&self) -> impl Iterator<Item = &ShellBlock> {
        self.shells.iter().flat_map(|shell| &shell.blocks)
    }

    /// Thermal averages at pairs of a shell, by its last chain site, and a temperature; see
    /// [`thermodynamics`].
    ///
    /// # Errors
    /// Lists that do not make pairs, a shell that does not exist, a temperature that is not positive.
    pub fn averages(
        &self,
        shells: &[usize],
        temperatures: &[f64],
        complete: bool,
    ) -> Result<Vec<Average>, Error> {
        let (symmetry, own) = (self.symmetry, &self.shells);
        let pairs = pairs(shells, temperatures, own.len())?;
        Ok(pairs
            .flat_map(|(n, t)| thermodynamics(symmetry, own, n, &[t], complete))
            .collect())
    }

    /// As bytes, in the format of [postcard](https://postcard.jamesmunns.com).
    pub fn to_bytes(&self) -> Vec<u8> {
        // Writing to memory does not fail.
        postcard::to_stdvec(self).unwrap_or_default()
    }

    /// The levels that gave these bytes.
    ///
    /// # Errors
    /// Bytes of something else, or lists whose lengths contradict each other.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let damaged = || Error::Argument("these bytes are no levels of a run".into());
        let (levels, rest): (Self, _) = postcard::take_from_bytes(bytes).map_err(|_| damaged())?;
        let operators = levels.blocks().next().map_or(0, |b| b.expectations.len());
        let fits = |b: &ShellBlock| {
            b.kept <= b.energies.len()
                && b.expectations.len() == operators
                && b.expectations.iter().all(|x| x.len() == b.energies.len())
        };
        let numbered = levels.shells.iter().enumerate().all(|(n, s)| s.site == n);
        if !rest.is_empty() || !numbered || !levels.blocks().all(fits) {
            return Err(damaged());
        }
        Ok(levels)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::Factor;

    fn levels() -> Levels {
        let block = |label: i16, energies: &[f64]| ShellBlock {
            label: [label, 0, 0, 0],
            energies: energies.to_vec(),
            kept: 1,
            expectations: vec![vec![0.5; energies.len()]],
        };
        Levels {
            symmetry: Symmetry::single(Factor::U1, Factor::SU2),
            shells: vec![Shell {
                site: 0,
                scale: 1.0,
                ground: -0.3,
                cut: Some((1.0, 0.1)),
                blocks: vec![block(-1, &[0.0, 0.7]), block(1, &[0.2])],
            }],
            timing: Timing::default(),
        }
    }

    #[test]
    fn bytes_bring_every_bit_back() {
        let levels = levels();
        assert_eq!(Levels::from_bytes(&levels.to_bytes()), Ok(levels));
    }

    #[test]
    fn other_bytes_are_refused() {
        let good = levels().to_bytes();
        assert!(Levels::from_bytes(b"").is_err());
        assert!(Levels::from_bytes(&good[..good.len() - 1]).is_err());
        assert!(Levels::from_bytes(&[&good[..], &[0]].concat()).is_err());
        for change in [
            |l: &mut Levels| l.shells[0].blocks[0].kept = 9,
            |l: &mut Levels| l.shells[0].blocks[0].expectations[0].truncate(1),
            |l: &mut Levels| l.shells[0].blocks[1].expectations.clear(),
            |l: &mut Levels| l.shells[0].site = 3,
        ] {
            let mut wrong = levels();
            change(&mut wrong);
            assert!(Levels::from_bytes(&wrong.to_bytes()).is_err());
        }
    }
}
