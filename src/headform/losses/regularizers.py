"""Priors on the coefficients, and shape consistency.

Letters: B batch, K coefficients, C channels.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor


def code_prior(code: Float[Tensor, "B K"]) -> Float[Tensor, ""]:
    """Half the sum of squares over coefficients and batch: shape, expression and texture.

    Source: Feng et al. 2021 (DECA), section 4.2; its published code sums over the batch and does not average. The negative
    log of a standard normal prior, without its constant.
    """
    return code.square().sum() / 2


def gray_light_prior(light: Float[Tensor, "B 9 C"]) -> Float[Tensor, ""]:
    """Mean squared difference of each light coefficient from its mean over the colors (DECA's code; Deng et al. 2019)."""
    return (light.mean(-1, keepdim=True) - light).square().mean()


def within_subject_permutation(
    subjects: Int[Tensor, " B"], generator: torch.Generator | None = None
) -> Int[Tensor, " B"]:
    """Draw a permutation of the batch that exchanges items of the same subject alone.

    Shape consistency (Feng et al. 2021, equation 7): the losses of a batch are computed once more with
    ``shape[within_subject_permutation(subjects)]``, since all photos of a subject show one shape.

    Args:
        subjects: (B,) number of the subject of each item.
        generator: on the CPU; the global one if absent.
    """
    own = subjects.cpu()
    keys = torch.rand(len(own), generator=generator, dtype=torch.float64)
    # sorted by subject both times: places of a subject meet its items in random order
    places = torch.argsort(own, stable=True)
    drawn = torch.argsort(keys)
    drawn = drawn[torch.argsort(own[drawn], stable=True)]
    found = torch.empty_like(places)
    found[places] = drawn
    return found.to(subjects.device)
