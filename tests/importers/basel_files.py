"""Basel files that tests write in the documented layout: true vertices, as many modes as asked for."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import scipy.io

from headform.importers._basel_landmarks import BASEL_2017, LANDMARKS
from tests.importers.made_surface import surface, unit_columns, wave

FULL, TRIMMED, FRONT, NO_NECK = 53490, 53215, 35709, 38365
NAMES = {
    8: "center.chin.tip",
    30: "center.nose.tip",
    36: "right.eye.corner_outer",
    39: "right.eye.corner_inner",
    42: "left.eye.corner_inner",
    45: "left.eye.corner_outer",
    48: "right.lips.corner",
    54: "left.lips.corner",
}


def eyes(count: int) -> tuple[int, int]:
    return LANDMARKS[count][36], LANDMARKS[count][45]


def kept(source: int, target: int) -> np.ndarray:
    """Indices from 0 of a cut that takes the landmarks of the one mesh to those of the other, in rising order."""
    pairs = sorted(set(zip(LANDMARKS[target], LANDMARKS[source], strict=True)))
    chosen = np.full(target, -1)
    chosen[: pairs[0][0]] = np.arange(pairs[0][0])
    for (at, there), (end, _) in zip(pairs, [*pairs[1:], (target, source)], strict=True):
        chosen[at:end] = there + np.arange(end - at)
    assert (np.diff(chosen) > 0).all()
    assert chosen.max() < source
    return chosen


def basel2009(modes: int) -> dict[str, Any]:
    """The arrays of 01_MorphableModel.mat: um, 0 to 255, from 1, clockwise."""
    mean, faces = surface(FULL, 106466, eyes(FULL))
    color = 128 + 100 * np.sin(np.arange(3 * FULL, dtype=np.float32) * 0.01)
    return {
        "shapeMU": (mean * 1000).reshape(-1, 1).astype(np.float32),
        "shapePC": unit_columns(3 * FULL, modes),
        "shapeEV": np.linspace(9e5, 1e4, modes, dtype=np.float32)[:, None],
        "texMU": color[:, None].astype(np.float32),
        "texPC": unit_columns(3 * FULL, modes, 1),
        "texEV": np.linspace(4000, 50, modes, dtype=np.float32)[:, None],
        "tl": faces[:, [0, 2, 1]].astype(np.float64) + 1,
    }


def write_cuts(folder: Path) -> None:
    """BFM_exp_idx.mat, BFM_front_idx.mat and select_vertex_id.mat, all from 1."""
    trim, front = kept(FULL, TRIMMED), kept(TRIMMED, FRONT)
    scipy.io.savemat(folder / "BFM_exp_idx.mat", {"trimIndex": trim[:, None].astype(np.int32) + 1})
    scipy.io.savemat(folder / "BFM_front_idx.mat", {"idx": front[:, None] + 1.0})
    scipy.io.savemat(folder / "select_vertex_id.mat", {"select_id": trim[front][:, None] + 1.0})


def write_expressions(folder: Path, vertices: int = TRIMMED) -> tuple[np.ndarray, np.ndarray]:
    """Exp_Pca.bin and std_exp.txt, 79 modes; what is in them."""
    basis = wave(79, 3 * vertices)
    mean = np.full(3 * vertices, 50, np.float32)
    data = np.array([79], "<i4").tobytes() + mean.tobytes() + basis.tobytes()
    (folder / "Exp_Pca.bin").write_bytes(data)
    scale = np.linspace(2000, 100, 79)
    (folder / "std_exp.txt").write_text(" ".join(f"{s:.6e}" for s in scale))
    return basis.reshape(79, vertices, 3), scale


def deep3d() -> dict[str, Any]:
    """The arrays of BFM_model_front.mat: dm, 0 to 255, from 1."""
    mean, faces = surface(FRONT, 70789, eyes(FRONT))
    rows = 3 * FRONT
    rings = np.full((FRONT, 8), 70790)
    filled = np.zeros(FRONT, int)
    for number, face in enumerate(faces[:20000]):
        for vertex in face:
            if filled[vertex] < 8:
                rings[vertex, filled[vertex]] = number + 1
                filled[vertex] += 1
    return {
        "meanshape": (mean / 100 + [0.1, -0.2, 0.3]).reshape(1, -1).astype(np.float32),
        "idBase": unit_columns(rows, 80) * np.float32(4),
        "exBase": wave(rows, 64, 1) * np.float32(0.02),
        "meantex": np.full((1, rows), 100, np.float32) + wave(1, rows),
        "texBase": wave(rows, 80, 2),
        "tri": faces + 1.0,
        "point_buf": rings.astype(np.float64),
        "tri_mask2": faces[:54681] + 1.0,
        "keypoints": np.array(LANDMARKS[FRONT])[None] + 1.0,
        "frontmask2_idx": np.arange(1, 27661)[:, None],
        "skinmask": (np.arange(FRONT) % 3 == 0)[None].astype(np.float64),
    }


def tddfa() -> tuple[dict[str, Any], np.ndarray, dict[str, np.ndarray]]:
    """bfm_noneck_v3.pkl, tri.pkl and param_mean_std_62d_120x120.pkl, not yet pickled: um, from 0."""
    points = np.arange(68) * 500 + 7
    mean, faces = surface(NO_NECK, 76073, (int(points[36]), int(points[45])))
    rows = 3 * NO_NECK
    model = {
        "u": (mean * 1000).reshape(-1, 1).astype(np.float32),
        "w_shp": unit_columns(rows, 40),
        "w_exp": wave(rows, 10, 1) * np.float32(900),
        "keypoints": (3 * points[:, None] + np.arange(3)).reshape(-1),
        "tri": faces[::-1].T.astype(np.int32).copy(),
    }
    deviations = np.linspace(1, 62, 62, dtype=np.float32) * 1000
    return model, faces.T.copy(), {"mean": np.zeros(62, np.float32), "std": deviations}


def statismo(
    path: Path,
    vertices: int,
    triangles: int,
    modes: tuple[int, int, int],
    *,
    minor: int = 9,
    major: int = 0,
    legacy: bool = False,
    named: dict[str, list[float]] | None = None,
) -> dict[str, np.ndarray]:
    """An HDF5 model: mm, colors 0 to 1; orthonormal columns, or with `minor` 8 times their deviations. Its arrays."""
    corners = (BASEL_2017[36], BASEL_2017[45]) if vertices == 53149 else (0, 1)
    mean, faces = surface(vertices, triangles, corners)
    values: dict[str, np.ndarray] = {"points": mean, "faces": faces}
    with h5py.File(path, "w") as file:
        file["version/majorVersion"], file["version/minorVersion"] = major, minor
        groups = zip(("shape", "color", "expression"), modes, strict=True)
        for number, (group, count) in enumerate(groups):
            basis = unit_columns(3 * vertices, count, number)
            variance = np.linspace(900, 4, count, dtype=np.float32) * [1, 1e-6, 0.1][number]
            middle = [mean.reshape(-1), np.full(mean.size, 0.5), np.full(mean.size, 0.25)][number]
            values |= {f"{group}/basis": basis, f"{group}/variance": variance}
            values[f"{group}/mean"] = middle.astype(np.float32)
            file[f"{group}/model/mean"] = values[f"{group}/mean"]
            file[f"{group}/model/pcaBasis"] = basis * np.sqrt(variance) if minor == 8 else basis
            file[f"{group}/model/pcaVariance"] = variance
            file[f"{group}/model/noiseVariance"] = np.zeros(1, np.float32)
            if legacy:
                file[f"{group}/representer/reference-mesh/vertex-coordinates"] = mean
                file[f"{group}/representer/reference-mesh/triangle-list"] = faces.astype(np.int32)
            else:
                file[f"{group}/representer/points"] = mean.T.astype(np.float32)
                file[f"{group}/representer/cells"] = faces.T.astype(np.int32)
        if named:
            points = [{"id": k, "coordinates": v} for k, v in named.items()]
            file["metadata/landmarks/json"] = [json.dumps(points)]
    return values
