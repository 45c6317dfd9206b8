//! Long calls: a worker computes, the calling thread listens for signals and reports progress.

use kadanoff_runtime as runtime;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

const WAKE: Duration = Duration::from_millis(50);

/// A cancel flag and a progress counter; may be used from any thread.
#[pyclass(frozen, module = "kadanoff._core")]
#[derive(Default)]
pub struct Control(pub Arc<runtime::Control>);

#[pymethods]
impl Control {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    /// Ask the computation that holds this control to stop.
    fn cancel(&self) {
        self.0.cancel();
    }

    /// Whether somebody asked for a stop.
    #[getter]
    fn cancelled(&self) -> bool {
        self.0.is_cancelled()
    }

    /// `(done, total)` in the computation's own units.
    #[getter]
    fn progress(&self) -> (u64, u64) {
        self.0.progress()
    }
}

/// Runs `work` away from the interpreter; the calling thread wakes every 50 ms to let Python
/// handle signals and to call `report(done, total)`.
///
/// An exception raised by either cancels the work; the work's own result comes back with it.
pub fn supervise<T: Send>(
    py: Python<'_>,
    control: &runtime::Control,
    report: Option<&Py<PyAny>>,
    work: impl FnOnce() -> T + Send,
) -> PyResult<(T, Option<PyErr>)> {
    let tell = |py: Python<'_>| -> PyResult<()> {
        py.check_signals()?;
        if let Some(report) = report {
            report.call1(py, control.progress())?;
        }
        Ok(())
    };
    py.detach(|| {
        std::thread::scope(|scope| {
            let (done, finished) = channel();
            let worker = scope.spawn(move || {
                let result = work();
                // The receiver outlives the worker; a failed send means that nobody waits.
                let _ = done.send(());
                result
            });
            let mut interrupted = None;
            // The sender is dropped when the worker ends for any reason, panics included.
            while finished.recv_timeout(WAKE) == Err(RecvTimeoutError::Timeout) {
                if interrupted.is_none()
                    && let Err(error) = Python::attach(tell)
                {
                    control.cancel();
                    interrupted = Some(error);
                }
            }
            let result = worker
                .join()
                .map_err(|_| PyRuntimeError::new_err("internal error in the compiled core"))?;
            if interrupted.is_none() {
                interrupted = Python::attach(tell).err();
            }
            Ok((result, interrupted))
        })
    })
}
