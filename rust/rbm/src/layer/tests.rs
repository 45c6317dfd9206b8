use super::*;
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
                let bits = |x: Vec<f32>| x.into_iter().map(f32::to_bits).collect::<Vec<_>>();
                (out, bits(means), random.next())
            };
            let first = run(all[0]);
            for &level in &all[1..] {
                assert_eq!(run(level), first, "{level:?} {n} {m}");
            }
        }
    }
}

#[test]
fn groups_have_one_unit_up_with_the_right_frequency() {
    let (sites, states) = (27, 3); // groups across panels and words
    let units = sites * states;
    let bias: Vec<f32> = numbers(units, 8).iter().map(|x| 2.0 * x).collect();
    let draw = |level: Level| {
        let mut layer = Layer::new(2, units, Units::Binary, Units::OneHot(states));
        layer.set(level, &bias, &vec![0.0; 2 * units]);
        let mut random = RandomLanes::new(3, 4);
        let mut counts = vec![0u32; units];
        let mut out = vec![0; BLOCK * words(units)];
        for _ in 0..400 {
            layer.sample(
                level,
                &[0; BLOCK],
                Tempered::ONE,
                &mut random,
                &mut out,
                None,
            );
            for row in out.chunks_exact(words(units)) {
                let up = |i: usize| (row[i / 64] >> (i % 64) & 1) as u32;
                for s in 0..sites {
                    assert_eq!((0..states).map(|k| up(s * states + k)).sum::<u32>(), 1);
                }
                for (i, count) in counts.iter_mut().enumerate() {
                    *count += up(i);
                }
            }
        }
        counts
    };
    let all = Level::available();
    let counts = draw(all[0]);
    for &level in &all[1..] {
        assert_eq!(draw(level), counts, "{level:?}");
    }
    let n = 400.0 * BLOCK as f32;
    for (group, counts) in bias.chunks(states).zip(counts.chunks(states)) {
        let total: f32 = group.iter().map(|x| x.exp()).sum();
        for (x, &count) in group.iter().zip(counts) {
            let p = x.exp() / total;
            let error = (p * (1.0 - p) / n).sqrt();
            // 81 numbers: five standard errors are left in 5e-5 of the cases.
            assert!((count as f32 / n - p).abs() < 5.0 * error);
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
