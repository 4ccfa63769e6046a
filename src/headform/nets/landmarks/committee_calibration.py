"""Calibration of the committee: weight and correction of each member; the numbers ship in one file.

Two outputs are kept apart. `mesh_on_surface`: MediaPipe's points as points of the head's surface, which the fit uses.
`fuse68`: the 68 points in the annotators' convention, which evaluations compare: a mean of all members, weighted by their
inverse variances, after each was moved by its own mean offset. The numbers were measured on open portraits and on synthetic
faces by `python -m tools.committee`; the card names them. Offsets and standard deviations are in units of the face's size,
in the frame of its eyes (`nets.crop_geometry.EyeFrame`). Standard deviations are those of a clearly visible face, and grow
as MediaPipe's `presence` falls: on synthetic faces that logit predicts the error of every member better than the head's
angle does.

M members, E expressions, Q knots of presence.
"""

from dataclasses import dataclass, fields
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from headform.errors import WeightsError
from headform.geometry import mediapipe478
from headform.geometry.mediapipe478 import LID_PAIRS, LIP_PAIRS
from headform.io.model_file import load_model, save_model
from headform.nets.landmarks.committee import MEMBERS, CommitteeReading

FILE = "committee.safetensors"
KIND = "committee calibration"
ALL_MEMBERS = ("own", *MEMBERS)
"""The dense network, whose 68 points follow from the fit, and the networks of other publishers."""


@dataclass(frozen=True)
class Calibration:
    """Numbers of the calibration; its methods apply them to a reading.

    Attributes:
        surface_vertices: vertices of the open head's triangle on which each of MediaPipe's points lies.
        surface_weights: its barycentric weights; the irises' points lie on the eyeballs.
        mesh_offset: offset from MediaPipe's points to the surface points.
        mesh_sigma: their standard deviation along either axis.
        gap_sigma: standard deviation of the gap of a pair of lids, and of lips.
        expression_precision: inverse covariance of the error of the dense network's expression weights.
        presence: knots, ascending logits.
        mesh_growth: factor on `mesh_sigma` and `gap_sigma` at the knots.
        offset68: offset of each member's 68 points to the annotators'.
        sigma68: standard deviation of each member's points after the offset.
        growth68: factor on `sigma68` at the knots.
    """

    surface_vertices: np.ndarray  # (478, 3) int64
    surface_weights: Float[np.ndarray, "478 3"]
    mesh_offset: Float[np.ndarray, "478 2"]
    mesh_sigma: Float[np.ndarray, " 478"]
    gap_sigma: Float[np.ndarray, "2"]
    expression_precision: Float[np.ndarray, "E E"]
    presence: Float[np.ndarray, " Q"]
    mesh_growth: Float[np.ndarray, " Q"]
    offset68: Float[np.ndarray, "M 68 2"]
    sigma68: Float[np.ndarray, "M 68"]
    growth68: Float[np.ndarray, "M Q"]

    def mesh_on_surface(
        self, reading: CommitteeReading
    ) -> tuple[Float[np.ndarray, "478 2"], Float[np.ndarray, " 478"]]:
        """Return MediaPipe's points corrected to the head's surface, and their standard deviations, pixels."""
        frame = reading.frame
        growth = self.growth(reading)
        points = frame.shifted(reading.mesh, self.mesh_offset)
        return points, self.mesh_sigma * (growth * frame.size)

    def gaps(self, reading: CommitteeReading) -> tuple[Float[np.ndarray, " G"], Float[np.ndarray, " G"]]:
        """Return the gaps of lids and lips along the face's own vertical, and their standard deviations, pixels.

        Pairs are those of `LID_PAIRS`, then `LIP_PAIRS`. Lips less than `CLOSED` apart count as closed, since such a gap is
        mostly the network's noise: it is scaled down to the gap of touching lips, its standard deviation down to a quarter.
        """
        frame = reading.frame
        points = frame.shifted(reading.mesh, self.mesh_offset)
        pairs = np.array([*LID_PAIRS, *LIP_PAIRS])
        seen = np.maximum((points[pairs[:, 1]] - points[pairs[:, 0]]) @ frame.axes[:, 1], 0.0)
        lips = np.arange(len(pairs)) >= len(LID_PAIRS)
        small = CLOSED * frame.size
        share = np.where(lips, np.minimum(seen / small, 1.0), 1.0)
        sigma = self.gap_sigma[lips.astype(int)] * (self.growth(reading) * frame.size)
        share = np.maximum(share, _SURE)
        return np.where(lips, np.maximum(seen * share, _TOUCHING * small), seen), sigma * share

    def fuse68(
        self, own: Float[np.ndarray, "68 2"], reading: CommitteeReading
    ) -> tuple[Float[np.ndarray, "68 2"], float]:
        """Return the annotators' 68 points in pixels, and the members' mean distance from them in face sizes.

        Args:
            own: 68 points of the dense network and the fit, pixels.
            reading: reading of the other members.
        """
        frame = reading.frame
        members = np.concatenate([own[None], reading.points68])
        moved = np.stack([frame.shifted(p, o) for p, o in zip(members, self.offset68, strict=True)])
        growth = np.array([np.interp(reading.presence, self.presence, row) for row in self.growth68])
        weight = (self.sigma68 * growth[:, None]) ** -2.0
        first = np.einsum("mk,mkc->kc", weight / weight.sum(0), moved)
        deviation = np.linalg.norm(moved - first, axis=2).mean(1) / frame.size
        weight /= (1 + (deviation[:, None] / OUTLIER_SIZE) ** 2) ** 2  # an outlier loses weight
        share = weight / weight.sum(0)
        fused = np.einsum("mk,mkc->kc", share, moved)
        return fused, float(deviation.mean())

    def growth(self, reading: CommitteeReading) -> float:
        """Return the factor on the standard deviations of MediaPipe's points, 1 on a clearly visible face."""
        return float(np.interp(reading.presence, self.presence, self.mesh_growth))


OUTLIER_SIZE = 0.03
"""Mean distance of a member from the mean of all, in face sizes, at which it keeps a quarter of its weight. On 700
synthetic faces the error of the mean falls from 3.61 to 3.43 % of the face below a presence of 5, from 2.82 to 2.65 %
between 5 and 12, and stays at 1.97 % above."""
CLOSED, _SURE, _TOUCHING = 1.3 / 150, 0.25, 0.12
"""In face sizes (1.3 mm), the least share of the standard deviation, and the gap of closed lips in shares of the first; see
`Calibration.gaps`. Of 89 open portraits whose lips are annotated as closed 99 per cent are seen no farther apart, and of
636 others the fewest lie between 1.2 and 1.6 mm. With a second number of 1, 0.5, 0.25 and 0.125 the gap of the fitted lips
of 108 annotated portraits is 0.33, 0.30, 0.29 and 0.28 mm off."""


def save_calibration(path: Path, calibration: Calibration, card: dict[str, Any]) -> None:
    """Write a calibration and its card.

    Raises:
        WeightsError: `card_incomplete`, `weights_nan`.
        ResourceError: `write_failed`.
    """
    tensors = {
        field.name: torch.from_numpy(np.ascontiguousarray(getattr(calibration, field.name)))
        for field in fields(Calibration)
    }
    card = {"kind": KIND, "members": list(ALL_MEMBERS)} | card
    save_model(path, tensors, card, half=False)


def load_calibration(path: Path | None = None) -> tuple[Calibration, dict[str, Any]]:
    """Load a calibration and its card; the shipped one unless `path` is given.

    Raises:
        WeightsError: the file is missing, damaged or of another kind.
    """
    if path is not None:
        return _checked(*load_model(path), str(path))
    with as_file(files("headform") / "nets" / "assets" / FILE) as shipped:
        return _checked(*load_model(shipped), FILE)


def _checked(tensors: dict[str, torch.Tensor], card: dict[str, Any], where: str) -> tuple[Calibration, dict[str, Any]]:
    found, members = card.get("kind"), card.get("members")
    shapes = tensors.get("expression_precision", torch.zeros(0)).shape
    expressions = shapes[0] if shapes else 0
    knots = len(tensors["presence"]) if "presence" in tensors and tensors["presence"].ndim == 1 else 0
    count, points = len(ALL_MEMBERS), mediapipe478.POINTS
    wanted = {
        "surface_vertices": (points, 3),
        "surface_weights": (points, 3),
        "mesh_offset": (points, 2),
        "mesh_sigma": (points,),
        "gap_sigma": (2,),
        "expression_precision": (expressions, expressions),
        "presence": (knots,),
        "mesh_growth": (knots,),
        "offset68": (count, 68, 2),
        "sigma68": (count, 68),
        "growth68": (count, knots),
    }
    same = {name: tuple(value.shape) for name, value in tensors.items()} == wanted
    same = same and int(tensors["surface_vertices"].min()) >= 0
    if found != KIND or members != list(ALL_MEMBERS) or not same or not knots:
        what = f"the file is no {KIND} of this version (kind {found!r})"
        advice = "use the file that ships with this version, or make one with `python -m tools.committee`"
        raise WeightsError("weights_mismatch", what, where, advice)
    arrays = {
        name: value.numpy().astype(np.int64 if name == "surface_vertices" else np.float64)
        for name, value in tensors.items()
    }
    return Calibration(**arrays), card
