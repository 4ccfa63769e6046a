"""`headform reconstruct`: photos to heads."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import Positional, arg

from headform import errors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headform.cli.batch import Work
    from headform.heads import LinearHead
    from headform.images.photo import Photo
    from headform.pipeline.reconstruction import Reconstruction
    from headform.pipeline.reconstructor import Reconstructor
    from headform.registration.head_reconstructor import HeadReconstructor

_SHIPPED = ("committee", "own")
"""Landmark networks that have a name."""


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
    """Head model: open, or a file of `headform heads convert` or `headform heads build-open`. Another model's coefficients
    are found by analysis by synthesis, started from the open head's result."""
    regressor: Path | None = None
    """Checkpoint of the regressor of Deng et al. (Deep3DFaceRecon_pytorch, epoch_20.pth) for its Basel head as --head: it
    gives coefficients, pose, camera, light and colors, and nothing is fitted."""
    people: Literal["largest", "all"] = "largest"
    """Reconstruct the largest face of each photo, or every face."""
    same_person: bool = False
    """All photos show one person: one head for all, from all of them, each with its own expression, pose and light."""
    formats: tuple[Literal["glb", "obj", "ply", "png", "html", "render"], ...] = ("glb", "obj", "ply", "png", "html")
    """Files to write besides parameters.npz and landmarks.json; png is the overlay on the photo, render the textures and
    renderings of papers on texture: coarse, lit, R' and R' on the photo."""
    texture: Literal["photo", "albedo", "both"] = "both"
    """Colors of the models: the photo with its light (the GLB is marked as unlit), the albedo without light, or the albedo
    in the GLB, which engines light, the photo in all others, and albedo.png beside them."""
    detector: Path | None = None
    """Weights of the face detector (.safetensors with a model card beside it), in place of the shipped ones."""
    landmarks_net: str = "committee"
    """Landmark networks: `committee` combines headform's network with the shipped third-party ones, `own` is headform's
    alone; a .safetensors file of `headform train landmarks` is used in its place, alone."""
    identity_net: Path | None = None
    """Weights of the face encoder (.safetensors of `headform train coefficients`), in place of the shipped ones."""
    texture_net: Path | None = None
    """Weights of texture networks (.safetensors of `headform train texture`), in place of the shipped ones."""
    calibration: Path | None = None
    """Calibration of the committee (.safetensors of `python -m tools.committee`), in place of the shipped one. With a file
    as --landmarks-net, which must be the network that it was measured with, the committee is used."""
    json: bool = False
    """Print the lines of manifest.jsonl to stdout."""

    def run(self) -> int:
        """Reconstruct all photos; return the exit code of `headform.cli.batch.run_batch`."""
        if not self.photos:
            advice = "name photos or folders: headform reconstruct me.jpg -o out"
            raise errors.UsageError("no_photos", "no photos are given", "", advice)
        self._check_networks()
        if self.same_person and self.people == "all":
            what = "--same-person reconstructs the largest face of each photo"
            raise errors.UsageError("option_unused", what, "--people all", "leave one of the two out")
        from headform.cli.batch import run_batch
        from headform.cli.inputs import list_inputs, passed_over

        inputs = list_inputs(self.photos)
        readable = [item.path for item in inputs if item.error is None]
        code = run_batch(inputs, self.out, lambda: self._load(readable), json=self.json)
        remark = passed_over(self.photos, inputs)
        if remark:
            print(remark, file=sys.stderr)
        return code

    def _check_networks(self) -> None:
        """Reject options of networks that mean nothing, before any photo is read.

        Raises:
            UsageError: ``landmarks_net_unknown``, ``option_unused``.
        """
        name = self.landmarks_net
        if name not in _SHIPPED and not (Path(name).suffix or Path(name).exists()):
            what = f"--landmarks-net is {name!r}, which is no file"
            raise errors.UsageError("landmarks_net_unknown", what, "", f"use {' or '.join(_SHIPPED)}, or name a file")
        if self.head == "open":
            self._no_regressor()
        if self.regressor is not None and self.same_person:
            what = "--regressor reads each photo by itself"
            raise errors.UsageError("option_unused", what, "--same-person", "leave one of the two out")
        if self.calibration is not None and name == "own":
            what = "--calibration only applies to a committee"
            raise errors.UsageError("option_unused", what, "--landmarks-net own", "leave one of the two out")

    def _load(self, photos: list[Path]) -> "Work[Reconstruction]":
        from headform.cli.batch import Work
        from headform.export.writers import write_reconstruction
        from headform.pipeline.reconstructor import Reconstructor

        other = self._other_head()
        if other is not None and self.texture_net is not None:
            what = "--texture-net refines the skin of the open head"
            raise errors.UsageError("option_unused", what, f"--head {self.head}", "leave one of the two out")
        named = self.landmarks_net not in _SHIPPED
        together = self.landmarks_net == "committee" or self.calibration is not None
        reconstructor = Reconstructor.load(
            head="open" if other is not None else self.head,
            detector=self.detector,
            dense=Path(self.landmarks_net) if named else None,
            identity=self.identity_net,
            landmarks_net="committee" if together else "own",
            calibration=self.calibration,
            texture_net=self.texture_net,
            texture_size=0 if other is not None else 1024,
        )
        heads = None if other is None else self._heads(other, reconstructor)
        identity = None
        if self.same_person:
            from headform.pipeline.same_person import identity_of_person

            identity = identity_of_person(reconstructor, _readable(photos))

        def write(head: "Reconstruction", folder: Path) -> object:
            return write_reconstruction(head, folder, self.formats, self.texture)

        if heads is None:
            return Work(lambda photo: reconstructor.reconstruct(photo, people=self.people, identity=identity), write)
        notes = heads.notes
        if self.same_person:
            notes += (f"each photo has its own coefficients of {heads.head.name}, fitted to one person's open head",)
        return Work(lambda photo: heads.reconstruct(photo, people=self.people, identity=identity), write, notes)

    def _no_regressor(self) -> None:
        """Reject a regressor for the open head.

        Raises:
            UsageError: ``option_unused``.
        """
        if self.regressor is not None:
            what = "--regressor gives coefficients of the Basel head"
            hint = "name the converted BFM_model_front.mat as --head"
            raise errors.UsageError("option_unused", what, f"--head {self.head}", hint)

    def _heads(self, other: "LinearHead", reconstructor: "Reconstructor") -> "HeadReconstructor":
        """Make the reconstructor of another head; a wrong regressor is refused before any photo is read."""
        from headform.nets.basel_regressor_net import load_basel_regressor
        from headform.registration.head_reconstructor import HeadReconstructor

        net = None if self.regressor is None else load_basel_regressor(self.regressor)
        return HeadReconstructor(other, reconstructor, regressor=net)

    def _other_head(self) -> "LinearHead | None":
        """Load another model than the open head; None for one that has the open head's points, which the networks know."""
        from headform import heads

        if self.head == "open":
            return None
        model = heads.load(Path(self.head))
        if model.has_field("dense"):
            self._no_regressor()
            return None
        model.require_fields("landmark_vertices", "now7")
        return model


def _readable(photos: list[Path]) -> "Iterator[Photo]":
    """Read photos one after another; those that cannot be read fail on their own turn."""
    from headform import images

    for path in photos:
        try:
            yield images.read(path)
        except errors.HeadformError:
            continue
