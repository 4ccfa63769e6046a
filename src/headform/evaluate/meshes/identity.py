"""Identity (shape) error on synthetic faces, whose shape is known.

Only identity counts: neutral heads, aligned by the best similarity (scale included) over the face
region, mean distance of corresponding vertices there, in millimeters. B people, V vertices, K modes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float

from headform.evaluate.tables import json_text, markdown_table
from headform.geometry.similarity import fit_similarity
from headform.geometry.units import MM_PER_M
from headform.heads.linear import LinearHead
from headform.synth import SyntheticBatch

Predictor = Callable[[SyntheticBatch], Float[np.ndarray, "B K"]]
"""Identity coefficients of each picture; a row of NaN where no head came out."""

MEAN_HEAD = "mean head"


@runtime_checkable
class FaceGenerator(Protocol):
    """Interface of `headform.synth.Generator`."""

    head: LinearHead
    size: int

    def batch(self, rng: np.random.Generator, count: int) -> SyntheticBatch:
        """Render `count` faces."""


@dataclass(frozen=True)
class IdentityRow:
    """One method's identity error.

    Attributes:
        method: Its name.
        people: Number of people with a head.
        failed: Number of people without one.
        mean_mm: Mean over people of the mean vertex distance, millimeters.
        median_mm: Median over people.
        percent_of_mean_head: `mean_mm` in per cent of the mean head's on the same people.
    """

    method: str
    people: int
    failed: int
    mean_mm: float
    median_mm: float
    percent_of_mean_head: float


@dataclass(frozen=True)
class IdentityTable:
    """Rows of all methods, the mean head first.

    Attributes:
        rows: One per method.
        seed: Seed of the synthetic faces.
        size: Side of their pictures in pixels.
        region: Name of the head's region that was measured.
    """

    rows: tuple[IdentityRow, ...]
    seed: int
    size: int
    region: str

    def to_json(self) -> str:
        """Format all fields as JSON text."""
        return json_text(self)

    def to_markdown(self) -> str:
        """A table with a row per method."""
        header = ["identity only", "people", "failed", "mean mm", "median mm", "% of the mean head"]
        rows = [
            [r.method, r.people, r.failed, f"{r.mean_mm:.3f}", f"{r.median_mm:.3f}", f"{r.percent_of_mean_head:.1f}"]
            for r in self.rows
        ]
        return markdown_table(header, rows) + "\n"


def identity_error(
    predicted: Float[np.ndarray, "V 3"],
    true: Float[np.ndarray, "V 3"],
    region: Bool[np.ndarray, " V"],
) -> float:
    """Mean vertex distance over `region` after the similarity that fits it best, millimeters.

    Args:
        predicted: Neutral head, meters.
        true: The true neutral head in the same topology, meters.
        region: Vertices that are aligned and measured.
    """
    mine, theirs = np.asarray(predicted[region], float), np.asarray(true[region], float)
    aligned = fit_similarity(mine, theirs).apply(mine)
    return float(np.linalg.norm(aligned - theirs, axis=1).mean() * MM_PER_M)


def evaluate_identity(
    generator: FaceGenerator,
    predictors: Mapping[str, Predictor],
    *,
    count: int = 1000,
    seed: int = 20_000_003,
    batch: int = 50,
    region: str = "face",
) -> IdentityTable:
    """Evaluate predictors, and the mean head, on the same synthetic faces.

    Args:
        generator: Renders the faces; its head decodes the coefficients.
        predictors: Name to predictor. Each sees the whole batch but must look at the pictures only.
        count: Number of people.
        seed: Seed of the synthetic faces; training must not use it.
        batch: People per call of a predictor.
        region: Name of a region of the head.

    Raises:
        ValueError: when a predictor returns the wrong number of rows, returns no head at all, or is
            called like the mean head.
    """
    if MEAN_HEAD in predictors:
        raise ValueError(f"'{MEAN_HEAD}' is measured anyway; choose another name")
    head = generator.head
    mask = head.regions[region].numpy()
    rng = np.random.default_rng(seed)
    errors: dict[str, list[float]] = {name: [] for name in (MEAN_HEAD, *predictors)}
    done = 0
    while done < count:
        people = generator.batch(rng, min(batch, count - done))
        for name in errors:
            codes = np.zeros((len(people.identity), 1), np.float32)
            if name != MEAN_HEAD:
                codes = predictors[name](people)
            errors[name] += _errors(head, name, codes, people, mask)
        done += len(people.identity)
    rows = [_row(name, np.array(values), errors[MEAN_HEAD]) for name, values in errors.items()]
    return IdentityTable(tuple(rows), seed, generator.size, region)


def _errors(
    head: LinearHead,
    name: str,
    codes: Float[np.ndarray, "B2 K2"],
    people: SyntheticBatch,
    mask: Bool[np.ndarray, " V"],
) -> list[float]:
    """Error of each person, NaN where there is no prediction."""
    if len(codes) != len(people.identity):
        raise ValueError(f"{name} gave {len(codes)} heads for {len(people.identity)} pictures")
    errors = []
    for code, true_code in zip(codes, people.identity, strict=True):
        if np.isfinite(code).all():
            errors.append(identity_error(_neutral(head, code), _neutral(head, true_code), mask))
        else:
            errors.append(np.nan)
    return errors


def _neutral(head: LinearHead, code: Float[np.ndarray, " K"]) -> Float[np.ndarray, "V 3"]:
    vertices: np.ndarray = head.vertices(torch.as_tensor(code, dtype=head.mean.dtype)).numpy()
    return vertices


def _row(name: str, errors: Float[np.ndarray, " B"], mean_head: list[float]) -> IdentityRow:
    good = np.isfinite(errors)
    if not good.any():
        raise ValueError(f"{name} returned no head at all")
    mean = float(errors[good].mean())
    return IdentityRow(
        method=name,
        people=int(good.sum()),
        failed=int((~good).sum()),
        mean_mm=mean,
        median_mm=float(np.median(errors[good])),
        percent_of_mean_head=100 * mean / float(np.array(mean_head)[good].mean()),
    )
