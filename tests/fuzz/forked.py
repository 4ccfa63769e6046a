"""The child process of foreign files as a fork of this one: its start takes milliseconds, not a fifth of a second.

Everything else is as in the program: the request, the limits, the answer, and what is said when the child dies.
"""

import io
import os
import signal
import sys
from typing import Any

from headform.io import _child, _sandbox


class Forked:
    """What `headform.io._child` uses of `subprocess.Popen`."""

    def __init__(self, command: Any, **_: Any) -> None:
        asked, answer = os.pipe(), os.pipe()
        self._status: int | None = None
        self._pid = os.fork()
        if not self._pid:
            status = 1
            try:
                signal.setitimer(signal.ITIMER_REAL, 0)
                os.dup2(asked[0], 0)
                os.dup2(answer[1], 1)
                for end in (*asked, *answer):
                    os.close(end)
                sys.stdin = io.TextIOWrapper(os.fdopen(0, "rb"))
                sys.stdout = io.TextIOWrapper(os.fdopen(1, "wb"))
                status = _sandbox.main()
                sys.stdout.flush()
            finally:
                os._exit(status)
        os.close(asked[0])
        os.close(answer[1])
        self.stdin, self.stdout = os.fdopen(asked[1], "wb"), os.fdopen(answer[0], "rb")

    def __enter__(self) -> "Forked":
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self.stdout.close()
        self.wait()

    def kill(self) -> None:
        if self._status is None:
            os.kill(self._pid, signal.SIGKILL)

    def wait(self) -> int:
        if self._status is None:
            self._status = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        return self._status


def use_forks() -> None:
    """Let `headform.io._child` fork, and import beforehand what its readers import."""
    import bz2
    import lzma

    import h5py
    import scipy.io
    import scipy.sparse

    from headform.io import _hdf5_reader, _mat_reader, _pickle_reader, _torch_reader

    assert all((bz2, lzma, h5py, scipy.io, scipy.sparse, _hdf5_reader, _mat_reader, _pickle_reader, _torch_reader))
    _child.subprocess.Popen = Forked  # type: ignore[misc,assignment]
