"""Findings that are right as they are, each with its reason. The list only shrinks."""

__all__ = ["EXCEPTIONS"]

EXCEPTIONS: dict[tuple[str, ...], str] = {}
"""Reason by (target, argument), (target, argument, kind) or (target, argument, verdict)."""
