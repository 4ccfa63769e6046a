"""YuNet: decoding, its search, and the whole detector on pictures with and without faces."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from headform.errors import WeightsError
from headform.images import read
from headform.nets.detection.detector import load_detector
from headform.nets.detection.face import Face
from headform.nets.detection.yunet import YuNetDetector, YuNetOptions, decode
from headform.nets.detection.yunet_net import STRIDES
from headform.nets.shipped import load_yunet


@pytest.fixture(scope="module")
def detector() -> YuNetDetector:
    return YuNetDetector(load_yunet()[0])


@pytest.fixture(scope="module")
def photo(repository: Path) -> np.ndarray:
    return read(repository / "examples" / "astronaut.jpg").rgb[0:400, 60:400].copy()


def test_decoding_equals_a_loop_over_cells() -> None:
    rng = np.random.default_rng(0)
    width, height = 96, 64
    values: dict[str, np.ndarray] = {}
    expected = []
    for stride in STRIDES:
        rows, columns = height // stride, width // stride
        sizes = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}
        part = {k: rng.random((rows * columns, n), np.float32) for k, n in sizes.items()}
        values |= {f"{kind}_{stride}": value for kind, value in part.items()}
        for row in range(rows):
            for column in range(columns):
                n = row * columns + column
                x, y, w, h = part["bbox"][n].astype(float)
                x, y = (column + x) * stride, (row + y) * stride
                w, h = np.exp(w) * stride, np.exp(h) * stride
                k = part["kps"][n].astype(float)
                points = [[(column + k[2 * i]) * stride, (row + k[2 * i + 1]) * stride] for i in range(5)]
                score = np.sqrt(float(part["cls"][n, 0]) * float(part["obj"][n, 0]))
                expected.append(([x - w / 2, y - h / 2, x + w / 2, y + h / 2], points, score))
    found = decode(values, width)
    np.testing.assert_allclose(found.boxes, [e[0] for e in expected], rtol=1e-12)
    np.testing.assert_allclose(found.points, [e[1] for e in expected], rtol=1e-12)
    np.testing.assert_allclose(found.scores, [e[2] for e in expected], rtol=1e-12)


@pytest.mark.parametrize("kind", ["noise", "gray noise", "black", "white", "gray", "ramp", "tiny", "strip"])
def test_no_face_where_there_is_none(detector: YuNetDetector, kind: str) -> None:
    rng = np.random.default_rng(0)
    side = 224
    ramp = np.linspace(0, 255, side).astype(np.uint8)
    noise = rng.integers(0, 256, (side, side, 3), dtype=np.uint8)
    image = {
        "noise": noise,
        "gray noise": np.repeat(noise[..., :1], 3, 2),
        "black": np.zeros((side, side, 3), np.uint8),
        "white": np.full((side, side, 3), 255, np.uint8),
        "gray": np.full((side, side, 3), 128, np.uint8),
        "ramp": np.repeat(np.broadcast_to(ramp[:, None, None], (side, side, 1)), 3, 2).copy(),
        "tiny": noise[:8, :8].copy(),
        "strip": noise[:13].copy(),
    }[kind]
    assert detector.detect(image) == []


def test_points_lie_as_the_names_say(detector: YuNetDetector, photo: np.ndarray) -> None:
    face = detector.detect(photo)[0]
    right_eye, left_eye, nose, right_mouth, left_mouth = face.points5
    assert right_eye[0] < nose[0] < left_eye[0]
    assert right_mouth[0] < left_mouth[0]
    assert max(right_eye[1], left_eye[1]) < nose[1] < min(right_mouth[1], left_mouth[1])
    assert (face.points5 > face.box[:2]).all()
    assert (face.points5 < face.box[2:]).all()
    assert face.box.dtype == face.points5.dtype == np.float64
    assert 0.8 < face.score <= 1


@pytest.mark.parametrize("offset", [(3, 0), (0, 7), (16, 5)])
def test_a_shift_by_whole_pixels(detector: YuNetDetector, photo: np.ndarray, offset: tuple[int, int]) -> None:
    right, down = offset
    moved = np.pad(photo, ((down, 0), (right, 0), (0, 0)))
    before, after = detector.detect(photo)[0], detector.detect(moved)[0]
    side = float(np.sqrt(before.area))
    assert np.abs(after.points5 - before.points5 - offset).mean() < 0.03 * side
    assert np.abs(after.box - before.box - np.tile(offset, 2)).max() < 0.12 * side


def _points_error(faces: list[Face], expected: np.ndarray) -> float:
    return min(float(np.abs(face.points5 - expected).mean()) for face in faces)


@pytest.mark.parametrize("degrees", [-135, -90, -60, -30, 30, 60, 90, 120, 180])
def test_a_turned_photo_still_shows_where_the_face_is(detector: YuNetDetector, photo: np.ndarray, degrees: int) -> None:
    # its points are those of an upright face; `pipeline.reconstruct` finds out how it is turned
    upright = detector.detect(photo)[0]
    askew = Image.fromarray(photo).rotate(degrees, Image.Resampling.BILINEAR, expand=True)
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    middle = np.array(photo.shape[1::-1]) / 2
    expected = turn @ (upright.box.reshape(2, 2).mean(0) - middle) + np.array(askew.size) / 2
    found = detector.detect(np.asarray(askew))[0].box.reshape(2, 2).mean(0)
    assert np.linalg.norm(found - expected) < 0.25 * np.sqrt(upright.area)


def test_a_small_face_is_found(detector: YuNetDetector, photo: np.ndarray) -> None:
    face = detector.detect(photo)[0]
    scale = 14 / float(face.box[2] - face.box[0])
    size = (round(photo.shape[1] * scale), round(photo.shape[0] * scale))
    canvas = np.full((120, 160, 3), 90, np.uint8)
    canvas[30 : 30 + size[1], 50 : 50 + size[0]] = np.asarray(Image.fromarray(photo).resize(size, Image.Resampling.BOX))
    expected = face.points5 * scale + [50, 30]
    assert _points_error(detector.detect(canvas), expected) < 3.0


def test_a_dark_photo(detector: YuNetDetector, photo: np.ndarray) -> None:
    face = detector.detect(photo)[0]
    dark = (photo * 0.12).astype(np.uint8)
    assert _points_error(detector.detect(dark), face.points5) < 0.05 * np.sqrt(face.area)


def test_many_faces_of_one_photo(detector: YuNetDetector, photo: np.ndarray) -> None:
    small = np.asarray(Image.fromarray(photo).resize((85, 100), Image.Resampling.BOX))
    crowd = np.tile(small, (4, 6, 1))
    faces = detector.detect(crowd)
    assert len(faces) == 24
    cells = {(int(f.points5[2, 0] // 85), int(f.points5[2, 1] // 100)) for f in faces}
    assert len(cells) == 24


def test_searches_accumulate(photo: np.ndarray) -> None:
    never = YuNetDetector(load_yunet()[0], YuNetOptions(confident=2.0))
    counts = [len(faces) for faces in never.passes(photo)]
    assert len(counts) == 4
    assert counts[0] >= 1
    assert counts == sorted(counts)
    upright_only = YuNetDetector(load_yunet()[0], YuNetOptions(confident=2.0, turns=False))
    assert len(list(upright_only.passes(photo))) == 2


def test_other_weights_are_refused(tmp_path: Path, repository: Path) -> None:
    assets = repository / "src" / "headform" / "nets" / "assets"
    for name, code in (("none.safetensors", "weights_missing"), ("", "weights_missing")):
        with pytest.raises(WeightsError) as caught:
            load_detector(tmp_path / name)
        assert caught.value.code == code
    with pytest.raises(WeightsError) as caught:
        load_detector(assets / "pfld.safetensors")
    assert caught.value.code == "weights_kind"
    with pytest.raises(WeightsError, match="built in") as caught:
        load_detector(tmp_path / "yunet_n_dynamic.onnx")
    assert caught.value.code == "weights_kind"


def test_small_faces_beside_a_large_one(detector: YuNetDetector, photo: np.ndarray) -> None:
    canvas = np.full((1200, 2400, 3), 120, np.uint8)
    canvas[100:500, 100:440] = photo
    small = np.asarray(Image.fromarray(photo).resize((102, 120), Image.Resampling.BOX))
    for x in (900, 1300, 1700, 2100):
        canvas[900:1020, x : x + 102] = small  # faces of 27 pixels, 7 at the first search's size
    assert len(detector.detect(canvas)) < 5
    assert len(detector.detect(canvas, every=True)) == 5
