"""A photo together with the head that was fitted to it.

V vertices, H W photo pixels.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

from headform.geometry.camera import PerspectiveCamera
from headform.heads.linear import LinearHead


@dataclass(frozen=True, eq=False)
class FittedPhoto:
    """Photo and fitted head, from which light, skin color and texture are estimated.

    Attributes:
        head: Head model; gives faces, parts and atlas.
        vertices: (V, 3) meters, head frame, as seen in the photo.
        camera: Camera of the photo.
        rgb: (H, W, 3) sRGB.
        skin_mask: (H, W) in [0, 1], 1 where the photo shows the head's skin or eyes; None where nothing hides it.
    """

    head: LinearHead
    vertices: Float[np.ndarray, "V 3"]
    camera: PerspectiveCamera
    rgb: UInt8[np.ndarray, "H W 3"]
    skin_mask: Float[np.ndarray, "H W"] | None = None
