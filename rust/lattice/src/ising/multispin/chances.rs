//! Words whose lanes are set with the few probabilities of lattices with equal couplings.
//!
//! An update needs one random decision per lane, with a probability p that belongs to the magnitude
//! of the local field there. The decisions for all magnitudes are drawn before the spins are
//! looked at. A lane uses only one of them, so they may depend on each other, and come from the same
//! random numbers:
//!
//! - k random planes are the first digits of a number in every lane, which is below c / 2^k with
//!   just that probability. One operation for each digit of c is enough.
//! - Rare events make up for what p exceeds c / 2^k by. Thrown on lanes at random, as many as a
//!   Poisson variate with the mean lambda for each lane tells, they hit a lane with the
//!   probability 1 - exp(-lambda), independently of all other lanes.
//!
//! A lane is set if its number is below c / 2^k or an event hit it: 1 - p = (1 - c / 2^k) exp(-lambda).
//! No approximation is made but that of doubles. On the square lattice at T_c three planes and 15
//! events for 512 lanes decide what takes twelve planes when digits are compared one by one.

use super::super::word::{LANES, LaneWords, Word};
use super::planes::Generator;
use super::poisson::Poisson;

/// Magnitudes of the local field but zero: 2, 4, 6.
pub(crate) const MAGNITUDES: usize = 3;
/// Words whose events are thrown together: a lane of a block is named by 15 of 16 random bits.
pub(crate) const BLOCK: usize = 64;
/// Time of an event, where that of a plane is 1.
const EVENT: f64 = 0.2;
/// Most planes of a word.
const MAX_PLANES: u32 = 12;

/// The words of a block whose lanes events have hit.
type Hits = [LaneWords; BLOCK];

/// How the decisions for some probabilities below one are drawn.
#[derive(Debug, Clone)]
pub(crate) struct Chances {
    /// For every plane, from the last digit to the first, where what was found so far is inverted.
    turns: Vec<[LaneWords; MAGNITUDES]>,
    /// All lanes where p > 1/2, so that 1 - p is drawn.
    inverted: [LaneWords; MAGNITUDES],
    /// The place of a magnitude in the order of lambda.
    rank: [u8; MAGNITUDES],
    /// Number of events in a block that a magnitude has beyond the one before in this order.
    events: Vec<Poisson>,
}

impl Chances {
    pub(super) fn new(p: &[f64]) -> Self {
        let small: Vec<f64> = p.iter().map(|&p| p.min(1.0 - p)).collect();
        let rates = |planes: u32| small.iter().map(move |&p| rate(p, planes));
        let cost = |planes: u32| {
            let most = rates(planes).fold(0.0, f64::max);
            f64::from(planes) + EVENT * LANES as f64 * most
        };
        let planes = (1..=MAX_PLANES)
            .min_by(|&a, &b| cost(a).total_cmp(&cost(b)))
            .unwrap_or(MAX_PLANES);

        let whole = |yes: bool| {
            if yes {
                LaneWords::ONES
            } else {
                LaneWords::ZERO
            }
        };
        let mut turns = Vec::new();
        let mut above = [false; MAGNITUDES];
        for digit in 0..planes {
            let mut turn = [LaneWords::ZERO; MAGNITUDES];
            for (m, &p) in small.iter().enumerate() {
                let one = leading(p, planes) >> digit & 1 == 1;
                turn[m] = whole(one != above[m]);
                above[m] = one;
            }
            turns.push(turn);
        }
        let mut inverted = [LaneWords::ZERO; MAGNITUDES];
        for (m, &p) in p.iter().enumerate() {
            inverted[m] = whole(p > 0.5);
        }
        let mut order: Vec<(usize, f64)> = rates(planes).enumerate().collect();
        order.sort_by(|a, b| a.1.total_cmp(&b.1));
        let mut rank = [0; MAGNITUDES];
        let mut events = Vec::new();
        let mut before = 0.0;
        for (place, &(m, rate)) in order.iter().enumerate() {
            rank[m] = place as u8;
            events.push(Poisson::new((BLOCK * LANES) as f64 * (rate - before)));
            before = rate;
        }
        Self {
            turns,
            inverted,
            rank,
            events,
        }
    }
}

/// The first digits of p <= 1/2, as an integer c < 2^(planes - 1).
fn leading(p: f64, planes: u32) -> u64 {
    let all = f64::from(planes).exp2();
    ((p * all) as u64).min((1 << (planes - 1)) - 1)
}

/// Mean number of events on a lane.
fn rate(p: f64, planes: u32) -> f64 {
    let found = leading(p, planes) as f64 / f64::from(planes).exp2();
    ((-found).ln_1p() - (-p).ln_1p()).max(0.0)
}

/// Events of a block of words, of which some have been used.
#[derive(Debug, Clone)]
pub(crate) struct Events {
    /// By the rank of the magnitude.
    hits: Vec<Hits>,
    next: usize,
}

impl Events {
    pub(super) fn new() -> Self {
        Self {
            hits: Vec::new(),
            next: BLOCK,
        }
    }

    /// Forgets events that belong to other probabilities.
    pub(super) fn clear(&mut self) {
        self.next = BLOCK;
    }

    #[inline(always)]
    fn throw<W: Word>(&mut self, random: &mut Generator<W>, chances: &Chances) {
        if self.hits.len() != chances.events.len() {
            self.hits = vec![[LaneWords::ZERO; BLOCK]; chances.events.len()];
        }
        let numbers = random.bits();
        for rank in 0..chances.events.len() {
            // Magnitudes with more events have those of the others too.
            for word in 0..BLOCK {
                let before = match rank {
                    0 => W::zero(),
                    _ => W::load(&self.hits[rank - 1][word]),
                };
                before.store(&mut self.hits[rank][word]);
            }
            let count = chances.events[rank].draw(numbers[rank]);
            scatter(random, &mut self.hits[rank], count);
        }
        self.next = 0;
    }

    /// A word with p = 1/2, and one for each of the first M magnitudes.
    #[inline(always)]
    pub(super) fn draw<W: Word, const M: usize>(
        &mut self,
        random: &mut Generator<W>,
        chances: &Chances,
    ) -> (W, [W; M]) {
        if self.next == BLOCK {
            self.throw(random, chances);
        }
        let (mut even, mut found) = (W::zero(), [W::zero(); M]);
        for turns in &chances.turns {
            // A digit one of c: found | !random, without writing the inversions out.
            even = random.next();
            for m in 0..M {
                found[m] = found[m].xor(W::load(&turns[m])).and(even);
            }
        }
        for m in 0..M {
            let hits = W::load(&self.hits[chances.rank[m] as usize][self.next]);
            found[m] = found[m].or(hits).xor(W::load(&chances.inverted[m]));
        }
        self.next += 1;
        (even, found)
    }
}

/// Sets the lanes that `count` events hit, each any lane of the block.
#[inline(always)]
fn scatter<W: Word>(random: &mut Generator<W>, hits: &mut Hits, count: usize) {
    let elements = LaneWords::elements(hits);
    let (all, rest) = (count / 32, count % 32);
    for _ in 0..all {
        for four in random.bits() {
            for i in 0..4 {
                hit(elements, four >> (16 * i));
            }
        }
    }
    let bits = random.bits();
    for i in 0..rest {
        hit(elements, bits[i / 4] >> (16 * (i % 4)));
    }
}

/// Sets the lane that 16 random bits name.
#[inline(always)]
fn hit(elements: &mut [u64], bits: u64) {
    elements[(bits >> 7) as usize % (8 * BLOCK)] |= 1 << (bits % 64);
}

#[cfg(test)]
mod tests;
