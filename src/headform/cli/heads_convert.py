"""`headform heads convert`: convert a publisher's model to one safetensors file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, UseAppendAction, arg

from headform import errors


@dataclass(frozen=True)
class Convert:
    """Convert a publisher's head model to safetensors, without executing any code in it."""

    source: Positional[Path]
    """Model as distributed: a file, or a folder for ICT and FaceWarehouse."""
    out: Annotated[Path, arg(aliases=("-o",))]
    """Output file (.safetensors)."""
    kind: str | None = None
    """Kind of the model (see `headform heads list`); detected by default."""
    with_: Annotated[UseAppendAction[tuple[Path, ...]], arg(name="with")] = ()
    """Further file of the same model (landmarks, masks, expressions, texture); may be given several times."""
    landmarks: Path | None = None
    """Landmarks of a model that comes without: points picked on its mean head (7, 51 or 68 rows of a .txt, .csv, .npy, or
    MeshLab's .pp), or as many vertex numbers. By default they are derived from the open head where they are absent."""
    overwrite: bool = False
    """Replace an existing file."""

    def run(self) -> int:
        """Convert, and print the facts of the model."""
        from headform.cli.heads_inspect import head_facts, print_facts
        from headform.heads import head_file, load
        from headform.importers.registry import convert
        from headform.registration.head_landmarks import completed

        if self.out.suffix != ".safetensors":
            what = f"{self.out.name} does not end in .safetensors"
            raise errors.UsageError("out_suffix", what, "-o", "name the output like head.safetensors")
        if not self.overwrite and is_there(self.out):
            what = "the file exists"
            raise errors.UsageError("out_exists", what, str(self.out), "give --overwrite or another -o")
        if not is_there(self.out.parent):
            what = f"the folder {self.out.parent} does not exist"
            raise errors.ResourceError("write_failed", what, str(self.out), "create the folder first")
        head = completed(convert(self.source, self.kind, self.with_), self.landmarks)
        head_file.write(head, self.out)
        print_facts(head_facts(load(self.out)))
        print(f"written: {self.out} ({self.out.stat().st_size / 2**20:.1f} MiB)")
        return errors.SUCCESS


def is_there(path: Path) -> bool:
    """Return True if the path exists, False also if the system cannot look it up."""
    try:
        return path.exists()
    except OSError:  # a name that is too long
        return False
