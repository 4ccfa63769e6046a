"""Bytes of eos model files of versions 1 to 4, from the documented layout alone."""

import struct
from dataclasses import dataclass, field

import numpy as np

from tests.importers.made_surface import surface, unit_columns


def matrix(values: np.ndarray) -> bytes:
    """An Eigen matrix: rows, columns, column by column."""
    table = values if values.ndim == 2 else values[:, None]
    return struct.pack("<ii", *table.shape) + table.astype("<f4").tobytes(order="F")


def triples(values: np.ndarray) -> bytes:
    """A vector of int triples."""
    return struct.pack("<Q", len(values)) + values.astype("<i4").tobytes()


def text(value: str) -> bytes:
    """A std::string."""
    return struct.pack("<Q", len(value.encode())) + value.encode()


NOTHING = struct.pack("<ii", 0, 1) + struct.pack("<ii", 0, 0) + struct.pack("<ii", 0, 1) + struct.pack("<Q", 0)


@dataclass
class EosModel:
    """What a file holds; `encode` writes it."""

    vertices: int = 3448
    triangles: int = 6736
    modes: int = 63
    color_modes: int = 0
    expressions: tuple[str, ...] = ()
    expression_modes: int = 0
    points: dict[str, int] = field(default_factory=dict)
    uv: bool = True
    uv_triangles: bool = False
    eyes: tuple[int, int] = (177, 610)

    def __post_init__(self) -> None:
        self.mean, self.faces = surface(self.vertices, self.triangles, self.eyes)
        size = 3 * self.vertices
        self.basis = unit_columns(size, self.modes)
        self.variance = np.linspace(900, 1, self.modes).astype(np.float32)
        self.color_basis = unit_columns(size, self.color_modes, 1)
        self.color_variance = np.linspace(4, 1, self.color_modes).astype(np.float32)
        self.color_mean = np.linspace(0.2, 0.9, size).astype(np.float32)
        self.shapes = unit_columns(size, len(self.expressions), 2) * 50
        self.pca = unit_columns(size, self.expression_modes, 3)
        self.pca_variance = np.linspace(25, 4, self.expression_modes).astype(np.float32)
        self.pca_mean = np.linspace(-1, 1, size).astype(np.float32)
        corners = self.vertices + 7 if self.uv_triangles else self.vertices
        self.texture = np.stack([np.linspace(0, 1, corners), np.linspace(1, 0, corners) ** 2], 1)
        self.texture_faces = self.faces + 7

    def components(self, mean: np.ndarray, basis: np.ndarray, variance: np.ndarray) -> bytes:
        """A PcaModel."""
        return matrix(mean) + matrix(basis) + matrix(variance) + triples(self.faces)

    def encode(self, version: int) -> bytes:
        """The file of one version."""
        parts = [struct.pack("<I", version)]
        parts.append(self.components(self.mean.reshape(-1), self.basis, self.variance))
        if self.color_modes:
            parts.append(self.components(self.color_mean, self.color_basis, self.color_variance))
        else:
            parts.append(NOTHING)
        if version >= 2:
            parts.append(self._expression())
        if version >= 3:
            named = b"".join(text(k) + struct.pack("<i", v) for k, v in self.points.items())
            parts.append(b"\0" + struct.pack("<Q", len(self.points)) + named if self.points else b"\1")
        count = len(self.texture) if version >= 4 else self.vertices
        count = min(count, len(self.texture)) if self.uv else 0
        parts.append(struct.pack("<Q", count) + self.texture[:count].astype("<f8").tobytes())
        if version >= 4:
            parts.append(triples(self.texture_faces if self.uv_triangles else self.faces[:0]))
        return b"".join(parts)

    def _expression(self) -> bytes:
        if self.expression_modes:
            model = self.components(self.pca_mean, self.pca, self.pca_variance)
            return b"\0" + struct.pack("<i", 0) + model
        if self.expressions:
            return b"\0" + struct.pack("<i", 1) + self.blendshapes()
        return b"\1"

    def blendshapes(self) -> bytes:
        """A vector of named expressions, as in a file of its own."""
        named = (text(n) + matrix(self.shapes[:, k]) for k, n in enumerate(self.expressions))
        return struct.pack("<Q", len(self.expressions)) + b"".join(named)

    def scm(self) -> bytes:
        """The publisher's own format."""
        out = struct.pack("<II", self.vertices, self.triangles) + self.faces.astype("<u4").tobytes()
        for mean, basis, variance in (
            (self.mean.reshape(-1), self.basis, self.variance),
            (self.color_mean, self.color_basis, self.color_variance),
        ):
            out += struct.pack("<II", basis.shape[1], len(mean)) + basis.astype("<f8").tobytes("F")
            out += struct.pack("<I", len(mean)) + mean.astype("<f8").tobytes()
            out += struct.pack("<I", len(variance)) + variance.astype("<f8").tobytes()
        return out
