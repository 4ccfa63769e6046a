"""`headform data coarse`: the coarse stage of the texture networks' training, for photos in shards."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from headform import errors
from headform.io.progress import BatchProgress


@dataclass(frozen=True)
class Coarse:
    """Fit head, camera, light and coarse texture to the photos of shards, for `headform train texture`.

    Shards are those of `headform data prepare`, `data samples` and `data synthetic`. Photos that are done already are passed
    over, so that the command can be stopped and started again. What cannot be fitted is dropped, and counted by its reason.
    """

    shards: Positional[tuple[Path, ...]]
    """Folders of shards."""
    out: Annotated[Path, arg(aliases=("-o",))]
    """Output folder."""
    most: int = 0
    """Greatest number of photos, spread evenly over all; 0 for all."""
    part: str = "0/1"
    """Part of the photos for this process: 0/2 and 1/2 divide them among two."""

    def run(self) -> int:
        """Fit, and print what was written and dropped."""
        match = re.fullmatch(r"(\d{1,4})/(\d{1,4})", self.part)
        number, parts = (int(match[1]), int(match[2])) if match else (0, 0)
        if not 0 <= number < parts:
            raise errors.UsageError("part_invalid", f"--part is {self.part!r}", "", "use 0/1, or 0/2 and 1/2")
        if self.most < 0:
            raise errors.UsageError("most_invalid", f"--most is {self.most}", "", "use 0 or more")
        if not self.shards:
            what = "no folder of shards is given"
            raise errors.UsageError("data_missing", what, "", "prepare photos with `headform data prepare`")
        from headform.data.coarse_stage import CoarseFitter, write_coarse_stage
        from headform.data.shards import ShardSet

        samples = ShardSet.open(*self.shards)
        chosen = range(len(samples))
        if 0 < self.most < len(samples):
            chosen = range(0, len(samples), -(-len(samples) // self.most))
        numbers = chosen[number::parts]
        with BatchProgress(len(numbers)) as progress:
            counts = write_coarse_stage(
                samples.select(numbers),
                self.out,
                samples.side,
                CoarseFitter().fit,
                prefix=f"coarse-{number}of{parts}-",
                done=progress.end,
            )
        there = counts.pop("there", 0)
        print(f"{counts.pop('written', 0)} photos fitted, {there} there already, in {self.out}")
        for reason, count in sorted(counts.items()):
            print(f"dropped: {count} {reason}")
        return errors.SUCCESS
