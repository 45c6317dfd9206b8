"""Questions with which users come: each is answered in five lines or fewer, and rightly."""

import numpy as np
import pytest

import kadanoff as kd

LINES = 5

T_K_IN_KELVIN = """
dot = kd.AndersonModel(U=2.0, Gamma=0.3, D=10.0)  # meV
T_K = kd.nrg.solve(dot).T_K()
kelvin, error = T_K.value / kd.units.K, T_K.error / kd.units.K
"""

CONDUCTANCE_AGAINST_THE_GATE = """
levels = (-2.6, -1.5, -1.0, -0.5, 0.6)  # meV, moved by the gate
dots = [kd.AndersonModel(U=2.0, Gamma=0.3, D=10.0, eps=eps) for eps in levels]
runs = [kd.transport.solve(dot, T=50 * kd.units.mK, keep_multiplets=60) for dot in dots]
G, errors = np.transpose([(r.conductance[0], r.conductance_error[0]) for r in runs])  # e^2/h
"""

FILTER_OF_OWN_CONFIGURATIONS = """
configurations = kd.rsmi.Configurations(np.load(file))
rule = kd.rsmi.learn(configurations, seed=1)
weights, information = rule.filters[0], rule.information
"""

SPECTRUM_OF_A_LATTICE = """
loop = kd.dmft.loop(lattice="bethe", U=1.0, beta=40, solver="ipt", real_axis=True)
w = np.linspace(-3, 3, 1201)
A = loop.spectral(w).A
"""

LEARNED_SOLVER_IN_A_LOOP = """
examples = kd.dmft.database(60, target="ed-4", beta=[20], bath="self-consistent", seed=1, **box)
solver = kd.dmft.learn(examples, seed=1)
Z = kd.dmft.loop(U=1.3, beta=20, solver=solver).Z
"""


def answers(text, **given):
    """The variables that the lines leave behind."""
    lines = [line for line in text.splitlines() if line.strip()]
    assert len(lines) <= LINES
    names = {"kd": kd, "np": np, **given}
    exec(compile(text, "<question>", "exec"), names)
    return names


def test_T_K_of_a_dot_in_kelvin():
    found = answers(T_K_IN_KELVIN)
    # A. C. Hewson, The Kondo Problem to Heavy Fermions (1993), Eq. 6.109, for a wide band:
    # chi = 1 / (4 T_L), and T_K = 0.236 / chi; U / (pi Gamma) = 2 and D = 10 meV leave 5 %.
    T_L = np.sqrt(2.0 * 0.3 / 2) * np.exp(-np.pi * 2.0 / (8 * 0.3) + np.pi * 0.3 / (2 * 2.0))
    assert found["kelvin"] == pytest.approx(0.944 * T_L / kd.units.K, rel=0.05)
    assert 0 < found["error"] < 0.05 * found["kelvin"]


def test_conductance_of_a_dot_against_its_gate():
    found = answers(CONDUCTANCE_AGAINST_THE_GATE)
    G, errors = found["G"], found["errors"]
    assert np.all(np.abs(G - G[::-1]) < 2 * errors.max() + 1e-6)  # particles and holes
    assert 1.8 < G[2] < 2.0  # T = T_K / 10: the unitary limit is 2 e^2/h
    assert G[0] < 0.5  # empty, or full


def test_a_filter_of_own_configurations(tmp_path):
    file = tmp_path / "spins.npy"
    np.save(file, kd.ising.sample(L=16, T=kd.ising.T_c, n=4000, seed=1, threads=1).configurations)
    found = answers(FILTER_OF_OWN_CONFIGURATIONS, file=file)
    assert np.ptp(found["weights"]) < 0.1  # all alike: the sum of the block
    assert abs(found["information"].value - 0.41) < 5 * found["information"].error


def test_the_spectrum_of_a_lattice_on_the_real_axis():
    found = answers(SPECTRUM_OF_A_LATTICE)
    w, A = found["w"], found["A"]
    assert np.trapezoid(A, w) == pytest.approx(1.0, abs=0.01)
    # Luttinger's theorem pins A(0) of the metal to that of the free lattice, 2 / (pi D), at T = 0.
    assert A[600] == pytest.approx(2 / np.pi, rel=0.05)


def test_a_learned_solver_in_a_loop():
    box = {"inputs": ("ipt",), "U": (0.8, 2.0), "D": (1.0, 1.0), "detuning": (0.0, 0.0)}
    found = answers(LEARNED_SOLVER_IN_A_LOOP, box=box | {"progress": False})
    exact = kd.dmft.loop(U=1.3, beta=20, solver="ed", sites=4)
    assert found["Z"] == pytest.approx(exact.Z, abs=2e-3)
