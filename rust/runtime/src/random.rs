//! Seeded random streams: one for each chain, replica or sample, never one for each thread.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;

/// The generator of every sampler.
pub type Stream = Xoshiro256PlusPlus;

/// One step of SplitMix64: a bijection of 64 bits that leaves no pattern of the input.
///
/// ```
/// use kadanoff_runtime::random::mix;
///
/// // Neighbours differ in about half of their bits.
/// assert!((16..48).contains(&(mix(1) ^ mix(2)).count_ones()));
/// ```
pub fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// Stream number `index` of `seed`: the same numbers whatever runs beside it.
///
/// The 256 bits of state are four different mixings of the pair, so that neighbouring seeds and
/// neighbouring indices have nothing in common.
///
/// ```
/// use kadanoff_runtime::random::stream;
///
/// assert_eq!(stream(7, 0), stream(7, 0));
/// assert_ne!(stream(7, 0), stream(7, 1));
/// assert_ne!(stream(7, 0), stream(8, 0));
/// ```
pub fn stream(seed: u64, index: u64) -> Stream {
    let mut state = [0u8; 32];
    let mut x = mix(mix(seed) ^ index.rotate_left(32));
    for word in state.chunks_exact_mut(8) {
        x = mix(x);
        word.copy_from_slice(&x.to_le_bytes());
    }
    Stream::from_seed(state)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_xoshiro::rand_core::Rng;

    #[test]
    fn a_stream_is_its_seed_and_index() {
        let draw = |seed, index| stream(seed, index).next_u64();
        assert_eq!(draw(1, 2), draw(1, 2));
        let mut drawn = std::collections::HashSet::new();
        for seed in 0..64 {
            for index in 0..64 {
                assert!(drawn.insert(draw(seed, index)), "{seed} {index}");
            }
        }
    }
}
