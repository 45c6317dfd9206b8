use super::super::{Ensemble, Lattice, Update};
use super::*;

fn model(shape: &[usize], lattice: Lattice, couplings: &[f64], field: f64) -> Model {
    Model {
        shape: shape.to_vec(),
        lattice,
        couplings: couplings.to_vec(),
        field,
        periodic: vec![true; shape.len()],
    }
}

#[test]
#[ignore = "a measurement"]
fn speed() {
    let t = 2.269185314213022;
    let cases = [
        (
            "2D",
            model(&[512, 512], Lattice::Hypercubic, &[1.0, 1.0], 0.0),
        ),
        (
            "2D field",
            model(&[512, 512], Lattice::Hypercubic, &[1.0, 1.0], 0.1),
        ),
        (
            "2D anisotropic",
            model(&[512, 512], Lattice::Hypercubic, &[1.0, 0.7], 0.0),
        ),
        (
            "3D",
            model(&[64, 64, 64], Lattice::Hypercubic, &[0.5; 3], 0.0),
        ),
        (
            "triangular",
            model(&[512, 512], Lattice::Triangular, &[0.6; 3], 0.0),
        ),
        (
            "triangular anisotropic",
            model(&[512, 512], Lattice::Triangular, &[0.6, 0.5, 0.4], 0.1),
        ),
    ];
    for (name, m) in cases {
        for update in [Update::HeatBath, Update::Metropolis] {
            for path in Path::available() {
                let mut chain = Multispin::new(&m, t, update, 1, 1, 0);
                chain.set_path(path);
                chain.advance(200, &Control::new()).unwrap();
                let mut best = f64::INFINITY;
                for _ in 0..5 {
                    let started = std::time::Instant::now();
                    chain.advance(200, &Control::new()).unwrap();
                    best = best.min(started.elapsed().as_secs_f64());
                }
                let rate = 200.0 * m.sites() as f64 / best / 1e9;
                let e = chain.measure()[0].energy(&m) / m.sites() as f64;
                println!("{name:24} {update:?} {path:?}: {rate:.2} spins/ns, e = {e:.4}");
            }
        }
    }
    let m = model(&[512, 512], Lattice::Hypercubic, &[1.0, 1.0], 0.0);
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
        model(&[511, 509], Lattice::Hypercubic, &[1.0, 1.0], 0.0),
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
