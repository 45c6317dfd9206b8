"""Time budget of a notebook.

A notebook names its expensive choices once, with three values each::

    Lambdas = pick(quick=[3.0], normal=[2.0, 2.5, 3.0], full=[1.6, 1.8, 2.0, 2.5, 3.0])

The environment variable ``KADANOFF_BUDGET`` chooses among them: ``quick`` is for tests
(seconds), ``normal`` for readers (a minute or two), ``full`` has the precision of a publication.
"""

import os
from typing import Literal, TypeAlias, TypeVar, cast, get_args

from kadanoff._base.signatures import public

__all__ = ["Budget", "budget", "pick"]

Budget: TypeAlias = Literal["quick", "normal", "full"]

VARIABLE = "KADANOFF_BUDGET"

T = TypeVar("T")


@public
def budget() -> Budget:
    """The budget of this process: ``KADANOFF_BUDGET``, or ``"normal"``.

    Returns
    -------
    {"quick", "normal", "full"}
        The value of the variable, "normal" where it is unset or empty.

    Raises
    ------
    ValueError
        If the environment variable holds anything else.

    Examples
    --------
    >>> budget() in ("quick", "normal", "full")
    True
    """
    value = os.environ.get(VARIABLE) or "normal"
    if value not in get_args(Budget):
        allowed = ", ".join(get_args(Budget))
        raise ValueError(f"{VARIABLE}={value!r}: must be one of {allowed}; unset it for 'normal'")
    return cast(Budget, value)


@public
def pick(*, quick: T, normal: T, full: T) -> T:
    """The one of three values that fits the budget.

    Parameters
    ----------
    quick, normal, full : object
        Values for the three budgets, of any type.

    Returns
    -------
    object
        The value named by :func:`budget`.

    Raises
    ------
    ValueError
        If ``KADANOFF_BUDGET`` is not a budget.

    Examples
    --------
    >>> keep = pick(quick=300, normal=1000, full=3500)
    >>> keep == {"quick": 300, "normal": 1000, "full": 3500}[budget()]
    True
    """
    chosen = budget()
    if chosen == "quick":
        return quick
    return normal if chosen == "normal" else full
