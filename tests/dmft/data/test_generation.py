import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from kadanoff import Cancelled, Control, NotConverged
from kadanoff.dmft import SOLVERS, DiscreteBath, Impurity, MatsubaraBath, approximate, solve
from kadanoff.dmft import database as make
from kadanoff.dmft.data.draws import Distribution
from kadanoff.dmft.protocol import register, unregister
from kadanoff.dmft.solvers.approximations import named
from kadanoff.greens import MatsubaraFunction
from kadanoff.runs.store import DamagedFile, Store
from tests.stopping import wait_for

BETAS = [2.0, 10.0]
QUICK = {"beta": BETAS, "seed": 5, "progress": False}
CHEAP = {**QUICK, "inputs": ("hubbard1", "ed-1")}
TABLES = ("Sigma", "G_tau", "n", "docc", "error")


@pytest.fixture(scope="module")
def db():
    return make(6, **QUICK)


def bits(database):
    arrays = {name: getattr(database, name) for name in ("U", "D", "detuning", "e", "V", "index")}
    for table in TABLES:
        arrays |= {(table, name): x for name, x in getattr(database, table).items()}
    return {name: array.tobytes() for name, array in arrays.items()}


# ------------------------------------------------------------------------------------- distribution


def test_samples_have_the_declared_distribution():
    spread = Distribution(U=(2.0, 3.0), D=(1.0, 4.0), detuning=(-0.5, 0.25), seed=2)
    draws = [spread.draw(i) for i in range(400)]
    for name, (low, high) in (("U", (2.0, 3.0)), ("D", (1.0, 4.0)), ("detuning", (-0.5, 0.25))):
        values = np.array([getattr(draw, name) for draw in draws])
        assert low <= values.min() < low + 0.02 * (high - low)
        assert high >= values.max() > high - 0.02 * (high - low)
        # Mean of a uniform distribution: 400 samples, five standard deviations.
        assert abs(values.mean() - 0.5 * (low + high)) < 5 * (high - low) / np.sqrt(12 * 400)
    for draw in draws:
        weight = draw.V**2
        np.testing.assert_allclose(weight.sum(), draw.D**2 / 4, rtol=1e-14)
        np.testing.assert_allclose(np.ptp(draw.e), 2 * draw.D, rtol=1e-14)
        assert abs(weight @ draw.e) < 1e-13 * draw.D**3


def test_a_sample_depends_on_its_number_alone():
    a, b = Distribution(seed=3).draw(41), Distribution(seed=3).draw(41)
    assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))
    assert Distribution(seed=4).draw(41).U != a.U
    assert Distribution(seed=3).draw(42).U != a.U


@pytest.mark.parametrize(("rule", "weight"), [("2D/pi", 2 / np.pi), ("2W", 2.0)])
def test_other_rules_for_the_weight(rule, weight):
    draw = Distribution(rule=rule).draw(0)
    np.testing.assert_allclose(np.sum(draw.V**2), weight * draw.D, rtol=1e-14)


def test_self_consistent_baths():
    options = {"U": (1.0, 4.0), "D": (1.0, 2.0), "detuning": (0.0, 0.0), "bath_sites": 3}
    db = make(4, target="ed-3", inputs=("ipt",), bath="self-consistent", **options, **QUICK)
    assert set(db.born) <= {0, 1}
    away = []
    for i in range(4):
        b = int(db.born[i])
        # Delta = (D/2)^2 G to the tolerance of the loop; three sites fit it to 5e-2 only.
        wanted = 0.25 * db.D[i] ** 2 * db.G["ed-3"][i, b]
        away.append(np.abs(db.Delta[i, b] - wanted).max() / abs(wanted[0]))
        assert away[-1] < 3e-3
        assert np.count_nonzero(db.V[i]) > 8
        # The problem holds the levels of this Delta, and none of the padding.
        problem = db.impurity(i, b)
        assert problem.bath.sites == np.count_nonzero(db.V[i])
        np.testing.assert_allclose(problem.Delta().iw(64), db.Delta[i, b], rtol=1e-12)
    # The tolerances of loops are 1e-6 ... 1e-3.
    assert max(away) > 10 * min(away)
    both = db.with_partners()
    np.testing.assert_allclose(both.Delta[1], -both.Delta[0].conj(), rtol=1e-12)


@pytest.mark.parametrize("lattice", ["square", "cubic"])
def test_baths_of_other_lattices_off_half_filling(lattice):
    spread = Distribution(
        U=(1.0, 1.0), D=(2.0, 2.0), detuning=(0.4, 0.4), bath_sites=3, bath="self-consistent",
        lattice=lattice, beta=(10.0,), seed=1,
    )  # fmt: skip
    draw = spread.draw(0)
    # sum V**2 is the variance of the density of states: 4 t**2 for 2D = 8t, 6 t**2 for 2D = 12t.
    variance = {"square": 4.0 * 0.5**2, "cubic": 6.0 * (1.0 / 3.0) ** 2}[lattice]
    assert np.sum(draw.V**2) == pytest.approx(variance, rel=1e-6)
    assert abs(np.sum(draw.V**2 * draw.e)) > 1e-3  # not symmetric
    with pytest.raises(ValueError, match="lattice must be one of"):
        Distribution(lattice=("kagome",))


# ------------------------------------------------------------------------------------ the database


def test_shapes_and_names(db):
    assert len(db) == 6
    assert db.solvers == ("hubbard1", "ipt", "nca", "ed-1", "ed-2", "ed-3", "ed-4")
    assert db.beta.tolist() == BETAS
    assert db.e.shape == db.V.shape == (6, 4)
    for name in db.solvers:
        assert db.Sigma[name].shape == db.G[name].shape == (6, 2, 64)
        assert db.G_tau[name].shape == (6, 2, 51)
        assert db.n[name].shape == db.docc[name].shape == (6, 2)
        assert all(np.all(np.isfinite(getattr(db, table)[name])) for table in TABLES[:4])
    assert len(list(db.problems)) == 12
    assert db.impurity(3, 1) == Impurity(
        db.U[3], 10.0, DiscreteBath(db.e[3], db.V[3]), eps=db.eps[3]
    )


def test_every_solver_is_what_the_front_door_gives(db):
    # One diagonalisation for all temperatures, and the same code otherwise.
    for i, b in ((0, 0), (5, 1)):
        problem = db.impurity(i, b)
        for name in db.solvers:
            options = {"tolerance": 1e-5} if name == "nca" else {}
            if name in ("ed-1", "ed-2", "ed-3"):
                options = {"fit": {"starts": 1}}
            found = approximate(problem, name, frequencies=64, seed=0, **options)
            np.testing.assert_allclose(db.Sigma[name][i, b], found.Sigma_iw, rtol=1e-9)
            np.testing.assert_allclose(db.G_tau[name][i, b], found.G.tau(db.tau(b)), atol=1e-10)
            assert db.n[name][i, b] == pytest.approx(found.n, abs=1e-10)
        exact = solve(problem, frequencies=64)
        np.testing.assert_allclose(db.G["ed-4"][i, b], exact.G_iw, rtol=1e-9)
        np.testing.assert_allclose(db.Delta[i, b], exact.Delta_iw, rtol=1e-12)
        np.testing.assert_allclose(db.w_n(b), exact.w_n, rtol=1e-15)


def test_exact_relations(db):
    for name in db.solvers:
        G = db.G_tau[name]
        # NCA: the error of its steps; ED-n: of the tail beyond the last frequency.
        np.testing.assert_allclose(G[..., 0] + G[..., -1], -1.0, atol=1e-5)
        if name in ("ed-4", "ipt", "hubbard1"):
            np.testing.assert_allclose(-2 * G[..., -1], db.n[name], atol=1e-9)
        if name != "nca":
            assert np.all(db.Sigma[name].imag <= 0.0)
    moments = db.Sigma_moments("ed-4")
    # Re Sigma -> s_0 and -w Im Sigma -> s_1, to second order in E / w at the last frequency.
    w = np.array([db.w_n(b)[-1] for b in range(2)])
    last = db.Sigma["ed-4"][..., -1]
    scale = (db.U + db.D)[:, None] / w
    assert np.all(np.abs(-w * last.imag / moments[..., 1] - 1.0) < 3 * scale**2)
    np.testing.assert_allclose(db.Delta_moments[:, 0], db.D**2 / 4, rtol=1e-13)


def test_corrections_shrink_with_the_number_of_sites(db):
    error = [np.abs(db.Sigma[f"ed-{n}"] - db.Sigma["ed-4"])[..., 0].max() for n in (1, 2, 3)]
    assert error[0] > 3 * error[1] > 9 * error[2] > 0


def test_refits_are_put_back_into_the_true_bath():
    problem = Impurity(4.0, 30.0, DiscreteBath([-1.2, -0.3, 0.2, 1.3], [0.4, 0.3, 0.3, 0.4]), -1.8)
    found = approximate(problem, "ed-2", frequencies=64, seed=0)
    bath = found.diagnostics["bath"]
    inner = solve(Impurity(4.0, 30.0, bath, -1.8), frequencies=64)
    np.testing.assert_allclose(found.Sigma_iw, inner.Sigma_iw, rtol=1e-10)
    z = 1j * found.w_n
    G = 1 / (z - problem.eps - problem.Delta().iw(64) - inner.Sigma_iw)
    np.testing.assert_allclose(found.G_iw, G, rtol=1e-12)
    # G(tau) from more frequencies and fewer moments; the tail is sextic.
    many = approximate(problem, "ed-2", frequencies=20_000, seed=0)
    reference = MatsubaraFunction(many.G_iw, 30.0, many.G.moments[:4])
    tau = np.linspace(0, 30, 50)
    np.testing.assert_allclose(found.G.tau(tau), reference.tau(tau), atol=1e-7)
    # The same from Delta on frequencies alone: the fit has other starting points.
    values = MatsubaraBath(problem.Delta().iw(2000), problem.Delta_moments())
    again = approximate(Impurity(4.0, 30.0, values, -1.8), "ed-2", frequencies=64, seed=0)
    np.testing.assert_allclose(again.Sigma_iw, found.Sigma_iw, rtol=1e-5)


def test_as_many_sites_as_the_bath_is_exact():
    problem = Impurity(2.0, 5.0, DiscreteBath([-1.0, 1.0], [0.5, 0.5]))
    np.testing.assert_array_equal(approximate(problem, "ed-2").G_iw, solve(problem).G_iw)
    assert named("ed-7") == ("ed", {"sites": 7})
    assert approximate(problem, "ipt").solver == "ipt"


def test_the_same_bits_however_it_is_computed(tmp_path):
    whole = make(5, **CHEAP)
    for workers in (1, 2):
        with ThreadPoolExecutor(workers) as pool:
            path = tmp_path / str(workers)
            assert bits(make(5, path=path, chunk=2, executor=pool, **CHEAP)) == bits(whole)
    one, two = (Store.open(tmp_path / name).digest(without=["seconds"]) for name in "12")
    assert one == two
    assert bits(make(3, first=2, **CHEAP)) == bits(whole[2:])
    assert bits(make(2, **CHEAP)) == bits(whole[[0, 1]])


def test_a_store_serves_more_samples_inputs_and_targets(tmp_path, monkeypatch):
    path = tmp_path / "db"
    first = make(4, path=path, chunk=2, **CHEAP)
    files = {file: file.read_bytes() for file in Store.open(path).files()}
    more = make(6, path=path, chunk=2, **CHEAP | {"inputs": ("ed-1", "hubbard1", "ed-2")})
    assert bits(first)["U"] == bits(more[:4])["U"]
    assert all(file.read_bytes() == data for file, data in files.items())
    # 2 chunks x 3 solvers; then one chunk more, and one solver more in the other two.
    assert len(Store.open(path)) == 6 + 4 + 2
    module = sys.modules["kadanoff.dmft.data.generation"]
    monkeypatch.setattr(module, "solve_chunk", lambda **point: pytest.fail("computed again"))
    again = make(6, path=path, chunk=2, **CHEAP | {"inputs": ("ed-2", "ed-1", "hubbard1")})
    assert again.Sigma["ed-2"].tobytes() == more.Sigma["ed-2"].tobytes()


def test_a_damaged_file_is_named_and_computed_again(tmp_path):
    path = tmp_path / "db"
    first = make(4, path=path, chunk=2, **CHEAP)
    victim = Store.open(path).files()[0]
    victim.write_bytes(victim.read_bytes()[:1000])
    with pytest.warns(DamagedFile, match=victim.name):
        second = make(4, path=path, chunk=2, **CHEAP)
    assert bits(first) == bits(second)
    assert (path / "damaged" / victim.name).is_file()


def test_a_store_of_another_version_is_refused(tmp_path, monkeypatch):
    make(2, path=tmp_path / "db", **CHEAP)
    monkeypatch.setattr(sys.modules["kadanoff.dmft.data.generation"], "VERSION", 99)
    with pytest.raises(ValueError, match="this is version 99"):
        make(2, path=tmp_path / "db", **CHEAP)


def test_a_store_that_held_the_level_in_eps_is_refused(tmp_path):
    Store(tmp_path / "db", kind="dmft database", version=2, settings={"chunk": 16})
    with pytest.raises(ValueError, match=r"version 2, .*this is version 5"):
        make(2, path=tmp_path / "db", **CHEAP)
    assert not list(tmp_path.glob("db/*.npz"))


def test_without_a_seed_every_database_is_another_one():
    options = {"inputs": ("hubbard1",), "target": "ed-1", "beta": [5.0], "progress": False}
    one, two = (make(3, **options) for _ in range(2))
    assert one.seed != two.seed
    assert np.all(one.U != two.U)
    assert bits(make(3, seed=one.seed, **options)) == bits(one)
    train, _ = one.split(0.5)
    again, _ = one.split(0.5, seed=train.card["split"]["seed"])
    assert bits(train) == bits(again)


def test_the_level_follows_from_the_detuning(db):
    np.testing.assert_array_equal(db.eps, db.detuning - 0.5 * db.U)
    both = db.with_partners()
    np.testing.assert_array_equal(both.detuning[1::2], -both.detuning[::2])
    assert db.impurity(2, 0).eps == db.eps[2]


def test_killed_and_resumed(tmp_path):
    path = tmp_path / "db"
    code = (
        "import sys; from kadanoff import dmft\n"
        f"dmft.database(4000, path=sys.argv[1], chunk=1, **{CHEAP!r})\n"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(path)], env=os.environ.copy())
    wait_for(lambda: len(list(path.glob("*.npz"))) >= 12, child)
    child.kill()
    child.wait()
    left = {file.name: file.stat().st_mtime_ns for file in path.glob("*.npz")}
    assert len(left) >= 12
    resumed = make(6, path=path, chunk=1, **CHEAP)
    assert all((path / name).stat().st_mtime_ns == then for name, then in left.items())
    assert bits(resumed) == bits(make(6, **CHEAP))


def test_cancelled(tmp_path):
    control = Control()

    def stop(done, total):
        if done >= 2:
            control.cancel()

    with pytest.raises(Cancelled):
        make(500, path=tmp_path / "db", chunk=1, control=control, **CHEAP | {"progress": stop})
    kept = len(Store.open(tmp_path / "db"))
    assert 2 <= kept < 1500
    assert len(make(1, path=tmp_path / "db", chunk=1, **CHEAP)) == 1


@pytest.fixture
def moody():
    """A solver that refuses U above 5."""

    @register("moody", valid="nowhere", cost="nothing")
    def moody(problem, run, /, *, scale: float = 1.0):
        if problem.U > 5.0 and problem.beta > 5.0:
            raise NotConverged("U is too large for me")
        return SOLVERS["hubbard1"].compute(problem, run)

    yield
    unregister("moody")


def test_failed_points_are_named_and_left_out(moody):
    db = make(12, **CHEAP | {"inputs": ("hubbard1", "moody")})
    whole = make(12, **CHEAP | {"inputs": ("hubbard1",)})
    bad = whole.index[whole.U > 5.0]
    assert 0 < bad.size < 12
    assert sorted({point.sample for point in db.failed}) == bad.tolist()
    assert {(point.solver, point.beta) for point in db.failed} == {("moody", 10.0)}
    assert np.array_equal(db.index, np.setdiff1d(whole.index, bad))
    assert np.all(np.isfinite(db.Sigma["moody"]))
    assert f"failed      {bad.size} points" in db.describe()
    assert "U is too large for me" in db.describe()
    with pytest.raises(NotConverged, match="no sample was solved by all"):
        make(2, **CHEAP | {"inputs": ("moody",), "U": (6.0, 7.0)})


def test_any_registered_solver_may_be_the_target(moody):
    options = {"moody": {"scale": 2.0}}
    db = make(2, target="moody", options=options, **CHEAP | {"U": (1.0, 2.0)})
    assert db.target == "moody"
    assert db.e.shape == (2, 4)
    assert db.card["options"]["moody"] == {"scale": 2}
    np.testing.assert_array_equal(db.Sigma["moody"], db.Sigma["hubbard1"])


def test_the_card(db):
    text = db.describe()
    for part in (
        "6 samples",
        "beta        2, 10",
        "seed = 5",
        "target      ed-4",
        "input       nca",
        "64 Matsubara frequencies, 51 Chebyshev times",
        "kadanoff 0.",
        "failed      0 points",
    ):
        assert part in text
    assert repr(db).startswith("Database(6 samples x 2 temperatures, target ed-4")


def test_xarray(db):
    pytest.importorskip("xarray")
    data = db.to_xarray()
    assert dict(data.sizes) == {
        "solver": 7,
        "sample": 6,
        "beta": 2,
        "frequency": 64,
        "time": 51,
        "site": 4,
    }
    picked = data.Sigma.sel(solver="ipt", beta=10.0)
    np.testing.assert_array_equal(picked, db.Sigma["ipt"][:, 1])
    assert data.attrs["target"] == "ed-4"


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"samples": 0}, ValueError, "samples must be at least 1"),
        ({"U": (3.0, 1.0)}, ValueError, r"U must be \(low, high\) with low <= high"),
        ({"U": (-1.0, 1.0)}, ValueError, "U must be at least 0"),
        ({"D": (0.0, 1.0)}, ValueError, "D must be above 0"),
        ({"detuning": (0.0, np.inf)}, ValueError, "detuning must be finite"),
        ({"detuning": 0.5}, TypeError, "detuning must be a pair"),
        ({"eps": (-1.0, 1.0)}, TypeError, "no argument 'eps'"),
        (
            {"inputs": ("hubbard2",)},
            ValueError,
            "'hubbard2'; did you mean 'hubbard1'",
        ),
        ({"inputs": "ipt"}, TypeError, "inputs must be a sequence of names"),
        ({"inputs": ("ipt", "ipt")}, ValueError, "different names"),
        ({"inputs": ("ed-4",), "target": "ipt"}, ValueError, "'ed-4' is exact for a bath of 4"),
        ({"target": "ed-9"}, ValueError, "unknown solver 'ed-9'"),
        ({"target": 4}, TypeError, "must be a name"),
        ({"beta": [10.0, 2.0]}, ValueError, "ascending"),
        ({"beta": []}, ValueError, "ascending"),
        ({"beta": 10.0}, TypeError, "beta must be a sequence"),
        ({"beta": [-1.0]}, ValueError, "beta must be positive"),
        ({"bath_sites": 8}, ValueError, "bath_sites must be at least 1 and at most 7"),
        ({"rule": "flat"}, ValueError, "rule must be one of"),
        ({"bath": "cold"}, ValueError, "bath must be 'random' or"),
        ({"seed": -1}, ValueError, "seed"),
        ({"seed": True}, TypeError, "seed"),
        ({"first": -1}, ValueError, "first"),
        ({"frequencies": 1}, ValueError, "frequencies must be at least 2"),
        ({"times": 1}, ValueError, "times must be at least 2"),
        ({"options": {"nca": {}}}, ValueError, "neither input nor target"),
        ({"options": {"hubbard1": {"tolerance": 1}}}, TypeError, "no option 'tolerance'"),
        ({"chunk": 0}, ValueError, "chunk"),
        ({"retry": -2}, ValueError, "retry"),
    ],
)
def test_bad_input_is_refused_before_work(tmp_path, changes, error, message):
    options = {"samples": 2, "path": tmp_path / "db", **CHEAP, **changes}
    with pytest.raises(error, match=message):
        make(options.pop("samples"), **options)
    assert not list(tmp_path.glob("db/*.npz"))


# ----------------------------------------------------------------------------------------- partners


def test_partners_are_solutions_of_the_partner_problem(db):
    both = db.with_partners()
    assert len(both) == 12
    assert both.partner.tolist() == [False, True] * 6
    assert np.array_equal(both.group, np.repeat(db.group, 2))
    for i, b in ((1, 0), (7, 1)):
        problem = both.impurity(i, b)
        for name in ("ed-4", "ipt", "hubbard1", "nca"):
            found = approximate(problem, name, frequencies=64)
            # NCA: its own tolerance.
            atol = 1e-4 if name == "nca" else 1e-8
            np.testing.assert_allclose(both.G[name][i, b], found.G_iw, atol=atol)
            np.testing.assert_allclose(both.G_tau[name][i, b], found.G.tau(both.tau(b)), atol=atol)
            assert both.n[name][i, b] == pytest.approx(found.n, abs=atol)
            assert both.docc[name][i, b] == pytest.approx(found.docc, abs=atol)
    with pytest.raises(ValueError, match="holds partners already"):
        both.with_partners()
    assert bits(both[~both.partner]) == bits(db)
    assert bits(make(6, partners=True, **QUICK)) == bits(both)


def test_slices(db):
    assert bits(db[1:3]) == bits(db[[1, 2]]) == bits(db[np.isin(db.index, [1, 2])])
    assert len(db[-1]) == 1
    assert db[-1].U[0] == db.U[5]
    with pytest.raises(IndexError, match="sample 6 of 6"):
        db[6]


def test_a_split_with_an_empty_side_is_refused(db):
    for share, message in ((0.01, "no test samples"), (0.99, "nothing to train on")):
        with pytest.raises(ValueError, match=message):
            db.split(share)
    for share in (0.0, 1.0, -0.1, 2):
        with pytest.raises(ValueError, match="test must be above 0 and below 1"):
            db.split(share)
    with pytest.raises(TypeError, match="test must be a real number"):
        db.split("half")
    with pytest.raises(ValueError, match="no test samples"):
        db[:1].split(0.5)
