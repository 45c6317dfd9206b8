use kadanoff_rbm::*;
fn main() {
    let (nv, nh, n) = (64usize, 32usize, 100_000usize);
    let mut x = 1u64;
    let data: Vec<u64> = (0..n)
        .map(|_| {
            x = x
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            x ^ (x >> 29)
        })
        .collect();
    for units in [Units::Binary, Units::Spin] {
        for batch in [10usize, 64, 128, 512] {
            let size = nv * nh + nv + nh;
            let mut state = State {
                visible: nv,
                hidden: nh,
                units: (units, units),
                parameters: (0..size)
                    .map(|i| 0.01 * ((i * 37 % 101) as f32 - 50.0) / 50.0)
                    .collect(),
                first: vec![0.0; size],
                second: vec![0.0; size],
                offsets: vec![0.0; nv + nh],
                chains: vec![],
                base: vec![],
                updates: 0,
                epochs: 0,
            };
            let options = Options {
                negative: Negative::Contrastive,
                steps: 1,
                batch,
                rates: vec![0.01; 1],
                optimizer: Optimizer::Momentum(0.0),
                decay: 0.0,
                centered: true,
                seed: 1,
            };
            let mut best = f64::MAX;
            for _ in 0..10 {
                let t = std::time::Instant::now();
                let mut done = vec![];
                train(&mut state, &data, &options, &Default::default(), &mut done).unwrap();
                best = best.min(t.elapsed().as_secs_f64());
            }
            let s: f64 = state.parameters.iter().map(|&x| f64::from(x)).sum();
            println!(
                "{units:?} batch {batch}: {:.2} M samples/s  {s:.9}",
                n as f64 / best / 1e6
            );
        }
    }
}
