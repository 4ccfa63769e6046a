"""SIGTERM and SIGINT as a flag that the training loop polls between steps."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


class StopSignal:
    """Flag that is set when the process is asked to end; see `watched`."""

    def __init__(self) -> None:
        self.asked = False


@contextlib.contextmanager
def watched() -> Iterator[StopSignal]:
    """Record the first SIGTERM or SIGINT inside the context; a second one has its usual effect.

    The previous handlers are restored at the end. Outside the main thread, where Python delivers no
    signals, the context does nothing.
    """
    stop = StopSignal()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    old = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def put_back() -> None:
        for number, handler in old.items():
            signal.signal(number, handler)

    def remember(number: int, frame: FrameType | None) -> None:
        if stop.asked:
            put_back()
            signal.raise_signal(number)
        stop.asked = True

    for number in old:
        signal.signal(number, remember)
    try:
        yield stop
    finally:
        put_back()
