"""Small heads of the open model in millimeters: cut to the skin, thinned, with their seven landmarks."""

from functools import cache

import numpy as np
import torch

from headform import heads
from headform.evaluate.scan.mesh_files import Surface
from headform.evaluate.scan.protocol import PROTOCOLS
from headform.evaluate.scan.scan_error import ScanError, crop_scan, scan_error
from headform.mesh.decimation import decimate

SKIN = 0


@cache
def thinned(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Vertices of the open head that are kept, and the triangles between them."""
    head = heads.load_open()
    faces = head.faces.numpy()
    faces = faces[(head.part.numpy()[faces] == SKIN).all(1)]
    used = np.unique(faces)
    small = decimate(head.mean.double().numpy()[used], np.searchsorted(used, faces), count)
    return used[small.kept], small.faces


def head_of(
    seed: int, *, count: int = 1500, spread: float = 1.0, noise: float = 0.0, **expression: float
) -> tuple[Surface, np.ndarray]:
    """A person: identity by `seed`, then by `noise` a little off it (another draw), and an expression."""
    head = heads.load_open()
    identity = np.random.default_rng(seed).normal(0, spread, 100)
    identity += np.random.default_rng(abs(hash((seed, noise))) % 2**32).normal(0, noise, 100)
    shapes = torch.zeros(len(head.expression_names))
    for name, weight in expression.items():
        shapes[head.expression_names.index(name)] = weight
    vertices = 1000 * head.vertices(torch.tensor(identity, dtype=torch.float32), shapes).double()
    kept, faces = thinned(count)
    return Surface(vertices.numpy()[kept], faces, f"head {seed}"), vertices.numpy()[head.now7]


def measured(
    scan: tuple[Surface, np.ndarray],
    head: tuple[Surface, np.ndarray],
    protocol="official",
    **options,
) -> ScanError:
    chosen = PROTOCOLS[protocol] if isinstance(protocol, str) else protocol
    return scan_error(crop_scan(*scan, chosen), *head, protocol=chosen, **options)


def moved(head: tuple[Surface, np.ndarray], scale=1.0, turn=None, shift=(0.0, 0.0, 0.0)) -> tuple[Surface, np.ndarray]:
    turn = np.eye(3) if turn is None else turn

    def place(points):
        return scale * points @ turn.T + np.asarray(shift)

    surface, landmarks = head
    return Surface(place(surface.vertices), surface.faces, surface.name), place(landmarks)
