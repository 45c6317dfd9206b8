"""Memory that this machine has left."""

from __future__ import annotations

from pathlib import Path

__all__ = ["available"]


def available() -> int | None:
    """Bytes that can be allocated without swapping, or None where the system does not tell."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None
