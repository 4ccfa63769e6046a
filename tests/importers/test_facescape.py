"""FaceScape 1.6 by the keys of its public reader, of true vertex count and few identity factors."""

from pathlib import Path

import numpy as np
import pytest

from headform.errors import WeightsError
from headform.heads.validation import check_head
from headform.importers import facescape
from tests.importers.made_surface import surface, wave


def table(vertices: int, triangles: int, factors: int = 3) -> dict[str, np.ndarray]:
    """Every factor's core holds a face, so that all faces are sums of them."""
    mean, faces = surface(vertices, triangles)
    core = wave(3 * vertices, 52 * factors).reshape(-1, 52, factors)
    core[:, :, 0] += mean.reshape(-1, 1).astype(np.float32)
    return {
        "shape_bm_core": core,
        "id_mean": np.array([1.0, 0.5, -0.5, 0.1][:factors]),
        "id_var": np.array([0.04, 0.01, 0.09, 1.0][:factors]),
        "fv_indices": faces + 1,
        "ft_indices": faces[:, [1, 2, 0]] + 1,
        "texcoords": np.stack([mean[:, 0] / 160 + 0.5, mean[:, 1] / 240 + 0.5], 1),
        "lm_list_v16": np.r_[np.arange(2, 38), 0, np.arange(40, 48), 1, np.arange(50, 72)],
        "sym_dict": np.array([{1: 2}], dtype=object),
    }


def write(folder: Path, values: dict[str, np.ndarray], **changes: np.ndarray) -> Path:
    np.savez(folder / "facescape_bm.npz", **(values | changes))
    return folder / "facescape_bm.npz"


def test_the_model(tmp_path: Path) -> None:
    values = table(26317, 52261, 2)
    path = write(tmp_path, values)
    assert facescape.recognizes(path)
    head = facescape.read(path)
    check_head(head)
    core = values["shape_bm_core"].astype(np.float64)

    def face(identity: np.ndarray, shape: int) -> np.ndarray:
        """The publisher's formula, core . identity . expression, for an expression that is one shape."""
        return core[:, shape].dot(identity).reshape(-1, 3) / 1000

    mean, sigma = values["id_mean"], np.sqrt(values["id_var"])
    np.testing.assert_allclose(head.mean, face(mean, 0), atol=1e-8)
    code = np.array([1.5, -2.0])
    decoded = head.vertices(identity=head.mean.new_tensor(code))
    np.testing.assert_allclose(decoded, face(mean + sigma * code, 0), atol=1e-7)
    for k in (1, 30, 51):
        moved = face(mean, k) - face(mean, 0)
        np.testing.assert_allclose(head.expression[k - 1], moved, atol=1e-8)
        assert head.expression_names[k - 1] == f"{k:02d}"
    np.testing.assert_array_equal(head.faces, values["fv_indices"] - 1)
    np.testing.assert_array_equal(head.uv_faces, values["ft_indices"] - 1)
    assert head.landmark_vertices[:, 0].tolist() == values["lm_list_v16"].tolist()
    assert head.provenance.label == "facescape 1.6"


def test_what_is_wrong(tmp_path: Path) -> None:
    values = table(80, 90)
    assert facescape.read(write(tmp_path, values)).has_field("uv")
    core = values["shape_bm_core"]
    components = core * np.r_[1, np.full(51, 0.01)][None, :, None]
    for code, name, value in (
        ("model_kind", "shape_bm_core", components),
        ("model_shape", "shape_bm_core", core[:, :51]),
        ("model_shape", "shape_bm_core", core[:-1]),
        ("model_shape", "id_mean", values["id_mean"][:-1]),
        ("model_unit", "shape_bm_core", core * 0),
        ("model_shape", "id_var", np.array(["a"])),
        ("model_shape", "ft_indices", values["ft_indices"][:-1]),
        ("model_shape", "lm_list_v16", values["lm_list_v16"][:-1]),
        ("model_index", "fv_indices", values["fv_indices"] + 1),
        ("model_index", "ft_indices", values["ft_indices"] + 80),
        ("model_index", "lm_list_v16", values["lm_list_v16"] + 80),
        ("model_not_finite", "shape_bm_core", core * np.nan),
        ("model_not_finite", "texcoords", values["texcoords"] * np.nan),
        ("model_not_finite", "shape_bm_core", core * np.float64(1e200)),
        ("model_not_finite", "id_var", values["id_var"] * 1e300),
        ("model_shape", "texcoords", np.float64(1)),
        ("model_index", "lm_list_v16", values["lm_list_v16"] + 0.5),
        ("model_index", "lm_list_v16", values["lm_list_v16"] + 1e300),
        ("weights_damaged", "id_var", -values["id_var"]),
        ("model_unit", "shape_bm_core", core * 100),
        ("unsafe_pickle", "texcoords", np.array([{}], dtype=object)),
    ):
        path = write(tmp_path, values, **{name: value})
        with pytest.raises(WeightsError) as caught:
            facescape.read(path)
        assert caught.value.code == code, name
    nothing = {"shape_bm_core": core[:, :, :0], "id_mean": np.zeros(0), "id_var": np.zeros(0)}
    with pytest.raises(WeightsError, match="no identity factors"):
        facescape.read(write(tmp_path, values | nothing))
    path = write(tmp_path, {k: v for k, v in values.items() if k != "id_mean"})
    with pytest.raises(WeightsError) as caught:
        facescape.read(path)
    assert caught.value.code == "model_missing_key"
    path.write_bytes(path.read_bytes()[:-9])
    assert not facescape.recognizes(path)
    with pytest.raises(WeightsError) as caught:
        facescape.read(path)
    assert caught.value.code == "weights_damaged"
