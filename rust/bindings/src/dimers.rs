//! The dimer samplers of `kadanoff-lattice`.

use crate::control::{Call, ControlArgument, Report, complete};
use crate::errors::{self, OrRaise};
use kadanoff_lattice::dimers::{self, Boundary, Plan, Replica, SquareLattice};
use numpy::{IntoPyArray, PyArray1};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

/// Steps between two looks at Python's signals.
const PATIENCE: u32 = 1 << 22;

fn lattice(py: Python<'_>, lx: usize, ly: usize, boundary: &str) -> PyResult<SquareLattice> {
    let boundary = match boundary {
        "periodic" => Boundary::Periodic,
        "open" => Boundary::Open,
        other => {
            return Err(errors::argument(format!(
                "boundary must be 'periodic' or 'open', got '{other}'"
            )));
        }
    };
    SquareLattice::new(lx, ly, boundary).or_raise(py)
}

/// `n` coverings of each of `chains` Markov chains; one dictionary of arrays per chain.
#[pyfunction]
#[pyo3(signature = (lx, ly, boundary, *, coupling, n, chains, spacing, equilibration, seed,
                    winding=None, coverings=true, threads=None, control=None, report=None))]
pub(crate) fn dimers_sample<'py>(
    py: Python<'py>,
    lx: usize,
    ly: usize,
    boundary: &str,
    coupling: f64,
    n: usize,
    chains: usize,
    spacing: u64,
    equilibration: u64,
    seed: u64,
    winding: Option<(i32, i32)>,
    coverings: bool,
    threads: Option<usize>,
    control: ControlArgument<'py>,
    report: Report,
) -> PyResult<Bound<'py, PyList>> {
    let plan = Plan {
        lattice: lattice(py, lx, ly, boundary)?,
        coupling,
        winding,
        n,
        chains,
        spacing,
        equilibration,
        coverings,
    };
    let (found, interruption) = Call::new(threads, control, report)?
        .observe(py, |control| dimers::sample(&plan, seed, control))?;
    let found = found.or_raise(py)?;
    let whole = found.iter().all(|r| r.flippable.len() == n);
    let out = PyList::empty(py);
    for replica in found {
        out.append(arrays(py, replica)?)?;
    }
    let failure = interruption.or_else(|| (!whole).then(|| errors::cancelled(py)));
    complete(py, out, failure)
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
pub(crate) fn dimers_enumerate<'py>(
    py: Python<'py>,
    lx: usize,
    ly: usize,
    boundary: &str,
    most: usize,
    control: ControlArgument<'py>,
) -> PyResult<Bound<'py, PyArray1<u8>>> {
    let lattice = lattice(py, lx, ly, boundary)?;
    let found =
        Call::sequential(control).run(py, |control| dimers::enumerate(&lattice, most, control))?;
    Ok(found.into_pyarray(py))
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
            .or_raise(py)
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
