"""Pictures of predicted heads' errors: cumulative curves, and the mean error of each vertex on the mean head."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor

from benchmarks.shape_judges import Judged
from headform.evaluate.now._curve import to_png
from headform.geometry.similarity import fit_similarity
from headform.geometry.units import MM_PER_M
from headform.heads.linear import LinearHead
from headform.io.atomic import write_bytes
from headform.viz.mesh_error_picture import error_sheet


def write_pictures(
    out: Path,
    head: LinearHead,
    judged: Mapping[str, Mapping[str, Judged]],
    shapes: Mapping[str, Mapping[str, Tensor]],
    truths: Mapping[str, Tensor],
) -> None:
    """Write `curves-KIND.png` and `maps-KIND.png` for each kind of people; rows of further seeds are left out.

    Args:
        out: Folder.
        head: Head model.
        judged: Row to kind of people to distances.
        shapes: Row to kind to (P, V, 3) predictions, meters.
        truths: Kind to (P, V, 3) true heads, meters.
    """
    rows = [title for title in judged if ", seed" not in title]
    for kind, true in truths.items():
        panels = {
            f"{kind}, {name}": {title: np.concatenate(getattr(judged[title][kind], field)) for title in rows}
            for name, field in (("non-metrical", "aligned"), ("metrical", "metrical"))
        }
        write_bytes(out / f"curves-{kind.replace(' ', '-')}.png", to_png(panels))
        errors = {title: vertex_errors(head, shapes[title][kind], true) for title in rows}
        sheet = error_sheet(head.mean.numpy(), head.faces.numpy(), errors, side=200)
        Image.fromarray(sheet).save(out / f"maps-{kind.replace(' ', '-')}.png")


def vertex_errors(head: LinearHead, found: Tensor, wanted: Tensor) -> np.ndarray:
    """Mean distance of each vertex over people, after the best rigid motion of the face; NaN beyond it.

    Args:
        head: Head model.
        found: (P, V, 3) predictions, meters.
        wanted: (P, V, 3) true heads, meters.

    Returns:
        (V,) millimeters.
    """
    face = head.regions["face"].numpy()
    total = np.full(len(head.mean), np.nan)
    total[face] = 0.0
    for own, true in zip(found.double().numpy(), wanted.double().numpy(), strict=True):
        moved = fit_similarity(own[face], true[face], scale=False).apply(own[face])
        total[face] += MM_PER_M * np.linalg.norm(moved - true[face], axis=1)
    return total / len(found)
