"""SIGTERM and SIGINT as a question that the training loop asks between two steps."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


class StopSignal:
    """Whether somebody has asked the process to end; see `watched`."""

    def __init__(self) -> None:
        self.asked = False


@contextlib.contextmanager
def watched() -> Iterator[StopSignal]:
    """Inside, the first SIGTERM or SIGINT is only remembered; a second one acts as it always did.

    The old handlers are put back at the end. Outside the main thread, where Python delivers no
    signals, nothing is watched.
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
