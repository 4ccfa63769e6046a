"""`headform evaluate texture`: compare re-rendered heads with their photos, or two pictures."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import UseAppendAction, arg

from headform import errors

if TYPE_CHECKING:
    from headform.evaluate.images.texture import TextureTable
    from headform.nets.recognition.embedder import Embedder


@dataclass(frozen=True)
class Texture:
    """Measure PSNR, SSIM and identity similarity between photos and re-rendered heads, inside the head and overall.

    Give --results, or --first and --second for any two pictures of the same size.
    """

    results: Path | None = None
    """Output folder of `headform reconstruct` with the format obj (texture.png and head.obj are needed)."""
    photos: Path | None = None
    """Folder of the photos; by default taken from the manifest of the results."""
    atlas: Literal["photo", "albedo"] = "photo"
    """Texture to render: `photo` with its baked light, or `albedo` in the estimated light."""
    first: Path | None = None
    """A photo."""
    second: Path | None = None
    """A rendering of the same size."""
    mask: Path | None = None
    """Mask of the same size; pixels of --first and --second count where it is bright."""
    embedder: Annotated[UseAppendAction[tuple[str, ...]], arg(metavar="KIND:FILE")] = ()
    """Face recognition network: arcface, facenet, lightcnn, evolve, mobilefacenet, dlib, onnx, onnx-bgr, onnx-raw or
    onnx-imagenet and its file (KIND:PART@FILE for a part of a checkpoint); the kind is optional. May be given several
    times."""
    json: Path | None = None
    """Also write the numbers of every face to this file."""

    def run(self) -> int:
        """Print the table."""
        from headform.evaluate.images.texture import evaluate_folder
        from headform.io.atomic import check_place, write_bytes
        from headform.nets.recognition.embedder_files import load_embedder

        pair = (self.first, self.second)
        if (self.results is None) == (None in pair) or (self.results and (any(pair) or self.mask)):
            advice = "give --results DIR, or --first A --second B [--mask M]"
            raise errors.UsageError("texture_inputs", "nothing, or more than one thing, to compare", "", advice)
        check_place(self.json)
        embedders = [load_embedder(spec) for spec in self.embedder]
        if self.results is not None:
            table = evaluate_folder(self.results, self.photos, atlas=self.atlas, embedders=embedders)
        else:
            table = self._pair(embedders)
        print(table.to_markdown(), end="")
        if self.json is not None:
            write_bytes(self.json, table.to_json().encode())
        return errors.SUCCESS

    def _pair(self, embedders: "list[Embedder]") -> "TextureTable":
        from headform import images
        from headform.evaluate.images.texture import TextureTable, compare
        from headform.nets.detection.detector import load_detector

        assert self.first is not None and self.second is not None  # noqa: S101, PT018 - checked above
        first, second = images.read(self.first), images.read(self.second)
        masks = {} if self.mask is None else {"masked": images.read(self.mask).rgb.mean(-1) > 127.5}
        points = None
        if embedders:
            faces = load_detector().detect(first.rgb)
            if not faces:
                raise errors.FaceError("no_face", "no face was detected", str(self.first))
            points = faces[0].points5
        score = compare(first.rgb, second.rgb, masks, name=second.name, points5=points, embedders=embedders)
        return TextureTable((score,), atlas="pair")
