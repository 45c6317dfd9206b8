//! The inner loops: a sweep, and a measurement.

use super::super::counter::Counter;
use super::super::word::{LaneWords, Word, WordKernel};
use super::chances::Events;
use super::layout::{Kind, Layout, MIXED, Record, SLOTS};
use super::planes::{Generator, Planes};
use super::rates::{CLASSES, Classes, Isotropic, Rates};
use std::cell::Cell;

/// Random planes drawn before the first look at whether all of 512 lanes are decided, which they
/// are in seven of eight words then. Looking from the eighth on saves a sixth of the planes and
/// costs a mispredicted branch in nearly every word, which is more.
const BEFORE: usize = 12;
/// Further planes between two looks; divides 64 - BEFORE.
const TOGETHER: usize = 2;

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
    pub events: &'a mut Events,
    pub sweeps: u64,
}

impl WordKernel for Sweep<'_> {
    type Output = ();

    #[inline(always)]
    fn run<W: Word>(self) {
        match &self.rates.isotropic {
            Some(rates) if rates.neighbours == 4 => self.sweep::<W, 4, 2>(Some(rates)),
            Some(rates) => self.sweep::<W, 6, 3>(Some(rates)),
            None => self.sweep::<W, 4, 2>(None),
        }
    }
}

impl Sweep<'_> {
    /// Z neighbours, M = Z / 2 magnitudes of the local field.
    #[inline(always)]
    fn sweep<W: Word, const Z: usize, const M: usize>(self, isotropic: Option<&Isotropic>) {
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
                            metropolis::<W, Z, M>(&mut random, self.events, rates, s, around)
                        } else {
                            heat_bath::<W, Z, M>(&mut random, self.events, rates, around)
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

/// Lanes that the local field pulls up, those without one, and those with each magnitude of it.
#[inline(always)]
fn pulled<W: Word, const Z: usize, const M: usize>(
    rates: &Isotropic,
    around: [W; Z],
) -> (W, W, [W; M]) {
    // Local field 2 n - Z for n neighbours up.
    let [one, two, four] = count(around);
    let mut of = [W::zero(); M];
    let (up, zero) = if Z == 4 {
        of[0] = one;
        of[1] = one.or(two).not();
        (four.or(one.and(two)), two.without(one))
    } else {
        let even = one.not();
        let uneven = two.xor(four);
        of[0] = even.and(uneven);
        of[1] = one.without(two);
        of[2] = even.without(uneven);
        (four, one.and(two))
    };
    (if rates.negative { up.not() } else { up }, zero, of)
}

/// Spins that point along the local field, but for those drawn to point against it: fewer than
/// half, or half where there is none.
#[inline(always)]
fn heat_bath<W: Word, const Z: usize, const M: usize>(
    random: &mut Generator<W>,
    events: &mut Events,
    rates: &Isotropic,
    around: [W; Z],
) -> W {
    let (half, chance) = events.draw::<W, M>(random, &rates.chances);
    let (up, zero, of) = pulled::<W, Z, M>(rates, around);
    let mut against = zero.and(half);
    for m in 0..M {
        against = against.or(of[m].and(chance[m]));
    }
    up.xor(against)
}

/// Lanes in which a flip costs energy, by the magnitude of the local field.
#[inline(always)]
fn costly<W: Word, const Z: usize, const M: usize>(
    rates: &Isotropic,
    s: W,
    mut around: [W; Z],
) -> [W; M] {
    // Bonds that a flip would break: to equal neighbours for J > 0, to unlike ones for J < 0.
    let own = if rates.negative { s } else { s.not() };
    for slot in 0..Z {
        around[slot] = around[slot].xor(own);
    }
    let [one, two, four] = count(around);
    let mut of = [W::zero(); M];
    if Z == 4 {
        of[0] = one.and(two);
        of[1] = four;
    } else {
        let even = four.without(one);
        of[0] = even.without(two);
        of[1] = four.and(one);
        of[2] = even.and(two);
    }
    of
}

#[inline(always)]
fn metropolis<W: Word, const Z: usize, const M: usize>(
    random: &mut Generator<W>,
    events: &mut Events,
    rates: &Isotropic,
    s: W,
    around: [W; Z],
) -> W {
    let (_, chance) = events.draw::<W, M>(random, &rates.chances);
    let of = costly::<W, Z, M>(rates, s, around);
    let mut stay = W::zero();
    for m in 0..M {
        stay = stay.or(of[m].without(chance[m]));
    }
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
