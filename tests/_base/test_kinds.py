"""Arguments must fit their annotations, exceptions of others are translated, a repr never fails."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

import kadanoff as kd
from kadanoff._base import checks
from kadanoff._base.checks import MAX_COUNT
from kadanoff._base.kinds import Kind, WrongKind, kind
from kadanoff._base.signatures import public

MASKED = np.ma.MaskedArray([1.0, 2.0], [True, False])


@pytest.mark.parametrize(
    ("annotation", "good", "bad"),
    [
        (float, [1, 1.5, np.float32(2), np.int8(1)], [True, "1", None, 1j, [1.0], np.ones(1)]),
        (int, [1, np.int64(3)], [True, 1.0, "1", None, [1]]),
        (bool, [True, np.False_], [0, 1, "no", None]),
        (complex, [1, 1.0, 1j], [True, "1", None]),
        (float | None, [None, 2.0], ["3", [1.0]]),
        (ArrayLike, [1.0, [1, 2], ((1.0,),), np.ones(2), range(3)], [None, "3", MASKED, {}]),
        (ArrayLike, [np.ones(2, bool)], [np.array(["a"]), np.array([object()]), object(), [None]]),
        (NDArray[np.float64], [np.ones(2), [1.0], np.float64(1)], ["a", None, MASKED]),
        (Sequence[float], [[1.0], (1, 2), np.ones(2)], [1.0, "12", ["a"], MASKED, np.float64(1)]),
        (Iterable[str], [["a"], ("b",), {"a": 1}], [3, [1], MASKED]),
        (Mapping[str, int], [{}], [3, [("a", 1)]]),
        (Callable[[float], float], [math.sin], [3, None]),
        (kd.FlatBand, [kd.FlatBand()], [3, kd.FlatBand]),
        (kd.bands.Band, [kd.FlatBand(), kd.SemicircularBand()], [3, np.ones(2)]),
        (Literal["up", "dn"] | None, [None, "up"], ["down", np.array(["up", "dn"])]),
        (tuple[Literal["U1", "SU2"], ...], [("U1", "SU2")], [("U1", "SU3"), MASKED, [3]]),
        (str, ["a", 3], [[], {}, np.ones(2)]),
        (str | None, ["a", None], [3, object()]),
        (Annotated[Any, Kind("even", lambda n: n % 2 == 0)], [2], [3]),
        (Any, [object()], []),
        ("a_name_that_is_not_there", [object()], []),
    ],
)
def test_kinds_of_annotations(annotation, good, bad):
    def function(x):
        if any(x is value for value in bad):
            raise AttributeError("as of an object that lacks what is wanted")

    function.__annotations__["x"] = annotation
    guarded = public(function)
    for value in good:
        guarded(value)
    for value in bad:
        with pytest.raises(WrongKind, match=r"^x must be"):
            guarded(x=value)


def test_a_function_knows_its_arguments_best():
    """What it takes it gets, its own words stand, and only plain values are looked at before."""

    @public
    def size(values: ArrayLike, scale: float = 1.0):
        if values == "own words":
            raise ValueError("values must be shorter")
        return len(values)

    assert size("three") == 5  # no array, but the function is content
    with pytest.raises(ValueError, match="values must be shorter"):
        size("own words")
    with pytest.raises(WrongKind, match="values must be an array of numbers, got None"):
        size(None)
    with pytest.raises(WrongKind, match="scale must be a real number"):
        size("three", "1")
    with pytest.raises(WrongKind, match=r"got a masked one; pass values.filled"):
        size(MASKED)


def test_neither_an_article_nor_advice_of_numpy_names_an_argument():
    @public
    def larger(a: float, values: Sequence[float]):
        return float(values) if values is None else 1 if np.asarray(values) > a else 0

    for values in (np.ones((2, 2)), None):  # "Use a.any()", "must be a string or a real number"
        with pytest.raises(WrongKind, match="values must be a sequence of real numbers"):
            larger(1.0, values)


def test_plain_data_look_at_protocols():
    @public
    @dataclass
    class Result:
        band: kd.bands.Band

    assert Result(kd.FlatBand()).band.D == 1.0
    with pytest.raises(WrongKind, match="band must be a Band, got <object"):
        Result(object())


def test_a_name_that_two_modules_use_differently_says_nothing():
    # `Report` is a function type in one room and may be a class in another.
    @public
    def run(progress: "bool | Report | None" = None): ...  # noqa: F821

    run(lambda done, total, text: None)


def test_words_of_a_kind():
    assert kind("int | None", {}).words == "an integer or None"
    assert (
        kind("float | tuple[float, float]", {}).words
        == "a real number or a sequence of real numbers"
    )


def test_a_literal_is_a_choice():
    @public
    def cut(edge: Literal["open", "torus"] = "open"): ...

    cut(edge="torus")
    with pytest.raises(ValueError, match=r"edge must be 'open' or 'torus', got 'opne'.*'open'"):
        cut("opne")
    with pytest.raises(TypeError, match="edge must be"):
        cut(3)


def test_counts_have_a_limit_and_seeds_and_sizes_another():
    @public
    def draw(sweeps: int, L: int = 3, seed: int | None = None): ...

    draw(MAX_COUNT, L=2**70, seed=2**63)
    for n in (2**40, 2**63, -(2**40)):
        with pytest.raises(ValueError, match=f"sweeps must be at (most|least) -?{MAX_COUNT}"):
            draw(n)


def test_counts_that_a_check_alone_sees_have_the_same_limit():
    assert checks.whole("sweeps", MAX_COUNT) == MAX_COUNT
    assert checks.whole("n", 2**63) == checks.whole("L", 2**63) == 2**63
    assert checks.whole("sweeps", 2**63, most=2**64) == 2**63
    with pytest.raises(ValueError, match=f"sweeps must be at most {MAX_COUNT}, got sweeps ="):
        checks.whole("sweeps", 2**40)


def test_fields_that_a_dataclass_does_not_convert_are_looked_at():
    @public
    @dataclass(frozen=True)
    class Converted:
        pair: tuple[float, float]
        level: float = None  # of the middle, if not given
        label: str = ""

        def __post_init__(self):
            object.__setattr__(self, "pair", tuple(float(x) for x in self.pair))
            if self.level is None:
                object.__setattr__(self, "level", 0.5 * sum(self.pair))

    assert Converted(np.array([1, 2])).level == 1.5
    with pytest.raises(TypeError, match="level must be a real number, got '3'"):
        Converted((1, 2), "3")
    with pytest.raises(TypeError, match="label must be a string, got 3"):
        Converted((1, 2), None, 3)
    with pytest.raises(TypeError, match="pair must be a sequence of real numbers, got None"):
        Converted(None, None)


def test_an_estimator_looks_at_nothing_when_it_is_made():
    assert kd.RBM("many", visible=3).n_components == "many"


@public
@dataclass(frozen=True)
class Plain:
    label: str
    values: NDArray[np.float64]

    def __repr__(self):
        return f"Plain({self.values[0]})"

    def scaled(self, by: float):
        return self.values * by


def test_plain_data_are_looked_at_and_always_shown():
    assert repr(Plain("a", np.ones(1))) == "Plain(1.0)"
    assert repr(Plain("a", np.ones(0))).startswith("<Plain that cannot be shown: IndexError")
    with pytest.raises(WrongKind, match="label must be a string"):
        Plain(3, np.ones(1))


def test_methods_of_public_classes_are_guarded():
    with pytest.raises(WrongKind, match="by must be a real number, got '3'"):
        Plain("a", np.ones(1)).scaled("3")


# ---------------------------------------------------------------------- exceptions at the border


def fail_in_numpy(n):
    return np.linalg.inv(np.zeros((n, n)))


def test_arithmetic_that_fails_is_a_numerical_error_with_the_extreme_arguments():
    with pytest.raises(kd.NumericalError, match=r"thermodynamics\(\).* at T = 1e-300"):
        kd.dimers.coverings(4).thermodynamics(1e-300)


def test_missing_memory_names_the_argument():
    with pytest.raises(MemoryError, match="Lx"):
        kd.dimers.parity(10**10, 10**6)


def test_exceptions_of_a_user_pass():
    @public
    def apply(f: Callable[[], float]):
        return f()

    def divide():
        return 1 / 0

    with pytest.raises(ZeroDivisionError):
        apply(divide)
    with pytest.raises(np.linalg.LinAlgError):
        apply(lambda: fail_in_numpy(2))
