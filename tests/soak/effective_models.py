"""Pairs of effective model and target: the right ones are called right, the wrong ones wrong.

Couplings are drawn at random within ten percent of the values given here. The errors of learned
parameters are compared with the parameters learned at a hundredth of the temperature, with twice
the states.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import kadanoff as kd
from kadanoff import AndersonModel, DoubleQuantumDot, ImpurityModel, KondoModel
from kadanoff.bands import PowerLawBand, SemicircularBand
from kadanoff.operators import BATH, SECOND_BATH, Operator, Orbital, Space, Spin, dot
from tests.soak.rows import Row, count

Vary = Callable[[float], float]

KEEP = 600


@dataclass(frozen=True)
class Pair:
    """An effective model and the temperatures at which it is learned from its target."""

    name: str
    effective: Any
    target: Any
    T: float | Sequence[float]
    parameters: Sequence[str] | None = None
    options: dict[str, Any] = field(default_factory=dict)
    colder: float = 100.0
    """Ratio of T to the temperature at which the true parameters are learned."""

    def learn(self, *, colder: float = 1.0, **changes: Any) -> Any:
        """The fit, at the temperatures of the pair divided by `colder`."""
        T = tuple((np.atleast_1d(self.T) / colder).tolist())
        options = {"keep": KEEP, "threads": 1, "progress": False} | self.options | changes
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", kd.effective.DoubtfulFit)
            return kd.effective.learn(
                self.effective, self.target, T=T, parameters=self.parameters, **options
            )


def exchange(J_z: float, J_p: float, *, spin: float = 0.5, A: float = 0.0) -> ImpurityModel:
    """Anisotropic Kondo model, with A S_z^2."""
    space = Space([Spin("S", spin=spin), BATH])
    S, S_0 = space.S("S"), space.S(BATH.name)
    terms = {"J_z": (J_z, S.z * S_0.z), "J_p": (J_p, dot(S, S_0) - S.z * S_0.z)}
    return ImpurityModel(space, terms | ({"A": (A, S.z * S.z)} if A else {}))


def spin_one(J: float, A: float) -> ImpurityModel:
    """Kondo model of a spin 1 with A S_z^2."""
    space = Space([Spin("S", spin=1), BATH])
    S = space.S("S")
    return ImpurityModel(space, {"J": (J, dot(S, space.S(BATH.name))), "A": (A, S.z * S.z)})


def two_channels(J_1: float, J_2: float) -> ImpurityModel:
    """A spin 1/2 and two bands."""
    space = Space([Spin("S"), BATH, SECOND_BATH])
    S = space.S("S")
    exchanges = {"J_1": (J_1, BATH.name), "J_2": (J_2, SECOND_BATH.name)}
    return ImpurityModel(space, {n: (J, dot(S, space.S(b))) for n, (J, b) in exchanges.items()})


def hund(U: float, V: float, J_H: float) -> ImpurityModel:
    """Two orbitals with Hund's coupling, of which one hybridises."""
    space = Space([Orbital("1"), Orbital("2"), BATH])

    def repulsion(name: str) -> Operator:
        return (space.n(name, "up") - 0.5) * (space.n(name, "dn") - 0.5)

    return ImpurityModel(
        space,
        {
            "U": (U, repulsion("1") + repulsion("2")),
            "V": (V, space.hop("1", BATH.name)),
            "J_H": (-J_H, dot(space.S("1"), space.S("2"))),
        },
    )


def right_pairs(x: Vary) -> Iterator[Pair]:
    """Pairs of which the second flows to the first; `x` varies a coupling."""
    r, semicircle = PowerLawBand(r=0.2), SemicircularBand()
    half = KondoModel(J=0.2)
    yield Pair("dot", half, AndersonModel(U=x(0.5), J_sw=0.25), 1e-3)
    yield Pair("dot, strong J", half, AndersonModel(U=x(0.5), J_sw=0.4), 1e-3)
    yield Pair("dot, large U", half, AndersonModel(U=x(2.0), J_sw=0.2), 5e-3)
    yield Pair("dot, small U", half, AndersonModel(U=x(0.1), J_sw=0.3), 1e-4)
    yield Pair("dot, T = U / 50", half, AndersonModel(U=x(0.5), J_sw=0.25), 1e-2)
    yield Pair("dot, T < T_K", half, AndersonModel(U=x(0.5), J_sw=0.4), 1e-5)
    yield Pair("dot, T << T_K", half, AndersonModel(U=x(0.5), J_sw=0.6), 1e-5)
    yield Pair("dot, U = 3 pi Gamma", half, AndersonModel(U=x(0.3), Gamma=0.03), 1e-4)
    asymmetric = AndersonModel(U=0.5, V=0.1, eps=-x(0.15))
    scattering = KondoModel(J=0.2, W=0.02)
    yield Pair("asymmetric dot, hot", scattering, asymmetric, (1e-3, 1e-4))
    yield Pair("asymmetric dot, cold", scattering, asymmetric, (1e-6, 1e-7))
    yield Pair("asymmetric dot, W left out", half, asymmetric, 1e-4)
    shallow = AndersonModel(U=0.5, V=0.1, eps=-x(0.05))
    yield Pair("shallow level", KondoModel(J=0.2, W=0.1), shallow, (1e-4, 1e-5))
    one = KondoModel(J=0.2, spin=1)
    yield Pair("two dots, spin 1", one, DoubleQuantumDot(U=x(0.5), J_sw=0.25), 1e-4)
    yield Pair("two dots, weak", one, DoubleQuantumDot(U=x(0.5), J_sw=0.1), 1e-4)
    twists = {"Lambda": 2.0, "z": (0.5, 1.0)}
    yield Pair("two dots, two z", one, DoubleQuantumDot(U=x(0.5), J_sw=0.25), 1e-4, options=twists)
    yield Pair("Hund's coupling, spin 1", KondoModel(J=0.1, spin=1), hund(0.5, x(0.1), 0.2), 1e-4)
    field = KondoModel(J=0.2, field=0.01)
    # Far below the field nothing depends on the parameters.
    in_field = AndersonModel(U=0.5, J_sw=0.25, field=x(0.003))
    yield Pair("field", field, in_field, (1e-3, 5e-4), colder=10.0)
    yield Pair("anisotropic", exchange(0.25, 0.15), exchange(x(0.1), 0.2), (1e-2, 1e-3))
    yield Pair("Kondo at Lambda = 2", half, KondoModel(J=x(0.3)), 1e-2, options=twists)
    yield Pair("spin 1 with A", spin_one(0.2, 0.02), spin_one(x(0.3), 0.01), (1e-2, 1e-3))
    yield Pair("ferromagnet", KondoModel(J=-0.05), exchange(*2 * (-x(0.1),)), 1e-3)
    yield Pair("W", KondoModel(J=0.25, W=0.15), KondoModel(J=0.2, W=x(0.1)), (1e-3, 1e-4))
    attractive = AndersonModel(U=-2.0, V=0.2)
    yield Pair("U < 0", attractive, AndersonModel(U=-x(0.5), V=0.1), 1e-3, ("V",))
    yield Pair("pseudogap", KondoModel(J=0.5, band=r), AndersonModel(U=x(0.5), V=0.3, band=r), 1e-3)
    yield Pair(
        "semicircle",
        KondoModel(J=0.2, band=semicircle),
        AndersonModel(U=x(0.5), V=0.1, band=semicircle),
        1e-3,
    )
    wide = {"Lambda": 5.0, "keep": 400}
    yield Pair(
        "two channels", two_channels(0.3, 0.2), two_channels(0.3, x(0.25)), 1e-3, ("J_2",), wide
    )


def wrong_pairs(x: Vary) -> Iterator[Pair]:
    """Pairs of which the second does not flow to the first."""
    half, one = KondoModel(J=0.2), KondoModel(J=0.25, spin=1)
    dots = DoubleQuantumDot(U=x(0.5), J_sw=0.25)
    yield Pair("two dots, spin 1/2", half, dots, 1e-4)
    yield Pair("two dots, spin 1/2, three T", half, dots, (1e-3, 1e-4, 1e-5))
    yield Pair("dot, spin 1", one, AndersonModel(U=x(0.5), J_sw=0.25), 1e-3)
    yield Pair(
        "dot, spin 1 with W",
        KondoModel(J=0.25, spin=1, W=0.05),
        AndersonModel(U=0.5, V=0.1, eps=-x(0.15)),
        (1e-3, 1e-4),
    )
    yield Pair("spin 1 as spin 1/2", half, KondoModel(J=x(0.3), spin=1), 1e-3)
    yield Pair("spin 3/2 as spin 1", one, KondoModel(J=x(0.2), spin=1.5), 1e-3)
    yield Pair("anisotropic as isotropic", half, exchange(x(0.35), 0.1), 1e-2)
    yield Pair("J_z < 0 as isotropic", half, exchange(-x(0.1), 0.2), 1e-2)
    yield Pair("field left out", half, AndersonModel(U=0.5, J_sw=0.25, field=x(0.003)), 1e-3)
    yield Pair("small field left out", half, AndersonModel(U=0.5, J_sw=0.25, field=x(3e-4)), 1e-3)
    yield Pair("mixed valence", half, AndersonModel(U=0.5, Gamma=x(0.03), eps=0.0), 1e-3)
    yield Pair("mixed valence, hot", half, AndersonModel(U=0.5, Gamma=x(0.03), eps=0.0), 1e-2)
    yield Pair("U = 0, T = Gamma / 10", half, AndersonModel(U=0.0, Gamma=x(0.01)), 1e-3)
    yield Pair("U = 0, T = Gamma", half, AndersonModel(U=0.0, Gamma=x(0.01)), 1e-2)
    singlet = DoubleQuantumDot(U=0.5, J_sw=0.25, t_12=x(0.05))
    yield Pair("two dots in a singlet, spin 1", one, singlet, 1e-4)
    yield Pair("U < 0 as a spin", half, AndersonModel(U=-x(0.5), V=0.1), 1e-3)
    yield Pair("empty dot", half, AndersonModel(U=0.5, V=0.1, eps=x(0.2)), 1e-3)
    yield Pair("ferromagnet as antiferromagnet", KondoModel(J=0.1), KondoModel(J=-x(0.12)), 1e-3)
    shallow = AndersonModel(U=0.5, V=0.1, eps=-x(0.05))
    yield Pair("shallow level, W left out", half, shallow, 1e-4)


TINY = 0.1


def run(seed: int, scale: float = 1.0) -> Iterator[Row]:
    """Verdicts on all pairs and errors of the parameters, or on a share of them drawn by lot."""
    rng = np.random.default_rng(seed)

    def drawn(pairs: Callable[[Vary], Iterator[Pair]]) -> list[Pair]:
        found = list(pairs(lambda value: value * rng.uniform(0.9, 1.1)))
        number = count(len(found), scale)
        return [found[i] for i in rng.permutation(len(found))[:number]]

    right, wrong = drawn(right_pairs), drawn(wrong_pairs)
    fits = [pair.learn() for pair in right]
    alarms = sum(fit.verdict == "wrong" for fit in fits)
    yield Row.at_most(f"false alarms among {len(right)} right models", alarms, 0)
    believed = sum(fit.verdict == "right" for fit in fits) / len(fits)
    yield Row.at_least("share of right models called right", believed, 0.9)
    found = sum(pair.learn().verdict == "wrong" for pair in wrong) / len(wrong)
    yield Row.at_least(f"share of {len(wrong)} wrong models called wrong", found, 0.9)
    if scale >= 1:  # of few parameters a share says nothing
        ratios = [
            share for pair, fit in zip(right, fits, strict=True) for share in errors(pair, fit)
        ]
        coverage = float(np.mean([ratio <= 1 for ratio in ratios]))
        yield Row.at_least("share of parameters within their error", coverage, 0.9)


def errors(pair: Pair, fit: Any) -> Iterator[float]:
    """Distance of every parameter from the one at T / 100, in units of its error."""
    if pair.options.get("keep"):  # two channels: exact by construction, and expensive
        return
    cold = pair.learn(colder=pair.colder, keep=2 * KEEP, drift=False)
    for name in fit.parameters:
        true, value = cold.model.parameters[name], fit.model.parameters[name]
        # Below a part in a million the tolerance of the search decides.
        yield abs(value - true) / math.hypot(fit.errors[name], 2e-6 * abs(true))
