"""Commands of `headform`, and the parser of their options."""

from collections.abc import Sequence
from typing import Annotated, Protocol, cast, runtime_checkable

import tyro

from headform.cli.contact_sheet import ContactSheet
from headform.cli.data import Data
from headform.cli.doctor import Doctor
from headform.cli.evaluate import Evaluate
from headform.cli.export import Export
from headform.cli.heads import Heads
from headform.cli.reconstruct import Reconstruct
from headform.cli.register import Register
from headform.cli.synth import Synth
from headform.cli.train import Train
from headform.cli.weights_convert import Weights


@runtime_checkable
class Command(Protocol):
    """Command with its options."""

    def run(self) -> int:
        """Run it; return the exit code."""


_Command = (
    Annotated[Reconstruct, tyro.conf.subcommand("reconstruct")]
    | Heads
    | Annotated[Register, tyro.conf.subcommand("register")]
    | Annotated[Synth, tyro.conf.subcommand("synth")]
    | Train
    | Data
    | Evaluate
    | Annotated[Export, tyro.conf.subcommand("export")]
    | Annotated[ContactSheet, tyro.conf.subcommand("contact-sheet")]
    | Weights
    | Annotated[Doctor, tyro.conf.subcommand("doctor")]
)


def parse(words: Sequence[str]) -> Command:
    """Parse a command line.

    Raises:
        SystemExit: 0 after `--help`, 2 for unknown arguments.
    """
    found = tyro.cli(
        _Command,  # type: ignore[arg-type]
        prog="headform",
        description="Turn a photo of a face into a textured, animatable 3D head.",
        args=words,
        config=(tyro.conf.OmitSubcommandPrefixes, tyro.conf.FlagCreatePairsOff),
    )
    return cast(Command, found)
