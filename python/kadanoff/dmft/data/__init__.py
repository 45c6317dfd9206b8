"""Databases of impurity problems and their solutions."""
