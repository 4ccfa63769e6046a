"""Thread pool for compiled kernels that release the GIL: as many threads as torch may use."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Lock, local
from typing import Any, TypeVar

import torch

_T = TypeVar("_T")
_pools: dict[int, ThreadPoolExecutor] = {}
_lock = Lock()
_begun = local()


def run_all(call: Callable[..., Any], tasks: Sequence[tuple[Any, ...]]) -> None:
    """Call ``call(*task)`` for every task, on at most `torch.get_num_threads()` threads; returns when all are done.

    The assignment of tasks to threads is arbitrary, so tasks must not write to shared memory. The first exception is raised.
    """
    threads = 1 if getattr(_begun, "here", False) else min(torch.get_num_threads(), len(tasks))
    if threads <= 1:
        for task in tasks:
            call(*task)
        return
    queue = iter(tasks)  # next() on a list's iterator is atomic

    def drain() -> None:
        for task in queue:
            call(*task)

    pool = _pool(threads - 1)
    others = [pool.submit(drain) for _ in range(threads - 1)]
    try:
        drain()
    finally:
        for other in others:
            if not other.cancel():  # one that has not begun, behind what holds its thread, has nothing left to do
                other.result()


def begin(call: Callable[..., _T], *args: Any) -> Callable[[], _T]:
    """Begin ``call(*args)`` on another thread, and return the function that waits for its result or raises its exception.

    With one thread, or where all are busy until then, the call is made when the result is asked for. It is made once for all
    who ask: calls that are begun later may, too. What is called has this one thread to itself: it begins nothing else, and
    `run_all` within it runs there alone, since all others may wait for it.
    """
    if torch.get_num_threads() <= 1 or getattr(_begun, "here", False):
        return _once(partial(call, *args))
    begun = _pool(torch.get_num_threads() - 1).submit(_alone, call, *args)
    # a task of `run_all` that waits for what lies behind itself in the pool would wait for ever
    return _once(lambda: call(*args) if begun.cancel() else begun.result())


def _once(call: Callable[[], _T]) -> Callable[[], _T]:
    """Return a function that calls once, whoever asks for the result, from any thread."""
    lock, found = Lock(), list[_T]()

    def result() -> _T:
        with lock:
            if not found:
                found.append(call())
            return found[0]

    return result


def _alone(call: Callable[..., _T], *args: Any) -> _T:
    _begun.here = True
    try:
        return call(*args)
    finally:
        _begun.here = False


def _pool(threads: int) -> ThreadPoolExecutor:
    with _lock:
        if threads not in _pools:
            _pools[threads] = ThreadPoolExecutor(threads, thread_name_prefix="headform-graph")
        return _pools[threads]


def _forget() -> None:
    """Reset the pools in a forked child, which has none of its parent's threads."""
    global _lock
    _lock = Lock()
    _pools.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
