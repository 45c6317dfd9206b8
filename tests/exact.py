"""Exact answers for small systems, independent of the package: what the NRG is held against.

Dense many-body matrices by the Jordan-Wigner transformation, and one-particle levels for U = 0.
Impurity operators first; the fermion modes are impurity (if it is an orbital), f_0, f_1, ..., each
spin up then down.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp


def annihilators(modes: int, spin_dimension: int = 1) -> list[sp.csr_array]:
    """c_k of `modes` fermion modes, tensored with the identity of an impurity spin in front."""
    lower = sp.csr_array([[0.0, 1.0], [0.0, 0.0]])
    found = []
    for k in range(modes):
        string = np.ones(1)
        for _ in range(k):
            string = np.kron(string, [1.0, -1.0])
        head = sp.csr_array(sp.diags_array(np.tile(string, spin_dimension)))
        out = sp.kron(sp.kron(head, lower, "csr"), sp.eye_array(2 ** (modes - k - 1)), "csr")
        out.eliminate_zeros()
        found.append(sp.csr_array(out))
    return found


@dataclass(frozen=True, eq=False)
class Cluster:
    """A many-body problem in the occupation basis: H, S_z and Q (both diagonal), operators.

    H conserves S_z and Q, so it is diagonalised in their blocks.
    """

    H: sp.csr_array
    S_z: np.ndarray
    Q: np.ndarray
    operators: dict[str, sp.csr_array]

    @cached_property
    def _levels(self) -> dict[str, np.ndarray]:
        """For every eigenstate: energy, S_z, Q and the expectation values of the operators."""
        labels = np.stack([self.S_z, self.Q], axis=1)
        found: dict[str, list[np.ndarray]] = {}
        for label in np.unique(labels, axis=0):
            at = np.flatnonzero((labels == label).all(axis=1))
            E, U = np.linalg.eigh(self.H[at][:, at].toarray())
            values = {" E": E, " S_z": np.full(len(E), label[0]), " Q": np.full(len(E), label[1])}
            for name, A in self.operators.items():
                values[name] = np.einsum("ik,ik->k", U, A[at][:, at] @ U)
            for name, x in values.items():
                found.setdefault(name, []).append(x)
        return {name: np.concatenate(x) for name, x in found.items()}

    @property
    def energies(self) -> np.ndarray:
        return np.sort(self._levels[" E"])

    def averages(self, T: float) -> dict[str, float]:
        """ln Z from the ground state, moments and operators in the canonical ensemble."""
        levels = dict(self._levels)
        E, S_z, Q = (levels.pop(name) for name in (" E", " S_z", " Q"))
        x = E - E.min()
        weight = np.exp(-x / T)
        out = {"ground": E.min(), "log_Z": np.log(weight.sum())}
        weight /= weight.sum()
        for name, y in (("energy", x), ("spin", S_z), ("charge", Q)):
            out[name] = weight @ y
            out[f"{name}_variance"] = weight @ (y - out[name]) ** 2
        return out | {name: weight @ values for name, values in levels.items()}


def _chain_terms(c, first, chain, sites):
    """Hamiltonian of the chain's first `sites` sites whose modes start at `first`."""
    H = 0.0 * (c[first].T @ c[first])
    for n in range(sites):
        for s in (0, 1):
            f = c[first + 2 * n + s]
            H = H + chain.onsite[n] * (f.T @ f)
            if n + 1 < sites:
                g = c[first + 2 * (n + 1) + s]
                H = H + chain.hopping[n] * (f.T @ g + g.T @ f)
    return H


def _bath_spin(c, first):
    up, dn = c[first], c[first + 1]
    return 0.5 * (up.T @ up - dn.T @ dn), up.T @ dn  # S_z, S_+


def anderson(chain, sites, *, U, V, eps, field=0.0) -> Cluster:
    c = annihilators(2 * sites + 2)
    n = [x.T @ x for x in c]
    S_z, S_plus = _bath_spin(c, 0)
    s_z, s_plus = _bath_spin(c, 2)
    hyb = sum(c[s].T @ c[2 + s] + c[2 + s].T @ c[s] for s in (0, 1))
    docc = n[0] @ n[1]
    H = eps * (n[0] + n[1]) + U * docc + V * hyb + field * S_z
    H = H + _chain_terms(c, 2, chain, sites)
    return Cluster(
        H,
        0.5 * (sum(n[0::2]) - sum(n[1::2])).diagonal(),
        sum(n).diagonal() - (sites + 1),
        {
            "S_d.S_0": S_z @ s_z + 0.5 * (S_plus @ s_plus.T + S_plus.T @ s_plus),
            "n_d": n[0] + n[1],
            "docc": docc,
            "hyb": hyb,
            "S_z": S_z,
            "n_0": n[2] + n[3],
        },
    )


def kondo(chain, sites, *, J, spin=0.5, W=0.0, field=0.0) -> Cluster:
    m = np.arange(spin, -spin - 1, -1.0)
    c = annihilators(2 * sites, len(m))
    rest = sp.eye_array(4**sites)
    S_z = sp.csr_array(sp.kron(sp.csr_array(np.diag(m)), rest, "csr"))
    raising = np.diag(np.sqrt(spin * (spin + 1) - m[1:] * (m[1:] + 1)), 1)
    S_plus = sp.csr_array(sp.kron(sp.csr_array(raising), rest, "csr"))
    s_z, s_plus = _bath_spin(c, 0)
    n = [x.T @ x for x in c]
    exchange = S_z @ s_z + 0.5 * (S_plus @ s_plus.T + S_plus.T @ s_plus)
    one = sp.eye_array(len(m) * 4**sites)
    H = J * exchange + W * (n[0] + n[1] - one) + field * S_z + _chain_terms(c, 0, chain, sites)
    return Cluster(
        H,
        S_z.diagonal() + 0.5 * (sum(n[0::2]) - sum(n[1::2])).diagonal(),
        sum(n).diagonal() - sites,
        {"S_d.S_0": exchange, "S_z": S_z, "n_0": n[0] + n[1]},
    )


@dataclass(frozen=True, eq=False)
class FreeElectrons:
    """Non-interacting electrons: one-particle levels of spin up and down, any number of sites."""

    up: np.ndarray
    dn: np.ndarray

    def averages(self, T: float) -> dict[str, float]:
        out = dict.fromkeys(("log_Z", "ground", "energy", "energy_variance", "spin", "charge"), 0.0)
        spin_variance = charge_variance = 0.0
        for levels, s in ((self.up, 0.5), (self.dn, -0.5)):
            x = np.abs(levels) / T
            excited = np.exp(-x) / (1 + np.exp(-x))
            variance = excited * (1 - excited)
            occupied = np.where(levels > 0, excited, 1 - excited)
            out["ground"] += levels[levels < 0].sum()
            out["log_Z"] += np.log1p(np.exp(-x)).sum()
            out["energy"] += (np.abs(levels) * excited).sum()
            out["energy_variance"] += (levels**2 * variance).sum()
            out["spin"] += s * occupied.sum()
            out["charge"] += (occupied - 0.5).sum()
            spin_variance += 0.25 * variance.sum()
            charge_variance += variance.sum()
        return out | {"spin_variance": spin_variance, "charge_variance": charge_variance}

    def many_body(self) -> np.ndarray:
        """All sums of one-particle levels, ascending."""
        sums = np.zeros(1)
        for level in (*self.up, *self.dn):
            sums = np.concatenate([sums, sums + level])
        return np.sort(sums)


def resonant_level(chain, sites, *, V, eps, field=0.0) -> FreeElectrons:
    """The Anderson model at U = 0."""
    levels = []
    for s in (0.5, -0.5):
        h = np.diag([eps + s * field, *chain.onsite[:sites]])
        off = np.array([V, *chain.hopping[: sites - 1]])
        levels.append(np.linalg.eigvalsh(h + np.diag(off, 1) + np.diag(off, -1)))
    return FreeElectrons(*levels)


def lehmann(H, B, C, temperatures, *, fermionic) -> tuple[np.ndarray, list[np.ndarray]]:
    """Peaks of <<B^+; C>>: positions, and at each temperature the weights.

    Weight ``B_ba C_ba (rho_a +- rho_b)`` at ``E_b - E_a`` for all pairs of eigenstates.
    """
    E, U = np.linalg.eigh(H.toarray())
    b, c = U.T @ (B @ U), U.T @ (C @ U)
    at = np.abs(b * c) > 1e-18
    positions = (E[:, None] - E[None, :])[at]
    weights = []
    for T in temperatures:
        rho = np.exp(-(E - E[0]) / T)
        rho /= rho.sum()
        factor = rho[None, :] + (1 if fermionic else -1) * rho[:, None]
        weights.append((b * c * factor)[at])
    return positions, weights


def on_mesh(positions, weights, mesh) -> np.ndarray:
    """Peaks shared between the two neighbouring points of a mesh, their first moment kept."""
    right = np.clip(np.searchsorted(mesh, positions), 1, len(mesh) - 1)
    share = (positions - mesh[right - 1]) / (mesh[right] - mesh[right - 1])
    out = np.bincount(right, weights * share, len(mesh))
    return out + np.bincount(right - 1, weights * (1 - share), len(mesh))
