"""Angular margin loss of recognition networks: sub-center ArcFace.

B faces, D numbers of an embedding, C classes (people), k sub-centers of a class.

    cos theta_c = max over j of <w_cj, x> / (|w_cj| |x|)
    logit_c     = s cos(theta_c + m) for the face's own class, s cos theta_c for the others
    loss        = cross entropy of the logits

With one sub-center it is ArcFace (Deng, Guo, Xue, Zafeiriou 2019), with more the faces of a class need not lie about one
point, so that wrong labels and rare appearances do not pull it (Deng, Guo, Liu, Gong, Zafeiriou 2020, "Sub-center ArcFace").
Where theta + m exceeds pi the cosine would rise again; there the logit is s (cos theta - m sin m), as in insightface's code,
which keeps it falling.
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from headform.losses._safe_sqrt import safe_sqrt

MARGIN = 0.5
"""Additive angular margin m, radians."""
SCALE = 64.0
"""Scale s of the logits."""


class SubCenterArcFace(nn.Module):
    """Classifier of embeddings with an angular margin; only training needs it.

    Args:
        embedding: Dimensions D of an embedding.
        classes: Number C of classes.
        sub_centers: Centers k of each class.
        margin: Angular margin m, radians.
        scale: Scale s.

    Raises:
        ValueError: a count below 1, a margin outside of [0, pi / 2], or a scale that is not positive.
    """

    def __init__(
        self, embedding: int, classes: int, *, sub_centers: int = 3, margin: float = MARGIN, scale: float = SCALE
    ) -> None:
        super().__init__()
        if min(embedding, classes, sub_centers) < 1 or not 0 <= margin <= math.pi / 2 or not scale > 0:
            raise ValueError(f"{embedding} dimensions, {classes} x {sub_centers} centers, m {margin}, s {scale}")
        self.sub_centers, self.margin, self.scale = sub_centers, margin, scale
        self.weight = nn.Parameter(torch.empty(classes * sub_centers, embedding))
        nn.init.normal_(self.weight, std=0.01)

    def cosines(self, embeddings: Float[Tensor, "B D"]) -> Float[Tensor, "B C"]:
        """Return the cosine of each face with the nearest sub-center of each class."""
        with torch.autocast(embeddings.device.type, enabled=False):  # bfloat16 has steps of 0.25 at the scale 64
            every = normalize(embeddings.to(self.weight.dtype), dim=1) @ normalize(self.weight, dim=1).T
        return every.unflatten(1, (-1, self.sub_centers)).amax(2)

    def logits(
        self, embeddings: Float[Tensor, "B D"], labels: Int[Tensor, " B"], margin: float | None = None
    ) -> Float[Tensor, "B C"]:
        """Return the logits, with the margin at each face's own class.

        Args:
            embeddings: Embeddings of any length.
            labels: Class of each, from 0.
            margin: Margin in place of the module's, such as one that grows during the first steps.
        """
        margin = self.margin if margin is None else margin
        cosine = self.cosines(embeddings)
        own = cosine.gather(1, labels[:, None])
        sine = safe_sqrt((1 - own * own).clamp_min(0))
        turned = own * math.cos(margin) - sine * math.sin(margin)
        beyond = own - margin * math.sin(margin)
        penalized = torch.where(own > math.cos(math.pi - margin), turned, beyond)
        return self.scale * cosine.scatter(1, labels[:, None], penalized)

    def forward(
        self, embeddings: Float[Tensor, "B D"], labels: Int[Tensor, " B"], margin: float | None = None
    ) -> Float[Tensor, ""]:
        """Return the mean cross entropy of the faces; arguments as in `logits`."""
        return cross_entropy(self.logits(embeddings, labels, margin), labels)
