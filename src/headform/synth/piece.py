"""Pieces of a synthetic person beside the head: hair, lashes, clothes, glasses, hats and what covers the face.

W vertices, F triangles, H x L texels.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int32, UInt8

from headform.synth._piece_kernels import lets_through

UNLABELED = -1
"""Label of a piece whose pixels keep the class of what is behind it."""
_SPARSE = 4  # texels between those that are looked at: what is transparent is so over more of them
_OPAQUE = 250  # opacity of 255 that compression leaves of a full one


@dataclass(frozen=True)
class Piece:
    """Colored or textured mesh of one material, in the head's frame (meters, x to the subject's left, y up, z forward).

    Attributes:
        vertices: Positions on this person.
        faces: Triangles, counter-clockwise from outside; both sides are drawn.
        albedo: Linear RGB; multiplies the texture where there is one.
        label: Class of the pixels that show it, see `headform.geometry.face_classes`; or `UNLABELED`.
        gloss: Specular strength, 0 (matt) to 1.
        uv: Texture coordinates in [0, 1], origin bottom-left; none without a texture.
        texture: sRGB and opacity.
        opacity: Opacity of the whole piece, multiplies the texture's.
        strands: Lit as strands of hair that run along the texture's rows from top to bottom.
    """

    vertices: Float32[np.ndarray, "W 3"]
    faces: Int32[np.ndarray, "F 3"]
    albedo: Float32[np.ndarray, "W 3"]
    label: int
    gloss: float = 0.0
    uv: Float32[np.ndarray, "W 2"] | None = None
    texture: UInt8[np.ndarray, "H L 4"] | None = None
    opacity: float = 1.0
    strands: bool = False

    @property
    def blended(self) -> bool:
        """True where something behind the piece shows through."""
        if self.opacity < 1 or self.texture is None:
            return self.opacity < 1
        return bool(lets_through(self.texture, _SPARSE, _OPAQUE))


@dataclass(frozen=True)
class Wearer:
    """Head of one person, to which pieces are fitted.

    Attributes:
        vertices: Head vertices of this person, meters.
        marks: The 68 landmarks on them.
        yaw: Rotation of the head relative to the camera about the vertical, radians.
        pitch: Rotation up or down, radians.
        skin_rgb: Linear RGB of the skin, for hands.
    """

    vertices: Float32[np.ndarray, "V 3"]
    marks: Float32[np.ndarray, "68 3"]
    yaw: float
    pitch: float
    skin_rgb: tuple[float, float, float]
