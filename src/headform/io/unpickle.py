"""Foreign pickles (head models) read as data, in a child process under limits; the only place where pickles are read.

The child reads with Python's own unpickler and an allow-list of globals (`_pickle_objects`), so that any other global is
refused by name before anything runs; memory and processor time are limited.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy.typing as npt

from headform.io._child import ask
from headform.io.file_bytes import check_regular, unpacked_limit

_SAFE = "only plain arrays are read; get the file from its publisher or convert it to safetensors"


def read_pickle(path: Path | str, *, memory_bytes: int = 2 << 30, cpu_seconds: int = 30) -> dict[str, npt.NDArray[Any]]:
    """Read a pickle or joblib file, plain or compressed, without running anything in it.

    Arrays of numpy are returned as they are, those of chumpy and torch as arrays, a sparse matrix of scipy as its `format`,
    `shape`, `data` and indices (`J_regressor/indptr`). A .npy or .npz that holds pickles is read too.

    Args:
        path: Path of a regular file; lz4, zlib, gzip, bz2 and xz are unpacked.
        memory_bytes: Memory limit of the content in the child, and largest size of the result, bytes; besides, 256 MiB and
            100 times the file.
        cpu_seconds: Limit of the processor time of the child, seconds.

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
    """Read several files in one child process, which costs the start of one (0.2 s), under common limits; see `read_pickle`.

    Raises:
        WeightsError: codes of `read_pickle`, for the first file that is wrong.
        ResourceError: `no_process`.
    """
    files = [Path(path) for path in paths]
    memory_bytes = unpacked_limit(sum(check_regular(path) for path in files), memory_bytes)
    return ask(
        "_pickle_reader",
        files,
        {"max_bytes": memory_bytes},
        memory_bytes=memory_bytes,
        cpu_seconds=cpu_seconds,
        max_bytes=memory_bytes,
        refused="unsafe_pickle",
        hint=_SAFE,
    )
