"""Samples with drawn pictures and known labels, for the tests of shards."""

import hashlib

import numpy as np

from headform.data.sample import Sample

SIDE = 32
HEAD = hashlib.sha256(b"head").hexdigest()


def make_sample(number: int, *, subject: str | None = None, source: str = "drawn", full: bool = True) -> Sample:
    """A sample of which everything depends on its number; `full` for one with mask, coefficients and mesh."""
    rng = np.random.default_rng(number)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    image = np.stack([4 * rows, 4 * columns, np.full_like(rows, 5 * number % 256)], 2).astype(np.uint8)
    points = rng.uniform(0, SIDE, (68, 2)).astype(np.float32)
    points[number % 68] = np.nan
    values = {"identity": rng.normal(size=5).astype(np.float32), "rotation": np.eye(3, dtype=np.float32) / 3}
    return Sample(
        name=f"face-{number:03d}",
        subject=subject or f"person {number // 2}",
        image=image,
        points68=points,
        skin=(255 * (rows > number % SIDE)).astype(np.uint8) if full else None,
        coefficients=values if full else {},
        head=HEAD if full else None,
        vertices=rng.normal(size=(7, 3)).astype(np.float32) if full else None,
        source=source,
    )
