"""Readings of synthetic faces, whose geometry is known, and what follows from them.

R readings, N dense points, V vertices.
"""

from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path

import numpy as np

from headform.geometry.mediapipe478 import MIRROR478, SURFACE
from headform.heads.linear import PARTS, LinearHead
from headform.heads.mirror import mirrored_expressions
from headform.nets.crop_geometry import EyeFrame
from headform.nets.landmarks.committee import Committee
from headform.nets.landmarks.dense_predictor import DensePredictor, average
from headform.nets.shipped import load_dense
from headform.pipeline.crops import crop_of_points
from headform.pipeline.reconstructor import ZOOMS
from headform.synth.generator import Generator
from headform.synth.randomization import FULL
from tools.committee.registration import RINGS, Placement

SIDE = 288
RECIPE = FULL.with_changes(
    pose={"wide_yaw": 75.0, "roll_sd": 8.0},
    glasses={"rate": 0.1},
    occluders={"rate": 0.0, "strands_rate": 0.0},
    camera={"distance": (0.5, 2.5), "crop_scale_sd": 0.05, "crop_shift_sd": 0.02},
    degradation={"strength": 0.4},
)
"""Whole pictures, not the hardest ones: what is asked is where the networks see things, not how they fail."""
_GUIDE_NOISE = 0.01  # of the face's longer side
_READ_WELL = 0.06  # median distance from the surface point, in face sizes, of a face that MediaPipe saw
_FRONTAL = np.radians(25.0)
_USED = np.radians(55.0)
_SEARCH_MM = 16.0
_OUTLIER = 0.08  # face sizes
KNOTS = np.array([0.0, 3.5, 6.5, 10.0, 14.0, 18.0, 23.0])
_EDGES = np.array([-np.inf, 2.0, 5.0, 8.0, 12.0, 16.0, 20.0, np.inf])
"""Logits of MediaPipe's presence: bins, and where in each its growth is noted. Frontal, clear faces have 20 and more."""


@dataclass(frozen=True)
class SyntheticReadings:
    """What was drawn, where it is seen, and what the networks say."""

    identity: np.ndarray  # (R, K)
    expression: np.ndarray  # (R, E)
    rotation: np.ndarray  # (R, 3, 3) camera from head
    center: np.ndarray  # (R, 3) meters, the point that the camera looks at
    distance: np.ndarray  # (R,) meters to it
    frame: np.ndarray  # (R, 2, 3) from the normalized image plane to pixels
    points: np.ndarray  # (R, N, 2) true dense points, pixels
    own: np.ndarray  # (R, N, 2) as the dense network reads them
    own_expression: np.ndarray  # (R, E) as it reads it
    mesh: np.ndarray  # (R, 478, 2)
    presence: np.ndarray  # (R,)
    members: np.ndarray  # (R, 3, 68, 2)

    def project(self, row: int, places: np.ndarray) -> np.ndarray:
        """Pixels (P, 2) of places (P, 3), meters, head frame."""
        seen = (places - self.center[row]) @ self.rotation[row].T
        plane = seen[:, :2] / (seen[:, 2:] + self.distance[row])
        return np.asarray(plane @ self.frame[row, :, :2].T + self.frame[row, :, 2])

    @property
    def yaw(self) -> np.ndarray:
        """(R,) radians."""
        return np.arctan2(self.rotation[:, 0, 2], -self.rotation[:, 2, 2])


def read_synthetic(head: LinearHead, count: int, seed: int, keep: Path) -> SyntheticReadings:
    """Draw and read `count` faces; the answer is kept in a file and read from there the next time."""
    if keep.is_file():
        with np.load(keep) as stored:
            return SyntheticReadings(**{f.name: stored[f.name] for f in fields(SyntheticReadings)})
    generator = Generator(head, size=SIDE, view="loose", randomization=RECIPE)
    rng = np.random.default_rng(seed)
    dense = DensePredictor(load_dense()[0], head)
    committee = Committee.load()
    skin = head.part.numpy()[head.dense.numpy()] < PARTS.index("eye_right")
    rows = []
    for _ in range(count):
        batch = generator.batch(rng, 1)
        points = batch.points[0].astype(np.float64)
        rotation = batch.rotation[0].astype(np.float64)
        vertices = shape_of(head, batch.identity[0], batch.expression[0])[head.dense.numpy()]
        center = vertices[:68].mean(0)
        seen = (vertices - center) @ rotation.T
        plane = seen[:, :2] / (seen[:, 2:] + float(batch.distance[0]))
        known = np.column_stack([plane, np.ones(len(plane))])[skin]
        frame = np.linalg.lstsq(known, points[skin], rcond=None)[0].T
        noise = _GUIDE_NOISE * float(np.ptp(points[:68], axis=0).max())
        guide = points[:68] + rng.normal(0, noise, 2)
        reading = committee.read([batch.images[0]], [guide])[0]
        crops = [crop_of_points(guide, rotation, zoom=zoom) for zoom in ZOOMS]
        own = average(dense.predict([batch.images[0]] * len(crops), crops))
        rows.append(
            (batch.identity[0], batch.expression[0], rotation, center, batch.distance[0], frame, points,
             own.points, own.expression, reading.mesh, reading.presence, reading.points68)
        )  # fmt: skip
    names = [f.name for f in fields(SyntheticReadings)]
    columns = {n: np.stack([np.asarray(r[k]) for r in rows]) for k, n in enumerate(names)}
    np.savez(keep, **columns)
    return SyntheticReadings(**columns)


def shape_of(head: LinearHead, identity: np.ndarray, expression: np.ndarray) -> np.ndarray:
    """Vertices (V, 3), meters, of one drawn face."""
    basis = np.concatenate([head.identity.numpy(), head.expression.numpy()])
    code = np.concatenate([identity, expression]).astype(np.float32)
    return np.asarray(np.tensordot(code, basis, 1) + head.mean.numpy(), np.float64)


def residuals(head: LinearHead, readings: SyntheticReadings, placement: Placement) -> np.ndarray:
    """MediaPipe's surface points less the true ones (R, 468, 2) in the frame of the eyes, in face sizes."""
    faces = head.faces.numpy()
    found = []
    for row in range(len(readings.mesh)):
        vertices = shape_of(head, readings.identity[row], readings.expression[row])
        true = readings.project(row, placement.positions(vertices, faces)[:SURFACE])
        frame = EyeFrame.of(readings.points[row, :68])
        found.append((readings.mesh[row, :SURFACE] - true) @ frame.axes / frame.size)
    return np.stack(found)


def refine(head: LinearHead, readings: SyntheticReadings, placement: Placement) -> Placement:
    """Move points that are no ring to where on the surface they are seen, with their mirror images."""
    faces, mirror = head.faces.numpy(), head.mirror.numpy()
    mean = head.mean.double().numpy()
    outer = head.part.numpy() <= PARTS.index("head")
    candidates = np.flatnonzero(outer & (mean[:, 1] > -0.12) & (mean[:, 2] > -0.02))
    place = np.full(len(mean), -1)
    place[candidates] = np.arange(len(candidates))
    rows = np.flatnonzero((place[faces] >= 0).all(1))
    middle = mean[faces[rows]].mean(1)
    wanted, seen = [], []
    for row in np.flatnonzero(np.abs(readings.yaw) < _USED):
        vertices = shape_of(head, readings.identity[row], readings.expression[row])
        true = readings.project(row, placement.positions(vertices, faces)[:SURFACE])
        size = EyeFrame.of(readings.points[row, :68]).size
        if np.median(np.linalg.norm(readings.mesh[row, :SURFACE] - true, axis=1)) > _READ_WELL * size:
            continue
        wanted.append(readings.mesh[row, :SURFACE] / size)
        seen.append(readings.project(row, vertices[candidates]) / size)
    target, pixels = np.stack(wanted), np.stack(seen)
    share = np.array([(i, j, 6 - i - j) for i in range(7) for j in range(7 - i)]) / 6
    triangle, weights = placement.triangle.copy(), placement.weights.copy()
    by_corners = {tuple(sorted(f)): k for k, f in enumerate(faces.tolist())}
    start = placement.positions(mean, faces)

    def cost(at: np.ndarray, point: int) -> np.ndarray:
        distance = np.linalg.norm(at - target[:, point][:, None], axis=2)
        return np.asarray((np.minimum(distance, _OUTLIER) ** 2).mean(0))

    for point in range(SURFACE):
        other = int(MIRROR478[point])
        if point in RINGS or other < point:
            continue
        near = rows[np.linalg.norm(middle - start[point], axis=1) < _SEARCH_MM / 1000]
        corners = np.unique(place[faces[near]])
        best = corners[cost(pixels[:, corners], point).argmin()]
        around = near[(place[faces[near]] == best).any(1)]
        at = np.einsum("wk,atkc->atwc", share, pixels[:, place[faces[around]]])
        choice = int(cost(at.reshape(len(at), -1, 2), point).argmin())
        row, weight = int(around[choice // len(share)]), share[choice % len(share)]
        triangle[point], weights[point] = row, weight
        opposite = by_corners.get(tuple(sorted(mirror[faces[row]].tolist())))
        if other != point and opposite is not None:
            order = mirror[faces[row]].tolist()
            triangle[other] = opposite
            weights[other] = [weight[order.index(v)] for v in faces[opposite].tolist()]
    return Placement(triangle, weights)


@dataclass(frozen=True)
class MeshErrors:
    """How MediaPipe's points lie about the surface points, in face sizes."""

    offset: np.ndarray  # (468, 2) to be added to the points
    sigma: np.ndarray  # (468,)
    growth: np.ndarray  # at KNOTS


def mesh_errors(apart: np.ndarray, readings: SyntheticReadings) -> MeshErrors:
    """Offsets and spreads, symmetric, from frontal faces; and from all the growth with falling presence."""
    frontal = np.abs(readings.yaw) < _FRONTAL
    offset = -np.median(apart[frontal], axis=0)
    mirror = MIRROR478[:SURFACE]
    offset = (offset + offset[mirror] * [-1.0, 1.0]) / 2
    rest = np.linalg.norm(apart + offset, axis=2) / np.sqrt(2)
    sigma = np.median(rest[frontal], axis=0) / _RAYLEIGH
    sigma = (sigma + sigma[mirror]) / 2
    return MeshErrors(offset, sigma, growth(rest / sigma, readings.presence))


def growth(relative: np.ndarray, presence: np.ndarray) -> np.ndarray:
    """Mean square of errors (R, P) by presence over that at the highest, at KNOTS; falls as presence rises.

    It serves as the factor on standard deviations, not its root: the larger the errors are, the more points share
    them, and what shares its errors is worth less than each point by itself. On 400 other synthetic faces with a presence
    below 5 the fit's 68 points are 5.1, 4.2, 4.1 and 4.0 % of the face off with powers 1/2, 3/4, 1 and 3/2, between 5 and 12
    3.05, 2.99, 2.97 and 3.06 %.
    """
    capped = np.minimum(relative, _CAP * np.median(relative))
    square = np.array([np.mean(capped[(presence >= low) & (presence < high)] ** 2) for low, high in pairwise(_EDGES)])
    return np.asarray(np.maximum.accumulate((square / square[-1])[::-1])[::-1])


def growth68(readings: SyntheticReadings) -> np.ndarray:
    """The same for each member's 68 points (own, MediaPipe, face-api, PFLD), (4, KNOTS)."""
    said = np.concatenate([readings.own[:, None, :68], readings.members], axis=1)
    apart = []
    for row in range(len(said)):
        frame = EyeFrame.of(readings.points[row, :68])
        apart.append((said[row] - readings.points[row, :68]) @ frame.axes / frame.size)
    errors = np.stack(apart)
    errors = errors - np.median(errors[np.abs(readings.yaw) < _FRONTAL], axis=0)
    distance = np.linalg.norm(errors, axis=3)
    return np.stack([growth(distance[:, k], readings.presence) for k in range(distance.shape[1])])


def expression_precision(head: LinearHead, readings: SyntheticReadings) -> np.ndarray:
    """Inverse covariance (E, E) of what the dense network's expression weights lack, symmetric between left and right."""
    lack = readings.expression - readings.own_expression
    lack = np.concatenate([lack, lack[:, mirrored_expressions(head.expression_names)]])
    covariance = lack.T @ lack / len(lack)
    return np.asarray(np.linalg.inv(_SHARE * covariance + _SPREAD**2 * np.eye(len(covariance))))


_SHARE, _SPREAD = 0.25, 0.06
"""Of the covariance, and a standard deviation beside it: chosen on 200 other synthetic faces, where a share of 1 leaves an
expression error of 0.25, of 0.25 0.19, of 0.1 0.16, and the gap of the lips 1.56, 1.62 and 1.82 mm off."""
_RAYLEIGH = 0.8326
"""Median of the distance from the mean of a normal pair, over root two and its standard deviation."""
_CAP = 15.0
"""Errors beyond this many medians count as that many: a member that saw nothing is no worse for being far off."""
