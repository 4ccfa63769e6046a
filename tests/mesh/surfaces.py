"""Surfaces for the tests of mesh operators: built by formula, with known counts."""

import numpy as np


def grid(rows, columns):
    """A sheet of rows x columns vertices in z = 0, unit spacing, alternating diagonals; wound up (+z)."""
    y, x = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    vertices = np.stack([x.ravel(), y.ravel(), np.zeros(rows * columns)], axis=1).astype(float)
    number = np.arange(rows * columns).reshape(rows, columns)
    a, b, d, c = (n.ravel() for n in (number[:-1, :-1], number[:-1, 1:], number[1:, :-1], number[1:, 1:]))
    even = ((x + y)[:-1, :-1].ravel() % 2 == 0)[:, None]
    first = np.where(even, np.stack([a, b, c], 1), np.stack([a, b, d], 1))
    second = np.where(even, np.stack([a, c, d], 1), np.stack([b, c, d], 1))
    return vertices, np.concatenate([first, second]).astype(np.int64)


def sphere(rings, segments):
    """A closed latitude-longitude sphere of radius 1: segments (rings - 1) + 2 vertices."""
    vertices = [(0.0, 0.0, 1.0)]
    for i in range(1, rings):
        t = np.pi * i / rings
        for j in range(segments):
            p = 2 * np.pi * j / segments
            vertices.append((np.sin(t) * np.cos(p), np.sin(t) * np.sin(p), np.cos(t)))
    vertices.append((0.0, 0.0, -1.0))
    faces = [(0, 1 + j, 1 + (j + 1) % segments) for j in range(segments)]
    for i in range(rings - 2):
        for j in range(segments):
            a, b = 1 + i * segments + j, 1 + i * segments + (j + 1) % segments
            faces += [(a, a + segments, b + segments), (a, b + segments, b)]
    last, ring = len(vertices) - 1, 1 + (rings - 2) * segments
    faces += [(last, ring + (j + 1) % segments, ring + j) for j in range(segments)]
    return np.array(vertices), np.array(faces, np.int64)


def face_sheet(rows, columns):
    """A sheet bent like a face: a grid over an ellipsoid's front with a nose and waves; generic positions."""
    flat, faces = grid(rows, columns)
    u = flat[:, 0] / (columns - 1) * 2 - 1
    v = flat[:, 1] / (rows - 1) * 2 - 1
    z = 0.06 * np.cos(1.2 * u) * np.cos(1.0 * v) + 0.02 * np.exp(-18 * u**2 - 8 * (v + 0.1) ** 2)
    z += 0.001 * np.sin(9.1 * u + 0.3) * np.sin(7.7 * v + 0.9)
    rng = np.random.default_rng(3)
    jitter = rng.normal(0, 1e-5, flat.shape)
    return np.stack([0.075 * u, 0.1 * v, z], axis=1) + jitter, faces


def shaken(vertices, seed, by=0.05):
    """The same vertices moved a little at random, so that no two costs are equal."""
    return vertices + np.random.default_rng(seed).normal(0.0, by, vertices.shape)


def joined(*parts):
    """Several (vertices, faces) as one mesh."""
    at = np.cumsum([0] + [len(v) for v, _ in parts])
    vertices = np.concatenate([v for v, _ in parts])
    return vertices, np.concatenate([f + n for (_, f), n in zip(parts, at, strict=False)])


def without(vertices, faces, dropped):
    """The mesh without the triangles `dropped`, and without vertices that then have none."""
    left = np.delete(faces, dropped, axis=0)
    used = np.unique(left)
    return vertices[used], np.searchsorted(used, left)


def cube(size):
    """The surface of a cube of size³ unit cells at integer positions: every plane and every cost is exact."""
    flat, faces = grid(size + 1, size + 1)
    low, high = flat.copy(), flat.copy()
    high[:, 2] = size
    sides = [(low[:, order], faces[:, ::-1]) for order in ([0, 1, 2], [2, 0, 1], [1, 2, 0])]
    sides += [(high[:, order], faces) for order in ([0, 1, 2], [2, 0, 1], [1, 2, 0])]
    vertices, corners = joined(*sides)
    vertices, number = np.unique(vertices, axis=0, return_inverse=True)
    return vertices, number.reshape(-1)[corners]


def flame_stand_in():
    """No head of FLAME, but with its counts: V 5023, F 9976, E 14,995, components 3931/546/546, 62 boundary edges.

    The head is a bent tube of 126 rings of 31 whose ends are the 62 edges, with 25 triangles cut in three; the eyes are
    closed spheres.
    """
    rows, columns = 126, 31
    number = np.arange(rows * columns).reshape(rows, columns)
    a, b = number[:-1].ravel(), np.roll(number, -1, axis=1)[:-1].ravel()
    d, c = number[1:].ravel(), np.roll(number, -1, axis=1)[1:].ravel()
    faces = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    t = np.linspace(0.15, np.pi - 0.15, rows)[:, None]
    p = (2 * np.pi * np.arange(columns) / columns)[None]
    bumps = 1 + 0.08 * np.sin(3 * p) * np.sin(5 * t) + 0.05 * np.cos(7 * t + p)
    x, y, z = (
        0.08 * np.sin(t) * np.cos(p) * bumps,
        0.12 * np.cos(t) + 0 * p,
        0.1 * np.sin(t) * np.sin(p) * bumps,
    )
    head = np.stack([x.ravel(), y.ravel(), z.ravel()], axis=1)
    cut = np.arange(300, 300 + 25 * 40, 40)
    new = len(head) + np.arange(25)
    p, q, r = faces[cut].T
    thirds = [np.stack(three, 1) for three in ((p, q, new), (q, r, new), (r, p, new))]
    head = np.concatenate([head, head[faces[cut]].mean(axis=1) * 1.01])
    faces = np.concatenate([np.delete(faces, cut, axis=0), *thirds])
    ball, ball_faces = sphere(18, 32)
    eyes = [(0.012 * ball + [side, 0.02, 0.05], ball_faces) for side in (-0.03, 0.03)]
    vertices, faces = joined((head, faces), *eyes)
    return shaken(vertices, 11, by=2e-5), faces
