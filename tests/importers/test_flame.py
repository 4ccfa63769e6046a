"""FLAME of true size: every form of file gives the published arrays; what is wrong is refused by name."""

import os
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import torch

from headform.errors import WeightsError
from headform.heads import head_file, load
from headform.heads.flame.head import FlameHead
from headform.heads.linear import PARTS
from headform.heads.validation import check_head
from headform.importers import flame
from headform.importers._flame_model import DIGESTS, dense_matrix, identify
from tests.heads import flame_file
from tests.heads.flame_file import FlameModel
from tests.io.python2 import Instance, Name, ch, python2_pickle


@pytest.fixture(scope="module")
def model() -> FlameModel:
    return flame_file.flame_model()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, model: FlameModel) -> Path:
    """A user's folder: the model of Python 2's days with what is published for it."""
    folder = tmp_path_factory.mktemp("downloads") / "FLAME2020"
    folder.mkdir()
    flame_file.write_pkl(folder / "generic_model.pkl", model)
    flame_file.write_landmark_embedding(folder / "landmark_embedding.npy", model)
    flame_file.write_masks(folder / "FLAME_masks.pkl", model)
    return folder


@pytest.fixture(scope="module")
def head(folder: Path) -> FlameHead:
    return flame.read(folder / "generic_model.pkl")


@pytest.fixture(scope="module")
def light(model: FlameModel) -> dict[str, Any]:
    """The arrays in single precision and dense, quick to write."""
    items = model.items() | {"J_regressor": model.J_regressor.toarray()}
    return {n: a.astype(np.float32) if np.asarray(a).dtype == float else a for n, a in items.items()}


def refusal(path: Path, *companions: Path) -> WeightsError:
    with pytest.raises(WeightsError) as caught:
        flame.read(path, companions)
    return caught.value


def test_the_arrays_are_the_published_ones(head: FlameHead, model: FlameModel) -> None:
    check_head(head)
    assert (head.name, head.provenance.version) == ("flame 2020", "2020")
    assert [s.name for s in head.provenance.sources] == [
        "generic_model.pkl",
        "landmark_embedding.npy",
        "FLAME_masks.pkl",
    ]
    np.testing.assert_allclose(head.mean, model.v_template, rtol=1e-6)
    np.testing.assert_array_equal(head.faces, model.f)
    assert (len(head.identity), len(head.expression)) == (300, 100)
    for mode in (0, 7, 299):
        np.testing.assert_allclose(head.identity[mode], model.shapedirs[:, :, mode], rtol=1e-6)
    for mode in (0, 99):
        column = model.shapedirs[:, :, 300 + mode]
        np.testing.assert_allclose(head.expression[mode], column, rtol=1e-6)
    for entry in range(36):
        np.testing.assert_allclose(head.pose_correctives[entry], model.posedirs[:, :, entry], rtol=1e-6)
    np.testing.assert_allclose(head.joint_regressor @ head.mean, model.J, atol=1e-7)
    np.testing.assert_allclose(head.skinning, model.weights, rtol=1e-6)
    assert head.parents == (-1, 0, 1, 1, 1)
    assert not head.has_field("albedo_mean")
    assert not head.has_field("uv")


def test_every_form_of_file_gives_the_same_head(tmp_path: Path, model: FlameModel, head: FlameHead) -> None:
    metadata = {"supr_expression_metadata": {"n_expr": 100, "expr_components": "last_100"}}
    files = {
        "FLAME_NEUTRAL.npz": flame_file.write_npz(tmp_path / "FLAME_NEUTRAL.npz", model),
        "sparse": flame_file.write_npz(tmp_path / "flame2023_no_jaw.npz", model, sparse=True),
        "open": flame_file.write_plain_pkl(tmp_path / "a.pkl", replace(model, extra=metadata)),
    }
    versions = {"FLAME_NEUTRAL.npz": "unknown", "sparse": "2023-no-jaw", "open": "2023-open"}
    for name, path in files.items():
        assert flame.recognizes(path), name
        other = flame.read(path)
        assert other.provenance.version == versions[name]
        for part in ("mean", "identity", "expression", "pose_correctives", "faces", "skinning"):
            assert torch.equal(getattr(other, part), getattr(head, part)), (name, part)
        torch.testing.assert_close(other.joint_regressor, head.joint_regressor)
        for part in ("landmark_vertices", "now7", "contour", "static_vertices", "part"):
            assert not len(getattr(other, part)), (name, part)
        assert other.contour_vertices.shape[-1] == 3
        notes = " ".join(other.provenance.notes)
        assert "no landmarks" in notes
        assert "no regions" in notes
    assert "CC BY 4.0" in other.license


def test_a_head_comes_back_from_its_file(tmp_path: Path, head: FlameHead) -> None:
    head_file.write(head, tmp_path / "flame.safetensors")
    again = load(tmp_path / "flame.safetensors")
    assert type(again) is FlameHead
    assert again.provenance == head.provenance
    assert torch.equal(again.contour_weights, head.contour_weights)
    assert torch.equal(again.regions["lips"], head.regions["lips"])


def test_recognized_are_flame_models_alone(tmp_path: Path, folder: Path, light: Any) -> None:
    assert flame.recognizes(folder / "generic_model.pkl")
    for name in ("landmark_embedding.npy", "FLAME_masks.pkl", "absent.pkl"):
        assert not flame.recognizes(folder / name)
    assert not flame.recognizes(folder)
    (tmp_path / "text.pkl").write_text("(v_template shapedirs posedirs")
    (tmp_path / "empty.pkl").touch()
    np.savez(tmp_path / "smpl.npz", v_template=np.ones((6890, 3)), shapedirs=1, posedirs=1)
    os.mkfifo(tmp_path / "fifo.pkl")
    for name in ("text.pkl", "empty.pkl", "smpl.npz", "fifo.pkl"):
        assert not flame.recognizes(tmp_path / name), name


@pytest.mark.parametrize("name", ["v_template", "f", "J_regressor", "kintree_table"])
def test_a_missing_key_is_named(tmp_path: Path, light: dict[str, Any], name: str) -> None:
    path = tmp_path / "flame.npz"
    np.savez(path, **{n: a for n, a in light.items() if n != name})
    error = refusal(path)
    assert error.code == "model_missing_key"
    assert f"no `{name}`" in error.message
    assert "shapedirs" in error.message


def changed(array: np.ndarray, place: Any, value: Any) -> np.ndarray:
    copy = array.copy()
    copy[place] = value
    return copy


@pytest.mark.parametrize(
    ("name", "change", "code", "said"),
    [
        ("shapedirs", lambda a: a[:, :, :150], "model_shape", "5023 x 3 x 150"),
        ("v_template", lambda a: a[:-1], "model_shape", "5022 x 3"),
        ("v_template", lambda a: a.astype(int), "model_shape", "real numbers"),
        ("posedirs", lambda a: a.reshape(5023 * 3, 36), "model_shape", "15069 x 36"),
        ("weights", lambda a: a[:, :4], "model_shape", "`weights`"),
        ("J_regressor", lambda a: a.T, "model_shape", "5023 x 5"),
        ("f", lambda a: a.astype(float), "model_shape", "whole numbers"),
        ("f", lambda a: a + 1, "model_index", "5023"),
        ("f", lambda a: a[:100], "model_shape", "100 x 3"),
        ("shapedirs", lambda a: changed(a, (3, 1, 399), np.nan), "model_not_finite", "shapedirs"),
        ("weights", lambda a: changed(a, (0, 0), np.inf), "model_not_finite", "weights"),
        ("posedirs", lambda a: a + np.float64(1e300), "model_not_finite", "pose_correctives"),
        ("kintree_table", lambda a: changed(a, (0, 2), 4), "model_index", "not a tree"),
        ("kintree_table", lambda a: a[:, :4], "model_shape", "2 x 4"),
    ],
)
def test_wrong_arrays(tmp_path: Path, light: dict[str, Any], name: str, change: Any, code: str, said: str) -> None:
    path = tmp_path / "flame.npz"
    np.savez(path, **(light | {name: change(light[name])}))
    error = refusal(path)
    assert error.code == code
    assert said in error.message


def test_another_model_is_no_flame(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", shapeMU=np.ones(3))
    error = refusal(tmp_path / "a.npz")
    assert error.code == "model_kind"
    assert "shapeMU" in error.message


def test_clockwise_triangles_are_turned_round(tmp_path: Path, light: dict[str, Any], model: FlameModel) -> None:
    np.savez(tmp_path / "flame.npz", **(light | {"f": light["f"][:, ::-1]}))
    head = flame.read(tmp_path / "flame.npz")
    np.testing.assert_array_equal(head.faces, model.f)
    assert "reversed" in " ".join(head.provenance.notes)


def test_truncated_models(tmp_path: Path, folder: Path, light: dict[str, Any]) -> None:
    whole = (folder / "generic_model.pkl").read_bytes()
    for cut in (0, 100, 2_000_000, len(whole) - 1):
        (tmp_path / "a.pkl").write_bytes(whole[:cut])
        assert refusal(tmp_path / "a.pkl").code == "weights_damaged"
    np.savez(tmp_path / "a.npz", **light)
    whole = (tmp_path / "a.npz").read_bytes()
    for cut in (100, len(whole) - 30):
        (tmp_path / "a.npz").write_bytes(whole[:cut])
        assert refusal(tmp_path / "a.npz").code == "weights_damaged"
    assert refusal(tmp_path / "none.pkl").code == "weights_missing"


class Touches:
    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, Any]:
        return os.system, (f"touch {self.canary}",)


def test_nothing_in_a_model_or_companion_runs(tmp_path: Path, folder: Path, light: dict[str, Any]) -> None:
    canary = tmp_path / "canary"
    bomb = Touches(canary)
    wrapped = Instance("chumpy.ch.Ch", {"x": bomb})
    (tmp_path / "generic_model.pkl").write_bytes(
        python2_pickle({"v_template": ch(np.ones((5023, 3))), "shapedirs": wrapped})
    )
    np.savez(tmp_path / "flame.npz", **(light | {"bs_type": np.array(bomb, dtype=object)}))
    np.save(tmp_path / "landmark_embedding.npy", np.array({"a": bomb}, dtype=object))
    (tmp_path / "FLAME_masks.pkl").write_bytes(pickle.dumps({"face": bomb}))
    np.savez(tmp_path / "FLAME_texture.npz", mean=np.array(bomb, dtype=object), tex_dir=1)
    good = folder / "generic_model.pkl"
    companions = ("landmark_embedding.npy", "FLAME_masks.pkl", "FLAME_texture.npz")
    errors = [refusal(tmp_path / "generic_model.pkl"), refusal(tmp_path / "flame.npz")]
    errors += [refusal(good, tmp_path / name) for name in companions]
    for error in errors:
        assert error.code == "unsafe_pickle"
    assert all("posix.system" in error.message for error in errors[:4])
    assert "`mean` holds Python objects" in errors[4].message
    (tmp_path / "other.pkl").write_bytes(python2_pickle({"v_template": Name("chumpy.ch.MatVecMult")}))
    assert "chumpy.ch.MatVecMult" in refusal(tmp_path / "other.pkl").message
    assert not canary.exists()


def test_landmarks(head: FlameHead, model: FlameModel) -> None:
    full = flame_file.full_embedding(model)
    expected = [
        sum(w * model.v_template[v] for w, v in zip(weights, model.f[face], strict=True))
        for face, weights in zip(full.faces, full.weights, strict=True)
    ]
    np.testing.assert_allclose(head.landmarks(head.mean), expected, atol=1e-7)
    static = flame_file.static_embedding(model)
    np.testing.assert_array_equal(head.static_vertices, model.f[static.faces])
    np.testing.assert_allclose(head.static_weights, static.weights, rtol=1e-6)
    moving = flame_file.dynamic_embedding(model)
    assert head.contour_vertices.shape == (79, 17, 3)
    np.testing.assert_array_equal(head.contour_vertices, model.f[moving.faces])
    np.testing.assert_allclose(head.contour_weights, moving.weights, rtol=1e-6)
    for number, vertex in zip((19, 22, 25, 28, 16, 31, 37), head.now7, strict=True):
        corners = dict(zip(static.weights[number], model.f[static.faces[number]], strict=True))
        assert int(vertex) == corners[max(corners)]
    # the candidates of the jaw line: from -39 degrees (row 78) over 0 (row 0) to 39 (row 39)
    assert head.contour.shape == (17, 79)
    for place, row in ((0, 78), (38, 40), (39, 0), (78, 39)):
        for point in (0, 5, 16):
            best = moving.weights[row, point].argmax()
            assert int(head.contour[point, place]) == model.f[moving.faces[row, point]][best]


def test_regions_and_parts(head: FlameHead, model: FlameModel) -> None:
    masks = flame_file.flame_masks(model)
    assert set(head.regions) == set(masks)
    assert len(masks) == 14
    for name, ids in masks.items():
        np.testing.assert_array_equal(np.flatnonzero(head.regions[name]), ids)
    assert int((head.part == PARTS.index("eye_left")).sum()) == 546
    np.testing.assert_allclose(head.eye_center(head.mean, "eye_left"), [0.03, 0.02, 0.05], atol=1e-4)
    np.testing.assert_allclose(head.eye_center(head.mean, "eye_right"), [-0.03, 0.02, 0.05], atol=1e-4)


@pytest.mark.parametrize(
    ("name", "sha256", "keys", "version"),
    [
        ("x/generic_model.pkl", "efcd14cc4a69f3a3d9af", (), "2020"),
        ("x/male_model.pkl", "efcd14cc4a69f3a3d9af", (), "2020 male"),
        ("x/renamed.pkl", "e75a0990728ba038c7da", (), "2023-open"),
        ("x/flame2023.pkl", "00", ("supr_expression_metadata",), "2023-open"),
        ("x/flame2023.pkl", "00", (), "2023"),
        ("x/flame2023_no_jaw.npz", "00", (), "2023-no-jaw"),
        ("x/flame2023_Open.npz", "00", (), "2023-open"),
        ("FLAME2020/female_model.pkl", "00", (), "2020 female"),
        ("x/FLAME_MALE.pkl", "00", (), "unknown male"),
        ("x/generic_model.pkl", "00", (), "unknown"),
        ("x/model_120234.pkl", "00", (), "unknown"),
    ],
)
def test_versions(name: str, sha256: str, keys: tuple[str, ...], version: str) -> None:
    found = identify(Path("/models") / name, sha256, frozenset(keys))
    assert found.version == version
    assert found.note
    assert ("CC BY" in found.license) == ("open" in version)
    assert all(len(start) >= 8 for start in DIGESTS)


@pytest.mark.parametrize("kind", ["csc", "csr", "coo"])
def test_sparse_matrices_become_dense(kind: str) -> None:
    matrix = scipy.sparse.random(5, 30, 0.3, kind, random_state=np.random.default_rng(1))
    names = ("row", "col") if kind == "coo" else ("indices", "indptr")
    table = {
        "J/format": np.array(kind),
        "J/shape": np.array([5, 30]),
        "J/data": matrix.data,
        **{f"J/{name}": getattr(matrix, name) for name in names},
    }
    np.testing.assert_array_equal(dense_matrix(table, "J", "file"), matrix.toarray())
    last = names[1]
    wrong = {
        names[0]: changed(table[f"J/{names[0]}"], 0, 30),
        last: changed(table[f"J/{last}"], -1, 31),
        "data": table["J/data"][:-1],
        "shape": np.array([5, 2**40]),
    }
    for name, value in wrong.items():
        with pytest.raises(WeightsError) as caught:
            dense_matrix(table | {f"J/{name}": value}, "J", "file")
        assert caught.value.code in ("model_index", "model_shape"), name
    del table[f"J/{last}"]
    with pytest.raises(WeightsError, match="neither an array nor a sparse matrix"):
        dense_matrix(table, "J", "file")
