"""Lit GLBs of photos in sheets to be looked at: seven sides, blinking, jaw open, looking up, in the light of panoramas.

Run:

    python -m benchmarks.lit_heads PHOTO... -o FOLDER [--lights studio sunset night] [--side 300]

Writes `FOLDER/NAME.jpg` for each photo: a row for each light, with the photo and ten pictures of `head.glb`, read back from
the bytes that users get (albedo, lit by the panorama's suns with shadows and highlights, and its harmonics). The head turns
before a camera that stands still in the light. What is good in them, a person says.
"""

import json
import struct
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro
from jaxtyping import Float32, UInt8
from PIL import Image

from headform import Reconstruction, Reconstructor
from headform.errors import FaceError
from headform.export.writers import encode_glb, glb_texture
from headform.geometry.similarity import Similarity
from headform.io.atomic import make_folder
from headform.io.mesh.triangle_mesh import TriangleMesh
from headform.synth.appearance import load_appearance
from headform.synth.light import Lighting
from headform.synth.panoramas import ambient_of, camera_rotation, take_apart
from headform.synth.scan_photos import PlacedScan, View, photograph
from headform.viz.contact_sheets import write_sheet
from headform.viz.overlays import crop_square, cropped

DISTANCE, FILL = 1.0, 0.72
"""Distance of the camera, meters; share of the picture's side that the face takes."""
SIDES = ((0.0, 0.0), (-40.0, 0.0), (40.0, 0.0), (-85.0, 0.0), (85.0, 0.0), (180.0, 0.0), (0.0, -35.0))
"""Yaw and pitch of the seven sides, degrees."""
POSES = {
    "blinking": ("eyeBlinkLeft", "eyeBlinkRight"),
    "jaw open": ("jawOpen",),
    "looking up": ("eyeLookUpLeft", "eyeLookUpRight"),
}
"""Shapes at weight 1 of the other pictures, seen from the front; all else is neutral."""
SHADOW, SHININESS = 0.85, 18.0
"""Share of a sun's light that a shadow takes, and Blinn and Phong's exponent."""


@dataclass(frozen=True)
class Arguments:
    """Photos, lights, and where the sheets go."""

    photos: tyro.conf.Positional[tuple[Path, ...]]
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    lights: tuple[str, ...] = ("studio", "sunset", "night")
    side: int = 300


@dataclass(frozen=True, eq=False)
class GlbMesh:
    """Contents of a GLB of one mesh, in its own vertices.

    Attributes:
        mesh: Neutral head with texture.
        weights: Default weights by name of the shape.
        shapes: Displacements by name.
    """

    mesh: TriangleMesh
    weights: dict[str, float]
    shapes: dict[str, Float32[np.ndarray, "V 3"]]

    @classmethod
    def read(cls, data: bytes) -> "GlbMesh":
        """Read a file that `export.glb` wrote; vertices that were split at seams are joined."""
        length = struct.unpack_from("<I", data, 12)[0]
        scene, body = json.loads(data[20 : 20 + length]), data[28 + length :]
        mesh, texture = scene["meshes"][0], scene["bufferViews"][scene["images"][0]["bufferView"]]
        part = mesh["primitives"][0]
        points = _array(scene, body, part["attributes"]["POSITION"])
        uv = _array(scene, body, part["attributes"]["TEXCOORD_0"]) * [1, -1] + [0, 1]
        pieces = [_array(scene, body, each["indices"]) for each in mesh["primitives"]]  # one for each material
        corners = np.concatenate(pieces).reshape(-1, 3).astype(np.int64)
        names = mesh["extras"]["targetNames"]
        shapes = [_array(scene, body, target["POSITION"]) for target in part["targets"]]
        first, joined = np.unique(
            np.concatenate([points, *shapes], axis=1), axis=0, return_index=True, return_inverse=True
        )[1:]
        begin = texture.get("byteOffset", 0)
        picture = np.asarray(Image.open(BytesIO(body[begin : begin + texture["byteLength"]])).convert("RGB"))
        own = TriangleMesh(points[first], joined.reshape(-1)[corners], uv=uv, uv_faces=corners, texture=picture)
        return cls(
            own,
            dict(zip(names, mesh["weights"], strict=True)),
            dict(zip(names, (s[first] for s in shapes), strict=True)),
        )

    def posed(self, weights: dict[str, float]) -> TriangleMesh:
        """Return the mesh with these weights, all others 0."""
        moved = self.mesh.vertices.astype(np.float64)
        for name, weight in weights.items():
            moved += weight * self.shapes[name]
        return replace(self.mesh, vertices=moved)


def main(arguments: Arguments) -> None:
    """Reconstruct, draw, write."""
    reconstructor = Reconstructor.load()
    make_folder(arguments.out)
    for path in arguments.photos:
        try:
            result = reconstructor.reconstruct(path)[0]
        except FaceError as error:
            print(f"{path.name}: {error}", flush=True)
            continue
        write_sheet(sheet(result, arguments.lights, arguments.side), arguments.out / f"{path.stem}.jpg")
        print(f"{path.name}: {'; '.join(result.reasons) or result.status}", flush=True)


def sheet(result: Reconstruction, lights: tuple[str, ...], side: int) -> UInt8[np.ndarray, "H W 3"]:
    """Draw a row for each light."""
    glb = GlbMesh.read(encode_glb(result, *glb_texture(result, "both")))
    photo = cropped(result.photo, *crop_square(result.points68, result.face.box), side)
    pictures = [(glb.posed(glb.weights), View(yaw, pitch, 0.0, DISTANCE, FILL)) for yaw, pitch in SIDES]
    front = View(0.0, 0.0, 0.0, DISTANCE, FILL)
    pictures += [(glb.posed(dict.fromkeys(names, 1.0)), front) for names in POSES.values()]
    rows = []
    center = result.vertices[result.head.now7.numpy()].mean(axis=0).astype(np.float64)
    own = Similarity(1.0, np.eye(3), np.zeros(3))
    for name in lights:
        light = panorama_light(name)
        drawn = (
            photograph(PlacedScan(mesh, own, center), view, light, side=side, seed=0)[0] for mesh, view in pictures
        )
        rows.append(np.concatenate([photo, *drawn], axis=1))
    return np.concatenate(rows)


def panorama_light(name: str, heading: float = 0.6) -> Lighting:
    """Return the light of a panorama, white balanced as a camera does, for a camera that looks along `heading`, radians."""
    place = take_apart(load_appearance().panoramas[name].astype(np.float32))
    turn = camera_rotation(heading, 0.0)
    ambient, directions = ambient_of(place, turn), place.sun_directions @ turn.T
    mean = ambient[0] + 0.3 * place.sun_colors.sum(axis=0)
    balance = (mean.mean() / np.maximum(mean, 1e-6)) ** 0.8
    colors = (place.sun_colors * balance).astype(np.float32)
    return Lighting((ambient * balance).astype(np.float32), directions.astype(np.float32), colors, SHADOW, SHININESS)


def _array(scene: dict[str, Any], body: bytes, number: int) -> np.ndarray:
    """Read an accessor, sparse or not."""
    accessor = scene["accessors"][number]
    width = {"SCALAR": 1, "VEC2": 2, "VEC3": 3}[accessor["type"]]

    def rows(source: dict[str, Any], kind: int, count: int, columns: int) -> np.ndarray:
        first = scene["bufferViews"][source["bufferView"]].get("byteOffset", 0) + source.get("byteOffset", 0)
        dtype = {5123: np.uint16, 5125: np.uint32, 5126: np.float32}[kind]
        return np.frombuffer(body, dtype, count * columns, first).reshape(-1, columns)

    kind, count = accessor["componentType"], accessor["count"]
    out = np.zeros((count, width), np.float32)
    if "bufferView" in accessor:
        out = rows(accessor, kind, count, width)
    if "sparse" in accessor:
        sparse = accessor["sparse"]
        at = rows(sparse["indices"], sparse["indices"]["componentType"], sparse["count"], 1)[:, 0]
        out = out.copy()
        out[at] = rows(sparse["values"], kind, sparse["count"], width)
    return out


if __name__ == "__main__":
    main(tyro.cli(Arguments))
