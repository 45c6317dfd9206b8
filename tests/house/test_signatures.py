"""The face of the package: what `dir` shows, what a notebook completes, what it answers.

Every public callable shows all of its options in its signature, and answers a misspelt one with
the nearest that it has.
"""

import inspect
import re
import types
from collections.abc import Callable

import pytest

import kadanoff as kd
from tools.face import callables, with_methods

# What does not hold yet, by the name of the callable. The lists only shrink.
HIDES_OPTIONS = frozenset(
    [
        "ImpurityModel.replace",
        "lab.explore",  # its keywords are the arguments of the user's function
    ]
)
DOES_NOT_ANSWER = frozenset[str]()


CALLABLES = callables()
WITH_METHODS = with_methods()


def hides_options(function: Callable) -> bool:
    """Whether a signature ends in ``**options``; ``**style`` goes on to matplotlib."""
    parameters = inspect.signature(function).parameters.values()
    return any(p.kind is p.VAR_KEYWORD and p.name != "style" for p in parameters)


def misspelt(function: Callable) -> tuple[str, str] | None:
    """A keyword with two letters exchanged, and how it is written."""
    parameters = inspect.signature(function).parameters.values()
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return None
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    for name in sorted(names, key=len, reverse=True):
        if len(name) < 4:
            break
        for k in range(len(name) - 1):
            wrong = name[:k] + name[k + 1] + name[k] + name[k + 2 :]
            if wrong[0] != "_" and wrong.casefold() not in {other.casefold() for other in names}:
                return wrong, name
    return None


def answer(function: Callable, keyword: str) -> str:
    try:
        function(**{keyword: None})
    except TypeError as error:
        return str(error)
    return ""


def answers(function: Callable) -> bool:
    if (pair := misspelt(function)) is None:
        return not hides_options(function)
    wrong, right = pair
    text = answer(function, wrong)
    return f"has no argument {wrong!r}; did you mean {right!r}?" in text


def test_the_face_is_walked():
    assert len(CALLABLES) > 150
    assert {"nrg.solve", "ising.sample", "dmft.bethe", "RBM", "sweep", "Store"} <= CALLABLES.keys()
    assert {"rbm.Machine.sample", "RBM.fit", "Store.open"} <= WITH_METHODS.keys()


@pytest.mark.parametrize("name", sorted(WITH_METHODS.keys() - HIDES_OPTIONS))
def test_every_option_is_visible(name):
    assert not hides_options(WITH_METHODS[name]), inspect.signature(WITH_METHODS[name])


@pytest.mark.parametrize("name", sorted(CALLABLES.keys() - DOES_NOT_ANSWER - HIDES_OPTIONS))
def test_a_misspelt_keyword_is_answered(name):
    pair = misspelt(CALLABLES[name])
    if pair is None:
        pytest.skip("no keyword of four letters")
    wrong, right = pair
    text = answer(CALLABLES[name], wrong)
    assert f"has no argument {wrong!r}; did you mean {right!r}?" in text
    shown = text.replace(repr(wrong), "")  # an exchange of letters may begin with "_"
    assert re.search(r"\b_[A-Za-z]", shown) is None, "the name of a private class or function"


def test_the_lists_of_exceptions_only_shrink():
    hide = {name for name, function in WITH_METHODS.items() if hides_options(function)}
    assert hide >= HIDES_OPTIONS, "take these out of HIDES_OPTIONS"
    silent = {name for name, function in CALLABLES.items() if not answers(function)}
    assert silent >= DOES_NOT_ANSWER, "take these out of DOES_NOT_ANSWER"


@pytest.mark.parametrize("name", ["kadanoff", *sorted(kd.__all__)])
def test_dir_shows_the_face(name):
    thing = kd if name == "kadanoff" else getattr(kd, name)
    if isinstance(thing, types.ModuleType):
        assert set(thing.__all__) <= set(dir(thing))
        assert len(set(thing.__all__)) == len(thing.__all__)


def test_dir_of_the_package_is_its_face():
    assert dir(kd) == sorted(kd.__all__)
    for name in kd.__all__:
        assert getattr(kd, name) is not None
