"""Further landmark statistics: other normalizations, cumulative curves, bins of yaw, sets of 300-W, pose."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from headform.evaluate.landmarks68.landmark_errors import (
    AREA_AT,
    FAILURE_AT,
    YAW_BINS,
    CumulativeError,
    FaceScore,
    cumulative_error,
    yaw_bin,
)
from headform.evaluate.landmarks68.landmark_files import PTS
from headform.evaluate.landmarks68.pose import PoseSummary, summarize_poses
from headform.evaluate.tables import markdown_table, percent

SIZES: dict[str, tuple[str, Callable[[FaceScore], float | None]]] = {
    "box": ("box", lambda score: score.error),
    "outer_eyes": ("outer eye corners", lambda score: score.outer_eyes_error),
    "pupils": ("pupils", lambda score: score.pupils_error),
}
"""Normalizations of errors: name, words, and the field of a score."""


@dataclass(frozen=True)
class YawBin:
    """Faces of one bin of |yaw|.

    Attributes:
        low: Degrees.
        high: Degrees.
        faces: Number of annotated faces.
        missed: Number of them without a prediction.
        mean: Mean error over the box of those found, a fraction; None if there are none.
    """

    low: float
    high: float
    faces: int
    missed: int
    mean: float | None


def yaw_bins(scores: Sequence[FaceScore]) -> tuple[YawBin, ...]:
    """The three bins of AFLW2000-3D over the faces whose yaw is known."""
    bins = []
    for index, (low, high) in enumerate(YAW_BINS):
        own = [s for s in scores if s.yaw is not None and yaw_bin(s.yaw) == index]
        errors = [s.error for s in own if s.error is not None]
        mean = float(np.mean(errors)) if errors else None
        bins.append(YawBin(low, high, len(own), len(own) - len(errors), mean))
    return tuple(bins)


def mean_of_bins(bins: Sequence[YawBin]) -> float | None:
    """The balanced mean that AFLW2000-3D papers print; None while a bin is empty."""
    means = [b.mean for b in bins if b.mean is not None]
    return float(np.mean(means)) if len(means) == len(bins) else None


def sets_of_300w(scores: Sequence[FaceScore]) -> dict[str, list[FaceScore]]:
    """Group 300-W by `.pts` folder names: common (test sets of LFPW and HELEN), challenging (iBUG), and full set.

    Only those that have faces; the full one when both others have.
    """
    groups: dict[str, list[FaceScore]] = {"common": [], "challenging": []}
    for score in scores:
        folders = score.set.lower().split("/") if score.ground_truth == PTS else []
        if "ibug" in folders:
            groups["challenging"].append(score)
        elif "testset" in folders and {"lfpw", "helen"} & set(folders):
            groups["common"].append(score)
    found = {name: own for name, own in groups.items() if own}
    if len(found) == 2:
        found["full"] = groups["common"] + groups["challenging"]
    return found


def pose_summary(scores: Sequence[FaceScore]) -> PoseSummary | None:
    """Over the faces with a true and a predicted rotation."""
    return summarize_poses([s.pose for s in scores if s.pose is not None])


def details(scores: Sequence[FaceScore]) -> dict[str, Any]:
    """Content of all statistics for JSON; parts without annotations are left out."""
    content: dict[str, Any] = {
        "ground_truth": _truths(scores),
        "area_cut_at": AREA_AT,
        "failed_above": FAILURE_AT,
        "divided_by": {name: _row(scores, pick) for name, (_, pick) in SIZES.items()},
    }
    if any(s.yaw is not None for s in scores):
        bins = yaw_bins(scores)
        content["yaw_bins"] = [asdict(b) for b in bins]
        content["mean_of_yaw_bins"] = mean_of_bins(bins)
    groups = sets_of_300w(scores)
    if groups:
        content["300-W"] = {
            group: {name: _row(own, pick) for name, (_, pick) in SIZES.items()} for group, own in groups.items()
        }
    pose = pose_summary(scores)
    if pose is not None:
        content["pose_degrees"] = asdict(pose)
    return content


def details_markdown(scores: Sequence[FaceScore]) -> str:
    """Format the statistics as tables, errors in per cent and degrees."""
    blocks = [f"Ground truth: {'; '.join(_truths(scores))}.", _sizes_table("all", scores)]
    for group, own in sets_of_300w(scores).items():
        blocks.append(_sizes_table(f"300-W {group}, {len(own)} faces", own))
    with_yaw = [s for s in scores if s.yaw is not None]
    if with_yaw:
        blocks.append(_bins_table(with_yaw))
    pose = pose_summary(scores)
    if pose is not None:
        blocks.append(_pose_table(pose))
    return "\n\n".join(blocks) + "\n"


def _truths(scores: Sequence[FaceScore]) -> list[str]:
    return list(dict.fromkeys(s.ground_truth for s in scores if s.ground_truth)) or ["not named"]


def _errors(
    scores: Sequence[FaceScore], pick: Callable[[FaceScore], float | None]
) -> tuple[list[float], CumulativeError | None]:
    errors = [value for score in scores if (value := pick(score)) is not None]
    missed = sum(score.error is None for score in scores)
    return errors, cumulative_error(errors, missed)


def _row(scores: Sequence[FaceScore], pick: Callable[[FaceScore], float | None]) -> dict[str, Any] | None:
    errors, curve = _errors(scores, pick)
    if curve is None:
        return None
    found = {"mean": float(np.mean(errors)), "median": float(np.median(errors))} if errors else {}
    return {**found, "area": curve.area, "failed": curve.failed}


def _sizes_table(title: str, scores: Sequence[FaceScore]) -> str:
    heads = [f"area to {100 * cut:.0f} %" for cut in AREA_AT]
    heads += [f"above {100 * limit:.0f} %" for limit in FAILURE_AT]
    rows = []
    for words, pick in SIZES.values():
        errors, curve = _errors(scores, pick)
        means = [float(np.mean(errors)), float(np.median(errors))] if errors else [None, None]
        rest = [] if curve is None else [*curve.area, *curve.failed]
        rows.append([words, *map(percent, [*means, *rest])])
    return markdown_table([f"{title}: divided by", "mean %", "median %", *heads], rows)


def _bins_table(scores: Sequence[FaceScore]) -> str:
    bins = yaw_bins(scores)
    heads = [f"{b.low:.0f}–{b.high:.0f}° ({b.faces})" for b in bins]
    errors = [s.error for s in scores if s.error is not None]
    whole = float(np.mean(errors)) if errors else None
    cells = map(percent, (*[b.mean for b in bins], mean_of_bins(bins), whole))
    header = ["mean % of the box by yaw (faces); ground truth", *heads, "mean of bins", "all", "missed"]
    return markdown_table(header, [["; ".join(_truths(scores)), *cells, sum(b.missed for b in bins)]])


def _pose_table(pose: PoseSummary) -> str:
    header = ["pose, degrees", "yaw", "pitch", "roll", "mean", "rotation", "its median", "bias of yaw, pitch, roll"]
    means = (pose.yaw, pose.pitch, pose.roll, pose.mean, pose.geodesic, pose.geodesic_median)
    bias = " ".join(f"{v:+.2f}" for v in (pose.yaw_bias, pose.pitch_bias, pose.roll_bias))
    return markdown_table(header, [[f"{pose.faces} faces", *(f"{v:.2f}" for v in means), bias]])
