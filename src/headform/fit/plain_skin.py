"""Albedo of the face where a photo does not show it: the average of the skin that is seen, the mean head's lips and brows.

V vertices.

A head's albedo modes know beards, make-up and flushed cheeks, which are not to be guessed from the other half of a face.
"""

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64

from headform.fit._mesh_diffusion import diffuse, head_graph
from headform.fit.fitted_photo import FittedPhoto
from headform.fit.ramps import smoothstep
from headform.fit.vertex_colors import region_share
from headform.geometry.seven_landmarks import NAMES
from headform.heads.linear import PARTS, LinearHead

_SPREAD = 12.0
"""Smoothness of the border between plain and fitted skin; see `fit._mesh_diffusion`. About a centimeter on the open head."""

_NOSE = NAMES.index("nose bottom")
FACE_METERS, SCALP_METERS = (0.0, 0.02), (0.0, 0.015)
"""Distances from the face over which a refined albedo ends, and from the scalp over which it begins."""
DARK = (0.8, 1.0)
"""Brightness, relative to plain skin, between which a refined albedo that nothing is seen of is taken for skin."""


def face_skin(head: LinearHead) -> Bool[np.ndarray, " V"]:
    """Mask the skin of the face: no brows, lips or scalp."""
    skin = np.asarray(head.part.numpy() == PARTS.index("face"))
    for name in ("brows", "lips", "scalp"):
        if name in head.regions:
            skin &= ~head.regions[name].numpy()
    if "face" in head.regions and (skin & head.regions["face"].numpy()).any():
        skin &= head.regions["face"].numpy()
    return skin


def lids_of(head: LinearHead) -> Bool[np.ndarray, " V"]:
    """Mask lids and what lies around them; nothing on a head that does not name them."""
    if "eyes" not in head.regions:
        return np.zeros(len(head.mean), bool)
    return np.asarray(head.regions["eyes"].numpy() & (head.part.numpy() == PARTS.index("face")))


def below_nose(head: LinearHead, meters: tuple[float, float]) -> Float64[np.ndarray, " V"]:
    """Return 1 below the nose, falling to 0 over these heights above its bottom; 1 on a head that does not name it."""
    if not head.has_field("now7"):
        return np.ones(len(head.mean))
    y = head.mean[:, 1].double().numpy()
    return 1 - smoothstep(y - y[int(head.now7[_NOSE])], *meters)


def plain_where_lost(photo: FittedPhoto, albedo: Float[np.ndarray, "V 3"]) -> Float64[np.ndarray, "V 3"]:
    """Replace the albedo around vertices that neither the photo nor their mirror image shows.

    Args:
        photo: photo and fitted head.
        albedo: linear RGB of the fitted code.
    """
    head = photo.head
    albedo = albedo.astype(np.float64)
    face = head.part.numpy() == PARTS.index("face")
    skin, lost = face_skin(head), photo.lost_vertices()
    mirror = head.mirror.numpy()
    gone = face & lost & lost[mirror]
    shown = skin & ~lost
    if not (gone & skin).any() or not shown.any():
        return albedo
    tone = np.median(albedo[shown], axis=0)
    mean = head.albedo_mean.numpy().astype(np.float64)
    plain = np.where(skin[:, None], tone, mean * (tone / np.median(mean[shown], axis=0)))
    count = len(albedo)
    share = diffuse(
        head_graph(head),
        gone[:, None].astype(np.float64),
        np.ones(count),
        smoothness=_SPREAD,
        pull=np.full(count, 1e-6),
        rest=np.zeros((count, 1)),
    )
    share = np.where(face[:, None], np.clip(2 * share, 0.0, 1.0), 0.0)
    return albedo + share * (plain - albedo)


def without_hair(
    head: LinearHead, albedo: Float[np.ndarray, "V 3"], seen: Float[np.ndarray, " V"]
) -> Float32[np.ndarray, "V 3"]:
    """Replace the roots of the hair in a refined albedo by plain skin: the mean head's in the tone of the face.

    A texture network paints scalp and temples as it knows them, dark below the hair, on a head that is shown bald.

    Args:
        head: Head model.
        albedo: Refined albedo, linear RGB.
        seen: Visibility of each vertex in the photo, 0 to 1; what is seen of the face stays as it is.
    """
    skin, mean = face_skin(head), head.albedo_mean.numpy().astype(np.float64)
    if not skin.any():
        return np.asarray(albedo, np.float32)
    plain = np.clip(mean * (np.median(albedo[skin], axis=0) / np.median(mean[skin], axis=0)), 0.0, 1.0)
    face = region_share(head, "face", FACE_METERS) * (1 - region_share(head, "scalp", SCALP_METERS))
    light = smoothstep(albedo.mean(axis=1) / np.maximum(plain.mean(axis=1), 1e-3), *DARK)
    kept = face * (1 - (1 - seen) * (1 - light))
    return np.asarray(plain + kept[:, None] * (albedo - plain), np.float32)
