"""A pool whose faces are rendered in this process, once, when its workers start: no second copy of torch is loaded."""

from pathlib import Path
from typing import Any

import pytest

from headform.train import pool


class AtOnce:
    """In place of a process: renders one batch of its part of the ring, then does nothing."""

    exitcode = None

    def __init__(self, target: Any, args: tuple[Path, pool.PoolConfig, int], daemon: bool) -> None:
        assert target is pool._work
        self._args = args

    def start(self) -> None:
        next(pool.filled(*self._args))

    def terminate(self) -> None:
        self.exitcode = 0

    def join(self, timeout: float | None = None) -> None:
        pass


class Context:
    """In place of a multiprocessing context."""

    Process = AtOnce


def render_at_once(monkeypatch: pytest.MonkeyPatch, batch: int) -> None:
    """Let pools render `batch` faces per worker at their start, in this process."""
    monkeypatch.setattr(pool, "get_context", lambda _: Context)
    monkeypatch.setattr(pool, "_BATCH", batch)
