"""HDF5 files as data: named arrays, texts and attributes, read in a child process under limits.

N bytes. Nothing outside the file is followed: external links, external storage, virtual datasets and soft links are
refused, and so are filters that would load a plug-in. Sizes are summed before anything is read.
"""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy.typing as npt

from headform.errors import WeightsError
from headform.io._child import ask, seconds_for
from headform.io.file_bytes import check_regular, first_bytes, unpacked_limit

MAX_BYTES = 2 << 30
"""Largest size of the arrays of one file, bytes; besides, 256 MiB and 100 times the file (`file_bytes.unpacked_limit`)."""
_MARGIN_BYTES = 512 << 20
"""Memory of the child in addition to the arrays, and largest size of names and texts, bytes."""
_CPU_SECONDS = 120
_MAGIC = b"\x89HDF\r\n\x1a\n"


def read_hdf5(
    path: Path | str,
    wanted: Sequence[str],
    max_bytes: int = MAX_BYTES,
    *,
    optional: Sequence[str] = (),
) -> dict[str, npt.NDArray[Any] | str]:
    """Read datasets and attributes of an HDF5 file.

    Args:
        path: Path of a regular file.
        wanted: Required paths such as ``shape/model/mean``, without a leading slash; ``group@name`` is an
            attribute, ``@name`` one of the file itself.
        max_bytes: Largest size of all arrays together, bytes.
        optional: Further paths, read if present.

    Returns:
        By path: arrays of native byte order in the shape of the file; text where it is one text.

    Raises:
        WeightsError: ``weights_missing``; ``weights_damaged`` (not an HDF5 file, truncated, malformed, a link or data
            outside of the file, larger than `max_bytes`, not numbers or text); ``model_missing_key`` (names the key and
            what is there).
        ResourceError: ``no_process``.
    """
    values = _read(Path(path), [*wanted, *optional], max_bytes)
    if any(name not in values for name in wanted):
        require_keys(Path(path), wanted, {*values, *list_hdf5(path)})
    return values


def list_hdf5(path: Path | str) -> dict[str, tuple[int, ...]]:
    """Return paths and shapes of all datasets of a file, without those behind links.

    Raises:
        WeightsError: ``weights_missing``, ``weights_damaged``.
        ResourceError: ``no_process``.
    """
    return {name: tuple(shape) for name, shape in _read(Path(path), None, 0).items()}


def is_hdf5(path: Path) -> bool:
    """Return whether the first bytes are those of an HDF5 file; never raises."""
    return first_bytes(path, 8) == _MAGIC


def require_keys(path: Path, wanted: Sequence[str], present: Collection[str]) -> None:
    """Check that a file has all wanted keys.

    Raises:
        WeightsError: ``model_missing_key``.
    """
    absent = [key for key in wanted if key not in present]
    if absent:
        there = ", ".join(sorted(present)[:60]) or "nothing"
        what = f"there is no {', '.join(f'`{key}`' for key in absent)}; the file holds {there}"
        hint = "use the original file of the publisher, or another --kind"
        raise WeightsError("model_missing_key", what, repr(str(path)), hint)


def _read(path: Path, wanted: list[str] | None, max_bytes: int) -> dict[str, Any]:
    """Read, in the child process, a file with the HDF5 signature at its start or behind MATLAB's header of 512 bytes."""
    size = check_regular(path)
    max_bytes = unpacked_limit(size, max_bytes)  # fill values and packed zeros take no room in the file
    start = first_bytes(path, 520)
    if _MAGIC not in (start[:8], start[512:520]):
        raise WeightsError(
            "weights_damaged", "not an HDF5 file", repr(str(path)), "get the file again from its publisher"
        )
    options = {"wanted": wanted, "max_bytes": max_bytes}
    memory, room = _MARGIN_BYTES + 2 * max_bytes, _MARGIN_BYTES + max_bytes
    return ask(
        "_hdf5_reader",
        [path],
        options,
        memory_bytes=memory,
        cpu_seconds=seconds_for(size, _CPU_SECONDS),
        max_bytes=room,
    )[0]
