"""Fit a linear head to a surface: landmarks first, then closest points, from coarse to fine.

V vertices of the head, R of them fitted, K = I + E coefficients, S vertices of the surface, M of them measured, N planes.
Meters, but where a name ends in _mm.

Each round pairs points both ways: vertices of the head with the surface's closest point and its normal, and points spread
over the surface with the head's closest point and its normal. Pairs at an open edge of either, farther than the stage's
reach or with normals that disagree are left out; the others are weighted by a redescending function (Geman and McClure
1985) of their distance over the noise, which is estimated from the median distance (1.4826 MAD). So many points share
their errors that all together count as `independent` ones. One step (`_plane_step`) then moves coefficients and
placement jointly against the prior (Amberg et al. 2008, "Expression invariant 3D face recognition with a morphable model",
fit shape and pose to scans this way; theirs is point to point).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float, Float64, Int

from headform.errors import InputError, WeightsError
from headform.geometry.landmarks68 import INNER_LIP_PAIRS, JAW
from headform.geometry.similarity import Similarity, fit_similarity
from headform.geometry.units import MM_PER_M
from headform.registration._plane_step import (
    PlacedShape,
    Planes,
    joined,
    mixed,
    plane_step,
    points_as_planes,
)
from headform.registration.shape_models import ShapeModel
from headform.registration.surface import SurfaceIndex

_LIP_GAP = 0.0005
"""Standard deviation of the gap between facing points of the inner lips, meters: where both were found by one method, the
gap is better known than the points."""
_MISPLACED = 0.03
"""Median distance of landmarks from those of the mean head above which they are not those of a face, meters.
Those of small children, laid on without scale, lie 20 mm off."""
_UNLIKE, _MIRRORED = 0.008, 1.5
"""Landmarks farther than that from those of the mean head, meters, and so many times farther than from its mirror image,
have right and left swapped."""
_ROBUST = 3.0  # residuals, in standard deviations, where trust has fallen to a quarter

_ONE_PLACE = 1e-9
"""Extent of landmarks, relative to their coordinates, up to which they lie in one place but for rounding."""


@dataclass(frozen=True)
class Stage:
    """Rounds of one coarseness.

    Attributes:
        rounds: Largest number of rounds.
        reach: Distance above which pairs are left out, meters.
        cosine: Least cosine between the normals of a pair.
        least_noise: Standard deviation that the noise is not taken below, meters.
        landmark_sigma: Standard deviation of a landmark; the jaw's is `jaw_factor` times that.
        still: The stage ends when the vertices move less than that in a round, root mean square, meters.
    """

    rounds: int
    reach: float
    cosine: float
    least_noise: float
    landmark_sigma: float
    still: float


STAGES = (
    Stage(12, 0.030, 0.3, 0.003, 0.003, 2e-4),
    Stage(15, 0.015, 0.5, 0.001, 0.004, 1e-4),
    Stage(40, 0.008, 0.6, 2e-5, 0.005, 1e-5),
)


@dataclass(frozen=True)
class SurfaceFitOptions:
    """Options of a fit.

    Attributes:
        scale: Fit the scale between head and surface; else it stays 1.
        stages: Stages from coarse to fine.
        most_points: Largest number of pairs each way in a round.
        independent: Number of independent points that all pairs together count as.
        jaw_factor: See `Stage.landmark_sigma`.
    """

    scale: bool = False
    stages: Sequence[Stage] = field(default=STAGES)
    most_points: int = 3000
    independent: float = 400.0
    jaw_factor: float = 3.0


@dataclass(frozen=True, eq=False)
class SurfaceFit:
    """A head on a surface.

    Attributes:
        coefficients: (K,) identity, then expression.
        similarity: Transform from the head's frame to that of the surface.
        noise: Estimated standard deviation of the distances at the end, meters.
        landmark_rms: Root mean square distance of the landmarks in common, meters.
        iterations: Number of rounds over all stages.
        converged: True if the last stage ended by itself.
        last_move: Root mean square distance that vertices moved in the last iteration, meters.
        reversed: True if the surface's triangles ran clockwise and were reversed.
    """

    coefficients: Float64[np.ndarray, " K"]
    similarity: Similarity
    noise: float
    landmark_rms: float
    iterations: int
    converged: bool
    last_move: float
    reversed: bool


def fit_to_surface(
    model: ShapeModel,
    surface: SurfaceIndex,
    landmarks: Float[np.ndarray, "68 3"],
    *,
    focus: tuple[Float64[np.ndarray, "3"], float] | None = None,
    options: SurfaceFitOptions | None = None,
) -> SurfaceFit:
    """Fit coefficients and placement.

    Args:
        model: The region of the head (`shape_model`).
        surface: Meters, in any frame.
        landmarks: iBUG points on the surface; NaN where unknown. Four in common with the head must not lie in a line.
        focus: Center and radius of a sphere; points of the surface outside do not look for the head. Everything if absent.
        options: Defaults were chosen by measurement.

    Raises:
        WeightsError: ``head_lacks``: fewer than four landmarks in common.
        InputError: ``fit_lost``: nothing of the surface is near the head, as when landmarks belong to another mesh; or the
            landmarks are not placed like those of a face, or like those of a mirrored one.
    """
    options = options or SurfaceFitOptions()
    common = model.landmark_known & np.isfinite(landmarks).all(axis=1)
    if common.sum() < 4:
        raise WeightsError(
            "head_lacks",
            f"the head and the surface have {int(common.sum())} landmarks in common, 4 are needed",
            "",
            "give more landmarks, or use a head that has the same ones",
        )
    marks = _Landmarks(model, common, landmarks[common], options.jaw_factor)
    shape = marks.first(options.scale)
    shape, outward = _oriented(model, surface, shape)
    pairs = _Pairs(model, outward, options, focus)
    for _ in range(4):
        shape = plane_step(model, shape, marks.planes(shape, 0.003), scale=options.scale)
    rounds, converged, noise, moved = 0, False, np.inf, np.inf
    for stage in options.stages:
        converged = False
        for _ in range(stage.rounds):
            planes, noise = pairs.planes(shape, stage)
            pulls = joined([planes, marks.planes(shape, stage.landmark_sigma)])
            before = shape.similarity.apply(model.positions(shape.coefficients))
            shape = plane_step(model, shape, pulls, scale=options.scale)
            after = shape.similarity.apply(model.positions(shape.coefficients))
            rounds += 1
            moved = float(np.sqrt(np.mean((after - before) ** 2) * 3))
            if moved < stage.still:
                converged = True
                break
    return SurfaceFit(
        coefficients=shape.coefficients,
        similarity=shape.similarity,
        noise=noise,
        landmark_rms=marks.rms(shape),
        iterations=rounds,
        converged=converged,
        last_move=moved,
        reversed=outward is not surface,
    )


def _oriented(model: ShapeModel, surface: SurfaceIndex, shape: PlacedShape) -> tuple[PlacedShape, SurfaceIndex]:
    """The surface with its normals outwards, judged by the head's where they lie near each other."""
    placed = shape.similarity.apply(model.positions(shape.coefficients))
    head = SurfaceIndex.of(placed, model.faces, border=model.border)
    found = surface.closest(placed[model.region])
    agreement = (found.normals * head.normals[model.region]).sum(axis=1)
    return shape, surface if agreement[~found.at_border].sum() >= 0 else surface.reversed()


class _Landmarks:
    """The landmarks in common."""

    def __init__(
        self,
        model: ShapeModel,
        common: Bool[np.ndarray, "68"],
        targets: Float[np.ndarray, "L 3"],
        jaw_factor: float,
    ) -> None:
        self.model = model
        self.corners = model.landmark_corners[common]
        self.weights = model.landmark_weights[common]
        self.targets = targets.astype(np.float64)
        self.factor = np.where(np.flatnonzero(common) < JAW.stop, jaw_factor, 1.0)
        self.gap = lip_gaps(self.corners, self.weights, np.flatnonzero(common), self.targets)

    def first(self, scale: bool) -> PlacedShape:
        """The mean shape laid onto the landmarks; twice, the second time with less trust in the worst."""
        own = mixed(self.model.mean, self.corners, self.weights)
        trust = self.factor**-2.0
        for _ in range(4):
            try:
                if np.ptp(self.targets, axis=0).max() <= _ONE_PLACE * np.abs(self.targets).max():
                    raise ValueError("they lie in one place")
                similarity = fit_similarity(own, self.targets, trust, scale=scale)
            except ValueError as error:
                what = f"the landmarks do not place the head: {error}"
                raise InputError("fit_lost", what, "", "give landmarks of a face") from error
            gap = np.linalg.norm(similarity.apply(own) - self.targets, axis=1)
            trust = self.factor**-2.0 * _trust(gap, float(max(np.median(gap), 1e-9)))
        shape = PlacedShape(np.clip(np.zeros(len(self.model.lower)), self.model.lower, self.model.upper), similarity)
        self._check(own, float(np.median(self.gaps(shape))) / similarity.scale)
        return shape

    def _check(self, own: Float64[np.ndarray, "L 3"], gap: float) -> None:
        """Refuse landmarks that no face has, whose fit would end somewhere: of another order, or right for left."""
        fix = "give them in their order; right is the subject's right"
        if gap > _MISPLACED:
            what = f"the landmarks are not those of a face: their median error is {MM_PER_M * gap:.0f} mm"
            raise InputError("fit_lost", what, "", fix)
        proper, mirrored = (self._spread(own * [side, 1.0, 1.0]) for side in (1.0, -1.0))
        if proper > max(_MIRRORED * mirrored, _UNLIKE):
            what = "the landmarks are those of a mirrored face: right and left are swapped"
            raise InputError("fit_lost", what, "", f"{fix}; or mirror the scan")

    def _spread(self, own: Float64[np.ndarray, "L 3"]) -> float:
        """Weighted root mean square distance of landmarks laid onto the targets, in units of the head."""
        trust = self.factor**-2.0
        placed = fit_similarity(own, self.targets, trust)
        squared = ((placed.apply(own) - self.targets) ** 2).sum(axis=1)
        return float(np.sqrt(np.average(squared, weights=trust))) / placed.scale

    def gaps(self, shape: PlacedShape) -> Float64[np.ndarray, " L"]:
        own = mixed(self.model.positions(shape.coefficients), self.corners, self.weights)
        gap = np.linalg.norm(shape.similarity.apply(own) - self.targets, axis=1)
        return np.asarray(gap, np.float64)

    def planes(self, shape: PlacedShape, sigma: float) -> Planes:
        own = sigma * self.factor
        stiffness = _trust(self.gaps(shape), own) / own**2
        points = points_as_planes(self.corners, self.weights, self.targets, stiffness)
        return joined([points, self.gap])

    def rms(self, shape: PlacedShape) -> float:
        return float(np.sqrt(np.mean(self.gaps(shape) ** 2)))


class _Pairs:
    """Pairs of closest points, both ways."""

    def __init__(
        self,
        model: ShapeModel,
        surface: SurfaceIndex,
        options: SurfaceFitOptions,
        focus: tuple[Float64[np.ndarray, "3"], float] | None,
    ) -> None:
        self.model, self.surface, self.independent = model, surface, options.independent
        rows = np.flatnonzero(model.region)
        if len(rows) > options.most_points:
            rows = rows[np.linspace(0, len(rows) - 1, options.most_points).astype(np.int64)]
        self.rows: Int[np.ndarray, " N"] = rows
        within = None
        if focus is not None:
            middle = surface.vertices[surface.faces].mean(axis=1)
            within = np.linalg.norm(middle - focus[0], axis=1) <= focus[1]
        self.samples = surface.samples(options.most_points, within)
        self.own = surface.closest(self.samples).normals

    def planes(self, shape: PlacedShape, stage: Stage) -> tuple[Planes, float]:
        placed = shape.similarity.apply(self.model.positions(shape.coefficients))
        head = SurfaceIndex.of(placed, self.model.faces, border=self.model.border)
        out = self.surface.closest(placed[self.rows])
        alike = (out.normals * head.normals[self.rows]).sum(axis=1)
        good = ~out.at_border & (out.distance < stage.reach) & (alike > stage.cosine)
        low, high = placed.min(axis=0) - stage.reach, placed.max(axis=0) + stage.reach
        near = ((self.samples > low) & (self.samples < high)).all(axis=1)  # the far ones are slow to ask
        samples, own = self.samples[near], self.own[near]
        back = head.closest(samples)
        kept = ~back.at_border & ((back.normals * own).sum(axis=1) > stage.cosine)
        kept &= back.distance < stage.reach
        if good.sum() + kept.sum() < 30:
            raise InputError(
                "fit_lost",
                "the head has lost the surface: hardly any of it is near",
                "",
                "check the landmarks and the unit",
            )
        forward = Planes(
            corners=np.repeat(self.rows[good, None], 3, axis=1),
            weights=np.tile([1.0, 0.0, 0.0], (int(good.sum()), 1)),
            normal=out.normals[good],
            offset=(out.normals * out.positions).sum(axis=1)[good],
            stiffness=np.ones(int(good.sum())),
        )
        backward = Planes(
            corners=self.model.faces[back.triangle[kept]],
            weights=back.weights[kept],
            normal=back.normals[kept],
            offset=(back.normals * samples).sum(axis=1)[kept],
            stiffness=np.ones(int(kept.sum())),
        )
        planes = joined([forward, backward])
        distance = np.concatenate([out.distance[good], back.distance[kept]])
        noise = max(1.4826 * float(np.median(distance)), stage.least_noise)
        trust = _trust(distance, noise)
        stiffness = trust * (self.independent / (len(trust) * noise**2))
        return (
            Planes(planes.corners, planes.weights, planes.normal, planes.offset, stiffness),
            noise,
        )


def lip_gaps(
    corners: Int[np.ndarray, "L 3"],
    weights: Float64[np.ndarray, "L 3"],
    names: Int[np.ndarray, " L"],
    targets: Float64[np.ndarray, "L 3"],
) -> Planes:
    """Differences between facing landmarks of the inner lips, each of its heaviest vertex."""
    place = {int(name): row for row, name in enumerate(names)}
    pairs = [(place[a], place[b]) for a, b in INNER_LIP_PAIRS if a in place and b in place]
    upper, lower = np.array(pairs, np.int64).reshape(-1, 2).T
    vertex = corners[np.arange(len(corners)), weights.argmax(axis=1)]
    return points_as_planes(
        np.stack([vertex[upper], vertex[lower], vertex[lower]], axis=1),
        np.tile([1.0, -1.0, 0.0], (len(pairs), 1)),
        targets[upper] - targets[lower],
        np.full(len(pairs), _LIP_GAP**-2.0),
    )


def _trust(distance: Float64[np.ndarray, " N"], sigma: float | Float64[np.ndarray, " N"]) -> Float64[np.ndarray, " N"]:
    """Geman and McClure's weight, 1 at no distance, a quarter at 3 sigma."""
    return np.asarray((1.0 + (distance / (_ROBUST * sigma)) ** 2) ** -2.0)
