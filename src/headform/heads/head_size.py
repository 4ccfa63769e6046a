"""Size of a head in its identity coefficients: read apart from the shape, and changed without it.

K identity modes, V vertices, F vertices of the face.
"""

import numpy as np
from jaxtyping import Float, Float64

from headform.heads.linear import LinearHead

_SPREAD = 3e-4
"""Distance that a rescaled head may keep from the exact one, standard deviation of a coordinate, meters: exactness would
take coefficients far from the mean for a tenth of a millimeter."""


class HeadSize:
    """Size of heads of one model: the root of the squared distances of the face's vertices from their centroid.

    Args:
        head: Head model with a region `face`.
    """

    def __init__(self, head: LinearHead) -> None:
        face = head.regions["face"].numpy()
        mean, basis = head.mean.double().numpy(), head.identity.double().numpy()
        self._face_mean = mean[face] - mean[face].mean(0)
        self._face_basis = basis[:, face] - basis[:, face].mean(1, keepdims=True)
        whole = (mean - mean.mean(0)).ravel()
        modes = (basis - basis.mean(1, keepdims=True)).reshape(len(basis), -1)
        prior = _SPREAD**2 * len(mean) * np.eye(len(basis))
        # coefficients of the mean head's growth by its own size: least squares with the model's prior
        self._growth = np.linalg.solve(modes @ modes.T + prior, modes @ whole)

    def log_ratio(self, identity: Float[np.ndarray, "*B K"]) -> Float64[np.ndarray, " *B"]:
        """Logarithm of the size of heads over the mean head's."""
        face = self._face_mean + np.einsum("...k,kfc->...fc", identity, self._face_basis)
        return np.asarray(np.log(np.linalg.norm(face, axis=(-2, -1)) / np.linalg.norm(self._face_mean)))

    def rescaled(
        self, identity: Float[np.ndarray, "*B K"], log_factor: Float[np.ndarray, " *B"]
    ) -> Float64[np.ndarray, "*B K"]:
        """Return the coefficients of heads of the same shape that are larger by the exponential of `log_factor`.

        A head `m + B a` times f is `m + B (a f + (f - 1) g)` with `B g` nearest to the centered mean head `m`.
        """
        factor = np.exp(log_factor)[..., None]
        return np.asarray(factor * identity + (factor - 1) * self._growth)
