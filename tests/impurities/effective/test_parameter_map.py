import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from kadanoff import AndersonModel, Cancelled, Control, KondoModel, NotConverged
from kadanoff.impurities.effective import parameter_map as module
from kadanoff.impurities.effective.fitting import learn

pytest.importorskip("sklearn")

from kadanoff.impurities.effective.parameter_map import effective_map, sample_points
from kadanoff.runs.store import DamagedFile
from tests.stopping import wait_for

BOX = {"U": (0.5, 5.0), "J_sw": (0.2, 0.4)}
QUICK = {"keep": 80, "progress": False, "seed": 0, **BOX}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("points")


@pytest.fixture(scope="module")
def found(folder):
    return effective_map(folder, points=20, **QUICK)


def test_a_map_knows_its_seed(found, tmp_path):
    assert found.seed == 0
    fresh = [
        effective_map(tmp_path / str(k), points=10, **QUICK | {"seed": None}) for k in range(2)
    ]
    assert fresh[0].seed != fresh[1].seed
    assert not np.array_equal(fresh[0].U, fresh[1].U)


CONTROLS = 8  # of the first points, learned with twice the states too


def points(folder):
    return [path for path in folder.glob("*.json") if path.name != "manifest.json"]


def files(folder):
    return {path.name: path.read_bytes() for path in points(folder)}


def test_points_fill_the_box():
    points = sample_points(200, **BOX, seed=3)
    assert points.shape == (200, 2)
    unit = np.log(points / [0.5, 0.2]) / np.log([10, 2])
    assert (unit > 0).all()
    assert (unit < 1).all()
    # Every cell of a 5 x 5 grid holds its share of 8, within the discrepancy ~ ln(n)^2 of points.
    counts = np.histogram2d(*unit.T, bins=5, range=[[0, 1], [0, 1]])[0]
    assert counts.min() >= 5
    assert counts.max() <= 11
    assert not np.array_equal(points, sample_points(200, **BOX, seed=4))


def test_every_point_has_one_file(found, folder):
    assert len(found.J) == 20
    assert found.computed == 20 + CONTROLS
    assert found.failed == ()
    whole = [json.loads(text) for text in files(folder).values()]
    assert len(whole) == 20 + CONTROLS
    saved = [s for s in whole if s["parameters"]["options"]["keep"] == QUICK["keep"]]
    assert len(saved) == 20
    by_point = {(s["parameters"]["U"], s["parameters"]["J_sw"]): s["result"]["J"] for s in saved}
    for u, j, J in zip(found.U, found.J_sw, found.J, strict=True):
        assert by_point[u, j] == J


def test_second_call_learns_nothing(found, folder):
    before = files(folder)
    again = effective_map(folder, points=20, **QUICK)
    assert again.computed == 0
    np.testing.assert_array_equal(again.J, found.J)
    np.testing.assert_array_equal(again.errors, found.errors)
    assert files(folder) == before


def test_lost_and_broken_files_are_learned_again(found, folder):
    before = files(folder)
    lost, cut, empty, other = sorted(before)[:4]
    (folder / lost).unlink()
    (folder / cut).write_bytes(before[cut][:-20])
    (folder / empty).write_bytes(b"")
    (folder / other).write_bytes(before[other].replace(b'"J": 0.', b'"J": -0.'))
    (folder / ".left_by_a_killed_process.part").write_bytes(before[cut][:30])
    with pytest.warns(DamagedFile) as named:
        again = effective_map(folder, points=20, **QUICK)
    assert again.computed == 4
    assert {name for w in named for name in (cut, empty, other) if name in str(w.message)} == {
        cut,
        empty,
        other,
    }
    np.testing.assert_array_equal(again.J, found.J)
    (folder / ".left_by_a_killed_process.part").unlink()
    assert files(folder).keys() == before.keys()


def test_more_points_extend_those_that_are_there(found, folder):
    more = effective_map(folder, points=24, **QUICK)
    assert more.computed == 4
    np.testing.assert_array_equal(more.J[:20], found.J)


def test_other_options_are_other_points(found, folder):
    before = files(folder).keys()
    effective_map(folder, points=10, **QUICK | {"keep": 60})
    assert len(files(folder).keys() - before) == 10 + CONTROLS


def test_prediction_of_new_points(found):
    # Between points; truncation at 80 states scatters J by a few 1e-3.
    assert found.rms_error < 0.01
    rms = np.sqrt(np.mean(found.errors**2))
    assert found.rms_error == pytest.approx(np.hypot(rms, found.truncation))
    assert found.truncation > 1e-4
    for U, J_sw in ((0.9, 0.3), (3.0, 0.25)):
        aim = AndersonModel(U=U, J_sw=J_sw)
        fit = learn(KondoModel(J=J_sw), aim, T=2e-4 * min(U, 1), keep=80, progress=False)
        assert abs(found(aim).J / fit.model.J - 1) < 0.01
        mean, std = found.predict(U, J_sw)
        assert mean == found(aim).J
        assert 0 < std < 0.02 * mean


def test_energies_scale_with_the_band(found):
    wide = found(AndersonModel(U=2.0, J_sw=0.6, D=2.0))
    assert wide.band.D == 2.0
    unit = found(AndersonModel(U=1.0, J_sw=0.3))
    assert abs(wide.J / unit.J - 2) < 1e-9


def test_beyond_the_box_it_refuses(found):
    with pytest.raises(ValueError, match=r"U must be between 0\.5 and 5"):
        found.predict([1.0, 6.0], 0.3)
    with pytest.raises(ValueError, match="J_sw must be between"):
        found(AndersonModel(U=1.0, J_sw=0.5))
    with pytest.raises(ValueError, match="flat band"):
        found(AndersonModel(U=1.0, eps=-0.3, J_sw=0.3))
    with pytest.raises(TypeError, match="AndersonModel"):
        found(0.3)


def test_an_executor_can_submit(tmp_path):
    with pytest.raises(TypeError, match=r"executor must be a .*Executor, got 3"):
        effective_map(tmp_path, points=20, executor=3, **QUICK)


def test_any_executor_gives_the_same(found, tmp_path):
    with ThreadPoolExecutor(3) as pool:
        other = effective_map(tmp_path, points=20, executor=pool, **QUICK)
    np.testing.assert_array_equal(other.J, found.J)


def test_killed_run_goes_on_where_it_was(tmp_path):
    code = (
        "from kadanoff.impurities.effective.parameter_map import effective_map; import sys;"
        f"effective_map(sys.argv[1], points=4000, **{QUICK!r})"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], env=os.environ.copy())
    wait_for(lambda: len(points(tmp_path)) >= 5, child)
    child.kill()
    child.wait()
    done = len(points(tmp_path))
    assert done >= 5
    wanted = done + 5
    after = effective_map(tmp_path, points=wanted, **QUICK)
    # Nothing that was finished is learned again, and no point is there twice.
    assert after.computed <= 10 + CONTROLS
    assert len({(u, j) for u, j in zip(after.U, after.J_sw, strict=True)}) == wanted


def test_cancelled_run_keeps_its_points(tmp_path):
    control = Control()

    def stop(done, total):
        if done >= 3:
            control.cancel()

    with pytest.raises(Cancelled):
        effective_map(tmp_path, points=500, control=control, **QUICK | {"progress": stop})
    assert 3 <= len(points(tmp_path)) < 500
    assert list(tmp_path.glob(".*")) == []


def test_a_point_without_answer_is_reported(tmp_path, monkeypatch):
    real = module.learn
    calls = []

    def sometimes(*args, **keywords):
        calls.append(1)
        if len(calls) == 1:
            raise NotConverged("no luck")
        return real(*args, **keywords)

    monkeypatch.setattr(module, "learn", sometimes)
    found = effective_map(tmp_path, points=12, **QUICK)
    assert len(found.failed) == 1
    assert "no luck" in found.failed[0]
    assert len(found.J) == 11
    # It is tried again.
    assert effective_map(tmp_path, points=12, **QUICK).computed == 1


def test_bad_input_is_refused(tmp_path):
    for changes, error, message in (
        ({"points": 5}, ValueError, "points must be at least 10"),
        ({"U": (1.0, 0.5)}, ValueError, "0 < low < high"),
        ({"U": 1.0}, TypeError, "must be a pair"),
        ({"seed": -1}, ValueError, "seed"),
        ({"sites": 20}, TypeError, "has no argument 'sites'"),
        ({"nonsense": 1}, TypeError, "has no argument 'nonsense'"),
        ({"keep": 0}, ValueError, "keep"),
    ):
        with pytest.raises(error, match=message):
            effective_map(tmp_path / "new", **QUICK | changes)
    assert not (tmp_path / "new").exists()
