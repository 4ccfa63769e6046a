"""Out of memory, threads or processes: one line with the limit and exit code 6, however a library reports it."""

import errno
import os
import resource
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch

from headform.cli import main as command_line
from headform.cli import shortage
from headform.cli.shortage import explain_shortage
from headform.errors import FaceError, ResourceError, WeightsError

LIMIT = 400_000_000
"""Bytes in which Python starts and torch does not."""


def raised(error: BaseException, cause: BaseException | None = None) -> BaseException:
    error.__cause__ = cause
    return error


def real_numpy() -> BaseException:
    with pytest.raises(MemoryError) as caught:
        np.zeros(1 << 58, np.uint8)
    return caught.value


def real_torch() -> BaseException:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 58, dtype=torch.uint8)
    return caught.value


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (MemoryError(), "out_of_memory"),
        (real_numpy(), "out_of_memory"),
        (real_torch(), "out_of_memory"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "out_of_memory"),
        (ImportError("libtorch_cpu.so: failed to map segment from shared object"), "out_of_memory"),
        (OSError("Could not find/load shared object file 'libllvmlite.so'"), "out_of_memory"),
        (RuntimeError("std::bad_alloc"), "out_of_memory"),
        (RuntimeError("can't start new thread"), "out_of_threads"),
        (BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"), "out_of_threads"),
        (raised(WeightsError("weights_damaged", "damaged"), MemoryError()), "out_of_memory"),
        (raised(ImportError("numpy could not be imported"), MemoryError()), "out_of_memory"),
    ],
)
def test_is_recognized(error, code) -> None:
    found = explain_shortage(error)
    assert found.code == code
    assert found.exit_code == 6
    assert found.hint


@pytest.mark.parametrize(
    "error",
    [
        None,
        ValueError("x"),
        ImportError("no module named torch"),
        FaceError("no_face", "no face was found"),
        KeyboardInterrupt(),
        ResourceError("write_failed", "cannot write: no space left on device"),
    ],
)
def test_other_errors_are_left_alone(error) -> None:
    assert explain_shortage(error) is None


def test_names_the_limit(monkeypatch) -> None:
    monkeypatch.setattr(shortage, "address_space_limit", lambda: 1_024_000_000)
    assert "limited to 1.02 GB" in explain_shortage(MemoryError()).message
    assert "ulimit -v" in explain_shortage(MemoryError()).hint
    monkeypatch.setattr(shortage, "address_space_limit", lambda: None)
    monkeypatch.setattr(shortage, "container_limit", lambda: 2_000_000_000)
    assert "this container is limited to 2.00 GB" in explain_shortage(MemoryError()).message


def test_a_panic_under_a_small_limit_is_put_down_to_it(monkeypatch) -> None:
    class PanicException(BaseException):
        """As raised by libraries in Rust."""

    monkeypatch.setattr(shortage, "address_space_limit", lambda: 1_024_000_000)
    found = explain_shortage(PanicException("PyObject pointer is null"))
    assert found.code == "out_of_memory"
    assert "PyObject pointer is null" in found.message
    assert explain_shortage(FaceError("no_face", "no face was found")) is None


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")])
def test_the_command_line_tells_it(monkeypatch, capsys, error) -> None:
    def run(words):
        raise error

    monkeypatch.setattr(command_line, "_run", run)
    assert command_line.main(["heads", "list"]) == 6
    assert capsys.readouterr().err.startswith("error [out_of_memory]: not enough memory")


def limited(repository, *words: str, script: str | None = None, limit: int = LIMIT) -> subprocess.CompletedProcess[str]:
    """Run the program, or a script in its place, with a limited address space."""
    start = ["-m", "headform", *words] if script is None else ["-c", script]
    return subprocess.run(
        [sys.executable, *start],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=os.environ | {"PYTHONPATH": str(repository / "src")},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )


def test_libraries_that_cannot_be_loaded(repository) -> None:
    done = limited(repository, "heads", "list")
    assert (done.returncode, done.stdout) == (6, "")
    assert done.stderr.startswith("error [out_of_memory]: not enough memory: this process is limited to 0.40 GB")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("limit", [900_000, 950_000, 1_000_000])
def test_no_library_waits_for_ever_or_prints_its_own_traceback(repository, limit) -> None:
    done = limited(repository, "heads", "inspect", "open", limit=limit << 10)
    assert done.returncode in (0, 6)
    assert done.returncode == 0 or done.stderr.startswith("error [out_of_memory]")
    assert "panicked" not in done.stderr


def test_help_and_usage_errors_need_little(repository) -> None:
    assert limited(repository, "--help").stdout.startswith("usage: headform")
    assert limited(repository, "nonsense").returncode == 2


WATCHED = """
import os, signal, sys
from headform.cli.watched import fork_if_limited
code = fork_if_limited()
if code is None:
    {end}
sys.exit(code)
"""


@pytest.mark.parametrize(
    ("end", "code", "told"),
    [
        ("os.abort()", 6, "(SIGABRT)"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", 6, "(SIGSEGV)"),
        ("os._exit(1)", 6, "(exit code 1)"),
        ("sys.exit(0)", 0, ""),
        ("sys.exit(5)", 5, ""),
        ("os.kill(os.getppid(), signal.SIGTERM); signal.pause()", -signal.SIGTERM, ""),
        ("os.kill(os.getpid(), signal.SIGINT)", -signal.SIGINT, "KeyboardInterrupt"),
    ],
)
def test_a_library_that_ends_the_process_is_told(repository, end, code, told) -> None:
    done = limited(repository, script=WATCHED.format(end=end))
    assert done.returncode == code
    assert told in done.stderr
    assert ("out_of_memory" in done.stderr) == (code == 6)


def test_without_a_limit_nothing_is_forked(monkeypatch) -> None:
    from headform.cli import watched

    monkeypatch.setattr(watched, "address_space_limit", lambda: None)
    monkeypatch.setattr(watched.os, "fork", None)
    assert watched.fork_if_limited() is None
