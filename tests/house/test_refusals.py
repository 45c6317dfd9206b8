"""Calls that once ended in an AttributeError or an abort, or were accepted unseen, are refused.

Each is the smallest one of its kind; `tests/fuzz` looks for others.
"""

import math

import numpy as np
import pytest

import kadanoff as kd

MASKED = np.ma.MaskedArray(np.ones((4, 4)), np.eye(4))
BATH = kd.dmft.DiscreteBath([-0.3, 0.3], [0.2, 0.2])
IMPURITY = kd.dmft.Impurity(U=1.0, eps=-0.5, beta=10.0, bath=BATH)
MACHINE = kd.rbm.Machine.random(4, 3, seed=1)
BITS = np.tile([[0, 0, 1], [1, 1, 0]], (4, 1))
GENERATOR = np.random.default_rng(1)
SPINS = np.ones((3, 8, 8), np.int8)

CALLS = {
    # an object of another kind
    "space": lambda: kd.operators.Operator(3, np.eye(2)),
    "a": lambda: kd.operators.dot(3, 3),
    "problem": lambda: kd.dmft.fit_bath(3, 2),
    "start": lambda: kd.dmft.fit_bath(IMPURITY, 2, start=3),
    "joint": lambda: kd.rsmi.maximise(3),
    "rule": lambda: kd.rsmi.infonce(SPINS, rule=3),
    "G": lambda: kd.greens.ChebyshevFunction.of(3, 9),
    "chain": lambda: kd.blockspin.refine(3),
    "even": lambda: kd.blockspin.mcrg(SPINS, even="3", steps=1),
    "samples": lambda: kd.dimers.stiffness(3),
    "Lx": lambda: kd.dimers.parity("3", 4),
    "moments": lambda: kd.greens.gauss_poles(3),
    "configurations": lambda: kd.rsmi.correlations(3),
    "U": lambda: kd.dmft.hysteresis(3, beta=20.0),
    # a word that is none of the allowed
    "boundary": lambda: kd.dimers.is_covering(np.zeros((4, 4), int), boundary="opne"),
    "boundary ": lambda: kd.dimers.flippable(np.zeros((4, 4), int), boundary=None),
    "name": lambda: kd.ising.scan(L=4, T=[2.0], n=8, progress=False).mean("enrgy"),
    # not looked at
    "seed": lambda: kd.dmft.solve(IMPURITY, solver="ed", seed=object()),
    "seed ": lambda: kd.dmft.solve(IMPURITY, solver="nca", seed=object()),
    " frequencies": lambda: kd.dmft.solve(IMPURITY, frequencies=10**9),
    "J": lambda: kd.kondo_scales.anderson_kondo_temperature(0.5, 2**40),
    "observable": lambda: kd.effective.learn(
        kd.KondoModel(J=0.2), kd.AndersonModel(U=0.5, J_sw=0.25), T=1e-2, observable=object()
    ),
    "partners": lambda: kd.dmft.database(partners="no"),
    "compress": lambda: kd.blockspin.rbm_to_mps(MACHINE, compress=object()),
    "states": lambda: kd.rsmi.multipoles(states=object()),
    "log_Z": lambda: MACHINE.log_likelihood(np.zeros((1, 4)), log_Z=math.nan),
    "log_Z ": lambda: MACHINE.log_likelihood(np.zeros((1, 4)), log_Z="3"),
    "f": lambda: kd.blockspin.walsh([math.nan, 1]),
    "moments ": lambda: kd.greens.gauss_poles([math.nan, 1]),
    # counts beyond all use
    "frequencies": lambda: kd.dmft.approximate(IMPURITY, "ed-1", frequencies=2**63),
    "frequencies ": lambda: kd.dmft.approximate(IMPURITY, "ed-1", frequencies="3"),
    "count": lambda: kd.greens.matsubara(10.0, 2**63),
    "count ": lambda: kd.greens.chebyshev_times(10.0, 2**40),
    "points": lambda: kd.kondo_mapping(points=2**63),
    "levels": lambda: kd.blockspin.block_spins(SPINS, levels=2**63),
    "first": lambda: kd.dmft.database(first=2**63),
    "threads": lambda: kd.ising.enumerate_states(3, threads=3000),
    "gap": lambda: kd.nrg.solve(kd.KondoModel(J=0.4), gap=10.0, sites=8, keep=60),
    "U ": lambda: kd.dmft.bethe(U=1e300, beta=20.0),
    "aspect": lambda: kd.dimers.flux_stiffness(1.0, aspect=0.0),
    "sweeps": lambda: kd.RBM(2, sweeps=2**40).fit(BITS),
    "n_iter": lambda: kd.RBM(2, n_iter=2**40).fit(BITS),
    "temperatures": lambda: kd.RBM(2, temperatures=2**63).fit(BITS),
    "n_components": lambda: kd.RBM(10**11).fit(BITS),
    "hidden_layer_sizes": lambda: kd.DeepRBM((10**11,)).fit(BITS),
    "n": lambda: kd.ising.Simulation(L=4, T=2.0).sweep(2**40),
    # numbers that overflow inside, or never end
    "init_scale": lambda: kd.RBM(2, init_scale=1e300).fit(BITS),
    "alpha": lambda: kd.dmft.fit_bath(IMPURITY, 1, alpha=2**40),
    "U   ": lambda: kd.dmft.hysteresis([1.0, 1e300], beta=20.0, solver="ipt"),
    "U    ": lambda: kd.dmft.bethe(U=2**40, beta=20.0, solver="hubbard1"),
    "eps": lambda: kd.dmft.bethe(U=1.0, eps=2**40, beta=20.0, solver="hubbard1"),
    "width": lambda: kd.dmft.phase_diagram([0.02], width=1e-300),
    # an array where "is it one of these" has no answer
    "half_filling": lambda: kd.dmft.bethe(U=1.0, beta=20.0, solver="ipt", half_filling=np.ones(2)),
    "fit": lambda: kd.dmft.approximate(IMPURITY, "ed-1", fit=np.ones(2)),
    # fields of a dataclass that its __post_init__ does not look at
    "E_0": lambda: kd.self_learning.PairModel(J=(1.0, 0.0, 0.0), E_0="3"),
    "explained": lambda: kd.self_learning.PairModel(J=(1.0, 0.0, 0.0), explained=object()),
    "J ": lambda: kd.self_learning.PairModel(J=3.0),
    "bath": lambda: kd.dmft.Impurity(U=1.0, beta=10.0, bath=np.array(["a", "b"]), eps=None),
    # a function that is prepared and called later
    "method": lambda: kd.rsmi.rbm_conditional(method=0.5),
    "learning_rate": lambda: kd.rsmi.rbm_conditional(learning_rate="3"),
    "activation": lambda: kd.rsmi.network_conditional(activation=True),
    "random_state": lambda: kd.rsmi.network_conditional(random_state=object()),
    # inner methods that are public
    "sites": lambda: kd.rsmi.DimerStates([[[0, 2]]]).columns(slice(None), np.array([2**40])),
    "rows": lambda: kd.rsmi.DimerStates([[[0, 2]]]).columns(0.5, np.array([0])),
    "configurations  ": lambda: kd.blockspin.Majority().draw(3, GENERATOR),
    "configurations   ": lambda: kd.blockspin.Decimation().draw(np.ones((2, 4, 1, 3)), GENERATOR),
    "rng": lambda: kd.blockspin.Decimation().draw(SPINS, object()),
    "h": lambda: MACHINE.visible_mean(0),
    "units": lambda: kd.blockspin.rbm_to_mps(MACHINE, units=0.5),
    "classes": lambda: kd.ising.enumerate_states(3, classes=[[(0, 1)]]),
    # a mask would be lost
    "spins": lambda: kd.ising.Ising((4, 4)).energy(MASKED),
    "w": lambda: kd.FlatBand().density(MASKED),
    "series": lambda: kd.statistics.estimate(MASKED[0]),
    "X": lambda: kd.RBM(2, n_iter=1).fit(MASKED),
    "rho": lambda: kd.TabulatedBand([-1.0, 0.0, 0.5, 1.0], MASKED[0]),
    "configurations ": lambda: kd.blockspin.block_spins(MASKED),
}


@pytest.mark.parametrize("argument", CALLS)
def test_a_refusal_names_the_argument(argument):
    with pytest.raises(
        (TypeError, ValueError, MemoryError), match=rf"(?<!\w){argument.strip()}(?!\w)"
    ):
        CALLS[argument]()
