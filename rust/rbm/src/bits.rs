//! Configurations as bits, 64 units per word; unit i is bit i % 64 of word i / 64.

/// Rows that are worked on together, and that share one random stream.
pub const BLOCK: usize = 64;

/// Words that `units` bits need.
///
/// ```
/// assert_eq!([1, 64, 65].map(kadanoff_rbm::words), [1, 1, 2]);
/// ```
pub fn words(units: usize) -> usize {
    units.div_ceil(64)
}

/// Transposes a square of 64 by 64 bits: bit j of word i becomes bit i of word j.
///
/// Warren, Hacker's Delight, 2nd ed. (2012), section 7-3.
#[inline(always)]
pub(crate) fn transpose(square: &mut [u64; 64]) {
    let mut mask = 0x0000_0000_FFFF_FFFFu64;
    let mut width = 32;
    while width != 0 {
        let mut start = 0;
        while start < 64 {
            for i in start..start + width {
                let t = ((square[i] >> width) ^ square[i + width]) & mask;
                square[i] ^= t << width;
                square[i + width] ^= t;
            }
            start += 2 * width;
        }
        width >>= 1;
        mask ^= mask << width;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transposition_moves_every_bit() {
        let mut square = [0u64; 64];
        let mut x = 1u64;
        for row in &mut square {
            x = kadanoff_runtime::random::mix(x);
            *row = x;
        }
        let before = square;
        transpose(&mut square);
        for i in 0..64 {
            for j in 0..64 {
                assert_eq!(before[i] >> j & 1, square[j] >> i & 1);
            }
        }
    }
}
