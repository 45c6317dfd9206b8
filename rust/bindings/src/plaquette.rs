//! The plaquette Ising model and its learned cluster updates.

use crate::control::{Call, ControlArgument, Report};
use crate::errors::{self, OrRaise};
use kadanoff_lattice::plaquette::{self, Model, SHELLS, SUMS, Schedule, Update};
use numpy::ndarray::{Array1, Array2};
use numpy::{IntoPyArray, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Runs Monte Carlo chains; the dictionary says in `stopped` whether they were cancelled.
#[pyfunction]
#[pyo3(signature = (side, pair, plaquette, *, learned=None, equilibration, n, spacing, chains,
                    start, seed, threads=None, control=None, report=None))]
pub(crate) fn plaquette_sample<'py>(
    py: Python<'py>,
    side: usize,
    pair: f64,
    plaquette: f64,
    learned: Option<[f64; SHELLS]>,
    equilibration: usize,
    n: usize,
    spacing: usize,
    chains: usize,
    start: PyReadonlyArray1<'py, i8>,
    seed: u64,
    threads: Option<usize>,
    control: ControlArgument<'py>,
    report: Report,
) -> PyResult<Bound<'py, PyDict>> {
    let model = Model {
        side,
        pair,
        plaquette,
    };
    let update = learned.map_or(Update::Metropolis, Update::Cluster);
    let schedule = Schedule {
        equilibration,
        n,
        spacing,
    };
    let start = start.as_slice()?.to_vec();
    let (outcome, failure) = Call::new(threads, control, report)?.observe(py, |control| {
        plaquette::run(model, update, schedule, chains, &start, seed, control)
    })?;
    let (found, stopped) = outcome.or_raise(py)?;
    // Chains that were stopped may differ in length: the common part is kept.
    let length = found.iter().map(|m| m.sums.len()).min().unwrap_or(0);
    let sums: Vec<i64> = found
        .iter()
        .flat_map(|m| m.sums[..length].iter().flatten().copied())
        .collect();
    let spins: Vec<i8> = found.iter().flat_map(|m| m.spins.iter().copied()).collect();
    let out = PyDict::new(py);
    let rows = Array2::from_shape_vec((chains * length, SUMS), sums).map_err(errors::shape)?;
    out.set_item("sums", rows.into_pyarray(py))?;
    out.set_item("spins", Array1::from_vec(spins).into_pyarray(py))?;
    for (name, count) in [
        ("proposed", found.iter().map(|m| m.proposed).sum::<u64>()),
        ("accepted", found.iter().map(|m| m.accepted).sum()),
        ("visited", found.iter().map(|m| m.visited).sum()),
        ("flipped", found.iter().map(|m| m.flipped).sum()),
    ] {
        out.set_item(name, count)?;
    }
    out.set_item("stopped", failure.is_some() || stopped.is_err())?;
    out.set_item("failure", failure.map(|e| e.into_value(py)))?;
    Ok(out)
}
