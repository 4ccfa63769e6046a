"""Compare the faces that wear mixed maps with the people the maps are mixed from, by a recognition network.

M maps, P portraits, D numbers of an embedding.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8

from headform import images
from headform.geometry.camera import PerspectiveCamera, PerspectiveCameras
from headform.geometry.spherical_harmonics import AMBIENT
from headform.heads.linear import LinearHead
from headform.images.transfer import LINEAR_FROM_SRGB8
from headform.nets.detection.detector import Detector, load_detector
from headform.nets.recognition import Embedder, embed_faces
from headform.render.renderer import render_batch

_SIDE, _FOCAL_PER_SIDE, _DISTANCE = 320, 3.0, 0.85
_LIGHT = np.array([0.8 * AMBIENT, -0.4, -0.35, 0.1, 0, 0, 0, 0, 0])
"""Soft light from above and in front."""


def photograph(head: LinearHead, atlas: UInt8[np.ndarray, "S S 3"]) -> UInt8[np.ndarray, "H W 3"]:
    """Render the mean head with a map, from the front."""
    camera = PerspectiveCamera.frontal(_SIDE * _FOCAL_PER_SIDE, (_SIDE, _SIDE), _DISTANCE)
    out = render_batch(
        head.mean[None],
        head.faces,
        PerspectiveCameras.of(camera),
        (_SIDE, _SIDE),
        texture=torch.from_numpy(LINEAR_FROM_SRGB8[atlas]).float().permute(2, 0, 1)[None],
        uv=head.uv,
        uv_faces=head.uv_faces,
        light=torch.from_numpy(np.repeat(_LIGHT[:, None], 3, axis=1)).float()[None],
        background=torch.full((1, 3, _SIDE, _SIDE), 0.6),
        srgb=True,
    )
    return np.asarray(np.rint(255 * out.rgb[0].permute(1, 2, 0).numpy()), np.uint8)


def compare(
    embedder: Embedder,
    head: LinearHead,
    atlases: Sequence[UInt8[np.ndarray, "S S 3"]],
    sources: Sequence[np.ndarray],
    alike: Sequence[np.ndarray],
    photos: Path,
    names: Sequence[str],
) -> dict[str, list[float]]:
    """Measure cosines of embeddings, each as median, 95th percentile and maximum.

    Args:
        embedder: recognition network.
        head: open head, whose mean wears the maps.
        atlases: M maps.
        sources: the portraits, as rows of `names`, that each map is mixed from.
        alike: other portraits, of similar skin, for each map.
        photos: folder of the portraits.
        names: P portraits.

    Returns:
        ``map_and_its_people``; ``map_and_alike_others``; ``two_people``, among the portraits; and ``area_under_curve`` of
        the first above the second, 0.5 if the network cannot tell them.
    """
    detector = load_detector()
    own = _embed(embedder, detector, [photograph(head, atlas) for atlas in atlases])
    people = _embed(embedder, detector, [images.read(photos / name).rgb for name in names])
    cosine = own @ people.T
    own_scores, other_scores = (
        np.concatenate([row[rows] for row, rows in zip(cosine, chosen, strict=True)]) for chosen in (sources, alike)
    )
    own_scores, other_scores = own_scores[np.isfinite(own_scores)], other_scores[np.isfinite(other_scores)]
    among = (people @ people.T)[np.triu_indices(len(people), 1)]
    return {
        "map_and_its_people": _summary(own_scores),
        "map_and_alike_others": _summary(other_scores),
        "two_people": _summary(among[np.isfinite(among)]),
        "area_under_curve": [round(float(_area(own_scores, other_scores)), 3)],
    }


def _area(positive: np.ndarray, negative: np.ndarray) -> float:
    """Probability that a pair of a map and one of its people is more alike than one of a map and another person."""
    order = np.sort(negative)
    return float(np.mean(np.searchsorted(order, positive) / len(order)))


def _summary(values: np.ndarray) -> list[float]:
    return [round(float(v), 3) for v in (np.median(values), np.percentile(values, 95), values.max())]


def _embed(
    embedder: Embedder, detector: Detector, pictures: Sequence[UInt8[np.ndarray, "_ _ 3"]]
) -> Float[np.ndarray, "B D"]:
    """Embed the largest face of each picture; NaN where none is found."""
    rows = []
    for picture in pictures:
        faces = detector.detect(picture)
        found = embed_faces(embedder, [picture], [faces[0].points5])[0] if faces else None
        rows.append(found)
    width = next(len(row) for row in rows if row is not None)
    return np.stack([np.full(width, np.nan) if row is None else row for row in rows])
