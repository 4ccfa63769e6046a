"""Checks of what `render_batch` is given: which tensors go together, and in which shapes.

B batch, V vertices, F faces, T texture vertices, H W pixels, h w texels, C channels.
"""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from headform.errors import InputError, UsageError
from headform.geometry.array_checks import Shape, require_count, require_face_tensor, require_tensor, wrong_shape
from headform.geometry.camera import PerspectiveCameras, WeakPerspectiveCameras


def require_size(size: Any) -> tuple[int, int]:
    """Check the (width, height) of a picture.

    Raises:
        InputError: `array_kind`, `array_value`.
    """
    if not isinstance(size, Sequence) or len(size) != 2:
        raise InputError("array_kind", f"size must be (width, height) in pixels, got {size!r}")
    return require_count("width", size[0], 1), require_count("height", size[1], 1)


def require_batch(name: str, tensor: Any, items: int, shape: Shape) -> None:
    """Check a tensor whose first axis is 1 or the size of the batch.

    Raises:
        InputError: `array_kind`, `array_shape`, `array_dtype`.
    """
    require_tensor(name, tensor, ("B", *shape))
    if len(tensor) not in (1, items):
        raise wrong_shape(name, tensor.shape, (items, *shape))


def require_scene(
    vertices: Tensor,
    faces: Tensor,
    camera: Any,
    size: tuple[int, int],
    *,
    attributes: Tensor | None,
    texture: Tensor | None,
    uv: Tensor | None,
    uv_faces: Tensor | None,
    light: Tensor | None,
    background: Tensor | None,
) -> None:
    """Check the arguments of `render_batch`; values other than indices are not looked at.

    Raises:
        InputError: `array_kind`, `array_shape`, `array_dtype`, `mesh_index`.
        UsageError: `texture_half`, `texture_twice`.
    """
    if not isinstance(camera, PerspectiveCameras | WeakPerspectiveCameras):
        what = f"camera is a {type(camera).__name__}, expected a batch of cameras"
        raise InputError("array_kind", what, "", "give a batch, such as PerspectiveCameras.of(camera)")
    require_tensor("vertices", vertices, ("B", "V", 3))
    items, count = vertices.shape[:2]
    scale = camera.R if isinstance(camera, PerspectiveCameras) else camera.scale
    if len(scale) not in (1, items):
        raise InputError(
            "array_shape", f"{len(scale)} cameras for {items} meshes", "", "give one camera, or one for each"
        )
    if isinstance(camera, PerspectiveCameras) and scale.dtype != vertices.dtype:  # a product of matrices
        what = f"the camera is {scale.dtype}, the vertices {vertices.dtype}".replace("torch.", "")
        raise InputError("array_dtype", what, "", "convert them to one, as PerspectiveCameras.of(camera, dtype=...)")
    if attributes is not None and texture is not None:
        raise UsageError("texture_twice", "give attributes or a texture, not both")
    if texture is not None and uv is None:
        raise UsageError("texture_half", "a texture needs uv")
    channels = 3
    if attributes is not None:
        require_batch("attributes", attributes, items, (count, "C"))
        channels = attributes.shape[2]
    if texture is not None and uv is not None:
        require_batch("texture", texture, items, ("C", "h", "w"))
        channels = texture.shape[1]
        require_tensor("uv", uv, ("T", 2))
        corners = faces if uv_faces is None else uv_faces
        require_face_tensor("faces" if uv_faces is None else "uv_faces", corners, len(uv), of="texture vertices")
        if len(corners) != len(require_tensor("faces", faces, ("F", 3), "int")):
            raise wrong_shape("uv_faces", corners.shape, (len(faces), 3))
    if light is not None:
        require_batch("light", light, items, (9, channels))
    if background is not None:
        require_batch("background", background, items, (channels, size[1], size[0]))
