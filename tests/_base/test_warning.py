"""Warnings point at the line of the user."""

import warnings

import pytest

import kadanoff as kd


@pytest.mark.parametrize(
    ("category", "call"),
    [
        (
            kd.nrg.Coarse,
            lambda: kd.nrg.solve(kd.KondoModel(J=0.4), keep=30, T_min=1e-3, progress=False),
        ),
        (
            kd.effective.DoubtfulFit,
            lambda: kd.effective.learn(
                kd.KondoModel(J=0.2),
                kd.DoubleQuantumDot(U=0.5, J_sw=0.25),
                T=1e-4,
                keep=300,
                progress=False,
            ),
        ),
    ],
)
def test_the_line_of_the_user_is_named(category, call):
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        call()
    (first, *_) = [one for one in found if one.category is category]
    assert first.filename == __file__
