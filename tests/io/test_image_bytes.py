"""The small encoders: pictures, seams, texture lookups, landmarks, parameters, OBJ with MTL."""

import dataclasses
import io
import json
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from PIL import Image

from headform.export import _landmarks_json as landmarks_json
from headform.export import _wavefront as wavefront
from headform.export import parameters
from headform.export._landmarks_json import Landmarks
from headform.export._seams import split_at_seams
from headform.io import image_bytes
from headform.io.mesh import obj
from headform.io.mesh.triangle_mesh import TriangleMesh

NOISE = np.random.default_rng(1).integers(0, 256, (20, 30, 3), dtype=np.uint8)


def test_png_is_exact_and_bare() -> None:
    picture = Image.open(io.BytesIO(image_bytes.png(NOISE[:, ::-1])))
    assert np.array_equal(np.asarray(picture), NOISE[:, ::-1])
    assert picture.info == {}


def test_jpeg_is_close_without_metadata_or_lost_color() -> None:
    red = np.zeros((16, 16, 3), np.uint8)
    red[:, 8:, 0] = 200
    picture = Image.open(io.BytesIO(image_bytes.jpeg(red, quality=95)))
    assert not {"exif", "icc_profile", "comment"} & set(picture.info)
    error = np.abs(np.asarray(picture).astype(int) - red)
    assert error.max() < 12  # subsampled chroma would bleed across the edge


triangles = npst.arrays(np.int64, (8, 3), elements=st.integers(0, 5))


@given(triangles, triangles)
def test_seams_split_every_pair_once(faces: np.ndarray, uv_faces: np.ndarray) -> None:
    split = split_at_seams(faces, uv_faces)
    assert np.array_equal(split.vertex_of[split.faces], faces)
    assert np.array_equal(split.uv_of[split.faces], uv_faces)
    pairs = set(zip(faces.ravel().tolist(), uv_faces.ravel().tolist(), strict=True))
    assert len(split.vertex_of) == len(pairs)


def test_seams_refuse_missing_coordinates_and_other_shapes() -> None:
    with pytest.raises(ValueError, match="every corner"):
        split_at_seams(np.array([[0, 1, 2]]), np.array([[0, -1, 2]]))
    with pytest.raises(ValueError, match="differ in shape"):
        split_at_seams(np.array([[0, 1, 2]]), np.zeros((2, 3), np.int64))


def landmarks(**changes: object) -> Landmarks:
    made = Landmarks(
        points68=np.linspace(0, 100, 136).reshape(68, 2),
        box=np.array([1.0, 2, 3.23456, 4]),
        confidence=0.87654321,
        status="low_confidence",
        reasons=['said "no", "maybe", ', "Grün"],
        image_size=(640, 480),
        dense=np.ones((3, 2)),
        dense_sigma=np.array([0.5, 1, 2]),
        head_name="egg",
        head_sha256="ab",
        state68=["seen", "outside", "covered"],
    )
    return dataclasses.replace(made, **changes)


def test_landmarks_read_back() -> None:
    given_ = landmarks()
    said = json.loads(landmarks_json.encode(given_))
    np.testing.assert_allclose(said["points68"], given_.points68, atol=5e-4)
    assert len(said["points68"]) == 68
    assert said["box"] == [1, 2, 3.235, 4]
    assert said["confidence"] == 0.8765
    assert said["status"] == "low_confidence"
    assert said["reasons"] == ['said "no", "maybe", ', "Grün"]
    assert said["image_size"] == [640, 480]
    assert said["state68"] == ["seen", "outside", "covered"]
    assert said["dense_sigma"] == [0.5, 1, 2]
    assert said["head"] == {"name": "egg", "sha256": "ab"}
    assert "0.5, 0.5" in said["pixel_origin"]


def test_landmarks_refuse_nan() -> None:
    with pytest.raises(ValueError, match="JSON"):
        landmarks_json.encode(landmarks(box=np.array([1.0, np.nan, 3, 4])))


def test_parameters_read_back_and_are_reproducible() -> None:
    arrays = {
        "vertices": np.arange(6, dtype=np.float32).reshape(2, 3),
        "faces": np.array([[0, 1, 1]], np.int32),
        "head_name": np.array("egg"),
        "names": np.array(["a", "bcd"]),
    }
    data = parameters.encode(arrays)
    assert data == parameters.encode(arrays)
    assert {i.date_time[0] for i in zipfile.ZipFile(io.BytesIO(data)).infolist()} == {1980}
    with np.load(io.BytesIO(data), allow_pickle=False) as back:
        assert set(back.files) == set(arrays)
        for name, array in arrays.items():
            assert back[name].dtype == array.dtype
            assert np.array_equal(back[name], array)


def test_parameters_refuse_objects_and_nan() -> None:
    with pytest.raises(ValueError, match="holds NaN"):
        parameters.encode({"a": np.array([1.0, np.inf])})
    with pytest.raises(ValueError, match="Object arrays"):
        parameters.encode({"a": np.array([None])})


def test_obj_names_its_material_and_texture_relatively() -> None:
    mesh = TriangleMesh(
        np.eye(3),
        np.array([[0, 1, 2]]),
        uv=np.array([[0.0, 0], [1, 0], [0, 1]]),
        uv_faces=np.array([[2, 1, 0]]),
        colors=np.eye(3),
    )
    files = wavefront.encode(mesh, comment="MIT\nmeters")
    assert set(files) == {"head.obj", "head.mtl"}
    material, body = files["head.mtl"].decode(), files["head.obj"].decode()
    assert "mtllib head.mtl\n" in body
    assert "map_Kd texture.png\n" in material
    name = next(line for line in material.splitlines() if line.startswith("newmtl")).split()[1]
    assert f"usemtl {name}\n" in body
    back = obj.decode(files["head.obj"])
    assert back.colors is None  # readers of the evaluation tools fail on colored vertices
    assert back.uv_faces is not None
    assert back.uv_faces.tolist() == [[2, 1, 0]]
