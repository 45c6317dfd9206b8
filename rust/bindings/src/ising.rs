//! The Ising samplers of `kadanoff-lattice`.

use crate::control::{Call, ControlArgument, Report};
use crate::errors::{self, OrRaise};
use kadanoff_lattice::ising::{Ensemble, LatticeKind, Measured, Model, Tempering, Update};
use numpy::ndarray::Array2;
use numpy::{IntoPyArray, PyArray1, PyArray3, PyArrayMethods, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Sites to visit below which a call is done before a worker thread would have been started.
const SMALL: u64 = 1 << 21;

fn update(name: &str) -> PyResult<Update> {
    match name {
        "heat-bath" => Ok(Update::HeatBath),
        "metropolis" => Ok(Update::Metropolis),
        "wolff" => Ok(Update::Wolff),
        "swendsen-wang" => Ok(Update::SwendsenWang),
        other => Err(errors::argument(format!("unknown update {other:?}"))),
    }
}

/// Shape, lattice, couplings, field, periodicity.
type System = (Vec<usize>, String, Vec<f64>, f64, Vec<bool>);

fn model_of((shape, lattice, couplings, field, periodic): System) -> PyResult<Model> {
    let lattice = match lattice.as_str() {
        "hypercubic" => LatticeKind::Hypercubic,
        "triangular" => LatticeKind::Triangular,
        other => return Err(errors::argument(format!("unknown lattice {other:?}"))),
    };
    Ok(Model {
        shape,
        lattice,
        couplings,
        field,
        periodic,
    })
}

/// Bytes that the chains of an ensemble take.
#[pyfunction]
pub(crate) fn ising_bytes(
    py: Python<'_>,
    system: System,
    method: &str,
    chains: usize,
) -> PyResult<usize> {
    let model = model_of(system)?;
    model.check().or_raise(py)?;
    Ok(Ensemble::bytes(&model, update(method)?, chains))
}

/// Markov chains of an Ising model, advanced together.
#[pyclass(frozen, module = "kadanoff._core")]
pub struct IsingEnsemble {
    inner: Mutex<Ensemble>,
    sites: usize,
}

impl IsingEnsemble {
    fn lock(&self) -> MutexGuard<'_, Ensemble> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl IsingEnsemble {
    /// `system` holds shape, lattice, couplings, field and periodicity.
    #[new]
    fn new(
        py: Python<'_>,
        system: System,
        temperature: f64,
        method: &str,
        chains: usize,
        seed: u64,
    ) -> PyResult<Self> {
        let (model, update) = (model_of(system)?, update(method)?);
        let sites = model.sites();
        let made = py.detach(|| Ensemble::new(model, temperature, update, chains, seed));
        Ok(Self {
            inner: Mutex::new(made.or_raise(py)?),
            sites,
        })
    }

    #[getter]
    fn chains(&self, py: Python<'_>) -> usize {
        py.detach(|| self.lock().replicas())
    }

    #[getter]
    fn engine(&self, py: Python<'_>) -> &'static str {
        py.detach(|| self.lock().engine())
    }

    /// Sites that clusters have visited so far, in all chains.
    #[getter]
    fn visited(&self, py: Python<'_>) -> u64 {
        py.detach(|| self.lock().visited())
    }

    /// Total energy and magnetisation of every chain.
    fn now<'py>(&self, py: Python<'py>) -> (Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<i64>>) {
        let (e, m) = py.detach(|| self.lock().now());
        (e.into_pyarray(py), m.into_pyarray(py))
    }

    /// Packed configuration of a chain.
    fn pack<'py>(&self, py: Python<'py>, chain: usize) -> Bound<'py, PyArray1<u8>> {
        py.detach(|| self.lock().pack(chain)).into_pyarray(py)
    }

    fn set_temperature(&self, py: Python<'_>, temperature: f64, field: f64) -> PyResult<()> {
        py.detach(|| self.lock().set_temperature(temperature, field))
            .or_raise(py)
    }

    fn randomise(&self, py: Python<'_>) {
        py.detach(|| self.lock().randomise());
    }

    /// The same configuration, true for up, in all chains.
    fn set_all(&self, py: Python<'_>, up: PyReadonlyArray1<'_, bool>) -> PyResult<()> {
        let up = up
            .as_slice()
            .map_err(|_| errors::argument("spins must be contiguous"))?;
        py.detach(|| self.lock().set_all(up)).or_raise(py)
    }

    /// Sweeps, or clusters. Raises what interrupted it, `Cancelled` among others.
    #[pyo3(signature = (steps, *, threads=None, control=None, report=None))]
    fn advance(
        &self,
        py: Python<'_>,
        steps: u64,
        threads: Option<usize>,
        control: ControlArgument<'_>,
        report: Report,
    ) -> PyResult<()> {
        let brief = self.chains(py) == 1 && steps.saturating_mul(self.sites as u64) < SMALL;
        Call::new(threads, control, report)?
            .run_unless_brief(py, brief, |control| self.lock().advance(steps, control))
    }

    /// Measurements `spacing` steps apart; a cancellation shortens them. Comes with the exception
    /// that interrupted it, or None.
    #[pyo3(signature = (n, spacing, *, configurations, threads=None, control=None, report=None))]
    fn measure<'py>(
        &self,
        py: Python<'py>,
        n: usize,
        spacing: u64,
        configurations: bool,
        threads: Option<usize>,
        control: ControlArgument<'py>,
        report: Report,
    ) -> PyResult<(Bound<'py, PyDict>, Option<Py<PyAny>>)> {
        let chains = self.chains(py);
        let (found, interruption) = Call::new(threads, control, report)?
            .observe(py, |control| {
                self.lock().measure(n, spacing, configurations, control)
            })?;
        let error = interruption.map(|e| e.into_value(py).into_any());
        Ok((arrays(py, found, chains)?, error))
    }
}

/// By temperature, then exchanges tried and made, then what interrupted the run.
type Tempered<'py> = (
    Vec<Bound<'py, PyDict>>,
    Vec<u64>,
    Vec<u64>,
    Option<Py<PyAny>>,
);

/// Arrays of shape (chains, n) and (chains, n, bytes).
fn arrays(py: Python<'_>, found: Measured, chains: usize) -> PyResult<Bound<'_, PyDict>> {
    let shape = (chains, found.times);
    let d = PyDict::new(py);
    let energy = Array2::from_shape_vec(shape, found.energy).map_err(errors::shape)?;
    let magnetisation =
        Array2::from_shape_vec(shape, found.magnetisation).map_err(errors::shape)?;
    d.set_item("energy", energy.into_pyarray(py))?;
    d.set_item("magnetisation", magnetisation.into_pyarray(py))?;
    let packed: Bound<'_, PyArray3<u8>> =
        found
            .packed
            .into_pyarray(py)
            .reshape([chains, found.times, found.bytes])?;
    d.set_item("packed", packed)?;
    Ok(d)
}

/// Ladders of temperatures that exchange configurations.
#[pyclass(frozen, module = "kadanoff._core")]
pub struct IsingTempering {
    inner: Mutex<Tempering>,
}

impl IsingTempering {
    fn lock(&self) -> MutexGuard<'_, Tempering> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl IsingTempering {
    #[new]
    fn new(
        py: Python<'_>,
        system: System,
        temperatures: Vec<f64>,
        method: &str,
        chains: usize,
        seed: u64,
    ) -> PyResult<Self> {
        let (model, update) = (model_of(system)?, update(method)?);
        let made = py.detach(|| Tempering::new(model, temperatures, update, chains, seed));
        Ok(Self {
            inner: Mutex::new(made.or_raise(py)?),
        })
    }

    #[getter]
    fn chains(&self, py: Python<'_>) -> usize {
        py.detach(|| self.lock().ladders())
    }

    /// `equilibration` rounds, then `n` measurements `spacing` rounds apart, each round of `sweeps`
    /// sweeps: one dictionary for every temperature, exchanges tried and made, and the exception
    /// that interrupted it, or None.
    #[pyo3(signature = (equilibration, n, spacing, sweeps, *, configurations, threads=None,
                        control=None, report=None))]
    fn measure<'py>(
        &self,
        py: Python<'py>,
        equilibration: u64,
        n: usize,
        spacing: u64,
        sweeps: u64,
        configurations: bool,
        threads: Option<usize>,
        control: ControlArgument<'py>,
        report: Report,
    ) -> PyResult<Tempered<'py>> {
        let chains = self.chains(py);
        let (found, interruption) =
            Call::new(threads, control, report)?.observe(py, |control| {
                let mut tempering = self.lock();
                // A cancelled equilibration leaves nothing to measure: the next check stops it too.
                let _ = tempering.advance(equilibration, sweeps, control);
                tempering.measure(n, spacing, sweeps, configurations, control)
            })?;
        let measured = found
            .measured
            .into_iter()
            .map(|m| arrays(py, m, chains))
            .collect::<PyResult<_>>()?;
        let error = interruption.map(|e| e.into_value(py).into_any());
        Ok((measured, found.tried, found.accepted, error))
    }
}
