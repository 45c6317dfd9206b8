//! Registers by name, for sums that a compiler would gather across the wrong index.
//!
//! Where four sums over rows end as neighbours in memory, loops over lanes are compiled to registers
//! that hold one row of the four columns, with a transposition for every load: on AVX2 three fifths of the rate.

use crate::lanes::RealLanes;
#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Ymm, Zmm};

/// Columns whose sums are taken together.
pub(crate) const FOUR: usize = 4;

/// `COUNT` numbers.
pub(crate) trait Register: Copy {
    /// Four or eight: [`RealLanes`] are two or one of them.
    const COUNT: usize;

    fn splat(x: f64) -> Self;
    /// Part `part` of eight numbers.
    fn load(from: &RealLanes, part: usize) -> Self;
    fn store(self, to: &mut RealLanes, part: usize);
    /// `self + a * b`.
    fn plus(self, a: Self, b: Self) -> Self;
    /// `self - a * b`.
    fn minus(self, a: Self, b: Self) -> Self;
    /// The sums over each of four registers.
    fn sums(x: [Self; FOUR]) -> [f64; FOUR];
}

/// What every processor has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plain<const N: usize>([f64; N]);

impl<const N: usize> Register for Plain<N> {
    const COUNT: usize = N;

    #[inline(always)]
    fn splat(x: f64) -> Self {
        Self([x; N])
    }

    #[inline(always)]
    fn load(from: &RealLanes, part: usize) -> Self {
        let mut out = [0.0; N];
        out.copy_from_slice(&from.0[N * part..N * (part + 1)]);
        Self(out)
    }

    #[inline(always)]
    fn store(self, to: &mut RealLanes, part: usize) {
        to.0[N * part..N * (part + 1)].copy_from_slice(&self.0);
    }

    #[inline(always)]
    fn plus(mut self, a: Self, b: Self) -> Self {
        for l in 0..N {
            self.0[l] += a.0[l] * b.0[l];
        }
        self
    }

    #[inline(always)]
    fn minus(mut self, a: Self, b: Self) -> Self {
        for l in 0..N {
            self.0[l] -= a.0[l] * b.0[l];
        }
        self
    }

    #[inline(always)]
    fn sums(x: [Self; FOUR]) -> [f64; FOUR] {
        x.map(|Self(x)| x.iter().sum())
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{FOUR, Register};
    use crate::lanes::RealLanes;
    use std::arch::x86_64::*;

    /// Four numbers with AVX2. Only kernels that `simd::dispatch` runs at this level use it.
    #[derive(Debug, Clone, Copy)]
    pub(crate) struct Ymm(__m256d);

    /// Eight numbers with AVX-512. Only kernels that `simd::dispatch` runs at this level use it.
    #[derive(Debug, Clone, Copy)]
    pub(crate) struct Zmm(__m512d);

    macro_rules! safe {
        ($body:expr) => {
            // SAFETY: `simd::dispatch` hands out a level only after it has asked the processor.
            unsafe { $body }
        };
    }

    impl Register for Ymm {
        const COUNT: usize = 4;

        #[inline(always)]
        fn splat(x: f64) -> Self {
            Self(safe!(_mm256_set1_pd(x)))
        }

        #[inline(always)]
        fn load(from: &RealLanes, part: usize) -> Self {
            let four = &from.0[4 * part..4 * part + 4];
            // SAFETY: four numbers, at a multiple of 32 bytes.
            Self(unsafe { _mm256_load_pd(four.as_ptr()) })
        }

        #[inline(always)]
        fn store(self, to: &mut RealLanes, part: usize) {
            let four = &mut to.0[4 * part..4 * part + 4];
            // SAFETY: as above.
            unsafe { _mm256_store_pd(four.as_mut_ptr(), self.0) }
        }

        #[inline(always)]
        fn plus(self, a: Self, b: Self) -> Self {
            Self(safe!(_mm256_fmadd_pd(a.0, b.0, self.0)))
        }

        #[inline(always)]
        fn minus(self, a: Self, b: Self) -> Self {
            Self(safe!(_mm256_fnmadd_pd(a.0, b.0, self.0)))
        }

        #[inline(always)]
        fn sums(x: [Self; FOUR]) -> [f64; FOUR] {
            let mut out = [0.0; FOUR];
            safe!({
                let (low, high) = (
                    _mm256_hadd_pd(x[0].0, x[1].0),
                    _mm256_hadd_pd(x[2].0, x[3].0),
                );
                let sum = _mm256_add_pd(
                    _mm256_permute2f128_pd::<0x20>(low, high),
                    _mm256_permute2f128_pd::<0x31>(low, high),
                );
                _mm256_storeu_pd(out.as_mut_ptr(), sum);
            });
            out
        }
    }

    impl Register for Zmm {
        const COUNT: usize = 8;

        #[inline(always)]
        fn splat(x: f64) -> Self {
            Self(safe!(_mm512_set1_pd(x)))
        }

        #[inline(always)]
        fn load(from: &RealLanes, _: usize) -> Self {
            // SAFETY: eight numbers, at a multiple of 64 bytes.
            Self(unsafe { _mm512_load_pd(from.0.as_ptr()) })
        }

        #[inline(always)]
        fn store(self, to: &mut RealLanes, _: usize) {
            // SAFETY: as above.
            unsafe { _mm512_store_pd(to.0.as_mut_ptr(), self.0) }
        }

        #[inline(always)]
        fn plus(self, a: Self, b: Self) -> Self {
            Self(safe!(_mm512_fmadd_pd(a.0, b.0, self.0)))
        }

        #[inline(always)]
        fn minus(self, a: Self, b: Self) -> Self {
            Self(safe!(_mm512_fnmadd_pd(a.0, b.0, self.0)))
        }

        #[inline(always)]
        fn sums(x: [Self; FOUR]) -> [f64; FOUR] {
            let halves = x.map(|Self(x)| {
                Ymm(safe!(_mm256_add_pd(
                    _mm512_castpd512_pd256(x),
                    _mm512_extractf64x4_pd::<1>(x)
                )))
            });
            Ymm::sums(halves)
        }
    }
}
