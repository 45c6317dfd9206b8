//! What some targets lack: a clock and threads.
//!
//! In a browser (`wasm32-unknown-unknown`) the standard library has neither, and its functions
//! compile and panic; with emscripten there is a clock. All crates measure time by [`Clock`] and
//! ask [`HAS_THREADS`] before they start a thread.

use std::time::Duration;
#[cfg(not(all(target_arch = "wasm32", target_os = "unknown")))]
use std::time::Instant;

/// Whether threads can be started; without them, work is done where it is asked for.
pub const HAS_THREADS: bool = !cfg!(target_family = "wasm");

/// The time since a moment; always zero where there is no clock.
///
/// Nothing that is computed depends on it: only timings, and how often a control is looked at.
///
/// ```
/// use kadanoff_runtime::Clock;
///
/// let clock = Clock::start();
/// assert!(clock.elapsed() <= clock.elapsed());
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    #[cfg(not(all(target_arch = "wasm32", target_os = "unknown")))]
    began: Instant,
}

impl Clock {
    /// A clock that starts now.
    pub fn start() -> Self {
        Self {
            #[cfg(not(all(target_arch = "wasm32", target_os = "unknown")))]
            began: Instant::now(),
        }
    }

    /// The time since the start.
    pub fn elapsed(&self) -> Duration {
        #[cfg(not(all(target_arch = "wasm32", target_os = "unknown")))]
        {
            self.began.elapsed()
        }
        #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
        {
            Duration::ZERO
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_runs() {
        let clock = Clock::start();
        std::thread::sleep(Duration::from_millis(2));
        assert!(clock.elapsed() >= Duration::from_millis(2));
    }
}
