"""Versions, threads and budget with which a result was computed."""

from __future__ import annotations

import os
import platform
import sys
from functools import lru_cache

from kadanoff._base.signatures import public

__all__ = ["About", "about", "available_threads", "installed"]

PACKAGES = ("kadanoff", "numpy", "scipy", "mpmath")
OPTIONAL = ("matplotlib", "scikit-learn", "sparse-ir", "xarray", "ipywidgets", "jupyterlab")


class About(dict[str, str]):
    """Names and versions; prints as a table of two columns."""

    def __repr__(self) -> str:
        width = max(map(len, self))
        return "\n".join(f"{name:{width}}  {value}" for name, value in self.items())


@public
def about() -> About:
    """Versions of the package and of its dependencies, for the end of a notebook.

    Returns
    -------
    About
        A dictionary with "kadanoff", "numpy", "scipy", "mpmath", those of "matplotlib",
        "scikit-learn", "sparse-ir", "xarray", "ipywidgets" and "jupyterlab" that are installed,
        "python", "platform", "threads" (the default of ``threads=``), "simd" (the vector
        instructions of the compiled kernels, ``KADANOFF_SIMD``) and "budget" (of notebooks,
        ``KADANOFF_BUDGET``).

    Examples
    --------
    >>> about()["python"].startswith("3.")
    True
    """
    from kadanoff._core import simd_level

    return About(
        installed()
        | {
            "python": platform.python_version(),
            "platform": f"{sys.platform} {platform.machine()}",
            "threads": str(available_threads()),
            "simd": simd_level,
            "budget": os.environ.get("KADANOFF_BUDGET") or "normal",
        }
    )


@lru_cache(maxsize=1)
def installed() -> dict[str, str]:
    """Versions by package. They are read once: every entry of a store asks for them."""
    from importlib.metadata import PackageNotFoundError, version

    versions = {}
    for name in PACKAGES + OPTIONAL:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            if name in PACKAGES:  # a source tree on the path, not installed
                versions[name] = "unknown"
    return versions


def available_threads() -> int:
    """Cores that this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
