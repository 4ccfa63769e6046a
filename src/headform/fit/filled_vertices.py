"""Light and albedo at the vertices of a head in a photo, with colors for what the photo does not show.

V vertices.

1. Light: harmonics where they are known (`fit.surface_light`), and what the photo's low frequencies say beside them.
2. Albedo of the outer skin: the model's times a smooth gain, known where a vertex or its mirror image is seen and diffused
   over the surface; lids take the skin around them, since shadow, lashes and paint of the eyes are no color of a lid.
3. Eyes and the inside of the mouth have materials of their own (`fit.eye_material`, `fit.mouth_material`).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Float64

from headform.fit._mesh_diffusion import averaged, diffuse, head_graph, lips_apart
from headform.fit.begun_vertices import BegunVertices
from headform.fit.exposure import LightGauges
from headform.fit.eye_material import eye_vertices, iris_of_photo
from headform.fit.mouth_material import paint_mouth, teeth_gain
from headform.fit.photo_detail import PhotoDetail
from headform.fit.plain_skin import below_nose, face_skin, lids_of
from headform.fit.ramps import smoothstep
from headform.fit.surface_light import MOUTH_METERS, light_beside_refined, unexplained_light
from headform.fit.vertex_colors import EYES, PHOTO_PARTS, PhotoSurface, VertexColors
from headform.heads.linear import PARTS, LinearHead
from headform.kernels.threads import begin

MIRROR_LIGHT = (0.3, 0.6)
"""Light on the mirror image, relative to the front's, between which its colors begin to count and count in full: what lies
in shadow says little."""
OCCLUSION = {"mouth": 0.8, "socket_right": 0.4, "socket_left": 0.4, "eye_right": 0.8, "eye_left": 0.8}
"""Fraction of the light that reaches the inner parts beside what their color holds, when lighting is kept."""
LID_TRUST = 0.03
"""Weight of colors around the eyes in what is diffused over the lids."""
LIPS_TRUST = 5.0
"""The same of a refined albedo's lips, whose colors end in one row of vertices."""
LEAST_ALBEDO, LEAST_LIPS = 0.12, 0.7
"""Least albedo of a vertex, and of one on the lips, relative to the mean head's in the tone of the face."""
MOST_BROWS = 1.0
"""Greatest brightness of brows, relative to the median of the face's skin: hair is darker than the skin below it."""
REACH, REFINED_REACH = 3.0, 30.0
"""Smoothness of the gain of the model's albedo, see `fit._mesh_diffusion`, and of a refined one, which follows the photo
over a centimeter and a half, around the mouth in hue too."""
PLAIN_LIDS = 0.8
"""Share of plain skin in the model's color of the lids."""
SOFT_STEPS = 24
"""Averages over neighbors by which the model's skin is smoothed where the photo does not show it, about a centimeter on the
open head: the model's beards end in ragged lines and are blotched."""


@dataclass(frozen=True, eq=False)
class FilledVertices:
    """Vertices of a head in the light of a photo, with colors for what it does not show.

    Attributes:
        seen: colors of the photo, linear RGB, and their weights.
        shading: light on the outer skin.
        level: mean of the shading on the front, per channel.
        inner: share of the light inside of mouth and eyes, 1 elsewhere.
        mirrored: trust in the colors of the mirror image, 0 to 1.
        fill: albedo where nothing is seen.
        mirror_gain: logarithmic gain of the mirror image.
        iris: albedo of the irises.
        detail: what of the photo's detail is skin.
        broad: `broad_photo` of the photo's patch.
    """

    seen: VertexColors
    shading: Float64[np.ndarray, "V 3"]
    level: Float64[np.ndarray, "3"]
    inner: Float64[np.ndarray, " V"]
    mirrored: Float64[np.ndarray, " V"]
    fill: Float32[np.ndarray, "V 3"]
    mirror_gain: Float[np.ndarray, "V 3"]
    iris: Float64[np.ndarray, "3"]
    detail: PhotoDetail
    broad: tuple[Float32[np.ndarray, "_ _ 3"], int]


def fill_vertices(
    head: LinearHead,
    surface: PhotoSurface,
    light: Float[np.ndarray, "9 3"],
    albedo: Float[np.ndarray, "V 3"],
    gauges: LightGauges | None = None,
    begun: BegunVertices | None = None,
    *,
    refined: bool = False,
) -> FilledVertices:
    """Compute light, and colors of what the photo does not show, at the vertices of a head.

    Args:
        head: Head model.
        surface: Photo on the head.
        light: Shading coefficients.
        albedo: Albedo, linear RGB.
        gauges: Colors of teeth and eyes in the photo.
        begun: `BegunVertices.begin` of this surface and light, where that is begun.
        refined: The albedo is of a texture network, which has seen the photo, not of the model alone.
    """
    part, mirror = head.part.numpy(), head.mirror.numpy()
    gauges = gauges or LightGauges()
    seen, begun = surface.colors, begun or BegunVertices.begin(head, lambda: surface, light)
    albedo = _plain_lids(head, _possible(head, albedo))
    if refined:
        albedo = _dark_brows(head, albedo)
    soft = begin(_soft_skin, head, albedo)
    shading, level = begun.shaded()
    ratio = _log(_positive(seen.color / shading) / albedo)
    broad, block, hair = begun.hairy()
    beside = (
        light_beside_refined(head, ratio, seen.weight, surface.normals, hair)
        if refined
        else unexplained_light(head, ratio, seen.weight)
    )
    shading = shading * np.exp(beside)
    mirrored = smoothstep((shading / level).mean(axis=1)[mirror], *MIRROR_LIGHT)
    irises = begin(iris_of_photo, head, surface, shading)
    detail = begin(PhotoDetail.of, head, surface, np.maximum(seen.weight, seen.weight[mirror] * mirrored), hair)
    fill, mirror_gain = _fill_and_mirror_gain(
        head,
        albedo,
        soft,
        seen.color / shading,
        seen.weight,
        mirrored,
        lambda: np.maximum(hair, detail().pressed),
        refined=refined,
    )
    iris = irises()
    fill = paint_mouth(head, fill, teeth_gain(gauges.teeth, level))
    eyes = np.isin(part, EYES)
    if eyes.any():
        fill[eyes] = eye_vertices(head).colors(iris)
    inner = np.ones(len(part))
    for name, share in OCCLUSION.items():
        inner[part == PARTS.index(name)] = share
    return FilledVertices(
        seen, shading, level, inner, mirrored, np.asarray(fill, np.float32), mirror_gain, iris, detail(), (broad, block)
    )


def _fill_and_mirror_gain(
    head: LinearHead,
    albedo: Float64[np.ndarray, "V 3"],
    softened: Callable[[], Float64[np.ndarray, "V 3"]],
    seen: Float64[np.ndarray, "V 3"],
    weight: Float32[np.ndarray, " V"],
    mirrored: Float64[np.ndarray, " V"],
    unsure: Callable[[], Float64[np.ndarray, " V"]],
    *,
    refined: bool,
) -> tuple[Float64[np.ndarray, "V 3"], Float32[np.ndarray, "V 3"]]:
    """Return the fill albedo for hidden regions, and the logarithmic gain of the mirror image.

    `unsure` tells the share of a refined albedo's detail that is none: the network draws smile lines, and beards in
    blotches.
    """
    graph, mirror = head_graph(head), head.mirror.numpy()
    parts = np.isin(head.part.numpy(), [PARTS.index(name) for name in PHOTO_PARTS])
    weight = weight.astype(np.float64)
    seen = _positive(seen)
    zero = np.zeros(seen.shape, np.float32)
    seen_log, albedo_log = _log(seen), _log(albedo)
    mirror_log = seen_log[mirror]
    other = weight[mirror] * mirrored
    gain = diffuse(
        graph,
        np.clip(seen_log - mirror_log, -1.0, 1.0),
        weight * other,
        smoothness=1.0,
        pull=np.full(len(weight), 2e-3),
        rest=zero,
    )
    # colors of the mirror image count less than visible ones
    trust = weight + 0.5 * (1 - weight) * other
    ratio = (
        weight[:, None] * (seen_log - albedo_log) + (trust - weight)[:, None] * (mirror_log - albedo_log + gain)
    ) / np.maximum(trust, 1e-6)[:, None]
    ratio = np.clip(ratio, -1.5, 1.5)
    rest = zero
    sure = (trust > 0.5) & parts
    if sure.any():
        tone = (trust > 0.5) & face_skin(head)
        rest = np.where(parts[:, None], np.median(ratio[tone if tone.any() else sure], axis=0), 0.0)
        soft = softened()
        if refined:
            even = soft * (albedo.mean(axis=1, keepdims=True) / soft.mean(axis=1, keepdims=True))
            albedo = albedo + below_nose(head, MOUTH_METERS)[:, None] * (even - albedo)
            # a texture network guesses from colors at the outline of the face, in streaks
            albedo = albedo + np.maximum(1 - trust, unsure())[:, None] * (soft - albedo)
        else:
            albedo = soft
    trust = trust * np.where(lids_of(head), LID_TRUST, 1.0)
    if refined and "lips" in head.regions:
        trust = trust * np.where(head.regions["lips"].numpy(), LIPS_TRUST, 1.0)
    field = diffuse(
        lips_apart(head),
        ratio,
        trust,
        smoothness=REFINED_REACH if refined else REACH,
        pull=np.where(parts, 2e-3, 100.0),
        rest=rest,
    )
    return np.clip(albedo * np.exp(field), 0.0, 1.0), gain


def _possible(head: LinearHead, albedo: Float[np.ndarray, "V 3"]) -> Float64[np.ndarray, "V 3"]:
    """Keep the albedo of a linear model possible: in the tone of dark skin its lips turn purple, brows negative."""
    albedo, mean = albedo.astype(np.float64), head.albedo_mean.double().numpy()
    skin = face_skin(head)
    tone = np.median(albedo[skin], axis=0) / np.median(mean[skin], axis=0) if skin.any() else np.ones(3)
    least = np.full(len(mean), LEAST_ALBEDO)
    if "lips" in head.regions:
        least[head.regions["lips"].numpy()] = LEAST_LIPS
    return np.clip(np.maximum(albedo, least[:, None] * mean * np.maximum(tone, 0.02)), 0.002, 1.0)


def _dark_brows(head: LinearHead, albedo: Float64[np.ndarray, "V 3"]) -> Float64[np.ndarray, "V 3"]:
    """Keep a texture network from painting pale fringes around brows, as it does on dark skin."""
    skin = face_skin(head)
    if "brows" not in head.regions or not skin.any():
        return albedo
    brows, out = head.regions["brows"].numpy(), albedo.copy()
    brightness = albedo[brows].mean(axis=1, keepdims=True) / np.median(albedo[skin].mean(axis=1))
    out[brows] *= np.minimum(MOST_BROWS / brightness, 1)
    return out


def _plain_lids(head: LinearHead, albedo: Float64[np.ndarray, "V 3"]) -> Float64[np.ndarray, "V 3"]:
    """Draw the model's lids to the skin of the face."""
    lids, skin = lids_of(head), face_skin(head)
    skin &= ~lids
    if not lids.any() or not skin.any():
        return albedo
    out = albedo.copy()
    out[lids] += PLAIN_LIDS * (np.median(albedo[skin], axis=0) - albedo[lids])
    return out


def _soft_skin(head: LinearHead, albedo: Float64[np.ndarray, "V 3"]) -> Float64[np.ndarray, "V 3"]:
    """Smooth the model's outer skin; brows, lips and what lies inside stay as they are, and spread no color."""
    bare = np.asarray(head.part.numpy() == PARTS.index("face"))
    for name in ("brows", "lips"):
        if name in head.regions:
            bare &= ~head.regions[name].numpy()
    return averaged(head_graph(head), albedo, bare, SOFT_STEPS)


def _log(positive: Float64[np.ndarray, "V 3"]) -> Float32[np.ndarray, "V 3"]:
    """Compute logarithms in single precision: a third of the time, and an error far below a level of 255."""
    return np.log(positive, dtype=np.float32, casting="same_kind")


def _positive(color: Float[np.ndarray, "V 3"]) -> Float64[np.ndarray, "V 3"]:
    return np.asarray(np.clip(color, 0.002, 2.0), np.float64)
