use super::super::super::word::{Level, WordKernel, dispatch};
use super::super::planes::Planes;
use super::*;
use kadanoff_runtime::random::stream;

impl Chances {
    /// What lanes are set with, from planes and events alone.
    pub(crate) fn probability(&self, magnitude: usize) -> f64 {
        let mut found = 0.0;
        let mut above = false;
        for turn in &self.turns {
            above ^= turn[magnitude] == LaneWords::ONES;
            found = (found + f64::from(u8::from(above))) / 2.0;
        }
        assert!(!above);
        let rank = usize::from(self.rank[magnitude]);
        let events: f64 = self.events[..=rank].iter().map(Poisson::mean).sum();
        let spared = (1.0 - found) * (-events / (BLOCK * LANES) as f64).exp();
        if self.inverted[magnitude] == LaneWords::ONES {
            spared
        } else {
            1.0 - spared
        }
    }
}

/// Words of three magnitudes, and of p = 1/2.
struct Draw<'a> {
    planes: &'a mut Planes,
    chances: &'a Chances,
    count: usize,
}

impl WordKernel for Draw<'_> {
    type Output = Vec<[LaneWords; MAGNITUDES + 1]>;

    #[inline(always)]
    fn run<W: Word>(self) -> Self::Output {
        let mut random = Generator::<W>::load(self.planes);
        let mut events = Events::new();
        let mut drawn = Vec::with_capacity(self.count);
        for _ in 0..self.count {
            let (half, found) = events.draw::<W, MAGNITUDES>(&mut random, self.chances);
            let mut out = [LaneWords::ZERO; MAGNITUDES + 1];
            half.store(&mut out[MAGNITUDES]);
            for m in 0..MAGNITUDES {
                found[m].store(&mut out[m]);
            }
            drawn.push(out);
        }
        random.store(self.planes);
        drawn
    }
}

fn draw(p: &[f64], seed: u64, count: usize) -> Vec<[LaneWords; MAGNITUDES + 1]> {
    let chances = Chances::new(p);
    let mut results = Level::available().into_iter().map(|level| {
        let mut planes = Planes::new(&mut stream(seed, 0));
        let work = Draw {
            planes: &mut planes,
            chances: &chances,
            count,
        };
        dispatch(level, work)
    });
    let first = results.next().unwrap();
    assert!(results.all(|other| other == first));
    first
}

#[test]
fn planes_and_events_give_the_probabilities() {
    for i in 0..2000 {
        let p = [0.5f64.powf(0.01 * f64::from(i)), 1e-3 * f64::from(i % 1000)];
        let p = [p[0].min(1.0 - 1e-12), p[1], 0.5];
        let chances = Chances::new(&p);
        for (m, &p) in p.iter().enumerate() {
            assert!((chances.probability(m) - p).abs() < 1e-15, "{p}");
        }
    }
}

#[test]
fn drawn_lanes_have_their_probabilities_and_are_independent() {
    let count = 20_000;
    for (seed, p) in [
        // Heat bath on the square lattice at T_c, and Metropolis.
        [0.1464466094, 0.0285954792, 0.0],
        [0.1715728753, 0.0294372515, 1.0],
        // Near certainty and nearly even; in another order.
        [1.0 - 1e-3, 0.499, 1.0 / 3.0],
        [1e-7, 0.7, 0.25],
    ]
    .iter()
    .enumerate()
    {
        let drawn = draw(p, seed as u64, count);
        for (m, &p) in p.iter().chain(&[0.5]).enumerate() {
            let bit = |t: usize, lane: usize| drawn[t][m].get(lane % LANES);
            // All pairs of words up to one block apart, all lanes: the first block is left out.
            let n = ((count - BLOCK) * LANES) as f64;
            let sum = |f: &dyn Fn(usize, usize) -> bool| {
                let mut sum = 0u64;
                for t in BLOCK..count {
                    for lane in 0..LANES {
                        sum += u64::from(f(t, lane));
                    }
                }
                sum as f64
            };
            let z = |sum: f64, p: f64| (sum - n * p).abs() / (n * p * (1.0 - p)).sqrt().max(1.0);
            assert!(z(sum(&bit), p) < 4.0, "{p}");
            for (apart, lanes) in [(1, 0), (2, 0), (BLOCK, 0), (0, 1), (0, 64), (1, 17)] {
                let both = sum(&|t, l| bit(t, l) & bit(t - apart, l + lanes));
                assert!(z(both, p * p) < 4.5, "{p}: {apart} words, {lanes} lanes");
            }
        }
    }
}

/// Numbers of lanes that are set in a block: their variance is that of independent lanes too.
#[test]
fn numbers_of_lanes_in_a_block_are_binomial() {
    let p = [0.1464466094, 0.0285954792];
    let drawn = draw(&p, 11, 2000 * BLOCK);
    for (m, &p) in p.iter().enumerate() {
        let n = (BLOCK * LANES) as f64;
        let numbers = drawn.chunks(BLOCK).map(|words| {
            let ones = words.iter().flat_map(|word| word[m].0).map(u64::count_ones);
            f64::from(ones.sum::<u32>())
        });
        let square: f64 = numbers.map(|x| (x - n * p).powi(2)).sum();
        let chi = square / (n * p * (1.0 - p));
        // Chi squared of 2000 degrees of freedom.
        assert!((chi - 2000.0).abs() < 4.0 * 4000f64.sqrt(), "{chi}");
    }
}

/// Nothing but the decisions: what no sweep can be faster than.
struct Empty<'a>(&'a mut Planes, &'a Chances, usize);

impl WordKernel for Empty<'_> {
    type Output = LaneWords;

    #[inline(always)]
    fn run<W: Word>(self) -> LaneWords {
        let mut random = Generator::<W>::load(self.0);
        let mut events = Events::new();
        let mut all = W::zero();
        for _ in 0..self.2 {
            let (half, found) = events.draw::<W, 2>(&mut random, self.1);
            all = all.parity(half, found[0]).xor(found[1]);
        }
        random.store(self.0);
        let mut out = LaneWords::ZERO;
        all.store(&mut out);
        out
    }
}

#[test]
#[ignore = "a measurement"]
fn speed_of_the_decisions() {
    for (update, p) in [
        ("heat bath", [0.1464466094, 0.0285954792]),
        ("Metropolis", [0.1715728753, 0.0294372515]),
    ] {
        let chances = Chances::new(&p);
        let events: f64 = chances.events.iter().map(Poisson::mean).sum();
        println!(
            "{update}: {} planes and {:.2} events for 512 lanes",
            chances.turns.len(),
            events / BLOCK as f64
        );
        for level in Level::available() {
            let mut state = Planes::new(&mut stream(1, 0));
            let mut best = f64::INFINITY;
            for _ in 0..20 {
                let started = std::time::Instant::now();
                std::hint::black_box(dispatch(level, Empty(&mut state, &chances, 1_000_000)));
                best = best.min(started.elapsed().as_nanos() as f64 / 1e6);
            }
            let most = 512.0 / best;
            println!("{level:?}: {best:.2} ns, at most {most:.1} spins/ns");
        }
    }
}
