"""GLB: one textured head with named shapes, ready for Blender, Unity, Unreal and three.js.

V vertices, F triangles, T texture coordinates, N vertices after the split at seams.

glTF 2.0: meters, y up, the face looks along +z, triangles counter-clockwise seen from outside,
texture origin at the top left. The base mesh is the person's neutral face; the photo's expression
is the default of the weights, so the file opens looking like the photo and still animates. One mesh with
a primitive for each material (`_surface_materials`); they share vertices and shapes and differ in their
triangles alone.
"""

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int, UInt8

from headform import __version__
from headform.export._gltf_buffer import GltfBuffer
from headform.export._seams import split_at_seams
from headform.export._surface_materials import MATERIALS, SKIN
from headform.export.morph_targets import MorphTarget
from headform.mesh.normals import face_area_vectors, summed_at_vertices, unit

MIN_DISPLACEMENT = 2e-6
"""Meters; shorter displacements of a shape are left out."""
MIN_TILT = 0.02
"""Shorter changes of a unit normal (about one degree) are left out."""

UNLIT = "KHR_materials_unlit"
"""Extension of materials whose colors are shown as they are."""

_CLAMP_TO_EDGE, _LINEAR, _LINEAR_MIPMAP_LINEAR = 33071, 9729, 9987

_LONELY = (0.0, 0.0, 1.0)
"""Normal written for a vertex that no triangle gives a direction."""


@dataclass(frozen=True)
class GlbHead:
    """Contents of the file.

    Attributes:
        vertices: (V, 3) meters, neutral.
        faces: (F, 3) counter-clockwise seen from outside.
        uv: (T, 2) in [0, 1], origin at the bottom left (OBJ); flipped on the way out. None without a texture.
        uv_faces: (F, 3) indices into `uv`; None likewise.
        targets: Named shapes.
        weights: Default weight of each shape.
        texture: PNG or JPEG file, sRGB; None for colors of the vertices alone.
        copyright: License line of the head model.
        name: Name of the mesh; never the person's.
        colors: (V, 3) linear RGB in [0, 1] per vertex (`COLOR_0`); None without.
        unlit: The colors hold the light of a photo: the materials are marked `KHR_materials_unlit`, so that no engine lights
            them a second time.
        materials: (F,) indices into `MATERIALS`; None for skin all over.
    """

    vertices: Float[np.ndarray, "V 3"]
    faces: Int[np.ndarray, "F 3"]
    uv: Float[np.ndarray, "T 2"] | None
    uv_faces: Int[np.ndarray, "F 3"] | None
    targets: Sequence[MorphTarget]
    weights: Float[np.ndarray, " targets"]
    texture: bytes | None
    copyright: str = ""
    name: str = "head"
    colors: Float[np.ndarray, "V 3"] | None = None
    unlit: bool = False
    materials: UInt8[np.ndarray, " F"] | None = None


def encode(head: GlbHead, *, target_normals: bool = True) -> bytes:
    """Encode a GLB file.

    Args:
        head: Contents of the file.
        target_normals: Store the change of normals per shape, too: correct shading for about twice the size of the
            shapes.

    Returns:
        A binary glTF 2.0 file.

    Raises:
        ValueError: weights and targets differ in number, or the texture is neither PNG nor JPEG.
    """
    if len(head.weights) != len(head.targets):
        raise ValueError(f"{len(head.weights)} weights for {len(head.targets)} targets")
    buffer = GltfBuffer()
    mapped = head.uv is not None and head.uv_faces is not None
    split = split_at_seams(head.faces, head.uv_faces if mapped else head.faces)  # type: ignore[arg-type]
    areas = face_area_vectors(head.vertices, head.faces)
    sums = summed_at_vertices(areas, head.faces, len(head.vertices))
    normals = unit(sums)
    normals[~normals.any(axis=1)] = _LONELY  # glTF demands unit length
    attributes = {
        "POSITION": buffer.vectors(head.vertices[split.vertex_of], bounds=True),
        "NORMAL": buffer.vectors(normals[split.vertex_of]),
    }
    if head.uv is not None and head.uv_faces is not None:
        uv = head.uv[split.uv_of].astype(np.float64)
        attributes["TEXCOORD_0"] = buffer.vectors(np.stack([uv[:, 0], 1.0 - uv[:, 1]], axis=1))
    if head.colors is not None:
        attributes["COLOR_0"] = buffer.vectors(np.clip(head.colors, 0.0, 1.0)[split.vertex_of])
    of_face = np.full(len(head.faces), SKIN, np.uint8) if head.materials is None else head.materials
    used: list[int] = np.unique(of_face).tolist()
    primitives: list[dict[str, Any]] = [
        {
            "attributes": attributes,
            "indices": buffer.triangles(split.faces[of_face == index]),
            "material": number,
            "mode": 4,
        }
        for number, index in enumerate(used)
    ]
    mesh: dict[str, Any] = {"name": head.name, "primitives": primitives}
    if head.targets:
        shapes = []
        for target in head.targets:
            delta = target.delta[split.vertex_of]
            entry = {"POSITION": buffer.displacements(delta, threshold=MIN_DISPLACEMENT)}
            if target_normals:
                tilt = _tilt(head, target.delta, areas, sums)
                entry["NORMAL"] = buffer.displacements(tilt[split.vertex_of], threshold=MIN_TILT)
            shapes.append(entry)
        for primitive in primitives:  # glTF demands the same shapes of all
            primitive["targets"] = shapes
        mesh["weights"] = [round(float(weight), 4) for weight in head.weights]
        mesh["extras"] = {"targetNames": [target.name for target in head.targets]}
    pictures = {} if head.texture is None else _pictures(head.texture, buffer.view(head.texture))
    binary = buffer.finish()
    document = {
        "asset": {
            "version": "2.0",
            "generator": f"headform {__version__}",
            **({"copyright": head.copyright} if head.copyright else {}),
        },
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"name": head.name, "mesh": 0}],
        "meshes": [mesh],
        **({"extensionsUsed": [UNLIT]} if head.unlit else {}),
        "materials": [_material(head, index, double_sided=_is_open(head.faces)) for index in used],
        **pictures,
        "accessors": buffer.accessors,
        "bufferViews": buffer.views,
        "buffers": [{"byteLength": len(binary)}],
    }
    return _container(document, binary)


def _material(head: GlbHead, index: int, *, double_sided: bool) -> dict[str, Any]:
    """The material of this index in `MATERIALS`; all take their color from the one texture."""
    name, roughness, _ = MATERIALS[index]
    return {
        "name": name,
        "doubleSided": double_sided,
        "pbrMetallicRoughness": {
            **({} if head.texture is None else {"baseColorTexture": {"index": 0}}),
            "metallicFactor": 0.0,
            "roughnessFactor": roughness,
        },
        **({"extensions": {UNLIT: {}}} if head.unlit else {}),
    }


def _pictures(texture: bytes, view: int) -> dict[str, Any]:
    """The texture, its image in the binary, and its sampler."""
    sampler = {
        "magFilter": _LINEAR,
        "minFilter": _LINEAR_MIPMAP_LINEAR,
        "wrapS": _CLAMP_TO_EDGE,
        "wrapT": _CLAMP_TO_EDGE,
    }
    return {
        "textures": [{"source": 0, "sampler": 0}],
        "samplers": [sampler],
        "images": [{"mimeType": _mime_type(texture), "bufferView": view}],
    }


def _container(document: dict[str, Any], binary: bytes) -> bytes:
    """Header and the two chunks; JSON is padded with spaces, the binary with zeros."""
    text = json.dumps(document, separators=(",", ":"), allow_nan=False).encode()
    text += b" " * (-len(text) % 4)
    binary += bytes(-len(binary) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text
    chunks += struct.pack("<I4s", len(binary), b"BIN\0") + binary
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def _tilt(
    head: GlbHead,
    delta: Float[np.ndarray, "V 3"],
    areas: Float[np.ndarray, "F 3"],
    sums: Float[np.ndarray, "V 3"],
) -> Float[np.ndarray, "V 3"]:
    """Change of the unit vertex normals under a shape; only its own triangles are visited.

    Args:
        head: Vertices and faces.
        delta: Displacement of the shape.
        areas: `face_area_vectors` of the neutral head.
        sums: Their sums at the vertices.
    """
    moved = np.linalg.norm(delta, axis=1) >= MIN_DISPLACEMENT
    near = moved[head.faces].any(1)
    faces = head.faces[near]
    change = face_area_vectors(head.vertices + delta, faces) - areas[near]
    tilt = np.zeros(sums.shape)
    touched = np.zeros(len(sums), dtype=bool)
    touched[faces.reshape(-1)] = True
    resting = sums[touched]
    turned = resting + summed_at_vertices(change, faces, len(sums))[touched]
    tilt[touched] = unit(turned) - unit(resting)
    return tilt


def _is_open(faces: Int[np.ndarray, "F 3"]) -> bool:
    """Tell if some edge belongs to one triangle only (the neck), so that the inside can be seen."""
    edges = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    return bool((np.unique(edges, axis=0, return_counts=True)[1] == 1).any())


def _mime_type(image: bytes) -> str:
    if image.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if image.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    raise ValueError("the texture is neither a PNG nor a JPEG file")
