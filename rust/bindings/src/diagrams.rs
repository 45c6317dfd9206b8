//! Diagrammatic approximations: energies and hybridisation in, propagators out.

use crate::control::{Call, ControlArgument};
use crate::errors::{self, OrRaise};
use kadanoff_diagrams as diagrams;
use numpy::ndarray::Array2;
use numpy::{IntoPyArray, PyArray1, PyArray2, PyReadonlyArray1};
use pyo3::prelude::*;

type Vector<'py> = Bound<'py, PyArray1<f64>>;

/// Grids up to this size take a millisecond: not worth a thread.
const SMALL: usize = 2048;

/// The propagators of empty, single and double occupation as rows, on the grid of `x`.
#[pyfunction]
#[pyo3(signature = (energies, x, beta, *, control=None))]
pub(crate) fn nca_propagators<'py>(
    py: Python<'py>,
    energies: [f64; 3],
    x: PyReadonlyArray1<'py, f64>,
    beta: f64,
    control: ControlArgument<'py>,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let x = x.as_array().to_vec();
    let found = Call::sequential(control).run_unless_brief(py, x.len() <= SMALL, |control| {
        diagrams::propagate(energies, &x, beta, control)
    })?;
    let p = found.p;
    Ok(Array2::from_shape_fn((3, x.len()), |(m, k)| p[m][k]).into_pyarray(py))
}

/// Values on a uniform grid of [0, 1] at `x`, by the polynomial through the nearest points.
#[pyfunction]
pub(crate) fn interpolated<'py>(
    py: Python<'py>,
    values: PyReadonlyArray1<'py, f64>,
    x: PyReadonlyArray1<'py, f64>,
    points: usize,
) -> PyResult<Vector<'py>> {
    let values = values.as_slice()?;
    if points == 0 || points > values.len() {
        return Err(errors::argument("there must be as many values as points"));
    }
    Ok(diagrams::interpolated(values, x.as_slice()?, points).into_pyarray(py))
}

/// Poles and weights of `Sigma2 / U^2` for the poles of G0; those closer than `distance` made one.
#[pyfunction]
pub(crate) fn second_order_poles<'py>(
    py: Python<'py>,
    energies: PyReadonlyArray1<'py, f64>,
    weights: PyReadonlyArray1<'py, f64>,
    beta: f64,
    distance: f64,
) -> PyResult<(Vector<'py>, Vector<'py>)> {
    let (energies, weights) = (energies.as_slice()?, weights.as_slice()?);
    if energies.len() != weights.len() {
        return Err(errors::argument(
            "energies and weights must agree in length",
        ));
    }
    let found = py.detach(|| diagrams::second_order(energies, weights, beta, distance));
    Ok((
        found.energies.into_pyarray(py),
        found.weights.into_pyarray(py),
    ))
}

/// `T sum_n Sigma G exp(i w_n 0+)` for the poles of G and the levels and V^2 of a bath.
#[pyfunction]
pub(crate) fn interaction_energy(
    level: f64,
    beta: f64,
    energies: PyReadonlyArray1<'_, f64>,
    weights: PyReadonlyArray1<'_, f64>,
    e: PyReadonlyArray1<'_, f64>,
    squares: PyReadonlyArray1<'_, f64>,
) -> PyResult<f64> {
    let (poles, bath) = (
        (energies.as_slice()?, weights.as_slice()?),
        (e.as_slice()?, squares.as_slice()?),
    );
    if poles.0.len() != poles.1.len() || bath.0.len() != bath.1.len() {
        return Err(errors::argument("poles and weights must agree in length"));
    }
    Ok(diagrams::interaction(level, beta, poles, bath))
}

/// The interpolation of Kajueter and Kotliar for a bath of few levels.
#[pyclass(frozen, module = "kadanoff._core")]
pub struct KajueterKotliar(diagrams::Interpolation);

#[pymethods]
impl KajueterKotliar {
    #[new]
    #[allow(non_snake_case)]
    fn new(
        U: f64,
        level: f64,
        beta: f64,
        e: PyReadonlyArray1<'_, f64>,
        weights: PyReadonlyArray1<'_, f64>,
        y: PyReadonlyArray1<'_, f64>,
        residues: PyReadonlyArray1<'_, f64>,
    ) -> PyResult<Self> {
        let [e, weights, y, residues] = [e, weights, y, residues].map(|x| x.as_array().to_vec());
        if e.len() != weights.len() || y.len() != residues.len() {
            return Err(errors::argument(
                "levels and weights, points and residues must agree in length",
            ));
        }
        Ok(Self(diagrams::Interpolation {
            u: U,
            level,
            beta,
            e,
            weights,
            y,
            residues,
        }))
    }

    /// `n - n0` with the bare impurity at `level0`.
    fn excess(&self, py: Python<'_>, level0: f64) -> PyResult<f64> {
        py.detach(|| self.0.excess(level0)).or_raise(py)
    }
}
