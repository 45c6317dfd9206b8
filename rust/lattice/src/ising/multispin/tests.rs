use super::super::{Ensemble, LatticeKind, Update};
use super::*;
use crate::ising::graph::Graph;
use LatticeKind::{Hypercubic, Triangular};

pub(crate) fn model(shape: &[usize], lattice: LatticeKind, couplings: &[f64], field: f64) -> Model {
    Model {
        shape: shape.to_vec(),
        lattice,
        couplings: couplings.to_vec(),
        field,
        periodic: vec![true; shape.len()],
    }
}

fn open(mut model: Model, periodic: &[bool]) -> Model {
    model.periodic = periodic.to_vec();
    model
}

/// Sizes that give blocks, no blocks, narrow ones and single sites, with every kind of edge.
fn models() -> Vec<Model> {
    let mut all = vec![
        model(&[1], Hypercubic, &[1.0], 0.0),
        model(&[2], Hypercubic, &[1.0], 0.0),
        model(&[7], Hypercubic, &[1.0], 0.3),
        model(&[64], Hypercubic, &[-1.0], 0.0),
        model(&[4096], Hypercubic, &[1.0], 0.0),
        model(&[1, 1], Triangular, &[1.0, 1.0, 1.0], 0.0),
        model(&[1, 12], Triangular, &[1.0, 0.5, 0.2], 0.0),
        model(&[2, 2], Hypercubic, &[1.0, 0.5], 0.0),
        model(&[8, 8], Hypercubic, &[1.0, 1.0], 0.0),
        model(&[6, 20], Hypercubic, &[1.0, 0.5], 0.2),
        model(&[64, 32], Hypercubic, &[1.0, 1.0], 0.0),
        model(&[8, 256], Hypercubic, &[1.0, 1.0], 0.0),
        model(&[5, 5], Triangular, &[1.0; 3], 0.0),
        model(&[16, 8], Triangular, &[1.0, 0.7, -0.4], 0.1),
        model(&[64, 64], Triangular, &[1.0; 3], 0.0),
        model(&[2, 2, 2], Hypercubic, &[1.0; 3], 0.0),
        model(&[8, 12, 4], Hypercubic, &[1.0, 0.9, 0.8], 0.0),
        model(&[16, 16, 16], Hypercubic, &[1.0; 3], 0.0),
        // Blocks of unequal widths along one axis, and along all.
        model(&[1000], Hypercubic, &[1.0], 0.0),
        model(&[9, 64], Hypercubic, &[1.0, 1.0], 0.0),
        model(&[21, 11], Hypercubic, &[1.0, 1.0], 0.0),
        model(&[5, 67], Hypercubic, &[1.0, 0.5], 0.2),
        model(&[23, 35], Triangular, &[1.0; 3], 0.0),
        model(&[7, 10, 11], Hypercubic, &[1.0; 3], 0.0),
    ];
    for m in all.clone() {
        let axes = m.shape.len();
        all.push(open(m.clone(), &vec![false; axes]));
        let mut mixed = vec![true; axes];
        mixed[axes - 1] = false;
        all.push(open(m, &mixed));
    }
    all
}

#[test]
fn counts_and_configurations_are_those_of_the_lattice() {
    for m in models() {
        let graph = Graph::new(&m);
        for replicas in [1, 3, 512] {
            let mut chain = Multispin::new(&m, 1.0, Update::HeatBath, replicas, 5, 0);
            chain.randomise();
            let counts = chain.measure();
            assert_eq!(counts.len(), replicas);
            for r in [0, replicas / 2, replicas - 1] {
                let mut bits = vec![0; m.sites().div_ceil(8)];
                chain.pack(r, &mut bits);
                let mut spins: Vec<u8> =
                    (0..m.sites()).map(|i| bits[i / 8] >> (i % 8) & 1).collect();
                // Bonds counted one by one.
                let mut differ = [0; 3];
                for (i, x) in (0..m.sites()).map(|i| (i, m.coordinates(i))) {
                    for (k, step) in m.directions().iter().enumerate() {
                        if let Some(n) = m.neighbour(&x, step, true) {
                            differ[k] += u64::from(spins[i] != spins[n]);
                        }
                    }
                }
                assert_eq!(counts[r].differ, differ, "{m:?} {replicas}");
                spins.push(4);
                assert_eq!(graph.counts(&spins), counts[r], "{m:?}");
                // There and back.
                let up: Vec<bool> = spins.iter().map(|s| s & 1 == 1).collect();
                let mut again = vec![0; bits.len()];
                let mut other = chain.clone();
                other.set(replicas - 1, &up);
                other.pack(replicas - 1, &mut again);
                assert_eq!(bits, again);
            }
        }
    }
}

#[test]
fn all_registers_give_the_same_bits() {
    for m in models() {
        for update in [Update::HeatBath, Update::Metropolis] {
            for replicas in [1, 40] {
                let runs: Vec<Vec<LaneWords>> = Level::available()
                    .into_iter()
                    .map(|level| {
                        let mut chain = Multispin::new(&m, 2.2, update, replicas, 3, 1);
                        chain.set_level(level);
                        chain.advance(3, &Control::new()).unwrap();
                        chain.flip_globally();
                        let _ = chain.measure();
                        chain.words
                    })
                    .collect();
                assert!(runs.windows(2).all(|w| w[0] == w[1]), "{m:?}");
            }
        }
    }
}

/// Word and lane of every site of a replica.
fn places(layout: &Layout, replica: usize, sites: usize) -> Vec<(usize, usize)> {
    let mut places = vec![(usize::MAX, 0); sites];
    layout.for_each_site(replica, |word, lane, site| places[site] = (word, lane));
    places
}

#[test]
fn neighbours_are_those_of_the_lattice_and_never_in_the_same_word() {
    for m in models() {
        for most in [LANES, 16] {
            let layout = Layout::new(&m, most);
            let mut chain = Multispin::with(&m, layout.clone(), 1.0, Update::HeatBath, 1, (3, 0));
            chain.randomise();
            let places = places(&layout, layout.replicas() - 1, m.sites());
            let mut records = vec![0; layout.words()];
            for (i, record) in layout.records.iter().enumerate() {
                records[record.site as usize] = i;
            }
            for (site, &(word, lane)) in places.iter().enumerate() {
                let record = &layout.records[records[word]];
                let pattern = &layout.patterns[record.pattern as usize];
                assert!(pattern.exists.get(lane));
                let x = m.coordinates(site);
                for slot in 0..layout.slots {
                    let step = &m.directions()[slot / 2];
                    let near = m.neighbour(&x, step, slot % 2 == 0).filter(|&n| n != site);
                    let present = pattern.present[slot].get(lane);
                    // A site that is its own neighbour by a step along another axis of length one.
                    let expected = near.is_some() || !present;
                    assert!(expected && (present || near.is_none()), "{m:?}");
                    let Some(near) = near else { continue };
                    assert_ne!(places[near].0, word, "{m:?}");
                    let found = kernel::neighbour(&layout, &chain.words, record, slot);
                    let (word, near_lane) = places[near];
                    assert_eq!(found.get(lane), chain.words[word].get(near_lane), "{m:?}");
                }
            }
        }
    }
}

#[test]
fn sides_without_factors_of_two_fill_the_lanes() {
    let lanes = |shape: &[usize]| {
        let sites: usize = shape.iter().product();
        sites as f64 / blocks::words(shape, &blocks::blocks(shape, LANES)) as f64
    };
    for l in 64..=4096 {
        assert!(lanes(&[l, l]) > 300.0, "{l}");
    }
    for l in (64..=4096).step_by(500) {
        assert!(lanes(&[l, l + 1]) > 300.0, "{l}");
    }
    for l in 20..=256 {
        assert!(lanes(&[l, l, l]) > 300.0, "{l}");
    }
    // Powers of two are cut as ever.
    assert_eq!(blocks::blocks(&[64, 64], LANES), [16, 32]);
    assert_eq!(blocks::blocks(&[4096, 4096], LANES), [16, 32]);
    assert_eq!(blocks::blocks(&[64, 64, 64], LANES), [8, 8, 8]);
    assert_eq!(blocks::blocks(&[96, 96], LANES), [16, 32]);
    assert_eq!(blocks::blocks(&[1000, 1000], LANES), [20, 25]);
    assert_eq!(blocks::blocks(&[1, 1], LANES), [1, 1]);
    assert_eq!(blocks::blocks(&[3, 3], LANES), [1, 1]);
}

/// Half of the stripes at a time, and no neighbours between them.
#[test]
fn stripes_of_a_half_do_not_touch() {
    for m in [
        model(&[2048, 2048], Hypercubic, &[1.0; 2], 0.0),
        model(&[2051, 2049], Triangular, &[1.0; 3], 0.0),
        model(&[256, 256, 160], Hypercubic, &[1.0; 3], 0.0),
    ] {
        let layout = Layout::new(&m, LANES);
        let stripes = layout.stripes.len() - 1;
        assert!(stripes >= 4 && stripes.is_multiple_of(2), "{m:?}");
        let mut stripe_of = vec![usize::MAX; layout.words()];
        for k in 0..stripes {
            for record in &layout.records[layout.stripes[k]..layout.stripes[k + 1]] {
                stripe_of[record.site as usize] = k;
            }
        }
        for record in &layout.records {
            let own = stripe_of[record.site as usize];
            for slot in 0..layout.slots {
                let (first, turn) = (record.near[slot], record.turn[slot]);
                let near: Vec<u32> = if turn < layout::MIXED {
                    vec![first]
                } else {
                    let pieces = &layout.pieces[first as usize..];
                    let count = usize::from(turn - layout::MIXED);
                    pieces[..count].iter().map(|p| p.word).collect()
                };
                for other in near.iter().map(|&word| stripe_of[word as usize]) {
                    assert!(other == own || other % 2 != own % 2, "{m:?}");
                }
            }
        }
    }
}

#[test]
fn stripes_give_the_same_bits_on_any_number_of_threads() {
    let m = model(&[33, 40], Hypercubic, &[1.0; 2], 0.0);
    for update in [Update::HeatBath, Update::Metropolis] {
        let run = |threads| {
            let layout = Layout::with(&m, &[2, 20], 8);
            let mut chain = Multispin::with(&m, layout, 2.3, update, 8, (1, 0));
            kadanoff_runtime::with_threads(Some(threads), || {
                chain.advance(30, &Control::new()).unwrap();
                chain.words
            })
            .unwrap()
        };
        assert!(run(1) == run(2) && run(1) == run(3));
    }
}

#[test]
fn an_exchange_moves_whole_replicas() {
    let m = model(&[6, 6], Hypercubic, &[1.0, 1.0], 0.0);
    let make = |index| {
        let mut chain = Multispin::new(&m, 2.0, Update::HeatBath, 8, 1, index);
        chain.randomise();
        chain
    };
    let (mut a, mut b) = (make(0), make(1));
    let (before_a, before_b) = (a.measure(), b.measure());
    let mut marked = vec![false; a.all_replicas()];
    marked[3] = true;
    a.exchange(&mut b, &marked);
    for r in 0..8 {
        let (x, y) = if r == 3 {
            (before_b[r], before_a[r])
        } else {
            (before_a[r], before_b[r])
        };
        assert_eq!((a.measure()[r], b.measure()[r]), (x, y));
    }
}

#[test]
#[ignore = "a measurement"]
fn cluster_speed() {
    let t = 2.269185314213022;
    for l in [64, 512] {
        let m = model(&[l, l], Hypercubic, &[1.0, 1.0], 0.0);
        for update in [Update::Wolff, Update::SwendsenWang] {
            let mut e = Ensemble::new(m.clone(), t, update, 1, 1).unwrap();
            e.advance(200, &Control::new()).unwrap();
            let mut best = f64::INFINITY;
            for _ in 0..9 {
                let before = e.visited();
                let started = std::time::Instant::now();
                e.advance(60 * (512 / l) as u64, &Control::new()).unwrap();
                let seconds = started.elapsed().as_secs_f64();
                best = best.min(seconds * 1e9 / (e.visited() - before) as f64);
            }
            println!("{l} {update:?} {:.4} spins/ns", 1.0 / best);
        }
    }
}

#[test]
#[ignore = "a measurement"]
fn speed() {
    let t = 2.269185314213022;
    let cases = [
        ("2D", model(&[512, 512], Hypercubic, &[1.0, 1.0], 0.0)),
        ("2D field", model(&[512, 512], Hypercubic, &[1.0, 1.0], 0.1)),
        (
            "2D anisotropic",
            model(&[512, 512], Hypercubic, &[1.0, 0.7], 0.0),
        ),
        ("3D", model(&[64, 64, 64], Hypercubic, &[0.5; 3], 0.0)),
        ("triangular", model(&[512, 512], Triangular, &[0.6; 3], 0.0)),
        (
            "triangular anisotropic",
            model(&[512, 512], Triangular, &[0.6, 0.5, 0.4], 0.1),
        ),
    ];
    for (name, m) in cases {
        for update in [Update::HeatBath, Update::Metropolis] {
            for level in Level::available() {
                let mut chain = Multispin::new(&m, t, update, 1, 1, 0);
                chain.set_level(level);
                chain.advance(200, &Control::new()).unwrap();
                let mut best = f64::INFINITY;
                for _ in 0..5 {
                    let started = std::time::Instant::now();
                    chain.advance(200, &Control::new()).unwrap();
                    best = best.min(started.elapsed().as_secs_f64());
                }
                let rate = 200.0 * m.sites() as f64 / best / 1e9;
                let e = chain.measure()[0].energy(&m) / m.sites() as f64;
                println!("{name:24} {update:?} {level:?}: {rate:.2} spins/ns, e = {e:.4}");
            }
        }
    }
    let m = model(&[512, 512], Hypercubic, &[1.0, 1.0], 0.0);
    for update in [Update::Wolff, Update::SwendsenWang] {
        let mut e = Ensemble::new(m.clone(), t, update, 1, 1).unwrap();
        e.advance(200, &Control::new()).unwrap();
        let mut best = f64::INFINITY;
        for _ in 0..5 {
            let before = e.visited();
            let started = std::time::Instant::now();
            e.advance(
                if update == Update::Wolff { 60 } else { 10 },
                &Control::new(),
            )
            .unwrap();
            let seconds = started.elapsed().as_secs_f64();
            best = best.min(seconds * 1e9 / (e.visited() - before) as f64);
        }
        println!(
            "{update:?} {:.4} spins/ns, e = {}",
            1.0 / best,
            e.now().0[0] / 512.0 / 512.0
        );
    }
    let mut e = Ensemble::new(
        model(&[511, 509], Hypercubic, &[1.0, 1.0], 0.0),
        t,
        Update::HeatBath,
        1,
        1,
    )
    .unwrap();
    let started = std::time::Instant::now();
    e.advance(10, &Control::new()).unwrap();
    println!(
        "{} {:.3} spins/ns",
        e.engine(),
        10.0 * 511.0 * 509.0 / started.elapsed().as_secs_f64() / 1e9
    );
}
