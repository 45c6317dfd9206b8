//! How the sites of one or several lattices are dealt out to the 512 lanes of words.
//!
//! A lattice is cut into `blocks[a]` equal blocks along axis a. Lane `r B + b` belongs to block b
//! of replica r, and word number i holds the sites with relative position i in all blocks of all
//! replicas. Inside a block the neighbour of a word is a word; across an edge of a block it is a
//! word whose lanes are rotated. Blocks are at least two sites wide, so that no two lanes of a
//! word are neighbours: updating a word is updating its sites one after the other in any order.

use super::super::model::{Model, checkerboard};
use super::super::word::{LANES, LaneWords, Rotation};

/// Neighbours of a site at most: forward and backward along three directions.
pub(crate) const SLOTS: usize = 6;

/// A word and where its neighbours are; slot 2 k is forward along direction k, 2 k + 1 backward.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub site: u32,
    pub near: [u32; SLOTS],
    /// 0, or one more than the number of the turn.
    pub turn: [u8; SLOTS],
    pub pattern: u8,
}

/// Which lanes of a word have which neighbours.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pattern {
    /// Lanes that have the neighbour in a slot.
    pub present: [LaneWords; SLOTS],
    /// Lanes by the set of their neighbours, one bit for each slot.
    pub variants: Vec<(LaneWords, u8)>,
}

/// The layout of a model.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub shape: Vec<usize>,
    pub blocks: Vec<usize>,
    pub extents: Vec<usize>,
    /// Lanes of one replica.
    pub lanes: usize,
    pub slots: usize,
    pub records: Vec<Record>,
    pub turns: Vec<Vec<Rotation>>,
    pub patterns: Vec<Pattern>,
}

/// Numbers of blocks along the axes, powers of two that divide the sizes, at most `most` in all.
pub(crate) fn blocks(shape: &[usize], most: usize) -> Vec<usize> {
    let mut blocks = vec![1; shape.len()];
    while 2 * blocks.iter().product::<usize>() <= most {
        let width = |a: usize| shape[a] / blocks[a];
        // Halve the widest; ties go to the last axis, whose lanes are the closest.
        let Some(a) = (0..shape.len())
            .filter(|&a| width(a) % 2 == 0 && width(a) >= 4)
            .max_by_key(|&a| (width(a), a))
        else {
            break;
        };
        blocks[a] *= 2;
    }
    blocks
}

impl Layout {
    /// The layout with at most `most` lanes for a replica.
    pub(super) fn new(model: &Model, most: usize) -> Self {
        let shape = model.shape.clone();
        let blocks = blocks(&shape, most);
        let extents: Vec<usize> = shape.iter().zip(&blocks).map(|(n, b)| n / b).collect();
        let steps = model.directions();
        let mut layout = Self {
            lanes: blocks.iter().product(),
            slots: 2 * steps.len(),
            records: Vec::new(),
            turns: Vec::new(),
            patterns: Vec::new(),
            shape,
            blocks,
            extents,
        };
        let mut known_turns: Vec<Vec<i8>> = Vec::new();
        let mut known_patterns: Vec<(Vec<u8>, u8)> = Vec::new();
        for site in checkerboard(&layout.extents) {
            let x = layout.relative(site as usize);
            let mut record = Record {
                site,
                near: [0; SLOTS],
                turn: [0; SLOTS],
                pattern: 0,
            };
            let mut all_wraps = Vec::with_capacity(layout.slots);
            for slot in 0..layout.slots {
                let step = &steps[slot / 2];
                let forward = slot % 2 == 0;
                let (near, wraps) = layout.step(&x, step, forward);
                record.near[slot] = near;
                let turning: Vec<i8> = wraps
                    .iter()
                    .zip(&layout.blocks)
                    .map(|(&w, &b)| if b > 1 { w } else { 0 })
                    .collect();
                if turning.iter().any(|&w| w != 0) {
                    let known = known_turns.iter().position(|t| *t == turning);
                    let turn = known.unwrap_or_else(|| {
                        layout.turns.push(layout.rotations(&turning));
                        known_turns.push(turning);
                        known_turns.len() - 1
                    });
                    record.turn[slot] = 1 + turn as u8;
                }
                all_wraps.push(wraps);
            }
            // Only sites at an edge of their block can miss neighbours.
            let key: Vec<u8> = x
                .iter()
                .zip(&layout.extents)
                .map(|(&c, &e)| u8::from(c == 0) + 2 * u8::from(c + 1 == e))
                .collect();
            let known = known_patterns.iter().find(|(k, _)| *k == key);
            record.pattern = match known {
                Some(&(_, pattern)) => pattern,
                None => {
                    let pattern = layout.pattern(model, &steps, &all_wraps);
                    let same = layout.patterns.iter().position(|p| *p == pattern);
                    let index = same.unwrap_or_else(|| {
                        layout.patterns.push(pattern);
                        layout.patterns.len() - 1
                    }) as u8;
                    known_patterns.push((key, index));
                    index
                }
            };
            layout.records.push(record);
        }
        layout
    }

    /// Replicas in a word.
    pub(super) fn replicas(&self) -> usize {
        LANES / self.lanes
    }

    /// Number of words.
    pub(super) fn words(&self) -> usize {
        self.records.len()
    }

    fn relative(&self, mut site: usize) -> Vec<usize> {
        let mut x = vec![0; self.extents.len()];
        for (c, &e) in x.iter_mut().zip(&self.extents).rev() {
            *c = site % e;
            site /= e;
        }
        x
    }

    /// The word one step away, and the edges of blocks that are crossed along each axis.
    fn step(&self, x: &[usize], step: &[i8], forward: bool) -> (u32, Vec<i8>) {
        let mut site = 0;
        let mut wraps = Vec::with_capacity(x.len());
        for (a, &e) in self.extents.iter().enumerate() {
            let step = if forward { step[a] } else { -step[a] };
            let moved = x[a] as isize + isize::from(step);
            site = site * e + moved.rem_euclid(e as isize) as usize;
            wraps.push(moved.div_euclid(e as isize) as i8);
        }
        (site as u32, wraps)
    }

    /// Coordinate of a lane's block along an axis.
    fn block(&self, lane: usize, axis: usize) -> usize {
        let stride: usize = self.blocks[axis + 1..].iter().product();
        lane % self.lanes / stride % self.blocks[axis]
    }

    fn rotations(&self, wraps: &[i8]) -> Vec<Rotation> {
        (0..wraps.len())
            .filter(|&a| wraps[a] != 0)
            .map(|a| {
                let stride: usize = self.blocks[a + 1..].iter().product();
                let (b, around) = (self.blocks[a], (self.blocks[a] - 1) * stride);
                if wraps[a] > 0 {
                    let last = LaneWords::from_fn(|lane| self.block(lane, a) == b - 1);
                    Rotation::new(stride, around, last)
                } else {
                    let inner = LaneWords::from_fn(|lane| self.block(lane, a) != 0);
                    Rotation::new(around, stride, inner)
                }
            })
            .collect()
    }

    fn pattern(&self, model: &Model, steps: &[Vec<i8>], wraps: &[Vec<i8>]) -> Pattern {
        let mut present = [LaneWords::ZERO; SLOTS];
        let mut variants: Vec<(LaneWords, u8)> = Vec::new();
        for lane in 0..LANES {
            let mut set = 0;
            for (slot, wrap) in wraps.iter().enumerate() {
                let step = &steps[slot / 2];
                // A bond of a site to itself does not take part in its updates.
                let own = (0..step.len()).all(|a| step[a] == 0 || self.shape[a] == 1);
                let inside = (0..step.len()).all(|a| {
                    let block = self.block(lane, a) as isize + wrap[a] as isize;
                    model.periodic[a] || (0..self.blocks[a] as isize).contains(&block)
                });
                if inside && !own {
                    present[slot].set(lane, true);
                    set |= 1 << slot;
                }
            }
            match variants.iter_mut().find(|(_, s)| *s == set) {
                Some((lanes, _)) => lanes.set(lane, true),
                None => {
                    let mut lanes = LaneWords::ZERO;
                    lanes.set(lane, true);
                    variants.push((lanes, set));
                }
            }
        }
        Pattern { present, variants }
    }

    /// Calls `f(word, lane, site)` for every site of a replica, along rows of the last axis.
    pub(super) fn for_each_site(&self, replica: usize, mut f: impl FnMut(usize, usize, usize)) {
        let axes = self.shape.len();
        let width = self.extents[axes - 1];
        let rows = self.words() / width;
        for block in 0..self.lanes {
            let lane = replica * self.lanes + block;
            for row in 0..rows {
                let mut x = self.relative(row * width);
                for (a, c) in x.iter_mut().enumerate() {
                    *c += self.block(lane, a) * self.extents[a];
                }
                let first = x.iter().zip(&self.shape).fold(0, |s, (&c, &n)| s * n + c);
                for i in 0..width {
                    f(row * width + i, lane, first + i);
                }
            }
        }
    }
}
