"""Crops of uncovered faces on which covers are drawn: open portraits and synthetic faces.

R faces, S side of a crop. Pixels have their origin at the top-left corner.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from headform import images
from headform.errors import FaceError
from headform.heads.linear import LinearHead
from headform.images.photo import Photo
from headform.images.warp import apply, warp
from headform.nets.crop_geometry import EyeFrame
from headform.pipeline.reconstructor import Reconstructor
from headform.synth.generator import Generator
from headform.synth.randomization import FULL

SIDE = 192
"""Side of the stored crops, pixels."""
MARGIN = 1.9
"""Side of the stored crops over the longer side of the face's box."""
SETS = ("london", "canada", "congress")
HELD_OUT = 8
"""One portrait (of congress) and one person (of the other sets) in so many is held out."""
RECIPE = FULL.with_changes(
    glasses={"sunglasses_rate": 0.0, "tint_rate": 0.1},
    occluders={"rate": 0.0, "strands_rate": 0.0},
    pose={"wide_yaw": 75.0},
    degradation={"strength": 0.4},
)
"""Synthetic faces without objects of their own and without sunglasses, often in profile, which portraits seldom are."""
_SYNTHETIC_SIDE = 176


@dataclass(frozen=True)
class Faces:
    """Uncovered faces."""

    name: np.ndarray  # (R,) file under the photos' folder, or the number of a synthetic face
    image: np.ndarray  # (R, S, S, 3) uint8 sRGB
    inside: np.ndarray  # (R, S, S) bool: the pixel lies in the photo
    points: np.ndarray  # (R, 68, 2) pixels of the crop

    def chosen(self, rows: np.ndarray) -> "Faces":
        """Some of them."""
        return Faces(*(getattr(self, f.name)[rows] for f in fields(self)))


def held_out(name: str) -> bool:
    """Whether a portrait is kept from training; both photos of a person of `london` are, or neither."""
    folder, file = name.split("/")
    key = file[:3] if folder != "congress" else file.split(".")[0]
    number = sum(ord(letter) * 31**k for k, letter in enumerate(key))
    return number % HELD_OUT == 0


def portraits(photos: Path) -> Iterator[str]:
    """List the open portraits, as paths under the photos' folder."""
    for folder in SETS:
        yield from sorted(f"{folder}/{file.name}" for file in (photos / folder).glob("*.jpg"))


def read_faces(photos: Path, synthetic: int, seed: int, keep: Path) -> Faces:
    """Read the largest face of each open portrait and draw synthetic ones; kept in a file."""
    if not keep.is_file():
        rows = list(_read_portraits(photos)) + list(_draw(synthetic, seed))
        columns = {f.name: np.stack([np.asarray(row[k]) for row in rows]) for k, f in enumerate(fields(Faces))}
        np.savez(keep, **columns)
    with np.load(keep) as stored:
        return Faces(**{f.name: stored[f.name] for f in fields(Faces)})


def _read_portraits(photos: Path) -> Iterator[tuple[object, ...]]:
    finder = Reconstructor.load(landmarks_net="own", texture_size=0)
    for name in portraits(photos):
        photo = images.read(photos / name)
        try:
            found = finder.find(photo)[0]
        except FaceError:
            continue
        yield (name, *_crop(photo, found.prediction.points[:68]))


def _draw(count: int, seed: int) -> Iterator[tuple[object, ...]]:
    from headform import heads

    head: LinearHead = heads.load_open()
    generator = Generator(head, size=_SYNTHETIC_SIDE, view="loose", randomization=RECIPE)
    rng = np.random.default_rng(seed)
    for number in range(count):
        batch = generator.batch(rng, 1)
        photo = images.from_array(batch.images[0])
        yield (f"synthetic/{number}", *_crop(photo, batch.points[0, :68].astype(np.float64)))


def _crop(photo: Photo, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    matrix = EyeFrame.of(points).crop(SIDE, MARGIN)
    white = np.full(photo.rgb.shape, 255, np.uint8)
    framed = np.zeros((photo.rgb.shape[0] + 2, photo.rgb.shape[1] + 2, 3), np.uint8)
    framed[1:-1, 1:-1] = white
    shifted = matrix.copy()
    shifted[:, 2] -= matrix[:, :2] @ np.ones(2)
    inside = warp(framed, shifted, SIDE)[..., 0] > 127
    return warp(photo.rgb, matrix, SIDE), inside, apply(matrix, points)
