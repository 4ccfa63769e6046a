"""A benchmark that anyone can run: scans are photographed, reconstructed, and measured by the NoW protocol.

Letters: S side of a photo. Distances in millimeters, from every vertex of the cropped scan
that can be seen from in front to the predicted surface. As in NoW, numbers are taken over all photos' vertices together.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float64, UInt8

from headform.errors import HeadformError, InputError
from headform.evaluate.rendered_scans.scan_reconstructors import (
    HeadPrediction,
    Reconstruct,
    attempt,
)
from headform.evaluate.rendered_scans.scan_subjects import ScanSubject
from headform.evaluate.scan.protocol import Protocol
from headform.evaluate.scan.scan_error import CroppedScan, ScanError, crop_scan, scan_error
from headform.geometry.units import MeshUnit
from headform.io import image_bytes
from headform.io.atomic import write_bytes
from headform.synth.scan_photos import View, lights, photograph, views

Mode = Literal["non-metrical", "metrical"]
MODES: tuple[Mode, ...] = ("non-metrical", "metrical")


@dataclass(frozen=True, eq=False)
class Photo:
    """One photo of a scan.

    Attributes:
        name: `SCAN_vNN_lNN`.
        scan: Index of the scan.
        view: Index of the view.
        light: Index of the light.
        rgb: sRGB.
    """

    name: str
    scan: int
    view: int
    light: int
    rgb: UInt8[np.ndarray, "S S 3"]


@dataclass(frozen=True, eq=False)
class PhotoScore:
    """Outcome of one photo.

    Attributes:
        name: Name of the photo.
        scan: Index of the scan.
        view: Index of the view.
        light: Index of the light.
        errors: Error in each mode; None where there was no head to measure.
        reason: Reason why there was none.
    """

    name: str
    scan: int
    view: int
    light: int
    errors: dict[Mode, ScanError] | None
    reason: str = ""


@dataclass(frozen=True)
class Numbers:
    """Statistics over all distances together, millimeters."""

    median: float
    mean: float
    std: float


@dataclass(frozen=True, eq=False)
class RenderedScores:
    """A finished run.

    Attributes:
        reconstructor: Name of the method that was measured.
        floor: Name of the baseline.
        protocol: Name of the protocol.
        subjects: Scans.
        views: Views of each scan.
        light_count: Number of lights per view.
        seed: Seed of the photos.
        size: Side of the photos, pixels.
        scores: Scores, one per photo.
        floors: Errors of the baseline, one per scan.
    """

    reconstructor: str
    floor: str
    protocol: str
    subjects: tuple[ScanSubject, ...]
    views: tuple[View, ...]
    light_count: int
    seed: int
    size: int
    scores: tuple[PhotoScore, ...]
    floors: tuple[dict[Mode, ScanError], ...]

    @property
    def missed(self) -> tuple[PhotoScore, ...]:
        """Photos without a head."""
        return tuple(score for score in self.scores if score.errors is None)

    @property
    def scale_assumed(self) -> bool:
        """True if some scan's size is unknown, so that metrical numbers are doubtful."""
        return not all(subject.unit_known for subject in self.subjects)

    def numbers(self, mode: Mode, scores: Sequence[PhotoScore] | None = None) -> Numbers | None:
        """Pool the errors of the reconstruction over chosen photos, by default all."""
        chosen = self.scores if scores is None else scores
        return pooled([s.errors[mode].distances for s in chosen if s.errors is not None])

    def floor_numbers(self, mode: Mode, scores: Sequence[PhotoScore] | None = None) -> Numbers | None:
        """Pool the errors of the baseline over the scans of the same photos, each as often as it was reconstructed."""
        chosen = self.scores if scores is None else scores
        found = [self.floors[s.scan][mode].distances for s in chosen if s.errors is not None]
        return pooled(found)

    def require_complete(self) -> None:
        """Refuse to average over holes.

        Raises:
            InputError: `predictions_incomplete`, with the first reason.
        """
        if self.missed:
            first = self.missed[0]
            raise InputError(
                "predictions_incomplete",
                f"{len(self.missed)} of {len(self.scores)} photos gave no head to measure; the first: {first.reason}",
                first.name,
                "mend it, or average over the others with --allow-missing",
            )


def pooled(distances: Sequence[Float64[np.ndarray, " _"]]) -> Numbers | None:
    """Median, mean and standard deviation over all distances together; None of none."""
    if not distances:
        return None
    every = np.concatenate(distances)
    return Numbers(float(np.median(every)), float(every.mean()), float(every.std()))


@dataclass(frozen=True)
class PhotoPlan:
    """Photos that are taken of every scan.

    Attributes:
        view_count: Views, at least 1.
        light_count: Lights of each view, at least 1.
        size: Side of the photos, pixels.
        seed: Seed; the same plan and version give the same photos.
    """

    view_count: int = 8
    light_count: int = 2
    size: int = 640
    seed: int = 0

    @property
    def photos(self) -> int:
        """Photos of one scan."""
        return self.view_count * self.light_count


def take_photos(subjects: Sequence[ScanSubject], plan: PhotoPlan, handle: Callable[[Photo], None]) -> tuple[View, ...]:
    """Photograph every scan from every view in every light, one after the other.

    Args:
        subjects: The scans.
        plan: Views, lights, size and seed.
        handle: Called with each photo.

    Returns:
        The views.
    """
    chosen = views(plan.view_count, plan.seed)
    for number, subject in enumerate(subjects):
        for v, view in enumerate(chosen):
            for k, light in enumerate(lights(plan.light_count, plan.seed)):
                wall = 10_000 * plan.seed + 100 * v + k
                rgb, _ = photograph(subject.placed, view, light, side=plan.size, seed=wall)
                handle(Photo(f"{subject.name}_v{v:02d}_l{k:02d}", number, v, k, rgb))
    return chosen


def measure(scan: CroppedScan, prediction: HeadPrediction, protocol: Protocol, unit: MeshUnit) -> dict[Mode, ScanError]:
    """Both modes of one prediction.

    Raises:
        InputError: see `scan_error`.
    """
    return {
        mode: scan_error(
            scan,
            prediction.surface,
            prediction.landmarks,
            protocol=protocol,
            unit=unit,
            metrical=mode == "metrical",
        )
        for mode in MODES
    }


def evaluate_rendered(
    subjects: Sequence[ScanSubject],
    reconstruct: Reconstruct,
    floor: HeadPrediction,
    folder: Path,
    plan: PhotoPlan,
    *,
    protocol: Protocol,
    unit: MeshUnit = "m",
    floor_unit: MeshUnit = "m",
    names: tuple[str, str] = ("headform", "mean head"),
    progress: Callable[[PhotoScore], None] | None = None,
) -> RenderedScores:
    """Photograph, reconstruct, measure.

    Args:
        subjects: The scans.
        reconstruct: Method to measure.
        floor: Baseline, the mean head of the same model.
        folder: Folder for the photos, written as PNG.
        plan: Photos of each scan.
        protocol: See `headform.evaluate.scan.protocol`.
        unit: Unit of the predictions.
        floor_unit: Unit of the baseline.
        names: Names of method and baseline, for the tables.
        progress: Called after each photo.

    Raises:
        InputError: about a scan, the floor, or the unit of the predictions (`unit_wrong`). What is wrong with one photo's
            prediction is kept as that photo's reason.
        UsageError: from `reconstruct`.
        ResourceError: a photo cannot be written.
    """
    scans = [crop_scan(s.surface(), s.landmarks(), protocol) for s in subjects]
    floors = tuple(measure(scan, floor, protocol, floor_unit) for scan in scans)
    scores: list[PhotoScore] = []

    def handle(photo: Photo) -> None:
        path = folder / f"{photo.name}.png"
        write_bytes(path, image_bytes.png(photo.rgb))
        prediction, reason = attempt(reconstruct, photo.rgb, path)
        errors = None
        if prediction is not None:
            try:
                errors = measure(scans[photo.scan], prediction, protocol, unit)
            except HeadformError as error:
                if error.code == "unit_wrong":
                    raise
                reason = f"{error.code}: {error}"
        scores.append(PhotoScore(photo.name, photo.scan, photo.view, photo.light, errors, reason))
        if progress is not None:
            progress(scores[-1])

    seen = take_photos(subjects, plan, handle)
    counts = (plan.light_count, plan.seed, plan.size)
    return RenderedScores(*names, protocol.name, tuple(subjects), seen, *counts, tuple(scores), floors)
