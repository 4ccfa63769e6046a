"""`headform`: parse the command line, run one command, report its failure as one line and an exit code."""

import io
import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import tyro

import headform
from headform import errors
from headform.cli.contact_sheet import ContactSheet
from headform.cli.evaluate import Evaluate
from headform.cli.export import Export
from headform.cli.heads import Heads
from headform.cli.interrupt import is_interrupt
from headform.cli.message import error_line
from headform.cli.reconstruct import Reconstruct
from headform.cli.synth import Synth
from headform.cli.train import Train
from headform.cli.weights_convert import Weights
from headform.io.printable import printable_streams

_Command = (
    Annotated[Reconstruct, tyro.conf.subcommand("reconstruct")]
    | Heads
    | Annotated[Synth, tyro.conf.subcommand("synth")]
    | Train
    | Evaluate
    | Annotated[Export, tyro.conf.subcommand("export")]
    | Annotated[ContactSheet, tyro.conf.subcommand("contact-sheet")]
    | Weights
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code of the contract (`headform.errors`).

    Args:
        arguments: command line after `headform`; by default that of the process.

    Raises:
        SystemExit: from the parser: 0 after `--help`, 2 for unknown arguments.
        Exception: anything but a `HeadformError` is a bug and passes with its traceback (exit code 1).
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors in ("strict", "surrogateescape"):
        sys.stdout.reconfigure(errors="backslashreplace")  # names need not be text, nor ° be in the terminal's encoding
    if words == ["--version"]:
        print(f"headform {headform.__version__}")
        return errors.SUCCESS
    command = tyro.cli(
        _Command,  # type: ignore[arg-type]
        prog="headform",
        description="Turn a photo of a face into a textured, animatable 3D head.",
        args=words,
        config=(tyro.conf.OmitSubcommandPrefixes, tyro.conf.FlagCreatePairsOff),
    )
    with printable_streams():
        return _run(command)


def _run(command: Any) -> int:
    try:
        code: int = command.run()
        sys.stdout.flush()
    except errors.HeadformError as error:
        print(error_line(error), file=sys.stderr)
        return error.exit_code
    except (KeyboardInterrupt, SystemError) as error:
        if not is_interrupt(error):
            raise
        print("interrupted", file=sys.stderr)
        return errors.INTERRUPTED
    except BrokenPipeError:  # the reader went away, as in `headform heads list | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return errors.SUCCESS
    return code
