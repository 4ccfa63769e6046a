"""Prepared open portraits: crops with landmarks, surface points and class maps, of which one network or another can learn.

N dense points, S side of a stored crop, W side of a cut one. Pixel coordinates have their origin at the top-left corner.

    plan.json               what the folder was made from
    congress-012345.npz     one photo: its crop and the turned copies of it
    congress-012345.json    in its place where a photo was dropped, and why
    dataset.json            index, written last: a folder that has it is whole

`portrait_writer` writes them. Only sets whose licenses allow weights that ship take part (`SETS`); independent test photos
never do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Float32, UInt8

from headform import images
from headform.errors import InputError, WeightsError
from headform.geometry.face_classes import UNKNOWN
from headform.geometry.rotation import rotation_from_rotvec
from headform.images.warp import apply, inverse, warp
from headform.io.json_file import is_file_name, read_json
from headform.io.npz_file import read_npz
from headform.nets.crop_geometry import loose_square

FORMAT = "headform-portraits-1"
INDEX, PLAN = "dataset.json", "plan.json"
SETS: Mapping[str, str] = {
    "congress": "official portraits of the United States Congress, public domain",
    "london": "Face Research Lab London Set, Lisa DeBruine and Benedict Jones, CC BY 4.0",
    "canada": "Canadian faces, Lisa DeBruine, CC BY 4.0",
}
"""Folders of photos that may teach, with author and license."""
SIDE = 384
"""Side of a stored crop, pixels."""
LOOSE_SHARE = 2 / 3
"""Share of it that the loose square (`nets.crop_geometry`) takes: room to turn, shift and scale."""
LOOSE_IN_PICTURE = 8 / 9
"""Share of a synthetic face's picture that the loose square takes, which `Portrait.cut` follows."""
FOLDS = 4
NO_FOLD = -1
_LARGEST_INDEX = 1 << 24
_MAX_BYTES = 1 << 28
_MOST_COPIES = 1000
_LAYOUT: Mapping[str, tuple[str, tuple[str | int, ...]]] = {
    "jpeg": ("u", ()),
    "jpeg_ends": ("iu", ("C",)),
    "classes": ("u", ("C", "S", "S")),
    "points68": ("f", ("C", 68, 2)),
    "trusted68": ("b", (68,)),
    "annotated68": ("b", (68,)),
    "dense": ("f", ("C", "N", 2)),
    "trusted": ("b", ("N",)),
    "visible": ("b", ("C", "N")),
    "expression": ("f", ()),
    "gaze": ("f", (2,)),
    "identity": ("f", ()),
    "rotation": ("f", ("C", 3, 3)),
    "distance": ("f", ("C",)),
    "turn": ("f", ("C", 2)),
}
"""Kinds of types, and shapes: C copies, N points, S side; none for one axis of any length."""
_AGAIN = "prepare the portraits again with `headform data portraits`"


@dataclass(frozen=True, eq=False)
class Portrait:
    """Crop of a portrait with its labels, or a turned copy.

    Attributes:
        rgb: sRGB.
        points68: the 68 points in the annotators' convention, pixels.
        trusted68: points on which the networks agree, or that were placed by hand.
        annotated68: points that were placed by hand or lie on a curve that was.
        dense: surface points of the open head, pixels.
        trusted: surface points on which network and fitted head agree.
        visible: surface points that the head does not hide.
        classes: class of each pixel (`geometry.face_classes`), or `UNKNOWN`.
        expression: fitted weights.
        gaze: yaw to the subject's left and pitch up, radians.
        identity: fitted coefficients, standard deviations.
        rotation: camera (x right, y down, z forward) from head.
        distance: meters.
        turn: yaw and pitch by which this copy was turned, degrees; 0 for the photo itself.
        person: set and number; photos of one person share it.
        fold: fold of annotated people, for those who judge on the people left out; `NO_FOLD` for others.
    """

    rgb: UInt8[np.ndarray, "S S 3"]
    points68: Float32[np.ndarray, "68 2"]
    trusted68: Bool[np.ndarray, "68"]
    annotated68: Bool[np.ndarray, "68"]
    dense: Float32[np.ndarray, "N 2"]
    trusted: Bool[np.ndarray, " N"]
    visible: Bool[np.ndarray, " N"]
    classes: UInt8[np.ndarray, "S S"]
    expression: Float32[np.ndarray, " E"]
    gaze: Float32[np.ndarray, "2"]
    identity: Float32[np.ndarray, " K"]
    rotation: Float32[np.ndarray, "3 3"]
    distance: float
    turn: tuple[float, float]
    person: str
    fold: int

    def cut(
        self, side: int, *, scale: float = 1.0, angle: float = 0.0, shift: tuple[float, float] = (0.0, 0.0)
    ) -> "Portrait":
        """Cut the loose square as in the pictures of synthetic faces, of which it takes 8/9; the crop's border is repeated.

        Args:
            side: side W of the result, pixels.
            scale: magnification of the face.
            angle: turn of the picture, clockwise as it is seen, radians.
            shift: shift of the face right and down, sides of the result.
        """
        matrix = cut_matrix(self.points68, side, scale, angle, shift)
        rotation = (rotation_from_rotvec(np.array([0.0, 0.0, angle])) @ self.rotation).astype(np.float32)
        return Portrait(
            rgb=warp(self.rgb, matrix, side),
            points68=apply(matrix, self.points68).astype(np.float32),
            trusted68=self.trusted68,
            annotated68=self.annotated68,
            dense=apply(matrix, self.dense).astype(np.float32),
            trusted=self.trusted,
            visible=self.visible,
            classes=warped_classes(self.classes, matrix, side),
            expression=self.expression,
            gaze=self.gaze,
            identity=self.identity,
            rotation=rotation,
            distance=self.distance,
            turn=self.turn,
            person=self.person,
            fold=self.fold,
        )


def cut_matrix(
    points68: Float[np.ndarray, "68 2"], side: int, scale: float, angle: float, shift: tuple[float, float]
) -> Float[np.ndarray, "2 3"]:
    """Return the similarity (2, 3) from a crop to the picture of its loose square; other arguments as of `Portrait.cut`."""
    x, y, loose = loose_square(points68.astype(np.float64))
    size = scale * side * LOOSE_IN_PICTURE / loose
    turn = size * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = side * (0.5 + np.asarray(shift))
    return np.column_stack([turn, middle - turn @ (np.array([x, y]) + loose / 2)])


def warped_classes(
    classes: UInt8[np.ndarray, "S S"], matrix: Float[np.ndarray, "2 3"], side: int
) -> UInt8[np.ndarray, "W W"]:
    """Resample a class map by nearest neighbors; unknown outside.

    Args:
        classes: class map.
        matrix: similarity (2, 3) to the result.
        side: side W of the result, pixels.
    """
    rows, columns = np.mgrid[:side, :side] + 0.5
    at = np.floor(apply(inverse(matrix), np.column_stack([columns.ravel(), rows.ravel()]))).astype(int)
    inside = ((at >= 0) & (at < classes.shape[::-1])).all(1)
    found = np.full(side * side, UNKNOWN, np.uint8)
    found[inside] = classes[at[inside, 1], at[inside, 0]]
    return found.reshape(side, side)


class Portraits(Sequence[Portrait]):
    """Prepared folder: every photo and its turned copies, read when asked for.

    Args:
        folder: holds `dataset.json`.
        turned: False for the photos alone.
        without_fold: leave the people of this fold out, for those who judge on them.
        only_fold: only the people of this fold.

    Raises:
        InputError: `dataset_missing` when there is no index (an unfinished folder has none); `dataset_damaged`.
    """

    def __init__(
        self, folder: Path, *, turned: bool = True, without_fold: int | None = None, only_fold: int | None = None
    ) -> None:
        self.folder = Path(folder)
        index = _read_index(self.folder)
        self.facts: dict[str, Any] = index["facts"]
        self._entries: list[tuple[dict[str, Any], int]] = [
            (entry, copy)
            for entry in index["photos"]
            if (without_fold is None or entry["fold"] != without_fold) and only_fold in (None, entry["fold"])
            for copy in range(int(entry["copies"]) if turned else 1)
        ]

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, number: Any) -> Any:
        if isinstance(number, slice):
            return [self[k] for k in range(*number.indices(len(self)))]
        entry, copy = self._entries[number]
        path = self.folder / entry["file"]
        try:
            rows = _checked(read_npz(path, _LAYOUT, max_bytes=_MAX_BYTES), int(entry["copies"]))
            ends = np.concatenate([[0], rows["jpeg_ends"]])
            rgb = images.from_bytes(rows["jpeg"][ends[copy] : ends[copy + 1]].tobytes()).rgb
            if rgb.shape != (*rows["classes"].shape[1:], 3):
                raise ValueError(f"a picture has shape {rgb.shape}")
            return Portrait(
                rgb=rgb,
                points68=rows["points68"][copy],
                trusted68=rows["trusted68"],
                annotated68=rows["annotated68"],
                dense=rows["dense"][copy],
                trusted=rows["trusted"],
                visible=rows["visible"][copy],
                classes=rows["classes"][copy],
                expression=rows["expression"],
                gaze=rows["gaze"],
                identity=rows["identity"],
                rotation=rows["rotation"][copy],
                distance=float(rows["distance"][copy]),
                turn=(float(rows["turn"][copy, 0]), float(rows["turn"][copy, 1])),
                person=str(entry["person"]),
                fold=int(entry["fold"]),
            )
        except (WeightsError, ValueError, InputError) as error:
            raise InputError("dataset_damaged", f"the portrait cannot be read: {error}", str(path), _AGAIN) from error


def _checked(rows: dict[str, np.ndarray], copies: int) -> dict[str, np.ndarray]:
    """Check types and shapes of a file's arrays.

    Raises:
        ValueError: one does not fit.
    """
    sizes = {"C": copies} | {axis: (*rows[name].shape, 0, 0)[1] for axis, name in (("N", "dense"), ("S", "classes"))}
    for name, (kind, axes) in _LAYOUT.items():
        found, shape = rows[name], tuple(sizes[axis] if isinstance(axis, str) else axis for axis in axes)
        if found.dtype.kind not in kind or (found.shape != shape if axes else found.ndim != 1):
            raise ValueError(f"`{name}` is {found.dtype} {found.shape}")
    ends = rows["jpeg_ends"]
    if (np.diff(ends, prepend=0) <= 0).any() or ends[-1] != len(rows["jpeg"]):
        raise ValueError("the pictures do not end where they should")
    return rows


def _read_index(folder: Path) -> dict[str, Any]:
    path = folder / INDEX
    if not path.is_file():
        what = "there are no prepared portraits here, or they are not finished"
        raise InputError("dataset_missing", what, str(path), _AGAIN)
    try:
        index = read_json(path, _LARGEST_INDEX)
        if index["format"] != FORMAT or not isinstance(index["facts"], dict):
            raise ValueError("another format")
        for entry in index["photos"]:
            if not is_file_name(entry["file"]) or Path(entry["file"]).name != entry["file"]:
                raise ValueError("a file outside of the folder")
            kinds = {"copies": int, "fold": int, "person": str}
            if not all(isinstance(entry[name], kind) for name, kind in kinds.items()):
                raise ValueError("copies, fold or person of another type")
            if not 1 <= entry["copies"] <= _MOST_COPIES:
                raise ValueError(f"{entry['copies']} copies of a photo")
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise InputError("dataset_damaged", f"the index is malformed: {error}", str(path), _AGAIN) from error
    return dict(index)


def person_of(name: str) -> str:
    """Return the person of a photo of the sets: its folder and the number in its name, of which London has two photos."""
    folder, file = name.split("/")
    return f"{folder}/{file[:3] if folder in ('london', 'canada') else file.split('.')[0]}"


def fold_of(names: Sequence[str]) -> dict[str, int]:
    """Return the fold of each annotated photo, of which each person has one; the order of the names does not matter."""
    return {name: k % FOLDS for k, name in enumerate(sorted(names))}
