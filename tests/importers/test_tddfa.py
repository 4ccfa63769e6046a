"""3DDFA_V2's head without neck at its true size; programs inside of any of its files are refused by name."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from headform.errors import WeightsError
from headform.heads.validation import check_head
from headform.importers import tddfa
from tests.importers.basel_files import NO_NECK
from tests.importers.basel_files import tddfa as made
from tests.importers.made_surface import malicious

MODEL, TRI, STD = "bfm_noneck_v3.pkl", "tri.pkl", "param_mean_std_62d_120x120.pkl"
SOME = np.array([0, 1, 8191, 20000, NO_NECK - 1])
Made = tuple[dict[str, Any], np.ndarray, dict[str, np.ndarray]]


@pytest.fixture(scope="module")
def values() -> Made:
    return made()


def write(folder: Path, values: Made, **changes: Any) -> Path:
    model, tri, std = values
    (folder / TRI).write_bytes(pickle.dumps(tri))
    (folder / STD).write_bytes(pickle.dumps(std))
    kept = {k: v for k, v in (model | changes).items() if v is not None}
    (folder / MODEL).write_bytes(pickle.dumps(kept))
    return folder / MODEL


def test_a_code(tmp_path: Path, values: Made) -> None:
    """S = u + w_shp a + w_exp b, micrometers, a in standard deviations of the parameter file, b as published."""
    model, tri, std = values
    path = write(tmp_path, values)
    assert tddfa.recognizes(path)
    head = tddfa.read(path)
    check_head(head)
    rng = np.random.default_rng(0)
    identity, expression = rng.normal(size=40), rng.normal(size=10)
    rows = (3 * SOME[:, None] + np.arange(3)).ravel()
    want = model["u"][rows, 0].astype(np.float64)
    want = want + model["w_shp"][rows].astype(np.float64) @ (identity * std["std"][12:52])
    want = want + model["w_exp"][rows].astype(np.float64) @ expression
    code = torch.from_numpy(identity).float(), torch.from_numpy(expression).float()
    got = head.vertices(*code)[SOME].numpy()
    np.testing.assert_allclose(got, want.reshape(-1, 3) * 1e-6, rtol=0, atol=1e-7)
    np.testing.assert_array_equal(head.faces.numpy(), tri.T)
    np.testing.assert_allclose(head.sigma.numpy(), std["std"][12:52])
    assert head.landmark_vertices[:, 0].tolist() == (model["keypoints"][::3] // 3).tolist()
    assert {s.name for s in head.provenance.sources} == {MODEL, TRI, STD}


def test_companions(tmp_path: Path, values: Made) -> None:
    model, tri, _ = values
    path = write(tmp_path, values)
    other = tmp_path / "elsewhere"
    other.mkdir()
    alone = other / MODEL
    path.rename(alone)
    with pytest.raises(WeightsError) as caught:
        tddfa.read(alone)
    assert caught.value.code == "weights_missing"
    assert STD in str(caught.value)
    head = tddfa.read(alone, [tmp_path / STD])
    assert any("tri.pkl was not given" in note for note in head.provenance.notes)
    np.testing.assert_array_equal(head.faces.numpy(), model["tri"].T)
    head = tddfa.read(alone, [tmp_path / TRI, tmp_path / STD])
    np.testing.assert_array_equal(head.faces.numpy(), tri.T)
    scaled = write(other, values, w_shp=model["w_shp"] * np.float32(4000))
    (other / STD).unlink()
    np.testing.assert_allclose(tddfa.read(scaled).sigma.numpy(), 1)


def test_what_is_wrong_is_named(tmp_path: Path, values: Made) -> None:
    model = {k: v[:, :2] if k in ("w_shp", "w_exp") else v for k, v in values[0].items()}
    broken = model["w_exp"].copy()
    broken[3, 1] = np.nan
    for code, changes in (
        ("model_missing_key", {"u": None}),
        ("model_shape", {"u": model["u"][3:]}),
        ("model_shape", {"w_shp": model["w_shp"][3:]}),
        ("model_shape", {"w_exp": model["w_exp"][3:]}),
        ("model_shape", {"keypoints": model["keypoints"][1:]}),
        ("model_index", {"keypoints": model["keypoints"] + 1}),
        ("model_index", {"keypoints": model["keypoints"] + 0.5}),
        ("model_index", {"keypoints": model["keypoints"][::3].copy()}),
        ("model_not_finite", {"w_exp": broken}),
        ("model_unit", {"u": model["u"] / 1000}),
    ):
        path = write(tmp_path, values, **(model | changes))
        with pytest.raises(WeightsError) as caught:
            tddfa.read(path)
        assert caught.value.code == code, changes.keys()
    path = write(tmp_path, values, **model)
    (tmp_path / TRI).write_bytes(pickle.dumps(values[1] + 1))
    head = tddfa.read(path)  # from 1, which the range of the numbers shows
    np.testing.assert_array_equal(head.faces.numpy(), values[1].T)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(WeightsError) as caught:
        tddfa.read(path)
    assert caught.value.code == "weights_damaged"
    assert not tddfa.recognizes(tmp_path / TRI)
    assert not tddfa.recognizes(tmp_path)
    assert not tddfa.recognizes(tmp_path / "bfm_noneck.pkl")


@pytest.mark.parametrize("name", [MODEL, TRI, STD])
def test_a_program_in_any_of_the_files(tmp_path: Path, values: Made, name: str) -> None:
    model = {k: v[:, :1] if k in ("w_shp", "w_exp") else v for k, v in values[0].items()}
    path = write(tmp_path, values, **model)
    canary = tmp_path / "canary"
    (tmp_path / name).write_bytes(malicious(canary))
    with pytest.raises(WeightsError) as caught:
        tddfa.read(path, [tmp_path / TRI, tmp_path / STD])
    assert caught.value.code == "unsafe_pickle"
    assert "mkdir" in str(caught.value)
    assert not canary.exists()
