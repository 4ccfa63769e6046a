"""Light on a head's surface: harmonics where the photo shows how it falls, even light elsewhere, and what harmonics miss.

V vertices.

Harmonics fitted to the front of a face say nothing about its back: continued there they turn black, or tinted. Toward
normals that no visible vertex has, the shading therefore becomes even. And nine harmonics hold no
cast shadow and no highlight: what they leave of the photo's low frequencies is light, mostly where the two halves of the
face differ, since skin is nearly symmetric.
"""

import numpy as np
from jaxtyping import Float, Float64

from headform.fit._mesh_diffusion import diffuse, head_graph
from headform.fit.plain_skin import below_nose, face_skin
from headform.geometry.spherical_harmonics import sh_basis
from headform.heads.linear import LinearHead

LIMB = 0.15
"""Cosine to the view at which normals that face away are read: the outline is the last that a photo shows."""
KNOWN = (-0.6, 0.4)
"""Cosines to the view between which the shading rises from even light to the harmonics."""
FRONT = 0.4
"""Cosine to the view from which a normal is of the front."""
BACK = 0.6
"""Least light on the unseen side as a part of the front's; else the mean of the front and of the outline."""
FLOOR = 0.15
"""Least shading, relative to the front's: harmonics can undershoot zero."""
HUE_KEPT = 0.5
"""Share of the differences of hue over the head that is kept: channels fitted one by one part where they are dark."""
ODD, EVEN, EVEN_BEARD = 0.95, 0.8, 0.3
"""Shares of the low frequencies of photo by model that are light: of what differs between the halves, of the rest, and of
the rest below the nose, where beards are."""
TINT = 0.75
"""Share of their color, relative to their luminance: sky, walls and highlights tint a face in patches."""
BEARD_METERS = (-0.005, 0.005)
"""Heights above the bottom of the nose over which the share rises from that of beards."""
_REACH = 5.0
"""Smoothness of these low frequencies; see `fit._mesh_diffusion`. Over half a centimeter on the open head."""
_MOST = 0.8
"""Largest logarithm of light that is taken out of the photo beside the harmonics."""
_FINE_REACH, _FINE_SHARE, _FINE_MOST = 1.0, 0.95, 1.2
"""Smoothness, share and largest logarithm of what is light beside a refined albedo, which knows the face to millimeters and
has neither shadow nor shine; what is finer is skin."""
_PULL = 1e-3
_HAIR_TRUST, _LIPS_TRUST, _LIPS_HUE = 0.03, 0.3, 0.75
"""Weight of hair and lips, by skin's, in this light, which is that of the skin around them; and share of the lips' hue that
is the photo's: their shine has one, too."""
MOUTH_METERS = (-0.005, 0.02)
"""Heights above the bottom of the nose over which hues of a refined albedo are believed again."""
_TINT_PRIOR, _TINT_MOST = 10.0, 0.3
"""Vertices that weigh as much as the prior of a light without tint, and the largest logarithm of a tint."""
_LEAST_VERTICES = 30
"""Vertices of the skin that must be seen for anything to be said about its light."""


def surface_shading(
    normals: Float[np.ndarray, "V 3"], light: Float[np.ndarray, "9 3"]
) -> tuple[Float64[np.ndarray, "V 3"], Float64[np.ndarray, "3"]]:
    """Compute positive shading on all sides of a head, linear RGB, and its mean on the front.

    Args:
        normals: (V, 3) unit normals, camera frame.
        light: (9, 3) shading coefficients over such normals.
    """
    normals = np.asarray(normals, np.float64)
    facing = -normals[:, 2]
    across = np.hypot(normals[:, 0], normals[:, 1])
    depth = np.maximum(facing, LIMB)
    scale = np.sqrt(1 - depth**2) / np.maximum(across, 1e-9)
    visible = np.stack([normals[:, 0] * scale, normals[:, 1] * scale, -depth], axis=1)
    visible = np.where((facing >= LIMB)[:, None], normals, visible)
    shading = sh_basis(visible) @ light
    front = facing > FRONT
    mean = np.maximum(shading[front].mean(axis=0) if front.any() else shading.mean(axis=0), 1e-3)
    x = np.clip((facing - KNOWN[0]) / (KNOWN[1] - KNOWN[0]), 0.0, 1.0)
    known = (x * x * (3 - 2 * x))[:, None]
    white = shading.mean(axis=1, keepdims=True) / mean.mean() * mean
    shading = white + HUE_KEPT * (shading - white)
    outline = np.abs(facing) < FRONT / 2
    edge = shading[outline].mean() / mean.mean() if outline.any() else 1.0
    even = np.clip(0.5 + 0.5 * edge, BACK, 1.0) * mean
    shading = even + known * (shading - even)
    missing = np.maximum(FLOOR - (shading / mean).mean(axis=1), 0.0)
    shading = shading + missing[:, None] * mean  # in the tint of the front
    return np.maximum(shading, 0.5 * FLOOR * mean), mean


def unexplained_light(
    head: LinearHead,
    ratio: Float[np.ndarray, "V 3"],
    weight: Float[np.ndarray, " V"],
) -> Float64[np.ndarray, "V 3"]:
    """Compute the logarithm of the light that the harmonics miss: low frequencies of the photo beside the model's skin.

    Args:
        head: Head model.
        ratio: Logarithm of the photo's colors, divided by shading and by the model's albedo.
        weight: Weights of the photo at the vertices; only the face's skin counts.
    """
    skin, mirror = face_skin(head), head.mirror.numpy()
    weight = weight * skin
    sure = weight > 0.5
    if sure.sum() < _LEAST_VERTICES:
        return np.zeros(ratio.shape)
    luminance = ratio.mean(axis=1, keepdims=True)
    ratio = luminance + TINT * (ratio - luminance)
    ratio = np.where(weight[:, None] > 0, ratio - np.median(ratio[sure], axis=0), 0.0)
    odd = 0.5 * (ratio - ratio[mirror]) * weight[mirror][:, None]
    even = _even_share(head)[:, None]
    known = even * ratio + (ODD - even) * odd
    field = diffuse(
        head_graph(head),
        np.clip(known, -_MOST, _MOST),
        weight,
        smoothness=_REACH,
        pull=np.full(len(weight), 0.01),
        rest=np.zeros_like(ratio),
    )
    return np.clip(field.astype(np.float64), -_MOST, _MOST)


def light_beside_refined(
    head: LinearHead,
    ratio: Float[np.ndarray, "V 3"],
    weight: Float[np.ndarray, " V"],
    normals: Float[np.ndarray, "V 3"],
    hair: Float[np.ndarray, " V"],
) -> Float64[np.ndarray, "V 3"]:
    """Compute the logarithm of the light that the harmonics miss where a network has told the albedo.

    The network knows how bright skin is to millimeters, but not its hues: around mouths it paints the shade of beards, on
    dark skin lips that are purple. Nor does it know hair as dark as it is. There the photo is believed.

    Args:
        head: Head model.
        ratio: Logarithm of the photo's colors, divided by shading and by the refined albedo.
        weight: Weights of the photo at the vertices.
        normals: Unit normals, camera frame.
        hair: Share of hair on the skin.
    """
    skin = face_skin(head)
    sure = (weight > 0.5) & skin
    if sure.sum() < _LEAST_VERTICES:
        return np.zeros(ratio.shape)
    known = np.where(weight[:, None] > 0, ratio - np.median(ratio[sure], axis=0), 0.0)  # the level is that of the photo
    luminance = known.mean(axis=1, keepdims=True)
    mouth = below_nose(head, MOUTH_METERS)
    if "lips" in head.regions:
        mouth = np.where(head.regions["lips"].numpy(), _LIPS_HUE, mouth)
    hue = known - luminance
    tint = _tint(hue, np.clip(luminance[:, 0], -_FINE_MOST, _FINE_MOST), normals, weight * skin * (1 - mouth))
    known = known + mouth[:, None] * (tint - hue)
    bare = 1 - (1 - _HAIR_TRUST) * hair
    if "lips" in head.regions:
        bare = np.where(head.regions["lips"].numpy(), _LIPS_TRUST, bare)
    field = diffuse(
        head_graph(head),
        np.clip(_FINE_SHARE * known, -_FINE_MOST, _FINE_MOST),
        weight * bare,
        smoothness=_FINE_REACH,
        pull=np.full(len(weight), _PULL),
        rest=np.zeros_like(ratio),
    )
    return np.asarray(field, np.float64)


def _tint(
    hue: Float[np.ndarray, "V 3"],
    luminance: Float[np.ndarray, " V"],
    normals: Float[np.ndarray, "V 3"],
    weight: Float[np.ndarray, " V"],
) -> Float64[np.ndarray, "V 3"]:
    """Fit the tint of the light to logarithms of hue: linear in the direction of the surface, and in shine and shadow."""
    columns = np.column_stack([np.ones(len(hue)), normals, np.maximum(luminance, 0), np.minimum(luminance, 0)])
    weighted = columns * weight[:, None]
    system = weighted.T @ columns + _TINT_PRIOR * np.eye(columns.shape[1])
    return np.clip(columns @ np.linalg.solve(system, weighted.T @ hue), -_TINT_MOST, _TINT_MOST)


def _even_share(head: LinearHead) -> Float64[np.ndarray, " V"]:
    """Return the share of what is alike on both halves that is light."""
    return EVEN + (EVEN_BEARD - EVEN) * below_nose(head, BEARD_METERS)
