"""The collapses of CoMA against a slow twin that scans its whole queue, and against what the rule says of ties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headform.mesh.decimation import decimate, plane_quadrics
from headform.mesh.topology import components, edges
from tests.mesh.surfaces import cube, face_sheet, flame_stand_in, grid, joined, shaken, sphere


def slow(vertices, faces, target):
    """The rule, word for word: 4 x 4 matrices, lists, every entry looked at for every collapse."""
    middle = (vertices.min(0) + vertices.max(0)) / 2
    points = np.concatenate([vertices - middle, np.ones((len(vertices), 1))], axis=1)
    quadric = np.zeros((len(vertices), 4, 4))
    for a, b, c in faces:
        normal = np.cross(points[b, :3] - points[a, :3], points[c, :3] - points[a, :3])
        normal = normal / np.linalg.norm(normal)
        plane = np.append(normal, -normal @ points[a, :3])
        for v in (a, b, c):
            quadric[v] += np.outer(plane, plane)

    def prices(r, c):
        both = quadric[r] + quadric[c]
        return points[r] @ both @ points[r], points[c] @ both @ points[c]

    triangles = [list(map(int, f)) for f in faces]
    names = sorted({tuple(sorted((f[k], f[k - 1]))) for f in triangles for k in range(3)})
    queue = [[min(prices(r, c)), number, r, c] for number, (r, c) in enumerate(names)]
    went = np.arange(len(vertices))
    while len({v for f in triangles for v in f}) > target:
        entry = min(queue)
        _, _, r, c = entry
        if r == c:
            queue.remove(entry)
            continue
        keep_r, keep_c = prices(r, c)
        if min(keep_r, keep_c) > entry[0]:
            entry[0] = min(keep_r, keep_c)
            continue
        queue.remove(entry)
        stays, goes = (r, c) if keep_r < keep_c else (c, r)
        went[went == goes] = stays
        for f in triangles:
            f[:] = [stays if v == goes else v for v in f]
        for other in queue:
            other[2:] = [stays if v == goes else v for v in other[2:]]
        triangles = [f for f in triangles if len(set(f)) == 3]
        quadric[r] = quadric[c] = quadric[r] + quadric[c]
    kept = sorted({v for f in triangles for v in f})
    return kept, [[kept.index(v) for v in f] for f in triangles], went


def check(vertices, faces, target):
    less = decimate(vertices, faces, target)
    kept, left, went = slow(vertices, faces, target)
    assert less.kept.tolist() == kept
    assert less.faces.tolist() == left
    place = {v: i for i, v in enumerate(kept)}
    assert less.collapsed_to.tolist() == [place.get(int(v), -1) for v in went]
    return less


@pytest.mark.parametrize("target", [60, 20, 6, 3])
def test_equals_the_slow_twin(target) -> None:
    vertices, faces = joined(sphere(8, 9), grid(5, 6))
    less = check(shaken(vertices, 5), faces, target)
    assert len(less.kept) <= target


@given(seed=st.integers(0, 10_000), rings=st.integers(3, 6), share=st.integers(2, 5))
def test_equals_the_slow_twin_on_random_surfaces(seed, rings, share) -> None:
    """Torn spheres; every vertex has four or more planes, so that no price is mere rounding."""
    vertices, faces = sphere(rings, 6)
    torn = np.random.default_rng(seed).integers(0, len(faces), 2)
    check(shaken(vertices, seed, by=0.2), np.delete(faces, torn, axis=0), -(-len(vertices) // share))


@pytest.mark.parametrize("target", [40, 14, 9])
def test_ties_and_their_order(target) -> None:
    """On a cube of unit cells every price is a small whole number, exactly: nearly all are equal."""
    vertices, faces = cube(4)
    less = check(vertices, faces, target)
    if target >= 9:
        corners = {v for v, p in enumerate(vertices) if set(p.tolist()) <= {0.0, 4.0}}
        assert corners <= set(less.kept.tolist()), "only corners cost anything"


def test_a_tie_keeps_the_later_end() -> None:
    """In a plane every price is 0: of the first edge (0, 1), vertex 0 goes."""
    vertices, faces = grid(3, 3)
    assert decimate(vertices, faces, 8).kept.tolist() == [1, 2, 3, 4, 5, 6, 7, 8]


def test_quadrics_measure_squared_distances_from_planes() -> None:
    vertices, faces = sphere(5, 6)
    q = plane_quadrics(vertices, faces)
    rng = np.random.default_rng(0)
    for v in (0, 3, 11):
        p = rng.normal(size=3)
        total = 0.0
        for f in faces[(faces == v).any(axis=1)]:
            a, b, c = vertices[f]
            volume = np.linalg.det(np.stack([b - a, c - a, p - a]))
            total += (volume / np.linalg.norm(np.cross(b - a, c - a))) ** 2
        matrix = np.zeros((4, 4))
        matrix[np.triu_indices(4)] = q[v]
        matrix = matrix + matrix.T - np.diag(np.diag(matrix))
        at = np.append(p, 1.0)
        assert at @ matrix @ at == pytest.approx(total, rel=1e-9)


def test_triangles_without_area_have_no_plane() -> None:
    vertices, faces = grid(3, 4)
    vertices[5] = vertices[4]  # squeezes some triangles flat
    assert np.isfinite(plane_quadrics(vertices, faces)).all()
    assert len(decimate(vertices, faces, 5).kept) <= 5


def test_sizes_on_counts_like_those_of_flame() -> None:
    """A stand-in with FLAME's counts: its levels have the paper's sizes. (FLAME's own triangles may not be shipped.)"""
    vertices, faces = flame_stand_in()
    pairs, uses = edges(faces)
    assert (len(vertices), len(faces), len(pairs), (uses == 1).sum()) == (5023, 9976, 14_995, 62)
    assert np.bincount(components(faces, len(vertices))).tolist() == [3931, 546, 546]
    sizes = []
    for _ in range(4):
        less = decimate(vertices, faces, -(-len(vertices) // 4))
        vertices, faces = vertices[less.kept], less.faces
        sizes.append(len(vertices))
    assert sizes == [1256, 314, 79, 20]


def test_relabeling_changes_names_only() -> None:
    vertices, faces = face_sheet(13, 17)
    order = np.random.default_rng(1).permutation(len(vertices))
    renamed = np.empty_like(vertices)
    renamed[order] = vertices
    plain, other = decimate(vertices, faces, 60), decimate(renamed, order[faces], 60)
    assert sorted(order[plain.kept].tolist()) == other.kept.tolist()
    np.testing.assert_array_equal(order[plain.kept[plain.faces]], other.kept[other.faces])


def test_nothing_depends_on_place_or_size() -> None:
    vertices, faces = face_sheet(13, 17)
    here = decimate(vertices, faces, 50)
    there = decimate(vertices * 1000 + [40.0, -1600.0, 7.0], faces, 50)
    np.testing.assert_array_equal(here.kept, there.kept)
