import pickle

import pytest

from kadanoff import Cancelled, NotConverged, NumericalError


def test_the_stop_button_is_not_swallowed():
    """`except Exception` in a user's loop must let it through."""
    assert issubclass(Cancelled, KeyboardInterrupt)
    assert not issubclass(Cancelled, Exception)


def test_families():
    assert issubclass(NotConverged, RuntimeError)
    assert issubclass(NumericalError, ArithmeticError)


@pytest.mark.parametrize("kind", [Cancelled, NotConverged])
def test_partial_results_travel(kind):
    assert kind("stopped").partial is None
    error = kind("stopped", [1, 2])
    assert str(error) == "stopped"
    copy = pickle.loads(pickle.dumps(error))
    assert copy.partial == [1, 2]
    assert str(copy) == "stopped"
