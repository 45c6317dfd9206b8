//! The plaquette Ising model and its learned cluster updates.

use crate::control::{self, Control};
use crate::errors;
use kadanoff_lattice::plaquette::{self, Model, SHELLS, SUMS, Schedule, Update};
use numpy::ndarray::{Array1, Array2};
use numpy::{IntoPyArray, PyReadonlyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Runs Monte Carlo chains; the dictionary says in `stopped` whether they were cancelled.
#[pyfunction]
#[pyo3(signature = (side, pair, plaquette, *, learned=None, warm_up, measurements, interval, chains,
                    start, seed, threads=None, control=None, report=None))]
pub fn plaquette_sample<'py>(
    py: Python<'py>,
    side: usize,
    pair: f64,
    plaquette: f64,
    learned: Option<[f64; SHELLS]>,
    warm_up: usize,
    measurements: usize,
    interval: usize,
    chains: usize,
    start: PyReadonlyArray1<'py, i8>,
    seed: u64,
    threads: Option<usize>,
    control: Option<Bound<'py, Control>>,
    report: Option<Py<PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    if threads == Some(0) {
        return Err(PyValueError::new_err("threads must be at least 1, got 0"));
    }
    let model = Model {
        side,
        pair,
        plaquette,
    };
    let update = learned.map_or(Update::Metropolis, Update::Cluster);
    let schedule = Schedule {
        warm_up,
        measurements,
        interval,
    };
    let start = start.as_slice()?.to_vec();
    let shared = control.map(|c| c.get().0.clone()).unwrap_or_default();
    let (outcome, interrupted) = control::supervise(py, &shared, report.as_ref(), || {
        kadanoff_runtime::with_threads(threads, || {
            plaquette::run(model, update, schedule, chains, &start, seed, &shared)
        })
    })?;
    let (found, stopped) = outcome
        .map_err(|e| PyValueError::new_err(format!("threads: {e}")))?
        .map_err(|e| PyValueError::new_err(e.to_string()))?;
    // Chains that were stopped may differ in length: the common part is kept.
    let length = found.iter().map(|m| m.sums.len()).min().unwrap_or(0);
    let sums: Vec<i64> = found
        .iter()
        .flat_map(|m| m.sums[..length].iter().flatten().copied())
        .collect();
    let spins: Vec<i8> = found.iter().flat_map(|m| m.spins.iter().copied()).collect();
    let shape = |e: numpy::ndarray::ShapeError| PyValueError::new_err(e.to_string());
    let out = PyDict::new(py);
    let rows = Array2::from_shape_vec((chains * length, SUMS), sums).map_err(shape)?;
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
    let failure = interrupted.map(|e| errors::interrupted(py, e));
    out.set_item("stopped", failure.is_some() || stopped.is_err())?;
    out.set_item("failure", failure.map(|e| e.into_value(py)))?;
    Ok(out)
}
