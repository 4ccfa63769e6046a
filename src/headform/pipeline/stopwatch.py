"""Seconds of the stages of a reconstruction."""

import time
from collections.abc import Mapping


class Stopwatch:
    """Seconds by stage; the duration of a stage shared by several faces is divided among them."""

    def __init__(self, seconds: Mapping[str, float] | None = None) -> None:
        self.seconds = dict(seconds or {})
        self.restart()

    def restart(self) -> None:
        """Begin the next stage now."""
        self._since = time.perf_counter()

    def lap(self, stage: str, shares: int = 1) -> None:
        """End a stage and begin the next."""
        now = time.perf_counter()
        self.seconds[stage] = (now - self._since) / max(1, shares)
        self._since = now

    def copy(self) -> "Stopwatch":
        """Copy the seconds so far; the copy's next stage begins now."""
        return Stopwatch(self.seconds)
