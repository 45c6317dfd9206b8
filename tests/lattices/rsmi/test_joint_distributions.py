"""Exact joint distributions against an independent enumeration: every number of the tables."""

import json

import numpy as np
import pytest

import kadanoff as kd
from kadanoff import rsmi
from kadanoff.lattices.rsmi.elimination import partial_sum
from tests.paths import REFERENCE as REFERENCE_DATA

TABLES = REFERENCE_DATA / "lattice"
DIGITS = 1e-10  # of nats: sums of at most 1e6 terms of rounding 1e-16


def table(name):
    return json.loads((TABLES / name).read_text())


@pytest.mark.parametrize("row", table("mi_1d_exact.json")["rows"], ids=lambda r: f"{r['K']}")
def test_chain(row):
    n = row["L_V"]
    joint = rsmi.chain(row["K"], n, row["L_B"])
    edge = np.eye(n)[0]
    expected = {
        "I_VE": joint.mutual_information,
        "decimation_edge": joint.information(1000 * edge),
        "decimation_site2": joint.of_values(joint.states[:, 1]),
        "majority_random_tie": joint.information(kd.blockspin.Majority(n, dimension=1)),
        "rbm_lam_all_1": joint.information(np.ones(n)),
        "rbm_lam_(3,0..)": joint.information(3 * edge),
    }
    for name, value in expected.items():
        assert abs(value - row[name]) < DIGITS, name
    generic = row["grad_at_lam"]
    assert abs(joint.information(generic["lam"]) - generic["I"]) < DIGITS
    assert np.abs(joint.gradient(generic["lam"]) - generic["grad"]).max() < DIGITS
    assert abs(rsmi.proxy(joint, generic["lam"]) - generic["proxy"]) < DIGITS
    # Decimation at the edge is the best of all binary functions of two spins.
    if n == 2:
        assert abs(row["best_binary_any"] - expected["decimation_edge"]) < DIGITS


@pytest.mark.parametrize(
    "row", table("mi_2d_6x6_exact.json")["rows"], ids=lambda r: f"{r['T']:.2f}-{r['L_B']}"
)
def test_torus(row):
    joint = rsmi.torus(6, row["T"], buffer=row["L_B"])
    assert abs(joint.mutual_information - row["I_VE"]) < DIGITS
    assert abs(joint.information(kd.blockspin.Decimation()) - row["decimation"]) < DIGITS
    assert abs(joint.information(kd.blockspin.Majority()) - row["majority_random_tie"]) < DIGITS
    assert abs(joint.of_values(joint.states.prod(axis=1)) - row["parity_v1v2v3v4"]) < DIGITS
    for name, entry in row.items():
        if not isinstance(entry, dict) or "lam" not in entry:
            continue
        assert abs(joint.information(entry["lam"]) - entry["I"]) < DIGITS, name
        if "grad_I" in entry:
            assert np.abs(joint.gradient(entry["lam"]) - entry["grad_I"]).max() < DIGITS, name
        if "proxy" in entry:
            assert abs(rsmi.proxy(joint, entry["lam"]) - entry["proxy"]) < DIGITS, name


def test_numbers_of_the_critical_torus():
    joint = rsmi.torus(6, kd.ising.T_c)
    at = [0.7, -0.2, 0.4, 0.1]
    assert abs(joint.information(at) - 0.19926663590924) < 1e-13
    gradient = [0.242823692736, 0.270811479585, 0.237670108410, 0.254752142655]
    assert np.abs(joint.gradient(at) - gradient).max() < 2e-11  # as many digits as were noted
    assert abs(joint.information(np.ones((2, 2))) - 0.453756) < 5e-7


def test_gradient_is_that_of_the_information_for_several_units():
    joint = rsmi.torus(6, 2.5)
    rng = np.random.default_rng(1)
    filters, bias = rng.normal(size=(2, 4)), np.array([0.2, -0.1])
    gradient = joint.gradient(filters, bias)
    step = 1e-6
    for index in np.ndindex(2, 4):
        shift = np.zeros((2, 4))
        shift[index] = step
        slope = joint.information(filters + shift, bias) - joint.information(filters - shift, bias)
        # Central differences: step^2 and rounding / step are both below 1e-9.
        assert abs(slope / (2 * step) - gradient[index]) < 1e-9


def test_the_best_filter_depends_on_the_bound():
    joint = rsmi.torus(6, kd.ising.T_c)
    uniform = rsmi.maximise(joint, bound=1.0, seed=0)
    assert np.abs(uniform.filters - 1).max() < 1e-3
    corner = rsmi.maximise(joint, bound=3.0, seed=0)
    assert abs(corner.information.value - 0.461450492) < 1e-9
    assert np.abs(np.sort(corner.filters.ravel()) - [1.2498, 3, 3, 3]).max() < 1e-3
    broken = rsmi.maximise(joint, bound=100.0, bias=True, restarts=16, seed=0)
    assert abs(broken.information.value - 0.467434) < 1e-6


def test_lautum_is_what_the_proxy_misses():
    joint = rsmi.torus(6, kd.ising.T_c)
    for filters in (np.full(4, 1000.0), [0.7, -0.2, 0.4, 0.1]):
        missing = joint.information(filters) - rsmi.proxy(joint, filters)
        assert abs(missing - rsmi.lautum(joint, filters)) < 1e-14
    assert abs(rsmi.proxy(joint, np.full(4, 1000.0)) - 0.378) < 5e-4
    assert rsmi.proxy(rsmi.torus(6, 4.0), np.full(4, 1000.0)) < 0


def test_the_proxy_has_nearly_the_same_maximum():
    joint = rsmi.torus(6, kd.ising.T_c)
    rule = rsmi.maximise(joint, bound=3.0, objective="proxy", seed=0)
    assert rule.information.kind == "proxy"
    assert abs(rule.information.value - rsmi.proxy(joint, rule)) < 1e-13
    best = rsmi.maximise(joint, bound=3.0, seed=0)
    assert rsmi.proxy(joint, best) < rule.information.value
    assert 0 < best.information.value - joint.information(rule) < 1e-4
    with pytest.raises(ValueError, match="objective must be"):
        rsmi.maximise(joint, objective="likelihood", seed=0)


def test_a_relaxed_variable_lies_between():
    """Binary h <= relaxed h~ <= the filter's output, and sharp filters lose their noise."""
    joint = rsmi.torus(6, kd.ising.T_c)
    graded = joint.of_values(joint.states.sum(axis=1))
    for scale in (0.5, 1.0, 3.0):
        filters = np.full(4, scale)
        relaxed = rsmi.relaxed_information(joint, filters)
        assert joint.information(filters) < relaxed < graded
    # Levels 2 * 10 apart under noise of width one: overlaps of 4 exp(-20).
    assert abs(rsmi.relaxed_information(joint, np.full(4, 10.0)) - graded) < 1e-7
    # Zero weights: noise alone.
    assert abs(rsmi.relaxed_information(joint, np.zeros(4))) < 1e-12


def test_a_distant_environment_reads_the_leading_eigenvector():
    for row in table("rg_rbm_small.json")["slab_circumference3_Tc"]:
        joint, leading = rsmi.slab(3, kd.ising.T_c, steps=row["L_B_steps"])
        assert abs(joint.mutual_information - row["I(V:E)"]) < DIGITS
        assert abs(joint.of_values(np.sign(leading)) - row["best_binary_I"]) < DIGITS
    # (t_1 / t_0)^2 per row: the information falls by the square of the second eigenvalue.
    far = [rsmi.slab(3, kd.ising.T_c, steps=n)[0].mutual_information for n in (20, 21)]
    assert abs(far[1] / far[0] - (13.551808510273329 / 17.877054302287235) ** 2) < 1e-3
    filters = rsmi.maximise(joint, bound=3.0, seed=0).filters.ravel()
    v = joint.states
    assert (np.sign(v @ filters) == np.sign(leading)).all()


def test_dimers():
    exact = table("dimer_mi_6x6_exact.json")
    joint, dimers = rsmi.dimer_torus()
    sign = (-1) ** np.indices((2, 2)).sum(axis=0)
    x, y = (((dimers == d) * 1 - (dimers == d + 2)) * sign for d in (0, 1))
    E_x, E_y = x.sum(axis=(1, 2)), y.sum(axis=(1, 2))
    along = np.isin(dimers, (0, 2)).sum(axis=(1, 2))
    assert abs(joint.mutual_information - exact["I(V:E)"]) < DIGITS
    assert abs(joint.of_values(E_x) - exact["I: E_x (full integer value)"]) < DIGITS
    assert abs(joint.of_values(E_y) - exact["I: E_y"]) < DIGITS
    assert abs(joint.of_values(10 * E_x + E_y) - exact["I: (E_x,E_y)"]) < DIGITS
    assert abs(joint.of_values(along) - exact["I: columnar N_h (0..4)"]) < DIGITS
    assert (
        abs(joint.of_values(dimers[:, 0, 0]) - exact["I: single site state v1 (4 values)"]) < DIGITS
    )
    assert len(dimers) == exact["n_distinct_V"]


def test_elimination_against_the_sum_over_all_states():
    rng = np.random.default_rng(3)
    bonds = [(i, j, rng.normal()) for i in range(7) for j in range(i) if rng.random() < 0.6]
    factor, log = partial_sum(bonds, [5, 0], range(7))
    s = kd.blockspin.spins(7)
    weight = np.exp(sum(K * s[:, i] * s[:, j] for i, j, K in bonds))
    for a, b in np.ndindex(2, 2):
        exact = weight[(s[:, 5] == 1 - 2 * a) & (s[:, 0] == 1 - 2 * b)].sum()
        assert abs(factor[a, b] * np.exp(log) / exact - 1) < 1e-12


def test_optimality_in_one_dimension():
    """What retains more leads to fewer couplings: decimation has none but one."""
    angles = np.linspace(0, np.pi / 4, 6)
    filters = [1000 * np.array([np.cos(a), np.sin(a)]) for a in angles[[0, -1]]]
    found = rsmi.optimality([*filters, [0.5, 0.5]], K=0.1)
    assert abs(found.retained[0] - 0.5049665) < 1e-7
    assert abs(found.nearest[0] - 0.00993404) < 1e-8
    assert abs(found.rangeness[0]) < 1e-12
    assert abs(found.nearest[1] - 0.03017733) < 1e-8
    assert abs(found.rangeness[1] + 0.020228) < 1e-6
    assert found.retained[0] > found.retained[1] > found.retained[2]


def test_bad_laws_are_refused():
    with pytest.raises(ValueError, match="larger than the lattice"):
        rsmi.torus(6, 2.0, block=(8, 2))
    with pytest.raises(ValueError, match=r"leaves no environment.*at most 1 does"):
        rsmi.torus(6, 2.0, buffer=2)
    with pytest.raises(ValueError, match="smaller lattice"):
        rsmi.torus(16, 2.0)
    joint = rsmi.chain(0.5)
    with pytest.raises(ValueError, match="filters"):
        joint.information([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="finite"):
        joint.information([1.0, np.nan])
    with pytest.raises(ValueError, match="bound must be above 0"):
        rsmi.maximise(joint, bound=0.0, seed=0)
