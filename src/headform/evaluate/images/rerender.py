"""Draw a written head over its photo again, pixel for pixel, with a mask of what it covers.

H W pixels of the photo, h w of the part that shows the head.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, UInt8

from headform.errors import FaceError, InputError
from headform.export.result_folder import WrittenHead
from headform.render.drawing import Look
from headform.viz.drawn_over import drawn_over


@dataclass(frozen=True)
class Rerendering:
    """A drawn head.

    Attributes:
        rgb: (H, W, 3) sRGB: the head where it is, mixed at its outline, the photo elsewhere.
        mask: (H, W) pixels that the head covers whole.
    """

    rgb: UInt8[np.ndarray, "H W 3"]
    mask: Bool[np.ndarray, "H W"]


def rerender(head: WrittenHead, photo: UInt8[np.ndarray, "H W 3"], reduction: int = 1) -> Rerendering:
    """Draw a head over its upright photo; light is mixed linearly.

    Args:
        head: Head as its files describe it.
        photo: sRGB.
        reduction: Pixels of the photo's file per pixel of `photo` (`images.Photo.reduction`).

    Raises:
        InputError: `results_mismatch` when the photo's size is not that of the result.
        FaceError: `face_outside` when no pixel of the photo is covered by the head.
    """
    height, width = photo.shape[:2]
    expected, found = head.image_size, (width * reduction, height * reduction)
    if expected != found:
        what = f"the photo has {found[0]}x{found[1]} pixels, the result was made from {expected[0]}x{expected[1]}"
        raise InputError("results_mismatch", what, "", "give the photo that was reconstructed")
    camera = head.camera.resized(1 / reduction)
    rgb, mask = drawn_over(head.mesh, camera, photo, Look(light=head.light, linear=True, cull_back=True))
    if not mask.any():
        raise FaceError(
            "face_outside",
            "the reconstructed head covers no pixel of the photo",
            "",
            "give the photo that was reconstructed",
        )
    return Rerendering(rgb, mask)
