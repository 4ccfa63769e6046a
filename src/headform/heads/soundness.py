"""Whether the parts of a head fit together: lengths, index ranges, finite numbers.

Letters: those of `heads.linear`.
"""

from dataclasses import fields

import torch
from torch import Tensor

from headform.heads.linear import LinearHead


def check_head(head: LinearHead) -> None:
    """Every index within its range, every array as long as the others or empty, every number finite.

    Raises:
        ValueError: the first thing that does not hold.
    """
    vertices, texture = len(head.mean), len(head.uv)
    if not vertices or not len(head.faces):
        raise ValueError("there are no vertices or no triangles")
    limits = {
        **dict.fromkeys(
            ("faces", "mirror", "landmark_vertices", "contour", "now7", "dense"), vertices
        ),
        "uv_faces": texture,
        "dense_mirror": len(head.dense),
    }
    for name, limit in limits.items():
        value = getattr(head, name)
        if value.numel() and not 0 <= int(value.min()) <= int(value.max()) < limit:
            raise ValueError(f"{name} leaves its range of {limit}")
    lengths = {
        **dict.fromkeys(("mirror", "part", "neck_weight", "albedo_mean"), vertices),
        "uv_faces": len(head.faces),
        "landmark_vertices": 68,
        "contour": 17,
        "now7": 7,
        "sigma": len(head.identity),
    }
    for name, length in lengths.items():
        if len(getattr(head, name)) not in (0, length):
            raise ValueError(f"{name} is {len(getattr(head, name))} long, not {length}")
    for name in ("identity", "expression"):
        if getattr(head, name).shape[1:] != (vertices, 3):
            raise ValueError(f"{name} is not for {vertices} vertices")
    if len(head.albedo) and head.albedo.shape[1] != len(head.albedo_mean):
        raise ValueError("albedo and albedo_mean are not for the same vertices")
    if not len(head.landmark_vertices) == len(head.landmark_weights) == len(head.landmark_offset):
        raise ValueError("the landmarks' vertices, weights and offsets are not equally many")
    if len(head.dense) != len(head.dense_mirror):
        raise ValueError("dense and dense_mirror are not equally long")
    if len(head.expression) != len(head.expression_names):
        raise ValueError("expressions and their names are not equally many")
    if any(len(mask) != vertices for mask in head.regions.values()):
        raise ValueError(f"a region is not for {vertices} vertices")
    for field in fields(head):
        value = getattr(head, field.name)
        if isinstance(value, Tensor) and value.is_floating_point():
            if not bool(torch.isfinite(value).all()):
                raise ValueError(f"{field.name} holds a number that is not finite")
