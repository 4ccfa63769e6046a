"""Limit of BLAS to one thread for small linear systems.

On a few hundred rows BLAS threads only wait for each other, and after a product OpenBLAS's go on waiting for the next,
busily and for tens of milliseconds, on cores that other threads need. Their number is a setting of the whole process, which
OpenBLAS accepts from the main thread alone; in other threads it stays unchanged, so that nothing has to be restored across
threads.
"""

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import ThreadpoolController


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Limit BLAS to one thread inside the context, if the main thread enters it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    with _controller().limit(limits=1, user_api="blas"):
        yield


@functools.cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()
