//! Restricted Boltzmann machines, `E(v, h) = -a.v - b.h - v.W.h`.
