"""Hierarchies: sizes, up-sampling against its definition, symmetry, marks, small parts, refusals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from headform.errors import InputError
from headform.heads import load_open
from headform.mesh._upsampling import barycentric_embedding
from headform.mesh.closest_point import closest_points
from headform.mesh.hierarchy import build_hierarchy
from headform.mesh.scaled_laplacian import scaled_laplacian
from headform.mesh.topology import components, edges
from tests.mesh.surfaces import cube, face_sheet, flame_stand_in, grid, joined, shaken, sphere

RULES = ["coma", "symmetric"]


def up(hierarchy, level):
    """U as a matrix."""
    vertices, weights = hierarchy.up_vertices[level], hierarchy.up_weights[level]
    rows = np.repeat(np.arange(len(vertices)), 3)
    shape = (len(vertices), hierarchy.counts[level + 1])
    return csr_matrix((weights.ravel(), (rows, vertices.ravel())), shape=shape)


def check(hierarchy, vertices):
    """Whatever the mesh: shapes, D U = I, rows of U, triangles over what is kept."""
    for level, kept in enumerate(hierarchy.kept):
        fine, coarse = hierarchy.counts[level : level + 2]
        assert len(vertices) == fine
        assert (np.diff(kept) > 0).all()
        matrix = up(hierarchy, level)
        np.testing.assert_allclose(matrix.sum(axis=1), 1.0, atol=1e-14)
        assert matrix.min() >= 0
        assert abs(matrix[kept] - np.eye(coarse)).max() == 0.0
        assert (hierarchy.up_weights[level][kept] == [1.0, 0.0, 0.0]).all()
        assert (hierarchy.up_vertices[level][kept] == np.arange(coarse)[:, None]).all()
        vertices = vertices[kept]
        assert set(hierarchy.faces[level + 1].ravel().tolist()) == set(range(coarse))
        expected = scaled_laplacian(hierarchy.faces[level + 1], coarse)
        assert abs(hierarchy.laplacians[level + 1] - expected).max() == 0.0


@pytest.fixture(scope="module")
def head():
    found = load_open()
    return (
        found.mean.double().numpy(),
        found.faces.long().numpy(),
        found.mirror.long().numpy(),
        np.unique(found.landmark_vertices.numpy()),
    )


@pytest.mark.parametrize("rule", RULES)
def test_the_open_head_has_the_papers_sizes(rule, head) -> None:
    vertices, faces, _, _ = head
    hierarchy = build_hierarchy(vertices, faces, rule=rule)
    assert hierarchy.counts == (10_639, 2660, 665, 167, 42)
    check(hierarchy, vertices)


def test_the_open_head_stays_its_own_mirror_image_and_keeps_its_landmarks(head) -> None:
    vertices, faces, mirror, marks = head
    keep = np.zeros(len(vertices), bool)
    keep[marks] = True
    hierarchy = build_hierarchy(vertices, faces, rule="symmetric", mirror=mirror, keep=keep, keep_levels=3)
    assert hierarchy.counts == (10_639, 2660, 665, 167, 42)
    check(hierarchy, vertices)
    names = np.arange(len(vertices))
    for level, kept in enumerate(hierarchy.kept):
        finer, names = names, names[kept]
        if level < 3:
            assert set(marks.tolist()) <= set(names.tolist())
        np.testing.assert_array_equal(np.sort(mirror[names]), names)
        here = {frozenset(f) for f in names[hierarchy.faces[level + 1]].tolist()}
        assert {frozenset(mirror[list(f)].tolist()) for f in here} == here
        image, image_coarse = np.argsort(finer), np.argsort(names)
        partner = image[np.searchsorted(finer, mirror[finer])]
        coarse_partner = image_coarse[np.searchsorted(names, mirror[names])]
        side = partner != np.arange(len(partner))
        matrix = up(hierarchy, level)
        mirrored = matrix[partner][:, coarse_partner]
        assert abs((matrix - mirrored)[side]).max() < 1e-15


def test_lips_and_lids_do_not_hang_on_each_other(head) -> None:
    """No further than a walk over a few coarse edges lies between a vertex and what it hangs on."""
    vertices, faces, mirror, _ = head
    hierarchy = build_hierarchy(vertices, faces, (4,), rule="symmetric", mirror=mirror)
    parents = up(hierarchy, 0)
    label = components(faces, len(vertices))
    at = hierarchy.kept[0][parents.indices]
    assert (label[at] == label[np.repeat(np.arange(parents.shape[0]), np.diff(parents.indptr))]).all()
    gap = closest_points(vertices, vertices[hierarchy.kept[0]], hierarchy.faces[1]).squared
    here = ((parents @ vertices[hierarchy.kept[0]] - vertices) ** 2).sum(1)
    assert (here >= gap - 1e-15).all(), "nothing is closer than the closest point"
    elsewhere = np.sqrt(here) > np.sqrt(gap) + 1e-6
    assert 0.001 < elsewhere.mean() < 0.2, "some closest points lie across a gap, most do not"


@pytest.mark.parametrize("rule", RULES)
def test_linear_fields_on_a_plane_come_back_exactly(rule) -> None:
    vertices, faces = grid(21, 17)
    hierarchy = build_hierarchy(vertices, faces, (3, 3), rule=rule)
    check(hierarchy, vertices)
    field = vertices @ [[0.3, -2.0], [1.1, 0.7], [0.0, 0.0]] + [4.0, -1.0]
    for level, kept in enumerate(hierarchy.kept):
        back = up(hierarchy, level) @ field[kept]
        away = np.linalg.norm(up(hierarchy, level) @ vertices[kept] - vertices, axis=1)
        inside = away < 1e-9
        np.testing.assert_allclose(back[inside], field[inside], atol=1e-9)
        if rule == "symmetric":
            assert inside.all(), "the outline stays, so every vertex lies in the coarse plane"
        vertices, field = vertices[kept], field[kept]


@pytest.mark.parametrize("rule", RULES)
def test_up_sampling_is_the_closest_point_on_a_round_surface(rule) -> None:
    """Nothing is near across a gap on a sphere: walking along the surface must find the closest point."""
    vertices, faces = sphere(14, 20)
    vertices = shaken(vertices, 2, by=0.003)
    hierarchy = build_hierarchy(vertices, faces, (4,), rule=rule)
    left = vertices[hierarchy.kept[0]]
    away = ((up(hierarchy, 0) @ left - vertices) ** 2).sum(1)
    nearest = closest_points(vertices, left, hierarchy.faces[1]).squared
    np.testing.assert_allclose(away, nearest, rtol=1e-9, atol=1e-15)


def test_the_walk_goes_on_as_long_as_it_gets_closer() -> None:
    """A point above one end of a long strip, said to have been collapsed onto the other end."""
    vertices, faces = grid(2, 12)
    vertices = np.concatenate([vertices, [[10.75, 0.5, 0.3]]])
    went = np.append(np.arange(24), 0)
    parents, weights = barycentric_embedding(vertices, faces, np.arange(24), faces, went)
    np.testing.assert_allclose(weights[24] @ vertices[parents[24]], [10.75, 0.5, 0.0], atol=1e-12)


def test_a_close_sheet_is_not_another_surface() -> None:
    """Two parallel sheets 0.01 apart, one bumpy: no vertex may be embedded in the other sheet."""
    lower, faces = grid(12, 12)
    upper = shaken(lower, 4, by=0.2) + [0, 0, 0.01]
    vertices, faces = joined((shaken(lower, 3, by=0.2), faces), (upper, faces))
    for rule in RULES:
        hierarchy = build_hierarchy(vertices, faces, (4, 2), rule=rule)
        part = components(faces, len(vertices))
        for level, kept in enumerate(hierarchy.kept):
            used = hierarchy.up_weights[level] > 0
            over = part[kept][hierarchy.up_vertices[level]] == part[:, None]
            assert over[used].all()
            part = part[kept]


@pytest.mark.parametrize("rule", RULES)
def test_parts_that_are_gone_hang_on_what_is_left(rule) -> None:
    ball, ball_faces = sphere(4, 5)
    vertices, faces = joined(sphere(20, 30), (0.02 * ball + [2.0, 0, 0], ball_faces))
    hierarchy = build_hierarchy(shaken(vertices, 1, by=1e-4), faces, (4, 4), rule=rule)
    part = np.arange(len(vertices)) >= 572
    for kept in hierarchy.kept:
        part = part[kept]
    assert not part.any()
    check(hierarchy, shaken(vertices, 1, by=1e-4))


def test_eyes_stay_as_long_as_four_vertices_are_theirs() -> None:
    vertices, faces = flame_stand_in()
    hierarchy = build_hierarchy(vertices, faces, rule="symmetric")
    assert hierarchy.counts == (5023, 1256, 314, 79, 20)
    part = components(faces, len(vertices))
    left = []
    for level, kept in enumerate(hierarchy.kept):
        part = part[kept]
        left.append(np.bincount(part, minlength=3)[1:].min())
        assert edges(hierarchy.faces[level + 1])[1].max() <= 2
    assert all(n >= 4 for n in left[:3]), left
    assert left[3] == 0, "546 / 4^4 is less than 4"


def test_many_small_parts_are_not_all_given_up() -> None:
    ball, ball_faces = sphere(3, 3)  # 8 vertices, due 2
    vertices, faces = joined(*[(ball + [3.0 * i, 0, 0], ball_faces) for i in range(12)])
    hierarchy = build_hierarchy(shaken(vertices, 1), faces, (4,), rule="symmetric")
    assert hierarchy.counts[1] == 48, "a tetrahedron each, since all would be too many to lose"


@pytest.mark.parametrize("rule", RULES)
def test_relabeling_changes_names_only(rule) -> None:
    vertices, faces = face_sheet(19, 23)
    order = np.random.default_rng(5).permutation(len(vertices))
    renamed = np.empty_like(vertices)
    renamed[order] = vertices
    plain = build_hierarchy(vertices, faces, (4, 4), rule=rule)
    other = build_hierarchy(renamed, order[faces], (4, 4), rule=rule)
    names, other_names = np.arange(len(vertices)), np.arange(len(vertices))
    for level in range(2):
        finer = names
        names, other_names = names[plain.kept[level]], other_names[other.kept[level]]
        np.testing.assert_array_equal(np.sort(order[names]), other_names)
        rows = np.searchsorted(np.sort(order[finer]), order[finer])
        columns = np.searchsorted(other_names, order[names])
        moved = up(other, level)[rows][:, columns]
        assert abs(moved - up(plain, level)).max() < 1e-12


@given(seed=st.integers(0, 10_000), rings=st.integers(4, 7), factor=st.integers(2, 4))
def test_random_surfaces(seed, rings, factor) -> None:
    vertices, faces = sphere(rings, 7)
    torn = np.random.default_rng(seed).integers(0, len(faces), 3)
    vertices, faces = shaken(vertices, seed, by=0.1), np.delete(faces, torn, axis=0)
    for rule in RULES:
        hierarchy = build_hierarchy(vertices, faces, (factor,), rule=rule)
        check(hierarchy, vertices)
        if rule == "coma" or factor == 2:  # three holes need a few vertices more
            assert hierarchy.counts[1] <= -(-len(vertices) // factor)


def test_refusals() -> None:
    vertices, faces = cube(3)
    build = build_hierarchy
    with pytest.raises(ValueError, match="factors"):
        build(vertices, faces, ())
    with pytest.raises(ValueError, match="factors"):
        build(vertices, faces, (4, 1))
    with pytest.raises(ValueError, match="neither keep nor mirror"):
        build(vertices, faces, mirror=np.arange(len(vertices)))
    everyone = np.arange(len(vertices))
    for wrong in (np.roll(everyone, 1), everyone - 2, everyone + 1):
        with pytest.raises(ValueError, match="mirror must"):
            build(vertices, faces, rule="symmetric", mirror=wrong)
    for code, mesh in {
        "mesh_not_finite": (np.where(vertices == 1, np.nan, vertices), faces),
        "mesh_not_manifold": (vertices, np.concatenate([faces, [[*faces[0][:2], 55]]])),
        "hierarchy_empty": (vertices[:4], np.array([[0, 1, 2]])),
    }.items():
        with pytest.raises(InputError) as caught:
            build(*mesh)
        assert caught.value.code == code
    with pytest.raises(InputError, match="30 vertices to keep exceed the 14 vertices of level 1"):
        build(vertices, faces, rule="symmetric", keep=np.arange(len(vertices)) < 30)
