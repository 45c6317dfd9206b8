"""Pictures are tested for what they show: the numbers in their lines and the words around them."""

import subprocess
import sys
import threading
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure

from kadanoff import AndersonModel, ImpurityModel, KondoModel, effective, nrg
from kadanoff._base import style
from kadanoff.impurities.effective import plots as effective_plots
from kadanoff.impurities.effective.anderson_to_kondo import kondo_mapping
from kadanoff.impurities.nrg import plots
from kadanoff.operators import BATH, SECOND_BATH, THIRD_BATH, Space, Spin, dot

LN_2 = np.log(2.0)


@pytest.fixture(scope="module")
def run():
    return nrg.solve(
        KondoModel(J=0.4), keep=100, T_min=1e-3, observables=["S_d.S_0"], progress=False
    )


@pytest.fixture
def ax():
    return Figure().subplots()


def data_lines(ax):
    return [line for line in ax.lines if line.get_gid() != style.GUIDE]


@pytest.mark.parametrize(
    ("quantity", "unit"),
    [
        ("entropy", LN_2),
        ("T_chi", 1.0),
        ("T_chi_charge", 1.0),
        ("chi", 1.0),
        ("heat_capacity", 1.0),
        ("log_Z", 1.0),
        ("free_energy", 1.0),
    ],
)
def test_a_curve_is_the_array_of_the_result(run, ax, quantity, unit):
    assert plots.plot_thermodynamics(run, ax, quantity=quantity) is ax
    (line,) = data_lines(ax)
    np.testing.assert_array_equal(line.get_xdata(), run.T)
    np.testing.assert_array_equal(line.get_ydata(), getattr(run, quantity) / unit)
    assert ax.get_xlabel() == "$T / D$"
    assert ax.get_xscale() == "log"
    assert ax.get_ylabel()


@pytest.mark.parametrize("quantity", ["entropy", "T_chi", "chi", "free_energy"])
def test_the_axes_are_in_units_of_the_half_bandwidth(ax, quantity):
    for D in (1.0, 10.0):
        few = nrg.solve(KondoModel(J=0.4 * D, D=D), keep=100, T_min=1e-3 * D, errors=False)
        plots.plot_thermodynamics(few, ax, quantity=quantity)
    one, ten = data_lines(ax)
    np.testing.assert_allclose(one.get_xdata(), ten.get_xdata(), rtol=1e-12)
    # The same problem in another unit: rounding errors of the diagonalisations.
    np.testing.assert_allclose(one.get_ydata(), ten.get_ydata(), rtol=1e-8, atol=1e-10)


def test_a_static_operator_is_drawn_by_its_name(run, ax):
    plots.plot_thermodynamics(run, ax, quantity="S_d.S_0")
    (line,) = data_lines(ax)
    np.testing.assert_array_equal(line.get_ydata(), run.expectations["S_d.S_0"])
    assert "S_d.S_0" in ax.get_ylabel()


def test_an_unknown_quantity_is_refused_with_the_known_ones(run, ax):
    with pytest.raises(ValueError, match=r"entropy.*S_d\.S_0.*got 'entropie'"):
        plots.plot_thermodynamics(run, ax, quantity="entropie")


def test_entropy_is_marked_at_ln_2(run, ax):
    plots.plot_thermodynamics(run, ax)
    assert r"\ln 2" in ax.get_ylabel()
    assert [text.get_text() for text in ax.texts] == [r"$\ln 2$"]


def test_two_curves_in_one_picture_differ_and_are_named(run, ax):
    plots.plot_thermodynamics(run, ax)
    plots.plot_thermodynamics(run, ax, label="again", linestyle="--")
    first, second = data_lines(ax)
    assert first.get_color() != second.get_color()
    assert second.get_linestyle() == "--"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [repr(run.model), "again"]
    assert len(ax.texts) == 1  # one mark at ln 2, not two


def test_result_draws_itself(run, ax):
    assert run.plot(ax=ax) is ax
    assert run.plot_flow(ax=Figure().subplots())


def test_flow_shows_the_levels_of_every_second_shell(run, ax):
    plots.plot_flow(run, ax, parity="even", E_max=2.0, multiplets=30)
    levels = run.levels[0]
    for column, n in enumerate(range(0, levels.shells, 2)):
        expected = levels.shell(n)[2][:30] / levels.scale[n]
        drawn = [line.get_ydata()[column] for line in ax.lines]
        drawn = sorted(y for y in drawn if np.isfinite(y))
        np.testing.assert_array_equal(drawn, expected[expected <= 2.0])
    assert "even" in ax.get_xlabel()
    assert ax.get_legend().get_title().get_text() == r"$2I,\ 2S$"


@pytest.mark.parametrize("channels", [2, 3])
def test_flow_of_several_channels(ax, channels):
    """Labels of three factors; every sixth shell where channels take turns."""
    baths = (BATH, SECOND_BATH, THIRD_BATH)[:channels]
    space = Space([Spin("S"), *baths])
    S = space.S("S")
    terms = {f"J_{bath.name}": (0.3, dot(S, space.S(bath.name))) for bath in space.baths}
    several = nrg.solve(
        ImpurityModel(space, terms), Lambda=8, keep=40, sites=20, errors=False, threads=1
    )
    plots.plot_flow(several, ax, E_max=10.0)
    (title,) = {ax.get_legend().get_title().get_text()}
    assert title == {2: "$Q,\\ 2S,\\ 2T$", 3: "$Q,\\ 2S$"}[channels]
    assert np.diff(ax.lines[0].get_xdata())[0] == {2: 2, 3: 6}[channels]


def test_flow_knows_two_parities(run, ax):
    with pytest.raises(ValueError, match="'odd' or 'even'"):
        plots.plot_flow(run, ax, parity="both")


@pytest.fixture(scope="module")
def fit():
    aim = AndersonModel(U=0.5, J_sw=0.4)
    return effective.learn(KondoModel(J=0.4), target=aim, T=1e-2, keep=100, progress=False)


def test_fit_shows_every_solution_and_the_learned_value(fit, ax):
    assert effective_plots.plot_fit(fit, ax) is ax
    (line,) = data_lines(ax)
    np.testing.assert_array_equal(line.get_ydata(), [step.parameters["J"] for step in fit.history])
    np.testing.assert_array_equal(line.get_xdata(), np.arange(1, len(fit.history) + 1))
    assert f"{fit.model.J:.5g}" in line.get_label()
    assert ax.get_ylabel() == "J"


def test_fit_shows_its_loss(fit, ax):
    effective_plots.plot_fit(fit, ax, quantity="loss")
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [step.loss for step in fit.history])
    assert ax.get_yscale() == "log"


def test_fit_refuses_another_quantity(fit, ax):
    with pytest.raises(ValueError, match="one of parameters, loss, entropy"):
        effective_plots.plot_fit(fit, ax, quantity="J")


def test_a_fit_without_a_step_can_be_drawn(fit, ax):
    # What an exception in the first solution carries.
    empty = SimpleNamespace(
        history=(), parameters=("J",), model=fit.model, errors={}, verdict="right"
    )
    effective_plots.plot_fit(empty, ax)
    assert len(data_lines(ax)[0].get_ydata()) == 0


@pytest.fixture(scope="module")
def mapping(fit):
    return kondo_mapping(fit.target, keep=100, T_min=1e-5, points=3, progress=False)


def test_mapping_shows_the_curves_of_its_models(mapping):
    axes = Figure().subplots(1, 2)
    drawn = effective_plots.plot_kondo_mapping(mapping, axes)
    assert drawn.shape == (1, 2)
    *curves, circles = data_lines(axes[0])
    for line, name in zip(curves, effective_plots.COUPLINGS, strict=True):
        run = mapping.kondo[name]
        np.testing.assert_array_equal(line.get_ydata(), run.entropy / LN_2)
        assert f"{run.model.J:.4f}" in line.get_label()
    assert len({(line.get_color(), line.get_linestyle()) for line in curves}) == 3
    np.testing.assert_array_equal(circles.get_ydata(), mapping.aim.entropy / LN_2)
    assert (circles.get_linestyle(), circles.get_marker()) == ("None", "o")


def test_mapping_shows_the_ratio_of_partition_functions(mapping):
    axes = Figure().subplots(2)
    effective_plots.plot_kondo_mapping([mapping], axes)
    scan, tried = data_lines(axes[1])
    np.testing.assert_array_equal(scan.get_xdata(), mapping.J)
    np.testing.assert_array_equal(scan.get_ydata(), np.exp(mapping.log_Z_ratio))
    left, right = axes[1].get_xlim()
    assert left < mapping.J[0] < mapping.J[-1] < right < 2 * mapping.J[-1]
    assert len(tried.get_xdata()) == len(mapping.fit.history)
    assert tried.get_ydata()[-1] == pytest.approx(1.0, abs=1e-5)  # Z_K = Z_A at the end
    names = [text.get_text() for text in axes[1].texts]
    assert {r"$J_\mathrm{SW}$", r"$J_\mathrm{obs}$", r"$J_\mathrm{ML}$"} <= set(names)


def test_mapping_is_saved_without_pyplot(mapping, tmp_path):
    effective_plots.save_kondo_mapping([mapping, mapping], tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"


def test_without_axes_the_figure_is_pyplots_so_that_a_notebook_shows_it(run):
    ax = plots.plot_thermodynamics(run)
    assert plt.get_fignums() == [ax.figure.number]
    plt.close(ax.figure)


@pytest.mark.parametrize("given", [True, False])
def test_draws_on_another_thread_without_pyplot(run, ax, given):
    drawn = []

    def draw():
        target = ax if given else None
        drawn.append(plots.plot_thermodynamics(run, target))
        drawn[0].figure.canvas.draw()

    thread = threading.Thread(target=draw)
    thread.start()
    thread.join()
    assert drawn
    assert (drawn[0] is ax) == given
    assert plt.get_fignums() == []


def test_global_settings_stay(run, ax):
    import matplotlib

    before = matplotlib.rcParams.copy()
    plots.plot_thermodynamics(run, ax)
    plots.plot_flow(run, Figure().subplots())
    assert matplotlib.rcParams == before


def test_missing_matplotlib_is_named_with_the_remedy():
    program = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from kadanoff._base.style import figure\n"
        "try: figure()\n"
        "except ImportError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert "pip install 'kadanoff[plot]'" in done.stdout
