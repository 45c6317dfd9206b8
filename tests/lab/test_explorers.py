"""Explorers without a browser: what they compute, what they draw, and the widget around it."""

import threading
import warnings

import numpy as np
import pytest

import kadanoff as kd
from kadanoff.lab.explorers.picture import Picture, grid, image, line, text

ipywidgets = pytest.importorskip("ipywidgets", reason="needs pip install kadanoff[lab]")

from kadanoff.lab.explorers import (  # noqa: E402
    blocks,
    colours,
    conductance,
    coverings,
    dot,
    filters,
    kondo,
    leads,
    mott,
    spectrum,
)
from kadanoff.lab.explorers.painter import Painter  # noqa: E402
from tests.stopping import PATIENCE  # noqa: E402


def shown(module, data):
    """The picture as pixels."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    axes = module.axes()
    module.draw(data, axes)
    canvas = FigureCanvasAgg(axes.ravel()[0].figure)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # missing glyphs, empty ranges
        canvas.draw()
    return np.asarray(canvas.buffer_rgba())


def widget(explorer):
    """Its picture after everything has been answered."""
    assert explorer.latest.wait(PATIENCE), explorer.text
    return explorer.picture.value


# ------------------------------------------------------------------------------------- pictures


def test_a_picture_is_the_same_by_either_way():
    """Painted over a bitmap of what does not move, or drawn as a whole."""
    axes = grid(1, 2, size=(4, 2))
    picture = Picture(axes)
    for k in (1, 2, 3):
        line(axes[0, 0], "a", [0, 1], [0, k / 3], color="C0")
        image(axes[0, 1], "b", np.eye(k + 1), vmin=0, vmax=1)
        text(axes[0, 0], "c", 0.5, 0.5, f"{k}")
        axes[0, 0].set(xlim=(0, 1), ylim=(0, 1))
        quick = picture.png()
    assert [len(ax.lines) for ax in axes[0]] == [1, 0]
    picture._key = None
    assert picture.png() == quick
    assert picture.jpeg()[:2] == b"\xff\xd8"


# ---------------------------------------------------------------------------------------- Kondo


def test_kondo_couplings_are_those_of_learn():
    data = kondo.compute(U=0.5, J_sw=0.25, T=1e-4, stage="fine")
    options = kondo.OPTIONS["fine"]
    for name, method in (("J_ML", "partition"), ("J_obs", "observable")):
        fit = kd.effective.learn(
            kd.KondoModel(J=0.2), data.aim.model, T=1e-4, method=method, progress=False, **options
        )
        # Cubic interpolation of 40 couplings and 9 hybridisations: 0.1 %.
        assert data.couplings[name] == pytest.approx(fit.model.J, rel=2e-3)
    # What J_ML was learned for: the entropy far below U.
    low = data.aim.T < 1e-3
    off = data.aim.entropy[low] - data.kondo["J_ML"].entropy[low]
    assert np.abs(off).max() < 0.02 * np.log(2)


def test_kondo_coarse_is_close_to_fine():
    coarse, fine = (kondo.compute(stage=s).couplings for s in ("coarse", "fine"))
    for name, J in fine.items():
        assert coarse[name] == pytest.approx(J, rel=0.01)


def test_kondo_symmetry_changes_nothing():
    one, other = (
        kondo.compute(symmetry=s, stage="coarse").aim for s in (("SU2", "SU2"), ("U1", "SU2"))
    )
    assert one.symmetry != other.symmetry
    # Both keep about 100 states, but the cut falls between other multiplets.
    assert np.allclose(one.entropy, other.entropy, atol=0.02)


def test_kondo_where_no_kondo_model_exists():
    """At T > U the impurity is no spin: no J has its partition function."""
    data = kondo.compute(U=0.05, J_sw=0.25, T=0.1, stage="coarse")
    assert "J_ML" not in data.kondo
    assert shown(kondo, data).std() > 0


def test_kondo_scales_are_those_of_the_public_calls():
    model = kd.AndersonModel(U=0.5, J_sw=0.3)
    data = kondo.compute(U=0.5, J_sw=0.3, D=1000.0)
    T_K = kd.nrg.solve(model).T_K()
    found = data.scales
    assert abs(float(found.T_K) - float(T_K)) < found.T_K.error + T_K.error
    coarse = kondo.compute(U=0.5, J_sw=0.3, stage="coarse").scales
    assert float(coarse.T_K) == pytest.approx(float(T_K), rel=0.03)  # Lambda = 4, one twist
    assert coarse.T_K.error is None  # it does not claim one
    assert pytest.approx(kd.fermi_liquid(model).R, abs=2e-3) == found.R
    assert abs(found.G - 2) < found.G_error
    said = kondo.say(data)
    kelvin = float(found.T_K) * 1000 / kd.units.K
    assert said["T_K"].endswith(f"D = {1000 * kelvin:.3g} mK" if kelvin < 1 else f"{kelvin:.3g} K")
    assert said["R"] == "2.00"


def test_kondo_off_symmetry_and_in_a_field():
    data = kondo.compute(U=0.5, J_sw=0.3, eps_over_U=-0.3, field=1e-3)
    assert data.kondo["J_SW"].model == kd.effective.schrieffer_wolff(data.aim.model)
    assert data.kondo["J_SW"].model.W != 0
    assert {run.model.field for run in data.kondo.values()} == {1e-3}
    said = kondo.say(data)
    assert "T_K without the field" in said
    assert said["R"].startswith("known at")
    exact = kd.transport.solve(data.aim.model, T=[data.scales.T], keep_multiplets=250, z=(1.0,))
    assert abs(data.scales.G - exact.conductance[0]) < data.scales.G_error + 0.01
    # Learned without the field: the same couplings.
    free = kondo.compute(U=0.5, J_sw=0.3, eps_over_U=-0.3)
    assert free.couplings == data.couplings
    assert shown(kondo, data).std() > 0


def test_kondo_without_a_moment_has_no_kondo_temperature():
    data = kondo.compute(U=0.05, J_sw=0.6, eps_over_U=-0.95, stage="coarse")
    assert data.scales.T_K.value is None
    assert kondo.say(data)["T_K"].startswith("none: ")
    assert shown(kondo, data).std() > 0


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"J_sw": 0.01}, "J_sw"), ({"T": 1e-9}, "T must"), ({"U": -1.0}, "U"), ({"D": 0.0}, "D must")],
)
def test_kondo_refuses(wrong, said):
    with pytest.raises(ValueError, match=said):
        kondo.compute(**wrong)


def test_kondo_stops_when_it_is_cancelled():
    control = kd.Control()
    control.cancel()
    with pytest.raises(kd.Cancelled):
        kondo.compute(U=0.4321, stage="coarse", control=control)


def test_kondo_in_a_notebook():
    explorer = kd.lab.explore_kondo()
    first = widget(explorer)
    assert explorer.text.startswith("fine")
    assert first[:4] == b"\x89PNG"

    # JupyterLab runs callbacks of widgets on a second thread.
    def drag():
        for J in (0.26, 0.28, 0.3):
            explorer.sliders["J_sw"].value = J

    thread = threading.Thread(target=drag)
    thread.start()
    thread.join()
    assert widget(explorer) != first
    assert explorer.times[-1][0] == "fine"
    worker = explorer.latest.thread
    explorer.close()
    assert worker is None or not worker.is_alive()
    assert not [t for t in threading.enumerate() if t.name == "kadanoff-explorer"]


def test_an_error_is_shown_in_the_line():
    explorer = kd.lab.explore_kondo()
    widget(explorer)
    explorer.sliders["U"].min = -1.0
    explorer.sliders["U"].value = -0.5
    widget(explorer)
    assert explorer.text.startswith("ValueError")
    assert "\n" not in explorer.text
    explorer.sliders["U"].value = 0.5
    widget(explorer)
    assert explorer.text.startswith("fine")
    explorer.close()


# ----------------------------------------------------------------------------------- two dots


def test_two_dots_are_a_spin_one_that_is_half_screened():
    data = dot.compute(U=0.5, J_sw=0.3, stage="fine")
    assert data.dots.entropy[0] == pytest.approx(4 * np.log(2), abs=0.1)
    assert data.dots.entropy[-1] == pytest.approx(np.log(2), abs=0.02)
    low = data.dots.T < data.T
    off = data.dots.entropy[low] - data.kondo["J_ML"].entropy[low]
    assert np.abs(off).max() < 0.02 * np.log(2)
    assert data.couplings["J_ML"] < data.couplings["J_SW"]
    assert shown(dot, data).std() > 0


def test_two_dots_that_hop_have_no_spin_one():
    data = dot.compute(J_sw=0.3, t_12=0.05, stage="coarse")
    assert data.kondo == {}
    assert shown(dot, data).std() > 0


# ----------------------------------------------------------------------------------- t-matrix


def test_only_the_broadening_moves():
    first = spectrum.compute(b=0.5, stage="coarse")
    second = spectrum.compute(b=0.8, stage="coarse")
    assert second.run is first.run
    assert not second.solved
    assert np.allclose(second.t, first.run.t_matrix(second.omega, b=0.8), rtol=0, atol=0)
    third = spectrum.compute(J_sw=0.45, b=0.8, stage="coarse")
    assert third.solved
    assert third.run is not first.run


def test_the_t_matrix_is_unitary():
    data = spectrum.compute(J_sw=0.5, T=1e-6, stage="fine")
    # Raw spectra of few states at two twists: some per cent.
    assert data.t[np.argmin(np.abs(data.omega))] == pytest.approx(1, abs=0.05)
    assert np.allclose(data.t, data.t[::-1], atol=1e-6)  # particle-hole symmetry
    assert shown(spectrum, data).std() > 0


# --------------------------------------------------------------------------------- block spins


def test_block_spins_below_and_above():
    cold = blocks.compute(kd.ising.Simulation(L=64, T=1.0, start="ordered", seed=1), T=1.0)
    hot = blocks.compute(kd.ising.Simulation(L=64, T=10.0, seed=1), T=10.0)
    assert cold.correlation[-1] == 1.0
    assert abs(hot.correlation[-1]) < 0.3  # 128 bonds of noise: 3 sigma
    assert [s.shape[0] for s in hot.levels] == [64, 32, 16, 8]
    assert shown(blocks, hot).std() > 0


def test_the_correlation_is_the_energy():
    live = kd.ising.Simulation(L=64, T=2.3, seed=2)
    data = blocks.compute(live, T=2.3, sweeps=100)
    assert data.correlation[0] == pytest.approx(-live.energy / 2, abs=1e-12)


def test_a_frame_holds_the_lattice():
    data = blocks.compute(kd.ising.Simulation(L=64, T=2.3, seed=2), T=2.3, sweeps=50)
    shapes, buffers = blocks.pack(data)
    for L, bits, spins in zip(shapes["sizes"], buffers, data.levels, strict=True):
        back = np.unpackbits(np.frombuffer(bits, np.uint8), bitorder="little", count=L * L)
        assert np.array_equal(2 * back.reshape(L, L).astype(int) - 1, spins)


@pytest.mark.parametrize("make", [kd.lab.explore_blocks, kd.lab.explore_dimers])
def test_a_live_lattice_answers_and_closes(make):
    explorer = make(64, seed=0)
    assert explorer.seed == 0
    sent = []
    explorer.canvas.send = lambda content, buffers: sent.append((content["frames"], buffers))
    for _ in range(3):
        explorer.next()
        assert explorer.latest.wait(PATIENCE)
    assert explorer.frames == 3
    assert len({frames for frames, _ in sent}) == 3  # it moved
    worker = explorer.latest.thread
    explorer.close()
    assert worker is None or not worker.is_alive()


@pytest.mark.parametrize("make", [kd.lab.explore_blocks, kd.lab.explore_dimers])
def test_a_live_lattice_draws_its_seed_and_keeps_it(make):
    first, second = make(64), make(64)
    assert first.seed != second.seed
    for explorer in (first, second):
        explorer.close()
    with pytest.raises(TypeError, match="seed must be an integer or None"):
        make(64, seed=True)
    with pytest.raises(TypeError, match=r"explore_\w+\(\) has no argument 'sede'; .* 'seed'"):
        make(64, sede=1)


def test_a_new_temperature_reaches_the_lattice():
    explorer = kd.lab.explore_blocks(64, T=1.0, seed=0)
    seen = []
    explorer._pack = lambda data: seen.append(data) or blocks.pack(data)
    for T in (1.0, 5.0):
        explorer.sliders["T"].value = T
        for _ in range(20):
            explorer.next()
            assert explorer.latest.wait(PATIENCE)
    explorer.close()
    assert seen[-1].T == 5.0
    assert abs(seen[-1].correlation[0]) < 0.4  # tanh(1/5) = 0.2 and a little


# -------------------------------------------------------------------------------------- dimers


def test_the_worm_is_where_the_covering_changed():
    live = kd.dimers.Simulation(16, seed=3)
    live.step(20)
    before = live.dimers
    data = coverings.compute(live, loops=1)
    assert np.array_equal(data.moved, before != data.dimers)
    # Sites that turn form loops, with dimers of before and of now in turn.
    assert np.count_nonzero(data.moved) % 2 == 0
    assert abs(data.height.mean()) < 1e-12
    assert shown(coverings, data).std() > 0
    shapes, buffers = coverings.pack(data)
    assert [len(b) for b in buffers] == [shapes["L"] ** 2] * 3


# ------------------------------------------------------------------------------------- filters


def test_information_rises_to_its_bound():
    watched = []
    data = filters.compute(T=2.25, block=2, seed=0, watch=watched.append)
    assert len(watched) == len(data.history)
    assert data.rule.information.value == pytest.approx(data.history.max(), abs=1e-9)
    assert data.history.max() < data.block_information
    assert np.allclose(np.abs(data.filters), 1.0)  # uniform: the best within |lambda| <= 1
    for part in (watched[0], data):
        assert shown(filters, part).std() > 0


def test_filters_from_samples_stay_below_the_entropy_of_a_bit():
    data = filters.compute(T=2.25, block=4, seed=0)
    assert 0.4 < data.rule.information.value < np.log(2)
    edge = np.abs(data.filters[0][[0, 0, -1, -1], [0, -1, 0, -1]]).min()
    assert edge > 2 * np.abs(data.filters[0][1:3, 1:3]).max()  # corners know, the middle does not


def test_a_search_stops_when_it_is_cancelled():
    control = kd.Control()
    with pytest.raises(kd.Cancelled):
        filters.compute(T=2.25, seed=0, control=control, watch=lambda data: control.cancel())


# ---------------------------------------------------------------------------------------- Mott


def test_mott_metal_and_insulator():
    metal, insulator = (mott.compute(U=U, beta=50, stage="coarse") for U in (1.0, 3.5))
    assert metal.exact.is_metallic
    assert not insulator.exact.is_metallic
    assert abs(metal.exact.Z - 0.725) < 0.01  # five sites: 0.7254
    middle = len(metal.omega) // 2
    assert insulator.A[middle] < 0.1 < metal.A[middle]
    for data in (metal, insulator):
        assert shown(mott, data).std() > 0


def test_mott_asks_a_learned_solver():
    asked = []

    def learned(problem):
        asked.append(problem)
        return kd.dmft.solve(problem, solver="ed", sites=3)

    data = mott.compute(U=1.0, beta=20, stage="coarse", learned=learned)
    assert asked == [data.exact.solution.problem]
    mine, exact = data.learned.Z, data.exact.Z
    assert mine == pytest.approx(exact, abs=1e-3)  # the same solver
    named = mott.compute(U=1.0, beta=20, stage="coarse", learned="ipt")
    assert named.learned.solver == "ipt"
    assert shown(mott, named).std() > 0


def test_mott_names_the_solver_that_drew_the_curve():
    for learned, name in (("ipt", "perturbation theory (IPT)"), ("hubbard1", "Hubbard-I")):
        data = mott.compute(U=1.0, beta=20, stage="coarse", learned=learned)
        axes = mott.axes()
        mott.draw(data, axes)
        for ax in axes.ravel()[1:]:
            words = [text.get_text() for text in ax.get_legend().get_texts()]
            assert name in words
            assert "learned" not in words
        assert mott.say(data)[f"Z by {name}"] == f"{data.learned.Z:.3f}"


# ---------------------------------------------------------------------- conductance, leads, Potts


def test_conductance_is_that_of_transport():
    data = conductance.compute(U=0.1, Gamma=0.01, eps_over_U=-0.3, T=1e-3, stage="fine")
    exact = kd.transport.solve(
        kd.AndersonModel(U=0.1, Gamma=0.01, eps=-0.03), T=[1e-3], keep_multiplets=150
    )
    G, error = data.curve.conductance[-1], data.curve.conductance_error[-1]
    assert abs(G - exact.conductance[0]) < error + exact.conductance_error[0]
    # The gate's curve has the same point, and is symmetric about the middle of the valley.
    assert np.allclose(data.gate_G, data.gate_G[::-1])
    assert np.interp(-0.3, data.gate, data.gate_G) == pytest.approx(G, abs=2e-3)
    said = conductance.say(data)
    assert said["G(T = 0.001 D)"].startswith(f"{G:.3f} ± ")
    moved = conductance.compute(U=0.1, Gamma=0.01, eps_over_U=-1.2, T=1e-3, stage="coarse")
    assert np.array_equal(moved.gate_G, data.gate_G)  # known already
    assert shown(conductance, moved).std() > 0


def test_temperatures_are_in_kelvin_where_the_bandwidth_is_known():
    """D = 1000 meV: T = 1e-4 D is 0.1 meV, 1.16 K."""
    said = conductance.say(conductance.compute(T=1e-4, D=1000.0, stage="coarse"))
    assert "G(T = 0.0001 D = 1.16 K)" in said
    assert said["T_K at half height"].endswith(" K")


def test_a_superconducting_lead_has_a_doublet_and_a_singlet():
    weak, strong = (leads.compute(Gamma=g, stage="coarse") for g in (0.01, 0.15))
    assert (weak.here.parity, strong.here.parity) == ("odd", "even")
    assert leads.say(weak)["ground state"] == "doublet"
    x, even, odd = weak.of_Gamma
    assert np.isfinite(odd[x < 0.03]).all()
    assert np.isfinite(even[x > 0.1]).all()
    assert np.isnan(even[x < 0.03]).all()
    assert np.array_equal(np.isnan(even), np.isfinite(odd))
    # Levels at -1.2 U and 0.2 U are empty or full: singlets; electrons and holes are alike.
    x, even, odd = weak.of_level
    assert np.isfinite(even[[0, -1]]).all()
    assert np.allclose(odd, odd[::-1], atol=1e-6, equal_nan=True)
    assert shown(leads, weak).std() > 0


@pytest.mark.filterwarnings("error::kadanoff.nrg.Coarse")
def test_bound_states_do_not_warn_of_an_entropy_that_is_not_shown(monkeypatch):
    monkeypatch.setitem(leads.COUNT, "fine", 2)
    here = leads.compute(Gamma=0.03, gap=0.01, stage="fine").here
    # Four twists, Lambda = 2 and 1500 states have 0.69711(60) gaps.
    assert abs(here.energy[0] / 0.01 - 0.69711) < 0.0006 + here.error[0] / 0.01


def test_potts_energies_enclose_the_exact_one():
    data = colours.compute(q=3, L=32, stage="fine")
    e = data.run.estimates["energy"]
    exact = kd.potts.critical_energy(3)
    # A periodic lattice of 32 lies below the infinite one by L^{-6/5} times a number near one.
    assert exact - 2 / 32**1.2 < e.mean < exact
    energies = data.scan.mean("energy")
    assert np.all(np.diff(energies) > 0)
    assert colours.compute(q=3, stage="coarse").scan is data.scan
    assert colours.compute(q=4, stage="coarse").scan is None
    assert shown(colours, data).std() > 0
    with pytest.raises(ValueError, match="q must be at least 2 and at most 4"):
        colours.compute(q=5)


# ------------------------------------------------------------------------- every explorer


FAST = {"mott": {"beta": 20.0}, "filters": {"block": 2, "seed": 0}}


@pytest.mark.parametrize(
    "module", [kondo, dot, spectrum, filters, mott, conductance, leads, colours]
)
def test_a_narrow_column_has_panels_below_one_another(module):
    name = module.__name__.rpartition(".")[2]
    data = module.compute(stage="coarse", **FAST.get(name, {}))
    painter = Painter(module.draw, module.axes)
    wide, narrow, again = (painter.paint(data, narrow=n) for n in (False, True, False))
    assert narrow.width == 460 < wide.width
    assert again == wide
    sizes = [np.frombuffer(p.value[16:24], ">u4") for p in (wide, narrow)]
    assert sizes[0][0] == 2 * wide.width  # sharp where two pixels are one
    assert sizes[1][1] > sizes[1][0]
    said = module.say(data)
    assert said
    assert all(isinstance(word, str) for word in said.values())


@pytest.mark.parametrize("name", ["explore_dot", "explore_potts", "explore_blocks"])
def test_the_lines_of_an_explorer_make_its_picture(name):
    explorer = getattr(kd.lab, name)(**({"seed": 3} if name == "explore_blocks" else {}))
    explorer.latest.stop()
    values = explorer.parameters
    lines = explorer.code(values).replace("Picture(axes)", "picture = Picture(axes)")
    names = {}
    exec(lines, names)
    control = kd.Control()
    data = explorer.compute(stage="fine", control=control, **values)
    explorer.close()
    assert names["picture"].png() == explorer.painter.paint(data).value


def test_a_picture_has_words():
    explorer = kd.lab.explore_potts()
    while not explorer.picture.value:
        explorer.latest.wait(0.01)
    explorer.close()
    assert explorer.picture.alt.startswith("Potts model on a square lattice at T / T_c = 1.00")
    assert "energy per site: -1." in explorer.picture.alt
    assert "<sub>c</sub>" not in explorer.picture.alt


@pytest.mark.parametrize(
    "name",
    [
        "explore_dot", "explore_spectrum", "explore_rsmi", "explore_mott", "explore_transport",
        "explore_leads", "explore_potts",
    ],
)  # fmt: skip
def test_every_explorer_shows_a_picture_and_closes(name):
    explorer = getattr(kd.lab, name)()
    while not explorer.picture.value:
        assert explorer.latest.thread is not None, explorer.text
        explorer.latest.wait(0.01)
    explorer.close()
    assert not [t for t in threading.enumerate() if t.name == "kadanoff-explorer"]


def test_everything_in_the_list_is_there():
    for name in kd.lab.__all__:
        assert callable(getattr(kd.lab, name)) or name in ("Budget", "schematics", "style")
    with pytest.raises(AttributeError, match="explore_nothing"):
        _ = kd.lab.explore_nothing
