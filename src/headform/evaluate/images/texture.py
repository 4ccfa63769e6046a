"""Similarity of a reconstructed head to its photo: PSNR, SSIM and the cosine of recognition networks.

H W pixels.

Each head is drawn over its photo again (`rerender`), and the two pictures are compared:

- *face*: only the pixels that the head covers whole and that lie within the convex hull of the 68 points: skin, eyes,
mouth;
- *masked*: all pixels that the head covers whole, with scalp and neck, where photos show hair and clothes;
- *full*: the whole picture. The photo itself lies around the head, so these numbers rise as the face gets smaller; they
  are given because papers print them, often without saying so;
- *identity*: the cosine of the two faces' embeddings, both cut out by the same five points.

For SSIM the windows around the pixels count, which at an outline see some of what is beyond it.

With the atlas ``photo`` the texture was taken from the same photo: that measures the fit, the unwrapping and the
resampling. With ``albedo`` the head shows its model's skin in the light that was found, which is what papers on texture
models measure.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image, ImageDraw
from scipy.spatial import ConvexHull

from headform import images
from headform.errors import InputError
from headform.evaluate.images.image_quality import WINDOW, mean_ssim, psnr, ssim_map
from headform.evaluate.images.rerender import rerender
from headform.evaluate.tables import json_text, markdown_table
from headform.export.manifest import MANIFEST, read_manifest
from headform.export.result_folder import Atlas, read_head
from headform.geometry.landmarks68 import five_points
from headform.nets.recognition.embedder import Embedder, embed_faces


@dataclass(frozen=True)
class WrittenFace:
    """One face of a result folder.

    Attributes:
        photo: Path of the photo.
        folder: Folder with the face's files.
        status: ``ok`` or ``low_confidence``.
    """

    photo: Path
    folder: Path
    status: str


@dataclass(frozen=True)
class TextureScore:
    """Similarity of two pictures of one face.

    Attributes:
        name: Name of the face.
        pixels: Number of pixels of each region.
        psnr: PSNR of each region, decibels; infinite for equal pixels.
        ssim: SSIM of each region.
        identity: Cosine of the embeddings of each network.
        status: ``ok`` or ``low_confidence``, as the reconstruction said.
    """

    name: str
    pixels: dict[str, int]
    psnr: dict[str, float]
    ssim: dict[str, float]
    identity: dict[str, float] = field(default_factory=dict)
    status: str = "ok"

    def values(self) -> dict[str, float]:
        """Return all measures by names such as `psnr face`."""
        parts = {"psnr": self.psnr, "ssim": self.ssim, "identity": self.identity}
        return {f"{part} {name}": v for part, found in parts.items() for name, v in found.items()}


@dataclass(frozen=True)
class TextureTable:
    """The scores of a result folder.

    Attributes:
        scores: Scores in the order of the inputs.
        failed: Inputs without a head and the reasons; they count in no mean.
        atlas: Atlas that was drawn.
    """

    scores: tuple[TextureScore, ...]
    failed: tuple[tuple[str, str], ...] = ()
    atlas: str = "photo"

    def summary(self) -> dict[str, dict[str, float]]:
        """Compute mean and median of each measure over all faces."""
        rows = [score.values() for score in self.scores]
        names = list(rows[0]) if rows else []
        columns = {name: np.array([row[name] for row in rows]) for name in names}
        return {
            name: {"mean": float(column.mean()), "median": float(np.median(column))} for name, column in columns.items()
        }

    def to_json(self) -> str:
        """Format everything as JSON text; an infinite PSNR is the text "inf"."""
        content = {
            "atlas": self.atlas,
            "summary": self.summary(),
            "faces": [asdict(score) for score in self.scores],
            "failed": [{"input": name, "why": why} for name, why in self.failed],
        }
        return json_text(content)

    def to_markdown(self) -> str:
        """Format a row per face, then mean and median."""
        names = list(self.scores[0].values()) if self.scores else []
        titles = [name.replace("psnr", "PSNR").replace("ssim", "SSIM") for name in names]
        rows = []
        for score in self.scores:
            note = "" if score.status == "ok" else " (low confidence)"
            pixels, values = next(iter(score.pixels.values())), score.values()
            rows.append([score.name + note, pixels, *(_number(name, values[name]) for name in names)])
        for kind in ("mean", "median") if self.scores else ():
            summary = self.summary()
            rows.append([f"{kind} of {len(self.scores)}", "", *(_number(name, summary[name][kind]) for name in names)])
        lines = [markdown_table(["face", "pixels", *titles], rows)]
        lines += [f"failed: {name}: {why}" for name, why in self.failed]
        return "\n".join(lines) + "\n"


def compare(
    first: UInt8[np.ndarray, "_ _ 3"],
    second: UInt8[np.ndarray, "_ _ 3"],
    masks: Mapping[str, Bool[np.ndarray, "_ _"]],
    *,
    name: str,
    points5: Float[np.ndarray, "5 2"] | None = None,
    embedders: Sequence[Embedder] = (),
    status: str = "ok",
) -> TextureScore:
    """Measure two pictures of one size, within masks and as a whole.

    Args:
        first: The photo, sRGB, (H, W, 3).
        second: The rendering, (H, W, 3).
        masks: Regions by name, (H, W); ``full`` is added.
        name: For the table.
        points5: Eyes, nose tip and corners of the mouth in both, pixels; needed with `embedders`.
        embedders: Networks to compare the face with.
        status: For the table.

    Raises:
        InputError: `pictures_differ` (sizes), `picture_small` (below the SSIM's window), `mask_empty`.
        FaceError: `points_invalid`.
        ValueError: Embedders without points.
    """
    size = first.shape[:2]
    shapes = [first.shape[:2], second.shape[:2], *(mask.shape for mask in masks.values())]
    if any(shape != size for shape in shapes):
        sizes = ", ".join(f"{shape[1]}x{shape[0]}" for shape in shapes)
        what = f"pictures to compare must have the same size, got {sizes}"
        raise InputError("pictures_differ", what, name)
    if min(size) < WINDOW:
        what = f"{size[1]}x{size[0]} pixels are smaller than SSIM's window of {WINDOW}x{WINDOW}"
        raise InputError("picture_small", what, name)
    for region, mask in masks.items():
        if not mask.any():
            raise InputError("mask_empty", f"the region `{region}` has no pixel", name)
    identity: dict[str, float] = {}
    for embedder in embedders:
        if points5 is None:
            raise ValueError("embedders need the five points of the face")
        a, b = embed_faces(embedder, [first, second], [points5, points5]).astype(np.float64)
        identity[embedder.name] = float(a @ b)
    similar = ssim_map(first, second)
    regions: dict[str, Bool[np.ndarray, "_ _"] | None] = {**masks, "full": None}
    return TextureScore(
        name=name,
        pixels={n: size[0] * size[1] if m is None else int(m.sum()) for n, m in regions.items()},
        psnr={n: psnr(first, second, m) for n, m in regions.items()},
        ssim={n: mean_ssim(similar, m) for n, m in regions.items()},
        identity=identity,
        status=status,
    )


def hull_mask(points: Float[np.ndarray, "N 2"], size: tuple[int, int]) -> Bool[np.ndarray, "H W"]:
    """Mask of the pixels whose centers lie in the convex hull of points, to within a pixel's width at its edge.

    Args:
        points: (N, 2) pixels, not all on a line.
        size: Width and height of the picture.
    """
    corners = points[ConvexHull(points).vertices] - 0.5  # drawing counts from pixels' centers
    picture = Image.new("1", size)
    ImageDraw.Draw(picture).polygon([(float(x), float(y)) for x, y in corners], fill=1)
    return np.array(picture)


def evaluate_folder(
    folder: Path,
    photos: Path | None = None,
    *,
    atlas: Atlas = "photo",
    embedders: Sequence[Embedder] = (),
) -> TextureTable:
    """Measure every head that `headform reconstruct` wrote into a folder.

    Args:
        folder: Result folder.
        photos: Folder of the photos; None takes their paths as they were given.
        atlas: Atlas to draw; see the module docstring.
        embedders: Networks to compare the faces with.

    Raises:
        InputError: `results_missing`, `results_invalid`, `results_incomplete`, `results_mismatch`, and what `images.read`
            raises for a photo that is not there or not readable.
        FaceError: `face_outside`.
    """
    faces, failed = list_faces(folder, photos)
    scores = [score_face(face, atlas=atlas, embedders=embedders) for face in faces]
    return TextureTable(tuple(scores), tuple(failed), atlas)


def list_faces(folder: Path, photos: Path | None = None) -> tuple[list[WrittenFace], list[tuple[str, str]]]:
    """List the faces that `headform reconstruct` wrote into a folder.

    Args:
        folder: Folder that `headform reconstruct -o` was given.
        photos: Folder in which photos are found by their names; None takes their paths as they were given.

    Returns:
        Faces in the order of the inputs, and for each failed input its path and its error's message.

    Raises:
        InputError: `results_missing` without a manifest; `results_invalid` when it cannot be parsed or lists nothing.
    """
    entries = read_manifest(folder)
    failed = [(entry.input, entry.error.message) for entry in entries if entry.error is not None]
    faces = [
        WrittenFace(
            Path(entry.input) if photos is None else photos / Path(entry.input).name, folder / f.folder, f.status
        )
        for entry in entries
        for f in entry.faces
    ]
    if not faces and not failed:
        raise InputError("results_invalid", "the manifest lists nothing", str(folder / MANIFEST))
    return faces, failed


def score_face(face: WrittenFace, *, atlas: Atlas = "photo", embedders: Sequence[Embedder] = ()) -> TextureScore:
    """Measure one written head against its photo; errors as `evaluate_folder`."""
    head = read_head(face.folder, atlas)
    photo = images.read(face.photo)
    drawn = rerender(head, photo.rgb, photo.reduction)
    points = head.points68.astype(np.float64) / photo.reduction
    inner = drawn.mask & hull_mask(points, photo.size)
    return compare(
        photo.rgb,
        drawn.rgb,
        {"face": inner, "masked": drawn.mask},
        name=face.folder.name,
        points5=five_points(points),
        embedders=embedders,
        status=face.status,
    )


def _number(name: str, value: float) -> str:
    if math.isinf(value):
        return "∞"
    return f"{value:.2f}" if name.startswith("psnr") else f"{value:.4f}"
