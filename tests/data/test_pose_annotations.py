"""Annotations of 300W-LP's kind: sixteen real files; the convention of the angles follows from their own landmarks."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io

from headform.data.pose_annotations import PoseAnnotation, read_pose_annotation, rotation_from_300wlp_angles
from headform.errors import InputError

HEIGHT = 450


@pytest.fixture(scope="module")
def files(data_root: Path) -> list[Path]:
    found = sorted((data_root / "photos" / "aflw2000_prnet").glob("*.mat"))
    assert len(found) == 16
    return found


@pytest.fixture(scope="module")
def real(files: list[Path]) -> list[PoseAnnotation]:
    return [read_pose_annotation(path) for path in files]


def turn(axis: int, angle: float) -> np.ndarray:
    """By the right-hand rule."""
    c, s = np.cos(angle), np.sin(angle)
    i, j = [(1, 2), (2, 0), (0, 1)][axis]
    matrix = np.eye(3)
    matrix[[i, j], [i, j]], matrix[i, j], matrix[j, i] = c, -s, s
    return matrix


def turned_back(items: list[PoseAnnotation], rotations: list[np.ndarray]) -> np.ndarray:
    """The 68 points of each file turned back to the head frame, mm, about their middle."""
    points = [item.points_3d * [1, -1, 1] for item in items]
    return np.stack(
        [
            (p - p.mean(0)) @ rotation / item.scale / 1000
            for p, item, rotation in zip(points, items, rotations, strict=True)
        ]
    )


def spread(heads: np.ndarray) -> float:
    return float(np.linalg.norm(heads - heads.mean(0), axis=-1).mean())


def test_values_are_those_of_the_file(files: list[Path], real: list[PoseAnnotation]) -> None:
    for path, item in zip(files, real, strict=True):
        want = scipy.io.loadmat(path)
        pose = [item.pitch, item.yaw, item.roll, *item.translation, item.scale]
        np.testing.assert_array_equal(pose, want["Pose_Para"][0].astype(float))
        np.testing.assert_array_equal(item.shape, want["Shape_Para"][:, 0])
        np.testing.assert_array_equal(item.expression, want["Exp_Para"][:, 0])
        np.testing.assert_array_equal(item.color, want["Color_Para"][0].astype(float))
        np.testing.assert_array_equal(item.illumination, want["Illum_Para"][0])
        np.testing.assert_array_equal(item.points_3d, want["pt3d_68"].T.astype(float))
        np.testing.assert_array_equal(item.box, want["roi"][0])
        seen = ~np.isnan(item.points_2d).any(1)
        np.testing.assert_array_equal(item.points_2d[seen], want["pt2d"].T[seen])
        assert (want["pt2d"].T[~seen] == -1).any(1).all()


def test_the_files_agree_about_one_head_in_this_convention_alone(
    real: list[PoseAnnotation],
) -> None:
    """Turned back by the right rotations, sixteen people are one head up to who they are; by no other order or sign."""
    own = spread(turned_back(real, [item.rotation for item in real]))
    assert own < 4.5
    others = {}
    for signs in itertools.product((1, -1), repeat=3):
        for order in itertools.permutations(range(3)):
            rotations = []
            for item in real:
                angles = (item.pitch, item.yaw, item.roll)
                steps = [turn(axis, signs[axis] * angles[axis]) for axis in order]
                rotations.append(steps[0] @ steps[1] @ steps[2])
            others[signs, order] = spread(turned_back(real, rotations))
    ranked = sorted(others, key=others.__getitem__)
    assert others[ranked[0]] == pytest.approx(own)
    assert others[ranked[1]] > 1.4 * own


def test_signs_of_the_angles(real: list[PoseAnnotation]) -> None:
    """By the picture alone: a nose to the left of the eyes is a positive yaw, a falling line of eyes a positive roll."""
    for item in real:
        points = item.points_3d
        eyes, nose = (points[36] + points[45]) / 2, points[30]
        if abs(item.yaw) > np.radians(10):
            assert np.sign(nose[0] - eyes[0]) == -np.sign(item.yaw)
        line = points[45] - points[36]
        if abs(item.roll) > np.radians(3) and abs(item.yaw) < np.radians(30):
            assert np.sign(line[1]) == np.sign(item.roll)
    level = [item for item in real if abs(item.yaw) < np.radians(20)]
    drop = [(i.points_3d[30, 1] - i.points_3d[[36, 45], 1].mean()) * -1 for i in level]
    pitch = [item.pitch for item in level]
    assert np.corrcoef(pitch, drop)[0, 1] > 0.95  # the higher the nose, the greater the pitch


def test_placing_vertices(real: list[PoseAnnotation]) -> None:
    """The mean of the sixteen heads, put back by scale, rotation and translation, lies on each picture's points.

    Where the middle of the 68 points is in the model's frame is not in the files: three numbers, fitted over all of them.
    """
    head = turned_back(real, [item.rotation for item in real]).mean(0) * 1000
    middles = [item.points_3d.mean(0) for item in real]
    flip = np.diag([1.0, -1.0, 1.0])
    matrix = np.concatenate([flip @ item.rotation * item.scale for item in real])
    rest = np.concatenate([m - item.placed(head, HEIGHT).mean(0) for m, item in zip(middles, real, strict=True)])
    middle = np.linalg.lstsq(matrix, rest, rcond=None)[0]
    assert abs(middle[0]) < 2000  # on the plane of symmetry; um
    assert np.abs(rest - matrix @ middle).max() < 6
    assert np.sqrt(np.mean((rest - matrix @ middle) ** 2)) < 2
    for item in real:
        error = np.linalg.norm(item.placed(head + middle, HEIGHT) - item.points_3d, axis=1)
        assert error.mean() < 12
        assert item.placed(head + middle, HEIGHT).shape == (68, 3)


def test_a_rotation_by_hand() -> None:
    np.testing.assert_allclose(rotation_from_300wlp_angles(0.0, 0.0, 0.0), np.eye(3))
    nose = np.array([0.0, 0.0, 1.0])
    np.testing.assert_allclose(rotation_from_300wlp_angles(0.0, np.pi / 2, 0.0) @ nose, [-1, 0, 0], atol=1e-15)
    np.testing.assert_allclose(rotation_from_300wlp_angles(np.pi / 2, 0.0, 0.0) @ nose, [0, 1, 0], atol=1e-15)
    crown = np.array([0.0, 1.0, 0.0])
    np.testing.assert_allclose(rotation_from_300wlp_angles(0.0, 0.0, np.pi / 2) @ crown, [1, 0, 0], atol=1e-15)


@pytest.fixture
def made() -> dict[str, Any]:
    sizes = {"Shape_Para": 199, "Exp_Para": 29, "Tex_Para": 199, "Color_Para": 7, "Illum_Para": 10}
    return {name: np.arange(size, dtype=float)[:, None] for name, size in sizes.items()} | {
        "Pose_Para": np.linspace(0.1, 0.7, 7)[None],
        "roi": np.array([[1, 2, 3, 4]], np.int16),
        "pt2d": np.arange(42.0).reshape(2, 21) - 1,
        "pt3d_68": np.arange(204.0).reshape(3, 68),
    }


def refusal(folder: Path, values: dict[str, Any]) -> InputError:
    scipy.io.savemat(folder / "a.mat", values)
    with pytest.raises(InputError) as caught:
        read_pose_annotation(folder / "a.mat")
    return caught.value


def test_a_made_file(tmp_path: Path, made: dict[str, Any]) -> None:
    scipy.io.savemat(tmp_path / "a.mat", made)
    item = read_pose_annotation(tmp_path / "a.mat")
    assert (item.pitch, item.yaw, item.roll) == pytest.approx((0.1, 0.2, 0.3))
    assert item.scale == pytest.approx(0.7)
    assert np.isnan(item.points_2d[0]).all()
    assert item.points_2d[1].tolist() == [0, 21]
    assert item.points_3d[1].tolist() == [1, 69, 137]


def test_what_is_wrong_is_named(tmp_path: Path, made: dict[str, Any]) -> None:
    error = refusal(tmp_path, {k: v for k, v in made.items() if k != "Exp_Para"})
    assert error.code == "annotation_key"
    assert "`Exp_Para`" in str(error)
    for name, value in (
        ("Pose_Para", np.zeros((1, 6))),
        ("pt3d_68", made["pt3d_68"].T),
        ("Shape_Para", "text"),
        ("roi", np.zeros((2, 2))),
    ):
        error = refusal(tmp_path, made | {name: value})
        assert error.code == "annotation_shape"
        assert f"`{name}`" in str(error)
    broken = made["pt3d_68"].copy()
    broken[0, 0] = np.nan
    assert refusal(tmp_path, made | {"pt3d_68": broken}).code == "annotation_not_finite"
    path = tmp_path / "a.mat"
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(InputError) as caught:
        read_pose_annotation(path)
    assert caught.value.code == "annotation_damaged"
    with pytest.raises(InputError) as caught:
        read_pose_annotation(tmp_path / "absent.mat")
    assert caught.value.code == "annotation_missing"
