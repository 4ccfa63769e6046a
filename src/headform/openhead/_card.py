"""Model card of the open head: source, command, counts and fidelity."""

import hashlib
import json
from pathlib import Path

from headform.heads.linear import LinearHead
from headform.io import atomic
from headform.openhead._fidelity import measure_fidelity
from headform.openhead._source import OpenSource


def write_card(head: LinearHead, source: OpenSource, asset_path: Path) -> None:
    """Write ``<asset>.json`` beside the asset, the same bytes for the same head.

    Raises:
        ResourceError: the file cannot be written.
    """
    digest = hashlib.sha256()
    for array in (source.mean, source.identity, source.expression, source.uv):
        digest.update(array.tobytes())
    fidelity = measure_fidelity(head, source)
    card = {
        "name": "headform open head",
        "file": asset_path.name,
        "sha256": head.sha256,
        "bytes": asset_path.stat().st_size,
        "license": head.license,
        "data": {
            "shape": "ICT-FaceKit Light, USC Institute for Creative Technologies (MIT)",
            "albedo": "headform's own procedural skin, no photos",
            "source_arrays_sha256": digest.hexdigest(),
        },
        "command": "headform heads build-open --ict DIR",
        "counts": {
            "vertices": len(head.mean),
            "triangles": len(head.faces),
            "texture_vertices": len(head.uv),
            "identity_modes": len(head.identity),
            "expressions": len(head.expression),
            "albedo_modes": len(head.albedo),
            "dense_points": len(head.dense),
        },
        "fidelity_mm": {
            "of": "distance of ICT-FaceKit's skin vertices from this surface, six people and six expressions",
            "median": round(fidelity.median, 4),
            "percentile_99": round(fidelity.percentile_99, 3),
            "greatest": round(fidelity.greatest, 2),
        },
        "units": "meters, x to the subject's left, y up, z out of the face",
    }
    atomic.write_bytes(asset_path.with_suffix(".json"), (json.dumps(card, indent=2) + "\n").encode())
