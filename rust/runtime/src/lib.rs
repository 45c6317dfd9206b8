//! What every long computation shares: cancellation, progress, thread pools, clocks, random
//! streams, and the choice of vector instructions.
//!
//! A computation receives a [`Control`], ticks it as work is done and asks it now and then
//! whether to stop. The caller, on another thread, reads the progress and may cancel. Nothing here
//! knows about Python, signals or physics.

pub mod exponential;
mod parallel;
mod patience;
mod platform;
pub mod random;
pub mod simd;

pub use parallel::{map_largest_first, threads};
pub use patience::or_abandon;
pub use platform::{Clock, HAS_THREADS};

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The computation was asked to stop and did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cancelled")]
pub struct Cancelled;

/// A cancel flag and a progress counter, shared between a computation and whoever watches it.
///
/// ```
/// use kadanoff_runtime::{Cancelled, Control};
///
/// let control = Control::new();
/// control.add_total(10);
/// control.tick(3);
/// assert_eq!(control.progress(), (3, 10));
/// assert!(control.check().is_ok() && !control.is_cancelled());
/// control.cancel();
/// assert_eq!(control.check(), Err(Cancelled));
/// ```
#[derive(Debug, Default)]
pub struct Control {
    cancelled: AtomicBool,
    done: AtomicU64,
    total: AtomicU64,
}

impl Control {
    /// A control that is not cancelled, with no work announced.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the computation to stop at its next check.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether a stop was requested.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// `Err(Cancelled)` if a stop was requested; cheap enough for every block or sweep.
    pub fn check(&self) -> Result<(), Cancelled> {
        if self.is_cancelled() {
            Err(Cancelled)
        } else {
            Ok(())
        }
    }

    /// Announces `units` more units of work.
    pub fn add_total(&self, units: u64) {
        self.total.fetch_add(units, Ordering::Relaxed);
    }

    /// Reports `units` of work as done.
    pub fn tick(&self, units: u64) {
        self.done.fetch_add(units, Ordering::Relaxed);
    }

    /// `(done, total)` in the computation's own units.
    pub fn progress(&self) -> (u64, u64) {
        (
            self.done.load(Ordering::Relaxed),
            self.total.load(Ordering::Relaxed),
        )
    }
}

/// Runs `work` on `threads` worker threads (all available cores when `None`), which have ended when
/// it returns.
///
/// Results must not depend on the number: random streams are seeded by the index of a chain or
/// sample, and sums run in a fixed order. Where there are no threads (see [`HAS_THREADS`]), the work
/// is done here.
///
/// ```
/// use kadanoff_runtime::{map_largest_first, with_threads};
///
/// let squares = with_threads(Some(2), || map_largest_first(&[3, 1, 2], |&i| i, |&i| i * i))?;
/// assert_eq!(squares, [9, 1, 4]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn with_threads<T: Send>(
    threads: Option<usize>,
    work: impl FnOnce() -> T + Send,
) -> Result<T, rayon::ThreadPoolBuildError> {
    if !HAS_THREADS {
        return Ok(work());
    }
    let mut workers = Vec::new();
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads.unwrap_or(0))
        .spawn_handler(|thread| {
            workers.push(std::thread::Builder::new().spawn(|| thread.run())?);
            Ok(())
        })
        .build()?;
    let result = std::panic::catch_unwind(AssertUnwindSafe(|| pool.install(work)));
    // Rayon only asks its workers to end. They are waited for: a process that is forked after a
    // call must not be copied while a thread of that call holds a lock.
    drop(pool);
    for worker in workers {
        let _ = worker.join();
    }
    match result {
        Ok(result) => Ok(result),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

#[cfg(test)]
#[allow(clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn a_control_counts_and_cancels_once() {
        let control = Control::new();
        control.add_total(10);
        control.tick(3);
        assert_eq!(control.progress(), (3, 10));
        assert_eq!(control.check(), Ok(()));
        control.cancel();
        assert_eq!(control.check(), Err(Cancelled));
    }

    #[test]
    #[should_panic(expected = "as it was")]
    fn a_panic_of_the_work_is_handed_on() {
        let _ = with_threads(Some(2), || panic!("as it was"));
    }

    #[test]
    fn the_pool_has_the_size_that_was_asked_for() {
        let n = with_threads(Some(2), rayon::current_num_threads);
        assert_eq!(n.ok(), Some(2));
    }
}
