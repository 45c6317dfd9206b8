"""Options of learning a rule, shared by `learn` and `flow`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

from kadanoff._base import checks
from kadanoff.lattices.blockspin.enumeration import lattice_sides
from kadanoff.lattices.rsmi.conditional_models import Fit
from kadanoff.lattices.rsmi.maximum import MAX_RESTARTS, Watch, checked_watch
from kadanoff.lattices.rsmi.places import is_list_of_sites
from kadanoff.lattices.rsmi.rules import checked_bound, checked_units

__all__ = ["MODES", "LearningKeywords", "LearningOptions"]

MODES = ("auto", "certified", "direct", "oracle", "proxy")


class LearningKeywords(TypedDict, total=False):
    """The fields of `LearningOptions`, for type checkers."""

    block: Sequence[int] | Sequence[Sequence[int]]
    buffer: int
    hidden: int
    bound: float
    shell: int
    environment: Sequence[Sequence[int]] | None
    mode: str
    bias: bool
    step: Sequence[int] | None
    restarts: int
    model: str | Fit | dict[str, Any]
    pairs: int | None
    watch: Watch | None


@dataclass(frozen=True, kw_only=True)
class LearningOptions:
    """What is learned and how; see :func:`kadanoff.rsmi.learn`."""

    block: Sequence[int] | Sequence[Sequence[int]] = (2, 2)
    buffer: int = 1
    hidden: int = 1
    bound: float = 1.0
    shell: int = 1
    environment: Sequence[Sequence[int]] | None = None
    mode: str = "auto"
    bias: bool = False
    step: Sequence[int] | None = None
    restarts: int = 4
    model: str | Fit | dict[str, Any] = "bilinear"
    pairs: int | None = None
    watch: Watch | None = None

    def __post_init__(self) -> None:
        checks.choice("mode", self.mode, MODES)
        checked_watch(self.watch)
        if not (
            isinstance(self.model, dict)
            or callable(self.model)
            or (isinstance(self.model, str) and self.model == "bilinear")
        ):
            raise ValueError(
                f"model must be 'bilinear' or a function (v, e) -> model, got {self.model!r}"
            )
        if self.model != "bilinear" and self.mode in ("direct", "oracle"):
            raise ValueError(
                f"model is for mode='certified' and mode='proxy', got {self.model!r} with "
                f"mode={self.mode!r}"
            )
        checked = {
            "block": self.block
            if is_list_of_sites(self.block)
            else lattice_sides("block", self.block),
            "buffer": checks.whole("buffer", self.buffer, least=0),
            "hidden": checked_units("hidden", self.hidden),
            "bound": checked_bound(self.bound),
            "shell": checks.whole("shell", self.shell),
            "bias": checks.flag("bias", self.bias),
            "step": None if self.step is None else lattice_sides("step", self.step),
            "restarts": checks.whole("restarts", self.restarts, most=MAX_RESTARTS),
            "pairs": None if self.pairs is None else checks.whole("pairs", self.pairs),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    def fit(self) -> Fit | None:
        """The function that fits q(v | e); None for the bilinear model."""
        if isinstance(self.model, str) and self.model == "bilinear":
            return None
        if callable(self.model):
            return self.model
        raise ValueError(
            f"model must be 'bilinear' or a function (v, e) -> model, got {self.model!r}"
        )

    def machine_options(self) -> dict[str, Any]:
        """Options of the two machines of the proxy."""
        if isinstance(self.model, str) and self.model == "bilinear":
            return {}
        if isinstance(self.model, dict):
            return self.model
        raise ValueError(
            "model must be a dictionary of options of kadanoff.RBM for mode='proxy', "
            f"got {self.model!r}"
        )
