"""Heads sampled from a linear model: identity, expression, neck and gaze drawn at random.

B batch, V vertices, F triangles, K identity modes, E expressions.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float32, Int64
from torch import Tensor

from headform.data.splits import SPLITS, Split
from headform.errors import HeadformError, InputError, check_choice
from headform.geometry.head_angles import rotation_from_euler
from headform.heads.linear import LinearHead
from headform.synth.expressions import sample_expression
from headform.synth.randomization import ExpressionRandomization

Posed = Literal["expression", "neck", "gaze"]
EVERYTHING: tuple[Posed, ...] = ("expression", "neck", "gaze")
VERGENCE = 0.06
"""Greatest inward turn of each eye, radians."""
LIDS = "eyeLook"
"""Expression shapes whose names start so follow the gaze and are drawn with it."""


@dataclass(frozen=True)
class HeadSampling:
    """Distribution of sampled heads. Angles in degrees, rates in 0..1.

    Attributes:
        identity_scale: Standard deviation of a head's coefficients, drawn evenly from this range;
            (1, 1) is the head's own Gaussian.
        expression_rate: Share of heads with an expression; six in ten of them look somewhere.
        neck_rate: Share of heads that are turned on their necks.
        neck_sd: Standard deviations of yaw, pitch and roll.
        neck_most: Limits to which these are clipped.
    """

    identity_scale: tuple[float, float] = (1.0, 1.0)
    expression_rate: float = 0.85
    neck_rate: float = 0.8
    neck_sd: tuple[float, float, float] = (15.0, 8.0, 6.0)
    neck_most: tuple[float, float, float] = (40.0, 20.0, 15.0)


@dataclass(frozen=True, eq=False)
class HeadCodes:
    """The numbers that sampled heads are decoded from.

    Attributes:
        identity: (B, K) standard deviations.
        expression: (B, E) 0..1, order of the head's `expression_names`.
        neck: (B, 3) yaw, pitch, roll of `geometry.head_angles.rotation_from_euler`, radians.
        gaze: (B, 3) yaw (to the subject's left), pitch (up), vergence (each eye inwards), radians.
    """

    identity: Float32[np.ndarray, "B K"]
    expression: Float32[np.ndarray, "B E"]
    neck: Float32[np.ndarray, "B 3"]
    gaze: Float32[np.ndarray, "B 3"]


class SampledHeads:
    """A `MeshDataset` of sampled heads; number i of a split is a function of (seed, split, i) alone.

    Whether there are 10 heads or 20,000, head i is the same. The splits of a seed are separate
    streams of NumPy's `SeedSequence`: no held-out head is ever a training head, however many of
    either are asked for.

    Args:
        head: Head model; meshes are decoded on its device.
        count: Number of heads.
        seed: Seed of all splits together.
        split: Name of the stream.
        recipe: Distribution of the heads.
        posed: Variation besides identity. The rest is drawn all the same and set to rest, so that
            head i has the same identity whatever is posed.
    """

    def __init__(
        self,
        head: LinearHead,
        count: int,
        seed: int,
        *,
        split: Split = "train",
        recipe: HeadSampling | None = None,
        posed: tuple[Posed, ...] = EVERYTHING,
    ) -> None:
        if count < 1 or seed < 0:
            raise ValueError(f"count must be positive and seed not negative: {count}, {seed}")
        check_choice(split, SPLITS, "split")
        for each in posed:
            check_choice(each, EVERYTHING, "posed")
        self.head, self.seed, self.split, self.posed = head, seed, split, posed
        self.recipe = HeadSampling() if recipe is None else recipe
        self._count = count
        self._eyes = all(len(head.part_vertices(name)) for name in ("eye_right", "eye_left"))

    @property
    def name(self) -> str:
        """Head, split and seed."""
        return f"sampled heads of {self.head.name}, {self.split} {self.seed}"

    @property
    def license(self) -> str:
        """The head's."""
        return self.head.license

    @property
    def count(self) -> int:
        """Number of heads."""
        return self._count

    @cached_property
    def faces(self) -> Int64[np.ndarray, "F 3"]:
        """Triangles of the head."""
        return self.head.faces.cpu().numpy()

    @cached_property
    def codes(self) -> HeadCodes:
        """The numbers of all heads, drawn once, when first needed (0.1 ms a head)."""
        rows = [self._draw(index) for index in range(self._count)]
        return HeadCodes(*(np.stack(column) for column in zip(*rows, strict=True)))

    @cached_property
    def _basis(self) -> Float32[Tensor, "M N"]:
        return torch.cat([self.head.identity, self.head.expression]).flatten(1).float()

    def facts(self) -> dict[str, Any]:
        """Description from which the same heads can be sampled again; plain JSON values."""
        return {
            "kind": "sampled heads",
            "head": self.head.name,
            "head_sha256": self.head.sha256,
            "count": self._count,
            "seed": self.seed,
            "split": self.split,
            "posed": list(self.posed),
            "recipe": asdict(self.recipe),
        }

    @staticmethod
    def from_facts(head: LinearHead, facts: Mapping[str, Any]) -> "SampledHeads":
        """The heads that `facts` described, such as those in the card of a trained network.

        Raises:
            InputError: `facts_foreign` when these are not the facts of sampled heads, or of another
                head model.
        """
        fix = "give the card of a network that was trained on samples of this head model"
        try:
            recipe: dict[str, Any] = {
                key: tuple(value) if isinstance(value, list) else value for key, value in facts["recipe"].items()
            }
            heads = SampledHeads(
                head,
                facts["count"],
                facts["seed"],
                split=facts["split"],
                recipe=HeadSampling(**recipe),
                posed=tuple(facts["posed"]),
            )
        except HeadformError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            what = f"these facts describe no sampled heads: {error!r}"
            raise InputError("facts_foreign", what, "", fix) from error
        if facts.get("head_sha256") != head.sha256:
            what = "the heads were sampled from another head model"
            where = f"SHA-256 {str(facts.get('head_sha256'))[:12]}…, here {head.sha256[:12]}…"
            raise InputError("facts_foreign", what, where, fix)
        return heads

    def vertices(self, indices: Int64[np.ndarray, " B"]) -> Float32[Tensor, "B V 3"]:
        """The heads with these numbers, meters, on the head's device.

        Raises:
            IndexError: a number is not in [0, count).
        """
        if len(indices) and not 0 <= int(indices.min()) <= int(indices.max()) < self._count:
            raise IndexError(f"heads are numbered 0 to {self._count - 1}")
        codes = self.codes
        mean = self.head.mean.float()

        def there(rows: Float32[np.ndarray, "N C"]) -> Float32[Tensor, "B C"]:
            return torch.from_numpy(rows[indices]).to(mean.device)

        weights = torch.cat([there(codes.identity), there(codes.expression)], dim=1)
        shape = (weights @ self._basis).unflatten(1, (-1, 3)) + mean
        if "gaze" in self.posed and self._eyes:
            yaw, pitch, vergence = there(codes.gaze).unbind(1)
            zero = torch.zeros_like(yaw)
            right = rotation_from_euler(yaw + vergence, -pitch, zero)
            left = rotation_from_euler(yaw - vergence, -pitch, zero)
            shape = self.head.rotate_eyes(shape, right, left)
        if "neck" in self.posed:
            shape = self.head.rotate_neck(shape, rotation_from_euler(*there(codes.neck).unbind(1)))
        return shape

    def _draw(self, index: int) -> tuple[Float32[np.ndarray, " n"], ...]:
        """Identity, expression, neck and gaze of one head; what is not posed is zero."""
        key = (SPLITS.index(self.split), index)
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))
        recipe, names = self.recipe, self.head.expression_names
        identity = rng.standard_normal(len(self.head.identity))
        identity *= rng.uniform(*recipe.identity_scale)
        most = np.array(recipe.neck_most)
        neck = np.clip(rng.standard_normal(3) * recipe.neck_sd, -most, most)
        neck *= rng.random() < recipe.neck_rate
        vergence = rng.uniform(0.0, VERGENCE)
        face = sample_expression(rng, names, ExpressionRandomization(rate=recipe.expression_rate))
        expression, look = face.weights, face.gaze
        lids = np.array([name.startswith(LIDS) for name in names])
        if "expression" not in self.posed:
            expression = np.where(lids, expression, 0.0)
        if "gaze" not in self.posed:
            expression = np.where(lids, 0.0, expression)
        gaze = np.append(look, vergence) * ("gaze" in self.posed)
        neck = np.radians(neck) * ("neck" in self.posed)
        return tuple(part.astype(np.float32) for part in (identity, expression, neck, gaze))
