//! The Boltzmann machines of `kadanoff-rbm`; configurations travel as words of bits.

use crate::control::{Call, ControlArgument, Report, complete};
use crate::errors::{self, OrRaise};
use kadanoff_rbm as rbm;
use numpy::ndarray::Array2;
use numpy::{
    IntoPyArray, PyArray1, PyArray2, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods,
};
use pyo3::prelude::*;
use pyo3::types::PyDict;

type Words<'py> = PyReadonlyArray2<'py, u64>;
type Floats<'py> = PyReadonlyArray1<'py, f64>;
/// Rows of visible and of hidden words.
type Both<'py> = (Bound<'py, PyArray2<u64>>, Bound<'py, PyArray2<u64>>);
type Vector<'py> = Bound<'py, PyArray1<f64>>;

fn units(name: &str) -> PyResult<rbm::Units> {
    if let Some(states) = name.strip_prefix("one-hot-") {
        return states
            .parse()
            .map(rbm::Units::OneHot)
            .map_err(|_| errors::argument(format!("'{name}' must end with the number of states")));
    }
    match name {
        "binary" => Ok(rbm::Units::Binary),
        "spin" => Ok(rbm::Units::Spin),
        other => Err(errors::argument(format!(
            "units must be 'binary' or 'spin', got '{other}'"
        ))),
    }
}

fn flat(rows: &Words<'_>) -> Vec<u64> {
    rows.as_array().iter().copied().collect()
}

fn rows<'py>(
    py: Python<'py>,
    words: Vec<u64>,
    width: usize,
) -> PyResult<Bound<'py, PyArray2<u64>>> {
    let count = words.len() / width;
    Array2::from_shape_vec((count, width), words)
        .map(|a| a.into_pyarray(py))
        .map_err(errors::shape)
}

/// The parameters of a machine in the compiled core; see `kadanoff.rbm`.
#[pyclass(frozen, module = "kadanoff._core")]
pub struct BoltzmannMachine(rbm::Machine);

impl BoltzmannMachine {
    fn wide(&self) -> usize {
        rbm::words(self.0.visible())
    }

    fn high(&self) -> usize {
        rbm::words(self.0.hidden())
    }

    fn visible_rows(&self, v: &Words<'_>) -> PyResult<Vec<u64>> {
        if v.shape()[1] != self.wide() {
            return Err(errors::argument("visible rows have the wrong width"));
        }
        Ok(flat(v))
    }

    fn hidden_rows(&self, h: &Words<'_>) -> PyResult<Vec<u64>> {
        if h.shape()[1] != self.high() {
            return Err(errors::argument("hidden rows have the wrong width"));
        }
        Ok(flat(h))
    }
}

#[pymethods]
impl BoltzmannMachine {
    #[new]
    fn new(
        a: Vec<f64>,
        b: Vec<f64>,
        w: PyReadonlyArray2<'_, f64>,
        visible: &str,
        hidden: &str,
        py: Python<'_>,
    ) -> PyResult<Self> {
        let w = w.as_array().iter().copied().collect();
        rbm::Machine::new(a, b, w, (units(visible)?, units(hidden)?))
            .map(Self)
            .or_raise(py)
    }

    /// F(v) of every row.
    #[pyo3(signature = (v, *, threads=None))]
    fn free_energies<'py>(
        &self,
        py: Python<'py>,
        v: Words<'py>,
        threads: Option<usize>,
    ) -> PyResult<Vector<'py>> {
        let v = self.visible_rows(&v)?;
        Call::new(threads, None, None)?
            .run(py, |c| self.0.free_energies(&v, c))
            .map(|f| f.into_pyarray(py))
    }

    /// Means of the hidden units given every row, flat.
    #[pyo3(signature = (v, *, threads=None))]
    fn means<'py>(
        &self,
        py: Python<'py>,
        v: Words<'py>,
        threads: Option<usize>,
    ) -> PyResult<Vector<'py>> {
        let v = self.visible_rows(&v)?;
        Call::new(threads, None, None)?
            .run(py, |c| self.0.means(&v, c))
            .map(|f| f.into_pyarray(py))
    }

    /// ln Z by enumeration.
    #[pyo3(signature = (*, threads=None, control=None, report=None))]
    fn log_z<'py>(
        &self,
        py: Python<'py>,
        threads: Option<usize>,
        control: ControlArgument<'py>,
        report: Report,
    ) -> PyResult<f64> {
        Call::new(threads, control, report)?.run(py, |c| rbm::exact::log_z(&self.0, c))
    }

    /// (ln Z, <v>, <h>, <v h> flat) by enumeration.
    #[pyo3(signature = (*, threads=None, control=None, report=None))]
    fn moments<'py>(
        &self,
        py: Python<'py>,
        threads: Option<usize>,
        control: ControlArgument<'py>,
        report: Report,
    ) -> PyResult<(f64, Vector<'py>, Vector<'py>, Vector<'py>)> {
        let m =
            Call::new(threads, control, report)?.run(py, |c| rbm::exact::moments(&self.0, c))?;
        Ok((
            m.log_z,
            m.visible.into_pyarray(py),
            m.hidden.into_pyarray(py),
            m.correlations.into_pyarray(py),
        ))
    }

    /// ln (P(v) Z) of all visible states, the first unit changing slowest.
    #[pyo3(signature = (*, threads=None, control=None, report=None))]
    fn log_weights<'py>(
        &self,
        py: Python<'py>,
        threads: Option<usize>,
        control: ControlArgument<'py>,
        report: Report,
    ) -> PyResult<Vector<'py>> {
        Call::new(threads, control, report)?
            .run(py, |c| rbm::exact::log_weights(&self.0, c))
            .map(|x| x.into_pyarray(py))
    }

    /// Independent samples of the free units given the others, `n` for every row.
    #[pyo3(signature = (v, h, free_visible, free_hidden, n, seed, *, threads=None,
                        control=None, report=None))]
    fn exact_samples<'py>(
        &self,
        py: Python<'py>,
        v: Words<'py>,
        h: Words<'py>,
        free_visible: Vec<usize>,
        free_hidden: Vec<usize>,
        n: usize,
        seed: u64,
        threads: Option<usize>,
        control: ControlArgument<'py>,
        report: Report,
    ) -> PyResult<Both<'py>> {
        let (v, h) = (self.visible_rows(&v)?, self.hidden_rows(&h)?);
        let outside = |free: &[usize], size: usize| free.iter().any(|&i| i >= size);
        if outside(&free_visible, self.0.visible()) || outside(&free_hidden, self.0.hidden()) {
            return Err(errors::argument("a free unit does not exist"));
        }
        let (v, h) = Call::new(threads, control, report)?.run(py, |c| {
            let free = (&free_visible[..], &free_hidden[..]);
            rbm::exact::sample(&self.0, &v, &h, free, n, seed, c)
        })?;
        Ok((rows(py, v, self.wide())?, rows(py, h, self.high())?))
    }

    /// Block Gibbs chains; returns visible and hidden rows of all complete records.
    #[pyo3(signature = (v, h, free, equilibration, spacing, n, seed, *, threads=None, control=None,
                        report=None))]
    fn gibbs<'py>(
        &self,
        py: Python<'py>,
        v: Words<'py>,
        h: Words<'py>,
        free: Option<(Vec<u64>, Vec<u64>)>,
        equilibration: usize,
        spacing: usize,
        n: usize,
        seed: u64,
        threads: Option<usize>,
        control: ControlArgument<'py>,
        report: Report,
    ) -> PyResult<Both<'py>> {
        let (mut v, mut h) = (self.visible_rows(&v)?, self.hidden_rows(&h)?);
        let free = free.map(|(visible, hidden)| rbm::Free { visible, hidden });
        let schedule = rbm::Schedule {
            equilibration,
            spacing,
            n,
            seed,
        };
        let mut out = rbm::Records::default();
        let outcome = Call::new(threads, control, report)?.run(py, |c| {
            rbm::gibbs(
                &self.0,
                &mut v,
                &mut h,
                free.as_ref(),
                &schedule,
                c,
                &mut out,
            )
        });
        let both = (
            rows(py, out.visible, self.wide())?,
            rows(py, out.hidden, self.high())?,
        );
        complete(py, both, outcome.err())
    }

    /// ln of the importance weight of every chain.
    #[pyo3(signature = (base, betas, chains, steps, seed, *, threads=None, control=None,
                        report=None))]
    fn anneal<'py>(
        &self,
        py: Python<'py>,
        base: Vec<f64>,
        betas: Vec<f64>,
        chains: usize,
        steps: usize,
        seed: u64,
        threads: Option<usize>,
        control: ControlArgument<'py>,
        report: Report,
    ) -> PyResult<Vector<'py>> {
        let annealing = rbm::Annealing {
            chains,
            betas,
            steps,
            base,
            seed,
        };
        Call::new(threads, control, report)?
            .run(py, |c| rbm::anneal(&self.0, &annealing, c))
            .map(|x| x.into_pyarray(py))
    }
}

fn single(x: &Floats<'_>) -> Vec<f32> {
    x.as_array().iter().map(|&x| x as f32).collect()
}

fn double(x: &[f32]) -> Vec<f64> {
    x.iter().map(|&x| f64::from(x)).collect()
}

/// Trains a state (a dictionary of arrays) and returns it with an entry for every epoch.
#[pyfunction]
#[pyo3(signature = (state, data, *, negative, betas, steps, batch, rates, momentum, decay,
                    centered, seed, threads=None, control=None, report=None))]
pub(crate) fn rbm_train<'py>(
    py: Python<'py>,
    state: &Bound<'py, PyDict>,
    data: Words<'py>,
    negative: &str,
    betas: Vec<f32>,
    steps: usize,
    batch: usize,
    rates: Vec<f32>,
    momentum: Option<f32>,
    decay: f32,
    centered: bool,
    seed: u64,
    threads: Option<usize>,
    control: ControlArgument<'py>,
    report: Report,
) -> PyResult<Bound<'py, PyDict>> {
    let get = |key: &str| -> PyResult<Bound<'py, PyAny>> { state.as_any().get_item(key) };
    let floats =
        |key: &str| -> PyResult<Vec<f32>> { Ok(single(&get(key)?.extract::<Floats<'_>>()?)) };
    let chains: PyReadonlyArray1<'_, u64> = get("chains")?.extract()?;
    let mut own = rbm::State {
        visible: get("n_visible")?.extract()?,
        hidden: get("n_hidden")?.extract()?,
        units: (
            units(get("visible")?.extract()?)?,
            units(get("hidden")?.extract()?)?,
        ),
        parameters: floats("parameters")?,
        first: floats("first")?,
        second: floats("second")?,
        offsets: floats("offsets")?,
        base: floats("base")?,
        chains: chains.as_array().iter().copied().collect(),
        updates: get("updates")?.extract()?,
        epochs: get("epochs")?.extract()?,
    };
    let options = rbm::Options {
        negative: match negative {
            "cd" => rbm::Negative::Contrastive,
            "pcd" => rbm::Negative::Persistent,
            "pt" => rbm::Negative::Tempered(betas),
            other => {
                return Err(errors::argument(format!(
                    "method must be 'cd', 'pcd' or 'pt', got '{other}'"
                )));
            }
        },
        steps,
        batch,
        rates,
        optimizer: momentum.map_or(rbm::Optimizer::Adam, rbm::Optimizer::Momentum),
        decay,
        centered,
        seed,
    };
    let data = flat(&data);
    let mut epochs = Vec::new();
    let outcome = Call::new(threads, control, report)?.run(py, |c| {
        rbm::train(&mut own, &data, &options, c, &mut epochs)
    });
    let out = PyDict::new(py);
    for key in ["n_visible", "n_hidden", "visible", "hidden"] {
        out.set_item(key, get(key)?)?;
    }
    for (key, values) in [
        ("parameters", &own.parameters),
        ("first", &own.first),
        ("second", &own.second),
        ("offsets", &own.offsets),
        ("base", &own.base),
    ] {
        out.set_item(key, double(values).into_pyarray(py))?;
    }
    out.set_item("chains", own.chains.into_pyarray(py))?;
    out.set_item("updates", own.updates)?;
    out.set_item("epochs", own.epochs)?;
    let gradient: Vec<f64> = epochs.iter().map(|e| e.gradient).collect();
    let reconstruction: Vec<f64> = epochs.iter().map(|e| e.reconstruction).collect();
    out.set_item("gradient", gradient.into_pyarray(py))?;
    out.set_item("reconstruction", reconstruction.into_pyarray(py))?;
    complete(py, out, outcome.err())
}
