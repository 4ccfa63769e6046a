"""`Reconstructor`: everything that turns a photo into heads, loaded once.

K identity modes. Pixels have their origin at the top-left corner of the upright photo.
"""

import math
import os
import time
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float

from headform import heads, images
from headform.errors import FaceError, UsageError
from headform.fit.fitted_photo import FittedPhoto
from headform.fit.photometric import fit_light_and_albedo
from headform.fit.texture import bake_textures
from headform.heads.linear import LinearHead
from headform.images.photo import Photo
from headform.nets.detection.detector import Detector, load_detector
from headform.nets.detection.face import Face
from headform.nets.identity_predictor import IdentityPredictor
from headform.nets.landmarks.committee import Committee
from headform.nets.landmarks.committee_calibration import Calibration, load_calibration
from headform.nets.landmarks.dense_predictor import DensePrediction, DensePredictor, average
from headform.nets.shipped import load_dense, load_identity
from headform.pipeline._mask import mask_in_photo, openings_in_photo
from headform.pipeline.crops import crop_of_face, crop_of_points, tight_crop
from headform.pipeline.face_fit import FaceFitter
from headform.pipeline.landmarks68 import points68
from headform.pipeline.reconstruction import Reconstruction

Picture = str | os.PathLike[str] | np.ndarray | Photo
MIN_FACE_PX = 12.0
NO_FACE_SIGMA = 0.11
"""Relative sigma of the 68 points above which a box is no face."""
UNSURE_SIGMA = 0.05
"""Relative sigma above which a result is marked low_confidence."""
ZOOMS = (1.0, 1.12, 1.25)
"""Crops of the second reading, whose results are averaged."""
UNSURE_APART = 0.035
"""Mean distance of the committee's members from their mean, in units of the face's size, above which the same holds: 0.010
in the median of 815 open portraits, 0.026 in the worst."""
LandmarksNet = Literal["committee", "own"]


class Reconstructor:
    """Photos to heads on one head model, in one process; see `load`."""

    def __init__(
        self,
        head: LinearHead,
        detector: Detector,
        dense: DensePredictor,
        identity: IdentityPredictor | None,
        committee: Committee | None = None,
        calibration: Calibration | None = None,
        *,
        texture_size: int = 1024,
    ) -> None:
        if (committee is None) != (calibration is None):
            raise UsageError(
                "committee_incomplete",
                "a committee and its calibration belong together",
                "",
                "give both, or neither for the dense network alone",
            )
        self.head, self.texture_size = head, texture_size
        self._detector, self._dense, self._identity = detector, dense, identity
        self._committee, self._calibration = committee, calibration
        self._fitter = FaceFitter(head, calibration)

    @classmethod
    def load(
        cls,
        *,
        head: str | Path = "open",
        detector: str | Path | None = None,
        dense: Path | None = None,
        identity: Path | None = None,
        landmarks_net: LandmarksNet = "committee",
        calibration: Path | None = None,
        texture_size: int = 1024,
    ) -> "Reconstructor":
        """Load the shipped head and networks, or others in their place.

        Args:
            head: "open" or a converted head that has the open head's dense set and modes.
            detector: other weights of YuNet.
            dense: weights of `headform train landmarks`.
            identity: weights of `headform train identity`.
            landmarks_net: "own" reads landmarks with headform's own dense network alone, "committee" also with the networks
                of other publishers that ship with it.
            calibration: of the committee, as `tools/committee` writes it.
            texture_size: side of the UV texture; 0 makes none.

        Raises:
            WeightsError: a file is missing, damaged or of another kind.
            UsageError: ``head_unsupported``: the head does not fit the networks.
        """
        model = heads.load_open() if str(head) == "open" else heads.load(Path(head))
        dense_net, _ = load_dense(dense)
        identity_net, _ = load_identity(identity)
        config = dense_net.config
        fits = (config.points, config.expressions) == (len(model.dense), len(model.expression))
        if not fits or identity_net.config.modes != len(model.identity):
            raise UsageError(
                "head_unsupported",
                "the networks do not know this head's points and modes",
                str(head),
                "reconstruct with --head open and carry the result over: `headform heads fit .../parameters.npz --to HEAD`",
            )
        together = landmarks_net == "committee"
        measured, card = load_calibration(calibration) if together else (None, {})
        if together and card.get("head") != model.sha256:
            raise UsageError(
                "head_unsupported",
                "the committee was calibrated on another head",
                str(head),
                "reconstruct with --landmarks-net own, or on the open head",
            )
        return cls(
            model,
            load_detector(None if detector is None else Path(detector)),
            DensePredictor(dense_net, model),
            IdentityPredictor(identity_net, model),
            Committee.load() if together else None,
            measured,
            texture_size=texture_size,
        )

    def reconstruct(self, image: Picture, *, people: Literal["largest", "all"] = "largest") -> list[Reconstruction]:
        """Reconstruct the largest face, or all, largest first.

        Args:
            image: a path; an array (H, W, 3) uint8 or float in [0, 1], sRGB; or a `Photo`.
            people: reconstruct the largest face of the photo, or every face.

        Raises:
            InputError: the photo cannot be read.
            FaceError: ``no_face``, or ``face_too_small``.
        """
        started = time.perf_counter()
        photo = _as_photo(image)
        timings = {"read": time.perf_counter() - started}
        found, spent = self.find(photo, people=people)
        timings |= spent
        return [self._one(photo, face, prediction, dict(timings)) for face, prediction in found]

    def find(
        self, photo: Photo, *, people: Literal["largest", "all"] = "largest"
    ) -> tuple[list[tuple[Face, DensePrediction]], dict[str, float]]:
        """Faces that the dense network confirms, with its prediction, and seconds by stage.

        Raises:
            FaceError: ``no_face``, or ``face_too_small``.
        """
        started = time.perf_counter()
        candidates = self._detector.detect(photo.rgb, every=people == "all")
        detected = time.perf_counter()
        large = [f for f in candidates if min(np.ptp(f.box.reshape(2, 2), axis=0)) >= MIN_FACE_PX]
        if candidates and not large:
            what = f"the largest face is under {MIN_FACE_PX:.0f} px"
            raise FaceError("face_too_small", what, photo.name, "give a larger photo")
        found: list[tuple[Face, DensePrediction]] = []
        for face in large:
            if people == "largest" and found:
                break
            prediction = self._read(photo, face)
            if prediction is not None and not any(_same(prediction, other) for _, other in found):
                found.append((face, prediction))
        if not found:
            what = "no face was found" if not candidates else "what looked like a face is none"
            raise FaceError("no_face", what, photo.name, "give a photo in which a face is seen well")
        return found, {"detect": detected - started, "landmarks": time.perf_counter() - detected}

    def identity_of(self, photo: Photo, prediction: DensePrediction) -> Float[np.ndarray, " K"] | None:
        """The identity network's coefficients of one face, standard deviations; None without that network."""
        if self._identity is None:
            return None
        return self._identity.predict(photo.rgb, tight_crop(prediction.points[:68]))

    def _read(self, photo: Photo, face: Face) -> DensePrediction | None:
        """Dense points in two passes; None when the network does not believe in the face."""
        (rough,) = self._dense.predict(photo.rgb, [crop_of_face(face)])
        if rough.relative_sigma > UNSURE_SIGMA:
            # the detector takes faces that lie on their side, or stand on their head, for upright ones
            turned = [crop_of_face(face, quarters=quarters) for quarters in (1, 2, 3)]
            readings = [rough, *self._dense.predict(photo.rgb, turned)]
            rough = min(readings, key=lambda reading: reading.relative_sigma)
        if rough.relative_sigma > 1.5 * NO_FACE_SIGMA:
            return None
        crops = [crop_of_points(rough.points[:68], rough.rotation, zoom=zoom) for zoom in ZOOMS]
        fine = average(self._dense.predict(photo.rgb, crops))
        return fine if fine.relative_sigma < NO_FACE_SIGMA else None

    def _one(self, photo: Photo, face: Face, prediction: DensePrediction, timings: dict[str, float]) -> Reconstruction:
        clock = time.perf_counter()

        def lap(stage: str) -> None:
            nonlocal clock
            now = time.perf_counter()
            timings[stage] = now - clock
            clock = now

        guide = prediction.points[:68]
        reading = None if self._committee is None else self._committee.read(photo.rgb, guide)
        lap("committee")
        prior = self.identity_of(photo, prediction)
        lap("identity")
        size = photo.rgb.shape[1], photo.rgb.shape[0]
        fitted = self._fitter.fit(prediction, reading, prior, size)
        fit, vertices = fitted.fit, fitted.vertices
        marks = points68(self.head, prediction, vertices, fit.camera)
        apart = 0.0
        openings = None
        if reading is not None and self._calibration is not None:
            marks, apart = self._calibration.fuse68(marks, reading)
            openings = openings_in_photo(self._calibration, reading)
        lap("fit")
        skin = mask_in_photo(prediction, size)
        seen = FittedPhoto(self.head, vertices, fit.camera, photo.rgb, skin)
        lit = fit_light_and_albedo(seen)
        lap("light")
        texture = albedo = None
        seam = 1.0
        if self.texture_size:
            skin_albedo = self.head.albedo_of(torch.from_numpy(lit.albedo_code).float()).numpy()
            kept, removed = bake_textures(seen, lit.light, skin_albedo, self.texture_size, openings)
            texture, albedo, seam = kept.rgb, removed.rgb, kept.seam_gradient
        lap("texture")
        confidence, reasons = judge(prediction, fit.rms_sigma, apart)
        timings["total"] = sum(timings.values())
        return Reconstruction(
            head=self.head,
            photo=photo.rgb,
            photo_name=photo.name,
            image_size=size,
            face=face,
            points68=marks,
            dense=prediction.points,
            dense_sigma=prediction.sigma,
            confidence=confidence,
            status="low_confidence" if reasons else "ok",
            reasons=reasons,
            identity=fit.identity,
            expression=fit.expression,
            gaze=fitted.gaze,
            albedo_code=lit.albedo_code,
            light=lit.light,
            camera=fit.camera,
            vertices=vertices,
            neutral=fitted.neutral,
            texture=texture,
            albedo_texture=albedo,
            seam_gradient=seam,
            timings=timings,
            reduction=photo.reduction,
        )


def judge(prediction: DensePrediction, rms_sigma: float, apart: float) -> tuple[float, tuple[str, ...]]:
    """Confidence in [0, 1] and what speaks against a result.

    Args:
        prediction: of the dense network.
        rms_sigma: residual of the fit, in standard deviations.
        apart: how far the committee's members lie from their mean, in units of the face's size; 0 without a committee.
    """
    spread = prediction.relative_sigma
    confidence = 1 / (1 + math.exp((spread - UNSURE_SIGMA) / 0.012))
    reasons = []
    if spread > UNSURE_SIGMA:
        reasons.append(f"the landmarks are uncertain: sigma is {100 * spread:.1f} % of the face size")
    if apart > UNSURE_APART:
        confidence *= 0.5
        reasons.append(f"the landmark networks disagree: by {100 * apart:.1f} % of the face size")
    if rms_sigma > 3.0:
        confidence *= 0.5
        reasons.append(f"the head does not follow the landmarks: {rms_sigma:.1f} sigma")
    return confidence, tuple(reasons)


def reconstruct(image: Picture, *, head: str | Path = "open") -> Reconstruction:
    """Reconstruct the largest face of a photo with the shipped networks; for more than one photo keep a `Reconstructor`.

    Raises:
        InputError: the photo cannot be read.
        FaceError: it shows no usable face.
    """
    return Reconstructor.load(head=head).reconstruct(image)[0]


def _as_photo(image: Picture) -> Photo:
    if isinstance(image, Photo):
        return image
    if isinstance(image, (str, os.PathLike)):
        return images.read(image)
    return images.from_array(image)


def _same(a: DensePrediction, b: DensePrediction) -> bool:
    """Whether two predictions are of one face: their 68-point boxes overlap by more than a third."""
    low = np.maximum(a.points[:68].min(0), b.points[:68].min(0))
    high = np.minimum(a.points[:68].max(0), b.points[:68].max(0))
    shared = float(np.prod(np.clip(high - low, 0, None)))
    areas = [float(np.prod(np.ptp(p.points[:68], axis=0))) for p in (a, b)]
    return shared > 0.35 * (sum(areas) - shared)
