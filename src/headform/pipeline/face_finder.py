"""Faces in photos: detected, then confirmed by the dense landmark network, many photos at once.

Pixels have their origin at the top-left corner of the upright photo.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from jaxtyping import UInt8

from headform.errors import FaceError, check_choice
from headform.images.photo import Photo
from headform.images.tone import exposure_fault, tone_mapped
from headform.nets.detection.detector import Detector
from headform.nets.detection.face import Face
from headform.nets.landmarks.dense_predictor import DensePrediction, DensePredictor
from headform.pipeline.confidence import UNSURE_SIGMA
from headform.pipeline.crops import crop_of_face, crop_of_points

MIN_FACE_PX = 12.0
"""Smaller side of the smallest box that is used, pixels."""
NO_FACE_SIGMA = 0.11
"""Relative sigma of the 68 points above which a box is rejected as no face."""
ROUGH_NO_FACE_SIGMA = 1.5 * NO_FACE_SIGMA
"""The same for the first prediction, whose crop comes from the detector's box alone."""
ZOOMS = (1.0, 1.12, 1.25)
"""Magnifications of the crops of the second pass, whose predictions are averaged."""
SAME_FACE_OVERLAP = 0.35
"""Intersection over union of two 68-point boxes above which they count as the same face."""

TONE_SIGMA = 0.06
"""As `NO_FACE_SIGMA`, in tone-mapped copies, whose noise and edges are amplified: darkened portraits had at most 0.044
there, false candidates in pictures without faces at least 0.075."""

People = Literal["largest", "all"]


@dataclass(frozen=True, eq=False)
class FoundFace:
    """Detected face that the landmark network confirms, with its prediction.

    Attributes:
        face: face as the detector reports it.
        prediction: dense landmarks.
        copy: tone-mapped copy of the photo in which the face was found, for all other networks; None for the photo itself.
        tone: kind of the copy; empty for the photo itself.
    """

    face: Face
    prediction: DensePrediction
    copy: UInt8[np.ndarray, "H W 3"] | None = None
    tone: str = ""


class FaceFinder:
    """Face finder: detector followed by the dense landmark network.

    Args:
        detector: face detector that proposes boxes.
        dense: landmark network that confirms or rejects them.
    """

    def __init__(self, detector: Detector, dense: DensePredictor) -> None:
        self._detector, self._dense = detector, dense

    def find(
        self,
        photos: Sequence[Photo],
        people: People = "largest",
        *,
        lap: Callable[[str, int], None] = lambda stage, shares: None,
    ) -> list[list[FoundFace] | FaceError]:
        """Find the largest face of each photo, or all faces, largest first; a photo without one gets an error.

        The landmark network processes candidates of all photos together: the next candidate of each photo without a face so
        far, or all of them with ``all``. A photo without any face is searched once more in each of its tone-mapped copies
        (`images.tone`), as faces in the dark or against the light are not found as they are.

        Args:
            photos: upright photos.
            people: the largest face of each photo, or every face.
            lap: callback at the end of a stage, with the stage and the number of photos that share it.
        """
        check_choice(people, get_args(People), "people")
        outcomes = self._find(photos, people, lap)
        failed = [number for number, outcome in enumerate(outcomes) if isinstance(outcome, FaceError)]
        for number in failed:
            outcomes[number] = self._in_copies(photos[number], people, outcomes[number])
        if failed:
            lap("tone", len(failed))
        return outcomes

    def _in_copies(
        self, photo: Photo, people: People, outcome: list[FoundFace] | FaceError
    ) -> list[FoundFace] | FaceError:
        """Search the tone-mapped copies of a photo in which nothing was found, until one shows a face."""
        fault = exposure_fault(photo.rgb)
        if not isinstance(outcome, FaceError) or (outcome.code != "no_face" and fault is None):
            return outcome
        for tone, copy in tone_mapped(photo.rgb):
            (found,) = self._find([replace(photo, rgb=copy)], people, lambda stage, shares: None)
            if isinstance(found, FaceError):
                continue
            sure = [face for face in found if face.prediction.relative_sigma < TONE_SIGMA]
            if sure:
                return [replace(face, copy=copy, tone=tone) for face in sure]
        if fault is None:
            return outcome
        what = f"{outcome.message}; {fault}, and no tone-mapped copy shows one"
        return FaceError(outcome.code, what, outcome.location, "use a photo with more even light and exposure")

    def _find(
        self, photos: Sequence[Photo], people: People, lap: Callable[[str, int], None]
    ) -> list[list[FoundFace] | FaceError]:
        """Find faces in the photos as they are."""
        waiting: list[list[Face]] = []
        outcomes: list[list[FoundFace] | FaceError] = []
        for photo in photos:
            candidates = self._detector.detect(photo.rgb, every=people == "all")
            large = [f for f in candidates if min(np.ptp(f.box.reshape(2, 2), axis=0)) >= MIN_FACE_PX]
            waiting.append(large)
            outcomes.append([] if large else _refusal(photo, bool(candidates), bool(candidates)))
        lap("detect", len(photos))
        while True:
            asked: list[tuple[int, Face]] = []
            for number, faces in enumerate(waiting):
                count = len(faces) if people == "all" else 1 if not outcomes[number] else 0
                asked += [(number, face) for face in faces[:count]]
                del faces[:count]
            if not asked:
                break
            readings = self._read([photos[number] for number, _ in asked], [face for _, face in asked])
            for (number, face), prediction in zip(asked, readings, strict=True):
                found = outcomes[number]
                if prediction is None or isinstance(found, FaceError):
                    continue
                if not any(_same(prediction, other.prediction) for other in found):
                    found.append(FoundFace(face, prediction))
        lap("landmarks", len(photos))
        return [outcome or _refusal(photo, True, False) for photo, outcome in zip(photos, outcomes, strict=True)]

    def _read(self, photos: Sequence[Photo], faces: Sequence[Face]) -> list[DensePrediction | None]:
        """Predict dense points in two passes; None where the network rejects the face."""
        pictures = [photo.rgb for photo in photos]
        rough = self._dense.predict(pictures, [crop_of_face(face) for face in faces])
        # the detector reports sideways and upside-down faces as upright
        unsure = [k for k, reading in enumerate(rough) if reading.relative_sigma > UNSURE_SIGMA]
        retries = [(k, quarters) for k in unsure for quarters in (1, 2, 3)]
        rotated = self._dense.predict(
            [pictures[k] for k, _ in retries], [crop_of_face(faces[k], quarters=quarters) for k, quarters in retries]
        )
        for (k, _), reading in zip(retries, rotated, strict=True):
            rough[k] = min(rough[k], reading, key=lambda each: each.relative_sigma)
        believed = [k for k, reading in enumerate(rough) if reading.relative_sigma <= ROUGH_NO_FACE_SIGMA]
        crops = [crop_of_points(rough[k].points[:68], rough[k].rotation, zoom=zoom) for k in believed for zoom in ZOOMS]
        fine = self._dense.predict([pictures[k] for k in believed for _ in ZOOMS], crops)
        found: list[DensePrediction | None] = [None] * len(faces)
        for number, k in enumerate(believed):
            mean = self._dense.average(fine[number * len(ZOOMS) : (number + 1) * len(ZOOMS)])
            found[k] = mean if mean.relative_sigma < NO_FACE_SIGMA else None
        return found


def _refusal(photo: Photo, detected: bool, too_small: bool) -> FaceError:
    if too_small:
        what = f"the largest face is smaller than {MIN_FACE_PX:.0f} pixels"
        return FaceError("face_too_small", what, photo.name, "use a larger photo")
    if detected:
        what = "no face was found: the landmark network rejected every detection"
        return FaceError("no_face", what, photo.name, "use a photo with a clearer, larger face")
    return FaceError("no_face", "no face was detected", photo.name, "use a photo with a clearer, larger face")


def _same(a: DensePrediction, b: DensePrediction) -> bool:
    """Return whether two predictions show the same face, by the overlap of the boxes of their 68 points."""
    low = np.maximum(a.points[:68].min(0), b.points[:68].min(0))
    high = np.minimum(a.points[:68].max(0), b.points[:68].max(0))
    shared = float(np.prod(np.clip(high - low, 0, None)))
    areas = [float(np.prod(np.ptp(p.points[:68], axis=0))) for p in (a, b)]
    return shared > SAME_FACE_OVERLAP * (sum(areas) - shared)
