//! Spins coupled one after the other, and the Slater determinants behind them.
//!
//! Determinants are pairs of bit sets, the orbitals of the up and of the down spins.

/// States of maximal `S_z` of `k` spins coupled one after the other to total spin `twice_spin / 2`.
#[derive(Debug)]
pub(crate) struct SpinFunctions {
    /// Bit sets of up spins.
    pub patterns: Vec<u32>,
    /// Position of a pattern.
    pub position: Vec<u32>,
    /// Coefficients, path by path.
    pub paths: Vec<Vec<f64>>,
}

impl SpinFunctions {
    pub(crate) fn new(k: usize, twice_spin: usize) -> Self {
        let up = (k + twice_spin) / 2;
        let patterns: Vec<u32> = (0..1u32 << k)
            .filter(|p| p.count_ones() as usize == up)
            .collect();
        let mut position = vec![u32::MAX; 1 << k];
        for (i, &p) in patterns.iter().enumerate() {
            position[p as usize] = i as u32;
        }
        let mut paths = Vec::new();
        // A path is a bit set of rising steps; the running spin must not fall below zero.
        for path in 0..1u32 << k {
            let mut spins = vec![0_i32];
            for i in 0..k {
                let step = if path >> i & 1 == 1 { 1 } else { -1 };
                spins.push(spins[i] + step);
            }
            if spins.iter().any(|&s| s < 0) || spins[k] != twice_spin as i32 {
                continue;
            }
            let coefficients = patterns.iter().map(|&p| genealogy(&spins, p)).collect();
            paths.push(coefficients);
        }
        Self {
            patterns,
            position,
            paths,
        }
    }
}

/// Product of the Clebsch-Gordan coefficients along a path of (doubled) spins.
fn genealogy(spins: &[i32], pattern: u32) -> f64 {
    let mut m = 0_i32;
    let mut product = 1.0;
    for i in 0..spins.len() - 1 {
        let up = pattern >> i & 1 == 1;
        let (before, after) = (f64::from(spins[i]), spins[i + 1]);
        m += if up { 1 } else { -1 };
        if m.abs() > after {
            return 0.0;
        }
        let (plus, minus) = (before + 1.0 + f64::from(m), before + 1.0 - f64::from(m));
        let norm = 2.0 * (before + 1.0);
        product *= match (after > spins[i], up) {
            (true, true) | (false, false) => (plus / norm).sqrt(),
            (true, false) => (minus / norm).sqrt(),
            (false, true) => -(minus / norm).sqrt(),
        };
    }
    product
}

/// Occupations of up and down spins of a determinant, and the sign of its ordering against the
/// product of creation operators orbital by orbital.
pub(crate) fn determinant(double: u32, single: u32, pattern: u32) -> (u32, u32, f64) {
    let (mut up, mut down) = (double, double);
    let mut rest = single;
    let mut i = 0;
    while rest != 0 {
        let bit = rest & rest.wrapping_neg();
        if pattern >> i & 1 == 1 {
            up |= bit;
        } else {
            down |= bit;
        }
        rest ^= bit;
        i += 1;
    }
    // Every up spin jumps over the down spins of the orbitals before it.
    let mut jumps = 0;
    let mut rest = up;
    while rest != 0 {
        let bit = rest & rest.wrapping_neg();
        jumps += (down & (bit - 1)).count_ones();
        rest ^= bit;
    }
    (up, down, if jumps % 2 == 0 { 1.0 } else { -1.0 })
}

/// Which of the single orbitals point up.
pub(crate) fn pattern_of(single: u32, up: u32) -> u32 {
    let mut pattern = 0;
    let mut rest = single;
    let mut i = 0;
    while rest != 0 {
        let bit = rest & rest.wrapping_neg();
        if up & bit != 0 {
            pattern |= 1 << i;
        }
        rest ^= bit;
        i += 1;
    }
    pattern
}

fn parity(n: u32) -> f64 {
    if n.is_multiple_of(2) { 1.0 } else { -1.0 }
}

/// `c_bit^+` on a determinant: the spin (true = up) and the sign, or nothing.
pub(crate) fn create(det: (u32, u32), bit: u32, up: bool) -> Option<((u32, u32), f64)> {
    let (u, d) = det;
    if up {
        (u & bit == 0).then(|| ((u | bit, d), parity((u & (bit - 1)).count_ones())))
    } else {
        let jumps = u.count_ones() + (d & (bit - 1)).count_ones();
        (d & bit == 0).then(|| ((u, d | bit), parity(jumps)))
    }
}

/// `c_bit` on a determinant.
pub(crate) fn annihilate(det: (u32, u32), bit: u32, up: bool) -> Option<((u32, u32), f64)> {
    let (u, d) = det;
    let there = if up { u } else { d } & bit != 0;
    let less = if up { (u & !bit, d) } else { (u, d & !bit) };
    there
        .then(|| create(less, bit, up).map(|(_, sign)| (less, sign)))
        .flatten()
}
