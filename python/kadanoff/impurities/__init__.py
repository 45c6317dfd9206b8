"""Quantum impurities: models, their symmetry, Wilson's NRG, and effective models.

`models` says what an impurity is, `symmetry` sorts its states into multiplets, `nrg` solves it,
and `effective` finds the simple model that it flows to.
"""
