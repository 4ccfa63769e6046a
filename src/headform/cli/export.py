"""`headform export`: write results in the format of a benchmark."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from headform import errors
from headform.geometry.units import MeshUnit

_SHOWN = 5


@dataclass(frozen=True)
class Export:
    """Write results in the format of a benchmark.

    `now`: a submission to the NoW benchmark, one neutral mesh with seven landmarks per photo.
    """

    what: Positional[Literal["now"]]
    """Output format."""
    results: Positional[tuple[Path, ...]]
    """Output folders of `headform reconstruct` for photos SUBJECT/CHALLENGE/IMAGE.jpg."""
    out: Annotated[Path, arg(aliases=("-o",))]
    """Output folder of the submission."""
    unit: MeshUnit = "m"
    """Unit of the meshes; pass the same to the evaluator."""
    dataset: Path | None = None
    """Folder of the benchmark or its list of images; images without a result are listed."""
    head: Path | None = None
    """Head model file, if not the open head."""

    def run(self) -> int:
        """Write, and say what is missing."""
        if not self.results:
            fix = "name folders that headform reconstruct wrote"
            raise errors.UsageError("no_results", "no results are given", "", fix)
        from headform import heads
        from headform.evaluate.now.layout import CHALLENGES, read_images
        from headform.export.now_submission import find_results, write_submission
        from headform.images.read import shown

        head = heads.load_open() if self.head is None else heads.load(self.head)
        results = find_results(self.results)
        asked: set[str] = set()
        if self.dataset is not None:
            asked = {image.name for image in read_images(self.dataset)}
            strays = [result.image for result in results if result.image not in asked]
            results = [result for result in results if result.image in asked]
            warned = f"{len(strays)} results belong to no image of the list", strays, "they are not written"
        else:
            odd = [result.image for result in results if result.image.split("/")[1] not in CHALLENGES]
            what = f"{len(odd)} of {len(results)} images lie in no challenge of NoW ({', '.join(CHALLENGES)})"
            warned = what, odd, "reconstruct the photos by their paths SUBJECT/CHALLENGE/IMAGE.jpg"
        written, absent = write_submission(results, head, self.out, unit=self.unit)
        absent = sorted({*absent, *(asked - set(written))})
        print(f"{len(written)} meshes in {self.unit} in {self.out}")
        _warn(*warned)
        if not absent:
            return errors.SUCCESS
        print(f"without a result: {len(absent)}")
        for name in absent:
            print(f"- {shown(name)}")
        return errors.PARTIAL


def _warn(what: str, names: list[str], fix: str) -> None:
    if not names:
        return
    from headform.images.read import shown

    listed = ", ".join(map(shown, names[:_SHOWN])) + (" …" if len(names) > _SHOWN else "")
    print(f"warning: {what}: {listed}; {fix}", file=sys.stderr)
