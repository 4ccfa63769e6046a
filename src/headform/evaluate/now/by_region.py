"""Errors of a NoW evaluation by region of the face, and on the mean head.

V vertices of the mean face, P distances.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from headform.evaluate.now._table import NowTable
from headform.evaluate.now.layout import find_scan
from headform.evaluate.now.record import Record
from headform.evaluate.scan.face_regions import REGIONS, REST, FaceMap, map_face
from headform.evaluate.scan.landmark7_files import read_landmarks7
from headform.evaluate.scan.mesh_files import read_surface
from headform.evaluate.scan.protocol import PROTOCOLS, ProtocolName
from headform.evaluate.scan.scan_error import crop_scan
from headform.evaluate.tables import markdown_table


def map_subjects(dataset: Path, subjects: tuple[str, ...], protocol: ProtocolName) -> dict[str, FaceMap]:
    """Lay the mean head on the measured points of each subject's scan.

    Raises:
        InputError: a scan or its picks cannot be read.
    """
    maps = {}
    for subject in subjects:
        pair = find_scan(dataset, subject)
        scan, landmarks = read_surface(pair.mesh, require_faces=False), read_landmarks7(pair.landmarks)
        cropped = crop_scan(scan, landmarks, PROTOCOLS[protocol])
        maps[subject] = map_face(cropped.points, cropped.landmarks)
    return maps


def pooled_regions(
    table: NowTable,
    maps: Mapping[str, FaceMap],
    wanted: Callable[[Record], bool] = lambda record: True,
) -> dict[str, Float64[np.ndarray, " P"]]:
    """Distances of the wanted images by region, millimeters, pooled as the benchmark pools them."""
    names = (*REGIONS, REST)
    parts: dict[str, list[Float64[np.ndarray, " N"]]] = {name: [] for name in names}
    for record in table.records:
        if record.distances is None or not wanted(record):
            continue
        labels = maps[record.image.subject].region
        for number, name in enumerate(names):
            parts[name].append(record.distances[labels == number])
    joined = {name: np.concatenate(part) for name, part in parts.items() if part}
    return {name: part for name, part in joined.items() if len(part)}


def mean_map(
    table: NowTable,
    maps: Mapping[str, FaceMap],
    wanted: Callable[[Record], bool] = lambda record: True,
) -> Float64[np.ndarray, " V"]:
    """Mean error of the wanted images at each vertex of the mean face, millimeters; NaN where no scan is near."""
    size = len(next(iter(maps.values())).nearest)
    total, count = np.zeros(size), np.zeros(size)
    for record in table.records:
        if record.distances is None or not wanted(record):
            continue
        errors = maps[record.image.subject].carried(record.distances)
        known = np.isfinite(errors)
        total[known] += errors[known]
        count += known
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def regions_markdown(columns: Mapping[str, Mapping[str, Float64[np.ndarray, " P"]]]) -> str:
    """Median / mean / standard deviation of each region, a column for each challenge or method.

    Args:
        columns: Title of each column to its distances by region.
    """
    rows = []
    for name in (*REGIONS, REST):
        parts = [column.get(name) for column in columns.values()]
        if any(part is not None for part in parts):
            rows.append([name, *("–" if part is None else _three(part) for part in parts)])
    return markdown_table(["region", *columns], rows)


def _three(distances: Float64[np.ndarray, " P"]) -> str:
    return f"{np.median(distances):.2f} / {distances.mean():.2f} / {distances.std():.2f}"
