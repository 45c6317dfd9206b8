"""The checks of arguments: every kind of value that a user may pass by mistake."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kadanoff._base import checks

HUGE = 10**400  # no float
ENDLESS = 10**5000  # Python refuses to write it in decimal

NO_NUMBERS = {
    "bool": True,
    "numpy bool": np.True_,
    "complex": 1j,
    "numpy complex": np.complex128(2),
    "string": "2",
    "None": None,
    "list": [2],
    "array": np.array([2, 3]),
    "masked": np.ma.masked,
    "masked array": np.ma.array([2.0], mask=[True]),
}


def table(values):
    return pytest.mark.parametrize("value", values.values(), ids=values.keys())


# ------------------------------------------------------------------------------------------- real


@table(NO_NUMBERS)
def test_real_refuses_what_is_no_number(value):
    with pytest.raises(TypeError, match=r"^x must be a real number, got "):
        checks.real("x", value)


@table(
    {
        "nan": math.nan,
        "inf": math.inf,
        "-inf": -math.inf,
        "numpy nan": np.float32("nan"),
        "longdouble": np.longdouble("1e4000"),
        "integer": HUGE,
        "negative integer": -HUGE,
        "endless": ENDLESS,
    }
)
def test_real_is_finite(value):
    with pytest.raises(ValueError, match=r"^x must be finite, got x = "):
        checks.real("x", value)


@pytest.mark.parametrize(
    ("value", "bounds", "words"),
    [
        (0, {"above": 0}, "x must be above 0, got x = 0"),
        (-1.5, {"least": 0}, "x must be at least 0, got x = -1.5"),
        (1, {"below": 1.0}, "x must be below 1, got x = 1"),
        (2**80, {"most": 1e3}, "x must be at most 1000, got x = 1208925819614629174706176"),
        (3, {"above": 0, "below": 2}, "x must be above 0 and below 2, got x = 3"),
        (3, {"most": 2, "hint": "take less"}, "x must be at most 2, got x = 3; take less"),
    ],
)
def test_real_names_argument_value_range_and_remedy(value, bounds, words):
    with pytest.raises(ValueError) as caught:
        checks.real("x", value, **bounds)
    assert str(caught.value) == words


@table(
    {
        "int": 2,
        "float": 2.0,
        "int64": np.int64(2),
        "uint8": np.uint8(2),
        "float16": np.float16(2),
        "longdouble": np.longdouble(2),
        "fraction": Fraction(4, 2),
    }
)
def test_real_takes_every_kind_of_number(value):
    x = checks.real("x", value, above=0, least=2, below=3, most=2)
    assert type(x) is float
    assert x == 2.0


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**200), 2**200))
def test_real_returns_what_was_given(value):
    assert checks.real("x", value) == float(value)


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False))
def test_bounds_of_real_are_those_of_python(value, bound):
    for name, allowed in (
        ("above", value > bound),
        ("least", value >= bound),
        ("below", value < bound),
        ("most", value <= bound),
    ):
        if allowed:
            assert checks.real("x", value, **{name: bound}) == value
        else:
            with pytest.raises(ValueError, match="x must be"):
                checks.real("x", value, **{name: bound})


# ------------------------------------------------------------------------------------------ whole


@table(NO_NUMBERS | {"float": 2.0, "numpy float": np.float64(2), "fraction": Fraction(2)})
def test_whole_refuses_what_is_no_integer(value):
    with pytest.raises(TypeError, match=r"^n must be an integer, got "):
        checks.whole("n", value)


@pytest.mark.parametrize(
    ("value", "bounds", "words"),
    [
        (0, {}, "n must be at least 1, got n = 0"),
        (-1, {"least": 0}, "n must be at least 0, got n = -1"),
        (9, {"most": 8}, "n must be at least 1 and at most 8, got n = 9"),
        (
            9,
            {"least": None, "most": 8, "hint": "or wait"},
            "n must be at most 8, got n = 9; or wait",
        ),
    ],
)
def test_whole_names_argument_value_range_and_remedy(value, bounds, words):
    with pytest.raises(ValueError) as caught:
        checks.whole("n", value, **bounds)
    assert str(caught.value) == words


@table({"80 bits": 2**80, "400 digits": HUGE, "5000 digits": ENDLESS})
def test_whole_refuses_long_integers_in_a_short_message(value):
    assert checks.whole("n", value) == value
    with pytest.raises(ValueError, match="n must be at least 1 and at most 8, got") as caught:
        checks.whole("n", value, most=8)
    assert len(str(caught.value)) < 200


@given(st.integers())
def test_whole_returns_what_was_given(value):
    n = checks.whole("n", value, least=None)
    assert type(n) is int
    assert n == value


@given(st.integers(-(2**63), 2**63 - 1))
def test_whole_takes_integers_of_numpy(value):
    n = checks.whole("n", np.int64(value), least=None)
    assert type(n) is int
    assert n == value


# ----------------------------------------------------------------------------------------- choice


def test_choice_returns_the_word():
    word = checks.choice("boundary", np.str_("open"), ("open", "periodic"))
    assert type(word) is str
    assert word == "open"


def test_choice_proposes_the_nearest_word():
    with pytest.raises(ValueError) as caught:
        checks.choice("boundary", "Perodic", ("open", "periodic"), hint="see design")
    assert str(caught.value) == (
        "boundary must be 'open' or 'periodic', got 'Perodic'; did you mean 'periodic'?; see design"
    )
    with pytest.raises(ValueError, match=r"solver must be one of ed, ipt, nrg, got 'x'$"):
        checks.choice("solver", "x", ("ed", "ipt", "nrg"))


@table({"bool": True, "None": None, "bytes": b"open", "list": ["open"], "class": str})
def test_choice_refuses_what_is_no_word(value):
    with pytest.raises(TypeError, match=r"^boundary must be 'open' or 'periodic', got "):
        checks.choice("boundary", value, ("open", "periodic"))


# ------------------------------------------------------------------------------------------ array


@table(
    {
        "bool": [True, False],
        "complex": [1j],
        "string": ["1.0"],
        "None": None,
        "object": np.array([1.0, None]),
        "objects that are numbers": np.array([1.0, 2.0], dtype=object),
        "dates": np.array(["2024-01-01"], dtype="M8[D]"),
        "records": np.zeros(2, dtype=[("x", float)]),
    }
)
def test_array_refuses_what_holds_no_real_numbers(value):
    with pytest.raises(TypeError, match=r"^V must hold real numbers, got dtype "):
        checks.array("V", value)


def test_array_refuses_ragged_lists():
    with pytest.raises(TypeError, match=r"^V must be an array of numbers: "):
        checks.array("V", [[1.0], [1.0, 2.0]])


@table(
    {
        "masked": np.ma.array([1.0, 2.0], mask=[False, True]),
        "without a mask": np.ma.array([1.0, 2.0]),
        "constant": np.ma.masked,
        "within a list": [np.ma.array([1.0, 2.0], mask=[False, True])],
    }
)
def test_array_refuses_masks(value):
    with pytest.raises(TypeError, match=r"V must be a plain array.*V\.filled"):
        checks.array("V", value)


def test_array_is_finite():
    with pytest.raises(ValueError, match=r"^V must be finite, got nan at position 3$"):
        checks.array("V", [[1, 2], [3, math.nan]])
    with pytest.raises(ValueError, match="must be finite, got inf at position 0"):
        checks.array("V", np.longdouble(["1e4000"]))
    with pytest.raises(ValueError, match="must be finite"):
        checks.array("V", [complex(0, math.nan)], dtype=complex)
    with pytest.raises(ValueError, match="must be finite, got 1e\\+300"):
        checks.array("V", [1e300], dtype=np.float32)


def test_array_takes_integers_of_any_length_as_floats():
    np.testing.assert_array_equal(checks.array("V", [1, 2**80]), [1.0, 2.0**80])
    with pytest.raises(ValueError, match="V must be finite"):
        checks.array("V", [1, HUGE])


@pytest.mark.parametrize("value", [[2**63], [2**80], [-(2**63) - 1], np.array([2**64 - 1], "u8")])
def test_array_of_integers_does_not_overflow(value):
    with pytest.raises(ValueError, match="n must lie in -9223372036854775808 to "):
        checks.array("n", value, dtype=np.int64)


def test_array_of_small_integers_does_not_wrap():
    with pytest.raises(ValueError, match="n must lie in 0 to 255"):
        checks.array("n", [256], dtype=np.uint8)
    with pytest.raises(ValueError, match="n must lie in -128 to 127"):
        checks.array("n", [-129], dtype=np.int8)


@table({"float": [1.0], "bool": [True], "string": ["1"]})
def test_array_of_integers_refuses_the_rest(value):
    with pytest.raises(TypeError, match="n must hold integers"):
        checks.array("n", value, dtype=np.int64)


def test_array_of_complex_numbers():
    found = checks.array("G", [1, 2.5, 1j], dtype=complex)
    assert found.dtype == np.complex128
    np.testing.assert_array_equal(found, [1, 2.5, 1j])
    with pytest.raises(TypeError, match="G must hold numbers, got dtype bool"):
        checks.array("G", [True], dtype=complex)


WANTED = np.arange(6.0).reshape(2, 3)


def read_only():
    values = WANTED.copy()
    values.setflags(write=False)
    return values


class Samples:
    """What offers ``__array__``."""

    def __array__(self, dtype=None, copy=None):
        return WANTED.astype(dtype or float)


@table(
    {
        "nested lists": WANTED.tolist(),
        "integers": WANTED.astype(np.uint8),
        "float32": WANTED.astype(np.float32),
        "big-endian": WANTED.astype(">f8"),
        "big-endian integers": WANTED.astype(">i4"),
        "read-only": read_only(),
        "strided": np.repeat(np.repeat(WANTED, 2, axis=0), 3, axis=1)[::2, ::3],
        "reversed": WANTED[:, ::-1].copy()[:, ::-1],
        "Fortran": np.asfortranarray(WANTED),
        "samples": Samples(),
    }
)
def test_array_takes_any_memory(value):
    found = checks.array("V", value, ndim=2, shape=(2, None))
    assert type(found) is np.ndarray
    assert found.dtype == np.dtype(np.float64)
    assert found.dtype.isnative
    assert found.flags.writeable
    np.testing.assert_array_equal(found, WANTED)
    if isinstance(value, np.ndarray):
        assert not np.shares_memory(found, value)


def test_array_can_be_frozen():
    mine = np.ones(3)
    found = checks.array("V", mine, frozen=True)
    with pytest.raises(ValueError, match="read-only"):
        found[0] = 2
    mine[0] = 5
    assert found[0] == 1


def test_array_may_be_empty():
    for dtype in (np.float64, np.int64, np.complex128):
        found = checks.array("V", [], dtype=dtype)
        assert found.shape == (0,)
        assert found.dtype == dtype


@pytest.mark.parametrize(
    ("value", "options", "words"),
    [
        (1.0, {"ndim": 1}, r"V must have 1 dimension, got shape \(\)"),
        ([1.0], {"ndim": 2}, r"V must have 2 dimensions, got shape \(1,\)"),
        ([1.0], {"ndim": (0, 2)}, r"V must have 0 or 2 dimensions, got shape \(1,\)"),
        ([1.0], {"shape": (2,)}, r"V must have shape \(2\), got shape \(1,\)"),
        ([[1.0]], {"shape": (None, 2)}, r"V must have shape \(any, 2\), got shape \(1, 1\)"),
        ([1.0], {"shape": (1, 1)}, r"V must have shape \(1, 1\), got shape \(1,\)"),
    ],
)
def test_array_checks_the_shape(value, options, words):
    with pytest.raises(ValueError, match=words):
        checks.array("V", value, **options)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False)))
def test_array_returns_what_was_given(values):
    assert checks.array("V", values).tolist() == values


@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_array_of_integers_returns_what_was_given(values):
    assert checks.array("n", values, dtype=np.int64).tolist() == values


# -------------------------------------------------------------------- seeds, threads, bandwidths


def test_no_seed_is_fresh_entropy():
    drawn = {checks.seed(None) for _ in range(20)}
    assert len(drawn) == 20
    assert all(type(seed) is int and 0 <= seed < 2**63 for seed in drawn)


@given(st.integers(0, 2**64 - 1))
def test_a_seed_is_returned(value):
    assert checks.seed(value) == value


@table({"bool": True, "numpy bool": np.False_, "string": "a", "float": 1.0, "list": [1]})
def test_seed_refuses_what_is_no_integer(value):
    with pytest.raises(TypeError, match="seed must be an integer or None, got "):
        checks.seed(value)


@table({"negative": -1, "65 bits": 2**64, "-80 bits": -(2**80), "5000 digits": ENDLESS})
def test_seed_has_64_bits(value):
    with pytest.raises(ValueError, match=r"seed must be at least 0 and at most 2\^64 - 1"):
        checks.seed(value)


def test_threads():
    assert checks.threads(None) is None
    for value in (1, np.int32(7), 1024):
        assert checks.threads(value) == value
    for bad in (0, -1, 1025):
        with pytest.raises(ValueError, match="threads must be at least 1 and at most 1024"):
            checks.threads(bad)
    for bad in (True, 2.0, "2"):
        with pytest.raises(TypeError, match="threads must be an integer"):
            checks.threads(bad)


def test_half_bandwidth():
    assert checks.half_bandwidth(np.float32(2)) == 2.0
    for bad in (0, -1.0, 1e-101, 1e101):
        with pytest.raises(ValueError, match="half bandwidth D must be positive"):
            checks.half_bandwidth(bad)
    with pytest.raises(TypeError, match="D must be a real number"):
        checks.half_bandwidth(True)
    with pytest.raises(ValueError, match="D must be finite"):
        checks.half_bandwidth(math.inf)
