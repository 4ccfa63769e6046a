"""The whole detector: the cascade, and what to try when it finds nothing.

H W pixels, N candidates.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import UInt8

from headform.nets.face import Face, by_prominence
from headform.nets.mtcnn.cascade import Candidates, Cascade, Thresholds, best_of
from headform.nets.mtcnn.pyramid import Pyramid
from headform.nets.mtcnn.turns import turn

_SMALLEST_PICTURE = 12
_MOST_PIXELS = 1.5e6  # of the largest size that the proposal network sees


@dataclass(frozen=True)
class MtcnnOptions:
    """How far the search goes.

    Attributes:
        min_face: Smallest face of the first pass, in pixels of the picture.
        min_face_fraction: The same as a fraction of the picture's shorter side; the larger counts.
        small_face, small_face_fraction: The same for the search for small faces, which follows when
            nothing else was found; below 12 pixels the picture is enlarged.
        thresholds: Low on purpose: another network confirms or drops every box.
        confident: Least score of a face that ends the search.
        retry_score: Least score of a face that only the later searches find.
        turns: Whether to look for faces turned by ±90, 180 and ±45 degrees in the picture.
    """

    min_face: float = 24.0
    min_face_fraction: float = 0.06
    small_face: float = 10.0
    small_face_fraction: float = 0.02
    thresholds: Thresholds = field(default_factory=Thresholds)
    confident: float = 0.98
    retry_score: float = 0.85
    turns: bool = True


class MtcnnDetector:
    """Faces in photos, by MTCNN."""

    def __init__(self, options: MtcnnOptions | None = None, cascade: Cascade | None = None) -> None:
        self.options = options or MtcnnOptions()
        self.cascade = cascade or Cascade()

    def detect(self, image: UInt8[np.ndarray, "H W 3"]) -> list[Face]:
        """Faces in falling order of box area times score.

        Upright faces first. Only when none is certain: turned by ±90 and 180 degrees, then small
        ones, then turned by ±45 degrees; all candidates are then returned.

        Args:
            image: RGB. Pictures less than 12 pixels wide or high hold no face.
        """
        faces: list[Face] = []
        for faces in self.passes(image):
            if any(face.score >= self.options.confident for face in faces):
                break
        return faces

    def passes(self, image: UInt8[np.ndarray, "H W 3"]) -> Iterator[list[Face]]:
        """What `detect` knows after each stage of its search, for a caller who judges himself.

        Each list holds the faces of the lists before it, too, unless a better one covers them.
        """
        shortest = min(image.shape[:2])
        if shortest < _SMALLEST_PICTURE:
            return
        options = self.options
        usual = float(max(options.min_face, options.min_face_fraction * shortest))
        small = float(max(options.small_face, options.small_face_fraction * shortest))
        plans = [[(0, usual)], [(0, small)]]
        if options.turns:
            plans = [[(0, usual)], [(90, usual), (-90, usual), (180, usual)], [(0, small)]]
            plans.append([(45, usual), (-45, usual)])
        found: list[Candidates] = []
        least = options.thresholds
        for plan in plans:
            found += [self._search(image, degrees, size, least) for degrees, size in plan]
            yield by_prominence(_faces(best_of(_joined(found))))
            least = replace(least, output=max(least.output, options.retry_score))

    def _search(
        self, image: UInt8[np.ndarray, "H W 3"], degrees: int, min_face: float, least: Thresholds
    ) -> Candidates:
        turned = turn(image, degrees)
        pyramid = Pyramid(turned.rgb)
        size = min_face / turned.scale
        size = max(size, 12 * math.sqrt(math.prod(pyramid.size) / _MOST_PIXELS))
        return turned.back(self.cascade.detect(pyramid, size, least))


def _joined(found: list[Candidates]) -> Candidates:
    return Candidates(
        np.concatenate([one.boxes for one in found]),
        np.concatenate([one.scores for one in found]),
        np.concatenate([one.points for one in found]),
    )


def _faces(candidates: Candidates) -> list[Face]:
    rows = zip(candidates.boxes, candidates.points, candidates.scores.tolist(), strict=True)
    return [Face(box, points, score) for box, points, score in rows]
