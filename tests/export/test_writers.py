"""The folder of a result: what is asked for is there, says the same in every format, and whole."""

import dataclasses
import io
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from headform.errors import ResourceError, UsageError
from headform.export import writers
from headform.export.morph_targets import ARKIT_NAMES
from headform.export.writers import (
    FORMATS,
    chosen_texture,
    encode_all,
    encode_landmarks,
    encode_parameters,
    glb_texture,
    write_reconstruction,
)
from headform.geometry.camera import PerspectiveCamera
from headform.io.mesh import obj, ply
from headform.pipeline.reconstruction import Reconstruction

ALWAYS = {"parameters.npz", "landmarks.json"}


@pytest.mark.parametrize(
    ("formats", "names"),
    [
        ([], set()),
        (["glb"], {"head.glb"}),
        (["obj"], {"head.obj", "head.mtl", "texture.png", "albedo.png"}),
        (["ply", "png"], {"head.ply", "overlay.png"}),
        (["html"], {"report.html"}),
    ],
)
def test_what_is_asked_for_and_no_more(
    tmp_path: Path,
    result: Reconstruction,
    formats: list[str],
    names: set[str],
) -> None:
    written = write_reconstruction(result, tmp_path / "a" / "b", formats)
    assert {path.name for path in written} == names | ALWAYS
    assert set(os.listdir(tmp_path / "a" / "b")) == names | ALWAYS  # nothing temporary is left


def test_parameters_hold_every_number(result: Reconstruction) -> None:
    data = writers.encode_parameters(result)
    with np.load(io.BytesIO(data), allow_pickle=False) as said:
        assert said["vertices"].dtype == np.float32
        assert said["faces"].dtype == np.int32
        assert np.array_equal(said["vertices"], result.vertices)
        assert np.array_equal(said["neutral"], result.neutral)
        assert np.array_equal(said["faces"], result.head.faces.numpy())
        for name in ("identity", "expression", "gaze", "light"):
            np.testing.assert_allclose(said[name], getattr(result, name), rtol=1e-6)
        assert said["expression_names"].tolist() == list(result.head.expression_names)
        assert said["image_size"].tolist() == [320, 240]
        assert str(said["head_name"]) == "egg"
        assert str(said["head_sha256"]) == "ab" * 32
        # The camera of the file projects the file's vertices to where the pipeline had them.
        camera = said["vertices"].astype(np.float64) @ said["R"].T + said["t"]
        pixels = camera @ said["K"].T
        expected = result.camera.project(result.vertices)
        np.testing.assert_allclose(pixels[:, :2] / pixels[:, 2:], expected[:, :2], atol=1e-9)


def test_all_formats_hold_the_same_head(result: Reconstruction) -> None:
    files = encode_all(result, ["glb", "obj", "ply"])
    wavefront, polygons = obj.decode(files["head.obj"]), ply.decode(files["head.ply"])
    assert np.array_equal(wavefront.vertices.astype(np.float32), result.vertices)
    assert np.array_equal(polygons.vertices.astype(np.float32), result.vertices)
    assert np.array_equal(wavefront.faces, polygons.faces)
    assert polygons.colors is not None
    assert polygons.colors.std(0).max() > 0.05
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(files["texture.png"]))), result.texture)


def test_glb_is_neutral_with_the_photos_expression_and_gaze_as_weights(
    result: Reconstruction,
) -> None:
    data = writers.encode_glb(result, result.texture)
    size = int.from_bytes(data[12:16], "little")
    document = json.loads(data[20 : 20 + size])
    position = document["meshes"][0]["primitives"][0]["attributes"]["POSITION"]
    used = result.neutral[np.unique(result.head.faces.numpy())]
    assert document["accessors"][position]["max"] == used.max(0).tolist()
    weights = dict(zip(ARKIT_NAMES, document["meshes"][0]["weights"], strict=True))
    assert weights["jawOpen"] == 0.5
    assert weights["mouthSmileLeft"] == 0.8
    assert weights["eyeLookOutLeft"] == weights["eyeLookInRight"] > 0.3
    assert weights["eyeLookDownLeft"] == weights["eyeLookDownRight"] > 0.2
    assert weights["eyeLookInLeft"] == weights["eyeLookUpLeft"] == weights["tongueOut"] == 0
    assert document["asset"]["copyright"] == result.head.license
    assert b"nobody" not in data  # neither the photo's name nor the person's


def test_textures(result: Reconstruction) -> None:
    assert chosen_texture(result, "photo") is result.texture
    assert chosen_texture(result, "both") is result.texture
    assert chosen_texture(result, "albedo") is result.albedo_texture
    lit, unlit = glb_texture(result, "both")
    assert lit is result.albedo_texture
    assert not unlit
    photo, unlit = glb_texture(result, "photo")
    assert photo is result.texture
    assert unlit
    assert glb_texture(replace(result, albedo_texture=None), "albedo")[1], "the photo in its place is unlit too"
    assert not glb_texture(replace(result, albedo_texture=None, texture=None), "both")[1], "gray is lit"
    files = encode_all(result, ["obj"], "both")
    albedo = np.asarray(Image.open(io.BytesIO(files["albedo.png"])))
    assert np.array_equal(albedo, result.albedo_texture)
    assert "albedo.png" not in encode_all(result, ["obj"], "albedo")


@pytest.mark.parametrize(("choice", "unlit"), [("photo", True), ("albedo", False), ("both", False)])
def test_a_texture_with_light_in_it_is_marked_unlit(result: Reconstruction, choice: str, unlit: bool) -> None:
    data = encode_all(result, ["glb"], choice)["head.glb"]
    document = json.loads(data[20 : 20 + int.from_bytes(data[12:16], "little")])
    assert [material["name"] for material in document["materials"]] == ["skin", "eyes"]
    for material in document["materials"]:
        assert ("KHR_materials_unlit" in material.get("extensions", {})) is unlit
    assert ("KHR_materials_unlit" in document.get("extensionsUsed", [])) is unlit


def test_writing_again_replaces_and_leaves_other_files_alone(tmp_path: Path, result: Reconstruction) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "head.ply").write_text("old")
    first = write_reconstruction(result, tmp_path, ["ply"])
    before = {path.name: path.read_bytes() for path in first}
    second = write_reconstruction(result, tmp_path, ["ply"])
    assert {path.name: path.read_bytes() for path in second} == before
    assert before["head.ply"].startswith(b"ply\n")
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_nothing_is_written_when_encoding_fails(tmp_path: Path, result: Reconstruction, photo: np.ndarray) -> None:
    with pytest.raises(ValueError, match="the photo is"):
        write_reconstruction(result, tmp_path / "new", FORMATS, photo_rgb=photo[1:])
    assert not (tmp_path / "new").exists()


def test_mistakes_are_explained(tmp_path: Path, result: Reconstruction) -> None:
    with pytest.raises(UsageError) as usage:
        write_reconstruction(result, tmp_path, ["glb", "fbx"])
    assert usage.value.code == "unknown_format"
    assert "fbx" in str(usage.value)
    (tmp_path / "file").touch()
    with pytest.raises(ResourceError) as resource:
        write_reconstruction(result, tmp_path / "file" / "x", [])
    assert resource.value.code == "write_failed"


def test_a_reduced_photo_is_written_in_original_pixels(result: Reconstruction) -> None:
    reduced = replace(result, reduction=2)
    plain, double = (json.loads(encode_landmarks(r)) for r in (result, reduced))
    np.testing.assert_allclose(double["points68"], 2 * np.array(plain["points68"]), atol=0.02)
    np.testing.assert_allclose(double["box"], 2 * np.array(plain["box"]), atol=0.02)
    with np.load(io.BytesIO(encode_parameters(reduced))) as arrays:
        camera = PerspectiveCamera(arrays["K"], arrays["R"], arrays["t"])
        assert tuple(arrays["image_size"]) == tuple(2 * side for side in result.image_size)
        there = camera.project(result.vertices.astype(np.float64))[:, :2]
    here = result.camera.project(result.vertices.astype(np.float64))[:, :2]
    np.testing.assert_allclose(there, 2 * here, atol=1e-6)


def test_formats_that_are_not_asked_for_again_are_removed(tmp_path: Path, result: Reconstruction) -> None:
    write_reconstruction(result, tmp_path, ["obj", "glb"])
    write_reconstruction(result, tmp_path, ["ply"])
    assert {path.name for path in tmp_path.iterdir()} == {"parameters.npz", "landmarks.json", "head.ply"}


@pytest.mark.parametrize("text", ["\ud800 \udce9", "a\nv 0 0 0\nend_header", "\x1b[31m"])
def test_names_in_a_foreign_head_are_written_as_text(result: Reconstruction, text: str) -> None:
    head = dataclasses.replace(result.head, name=text, license=text)
    files = encode_all(dataclasses.replace(result, head=head), FORMATS)
    assert json.loads(files["landmarks.json"])["head"]["name"] == text
    assert len(obj.decode(files["head.obj"]).vertices) == len(result.vertices)
    assert len(ply.decode(files["head.ply"]).vertices) == len(result.vertices)
    assert b"\x1b" not in files["report.html"]
