//! Potts and Ising models on any graph, of `kadanoff-lattice`.

use crate::control::{Call, ControlArgument, Report};
use crate::errors::{self, OrRaise};
use kadanoff_lattice::bonds::{Ensemble, Model, Update};
use numpy::{IntoPyArray, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Markov chains of a Potts model on a graph, advanced together.
#[pyclass(frozen, module = "kadanoff._core")]
pub struct BondEnsemble {
    inner: Mutex<Ensemble>,
    sites: usize,
    colours: usize,
}

impl BondEnsemble {
    fn lock(&self) -> MutexGuard<'_, Ensemble> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl BondEnsemble {
    /// `couplings` holds one number for every bond, or one for all.
    #[new]
    fn new(
        py: Python<'_>,
        sites: usize,
        colours: usize,
        bonds: PyReadonlyArray2<'_, u32>,
        couplings: PyReadonlyArray1<'_, f64>,
        field: f64,
        temperature: f64,
        method: &str,
        chains: usize,
        seed: u64,
    ) -> PyResult<Self> {
        let bonds = bonds.as_array();
        if bonds.ncols() != 2 {
            return Err(errors::argument("bonds must have two columns"));
        }
        let model = Model {
            sites,
            colours,
            bonds: bonds.rows().into_iter().map(|b| [b[0], b[1]]).collect(),
            couplings: couplings.as_array().to_vec(),
            field,
        };
        let update: Update = method.parse().map_err(errors::argument)?;
        let made = py.detach(|| Ensemble::new(model, temperature, update, chains, seed));
        let inner = Mutex::new(made.or_raise(py)?);
        Ok(Self {
            inner,
            sites,
            colours,
        })
    }

    #[getter]
    fn chains(&self, py: Python<'_>) -> usize {
        py.detach(|| self.lock().replicas())
    }

    /// Sites that clusters or sweeps have visited so far, in all chains.
    #[getter]
    fn visited(&self, py: Python<'_>) -> u64 {
        py.detach(|| self.lock().visited())
    }

    fn randomise(&self, py: Python<'_>) {
        py.detach(|| self.lock().randomise());
    }

    /// The same configuration in all chains.
    fn set_all(&self, py: Python<'_>, colours: PyReadonlyArray1<'_, u8>) -> PyResult<()> {
        let colours = colours
            .as_slice()
            .map_err(|_| errors::argument("colours must be contiguous"))?;
        py.detach(|| self.lock().set_all(colours)).or_raise(py)
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
        Call::new(threads, control, report)?.run(py, |control| self.lock().advance(steps, control))
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
        let call = Call::new(threads, control, report)?;
        let (found, interruption) =
            call.observe(py, |c| self.lock().measure(n, spacing, configurations, c))?;
        let error = interruption.map(|e| e.into_value(py).into_any());
        let (d, times) = (PyDict::new(py), found.times);
        let sites = if configurations { self.sites } else { 0 };
        let energy = found.energy.into_pyarray(py);
        d.set_item("energy", energy.reshape([chains, times])?)?;
        let counts = found.counts.into_pyarray(py);
        d.set_item("counts", counts.reshape([chains, times, self.colours])?)?;
        let colours = found.colours.into_pyarray(py);
        d.set_item("colours", colours.reshape([chains, times, sites])?)?;
        Ok((d, error))
    }
}
