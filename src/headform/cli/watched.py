"""A command under a limit of memory, in a child process: libraries that end the process there do not end it silently.

LLVM, OpenBLAS and the C++ run time abort when they get no memory; no exception is raised that could be reported. So where
the address space is limited, the command runs in a fork that is made before anything large is loaded, and this process
reports how it ended.
"""

import atexit
import ctypes
import os
import signal
import sys

from headform.cli.message import error_line
from headform.cli.room import keep_room
from headform.cli.shortage import address_space_limit, memory_shortage

_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PR_SET_PDEATHSIG = 1


def fork_if_limited() -> int | None:
    """Fork where the address space is limited.

    Returns:
        In the parent the exit code of the child, once it has ended; None in the child, and where nothing is limited.
    """
    if address_space_limit() is None or not hasattr(signal, "sigwaitinfo"):
        return None
    waited_for = {*_PASSED_ON, signal.SIGCHLD}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, waited_for)
    parent = os.getpid()
    end, done = os.pipe()
    os.set_blocking(end, False)
    try:
        child = os.fork()
    except OSError:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return None
    if child == 0:
        _end_with_parent(parent)
        atexit.register(os.write, done, b".")  # runs when Python ends, not when a library ends the process
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        keep_room()
        return None
    while True:
        came = signal.sigwaitinfo(waited_for)
        if came.si_signo == signal.SIGCHLD:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                break
        elif came.si_code <= 0:  # from another process; the terminal's reach the child by themselves
            os.kill(child, came.si_signo)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    try:
        whole = bool(os.read(end, 1))
    except BlockingIOError:  # a grandchild holds the other end
        whole = False
    return _exit_code(os.waitstatus_to_exitcode(status), whole)


def _exit_code(code: int, whole: bool) -> int:
    """Return the exit code for the child's, which is minus the signal that ended it; `whole` if Python came to its end."""
    if code in (-signal.SIGINT, -signal.SIGTERM, -signal.SIGHUP):
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    if whole:
        return code if code >= 0 else 128 - code
    by = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    ended = memory_shortage(f"; a library ended the process ({by})")
    print(error_line(ended), file=sys.stderr)
    return ended.exit_code


def _end_with_parent(parent: int) -> None:
    """Let the system kill this process when its parent is killed."""
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    except (OSError, AttributeError):
        return
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
