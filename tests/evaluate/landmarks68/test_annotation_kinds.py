"""Truths of every kind through one door, and predictions with poses."""

import json

import numpy as np
import pytest
from scipy.io import savemat
from scipy.spatial.transform import Rotation

from headform.errors import InputError
from headform.evaluate.landmarks68.landmark_files import ORIGINAL, PTS, read_annotations, read_predictions
from headform.evaluate.landmarks68.landmarks import evaluate_folder
from headform.evaluate.landmarks68.pose import seen_along_ray
from headform.export import parameters
from headform.geometry.camera import FRONTAL
from headform.geometry.head_angles import rotation_from_aflw2000_degrees

POINTS = np.column_stack([100 + np.arange(68) * 1.5, 300 - np.arange(68) * 0.25])


def write_pts(path, points=POINTS):
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = "\n".join(f"{x} {y}" for x, y in points + 0.5)
    path.write_text(f"version: 1\nn_points: 68\n{{\n{rows}\n}}\n")


def write_mat(path, points=POINTS, pitch=10.0, yaw=-40.0, roll=5.0):
    path.parent.mkdir(parents=True, exist_ok=True)
    pose = np.array([[*np.radians([pitch, yaw, roll]), 1, 2, 3, 1e-3]], np.float32)
    three = np.column_stack([points + 0.5, np.zeros(68)]).T.astype(np.float32)
    rest = {"Shape_Para": 199, "Exp_Para": 29, "Tex_Para": 199, "Color_Para": 7}
    rest |= {"Illum_Para": 10, "roi": 4}
    content = {name: np.zeros((1, size)) for name, size in rest.items()}
    savemat(path, {**content, "pt2d": np.zeros((2, 21)), "pt3d_68": three, "Pose_Para": pose})


def write_result(folder, points=POINTS, R=None, K=None):
    folder.mkdir(parents=True)
    (folder / "landmarks.json").write_text(json.dumps({"points68": points.tolist()}))
    if R is not None:
        (folder / "parameters.npz").write_bytes(parameters.encode({"R": R, "K": K}))


def write_list(path, *entries):
    rows = [{"set": "s", "points68": (POINTS - 0.5).tolist(), **entry} for entry in entries]
    path.write_text(json.dumps(rows))
    return path


def test_a_folder_of_pts_is_named_by_its_folders(tmp_path):
    root = tmp_path / "300W"
    write_pts(root / "lfpw" / "testset" / "a.pts")
    (root / "lfpw" / "testset" / "a.png").touch()
    write_pts(root / "ibug" / "b.pts")
    faces = read_annotations(root)
    assert [(face.set, face.ground_truth) for face in faces] == [
        ("300W/ibug", PTS),
        ("300W/lfpw/testset", PTS),
    ]
    assert faces[1].photo.endswith("a.png")
    np.testing.assert_allclose(faces[0].points, POINTS)
    write_pts(tmp_path / "out" / "a.pts", POINTS + [0.3, 0])
    write_pts(tmp_path / "out" / "b.pts")
    table = evaluate_folder(tmp_path / "out", root)
    side = np.sqrt(np.prod(np.ptp(POINTS, axis=0)))
    assert [s.error for s in table.scores] == pytest.approx([0, 0.3 / side], abs=1e-9)
    assert table.scores[0].pose is None


def test_a_mat_gives_points_and_pose(tmp_path):
    write_mat(tmp_path / "aflw" / "x.mat")
    write_mat(tmp_path / "aflw" / "landmarks" / "x_pts.mat", POINTS[:, ::-1])  # of another kind
    (face,) = read_annotations(tmp_path / "aflw")
    np.testing.assert_allclose(face.points, POINTS, atol=1e-4)
    assert face.ground_truth == ORIGINAL
    assert face.yaw == pytest.approx(-40)
    np.testing.assert_allclose(face.rotation, rotation_from_aflw2000_degrees(-40.0, 10.0, 5.0), atol=1e-6)


def test_a_mat_without_68_points_is_refused(tmp_path):
    savemat(tmp_path / "a.mat", {"pt3d_68": np.zeros((3, 21)), "Pose_Para": np.zeros((1, 7))})
    with pytest.raises(InputError) as caught:
        read_annotations(tmp_path / "a.mat")
    assert str(tmp_path / "a.mat") in str(caught.value)


@pytest.mark.parametrize(("shift", "expected"), [(0.0, ORIGINAL), (3.0, "re-annotated (t.json)")])
def test_a_list_beside_mats_takes_their_pose_and_says_whose_points_it_has(tmp_path, shift, expected):
    write_mat(tmp_path / "d" / "x.mat", POINTS + shift)
    (face,) = read_annotations(write_list(tmp_path / "t.json", {"file": "d/x.jpg"}))
    assert face.ground_truth == expected
    assert face.yaw == pytest.approx(-40)
    np.testing.assert_allclose(face.points, POINTS)


def test_a_list_may_name_pose_and_ground_truth(tmp_path):
    rotation = rotation_from_aflw2000_degrees(10.0, 20.0, 30.0)
    faces = read_annotations(
        write_list(
            tmp_path / "t.json",
            {"file": "a.jpg", "pose": {"yaw": 10, "pitch": 20, "roll": 30}, "ground_truth": "mine"},
            {"file": "b.jpg", "rotation": rotation.tolist(), "pose": None},
            {"file": "c.jpg", "pose": None},
        )
    )
    assert faces[0].ground_truth == "mine"
    for face in faces[:2]:
        np.testing.assert_allclose(face.rotation, rotation, atol=1e-12)
        assert face.yaw == pytest.approx(10)
    assert faces[2].rotation is None
    assert faces[2].ground_truth == "t.json"


@pytest.mark.parametrize(
    "entry",
    [
        {"pose": [1, 2, 3]},
        {"pose": {"yaw": 1}},
        {"pose": {"yaw": "1", "pitch": 0, "roll": 0}},
        {"rotation": [[1, 0, 0], [0, 1, 0]]},
        {"rotation": [[1, 0, 0], [0, 1, 0], [0, 0, -1]]},
        {"rotation": [[2, 0, 0], [0, 1, 0], [0, 0, 1]]},
        {"rotation": "frontal"},
    ],
)
def test_poses_that_are_none_are_refused(tmp_path, entry):
    with pytest.raises(InputError) as caught:
        read_annotations(write_list(tmp_path / "t.json", {"file": "a.jpg", **entry}))
    assert caught.value.code == "annotations_invalid"


def test_other_reconstructions_can_be_the_truth(tmp_path):
    K = np.diag([500.0, 500, 1])
    for name in ("a", "b_0", "b_1", "c_7"):
        write_result(tmp_path / "run" / name, R=rotation_from_aflw2000_degrees(20.0, 0.0, 0.0), K=K)
    faces = read_annotations(tmp_path / "run")
    assert [face.photo for face in faces] == ["a", "b", "b", "c_7"]
    np.testing.assert_allclose(faces[0].points, POINTS)
    found = read_predictions(tmp_path / "run", ["a", "b", "c_7"])
    assert [len(found[name]) for name in ("a", "b", "c_7")] == [1, 2, 1]
    table = evaluate_folder(tmp_path / "run", tmp_path / "run")
    assert [s.error for s in table.scores] == [0, 0, 0, 0]
    assert all(s.pose is not None and s.pose.geodesic < 1e-5 for s in table.scores)


def test_a_pose_is_read_as_seen_along_the_ray_to_the_face(tmp_path):
    K = np.array([[800.0, 0, 640], [0, 800, 360], [0, 0, 1]])
    R = Rotation.from_rotvec([0.2, 0.3, -0.1]).as_matrix() @ FRONTAL
    write_result(tmp_path / "a", R=R, K=K)
    ((face,),) = read_predictions(tmp_path, ["a.jpg"]).values()
    ray = np.array([*((POINTS.mean(0) - [640, 360]) / 800), 1.0])
    np.testing.assert_allclose(face.rotation, seen_along_ray(R, ray), atol=1e-9)


def test_a_rotation_that_is_none_is_refused(tmp_path):
    write_result(tmp_path / "a", R=np.ones((3, 3)), K=np.eye(3))
    with pytest.raises(InputError, match="not a rotation") as caught:
        read_predictions(tmp_path, ["a.jpg"])
    assert caught.value.code == "predictions_invalid"


def test_predictions_may_be_a_list(tmp_path):
    listed = write_list(
        tmp_path / "p.json",
        {"file": "x/a.png", "pose": {"yaw": 0, "pitch": 0, "roll": 0}},
        {"file": "b.png"},
    )
    found = read_predictions(listed, ["d/a.jpg", "d/c.jpg"])
    assert [len(faces) for faces in found.values()] == [1, 0]
    np.testing.assert_allclose(found["d/a.jpg"][0].points, POINTS)
    np.testing.assert_allclose(found["d/a.jpg"][0].rotation, FRONTAL)


def test_folders_that_are_empty_or_of_two_kinds(tmp_path):
    with pytest.raises(InputError, match="contains no") as caught:
        read_annotations(tmp_path)
    assert caught.value.code == "annotations_invalid"
    write_pts(tmp_path / "a.pts")
    write_mat(tmp_path / "b.mat")
    with pytest.raises(InputError) as caught:
        read_annotations(tmp_path)
    assert caught.value.code == "annotations_mixed"
    assert len(read_annotations(tmp_path / "a.pts", tmp_path / "b.mat")) == 2


def test_real_truths_agree(data_root):
    """The list's hand-corrected points are those of the `.pts`, its AFLW2000 points are not those of the `.mat`."""
    photos = data_root / "photos"
    listed = {face.photo: face for face in read_annotations(photos / "landmarks68.json")}
    for face in read_annotations(photos / "ibug_lfpw"):
        own = listed[f"ibug_lfpw/{face.photo.rsplit('/')[-1]}"]
        np.testing.assert_allclose(face.points, own.points, atol=2e-3)
    mats = read_annotations(photos / "aflw2000_prnet" / "image00475.mat")
    own = listed["aflw2000_prnet/image00475.jpg"]
    assert own.ground_truth == "re-annotated (landmarks68.json)"
    assert own.yaw == mats[0].yaw == pytest.approx(65.6, abs=0.05)
    assert 1 < np.linalg.norm(own.points - mats[0].points, axis=1).mean() < 8
