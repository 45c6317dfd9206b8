use kadanoff_ctqmc::*;
use kadanoff_runtime::Control;
fn main() {
    let beta = 50.0;
    // semicircle D=1, V=1/2, by gauss-chebyshev
    let n = 400;
    let poles: Vec<(f64, f64)> = (1..=n)
        .map(|i| {
            let th = std::f64::consts::PI * i as f64 / (n + 1) as f64;
            (th.cos(), 0.25 * 2.0 / (n + 1) as f64 * th.sin().powi(2))
        })
        .collect();
    let f = |l: f64| {
        poles
            .iter()
            .map(|&(e, w)| {
                if e > 0.0 {
                    w * (-(beta - l) * e).exp() / (1.0 + (-beta * e).exp())
                } else {
                    w * (l * e).exp() / (1.0 + (beta * e).exp())
                }
            })
            .sum()
    };
    let table = Table::of(beta, 1e-10, f).unwrap();
    println!("cells {} err {:e}", table.cells(), table.error);
    let u: f64 = std::env::args().nth(1).map_or(2.0, |x| x.parse().unwrap());
    let o = Options {
        seed: 1,
        chains: 1,
        warm_blocks: 8,
        updates: std::env::args().nth(2).map_or(0, |x| x.parse().unwrap()),
        cells: 1024,
        orders: 100,
    };
    let mut s = Simulation::new(Model::anderson(u, -u / 2.0, table), o).unwrap();
    let c = Control::new();
    s.advance(1, &c).unwrap();
    let before = s.chains[0].updates;
    let t = std::time::Instant::now();
    let cpu0 = cpu();
    s.advance(129, &c).unwrap();
    let dt = t.elapsed().as_secs_f64();
    let dc = cpu() - cpu0;
    let n = s.chains[0].updates - before;
    println!(
        "wall {dt:.3} cpu {dc:.3}: {:.2} M updates/s cpu, {} updates/sweep, order {}",
        n as f64 / dc / 1e6,
        s.updates,
        s.chains[0].sums.scalars.order / s.chains[0].sums.scalars.count.max(1.0)
    );
    println!(
        "{:?} {:?}",
        s.chains[0].now.proposed, s.chains[0].now.accepted
    );
}
fn cpu() -> f64 {
    let s = std::fs::read_to_string("/proc/self/stat").unwrap();
    let f: Vec<&str> = s.rsplit(')').next().unwrap().split_whitespace().collect();
    (f[11].parse::<f64>().unwrap() + f[12].parse::<f64>().unwrap()) / 100.0
}
