use super::super::super::ensemble::Update;
use super::super::super::model::{LatticeKind, Model, logistic, metropolis as minimum, threshold};
use super::super::super::word::{Level, Portable, dispatch};
use super::*;
use kadanoff_runtime::random::stream;

fn model(shape: &[usize], lattice: LatticeKind, couplings: &[f64], field: f64) -> Model {
    Model {
        shape: shape.to_vec(),
        lattice,
        couplings: couplings.to_vec(),
        field,
        periodic: vec![true; shape.len()],
    }
}

/// Lane l has neighbours up where l has ones, and is up itself where bit 6 is set.
fn every_surrounding() -> ([Portable; SLOTS], Portable) {
    let bit = |b: usize| Portable::load(&LaneWords::from_fn(|lane| lane >> b & 1 == 1));
    (std::array::from_fn(bit), bit(6))
}

/// The probability of every lane, digit by digit.
fn thresholds(digits: &impl Digits<Portable>) -> Vec<u64> {
    let mut out = vec![0; 128];
    for k in 0..64 {
        let mut plane = LaneWords::ZERO;
        digits.digit(k).store(&mut plane);
        for (lane, t) in out.iter_mut().enumerate() {
            *t |= u64::from(plane.get(lane)) << (63 - k);
        }
    }
    out
}

fn lanes(word: Portable) -> LaneWords {
    let mut out = LaneWords::ZERO;
    word.store(&mut out);
    out
}

/// 2 beta times the local field of a lane.
fn exponent(m: &Model, beta: f64, lane: usize, present: u8) -> f64 {
    let n = m.couplings.len();
    let (mut up, mut there) = (vec![0; n], vec![0; n]);
    for slot in (0..2 * n).filter(|s| present >> s & 1 == 1) {
        up[slot / 2] += (lane >> slot & 1) as u32;
        there[slot / 2] += 1;
    }
    m.local_energy(beta, &up, &there)
}

/// Equal to 64 digits, but for the rounding of the double that both come from.
fn agree(found: u64, p: f64) {
    let wanted = threshold(p).unwrap();
    let rounding = (p * 2f64.powi(64) * 1e-14) as u64 + 1;
    assert!(found.abs_diff(wanted) <= rounding, "{found} {wanted} {p}");
}

#[test]
fn classes_have_the_probabilities_of_the_model() {
    use LatticeKind::{Hypercubic, Triangular};
    let (near, own) = every_surrounding();
    for m in [
        model(&[8], Hypercubic, &[0.8], 0.0),
        model(&[8, 8], Hypercubic, &[1.0, 1.0], 0.3),
        model(&[8, 8], Hypercubic, &[1.0, -0.4], 0.0),
        model(&[8, 8, 8], Hypercubic, &[0.3, 0.3, 0.3], -0.2),
        model(&[8, 8, 8], Hypercubic, &[0.3, 0.2, -0.7], -0.2),
        model(&[8, 8], Triangular, &[-1.0, 0.5, 0.25], 0.1),
    ] {
        let slots = 2 * m.couplings.len();
        for update in [Update::HeatBath, Update::Metropolis] {
            // All neighbours, and some of them.
            for present in [(1u32 << slots) - 1, 0b01 << (slots - 2), 0b10] {
                let (beta, present) = (0.7, present as u8);
                let classes = Classes::new(&m, beta, update, present);
                let mut masks = [Portable::zero(); CLASSES];
                divide(&mut masks, &classes, own, &near);
                let certain = lanes(collect(&masks, classes.certain));
                let found = thresholds(&ByClass {
                    masks: &masks,
                    classes: &classes,
                });
                for lane in 0..128 {
                    let x = exponent(&m, beta, lane, present);
                    let p = match (update, lane >> 6) {
                        (Update::Metropolis, 1) => minimum(x),
                        (Update::Metropolis, _) => minimum(-x),
                        _ => logistic(x),
                    };
                    assert_eq!(certain.get(lane), p == 1.0);
                    if p < 1.0 {
                        agree(found[lane], p);
                    }
                }
            }
        }
    }
}

fn isotropic<const Z: usize, const M: usize>(m: &Model) {
    let beta = 0.31;
    let (near, own) = every_surrounding();
    let around: [Portable; Z] = std::array::from_fn(|k| near[k]);
    let against = Isotropic::new(m, beta, Update::HeatBath).unwrap();
    let (up, zero, pulled) = pulled::<_, Z, M>(&against, around);
    let (up, zero, pulled) = (lanes(up), lanes(zero), pulled.map(lanes));
    let flips = Isotropic::new(m, beta, Update::Metropolis).unwrap();
    let costly = costly::<_, Z, M>(&flips, own, around).map(lanes);
    for lane in 0..128 {
        let x = exponent(m, beta, lane, (1u32 << Z).wrapping_sub(1) as u8);
        let of = |k: usize| {
            x.abs() > 1e-12 && (x.abs() / beta / m.couplings[0].abs() / 4.0 - k as f64).abs() < 1e-6
        };
        assert_eq!(zero.get(lane), x.abs() < 1e-12);
        assert!(zero.get(lane) || up.get(lane) == (x > 0.0));
        let cost = if lane >> 6 == 1 { x } else { -x };
        for k in 0..M {
            assert_eq!(pulled[k].get(lane), of(k + 1), "{x}");
            assert_eq!(costly[k].get(lane), of(k + 1) && cost > 0.0);
            if pulled[k].get(lane) {
                close(against.chances.probability(k), logistic(-x.abs()));
                close(flips.chances.probability(k), minimum(x.abs()));
            }
        }
    }
}

fn close(found: f64, wanted: f64) {
    assert!((found - wanted).abs() < 1e-15, "{found} {wanted}");
}

#[test]
fn the_short_ways_have_them_too() {
    for j in [1.0, -0.6] {
        isotropic::<4, 2>(&model(&[8, 8], LatticeKind::Hypercubic, &[j; 2], 0.0));
        isotropic::<6, 3>(&model(&[8, 8, 8], LatticeKind::Hypercubic, &[j; 3], 0.0));
        isotropic::<6, 3>(&model(&[8, 8], LatticeKind::Triangular, &[j; 3], 0.0));
    }
}

/// Draws with eight probabilities, in lanes that take turns.
struct Draw<'a> {
    planes: &'a mut Planes,
    digits: [LaneWords; 64],
    count: usize,
}

struct Given<'a>(&'a [LaneWords; 64]);

impl<W: Word> Digits<W> for Given<'_> {
    fn digit(&self, k: usize) -> W {
        W::load(&self.0[k])
    }
}

impl WordKernel for Draw<'_> {
    type Output = Vec<LaneWords>;

    #[inline(always)]
    fn run<W: Word>(self) -> Vec<LaneWords> {
        let mut random = Generator::<W>::load(self.planes);
        let drawn = (0..self.count)
            .map(|_| {
                let mut out = LaneWords::ZERO;
                below(&mut random, W::ones(), &Given(&self.digits)).store(&mut out);
                out
            })
            .collect();
        random.store(self.planes);
        drawn
    }
}

#[test]
fn drawn_bits_have_their_probabilities_and_are_independent() {
    // Far digits, near certainties, and the ones met at T_c.
    let p = [
        0.0,
        0.5,
        0.171572875,
        0.0294372515,
        1e-3,
        0.999,
        1.0 / 3.0,
        0.7,
    ];
    let digits: [LaneWords; 64] = std::array::from_fn(|k| {
        LaneWords::from_fn(|lane| threshold(p[lane % 8]).unwrap() >> (63 - k) & 1 == 1)
    });
    let count = 20_000;
    let mut results = Vec::new();
    for level in Level::available() {
        let mut planes = Planes::new(&mut stream(7, 0));
        let draw = Draw {
            planes: &mut planes,
            digits,
            count,
        };
        results.push(dispatch(level, draw));
    }
    assert!(results.windows(2).all(|r| r[0] == r[1]));
    for (class, &p) in p.iter().enumerate() {
        let n = (count * 64) as f64;
        let ones = |f: &dyn Fn(usize, usize) -> bool| {
            let mut sum = 0;
            for t in 1..count {
                for lane in (class..512).step_by(8) {
                    sum += u32::from(f(t, lane));
                }
            }
            f64::from(sum)
        };
        let bit = |t: usize, lane: usize| results[0][t].get(lane % 512);
        let z = |sum: f64, p: f64| (sum - n * p).abs() / (n * p * (1.0 - p)).sqrt().max(1.0);
        // The first draw is left out of the sums.
        assert!(z(ones(&bit), p) < 4.0, "{p}");
        assert!(
            z(ones(&|t, l| bit(t, l) & bit(t - 1, l)), p * p) < 4.0,
            "{p}: time"
        );
        assert!(
            z(ones(&|t, l| bit(t, l) & bit(t, l + 8)), p * p) < 4.5,
            "{p}: lanes"
        );
    }
}

/// Nothing but random planes: what no kernel can be faster than.
struct Empty<'a>(&'a mut Planes, usize);

impl WordKernel for Empty<'_> {
    type Output = LaneWords;

    #[inline(always)]
    fn run<W: Word>(self) -> LaneWords {
        let mut random = Generator::<W>::load(self.0);
        let mut all = W::zero();
        for _ in 0..self.1 {
            all = all.xor(random.next());
        }
        random.store(self.0);
        let mut out = LaneWords::ZERO;
        all.store(&mut out);
        out
    }
}

#[test]
#[ignore = "a measurement"]
fn speed_of_the_generator() {
    // Planes in a word on average: twelve, and two more as long as a lane is undecided.
    let undecided = |k: i32| 1.0 - (1.0 - 0.5f64.powi(k)).powi(512);
    let planes = 12.0 + (0..26).map(|i| 2.0 * undecided(12 + 2 * i)).sum::<f64>();
    for level in Level::available() {
        let mut state = Planes::new(&mut stream(1, 0));
        let mut best = f64::INFINITY;
        for _ in 0..20 {
            let started = std::time::Instant::now();
            std::hint::black_box(dispatch(level, Empty(&mut state, 1_000_000)));
            best = best.min(started.elapsed().as_nanos() as f64 / 1e6);
        }
        println!(
            "{level:?}: {best:.2} ns for 512 bits; {planes:.2} planes a word: at most {:.1} spins/ns",
            512.0 / best / planes
        );
    }
}
