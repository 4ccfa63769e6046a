"""`headform evaluate import`: the output of another system as predictions for NoW."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from headform import errors
from headform.evaluate.peers.system_names import SystemName
from headform.geometry.units import MeshUnit
from headform.io.progress import BatchProgress

_SHOWN = 10


@dataclass(frozen=True)
class Import:
    """Turn what another system's public demo wrote into predictions for `evaluate now`.

    Unit, axes and landmarks are probed in the files and reported. The exit code is 7 when a mesh cannot be used or a photo
    of the list has none.
    """

    folder: Positional[Path]
    """Folder that the demo wrote, with the photos' names, subjects and challenges in paths or file names."""
    system: Annotated[SystemName, arg(name="from")]
    """System that wrote it."""
    out: Annotated[Path, arg(aliases=("-o",))]
    """Output folder, SUBJECT/CHALLENGE/IMAGE.obj and .npy."""
    images: Path | None = None
    """Folder of the benchmark, or its list of images, to name meshes by; without it paths name subject and challenge."""
    unit: MeshUnit = "mm"
    """Unit of the meshes to write."""
    head: Path | None = None
    """Converted head model with the triangles of the meshes, such as FLAME, for their landmarks where no file has them;
    it decodes --coefficients."""
    coefficients: bool = False
    """Decode the identity coefficients that the system wrote (.mat, .npy) to neutral heads, in place of its meshes."""

    def run(self) -> int:
        """Write, and say what was found out."""
        from headform import heads
        from headform.evaluate.now.layout import read_images
        from headform.evaluate.peers.importing import Line, import_predictions, summary
        from headform.images.read import shown

        images = None if self.images is None else read_images(self.images)
        head = None if self.head is None else heads.load(self.head)
        with BatchProgress(0 if images is None else len(images), quiet=True) as progress:

            def done(line: Line) -> None:
                progress.end(line.image.name, failed=bool(line.code))

            result = import_predictions(
                self.folder,
                self.system,
                self.out,
                images=images,
                unit=self.unit,
                head=head,
                coefficients=self.coefficients,
                done=done,
            )
        print(summary(result), end="")
        failed = [f"{shown(line.mesh)} [{line.code}]: {line.message}" for line in result.lines if line.code]
        _list("error: meshes that cannot be used", failed)
        _list("warning: meshes of no photo of the list", [shown(path) for path in result.strays])
        _list("without a mesh", [image.name for image in result.missing])
        return errors.PARTIAL if failed or result.missing else errors.SUCCESS


def _list(title: str, rows: list[str]) -> None:
    if not rows:
        return
    print(f"{title}: {len(rows)}")
    for row in rows[:_SHOWN]:
        print(f"- {row}")
    if len(rows) > _SHOWN:
        print(f"- and {len(rows) - _SHOWN} more")
