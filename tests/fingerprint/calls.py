"""THE table: calls over all of the package, and the numbers that are picked from what they return.

This is the one file to edit when a name in the package changes. Keys such as "entropy" are our own;
every option whose default may change is given; each call takes a second at most.

Integers and strings are compared exactly, floating-point numbers to the tolerance of the call.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

import kadanoff as kd

Numbers = dict[str, Any]
"""Arrays, numbers and strings by name."""


@dataclass(frozen=True)
class Call:
    """Something to compute, and how closely another processor must agree.

    Attributes
    ----------
    function : callable
        Takes nothing, returns `Numbers`.
    exact : bool
        Compared bit for bit.
    tolerance : float
        Otherwise, in units of the entry's largest magnitude.
    """

    function: Callable[[], Numbers]
    exact: bool = False
    tolerance: float = 1e-9


CALLS: dict[str, Call] = {}

RUN: dict[str, Any] = {"threads": 1, "progress": False}
"""How everything is run: results do not depend on it. See ``--threads``."""


def call(
    *, exact: bool = False, tolerance: float = 1e-9
) -> Callable[[Callable[[], Numbers]], Callable[[], Numbers]]:
    """Adds a function to `CALLS` under its name."""

    def add(function: Callable[[], Numbers]) -> Callable[[], Numbers]:
        CALLS[function.__name__] = Call(function, exact, 0.0 if exact else tolerance)
        return function

    return add


# --------------------------------------------------------------------------------- NRG: statics

NRG: dict[str, Any] = {
    "Lambda": 3.0,
    "keep": 120,
    "z": 1.0,
    "scheme": "wilson",
    "A_Lambda": False,
    "gap": 1e-5,
    "complete": True,
    "reuse": True,
    "symmetry": "auto",
}
U1_U1, U1_SU2, SU2_SU2 = ("U1", "U1"), ("U1", "SU2"), ("SU2", "SU2")
LONG: dict[str, Any] = NRG | {"T_min": 1e-5}


def anderson(**changes: Any) -> Any:
    parameters = {"U": 0.5, "eps": -0.25, "J_sw": 0.3, "field": 0.0, "D": 1.0} | changes
    return kd.AndersonModel(**parameters)


def kondo(**changes: Any) -> Any:
    parameters = {"J": 0.3, "spin": 0.5, "W": 0.0, "field": 0.0, "D": 1.0} | changes
    return kd.KondoModel(**parameters)


def thermodynamics(run: Any) -> Numbers:
    return {
        "symmetry": " ".join(run.symmetry),
        "T": run.T,
        "entropy": run.entropy,
        "heat_capacity": run.heat_capacity,
        "T_chi": run.T_chi,
        "T_chi_charge": run.T_chi_charge,
        "log_Z": run.log_Z,
        "free_energy": run.free_energy,
        **{f"<{name}>": values for name, values in run.expectations.items()},
    }


@call()
def nrg_anderson_symmetric() -> Numbers:
    return thermodynamics(
        kd.nrg.solve(
            anderson(), observables=["S_d.S_0", "docc"], **RUN, **LONG | {"symmetry": SU2_SU2}
        )
    )


@call()
def nrg_anderson_asymmetric_twisted() -> Numbers:
    options = LONG | {"scheme": "campo-oliveira", "z": (0.5, 1.0), "symmetry": U1_SU2}
    return thermodynamics(
        kd.nrg.solve(anderson(eps=-0.1), observables=["S_d.S_0", "n_d"], **RUN, **options)
    )


@call()
def nrg_anderson_field() -> Numbers:
    options = LONG | {"scheme": "zitko-pruschke", "symmetry": U1_U1, "T_min": 1e-4}
    model = anderson(J_sw=None, V=0.12, eps=-0.2, field=0.01)
    return thermodynamics(kd.nrg.solve(model, observables=["n_d", "S_z"], **RUN, **options))


@call()
def nrg_default_scheme() -> Numbers:
    """The scheme that is taken where none is given: z other than 1, and a band that is not flat."""
    options = {name: value for name, value in LONG.items() if name not in ("scheme", "A_Lambda")}
    options |= {"z": (0.5, 1.0), "symmetry": SU2_SU2, "T_min": 1e-4}
    model = anderson(D=None, band=kd.SemicircularBand(D=1.0))
    found = thermodynamics(kd.nrg.solve(model, **RUN, **options))
    chain = kd.bands.wilson_chain(model.band, 3.0, 10, z=0.5)
    return found | {"scheme": chain.scheme, "hopping": chain.hopping}


@call()
def nrg_kondo_spin_one() -> Numbers:
    options = LONG | {"scheme": "wilson", "A_Lambda": True, "symmetry": U1_SU2}
    return thermodynamics(kd.nrg.solve(kondo(spin=1.0, W=0.05), **RUN, **options))


@call()
def nrg_kondo_field() -> Numbers:
    options = LONG | {"symmetry": U1_U1, "complete": False, "reuse": False}
    return thermodynamics(
        kd.nrg.solve(kondo(field=0.02), observables=["S_d.S_0", "S_z"], **RUN, **options)
    )


@call()
def nrg_bands() -> Numbers:
    w = np.linspace(-1.0, 1.0, 41)
    bands = {
        "semicircle": kd.SemicircularBand(D=1.0),
        "table": kd.TabulatedBand(w, 0.5 + 0.2 * w + 0.1 * w**2),
        "power": kd.bands.PowerLawBand(r=0.3, D=1.0),
    }
    models = [kd.KondoModel(J=0.4, spin=0.5, W=0.0, field=0.0, band=b) for b in bands.values()]
    runs = kd.nrg.solve_many(models, **RUN, **LONG | {"scheme": "campo-oliveira", "T_min": 1e-4})
    return {
        f"{name} {key}": values
        for name, run in zip(bands, runs, strict=True)
        for key, values in thermodynamics(run).items()
    }


@call()
def nrg_double_dot() -> Numbers:
    model = kd.DoubleQuantumDot(U=0.6, V=0.1, eps=-0.3, field=0.0, t_12=0.02, D=1.0)
    options = LONG | {"keep": 150, "T_min": 1e-4}
    return thermodynamics(
        kd.nrg.solve(model, observables=sorted(model.observables)[:2], **RUN, **options)
    )


@cache
def molecule() -> Any:
    """A dot that hybridises with the band, and a spin beside it."""
    op = kd.operators
    space = op.Space([op.Spin("s", spin=0.5), op.Orbital("d", sign=-1), op.BATH])
    up, dn = space.n("d", "up"), space.n("d", "dn")
    return kd.ImpurityModel(
        space,
        {
            "U": (0.5, (up - 0.5) * (dn - 0.5)),
            "V": (0.1, space.hop("d", "f0")),
            "J": (0.05, op.dot(space.S("s"), space.S("d"))),
        },
        observables={"docc": up * dn, "S.S": op.dot(space.S("s"), space.S("d"))},
        D=1.0,
    )


@call()
def nrg_own_model() -> Numbers:
    options = LONG | {"keep": 150, "T_min": 1e-4}
    return thermodynamics(kd.nrg.solve(molecule(), observables=["docc", "S.S"], **RUN, **options))


@call()
def nrg_two_channels() -> Numbers:
    op = kd.operators
    space = op.Space([op.Spin("S", spin=0.5), op.BATH, op.SECOND_BATH])
    coupling = op.dot(space.S("S"), space.S("f0")) + op.dot(space.S("S"), space.S("g0"))
    model = kd.ImpurityModel(space, {"J": (0.4, coupling)}, D=1.0)
    options = LONG | {"keep": 150, "T_min": 1e-2, "Lambda": 4.0}
    return thermodynamics(kd.nrg.solve(model, **RUN, **options))


@call()
def nrg_levels() -> Numbers:
    run = kd.nrg.solve(kondo(), **RUN, **NRG | {"sites": 8, "keep_multiplets": 60})
    energies, scale = run.flow(12, twist=0)
    labels, degeneracy, lowest, *_ = run.levels[0].shell(7)
    return {
        "flow": energies,
        "scale": scale,
        "labels": labels,
        "degeneracy": degeneracy,
        "energy": lowest,
        "hopping": run.chain.hopping,
        "onsite": run.chain.onsite,
        "chi": run.chi,
    }


@call()
def wilson_chains() -> Numbers:
    w = np.linspace(-1.0, 1.0, 41)
    bands = {
        "flat": kd.FlatBand(D=1.0),
        "semicircle": kd.SemicircularBand(D=2.0),
        "power": kd.bands.PowerLawBand(r=0.5, D=1.0),
        "table": kd.TabulatedBand(w, 0.5 + 0.2 * w),
    }
    found: Numbers = {"A_Lambda": kd.bands.A_Lambda(2.5)}
    for name, band in bands.items():
        for scheme in kd.bands.SCHEMES:
            chain = kd.bands.wilson_chain(band, 2.5, 10, z=0.6, scheme=scheme)
            found[f"{name} {scheme} hopping"] = chain.hopping
            if name == "table":
                found[f"{name} {scheme} onsite"] = chain.onsite
    star = kd.bands.discretise(bands["table"], 2.0, 8, z=0.7, scheme="campo-oliveira")
    return found | {"star energy": star.energy, "star weight": star.weight}


@call()
def operators() -> Numbers:
    op = kd.operators
    space = op.Space([op.Spin("s", spin=1.0), op.Orbital("d", sign=-1), op.BATH])
    exchange = op.dot(space.S("s"), space.S("d"))
    hop = space.hop("d", "f0")
    return {
        "exchange": exchange.matrix,
        "hop": hop.matrix,
        "commutator": exchange.commutator(hop).matrix,
        "isospin": space.isospin("d").plus.matrix,
        "annihilator": space.c("d", "dn").matrix,
        "hermitian": [exchange.is_hermitian, space.c("d", "up").is_hermitian],
    }


# ------------------------------------------------------------------------------- NRG: dynamics

OMEGA = np.concatenate([-np.geomspace(1.5, 1e-3, 20), np.geomspace(1e-3, 1.5, 20)])


@call()
def dynamics_default_scheme() -> Numbers:
    """The same for spectra."""
    options = {name: value for name, value in NRG.items() if name not in ("scheme", "A_Lambda")}
    options["z"] = (0.5, 1.0)
    run = kd.dynamics.solve(kondo(), T=1e-3, names=["t"], **RUN, **options)
    return {"scheme": run.options.scheme, "t": run.t_matrix(OMEGA, b=0.5, w0=1e-3)}


@call()
def dynamics_anderson() -> Numbers:
    run = kd.dynamics.solve(
        anderson(),
        T=1e-3,
        names=None,
        basis_memory=None,
        **RUN,
        **NRG | {"z": (0.5, 1.0)},
    )
    options = {"T": 1e-3, "b": 0.5, "w0": 1e-3}
    return {
        "weight": run.weight,
        "moment": run.moment,
        "log_Z": run.log_Z,
        "totals": [run.total(name, T=1e-3) for name in run.names],
        "A_d": run.spectral("d", OMEGA, **options),
        "G_d": run.green("d", OMEGA, **options),
        "t_matrix": run.t_matrix(OMEGA, spin="up", **options),
        "chi": run.susceptibility(OMEGA, **options),
        "self_energy": run.self_energy(OMEGA, spin="up", estimator="symmetric", **options),
        "self_energy_ratio": run.self_energy(OMEGA, spin="up", estimator="ratio", **options),
        "improved": run.improved(OMEGA, spin="up", estimator="symmetric", **options),
        "hybridisation": run.hybridisation(OMEGA),
    }


@call()
def dynamics_kondo_hot_in_field() -> Numbers:
    run = kd.dynamics.solve(
        kondo(field=0.02),
        T=[1e-2, 0.1],
        names=None,
        observables=["S_d.S_0", "S_z"],
        basis_memory=None,
        **RUN,
        **NRG | {"symmetry": U1_U1},
    )
    return {
        "names": list(run.names),
        "weight": run.weight,
        "log_Z": run.log_Z,
        "t_up": run.t_matrix(OMEGA, spin="up", T=1e-2, b=0.6, w0=1e-2),
        "t_dn": run.t_matrix(OMEGA, spin="dn", T=0.1, b=0.6, w0=0.1),
        **{f"<{name}>": values for name, values in run.expectations.items()},
    }


@call()
def dynamics_own() -> Numbers:
    model = molecule()
    raising = {"electron": model.space.cdag("d", "up"), "molecule": model.space.S("s").plus}
    run = kd.dynamics.solve(
        model,
        T=1e-3,
        own={name: (operator, operator) for name, operator in raising.items()},
        names=(),
        basis_memory=None,
        **RUN,
        **NRG,
    )
    return {
        "weight": run.weight,
        "electron": run.spectral("electron", OMEGA, T=1e-3, b=0.6, w0=1e-3),
        "molecule": run.spectral("molecule", OMEGA, T=1e-3, b=0.6, w0=1e-3),
    }


# ---------------------------------------------------------------- effective models and what is near

SEARCH: dict[str, Any] = {"tolerance": 1e-6, "max_iterations": 40}


def fitted(fit: Any) -> Numbers:
    return {
        "names": list(fit.parameters),
        "parameters": [fit.model.parameters[name] for name in fit.parameters],
        "target": list(fit.target_values),
        "steps": len(fit.history),
        "losses": [step.loss for step in fit.history],
        "first gradient": list(fit.history[0].gradient.values()),
        "converged": fit.converged,
    }


@call()
def effective_kondo() -> Numbers:
    fit = kd.effective.learn(
        kondo(), anderson(), T=1e-3, method="partition", parameters="J", **SEARCH, **RUN, **NRG
    )
    target, effective = fit.solve(T_min=1e-3, **RUN)
    return fitted(fit) | {
        "singular": fit.sensitivity.singular,
        "target entropy": target.entropy,
        "entropy": effective.entropy,
    }


# The losses end at the rounding errors of ln Z.
@call(tolerance=1e-6)
def effective_two_parameters() -> Numbers:
    fit = kd.effective.learn(
        kondo(W=0.02),
        anderson(eps=-0.2),
        T=[1e-3, 1e-2, 3e-2],
        method="partition",
        parameters=["J", "W"],
        drift=False,  # W is not determined at these temperatures
        **SEARCH,
        **RUN,
        **NRG,
    )
    return fitted(fit) | {"singular": fit.sensitivity.singular, "unit": fit.sensitivity.unit}


@call()
def effective_observable() -> Numbers:
    fit = kd.effective.learn(
        kondo(),
        anderson(),
        T=1e-2,
        method="observable",
        observable="S_d.S_0",
        parameters="J",
        **SEARCH,
        **RUN,
        **NRG,
    )
    found = fitted(fit)
    del found["first gradient"]
    start = kd.effective.schrieffer_wolff(anderson(eps=-0.2))
    return found | {"Schrieffer-Wolff": [start.J, start.W]}


@call(tolerance=1e-7)  # T_K is where an interpolated curve crosses a level
def kondo_scales() -> Numbers:
    run = kd.nrg.solve(kondo(J=0.5), **RUN, **NRG | {"T_min": 1e-6})
    J = np.array([0.2, 0.25, 0.3, 0.4])
    T_K = kd.kondo_scales.kondo_temperature_formula(J, 1.0, alpha=1.41, gamma=2.4674, rho=None)
    U, J_sw = np.array([1.0, 2.0, 4.0, 8.0, 3.0]), np.array([0.2, 0.3, 0.25, 0.35, 0.4])
    T_A = kd.kondo_scales.anderson_kondo_temperature(
        U, J_sw, 1.0, a=3.2, b=3.3, alpha=1.41, gamma=2.4674
    )
    eq5 = kd.kondo_scales.fit_kondo_tk(J, T_K * (1 + 0.01 * J), 1.0, gamma=None)
    return {
        "T_K": [
            kd.kondo_scales.kondo_temperature(run, definition)
            for definition in kd.kondo_scales.DEFINITIONS
        ],
        "chi": kd.kondo_scales.zero_temperature_chi(run),
        "formula": T_K,
        "formula of Anderson": T_A,
        "Eq. 5": list(eq5.values.values()),
        "Eq. 5 worst": eq5.worst,
    }


@call(tolerance=1e-7)  # searches, and crossings of curves
def kondo_mapping() -> Numbers:
    found = kd.kondo_mapping(anderson(), T=1e-3, T_min=1e-6, points=4, **RUN, **NRG)
    return {
        "J": found.J,
        "log_Z_ratio": found.log_Z_ratio,
        "correlation_ratio": found.correlation_ratio,
        "couplings": list(found.couplings.values()),
        "entropy": found.kondo["J_ML"].entropy,
    }


@call()
def continuum() -> Numbers:
    found = kd.continuum.limit(
        [kondo(), kondo(J=0.4)],
        lambda run: run.entropy[[0, 5]],
        Lambda=(3.0, 4.0),
        z=(0.5, 1.0),
        keep=80,
        scheme="campo-oliveira",
        variable="ln^2 Lambda",
        order=1,
        logarithm=True,
        T_min=1e-2,
        gap=1e-5,
        **RUN,
    )
    data = {2.0: [1.0, 2.0], 2.5: [1.1, 1.9], 3.0: [1.3, 1.7], 4.0: [1.6, 1.4]}
    other = kd.continuum.extrapolate(data, variable="ln^2 Lambda", order=2, logarithm=False)
    return {
        "data": found.data,
        "value": found.value,
        "error": found.error,
        "extrapolated": other.value,
        "extrapolated error": other.error,
        "states": [kd.continuum.states(1000, Lambda) for Lambda in (1.7, 2.5, 4.0)],
    }


@call()
def derivatives() -> Numbers:
    found = kd.derivatives(
        anderson(eps=-0.2),
        T=[1e-3, 1e-2],
        parameters=["U", "eps", "V"],
        observables=["S_d.S_0"],
        **RUN,
        **NRG,
    )
    return {
        "gradient": found.gradient,
        "hessian": found.hessian,
        "<S_d.S_0>": found.expectations["S_d.S_0"],
        "slopes": found.slopes["S_d.S_0"],
    }


@call(tolerance=1e-7)  # of the slack, a small difference of ground-state energies
def gbf_bound() -> Numbers:
    cold = kd.gbf_bound(kondo(), anderson(), T=0.0, operators=None, **RUN, **NRG)
    warm = kd.gbf_bound(kondo(), anderson(), T=1e-2, operators=None, **RUN, **NRG)
    return {
        "effective": list(cold.effective.values()),
        "bare": list(cold.bare.values()),
        "slack": cold.slack,
        "gap": list(cold.gap.values()),
        "warm effective": list(warm.effective.values()),
        "warm ratio": list(warm.ratio.values()),
    }


@call(tolerance=1e-6)  # minimise stops within its tolerance; the divergence is small there
def divergence() -> Numbers:
    chain = {"sites": 4, "Lambda": 2.5, "scheme": "wilson"}
    bare = anderson(U=10.0, eps=-5.0)
    spectrum = kd.divergence.spectrum(bare, observables=["S_d.S_0"], threads=1, **chain)
    fits = [
        kd.divergence.minimise(
            kondo(),
            bare,
            T=0.1,
            by=by,
            parameters="J",
            tolerance=1e-8,
            max_iterations=60,
            **chain,
        )
        for by in ("divergence", "partition")
    ]
    return {
        "energy": spectrum.energy,
        "degeneracy": spectrum.degeneracy,
        "log_Z": spectrum.log_Z(0.1),
        "density": spectrum.density(0.1, np.linspace(0, 2, 9), 0.2),
        "D": kd.divergence.kl_divergence(kondo(), bare, T=0.1, width=None, **chain),
        "D broadened": kd.divergence.kl_divergence(kondo(), bare, T=0.1, width=0.2, **chain),
        "J": [fit.model.J for fit in fits],
        "D of fits": [fit.divergence for fit in fits],
        "steps": [fit.steps for fit in fits],
    }


# Two searches, the second in a narrow valley.
@call(tolerance=1e-5)
def irrelevant() -> Numbers:
    found = kd.irrelevant.fit_with_observable(
        anderson(U=3.0, eps=-1.5, J_sw=0.4), max_iterations=100, **RUN, **NRG | {"keep": 100}
    )
    extended = found.extended.model.parameters
    return {
        "minimal J": found.minimal.model.parameters["J"],
        "J": extended["J"],
        "U_0": extended["U_0"],
        "T_K error": list(found.T_K_error("chi").values()),
        "<S_d.S_0>": list(found.expectation("S_d.S_0").values()),
        "entropy": found.runs["extended"].entropy,
    }


@call(tolerance=1e-5)  # a Gaussian process whose length scales an optimiser finds
def effective_map() -> Numbers:
    with tempfile.TemporaryDirectory() as folder:
        found = kd.effective_map(
            folder,
            points=10,
            U=(1.0, 8.0),
            J_sw=(0.25, 0.45),
            seed=3,
            keep=60,
            progress=False,
            Lambda=3.0,
            scheme="wilson",
        )
    return {
        "U": found.U,
        "J_sw": found.J_sw,
        "J": found.J,
        "predicted": found.predict([2.0, 4.0], [0.3, 0.4])[0],
        "computed": found.computed,
    }


# --------------------------------------------------------------------------------------- Ising

ISING: dict[str, Any] = {"configurations": True, "seed": 7}


def square(L: int = 16, **changes: Any) -> Any:
    parameters = {"J": 1.0, "h": 0.0, "boundary": "periodic", "lattice": "square"} | changes
    return kd.ising.Ising((L, L), **parameters)


def spins(run: Any, *, estimates: bool = True) -> Numbers:
    return {
        "spins": run.configurations,
        "energy": run.energy,
        "magnetisation": run.magnetisation,
        "method": run.method,
        **(
            {
                f"{name} {part}": getattr(estimate, part)
                for name, estimate in run.estimates.items()
                for part in ("mean", "error")
            }
            if estimates
            else {}
        ),
    }


@call()
def ising_heat_bath() -> Numbers:
    return spins(
        kd.ising.sample(
            square(),
            T=2.5,
            n=200,
            method="heat-bath",
            chains=64,
            spacing=4,
            equilibration=50,
            **ISING,
            **RUN,
        )
    )


@call()
def ising_metropolis_in_field() -> Numbers:
    return spins(
        kd.ising.sample(
            square(12, h=0.3, J=(1.0, 0.5), boundary=("periodic", "open")),
            T=2.0,
            n=100,
            method="metropolis",
            chains=4,
            spacing=3,
            equilibration=50,
            **ISING,
            **RUN,
        )
    )


@call()
def ising_wolff() -> Numbers:
    return spins(
        kd.ising.sample(
            square(),
            T=2.3,
            n=100,
            method="wolff",
            chains=4,
            spacing=3,
            equilibration=50,
            **ISING,
            **RUN,
        )
    )


@call()
def ising_swendsen_wang() -> Numbers:
    found = {}
    for h in (0.0, 0.1):
        run = kd.ising.sample(
            square(h=h),
            T=2.3,
            n=100,
            method="swendsen-wang",
            chains=4,
            spacing=2,
            equilibration=30,
            **ISING,
            **RUN,
        )
        found |= {f"h={h} {key}": values for key, values in spins(run).items()}
    return found


@call(exact=True)
def ising_lattices() -> Numbers:
    models = {
        "chain": kd.ising.Ising((64,), J=1.0, h=0.1, boundary="periodic", lattice="chain"),
        "triangular": kd.ising.Ising(
            (9, 9), J=-1.0, h=0.0, boundary="periodic", lattice="triangular"
        ),
        "cubic": kd.ising.Ising((6, 6, 6), J=1.0, h=0.0, boundary="periodic", lattice="cubic"),
    }
    found: Numbers = {}
    for name, model in models.items():
        run = kd.ising.sample(
            model,
            T=4.0,
            n=50,
            method="heat-bath",
            chains=2,
            spacing=2,
            equilibration=30,
            **ISING,
            **RUN,
        )
        found |= {
            f"{name} spins": run.configurations,
            f"{name} magnetisation": run.magnetisation,
            f"{name} energy": model.energy(run.configurations[:5]),
            f"{name} frustrated": model.frustrated,
        }
    return found


@call()
def ising_scan() -> Numbers:
    run = kd.ising.scan(
        square(),
        T=[2.0, 2.3, 2.8],
        n=100,
        method="auto",
        spacing=2,
        equilibration=50,
        chains=4,
        **ISING,
        **RUN,
    )
    return {
        "T": run.T,
        "spins": run.runs[1].configurations,
        "abs_magnetisation": run.mean("abs_magnetisation"),
        "energy": run.mean("energy"),
        "energy error": run.error("energy"),
        "methods": [r.method for r in run.runs],
    }


@call()
def ising_temper() -> Numbers:
    run = kd.ising.parallel_tempering(
        square(8, J=(1.0, -1.0)),
        T=[1.0, 1.5, 2.0, 3.0],
        n=100,
        method="heat-bath",
        chains=4,
        sweeps=1,
        spacing=3,
        equilibration=30,
        **ISING,
        **RUN,
    )
    return {
        "spins": run.runs[0].configurations,
        "energy": run.mean("energy"),
        "energy error": run.error("energy"),
        "acceptance": run.acceptance,
    }


@call(exact=True)
def ising_simulation() -> Numbers:
    found: Numbers = {}
    for method in kd.ising.METHODS:
        live = kd.ising.Simulation(square(), T=1.5, method=method, start="ordered", seed=5)
        live.sweep(10, progress=False, threads=RUN["threads"])
        live.T = 3.0
        live.sweep(20, progress=False, threads=RUN["threads"])
        found |= {
            f"{method} spins": live.spins,
            f"{method} energy": live.energy,
            f"{method} magnetisation": live.magnetisation,
        }
    return found


def exactly(solution: Any) -> Numbers:
    names = ("method", "log_Z", "e", "c", "m", "abs_m", "m2", "m4", "xi", "f", "s")
    values = {name: getattr(solution, name) for name in names}
    return {name: value for name, value in values.items() if value is not None}


@call()
def ising_companions() -> Numbers:
    solutions = {
        "kaufman": kd.ising.kaufman((6, 8), 2.3, J=(1.0, 0.7)),
        "onsager": kd.ising.onsager(2.0, J=1.0),
        "chain": kd.ising.chain(12, 1.5, J=1.0, h=0.2, boundary="periodic"),
        "open chain": kd.ising.chain(12, 1.5, J=1.0, h=0.2, boundary="open"),
        "endless chain": kd.ising.chain(None, 1.5, J=1.0, h=0.2, boundary="periodic"),
        "exact": kd.ising.exact(
            (4, 4), 2.5, J=1.0, h=0.1, lattice="square", boundary=("periodic", "open")
        ),
    }
    strip = kd.ising.transfer_matrix(6, 2.3, J=1.0, h=0.1, boundary="periodic", levels=3)
    states = kd.ising.enumerate_states((4, 4), lattice="square", boundary="periodic", **RUN)
    return {
        **{
            f"{n} {key}": value
            for n, solution in solutions.items()
            for key, value in exactly(solution).items()
        },
        "strip eigenvalues": strip.log_eigenvalues,
        "strip log_Z": [strip.log_Z(5, "periodic"), strip.log_Z(5, "open")],
        "strip": [strip.f, strip.e, strip.m, strip.xi],
        "counts": states.counts,
        "bonds": states.bonds,
        "states log_Z": states.at(2.0, J=1.0, h=0.1).log_Z,
        "yang": kd.ising.yang(2.0, J=1.0),
        "T_c": [
            kd.ising.critical_temperature(1.0, lattice="square"),
            kd.ising.critical_temperature((1.0, 0.5), lattice="square"),
            kd.ising.critical_temperature(1.0, lattice="triangular"),
        ],
    }


@call()
def ising_windows() -> Numbers:
    configurations = np.where(np.random.default_rng(2).random((3, 8, 8)) < 0.5, -1, 1)
    fields = np.stack(
        [
            kd.ising.surrounding_fields(s, (2, 2), (4, 4), J=(1.0, 0.8), h=0.1)
            for s in configurations.astype(np.int8)
        ]
    )
    block = np.zeros((4, 4), bool)
    block[1:3, 1:3] = True
    return {
        "fields": fields,
        "log_Z": kd.ising.window_log_Z(fields, 2.3, J=(1.0, 0.8), block=None, **RUN),
        "conditional": kd.ising.conditional(fields, 2.3, block=block, J=(1.0, 0.8), **RUN),
    }


# -------------------------------------------------------------------------------------- dimers

DIMERS: dict[str, Any] = {
    "coverings": True,
    "equilibration": 40,
    "spacing": 4,
    "chains": 4,
    "seed": 11,
}


def covered(run: Any) -> Numbers:
    return {
        "dimers": run.dimers,
        "winding": run.winding,
        "flippable": run.flippable,
        **{f"{name} mean": estimate.mean for name, estimate in run.estimates.items()},
        **{f"{name} error": estimate.error for name, estimate in run.estimates.items()},
    }


@call()
def dimers_free() -> Numbers:
    run = kd.dimers.sample(
        (8, 12),
        n=100,
        T=np.inf,
        v=-1.0,
        boundary="periodic",
        winding=None,
        noise=None,
        **DIMERS,
        **RUN,
    )
    return covered(run) | {
        "height": run.height()[:3],
        "electric field": run.electric_field()[:3],
        "grid": run.grid()[:3],
    }


@call()
def dimers_interacting() -> Numbers:
    run = kd.dimers.sample(
        8, n=100, T=1.0, v=-1.0, boundary="periodic", winding=None, noise=None, **DIMERS, **RUN
    )
    return covered(run)


@call()
def dimers_open_with_noise() -> Numbers:
    run = kd.dimers.sample(
        8, n=100, T=2.0, v=1.0, boundary="open", winding=None, noise=0.3, **DIMERS, **RUN
    )
    return covered(run) | {"noise": run.noise}


@call()
def dimers_fixed_winding() -> Numbers:
    run = kd.dimers.sample(
        8, n=100, T=np.inf, v=-1.0, boundary="periodic", winding=(1, 0), noise=None, **DIMERS, **RUN
    )
    return covered(run)


@call(exact=True)
def dimers_simulation() -> Numbers:
    live = kd.dimers.Simulation((8, 8), T=1.5, v=-1.0, boundary="periodic", winding=None, seed=4)
    steps = [live.step(10), live.step(5)]
    return {
        "steps": steps,
        "dimers": live.dimers,
        "winding": live.winding,
        "flippable": live.flippable,
        "height": live.height(),
        "covering": kd.dimers.is_covering(live.dimers, "periodic"),
        "free to flip": kd.dimers.flippable(live.dimers, "periodic"),
    }


@call()
def dimers_counted() -> Numbers:
    sectors = kd.dimers.sectors((6, 4))
    every = kd.dimers.coverings((4, 4), "periodic")
    return {
        # More digits than an integer of 64 bits has.
        "count": [str(kd.dimers.count((16, 16), b)) for b in ("periodic", "open")],
        "log_count": [kd.dimers.log_count((32, 30), b) for b in ("periodic", "open")],
        "sectors": [[*winding, sectors[winding]] for winding in sorted(sectors)],
        "winding_distribution": kd.dimers.winding_distribution((8, 6)),
        "coverings": every.dimers,
        "weights": every.weights(T=1.0, v=-1.0),
        **every.thermodynamics(T=1.0, v=-1.0),
    }


@call()
def dimers_correlators() -> Numbers:
    run = kd.dimers.sample(
        8, n=300, T=np.inf, v=-1.0, boundary="periodic", winding=None, noise=None, **DIMERS, **RUN
    )
    spectrum = kd.dimers.field_spectrum(run.dimers)
    stiffness = kd.dimers.stiffness(run)
    pair = [(0, 0, "x"), (0, 1, "x")]
    return {
        "coupling": [kd.dimers.coupling(x, y) for x, y in ((1, 0), (0, 1), (2, 1), (4, 3))],
        "probability": [
            kd.dimers.probability(pair, None, boundary="periodic"),
            kd.dimers.probability(pair, (8, 8), boundary="periodic"),
            kd.dimers.probability(pair, (8, 8), boundary="open"),
        ],
        "stiffness": [stiffness.mean, stiffness.error],
        "flux stiffness": kd.dimers.flux_stiffness(0.3, 1.0),
        "transverse": spectrum.transverse,
        "longitudinal": spectrum.longitudinal,
    }


# ---------------------------------------------------------------------- Boltzmann machines


def machine(visible: str = "binary", hidden: str = "binary", scale: float = 1.0) -> Any:
    return kd.rbm.Machine.random(8, 5, scale=scale, visible=visible, hidden=hidden, seed=3)


@call()
def rbm_machine() -> Numbers:
    found: Numbers = {}
    for visible, hidden in (("binary", "binary"), ("spin", "binary"), ("spin", "spin")):
        m = machine(visible, hidden)
        v = kd.rbm.states(8, visible)[::7]
        moments = m.moments(**RUN)
        gradient = m.gradient(v, **RUN)
        other, constant = m.to_binary()
        found |= {
            f"{visible} {hidden} {key}": values
            for key, values in {
                "W": m.W,
                "log_Z": m.log_Z(**RUN),
                "free_energy": m.free_energy(v, threads=1),
                "hidden_mean": m.hidden_mean(v, threads=1),
                "v": moments.v,
                "vh": moments.vh,
                "gradient": gradient.W,
                "probabilities": m.probabilities(threads=1),
                "log_likelihood": m.log_likelihood(v, log_Z=None, threads=1),
                "binary a": other.a,
                "constant": constant,
            }.items()
        }
    return found


@call(exact=True)
def rbm_sampling() -> Numbers:
    m = machine("spin", "binary")
    exact = m.sample(50, method="exact", seed=1, **RUN)
    chains = m.sample(50, method="gibbs", chains=16, equilibration=20, spacing=3, seed=1, **RUN)
    gibbs = m.gibbs(None, chains=20, sweeps=5, seed=2, **RUN)
    clamp = np.array([1, 1, -1])
    free = np.arange(8) >= 3
    visible = np.concatenate([clamp, np.ones(5)]).astype(np.int8)
    conditional = [
        m.conditional(
            visible, free_visible=free, n=20, method=method, equilibration=20, seed=3, **RUN
        )
        for method in ("exact", "gibbs")
    ]
    return {
        "exact v": exact.v,
        "exact h": exact.h,
        "chains v": chains.v,
        "gibbs v": gibbs.v,
        "gibbs h": gibbs.h,
        "conditional exact": conditional[0].v,
        "conditional gibbs": conditional[1].v,
    }


@call()
def rbm_annealed() -> Numbers:
    m = machine()
    found = m.annealed_log_Z(chains=64, temperatures=50, betas=None, sweeps=1, seed=5, **RUN)
    data = kd.rbm.states(8, "binary")[::5]
    based = m.annealed_log_Z(chains=64, temperatures=50, sweeps=2, data=data, seed=6, **RUN)
    return {
        "log_Z": [found.log_Z, based.log_Z],
        "error": [found.error, based.error],
        "chains": found.effective_chains,
        "weights": found.log_weights,
        "base": based.base,
    }


TRAINING: dict[str, Any] = {
    "sweeps": 1,
    "batch_size": 32,
    "n_iter": 4,
    "momentum": 0.5,
    "l2": 1e-4,
    "chains": 16,
    "temperatures": 4,
    "init_scale": 0.05,
    "threshold": None,
    "random_state": 9,
}


@cache
def patterns() -> Any:
    rng = np.random.default_rng(1)
    return ((rng.random((200, 12)) < 0.5) & (rng.random((200, 1)) < 0.8)).astype(np.int8)


@call(tolerance=1e-8)  # noise of sampled gradients, through many steps
def rbm_estimator() -> Numbers:
    X = patterns()
    found: Numbers = {}
    for method, optimizer, centered in (
        ("cd", "sgd", True),
        ("pcd", "adam", False),
        ("pt", "sgd", True),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # few epochs: modes are lost
            rbm = kd.RBM(
                6,
                visible="binary",
                hidden="binary",
                method=method,
                optimizer=optimizer,
                centered=centered,
                learning_rate=0.05,
                threads=RUN["threads"],
                **TRAINING,
            ).fit(X, progress=False)
        found |= {
            f"{method} W": rbm.components_,
            f"{method} a": rbm.intercept_visible_,
            f"{method} b": rbm.intercept_hidden_,
            f"{method} score": rbm.score(X),
            f"{method} transform": rbm.transform(X[:5]),
            f"{method} gibbs": rbm.gibbs(X[:5], sweeps=2, seed=1),
        }
    return found


@call(tolerance=1e-8)  # as above
def rbm_deep() -> Numbers:
    X = patterns()
    deep = kd.DeepRBM(
        (8, 4),
        visible="binary",
        hidden="binary",
        method="cd",
        optimizer="sgd",
        centered=True,
        learning_rate=0.05,
        threads=RUN["threads"],
        **TRAINING,
    ).fit(X, progress=False)
    return {
        "transform": deep.transform(X[:5]),
        "up": deep.up(X[:5], seed=1)[-1],
        "down": deep.down(np.eye(4, dtype=np.int8), layer=None, seed=2)[-1],
        "sample": deep.sample(
            10, method="gibbs", equilibration=20, spacing=2, chains=5, seed=3, **RUN
        ).v,
        "receptive fields": deep.receptive_fields(None),
    }


# ---------------------------------------------------------------------------------- block spins


@call()
def blockspin_decimation() -> Numbers:
    bs = kd.blockspin
    chain = bs.Chain(K=0.8, h=0.1, g=0.0)
    flow = bs.decimation_flow(chain, steps=4, b=2)
    third = bs.decimate(chain, 3)
    finer = bs.refine(bs.Chain(K=0.5, h=0.0, g=0.0))
    return {
        "K": flow.K,
        "h": flow.h,
        "g": flow.g,
        "decimate": [third.K, third.h, third.g],
        "refine": [finer.K, finer.g],
        "free energy": chain.free_energy,
        "xi": bs.Chain(K=0.8, h=0.0, g=0.0).correlation_length,
        "log_weights": chain.log_weights(6),
    }


@call()
def blockspin_machines() -> Numbers:
    bs = kd.blockspin
    chain = bs.Chain(K=0.6, h=0.0, g=0.0)
    machines = {
        "decimation": bs.decimation_machine(6, chain),
        "rg": bs.rg_machine(6, chain),
        "chain": bs.chain_machine(6, chain),
        "stack": bs.decimation_stack(8, chain, steps=2),  # its marginal would take 20 s
    }
    found: Numbers = {}
    for name, m in machines.items():
        found[f"{name} sizes"] = list(m.sizes)
        found[f"{name} constant"] = m.constant
        found[f"{name} W"] = m.weights[0]
        found[f"{name} log_Z"] = m.log_Z()
        if sum(m.sizes) <= 12:
            found[f"{name} marginal"] = m.log_marginal(0)
    return found


@call()
def blockspin_couplings() -> Numbers:
    bs = kd.blockspin
    chain = bs.Chain(K=0.7, h=0.0, g=0.0)
    majority = bs.Majority(3, ties="random", dimension=1)
    ring = bs.ring_couplings(chain, 5, majority)
    orders = bs.ring_cumulants(chain, 3, majority, order=3)
    filtered = bs.ring_couplings(chain, 4, bs.LinearFilter(np.array([1.0, 0.5]), bias=0.1))
    torus = bs.torus_couplings(0.4, (4, 4), bs.Majority(2, ties="random", dimension=2), h=0.05)
    plane = bs.torus_cumulants(0.3, (4, 4), bs.Decimation(2, dimension=2), h=0.0, order=2)
    return {
        "ring": ring.values,
        "ring weights": ring.log_weight,
        "ring rangeness": ring.rangeness,
        "ring n_bodyness": ring.n_bodyness,
        "cumulants": np.array([order.values for order in orders]),
        "filtered": filtered.values,
        "torus": torus.values,
        "torus log_Z": torus.log_Z,
        "torus cumulants": np.array([order.values for order in plane]),
    }


@call()
def blockspin_pictures() -> Numbers:
    bs = kd.blockspin
    s = np.where(np.random.default_rng(3).random((6, 16, 16)) < 0.5, -1, 1).astype(np.int8)
    rules = {
        "majority": bs.Majority(2, ties="random", dimension=2),
        "decimation": bs.Decimation(2, dimension=2),
        "filter": bs.LinearFilter(np.array([[1.0, 0.5], [0.2, -0.3]]), bias=0.1),
    }
    found: Numbers = {}
    for name, rule in rules.items():
        found[name] = bs.block_spins(s, rule, levels=1, seed=4)
        found[f"{name} table"] = rule.table()
    levels = bs.block_levels(s, rules["majority"], levels=3, seed=5)
    return found | {
        "levels": np.concatenate([level.ravel() for level in levels]),
        "operators": bs.measure(s, bs.EVEN + bs.ODD),
    }


@call()
def blockspin_monte_carlo_rg() -> Numbers:
    bs = kd.blockspin
    run = kd.ising.sample(
        square(16),
        T=2.269185314213022,
        n=400,
        method="swendsen-wang",
        chains=8,
        spacing=2,
        equilibration=50,
        **ISING,
        **RUN,
    )
    found = bs.mcrg(
        run.configurations,
        bs.Majority(2, ties="random", dimension=2),
        steps=2,
        even=bs.EVEN,
        odd=bs.ODD,
        bins=10,
        seed=3,
        progress=False,
    )
    return {
        "sums": found.sums[-1],
        "averages": found.averages(),
        "exponents": np.array([found.y_t, found.y_h]),
    }


@call()
def blockspin_migdal_kadanoff() -> Numbers:
    found: Numbers = {}
    for order in ("move-decimate", "decimate-move"):
        recursion = kd.blockspin.MigdalKadanoff(dimension=2, b=2, order=order)
        fixed = recursion.fixed_point()
        flow = recursion.flow(0.5, steps=4, h=0.01)
        found |= {
            f"{order} K": fixed.K,
            f"{order} y": [fixed.y_t, fixed.y_h, fixed.nu],
            f"{order} flow": [flow.K, flow.h],
            f"{order} eigenvalues": recursion.eigenvalues(0.4),
        }
    own = kd.blockspin.fixed_point(
        lambda K: 0.5 * np.log(np.cosh(4 * K)), b=2.0, bracket=(0.1, 1.0), derivative=None
    )
    return found | {"own": [own.K, own.nu]}


@call()
def blockspin_matrix_products() -> Numbers:
    bs = kd.blockspin
    rng = np.random.default_rng(5)
    a, b = rng.normal(size=6), rng.normal(size=4)
    W = 0.5 * rng.normal(size=(6, 4)) * (rng.random((6, 4)) < 0.6)
    state = bs.rbm_to_mps(a, b, W, units="spin", order=None, compress=False, max_bond=1024)
    small = state.compress(cutoff=1e-13, max_bond=None)
    cut = state.compress(cutoff=1e-13, max_bond=2)
    return {
        "bonds": [list(state.bonds), list(small.bonds)],
        "dense": state.dense(),
        "entropies": state.entropies(),
        "fidelity": state.fidelity(cut),
        "schmidt": np.concatenate(small.schmidt_values()),
        "amplitudes": state.amplitudes(bs.spins(6)[::5]),
        "cut": bs.cut_hidden_units(W, order=None),
        "walsh": bs.walsh(state.dense().ravel().real),
    }


@call(tolerance=1e-6)  # a root of polynomials behind singular values
def blockspin_machine_of_a_state() -> Numbers:
    bs = kd.blockspin
    chain = bs.chain_machine(6, bs.Chain(K=0.4, h=0.1, g=0.0)).rbm()
    state = bs.rbm_to_mps(chain, order=None, compress=True, max_bond=64)
    found = bs.mps_to_rbm(state, tolerance=1e-8)
    return {"bonds": list(state.bonds), "a": found.a, "K": found.K}


@call()
def blockspin_receptive_fields() -> Numbers:
    rng = np.random.default_rng(6)
    found = kd.blockspin.receptive_fields(
        rng.normal(size=(64, 10)), rng.normal(size=(10, 5)), shape=(8, 8), block=4
    )
    return {
        "fields": found.fields,
        "norm": found.norm,
        "participation": found.participation,
        "spread": found.spread,
        "coherence": found.coherence,
        "block weight": found.block_weight,
    }


# -------------------------------------------------------------------------- self-learning, RSMI


@call()
def self_learning() -> Numbers:
    sl = kd.self_learning
    model = sl.PlaquetteIsing(L=8, T=2.6, J=1.0, K=0.2)
    local = sl.sample(
        model, None, n=400, chains=2, spacing=1, equilibration=50, start=None, seed=1, **RUN
    )
    learned = sl.learn(local, shells=3)
    clusters = sl.sample(
        model, learned, n=200, chains=2, spacing=1, equilibration=20, seed=2, **RUN
    )
    trained = sl.train(model, L=8, shells=1, hot=2.0, rounds=2, n=200, seed=3, **RUN)
    return {
        "local": local.sums,
        "clusters": clusters.sums,
        "spins": clusters.configurations,
        "acceptance": [local.acceptance, clusters.acceptance],
        "J": learned.J,
        "E_0": learned.E_0,
        "trained": [pair.J for pair in trained],
        "energy": local.estimate("energy").mean,
    }


RSMI: dict[str, Any] = {"buffer": 1, "hidden": 1, "bound": 1.0, "shell": 1, "bias": False}
LEARN: dict[str, Any] = RSMI | {"block": (2, 2), "step": None, "restarts": 2, "seed": 3}


@cache
def critical(L: int = 6, n: int = 1500) -> Any:
    return kd.ising.sample(
        square(L),
        T=2.269185314213022,
        n=n,
        method="swendsen-wang",
        chains=8,
        spacing=3,
        equilibration=50,
        configurations=True,
        seed=1,
        threads=1,
        progress=False,
    )


def rule_numbers(rule: Any) -> Numbers:
    return {
        "filters": rule.filters,
        "bias": rule.bias,
        "information": rule.information.value,
        "error": rule.information.error,
        "kind": rule.information.kind,
    }


@call(tolerance=1e-6)  # an optimiser
def rsmi_laws() -> Numbers:
    rsmi = kd.rsmi
    torus = rsmi.torus(6, 2.269185314213022, block=(2, 2), buffer=1, J=1.0)
    chain = rsmi.chain(0.7, block=3, buffer=2)
    slab, leading = rsmi.slab(3, 2.3, steps=2)
    majority = kd.blockspin.Majority(2, ties="random", dimension=2)
    filters = np.array([[[1.0, 0.8], [0.6, 0.4]]])
    best = rsmi.maximise(
        chain, hidden=1, bound=3.0, bias=False, restarts=3, objective="information", seed=2
    )
    return {
        "information": [joint.mutual_information for joint in (torus, chain, slab)],
        "majority": torus.information(majority),
        "gradient": torus.gradient(filters, 0.0),
        "relaxed": rsmi.relaxed_information(chain, np.array([[1.0, 0.5, 0.2]]), 0.0),
        "proxy": rsmi.proxy(torus, majority, 0.0),
        "lautum": rsmi.lautum(torus, majority, 0.0),
        "leading": np.abs(leading),
        "best": np.abs(best.filters),
        "best information": best.information.value,
    }


@call(tolerance=1e-3)  # a fit that stops early, then an optimiser: 2e-5 between processors
def rsmi_certified() -> Numbers:
    rule = kd.rsmi.learn(critical(), mode="certified", model="bilinear", pairs=2000, **LEARN, **RUN)
    again = kd.rsmi.information(
        critical(), rule, buffer=1, shell=1, step=None, pairs=2000, seed=4, progress=False
    )
    return rule_numbers(rule) | {
        "applied": rule.apply(critical().configurations[:20], seed=1),
        "again": [again.value, again.error],
    }


@call(tolerance=1e-3)  # a fit and an optimiser: 1e-5 between processors
def rsmi_direct() -> Numbers:
    return rule_numbers(
        kd.rsmi.learn(critical(), mode="direct", model="bilinear", pairs=2000, **LEARN, **RUN)
    )


@call(tolerance=1e-4)  # an optimiser, from sampled starts
def rsmi_oracle() -> Numbers:
    rule = kd.rsmi.learn(critical(), mode="oracle", model="bilinear", pairs=500, **LEARN, **RUN)
    law = kd.rsmi.oracle(critical(), block=(2, 2), buffer=1, environments=500, threads=1)
    measured = law.measure(kd.blockspin.Majority(2, ties="random", dimension=2), 0.0, seed=1)
    return rule_numbers(rule) | {
        "measured": [measured.value, measured.error],
        "all": law.measure_all(seed=2).value,
    }


@call(tolerance=1e-3)  # an optimiser, on machines that noise has trained
def rsmi_proxy() -> Numbers:
    options = {
        "n_components": 4,
        "method": "cd",
        "sweeps": 1,
        "learning_rate": 0.05,
        "batch_size": 64,
        "n_iter": 3,
        "optimizer": "sgd",
        "centered": True,
        "momentum": 0.0,
        "init_scale": 0.01,
        "random_state": 0,
    }
    rule = kd.rsmi.learn(critical(), mode="proxy", model=options, pairs=1500, **LEARN, **RUN)
    return rule_numbers(rule)


@call(tolerance=1e-3)  # an optimiser, on machines that noise has trained
def rsmi_conditionals() -> Numbers:
    models = {
        "rbm": kd.rsmi.rbm_conditional(
            n_components=4,
            method="cd",
            sweeps=1,
            learning_rate=0.05,
            batch_size=64,
            n_iter=3,
            optimizer="sgd",
            centered=True,
            momentum=0.0,
            init_scale=0.01,
            random_state=0,
        ),
        "network": kd.rsmi.network_conditional(
            hidden_layer_sizes=(6,),
            max_iter=20,
            tol=10.0,
            n_iter_no_change=2,
            early_stopping=False,
            learning_rate_init=1e-3,
            batch_size=200,
            alpha=1e-4,
            solver="adam",
            random_state=0,
        ),
    }
    found: Numbers = {}
    for name, model in models.items():
        rule = kd.rsmi.learn(critical(), mode="certified", model=model, pairs=1000, **LEARN, **RUN)
        found |= {f"{name} {key}": values for key, values in rule_numbers(rule).items()}
    return found


@call(tolerance=1e-2)  # a flat maximum, and stochastic descent: 1e-3 between processors
def rsmi_flow() -> Numbers:
    majority = kd.blockspin.Majority(2, ties="random", dimension=2)
    fixed = kd.rsmi.flow(critical(16, 400), 2, rule=majority, seed=1)
    learned = kd.rsmi.flow(
        critical(16, 400),
        1,
        rule=None,
        mode="certified",
        model="bilinear",
        pairs=2000,
        **LEARN,
        **RUN,
    )
    nce = kd.rsmi.infonce(
        critical(),
        kd.rsmi.FilterRule(np.ones((1, 2, 2))),
        buffer=1,
        batch=100,
        batches=10,
        seed=2,
    )
    return {
        "correlation": fixed.correlation,
        "correlation error": fixed.correlation_error,
        "spins": fixed.configurations[-1],
        "filters": np.abs(learned.rules[0].filters),
        "correlations": kd.rsmi.correlations(critical(16, 400).configurations),
        "infonce": [nce.value, nce.error],
    }


@call(tolerance=1e-6)  # least squares
def rsmi_critical_point() -> Numbers:
    majority = kd.blockspin.Majority(2, ties="random", dimension=2)
    common = {
        "method": "swendsen-wang",
        "chains": 8,
        "spacing": 2,
        "equilibration": 50,
        "configurations": True,
    }
    runs = {
        L: [
            kd.ising.sample(square(L), T=T, n=n, seed=10 * L + i, **common, **RUN)
            for i, T in enumerate(2.27 * (1 + np.linspace(-1, 1, 5) / L))
        ]
        for L, n in ((8, 600), (16, 300), (32, 150))
    }
    same = [
        [
            kd.ising.sample(square(L), T=T, n=300, seed=i, **common, **RUN)
            for i, T in enumerate(grid)
        ]
        for L, grid in ((8, (2.1, 2.25, 2.4, 2.55)), (16, (2.1, 2.25, 2.4, 2.55)))
    ]
    collapse = kd.rsmi.collapse(
        [run for L in runs for run in runs[L]],
        [majority],
        blocks=4,
        window=2.0,
        degree=3,
        seed=1,
    )
    point = kd.rsmi.critical_point(*same, [majority, majority], degree=3, seed=1)
    return {
        "averages": collapse.averages,
        "errors": collapse.errors,
        "collapse": [collapse.T_c, collapse.nu, collapse.chi2],
        "point": [point.T_c, point.nu],
        "point errors": [point.T_c_error, point.nu_error],
    }


@call()
def rsmi_dimers() -> Numbers:
    run = kd.dimers.sample(
        8, n=400, T=np.inf, v=-1.0, boundary="periodic", winding=None, noise=None, **DIMERS, **RUN
    )
    E = kd.rsmi.multipoles((2, 2), 1, states=False)
    rule = kd.rsmi.FilterRule(E)
    return {
        "multipoles": kd.rsmi.multipoles((4, 4), 2, states=False),
        "fluxes": kd.rsmi.coarse_fluxes(run, rule),
        "overlaps": kd.rsmi.overlaps(rule, E, run),
    }


# Few samples and two equal directions: which maximum is found hangs on the last bit. Recorded for
# the sake of --bits; between processors only shape and type must agree.
@call(tolerance=10.0)
def rsmi_dimers_learned() -> Numbers:
    run = kd.dimers.sample(
        8, n=400, T=np.inf, v=-1.0, boundary="periodic", winding=None, noise=None, **DIMERS, **RUN
    )
    learned = kd.rsmi.learn(
        run, mode="certified", model="bilinear", pairs=1000, **LEARN | {"block": (1, 1)}, **RUN
    )
    return rule_numbers(learned)


@call()
def rsmi_optimality() -> Numbers:
    found = kd.rsmi.optimality([[1.0, 0.0], [1.0, 1.0], [0.5, -0.3]], 0.3, dimension=1, buffer=1)
    joint = np.random.default_rng(1).random((4, 5))
    law = kd.rsmi.joint_distribution(
        joint / joint.sum(), np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]], np.int8), (2,)
    )
    T = np.linspace(2.4, 4.0, 7)
    calibration = [
        kd.rsmi.torus(6, t, block=(2, 2), buffer=1, J=1.0).information(np.ones(4)) for t in T
    ]
    read = kd.rsmi.information_temperature(
        kd.rsmi.Information(0.5 * (calibration[2] + calibration[3]), 0.01, "exact"), T, calibration
    )
    return {
        "information": found.information,
        "retained": found.retained,
        "nearest": found.nearest,
        "rangeness": found.rangeness,
        "n_bodyness": found.n_bodyness,
        "of a joint": law.mutual_information,
        "thermometer": [read.mean, read.error],
    }


# ---------------------------------------------------------------------------------------- DMFT

DISCRETE: tuple[list[float], list[float]] = ([-0.6, -0.1, 0.3], [0.3, 0.2, 0.35])


def impurity(bath: Any = None, **changes: Any) -> Any:
    if bath is None:
        bath = kd.dmft.DiscreteBath(*DISCRETE)
    parameters = {"U": 2.0, "beta": 10.0, "eps": 0.1 - 1.0} | changes
    return kd.dmft.Impurity(bath=bath, **parameters)


def band(**changes: Any) -> Any:
    return impurity(kd.SemicircularBand(D=1.0), V=0.5, **{"eps": None} | changes)


def solution(found: Any, *, error: bool = False) -> Numbers:
    """With `error` where the solver's estimate is more than rounding errors."""
    numbers = {
        "G_iw": found.G_iw,
        "Sigma_iw": found.Sigma_iw,
        "Delta_iw": found.Delta_iw,
        "G_tau": found.G_tau,
        "n": found.n,
        "docc": found.docc,
        "Z": found.Z,
    }
    if found.log_Z is not None:
        numbers["log_Z"] = found.log_Z
    if error:
        numbers["error"] = found.error
    return numbers


def dmft(problem: Any, solver: str, **options: Any) -> Any:
    options = {"frequencies": 64, "seed": 5} | RUN | options
    return kd.dmft.solve(problem, solver=solver, **options)


@call()
def dmft_hubbard1() -> Numbers:
    return solution(dmft(impurity(), "hubbard1"))


@call()
def dmft_ed() -> Numbers:
    return solution(dmft(impurity(), "ed", sites=None, prune=1e-12, fit=None))


FIT: dict[str, Any] = {"frequencies": 32, "alpha": 1.0, "starts": 3, "symmetric": True}


@call(tolerance=1e-6)  # a fit of the bath
def dmft_ed_of_a_band() -> Numbers:
    return solution(dmft(band(), "ed", sites=3, prune=1e-12, fit=FIT), error=True)


@call()
def dmft_ftlm() -> Numbers:
    return solution(
        dmft(impurity(), "ftlm", sites=None, vectors=3, steps=30, exact=8, fit=None), error=True
    )


@call()
def dmft_lanczos() -> Numbers:
    found = dmft(
        impurity(beta=50.0),
        "lanczos",
        sites=None,
        ground_state=False,
        cut=1e-12,
        states=20,
        steps=60,
        fit=None,
    )
    return solution(found)


@call()
def dmft_ipt() -> Numbers:
    half = dmft(band(), "ipt", half_filling=None)
    away = dmft(impurity(), "ipt", half_filling=False)
    return solution(half) | {f"away {key}": values for key, values in solution(away).items()}


@call()
def dmft_nca() -> Numbers:
    found = dmft(band(), "nca", steps=None, tolerance=1e-9, real_axis=False)
    given = dmft(impurity(), "nca", steps=256, tolerance=1e-9)
    return solution(found) | {"given steps": given.G_iw}


@call(tolerance=1e-7)  # an iteration that ends within its tolerance
def dmft_nca_real_axis() -> Numbers:
    found = dmft(band(beta=5.0), "nca", steps=None, tolerance=1e-8, real_axis=True)
    return solution(found) | {"A": found.G_w.A, "Sigma_w": found.Sigma_w.values}


@call()
def dmft_nrg() -> Numbers:
    found = dmft(
        band(beta=50.0),
        "nrg",
        Lambda=4.0,
        keep=100,
        twists=2,
        scheme="zitko-pruschke",
        estimator="symmetric",
        broadening=0.4,
        omega=None,
    )
    return solution(found) | {"A": found.G_w.A, "Sigma_w": found.Sigma_w.values}


@call(tolerance=1e-6)  # a long product of determinant ratios, and averages that a fit refines
def dmft_cthyb() -> Numbers:
    found = dmft(
        impurity(beta=5.0),
        "cthyb",
        sweeps=4096,
        seconds=None,
        target=None,
        chains=2,
        equilibration=500,
        spacing=20,
        legendre=16,
        floor=None,
        checkpoint=None,
    )
    return solution(found, error=True)


@call()
def dmft_approximations() -> Numbers:
    names = ("hubbard1", "ipt", "ed-1", "ed-2")
    run = {"frequencies": 32, "seed": 5}
    return {
        f"{name} Sigma_iw": kd.dmft.approximate(impurity(eps=None), name, **run).Sigma_iw
        for name in names
    }


@call(tolerance=1e-5)  # an optimiser
def dmft_fit_bath() -> Numbers:
    w = kd.greens.matsubara(20.0, 64)
    G = kd.greens.GreenFunction([-0.8, -0.2, 0.1, 0.7], [0.3, 0.2, 0.2, 0.3], 20.0)
    problem = impurity(
        kd.dmft.MatsubaraBath(0.25 * G.iw(64), (0.25, 0.25 * G.moments(2)[1])), beta=20.0
    )
    found = kd.dmft.fit_bath(
        problem, 3, frequencies=48, alpha=1.0, starts=3, symmetric=False, start=None, seed=2
    )
    return {
        "w": w,
        "e": sorted(found.bath.e),
        "weight": found.bath.weight,
        "chi2": found.chi2,
        "used": found.used,
    }


LOOP: dict[str, Any] = {
    "start": "metal",
    "D": 1.0,
    "mixing": "anderson",
    "share": 0.5,
    "tolerance": 1e-6,
    "max_iterations": 100,
    "frequencies": 128,
    "seed": 3,
}


def loop_numbers(loop: Any) -> Numbers:
    return {
        "G_iw": loop.solution.G_iw,
        "Sigma_iw": loop.solution.Sigma_iw,
        "Z": loop.Z,
        "docc": loop.docc,
        "n": loop.n,
        "eps": loop.eps + 0.5 * loop.solution.problem.U,
        "iterations": loop.iterations,
        "residuals": loop.history["residual"],
        "metal": loop.is_metallic,
    }


@call()
def bethe_ipt() -> Numbers:
    return loop_numbers(kd.dmft.bethe(U=2.0, beta=20.0, solver="ipt", eps=None, **LOOP, **RUN))


@call()
def bethe_linear_insulator() -> Numbers:
    options = LOOP | {"mixing": "linear", "start": "insulator", "tolerance": 1e-4}
    return loop_numbers(kd.dmft.bethe(U=4.0, beta=20.0, solver="ipt", eps=None, **options, **RUN))


@call(tolerance=1e-6)  # the chemical potential is searched for
def bethe_filling() -> Numbers:
    options = LOOP | {"frequencies": 64, "tolerance": 1e-4, "mixing": "linear", "share": 1.0}
    return loop_numbers(kd.dmft.bethe(U=1.0, beta=10.0, solver="hubbard1", n=0.9, **options, **RUN))


@call(tolerance=1e-5)  # a fit of the bath at every iteration
def bethe_ed() -> Numbers:
    loop = kd.dmft.bethe(
        U=2.0,
        beta=20.0,
        solver="ed",
        eps=None,
        sites=3,
        prune=1e-12,
        fit=FIT,
        **LOOP | {"tolerance": 1e-4, "frequencies": 64},
        **RUN,
    )
    return loop_numbers(loop)


@call()
def bethe_nca() -> Numbers:
    return loop_numbers(
        kd.dmft.bethe(
            U=3.0,
            beta=10.0,
            solver="nca",
            eps=None,
            tolerance=1e-4,
            steps=None,
            **{k: v for k, v in LOOP.items() if k != "tolerance"},
            **RUN,
        )
    )


@call(tolerance=1e-6)  # the real axis, self-consistent
def bethe_nrg() -> Numbers:
    loop = kd.dmft.bethe(
        U=1.5,
        beta=50.0,
        solver="nrg",
        eps=None,
        Lambda=4.0,
        keep=80,
        twists=1,
        scheme="zitko-pruschke",
        estimator="symmetric",
        broadening=0.5,
        omega=None,
        **LOOP | {"tolerance": 2e-2, "mixing": "linear", "share": 1.0, "max_iterations": 20},
        **RUN,
    )
    return loop_numbers(loop) | {"A": loop.solution.G_w.A}


@call()
def dmft_hysteresis() -> Numbers:
    found = kd.dmft.hysteresis(
        [2.2, 2.6, 3.0],
        beta=50.0,
        solver="ipt",
        detuning=0.0,
        **{k: v for k, v in LOOP.items() if k != "start"} | {"tolerance": 1e-5},
        **RUN,
    )
    return {
        "U": found.U,
        "Z": found.Z,
        "docc": found.docc,
        "iterations": [loop.iterations for loop in (*found.metal, *found.insulator)],
    }


@call()
def dmft_phases() -> Numbers:
    found = kd.dmft.phase_diagram(
        [0.02],
        solver="ipt",
        U=(2.0, 3.6),
        width=0.2,
        progress=False,
        **{k: v for k, v in LOOP.items() if k != "start"} | {"tolerance": 1e-4},
    )
    return {"U_c1": found.U_c1, "U_c2": found.U_c2, "coexists": found.coexists}


@cache
def database() -> Any:
    return kd.dmft.database(
        40,
        inputs=("hubbard1", "ed-1"),
        target="ed-2",
        beta=[5.0],
        U=(1.0, 6.0),
        D=(1.0, 4.0),
        detuning=(-1.0, 1.0),
        bath_sites=2,
        rule="bethe",
        bath="random",
        partners=False,
        frequencies=64,
        times=21,
        seed=2,
        first=0,
        options=None,
        path=None,
        chunk=None,
        retry=0,
        progress=False,
    )


@call()
def dmft_database() -> Numbers:
    found = database()
    train, test = found.split(0.25, seed=1)
    return {
        "U": found.U,
        "e": found.e,
        "V": found.V,
        "Sigma": found.Sigma["ed-2"],
        "Sigma of the input": found.Sigma["hubbard1"],
        "G_tau": found.G_tau["ed-2"],
        "n": found.n["ed-2"],
        "docc": found.docc["ed-2"],
        "split": np.concatenate([train.index, test.index]),
    }


@call(tolerance=1e-2)  # settings are searched for on a flat loss: 1e-4 between processors
def dmft_learning() -> Numbers:
    train, test = database().split(0.25, seed=1)
    found: Numbers = {}
    for target, model in (("log", "kernel ridge"), ("Sigma3", "kernel ridge")):
        learned = kd.dmft.learn(
            train,
            inputs=None,
            target=target,
            model=model,
            members=3,
            calibration=0.2,
            outside="fallback",
            reach=2.0,
            exact=None,
            settings=None,
            seed=1,
        )
        judged = kd.dmft.report(learned, test)
        found |= {
            f"{target} dSigma": np.concatenate(list(judged.dSigma.values())),
            f"{target} dZ": np.concatenate(list(judged.dZ.values())),
            f"{target} covered": judged.covered,
            f"{target} Sigma_iw": kd.dmft.solve(
                test.impurity(1, 0), solver=learned, frequencies=32, seed=1, **RUN
            ).Sigma_iw,
        }
    return found


@call(tolerance=1e-2)  # as above
def dmft_learning_models() -> Numbers:
    train, test = database().split(0.25, seed=1)
    options: dict[str, Any] = {
        "inputs": None,
        "members": 2,
        "calibration": 0.2,
        "outside": "flag",
        "reach": 2.0,
        "exact": "ed-2",
        "settings": None,
        "seed": 1,
    }
    learned = kd.dmft.learn(train, target="residual", model="gaussian process", **options)
    sample = learned.sample(test.impurity(1, 0))
    predicted = learned.predict(sample)
    curve = kd.dmft.learning_curve(
        train, test, [20, 30], target="log", model="kernel ridge", **options
    )
    return {
        "hartree": predicted.Sigma.hartree,
        "error": np.array([predicted.error68, predicted.error95]),
        "distance": predicted.distance,
        "curve": curve.dSigma,
        "samples": curve.samples,
    }


@call(tolerance=1e-5)  # fits of baths, and regressions
def dmft_certificate() -> Numbers:
    loop = kd.dmft.bethe(
        U=2.0, beta=10.0, solver="ipt", eps=None, **LOOP | {"frequencies": 64}, **RUN
    )
    found = kd.dmft.certify(loop, exact="ed-2", D=1.0, polish=False, tolerance=1e-3, seed=0)
    return {"distance": found.distance, "dZ": found.dZ, "Sigma_iw": found.exact.Sigma_iw}


# ----------------------------------------------------------------------------- Green functions


@call()
def greens_poles() -> Numbers:
    G = kd.greens.GreenFunction([-1.2, -0.3, 0.2, 0.9], [0.3, 0.2, 0.1, 0.4], 10.0)
    tau = kd.greens.chebyshev_times(10.0, 33)
    return {
        "tau": tau,
        "G_tau": G.tau(tau),
        "G_iw": G.iw(32),
        "G_w": G.w(np.linspace(-2, 2, 21), 0.1),
        "A": G.spectrum(np.linspace(-2, 2, 21), 0.1),
        "moments": G.moments(4),
        "occupation": G.occupation,
        "merged": G.merged(0.6).energies,
        "Gauss": np.concatenate(kd.greens.gauss_poles([1.0, 0.1, 0.7, 0.2])),
        "Pade": np.concatenate(kd.greens.fermi_poles(8)),
    }


@call(tolerance=1e-8)  # coefficients fall to rounding errors
def greens_transforms() -> Numbers:
    beta, tau = 10.0, np.linspace(0, 10.0, 21)
    G = kd.greens.GreenFunction([-1.2, -0.3, 0.2, 0.9], [0.3, 0.2, 0.1, 0.4], beta)
    legendre = kd.greens.LegendreSeries.of(G.tau, beta, 24, tolerance=1e-13, noise=0.0)
    chebyshev = kd.greens.ChebyshevFunction.of(G, 33)
    matsubara = kd.greens.MatsubaraFunction(G.iw(64), beta, tuple(G.moments(3)))
    w = np.linspace(-3, 3, 121)
    real = kd.greens.RealAxisFunction.of_spectrum(w, np.exp(-(w**2)), beta)
    return {
        "legendre": legendre.coefficients,
        "legendre G_iw": legendre.iw(32),
        "legendre jump": legendre.jump,
        "chebyshev G_tau": chebyshev.tau(tau),
        "chebyshev G_iw": chebyshev.iw(32),
        "matsubara G_tau": matsubara.tau(tau),
        "matsubara G_iw": matsubara.iw(100),
        "tail": kd.greens.tail_moments(G.iw(64), beta, 4),
        "transform": kd.greens.legendre_to_matsubara(8, 8),
        "real G_iw": real.iw(16),
        "real G_tau": real.tau(tau),
        "real norm": real.norm,
    }


@call(tolerance=1e-8)  # a basis from singular values
def greens_intermediate() -> Numbers:
    G = kd.greens.GreenFunction([-1.2, -0.3, 0.2, 0.9], [0.3, 0.2, 0.1, 0.4], 10.0)
    series = kd.greens.IntermediateSeries.of(G, 3.0, tolerance=1e-8)
    return {
        "size": series.coefficients.size,
        "G_tau": series.tau(np.linspace(0, 10.0, 11)),
        "G_iw": series.iw(16),
    }


# ---------------------------------------------------------------------------- sweep and store


def _point(U: float, beta: float) -> Numbers:
    loop = kd.dmft.bethe(U=U, beta=beta, solver="ipt", eps=None, **LOOP, **RUN)
    return {"Z": loop.Z, "Sigma": loop.solution.Sigma_iw[:4]}


@call()
def sweep_and_store() -> Numbers:
    points = {"U": [1.0, 2.0], "beta": [10.0, 20.0]}
    with tempfile.TemporaryDirectory() as folder:
        store = kd.Store(folder, kind="fingerprint", version=1, settings={"eps": 0.0}, suffix="npz")
        first = kd.sweep(_point, points, store=store, executor=None, retry=0, progress=False)
        again = kd.sweep(_point, points, store=store, executor=None, retry=0, progress=False)
        loaded = store.load({"U": 2.0, "beta": 10.0})
        content = store.digest()
    return {
        "Z": [float(result["Z"]) for result in first.results],
        "Sigma": np.array([result["Sigma"] for result in again.results]),
        "loaded": loaded["Sigma"],
        "computed": [first.computed, again.computed],
        "key": kd.store.key({"U": 2.0, "beta": 10.0}),
        "length of the digest": len(content),
    }
