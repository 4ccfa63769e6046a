"""A head fitted to a scan, a reconstruction or another model's head: from source to coefficients, vertices, distances.

V vertices of the head, S of the source, K = I + E coefficients.
"""

import time
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Float, Float64

from headform.errors import FaceError, InputError, check_choice
from headform.geometry.landmarks68 import NOW7
from headform.geometry.seven_landmarks import face_sphere
from headform.geometry.similarity import Similarity
from headform.heads.coefficients import Coefficients, layout_of
from headform.heads.linear import LinearHead
from headform.registration.face_distances import FaceDistance, face_distance
from headform.registration.fit_source import FitSource, identity_part
from headform.registration.shape_models import ShapePriors, face_region, outer, shape_model, skin
from headform.registration.surface import SurfaceIndex
from headform.registration.to_surface import SurfaceFit, SurfaceFitOptions, fit_to_surface

_FOCUS = 1.15
"""The surface is asked for its closest head within this many radii of the crop."""


Region = Literal["auto", "face", "head"]
Scale = Literal["auto", "fixed", "free"]


@dataclass(frozen=True)
class HeadFitOptions:
    """Options of a fit.

    Attributes:
        region: ``face``, or ``head`` for all outer skin; ``auto`` is the face on scans, which show hair and clothes, and
            the head on heads.
        scale: ``free`` fits the scale, ``fixed`` does not, ``auto`` does where the source's unit is unknown.
        identity: Fit it; else the mean.
        expression: Fit it; else neutral.
        priors: Widths of the priors.
        surface: Options of `registration.to_surface`; its `scale` is overruled.
    """

    region: Region = "auto"
    scale: Scale = "auto"
    identity: bool = True
    expression: bool = True
    priors: ShapePriors = field(default_factory=ShapePriors)
    surface: SurfaceFitOptions = field(default_factory=SurfaceFitOptions)

    def __post_init__(self) -> None:
        check_choice(self.region, get_args(Region), "region")
        check_choice(self.scale, get_args(Scale), "scale")


@dataclass(frozen=True, eq=False)
class HeadFit:
    """Head fitted to a source.

    Attributes:
        head: Head model.
        source: Source that it was fitted to.
        identity: (I,) coefficients, standard deviations.
        expression: (E,) standard deviations or weights, as the model defines them.
        vertices: (V, 3) meters, head frame.
        to_source: Transform from the head frame, meters, to the frame and unit of the source.
        surface: Result of the fit to the surface; its similarity is in meters.
        distance: Distance of the source to the head.
        region: ``face`` or ``head``.
        scale_fitted: True if the scale was unknown.
        known: Parts of the coefficients that were fitted; the others are zero because nothing is known of them.
        seconds: Duration of the fit alone.
    """

    head: LinearHead
    source: FitSource
    identity: Float64[np.ndarray, " I"]
    expression: Float64[np.ndarray, " E"]
    vertices: Float64[np.ndarray, "V 3"]
    to_source: Similarity
    surface: SurfaceFit
    distance: FaceDistance
    region: str
    scale_fitted: bool
    seconds: float
    known: tuple[str, ...]

    @property
    def coefficients(self) -> Coefficients:
        """Coefficients in the head's layout; the parts in `unknown` are zero."""
        zeros = layout_of(self.head).zeros()
        values = dict(zeros.values)
        values[identity_part(self.head)] = torch.from_numpy(self.identity).float()
        values["expression"] = torch.from_numpy(self.expression).float()
        return Coefficients(zeros.layout, values)

    @property
    def unknown(self) -> tuple[str, ...]:
        """Parts of the coefficients that nothing is known of, such as camera, light and texture of a scan."""
        return tuple(name for name, length in layout_of(self.head).parts if length and name not in self.known)

    @property
    def placed(self) -> Float64[np.ndarray, "V 3"]:
        """The vertices in the frame and unit of the source."""
        return self.to_source.apply(self.vertices)


def fit_head(head: LinearHead, source: FitSource, options: HeadFitOptions | None = None) -> HeadFit:
    """Fit a head to a source with landmarks.

    Args:
        head: With landmarks; of a FLAME head identity and expression are fitted, the pose stays zero.
        source: See `pipeline.fit_source`.
        options: Regions, scale, priors.

    Raises:
        WeightsError: ``head_lacks``: landmarks, or enough of them in common with the source.
        FaceError: ``no_face``: the source has no vertices near its landmarks.
        InputError: ``fit_lost``; see `fit_to_surface`.
    """
    options = options or HeadFitOptions()
    chosen = options.region
    region = ("face" if source.is_scan else "head") if chosen == "auto" else chosen
    free = options.scale == "free" or (options.scale == "auto" and not source.unit)
    vertices = source.mesh.vertices.astype(np.float64) * source.meters
    landmarks = source.landmarks * source.meters
    focus = None
    now7 = landmarks[list(NOW7)]
    if region == "face" and np.isfinite(now7).all():
        center, radius = face_sphere(now7)
        focus = center, _FOCUS * radius
    started = time.perf_counter()
    model = shape_model(
        head,
        face_region(head) if region == "face" else skin(head),
        identity=options.identity,
        expression=options.expression,
        priors=options.priors,
    )
    try:
        surface = SurfaceIndex.of(vertices, source.mesh.faces)
    except ValueError as error:
        raise InputError("mesh_degenerate", f"{error}", source.name) from error
    surface_options = replace(options.surface, scale=free)
    found = fit_to_surface(model, surface, landmarks, focus=focus, options=surface_options)
    seconds = time.perf_counter() - started
    split = np.split(found.coefficients, [model.num_identity])
    identity = split[0] if options.identity else np.zeros(len(head.identity))
    expression = split[1] if options.expression else np.zeros(len(head.expression))
    fitted = _decoded(head, identity, expression)
    try:
        distance = face_distance(
            vertices,
            source.mesh.faces,
            _known(head, fitted, found.similarity, landmarks),
            found.similarity.apply(fitted),
            head.faces.cpu().numpy(),
            outer(head),
            found.similarity.R,
        )
    except ValueError as error:
        raise FaceError("no_face", f"{error}", source.name, "check the landmarks") from error
    to = found.similarity
    per_meter = 1.0 / source.meters
    return HeadFit(
        head=head,
        source=source,
        identity=identity,
        expression=expression,
        vertices=fitted,
        to_source=Similarity(to.scale * per_meter, to.R, to.t * per_meter),
        surface=found,
        distance=distance,
        region=region,
        scale_fitted=free,
        seconds=seconds,
        known=tuple(
            name
            for name, fitted_part in ((identity_part(head), options.identity), ("expression", options.expression))
            if fitted_part
        ),
    )


def _decoded(
    head: LinearHead, identity: Float[np.ndarray, " I"], expression: Float[np.ndarray, " E"]
) -> Float64[np.ndarray, "V 3"]:
    """Linear decoding in float64: FLAME's pose is zero and its correctives with it."""
    total = head.mean.detach().cpu().double().numpy()
    for code, basis in ((identity, head.identity), (expression, head.expression)):
        if len(code):
            rows = torch.from_numpy(code).to(basis.dtype)
            total = total + torch.einsum("k,kvc->vc", rows, basis.detach().cpu()).double().numpy()
    return np.asarray(total, np.float64)


def _known(
    head: LinearHead,
    fitted: Float64[np.ndarray, "V 3"],
    placed: Similarity,
    landmarks: Float64[np.ndarray, "68 3"],
) -> Float64[np.ndarray, "68 3"]:
    """The source's landmarks; those of the fitted head where it has none."""
    own = head.landmarks(torch.from_numpy(fitted), offset=False).double().numpy()
    return np.where(np.isfinite(landmarks), landmarks, placed.apply(own))
