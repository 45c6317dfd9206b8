"""Symmetries of an impurity, found numerically, and its states in multiplets."""
