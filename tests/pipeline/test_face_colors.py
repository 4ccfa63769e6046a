"""Light and texture beside each other: the same results as one after another, and errors reach whoever asked."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from headform.fit.seen_texels import SeenTexels
from headform.nets.face_embedding import FaceEmbedder
from headform.pipeline.appearance import PhotoAppearance, PhotoMasks
from headform.pipeline.face_fit import FaceFitter
from headform.pipeline.reconstruction import Reconstruction
from headform.pipeline.reconstructor import Reconstructor


@pytest.fixture(scope="module")
def reconstructor() -> Reconstructor:
    return Reconstructor.load(texture_size=256, landmarks_net="own")


@pytest.fixture(scope="module")
def photo(repository: Path) -> Path:
    return repository / "examples" / "astronaut.jpg"


@pytest.fixture(scope="module")
def alone(reconstructor: Reconstructor, photo: Path) -> Reconstruction:
    """Result of one thread."""
    return reconstructor.reconstruct(photo)[0]


@pytest.fixture
def two_threads() -> Iterator[None]:
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(1)


def apart(a: np.ndarray | None, b: np.ndarray | None) -> int:
    assert a is not None
    assert b is not None
    return int(np.abs(a.astype(int) - b.astype(int)).max())


@pytest.mark.usefixtures("two_threads")
def test_side_by_side_is_one_after_another(reconstructor: Reconstructor, photo: Path, alone: Reconstruction) -> None:
    both = reconstructor.reconstruct(photo)[0]
    assert apart(both.texture, alone.texture) <= 1
    assert apart(both.albedo_texture, alone.albedo_texture) <= 1
    assert both.refined_albedo is not None
    np.testing.assert_allclose(both.refined_albedo, alone.refined_albedo, atol=1e-4)


def test_the_embedding_is_that_of_the_photo_itself(
    reconstructor: Reconstructor, photo: Path, alone: Reconstruction, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The identity network's activations serve the texture networks: a pass of their own answers the same."""
    calls: list[str] = []
    resume, embed = FaceEmbedder.resume, FaceEmbedder.__call__
    monkeypatch.setattr(FaceEmbedder, "resume", lambda *a: (calls.append("resumed"), resume(*a))[1])
    monkeypatch.setattr(FaceEmbedder, "__call__", lambda *a: (calls.append("embedded"), embed(*a))[1])
    reconstructor.reconstruct(photo)
    assert calls == ["resumed"]
    monkeypatch.setattr(reconstructor, "_shared_before", "")
    again = reconstructor.reconstruct(photo)[0]
    assert calls == ["resumed", "embedded"]
    np.testing.assert_array_equal(again.vertices, alone.vertices)
    np.testing.assert_allclose(again.refined_albedo, alone.refined_albedo, atol=1e-5)
    assert apart(again.texture, alone.texture) <= 1
    assert apart(again.albedo_texture, alone.albedo_texture) <= 1
    reconstructor.reconstruct(photo, identity=alone.identity)  # nothing is predicted: nothing is shared
    assert calls[2:] == ["embedded"]


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (PhotoMasks, "of"),
        (PhotoAppearance, "fine"),
        (PhotoAppearance, "surface"),
        (PhotoAppearance, "visible"),
        (SeenTexels, "of"),
    ],
)
@pytest.mark.usefixtures("two_threads")
def test_an_error_beside_is_raised(
    reconstructor: Reconstructor, photo: Path, monkeypatch: pytest.MonkeyPatch, owner: type, name: str
) -> None:
    def failing(*_: object) -> None:
        raise MemoryError(f"{owner.__name__}.{name}")

    monkeypatch.setattr(owner, name, failing)
    with pytest.raises(MemoryError, match=f"{owner.__name__}.{name}"):
        reconstructor.reconstruct(photo)


def test_blas_leaves_the_other_core_alone(
    reconstructor: Reconstructor, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[set[int]] = []

    def blas() -> set[int]:
        return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

    fit = FaceFitter.fit
    monkeypatch.setattr(FaceFitter, "fit", lambda *a, **k: (seen.append(blas()), fit(*a, **k))[1])
    with threadpool_limits(2, user_api="blas"):
        reconstructor.reconstruct(photo)
        assert (seen, blas()) == ([{1}], {2})
