//! Rust errors become Python exceptions here and nowhere else.

use pyo3::exceptions::{
    PyKeyboardInterrupt, PyMemoryError, PyOSError, PyRuntimeError, PyValueError,
};
use pyo3::prelude::*;

/// An error of the core that Python sees as an exception.
pub(crate) trait Raise {
    /// The exception.
    fn raise(&self, py: Python<'_>) -> PyErr;
}

/// The value of a result, or its error as an exception.
pub(crate) trait OrRaise<T> {
    /// The value, or the exception.
    fn or_raise(self, py: Python<'_>) -> PyResult<T>;
}

impl<T, E: Raise> OrRaise<T> for Result<T, E> {
    fn or_raise(self, py: Python<'_>) -> PyResult<T> {
        self.map_err(|e| e.raise(py))
    }
}

/// An argument of the wrong shape, range or name.
pub(crate) fn argument(message: impl Into<String>) -> PyErr {
    PyValueError::new_err(message.into())
}

/// Arrays that do not have the shape that they should have.
pub(crate) fn shape(error: impl std::fmt::Display) -> PyErr {
    argument(error.to_string())
}

/// A panic of the core: a fault of ours.
pub(crate) fn internal() -> PyErr {
    PyRuntimeError::new_err("internal error in the compiled core")
}

/// A computation that stopped because its control was cancelled.
pub(crate) fn cancelled(py: Python<'_>) -> PyErr {
    from_python(py, "Cancelled", "the computation was stopped".into())
}

/// What the user sees when the calling thread was interrupted: the stop button means `Cancelled`,
/// anything else (an error in a progress callback) is passed on.
pub(crate) fn interrupted(py: Python<'_>, error: PyErr) -> PyErr {
    if error.is_instance_of::<PyKeyboardInterrupt>(py) {
        from_python(py, "Cancelled", "the computation was interrupted".into())
    } else {
        error
    }
}

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

fn numerical(py: Python<'_>, error: &impl std::fmt::Display) -> PyErr {
    from_python(py, "NumericalError", error.to_string())
}

impl Raise for kadanoff_runtime::Cancelled {
    fn raise(&self, py: Python<'_>) -> PyErr {
        cancelled(py)
    }
}

impl Raise for kadanoff_linalg::Error {
    fn raise(&self, py: Python<'_>) -> PyErr {
        numerical(py, self)
    }
}

impl Raise for kadanoff_nrg::Error {
    fn raise(&self, py: Python<'_>) -> PyErr {
        match self {
            Self::Argument(message) => argument(message),
            Self::Storage(_) => PyOSError::new_err(self.to_string()),
            Self::Memory { .. } => PyMemoryError::new_err(self.to_string()),
            Self::Eigen { .. } => numerical(py, self),
            Self::Cancelled(stop) => stop.raise(py),
        }
    }
}

impl Raise for kadanoff_diagrams::Error {
    fn raise(&self, py: Python<'_>) -> PyErr {
        match self {
            Self::Argument(message) => argument(message),
            Self::Eigen(error) => error.raise(py),
            Self::Cancelled(stop) => stop.raise(py),
        }
    }
}

impl Raise for kadanoff_ed::Error {
    fn raise(&self, py: Python<'_>) -> PyErr {
        match self {
            Self::Argument(message) => argument(message),
            Self::Eigen { .. } => numerical(py, self),
            Self::Lanczos { .. } => from_python(py, "NotConverged", self.to_string()),
            Self::Cancelled(stop) => stop.raise(py),
        }
    }
}

impl Raise for kadanoff_ctqmc::Error {
    fn raise(&self, py: Python<'_>) -> PyErr {
        match self {
            Self::Argument(message) | Self::Checkpoint(message) => argument(message),
            Self::Numerical { .. } => numerical(py, self),
        }
    }
}

impl Raise for kadanoff_lattice::Error {
    fn raise(&self, py: Python<'_>) -> PyErr {
        match self {
            Self::Argument(message) => argument(message),
            Self::Cancelled(stop) => stop.raise(py),
        }
    }
}

impl Raise for kadanoff_rbm::Error {
    fn raise(&self, py: Python<'_>) -> PyErr {
        match self {
            Self::Argument(message) => argument(message),
            Self::Memory { .. } => PyMemoryError::new_err(self.to_string()),
            Self::Diverged { .. } => numerical(py, self),
            Self::Cancelled(stop) => stop.raise(py),
        }
    }
}
