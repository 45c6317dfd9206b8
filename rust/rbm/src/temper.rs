//! Exchange of replicas at different inverse temperatures.
//!
//! The replica at beta follows `p(v) ~ exp((1 - beta) a0.v + beta a.v) prod_j Z_j(beta x_j)` with the
//! hidden fields `x = b + v W` and hidden units summed; two neighbours swap configurations
//! with the probability `min(1, p_r(v_s) p_s(v_r) / p_r(v_r) p_s(v_s))`.

use crate::bits::{BLOCK, words};
use crate::layer::Layer;
use crate::units::Units;
use kadanoff_runtime::exponential::{INVERSE_FACTORIALS, LN_2, ROUND};
use kadanoff_runtime::random::Stream;
use kadanoff_runtime::simd::{Instructions, Kernel, Level, dispatch};
use rand::Rng;

/// Doubles that are worked on together.
const LANES: usize = 8;
/// Units whose factors are multiplied before a logarithm is taken: at most 2 each, no overflow.
const TOGETHER: usize = 512;

/// The distributions between which replicas move.
pub(crate) struct Path<'a> {
    pub level: Level,
    pub forward: &'a Layer,
    pub a: &'a [f32],
    pub base: &'a [f32],
    pub units: (Units, Units),
    pub betas: &'a [f32],
}

/// Offers one exchange to every second pair of neighbours of every chain.
///
/// `chains` holds visible units, `[replica][chain]`; even rounds begin at the first replica.
pub(crate) fn exchange(
    path: &Path<'_>,
    chains: &mut [u64],
    count: usize,
    round: u64,
    source: &mut Stream,
) {
    let wide = words(path.a.len());
    let padded = path.forward.padded();
    let replicas = path.betas.len();
    let mut fields = vec![0.0f32; BLOCK * padded];
    let bias = Biases::new(path.a, path.base, path.units.0);
    let first = (round % 2) as usize;
    let pairs = (replicas - first.min(replicas)) / 2;
    // Of every replica that has a partner: how its log weight changes at the partner's temperature.
    let mut gain = vec![0.0f64; 2 * pairs * count];
    let begin = first * count;
    let paired = &chains[begin * wide..(begin + gain.len()) * wide];
    let blocks = paired.chunks(BLOCK * wide).zip(gain.chunks_mut(BLOCK));
    for (block, (bits, gain)) in blocks.enumerate() {
        path.forward.fields(path.level, bits, &mut fields);
        let work = Gains {
            fields: &fields,
            padded,
            hidden: path.forward.outputs(),
            units: path.units.1,
            bits,
            bias: &bias,
            betas: |row| {
                let replica = first + (block * BLOCK + row) / count;
                let partner = first + ((replica - first) ^ 1);
                [path.betas[replica], path.betas[partner]].map(f64::from)
            },
            out: gain,
        };
        dispatch(path.level, work);
    }
    for pair in 0..pairs {
        for chain in 0..count {
            let (r, s) = (2 * pair * count + chain, (2 * pair + 1) * count + chain);
            let u = ((source.next_u64() >> 11) as f64 + 0.5) * 2f64.powi(-53);
            if u < (gain[r] + gain[s]).exp() {
                for w in 0..wide {
                    chains.swap((begin + r) * wide + w, (begin + s) * wide + w);
                }
            }
        }
    }
}

/// `sum_i s_i (a_i - a0_i)` of the visible units: what the biases add to the slope in beta.
struct Biases {
    /// Of all units at their lower values.
    low: f64,
    /// What the upper values add, padded with zeros to whole words.
    up: Vec<f64>,
}

impl Biases {
    fn new(a: &[f32], base: &[f32], units: Units) -> Self {
        let base = base.iter().copied().chain(std::iter::repeat(0.0));
        let slopes = a
            .iter()
            .zip(base)
            .map(|(&a, b)| f64::from(a) - f64::from(b));
        let mut up: Vec<f64> = slopes.collect();
        let low = units.low() * up.iter().sum::<f64>();
        up.iter_mut().for_each(|x| *x *= units.span());
        up.resize(64 * words(a.len()), 0.0);
        Self { low, up }
    }

    #[inline(always)]
    fn slope(&self, row: &[u64]) -> f64 {
        let mut sums = [0.0; LANES];
        for (&word, up) in row.iter().zip(self.up.chunks_exact(64)) {
            for (byte, up) in up.chunks_exact(LANES).enumerate() {
                for l in 0..LANES {
                    let bit = word >> (LANES * byte + l) & 1;
                    sums[l] += if bit == 1 { up[l] } else { 0.0 };
                }
            }
        }
        self.low + sums.iter().sum::<f64>()
    }
}

/// Change of the log weight of every row from the first inverse temperature to the second.
struct Gains<'a, F> {
    fields: &'a [f32],
    padded: usize,
    hidden: usize,
    units: Units,
    bits: &'a [u64],
    bias: &'a Biases,
    betas: F,
    out: &'a mut [f64],
}

impl<F: Fn(usize) -> [f64; 2]> Kernel for Gains<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<I: Instructions>(self) {
        let wide = self.bits.len() / self.out.len().max(1);
        for (row, out) in self.out.iter_mut().enumerate() {
            let [own, other] = (self.betas)(row);
            let fields = &self.fields[row * self.padded..][..self.hidden];
            let slope = self.bias.slope(&self.bits[row * wide..(row + 1) * wide]);
            *out = (other - own) * slope + difference(fields, self.units, own, other);
        }
    }
}

/// `sum_j ln Z(to x_j) - ln Z(from x_j)`, Z(x) the sum over a unit in the field x.
#[inline(always)]
fn difference(fields: &[f32], units: Units, from: f64, to: f64) -> f64 {
    // ln Z = max(low x, high x) + ln(1 + exp(-span |x|)).
    let (span, low) = (units.span(), units.low());
    let high = low + span;
    let mut total = 0.0;
    for part in fields.chunks(TOGETHER) {
        let mut linear = [0.0; LANES];
        let mut factors = [[1.0; LANES]; 2];
        for chunk in part.chunks(LANES) {
            // Padded with fields zero, whose factors are the same at both temperatures.
            let mut x = [0.0; LANES];
            for (x, &field) in x.iter_mut().zip(chunk) {
                *x = f64::from(field);
            }
            let mut exponents = [[0.0; LANES]; 2];
            for l in 0..LANES {
                let most = if x[l] > 0.0 { high * x[l] } else { low * x[l] };
                linear[l] += most;
                exponents[0][l] = -span * (from * x[l]).abs();
                exponents[1][l] = -span * (to * x[l]).abs();
            }
            let below = [exp(exponents[0]), exp(exponents[1])];
            for l in 0..LANES {
                factors[0][l] *= 1.0 + below[0][l];
                factors[1][l] *= 1.0 + below[1][l];
            }
        }
        let mut ratio = 1.0;
        for l in 0..LANES {
            ratio *= factors[1][l] / factors[0][l];
        }
        total += (to - from) * linear.iter().sum::<f64>() + ratio.ln();
    }
    total
}

/// `e^x` for x <= 0, to some units in the last place; that of -700 below.
///
/// Separate products and sums, no fused ones: the same bits with every instruction set. All lanes
/// take a step before the next one, so that each is one operation on vectors.
#[inline(always)]
fn exp(mut x: [f64; LANES]) -> [f64; LANES] {
    let (mut shifted, mut r) = ([0.0; LANES], [0.0; LANES]);
    for l in 0..LANES {
        x[l] = if x[l] < -700.0 { -700.0 } else { x[l] };
        shifted[l] = x[l] * std::f64::consts::LOG2_E + ROUND;
        let n = shifted[l] - ROUND;
        r[l] = (x[l] - n * LN_2.0) - n * LN_2.1;
    }
    // From the term k = 12 down: the next is below 2e-16.
    let mut p = [INVERSE_FACTORIALS[1]; LANES];
    for &inverse in &INVERSE_FACTORIALS[2..] {
        for l in 0..LANES {
            p[l] = p[l] * r[l] + inverse;
        }
    }
    for l in 0..LANES {
        p[l] *= f64::from_bits(shifted[l].to_bits().wrapping_add(1023) << 52);
    }
    p
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponentials_are_right_to_some_units_in_the_last_place() {
        for i in 0..7000 {
            let x = -0.1 * f64::from(i);
            let found = exp([x; LANES])[0];
            assert!((found / x.exp() - 1.0).abs() < 4.0 * f64::EPSILON, "{x}");
        }
        assert_eq!(exp([-1e9; LANES]), exp([-700.0; LANES]));
    }

    #[test]
    fn differences_are_those_of_sums_over_single_units() {
        for units in [Units::Binary, Units::Spin] {
            for count in [1, 8, 37, 1200] {
                let fields: Vec<f32> = (0..count).map(|i| (i as f32 * 0.7).sin() * 9.0).collect();
                let sum = |beta: f64| -> f64 {
                    let each = |&x: &f32| units.log_sum(beta * f64::from(x));
                    fields.iter().map(each).sum()
                };
                let found = difference(&fields, units, 0.3, 0.8);
                let expected = sum(0.8) - sum(0.3);
                // Rounding of a sum of `count` terms of order ten.
                assert!(
                    (found - expected).abs() < 1e-14 * 10.0 * count as f64,
                    "{count}"
                );
            }
        }
    }

    #[test]
    fn slopes_are_sums_over_the_units() {
        let (a, base): (Vec<f32>, Vec<f32>) = (0..70)
            .map(|i| (0.1 * i as f32, 0.3 - 0.01 * i as f32))
            .unzip();
        let row = [0x1234_5678_9abc_def0, 0b10_1101];
        for units in [Units::Binary, Units::Spin] {
            for base in [&base[..], &[]] {
                let expected: f64 = (0..70)
                    .map(|i| {
                        let base = base.get(i).copied().unwrap_or(0.0);
                        let slope = f64::from(a[i]) - f64::from(base);
                        units.value(row[i / 64] >> (i % 64) & 1 == 1) * slope
                    })
                    .sum();
                let found = Biases::new(&a, base, units).slope(&row);
                // Seventy terms of order ten.
                assert!((found - expected).abs() < 1e-12);
            }
        }
    }
}
