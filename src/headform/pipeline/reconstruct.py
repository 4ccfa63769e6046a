"""`Reconstructor`: everything that turns a photo into heads, loaded once.

V vertices, N dense points. Pixels have their origin at the top-left corner of the upright photo.
"""

import math
import os
import time
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Float32

from headform import heads, images
from headform.errors import FaceError, UsageError
from headform.fit.photometric import fit_light_and_albedo
from headform.fit.points import PointPriors, fit_points, point_model
from headform.fit.texture import bake_textures
from headform.geometry.rotation_numpy import rotation_from_rotvec
from headform.heads.linear import LinearHead
from headform.images.photo import Photo
from headform.nets.dense_predictor import DensePrediction, DensePredictor, average
from headform.nets.detector import Detector, load_detector
from headform.nets.face import Face
from headform.nets.identity_predictor import IdentityPredictor
from headform.nets.shipped import load_dense, load_identity
from headform.pipeline.crops import crop_of_face, crop_of_points, tight_crop
from headform.pipeline.landmarks68 import points68
from headform.pipeline.mask import mask_in_photo
from headform.pipeline.reconstruction import Reconstruction

Picture = str | os.PathLike[str] | np.ndarray | Photo
MIN_FACE_PX = 12.0
NO_FACE_SIGMA = 0.11
"""Relative sigma of the 68 points above which a box is no face."""
UNSURE_SIGMA = 0.05
"""Relative sigma above which a result is marked low_confidence."""
ZOOMS = (1.0, 1.12, 1.25)
"""Crops of the second reading, whose results are averaged."""
PRIORS = PointPriors(identity_sigma=0.15)
"""The landmarks' errors are shared between points, so they must not pull the identity far from the network's: on 99 made
people 0.7 left an identity error of 112 % of the mean head's, 0.35 92 %, 0.2 84 %, 0.1 82 %, the network alone 81 %."""


class Reconstructor:
    """Photos to heads on one head model, in one process; see `load`."""

    def __init__(
        self,
        head: LinearHead,
        detector: Detector,
        dense: DensePredictor,
        identity: IdentityPredictor | None,
        *,
        texture_size: int = 1024,
    ) -> None:
        self.head, self.texture_size = head, texture_size
        self._detector, self._dense, self._identity = detector, dense, identity
        self._points = point_model(head)
        self._eye_points = head.part[head.dense].numpy() >= 7

    @classmethod
    def load(
        cls,
        *,
        head: str | Path = "open",
        detector: str | Path | None = None,
        dense: Path | None = None,
        identity: Path | None = None,
        texture_size: int = 1024,
    ) -> "Reconstructor":
        """Load the shipped head and networks, or others in their place.

        Args:
            head: "open" or a converted head that has the open head's dense set and modes.
            detector: a YuNet ONNX file instead of the built-in MTCNN.
            dense: weights of `headform train landmarks`.
            identity: weights of `headform train shape`.
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
        return cls(
            model,
            load_detector(None if detector is None else Path(detector)),
            DensePredictor(dense_net, model),
            IdentityPredictor(identity_net, model),
            texture_size=texture_size,
        )

    def reconstruct(
        self, image: Picture, *, faces: Literal["largest", "all"] = "largest"
    ) -> list[Reconstruction]:
        """Reconstruct the largest face, or all, largest first.

        Args:
            image: a path; an array (H, W, 3) uint8 or float in [0, 1], sRGB; or a `Photo`.
            faces: which.

        Raises:
            InputError: the photo cannot be read.
            FaceError: ``no_face``, or ``face_too_small``.
        """
        started = time.perf_counter()
        photo = _as_photo(image)
        timings = {"read": time.perf_counter() - started}
        found, spent = self.find(photo, faces=faces)
        timings |= spent
        return [self._one(photo, face, prediction, dict(timings)) for face, prediction in found]

    def find(
        self, photo: Photo, *, faces: Literal["largest", "all"] = "largest"
    ) -> tuple[list[tuple[Face, DensePrediction]], dict[str, float]]:
        """Faces that the dense network confirms, with its prediction, and seconds by stage.

        Raises:
            FaceError: ``no_face``, or ``face_too_small``.
        """
        started = time.perf_counter()
        candidates = self._detector.detect(photo.rgb)
        detected = time.perf_counter()
        large = [f for f in candidates if min(np.ptp(f.box.reshape(2, 2), axis=0)) >= MIN_FACE_PX]
        if candidates and not large:
            what = f"the largest face is under {MIN_FACE_PX:.0f} px"
            raise FaceError("face_too_small", what, photo.name, "give a larger photo")
        found: list[tuple[Face, DensePrediction]] = []
        for face in large:
            if faces == "largest" and found:
                break
            prediction = self._read(photo, face)
            if prediction is not None and not any(_same(prediction, other) for _, other in found):
                found.append((face, prediction))
        if not found:
            what = "no face was found" if not candidates else "what looked like a face is none"
            raise FaceError(
                "no_face", what, photo.name, "give a photo in which a face is seen well"
            )
        return found, {"detect": detected - started, "landmarks": time.perf_counter() - detected}

    def _read(self, photo: Photo, face: Face) -> DensePrediction | None:
        """Dense points in two passes; None when the network does not believe in the face."""
        (rough,) = self._dense.predict(photo.rgb, [crop_of_face(face)])
        if rough.relative_sigma > 1.5 * NO_FACE_SIGMA:
            return None
        crops = [crop_of_points(rough.points[:68], rough.rotation, zoom=zoom) for zoom in ZOOMS]
        fine = average(self._dense.predict(photo.rgb, crops))
        return fine if fine.relative_sigma < NO_FACE_SIGMA else None

    def _one(
        self, photo: Photo, face: Face, prediction: DensePrediction, timings: dict[str, float]
    ) -> Reconstruction:
        clock = time.perf_counter()

        def lap(stage: str) -> None:
            nonlocal clock
            now = time.perf_counter()
            timings[stage] = now - clock
            clock = now

        prior = None
        if self._identity is not None:
            prior = self._identity.predict(photo.rgb, tight_crop(prediction.points[:68]))
        lap("identity")
        size = photo.rgb.shape[1], photo.rgb.shape[0]
        sigma = np.where(self._eye_points, np.inf, prediction.sigma)
        fit = fit_points(
            self._points,
            prediction.points,
            sigma,
            image_size=size,
            identity_prior=prior,
            expression_prior=prediction.expression,
            rotation_init=prediction.rotation,
            priors=PRIORS,
        )
        neutral, vertices = self._decode(fit.identity, fit.expression, prediction.gaze)
        lap("fit")
        skin = mask_in_photo(prediction, size)
        lit = fit_light_and_albedo(self.head, vertices, fit.camera, photo.rgb, skin)
        lap("light")
        texture = albedo = None
        seam = 1.0
        if self.texture_size:
            kept, removed = bake_textures(
                self.head,
                vertices,
                fit.camera,
                photo.rgb,
                lit.light,
                lit.albedo_code,
                skin,
                self.texture_size,
            )
            texture, albedo, seam = kept.rgb, removed.rgb, kept.seam_gradient
        lap("texture")
        confidence, reasons = judge(prediction, fit.rms_sigma)
        timings["total"] = sum(timings.values())
        return Reconstruction(
            head=self.head,
            photo=photo.rgb,
            photo_name=photo.name,
            image_size=size,
            face=face,
            points68=points68(self.head, prediction, vertices, fit.camera),
            dense=prediction.points,
            dense_sigma=prediction.sigma,
            confidence=confidence,
            status="low_confidence" if reasons else "ok",
            reasons=reasons,
            identity=fit.identity,
            expression=fit.expression,
            gaze=prediction.gaze,
            albedo_code=lit.albedo_code,
            light=lit.light,
            camera=fit.camera,
            vertices=vertices,
            neutral=neutral,
            texture=texture,
            albedo_texture=albedo,
            seam_gradient=seam,
            timings=timings,
            reduction=photo.reduction,
        )

    def _decode(
        self,
        identity: Float[np.ndarray, " K"],
        expression: Float[np.ndarray, " E"],
        gaze: Float[np.ndarray, "2"],
    ) -> tuple[Float32[np.ndarray, "V 3"], Float32[np.ndarray, "V 3"]]:
        """Neutral and posed vertices."""
        code, weights = (torch.from_numpy(x).float() for x in (identity, expression))
        neutral = self.head.vertices(code)
        posed = self.head.vertices(code, weights)
        turn = torch.from_numpy(
            rotation_from_rotvec(np.array([0.0, gaze[0], 0.0]))
            @ rotation_from_rotvec(np.array([-gaze[1], 0.0, 0.0]))
        ).float()
        return neutral.numpy(), self.head.gazed(posed, turn, turn).numpy()


def judge(prediction: DensePrediction, rms_sigma: float) -> tuple[float, tuple[str, ...]]:
    """Confidence in [0, 1] and what speaks against a result."""
    spread = prediction.relative_sigma
    confidence = 1 / (1 + math.exp((spread - UNSURE_SIGMA) / 0.012))
    reasons = []
    if spread > UNSURE_SIGMA:
        reasons.append(
            f"the landmarks are uncertain: sigma is {100 * spread:.1f} % of the face size"
        )
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
