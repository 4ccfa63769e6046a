"""What a training run shows: a bar on a terminal, plain lines elsewhere."""

import sys
from collections.abc import Callable
from types import TracebackType


class TrainingProgress:
    """Used as a context; lines go above the bar.

    Args:
        total: Steps or minutes, whichever the run is measured in.
        unit: Its name.
        tell: Where lines go; None draws a bar where stderr is a terminal and prints lines.
        silent: Show nothing, as all processes but the first do.
    """

    def __init__(
        self,
        total: float,
        unit: str,
        *,
        tell: Callable[[str], None] | None = None,
        silent: bool = False,
    ) -> None:
        self._tell, self._silent, self._bar = tell, silent, None
        if silent or tell is not None or not sys.stderr.isatty():
            return
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.completed:.6g}/{task.total:.6g} " + unit),
            BarColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.description}"),
        )
        console = Console(stderr=True, highlight=False)
        self._bar = Progress(*columns, console=console, redirect_stdout=sys.stdout.isatty())
        self._task = self._bar.add_task("", total=total)

    def __enter__(self) -> "TrainingProgress":
        if self._bar is not None:
            self._bar.start()
        return self

    def advance(self, done: float, loss: float) -> None:
        """Move the bar to `done` steps or minutes."""
        if self._bar is not None:
            self._bar.update(self._task, completed=done, description=f"loss {loss:.4g}")

    def line(self, text: str) -> None:
        """Show a line of text."""
        if self._silent:
            return
        if self._tell is not None:
            self._tell(text)
        else:
            print(text, flush=True)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
