"""Albedo of the face where a photo does not show it: the average of the skin that is seen, the mean head's lips and brows.

V vertices.

A head's albedo modes know beards, make-up and flushed cheeks, which are not to be guessed from the other half of a face.
"""

import numpy as np
from jaxtyping import Bool, Float, Float64

from headform.fit._mesh_diffusion import diffuse, head_graph
from headform.fit.fitted_photo import FittedPhoto
from headform.heads.linear import PARTS, LinearHead

_SPREAD = 12.0
"""Smoothness of the border between plain and fitted skin; see `fit._mesh_diffusion`. About a centimeter on the open head."""


def face_skin(head: LinearHead) -> Bool[np.ndarray, " V"]:
    """Mask the skin of the face: no brows, lips or scalp."""
    skin = np.asarray(head.part.numpy() == PARTS.index("face"))
    for name in ("brows", "lips", "scalp"):
        if name in head.regions:
            skin &= ~head.regions[name].numpy()
    if "face" in head.regions and (skin & head.regions["face"].numpy()).any():
        skin &= head.regions["face"].numpy()
    return skin


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
