"""Parsed faces against the hand-placed contours of London and Canada.

    python -m benchmarks.parsing_polygons [FILE ...] [--data ../shared/data] [--sheet FOLDER] [--json FILE] [--no-mirror]

With K files of weights, file k is that of `headform train parsing --folds K --fold k`, and each face is judged by the
network that has not seen its person. With one file (by default the one that ships) all faces are judged by it, seen or not.

Brows, eyes and lips: inside their closed contours. Skin: inside hairline, fronts of the ears and jaw, without those. Hair
has no contour of its own: above the line through the upper ends of the ears' fronts, what is outside of the hairline and
differs from the color of the backdrop by more than 32 levels, joined to the band between hairline and outline of the head.
Background: what differs by less than 12 levels, above the chin, within the parsed crop. Left out: ears and 0.08 pupil
distances around them, levels between 12 and 32 (single hairs), all else below the ears, and what is darker than the face by
40 levels above the brows (fringes, across which the annotated hairline runs). "hair, annotated band" is the band between
hairline and the upper outline (points 148 to 154) as annotated, over band and face alone; that outline cuts tall hair off
and includes backdrop.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import tyro
from PIL import Image, ImageDraw
from tyro.conf import Positional

from benchmarks.environment import default_data, describe
from headform import images
from headform.data.contour_classes import contour_classes, hair_band
from headform.data.contours import AnnotatedFace, read_contours
from headform.data.open_portraits import ANNOTATED, CONTOURS, fold_of
from headform.errors import FaceError
from headform.evaluate.images.parsing import ClassAreas, class_areas, overlaps
from headform.evaluate.tables import markdown_table
from headform.geometry.face_classes import BACKGROUND, HAIR, SKIN, UNKNOWN
from headform.nets.parsing_predictor import ParsingPredictor
from headform.nets.shipped import load_parsing
from headform.pipeline.reconstructor import Reconstructor
from headform.viz.parsing_colors import CLASS_COLORS, tinted

JUDGED = ("hair", "brows", "lips", "eyes", "skin", "background")
BAND = "hair, annotated band"
SIZE, COLUMNS = 300, 10
"""Side of one photo on the sheet, and photos in a row."""
MARGIN = 3.0
"""Side of a photo on the sheet over the longer side of the face's box."""


@dataclass(frozen=True)
class Arguments:
    """Weights and places."""

    weights: Positional[tuple[Path, ...]] = ()
    data: Path = field(default_factory=default_data)
    mirror: bool = True
    sheet: Path | None = None
    """Folder for pictures: every annotated face, and other photos."""
    others: tuple[str, ...] = ("congress:30", "deepface:20", "skimage:2", "dxy_68pts:8")
    """Folders of other photos on the sheet, each with a number of photos."""
    json: Path | None = None


def main(arguments: Arguments) -> None:
    """Print the tables."""
    files: Sequence[Path | None] = arguments.weights or (None,)
    parsers = [ParsingPredictor(load_parsing(file)[0], mirror=arguments.mirror) for file in files]
    finder = Reconstructor.load(landmarks_net="own", texture_size=0)
    photos = arguments.data / "photos"
    areas: dict[str, list[ClassAreas]] = {name: [] for name in ANNOTATED}
    bands: dict[str, list[ClassAreas]] = {name: [] for name in ANNOTATED}
    folds: list[int] = []
    tiles: list[np.ndarray] = []
    for folder in ANNOTATED:
        for face in read_contours(photos / folder / CONTOURS):
            name = f"{folder}/{face.photo}"
            fold = fold_of(name, len(parsers)) if len(parsers) > 1 else 0
            photo = images.read(photos / name)
            points = finder.find(photo)[0].prediction.points[:68]
            (parsed,) = parsers[fold].parse([photo.rgb], [points])
            labels = parsed.labels((photo.rgb.shape[1], photo.rgb.shape[0]))
            truth = contour_classes(face, photo.rgb)
            truth[(labels == UNKNOWN) & (truth == BACKGROUND)] = UNKNOWN  # beyond the parsed crop
            areas[folder].append(class_areas(labels, truth))
            bands[folder].append(class_areas(labels, band_classes(face, photo.rgb)))
            folds.append(fold)
            tiles.append(tile(photo.rgb, labels, points))
    print(report(areas, bands, folds))
    print(describe())
    if arguments.sheet is not None:
        arguments.sheet.mkdir(parents=True, exist_ok=True)
        save_sheet(tiles, arguments.sheet / "annotated.png")
        save_sheet(list(other_tiles(arguments, parsers[0], finder)), arguments.sheet / "others.png")
    if arguments.json is not None:
        content = {name: [asdict(o) for o in overlaps(rows, JUDGED)] for name, rows in areas.items()}
        arguments.json.write_text(json.dumps(content, indent=1))


def band_classes(face: AnnotatedFace, rgb: np.ndarray) -> np.ndarray:
    """Return classes with hair as annotated, known inside of face and band alone."""
    band = hair_band(face, rgb.shape[:2])
    classes = contour_classes(face, rgb)
    inner = (classes != HAIR) & (classes != UNKNOWN) & (classes >= SKIN) & ~band
    out = np.full(classes.shape, UNKNOWN, np.uint8)
    out[inner] = classes[inner]
    out[band] = HAIR
    return out


def report(areas: dict[str, list[ClassAreas]], bands: dict[str, list[ClassAreas]], folds: Sequence[int]) -> str:
    """Format the table."""
    groups = {**areas, "both": [a for rows in areas.values() for a in rows]}
    banded = {**bands, "both": [a for rows in bands.values() for a in rows]}
    rows: list[list[object]] = []
    for group, chosen in groups.items():
        for o in (*overlaps(chosen, JUDGED), *overlaps(banded[group], ("hair",))):
            label = o.name if len(rows) % (len(JUDGED) + 1) < len(JUDGED) else BAND
            rows.append([group, label, o.faces, *(f"{v:.1f}" for v in (o.mean, o.pooled, o.least))])
    if len(set(folds)) > 1:
        for fold in sorted(set(folds)):
            chosen = [a for a, k in zip(groups["both"], folds, strict=True) if k == fold]
            for o in overlaps(chosen, JUDGED):
                rows.append([f"fold {fold}", o.name, o.faces, *(f"{v:.1f}" for v in (o.mean, o.pooled, o.least))])
    cells = [[str(cell) for cell in row] for row in rows]
    return markdown_table(["faces of", "class", "faces", "mean IoU %", "pooled %", "worst face %"], cells)


def other_tiles(arguments: Arguments, parser: ParsingPredictor, finder: Reconstructor) -> list[np.ndarray]:
    """Parse other photos, evenly spread over their folders."""
    tiles = []
    for entry in arguments.others:
        folder, _, count = entry.partition(":")
        files = sorted(f for f in (arguments.data / "photos" / folder).iterdir() if f.suffix in (".jpg", ".png"))
        for k in range(min(int(count), len(files))):
            photo = images.read(files[k * len(files) // min(int(count), len(files))])
            try:
                points = finder.find(photo)[0].prediction.points[:68]
            except FaceError:
                continue
            (parsed,) = parser.parse([photo.rgb], [points])
            tiles.append(tile(photo.rgb, parsed.labels((photo.rgb.shape[1], photo.rgb.shape[0])), points))
    return tiles


def tile(rgb: np.ndarray, labels: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Draw a photo and its classes side by side, cut to the wide crop."""
    middle = (points.min(0) + points.max(0)) / 2
    half = float(np.ptp(points, axis=0).max()) * MARGIN / 2
    box = tuple(int(v) for v in (*(middle - half), *(middle + half)))
    pair = [Image.fromarray(p).crop(box).resize((SIZE, SIZE)) for p in (rgb, tinted(rgb, labels))]
    return np.concatenate([np.asarray(p) for p in pair], 1)


def save_sheet(tiles: Sequence[np.ndarray], path: Path) -> None:
    """Write tiles below a legend, in pages of sixty."""
    for page in range(0, len(tiles), 60):
        part = tiles[page : page + 60]
        columns = COLUMNS // 2
        rows = -(-len(part) // columns)
        sheet = Image.new("RGB", (columns * 2 * SIZE, rows * SIZE + 24))
        pen = ImageDraw.Draw(sheet)
        for n, (name, color) in enumerate(CLASS_COLORS.items()):
            pen.rectangle((n * 130, 4, n * 130 + 16, 20), fill=color, outline=(255, 255, 255))
            pen.text((n * 130 + 22, 6), name, fill=(255, 255, 255))
        for n, each in enumerate(part):
            sheet.paste(Image.fromarray(each), (n % columns * 2 * SIZE, n // columns * SIZE + 24))
        sheet.save(path.with_stem(f"{path.stem}_{page // 60}"))


if __name__ == "__main__":
    main(tyro.cli(Arguments))
