"""Non-rigid registration: a fitted mesh is bent onto a surface, smoothly at first and then in ever finer detail.

V vertices, F triangles, L landmarks. Meters, frame of the surface; float64.

Amberg, Romdhani and Vetter 2007, "Optimal step nonrigid ICP algorithms for surface registration": for each stiffness of a
falling schedule, closest points and the best displacements under that stiffness take turns until the mesh rests.
Stiffness is that of a thin plate and given as a length (`smooth_displacement`); pairs are checked (`correspondences`);
landmarks pull as if each were a patch of so many squared lengths, less and less of it; a triangle that would turn over
makes its surroundings stiffer, and what is folded in the end is smoothed out (`fold_overs`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float64, Int
from scipy.sparse import csr_array

from headform.errors import InputError
from headform.registration.correspondences import Correspondences, correspondences
from headform.registration.fold_overs import neighbor_means, turned_over, unfolded
from headform.registration.smooth_displacement import PointPulls, ThinPlate
from headform.registration.surface import SurfaceIndex

LANDMARK_SIGMA_M = 0.004
"""Distance that landmarks are trusted to, meters; at three times that one counts a quarter."""
_STIFFER, _TRIES = 6.0, 3
"""Factor by which the surroundings of a fold-over become stiffer, and how often in one round."""
_FEWEST_PAIRS = 50
_LED, _LED_ROUNDS = 16.0, 3
"""Surface that a landmark counts as before there are pairs, in squares of the first length, and rounds of trust in them."""


@dataclass(frozen=True)
class Stiffness:
    """Stage of one stiffness.

    Attributes:
        length: Size of the details that are smoothed, meters.
        reach: Greatest distance of a pair, meters.
        cosine: Least cosine between the normals of a pair.
        landmarks: Surface that a landmark counts as, in squares of `length`.
        rounds: Largest number of rounds.
    """

    length: float
    reach: float
    cosine: float
    landmarks: float
    rounds: int = 10


SCHEDULE = (
    Stiffness(0.040, 0.025, 0.5, 1.0),
    Stiffness(0.025, 0.020, 0.5, 0.5),
    Stiffness(0.015, 0.015, 0.6, 0.25),
    Stiffness(0.010, 0.010, 0.6, 0.1),
    Stiffness(0.006, 0.008, 0.7, 0.05),
    Stiffness(0.004, 0.005, 0.7, 0.0),
    Stiffness(0.0025, 0.004, 0.7, 0.0),
)


@dataclass(frozen=True)
class NonRigidOptions:
    """Options of a registration.

    Attributes:
        schedule: Stages from stiff to soft.
        fade: Distance over which displacements fade where the surface has no data, meters.
        still: A stage ends when the vertices move less than that share of its length in a round, root mean square.
    """

    schedule: Sequence[Stiffness] = field(default=SCHEDULE)
    fade: float = 0.05
    still: float = 0.02


@dataclass(frozen=True, eq=False)
class MarkedPoints:
    """Landmarks of the surface, and the mixtures of vertices that belong there.

    Attributes:
        mixture: (L, V) sparse, barycentric weights.
        positions: (L, 3) on the surface.
        trust: Factor of their weights; with 0 they are not used.
    """

    mixture: csr_array
    positions: Float64[np.ndarray, "L 3"]
    trust: float = 1.0

    def pulls(
        self, rest: Float64[np.ndarray, "V 3"], moved: Float64[np.ndarray, "V 3"], area: float
    ) -> PointPulls | None:
        """Pulls from where the landmarks are now; one that is far counts less."""
        area = area * self.trust
        if not area > 0 or not len(self.positions):
            return None
        gap = np.linalg.norm(self.mixture @ moved - self.positions, axis=1)
        trust = (1.0 + (gap / (3.0 * LANDMARK_SIGMA_M)) ** 2) ** -2.0
        return PointPulls(self.mixture, self.positions - self.mixture @ rest, area * trust)


@dataclass(frozen=True, eq=False)
class NonRigidFit:
    """Registered mesh.

    Attributes:
        vertices: (V, 3) on the surface.
        weights: (V,) trust in each vertex's partner in the end; 0 where there is none and the mesh continues smoothly.
        rounds: Number of rounds over all stages.
        converged: True if the last stage ended by itself.
        fold_overs: Triangles turned over in the end.
        mended: Triangles that were turned over before the last smoothing.
    """

    vertices: Float64[np.ndarray, "V 3"]
    weights: Float64[np.ndarray, " V"]
    rounds: int
    converged: bool
    fold_overs: int
    mended: int


def register_mesh(
    rest: Float64[np.ndarray, "V 3"],
    faces: Int[np.ndarray, "F 3"],
    asked: Bool[np.ndarray, " V"],
    surface: SurfaceIndex,
    marks: MarkedPoints,
    options: NonRigidOptions | None = None,
) -> NonRigidFit:
    """Bend a mesh onto a surface.

    Args:
        rest: (V, 3) fitted mesh, close to the surface; every vertex belongs to a triangle.
        faces: (F, 3) its triangles, counter-clockwise from outside.
        asked: (V,) mask of the vertices that are to lie on the surface; the others continue smoothly.
        surface: Surface with outward normals.
        marks: Landmarks.
        options: Defaults were chosen by measurement.

    Raises:
        InputError: ``fit_lost``: hardly any of the surface is near the mesh.
    """
    options = options or NonRigidOptions()
    plate, around = ThinPlate.of(rest, faces), neighbor_means(faces, len(rest))
    moved, bend = _led(rest, plate, marks, options), np.ones(len(rest))
    rounds, converged, pairs = 0, False, None
    for stage in options.schedule:
        converged = False
        for _ in range(stage.rounds):
            pairs = _pairs(moved, faces, asked, surface, stage)
            before = moved
            pulls = marks.pulls(rest, moved, stage.landmarks * stage.length**2)
            for attempt in range(_TRIES + 1):
                move = plate.displacements(
                    pairs.positions - rest,
                    pairs.weights,
                    length=stage.length,
                    fade=options.fade,
                    stiffness=bend,
                    pulls=pulls,
                )
                moved = rest + move
                wrong = turned_over(rest, moved, faces)
                if not wrong.any() or attempt == _TRIES:
                    break
                bend = bend * np.where(_near(faces[wrong], around), _STIFFER, 1.0)
            rounds += 1
            if float(np.sqrt(((moved - before) ** 2).sum(axis=1).mean())) < options.still * stage.length:
                converged = True
                break
    mended = int(turned_over(rest, moved, faces).sum())
    moved, wrong = unfolded(rest, moved, faces)
    last = _pairs(moved, faces, asked, surface, options.schedule[-1])
    return NonRigidFit(moved, last.weights, rounds, converged, int(wrong.sum()), mended)


def _led(
    rest: Float64[np.ndarray, "V 3"], plate: ThinPlate, marks: MarkedPoints, options: NonRigidOptions
) -> Float64[np.ndarray, "V 3"]:
    """Bend the mesh to the landmarks alone, at the first stiffness.

    Closest points hold a mesh where it is: from then on it hardly slides along the surface any more.
    """
    moved, none = rest, np.zeros(rest.shape)
    length = options.schedule[0].length
    for _ in range(_LED_ROUNDS):
        pulls = marks.pulls(rest, moved, _LED * length**2)
        if pulls is None:
            return rest.copy()
        moved = rest + plate.displacements(none, none[:, 0], length=length, fade=options.fade, pulls=pulls)
    return moved


def _pairs(
    moved: Float64[np.ndarray, "V 3"],
    faces: Int[np.ndarray, "F 3"],
    asked: Bool[np.ndarray, " V"],
    surface: SurfaceIndex,
    stage: Stiffness,
) -> Correspondences:
    pairs = correspondences(moved, faces, asked, surface, reach=stage.reach, cosine=stage.cosine)
    if (pairs.weights > 0).sum() < _FEWEST_PAIRS:
        what = f"{int((pairs.weights > 0).sum())} vertices of the head have the surface near them"
        raise InputError("fit_lost", what, "", "check the landmarks and the unit")
    return pairs


def _near(corners: Int[np.ndarray, "W 3"], around: csr_array) -> Bool[np.ndarray, " V"]:
    """Mask of the corners of triangles and their neighbors."""
    chosen = np.zeros(around.shape[0])
    chosen[corners] = 1.0
    return np.asarray((chosen > 0) | (around @ chosen > 0))
