"""A linear albedo model over vertices, learned from the procedural skin.

V vertices, A modes, N samples. Linear RGB.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from headform.heads.linear import LinearHead
from headform.synth.randomization import SkinRandomization
from headform.synth.skin import SkinAttributes, paint, sample_skin
from headform.synth.skin_fields import skin_fields

MODES = 50
SAMPLES = 1500
SEED = 20240301
_UNEVENNESS = 0.1
"""Share of the sampled blotchiness that is kept."""

_SKINS = SkinRandomization(
    flush=(0.0, 1.0), unevenness=(0.0, 1.0), lip_red=(0.0, 1.0), lip_paint_rate=0.2,
    lip_paint_rgb=((0.3, 0.02, 0.05), (0.8, 0.3, 0.35)),
)  # fmt: skip
"""Ranges of the skins that the basis spans; those of synthetic faces may follow the portraits, the shipped head stays."""


def learn_albedo(
    head: LinearHead, *, samples: int = SAMPLES, modes: int = MODES, seed: int = SEED
) -> tuple[Float[np.ndarray, "V 3"], Float[np.ndarray, "A V 3"]]:
    """Learn the mean and the principal components of sampled skins, each component per standard deviation.

    Args:
        head: A head with mean, parts and landmarks.
        samples: Number of skins.
        modes: Number of components.
        seed: Seed of the skins.

    Returns:
        Mean (V, 3) and components (A, V, 3), float32. The sign of each is such that its sum is positive.
    """
    rng = np.random.default_rng(seed)
    fields = skin_fields(head)
    skins = [_without_chance(sample_skin(rng, _SKINS)) for _ in range(samples)]
    table = np.stack([paint(head, fields, skin)[0].ravel() for skin in skins])  # (N, 3V)
    mean = table.mean(0, dtype=np.float64)
    table -= mean.astype(np.float32)
    # the small side: eigenvectors of the (N, N) Gram matrix give the components of the (3V, 3V) covariance
    values, vectors = np.linalg.eigh((table @ table.T).astype(np.float64))
    strongest = np.argsort(-values, kind="stable")[:modes]
    # X = U S V': a component times its deviation is S_k V_k / sqrt(N - 1) = u_k' X / sqrt(N - 1)
    basis = vectors[:, strongest].T @ table.astype(np.float64) / np.sqrt(samples - 1)
    basis *= np.where(basis.sum(1, keepdims=True) < 0, -1.0, 1.0)
    count = len(head.mean)
    return (
        mean.reshape(count, 3).astype(np.float32),
        basis.reshape(len(strongest), count, 3).astype(np.float32),
    )


def _without_chance(skin: SkinAttributes) -> SkinAttributes:
    """Return the same coloring with hardly any blotches and no freckles or moles.

    Those are at random places, different for each person; as linear modes they would only let a fit to the visible half of
    a face put blotches on the other half.
    """
    return replace(skin, unevenness=_UNEVENNESS * skin.unevenness, freckles=0.0, moles=0.0)
