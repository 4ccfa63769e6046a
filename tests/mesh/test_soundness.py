"""What is no surface to measure to, and what is one all the same."""

import numpy as np
import pytest

from headform.mesh.soundness import flaw
from tests.mesh.surfaces import face_sheet, sphere

RNG = np.random.default_rng(5)
TRIANGLE = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]])


def soup(corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A mesh of triangles that share no vertex."""
    return corners.reshape(-1, 3), np.arange(3 * len(corners)).reshape(-1, 3)


@pytest.mark.parametrize("scale", [1e-9, 1e-3, 1.0, 1e3, 1e9])
def test_surfaces_are_sound_in_every_unit(scale):
    for vertices, faces in (sphere(20, 40), face_sheet(12, 12)):
        assert flaw(vertices * scale, faces) == ""
        assert flaw((vertices * scale).astype(np.float32), faces) == ""
        assert flaw(*soup(vertices[faces] * scale)) == ""


def test_some_flaws_of_real_scans_are_none():
    vertices, faces = sphere(20, 40)
    inside_out = np.concatenate([faces, faces[:, ::-1]])
    assert flaw(vertices, inside_out) == "", "double-sided"
    flat = np.concatenate([faces, np.tile(faces[:1, :1], (len(faces), 3))])
    assert flaw(vertices, flat) == "", "half of the triangles are points"
    stray = np.concatenate([vertices, [[1e30, 0, 0]]])
    assert flaw(stray, faces) == "", "a stray vertex of no triangle"
    far = np.concatenate([faces, [[0, 1, len(vertices)]]])
    assert flaw(np.concatenate([vertices, [[1e5, 0, 0]]]), far) == "", "a spike"
    twenty = np.concatenate([faces] * 20)
    assert flaw(vertices, twenty) == "", "twenty copies"


@pytest.mark.parametrize(
    ("mesh", "says"),
    [
        ((TRIANGLE, np.zeros((0, 3), np.int64)), "no triangles"),
        ((TRIANGLE * np.nan, np.array([[0, 1, 2]])), "NaN"),
        ((TRIANGLE + np.inf, np.array([[0, 1, 2]])), "NaN"),
        ((TRIANGLE * 1e200, np.array([[0, 1, 2]])), "1e+200"),
        ((TRIANGLE * 1e308, np.array([[0, 1, 2]])), "1e+308"),
        ((TRIANGLE, np.array([[0, 0, 0]])), "coincide"),
        ((TRIANGLE[:1], np.array([[0, 0, 0]] * 500)), "coincide"),
        ((TRIANGLE * 0 + 3.0, np.array([[0, 1, 2]] * 500)), "coincide"),
        ((TRIANGLE, np.array([[0, 1, 2]])), "1 triangle with an area"),
        ((TRIANGLE, np.array([[0, 1, 1]] * 500)), "none of its triangles has an area"),
        (soup(np.linspace(0, 1, 300).reshape(100, 3, 1) * [1.0, 2, 3]), "none of its triangles has an area"),
        ((TRIANGLE, np.array([[0, 1, 2]] * 500)), "500 triangles lie in 1 place,"),
        ((TRIANGLE, np.array([[0, 1, 2], [1, 2, 0], [2, 1, 0]] * 500)), "1500 triangles lie in 1 place,"),
        (soup(np.tile(TRIANGLE, (300, 1, 1)) * -0.0 + TRIANGLE), "300 triangles lie in 1 place,"),
        (soup(TRIANGLE + RNG.normal(0, 1e-6, (5000, 3, 3))), "5000 triangles lie one on top"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_what_is_no_surface(mesh, says):
    assert says in flaw(*mesh)


def test_a_far_triangle_does_not_hide_a_pile():
    pile = TRIANGLE + RNG.normal(0, 1e-6, (5000, 3, 3))
    assert "one on top" in flaw(*soup(np.concatenate([pile, [TRIANGLE + 1e6]])))
