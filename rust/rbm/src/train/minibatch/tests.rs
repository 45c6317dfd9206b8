use super::super::product::{Scratch, Tile};
use super::*;
use crate::layer::{Layer, PANEL};
use rand::Rng;

const KINDS: [Units; 2] = [Units::Binary, Units::Spin];

/// Multiples of 1/64, whose sums are exact in any order.
fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut source = kadanoff_runtime::random::stream(seed, 0);
    let number = |x: u64| (x % 256) as f32 / 64.0 - 2.0;
    (0..count).map(|_| number(source.next_u64())).collect()
}

/// Blocks of 64 rows of bits.
fn bits(blocks: usize, units: usize, seed: u64) -> Vec<u64> {
    let mut source = kadanoff_runtime::random::stream(seed, 1);
    let last = u64::MAX >> (words(units) * 64 - units);
    let mut out = Vec::new();
    for _ in 0..blocks * BLOCK {
        out.extend((1..words(units)).map(|_| source.next_u64()));
        out.push(source.next_u64() & last);
    }
    out
}

fn scratch() -> Scratch {
    Scratch {
        tile: Tile::ZERO,
        own: Vec::new(),
    }
}

#[test]
fn tiles_give_the_fields_of_a_layer() {
    // Kept and made in passing, of whole and of partial panels and words.
    for (n, m) in [(64, 32), (13, 40), (77, 45), (300, 130), (130, 300)] {
        for (kind, transposed) in [(KINDS[0], false), (KINDS[1], true)] {
            let (bias, weights) = (numbers(m, 1), numbers(n * m, 2));
            let mut layer = Layer::new(n, m, kind, Units::Binary);
            let mut direction = Direction::new((n, m), (kind, Units::Binary), transposed);
            let level = Level::current();
            if transposed {
                layer.set_transposed(level, &bias, &weights);
            } else {
                layer.set(level, &bias, &weights);
            }
            direction.prepare(level, &weights);
            let input = bits(2, n, 3);
            let rows = [64, 11];
            for panel in 0..direction.panels() {
                let mut out = vec![Row::ZERO; 2 * BLOCK];
                let mut blocks: Vec<&mut [Row]> = out.chunks_mut(BLOCK).collect();
                let work = Fields {
                    direction: &direction,
                    bias: &bias,
                    weights: &weights,
                    panel,
                    bits: &input,
                    rows: &rows,
                    out: &mut blocks,
                    tile: &mut Tile::ZERO.clone(),
                };
                dispatch(level, work);
                for (block, &rows) in rows.iter().enumerate() {
                    let mut expected = vec![0.0; BLOCK * layer.padded()];
                    let own = &input[block * BLOCK * words(n)..][..rows * words(n)];
                    layer.fields(level, own, &mut expected);
                    for r in 0..rows {
                        let from = &expected[r * layer.padded() + panel * PANEL..][..PANEL];
                        assert_eq!(out[block * BLOCK + r].0, from, "{n} {m} {panel} {r}");
                    }
                }
            }
        }
    }
}

#[test]
fn pairs_are_counted_block_by_block() {
    for units in KINDS {
        let (visible, panels) = (77, 2);
        let mut row = numbers(2 * panels * BLOCK * PANEL, 4).into_iter();
        // [block][panel][row]
        let means: Vec<Row> = (0..2 * panels * BLOCK)
            .map(|_| Row(std::array::from_fn(|_| row.next().unwrap_or(0.0))))
            .collect();
        let seen = bits(2, visible, 5);
        let rows = [64, 10];
        let wide = words(visible);
        let turned: Vec<Vec<u64>> = (0..2)
            .map(|k| columns(rows[k], wide, &seen[k * BLOCK * wide..]))
            .collect();
        let phase = |k: usize, weight: f32| Phase {
            means: &means[k * panels * BLOCK..],
            rows: rows[k],
            columns: &turned[k],
            weight,
        };
        // The first block has one phase, the second one both: they cancel but for a half.
        let blocks = [vec![phase(0, 1.0)], vec![phase(1, 1.0), phase(1, -0.5)]];
        let (panel, first) = (1, 9);
        let mut out = vec![Row::ZERO; visible - first];
        let work = Pairs {
            blocks: &blocks,
            units,
            panel,
            first,
            out: &mut out,
            scratch: &mut scratch(),
        };
        dispatch(Level::current(), work);
        for (i, sum) in out.iter().enumerate() {
            for c in 0..PANEL {
                let mut exact = 0.0;
                for (k, weight) in [(0, 1.0), (1, 0.5)] {
                    for r in 0..rows[k] {
                        let word = seen[(k * BLOCK + r) * wide + (first + i) / 64];
                        let s = units.value(word >> ((first + i) % 64) & 1 == 1) as f32;
                        exact += weight * s * means[(k * panels + panel) * BLOCK + r].0[c];
                    }
                }
                assert_eq!(sum.0[c], exact);
            }
        }
        let mut sums = Sums::new(visible, panels);
        for phases in &blocks {
            let work = Singles {
                phases,
                units,
                panels,
                out: &mut sums,
            };
            dispatch(Level::current(), work);
        }
        let total = |weights: [f32; 2]| -> f32 {
            let block = |k: usize| {
                let rows = &means[(k * panels + 1) * BLOCK..][..rows[k]];
                weights[k] * rows.iter().map(|row| row.0[3]).sum::<f32>()
            };
            block(0) + block(1)
        };
        assert_eq!(sums.hidden_gap[PANEL + 3], total([1.0, 0.5]));
        assert_eq!(sums.hidden_data[PANEL + 3], total([1.0, 1.0]));
    }
}

#[test]
fn every_level_adds_in_the_same_order() {
    // Numbers that are not exact in binary: any reordering of sums would show.
    let thirds =
        |count, seed| -> Vec<f32> { numbers(count, seed).iter().map(|x| x / 3.0).collect() };
    let (n, m) = (200, 77);
    let (bias, weights, input) = (thirds(m, 6), thirds(n * m, 7), bits(1, n, 8));
    let run = |level: Level| {
        let mut direction = Direction::new((n, m), (Units::Spin, Units::Binary), false);
        direction.prepare(level, &weights);
        let mut out = vec![Row::ZERO; BLOCK * direction.panels()];
        for (panel, out) in out.chunks_exact_mut(BLOCK).enumerate() {
            let work = Fields {
                direction: &direction,
                bias: &bias,
                weights: &weights,
                panel,
                bits: &input,
                rows: &[BLOCK],
                out: &mut [out],
                tile: &mut Tile::ZERO.clone(),
            };
            dispatch(level, work);
        }
        let rows = &mut out;
        dispatch(
            level,
            Means {
                units: Units::Binary,
                rows,
            },
        );
        let phase = Phase {
            means: &out,
            rows: BLOCK,
            columns: &columns(BLOCK, words(n), &input),
            weight: -0.3,
        };
        let mut sums = vec![Row::ZERO; n];
        let work = Pairs {
            blocks: &[vec![phase]],
            units: Units::Spin,
            panel: 1,
            first: 0,
            out: &mut sums,
            scratch: &mut scratch(),
        };
        dispatch(level, work);
        let bits = |rows: Vec<Row>| -> Vec<u32> {
            rows.iter()
                .flat_map(|row| row.0.map(f32::to_bits))
                .collect()
        };
        (bits(out), bits(sums))
    };
    let first = run(Level::Portable);
    for level in Level::available() {
        assert!(run(level) == first, "{level:?}");
    }
}
