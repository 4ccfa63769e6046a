"""`headform evaluate scans-rendered`: photograph scans, reconstruct the photos, measure against the scans."""

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
    from headform.evaluate.rendered_scans.scan_reconstructors import Reconstruct
    from headform.evaluate.rendered_scans.scan_subjects import ScanSubject


@dataclass(frozen=True)
class ScansRendered:
    """Textured scans are photographed from many sides in many lights, reconstructed, and measured by the NoW protocol.

    The mean head of the same model is the floor to beat. With --reconstructor a folder, or --render-only first, other
    programs are measured on the same photos.
    """

    scans: tuple[Path, ...]
    """OBJ or PLY files with a texture or vertex colors, or folders of them."""
    reconstructor: str = "headform"
    """headform; or a command with {photo} and {out} that writes {out}.obj or .ply (a neutral head) and {out}.npy or .txt
    (its seven landmarks); or a folder in which such files lie by the photos' names."""
    unit: MeshUnit = "m"
    """Unit of the predictions of other programs."""
    floor: Path | None = None
    """Mean head of another program's model: a mesh, with its landmarks beside it as .npy or .txt; in --unit."""
    views: int = 8
    """From how many sides, -50 to 50 degrees of yaw."""
    lights: int = 2
    """In how many lights; the first is even."""
    size: int = 640
    """Side of the photos in pixels."""
    seed: int = 0
    """The same seed, size and version give the same photos."""
    scan_unit: InputUnit = "auto"
    """Unit of the scans; auto guesses it, and then their true size is not known: metrical numbers are marked."""
    texture: Path | None = None
    """Picture of a single scan, where it is not beside it by the scan's name."""
    landmarks: Path | None = None
    """Seven landmarks of a single scan; else a file of its stem (.pp .txt .npy .lnd .json), else they are found."""
    protocol: Literal["official", "corrected"] = "official"
    """Of NoW; see `headform evaluate scan`."""
    allow_missing: bool = False
    """Average over the photos that gave a head; without it one that gave none is an error."""
    render_only: bool = False
    """Only write the photos into -o."""
    json: Path | None = None
    """Also write every photo's numbers here."""
    out: Annotated[Path | None, arg(aliases=("-o",))] = None
    """Folder for the photos, and for what a command writes; else they are not kept."""

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
                raise errors.UsageError(f"{name}_invalid", what, "", f"ask for {low} to {high}")
        if not self.scans:
            raise errors.UsageError("scans_missing", "--scans names nothing", "", "name a scan")
        if self.render_only and self.out is None:
            raise errors.UsageError("out_missing", "--render-only writes nothing without -o", "", "name a folder")

    def _measure(self, folder: Path) -> int:
        from headform import heads
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
        reconstruct = self._reconstructor(folder)
        own = self.reconstructor == "headform"
        floor, floor_name = mean_head(head), f"mean of the {head.name} head"
        if self.floor is not None:
            floor, floor_name = read_prediction(self.floor.with_suffix("")), self.floor.name
        total, done = len(subjects) * self.views * self.lights, itertools.count(1)

        def progress(score: PhotoScore) -> None:
            found = score.errors
            text = score.reason if found is None else f"{found['non-metrical'].median:.2f} mm"
            print(f"[{next(done)}/{total}] {score.name}: {text}", file=sys.stderr, flush=True)

        result = evaluate_rendered(
            subjects,
            reconstruct,
            floor,
            folder,
            protocol=PROTOCOLS[self.protocol],
            unit="m" if own else self.unit,
            floor_unit="m" if self.floor is None else self.unit,
            view_count=self.views,
            light_count=self.lights,
            size=self.size,
            seed=self.seed,
            names=(self.reconstructor, floor_name),
            progress=progress,
        )
        if self.json is not None:
            write_bytes(self.json, rendered_json(result).encode())
        if not self.allow_missing:
            result.require_complete()
        print(rendered_markdown(result), end="")
        return errors.SUCCESS

    def _reconstructor(self, folder: Path) -> "Reconstruct":
        from headform.evaluate.rendered_scans.scan_reconstructors import (
            command_reconstructor,
            folder_reconstructor,
            headform_reconstructor,
        )

        if self.reconstructor == "headform":
            return headform_reconstructor()
        if "{" in self.reconstructor:
            return command_reconstructor(self.reconstructor, folder / "predictions")
        if Path(self.reconstructor).is_dir():
            return folder_reconstructor(Path(self.reconstructor))
        raise errors.UsageError(
            "reconstructor_invalid",
            "this is neither headform, nor a folder, nor a command with {photo} and {out}",
            self.reconstructor,
            "for example --reconstructor 'tool {photo} -o {out}.obj'",
        )

    def _render(self, subjects: "list[ScanSubject]", folder: Path) -> int:
        from headform.evaluate.rendered_scans.scans_rendered import Photo, take_photos
        from headform.io import image_bytes
        from headform.io.atomic import write_bytes

        def keep(photo: Photo) -> None:
            write_bytes(folder / f"{photo.name}.png", image_bytes.png(photo.rgb))

        take_photos(
            subjects,
            view_count=self.views,
            light_count=self.lights,
            size=self.size,
            seed=self.seed,
            handle=keep,
        )
        print(f"{len(subjects) * self.views * self.lights} photos in {folder}")
        return errors.SUCCESS
