"""Reasons to doubt a texture or a far cheek although the landmarks are sure: a dark face, a turned head.

H W of the photo.
"""

import numpy as np
from jaxtyping import Float, UInt8

from headform.geometry.camera import PerspectiveCamera
from headform.images.tone import VERY_DARK
from headform.images.transfer import LUMA_REC601

TURNED = 60.0
"""Yaw, degrees, from which the far eye and cheek of most heads are hidden behind the nose."""
_SKIN = 0.5
_BRIGHT = 90.0
"""Percentile of the skin's luma that must reach `VERY_DARK`: dark skin in ordinary light does by far."""
_LEAST = 20
"""Pixels of skin from which their brightness is judged."""
_LUMA = np.array(LUMA_REC601)


def photo_reasons(
    rgb: UInt8[np.ndarray, "H W 3"], skin: Float[np.ndarray, "H W"], camera: PerspectiveCamera
) -> tuple[str, ...]:
    """Return the reasons, one clause each.

    Args:
        rgb: The photo, sRGB.
        skin: Trust in [0, 1] that a pixel shows skin.
        camera: Camera of the head in the photo.
    """
    found = []
    yaw = turned_by(camera)
    if yaw >= TURNED:
        found.append(f"the head is turned by {yaw:.0f}°: half of the face is not seen")
    luma = rgb[skin > _SKIN] @ _LUMA
    if len(luma) >= _LEAST:
        level = float(np.percentile(luma, _BRIGHT))
        if level < VERY_DARK:
            found.append(
                f"the face is very dark: {_BRIGHT:.0f} % of it are below {100 * level / 255:.0f} % of white, and so is "
                "the texture"
            )
    return tuple(found)


def turned_by(camera: PerspectiveCamera) -> float:
    """Return the yaw of the head relative to the camera, degrees, 0 to 180, to either side."""
    out = camera.R[:, 2]  # of the face, in the camera's frame
    return float(np.degrees(np.arctan2(abs(out[0]), -out[2])))
