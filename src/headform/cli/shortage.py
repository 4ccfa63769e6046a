"""Shortage of memory, threads or processes: recognized however a library reports it, and told with the limit in force."""

import errno
import os
import resource
import threading
from collections.abc import Iterator
from pathlib import Path

from headform.errors import HeadformError, ResourceError

ENOUGH_BYTES = 3_000_000_000
"""Address space that every command gets by with on small inputs; under a smaller limit, unforeseen errors are its doing."""
_NEAR = 0.9
"""Share of a limit that was in use when an unforeseen error is put down to it."""
_CGROUPS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
_UNLIMITED_BYTES = 1 << 50
"""Control groups without a limit report huge numbers."""
_MEMORY = (
    "allocate memory",
    "allocation still failed",
    "bad_alloc",
    "could not find/load shared object",
    "failed to map segment",
    "memory allocation",
    "not enough memory",
    "out of memory",
    "unable to allocate",
)
"""Messages of the dynamic loader, torch, numpy, OpenBLAS, LLVM and CUDA, in lower case."""
_THREADS = ("can't start new thread", "pthread_create", "resource temporarily unavailable", "failed to create thread")


def address_space_limit() -> int | None:
    """Return the bytes that ``ulimit -v`` or ``ulimit -d`` allow this process, None without a limit."""
    found = [
        soft
        for soft in (resource.getrlimit(kind)[0] for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA))
        if soft != resource.RLIM_INFINITY
    ]
    return min(found, default=None)


def container_limit() -> int | None:
    """Return the bytes of memory that this process's control group may use, None without a limit."""
    for path in _CGROUPS:
        try:
            text = Path(path).read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            continue
        return int(text) if text.isdigit() and int(text) < _UNLIMITED_BYTES else None
    return None


def memory_bytes() -> tuple[int, int] | None:
    """Return memory of the machine and what of it is available, bytes; None where the system does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        sizes = {line.split(":")[0]: 1024 * int(line.split()[1]) for line in lines}
        return sizes["MemTotal"], sizes["MemAvailable"]
    except (OSError, ValueError, KeyError, IndexError):
        return None


def explain_shortage(error: BaseException | None) -> ResourceError | None:
    """Translate an exception that a shortage has caused; None for any other.

    Args:
        error: Exception of any library; the exceptions that it follows from are looked at as well.
    """
    if error is None:
        return None
    chain = list(_chain(error))
    for each in chain:
        if isinstance(each, ResourceError):
            return None if isinstance(error, ResourceError) else each
        if isinstance(each, MemoryError) or (isinstance(each, OSError) and each.errno == errno.ENOMEM):
            return memory_shortage()
        if isinstance(each, HeadformError):
            continue
        text = str(each).lower()
        if any(part in text for part in _THREADS) or (isinstance(each, OSError) and each.errno == errno.EAGAIN):
            return _thread_shortage()
        if any(part in text for part in _MEMORY):
            return memory_shortage()
    if isinstance(error, (HeadformError, KeyboardInterrupt)) or not _is_tight():
        return None
    return memory_shortage(f" ({type(error).__name__}: {error})"[:200])


def explain_interrupt() -> ResourceError | None:
    """Tell whether an interrupt came from OpenBLAS, which raises SIGINT in its own process where it gets no threads."""
    threads: list[threading.Thread] = []
    stop = threading.Event()
    try:
        for _ in range(os.cpu_count() or 1):
            threads.append(threading.Thread(target=stop.wait))
            threads[-1].start()
    except (RuntimeError, MemoryError):
        threads.pop()
        return _thread_shortage()
    finally:
        stop.set()
        for each in threads:
            each.join()
    return None


def memory_shortage(detail: str = "") -> ResourceError:
    """Return the error for lack of memory, which names the limit in force."""
    limit, container, machine = address_space_limit(), container_limit(), memory_bytes()
    if limit is not None:
        what = f"not enough memory: this process is limited to {gigabytes(limit)} of address space{detail}"
        hint = f"raise the limit to {gigabytes(ENOUGH_BYTES)} or more (`ulimit -v unlimited`), or use smaller inputs"
        return ResourceError("out_of_memory", what, "ulimit -v", hint)
    hint = "use smaller photos, meshes or batches, or a machine with more memory"
    if container is not None:
        what = f"not enough memory: this container is limited to {gigabytes(container)}{detail}"
        return ResourceError("out_of_memory", what, "", hint)
    free = "" if machine is None else f": {gigabytes(machine[1])} of {gigabytes(machine[0])} are available"
    return ResourceError("out_of_memory", f"not enough memory{free}{detail}", "", hint)


def gigabytes(count: int) -> str:
    """Format a number of bytes in gigabytes."""
    return f"{count / 1e9:.2f} GB"


def _thread_shortage() -> ResourceError:
    soft, _ = resource.getrlimit(resource.RLIMIT_NPROC)
    if address_space_limit() is not None and _is_tight():
        return memory_shortage()  # a thread's stack is address space
    allowed = "" if soft == resource.RLIM_INFINITY else f": this user may have {soft} processes and threads"
    hint = "raise the limit (`ulimit -u`), or use fewer threads: OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1"
    return ResourceError("out_of_threads", f"no thread or process can be started{allowed}", "ulimit -u", hint)


def _is_tight() -> bool:
    """Return True if the address space is limited, and little or nearly used up."""
    limit = address_space_limit()
    if limit is None:
        return False
    if limit < ENOUGH_BYTES:
        return True
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8", errors="replace")
        peak = next(1024 * int(line.split()[1]) for line in status.splitlines() if line.startswith("VmPeak"))
    except (OSError, ValueError, StopIteration, IndexError):
        return False
    return peak > _NEAR * limit


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and those that it follows from."""
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        yield each
        each = each.__cause__ or each.__context__
