"""A small file of prepared portraits, and its folder."""

import io
import json
from pathlib import Path

import numpy as np

from headform.data.portraits import FORMAT, Portrait, Portraits
from headform.io.image_bytes import jpeg


def portrait_arrays(copies: int = 2, side: int = 16, points: int = 4) -> dict[str, np.ndarray]:
    """The arrays of one photo and its copies."""
    pictures = [jpeg(np.full((side, side, 3), 40 * (k + 1), np.uint8), quality=90) for k in range(copies)]
    return {
        "jpeg": np.frombuffer(b"".join(pictures), np.uint8),
        "jpeg_ends": np.cumsum([len(p) for p in pictures]),
        "classes": np.zeros((copies, side, side), np.uint8),
        "points68": np.random.default_rng(0).uniform(4, 12, (copies, 68, 2)).astype(np.float32),
        "trusted68": np.ones(68, bool),
        "annotated68": np.zeros(68, bool),
        "dense": np.zeros((copies, points, 2), np.float32),
        "trusted": np.ones(points, bool),
        "visible": np.ones((copies, points), bool),
        "expression": np.zeros(3, np.float32),
        "gaze": np.zeros(2, np.float32),
        "identity": np.zeros(5, np.float32),
        "rotation": np.stack([np.eye(3, dtype=np.float32)] * copies),
        "distance": np.ones(copies, np.float32),
        "turn": np.zeros((copies, 2), np.float32),
    }


def portrait_bytes() -> list[bytes]:
    """A file of a photo."""
    packed = io.BytesIO()
    np.savez_compressed(packed, **portrait_arrays())  # type: ignore[arg-type]
    return [packed.getvalue()]


def index_bytes(file: str = "a.npz", copies: int = 2) -> list[bytes]:
    """The index of a folder of one photo."""
    entry = {"file": file, "person": "london/001", "fold": 0, "copies": copies}
    return [json.dumps({"format": FORMAT, "facts": {}, "photos": [entry]}).encode()]


def read_portraits(path: Path) -> list[Portrait]:
    """Read all copies of a photo's file."""
    (path.parent / "dataset.json").write_bytes(index_bytes(path.name)[0])
    return list(Portraits(path.parent))
