//! Sums over all states of small Ising models.

use crate::control::{self, Control};
use crate::errors;
use kadanoff_lattice::exact;
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

type Density<'py> = (
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<u64>>,
);

fn run<T: Send>(
    py: Python<'_>,
    threads: Option<usize>,
    control: Option<Bound<'_, Control>>,
    report: Option<Py<PyAny>>,
    work: impl FnOnce(&kadanoff_runtime::Control) -> Result<T, exact::Error> + Send,
) -> PyResult<T> {
    if threads == Some(0) {
        return Err(PyValueError::new_err("threads must be at least 1, got 0"));
    }
    let shared = control.map(|c| c.get().0.clone()).unwrap_or_default();
    let (found, interrupted) = control::supervise(py, &shared, report.as_ref(), || {
        kadanoff_runtime::with_threads(threads, || work(&shared))
    })?;
    if let Some(error) = interrupted {
        return Err(errors::interrupted(py, error));
    }
    found
        .map_err(|e| PyValueError::new_err(format!("threads: {e}")))?
        .map_err(|e| errors::exact(py, &e))
}

/// `(bonds, magnetisation, counts)` of all states; bonds holds one sum for each class, entry by
/// entry.
#[pyfunction]
#[pyo3(signature = (spins, classes, *, threads=None, control=None, report=None))]
pub fn ising_states<'py>(
    py: Python<'py>,
    spins: usize,
    classes: Vec<Vec<(usize, usize)>>,
    threads: Option<usize>,
    control: Option<Bound<'py, Control>>,
    report: Option<Py<PyAny>>,
) -> PyResult<Density<'py>> {
    let states = run(py, threads, control, report, |control| {
        exact::density_of_states(spins, &classes, control)
    })?;
    Ok((
        states.bonds.into_pyarray(py),
        states.magnetisation.into_pyarray(py),
        states.counts.into_pyarray(py),
    ))
}

/// ln Z of windows, for every set of fields and every pattern of the block.
#[pyfunction]
#[pyo3(signature = (height, width, kx, ky, fields, block, *, threads=None, control=None, report=None))]
pub fn ising_windows<'py>(
    py: Python<'py>,
    height: usize,
    width: usize,
    kx: f64,
    ky: f64,
    fields: PyReadonlyArray1<'py, f64>,
    block: Vec<usize>,
    threads: Option<usize>,
    control: Option<Bound<'py, Control>>,
    report: Option<Py<PyAny>>,
) -> PyResult<Bound<'py, PyArray1<f64>>> {
    let fields = fields
        .as_slice()
        .map_err(|_| PyValueError::new_err("fields must be contiguous"))?;
    let window = exact::Window {
        height,
        width,
        kx,
        ky,
        block,
    };
    let found = run(py, threads, control, report, |control| {
        exact::windows(&window, fields, control)
    })?;
    Ok(found.into_pyarray(py))
}
