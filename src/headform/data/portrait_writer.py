"""Write prepared portraits: read each photo with the committee, keep what agrees, turn copies; can be stopped and resumed.

N dense points, S side of a crop, W side of the window about it. Pixel coordinates have their origin at the top-left corner.
"""

import io
import json
import zlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float

from headform import images
from headform.data.contour_classes import BAND, contour_classes
from headform.data.contours import CORNERS68, AnnotatedFace, curves68, onto_annotation, read_contours
from headform.data.landmark_classes import classes_of_landmarks
from headform.data.portraits import (
    FORMAT,
    INDEX,
    LOOSE_SHARE,
    NO_FOLD,
    PLAN,
    SETS,
    SIDE,
    fold_of,
    person_of,
    warped_classes,
)
from headform.data.turned_portraits import turn_picture
from headform.errors import FaceError, InputError, check_choice
from headform.geometry.camera import PerspectiveCamera
from headform.geometry.landmarks68 import JAW
from headform.images.photo import Photo
from headform.images.warp import apply, square_matrix, warp
from headform.io import image_bytes
from headform.io.atomic import make_folder, write_bytes
from headform.io.folder_lock import FolderLock
from headform.io.json_file import read_json
from headform.nets.crop_geometry import loose_square
from headform.nets.landmarks.committee import Committee
from headform.nets.landmarks.committee_calibration import load_calibration
from headform.pipeline.landmarks68 import to_outline
from headform.pipeline.reconstruction import Reconstruction
from headform.pipeline.reconstructor import Reconstructor
from headform.render.rasterize import rasterize
from headform.render.visibility import visible_points

POINT_APART = 0.025
"""Root mean square distance of the members from a landmark, in face sizes, above which it is not trusted: 3 % of the
landmarks of 55 portraits."""
FACE_APART = 0.019
"""The same averaged over the 68 points, above which a portrait is dropped: 2 % of them."""
DENSE_APART = 0.04
"""Distance of network and fitted head, in face sizes, above which a surface point is not trusted: 3 % of them."""
LEAST_FACE = 32.0
"""Face size in pixels, the root of the area of the box of the 68 points, below which a portrait is dropped."""
MOST_UNSEEN = 8
"""Landmarks covered or outside of the photo above which a portrait is dropped."""
_QUALITY = 95
_WINDOW = 2 * SIDE
"""Side of the window that is read for turned copies; the crop is its middle."""
_VISIBLE_M = 3e-3
"""Depth that a surface point may lie behind the surface and be visible, meters."""


@dataclass(frozen=True)
class PortraitPlan:
    """Choice of the portraits and of their turned copies.

    Attributes:
        sets: names of `portraits.SETS`.
        turned: turned copies of each photo.
        yaw: least and greatest turn to either side, degrees; drawn evenly.
        pitch: greatest turn up or down, degrees.
        most_yaw: greatest yaw of a turned head toward the camera, degrees; copies beyond are turned less.
        seed: seed of the turns.
    """

    sets: tuple[str, ...] = tuple(SETS)
    turned: int = 2
    yaw: tuple[float, float] = (12.0, 62.0)
    pitch: float = 18.0
    most_yaw: float = 68.0
    seed: int = 0


def write_portraits(
    photos: Path,
    out: Path,
    plan: PortraitPlan | None = None,
    *,
    done: Callable[[str], None] = lambda sentence: None,
) -> dict[str, Any]:
    """Prepare the portraits under a folder; photos that are done already are kept.

    Args:
        photos: folder of the sets.
        out: created if needed.
        plan: what is prepared; None for the defaults.
        done: told of each photo in turn.

    Returns:
        The facts of the index: counts of photos, copies and dropped photos.

    Raises:
        InputError: those of `photos_of`; `dataset_exists` when `out` was made with another plan; those of
            `read_contours`.
        UsageError: `option_unknown` for an unknown set.
        ResourceError: `write_failed`, `folder_in_use`.
    """
    plan = plan or PortraitPlan()
    names = photos_of(photos, plan.sets)
    truth = _annotations(photos, plan.sets)
    folds = {person_of(name): fold for name, fold in fold_of(list(truth)).items()}
    make_folder(out)
    with FolderLock(out):
        _keep_plan(out, plan)
        reader: PortraitReader | None = None
        entries: list[dict[str, Any]] = []
        dropped = 0
        for name in names:
            stem = name.rsplit(".", 1)[0].replace("/", "-")
            kept, refused = out / f"{stem}.npz", out / f"{stem}.json"
            sentence = f"{name}: there already"
            if not kept.is_file() and not refused.is_file():
                reader = reader or PortraitReader(plan)
                rows, reason = reader.read(images.read(photos / name), name, truth.get(name))
                sentence = f"{name}: {reason or 'kept'}"
                if rows is None:
                    write_bytes(refused, (json.dumps({"reason": reason}) + "\n").encode())
                else:
                    packed = io.BytesIO()
                    np.savez_compressed(packed, **rows)  # type: ignore[arg-type]
                    write_bytes(kept, packed.getvalue())
            if kept.is_file():
                person = person_of(name)
                entry = {"file": kept.name, "person": person, "fold": folds.get(person, NO_FOLD)}
                entries.append(entry | {"copies": 1 + plan.turned})
            else:
                dropped += 1
            done(sentence)
        facts = {
            "photos": len(entries),
            "copies": len(entries) * (1 + plan.turned),
            "dropped": dropped,
            "plan": asdict(plan),
            "sources": {name: SETS[name] for name in plan.sets},
        }
        index = {"format": FORMAT, "facts": facts, "photos": entries}
        write_bytes(out / INDEX, (json.dumps(index, indent=1) + "\n").encode())
    return facts


def photos_of(photos: Path, sets: Sequence[str]) -> list[str]:
    """Return set and file of the photos under a folder.

    Raises:
        InputError: `portraits_missing` without any photo.
        UsageError: `option_unknown` for an unknown set.
    """
    for name in sets:
        check_choice(name, tuple(SETS), "set")
    names = [f"{s}/{file.name}" for s in sets for file in sorted((photos / s).glob("*.jpg"))]
    if not names:
        what = f"there are no photos in {', '.join(sets)}"
        raise InputError("portraits_missing", what, str(photos), "give the folder that holds the sets")
    return names


def _annotations(photos: Path, sets: Sequence[str]) -> dict[str, AnnotatedFace]:
    found: dict[str, AnnotatedFace] = {}
    for name in sets:
        file = photos / name / "landmarks189.json"
        if file.is_file():
            found |= {f"{name}/{Path(face.photo).name}": face for face in read_contours(file)}
    return found


def _keep_plan(out: Path, plan: PortraitPlan) -> None:
    """Write the plan, or check that it is the one of a folder that was begun."""
    wanted = json.loads(json.dumps({"format": FORMAT, "plan": asdict(plan)}))
    path = out / PLAN
    if path.is_file():
        try:
            same = read_json(path, 1 << 20) == wanted
        except (OSError, ValueError):
            same = False
        if not same:
            what = "the folder holds portraits that were prepared otherwise"
            raise InputError("dataset_exists", what, str(out), "choose another folder, or remove this one")
    else:
        write_bytes(path, (json.dumps(wanted, indent=1) + "\n").encode())


class PortraitReader:
    """Labels of portraits by the committee, the fit and hand-placed contours."""

    def __init__(self, plan: PortraitPlan) -> None:
        self._plan = plan
        self._road = Reconstructor.load(texture_size=0)
        self._committee, (self._calibration, _) = Committee.load(), load_calibration()
        self._head = self._road.head
        self._faces, self._mirror = self._head.faces.numpy(), self._head.mirror.numpy()

    def read(self, photo: Photo, name: str, face: AnnotatedFace | None) -> tuple[dict[str, np.ndarray] | None, str]:
        """Return the arrays of a photo's file; or None and the reason for which it is dropped.

        Args:
            photo: the photo.
            name: its set and file, of which the turns are drawn.
            face: hand-placed contours, if there are any.
        """
        try:
            (result,) = self._road.reconstruct(photo)
        except FaceError as error:
            return None, error.code
        reading = self._committee.read([photo.rgb], [result.dense[:68]])[0]
        frame = reading.frame
        offsets = self._calibration.offset68[1:]
        moved = np.stack([frame.shifted(p, o) for p, o in zip(reading.points68, offsets, strict=True)])
        apart = np.sqrt(((moved - result.points68) ** 2).sum(2).mean(0)) / frame.size
        unseen = sum(state != "seen" for state in result.states68)
        if frame.size < LEAST_FACE:
            return None, "face_small"
        if float(apart.mean()) > FACE_APART or result.status != "ok":
            return None, "networks_disagree"
        if unseen > MOST_UNSEEN:
            return None, "face_covered"
        trusted = (apart < POINT_APART) & np.array([state == "seen" for state in result.states68])
        points, annotated = result.points68, np.zeros(68, bool)
        if face is not None:
            points = onto_annotation(points, face)
            annotated[[*curves68(), *CORNERS68]] = True
        return self._rows(result, name, points, trusted | annotated, annotated, frame.size, face), ""

    def _rows(
        self,
        result: Reconstruction,
        name: str,
        points: Float[np.ndarray, "68 2"],
        trusted: Bool[np.ndarray, "68"],
        annotated: Bool[np.ndarray, "68"],
        size: float,
        face: AnnotatedFace | None,
    ) -> dict[str, np.ndarray]:
        x, y, loose = loose_square(points)
        span = loose / LOOSE_SHARE * (_WINDOW / SIDE)
        matrix = square_matrix(x + (loose - span) / 2, y + (loose - span) / 2, span, _WINDOW)
        window = warp(result.photo, matrix, _WINDOW)
        camera = PerspectiveCamera(
            np.vstack([matrix, [0.0, 0.0, 1.0]]) @ result.camera.K, result.camera.R, result.camera.t
        )
        if face is None:
            classes = classes_of_landmarks(apply(matrix, points), trusted, _WINDOW)
        else:
            classes = warped_classes(contour_classes(face, result.photo, band=BAND), matrix, _WINDOW)
        inner = (_WINDOW - SIDE) // 2
        crop = slice(inner, inner + SIDE)
        surface = result.vertices[self._head.dense.numpy()]
        fitted = result.camera.project(surface)[:, :2]
        near = np.linalg.norm(fitted - result.dense, axis=1) < DENSE_APART * size
        moves = self._moves(result, camera, apply(matrix, points))
        pictures = [(window[crop, crop], classes[crop, crop], camera.cropped(float(inner), float(inner)))]
        turns = [(0.0, 0.0)]
        for yaw, pitch in self._turns(name, result.camera):
            copy = turn_picture(
                window, classes, result.vertices, self._faces, self._mirror, camera, SIDE,
                yaw=np.radians(yaw), pitch=np.radians(pitch),
            )  # fmt: skip
            pictures.append((copy.rgb, copy.classes, copy.camera))
            turns.append((yaw, pitch))
        jpegs = [image_bytes.jpeg(rgb, quality=_QUALITY) for rgb, _, _ in pictures]
        places = [camera.project(surface) for _, _, camera in pictures]
        return {
            "jpeg": np.frombuffer(b"".join(jpegs), np.uint8),
            "jpeg_ends": np.cumsum([len(j) for j in jpegs]),
            "classes": np.stack([c for _, c, _ in pictures]),
            "points68": np.stack([self._landmarks(result, moves, camera) for _, _, camera in pictures]).astype(
                np.float32
            ),
            "trusted68": trusted,
            "annotated68": annotated,
            "dense": np.stack([p[:, :2] for p in places]).astype(np.float32),
            "trusted": near,
            "visible": np.stack([self._visible(result, p, c) for p, (_, _, c) in zip(places, pictures, strict=True)]),
            "expression": result.expression.astype(np.float32),
            "gaze": result.gaze.astype(np.float32),
            "identity": result.identity.astype(np.float32),
            "rotation": np.stack([camera.R for _, _, camera in pictures]).astype(np.float32),
            "distance": np.array([np.linalg.norm(camera.t) for _, _, camera in pictures], np.float32),
            "turn": np.array(turns, np.float32),
        }

    def _turns(self, name: str, camera: PerspectiveCamera) -> list[tuple[float, float]]:
        """Draw the turns of a photo, degrees; they depend on its name and the seed alone."""
        rng = np.random.default_rng((self._plan.seed, zlib.crc32(name.encode())))
        has = float(np.degrees(np.arctan2(camera.R[0, 2], -camera.R[2, 2])))
        found = []
        first = int(rng.integers(2))
        for k in range(self._plan.turned):
            side = 1 if (first + k) % 2 else -1  # to either side in turn
            yaw = side * rng.uniform(*self._plan.yaw)
            yaw = float(np.clip(yaw, -self._plan.most_yaw - has, self._plan.most_yaw - has))
            found.append((yaw, float(rng.uniform(-self._plan.pitch, self._plan.pitch))))
        return found

    def _moves(
        self, result: Reconstruction, camera: PerspectiveCamera, points: Float[np.ndarray, "68 2"]
    ) -> Float[np.ndarray, "68 3"]:
        """Return the way from the head's landmarks to the given points, at their depth, meters in the head frame."""
        marks = self._marks(result)
        there = camera.project(marks)
        there[:, :2] += points - self._landmarks(result, np.zeros((68, 3)), camera)
        return np.asarray(camera.unproject(there) - marks)

    def _landmarks(
        self, result: Reconstruction, moves: Float[np.ndarray, "68 3"], camera: PerspectiveCamera
    ) -> Float[np.ndarray, "68 2"]:
        """Return the head's landmarks in a picture, its jaw on the outline, and moved."""
        marks = self._marks(result)
        points = camera.project(marks)[:, :2]
        # before the points are moved: the outline would take the moves back
        outline = to_outline(self._head, result.vertices, camera, points[JAW])
        points = camera.project(marks + moves)[:, :2]
        points[JAW] += outline
        return points

    def _marks(self, result: Reconstruction) -> Float[np.ndarray, "68 3"]:
        return np.asarray(self._head.landmarks(torch.from_numpy(result.vertices)).double().numpy())

    def _visible(
        self, result: Reconstruction, places: Float[np.ndarray, "N 3"], camera: PerspectiveCamera
    ) -> Bool[np.ndarray, " N"]:
        flat = camera.project(result.vertices)
        found = rasterize(flat, self._faces, SIDE, SIDE)
        return visible_points(places, flat, self._faces, found, tolerance=_VISIBLE_M)
