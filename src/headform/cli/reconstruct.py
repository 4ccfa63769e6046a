"""`headform reconstruct`: photos to heads."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import Positional, arg

from headform import errors

if TYPE_CHECKING:
    from headform.cli.batch import Work
    from headform.pipeline.reconstruction import Reconstruction


@dataclass(frozen=True)
class Reconstruct:
    """Turn photos of faces into textured, animatable 3D heads.

    Each photo gets its own folder in the output folder, and one line in manifest.jsonl there.
    """

    photos: Positional[tuple[Path, ...]]
    """Photos (JPEG, PNG, WebP, TIFF, BMP, GIF, AVIF, HEIC, JPEG 2000, PPM), or folders that contain them directly."""
    out: Annotated[Path, arg(aliases=("-o",))]
    """Output folder, created if needed."""
    head: str = "open"
    """Head model: open, or a file written by `headform heads build-open`."""
    people: Literal["largest", "all"] = "largest"
    """Reconstruct the largest face of each photo, or every face."""
    formats: tuple[Literal["glb", "obj", "ply", "png", "html"], ...] = ("glb", "obj", "ply", "png", "html")
    """Files to write besides parameters.npz and landmarks.json; png is the overlay on the photo."""
    texture: Literal["photo", "albedo", "both"] = "photo"
    """Texture: skin from the photo, the model's albedo, or the former with the latter beside it as albedo.png."""
    detector: Path | None = None
    """Weights of the face detector (.safetensors with a model card beside it), in place of the shipped ones."""
    landmarks_net: Literal["committee", "own"] = "committee"
    """Landmark networks: `own` is headform's network alone, `committee` combines it with the shipped third-party ones."""
    json: bool = False
    """Print the lines of manifest.jsonl to stdout."""

    def run(self) -> int:
        """Reconstruct all photos; return the exit code of `headform.cli.batch.run_batch`."""
        if not self.photos:
            advice = "name photos or folders: headform reconstruct me.jpg -o out"
            raise errors.UsageError("no_photos", "no photos are given", "", advice)
        from headform.cli.batch import run_batch
        from headform.cli.inputs import list_inputs, passed_over

        inputs = list_inputs(self.photos)
        code = run_batch(inputs, self.out, self._load, json=self.json)
        remark = passed_over(self.photos, inputs)
        if remark:
            print(remark, file=sys.stderr)
        return code

    def _load(self) -> "Work[Reconstruction]":
        from headform.cli.batch import Work
        from headform.export.writers import write_reconstruction
        from headform.pipeline.reconstructor import Reconstructor

        reconstructor = Reconstructor.load(head=self.head, detector=self.detector, landmarks_net=self.landmarks_net)
        return Work(
            reconstruct=lambda photo: reconstructor.reconstruct(photo, people=self.people),
            write=lambda head, folder: write_reconstruction(head, folder, self.formats, self.texture),
        )
