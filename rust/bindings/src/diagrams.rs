//! Diagrammatic approximations: energies and hybridisation in, propagators out.

use crate::control::{self, Control};
use crate::errors;
use kadanoff_diagrams as diagrams;
use numpy::ndarray::Array2;
use numpy::{IntoPyArray, PyArray2, PyReadonlyArray1};
use pyo3::prelude::*;

/// Grids up to this size take a millisecond: not worth a thread.
const SMALL: usize = 2048;

/// The propagators of empty, single and double occupation as rows, on the grid of `x`.
#[pyfunction]
#[pyo3(signature = (energies, x, beta, *, control=None))]
pub fn nca_propagators<'py>(
    py: Python<'py>,
    energies: [f64; 3],
    x: PyReadonlyArray1<'py, f64>,
    beta: f64,
    control: Option<Bound<'py, Control>>,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let x = x.as_array().to_vec();
    let shared = control.map(|c| c.get().0.clone()).unwrap_or_default();
    let solve = || diagrams::propagate(energies, &x, beta, &shared);
    let found = if x.len() <= SMALL {
        py.detach(solve)
    } else {
        let (outcome, interrupted) = control::supervise(py, &shared, None, solve)?;
        if let Some(error) = interrupted {
            return Err(errors::interrupted(py, error));
        }
        outcome
    };
    let p = found.map_err(|e| errors::diagrams(py, &e))?.p;
    Ok(Array2::from_shape_fn((3, x.len()), |(m, k)| p[m][k]).into_pyarray(py))
}
