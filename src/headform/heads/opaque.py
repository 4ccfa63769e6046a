"""Triangles of a head that hide what lies behind them: all, but the transparent layers that some models lay over the eyes.

V vertices, F triangles.
"""

import numpy as np
from jaxtyping import Bool

from headform.heads.linear import LinearHead

TRANSPARENT = ("lacrimal_fluid", "eye_blend", "eye_occlusion", "lashes")
"""Regions of ICT-FaceKit that its publisher draws with an opacity; opaque, they would cover the eyes."""


def opaque_triangles(head: LinearHead) -> Bool[np.ndarray, " F"]:
    """Mask the triangles none of whose vertices lies in a transparent region."""
    clear = np.zeros(len(head.mean), bool)
    for name in TRANSPARENT:
        if name in head.regions:
            clear |= head.regions[name].cpu().numpy()
    return np.asarray(~clear[head.faces.cpu().numpy()].any(axis=1))
