//! Into how many blocks each axis of a lattice is cut.

/// The blocks of an axis: the first `wide` of them have `width + 1` sites, the others `width`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Axis {
    pub blocks: usize,
    width: usize,
    wide: usize,
}

/// A set of blocks of an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lanes {
    All,
    Wide,
    Narrow,
    AfterWide,
    AfterNarrow,
}

impl Axis {
    pub(super) fn new(sites: usize, blocks: usize) -> Self {
        Self {
            blocks,
            width: sites / blocks,
            wide: sites % blocks,
        }
    }

    /// Sites of the widest block.
    pub(super) fn extent(&self) -> usize {
        self.width + usize::from(self.wide > 0)
    }

    /// Sites of a block.
    pub(super) fn size(&self, block: usize) -> usize {
        self.width + usize::from(block < self.wide)
    }

    /// Coordinate of the first site of a block.
    pub(super) fn start(&self, block: usize) -> usize {
        block * self.width + block.min(self.wide)
    }

    /// A block's member of a set.
    pub(super) fn holds(&self, block: usize, lanes: Lanes) -> bool {
        let wide = |block: usize| block < self.wide;
        let before = (block + self.blocks - 1) % self.blocks;
        match lanes {
            Lanes::All => true,
            Lanes::Wide => wide(block),
            Lanes::Narrow => !wide(block),
            Lanes::AfterWide => wide(before),
            Lanes::AfterNarrow => !wide(before),
        }
    }

    /// Where one step from position x of a block leads: the position, how many blocks on, and for
    /// which blocks.
    pub(super) fn step(&self, x: usize, by: i8) -> Vec<(usize, i8, Lanes)> {
        let (width, even) = (self.width, self.wide == 0);
        match by {
            0 => vec![(x, 0, Lanes::All)],
            1 if x + 1 == width && !even => vec![(width, 0, Lanes::Wide), (0, 1, Lanes::Narrow)],
            1 if x + 1 >= width => vec![(0, 1, Lanes::All)],
            1 => vec![(x + 1, 0, Lanes::All)],
            _ if x > 0 => vec![(x - 1, 0, Lanes::All)],
            _ if even => vec![(width - 1, -1, Lanes::All)],
            _ => vec![
                (width, -1, Lanes::AfterWide),
                (width - 1, -1, Lanes::AfterNarrow),
            ],
        }
    }

    /// At which edges of a block a position is.
    pub(super) fn edges(&self, x: usize) -> u8 {
        u8::from(x == 0) + 2 * u8::from(x + 1 == self.width) + 4 * u8::from(x == self.width)
    }
}

/// Words that hold a lattice.
pub(crate) fn words(shape: &[usize], blocks: &[usize]) -> usize {
    shape
        .iter()
        .zip(blocks)
        .map(|(n, b)| n.div_ceil(*b))
        .product()
}

/// Numbers of blocks along the axes, at most `most` in all.
///
/// Powers of two that divide the sizes, unless others save a third of the words.
pub(crate) fn blocks(shape: &[usize], most: usize) -> Vec<usize> {
    let halves = halves(shape, most);
    let fewest = fewest(shape, most);
    if 3 * words(shape, &fewest) <= 2 * words(shape, &halves) {
        fewest
    } else {
        halves
    }
}

/// Powers of two that divide the sizes.
fn halves(shape: &[usize], most: usize) -> Vec<usize> {
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

/// The blocks, two sites wide at least, whose words take the least time.
fn fewest(shape: &[usize], most: usize) -> Vec<usize> {
    let mut best = (usize::MAX, vec![1; shape.len()]);
    let mut blocks = vec![1; shape.len()];
    search(shape, most, 0, &mut blocks, &mut best);
    best.1
}

fn search(
    shape: &[usize],
    most: usize,
    axis: usize,
    blocks: &mut Vec<usize>,
    best: &mut (usize, Vec<usize>),
) {
    let bound = most.min(shape[axis] / 2).max(1);
    let last = axis + 1 == shape.len();
    for wanted in if last { bound..=bound } else { 1..=bound } {
        // As few blocks as reach the same width of the widest one.
        blocks[axis] = shape[axis].div_ceil(shape[axis].div_ceil(wanted));
        if !last {
            search(shape, most / blocks[axis], axis + 1, blocks, best);
            continue;
        }
        let cost = cost(shape, blocks);
        if cost < best.0 {
            *best = (cost, blocks.clone());
        }
    }
}

/// Time of a sweep, in units of a thirty-second of a word inside of its blocks. The words at an edge
/// of equal blocks take an eighth more, those where blocks of both widths meet a quarter.
fn cost(shape: &[usize], blocks: &[usize]) -> usize {
    let words = words(shape, blocks);
    let edges = shape.iter().zip(blocks).map(|(&n, &b)| {
        let each = match (b, n % b) {
            (1, _) => 0,
            (_, 0) => 4,
            _ => 12,
        };
        words / n.div_ceil(b) * each
    });
    32 * words + edges.sum::<usize>()
}
