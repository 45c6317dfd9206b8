"""Quantum impurities: models, their symmetry, Wilson's NRG, and effective models.

`models` defines the Hamiltonians, `symmetry` sorts the states into multiplets, `nrg` solves a
model, and `effective` finds the simpler model to which it flows.
"""
