"""Small made FLAME heads, and what decoding them must give, in loops of NumPy."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from headform.heads.flame.head import FlameHead

PARENTS = (-1, 0, 1, 1, 1)


def tiny_flame(
    count: int = 37,
    *,
    identities: int = 4,
    expressions: int = 3,
    correctives: bool = True,
    dtype: torch.dtype = torch.float32,
    seed: int = 0,
) -> FlameHead:
    """A cloud of vertices with random modes, a skeleton inside and weights of which some are 0."""
    rng = np.random.default_rng(seed)
    faces = rng.integers(0, count, (20, 3))
    skinning = rng.random((count, 5)) * (rng.random((count, 5)) < 0.5) + np.eye(5)[rng.integers(0, 5, count)]
    regressor = np.zeros((5, count))
    for row in regressor:
        row[rng.integers(0, count, 6)] = rng.random(6) + 0.1
    corners = faces[rng.integers(0, 20, 68)]
    jaw = faces[rng.integers(0, 20, (79, 17))]
    arrays: dict[str, Any] = {
        "mean": rng.normal(0, 0.1, (count, 3)),
        "identity": rng.normal(0, 0.01, (identities, count, 3)),
        "expression": rng.normal(0, 0.01, (expressions, count, 3)),
        "faces": faces,
        "mirror": np.zeros(0, np.int64),
        "part": np.zeros(0, np.uint8),
        "uv": np.zeros((0, 2)),
        "uv_faces": np.zeros((0, 3), np.int64),
        "landmark_vertices": corners,
        "landmark_weights": rng.dirichlet([1, 1, 1], 68),
        "landmark_offset": np.full((68, 3), 7.0),  # never to be seen in FLAME's own landmarks
        "contour": np.zeros((0, 1), np.int64),
        "now7": np.zeros(0, np.int64),
        "dense": np.zeros(0, np.int64),
        "dense_mirror": np.zeros(0, np.int64),
        "albedo_mean": np.zeros((0, 3)),
        "albedo": np.zeros((0, 0, 3)),
        "neck_weight": np.zeros(0),
        "neck_pivot": np.zeros(3),
        "pose_correctives": rng.normal(0, 0.01, (36 if correctives else 0, count, 3)),
        "joint_regressor": regressor / regressor.sum(1, keepdims=True),
        "skinning": skinning / skinning.sum(1, keepdims=True),
        "static_vertices": corners[17:],
        "static_weights": rng.dirichlet([1, 1, 1], 51),
        "contour_vertices": jaw,
        "contour_weights": rng.dirichlet([1, 1, 1], (79, 17)),
    }
    return FlameHead(
        name="tiny",
        sha256="",
        license="a test's own",
        expression_names=tuple(str(k) for k in range(expressions)),
        regions={},
        parents=PARENTS,
        **{name: torch.from_numpy(a.astype(np.float32) if a.dtype == float else a) for name, a in arrays.items()},
    ).to(dtype=dtype)


@dataclass(frozen=True)
class Inputs:
    """Arguments of `FlameHead.posed`."""

    identity: Tensor | None = None
    expression: Tensor | None = None
    global_rotation: Tensor | None = None
    neck: Tensor | None = None
    jaw: Tensor | None = None
    eyes: Tensor | None = None
    translation: Tensor | None = None

    def given(self) -> dict[str, Tensor]:
        return {name: value for name, value in vars(self).items() if value is not None}


def random_inputs(head: FlameHead, *batch: int, seed: int = 0, without: tuple[str, ...] = ()) -> Inputs:
    """Coefficients of about 1, rotations of about 40 degrees, in the dtype of the head."""
    draw = torch.Generator().manual_seed(seed)
    widths = {
        "identity": len(head.identity),
        "expression": len(head.expression),
        **dict.fromkeys(("global_rotation", "neck", "jaw", "translation"), 3),
        "eyes": 6,
    }
    scale = {"identity": 1.0, "expression": 1.0}
    return Inputs(
        **{
            name: (torch.randn(*batch, width, generator=draw) * scale.get(name, 0.4)).to(head.mean.dtype)
            for name, width in widths.items()
            if name not in without
        }
    )


def posed_by_loops(head: FlameHead, inputs: Inputs) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (V, 3) and joints (5, 3) of one item, vertex by vertex, in double precision."""
    array = {n: v.detach().double().numpy() for n, v in inputs.given().items()}
    number = {n: getattr(head, n).double().numpy() for n in ("mean", "identity", "expression")}
    correctives, regressor, skinning = (
        getattr(head, n).double().numpy() for n in ("pose_correctives", "joint_regressor", "skinning")
    )
    shaped = number["mean"].copy()
    for name in ("identity", "expression"):
        for value, mode in zip(array.get(name, ()), number[name], strict=False):
            shaped += value * mode
    joints = np.array([sum(w * v for w, v in zip(row, shaped, strict=True)) for row in regressor])
    eyes = array.get("eyes", np.zeros(6))
    turns = [array.get(n, np.zeros(3)) for n in ("global_rotation", "neck", "jaw")]
    local = [Rotation.from_rotvec(t).as_matrix() for t in (*turns, eyes[:3], eyes[3:])]
    feature = np.concatenate([(r - np.eye(3)).ravel() for r in local[1:]])
    for value, mode in zip(feature, correctives, strict=False):
        shaped += value * mode
    world = []
    for joint, parent in enumerate(PARENTS):
        step = np.eye(4)
        step[:3, :3] = local[joint]
        step[:3, 3] = joints[joint] - (joints[parent] if parent >= 0 else 0)
        world.append(world[parent] @ step if parent >= 0 else step)
    shift = array.get("translation", np.zeros(3))
    vertices = np.zeros_like(shaped)
    for v, (vertex, weights) in enumerate(zip(shaped, skinning, strict=True)):
        for joint, weight in enumerate(weights):
            home = np.append(vertex - joints[joint], 1)
            vertices[v] += weight * (world[joint] @ home)[:3]
    return vertices + shift, np.stack([w[:3, 3] for w in world]) + shift
