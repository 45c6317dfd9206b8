//! The Markov chain: segments and antisegments inserted, removed and shifted.
//!
//! An antisegment is the empty interval between two segments. Both are treated alike: an interval of
//! length l that begins at t is flipped, t becomes the time of one kind of operator and t + l that
//! of the other. Proposals, with acceptance ratios that obey detailed balance:
//!
//! * insert: t uniform on the circle, l uniform up to the next operator (which is of t's kind);
//!   `|rho| exp(-dE) beta l_max / (2 (k + 1))`;
//! * remove: one of the 2 k operators, with its successor; the inverse, `2 k / (beta l_max)`;
//! * shift: one of the 2 k operators, uniformly between its neighbours; `|rho| exp(-dE)`;
//! * flip the occupation of a flavour without operators; `exp(-dE)`;
//! * exchange all operators of two flavours that differ, once per sweep; `|rho| exp(-dE)`. Of more
//!   than two flavours, two that are drawn; or those of both spins in every orbital; or those of two
//!   orbitals, spin by spin.
//!
//! `rho` is the ratio of the determinants, with a sign for every antisegment and for an interval that
//! contains tau = 0. The last move turns a local moment around, which the others hardly do at large
//! U; equivalent flavours are averaged instead. For one orbital the sign is always positive; it is kept anyway.

use crate::Model;
use crate::flavour::{Flavour, Kind, MAX_SEGMENTS};
use kadanoff_runtime::random::Stream;
use rand::Rng;
use serde::{Deserialize, Serialize};

/// Kinds of moves.
pub const MOVES: usize = 5;
/// A segment or an antisegment is inserted.
pub(crate) const INSERT: usize = 0;
/// A segment or an antisegment is removed.
pub(crate) const REMOVE: usize = 1;
/// One operator is shifted.
pub(crate) const SHIFT: usize = 2;
/// A flavour without operators is emptied or filled.
pub(crate) const FLIP: usize = 3;
/// Two flavours exchange their operators.
pub(crate) const EXCHANGE: usize = 4;

/// Moves by kind: insertions, removals and shifts of a segment or an antisegment, flips of a flavour
/// without operators, and exchanges of two flavours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moves {
    /// Moves proposed.
    pub proposed: [u64; MOVES],
    /// Moves accepted.
    pub accepted: [u64; MOVES],
}

/// Occupations of all flavours as functions of imaginary time.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Configuration {
    /// One entry for every flavour.
    pub flavours: Vec<Flavour>,
    /// Sign of the weight.
    pub sign: f64,
    /// Moves so far.
    pub moves: Moves,
    /// More than `MAX_SEGMENTS` segments were wanted.
    pub overflow: bool,
    /// Time that flavours a and b are both occupied, at `a n + b`, of more than two flavours.
    #[serde(skip)]
    common: Vec<f64>,
    /// What a proposed interval shares with each of the other flavours.
    #[serde(skip)]
    shared: Vec<f64>,
}

/// Uniform in [0, 1).
#[inline(always)]
pub(crate) fn uniform(random: &mut Stream) -> f64 {
    (random.next_u64() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
}

/// Uniform below n, and n > 0.
#[inline(always)]
fn below(random: &mut Stream, n: usize) -> usize {
    ((u128::from(random.next_u64()) * n as u128) >> 64) as usize
}

#[inline(always)]
fn wrapped(t: f64, beta: f64) -> f64 {
    if t >= beta {
        t - beta
    } else if t < 0.0 {
        t + beta
    } else {
        t
    }
}

#[inline(always)]
fn sign_of(odd: bool) -> f64 {
    if odd { -1.0 } else { 1.0 }
}

impl Configuration {
    /// No operators; flavour a is occupied where bit a of `filled` is set.
    pub(crate) fn new(model: &Model, filled: u64) -> Self {
        let flavours = (0..model.flavours())
            .map(|a| Flavour::new(filled >> a & 1 == 1, model.beta))
            .collect();
        let mut new = Self {
            flavours,
            sign: 1.0,
            moves: Moves::default(),
            overflow: false,
            common: Vec::new(),
            shared: Vec::new(),
        };
        new.refresh_common();
        new
    }

    /// Whether the common times of all pairs are followed: two flavours have one pair, which is
    /// needed in measurements alone.
    #[inline(always)]
    fn follows(&self) -> bool {
        self.flavours.len() > 2
    }

    /// The common times of all pairs, from the times of the operators.
    pub(crate) fn refresh_common(&mut self) {
        let n = self.flavours.len();
        self.shared.resize(n, 0.0);
        if !self.follows() {
            return;
        }
        self.common.resize(n * n, 0.0);
        for a in 0..n {
            for b in 0..a {
                let common = self.flavours[a].common(&self.flavours[b]);
                self.common[a * n + b] = common;
                self.common[b * n + a] = common;
            }
        }
    }

    /// Time that flavours a and b are both occupied.
    #[inline(always)]
    pub(crate) fn common(&self, a: usize, b: usize) -> f64 {
        if self.follows() {
            self.common[a * self.flavours.len() + b]
        } else {
            self.flavours[a].common(&self.flavours[b])
        }
    }

    /// Flavour a gained (or lost) what the last proposal shared with the others.
    #[inline(always)]
    fn changed(&mut self, a: usize, sign: f64) {
        let n = self.flavours.len();
        if !self.follows() {
            return;
        }
        for b in (0..n).filter(|&b| b != a) {
            let change = sign * self.shared[b];
            self.common[a * n + b] += change;
            self.common[b * n + a] += change;
        }
    }

    /// Segments of all flavours.
    pub(crate) fn order(&self) -> usize {
        self.flavours.iter().map(|f| f.k).sum()
    }

    /// Energy times time of occupying flavour a on the arc of length l that begins at t.
    #[inline(always)]
    fn cost(&mut self, model: &Model, a: usize, t: f64, l: f64) -> f64 {
        let mut action = model.levels[a] * l;
        for (b, (other, shared)) in self.flavours.iter().zip(&mut self.shared).enumerate() {
            if b != a {
                *shared = other.overlap(t, l, model.beta);
                action += model.u(a, b) * *shared;
            }
        }
        action
    }

    /// Proposes one move.
    #[inline(always)]
    pub(crate) fn update(&mut self, model: &Model, random: &mut Stream) {
        let a = if self.flavours.len() == 2 {
            (random.next_u64() >> 63) as usize
        } else {
            below(random, self.flavours.len())
        };
        let which = random.next_u64() >> 61;
        match which {
            0..3 => self.insert(model, random, a),
            3..6 => self.remove(model, random, a),
            _ => {
                if self.flavours[a].k == 0 {
                    self.flip(model, random, a);
                } else {
                    self.shift(model, random, a);
                }
            }
        }
    }

    /// Whether a move with this ratio is made.
    #[inline(always)]
    fn accept(&mut self, kind: usize, ratio: f64, random: &mut Stream) -> bool {
        self.moves.proposed[kind] += 1;
        // Written so that NaN is refused.
        let yes = ratio.abs() > uniform(random);
        if yes {
            self.moves.accepted[kind] += 1;
            if ratio < 0.0 {
                self.sign = -self.sign;
            }
        }
        yes
    }

    #[inline(always)]
    fn insert(&mut self, model: &Model, random: &mut Stream, a: usize) {
        let beta = model.beta;
        let t = beta * uniform(random);
        let flavour = &self.flavours[a];
        let hole = flavour.at(t);
        let first = if hole {
            Kind::Annihilation
        } else {
            Kind::Creation
        };
        let l_max = flavour.next(first, t, beta);
        let l = l_max * uniform(random);
        let wraps = t + l >= beta;
        let other = wrapped(t + l, beta);
        if l <= 0.0 || other == t {
            self.moves.proposed[INSERT] += 1;
            return;
        }
        if flavour.k >= MAX_SEGMENTS {
            self.overflow = true;
            return;
        }
        let action = self.cost(model, a, t, l) * sign_of(hole);
        let (s, e) = if hole { (other, t) } else { (t, other) };
        let table = model.table(a);
        let flavour = &mut self.flavours[a];
        flavour.fill_row(table, e);
        flavour.fill_column(table, s);
        let rho = flavour.inserted(table.signed(e - s));
        let weight = sign_of(hole != wraps) * (-action).exp();
        let ratio = rho * weight * beta * l_max / (2 * (flavour.k + 1)) as f64;
        if self.accept(INSERT, ratio, random) {
            let flavour = &mut self.flavours[a];
            flavour.insert(e, s, rho);
            flavour.occupied ^= wraps;
            flavour.refresh_length(beta);
            self.changed(a, sign_of(hole));
        }
    }

    #[inline(always)]
    fn remove(&mut self, model: &Model, random: &mut Stream, a: usize) {
        let beta = model.beta;
        let flavour = &self.flavours[a];
        if flavour.k == 0 {
            self.moves.proposed[REMOVE] += 1;
            return;
        }
        let k = flavour.k;
        let index = below(random, 2 * k);
        let hole = index >= k;
        let (first, second) = if hole {
            (Kind::Annihilation, Kind::Creation)
        } else {
            (Kind::Creation, Kind::Annihilation)
        };
        let index = if hole { index - k } else { index };
        let t = flavour.time(first, index);
        let l_max = flavour.next(first, t, beta);
        let l = flavour.next(second, t, beta);
        let partner = flavour.find(second, t, l, beta);
        let wraps = flavour.time(second, partner) < t;
        let (i, j) = if hole {
            (index, partner)
        } else {
            (partner, index)
        };
        let rho = flavour.inverse(i, j);
        let action = self.cost(model, a, t, l) * sign_of(hole);
        let weight = sign_of(hole != wraps) * action.exp();
        let ratio = rho * weight * (2 * k) as f64 / (beta * l_max);
        if self.accept(REMOVE, ratio, random) {
            let flavour = &mut self.flavours[a];
            flavour.remove(i, j);
            flavour.occupied ^= wraps;
            flavour.refresh_length(beta);
            self.changed(a, -sign_of(hole));
        }
    }

    #[inline(always)]
    fn shift(&mut self, model: &Model, random: &mut Stream, a: usize) {
        let beta = model.beta;
        let flavour = &self.flavours[a];
        let k = flavour.k;
        let index = below(random, 2 * k);
        let end = index >= k;
        let (own, others) = if end {
            (Kind::Annihilation, Kind::Creation)
        } else {
            (Kind::Creation, Kind::Annihilation)
        };
        let index = if end { index - k } else { index };
        let t = flavour.time(own, index);
        let back = flavour.before(others, t, beta);
        let ahead = flavour.next(others, t, beta);
        let width = if k == 1 { beta } else { back + ahead };
        let shift = width * uniform(random) - back;
        let crosses = t + shift < 0.0 || t + shift >= beta;
        let new = wrapped(t + shift, beta);
        if shift == 0.0 || !(0.0..beta).contains(&new) {
            self.moves.proposed[SHIFT] += 1;
            return;
        }
        // Later ends and earlier starts occupy more.
        let (from, l) = if shift > 0.0 {
            (t, shift)
        } else {
            (new, -shift)
        };
        let change = sign_of(end != (shift > 0.0));
        let action = self.cost(model, a, from, l) * change;
        let table = model.table(a);
        let flavour = &mut self.flavours[a];
        let rho = if end {
            flavour.fill_row(table, new);
            flavour.end_moved(index)
        } else {
            flavour.fill_column(table, new);
            flavour.start_moved(index)
        };
        let ratio = rho * sign_of(crosses) * (-action).exp();
        if self.accept(SHIFT, ratio, random) {
            let flavour = &mut self.flavours[a];
            if end {
                flavour.move_end(index, new, rho);
            } else {
                flavour.move_start(index, new, rho);
            }
            flavour.occupied ^= crosses;
            flavour.refresh_length(beta);
            self.changed(a, change);
        }
    }

    /// Proposes to exchange the operators of two flavours; None if a matrix is singular.
    #[inline(never)]
    pub(crate) fn exchange(&mut self, model: &Model, random: &mut Stream) -> Option<()> {
        let [a, b] = &self.flavours[..] else {
            return Some(());
        };
        let action = (model.levels[0] - model.levels[1]) * (b.length - a.length);
        let mut ratio = (-action).exp();
        if model.tables.len() > 1 {
            let mut rows = Vec::new();
            let (mut sign, mut log) = (1.0, 0.0);
            for (flavour, own, new) in [(a, 0, 1), (b, 1, 0)] {
                let before = flavour.determinant(&mut rows, |l| model.table(own).signed(l))?;
                let after = flavour.determinant(&mut rows, |l| model.table(new).signed(l));
                let Some(after) = after else {
                    self.moves.proposed[EXCHANGE] += 1;
                    return Some(());
                };
                sign *= before.sign * after.sign;
                log += after.log - before.log;
            }
            ratio *= sign * f64::exp(log);
        }
        if self.accept(EXCHANGE, ratio, random) {
            self.flavours.swap(0, 1);
            if model.tables.len() > 1 {
                for (a, flavour) in self.flavours.iter_mut().enumerate() {
                    flavour.renew(model.table(a))?;
                }
            }
        }
        Some(())
    }

    /// Draws which of more than two flavours exchange their operators, in pairs: `image[i]` becomes i.
    fn drawn(&self, random: &mut Stream) -> Vec<usize> {
        let n = self.flavours.len();
        let mut image: Vec<usize> = (0..n).collect();
        match below(random, 4) {
            // The spins of all orbitals: spin up and down alternate.
            0 if n.is_multiple_of(2) => {
                for pair in image.chunks_exact_mut(2) {
                    pair.swap(0, 1);
                }
            }
            1 if n.is_multiple_of(2) => {
                let (a, b) = (below(random, n / 2), below(random, n / 2));
                image.swap(2 * a, 2 * b);
                image.swap(2 * a + 1, 2 * b + 1);
            }
            _ => image.swap(below(random, n), below(random, n)),
        }
        image
    }

    /// Proposes to exchange the operators of some of more than two flavours; None if a matrix is
    /// singular.
    #[inline(never)]
    pub(crate) fn permute(&mut self, model: &Model, random: &mut Stream) -> Option<()> {
        let image = self.drawn(random);
        let n = image.len();
        let moved = |i: usize| image[i] != i;
        if !(0..n).any(moved) {
            return Some(());
        }
        let mut action = 0.0;
        for i in (0..n).filter(|&i| moved(i)) {
            let (new, old) = (&self.flavours[image[i]], &self.flavours[i]);
            action += model.levels[i] * (new.length - old.length);
            for j in (0..n).filter(|&j| j != i) {
                // Pairs of which both are moved come twice.
                let share = if moved(j) { 0.5 } else { 1.0 };
                let change = self.common(image[i], image[j]) - self.common(i, j);
                action += share * model.u(i, j) * change;
            }
        }
        let mut ratio = (-action).exp();
        let foreign = |i: usize| moved(i) && !model.alike(i, image[i]);
        if (0..n).any(foreign) {
            let mut rows = Vec::new();
            let (mut sign, mut log) = (1.0, 0.0);
            for i in (0..n).filter(|&i| foreign(i)) {
                let flavour = &self.flavours[image[i]];
                let own = model.table(image[i]);
                let before = flavour.determinant(&mut rows, |l| own.signed(l))?;
                let after = flavour.determinant(&mut rows, |l| model.table(i).signed(l));
                let Some(after) = after else {
                    self.moves.proposed[EXCHANGE] += 1;
                    return Some(());
                };
                sign *= before.sign * after.sign;
                log += after.log - before.log;
            }
            ratio *= sign * f64::exp(log);
        }
        if self.accept(EXCHANGE, ratio, random) {
            // Pairs change places: the inverse of `image` is `image`.
            for i in (0..n).filter(|&i| image[i] > i) {
                self.flavours.swap(i, image[i]);
            }
            for i in (0..n).filter(|&i| moved(i)) {
                if foreign(i) {
                    self.flavours[i].renew(model.table(i))?;
                }
            }
            let before = self.common.clone();
            for i in 0..n {
                for j in 0..n {
                    self.common[i * n + j] = before[image[i] * n + image[j]];
                }
            }
        }
        Some(())
    }

    #[inline(always)]
    fn flip(&mut self, model: &Model, random: &mut Stream, a: usize) {
        let beta = model.beta;
        let change = sign_of(self.flavours[a].occupied);
        let action = self.cost(model, a, 0.0, beta) * change;
        if self.accept(FLIP, (-action).exp(), random) {
            let flavour = &mut self.flavours[a];
            flavour.occupied = !flavour.occupied;
            flavour.length = if flavour.occupied { beta } else { 0.0 };
            self.changed(a, change);
        }
    }
}
