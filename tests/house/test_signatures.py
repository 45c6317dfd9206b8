"""The face of the package: what `dir` shows, what a notebook completes, what it answers.

Every public callable shows all of its options in its signature, and answers a misspelt one with
the nearest that it has.
"""

import importlib
import inspect
import re
import types
from collections.abc import Callable, Iterator

import pytest

import kadanoff as kd

# What does not hold yet, by the name of the callable. The lists only shrink.
HIDES_OPTIONS = frozenset(
    [
        "AndersonModel.replace",
        "DoubleQuantumDot.replace",
        "ImpurityModel.replace",
        "KondoModel.replace",
        "continuum.limit",
        "derivatives",
        "dimers.DimerSamples.plot",
        "dimers.Simulation.plot",
        "divergence.kl_divergence",
        "divergence.minimise",
        "divergence.spectrum",
        "dmft.BetheLoop.plot",
        "dmft.Hysteresis.plot",
        "dmft.PhaseDiagram.plot",
        "dmft.Solution.plot",
        "dmft.active",
        "dmft.approximate",
        "dmft.bethe",
        "dmft.hysteresis",
        "dmft.learning_curve",
        "dmft.phase_diagram",
        "dmft.solve",
        "dynamics.Dynamics.green",
        "dynamics.Dynamics.improved",
        "dynamics.Dynamics.plot",
        "dynamics.Dynamics.self_energy",
        "dynamics.Dynamics.susceptibility",
        "dynamics.Dynamics.t_matrix",
        "dynamics.solve",
        "effective.Fit.plot",
        "effective.Fit.solve",
        "effective.learn",
        "effective_map",
        "gbf_bound",
        "greens.ChebyshevFunction.plot",
        "greens.GreenFunction.plot",
        "greens.IntermediateSeries.plot",
        "greens.LegendreSeries.plot",
        "greens.MatsubaraFunction.plot",
        "greens.RealAxisFunction.plot",
        "irrelevant.both_at_once",
        "ising.IsingSamples.plot",
        "ising.IsingSamples.plot_histogram",
        "ising.IsingScan.plot",
        "ising.Simulation",
        "ising.Simulation.plot",
        "ising.sample",
        "ising.scan",
        "ising.temper",
        "kondo_mapping",
        "nrg.NRGResult.plot",
        "nrg.NRGResult.plot_flow",
        "nrg.solve",
        "nrg.solve_many",
        "rsmi.Law.learn",
        "rsmi.SampledLaw.learn",
        "rsmi.flow",
        "rsmi.network_conditional",
        "rsmi.rbm_conditional",
    ]
)
DOES_NOT_ANSWER = frozenset(
    [
        "AndersonModel",
        "DoubleQuantumDot",
        "ImpurityModel",
        "KondoModel",
        "bands.A_Lambda",
        "bands.Chain",
        "bands.Star",
        "bands.discretise",
        "bands.wilson_chain",
        "blockspin.BlockCouplings",
        "blockspin.Decimation",
        "blockspin.FixedPoint",
        "blockspin.LayeredMachine",
        "blockspin.LinearFilter",
        "blockspin.Majority",
        "blockspin.MatrixProduct",
        "blockspin.MigdalKadanoff",
        "blockspin.MonteCarloRG",
        "blockspin.PairMachine",
        "blockspin.ReceptiveFields",
        "blockspin.SpinOperator",
        "blockspin.StabilityMatrix",
        "blockspin.block_couplings",
        "blockspin.block_cumulants",
        "blockspin.block_levels",
        "blockspin.block_spins",
        "blockspin.chain_machine",
        "blockspin.cut_hidden_units",
        "blockspin.decimate",
        "blockspin.decimation_flow",
        "blockspin.decimation_machine",
        "blockspin.decimation_stack",
        "blockspin.fixed_point",
        "blockspin.mcrg",
        "blockspin.measure",
        "blockspin.mps_to_rbm",
        "blockspin.rbm_to_mps",
        "blockspin.receptive_fields",
        "blockspin.refine",
        "blockspin.rg_machine",
        "blockspin.ring_couplings",
        "blockspin.ring_cumulants",
        "blockspin.torus_couplings",
        "blockspin.torus_cumulants",
        "continuum.Limit",
        "continuum.extrapolate",
        "continuum.states",
        "dimers.Coverings",
        "dimers.DimerSamples",
        "dimers.FieldSpectrum",
        "dimers.Simulation",
        "dimers.count",
        "dimers.coverings",
        "dimers.electric_field",
        "dimers.field_spectrum",
        "dimers.flippable",
        "dimers.flux_stiffness",
        "dimers.grid",
        "dimers.height",
        "dimers.is_covering",
        "dimers.log_count",
        "dimers.probability",
        "dimers.sample",
        "dimers.stiffness",
        "dimers.winding",
        "divergence.KLFit",
        "divergence.Spectrum",
        "dmft.BathFit",
        "dmft.BetheLoop",
        "dmft.Database",
        "dmft.Hysteresis",
        "dmft.Impurity",
        "dmft.LearnedSolver",
        "dmft.MatsubaraBath",
        "dmft.PhaseDiagram",
        "dmft.Solution",
        "dmft.Solver",
        "dmft.break_even",
        "dmft.certify",
        "dmft.database",
        "dmft.fit_bath",
        "dmft.learn",
        "dmft.report",
        "dynamics.Dynamics",
        "effective.Fit",
        "effective.Sensitivity",
        "effective.Step",
        "greens.ChebyshevFunction",
        "greens.GreenFunction",
        "greens.IntermediateSeries",
        "greens.LegendreSeries",
        "greens.MatsubaraFunction",
        "greens.RealAxisFunction",
        "greens.chebyshev_times",
        "greens.gauss_poles",
        "greens.matsubara",
        "greens.tail_moments",
        "irrelevant.Together",
        "irrelevant.kondo_with_interaction",
        "ising.DensityOfStates",
        "ising.Exact",
        "ising.Ising",
        "ising.IsingSamples",
        "ising.IsingScan",
        "ising.Strip",
        "ising.chain",
        "ising.conditional",
        "ising.critical_temperature",
        "ising.enumerate_states",
        "ising.exact",
        "ising.surrounding_fields",
        "ising.transfer_matrix",
        "ising.window_log_Z",
        "kondo_scales.FormulaFit",
        "kondo_scales.anderson_kondo_temperature",
        "kondo_scales.fit_eq5",
        "kondo_scales.fit_eq6",
        "kondo_scales.kondo_temperature",
        "kondo_scales.kondo_temperature_formula",
        "nrg.NRGResult",
        "nrg.Options",
        "operators.Operator",
        "operators.Orbital",
        "operators.Space",
        "operators.Spin",
        "operators.SpinVector",
        "operators.bath_orbitals",
        "rsmi.Collapse",
        "rsmi.CriticalPoint",
        "rsmi.DimerStates",
        "rsmi.FilterRule",
        "rsmi.Flow",
        "rsmi.Geometry",
        "rsmi.Information",
        "rsmi.Law",
        "rsmi.Optimality",
        "rsmi.SampledLaw",
        "rsmi.chain",
        "rsmi.coarse_fluxes",
        "rsmi.collapse",
        "rsmi.correlations",
        "rsmi.critical_point",
        "rsmi.dimer_torus",
        "rsmi.from_joint",
        "rsmi.infonce",
        "rsmi.information",
        "rsmi.information_temperature",
        "rsmi.lautum",
        "rsmi.learn",
        "rsmi.maximise",
        "rsmi.multipoles",
        "rsmi.optimality",
        "rsmi.oracle",
        "rsmi.overlaps",
        "rsmi.proxy",
        "rsmi.relaxed_information",
        "rsmi.slab",
        "rsmi.torus",
        "self_learning.PairModel",
        "self_learning.Samples",
        "self_learning.learn",
        "self_learning.sample",
        "self_learning.train",
        "statistics.Estimate",
        "statistics.estimate",
        "statistics.jackknife",
        "statistics.z_score",
    ]
)


def faces() -> Iterator[tuple[str, object]]:
    """All public names, each object once, under its first name."""
    found: dict[int, str] = {}
    modules = [("testing", importlib.import_module("kadanoff.testing"))]
    for name in kd.__all__:
        thing = getattr(kd, name)
        if isinstance(thing, types.ModuleType):
            modules.append((name, thing))
        elif found.setdefault(id(thing), name) == name:
            yield name, thing
    for place, module in modules:
        for name in module.__all__:
            thing = getattr(module, name)
            if found.setdefault(id(thing), f"{place}.{name}") == f"{place}.{name}":
                yield f"{place}.{name}", thing


def callables() -> dict[str, Callable]:
    """Functions and classes; exceptions, compiled classes and aliases of types are neither."""
    found = {}
    for name, thing in faces():
        if isinstance(thing, type):
            written_in_python = inspect.isfunction(thing.__init__)
            if not written_in_python or issubclass(thing, BaseException | tuple | dict):
                continue
            if getattr(thing, "_is_protocol", False):
                continue
        elif not inspect.isfunction(thing):
            continue
        found[name] = thing
    return found


CALLABLES = callables()


def methods(cls: type) -> dict[str, Callable]:
    found = {}
    for name in dir(cls):
        if name.startswith("_"):
            continue
        method = inspect.getattr_static(cls, name)
        method = getattr(method, "__func__", method)  # of class and static methods
        if inspect.isfunction(method) and method.__module__.startswith("kadanoff."):
            found[name] = method
    return found


WITH_METHODS = CALLABLES | {
    f"{name}.{method}": function
    for name, thing in CALLABLES.items()
    if isinstance(thing, type)
    for method, function in methods(thing).items()
}


def hides_options(function: Callable) -> bool:
    """Whether a signature ends in ``**options``; ``**style`` goes on to matplotlib."""
    parameters = inspect.signature(function).parameters.values()
    return any(p.kind is p.VAR_KEYWORD and p.name != "style" for p in parameters)


def misspelt(function: Callable) -> tuple[str, str] | None:
    """A keyword with two letters exchanged, and how it is written."""
    parameters = inspect.signature(function).parameters.values()
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return None
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    for name in sorted(names, key=len, reverse=True):
        if len(name) < 4:
            break
        for k in range(len(name) - 1):
            wrong = name[:k] + name[k + 1] + name[k] + name[k + 2 :]
            if wrong.casefold() not in {other.casefold() for other in names}:
                return wrong, name
    return None


def answer(function: Callable, keyword: str) -> str:
    try:
        function(**{keyword: None})
    except TypeError as error:
        return str(error)
    return ""


def answers(function: Callable) -> bool:
    if (pair := misspelt(function)) is None:
        return not hides_options(function)
    wrong, right = pair
    text = answer(function, wrong)
    return f"has no argument {wrong!r}; did you mean {right!r}?" in text


def test_the_face_is_walked():
    assert len(CALLABLES) > 150
    assert {"nrg.solve", "ising.sample", "dmft.bethe", "RBM", "sweep", "Store"} <= CALLABLES.keys()
    assert {"rbm.Machine.sample", "RBM.fit", "Store.open"} <= WITH_METHODS.keys()


@pytest.mark.parametrize("name", sorted(WITH_METHODS.keys() - HIDES_OPTIONS))
def test_every_option_is_visible(name):
    assert not hides_options(WITH_METHODS[name]), inspect.signature(WITH_METHODS[name])


@pytest.mark.parametrize("name", sorted(CALLABLES.keys() - DOES_NOT_ANSWER - HIDES_OPTIONS))
def test_a_misspelt_keyword_is_answered(name):
    pair = misspelt(CALLABLES[name])
    if pair is None:
        pytest.skip("no keyword of four letters")
    wrong, right = pair
    text = answer(CALLABLES[name], wrong)
    assert f"has no argument {wrong!r}; did you mean {right!r}?" in text
    assert re.search(r"\b_[A-Za-z]", text) is None, "the name of a private class or function"


def test_the_lists_of_exceptions_only_shrink():
    hide = {name for name, function in WITH_METHODS.items() if hides_options(function)}
    assert hide >= HIDES_OPTIONS, "take these out of HIDES_OPTIONS"
    silent = {name for name, function in CALLABLES.items() if not answers(function)}
    assert silent >= DOES_NOT_ANSWER, "take these out of DOES_NOT_ANSWER"


@pytest.mark.parametrize("name", ["kadanoff", *sorted(kd.__all__)])
def test_dir_shows_the_face(name):
    thing = kd if name == "kadanoff" else getattr(kd, name)
    if isinstance(thing, types.ModuleType):
        assert set(thing.__all__) <= set(dir(thing))
        assert len(set(thing.__all__)) == len(thing.__all__)


def test_dir_of_the_package_is_its_face():
    assert dir(kd) == sorted(kd.__all__)
    for name in kd.__all__:
        assert getattr(kd, name) is not None
