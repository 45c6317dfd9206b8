//! Counting bits lane by lane.

use super::word::{LANES, LaneWords, Word};

/// Words that can be counted: 2^LEVELS - 1.
const LEVELS: usize = 32;

/// Counters for 512 lanes at once, as bit planes.
///
/// Words are added in pairs by full adders, the carries in pairs one level up, and so on: one full
/// adder for each word on average.
pub(crate) struct Counter<W> {
    sums: [W; LEVELS],
    waiting: [W; LEVELS],
    words: u64,
}

impl<W: Word> Counter<W> {
    #[inline(always)]
    pub(super) fn new() -> Self {
        Self {
            sums: [W::zero(); LEVELS],
            waiting: [W::zero(); LEVELS],
            words: 0,
        }
    }

    /// Adds one to every lane whose bit is set.
    #[inline(always)]
    pub(super) fn push(&mut self, word: W) {
        let (mut carry, mut level, mut waiting) = (word, 0, self.words);
        while waiting & 1 == 1 {
            let (sum, other) = (self.sums[level], self.waiting[level]);
            self.sums[level] = sum.parity(other, carry);
            carry = sum.majority(other, carry);
            waiting >>= 1;
            level += 1;
        }
        self.waiting[level] = carry;
        self.words += 1;
    }

    /// Sums over consecutive groups of `size` lanes.
    #[inline(always)]
    pub(super) fn group_sums(&self, size: usize) -> Vec<u64> {
        let mut out = vec![0; LANES / size];
        let mut carry = W::zero();
        for level in 0..LEVELS {
            let waiting = if self.words >> level & 1 == 1 {
                self.waiting[level]
            } else {
                W::zero()
            };
            let sum = self.sums[level];
            let mut plane = LaneWords::ZERO;
            sum.parity(waiting, carry).store(&mut plane);
            carry = sum.majority(waiting, carry);
            add_groups(&plane, size, level, &mut out);
        }
        out
    }
}

/// Adds `2^level` times the number of set bits of each group of lanes; `size` is a power of two.
fn add_groups(plane: &LaneWords, size: usize, level: usize, out: &mut [u64]) {
    if plane == &LaneWords::ZERO {
        return;
    }
    if size >= 64 {
        for (i, w) in plane.0.iter().enumerate() {
            out[i * 64 / size] += u64::from(w.count_ones()) << level;
        }
    } else {
        let mask = (1u64 << size) - 1;
        for (g, total) in out.iter_mut().enumerate() {
            let lane = g * size;
            let group = plane.0[lane / 64] >> (lane % 64) & mask;
            *total += u64::from(group.count_ones()) << level;
        }
    }
}
