"""Every topic at a tiny scale, and the table of the site that shows what the whole soak found."""

import re

import pytest

from tests.soak import __main__ as soak
from tests.soak import rows, table
from tests.soak.rows import Row

TOPICS = rows.topics()


@pytest.mark.parametrize("name", TOPICS)
def test_a_topic_holds_at_a_tiny_scale(name):
    topic = TOPICS[name]
    found = list(topic.run(1, topic.tiny))
    assert found
    assert [row for row in found if not row.holds] == []


def test_every_topic_has_a_sentence_and_a_committed_result():
    results = rows.read()
    # A result without its code, or code that was never run whole, is no record.
    assert results.keys() == TOPICS.keys()
    for name, topic in TOPICS.items():
        assert topic.sentence.endswith((".", "?")), name
        assert results[name]["topic"] == name
        assert results[name]["sentence"] == topic.sentence, f"run {name} anew"
        assert re.fullmatch(r"[0-9a-f]{40}", results[name]["commit"]), name
        assert results[name]["rows"], name
        assert all(row["holds"] for row in results[name]["rows"]), name


def test_the_page_shows_the_committed_results():
    text = table.PAGE.read_text(encoding="utf-8")
    shown = text.partition(table.BEGIN)[2].partition(table.END)[0]
    assert shown.strip() == table.table(rows.read()).strip(), "run make soak, or --publish"


# ------------------------------------------------------------------------------------- the frame


class Works:
    """Nothing is lost."""

    def __init__(self, *found):
        self.found = found
        self.runs = 0

    def run(self, seed, scale):
        self.runs += 1
        for row in self.found:
            if isinstance(row, Exception):
                raise row
            yield row


@pytest.fixture
def framed(tmp_path, monkeypatch):
    """A soak of given topics at a given commit, in a folder of its own."""
    page = tmp_path / "page.md"
    page.write_text(f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n", encoding="utf-8")
    state = {"commit": "a" * 40}

    def run(topics, *arguments):
        known = {name: rows.Topic(name, module) for name, module in topics.items()}
        monkeypatch.setattr(rows, "topics", lambda: known)
        return soak.main(arguments)

    read, write, publish = rows.read, rows.write, table.publish
    results = tmp_path / "results"
    monkeypatch.setattr(soak, "commit", lambda: state["commit"])
    monkeypatch.setattr(rows, "read", lambda: read(results))
    monkeypatch.setattr(table, "read", lambda: read(results))
    monkeypatch.setattr(rows, "write", lambda *given: write(*given, results))
    monkeypatch.setattr(table, "publish", lambda: publish(page))
    return run, state, page


GOOD, BAD = Row.at_most("lost", 0, 0), Row.at_least("coverage", 0.5, 0.9)


def test_a_run_is_resumed_at_its_commit_and_shown_on_the_page(framed, capsys):
    run, state, page = framed
    first, second = Works(GOOD), Works(GOOD, ValueError("broken"))
    assert run({"first": first, "second": second}) == 1
    assert "broken" in capsys.readouterr().err
    assert page.read_text(encoding="utf-8").count("| lost | 0 | ≤ 0 |") == 1
    second.found = (GOOD,)
    assert run({"first": first, "second": second}) == 0
    assert (first.runs, second.runs) == (1, 2)  # the first was not repeated
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert text.count("| lost | 0 | ≤ 0 |") == 2
    run({"first": first, "second": second}, "first")  # by name: once more
    state["commit"] = "b" * 40
    run({"first": first, "second": second})
    state["commit"] += " with changes"
    for _ in range(2):
        run({"first": first, "second": second})
    assert (first.runs, second.runs) == (5, 5)


def test_a_row_that_does_not_hold_fails_and_is_shown(framed, capsys):
    run, _, page = framed
    assert run({"first": Works(GOOD, BAD)}) == 1
    assert "coverage: 0.5 (≥ 0.9)   DOES NOT HOLD" in capsys.readouterr().out
    assert "| coverage | 0.5, **does not hold** | ≥ 0.9 |" in page.read_text(encoding="utf-8")
    assert run({"first": Works()}) == 1  # nothing was asked
    assert run({"first": Works(GOOD, BAD)}) == 1  # not taken for done


def test_a_smaller_scale_is_not_written(framed):
    run, _, page = framed
    assert run({"first": Works(GOOD)}, "--scale", "0.1") == 0
    assert "old" in page.read_text(encoding="utf-8")


def test_an_unknown_topic_is_named(framed, capsys):
    run, _, _ = framed
    with pytest.raises(SystemExit):
        run({"first": Works(GOOD)}, "frist")
    assert "no such topic: frist; known: first" in capsys.readouterr().err


def test_not_a_number_never_holds():
    assert not Row.at_most("x", float("nan"), 1).holds
    assert not Row.at_least("x", float("nan"), 1).holds
