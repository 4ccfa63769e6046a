"""`headform heads`: list, inspect, convert and fit head models, and build the open head."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import arg, subcommand

from headform import errors
from headform.cli.heads_convert import Convert
from headform.cli.heads_fit import Fit
from headform.cli.heads_inspect import Inspect, head_counts


@dataclass(frozen=True)
class List:
    """List the built-in head models and the third-party kinds that can be converted."""

    def run(self) -> int:
        """Print one line per model."""
        from headform import heads
        from headform.importers.registry import MODULES

        head = heads.load_open()
        counts = ", ".join(f"{count} {what}" for what, count in head_counts(head).items())
        print(f"{head.name}: {counts}; {head.license}")
        print()
        print("Kinds that `headform heads convert` reads, each under its publisher's license:")
        for kind, (_, what) in MODULES.items():
            print(f"  {kind:14} {what}")
        return errors.SUCCESS


@dataclass(frozen=True)
class BuildOpen:
    """Build the open head from ICT-FaceKit Light; the same source gives the same bytes."""

    ict: Path
    """all_modes.npz, the folder that holds it, or ICT-FaceKit's folder of OBJ files."""
    out: Annotated[Path, arg(aliases=("-o",))] = Path("open_head.safetensors")
    """Output file; its model card is written beside it as .json."""

    def run(self) -> int:
        """Build, and print size and digest."""
        from headform import heads
        from headform.openhead.builder import build

        build(self.ict, self.out)
        head = heads.load(self.out)
        size = self.out.stat().st_size / 2**20
        print(f"{self.out}: {size:.1f} MiB, SHA-256 {head.sha256}")
        return errors.SUCCESS


Heads = Annotated[
    Annotated[List, subcommand("list")]
    | Annotated[Inspect, subcommand("inspect")]
    | Annotated[Convert, subcommand("convert")]
    | Annotated[Fit, subcommand("fit")]
    | Annotated[BuildOpen, subcommand("build-open")],
    subcommand("heads", description="Head models: list, inspect, convert, fit, build."),
]
