"""`headform evaluate scans-rendered`: render photos of scans, reconstruct them, measure against the scans."""

import itertools
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import arg

from headform import errors
from headform.geometry.units import InputUnit, MeshUnit

if TYPE_CHECKING:
    from headform.evaluate.rendered_scans.scan_subjects import ScanSubject
    from headform.evaluate.rendered_scans.scans_rendered import PhotoPlan


@dataclass(frozen=True)
class ScansRendered:
    """Render photos of textured scans from several views and lights, reconstruct them, and measure by the NoW protocol.

    The mean head of the same model is the baseline. Other programs are measured on the same photos: write them with
    --render-only, then give the folder of their predictions as --reconstructor.
    """

    scans: tuple[Path, ...]
    """OBJ or PLY files with a texture or vertex colors, or folders of them."""
    reconstructor: str = "headform"
    """headform; a command with {photo} and {out} that writes a neutral head to {out}.obj or .ply and its seven landmarks to
    {out}.npy or .txt; or a folder of such files, named after the photos."""
    unit: MeshUnit = "m"
    """Unit of the predictions of other programs."""
    floor: Path | None = None
    """Mean head of another program's model, in --unit: a mesh with its landmarks beside it as .npy or .txt."""
    views: int = 8
    """Number of views, from -50 to 50 degrees of yaw."""
    lights: int = 2
    """Number of lights; the first is uniform."""
    size: int = 640
    """Side length of the photos in pixels."""
    seed: int = 0
    """Seed of the photos; the same seed, size and version give the same photos."""
    scan_unit: InputUnit = "auto"
    """Unit of the scans; `auto` infers it from the inter-ocular distance and marks metrical numbers as uncertain."""
    texture: Path | None = None
    """Texture image of a single scan; by default the image of the same name beside it."""
    landmarks: Path | None = None
    """Seven landmarks of a single scan; by default a file of the same name (.pp .txt .npy .lnd .json), or else detected."""
    protocol: Literal["official", "corrected"] = "official"
    """Evaluation protocol; see `headform evaluate scan`."""
    allow_missing: bool = False
    """Average over the reconstructed photos; by default a photo without a head is an error."""
    render_only: bool = False
    """Only write the photos to -o."""
    json: Path | None = None
    """Also write the numbers of every photo to this file."""
    out: Annotated[Path | None, arg(aliases=("-o",))] = None
    """Folder for the photos and the output of a command; by default neither is kept."""

    def run(self) -> int:
        """Print the tables."""
        from headform.io.atomic import check_place, make_folder

        self._check()
        check_place(self.json)
        if self.out is not None:
            make_folder(self.out)
            return self._measure(self.out)
        with tempfile.TemporaryDirectory(prefix="headform-") as folder:
            return self._measure(Path(folder))

    def _check(self) -> None:
        for name, value, low, high in (
            ("views", self.views, 1, 1000),
            ("lights", self.lights, 1, 100),
            ("size", self.size, 128, 4096),
            ("seed", self.seed, 0, 2**31),
        ):
            if not low <= value <= high:
                what = f"--{name} is {value}"
                raise errors.UsageError(f"{name}_invalid", what, "", f"use {low} to {high}")
        if not self.scans:
            raise errors.UsageError("scans_missing", "no scans are given", "", "name files or folders after --scans")
        if self.render_only and self.out is None:
            raise errors.UsageError("out_missing", "--render-only needs -o", "", "name a folder")

    def _measure(self, folder: Path) -> int:
        from headform import heads
        from headform.evaluate.rendered_scans.named_reconstructor import BUILT_IN, named_reconstructor
        from headform.evaluate.rendered_scans.report import rendered_json, rendered_markdown
        from headform.evaluate.rendered_scans.scan_reconstructors import mean_head, read_prediction
        from headform.evaluate.rendered_scans.scan_subjects import (
            landmark_finder,
            list_scans,
            read_scan,
        )
        from headform.evaluate.rendered_scans.scans_rendered import PhotoScore, evaluate_rendered
        from headform.evaluate.scan.protocol import PROTOCOLS
        from headform.io.atomic import write_bytes

        files = list_scans(self.scans)
        if len(files) > 1 and (self.texture is not None or self.landmarks is not None):
            what = f"--texture and --landmarks belong to one scan, these are {len(files)}"
            raise errors.UsageError("several_scans", what, "", "name one scan")
        head, find = heads.load_open(), landmark_finder()
        subjects = [
            read_scan(
                path,
                find,
                head,
                texture=self.texture,
                landmarks=self.landmarks,
                unit=self.scan_unit,
            )
            for path in files
        ]
        if self.render_only:
            return self._render(subjects, folder)
        reconstruct = named_reconstructor(self.reconstructor, folder / "predictions")
        own = self.reconstructor == BUILT_IN
        floor, floor_name = mean_head(head), f"mean of the {head.name} head"
        if self.floor is not None:
            floor, floor_name = read_prediction(self.floor.with_suffix("")), self.floor.name
        total, done = len(subjects) * self._plan().photos, itertools.count(1)

        def progress(score: PhotoScore) -> None:
            found = score.errors
            text = score.reason if found is None else f"{found['non-metrical'].median:.2f} mm"
            print(f"[{next(done)}/{total}] {score.name}: {text}", file=sys.stderr, flush=True)

        result = evaluate_rendered(
            subjects,
            reconstruct,
            floor,
            folder,
            self._plan(),
            protocol=PROTOCOLS[self.protocol],
            unit="m" if own else self.unit,
            floor_unit="m" if self.floor is None else self.unit,
            names=(self.reconstructor, floor_name),
            progress=progress,
        )
        if self.json is not None:
            write_bytes(self.json, rendered_json(result).encode())
        if not self.allow_missing:
            result.require_complete()
        print(rendered_markdown(result), end="")
        return errors.SUCCESS

    def _plan(self) -> "PhotoPlan":
        from headform.evaluate.rendered_scans.scans_rendered import PhotoPlan

        return PhotoPlan(self.views, self.lights, self.size, self.seed)

    def _render(self, subjects: "list[ScanSubject]", folder: Path) -> int:
        from headform.evaluate.rendered_scans.scans_rendered import Photo, take_photos
        from headform.io import image_bytes
        from headform.io.atomic import write_bytes

        def keep(photo: Photo) -> None:
            write_bytes(folder / f"{photo.name}.png", image_bytes.png(photo.rgb))

        take_photos(subjects, self._plan(), keep)
        print(f"{len(subjects) * self._plan().photos} photos in {folder}")
        return errors.SUCCESS
