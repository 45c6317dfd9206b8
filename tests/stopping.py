"""How tests wait and stop: for events and counts, never for a time.

A machine with other work on it may be twenty times slower. What waits for something waits until it
has happened or cannot happen any more, and a run is stopped when it has reported so much work.
"""

import time

# Seconds for what hangs and for nothing else; pytest's own limit is the same (pyproject.toml).
PATIENCE = 3600.0


def stop_at(control, count):
    """A progress function that cancels `control` when `count` units of work are done."""

    def report(done, total):
        if done >= count:
            control.cancel()

    return report


def wait_for(happened, process):
    """Look until `happened()` is true, or the child process has ended without it."""
    while not happened() and process.poll() is None:
        time.sleep(0.01)
