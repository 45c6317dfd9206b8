//! Rust errors become Python exceptions here and nowhere else.

use kadanoff_lattice::{dimers, exact, ising};
use kadanoff_nrg::Error;
use pyo3::exceptions::{PyKeyboardInterrupt, PyMemoryError, PyOSError, PyValueError};
use pyo3::prelude::*;

fn from_python(py: Python<'_>, class: &str, message: String) -> PyErr {
    match py
        .import("kadanoff._base.errors")
        .and_then(|m| m.getattr(class))
        .and_then(|c| c.call1((message,)))
    {
        Ok(exception) => PyErr::from_value(exception),
        Err(error) => error,
    }
}

/// The exception for an error of the NRG.
pub fn nrg(py: Python<'_>, error: &Error) -> PyErr {
    let message = error.to_string();
    match error {
        Error::Seed(_) | Error::Chain(_) | Error::Option(_) => PyValueError::new_err(message),
        Error::Storage(_) => PyOSError::new_err(message),
        Error::Memory { .. } => PyMemoryError::new_err(message),
        Error::Eigen { .. } => from_python(py, "NumericalError", message),
        Error::Cancelled(_) => cancelled(py),
    }
}

/// The exception for an eigenvalue decomposition that failed.
pub fn eigen(py: Python<'_>, error: &kadanoff_linalg::Error) -> PyErr {
    from_python(py, "NumericalError", error.to_string())
}

/// The exception for an error of the diagrammatic approximations.
pub fn diagrams(py: Python<'_>, error: &kadanoff_diagrams::Error) -> PyErr {
    match error {
        kadanoff_diagrams::Error::Argument(message) => PyValueError::new_err(message.clone()),
        kadanoff_diagrams::Error::Eigen(e) => eigen(py, e),
        kadanoff_diagrams::Error::Cancelled => cancelled(py),
    }
}

/// The exception for an error of the Ising samplers.
pub fn ising(error: ising::Error) -> PyErr {
    match error {
        ising::Error::Argument(message) => PyValueError::new_err(message),
        ising::Error::Cancelled(_) => Python::attach(cancelled),
    }
}

/// The exception for an error of the dimer samplers.
pub fn dimers(py: Python<'_>, error: &dimers::Error) -> PyErr {
    match error {
        dimers::Error::Cancelled(_) => cancelled(py),
        other => PyValueError::new_err(other.to_string()),
    }
}

/// The exception for an error of the exact Ising sums.
pub fn exact(py: Python<'_>, error: &exact::Error) -> PyErr {
    match error {
        exact::Error::Cancelled(_) => cancelled(py),
        other => PyValueError::new_err(other.to_string()),
    }
}

/// A computation that stopped because its control was cancelled.
pub fn cancelled(py: Python<'_>) -> PyErr {
    from_python(py, "Cancelled", "the computation was stopped".into())
}

/// The exception for an error of the Boltzmann machines.
pub fn rbm(py: Python<'_>, error: &kadanoff_rbm::Error) -> PyErr {
    use kadanoff_rbm::Error;
    let message = error.to_string();
    match error {
        Error::Shape(_) | Error::Option(_) => PyValueError::new_err(message),
        Error::Diverged { .. } => from_python(py, "NumericalError", message),
        Error::Cancelled(_) => cancelled(py),
    }
}

/// The exception for an error of the exact diagonalisation.
pub fn ed(py: Python<'_>, error: &kadanoff_ed::Error) -> PyErr {
    use kadanoff_ed::Error;
    let message = error.to_string();
    match error {
        Error::Model(_) => PyValueError::new_err(message),
        Error::Eigen { .. } => from_python(py, "NumericalError", message),
        Error::Lanczos { .. } => from_python(py, "NotConverged", message),
        Error::Cancelled => from_python(py, "Cancelled", "the computation was stopped".into()),
    }
}

/// What the user sees when the calling thread was interrupted: the stop button means `Cancelled`,
/// anything else (an error in a progress callback) is passed on.
pub fn interrupted(py: Python<'_>, error: PyErr) -> PyErr {
    if error.is_instance_of::<PyKeyboardInterrupt>(py) {
        from_python(py, "Cancelled", "the computation was interrupted".into())
    } else {
        error
    }
}

/// The exception for an error of the continuous-time Monte Carlo.
pub fn ctqmc(py: Python<'_>, error: &kadanoff_ctqmc::Error) -> PyErr {
    use kadanoff_ctqmc::Error;
    let message = error.to_string();
    match error {
        Error::Argument(_) | Error::Checkpoint(_) => PyValueError::new_err(message),
        Error::Numerical { .. } => from_python(py, "NumericalError", message),
    }
}
