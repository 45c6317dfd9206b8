"""Every recorded number, found again; and the comparison itself."""

import json

import numpy as np
import pytest

from tests.fingerprint.__main__ import compare, main
from tests.fingerprint.calls import CALLS
from tests.fingerprint.record import VALUES, differences, digest, read, sampled, write


@pytest.mark.parametrize("name", CALLS)
def test_values_are_those_recorded(name):
    found = {key: sampled(values) for key, values in CALLS[name].function().items()}
    lines = differences(found, read(name), CALLS[name].tolerance)
    assert not lines, "\n".join(
        [*lines, f"if that is meant: python -m tests.fingerprint --record {name}"]
    )


def test_every_call_is_recorded_and_every_record_has_a_call():
    assert {file.stem for file in VALUES.glob("*.json")} == set(CALLS)


ENTRIES = {
    "float": np.linspace(0.1, 1.0, 7),
    "large": np.sin(np.arange(1000.0)),
    "complex": np.array([1 + 2j, 3 - 4j, np.nan]),
    "integer": np.arange(5),
    "huge": np.array([2**63], np.uint64),
    "bool": np.array([True, False]),
    "string": "wolff",
    "infinite": np.array([np.inf, -np.inf, np.nan, 1.0]),
    "empty": np.empty((0, 3)),
}


def records(**changes):
    return {key: sampled(values) for key, values in (ENTRIES | changes).items()}


def test_numbers_survive_being_written(tmp_path):
    write("call", records(), tmp_path)
    back = read("call", tmp_path)
    assert differences(back, records(), 0.0) == []
    assert back["float"]["values"] == ENTRIES["float"].tolist()


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("float", ENTRIES["float"] * (1 + 1e-8)),
        ("float", ENTRIES["float"].astype(np.float32)),
        ("float", ENTRIES["float"][None]),
        ("large", ENTRIES["large"] + 1e-6 * (np.arange(1000) == 500)),
        ("large", np.where(np.arange(1000) == 3, np.nan, ENTRIES["large"])),
        ("complex", np.array([1 + 2j, 3 - 4.0001j, np.nan])),
        ("complex", np.array([1 + 2j, 3 - 4j, 0])),
        ("integer", np.array([0, 1, 2, 3, 5])),
        ("huge", np.array([2**63 + 1], np.uint64)),
        ("bool", np.array([True, True])),
        ("string", "wolfe"),
        ("infinite", np.array([np.inf, np.inf, np.nan, 1.0])),
        ("empty", np.empty((3, 0))),
    ],
)
def test_a_change_is_found(key, values):
    (line,) = differences(records(**{key: values}), records(), 1e-9)
    assert line.startswith(f"{key}: ")
    assert digest(values) != digest(ENTRIES[key])


def test_tolerance_leaves_room_for_rounding_alone():
    nearly = records(float=ENTRIES["float"] * (1 + 1e-12))
    assert differences(nearly, records(), 1e-9) == []
    assert len(differences(nearly, records(), 0.0)) == 1
    fewer = {key: record for key, record in records().items() if key != "bool"}
    assert differences(fewer, records(), 1e-9) == ["bool: only on one side"]


def bits(file, **changes):
    entries = ENTRIES | changes
    call = {key: {"sha256": digest(v), **sampled(v)} for key, v in entries.items()}
    file.write_text(json.dumps({"call": call}), encoding="utf-8")
    return file


def test_files_of_bits_are_compared(tmp_path, capsys):
    a, same = bits(tmp_path / "a"), bits(tmp_path / "same")
    assert compare(a, same) == 0
    assert "1 of 1 calls agree" in capsys.readouterr().out
    other = bits(tmp_path / "other", float=np.nextafter(ENTRIES["float"], 2))
    assert main(["--compare", str(a), str(other)]) == 1
    assert "call: float: 2.22e-16" in capsys.readouterr().out
    # A number that is not among those written down still changes the digest.
    hidden = bits(tmp_path / "hidden", large=ENTRIES["large"] + 0.1 * (np.arange(1000) == 3))
    assert compare(a, hidden) == 1
    less = tmp_path / "less"
    less.write_text("{}", encoding="utf-8")
    assert compare(a, less) == 1
    failed = tmp_path / "failed"
    failed.write_text(json.dumps({"call": "ValueError: no"}), encoding="utf-8")
    assert compare(failed, failed) == 1
    assert "ValueError: no" in capsys.readouterr().out
