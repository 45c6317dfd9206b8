import copy
import dataclasses
import math
import pickle

import numpy as np
import pytest

from kadanoff import nrg
from kadanoff._base.splines import cubic
from kadanoff.bands.densities import SemicircularBand
from kadanoff.impurities.models import AndersonModel, DoubleQuantumDot, KondoModel, Model
from kadanoff.impurities.symmetry.multiplets import SYMMETRIES, largest_symmetry
from tests.paths import REFERENCE as REFERENCE_DATA

ROUNDING = 1e-14
LN2 = math.log(2)
PLAIN = {"scheme": "wilson", "threads": 1}  # the chain of the reference
REFERENCE = REFERENCE_DATA / "nrg/thermo_ddot_U0.5_JSW0.2.csv"

MODELS = [
    DoubleQuantumDot(U=0.5, J_sw=0.2),
    DoubleQuantumDot(U=0.5, V=0.1, eps=-0.2, field=0.01, t_12=0.05, D=2.0),
    DoubleQuantumDot(U=-0.3, Gamma=0.1, band=SemicircularBand(D=1.5)),
]
each_model = pytest.mark.parametrize("model", MODELS, ids=repr)


def hamiltonian(model):
    return sum(coefficient * operator.matrix for _, coefficient, operator in model.terms())


def at(run, curve, T):
    return cubic(np.log(run.T[::-1]), curve[::-1], np.log(T))


# -------------------------------------------------------------------------------------- the model


@each_model
def test_models_are_data(model):
    assert isinstance(model, Model)
    assert eval(repr(model)) == model
    assert hash(eval(repr(model))) == hash(model)
    assert pickle.loads(pickle.dumps(model)) == copy.copy(model) == model
    with pytest.raises(dataclasses.FrozenInstanceError):
        model.t_12 = 1.0
    assert all(operator.space == model.space for operator in model.observables.values())
    assert (model.impurity_dimension, model.impurity_entropy_max) == (16, pytest.approx(4 * LN2))


def test_hamiltonian_is_the_one_of_the_paper():
    U, V, eps, field, t_12 = 0.7, 0.2, -0.1, 0.03, 0.05
    model = DoubleQuantumDot(U=U, V=V, eps=eps, field=field, t_12=t_12)
    space = model.space
    H = t_12 * space.hop("1", "2")
    for dot in ("1", "2"):
        H += eps * space.n(dot) + U * space.n(dot, "up") * space.n(dot, "dn")
        H += V * space.hop(dot, "f0") + field * space.S(dot).z
    np.testing.assert_allclose(hamiltonian(model), H.matrix, atol=ROUNDING)


@each_model
def test_derivatives_are_those_of_the_hamiltonian(model):
    eps = {} if model.eps_follows_U else {"eps": model.eps}
    model = DoubleQuantumDot(
        U=model.U, V=model.V, field=model.field, t_12=model.t_12, band=model.band, **eps
    )
    step = 1e-3  # H is linear in every parameter
    for name, value in model.parameters.items():
        assert getattr(model, name) == value
        plus, minus = (model.replace(**{name: value + sign * step}) for sign in (1, -1))
        slope = (hamiltonian(plus) - hamiltonian(minus)) / (2 * step)
        np.testing.assert_allclose(slope, model.derivative(name).matrix, atol=1e-11)
    with pytest.raises(ValueError, match=r"t_12.*got 'J'"):
        model.derivative("J")


def test_couplings_are_those_of_a_dot():
    model, single = (kind(U=0.5, J_sw=0.2) for kind in (DoubleQuantumDot, AndersonModel))
    assert (model.V, model.Gamma, model.J_sw) == (single.V, single.Gamma, single.J_sw)
    scaled = model.replace(t_12=0.1).rescaled(1.5)
    assert scaled == DoubleQuantumDot(U=0.5, J_sw=0.2 * 1.5, t_12=0.1)
    assert model.replace(V=0.1).replace(U=0.6) == DoubleQuantumDot(U=0.6, V=0.1)


def test_observables_are_sums_over_the_dots():
    space, op = MODELS[0].space, MODELS[0].observables
    assert op["n_d"] == op["n_1"] + op["n_2"] == space.n("1") + space.n("2")
    assert op["hyb"] == MODELS[0].derivative("V")
    S_z = space.S("1").z + space.S("2").z
    assert op["S_z"] == S_z
    two_singles = space.n("1") - 2 * space.n("1", "up") * space.n("1", "dn")
    two_singles += space.n("2") - 2 * space.n("2", "up") * space.n("2", "dn")
    S_d = space.S("1") + space.S("2")
    square = S_d.z * S_d.z + (S_d.plus * S_d.minus + S_d.minus * S_d.plus) / 2
    difference = square - 2 * op["S_1.S_2"] - 0.75 * two_singles
    np.testing.assert_allclose(difference.matrix, 0, atol=ROUNDING)


def test_symmetries():
    plain = MODELS[0]
    assert largest_symmetry(plain) == ("SU2", "SU2")
    assert largest_symmetry(plain.replace(t_12=0.01)) == ("U1", "SU2")  # a triangle
    assert largest_symmetry(plain.replace(eps=-0.2)) == ("U1", "SU2")
    assert largest_symmetry(plain.replace(field=0.1)) == ("U1", "U1")


@pytest.mark.parametrize("name", ["U", "V", "eps", "field", "t_12", "D"])
def test_bad_numbers_are_refused(name):
    for bad, error in ((True, TypeError), (1j, TypeError), (math.nan, ValueError)):
        with pytest.raises(error, match=name):
            DoubleQuantumDot(**({"U": 0.5, "V": 0.1} | {name: bad}))


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="exactly one of V, Gamma and J_sw"):
        DoubleQuantumDot(U=0.5)
    with pytest.raises(ValueError, match="V must be at least 0"):
        DoubleQuantumDot(U=0.5, V=-0.1)
    with pytest.raises(ValueError, match="needs U > 0"):
        DoubleQuantumDot(U=0.0, J_sw=0.1)
    with pytest.raises(TypeError, match="no argument 't12'; did you mean 't_12'"):
        MODELS[0].replace(t12=0.1)
    for kind in (AndersonModel, DoubleQuantumDot):
        with pytest.raises(TypeError, match=rf"^{kind.__name__}\(\) takes 2 positional arguments"):
            kind(0.5, 0.1)
        with pytest.raises(TypeError, match=rf"^{kind.__name__}\(\) missing 1 required .* 'U'"):
            kind()


# ----------------------------------------------------------------------------------- its physics


@pytest.fixture(scope="module")
def run():
    names = ["S_1.S_2", "S_d.S_0", "n_d", "docc"]
    return nrg.solve(DoubleQuantumDot(U=0.5, J_sw=0.2), keep=3000, observables=names, **PLAIN)


@pytest.fixture(scope="module")
def spin_one():
    model = KondoModel(J=0.16645, spin=1)
    return nrg.solve(model, keep=3000, observables=["S_d.S_0"], **PLAIN)


@pytest.fixture(scope="module")
def reference():
    return np.loadtxt(REFERENCE, delimiter=",", skiprows=5, unpack=True)


def test_reference_curve_with_its_own_truncation(reference):
    """The 1600 multiplets in (Q, S) of the reference, which leaves discarded states out."""
    T, entropy, T_chi = reference
    result = nrg.solve(
        DoubleQuantumDot(U=0.5, J_sw=0.2),
        keep=None,
        keep_multiplets=1600,
        symmetry=("U1", "SU2"),
        complete=False,
        sites=24,
        **PLAIN,
    )
    # What is left is the cubic in ln T between the temperatures of both, 1e-5 below T = 0.01.
    inside = (result.T[0] >= T) & (30 * result.T[-1] < T)
    assert inside.sum() > 40
    S = at(result, result.entropy, T[inside])
    X = at(result, result.T_chi, T[inside])
    assert np.abs(S - entropy[inside]).max() < 1e-4 * LN2
    assert np.abs(X - T_chi[inside]).max() < 5e-5


def test_reference_curve(run, reference):
    """Above T = 0.03 the reference misses its discarded states, by up to 0.03 ln 2."""
    T, entropy, T_chi = reference
    for low, high, tolerance in ((run.T[-1], 0.03, 1e-3), (0.03, run.T[0], 0.03)):
        inside = (low <= T) & (high >= T)
        S, X = at(run, run.entropy, T[inside]), at(run, run.T_chi, T[inside])
        assert np.abs(S - entropy[inside]).max() < tolerance * LN2
        assert np.abs(X - T_chi[inside]).max() < tolerance


def test_below_the_exchange_scale_it_is_a_spin_1_kondo_model(run, spin_one):
    """The J of the reference has five digits; at T = 1e-4 U charge fluctuations leave 1e-4."""
    low = run.T < 1e-4 * 0.5
    assert np.abs(run.entropy - spin_one.entropy)[low].max() < 1.5e-4
    assert np.abs(run.T_chi - spin_one.T_chi)[low].max() < 1e-4
    assert np.abs(run.entropy - spin_one.entropy)[run.T < 1e-5].max() < 3e-5
    assert np.abs(run.entropy - spin_one.entropy)[run.T > 1e-2].min() > 0.1


def test_entropy_falls_from_ln_16_to_ln_2(run):
    assert at(run, run.entropy, [1.0])[0] == pytest.approx(math.log(16), rel=0.02)  # T = 2 U
    assert at(run, run.entropy, [0.01])[0] == pytest.approx(2 * LN2, rel=0.01)  # two free spins
    plateau = at(run, run.entropy, np.geomspace(2e-4, 1e-4, 5))  # a spin 1
    np.testing.assert_allclose(plateau, math.log(3), rtol=0.03)
    assert run.entropy[-1] == pytest.approx(LN2, rel=2e-3)  # a spin 1/2
    # the residual spin decouples as 1 / ln T
    assert 0 < run.T_chi[-1] - 0.25 < 0.02
    assert np.all(np.diff(run.T_chi[run.T < 1e-6]) < 0)


def test_the_dots_align_and_the_band_screens_them(run, spin_one):
    zero = {name: values[-1] for name, values in run.expectations.items()}
    assert zero["n_d"] == pytest.approx(2.0, abs=1e-12)
    assert 0.2 < zero["S_1.S_2"] < 0.25  # 1/4 for a full triplet
    # Gibbs, Bogoliubov, Feynman: the effective model underestimates the correlator.
    assert spin_one.expectations["S_d.S_0"][-1] < zero["S_d.S_0"] < 0


def test_without_interaction_one_orbital_is_free():
    """(d_1 + d_2)/sqrt(2) hybridises by sqrt(2) V, (d_1 - d_2)/sqrt(2) is a free orbital."""
    V, sites = 0.1, 4
    options = {"keep": 10**4, "sites": sites, "threads": 1}  # nothing is cut
    both = nrg.solve(DoubleQuantumDot(U=0.0, V=V), **options)
    bonding = nrg.solve(AndersonModel(U=0.0, V=math.sqrt(2) * V), **options)
    np.testing.assert_allclose(both.entropy, bonding.entropy + 2 * LN2, atol=1e-10)
    np.testing.assert_allclose(both.T_chi, bonding.T_chi + 1 / 8, atol=1e-10)


def test_hopping_between_the_dots_splits_the_free_orbital():
    """At U = 0 the levels are +t_12 (hybridised by sqrt(2) V) and -t_12."""
    V, t = 0.1, 0.3
    options = {"keep": 10**4, "sites": 4, "threads": 1, "symmetry": SYMMETRIES[1]}
    both = nrg.solve(DoubleQuantumDot(U=0.0, V=V, t_12=t), **options)
    bonding = nrg.solve(AndersonModel(U=0.0, V=math.sqrt(2) * V, eps=t), **options)
    T = np.geomspace(0.03, 3, 9)
    both, bonding = (run.levels[0].averages(3, T) for run in (both, bonding))  # no interpolation
    x = t / T
    free = 2 * (np.log1p(np.exp(-x)) + x / (np.exp(x) + 1))
    np.testing.assert_allclose(both.entropy, bonding.entropy + free, atol=1e-10)
