"""What is computed does not depend on the vector instructions of the compiled kernels.

``KADANOFF_SIMD`` sets their level. Linear algebra chooses its instructions by itself; it is the
same in every child process.
"""

import os
import subprocess
import sys

import numpy as np
import pytest

from kadanoff import _core
from tests.house.levels import EXACT, ROUNDED
from tests.paths import ROOT
from tests.stopping import PATIENCE

LEVELS = ("portable", "avx2", "avx512")
REFUSED = "the environment variable KADANOFF_SIMD must be one of the levels"


def child(level, *arguments):
    """An interpreter at a level."""
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=os.environ | {"KADANOFF_SIMD": level},
        capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """All numbers at every level of this processor; the portable level comes first."""
    folder = tmp_path_factory.mktemp("levels")
    numbers = {}
    for level in LEVELS:
        file = folder / f"{level}.npz"
        done = child(level, "-m", "tests.house.levels", str(file))
        if REFUSED in done.stderr and level != "portable":
            continue  # by name, and that is right: the processor lacks it
        assert done.returncode == 0, done.stderr
        with np.load(file) as archive:
            numbers[level] = dict(archive)
        assert numbers[level]["level"] == level
    if len(numbers) == 1:
        pytest.skip("this processor has the portable level alone")
    return numbers


def pairs(found, prefixes):
    """Every number of the calls at the portable level, beside the same at another level."""
    portable = found["portable"]
    for level, numbers in found.items():
        assert numbers.keys() == portable.keys()
        for key in portable if level != "portable" else ():
            if key.split("/")[0] in prefixes:
                yield f"{level}: {key}", portable[key], numbers[key]


def test_samples_and_counts_are_the_same_bits_at_every_level(found):
    compared = list(pairs(found, EXACT))
    assert len(compared) > len(EXACT)
    assert [key for key, x, y in compared if x.tobytes() != y.tobytes()] == []


def test_deterministic_results_agree_to_ten_digits_of_the_largest(found):
    compared = [(key, x, y) for key, x, y in pairs(found, ROUNDED) if x.dtype.kind in "fc"]
    assert len(compared) > len(ROUNDED)
    gaps = {key: np.abs(x - y).max() / np.abs(x).max() for key, x, y in compared if np.any(x)}
    assert {key: gap for key, gap in gaps.items() if not gap <= 1e-10} == {}
    # Otherwise the variable would set nothing: products are fused from AVX2 on.
    assert max(gaps.values()) > 0


def test_markov_chains_of_real_numbers_agree_within_their_errors(found):
    for key, (x, x_error), (y, y_error) in pairs(found, ("sampled",)):
        # Five standard errors of each of the ten differences: one failure in 10^5 changes of code.
        assert np.all(np.abs(x - y) <= 5 * np.hypot(x_error, y_error)), key


@pytest.mark.parametrize("level", ["sse9", "AVX2"])
def test_an_unknown_level_is_refused_by_name(level):
    done = child(level, "-c", "import kadanoff._core")
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith(f"ValueError: {REFUSED}")
    assert f"got '{level}'" in last


def test_the_best_level_is_the_default():
    if "KADANOFF_SIMD" in os.environ:
        pytest.skip("the environment sets a level")
    names = child("none", "-c", "import kadanoff._core").stderr
    runs = [level for level in LEVELS if level in names]
    assert _core.simd_level == runs[-1]
