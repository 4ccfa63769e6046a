"""Shards of people who can be told apart by their color."""

from pathlib import Path

import numpy as np

from headform.data.sample import Sample
from headform.data.shards import ShardWriter

SIDE = 64


def points68() -> np.ndarray:
    """Points of a symmetric, upright face in the middle of the picture."""
    points = np.full((68, 2), SIDE / 2, np.float32)
    points[36:42], points[42:48], points[30] = (22, 26), (42, 26), (32, 37)
    points[48], points[54] = (24, 48), (40, 48)
    return points


def write_people(folder: Path, people: int, photos: int, *, points: np.ndarray | None = None) -> Path:
    """Write `photos` pictures of each person, bright on the right, in the person's color."""
    rng = np.random.default_rng(5)
    ramp = np.linspace(-40, 40, SIDE)[None, :, None]
    with ShardWriter(folder, size=SIDE) as writer:
        for person in range(people):
            color = rng.uniform(60, 190, 3)
            for photo in range(photos):
                picture = color + ramp + rng.normal(0, 4, (SIDE, SIDE, 3))
                writer.add(
                    Sample(
                        f"p{person}-{photo}",
                        f"p{person}",
                        np.clip(picture, 0, 255).astype(np.uint8),
                        points68() if points is None else points,
                        source="test",
                    )
                )
    return folder
