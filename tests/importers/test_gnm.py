"""GNM Head by the keys of its public reader, of true vertex count and few modes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headform.errors import WeightsError
from headform.heads.linear import LinearHead
from headform.heads.validation import check_head
from headform.importers import gnm
from tests.importers.made_surface import surface, wave

VERTICES, TRIANGLES = 17821, 35324


def table(vertices: int = 60, triangles: int = 80) -> dict[str, np.ndarray]:
    mean, faces = surface(vertices, triangles)
    corners = mean[faces]
    uv = np.stack([corners[..., 0] / 160 + 0.5, corners[..., 1] / 240 + 0.5], -1)
    groups = np.zeros((2, vertices), np.float32)
    groups[0, : vertices // 2], groups[1, 5:9] = 1, 0.7
    return {
        "template_vertex_positions": (mean / 1000).astype(np.float32),
        "vertex_identity_basis": 0.01 * wave(3, 3 * vertices).reshape(3, vertices, 3),
        "expression_basis": 0.01 * wave(2, 3 * vertices, 1).reshape(2, vertices, 3),
        "triangles": faces.astype(np.int32),
        "triangle_uvs": uv.astype(np.float32),
        "mirror_indices": np.arange(vertices, dtype=np.int32)[::-1].copy(),
        "vertex_groups": groups,
        "vertex_group_names": np.array(["skin", "nose_region"]),
        "identity_names": np.array(["head_0", "head_1", "teeth_0"]),
        "expression_names": np.array(["tongue_0", "pupils_0"]),
        "version": np.array("3.0"),
        "skinning_weights": np.ones((4, vertices), np.float32),
    }


def write(folder: Path, values: dict[str, np.ndarray], **changes: Any) -> Path:
    np.savez(folder / "gnm_head.npz", **(values | changes))
    return folder / "gnm_head.npz"


def points(values: dict[str, np.ndarray], order: list[int]) -> str:
    """68 points at single vertices and between two; the eyes' outer corners are vertices 0 and 1."""
    mean = values["template_vertex_positions"]
    jaw = np.argsort(-mean[2:, 1], kind="stable")[:17] + 2
    jaw = np.concatenate([jaw[:8], jaw[16:], jaw[8:16][::-1]])
    rows = [(int(k), 1.0, int(k), 0.0, 3, 0.0) for k in jaw]
    rows += [(k % 50 + 4, 0.75, k % 40 + 5, 0.25, 2, 0.0) for k in range(17, 68)]
    rows[36], rows[45] = (0, 1.0, 2, 0.0, 3, 0.0), (1, 1.0, 2, 0.0, 3, 0.0)
    return "".join(" ".join(map(str, rows[k])) + "\n" for k in order)


def refusal(path: Path, *with_: Path) -> WeightsError:
    with pytest.raises(WeightsError) as caught:
        gnm.read(path, with_)
    return caught.value


def marks(head: LinearHead) -> np.ndarray:
    return head.landmarks(head.mean).numpy()


def test_the_model(tmp_path: Path) -> None:
    values = table(VERTICES, TRIANGLES)
    path = write(tmp_path, values)
    (tmp_path / "head_sparse_68.txt").write_text(points(values, list(range(68))))
    assert gnm.recognizes(path)
    head = gnm.read(path)
    check_head(head)
    for name, key in (
        ("mean", "template_vertex_positions"),
        ("identity", "vertex_identity_basis"),
        ("expression", "expression_basis"),
        ("faces", "triangles"),
        ("mirror", "mirror_indices"),
    ):
        np.testing.assert_array_equal(getattr(head, name), values[key])
    np.testing.assert_array_equal(head.uv[head.uv_faces], values["triangle_uvs"])
    assert head.expression_names == ("tongue_0", "pupils_0")
    assert int(head.regions["nose_region"].sum()) == 4
    assert head.provenance.label == "gnm 3.0"
    assert any("2 head, 1 teeth" in note for note in head.provenance.notes)
    mean = values["template_vertex_positions"].astype(np.float64)
    np.testing.assert_allclose(marks(head)[20], 0.75 * mean[24] + 0.25 * mean[25], atol=1e-8)
    assert head.now7[0] == 0
    assert head.now7[3] == 1


def test_the_jaw_is_put_in_order(tmp_path: Path) -> None:
    values = table()
    path = write(tmp_path, values)
    plain = gnm.read(path)
    assert not plain.has_field("landmark_vertices")
    assert any("head_sparse_68.txt" in note for note in plain.provenance.notes)
    file = tmp_path / "sparse_68.txt"
    file.write_text(points(values, list(range(68))))
    right = gnm.read(path, (file,))
    file.write_text(points(values, [0, 1, 6, 5, 4, 3, 2, *range(7, 68)]))
    other = gnm.read(path, (file,))
    np.testing.assert_array_equal(marks(other), marks(right))
    assert any("put into order" in note for note in other.provenance.notes)
    assert not any("put into order" in note for note in right.provenance.notes)


def test_texture_coordinates_that_start_at_the_top_or_run_over_tiles(tmp_path: Path) -> None:
    values = table()
    plain = gnm.read(write(tmp_path, values))
    uv = values["triangle_uvs"]
    turned = gnm.read(write(tmp_path, values, triangle_uvs=uv * [1, -1] + [0, 1]))
    np.testing.assert_allclose(turned.uv[turned.uv_faces], plain.uv[plain.uv_faces], atol=1e-6)
    moved = uv + np.arange(len(uv))[:, None, None] % 2 * [1.0, 0.0]
    tiled = gnm.read(write(tmp_path, values, triangle_uvs=moved))
    np.testing.assert_allclose(tiled.uv[tiled.uv_faces], plain.uv[plain.uv_faces], atol=1e-6)
    assert any("2 texture tiles" in note for note in tiled.provenance.notes)


def test_what_is_wrong(tmp_path: Path) -> None:
    values = table()
    for code, name, value in (
        ("model_shape", "template_vertex_positions", values["template_vertex_positions"].T),
        ("model_shape", "vertex_identity_basis", values["vertex_identity_basis"][:, :-1]),
        ("model_shape", "expression_basis", values["expression_basis"][:1]),
        ("model_shape", "triangle_uvs", values["triangle_uvs"][:-1]),
        ("model_shape", "vertex_groups", values["vertex_groups"][:1]),
        ("model_shape", "mirror_indices", values["mirror_indices"][:-1]),
        ("model_shape", "version", np.array(3)),
        ("model_shape", "identity_names", np.zeros(0, "U4")),
        ("model_index", "triangles", values["triangles"][:0]),
        ("model_index", "triangles", values["triangles"] + 2),
        ("model_index", "mirror_indices", values["mirror_indices"] - 1),
        ("model_index", "mirror_indices", values["mirror_indices"] + 0.5),
        ("model_index", "mirror_indices", values["mirror_indices"] * np.nan),
        (
            "model_not_finite",
            "template_vertex_positions",
            values["template_vertex_positions"] * np.nan,
        ),
        ("model_not_finite", "expression_basis", values["expression_basis"] + np.inf),
        ("model_not_finite", "triangle_uvs", values["triangle_uvs"] * np.nan),
        ("unsafe_pickle", "vertex_groups", np.array([object()])),
    ):
        error = refusal(write(tmp_path, values, **{name: value}))
        assert error.code == code, name
    path = write(tmp_path, {k: v for k, v in values.items() if k != "expression_basis"})
    assert "expression_basis" in refusal(path).message
    assert not gnm.recognizes(path)
    path = write(tmp_path, values)
    file = tmp_path / "head_sparse_68.txt"
    good = points(values, list(range(68)))
    for text, code in (
        ("hello\n", "weights_damaged"),
        ("1 2 3\n1 2\n", "weights_damaged"),
        (good + "1 1 1 0 1 0\n", "model_shape"),
        (good.replace("0.75", "0.5"), "weights_damaged"),
        ("60" + good[good.index(" ") :], "model_mismatch"),
        ("nan" + good[good.index(" ") :], "model_not_finite"),
    ):
        file.write_text(text)
        assert refusal(path, file).code == code, text[:20]
    file.write_text(good)
    big = write(tmp_path, values, template_vertex_positions=values["template_vertex_positions"] * 10)
    assert refusal(big, file).code == "model_unit"
