"""`Reconstructor`: head model and networks, loaded once, that turn photos into heads.

K identity modes. Pixels have their origin at the top-left corner of the upright photo.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args, overload

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from headform import heads, images
from headform.errors import FaceError, HeadformError, UsageError, check_choice
from headform.fit.fitted_photo import FittedPhoto
from headform.geometry.landmarks68 import five_points
from headform.heads.linear import LinearHead
from headform.images.photo import Photo
from headform.kernels.blas_threads import one_blas_thread
from headform.kernels.threads import begin
from headform.nets.detection.detector import Detector, load_detector
from headform.nets.face_encoder_predictor import FaceEncoderPredictor
from headform.nets.landmarks.committee import Committee, CommitteeReading
from headform.nets.landmarks.committee_calibration import Calibration, load_calibration
from headform.nets.landmarks.dense_net import DenseNet
from headform.nets.landmarks.dense_predictor import DensePredictor
from headform.nets.landmarks.student_net import StudentNet
from headform.nets.landmarks.student_predictor import StudentPredictor
from headform.nets.parsing_predictor import ParsedFace, ParsingPredictor
from headform.nets.shipped import (
    load_cover,
    load_face_encoder,
    load_landmarks_net,
    load_parsing,
)
from headform.nets.texture_predictor import TexturePredictor
from headform.pipeline.appearance import PhotoAppearance, PhotoMasks
from headform.pipeline.confidence import assess_confidence
from headform.pipeline.covers import CoverFinder, CoverMap
from headform.pipeline.dark_glasses import behind_dark_glasses
from headform.pipeline.face_colors import color_face
from headform.pipeline.face_evidence import FaceEvidence
from headform.pipeline.face_finder import FaceFinder, FoundFace, People
from headform.pipeline.face_fit import FaceFitter
from headform.pipeline.landmarks68 import points68
from headform.pipeline.photo_reasons import photo_reasons
from headform.pipeline.reconstruction import Reconstruction
from headform.pipeline.stopwatch import Stopwatch
from headform.pipeline.unseen import Unseen

Picture = str | os.PathLike[str] | bytes | np.ndarray | torch.Tensor | Image.Image | Photo
LandmarksNet = Literal["committee", "own"]


class Reconstructor:
    """Reconstruction of heads from photos with one head model, in one process; see `load`."""

    def __init__(
        self,
        head: LinearHead,
        detector: Detector,
        dense: DensePredictor,
        identity: FaceEncoderPredictor | None,
        committee: Committee | None = None,
        calibration: Calibration | None = None,
        *,
        covers: CoverFinder | None = None,
        parser: ParsingPredictor | None = None,
        refiner: TexturePredictor | None = None,
        texture_size: int = 1024,
    ) -> None:
        if (committee is None) != (calibration is None):
            raise UsageError(
                "committee_incomplete",
                "a committee requires a calibration, and a calibration a committee",
                "",
                "give both, or neither to use the dense network alone",
            )
        if refiner is not None:
            refiner.check_mesh(head)
        self.head, self.texture_size = head, texture_size
        self._finder, self._identity = FaceFinder(detector, dense), identity
        self._committee, self.calibration = committee, calibration
        self._covers, self._parser, self._refiner = covers, parser, refiner
        self.fitter = FaceFitter(head, calibration)
        self._shared_before = ""
        if identity is not None and refiner is not None:
            self._shared_before = identity.first_own_part(refiner.embedder)

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
        parsing: Path | None = None,
        texture_net: Path | None = None,
        texture_size: int = 1024,
        device: torch.device | str = "cpu",
    ) -> "Reconstructor":
        """Load the shipped head and networks, or replacements.

        Args:
            head: "open" or a converted head that has the open head's dense set and modes.
            detector: weights file of YuNet; the shipped one if None.
            dense: weights file from `headform train landmarks`, of a dense network or of a student; the shipped one if None.
            identity: weights file of a face encoder, from `headform train coefficients`; the shipped one if None.
            landmarks_net: "own" for headform's own dense network alone, "committee" to add the shipped networks of other
                publishers.
            calibration: calibration of the committee, as written by `tools/committee`; the shipped one if None.
            parsing: weights file from `headform train parsing`; the shipped one if None.
            texture_net: weights file from `headform train texture` that takes the embedding of the recognition network that
                ships; the shipped one if None.
            texture_size: side of the UV texture in pixels; 0 for no texture.
            device: device of the networks; head, fit and texture stay on the CPU.

        Raises:
            WeightsError: a file is missing, damaged or of the wrong kind; ``model_mismatch``: the texture networks are of
                another mesh than the head.
            UsageError: ``head_unsupported``: the head does not fit the networks.
        """
        check_choice(landmarks_net, get_args(LandmarksNet), "landmarks_net", "Reconstructor.load")
        model = heads.load_open() if str(head) == "open" else heads.load(Path(head))
        dense_net, _ = load_landmarks_net(dense)
        encoder, _ = load_face_encoder(identity)
        config = dense_net.config
        fits = (config.points, config.expressions) == (len(model.dense), len(model.expression))
        if not fits or encoder.layout.parts[0][1] != len(model.identity):
            raise UsageError(
                "head_unsupported",
                "the networks were not trained for the points and modes of this head",
                str(head),
                "use registration.HeadReconstructor for it, as `headform reconstruct --head` does",
            )
        together = landmarks_net == "committee"
        measured, card = load_calibration(calibration) if together else (None, {})
        if together and card.get("head") != model.sha256:
            raise UsageError(
                "head_unsupported",
                "the committee was calibrated for another head",
                str(head),
                "reconstruct with --landmarks-net own, or on the open head",
            )
        return cls(
            model,
            load_detector(None if detector is None else Path(detector), device),
            _predictor(dense_net.to(device), model),
            FaceEncoderPredictor(encoder.to(device), model),
            Committee.load(device) if together else None,
            measured,
            covers=CoverFinder(load_cover()[0].to(device)),
            parser=ParsingPredictor(load_parsing(parsing)[0].to(device), mirror=False),
            refiner=TexturePredictor.load(texture_net, model, device) if texture_size else None,
            texture_size=texture_size,
        )

    def reconstruct(
        self, image: Picture, *, people: People = "largest", identity: Float[np.ndarray, " K"] | None = None
    ) -> list[Reconstruction]:
        """Reconstruct the largest face of a photo, or all, largest first.

        Args:
            image: path, or bytes of a file; Pillow image of any mode; array or tensor (H, W, 3), uint8 or float in [0, 1],
                sRGB (`images.from_array`); or a `Photo`.
            people: reconstruct the largest face of the photo, or every face.
            identity: coefficients that are known and kept, such as those of `pipeline.same_person`; predicted if absent.

        Raises:
            InputError: the photo cannot be read.
            FaceError: ``no_face``, or ``face_too_small``.
        """
        return self.reconstruct_many([image], people=people, identity=identity)[0]

    @overload
    def reconstruct_many(
        self,
        images: Sequence[Picture],
        *,
        people: People = "largest",
        identity: Float[np.ndarray, " K"] | None = None,
        on_error: Literal["raise"] = "raise",
    ) -> list[list[Reconstruction]]: ...
    @overload
    def reconstruct_many(
        self,
        images: Sequence[Picture],
        *,
        people: People = "largest",
        identity: Float[np.ndarray, " K"] | None = None,
        on_error: Literal["return"],
    ) -> list[list[Reconstruction] | HeadformError]: ...
    @one_blas_thread()  # its threads keep the cores busy, waiting for more, that the worker and torch need
    def reconstruct_many(
        self,
        images: Sequence[Picture],
        *,
        people: People = "largest",
        identity: Float[np.ndarray, " K"] | None = None,
        on_error: Literal["raise", "return"] = "raise",
    ) -> list[list[Reconstruction]] | list[list[Reconstruction] | HeadformError]:
        """Reconstruct the faces of many photos; every network processes all of them as batches.

        Fit, light and texture follow face by face on the CPU. Photos are kept in memory: pass a few dozen at a time.

        Args:
            images: as in `reconstruct`.
            people: the largest face of each photo, or every face.
            identity: as in `reconstruct`; of all faces.
            on_error: raise the first error, or return each error in place of the results of its photo.

        Returns:
            The heads of each photo, in the order of the photos.

        Raises:
            InputError: a photo cannot be read.
            FaceError: ``no_face``, or ``face_too_small``.
            UsageError: ``images_invalid``: one path in place of a list.
        """
        if isinstance(images, (str, os.PathLike)):
            what = f"images is {os.fspath(images)!r}, expected a list of photos"
            hint = "list the files, such as sorted(Path(folder).glob('*.jpg'))"
            raise UsageError("images_invalid", what, "reconstruct_many", hint)
        check_choice(people, get_args(People), "people", "reconstruct_many")
        check_choice(on_error, ("raise", "return"), "on_error", "reconstruct_many")
        results: list[list[Reconstruction] | HeadformError] = []
        photos: dict[int, Photo] = {}
        clock = Stopwatch()
        for number, image in enumerate(images):
            try:
                photos[number] = _as_photo(image)
                results.append([])
            except HeadformError as error:
                results.append(error)
        clock.lap("read", len(images))
        outcomes = self._finder.find(list(photos.values()), people, lap=clock.lap) if photos else []
        found: list[tuple[int, FoundFace]] = []
        for number, outcome in zip(photos, outcomes, strict=True):
            if isinstance(outcome, FaceError):
                results[number] = outcome
            else:
                found += [(number, each) for each in outcome]
        if on_error == "raise":
            for result in results:
                if isinstance(result, HeadformError):
                    raise result
        pictures = [photos[number].rgb if each.copy is None else each.copy for number, each in found]
        guides = [each.prediction.points[:68] for _, each in found]
        committee = self._committee.read(pictures, guides) if self._committee is not None else [None] * len(found)
        clock.lap("committee", len(found))
        covers = self._covers.find(pictures, guides) if self._covers is not None else [None] * len(found)
        clock.lap("covers", len(found))
        parsed = self._parser.parse(pictures, guides) if self._parser is not None else [None] * len(found)
        clock.lap("parsing", len(found))
        priors: list[Float[np.ndarray, " K"] | None] = [identity] * len(found)
        begun: list[Float[Tensor, "C h w"] | None] = [None] * len(found)
        if identity is None and self._identity is not None and found:
            if self._shared_before:
                priors[:], begun[:] = self._identity.predict_and_share(pictures, guides, self._shared_before)
            else:
                priors[:] = self._identity.predict(pictures, guides)
        clock.lap("identity", len(found))
        rows = zip(found, committee, covers, parsed, priors, begun, strict=True)
        for (number, each), reading, cover, classes, prior, shared in rows:
            place = results[number]
            if not isinstance(place, HeadformError):
                seen = photos[number], each, reading, cover, classes, prior, shared
                place.append(self._one(*seen, clock.copy(), keep_identity=identity is not None))
                clock.restart()
        return results

    def find(self, photo: Photo, *, people: People = "largest") -> list[FoundFace]:
        """Find the faces of a photo that the dense network confirms, with its prediction.

        Raises:
            FaceError: ``no_face``, or ``face_too_small``.
        """
        (outcome,) = self._finder.find([photo], people)
        if isinstance(outcome, FaceError):
            raise outcome
        return outcome

    @property
    def identity_predictor(self) -> FaceEncoderPredictor | None:
        """Predictor of identity coefficients; None without an identity network."""
        return self._identity

    def _one(
        self,
        photo: Photo,
        found: FoundFace,
        reading: CommitteeReading | None,
        cover: CoverMap | None,
        parsed: ParsedFace | None,
        prior: Float[np.ndarray, " K"] | None,
        begun: Float[Tensor, "C h w"] | None,
        clock: Stopwatch,
        *,
        keep_identity: bool,
    ) -> Reconstruction:
        """Fit head, light and texture of one face."""
        prediction = found.prediction
        size = photo.rgb.shape[1], photo.rgb.shape[0]
        evidence = FaceEvidence.of(prediction, reading, cover, parsed)
        cover = evidence.cover
        masked = begin(PhotoMasks.of, photo.rgb, evidence, self.calibration)
        five = five_points(prediction.points[:68])
        decoded = None
        if self._refiner is not None:
            # in a copy of another tone, other colors than the photo's went through the network
            known = None if begun is None or found.copy is not None else (self._shared_before, begun)
            decoded = begin(self._refiner.decode, photo.rgb, five, known)
        fitted = self.fitter.fit(prediction, reading, prior, size, keep_identity=keep_identity)
        fit, vertices = fitted.fit, fitted.vertices
        marks = points68(self.head, prediction, vertices, fit.camera)
        apart = 0.0
        if reading is not None and self.calibration is not None:
            marks, apart = self.calibration.fuse68(marks, reading)
        clock.lap("fit")
        in_photo = FittedPhoto(self.head, vertices, fit.camera, photo.rgb, rest=fitted.neutral)
        masks = masked()
        appearance = PhotoAppearance.of(in_photo, masks)
        colors = color_face(appearance, self.texture_size, self._refiner, decoded, clock.lap)
        hidden, area = (np.zeros(68, bool), 0.0) if cover is None else (cover.covers(marks), cover.share)
        if parsed is not None:
            hidden = hidden | behind_dark_glasses(parsed, marks)
        unseen = Unseen.of(marks, size, hidden, area)
        trust = assess_confidence(prediction, fit.rms_sigma, apart, unseen)
        return Reconstruction(
            head=self.head,
            photo=photo.rgb,
            photo_name=photo.name,
            image_size=size,
            face=found.face,
            points68=marks,
            dense=prediction.points,
            dense_sigma=prediction.sigma,
            states68=unseen.states,
            confidence=trust.confidence,
            status=trust.status,
            reasons=(*trust.reasons, *photo_reasons(photo.rgb, masks.own, fit.camera), *_tone_note(found)),
            identity=fit.identity,
            expression=fit.expression,
            gaze=fitted.gaze,
            albedo_code=colors.lit.albedo_code,
            light=colors.lit.light,
            camera=fit.camera,
            vertices=vertices,
            neutral=fitted.neutral,
            texture=colors.texture,
            albedo_texture=colors.albedo_texture,
            refined_albedo=colors.refined,
            seam_gradient=colors.seam_gradient,
            timings=clock.seconds | {"total": sum(clock.seconds.values())},
            reduction=photo.reduction,
            parsed=parsed,
            evidence=evidence,
        )


def _predictor(net: DenseNet | StudentNet, head: LinearHead) -> DensePredictor:
    return StudentPredictor(net, head) if isinstance(net, StudentNet) else DensePredictor(net, head)


def reconstruct(image: Picture, *, head: str | Path = "open") -> Reconstruction:
    """Reconstruct the largest face of a photo with the shipped networks; for more than one photo keep a `Reconstructor`.

    Raises:
        InputError: the photo cannot be read.
        FaceError: the photo shows no usable face.
    """
    return Reconstructor.load(head=head).reconstruct(image)[0]


def _tone_note(found: FoundFace) -> tuple[str, ...]:
    if not found.tone:
        return ()
    return (f"the face was found and read in a {found.tone} copy of the photo; the texture is the photo's own",)


def _as_photo(image: Picture) -> Photo:
    if isinstance(image, Photo):
        return image
    if isinstance(image, (str, os.PathLike)):
        return images.read(image)
    if isinstance(image, bytes):
        return images.from_bytes(image)
    return images.from_array(image)
