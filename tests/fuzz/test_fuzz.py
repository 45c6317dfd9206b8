"""A sample of the bad calls of `make fuzz`, and the parts of the fuzzer."""

import json
import os

import numpy as np
import pytest

import kadanoff as kd
from tests.fuzz import plan, pool, report, values, verdict
from tests.fuzz.examples import targets
from tests.fuzz.exceptions import EXCEPTIONS

SEED = int(os.environ.get("KADANOFF_FUZZ_SEED", "1"))
"""Of the sample. A number of your own tries other calls; `make fuzz` tries all."""

MOST_EXCEPTIONS = 40


def test_a_sample_of_bad_calls_is_refused_or_right():
    print(f"KADANOFF_FUZZ_SEED={SEED}")
    jobs = plan.sample(SEED)
    assert sum(map(len, jobs.values())) > 200
    rows, _ = pool.run(jobs, processes=1)
    left, _ = plan.unexplained(report.findings(rows), whole=False)
    print(report.table(rows))
    assert not left, "\n".join(["", *report.lines(left)])


def test_every_public_callable_is_a_target():
    found = targets()
    assert {"ising.sample", "rbm.Machine", "rbm.Machine.sample", "sweep"} <= found.keys()
    assert len(found) > 400
    assert len(plan.everything()) > 350


def test_exceptions_are_few_and_have_reasons():
    assert len(EXCEPTIONS) <= MOST_EXCEPTIONS
    known = {(name, p.name) for name, target in targets().items() for p in target.parameters()}
    for key, reason in EXCEPTIONS.items():
        assert key[:2] in known or key[1] == "*", key
        assert len(reason) > 20


def test_the_sample_depends_on_the_seed_alone():
    assert plan.sample(3) == plan.sample(3)
    assert plan.sample(3).keys() != plan.sample(4).keys()


# -------------------------------------------------------------------- what a verdict distinguishes


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ValueError("T must be positive"), "named"),
        (ValueError("Two must be positive"), "not named"),
        (MemoryError("Unable to allocate 8 TiB"), "not named"),
        (kd.NotConverged("no fixed point"), "named"),
        (FileNotFoundError(2, "no such file", "x"), "named"),
        (OSError("no space left"), "other exception"),
        (AttributeError("'int' object has no attribute 'T'"), "other exception"),
        (np.linalg.LinAlgError("T is singular"), "other exception"),
    ],
)
def test_exceptions_are_told_apart(error, expected):
    assert verdict.of_exception(error, "T", 0.0)[0] == expected


def test_an_article_names_no_argument():
    for text in ("must be a real number", "the value is ambiguous. Use a.any() or a.all()"):
        assert verdict.of_exception(ValueError(text), "a", 0.0)[0] == "not named"
    assert verdict.of_exception(ValueError("a must be finite"), "a", 0.0)[0] == "named"


class Unprintable:
    def __repr__(self):
        raise IndexError("no entry")


@pytest.mark.parametrize(
    ("result", "kind", "good", "expected"),
    [
        (1.0, "0", 2.0, "accepted"),
        (np.array([1.0, np.nan]), "0", 2.0, "nan out"),
        ({"a": [np.inf]}, "1e300", 2.0, "nan out"),
        (np.nan, "nan", 2.0, "accepted"),
        (1.0, "object", 2.0, "wrong kind"),
        (1.0, "string", 2.0, "wrong kind"),
        (1.0, "masked", np.ones(2), "wrong kind"),
        (2.0, "strided", np.ones(2), "other numbers"),
        (1.0, "strided", np.ones(2), "accepted"),
        (Unprintable(), "0", 2.0, "repr fails"),
    ],
)
def test_results_are_told_apart(result, kind, good, expected):
    base = dict(verdict.leaves(1.0))
    assert verdict.of_result(result, kind, good, base, warned=False)[0] == expected


def test_a_warning_is_a_word():
    assert verdict.of_result(np.nan, "0", 2.0, {}, warned=True)[0] == "accepted"


@pytest.mark.parametrize("kind", values.KINDS)
def test_every_kind_has_a_value(kind):
    value = values.bad_value(kind, np.arange(6.0).reshape(2, 3))
    if kind in values.LAYOUTS:
        assert (value == np.arange(6.0).reshape(2, 3)).all()


# ---------------------------------------------------------------------------- children are replaced


def test_a_child_that_ends_or_exceeds_its_time_is_replaced(monkeypatch):
    monkeypatch.setenv("KADANOFF_FUZZ_EXTRA", "tests.fuzz.ending")
    calls = [("how", "string"), ("how", "0"), ("how", "bool"), ("how", "None")]
    rows, without = pool.run({"ending.end": calls}, processes=1)
    assert without == {}
    assert {row[2]: row[3] for row in rows} == {
        "string": "not named",  # nobody ends so
        "0": "died",
        "bool": "over the limit",
        "None": "accepted",
    }, json.dumps(rows)
