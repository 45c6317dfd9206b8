//! The reflections that lead to tridiagonal form, four in a product.

use crate::lanes::RealLanes;
use crate::registers::{FOUR, Plain, Register};
#[cfg(target_arch = "x86_64")]
use crate::registers::{Ymm, Zmm};
use crate::triangle::WIDTH;
use faer::Mat;
use kadanoff_runtime::simd::{Instructions, Kernel, Level, dispatch};

/// `Q = Q_0 Q_1 ...` with `Q_g = H_4g H_4g+1 H_4g+2 H_4g+3 = 1 - V T V^T`, where `H_k = 1 - c v v^T` and
/// `v` is zero down to row `k`.
#[derive(Debug, Clone)]
pub(crate) struct Reflectors {
    /// Registers in a column.
    lanes: usize,
    groups: Vec<Group>,
    /// Register `FOUR r + t` of a group: reflector `t` in the rows of block `r`, counted from its first.
    registers: Vec<RealLanes>,
}

#[derive(Debug, Clone)]
struct Group {
    /// Block of rows in which the reflectors start.
    first: usize,
    /// Where they are in `registers`.
    start: usize,
    /// Rows of `T`, an upper triangle.
    factor: [[f64; FOUR]; FOUR],
}

/// From the basis of the tridiagonal matrix, or of the band, outward to the first one, or back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Outward,
    Inward,
}

impl Reflectors {
    pub(crate) fn new(n: usize) -> Self {
        let lanes = n.div_ceil(WIDTH);
        Self {
            lanes,
            groups: Vec::with_capacity(n.div_ceil(FOUR)),
            // A triangle, and the rows above reflectors that start within a register.
            registers: Vec::with_capacity(WIDTH * lanes * (lanes + 2) / 2),
        }
    }

    /// Adds reflection `k` with its coefficient `c` and its overlaps with those before it in the group.
    pub(crate) fn push(&mut self, k: usize, v: &[RealLanes], c: f64, overlaps: &[f64]) {
        let t = k % FOUR;
        if t == 0 {
            let (first, start) = ((k + 1) / WIDTH, self.registers.len());
            self.groups.push(Group {
                first,
                start,
                factor: [[0.0; FOUR]; FOUR],
            });
            let end = start + FOUR * (self.lanes - first);
            self.registers.resize(end, RealLanes::ZERO);
        }
        let Some(Group {
            first,
            start,
            factor,
        }) = self.groups.last_mut()
        else {
            return;
        };
        factor[t][t] = c;
        for i in 0..t {
            let sum: f64 = (i..t).map(|s| factor[i][s] * overlaps[s]).sum();
            factor[i][t] = -c * sum;
        }
        for (to, from) in self.registers[*start..]
            .chunks_exact_mut(FOUR)
            .zip(&v[*first..])
        {
            to[t] = *from;
        }
    }

    /// `X <- Q X`, or `Q^T X` inward.
    pub(crate) fn apply(&self, x: &mut Mat<f64>, direction: Direction) {
        dispatch(
            Level::current(),
            Application {
                reflectors: self,
                x,
                direction,
            },
        );
    }
}

struct Application<'a> {
    reflectors: &'a Reflectors,
    x: &'a mut Mat<f64>,
    direction: Direction,
}

impl Kernel for Application<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self) {
        #[cfg(target_arch = "x86_64")]
        match I::LEVEL {
            Level::Avx512 => return all::<Zmm>(self.reflectors, self.x, self.direction),
            Level::Avx2 => return all::<Ymm>(self.reflectors, self.x, self.direction),
            Level::Portable => {}
        }
        all::<Plain<FOUR>>(self.reflectors, self.x, self.direction);
    }
}

/// Columns that share a pass over the reflectors, two at a time in registers.
const COLUMNS: usize = 4;

/// `X <- Q X`, or `Q^T X` inward.
#[inline(always)]
pub(crate) fn all<R: Register>(reflectors: &Reflectors, x: &mut Mat<f64>, direction: Direction) {
    let (n, lanes) = (x.nrows(), reflectors.lanes);
    let mut work = vec![RealLanes::ZERO; COLUMNS * lanes];
    for start in (0..x.ncols()).step_by(COLUMNS) {
        let columns = COLUMNS.min(x.ncols() - start);
        for (j, own) in work.chunks_exact_mut(lanes).enumerate().take(columns) {
            for (to, from) in own.iter_mut().zip(x.col_as_slice(start + j).chunks(WIDTH)) {
                to.0[..from.len()].copy_from_slice(from);
            }
        }
        let count = reflectors.groups.len();
        for g in 0..count {
            let (group, factor) = match direction {
                Direction::Outward => {
                    let group = &reflectors.groups[count - 1 - g];
                    (group, group.factor)
                }
                Direction::Inward => {
                    let group = &reflectors.groups[g];
                    (group, transpose(&group.factor))
                }
            };
            let rows = lanes - group.first;
            let v = &reflectors.registers[group.start..group.start + FOUR * rows];
            for pair in work.chunks_exact_mut(2 * lanes) {
                let (a, b) = pair.split_at_mut(lanes);
                reflect::<R>(v, &factor, &mut a[group.first..], &mut b[group.first..]);
            }
        }
        for (j, own) in work.chunks_exact(lanes).enumerate().take(columns) {
            let column = &mut x.col_as_slice_mut(start + j)[..n];
            for (to, from) in column.chunks_mut(WIDTH).zip(own) {
                to.copy_from_slice(&from.0[..to.len()]);
            }
        }
    }
}

fn transpose(factor: &[[f64; FOUR]; FOUR]) -> [[f64; FOUR]; FOUR] {
    std::array::from_fn(|i| std::array::from_fn(|j| factor[j][i]))
}

/// `x <- x - V T (V^T x)` for two columns.
#[inline(always)]
fn reflect<R: Register>(
    v: &[RealLanes],
    factor: &[[f64; FOUR]; FOUR],
    a: &mut [RealLanes],
    b: &mut [RealLanes],
) {
    let parts = WIDTH / R::COUNT;
    let mut of_a = [R::splat(0.0); FOUR];
    let mut of_b = [R::splat(0.0); FOUR];
    for (v, (a, b)) in v.chunks_exact(FOUR).zip(a.iter().zip(b.iter())) {
        for part in 0..parts {
            let (a, b) = (R::load(a, part), R::load(b, part));
            for t in 0..FOUR {
                let v = R::load(&v[t], part);
                of_a[t] = of_a[t].plus(v, a);
                of_b[t] = of_b[t].plus(v, b);
            }
        }
    }
    let shares = [R::sums(of_a), R::sums(of_b)].map(|s| {
        let share = |i: usize| R::splat((0..FOUR).map(|j| factor[i][j] * s[j]).sum());
        [share(0), share(1), share(2), share(3)]
    });
    for (v, (a, b)) in v.chunks_exact(FOUR).zip(a.iter_mut().zip(b)) {
        for part in 0..parts {
            let (mut x, mut y) = (R::load(a, part), R::load(b, part));
            for t in 0..FOUR {
                let v = R::load(&v[t], part);
                x = x.minus(v, shares[0][t]);
                y = y.minus(v, shares[1][t]);
            }
            x.store(a, part);
            y.store(b, part);
        }
    }
}
