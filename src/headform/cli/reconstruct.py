"""`headform reconstruct`: photos to heads."""

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

    Each photo gets a folder of its own in the output folder, and one line in manifest.jsonl there.
    """

    photos: Positional[tuple[Path, ...]]
    """JPEG, PNG or WebP files, or folders that hold them directly."""
    out: Annotated[Path, arg(aliases=("-o",))]
    """Output folder; made if need be."""
    head: str = "open"
    """The head model: open, or a file made by `headform heads build-open`."""
    faces: Literal["largest", "all"] = "largest"
    """Which faces of a photo."""
    formats: tuple[Literal["glb", "obj", "ply", "png", "html"], ...] = (
        "glb",
        "obj",
        "ply",
        "png",
        "html",
    )
    """What to write beside parameters.npz and landmarks.json; png is the overlay on the photo."""
    texture: Literal["photo", "albedo", "both"] = "photo"
    """Skin from the photo, the head's own albedo, or the photo's with albedo.png beside it."""
    detector: Path | None = None
    """Other weights of the face detector, .safetensors with a card beside it."""
    landmarks_net: Literal["committee", "own"] = "committee"
    """Who reads the landmarks: headform's own network with those of other publishers that ship with it, or its own alone."""
    json: bool = False
    """Print the lines of manifest.jsonl on stdout."""

    def run(self) -> int:
        """Reconstruct them all; returns the exit code of `headform.cli.batch.run_batch`."""
        if not self.photos:
            advice = "name photos or folders: headform reconstruct me.jpg -o out"
            raise errors.UsageError("no_photos", "there is nothing to reconstruct", "", advice)
        from headform.cli.batch import run_batch
        from headform.cli.inputs import list_inputs

        return run_batch(list_inputs(self.photos), self.out, self._load, json=self.json)

    def _load(self) -> "Work[Reconstruction]":
        from headform.cli.batch import Work
        from headform.export.writers import write_reconstruction
        from headform.pipeline.reconstruct import Reconstructor

        reconstructor = Reconstructor.load(head=self.head, detector=self.detector, landmarks_net=self.landmarks_net)
        return Work(
            reconstruct=lambda photo: reconstructor.reconstruct(photo, faces=self.faces),
            write=lambda head, folder: write_reconstruction(head, folder, self.formats, self.texture),
        )
