//! How the sites of one or several lattices are dealt out to the 512 lanes of words.
//!
//! A lattice is cut into `blocks[a]` blocks along axis a, whose widths differ by one site at most.
//! Lane `r n + b` belongs to block b of replica r, and word number i holds the sites with relative
//! position i in all blocks of all replicas; lanes whose block ends before are not looked at. Inside
//! a block the neighbour of a word is a word; across an edge of a block it is a word whose lanes are
//! rotated, and where blocks of both widths meet it is put together from two such words. Blocks are
//! at least two sites wide, so that no two lanes of a word are neighbours: updating a word is
//! updating its sites one after the other in any order.

use super::super::model::{Model, checkerboard};
use super::super::word::{LANES, LaneWords, Rotation};
use super::blocks::{Axis, Lanes, blocks};

/// Neighbours of a site at most: forward and backward along three directions.
pub(crate) const SLOTS: usize = 6;

/// From this value on `turn` is the number of pieces of a neighbour, more by this value.
pub(crate) const MIXED: u8 = 128;

/// Words of a lattice above which it is cut into stripes that threads share.
const MIN_STRIPED: usize = 8192;
/// Rows of words of a stripe at least. Two are needed: the first row of a lattice has neighbours in
/// the last two rows where blocks have unequal widths.
const STRIPE: usize = 4;

/// A word and where its neighbours are; slot 2 k is forward along direction k, 2 k + 1 backward.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub site: u32,
    /// A word, or the first of the pieces.
    pub near: [u32; SLOTS],
    /// 0, or one more than the number of the turn; see [`MIXED`].
    pub turn: [u8; SLOTS],
    pub pattern: u8,
    pub kind: Kind,
}

/// Where the neighbours of a word are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// All of them are words as they are.
    Inside,
    /// All are there, some turned or put together.
    Edge,
    /// Some lanes miss some.
    Missing,
}

/// Part of a neighbour: the lanes of a mask from a turned word.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    pub word: u32,
    pub turn: u8,
    pub mask: u32,
}

/// Which lanes of a word have which neighbours.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pattern {
    /// Lanes that have a site.
    pub exists: LaneWords,
    /// Lanes that have the neighbour in a slot.
    pub present: [LaneWords; SLOTS],
    /// Lanes by the set of their neighbours, one bit for each slot.
    pub variants: Vec<(LaneWords, u8)>,
    /// Whether all lanes have all neighbours.
    pub whole: bool,
}

/// The layout of a model.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    shape: Vec<usize>,
    axes: Vec<Axis>,
    /// Lanes of one replica, a power of two.
    pub lanes: usize,
    pub slots: usize,
    /// Stripe by stripe.
    pub records: Vec<Record>,
    /// Where each stripe begins among the records, and their end. Stripes are an even number, or
    /// one; those of even number have no neighbours in each other, and neither have the others.
    pub stripes: Vec<usize>,
    pub turns: Vec<Vec<Rotation>>,
    pub pieces: Vec<Piece>,
    pub masks: Vec<LaneWords>,
    pub patterns: Vec<Pattern>,
}

/// What is found out once for all records.
#[derive(Default)]
struct Known {
    turns: Vec<Vec<i8>>,
    masks: Vec<Vec<Lanes>>,
    patterns: Vec<(Vec<u8>, u8)>,
}

impl Layout {
    /// The layout with at most `most` lanes for a replica.
    pub(super) fn new(model: &Model, most: usize) -> Self {
        let blocks = blocks(&model.shape, most);
        let rows = model.shape[0].div_ceil(blocks[0]);
        let words = super::blocks::words(&model.shape, &blocks);
        let stripes = match rows / STRIPE / 2 * 2 {
            many if many >= 4 && words >= MIN_STRIPED => many,
            _ => 1,
        };
        Self::with(model, &blocks, stripes)
    }

    /// The same with given blocks and a given number of stripes.
    pub(super) fn with(model: &Model, blocks: &[usize], stripes: usize) -> Self {
        let shape = model.shape.clone();
        let axes: Vec<Axis> = shape
            .iter()
            .zip(blocks)
            .map(|(&n, &b)| Axis::new(n, b))
            .collect();
        let steps = model.directions();
        let mut layout = Self {
            lanes: blocks.iter().product::<usize>().next_power_of_two(),
            slots: 2 * steps.len(),
            records: Vec::new(),
            stripes: vec![0],
            turns: Vec::new(),
            pieces: Vec::new(),
            masks: Vec::new(),
            patterns: Vec::new(),
            shape,
            axes,
        };
        let mut known = Known::default();
        let extents: Vec<usize> = layout.axes.iter().map(Axis::extent).collect();
        for stripe in 0..stripes {
            let [first, end] = [stripe, stripe + 1].map(|k| k * extents[0] / stripes);
            let mut part = extents.clone();
            part[0] = end - first;
            let before: usize = first * extents[1..].iter().product::<usize>();
            for site in checkerboard(&part) {
                let record = layout.record(model, &steps, before as u32 + site, &mut known);
                layout.records.push(record);
            }
            layout.stripes.push(layout.records.len());
        }
        layout
    }

    fn record(&mut self, model: &Model, steps: &[Vec<i8>], site: u32, known: &mut Known) -> Record {
        let x = self.relative(site as usize);
        let mut record = Record {
            site,
            near: [0; SLOTS],
            turn: [0; SLOTS],
            pattern: 0,
            kind: Kind::Edge,
        };
        for slot in 0..self.slots {
            let pieces = self.step(&x, &steps[slot / 2], slot % 2 == 0, known);
            if let [(only, _)] = &pieces[..] {
                (record.near[slot], record.turn[slot]) = (only.word, only.turn);
            } else {
                record.near[slot] = self.pieces.len() as u32;
                record.turn[slot] = MIXED + pieces.len() as u8;
                for (mut piece, lanes) in pieces {
                    piece.mask = self.mask(lanes, known);
                    self.pieces.push(piece);
                }
            }
        }
        // Only sites at an edge of their block can miss neighbours.
        let key: Vec<u8> = self
            .axes
            .iter()
            .zip(&x)
            .map(|(axis, &c)| axis.edges(c))
            .collect();
        record.pattern = match known.patterns.iter().find(|(k, _)| *k == key) {
            Some(&(_, pattern)) => pattern,
            None => {
                let pattern = self.pattern(model, steps, &x);
                let same = self.patterns.iter().position(|p| *p == pattern);
                let index = same.unwrap_or_else(|| {
                    self.patterns.push(pattern);
                    self.patterns.len() - 1
                }) as u8;
                known.patterns.push((key, index));
                index
            }
        };
        record.kind = match self.patterns[record.pattern as usize].whole {
            false => Kind::Missing,
            true if record.turn == [0; SLOTS] => Kind::Inside,
            true => Kind::Edge,
        };
        record
    }

    /// Replicas in a word.
    pub(super) fn replicas(&self) -> usize {
        LANES / self.lanes
    }

    /// Number of words.
    pub(super) fn words(&self) -> usize {
        self.records.len()
    }

    /// Whether every lane of every word has a site.
    pub(super) fn full(&self) -> bool {
        self.patterns.iter().all(|p| p.exists == LaneWords::ONES)
    }

    fn relative(&self, mut site: usize) -> Vec<usize> {
        let mut x = vec![0; self.axes.len()];
        for (c, axis) in x.iter_mut().zip(&self.axes).rev() {
            *c = site % axis.extent();
            site /= axis.extent();
        }
        x
    }

    /// The words one step away, how they are turned, and which lanes take which.
    fn step(
        &mut self,
        x: &[usize],
        step: &[i8],
        forward: bool,
        known: &mut Known,
    ) -> Vec<(Piece, Vec<Lanes>)> {
        let mut all = vec![(0, Vec::<i8>::new(), Vec::<Lanes>::new())];
        for ((axis, &c), &by) in self.axes.iter().zip(x).zip(step) {
            let ways = axis.step(c, if forward { by } else { -by });
            all = all
                .iter()
                .flat_map(|(word, wraps, lanes)| {
                    ways.iter().map(move |&(to, wrap, those)| {
                        let (mut wraps, mut lanes) = (wraps.clone(), lanes.clone());
                        wraps.push(if axis.blocks > 1 { wrap } else { 0 });
                        lanes.push(those);
                        (word * axis.extent() + to, wraps, lanes)
                    })
                })
                .collect();
        }
        all.into_iter()
            .map(|(word, wraps, lanes)| {
                let piece = Piece {
                    word: word as u32,
                    turn: self.turn(wraps, known),
                    mask: 0,
                };
                (piece, lanes)
            })
            .collect()
    }

    fn turn(&mut self, wraps: Vec<i8>, known: &mut Known) -> u8 {
        if wraps.iter().all(|&w| w == 0) {
            return 0;
        }
        let position = known.turns.iter().position(|t| *t == wraps);
        1 + position.unwrap_or_else(|| {
            self.turns.push(self.rotations(&wraps));
            known.turns.push(wraps);
            known.turns.len() - 1
        }) as u8
    }

    fn mask(&mut self, lanes: Vec<Lanes>, known: &mut Known) -> u32 {
        let position = known.masks.iter().position(|m| *m == lanes);
        position.unwrap_or_else(|| {
            let inside = |lane| {
                let mut all = self.axes.iter().zip(&lanes).enumerate();
                all.all(|(a, (axis, &those))| axis.holds(self.block(lane, a), those))
            };
            self.masks.push(LaneWords::from_fn(inside));
            known.masks.push(lanes);
            known.masks.len() - 1
        }) as u32
    }

    /// Lanes of one replica that are in use.
    fn used(&self) -> usize {
        self.axes.iter().map(|axis| axis.blocks).product()
    }

    /// Lanes from one block to the next along an axis.
    fn stride(&self, axis: usize) -> usize {
        self.axes[axis + 1..].iter().map(|a| a.blocks).product()
    }

    /// Coordinate of a lane's block along an axis.
    fn block(&self, lane: usize, axis: usize) -> usize {
        lane % self.lanes / self.stride(axis) % self.axes[axis].blocks
    }

    fn rotations(&self, wraps: &[i8]) -> Vec<Rotation> {
        (0..wraps.len())
            .filter(|&a| wraps[a] != 0)
            .map(|a| {
                let (b, stride) = (self.axes[a].blocks, self.stride(a));
                let around = (b - 1) * stride;
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

    /// Coordinates of the site of a lane, if it has one.
    fn site(&self, lane: usize, x: &[usize]) -> Option<Vec<usize>> {
        if lane % self.lanes >= self.used() {
            return None;
        }
        let place = |(a, (axis, &c)): (usize, (&Axis, &usize))| {
            let block = self.block(lane, a);
            (c < axis.size(block)).then(|| axis.start(block) + c)
        };
        self.axes.iter().zip(x).enumerate().map(place).collect()
    }

    fn pattern(&self, model: &Model, steps: &[Vec<i8>], x: &[usize]) -> Pattern {
        let mut exists = LaneWords::ZERO;
        let mut present = [LaneWords::ZERO; SLOTS];
        let mut variants: Vec<(LaneWords, u8)> = Vec::new();
        for lane in 0..LANES {
            let Some(site) = self.site(lane, x) else {
                continue;
            };
            exists.set(lane, true);
            let mut set = 0;
            for slot in 0..self.slots {
                let step = &steps[slot / 2];
                // A bond of a site to itself does not take part in its updates.
                let own = (0..step.len()).all(|a| step[a] == 0 || self.shape[a] == 1);
                if !own && model.neighbour(&site, step, slot % 2 == 0).is_some() {
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
        // What happens in lanes without a site does not matter.
        if let Some((lanes, _)) = variants.first_mut() {
            for (all, here) in lanes.0.iter_mut().zip(exists.0) {
                *all |= !here;
            }
        }
        let whole = variants.len() == 1 && variants[0].1.count_ones() as usize == self.slots;
        Pattern {
            exists,
            present,
            variants,
            whole,
        }
    }

    /// Calls `f(word, lane, site)` for every site of a replica, along rows of the last axis.
    pub(super) fn for_each_site(&self, replica: usize, mut f: impl FnMut(usize, usize, usize)) {
        let last = self.axes.len() - 1;
        let width = self.axes[last].extent();
        let rows = self.words() / width;
        for block in 0..self.used() {
            let lane = replica * self.lanes + block;
            let count = self.axes[last].size(self.block(lane, last));
            for row in 0..rows {
                let Some(x) = self.site(lane, &self.relative(row * width)) else {
                    continue;
                };
                let first = x.iter().zip(&self.shape).fold(0, |s, (&c, &n)| s * n + c);
                for i in 0..count {
                    f(row * width + i, lane, first + i);
                }
            }
        }
    }
}
