//! 512 bits side by side, on whatever registers the processor has.
//!
//! [`Word`] is the small set of operations that the bit-sliced kernels need. All implementations
//! give the same bits; which one runs is found out at run time ([`Level::current`]).

use kadanoff_runtime::simd;

/// 512 bits in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C, align(64))]
pub(super) struct LaneWords(pub [u64; 8]);

/// Number of lanes of a word.
pub(super) const LANES: usize = 512;

impl LaneWords {
    /// All bits zero.
    pub(super) const ZERO: Self = Self([0; 8]);
    /// All bits one.
    pub(super) const ONES: Self = Self([!0; 8]);

    /// The word whose bit `lane` is `f(lane)`.
    pub(super) fn from_fn(f: impl Fn(usize) -> bool) -> Self {
        let mut out = Self::ZERO;
        for lane in 0..LANES {
            out.set(lane, f(lane));
        }
        out
    }

    /// The 64-bit elements of some words.
    #[inline(always)]
    pub(super) fn elements(words: &mut [Self]) -> &mut [u64] {
        // SAFETY: a word is eight elements and nothing else.
        unsafe { std::slice::from_raw_parts_mut(words.as_mut_ptr().cast(), 8 * words.len()) }
    }

    /// One bit.
    #[inline]
    pub(super) fn get(&self, lane: usize) -> bool {
        self.0[lane / 64] >> (lane % 64) & 1 == 1
    }

    /// Sets one bit.
    #[inline]
    pub(super) fn set(&mut self, lane: usize, bit: bool) {
        let mask = 1u64 << (lane % 64);
        if bit {
            self.0[lane / 64] |= mask;
        } else {
            self.0[lane / 64] &= !mask;
        }
    }
}

/// A cyclic exchange of lanes: `out = (w >> down) & !wrap | (w << up) & wrap` as 512-bit shifts.
#[derive(Debug, Clone)]
pub(super) struct Rotation {
    /// Elements that lane group i takes from, for the two halves of either shift.
    take: [LaneWords; 4],
    down: u64,
    up: u64,
    wrap: LaneWords,
}

impl Rotation {
    /// Lanes where `wrap` is set take from `up` lanes below, the others from `down` lanes above.
    pub(super) fn new(down: usize, up: usize, wrap: LaneWords) -> Self {
        // Elements that come around the end are wrong, and masked: each lane has one source.
        let take = |offset: usize| LaneWords(std::array::from_fn(|i| ((i + offset) % 8) as u64));
        Self {
            take: [
                take(down / 64),
                take(down / 64 + 1),
                take(16 - up / 64),
                take(15 - up / 64),
            ],
            down: (down % 64) as u64,
            up: (up % 64) as u64,
            wrap,
        }
    }
}

/// Operations on 512 bits.
pub(crate) trait Word: Copy {
    fn load(from: &LaneWords) -> Self;
    fn store(self, to: &mut LaneWords);
    fn and(self, other: Self) -> Self;
    fn or(self, other: Self) -> Self;
    fn xor(self, other: Self) -> Self;
    /// `self & !other`
    fn without(self, other: Self) -> Self;
    /// Lane by lane `if self { a } else { b }`.
    #[inline(always)]
    fn select(self, a: Self, b: Self) -> Self {
        self.and(a.xor(b)).xor(b)
    }
    /// `self ^ a ^ b`: the sum bit of a full adder.
    #[inline(always)]
    fn parity(self, a: Self, b: Self) -> Self {
        self.xor(a).xor(b)
    }
    /// The carry of a full adder.
    #[inline(always)]
    fn majority(self, a: Self, b: Self) -> Self {
        self.xor(a).select(b, a)
    }
    /// `self & !(a ^ b)`
    #[inline(always)]
    fn where_equal(self, a: Self, b: Self) -> Self {
        self.without(a.xor(b))
    }
    /// Sum of 64-bit elements.
    fn plus(self, other: Self) -> Self;
    fn rotate_bits<const N: i32, const M: i32>(self) -> Self;
    fn shift_left<const N: i32, const M: u32>(self) -> Self;
    fn is_zero(self) -> bool;
    fn rotate(self, by: &Rotation) -> Self;

    #[inline(always)]
    fn zero() -> Self {
        Self::load(&LaneWords::ZERO)
    }

    #[inline(always)]
    fn ones() -> Self {
        Self::load(&LaneWords::ONES)
    }

    #[inline(always)]
    fn not(self) -> Self {
        self.xor(Self::ones())
    }
}

/// Plain 64-bit arithmetic, eight at a time.
#[derive(Clone, Copy)]
pub(crate) struct Portable([u64; 8]);

impl Portable {
    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(u64, u64) -> u64) -> Self {
        Self(std::array::from_fn(|i| f(self.0[i], other.0[i])))
    }
}

impl Word for Portable {
    #[inline(always)]
    fn load(from: &LaneWords) -> Self {
        Self(from.0)
    }
    #[inline(always)]
    fn store(self, to: &mut LaneWords) {
        to.0 = self.0;
    }
    #[inline(always)]
    fn and(self, other: Self) -> Self {
        self.zip(other, |a, b| a & b)
    }
    #[inline(always)]
    fn or(self, other: Self) -> Self {
        self.zip(other, |a, b| a | b)
    }
    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        self.zip(other, |a, b| a ^ b)
    }
    #[inline(always)]
    fn without(self, other: Self) -> Self {
        self.zip(other, |a, b| a & !b)
    }
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self.zip(other, u64::wrapping_add)
    }
    #[inline(always)]
    fn rotate_bits<const N: i32, const M: i32>(self) -> Self {
        Self(self.0.map(|x| x.rotate_left(N as u32)))
    }
    #[inline(always)]
    fn shift_left<const N: i32, const M: u32>(self) -> Self {
        Self(self.0.map(|x| x << N))
    }
    #[inline(always)]
    fn is_zero(self) -> bool {
        self.0.iter().fold(0, |a, b| a | b) == 0
    }
    #[inline(always)]
    fn rotate(self, by: &Rotation) -> Self {
        Self(std::array::from_fn(|i| {
            let [a, b, c, d] = [0, 1, 2, 3].map(|k| self.0[(by.take[k].0[i] % 8) as usize]);
            let down = a >> by.down | (b << 1) << (63 - by.down);
            let up = c << by.up | (d >> 1) >> (63 - by.up);
            down & !by.wrap.0[i] | up & by.wrap.0[i]
        }))
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    //! Every value of these types is made inside a function that was entered after the
    //! processor's features had been detected, see `simd::dispatch`; that makes the calls sound.
    use super::{LaneWords, Portable, Rotation, Word};
    use std::arch::x86_64::*;

    #[derive(Clone, Copy)]
    pub(crate) struct Avx512(__m512i);

    /// The truth table of a three-input function, as the instruction wants it.
    const fn table(f: [u8; 8]) -> i32 {
        let mut out = 0;
        let mut i = 0;
        while i < 8 {
            out |= (f[i] as i32) << i;
            i += 1;
        }
        out
    }

    // Entry number 4 a + 2 b + c.
    const SELECT: i32 = table([0, 1, 0, 1, 0, 0, 1, 1]);
    const PARITY: i32 = table([0, 1, 1, 0, 1, 0, 0, 1]);
    const MAJORITY: i32 = table([0, 0, 0, 1, 0, 1, 1, 1]);
    const WHERE_EQUAL: i32 = table([0, 0, 0, 0, 1, 0, 0, 1]);

    macro_rules! safe {
        ($body:expr) => {
            // SAFETY: the features were detected before any value of this type was made; loads and
            // stores go to references that are aligned to 64 bytes.
            unsafe { $body }
        };
    }

    impl Word for Avx512 {
        #[inline(always)]
        fn load(from: &LaneWords) -> Self {
            Self(safe!(_mm512_load_si512(std::ptr::from_ref(from).cast())))
        }
        #[inline(always)]
        fn store(self, to: &mut LaneWords) {
            safe!(_mm512_store_si512(std::ptr::from_mut(to).cast(), self.0))
        }
        #[inline(always)]
        fn and(self, other: Self) -> Self {
            Self(safe!(_mm512_and_si512(self.0, other.0)))
        }
        #[inline(always)]
        fn or(self, other: Self) -> Self {
            Self(safe!(_mm512_or_si512(self.0, other.0)))
        }
        #[inline(always)]
        fn xor(self, other: Self) -> Self {
            Self(safe!(_mm512_xor_si512(self.0, other.0)))
        }
        #[inline(always)]
        fn without(self, other: Self) -> Self {
            Self(safe!(_mm512_andnot_si512(other.0, self.0)))
        }
        #[inline(always)]
        fn select(self, a: Self, b: Self) -> Self {
            Self(safe!(_mm512_ternarylogic_epi64::<SELECT>(self.0, a.0, b.0)))
        }
        #[inline(always)]
        fn parity(self, a: Self, b: Self) -> Self {
            Self(safe!(_mm512_ternarylogic_epi64::<PARITY>(self.0, a.0, b.0)))
        }
        #[inline(always)]
        fn majority(self, a: Self, b: Self) -> Self {
            Self(safe!(_mm512_ternarylogic_epi64::<MAJORITY>(
                self.0, a.0, b.0
            )))
        }
        #[inline(always)]
        fn where_equal(self, a: Self, b: Self) -> Self {
            Self(safe!(_mm512_ternarylogic_epi64::<WHERE_EQUAL>(
                self.0, a.0, b.0
            )))
        }
        #[inline(always)]
        fn plus(self, other: Self) -> Self {
            Self(safe!(_mm512_add_epi64(self.0, other.0)))
        }
        #[inline(always)]
        fn rotate_bits<const N: i32, const M: i32>(self) -> Self {
            Self(safe!(_mm512_rol_epi64::<N>(self.0)))
        }
        #[inline(always)]
        fn shift_left<const N: i32, const M: u32>(self) -> Self {
            Self(safe!(_mm512_slli_epi64::<M>(self.0)))
        }
        #[inline(always)]
        fn is_zero(self) -> bool {
            safe!(_mm512_test_epi64_mask(self.0, self.0)) == 0
        }
        #[inline(always)]
        fn rotate(self, by: &Rotation) -> Self {
            let take = |k: usize| {
                Self(safe!(_mm512_permutexvar_epi64(
                    Self::load(&by.take[k]).0,
                    self.0
                )))
            };
            let count = |n: u64| safe!(_mm_cvtsi64_si128(n as i64));
            let left = |w: Self, n: u64| Self(safe!(_mm512_sll_epi64(w.0, count(n))));
            let right = |w: Self, n: u64| Self(safe!(_mm512_srl_epi64(w.0, count(n))));
            // A shift by 64 gives zero, as it should.
            let down = right(take(0), by.down).or(left(take(1), 64 - by.down));
            let up = left(take(2), by.up).or(right(take(3), 64 - by.up));
            Self::load(&by.wrap).select(up, down)
        }
    }

    #[derive(Clone, Copy)]
    pub(crate) struct Avx2([__m256i; 2]);

    impl Avx2 {
        #[inline(always)]
        fn zip(self, other: Self, f: impl Fn(__m256i, __m256i) -> __m256i) -> Self {
            Self([f(self.0[0], other.0[0]), f(self.0[1], other.0[1])])
        }
    }

    impl Word for Avx2 {
        #[inline(always)]
        fn load(from: &LaneWords) -> Self {
            let p: *const __m256i = std::ptr::from_ref(from).cast();
            safe!(Self([_mm256_load_si256(p), _mm256_load_si256(p.add(1))]))
        }
        #[inline(always)]
        fn store(self, to: &mut LaneWords) {
            let p: *mut __m256i = std::ptr::from_mut(to).cast();
            safe!({
                _mm256_store_si256(p, self.0[0]);
                _mm256_store_si256(p.add(1), self.0[1]);
            })
        }
        #[inline(always)]
        fn and(self, other: Self) -> Self {
            self.zip(other, |a, b| safe!(_mm256_and_si256(a, b)))
        }
        #[inline(always)]
        fn or(self, other: Self) -> Self {
            self.zip(other, |a, b| safe!(_mm256_or_si256(a, b)))
        }
        #[inline(always)]
        fn xor(self, other: Self) -> Self {
            self.zip(other, |a, b| safe!(_mm256_xor_si256(a, b)))
        }
        #[inline(always)]
        fn without(self, other: Self) -> Self {
            self.zip(other, |a, b| safe!(_mm256_andnot_si256(b, a)))
        }
        #[inline(always)]
        fn plus(self, other: Self) -> Self {
            self.zip(other, |a, b| safe!(_mm256_add_epi64(a, b)))
        }
        #[inline(always)]
        fn rotate_bits<const N: i32, const M: i32>(self) -> Self {
            Self(self.0.map(|x| {
                safe!(_mm256_or_si256(
                    _mm256_slli_epi64::<N>(x),
                    _mm256_srli_epi64::<M>(x)
                ))
            }))
        }
        #[inline(always)]
        fn shift_left<const N: i32, const M: u32>(self) -> Self {
            Self(self.0.map(|x| safe!(_mm256_slli_epi64::<N>(x))))
        }
        #[inline(always)]
        fn is_zero(self) -> bool {
            let all = safe!(_mm256_or_si256(self.0[0], self.0[1]));
            safe!(_mm256_testz_si256(all, all)) == 1
        }
        #[inline(always)]
        fn rotate(self, by: &Rotation) -> Self {
            // Rare: only at the edges of blocks.
            let mut lanes = LaneWords::ZERO;
            self.store(&mut lanes);
            Portable::load(&lanes).rotate(by).store(&mut lanes);
            Self::load(&lanes)
        }
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Avx2, Avx512};

pub(super) use kadanoff_runtime::simd::Level;

/// Work that is written once for all kinds of words.
pub(crate) trait WordKernel {
    type Output;
    fn run<W: Word>(self) -> Self::Output;
}

/// The work on the words of the instructions that it is compiled for.
struct OnWords<K>(K);

impl<K: WordKernel> simd::Kernel for OnWords<K> {
    type Output = K::Output;

    #[inline(always)]
    fn run<I: simd::Instructions>(self) -> K::Output {
        match I::LEVEL {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => self.0.run::<Avx512>(),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => self.0.run::<Avx2>(),
            _ => self.0.run::<Portable>(),
        }
    }
}

/// Runs the work on the registers of `level`, or on the portable ones where those are missing.
pub(crate) fn dispatch<K: WordKernel>(level: Level, work: K) -> K::Output {
    simd::dispatch(level, OnWords(work))
}
