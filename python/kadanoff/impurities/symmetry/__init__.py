"""Symmetries of an impurity: found numerically, and its states sorted into multiplets."""
