"""New points for old poses: order, layouts, and what does not belong together."""

import json

import numpy as np
import pytest

from headform.errors import InputError
from headform.evaluate.landmarks68.landmark_files import (
    ORIGINAL,
    LandmarkAnnotation,
    read_annotations,
)
from headform.evaluate.landmarks68.reannotation import reannotated
from headform.geometry.head_angles import rotation_from_aflw2000_degrees

RNG = np.random.default_rng(4)


def faces(count: int = 3) -> list[LandmarkAnnotation]:
    """In the opposite order of their names."""
    turn = rotation_from_aflw2000_degrees(40.0, 0.0, 0.0)
    return [
        LandmarkAnnotation(f"z/image{k:05d}.jpg", "s", RNG.uniform(100, 300, (68, 2)), ORIGINAL, turn, 40.0)
        for k in range(count)
    ][::-1]


@pytest.mark.parametrize("layout", ["N 2 68", "N 3 68", "N 68 2"])
def test_points_go_to_the_faces_by_name(tmp_path, layout):
    old = faces()
    moved = np.stack([face.points + 5 for face in old[::-1]]) - 0.5  # from the center, by name
    if "3" in layout:
        moved = np.concatenate([moved, np.zeros((3, 68, 1))], axis=2)
    path = tmp_path / "new.npy"
    np.save(path, moved if layout.endswith("2") else moved.swapaxes(1, 2).astype(np.float32))
    new = reannotated(old, path)
    assert [face.photo for face in new] == [face.photo for face in old[::-1]]
    for face, before in zip(new, old[::-1], strict=True):
        np.testing.assert_allclose(face.points, before.points + 5, atol=1e-4)
        assert face.ground_truth == "re-annotated (new.npy)"
        assert face.yaw == 40
        assert face.rotation is before.rotation


def test_what_does_not_belong_together_is_refused(tmp_path):
    old, path = faces(), tmp_path / "new.npy"
    right = np.stack([face.points for face in old[::-1]])
    np.save(path, right[:2])
    with pytest.raises(InputError, match="holds 2 faces, the folder 3"):
        reannotated(old, path)
    np.save(path, right[::-1] + 300)
    with pytest.raises(InputError, match="not those of") as caught:
        reannotated(old, path)
    assert caught.value.code == "annotations_mismatch"
    np.save(path, right)
    other = [LandmarkAnnotation(face.photo, "s", face.points, "a list") for face in old]
    with pytest.raises(InputError, match="not those of"):
        reannotated(other, path)


@pytest.mark.parametrize("content", [np.zeros((3, 68)), np.full((3, 2, 68), np.nan), np.zeros((3, 4, 5))])
def test_arrays_of_another_kind_are_refused(tmp_path, content):
    np.save(tmp_path / "new.npy", content)
    with pytest.raises(InputError) as caught:
        reannotated(faces(), tmp_path / "new.npy")
    assert caught.value.code == "annotations_invalid"


def test_files_that_are_no_arrays(tmp_path):
    (tmp_path / "new.npy").write_bytes(b"no array")
    for path, code in (
        (tmp_path / "new.npy", "annotations_invalid"),
        (tmp_path / "x.npy", "annotations_unreadable"),
    ):
        with pytest.raises(InputError) as caught:
            reannotated(faces(), path)
        assert caught.value.code == code


def test_the_order_is_that_of_names_on_real_annotations(data_root, tmp_path):
    """The places of 16 photos in the published array rise with their names, and the points fit."""
    folder = data_root / "photos" / "aflw2000_prnet"
    known = json.loads((folder / "landmarks68.json").read_text())
    places = [known[name]["index"] for name in sorted(known)]
    assert places == sorted(places)
    rows = [np.array(known[name]["pts68_reannotated"]).T for name in sorted(known)]
    np.save(tmp_path / "new.npy", np.stack(rows))
    new = reannotated(read_annotations(folder), tmp_path / "new.npy")
    listed = {face.photo: face.points for face in read_annotations(data_root / "photos" / "landmarks68.json")}
    for face in new:
        name = face.photo.rsplit("/")[-1]
        np.testing.assert_allclose(face.points, listed[f"aflw2000_prnet/{name}"])
