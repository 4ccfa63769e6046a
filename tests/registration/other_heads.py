"""Other head models for tests: parts of the open head under another kind, with less knowledge."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from headform import heads
from headform.heads.linear import LinearHead
from headform.heads.provenance import Provenance
from headform.heads.sub_mesh import cut
from headform.images.transfer import srgb_from_linear
from tests.registration.test_head_landmarks import bare


def face_only(kind: str = "surrey", **changes: object) -> LinearHead:
    """The face of the open head as a model of its own: 30 modes, its expressions, nothing named but the landmarks."""
    whole = heads.load_open()
    face = whole.regions["face"].numpy() & (whole.part.numpy() == 0)
    head = cut(whole, np.flatnonzero(face))
    marks = {name: getattr(head, name) for name in ("landmark_vertices", "landmark_weights", "now7")}
    head = replace(
        bare(head),
        **marks,
        landmark_offset=torch.zeros(68, 3),
        name=f"made {kind}",
        sha256="0" * 64,
        part=torch.zeros(0, dtype=torch.uint8),
        identity=head.identity[:30],
        albedo_mean=torch.zeros(0, 3),
        albedo=torch.zeros(0, 0, 3),
        provenance=Provenance(kind=kind, version="made"),
    )
    return replace(head, **changes)


def without_uv(head: LinearHead) -> LinearHead:
    return replace(head, uv=torch.zeros(0, 2), uv_faces=torch.zeros(0, 3, dtype=torch.int64))


def basel_face() -> LinearHead:
    """The face as a Basel front in miniature: 80 modes, 64 components of expression, 80 of color in sRGB."""
    whole = heads.load_open()
    kept = np.flatnonzero(whole.regions["face"].numpy() & (whole.part.numpy() == 0))
    colors = {
        "albedo_mean": srgb_from_linear(whole.albedo_mean[kept]),
        "albedo": _more(0.5 * whole.albedo[:, kept], 80),
        "albedo_space": "srgb",
    }
    head = without_uv(face_only("deep3d", identity=whole.identity[:80, kept], **colors))
    return replace(
        head, expression=_more(head.expression, 64), expression_names=tuple(f"component {k}" for k in range(64))
    )


def _more(basis: Tensor, count: int) -> Tensor:
    """Add components that do nothing."""
    return torch.cat([basis, basis.new_zeros(count - len(basis), *basis.shape[1:])])
