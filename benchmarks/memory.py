"""Peak memory of this process."""

import resource
import sys
from pathlib import Path


def peak_megabytes() -> float:
    """Largest resident set so far, in MB (10^6 bytes).

    On Linux getrusage would also count the process that started this one, up to the moment when it
    became this one; /proc counts this program alone.
    """
    try:
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    except OSError:
        pass
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
