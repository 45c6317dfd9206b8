//! Lowest levels of a sector and resolvents of its states, by the Lanczos recursion.

use super::sector::Sector;
use crate::Error;
use faer::Mat;
use kadanoff_linalg::Reduced;
use kadanoff_runtime::Control;
use kadanoff_runtime::simd::{self, Instructions, Kernel, dispatch};

/// Steps after which a search for levels is given up.
const MAX_STEPS: usize = 600;
/// Residual of a level that counts as found, relative to the width of the spectrum.
const CONVERGED: f64 = 1e-11;

/// Takes from `y` what it shares with each of the vectors.
pub(super) struct Clean<'a> {
    pub y: &'a mut [f64],
    pub basis: &'a [Vec<f64>],
}

impl Kernel for Clean<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self) {
        for x in self.basis {
            let overlap = dot(x, self.y);
            subtract(self.y, overlap, x);
        }
    }
}

#[inline(always)]
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    // Eight partial sums: the compiler may not reorder a plain one.
    let mut s = [0.0; 8];
    let (ca, cb) = (a.chunks_exact(8), b.chunks_exact(8));
    let tail: f64 = ca
        .remainder()
        .iter()
        .zip(cb.remainder())
        .map(|(x, y)| x * y)
        .sum();
    for (x, y) in ca.zip(cb) {
        for l in 0..8 {
            s[l] += x[l] * y[l];
        }
    }
    s.iter().sum::<f64>() + tail
}

#[inline(always)]
pub(super) fn subtract(y: &mut [f64], factor: f64, x: &[f64]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y -= factor * x;
    }
}

/// A vector without structure that depends on its number only.
pub(super) fn random_vector(dimension: usize, number: u64) -> Vec<f64> {
    let mut x = kadanoff_runtime::random::mix(number);
    (0..dimension)
        .map(|_| {
            x = kadanoff_runtime::random::mix(x);
            (x >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
        })
        .collect()
}

pub(super) fn tridiagonal(diagonal: &[f64], off: &[f64]) -> Mat<f64> {
    Mat::from_fn(diagonal.len(), diagonal.len(), |i, j| {
        if i == j {
            diagonal[i]
        } else if i.abs_diff(j) == 1 {
            off[i.min(j)]
        } else {
            0.0
        }
    })
}

pub(super) fn eigen(diagonal: &[f64], off: &[f64]) -> Result<(Vec<f64>, Mat<f64>), Error> {
    let failed = |source| Error::Eigen {
        electrons: 0,
        twice_spin: 0,
        source,
    };
    let reduced = Reduced::new(tridiagonal(diagonal, off)).map_err(failed)?;
    let values = reduced.values().to_vec();
    let n = values.len();
    Ok((values, reduced.vectors(n).map_err(failed)?))
}

/// Residual of the lowest level in the first search.
pub(super) const ROUGH: f64 = 1e-4;

/// Residual of the first level that is not wanted.
pub(super) const SETTLED: f64 = 1e-6;

/// A level with its state.
pub(super) struct Level {
    pub energy: f64,
    pub state: Vec<f64>,
}

/// The lowest level of a sector, roughly: an upper bound and its distance from a level at most.
///
/// Plain Lanczos: copies of levels that rounding brings in do not move the lowest one.
pub(super) fn lowest(
    sector: &Sector<'_>,
    number: u64,
    control: &Control,
) -> Result<(f64, f64), Error> {
    let n = sector.dimension();
    let mut x = random_vector(n, number * 1000 + 999);
    let norm = dot(&x, &x).sqrt();
    x.iter_mut().for_each(|x| *x /= norm);
    let (mut before, mut y) = (vec![0.0; n], vec![0.0; n]);
    let (mut diagonal, mut off): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
    loop {
        control.check()?;
        sector.apply(&x, &mut y);
        let alpha = dot(&x, &y);
        diagonal.push(alpha);
        subtract(&mut y, alpha, &x);
        if let Some(&beta) = off.last() {
            subtract(&mut y, beta, &before);
        }
        let beta = dot(&y, &y).sqrt();
        let steps = diagonal.len();
        let exhausted = steps >= n || beta < 1e-12 * alpha.abs().max(1.0);
        if exhausted || steps.is_multiple_of(8) {
            let (values, vectors) = eigen(&diagonal, &off)?;
            let residual = (beta * vectors[(steps - 1, 0)]).abs();
            let scale = values[0].abs().max(1.0);
            if exhausted || residual < ROUGH * scale || steps >= MAX_STEPS {
                return Ok((values[0], residual + 1e-9 * scale));
            }
        }
        off.push(beta);
        y.iter_mut().for_each(|x| *x /= beta);
        std::mem::swap(&mut before, &mut x);
        std::mem::swap(&mut x, &mut y);
    }
}

/// Levels of a sector up to `limit` with their states.
///
/// Lanczos with full orthogonalisation, again and again in the space orthogonal to what was found, until
/// nothing new appears: a single run sees one state of a degenerate level.
pub(super) fn levels_below(
    sector: &Sector<'_>,
    number: u64,
    limit: f64,
    most: usize,
    control: &Control,
) -> Result<Vec<Level>, Error> {
    let n = sector.dimension();
    let mut found: Vec<Level> = Vec::new();
    for attempt in 0.. {
        if found.len() >= n || found.len() > most {
            break;
        }
        let mut v = random_vector(n, number * 1000 + attempt);
        let mut basis: Vec<Vec<f64>> = Vec::new();
        let (mut diagonal, mut off): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
        let known: Vec<Vec<f64>> = found.iter().map(|l| l.state.clone()).collect();
        for _ in 0..2 {
            dispatch(
                simd::Level::current(),
                Clean {
                    y: &mut v,
                    basis: &known,
                },
            );
        }
        let norm = dot(&v, &v).sqrt();
        if norm < 1e-10 {
            break;
        }
        v.iter_mut().for_each(|x| *x /= norm);
        basis.push(v);
        let fresh = loop {
            control.check()?;
            let k = basis.len() - 1;
            let mut y = vec![0.0; n];
            sector.apply(&basis[k], &mut y);
            diagonal.push(dot(&basis[k], &y));
            subtract(&mut y, diagonal[k], &basis[k]);
            if k > 0 {
                subtract(&mut y, off[k - 1], &basis[k - 1]);
            }
            // What is left to remove is rounding: once is enough.
            for basis in [&known, &basis] {
                dispatch(simd::Level::current(), Clean { y: &mut y, basis });
            }
            let beta = dot(&y, &y).sqrt();
            let steps = basis.len();
            let exhausted = beta < 1e-12 * diagonal[0].abs().max(1.0) || steps + found.len() >= n;
            if exhausted || steps.is_multiple_of(8) {
                let (values, vectors) = eigen(&diagonal, &off)?;
                let scale = values[values.len() - 1].abs().max(values[0].abs()).max(1.0);
                let residual = |j: usize| (beta * vectors[(steps - 1, j)]).abs();
                let good = |j: usize| exhausted || residual(j) < CONVERGED * scale;
                let wanted = values.partition_point(|e| *e <= limit);
                // The lowest level beyond the limit must have settled: before that, one below may
                // still come.
                let beyond = exhausted
                    || (wanted < steps
                        && residual(wanted) < SETTLED * scale
                        && values[wanted] - residual(wanted) > limit);
                if beyond && (0..wanted).all(good) {
                    let mut fresh = Vec::new();
                    for j in 0..wanted {
                        let mut state = vec![0.0; n];
                        for (i, b) in basis.iter().enumerate() {
                            subtract(&mut state, -vectors[(i, j)], b);
                        }
                        let norm = dot(&state, &state).sqrt();
                        state.iter_mut().for_each(|x| *x /= norm);
                        fresh.push(Level {
                            energy: values[j],
                            state,
                        });
                    }
                    break fresh;
                }
                if steps >= MAX_STEPS {
                    return Err(Error::Lanczos {
                        steps,
                        residual: (0..wanted.max(1)).map(residual).fold(0.0, f64::max),
                    });
                }
            }
            off.push(beta);
            y.iter_mut().for_each(|x| *x /= beta);
            basis.push(y);
        };
        let done = fresh.is_empty();
        found.extend(fresh);
        if done {
            break;
        }
    }
    found.sort_by(|a, b| a.energy.total_cmp(&b.energy));
    Ok(found)
}

/// Poles of `<x| 1 / (z -+ (H - E)) |x>`: (energies relative to E, weights).
pub(super) fn resolvent(
    sector: &Sector<'_>,
    mut x: Vec<f64>,
    steps: usize,
    control: &Control,
) -> Result<(Vec<f64>, Vec<f64>), Error> {
    let weight = dot(&x, &x);
    if weight < 1e-28 {
        return Ok((Vec::new(), Vec::new()));
    }
    let norm = weight.sqrt();
    x.iter_mut().for_each(|x| *x /= norm);
    let mut before = vec![0.0; x.len()];
    let mut y = vec![0.0; x.len()];
    let (mut diagonal, mut off): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
    let mut scale = 0.0_f64;
    for step in 0..steps.min(x.len()) {
        control.check()?;
        sector.apply(&x, &mut y);
        let alpha = dot(&x, &y);
        diagonal.push(alpha);
        scale = scale.max(alpha.abs());
        subtract(&mut y, alpha, &x);
        if let Some(&beta) = off.last() {
            subtract(&mut y, beta, &before);
        }
        let beta = dot(&y, &y).sqrt();
        scale = scale.max(beta);
        if beta < 1e-11 * scale || step + 1 == steps.min(x.len()) {
            break;
        }
        off.push(beta);
        y.iter_mut().for_each(|x| *x /= beta);
        std::mem::swap(&mut before, &mut x);
        std::mem::swap(&mut x, &mut y);
    }
    off.truncate(diagonal.len() - 1);
    let (values, vectors) = eigen(&diagonal, &off)?;
    let weights = (0..values.len())
        .map(|j| weight * vectors[(0, j)] * vectors[(0, j)])
        .collect();
    Ok((values, weights))
}
