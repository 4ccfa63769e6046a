"""Samples of drawn faces for the tests of the coefficient stage: points and meshes fit, pictures are smooth noise."""

from pathlib import Path

import numpy as np
import torch

from headform.data.sample import Sample
from headform.data.shards import ShardSet, ShardWriter
from headform.heads.linear import LinearHead

SIDE = 48


def mean_points(head: LinearHead, side: int = SIDE) -> np.ndarray:
    """(68, 2) pixels of the mean head's points, seen from the front, its face in the middle of the picture."""
    points = head.landmarks(head.mean).numpy()[:, :2] * [1.0, -1.0]
    return (points - (points.min(0) + points.max(0)) / 2) * (0.55 * side / 0.15) + side / 2


def face_sample(
    head: LinearHead,
    number: int,
    *,
    subject: int,
    side: int = SIDE,
    labeled: bool = True,
    jaw: bool = False,
    vertices: bool = False,
    kind: str = "identity",
) -> Sample:
    """A photo: identity by the subject's number, all else by the photo's; darker where the code's first number is low."""
    identity = np.random.default_rng(100 + subject).normal(size=min(60, len(head.identity))).astype(np.float32)
    rng = np.random.default_rng(number)
    coarse = torch.from_numpy(rng.uniform(40, 160, (1, 3, 5, 5)) + 40 * np.tanh(identity[0]))
    fine = torch.nn.functional.interpolate(coarse, (side, side), mode="bicubic")[0].clamp(0, 255)
    points = mean_points(head, side) + rng.normal(0, 0.4, 2)
    if not jaw:
        points[:17] = np.nan
    rows, columns = np.mgrid[:side, :side]
    skin = (np.hypot(rows - side / 2, columns - 0.4 * side) < 0.3 * side) & labeled | (columns > 0.45 * side)
    mesh = head.vertices(torch.from_numpy(identity)).numpy() if vertices else None
    return Sample(
        name=f"{'mesh' if labeled else 'photo'}-{number:04d}",
        subject=f"person {subject}",
        image=fine.permute(1, 2, 0).numpy().astype(np.uint8),
        points68=points.astype(np.float32),
        skin=(255 * skin).astype(np.uint8),
        coefficients={kind: identity} if labeled and not vertices else {},
        head=head.sha256 if labeled and not vertices and head.sha256 else None,
        vertices=mesh if labeled else None,
        source="drawn" if labeled else "photos",
    )


def write_faces(
    folder: Path, head: LinearHead, subjects: int, photos: int = 2, *, labeled: bool = True, vertices: bool = False
) -> ShardSet:
    """A folder of shards of drawn faces."""
    with ShardWriter(folder, size=SIDE, lossless=True) as writer:
        for number in range(subjects * photos):
            writer.add(
                face_sample(head, number, subject=number // photos, labeled=labeled, vertices=vertices, jaw=not labeled)
            )
    return ShardSet.open(folder)
