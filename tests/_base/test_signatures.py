"""Signatures that a notebook can complete, and the answer to a misspelt keyword."""

import inspect
import pickle
from dataclasses import dataclass, field

import pytest

from kadanoff._base.signatures import did_you_mean, public, unknown_keyword


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("gamma", "Gamma"),  # case is forgiven
        ("Gama", "Gamma"),
        ("Lamda", "Lambda"),
        ("kepe", "keep"),
        ("xyzzy", None),
        ("", None),
    ],
)
def test_did_you_mean(given, wanted):
    found = did_you_mean(given, ["Gamma", "Lambda", "keep"])
    assert found == (f"; did you mean {wanted!r}?" if wanted else "")


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("tol", "tolerance"),  # by letters alone "control" is nearer
        ("TOL", "tolerance"),
        ("contr", "control"),
        ("step", "steps"),  # the shortest of those that begin with it
        ("T", None),  # one letter abbreviates nothing
    ],
)
def test_an_abbreviation_is_answered_with_the_name_that_begins_with_it(given, wanted):
    found = did_you_mean(given, ["control", "tolerance", "steps_per_sweep", "steps"])
    assert found == (f"; did you mean {wanted!r}?" if wanted else "")


def test_an_unknown_keyword_is_answered_with_the_nearest_or_with_all():
    assert str(unknown_keyword("f", "kepe", ["keep", "T"])) == (
        "f() has no argument 'kepe'; did you mean 'keep'?"
    )
    assert str(unknown_keyword("f", "xyzzy", ["keep", "T"])) == (
        "f() has no argument 'xyzzy'; it takes keep, T"
    )
    assert str(unknown_keyword("f", "xyzzy", [])) == "f() has no argument 'xyzzy'"


@dataclass(frozen=True)
class Options:
    keep: int = 200
    scheme: str = "wilson"
    twists: tuple[float, ...] = field(default_factory=lambda: (1.0,))
    _cache: dict = field(default_factory=dict, init=False)


@public
def solve(model, /, T=1.0, *, Gamma=0.1):
    """Docstring."""
    return model, T, Gamma


@public(options=Options)
def run(model, *, keep=300, **options):
    """Docstring."""
    return model, Options(**options)


@public
def draw(x, **style):
    return x, style


def test_a_function_stays_itself():
    assert solve(1, 2.0, Gamma=3.0) == (1, 2.0, 3.0)
    assert solve(1, T=2.0) == (1, 2.0, 0.1)
    assert solve.__name__ == "solve"
    assert solve.__doc__ == "Docstring."
    assert str(inspect.signature(solve)) == "(model, /, T=1.0, *, Gamma=0.1)"


def test_functions_answer():
    with pytest.raises(
        TypeError, match=r"^solve\(\) has no argument 'gamma'; did you mean 'Gamma'"
    ):
        solve(1, gamma=2)
    # A positional-only argument is not proposed.
    with pytest.raises(TypeError, match=r"^solve\(\) has no argument 'model'; it takes Gamma, T$"):
        solve(model=1)
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'model'"):
        solve()


def test_shared_options_are_shown_and_guarded():
    parameters = inspect.signature(run).parameters
    assert list(parameters) == ["model", "keep", "scheme", "twists"]
    assert parameters["keep"].default == 300  # the function's own comes first
    assert parameters["scheme"].default == "wilson"
    assert parameters["twists"].default == (1.0,)
    assert parameters["scheme"].kind is inspect.Parameter.KEYWORD_ONLY
    assert run(1, scheme="z")[1].scheme == "z"
    with pytest.raises(
        TypeError, match=r"^run\(\) has no argument 'shceme'; did you mean 'scheme'"
    ):
        run(1, shceme="z")
    with pytest.raises(TypeError, match=r"run\(\) has no argument '_cache'"):
        run(1, _cache={})


def test_what_takes_any_keyword_stays_open():
    assert draw(1, colour="red") == (1, {"colour": "red"})


@public
class Ising:
    """A lattice."""

    def __init__(self, L, *, boundary="periodic"):
        self.L, self.boundary = L, boundary

    @public
    def sample(self, n=1, *, spacing=2):
        return n * self.L, spacing

    @classmethod
    @public
    def of(cls, other, *, boundary="open"):
        return cls(other, boundary=boundary)


@public
@dataclass(frozen=True)
class Model:
    U: float = 1.0
    Gamma: float = 0.1


class Deeper(Ising):
    pass


class _Shared:
    def __init__(self, L, *, boundary="periodic"):
        self.L, self.boundary = L, boundary


@public
class Inherited(_Shared):
    pass


@public
class Failing(Ising):
    def __init__(self, L):
        raise TypeError("Ising.__init__ of the body")


@public(options=Options)
class Solver:
    def __init__(self, **options):
        self.options = Options(**options)


def test_classes_answer_under_their_own_name():
    with pytest.raises(TypeError, match=r"^Ising\(\) has no argument 'bondary'; did you mean 'bou"):
        Ising(4, bondary="open")
    with pytest.raises(
        TypeError, match=r"^Model\(\) has no argument 'gamma'; did you mean 'Gamma'"
    ):
        Model(gamma=1.0)
    with pytest.raises(TypeError, match=r"^Solver\(\) has no argument 'kep'; did you mean 'keep'"):
        Solver(kep=3)
    # What Python itself refuses is answered under that name too, also by an inherited __init__.
    with pytest.raises(TypeError, match=r"^Ising\(\) missing 1 required .* 'L'"):
        Ising()
    with pytest.raises(TypeError, match=r"^Inherited\(\) takes 2 positional arguments"):
        Inherited(4, "open")
    with pytest.raises(TypeError, match=r"^Ising\.__init__ of the body$"):
        Failing(4)
    with pytest.raises(TypeError) as caught:
        Ising(4, xyzzy=1)
    assert "self" not in str(caught.value)


def test_classes_stay_themselves():
    assert str(inspect.signature(Ising)) == "(L, *, boundary='periodic')"
    assert list(inspect.signature(Model).parameters) == ["U", "Gamma"]
    assert list(inspect.signature(Solver).parameters) == ["keep", "scheme", "twists"]
    assert Model(2.0) == Model(U=2.0)
    assert repr(Model()) == "Model(U=1.0, Gamma=0.1)"
    assert Deeper(3, boundary="open").sample() == (3, 2)
    assert Solver(keep=3).options.keep == 3


def test_methods_answer():
    assert Ising(3).sample(2, spacing=5) == (6, 5)
    assert Ising.of(3).boundary == "open"
    with pytest.raises(
        TypeError, match=r"^sample\(\) has no argument 'spaicng'; did you mean 'spa"
    ):
        Ising(3).sample(spaicng=1)
    with pytest.raises(
        TypeError, match=r"^of\(\) has no argument 'xyz'; it takes boundary, other$"
    ):
        Ising.of(3, xyz=1)


def test_what_is_decorated_travels_to_other_processes():
    assert pickle.loads(pickle.dumps(solve)) is solve
    assert pickle.loads(pickle.dumps(run)) is run
    assert pickle.loads(pickle.dumps(Model(U=3.0))) == Model(U=3.0)
    assert pickle.loads(pickle.dumps(Ising(5))).L == 5
    assert pickle.loads(pickle.dumps(Ising(5).sample))(2) == (10, 2)
