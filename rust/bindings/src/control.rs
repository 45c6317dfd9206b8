//! Long calls: a worker computes, the calling thread listens for signals and reports progress.

use crate::errors::{self, OrRaise, Raise};
use kadanoff_runtime as runtime;
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

    /// Whether a stop was requested.
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

/// The `control` argument of a Python function.
pub(crate) type ControlArgument<'py> = Option<Bound<'py, Control>>;
/// Its `report` argument.
pub(crate) type Report = Option<Py<PyAny>>;

/// Where the work of a call is done.
enum Workers {
    /// On the worker alone.
    One,
    /// On a pool of this number of threads; of all cores when `None`.
    Pool(Option<usize>),
}

/// How a long call is run: on how many threads, stopped by whom, reported to whom.
pub(crate) struct Call {
    workers: Workers,
    control: Arc<runtime::Control>,
    report: Report,
}

impl Call {
    /// A call that runs on `threads` threads.
    pub(crate) fn new(
        threads: Option<usize>,
        control: ControlArgument<'_>,
        report: Report,
    ) -> PyResult<Self> {
        if threads == Some(0) {
            return Err(errors::argument("threads must be at least 1, got 0"));
        }
        Ok(Self {
            workers: Workers::Pool(threads),
            control: shared(control),
            report,
        })
    }

    /// A call whose work is not divided.
    pub(crate) fn sequential(control: ControlArgument<'_>) -> Self {
        Self {
            workers: Workers::One,
            control: shared(control),
            report: None,
        }
    }

    /// The result of `work`, unless it failed or was interrupted.
    pub(crate) fn run<T: Send, E: Raise + Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&runtime::Control) -> Result<T, E> + Send,
    ) -> PyResult<T> {
        match self.observe(py, work)? {
            (_, Some(interruption)) => Err(interruption),
            (result, None) => result.or_raise(py),
        }
    }

    /// As `run`; work that is `brief` is done right here, sooner than a thread could be started.
    pub(crate) fn run_unless_brief<T: Send, E: Raise + Send>(
        &self,
        py: Python<'_>,
        brief: bool,
        work: impl FnOnce(&runtime::Control) -> Result<T, E> + Send,
    ) -> PyResult<T> {
        if brief {
            py.detach(|| work(&self.control)).or_raise(py)
        } else {
            self.run(py, work)
        }
    }

    /// What `work` returned, with the exception that interrupted it, if any: for work that keeps
    /// what it has when it is stopped.
    pub(crate) fn observe<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&runtime::Control) -> T + Send,
    ) -> PyResult<(T, Option<PyErr>)> {
        let control = &*self.control;
        let (result, interruption) =
            supervise(py, control, self.report.as_ref(), || match self.workers {
                Workers::One => Ok(work(control)),
                Workers::Pool(threads) => runtime::with_threads(threads, || work(control)),
            })?;
        let result = result.map_err(|e| errors::argument(format!("threads: {e}")))?;
        Ok((result, interruption.map(|e| errors::interrupted(py, e))))
    }
}

fn shared(control: ControlArgument<'_>) -> Arc<runtime::Control> {
    control.map(|c| c.get().0.clone()).unwrap_or_default()
}

/// `result`, unless a failure came with it: then the exception carries it as `partial`.
pub(crate) fn complete<'py, T: IntoPyObject<'py>>(
    py: Python<'py>,
    result: T,
    failure: Option<PyErr>,
) -> PyResult<T> {
    match failure {
        None => Ok(result),
        Some(error) => {
            error.value(py).setattr("partial", result)?;
            Err(error)
        }
    }
}

/// Runs `work` away from the interpreter; the calling thread wakes every 50 ms to let Python
/// handle signals and to call `report(done, total)`.
///
/// An exception raised by either cancels the work; the work's own result comes back with it. Where
/// there are no threads, the work is done here, and only then does Python get its turn.
fn supervise<T: Send>(
    py: Python<'_>,
    control: &runtime::Control,
    report: Option<&Py<PyAny>>,
    work: impl FnOnce() -> T + Send,
) -> PyResult<(T, Option<PyErr>)> {
    let wake = |py: Python<'_>| -> PyResult<()> {
        py.check_signals()?;
        if let Some(report) = report {
            report.call1(py, control.progress())?;
        }
        Ok(())
    };
    if !runtime::HAS_THREADS {
        let result = py.detach(work);
        return Ok((result, wake(py).err()));
    }
    py.detach(|| {
        std::thread::scope(|scope| {
            let (done, finished) = channel();
            let worker = scope.spawn(move || {
                let result = work();
                // The receiver outlives the worker; a failed send means that the result is not wanted.
                let _ = done.send(());
                result
            });
            let mut interrupted = None;
            // The sender is dropped when the worker ends for any reason, panics included.
            while finished.recv_timeout(WAKE) == Err(RecvTimeoutError::Timeout) {
                if interrupted.is_none()
                    && let Err(error) = Python::attach(wake)
                {
                    control.cancel();
                    interrupted = Some(error);
                }
            }
            let result = worker.join().map_err(|_| errors::internal())?;
            if interrupted.is_none() {
                interrupted = Python::attach(wake).err();
            }
            Ok((result, interrupted))
        })
    })
}
