//! The Ising samplers of `kadanoff-lattice`.
