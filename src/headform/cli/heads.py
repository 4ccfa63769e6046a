"""`headform heads`: what head models there are, what is in one, and how the open head is built.

No arrays here, hence no letters.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, arg, subcommand

from headform import errors

if TYPE_CHECKING:
    from headform.heads import LinearHead


@dataclass(frozen=True)
class List:
    """List the head models that `--head` knows by name."""

    def run(self) -> int:
        """Print one line per model."""
        from headform import heads

        head = heads.load_open()
        counts = ", ".join(f"{count} {what}" for what, count in head_counts(head).items())
        print(f"{head.name}: {counts}; {head.licence}")
        return errors.SUCCESS


@dataclass(frozen=True)
class Inspect:
    """Say what a head file holds, after checking that it is sound."""

    file: Positional[str]
    """A file made by `headform heads build-open`, or the name open."""
    json: bool = False
    """Print JSON."""

    def run(self) -> int:
        """Print name, licence, digest, counts, size and names."""
        from headform import heads

        head = heads.load_open() if self.file == "open" else heads.load(Path(self.file))
        low, high = head.mean.min(0).values, head.mean.max(0).values
        facts: dict[str, object] = {
            "name": head.name,
            "licence": head.licence,
            "sha256": head.sha256,
            **{what.replace(" ", "_"): count for what, count in head_counts(head).items()},
            "size_mm": [round(1000 * float(side), 1) for side in high - low],
            "regions": list(head.regions),
            "expressions": list(head.expression_names),
        }
        if self.json:
            print(json.dumps(facts))
            return errors.SUCCESS
        for name, value in facts.items():
            shown = " ".join(str(v) for v in value) if isinstance(value, list) else value
            print(f"{name.replace('_', ' ')}: {shown}")
        return errors.SUCCESS


@dataclass(frozen=True)
class BuildOpen:
    """Build the open head from ICT-FaceKit Light; the same source gives the same bytes."""

    ict: Path
    """all_modes.npz, the folder that holds it, or ICT-FaceKit's folder of OBJ files."""
    out: Annotated[Path, arg(aliases=("-o",))] = Path("open_head.safetensors")
    """The file to write; its card goes beside it, ending in .json."""

    def run(self) -> int:
        """Build and say where it is."""
        from headform import heads

        heads.build_open(self.ict, self.out)
        head = heads.load(self.out)
        size = self.out.stat().st_size / 2**20
        print(f"{self.out}: {size:.1f} MiB, SHA-256 {head.sha256}")
        return errors.SUCCESS


Heads = Annotated[
    Annotated[List, subcommand("list")]
    | Annotated[Inspect, subcommand("inspect")]
    | Annotated[BuildOpen, subcommand("build-open")],
    subcommand("heads", description="Head models: list, inspect, build."),
]


def head_counts(head: "LinearHead") -> dict[str, int]:
    """The sizes of a head by what they count."""
    return {
        "vertices": len(head.mean),
        "triangles": len(head.faces),
        "identity modes": len(head.identity),
        "expression shapes": len(head.expression),
        "albedo modes": len(head.albedo),
        "dense points": len(head.dense),
    }
