"""Impurities of several orbitals: density-density and Kanamori interactions, from atom to loop."""
