"""How much memory a call takes at its peak, above what its process held before."""

from __future__ import annotations

import ctypes
import gc
import resource
import sys
from pathlib import Path

_CLEAR, _STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")


class Growth:
    """From now on: the peak of resident memory over what is resident now."""

    def __init__(self) -> None:
        gc.collect()
        if sys.platform == "linux" and hasattr(ctypes.CDLL(None), "malloc_trim"):
            ctypes.CDLL(None).malloc_trim(0)  # what was freed, and would be used again unseen, goes back first
        try:
            _CLEAR.write_text("5", encoding="ascii")  # Linux: the peak starts again from what is resident
        except OSError:
            self.before = peak_mib()
        else:
            self.before = _status_mib("VmRSS")

    def mib(self) -> float:
        """Return the growth until now; without a kernel that starts the peak again, at least this much."""
        return peak_mib() - self.before


def peak_mib() -> float:
    """Return the most that was ever resident, or since `Growth` began anew."""
    if _STATUS.exists():
        return _status_mib("VmHWM")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def _status_mib(name: str) -> float:
    """Return a line of the process status; unlike getrusage it knows nothing of the process that started this one."""
    lines = _STATUS.read_text(encoding="ascii").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(f"{name}:"))) / 1024
