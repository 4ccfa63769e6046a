"""How much memory a call needs, as the system counts it (Linux)."""

import ctypes
import gc
import re
from collections.abc import Callable
from pathlib import Path


def resident_megabytes() -> float | None:
    """What this process holds now, after everything freed went back; None where the system does not tell."""
    gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)
        return _kilobytes("VmRSS") / 1024
    except (OSError, AttributeError):
        return None


def peak_megabytes(call: Callable[[], object]) -> float | None:
    """How far resident memory rises above what is held before; None where the system does not tell."""
    before = resident_megabytes()
    if before is None:
        return None
    try:
        Path("/proc/self/clear_refs").write_text("5")  # the high-water mark falls to what is held
        call()
        return _kilobytes("VmHWM") / 1024 - before
    except OSError:
        return None


def _kilobytes(field: str) -> int:
    """A field of the process status."""
    found = re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    if found is None:
        raise OSError(f"no {field} here")
    return int(found[1])
