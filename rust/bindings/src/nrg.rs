//! The NRG: clusters and chains in, levels of every shell out.

use crate::control::{Call, ControlArgument, Report, complete};
use crate::errors::{self, OrRaise, Raise};
use faer::Mat;
use kadanoff_nrg as nrg;
use numpy::ndarray::{Array2, arr2};
use numpy::{IntoPyArray, PyArray1, PyArray2, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyType};

pub(crate) type Matrix<'py> = PyReadonlyArray2<'py, f64>;
type Reflection<'py> = Vec<(usize, Matrix<'py>)>;

pub(crate) fn matrices(all: &[Matrix<'_>]) -> Vec<Mat<f64>> {
    all.iter().map(matrix).collect()
}

pub(crate) fn matrix(a: &Matrix<'_>) -> Mat<f64> {
    let a = a.as_array();
    Mat::from_fn(a.nrows(), a.ncols(), |i, j| a[(i, j)])
}

/// Charge, spin, and for two bands channel.
fn symmetry(factors: &[String], bands: usize, interleaved: bool) -> PyResult<nrg::Symmetry> {
    let factor = |i: usize| match factors.get(i).map(String::as_str) {
        Some("U1") => Ok(nrg::Factor::U1),
        Some("SU2") => Ok(nrg::Factor::SU2),
        // Twice S_z is even or odd with the charge; what is left is S_z modulo 2.
        Some("Z2") => Ok(nrg::Factor::Cyclic(if i == 1 { 4 } else { 2 })),
        Some("none") | None => Ok(nrg::NONE),
        Some(other) => Err(errors::argument(format!(
            "symmetry factor must be 'U1', 'SU2', 'Z2' or 'none', got '{other}'"
        ))),
    };
    Ok(nrg::Symmetry {
        charge: factor(0)?,
        spin: factor(1)?,
        channel: factor(2)?,
        bands,
        interleaved,
    })
}

type Scalars = Vec<Vec<(usize, usize, f64)>>;
/// Labels, parities, electrons, hopping by channel and terms of a site.
type Site = (Vec<Vec<i64>>, Vec<bool>, Vec<f64>, Scalars, Scalars);
/// Kinds of sites, the kind of every site, hoppings by channel, coefficients by term.
type Sites = (Vec<Site>, Vec<usize>, Vec<Vec<f64>>, Vec<Vec<f64>>);

fn site((labels, odd, electrons, hopping, terms): Site) -> PyResult<nrg::Site> {
    if labels.len() != odd.len() || odd.len() != electrons.len() {
        return Err(errors::argument(
            "labels, parities and electrons of a site must have one entry per multiplet",
        ));
    }
    let states = labels
        .iter()
        .zip(odd.iter().zip(&electrons))
        .map(|(row, (&odd, &electrons))| {
            Ok(nrg::SiteState {
                label: label(row)?,
                odd,
                electrons,
            })
        })
        .collect::<PyResult<_>>()?;
    Ok(nrg::Site {
        states,
        hopping,
        reflections: [Vec::new(), Vec::new()],
        terms,
    })
}

fn sites((kinds, order, hopping, terms): Sites) -> PyResult<nrg::ChainSites> {
    Ok(nrg::ChainSites {
        sites: kinds.into_iter().map(site).collect::<PyResult<_>>()?,
        order,
        hopping,
        terms,
    })
}

pub(crate) fn label(row: &[i64]) -> PyResult<nrg::Label> {
    let mut out = [0; nrg::MAX_FACTORS];
    if row.len() > out.len() {
        return Err(errors::argument("a label has too many entries"));
    }
    for (to, &from) in out.iter_mut().zip(row) {
        *to = i16::try_from(from)
            .map_err(|_| errors::argument(format!("label entry {from} is too large")))?;
    }
    Ok(out)
}

/// Impurity and first site in multiplets; see `kadanoff.multiplets`.
#[pyclass(frozen, module = "kadanoff._core")]
pub struct InitialCluster(nrg::InitialCluster);

#[pymethods]
impl InitialCluster {
    #[new]
    #[pyo3(signature = (factors, labels, odd, energies, hopping, operators, reflections, bands=1,
                        sites=None))]
    fn new(
        py: Python<'_>,
        factors: Vec<String>,
        labels: PyReadonlyArray2<'_, i64>,
        odd: Vec<bool>,
        energies: Vec<Vec<f64>>,
        hopping: Vec<Vec<(usize, usize, Matrix<'_>)>>,
        operators: Vec<Vec<Matrix<'_>>>,
        reflections: (Option<Reflection<'_>>, Option<Reflection<'_>>),
        bands: usize,
        sites: Option<Sites>,
    ) -> PyResult<Self> {
        if labels.shape()[0] != odd.len() || odd.len() != energies.len() {
            return Err(errors::argument(
                "labels, odd and energies must have one entry per block",
            ));
        }
        let rows = labels.as_array();
        let blocks = energies
            .into_iter()
            .enumerate()
            .map(|(i, energies)| {
                Ok(nrg::ClusterBlock {
                    label: label(&rows.row(i).to_vec())?,
                    odd: odd[i],
                    energies,
                })
            })
            .collect::<PyResult<_>>()?;
        let reflection = |r: Option<Reflection<'_>>| {
            r.map(|blocks| {
                blocks
                    .iter()
                    .map(|(target, m)| nrg::Reflected {
                        target: *target,
                        matrix: nrg::ReflectionMatrix::Dense(matrix(m)),
                    })
                    .collect()
            })
        };
        // Bands take turns where an order of the sites is given.
        let interleaved = sites
            .as_ref()
            .is_some_and(|(_, order, ..)| !order.is_empty());
        let cluster = nrg::InitialCluster {
            symmetry: symmetry(&factors, bands, interleaved)?,
            blocks,
            hopping: hopping
                .iter()
                .map(|c| c.iter().map(|(i, j, m)| (*i, *j, matrix(m))).collect())
                .collect(),
            operators: operators.iter().map(|o| matrices(o)).collect(),
            reflections: [reflection(reflections.0), reflection(reflections.1)],
            sites: sites.map(self::sites).transpose()?,
        };
        cluster.validate().or_raise(py)?;
        Ok(Self(cluster))
    }
}

impl InitialCluster {
    pub fn inner(&self) -> &nrg::InitialCluster {
        &self.0
    }
}

impl WilsonChain {
    pub fn inner(&self) -> &nrg::WilsonChain {
        &self.0
    }
}

/// A Wilson chain; see `kadanoff.chains`.
#[pyclass(frozen, module = "kadanoff._core")]
pub struct WilsonChain(nrg::WilsonChain);

#[pymethods]
impl WilsonChain {
    #[new]
    fn new(py: Python<'_>, hopping: Vec<f64>, onsite: Vec<f64>, scale: Vec<f64>) -> PyResult<Self> {
        let chain = nrg::WilsonChain {
            hopping,
            onsite,
            scale,
        };
        chain.validate().or_raise(py)?;
        Ok(Self(chain))
    }

    /// Single-particle levels of sites 0..=n, ascending.
    fn levels<'py>(&self, py: Python<'py>, n: usize) -> PyResult<Bound<'py, PyArray1<f64>>> {
        if n >= self.0.sites() {
            return Err(errors::argument(format!(
                "n must be below {}, got {n}",
                self.0.sites()
            )));
        }
        Ok(py.detach(|| self.0.levels(n)).into_pyarray(py))
    }
}

/// Runs the iteration for every (cluster, chain) and returns the levels of each.
#[pyfunction]
#[pyo3(signature = (jobs, *, states=None, multiplets=None, energy=None, gap=1e-5,
                    memory_limit=None, reuse=true, threads=None, control=None, report=None))]
pub(crate) fn nrg_solve<'py>(
    py: Python<'py>,
    jobs: Vec<(Bound<'py, InitialCluster>, Bound<'py, WilsonChain>)>,
    states: Option<usize>,
    multiplets: Option<usize>,
    energy: Option<f64>,
    gap: f64,
    memory_limit: Option<usize>,
    reuse: bool,
    threads: Option<usize>,
    control: ControlArgument<'py>,
    report: Report,
) -> PyResult<Bound<'py, PyList>> {
    let options = nrg::Options {
        truncation: nrg::Truncation {
            states,
            multiplets,
            energy,
            gap,
        },
        memory_limit,
        reuse,
        basis: None,
    };
    let borrowed: Vec<(&nrg::InitialCluster, &nrg::WilsonChain)> =
        jobs.iter().map(|(s, c)| (&s.get().0, &c.get().0)).collect();
    let (runs, mut failure) = Call::new(threads, control, report)?
        .observe(py, |control| nrg::solve_many(&borrowed, &options, control))?;
    let out = PyList::empty(py);
    for ((cluster, _), (run, outcome)) in borrowed.iter().zip(runs) {
        if let Err(error) = outcome {
            failure.get_or_insert_with(|| error.raise(py));
        }
        out.append(Levels::new(cluster.symmetry, run).into_pyobject(py)?)?;
    }
    // What was computed travels with the exception.
    complete(py, out, failure)
}

/// Every eigenvalue of every shell of a run, held by the core; pickled as bytes.
#[pyclass(frozen, module = "kadanoff._core")]
pub struct Levels(nrg::Levels);

impl Levels {
    pub fn new(symmetry: nrg::Symmetry, run: nrg::Run) -> Self {
        Self(nrg::Levels::new(symmetry, run))
    }
}

#[pymethods]
impl Levels {
    /// The levels that gave these bytes.
    #[new]
    fn from_bytes(py: Python<'_>, data: &[u8]) -> PyResult<Self> {
        py.detach(|| nrg::Levels::from_bytes(data))
            .map(Self)
            .or_raise(py)
    }

    fn __reduce__<'py>(
        slf: &Bound<'py, Self>,
        py: Python<'py>,
    ) -> (Bound<'py, PyType>, (Bound<'py, PyBytes>,)) {
        let levels = &slf.get().0;
        let bytes = py.detach(|| levels.to_bytes());
        (slf.get_type(), (PyBytes::new(py, &bytes),))
    }

    /// Number of shells.
    fn __len__(&self) -> usize {
        self.0.shells.len()
    }

    /// All numbers, as a dictionary of arrays; see `kadanoff.impurities.nrg.levels`.
    fn arrays<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let shells = &self.0.shells;
        let blocks: Vec<&nrg::ShellBlock> = self.0.blocks().collect();
        let per_shell =
            |pick: fn(&nrg::Shell) -> f64| -> Vec<f64> { shells.iter().map(pick).collect() };
        let cut = |s: &nrg::Shell| s.cut.map_or(f64::INFINITY, |(energy, _)| energy);
        let gap = |s: &nrg::Shell| s.cut.map_or(f64::INFINITY, |(_, gap)| gap);
        let energies: Vec<f64> = blocks.iter().flat_map(|b| &b.energies).copied().collect();
        let operators = blocks.first().map_or(0, |b| b.expectations.len());
        let values: Vec<f64> = (0..operators)
            .flat_map(|o| blocks.iter().flat_map(move |b| &b.expectations[o]))
            .copied()
            .collect();
        let expectations =
            Array2::from_shape_vec((operators, energies.len()), values).map_err(errors::shape)?;
        let factors = if self.0.symmetry.channel == nrg::NONE {
            2
        } else {
            3
        };
        let labels = Array2::from_shape_fn((blocks.len(), factors), |(i, j)| {
            i64::from(blocks[i].label[j])
        });
        let kept: Vec<i64> = blocks.iter().map(|b| b.kept as i64).collect();
        let in_shells = offsets(shells.iter().map(|s| s.blocks.len()));
        let in_blocks = offsets(blocks.iter().map(|b| b.energies.len()));
        let d = PyDict::new(py);
        d.set_item("scale", per_shell(|s| s.scale).into_pyarray(py))?;
        d.set_item("ground", per_shell(|s| s.ground).into_pyarray(py))?;
        d.set_item("cut", per_shell(cut).into_pyarray(py))?;
        d.set_item("cut_gap", per_shell(gap).into_pyarray(py))?;
        d.set_item("shells", in_shells.into_pyarray(py))?;
        d.set_item("labels", labels.into_pyarray(py))?;
        d.set_item("blocks", in_blocks.into_pyarray(py))?;
        d.set_item("kept", kept.into_pyarray(py))?;
        d.set_item("energies", energies.into_pyarray(py))?;
        d.set_item("expectations", expectations.into_pyarray(py))?;
        let t = &self.0.timing;
        let timing = PyDict::new(py);
        timing.set_item("values", t.values)?;
        timing.set_item("vectors", t.vectors)?;
        timing.set_item("operators", t.operators)?;
        timing.set_item("reduction_flops", t.reduction_flops)?;
        timing.set_item("product_flops", t.product_flops)?;
        timing.set_item("largest_block", t.largest_block)?;
        timing.set_item("peak_bytes", t.peak_bytes)?;
        d.set_item("timing", timing)?;
        Ok(d)
    }

    /// Averages at pairs (shell, temperature): rows of log_z, energy, energy variance, spin, spin
    /// variance, charge, charge variance, weight above the cut; and one of operators.
    #[pyo3(signature = (shells, temperatures, *, complete))]
    fn averages<'py>(
        &self,
        py: Python<'py>,
        shells: Vec<usize>,
        temperatures: Vec<f64>,
        complete: bool,
    ) -> PyResult<Columns<'py>> {
        let averages = py
            .detach(|| self.0.averages(&shells, &temperatures, complete))
            .or_raise(py)?;
        let operators = averages.first().map_or(0, |a| a.operators.len());
        let expectations = Array2::from_shape_fn((averages.len(), operators), |(i, o)| {
            averages[i].operators[o]
        });
        let expectations = expectations.into_pyarray(py);
        Ok((rows(&averages).into_pyarray(py), expectations))
    }
}

/// Where the items of a list begin in the list of all their parts, and its end.
fn offsets(sizes: impl Iterator<Item = usize>) -> Vec<i64> {
    let ends = sizes.scan(0, |end, size| {
        *end += size as i64;
        Some(*end)
    });
    std::iter::once(0).chain(ends).collect()
}

type Columns<'py> = (Bound<'py, PyArray2<f64>>, Bound<'py, PyArray2<f64>>);
type GroundAndColumns<'py> = (Bound<'py, PyArray1<f64>>, Bound<'py, PyArray2<f64>>);

fn rows(averages: &[nrg::Average]) -> Array2<f64> {
    let rows: Vec<[f64; 8]> = averages.iter().map(nrg::Average::row).collect();
    arr2(&rows)
}

/// Exact averages of the clean chain at pairs (last site, temperature), rows as in
/// `Levels.averages`, and the ground-state energy of each chain.
#[pyfunction]
pub(crate) fn nrg_clean_chain<'py>(
    py: Python<'py>,
    chain: Bound<'py, WilsonChain>,
    shells: Vec<usize>,
    temperatures: Vec<f64>,
) -> PyResult<GroundAndColumns<'py>> {
    let chain = &chain.get().0;
    let (ground, averages) = py
        .detach(|| nrg::clean_chains(chain, &shells, &temperatures))
        .or_raise(py)?;
    Ok((ground.into_pyarray(py), rows(&averages).into_pyarray(py)))
}
