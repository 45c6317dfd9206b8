//! Total spins of degenerate levels, so that one member of each multiplet is enough.
//!
//! Every multiplet has one member in the sector with the smallest `|S_z|`. Averages over both spins
//! are scalars under rotations: they are the same for all members.

use super::krylov::{Level, combined, dot, length, normalise};
use super::sector::Sector;
use super::{DEGENERATE, Numbers, Occupied};
use crate::Error;
use faer::Mat;
use kadanoff_linalg::Reduced;

/// Largest difference between a state and its image under exchange of the spins, up to a sign.
const EVEN: f64 = 1e-9;

/// The levels of a sector as members of multiplets. Degenerate ones are turned to states of one
/// total spin each.
pub(super) fn multiplets(
    sector: &Sector<'_>,
    raised: &Sector<'_>,
    pair: Numbers,
    levels: Vec<Level>,
) -> Result<Vec<Occupied>, Error> {
    let mut out = Vec::new();
    let mut rest = levels.into_iter().peekable();
    while let Some(first) = rest.next() {
        let mut group = vec![first];
        while let (Some(last), Some(next)) = (group.last(), rest.peek())
            && next.energy - last.energy < DEGENERATE * last.energy.abs().max(1.0)
        {
            group.extend(rest.next());
        }
        out.extend(of_one_spin(sector, raised, pair, group)?);
    }
    Ok(out)
}

/// Degenerate levels, turned so that `S^2` is diagonal.
fn of_one_spin(
    sector: &Sector<'_>,
    raised: &Sector<'_>,
    pair: Numbers,
    group: Vec<Level>,
) -> Result<Vec<Occupied>, Error> {
    let images: Vec<Vec<f64>> = group
        .iter()
        .map(|level| raise(sector, raised, &level.state))
        .collect();
    // <S_- S_+> = S (S + 1) - S_z (S_z + 1)
    let gram = Mat::from_fn(group.len(), group.len(), |i, j| dot(&images[i], &images[j]));
    let failed = |source| Error::Eigen {
        electrons: pair.0 + pair.1,
        twice_spin: pair.0 - pair.1,
        source,
    };
    let reduced = Reduced::new(gram).map_err(failed)?;
    let squares = reduced.values().to_vec();
    let turns = reduced.vectors(group.len()).map_err(failed)?;
    let states: Vec<Vec<f64>> = group.iter().map(|level| level.state.clone()).collect();
    let z = 0.5 * (pair.0 - pair.1) as f64;
    let members = squares.iter().enumerate().map(|(j, square)| {
        let mut state = combined(&states, |i| turns[(i, j)]);
        let norm = length(&state);
        normalise(&mut state, norm);
        let parts = group.iter().enumerate();
        let energy = parts.map(|(i, l)| turns[(i, j)].powi(2) * l.energy).sum();
        let multiplicity = (1.0 + 4.0 * (square + z * (z + 1.0)))
            .max(1.0)
            .sqrt()
            .round();
        Occupied {
            pair,
            even: pair.0 == pair.1 && is_even(&state, sector.down.masks.len()),
            level: Level { energy, state },
            multiplicity: multiplicity as usize,
        }
    });
    Ok(members.collect())
}

/// Whether the exchange of up and down spins leaves the state as it is, up to a sign.
fn is_even(state: &[f64], width: usize) -> bool {
    let differs = |sign: f64| {
        let exchanged = |i: usize| state[(i % width) * width + i / width];
        (state.iter().enumerate()).any(|(i, x)| (x - sign * exchanged(i)).abs() > EVEN)
    };
    !differs(1.0) || !differs(-1.0)
}

/// `S_+` on a state: one electron's spin is turned up, in each orbital by turns.
fn raise(from: &Sector<'_>, to: &Sector<'_>, state: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; to.up.masks.len() * to.down.masks.len()];
    let (width, new_width) = (from.down.masks.len(), to.down.masks.len());
    let mut bit = 1_u32;
    while bit <= from.impurity {
        let turned = |masks: &[u32], others: &[u32], full: bool| -> Vec<(usize, usize, f64)> {
            let there = masks.iter().enumerate();
            there
                .filter(|(_, mask)| (*mask & bit != 0) == full)
                .filter_map(|(i, mask)| {
                    let before = (mask & (bit - 1)).count_ones();
                    let sign = if before.is_multiple_of(2) { 1.0 } else { -1.0 };
                    let j = others.binary_search(&(mask ^ bit)).ok()?;
                    Some((i, j, sign))
                })
                .collect()
        };
        let ups = turned(&from.up.masks, &to.up.masks, false);
        let downs = turned(&from.down.masks, &to.down.masks, true);
        for &(i, j, up) in &ups {
            for &(k, l, down) in &downs {
                out[j * new_width + l] += up * down * state[i * width + k];
            }
        }
        bit <<= 1;
    }
    out
}
