"""Self-consistency on the Bethe lattice: loops, branches, phase diagrams."""
