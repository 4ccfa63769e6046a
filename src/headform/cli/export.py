"""`headform export`: write results in the format of a benchmark."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from headform import errors
from headform.geometry.units import MeshUnit


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
        from headform.evaluate.now.layout import read_images
        from headform.export.now_submission import find_results, write_submission

        head = heads.load_open() if self.head is None else heads.load(self.head)
        results = find_results(self.results)
        asked: set[str] = set()
        if self.dataset is not None:
            asked = {image.name for image in read_images(self.dataset)}
            results = [result for result in results if result.image in asked]
        written, absent = write_submission(results, head, self.out, unit=self.unit)
        absent = sorted({*absent, *(asked - set(written))})
        print(f"{len(written)} meshes in {self.unit} in {self.out}")
        if not absent:
            return errors.SUCCESS
        print(f"without a result: {len(absent)}")
        for name in absent:
            print(f"- {name}")
        return errors.PARTIAL
