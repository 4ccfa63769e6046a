"""Consistency of a head's fields: types and axes, lengths, index ranges, finite numbers.

Letters: those of `heads.linear`.
"""

from dataclasses import fields
from typing import get_type_hints

import torch
from torch import Tensor

from headform.heads.flame.head import FlameHead
from headform.heads.linear import PARTS, LinearHead


def check_head(head: LinearHead) -> None:
    """Check that fields have their types, indices their ranges, arrays matching lengths or none, and numbers are finite.

    Raises:
        ValueError: the first violation.
    """
    _check_types(head)
    vertices, texture = len(head.mean), len(head.uv)
    if not vertices or not len(head.faces):
        raise ValueError("there are no vertices or no triangles")
    limits = {
        **dict.fromkeys(("faces", "mirror", "landmark_vertices", "contour", "now7", "dense"), vertices),
        "uv_faces": texture,
        "dense_mirror": len(head.dense),
        "part": len(PARTS),
    }
    if isinstance(head, FlameHead):
        _check_skeleton(head)
        limits |= {"static_vertices": vertices, "contour_vertices": vertices}
    for name, limit in limits.items():
        value = getattr(head, name)
        if value.numel() and not 0 <= int(value.min()) <= int(value.max()) < limit:
            raise ValueError(f"{name} holds an index outside 0 to {limit - 1}")
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
            raise ValueError(f"{name} has length {len(getattr(head, name))}, expected {length}")
    for name in ("identity", "expression"):
        if getattr(head, name).shape[1:] != (vertices, 3):
            raise ValueError(f"{name} has another number of vertices than {vertices}")
    if len(head.albedo) and head.albedo.shape[1] != len(head.albedo_mean):
        raise ValueError("albedo and albedo_mean have different numbers of vertices")
    if not len(head.landmark_vertices) == len(head.landmark_weights) == len(head.landmark_offset):
        raise ValueError("the landmarks' vertices, weights and offsets differ in number")
    if len(head.dense) != len(head.dense_mirror):
        raise ValueError("dense and dense_mirror differ in length")
    if len(head.expression) != len(head.expression_names):
        raise ValueError("expressions and their names differ in number")
    if any(len(mask) != vertices for mask in head.regions.values()):
        raise ValueError(f"a region has another number of vertices than {vertices}")
    for field in fields(head):
        value = getattr(head, field.name)
        if isinstance(value, Tensor) and value.is_floating_point():
            if not bool(torch.isfinite(value).all()):
                raise ValueError(f"{field.name} holds NaN or infinity")


def _check_types(head: LinearHead) -> None:
    """Check axes and number types of arrays against the class, that all have one precision, and that names are strings."""
    types, precision = get_type_hints(type(head)), head.mean.dtype
    for field in fields(head):
        value = getattr(head, field.name)
        if isinstance(value, Tensor):
            if not isinstance(value, types[field.name]):
                raise ValueError(f"{field.name} is {value.dtype} of shape {tuple(value.shape)}")
            if value.is_floating_point() and value.dtype != precision:
                raise ValueError(f"{field.name} is {value.dtype}, mean is {precision}")
    if any(mask.dtype != torch.bool or mask.ndim != 1 for mask in head.regions.values()):
        raise ValueError("a region is not a mask")
    texts = (head.name, head.license, *head.expression_names)
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("a name is not a string")
    if head.albedo_space not in ("linear", "srgb"):
        raise ValueError(f"albedo_space is {head.albedo_space!r:.40}, expected linear or srgb")


def _check_skeleton(head: FlameHead) -> None:
    """Check that joints come after their parents, and that tables match the numbers of joints and vertices."""
    joints, vertices = len(head.parents), len(head.mean)
    shapes: dict[str, tuple[int, ...]] = {
        "joint_regressor": (joints, vertices),
        "skinning": (vertices, joints),
    }
    if len(head.pose_correctives):
        shapes["pose_correctives"] = (9 * (joints - 1), vertices, 3)
    for name, shape in shapes.items():
        if getattr(head, name).shape != shape:
            raise ValueError(f"{name} does not match {joints} joints and {vertices} vertices")
    tree = [p == -1 if k == 0 else 0 <= p < k for k, p in enumerate(head.parents)]
    if not all(tree) or any(type(p) is not int for p in head.parents):
        raise ValueError("the joints are not a tree")
    for name in ("static", "contour"):
        points, weights = getattr(head, f"{name}_vertices"), getattr(head, f"{name}_weights")
        if points.shape != weights.shape:
            raise ValueError(f"{name}_vertices and {name}_weights differ in number")
