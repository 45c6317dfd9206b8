r"""Complex Hamiltonians as real ones of twice the size.

A Hermitian matrix ``H = A + iB`` acts on the real and the imaginary part of a state as

    ( A  -B )
    ( B   A ),

a real symmetric matrix with the levels of H, each twice. As an operator it is
``1 x A + J x B`` with ``J = (0, -1; 1, 0)``, on the space of H with one more factor of two states,
which carries neither charge nor spin: the symmetries of H, and its chains, are those of the doubled
matrix, and products and Hermitian conjugates of operators those of the doubled ones. The solver
works on the doubled model; its ln Z is ln 2 too large, which is subtracted, and averages are those
of H, since the trace of a doubled operator is twice the real part of the trace.

Some complex Hamiltonians are real in another basis: a field along y is one along x after a rotation
of all spins about z, and the interaction of Dzyaloshinskii and Moriya of two spins, of which one
couples to nothing else, is an anisotropic exchange. Then the model written in that basis takes an
eighth of the time. Two spins that both couple to the lead, or an orbital with spin-orbit coupling
and a field, have none. The doubling serves all, at every value of the parameters.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from kadanoff.impurities.models.base import Model
from kadanoff.impurities.models.local_spaces import Boson
from kadanoff.impurities.models.operators import MAX_DIMENSION, Operator, Space

__all__ = ["copies", "doubled", "doubled_space", "is_complex", "real_part", "refuse_complex"]

PARTS = "real, imaginary"
"""Name of the factor of two states."""
_J = np.array([[0.0, -1.0], [1.0, 0.0]])


def is_complex(model: Model) -> bool:
    """Whether a term of a Hamiltonian that is not zero has imaginary matrix elements."""
    return any(x != 0 and not operator.is_real for _, x, operator in model.terms())


def copies(model: Model) -> int:
    """How often each level of a model is found: twice if it is complex."""
    return 2 if is_complex(model) else 1


def refuse_complex(model: Model, what: str) -> None:
    """ValueError for a complex Hamiltonian."""
    if is_complex(model):
        names = [name for name, x, operator in model.terms() if x != 0 and not operator.is_real]
        raise ValueError(
            f"{what} needs a real Hamiltonian, and {', '.join(names)} of the model is complex: "
            "complex ones have thermodynamics and static averages, by kadanoff.nrg.solve; where a "
            "rotation makes the Hamiltonian real, write it in that basis"
        )


@lru_cache(maxsize=64)
def doubled_space(space: Space) -> Space:
    """The space of real and imaginary parts."""
    if 2 * space.dimension > MAX_DIMENSION:
        raise ValueError(
            f"a complex Hamiltonian is solved on twice its {space.dimension} states, at most "
            f"{MAX_DIMENSION} are allowed; treat part of it as the bath, or write it in a basis in "
            "which it is real"
        )
    return Space((Boson(PARTS, states=2), *space.factors))


@lru_cache(maxsize=512)
def doubled(operator: Operator) -> Operator:
    """``1 x Re O + J x Im O`` on the doubled space.

    Examples
    --------
    >>> from kadanoff.impurities.models.operators import Spin
    >>> S_y = Space([Spin("S")]).S("S").y
    >>> np.linalg.eigvalsh(doubled(S_y).matrix)
    array([-0.5, -0.5,  0.5,  0.5])
    """
    matrix = operator.matrix
    both = np.kron(np.eye(2), matrix.real) + np.kron(_J, matrix.imag)
    return Operator(doubled_space(operator.space), both)


@lru_cache(maxsize=512)
def real_part(operator: Operator) -> Operator:
    """The real part of the matrix, which alone has an average in real states."""
    return operator if operator.is_real else Operator(operator.space, operator.matrix.real)
