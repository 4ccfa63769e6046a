"""Thread pool for compiled kernels that release the GIL: as many threads as torch may use."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any

import torch

_pools: dict[int, ThreadPoolExecutor] = {}
_lock = Lock()


def run_all(call: Callable[..., Any], tasks: Sequence[tuple[Any, ...]]) -> None:
    """Call ``call(*task)`` for every task, on at most `torch.get_num_threads()` threads; returns when all are done.

    The assignment of tasks to threads is arbitrary, so tasks must not write to shared memory. The first exception is raised.
    """
    threads = min(torch.get_num_threads(), len(tasks))
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
            other.result()


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
