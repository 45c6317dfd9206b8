"""The command line: the same numbers as in Python, one line for bad input, 130 after Ctrl-C."""

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path

import numpy as np
import pytest

import kadanoff as kd
from kadanoff.cli import JOBS, bench, course, joined, main
from tests.paths import ROOT
from tests.stopping import PATIENCE

KONDO = ["--keep", "120", "--threads", "1"]
FEW = ["--keep", "150", "--keep_multiplets", "10"]
QUICK = {
    "kondo": KONDO,
    "dots": ["--keep", "200", "--T_min", "1e-5"],
    "spectrum": ["--keep", "200"],
    "dot": [
        "--U",
        "2meV",
        "--Gamma",
        "0.3meV",
        "--T",
        "50mK",
        "--keep",
        "150",
        "--keep_multiplets",
        "10",
        "--points",
        "5",
    ],
    "ising": ["--L", "8", "--n", "2000"],
    "rsmi": ["--L", "16", "--n", "4000"],
    "dimers": ["--L", "8", "--n", "2000"],
    "mott": ["--U", "1", "3", "--beta", "20", "--solver", "ipt"],
    "rbm": ["--data", "spins.npy", "--hidden", "4", "--epochs", "3"],
    "dmft": ["--lattice", "square", "--U", "1", "1.5", "--beta", "10", "--solver", "ipt"],
    "learned": ["--U", "1", "--beta", "5", "--samples", "30", "--target", "ed-2"],
    "lectures": [
        *("--samples", "60", "--inputs", "ipt", "--target", "ed-2", "--beta", "5"),
        *("--basis", "tau", "legendre", "--transform", "T1", "--epochs", "2"),
    ],
}


@pytest.fixture(scope="module", autouse=True)
def spins(tmp_path_factory):
    """Configurations of a user in a file, and QUICK with its name."""
    path = tmp_path_factory.mktemp("spins") / "spins.npy"
    np.save(path, kd.ising.sample(L=16, T=3.0, n=4000, seed=1, threads=1).configurations)
    QUICK["rbm"][1] = str(path)
    return path


def run_json(capsys, job, *arguments):
    assert main(["run", job, "--json", *QUICK[job], *arguments]) == 0
    return json.loads(capsys.readouterr().out)


def test_every_job_has_a_quick_test():
    assert set(QUICK) == {job.name for job in JOBS}


@pytest.mark.parametrize("job", [name for name in QUICK if name != "kondo"])
def test_a_job_prints_a_table_and_saves_its_picture(job, tmp_path, capsys):
    picture = tmp_path / "a.png"
    assert main(["run", job, *QUICK[job], "--output", str(picture)]) == 0
    shown = capsys.readouterr()
    assert len(shown.out.splitlines()) > 3
    assert str(picture) in shown.err
    assert picture.read_bytes()[:4] == b"\x89PNG"
    assert picture.stat().st_size > 5_000


def test_table_and_picture(tmp_path, capsys):
    picture = tmp_path / "kondo.png"
    assert main(["run", "kondo", "--output", str(picture), *KONDO]) == 0
    out = capsys.readouterr().out
    for word in ("J_SW", "J_ML", "J_obs", "T_K", "steps", "zitko-pruschke", "Lambda = 2.5"):
        assert word in out
    rows = [line for line in out.splitlines() if line.strip()[:4] in {"0.25", "0.40"}]
    assert len(rows) == 2
    assert picture.stat().st_size > 10_000


def test_kondo(capsys):
    found = run_json(capsys, "kondo", "--scheme", "wilson", "--plain")
    assert found["settings"]["A_Lambda"] is False
    first, second = found["rows"]
    assert first["J_SW"] == 0.25
    assert second["J_SW"] == 0.4
    assert first["J_ML"] == pytest.approx(0.2008, rel=0.02)
    assert set(first["T_K"]) == {"aim", "J_SW", "J_ML", "J_obs"}


def test_kondo_is_that_of_python(capsys):
    found = run_json(capsys, "kondo")
    run = kd.nrg.solve(kd.AndersonModel(U=0.5, J_sw=0.25), keep=120)
    expected = kd.kondo_scales.kondo_temperature(run, "chi")
    # The chain of the mapping is shorter, and the fit of chi(0) sees a few temperatures less.
    assert found["rows"][0]["T_K"]["aim"] == pytest.approx(expected, rel=1e-3)


def test_plain_belongs_to_its_scheme(capsys):
    assert main(["run", "kondo", "--plain", *KONDO]) == 2
    assert "add --scheme wilson" in capsys.readouterr().err


def test_dots_are_those_of_python(capsys):
    found = run_json(capsys, "dots")
    chain = {"Lambda": 2.5, "keep": 200}
    dots = kd.DoubleQuantumDot(U=0.5, J_sw=0.2)
    fit = kd.effective.learn(kd.KondoModel(J=0.2, spin=1), target=dots, T=1e-4, **chain)
    assert found["J"] == fit.model.J
    # ln 3 above the Kondo temperature of the spin 1, to what 200 states can do.
    at = np.argmin(np.abs(np.log(np.array(found["T"]) / 1e-4)))
    assert found["entropy"]["dots"][at] == pytest.approx(np.log(3), rel=0.06)


def test_a_spectrum_obeys_friedel(capsys):
    found = run_json(capsys, "spectrum")
    # 200 states and two twists: the raw spectrum is good to a few per cent.
    assert found["t_0"] == pytest.approx(found["friedel"], abs=0.04)
    assert found["n_d"] == pytest.approx(1.0, abs=1e-6)
    assert len(found["omega"]) == len(found["t"])
    assert found["settings"]["J_sw"] == 0.25


def test_a_dot_in_units_of_an_experiment(capsys):
    found = run_json(capsys, "dot")
    assert found["settings"]["D"] == pytest.approx(10.0)
    assert min(abs(np.array(found["T"]) - 50 * kd.units.mK)) < 1e-12
    assert found["T_K"]["chi"]["value"] == pytest.approx(0.54 * kd.units.K, rel=0.1)
    assert main(["run", "dot", "--U", "0.1meV", *QUICK["dot"][2:]]) == 0
    assert "none, no local moment forms" in capsys.readouterr().out


def test_a_fit_of_a_file(tmp_path, capsys):
    file, picture = tmp_path / "dot.csv", tmp_path / "fit.png"
    T = np.array([0.5, 1.0, 2.0, 4.0])
    level = kd.AndersonModel(U=0, Gamma=0.3, D=10)
    G = kd.transport.solve(level, T=T * kd.units.K, keep_multiplets=10, errors=False).conductance
    lines = [f"{t},{g},0.01" for t, g in zip(T, G, strict=True)]
    file.write_text("\n".join(["T,G (e^2/h),error", *lines]), encoding="utf-8")
    line = f"fit {file} --U 0 --Gamma 0.25meV --D 10meV --parameters Gamma --keep_multiplets 10"
    assert main(line.split()) == 2
    error = capsys.readouterr().err
    assert "column T has no unit in its heading 'T'" in error
    assert "or pass --units T=K ('model'" in error
    line += " --units T=K"
    assert main([*line.split(), "--json", "--output", str(picture)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["values"]["Gamma"] == pytest.approx(0.3, rel=1e-2)
    assert found["T_K"]["value"] is None
    assert picture.stat().st_size > 5_000
    assert main(line.split()) == 0
    assert "95 % from" in capsys.readouterr().out


def test_units_given_one_by_one_are_all_kept(tmp_path, capsys):
    file = tmp_path / "dot.csv"
    file.write_text("T,G\n1,1\n2,0.5\n", encoding="utf-8")
    assert main(["fit", str(file), "--units", "T=K", "--units", "G=apples"]) == 2
    error = capsys.readouterr().err
    assert "apples" in error
    assert "column T" not in error


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ("--U 2meV --Gamma 0.3meV", "--lever 0.1 (meV per mV)"),
        ("--U 2meV", "got --U alone"),
        ("--geometry end", "--geometry"),
        ("", "no sweep has two Coulomb peaks: give start values"),
    ],
)
def test_start_values_that_lack_are_named(options, named, tmp_path, capsys):
    file = tmp_path / "dot.csv"
    rows = "".join(f"50,{v},{1 / (1 + v * v)}\n" for v in range(-6, 7))
    file.write_text("T (mK),V_g (mV),G (e^2/h)\n" + rows, encoding="utf-8")
    assert status(["fit", str(file), *options.split()]) == 2
    assert named in capsys.readouterr().err


def test_a_negative_level_with_a_unit_is_a_value():
    """argparse took -0.1meV for an option."""
    assert joined(["--eps", "-0.1meV", "--json", "-o", "x"]) == [
        "--eps=-0.1meV",
        "--json",
        "-o",
        "x",
    ]


def status(arguments):
    """Exit status, whether the parser exits or the command returns."""
    try:
        return main(arguments)
    except SystemExit as stop:
        return stop.code


@pytest.mark.parametrize("job", ["ising", "dimers"])
def test_samples_stand_beside_the_exact_answer(job, capsys):
    found = run_json(capsys, job)["estimates"]
    name = {"ising": "energy", "dimers": "flippable"}[job]
    off = (found[name]["mean"] - found[name]["exact"]) / found[name]["error"]
    assert abs(off) < 4.5  # one seed: the same number always


def test_a_filter_knows_less_than_the_exact_bound(capsys):
    found = run_json(capsys, "rsmi")
    assert np.shape(found["filters"]) == (1, 2, 2)
    assert found["information"]["kind"] == "certified"
    assert 0 < found["information"]["value"] < np.log(2)  # one bit of a hidden unit at most


def test_own_configurations_give_the_filter_of_python(spins, capsys):
    assert main(["run", "rsmi", "--json", "--data", str(spins)]) == 0
    found = json.loads(capsys.readouterr().out)
    rule = kd.rsmi.learn(np.load(spins), seed=1)
    assert found["filters"] == rule.filters.tolist()
    assert found["information"]["value"] == rule.information.value
    assert "L" not in found["settings"]


def test_a_filter_of_colours_is_drawn_colour_by_colour(tmp_path, capsys):
    colours = kd.potts.sample(L=8, q=3, T=1.0, n=3000, seed=1, threads=1).configurations
    np.save(tmp_path / "colours.npy", colours)
    line = ["run", "rsmi", "--data", str(tmp_path / "colours.npy")]
    picture = str(tmp_path / "filter.png")
    assert main([*line, "--states", "3", "--output", picture]) == 0
    shown = capsys.readouterr()
    assert len([row for row in shown.out.splitlines() if row.startswith("  ")]) == 4  # sites
    assert "warning" not in shown.err
    assert main(line) == 2
    assert "states=3" in capsys.readouterr().err


def test_a_machine_of_own_rows_is_judged_on_others(spins, tmp_path, capsys):
    saved = tmp_path / "machine.npz"
    found = run_json(capsys, "rbm", "--save", str(saved))
    machine = kd.RBM.load(saved)
    assert found["log_Z"] == machine.log_Z()
    assert found["log_Z_error"] == 0.0
    assert found["log_likelihood"].keys() == {"training", "held out"}
    assert found["log_likelihood"]["training"] < 0.0


def test_loops_of_a_lattice_are_those_of_python_and_are_continued(tmp_path, capsys):
    found = run_json(capsys, "dmft", "--path", str(tmp_path / "loops"))
    loop = kd.dmft.loop(lattice="square", U=1.5, beta=10.0, solver="ipt")
    point = found["points"][1]
    assert (point["U"], point["state"], point["Z_error"]) == (1.5, loop.state, None)
    assert point["Z"] == pytest.approx(loop.Z, abs=1e-12)
    stored = {path: path.stat().st_mtime_ns for path in (tmp_path / "loops").rglob("*.npz")}
    assert len(stored) == 2
    again = run_json(capsys, "dmft", "--path", str(tmp_path / "loops"))
    assert again == found
    assert {p: p.stat().st_mtime_ns for p in stored} == stored  # none was computed anew


def test_a_density_of_states_comes_from_a_file(tmp_path, capsys):
    e = np.linspace(-1.0, 1.0, 101)
    np.savetxt(tmp_path / "dos.txt", np.transpose([e, 1.0 - e**2]))
    line = ["run", "dmft", "--lattice", str(tmp_path / "dos.txt"), "--solver", "ipt", "--json"]
    assert main([*line, "--U", "1", "--beta", "10", "--n", "0.9"]) == 0
    point = json.loads(capsys.readouterr().out)["points"][0]
    lattice = kd.dmft.lattices.Tabulated(e, 1.0 - e**2)
    loop = kd.dmft.loop(lattice=lattice, U=1.0, beta=10.0, n=0.9, solver="ipt")
    assert point["docc"] == pytest.approx(loop.docc, abs=1e-9)


def test_a_learned_solver_is_saved_and_says_where_it_does_not_answer(tmp_path, capsys):
    saved = str(tmp_path / "solver.npz")
    found = run_json(capsys, "learned", "--save", saved)
    point = found["points"][0]
    assert point["Z"] == pytest.approx(point["Z_exact"], abs=0.01)
    line = ["run", "learned", "--U", "6", "--beta", "5", "--model", saved, "--target", "ed-2"]
    with pytest.warns(kd.dmft.learning.OutsideTraining, match="U/E = "):
        assert kd.dmft.loop(U=6.0, beta=5.0, solver=kd.dmft.learning.load(saved)).Z > 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("default")  # those of a command line, not of these tests
        assert main([*line, "--json"]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["points"][0]["solved_by"] == "ed-2"
    assert "kadanoff: warning: the problem (U = 6, beta = 5) lies outside" in shown.err


def test_options_come_from_a_file_and_the_line_wins(tmp_path, capsys):
    path = tmp_path / "jobs.toml"
    path.write_text(
        'threads = 1\n[dmft]\nlattice = "square"\nU = [1, 1.5]\nbeta = 10\nsolver = "ipt"\n'
        "[kondo]\nplain = true\n"
    )
    assert main(["run", "dmft", "--json", "--config", str(path)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == run_json(capsys, "dmft")
    assert main(["run", "dmft", "--json", f"--config={path}", "--U", "2"]) == 0
    assert [p["U"] for p in json.loads(capsys.readouterr().out)["points"]] == [2.0]
    assert main(["run", "kondo", "--config", str(path)]) == 2  # plain reached it
    assert "--plain" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[dmft]\nu = 1\n", "'u' is no option of dmft; known: U, beta"),
        ("[dmft]\nseed = [1, 2]\n", "seed takes one value"),
        ("[dmft]\nU = true\n", "U must be a number or a text"),
        ("dmft = 1\n", "must be a table, [dmft]"),
        ("U = 1\n[dmtf]\nbeta = 2\n", "[dmtf] is the table of no job; jobs: kondo"),
        ("U\n", "is no TOML file"),
        ("[dmft]\nU = 1\nlattice = 'kagome'\n", "there is no file 'kagome'"),
        ("[dmft]\nU = 1\nsolver = 'nrg'\nfield = 0.1\n", "U = 1, beta = 50: solver 'nrg' takes"),
        ("[dmft]\nU = 1\ncluster = 'tcp://127.0.0.1:1'\n", "tcp://127.0.0.1:1"),
    ],
)
def test_a_bad_entry_of_a_file_is_named(text, named, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("kadanoff.cli.cluster.WAIT", "1s")
    path = tmp_path / "jobs.toml"
    path.write_text(text)
    assert main(["run", "dmft", "--config", str(path)]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert named in shown.err


def test_an_option_of_the_line_replaces_what_it_excludes(tmp_path, capsys):
    path = tmp_path / "jobs.toml"
    path.write_text(
        '[dmft]\nU = 1\nn = 0.9\nsolver = "ipt"\nbeta = 5\n[rbm]\nlearning_rate = [0.01, 0.02]\n'
        'method = "cd"\nepochs = 1\n'
    )
    assert main(["run", "dmft", "--json", "--config", str(path), "--mu", "0.5"]) == 0
    settings = json.loads(capsys.readouterr().out)["settings"]
    assert settings["mu"] == 0.5
    assert "n" not in settings
    line = ["run", "rbm", "--json", "--config", str(path), "--data", QUICK["rbm"][1]]
    assert main(line) == 0
    assert json.loads(capsys.readouterr().out)["settings"]["learning_rate"] == [0.01, 0.02]


@pytest.mark.parametrize(
    ("rows", "arguments", "named"),
    [
        (np.zeros((0, 6)), [], "is empty"),
        (np.full((20, 6), np.nan), [], "has NaN or infinity"),
        (np.array([["a", "b"]]), [], "must hold numbers"),
        (np.ones((20, 6)), ["--validation", "0.99"], "leaves none of the 20 rows"),
        (np.ones((20, 6)), ["--seed", "-1"], "--seed must be at least 0"),
        (np.arange(6).reshape(2, 3) % 3, [], "colours 0 ... q - 1 need --states q"),
        (np.full((2, 3), 0.5), [], "found 0.5 beside 0"),
        (np.arange(-1, 5).reshape(2, 3) % 3 - 1, [], "found 0 among spins"),
    ],
)
def test_a_file_that_holds_no_configurations_is_named(rows, arguments, named, tmp_path, capsys):
    np.save(tmp_path / "rows.npy", rows)
    assert main(["run", "rbm", "--data", str(tmp_path / "rows.npy"), *arguments]) == 2
    shown = capsys.readouterr().err
    assert named in shown
    assert len(shown.splitlines()) == 1


def test_a_machine_of_colours(tmp_path, capsys):
    colours = np.random.default_rng(2).integers(0, 3, (400, 2))
    np.save(tmp_path / "rows.npy", colours)
    line = ["run", "rbm", "--data", str(tmp_path / "rows.npy"), "--states", "3", "--epochs", "1"]
    assert main([*line, "--hidden", "2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["settings"]["learning_rate"] == [0.03, 0.05]
    # Nothing is known about independent colours: 2 ln 3, and 1 % for what 360 rows leave open.
    assert found["log_likelihood"]["training"] == pytest.approx(-2 * np.log(3), rel=0.01)
    assert main(line) == 0
    (line,) = [x for x in capsys.readouterr().out.splitlines() if "independent sites" in x]
    assert float(line.split()[-2]) == pytest.approx(-2 * np.log(3), rel=0.03)
    assert main(["run", "rbm", "--data", str(tmp_path / "rows.npy"), "--states", "2"]) == 2
    assert "from 0 to 1" in capsys.readouterr().err


def test_a_training_that_diverges_has_no_balance_and_is_1(tmp_path, capsys):
    np.save(tmp_path / "rows.npy", np.random.default_rng(1).integers(0, 2, (40, 6)))
    line = ["run", "rbm", "--data", str(tmp_path / "rows.npy"), "--epochs", "2"]
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        assert main([*line, "--learning_rate", "1e3", "1e3"]) == 1
    shown = capsys.readouterr()
    assert "not known: the training diverged" in shown.out
    assert "training diverged" in shown.err


def test_a_training_that_ends_early_names_the_epochs(tmp_path, capsys):
    np.save(tmp_path / "rows.npy", np.ones((40, 6)))  # independent units know them exactly
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        main(["run", "rbm", "--data", str(tmp_path / "rows.npy"), "--epochs", "2"])
    shown = capsys.readouterr()
    assert "diverged" not in shown.out + shown.err
    assert "raise n_iter (it is 2)" in shown.err


def test_a_table_with_a_heading_is_named(tmp_path, capsys):
    path = tmp_path / "dos.csv"
    path.write_text("energy,dos\n-1,0\n0,1\n1,0\n")
    assert main(["run", "dmft", "--U", "1", "--lattice", str(path)]) == 2
    assert "dos.csv must hold two columns of numbers" in capsys.readouterr().err


def test_a_loop_that_does_not_converge_is_shown_and_is_1(capsys):
    line = "run dmft --U 1 --beta 10 --solver ipt --tolerance 1e-15 --max_iterations 2"
    assert main(line.split()) == 1
    assert "not converged" in capsys.readouterr().out


def test_lectures_are_those_of_python(capsys):
    found = run_json(capsys, "lectures")
    same = kd.dmft.learning.lectures(
        60, inputs=("ipt",), target="ed-2", beta=[5.0], basis=("tau", "legendre"),
        transform=("T1",), epochs=2, seed=1, progress=False,
    )  # fmt: skip
    assert found["mse"]["network"] == pytest.approx(same.mse["network"].tolist(), rel=1e-9)
    assert len(found["networks"]) == 4
    assert {"ipt", "learn", "network"} == set(found["mse"])
    assert np.shape(found["by epoch"]) == (1, 2, 2)
    assert len(found["by tau"][0]["network"]) == 51


def test_mott_gives_both_branches(capsys):
    found = run_json(capsys, "mott")
    assert found["U"] == [1.0, 3.0]
    loop = kd.dmft.bethe(U=1.0, beta=20.0, solver="ipt", max_iterations=400)
    assert found["metal"]["Z"][0] == pytest.approx(loop.Z, abs=1e-12)
    assert found["metal"]["metallic"] == [True, False]


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("run kondo --Lambda 1", "Lambda must be above 1"),
        ("run kondo --keep 0", "keep"),
        ("run kondo --output here/there.png", "--output"),
        ("run kondo --output a.txt", "--output"),
        ("run dots --U nan", "U"),
        ("run spectrum --twists 0", "--twists"),
        ("run spectrum --J_sw -1", "J_sw"),
        ("run dot --U 2meV --Gamma 0.3meV --D 10meV --T 500K --keep 100", "T must be at most"),
        ("run dot --U 2meV --Gamma 0", "--Gamma must be above 0"),
        ("run dot --U 2meV --Gamma 0.3meV --T -1K", "--T must be above 0"),
        ("run dot --U 2meV --Gamma 0.3meV --asymmetry 0 --keep 100", "asymmetry"),
        ("fit /no/such/file.csv --U 2meV --Gamma 0.3meV", "/no/such/file.csv"),
        ("run ising --T -1", "T must"),
        ("run ising --n 0", "n must"),
        ("run rsmi --L 16 --n 4000 --block 0", "block"),
        ("run dimers --L 7", "L"),
        ("run rsmi --states 3", "--states belongs to --data"),
        ("run rsmi --data /no/such/file.npy", "/no/such/file.npy"),
        ("run rbm --data /no/such/file.npy", "/no/such/file.npy"),
        ("run dmft --U 1 --lattice kagome", "there is no file 'kagome'"),
        ("run dmft --U 1 --config", "--config needs the name"),
        ("run dmft --config a.toml --config=b.toml", "--config takes one file"),
        ("run learned --U 1 --save a.txt", "--save must end in .npz"),
        ("run learned --U 1 --model a.npz --samples 9", "--samples belongs to a training"),
        ("run rbm --data a.npy --save no/where.npz", "--save: there is no folder 'no'"),
        ("run rsmi --data a.npy --L 32", "--L belongs to samples of the Ising model"),
        ("run dmft --U 1 --threads 0", "--threads must be at least 1"),
        ("run learned --U -1", "--U must be above 0"),
        ("run mott --beta 0", "beta"),
        ("run mott --solver ipt --sites 3", "sites"),
        ("lab /no/such/folder", "FOLDER"),
        ("run mott --tolerance -1 --solver ipt", "tol"),
        ("run ising --threads 0", "threads must be at least 1"),
        ("bench --threads 0", "--threads must be at least 1 and at most 1024"),
        ("bench --threads 2000", "--threads must be at least 1 and at most 1024"),
    ],
)
def test_bad_input_is_one_line_that_names_the_argument(line, named, capsys):
    assert main(line.split()) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    *others, last = shown.err.splitlines()
    assert named in last
    assert all(text.startswith("mapping ") for text in others)


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("run nothing", "JOB"),
        ("run ising --method fast", "--method"),
        ("run dmft --conf jobs.toml", "--U"),  # no abbreviations: this was read by nobody
        ("run kondo --keep many", "--keep"),
        ("run dot --U 2furlong --Gamma 0.3meV", "--U: unit must be one of"),
        ("run dot --U 2meV", "--Gamma"),
        ("run spectrum --J_sw 0.2 --Gamma 0.1", "--Gamma"),
        ("run", "JOB is missing: kondo, dots, spectrum, dot, ising, rsmi, dimers, rbm, dmft, mott"),
        ("", "COMMAND is missing: run, fit, lab, bench; kadanoff --help describes them"),
    ],
)
def test_what_argparse_refuses_is_one_line_too(line, named, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(line.split())
    assert stopped.value.code == 2
    err = capsys.readouterr().err
    assert named in err
    assert len(err.splitlines()) == 1


def test_what_does_not_converge_is_1(capsys):
    line = "run mott --U 2 --beta 20 --solver ipt --max_iterations 1"
    assert main(line.split()) == 1
    assert "converge" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_control_c_is_130():
    # `python -m kadanoff` that says when it begins to sample, which takes minutes.
    script = """
        import runpy
        from kadanoff import ising
        sample = ising.sample
        def announced(*arguments, **options):
            print("sampling", flush=True)
            return sample(*arguments, **options)
        ising.sample = announced
        runpy.run_module("kadanoff", run_name="__main__")
        """
    line = [sys.executable, "-c", textwrap.dedent(script)]
    line += ["run", "ising", "--L", "512", "--n", "100000"]
    environment = {**os.environ, "KADANOFF_PROGRESS": "0"}
    with subprocess.Popen(
        line,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        assert process.stdout.readline() == "sampling\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert out == ""
    assert err.splitlines() == ["interrupted"]


@pytest.mark.parametrize("threads", [[], ["--threads", "2"]])
def test_a_loop_of_a_lattice_is_stopped_through_its_control(threads, monkeypatch, capsys):
    def stopped(control, **_):
        # What Ctrl-C does to a sweep: its points run on other threads.
        assert control is not None
        raise kd.Cancelled("the computation was stopped")

    monkeypatch.setattr(kd.dmft, "loop", stopped)
    assert main(["run", "dmft", "--U", "1", "2", "--solver", "cthyb", *threads]) == 130
    assert capsys.readouterr().err.splitlines()[-1] == "interrupted"


def test_lab_says_how_to_install(monkeypatch, capsys):
    monkeypatch.setattr(course.importlib.util, "find_spec", lambda name: None)
    assert main(["lab"]) == 2
    assert "pip install 'kadanoff[lab]'" in capsys.readouterr().err


def test_lab_opens_the_notebooks_and_hands_options_on(monkeypatch, tmp_path):
    called = []
    monkeypatch.setattr(course.subprocess, "call", lambda command: called.append(command) or 0)
    assert main(["lab", "--no-browser", "--port=9"]) == 0
    assert main(["lab", str(tmp_path), "--no-browser"]) == 0
    first, second = called
    assert first[1:3] == second[1:3] == ["-m", "jupyterlab"]
    assert first[3] == f"--ServerApp.root_dir={ROOT / 'notebooks'}"
    assert first[4:] == ["--no-browser", "--port=9"]
    assert second[3:] == [f"--ServerApp.root_dir={tmp_path}", "--no-browser"]


def test_lab_of_a_wheel_copies_its_notebooks_and_keeps_what_was_changed(monkeypatch, tmp_path):
    called = []
    monkeypatch.setattr(course.subprocess, "call", lambda command: called.append(command) or 0)
    packaged = tmp_path / "site" / "course"
    (packaged / "data").mkdir(parents=True)
    (packaged / "01_kondo.py").write_text("of the wheel")
    (packaged / "data" / "dot.csv").write_text("T,G")
    monkeypatch.setattr(course, "CLONE", tmp_path / "no_clone")
    monkeypatch.setattr(course, "PACKAGED", packaged)
    monkeypatch.chdir(tmp_path)
    assert main(["lab"]) == 0
    copy = tmp_path / course.COPY
    assert called[-1][3] == f"--ServerApp.root_dir={copy}"
    assert (copy / "data" / "dot.csv").read_text() == "T,G"
    (copy / "01_kondo.py").write_text("changed by the reader")
    assert main(["lab"]) == 0
    assert (copy / "01_kondo.py").read_text() == "changed by the reader"


def test_links_of_a_copied_course_lead_to_files(tmp_path):
    """A wheel brings the text files of the notebooks, no .ipynb."""
    packaged = ROOT / "packaging" / "wheel" / "data" / "share" / "kadanoff" / "notebooks"
    target = course.copied(packaged, tmp_path / "course")
    links = [
        (path, link)
        for path in target.rglob("*.py")
        for link in re.findall(r"\]\(([^)\s]+\.(?:py|ipynb))\)", path.read_text(encoding="utf-8"))
        if "{" not in link and "//" not in link
    ]
    assert len(links) > 20
    assert not [link for path, link in links if not (path.parent / link).is_file()]
    assert "({name}.py)" in (target / "00_contents.py").read_text(encoding="utf-8")


def test_bench_times_every_case(monkeypatch, capsys):
    cases = [bench.Case("nothing", lambda threads: None), bench.CASES[0]]
    monkeypatch.setattr(bench, "CASES", cases)
    assert main(["bench", "--threads", "1"]) == 0
    assert "nothing" in capsys.readouterr().out
    assert main(["bench", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found["cases"]) == {case.name for case in cases}
    assert all(case["median"] > 0 for case in found["cases"].values())


def test_the_cases_of_bench_run():
    for case in bench.CASES[3:5]:
        assert len(case.run(1)) > 0


def test_as_a_module_and_as_a_script():
    for command in ([sys.executable, "-m", "kadanoff"], [Path(sys.executable).parent / "kadanoff"]):
        if not Path(command[0]).exists():
            continue  # installed before the script was declared
        shown = subprocess.run(
            [*command, "run", "kondo", "--help"], check=True, capture_output=True, text=True
        ).stdout
        assert "--output FILE" in shown
