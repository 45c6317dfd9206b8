"""What `import kadanoff` loads, and what a first call needs: a cluster node waits for no plots."""

import subprocess
import sys

import pytest

# Modules, not seconds: a time would depend on the machine.
HEAVY = {
    "IPython",
    "ipykernel",
    "ipywidgets",
    "jupyterlab",
    "matplotlib",
    "pandas",
    "scipy",
    "sklearn",
    "sympy",
    "xarray",
}


def loaded(program):
    """Which of the heavy packages a new process has loaded in the end."""
    shown = subprocess.run(
        [sys.executable, "-c", f"{program}\nimport sys\nprint(*sys.modules)"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return {name.partition(".")[0] for name in shown.split()} & HEAVY


@pytest.mark.parametrize(
    "program",
    [
        "import kadanoff",
        "import kadanoff as kd; dir(kd); [repr(getattr(kd, name)) for name in ('rbm', 'nrg')]",
        "from kadanoff import dmft, ising, rsmi, rbm, nrg, greens, bands",
        "import kadanoff as kd; kd.ising.sample(L=4, T=2.0, n=4, seed=1, progress=False)",
        "import kadanoff as kd; kd.rbm.Machine([[1.0]]).sample(3, seed=1)",
    ],
)
def test_nothing_heavy_is_loaded(program):
    assert loaded(program) == set()


def test_the_test_can_fail():
    pytest.importorskip("sklearn")
    assert loaded("import kadanoff as kd; kd.RBM") >= {"scipy", "sklearn"}
