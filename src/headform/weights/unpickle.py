"""Foreign pickles (detector weights, head models) read as data, in a child process under limits.

No arrays are computed here, hence no letters.

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
from pathlib import Path
from typing import Any

import numpy as np

from headform.errors import ResourceError, WeightsError

_BOOT = (
    "import sys; sys.path.insert(0, sys.argv[1]);"
    "from headform.weights.pickle_child import main; sys.exit(main(*sys.argv[2:]))"
)
_PACKAGE_ROOT = Path(__file__).resolve().parents[2]
_FAILED = 3
_SAFE = "only plain arrays are read; get the file from its publisher or convert it to safetensors"


def read_pickle(
    path: Path | str, *, memory_bytes: int = 2 << 30, cpu_seconds: int = 30
) -> dict[str, np.ndarray[Any, Any]]:
    """Read a pickle or joblib file, plain or compressed, without running anything in it.

    Args:
        path: A regular file; lz4, zlib, gzip, bz2 and xz are unpacked.
        memory_bytes: Address space of the child. The unpacked content may take a quarter of it.
        cpu_seconds: Processor time of the child.

    Returns:
        Arrays of native byte order by path inside the file: list items by index, dictionary items by
        key, joined by `/` (`0`, `shapedirs`, `ICA/A`). Plain numbers and texts are arrays, too; a
        file that is one array has the single key `value`.

    Raises:
        WeightsError: `unsafe_pickle` when it names anything but plain arrays (the message has the
            name) or exceeds the limits; `weights_damaged` when it is cut or malformed;
            `weights_missing` when there is no such file.
        ResourceError: `no_process` when the child process cannot be started.
    """
    path = Path(path)
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise WeightsError("weights_missing", "not a regular file", repr(str(path)))
    except OSError as error:
        reason = error.strerror or str(error)
        raise WeightsError("weights_missing", reason, repr(str(path))) from error
    arguments = [str(_PACKAGE_ROOT), str(path.absolute()), str(memory_bytes), str(cpu_seconds)]
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and our own module
            [sys.executable, "-I", "-c", _BOOT, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            timeout=2 * cpu_seconds + 30,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise _unsafe(path, "more time than it may take") from error
    except OSError as error:
        raise ResourceError("no_process", f"cannot start a process: {error}") from error
    if done.returncode == 0:
        return _from_npz(done.stdout, path)
    raise _failure(done, path)


def _failure(done: "subprocess.CompletedProcess[bytes]", path: Path) -> WeightsError:
    """What the child's exit says, as an error of ours."""
    if done.returncode != _FAILED:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        if done.returncode < 0:
            last = f"more than its limits allow (signal {-done.returncode})"
        return _unsafe(path, last or "something that ended the reader")
    try:
        answer = json.loads(done.stdout)
        kind, what = str(answer["kind"]), str(answer["what"])
    except (ValueError, KeyError, TypeError):
        return _unsafe(path, "something that ended the reader")
    if kind == "refused":
        return _unsafe(path, what)
    code = "weights_missing" if kind == "missing" else "weights_damaged"
    return WeightsError(code, what, repr(str(path)), "get the file again")


def _unsafe(path: Path, what: str) -> WeightsError:
    return WeightsError("unsafe_pickle", f"the pickle asks for {what}", repr(str(path)), _SAFE)


def _from_npz(data: bytes, path: Path) -> dict[str, np.ndarray[Any, Any]]:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (ValueError, OSError, KeyError, zipfile.BadZipFile) as error:
        raise WeightsError("weights_damaged", str(error), repr(str(path))) from error
