r"""The fixed point of Gilt-TNR by the Newton method.

One step R filters local correlations, renormalizes twice after Levin and Nave, and so turns the
lattice by 90 degrees: a coarser frame that is stretched or sheared has an eigenvalue near 1, which
the turn makes -1, and the fixed point is isolated [1]_. The linear equations of the Newton method,

    (1 - R') dA = R(A) - A,

are solved by GMRES with differences for R', most of whose eigenvalues are small; the signs of the
states of a leg, which a singular-value decomposition leaves open, follow those of A.

References
----------
.. [1] N. Ebel, T. Kennedy, S. Rychkov, "Rotations, negative eigenvalues, and Newton method in
       tensor network renormalization group", arXiv:2408.10312
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np

from kadanoff._base import checks
from kadanoff._base.errors import NotConverged
from kadanoff._base.running import Run
from kadanoff._base.signatures import public
from kadanoff._base.types import ComplexArray, FloatArray, IntArray
from kadanoff._core import Control
from kadanoff.lattices.potts.models import Potts
from kadanoff.lattices.tensor.block_tensors import BlockTensor, Frame, Leg
from kadanoff.lattices.tensor.flows import blocks_of
from kadanoff.lattices.tensor.initial_tensors import Model, checked_model, isotropic
from kadanoff.lattices.tensor.levin_nave import turned_lattice
from kadanoff.lattices.tensor.local_filter import Filter, filtered
from kadanoff.lattices.tensor.renormalization import checked_size, looking, stopping
from kadanoff.lattices.tensor.results import TensorFixedPoint
from kadanoff.lattices.tensor.transfer_spectra import Levels, levels_of

__all__ = ["fixed_point"]

START = 8  # steps of the flow, of which the one of least change is the start
MAX_ITERATIONS = 50
KRYLOV = 40  # directions of one linear solve
LINEAR = 1e-3  # its tolerance: each step gains three digits
DIFFERENCE = 1e-6  # step of R', of a tensor of norm 1
MAX_EIGENVALUES = 20

Frames = tuple[tuple[Frame, Frame], tuple[Frame, Frame]]


@public
def fixed_point(
    model: Model,
    *,
    chi: int = 12,
    eps: float | None = None,
    tolerance: float = 1e-9,
    max_iterations: int = 12,
    levels: int = 6,
    eigenvalues: int = 4,
    progress: bool | Callable[[int, int], object] | None = None,
    control: Control | None = None,
) -> TensorFixedPoint:
    r"""Find the tensor of the critical point that a step of Gilt-TNR maps to itself.

    Parameters
    ----------
    model : Ising or Potts
        With a known critical temperature: equal couplings J > 0 on the square lattice, no field,
        and at most four colours. The size of its lattice plays no part.
    chi : int, default 12
        Largest number of states of a leg, 2 to 256.
    eps : float, optional
        Threshold of the filter, relative to the norm of the environment, 1e-8 to 0.1; by default
        ``1e-3 (8 / chi)^(3/2)``. The more is filtered out, the fewer states are needed.
    tolerance : float, default 1e-9
        Largest norm of R(A) - A, where R is the step and A a tensor of norm 1.
    max_iterations : int, default 12
        Newton steps, at most 50.
    levels : int, default 6
        Scaling dimensions, 1 to 20.
    eigenvalues : int, default 4
        Eigenvalues of the linearised map, 1 to 20.
    progress, control : as in :func:`kadanoff.nrg.solve`
        The bar counts Newton steps.

    Returns
    -------
    TensorFixedPoint
        The tensor, its residual, dimensions with their error, and eigenvalues of the map.

    Raises
    ------
    TypeError, ValueError
        An argument is of the wrong kind or out of range, or the model has no critical point of
        this kind.
    MemoryError
        The tensors of `chi` states would not fit.
    NotConverged
        The tolerance was not met; `partial` holds the last iterate.
    Cancelled
        The computation was stopped.

    Notes
    -----
    The tensor is a fixed point of a map that truncates: its dimensions differ from those of the
    continuum by an error that falls as chi grows and eps with it. At an exact fixed point rings of
    one and of two blocks have the same dimensions, and that of the energy is 2 - y_t: the error
    given is the sum of twice the first distance and of the relative amount of the second. Cost:
    some hundred steps, each chi^6.

    Examples
    --------
    >>> from kadanoff import ising
    >>> found = fixed_point(ising.Ising(2), chi=6, eps=2e-3, eigenvalues=1)
    >>> found.residual < 1e-9, abs(found.y_t - 1) < 0.05
    (True, True)
    """
    model = checked_model(model)
    T = _critical(model)
    chi = checked_size(model, chi, "gilt")
    how = Filter.of(chi)
    if eps is not None:
        how = Filter(checks.real("eps", eps, least=1e-8, most=0.1))
    tolerance = checks.real("tolerance", tolerance, least=1e-12)
    most = checks.whole("max_iterations", max_iterations, most=MAX_ITERATIONS)
    levels = checks.whole("levels", levels, most=20)
    count = checks.whole("eigenvalues", eigenvalues, most=MAX_EIGENVALUES)
    run = Run.of(progress=progress, control=control)
    started = time.perf_counter()
    with (
        run.calling("Newton method") as keywords,
        stopping("the search for the fixed point was stopped"),
    ):
        look = looking(run)
        tensor = _start(model, T, chi, how, look)
        step = _Step(tensor, chi, how, look)
        residuals: list[float] = []
        for iteration in range(most + 1):
            image = step.aligned(tensor)
            difference = image.vector() - tensor.vector()
            residuals.append(float(np.linalg.norm(difference)))
            if keywords["report"] is not None:
                keywords["report"](iteration, most)
            if residuals[-1] < tolerance or iteration == most or not residuals[-1] < 2:
                break
            moved = tensor.vector() + _newton(step, tensor, image, difference)
            tensor = tensor.filled(moved / np.linalg.norm(moved))
        found = levels_of(tensor, levels, isotropic=True)
        values = _spectrum(step, tensor, image, count)
    result = TensorFixedPoint(
        model=model,
        chi=chi,
        eps=how.eps,
        tensor=_dense(tensor),
        charges_of_legs=(_charges(tensor.legs[0]), _charges(tensor.legs[1])),
        residual=residuals[-1],
        residuals=np.array(residuals),
        dimensions=found.dimensions,
        dimensions_error=_errors(found, values),
        charges=found.charges,
        central_charge=found.central_charge,
        eigenvalues=values,
        seconds=time.perf_counter() - started,
    )
    if not result.residual < tolerance:
        raise NotConverged(
            f"the residual is {result.residual:.1e} after {len(residuals) - 1} Newton steps, above "
            f"tolerance = {tolerance:g}: raise eps or chi",
            partial=result,
        )
    return result


class _Step:
    """The map R on tensors of norm 1, with the legs and the signs of a reference."""

    def __init__(
        self, tensor: BlockTensor, chi: int, how: Filter, look: Callable[[], object]
    ) -> None:
        self.chi, self.how, self.look = chi, how, look
        self.frames: Frames | None = None
        self.signs: tuple[list[FloatArray], list[FloatArray]] | None = None

    def __call__(self, tensor: BlockTensor) -> BlockTensor:
        even, odd, _ = filtered(tensor, self.how, self.look)
        first, second = self.frames or (None, None)
        half, _, first = turned_lattice(even, odd, self.chi, self.look, first)
        new, _, second = turned_lattice(half, half, self.chi, self.look, second)
        self.frames = first, second
        new = _normalised(new)
        return new if self.signs is None else _with_signs(new, *self.signs)

    def aligned(self, tensor: BlockTensor) -> BlockTensor:
        """The image with the signs of the tensor, which later images then keep."""
        self.signs = None
        image = self(tensor)
        if image.legs != tensor.legs:
            raise NotConverged("the numbers of states of the legs change at the start: raise eps")
        self.signs = _signs(image, tensor)
        return _with_signs(image, *self.signs)


def _critical(model: Model) -> float:
    """T_c of a model that has a fixed point of scale invariance there."""
    field = getattr(model, "h", 0.0)
    couplings = (model.J,) if isinstance(model, Potts) else model.J
    if field or min(couplings) <= 0 or not isotropic(model):
        raise ValueError(
            "model must have equal positive couplings and no field, so that its critical point is "
            f"known, got {model!r}"
        )
    if isinstance(model, Potts) and model.q > 4:
        raise ValueError(
            f"model must have at most 4 colours, got q = {model.q}: its transition is of first "
            "order, without scale invariance"
        )
    T = model.critical_temperature
    assert T is not None
    return T


def _start(
    model: Model, T: float, chi: int, how: Filter, look: Callable[[], object]
) -> BlockTensor:
    """The tensor of the flow at T_c that changed least."""
    best, least = None, np.inf
    before: BlockTensor | None = None
    for block in blocks_of(model, T, chi=chi, steps=START, method="gilt", look=look, how=how):
        tensor = _normalised(block.tensor)
        if before is not None and before.legs == tensor.legs:
            change = float(np.linalg.norm(np.abs(tensor.vector()) - np.abs(before.vector())))
            if change < least:
                best, least = tensor, change
        before = tensor
    if best is None:
        raise NotConverged(
            f"the flow at T_c came to no rest within {START} steps: raise chi or eps"
        )
    return best


def _normalised(tensor: BlockTensor) -> BlockTensor:
    norm = tensor.norm
    return tensor.mapped(lambda block: block / norm)


def _newton(
    step: _Step, tensor: BlockTensor, image: BlockTensor, difference: FloatArray
) -> FloatArray:
    """The step of the Newton method."""
    from scipy.sparse.linalg import LinearOperator, gmres

    derivative = _derivative(step, tensor, image)
    operator = LinearOperator(
        (difference.size, difference.size), matvec=lambda v: v - derivative(v), dtype=np.float64
    )
    found, _ = gmres(operator, difference, rtol=LINEAR, restart=KRYLOV, maxiter=1)
    return np.asarray(found)


def _derivative(
    step: _Step, tensor: BlockTensor, image: BlockTensor
) -> Callable[[FloatArray], FloatArray]:
    """R' as a difference."""
    place, value = tensor.vector(), image.vector()

    def derivative(direction: FloatArray) -> FloatArray:
        direction = np.ravel(direction)
        norm = float(np.linalg.norm(direction))
        if norm == 0:
            return direction
        moved = step(tensor.filled(place + DIFFERENCE / norm * direction)).vector()
        return np.asarray((moved - value) * (norm / DIFFERENCE))

    return derivative


def _spectrum(step: _Step, tensor: BlockTensor, image: BlockTensor, count: int) -> ComplexArray:
    """Leading eigenvalues of R'."""
    from scipy.sparse.linalg import LinearOperator, eigs

    size = tensor.vector().size
    derivative = _derivative(step, tensor, image)
    count = min(count, size - 2)
    values = eigs(
        LinearOperator((size, size), matvec=derivative, dtype=np.float64),
        k=count,
        ncv=min(size, 3 * count + 8),
        v0=np.random.default_rng(1).normal(size=size),
        tol=1e-5,
        return_eigenvectors=False,
    )
    return np.asarray(values[np.argsort(-np.abs(values))], dtype=np.complex128)


def _signs(tensor: BlockTensor, like: BlockTensor) -> tuple[list[FloatArray], list[FloatArray]]:
    """Signs of the horizontal and of the vertical states that make the tensors most alike.

    State by state, the most important first, each sees those that are decided.
    """
    product = {key: tensor.blocks[key] * like.blocks[key] for key in tensor.blocks}
    legs = [tensor.legs[0].dims, tensor.legs[1].dims]
    weights = [[np.zeros(n) for n in dims] for dims in legs]  # 0 while open, then a sign
    states = [(i, kind, c) for kind in (0, 1) for c, n in enumerate(legs[kind]) for i in range(n)]
    for _ in range(2):  # the second time all others are decided
        for i, kind, c in sorted(states):
            weights[kind][c][i] = 0.0
            pull = sum(
                _pull(block, key, weights, kind, c, i)
                for key, block in product.items()
                if c in (key[kind], key[kind + 2])
            )
            weights[kind][c][i] = -1.0 if pull < 0 else 1.0
    return weights[0], weights[1]


def _pull(
    block: FloatArray,
    key: tuple[int, ...],
    weights: list[list[FloatArray]],
    kind: int,
    charge: int,
    state: int,
) -> float:
    """Sum of a block over the elements with a state on one of its two legs of a kind."""
    total = 0.0
    for leg in (kind, kind + 2):
        if key[leg] == charge:
            rest = [weights[a % 2][key[a]] for a in range(4) if a != leg]
            part = np.take(block, state, axis=leg)
            total += float(((part @ rest[2]) @ rest[1]) @ rest[0])
    return total


def _with_signs(
    tensor: BlockTensor, across: list[FloatArray], down: list[FloatArray]
) -> BlockTensor:
    blocks = {
        key: block
        * across[key[0]][:, None, None, None]
        * down[key[1]][:, None, None]
        * across[key[2]][:, None]
        * down[key[3]]
        for key, block in tensor.blocks.items()
    }
    return BlockTensor(tensor.legs, blocks)


def _charges(leg: Leg) -> IntArray:
    return np.repeat(np.arange(len(leg.dims)), leg.dims)


def _errors(found: Levels, eigenvalues: ComplexArray) -> FloatArray:
    """Twice the distance of the two rings, and the relative one of the energy from 2 - y_t."""
    error = 2 * np.abs(found.dimensions - found.single)
    neutral = np.flatnonzero(found.charges == 0)
    largest = float(np.abs(eigenvalues).max())
    if len(neutral) and largest > 0:
        energy = float(found.dimensions[neutral[0]])
        error = error + found.dimensions * abs(1 - (2 - math.log2(largest)) / energy)
    return np.asarray(error)


def _dense(tensor: BlockTensor) -> FloatArray:
    """All charges in one array."""
    starts = [np.concatenate([[0], np.cumsum(leg.dims)]) for leg in tensor.legs]
    full = np.zeros([sum(leg.dims) for leg in tensor.legs])
    for key, block in tensor.blocks.items():
        place = tuple(slice(start[c], start[c + 1]) for start, c in zip(starts, key, strict=True))
        full[place] = block
    return full
