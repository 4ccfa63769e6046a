"""HIFI3D and HIFI3D++ by the keys of their public readers, of true vertex count and few modes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io

from headform.errors import WeightsError
from headform.heads.linear import LinearHead
from headform.heads.validation import check_head
from headform.importers import hifi3d
from tests.importers.made_surface import surface, wave


def table(vertices: int = 60, triangles: int = 80) -> dict[str, Any]:
    mean, faces = surface(vertices, triangles)
    return {
        "mu_shape": (mean / 10).reshape(1, -1),
        "basis_shape": wave(4, 3 * vertices),
        "basis_exp": wave(3, 3 * vertices, 1),
        "tri": faces.astype(np.int32),
        "mask_face": (np.arange(vertices) % 3 == 0).astype(np.uint8)[None],
        "keypoints": np.arange(86)[None],
    }


def read(folder: Path, values: dict[str, Any], name: str = "HIFI3D++.mat") -> LinearHead:
    scipy.io.savemat(folder / name, values)
    return hifi3d.read(folder / name)


def test_both_models(tmp_path: Path) -> None:
    values = table(20481, 40832)
    head = read(tmp_path, values)
    assert hifi3d.recognizes(tmp_path / "HIFI3D++.mat")
    check_head(head)
    np.testing.assert_allclose(head.mean.reshape(1, -1), values["mu_shape"] / 100, atol=1e-8)
    code = np.array([1.0, -2.0, 0.5, 3.0])
    decoded = head.vertices(identity=head.mean.new_tensor(code))
    expected = (values["mu_shape"] + code @ values["basis_shape"]).reshape(-1, 3) / 100
    np.testing.assert_allclose(decoded, expected, atol=1e-7)
    np.testing.assert_allclose(head.expression.reshape(3, -1), values["basis_exp"] / 100, atol=1e-8)
    np.testing.assert_array_equal(head.faces, values["tri"])
    np.testing.assert_array_equal(head.regions["face"], values["mask_face"][0] > 0)
    assert not head.has_field("uv")
    texture = wave(20792, 2) % 1
    faces = values["tri"][:18684]
    values |= {"tri": faces, "vt_list": texture, "tri_vt": faces + 1}
    full = read(tmp_path, values, "AI-NExT-Shape.mat")
    np.testing.assert_allclose(full.uv[full.uv_faces], texture[faces + 1], atol=1e-6)


def test_what_is_wrong(tmp_path: Path) -> None:
    values = table()
    faces = values["tri"]
    for code, changes in (
        ("model_unit", {"mu_shape": values["mu_shape"] * 10}),
        ("model_shape", {"basis_shape": values["basis_shape"].T}),
        ("model_shape", {"basis_exp": values["basis_exp"][:, :-3]}),
        ("model_shape", {"mask_face": values["mask_face"][:, :-1]}),
        ("model_shape", {"vt_list": np.zeros((5, 2)), "tri_vt": faces[:-1] % 5}),
        ("model_index", {"vt_list": np.zeros((5, 2)), "tri_vt": faces}),
        ("model_index", {"tri": faces + 2}),
        ("model_not_finite", {"mu_shape": values["mu_shape"] * np.nan}),
        ("model_not_finite", {"basis_shape": values["basis_shape"] * np.nan}),
        ("model_missing_key", {"tri": None}),
    ):
        given = {k: v for k, v in (values | changes).items() if v is not None}
        with pytest.raises(WeightsError) as caught:
            read(tmp_path, given)
        assert caught.value.code == code, changes.keys()
