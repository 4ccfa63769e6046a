"""FLAME files as their publisher lays them out, with made-up numbers: the true sizes, none of the true data.

V 5023, F 9976, 300 + 100 columns, 5 joints, 36 pose correctives.
"""

import pickle
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse
import scipy.spatial
import torch

from tests.io.python2 import ch, old_matrix, python2_pickle
from tests.mesh.surfaces import flame_stand_in

ROOT = 2**32 - 1  # "no parent" in an unsigned kintree_table
PARENTS = (ROOT, 0, 1, 1, 1)
MASKS = (
    "eye_region neck left_eyeball right_eyeball right_ear right_eye_region forehead lips nose scalp boundary face left_ear "
    "left_eye_region"
).split()
HEAD_VERTICES = 3931


@dataclass(frozen=True)
class Embedding:
    """Triangles (M,) and barycentric weights (M, 3) of points on the surface."""

    faces: np.ndarray
    weights: np.ndarray


@dataclass(frozen=True)
class FlameModel:
    """A model's arrays under the publisher's names; meters."""

    v_template: np.ndarray
    f: np.ndarray
    shapedirs: np.ndarray
    posedirs: np.ndarray
    J_regressor: scipy.sparse.csc_matrix
    J: np.ndarray
    weights: np.ndarray
    kintree_table: np.ndarray
    bs_style: str = "lbs"
    bs_type: str = "lrotmin"
    extra: dict[str, Any] = field(default_factory=dict)

    def items(self) -> dict[str, Any]:
        own = {k: v for k, v in vars(self).items() if k != "extra"}
        return own | self.extra


def flame_model(*, shape: int = 300, expression: int = 100, seed: int = 0) -> FlameModel:
    """Mean, smooth random modes that fade, a skeleton with smooth weights."""
    rng = np.random.default_rng(seed)
    vertices, faces = flame_stand_in()
    vertices, faces = vertices * [-1.0, 1.0, 1.0], faces[:, ::-1]  # the subject's left eye first
    count = len(vertices)
    joints = np.array(
        [
            [0, -0.1, -0.02],
            [0, -0.06, -0.02],
            [0, -0.02, 0],
            [0.03, 0.02, 0.05],
            [-0.03, 0.02, 0.05],
        ]
    )
    far = np.linalg.norm(vertices[:, None] - joints[None], axis=-1)
    weights = np.exp(-((far / 0.05) ** 2)) + 1e-3
    weights[3931:4477] = np.eye(5)[3]
    weights[4477:] = np.eye(5)[4]
    weights /= weights.sum(1, keepdims=True)
    rows, columns, values = [], [], []
    for j in range(5):
        near = np.argsort(far[:, j], kind="stable")[:40]
        share = rng.random(40) + 0.1
        rows += [j] * 40
        columns += near.tolist()
        values += (share / share.sum()).tolist()
    regressor = scipy.sparse.csc_matrix((values, (rows, columns)), shape=(5, count))
    regressor.sort_indices()
    identity = _modes(vertices, shape, 0.004, rng)
    moving = _modes(vertices, expression, 0.003, rng)
    return FlameModel(
        v_template=vertices,
        f=faces.astype(np.uint32),
        shapedirs=np.concatenate([identity, moving], axis=2),
        posedirs=_modes(vertices, 36, 0.001, rng, fade=0.0),
        J_regressor=regressor,
        J=regressor @ vertices,
        weights=weights,
        kintree_table=np.array([PARENTS, range(5)], np.uint32),
    )


def _modes(vertices, count, size, rng, fade=0.5):
    """(V, 3, count) float64: waves of random direction and length, the k-th `size` / k^fade strong."""
    waves = np.sin(vertices @ rng.normal(0, 40, (3, count)) + rng.uniform(0, 6.3, count))
    strength = rng.normal(0, 1, (3, count)) * size / (1 + np.arange(count)) ** fade
    return waves[:, None, :] * strength[None]


def write_npz(path: Path, model: FlameModel, *, sparse: bool = False, drop: tuple[str, ...] = ()) -> Path:
    """As `np.savez(path, **model)` writes it; `sparse` leaves the regressor a pickled object, else it is dense."""
    items = {k: v for k, v in model.items().items() if k not in drop}
    if not sparse and "J_regressor" in items:
        items["J_regressor"] = items["J_regressor"].toarray()
    np.savez(path, **items)
    return path


def write_plain_pkl(path: Path, model: FlameModel, drop: tuple[str, ...] = ()) -> Path:
    """As FLAME 2023 Open: arrays of numpy and a matrix of today's scipy, which any unpickler reads."""
    items = {k: v for k, v in model.items().items() if k not in drop}
    path.write_bytes(pickle.dumps(items, protocol=2))
    return path


def write_pkl(
    path: Path,
    model: FlameModel,
    *,
    chumpy: tuple[str, ...] = ("v_template", "shapedirs", "posedirs", "weights"),
    drop: tuple[str, ...] = (),
    matrix: str = "csc",
    protocol: int = 2,
) -> Path:
    """As FLAME 2017 to 2023: Python 2, chumpy arrays under the names in `chumpy`, a matrix of an old scipy."""
    items = {k: v for k, v in model.items().items() if k not in drop}
    for name in chumpy:
        if name in items:
            items[name] = ch(items[name])
    if "J_regressor" in items:
        items["J_regressor"] = old_matrix(items["J_regressor"], matrix)
    path.write_bytes(python2_pickle(items, protocol))
    return path


def ibug_template() -> np.ndarray:
    """(68, 2): where the points of the iBUG convention lie on the stand-in, seen from the front; meters."""
    s = np.linspace(0, np.pi, 17)
    jaw = np.stack([-0.07 * np.cos(s), 0.02 - 0.11 * np.sin(s)], 1)
    t = np.linspace(0, 1, 5)
    brow = np.stack([-0.05 + 0.035 * t, 0.05 + 0.008 * np.sin(np.pi * t)], 1)
    bridge = np.stack([np.zeros(4), np.linspace(0.03, -0.005, 4)], 1)
    nostrils = np.stack([np.linspace(-0.014, 0.014, 5), -0.014 - 0.004 * np.sin(np.pi * t)], 1)
    eye = np.array([[-1, 0], [-0.4, 0.35], [0.4, 0.35], [1, 0], [0.4, -0.3], [-0.4, -0.3]])
    right = eye * 0.0135 + [-0.031, 0.028]
    a = np.pi - np.arange(12) * np.pi / 6
    outer = np.stack([0.025 * np.cos(a), -0.045 + 0.010 * np.sin(a)], 1)
    b = np.pi - np.arange(8) * np.pi / 4
    inner = np.stack([0.019 * np.cos(b), -0.045 + 0.004 * np.sin(b)], 1)
    flip = np.array([-1.0, 1.0])
    left = right[[3, 2, 1, 0, 5, 4]] * flip
    return np.concatenate([jaw, brow, brow[::-1] * flip, bridge, nostrils, right, left, outer, inner])


def full_embedding(model: FlameModel) -> Embedding:
    """68 points: where the template meets the front of the skin."""
    corners = model.v_template[model.f[_skin(model)]]  # (F', 3, 3)
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    front = np.flatnonzero((corners.mean(1)[:, 2] > 0) & (np.abs(normal[:, 2]) > 1e-9))
    a, b, c = corners[front, :, :2].transpose(1, 0, 2)
    area = _cross(b - a, c - a)
    ids, shares = [], []
    for p in ibug_template():
        share = np.stack([_cross(c - b, p - b), _cross(a - c, p - c), _cross(b - a, p - a)], 1)
        share /= area[:, None]
        best = int(np.argmax(share.min(1)))  # the triangle that holds the point, else the nearest to doing so
        held = np.clip(share[best], 0, None)
        ids.append(_skin(model)[front[best]])
        shares.append(held / held.sum())
    return Embedding(np.array(ids), np.array(shares))


def _cross(u, v):
    return u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]


def _skin(model: FlameModel) -> np.ndarray:
    return np.flatnonzero((model.f < HEAD_VERTICES).all(1))


def static_embedding(model: FlameModel) -> Embedding:
    """The 51 points without the jaw."""
    full = full_embedding(model)
    return Embedding(full.faces[17:], full.weights[17:])


def dynamic_embedding(model: FlameModel) -> Embedding:
    """(79, 17) and (79, 17, 3): the jaw for yaw 0 ... 39, then -1 ... -39 degrees, sliding over the skin."""
    yaw = np.deg2rad(np.concatenate([np.arange(40), -np.arange(1, 40)]))
    jaw = ibug_template()[:17]
    around = np.arcsin(np.clip(jaw[:, 0] / 0.075, -1, 1))[None] + 0.6 * yaw[:, None]  # (79, 17)
    height = np.broadcast_to(jaw[:, 1], around.shape)
    wanted = np.stack([0.08 * np.sin(around), height, 0.09 * np.cos(around)], -1)
    skin = _skin(model)
    tree = scipy.spatial.cKDTree(model.v_template[model.f[skin]].mean(1))
    faces = skin[tree.query(wanted)[1]]
    share = np.random.default_rng(5).dirichlet([2.0, 2.0, 2.0], faces.shape)
    return Embedding(faces, share)


def write_landmark_embedding(path: Path, model: FlameModel) -> Path:
    """`landmark_embedding.npy` of the published decoders: a pickled dictionary, two of its entries torch tensors."""
    static, moving, full = (f(model) for f in (static_embedding, dynamic_embedding, full_embedding))
    table = {
        "static_lmk_faces_idx": static.faces,
        "static_lmk_bary_coords": static.weights,
        "dynamic_lmk_faces_idx": torch.from_numpy(moving.faces),
        "dynamic_lmk_bary_coords": torch.from_numpy(moving.weights),
        "full_lmk_faces_idx": full.faces[None],
        "full_lmk_bary_coords": full.weights[None],
    }
    np.save(path, np.array(table, dtype=object), allow_pickle=True)
    return path


def write_static_embedding(path: Path, model: FlameModel) -> Path:
    """`flame_static_embedding.pkl`."""
    static = static_embedding(model)
    table = {"lmk_face_idx": static.faces.astype(np.uint32), "lmk_b_coords": static.weights}
    path.write_bytes(python2_pickle(table))
    return path


def write_dynamic_embedding(path: Path, model: FlameModel, *, lists: bool = False) -> Path:
    """`flame_dynamic_embedding.npy`: a pickled dictionary of arrays, or of lists of arrays."""
    moving = dynamic_embedding(model)
    table: dict[str, Any] = {"lmk_face_idx": moving.faces, "lmk_b_coords": moving.weights}
    if lists:
        table = {name: list(array) for name, array in table.items()}
    np.save(path, np.array(table, dtype=object), allow_pickle=True)
    return path


def flame_masks(model: FlameModel) -> dict[str, np.ndarray]:
    """Vertex numbers of the 14 regions, by place."""
    x, y, z = model.v_template.T
    skin = np.arange(len(x)) < HEAD_VERTICES
    number = np.arange(len(x))
    chosen = {
        "eye_region": skin & (z > 0.03) & (y > 0.01) & (y < 0.05),
        "neck": skin & (y < -0.08),
        "left_eyeball": (number >= HEAD_VERTICES) & (number < 4477),
        "right_eyeball": number >= 4477,
        "forehead": skin & (z > 0.02) & (y > 0.05),
        "lips": skin & (z > 0.05) & (np.abs(x) < 0.027) & (y < -0.035) & (y > -0.058),
        "nose": skin & (z > 0.06) & (np.abs(x) < 0.016) & (y > -0.02) & (y < 0.03),
        "scalp": skin & (z < 0.0) & (y > 0.0),
        "boundary": skin & ((y > 0.117) | (y < -0.117)),
        "face": skin & (z > 0.02) & (y > -0.08),
        "right_ear": skin & (x < -0.06) & (np.abs(z) < 0.03),
        "left_ear": skin & (x > 0.06) & (np.abs(z) < 0.03),
    }
    chosen["right_eye_region"] = chosen["eye_region"] & (x < 0)
    chosen["left_eye_region"] = chosen["eye_region"] & (x > 0)
    return {name: np.flatnonzero(chosen[name]) for name in MASKS}


def write_masks(path: Path, model: FlameModel) -> Path:
    """`FLAME_masks.pkl`."""
    path.write_bytes(python2_pickle(flame_masks(model)))
    return path


def write_smplx_folder(folder: Path, model: FlameModel) -> Path:
    """What `smplx.FLAME(folder, ext="npz")` or `ext="pkl"` reads; return the folder."""
    write_npz(folder / "FLAME_NEUTRAL.npz", model)
    write_plain_pkl(folder / "FLAME_NEUTRAL.pkl", model)
    write_static_embedding(folder / "flame_static_embedding.pkl", model)
    write_dynamic_embedding(folder / "flame_dynamic_embedding.npy", model)
    return folder
