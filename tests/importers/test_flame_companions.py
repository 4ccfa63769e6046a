"""Landmark embeddings, masks, templates of FLAME: every published form; those of another mesh are refused."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from headform.errors import WeightsError
from headform.heads.provenance import SourceFile
from headform.importers import flame
from headform.importers._flame_landmarks import read_embeddings
from headform.importers.flame_masks import NAMES, parts_of, read_masks
from headform.io.mesh import obj
from headform.io.mesh.triangle_mesh import TriangleMesh
from tests.heads import flame_file
from tests.heads.flame_file import FlameModel
from tests.importers.flame_texture_file import texture_map, write_albedo_mm, write_bfm_albedo
from tests.io.python2 import python2_pickle


@pytest.fixture(scope="module")
def model() -> FlameModel:
    return flame_file.flame_model()


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory, model: FlameModel) -> Path:
    """A model alone in its folder."""
    return flame_file.write_npz(tmp_path_factory.mktemp("bare") / "flame.npz", model)


def save(path: Path, table: dict[str, Any]) -> Path:
    if path.suffix == ".pkl":
        path.write_bytes(pickle.dumps(table))
    else:
        np.save(path, np.array(table, dtype=object))
    return path


def refused(read: Any, path: Path) -> WeightsError:
    with pytest.raises(WeightsError) as caught:
        read(path)
    assert path.name in caught.value.location
    return caught.value


def test_the_three_files_of_embeddings(tmp_path: Path, model: FlameModel) -> None:
    whole = read_embeddings(flame_file.write_landmark_embedding(tmp_path / "a.npy", model))
    static = read_embeddings(flame_file.write_static_embedding(tmp_path / "s.pkl", model))
    lists = flame_file.write_dynamic_embedding(tmp_path / "l.npy", model, lists=True)
    arrays = flame_file.write_dynamic_embedding(tmp_path / "d.npy", model)
    assert static.full is None
    assert static.contour is None
    for found, expected in (
        (whole.static, flame_file.static_embedding(model)),
        (static.static, flame_file.static_embedding(model)),
        (whole.contour, flame_file.dynamic_embedding(model)),
        (read_embeddings(lists).contour, flame_file.dynamic_embedding(model)),
        (read_embeddings(arrays).contour, flame_file.dynamic_embedding(model)),
        (whole.full, flame_file.full_embedding(model)),
    ):
        assert found is not None
        np.testing.assert_array_equal(found.faces, expected.faces)
        np.testing.assert_allclose(found.weights, expected.weights, rtol=1e-12)


def test_seventy_points_are_the_68_and_two_pupils(tmp_path: Path, model: FlameModel) -> None:
    full = flame_file.full_embedding(model)
    table = {
        "full_lmk_faces_idx": np.append(full.faces, [5000, 6000])[None],
        "full_lmk_bary_coords": np.concatenate([full.weights, np.full((2, 3), 1 / 3)])[None],
    }
    found = read_embeddings(save(tmp_path / "landmark_embedding_with_eyes.npy", table))
    assert found.full is not None
    np.testing.assert_array_equal(found.full.faces, full.faces)


THIRDS = np.full((51, 3), 1 / 3)


@pytest.mark.parametrize(
    ("table", "code", "said"),
    [
        ({"points": np.ones(3)}, "model_missing_key", "holds points"),
        ({"lmk_face_idx": np.arange(51)}, "model_missing_key", "lmk_b_coords"),
        ({"lmk_face_idx": np.arange(51) + 9940, "lmk_b_coords": THIRDS}, "model_mismatch", "9990"),
        ({"lmk_face_idx": np.arange(51) - 1, "lmk_b_coords": THIRDS}, "model_mismatch", "FLAME"),
        (
            {"lmk_face_idx": np.arange(105), "lmk_b_coords": np.full((105, 3), 1 / 3)},
            "model_mismatch",
            "105 points",
        ),
        ({"lmk_face_idx": np.arange(51), "lmk_b_coords": THIRDS[:50]}, "model_shape", "(50, 3)"),
        ({"lmk_face_idx": np.arange(51.0), "lmk_b_coords": THIRDS}, "model_shape", "float64"),
        (
            {"full_lmk_faces_idx": np.arange(68)[None], "full_lmk_bary_coords": np.float64(1)},
            "model_shape",
            "()",
        ),
        ({"lmk_face_idx": np.arange(51), "lmk_b_coords": 2 * THIRDS}, "model_mismatch", "sum to 1"),
        (
            {"lmk_face_idx": np.arange(51), "lmk_b_coords": THIRDS * np.nan},
            "model_not_finite",
            "lmk_b_coords",
        ),
    ],
)
def test_wrong_embeddings(tmp_path: Path, table: dict[str, Any], code: str, said: str) -> None:
    for name in ("a.npy", "a.pkl"):
        error = refused(read_embeddings, save(tmp_path / name, table))
        assert error.code == code
        assert said in error.message


def test_masks(tmp_path: Path, model: FlameModel) -> None:
    path = flame_file.write_masks(tmp_path / "FLAME_masks.pkl", model)
    masks = read_masks(path)
    assert tuple(masks) == NAMES
    assert len(NAMES) == 14
    for name, ids in flame_file.flame_masks(model).items():
        np.testing.assert_array_equal(np.flatnonzero(masks[name]), ids)
    part = parts_of(masks)
    assert np.bincount(part).tolist()[:2] == [masks["face"].sum(), 3931 - masks["face"].sum()]
    assert len(parts_of({"face": masks["face"]})) == 0
    path.write_bytes(path.read_bytes()[:-40])
    assert refused(read_masks, path).code == "weights_damaged"


@pytest.mark.parametrize(
    ("table", "code", "said"),
    [
        ({"face": np.array([5023])}, "model_mismatch", "vertex 5023"),
        ({"face": np.array([-1, 3])}, "model_mismatch", "FLAME has 5023"),
        ({"face": np.array([1.5])}, "model_shape", "float64"),
        ({"face": np.ones((2, 2), int)}, "model_shape", "(2, 2)"),
        ({"hat": np.array([1])}, "model_missing_key", "holds hat"),
    ],
)
def test_wrong_masks(tmp_path: Path, table: dict[str, Any], code: str, said: str) -> None:
    error = refused(read_masks, save(tmp_path / "FLAME_masks.pkl", table))
    assert error.code == code
    assert said in error.message


def test_two_files_make_the_68_points(tmp_path: Path, bare: Path, model: FlameModel) -> None:
    static = flame_file.write_static_embedding(tmp_path / "flame_static_embedding.pkl", model)
    moving = flame_file.write_dynamic_embedding(tmp_path / "flame_dynamic_embedding.npy", model)
    head = flame.read(bare, [static, moving])
    jaw = flame_file.dynamic_embedding(model)
    np.testing.assert_array_equal(head.landmark_vertices[:17], model.f[jaw.faces[0]])
    np.testing.assert_allclose(head.landmark_weights[:17], jaw.weights[0], rtol=1e-6)
    np.testing.assert_array_equal(head.landmark_vertices[17:], head.static_vertices)
    assert "at yaw 0" in " ".join(head.provenance.notes)
    alone = flame.read(bare, [static])
    known = alone.landmark_known.numpy()
    np.testing.assert_array_equal(np.flatnonzero(known), np.arange(17, 68))
    points = alone.landmarks(alone.mean)
    assert bool(torch.isnan(points[:17]).all())
    torch.testing.assert_close(points[17:], head.landmarks(head.mean)[17:])
    assert torch.equal(alone.now7, head.now7)
    assert "0 to 16 are unknown" in " ".join(alone.provenance.notes)


def test_the_full_set_alone_gives_the_static_points(tmp_path: Path, bare: Path, model: FlameModel) -> None:
    full = flame_file.full_embedding(model)
    table = {"full_lmk_faces_idx": full.faces, "full_lmk_bary_coords": full.weights}
    head = flame.read(bare, [save(tmp_path / "landmark_embedding.npy", table)])
    assert torch.equal(head.static_vertices, head.landmark_vertices[17:])
    assert len(head.now7) == 7
    assert not len(head.contour)


def test_what_was_given_must_fit_and_what_lies_beside_is_left_out(
    tmp_path: Path, bare: Path, model: FlameModel
) -> None:
    masks = save(tmp_path / "FLAME_masks.pkl", {"face": np.array([9999])})
    error = refused(lambda path: flame.read(bare, [path]), masks)
    assert error.code == "model_mismatch"
    path = tmp_path / "flame.npz"
    path.symlink_to(bare)
    head = flame.read(path)
    assert not head.regions
    notes = " ".join(head.provenance.notes)
    assert "FLAME_masks.pkl beside the model was left out" in notes
    assert [s.name for s in head.provenance.sources] == ["flame.npz"]
    with pytest.raises(WeightsError) as caught:
        flame.read(bare, [tmp_path / "notes.txt"])
    assert caught.value.code == "model_kind"


def test_a_template_gives_texture_coordinates(tmp_path: Path, bare: Path, model: FlameModel) -> None:
    vt, ft = texture_map(model)
    path = tmp_path / "head_template.obj"
    faces = model.f.astype(np.int64)
    path.write_bytes(obj.encode(TriangleMesh(model.v_template, faces, uv=vt, uv_faces=ft)))
    head = flame.read(bare, [path, write_bfm_albedo(tmp_path / "FLAME_albedo_from_BFM.npz", 8, 60)])
    np.testing.assert_allclose(head.uv, vt, atol=1e-6)
    np.testing.assert_array_equal(head.uv_faces, ft)
    assert head.albedo.shape == (50, 5023, 3)
    assert head.albedo_space == "srgb"
    path.write_bytes(obj.encode(TriangleMesh(model.v_template, faces[::-1].copy(), uv=vt, uv_faces=ft)))
    assert refused(lambda p: flame.read(bare, [p]), path).code == "model_mismatch"
    path.write_bytes(obj.encode(TriangleMesh(model.v_template, faces)))
    assert "without texture coordinates" in refused(lambda p: flame.read(bare, [p]), path).message


def test_a_texture_gives_colors(tmp_path: Path, bare: Path, model: FlameModel) -> None:
    path = write_albedo_mm(tmp_path / "albedoModel2020_FLAME_albedoPart.npz", model, 16, 20)
    head = flame.read(bare, [path])
    assert (head.albedo_space, len(head.albedo)) == ("linear", 20)
    assert head.has_field("uv")
    assert "academic" in head.license
    assert head.provenance.sources == (SourceFile.of(bare), SourceFile.of(path))
    red, _, blue = head.mean_albedo.mean(0).tolist()
    assert red > blue
    with pytest.raises(WeightsError) as caught:
        flame.read(bare, [write_bfm_albedo(tmp_path / "FLAME_albedo_from_BFM.npz", 8, 5)])
    assert caught.value.code == "head_lacks"


def test_textures_beside_the_model_are_not_taken(tmp_path: Path, bare: Path) -> None:
    (tmp_path / "flame.npz").symlink_to(bare)
    write_bfm_albedo(tmp_path / "FLAME_albedo_from_BFM.npz", 8, 5)
    head = flame.read(tmp_path / "flame.npz")
    assert not head.has_field("albedo_mean")
    assert "no texture was given" in " ".join(head.provenance.notes)


def test_python2_masks_of_lists(tmp_path: Path) -> None:
    """A list of plain numbers reads like an array."""
    path = tmp_path / "FLAME_masks.pkl"
    path.write_bytes(python2_pickle({"face": [1, 2, 5], "nose": np.array([7])}))
    assert np.flatnonzero(read_masks(path)["face"]).tolist() == [1, 2, 5]


def test_keys_that_python_3_saved_again_as_bytes(tmp_path: Path) -> None:
    path = save(tmp_path / "FLAME_masks.pkl", {b"face": np.array([1, 2]), b"scalp": np.array([3])})
    masks = read_masks(path)
    assert np.flatnonzero(masks["face"]).tolist() == [1, 2]
    assert np.flatnonzero(masks["scalp"]).tolist() == [3]
