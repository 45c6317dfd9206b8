//! Random bits, 512 at a time.

use super::super::word::{LaneWords, Word};
use kadanoff_runtime::random::Stream;
use rand::Rng;

/// Eight generators xoshiro256++ side by side, so that a call gives 512 random bits.
///
/// D. Blackman, S. Vigna, ACM Trans. Math. Softw. 47, 36 (2021), doi:10.1145/3460772.
#[derive(Debug, Clone)]
pub(crate) struct Planes([LaneWords; 4]);

impl Planes {
    pub(super) fn new(stream: &mut Stream) -> Self {
        Self(std::array::from_fn(|_| {
            LaneWords(std::array::from_fn(|_| stream.next_u64()))
        }))
    }
}

/// The generators in registers.
pub(crate) struct Generator<W>([W; 4]);

impl<W: Word> Generator<W> {
    #[inline(always)]
    pub(super) fn load(from: &Planes) -> Self {
        let [a, b, c, d] = &from.0;
        Self([W::load(a), W::load(b), W::load(c), W::load(d)])
    }

    #[inline(always)]
    pub(super) fn store(&self, to: &mut Planes) {
        for i in 0..4 {
            self.0[i].store(&mut to.0[i]);
        }
    }

    #[inline(always)]
    pub(super) fn next(&mut self) -> W {
        let [a, b, c, d] = self.0;
        let out = a.plus(d).rotate_bits::<23, 41>().plus(a);
        let shifted = b.shift_left::<17, 17>();
        self.0 = [
            a.parity(b, d),
            a.parity(b, c),
            a.parity(c, shifted),
            b.xor(d).rotate_bits::<45, 19>(),
        ];
        out
    }

    /// The same 512 bits in memory.
    #[inline(always)]
    pub(super) fn bits(&mut self) -> [u64; 8] {
        let mut bits = LaneWords::ZERO;
        self.next().store(&mut bits);
        bits.0
    }
}
