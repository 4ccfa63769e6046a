"""The seam of an opening: rims that meet on a curve, part by as much as is asked for, and leave the rest alone."""

import numpy as np
import pytest

from headform.synth.seam import Seam


@pytest.fixture
def sheet() -> tuple[np.ndarray, Seam]:
    """Two flat strips, 11 x 6 vertices each, joined at both ends of the slit between them."""
    x, y = np.meshgrid(np.arange(11.0), np.arange(6.0))
    upper = np.stack([x, y + 0.5 * np.sin(np.pi * x / 10), 0 * x], -1).reshape(-1, 3)
    lower = upper * [1, -1, 1]
    verts = np.concatenate([upper, lower])
    quads = [[r * 11 + c, r * 11 + c + 1, r * 11 + c + 12, r * 11 + c + 11] for r in range(5) for c in range(10)]
    faces = np.array([t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))])
    both = np.concatenate([faces, faces[:, ::-1] + 66])
    both = np.where(both == 66, 0, np.where(both == 76, 10, both))  # corners are shared
    seam = Seam(verts, both, (0, 5, 10), (0, 71, 10), [(5, 71)], rigid=1.0, reach=4.0)
    return verts, seam


def test_rims_run_from_corner_to_corner(sheet) -> None:
    verts, seam = sheet
    assert seam.upper.ids.tolist() == list(range(11))
    assert seam.lower.ids.tolist() == [0, *range(67, 76), 10]
    assert seam.upper.places[[0, 5, 10]].tolist() == [0, 1, 2]
    np.testing.assert_allclose(seam.gap(verts).max(), 1.0)
    assert seam.places[seam.middle].tolist() == [1.0]


def test_closed_rims_are_the_same_points(sheet) -> None:
    verts, seam = sheet
    closed = verts.copy()
    seam.close(closed, 0.75)
    np.testing.assert_allclose(closed[seam.upper.ids], closed[seam.lower.ids], atol=1e-12)
    assert closed[5, 1] == pytest.approx(0.5 - 0.75), "the upper rim goes three quarters of the way"
    np.testing.assert_array_equal(closed[[44, 55, 110, 121]], verts[[44, 55, 110, 121]])  # beyond the reach
    moved = (closed - verts)[[5, 16, 27, 38, 49], 1]
    assert (np.diff(moved) >= 0).all(), "the surface follows less and less"
    assert moved[1] == pytest.approx(moved[0], rel=0.05), "rigid near the rim"


def test_crossing_rims_meet_half_way(sheet) -> None:
    verts, seam = sheet
    crossing = verts * [1, 1, 1]
    crossing[1:66, 1] -= 1.0
    crossing[67:, 1] += 0.0
    crossing[10, 1] += 1.0
    seam.close(crossing, 0.9)
    assert np.abs(seam.gap(crossing)).max() < 1e-12
    assert crossing[5, 1] == pytest.approx((-0.5 - 0.5) / 2)


def test_parting_raises_gaps_that_are_too_small_alone(sheet) -> None:
    verts, seam = sheet
    parted = verts.copy()
    least = np.where(np.arange(len(seam.places)) < len(seam.places) // 2, 0.0, 1.2)
    least[-1] = 0.0
    seam.part(parted, least, 0.25)
    gap = seam.gap(parted)
    np.testing.assert_allclose(gap, np.maximum(seam.gap(verts), least), atol=1e-9)
    up, down = parted[7, 1] - verts[7, 1], verts[73, 1] - parted[73, 1]
    assert up / (up + down) == pytest.approx(0.25)
    untouched = verts.copy()
    seam.part(untouched, np.full(len(seam.places), -1.0), 0.5)
    np.testing.assert_array_equal(untouched, verts)
