"""Impurity solvers, one file per method; each registers itself with the protocol."""
