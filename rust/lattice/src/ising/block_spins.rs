//! Block spins of a packed configuration, for pictures.

/// The majority of every block of 2 x 2 spins of a square lattice with `l` sites along an axis, eight
/// per byte as in [`Ensemble::pack`](super::Ensemble::pack); of a tie the first spin of the block, the
/// rule `Majority(ties="corner")` of `kadanoff.blockspin`.
///
/// # Panics
/// If `l` is odd or `packed` too short.
///
/// ```
/// use kadanoff_lattice::ising::block_spins;
///
/// // Rows 1111, 1100, 0001, 0010: a block of four, one of two, none, and a tie that begins with 0.
/// assert_eq!(block_spins(&[0b0011_1111, 0b0100_1000], 4), [0b0011]);
/// ```
pub fn block_spins(packed: &[u8], l: usize) -> Vec<u8> {
    assert!(l.is_multiple_of(2), "blocks of 2 x 2 need an even side");
    let half = l / 2;
    let spin = |i: usize| packed[i / 8] >> (i % 8) & 1;
    let mut out = vec![0; (half * half).div_ceil(8)];
    for block in 0..half * half {
        let first = 2 * (block / half) * l + 2 * (block % half);
        let up: u8 = [first, first + 1, first + l, first + l + 1]
            .into_iter()
            .map(spin)
            .sum();
        let state = if up == 2 {
            spin(first)
        } else {
            u8::from(up > 2)
        };
        out[block / 8] |= state << (block % 8);
    }
    out
}

/// `<s s'>` of nearest neighbours on the torus, from a packed configuration of `l` x `l` spins.
///
/// ```
/// use kadanoff_lattice::ising::neighbour_correlation;
///
/// assert_eq!(neighbour_correlation(&[255; 8], 8), 1.0);
/// // Stripes: unlike along x, alike along y.
/// assert_eq!(neighbour_correlation(&[0b0101_0101; 8], 8), 0.0);
/// ```
pub fn neighbour_correlation(packed: &[u8], l: usize) -> f64 {
    let spin = |i: usize| packed[i / 8] >> (i % 8) & 1;
    let mut alike = 0usize;
    for y in 0..l {
        let below = (y + 1) % l * l;
        for x in 0..l {
            let s = spin(y * l + x);
            alike += usize::from(s == spin(y * l + (x + 1) % l));
            alike += usize::from(s == spin(below + x));
        }
    }
    alike as f64 / (l * l) as f64 - 1.0
}
