"""Identity of one person from several photos: one head for all of them.

K identity modes.
"""

from collections.abc import Iterable

import numpy as np
from jaxtyping import Float, UInt8

from headform.errors import FaceError, UsageError
from headform.images.photo import Photo
from headform.pipeline.reconstructor import Reconstructor

_MARGIN = 1.0
"""Margin kept around a face, in sides of its box: more than any crop shows."""


def identity_of_person(reconstructor: Reconstructor, photos: Iterable[Photo]) -> Float[np.ndarray, " K"]:
    """Predict identity coefficients from the largest face of each photo; photos without a usable face are passed over.

    Give them to `Reconstructor.reconstruct` as `identity`: every photo is then fitted with this head, and has its own
    expression, pose and light.

    Args:
        reconstructor: Networks and head.
        photos: Photos of one person, read one after another; of each, the surroundings of the face are kept in memory.

    Raises:
        FaceError: ``no_face`` when no photo shows a usable face.
        UsageError: ``identity_missing`` without an identity network.
    """
    predictor = reconstructor.identity_predictor
    if predictor is None:
        what = "the reconstructor has no identity network"
        raise UsageError("identity_missing", what, "", "load one to combine photos of a person")
    cut: list[UInt8[np.ndarray, "_ _ 3"]] = []
    guides: list[Float[np.ndarray, "68 2"]] = []
    for photo in photos:
        try:
            points = reconstructor.find(photo)[0].prediction.points[:68]
        except FaceError:
            continue
        low, high = points.min(0), points.max(0)
        margin = _MARGIN * float((high - low).max())
        x0, y0 = np.maximum(np.floor(low - margin), 0).astype(int)
        x1, y1 = np.ceil(high + margin).astype(int)
        cut.append(np.ascontiguousarray(photo.rgb[y0:y1, x0:x1]))
        guides.append(points - np.array([x0, y0]))
    if not cut:
        raise FaceError("no_face", "none of the photos shows a usable face of the person")
    return predictor.predict_person(cut, guides)
