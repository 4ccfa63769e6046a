"""Write a whole reconstruction as a folder of files.

V vertices, H rows and W columns of the photo.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Float32, Float64, UInt8

from headform.errors import UsageError, check_choice
from headform.export import _landmarks_json as landmarks_json
from headform.export import _report as report
from headform.export import _wavefront as wavefront
from headform.export import glb, parameters, result_folder
from headform.export._landmarks_json import Landmarks
from headform.export._model_shapes import model_shapes
from headform.export._surface_materials import surface_materials
from headform.export.renderings import encode_renderings
from headform.heads.opaque import opaque_triangles
from headform.images.transfer import linear_from_srgb
from headform.io import image_bytes
from headform.io.folder_swap import write_together
from headform.io.mesh import obj, ply
from headform.io.mesh.triangle_mesh import TriangleMesh
from headform.pipeline.reconstruction import Reconstruction
from headform.render.texture_sampling import vertex_colors
from headform.viz.overlays import overlay

FORMATS = ("glb", "obj", "ply", "png", "html", "render")
"""Formats to choose from (`render`: `export.renderings`); parameters.npz and landmarks.json are always written."""
TextureChoice = Literal["photo", "albedo", "both"]

_GRAY = 150


def write_reconstruction(
    result: Reconstruction,
    folder: Path | str,
    formats: Sequence[str],
    texture: TextureChoice = "both",
    photo_rgb: UInt8[np.ndarray, "H W 3"] | None = None,
) -> list[Path]:
    """Write a reconstruction into a folder, which is made where it is missing.

    Everything is written before the first file takes its place, so that a full disk leaves the folder as it was. Files of an
    earlier result are replaced or, in formats that are not asked for, removed; others in the folder are left alone.

    Args:
        result: Reconstruction to write.
        folder: Destination.
        formats: Any of `FORMATS`.
        texture: Colors of the models: ``photo`` with the photo's light, which the GLB marks as unlit; ``albedo`` without
            light; ``both`` the albedo in the GLB, which engines light, the photo in the others, `albedo.png` beside them.
        photo_rgb: Upright photo under the overlay; the result's own if not given.

    Returns:
        Paths of the files, in the order of writing.

    Raises:
        UsageError: `unknown_format`, or `option_unknown` for another texture.
        ValueError: the photo's size is not `result.image_size`.
        ResourceError: `write_failed` when the folder cannot be made or written; `folder_in_use`.
    """
    folder = Path(folder)
    files = encode_all(result, formats, texture, photo_rgb)
    write_together(folder, files, stale=result_folder.FILES)
    return [folder / name for name in files]


def encode_all(
    result: Reconstruction,
    formats: Sequence[str],
    texture: TextureChoice = "both",
    photo_rgb: UInt8[np.ndarray, "H W 3"] | None = None,
) -> dict[str, bytes]:
    """Encode the files of `write_reconstruction` in memory, by name."""
    _check_formats(formats)
    atlas = chosen_texture(result, texture)
    files = {
        result_folder.PARAMETERS: encode_parameters(result),
        result_folder.LANDMARKS: encode_landmarks(result),
    }
    if "glb" in formats:
        files[result_folder.GLB] = encode_glb(result, *glb_texture(result, texture))
    if "obj" in formats:
        files |= _obj(result, atlas)
    if "ply" in formats:
        files[result_folder.PLY] = _ply(result, atlas)
    if texture == "both" and result.albedo_texture is not None and "obj" in formats:
        files[result_folder.ALBEDO] = image_bytes.png(result.albedo_texture)
    photo = result.photo if photo_rgb is None else photo_rgb
    if "render" in formats:
        files |= encode_renderings(result, photo)
    if {"png", "html"} & set(formats):
        sheet = image_bytes.png(overlay(result, photo))
        if "png" in formats:
            files[result_folder.OVERLAY] = sheet
        if "html" in formats:
            small = encode_glb(result, atlas, unlit=True, target_normals=False)  # the viewer lights nothing
            files[result_folder.REPORT] = report.encode(result, small, sheet)
    return files


def _check_formats(formats: Sequence[str]) -> None:
    given = [formats] if isinstance(formats, str) else formats
    unknown = sorted(str(each) for each in given if each not in FORMATS)
    if unknown or isinstance(formats, str):
        what = f"unknown format {', '.join(unknown)}" if unknown else f"formats is {formats!r}, expected a list"
        raise UsageError("unknown_format", what, "formats", f"choose from {' '.join(FORMATS)}")


def chosen_texture(result: Reconstruction, texture: TextureChoice) -> UInt8[np.ndarray, "S S 3"]:
    """Choose the atlas of all models but the GLB; the other one, or even gray, where it was not made.

    Raises:
        UsageError: `option_unknown`: another texture.
    """
    check_choice(texture, get_args(TextureChoice), "texture")
    both = [result.texture, result.albedo_texture]
    for atlas in reversed(both) if texture == "albedo" else both:
        if atlas is not None:
            return atlas
    return np.full((8, 8, 3), _GRAY, np.uint8)


def glb_texture(result: Reconstruction, texture: TextureChoice) -> tuple[UInt8[np.ndarray, "S S 3"], bool]:
    """Choose the atlas of the GLB, whose material engines light: the albedo unless the photo is asked for.

    Returns:
        The atlas, and True where it holds the light of the photo already.
    """
    if texture != "photo" and result.albedo_texture is not None:
        return result.albedo_texture, False
    return chosen_texture(result, texture), result.texture is not None or result.colors is not None


def encode_parameters(result: Reconstruction) -> bytes:
    """Encode `parameters.npz`; see `headform.export.parameters`."""
    result = _in_original_pixels(result)

    def single(values: np.ndarray) -> Float32[np.ndarray, "..."]:
        return np.asarray(values, np.float32)

    known: dict[str, np.ndarray] = {
        "identity": single(result.identity),
        "expression": single(result.expression),
        "expression_names": np.array(result.head.expression_names, dtype=np.str_),
        "gaze": single(result.gaze),
        "albedo": single(result.albedo_code),
        **{name: single(turn) for name, turn in result.pose.items()},
        "light": single(result.light),
        "vertices": single(result.vertices),
        "neutral": single(result.neutral),
        "faces": result.head.faces.numpy().astype(np.int32),
        "K": np.asarray(result.camera.K, np.float64),
        "R": np.asarray(result.camera.R, np.float64),
        "t": np.asarray(result.camera.t, np.float64),
        "image_size": np.array(result.image_size, np.int32),
        "landmarks68": single(result.points68),
        "dense": single(result.dense),
        "dense_sigma": single(result.dense_sigma),
        "head_name": np.array(result.head.name),
        "head_sha256": np.array(result.head.sha256),
    }
    if not result.head.has_field("dense"):  # another model: what it does not know is left out
        for name in ("expression", "expression_names", "gaze", "albedo", "dense", "dense_sigma"):
            if not len(known[name]):
                del known[name]
    return parameters.encode(known)


def encode_landmarks(result: Reconstruction) -> bytes:
    """Encode `landmarks.json`; see `headform.export._landmarks_json`."""
    result = _in_original_pixels(result)
    return landmarks_json.encode(
        Landmarks(
            points68=result.points68,
            box=result.face.box,
            confidence=result.confidence,
            status=result.status,
            reasons=result.reasons,
            image_size=result.image_size,
            dense=result.dense,
            dense_sigma=result.dense_sigma,
            head_name=result.head.name,
            head_sha256=result.head.sha256,
            state68=result.states68,
            notes=result.notes,
        )
    )


def _in_original_pixels(result: Reconstruction) -> Reconstruction:
    """Convert to pixels of the original: a huge JPEG is decoded at a fraction of its size."""
    scale = result.reduction
    if scale == 1:
        return result
    face = result.face
    return replace(
        result,
        points68=result.points68 * scale,
        dense=result.dense * scale,
        dense_sigma=result.dense_sigma * scale,
        face=replace(face, box=face.box * scale, points5=face.points5 * scale),
        camera=result.camera.resized(float(scale)),
        image_size=(result.image_size[0] * scale, result.image_size[1] * scale),
        reduction=1,
    )


def encode_glb(
    result: Reconstruction, atlas: UInt8[np.ndarray, "S S 3"], unlit: bool = False, *, target_normals: bool = True
) -> bytes:
    """Encode `head.glb`: the neutral head, its shapes (`_model_shapes`), the photo's expression as their weights.

    `unlit` says that the colors hold the photo's light; those of vertices always do.
    """
    head = result.head
    targets, weights = model_shapes(result)
    painted, shown = result.colors is not None, opaque_triangles(head)
    colors = None
    if result.colors is not None:
        colors = linear_from_srgb(torch.from_numpy(result.colors)).numpy()
    mapped = head.has_field("uv") and not painted
    content = glb.GlbHead(
        vertices=result.neutral,
        faces=head.faces.numpy()[shown],
        uv=head.uv.numpy() if mapped else None,
        uv_faces=head.uv_faces.numpy()[shown] if mapped else None,
        targets=targets,
        weights=weights,
        texture=image_bytes.jpeg(atlas) if mapped else None,
        copyright=head.license,
        colors=colors,
        unlit=unlit or painted,
        materials=surface_materials(head)[shown],
    )
    return glb.encode(content, target_normals=target_normals)


def _obj(result: Reconstruction, atlas: UInt8[np.ndarray, "S S 3"]) -> dict[str, bytes]:
    head = result.head
    comment = f"headform, head model {head.name}: {head.license}\nmeters, y up"
    if not head.has_field("uv") or result.colors is not None:  # no colors of vertices: see `_wavefront`
        plain = TriangleMesh(result.vertices, head.faces.numpy())
        return {result_folder.OBJ: obj.encode(plain, comment=comment)}
    mesh = TriangleMesh(result.vertices, head.faces.numpy(), uv=head.uv.numpy(), uv_faces=head.uv_faces.numpy())
    return {**wavefront.encode(mesh, comment=comment), result_folder.TEXTURE: image_bytes.png(atlas)}


def _ply(result: Reconstruction, atlas: UInt8[np.ndarray, "S S 3"]) -> bytes:
    head = result.head
    faces = head.faces.numpy()
    colors: Float64[np.ndarray, "V 3"] | None = None
    if result.colors is not None:
        colors = result.colors.astype(np.float64)
    elif head.has_field("uv"):
        colors = vertex_colors(atlas, head.uv.numpy(), faces, head.uv_faces.numpy(), len(result.vertices))
    mesh = TriangleMesh(result.vertices, faces, colors=colors)
    return ply.encode(mesh, comment=f"headform, head model {head.name}; meters, y up")
