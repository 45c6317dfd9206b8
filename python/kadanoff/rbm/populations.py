"""Populations of configurations that are annealed along a sequence of machines."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kadanoff._base.types import BoolArray, FloatArray
from kadanoff.rbm.machine import Machine
from kadanoff.rbm.units import Units, colours, log2_states, pack, random_rows, unit_values, unpack

__all__ = ["CONFIGURATIONS", "SWEEPS", "Law", "Populations"]

GROUPS = 4  # of populations that are taken on from one machine to the next
MAX_GROUPS = 16  # that gather while the last machine stays
MAX_BYTES = 2**27  # of all of them
NUMBER = 4  # populations of a group
SIZE = 256  # configurations of a population
CONFIGURATIONS = GROUPS * NUMBER * SIZE
SWEEPS = 3  # of every configuration at every machine
SPACING = 0.6  # standard deviation of ln(P_k+1 / P_k) between neighbours of the sequence
MAX_STEPS = 64  # machines that are put in between at one extension
MAX_PRODUCT = 512  # factors up to 2, whose product stays below the largest double


class Law:
    """The weights e^{-F(v)} of a machine, for repeated evaluation.

    Parameters
    ----------
    parameters : array, shape (n_visible * n_hidden + n_visible + n_hidden,)
        W row by row, a, b.
    size : (int, int)
        Units of the layers.
    units : (units, units)
        Their values.

    Examples
    --------
    >>> machine = Machine([[0.5], [-0.3]], [0.1, 0.2], [0.3], "spin", "spin")
    >>> v = np.array([[1.0, -1.0]])
    >>> law = Law(np.array([0.5, -0.3, 0.1, 0.2, 0.3]), (2, 1), ("spin", "spin"))
    >>> bool(abs(law.free_energy(v)[0] - machine.free_energy([1, -1])) < 1e-12)
    True
    """

    def __init__(
        self, parameters: FloatArray, size: tuple[int, int], units: tuple[Units, Units]
    ) -> None:
        n, m = size
        self.parameters, self.size, self.units = parameters, size, units
        self.W = parameters[: n * m].reshape(n, m)
        self.a = parameters[n * m : n * m + n]
        self.b = parameters[n * m + n :]
        self._machine: Machine | None = None

    def at(self, parameters: FloatArray) -> Law:
        """The law of other parameters."""
        return Law(parameters, self.size, self.units)

    @property
    def machine(self) -> Machine:
        """The same as a machine."""
        if self._machine is None:
            self._machine = Machine(self.W, self.a, self.b, *self.units)
        return self._machine

    def free_energy(self, v: FloatArray) -> FloatArray:
        """F(v) of every row."""
        x = v @ self.W
        x += self.b
        F: FloatArray = -(v @ self.a)
        if self.units[1] == "binary":
            F -= np.maximum(x, 0.0).sum(axis=1)
            gap = np.exp(-np.abs(x))
        else:
            size = np.abs(x)
            F -= size.sum(axis=1)
            gap = np.exp(-2.0 * size)
        if gap.shape[1] <= MAX_PRODUCT:
            gap += 1.0
            F -= np.log(gap.prod(axis=1))
        else:
            F -= np.log1p(gap).sum(axis=1)
        return F

    def swept(self, v: FloatArray, sweeps: int, seed: int, threads: int | None) -> FloatArray:
        """The rows after some sweeps of block Gibbs."""
        machine, up = self.machine, unit_values("visible", self.units[0])[1]
        words = pack(v == up)
        h = np.zeros((len(words), -(-self.size[1] // 64)), dtype=np.uint64)
        after = machine._compiled.gibbs(
            words, h, None, sweeps, 1, 1, seed, threads=threads, control=None, report=None
        )
        return unpack(after[0], self.size[0], self.units[0]).astype(float)


class Populations:
    r"""Weighted configurations of the last of a sequence of machines, and its ln Z.

    Each population starts as random samples: the first machine has no parameters, since one with
    the means of the data can lose the smaller of two modes on the way.
    From machine k to k + 1 it is resampled with the weights ``P_{k+1} / P_k`` and swept; the mean
    weight is an estimate of ``Z_{k+1} / Z_k`` [1]_. The product of the means is an estimate of Z
    without bias, and weights the populations against each other.

    Parameters
    ----------
    n_visible, n_hidden : int
        Units of the layers.
    units : (units, units)
        Values of the units.
    seed : int
        Seed of everything random.
    threads : int, optional
        Worker threads.

    References
    ----------
    .. [1] K. Hukushima, Y. Iba, AIP Conf. Proc. 690, 200 (2003), doi:10.1063/1.1632130

    Examples
    --------
    >>> end = np.array([1.0, 1.0, 0.0, 0.0, 0.0])
    >>> found = Populations(2, 1, ("spin", "spin"), seed=1)
    >>> found.extend(end)
    True
    >>> exact = Machine([[1.0], [1.0]], visible="spin", hidden="spin").log_Z()
    >>> bool(abs(found.log_Z()[0] - exact) < 0.1)
    True
    """

    def __init__(
        self,
        n_visible: int,
        n_hidden: int,
        units: tuple[Units, Units],
        seed: int,
        *,
        threads: int | None = None,
    ) -> None:
        n = n_visible
        start = np.zeros(n * n_hidden + n + n_hidden)
        self.laws = [Law(start, (n, n_hidden), units)]
        self.generator = np.random.default_rng([seed, 4])
        self.threads = threads
        low, up = unit_values("visible", units[0])
        self._values = float(low), float(up)
        self._log_Z0 = float((log2_states(n, units[0]) + n_hidden) * np.log(2.0))
        self._units = units[0]
        most = int(np.clip(MAX_BYTES // (8 * n * NUMBER * SIZE), GROUPS, MAX_GROUPS))
        self._v = np.empty((most, NUMBER * SIZE, n))
        self._F = np.empty((most, NUMBER * SIZE))
        self._log_Zs = np.empty((most, NUMBER))
        self._groups = 0
        self._oldest = 0
        for _ in range(GROUPS):
            self.renew()

    @property
    def v(self) -> FloatArray:
        """Configurations, shape (groups, populations times configurations, n_visible)."""
        return self._v[: self._groups]

    @property
    def F(self) -> FloatArray:
        """Their free energies."""
        return self._F[: self._groups]

    @property
    def log_Zs(self) -> FloatArray:
        """ln Z by each population, shape (groups, populations)."""
        return self._log_Zs[: self._groups]

    @property
    def last(self) -> Law:
        """The machine whose configurations these are."""
        return self.laws[-1]

    def _step(
        self, v: FloatArray, F: FloatArray, to: Law
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """The populations of a group at the next machine, and the steps of their ln Z."""
        gain = (F - to.free_energy(v)).reshape(NUMBER, SIZE)
        most = gain.max(axis=1, keepdims=True)
        sums = np.cumsum(np.exp(gain - most), axis=1)
        starts = np.arange(NUMBER)[:, None]
        places = (np.arange(SIZE) + self.generator.random((NUMBER, 1))) / SIZE + starts
        picked = np.searchsorted((sums / sums[:, -1:] + starts).ravel(), places.ravel())
        # Rounding must not lead into the next population.
        picked = np.clip(
            picked, np.repeat(starts * SIZE, SIZE), np.repeat(starts + 1, SIZE) * SIZE - 1
        )
        v = to.swept(v[picked], SWEEPS, self._seed(), self.threads)
        return v, to.free_energy(v), (most + np.log(sums[:, -1:] / SIZE))[:, 0]

    def _seed(self) -> int:
        return int(self.generator.integers(2**62))

    def _anneal(self, slot: int) -> None:
        if colours(self._units) is None:
            up = self.generator.random(self.v.shape[1:]) < 0.5
        else:
            up = random_rows(NUMBER * SIZE, self._v.shape[2], self._units, self.generator)
        v = np.where(up, self._values[1], self._values[0])
        F, laws = self.laws[0].free_energy(v), self.laws
        log_Z = np.full(NUMBER, self._log_Z0)
        k = 0
        while k + 1 < len(laws):
            # Machines on a detour of the training are left out.
            while k + 2 < len(laws) and np.std(F - laws[k + 2].free_energy(v)) <= SPACING:
                del laws[k + 1]
            v, F, change = self._step(v, F, laws[k + 1])
            log_Z += change
            k += 1
        self._v[slot], self._F[slot], self._log_Zs[slot] = v, F, log_Z

    def renew(self) -> None:
        """Anneal one group more, in the place of the oldest if there are many."""
        if self._groups < len(self._v):
            self._groups += 1
            self._anneal(self._groups - 1)
        else:
            self._anneal(self._oldest)
            self._oldest = (self._oldest + 1) % self._groups

    def _keep_newest(self) -> None:
        newest = (self._oldest - 1 - np.arange(GROUPS)) % self._groups
        for kept in (self._v, self._F, self._log_Zs):
            kept[:GROUPS] = kept[newest]
        self._groups, self._oldest = GROUPS, 0

    def extend(self, parameters: FloatArray, most: int = MAX_STEPS) -> bool:
        """Go on to a machine, over others on the straight way if it is far away.

        Parameters
        ----------
        parameters : array
            W, a and b of the machine.
        most : int
            Steps that are allowed.

        Returns
        -------
        bool
            Whether the machine was reached; a diverging one may be out of reach.
        """
        if self._groups > GROUPS:
            self._keep_newest()
        for _ in range(most):
            start, part = self.last.parameters, 1.0
            law = self.last.at(parameters)
            while not (far := self._distance(law)) <= SPACING:
                if part < 1e-6:
                    return False
                part *= max(0.3, 0.9 * SPACING / far) if np.isfinite(far) else 0.1
                law = self.last.at(start + part * (parameters - start))
            self.laws.append(law)
            for slot in range(len(self.v)):
                v, F, change = self._step(self.v[slot], self.F[slot], law)
                self.v[slot], self.F[slot] = v, F
                self.log_Zs[slot] += change
            if part == 1.0:
                return True
        return False

    def _distance(self, law: Law) -> float:
        thin = (slice(None), slice(None, None, len(self.v)))
        v = self.v[thin].reshape(-1, law.size[0])
        return float(np.std(self.F[thin].ravel() - law.free_energy(v)))

    def draw(self, n: int) -> tuple[FloatArray, FloatArray]:
        """Configurations of the last machine and their F, with replacement."""
        weights = np.cumsum(np.exp(self.log_Zs - self.log_Zs.max()))
        who = np.searchsorted(weights, weights[-1] * self.generator.random(n))
        which = who * SIZE + self.generator.integers(SIZE, size=n)
        return self.v.reshape(-1, self.v.shape[2])[which], self.F.ravel()[which]

    def log_Z(self, law: Law | None = None) -> tuple[float, float]:
        """ln Z of the last machine, or of one close to it, and its standard error."""
        each, _ = self._weighted(law)
        most = each.max()
        w = np.exp(each - most)
        error = np.std(w, ddof=1) / (np.sqrt(w.size) * w.mean())
        return float(most + np.log(w.mean())), float(error)

    def _weighted(self, law: Law | None) -> tuple[FloatArray, FloatArray]:
        """ln Z of a machine by each population, and the weights of its configurations."""
        gain = np.zeros((self.log_Zs.size, SIZE))
        if law is not None:
            F = law.free_energy(self.v.reshape(-1, law.size[0]))
            gain = (self.F.ravel() - F).reshape(-1, SIZE)
        most = gain.max(axis=1, keepdims=True)
        weights = np.exp(gain - most)
        sums = weights.sum(axis=1, keepdims=True)
        log_Zs = self.log_Zs.ravel() + (most + np.log(sums / SIZE))[:, 0]
        return log_Zs, weights / sums

    def share(
        self, above: Callable[[FloatArray], BoolArray], law: Law | None = None
    ) -> tuple[float, float]:
        """P(v is above) in the last machine or one close to it, and its standard error.

        Parameters
        ----------
        above : callable
            Takes rows v, shape (rows, n_visible), and says which count.
        law : Law, optional
            The other machine.
        """
        log_Zs, weights = self._weighted(law)
        rows = above(self.v.reshape(-1, self.v.shape[2])).reshape(-1, SIZE)
        each = (rows * weights).sum(axis=1)
        w = np.exp(log_Zs - log_Zs.max())
        w /= w.sum()
        found = float(w @ each)
        # Of a ratio of means of the populations.
        error = np.sqrt(w.size / (w.size - 1) * np.sum((w * (each - found)) ** 2))
        return found, float(error)
