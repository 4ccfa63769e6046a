"""`headform evaluate texture`: heads drawn over their photos again, or two pictures."""

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
    """PSNR, SSIM and identity between photos and the heads drawn over them, within the head and of the whole picture.

    Give --results, or --first and --second for any two pictures of one size.
    """

    results: Path | None = None
    """What `headform reconstruct` wrote, with obj among its formats (texture.png and head.obj are needed)."""
    photos: Path | None = None
    """Where the photos lie; taken from the manifest of the results if not given."""
    atlas: Literal["photo", "albedo"] = "photo"
    """Draw the texture with the photo's light in it, or the bare albedo in the light that was found."""
    first: Path | None = None
    """A photo."""
    second: Path | None = None
    """A rendering of the same size."""
    mask: Path | None = None
    """A picture of the same size, bright where pixels of --first and --second count."""
    embedder: Annotated[UseAppendAction[tuple[str, ...]], arg(metavar="KIND:FILE")] = ()
    """A recognition network: arcface, facenet, lightcnn, evolve, onnx, onnx-bgr, onnx-raw or onnx-imagenet and its file
    (KIND:PART@FILE for a part of a checkpoint); the kind may be left out. May be given several times."""
    json: Path | None = None
    """Also write every face's numbers here."""

    def run(self) -> int:
        """Print the table."""
        from headform.evaluate.images.texture import evaluate_folder
        from headform.io.atomic import check_place, write_bytes
        from headform.nets.recognition.embedder_files import load_embedder

        pair = (self.first, self.second)
        if (self.results is None) == (None in pair) or (self.results and (any(pair) or self.mask)):
            advice = "give --results DIR, or --first A --second B [--mask M]"
            raise errors.UsageError("texture_inputs", "it is not clear what to compare", "", advice)
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
                raise errors.FaceError("no_face", "no face was found", str(self.first))
            points = faces[0].points5
        score = compare(first.rgb, second.rgb, masks, name=second.name, points5=points, embedders=embedders)
        return TextureTable((score,), atlas="pair")
