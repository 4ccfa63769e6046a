"""The maker of the appearance asset: MakeHuman's files, the straightened brow, the carried points."""

from pathlib import Path

import numpy as np
import pytest

from headform.heads import load_open
from tools.appearance.binding import Binder
from tools.appearance.brows import straighten
from tools.appearance.makehuman import components, fitted_vertices, read_obj, split_at_seams
from tools.appearance.wrinkles import WrinklePainter

OBJ = """# two quads that share an edge, with a seam between them
v 0 0 0
v 1 0 0
v 1 1 0
v 0 1 0
v 2 0 0
v 2 1 0
vt 0 0
vt 0.4 0
vt 0.4 1
vt 0 1
vt 0.6 0
vt 1 0
vt 1 1
vt 0.6 1
g one
f 1/1 2/2 3/3 4/4
g two
f 2/5 5/6 6/7 3/8
"""
BASE = np.array([[0, 0, 0], [2, 0, 0], [0, 1, 0], [0, 0, 1.0]])


def test_reads_quads_and_groups(tmp_path: Path) -> None:
    (tmp_path / "a.obj").write_text(OBJ)
    mesh = read_obj(tmp_path / "a.obj")
    assert mesh.faces.tolist() == [[0, 1, 2], [0, 2, 3], [1, 4, 5], [1, 5, 2]]
    assert len(mesh.part("two").faces) == 2
    source, uv, faces = split_at_seams(mesh)
    assert len(source) == 8
    assert np.array_equal(mesh.vertices[source[faces]], mesh.vertices[mesh.faces])
    assert np.array_equal(uv[faces], mesh.uv[mesh.uv_faces])
    assert components(mesh.uv_faces, 8).max() == 1
    assert components(mesh.faces, 6).max() == 0


def test_pieces_are_placed_and_offsets_scaled(tmp_path: Path) -> None:
    text = "x_scale 0 1 4.0\nz_scale 0 3 1.0\ny_scale 0 2 0.5\nverts 0\n 1\n0 1 2 0.5 0.5 0 1 1 1\n"
    (tmp_path / "a.mhclo").write_text(text)
    placed = fitted_vertices(tmp_path / "a.mhclo", BASE)
    assert placed.tolist() == [[2, 0, 0], [1 + 0.5, 2, 1]]


def test_points_inside_the_head_are_pushed_out_of_it() -> None:
    binder = Binder(load_open())
    scalp = np.array([[0.0, 0.13, 0.0], [0.03, 0.12, -0.03]])
    found = binder.surface.closest(binder.outside(scalp, 0.002))
    assert found.distance == pytest.approx(0.002, abs=3e-4)
    far = np.array([[0.0, 0.3, 0.0]])
    assert np.array_equal(binder.outside(far), far)


def test_soft_weights_are_smooth() -> None:
    binder = Binder(load_open())
    line = np.linspace([0.0, 0.16, 0.0], [0.03, 0.15, -0.05], 200)
    bound = binder.soft(line)
    moved = (binder.mean[bound.anchor] * bound.weight[..., None]).sum(1)
    assert bound.weight.sum(1) == pytest.approx(1)
    assert np.linalg.norm(np.diff(moved, axis=0), axis=1).max() < 0.004


class Shrunk:
    """Stands in for the alignment: decimeters of the body as meters about the head."""

    def carry(self, points: np.ndarray) -> np.ndarray:
        return np.asarray(points - [0.0, 6.9, 0.6]) / 10


def test_a_brow_is_straightened_with_its_ends_where_they_belong(data_root: Path) -> None:
    folder = data_root / "makehuman"
    base = read_obj(folder / "base.obj")
    brow = straighten(folder / "eyebrows/eyebrow001", base, Shrunk())  # type: ignore[arg-type]
    assert brow.length == pytest.approx([0.058, 0.058], abs=0.012)
    assert brow.middle[0] == pytest.approx(brow.middle[1] * [-1, 1, 1], abs=0.004)
    thick = (brow.alpha > 60).sum(1)
    assert (thick[:, 180:240].mean(1) > 1.4 * thick[:, 10:60].mean(1)).all(), "thicker at the inner end"
    rows = (brow.alpha.sum(2) * np.arange(64)).sum(1) / brow.alpha.sum((1, 2))
    assert rows == pytest.approx([31.5, 31.5], abs=3), "the spine in the middle"


def test_wrinkles_are_dark_in_the_groove_and_plain_elsewhere() -> None:
    groups = WrinklePainter(load_open()).groups()
    for name, group in groups.items():
        changed = group.map != 128
        assert 0.0005 < changed.mean() < 0.06, name
        assert group.map.min() < 90, name
        assert group.map[changed].mean() < 128, name
