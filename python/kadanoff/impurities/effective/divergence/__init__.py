r"""The full distributions behind Z: Kullback-Leibler divergence of two models, for small systems.

    D = sum_k P_eff(k) ln [P_eff(k) / P_bare(k)],    P(k) = g_k exp(-E_k / T) / Z          (Eq. 1)

Equal distributions imply equal partition functions. This module tests the converse on chains so
short that all levels can be kept (exact diagonalisation: an NRG run without truncation).

Two readings of Eq. 1, which is written for a density P(w) and diverges for the delta peaks of a
finite system:

* level by level (default): the k-th level of a symmetry sector of the effective model stands for
  the k-th level of the same sector of the bare one, the one-to-one correspondence that an RG flow
  makes. Levels of the bare model without a partner belong to the excitations left out of the
  effective model: there P_eff = 0, and D >= 0 counts their weight. No parameter enters. Levels are
  ranked by energy, so that charge excitations of the bare model, where they lie among the levels
  of its spin, shift the partners: valid for T well below them, where their weight exp(-U/2T) is
  negligible.
* with a `width`: densities of all levels, labels forgotten, each broadened to a Gaussian.

The gradient needs no quantum computer where the eigenbasis is known,

    dD / d theta_i = -(1/T) Cov_eff(h_i, ln P_eff - ln P_bare),

and Cov_eff(h_i, h_j) / T^2, the Fisher information, is the metric of the natural step.

References
----------
J. B. Rigo, A. K. Mitchell, Phys. Rev. B 101, 241105(R) (2020), Eq. 1,
doi:10.1103/PhysRevB.101.241105
S. Amari, Neural Computation 10, 251 (1998), doi:10.1162/089976698300017746 (natural gradient)
"""

from kadanoff.impurities.effective.divergence.distance import kl_divergence
from kadanoff.impurities.effective.divergence.learning import KLFit, minimise
from kadanoff.impurities.effective.divergence.spectra import Spectrum, spectrum

__all__ = ["KLFit", "Spectrum", "kl_divergence", "minimise", "spectrum"]
