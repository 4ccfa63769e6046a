"""Landmarks for heads that come without: derived from the open head, or of a file."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from headform import heads
from headform.errors import FaceError, HeadformError
from headform.geometry.landmarks68 import NOW7
from headform.geometry.similarity import Similarity
from headform.heads.linear import LinearHead
from headform.importers import surrey
from headform.importers.importing import linear_head
from headform.registration import head_landmarks
from headform.registration.head_landmarks import completed, with_derived_landmarks, with_landmark_file
from headform.registration.scan_landmarks import ScanLandmarker, ScanLandmarks
from tests.heads.made_models import mask_model

SEVEN = list(NOW7)


def bare(head: LinearHead) -> LinearHead:
    """The head without landmarks, regions and named parts."""
    none = torch.zeros(0, dtype=torch.int64)
    return replace(
        head,
        landmark_vertices=torch.zeros(0, 3, dtype=torch.int64),
        landmark_weights=torch.zeros(0, 3),
        landmark_offset=torch.zeros(0, 3),
        contour=torch.zeros(0, 0, dtype=torch.int64),
        now7=none,
        dense=none,
        dense_mirror=none,
        mirror=none,
        regions={},
    )


def points_of(head: LinearHead) -> np.ndarray:
    return head.landmarks(head.mean, offset=False).double().numpy()


class Rough(ScanLandmarker):
    """Finder of landmarks that are some millimeters off."""

    def __init__(self, truth: np.ndarray) -> None:
        self.points = truth + np.random.default_rng(0).normal(0, 0.002, truth.shape)

    def find(self, mesh: object, *, name: str = "") -> ScanLandmarks:
        sure, spread = np.ones(68, bool), np.zeros(68)
        placed = Similarity(1.0, np.eye(3), np.zeros(3))
        return ScanLandmarks(self.points, sure, spread, 0.02, placed, 1, self.points)


@pytest.fixture(scope="module")
def person() -> LinearHead:
    """Another face on the open head's mesh, turned into a model's mean."""
    head = heads.load_open()
    code = torch.randn(20, generator=torch.Generator().manual_seed(4))
    return replace(head, mean=head.vertices(code))


def test_derived_from_the_open_head(person: LinearHead) -> None:
    truth = points_of(person)
    found = with_derived_landmarks(bare(person), landmarker=Rough(truth))
    error = 1000 * np.linalg.norm(points_of(found) - truth, axis=1)
    assert np.median(error) < 0.5
    assert error[SEVEN].max() < 1.0
    assert (found.now7 == person.now7).float().mean() > 0.5
    assert "68 landmarks are derived from the open head" in found.provenance.notes[-1]


def test_known_points_stay(person: LinearHead) -> None:
    truth = points_of(person)
    some = bare(person)
    known = np.isin(np.arange(68), [30, 36, 45])
    some = replace(
        some,
        landmark_vertices=person.landmark_vertices,
        landmark_weights=person.landmark_weights * torch.from_numpy(known)[:, None],
        landmark_offset=torch.zeros(68, 3),
    )
    found = with_derived_landmarks(some, landmarker=Rough(truth))
    np.testing.assert_array_equal(points_of(found)[known], truth[known].astype(np.float32))
    assert bool(found.landmark_known.all())


def test_derived_on_a_published_model(data_root: Path) -> None:
    """The real finder, against the 50 points that Surrey's publisher gives."""
    model = surrey.read(data_root / "models/eos_sfm/sfm_shape_3448.bin")
    found = completed(bare(model))
    known = model.landmark_known.numpy()
    error = 1000 * np.linalg.norm(points_of(found) - points_of(model), axis=1)[known]
    assert np.median(error) < 3.0
    assert error.max() < 8.0
    seven = points_of(found)[SEVEN] - points_of(model)[SEVEN]
    assert np.median(1000 * np.linalg.norm(seven, axis=1)) < 2.0


def test_what_is_no_face_gets_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    class Blind(ScanLandmarker):
        def __init__(self) -> None:
            pass

        @classmethod
        def load(cls) -> "Blind":
            return cls()

        def find(self, mesh: object, *, name: str = "") -> ScanLandmarks:
            raise FaceError("no_face", "no face was found from any side", name)

    monkeypatch.setattr(head_landmarks, "ScanLandmarker", Blind)
    head = completed(linear_head(mask_model(landmarks=None)))
    assert not head.has_field("landmark_vertices")
    assert "no face was found from any side; give them with --landmarks FILE" in head.provenance.notes[-1]


@pytest.mark.parametrize(("count", "factor", "unit"), [(7, 1000, "mm"), (68, 1, "m"), (7, 100, "cm"), (68, 1e6, "um")])
def test_points_of_a_file_in_any_unit(tmp_path: Path, person: LinearHead, count: int, factor: float, unit: str) -> None:
    rows = SEVEN if count == 7 else list(range(68))
    truth = points_of(person)
    np.savetxt(tmp_path / "points.txt", factor * truth[rows])
    found = with_landmark_file(bare(person), tmp_path / "points.txt")
    np.testing.assert_allclose(points_of(found)[rows], truth[rows], atol=1e-4)
    assert int(found.landmark_known.sum()) == count
    assert len(found.now7) == 7
    assert f"in {unit})" in found.provenance.notes[-1]


@pytest.mark.parametrize("text", ["{}", "[{}]", "{}\n"])
def test_vertex_numbers(tmp_path: Path, person: LinearHead, text: str) -> None:
    numbers = person.now7.tolist()
    path = tmp_path / "vertices.txt"
    path.write_text(text.format(", ".join(map(str, numbers))))
    found = with_landmark_file(bare(person), path)
    assert found.now7.tolist() == numbers
    np.testing.assert_array_equal(np.flatnonzero(found.landmark_known.numpy()), sorted(SEVEN))


def test_files_that_do_not_fit(tmp_path: Path, person: LinearHead) -> None:
    head, path, truth = bare(person), tmp_path / "points.txt", points_of(person)
    far, turned = truth + [0, 0, 0.3], truth[:, [2, 0, 1]]
    no_eye = truth.copy()
    no_eye[36] = np.nan
    for points, code in ((far, "landmarks_off"), (turned, "landmarks_off"), (no_eye, "landmarks_count")):
        np.savetxt(path, points)
        with pytest.raises(HeadformError) as caught:
            with_landmark_file(head, path)
        assert caught.value.code == code
        assert "points.txt" in caught.value.location
    for numbers in ([1, 2, 3, 4, 5, 6, len(head.mean)], [-1] * 68, [10**30] * 7):
        path.write_text(" ".join(map(str, numbers)))
        with pytest.raises(HeadformError) as caught:
            with_landmark_file(head, path)
        assert caught.value.code == "model_index"
