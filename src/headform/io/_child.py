"""Start a reader of foreign files in a process of its own and take its answer.

A reader is a module of this package with `main(*arguments) -> int`. It writes its answer to standard output and exits
with 0, or writes one line of JSON `{"kind", "what"}` and exits with `FAILED`; the limits it sets itself
(`pickle_child.limit`). A process that dies otherwise was ended by them.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from headform.errors import ResourceError, WeightsError

FAILED = 3
_PACKAGE_ROOT = Path(__file__).resolve().parents[2]
_BOOT = (
    "import sys; sys.path.insert(0, sys.argv[1]);"
    "from importlib import import_module;"
    "sys.exit(import_module('headform.io.' + sys.argv[2]).main(*sys.argv[3:]))"
)


def ask(module: str, path: Path, memory_bytes: int, cpu_seconds: int, *, safe: str) -> bytes:
    """What `headform.io.<module>` answers about a file.

    Args:
        module: Its `main` takes the memory in bytes, the processor time in seconds and the path.
        path: The file.
        memory_bytes: Address space of the process.
        cpu_seconds: Its processor time; it may take twice that and half a minute by the clock.
        safe: Advice for a file that is refused.

    Raises:
        WeightsError: `unsafe_pickle` for what is refused or exceeds the limits; `weights_damaged`;
            `weights_missing`.
        ResourceError: `no_process`.
    """
    arguments = [str(memory_bytes), str(cpu_seconds), str(path.absolute())]
    where = repr(str(path))
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and our own module
            [sys.executable, "-I", "-c", _BOOT, str(_PACKAGE_ROOT), module, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            timeout=2 * cpu_seconds + 30,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        what = "reading it takes more time than it may"
        raise WeightsError("unsafe_pickle", what, where, safe) from error
    except OSError as error:
        raise ResourceError("no_process", f"cannot start a process: {error}") from error
    if done.returncode == 0:
        return done.stdout
    raise _failure(done, where, safe)


def _failure(done: "subprocess.CompletedProcess[bytes]", where: str, safe: str) -> WeightsError:
    """What the exit of the process says, as an error of ours."""
    kind, what = "refused", ""
    if done.returncode == FAILED:
        try:
            answer = json.loads(done.stdout)
            kind, what = str(answer["kind"]), str(answer["what"])
        except (ValueError, LookupError, TypeError):
            pass
    elif done.returncode < 0:
        what = f"more than its limits allow (signal {-done.returncode})"
    else:
        what = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
    if kind == "refused":
        what = f"the file asks for {what or 'something that ended the reader'}"
        return WeightsError("unsafe_pickle", what, where, safe)
    code = "weights_missing" if kind == "missing" else "weights_damaged"
    return WeightsError(code, what, where, "get the file again")
