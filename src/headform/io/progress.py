"""Progress of long commands: a bar on a terminal, plain lines elsewhere; results on stdout, errors on stderr."""

import sys
from collections.abc import Callable
from typing import Any, TypeVar

from headform.io.printable import bare, printable

_B = TypeVar("_B", bound="_Bar")


class _Bar:
    """Progress bar on stderr, used as a context; hidden unless `shown` and stderr is a terminal. Lines go above it.

    Args:
        total: Full length of the bar.
        counts: Format of the counts for rich, such as "{task.completed}/{task.total}".
        counts_first: True to put the counts before the bar.
        shown: False to hide the bar.
    """

    def __init__(self, total: float, counts: str, *, counts_first: bool, shown: bool) -> None:
        self._bar = None
        if not (shown and sys.stderr.isatty()):
            return
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        columns = [BarColumn(), TextColumn(counts)]
        columns = columns[::-1] if counts_first else columns
        # lines for a pipe go to the pipe, not above the bar
        self._bar = Progress(
            *columns,
            TimeRemainingColumn(),
            TextColumn("{task.description}"),
            console=Console(file=bare(sys.stderr), highlight=False),
            redirect_stdout=sys.stdout.isatty(),
        )
        self._task = self._bar.add_task("", total=total)

    def _update(self, description: str | None = None, **changed: Any) -> None:
        if self._bar is not None:
            from rich.markup import escape

            text = None if description is None else escape(printable(description))
            self._bar.update(self._task, description=text, **changed)

    def __enter__(self: _B) -> _B:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()


class BatchProgress(_Bar):
    """Progress over inputs, with a line for each outcome.

    Args:
        total: Number of inputs; no bar is drawn for one.
        quiet: True to draw the bar only, without lines.
    """

    def __init__(self, total: int, *, quiet: bool = False) -> None:
        super().__init__(float(total), "{task.completed:.0f}/{task.total:.0f}", counts_first=False, shown=total > 1)
        self._total, self._done, self._quiet = total, 0, quiet

    def begin(self, name: str) -> None:
        """Show the name of the input that is being processed."""
        self._update(name)

    def end(self, line: str, *, failed: bool = False, json: str | None = None) -> None:
        """Print the outcome of an input; `json` replaces the line on stdout."""
        self._done += 1
        self._update(advance=1)
        if self._quiet:
            return
        count = f"[{self._done}/{self._total}] " if self._total > 1 else ""
        line = printable(line)  # a bar takes lines past the streams that escape
        if json is not None:
            print(json, flush=True)
        elif not failed:
            print(count + line, flush=True)
        if failed:
            print(count + line, file=sys.stderr, flush=True)


class TrainingProgress(_Bar):
    """Progress of a training run.

    Args:
        total: Steps or minutes, whichever the run is measured in.
        unit: Unit of `total`, ``steps`` or ``minutes``.
        log: Receiver of the lines in place of stdout; hides the bar.
        silent: True to show nothing, in all processes but the first.
    """

    def __init__(
        self, total: float, unit: str, *, log: Callable[[str], None] | None = None, silent: bool = False
    ) -> None:
        counts = "{task.completed:.6g}/{task.total:.6g} " + unit
        super().__init__(total, counts, counts_first=True, shown=not silent and log is None)
        self._log, self._silent = log, silent

    def advance(self, done: float, loss: float | None = None) -> None:
        """Move the bar to `done` steps or minutes."""
        self._update("" if loss is None else f"loss {loss:.4g}", completed=done)

    def line(self, text: str) -> None:
        """Show a line of text."""
        if self._silent:
            return
        if self._log is not None:
            self._log(text)
        else:
            print(printable(text), flush=True)
