"""One thread for the linear algebra of small systems.

NumPy's and SciPy's own threads only wait for each other on a few hundred rows. Their number is a setting of the whole
process, which OpenBLAS takes from the main thread alone: fits in other threads leave it as it is, so that nothing has to be
put back across threads.
"""

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import ThreadpoolController


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Hold the linear algebra to one thread while the main thread is inside."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    with _controller().limit(limits=1, user_api="blas"):
        yield


@functools.cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()
