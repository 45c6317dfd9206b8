from pathlib import Path

import pytest

from kadanoff import AndersonModel, nrg
from kadanoff._base.memory import available
from kadanoff.impurities.nrg import memory
from kadanoff.impurities.symmetry.multiplets import SYMMETRIES

AIM = AndersonModel(U=0.5, J_sw=0.25)


def test_available_is_read_from_the_system():
    free = available()
    if free is None:
        pytest.skip("this system does not tell")
    assert 10**6 < free < 10**16


def test_available_is_none_where_the_system_does_not_tell(monkeypatch):
    def refuse(*_args, **_kwargs):
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", refuse)
    assert available() is None
    # and then nothing is refused beforehand
    assert nrg.solve(AIM, keep=50, sites=6).levels[0].shells == 6


def test_available_is_none_for_an_unknown_format(monkeypatch):
    monkeypatch.setattr(Path, "read_text", lambda *_args, **_kwargs: "MemTotal: 8 kB\n")
    assert available() is None


@pytest.mark.parametrize("symmetry", SYMMETRIES)
@pytest.mark.parametrize("vectors", [False, True])
def test_estimate_is_what_a_run_takes_within_a_factor_of_two(symmetry, vectors):
    keep = 600
    run = nrg.solve(
        AIM,
        keep=keep,
        sites=12,
        symmetry=symmetry,
        reuse=False,
        observables=["docc"] if vectors else (),
    )
    taken = run.levels[0].arrays["timing"]["peak_bytes"]
    estimate = memory.estimate(keep=keep, keep_multiplets=None, symmetry=symmetry, vectors=vectors)
    # Measured: 0.6 to 2.1 over 600 to 4000 states, the three symmetries and two models.
    assert 0.4 < taken / estimate < 2.5


def test_estimate_grows_with_what_is_kept_and_takes_the_tighter_limit():
    def of(keep, multiplets=None, **kwargs):
        return memory.estimate(
            keep=keep, keep_multiplets=multiplets, symmetry=("U1", "SU2"), **kwargs
        )

    assert of(1000) < of(2000) < of(2000, vectors=True)
    assert of(2000, 10) == of(None, 10) < of(2000)
    assert of(None) == 0
    assert of(10**6, states=256) == of(64)
    assert of(10**40, states=256) == of(64)


def test_a_basis_leaves_memory_early_and_falls_back_to_it():
    default = memory.basis(None)
    assert default["basis_limit"] == memory.BASIS_BYTES < default["basis_fallback"]
    assert memory.basis(0) == {"basis_limit": 0, "basis_fallback": 0}
