//! Sums over all states of small Ising models.

use crate::control::{Call, ControlArgument, Report};
use crate::errors;
use kadanoff_lattice::exact;
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;

type Density<'py> = (
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<u64>>,
);

/// `(bonds, magnetisation, counts)` of all states; bonds holds one sum for each class, entry by
/// entry.
#[pyfunction]
#[pyo3(signature = (spins, classes, *, threads=None, control=None, report=None))]
pub(crate) fn ising_states<'py>(
    py: Python<'py>,
    spins: usize,
    classes: Vec<Vec<(usize, usize)>>,
    threads: Option<usize>,
    control: ControlArgument<'py>,
    report: Report,
) -> PyResult<Density<'py>> {
    let states = Call::new(threads, control, report)?.run(py, |control| {
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
pub(crate) fn ising_windows<'py>(
    py: Python<'py>,
    height: usize,
    width: usize,
    kx: f64,
    ky: f64,
    fields: PyReadonlyArray1<'py, f64>,
    block: Vec<usize>,
    threads: Option<usize>,
    control: ControlArgument<'py>,
    report: Report,
) -> PyResult<Bound<'py, PyArray1<f64>>> {
    let fields = fields
        .as_slice()
        .map_err(|_| errors::argument("fields must be contiguous"))?;
    let window = exact::Window {
        height,
        width,
        kx,
        ky,
        block,
    };
    let found = Call::new(threads, control, report)?
        .run(py, |control| exact::windows(&window, fields, control))?;
    Ok(found.into_pyarray(py))
}
