//! Dimer coverings of the square lattice.
