"""HDF5 files as data: named arrays, texts and attributes, read in a child process under limits.

N bytes. Nothing outside the file is followed: external links, external storage, virtual datasets and soft links are
refused, and so are filters that would load a plug-in. Sizes are summed before anything is read.
"""

import errno
import json
import math
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from headform.errors import ResourceError, WeightsError
from headform.io.file_bytes import check_regular

MAX_BYTES = 2 << 30
"""Memory that the arrays of one file may take."""
_BOOT = (
    "import sys; sys.path.insert(0, sys.argv[1]);from headform.io.hdf5_child import main; sys.exit(main(*sys.argv[2:]))"
)
_PACKAGE_ROOT = Path(__file__).resolve().parents[2]
_MAGIC = b"\x89HDF\r\n\x1a\n"
_CRASHED = "the file is malformed, or asks for more memory than its sizes account for"
_AGAIN = "get the file again from its publisher"


def read_hdf5(
    path: Path | str,
    wanted: Sequence[str],
    max_bytes: int = MAX_BYTES,
    *,
    optional: Sequence[str] = (),
) -> dict[str, npt.NDArray[Any] | str]:
    """Datasets and attributes of an HDF5 file.

    Args:
        path: A regular file.
        wanted: Paths such as ``shape/model/mean``, without a leading slash, that must be there; ``group@name`` is an
            attribute, ``@name`` one of the file itself.
        max_bytes: Bound on the arrays together.
        optional: Further paths, read where they are there.

    Returns:
        By path: arrays of native byte order in the shape of the file; text where it is one text.

    Raises:
        WeightsError: ``weights_missing``; ``weights_damaged`` (no HDF5 file, cut, malformed, a link or data outside of the
            file, larger than `max_bytes`, not numbers or text); ``model_missing_key`` (names the key and what is there).
        ResourceError: ``no_process``.
    """
    path = Path(path)
    _check(path)
    values = _ask(path, max_bytes, [*wanted, *optional])
    absent = [name for name in wanted if name not in values]
    if absent:
        there = ", ".join(sorted(list_hdf5(path))[:60]) or "nothing"
        raise WeightsError(
            "model_missing_key",
            f"there is no {', '.join(f'`{name}`' for name in absent)}; the file holds {there}",
            repr(str(path)),
            "give the file as its publisher made it, or another --kind",
        )
    return values


def list_hdf5(path: Path | str) -> dict[str, tuple[int, ...]]:
    """Paths and shapes of all datasets of a file (not those behind links).

    Raises:
        WeightsError: ``weights_missing``, ``weights_damaged``.
        ResourceError: ``no_process``.
    """
    path = Path(path)
    _check(path)
    return {name: tuple(shape) for name, shape in _ask(path, 0, []).items()}


def is_hdf5(path: Path) -> bool:
    """Whether the first bytes are those of an HDF5 file; never raises."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return file.read(8) == _MAGIC
    except (OSError, ValueError):
        return False


def _check(path: Path) -> None:
    """A regular file with the signature, at its start or behind MATLAB's 512 bytes."""
    check_regular(path)
    try:
        with path.open("rb") as file:
            start = file.read(520)
    except OSError as error:
        raise WeightsError("weights_missing", str(error), repr(str(path))) from error
    if _MAGIC not in (start[:8], start[512:520]):
        raise WeightsError("weights_damaged", "no HDF5 file", repr(str(path)), _AGAIN)


def _ask(path: Path, max_bytes: int, wanted: list[str]) -> dict[str, Any]:
    """What the child says of the file."""
    command = [sys.executable, "-I", "-c", _BOOT, str(_PACKAGE_ROOT), str(path.absolute())]
    threads = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "HDF5_PLUGIN_PRELOAD": "::"}
    try:
        child = subprocess.Popen(  # noqa: S603 - our own interpreter and our own module
            [*command, str(max_bytes), *wanted],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | threads,
        )
    except OSError as error:
        if error.errno == errno.E2BIG:
            what = "its names are too many or too long"
            raise WeightsError("weights_damaged", what, repr(str(path)), _AGAIN) from error
        raise ResourceError("no_process", f"cannot start a process: {error}") from error
    with child:
        assert child.stdout is not None  # noqa: S101 - PIPE above
        try:
            return _answer(child.stdout)
        except (ValueError, TypeError, KeyError) as error:
            reason = f"{error}" or _CRASHED
            raise WeightsError("weights_damaged", reason, repr(str(path)), _AGAIN) from error
        finally:
            child.kill()


def _answer(pipe: IO[bytes]) -> dict[str, Any]:
    """Take the child's answer apart.

    Raises:
        ValueError: With the child's reason, or an empty one if it ended without.
    """
    values: dict[str, Any] = {}
    while True:
        line = pipe.readline()
        if not line.endswith(b"\n"):
            raise ValueError
        part = json.loads(line)
        if "done" in part:
            return values
        if "error" in part:
            raise ValueError(part["error"])
        if "listing" in part:
            values = part["listing"]
        elif "text" in part:
            values[part["name"]] = part["text"]
        else:
            values[part["name"]] = _array(pipe, np.dtype(part["dtype"]), part["shape"])


def _array(pipe: IO[bytes], dtype: np.dtype[Any], shape: list[int]) -> npt.NDArray[Any]:
    """The array whose bytes are next in the pipe."""
    if dtype.hasobject:
        raise ValueError
    array = np.empty(math.prod(shape), dtype)
    if array.size and pipe.readinto(array.data.cast("B")) != array.nbytes:  # type: ignore[attr-defined]
        raise ValueError
    return array.reshape(shape)
