"""Hard photos, reconstructed, in sheets to be looked at: turned and covered faces, beards, hats, children, paintings.

    python -m benchmarks.hard_photos -o FOLDER [--data ../shared/data] [--kinds KIND ...] [--seed N]

`FOLDER/photos` gets the forty photos, `FOLDER/results` what `headform reconstruct` writes of each, and `FOLDER` a sheet of
every five: photo with landmarks, parsed classes, head in the photo's texture at its place and from three sides. Photos that
the data lack (low light, 60 pixels, most sunglasses and masks) are made from plain ones by `benchmarks.made_photos`, the
same for the same seed. Prints what was found and said; what is good in them, a person says.
"""

import json
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
from PIL import Image, ImageDraw, ImageFont

from benchmarks.environment import default_data, describe
from benchmarks.made_photos import dimmed, shrunk, with_mask, with_sunglasses
from headform import Reconstruction, Reconstructor, images
from headform.errors import FaceError
from headform.evaluate.tables import markdown_table
from headform.export.result_folder import GLB
from headform.export.writers import write_reconstruction
from headform.io.atomic import make_folder, write_bytes
from headform.io.image_bytes import png
from headform.io.mesh.triangle_mesh import TriangleMesh
from headform.render.drawing import draw
from headform.viz.overlays import crop_square, cropped, turned_view, with_landmarks
from headform.viz.parsing_colors import tinted

SIDE, CAPTION, ROWS = 260, 34, 5
"""Side of a tile and height of the caption of a row, pixels; photos on a sheet."""
SMALL = 60.0
"""Height of the 68 points of small faces, pixels."""
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class HardPhoto:
    """One photo: where it is from, and what is done with it.

    Attributes:
        kind: What makes it hard.
        source: Path below the data.
        box: Left, top, right and bottom of the part that is used, shares of width and height.
    """

    kind: str
    source: str
    box: Box = (0.0, 0.0, 1.0, 1.0)


MADE: dict[str, Callable[[Reconstruction, np.random.Generator], np.ndarray]] = {
    "sunglasses": with_sunglasses,
    "mask": with_mask,
    "low light": lambda result, rng: dimmed(result.photo, rng),
    "60 pixels": lambda result, rng: shrunk(result.photo, result.points68, SMALL),
}
"""Makers of the kinds of photos whose source begins with `+`."""

PHOTOS: tuple[HardPhoto, ...] = (
    HardPhoto("profile", "photos/aflw2000_prnet/image00251.jpg"),
    HardPhoto("profile", "photos/aflw2000_prnet/image00475.jpg"),
    HardPhoto("profile", "photos/aflw2000_prnet/image04331.jpg"),
    HardPhoto("profile", "photos/aflw2000_prnet/image02616.jpg"),
    HardPhoto("profile", "photos/dxy_68pts/18489332_4.jpg", (0.30, 0.03, 0.50, 0.335)),
    HardPhoto("sunglasses", "photos/aflw2000_prnet/image02420.jpg"),
    HardPhoto("sunglasses", "+photos/london/017_smiling.jpg"),
    HardPhoto("sunglasses", "+photos/canada/022f.jpg"),
    HardPhoto("sunglasses", "+photos/congress/021954.jpg"),
    HardPhoto("mask", "cases/surgical_mask.jpg"),
    HardPhoto("mask", "+photos/london/031_neutral.jpg"),
    HardPhoto("mask", "+photos/canada/044f.jpg"),
    HardPhoto("mask", "+photos/congress/020529.jpg"),
    HardPhoto("beard", "photos/congress/020529.jpg"),
    HardPhoto("beard", "photos/congress/022137.jpg"),
    HardPhoto("beard", "photos/deepface/img61.jpg"),
    HardPhoto("beard", "photos/deepface/img40.jpg"),
    HardPhoto("beard", "photos/deepface/img24.jpg"),
    HardPhoto("hat", "photos/aflw2000_prnet/image01038.jpg"),
    HardPhoto("hat", "photos/dxy_68pts/3854178896_1.jpg"),
    HardPhoto("hat", "photos/congress/021118.jpg"),
    HardPhoto("hat", "photos/congress/021545.jpg"),
    HardPhoto("hat", "photos/congress/021950.jpg"),
    HardPhoto("child", "photos/aflw2000_prnet/image00081.jpg"),
    HardPhoto("child", "photos/dxy_68pts/237815567_3.jpg", (0.77, 0.50, 0.95, 0.80)),
    HardPhoto("child", "photos/dxy_68pts/79378097_5.jpg", (0.59, 0.06, 0.80, 0.38)),
    HardPhoto("child", "photos/dxy_68pts/79378097_5.jpg", (0.10, 0.47, 0.40, 1.0)),
    HardPhoto("painting", "photos/congress/014432.jpg"),
    HardPhoto("painting", "photos/congress/029118.jpg"),
    HardPhoto("painting", "photos/congress/015064.jpg"),
    HardPhoto("painting", "photos/congress/094828.jpg"),
    HardPhoto("low light", "photos/aflw2000_prnet/image02545.jpg"),
    HardPhoto("low light", "photos/aflw2000_prnet/image02283.jpg"),
    HardPhoto("low light", "cases/dark_08pct.png"),
    HardPhoto("low light", "+photos/london/043_neutral.jpg"),
    HardPhoto("low light", "+photos/congress/021173.jpg"),
    HardPhoto("60 pixels", "+photos/london/083_smiling.jpg"),
    HardPhoto("60 pixels", "+photos/canada/056f.jpg"),
    HardPhoto("60 pixels", "+photos/congress/029354.jpg"),
    HardPhoto("60 pixels", "+photos/deepface/img1.jpg"),
)


@dataclass(frozen=True)
class Arguments:
    """Where the photos are, and where the sheets go."""

    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    data: Path = field(default_factory=default_data)
    kinds: tuple[str, ...] = ()
    """Kinds to make; all if none is named."""
    seed: int = 1


def main(arguments: Arguments) -> None:
    """Make the photos, reconstruct them, write the sheets."""
    make_folder(arguments.out / "photos")
    reconstructor = Reconstructor.load()
    rows: list[np.ndarray] = []
    table: list[list[str]] = []
    for number, name, rgb in photos(arguments, reconstructor):
        kind = PHOTOS[number].kind
        write_bytes(arguments.out / "photos" / f"{name}.png", png(rgb))
        try:
            result = reconstructor.reconstruct(rgb)[0]
        except FaceError as error:
            rows.append(captioned([cropped(rgb, *whole(rgb), SIDE)], f"{name}: {error}"))
            table.append([kind, name, error.code, "", "", ""])
            continue
        folder = arguments.out / "results" / name
        write_reconstruction(result, folder, ("glb", "png"))
        said = "; ".join(result.reasons)
        text = f"{name} {rgb.shape[1]}x{rgb.shape[0]}: {result.status}, confidence {result.confidence:.2f}. {said}"
        rows.append(captioned(tiles(result), text))
        opens = opened((folder / GLB).read_bytes())
        table.append([kind, name, result.status, f"{result.confidence:.2f}", said, "yes" if opens else "NO"])
    for first in range(0, len(rows), ROWS):
        write_bytes(arguments.out / f"sheet_{first // ROWS}.png", png(np.concatenate(rows[first : first + ROWS])))
    print(markdown_table(["kind", "photo", "status", "confidence", "reasons", "GLB opens"], table))
    print(describe())


def photos(arguments: Arguments, reconstructor: Reconstructor) -> Iterator[tuple[int, str, np.ndarray]]:
    """Read or make the photos: number in the list, name, sRGB."""
    counts: dict[str, int] = {}
    for number, photo in enumerate(PHOTOS):
        counts[photo.kind] = counts.get(photo.kind, 0) + 1
        if arguments.kinds and photo.kind not in arguments.kinds:
            continue
        rgb = images.read(arguments.data / photo.source.removeprefix("+")).rgb
        height, width = rgb.shape[:2]
        left, top, right, bottom = (round(s * n) for s, n in zip(photo.box, (width, height) * 2, strict=True))
        rgb = np.ascontiguousarray(rgb[top:bottom, left:right])
        if photo.source.startswith("+"):
            rng = np.random.default_rng([arguments.seed, number])
            rgb = MADE[photo.kind](reconstructor.reconstruct(rgb)[0], rng)
        yield number, f"{photo.kind.replace(' ', '_')}_{counts[photo.kind]}", rgb


def tiles(result: Reconstruction) -> list[np.ndarray]:
    """Draw the six pictures of one result."""
    head = result.head
    uv, uv_faces = head.uv.numpy(), head.uv_faces.numpy()
    mesh = TriangleMesh(result.vertices, head.faces.numpy(), uv=uv, uv_faces=uv_faces, texture=result.texture)
    left, top, side = crop_square(result.points68, result.face.box)
    fine = cropped(result.photo, left, top, side, 2 * SIDE)
    ground = np.asarray(Image.fromarray(fine).reduce(2))
    camera = result.camera.cropped(float(left), float(top)).resized(SIDE / side)
    classes = result.photo
    if result.parsed is not None:
        classes = tinted(result.photo, result.parsed.labels(result.image_size))
    return [
        with_landmarks(fine, (result.points68 - [left, top]) * (2 * SIDE / side)),
        cropped(classes, left, top, side, SIDE),
        draw(mesh, camera, (SIDE, SIDE)).over(ground),
        *(turned_view(result, mesh, float(np.deg2rad(turn)), SIDE) for turn in (-45, 0, 45)),
    ]


def captioned(pictures: Sequence[np.ndarray], text: str) -> np.ndarray:
    """Put six pictures in a row below a line of text."""
    row = Image.new("RGB", (6 * SIDE, SIDE + CAPTION), (255, 255, 255))
    pen, font = ImageDraw.Draw(row), ImageFont.load_default(13)
    middle = len(text) if len(text) < 220 else text.rfind(" ", 0, 220)
    pen.text((4, 1), f"{text[:middle]}\n{text[middle + 1 :]}", fill=(0, 0, 0), font=font, spacing=1)
    for k, picture in enumerate(pictures):
        row.paste(Image.fromarray(picture), (k * SIDE, CAPTION))
    return np.asarray(row)


def whole(rgb: np.ndarray) -> tuple[int, int, int]:
    """Return left, top and side of the square around a photo."""
    height, width = rgb.shape[:2]
    side = max(height, width)
    return (width - side) // 2, (height - side) // 2, side


def opened(data: bytes) -> bool:
    """Tell whether the indices of every triangle list of a GLB name vertices that are there, all at finite places."""
    length = struct.unpack_from("<I", data, 12)[0]
    scene = json.loads(data[20 : 20 + length])
    body = data[20 + length + 8 :]

    def array(number: int) -> np.ndarray:
        accessor = scene["accessors"][number]
        view = scene["bufferViews"][accessor["bufferView"]]
        kind = {5121: np.uint8, 5123: np.uint16, 5125: np.uint32, 5126: np.float32}[accessor["componentType"]]
        width = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}[accessor["type"]]
        first = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
        return np.frombuffer(body, kind, accessor["count"] * width, first).reshape(-1, width)

    parts = [part for mesh in scene["meshes"] for part in mesh["primitives"]]
    places = [(array(part["attributes"]["POSITION"]), array(part["indices"])) for part in parts]
    return bool(places) and all(np.isfinite(p).all() and int(i.max()) < len(p) for p, i in places)


if __name__ == "__main__":
    main(tyro.cli(Arguments))
