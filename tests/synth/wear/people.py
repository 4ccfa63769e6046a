"""People of the open head, for the tests of what they wear."""

from functools import lru_cache

import numpy as np

from headform.heads import load_open
from headform.synth.piece import Piece, Wearer
from headform.synth.wear.fitting import Fitting, HeadPlaces
from headform.synth.wear.torso import TorsoPlaces

SEEDS = range(4)


@lru_cache(maxsize=1)
def head():
    return load_open()


@lru_cache(maxsize=1)
def places():
    return HeadPlaces(head())


@lru_cache(maxsize=1)
def torso_places():
    return TorsoPlaces(places())


@lru_cache(maxsize=16)
def wearer(seed: int, yaw: float = 0.0, pitch: float = 0.0, jaw: float = 0.0) -> Wearer:
    """Return a person drawn from the identity model, with the jaw open to a share."""
    model = head()
    coefficients = np.random.default_rng(seed).normal(0, 1, len(model.identity))
    vertices = model.mean.numpy() + np.tensordot(coefficients, model.identity.numpy(), 1)
    vertices = vertices + jaw * model.expression.numpy()[model.expression_names.index("jawOpen")]
    vertices = vertices.astype(np.float32)
    return Wearer(vertices, vertices[model.dense.numpy()[:68]], yaw, pitch, (0.4, 0.25, 0.18))


def fitting(seed: int, **more: float) -> Fitting:
    return Fitting(places(), wearer(seed, **more))


def check_pieces(pieces: list[Piece], labels: set[int], reach: float = 0.75) -> None:
    """Assert what holds for all pieces: finite, near, colored, triangles within their vertices, textures covered."""
    for piece in pieces:
        count = len(piece.vertices)
        assert np.isfinite(piece.vertices).all()
        assert np.abs(piece.vertices).max() < reach
        assert piece.faces.dtype == np.int32
        assert piece.faces.min() >= 0
        assert piece.faces.max() < count
        assert len(np.unique(piece.faces)) == count, "vertices that no triangle uses"
        assert piece.albedo.shape == (count, 3)
        assert (piece.albedo >= 0).all()
        assert piece.albedo.max() <= 1.6
        assert piece.label in labels
        assert (piece.uv is None) == (piece.texture is None)
        if piece.uv is not None:
            assert piece.uv.min() >= 0
            assert piece.uv.max() <= 1
        assert 0 < piece.opacity <= 1


def same(first: list[Piece], second: list[Piece]) -> bool:
    """Return true where two lists hold the same pieces."""
    return len(first) == len(second) and all(
        np.array_equal(a.vertices, b.vertices)
        and np.array_equal(a.albedo, b.albedo)
        and (a.texture is None) == (b.texture is None)
        and (a.texture is None or np.array_equal(a.texture, b.texture))
        for a, b in zip(first, second, strict=True)
    )
