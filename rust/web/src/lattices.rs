//! Ising lattices, dimers, and the information of a block.

use crate::state::{call, present};
use kadanoff_lattice::Error;
use kadanoff_lattice::dimers::{self, Boundary, SquareLattice};
use kadanoff_lattice::exact::{TorusBlock, bulk_energy, bulk_magnetisation};
use kadanoff_lattice::ising::{
    Ensemble, LatticeKind, Model, Update, block_spins, neighbour_correlation,
};
use kadanoff_runtime::Control;

/// Steps of a loop between two looks at whether all are closed.
const PATIENCE: u32 = 1 << 20;
/// Most coverings that are enumerated.
const MAX_COVERINGS: usize = 200_000;

/// A lattice that is updated step by step.
pub(crate) struct Ising {
    ensemble: Ensemble,
    side: usize,
}

fn torus(side: usize, field: f64) -> Model {
    Model {
        shape: vec![side, side],
        lattice: LatticeKind::Hypercubic,
        couplings: vec![1.0, 1.0],
        field,
        periodic: vec![true, true],
    }
}

/// A square lattice of random spins; `method` 0 is the heat bath, 1 Wolff, 2 Swendsen-Wang.
#[unsafe(no_mangle)]
pub extern "C" fn ising_new(side: u32, t: f64, field: f64, method: u32, seed: f64) -> u32 {
    call(|state| {
        let update = match method {
            0 => Update::HeatBath,
            1 => Update::Wolff,
            _ => Update::SwendsenWang,
        };
        let model = torus(side as usize, field);
        let mut ensemble = Ensemble::new(model, t, update, 1, seed as u64)?;
        ensemble.randomise();
        state.ising = Some(Ising {
            ensemble,
            side: side as usize,
        });
        Ok::<(), Error>(())
    })
}

/// Temperature and field from now on.
#[unsafe(no_mangle)]
pub extern "C" fn ising_set(t: f64, field: f64) -> u32 {
    call(|state| {
        let ising = present(&mut state.ising)?;
        let done = ising.ensemble.set_temperature(t, field);
        done.map_err(|e| e.to_string())
    })
}

/// Sweeps, or clusters. Numbers: energy and magnetisation per site, and sites that clusters visited.
#[unsafe(no_mangle)]
pub extern "C" fn ising_advance(steps: u32) -> u32 {
    ising_sweep(steps, 1)
}

/// `times` times so many sweeps. Numbers: energy and magnetisation per site after each; then the number
/// of sites that clusters have visited.
#[unsafe(no_mangle)]
pub extern "C" fn ising_sweep(steps: u32, times: u32) -> u32 {
    call(|state| {
        let ising = present(&mut state.ising)?;
        let sites = (ising.side * ising.side) as f64;
        for _ in 0..times {
            let done = ising.ensemble.advance(u64::from(steps), &Control::new());
            done.map_err(|e| e.to_string())?;
            let (energy, magnetisation) = ising.ensemble.now();
            state.numbers.push(energy[0] / sites);
            state.numbers.push(magnetisation[0] as f64 / sites);
        }
        state.numbers.push(ising.ensemble.visited() as f64);
        Ok::<(), String>(())
    })
}

/// The spins, eight per byte, and so many levels of block spins after them. Numbers: `<s s'>` of each.
#[unsafe(no_mangle)]
pub extern "C" fn ising_picture(levels: u32) -> u32 {
    call(|state| {
        let ising = present(&mut state.ising)?;
        let (mut spins, mut side) = (ising.ensemble.pack(0), ising.side);
        for level in 0..=levels {
            state.bytes.extend(&spins);
            state.numbers.push(neighbour_correlation(&spins, side));
            if level < levels {
                if !side.is_multiple_of(2) {
                    return Err(format!("{side} sites do not make blocks of two"));
                }
                spins = block_spins(&spins, side);
                side /= 2;
            }
        }
        Ok(())
    })
}

/// Energy and magnetisation per site of the infinite lattice without field.
#[unsafe(no_mangle)]
pub extern "C" fn ising_exact(t: f64) -> u32 {
    call(|state| {
        state
            .numbers
            .extend([bulk_energy(t), bulk_magnetisation(t)]);
        Ok::<(), Error>(())
    })
}

/// A covering in motion.
pub(crate) struct Dimers(dimers::Simulation);

/// Parallel columns on a torus; a pair of parallel dimers has the weight `exp(-coupling)`.
#[unsafe(no_mangle)]
pub extern "C" fn dimers_new(side: u32, coupling: f64, seed: f64) -> u32 {
    call(|state| {
        let lattice = SquareLattice::new(side as usize, side as usize, Boundary::Periodic)?;
        let made = dimers::Simulation::new(lattice, coupling, None, seed as u64)?;
        state.dimers = Some(Dimers(made));
        Ok::<(), Error>(())
    })
}

/// Closes so many loops, `times` times. Numbers: pairs of parallel dimers per site after each.
#[unsafe(no_mangle)]
pub extern "C" fn dimers_advance(loops: u32, times: u32) -> u32 {
    call(|state| {
        let moving = &mut present(&mut state.dimers)?.0;
        let sites = moving.lattice().sites() as f64;
        for _ in 0..times {
            moving.request(u64::from(loops));
            while !moving.advance(PATIENCE) {}
            state.numbers.push(f64::from(moving.flippable()) / sites);
        }
        Ok::<(), String>(())
    })
}

/// Directions of the dimers as bytes. Numbers: both windings, steps so far, heights.
#[unsafe(no_mangle)]
pub extern "C" fn dimers_picture() -> u32 {
    call(|state| {
        let moving = &present(&mut state.dimers)?.0;
        let (x, y) = moving.winding();
        let directions = moving.directions();
        state
            .numbers
            .extend([x.into(), y.into(), moving.steps() as f64]);
        let heights = dimers::heights(moving.lattice(), &directions);
        state.numbers.extend(heights.iter().map(|&h| f64::from(h)));
        state.bytes = directions;
        Ok::<(), String>(())
    })
}

/// Pairs of parallel dimers per site by enumeration of a small torus. Numbers: their mean, and the
/// number of coverings.
#[unsafe(no_mangle)]
pub extern "C" fn dimers_exact(side: u32, coupling: f64) -> u32 {
    call(|state| {
        let lattice = SquareLattice::new(side as usize, side as usize, Boundary::Periodic)?;
        let all = dimers::enumerate(&lattice, MAX_COVERINGS, &Control::new())?;
        let sites = lattice.sites();
        let (mut sum, mut weight) = (0.0, 0.0);
        for covering in all.chunks_exact(sites) {
            let n = f64::from(dimers::flippable(&lattice, covering));
            // At most as many pairs as sites: their weight is counted from that of all.
            let w = (-coupling * n - (-coupling).max(0.0) * sites as f64).exp();
            sum += w * n;
            weight += w;
        }
        let mean = sum / weight / sites as f64;
        state.numbers.extend([mean, (all.len() / sites) as f64]);
        Ok::<(), Error>(())
    })
}

/// The block on the 6 x 6 torus, and a lattice to draw its environments from.
pub(crate) struct Rsmi {
    joint: TorusBlock,
    lattice: Ensemble,
}

/// Sums the torus at temperature `t`. Numbers: `I(V : E)`.
#[unsafe(no_mangle)]
pub extern "C" fn rsmi_new(t: f64, seed: f64) -> u32 {
    call(|state| {
        let joint = TorusBlock::new(1.0 / t)?;
        let mut lattice = Ensemble::new(torus(6, 0.0), t, Update::SwendsenWang, 1, seed as u64)?;
        lattice.advance(100, &Control::new())?;
        state.numbers.push(joint.mutual_information());
        state.rsmi = Some(Rsmi { joint, lattice });
        Ok::<(), Error>(())
    })
}

/// `I(H : E)` of filters: the input holds four weights and a bias for each. Numbers: one for each.
#[unsafe(no_mangle)]
pub extern "C" fn rsmi_information() -> u32 {
    call(|state| {
        let joint = &present(&mut state.rsmi)?.joint;
        for row in state.input.chunks_exact(5) {
            let filter = [row[0], row[1], row[2], row[3]];
            state.numbers.push(joint.information(&filter, row[4]));
        }
        Ok::<(), String>(())
    })
}

/// `n` configurations by Monte Carlo. Numbers: what each adds to `I(H : E)` of the filter in the input.
/// Bytes: the last configuration.
#[unsafe(no_mangle)]
pub extern "C" fn rsmi_sample(n: u32) -> u32 {
    call(|state| {
        let Rsmi { joint, lattice } = present(&mut state.rsmi)?;
        let [a, b, c, d, bias] = state.input[..] else {
            return Err("a filter has four weights and a bias".to_owned());
        };
        let mut drawn = Vec::new();
        for _ in 0..n {
            let done = lattice.advance(2, &Control::new());
            done.map_err(|e| e.to_string())?;
            let packed = lattice.pack(0);
            drawn.push(std::array::from_fn(|i| packed[i / 8] >> (i % 8) & 1 == 1));
        }
        let rows: Vec<&[bool; 36]> = drawn.iter().collect();
        state.numbers = joint.pointwise(&[a, b, c, d], bias, &rows);
        state.bytes = lattice.pack(0);
        Ok(())
    })
}
