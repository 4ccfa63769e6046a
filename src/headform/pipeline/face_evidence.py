"""Readings of all networks for one face, kept small, from which another head model can be fitted to the same photo.

H W of the photo. Pixels have their origin at the top-left corner.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

from headform.fit.openings import Openings
from headform.nets.landmarks.committee import CommitteeReading
from headform.nets.landmarks.committee_calibration import Calibration
from headform.nets.landmarks.dense_predictor import DensePrediction
from headform.nets.parsing_predictor import ParsedFace
from headform.pipeline._mask import mask_in_photo, openings_in_photo
from headform.pipeline.bare_skin import bare_skin_in_photo
from headform.pipeline.covers import CoverMap
from headform.pipeline.enclosed_occluders import without_enclosed_occluders
from headform.pipeline.head_surface import surface_in_photo


@dataclass(frozen=True, eq=False)
class FaceEvidence:
    """Readings of one face; the masks of the photo are computed from them on demand.

    Attributes:
        prediction: prediction of the dense network.
        reading: reading of the committee; None where the dense network is alone.
        cover: what lies in front of the face, where the parsed face agrees; None without that network.
        parsed: classes of the pixels around the face; None without that network.
    """

    prediction: DensePrediction
    reading: CommitteeReading | None
    cover: CoverMap | None
    parsed: ParsedFace | None

    @classmethod
    def of(
        cls,
        prediction: DensePrediction,
        reading: CommitteeReading | None,
        cover: CoverMap | None,
        parsed: ParsedFace | None,
    ) -> "FaceEvidence":
        """Collect the readings; small occluders amid the face, and covers where the parsed face shows it, do not count."""
        if parsed is not None:
            parsed = without_enclosed_occluders(parsed)
        if parsed is not None and cover is not None:
            cover = cover.confirmed(parsed)
        return cls(prediction, reading, cover, parsed)

    def skins(self, rgb: UInt8[np.ndarray, "H W 3"]) -> tuple[Float[np.ndarray, "H W"], Float[np.ndarray, "H W"]]:
        """Return the probabilities that each pixel of the photo shows the head's own surface, and skin to be painted.

        The former are skin and eyes, covers aside; the latter is without eyes, teeth, hairs and frames.
        """
        size = rgb.shape[1], rgb.shape[0]
        skin = mask_in_photo(self.prediction, size)
        if self.parsed is None:
            return skin, skin
        return skin * surface_in_photo(self.parsed, size), skin * bare_skin_in_photo(self.parsed, rgb)

    def clear(self, size: tuple[int, int]) -> Float[np.ndarray, "H W"] | None:
        """Return the trust that nothing covers the head in each pixel; None without the network of covers."""
        return None if self.cover is None else self.cover.clear(size)

    def openings(self, calibration: Calibration | None) -> Openings | None:
        """Return the rims of eyes and mouth; None without the committee or its calibration."""
        if calibration is None or self.reading is None:
            return None
        return openings_in_photo(calibration, self.reading)
