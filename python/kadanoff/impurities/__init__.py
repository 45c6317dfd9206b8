"""Quantum impurities: models, their symmetry, Wilson's NRG, and effective models.

`models` defines the Hamiltonians, `symmetry` sorts the states into multiplets, `nrg`
solves the model, and `effective` finds the simpler one to which it flows.
"""
