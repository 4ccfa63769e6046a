"""Reading of foreign files in a child process under resource limits, and parsing of its bounded answer.

A file that crashes a library or exceeds the limits ends only the child (`headform.io._sandbox`).
"""

import contextlib
import json
import math
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from headform.errors import ResourceError, WeightsError
from headform.io.file_bytes import check_regular

_PACKAGE_ROOT = Path(__file__).resolve().parents[2]
_BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from headform.io._sandbox import main; sys.exit(main())"
_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "HDF5_PLUGIN_PRELOAD": "::"}
"""Environment of the child: one thread per library, since stacks take address space, and no plug-ins of libhdf5."""
_MOST_LINE = 256 << 20
"""Largest line of the answer, bytes; half a million entries with long names stay below it."""
_LEAST_SECONDS, _BYTES_PER_SECOND = 10, 1 << 20
"""Processor time that any file may take, seconds, and bytes of a file for one more; libraries read a hundred times that."""
_PLAIN_KINDS = "biufcSU"
_AGAIN = "get the file again from its publisher"
_PROBLEMS = {"damaged": ("weights_damaged", _AGAIN), "missing": ("weights_missing", _AGAIN)}


def seconds_for(size: int, most: int) -> int:
    """Return the limit of processor time for a file of `size` bytes: damaged tables can keep a library busy for ever."""
    return min(most, _LEAST_SECONDS + size // _BYTES_PER_SECOND)


def ask(
    reader: str,
    paths: Sequence[Path],
    options: Mapping[str, Any],
    *,
    memory_bytes: int,
    cpu_seconds: int,
    max_bytes: int,
    refused: str = "weights_damaged",
    hint: str = _AGAIN,
) -> list[dict[str, Any]]:
    """Return the values that a reader finds in each file, by name.

    Args:
        reader: Module of this package with `read(path, **options)`; see `headform.io._sandbox`.
        paths: Regular files.
        options: Keyword arguments of `read`, as JSON.
        memory_bytes: Memory limit of the child beyond its libraries, bytes.
        cpu_seconds: Limit of its processor time, seconds; the limit of wall-clock time is twice that plus half a minute.
        max_bytes: Largest accepted answer, bytes.
        refused: Error code for a file that contains more than plain data or exceeds the limits.
        hint: Advice for such a file.

    Raises:
        WeightsError: `refused`; `weights_damaged`; `weights_missing`.
        ResourceError: `no_process`; `out_of_memory`.
    """
    for path in paths:
        check_regular(path)
    request = {"reader": reader, "memory_bytes": memory_bytes, "cpu_seconds": cpu_seconds, "options": dict(options)}
    request["paths"] = [str(path.absolute()) for path in paths]
    command = [sys.executable, "-I", "-c", _BOOT, str(_PACKAGE_ROOT)]
    pipe = subprocess.PIPE
    try:
        child = subprocess.Popen(  # noqa: S603 - our own interpreter and our own module
            command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env=os.environ | _ENVIRONMENT
        )
    except OSError as error:
        raise ResourceError("no_process", f"cannot start a process: {error}") from error
    tables: list[dict[str, Any]] = [{} for _ in paths]
    clock = threading.Timer(2 * cpu_seconds + 30, child.kill)
    clock.start()
    with child:
        assert child.stdin is not None  # noqa: S101 - PIPE above
        assert child.stdout is not None  # noqa: S101
        try:
            with contextlib.suppress(BrokenPipeError), child.stdin as stdin:
                stdin.write(json.dumps(request).encode())
            failure = _Answer(child.stdout, max_bytes).into(tables)
        except (ValueError, TypeError, LookupError, RecursionError) as error:
            child.kill()
            end = f"status {child.wait()}"  # negative: a signal
            reason = str(error) or f"the file is malformed, or reading it takes more than the limits allow ({end})"
            failure = {"kind": "refused", "what": reason, "file": 0}
        except MemoryError as error:
            raise ResourceError("out_of_memory", "not enough memory for the content", repr(str(paths[0]))) from error
        finally:
            clock.cancel()
            child.kill()
    if failure is None:
        return tables
    kind, where = failure["kind"], repr(str(paths[failure["file"]]))
    code, advice = _PROBLEMS.get(kind, (refused, hint))
    raise WeightsError(code, failure["what"], where, advice)


class _Answer:
    """Answer of the child, read from the pipe; at most `room` bytes are read."""

    def __init__(self, pipe: IO[bytes], room: int) -> None:
        self._pipe, self._room, self._most = pipe, room, room

    def into(self, tables: list[dict[str, Any]]) -> dict[str, Any] | None:
        """Sort names and values into the table of each file; return the failure, if there is one.

        Raises:
            ValueError: The answer is truncated (without a message) or too large.
        """
        while True:
            line = self._pipe.readline(_MOST_LINE)
            if not line.endswith(b"\n"):
                raise ValueError
            part = json.loads(line)
            if part is None or (isinstance(part, dict) and tables[part["file"]] is not None):
                return part
            number, name, value = part
            self._spend(len(line))
            tables[number][name] = self._built(value)

    def _spend(self, count: int) -> None:
        self._room -= count
        if self._room < 0:
            raise ValueError(f"its content takes more than {self._most} bytes; at most {self._most} are read")

    def _built(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._built(item) for item in value]
        if not isinstance(value, dict):
            return value
        if "table" in value:
            return {key: self._built(item) for key, item in value["table"]}
        return self._array(np.dtype(value["dtype"]), value["shape"], value["fortran"])

    def _array(self, dtype: np.dtype[Any], shape: list[int], fortran: bool) -> npt.NDArray[Any]:
        """Read the next array from the pipe."""
        if dtype.kind not in _PLAIN_KINDS or not all(type(n) is int and n >= 0 for n in shape):
            raise ValueError
        self._spend(math.prod(shape) * dtype.itemsize)
        array = np.empty(math.prod(shape), dtype)
        if array.nbytes and self._pipe.readinto(array.view(np.uint8).data) != array.nbytes:  # type: ignore[attr-defined]
            raise ValueError
        return array.reshape(shape).T if fortran else array.reshape(shape)
