"""A target that ends its process, or never ends: what the fuzzer must survive."""

import os

__all__ = ["end"]


def end(how="well"):
    """Return, abort or go on for ever.

    >>> end()
    """
    if isinstance(how, bool):
        while True:
            pass
    if isinstance(how, int):
        os.abort()
    if how not in (None, "well"):
        raise ValueError("nobody ends so")
