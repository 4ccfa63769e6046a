"""Result of reconstructing one face.

V vertices, K identity modes, E expressions, A albedo modes, N dense points, S side of a texture, H W of the photo.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8

from headform.errors import InputError
from headform.fit.gaze import gaze_rotation
from headform.geometry.camera import PerspectiveCamera
from headform.geometry.rotation import rotvec_from_rotation
from headform.heads.coefficients import OPEN, Coefficients
from headform.heads.linear import LinearHead
from headform.nets.detection.face import Face
from headform.nets.parsing_predictor import ParsedFace
from headform.pipeline.face_evidence import FaceEvidence
from headform.pipeline.unseen import PointState, Unseen


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """Reconstructed face. Pixels are those of the upright photo, origin at the top-left corner; meters, head frame.

    Attributes:
        head: head model.
        photo: photo, sRGB.
        photo_name: name or path of the photo.
        image_size: width and height of the photo as it was read, pixels.
        face: detected face.
        points68: iBUG landmarks following the annotators' convention, pixels; the mean of the networks that predict them.
        dense: surface points of headform's dense network, pixels.
        dense_sigma: standard deviations of `dense`, pixels.
        confidence: confidence in [0, 1], from the variance of the dense network, the residual of the fit, the
            disagreement of the networks, and the share of the 68 points that the photo does not show.
        status: ``low_confidence`` for results that should be checked.
        reasons: reasons for doubt, one clause each.
        identity: identity coefficients, standard deviations.
        expression: expression weights in [0, 1], in the order of ``head.expression_names``.
        gaze: yaw to the subject's left and pitch up, radians; empty for a head whose eyes do not turn.
        albedo_code: albedo coefficients, standard deviations.
        light: spherical-harmonic shading coefficients over camera-frame normals, linear RGB.
        camera: camera of the photo; maps the head frame to its pixels.
        vertices: vertices with identity, expression and gaze, meters, head frame.
        neutral: vertices with identity only, meters, head frame.
        texture: sRGB atlas that includes the light of the photo.
        albedo_texture: sRGB atlas without light.
        seam_gradient: color step across the border of photo and fill; 1 for an invisible seam; see ``fit.texture``.
        timings: seconds by stage.
        states68: state of each of `points68`: "seen", "outside" the picture, or "covered"; see ``pipeline.unseen``.
        reduction: pixels of the original photo per pixel of `photo`, 2, 4 or 8 for huge JPEGs; files on disk are in pixels
            of the original.
        parsed: classes of the pixels around the face, such as hair and glasses; None without a parsing network.
        evidence: readings of all networks, from which another head model can be fitted.
        colors: sRGB in [0, 1] per vertex, with the light of the photo, of a head without texture coordinates of its own.
        pose: rotations of the head's joints by name, axis-angle, radians, such as FLAME's ``jaw``.
        refined_albedo: (V, 3) linear RGB that a texture network made of the model's; None without such a network.
        notes: remarks on what the head model lacks and on what was done instead, one clause each.
    """

    head: LinearHead
    photo: UInt8[np.ndarray, "H W 3"]
    photo_name: str
    image_size: tuple[int, int]
    face: Face
    points68: Float[np.ndarray, "68 2"]
    dense: Float[np.ndarray, "N 2"]
    dense_sigma: Float[np.ndarray, " N"]
    confidence: float
    status: Literal["ok", "low_confidence"]
    reasons: tuple[str, ...]
    identity: Float[np.ndarray, " K"]
    expression: Float[np.ndarray, " E"]
    gaze: Float[np.ndarray, " G"]
    albedo_code: Float[np.ndarray, " A"]
    light: Float[np.ndarray, "9 3"]
    camera: PerspectiveCamera
    vertices: Float32[np.ndarray, "V 3"]
    neutral: Float32[np.ndarray, "V 3"]
    texture: UInt8[np.ndarray, "S S 3"] | None
    albedo_texture: UInt8[np.ndarray, "S S 3"] | None
    seam_gradient: float
    timings: Mapping[str, float]
    states68: tuple[PointState, ...] = Unseen().states
    reduction: int = 1
    parsed: ParsedFace | None = None
    evidence: FaceEvidence | None = None
    colors: Float32[np.ndarray, "V 3"] | None = None
    pose: Mapping[str, Float[np.ndarray, " P"]] = field(default_factory=dict)
    refined_albedo: Float32[np.ndarray, "V 3"] | None = None
    notes: tuple[str, ...] = ()

    def with_coefficients(
        self, *, identity: Float[np.ndarray, " K"] | None = None, expression: Float[np.ndarray, " E"] | None = None
    ) -> "Reconstruction":
        """Copy the result with other coefficients; `vertices` and `neutral` follow, texture, gaze and camera stay.

        Write it like any result (`export.write_reconstruction`), for example as GLB.

        Args:
            identity: standard deviations; unchanged if absent.
            expression: 0 to 1, order of ``head.expression_names``; unchanged if absent.

        Raises:
            InputError: ``code_length``; ``code_part`` for a head with a turned jaw.
        """
        if self.pose:
            what = "joints of this head are turned, which this method does not follow"
            raise InputError("code_part", what, self.head.name, "decode the coefficients with the head itself")
        identity = self.identity if identity is None else np.asarray(identity, np.float64)
        expression = self.expression if expression is None else np.asarray(expression, np.float64)
        code = torch.from_numpy(identity).float()
        neutral = self.head.vertices(code)
        posed = self.head.vertices(code, torch.from_numpy(expression).float())
        vertices = posed
        if len(self.gaze):
            turn = torch.from_numpy(gaze_rotation(self.gaze)).float()
            vertices = self.head.rotate_eyes(posed, turn, turn)
        return replace(
            self, identity=identity, expression=expression, vertices=vertices.numpy(), neutral=neutral.numpy()
        )

    def coefficients(self) -> Coefficients:
        """Return all estimates as one code of the open head (`heads.coefficients.OPEN`).

        Raises:
            InputError: ``code_part`` when the numbers of modes of the head are not those of the open head; another model's
                coefficients are `identity`, `expression` and `pose`.
        """
        if not len(self.gaze):
            what = f"{self.head.name} is not the open head"
            raise InputError("code_part", what, "", "take identity, expression and pose by their names")
        k = self.camera.K
        turn = rotvec_from_rotation(self.camera.R)
        values = {
            "identity": self.identity,
            "expression": self.expression,
            "pose": np.concatenate([turn, self.camera.t, np.zeros(3), self.gaze, self.gaze]),
            "texture": self.albedo_code,
            "camera": np.array([k[0, 0], k[0, 2], k[1, 2]]),
            "light": self.light.T.ravel(),
        }
        return Coefficients(OPEN, {name: torch.from_numpy(np.array(v, np.float64)) for name, v in values.items()})
