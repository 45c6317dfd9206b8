//! Eight numbers in a register.

use kadanoff_runtime::simd::Instructions;
#[cfg(target_arch = "x86_64")]
use kadanoff_runtime::simd::Level;

/// Eight numbers that are treated alike: one register of AVX-512, two of AVX2, four of SSE2.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct RealLanes(pub [f64; RealLanes::COUNT]);

impl RealLanes {
    pub(crate) const COUNT: usize = 8;

    pub(crate) const ZERO: Self = Self([0.0; Self::COUNT]);

    #[inline(always)]
    pub(crate) fn splat(x: f64) -> Self {
        Self([x; Self::COUNT])
    }

    /// Eight neighbours in memory.
    #[inline(always)]
    pub(crate) fn load(from: &[f64; Self::COUNT]) -> Self {
        Self(*from)
    }

    /// `self + a * b`, with one rounding where the processor can (`I::FMA`).
    #[inline(always)]
    pub(crate) fn add_product<I: Instructions>(&mut self, a: &Self, b: &Self) {
        #[cfg(target_arch = "x86_64")]
        if I::LEVEL == Level::Avx512 {
            return x86::add_product(self, a, b);
        }
        for l in 0..Self::COUNT {
            self.0[l] = if I::FMA {
                a.0[l].mul_add(b.0[l], self.0[l])
            } else {
                self.0[l] + a.0[l] * b.0[l]
            };
        }
    }

    /// `self + a * x`.
    #[inline(always)]
    pub(crate) fn add_scaled<I: Instructions>(&mut self, a: &Self, x: f64) {
        #[cfg(target_arch = "x86_64")]
        if I::LEVEL == Level::Avx512 {
            return x86::add_scaled(self, a, x);
        }
        self.add_product::<I>(a, &Self::splat(x));
    }

    /// `self - a * x`.
    #[inline(always)]
    pub(crate) fn subtract_scaled<I: Instructions>(&mut self, a: &Self, x: f64) {
        #[cfg(target_arch = "x86_64")]
        if I::LEVEL == Level::Avx512 {
            return x86::subtract_scaled(self, a, x);
        }
        self.add_product::<I>(a, &Self::splat(-x));
    }

    /// Number by number.
    #[inline(always)]
    pub(crate) fn times(&self, other: &Self) -> Self {
        let mut out = Self::ZERO;
        for l in 0..Self::COUNT {
            out.0[l] = self.0[l] * other.0[l];
        }
        out
    }

    /// Number by number.
    #[inline(always)]
    pub(crate) fn scaled(&self, x: f64) -> Self {
        self.times(&Self::splat(x))
    }

    /// The larger magnitude of each.
    #[inline(always)]
    pub(crate) fn raise_to(&mut self, x: &Self) {
        for l in 0..Self::COUNT {
            let y = x.0[l].abs();
            self.0[l] = if y > self.0[l] { y } else { self.0[l] };
        }
    }

    /// Sum of the eight, in a fixed order.
    #[inline(always)]
    pub(crate) fn sum(&self) -> f64 {
        let x = &self.0;
        ((x[0] + x[4]) + (x[2] + x[6])) + ((x[1] + x[5]) + (x[3] + x[7]))
    }

    /// The sums of eight registers, each in the order of [`RealLanes::sum`].
    #[inline(always)]
    pub(crate) fn sums<I: Instructions>(x: &[Self; Self::COUNT]) -> Self {
        #[cfg(target_arch = "x86_64")]
        if I::LEVEL == Level::Avx512 {
            return x86::sums(x);
        }
        let mut out = Self::ZERO;
        for t in 0..Self::COUNT {
            out.0[t] = x[t].sum();
        }
        out
    }

    /// Rows for columns.
    #[inline(always)]
    pub(crate) fn transpose(x: &[Self]) -> [Self; Self::COUNT] {
        let mut out = [Self::ZERO; Self::COUNT];
        for i in 0..Self::COUNT {
            for j in 0..Self::COUNT {
                out[i].0[j] = x[j].0[i];
            }
        }
        out
    }

    /// Exchanges the numbers of the lanes whose bit is set.
    #[inline(always)]
    pub(crate) fn swap_where<I: Instructions>(bits: u8, a: &mut Self, b: &mut Self) {
        #[cfg(target_arch = "x86_64")]
        if I::LEVEL == Level::Avx512 {
            return x86::swap_where(bits, a, b);
        }
        for l in 0..Self::COUNT {
            let swap = bits >> l & 1 == 1;
            let (x, y) = (a.0[l], b.0[l]);
            a.0[l] = if swap { y } else { x };
            b.0[l] = if swap { x } else { y };
        }
    }

    /// Bits of the lanes in which `self` has the larger magnitude.
    #[inline(always)]
    pub(crate) fn exceeds<I: Instructions>(&self, other: &Self) -> u8 {
        #[cfg(target_arch = "x86_64")]
        if I::LEVEL == Level::Avx512 {
            return x86::exceeds(self, other);
        }
        let mut bits = 0;
        for l in 0..Self::COUNT {
            bits |= u8::from(self.0[l].abs() > other.0[l].abs()) << l;
        }
        bits
    }
}

/// The registers themselves, where loops over lanes do not become single instructions.
#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::RealLanes;
    use std::arch::x86_64::*;

    macro_rules! safe {
        ($body:expr) => {
            // SAFETY: `simd::dispatch` hands out the level AVX-512 only after it has asked the
            // processor; loads and stores go to references that are aligned to 64 bytes.
            unsafe { $body }
        };
    }

    #[inline(always)]
    fn load(x: &RealLanes) -> __m512d {
        safe!(_mm512_load_pd(x.0.as_ptr()))
    }

    #[inline(always)]
    fn store(x: __m512d) -> RealLanes {
        let mut out = RealLanes::ZERO;
        safe!(_mm512_store_pd(out.0.as_mut_ptr(), x));
        out
    }

    #[inline(always)]
    pub(super) fn add_product(sum: &mut RealLanes, a: &RealLanes, b: &RealLanes) {
        *sum = store(safe!(_mm512_fmadd_pd(load(a), load(b), load(sum))));
    }

    #[inline(always)]
    pub(super) fn add_scaled(sum: &mut RealLanes, a: &RealLanes, x: f64) {
        *sum = store(safe!(_mm512_fmadd_pd(
            load(a),
            _mm512_set1_pd(x),
            load(sum)
        )));
    }

    #[inline(always)]
    pub(super) fn subtract_scaled(sum: &mut RealLanes, a: &RealLanes, x: f64) {
        *sum = store(safe!(_mm512_fnmadd_pd(
            load(a),
            _mm512_set1_pd(x),
            load(sum)
        )));
    }

    #[inline(always)]
    pub(super) fn sums(x: &[RealLanes; 8]) -> RealLanes {
        safe!({
            // Halves of two registers added: lanes 0..4 of the first, 4..8 of the second.
            let fold = |a: &RealLanes, b: &RealLanes| {
                let (a, b) = (load(a), load(b));
                _mm512_add_pd(
                    _mm512_shuffle_f64x2::<0x44>(a, b),
                    _mm512_shuffle_f64x2::<0xEE>(a, b),
                )
            };
            // Of four numbers (0, 1, 2, 3) the sums 0 + 2 and 1 + 3.
            let halve = |a, b| {
                _mm512_add_pd(
                    _mm512_shuffle_f64x2::<0x88>(a, b),
                    _mm512_shuffle_f64x2::<0xDD>(a, b),
                )
            };
            let low = halve(fold(&x[0], &x[2]), fold(&x[4], &x[6]));
            let high = halve(fold(&x[1], &x[3]), fold(&x[5], &x[7]));
            store(_mm512_add_pd(
                _mm512_unpacklo_pd(low, high),
                _mm512_unpackhi_pd(low, high),
            ))
        })
    }

    #[inline(always)]
    pub(super) fn swap_where(bits: u8, a: &mut RealLanes, b: &mut RealLanes) {
        let (x, y) = (load(a), load(b));
        *a = store(safe!(_mm512_mask_mov_pd(x, bits, y)));
        *b = store(safe!(_mm512_mask_mov_pd(y, bits, x)));
    }

    #[inline(always)]
    pub(super) fn exceeds(a: &RealLanes, b: &RealLanes) -> u8 {
        safe!(_mm512_cmp_pd_mask::<_CMP_GT_OQ>(
            _mm512_abs_pd(load(a)),
            _mm512_abs_pd(load(b))
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kadanoff_runtime::simd::{Kernel, Level, Portable, dispatch};

    struct Both([RealLanes; 8]);

    impl Kernel for Both {
        type Output = (RealLanes, [u8; 8], [RealLanes; 2]);

        #[inline(always)]
        fn run<I: Instructions>(self) -> Self::Output {
            let x = &self.0;
            let (mut a, mut b) = (x[0], x[1]);
            RealLanes::swap_where::<I>(0b0110_1001, &mut a, &mut b);
            let bits = std::array::from_fn(|t| x[t].exceeds::<I>(&x[(t + 3) % 8]));
            (RealLanes::sums::<I>(x), bits, [a, b])
        }
    }

    #[test]
    fn registers_and_loops_give_the_same_bits() {
        let x = std::array::from_fn(|t| {
            RealLanes(std::array::from_fn(|l| ((8 * t + l) as f64 * 1.7).sin()))
        });
        let plain = Both(x).run::<Portable>();
        for level in Level::available() {
            let (sums, bits, pair) = dispatch(level, Both(x));
            assert_eq!(sums.0, plain.0.0);
            assert_eq!(bits, plain.1);
            assert_eq!(pair.map(|p| p.0), plain.2.map(|p| p.0));
        }
    }
}
