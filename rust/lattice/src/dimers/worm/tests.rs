//! Loops as a Markov chain on all coverings: every loop of every length, summed exactly.
#![allow(clippy::unwrap_used)]

use super::super::{Boundary, enumerate, flippable};
use super::*;
use kadanoff_runtime::Control;
use std::collections::BTreeMap;

/// `kernel[a][b]`: probability that a loop begun at a random site leads from covering a to b.
fn kernel<R: Rule>(rule: &R, lattice: &SquareLattice, coverings: &[Vec<u8>]) -> Vec<Vec<f64>> {
    let index: BTreeMap<&[u8], usize> = coverings
        .iter()
        .enumerate()
        .map(|(i, c)| (c.as_slice(), i))
        .collect();
    let mut kernel = vec![vec![0.0; coverings.len()]; coverings.len()];
    let sites = lattice.sites() as u32;
    for (a, covering) in coverings.iter().enumerate() {
        for start in 0..sites {
            let byte = covering[start as usize];
            let first = (
                covering.clone(),
                lattice.neighbour(start, byte),
                byte & 3 ^ 2,
            );
            let mut worms = BTreeMap::from([(first, 1.0 / f64::from(sites))]);
            // What is left after this many steps is below the rounding of the sums.
            while worms.values().sum::<f64>() > 1e-15 {
                let mut next = BTreeMap::new();
                for ((cells, pivot, from), weight) in worms {
                    let old = cells[pivot as usize];
                    let p = rule.probabilities(&cells, pivot, old, from);
                    for d in (0..4u8).filter(|&d| p[usize::from(d)] > 0.0) {
                        let weight = weight * p[usize::from(d)];
                        let mut cells = cells.clone();
                        let new = old & !DIRECTION | d;
                        cells[pivot as usize] = new;
                        let met = lattice.neighbour(pivot, new);
                        let pushed = cells[met as usize];
                        cells[met as usize] = pushed & !DIRECTION | d ^ 2;
                        if met == start {
                            kernel[a][index[cells.as_slice()]] += weight;
                        } else {
                            let to = lattice.neighbour(met, pushed);
                            *next.entry((cells, to, pushed & 3 ^ 2)).or_insert(0.0) += weight;
                        }
                    }
                }
                worms = next;
            }
        }
    }
    kernel
}

fn check(lx: usize, ly: usize, boundary: Boundary, coupling: f64) {
    let lattice = SquareLattice::new(lx, ly, boundary).unwrap();
    let coverings: Vec<Vec<u8>> = enumerate(&lattice, 1000, &Control::new())
        .unwrap()
        .chunks(lx * ly)
        .map(|c| lattice.bytes(c))
        .collect();
    let kernel = match &Weights::new(&lattice, coupling) {
        Weights::Even => kernel(&Even, &lattice, &coverings),
        Weights::EvenOpen(table) => kernel(&EvenOpen { table }, &lattice, &coverings),
        Weights::Interacting(table) => {
            let lattice = &lattice;
            kernel(&Interacting { lattice, table }, lattice, &coverings)
        }
        Weights::InteractingOpen(table) => {
            let lattice = &lattice;
            kernel(&InteractingOpen { lattice, table }, lattice, &coverings)
        }
    };
    let weight: Vec<f64> = coverings
        .iter()
        .map(|c| (-coupling * f64::from(flippable(&lattice, c))).exp())
        .collect();
    for (a, row) in kernel.iter().enumerate() {
        assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        for b in 0..row.len() {
            let (there, back) = (weight[a] * row[b], weight[b] * kernel[b][a]);
            // Sums of some thousand terms, relative to the weight of the state.
            assert!((there - back).abs() < 1e-13 * weight[a].max(weight[b]));
        }
    }
    // Every covering can be reached from every other one.
    let mut reached = vec![false; kernel.len()];
    let mut waiting = vec![0];
    while let Some(a) = waiting.pop() {
        if !std::mem::replace(&mut reached[a], true) {
            waiting.extend((0..kernel.len()).filter(|&b| kernel[a][b] > 0.0));
        }
    }
    assert!(reached.into_iter().all(|r| r));
}

#[test]
fn detailed_balance_is_exact() {
    for coupling in [0.0, -1.1, 0.6] {
        for (lx, ly) in [(2, 2), (4, 2), (2, 4)] {
            check(lx, ly, Boundary::Periodic, coupling);
        }
        for (lx, ly) in [(2, 3), (4, 3), (1, 4), (5, 2)] {
            check(lx, ly, Boundary::Open, coupling);
        }
    }
}

#[test]
fn turns_follow_their_probabilities() {
    let lattice = SquareLattice::new(4, 4, Boundary::Open).unwrap();
    let cells = lattice.bytes(&lattice.columnar());
    let table = thresholds(-0.7);
    let rule = InteractingOpen {
        lattice: &lattice,
        table: &table,
    };
    let mut random = kadanoff_runtime::random::stream(1, 0);
    let n = 100_000;
    for pivot in 0..16u32 {
        let byte = cells[pivot as usize];
        let from = byte & DIRECTION;
        let p = rule.probabilities(&cells, pivot, byte, from);
        let key = rule.key(&cells, pivot, byte);
        let mut counts = [0.0; 4];
        for _ in 0..n {
            let mut word = random.next_u64();
            counts[usize::from(rule.turn(key, byte, from, &mut word))] += 1.0;
        }
        for d in 0..4 {
            let (mean, error) = (p[d] * f64::from(n), (p[d] * f64::from(n)).sqrt());
            assert!((counts[d] - mean).abs() <= 4.5 * error, "{p:?} {counts:?}");
        }
    }
}
