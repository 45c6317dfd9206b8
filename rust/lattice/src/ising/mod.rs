//! The Ising model, `H = -sum J_ij s_i s_j - h sum s_i`, s = +-1.
