//! Full-density-matrix dynamics: one call from cluster and operators to binned spectra.

use crate::control::{Call, ControlArgument, Report};
use crate::errors;
use crate::nrg::{InitialCluster, Levels, Matrix, WilsonChain, label, matrices, matrix};
use kadanoff_nrg as nrg;
use numpy::IntoPyArray;
use numpy::ndarray::{Array2, Array3};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use std::collections::HashMap;

type Elements<'py> = Vec<(usize, usize, Matrix<'py>)>;

/// Runs the iteration with its complete basis for every (cluster, chain), then the density matrix at
/// every temperature, static expectation values and binned spectral functions.
///
/// `tensors` holds (rank, elements) for every operator, `static_operators` one matrix per block for
/// every operator, `pairs` (b, c, fermionic); all belong to the cluster, one list for every job.
#[pyfunction]
#[pyo3(signature = (jobs, tensors, static_operators, pairs, temperatures, *, lowest, per_decade,
                    count, states=None, multiplets=None, energy=None, gap=1e-5, memory_limit=None,
                    basis_limit=usize::MAX, basis_fallback=0,
                    reuse=true, threads=None, control=None, report=None))]
pub(crate) fn nrg_dynamics<'py>(
    py: Python<'py>,
    jobs: Vec<(Bound<'py, InitialCluster>, Bound<'py, WilsonChain>)>,
    tensors: Vec<Vec<(Vec<i64>, Elements<'py>)>>,
    static_operators: Vec<Vec<Vec<Matrix<'py>>>>,
    pairs: Vec<(usize, usize, bool)>,
    temperatures: Vec<f64>,
    lowest: f64,
    per_decade: f64,
    count: usize,
    states: Option<usize>,
    multiplets: Option<usize>,
    energy: Option<f64>,
    gap: f64,
    memory_limit: Option<usize>,
    basis_limit: usize,
    basis_fallback: usize,
    reuse: bool,
    threads: Option<usize>,
    control: ControlArgument<'py>,
    report: Report,
) -> PyResult<Bound<'py, PyList>> {
    if tensors.len() != jobs.len() || static_operators.len() != jobs.len() {
        return Err(errors::argument(
            "tensors and static_operators need one entry for every job",
        ));
    }
    let options = nrg::Options {
        truncation: nrg::Truncation {
            states,
            multiplets,
            energy,
            gap,
        },
        memory_limit,
        reuse,
        basis: Some(nrg::BasisMemory {
            limit: basis_limit,
            fallback: basis_fallback,
        }),
    };
    let bins = nrg::Bins {
        lowest,
        per_decade,
        count,
    };
    let pairs: Vec<nrg::Pair> = pairs
        .into_iter()
        .map(|(b, c, fermionic)| nrg::Pair { b, c, fermionic })
        .collect();
    let tensors = tensors
        .iter()
        .map(|of_job| of_job.iter().map(tensor).collect())
        .collect::<PyResult<Vec<Vec<nrg::Tensor>>>>()?;
    let statics: Vec<Vec<Vec<faer::Mat<f64>>>> = static_operators
        .iter()
        .map(|of_job| of_job.iter().map(|o| matrices(o)).collect())
        .collect();
    let requests: Vec<nrg::SpectralRequest<'_>> = jobs
        .iter()
        .zip(tensors.iter().zip(&statics))
        .map(
            |((cluster, chain), (tensors, statics))| nrg::SpectralRequest {
                cluster: cluster.get().inner(),
                chain: chain.get().inner(),
                tensors,
                statics,
            },
        )
        .collect();
    let outcomes = Call::new(threads, control, report)?.run(py, |control| {
        nrg::dynamics(&requests, &pairs, &temperatures, &bins, &options, control)
    })?;
    let out = PyList::empty(py);
    for (request, found) in requests.iter().zip(outcomes) {
        out.append(arrays(
            py,
            request.cluster.symmetry,
            found,
            (pairs.len(), temperatures.len(), 2 * count),
        )?)?;
    }
    Ok(out)
}

/// The levels of a run and its averages; `shape` is pairs, temperatures, bins.
fn arrays(
    py: Python<'_>,
    symmetry: nrg::Symmetry,
    found: nrg::SpectralResult,
    shape: (usize, usize, usize),
) -> PyResult<Bound<'_, PyDict>> {
    let (pairs, temperatures, _) = shape;
    let d = PyDict::new(py);
    d.set_item(
        "levels",
        Levels::new(symmetry, found.run).into_pyobject(py)?,
    )?;
    d.set_item("log_Z", found.log_z.into_pyarray(py))?;
    let expectations = Array2::from_shape_fn((found.expectations.len(), temperatures), |(o, t)| {
        found.expectations[o][t]
    });
    d.set_item("expectations", expectations.into_pyarray(py))?;
    let pick = |f: fn(&nrg::BinnedSpectrum) -> &Vec<f64>| {
        Array3::from_shape_fn(shape, |(p, t, i)| f(&found.spectra[p][t])[i])
    };
    d.set_item("weight", pick(|s| &s.weight).into_pyarray(py))?;
    d.set_item("moment", pick(|s| &s.moment).into_pyarray(py))?;
    let response =
        Array2::from_shape_fn((pairs, temperatures), |(p, t)| found.spectra[p][t].response);
    d.set_item("response", response.into_pyarray(py))?;
    Ok(d)
}

fn tensor((rank, elements): &(Vec<i64>, Elements<'_>)) -> PyResult<nrg::Tensor> {
    let elements: HashMap<(usize, usize), faer::Mat<f64>> = elements
        .iter()
        .map(|(i, j, m)| ((*i, *j), matrix(m)))
        .collect();
    Ok(nrg::Tensor {
        rank: label(rank)?,
        elements,
    })
}
