"""Learned impurity solvers: causal, with errors, and checked against an exact solve.

>>> from kadanoff import dmft
>>> db = dmft.database(40, inputs=("hubbard1",), target="ed-2", beta=[5.0], progress=False)
>>> dmft.learn(db)
LearnedSolver(gaussian process, correction of hubbard1 -> ed-2; trained on 40 at beta = 5)
"""

from kadanoff.dmft.learning.certificate import Active, Certificate, active, certify
from kadanoff.dmft.learning.comparison import Report
from kadanoff.dmft.learning.encoding import NODES, TARGETS
from kadanoff.dmft.learning.evaluation import (
    BreakEven,
    LearningCurve,
    break_even,
    learning_curve,
    report,
)
from kadanoff.dmft.learning.imaginary_time import BASES, TRANSFORMS
from kadanoff.dmft.learning.learned import LearnedSolver, OutsideTraining
from kadanoff.dmft.learning.lecture_networks import Lectures, lectures
from kadanoff.dmft.learning.model_selection import Search, search
from kadanoff.dmft.learning.prediction import Prediction
from kadanoff.dmft.learning.regressors import MODELS
from kadanoff.dmft.learning.storage import load, save
from kadanoff.dmft.learning.training import learn

__all__ = [
    "BASES",
    "MODELS",
    "NODES",
    "TARGETS",
    "TRANSFORMS",
    "Active",
    "BreakEven",
    "Certificate",
    "LearnedSolver",
    "LearningCurve",
    "Lectures",
    "OutsideTraining",
    "Prediction",
    "Report",
    "Search",
    "active",
    "break_even",
    "certify",
    "learn",
    "learning_curve",
    "lectures",
    "load",
    "report",
    "save",
    "search",
]
