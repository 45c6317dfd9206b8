"""Types of arrays that annotations share."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "AnyArray",
    "BoolArray",
    "ComplexArray",
    "Float32Array",
    "FloatArray",
    "IntArray",
    "SpinArray",
    "WordArray",
]

AnyArray: TypeAlias = NDArray[Any]
BoolArray: TypeAlias = NDArray[np.bool_]
ComplexArray: TypeAlias = NDArray[np.complex128]
Float32Array: TypeAlias = NDArray[np.float32]
FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]
SpinArray: TypeAlias = NDArray[np.int8]
"""Configurations: +1 and -1, or 0 and 1."""
WordArray: TypeAlias = NDArray[np.uint64]
"""Configurations packed into words of 64 bits."""
