"""The same result in whatever way, long calls, bad input, pictures of dynamics.solve."""

import resource
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.figure import Figure

import kadanoff as kd
from kadanoff import AndersonModel, Cancelled, Control, KondoModel, dynamics
from kadanoff.bands.densities import A_Lambda, PowerLawBand
from kadanoff.impurities.models.operators import BATH, Orbital, Space
from kadanoff.impurities.nrg import memory
from tests.paths import ROOT
from tests.stopping import stop_at

AIM = AndersonModel(U=0.5, J_sw=0.3)
KONDO = KondoModel(J=0.3)
ASYMMETRIC = AndersonModel(U=0.5, V=0.2, eps=-0.12, field=0.07)
SMALL = {"keep": 150, "sites": 12, "T": 1e-2}


@pytest.fixture(scope="module")
def small():
    return dynamics.solve(AIM, **SMALL)


# -------------------------------------------------------------------------------- the same result


def same(one, other, atol=0.0):
    for name in one.names:
        for T in one.T:
            np.testing.assert_allclose(
                one.peaks(name, T=T)[1], other.peaks(name, T=T)[1], rtol=0, atol=atol
            )
    for name, values in one.expectations.items():
        np.testing.assert_allclose(values, other.expectations[name], rtol=0, atol=atol)


def test_vectors_on_disk_change_nothing(small):
    same(small, dynamics.solve(AIM, **SMALL, basis_memory=0))


def test_a_disk_that_refuses_changes_nothing(small, monkeypatch):
    monkeypatch.setattr(memory, "BASIS_BYTES", 0)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        found = dynamics.solve(AIM, **SMALL)
        with pytest.raises(OSError, match="storing vectors"):
            dynamics.solve(AIM, **SMALL, basis_memory=0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    same(small, found)


GROWTH = """
import sys
import kadanoff as kd
from benchmarks.memory import peak_megabytes

run = dict(keep_multiplets=300, keep=None, symmetry=("U1", "SU2"), sites=24, names=["d"])
run |= dict(observables=[], threads=1, progress=False, basis_memory=0)
kd.dynamics.solve(kd.AndersonModel(U=0.5, J_sw=0.25), T=1e-4, **{**run, "keep_multiplets": 20})
before = peak_megabytes()
kd.dynamics.solve(kd.AndersonModel(U=0.5, J_sw=0.25), T=eval(sys.argv[1]), **run)
print(peak_megabytes() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the heap of glibc")
def test_ten_temperatures_take_less_than_twice_the_memory_of_one():
    def growth(T):
        command = [sys.executable, "-c", GROWTH, repr(T)]
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
        return float(done.stdout)

    one, ten = growth([1e-4]), growth([1e-4 * 2**k for k in range(10)])
    # 3 MB: what the curves of ten temperatures and the heap of Python take.
    assert ten < 2 * one + 3


def test_threads_change_nothing():
    same(*(dynamics.solve(AIM, **SMALL, threads=n) for n in (1, 3)))


def test_reuse_of_reflected_blocks_changes_nothing():
    options = SMALL | {"symmetry": ("U1", "U1"), "gap": 1e-3}
    same(*(dynamics.solve(AIM, **options, reuse=reuse) for reuse in (True, False)), atol=1e-8)


def test_several_temperatures_are_several_runs():
    T = [1e-3, 1e-2, 0.3]
    options = {"keep": 150, "sites": 14}
    together = dynamics.solve(AIM, T=T, **options)
    omega = np.array([-0.3, -0.01, 0.0, 1e-3, 0.02, 0.5])
    for t in T:
        alone = dynamics.solve(AIM, T=t, **options)
        for name in alone.names:
            # bins begin at the lowest temperature: elsewhere by a non-integer number of bins
            np.testing.assert_allclose(
                together.spectral(name, omega, T=t),
                alone.spectral(name, omega),
                rtol=1e-3,
                atol=1e-4 * np.abs(alone.spectral(name, omega)).max(),
            )
        for name, values in together.expectations.items():
            assert values[T.index(t)] == pytest.approx(alone.expectations[name][0], abs=1e-13)


def test_several_z_are_the_average_of_each():
    z = (0.5, 1.0)
    both = dynamics.solve(AIM, **SMALL, z=z)
    apart = [dynamics.solve(AIM, **SMALL, z=x) for x in z]
    for name in both.names:
        mean = 0.5 * sum(run.peaks(name)[1] for run in apart)
        np.testing.assert_allclose(both.peaks(name)[1], mean, atol=1e-14)


def test_zero_temperature_is_named_zero():
    run = dynamics.solve(AIM, T=0, keep=50, sites=6, names=["d"])
    assert run.spectral("d", [0.1], T=0)[0] == run.spectral("d", [0.1])[0]
    assert run.peaks("d", T=0)[1].sum() == pytest.approx(1.0, abs=1e-12)


def test_close_temperatures_are_told_apart():
    run = dynamics.solve(AIM, T=[1e-9, 3e-9], keep=50, sites=6, names=["d"])
    assert run._index(3e-9) == 1


def test_a_half_bandwidth_is_a_unit():
    """Everything in units of D: A(w) -> A(w / D) / D."""
    wide = AndersonModel(U=50.0, J_sw=30.0, D=100.0)
    one, other = (dynamics.solve(m, **(SMALL | {"T": t})) for m, t in ((AIM, 1e-2), (wide, 1.0)))
    omega = np.array([-0.3, 0.0, 0.02, 0.5])
    for name, power in (("d", -1), ("I", 1), ("t", 1), ("spin", -1)):
        np.testing.assert_allclose(
            other.spectral(name, 100 * omega),
            100.0**power * one.spectral(name, omega),
            rtol=1e-9,
            atol=1e-12,
        )
    np.testing.assert_allclose(other.t_matrix(100 * omega), one.t_matrix(omega), rtol=1e-9)
    np.testing.assert_allclose(other.improved(100 * omega), one.improved(omega) / 100, rtol=1e-7)


def test_A_Lambda_corrects_the_t_matrix():
    plain = {"scheme": "wilson", "A_Lambda": True}
    run = dynamics.solve(KONDO, T=1e-9, keep=500, z=(0.5, 1.0), names=["t"], **plain)
    # at z other than 1 the plain scheme is off by a little: 2 %
    assert run.t_matrix([0.0])[0] == pytest.approx(1.0, abs=0.02)


def test_the_improved_spectrum_of_the_plain_scheme_is_that_of_its_own_hybridisation():
    """pi Gamma A(0) = A_Lambda with the weaker Delta of the star, as the raw spectrum has it."""
    run = dynamics.solve(AIM, T=1e-9, keep=400, scheme="wilson", names=["d", "F", "I"])
    assert -AIM.Gamma * run.improved([0.0])[0].imag == pytest.approx(A_Lambda(2.5), rel=0.01)
    corrected = dynamics.solve(
        AIM, T=1e-9, keep=400, scheme="wilson", A_Lambda=True, names=["d", "F", "I"]
    )
    assert -AIM.Gamma * corrected.improved([0.0])[0].imag == pytest.approx(1.0, rel=0.01)


def test_a_strong_interaction_lies_inside_the_bins():
    model = AndersonModel(U=3000.0, V=0.1)
    run = dynamics.solve(model, keep=100, sites=6, T=1.0, names=["d"])
    mesh, weight = run.peaks("d")
    assert weight[np.abs(mesh) > 1000].sum() == pytest.approx(1.0, abs=1e-6)
    assert weight @ np.abs(mesh) == pytest.approx(1500.0, rel=1e-3)
    assert run.grid()[-1] > 1500


@pytest.mark.parametrize("model", [AIM.replace(V=0.0, J_sw=None), KondoModel(J=0.0)], ids=repr)
def test_a_decoupled_impurity_scatters_nothing(model):
    run = dynamics.solve(model, keep=100, sites=6, T=0.1)
    assert not run.t_matrix([-0.1, 0.0, 0.1]).any()


def test_an_own_impurity_and_own_correlators():
    space = Space([Orbital("t"), BATH])
    model = kd.ImpurityModel(space, {"V": (0.2, space.hop("t", "f0")), "eps": (-0.1, space.n("t"))})
    run = dynamics.solve(
        model,
        keep=100,
        sites=6,
        T=0.1,
        own={"pair": (space.cdag("t", "up") * space.cdag("t", "dn"),) * 2},
    )
    assert {"t", "orbital t", "pair"} <= set(run.names)
    assert run.total("orbital t") == pytest.approx(1.0, abs=1e-12)
    with pytest.raises(ValueError, match=r"lacks the correlator 'F\(t,t\)'"):
        run.self_energy([0.0])


# ----------------------------------------------------------------------------------- long calls


def test_cancelled_before_and_meanwhile():
    control = Control()
    control.cancel()
    with pytest.raises(Cancelled):
        dynamics.solve(AIM, **SMALL, control=control)
    control = Control()
    stop = stop_at(control, 1)
    with pytest.raises(Cancelled):
        dynamics.solve(
            AIM, keep=4000, symmetry=("U1", "U1"), T=1e-9, control=control, progress=stop
        )


def test_an_interrupt_ends_the_run():
    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(Cancelled):
        dynamics.solve(AIM, keep=3000, symmetry=("U1", "U1"), T=1e-9, progress=stop)


def test_progress_does_not_exceed_its_total():
    shares = []
    dynamics.solve(AIM, keep=600, T=1e-6, progress=lambda done, total: shares.append((done, total)))
    assert all(0 <= done <= 1.05 * total for done, total in shares)


# ------------------------------------------------------------------------------------- bad input

SPACE = AIM.space
UP, DN = SPACE.cdag("d", "up"), SPACE.cdag("d", "dn")


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"T": -1.0}, ValueError, "T must be 0 or at least.*-1"),
        ({"T": float("nan")}, ValueError, "T must be finite"),
        ({"T": float("inf")}, ValueError, "T must be finite"),
        ({"T": True}, TypeError, "T must be a real number"),
        ({"T": 1j}, TypeError, "T must be a real number"),
        ({"T": "1"}, TypeError, "T must be a real number"),
        ({"T": []}, ValueError, "got none"),
        ({"T": [[1.0]]}, TypeError, "T must be a real number"),
        ({"T": 1e-300}, ValueError, "at least 1e-250"),
        ({"T_min": 1e-5}, TypeError, "has no argument 'T_min'"),
        ({"names": ["D"]}, ValueError, "names must be among.*'d'.*got 'D'.*own"),
        ({"names": "spin"}, TypeError, r"\['spin'\]"),
        ({"own": [UP, UP]}, TypeError, "own must map names"),
        ({"own": {"x": UP}}, TypeError, "pair of operators"),
        ({"own": {"x": (UP, UP.matrix)}}, TypeError, "pair of operators"),
        ({"own": {"d": (UP, UP)}}, ValueError, "'d' is a correlator of the model"),
        ({"own": {"x": (KONDO.space.S("d").plus,) * 2}}, ValueError, "another space"),
        ({"own": {"x": (UP + UP.dag,) * 2}}, ValueError, "'x'.*no definite charge.*split"),
        ({"own": {"x": (UP, SPACE.S("d").plus)}}, ValueError, "'x'.*fermionic"),
        ({"own": {"x": (UP + SPACE.n("d"),) * 2}}, ValueError, "'x'.*fermion parity"),
        ({"own": {"x": (UP, DN)}, "symmetry": ("U1", "U1")}, ValueError, r"\(1, 1\) and \(1, -1\)"),
        ({"own": {"x": (DN, DN)}}, ValueError, "'x'.*top component"),
        ({"observables": "n_d"}, TypeError, "observables must be a sequence of names.*'n_d'"),
        ({"observables": ["n"]}, ValueError, "observables must be among"),
        ({"basis_memory": -1}, ValueError, "basis_memory must be at least 0"),
        ({"basis_memory": "1GB"}, TypeError, "basis_memory"),
        ({"threads": 0}, ValueError, "threads"),
        ({"threads": 10**6}, ValueError, "threads must be at least 1 and at most 1024"),
        ({"keep": 0}, ValueError, "keep"),
    ],
)
def test_bad_arguments(arguments, error, text):
    with pytest.raises(error, match=text):
        dynamics.solve(AIM, **({"keep": 50, "sites": 4} | arguments))


def test_bad_model():
    with pytest.raises(TypeError, match="model must be an impurity model"):
        dynamics.solve("aim")
    with pytest.raises(ValueError, match="broken by"):
        dynamics.solve(ASYMMETRIC, symmetry=("U1", "SU2"))


def test_bad_questions_to_a_result(small):
    with pytest.raises(ValueError, match=r"name must be one of.*got 'D'"):
        small.spectral("D", [0.0])
    with pytest.raises(ValueError, match=r"T must be one of \[0.01\].*got 0.02"):
        small.spectral("d", [0.0], T=0.02)
    with pytest.raises(ValueError, match="b must be above 0"):
        small.spectral("d", [0.0], b=0)
    with pytest.raises(ValueError, match="w0 must be above 0"):
        small.green("d", [0.0], w0=-1.0)
    with pytest.raises(ValueError, match=r"w0 must be .* at most 100.*the spectra end there"):
        small.green("d", [0.0], w0=1e300)
    with pytest.raises(ValueError, match="w must be sorted"):
        small.green("d", [1.0, 0.0])
    for method in (small.t_matrix, small.self_energy, small.improved, small.hybridisation):
        with pytest.raises(ValueError, match="at least one"):
            method([])
        with pytest.raises(ValueError, match="sorted"):
            method([1.0, 0.0])
    with pytest.raises(ValueError, match="combined, symmetric, ratio, got 'F/G'"):
        small.self_energy([0.0], estimator="F/G")
    with pytest.raises(ValueError, match="'up' or 'dn'"):
        small.t_matrix([0.0], spin="down")
    gap = dynamics.solve(
        AndersonModel(U=0.5, V=0.2, band=PowerLawBand(0.5)), keep=50, sites=4, T=1.0, names=["t"]
    )
    with pytest.raises(ValueError, match=r"density at zero.*spectral"):
        gap.t_matrix([0.0])


QUESTIONS = {
    "spectral": lambda run, omega, **how: run.spectral("d", omega, **how),
    "green": lambda run, omega, **how: run.green("d", omega, **how),
    "t_matrix": lambda run, omega, **how: run.t_matrix(omega, **how),
    "susceptibility": lambda run, omega, **how: run.susceptibility(omega, **how),
    "self_energy": lambda run, omega, **how: run.self_energy(omega, **how),
    "improved": lambda run, omega, **how: run.improved(omega, **how),
}
each_question = pytest.mark.parametrize("ask", QUESTIONS.values(), ids=QUESTIONS)


@each_question
@pytest.mark.parametrize(
    ("omega", "error", "text"),
    [
        ([], ValueError, "at least one frequency"),
        (0.1, ValueError, "one-dimensional"),
        ([[0.0, 1.0]], ValueError, "one-dimensional"),
        ([1.0, 0.0], ValueError, r"sorted.*np.unique"),
        ([0.0, 0.0], ValueError, "without repetitions"),
        ([0.0, float("nan")], ValueError, "finite"),
        ([1j], TypeError, "real"),
        ([True], TypeError, "real"),
    ],
)
def test_every_question_checks_its_grid(small, ask, omega, error, text):
    with pytest.raises(error, match=text):
        ask(small, omega)


@each_question
@pytest.mark.parametrize(
    ("how", "error", "text"),
    [
        ({"b": 0}, ValueError, "b must be above 0 and at most 10, got b = 0"),
        ({"b": -0.1}, ValueError, "b must be above 0"),
        ({"w0": 0.0}, ValueError, "w0 must be above 0"),
        ({"b": float("nan")}, ValueError, "b must be finite"),
        ({"b": True}, TypeError, "b must be a real number"),
        ({"T": 0.5}, ValueError, "T must be one of"),
    ],
)
def test_every_question_checks_its_broadening(small, ask, how, error, text):
    with pytest.raises(error, match=text):
        ask(small, [0.0, 0.1], **how)


def test_the_picture_shows_the_t_matrix(small):
    ax = Figure().subplots()
    assert small.plot(ax, both=True) is ax
    right, left = (line for line in ax.lines if line.get_ydata()[0] != line.get_ydata()[-1])
    omega = right.get_xdata()
    np.testing.assert_array_equal(right.get_ydata(), small.t_matrix(omega))
    np.testing.assert_array_equal(left.get_ydata(), small.t_matrix(-left.get_xdata()))
    assert (right.get_color(), left.get_linestyle()) == (left.get_color(), "--")
    assert ax.get_xscale() == "log"
    assert "omega" in ax.get_xlabel()
    assert len(ax.get_legend().get_texts()) == 1


def test_the_picture_shows_any_correlator_at_every_temperature():
    run = dynamics.solve(AIM, **(SMALL | {"T": [1e-3, 1e-2]}), names=["d", "spin"])
    ax = Figure().subplots()
    run.plot(ax)
    first, second = ax.lines
    np.testing.assert_array_equal(second.get_ydata(), run.spectral("d", second.get_xdata(), T=1e-2))
    assert first.get_color() != second.get_color()
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "T = 0.001 D",
        "T = 0.01 D",
    ]
    run.plot(ax, quantity="spin", T=1e-2, label="chi")
    assert "spin" in ax.get_ylabel()
    with pytest.raises(ValueError, match="quantity must be 'd' or 'spin'"):
        run.plot(ax, quantity="S")


def test_result_describes_itself(small):
    assert repr(small).startswith("Dynamics(AndersonModel(U=0.5, J_sw=0.3), T = 0.01, t, d, F, I")


def test_averages_keep_their_scatter_beside_other_correlators():
    model = kd.KondoModel(J=0.4, field=0.01)
    found = kd.dynamics.solve(model, T=0.01, keep=60, z=(0.5, 1.0), progress=False)
    for errors in (found.expectation_errors, found.expectation_scatter):
        assert errors.keys() == found.expectations.keys()
        assert all(np.isfinite(error).all() for error in errors.values())


@pytest.mark.parametrize("names", [["t"], ["spin"]])
def test_a_field_without_its_own_response_among_the_names(names):
    """<S_z> is taken from the response, which runs along without being asked for."""
    model = KondoModel(J=0.3, field=1e-3)
    run = dynamics.solve(model, names=names, T=1e-2, keep=60, z=(0.5, 1.0), threads=1)
    assert run.names == tuple(names)
    assert -0.025 < run.expectations["S_z"][0] < -0.01  # half of -h / 4T at T = 10 T_K
    assert set(run.expectation_errors) == set(run.expectations)
