"""What `make check` runs after which change."""

import json

import pytest

from tests.paths import ROOT
from tools import changed
from tools.changed import asked_for, plan

TESTS = [
    "tests/bands/test_bands.py",
    "tests/bands/test_densities.py",
    "tests/bands/test_densities_of_tables.py",
    "tests/house/test_imports.py",
    "tests/house/test_site.py",
    "tests/lattices/ising/test_exact.py",
    "tests/lattices/test_self_learning.py",
    "tests/rbm/test_machine.py",
]
SECONDS = dict.fromkeys(TESTS, 1.0) | {"tests/house/test_site.py": 30.0}


def test_a_module_is_tested_by_its_room():
    own, others = asked_for("python/kadanoff/bands/densities.py", TESTS)
    assert own == ["tests/bands/test_densities.py", "tests/bands/test_densities_of_tables.py"]
    assert others == ["tests/bands/test_bands.py"]


def test_the_init_of_a_room_is_called_like_the_room():
    own, _ = asked_for("python/kadanoff/bands/__init__.py", TESTS)
    assert own == ["tests/bands/test_bands.py"]


def test_a_room_without_tests_is_tested_by_the_one_that_holds_it():
    file = "python/kadanoff/lattices/ising/exact_solutions/torus.py"
    assert asked_for(file, TESTS) == ([], ["tests/lattices/ising/test_exact.py"])


@pytest.mark.parametrize(
    ("file", "tests"),
    [
        ("tests/rbm/test_machine.py", ["tests/rbm/test_machine.py"]),
        ("tests/rbm/tiny.json", ["tests/rbm/test_machine.py"]),
        ("tools/site.py", ["tests/house/test_site.py"]),
        ("docs/site/start.md", ["tests/house/test_site.py"]),
        ("rust/lattice/src/lib.rs", TESTS[5:7]),
        ("LICENSE", []),
    ],
)
def test_other_files(file, tests):
    own, others = asked_for(file, TESTS)
    assert own + others == tests


def test_rules_are_always_there_and_doctests_of_what_changed():
    found = plan(["python/kadanoff/rbm/machine.py"], TESTS, SECONDS)
    assert found.tests == (
        "tests/house/test_imports.py",
        "tests/rbm/test_machine.py",
        "python/kadanoff/rbm/machine.py",
    )
    assert found.left_out == ()


def test_what_exceeds_the_budget_is_left_out_and_named():
    found = plan(["docs/site/start.md", "tests/rbm/test_machine.py"], TESTS, SECONDS, budget=20)
    assert "tests/rbm/test_machine.py" in found.tests
    assert found.left_out == ("tests/house/test_site.py",)


def test_those_called_after_the_change_come_first():
    found = plan(["python/kadanoff/bands/densities.py"], TESTS, SECONDS, budget=3)
    assert set(found.left_out) == {"tests/bands/test_bands.py"}


def test_without_a_change_the_shortest_are_taken():
    found = plan([], TESTS, SECONDS, budget=10)
    assert set(found.tests) == {*TESTS} - {"tests/house/test_site.py"}
    assert found.left_out == ()


def test_a_file_that_nobody_measured_has_a_guess():
    assert plan([], TESTS, {}, budget=45).tests == tuple(TESTS[3:5])


def test_times_are_added_up_by_file(tmp_path):
    target = tmp_path / "seconds.json"
    target.write_text('{"tests/house/test_site.py": 9.0, "tests/gone.py": 1.0}')
    clock = changed.Clock(target)
    for seconds in (1.25, 2.5):
        clock.add("tests/house/test_changed.py", seconds)
    clock.add("tests/house/test_site.py", 3.0)  # a new measurement replaces the old one
    clock.write()
    found = json.loads(target.read_text())
    assert found == {"tests/house/test_changed.py": 3.8, "tests/house/test_site.py": 3.0}


def test_the_table_of_times_names_files():
    seconds = json.loads(changed.TIMES.read_text(encoding="utf-8"))
    assert all(time >= 0 for time in seconds.values())
    # Files that are new or renamed get a guess until they are measured.
    assert seconds.keys() & {*changed.files_of_tests()}


def test_where_changes_are_seen_exists():
    for there, test in changed.ELSEWHERE.items():
        assert (ROOT / there).exists(), there
        assert (ROOT / test).exists(), test
