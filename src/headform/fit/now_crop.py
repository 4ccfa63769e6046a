"""The sphere about a face inside which shapes are compared.

No arrays but seven points, hence no letters.
"""

import numpy as np
from jaxtyping import Float

NOW7_OF_68 = (36, 39, 42, 45, 33, 48, 54)
"""The seven NoW landmarks among the 68: right eye outer and inner, left eye inner and outer, nose bottom, right and left
mouth corner."""
RADIUS = 1.4


def crop_sphere(
    now7: Float[np.ndarray, "7 3"], radius: float = RADIUS
) -> tuple[Float[np.ndarray, "3"], float]:
    """Centre and radius of the crop of the NoW evaluation (Sanyal et al. 2019, and its published code).

    The centre lies 0.3 of the way from the nose's bottom to its bridge (the middle of the inner eye corners); the radius
    is 1.4 times the mean of the distance between the outer eye corners and the distance from bridge to bottom. The 3D
    face reconstruction challenge of FG 2018 uses 1.2.

    Args:
        now7: In the order of `LinearHead.now7`, any unit.
        radius: The factor.
    """
    outer_right, inner_right, inner_left, outer_left, bottom = now7[:5].astype(np.float64)
    bridge = (inner_right + inner_left) / 2
    width, height = np.linalg.norm(outer_left - outer_right), np.linalg.norm(bridge - bottom)
    return bottom + 0.3 * (bridge - bottom), float(radius * (width + height) / 2)
