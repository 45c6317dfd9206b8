import dataclasses
import json

import numpy as np
import pytest

from kadanoff import bands, dmft
from kadanoff.dmft import DiscreteBath, Impurity, Loop, MatsubaraBath, Solution
from kadanoff.dmft.loops.mott_insulator import Branch
from kadanoff.greens import matsubara
from kadanoff.runs import result_files
from kadanoff.runs.result_files import NotSaved, Saved, storable

SUFFIXES = [".npz", ".nc", ".h5"]


def needs(suffix):
    if suffix != ".npz":
        pytest.importorskip("h5netcdf")


def problems():
    w = matsubara(10.0, 64)
    Delta = 0.25 / (1j * w - 0.5)
    return [
        Impurity(2.0, 10.0, DiscreteBath([-0.4, 0.4], [0.3, 0.3])),
        Impurity(2.0, 10.0, MatsubaraBath(Delta, (0.25,), error=0.0), -0.9),
        Impurity(1.0, 5.0, bands.TabulatedBand([-1, 0, 1], [0.2, 1.0, 0.2])),
        Impurity(1.0, 5.0, bands.SemicircularBand(2.0), 0.3, 0.7),
    ]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("k", range(4))
def test_solutions_come_back_bit_for_bit(tmp_path, suffix, k):
    needs(suffix)
    solver = "ed" if k == 0 else "hubbard1"
    solution = dmft.solve(problems()[k], solver=solver, seed=1, threads=1)
    solution.save(tmp_path / f"s{suffix}")
    found = Solution.load(tmp_path / f"s{suffix}")
    assert repr(found) == repr(solution)
    assert repr(found.problem) == repr(solution.problem)
    for name in ("w_n", "G_iw", "Sigma_iw", "Delta_iw", "G_tau"):
        assert np.array_equal(getattr(found, name), getattr(solution, name)), name
    assert found.diagnostics.keys() == solution.diagnostics.keys()
    assert (found.seed, found.valid, found.log_Z) == (solution.seed, solution.valid, solution.log_Z)
    again = dmft.solve(found.problem, solver=solver, seed=1, threads=1)
    assert np.array_equal(again.G_iw, solution.G_iw)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_ends_of_the_transition_come_back(tmp_path, suffix):
    needs(suffix)
    branch = Branch(np.array([2.5, 2.4]), np.array([0.1, 0.2]), 2.3)
    ends = dmft.MottEnds(dmft.End(2.38, {"levels": 0.02}), dmft.End(2.914, {"keep": 0.004}))
    ends = dataclasses.replace(ends, branch=branch)
    ends.save(tmp_path / f"ends{suffix}")
    found = dmft.MottEnds.load(tmp_path / f"ends{suffix}")
    assert found.summary == ends.summary
    assert np.isnan(found.growth)
    assert np.array_equal(found.branch.U, branch.U)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_loops_come_back_and_go_on(tmp_path, suffix):
    needs(suffix)
    loop = dmft.bethe(U=1.0, beta=10, solver="hubbard1", D=2.0)
    loop.save(tmp_path / f"loop{suffix}")
    found = Loop.load(tmp_path / f"loop{suffix}")
    assert repr(found) == repr(loop)
    for name, values in loop.history.items():
        assert np.array_equal(found.history[name], values)
    # and what holds a loop
    certificate = dmft.learning.Certificate(loop, loop.solution, 0.1, None, 3)
    certificate.save(tmp_path / f"certificate{suffix}")
    again = dmft.learning.Certificate.load(tmp_path / f"certificate{suffix}")
    assert repr(again) == repr(certificate)
    on = [dmft.bethe(U=1.1, beta=10, solver="hubbard1", D=2.0, start=x) for x in (loop, found)]
    assert on[0].Z == on[1].Z


def header_of(path):
    arrays = dict(np.load(path))
    return json.loads(arrays.pop("header").tobytes()), arrays


def rewritten(path, header, arrays):
    text = np.frombuffer(json.dumps(header).encode(), np.uint8)
    np.savez(path, header=text, **arrays)


@pytest.fixture
def saved(tmp_path):
    loop = dmft.bethe(U=1.0, beta=10, solver="hubbard1")
    loop.save(tmp_path / "loop.npz")
    return tmp_path / "loop.npz"


def test_the_header_names_the_lattice(saved):
    header, arrays = header_of(saved)
    assert header["content"]["fields"]["lattice"]["class"] == "Bethe"
    header["content"]["fields"]["lattice"] = "square"
    rewritten(saved, header, arrays)
    with pytest.raises(ValueError, match="lattice must be a Lattice, got 'square'"):
        Loop.load(saved)


def change(header, arrays, kind):
    fields = header["content"]["fields"]
    if kind == "layout":
        header["kadanoff result"] = 99
    elif kind == "version":
        header["content"]["version"] = 99
    elif kind == "class":
        fields["solution"]["class"] = "os.system"
    elif kind == "missing":
        del fields["history"]
    elif kind == "array":
        del arrays["history.Z"]
    elif kind == "number":
        arrays["history.Z"] = arrays["history.Z"] + 1e-9
    elif kind == "other":
        header.clear()


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("layout", "layout 99"),
        ("version", "version 99"),
        ("class", "os.system, which this kadanoff does not know"),
        ("missing", "history"),
        ("array", "damaged"),
        ("number", "damaged: its arrays"),
        ("other", "no result of kadanoff"),
    ],
)
def test_changed_files_are_refused_by_name(saved, kind, message):
    header, arrays = header_of(saved)
    change(header, arrays, kind)
    rewritten(saved, header, arrays)
    with pytest.raises(ValueError, match=message) as caught:
        Loop.load(saved)
    assert "loop.npz" in str(caught.value)


def test_frequencies_and_shapes_belong_together(tmp_path):
    solution = dmft.solve(problems()[0], seed=1, threads=1)
    for name, value, message in (
        ("Sigma_iw", solution.Sigma_iw[:-1], "Sigma_iw has the shape"),
        ("problem", dataclasses.replace(solution.problem, beta=11.0), "not the Matsubara"),
    ):
        other = dataclasses.replace(solution, **{name: value})
        fields = other.to_fields() | {"w_n": solution.w_n}
        with pytest.raises(ValueError, match=message):
            Solution.from_fields(fields)


def test_other_kinds_suffixes_and_damage_are_refused(saved, tmp_path):
    with pytest.raises(ValueError, match="holds a Loop, not a Solution"):
        Solution.load(saved)
    with pytest.raises(ValueError, match=r"must end in \.nc"):
        Loop.load(tmp_path / "loop.pickle")
    (tmp_path / "cut.npz").write_bytes(saved.read_bytes()[:-100])
    with pytest.raises(ValueError, match="damaged"):
        Loop.load(tmp_path / "cut.npz")
    with pytest.raises(FileNotFoundError):
        Loop.load(tmp_path / "none.npz")


def test_a_damaged_netcdf_file_is_refused(saved, tmp_path):
    needs(".nc")
    loop = Loop.load(saved)
    loop.save(tmp_path / "loop.nc")
    data = (tmp_path / "loop.nc").read_bytes()
    (tmp_path / "cut.nc").write_bytes(data[: len(data) // 2])
    with pytest.raises(ValueError, match=r"cut\.nc"):
        Loop.load(tmp_path / "cut.nc")


def test_xarray_opens_a_solution(tmp_path):
    needs(".nc")
    import xarray

    solution = dmft.solve(problems()[0], seed=1, threads=1)
    solution.save(tmp_path / "s.nc")
    with xarray.open_dataset(tmp_path / "s.nc", engine="h5netcdf") as data:
        assert data["Sigma_iw.im"].dims == ("w_n",)
        assert np.array_equal(data["Sigma_iw.im"], solution.Sigma_iw.imag)
        assert np.array_equal(data["w_n"], solution.w_n)


def test_without_h5netcdf_the_message_names_the_remedy(saved, tmp_path, monkeypatch):
    loop = Loop.load(saved)
    monkeypatch.setitem(__import__("sys").modules, "h5netcdf", None)
    with pytest.raises(ImportError, match=r"kadanoff\[files\]"):
        loop.save(tmp_path / "loop.nc")


def test_what_a_file_can_not_hold_is_refused_or_left_out_by_name(tmp_path):
    solution = dmft.solve(problems()[0], seed=1, threads=1)
    more = {"fine": 1, "function": print, "inner": {"array": np.ones(2), "bad": object()}}
    with pytest.warns(NotSaved, match=r"diagnostics\.function, diagnostics\.inner"):
        dataclasses.replace(solution, diagnostics=more).save(tmp_path / "s.npz")
    assert Solution.load(tmp_path / "s.npz").diagnostics == {"fine": 1}
    function = bands.FunctionBand(lambda w: 0.5 + 0.0 * w, 1.0)
    unsaved = dataclasses.replace(solution, problem=Impurity(1.0, 5.0, function))
    with pytest.raises(TypeError, match=r"problem\.bath is a FunctionBand"):
        unsaved.save(tmp_path / "f.npz")
    assert not (tmp_path / "f.npz").exists()


@storable
@dataclasses.dataclass(frozen=True, eq=False)
class Sample(Saved):
    value: object


VALUES = [
    float("nan"),
    float("-inf"),
    1.5 - 2j,
    None,
    True,
    2**70,
    ("a", (1, 2.5)),
    [1, "two"],
    {"a": {"b": (1.0,)}},
    tuple(np.linspace(0.0, 1.0, 100).tolist()),
    np.float64(0.1),
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_plain_values(tmp_path, value):
    Sample(value).save(tmp_path / "x.npz")
    found = Sample.load(tmp_path / "x.npz").value
    assert repr(found) == repr(value.item() if isinstance(value, np.generic) else value)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("dtype", ["f8", "f4", "c16", "i8", "u1", "?"])
def test_arrays_of_any_kind_and_shape(tmp_path, suffix, dtype):
    needs(suffix)
    for shape in ((), (0,), (3,), (2, 3)):
        array = (np.arange(np.prod(shape, dtype=int)) % 2).astype(dtype).reshape(shape)
        Sample(array).save(tmp_path / f"x{suffix}")
        found = Sample.load(tmp_path / f"x{suffix}").value
        assert (found.shape, found.dtype) == (shape, array.dtype)
        assert np.array_equal(found, array)


def test_classes_of_a_test_leave_no_trace():
    assert result_files.ENTRIES["Sample"].kind is Sample
