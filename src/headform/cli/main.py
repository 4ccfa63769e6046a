"""`headform`: parse the command line, run one command, turn its failure into one line and a code."""

import io
import os
import sys
from collections.abc import Sequence
from typing import Annotated

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
        arguments: The words after `headform`; None takes them from the shell.

    Raises:
        SystemExit: From the parser: 0 after `--help`, 2 for words it does not know.
        Exception: Whatever is not a `HeadformError` is a fault of the program and passes with its
            traceback, so that the shell sees exit code 1.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")  # file names need not be text
    if words == ["--version"]:
        print(f"headform {headform.__version__}")
        return errors.SUCCESS
    command = tyro.cli(
        _Command,  # type: ignore[arg-type]
        prog="headform",
        description="One photo of a face in, a textured, animatable 3D head out.",
        args=words,
        config=(tyro.conf.OmitSubcommandPrefixes, tyro.conf.FlagCreatePairsOff),
    )
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
