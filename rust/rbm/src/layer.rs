//! From the bits of one layer to the fields, means and samples of the other one.
//!
//! `field_j = bias_j + sum_i s_i W_ij` with two-valued s_i needs no multiplications: for each group
//! of four inputs the sixteen possible partial sums are tabulated (the "method of the four
//! Russians"), and a row of inputs picks one entry per group. Per row that is a quarter of the
//! additions of a matrix product, all of them lane-wise over 32 outputs in a fixed order. The
//! tables of one word of inputs and one panel of outputs take 32 KiB, so that they stay in the
//! first-level cache while a block of rows goes through.

use crate::bits::{BLOCK, words};
use crate::lanes::{LANES, RandomLanes, exp, uniform};
use crate::units::Units;
use kadanoff_runtime::simd::{Instructions, Kernel, Level, dispatch};

/// Outputs that are worked on together.
pub(crate) const PANEL: usize = 32;
/// Inputs of a group, and entries of its table.
pub(crate) const GROUP: usize = 4;
const ENTRIES: usize = 1 << GROUP;
/// Groups of a full word.
pub(crate) const GROUPS: usize = 64 / GROUP;

pub(crate) type Vector = [f32; PANEL];
/// Sums over a group of inputs, one for each of its states.
pub(crate) type Table = [Vector; ENTRIES];
/// Nothing but zeros.
pub(crate) const ZERO_TABLE: Table = [[0.0; PANEL]; ENTRIES];

/// The sixteen sums `sum_k s_k row_k` over four two-valued inputs.
#[inline(always)]
pub(crate) fn tabulate(rows: &[Vector; GROUP], units: Units, table: &mut Table) {
    match units {
        Units::Binary | Units::OneHot(_) => tabulate_as::<false>(rows, table),
        Units::Spin => tabulate_as::<true>(rows, table),
    }
}

#[inline(always)]
fn tabulate_as<const SPIN: bool>(rows: &[Vector; GROUP], table: &mut Table) {
    // Both units of a pair: (down, down), (up, down), (down, up), (up, up).
    let pair = |x: f32, y: f32| {
        if SPIN {
            [-x - y, x - y, y - x, x + y]
        } else {
            [0.0, x, y, x + y]
        }
    };
    for half in 0..PANEL / LANES {
        for c in half * LANES..(half + 1) * LANES {
            let low = pair(rows[0][c], rows[1][c]);
            let high = pair(rows[2][c], rows[3][c]);
            for m in 0..ENTRIES {
                table[m][c] = low[m & 3] + high[m >> 2];
            }
        }
    }
}

/// Adds the entries that the bits of `word` pick.
#[inline(always)]
pub(crate) fn accumulate(sum: &mut Vector, tables: &[Table], word: u64) {
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

/// Couplings of four inputs from i on and a panel of outputs, from `weights[i * outputs + j]`.
#[inline(always)]
pub(crate) fn gather(
    weights: &[f32],
    (inputs, outputs): (usize, usize),
    (i, first): (usize, usize),
    rows: &mut [Vector; GROUP],
) {
    let count = PANEL.min(outputs - first);
    for (k, row) in rows.iter_mut().enumerate() {
        *row = [0.0; PANEL];
        if i + k < inputs {
            let from = &weights[(i + k) * outputs + first..];
            if let Some(full) = from.first_chunk::<PANEL>()
                && count == PANEL
            {
                *row = *full;
            } else {
                row[..count].copy_from_slice(&from[..count]);
            }
        }
    }
}

/// The same from `weights[j * inputs + i]`.
#[inline(always)]
pub(crate) fn gather_transposed(
    weights: &[f32],
    (inputs, outputs): (usize, usize),
    (i, first): (usize, usize),
    rows: &mut [Vector; GROUP],
) {
    let count = PANEL.min(outputs - first);
    *rows = [[0.0; PANEL]; GROUP];
    for c in 0..count {
        let from = &weights[(first + c) * inputs + i..];
        if let Some(four) = from.first_chunk::<GROUP>()
            && i + GROUP <= inputs
        {
            for k in 0..GROUP {
                rows[k][c] = four[k];
            }
        } else {
            for k in 0..inputs - i {
                rows[k][c] = from[k];
            }
        }
    }
}

/// One direction of a machine, ready to be sampled.
#[derive(Debug, Clone)]
pub(crate) struct Layer {
    inputs: usize,
    outputs: usize,
    from: Units,
    to: Units,
    bias: Vec<Vector>,
    tables: Vec<Table>, // [panel][group of inputs]
}

/// Where in a linear interpolation `field = beta * field + (1 - beta) * base` a layer is taken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tempered<'a> {
    /// 1 for the machine itself.
    pub beta: f32,
    /// Fields of the units at beta = 0; empty for zero.
    pub base: &'a [f32],
}

impl Tempered<'_> {
    /// The machine itself.
    pub(crate) const ONE: Self = Tempered {
        beta: 1.0,
        base: &[],
    };
}

impl Layer {
    /// A layer without couplings; `set` gives it some.
    pub(crate) fn new(inputs: usize, outputs: usize, from: Units, to: Units) -> Self {
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

    /// Takes biases and couplings; `weights(i, first, rows)` fills rows with W_{i + k, first + c}.
    #[inline(always)]
    fn fill(&mut self, bias: &[f32], weights: impl Fn(usize, usize, &mut [Vector; GROUP])) {
        let groups = self.inputs.div_ceil(GROUP);
        for (panel, to) in self.bias.iter_mut().enumerate() {
            let first = panel * PANEL;
            let count = PANEL.min(self.outputs - first);
            to[..count].copy_from_slice(&bias[first..first + count]);
            let mut rows = [[0.0; PANEL]; GROUP];
            for g in 0..groups {
                weights(g * GROUP, first, &mut rows);
                tabulate(&rows, self.from, &mut self.tables[panel * groups + g]);
            }
        }
    }

    /// Takes biases and `weights[i * outputs + j]`.
    pub(crate) fn set(&mut self, level: Level, bias: &[f32], weights: &[f32]) {
        struct Set<'a>(&'a mut Layer, &'a [f32], &'a [f32]);
        impl Kernel for Set<'_> {
            type Output = ();
            #[inline(always)]
            fn run<I: Instructions>(self) {
                let Self(layer, bias, weights) = self;
                let (inputs, outputs) = (layer.inputs, layer.outputs);
                layer.fill(bias, |i, first, rows| {
                    gather(weights, (inputs, outputs), (i, first), rows);
                });
            }
        }
        dispatch(level, Set(self, bias, weights));
    }

    /// Takes biases and `weights[j * inputs + i]`.
    pub(crate) fn set_transposed(&mut self, level: Level, bias: &[f32], weights: &[f32]) {
        struct Set<'a>(&'a mut Layer, &'a [f32], &'a [f32]);
        impl Kernel for Set<'_> {
            type Output = ();
            #[inline(always)]
            fn run<I: Instructions>(self) {
                let Self(layer, bias, weights) = self;
                let (inputs, outputs) = (layer.inputs, layer.outputs);
                layer.fill(bias, |i, first, rows| {
                    gather_transposed(weights, (inputs, outputs), (i, first), rows);
                });
            }
        }
        dispatch(level, Set(self, bias, weights));
    }

    /// Columns of the arrays of fields and means: the outputs, padded to whole panels.
    pub(crate) fn padded(&self) -> usize {
        self.bias.len() * PANEL
    }

    /// Number of outputs.
    pub(crate) fn outputs(&self) -> usize {
        self.outputs
    }

    /// Fields of a block of rows into `out[row * padded + j]`.
    pub(crate) fn fields(&self, level: Level, input: &[u64], out: &mut [f32]) {
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

    /// Samples of the outputs as bits, and their means as well if `means` is given.
    pub(crate) fn sample(
        &self,
        level: Level,
        input: &[u64],
        at: Tempered<'_>,
        random: &mut RandomLanes,
        out: &mut [u64],
        means: Option<&mut [f32]>,
    ) {
        let rows = input.len() / words(self.inputs).max(1);
        let pass = |want| Pass {
            layer: self,
            input,
            rows,
            at,
            want,
        };
        let Units::OneHot(states) = self.to else {
            dispatch(level, pass(Want::Samples(random, out, means)));
            return;
        };
        let mut fields = vec![0.0; rows * self.padded()];
        dispatch(level, pass(Want::Fields(&mut fields)));
        dispatch(
            level,
            Groups {
                fields: &mut fields,
                padded: self.padded(),
                outputs: self.outputs,
                states,
                random,
                out,
            },
        );
    }
}

/// Draws one unit of every group with the probabilities `e^{x_k} / sum_l e^{x_l}`.
pub(crate) struct Groups<'a> {
    /// Fields of some rows, overwritten.
    pub fields: &'a mut [f32],
    pub padded: usize,
    pub outputs: usize,
    pub states: usize,
    pub random: &'a mut RandomLanes,
    pub out: &'a mut [u64],
}

impl Kernel for Groups<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self) {
        let width = words(self.outputs);
        let rows = self.fields.chunks_exact_mut(self.padded);
        for (fields, row) in rows.zip(self.out.chunks_exact_mut(width)) {
            row.fill(0);
            for group in fields[..self.outputs].chunks_exact_mut(self.states) {
                let most = group.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                group.iter_mut().for_each(|x| *x -= most);
            }
            fields.iter_mut().for_each(|x| *x = exp(*x));
            let mut numbers = [0; LANES];
            let groups = fields[..self.outputs].chunks_exact(self.states);
            for (g, weights) in groups.enumerate() {
                if g % LANES == 0 {
                    numbers = self.random.next();
                }
                let mut rest = uniform(numbers[g % LANES]) * weights.iter().sum::<f32>();
                let mut state = 0;
                // The last state takes what rounding leaves.
                while state + 1 < self.states && rest >= weights[state] {
                    rest -= weights[state];
                    state += 1;
                }
                let unit = g * self.states + state;
                row[unit / 64] |= 1 << (unit % 64);
            }
        }
    }
}

enum Want<'a> {
    Fields(&'a mut [f32]),
    Samples(&'a mut RandomLanes, &'a mut [u64], Option<&'a mut [f32]>),
}

struct Pass<'a> {
    layer: &'a Layer,
    input: &'a [u64],
    rows: usize,
    at: Tempered<'a>,
    want: Want<'a>,
}

impl Kernel for Pass<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self) {
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
        for (panel, bias) in layer.bias.iter().enumerate() {
            let first = panel * PANEL;
            let count = PANEL.min(layer.outputs - first);
            let mut fields = [*bias; BLOCK];
            let fields = &mut fields[..rows.min(BLOCK)];
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
                Want::Samples(random, out, means) => {
                    let keep = u32::MAX >> (PANEL - count);
                    for (r, sum) in fields.iter().enumerate() {
                        let inverse = boltzmann(sum, layer.to);
                        let bits = u64::from(draw(&inverse, random) & keep);
                        let word = &mut out[r * words_out + panel / 2];
                        if panel % 2 == 0 {
                            *word = bits;
                        } else {
                            *word |= bits << PANEL;
                        }
                        if let Some(means) = means {
                            let start = r * padded + first;
                            mean(&inverse, layer.to, &mut means[start..start + PANEL]);
                        }
                    }
                }
            }
        }
    }
}

/// `e^{-span x}`: the weight of the lower value relative to the upper one.
#[inline(always)]
pub(crate) fn boltzmann(fields: &Vector, units: Units) -> Vector {
    let span = units.span() as f32;
    let mut out = [0.0; PANEL];
    for (to, &x) in out.iter_mut().zip(fields) {
        *to = exp(-span * x);
    }
    out
}

#[inline(always)]
pub(crate) fn mean(inverse: &Vector, units: Units, out: &mut [f32]) {
    let (low, span) = (units.low() as f32, units.span() as f32);
    for (to, &e) in out.iter_mut().zip(inverse) {
        *to = low + span / (1.0 + e);
    }
}

/// Bit c is up with probability 1 / (1 + e_c): `u < 1 / (1 + e)` without the division.
#[inline(always)]
pub(crate) fn draw(inverse: &Vector, random: &mut RandomLanes) -> u32 {
    let mut marks = [0u32; LANES];
    for half in 0..PANEL / LANES {
        let numbers = random.next();
        for c in 0..LANES {
            let at = half * LANES + c;
            let u = uniform(numbers[c]);
            marks[c] |= u32::from(u + u * inverse[at] < 1.0) << at;
        }
    }
    marks.iter().fold(0, |bits, mark| bits | mark)
}

#[cfg(test)]
mod tests;
