import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import kadanoff as kd
from kadanoff._base import archive, files
from kadanoff.runs.store import DamagedFile, Store, canonical, key
from tests.stopping import wait_for


def filled(path, points=4, **options):
    store = Store(path, kind="squares", **options)
    for x in range(points):
        store.save({"x": x, "y": 0.5}, {"square": np.array([x * x, 1.0])}, {"seconds": 0.1})
    return store


@pytest.mark.parametrize("suffix", ["npz", "json"])
def test_what_is_saved_is_loaded(tmp_path, suffix):
    store = filled(tmp_path / "s", suffix=suffix)
    assert len(store) == 4
    assert {"x": 2, "y": 0.5} in store
    assert {"x": 2.0, "y": np.float32(0.5)} in store
    assert {"x": 2} not in store
    np.testing.assert_array_equal(store.load({"y": 0.5, "x": 2})["square"], [4.0, 1.0])
    assert store.facts({"x": 2, "y": 0.5}) == {"seconds": 0.1}
    assert sorted(point["x"] for point in store) == [0, 1, 2, 3]
    with pytest.raises(KeyError, match="no point"):
        store.load({"x": 9})
    again = Store.open(tmp_path / "s")
    assert again.digest() == store.digest()
    assert "4 points" in repr(again)


def test_arrays_keep_their_bits(tmp_path):
    store = Store(tmp_path / "s", kind="arrays")
    arrays = {
        "complex": np.array([[1 + 2j, np.pi]]),
        "nan": np.array([np.nan, -0.0, np.inf]),
        "mask": np.array([True, False]),
        "text": np.array("a reason"),
        "scalar": np.float64(0.1),
        "empty": np.zeros((0, 3)),
    }
    store.save({"i": 1}, arrays)
    found = store.load({"i": 1})
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        assert found[name].dtype == np.asarray(array).dtype
        assert found[name].tobytes() == np.asarray(array).tobytes()


def test_a_file_depends_on_what_is_in_it_alone(tmp_path):
    a, b = filled(tmp_path / "a"), filled(tmp_path / "b")
    for file in a.files():
        assert file.read_bytes() == (b.path / file.name).read_bytes()
    b.save({"x": 0, "y": 0.5}, {"square": np.array([1e-300, 1.0])})
    assert a.digest() != b.digest()


def test_the_manifest_names_versions_and_seeds(tmp_path):
    Store(tmp_path / "s", kind="k", version=3, settings={"seed": 7, "range": (1, 2.5)})
    found = json.loads((tmp_path / "s" / "manifest.json").read_text())
    assert found["kind"] == "k"
    assert found["version"] == 3
    assert found["settings"] == {"seed": 7, "range": [1, 2.5]}
    (writer,) = found["writers"]
    assert writer["kadanoff"] == kd.about()["kadanoff"]
    assert {"numpy", "python", "platform", "threads"} <= writer.keys()
    Store(tmp_path / "s", kind="k", version=3)
    assert json.loads((tmp_path / "s" / "manifest.json").read_text()) == found


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 2}, "has version 1, this is version 2"),
        ({"kind": "cubes"}, "has kind 'squares', this is kind 'cubes'"),
        ({"suffix": "json"}, "has suffix 'npz'"),
    ],
)
def test_another_version_is_refused_by_name(tmp_path, changes, message):
    filled(tmp_path / "s")
    with pytest.raises(ValueError, match=message):
        Store(tmp_path / "s", **{"kind": "squares", **changes})


def test_another_layout_is_refused(tmp_path, monkeypatch):
    filled(tmp_path / "s")
    monkeypatch.setattr(sys.modules["kadanoff.runs.store"], "LAYOUT", 2)
    with pytest.raises(ValueError, match="has layout 1, this is layout 2"):
        Store(tmp_path / "s", kind="squares")


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(ValueError, match=r"is no store, but holds 'thesis\.tex'"):
        Store(tmp_path, kind="k")
    with pytest.raises(ValueError, match="is a file"):
        Store(tmp_path / "thesis.tex", kind="k")
    with pytest.raises(FileNotFoundError, match="no store"):
        Store.open(tmp_path / "nothing")
    store = filled(tmp_path / "s")
    (store.path / "manifest.json").write_text('{"store": 1,')
    with pytest.raises(ValueError, match=r"manifest\.json is damaged"):
        Store.open(store.path)


def _cut(data):
    return data[: len(data) // 2]


def _flip(data):
    # A bit of the array itself: the checksum of the archive tells.
    at = data.index(np.float64(9.0).tobytes())
    return data[: at + 7] + bytes([data[at + 7] ^ 1]) + data[at + 8 :]


@pytest.mark.parametrize("damage", [_cut, _flip, lambda data: b"", lambda data: b"not a zip"])
def test_a_damaged_file_is_named_and_set_aside(tmp_path, damage):
    store = filled(tmp_path / "s")
    victim = {"x": 3, "y": 0.5}
    file = store.file(victim)
    file.write_bytes(damage(file.read_bytes()))
    with pytest.warns(DamagedFile, match=file.name), pytest.raises(KeyError):
        store.load(victim)
    assert (store.path / "damaged" / file.name).is_file()
    assert store.damaged[0].startswith(file.name)
    assert victim not in store
    assert len(store) == 3
    np.testing.assert_array_equal(store.load({"x": 2, "y": 0.5})["square"], [4.0, 1.0])


def test_a_file_under_a_wrong_name_is_damaged(tmp_path):
    store = filled(tmp_path / "s")
    os.replace(store.file({"x": 1, "y": 0.5}), store.file({"x": 7, "y": 0.5}))
    with pytest.warns(DamagedFile, match="do not belong to its name"):
        assert len(list(store)) == 3


def test_nothing_is_unpickled(tmp_path):
    store = filled(tmp_path / "s")
    with pytest.raises(TypeError, match="numbers or text"):
        store.save({"x": 1}, {"object": np.array([{}], dtype=object)})
    file = store.file({"x": 1, "y": 0.5})
    bad = tmp_path / "bad.npy"
    np.save(bad, np.array([os.system], dtype=object), allow_pickle=True)
    with zipfile.ZipFile(file, "a") as archive:
        archive.write(bad, "evil.npy")
    with pytest.warns(DamagedFile, match="pickle"), pytest.raises(KeyError):
        store.load({"x": 1, "y": 0.5})


def test_killed_while_writing(tmp_path):
    code = (
        "import sys, numpy as np; from kadanoff.runs.store import Store\n"
        "store = Store(sys.argv[1], kind='k')\n"
        "for x in range(10**6): store.save({'x': x}, {'a': np.full(20_000, float(x))})\n"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "s")])
    wait_for(lambda: len(list(tmp_path.glob("s/*.npz"))) >= 20, child)
    child.kill()
    child.wait()
    store = Store(tmp_path / "s", kind="k")
    found = sorted(point["x"] for point in store)
    # Everything up to the last one is there, and whole.
    assert found == list(range(len(found)))
    assert len(found) >= 20
    for x in found:
        assert np.all(store.load({"x": x})["a"] == x)
    assert store.damaged == []


def test_a_store_whose_first_manifest_was_never_finished_is_a_new_one(tmp_path):
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / ".6zx944wn.part").write_bytes(b'{"store": 1')
    assert len(filled(tmp_path / "s")) == 4
    assert len(Store.open(tmp_path / "s")) == 4


def test_a_lost_manifest_is_made_anew_around_the_points(tmp_path):
    before = filled(tmp_path / "s").digest()
    (tmp_path / "s" / "manifest.json").unlink()
    with pytest.warns(DamagedFile, match=r"no manifest\.json: .*of kind 'squares', version 1"):
        store = Store(tmp_path / "s", kind="squares")
    assert store.digest() == before


def checked(manifest):
    """A manifest with its checksum."""
    text = json.dumps(manifest, sort_keys=True, separators=(",", ":"))
    return json.dumps(manifest | {"check": hashlib.sha256(text.encode()).hexdigest()[:16]})


MANIFEST = {"store": 1, "kind": "squares", "version": 1, "suffix": "npz", "settings": {}}


@pytest.mark.parametrize(
    "text",
    [
        checked(MANIFEST),
        checked({**MANIFEST, "writers": 3}),
        checked({**MANIFEST, "writers": [3]}),
        checked({**MANIFEST, "writers": [], "version": "a"}),
        checked({**MANIFEST, "writers": [], "version": True}),
        checked({**MANIFEST, "writers": [], "kind": []}),
        checked({**MANIFEST, "writers": [], "suffix": []}),
        checked({**MANIFEST, "writers": [], "settings": 3}),
        json.dumps({**MANIFEST, "writers": [], "check": "0123456789abcdef"}),
        json.dumps({**MANIFEST, "writers": []}),
        json.dumps({**MANIFEST, "writers": [], "check": "0"}).replace("1", "NaN"),
        "[" * 10**5,
        "3",
        "\0",
    ],
)
def test_a_damaged_manifest_is_named(tmp_path, text):
    filled(tmp_path / "s")
    (tmp_path / "s" / "manifest.json").write_text(text)
    for call in (lambda: Store.open(tmp_path / "s"), lambda: Store(tmp_path / "s", kind="squares")):
        with pytest.raises(ValueError, match=r"manifest\.json is damaged"):
            call()


def test_a_manifest_of_another_layout_is_refused_whatever_else_it_holds(tmp_path):
    filled(tmp_path / "s")
    (tmp_path / "s" / "manifest.json").write_text(checked({"store": 2}))
    for call in (lambda: Store.open(tmp_path / "s"), lambda: Store(tmp_path / "s", kind="squares")):
        with pytest.raises(ValueError, match="has layout 2, this is layout 1"):
            call()


def test_folders_and_pipes_in_place_of_files_are_set_aside(tmp_path):
    store = filled(tmp_path / "s")
    folder, pipe = ({"x": x, "y": 0.5} for x in (1, 2))
    store.file(folder).unlink()
    store.file(folder).mkdir()
    store.file(pipe).unlink()
    os.mkfifo(store.file(pipe)) if hasattr(os, "mkfifo") else store.file(pipe).mkdir()
    assert len(store) == 2
    with pytest.warns(DamagedFile, match="no regular file"):
        assert sorted(point["x"] for point in store) == [0, 3]
    assert len(store.damaged) == 2
    store.file(folder).mkdir()
    with pytest.warns(DamagedFile, match="it is a folder"):
        store.save(folder, {"square": np.ones(2)})
    assert store.load(folder).keys() == {"square"}
    assert len(list((store.path / "damaged").iterdir())) == 3  # one under another name


def test_damaged_may_be_the_name_of_a_file(tmp_path):
    store = filled(tmp_path / "s")
    (store.path / "damaged").write_text("notes")
    file = store.file({"x": 1, "y": 0.5})
    file.write_bytes(b"")
    with pytest.warns(DamagedFile, match="was moved to damaged-1/"):
        assert len(list(store)) == 3
    assert (store.path / "damaged-1" / file.name).is_file()
    assert (store.path / "damaged").read_text() == "notes"


def test_what_cannot_be_moved_counts_as_missing(tmp_path, monkeypatch):
    store = filled(tmp_path / "s")
    file = store.file({"x": 1, "y": 0.5})
    file.write_bytes(b"")

    def read_only(*_):
        raise PermissionError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "replace", read_only)
    with pytest.warns(DamagedFile, match="could not be moved to damaged/, Read-only file system"):
        assert len(list(store)) == 3


def test_a_file_repaired_while_it_is_read_stays(tmp_path, monkeypatch):
    store, point = filled(tmp_path / "s"), {"x": 1, "y": 0.5}
    file = store.file(point)
    good = file.read_bytes()
    file.write_bytes(b"")
    unpacked = archive.unpacked

    def slow(data):
        if not data:  # another process computes the point again meanwhile
            files.write(file, good)
        return unpacked(data)

    monkeypatch.setattr(archive, "unpacked", slow)
    assert store.load(point)["square"].tolist() == [1.0, 1.0]
    assert store.damaged == []


@pytest.mark.parametrize("suffix", ["npz", "json"])
def test_names_of_results_are_data(tmp_path, suffix):
    store = Store(tmp_path / "s", kind="k", suffix=suffix)
    names = ["allow_pickle", "file", "args", "a/../b", "", "ä", "A", "a", "self", "name", "x.npy"]
    store.save({"i": 1}, {name: np.arange(k) for k, name in enumerate(names)})
    found = Store.open(tmp_path / "s").load({"i": 1})
    assert {name: array.size for name, array in found.items()} == {
        name: k for k, name in enumerate(names)
    }
    with pytest.raises(ValueError, match="NUL"):
        store.save({"i": 2}, {"a\0b": 1.0})
    assert len(store) == 1


def test_a_store_stays_where_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = Store("s", kind="k")
    store.save({"x": 1}, {"y": 1.0})
    again = Store.open("s")
    monkeypatch.chdir("/")
    for one in (store, again):
        one.save({"x": 2}, {"y": 2.0})
        assert len(one) == 2
        assert one.path == tmp_path / "s"


def test_a_vanished_folder_is_named(tmp_path):
    store = filled(tmp_path / "s")
    shutil.rmtree(store.path)
    name = store.file({"x": 1}).name
    with pytest.raises(FileNotFoundError, match=rf"s/{name}'"):
        store.save({"x": 1}, {"y": 1.0})
    for call in (lambda: len(store), lambda: list(store), store.digest):
        with pytest.raises(FileNotFoundError, match=r"/s'"):
            call()
    assert "unknown (No such file or directory) points" in repr(store)
    assert "unknown" in store._repr_html_()


def test_a_full_disk_is_named_and_nothing_stays_behind(tmp_path, monkeypatch):
    store = filled(tmp_path / "s")
    before = sorted(store.path.iterdir())

    def full(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    name = store.file({"x": 9}).name
    with pytest.raises(OSError, match=rf"No space left on device: '.*{name}'"):
        store.save({"x": 9}, {"y": 1.0})
    assert sorted(store.path.iterdir()) == before
    # What is there can be read, by another version too, which would add itself to the manifest.
    module = sys.modules["kadanoff.runs.store"]
    monkeypatch.setattr(module, "_writer", lambda: {"kadanoff": "99"})
    again = Store.open(store.path)
    assert len(list(again)) == 4
    monkeypatch.undo()
    again.save({"x": 9}, {"y": 1.0})
    written = json.loads((store.path / "manifest.json").read_text())["writers"]
    assert [writer["kadanoff"] for writer in written] == [kd.about()["kadanoff"], "99"]


def test_arguments_of_a_store_are_named(tmp_path):
    with pytest.raises(TypeError, match="kind must be text"):
        Store(tmp_path / "s", kind=object())
    with pytest.raises(TypeError, match="settings must be a mapping"):
        Store(tmp_path / "s", kind="k", settings=3)
    store = Store(tmp_path / "s", kind="k", suffix="json")
    for arguments, message in (
        ((3, {}), "parameters must be a mapping"),
        (({"x": 1}, 3), "result must be a mapping"),
        (({"x": 1}, {}, 3), "facts must be a mapping"),
    ):
        with pytest.raises(TypeError, match=message):
            store.save(*arguments)
    with pytest.raises(ValueError, match="y in a JSON store must be finite"):
        store.save({"x": 1}, {"y": np.nan})
    masked = np.ma.array([1.0], mask=[1])
    with pytest.raises(TypeError, match="mask"):
        store.save({"x": 1}, {"y": masked})
    with pytest.raises(TypeError, match="mask"):
        Store(tmp_path / "t", kind="k").save({"x": 1}, {"y": masked})


def test_what_was_half_written_long_ago_is_swept_away(tmp_path):
    store = filled(tmp_path / "s")
    old, new = store.path / ".a.part", store.path / ".b.part"
    for part in (old, new):
        part.write_bytes(b"half")
    os.utime(old, (0, 0))
    Store.open(store.path)
    assert not old.exists()
    assert new.exists()  # perhaps somebody is writing it


def test_a_grid_becomes_dimensions(tmp_path):
    pytest.importorskip("xarray")
    store = Store(tmp_path / "s", kind="k", version=4)
    for U in (2.0, 1.0):
        for beta in (10, 5, 20):
            point = {"U": U, "beta": beta, "solver": "ipt"}
            store.save(point, {"Z": U / beta, "G": np.arange(3) * U}, {"seconds": 1.5})
    data = store.to_xarray()
    assert dict(data.sizes) == {"U": 2, "beta": 3, "G_0": 3}
    assert float(data.Z.sel(U=2.0, beta=20)) == 0.1
    np.testing.assert_array_equal(data.beta, [5, 10, 20])
    assert data.attrs["solver"] == "ipt"
    assert data.attrs["version"] == 4
    assert float(data.seconds.max()) == 1.5


def test_scattered_points_have_one_dimension(tmp_path):
    pytest.importorskip("xarray")
    store = filled(tmp_path / "s")
    store.save({"x": 0.3, "y": 0.7}, {"square": np.array([0.09, 1.0])})
    data = store.to_xarray()
    assert data.square.dims == ("point", "square_0")
    np.testing.assert_array_equal(data.x, [0, 0.3, 1, 2, 3])
    np.testing.assert_array_equal(data.y, [0.5, 0.7, 0.5, 0.5, 0.5])
    store.save({"x": 9, "y": 0.7}, {"square": np.zeros(3)})
    with pytest.raises(ValueError, match="'square' is missing in some points or differs in shape"):
        store.to_xarray()
    with pytest.raises(ValueError, match="empty"):
        Store(tmp_path / "new", kind="k").to_xarray()


NUMBERS = st.one_of(st.integers(-(2**60), 2**60), st.floats(allow_nan=False, allow_infinity=False))
VALUES = st.recursive(
    st.one_of(NUMBERS, st.text(max_size=5), st.booleans(), st.none()),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=4), VALUES, max_size=4))
def test_a_name_survives_the_file(parameters):
    once = canonical(parameters)
    # What is read back from a file has the name that it was written under.
    assert key(json.loads(json.dumps(once))) == key(parameters)
    assert canonical(once) == once
    assert key(dict(reversed(parameters.items()))) == key(parameters)


@given(NUMBERS, NUMBERS)
def test_different_numbers_have_different_names(a, b):
    assert (key({"x": a}) == key({"x": b})) == (a == b)


def test_parameters_without_a_name_are_refused(tmp_path):
    for value, error, message in (
        (float("nan"), ValueError, "finite"),
        (object(), TypeError, "numbers, text"),
        ({1: 2}, TypeError, "names in parameters"),
        (1j, TypeError, "numbers, text"),
    ):
        with pytest.raises(error, match=message):
            key({"x": value})
    with pytest.raises(ValueError, match="suffix"):
        Store(tmp_path / "s", kind="k", suffix="pickle")
