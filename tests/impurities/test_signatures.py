"""What a notebook shows of models, solvers and results: signatures, refusals, reprs."""

import dataclasses
import inspect
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import kadanoff as kd
from kadanoff.impurities.nrg import options as nrg_options
from kadanoff.impurities.nrg.options import NRGOptions, Options

FACES = (
    kd.bands, kd.models, kd.operators, kd.nrg, kd.dynamics, kd.continuum, kd.effective,
    kd.kondo_scales, kd.irrelevant, kd.divergence,
)  # fmt: skip
ALONE = (kd.kondo_mapping, kd.effective_map, kd.gbf_bound, kd.derivatives)
BY_NAME = {"replace", "__replace__"}  # their names are the parameters of the model


def public_callables() -> Iterator[tuple[str, Any]]:
    for face in FACES:
        for name in face.__all__:
            if callable(target := getattr(face, name)):
                yield f"{face.__name__}.{name}", target
    yield from ((target.__name__, target) for target in ALONE)


def is_data(target: Any) -> bool:
    """Types, protocols and warnings, which nobody calls."""
    if inspect.isclass(target):
        return issubclass(target, Warning) or getattr(target, "_is_protocol", False)
    return not inspect.isroutine(target)


CALLABLES = [(name, target) for name, target in public_callables() if not is_data(target)]


def test_the_typed_dictionary_has_the_fields_of_the_options():
    fields = {field.name for field in dataclasses.fields(Options)}
    assert NRGOptions.__optional_keys__ == fields
    assert NRGOptions.__required_keys__ == frozenset()


@pytest.mark.parametrize(
    "part",
    [
        nrg_options.SpectrumOptions, nrg_options.LimitOptions, nrg_options.MapOptions,
        nrg_options.FixedLengthOptions, nrg_options.FixedTOptions,
    ],
)  # fmt: skip
def test_a_part_of_the_options_shows_their_defaults(part):
    defaults = {field.name: field.default for field in dataclasses.fields(Options)}
    shown = {parameter.name: parameter.default for parameter in nrg_options.shown(part)}
    assert shown == {name: defaults[name] for name in shown}
    assert shown.keys() == part.__optional_keys__


@pytest.mark.parametrize("name", [name for name, _ in CALLABLES])
def test_every_argument_can_be_completed(name):
    """Nothing hides in **options; only what goes on to matplotlib does, as **style."""
    target = dict(CALLABLES)[name]
    members = [target]
    if inspect.isclass(target):
        members = [target.__init__] + [
            member
            for key, member in vars(target).items()
            if inspect.isfunction(member) and key not in BY_NAME
        ]
    for member in members:
        for parameter in inspect.signature(member).parameters.values():
            if parameter.kind is parameter.VAR_KEYWORD:
                assert parameter.name == "style", f"{member.__qualname__} hides {parameter}"


@pytest.mark.parametrize("name", [name for name, _ in CALLABLES])
def test_an_unknown_argument_is_refused_by_name(name):
    target = dict(CALLABLES)[name]
    with pytest.raises(TypeError, match=r"has no argument 'nonsense'"):
        target(nonsense=1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: kd.nrg.solve(kd.KondoModel(J=0.2), lambda_=3.0), "did you mean 'Lambda'"),
        (lambda: kd.AndersonModel(U=1, gamma=0.1), "did you mean 'Gamma'"),
        (lambda: kd.KondoModel(J=0.2).replace(j=0.1), "did you mean 'J'"),
        (lambda: kd.dynamics.solve(kd.KondoModel(J=0.2), T_min=1e-3), "no argument 'T_min'"),
        (lambda: kd.FlatBand(d=2.0), "did you mean 'D'"),
    ],
)
def test_the_nearest_name_is_proposed(call, message):
    with pytest.raises(TypeError, match=message):
        call()


def test_z_is_a_tuple_of_twists():
    assert Options().z == (1.0,)
    assert Options(z=0.5).z == (0.5,)
    assert Options(z=[0.5, 1]).z == Options(z=np.array([0.5, 1.0])).z == (0.5, 1.0)
    run = kd.nrg.solve(kd.KondoModel(J=0.4), keep=20, sites=6, z=(0.5, 1.0), Lambda=4.0)
    first, second = (run.flow(3, twist=k)[1] for k in (0, 1))
    assert first[0] > second[0]  # z = 1/2 begins at a higher scale
    with pytest.raises(ValueError, match="twist must be at least 0 and at most 1, got twist = 2"):
        run.flow(twist=2)


# ------------------------------------------------------------------------------------------ reprs


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    quick = {"keep": 60, "Lambda": 3.0, "progress": False}
    kondo = kd.KondoModel(J=0.3 + 1 / 30000)
    aim = kd.AndersonModel(U=0.5, V=1 / 8.5)
    run = kd.nrg.solve(kondo, T_min=1e-3, observables=["S_d.S_0"], **quick)
    fit = kd.effective.learn(kd.KondoModel(J=0.25), target=aim, T=1e-2, **quick)
    dynamics = kd.dynamics.solve(aim, names=["d"], T=np.geomspace(1e-1, 1e-2, 7), **quick)
    return {
        "run": run,
        "averages": run.levels[0].averages(3, [0.1, 0.2]),
        "levels": run.levels[0],
        "chain": run.chain,
        "star": kd.bands.discretise(kd.FlatBand(), 2.0, 30),
        "options": run.options,
        "dynamics": dynamics,
        "bins": dynamics.bins,
        "fit": fit,
        "step": fit.history[0],
        "sensitivity": fit.sensitivity,
        "derivatives": kd.derivatives(kondo, T=np.geomspace(1e-2, 1, 9), **quick),
        "bound": kd.gbf_bound(kondo, aim, **quick),
        "limit": kd.continuum.extrapolate({2.0: np.ones(30), 3.0: np.full(30, 1.1)}),
        "formula": kd.kondo_scales.fit_kondo_tk([0.2, 0.3, 0.4], [1e-5, 1e-3, 1e-2]),
        "spectrum": kd.divergence.spectrum(kondo, sites=4),
        "kl": kd.divergence.minimise(kondo, kd.AndersonModel(U=10, J_sw=0.3), T=0.1, sites=4),
    }


def test_results_introduce_themselves_on_one_line(results):
    for name, result in results.items():
        text = repr(result)
        assert "\n" not in text, name
        assert len(text) < 320, (name, text)
        assert "array(" not in text, (name, text)
        assert not re.search(r"\.0*[1-9]\d{6,}", text), (name, text)


def test_first_results_show_a_table_and_a_curve(results):
    for name in ("run", "dynamics", "fit"):
        html = results[name]._repr_html_()
        assert "<table>" in html
        assert "<svg" in html, name
        assert not re.search(r"<td>[^<]*\.0*[1-9]\d{6,}", html), name
    assert "KondoModel(J=0.30003)" in results["run"]._repr_html_()
    assert "&lt;S_d.S_0&gt;" in results["run"]._repr_html_()
