"""A progress bar on a terminal, plain lines elsewhere; results on stdout, failures on stderr."""

import sys
from types import TracebackType


class Progress:
    """Counts inputs and prints lines without tearing the bar; used as a context.

    Args:
        total: How many inputs there are; with one, or where stderr is no terminal, no bar is drawn.
        quiet: Print no lines, only draw the bar.
    """

    def __init__(self, total: int, *, quiet: bool = False) -> None:
        self._total, self._done, self._quiet = total, 0, quiet
        self._bar = None
        if total > 1 and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            columns = (
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.description}"),
            )
            console = Console(stderr=True, highlight=False)
            # Lines for a pipe must go into the pipe, not above the bar.
            self._bar = Bar(*columns, console=console, redirect_stdout=sys.stdout.isatty())
            self._task = self._bar.add_task("", total=total)

    def __enter__(self) -> "Progress":
        if self._bar is not None:
            self._bar.start()
        return self

    def begin(self, name: str) -> None:
        """Say what is being worked on."""
        if self._bar is not None:
            from rich.markup import escape

            self._bar.update(self._task, description=escape(name))

    def end(self, line: str, *, failed: bool = False, json: str | None = None) -> None:
        """Print the outcome of an input; `json` replaces the line on stdout."""
        self._done += 1
        if self._bar is not None:
            self._bar.advance(self._task)
        if self._quiet:
            return
        count = f"[{self._done}/{self._total}] " if self._total > 1 else ""
        if json is not None:
            print(json, flush=True)
        elif not failed:
            print(count + line, flush=True)
        if failed:
            print(count + line, file=sys.stderr, flush=True)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
