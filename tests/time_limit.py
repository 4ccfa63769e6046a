"""A generous limit of time for inputs that once took minutes or for ever: it tells a hang, it does not measure."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

SECONDS = 60


class TooLong(BaseException):
    """The limit is over; no Exception, so that nothing takes it for an error of the input."""


@contextmanager
def time_limit(seconds: float = SECONDS) -> Iterator[None]:
    """Raise `TooLong` in the main thread after so many seconds of wall-clock time."""

    def stop(*_: object) -> None:
        raise TooLong(f"longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
