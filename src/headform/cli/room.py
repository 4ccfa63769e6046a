"""Room for the libraries of a command under a limit of memory, asked for before each of them is loaded.

OpenBLAS, which numpy and scipy bring along, tries for ever where it gets no memory for its buffers.
"""

import mmap
import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType

MAX_BLAS_THREADS = 4
"""Threads of OpenBLAS under a limit of memory; each takes a buffer."""
_BUFFER_BYTES = 40 << 20
"""OpenBLAS's buffer of a thread on x86-64 with its alignment."""
_SPARE_BYTES = 32 << 20
_WITH_LIBRARIES = frozenset({"numpy", "scipy", "torch", "numba", "llvmlite", "safetensors", "h5py", "onnxruntime"})
"""Packages that load libraries; what Python itself needs to report an error is always let through."""


def keep_room() -> None:
    """Let every import of these packages fail with `MemoryError` that would leave less than the buffers of OpenBLAS take."""
    threads = min(os.cpu_count() or 1, MAX_BLAS_THREADS)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", str(threads))
    sys.meta_path.insert(0, _Room(threads * _BUFFER_BYTES + _SPARE_BYTES))


class _Room(MetaPathFinder):
    """Finder that finds nothing; the room is tried by reserving it.

    Args:
        size: Address space to be left, bytes.
    """

    def __init__(self, size: int) -> None:
        self._size = size

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        if fullname.partition(".")[0] not in _WITH_LIBRARIES:
            return
        try:
            mmap.mmap(-1, self._size).close()
        except OSError as error:
            raise MemoryError(f"no room to load {fullname}") from error
