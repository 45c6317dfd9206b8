"""The machinery of the benchmarks; what they measure is never asserted."""

import json
import re
import sys

import numpy as np
import pytest

import benchmarks.__main__ as program
from benchmarks import (
    blocks,
    compare,
    ctqmc,
    history,
    lectures,
    ljubljana,
    ratios,
    sectors,
    table,
    worker,
)
from benchmarks.cases import CASES
from benchmarks.memory import peak_megabytes
from benchmarks.run import CaseError
from kadanoff import cli
from kadanoff.dmft import DiscreteBath, Impurity, solve
from kadanoff.impurities.models import AndersonModel
from kadanoff.impurities.symmetry.multiplets import initial_cluster

TIMING = {
    "values": 4.0,
    "vectors": 1.0,
    "operators": 1.0,
    "reduction_flops": 2e11,
    "product_flops": 1e11,
}
MACHINE = {
    "processor": "a processor (2)",
    "cores": 2,
    "python": "3.11",
    "load": 1.0,
    "date": "2026-11-29",
}
RESULT = {
    "machine": MACHINE,
    "cases": [
        {
            "case": "thermo-u1-u1",
            "threads": 2,
            "repeats": 3,
            "median": 7.05,
            "best": 7.0,
            "worst": 8.0,
            "cpu": 13.0,
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
PEERS = [
    {"name": "numba", "median": 9.0, "cpu": 8.0, "megabytes": 200.0}
    | {"ratio": {"cpu": [4.0, 3.5, 4.5], "seconds": [4.2, 3.0, 5.0]}},
    {"name": "gemm", "median": 1.0, "cpu": 1.0, "megabytes": 90.0}
    | {"ratio": {"cpu": [0.8, 0.7, 0.9], "seconds": [0.8, 0.7, 0.9]}},
    {"name": "mcising", "missing": "No module named 'mcising'"},
    {"name": "pyalps", "missing": "failed: it crashed"},
]


def row(**changes):
    return {**RESULT["cases"][0], "case": "rbm-cd", "threads": 1, "cpu": 2.0, **changes}


def test_a_recorded_figure_is_named_so_and_divides_nothing():
    text = table.document(RESULT)
    assert "recorded: NRG Ljubljana 28.2 s, 225–248 MB |" in text
    assert "50.9 s" not in text  # that of another number of threads
    assert "| 200 | 50 | 100 | 50 |" in text  # Gflop and GF/s of either kind
    assert "5× faster" in text  # LAPACK in the same run
    assert text.count("× faster") == 1
    for line in text.splitlines():
        assert not line.startswith("|") or line.endswith("|")


def test_ratios_in_turns_take_the_place_of_recorded_figures():
    text = table.document({"machine": MACHINE, "cases": [row(case="thermo-u1-u1", peers=PEERS)]})
    assert "recorded: " not in text
    assert "4× faster than numba; 1.25× slower than gemm |" in text
    assert "| numba | 8 s | 4× faster (3.5 – 4.5) | 4.2× faster (3 – 5) | 123 / 200 MB |" in text
    assert "| gemm | 1 s | 1.25× slower (0.7 – 0.9) |" in text
    assert "| mcising | not installed |" in text
    assert "| pyalps | failed |" in text


def test_the_share_of_a_limit_counts_processor_time():
    rates = {"sgemm": 8e9, "dgemm": 2e11}
    cases = [row(), row(case="thermo-u1-u1", cpu=6.0), row(threads=2), row(case="import")]
    text = table.document({"machine": MACHINE, "cases": cases, "limits": rates})
    # 5 products of 64 x 32 for 200,000 rows, 2 operations each: 4.1e9 in 2 s.
    assert "| 2.05 GF/s | sgemm | 26% |" in text
    assert "| 50 GF/s | dgemm | 25% |" in text
    assert text.count("| sgemm |") == 1


@pytest.mark.parametrize(
    ("load", "cores", "noted"), [(1.0, 2, False), (1.3, 2, True), (2, 8, False)]
)
def test_the_load_is_compared_with_the_number_of_cores(load, cores, noted):
    result = {"machine": {**MACHINE, "load": load, "cores": cores}, "cases": RESULT["cases"]}
    assert ("The machine was busy" in table.document(result)) is noted


def test_a_ratio_is_formed_in_each_round():
    ours = [[{"cpu": 1.0, "seconds": 1.0}], [{"cpu": 2.0, "seconds": 4.0}] * 2]
    theirs = [[{"cpu": 3.0, "seconds": 3.0}], [{"cpu": 4.0, "seconds": 4.0}]]
    assert ratios.in_turns(ours, theirs) == {"cpu": [2.5, 2.0, 3.0], "seconds": [2.0, 1.0, 3.0]}
    theirs[1][0].pop("cpu")
    assert "cpu" not in ratios.in_turns(ours, theirs)


def test_the_interval_covers_the_ratio_as_often_as_it_says():
    random = np.random.default_rng(1)
    runs = 2000
    logs = np.log(0.8) + 0.1 * random.standard_normal((runs, 6))
    found = [ratios.interval(np.exp(x).tolist()) for x in logs]
    covered = sum(low < 0.8 < high for _, low, high in found)
    assert abs(covered - 0.95 * runs) < 4 * (runs * 0.95 * 0.05) ** 0.5
    assert ratios.interval([2.0]) == (2.0, 0.0, np.inf)


def test_time_for_an_equal_error_of_monte_carlo():
    """Twice the deviation and three times the time: twelve times, though half of it is reported."""
    random = np.random.default_rng(3)
    true, mine, theirs = -1.57, 0.01, 0.02

    def of(n, deviation, reported, seconds):
        rows = (true + deviation * random.standard_normal(n), np.full(n, reported))
        return np.column_stack([*rows, np.full(n, seconds)])

    text = ctqmc.comparison(of(400, mine, mine, 1.0), of(400, theirs, theirs / 2, 3.0))
    assert "3.0 times by reported errors" in text
    assert float(re.search(r"pyalps: 400 runs, deviations (\S+)", text)[1]) == pytest.approx(
        2.0,
        abs=0.3,  # four standard deviations of 400 runs
    )
    low, high = map(float, re.search(r"\((\S+) - (\S+)\) by deviations", text).groups())
    middle = float(re.search(r"(\S+) \(", text.splitlines()[-1])[1])
    # A ratio of two averages of 400 squares: 10 %.
    assert low < middle < high
    assert middle == pytest.approx(12.0, abs=4.8)


def runs(times):
    return [{"measured": [{"cpu": t, "seconds": t}], "megabytes": 50.0} for t in times]


def test_a_change_beyond_noise_is_named():
    random = np.random.default_rng(2)
    there = 1.0 + 0.02 * random.standard_normal(8)
    for factor, word in [(0.8, "faster"), (1.25, "slower"), (1.0, "no change beyond noise")]:
        here = factor * (1.0 + 0.02 * random.standard_normal(8))
        found = compare.verdict(runs(here), runs(there), cases=12)
        assert found["word"] == word
        _, low, high = found["ratio"]
        assert low < factor < high
    assert "no change beyond noise" in compare.table({"ed-4": found}, "0123456789abcdef")


def test_equal_commits_raise_one_false_alarm_in_twenty_comparisons():
    random = np.random.default_rng(3)
    alarms, comparisons, cases = 0, 100, 4
    for _ in range(comparisons):
        words = [
            compare.verdict(*map(runs, np.exp(0.05 * random.standard_normal((2, 6)))), cases=cases)
            for _ in range(cases)
        ]
        alarms += any(found["word"] != "no change beyond noise" for found in words)
    assert alarms <= 5 + 4 * (100 * 0.05 * 0.95) ** 0.5


def test_both_commits_run_in_turns_and_from_their_own_folder(monkeypatch, tmp_path):
    order = []

    def worker(name, threads, repeats, *, python, package):
        order.append(python)
        return runs([1.0])[0] | {"package": str(package / "kadanoff/__init__.py")}

    monkeypatch.setattr(compare, "worker", worker)
    sides = [{"python": name, "package": tmp_path / name} for name in ("here", "there")]
    here, there = compare.turns(CASES[0], sides, 3)
    assert order == ["there", "here", "here", "there", "there", "here"]
    assert len(here) == len(there) == 3
    monkeypatch.setattr(compare, "worker", lambda *_, **__: runs([1.0])[0] | {"package": "/else"})
    with pytest.raises(CaseError, match="imported from /else"):
        compare.turns(CASES[0], sides, 1)


def test_a_peer_that_is_not_installed_is_no_error(monkeypatch):
    case = next(case for case in CASES if case.name == "ising-metropolis")
    index = [peer.name for peer in case.peers].index("mcising")
    monkeypatch.setitem(sys.modules, "mcising", None)
    assert "mcising" in worker.run(f"ising-metropolis/{index}", 1, 1)["missing"]
    monkeypatch.delenv("NRG_LJUBLJANA", raising=False)
    assert "NRG_LJUBLJANA" in worker.run("thermo-u1-su2/0", 1, 1)["missing"]


def test_the_history_has_one_line_per_commit_and_machine(tmp_path):
    of = {"commit": "a" * 40, "date": "2026-11-29T12:00:00+00:00", "changed": False}
    result = {"machine": MACHINE, "cases": [row(peers=PEERS), row(threads=2)]}
    path = history.append(history.line(result, of), tmp_path)
    assert path.name == "a-processor-2-2.jsonl"
    history.append(history.line(result, of | {"commit": "b" * 40}), tmp_path)
    result["cases"][0]["median"] = 5.0
    history.append(history.line(result, of), tmp_path)
    entries = list(history.read(path))
    assert [entry["commit"][0] for entry in entries] == ["b", "a"]
    kept = entries[1]["cases"]["rbm-cd"]
    assert kept["1"]["median"] == 5.0
    assert kept["1"]["ratios"]["numba"]["cpu"][0] == 4.0
    assert kept["2"]["cpu"] == 2.0
    assert not entries[1]["busy"]


def test_the_history_names_the_commit():
    assert re.fullmatch(r"[0-9a-f]{40}|", history.commit()["commit"])


def test_committed_lines_of_the_history_can_be_read():
    for path in history.FOLDER.glob("*.jsonl"):
        commits = [(entry["commit"], entry["changed"]) for entry in history.read(path)]
        assert len(set(commits)) == len(commits) > 0


# Reduced elements of f_0^+ in the test legacy_matsubara_test1-qs of NRG Ljubljana, f6b4d056:
# U = 1, eps = -0.4, Gamma = 0.06, flat band; signs depend on those of the eigenvectors.
THEIRS = {
    (("-1", "2"), ("-2", "1")): [[0.3773516882687474], [0.9260700315638801]],
    (("0", "1"), ("-1", "2")): [
        [1.0159988660489252, 0.18235089750927913],
        [0.2501589222596976, 1.1988078660220927],
        [0.2180851082500552, 0.6222648583214727],
    ],
    (("0", "3"), ("-1", "2")): [[0.9260700315638801, 0.3773516882687474]],
    (("1", "2"), ("0", "1")): [
        [0.6751019320285485, 0.284889845615914, 0.06004222269764187],
        [0.10716626593172904, 0.4110691947271795, 0.882614070430778],
    ],
    (("1", "2"), ("0", "3")): [[1.1740571818226593], [0.3486971950140046]],
    (("2", "1"), ("1", "2")): [[0.40264083881400603, 1.3556844599386517]],
}
LEVELS = {
    ("-2", "1"): [0.6050591586538919],
    ("-1", "2"): [0.1348904970783731, 0.6831245628419919],
    ("0", "1"): [0.0, 0.6752642022438914, 0.9438616450240752],
    ("0", "3"): [0.21295590126647307],
    ("1", "2"): [0.1560554972742835, 0.858011191339791],
    ("2", "1"): [0.8011107873476013],
}


def test_our_file_for_nrg_ljubljana_has_the_elements_of_its_own():
    model = AndersonModel(U=1.0, eps=-0.4, Gamma=0.06)
    start = initial_cluster(model, ("U1", "SU2"))
    text = ljubljana.data(start, [0.5, 0.4, 0.3], 2.0, {})
    lines = iter([line for line in text.splitlines() if not line.startswith("# ")])
    assert next(lines) == "#!9"
    assert next(lines) == "1\t3\t6"
    for _ in range(6):
        label, count = tuple(next(lines).split()), int(next(lines))
        energies = [float(x) for x in next(lines).split()]
        assert len(energies) == count
        np.testing.assert_allclose(energies, LEVELS.pop(label), atol=1e-12)
    assert (next(lines), next(lines)) == ("f 0 0", "6")
    for _ in range(6):
        Q, S, q, s = next(lines).split()
        expected = THEIRS[(Q, S), (q, s)]
        found = [[float(x) for x in next(lines).split()] for _ in expected]
        np.testing.assert_allclose(np.abs(found), expected, atol=1e-12)
    assert next(lines) == "e"
    # They count U (n - 1)^2 / 2, we U n_up n_dn: U / 2 apart.
    assert float(next(lines)) == pytest.approx(-0.11724471526750035 - 0.5, abs=1e-12)
    rest = list(lines)
    assert rest[:3] == ["z", "3", "0.5"]
    assert rest[6:] == ["3", "0", "0", "0", "0"]


def test_files_for_nrg_ljubljana_name_the_operators_of_the_spectrum():
    files = ljubljana.files(0.5, ("U1", "U1"), 100, T=1e-10)
    assert "specd=A_d-A_d-u A_d-A_d-d" in files["param"]
    of_d = files["data"].split("\ndA_d\n")[1].split("\n")
    of_f = files["data"].split("\nf 0 0\n")[1].split("\n")
    assert of_d[0] == of_f[0] == "12"


@pytest.mark.parametrize("beta", [1.0, 50.0])
def test_the_peer_of_exact_diagonalisation_finds_the_same(beta):
    e, V = np.array([-0.7, -0.2, 0.3, 0.8]), np.array([0.3, 0.2, 0.25, 0.35])
    problem = Impurity(2.0, beta, DiscreteBath(e, V), 0.1)
    ours = solve(problem, solver="ed", frequencies=64).G_iw
    # It cuts its expansion at 8**-11 = 1e-10.
    theirs = sectors.green(2.0, problem.eps, e, V, beta, 64)
    np.testing.assert_allclose(theirs, ours, rtol=1e-9)


def test_the_blocks_of_quspin_find_the_same():
    pytest.importorskip("quspin")
    e, V = np.array([-0.7, 0.3]), np.array([0.3, 0.2])
    theirs = blocks.green(2.0, 0.1, e, V, 10.0, 16)
    np.testing.assert_allclose(theirs, sectors.green(2.0, 0.1, e, V, 10.0, 16), rtol=1e-9)


def test_case_names_differ():
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize(
    ("theirs", "ours", "text"),
    [(8.0, 10.0, "1.25× slower"), (21.0, 0.25, "84× faster"), (1.0, 1.0, "1× faster")],
)
def test_a_ratio_is_at_least_one(theirs, ours, text):
    assert ratios.words(theirs, ours) == text


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


def test_the_table_of_the_lectures_comes_from_a_command_that_exists(capsys):
    # A misspelt option ends with the options that the command has.
    with pytest.raises(SystemExit):
        cli.main(["run", lectures.JOB, "--help"])
    assert {"--samples", "--inputs", "--beta", "--epochs"} <= set(capsys.readouterr().out.split())


def test_an_interrupted_run_keeps_what_it_measured(monkeypatch, capsys):
    order = []

    def stopped(cases, *, quick):
        order.extend(case.quick for case in cases)
        yield {"case": "ed-6", "threads": 2}
        yield {"case": "ed-6", "threads": 1}
        yield {"case": "ed-4", "threads": 1}
        raise KeyboardInterrupt

    monkeypatch.setattr(program, "measure_all", stopped)
    monkeypatch.setattr(program, "worker", lambda *_: {})
    monkeypatch.setattr(program, "document", lambda result: table.document(result | {"cases": []}))
    program.main(["--json", "--case", "ed-4", "--case", "ed-6", "--case", "thermo-u1-u1"])
    out = capsys.readouterr().out
    found = json.loads(out[out.index("{") :])
    rows = [(row["case"], row["threads"]) for row in found["cases"]]
    assert rows == [("ed-4", 1), ("ed-6", 1), ("ed-6", 2)]
    assert found["interrupted"]
    assert order == [True, True, False]
    assert "was interrupted" in table.document(found | {"cases": []})
