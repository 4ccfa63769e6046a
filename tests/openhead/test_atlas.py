"""The texture atlas of the open head: no overlap, room between charts, every triangle the right way up."""

import numpy as np
from scipy.ndimage import binary_dilation

from headform.heads.linear import PARTS
from headform.mesh.topology import chart_labels

SIZE = 1024


def texels_of(corners):
    """Rows and columns of the texels whose centers lie strictly inside one triangle, by half-planes."""
    low = np.clip(np.floor(corners.min(0) - 0.5).astype(int), 0, SIZE - 1)
    high = np.clip(np.ceil(corners.max(0) + 0.5).astype(int), 0, SIZE - 1)
    column, row = np.meshgrid(np.arange(low[0], high[0] + 1), np.arange(low[1], high[1] + 1))
    x, y = column + 0.5, row + 0.5
    inside = np.ones(x.shape, bool)
    for k in range(3):
        (ax, ay), (bx, by) = corners[k], corners[(k + 1) % 3]
        inside &= (bx - ax) * (y - ay) - (by - ay) * (x - ax) > 1e-9
    return row[inside], column[inside]


def coverage(head):
    uv, faces = head.uv.double().numpy() * SIZE, head.uv_faces.numpy()
    label = chart_labels(faces, len(uv))
    count, chart = np.zeros((SIZE, SIZE), int), np.full((SIZE, SIZE), -1)
    for f in range(len(faces)):
        row, column = texels_of(uv[faces[f]])
        np.add.at(count, (row, column), 1)
        chart[row, column] = label[f]
    return count, chart


def test_charts_do_not_overlap_and_keep_their_distance(head) -> None:
    count, chart = coverage(head)
    assert count.max() == 1
    for name in np.unique(chart[chart >= 0]):
        own = chart == name
        # nothing else within four texels, whichever way
        near = binary_dilation(own, np.ones((3, 3)), iterations=4)
        assert not (near & (chart >= 0) & ~own).any()
    assert (count > 0).mean() > 0.6
    border = np.ones((SIZE, SIZE), bool)
    border[2:-2, 2:-2] = False
    assert not count[border].any()


def test_every_triangle_has_a_picture(head) -> None:
    uv, faces = head.uv.double().numpy(), head.uv_faces.numpy()
    assert uv.min() >= 0
    assert uv.max() <= 1
    a, b, c = (uv[faces[:, k]] for k in range(3))
    area = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    assert area.min() > 0
    assert len(np.unique(faces)) == len(uv)


def test_texture_corners_belong_to_one_vertex(head) -> None:
    owner = np.full(len(head.uv), -1)
    for corner, vertex in zip(head.uv_faces.numpy().ravel(), head.faces.numpy().ravel(), strict=True):
        assert owner[corner] in (-1, vertex)
        owner[corner] = vertex


def test_the_face_is_large(head) -> None:
    label = chart_labels(head.uv_faces.numpy(), len(head.uv))
    nose = np.flatnonzero((head.faces == head.dense[30]).any(1).numpy())[0]
    corners = head.uv.numpy()[head.uv_faces.numpy()[label == label[nose]]]
    assert np.ptp(corners.reshape(-1, 2), axis=0).min() >= 0.55
    # eyes have charts of their own, one for the front of each
    charts = {p: set(label[(head.part[head.faces[:, 0]] == PARTS.index(p)).numpy()]) for p in PARTS}
    assert not charts["eye_left"] & charts["eye_right"]
