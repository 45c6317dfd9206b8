"""A sample and its particle-hole partner are never on two sides of a split."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kadanoff.dmft import database
from kadanoff.dmft.data.draws import Distribution


@cache
def samples():
    db = database(40, inputs=("hubbard1",), target="ed-1", beta=[2.0], times=3, progress=False)
    return db.with_partners()


@given(
    st.floats(0.01, 0.99),
    st.integers(0, 2**31),
    st.lists(st.integers(0, 79), min_size=2, max_size=60, unique=True),
    st.integers(1, 20),
)
def test_groups_stay_together(share, seed, chosen, common):
    db = samples()[chosen]
    db = replace(db, group=db.group // common)  # larger families too
    groups = len(set(db.group.tolist()))
    if not 0 < round(share * groups) < groups:
        with pytest.raises(ValueError, match="groups leaves"):
            db.split(share, seed=seed)
        return
    train, test = db.split(share, seed=seed)
    assert set(train.group.tolist()).isdisjoint(test.group.tolist())
    assert len(train) + len(test) == len(db)
    assert len(set(test.group.tolist())) == round(share * groups)
    parts = zip((*train.index, *test.index), (*train.partner, *test.partner), strict=True)
    assert sorted(parts) == sorted(zip(db.index, db.partner, strict=True))
    again = db.split(share, seed=seed)[1]
    assert np.array_equal(again.U, test.U)


@given(st.integers(0, 2**40), st.integers(0, 10**9), st.integers(1, 7))
def test_every_draw_obeys_its_rules(seed, index, sites):
    spread = Distribution(seed=seed, bath_sites=sites)
    draw = spread.draw(index)
    assert 1.0 <= draw.U <= 10.0
    assert 1.0 <= draw.D <= 10.0
    assert -1.0 <= draw.detuning <= 1.0
    assert np.all(np.diff(draw.e) >= 0.0)
    assert np.all(draw.V > 0.0)
    weight = draw.V**2
    assert abs(weight.sum() / (draw.D**2 / 4) - 1.0) < 1e-14
    assert abs(weight @ draw.e) < 1e-13 * draw.D**3
    if sites > 1:
        assert abs(np.ptp(draw.e) / (2 * draw.D) - 1.0) < 1e-13
