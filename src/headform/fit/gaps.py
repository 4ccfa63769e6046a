"""Openings of a face: pairs of points, such as those of two lips, that touch or stand apart and never cross.

G pairs, N points, P unknowns.

How far two lips or lids stand apart is seen better than where they are, since neighboring points share their errors. So
each pair adds to the fit's function (`headform.fit.points`)

    1/2 ((g - g0) / s)^2  +  1/2 (min(0, d - clearance) / contact)^2,     g = n . (x_upper - x_lower)

x the projected points, n the unit vector along which the picture shows the head's up, g0 the gap that was seen with its
standard deviation s, and d how far the upper point lies above the lower one in the head's frame.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from headform.fit._point_problem import PointModel, PointState

CLEARANCE_METERS, CONTACT_METERS = 1.5e-4, 5e-5
"""Two surfaces that touch stand a seventh of a millimeter apart (0.09 mm between the closed lips of 108 annotated people);
a third of that nearer costs as much as one standard deviation, so that what presses them together does not push them
through each other: without a clearance the lips of 53 of these people cross, with it none do."""


@dataclass(frozen=True)
class Gaps:
    """Pairs and how far apart they were seen.

    Attributes:
        upper: row of the point model of each pair's upper point.
        lower: row of its lower point.
        seen: g0, pixels.
        sigma: s, pixels; infinity where the gap was not seen.
        clearance: meters; see the module's text.
        contact: meters; see the module's text.
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
        """(g - g0) / s, and (d - clearance) / contact, which counts where it is negative.

        Args:
            model: of the fit.
            state: of the fit.
            pixels: the model's points in that state, projected.
        """
        gap = (pixels[self.upper] - pixels[self.lower]) @ _up(state)
        height = model.positions(state.coefficients)[:, 1]
        above = height[self.upper] - height[self.lower] - self.clearance
        return (gap - self.seen) / self.sigma, above / self.contact

    def rows(
        self, model: PointModel, state: PointState, jacobian: Float[np.ndarray, "2 N P"]
    ) -> tuple[Float[np.ndarray, "G P"], Float[np.ndarray, "G P"]]:
        """Derivatives of both residuals by the packed unknowns; those of n are left out, being small.

        Args:
            model: of the fit.
            state: of the fit.
            jacobian: of the projected points.
        """
        apart = jacobian[:, self.upper] - jacobian[:, self.lower]
        gap = np.tensordot(_up(state), apart, 1) / self.sigma[:, None]
        heights = model.basis[1]
        above = np.zeros_like(gap)
        above[:, : heights.shape[1]] = (heights[self.upper] - heights[self.lower]) / self.contact
        return gap, above


def _up(state: PointState) -> Float[np.ndarray, "2"]:
    """The head's up direction in the picture, unit length (zero when seen from straight above)."""
    up = state.rotation[:2, 1]
    return np.asarray(up / max(float(np.hypot(*up)), 1e-9))
