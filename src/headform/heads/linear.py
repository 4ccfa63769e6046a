"""A linear morphable head: mean + identity modes + expression shapes, with everything that is known about its surface.

V vertices, F triangles, T texture vertices, K identity modes, E expressions, A albedo modes, N dense points.
Positions in metres, x to the subject's left, y up, z out of the face. Colours linear RGB.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

PARTS = (
    "face",
    "head",
    "mouth",
    "socket_right",
    "socket_left",
    "tongue",
    "teeth",
    "eye_right",
    "eye_left",
)
"""Names of the values of ``LinearHead.part``; right and left are the subject's. ``face`` and ``head`` are outer skin."""


@dataclass(frozen=True, eq=False)
class LinearHead:
    """One head model in memory; see the module's text for shapes and units.

    Attributes:
        name: what the model is called, for example ``open``.
        sha256: digest of the file it was read from, hexadecimal.
        licence: one line.
        mean: mean shape, metres.
        identity: displacement per standard deviation of each mode.
        expression: displacement at weight 1 of each shape.
        expression_names: names in the order of ``expression`` (ARKit names on the open head).
        faces: triangles, counter-clockwise from outside.
        mirror: the vertex on the other side of each vertex.
        part: index into `PARTS` per vertex.
        regions: named vertex masks (face, nose, lips, eyes, brows, ears, scalp, neck, cheeks ...).
        uv: texture coordinates in [0, 1], origin bottom-left.
        uv_faces: triangles over ``uv``, aligned with ``faces``.
        landmark_vertices: three vertices of each of the 68 iBUG points.
        landmark_weights: their barycentric weights.
        landmark_offset: metres, head frame: from the surface point to where annotators of the 68-point convention
            put it on an average face.
        contour: candidate vertices (17, C) for the jaw line, one row per point, ear to front.
        now7: vertices of the seven NoW landmarks: right eye outer and inner, left eye inner and outer,
            nose bottom, right and left mouth corner.
        dense: vertices of the dense landmark set; the first 68 follow the iBUG order.
        dense_mirror: index into ``dense`` of each dense point's mirror image.
        albedo_mean: linear RGB.
        albedo: linear RGB displacement per standard deviation.
        neck_weight: 1 on what turns with the head, falling to 0 at the bottom of the neck.
        neck_pivot: metres.
    """

    name: str
    sha256: str
    licence: str
    mean: Float[Tensor, "V 3"]
    identity: Float[Tensor, "K V 3"]
    expression: Float[Tensor, "E V 3"]
    expression_names: tuple[str, ...]
    faces: Int[Tensor, "F 3"]
    mirror: Int[Tensor, " V"]
    part: UInt8[Tensor, " V"]
    regions: Mapping[str, Bool[Tensor, " V"]]
    uv: Float[Tensor, "T 2"]
    uv_faces: Int[Tensor, "F 3"]
    landmark_vertices: Int[Tensor, "68 3"]
    landmark_weights: Float[Tensor, "68 3"]
    landmark_offset: Float[Tensor, "68 3"]
    contour: Int[Tensor, "17 C"]
    now7: Int[Tensor, "7"]
    dense: Int[Tensor, " N"]
    dense_mirror: Int[Tensor, " N"]
    albedo_mean: Float[Tensor, "V 3"]
    albedo: Float[Tensor, "A V 3"]
    neck_weight: Float[Tensor, " V"]
    neck_pivot: Float[Tensor, "3"]

    def vertices(
        self,
        identity: Float[Tensor, "*B K"] | None = None,
        expression: Float[Tensor, "*B E"] | None = None,
    ) -> Float[Tensor, "*B V 3"]:
        """Decode: mean + identity . modes + expression . shapes (Egger et al. 2020, eq. 2). Differentiable.

        Fewer coefficients than modes use the first ones. Without coefficients: the mean, (V, 3).
        """
        total = self.mean
        for code, basis in ((identity, self.identity), (expression, self.expression)):
            if code is not None:
                total = total + torch.einsum("...k,kvc->...vc", code, basis[: code.shape[-1]])
        return total

    def albedo_of(self, code: Float[Tensor, "*B A"]) -> Float[Tensor, "*B V 3"]:
        """Albedo from coefficients, linear RGB, not clipped."""
        return self.albedo_mean + torch.einsum(
            "...k,kvc->...vc", code, self.albedo[: code.shape[-1]]
        )

    def landmarks(
        self, vertices: Float[Tensor, "*B V 3"], *, offset: bool = True
    ) -> Float[Tensor, "*B 68 3"]:
        """The 68 iBUG points of decoded vertices, with the offset to the annotators' convention unless switched off."""
        corners = vertices[..., self.landmark_vertices, :]  # (*B, 68, 3, 3)
        points = (corners * self.landmark_weights[..., None]).sum(-2)
        return points + self.landmark_offset if offset else points

    def part_vertices(self, name: str) -> Int[Tensor, " P"]:
        """Indices of the vertices of one of `PARTS`."""
        return torch.nonzero(self.part == PARTS.index(name))[:, 0]

    def eye_centre(self, vertices: Float[Tensor, "*B V 3"], name: str) -> Float[Tensor, "*B 3"]:
        """Centre of one eyeball (``eye_right`` or ``eye_left``): the centroid of its surface.

        Vertices are weighted by the area about them on the mean shape, since an iris has more of
        them than the back of the eye. On a sphere this is the centre, whatever the triangles.

        Raises:
            ValueError: the head has no such eyeball.
        """
        own = self.faces[(self.part[self.faces] == PARTS.index(name)).all(1)]
        if len(own) == 0:
            raise ValueError(f"the head has no part {name}")
        a, b, c = self.mean[own].unbind(1)
        area = torch.linalg.norm(torch.linalg.cross(b - a, c - a), dim=-1)
        weight = self.mean.new_zeros(len(self.mean)).index_add_(
            0, own.flatten(), area.repeat_interleave(3)
        )
        ids = self.part_vertices(name)
        share = weight[ids] / weight[ids].sum()
        return (vertices[..., ids, :] * share.to(vertices)[:, None]).sum(-2)

    def gazed(
        self,
        vertices: Float[Tensor, "*B V 3"],
        right: Float[Tensor, "*B 3 3"],
        left: Float[Tensor, "*B 3 3"],
    ) -> Float[Tensor, "*B V 3"]:
        """Turn the eyeballs about their centres (`eye_centre`) by one rotation each."""
        turned = vertices.clone()
        for name, rotation in (("eye_right", right), ("eye_left", left)):
            ids = self.part_vertices(name)
            if len(ids) == 0:
                continue
            eye = vertices[..., ids, :]
            middle = self.eye_centre(vertices, name)[..., None, :]
            turned[..., ids, :] = (eye - middle) @ rotation.transpose(-1, -2) + middle
        return turned

    def turned(
        self, vertices: Float[Tensor, "*B V 3"], rotation: Float[Tensor, "*B 3 3"]
    ) -> Float[Tensor, "*B V 3"]:
        """Turn the head on its neck: each vertex goes `neck_weight` of the way to its turned place.

        Linear blend skinning with one bone, `v + w (R (v - p) + p - v)` about `neck_pivot` p; the
        pivot is a point of the head frame and does not move with identity. Differentiable.

        Args:
            vertices: (*B, V, 3) metres, head frame.
            rotation: (*B, 3, 3) such as `geometry.rotation.rotation_from_euler` gives.
        """
        arm = vertices - self.neck_pivot.to(vertices)
        moved = arm @ rotation.transpose(-1, -2) - arm
        return vertices + self.neck_weight.to(vertices)[:, None] * moved

    def to(
        self, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> "LinearHead":
        """The same head elsewhere; `dtype` applies to the floating-point parts."""

        def move(value: Any) -> Any:
            if isinstance(value, Tensor):
                return value.to(device, dtype if value.is_floating_point() else None)
            if isinstance(value, Mapping):
                return {k: move(v) for k, v in value.items()}
            return value

        return replace(self, **{f.name: move(getattr(self, f.name)) for f in fields(self)})
