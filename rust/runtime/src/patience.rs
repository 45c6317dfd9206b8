//! Work that cannot be asked to stop.

use crate::{Cancelled, Control, HAS_THREADS};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

const WAKE: Duration = Duration::from_millis(20);

/// Runs `work` and stops waiting for it after a cancellation.
///
/// For a library call of seconds that has no way to be stopped, such as one large
/// diagonalisation. With `long` it runs on a thread of its own, which after a cancellation ends
/// by itself and drops its result; without, or where there are no threads, it runs here.
///
/// ```
/// use kadanoff_runtime::{Cancelled, Control, or_abandon};
///
/// let control = Control::new();
/// assert_eq!(or_abandon(&control, true, || 6 * 7), Ok(42));
/// control.cancel();
/// assert_eq!(or_abandon(&control, true, || 6 * 7), Err(Cancelled));
/// ```
pub fn or_abandon<T: Send + 'static>(
    control: &Control,
    long: bool,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Cancelled> {
    control.check()?;
    if !long || !HAS_THREADS {
        return Ok(work());
    }
    let (send, receive) = sync_channel(1);
    let worker = std::thread::spawn(move || {
        // The receiver is gone when the result is no longer wanted.
        let _ = send.send(work());
    });
    loop {
        match receive.recv_timeout(WAKE) {
            Ok(result) => return Ok(result),
            Err(RecvTimeoutError::Timeout) => control.check()?,
            // The thread ended without a result: it panicked, and so do we.
            Err(RecvTimeoutError::Disconnected) => {
                if let Err(panic) = worker.join() {
                    std::panic::resume_unwind(panic);
                }
                return Err(Cancelled);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn work_that_ends_gives_its_result() {
        for long in [false, true] {
            assert_eq!(or_abandon(&Control::new(), long, || 7), Ok(7));
        }
    }

    #[test]
    fn cancelled_work_is_not_waited_for() {
        let control = Control::new();
        let started = Instant::now();
        let result = std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(50));
                control.cancel();
            });
            or_abandon(&control, true, || {
                std::thread::sleep(Duration::from_secs(60))
            })
        });
        assert_eq!(result, Err(Cancelled));
        assert!(started.elapsed() < Duration::from_secs(30));
    }

    #[test]
    #[should_panic(expected = "as it was")]
    fn a_panic_is_handed_on() {
        let _ = or_abandon(&Control::new(), true, || panic!("as it was"));
    }
}
