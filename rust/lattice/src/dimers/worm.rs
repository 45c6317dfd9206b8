//! Directed loops: a dimer turns about one end, pushes away the dimer it meets, and so on until
//! the first site is met again.
//!
//! Between two moves the lattice has an empty site `start` and a site with two dimers, one of
//! which, seen from its other end `pivot`, moves next. Weights of these states are those of all dimers
//! that are there, so that detailed balance of every turn gives detailed balance of loops. Sites on
//! the pivot's sublattice always have one dimer; only their parallel neighbours are counted.
//!
//! A single worm waits for the memory, then for the step, then for the memory. Several of them,
//! in replicas of their own, run interleaved on one core. A replica makes one step in every round
//! whatever its neighbours do: its random numbers depend on itself alone.

use super::lattice::{DIRECTION, SquareLattice};
use super::weights::{
    CLOSED, DIE, PERIODIC_KEYS, Periodic, Thresholds, dice, parallel, parallel_periodic, periodic,
    thresholds,
};
use kadanoff_runtime::random::Stream;
use rand::Rng;

/// Worms of free dimers that run interleaved on one core.
const FREE_LANES: usize = 4;
/// The same with interactions: more, as a step waits for the memory four times.
const LANES: usize = 8;

/// The worm of one replica, in the part of a shared buffer that begins at `base`.
pub(super) struct Lane {
    pub base: u32,
    random: Stream,
    word: u64,
    round: u32,
    pivot: u32,
    from: u8,
    start: u32,
    running: bool,
    /// Loops still to close before the lane wants attention.
    pub loops: u64,
    pub steps: u64,
    /// Steps of the loops that were not undone.
    pub moved: u64,
    began: u64,
    keep: Option<Keep>,
}

/// A winding that may not change, with the covering to return to.
struct Keep {
    winding: (i32, i32),
    cells: Vec<u8>,
}

impl Lane {
    /// A lane whose covering is `cells[base..]`.
    pub(super) fn new(
        base: u32,
        cells: &[u8],
        random: Stream,
        winding: Option<(i32, i32)>,
    ) -> Self {
        Self {
            keep: winding.map(|winding| Keep {
                winding,
                cells: cells.to_vec(),
            }),
            base,
            random,
            word: 0,
            round: 0,
            pivot: 0,
            from: 0,
            start: 0,
            running: false,
            loops: 0,
            steps: 0,
            moved: 0,
            began: 0,
        }
    }

    /// The covering.
    pub(super) fn part(&self, lattice: &SquareLattice) -> std::ops::Range<usize> {
        let base = self.base as usize;
        base..base + lattice.sites()
    }

    /// Empties a random site; its dimer may turn about the other end.
    fn begin(&mut self, lattice: &SquareLattice, cells: &[u8]) {
        // Multiply and take the high part: even to 2^-36 for the largest lattice.
        let high = (u128::from(self.random.next_u64()) * lattice.sites() as u128) >> 64;
        self.start = self.base + high as u32;
        let byte = cells[self.start as usize];
        self.pivot = lattice.neighbour(self.start, byte);
        self.from = byte & DIRECTION ^ 2;
        self.running = true;
    }

    /// Ends a loop, undoes it if it changed what is kept, and says whether another one follows.
    fn close(&mut self, lattice: &SquareLattice, cells: &mut [u8], now: u64) -> bool {
        self.loops -= 1;
        self.running = false;
        let part = self.part(lattice);
        let length = now - self.began;
        self.began = now;
        if let Some(keep) = &mut self.keep {
            let cells = &mut cells[part];
            if super::winding(lattice, cells) == keep.winding {
                keep.cells.copy_from_slice(cells);
            } else {
                cells.copy_from_slice(&keep.cells);
                return self.loops > 0;
            }
        }
        self.moved += length;
        self.loops > 0
    }
}

/// How a turning dimer chooses.
pub(super) enum Weights {
    Even,
    EvenOpen(Vec<[[u8; DIE]; 4]>),
    Interacting(Periodic),
    InteractingOpen(Thresholds),
}

impl Weights {
    /// `coupling` is v/T: a pair of parallel dimers has weight `exp(-coupling)`.
    pub(super) fn new(lattice: &SquareLattice, coupling: f64) -> Self {
        match (coupling == 0.0, lattice.is_open()) {
            (true, false) => Self::Even,
            (true, true) => Self::EvenOpen(dice()),
            (false, false) => Self::Interacting(periodic(&thresholds(coupling))),
            (false, true) => Self::InteractingOpen(thresholds(coupling)),
        }
    }

    /// Worms that run interleaved on one core.
    pub(super) fn lanes(&self) -> usize {
        match self {
            Self::Even | Self::EvenOpen(_) => FREE_LANES,
            Self::Interacting(_) | Self::InteractingOpen(_) => LANES,
        }
    }

    /// Moves every lane by `rounds` steps, or fewer if one has closed all its loops.
    pub(super) fn advance(
        &self,
        lattice: &SquareLattice,
        cells: &mut [u8],
        lanes: &mut [Lane],
        rounds: u32,
    ) {
        match self {
            Self::Even => every(&Even, lattice, cells, lanes, rounds),
            Self::EvenOpen(table) => every(&EvenOpen { table }, lattice, cells, lanes, rounds),
            Self::Interacting(table) => {
                let rule = Interacting { lattice, table };
                every(&rule, lattice, cells, lanes, rounds);
            }
            Self::InteractingOpen(table) => {
                let rule = InteractingOpen { lattice, table };
                every(&rule, lattice, cells, lanes, rounds);
            }
        }
    }
}

fn every<R: Rule>(
    rule: &R,
    lattice: &SquareLattice,
    cells: &mut [u8],
    lanes: &mut [Lane],
    rounds: u32,
) {
    match lanes {
        [a] => run(rule, lattice, cells, [a], rounds),
        [a, b] => run(rule, lattice, cells, [a, b], rounds),
        [a, b, c] => run(rule, lattice, cells, [a, b, c], rounds),
        [a, b, c, d] => run(rule, lattice, cells, [a, b, c, d], rounds),
        [a, b, c, d, e, f, g, h] => run(rule, lattice, cells, [a, b, c, d, e, f, g, h], rounds),
        // Lanes whose words serve several steps must make them together.
        [a, b, c, d, rest @ ..] if R::STEPS == 1 => {
            run(rule, lattice, cells, [a, b, c, d], rounds);
            every(rule, lattice, cells, rest, rounds);
        }
        _ => {}
    }
}

trait Rule {
    /// Steps that one random word serves.
    const STEPS: u32;

    /// What the surroundings of `pivot`, whose byte is given, say.
    #[inline(always)]
    fn key(&self, _cells: &[u8], _pivot: u32, _byte: u8) -> usize {
        0
    }

    /// New direction at a pivot, whose key and byte are given, for a dimer from direction `from`.
    fn turn(&self, key: usize, byte: u8, from: u8, word: &mut u64) -> u8;

    /// The probabilities that `turn` realises.
    #[cfg(test)]
    fn probabilities(&self, cells: &[u8], pivot: u32, byte: u8, from: u8) -> [f64; 4];
}

/// The next digit of a fraction in base `base`.
#[inline(always)]
fn digit(word: &mut u64, base: u64) -> u8 {
    let product = u128::from(*word) * u128::from(base);
    *word = product as u64;
    (product >> 64) as u8
}

struct Even;

impl Rule for Even {
    // 16 digits in base 3: each of the 3^16 sequences is even to 3^16 / 2^64 = 2e-12.
    const STEPS: u32 = 16;

    #[inline(always)]
    fn turn(&self, _: usize, _: u8, from: u8, word: &mut u64) -> u8 {
        from.wrapping_add(1 + digit(word, 3)) & DIRECTION
    }

    #[cfg(test)]
    fn probabilities(&self, _: &[u8], _: u32, _: u8, from: u8) -> [f64; 4] {
        std::array::from_fn(|d| {
            if d == usize::from(from) {
                0.0
            } else {
                1.0 / 3.0
            }
        })
    }
}

struct EvenOpen<'a> {
    table: &'a [[[u8; DIE]; 4]],
}

impl Rule for EvenOpen<'_> {
    // 6^8 / 2^64 = 1e-13.
    const STEPS: u32 = 8;

    #[inline(always)]
    fn turn(&self, _: usize, byte: u8, from: u8, word: &mut u64) -> u8 {
        let die = digit(word, DIE as u64);
        self.table[usize::from(byte >> 2 & 15)][usize::from(from & 3)][usize::from(die)]
    }

    #[cfg(test)]
    fn probabilities(&self, _: &[u8], _: u32, byte: u8, from: u8) -> [f64; 4] {
        let sides = &self.table[usize::from(byte >> 2 & 15)][usize::from(from)];
        std::array::from_fn(|d| {
            sides.iter().filter(|&&s| usize::from(s) == d).count() as f64 / DIE as f64
        })
    }
}

#[inline(always)]
fn weighted([a, b, c]: [u64; 3], word: u64) -> u8 {
    let r = word >> 1;
    u8::from(r >= a) + u8::from(r >= b) + u8::from(r >= c)
}

struct Interacting<'a> {
    lattice: &'a SquareLattice,
    table: &'a Periodic,
}

impl Rule for Interacting<'_> {
    const STEPS: u32 = 1;

    /// Parallel neighbours that a dimer would have in each direction.
    #[inline(always)]
    fn key(&self, cells: &[u8], pivot: u32, byte: u8) -> usize {
        let steps = &self.lattice.diagonal[usize::from(byte >> 2 & 15)];
        let mut key = 0;
        for k in 0..4 {
            key += parallel_periodic(k, cells[pivot.wrapping_add_signed(steps[k]) as usize]);
        }
        usize::from(key)
    }

    #[inline(always)]
    fn turn(&self, key: usize, _: u8, from: u8, word: &mut u64) -> u8 {
        let [a, b, c, _] = self.table[key % PERIODIC_KEYS][usize::from(from & 3)];
        weighted([a, b, c], *word)
    }

    #[cfg(test)]
    fn probabilities(&self, cells: &[u8], pivot: u32, byte: u8, from: u8) -> [f64; 4] {
        let [a, b, c, _] = self.table[self.key(cells, pivot, byte)][usize::from(from)];
        shares(&[a, b, c])
    }
}

struct InteractingOpen<'a> {
    lattice: &'a SquareLattice,
    table: &'a [[[u64; 3]; 4]],
}

impl Rule for InteractingOpen<'_> {
    const STEPS: u32 = 1;

    #[inline(always)]
    fn key(&self, cells: &[u8], pivot: u32, byte: u8) -> usize {
        let flags = byte >> 2 & 15;
        let steps = &self.lattice.diagonal[usize::from(flags)];
        let mut key = 0;
        for (k, corner) in [0b0011u8, 0b0110, 0b1100, 0b1001].into_iter().enumerate() {
            if flags & corner == 0 {
                key += parallel(k, cells[pivot.wrapping_add_signed(steps[k]) as usize]);
            }
        }
        // No site there: neither has the direction a diagonal that could have counted.
        for d in 0..4 {
            if flags >> d & 1 == 1 {
                key |= (CLOSED as u8) << (2 * d);
            }
        }
        usize::from(key)
    }

    #[inline(always)]
    fn turn(&self, key: usize, _: u8, from: u8, word: &mut u64) -> u8 {
        weighted(self.table[key][usize::from(from & 3)], *word)
    }

    #[cfg(test)]
    fn probabilities(&self, cells: &[u8], pivot: u32, byte: u8, from: u8) -> [f64; 4] {
        shares(&self.table[self.key(cells, pivot, byte)][usize::from(from)])
    }
}

#[cfg(test)]
fn shares(thresholds: &[u64; 3]) -> [f64; 4] {
    let one = super::weights::ONE;
    let [a, b, c] = *thresholds;
    [a, b - a, c - b, one - c].map(|n| n as f64 / one as f64)
}

fn run<R: Rule, const K: usize>(
    rule: &R,
    lattice: &SquareLattice,
    cells: &mut [u8],
    mut lanes: [&mut Lane; K],
    rounds: u32,
) {
    for lane in &mut lanes {
        if !lane.running {
            lane.begin(lattice, cells);
        }
    }
    let mut pivot: [u32; K] = std::array::from_fn(|i| lanes[i].pivot);
    let mut from: [u8; K] = std::array::from_fn(|i| lanes[i].from);
    let mut start: [u32; K] = std::array::from_fn(|i| lanes[i].start);
    let mut word: [u64; K] = std::array::from_fn(|i| lanes[i].word);
    // Lanes start together and step together.
    let mut round = lanes[0].round;
    let mut done = 0;
    let mut ended = false;
    while done < rounds && !ended {
        if round == 0 {
            for i in 0..K {
                word[i] = lanes[i].random.next_u64();
            }
            round = R::STEPS;
        }
        for _ in 0..round.min(rounds - done) {
            done += 1;
            round -= 1;
            let (mut old, mut key, mut turned) = ([0; K], [0; K], [0; K]);
            let (mut met, mut closed) = ([0; K], [false; K]);
            // Stage by stage: what one lane waits for is what the others do meanwhile.
            for i in 0..K {
                old[i] = cells[pivot[i] as usize];
            }
            for i in 0..K {
                key[i] = rule.key(cells, pivot[i], old[i]);
            }
            for i in 0..K {
                turned[i] = rule.turn(key[i], old[i], from[i], &mut word[i]);
            }
            for i in 0..K {
                let new = old[i] & !DIRECTION | turned[i];
                cells[pivot[i] as usize] = new;
                met[i] = lattice.neighbour(pivot[i], new);
            }
            let mut any = false;
            for i in 0..K {
                let pushed = cells[met[i] as usize];
                cells[met[i] as usize] = pushed & !DIRECTION | turned[i] ^ 2;
                closed[i] = met[i] == start[i];
                any |= closed[i];
                pivot[i] = lattice.neighbour(met[i], pushed);
                from[i] = pushed & DIRECTION ^ 2;
            }
            if any {
                for i in 0..K {
                    if !closed[i] {
                        continue;
                    }
                    let now = lanes[i].steps + u64::from(done);
                    if lanes[i].close(lattice, cells, now) {
                        lanes[i].begin(lattice, cells);
                        pivot[i] = lanes[i].pivot;
                        from[i] = lanes[i].from;
                        start[i] = lanes[i].start;
                    } else {
                        ended = true;
                    }
                }
                if ended {
                    break;
                }
            }
        }
    }
    for (i, lane) in lanes.into_iter().enumerate() {
        lane.pivot = pivot[i];
        lane.from = from[i];
        lane.start = start[i];
        lane.word = word[i];
        lane.round = round;
        lane.steps += u64::from(done);
    }
}

#[cfg(test)]
mod tests;
