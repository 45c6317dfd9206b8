"""The phase diagram by bisection: brackets that are known, refusals."""

import numpy as np
import pytest

from kadanoff import Cancelled, Control
from kadanoff.dmft import phase_diagram


def test_ipt_brackets_at_two_temperatures():
    # At beta = 50: U_c1 in (2.55, 2.60), U_c2 in (2.90, 3.00) (independent code); IPT's end point
    # lies near T = 0.047 (U = 2.46), so that there is no coexistence at 0.06.
    found = phase_diagram([0.02, 0.06], width=0.04, max_iterations=600)
    assert found.coexists.tolist() == [True, False]
    assert 2.55 - 0.04 < found.U_c1[0, 0] < found.U_c1[0, 1] < 2.60 + 0.04
    assert found.U_c2[0, 1] > 2.90
    assert found.U_c2[0, 0] < 3.00
    assert found.critical_temperature == (0.02, 0.06)
    assert np.all(np.diff(found.U_c1, axis=1) > 0)
    from matplotlib.figure import Figure

    ax = found.plot(Figure().subplots())
    assert ax.get_xlabel() == "$U / D$"
    assert found.seed is None
    assert repr(found).startswith("PhaseDiagram(2 temperatures 0.02 <= T <= 0.06, ipt, U_c1 2.")
    assert len(repr(found)) < 160


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"T": []}, "positive temperatures"),
        ({"T": [-0.1]}, "positive temperatures"),
        ({"U": (3.0, 2.0)}, "ascending pair"),
        ({"width": 0.0}, "width"),
        ({"U": (1.0, 2.0)}, "still exists"),
        ({"U": (4.0, 5.0)}, "no metal"),
    ],
)
def test_bad_input(options, match):
    T = options.pop("T", [0.05])
    with pytest.raises(ValueError, match=match):
        phase_diagram(T, **options)


def test_cancel():
    control = Control()
    control.cancel()
    with pytest.raises(Cancelled):
        phase_diagram([0.05], control=control)
