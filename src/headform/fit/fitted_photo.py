"""A photo together with the head that was fitted to it.

V vertices, H W photo pixels.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Float64, UInt8

from headform.geometry.array_checks import require_array
from headform.geometry.camera import PerspectiveCamera
from headform.heads.linear import LinearHead
from headform.mesh.normals import vertex_normals


@dataclass(frozen=True, eq=False)
class FittedPhoto:
    """Photo and fitted head, from which light, skin color and texture are estimated.

    Attributes:
        head: Head model; gives faces, parts and atlas.
        vertices: (V, 3) meters, head frame, as seen in the photo.
        camera: Camera of the photo.
        rgb: (H, W, 3) sRGB.
        skin_mask: (H, W) in [0, 1], 1 where the photo shows the head's skin or eyes; None where nothing hides it.
        clear: (H, W) in [0, 1], 0 where something in front of the face covers it, hair aside; None where nothing does.
            Such pixels are not skin, whatever `skin_mask` says.
        eye_mask: (H, W) in [0, 1], 1 where irises may be read; None for the skin mask.
        rest: (V, 3) the same head without the photo's expression; None where that is unknown.
    """

    head: LinearHead
    vertices: Float[np.ndarray, "V 3"]
    camera: PerspectiveCamera
    rgb: UInt8[np.ndarray, "H W 3"]
    skin_mask: Float[np.ndarray, "H W"] | None = None
    clear: Float[np.ndarray, "H W"] | None = None
    eye_mask: Float[np.ndarray, "H W"] | None = None
    rest: Float[np.ndarray, "V 3"] | None = None

    def __post_init__(self) -> None:
        """Refuse vertices of another head and pictures of another shape: kernels read them by the head's triangles.

        Raises:
            InputError: `array_kind`, `array_shape`, `array_dtype`, `mesh_not_finite`.
        """
        require_array("vertices", self.vertices, (len(self.head.mean), 3), finite=True)
        if self.rest is not None:
            require_array("rest", self.rest, (len(self.head.mean), 3), finite=True)
        picture = require_array("rgb", self.rgb, ("H", "W", 3), "int")
        for name, mask in (("skin_mask", self.skin_mask), ("clear", self.clear), ("eye_mask", self.eye_mask)):
            if mask is not None:
                require_array(name, mask, picture.shape[:2])

    @cached_property
    def normals(self) -> Float64[np.ndarray, "V 3"]:
        """Unit normals of the vertices, camera frame."""
        vertices = np.asarray(self.vertices, np.float64)
        return np.asarray(vertex_normals(vertices, self.head.faces.numpy()) @ self.camera.R.T, np.float64)

    def lost_vertices(self) -> Bool[np.ndarray, " V"]:
        """Mask the vertices that lie outside the picture or are covered; those that the head itself hides do not count."""
        height, width = self.rgb.shape[:2]
        places = self.camera.project(self.vertices)[:, :2]
        inside = np.isfinite(places).all(1) & (places >= 0).all(1) & (places < [width, height]).all(1)
        lost = ~inside
        if self.clear is not None:
            x, y = places[inside].astype(np.int64).T
            lost[inside] = self.clear[y, x] < 0.5
        return lost
