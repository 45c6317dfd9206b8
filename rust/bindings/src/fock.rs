//! Exact diagonalisation of any Hamiltonian of a few orbitals: terms in, levels and responses out.

use crate::control::{Call, ControlArgument, Report};
use crate::errors::OrRaise;
use faer::c64;
use kadanoff_ed::fock::{
    Found, Levels, Lowest, MAX_ORBITALS, Operator, Options, Product, Space, Tensor,
};
use numpy::ndarray::Array2;
use numpy::{Complex64, IntoPyArray, PyArray1, PyArray2, PyReadonlyArray1};
use pyo3::prelude::*;

/// Numbers, and for each the factors of its product: `2 p + 1` creates an electron in mode p, `2 p`
/// takes one away.
type Terms = (Vec<f64>, Vec<Vec<u16>>);
/// Twice the rank of a tensor, and its components: raising, neutral, lowering.
type Components = (usize, Terms, Terms, Terms);
type Vector<'py> = Bound<'py, PyArray1<f64>>;
/// Energies, weights, dropped weight, width of merged intervals, and the values of every pair.
type Channel<'py> = (
    Vector<'py>,
    Vector<'py>,
    f64,
    f64,
    Bound<'py, PyArray2<Complex64>>,
);

fn operator((values, factors): Terms) -> Operator {
    let products = values.into_iter().zip(factors);
    Operator(
        products
            .map(|(value, factors)| Product { value, factors })
            .collect(),
    )
}

fn tensors(given: Vec<Components>) -> Vec<Tensor> {
    given
        .into_iter()
        .map(|(twice_rank, raising, neutral, lowering)| Tensor {
            twice_rank,
            raising: operator(raising),
            neutral: operator(neutral),
            lowering: operator(lowering),
        })
        .collect()
}

fn arrays(py: Python<'_>, found: Vec<Found>) -> Vec<Channel<'_>> {
    let of = |found: Found| {
        let count = found.values.first().map_or(0, Vec::len);
        let shape = (found.values.len(), count);
        let values = Array2::from_shape_fn(shape, |(i, j)| found.values[i][j]);
        (
            found.energies.into_pyarray(py),
            found.weights.into_pyarray(py),
            found.dropped,
            found.width,
            values.into_pyarray(py),
        )
    };
    found.into_iter().map(of).collect()
}

/// Number of states of every block of a Hamiltonian: an estimate of memory before a run.
#[pyfunction]
#[pyo3(signature = (orbitals, terms, *, rotations))]
pub(crate) fn fock_dimensions(
    py: Python<'_>,
    orbitals: usize,
    terms: Terms,
    rotations: bool,
) -> PyResult<Vec<usize>> {
    let space = py.detach(|| Space::new(orbitals, operator(terms), rotations));
    Ok(space.or_raise(py)?.dimensions())
}

/// All levels of a Hamiltonian of a few orbitals with spin.
#[pyclass(frozen, module = "kadanoff._core")]
pub struct FockLevels(Levels);

#[pymethods]
impl FockLevels {
    /// Most orbitals.
    #[classattr]
    const MAX_ORBITALS: usize = MAX_ORBITALS;

    #[new]
    #[pyo3(signature = (orbitals, terms, *, rotations, threads=None, control=None, report=None))]
    fn new(
        py: Python<'_>,
        orbitals: usize,
        terms: Terms,
        rotations: bool,
        threads: Option<usize>,
        control: ControlArgument<'_>,
        report: Report,
    ) -> PyResult<Self> {
        let hamiltonian = operator(terms);
        Call::new(threads, control, report)?
            .run(py, |control| {
                Levels::new(Space::new(orbitals, hamiltonian, rotations)?, control)
            })
            .map(Self)
    }

    /// Energy of the ground state.
    #[getter]
    fn ground(&self) -> f64 {
        self.0.ground
    }

    /// `(multiplicity, energies)` of every block.
    fn levels<'py>(&self, py: Python<'py>) -> Vec<(usize, Vector<'py>)> {
        self.0
            .energies()
            .map(|(m, e)| (m, e.to_vec().into_pyarray(py)))
            .collect()
    }

    /// `log_Z` and the averages of operators that are scalars of the spin.
    fn thermal<'py>(
        &self,
        py: Python<'py>,
        beta: f64,
        operators: Vec<Terms>,
    ) -> PyResult<(f64, Vector<'py>)> {
        let operators: Vec<Operator> = operators.into_iter().map(operator).collect();
        let found = py.detach(|| self.0.thermal(beta, &operators));
        let (log_z, averages) = found.or_raise(py)?;
        Ok((log_z, averages.into_pyarray(py)))
    }

    /// Green functions of the pairs of tensors in every channel, and the poles of its first pair.
    #[pyo3(signature = (beta, prune, tensors, channels, z, *, threads=None, control=None, report=None))]
    fn green<'py>(
        &self,
        py: Python<'py>,
        beta: f64,
        prune: f64,
        tensors: Vec<Components>,
        channels: Vec<Vec<(usize, usize)>>,
        z: PyReadonlyArray1<'py, Complex64>,
        threads: Option<usize>,
        control: ControlArgument<'py>,
        report: Report,
    ) -> PyResult<Vec<Channel<'py>>> {
        let points: Vec<c64> = z.as_array().iter().copied().collect();
        let tensors = self::tensors(tensors);
        let found = Call::new(threads, control, report)?.run(py, |control| {
            self.0
                .green(beta, prune, &tensors, &channels, &points, control)
        })?;
        Ok(arrays(py, found))
    }

    /// `int_0^beta <A(tau) B> dtau` of all pairs of tensors.
    #[pyo3(signature = (beta, tensors, *, threads=None, control=None, report=None))]
    fn susceptibility<'py>(
        &self,
        py: Python<'py>,
        beta: f64,
        tensors: Vec<Components>,
        threads: Option<usize>,
        control: ControlArgument<'py>,
        report: Report,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let tensors = self::tensors(tensors);
        let count = tensors.len();
        let chi = Call::new(threads, control, report)?
            .run(py, |control| self.0.susceptibility(beta, &tensors, control))?;
        Ok(Array2::from_shape_fn((count, count), |(i, j)| chi[i * count + j]).into_pyarray(py))
    }
}

/// The occupied levels of a Hamiltonian of a few orbitals with spin, by the Lanczos method.
#[pyclass(frozen, module = "kadanoff._core")]
pub struct FockLowest(Lowest);

#[pymethods]
impl FockLowest {
    /// `beta` may be infinite: the ground states alone, all with the same weight.
    #[new]
    #[pyo3(signature = (orbitals, terms, *, rotations, beta, cut, states, steps, threads=None, control=None,
                        report=None))]
    fn new(
        py: Python<'_>,
        orbitals: usize,
        terms: Terms,
        rotations: bool,
        beta: f64,
        cut: f64,
        states: usize,
        steps: usize,
        threads: Option<usize>,
        control: ControlArgument<'_>,
        report: Report,
    ) -> PyResult<Self> {
        let hamiltonian = operator(terms);
        let options = Options {
            beta,
            cut,
            states,
            steps,
        };
        Call::new(threads, control, report)?
            .run(py, |control| {
                let space = Space::new(orbitals, hamiltonian, rotations)?;
                Lowest::new(space, &options, control)
            })
            .map(Self)
    }

    /// Energy of the ground state.
    #[getter]
    fn ground(&self) -> f64 {
        self.0.ground()
    }

    /// Bound of the Boltzmann weight of all levels that were left out, relative to the others.
    #[getter]
    fn neglected(&self) -> f64 {
        self.0.neglected
    }

    /// Number of states that are occupied.
    #[getter]
    fn states(&self) -> usize {
        self.0.states
    }

    /// `log_Z` and the averages of operators that are scalars of the spin.
    fn thermal<'py>(&self, py: Python<'py>, operators: Vec<Terms>) -> PyResult<(f64, Vector<'py>)> {
        let operators: Vec<Operator> = operators.into_iter().map(operator).collect();
        let (log_z, averages) = py.detach(|| self.0.thermal(&operators)).or_raise(py)?;
        Ok((log_z, averages.into_pyarray(py)))
    }

    /// Green functions of the pairs of tensors in every channel, the poles of its first pair, and a
    /// bound of what more Lanczos steps would change.
    #[pyo3(signature = (tensors, channels, z, *, threads=None, control=None, report=None))]
    fn green<'py>(
        &self,
        py: Python<'py>,
        tensors: Vec<Components>,
        channels: Vec<Vec<(usize, usize)>>,
        z: PyReadonlyArray1<'py, Complex64>,
        threads: Option<usize>,
        control: ControlArgument<'py>,
        report: Report,
    ) -> PyResult<(Vec<Channel<'py>>, f64)> {
        let points: Vec<c64> = z.as_array().iter().copied().collect();
        let tensors = self::tensors(tensors);
        let (found, missing) = Call::new(threads, control, report)?.run(py, |control| {
            self.0.green(&tensors, &channels, &points, control)
        })?;
        Ok((arrays(py, found), missing))
    }
}
