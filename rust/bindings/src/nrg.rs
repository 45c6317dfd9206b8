//! The NRG: clusters and chains in, levels of every shell out.

use crate::control::{Call, ControlArgument, Report, complete};
use crate::errors::{self, OrRaise, Raise};
use faer::Mat;
use kadanoff_nrg as nrg;
use numpy::ndarray::Array2;
use numpy::{
    IntoPyArray, PyArray1, PyArray2, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods,
};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

pub type Matrix<'py> = PyReadonlyArray2<'py, f64>;
type Reflection<'py> = Vec<(usize, Matrix<'py>)>;

pub fn matrix(a: &Matrix<'_>) -> Mat<f64> {
    let a = a.as_array();
    Mat::from_fn(a.nrows(), a.ncols(), |i, j| a[(i, j)])
}

fn symmetry(factors: (&str, &str), bands: usize) -> PyResult<nrg::Symmetry> {
    let factor = |name: &str| match name {
        "U1" => Ok(nrg::Factor::U1),
        "SU2" => Ok(nrg::Factor::SU2),
        other => Err(errors::argument(format!(
            "symmetry factor must be 'U1' or 'SU2', got '{other}'"
        ))),
    };
    Ok(nrg::Symmetry {
        charge: factor(factors.0)?,
        spin: factor(factors.1)?,
        bands,
    })
}

pub fn label(row: &[i64]) -> PyResult<nrg::Label> {
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
    #[pyo3(signature = (factors, labels, odd, energies, hopping, operators, reflections, bands=1))]
    fn new(
        py: Python<'_>,
        factors: (String, String),
        labels: PyReadonlyArray2<'_, i64>,
        odd: Vec<bool>,
        energies: Vec<Vec<f64>>,
        hopping: Vec<Vec<(usize, usize, Matrix<'_>)>>,
        operators: Vec<Vec<Matrix<'_>>>,
        reflections: (Option<Reflection<'_>>, Option<Reflection<'_>>),
        bands: usize,
    ) -> PyResult<Self> {
        if labels.shape()[0] != odd.len() || odd.len() != energies.len() {
            return Err(errors::argument(
                "labels, odd and energies must have one entry a block",
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
        let cluster = nrg::InitialCluster {
            symmetry: symmetry((&factors.0, &factors.1), bands)?,
            blocks,
            hopping: hopping
                .iter()
                .map(|c| c.iter().map(|(i, j, m)| (*i, *j, matrix(m))).collect())
                .collect(),
            operators: operators
                .iter()
                .map(|o| o.iter().map(matrix).collect())
                .collect(),
            reflections: [reflection(reflections.0), reflection(reflections.1)],
        };
        cluster.validate().or_raise(py)?;
        Ok(Self(cluster))
    }
}

impl InitialCluster {
    pub fn inner(&self) -> &nrg::InitialCluster {
        &self.0
    }

    pub fn block_sizes(&self) -> Vec<usize> {
        self.0.blocks.iter().map(|b| b.energies.len()).collect()
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

/// Runs the iteration for every (cluster, chain) and returns one dictionary of arrays for each.
#[pyfunction]
#[pyo3(signature = (jobs, *, states=None, multiplets=None, energy=None, gap=1e-5,
                    memory_limit=None, reuse=true, threads=None, control=None, report=None))]
pub fn nrg_solve<'py>(
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
    for (run, outcome) in &runs {
        if let Err(error) = outcome {
            failure.get_or_insert_with(|| error.raise(py));
        }
        out.append(levels_of(py, run)?)?;
    }
    // What was computed travels with the exception.
    complete(py, out, failure)
}

pub fn levels_of<'py>(py: Python<'py>, run: &nrg::Run) -> PyResult<Bound<'py, PyDict>> {
    let shells = &run.shells;
    let blocks: Vec<&nrg::ShellBlock> = shells.iter().flat_map(|s| &s.blocks).collect();
    let offsets = |sizes: &mut dyn Iterator<Item = usize>| {
        let mut total = 0_i64;
        let mut out = vec![0_i64];
        for size in sizes {
            total += size as i64;
            out.push(total);
        }
        out
    };
    let operators = blocks.first().map_or(0, |b| b.expectations.len());
    let count: usize = blocks.iter().map(|b| b.energies.len()).sum();
    let mut expectations = Array2::zeros((operators, count));
    let mut at = 0;
    for block in &blocks {
        for (o, values) in block.expectations.iter().enumerate() {
            for (i, x) in values.iter().enumerate() {
                expectations[(o, at + i)] = *x;
            }
        }
        at += block.energies.len();
    }
    let labels = Array2::from_shape_fn((blocks.len(), 2), |(i, j)| i64::from(blocks[i].label[j]));
    let energies: Vec<f64> = blocks
        .iter()
        .flat_map(|b| b.energies.iter().copied())
        .collect();
    let cut = |pick: fn((f64, f64)) -> f64| -> Vec<f64> {
        shells
            .iter()
            .map(|s| s.cut.map_or(f64::INFINITY, pick))
            .collect()
    };
    let d = PyDict::new(py);
    d.set_item(
        "scale",
        shells
            .iter()
            .map(|s| s.scale)
            .collect::<Vec<_>>()
            .into_pyarray(py),
    )?;
    d.set_item(
        "ground",
        shells
            .iter()
            .map(|s| s.ground)
            .collect::<Vec<_>>()
            .into_pyarray(py),
    )?;
    d.set_item("cut", cut(|c| c.0).into_pyarray(py))?;
    d.set_item("cut_gap", cut(|c| c.1).into_pyarray(py))?;
    d.set_item(
        "shells",
        offsets(&mut shells.iter().map(|s| s.blocks.len())).into_pyarray(py),
    )?;
    d.set_item("labels", labels.into_pyarray(py))?;
    d.set_item(
        "blocks",
        offsets(&mut blocks.iter().map(|b| b.energies.len())).into_pyarray(py),
    )?;
    let kept: Vec<i64> = blocks.iter().map(|b| b.kept as i64).collect();
    d.set_item("kept", kept.into_pyarray(py))?;
    d.set_item("energies", energies.into_pyarray(py))?;
    d.set_item("expectations", expectations.into_pyarray(py))?;
    let t = &run.timing;
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

fn run_of(levels: &Bound<'_, PyDict>) -> PyResult<nrg::Run> {
    fn get<'py, T: numpy::Element>(
        d: &Bound<'py, PyDict>,
        key: &str,
    ) -> PyResult<PyReadonlyArray1<'py, T>> {
        d.as_any()
            .get_item(key)?
            .extract()
            .map_err(|_| errors::argument(format!("levels: bad array '{key}'")))
    }
    let bad = |_| errors::argument("levels: arrays must be contiguous");
    let (scale, ground) = (get::<f64>(levels, "scale")?, get::<f64>(levels, "ground")?);
    let (shells, offsets) = (get::<i64>(levels, "shells")?, get::<i64>(levels, "blocks")?);
    let (kept, energies) = (get::<i64>(levels, "kept")?, get::<f64>(levels, "energies")?);
    let labels: PyReadonlyArray2<'_, i64> = levels
        .as_any()
        .get_item("labels")?
        .extract()
        .map_err(|_| errors::argument("levels: bad array 'labels'"))?;
    let expectations: PyReadonlyArray2<'_, f64> = levels
        .as_any()
        .get_item("expectations")?
        .extract()
        .map_err(|_| errors::argument("levels: bad array 'expectations'"))?;
    let (scale, ground) = (
        scale.as_slice().map_err(bad)?,
        ground.as_slice().map_err(bad)?,
    );
    let (shells, offsets) = (
        shells.as_slice().map_err(bad)?,
        offsets.as_slice().map_err(bad)?,
    );
    let (kept, energies) = (
        kept.as_slice().map_err(bad)?,
        energies.as_slice().map_err(bad)?,
    );
    let (labels, expectations) = (labels.as_array(), expectations.as_array());
    let blocks = kept.len();
    let consistent = shells.len() == scale.len() + 1
        && ground.len() == scale.len()
        && labels.dim() == (blocks, 2)
        && offsets.len() == blocks + 1
        && shells.last().is_some_and(|&x| x as usize == blocks)
        && offsets
            .last()
            .is_some_and(|&x| x as usize == energies.len())
        && (expectations.nrows() == 0 || expectations.ncols() == energies.len())
        && shells.windows(2).all(|w| 0 <= w[0] && w[0] <= w[1])
        && offsets.windows(2).all(|w| 0 <= w[0] && w[0] <= w[1]);
    if !consistent {
        return Err(errors::argument("levels: the arrays contradict each other"));
    }
    let block = |b: usize| -> PyResult<nrg::ShellBlock> {
        let range = offsets[b] as usize..offsets[b + 1] as usize;
        Ok(nrg::ShellBlock {
            label: label(&labels.row(b).to_vec())?,
            kept: (kept[b].max(0) as usize).min(range.len()),
            expectations: expectations
                .rows()
                .into_iter()
                .map(|row| range.clone().map(|i| row[i]).collect())
                .collect(),
            energies: energies[range].to_vec(),
        })
    };
    let shells = (0..scale.len())
        .map(|n| {
            Ok(nrg::Shell {
                site: n,
                scale: scale[n],
                ground: ground[n],
                cut: None,
                blocks: (shells[n] as usize..shells[n + 1] as usize)
                    .map(block)
                    .collect::<PyResult<_>>()?,
            })
        })
        .collect::<PyResult<_>>()?;
    Ok(nrg::Run {
        shells,
        ..nrg::Run::default()
    })
}

type Columns<'py> = (Bound<'py, PyArray2<f64>>, Bound<'py, PyArray2<f64>>);
type GroundAndColumns<'py> = (Bound<'py, PyArray1<f64>>, Bound<'py, PyArray2<f64>>);

/// Averages of a run at pairs (shell, temperature): rows of log_z, energy, energy variance,
/// spin, spin variance, charge, charge variance, weight above the cut; and one of operators.
#[pyfunction]
#[pyo3(signature = (factors, levels, shells, temperatures, *, complete, bands=1))]
pub fn nrg_averages<'py>(
    py: Python<'py>,
    factors: (String, String),
    levels: Bound<'py, PyDict>,
    shells: Vec<usize>,
    temperatures: Vec<f64>,
    complete: bool,
    bands: usize,
) -> PyResult<Columns<'py>> {
    let symmetry = symmetry((&factors.0, &factors.1), bands)?;
    check_pairs(&shells, &temperatures)?;
    let run = run_of(&levels)?;
    if let Some(n) = shells.iter().find(|&&n| n >= run.shells.len()) {
        return Err(errors::argument(format!(
            "shell must be below {}, got {n}",
            run.shells.len()
        )));
    }
    let averages: Vec<nrg::Average> = py.detach(|| {
        shells
            .iter()
            .zip(&temperatures)
            .flat_map(|(&n, t)| {
                nrg::thermodynamics(symmetry, &run, n, std::slice::from_ref(t), complete)
            })
            .collect()
    });
    let operators = averages.first().map_or(0, |a| a.operators.len());
    let expectations = Array2::from_shape_fn((averages.len(), operators), |(i, o)| {
        averages[i].operators[o]
    });
    Ok((
        rows(&averages).into_pyarray(py),
        expectations.into_pyarray(py),
    ))
}

fn check_pairs(shells: &[usize], temperatures: &[f64]) -> PyResult<()> {
    if shells.len() != temperatures.len() {
        return Err(errors::argument(format!(
            "{} shells and {} temperatures do not make pairs",
            shells.len(),
            temperatures.len()
        )));
    }
    match temperatures.iter().find(|t| !t.is_finite() || **t <= 0.0) {
        Some(t) => Err(errors::argument(format!(
            "temperatures must be positive, got {t}"
        ))),
        None => Ok(()),
    }
}

fn rows(averages: &[nrg::Average]) -> Array2<f64> {
    Array2::from_shape_fn((averages.len(), 8), |(i, j)| {
        let a = &averages[i];
        [
            a.log_z,
            a.energy,
            a.energy_variance,
            a.spin,
            a.spin_variance,
            a.charge,
            a.charge_variance,
            a.weight_above_cut,
        ][j]
    })
}

/// Exact averages of the clean chain at pairs (last site, temperature), rows as in
/// `nrg_averages`, and the ground-state energy of each chain.
#[pyfunction]
pub fn nrg_clean_chain<'py>(
    py: Python<'py>,
    chain: Bound<'py, WilsonChain>,
    shells: Vec<usize>,
    temperatures: Vec<f64>,
) -> PyResult<GroundAndColumns<'py>> {
    let chain = &chain.get().0;
    check_pairs(&shells, &temperatures)?;
    if let Some(n) = shells.iter().find(|&&n| n >= chain.sites()) {
        return Err(errors::argument(format!(
            "shell must be below {}, got {n}",
            chain.sites()
        )));
    }
    let (ground, averages): (Vec<f64>, Vec<nrg::Average>) = py.detach(|| {
        shells
            .iter()
            .zip(&temperatures)
            .map(|(&n, t)| {
                let (ground, mut a) = nrg::clean_chain(chain, n, std::slice::from_ref(t));
                (ground, a.pop().unwrap_or_default())
            })
            .unzip()
    });
    Ok((ground.into_pyarray(py), rows(&averages).into_pyarray(py)))
}
