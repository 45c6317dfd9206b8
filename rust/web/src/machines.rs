//! A small Boltzmann machine of spins +-1: all of its states, and Gibbs sampling.

use crate::state::{call, present};
use kadanoff_rbm::{Error, Machine, Records, Schedule, Units, exact, gibbs};
use kadanoff_runtime::Control;

/// Most units of a layer: a layer is a byte.
const MAX_UNITS: u32 = 8;

/// A machine and its Markov chains.
pub(crate) struct Chains {
    machine: Machine,
    visible: Vec<u64>,
    hidden: Vec<u64>,
}

/// A machine with so many units, and chains that start with all units down. The input holds a, b and W
/// row by row.
#[unsafe(no_mangle)]
pub extern "C" fn machine_new(visible: u32, hidden: u32, chains: u32) -> u32 {
    call(|state| {
        let (n, m) = (visible as usize, hidden as usize);
        if visible > MAX_UNITS || hidden > MAX_UNITS || state.input.len() != n + m + n * m {
            return Err(format!(
                "a machine has at most {MAX_UNITS} units per layer, and an input of a, b and W"
            ));
        }
        let (a, rest) = state.input.split_at(n);
        let (b, w) = rest.split_at(m);
        let units = (Units::Spin, Units::Spin);
        let made = Machine::new(a.to_vec(), b.to_vec(), w.to_vec(), units);
        state.chains = Some(Chains {
            machine: made.map_err(|e| e.to_string())?,
            visible: vec![0; chains as usize],
            hidden: vec![0; chains as usize],
        });
        Ok(())
    })
}

/// Numbers: ln Z, and P(v) of every state of the visible layer, unit 0 being the lowest bit.
#[unsafe(no_mangle)]
pub extern "C" fn machine_exact() -> u32 {
    call(|state| {
        let machine = &present(&mut state.chains)?.machine;
        let rows: Vec<u64> = (0..1 << machine.visible()).collect();
        let control = Control::new();
        let both = exact::log_z(machine, &control)
            .and_then(|z| Ok((z, machine.free_energies(&rows, &control)?)));
        let (log_z, free) = both.map_err(|e: Error| e.to_string())?;
        state.numbers.push(log_z);
        state
            .numbers
            .extend(free.iter().map(|f| (-f - log_z).exp()));
        Ok::<(), String>(())
    })
}

/// Goes on with all chains for `equilibration` sweeps, then records them `n` times, `spacing` sweeps
/// apart. Bytes: the visible layers of all chains, record after record, then the hidden ones.
#[unsafe(no_mangle)]
pub extern "C" fn machine_sample(equilibration: u32, spacing: u32, n: u32, seed: f64) -> u32 {
    call(|state| {
        let chains = present(&mut state.chains)?;
        let schedule = Schedule {
            equilibration: equilibration as usize,
            spacing: spacing as usize,
            n: n as usize,
            seed: seed as u64,
        };
        let mut records = Records::default();
        let done = gibbs(
            &chains.machine,
            &mut chains.visible,
            &mut chains.hidden,
            None,
            &schedule,
            &Control::new(),
            &mut records,
        );
        done.map_err(|e| e.to_string())?;
        let rows = records.visible.iter().chain(&records.hidden);
        state.bytes = rows.map(|&row| row as u8).collect();
        Ok::<(), String>(())
    })
}
