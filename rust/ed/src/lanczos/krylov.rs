//! Lowest levels of a sector and resolvents of its states, by the Lanczos recursion.

use crate::Error;
use faer::{Mat, c64};
use kadanoff_linalg::Reduced;
use kadanoff_runtime::Control;
use kadanoff_runtime::simd::{self, Instructions, Kernel, dispatch};

/// Steps after which a search for levels is given up.
const MAX_STEPS: usize = 600;
/// Residual of a level that counts as found, relative to the width of the spectrum.
const CONVERGED: f64 = 1e-11;

/// A symmetric matrix that is known by what it does.
pub(crate) trait Matrix {
    /// Number of its rows.
    fn dimension(&self) -> usize;
    /// `y = H x`
    fn apply(&self, x: &[f64], y: &mut [f64]);
}

/// Takes from `y` what it shares with each of the vectors; returns the largest overlap.
pub(crate) struct Clean<'a> {
    pub y: &'a mut [f64],
    pub basis: &'a [Vec<f64>],
}

impl Kernel for Clean<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<I: Instructions>(self) -> f64 {
        let mut largest = 0.0_f64;
        for x in self.basis {
            let overlap = dot(x, self.y);
            subtract(self.y, overlap, x);
            largest = largest.max(overlap.abs());
        }
        largest
    }
}

/// One step of the recursion: `y <- H x - <x|H|x> x - past before`, where `before` is the vector
/// before x. Returns `<x|H|x>`.
pub(crate) fn step(
    matrix: &impl Matrix,
    x: &[f64],
    before: Option<(f64, &[f64])>,
    y: &mut [f64],
) -> f64 {
    matrix.apply(x, y);
    dispatch(simd::Level::current(), Project { x, before, y })
}

struct Project<'a> {
    x: &'a [f64],
    before: Option<(f64, &'a [f64])>,
    y: &'a mut [f64],
}

impl Kernel for Project<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<I: Instructions>(self) -> f64 {
        let element = dot(self.x, self.y);
        match self.before {
            None => subtract(self.y, element, self.x),
            Some((past, before)) => {
                for ((y, x), b) in self.y.iter_mut().zip(self.x).zip(before) {
                    *y = (*y - element * x) - past * b;
                }
            }
        }
        element
    }
}

/// The norm of a vector.
pub(crate) fn length(x: &[f64]) -> f64 {
    dispatch(simd::Level::current(), Overlap(x, x)).sqrt()
}

struct Overlap<'a>(&'a [f64], &'a [f64]);

impl Kernel for Overlap<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<I: Instructions>(self) -> f64 {
        dot(self.0, self.1)
    }
}

/// `x <- x / norm`
pub(crate) fn normalise(x: &mut [f64], norm: f64) {
    dispatch(simd::Level::current(), Scale(x, 1.0 / norm));
}

struct Scale<'a>(&'a mut [f64], f64);

impl Kernel for Scale<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self) {
        self.0.iter_mut().for_each(|x| *x *= self.1);
    }
}

#[inline(always)]
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
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
pub(crate) fn subtract(y: &mut [f64], factor: f64, x: &[f64]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y -= factor * x;
    }
}

/// A vector without structure that depends on its number only.
pub(crate) fn random_vector(dimension: usize, number: u64) -> Vec<f64> {
    let mut x = kadanoff_runtime::random::mix(number);
    (0..dimension)
        .map(|_| {
            x = kadanoff_runtime::random::mix(x);
            (x >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
        })
        .collect()
}

pub(crate) fn tridiagonal(diagonal: &[f64], off: &[f64]) -> Mat<f64> {
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

pub(crate) fn eigen(diagonal: &[f64], off: &[f64]) -> Result<(Vec<f64>, Mat<f64>), Error> {
    let reduced = Reduced::new(tridiagonal(diagonal, off)).map_err(failed)?;
    let values = reduced.values().to_vec();
    let n = values.len();
    Ok((values, reduced.vectors(n).map_err(failed)?))
}

fn failed(source: kadanoff_linalg::Error) -> Error {
    Error::Eigen {
        electrons: 0,
        twice_spin: 0,
        source,
    }
}

/// Residual of the lowest level in the first search.
pub(crate) const ROUGH: f64 = 1e-4;

/// Residual of the first level that is not wanted.
pub(crate) const SETTLED: f64 = 1e-6;

/// A level with its state.
pub(crate) struct Level {
    pub energy: f64,
    pub state: Vec<f64>,
}

/// The lowest level of a sector, roughly: an upper bound and its distance from a level at most.
///
/// Plain Lanczos: copies of levels that rounding brings in do not move the lowest one.
pub(crate) fn lowest(
    sector: &impl Matrix,
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
        let past = off.last().map(|&past| (past, &before[..]));
        let alpha = step(sector, &x, past, &mut y);
        diagonal.push(alpha);
        let beta = length(&y);
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
        normalise(&mut y, beta);
        std::mem::swap(&mut before, &mut x);
        std::mem::swap(&mut x, &mut y);
    }
}

/// Levels of a sector up to `limit` with their states, and the energy that all others have at least.
///
/// Lanczos, again and again in the space orthogonal to what was found, until nothing new appears: a
/// single run sees one state of a degenerate level.
pub(crate) fn levels_below(
    sector: &impl Matrix,
    number: u64,
    limit: f64,
    most: usize,
    control: &Control,
) -> Result<(Vec<Level>, f64), Error> {
    let n = sector.dimension();
    let mut found: Vec<Level> = Vec::new();
    let mut next = f64::INFINITY;
    for attempt in 0.. {
        if found.len() >= n || found.len() > most {
            next = f64::INFINITY;
            break;
        }
        let mut v = random_vector(n, number * 1000 + attempt);
        let known: Vec<Vec<f64>> = found.iter().map(|l| l.state.clone()).collect();
        for _ in 0..2 {
            clean(&mut v, &known);
        }
        let norm = length(&v);
        if norm < 1e-10 {
            break;
        }
        normalise(&mut v, norm);
        let run = match search(sector, v.clone(), &known, limit, PERIOD, control)? {
            Some(run) => Some(run),
            None => search(sector, v, &known, limit, 1, control)?,
        };
        let Some((fresh, beyond)) = run else { break };
        next = beyond;
        let done = fresh.is_empty();
        found.extend(fresh);
        if done {
            break;
        }
    }
    found.sort_by(|a, b| a.energy.total_cmp(&b.energy));
    Ok((found, next))
}

/// Two Lanczos vectors in a row out of so many are made orthogonal to all before them. What rounding
/// brings in grows by a factor of a few per step, to some 1e-12 until the next pair removes it.
const PERIOD: usize = 8;
/// Overlap up to which the tridiagonal matrix is right to rounding: its square is the error
/// (H. D. Simon, Linear Algebra Appl. 61, 101 (1984)).
const LOST: f64 = 1e-8;
/// Vectors that shrink more than this, relative to H, are made orthogonal as what is left of them is
/// rounding to a larger part.
const SHRUNK: f64 = 1e-3;

fn clean(y: &mut [f64], basis: &[Vec<f64>]) -> f64 {
    dispatch(simd::Level::current(), Clean { y, basis })
}

/// Levels up to `limit` that a run from `start` finds, and the energy that all others have at least;
/// nothing if the vectors were not orthogonal enough. `known` states are left out.
fn search(
    sector: &impl Matrix,
    start: Vec<f64>,
    known: &[Vec<f64>],
    limit: f64,
    period: usize,
    control: &Control,
) -> Result<Option<(Vec<Level>, f64)>, Error> {
    let n = start.len();
    let mut basis = vec![start];
    let (mut diagonal, mut off): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
    loop {
        control.check()?;
        let k = basis.len() - 1;
        let mut y = vec![0.0; n];
        let past = off.last().map(|&past| (past, &basis[k - 1][..]));
        diagonal.push(step(sector, &basis[k], past, &mut y));
        let mut beta = length(&y);
        let steps = basis.len();
        let scale = diagonal[0].abs().max(1.0);
        if steps % period < 2 || beta < SHRUNK * scale {
            // What is left to remove is rounding: once is enough.
            let overlap = clean(&mut y, known).max(clean(&mut y, &basis));
            if period > 1 && overlap > LOST * beta.max(SHRUNK * scale) {
                return Ok(None);
            }
            beta = length(&y);
        }
        let exhausted = beta < 1e-12 * scale || steps + known.len() >= n;
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
                let next = values
                    .get(wanted)
                    .map_or(f64::INFINITY, |e| e - residual(wanted));
                let fresh = (0..wanted).map(|j| {
                    let mut state = combined(&basis, |i| vectors[(i, j)]);
                    let norm = length(&state);
                    normalise(&mut state, norm);
                    Level {
                        energy: values[j],
                        state,
                    }
                });
                return Ok(Some((fresh.collect(), next)));
            }
            if steps >= MAX_STEPS {
                return Err(Error::Lanczos {
                    steps,
                    residual: (0..wanted.max(1)).map(residual).fold(0.0, f64::max),
                });
            }
        }
        off.push(beta);
        normalise(&mut y, beta);
        basis.push(y);
    }
}

/// `sum_k factors_k basis_k`
pub(crate) fn combined(basis: &[Vec<f64>], factor: impl Fn(usize) -> f64) -> Vec<f64> {
    let factors: Vec<f64> = (0..basis.len()).map(factor).collect();
    dispatch(simd::Level::current(), Combine(basis, &factors))
}

struct Combine<'a>(&'a [Vec<f64>], &'a [f64]);

impl Kernel for Combine<'_> {
    type Output = Vec<f64>;

    #[inline(always)]
    fn run<I: Instructions>(self) -> Vec<f64> {
        let mut out = vec![0.0; self.0[0].len()];
        for (b, factor) in self.0.iter().zip(self.1) {
            subtract(&mut out, -factor, b);
        }
        out
    }
}

/// Poles of `<x| 1 / (z -+ (H - E)) |x>`: (energies relative to E, weights).
pub(crate) fn resolvent(
    sector: &impl Matrix,
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
    for done in 1..=steps.min(x.len()) {
        control.check()?;
        let past = off.last().map(|&past| (past, &before[..]));
        let alpha = step(sector, &x, past, &mut y);
        diagonal.push(alpha);
        scale = scale.max(alpha.abs());
        let beta = length(&y);
        scale = scale.max(beta);
        if beta < 1e-11 * scale || done == steps.min(x.len()) {
            break;
        }
        off.push(beta);
        normalise(&mut y, beta);
        std::mem::swap(&mut before, &mut x);
        std::mem::swap(&mut x, &mut y);
    }
    off.truncate(diagonal.len() - 1);
    let reduced = Reduced::new(tridiagonal(&diagonal, &off)).map_err(failed)?;
    let values = reduced.values().to_vec();
    let squares = reduced.weights().map_err(failed)?;
    Ok((values, squares.iter().map(|w| weight * w).collect()))
}

/// `<y| 1 / (z - H) |x>` of several y, from one Krylov space.
pub(crate) struct Response {
    /// Levels of the Krylov space.
    pub energies: Vec<f64>,
    /// For each y its residues.
    pub residues: Vec<Vec<f64>>,
    /// Norm of the residual of `(z - H) v = x` at the point that was asked for, over that of x.
    pub residual: f64,
}

/// The responses of `left` vectors to x; no more steps once the residual at `point` is below
/// `enough`.
///
/// The last component of the solution in the Krylov space is a product of off-diagonal elements over
/// the pivots of the tridiagonal matrix: the residual costs nothing.
pub(crate) fn responses(
    sector: &impl Matrix,
    mut x: Vec<f64>,
    left: &[Vec<f64>],
    point: c64,
    (steps, enough): (usize, f64),
    control: &Control,
) -> Result<Response, Error> {
    let norm = dot(&x, &x).sqrt();
    if norm < 1e-140 {
        return Ok(Response {
            energies: Vec::new(),
            residues: vec![Vec::new(); left.len()],
            residual: 0.0,
        });
    }
    x.iter_mut().for_each(|x| *x /= norm);
    let n = x.len();
    let (mut before, mut y) = (vec![0.0; n], vec![0.0; n]);
    let (mut diagonal, mut off): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
    let mut overlaps: Vec<Vec<f64>> = vec![Vec::new(); left.len()];
    let (mut scale, mut residual) = (0.0_f64, 1.0);
    let mut pivot = c64::new(1.0, 0.0);
    loop {
        control.check()?;
        for (list, left) in overlaps.iter_mut().zip(left) {
            list.push(dot(&x, left));
        }
        let past = off.last().copied();
        let alpha = step(sector, &x, past.map(|past| (past, &before[..])), &mut y);
        scale = scale.max(alpha.abs());
        let past = past.unwrap_or(0.0);
        pivot = point - alpha - past * past / pivot;
        diagonal.push(alpha);
        let beta = length(&y);
        scale = scale.max(beta);
        residual *= beta / pivot.norm();
        let exhausted = beta < 1e-11 * scale || diagonal.len() >= n;
        if exhausted {
            residual = 0.0;
        }
        if residual <= enough || diagonal.len() >= steps {
            break;
        }
        off.push(beta);
        normalise(&mut y, beta);
        std::mem::swap(&mut before, &mut x);
        std::mem::swap(&mut x, &mut y);
    }
    let (energies, vectors) = eigen(&diagonal, &off)?;
    let residues = overlaps
        .iter()
        .map(|of| {
            let along = |j: usize| -> f64 {
                let parts = of.iter().enumerate();
                parts.map(|(k, x)| x * vectors[(k, j)]).sum()
            };
            (0..energies.len())
                .map(|j| norm * vectors[(0, j)] * along(j))
                .collect()
        })
        .collect();
    Ok(Response {
        energies,
        residues,
        residual,
    })
}
