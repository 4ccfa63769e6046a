"""Foreign pickles (detector weights, head models) read as data, in a child process under limits.

This is the one door through which a pickle enters the program. The child interprets the opcodes
itself (`pickle_machine`), so that a global which is not on its list is refused by name before
anything runs; limits on memory and processor time end what tries to exhaust the machine.
"""

import io
import json
import os
import stat
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from headform.errors import ResourceError, WeightsError

_BOOT = (
    "import sys; sys.path.insert(0, sys.argv[1]);"
    "from headform.io.pickle_child import main; sys.exit(main(*sys.argv[2:]))"
)
_PACKAGE_ROOT = Path(__file__).resolve().parents[2]
_FAILED = 3
_SAFE = "only plain arrays are read; get the file from its publisher or convert it to safetensors"


def read_pickle(path: Path | str, *, memory_bytes: int = 2 << 30, cpu_seconds: int = 30) -> dict[str, npt.NDArray[Any]]:
    """Read a pickle or joblib file, plain or compressed, without running anything in it.

    Arrays of numpy come out as they are, chumpy's and torch's as arrays, a sparse matrix of scipy as its `format`, `shape`,
    `data` and indices (`J_regressor/indptr`). A .npy or .npz that holds pickles is read too.

    Args:
        path: A regular file; lz4, zlib, gzip, bz2 and xz are unpacked.
        memory_bytes: Address space of the child. The unpacked content may take a quarter of it.
        cpu_seconds: Processor time of the child.

    Returns:
        Arrays of native byte order by path inside the file: list items by index, dictionary items
        by key, joined by `/` (`0`, `shapedirs`, `ICA/A`). Plain numbers and texts are arrays, too;
        a file that is one array has the single key `value`.

    Raises:
        WeightsError: `unsafe_pickle` when it names anything but plain arrays (the message has the
            name) or exceeds the limits; `weights_damaged` when it is cut or malformed;
            `weights_missing` when there is no such file.
        ResourceError: `no_process` when the child process cannot be started.
    """
    return read_pickles([path], memory_bytes=memory_bytes, cpu_seconds=cpu_seconds)[0]


def read_pickles(
    paths: Sequence[Path | str], *, memory_bytes: int = 2 << 30, cpu_seconds: int = 30
) -> list[dict[str, npt.NDArray[Any]]]:
    """Read several files in one child process, which costs the start of one (0.2 s).

    Args:
        paths: As for `read_pickle`.
        memory_bytes: Address space of the child, for all of them together.
        cpu_seconds: Processor time of the child.

    Returns:
        What `read_pickle` returns, for each file.

    Raises:
        WeightsError: As `read_pickle` does, for the first file that is wrong.
        ResourceError: `no_process`.
    """
    files = [Path(path) for path in paths]
    for file in files:
        _check_regular(file)
    arguments = [str(memory_bytes), str(cpu_seconds), *(str(file.absolute()) for file in files)]
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and our own module
            [sys.executable, "-I", "-c", _BOOT, str(_PACKAGE_ROOT), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            timeout=2 * cpu_seconds + 30,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise _unsafe(_names(files), "more time than it may take") from error
    except OSError as error:
        raise ResourceError("no_process", f"cannot start a process: {error}") from error
    if done.returncode == 0:
        return _from_npz(done.stdout, files)
    raise _failure(done, files)


def _check_regular(path: Path) -> None:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise WeightsError("weights_missing", "not a regular file", repr(str(path)))
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise WeightsError("weights_missing", reason, repr(str(path))) from error


def _names(paths: Sequence[Path]) -> str:
    return ", ".join(repr(str(path)) for path in paths)


def _failure(done: "subprocess.CompletedProcess[bytes]", paths: Sequence[Path]) -> WeightsError:
    """What the child's exit says, as an error of ours."""
    if done.returncode != _FAILED:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        if done.returncode < 0:
            last = f"more than its limits allow (signal {-done.returncode})"
        return _unsafe(_names(paths), last or "something that ended the reader")
    try:
        answer = json.loads(done.stdout)
        kind, what, where = answer["kind"], answer["what"], repr(str(paths[answer["file"]]))
    except (ValueError, LookupError, TypeError):
        return _unsafe(_names(paths), "something that ended the reader")
    if kind == "refused":
        return _unsafe(where, what)
    code = "weights_missing" if kind == "missing" else "weights_damaged"
    return WeightsError(code, what, where, "get the file again")


def _unsafe(where: str, what: str) -> WeightsError:
    return WeightsError("unsafe_pickle", f"the pickle asks for {what}", where, _SAFE)


def _from_npz(data: bytes, paths: Sequence[Path]) -> list[dict[str, npt.NDArray[Any]]]:
    tables: list[dict[str, npt.NDArray[Any]]] = [{} for _ in paths]
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            for name in archive.files:
                number, _, inside = name.partition("/")
                tables[int(number)][inside] = archive[name]
    except (ValueError, OSError, LookupError, zipfile.BadZipFile) as error:
        raise WeightsError("weights_damaged", str(error), _names(paths)) from error
    return tables
