"""Settings that every test shares: no display, one BLAS thread, reproducible hypothesis."""

import os
import signal
import sys

os.environ.setdefault("MPLBACKEND", "Agg")
# Must be set before numpy loads its BLAS: threads that compete cost far more than they give.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pytest
from hypothesis import HealthCheck, settings

# A shell starts commands in the background with Ctrl-C ignored, and the tests of interrupts would
# wait for ever.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# ci: the same examples on every machine. dev: new examples each run, fewer. deep: a night's search.
_COMMON = {"deadline": None, "print_blob": True, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("dev", max_examples=20, **_COMMON)
settings.register_profile("ci", max_examples=50, derandomize=True, **_COMMON)
settings.register_profile("deep", max_examples=2000, **_COMMON)
settings.load_profile(os.environ.get("KADANOFF_HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(autouse=True)
def no_figure_is_left_behind():
    """A figure of pyplot that nobody closed would hold its memory, and show in another's cell."""
    yield
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        left = pyplot.get_fignums()
        pyplot.close("all")
        assert left == []
