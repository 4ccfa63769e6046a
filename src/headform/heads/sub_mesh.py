"""A head restricted to some of its vertices, with all fields that refer to them.

Letters: those of `heads.linear`; N kept vertices.
"""

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from headform.errors import WeightsError
from headform.heads.linear import LinearHead


def cut(head: LinearHead, kept: Int[np.ndarray, " N"], note: str = "") -> LinearHead:
    """Restrict a model to some of its vertices.

    Triangles are kept if all their corners are. Fields that refer to a removed vertex become unknown: a landmark
    (`landmark_known`), the whole mirror map, a jaw candidate (replaced by its neighbor in the row; all rows are dropped if
    one has none left), the NoW landmarks, a dense point with its image (all of them if one of the first 68 is removed).

    Args:
        head: Any linear head; a model with a skeleton needs all its vertices.
        kept: Indices of the vertices to keep, in their new order, each once.
        note: Sentence for the provenance.

    Raises:
        WeightsError: ``model_index`` (an index out of range or repeated), ``model_kind`` (the head has a skeleton).
    """
    if type(head) is not LinearHead:
        what = f"{head.name} has a skeleton, whose joints depend on all of its vertices"
        raise WeightsError("model_kind", what, "", "cut its posed vertices instead")
    count = len(head.mean)
    if len(kept) and not 0 <= int(kept.min()) <= int(kept.max()) < count:
        what = f"vertices {kept.min()} to {kept.max()} of a head of {count}"
        raise WeightsError("model_index", what, head.name)
    if not len(kept) or len(np.unique(kept)) != len(kept):
        raise WeightsError("model_index", "no vertices to keep, or a repeated one", head.name)
    rows = torch.from_numpy(np.ascontiguousarray(kept, np.int64)).to(head.mean.device)
    place = torch.full((count,), -1, dtype=torch.int64, device=rows.device)
    place[rows] = torch.arange(len(rows), device=rows.device)

    whole = (place[head.faces] >= 0).all(1)
    uv, uv_faces = _texture(head, rows, place, whole)
    vertices, weights, offset = _landmarks(head, place)
    dense, dense_mirror = _dense(head, place)
    mirror = place[head.mirror[rows]] if head.has_field("mirror") else head.mirror
    now7 = place[head.now7]
    notes = (*head.provenance.notes, *([note] if note else []))

    def part(values: Tensor) -> Tensor:
        return values[rows] if len(values) else values

    return replace(
        head,
        sha256="",
        mean=head.mean[rows],
        identity=head.identity[:, rows],
        expression=head.expression[:, rows],
        faces=place[head.faces[whole]],
        mirror=mirror if bool((mirror >= 0).all()) else mirror[:0],
        part=part(head.part),
        regions={name: mask[rows] for name, mask in head.regions.items()},
        uv=uv,
        uv_faces=uv_faces,
        landmark_vertices=vertices,
        landmark_weights=weights,
        landmark_offset=offset,
        contour=_contour(head, place),
        now7=now7 if bool((now7 >= 0).all()) else now7[:0],
        dense=dense,
        dense_mirror=dense_mirror,
        albedo_mean=part(head.albedo_mean),
        albedo=head.albedo[:, rows] if head.has_field("albedo_mean") else head.albedo,
        neck_weight=part(head.neck_weight),
        provenance=replace(head.provenance, notes=notes),
    )


def _texture(head: LinearHead, rows: Tensor, place: Tensor, whole: Tensor) -> tuple[Tensor, Tensor]:
    """Return the texture vertices of the kept triangles; one for each vertex where it was so before."""
    if not head.has_field("uv"):
        return head.uv, head.uv_faces
    if len(head.uv) == len(head.mean) and torch.equal(head.uv_faces, head.faces):
        return head.uv[rows], place[head.uv_faces[whole]]
    used, corners = torch.unique(head.uv_faces[whole], return_inverse=True)
    return head.uv[used], corners


def _landmarks(head: LinearHead, place: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the landmarks whose vertices of nonzero weight are kept."""
    vertices = place[head.landmark_vertices]
    matters = head.landmark_weights != 0
    known = ((vertices >= 0) | ~matters).all(1) & matters.any(1)
    if not bool(known.any()):
        return head.landmark_vertices[:0], head.landmark_weights[:0], head.landmark_offset[:0]
    vertices = torch.where(known[:, None] & (vertices >= 0), vertices, 0)
    keep = known[:, None].to(head.landmark_weights)
    return vertices, head.landmark_weights * keep, head.landmark_offset * keep


def _contour(head: LinearHead, place: Tensor) -> Tensor:
    """Return the kept jaw candidates; a lost one is replaced by the nearest of its row."""
    found = place[head.contour]
    lost = found < 0
    if not found.numel() or bool(lost.all(1).any()):
        return head.contour[:0, :0]
    width = found.shape[1]
    steps = torch.arange(width, device=found.device)
    distance = (steps[:, None] - steps[None]).abs()[None] + lost[:, None, :] * 2 * width
    return torch.gather(found, 1, distance.argmin(2))


def _dense(head: LinearHead, place: Tensor) -> tuple[Tensor, Tensor]:
    """Return the dense points that are kept together with their mirror images."""
    found = place[head.dense]
    stays = (found >= 0) & (found[head.dense_mirror] >= 0)
    if not len(found) or not bool(stays[:68].all()):
        return head.dense[:0], head.dense_mirror[:0]
    number = torch.cumsum(stays, 0) - 1
    return found[stays], number[head.dense_mirror[stays]]
