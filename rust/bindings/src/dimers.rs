//! The dimer samplers of `kadanoff-lattice`.
