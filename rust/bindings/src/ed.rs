//! Exact diagonalisation: parameters in, spectra, averages and poles out.

use crate::control::{Call, ControlArgument, Report};
use crate::errors::{self, OrRaise};
use faer::c64;
use kadanoff_ed as ed;
use numpy::ndarray::Array2;
use numpy::{Complex64, IntoPyArray, PyArray1, PyArray2, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// All levels of an Anderson impurity with a discrete bath.
#[pyclass(frozen, module = "kadanoff._core")]
pub struct EdSpectrum(ed::Spectrum);

type Vector<'py> = Bound<'py, PyArray1<f64>>;

impl EdSpectrum {
    fn is_small(&self) -> bool {
        self.0.orbitals() <= ed::SMALL
    }
}

#[pymethods]
impl EdSpectrum {
    /// Energy of the ground state.
    #[getter]
    fn ground(&self) -> f64 {
        self.0.ground
    }

    /// `(N, 2S, energies)` of every sector.
    fn levels<'py>(&self, py: Python<'py>) -> Vec<(usize, usize, Vector<'py>)> {
        let sectors = self.0.sectors();
        sectors
            .map(|(n, spin, energies)| (n, spin, energies.to_vec().into_pyarray(py)))
            .collect()
    }

    /// `(log_Z, n, docc)`.
    fn thermal(&self, py: Python<'_>, beta: f64) -> PyResult<(f64, f64, f64)> {
        let t = self.0.thermal(beta).or_raise(py)?;
        Ok((t.log_z, t.n, t.docc))
    }

    /// `(energies, residues, dropped weight)` of G, and G(z) and F(z) as rows of one array.
    fn green<'py>(
        &self,
        py: Python<'py>,
        beta: f64,
        prune: f64,
        z: PyReadonlyArray1<'py, Complex64>,
    ) -> PyResult<(
        Vector<'py>,
        Vector<'py>,
        f64,
        Bound<'py, PyArray2<Complex64>>,
    )> {
        let points: Vec<c64> = z.as_array().iter().copied().collect();
        if points.iter().any(|z| z.im == 0.0) {
            return Err(errors::argument(
                "z must lie off the real axis, where the poles are",
            ));
        }
        let found = Call::sequential(None).run_unless_brief(py, self.is_small(), |control| {
            ed::green(&self.0, beta, prune, &points, control)
        })?;
        let values = Array2::from_shape_fn((2, points.len()), |(i, j)| found.values[i][j]);
        Ok((
            found.energies.into_pyarray(py),
            found.weights.into_pyarray(py),
            found.dropped,
            values.into_pyarray(py),
        ))
    }

    /// `(energies, residues of G, residues of F, dropped weight)`.
    fn lehmann<'py>(
        &self,
        py: Python<'py>,
        beta: f64,
        prune: f64,
    ) -> PyResult<(Vector<'py>, Vector<'py>, Vector<'py>, f64)> {
        let p = Call::sequential(None).run_unless_brief(py, self.is_small(), |control| {
            ed::lehmann(&self.0, beta, prune, control)
        })?;
        Ok((
            p.energies.into_pyarray(py),
            p.weights.into_pyarray(py),
            p.estimator.into_pyarray(py),
            p.dropped,
        ))
    }
}

/// Diagonalises `H = eps n_d + U n_up n_dn + sum e n + sum V (d^+ c + h.c.)` in all sectors, with the
/// states that inverse temperatures from `beta` on need.
#[pyfunction]
#[pyo3(signature = (U, eps, e, V, beta=0.0, *, threads=None, control=None, report=None))]
#[allow(non_snake_case)]
pub(crate) fn ed_spectrum(
    py: Python<'_>,
    U: f64,
    eps: f64,
    e: Vec<f64>,
    V: Vec<f64>,
    beta: f64,
    threads: Option<usize>,
    control: ControlArgument<'_>,
    report: Report,
) -> PyResult<EdSpectrum> {
    let model = ed::Anderson { u: U, eps, e, v: V };
    let brief = model.orbitals() <= ed::SMALL;
    Call::new(threads, control, report)?
        .run_unless_brief(py, brief, |control| {
            ed::diagonalise_at(&model, beta, control)
        })
        .map(EdSpectrum)
}

/// Lowest levels, averages and poles of G by Lanczos; `beta` may be infinite.
#[pyfunction]
#[pyo3(signature = (U, eps, e, V, beta, *, cut, states, steps, threads=None, control=None, report=None))]
#[allow(non_snake_case)]
pub(crate) fn ed_lanczos<'py>(
    py: Python<'py>,
    U: f64,
    eps: f64,
    e: Vec<f64>,
    V: Vec<f64>,
    beta: f64,
    cut: f64,
    states: usize,
    steps: usize,
    threads: Option<usize>,
    control: ControlArgument<'py>,
    report: Report,
) -> PyResult<Bound<'py, PyDict>> {
    let model = ed::Anderson { u: U, eps, e, v: V };
    let options = ed::lanczos::Options {
        beta,
        cut,
        states,
        steps,
    };
    let found = Call::new(threads, control, report)?.run(py, |control| {
        ed::lanczos::low_temperature(&model, &options, control)
    })?;
    let out = PyDict::new(py);
    out.set_item("ground", found.ground)?;
    out.set_item("states", found.states)?;
    out.set_item("log_Z", found.log_z)?;
    out.set_item("n", found.n)?;
    out.set_item("docc", found.docc)?;
    out.set_item("energies", found.energies.into_pyarray(py))?;
    out.set_item("weights", found.weights.into_pyarray(py))?;
    Ok(out)
}

/// Products per step, of all starts, up to which a fit takes a few milliseconds: not worth a thread.
const SMALL_FIT: usize = 100_000;

/// Free parameters and chi2 of the best of the minima from the rows of `starts`.
#[pyfunction]
#[pyo3(signature = (delta, w, weights, sites, symmetric, low, high, starts, *, control=None))]
pub(crate) fn ed_bath_fit<'py>(
    py: Python<'py>,
    delta: PyReadonlyArray1<'py, Complex64>,
    w: PyReadonlyArray1<'py, f64>,
    weights: PyReadonlyArray1<'py, f64>,
    sites: usize,
    symmetric: bool,
    low: Vec<f64>,
    high: Vec<f64>,
    starts: PyReadonlyArray2<'py, f64>,
    control: ControlArgument<'py>,
) -> PyResult<(Vector<'py>, f64)> {
    let target = ed::bathfit::Target {
        delta: delta.as_array().iter().copied().collect(),
        w: w.as_array().to_vec(),
        weights: weights.as_array().to_vec(),
        sites,
        symmetric,
        bounds: low.into_iter().zip(high).collect(),
    };
    let free = target.free();
    let starts = starts.as_array();
    let starts: Vec<Vec<f64>> = starts.rows().into_iter().map(|r| r.to_vec()).collect();
    let brief = target.delta.len() * free * free * starts.len() <= SMALL_FIT;
    let fit = Call::sequential(control).run_unless_brief(py, brief, |control| {
        target.best(starts.iter().map(Vec::as_slice), control)
    })?;
    let fit = fit.ok_or_else(|| errors::argument("a bath fit needs a starting point"))?;
    Ok((fit.parameters.into_pyarray(py), fit.chi2))
}

/// Levels and weights of a bath merged to `sites` levels, with the pair of rank `first` merged first.
#[pyfunction]
pub(crate) fn ed_merged<'py>(
    py: Python<'py>,
    e: PyReadonlyArray1<'py, f64>,
    weights: PyReadonlyArray1<'py, f64>,
    sites: usize,
    w0: f64,
    first: usize,
) -> (Vector<'py>, Vector<'py>) {
    let levels: Vec<(f64, f64)> = (e.as_array().iter().copied())
        .zip(weights.as_array().iter().copied())
        .collect();
    let (e, weights): (Vec<f64>, Vec<f64>) = ed::merging::merged(&levels, sites, w0, first)
        .into_iter()
        .unzip();
    (e.into_pyarray(py), weights.into_pyarray(py))
}

/// Samples `(Z, Z n, Z docc, Z G)` of finite-temperature Lanczos, relative to `ground`, and the poles of
/// `sum Z G` over samples.
#[pyfunction]
#[pyo3(signature = (U, eps, e, V, beta, z, *, vectors, steps, exact, seed, threads=None, control=None, report=None))]
#[allow(non_snake_case)]
pub(crate) fn ed_finite<'py>(
    py: Python<'py>,
    U: f64,
    eps: f64,
    e: Vec<f64>,
    V: Vec<f64>,
    beta: f64,
    z: PyReadonlyArray1<'py, Complex64>,
    vectors: usize,
    steps: usize,
    exact: usize,
    seed: u64,
    threads: Option<usize>,
    control: ControlArgument<'py>,
    report: Report,
) -> PyResult<Bound<'py, PyDict>> {
    let model = ed::Anderson { u: U, eps, e, v: V };
    let points: Vec<c64> = z.as_array().iter().copied().collect();
    if points.iter().any(|z| z.im == 0.0) {
        return Err(errors::argument(
            "z must lie off the real axis, where the poles are",
        ));
    }
    let options = ed::lanczos::finite::FiniteOptions {
        beta,
        vectors,
        steps,
        exact,
        seed,
    };
    let found = Call::new(threads, control, report)?.run(py, |control| {
        ed::lanczos::finite::finite_temperature(&model, &options, &points, control)
    })?;
    let samples = found.samples;
    let out = PyDict::new(py);
    let list = |f: fn(&ed::lanczos::finite::Sample) -> f64| -> Vec<f64> {
        samples.iter().map(f).collect()
    };
    out.set_item("ground", found.ground)?;
    out.set_item("energies", found.energies.into_pyarray(py))?;
    out.set_item("weights", found.weights.into_pyarray(py))?;
    out.set_item("Z", list(|s| s.z).into_pyarray(py))?;
    out.set_item("n", list(|s| s.n).into_pyarray(py))?;
    out.set_item("docc", list(|s| s.docc).into_pyarray(py))?;
    let green = Array2::from_shape_fn((samples.len(), points.len()), |(i, j)| samples[i].green[j]);
    out.set_item("G", green.into_pyarray(py))?;
    Ok(out)
}

/// Products of poles and points that take some ten milliseconds: not worth a thread.
const BRIEF_SUM: usize = 1 << 24;
/// Of a time, in units of beta, beyond the ends of its interval.
const ROUNDING: f64 = 1e-12;

fn rows<'a>(
    energies: &PyReadonlyArray1<'_, f64>,
    residues: &'a PyReadonlyArray2<'_, f64>,
) -> PyResult<Vec<&'a [f64]>> {
    let length = energies.as_array().len();
    let whole = residues
        .as_slice()
        .map_err(|_| errors::argument("residues must be contiguous"))?;
    let shape = residues.as_array();
    if shape.ncols() != length {
        return Err(errors::argument(
            "residues need one column for every energy",
        ));
    }
    Ok((0..shape.nrows())
        .map(|r| &whole[r * length..(r + 1) * length])
        .collect())
}

/// `sum_j residues[r, j] / (z - energies[j])` for every row and every z.
#[pyfunction]
pub(crate) fn poles_at_points<'py>(
    py: Python<'py>,
    energies: PyReadonlyArray1<'py, f64>,
    residues: PyReadonlyArray2<'py, f64>,
    z: PyReadonlyArray1<'py, Complex64>,
) -> PyResult<Bound<'py, PyArray2<Complex64>>> {
    let list = rows(&energies, &residues)?;
    let points: Vec<c64> = z.as_array().iter().copied().collect();
    if points.iter().any(|z| z.im == 0.0) {
        return Err(errors::argument(
            "z must lie off the real axis, where the poles are",
        ));
    }
    let energies = energies.as_slice()?;
    let brief = energies.len().saturating_mul(points.len()) <= BRIEF_SUM;
    let out = Call::sequential(None).run_unless_brief(py, brief, |control| {
        ed::poles::at_points(energies, &list, &points, control)
    })?;
    Ok(Array2::from_shape_fn((list.len(), points.len()), |(i, j)| out[i][j]).into_pyarray(py))
}

/// `-sum_j residues[r, j] exp(-tau E_j) / (1 + exp(-beta E_j))` for every row and every tau.
#[pyfunction]
pub(crate) fn poles_at_times<'py>(
    py: Python<'py>,
    energies: PyReadonlyArray1<'py, f64>,
    residues: PyReadonlyArray2<'py, f64>,
    beta: f64,
    tau: PyReadonlyArray1<'py, f64>,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let list = rows(&energies, &residues)?;
    let times: Vec<f64> = tau.as_array().iter().copied().collect();
    let allowed = -ROUNDING * beta..=(1.0 + ROUNDING) * beta;
    if let Some(outside) = times.iter().find(|t| !allowed.contains(t)) {
        return Err(errors::argument(format!(
            "tau must lie in [0, beta = {beta}], got {outside}; use G(tau + beta) = -G(tau) outside"
        )));
    }
    let energies = energies.as_slice()?;
    let brief = energies.len().saturating_mul(times.len()) <= BRIEF_SUM;
    let out = Call::sequential(None).run_unless_brief(py, brief, |control| {
        ed::poles::at_times(energies, &list, beta, &times, control)
    })?;
    Ok(Array2::from_shape_fn((list.len(), times.len()), |(i, j)| out[i][j]).into_pyarray(py))
}

/// Eigenvalues and squared first components of the eigenvectors of a symmetric matrix, of which the
/// lower triangle is read: the poles of the element (0, 0) of `(z - H)^-1`.
#[pyfunction]
#[allow(non_snake_case)]
pub(crate) fn poles_of_resolvent<'py>(
    py: Python<'py>,
    H: PyReadonlyArray2<'py, f64>,
) -> PyResult<(Vector<'py>, Vector<'py>)> {
    let given = H.as_array();
    if given.nrows() != given.ncols() {
        return Err(errors::argument("H must be square"));
    }
    let n = given.nrows();
    let h = faer::Mat::from_fn(n, n, |i, j| given[(i, j)]);
    let (values, weights) = py
        .detach(|| {
            let reduced = kadanoff_linalg::Reduced::new(h)?;
            let values = reduced.values().to_vec();
            reduced.weights().map(|weights| (values, weights))
        })
        .or_raise(py)?;
    Ok((values.into_pyarray(py), weights.into_pyarray(py)))
}
