"""ICT-FaceKit Light unchanged: the published OBJ files, an incomplete folder of them, and the same as arrays."""

import re
from pathlib import Path

import numpy as np
import pytest

from headform.errors import WeightsError
from headform.heads.linear import PARTS, LinearHead
from headform.heads.validation import check_head
from headform.importers import ict, ict_model

VERTICES = 26719


def refusal(path: Path) -> WeightsError:
    with pytest.raises(WeightsError) as caught:
        ict.read(path)
    return caught.value


@pytest.fixture(scope="module")
def published(data_root: Path) -> LinearHead:
    """The original OBJ files of a few shapes."""
    return ict.read(data_root / "ict_facekit/FaceXModel")


def vertices(path: Path) -> np.ndarray:
    """The `v` lines of an OBJ, by a plain loop."""
    found = re.findall(r"^v (\S+) (\S+) (\S+)\s*$", path.read_text(), re.M)
    return np.array(found, dtype=np.float64)


def test_the_published_files(data_root: Path, published: LinearHead) -> None:
    folder = data_root / "ict_facekit/FaceXModel"
    check_head(published)
    neutral = vertices(folder / "generic_neutral_mesh.obj")
    np.testing.assert_allclose(published.mean, neutral / 100, atol=1e-8)
    assert published.identity.shape == (2, VERTICES, 3)
    for mode in range(2):
        shape = vertices(folder / f"identity00{mode}.obj") - neutral
        np.testing.assert_allclose(published.identity[mode], shape / 100, atol=1e-8)
    names = ("eyeBlink_R", "mouthSmile_L", "mouthUpperUp_L", "jawOpen")
    assert published.expression_names == names
    for name, shape in zip(names, published.expression, strict=True):
        moved = vertices(folder / f"{name}.obj") - neutral
        np.testing.assert_allclose(shape, moved / 100, atol=1e-8)
    notes = published.provenance.notes
    missing = "97 identity modes are missing: identity002 to identity056, identity058 to identity099"
    assert missing in notes
    assert "left out, since their numbers would change: identity057" in notes
    absent = next(note for note in notes if "expressions are missing" in note)
    assert absent.startswith("49 expressions are missing: browDown_L, ")
    assert set(absent.partition(": ")[2].split(", ")) == set(ict_model.EXPRESSIONS) - set(names)
    points = published.landmarks(published.mean)
    assert float((points[36] - points[45]).norm()) == pytest.approx(0.0892, abs=1e-4)


def test_the_arrays_say_the_same(data_root: Path, published: LinearHead) -> None:
    path = data_root / "ict_facekit/all_modes.npz"
    head = ict.read(path)
    check_head(head)
    assert ict.recognizes(path)
    assert ict.recognizes(data_root / "ict_facekit")
    assert ict.recognizes(data_root / "ict_facekit/FaceXModel/generic_neutral_mesh.obj")
    assert head.identity.shape == (100, VERTICES, 3)
    assert head.expression_names[:53] == ict_model.EXPRESSIONS
    assert set(head.expression_names[53:]) == set(ict_model.EXTRA)
    np.testing.assert_allclose(head.uv, published.uv, atol=3e-7)
    for name in ("faces", "uv_faces", "part", "landmark_vertices"):
        np.testing.assert_array_equal(getattr(head, name), getattr(published, name))
    np.testing.assert_allclose(head.identity[:2], published.identity, atol=3e-8)
    for name, shape in zip(published.expression_names, published.expression, strict=True):
        other = head.expression[head.expression_names.index(name)]
        np.testing.assert_allclose(other, shape, atol=3e-8)
    assert not any("missing" in note for note in head.provenance.notes)


def test_triangles_and_texture(data_root: Path, published: LinearHead) -> None:
    assert len(published.faces) == 2 * 25836 + 548
    used = published.uv.numpy()
    assert used.min() >= 0
    assert used.max() <= 1
    model = ict_model.read(data_root / "ict_facekit")
    cut = [
        (corners[0], corners[k], corners[k + 1])
        for corners in model.polygon_tuples()
        for k in range(1, len(corners) - 1)
    ]
    np.testing.assert_array_equal(published.faces, cut)
    corner = model.polygon_uvs[:, 0]
    tile = used[published.uv_faces[:, 0].numpy()] - model.uv[corner].repeat(
        [len(c) - 2 for c in model.polygon_tuples()], axis=0
    )
    np.testing.assert_allclose(tile, np.round(tile), atol=1e-6)  # moved by whole tiles alone
    assert -6 <= np.round(tile).min() < -1
    mesh = published.mean.numpy()[published.faces.numpy()]
    normal = np.cross(mesh[:, 1] - mesh[:, 0], mesh[:, 2] - mesh[:, 0])
    face = published.regions["face"].numpy()[published.faces.numpy()].all(1)
    assert (normal[face, 2].sum()) > 0  # the face looks along +z


def test_parts(published: LinearHead) -> None:
    eyes = [published.eye_center(published.mean, name) for name in ("eye_right", "eye_left")]
    assert float(eyes[0][0]) == pytest.approx(-0.0319, abs=1e-3)
    assert float(eyes[1][0]) == pytest.approx(0.0319, abs=1e-3)
    assert int(published.regions["face"].sum()) == 9409
    assert int(published.regions["lashes"].sum()) == 26719 - 25351
    lashes = published.part[published.regions["lashes"]]
    assert set(lashes.tolist()) == {PARTS.index("socket_right"), PARTS.index("socket_left")}
    covered = sum(m.int() for n, m in published.regions.items() if n != "narrow_face")
    assert bool((covered == 1).all())


def test_arkit_names() -> None:
    weights = {
        "eyeBlinkLeft": 0.2,
        "mouthLeft": 0.3,
        "browInnerUp": 0.4,
        "tongueOut": 1.0,
        "jawOpen": 0.5,
    }
    assert ict.ict_weights_from_arkit(weights) == {
        "eyeBlink_L": 0.2,
        "mouthLeft": 0.3,
        "browInnerUp_L": 0.4,
        "browInnerUp_R": 0.4,
        "jawOpen": 0.5,
    }
    stems = [n.partition("_") for n in ict_model.EXPRESSIONS]
    named = {
        stem if stem in ("browInnerUp", "cheekPuff") else stem + {"L": "Left", "R": "Right", "": ""}[side]
        for stem, _, side in stems
    }
    assert len(named) == 51
    assert set(ict.ict_weights_from_arkit(dict.fromkeys(named, 1.0))) == set(ict_model.EXPRESSIONS)


def made() -> dict[str, np.ndarray]:
    """The arrays of all_modes.npz, with made numbers."""
    rng = np.random.default_rng(0)
    neutral = rng.normal(0, 5, (VERTICES, 3)).astype(np.float32)
    neutral[ict_model.LANDMARKS68[36]], neutral[ict_model.LANDMARKS68[45]] = (-4.5, 3, 3), (4.5, 3, 3)
    polygons = rng.integers(0, VERTICES, (50, 4)).astype(np.int32)
    polygons[:7, 3] = -1
    return {
        "neutral": neutral,
        "uv": rng.uniform(0, 1, (60, 2)).astype(np.float32),
        "polygons": polygons,
        "polygon_uvs": np.where(polygons < 0, -1, rng.integers(0, 60, (50, 4))).astype(np.int32),
        "identity": np.zeros((2, VERTICES, 3), np.float32),
        "expression": np.ones((1, VERTICES, 3), np.float32),
        "expression_names": np.array(["jawOpen"]),
    }


def test_wrong_arrays(tmp_path: Path) -> None:
    path = tmp_path / "all_modes.npz"
    arrays = made()
    np.savez(path, **arrays)
    head = ict.read(tmp_path)
    assert len(head.faces) == 7 + 2 * 43
    assert any("52 expressions are missing" in note for note in head.provenance.notes)
    cases = [
        ("model_shape", "neutral", arrays["neutral"][:-1]),
        ("model_shape", "neutral", np.zeros((VERTICES, 3), int)),
        ("model_shape", "expression_names", np.array([1])),
        ("model_shape", "expression_names", np.array(["jawOpen", "jawLeft"])),
        ("model_shape", "identity", arrays["identity"][:, :-1]),
        ("model_shape", "polygon_uvs", arrays["polygon_uvs"][:-1]),
        ("model_index", "polygons", arrays["polygons"] + VERTICES),
        ("model_index", "polygon_uvs", arrays["polygon_uvs"] + 60),
        ("model_not_finite", "neutral", arrays["neutral"] * np.nan),
        ("model_not_finite", "identity", arrays["identity"] * np.nan),
        ("model_not_finite", "uv", arrays["uv"] * np.nan),
        ("model_unit", "neutral", arrays["neutral"] * 10),
        ("unsafe_pickle", "identity", np.array([object()])),
    ]
    for code, name, value in cases:
        np.savez(path, **(arrays | {name: value}))
        assert refusal(path).code == code, name
    del arrays["identity"]
    np.savez(path, **arrays)
    assert refusal(path).code == "model_missing_key"
    assert not ict.recognizes(path)
    path.write_bytes(path.read_bytes()[:-40])
    assert refusal(path).code == "weights_damaged"


def test_wrong_folders(tmp_path: Path) -> None:
    assert refusal(tmp_path).code == "model_missing_key"
    assert not ict.recognizes(tmp_path)
    neutral = tmp_path / "generic_neutral_mesh.obj"
    neutral.write_text("v 1 2 3\n")
    assert refusal(tmp_path).code == "model_shape"
    neutral.write_text("v 1 2 x\n")
    assert refusal(tmp_path).code == "weights_damaged"
    vertices = "v 1 2 3\n" * VERTICES
    for rest in ("", "usemtl a\nf 1 2 3\n", "usemtl a\nvt 0 0\nf a/1 2/1 3/1\n"):
        neutral.write_text(vertices + rest)
        assert refusal(tmp_path).code == "weights_damaged"
    neutral.write_text(vertices + "usemtl a\nvt 0 0\nf 1/1 2/1 30000/1\n")
    assert refusal(tmp_path).code == "model_index"


def test_the_source_of_the_open_head_is_read_with_care(tmp_path: Path) -> None:
    path = tmp_path / "all_modes.npz"
    path.write_bytes(b"no archive")
    with pytest.raises(WeightsError) as caught:
        ict_model.read(path)
    assert caught.value.code == "weights_damaged"
    np.savez(path, neutral=np.array([{}], object))
    with pytest.raises(WeightsError) as caught:
        ict_model.read(path)
    assert caught.value.code == "unsafe_pickle"
    np.savez(path, neutral=np.ones((3, 3)))
    with pytest.raises(WeightsError, match="there is no") as missing:
        ict_model.read(path)
    assert missing.value.code == "model_missing_key"
