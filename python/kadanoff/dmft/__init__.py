"""Impurity solvers behind one protocol, and the Mott transition on the Bethe lattice.

>>> from kadanoff import dmft
>>> problem = dmft.Impurity(U=2.0, beta=50, bath=dmft.DiscreteBath([-0.4, 0.4], [0.3, 0.3]))
>>> print(dmft.solve(problem, solver="ed"))
Solution(ed: n=1, docc=..., Z=..., error ...)
"""

from kadanoff.dmft.data.generation import database
from kadanoff.dmft.data.samples import Database
from kadanoff.dmft.learning import (
    LearnedSolver,
    active,
    break_even,
    certify,
    learn,
    learning_curve,
    report,
)
from kadanoff.dmft.loops.branches import Hysteresis, hysteresis
from kadanoff.dmft.loops.entropy_integral import Entropy, entropy
from kadanoff.dmft.loops.loop_result import Loop
from kadanoff.dmft.loops.neel import Neel, neel_temperature
from kadanoff.dmft.loops.phases import PhaseDiagram, phase_diagram
from kadanoff.dmft.loops.self_consistency import bethe, loop
from kadanoff.dmft.loops.thermodynamics import (
    Response,
    compressibility,
    local_susceptibility,
)
from kadanoff.dmft.loops.transition_ends import End, MottEnds, mott_ends
from kadanoff.dmft.matsubara_bath import MatsubaraBath, UncertainDelta
from kadanoff.dmft.orbitals.multi_orbital import MatrixBath, OrbitalImpurity
from kadanoff.dmft.orbitals.orbital_iteration import OrbitalLoop, orbital_loop
from kadanoff.dmft.orbitals.orbital_solution import OrbitalSolution
from kadanoff.dmft.problem import DiscreteBath, Impurity
from kadanoff.dmft.protocol import SOLVERS, Solver, solve
from kadanoff.dmft.solution import Solution
from kadanoff.dmft.solvers import cthyb as _cthyb  # noqa: F401
from kadanoff.dmft.solvers import ed as _ed  # noqa: F401
from kadanoff.dmft.solvers import ftlm as _ftlm  # noqa: F401
from kadanoff.dmft.solvers import hubbard1 as _hubbard1  # noqa: F401
from kadanoff.dmft.solvers import ipt as _ipt  # noqa: F401
from kadanoff.dmft.solvers import lanczos as _lanczos  # noqa: F401
from kadanoff.dmft.solvers import nca as _nca  # noqa: F401
from kadanoff.dmft.solvers import nrg as _nrg  # noqa: F401

from kadanoff.dmft.orbitals import diagonalised as _diagonalised  # noqa: F401 isort: skip
from kadanoff.dmft.orbitals import low_temperature as _low_temperature  # noqa: F401 isort: skip
from kadanoff.dmft.orbitals import renormalised as _renormalised  # noqa: F401 isort: skip
from kadanoff.dmft.orbitals import sampled as _sampled  # noqa: F401 isort: skip
from kadanoff.dmft.solvers.approximations import approximate
from kadanoff.dmft.solvers.bathfit import BathFit, PoorFit, fit_bath
from kadanoff.dmft.spectrum import Spectrum
from kadanoff.dmft.spin_functions import SpinFunctions

__all__ = [
    "SOLVERS",
    "BathFit",
    "Database",
    "DiscreteBath",
    "End",
    "Entropy",
    "Hysteresis",
    "Impurity",
    "LearnedSolver",
    "Loop",
    "MatrixBath",
    "MatsubaraBath",
    "MottEnds",
    "Neel",
    "OrbitalImpurity",
    "OrbitalLoop",
    "OrbitalSolution",
    "PhaseDiagram",
    "PoorFit",
    "Response",
    "Solution",
    "Solver",
    "Spectrum",
    "SpinFunctions",
    "UncertainDelta",
    "active",
    "approximate",
    "bethe",
    "break_even",
    "certify",
    "compressibility",
    "database",
    "entropy",
    "fit_bath",
    "hysteresis",
    "learn",
    "learning_curve",
    "local_susceptibility",
    "loop",
    "mott_ends",
    "neel_temperature",
    "orbital_loop",
    "phase_diagram",
    "report",
    "solve",
]
