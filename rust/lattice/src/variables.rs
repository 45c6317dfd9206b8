//! Variables +1 and -1 of stored configurations, and their sums over blocks.
//!
//! Configurations are kept as bytes: eight spins each, or the direction of a dimer. What a byte means
//! for a variable is said by a table, so that every kind is read by the same loop.

use crate::Error;

/// A variable: where its byte is, what that means, and where the variable goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// Number of the byte in its row.
    pub byte: usize,
    /// Number of its table.
    pub table: usize,
    /// Number of the variable among those that are read.
    pub to: usize,
}

/// Configurations, one per row of bytes, and variables to be read from them.
#[derive(Debug, Clone)]
pub struct Plane<'a> {
    /// All rows.
    pub bytes: &'a [u8],
    /// Bytes of a row.
    pub width: usize,
    /// Values of a variable for every value of its byte.
    pub tables: &'a [[i8; 256]],
    /// What is read.
    pub variables: Vec<Variable>,
}

impl Plane<'_> {
    fn rows(&self) -> usize {
        self.bytes.len().checked_div(self.width).unwrap_or(0)
    }

    fn check(&self, count: usize) -> Result<(), Error> {
        let known =
            |v: &Variable| v.byte < self.width && v.table < self.tables.len() && v.to < count;
        if self.variables.iter().all(known) {
            Ok(())
        } else {
            Err(Error::Argument("a variable lies outside of its row".into()))
        }
    }
}

/// `count` variables of some rows; those that no plane holds are 0.
///
/// ```
/// use kadanoff_lattice::variables::{Plane, Variable, columns};
///
/// let mut bit = [[-1; 256]; 2]; // the two lowest bits
/// (0..256).for_each(|byte| (0..2).for_each(|k| bit[k][byte] = 2 * (byte >> k & 1) as i8 - 1));
/// let variables = (0..2).map(|k| Variable { byte: 0, table: k, to: 1 - k }).collect();
/// let plane = Plane { bytes: &[0b01, 0b11], width: 1, tables: &bit, variables };
/// assert_eq!(columns(&[plane], &[1, 0], 3)?, [1, 1, 0, -1, 1, 0]);
/// # Ok::<(), kadanoff_lattice::Error>(())
/// ```
pub fn columns(planes: &[Plane<'_>], rows: &[usize], count: usize) -> Result<Vec<i8>, Error> {
    let mut out = vec![0; rows.len() * count];
    if count == 0 {
        return Ok(out);
    }
    for plane in planes {
        plane.check(count)?;
        if rows.iter().any(|row| *row >= plane.rows()) {
            return Err(Error::Argument("a row lies outside of the samples".into()));
        }
        for (out, row) in out.chunks_exact_mut(count).zip(rows) {
            let bytes = &plane.bytes[row * plane.width..(row + 1) * plane.width];
            for v in &plane.variables {
                out[v.to] = plane.tables[v.table][usize::from(bytes[v.byte])];
            }
        }
    }
    Ok(out)
}

/// Blocks of equally many variables, of sites with `letters` variables each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blocks {
    /// Number of blocks.
    pub places: usize,
    /// Variables of a block.
    pub size: usize,
    /// Variables of a site.
    pub letters: usize,
}

/// Sums of [`block_sums`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockSums {
    /// Of each variable over the blocks: all configurations of the first, of the second, ...
    pub over_blocks: Vec<i32>,
    /// Over blocks and letters, of the squared sum of that letter over the block.
    pub squares: Vec<i64>,
}

/// Configurations that share a pass over the list of variables.
const LANES: usize = 8;

/// A variable as the loop over rows needs it.
struct Read<'a> {
    byte: usize,
    table: &'a [i8; 256],
    /// Its number in the block.
    number: usize,
    /// The sum over a block that it belongs to.
    block: usize,
}

impl<'a> Read<'a> {
    fn all(plane: &Plane<'a>, blocks: Blocks) -> Vec<Self> {
        let of = |v: &Variable| {
            let (place, number) = (v.to / blocks.size, v.to % blocks.size);
            Self {
                byte: v.byte,
                table: &plane.tables[v.table],
                number,
                block: place * blocks.letters + number % blocks.letters,
            }
        };
        plane.variables.iter().map(of).collect()
    }
}

/// Sums over blocks in every row; variable `to = place * size + number` is that of a block.
///
/// ```
/// use kadanoff_lattice::variables::{Blocks, Plane, Variable, block_sums};
///
/// let spin: [i8; 256] = std::array::from_fn(|byte| if byte == 1 { 1 } else { -1 });
/// let variables = (0..4).map(|k| Variable { byte: k, table: 0, to: k }).collect();
/// let plane = Plane { bytes: &[1, 1, 1, 0], width: 4, tables: &[spin], variables };
/// let found = block_sums(&[plane], 1, Blocks { places: 2, size: 2, letters: 1 })?;
/// assert_eq!((found.over_blocks, found.squares), (vec![2, 0], vec![4]));
/// # Ok::<(), kadanoff_lattice::Error>(())
/// ```
pub fn block_sums(planes: &[Plane<'_>], rows: usize, blocks: Blocks) -> Result<BlockSums, Error> {
    let Blocks {
        places,
        size,
        letters,
    } = blocks;
    if letters == 0 || size == 0 || size % letters != 0 {
        return Err(Error::Argument("a block must hold whole sites".into()));
    }
    for plane in planes {
        plane.check(places * size)?;
        if plane.rows() < rows {
            return Err(Error::Argument("a row lies outside of the samples".into()));
        }
    }
    let read: Vec<Vec<Read>> = planes
        .iter()
        .map(|plane| Read::all(plane, blocks))
        .collect();
    let mut out = BlockSums {
        over_blocks: vec![0; size * rows],
        squares: vec![0; rows],
    };
    let mut over_blocks = vec![[0_i32; LANES]; size];
    let mut in_block = vec![[0_i32; LANES]; places * letters];
    for first in (0..rows).step_by(LANES) {
        // A last, shorter group reads its last row again.
        let lanes: [usize; LANES] = std::array::from_fn(|lane| (first + lane).min(rows - 1));
        let here = first..rows.min(first + LANES);
        over_blocks.fill([0; LANES]);
        in_block.fill([0; LANES]);
        for (plane, read) in planes.iter().zip(&read) {
            let bytes = lanes.map(|row| &plane.bytes[row * plane.width..(row + 1) * plane.width]);
            for v in read {
                let x = bytes.map(|row| i32::from(v.table[usize::from(row[v.byte])]));
                let (sum, block) = (&mut over_blocks[v.number], &mut in_block[v.block]);
                for lane in 0..LANES {
                    sum[lane] += x[lane];
                    block[lane] += x[lane];
                }
            }
        }
        for (sums, found) in out.over_blocks.chunks_exact_mut(rows).zip(&over_blocks) {
            sums[here.clone()].copy_from_slice(&found[..here.len()]);
        }
        for (lane, row) in here.enumerate() {
            let squared = in_block.iter().map(|sum| i64::from(sum[lane]).pow(2));
            out.squares[row] = squared.sum();
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two bytes per row, the first with two bits, the second a letter of three.
    fn plane(bytes: &[u8]) -> Plane<'_> {
        const TABLES: [[i8; 256]; 3] = {
            let mut tables = [[-1; 256]; 3];
            let mut byte = 0;
            while byte < 256 {
                tables[0][byte] = 2 * (byte & 1) as i8 - 1;
                tables[1][byte] = (byte & 2) as i8 - 1;
                byte += 1;
            }
            tables[2][2] = 1;
            tables
        };
        let variables = [(0, 0, 0), (0, 1, 3), (1, 2, 2), (1, 0, 1)];
        Plane {
            bytes,
            width: 2,
            tables: &TABLES,
            variables: variables
                .map(|(byte, table, to)| Variable { byte, table, to })
                .to_vec(),
        }
    }

    #[test]
    fn sums_are_those_of_the_columns() -> Result<(), Error> {
        let rows = 21; // no multiple of the lanes
        let bytes: Vec<u8> = (0..2 * rows as u32)
            .map(|i| (i * i % 7 % 3) as u8)
            .collect();
        let all: Vec<usize> = (0..rows).collect();
        let x = columns(&[plane(&bytes)], &all, 4)?;
        for (places, size, letters) in [(1, 4, 1), (2, 2, 1), (2, 2, 2), (4, 1, 1)] {
            let blocks = Blocks {
                places,
                size,
                letters,
            };
            let found = block_sums(&[plane(&bytes)], rows, blocks)?;
            for (row, x) in x.chunks_exact(4).enumerate() {
                let x: Vec<i64> = x.iter().map(|x| i64::from(*x)).collect();
                for j in 0..size {
                    let sum: i64 = (0..places).map(|p| x[p * size + j]).sum();
                    assert_eq!(i64::from(found.over_blocks[j * rows + row]), sum);
                }
                let blocks = x.chunks_exact(size);
                let letter = |block: &[i64], a: usize| block.iter().skip(a).step_by(letters).sum();
                let squares = blocks.map(|block| {
                    let sums = (0..letters).map(|a| -> i64 { letter(block, a) });
                    sums.map(|sum| sum * sum).sum::<i64>()
                });
                assert_eq!(found.squares[row], squares.sum::<i64>());
            }
        }
        Ok(())
    }

    #[test]
    fn refuses_what_lies_outside() {
        let planes = [plane(&[0; 4])];
        assert!(columns(&planes, &[2], 4).is_err());
        assert!(columns(&planes, &[0], 3).is_err());
        let blocks = |places, size, letters| Blocks {
            places,
            size,
            letters,
        };
        assert!(block_sums(&planes, 3, blocks(2, 2, 1)).is_err());
        assert!(block_sums(&planes, 2, blocks(1, 3, 1)).is_err());
        assert!(block_sums(&planes, 2, blocks(2, 2, 0)).is_err());
    }
}
