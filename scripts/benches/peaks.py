"""How much memory a process took at most."""

from __future__ import annotations

import resource
from pathlib import Path


def peak_mb(pid: int | None = None) -> float:
    """The largest resident size that the kernel noted for a process (VmHWM), in MB; 0 for one that ended.

    Of this process unless another is named. `ru_maxrss` would still hold what the process was forked from.
    """
    status = Path(f"/proc/{pid or 'self'}/status")
    try:
        lines = status.read_text("ascii", "replace").splitlines()
    except OSError:
        return 0.0 if pid else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # no Linux
    told = [int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")]
    return told[0] if told else 0.0
