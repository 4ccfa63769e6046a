"""`headform data coarse`: the coarse stage of the texture networks' training, for photos in shards."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, arg

from headform import errors
from headform.io.progress import BatchProgress

if TYPE_CHECKING:
    from headform.data.coarse_stage import CoarseFitter


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
    head: str = "open"
    """Head model: the open one, which is fitted, or the converted Basel front, which --regressor reads."""
    regressor: Path | None = None
    """Checkpoint of the regressor of Deng et al. (epoch_20.pth), whose coefficients, camera and light are taken."""
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
        if (self.head == "open") != (self.regressor is None):
            if self.regressor is None:
                what = f"the coarse stage of --head {self.head} is what the regressor of Deng et al. reads"
                raise errors.UsageError("network_missing", what, "", "give its checkpoint with --regressor")
            what, hint = "--regressor gives coefficients of the Basel head", "name the converted model as --head"
            raise errors.UsageError("option_unused", what, "--head open", hint)
        from headform.data.coarse_stage import write_coarse_stage
        from headform.data.shards import ShardSet

        samples = ShardSet.open(*self.shards)
        chosen = range(len(samples))
        if 0 < self.most < len(samples):
            chosen = range(0, len(samples), -(-len(samples) // self.most))
        numbers = chosen[number::parts]
        fitter, head = self._fitter()
        with BatchProgress(len(numbers)) as progress:
            counts = write_coarse_stage(
                samples.select(numbers),
                self.out,
                samples.side,
                fitter.fit,
                head=head,
                prefix=f"coarse-{number}of{parts}-",
                done=progress.end,
            )
        there = counts.pop("there", 0)
        print(f"{counts.pop('written', 0)} photos fitted, {there} there already, in {self.out}")
        for reason, count in sorted(counts.items()):
            print(f"dropped: {count} {reason}")
        return errors.SUCCESS

    def _fitter(self) -> "tuple[CoarseFitter, str]":
        """Make the fitter, and return it with the SHA-256 of its head."""
        from headform import heads
        from headform.data.coarse_stage import CoarseFitter
        from headform.nets.basel_regressor_net import load_basel_regressor
        from headform.registration.regressed_face import FaceRegressor

        head = heads.load(self.head)
        if self.regressor is None:
            return CoarseFitter(), head.sha256
        return CoarseFitter(refit=FaceRegressor(load_basel_regressor(self.regressor), head).coarse), head.sha256
