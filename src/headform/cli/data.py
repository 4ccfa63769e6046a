"""`headform data`: prepare photos as training data."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg, subcommand

from headform import errors
from headform.cli.data_check import Check
from headform.cli.data_coarse import Coarse
from headform.cli.data_prepare import Prepare
from headform.cli.data_synthetic import Synthetic
from headform.io.progress import BatchProgress

_Set = Literal["congress", "london", "canada"]


@dataclass(frozen=True)
class Portraits:
    """Prepare open portraits: crops with landmarks, surface points, class maps, and copies turned to other sides.

    Photos that are done already are kept, so that the command can be stopped and started again.
    """

    photos: Positional[Path]
    """Folder that holds the sets' folders."""
    out: Annotated[Path, arg(aliases=("-o",))]
    """Output folder: a file for each photo, and dataset.json when all are done."""
    sets: tuple[_Set, ...] = ("congress", "london", "canada")
    """Sets that are read."""
    turned: int = 2
    """Turned copies of each photo; 0 for none."""
    seed: int = 0
    """Random seed of the turns."""

    def run(self) -> int:
        """Prepare, and print what was kept."""
        if not 0 <= self.turned <= 16:
            raise errors.UsageError("turned_invalid", f"--turned is {self.turned}", "", "use 0 to 16")
        if self.seed < 0:
            raise errors.UsageError("seed_invalid", f"--seed is {self.seed}", "", "use 0 or more")
        from headform.data.portrait_writer import PortraitPlan, photos_of, write_portraits

        plan = PortraitPlan(sets=self.sets, turned=self.turned, seed=self.seed)
        with BatchProgress(len(photos_of(self.photos, plan.sets))) as progress:
            facts = write_portraits(self.photos, self.out, plan, done=progress.end)
        print(f"{facts['photos']} portraits, {facts['copies']} pictures, {facts['dropped']} dropped, in {self.out}")
        return errors.SUCCESS


@dataclass(frozen=True)
class Sheet:
    """Draw prepared photos beside their labels, for looking; the sheet shows people's faces."""

    folder: Positional[Path]
    """Output folder of `headform data portraits` or `headform data prepare`."""
    out: Annotated[Path, arg(aliases=("-o",))]
    """Output file, PNG."""
    most: int = 48
    """Greatest number of portraits."""

    def run(self) -> int:
        """Write the sheet."""
        if self.most < 1:
            raise errors.UsageError("most_invalid", f"--most is {self.most}", "", "use 1 or more")
        from headform.data.portrait_sheet import portrait_sheet
        from headform.data.portraits import Portraits as Prepared
        from headform.data.shard_index import INDEX
        from headform.data.shard_sheet import shard_sheet
        from headform.data.shards import ShardSet
        from headform.io import image_bytes
        from headform.io.atomic import write_bytes

        if (self.folder / INDEX).is_file():
            samples = ShardSet.open(self.folder)
            write_bytes(self.out, image_bytes.png(shard_sheet(samples, most=self.most)))
            print(f"{min(self.most, len(samples))} of {len(samples)} samples in {self.out}")
            return errors.SUCCESS
        prepared = Prepared(self.folder)
        write_bytes(self.out, image_bytes.png(portrait_sheet(prepared, most=self.most)))
        print(f"{min(self.most, len(prepared))} of {len(prepared)} pictures in {self.out}")
        return errors.SUCCESS


@dataclass(frozen=True)
class Samples:
    """Write prepared portraits into shards: photos alone, for the 2D losses of `headform train coefficients --photos`."""

    folder: Positional[Path]
    """Output folder of `headform data portraits`."""
    out: Annotated[Path, arg(aliases=("-o",))]
    """Output folder of shards."""
    size: int = 224
    """Side of the pictures, pixels."""

    def run(self) -> int:
        """Write what is missing."""
        if not 32 <= self.size <= 1024:
            raise errors.UsageError("size_invalid", f"--size is {self.size}", "", "use 32 to 1024 pixels")
        from headform.data.portrait_samples import write_portrait_samples
        from headform.data.portraits import Portraits as Prepared
        from headform.nets.parsing_predictor import ParsingPredictor
        from headform.nets.shipped import load_parsing

        prepared = Prepared(self.folder, turned=False)
        parser = ParsingPredictor(load_parsing()[0], mirror=False)
        with BatchProgress(len(prepared), quiet=True) as progress:
            written, left = write_portrait_samples(prepared, parser, self.out, size=self.size, done=progress.end)
        print(f"{written} photos written, {left} left out, in {self.out}")
        return errors.SUCCESS


Data = Annotated[
    Annotated[Prepare, subcommand("prepare")]
    | Annotated[Check, subcommand("check")]
    | Annotated[Portraits, subcommand("portraits")]
    | Annotated[Sheet, subcommand("sheet")]
    | Annotated[Samples, subcommand("samples")]
    | Annotated[Synthetic, subcommand("synthetic")]
    | Annotated[Coarse, subcommand("coarse")],
    subcommand("data", description="Prepare photos as training data."),
]
