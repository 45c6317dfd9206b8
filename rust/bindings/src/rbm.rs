//! The Boltzmann machines of `kadanoff-rbm`.
