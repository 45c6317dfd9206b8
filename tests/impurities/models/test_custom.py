import copy
import dataclasses
import math
import pickle
import subprocess
import sys

import numpy as np
import pytest

import kadanoff as kd
from kadanoff.bands.densities import FlatBand, FunctionBand, SemicircularBand
from kadanoff.impurities.models import Model
from kadanoff.impurities.models.base import bath_degrees
from kadanoff.impurities.models.operators import (
    BATH,
    SECOND_BATH,
    THIRD_BATH,
    Operator,
    Orbital,
    Space,
    Spin,
    dot,
)
from kadanoff.impurities.nrg.levels import clean_chain
from kadanoff.impurities.symmetry.multiplets import SYMMETRIES, initial_cluster, largest_symmetry

ROUNDING = 1e-12  # some tens of operations on numbers of order one

DOT = Space([Orbital("d"), BATH])
UP, DN = DOT.n("d", "up"), DOT.n("d", "dn")
EXCHANGE = dot(DOT.S("d"), DOT.S("f0"))


def repulsion(space, name):
    return (space.n(name, "up") - 0.5) * (space.n(name, "dn") - 0.5)


def anderson(U=0.5, V=0.125):
    """As in a textbook: eps = -U/2 only cancels in the sum of the two terms."""
    return kd.ImpurityModel(
        DOT,
        {"U": (U, UP * DN), "eps": (-U / 2, DOT.n("d")), "V": (V, DOT.hop("d", "f0"))},
        observables={"docc": UP * DN, "S_d.S_0": EXCHANGE},
    )


def kondo(J=0.2, spin=0.5):
    space = Space([Spin("d", spin=spin), BATH])
    exchange = dot(space.S("d"), space.S("f0"))
    return kd.ImpurityModel(space, {"J": (J, exchange)}, observables={"S_d.S_0": exchange})


def double_dot(U=0.5, V=0.1):
    space = Space([Orbital("left"), Orbital("right"), BATH])
    sides = ("left", "right")
    total = space.S("left") + space.S("right")
    return kd.ImpurityModel(
        space,
        {
            "U": (U, sum(repulsion(space, side) for side in sides)),
            "V": (V, sum(space.hop(side, "f0") for side in sides)),
        },
        observables={
            "docc": sum(space.n(side, "up") * space.n(side, "dn") for side in sides),
            "S_d.S_0": dot(total, space.S("f0")),
        },
    )


PAIRS = [
    (anderson(), kd.AndersonModel(U=0.5, V=0.125)),
    (kondo(), kd.KondoModel(J=0.2)),
    (kondo(spin=1), kd.KondoModel(J=0.2, spin=1)),
    (double_dot(), kd.DoubleQuantumDot(U=0.5, V=0.1)),
]
each_pair = pytest.mark.parametrize(("own", "builtin"), PAIRS, ids=lambda m: type(m).__name__)


# ----------------------------------------------------------------------- the same as the built-in


def constant(model):
    """The part of H_0 that the user's version leaves out: tr H_0 / d."""
    return sum(c * np.trace(o.matrix) for _, c, o in model.terms()) / model.space.dimension


@each_pair
@pytest.mark.parametrize("symmetry", SYMMETRIES)
def test_seeds_are_those_of_the_built_in_models(own, builtin, symmetry):
    mine, theirs = (
        initial_cluster(m, symmetry, observables=list(own.observables)) for m in (own, builtin)
    )
    assert largest_symmetry(own) == SYMMETRIES[0]
    assert mine.labels.tolist() == theirs.labels.tolist()
    assert mine.reflection_names == theirs.reflection_names
    for a, b in zip(mine.energies, theirs.energies, strict=True):
        np.testing.assert_allclose(a - constant(own), b - constant(builtin), atol=ROUNDING)


@each_pair
@pytest.mark.parametrize("chain", [{}, {"scheme": "wilson", "A_Lambda": True}])
def test_levels_are_those_of_the_built_in_models(own, builtin, chain):
    options = {"keep": 300, "T_min": 1e-9, "threads": 1, **chain}
    names = list(own.observables)
    mine, theirs = (kd.nrg.solve(model, observables=names, **options) for model in (own, builtin))
    assert mine.symmetry == theirs.symmetry == SYMMETRIES[0]
    # Rounding of H_0 may grow by sqrt(Lambda) a shell, to 1e-16 * 2.5^24 = 4e-7; 5e-13 measured.
    np.testing.assert_allclose(mine.flow()[0], theirs.flow()[0], atol=1e-10)
    np.testing.assert_allclose(mine.entropy, theirs.entropy, atol=1e-10)
    for name in names:
        np.testing.assert_allclose(mine.expectations[name], theirs.expectations[name], atol=1e-10)


def test_a_band_that_is_not_normalised_multiplies_the_coupling():
    wide = FunctionBand(lambda w: 0 * w + 2.0, D=1.0)
    own = kd.ImpurityModel(DOT, {"U": (0.5, repulsion(DOT, "d")), "V": (0.1, DOT.hop("d", "f0"))})
    options = {"keep": 100, "sites": 8, "threads": 1}
    mine = kd.nrg.solve(own.replace(band=wide), **options)
    theirs = kd.nrg.solve(kd.AndersonModel(U=0.5, V=0.2), **options)
    np.testing.assert_allclose(mine.entropy, theirs.entropy, atol=1e-6)  # quadrature of the band


# ------------------------------------------------------------------------------------------- data


def test_models_are_data():
    model = anderson()
    assert isinstance(model, Model)
    assert model == anderson()
    assert hash(model) == hash(anderson())
    assert model != model.replace(U=0.6)
    assert pickle.loads(pickle.dumps(model)) == model
    assert copy.copy(model) == copy.deepcopy(model) == model
    with pytest.raises(dataclasses.FrozenInstanceError):
        model.band = FlatBand()
    assert (model.impurity_dimension, model.D) == (4, 1.0)
    assert model.impurity_entropy_max == pytest.approx(math.log(4))


def test_a_pickle_keeps_its_identity_in_another_process(tmp_path):
    """String hashes differ there: a hash must not travel inside the pickle."""
    file = tmp_path / "model.pickle"
    file.write_bytes(pickle.dumps(kondo()))
    check = (
        "import pickle, sys, kadanoff as kd; from kadanoff.operators import *\n"
        "model = pickle.load(open(sys.argv[1], 'rb'))\n"
        "space = Space([Spin('d'), BATH]); O = dot(space.S('d'), space.S('f0'))\n"
        "again = kd.ImpurityModel(space, {'J': (0.2, O)}, observables={'S_d.S_0': O})\n"
        "assert again == model and hash(again) == hash(model)"
    )
    subprocess.run([sys.executable, "-c", check, str(file)], check=True)


def test_repr_tells_space_parameters_and_band():
    assert repr(anderson()) == "<ImpurityModel on d x f0: U=0.5, eps=-0.25, V=0.125>"
    assert repr(kondo(spin=1.5)) == "<ImpurityModel on d (spin 3/2) x f0: J=0.2>"
    other = kondo().replace(band=SemicircularBand(D=2.0))
    assert repr(other).endswith("J=0.2, band=SemicircularBand(D=2.0)>")


def test_parameters():
    model = anderson()
    assert model.parameters == {"U": 0.5, "eps": -0.25, "V": 0.125}
    assert model.replace(V=0.2, U=1).parameters == {"U": 1.0, "eps": -0.25, "V": 0.2}
    assert model.replace() == model
    assert model.replace(D=2.0) == model.replace(band=FlatBand(D=2.0)) != model
    assert model.replace(D=2.0).replace(U=0.6).D == 2.0
    for name in model.parameters:
        shifted = model.replace(**{name: model.parameters[name] + 1.0})
        slope = sum(
            (new - old) * operator.matrix
            for (_, new, operator), (_, old, _) in zip(shifted.terms(), model.terms(), strict=True)
        )
        np.testing.assert_allclose(model.derivative(name).matrix, slope, atol=ROUNDING)


def test_unknown_parameters_are_refused():
    with pytest.raises(TypeError, match=r"no parameter 'K'; it has U, eps, V \(and band"):
        anderson().replace(K=1.0)
    with pytest.raises(ValueError, match="one of U, eps, V, got 'K'"):
        anderson().derivative("K")
    with pytest.raises(ValueError, match="not both"):
        anderson().replace(band=FlatBand(), D=1.0)


@pytest.mark.parametrize("bad", [True, 1j, "1", None, math.nan, math.inf])
def test_values_must_be_finite_numbers(bad):
    error = ValueError if isinstance(bad, float) else TypeError
    with pytest.raises(error, match="U"):
        kd.ImpurityModel(DOT, {"U": (bad, UP * DN)})
    with pytest.raises(error, match="U"):
        anderson().replace(U=bad)


# ---------------------------------------------------------------------------------------- scaling

CORRELATED = DOT.cdag("d", "up") * DOT.c("f0", "up") * (DOT.n("f0", "dn") - 0.5)


@pytest.mark.parametrize(
    ("operator", "degrees"),
    [
        (DOT.identity, ()),
        (0 * UP, ()),
        (UP * DN, (0,)),
        (DOT.S("d").z, (0,)),
        (DOT.hop("d", "f0"), (1,)),
        (DOT.n("d") * DOT.hop("d", "f0") + DOT.hop("d", "f0") * DOT.n("d"), (1,)),
        (EXCHANGE, (2,)),
        (DOT.n("f0"), (2,)),
        ((DOT.n("d") - 1) * (DOT.n("f0") - 1), (2,)),
        (CORRELATED + CORRELATED.dag, (3,)),
        (repulsion(DOT, "f0"), (4,)),
        (DOT.n("d") * DOT.n("f0"), (0, 2)),
        (DOT.hop("d", "f0") + EXCHANGE + repulsion(DOT, "f0"), (1, 2, 4)),
    ],
)
def test_degrees_count_the_bath_operators(operator, degrees):
    assert bath_degrees(operator) == degrees


def test_the_degree_does_not_mind_strings_over_the_impurity():
    space = Space([Orbital("a"), Spin("s", spin=1), Orbital("b"), BATH])
    assert bath_degrees(space.hop("a", "f0")) == bath_degrees(space.hop("b", "f0")) == (1,)
    assert bath_degrees(dot(space.S("s"), space.S("b")) * space.hop("a", "b")) == (0,)


def test_rescaled_knows_how_each_term_scales():
    terms = {
        "U": (0.5, repulsion(DOT, "d")),
        "V": (0.2, DOT.hop("d", "f0")),
        "J": (0.3, EXCHANGE),
        "W": (0.1, DOT.n("f0")),
        "U_0": (0.7, repulsion(DOT, "f0")),
    }
    scaled = kd.ImpurityModel(DOT, terms).rescaled(4.0)
    assert scaled.parameters == pytest.approx(
        {"U": 0.5, "V": 0.4, "J": 1.2, "W": 0.4, "U_0": 11.2}, rel=1e-14
    )
    for bad in (0, -1, math.nan):
        with pytest.raises(ValueError, match="A must be"):
            anderson().rescaled(bad)


def test_parts_that_scale_differently_are_refused():
    model = kd.ImpurityModel(
        DOT, {"V": (0.1, DOT.hop("d", "f0")), "K": (0.1, DOT.n("d") * DOT.n("f0"))}
    )
    with pytest.raises(ValueError, match=r"'K' holds parts with 0 and 2 operators f_0.*n_0 - 1"):
        model.rescaled(1.1)
    assert model.replace(K=0.0).rescaled(4.0).parameters == {"V": 0.2, "K": 0.0}
    assert kd.nrg.solve(model, keep=50, sites=6).symmetry == ("U1", "SU2")  # needs no scaling


# -------------------------------------------------------------------------------------- bad input


def one(operator, space=DOT, **observables):
    return kd.ImpurityModel(space, {"X": (0.1, operator)}, observables=observables)


@pytest.mark.parametrize(
    ("operator", "why"),
    [
        (DOT.cdag("d", "up") * DOT.c("f0", "up"), r"'X' is not Hermitian; .* O \+ O.dag"),
        (DOT.cdag("d", "up") + DOT.c("d", "up"), "'X' changes the charge by an odd number"),
        (dot(DOT.isospin("d"), DOT.isospin("f0")), "'X' moves two electrons .* at most one"),
    ],
)
def test_bad_terms_are_named(operator, why):
    with pytest.raises(ValueError, match=why):
        one(operator)


def test_operators_of_another_kind_are_refused():
    other = Space([Spin("d"), BATH])
    with pytest.raises(ValueError, match=r"'X' acts on d \(spin 1/2\) x f0, .* d x f0"):
        one(other.n("f0"))
    with pytest.raises(ValueError, match="observable 'n' acts on"):
        one(UP, n=other.n("f0"))
    for bad in (np.eye(16), 1.0, None):
        with pytest.raises(TypeError, match=r"'X' needs an Operator, got .*wrap a matrix"):
            one(bad)
    with pytest.raises(ValueError, match="shape"):
        one(Operator(DOT, np.eye(8)))


def test_observables_need_definite_quantum_numbers():
    model = one(UP + DN, c=DOT.c("d", "up"), S_plus=DOT.S("d").plus, pair=DOT.isospin("d").minus)
    assert list(model.observables) == ["c", "S_plus", "pair"]
    raising = DOT.S("d").plus + 0.5 * DOT.S("d").minus
    with pytest.raises(ValueError, match=r"'x' has no definite .* S_z by -1 and by 1; name each"):
        one(UP + DN, x=raising)
    # Hermitian: its average is that of the part that is conserved.
    assert list(one(UP + DN, x=DOT.S("d").x).observables) == ["x"]
    with pytest.raises(ValueError, match=r"'f' has no definite .* the charge by -1 and by 0"):
        one(UP + DN, f=DOT.c("d", "up") + UP)


def test_spaces_end_with_the_bath():
    for space in (Space([Orbital("d")]), Space([BATH, Orbital("d")])):
        with pytest.raises(
            ValueError, match=r"kadanoff\.operators\.BATH, Space\(\[\.\.\., BATH\]\)"
        ):
            one(space.n("d"), space)
    with pytest.raises(TypeError, match="Space"):
        kd.ImpurityModel("d", {})


@pytest.mark.parametrize("name", ["", "J z", "lambda", "band", "D", "2J"])
def test_names_must_fit_replace(name):
    with pytest.raises(ValueError, match=f"a term cannot be called {name!r}"):
        kd.ImpurityModel(DOT, {name: (0.1, UP + DN)})


def test_malformed_definitions_are_refused():
    with pytest.raises(ValueError, match="empty"):
        kd.ImpurityModel(DOT, {})
    for bad in (UP, [("X", 1.0, UP)]):
        with pytest.raises(TypeError, match="terms must map names"):
            kd.ImpurityModel(DOT, bad)
    for bad in (UP, (1.0,), (1.0, UP, UP)):
        with pytest.raises(TypeError, match=r"'X' must be a pair \(value, operator\)"):
            kd.ImpurityModel(DOT, {"X": bad})
    with pytest.raises(TypeError, match="'X' needs an Operator"):
        kd.ImpurityModel(DOT, {"X": (UP, 1.0)})
    with pytest.raises(TypeError, match="strings"):
        kd.ImpurityModel(DOT, {1: (1.0, UP)})
    with pytest.raises(TypeError, match="observables must map"):
        kd.ImpurityModel(DOT, {"X": (1.0, UP)}, observables=[UP])
    with pytest.raises(TypeError, match="observables must be strings"):
        kd.ImpurityModel(DOT, {"X": (1.0, UP)}, observables={1: UP})


# ---------------------------------------------------------------------------------- own impurities


def test_potential_scattering_alone_is_solved():
    """No impurity at all: entropy zero, and W = -e_0 cancels."""
    space = Space([BATH])
    model = kd.ImpurityModel(space, {"W": (0.2, space.n("f0") - 1)})
    run = kd.nrg.solve(model, keep=200, T_min=1e-6, threads=1)
    assert model.impurity_dimension == 1
    assert run.symmetry == ("U1", "SU2")
    assert abs(run.entropy[-1]) < 1e-3


def test_an_easy_plane_freezes_a_spin_1():
    """J = 0: the levels 0, D, D of D S_z^2 beside a clean chain."""
    space = Space([Spin("d", spin=1), BATH])
    D, T = 0.1, np.geomspace(0.01, 1, 9)
    model = kd.ImpurityModel(
        space, {"A": (D, space.S("d").z ** 2)}, observables={"S_z^2": space.S("d").z ** 2}
    )
    run = kd.nrg.solve(model, keep=10**4, sites=4, threads=1, observables=["S_z^2"])
    found = run.levels[0].averages(3, T)  # nothing is cut
    clean = clean_chain(run.chain, 3, T)
    Z = 1 + 2 * np.exp(-D / T)
    average = 2 * np.exp(-D / T) / Z
    np.testing.assert_allclose(found.expectations["S_z^2"], average, atol=ROUNDING)
    entropy = np.log(Z) + D / T * average
    np.testing.assert_allclose(found.entropy - clean.entropy, entropy, atol=1e-11)


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        (
            [Spin("S"), BATH, SECOND_BATH, THIRD_BATH, Orbital("i0", sign=1)],
            "a fourth channel is not supported",
        ),
        ([Spin("S"), BATH, SECOND_BATH, Orbital("d")], "the third channel is kadanoff.*THIRD_BATH"),
        ([Spin("S"), BATH, Orbital("d")], "got the order S, f0, d"),
        ([Spin("S"), SECOND_BATH, BATH], "got the order S, g0, f0"),
        ([Spin("S"), SECOND_BATH], "SECOND_BATH is the second channel of a model that has BATH"),
        ([Spin("S"), Orbital("d")], "its last factor is Orbital"),
    ],
)
def test_bath_orbitals_come_last(factors, message):
    space = Space(factors)  # a space by itself may have any order
    first = space.factors[0].name
    with pytest.raises(ValueError, match=message):
        kd.ImpurityModel(space, {"B": (0.1, space.S(first).z)})


def test_spins_add():
    space = Space([Spin("a"), Orbital("b"), BATH])
    a, b = space.S("a"), space.S("b")
    assert a + b + space.S("f0") == space.S()
    assert (a + b) - b == a
    assert 2 * a == a * 2 == a + a == np.float64(2) * a
    assert tuple(-a) == (-a.z, -a.plus, -a.minus)
    assert a.x * 2 == a.plus + a.minus
    assert a.z**2 == a.z * a.z
    assert a.z**0 == space.identity
    with pytest.raises(TypeError, match="dot"):
        a * b
    with pytest.raises(TypeError):
        a + 1
    with pytest.raises(TypeError):
        True * a
    with pytest.raises(ValueError, match="power"):
        a.z**-1
    with pytest.raises(TypeError):
        a.z**0.5
