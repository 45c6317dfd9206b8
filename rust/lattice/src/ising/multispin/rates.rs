//! Probabilities of an update as bit planes.
//!
//! A random number u = 0.r_0 r_1 r_2 ... in binary, one for each lane, is below p = 0.p_0 p_1 ...
//! if p has the one at the first digit where they differ. Random planes are drawn until this
//! digit has been met in all lanes, about ten for 512 of them, so that every lane has its own
//! random number of 64 digits and pays for those that matter. Lattices with equal couplings and
//! no field have so few probabilities that words for all of them are drawn together, see
//! [`Chances`].

use super::super::ensemble::Update;
use super::super::model::{Model, logistic, metropolis, threshold};
use super::chances::Chances;
use super::layout::{Pattern, SLOTS};

/// Most classes: three counts along each of three directions, for either own spin.
pub(crate) const CLASSES: usize = 54;

/// For every set of neighbours: how the lanes divide into classes of equal probability.
#[derive(Debug, Clone)]
pub(crate) struct Classes {
    /// Slots with equal couplings, counted together.
    pub groups: Vec<Vec<u8>>,
    /// Whether the own spin matters.
    pub own: bool,
    /// Classes whose probability is one.
    pub certain: u64,
    /// Classes that have a one at each digit, or those that have a zero where `inverted`.
    pub digits: [u64; 64],
    pub inverted: u64,
}

impl Classes {
    pub(super) fn new(model: &Model, beta: f64, update: Update, present: u8) -> Self {
        let directions = model.couplings.len();
        let mut groups: Vec<(f64, Vec<u8>)> = Vec::new();
        for slot in (0..2 * directions).filter(|s| present >> s & 1 == 1) {
            let j = model.couplings[slot / 2];
            match groups.iter_mut().find(|(k, _)| *k == j) {
                Some((_, slots)) => slots.push(slot as u8),
                None => groups.push((j, vec![slot as u8])),
            }
        }
        let own = update == Update::Metropolis;
        let classes = groups.iter().map(|(_, s)| s.len() + 1).product::<usize>();
        let mut found = Self {
            own,
            certain: 0,
            digits: [0; 64],
            inverted: 0,
            groups: groups.iter().map(|(_, s)| s.clone()).collect(),
        };
        let both = if own { 2 } else { 1 };
        for class in 0..classes * both {
            let mut rest = class / both;
            // Twice beta times the local field; the last group runs fastest.
            let mut field = model.field;
            for (j, slots) in groups.iter().rev() {
                let up = rest % (slots.len() + 1);
                rest /= slots.len() + 1;
                field += j * (2.0 * up as f64 - slots.len() as f64);
            }
            let x = 2.0 * beta * field;
            let p = match (own, class % both) {
                (false, _) => logistic(x),
                (true, 1) => metropolis(x),
                (true, _) => metropolis(-x),
            };
            match threshold(p) {
                None => found.certain |= 1 << class,
                Some(t) => {
                    for (k, digit) in found.digits.iter_mut().enumerate() {
                        *digit |= (t >> (63 - k) & 1) << class;
                    }
                }
            }
        }
        let all = classes * both;
        let every = if all == 64 { !0 } else { (1u64 << all) - 1 };
        for (k, digit) in found.digits.iter_mut().enumerate() {
            if 2 * digit.count_ones() as usize > all {
                *digit = every & !*digit;
                found.inverted |= 1 << k;
            }
        }
        found
    }
}

/// Equal couplings to four or six neighbours, no field: probabilities depend on the magnitude of
/// the local field alone.
#[derive(Debug, Clone)]
pub(crate) struct Isotropic {
    pub neighbours: usize,
    /// Antiferromagnetic.
    pub negative: bool,
    /// By the magnitudes 2, 4, 6.
    pub chances: Chances,
}

impl Isotropic {
    pub(super) fn new(model: &Model, beta: f64, update: Update) -> Option<Self> {
        let j = model.couplings[0];
        let neighbours = 2 * model.couplings.len();
        if model.field != 0.0 || model.couplings.iter().any(|&k| k != j) || neighbours < 4 {
            return None;
        }
        let probability = |magnitude: usize| {
            let x = 4.0 * beta * j.abs() * magnitude as f64;
            match update {
                Update::Metropolis => metropolis(x),
                _ => logistic(-x),
            }
        };
        let p: Vec<f64> = (1..=neighbours / 2).map(probability).collect();
        p.iter().all(|&p| p < 1.0).then(|| Self {
            neighbours,
            negative: j < 0.0,
            chances: Chances::new(&p),
        })
    }
}

/// All probabilities of a model at a temperature.
#[derive(Debug, Clone)]
pub(crate) struct Rates {
    /// By set of neighbours.
    pub classes: Vec<Option<Box<Classes>>>,
    /// For words all of whose lanes have all neighbours.
    pub isotropic: Option<Isotropic>,
    pub own: bool,
}

impl Rates {
    pub(super) fn new(model: &Model, patterns: &[Pattern], beta: f64, update: Update) -> Self {
        let mut classes = vec![None; 1 << SLOTS];
        for (_, set) in patterns.iter().flat_map(|p| &p.variants) {
            classes[*set as usize]
                .get_or_insert_with(|| Box::new(Classes::new(model, beta, update, *set)));
        }
        Self {
            classes,
            isotropic: Isotropic::new(model, beta, update),
            own: update == Update::Metropolis,
        }
    }
}
