"""`headform synth`: write synthetic faces with labels."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import arg

from headform import errors


@dataclass(frozen=True)
class Synth:
    """Render synthetic faces with labels, and a contact sheet."""

    out: Annotated[Path, arg(aliases=("-o",))]
    """Output folder for 000000.png ..., labels.npz, labels.json and sheet.png."""
    count: int
    """Number of pictures."""
    size: int = 224
    """Side length of the pictures in pixels."""
    seed: int = 0
    """Random seed; the same seed, size and version give the same bytes."""

    preset: Literal["full", "easy", "portrait"] = "full"
    """Distribution of the faces: full, easy (near frontal, neutral, mild light) or portrait (people who sit for one)."""

    def run(self) -> int:
        """Write the pictures."""
        if self.count < 1:
            raise errors.UsageError("count_invalid", f"--count is {self.count}", "", "use 1 or more")
        if not 32 <= self.size <= 2048:
            what = f"--size is {self.size}"
            raise errors.UsageError("size_invalid", what, "", "use 32 to 2048 pixels")
        if self.seed < 0:
            raise errors.UsageError("seed_invalid", f"--seed is {self.seed}", "", "use 0 or more")
        from headform.synth.folder import write_folder
        from headform.synth.randomization import PRESETS

        sheet = write_folder(self.out, self.count, size=self.size, seed=self.seed, randomization=PRESETS[self.preset])
        print(f"{self.count} synthetic faces in {self.out}; look at {sheet}")
        return errors.SUCCESS
