"""The mirror image of coefficients: what they become when the person is seen in a mirror.

K identity modes, E expressions, N dense points.
"""

import numpy as np
from jaxtyping import Float, Int

from headform.heads.linear import LinearHead


def mirrored_expressions(names: tuple[str, ...]) -> Int[np.ndarray, " E"]:
    """Index of the opposite shape of each: ...Left and ...Right change places."""
    index = {name: k for k, name in enumerate(names)}

    def other(name: str) -> str:
        if name.endswith("Left"):
            return name.removesuffix("Left") + "Right"
        if name.endswith("Right"):
            return name.removesuffix("Right") + "Left"
        return name

    return np.array([index[other(name)] for name in names])


def mirror_identity_map(head: LinearHead) -> Float[np.ndarray, "K K"]:
    """Matrix M such that ``code @ M`` are the coefficients of the mirrored face, by least squares on the dense points.

    The modes of a scanned population are not symmetric one by one, so that mirroring mixes them; the residual is what the
    model cannot mirror.
    """
    modes = head.identity[:, head.dense].double().numpy()  # (K, N, 3)
    image = modes[:, head.dense_mirror.numpy()] * np.array([-1.0, 1.0, 1.0])
    count = len(modes)
    flat, target = modes.reshape(count, -1), image.reshape(count, -1)
    gram = flat @ flat.T
    ridge = 1e-4 * np.trace(gram) / count * np.eye(count)
    return np.asarray(np.linalg.solve(gram + ridge, flat @ target.T).T)
