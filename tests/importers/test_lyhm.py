"""LYHM of true size, decoded as eos's script does; what is wrong is refused by name."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io

from headform.errors import WeightsError
from headform.heads.linear import LinearHead
from headform.heads.validation import check_head
from headform.importers import lsfm, lyhm
from tests.importers.made_surface import surface, unit_columns


def table(vertices: int, triangles: int, modes: int) -> dict[str, Any]:
    mean, faces = surface(vertices, triangles)
    size = 3 * vertices
    return {
        "tri": {"faces": faces[:, [0, 2, 1]] + 1.0},
        "shp": {
            "mu": mean.reshape(1, -1),
            "eigVec": unit_columns(size, modes),
            "eigVal": np.linspace(90, 1, modes)[:, None],
        },
        "tex": {
            "mu": np.linspace(0.1, 0.9, size)[None],
            "eigVec": unit_columns(size, modes, 1),
            "eigVal": np.linspace(2, 1, modes)[:, None],
        },
    }


def read(folder: Path, values: dict[str, Any]) -> LinearHead:
    scipy.io.savemat(folder / "LYHM_global.mat", values)
    return lyhm.read(folder / "LYHM_global.mat")


def refusal(folder: Path, values: dict[str, Any]) -> WeightsError:
    with pytest.raises(WeightsError) as caught:
        read(folder, values)
    return caught.value


def changed(values: dict[str, Any], name: str, key: str, value: Any) -> dict[str, Any]:
    return values | {name: values[name] | {key: value}}


def test_the_model(tmp_path: Path) -> None:
    values = table(11510, 22800, 100)
    head = read(tmp_path, values)
    assert lyhm.recognizes(tmp_path / "LYHM_global.mat")
    assert not lsfm.recognizes(tmp_path / "LYHM_global.mat")
    check_head(head)
    code = np.cos(np.arange(100))
    for name, scale, decoded in (
        ("shp", 1000, head.vertices(identity=head.mean.new_tensor(code))),
        (
            "tex",
            1,
            head.albedo_mean + (head.albedo * head.mean.new_tensor(code)[:, None, None]).sum(0),
        ),
    ):
        model = values[name]
        offset = model["eigVec"].astype(np.float64) @ (np.sqrt(model["eigVal"][:, 0]) * code)
        expected = (model["mu"][0] + offset).reshape(-1, 3) / scale
        np.testing.assert_allclose(decoded, expected, atol=2e-7 if scale == 1000 else 2e-6)
    np.testing.assert_array_equal(head.faces, values["tri"]["faces"][:, [0, 2, 1]] - 1)
    assert head.albedo_space == "srgb"
    assert not any("reversed" in note for note in head.provenance.notes)
    assert any("mm by the height" in note for note in head.provenance.notes)


def test_what_a_conversion_may_have_changed(tmp_path: Path) -> None:
    values = table(30, 40, 3)
    plain = read(tmp_path, values)
    other = changed(values, "tri", "faces", values["tri"]["faces"][:, [0, 2, 1]] - 1)
    del other["tex"]
    head = read(tmp_path, other)
    turned = [sorted(face) for face in head.faces.tolist()]
    assert turned == [sorted(face) for face in plain.faces.tolist()]
    notes = " ".join(head.provenance.notes)
    assert "reversed" in notes
    assert "count from 0" in notes
    assert "no colors" in notes
    assert not head.has_field("albedo_mean")


def test_wrong_models(tmp_path: Path) -> None:
    values = table(30, 40, 3)
    shp = values["shp"]
    cases: list[tuple[str, dict[str, Any]]] = [
        ("model_missing_key", {k: v for k, v in values.items() if k != "shp"}),
        ("model_missing_key", values | {"tri": {"f": np.ones(3)}}),
        ("model_missing_key", values | {"shp": np.ones(3)}),
        ("model_shape", changed(values, "shp", "mu", "text")),
        ("model_shape", changed(values, "shp", "mu", shp["mu"][:, :-1])),
        ("model_shape", changed(values, "shp", "eigVec", shp["eigVec"][:-1])),
        ("model_shape", changed(values, "shp", "eigVal", shp["eigVal"][:-1])),
        ("model_shape", changed(values, "tex", "mu", shp["mu"][:, :-3])),
        ("model_index", changed(values, "tri", "faces", values["tri"]["faces"] + 1)),
        ("model_not_finite", changed(values, "shp", "mu", shp["mu"] * np.nan)),
        ("model_not_finite", changed(values, "tex", "eigVec", shp["eigVec"] * np.nan)),
        ("weights_damaged", changed(values, "shp", "eigVal", -shp["eigVal"])),
    ]
    for code, case in cases:
        assert refusal(tmp_path, case).code == code
