"""Deep3D's front of the Basel model at its true size, decoded as its authors' loader does."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import torch

from headform.errors import WeightsError
from headform.heads.coefficients import BASEL_FRONT
from headform.heads.linear import LinearHead
from headform.heads.validation import check_head
from headform.importers import bfm2009, deep3d
from headform.importers._basel_landmarks import LANDMARKS
from tests.importers.basel_files import FRONT
from tests.importers.basel_files import deep3d as made

MODEL = "BFM_model_front.mat"
SOME = np.array([0, 1, 8191, 20000, 35708])


@pytest.fixture(scope="module")
def values() -> dict[str, Any]:
    return made()


@pytest.fixture(scope="module")
def head(values: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> LinearHead:
    path = tmp_path_factory.mktemp("deep3d") / MODEL
    scipy.io.savemat(path, values)
    assert deep3d.recognizes(path)
    assert not bfm2009.recognizes(path)
    head = deep3d.read(path)
    path.unlink()
    return head


def rows(vertices: np.ndarray) -> np.ndarray:
    return (3 * vertices[:, None] + np.arange(3)).ravel()


def test_a_code_of_257_numbers(values: dict[str, Any], head: LinearHead) -> None:
    """S = mean - its middle + idBase a + exBase b; T = meantex + texBase c: bases are already multiplied, decimeters."""
    check_head(head)
    code = torch.from_numpy(np.random.default_rng(0).normal(size=257) * 0.3).float()
    parts = BASEL_FRONT.split(code)
    mean = values["meanshape"].reshape(-1, 3).astype(np.float64)
    want = (mean - mean.mean(0))[SOME].ravel()
    for basis, part in (("idBase", "identity"), ("exBase", "expression")):
        want = want + values[basis][rows(SOME)].astype(np.float64) @ parts[part].double().numpy()
    got = head.vertices(parts["identity"], parts["expression"])[SOME].numpy()
    np.testing.assert_allclose(got, want.reshape(-1, 3) / 10, rtol=0, atol=1e-7)
    color = values["meantex"][0, rows(SOME)].astype(np.float64)
    color = color + values["texBase"][rows(SOME)].astype(np.float64) @ parts["texture"].double().numpy()
    shown = (color / 255).reshape(-1, 3)
    got = head.albedo_of(parts["texture"])[SOME].numpy()
    np.testing.assert_allclose(got, ((shown + 0.055) / 1.055) ** 2.4, atol=1e-5)
    shift = 100 * mean.mean(0)
    assert any(f"({shift[0]:.2f}, {shift[1]:.2f}, {shift[2]:.2f}) mm" in n for n in head.provenance.notes)


def test_indices_and_regions(values: dict[str, Any], head: LinearHead) -> None:
    np.testing.assert_array_equal(head.faces.numpy(), values["tri"].astype(int) - 1)
    assert not any("reversed" in note for note in head.provenance.notes)
    assert head.landmark_vertices[:, 0].tolist() == list(LANDMARKS[FRONT])
    assert {n: int(m.sum()) for n, m in head.regions.items() if n != "visible"} == {
        "front": 27660,
        "skin": (FRONT + 2) // 3,
    }
    seen = np.unique(values["tri_mask2"].astype(int)) - 1
    np.testing.assert_array_equal(np.nonzero(head.regions["visible"].numpy())[0], seen)
    assert head.expression_names[63] == "063"


def test_what_is_wrong_is_named(tmp_path: Path, values: dict[str, Any]) -> None:
    path = tmp_path / MODEL
    rings = values["point_buf"].copy()
    rings[5, 0] = rings[6, 0]
    low = {k: np.zeros_like(values[k]) for k in ("idBase", "exBase", "texBase")}
    broken = low["exBase"].copy()
    broken[7, 3] = np.inf
    for code, changes in (
        ("model_missing_key", {"texBase": None}),
        ("model_shape", {"idBase": low["idBase"][:, :79]}),
        ("model_shape", {"exBase": low["exBase"][3:]}),
        ("model_shape", {"tri": values["tri"][:-1]}),
        ("model_shape", {"keypoints": values["keypoints"][:, 1:]}),
        ("model_index", {"tri": values["tri"] + 1}),
        ("model_index", {"keypoints": np.zeros((1, 68))}),
        ("model_index", {"keypoints": values["keypoints"] + 0.5}),
        ("model_index", {"frontmask2_idx": np.array([[1.5], [5]])}),
        ("model_index", {"keypoints": np.full((1, 68), FRONT + 1)}),
        ("model_index", {"frontmask2_idx": np.array([[0], [5]])}),
        ("model_mismatch", {"point_buf": rings}),
        ("model_not_finite", {"exBase": broken}),
        ("model_unit", {"meanshape": values["meanshape"] / 100}),
    ):
        file = {k: v for k, v in (values | low | changes).items() if v is not None}
        scipy.io.savemat(path, file)
        with pytest.raises(WeightsError) as caught:
            deep3d.read(path)
        assert caught.value.code == code, changes.keys()
    with pytest.raises(WeightsError) as caught:
        deep3d.read(path, [tmp_path / "Exp_Pca.bin"])
    assert caught.value.code == "model_kind"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(WeightsError) as caught:
        deep3d.read(path)
    assert caught.value.code == "weights_damaged"
