"""`HeadReconstructor`: photos to heads of any converted model, by analysis by synthesis from the open head's result.

V vertices, K identity and E expression coefficients, A albedo modes, H W of the photo.

The open head is reconstructed first; its shape, pose, camera and light are where the other model starts. Then come the
model's own coefficients: from points (`photo_points`), light and colors (`fit.photometric`), all of them together by
rendering (`photo_synthesis`), and at last the photo is baked into the model's own texture, or into colors of its vertices.

With a regressor (`regressed_face`) coefficients, pose, camera, light and albedo are what that network reads, and the open
head serves to find and mask the face.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Float32

from headform import heads
from headform.errors import UsageError
from headform.fit.fitted_photo import FittedPhoto
from headform.fit.photometric import PhotometricFit
from headform.heads.linear import PARTS, LinearHead
from headform.mesh.normals import vertex_normals
from headform.nets.basel_regressor_net import BaselRegressor, load_basel_regressor
from headform.pipeline.appearance import PhotoAppearance, PhotoMasks
from headform.pipeline.face_evidence import FaceEvidence
from headform.pipeline.face_finder import People
from headform.pipeline.reconstruction import Reconstruction
from headform.pipeline.reconstructor import Picture, Reconstructor
from headform.registration.carried import CarriedHead, carry_over
from headform.registration.expression_range import decoded
from headform.registration.face_synthesis import FaceSynthesis
from headform.registration.photo_points import PhotoPointFitter, PhotoShape
from headform.registration.regressed_face import FaceRegressor
from headform.render.unwrapping import has_own_texels


class HeadReconstructor:
    """Reconstruction of photos with one head model other than the open one; see `load`."""

    def __init__(
        self,
        head: LinearHead,
        open_reconstructor: Reconstructor,
        *,
        texture_size: int = 1024,
        regressor: BaselRegressor | None = None,
    ) -> None:
        """Carry the open head's annotations over, once.

        Args:
            head: Converted model with landmarks.
            open_reconstructor: Reconstructor of the open head.
            texture_size: Side of the texture in texels, 0 for none, for models with texture coordinates.
            regressor: Network that reads coefficients, pose, camera and light in the photo, in place of the fit.

        Raises:
            UsageError: ``regressor_head``: the regressor is of another model.
            WeightsError: ``head_lacks``: the model has no landmarks.
            InputError: ``fit_lost``: its mean cannot be fitted to the open head.
        """
        self.head, self.open = head, open_reconstructor
        self._regressor = None if regressor is None else FaceRegressor(regressor, head)
        source = open_reconstructor.head
        self._carried = carry_over(head, source)
        fitter = open_reconstructor.fitter
        places, mean = fitter.surface, source.mean.double().numpy()
        normals = vertex_normals(mean, source.faces.numpy())

        def at(rows: Float[np.ndarray, "V 3"]) -> Float[np.ndarray, "N 3"]:
            return (rows[places.vertices] * places.weights[..., None]).sum(axis=1)

        self._points = PhotoPointFitter(self._carried, source, self._carried.places(at(mean), at(normals)))
        self._synthesis = FaceSynthesis(self._carried)
        uv = head.uv.numpy()
        self._texture_size = texture_size if has_own_texels(uv, head.uv_faces.numpy()) else 0
        self.notes = _notes(head, self._carried, texture_size, self._texture_size)
        if regressor is not None:
            self.notes += ("coefficients, pose, camera, light and colors are the regressor's; nothing was fitted",)

    @classmethod
    def load(
        cls,
        head: str | Path,
        *,
        open_reconstructor: Reconstructor | None = None,
        texture_size: int = 1024,
        regressor: str | Path | None = None,
    ) -> "HeadReconstructor":
        """Load a converted model, and the open head with the shipped networks unless a reconstructor is given.

        Args:
            head: File of the model.
            open_reconstructor: Reconstructor of the open head.
            texture_size: Side of the texture in texels.
            regressor: Checkpoint of the regressor of Deng et al. for the Basel front; see `nets.basel_regressor_net`.

        Raises:
            WeightsError: as `heads.load` and `load_basel_regressor`; ``head_lacks``: landmarks.
            UsageError: ``head_open``: it is the open head; ``regressor_head``.
        """
        model = heads.load(head)
        if model.has_field("dense"):
            raise UsageError("head_open", "this is the open head", str(head), "use pipeline.Reconstructor")
        net = None if regressor is None else load_basel_regressor(regressor)
        known = open_reconstructor or Reconstructor.load(texture_size=0)
        return cls(model, known, texture_size=texture_size, regressor=net)

    def reconstruct(
        self, image: Picture, *, people: People = "largest", identity: Float[np.ndarray, " K"] | None = None
    ) -> list[Reconstruction]:
        """Reconstruct the largest face of a photo, or all, with this model.

        Args:
            image: as in `Reconstructor.reconstruct`.
            people: the largest face of the photo, or every face.
            identity: the open head's identity where it is known, such as `pipeline.same_person` gives it.

        Raises:
            InputError: the photo cannot be read.
            FaceError: ``no_face``, or ``face_too_small``.
        """
        return [self.refit(each) for each in self.open.reconstruct(image, people=people, identity=identity)]

    def reconstruct_many(self, images: Sequence[Picture], *, people: People = "largest") -> list[list[Reconstruction]]:
        """Reconstruct many photos, whose networks run together; see `Reconstructor.reconstruct_many`."""
        found = self.open.reconstruct_many(images, people=people)
        return [[self.refit(each) for each in heads_] for heads_ in found]

    def refit(self, result: Reconstruction) -> Reconstruction:
        """Fit this model to the photo of an open head's result.

        Args:
            result: Fresh result of the open head, with its `evidence`.

        Raises:
            UsageError: ``evidence_missing``: the result was not made by `Reconstructor`.
        """
        evidence = result.evidence
        if evidence is None or result.head.sha256 != self.open.head.sha256:
            what = "the result holds no readings of the networks, or is none of the open head"
            raise UsageError(
                "evidence_missing", what, result.photo_name, "give what Reconstructor.reconstruct returned"
            )
        started = time.perf_counter()
        if self._regressor is not None:
            return self._regressed(self._regressor, result, evidence, started)
        seen = self.open.fitter.observe(evidence.prediction, evidence.reading)
        shape = self._points.fit(result, seen)
        points = time.perf_counter()
        self._color(result)
        photo = self._photo(result, evidence, shape)
        found = self._synthesis.refine(photo.photo, self._points, seen, shape, photo.light())
        shape, lit = found.shape, found.lit
        photo = photo.moved(decoded(self.head, shape.identity, shape.expression), shape.camera, self._rest(shape))
        rendered = time.perf_counter()
        done = self._appearance(result, photo, shape, lit, photo.albedo(lit))
        stages = {"head": points - started, "head_synthesis": rendered - points}
        return _timed(done, stages, started)

    def _regressed(
        self, regressor: FaceRegressor, result: Reconstruction, evidence: FaceEvidence, started: float
    ) -> Reconstruction:
        """Take what the regressor reads, and bake the photo."""
        found = regressor.read(result.photo, result.points68)
        stages = {"head": time.perf_counter() - started}
        photo = self._photo(result, evidence, found.shape)
        albedo = self.head.albedo_of(torch.from_numpy(found.lit.albedo_code).to(self.head.albedo)).float().numpy()
        return _timed(self._appearance(result, photo, found.shape, found.lit, albedo), stages, started)

    def _photo(self, result: Reconstruction, evidence: FaceEvidence, shape: PhotoShape) -> PhotoAppearance:
        """Put the head into the photo, with the masks of what shows skin."""
        vertices = decoded(self.head, shape.identity, shape.expression)
        photo = FittedPhoto(self._carried.dressed, vertices, shape.camera, result.photo, rest=self._rest(shape))
        eyes = bool((self._carried.dressed.part.numpy() >= PARTS.index("eye_right")).any())
        return PhotoAppearance.of(photo, PhotoMasks.of(photo.rgb, evidence, self.open.calibration), eyes=eyes)

    def _rest(self, shape: PhotoShape) -> Float32[np.ndarray, "V 3"]:
        """Return the vertices without the photo's expression."""
        return decoded(self.head, shape.identity, np.zeros_like(shape.expression))

    def _appearance(
        self,
        result: Reconstruction,
        photo: PhotoAppearance,
        shape: PhotoShape,
        lit: PhotometricFit,
        albedo: Float[np.ndarray, "V 3"],
    ) -> Reconstruction:
        """Bake the photo, and write down what the model knows."""
        head = self.head
        texture = bare = colors = None
        seam = 1.0
        if self._texture_size:
            kept, removed = photo.textures(lit.light, albedo, self._texture_size)
            texture, bare, seam = kept.rgb, removed.rgb, kept.seam_gradient
        else:
            colors = photo.vertex_colors(lit.light, albedo)
        count = len(head.expression)
        jaw = {"jaw": np.array([shape.expression[-1], 0.0, 0.0])} if len(shape.expression) > count else {}
        return replace(
            result,
            head=head,
            dense=np.zeros((0, 2)),
            dense_sigma=np.zeros(0),
            identity=shape.identity,
            expression=shape.expression[:count],
            gaze=np.zeros(0),
            albedo_code=lit.albedo_code if self._carried.own_colors else np.zeros(0),
            light=lit.light,
            camera=shape.camera,
            vertices=np.asarray(photo.photo.vertices, np.float32),
            neutral=decoded(head, shape.identity, np.zeros(count)),
            texture=texture,
            albedo_texture=bare,
            refined_albedo=None,
            seam_gradient=seam,
            colors=colors,
            pose=jaw,
            notes=self.notes,
            evidence=None,
        )

    def _color(self, result: Reconstruction) -> None:
        """Color the head like the open one in this photo, where the model has no colors of its own."""
        if not self._carried.own_colors:
            found = result.head.albedo_of(torch.from_numpy(np.asarray(result.albedo_code)).float()).double().numpy()
            # in place: graph and atlas are remembered by the head
            self._carried.dressed.albedo_mean = torch.from_numpy(self._carried.same_part.of(found)).float()


def _timed(done: Reconstruction, stages: Mapping[str, float], started: float) -> Reconstruction:
    """Add the seconds of stages, and of the texture after them."""
    spent = time.perf_counter() - started
    timings = dict(done.timings) | dict(stages) | {"head_texture": spent - sum(stages.values())}
    timings["total"] = float(done.timings.get("total", 0.0)) + spent
    return replace(done, timings=timings)


def _notes(head: LinearHead, carried: CarriedHead, asked: int, size: int) -> tuple[str, ...]:
    """Name what the model lacks, and what was done instead."""
    out = []
    name = head.name
    if not head.has_field("uv"):
        out.append(f"{name} has no texture coordinates: the photo is in the colors of the vertices (PLY, GLB)")
    elif asked and not size:
        out.append(f"the texture coordinates of {name} overlap: the photo is in the colors of the vertices (PLY, GLB)")
    if not head.has_field("expression"):
        out.append(f"{name} has no expressions: the identity takes up what the face does")
    if not carried.own_colors:
        out.append(f"{name} has no colors of its own: light was found with the open head's, and no albedo is written")
    known = int(head.landmark_known.sum())
    if known < 68:
        out.append(f"{name} knows {known} of the 68 landmarks")
    out += [note for note in head.provenance.notes if "derived" in note and "landmarks" in note]
    return tuple(out)
