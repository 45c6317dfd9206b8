//! Eight numbers in a register.

use kadanoff_runtime::simd::Instructions;

/// Eight numbers that are treated alike: one register of AVX-512, two of AVX2, four of SSE2.
#[derive(Debug, Clone, Copy, Default)]
#[repr(C, align(64))]
pub(crate) struct RealLanes(pub [f64; RealLanes::COUNT]);

impl RealLanes {
    pub(crate) const COUNT: usize = 8;

    #[inline(always)]
    pub(crate) fn splat(x: f64) -> Self {
        Self([x; Self::COUNT])
    }

    /// `self + a * b`, with one rounding where the processor can (`I::FMA`).
    #[inline(always)]
    pub(crate) fn add_product<I: Instructions>(&mut self, a: &Self, b: &Self) {
        for l in 0..Self::COUNT {
            self.0[l] = if I::FMA {
                a.0[l].mul_add(b.0[l], self.0[l])
            } else {
                self.0[l] + a.0[l] * b.0[l]
            };
        }
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
}
