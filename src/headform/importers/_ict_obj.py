"""OBJ files of ICT-FaceKit Light, read straight into arrays (154 files of 2.5 MB: speed counts).

V vertices, T texture vertices, P polygons of three or four corners.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from headform.errors import InputError
from headform.io.file_bytes import read_mesh_bytes


def read_positions(path: Path) -> Float[np.ndarray, "V 3"]:
    """Positions (V,3) float64 of the ``v`` lines, in file order."""
    rows = [line[2:] for line in _lines(path) if line.startswith(b"v ")]
    return _numbers(rows, 3, path)


def read_polygons(
    path: Path,
) -> tuple[
    Float[np.ndarray, "T 2"],
    Int[np.ndarray, "P 4"],
    Int[np.ndarray, "P 4"],
    tuple[str, ...],
    Int[np.ndarray, " P"],
]:
    """Texture coordinates, polygons, their texture corners, material names and material of each polygon.

    Zero-based; polygons of three corners end in -1.
    """
    texture: list[bytes] = []
    corners: list[list[int]] = []
    corner_uvs: list[list[int]] = []
    materials: list[str] = []
    material: list[int] = []
    for line in _lines(path):
        if line.startswith(b"vt "):
            texture.append(line[3:])
        elif line.startswith(b"usemtl "):
            name = line[7:].decode().strip()
            if name not in materials:
                materials.append(name)
            current = materials.index(name)
        elif line.startswith(b"f "):
            pairs = [corner.split(b"/") for corner in line[2:].split()]
            if len(pairs) not in (3, 4) or any(len(pair) < 2 for pair in pairs) or not materials:
                raise InputError("ict_layout", "a face line without texture corners or material", str(path))
            padding = [-1] * (4 - len(pairs))
            corners.append([int(pair[0]) - 1 for pair in pairs] + padding)
            corner_uvs.append([int(pair[1]) - 1 for pair in pairs] + padding)
            material.append(current)
    uv = _numbers(texture, 2, path)
    if not corners:
        raise InputError("ict_layout", "there are no faces", str(path))
    return uv, np.array(corners), np.array(corner_uvs), tuple(materials), np.array(material)


def _lines(path: Path) -> list[bytes]:
    return read_mesh_bytes(path).splitlines()


def _numbers(rows: list[bytes], width: int, path: Path) -> Float[np.ndarray, "N width"]:
    try:
        table = np.array(b" ".join(rows).split(), dtype=np.float64)
        return table.reshape(len(rows), width)
    except ValueError as error:
        raise InputError("ict_layout", f"coordinates that are not {width} numbers a line", str(path)) from error
