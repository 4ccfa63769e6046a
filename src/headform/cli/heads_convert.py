"""`headform heads convert`: a publisher's model as one safetensors file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, UseAppendAction, arg

from headform import errors


@dataclass(frozen=True)
class Convert:
    """Read a head model from its publisher's file, executing nothing in it, and write it as safetensors."""

    source: Positional[Path]
    """The model as distributed: a file, or for ICT and FaceWarehouse a folder."""
    out: Annotated[Path, arg(aliases=("-o",))]
    """The .safetensors file to write."""
    kind: str | None = None
    """What the file is (`headform heads list` names the kinds); found out if not given."""
    with_: Annotated[UseAppendAction[tuple[Path, ...]], arg(name="with")] = ()
    """A further file of the same model (landmarks, masks, expressions, texture); may be given several times."""
    overwrite: bool = False
    """Replace a file that is there."""

    def run(self) -> int:
        """Convert, and print what was found."""
        from headform.cli.heads_inspect import head_facts, print_facts
        from headform.heads import head_file, load
        from headform.importers.registry import convert

        if self.out.suffix != ".safetensors":
            what = f"{self.out.name} does not end in .safetensors"
            raise errors.UsageError("out_suffix", what, "-o", "name the output like head.safetensors")
        if not self.overwrite and is_there(self.out):
            what = "there is such a file already"
            raise errors.UsageError("out_exists", what, str(self.out), "give --overwrite or another -o")
        if not is_there(self.out.parent):
            what = f"there is no folder {self.out.parent}"
            raise errors.ResourceError("write_failed", what, str(self.out), "make the folder first")
        head_file.write(convert(self.source, self.kind, self.with_), self.out)
        print_facts(head_facts(load(self.out)))
        print(f"written: {self.out} ({self.out.stat().st_size / 2**20:.1f} MiB)")
        return errors.SUCCESS


def is_there(path: Path) -> bool:
    """Whether a path leads to something; False also for one that the system cannot look up."""
    try:
        return path.exists()
    except OSError:  # a name that is too long
        return False
