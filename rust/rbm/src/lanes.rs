//! Sixteen random number generators side by side, and the exponential function that they meet.

use kadanoff_runtime::random;
use rand::Rng;

/// Generators side by side.
pub(crate) const LANES: usize = 16;

/// Sixteen xoshiro128++ generators (Blackman, Vigna 2021, doi:10.1145/3460772).
#[derive(Debug, Clone)]
pub(crate) struct RandomLanes {
    state: [[u32; LANES]; 4],
}

impl RandomLanes {
    /// Stream number `index` of `seed`.
    pub(crate) fn new(seed: u64, index: u64) -> Self {
        let mut source = random::stream(seed, index);
        let mut state = [[0; LANES]; 4];
        for word in &mut state {
            for pair in word.chunks_exact_mut(2) {
                let bits = source.next_u64();
                pair[0] = bits as u32;
                pair[1] = (bits >> 32) as u32;
            }
        }
        // The state 0 is a fixed point; it has probability 2^-128.
        for lane in 0..LANES {
            if state.iter().all(|word| word[lane] == 0) {
                state[0][lane] = 1;
            }
        }
        Self { state }
    }

    /// One number of 32 bits from every lane.
    #[inline(always)]
    pub(crate) fn next(&mut self) -> [u32; LANES] {
        let [s0, s1, s2, s3] = &mut self.state;
        let mut out = [0; LANES];
        for i in 0..LANES {
            out[i] = s0[i].wrapping_add(s3[i]).rotate_left(7).wrapping_add(s0[i]);
            let t = s1[i] << 9;
            s2[i] ^= s0[i];
            s3[i] ^= s1[i];
            s1[i] ^= s2[i];
            s0[i] ^= s3[i];
            s2[i] ^= t;
            s3[i] = s3[i].rotate_left(11);
        }
        out
    }
}

/// A uniform number from the middles of 2^23 equal intervals of (0, 1): exact in single precision,
/// symmetric about 1/2, and never 0 or 1.
#[inline(always)]
pub(crate) fn uniform(bits: u32) -> f32 {
    // With the exponent of 1 the 23 bits are the mantissa of a number in [1, 2).
    let one_to_two = f32::from_bits(0x3F80_0000 | (bits >> 9));
    (one_to_two - 1.0) + 5.960_464_5e-8
}

/// `e^x` to two units in the last place, for |x| <= 87 and its bound beyond (Cephes `expf`).
///
/// Separate products and sums, no fused ones: the same bits with every instruction set.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    const SHIFT: f32 = 12_582_912.0; // 1.5 * 2^23: the sum's last bits are the nearest integer
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let x = if x > 87.0 { 87.0 } else { x };
    let x = if x < -87.0 { -87.0 } else { x };
    let shifted = x * std::f32::consts::LOG2_E + SHIFT;
    let n = shifted - SHIFT;
    let r = (x - n * LN2_HIGH) - n * LN2_LOW;
    let mut p = 1.987_569_1e-4;
    p = p * r + 1.398_2e-3;
    p = p * r + 8.333_452e-3;
    p = p * r + 4.166_579_6e-2;
    p = p * r + 1.666_666_5e-1;
    p = p * r + 5e-1;
    let scale = f32::from_bits(shifted.to_bits().wrapping_add(127) << 23);
    (p * (r * r) + r + 1.0) * scale
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_xoshiro::Xoshiro128PlusPlus;
    use rand_xoshiro::rand_core::SeedableRng;

    #[test]
    fn every_lane_is_xoshiro128_plus_plus() {
        let mut lanes = RandomLanes::new(3, 5);
        let mut single: Vec<Xoshiro128PlusPlus> = (0..LANES)
            .map(|i| {
                let bytes: Vec<u8> = lanes
                    .state
                    .iter()
                    .flat_map(|word| word[i].to_le_bytes())
                    .collect();
                Xoshiro128PlusPlus::from_seed(bytes.try_into().unwrap())
            })
            .collect();
        for _ in 0..100 {
            let expected: Vec<u32> = single.iter_mut().map(|s| s.next_u32()).collect();
            assert_eq!(lanes.next().to_vec(), expected);
        }
    }

    #[test]
    fn uniform_numbers_stay_inside_and_are_symmetric() {
        assert_eq!(uniform(0), 2f32.powi(-24));
        assert_eq!(uniform(u32::MAX), 1.0 - 2f32.powi(-24));
        for bits in [1u32 << 9, 77 << 9, 12345 << 12] {
            assert_eq!(uniform(bits) + uniform(!bits), 1.0);
        }
    }

    #[test]
    fn exponentials_are_right_to_two_units_in_the_last_place() {
        let mut worst = 0.0f64;
        for i in -86_999..=86_999 {
            let x = i as f32 * 1e-3;
            let exact = f64::from(x).exp();
            worst = worst.max((f64::from(exp(x)) / exact - 1.0).abs());
        }
        assert!(worst < 2.0 * 2f64.powi(-23), "{worst:e}");
        assert_eq!(exp(500.0), exp(87.0));
        assert_eq!(exp(-500.0), exp(-87.0));
    }
}
