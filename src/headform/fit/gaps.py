"""Openings of a face: pairs of points, such as those of two lips, that touch or stand apart and never cross.

G pairs, N points, P unknowns.

The distance of two lips or lids is measured better than their positions, since errors of neighboring points are correlated.
Each pair therefore adds to the minimized function (`headform.fit.points`)

    1/2 ((g - g0) / s)^2  +  1/2 (min(0, d - clearance) / contact)^2,     g = n . (x_upper - x_lower)

where x are the projected points, n is the unit vector of the head's up direction in the image, g0 the measured gap with
standard deviation s, and d the height of the upper point above the lower one in the head frame.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from headform.fit._point_problem import PointState
from headform.fit.head_points import PointModel

CLEARANCE_METERS, CONTACT_METERS = 1.5e-4, 5e-5
"""Distance of two touching surfaces (0.15 mm; 0.09 mm between the closed lips of 108 annotated subjects), and the standard
deviation by which they may come closer, so that other terms do not press them through each other: without a clearance the
lips of 53 of these subjects intersect, with it none do."""


@dataclass(frozen=True)
class Gaps:
    """Pairs of points and their measured gaps.

    Attributes:
        upper: row of the point model of the upper point of each pair.
        lower: row of the lower point of each pair.
        seen: measured gap g0, pixels.
        sigma: standard deviation s of the gap, pixels; infinity where it was not measured.
        clearance: distance of touching surfaces, meters; see the module docstring.
        contact: standard deviation of a contact, meters; see the module docstring.
    """

    upper: Int[np.ndarray, " G"]
    lower: Int[np.ndarray, " G"]
    seen: Float[np.ndarray, " G"]
    sigma: Float[np.ndarray, " G"]
    clearance: float = CLEARANCE_METERS
    contact: float = CONTACT_METERS

    def residuals(
        self, model: PointModel, state: PointState, pixels: Float[np.ndarray, "N 2"]
    ) -> tuple[Float[np.ndarray, " G"], Float[np.ndarray, " G"]]:
        """Compute the residuals (g - g0) / s, and (d - clearance) / contact, which counts where it is negative.

        Args:
            model: point model of the fit.
            state: current estimate.
            pixels: projected points of the model in that state.
        """
        gap = (pixels[self.upper] - pixels[self.lower]) @ _up(state)
        height = model.positions(state.coefficients)[:, 1]
        above = height[self.upper] - height[self.lower] - self.clearance
        return (gap - self.seen) / self.sigma, above / self.contact

    def rows(
        self, model: PointModel, state: PointState, jacobian: Float[np.ndarray, "2 N P"]
    ) -> tuple[Float[np.ndarray, "G P"], Float[np.ndarray, "G P"]]:
        """Compute the derivatives of both residuals by the packed unknowns; small terms from n are neglected.

        Args:
            model: point model of the fit.
            state: current estimate.
            jacobian: derivatives of the projected points.
        """
        apart = jacobian[:, self.upper] - jacobian[:, self.lower]
        gap = np.tensordot(_up(state), apart, 1) / self.sigma[:, None]
        heights = model.basis[1]
        above = np.zeros_like(gap)
        above[:, : heights.shape[1]] = (heights[self.upper] - heights[self.lower]) / self.contact
        return gap, above


def _up(state: PointState) -> Float[np.ndarray, "2"]:
    """Return the up direction of the head in the image, unit length (zero when seen from straight above)."""
    up = state.rotation[:2, 1]
    return np.asarray(up / max(float(np.hypot(*up)), 1e-9))
