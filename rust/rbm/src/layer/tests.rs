use super::*;
use crate::bits::transpose;
use kadanoff_runtime::random::mix;

/// Numbers in (-1, 1) that are multiples of 2^-10: sums of them are exact in single precision.
fn numbers(count: usize, seed: u64) -> Vec<f32> {
    (0..count as u64)
        .map(|i| (mix(seed << 32 | i) % 2047) as f32 / 1024.0 - 1.0)
        .collect()
}

fn rows(count: usize, units: usize, seed: u64) -> Vec<u64> {
    let width = words(units);
    (0..count * width)
        .map(|i| {
            let left = units - (i % width) * 64;
            let keep = if left >= 64 {
                u64::MAX
            } else {
                (1 << left) - 1
            };
            mix(seed << 40 | i as u64) & keep
        })
        .collect()
}

const UNITS: [Units; 2] = [Units::Binary, Units::Spin];
const SIZES: [(usize, usize); 6] = [(1, 1), (4, 32), (5, 33), (64, 64), (67, 70), (130, 100)];

#[test]
fn fields_are_exact_sums() {
    for (n, m) in SIZES {
        for units in UNITS {
            let (w, b) = (numbers(n * m, 1), numbers(m, 2));
            let turned: Vec<f32> = (0..n * m).map(|k| w[k % n * m + k / n]).collect();
            let input = rows(37, n, 3);
            for level in Level::available() {
                let mut layer = Layer::new(n, m, units, Units::Binary);
                let mut out = vec![0.0; BLOCK * layer.padded()];
                for by_columns in [false, true] {
                    if by_columns {
                        layer.set_transposed(level, &b, &turned);
                    } else {
                        layer.set(level, &b, &w);
                    }
                    layer.fields(level, &input, &mut out);
                    for (r, row) in input.chunks_exact(words(n)).enumerate() {
                        for j in 0..m {
                            let exact: f32 = (0..n)
                                .map(|i| {
                                    let bit = row[i / 64] >> (i % 64) & 1 == 1;
                                    units.value(bit) as f32 * w[i * m + j]
                                })
                                .sum();
                            assert_eq!(out[r * layer.padded() + j], b[j] + exact);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn every_level_draws_the_same_bits() {
    let all = Level::available();
    for (n, m) in SIZES {
        for (from, to) in [(Units::Binary, Units::Spin), (Units::Spin, Units::Binary)] {
            // Weights that are not exact in binary: any reordering of sums would show.
            let w: Vec<f32> = numbers(n * m, 4).iter().map(|x| x / 3.0).collect();
            let b: Vec<f32> = numbers(m, 5).iter().map(|x| x / 7.0).collect();
            let base: Vec<f32> = numbers(m, 6).iter().map(|x| x / 5.0).collect();
            let input = rows(64, n, 7);
            let run = |level: Level| {
                let mut layer = Layer::new(n, m, from, to);
                layer.set(level, &b, &w);
                let mut out = vec![0; 64 * words(m)];
                let mut means = vec![0.0f32; 64 * layer.padded()];
                let mut random = RandomLanes::new(1, 2);
                let at = Tempered {
                    beta: 0.7,
                    base: &base,
                };
                layer.sample(level, &input, at, &mut random, &mut out, Some(&mut means));
                let mut columns = [0; 64];
                columns.copy_from_slice(&input[..64 * words(n)][..64]);
                transpose(&mut columns);
                let mut sums = vec![0.0f32; n.min(64) * layer.padded()];
                dispatch(
                    level,
                    Correlate {
                        columns: &columns[..n.min(64)],
                        units: from,
                        means: &means,
                        padded: layer.padded(),
                        sign: -0.3,
                        tables: &mut tables(),
                        out: &mut sums,
                    },
                );
                let bits = |x: Vec<f32>| x.into_iter().map(f32::to_bits).collect::<Vec<_>>();
                (out, bits(means), bits(sums), random.next())
            };
            let first = run(all[0]);
            for &level in &all[1..] {
                assert_eq!(run(level), first, "{level:?} {n} {m}");
            }
        }
    }
}

#[test]
fn padding_stays_dark() {
    let mut layer = Layer::new(3, 37, Units::Spin, Units::Binary);
    layer.set(Level::best(), &[9.0; 37], &[0.0; 111]);
    let mut out = vec![0; 64];
    let mut random = RandomLanes::new(0, 0);
    let input = rows(64, 3, 1);
    layer.sample(
        Level::best(),
        &input,
        Tempered::ONE,
        &mut random,
        &mut out,
        None,
    );
    assert!(out.iter().all(|word| word >> 37 == 0));
    assert!(out.iter().map(|word| word.count_ones()).sum::<u32>() > 64 * 36);
}

#[test]
fn correlations_count_pairs() {
    for units in UNITS {
        let (n, m) = (13, 40);
        let padded = 64;
        let means: Vec<f32> = numbers(64 * padded, 8);
        let square: Vec<u64> = rows(64, n, 9);
        let mut columns = [0; 64];
        columns.copy_from_slice(&square);
        transpose(&mut columns);
        let mut out = vec![1.0; n * padded];
        dispatch(
            Level::best(),
            Correlate {
                columns: &columns[..n],
                units,
                means: &means,
                padded,
                sign: -1.0,
                tables: &mut tables(),
                out: &mut out,
            },
        );
        for i in 0..n {
            for j in 0..m {
                let exact: f32 = (0..64)
                    .map(|r| units.value(square[r] >> i & 1 == 1) as f32 * means[r * padded + j])
                    .sum();
                assert_eq!(out[i * padded + j], 1.0 - exact);
            }
        }
    }
}
