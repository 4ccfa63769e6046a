"""Coefficients of the mirrored face.

K identity modes, E expressions, N dense points.
"""

import numpy as np
from jaxtyping import Float, Int

from headform.heads.linear import LinearHead

ROTATION_SIGNS: Float[np.ndarray, "3 3"] = np.array([[1, -1, -1], [-1, 1, 1], [-1, 1, 1]], np.float32)
"""Factors of the entries of a rotation, camera from head, in the mirror image of the picture."""
_RIDGE = 1e-4
"""Regularization, as a share of the mean power of a mode."""


def mirrored_expressions(names: tuple[str, ...]) -> Int[np.ndarray, " E"]:
    """Return the index of the opposite of each shape: ...Left and ...Right change places."""
    index = {name: k for k, name in enumerate(names)}

    def other(name: str) -> str:
        if name.endswith("Left"):
            return name.removesuffix("Left") + "Right"
        if name.endswith("Right"):
            return name.removesuffix("Right") + "Left"
        return name

    return np.array([index[other(name)] for name in names])


def mirror_identity_map(head: LinearHead) -> Float[np.ndarray, "K K"]:
    """Return the matrix M such that ``code @ M`` are the coefficients of the mirrored face.

    Least squares on the dense points: the modes of a scanned population are not symmetric one by one, so that mirroring
    mixes them, and some faces have no exact mirror image in the model.
    """
    modes = head.identity[:, head.dense].double().numpy()  # (K, N, 3)
    image = modes[:, head.dense_mirror.numpy()] * np.array([-1.0, 1.0, 1.0])
    count = len(modes)
    flat, target = modes.reshape(count, -1), image.reshape(count, -1)
    gram = flat @ flat.T
    ridge = _RIDGE * np.trace(gram) / count * np.eye(count)
    return np.asarray(np.linalg.solve(gram + ridge, flat @ target.T).T)
