//! Configurations of one spin, and H on the products of an up and a down one.

use super::krylov::Matrix;
use crate::Anderson;
use kadanoff_runtime::simd::{self, Instructions, Kernel, dispatch};

/// All configurations of one spin with a given number of electrons.
pub(super) struct SpinConfigurations {
    /// Occupied orbitals.
    pub masks: Vec<u32>,
    /// One-body energy, without the repulsion.
    pub energy: Vec<f64>,
    /// For every target the (source, matrix element).
    pub hops: Vec<Vec<(u32, f64)>>,
}

impl SpinConfigurations {
    pub(super) fn new(model: &Anderson, electrons: usize) -> Self {
        let sites = model.e.len();
        let impurity = 1_u32 << sites;
        let masks: Vec<u32> = (0..1u32 << (sites + 1))
            .filter(|m| m.count_ones() as usize == electrons)
            .collect();
        let energy = masks
            .iter()
            .map(|m| {
                let levels = model.e.iter().chain([&model.eps]).enumerate();
                levels
                    .filter(|(k, _)| m >> k & 1 == 1)
                    .map(|(_, e)| e)
                    .sum()
            })
            .collect();
        let hops = masks
            .iter()
            .map(|&m| {
                let mut list = Vec::new();
                for k in 0..sites {
                    let bath = 1_u32 << k;
                    // One of the two orbitals is occupied: the other one was, before the hop.
                    if (m & bath == 0) == (m & impurity == 0) {
                        continue;
                    }
                    let source = m ^ bath ^ impurity;
                    let between = (m & (impurity - 1) & !((bath << 1) - 1)).count_ones();
                    let sign = if between.is_multiple_of(2) { 1.0 } else { -1.0 };
                    if let Ok(from) = masks.binary_search(&source) {
                        list.push((from as u32, sign * model.v[k]));
                    }
                }
                list
            })
            .collect();
        Self {
            masks,
            energy,
            hops,
        }
    }
}

const LANES: usize = 8;

/// H in one sector.
pub(super) struct Sector<'a> {
    pub up: &'a SpinConfigurations,
    pub down: &'a SpinConfigurations,
    pub u: f64,
    pub impurity: u32,
}

impl Matrix for Sector<'_> {
    fn dimension(&self) -> usize {
        self.up.masks.len() * self.down.masks.len()
    }

    fn apply(&self, x: &[f64], y: &mut [f64]) {
        dispatch(simd::Level::current(), Apply { sector: self, x, y });
    }
}

impl Sector<'_> {
    /// Eight rows of x at a time are transposed, so that hops of down spins work on whole lanes too.
    #[inline(always)]
    fn apply_here(&self, x: &[f64], y: &mut [f64]) {
        let width = self.down.masks.len();
        let mut columns = vec![[0.0; LANES]; width];
        let mut images = vec![[0.0; LANES]; width];
        for (block, rows) in y.chunks_mut(LANES * width).enumerate() {
            let first = block * LANES;
            let own = &x[first * width..first * width + rows.len()];
            for (r, row) in own.chunks_exact(width).enumerate() {
                for (column, x) in columns.iter_mut().zip(row) {
                    column[r % LANES] = *x;
                }
            }
            self.down_hops(first, &columns, &mut images);
            for (r, row) in rows.chunks_exact_mut(width).enumerate() {
                for (y, image) in row.iter_mut().zip(&images) {
                    *y = image[r % LANES];
                }
                for &(from, value) in &self.up.hops[first + r] {
                    let other = &x[from as usize * width..(from as usize + 1) * width];
                    for (y, x) in row.iter_mut().zip(other) {
                        *y += value * x;
                    }
                }
            }
        }
    }

    /// The diagonal and the hops of down spins, for the rows from `first` on.
    #[inline(always)]
    fn down_hops(&self, first: usize, columns: &[[f64; LANES]], images: &mut [[f64; LANES]]) {
        let (mut energy, mut repulsion) = ([0.0; LANES], [0.0; LANES]);
        let rows = self.up.energy.iter().zip(&self.up.masks).skip(first);
        for ((one, two), (e, mask)) in energy.iter_mut().zip(&mut repulsion).zip(rows) {
            *one = *e;
            *two = if mask & self.impurity == 0 {
                0.0
            } else {
                self.u
            };
        }
        for (d, (own, image)) in columns.iter().zip(images).enumerate() {
            let mut sum = [0.0; LANES];
            for &(from, value) in &self.down.hops[d] {
                let other = &columns[from as usize];
                for l in 0..LANES {
                    sum[l] += value * other[l];
                }
            }
            let full = self.down.masks[d] & self.impurity != 0;
            let e = self.down.energy[d];
            for l in 0..LANES {
                let double = if full { repulsion[l] } else { 0.0 };
                image[l] = (energy[l] + e + double) * own[l] + sum[l];
            }
        }
    }

    /// `(n, docc)` of the impurity in a state.
    pub(super) fn occupation(&self, x: &[f64]) -> (f64, f64) {
        let width = self.down.masks.len();
        let (mut n, mut docc) = (0.0, 0.0);
        for (i, a) in x.iter().enumerate() {
            let up = self.up.masks[i / width] & self.impurity != 0;
            let down = self.down.masks[i % width] & self.impurity != 0;
            let p = a * a;
            n += p * f64::from(u8::from(up) + u8::from(down));
            if up && down {
                docc += p;
            }
        }
        (n, docc)
    }
}

pub(super) struct Apply<'a, 'b> {
    pub sector: &'a Sector<'b>,
    pub x: &'a [f64],
    pub y: &'a mut [f64],
}

impl Kernel for Apply<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self) {
        self.sector.apply_here(self.x, self.y);
    }
}
