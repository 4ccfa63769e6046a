"""`headform synth`: synthetic faces with their labels, in a folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import arg

from headform import errors


@dataclass(frozen=True)
class Synth:
    """Write labeled pictures of synthetic faces, and a contact sheet of them."""

    out: Annotated[Path, arg(aliases=("-o",))]
    """Folder for 000000.png ..., labels.npz, labels.json and sheet.png."""
    count: int
    """How many pictures."""
    size: int = 224
    """Side of each picture in pixels."""
    seed: int = 0
    """The same seed, size and version give the same bytes."""

    def run(self) -> int:
        """Write them."""
        if self.count < 1:
            raise errors.UsageError("count_invalid", f"--count is {self.count}", "", "ask for 1 or more")
        if not 32 <= self.size <= 2048:
            what = f"--size is {self.size}"
            raise errors.UsageError("size_invalid", what, "", "ask for 32 to 2048 pixels")
        if self.seed < 0:
            raise errors.UsageError("seed_invalid", f"--seed is {self.seed}", "", "ask for 0 or more")
        from headform.synth.folder import write_folder

        sheet = write_folder(self.out, self.count, size=self.size, seed=self.seed)
        print(f"{self.count} synthetic faces in {self.out}; look at {sheet}")
        return errors.SUCCESS
