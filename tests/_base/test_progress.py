import pytest

from kadanoff import KondoModel, nrg
from kadanoff._base import progress


def test_silence_by_default_outside_terminals(capsys, monkeypatch):
    monkeypatch.setattr(progress.sys.stderr, "isatty", lambda: False, raising=False)
    with progress.bar("solving", None) as report:
        assert report is None
    with progress.bar("solving", False) as report:
        assert report is None
    assert capsys.readouterr().err == ""


def test_a_terminal_and_the_environment_decide(monkeypatch):
    monkeypatch.delenv("KADANOFF_PROGRESS", raising=False)
    monkeypatch.setattr(progress.sys.stderr, "isatty", lambda: True, raising=False)
    with progress.bar("solving", None) as report:
        assert report is not None
    for value in ("0", "off", "false"):
        monkeypatch.setenv("KADANOFF_PROGRESS", value)
        with progress.bar("solving", None) as report:
            assert report is None


def test_a_function_is_handed_through():
    def mine(done, total):
        return None

    with progress.bar("solving", mine) as report:
        assert report is mine


def test_a_forced_bar_waits_for_its_patience_and_then_moves(capsys, monkeypatch):
    with progress.bar("solving X", True) as report:
        report(1, 10)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    with progress.bar("solving X", True) as report:
        report(0, 0)  # nothing announced yet
        report(1, 10)
        report(7, 10)
    shown = capsys.readouterr().err
    assert "solving X" in shown
    assert "70%" in shown


def test_a_bar_closes_when_the_work_fails(monkeypatch, capsys):
    monkeypatch.setattr(progress, "PATIENCE", 0.0)

    def fail():
        with progress.bar("solving", True) as report:
            report(1, 2)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert "solving" in capsys.readouterr().err


@pytest.mark.parametrize("bad", [3, "yes", object()])
def test_what_is_neither_a_bool_nor_a_function_is_refused(bad):
    with (
        pytest.raises(TypeError, match="progress must be a bool, a function or None"),
        progress.bar("solving", bad),
    ):
        pass


def test_solve_reports_work_that_only_grows():
    seen = []
    nrg.solve(
        KondoModel(J=0.3),
        keep=800,
        sites=40,
        symmetry=("U1", "U1"),
        progress=lambda done, total: seen.append((done, total)),
    )
    # the last call comes after the work; blocks are counted in whole units, rounded down
    done, total = seen[-1]
    assert total == 39 * 1000
    assert 0.9 * total < done <= total
    assert [d for d, _ in seen] == sorted(d for d, _ in seen)
