//! The inner loops: a sweep, and a measurement.

use super::super::counter::Counter;
use super::super::word::{LaneWords, Word, WordKernel};
use super::layout::{Kind, Layout, MIXED, Record, SLOTS};
use super::rates::{CLASSES, Classes, Isotropic, Rates};
use kadanoff_runtime::random::Stream;
use rand::Rng;
use std::cell::Cell;

/// Random planes drawn before the first look at whether all of 512 lanes are decided, which they
/// are in seven of eight words then. Looking from the eighth on saves a sixth of the planes and
/// costs a mispredicted branch in nearly every word: 15 spins/ns instead of 24 at L = 512.
const BEFORE: usize = 12;
/// Further planes between two looks; divides 64 - BEFORE.
const TOGETHER: usize = 2;

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

struct Generator<W>([W; 4]);

impl<W: Word> Generator<W> {
    #[inline(always)]
    fn load(from: &Planes) -> Self {
        let [a, b, c, d] = &from.0;
        Self([W::load(a), W::load(b), W::load(c), W::load(d)])
    }

    #[inline(always)]
    fn store(&self, to: &mut Planes) {
        for i in 0..4 {
            self.0[i].store(&mut to.0[i]);
        }
    }

    #[inline(always)]
    fn next(&mut self) -> W {
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
}

/// The digits of the probabilities of all lanes.
///
/// A trait, and loops where iterators would be shorter: only what is inlined for certain is
/// compiled for the registers of [`Word`], and closures inside `std` are not.
trait Digits<W> {
    fn digit(&self, k: usize) -> W;
}

/// Random bits, `u < p` lane by lane where `open` is set.
#[inline(always)]
fn below<W: Word>(random: &mut Generator<W>, mut open: W, digits: &impl Digits<W>) -> W {
    let mut found = W::zero();
    for k in 0..BEFORE {
        let p = digits.digit(k);
        found = open.select(p, found);
        open = open.where_equal(random.next(), p);
    }
    let mut k = BEFORE;
    while !open.is_zero() && k < 64 {
        for _ in 0..TOGETHER {
            let p = digits.digit(k);
            found = open.select(p, found);
            open = open.where_equal(random.next(), p);
            k += 1;
        }
    }
    // u and p agree in all digits: not below.
    found.without(open)
}

/// Digits by the magnitude of the local field.
struct ByMagnitude<'a, W, const SETS: usize> {
    sets: [W; SETS],
    /// Lanes without a local field: p = 1/2.
    zero: W,
    digits: &'a [u8; 64],
}

impl<W: Word, const SETS: usize> Digits<W> for ByMagnitude<'_, W, SETS> {
    #[inline(always)]
    fn digit(&self, k: usize) -> W {
        let p = self.sets[self.digits[k] as usize % SETS];
        if k == 0 { p.or(self.zero) } else { p }
    }
}

/// Digits by class.
struct ByClass<'a, W> {
    masks: &'a [W; CLASSES],
    classes: &'a Classes,
}

impl<W: Word> Digits<W> for ByClass<'_, W> {
    #[inline(always)]
    fn digit(&self, k: usize) -> W {
        let p = collect(self.masks, self.classes.digits[k]);
        if self.classes.inverted >> k & 1 == 1 {
            p.not()
        } else {
            p
        }
    }
}

/// The words of a lattice, which stripes without common neighbours may update side by side.
#[derive(Clone, Copy)]
pub(crate) struct Words<'a>(&'a [Cell<LaneWords>]);

// SAFETY: the words are borrowed for as long as this lives, and every access goes through `load`
// and `store`. Of two sweeps at the same time neither stores a word that the other one loads:
// `Multispin::advance` runs together only stripes that `Layout::stripes` keeps apart.
unsafe impl Sync for Words<'_> {}
// SAFETY: as above.
unsafe impl Send for Words<'_> {}

impl<'a> Words<'a> {
    pub(super) fn new(words: &'a mut [LaneWords]) -> Self {
        Self(Cell::from_mut(words).as_slice_of_cells())
    }
}

/// Where a kernel finds its words.
trait Source: Copy {
    fn load<W: Word>(self, index: u32) -> W;
}

impl Source for Words<'_> {
    #[inline(always)]
    fn load<W: Word>(self, index: u32) -> W {
        // SAFETY: nobody stores this word meanwhile, see above.
        W::load(unsafe { &*self.0[index as usize].as_ptr() })
    }
}

impl Words<'_> {
    #[inline(always)]
    fn store<W: Word>(self, index: u32, word: W) {
        // SAFETY: nobody else has this word meanwhile, see above.
        word.store(unsafe { &mut *self.0[index as usize].as_ptr() });
    }
}

impl Source for &[LaneWords] {
    #[inline(always)]
    fn load<W: Word>(self, index: u32) -> W {
        W::load(&self[index as usize])
    }
}

/// `sweeps` times every word of some records.
pub(crate) struct Sweep<'a> {
    pub layout: &'a Layout,
    pub records: &'a [Record],
    pub rates: &'a Rates,
    pub words: Words<'a>,
    pub planes: &'a mut Planes,
    pub sweeps: u64,
}

impl WordKernel for Sweep<'_> {
    type Output = ();

    #[inline(always)]
    fn run<W: Word>(self) {
        match &self.rates.isotropic {
            Some(rates) if rates.neighbours == 4 => self.sweep::<W, 4, 4>(Some(rates)),
            Some(rates) => self.sweep::<W, 6, 8>(Some(rates)),
            None => self.sweep::<W, 4, 4>(None),
        }
    }
}

impl Sweep<'_> {
    /// Z neighbours, 2^(Z / 2) sets of magnitudes.
    #[inline(always)]
    fn sweep<W: Word, const Z: usize, const SETS: usize>(self, isotropic: Option<&Isotropic>) {
        let mut random = Generator::<W>::load(self.planes);
        let mut masks = [W::zero(); CLASSES];
        for _ in 0..self.sweeps {
            for record in self.records {
                let new = match isotropic {
                    Some(rates) if record.kind != Kind::Missing => {
                        let s: W = self.words.load(record.site);
                        let mut around = [s; Z];
                        // Apart, so that the words inside of blocks do not pay for the others.
                        if record.kind == Kind::Inside {
                            for slot in 0..Z {
                                around[slot] = self.words.load(record.near[slot]);
                            }
                        } else {
                            for slot in 0..Z {
                                around[slot] = near(self.layout, self.words, record, slot);
                            }
                        }
                        if self.rates.own {
                            metropolis::<W, Z, SETS>(&mut random, rates, s, around)
                        } else {
                            heat_bath::<W, Z, SETS>(&mut random, rates, around)
                        }
                    }
                    _ => general(
                        &mut random,
                        &mut masks,
                        self.layout,
                        self.rates,
                        self.words,
                        record,
                    ),
                };
                self.words.store(record.site, new);
            }
        }
        random.store(self.planes);
    }
}

/// The neighbour in a slot, lane by lane.
#[inline(always)]
fn near<W: Word>(layout: &Layout, words: impl Source, record: &Record, slot: usize) -> W {
    let (first, turn) = (record.near[slot], record.turn[slot]);
    if turn < MIXED {
        return turned(layout, words, first, turn);
    }
    let mut out = W::zero();
    for piece in &layout.pieces[first as usize..][..(turn - MIXED) as usize] {
        let mask = W::load(&layout.masks[piece.mask as usize]);
        out = out.or(turned::<W>(layout, words, piece.word, piece.turn).and(mask));
    }
    out
}

#[inline(always)]
fn turned<W: Word>(layout: &Layout, words: impl Source, word: u32, turn: u8) -> W {
    let mut word: W = words.load(word);
    if turn != 0 {
        for rotation in &layout.turns[turn as usize - 1] {
            word = word.rotate(rotation);
        }
    }
    word
}

/// How many of four or six bits are set, as three binary digits.
#[inline(always)]
fn count<W: Word, const Z: usize>(x: [W; Z]) -> [W; 3] {
    let (sum, carry) = (x[0].parity(x[1], x[2]), x[0].majority(x[1], x[2]));
    if Z == 4 {
        let other = sum.and(x[3]);
        [sum.xor(x[3]), carry.xor(other), carry.and(other)]
    } else {
        let (a, b) = (x[3].parity(x[4], x[5]), x[3].majority(x[4], x[5]));
        let c = sum.and(a);
        [sum.xor(a), carry.parity(b, c), carry.majority(b, c)]
    }
}

/// For every set of magnitudes (2, 4, 6) of the local field the lanes that have one of them.
#[inline(always)]
fn union<W: Word, const SETS: usize>(of: [W; 3]) -> [W; SETS] {
    let mut sets = [W::zero(); SETS];
    for set in 1..SETS {
        // The set without its first member is there already.
        let first = set.trailing_zeros() as usize;
        sets[set] = sets[set & (set - 1)].or(of[first]);
    }
    sets
}

/// Lanes that the local field pulls up, and the probability of pointing against it: below 1/2, or
/// 1/2 where there is none.
#[inline(always)]
fn heat_bath_digits<'a, W: Word, const Z: usize, const SETS: usize>(
    rates: &'a Isotropic,
    around: [W; Z],
) -> (W, ByMagnitude<'a, W, SETS>) {
    // Local field 2 n - Z for n neighbours up.
    let [one, two, four] = count(around);
    let (up, zero, of) = if Z == 4 {
        let up = four.or(one.and(two));
        let of = [one, one.or(two).not(), W::zero()];
        (up, two.without(one), of)
    } else {
        let even = one.not();
        let uneven = two.xor(four);
        let of = [even.and(uneven), one.without(two), even.without(uneven)];
        (four, one.and(two), of)
    };
    let digits = ByMagnitude {
        sets: union::<W, SETS>(of),
        zero,
        digits: &rates.digits,
    };
    (if rates.negative { up.not() } else { up }, digits)
}

#[inline(always)]
fn heat_bath<W: Word, const Z: usize, const SETS: usize>(
    random: &mut Generator<W>,
    rates: &Isotropic,
    around: [W; Z],
) -> W {
    let (up, against) = heat_bath_digits::<W, Z, SETS>(rates, around);
    up.xor(below(random, W::ones(), &against))
}

/// Lanes in which a flip costs energy, and the probability that it happens all the same.
#[inline(always)]
fn metropolis_digits<W: Word, const Z: usize, const SETS: usize>(
    rates: &Isotropic,
    s: W,
    mut around: [W; Z],
) -> (W, ByMagnitude<'_, W, SETS>) {
    // Bonds that a flip would break: to equal neighbours for J > 0, to unlike ones for J < 0.
    let own = if rates.negative { s } else { s.not() };
    for slot in 0..Z {
        around[slot] = around[slot].xor(own);
    }
    let [one, two, four] = count(around);
    let of = if Z == 4 {
        [one.and(two), four, W::zero()]
    } else {
        let even = four.without(one);
        [even.without(two), four.and(one), even.and(two)]
    };
    let digits = ByMagnitude {
        sets: union::<W, SETS>(of),
        zero: W::zero(),
        digits: &rates.digits,
    };
    (of[0].or(of[1]).or(of[2]), digits)
}

#[inline(always)]
fn metropolis<W: Word, const Z: usize, const SETS: usize>(
    random: &mut Generator<W>,
    rates: &Isotropic,
    s: W,
    around: [W; Z],
) -> W {
    let (costly, flip) = metropolis_digits::<W, Z, SETS>(rates, s, around);
    let stay = costly.without(below(random, costly, &flip));
    s.xor(stay).not()
}

/// Any couplings, field and edges, by classes of equal probability.
#[inline(always)]
fn general<W: Word>(
    random: &mut Generator<W>,
    masks: &mut [W; CLASSES],
    layout: &Layout,
    rates: &Rates,
    words: impl Source,
    record: &Record,
) -> W {
    let s: W = words.load(record.site);
    let mut neighbours = [W::zero(); SLOTS];
    for slot in 0..layout.slots {
        neighbours[slot] = near(layout, words, record, slot);
    }
    let mut new = W::zero();
    for (lanes, set) in &layout.patterns[record.pattern as usize].variants {
        let Some(classes) = &rates.classes[*set as usize] else {
            continue;
        };
        let lanes = W::load(lanes);
        divide(masks, classes, s, &neighbours);
        let certain = collect(masks, classes.certain);
        let drawn = below(random, lanes.without(certain), &ByClass { masks, classes });
        new = new.or(drawn.or(certain).and(lanes));
    }
    if rates.own { s.xor(new) } else { new }
}

/// The lanes of each class.
#[inline(always)]
fn divide<W: Word>(masks: &mut [W; CLASSES], classes: &Classes, s: W, neighbours: &[W; SLOTS]) {
    let mut filled = 1;
    masks[0] = W::ones();
    for slots in &classes.groups {
        // Lanes in which n of the group's neighbours are up.
        let mut having = [W::zero(); SLOTS + 1];
        having[0] = W::ones();
        for (i, &slot) in slots.iter().enumerate() {
            let up = neighbours[slot as usize];
            for n in (0..=i).rev() {
                having[n + 1] = up.select(having[n], having[n + 1]);
            }
            having[0] = having[0].without(up);
        }
        let radix = slots.len() + 1;
        for class in (0..filled).rev() {
            let lanes = masks[class];
            for n in 0..radix {
                masks[class * radix + n] = lanes.and(having[n]);
            }
        }
        filled *= radix;
    }
    if classes.own {
        for class in (0..filled).rev() {
            let lanes = masks[class];
            masks[2 * class] = lanes.without(s);
            masks[2 * class + 1] = lanes.and(s);
        }
    }
}

#[inline(always)]
fn collect<W: Word>(masks: &[W; CLASSES], mut classes: u64) -> W {
    let mut out = W::zero();
    while classes != 0 {
        out = out.or(masks[classes.trailing_zeros() as usize % CLASSES]);
        classes &= classes - 1;
    }
    out
}

/// Spins up, and neighbours forward along each direction that differ, for each replica.
pub(crate) struct Measure<'a> {
    pub layout: &'a Layout,
    pub words: &'a [LaneWords],
}

impl WordKernel for Measure<'_> {
    /// One list over replicas for the spins up, and one for each direction.
    type Output = Vec<Vec<u64>>;

    #[inline(always)]
    fn run<W: Word>(self) -> Self::Output {
        let directions = self.layout.slots / 2;
        let mut found = Vec::with_capacity(1 + directions);
        let mut up = Counter::<W>::new();
        if self.layout.full() {
            for word in self.words {
                up.push(W::load(word));
            }
        } else {
            for record in &self.layout.records {
                let exists = W::load(&self.layout.patterns[record.pattern as usize].exists);
                up.push(W::load(&self.words[record.site as usize]).and(exists));
            }
        }
        found.push(up.group_sums(self.layout.lanes));
        for k in 0..directions {
            let mut differ = Counter::<W>::new();
            for record in &self.layout.records {
                let s = W::load(&self.words[record.site as usize]);
                let pattern = &self.layout.patterns[record.pattern as usize];
                let bonds = W::load(&pattern.present[2 * k]);
                differ.push(
                    s.xor(near(self.layout, self.words, record, 2 * k))
                        .and(bonds),
                );
            }
            found.push(differ.group_sums(self.layout.lanes));
        }
        found
    }
}

/// The neighbour in a slot of a record.
#[cfg(test)]
pub(crate) fn neighbour(
    layout: &Layout,
    words: &[LaneWords],
    record: &Record,
    slot: usize,
) -> LaneWords {
    let mut out = LaneWords::ZERO;
    near::<super::super::word::Portable>(layout, words, record, slot).store(&mut out);
    out
}

#[cfg(test)]
mod tests;
