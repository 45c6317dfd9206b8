"""One discretisation of the band wherever none is asked for."""

import argparse
import importlib
import inspect

import pytest

from kadanoff.bands import DEFAULT_SCHEME, SCHEMES, FlatBand, wilson_chain
from kadanoff.bands.tridiagonalisation import Chain
from kadanoff.cli.impurities import JOBS
from kadanoff.dmft.solvers.nrg import nrg as solver
from kadanoff.impurities.nrg.options import Options
from tools.face import with_methods

FOUND = {
    name: parameter.default
    for name, function in with_methods().items()
    if (parameter := inspect.signature(function).parameters.get("scheme")) is not None
}


def test_every_public_call_has_the_same_default_scheme():
    assert DEFAULT_SCHEME in SCHEMES
    # bands, nrg, dynamics, continuum, effective, derivatives, and the loops and solvers of DMFT
    assert len(FOUND) >= 16, sorted(FOUND)
    # Calls of DMFT show for which solver an option is; a fit is solved again as it was made.
    shown = {name: repr(default) for name, default in FOUND.items() if default != DEFAULT_SCHEME}
    assert shown.pop("effective.Fit.solve") == "as in the fit"
    assert len(shown) >= 5
    assert set(shown.values()) == {f"<{DEFAULT_SCHEME!r}: nrg>"}
    assert inspect.signature(solver).parameters["scheme"].default == DEFAULT_SCHEME


def test_options_and_chains_have_it_too():
    assert Options().scheme == DEFAULT_SCHEME
    chain = wilson_chain(FlatBand(), 2.0, 4)
    assert chain.scheme == DEFAULT_SCHEME
    by_hand = Chain(chain.hopping, chain.onsite, chain.scale, 1.0, 2.0)
    assert by_hand.scheme == DEFAULT_SCHEME


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
def test_jobs_of_the_command_line_have_it(job):
    parser = argparse.ArgumentParser()
    job.arguments(parser)
    assert parser.parse_args([]).scheme == DEFAULT_SCHEME


@pytest.mark.parametrize("name", ["kondo", "dot", "spectrum"])
def test_explorers_leave_it_alone(name):
    module = importlib.import_module(f"kadanoff.lab.explorers.{name}")
    assert all("scheme" not in options for options in module.OPTIONS.values())
