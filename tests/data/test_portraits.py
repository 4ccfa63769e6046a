"""Prepared portraits: kept and dropped photos, labels that follow the cut, an index that is checked."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from headform.data.contours import BROW_UPPER, CORNERS68, JAW, AnnotatedFace, onto_annotation, read_contours
from headform.data.portrait_sheet import portrait_sheet
from headform.data.portrait_writer import PortraitPlan, photos_of, write_portraits
from headform.data.portraits import (
    NO_FOLD,
    SIDE,
    Portraits,
    cut_matrix,
    fold_of,
    person_of,
    warped_classes,
)
from headform.errors import InputError, UsageError
from headform.geometry.face_classes import UNKNOWN
from headform.geometry.polyline import nearest_on
from headform.images.warp import apply
from headform.nets.crop_geometry import loose_square
from tests.data.drawn_contours import drawn_contours
from tests.data.portrait_files import index_bytes, portrait_arrays, read_portraits


def _index(**changes: object) -> str:
    index = json.loads(index_bytes()[0])
    index["photos"][0] |= changes
    return json.dumps(index)


def test_landmarks_move_onto_the_annotation() -> None:
    marks = drawn_contours()
    rough = np.random.default_rng(0).uniform(60, 140, (68, 2))
    rough[8] = (100, 170)
    moved = onto_annotation(rough, AnnotatedFace("x.jpg", marks))
    for point, mark in CORNERS68.items():
        np.testing.assert_array_equal(moved[point], marks[mark])
    for point in (17, 19, 21):
        line = marks[list(BROW_UPPER[0])]
        foot = nearest_on(rough[point], line)
        ends = np.allclose(foot, line[0]) or np.allclose(foot, line[-1])
        np.testing.assert_allclose(moved[point], (foot + rough[point]) / 2 if ends else foot)
    np.testing.assert_allclose(moved[8], nearest_on(rough[8], marks[list(JAW)]))
    np.testing.assert_array_equal(moved[27:36], rough[27:36])


def test_the_cut_shows_the_loose_square_as_synthetic_faces_do() -> None:
    points = np.random.default_rng(1).uniform(100, 250, (68, 2))
    x, y, size = loose_square(points)
    corners = np.array([[x, y], [x + size, y + size]])
    np.testing.assert_allclose(apply(cut_matrix(points, 180, 1.0, 0.0, (0.0, 0.0)), corners), [[10, 10], [170, 170]])
    turned = apply(cut_matrix(points, 180, 0.5, np.pi / 2, (0.1, 0.0)), corners)
    np.testing.assert_allclose(turned, [[90 + 18 + 40, 90 - 40], [90 + 18 - 40, 90 + 40]])


def test_classes_are_resampled_without_mixing() -> None:
    classes = np.zeros((8, 8), np.uint8)
    classes[:, 4:] = 5
    matrix = np.array([[2.0, 0, 0], [0, 2.0, 0]])
    np.testing.assert_array_equal(warped_classes(classes, matrix, 16), classes.repeat(2, 0).repeat(2, 1))
    assert (warped_classes(classes, matrix, 20)[:, 16:] == UNKNOWN).all()


def test_people_and_folds() -> None:
    assert person_of("london/001_smiling.jpg") == person_of("london/001_neutral.jpg") == "london/001"
    assert person_of("congress/001366.jpg") != person_of("congress/001400.jpg")
    names = [f"london/{k:03d}_neutral.jpg" for k in (5, 1, 3, 2, 9)]
    assert fold_of(names) == {names[1]: 0, names[3]: 1, names[2]: 2, names[0]: 3, names[4]: 0}


def test_photo_without_a_face_is_dropped_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "photos" / "congress").mkdir(parents=True)
    Image.new("RGB", (64, 64), (90, 120, 90)).save(tmp_path / "photos" / "congress" / "1.jpg")
    plan = PortraitPlan(sets=("congress",))
    facts = write_portraits(tmp_path / "photos", tmp_path / "out", plan)
    assert (facts["photos"], facts["dropped"]) == (0, 1)
    assert json.loads((tmp_path / "out" / "congress-1.json").read_text()) == {"reason": "no_face"}
    assert len(Portraits(tmp_path / "out")) == 0
    with pytest.raises(InputError, match="prepared otherwise") as caught:
        write_portraits(tmp_path / "photos", tmp_path / "out", PortraitPlan(sets=("congress",), seed=1))
    assert caught.value.code == "dataset_exists"


def test_other_photos_never_take_part(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        photos_of(tmp_path, ("aflw2000_prnet",))
    assert caught.value.code == "option_unknown"
    with pytest.raises(InputError) as missing:
        photos_of(tmp_path, ("london",))
    assert missing.value.code == "portraits_missing"


@pytest.mark.parametrize(
    "content",
    [
        None,
        "[]",
        '{"format": "other", "facts": {}, "photos": []}',
        '{"format": "headform-portraits-1", "facts": {}, "photos": [{"file": "../x.npz"}]}',
        '{"format": "headform-portraits-1", "facts": {}, "photos": [{"file": "x.npz", "person": "a", "fold": 0}]}',
        _index(file=".."),
        _index(file="a\0.npz"),
        _index(copies=0),
        _index(copies=10**9),
        _index(fold="0"),
        _index(person=None),
    ],
)
def test_damaged_index(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "dataset.json").write_text(content)
    with pytest.raises(InputError) as caught:
        Portraits(tmp_path)
    assert caught.value.code == ("dataset_missing" if content is None else "dataset_damaged")


def test_damaged_file_of_a_portrait(tmp_path: Path) -> None:
    arrays = portrait_arrays()
    np.savez(tmp_path / "p.npz", **arrays)
    assert [int(p.rgb.mean()) for p in read_portraits(tmp_path / "p.npz")] == [40, 80]
    damages: list[dict[str, np.ndarray]] = [
        {"jpeg": arrays["jpeg"].astype(np.float32)},
        {"jpeg": arrays["jpeg"][::-1]},
        {"jpeg_ends": arrays["jpeg_ends"][::-1]},
        {"jpeg_ends": arrays["jpeg_ends"].astype(np.float64)},
        {"classes": np.zeros((2, 8, 16), np.uint8)},
        {"classes": np.zeros((2, 8, 8), np.uint8)},
        {"points68": arrays["points68"][:, :5]},
        {"trusted68": np.zeros(68, np.float32)},
        {"dense": arrays["dense"][..., :1]},
        {"dense": np.zeros((2, 2), np.float32), "trusted": np.ones((), bool), "visible": np.ones(2, bool)},
        {"visible": np.ones((2, 5), bool)},
        {"distance": np.ones((2, 1), np.float32)},
        {"turn": np.array([["a", "b"]] * 2)},
        portrait_arrays(copies=1),
    ]
    for damage in damages:
        np.savez(tmp_path / "p.npz", **(arrays | damage))
        with pytest.raises(InputError) as caught:
            Portraits(tmp_path)[1]
        assert caught.value.code == "dataset_damaged"
    np.savez(tmp_path / "p.npz", **{name: value for name, value in arrays.items() if name != "gaze"})
    with pytest.raises(InputError, match="gaze"):
        Portraits(tmp_path)[0]
    (tmp_path / "p.npz").unlink()
    with pytest.raises(InputError) as caught:
        Portraits(tmp_path)[0]
    assert caught.value.code == "dataset_damaged"


def test_annotated_person_is_kept_with_turned_copies(tmp_path: Path, data_root: Path) -> None:
    folder = tmp_path / "photos" / "london"
    folder.mkdir(parents=True)
    annotations = data_root / "photos" / "london" / "landmarks189.json"
    face = read_contours(annotations)[0]
    name = face.photo
    (folder / name).symlink_to(data_root / "photos" / "london" / name)
    (folder / "landmarks189.json").symlink_to(annotations)
    plan = PortraitPlan(sets=("london",), turned=1)
    facts = write_portraits(tmp_path / "photos", tmp_path / "out", plan)
    assert (facts["photos"], facts["copies"], facts["dropped"]) == (1, 2, 0)
    before = {f.name: (f.stat().st_mtime_ns, f.stat().st_size) for f in (tmp_path / "out").glob("*.npz")}
    (tmp_path / "out" / "dataset.json").unlink()
    write_portraits(tmp_path / "photos", tmp_path / "out", plan)  # the photo is not read again
    assert {f.name: (f.stat().st_mtime_ns, f.stat().st_size) for f in (tmp_path / "out").glob("*.npz")} == before
    prepared = Portraits(tmp_path / "out")
    plain, turned = prepared[0], prepared[1]
    assert (plain.turn, plain.person) == ((0.0, 0.0), person_of(f"london/{name}"))
    assert plain.fold != NO_FOLD
    assert len(Portraits(tmp_path / "out", without_fold=plain.fold)) == 0
    assert plain.rgb.shape == (SIDE, SIDE, 3)
    assert 12 <= abs(turned.turn[0]) <= 62
    assert plain.annotated68.sum() == 68 - 9 - 4 - 2  # all but nose, ends of the jaw, inner corners of the mouth
    assert {1, 2, 3, 4} <= set(np.unique(plain.classes).tolist())
    assert (turned.classes == UNKNOWN).mean() > (plain.classes == UNKNOWN).mean()
    # hand-placed jaws are not drawn to the outline of the fitted head
    placed = np.array([face.points[mark] for mark in CORNERS68.values()])
    stored = plain.points68[list(CORNERS68)].astype(float)
    scale = float(np.ptp(stored[:, 0]) / np.ptp(placed[:, 0]))
    jaw = (face.points[list(JAW)] - placed.mean(0)) * scale + stored.mean(0)
    assert max(float(np.linalg.norm(nearest_on(p, jaw) - p)) for p in plain.points68[2:15].astype(float)) < 0.2
    width = [np.ptp(p.points68[[36, 45], 0]) for p in (plain, turned)]
    assert width[1] < width[0]
    assert plain.visible.mean() > turned.visible.mean() > 0.4
    # labels lie on what they name: lips are redder than the cheek beside them, in both pictures
    for portrait in (plain, turned):
        lips, skin = (portrait.rgb[portrait.classes == k].astype(float) for k in (4, 1))
        assert np.median(lips[:, 1] / lips[:, 0]) < np.median(skin[:, 1] / skin[:, 0])
    half = plain.cut(96)
    assert half.rgb.shape == (96, 96, 3)
    low, high = half.points68.min(0), half.points68.max(0)
    np.testing.assert_allclose((low + high) / 2, 48, atol=0.01)
    assert portrait_sheet(prepared, side=64).shape == (64, 8 * 64, 3)
