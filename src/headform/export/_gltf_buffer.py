"""Builder of the binary part of a glTF file: buffer views and accessors.

N vertices, K rows that a sparse accessor stores.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float, Float32, Int

FLOAT, UNSIGNED_SHORT, UNSIGNED_INT = 5126, 5123, 5125
ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER = 34962, 34963


@dataclass
class GltfBuffer:
    """Collects bytes, `bufferViews` and `accessors`; everything starts at a multiple of 4 bytes.

    Rows of sparse accessors share two views, one for all indices and one for all values; `finish`
    lays them down.
    """

    views: list[dict[str, Any]] = field(default_factory=list)
    accessors: list[dict[str, Any]] = field(default_factory=list)
    _data: bytearray = field(default_factory=bytearray)
    _sparse_indices: bytearray = field(default_factory=bytearray)
    _sparse_values: bytearray = field(default_factory=bytearray)
    _sparse: list[dict[str, Any]] = field(default_factory=list)

    def view(self, data: bytes, *, target: int | None = None) -> int:
        """Append bytes and return the index of their bufferView."""
        entry: dict[str, Any] = {
            "buffer": 0, "byteOffset": len(self._data), "byteLength": len(data),
        }  # fmt: skip
        if target is not None:
            entry["target"] = target
        _append(self._data, data)
        self.views.append(entry)
        return len(self.views) - 1

    def vectors(self, values: Float[np.ndarray, "N C"], *, bounds: bool = False) -> int:
        """Add a dense accessor of float vectors (C = 2 or 3) and return its index.

        Args:
            values: Stored as float32.
            bounds: Write min and max, which positions must have.
        """
        rows = np.ascontiguousarray(values, "<f4")
        entry = self._entry(rows.shape[0], rows.shape[1])
        entry["bufferView"] = self.view(rows.tobytes(), target=ARRAY_BUFFER)
        if bounds:
            entry["min"], entry["max"] = _listed(rows.min(0)), _listed(rows.max(0))
        return self._add(entry)

    def triangles(self, faces: Int[np.ndarray, "F 3"]) -> int:
        """Add an accessor of vertex indices, 16 bits each when they fit, and return its index."""
        # The largest value of either type is reserved (primitive restart).
        short = faces.max(initial=0) < 65535
        kind, code = ("<u2", UNSIGNED_SHORT) if short else ("<u4", UNSIGNED_INT)
        data = np.ascontiguousarray(faces.reshape(-1), kind).tobytes()
        return self._add(
            {
                "bufferView": self.view(data, target=ELEMENT_ARRAY_BUFFER),
                "componentType": code,
                "count": faces.size,
                "type": "SCALAR",
            }
        )

    def displacements(self, values: Float[np.ndarray, "N 3"], *, threshold: float) -> int:
        """Add an accessor of displacements, stored sparsely where that is smaller.

        Rows shorter than `threshold` become zero. With no row left, the accessor has neither data
        nor a `sparse` part, which means zeros (`sparse.count` of 0 is an error). min and max cover
        the zeros that are not stored.

        Args:
            values: Displacements, stored as float32.
            threshold: Length below which a row is left out, in the unit of `values`.

        Returns:
            The accessor's index.
        """
        rows = np.ascontiguousarray(values, "<f4")
        count = len(rows)
        long = np.einsum("nc,nc->n", rows, rows) >= threshold**2
        kept = np.flatnonzero(long)
        short = count <= 65536
        if len(kept) * (12 + (2 if short else 4)) >= count * 12:
            dense = np.where(long[:, None], rows, np.float32(0))
            return self.vectors(dense, bounds=True)
        stored = rows[kept]
        entry = self._entry(count, 3)
        low, high = stored.min(0, initial=0.0), stored.max(0, initial=0.0)
        entry["min"], entry["max"] = _listed(low), _listed(high)
        if len(kept):
            entry["sparse"] = {
                "count": len(kept),
                "indices": {
                    "byteOffset": len(self._sparse_indices),
                    "componentType": UNSIGNED_SHORT if short else UNSIGNED_INT,
                },
                "values": {"byteOffset": len(self._sparse_values)},
            }
            _append(self._sparse_indices, kept.astype("<u2" if short else "<u4").tobytes())
            _append(self._sparse_values, stored.tobytes())
            self._sparse.append(entry["sparse"])
        return self._add(entry)

    def finish(self) -> bytes:
        """Return the whole buffer; call this once, last."""
        if self._sparse:
            indices = self.view(bytes(self._sparse_indices))
            values = self.view(bytes(self._sparse_values))
            for part in self._sparse:
                part["indices"]["bufferView"] = indices
                part["values"]["bufferView"] = values
        return bytes(self._data)

    def _entry(self, count: int, width: int) -> dict[str, Any]:
        return {"componentType": FLOAT, "count": count, "type": f"VEC{width}"}

    def _add(self, entry: dict[str, Any]) -> int:
        self.accessors.append(entry)
        return len(self.accessors) - 1


def _append(store: bytearray, data: bytes) -> None:
    store += data + bytes(-len(data) % 4)


def _listed(vector: Float32[np.ndarray, " C"]) -> list[float]:
    """Float32 values as JSON numbers that are exactly equal to them."""
    return [float(value) for value in vector]
