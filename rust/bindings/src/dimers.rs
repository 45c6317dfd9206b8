//! The dimer samplers of `kadanoff-lattice`.

use crate::control::{self, Control};
use crate::errors;
use kadanoff_lattice::dimers::{self, Boundary, Lattice, Plan, Replica};
use numpy::{IntoPyArray, PyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

/// Steps between two looks at Python's signals.
const PATIENCE: u32 = 1 << 22;

fn lattice(py: Python<'_>, lx: usize, ly: usize, boundary: &str) -> PyResult<Lattice> {
    let boundary = match boundary {
        "torus" => Boundary::Torus,
        "open" => Boundary::Open,
        other => {
            return Err(PyValueError::new_err(format!(
                "boundary must be 'torus' or 'open', got '{other}'"
            )));
        }
    };
    Lattice::new(lx, ly, boundary).map_err(|e| errors::dimers(py, &e))
}

/// Samples coverings in `replicas` independent runs; one dictionary of arrays for each.
#[pyfunction]
#[pyo3(signature = (lx, ly, boundary, *, coupling, replicas, samples, loops, burn_in, seed,
                    winding=None, coverings=true, threads=None, control=None, report=None))]
pub fn dimers_sample<'py>(
    py: Python<'py>,
    lx: usize,
    ly: usize,
    boundary: &str,
    coupling: f64,
    replicas: usize,
    samples: usize,
    loops: u64,
    burn_in: u64,
    seed: u64,
    winding: Option<(i32, i32)>,
    coverings: bool,
    threads: Option<usize>,
    control: Option<Bound<'py, Control>>,
    report: Option<Py<PyAny>>,
) -> PyResult<Bound<'py, PyList>> {
    if threads == Some(0) {
        return Err(PyValueError::new_err("threads must be at least 1, got 0"));
    }
    let plan = Plan {
        lattice: lattice(py, lx, ly, boundary)?,
        coupling,
        winding,
        replicas,
        samples,
        loops,
        burn_in,
        coverings,
    };
    let shared = control.map(|c| c.get().0.clone()).unwrap_or_default();
    let (found, interrupted) = control::supervise(py, &shared, report.as_ref(), || {
        kadanoff_runtime::with_threads(threads, || dimers::sample(&plan, seed, &shared))
    })?;
    let found = found
        .map_err(|e| PyValueError::new_err(format!("threads: {e}")))?
        .map_err(|e| errors::dimers(py, &e))?;
    let whole = found.iter().all(|r| r.flippable.len() == samples);
    let out = PyList::empty(py);
    for replica in found {
        out.append(arrays(py, replica)?)?;
    }
    let failure = match interrupted {
        Some(error) => Some(errors::interrupted(py, error)),
        None if !whole => Some(errors::cancelled(py)),
        None => None,
    };
    match failure {
        None => Ok(out),
        Some(error) => {
            error.value(py).setattr("partial", out)?;
            Err(error)
        }
    }
}

fn arrays(py: Python<'_>, replica: Replica) -> PyResult<Bound<'_, PyDict>> {
    let d = PyDict::new(py);
    let winding: Vec<i32> = replica.winding.iter().flat_map(|w| [w.0, w.1]).collect();
    d.set_item("dimers", replica.dimers.into_pyarray(py))?;
    d.set_item("winding", winding.into_pyarray(py))?;
    d.set_item("flippable", replica.flippable.into_pyarray(py))?;
    d.set_item("steps", replica.steps)?;
    Ok(d)
}

/// Directions of all coverings of a small lattice.
#[pyfunction]
#[pyo3(signature = (lx, ly, boundary, *, most, control=None))]
pub fn dimers_enumerate<'py>(
    py: Python<'py>,
    lx: usize,
    ly: usize,
    boundary: &str,
    most: usize,
    control: Option<Bound<'py, Control>>,
) -> PyResult<Bound<'py, PyArray1<u8>>> {
    let lattice = lattice(py, lx, ly, boundary)?;
    let shared = control.map(|c| c.get().0.clone()).unwrap_or_default();
    let (found, interrupted) = control::supervise(py, &shared, None, || {
        dimers::enumerate(&lattice, most, &shared)
    })?;
    match interrupted {
        Some(error) => Err(errors::interrupted(py, error)),
        None => Ok(found.map_err(|e| errors::dimers(py, &e))?.into_pyarray(py)),
    }
}

/// One covering that is moved loop by loop; see `kadanoff.dimers.Simulation`.
#[pyclass(module = "kadanoff._core")]
pub struct DimerSimulation(dimers::Simulation);

#[pymethods]
impl DimerSimulation {
    #[new]
    #[pyo3(signature = (lx, ly, boundary, *, coupling, seed, winding=None))]
    fn new(
        py: Python<'_>,
        lx: usize,
        ly: usize,
        boundary: &str,
        coupling: f64,
        seed: u64,
        winding: Option<(i32, i32)>,
    ) -> PyResult<Self> {
        let lattice = lattice(py, lx, ly, boundary)?;
        dimers::Simulation::new(lattice, coupling, winding, seed)
            .map(Self)
            .map_err(|e| errors::dimers(py, &e))
    }

    /// Closes `loops` loops and returns the number of steps that they took.
    fn step(&mut self, py: Python<'_>, loops: u64) -> PyResult<u64> {
        let before = self.0.steps();
        self.0.request(loops);
        let simulation = &mut self.0;
        let mut stopped = None;
        while !py.detach(|| simulation.advance(PATIENCE)) {
            if stopped.is_none()
                && let Err(error) = py.check_signals()
            {
                // The worm at work must still come home: only then is there a covering.
                simulation.request_last();
                stopped = Some(errors::interrupted(py, error));
            }
        }
        match stopped {
            Some(error) => Err(error),
            None => Ok(self.0.steps() - before),
        }
    }

    #[getter]
    fn steps(&self) -> u64 {
        self.0.steps()
    }

    #[getter]
    fn moved(&self) -> u64 {
        self.0.moved()
    }

    #[getter]
    fn dimers<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<u8>> {
        self.0.directions().into_pyarray(py)
    }

    #[getter]
    fn winding(&self) -> (i32, i32) {
        self.0.winding()
    }

    #[getter]
    fn flippable(&self) -> u32 {
        self.0.flippable()
    }
}
