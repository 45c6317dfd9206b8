//! From the bits of one layer to the fields, means and samples of the other one.
//!
//! `field_j = bias_j + sum_i s_i W_ij` with two-valued s_i needs no multiplications: for each group
//! of four inputs the sixteen possible partial sums are tabulated (the "method of the four
//! Russians"), and a row of inputs picks one entry a group. Per row that is a quarter of the
//! additions of a matrix product, all of them lane-wise over 32 outputs in a fixed order. The
//! tables of one word of inputs and one panel of outputs take 32 KiB, so that they stay in the
//! first-level cache while a block of rows goes through.

use crate::bits::{BLOCK, words};
use crate::lanes::{LANES, Lanes, exp, uniform};
use crate::simd::{Kernel, Level, dispatch};
use crate::units::Units;

/// Outputs that are worked on together.
pub const PANEL: usize = 32;
/// Inputs of a group, and entries of its table.
const GROUP: usize = 4;
const ENTRIES: usize = 1 << GROUP;
/// Groups of a full word.
const GROUPS: usize = 64 / GROUP;

type Vector = [f32; PANEL];
type Table = [Vector; ENTRIES];

/// The sixteen sums `sum_k s_k row_k` over four two-valued inputs.
#[inline(always)]
fn tabulate(rows: &[Vector; GROUP], units: Units, table: &mut Table) {
    let mut pairs = [[[0.0f32; PANEL]; 4]; 2];
    for (pair, rows) in pairs.iter_mut().zip(rows.chunks_exact(2)) {
        for c in 0..PANEL {
            let (x, y) = (rows[0][c], rows[1][c]);
            match units {
                Units::Binary => {
                    pair[1][c] = x;
                    pair[2][c] = y;
                    pair[3][c] = x + y;
                }
                Units::Spin => {
                    pair[0][c] = -x - y;
                    pair[1][c] = x - y;
                    pair[2][c] = y - x;
                    pair[3][c] = x + y;
                }
            }
        }
    }
    for (m, entry) in table.iter_mut().enumerate() {
        let (low, high) = (&pairs[0][m & 3], &pairs[1][m >> 2]);
        for c in 0..PANEL {
            entry[c] = low[c] + high[c];
        }
    }
}

/// Adds the entries that the bits of `word` pick.
#[inline(always)]
fn accumulate(sum: &mut Vector, tables: &[Table], word: u64) {
    let mut total = *sum;
    let mut rest = word;
    for table in tables {
        let entry = &table[(rest & (ENTRIES as u64 - 1)) as usize];
        for c in 0..PANEL {
            total[c] += entry[c];
        }
        rest >>= GROUP;
    }
    *sum = total;
}

/// One direction of a machine, ready to be sampled.
#[derive(Debug, Clone)]
pub struct Layer {
    inputs: usize,
    outputs: usize,
    from: Units,
    to: Units,
    bias: Vec<Vector>,
    tables: Vec<Table>, // [panel][group of inputs]
}

/// Where in a linear interpolation `field = beta * field + (1 - beta) * base` a layer is taken.
#[derive(Debug, Clone, Copy)]
pub struct Tempered<'a> {
    /// 1 for the machine itself.
    pub beta: f32,
    /// Fields of the units at beta = 0; empty for zero.
    pub base: &'a [f32],
}

impl Tempered<'_> {
    /// The machine itself.
    pub const ONE: Self = Tempered {
        beta: 1.0,
        base: &[],
    };
}

impl Layer {
    /// A layer without couplings; `set` gives it some.
    pub fn new(inputs: usize, outputs: usize, from: Units, to: Units) -> Self {
        let panels = outputs.div_ceil(PANEL);
        Self {
            inputs,
            outputs,
            from,
            to,
            bias: vec![[0.0; PANEL]; panels],
            tables: vec![[[0.0; PANEL]; ENTRIES]; panels * inputs.div_ceil(GROUP)],
        }
    }

    /// Takes biases and couplings; `weight(i, first, row)` fills `row` with W_i,first.. .
    #[inline(always)]
    fn fill(&mut self, bias: &[f32], weight: impl Fn(usize, usize, &mut [f32])) {
        let groups = self.inputs.div_ceil(GROUP);
        for (panel, to) in self.bias.iter_mut().enumerate() {
            let first = panel * PANEL;
            let count = PANEL.min(self.outputs - first);
            to[..count].copy_from_slice(&bias[first..first + count]);
            let mut rows = [[0.0; PANEL]; GROUP];
            for g in 0..groups {
                for (k, row) in rows.iter_mut().enumerate() {
                    if g * GROUP + k < self.inputs {
                        weight(g * GROUP + k, first, &mut row[..count]);
                    } else {
                        row.fill(0.0);
                    }
                }
                tabulate(&rows, self.from, &mut self.tables[panel * groups + g]);
            }
        }
    }

    /// Takes biases and `weights[i * outputs + j]`.
    pub fn set(&mut self, level: Level, bias: &[f32], weights: &[f32]) {
        struct Set<'a>(&'a mut Layer, &'a [f32], &'a [f32]);
        impl Kernel for Set<'_> {
            type Out = ();
            #[inline(always)]
            fn run(self) {
                let Self(layer, bias, weights) = self;
                let stride = layer.outputs;
                layer.fill(bias, |i, first, row| {
                    let from = i * stride + first;
                    row.copy_from_slice(&weights[from..from + row.len()]);
                });
            }
        }
        dispatch(level, Set(self, bias, weights));
    }

    /// Takes biases and `weights[j * inputs + i]`.
    pub fn set_transposed(&mut self, level: Level, bias: &[f32], weights: &[f32]) {
        struct Set<'a>(&'a mut Layer, &'a [f32], &'a [f32]);
        impl Kernel for Set<'_> {
            type Out = ();
            #[inline(always)]
            fn run(self) {
                let Self(layer, bias, weights) = self;
                let stride = layer.inputs;
                layer.fill(bias, |i, first, row| {
                    for (j, to) in row.iter_mut().enumerate() {
                        *to = weights[(first + j) * stride + i];
                    }
                });
            }
        }
        dispatch(level, Set(self, bias, weights));
    }

    /// Columns of the arrays of fields and means: the outputs, padded to whole panels.
    pub fn padded(&self) -> usize {
        self.bias.len() * PANEL
    }

    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Words of a row of inputs.
    pub fn words_in(&self) -> usize {
        words(self.inputs)
    }

    /// Fields of a block of rows into `out[row * padded + j]`.
    pub fn fields(&self, level: Level, input: &[u64], out: &mut [f32]) {
        let rows = input.len() / words(self.inputs).max(1);
        dispatch(
            level,
            Pass {
                layer: self,
                input,
                rows,
                at: Tempered::ONE,
                want: Want::Fields(out),
            },
        );
    }

    /// Means of the outputs, `out[row * padded + j]`.
    pub fn means(&self, level: Level, input: &[u64], at: Tempered<'_>, out: &mut [f32]) {
        let rows = input.len() / words(self.inputs).max(1);
        dispatch(
            level,
            Pass {
                layer: self,
                input,
                rows,
                at,
                want: Want::Means(out),
            },
        );
    }

    /// Samples of the outputs as bits, and their means as well if `means` is given.
    pub fn sample(
        &self,
        level: Level,
        input: &[u64],
        at: Tempered<'_>,
        random: &mut Lanes,
        out: &mut [u64],
        means: Option<&mut [f32]>,
    ) {
        let rows = input.len() / words(self.inputs).max(1);
        dispatch(
            level,
            Pass {
                layer: self,
                input,
                rows,
                at,
                want: Want::Samples(random, out, means),
            },
        );
    }
}

enum Want<'a> {
    Fields(&'a mut [f32]),
    Means(&'a mut [f32]),
    Samples(&'a mut Lanes, &'a mut [u64], Option<&'a mut [f32]>),
}

struct Pass<'a> {
    layer: &'a Layer,
    input: &'a [u64],
    rows: usize,
    at: Tempered<'a>,
    want: Want<'a>,
}

impl Kernel for Pass<'_> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let Pass {
            layer,
            input,
            rows,
            at,
            mut want,
        } = self;
        let groups = layer.inputs.div_ceil(GROUP);
        let words_in = words(layer.inputs);
        let words_out = words(layer.outputs);
        let padded = layer.padded();
        let mut fields = [[0.0f32; PANEL]; BLOCK];
        for (panel, bias) in layer.bias.iter().enumerate() {
            let first = panel * PANEL;
            let count = PANEL.min(layer.outputs - first);
            let fields = &mut fields[..rows.min(BLOCK)];
            fields.fill(*bias);
            let tables = &layer.tables[panel * groups..(panel + 1) * groups];
            for (w, tables) in tables.chunks(GROUPS).enumerate() {
                for (r, sum) in fields.iter_mut().enumerate() {
                    accumulate(sum, tables, input[r * words_in + w]);
                }
            }
            if at.beta != 1.0 {
                let mut base = [0.0; PANEL];
                if !at.base.is_empty() {
                    base[..count].copy_from_slice(&at.base[first..first + count]);
                }
                for sum in fields.iter_mut() {
                    for c in 0..PANEL {
                        sum[c] = at.beta * sum[c] + (1.0 - at.beta) * base[c];
                    }
                }
            }
            match &mut want {
                Want::Fields(out) => {
                    for (r, sum) in fields.iter().enumerate() {
                        let start = r * padded + first;
                        out[start..start + PANEL].copy_from_slice(sum);
                    }
                }
                Want::Means(out) => {
                    for (r, sum) in fields.iter().enumerate() {
                        let start = r * padded + first;
                        mean(sum, layer.to, &mut out[start..start + PANEL]);
                    }
                }
                Want::Samples(random, out, means) => {
                    let keep = u32::MAX >> (PANEL - count);
                    for (r, sum) in fields.iter().enumerate() {
                        let bits = u64::from(draw(sum, layer.to, random) & keep);
                        let word = &mut out[r * words_out + panel / 2];
                        if panel % 2 == 0 {
                            *word = bits;
                        } else {
                            *word |= bits << PANEL;
                        }
                        if let Some(means) = means {
                            let start = r * padded + first;
                            mean(sum, layer.to, &mut means[start..start + PANEL]);
                        }
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn mean(fields: &Vector, units: Units, out: &mut [f32]) {
    let (low, span) = (units.low() as f32, units.span() as f32);
    for (to, &x) in out.iter_mut().zip(fields) {
        *to = low + span / (1.0 + exp(-span * x));
    }
}

/// Bit c is up with probability sigmoid(span * field_c): `u < 1 / (1 + e^-x)` without the division.
#[inline(always)]
fn draw(fields: &Vector, units: Units, random: &mut Lanes) -> u32 {
    let span = units.span() as f32;
    let mut bits = 0;
    for half in 0..PANEL / LANES {
        let numbers = random.next();
        for c in 0..LANES {
            let at = half * LANES + c;
            let u = uniform(numbers[c]);
            let up = u + u * exp(-span * fields[at]) < 1.0;
            bits |= u32::from(up) << at;
        }
    }
    bits
}

/// Adds `sum_rows s_i(row) mean_j(row)` of a block to `out[i * padded + j]`.
///
/// `columns[i]` holds unit i of the rows, one bit a row; `means` has `padded` columns, and zeros in
/// rows that are not there.
pub struct Correlate<'a> {
    /// Unit i of up to 64 rows.
    pub columns: &'a [u64],
    /// What values its bits stand for.
    pub units: Units,
    /// Means of the other layer, 64 rows.
    pub means: &'a [f32],
    /// Columns of `means` and `out`.
    pub padded: usize,
    /// +1 or -1.
    pub sign: f32,
    /// Where to add.
    pub out: &'a mut [f32],
}

impl Kernel for Correlate<'_> {
    type Out = ();

    #[inline(always)]
    fn run(self) {
        let mut tables = [[[0.0f32; PANEL]; ENTRIES]; GROUPS];
        for first in (0..self.padded).step_by(PANEL) {
            for (g, table) in tables.iter_mut().enumerate() {
                let mut rows = [[0.0; PANEL]; GROUP];
                for (k, row) in rows.iter_mut().enumerate() {
                    let start = (g * GROUP + k) * self.padded + first;
                    let from = &self.means[start..start + PANEL];
                    for c in 0..PANEL {
                        row[c] = self.sign * from[c];
                    }
                }
                tabulate(&rows, self.units, table);
            }
            for (i, &word) in self.columns.iter().enumerate() {
                let start = i * self.padded + first;
                if let Some(sum) = self.out[start..].first_chunk_mut::<PANEL>() {
                    accumulate(sum, &tables, word);
                }
            }
        }
    }
}
