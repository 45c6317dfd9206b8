//! A machine in double precision, and what follows from it unit by unit.

use crate::Error;
use crate::bits::{BLOCK, words};
use crate::layer::Layer;
use crate::train::MAX_PARAMETER;
use crate::units::Units;
use kadanoff_runtime::Control;
use kadanoff_runtime::simd::Level;
use rayon::prelude::*;

/// `E(v, h) = -a.v - b.h - v.W.h`.
///
/// ```
/// use kadanoff_rbm::{Machine, Units};
/// use kadanoff_runtime::Control;
///
/// let units = (Units::Binary, Units::Binary);
/// let machine = Machine::new(vec![0.1, -0.2], vec![0.3], vec![0.5, -0.4], units)?;
/// assert_eq!((machine.visible(), machine.hidden()), (2, 1));
/// // The rows (0, 0) and (1, 0): the first unit is the lowest bit.
/// let control = Control::new();
/// let energies = machine.free_energies(&[0b00, 0b01], &control)?;
/// assert!((energies[0] + (1.0 + 0.3_f64.exp()).ln()).abs() < 1e-14);
/// assert!((energies[1] + 0.1 + (1.0 + 0.8_f64.exp()).ln()).abs() < 1e-14);
/// let means = machine.means(&[0b01], &control)?;
/// assert!((means[0] - 1.0 / (1.0 + (-0.8_f64).exp())).abs() < 1e-14);
/// # Ok::<(), kadanoff_rbm::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Machine {
    /// Visible biases.
    pub a: Vec<f64>,
    /// Hidden biases.
    pub b: Vec<f64>,
    /// Couplings, `w[i * b.len() + j]`.
    pub w: Vec<f64>,
    /// Values of the visible and of the hidden units.
    pub units: (Units, Units),
}

/// Factors that may be multiplied before a logarithm is taken: each lies in [1, 2].
const FACTORS: usize = 512;

/// `sum_j ln sum_h exp(h x_j)` with one logarithm for 512 units.
#[inline(always)]
pub(crate) fn log_sums(units: Units, fields: &[f64]) -> f64 {
    let span = units.span();
    let mut total = 0.0;
    for chunk in fields.chunks(FACTORS) {
        let (mut sum, mut product) = (0.0, 1.0);
        for &x in chunk {
            sum += match units {
                Units::Binary | Units::OneHot(_) => x.max(0.0),
                Units::Spin => x.abs(),
            };
            product *= 1.0 + (-span * x.abs()).exp();
        }
        total += sum + product.ln();
    }
    total
}

/// Whether layers can have such units: one-hot groups in the visible layer only, and whole ones.
pub(crate) fn fits(units: (Units, Units), visible: usize) -> bool {
    let groups = match units.0 {
        Units::OneHot(states) => states >= 2 && visible.is_multiple_of(states),
        _ => true,
    };
    groups && !matches!(units.1, Units::OneHot(_))
}

impl Machine {
    /// A machine whose arrays fit together and are finite.
    pub fn new(
        a: Vec<f64>,
        b: Vec<f64>,
        w: Vec<f64>,
        units: (Units, Units),
    ) -> Result<Self, Error> {
        if a.is_empty() || b.is_empty() || w.len() != a.len() * b.len() {
            return Err(Error::shape(format!(
                "{} visible biases, {} hidden biases, {} couplings",
                a.len(),
                b.len(),
                w.len()
            )));
        }
        if !fits(units, a.len()) {
            return Err(Error::shape(
                "one-hot units are for the visible layer, whole groups of at least two",
            ));
        }
        let small = |x: &f64| x.abs() < f64::from(MAX_PARAMETER);
        if ![&a, &b, &w].iter().all(|x| x.iter().all(small)) {
            return Err(Error::option("W, a and b must be finite and below 1e30"));
        }
        Ok(Self { a, b, w, units })
    }

    /// Number of visible units.
    pub fn visible(&self) -> usize {
        self.a.len()
    }

    /// Number of hidden units.
    pub fn hidden(&self) -> usize {
        self.b.len()
    }

    /// The same machine with the layers exchanged.
    pub(crate) fn turned(&self) -> Self {
        let (n, m) = (self.visible(), self.hidden());
        let mut w = vec![0.0; n * m];
        for i in 0..n {
            for j in 0..m {
                w[j * n + i] = self.w[i * m + j];
            }
        }
        Self {
            a: self.b.clone(),
            b: self.a.clone(),
            w,
            units: (self.units.1, self.units.0),
        }
    }

    /// The machine of 0/1 units with the same probabilities, and the constant to add to its -E.
    ///
    /// With `s = low + span x`: `W' = span span W`, `a'_i = span (a_i + low sum_j W_ij)`.
    pub(crate) fn to_binary(&self) -> (Self, f64) {
        let (v, h) = self.units;
        let m = self.hidden();
        let row = |i: usize| &self.w[i * m..(i + 1) * m];
        let mut columns = vec![0.0; m];
        for i in 0..self.visible() {
            for (sum, w) in columns.iter_mut().zip(row(i)) {
                *sum += w;
            }
        }
        let constant = v.low() * self.a.iter().sum::<f64>()
            + h.low() * self.b.iter().sum::<f64>()
            + v.low() * h.low() * columns.iter().sum::<f64>();
        let machine = Self {
            a: (0..self.visible())
                .map(|i| v.span() * (self.a[i] + h.low() * row(i).iter().sum::<f64>()))
                .collect(),
            b: self
                .b
                .iter()
                .zip(&columns)
                .map(|(b, sum)| h.span() * (b + v.low() * sum))
                .collect(),
            w: self.w.iter().map(|w| v.span() * h.span() * w).collect(),
            units: (Units::Binary, Units::Binary),
        };
        (machine, constant)
    }

    /// The conditional distribution of the free units given the others: a machine again.
    ///
    /// `visible` and `hidden` are rows of bits, of which the clamped units are read.
    pub(crate) fn clamped(
        &self,
        visible: &[u64],
        hidden: &[u64],
        free: (&[usize], &[usize]),
    ) -> (Vec<f64>, Vec<f64>) {
        let m = self.hidden();
        let bit = |row: &[u64], i: usize| row[i / 64] >> (i % 64) & 1 == 1;
        let mut is_free = (vec![false; self.visible()], vec![false; m]);
        free.0.iter().for_each(|&i| is_free.0[i] = true);
        free.1.iter().for_each(|&j| is_free.1[j] = true);
        let mut a: Vec<f64> = free.0.iter().map(|&i| self.a[i]).collect();
        let mut b: Vec<f64> = free.1.iter().map(|&j| self.b[j]).collect();
        for j in (0..m).filter(|&j| !is_free.1[j]) {
            let h = self.units.1.value(bit(hidden, j));
            for (to, &i) in a.iter_mut().zip(free.0) {
                *to += h * self.w[i * m + j];
            }
        }
        for i in (0..self.visible()).filter(|&i| !is_free.0[i]) {
            let v = self.units.0.value(bit(visible, i));
            for (to, &j) in b.iter_mut().zip(free.1) {
                *to += v * self.w[i * m + j];
            }
        }
        (a, b)
    }

    /// Fields `b + v W` of the hidden units.
    #[inline(always)]
    pub(crate) fn fields(&self, visible: &[u64], out: &mut [f64]) {
        out.copy_from_slice(&self.b);
        for (i, row) in self.w.chunks_exact(self.hidden().max(1)).enumerate() {
            let s = self.units.0.value(visible[i / 64] >> (i % 64) & 1 == 1);
            if s != 0.0 {
                for (x, w) in out.iter_mut().zip(row) {
                    *x += s * w;
                }
            }
        }
    }

    /// `a.v`.
    pub(crate) fn bias_energy(&self, visible: &[u64]) -> f64 {
        let value = |i: usize| self.units.0.value(visible[i / 64] >> (i % 64) & 1 == 1);
        self.a.iter().enumerate().map(|(i, a)| a * value(i)).sum()
    }

    /// `F(v) = -a.v - sum_j ln sum_h exp(h x_j)` of every row.
    pub fn free_energies(&self, rows: &[u64], control: &Control) -> Result<Vec<f64>, Error> {
        self.by_rows(rows, control, |v, fields, out| {
            self.fields(v, fields);
            out.push(-self.bias_energy(v) - log_sums(self.units.1, fields));
        })
    }

    /// What `one(row, room for fields, out)` says of every row, in their order.
    fn by_rows(
        &self,
        rows: &[u64],
        control: &Control,
        one: impl Fn(&[u64], &mut [f64], &mut Vec<f64>) + Sync,
    ) -> Result<Vec<f64>, Error> {
        let wide = words(self.visible());
        let blocks: Vec<Vec<f64>> = rows
            .par_chunks(BLOCK * wide)
            .map(|block| {
                control.check()?;
                let mut fields = vec![0.0; self.hidden()];
                let mut out = Vec::new();
                for v in block.chunks_exact(wide) {
                    one(v, &mut fields, &mut out);
                }
                Ok(out)
            })
            .collect::<Result<_, Error>>()?;
        Ok(blocks.concat())
    }

    /// Means of the hidden units given every row, row after row.
    pub fn means(&self, rows: &[u64], control: &Control) -> Result<Vec<f64>, Error> {
        self.by_rows(rows, control, |v, fields, out| {
            self.fields(v, fields);
            out.extend(fields.iter().map(|&x| self.units.1.mean(x)));
        })
    }

    /// Both directions in single precision, for sampling.
    pub(crate) fn layers(&self, level: Level) -> (Layer, Layer) {
        let single = |x: &[f64]| x.iter().map(|&x| x as f32).collect::<Vec<_>>();
        let (a, b, w) = (single(&self.a), single(&self.b), single(&self.w));
        let (n, m) = (self.visible(), self.hidden());
        let mut forward = Layer::new(n, m, self.units.0, self.units.1);
        let mut backward = Layer::new(m, n, self.units.1, self.units.0);
        forward.set(level, &b, &w);
        backward.set_transposed(level, &a, &w);
        (forward, backward)
    }
}
