//! NRG of the Anderson and of the Kondo model in a flat band.

use crate::state::call;
use kadanoff_nrg::{
    Error, InitialCluster, Levels, Options, Quantity, SmoothCurve, Truncation, WilsonChain,
    anderson, even_odd_mean, kondo, learn_exchange, solve,
};
use kadanoff_runtime::Control;

/// Temperatures of a curve.
const POINTS: usize = 120;
/// T chi_imp at Wilson's T_K.
const WILSON: f64 = 0.0701;
/// Relative accuracy of a learned coupling, and most steps.
const SEARCH: (f64, usize) = (1e-6, 40);

fn options(multiplets: u32) -> Options {
    Options {
        truncation: Truncation {
            states: None,
            multiplets: Some(multiplets as usize),
            energy: None,
            gap: 1e-5,
        },
        memory_limit: None,
        reuse: true,
        basis: None,
    }
}

/// The Anderson model (`kind` 0: `a` = U, `b` = eps, `c` = V) or the Kondo model (1: `a` = J).
fn cluster(kind: u32, a: f64, b: f64, c: f64) -> Result<InitialCluster, Error> {
    if kind == 0 {
        anderson(a, b, c)
    } else {
        kondo(a)
    }
}

/// Solves a model. Numbers: shells, points, levels, T_K by T chi = 0.0701 (or NaN); then the scale of
/// every shell; T, S_imp and T chi_imp at every point; and the lowest levels of every shell in units
/// of its scale, NaN where it has fewer.
#[unsafe(no_mangle)]
pub extern "C" fn impurity_solve(
    kind: u32,
    a: f64,
    b: f64,
    c: f64,
    lambda: f64,
    multiplets: u32,
    sites: u32,
    levels: u32,
) -> u32 {
    call(|state| {
        let cluster = cluster(kind, a, b, c)?;
        let chain = WilsonChain::flat_band(lambda, sites as usize)?;
        let (run, outcome) = solve(&cluster, &chain, &options(multiplets), &Control::new());
        outcome?;
        let found = Levels::new(cluster.symmetry, run);
        let entropy = SmoothCurve::new(&found, &chain, Quantity::Entropy)?;
        let t_chi = SmoothCurve::new(&found, &chain, Quantity::TChi)?;
        let (low, high) = entropy.range();
        let step = (high / low).ln() / (POINTS - 1) as f64;
        let t: Vec<f64> = (0..POINTS).map(|i| low * (step * i as f64).exp()).collect();
        let out = &mut state.numbers;
        out.extend([
            found.shells.len() as f64,
            POINTS as f64,
            f64::from(levels),
            t_chi.crossing(WILSON).unwrap_or(f64::NAN),
        ]);
        out.extend(&chain.scale);
        out.extend(&t);
        for curve in [&entropy, &t_chi] {
            out.extend(even_odd_mean(&curve.temperatures, &curve.values, &t));
        }
        for shell in &found.shells {
            let mut all: Vec<f64> = shell
                .blocks
                .iter()
                .flat_map(|b| &b.energies)
                .copied()
                .collect();
            all.sort_by(f64::total_cmp);
            let rest = (levels as usize).saturating_sub(all.len());
            out.extend(all.iter().take(levels as usize).map(|e| e / shell.scale));
            out.extend(std::iter::repeat_n(f64::NAN, rest));
        }
        Ok::<(), Error>(())
    })
}

/// J of the Kondo model with the ln Z of an Anderson model at T. Numbers: J, ln Z of the impurity and
/// of the Kondo model; then every J tried and its ln Z_K - ln Z.
#[unsafe(no_mangle)]
pub extern "C" fn impurity_learn(
    u: f64,
    eps: f64,
    v: f64,
    lambda: f64,
    multiplets: u32,
    t: f64,
    start: f64,
) -> u32 {
    call(|state| {
        let target = anderson(u, eps, v)?;
        let options = options(multiplets);
        let found = learn_exchange(&target, lambda, t, start, &options, SEARCH, &Control::new())?;
        state
            .numbers
            .extend([found.j, found.log_z.0, found.log_z.1]);
        state
            .numbers
            .extend(found.history.iter().flat_map(|&(j, r)| [j, r]));
        Ok::<(), Error>(())
    })
}
