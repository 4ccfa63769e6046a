"""`headform`: parse the command line, run one command, report its failure as one line and an exit code.

Only the standard library is loaded before `main` runs, so that it can also report that the rest cannot be loaded.
"""

import io
import os
import sys
from collections.abc import Sequence

from headform import errors
from headform.cli.interrupt import is_interrupt
from headform.cli.message import error_line
from headform.cli.shortage import explain_interrupt, explain_shortage
from headform.cli.watched import fork_if_limited
from headform.io.printable import printable_streams


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code of the contract (`headform.errors`).

    Args:
        arguments: command line after `headform`; by default that of the process.

    Raises:
        SystemExit: from the parser: 0 after `--help`, 2 for unknown arguments.
        Exception: anything but a `HeadformError` or a shortage is a bug and passes with its traceback (exit code 1).
    """
    if arguments is None and (code := fork_if_limited()) is not None:
        return code
    words = list(sys.argv[1:] if arguments is None else arguments)
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors in ("strict", "surrogateescape"):
        sys.stdout.reconfigure(errors="backslashreplace")  # names need not be text, nor ° be in the terminal's encoding
    try:
        code = _run(words)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader went away, as in `headform heads list | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return errors.SUCCESS
    except SystemExit:
        raise
    except BaseException as error:  # Ctrl-C and the panics of libraries in Rust are no `Exception`
        with printable_streams():
            return _reported(error)
    return code


def _run(words: list[str]) -> int:
    if words == ["--version"]:
        import headform

        print(f"headform {headform.__version__}")
        return errors.SUCCESS
    from headform.cli.commands import parse

    command = parse(words)
    with printable_streams():
        return command.run()


def _reported(error: BaseException) -> int:
    """Print the line of an error and return its exit code; raise the error if it is a bug."""
    shortage = explain_interrupt() if is_interrupt(error) else explain_shortage(error)
    if shortage is None and is_interrupt(error):
        print("interrupted", file=sys.stderr)
        return errors.INTERRUPTED
    known = shortage or error
    if not isinstance(known, errors.HeadformError):
        raise error
    print(error_line(known), file=sys.stderr)
    return known.exit_code
