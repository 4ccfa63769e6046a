"""Entry point of the child process that reads foreign files under limits; `headform.io._child` starts it.

Standard input is one JSON object, the request. Standard output is lines of JSON: `[file, name, value]`, each followed by
the bytes of the arrays in it, and at the end `null` or `{"kind", "what", "file"}` for a failure. A reader is a module of
this package with `read(path, **options)`, which yields names and values: arrays, text, numbers, lists and dictionaries of
them.
"""

import json
import mmap
import sys
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

try:
    import resource
except ImportError:  # Windows has no such limits; the time limit of the parent remains
    resource = None  # type: ignore[assignment]

_UNMEASURED_BYTES = 1 << 30
"""Address space of interpreter and libraries where the system does not say; numpy, scipy and h5py map 0.15 GB on Linux."""


class ForeignFileError(Exception):
    """Error of a file that is not read: `kind` is `refused` or `damaged`, and `what` the message."""

    def __init__(self, kind: str, what: str) -> None:
        self.kind, self.what = kind, what
        super().__init__(kind, what)


def refused(what: str) -> ForeignFileError:
    """Return the error of a file that contains more than plain data."""
    return ForeignFileError("refused", what)


def damaged(what: str) -> ForeignFileError:
    """Return the error of a file that is truncated or malformed."""
    return ForeignFileError("damaged", what)


def limit_memory(memory_bytes: int) -> None:
    """Limit the memory of this process beyond what it has mapped already (interpreter and libraries)."""
    try:
        mapped = int(Path("/proc/self/statm").read_text().split()[0]) * mmap.PAGESIZE
    except OSError:
        mapped = _UNMEASURED_BYTES
    _lower("RLIMIT_AS", mapped + memory_bytes)


def _lower(name: str, bound: int) -> None:
    if resource is not None:
        which = getattr(resource, name)
        hard = resource.getrlimit(which)[1]
        bound = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
        resource.setrlimit(which, (bound, bound))


def main() -> int:
    """Answer the request on standard input, and return the exit status."""
    request = json.load(sys.stdin.buffer)
    out, number, failure = sys.stdout.buffer, 0, None
    try:
        reader = import_module(f"headform.io.{request['reader']}")
        limit_memory(request["memory_bytes"])
        for name, bound in {"RLIMIT_CPU": request["cpu_seconds"], "RLIMIT_FSIZE": 0, "RLIMIT_CORE": 0}.items():
            _lower(name, bound)
        warnings.simplefilter("ignore")
        for number, path in enumerate(request["paths"]):
            for name, value in reader.read(path, **request["options"]):
                _send(out, number, name, value)
    except ForeignFileError as error:
        failure = {"kind": error.kind, "what": error.what}
    except (FileNotFoundError, PermissionError) as error:
        failure = {"kind": "missing", "what": error.strerror or str(error)}
    except Exception as error:  # numpy, scipy, h5py and pickle raise anything for malformed bytes
        failure = {"kind": "damaged", "what": f"{type(error).__name__}: {error}"}
        if _ran_out(error):
            failure = {"kind": "refused", "what": f"it takes more than {request['memory_bytes']} bytes of memory"}
    if failure is not None:
        failure["what"] = failure["what"][:500]
    out.write(json.dumps(failure and failure | {"file": number}).encode() + b"\n")
    out.flush()
    return 0


def _ran_out(error: BaseException | None) -> bool:
    """Check whether an error, or one that led to it, is a MemoryError."""
    while error is not None and not isinstance(error, MemoryError):
        error = error.__context__
    return error is not None


def _send(out: BinaryIO, number: int, name: str, value: Any) -> None:
    arrays: list[npt.NDArray[Any]] = []
    out.write(json.dumps([number, name, _described(value, arrays)]).encode() + b"\n")
    for array in arrays:
        if array.nbytes:
            out.write(array.reshape(-1).view(np.uint8).data)


def _described(value: Any, arrays: list[npt.NDArray[Any]]) -> Any:
    """Convert a value to JSON; arrays are collected, in native byte order and in the order of their bytes."""
    if isinstance(value, dict):
        return {"table": [[str(key), _described(item, arrays)] for key, item in value.items()]}
    if isinstance(value, (list, tuple)):
        return [_described(item, arrays) for item in value]
    if not isinstance(value, (np.ndarray, np.generic)):
        return value
    array = np.asarray(value)
    fortran = array.ndim > 1 and array.flags.f_contiguous and not array.flags.c_contiguous
    array = array.T if fortran else array
    plain = np.ascontiguousarray(array, array.dtype.newbyteorder("=")).reshape(array.shape)
    arrays.append(plain)
    return {"dtype": plain.dtype.str, "shape": list(plain.shape), "fortran": fortran}
