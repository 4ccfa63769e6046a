"""Faces that are cut or covered: are they noticed, are whole ones left alone, and does the confidence order the errors?

    python -m benchmarks.covered_faces [--data ../shared/data] [--people N] [--synthetic N] [--json FILE]

Whole faces: open portraits that the network of covers was not taught with (`tools.cover.faces.held_out`). Covers are drawn
on them, on the held-out annotated portraits and on synthetic faces with the painters of `tools/cover`, and pictures are cut.
The error of a face is the mean distance of its 68 points from the true ones in units of the face's size: for synthetic
faces the
known surface points, for annotated portraits the points of the whole photo moved onto the hand-placed curves.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import tyro
from scipy.stats import spearmanr

from benchmarks.environment import default_data, describe
from headform import Reconstruction, Reconstructor, images
from headform.data.contours import AnnotatedFace, curves68, read_contours
from headform.errors import FaceError
from headform.geometry.polyline import nearest_on
from headform.images.warp import apply, warp
from headform.nets.crop_geometry import EyeFrame
from headform.synth.generator import Generator
from tools.cover.covers import PAINTERS, Scene
from tools.cover.faces import RECIPE, held_out, portraits

SIDE, MARGIN = 384, 2.4
"""Side of the pictures, pixels, and side over the longer side of the face's box."""
CUTS = ("cut below", "cut above", "cut right", "cut left")
ANNOTATED = ("london", "canada")
SEED = 90001
"""No training used it."""
COVERS = 5
"""Covers and cuts of each face whose true points are known."""
CORRELATED = (
    ("annotated portraits", ANNOTATED),
    ("synthetic faces", ("synthetic",)),
    ("all of them", (*ANNOTATED, "synthetic")),
)
"""Faces with known points."""
MUCH = 0.3
"""Share of the points, hidden in truth, from which a face is to be marked."""


@dataclass(frozen=True)
class Row:
    """One picture and what was said of it."""

    name: str
    kind: str
    found: bool
    status: str = ""
    confidence: float = 0.0
    reasons: tuple[str, ...] = ()
    error: float = float("nan")
    hidden: float = 0.0
    """Share of the points that are outside or covered in truth."""
    hits: int = 0
    said: int = 0
    true: int = 0
    """Hidden points that were marked, points that were marked, points that are hidden."""


@dataclass(frozen=True)
class Arguments:
    """Sizes and places."""

    data: Path = field(default_factory=default_data)
    people: int = 176
    synthetic: int = 24
    json: Path | None = None


@dataclass(frozen=True)
class Face:
    """A whole face: picture, true points, and what the reconstruction of the whole picture says."""

    name: str
    rgb: np.ndarray
    points: np.ndarray
    surface: bool  # true points are those of the surface, not the annotators'


def main(arguments: Arguments) -> None:
    """Print the tables."""
    reconstructor = Reconstructor.load(texture_size=0)
    rng = np.random.default_rng(SEED)
    rows: list[Row] = []
    photos = arguments.data / "photos"
    names = [name for name in portraits(photos) if held_out(name)][: arguments.people or None]
    whole = list(portrait_faces(reconstructor, photos, names))
    made = list(synthetic_faces(reconstructor, rng, arguments.synthetic))
    for number, face in enumerate(whole + made):
        rows.append(measured(reconstructor, face, "whole", face.rgb, np.zeros(68, bool), np.zeros(2)))
        known = face.surface or face.name.split("/")[0] in ANNOTATED
        kinds = [*PAINTERS, *CUTS]
        chosen = [kinds[(number + k * 5) % len(kinds)] for k in range(COVERS if known else 0)]
        for kind in chosen:
            other = whole[int(rng.integers(len(whole)))].rgb
            rows.append(measured(reconstructor, face, kind, *changed(rng, face, kind, other)))
    print(report(rows))
    print(describe())
    if arguments.json is not None:
        arguments.json.write_text(json.dumps([asdict(row) for row in rows]))


def portrait_faces(
    reconstructor: Reconstructor, photos: Path, names: Sequence[str], *, annotated: bool = False
) -> Iterator[Face]:
    """Cut out whole portraits; points are those of the result, moved onto the curves of those that are annotated."""
    truth = {f"{s}/{f.photo}": f for s in ANNOTATED for f in read_contours(photos / s / "landmarks189.json")}
    for name in names:
        if annotated and name not in truth:
            continue
        photo = images.read(photos / name)
        try:
            points = reconstructor.reconstruct(photo)[0].points68
        except FaceError:
            print(f"{name}: no face")
            continue
        if name in truth:
            points = on_curves(points, truth[name])
        matrix = EyeFrame.of(points).crop(SIDE, MARGIN)
        yield Face(name, warp(photo.rgb, matrix, SIDE), apply(matrix, points), False)


def synthetic_faces(reconstructor: Reconstructor, rng: np.random.Generator, count: int) -> Iterator[Face]:
    """Draw synthetic faces."""
    generator = Generator(reconstructor.head, size=SIDE * 3 // 4, view="loose", randomization=RECIPE)
    for number in range(count):
        batch = generator.batch(rng, 1)
        yield Face(f"synthetic/{number}", batch.images[0], batch.points[0, :68].astype(np.float64), True)


def on_curves(points: np.ndarray, face: AnnotatedFace) -> np.ndarray:
    """Move 68 points onto the hand-placed curves on which they lie."""
    moved = points.copy()
    for point, curve in curves68().items():
        moved[point] = nearest_on(points[point], face.points[list(curve)])
    return moved


def changed(
    rng: np.random.Generator, face: Face, kind: str, other: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cover or cut a picture; return it, the hidden points, and the shift of its origin."""
    points, side = face.points, len(face.rgb)
    if kind in CUTS:
        low, high = points.min(0), points.max(0)
        share = rng.uniform(0.5, 0.9)
        axis = int(kind in ("cut below", "cut above"))
        if kind in ("cut below", "cut right"):
            edge = int(low[axis] + share * (high - low)[axis])
            gone = points[:, axis] > edge
            rgb = face.rgb[:edge] if axis else face.rgb[:, :edge]
            return np.ascontiguousarray(rgb), gone, np.zeros(2)
        edge = int(high[axis] - share * (high - low)[axis])
        rgb = face.rgb[edge:] if axis else face.rgb[:, edge:]
        return np.ascontiguousarray(rgb), points[:, axis] < edge, np.eye(2)[axis] * edge
    picture = face.rgb.astype(np.float32)
    color, opacity = PAINTERS[kind][0](rng, Scene(picture, points, other.astype(np.float32)))
    picture = picture + (color - picture) * opacity[..., None]
    x, y = np.clip(points, 0, side - 1).astype(int).T
    return np.clip(picture, 0, 255).astype(np.uint8), opacity[y, x] > 0.5, np.zeros(2)


def measured(
    reconstructor: Reconstructor, face: Face, kind: str, rgb: np.ndarray, hidden: np.ndarray, shift: np.ndarray
) -> Row:
    """Reconstruct a changed picture and compare."""
    share = float(hidden.mean())
    try:
        result = reconstructor.reconstruct(rgb)[0]
    except FaceError:
        return Row(face.name, kind, False, hidden=share)
    said = np.array([state != "seen" for state in getattr(result, "states68", ("seen",) * 68)])
    error = (
        np.linalg.norm(_points(result, face.surface) + shift - face.points, axis=1).mean()
        / EyeFrame.of(face.points).size
    )
    return Row(
        face.name, kind, True, result.status, result.confidence, tuple(result.reasons), float(error), share,
        int((said & hidden).sum()), int(said.sum()), int(hidden.sum()),
    )  # fmt: skip


def _points(result: Reconstruction, surface: bool) -> np.ndarray:
    if not surface:
        return result.points68
    places = result.vertices[result.head.dense.numpy()[:68]].astype(np.float64)
    return np.asarray(result.camera.project(places)[:, :2])


def report(rows: list[Row]) -> str:
    """Format the tables."""
    lines = ["| whole faces | found | low_confidence | with a reason |", "|---|---|---|---|"]
    for label in ("congress", *ANNOTATED, "synthetic"):
        chosen = [r for r in rows if r.kind == "whole" and r.name.startswith(label) and r.found]
        low = sum(r.status != "ok" for r in chosen)
        unseen = sum(r.said > 0 for r in chosen)
        lines.append(f"| {label} | {len(chosen)} | {low} | {unseen} |")
    lines += [
        "",
        "| cover | pictures | no face | hidden a lot | of them marked | hidden points marked | marked points hidden |",
    ]
    lines += ["|---|---|---|---|---|---|---|"]
    for kind in (*PAINTERS, *CUTS):
        chosen = [r for r in rows if r.kind == kind]
        found = [r for r in chosen if r.found]
        much = [r for r in found if r.hidden >= MUCH]
        marked = sum(r.status != "ok" for r in much)
        hits, said, true = (sum(getattr(r, n) for r in found) for n in ("hits", "said", "true"))
        lines.append(
            f"| {kind} | {len(chosen)} | {len(chosen) - len(found)} | {len(much)} | {marked} "
            f"| {100 * hits / max(true, 1):.0f} % | {100 * hits / max(said, 1):.0f} % |"
        )
    lines += ["", "| rank correlation of confidence and error | pictures | Spearman |", "|---|---|---|"]
    for label, sets in CORRELATED:
        chosen = [r for r in rows if r.found and r.name.startswith(sets)]
        value = spearmanr([r.confidence for r in chosen], [r.error for r in chosen]).statistic
        lines.append(f"| {label} | {len(chosen)} | {value:.2f} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main(tyro.cli(Arguments))
