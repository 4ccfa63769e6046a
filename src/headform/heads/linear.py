"""A linear morphable head: mean + identity modes + expression shapes, with the annotations of its surface.

V vertices, F triangles, T texture vertices, K identity modes, E expressions, A albedo modes, N dense points. Fields that a
model does not provide are empty: an axis of length V, F or 68 then has length 0 (`LinearHead.has_field`).
Positions in meters, x to the subject's left, y up, z out of the face. Colors linear RGB.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor, nn

from headform.errors import InputError, WeightsError
from headform.geometry.array_checks import require_tensor, spoken_kind, wrong_shape
from headform.heads.provenance import Provenance
from headform.images.transfer import linear_from_srgb

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

_TENSOR = "expected a torch tensor"
_SPOKEN = {
    "identity": "identity modes",
    "expression": "expressions",
    "albedo_mean": "colors",
    "albedo": "color modes",
    "uv": "texture coordinates",
    "landmark_vertices": "landmarks",
    "now7": "NoW landmarks",
    "contour": "jaw-line candidates",
    "dense": "dense points",
    "mirror": "mirror map",
    "part": "named parts",
    "neck_weight": "neck",
}


class Regions(nn.Module):
    """Vertex masks by name: a read-only mapping whose masks are buffers, so that they move with their head."""

    def __init__(self, masks: Mapping[str, Bool[Tensor, " V"]]) -> None:
        super().__init__()
        # the name of a buffer must not contain a dot, a publisher's region name may
        self._buffer_of = {name: name.replace(".", "_") for name in masks}
        for name, mask in masks.items():
            self.register_buffer(self._buffer_of[name], mask)

    def __getitem__(self, name: str) -> Bool[Tensor, " V"]:
        return self._buffers[self._buffer_of[name]]  # type: ignore[return-value]

    def __iter__(self) -> Iterator[str]:
        return iter(self._buffer_of)

    def __len__(self) -> int:
        return len(self._buffer_of)

    def __contains__(self, name: object) -> bool:
        return name in self._buffer_of

    def keys(self) -> list[str]:
        """Names of the masks."""
        return list(self)

    def values(self) -> list[Bool[Tensor, " V"]]:
        """Masks, in the order of their names."""
        return [self[name] for name in self]

    def items(self) -> list[tuple[str, Bool[Tensor, " V"]]]:
        """Names and masks."""
        return [(name, self[name]) for name in self]


@dataclass(eq=False, repr=False)
class LinearHead(nn.Module):
    """A head model; see the module docstring for shapes and units.

    An `nn.Module` whose tensors are buffers: `.to` moves it in place, `.state_dict` contains it, and a module that owns one
    moves it along. `dataclasses.replace(head)` returns another module over the same tensors.

    Attributes:
        name: name of the model, for example ``open``.
        sha256: SHA-256 of the file it was read from, hexadecimal.
        license: license of the model, one line.
        mean: mean shape, meters.
        identity: displacement per standard deviation of each mode.
        expression: displacement at weight 1 of each shape.
        expression_names: names in the order of ``expression`` (ARKit names on the open head).
        faces: triangles, counter-clockwise from outside.
        mirror: index of the mirror image of each vertex.
        part: index into `PARTS` per vertex.
        regions: named vertex masks (face, nose, lips, eyes, brows, ears, scalp, neck, cheeks ...).
        uv: texture coordinates in [0, 1], origin bottom-left.
        uv_faces: triangles over ``uv``, aligned with ``faces``.
        landmark_vertices: vertices of the triangle that holds each of the 68 iBUG points.
        landmark_weights: their barycentric weights; all three are 0 at a point that the model does not define.
        landmark_offset: meters, head frame: from the surface point to where annotators of the 68-point convention
            put it on an average face.
        contour: candidate vertices (17, C) for the jaw line, one row per point, ear to front.
        now7: vertices of the seven NoW landmarks: right eye outer and inner, left eye inner and outer,
            nose bottom, right and left mouth corner.
        dense: vertices of the dense landmark set; the first 68 follow the iBUG order.
        dense_mirror: index into ``dense`` of each dense point's mirror image.
        albedo_mean: RGB in `albedo_space`.
        albedo: displacement of RGB in `albedo_space` per standard deviation.
        neck_weight: weight of the neck joint: 1 on the head, falling to 0 at the bottom of the neck.
        neck_pivot: center of the rotation of the neck, meters.
        sigma: standard deviation that each identity mode was published with, in the publisher's own unit; `identity` is
            already multiplied by it.
        provenance: publisher and source files.
        albedo_space: ``linear``, or ``srgb`` (the values as displayed, in [0, 1]) where the publisher's color model is
            in sRGB; `albedo_of` returns linear RGB in both cases.
    """

    name: str
    sha256: str
    license: str
    mean: Float[Tensor, "V 3"]
    identity: Float[Tensor, "K V 3"]
    expression: Float[Tensor, "E V 3"]
    expression_names: tuple[str, ...]
    faces: Int[Tensor, "F 3"]
    mirror: Int[Tensor, " V_m"]
    part: UInt8[Tensor, " V_p"]
    regions: Regions | Mapping[str, Bool[Tensor, " V"]]
    uv: Float[Tensor, "T 2"]
    uv_faces: Int[Tensor, "F_ 3"]
    landmark_vertices: Int[Tensor, "L 3"]
    landmark_weights: Float[Tensor, "L 3"]
    landmark_offset: Float[Tensor, "L 3"]
    contour: Int[Tensor, "J_c C"]
    now7: Int[Tensor, " S"]
    dense: Int[Tensor, " N"]
    dense_mirror: Int[Tensor, " N"]
    albedo_mean: Float[Tensor, "V_a 3"]
    albedo: Float[Tensor, "A V_a 3"]
    neck_weight: Float[Tensor, " V_n"]
    neck_pivot: Float[Tensor, "3"]
    sigma: Float[Tensor, " K_"] = field(default_factory=lambda: torch.zeros(0))
    provenance: Provenance = field(default_factory=Provenance)
    albedo_space: Literal["linear", "srgb"] = "linear"

    def __new__(cls, *_: Any, **__: Any) -> "LinearHead":
        """Set up the module before the dataclass assigns its fields."""
        self = super().__new__(cls)
        nn.Module.__init__(self)
        return self

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, Tensor) and not isinstance(value, nn.Parameter):
                delattr(self, each.name)
                self.register_buffer(each.name, value)
        masks = dict(self.regions.items())
        if "regions" in self.__dict__:
            del self.__dict__["regions"]
        self.regions = Regions(masks)

    def forward(
        self,
        identity: Float[Tensor, "*#B K"] | None = None,
        expression: Float[Tensor, "*#B E"] | None = None,
    ) -> Any:
        """Decode coefficients; see `vertices`."""
        return self.vertices(identity, expression)

    def vertices(
        self,
        identity: Float[Tensor, "*#B K"] | None = None,
        expression: Float[Tensor, "*#B E"] | None = None,
    ) -> Float[Tensor, "... V 3"]:
        """Decode: mean + identity . modes + expression . shapes (Egger et al. 2020, eq. 2). Differentiable.

        Fewer coefficients than modes use the first ones. Without coefficients: the mean, (V, 3).
        Batch axes are broadcast.

        Raises:
            InputError: ``code_length``: more coefficients than modes.
        """
        self.check_codes(identity=identity, expression=expression)
        codes = [
            (code, basis)
            for code, basis in ((identity, self.identity), (expression, self.expression))
            if code is not None
        ]
        if not codes:
            return self.mean
        batch = torch.broadcast_shapes(*(code.shape[:-1] for code, _ in codes))
        total = self.mean.flatten()
        for code, basis in codes:
            rows = code.expand(*batch, code.shape[-1]).reshape(batch.numel(), code.shape[-1])
            total = torch.addmm(total, rows, basis[: code.shape[-1]].flatten(1))
        return total.view(*batch, *self.mean.shape)

    def albedo_of(self, code: Float[Tensor, "*B A"]) -> Float[Tensor, "*B V 3"]:
        """Decode the albedo, linear RGB; clipped to [0, 1] only where `albedo_space` is ``srgb``.

        Raises:
            WeightsError: ``head_lacks``.
            InputError: ``code_length``.
        """
        self.require_fields("albedo_mean")
        self.check_codes(albedo=code)
        albedo = self.albedo_mean + torch.einsum("...k,kvc->...vc", code, self.albedo[: code.shape[-1]])
        return linear_from_srgb(albedo) if self.albedo_space == "srgb" else albedo

    def check_codes(self, **codes: Any) -> None:
        """Refuse codes that are no tensors of the head's dtype, or longer than the basis of their name.

        Raises:
            InputError: ``code_type``, ``code_length``.
        """
        for name, code in codes.items():
            modes = len(getattr(self, name))
            if code is not None and not (isinstance(code, Tensor) and code.dtype == self.mean.dtype):
                dtypes = f"{getattr(code, 'dtype', '')} for a head in {self.mean.dtype}".replace("torch.", "")
                raise InputError(
                    "code_type",
                    f"{name} is {dtypes}" if isinstance(code, Tensor) else f"{name} is {spoken_kind(code)}, {_TENSOR}",
                    f"head {self.name}",
                    "give a tensor of that dtype, such as torch.as_tensor(code, dtype=head.mean.dtype)",
                )
            if code is not None and not code.dim():
                raise wrong_shape(name, (), ("*B", "K"), "give a number for each mode")
            if code is not None and code.shape[-1] > modes:
                raise InputError(
                    "code_length",
                    f"{code.shape[-1]} numbers of {name} for {modes} modes",
                    f"head {self.name}",
                    "leave out the last ones, or use a model that has as many modes",
                )

    @property
    def mean_albedo(self) -> Float[Tensor, "V 3"]:
        """Albedo of the mean head, linear RGB; see `albedo_of`."""
        return self.albedo_of(self.albedo.new_zeros(0))

    def landmarks(self, vertices: Float[Tensor, "*B V 3"], *, offset: bool = True) -> Float[Tensor, "*B 68 3"]:
        """Return the 68 iBUG points of decoded vertices, with the offset to the annotators' convention unless switched off.

        Points that the model does not define are NaN (`landmark_known`).

        Raises:
            WeightsError: ``head_lacks`` when the model defines none.
            InputError: ``array_kind``, ``array_shape``, ``array_dtype``.
        """
        self.require_fields("landmark_vertices")
        require_tensor("vertices", vertices, ("*B", len(self.mean), 3))
        corners = vertices[..., self.landmark_vertices, :]  # (*B, 68, 3, 3)
        points = (corners * self.landmark_weights[..., None]).sum(-2)
        points = points + self.landmark_offset if offset else points
        known = self.landmark_known
        return points if bool(known.all()) else points.masked_fill(~known[:, None], torch.nan)

    @property
    def landmark_known(self) -> Bool[Tensor, "68"]:
        """Mask of the 68 points that the model defines."""
        if not len(self.landmark_weights):
            return torch.zeros(68, dtype=torch.bool, device=self.mean.device)
        return (self.landmark_weights != 0).any(-1)

    def has_field(self, name: str) -> bool:
        """Return whether an optional field, such as ``uv`` or ``landmark_vertices``, is not empty."""
        return bool(len(getattr(self, name)))

    def require_fields(self, *names: str) -> None:
        """Check that optional fields are not empty.

        Raises:
            WeightsError: ``head_lacks``.
        """
        absent = [_SPOKEN.get(name, name) for name in names if not self.has_field(name)]
        if absent:
            notes = "; ".join(self.provenance.notes)
            fix = "convert the model together with the file that holds them, or use another head"
            if {"landmark_vertices", "now7"} & set(names):
                fix = "convert the model with `headform heads convert ... --landmarks FILE`, or use another head"
            raise WeightsError("head_lacks", f"the head {self.name} has no {' and no '.join(absent)}", notes, fix)

    def part_vertices(self, name: str) -> Int[Tensor, " P"]:
        """Indices of the vertices of one of `PARTS`."""
        return torch.nonzero(self.part == PARTS.index(name))[:, 0]

    def eye_center(self, vertices: Float[Tensor, "*B V 3"], name: str) -> Float[Tensor, "*B 3"]:
        """Center of one eyeball (``eye_right`` or ``eye_left``): the centroid of its surface.

        Vertices are weighted by the surrounding area on the mean shape, since the iris is meshed more
        finely than the back of the eye. On a sphere this is the center for any triangulation.

        Raises:
            ValueError: the head has no such eyeball.
        """
        own = self.faces[(self.part[self.faces] == PARTS.index(name)).all(1)]
        if len(own) == 0:
            raise ValueError(f"the head has no part {name}")
        a, b, c = self.mean[own].unbind(1)
        area = torch.linalg.norm(torch.linalg.cross(b - a, c - a), dim=-1)
        weight = self.mean.new_zeros(len(self.mean)).index_add_(0, own.flatten(), area.repeat_interleave(3))
        ids = self.part_vertices(name)
        share = weight[ids] / weight[ids].sum()
        return (vertices[..., ids, :] * share.to(vertices)[:, None]).sum(-2)

    def rotate_eyes(
        self,
        vertices: Float[Tensor, "*B V 3"],
        right: Float[Tensor, "*B 3 3"],
        left: Float[Tensor, "*B 3 3"],
    ) -> Float[Tensor, "*B V 3"]:
        """Rotate the eyeballs about their centers (`eye_center`), one rotation each.

        Raises:
            InputError: ``array_kind``, ``array_shape``, ``array_dtype``.
        """
        require_tensor("vertices", vertices, ("*B", len(self.mean), 3))
        for name, rotation in (("right", right), ("left", left)):
            require_tensor(name, rotation, ("*B", 3, 3))
        turned = vertices.clone()
        for name, rotation in (("eye_right", right), ("eye_left", left)):
            ids = self.part_vertices(name)
            if len(ids) == 0:
                continue
            eye = vertices[..., ids, :]
            middle = self.eye_center(vertices, name)[..., None, :]
            turned[..., ids, :] = (eye - middle) @ rotation.transpose(-1, -2) + middle
        return turned

    def rotate_neck(
        self, vertices: Float[Tensor, "*B V 3"], rotation: Float[Tensor, "*B 3 3"]
    ) -> Float[Tensor, "*B V 3"]:
        """Rotate the head about its neck: each vertex moves by `neck_weight` times its displacement under the rotation.

        Linear blend skinning with one bone, `v + w (R (v - p) + p - v)` about `neck_pivot` p; the
        pivot is a point of the head frame and does not move with identity. Differentiable.

        Args:
            vertices: (*B, V, 3) meters, head frame.
            rotation: (*B, 3, 3) rotation matrix, for example from `geometry.head_angles.rotation_from_euler`.
        """
        require_tensor("vertices", vertices, ("*B", len(self.mean), 3))
        require_tensor("rotation", rotation, ("*B", 3, 3))
        arm = vertices - self.neck_pivot.to(vertices)
        moved = arm @ rotation.transpose(-1, -2) - arm
        return vertices + self.neck_weight.to(vertices)[:, None] * moved

    def __repr__(self) -> str:
        sizes = (
            f"{len(self.mean)} vertices, {len(self.faces)} faces, {len(self.identity)} identity, "
            f"{len(self.expression)} expression, {len(self.albedo)} albedo"
        )
        dtype = str(self.mean.dtype).removeprefix("torch.")
        return f"{type(self).__name__}({self.name}: {sizes}, {self.mean.device}, {dtype})"
