//! Which multiplets of a shell are kept.

use crate::Error;

/// How much of a shell survives. All limits that are set apply together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Truncation {
    /// States to keep, counting every member of a multiplet.
    pub states: Option<usize>,
    /// Multiplets to keep.
    pub multiplets: Option<usize>,
    /// Highest energy to keep, in units of the shell's scale.
    pub energy: Option<f64>,
    /// The cut is moved up to the next gap wider than this (units of the shell's scale), so that
    /// no degenerate cluster is torn apart.
    pub gap: f64,
}

impl Truncation {
    /// Refuses limits that keep nothing or everything.
    pub(crate) fn validate(&self) -> Result<(), Error> {
        let fail = |what: &str| Err(Error::Argument(format!("invalid option: {what}")));
        if self.states.is_none() && self.multiplets.is_none() && self.energy.is_none() {
            return fail("truncation needs a number of states, of multiplets or an energy");
        }
        if self.states == Some(0) || self.multiplets == Some(0) {
            return fail("at least one state must be kept");
        }
        if self.energy.is_some_and(|e| e.is_nan() || e <= 0.0) {
            return fail("the energy cutoff must be positive");
        }
        if !(self.gap >= 0.0 && self.gap.is_finite()) {
            return fail("the gap must be finite and not negative");
        }
        Ok(())
    }

    /// The energy up to which states are kept and the gap above it; `None` when all stay.
    ///
    /// `levels` holds (energy, degeneracy) of every multiplet, ascending.
    pub(crate) fn cut(&self, levels: &[(f64, usize)]) -> Option<(f64, f64)> {
        let mut states = 0;
        let mut last = 0;
        for (i, &(energy, degeneracy)) in levels.iter().enumerate() {
            states += degeneracy;
            last = i;
            let full = self.states.is_some_and(|n| states >= n)
                || self.multiplets.is_some_and(|n| i + 1 >= n)
                || self
                    .energy
                    .is_some_and(|e| levels.get(i + 1).is_some_and(|next| next.0 > e));
            let gap = levels.get(i + 1).map_or(f64::INFINITY, |n| n.0 - energy);
            if full && gap > self.gap {
                break;
            }
        }
        let next = levels.get(last + 1)?;
        Some((levels[last].0, next.0 - levels[last].0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Truncation = Truncation {
        states: None,
        multiplets: None,
        energy: None,
        gap: 1e-5,
    };

    #[test]
    fn the_cut_moves_above_a_degenerate_cluster() {
        let levels = [(0.0, 1), (1.0, 3), (1.0 + 1e-9, 3), (2.0, 2), (3.0, 1)];
        let by_states = Truncation {
            states: Some(3),
            ..NONE
        };
        assert_eq!(by_states.cut(&levels).map(|c| c.0), Some(1.0 + 1e-9));
        let by_multiplets = Truncation {
            multiplets: Some(4),
            ..NONE
        };
        assert_eq!(by_multiplets.cut(&levels), Some((2.0, 1.0)));
        let by_energy = Truncation {
            energy: Some(1.0),
            ..NONE
        };
        assert_eq!(by_energy.cut(&levels).map(|c| c.0), Some(1.0 + 1e-9));
    }

    #[test]
    fn nothing_is_cut_when_all_fit() {
        let by_states = Truncation {
            states: Some(100),
            ..NONE
        };
        assert_eq!(by_states.cut(&[(0.0, 1), (1.0, 3)]), None);
    }

    #[test]
    fn a_truncation_that_keeps_nothing_is_refused() {
        assert!(NONE.validate().is_err());
        assert!(
            Truncation {
                states: Some(0),
                ..NONE
            }
            .validate()
            .is_err()
        );
        assert!(
            Truncation {
                energy: Some(f64::NAN),
                ..NONE
            }
            .validate()
            .is_err()
        );
    }
}
