//! Continuous-time Monte Carlo: a table of Delta(tau) in, bins of measurements out.

use crate::control::{Call, ControlArgument, Report};
use crate::errors::{self, OrRaise};
use kadanoff_ctqmc as ctqmc;
use numpy::ndarray::Array2;
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Times at which the table of F(l) = -Delta(beta - l) wants values.
#[pyfunction]
pub(crate) fn ctqmc_nodes(py: Python<'_>, beta: f64, cells: usize) -> Bound<'_, PyArray1<f64>> {
    ctqmc::Table::nodes(beta, cells).into_pyarray(py)
}

/// What the chains read at the lengths l, for a table of values at `ctqmc_nodes`.
#[pyfunction]
pub(crate) fn ctqmc_read<'py>(
    py: Python<'py>,
    beta: f64,
    table: PyReadonlyArray1<'py, f64>,
    l: PyReadonlyArray1<'py, f64>,
) -> PyResult<Bound<'py, PyArray1<f64>>> {
    let table = ctqmc::Table::new(beta, &values(&table)).or_raise(py)?;
    let within = values(&l).into_iter().map(|l| l.clamp(0.0, beta));
    let read: Vec<f64> = within.map(|l| table.at(l)).collect();
    Ok(read.into_pyarray(py))
}

/// The chains of a run: they can be advanced, read, stored and taken up again.
#[pyclass(frozen, module = "kadanoff._core")]
pub struct CtqmcRun(Mutex<ctqmc::Simulation>);

impl CtqmcRun {
    fn lock(&self) -> MutexGuard<'_, ctqmc::Simulation> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Measurements, sums and sums of squares of one level of the logarithmic binning.
type Level = (u64, [f64; 4], [f64; 4]);

fn values(x: &PyReadonlyArray1<'_, f64>) -> Vec<f64> {
    x.as_array().iter().copied().collect()
}

#[pymethods]
impl CtqmcRun {
    /// A level for each flavour, and the repulsions between them. `tables` hold F at `ctqmc_nodes`, one
    /// for all flavours or one for each; the chains sample with F + `floor`. `groups` numbers the flavours
    /// whose measurements are added up.
    #[new]
    #[pyo3(signature = (interaction, levels, beta, tables, *, floor=0.0, groups=None, seed, chains, equilibration,
                        updates, cells, orders))]
    fn new(
        py: Python<'_>,
        interaction: PyReadonlyArray2<'_, f64>,
        levels: Vec<f64>,
        beta: f64,
        tables: Vec<PyReadonlyArray1<'_, f64>>,
        floor: f64,
        groups: Option<Vec<usize>>,
        seed: u64,
        chains: usize,
        equilibration: u64,
        updates: usize,
        cells: usize,
        orders: usize,
    ) -> PyResult<Self> {
        let interaction = interaction.as_array().iter().copied().collect();
        let tables: Result<Vec<_>, _> = tables
            .iter()
            .map(|table| ctqmc::Table::new(beta, &values(table)))
            .collect();
        let tables = tables.or_raise(py)?;
        let options = ctqmc::Options {
            seed,
            chains,
            equilibration,
            updates,
            cells,
            orders,
        };
        let model = ctqmc::Model::new(beta, levels, interaction, tables)
            .with_floor(floor)
            .with_groups(groups.unwrap_or_default());
        ctqmc::Simulation::new(model, options)
            .map(|s| Self(Mutex::new(s)))
            .or_raise(py)
    }

    /// Runs every chain until it has `blocks` blocks of measurements in all.
    #[pyo3(signature = (blocks, *, threads=None, control=None, report=None))]
    fn advance(
        &self,
        py: Python<'_>,
        blocks: u64,
        threads: Option<usize>,
        control: ControlArgument<'_>,
        report: Report,
    ) -> PyResult<()> {
        let done = Call::new(threads, control, report)?
            .run(py, |control| self.lock().advance(blocks, control))?;
        if done {
            Ok(())
        } else {
            Err(errors::cancelled(py))
        }
    }

    /// Blocks of 256 measurements that every chain has, at least.
    #[getter]
    fn measured(&self, py: Python<'_>) -> u64 {
        py.detach(|| self.lock().measured())
    }

    /// A number that two runs share if one can be the continuation of the other.
    #[getter]
    fn fingerprint(&self, py: Python<'_>) -> u64 {
        py.detach(|| self.lock().fingerprint())
    }

    /// The run as bytes.
    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &py.detach(|| self.lock().to_bytes()))
    }

    /// The run that gave these bytes.
    #[staticmethod]
    fn from_bytes(py: Python<'_>, data: &[u8]) -> PyResult<Self> {
        py.detach(|| ctqmc::Simulation::from_bytes(data))
            .map(|s| Self(Mutex::new(s)))
            .or_raise(py)
    }

    /// Updates between two measurements; 0 until the warm-up is over.
    #[getter]
    fn updates(&self, py: Python<'_>) -> usize {
        py.detach(|| self.lock().updates)
    }

    /// Averages of every bin, and what is known of the chains.
    fn results<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let (found, orders, groups, exchanges) = py.detach(|| {
            let run = self.lock();
            (run.results(), run.orders(), run.groups(), run.exchanges())
        });
        let out = PyDict::new(py);
        let matrix = |pick: fn(&ctqmc::Bin) -> &[f64], width: usize| {
            let flat: Vec<f64> = found
                .bins
                .iter()
                .flat_map(|(_, b)| pick(b))
                .copied()
                .collect();
            Array2::from_shape_vec((found.bins.len(), width), flat)
                .map(|a| a.into_pyarray(py))
                .map_err(errors::shape)
        };
        out.set_item("G", matrix(|b| &b.g, groups * orders)?)?;
        out.set_item("F", matrix(|b| &b.f, groups * orders)?)?;
        out.set_item("bins", matrix(|b| &b.coarse, groups * ctqmc::COARSE)?)?;
        let scalars = Array2::from_shape_fn((found.bins.len(), 7), |(i, j)| {
            let s = &found.bins[i].1.scalars;
            [
                s.count,
                s.weight,
                s.sign,
                s.density,
                s.pairs,
                s.order,
                s.polarisation,
            ][j]
        });
        out.set_item("scalars", scalars.into_pyarray(py))?;
        let width = found.bins.first().map_or(0, |(_, b)| b.pairs.equal.len());
        out.set_item("equal", matrix(|b| &b.pairs.equal, width)?)?;
        out.set_item("apart", matrix(|b| &b.pairs.apart, width)?)?;
        let chain: Vec<u64> = found.bins.iter().map(|(c, _)| *c as u64).collect();
        out.set_item("chain", chain.into_pyarray(py))?;
        out.set_item("histogram", found.histogram.into_pyarray(py))?;
        let levels = found.levels.iter().map(|of_chain| {
            let all = of_chain.iter();
            all.map(|l| (l.count, l.sum, l.squares)).collect()
        });
        out.set_item("levels", levels.collect::<Vec<Vec<Level>>>())?;
        out.set_item("drift", found.drift)?;
        out.set_item("updates", found.updates)?;
        let moves = PyDict::new(py);
        let counts = found.moves.proposed.iter().zip(found.moves.accepted);
        let names = ["insert", "remove", "shift", "flip", "exchange"];
        let used = if exchanges { 5 } else { 4 };
        for (name, pair) in names.iter().zip(counts).take(used) {
            moves.set_item(name, pair)?;
        }
        out.set_item("moves", moves)?;
        Ok(out)
    }
}
