"""`headform data synthetic`: synthetic people, several photos each, as training samples."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import arg

from headform import errors
from headform.cli.training import require_positive

if TYPE_CHECKING:
    from headform.data.synthetic_people import SyntheticPeople


@dataclass(frozen=True)
class Synthetic:
    """Render synthetic people, several photos of each, into shards for `headform train coefficients`.

    People that are there already are kept, so that the command can be stopped and started again.
    """

    out: Annotated[Path, arg(aliases=("-o",))]
    """Output folder of shards and their index."""
    people: int
    """Number of people."""
    photos: int = 2
    """Photos of each."""
    size: int = 224
    """Side of the photos, pixels."""
    seed: int = 0
    """Random seed; sets of different seeds may share a folder."""
    preset: Literal["full", "easy", "portrait"] = "full"
    """Distribution of the faces, as in `headform synth`."""
    albedo: bool = False
    """Store the true color of each head at its vertices, without light, with every photo, for `headform train texture`."""
    workers: int = 1
    """Processes that render."""

    def run(self) -> int:
        """Render what is missing, and print the number of people."""
        require_positive(people=self.people, photos=self.photos, workers=self.workers)
        if not 32 <= self.size <= 1024:
            raise errors.UsageError("size_invalid", f"--size is {self.size}", "", "use 32 to 1024 pixels")
        if self.seed < 0:
            raise errors.UsageError("seed_invalid", f"--seed is {self.seed}", "", "use 0 or more")
        from multiprocessing import get_context

        from headform.data.synthetic_people import SyntheticPeople
        from headform.synth.randomization import PRESETS

        plan = SyntheticPeople(self.people, self.photos, self.size, self.seed, PRESETS[self.preset], self.albedo)
        work = partial(_write, self.out, plan, self.workers)
        if self.workers == 1:
            made = work(0)
        else:
            with get_context("spawn").Pool(self.workers) as pool:
                made = sum(pool.map(work, range(self.workers)))
        print(f"{made} people rendered, {self.people} in {self.out}")
        return errors.SUCCESS


def _write(folder: Path, plan: "SyntheticPeople", parts: int, part: int) -> int:
    """Render one part of the people; the first shows its progress."""
    from headform.data.synthetic_people import write_people
    from headform.heads import load_open
    from headform.io.progress import TrainingProgress

    own = len(range(part, plan.people, parts))
    with TrainingProgress(float(own), "people", silent=part > 0) as progress:
        count = 0

        def done(_: int) -> None:
            nonlocal count
            count += 1
            progress.advance(float(count))

        return write_people(load_open(), folder, plan, part=part, parts=parts, done=done)
