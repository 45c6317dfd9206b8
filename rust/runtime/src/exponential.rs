//! Constants of `e^x` by Cody and Waite's reduction: `x = n ln 2 + r` with `|r| <= ln 2 / 2`.
//!
//! The loops that need many exponentials differ in their lanes and in whether a product and a sum
//! may be fused; what they have in common is here.

/// 1.5 * 2^52: `x + ROUND` holds the integer nearest to `x` in its last bits, and `x + ROUND - ROUND`
/// is that integer.
pub const ROUND: f64 = 6_755_399_441_055_744.0;

/// ln 2 in two parts, the first of 32 bits, so that `n * LN_2.0` is exact.
pub const LN_2: (f64, f64) = (6.931_471_803_691_238e-1, 1.908_214_929_270_587_7e-10);

/// 1 / k! from k = 13 down: for `|r| <= ln 2 / 2` the terms from k = 13 and 14 on are below 2e-16
/// and 1e-17.
pub const INVERSE_FACTORIALS: [f64; 14] = [
    1.0 / 6_227_020_800.0,
    1.0 / 479_001_600.0,
    1.0 / 39_916_800.0,
    1.0 / 3_628_800.0,
    1.0 / 362_880.0,
    1.0 / 40_320.0,
    1.0 / 5_040.0,
    1.0 / 720.0,
    1.0 / 120.0,
    1.0 / 24.0,
    1.0 / 6.0,
    1.0 / 2.0,
    1.0,
    1.0,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_constants_are_those_of_the_exponential() {
        assert_eq!(2.4 + ROUND - ROUND, 2.0);
        assert_eq!(LN_2.0 + LN_2.1, std::f64::consts::LN_2);
        assert_eq!(LN_2.0.to_bits().trailing_zeros(), 53 - 32);
        let e: f64 = INVERSE_FACTORIALS.iter().sum();
        // The next terms are 1 / 14! and 1 / 15!.
        assert!((e - std::f64::consts::E).abs() < 1.3e-11);
    }
}
