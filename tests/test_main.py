import json
import subprocess
import sys

import pytest

from kadanoff.__main__ import main

QUICK = ["--keep", "120", "--threads", "1"]


def test_table_and_picture(tmp_path, capsys):
    picture = tmp_path / "kondo.png"
    assert main(["run", "kondo", "--output", str(picture), *QUICK]) == 0
    out = capsys.readouterr().out
    for word in ("J_SW", "J_ML", "J_obs", "T_K", "steps", "A_Lambda", "Lambda = 2.5"):
        assert word in out
    rows = [line for line in out.splitlines() if line.strip()[:4] in {"0.25", "0.40"}]
    assert len(rows) == 2
    assert picture.stat().st_size > 10_000


def test_json(capsys):
    assert main(["run", "kondo", "--json", "--plain", *QUICK]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["settings"]["A_Lambda"] is False
    first, second = found["rows"]
    assert first["J_SW"] == 0.25
    assert second["J_SW"] == 0.4
    assert first["J_ML"] == pytest.approx(0.2008, rel=0.02)
    assert set(first["T_K"]) == {"aim", "J_SW", "J_ML", "J_obs"}


def test_bad_input_has_a_message_and_no_traceback(capsys):
    assert main(["run", "kondo", "--Lambda", "1"]) == 2
    assert "Lambda must be above 1" in capsys.readouterr().err
    assert main(["run", "kondo", "--keep", "0"]) == 2
    with pytest.raises(SystemExit):
        main(["run", "ising"])


def test_as_a_module():
    shown = subprocess.run(
        [sys.executable, "-m", "kadanoff", "run", "kondo", "--help"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert "--output FILE" in shown
