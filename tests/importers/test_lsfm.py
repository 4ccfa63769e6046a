"""LSFM of true size, full and cropped, decoded as its publisher's reader does; what is wrong is refused by name."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io

from headform.errors import WeightsError
from headform.heads.linear import LinearHead
from headform.heads.validation import check_head
from headform.importers import lsfm
from headform.importers._basel_landmarks import LANDMARKS
from tests.importers.made_surface import surface, unit_columns

FULL, TRIANGLES, MODES = 53215, 105840, 158
EYES = (LANDMARKS[FULL][36], LANDMARKS[FULL][45])


def table(vertices: int, triangles: int, modes: int, eyes: tuple[int, int]) -> dict[str, Any]:
    mean, faces = surface(vertices, triangles, eyes)
    return {
        "mean": mean.reshape(-1),
        "components": unit_columns(3 * vertices, modes),
        "eigenvalues": np.linspace(400, 1, modes),
        "cumulative_explained_variance": np.linspace(0.5, 1, modes),
        "trilist": faces.astype(np.uint32),
        "n_training_samples": 8402,
    }


def read(folder: Path, values: dict[str, Any], **saving: Any) -> LinearHead:
    scipy.io.savemat(folder / "all_all_all.mat", values, **saving)
    return lsfm.read(folder / "all_all_all.mat")


def refusal(folder: Path, values: dict[str, Any]) -> WeightsError:
    with pytest.raises(WeightsError) as caught:
        read(folder, values)
    return caught.value


@pytest.fixture
def small() -> dict[str, Any]:
    return table(30, 40, 3, (0, 1))


@pytest.fixture
def cropped() -> dict[str, Any]:
    """28431 vertices of the full mask; the first ten landmarks are cut away."""
    others = np.setdiff1d(np.arange(FULL), LANDMARKS[FULL])[: 28431 - 58]
    there = np.sort(np.concatenate([others, LANDMARKS[FULL][10:]]))
    down = np.full(FULL, -1)
    down[there] = np.arange(len(there))
    model = table(len(there), 56272, 2, (int(down[EYES[0]]), int(down[EYES[1]])))
    return model | {"map_cropped_to_full": there, "map_full_to_cropped": down}


def test_the_full_model(tmp_path: Path) -> None:
    values = table(FULL, TRIANGLES, MODES, EYES)
    head = read(tmp_path, values)
    assert lsfm.recognizes(tmp_path / "all_all_all.mat")
    check_head(head)
    code = np.sin(np.arange(MODES))
    offset = values["components"].astype(np.float64) @ (np.sqrt(values["eigenvalues"]) * code)
    expected = (values["mean"] + offset).reshape(-1, 3) / 1000
    decoded = head.vertices(identity=head.mean.new_tensor(code))
    np.testing.assert_allclose(decoded, expected, atol=2e-7)
    np.testing.assert_array_equal(head.faces, values["trilist"])
    np.testing.assert_allclose(head.sigma, np.sqrt(values["eigenvalues"]), rtol=1e-6)
    assert head.landmark_vertices[:, 0].tolist() == list(LANDMARKS[FULL])
    points = head.landmarks(head.mean)
    assert float((points[36] - points[45]).norm()) == pytest.approx(0.09, abs=1e-7)
    assert head.provenance.label == "lsfm 53215"


def test_a_cropped_model(tmp_path: Path, cropped: dict[str, Any]) -> None:
    assert cropped["mean"].size == 3 * 28431
    head = read(tmp_path, cropped, do_compression=True)
    check_head(head)
    assert head.landmark_known.tolist() == [False] * 10 + [True] * 58
    known = head.landmark_vertices[10:, 0].numpy()
    np.testing.assert_array_equal(cropped["map_cropped_to_full"][known], LANDMARKS[FULL][10:])
    swapped = cropped | {"map_cropped_to_full": cropped["map_cropped_to_full"][::-1]}
    assert refusal(tmp_path, swapped).code == "model_mismatch"
    other = cropped | {"map_full_to_cropped": cropped["map_full_to_cropped"][:-1]}
    assert refusal(tmp_path, other).code == "model_mismatch"
    without = {k: v for k, v in cropped.items() if not k.startswith("map")}
    head = read(tmp_path, without)
    assert not head.has_field("landmark_vertices")
    assert any("no landmarks" in note for note in head.provenance.notes)


def test_a_model_cropped_through_the_eyes(tmp_path: Path, cropped: dict[str, Any]) -> None:
    """No vertex stands in for a corner of an eye that was cut away."""
    there, down = cropped["map_cropped_to_full"].copy(), cropped["map_full_to_cropped"].copy()
    place = int(down[LANDMARKS[FULL][36]])
    there[place] = np.setdiff1d(np.arange(FULL), [*there, *LANDMARKS[FULL]])[0]
    down[LANDMARKS[FULL][36]], down[there[place]] = -1, place
    mean = cropped["mean"].copy()
    mean[-3:] = mean.reshape(-1, 3)[down[LANDMARKS[FULL][45]]] + 0.5  # as far apart as in another unit
    maps = {"map_cropped_to_full": there, "map_full_to_cropped": down}
    head = read(tmp_path, cropped | maps | {"mean": mean})
    assert head.landmark_known.tolist() == [False] * 10 + [k != 36 for k in range(10, 68)]
    assert any("cut away; the unit is mm" in note for note in head.provenance.notes)
    np.testing.assert_allclose(head.mean.reshape(-1), mean / 1000, rtol=1e-5)


@pytest.mark.parametrize(("factor", "unit"), [(1000, "um"), (1, "mm"), (0.1, "cm"), (0.001, "m")])
def test_any_unit(tmp_path: Path, small: dict[str, Any], factor: float, unit: str) -> None:
    values = small | {"mean": small["mean"] * factor}
    head = read(tmp_path, values)
    np.testing.assert_allclose(head.mean.reshape(-1), small["mean"] / 1000, rtol=1e-6)
    assert any(f"it is {unit}" in n or f"is {unit} by" in n for n in head.provenance.notes)


def test_a_column_vector_and_scaled_components_and_counting_from_one(tmp_path: Path, small: dict[str, Any]) -> None:
    plain = read(tmp_path, small)
    sigma = np.sqrt(small["eigenvalues"])
    values = small | {
        "mean": small["mean"][:, None],
        "components": small["components"] * sigma,
        "eigenvalues": small["eigenvalues"][:, None],
        "trilist": small["trilist"] + 1,
    }
    head = read(tmp_path, values)
    np.testing.assert_allclose(head.identity, plain.identity, rtol=1e-5)
    np.testing.assert_array_equal(head.faces, plain.faces)
    notes = " ".join(head.provenance.notes)
    assert "already multiplied" in notes
    assert "count from 1" in notes


def test_wrong_models(tmp_path: Path, small: dict[str, Any]) -> None:
    assert "trilist" in refusal(tmp_path, {k: v for k, v in small.items() if k != "trilist"}).message
    cases: list[tuple[str, str, Any]] = [
        ("model_shape", "components", small["components"][:-3]),
        ("model_shape", "eigenvalues", small["eigenvalues"][:-1]),
        ("model_shape", "mean", small["mean"][:-1]),
        ("model_shape", "mean", "text"),
        ("model_shape", "trilist", small["trilist"][:, :2]),
        ("model_index", "trilist", small["trilist"] + 2),
        ("model_index", "trilist", small["trilist"] - 1.0),
        ("model_index", "trilist", small["trilist"] + 0.5),
        ("model_index", "trilist", np.zeros((0, 3))),
        ("model_not_finite", "mean", small["mean"] * np.nan),
        ("model_not_finite", "components", small["components"] * np.inf),
        ("model_not_finite", "eigenvalues", small["eigenvalues"] * np.nan),
        ("weights_damaged", "eigenvalues", -small["eigenvalues"]),
    ]
    for code, name, value in cases:
        error = refusal(tmp_path, small | {name: value})
        assert error.code == code, (name, error)
        assert "all_all_all.mat" in error.location


def test_cut_files_and_companions(tmp_path: Path, small: dict[str, Any]) -> None:
    read(tmp_path, small)
    path = tmp_path / "all_all_all.mat"
    data = path.read_bytes()
    for end in np.linspace(0, len(data) - 1, 25).astype(int):
        path.write_bytes(data[:end])
        lsfm.recognizes(path)
        with pytest.raises(WeightsError) as caught:
            lsfm.read(path)
        assert caught.value.code in ("weights_damaged", "model_missing_key")
    path.write_bytes(data)
    with pytest.raises(WeightsError) as caught:
        lsfm.read(path, (path,))
    assert caught.value.code == "model_kind"
