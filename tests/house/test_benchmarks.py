"""The machinery of the benchmarks; what they measure is never asserted."""

import re

import numpy as np
import pytest

from benchmarks import sectors, table
from benchmarks.cases import CASES
from benchmarks.memory import peak_megabytes
from kadanoff.dmft import DiscreteBath, Impurity, solve

TIMING = {
    "values": 4.0,
    "vectors": 1.0,
    "operators": 1.0,
    "reduction_flops": 2e11,
    "product_flops": 1e11,
}
RESULT = {
    "machine": {"processor": "a processor", "cores": 2, "python": "3.11"},
    "cases": [
        {
            "case": "thermo-u1-u1",
            "threads": 2,
            "repeats": 3,
            "median": 7.05,
            "best": 7.0,
            "worst": 8.0,
            "megabytes": 123.4,
            "core": 6.5,
            "timing": TIMING,
        }
    ],
    "peer": {
        "dgemm": {"300": 60.0},
        "shells": {
            "thermo-u1-u1": {
                "blocks": 73,
                "largest": 1120,
                "dsyevd": 0.9,
                "distinct": 0.45,
                "ours": 0.18,
            }
        },
    },
}


def test_table_compares_with_the_reference_of_the_same_number_of_threads():
    text = table.document(RESULT)
    assert "28.2 s, 225–248 MB | 4× faster" in text
    assert "| 200 | 50 | 100 | 50 |" in text  # Gflop and GF/s of either kind
    assert "5.0×" in text
    for line in text.splitlines():
        assert not line.startswith("|") or line.endswith("|")


@pytest.mark.parametrize("beta", [1.0, 50.0])
def test_the_peer_of_exact_diagonalisation_finds_the_same(beta):
    e, V = np.array([-0.7, -0.2, 0.3, 0.8]), np.array([0.3, 0.2, 0.25, 0.35])
    problem = Impurity(2.0, beta, DiscreteBath(e, V), 0.1)
    ours = solve(problem, solver="ed", frequencies=64).G_iw
    # It cuts its expansion at 8**-11 = 1e-10.
    theirs = sectors.green(2.0, problem.eps, e, V, beta, 64)
    np.testing.assert_allclose(theirs, ours, rtol=1e-9)


def test_case_names_differ():
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize(
    ("theirs", "ours", "text"),
    [(8.0, 10.0, "1.25× slower"), (21.0, 0.25, "84× faster"), (1.0, 1.0, "1× faster")],
)
def test_a_ratio_is_at_least_one(theirs, ours, text):
    assert table.ratio(theirs, ours) == text


def test_the_readme_shows_five_rows_of_the_whole_table():
    text = (table.ROOT / "benchmarks/table.md").read_text(encoding="utf-8")
    shown = table.headlines(text).strip().splitlines()
    assert len([line for line in shown if line.startswith("|")]) == 2 + len(table.HEADLINES) == 7
    assert all(line in text for line in shown)
    readme = table.README.read_text(encoding="utf-8")
    assert all(line in readme for line in shown)
    assert text.strip() in table.PAGE.read_text(encoding="utf-8")


def test_publishing_keeps_everything_outside_of_the_markers(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("a\n<!-- benchmarks:begin (x) -->\nold\n<!-- benchmarks:end -->\nb\n")
    for _ in range(2):
        table.publish("new", readme)
        assert readme.read_text() == (
            "a\n<!-- benchmarks:begin (x) -->\n\nnew\n\n<!-- benchmarks:end -->\nb\n"
        )


@pytest.mark.parametrize("page", [table.README, table.PAGE], ids=lambda page: page.name)
def test_the_pages_have_the_markers(page):
    text = page.read_text(encoding="utf-8")
    assert len(re.findall(table.BEGIN, text)) == len(re.findall(table.END, text)) == 1


def test_peak_memory_is_that_of_a_python_process():
    assert 5 < peak_megabytes() < 1e5
