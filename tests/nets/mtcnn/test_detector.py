"""The whole detector on pictures with and without faces."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from headform.nets.mtcnn import MtcnnDetector, MtcnnOptions
from headform.nets.mtcnn.cascade import Thresholds


@pytest.fixture(scope="module")
def detector() -> MtcnnDetector:
    return MtcnnDetector()


@pytest.fixture(scope="module")
def photo(data_root: Path) -> np.ndarray:
    with Image.open(data_root / "photos" / "ibug_lfpw" / "image_0002.png") as image:
        return np.asarray(image.convert("RGB"))  # 300 x 450, one face


@pytest.mark.parametrize(
    "kind",
    ["noise", "grey noise", "black", "white", "grey", "ramp", "tiny", "strip"],
)
def test_no_face_where_there_is_none(detector: MtcnnDetector, kind: str) -> None:
    rng = np.random.default_rng(0)
    side = 224
    ramp = np.linspace(0, 255, side).astype(np.uint8)
    noise = rng.integers(0, 256, (side, side, 3), dtype=np.uint8)
    image = {
        "noise": noise,
        "grey noise": np.repeat(noise[..., :1], 3, 2),
        "black": np.zeros((side, side, 3), np.uint8),
        "white": np.full((side, side, 3), 255, np.uint8),
        "grey": np.full((side, side, 3), 128, np.uint8),
        "ramp": np.broadcast_to(ramp[:, None, None], (side, side, 3)).copy(),
        "tiny": noise[:8, :8].copy(),
        "strip": noise[:13].copy(),
    }[kind]
    assert detector.detect(image) == []


@pytest.mark.parametrize("seed", range(3))
def test_blocks_of_noise_may_look_like_a_face_but_never_surely(
    detector: MtcnnDetector, seed: int
) -> None:
    noise = np.random.default_rng(seed).integers(0, 256, (14, 14, 3), dtype=np.uint8)
    blocks = np.kron(noise, np.ones((16, 16, 1), np.uint8))
    assert all(face.score < detector.options.confident for face in detector.detect(blocks))


def test_points_lie_as_the_names_say(detector: MtcnnDetector, photo: np.ndarray) -> None:
    (face,) = detector.detect(photo)
    right_eye, left_eye, nose, right_mouth, left_mouth = face.points5
    assert right_eye[0] < nose[0] < left_eye[0]
    assert right_mouth[0] < left_mouth[0]
    assert max(right_eye[1], left_eye[1]) < nose[1] < min(right_mouth[1], left_mouth[1])
    assert (face.points5 > face.box[:2]).all()
    assert (face.points5 < face.box[2:]).all()
    assert face.box.dtype == face.points5.dtype == np.float64
    assert 0.9 < face.score <= 1


@pytest.mark.parametrize("offset", [(3, 0), (0, 7), (16, 5)])
def test_a_shift_by_whole_pixels(
    detector: MtcnnDetector, photo: np.ndarray, offset: tuple[int, int]
) -> None:
    right, down = offset
    moved = np.pad(photo, ((down, 0), (right, 0), (0, 0)))
    before, after = detector.detect(photo)[0], detector.detect(moved)[0]
    side = float(np.sqrt(before.area))
    assert np.abs(after.points5 - before.points5 - offset).mean() < 0.03 * side
    assert np.abs(after.box - before.box - np.tile(offset, 2)).max() < 0.12 * side


def test_twice_the_size_is_the_same_face(detector: MtcnnDetector, photo: np.ndarray) -> None:
    large = np.asarray(Image.fromarray(photo).resize((600, 900), Image.Resampling.BICUBIC))
    before, after = detector.detect(photo)[0], detector.detect(large)[0]
    side = float(np.sqrt(before.area))
    assert np.abs(after.points5 / 2 - before.points5).mean() < 0.03 * side


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_photo_on_its_side(detector: MtcnnDetector, photo: np.ndarray, quarters: int) -> None:
    upright = detector.detect(photo)[0]
    turned = np.ascontiguousarray(np.rot90(photo, quarters))
    faces = detector.detect(turned)
    points = upright.points5
    for width in [300, 450, 300][:quarters]:  # (x, y) → (y, width - x) for each quarter
        points = np.stack([points[:, 1], width - points[:, 0]], 1)
    errors = [float(np.abs(face.points5 - points).mean()) for face in faces]
    assert min(errors) < 0.02 * np.sqrt(upright.area)


def test_a_photo_askew(detector: MtcnnDetector, photo: np.ndarray) -> None:
    upright = detector.detect(photo)[0]
    askew = Image.fromarray(photo).rotate(45, Image.Resampling.BILINEAR, expand=True)
    faces = detector.detect(np.asarray(askew))
    from_centre = upright.points5 - [150, 225]
    cos = np.sqrt(0.5)
    turned = from_centre @ np.array([[cos, -cos], [cos, cos]]) + np.array(askew.size) / 2
    errors = [float(np.abs(face.points5 - turned).mean()) for face in faces]
    assert min(errors) < 0.08 * np.sqrt(upright.area)


def test_a_small_face_is_found_by_enlarging(detector: MtcnnDetector, photo: np.ndarray) -> None:
    small = Image.fromarray(photo).resize((28, 42), Image.Resampling.BOX)  # the face: 14 px
    canvas = np.full((120, 160, 3), 90, np.uint8)
    canvas[40:82, 50:78] = np.asarray(small)
    assert any(
        (face.box[:2] > [45, 35]).all() and (face.box[2:] < [85, 90]).all()
        for face in detector.detect(canvas)
    )


def test_a_face_that_fills_the_picture(detector: MtcnnDetector, photo: np.ndarray) -> None:
    x0, y0, x1, y1 = detector.detect(photo)[0].box.astype(int)
    assert detector.detect(photo[y0:y1, x0:x1].copy())


def test_min_face_bounds_the_search(photo: np.ndarray) -> None:
    canvas = np.full((450, 300, 3), 90, np.uint8)
    canvas[100:250, 100:200] = np.asarray(Image.fromarray(photo).resize((100, 150)))  # face: 50 px
    blind = MtcnnDetector(MtcnnOptions(min_face=200.0, small_face=200.0, turns=False))
    assert blind.detect(canvas) == []
    seeing = MtcnnDetector(MtcnnOptions(min_face=200.0, small_face=30.0, turns=False))
    assert len(seeing.detect(canvas)) == 1


def test_passes_accumulate(photo: np.ndarray) -> None:
    never = MtcnnDetector(MtcnnOptions(confident=2.0, thresholds=Thresholds(0.6, 0.4, 0.9)))
    counts = [len(faces) for faces in never.passes(photo)]
    assert len(counts) == 4
    assert counts[0] >= 1
    assert counts == sorted(counts)
