"""Classical lattices: Ising and dimer models, block spins, information, self-learning."""
